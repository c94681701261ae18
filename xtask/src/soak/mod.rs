//! `cargo xtask soak`: what the ordinary tests do for seconds, for as long as somebody wants. `soak fuzz` runs the fuzzers of
//! `fuzz` for a while, and says what each did; tests that try a number of things are run by `longer`.
//!
//! Fuzzing builds all of them once, with the address sanitizer, also for the C that is linked; then runs them, some at a time, at a
//! low priority, each from the seeds and regressions in the repository and from what it found interesting before, which it
//! keeps in `target/fuzz-corpus`. What a fuzzer finds is in `target/fuzz-findings`. What is fuzzed, and what must hold, is in
//! `packer-tests`.
//!
//! It installs nothing. The compiler is the stable one, told by an environment variable to take the flags that instrument.

mod longer;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::Failure;

const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// One input that takes longer, in seconds, is a finding.
const INPUT_SECONDS: u32 = 20;

/// A fuzzer that has more memory, in MiB, is a finding; the sanitizer takes a multiple of what the program does.
const MEMORY_MB: u32 = 2560;

/// One allocation of more MiB is a finding: no limit of any target allows it.
const ALLOCATION_MB: u32 = 256;

struct Options {
    seconds: u64,
    parallel: usize,
    targets: Vec<String>,
}

/// What one fuzzer did.
struct Report {
    target: String,
    executions: u64,
    coverage: u64,
    corpus: u64,
    findings: usize,
    took: Duration,
    status: ExitStatus,
}

impl Report {
    fn failed(&self) -> bool {
        self.findings > 0 || !self.status.success()
    }
}

/// `cargo xtask soak ARGUMENTS`.
pub(crate) fn run(repository: &Path, arguments: &[OsString]) -> Result<(), Failure> {
    match longer::parse(arguments) {
        Some(longer) => longer?.run(repository),
        None => run_fuzzers(repository, arguments),
    }
}

fn run_fuzzers(repository: &Path, arguments: &[OsString]) -> Result<(), Failure> {
    let options = parse(arguments)?;
    let all = targets(repository)?;
    let chosen = if options.targets.is_empty() { all.clone() } else { options.targets };
    if let Some(unknown) = chosen.iter().find(|target| !all.contains(target)) {
        return Err(Failure(format!("there is no fuzz target {unknown}; there are {}", all.join(", "))));
    }
    build(repository)?;
    let waves = chosen.len().div_ceil(options.parallel) as u64;
    eprintln!(
        "soak: {} targets, {} at a time, {} s each: about {} minutes",
        chosen.len(),
        options.parallel,
        options.seconds,
        (waves * options.seconds).div_ceil(60)
    );
    let queue = Mutex::new(VecDeque::from(chosen));
    let reports = Mutex::new(Vec::new());
    let next = || queue.lock().ok()?.pop_front();
    std::thread::scope(|scope| {
        for _ in 0..options.parallel {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let report = fuzz(repository, &target, options.seconds);
                    let failed = report.as_ref().map_or(true, Report::failed);
                    eprintln!("soak: {target}: {}", if failed { "FAILED" } else { "nothing found" });
                    if let Ok(mut reports) = reports.lock() {
                        reports.push((target, report));
                    }
                }
            });
        }
    });
    let mut reports = reports.into_inner().map_err(|_| Failure("a thread panicked".to_owned()))?;
    reports.sort_by(|(a, _), (b, _)| a.cmp(b));
    finish(&reports)
}

fn parse(arguments: &[OsString]) -> Result<Options, Failure> {
    let usage = || {
        Failure(
            "usage: cargo xtask soak fuzz [--seconds 600] [--parallel 2] [TARGET …]; without a target, all\n\
             or: cargo xtask soak schedules|kills|crowd|model [--number N] [--seed N]"
                .to_owned(),
        )
    };
    let mut words = arguments.iter().map(|word| word.to_str().unwrap_or_default());
    if words.next() != Some("fuzz") {
        return Err(usage());
    }
    let mut options = Options { seconds: 600, parallel: 2, targets: Vec::new() };
    while let Some(word) = words.next() {
        let mut number =
            || words.next().and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
        match word {
            "--seconds" => options.seconds = number().ok_or_else(usage)?,
            "--parallel" => options.parallel = number().ok_or_else(usage)? as usize,
            target if !target.starts_with('-') => options.targets.push(target.to_owned()),
            _ => return Err(usage()),
        }
    }
    Ok(options)
}

/// The names of all targets: those of the files in `fuzz/fuzz_targets`.
fn targets(repository: &Path) -> Result<Vec<String>, Failure> {
    let folder = repository.join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| Failure(format!("{}: {error}", folder.display())))?;
    let name = |entry: fs::DirEntry| Some(entry.path().file_stem()?.to_str()?.to_owned());
    let mut targets: Vec<String> = entries.filter_map(Result::ok).filter_map(name).collect();
    targets.sort();
    if targets.is_empty() { Err(Failure("there is no fuzz target".to_owned())) } else { Ok(targets) }
}

fn build(repository: &Path) -> Result<(), Failure> {
    let works = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !works(cargo(repository).args(["fuzz", "--version"])) {
        return Err(Failure("cargo-fuzz is not installed: cargo install cargo-fuzz --locked".to_owned()));
    }
    let mut command = cargo(repository);
    command.args(["fuzz", "build", "--fuzz-dir", "fuzz", "--target", TRIPLE, "--target-dir", "target/fuzz"]);
    if works(Command::new("clang").arg("--version")) {
        command.env("CC", "clang").env("CXX", "clang++");
        let flags = format!("CFLAGS_{}", TRIPLE.replace('-', "_"));
        command.env(flags, "-fsanitize=address,fuzzer-no-link");
    } else {
        eprintln!("soak: there is no clang, so the C that is linked is not instrumented");
    }
    let status = command
        // Lets the stable compiler take the flags that instrument.
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("CARGO_TARGET_DIR")
        .status()
        .map_err(|error| Failure(format!("cargo fuzz build: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure(format!("cargo fuzz build: {status}"))) }
}

fn cargo(repository: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(repository);
    command
}

fn fuzz(repository: &Path, target: &str, seconds: u64) -> Result<Report, Failure> {
    let fail = |path: &Path, error: std::io::Error| Failure(format!("{}: {error}", path.display()));
    let made = repository.join("target");
    let (kept, found) = (made.join("fuzz-corpus").join(target), made.join("fuzz-findings").join(target));
    // What an earlier run found is told by that run; here only what this one finds counts.
    if found.exists() {
        fs::remove_dir_all(&found).map_err(|error| fail(&found, error))?;
    }
    for folder in [&kept, &found] {
        fs::create_dir_all(folder).map_err(|error| fail(folder, error))?;
    }
    let log_path = found.join("log.txt");
    let log = File::create(&log_path).map_err(|error| fail(&log_path, error))?;
    let also = log.try_clone().map_err(|error| fail(&log_path, error))?;
    let given = ["fuzz/corpus", "fuzz/regressions"].map(|folder| repository.join(folder).join(target));
    let start = Instant::now();
    let status = Command::new("nice")
        .args(["-n", "10"])
        .arg(made.join("fuzz").join(TRIPLE).join("release").join(target))
        .arg(&kept)
        .args(given.iter().filter(|folder| folder.is_dir()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB}"))
        .arg(format!("-malloc_limit_mb={ALLOCATION_MB}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg("-print_final_stats=1")
        .current_dir(repository)
        .stdout(log)
        .stderr(also)
        .status()
        .map_err(|error| Failure(format!("{target}: {error}")))?;
    let took = start.elapsed();
    let said = fs::read(&log_path).map_err(|error| fail(&log_path, error))?;
    let said = String::from_utf8_lossy(&said);
    Ok(Report {
        target: target.to_owned(),
        executions: last_number(&said, "stat::number_of_executed_units: "),
        coverage: last_number(&said, " cov: "),
        corpus: last_number(&said, " corp: "),
        findings: findings(&found)?.len(),
        took,
        status,
    })
}

/// The inputs that a fuzzer left as findings.
fn findings(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure(format!("{}: {error}", folder.display())))?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    // The other kind that libFuzzer leaves is of inputs that are merely slow on a busy machine.
    let is_finding = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        ["crash-", "leak-", "oom-", "timeout-"].iter().any(|prefix| name.starts_with(prefix))
    };
    Ok(paths.filter(is_finding).collect())
}

/// The number after the last `label` in `text`; 0 if there is none.
fn last_number(text: &str, label: &str) -> u64 {
    let rest = text.rsplit_once(label).map_or("", |(_, rest)| rest);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn finish(reports: &[(String, Result<Report, Failure>)]) -> Result<(), Failure> {
    println!(
        "{:<14} {:>12} {:>10} {:>8} {:>9} {:>8}",
        "target", "executions", "coverage", "corpus", "findings", "seconds"
    );
    let mut failed = Vec::new();
    for (target, report) in reports {
        match report {
            Ok(report) => {
                let Report { target, executions, coverage, corpus, findings, took, .. } = report;
                let seconds = took.as_secs();
                println!(
                    "{target:<14} {executions:>12} {coverage:>10} {corpus:>8} {findings:>9} {seconds:>8}"
                );
                // A fuzzer that ran nothing shows nothing.
                if report.failed() || *executions == 0 {
                    failed.push(format!("{target}: {}: see target/fuzz-findings/{target}", report.status));
                }
            }
            Err(Failure(message)) => failed.push(format!("{target}: {message}")),
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure(failed.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_figures_of_a_fuzzer_are_read() {
        let text = "#2 INITED cov: 7 ft: 8 corp: 1/1b\n#9 DONE   cov: 71 ft: 80 corp: 12/1Kb\nstat::number_of_executed_units: 4711\n";
        assert_eq!(last_number(text, " cov: "), 71);
        assert_eq!(last_number(text, " corp: "), 12);
        assert_eq!(last_number(text, "stat::number_of_executed_units: "), 4711);
        assert_eq!(last_number("", " cov: "), 0);
    }

    #[test]
    fn arguments_say_how_long_and_what() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let options = parse(&words(&["fuzz", "--seconds", "5", "pack", "--parallel", "3"])).unwrap();
        assert_eq!((options.seconds, options.parallel, options.targets), (5, 3, vec!["pack".to_owned()]));
        for wrong in [&["fuzz", "--seconds", "0"][..], &["fuzz", "--all"], &[], &["bench"]] {
            assert!(parse(&words(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_target_is_found() {
        assert!(targets(&crate::repository()).unwrap().contains(&"pack".to_owned()));
    }
}
