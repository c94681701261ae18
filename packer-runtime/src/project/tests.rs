//! What becomes of operations when a disk, or the packer itself, fails at the worst moment. What can be tested from
//! outside is in `tests/`.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::Revision;
use packer_domain::mutation::{Adopt, Mutation, Target};
use packer_events::body::{EventBody, Phase};
use packer_events::record::UnknownCause;
use packer_events::report::{
    Ending, Failure, OutcomeReport, RecoverReport, RecoveryResult, Rejection, UnknownOutcomeCause,
};
use packer_events::sequence::StreamCheck;
use packer_fs::disk::Disk;
use packer_fs::journal;

use super::{Command, FirstObservation, OpenError, OpenOptions, Project};
use crate::build::{BuildRequest, PACK_FILE};
use crate::clock::draw;
use crate::create::create_project;
use crate::feed::{Feed, FeedItem, FeedNext, From};
use crate::freshness::Freshness;
use crate::operation::OperationHandle;
use crate::outcome::Outcome;
use crate::record::recorded_logs;
use crate::testing::HookedDisk;

struct Bench {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    disk: Arc<HookedDisk>,
    project: Option<Project>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap().join("game");
        create_project(&root, "game").unwrap();
        std::fs::write(root.join("assets/a.txt"), b"a").unwrap();
        let disk = Arc::new(HookedDisk::new(root.clone()));
        let mut bench = Self { _folder: folder, root, disk, project: None };
        bench.reopen();
        bench
    }

    /// Closes the project, with whatever the disk does then, and opens it again on a disk that works.
    fn reopen(&mut self) {
        self.project = None;
        self.disk.unhook();
        let disk: Arc<dyn Disk> = self.disk.clone();
        self.project = Some(Project::open_on(&disk, &self.root, OpenOptions::default()).unwrap());
    }

    fn project(&self) -> &Project {
        self.project.as_ref().unwrap()
    }

    fn run(&self, command: Command) -> Outcome {
        self.project().submit(command).wait().unwrap()
    }

    fn build(&self) -> Outcome {
        self.run(Command::Build(BuildRequest { reuse: false, ..BuildRequest::default() }))
    }

    fn managed(&self) -> u64 {
        self.project().status().snapshot.summary().assets.managed
    }

    fn pack(&self) -> Option<Vec<u8>> {
        std::fs::read(self.root.join("build").join(PACK_FILE)).ok()
    }

    fn staged(&self) -> usize {
        let entries = self.root.join("build").read_dir_utf8().unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().file_name().starts_with(".staging")).count()
    }

    /// The first operation with this name on a path that ends so goes wrong, as `how` says.
    fn once(&self, name: &'static str, end: &'static str, how: fn() -> io::Result<()>) {
        let met = AtomicBool::new(false);
        self.disk.hook(move |found, path| {
            let here = found == name && path.as_str().ends_with(end);
            if here && !met.swap(true, Ordering::Relaxed) { how() } else { Ok(()) }
        });
    }

    /// Whether the log of every opening is whole, and every operation in it ended once.
    fn assert_logs_are_whole(&self) {
        for log in recorded_logs(&self.root).unwrap() {
            let mut check = StreamCheck::log();
            for event in &log.events {
                check.push(event).unwrap();
            }
            assert_eq!(check.running().count(), 0);
        }
    }

    fn recovered(&self) -> Vec<RecoveryResult> {
        let result = |outcome: &Outcome| match outcome.success() {
            Some(OutcomeReport::Recover(RecoverReport { result, .. })) => *result,
            other => panic!("{other:?}"),
        };
        self.project().recovered().iter().map(result).collect()
    }
}

fn adopt() -> Command {
    Command::Mutate(Mutation::Adopt(Adopt { targets: vec![Target::Root], kind: None, draw: draw() }))
}

fn panics() -> io::Result<()> {
    panic!("at the worst moment")
}

fn fails() -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::StorageFull))
}

fn drain(feed: &mut Feed) -> Vec<FeedItem> {
    let mut items = Vec::new();
    while let FeedNext::Item(item) = feed.next(Duration::ZERO) {
        items.push(item);
    }
    items
}

#[test]
fn a_panic_ends_its_operation_and_nothing_else() {
    let bench = Bench::new();
    bench.once("open", "registry.jsonl", panics);
    let outcome = bench.run(adopt());
    let Ending::Failed(report) = outcome.ending() else { panic!("{outcome:?}") };
    assert_eq!(report.cause, Failure::Panic { message: "at the worst moment".to_owned() });
    assert!(bench.run(adopt()).success().is_some());
    bench.once("create", PACK_FILE, panics);
    assert!(matches!(bench.build().ending(), Ending::Failed(_)));
    assert!(!bench.root.join("build").exists(), "what was staged is gone");
    assert!(bench.build().success().is_some());
    bench.assert_logs_are_whole();
}

#[test]
fn an_end_whose_storing_panics_is_an_end_that_was_not_stored() {
    let mut bench = Bench::new();
    let is_lane = || std::thread::current().name() == Some("packer-lane");
    // The log can be opened by nobody, and by the lane not even tried.
    bench.disk.hook(move |name, path| match path.extension() {
        Some("jsonl") if name == "open_write" => {
            if is_lane() {
                panics()
            } else {
                fails()
            }
        }
        _ => Ok(()),
    });
    let handle = bench.project().submit(Command::Refresh);
    let (ended, waited) = std::sync::mpsc::channel();
    std::thread::spawn(move || ended.send(handle.wait()).is_ok());
    let outcome = waited.recv_timeout(Duration::from_secs(30)).expect("somebody waits for ever");
    let operation_id = outcome.unwrap_err().operation_id;
    assert_eq!(bench.project().status().freshness, Freshness::RecoveryRequired { operation_id });
    // The lane lives, and what was not stored is as soon as that can be done.
    bench.disk.unhook();
    assert!(bench.run(Command::Refresh).success().is_some());
    bench.reopen();
    bench.assert_logs_are_whole();
}

#[test]
fn a_scan_that_is_cancelled_reads_no_further() {
    let bench = Bench::new();
    for n in 0..300 {
        std::fs::write(bench.root.join(format!("assets/{n}.txt")), n.to_string()).unwrap();
    }
    let opened = Arc::new(AtomicU64::new(0));
    let handle = Arc::new(Mutex::new(None::<OperationHandle>));
    let (in_hook, counted) = (Arc::clone(&handle), Arc::clone(&opened));
    bench.disk.hook(move |name, path| {
        if name == "open" && path.starts_with("assets") && counted.fetch_add(1, Ordering::Relaxed) == 20 {
            in_hook.lock().unwrap().as_ref().unwrap().cancel();
        }
        Ok(())
    });
    let before = bench.project().status().snapshot.revision();
    let mut slot = handle.lock().unwrap();
    let submitted = bench.project().submit(Command::Refresh);
    *slot = Some(submitted.clone());
    drop(slot);
    let outcome = submitted.wait().unwrap();
    let Ending::Cancelled(report) = outcome.ending() else { panic!("{outcome:?}") };
    assert_eq!(report.phase, Some(Phase::Scan));
    // Each thread of the pool ends the file that it is at.
    let opened = opened.load(Ordering::Relaxed);
    assert!((21..100).contains(&opened), "{opened} files were opened");
    assert_eq!(bench.project().status().snapshot.revision(), before);
    bench.disk.unhook();
    bench.assert_logs_are_whole();
}

#[test]
fn a_build_that_cannot_take_over_what_did_not_change_does_not_say_that_it_was_written() {
    let mut bench = Bench::new();
    std::fs::write(bench.root.join("assets/b.txt"), b"b").unwrap();
    assert!(bench.run(adopt()).success().is_some());
    assert!(bench.build().success().is_some());
    std::fs::write(bench.root.join("assets/a.txt"), b"changed").unwrap();
    // Who has read nothing yet evaluates only what changed.
    let by_build =
        OpenOptions { first_observation: FirstObservation::ByFirstOperation, ..OpenOptions::default() };
    let disk: Arc<dyn Disk> = bench.disk.clone();
    bench.project = None;
    bench.project = Some(Project::open_on(&disk, &bench.root, by_build).unwrap());
    let mut feed = bench.project().subscribe(From::Now);
    let before = bench.pack();
    bench.once("append_range", PACK_FILE, fails);
    let outcome = bench.run(Command::Build(BuildRequest::default()));
    assert!(matches!(outcome.ending(), Ending::Failed(_)), "{outcome:?}");
    assert_eq!(bench.pack(), before);
    let written = |item: &FeedItem| match item.event.body {
        EventBody::Progress { phase: Phase::Write, done, .. } => Some(done),
        _ => None,
    };
    assert_eq!(drain(&mut feed).iter().filter_map(written).collect::<Vec<_>>(), [0]);
    assert_eq!(bench.project().status().snapshot.revision(), Revision(0), "it was not evaluated");
}

/// Runs an adoption that is cancelled just before the first operation with this name on a path that ends so.
fn cancelled_at(bench: &Bench, name: &'static str, end: &'static str) -> Outcome {
    let handle = Arc::new(Mutex::new(None::<OperationHandle>));
    let (in_hook, met) = (Arc::clone(&handle), Arc::new(AtomicBool::new(false)));
    let was_met = Arc::clone(&met);
    bench.disk.hook(move |found, path| {
        if found == name && path.as_str().ends_with(end) {
            in_hook.lock().unwrap().as_ref().unwrap().cancel();
            was_met.store(true, Ordering::Relaxed);
        }
        Ok(())
    });
    // The hook waits for the handle that it is to cancel.
    let mut slot = handle.lock().unwrap();
    let submitted = bench.project().submit(adopt());
    *slot = Some(submitted.clone());
    drop(slot);
    let outcome = submitted.wait().unwrap();
    assert!(met.load(Ordering::Relaxed));
    outcome
}

#[test]
fn what_is_committed_cannot_be_cancelled_and_is_seen() {
    let bench = Bench::new();
    let outcome = cancelled_at(&bench, "exchange", "registry.jsonl");
    assert!(matches!(outcome.ending(), Ending::Succeeded(_)), "{outcome:?}");
    assert_eq!(bench.managed(), 1);
    assert!(matches!(bench.project().status().freshness, Freshness::Verified { .. }));
    bench.assert_logs_are_whole();
}

#[test]
fn what_is_cancelled_while_it_stages_leaves_nothing() {
    let bench = Bench::new();
    let outcome = cancelled_at(&bench, "create", ".0");
    let Ending::Cancelled(report) = outcome.ending() else { panic!("{outcome:?}") };
    assert_eq!(report.phase, Some(Phase::Stage));
    assert!(!bench.root.join("assets/a.txt.asset.toml").exists());
    assert_eq!(bench.root.join(".packer/journal").read_dir_utf8().unwrap().count(), 0);
    bench.assert_logs_are_whole();
}

#[test]
fn a_commit_that_could_not_be_observed_is_a_success_with_an_old_snapshot() {
    for how in [panics as fn() -> io::Result<()>, fails] {
        let bench = Bench::new();
        let committed = AtomicBool::new(false);
        bench.disk.hook(move |name, path| {
            if name == "exchange" {
                committed.store(true, Ordering::Relaxed);
            }
            let observes = name == "open" && path.as_str() == "packer.toml";
            if observes && committed.swap(false, Ordering::Relaxed) { how() } else { Ok(()) }
        });
        let outcome = bench.run(adopt());
        let Some(OutcomeReport::Mutation(report)) = outcome.success() else { panic!("{outcome:?}") };
        assert_eq!((report.commit, report.result_revision), (Some(1), None));
        let unknown = Freshness::Unknown { cause: UnknownCause::ScanInterrupted };
        assert_eq!((bench.managed(), bench.project().status().freshness.clone()), (0, unknown));
        let logs = recorded_logs(&bench.root).unwrap();
        assert!(logs[0].events.iter().any(|event| matches!(event.body, EventBody::Freshness { .. })));
        assert!(bench.run(Command::Refresh).success().is_some());
        assert!(matches!(bench.project().status().freshness, Freshness::Verified { .. }));
        assert_eq!(bench.managed(), 1);
        bench.assert_logs_are_whole();
    }
}

#[test]
fn what_goes_wrong_before_the_commit_point_changes_nothing() {
    let bench = Bench::new();
    bench.once("create", ".0", fails);
    let outcome = bench.run(adopt());
    assert!(matches!(outcome.ending(), Ending::Failed(_)), "{outcome:?}");
    assert!(!bench.root.join("assets/a.txt.asset.toml").exists());
    assert!(journal::pending(&*bench.disk).unwrap().is_empty());
    assert!(bench.run(adopt()).success().is_some());
}

#[test]
fn a_disk_that_fails_amid_a_commit_freezes_the_lane_for_good() {
    let mut bench = Bench::new();
    bench.once("exchange", "registry.jsonl", fails);
    let outcome = bench.run(adopt());
    let Ending::OutcomeUnknown(report) = outcome.ending() else { panic!("{outcome:?}") };
    assert_eq!(report.cause, UnknownOutcomeCause::Io);
    let operation_id = outcome.operation_id();
    for _ in 0..2 {
        assert_eq!(bench.project().status().freshness, Freshness::RecoveryRequired { operation_id });
        let refused = bench.run(adopt());
        let Ending::Rejected(report) = refused.ending() else { panic!("{refused:?}") };
        assert_eq!(report.reason, Rejection::LaneFrozen { operation_id });
        bench.reopen();
        assert!(bench.recovered().is_empty(), "it has its end already");
    }
    bench.assert_logs_are_whole();
}

#[test]
fn a_panic_amid_a_commit_is_no_claim_that_nothing_changed() {
    let mut bench = Bench::new();
    bench.once("exchange", "registry.jsonl", panics);
    let outcome = bench.run(adopt());
    assert!(matches!(outcome.ending(), Ending::OutcomeUnknown(_)), "{outcome:?}");
    assert!(matches!(bench.project().status().freshness, Freshness::RecoveryRequired { .. }));
    bench.reopen();
    assert_eq!(bench.recovered(), [RecoveryResult::Finished]);
    assert_eq!(bench.managed(), 1);
    bench.assert_logs_are_whole();
}

#[test]
fn nobody_waits_for_ever_when_cleaning_up_panics() {
    for how in [panics as fn() -> io::Result<()>, fails] {
        let bench = Bench::new();
        let met = AtomicBool::new(false);
        bench.disk.hook(move |name, path| {
            let here = name == "rename_new" && path.as_str().starts_with(".packer/history/");
            if here && !met.swap(true, Ordering::Relaxed) { how() } else { Ok(()) }
        });
        let handle = bench.project().submit(adopt());
        let (ended, waited) = std::sync::mpsc::channel();
        std::thread::spawn(move || ended.send(handle.wait()).is_ok());
        let outcome = waited.recv_timeout(Duration::from_secs(30)).expect("somebody waits for ever");
        assert!(outcome.unwrap().success().is_some());
        assert_eq!(journal::pending(&*bench.disk).unwrap().len(), 1);
        std::fs::write(bench.root.join("assets/b.txt"), b"b").unwrap();
        let next = bench.run(adopt());
        assert!(next.success().is_some(), "{next:?}");
        assert!(journal::pending(&*bench.disk).unwrap().is_empty());
        bench.assert_logs_are_whole();
    }
}

#[test]
fn outputs_that_cannot_be_placed_at_first_are_placed_or_dropped_at_once() {
    let bench = Bench::new();
    assert!(bench.run(adopt()).success().is_some());
    for how in [panics as fn() -> io::Result<()>, fails] {
        bench.once("rename_over", PACK_FILE, how);
        assert!(bench.build().success().is_some());
        assert!(journal::pending(&*bench.disk).unwrap().is_empty());
    }
    let pack = bench.pack();
    assert!(pack.is_some());
    assert!(journal::pending(&*bench.disk).unwrap().is_empty());

    std::fs::write(bench.root.join("assets/a.txt"), b"changed").unwrap();
    bench
        .disk
        .hook(|name, path| if name == "rename_over" && path.ends_with(PACK_FILE) { fails() } else { Ok(()) });
    let outcome = bench.build();
    assert!(matches!(outcome.ending(), Ending::Failed(_)), "{outcome:?}");
    assert_eq!((bench.pack(), bench.staged()), (pack.clone(), 0));
    assert!(journal::pending(&*bench.disk).unwrap().is_empty());

    bench.disk.unhook();
    assert!(bench.run(Command::Build(BuildRequest::default())).success().is_some());
    assert_ne!(bench.pack(), pack);
    bench.assert_logs_are_whole();
}

/// Keeps every event out of the log until it says otherwise.
fn without_log(bench: &Bench) -> Arc<AtomicBool> {
    let full = Arc::new(AtomicBool::new(true));
    let is_full = Arc::clone(&full);
    bench.disk.hook(move |name, path: &Utf8Path| {
        let is_log = name == "open_write" && path.extension() == Some("jsonl");
        if is_log && is_full.load(Ordering::Relaxed) { fails() } else { Ok(()) }
    });
    full
}

#[test]
fn an_end_that_cannot_be_stored_is_told_to_nobody_until_it_is() {
    let bench = Bench::new();
    let mut feed = bench.project().subscribe(From::Now);
    let full = without_log(&bench);
    let handle = bench.project().submit(Command::Refresh);
    assert_eq!(handle.wait().unwrap_err().operation_id, handle.id());
    let mut told = drain(&mut feed);
    assert!(!told.is_empty() && told.iter().all(|item| !item.event.terminal), "{told:#?}");
    let required = Freshness::RecoveryRequired { operation_id: handle.id() };
    assert_eq!(bench.project().status().freshness, required);

    // What is said after it waits for it.
    let second = bench.project().submit(Command::Refresh);
    assert!(second.wait().is_err());
    assert!(drain(&mut feed).is_empty());
    full.store(false, Ordering::Relaxed);
    assert!(bench.run(Command::Refresh).success().is_some());
    assert_eq!(
        bench.project().status().freshness.clone(),
        Freshness::RecoveryRequired { operation_id: second.id() }
    );
    told.extend(drain(&mut feed));
    let mut check = StreamCheck::feed();
    for item in &told {
        check.push(&item.event).unwrap();
    }
    assert_eq!(check.running().count(), 0);
    assert_eq!(told.iter().filter(|item| item.outcome.is_some()).count(), 3);
    bench.assert_logs_are_whole();
}

#[test]
fn a_commit_whose_end_cannot_be_stored_is_settled_by_the_next_opening() {
    // With the log full to the end, and with room for it when the project is closed.
    for stays_full in [true, false] {
        let mut bench = Bench::new();
        let full = without_log(&bench);
        let handle = bench.project().submit(adopt());
        assert!(handle.wait().is_err());
        assert_eq!(journal::pending(&*bench.disk).unwrap().len(), 1, "it is not cleaned up after");
        let refused = bench.project().submit(adopt());
        full.store(stays_full, Ordering::Relaxed);
        drop(refused.wait());
        bench.reopen();
        let result = if stays_full { RecoveryResult::Finished } else { RecoveryResult::Closed };
        assert_eq!(bench.recovered(), [result]);
        assert_eq!(bench.managed(), 1);
        assert!(journal::pending(&*bench.disk).unwrap().is_empty());
        bench.assert_logs_are_whole();
    }
}

#[test]
fn a_recovery_whose_clean_up_fails_has_an_end_all_the_same() {
    let mut bench = Bench::new();
    let full = without_log(&bench);
    assert!(bench.project().submit(adopt()).wait().is_err());
    bench.project = None;
    // The log has room again; what was displaced cannot be put away.
    full.store(false, Ordering::Relaxed);
    bench.disk.hook(|name, path| {
        if name == "rename_new" && path.starts_with(".packer/history") { fails() } else { Ok(()) }
    });
    let disk: Arc<dyn Disk> = bench.disk.clone();
    assert!(matches!(Project::open_on(&disk, &bench.root, OpenOptions::default()), Err(OpenError::Disk(_))));
    bench.assert_logs_are_whole();
    bench.reopen();
    // The dead process could not write a log, so nothing says that its operation has had its end.
    assert_eq!(bench.recovered(), [RecoveryResult::Finished]);
    assert_eq!(bench.managed(), 1);
    assert!(journal::pending(&*bench.disk).unwrap().is_empty());
    bench.assert_logs_are_whole();
}
