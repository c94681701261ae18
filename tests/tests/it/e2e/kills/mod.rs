//! Kill -9 and failing calls, at every call that changes the disk: the next command says what it recovered, and the
//! workspace is entirely before or entirely after.
//!
//! Here is what all of these tests share. What is killed is in `commands`, `changes` and `edits`, what fails in `faults`; what
//! people decide then, in `settling`; one of each kind, and how it is told, in `endings`.
//! A killed process loses nothing that it wrote; what a power cut loses is tested by `packer-fs`.
//!
//! Some operations are cut at some of their calls only in an ordinary run: as many as `PACKER_TEST_KILLS` says, which
//! `cargo xtask soak kills` sets to more than any of them makes.

mod changes;
mod commands;
mod edits;
mod endings;
mod faults;
mod settling;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use packer_tests::effort::effort;
use packer_tests::logs;
use packer_tests::project::{TestProject, Tree};
use packer_tests::trace::{Call, End, Verdict, trace};

use super::packer;

/// Fewer calls than this would mean that something is not seen.
const FEWEST: usize = 20;

/// More calls than any of these operations makes; only a run that never ends by itself gets here.
const MOST: usize = 2000;

/// Which side of the commit a workspace is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Before,
    After,
}

const BOTH: [Side; 2] = [Side::Before, Side::After];

/// At which calls of an operation something happens to it.
#[derive(Clone, Copy, Debug)]
enum Calls {
    /// At every one in turn.
    Every,
    /// At as many as this, evenly spread, from one that the seed says; at more of them if somebody asks for it.
    Some(u64),
}

impl Calls {
    /// The first, and how many further it is from each to the next, of so many calls.
    fn spread(self, calls: usize) -> (usize, usize) {
        let Self::Some(ordinary) = self else { return (1, 1) };
        let asked = usize::try_from(effort("PACKER_TEST_KILLS", ordinary)).expect("as many can be counted");
        let seed = usize::try_from(effort("PACKER_TEST_SEED", 5)).unwrap_or(usize::MAX);
        let step = calls.div_ceil(asked);
        (1 + seed % step, step)
    }
}

/// Runs `arguments` on a copy of `project`, undisturbed, and returns what calls it made.
#[track_caller]
fn undisturbed(project: &TestProject, arguments: &[&str]) -> (TestProject, Vec<Call>) {
    let copy = project.copy();
    let whole = trace(&copy.command(arguments), |_| Verdict::Go);
    assert_eq!(whole.end, End::Exited(0), "{arguments:?} does not end well by itself: {:?}", whole.calls);
    assert!(whole.calls.len() > FEWEST, "{arguments:?} made only {} calls", whole.calls.len());
    for kind in ["rename", "unlink", "write", "sync", "openat"] {
        assert!(
            whole.calls.iter().any(|call| call.name.contains(kind)),
            "{arguments:?} made no {kind} that was seen"
        );
    }
    (copy, whole.calls)
}

/// Has two threads call `each` with the numbers of the calls that are meant, of about `calls`, until one answers `None`:
/// the operation made no such call. Returns the answers, with how often each was given.
fn at_calls<A: Ord + Send>(
    which: Calls,
    calls: usize,
    each: &(dyn Fn(usize) -> Option<A> + Sync),
) -> BTreeMap<A, usize> {
    let (first, step) = which.spread(calls);
    let (next, is_over) = (AtomicUsize::new(first), AtomicBool::new(false));
    let answers = Mutex::new(BTreeMap::new());
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let n = next.fetch_add(step, Ordering::Relaxed);
            assert!(n < MOST, "it never ends by itself");
            match each(n) {
                Some(answer) => *answers.lock().unwrap().entry(answer).or_insert(0) += 1,
                None => is_over.store(true, Ordering::Relaxed),
            }
        }
    };
    std::thread::scope(|scope| {
        for worker in [scope.spawn(work), scope.spawn(work)] {
            worker.join().unwrap_or_else(|panic| {
                is_over.store(true, Ordering::Relaxed);
                std::panic::resume_unwind(panic)
            });
        }
    });
    let answers = answers.into_inner().unwrap();
    let tried: usize = answers.values().sum();
    if std::env::var_os("PACKER_TEST_KILLS").is_some() {
        say(&format!("{}: {tried} of {calls} calls", std::thread::current().name().unwrap_or_default()));
    }
    let expected = if step == 1 { FEWEST } else { (calls / step).saturating_sub(1).max(1) };
    assert!(tried >= expected, "only {tried} of {calls} calls");
    answers
}

/// Kills `arguments`, run on copies of `project`, at the calls that are meant, and has `judge` say which side each copy is
/// on once the next command has run. `sides` are those that must come up, and no others.
fn killed_anywhere(
    project: &TestProject,
    arguments: &[&str],
    calls: Calls,
    sides: &[Side],
    judge: &(dyn Fn(&TestProject) -> Side + Sync),
) {
    let (_, made) = undisturbed(project, arguments);
    let seen = at_calls(calls, made.len(), &|n| killed_at(n, project, arguments, judge));
    assert!(seen.keys().eq(sides), "the kills left the workspace {seen:?}");
}

/// `None` if the process ended before its `n`th call.
fn killed_at(
    n: usize,
    project: &TestProject,
    arguments: &[&str],
    judge: &(dyn Fn(&TestProject) -> Side + Sync),
) -> Option<Side> {
    let copy = project.copy();
    let mut left = n;
    let killed = trace(&copy.command(arguments), |_| {
        left -= 1;
        if left == 0 { Verdict::Kill } else { Verdict::Go }
    });
    match killed.end {
        End::Exited(code) => {
            assert_eq!(code, 0, "{arguments:?} ended by itself, badly");
            return None;
        }
        End::Killed => {}
    }
    let _place = Place { what: format!("killed at call {n}: {:?}", killed.calls.last()) };
    let owed = logs::unfinished(&copy.root());
    let status = copy.packer(&["status"]).exits(0);
    let told = status.err.lines().filter(|line| line.starts_with("recovered: ")).count();
    assert!(
        told >= owed,
        "{owed} operations had no end, and the next command told of {told}:\n{}",
        status.err
    );
    assert_eq!(copy.status()["freshness"]["state"], "verified");
    assert!(!copy.packer(&["status"]).exits(0).err.contains("recovered"), "recovered twice");
    logs::settled(&copy.root());
    Some(judge(&copy))
}

/// Says what had happened to a process if what follows panics.
struct Place {
    what: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&self.what);
        }
    }
}

fn say(line: &str) {
    std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes()).unwrap();
}

/// A build of the project succeeds, leaves nothing behind, and its pack is whole.
fn builds(project: &TestProject) {
    project.packer(&["build"]).exits(0);
    project.packer(&["verify"]).exits(0);
    assert_eq!(project.leftovers(), Vec::<PathBuf>::new(), "an operation left something behind");
    logs::settled(&project.root());
}

/// A workspace with its folders, also the empty ones.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Workspace {
    files: Tree,
    folders: BTreeSet<PathBuf>,
}

impl Workspace {
    fn of(project: &TestProject) -> Self {
        let mut folders = BTreeSet::new();
        see_folders(&project.path("assets"), &mut folders);
        let below = |folder: PathBuf| folder.strip_prefix(project.root()).unwrap().to_owned();
        Self { files: project.workspace(), folders: folders.into_iter().map(below).collect() }
    }
}

fn see_folders(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            see_folders(&path, found);
            found.insert(path);
        }
    }
}

/// Every file of `once` is still there somewhere: in the project, or kept. The registry changes by lines, which are told
/// apart from files.
fn nothing_is_lost(once: &Tree, project: &TestProject) {
    let there = all_bytes(project);
    for (path, bytes) in once.iter().filter(|(path, _)| !path.ends_with("registry.jsonl")) {
        assert!(there.contains(bytes), "what {} held is nowhere any more", path.display());
    }
}

/// What every file of the workspace holds, and everything that is kept of operations.
fn all_bytes(project: &TestProject) -> BTreeSet<Vec<u8>> {
    let mut there: BTreeSet<Vec<u8>> = project.workspace().into_values().collect();
    read_below(&project.path(".packer/history"), &mut there);
    read_below(&project.path(".packer/journal"), &mut there);
    there
}

fn read_below(folder: &Path, found: &mut BTreeSet<Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_below(&path, found);
        } else {
            found.insert(std::fs::read(&path).unwrap());
        }
    }
}
