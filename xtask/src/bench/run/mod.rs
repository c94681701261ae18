//! `cargo xtask bench run`: the packer beside its peers, on the same bytes, in turn.
//!
//! Here is which contests there are, what each is held to, and what has to be there for them. `contest` runs them,
//! `measure` watches single processes, `row` reports.

mod codec_sum;
mod contest;
mod include;
mod machine;
mod measure;
mod row;
mod series;
mod studio;
mod subscriber;
mod trace;

pub(super) use measure::{encode, observe};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum};

use super::generate::{self, GenError, KindMix, ProjectSpec};
use codec_sum::Bakery;
use contest::{Arena, ContestError};
use machine::Machine;
use measure::Sample;
use row::{Limit, Report, Row};
use series::{Series, Spread};

/// The peak of memory that no build may pass, in megabytes, up to [`MEMORY_ASSETS`] assets.
const MEMORY_LIMIT: f64 = 120.0;

/// Up to how many assets [`MEMORY_LIMIT`] is a gate.
const MEMORY_ASSETS: u64 = 100_000;

/// How many times as many assets `--scale` compares with.
const SCALE: u64 = 10;

/// What part of the assets `studio_update` compares with.
const SMALLER: u64 = 100;

/// In how many rounds the larger project is measured at most: each takes minutes.
const SCALE_ROUNDS: usize = 3;

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// How many assets the generated project has
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    assets: u64,
    /// What it is drawn from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The generated project, which is made if it is not there [default: a folder in target/bench]
    #[arg(long, value_name = "DIR", conflicts_with = "project")]
    dir: Option<PathBuf>,
    /// A project of your own instead; it is copied, and the copy is measured
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    /// How many rounds count
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Only these contests
    #[arg(long, value_name = "NAME", value_enum)]
    only: Vec<Contest>,
    /// Also at ten times the assets
    #[arg(long, conflicts_with = "project")]
    scale: bool,
    /// Also count system calls, if `strace` is there
    #[arg(long)]
    strace: bool,
    /// The packer's binary, instead of one that is built from this repository
    #[arg(long, value_name = "FILE")]
    packer: Option<PathBuf>,
    /// Report as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Contest {
    /// A build with nothing changed, beside `git status`
    NoChange,
    /// A build with one input changed, beside one with nothing changed and a copy of the pack
    OneChange,
    /// A build from nothing, beside `tar | zstd`; of a project of your own, beside the codecs alone
    CleanBuild,
    /// `packer status`, beside `git status`
    StatusWarm,
    /// One asset included or excluded by an open project, beside replacing a file of the registry's size durably
    Include,
    /// A build from nothing with a subscriber that reads all of its events, beside one without
    Subscriber,
    /// The same, of a build that says of each asset why it is baked
    SubscriberExplain,
    /// A project opened by the adapter, with the first page of its workspace, beside one opened without it
    StudioOpen,
    /// The updates that follow from one change, beside those in a project of a hundredth of the size
    StudioUpdate,
}

/// How a run ended that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every gate holds.
    Holds,
    /// One does not.
    Fails,
    /// None was seen to fail, and something could not be measured.
    Incomplete,
}

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Contest(#[from] ContestError),
    #[error(transparent)]
    Measure(#[from] measure::MeasureError),
    #[error(transparent)]
    Generate(#[from] GenError),
    #[error("cargo build --release --package packer-cli failed")]
    Build,
    #[error("no room for the projects in {}: {why}", folder.display())]
    NoRoom { folder: PathBuf, why: String },
    #[error("{} is no project: it has no packer.toml", folder.display())]
    NoProject { folder: PathBuf },
}

/// Measures, reports, and says how it ended.
pub(crate) fn run(repository: &Path, args: &RunArgs) -> Result<Ending, RunError> {
    let packer = match &args.packer {
        Some(packer) => absolute(packer)?,
        None => build_packer(repository)?,
    };
    let base = repository.join("target/bench");
    fs::create_dir_all(&base).map_err(ContestError::io(&base))?;
    let machine = Machine::look(&packer, &base);
    if let Some(warning) = machine.load_warning() {
        eprintln!("warning: {warning}");
    }
    let mut session =
        Session { args, machine, packer, base, rows: Vec::new(), calls: Vec::new(), notes: Vec::new() };
    let (arena, assets) = match &args.project {
        Some(project) => session.real(project)?,
        None => session.generated()?,
    };
    let report = Report {
        project: args.project.as_ref().unwrap_or(&arena.project).display().to_string(),
        assets,
        rounds: arena.rounds,
        notes: session.machine.load_warning().into_iter().chain(session.notes).collect(),
        machine: session.machine,
        rows: session.rows,
        calls: session.calls,
    };
    if args.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    Ok(match (report.holds(), report.is_complete()) {
        (false, _) => Ending::Fails,
        (true, false) => Ending::Incomplete,
        (true, true) => Ending::Holds,
    })
}

/// A run under way.
struct Session<'a> {
    args: &'a RunArgs,
    machine: Machine,
    packer: PathBuf,
    base: PathBuf,
    rows: Vec<Row>,
    calls: Vec<trace::Calls>,
    notes: Vec<String>,
}

impl Session<'_> {
    fn wants(&self, contest: Contest) -> bool {
        self.args.only.is_empty() || self.args.only.contains(&contest)
    }

    /// Says why a row has no figures, if a program that it needs is not there.
    fn lacks(&mut self, name: &str, limit: Limit, programs: &[&str]) -> bool {
        let missing: Vec<&str> =
            programs.iter().copied().filter(|program| !self.machine.has(program)).collect();
        if !missing.is_empty() {
            let why = format!("install the package {}", missing.join(" and the package "));
            self.rows.push(Row::skipped(name, limit, why));
        }
        !missing.is_empty()
    }

    fn memory(&mut self, contest: &str, assets: u64, series: &Series) {
        let name = format!("{contest} memory");
        let limit =
            if assets <= MEMORY_ASSETS { Limit::Gate(MEMORY_LIMIT) } else { Limit::Goal(MEMORY_LIMIT) };
        self.rows.push(match series.peak_bytes() {
            0 => Row::skipped(&name, limit, "this system does not tell".to_owned()),
            bytes => Row::memory(&name, limit, bytes),
        });
    }

    /// Every contest on a generated project.
    fn generated(&mut self) -> Result<(Arena, u64), RunError> {
        let asked = self.args.assets;
        let folder = match &self.args.dir {
            Some(dir) => absolute(dir)?,
            None => self.base.join(short_count(asked)),
        };
        if !folder.join("packer.toml").exists() {
            self.generate(&folder, asked, true)?;
        }
        if self.machine.has("git") && !folder.join(".git").exists() {
            eprintln!("committing {} to git …", folder.display());
            generate::commit(&folder)?;
        }
        let (arena, bakery) = self.arena(&folder, usize::from(self.args.rounds))?;
        let assets = bakery.count()?;
        self.warm_up(&arena)?;
        let mut base: Vec<(&'static str, Series)> = Vec::new();
        let limit = Limit::Gate(0.8);
        if self.wants(Contest::NoChange) && !self.lacks("no_change", limit, &["git"]) {
            eprintln!("no_change …");
            let [packer, git] = arena.no_change()?;
            self.rows.push(Row::beside("no_change", limit, &packer.seconds(), "git status", &git.seconds()));
            self.memory("no_change", assets, &packer);
            base.push(("no_change", packer));
        }
        if self.wants(Contest::OneChange) {
            eprintln!("one_change …");
            let [packer, unchanged, copy] = arena.one_change()?;
            let sum: Vec<f64> =
                unchanged.seconds().iter().zip(copy.seconds()).map(|(build, copy)| build + copy).collect();
            let limit = Limit::Gate(1.2);
            self.rows.push(Row::beside("one_change", limit, &packer.seconds(), "no change + cp", &sum));
            self.memory("one_change", assets, &packer);
            base.push(("one_change", packer));
        }
        let limit = Limit::Goal(0.7);
        if self.wants(Contest::StatusWarm) && !self.lacks("status_warm", limit, &["git"]) {
            eprintln!("status_warm …");
            let [packer, git] = arena.status_warm()?;
            self.rows.push(Row::beside(
                "status_warm",
                limit,
                &packer.seconds(),
                "git status",
                &git.seconds(),
            ));
            base.push(("status_warm", packer));
        }
        self.in_process(&arena)?;
        let limit = Limit::Gate(1.0);
        if self.wants(Contest::CleanBuild) && !self.lacks("clean_build", limit, &["tar", "zstd"]) {
            eprintln!("clean_build …");
            let [packer, tar] = arena.clean_build()?;
            let label = "tar | zstd -T2 -3";
            self.rows.push(Row::beside("clean_build", limit, &packer.seconds(), label, &tar.seconds()));
            self.memory("clean_build", assets, &packer);
            base.push(("clean_build", packer));
        }
        self.trace(&arena)?;
        if self.args.scale {
            self.scale(&base, assets)?;
        }
        Ok((arena, assets))
    }

    /// The contests that take place in this process: what a project that is open does, and what others make of it.
    fn in_process(&mut self, arena: &Arena) -> Result<(), RunError> {
        if self.wants(Contest::Include) {
            eprintln!("include …");
            let [packer, peer, process] = include::contest(arena)?;
            self.beside("include", 3.0, &packer, "write, sync, rename, sync", &peer);
            let median = Spread::of(&process.seconds()).median;
            self.notes.push(format!("`packer include` as a process of its own: {median:.2} s"));
        }
        let subscribers = [
            (Contest::Subscriber, "subscriber", false),
            (Contest::SubscriberExplain, "subscriber_explain", true),
        ];
        for (contest, name, explain) in subscribers {
            if self.wants(contest) {
                eprintln!("{name} …");
                let [with, without] = subscriber::contest(arena, explain)?;
                self.beside(name, 1.02, &with, "nobody", &without);
            }
        }
        if self.wants(Contest::StudioOpen) {
            eprintln!("studio_open …");
            let [session, project] = studio::open(arena)?;
            self.beside("studio_open", 1.1, &session, "the project alone", &project);
        }
        if self.wants(Contest::StudioUpdate) {
            eprintln!("studio_update …");
            let assets = (self.args.assets / SMALLER).max(1);
            let small = self.base.join(format!("small-{}", short_count(assets)));
            remove_all(&small)?;
            self.generate(&small, assets, false)?;
            let [large, little] = studio::update(arena, &small)?;
            remove_all(&small)?;
            self.beside("studio_update", 3.0, &large, &format!("{assets} assets"), &little);
        }
        Ok(())
    }

    fn beside(&mut self, name: &str, gate: f64, packer: &Series, label: &str, peer: &Series) {
        let limit = Limit::Gate(gate);
        self.rows.push(Row::beside(name, limit, &packer.seconds(), label, &peer.seconds()));
    }

    /// The same at ten times the assets, beside what was measured before. The larger project is taken away at the end.
    fn scale(&mut self, base: &[(&'static str, Series)], assets: u64) -> Result<(), RunError> {
        let larger = assets * SCALE;
        let folder = self.base.join(format!("scale-{}", short_count(larger)));
        remove_all(&folder)?;
        self.generate(&folder, larger, false)?;
        let (arena, _) = self.arena(&folder, usize::from(self.args.rounds).min(SCALE_ROUNDS))?;
        self.warm_up(&arena)?;
        let label = format!("{assets} assets");
        for (contest, smaller) in base {
            eprintln!("scale: {contest} …");
            let series = match *contest {
                "no_change" => arena.no_change_alone().map(|[series]| series),
                "one_change" => arena.one_change().map(|[series, ..]| series),
                "status_warm" => arena.status_alone().map(|[series]| series),
                _ => arena.clean_build_alone().map(|[series]| series),
            }?;
            let name = format!("scale {contest}");
            let (seconds, before) = (series.seconds(), smaller.seconds());
            self.rows.push(Row::beside(&name, Limit::Gate(11.0), &seconds, &label, &before));
            let (bytes, before) = (series.peak_bytes(), smaller.peak_bytes());
            if before > 0 {
                let name = format!("{name} memory");
                self.rows.push(Row::memory_beside(&name, Limit::Gate(10.0), bytes, &label, before));
            }
        }
        Ok(remove_all(&folder)?)
    }

    /// The contests on a copy of somebody's project.
    fn real(&mut self, project: &Path) -> Result<(Arena, u64), RunError> {
        let project = absolute(project)?;
        if !project.join("packer.toml").exists() {
            return Err(RunError::NoProject { folder: project });
        }
        let folder = self.base.join("real");
        remove_all(&folder)?;
        eprintln!("copying {} …", project.display());
        let mut copy = Command::new("cp");
        copy.arg("-a").arg("--").arg(&project).arg(&folder);
        match copy.status() {
            Ok(status) if status.success() => {}
            Ok(status) => {
                return Err(ContestError::io(&project)(io::Error::other(format!("cp: {status}"))).into());
            }
            Err(source) => return Err(ContestError::io(&project)(source).into()),
        }
        remove_all(&folder.join(".git"))?;
        let (arena, bakery) = self.arena(&folder, usize::from(self.args.rounds))?;
        let assets = bakery.count()?;
        arena.forget()?;
        if self.machine.has("git") {
            generate::commit(&folder)?;
            // The project need not say by itself what is not to be committed.
            let exclude = folder.join(".git/info/exclude");
            let lines = format!("/.packer/\n/{}/\n", bakery.output().display());
            fs::write(&exclude, lines).map_err(ContestError::io(&exclude))?;
        }
        self.warm_up(&arena)?;
        let limit = Limit::Gate(0.8);
        if self.wants(Contest::NoChange) && !self.lacks("no_change", limit, &["git"]) {
            eprintln!("no_change …");
            let [packer, git] = arena.no_change()?;
            self.rows.push(Row::beside("no_change", limit, &packer.seconds(), "git status", &git.seconds()));
            self.memory("no_change", assets, &packer);
        }
        let limit = Limit::Goal(0.7);
        if self.wants(Contest::StatusWarm) && !self.lacks("status_warm", limit, &["git"]) {
            eprintln!("status_warm …");
            let [packer, git] = arena.status_warm()?;
            self.rows.push(Row::beside(
                "status_warm",
                limit,
                &packer.seconds(),
                "git status",
                &git.seconds(),
            ));
        }
        if self.wants(Contest::CleanBuild) {
            eprintln!("clean_build …");
            self.clean_build_of_art(&arena, &bakery, assets)?;
        }
        self.trace(&arena)?;
        remove_all(&folder)?;
        Ok((arena, assets))
    }

    /// A build from nothing beside the codecs' own time, shared out over the cores.
    fn clean_build_of_art(&mut self, arena: &Arena, bakery: &Bakery, assets: u64) -> Result<(), RunError> {
        let cores = f64::from(u32::try_from(self.machine.cores).unwrap_or(u32::MAX));
        let mut last = codec_sum::CodecSum::default();
        let [packer, codecs] = arena.clean_build_against(|| {
            last = bakery.bake_all()?;
            Ok(Sample { seconds: last.took.as_secs_f64() / cores, peak_bytes: 0, code: 0 })
        })?;
        let label = format!("codecs / {} cores", self.machine.cores);
        let limit = Limit::Gate(1.3);
        self.rows.push(Row::beside("clean_build", limit, &packer.seconds(), &label, &codecs.seconds()));
        self.memory("clean_build", assets, &packer);
        self.notes.push(format!(
            "the codecs baked {} assets; {} are equal to others, {} were refused, {} left out",
            last.baked, last.equal, last.refused, last.left_out
        ));
        Ok(())
    }

    /// Builds once, and lets git look once, so that no contest begins with work left over.
    fn warm_up(&self, arena: &Arena) -> Result<(), RunError> {
        eprintln!("building {} once …", arena.project.display());
        arena.build().measure()?;
        if arena.project.join(".git").exists() && self.machine.has("git") {
            arena.check_clean()?;
        }
        Ok(())
    }

    fn trace(&mut self, arena: &Arena) -> Result<(), RunError> {
        if !self.args.strace {
            return Ok(());
        }
        let present = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
        if !present {
            self.notes.push("system calls are not counted: install the package strace".to_owned());
            return Ok(());
        }
        eprintln!("system calls …");
        let counts = arena.scratch.join("calls.txt");
        self.calls.push(trace::count("a build with nothing changed", &arena.build(), &counts)?);
        arena.forget()?;
        self.calls.push(trace::count("a build from nothing", &arena.build(), &counts)?);
        Ok(())
    }

    fn generate(&self, folder: &Path, assets: u64, git: bool) -> Result<(), RunError> {
        if let Some(why) = machine::lacks_room(&self.base, assets, git) {
            return Err(RunError::NoRoom { folder: folder.to_owned(), why });
        }
        eprintln!("generating {assets} assets in {} …", folder.display());
        let spec = ProjectSpec { assets, seed: self.args.seed, mix: KindMix::default() };
        generate::write(folder, &spec)?;
        Ok(())
    }

    fn arena(&self, project: &Path, rounds: usize) -> Result<(Arena, Bakery), RunError> {
        let bakery = Bakery::open(project)?;
        let scratch = self.base.join("scratch");
        fs::create_dir_all(&scratch).map_err(ContestError::io(&scratch))?;
        let arena = Arena {
            packer: self.packer.clone(),
            project: project.to_owned(),
            assets: bakery.assets().to_owned(),
            output: project.join(bakery.output()),
            scratch,
            rounds,
        };
        Ok((arena, bakery))
    }
}

/// `100k`, `3M`, or all digits.
fn short_count(count: u64) -> String {
    match count {
        count if count > 0 && count.is_multiple_of(1_000_000) => format!("{}M", count / 1_000_000),
        count if count > 0 && count.is_multiple_of(1_000) => format!("{}k", count / 1_000),
        count => count.to_string(),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, ContestError> {
    std::path::absolute(path).map_err(ContestError::io(path))
}

fn remove_all(folder: &Path) -> Result<(), ContestError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ContestError::io(folder)(error)),
        _ => Ok(()),
    }
}

/// Builds the packer as it is shipped, and says where it is: beside this program, which cargo built too.
fn build_packer(repository: &Path) -> Result<PathBuf, RunError> {
    eprintln!("building the packer …");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--release", "--package", "packer-cli"]).current_dir(repository);
    let built = command.status().is_ok_and(|status| status.success());
    let here = std::env::current_exe().ok();
    let target = here.as_deref().and_then(Path::parent).and_then(Path::parent);
    let packer =
        target.map(|target| target.join("release/packer").with_extension(std::env::consts::EXE_EXTENSION));
    packer.filter(|packer| built && packer.exists()).ok_or(RunError::Build)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short_where_they_can_be() {
        assert_eq!(
            [0, 300, 1000, 100_000, 1_000_000, 1_500_000].map(short_count),
            ["0", "300", "1k", "100k", "1M", "1500k"]
        );
    }
}
