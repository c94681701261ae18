//! Somebody else saves a file between any two operations of a commit: no byte of it is ever lost, and the commit
//! succeeds, is refused, or freezes.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::disk::{DirEntry, ReadFile, Stat, WriteFile};

/// The most disks that are tried of one power cut.
const STATES: usize = 4;

/// How many recoveries are tried at least after a save and a cut.
pub(super) const RECOVERIES: usize = 20_000;
/// A save before one of so many operations, and a cut before one of so many.
const STRIDE: usize = 6;

/// A disk on which somebody saves a file before the operation with this number, counting reads too.
#[derive(Debug)]
pub(super) struct Meddled {
    disk: SimDisk,
    at: u64,
    path: Utf8PathBuf,
    is_done: AtomicBool,
}

impl Meddled {
    pub(super) fn has_meddled(&self) -> bool {
        self.is_done.load(Ordering::Relaxed)
    }

    pub(super) fn into_disk(self) -> SimDisk {
        self.disk
    }

    fn disk(&self) -> &SimDisk {
        if self.disk.operations() + self.disk.reads() >= self.at
            && !self.is_done.swap(true, Ordering::Relaxed)
        {
            self.disk.put(&self.path, SAVED.as_bytes());
        }
        &self.disk
    }
}

impl Disk for Meddled {
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        self.disk().read_dir(dir)
    }
    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError> {
        self.disk().stat(path)
    }
    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError> {
        self.disk().open(path)
    }
    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.disk().create(path)
    }
    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.disk().open_write(path)
    }
    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.disk().create_dir(path)
    }
    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.disk().remove_file(path)
    }
    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.disk().remove_dir(path)
    }
    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.disk().rename_new(from, to)
    }
    fn rename_over(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.disk().rename_over(from, to)
    }
    fn exchange(&self, a: &Utf8Path, b: &Utf8Path) -> Result<(), DiskError> {
        self.disk().exchange(a, b)
    }
    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError> {
        self.disk().sync_dir(dir)
    }
}

pub(super) fn meddled(disk: SimDisk, path: &str, at: u64) -> Meddled {
    Meddled { disk, at, path: path.into(), is_done: AtomicBool::new(false) }
}

/// The paths worth saving: every one that the commit takes from or puts something to, and the registry.
pub(super) fn paths(workload: &Workload) -> Vec<&'static str> {
    let files = workload.before.iter().chain(workload.after).map(|(path, _)| *path);
    let mut paths: Vec<&str> = files.chain([layout::REGISTRY]).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Every file of before that nobody saved over is still somewhere.
fn lost(workload: &Workload, project: &SimDisk, disk: &SimDisk, saved: &str) -> Option<String> {
    let files = user_files(project);
    let saved_over = files.get(Utf8Path::new(saved)).map(String::as_str);
    let mut texts = workload.texts();
    texts.retain(|text| Some(*text) != saved_over);
    texts.push(SAVED);
    texts.into_iter().find(|text| !is_anywhere(disk, text)).map(str::to_owned)
}

#[test]
fn a_save_between_any_two_operations_loses_nothing() {
    let (mut done, mut refused, mut frozen) = (0, 0, 0);
    for workload in WORKLOADS {
        let project = workload.project();
        for path in paths(workload) {
            for at in 0.. {
                let disk = meddled(project.fork(), path, at);
                let (reached, error) = commit(&disk, workload.request());
                if !disk.has_meddled() {
                    break;
                }
                let disk = disk.disk;
                let context = format!("{}: {path} saved at {at}: {reached:?}, {error:?}", workload.name);
                // A text that is placed twice, saved over at one place after it moved there, is lost to its saver.
                let moved_here = workload.after.iter().find(|(to, _)| *to == path).map(|(_, text)| *text);
                let lost =
                    lost(workload, &project, &disk, path).filter(|text| Some(text.as_str()) != moved_here);
                assert_eq!(lost, None, "{context}");
                let reports = without_settled(recover_all(&disk).unwrap());
                match error {
                    None => {
                        done += 1;
                        assert_eq!(reports, [], "{context}");
                        let is_kept = user_files(&disk).values().any(|text| text == SAVED)
                            || user_files(&project)
                                .get(Utf8Path::new(path))
                                .is_some_and(|text| text == SAVED);
                        assert!(is_kept, "{context}: the save was taken for what stood there before");
                    }
                    Some(error) if error.starts_with("Stale") => {
                        refused += 1;
                        assert_eq!(reports, [], "{context}");
                        let mut expected = user_files(&project);
                        expected.insert(path.into(), SAVED.to_owned());
                        assert_eq!(user_files(&disk), expected, "{context}");
                    }
                    Some(error) => {
                        frozen += 1;
                        assert!(error.starts_with("Frozen"), "{context}");
                        assert_eq!(
                            reports,
                            [(operation(TESTED), Report::Frozen(vec![path.into()]))],
                            "{context}"
                        );
                    }
                }
                assert!(is_anywhere(&disk, SAVED), "{context}");
            }
        }
    }
    println!("{done} done, {refused} refused, {frozen} frozen");
    assert!(done > 0 && refused > 0 && frozen > 0);
}

#[test]
fn a_save_and_then_a_cut_lose_nothing_either() {
    let (mut recoveries, mut frozen) = (0, 0);
    for workload in [BATCH, CHAIN, CYCLE_OF_EQUALS, UNDO, KEEP_THEIRS] {
        let project = workload.project();
        for path in paths(&workload) {
            for at in (0..).step_by(STRIDE) {
                let mut is_done = false;
                for cut in (at % STRIDE as u64..).step_by(STRIDE) {
                    let disk = meddled(project.fork(), path, at);
                    disk.disk.fail_after(cut);
                    let (reached, error) = commit(&disk, workload.request());
                    is_done |= disk.has_meddled();
                    let killed = disk.disk.fork();
                    for state in disk.disk.crash_states_seeded(STATES, cut).chain([killed]) {
                        let context = format!(
                            "{}: {path} saved at {at}, cut at {cut}, {:?}: {reached:?}, {error:?}",
                            workload.name,
                            state.losses()
                        );
                        let was_saved = is_anywhere(&state, SAVED);
                        assert!(was_saved || !disk.has_meddled(), "{context}");
                        for _ in 0..2 {
                            let reports = recover_all(&state).unwrap();
                            recoveries += 1;
                            let is_frozen =
                                reports.iter().any(|(_, report)| matches!(report, Report::Frozen(_)));
                            frozen += usize::from(is_frozen);
                            assert!(is_frozen || pending(&state).unwrap().is_empty(), "{context}");
                            assert_eq!(is_anywhere(&state, SAVED), was_saved, "{context}: {reports:?}");
                        }
                    }
                    if error
                        .is_none_or(|error| !error.contains("power is cut") && !error.contains("PowerCut"))
                    {
                        break;
                    }
                }
                if !is_done {
                    break;
                }
            }
        }
    }
    println!("{recoveries} recoveries, {frozen} of them frozen");
    assert!(recoveries >= RECOVERIES && frozen > 100);
}

/// Between the crash and the restart nobody holds the lane, and people go on working.
#[test]
fn an_edit_between_a_crash_and_the_restart_loses_nothing() {
    let (mut recoveries, mut frozen) = (0, 0);
    for workload in WORKLOADS {
        let project = workload.project();
        for cut in 0.. {
            let disk = project.fork();
            disk.fail_after(cut);
            let (reached, error) = commit(&disk, workload.request());
            let killed = disk.fork();
            for state in disk.crash_states_seeded(STATES, cut).take(2).chain([killed]) {
                for path in paths(workload) {
                    let state = state.fork();
                    let context = format!(
                        "{}: cut at {cut}, {:?}, {path} saved: {reached:?}",
                        workload.name,
                        state.losses()
                    );
                    let mut texts = workload.texts();
                    let saved_over = user_files(&state).remove(Utf8Path::new(path));
                    texts.retain(|text| Some(*text) != saved_over.as_deref());
                    state.put(path.into(), SAVED.as_bytes());
                    let before = user_files(&state);
                    let ended_before = is_logged(&state, operation(TESTED));
                    let mut reports = recover_all(&state).unwrap();
                    reports.retain(|(of, _)| *of == operation(TESTED));
                    recoveries += 1;
                    let lost = texts.into_iter().chain([SAVED]).find(|text| !is_anywhere(&state, text));
                    assert_eq!(lost, None, "{context}: {reports:?}");
                    let is_ended = is_logged(&state, operation(TESTED));
                    let is_head =
                        read_head(&state).unwrap().is_some_and(|head| head.operation == operation(TESTED));
                    match &reports[..] {
                        [] => assert_eq!(is_ended, ended_before, "{context}"),
                        [(_, Report::Finished)] => assert!(is_ended && !ended_before && is_head, "{context}"),
                        [(_, Report::CleanedUp)] => assert!(ended_before && is_head, "{context}"),
                        [(_, Report::Dropped)] => {
                            assert!(!is_ended && !is_head && reached < Reached::Recorded, "{context}");
                            assert_eq!(user_files(&state), before, "{context}");
                        }
                        [(_, Report::Frozen(at))] => {
                            frozen += 1;
                            assert!(!is_ended && !is_head, "{context}");
                            assert_eq!(at[..], [Utf8PathBuf::from(path)], "{context}");
                            assert_eq!(user_files(&state), before, "{context}: nothing is touched");
                            assert_eq!(to_settle(&state).unwrap(), Some(operation(TESTED)), "{context}");
                        }
                        _ => panic!("{context}: more than one end: {reports:?}"),
                    }
                    let again = without_settled(recover_all(&state).unwrap());
                    recoveries += 1;
                    let is_frozen = matches!(reports[..], [(_, Report::Frozen(_))]);
                    assert_eq!(again, if is_frozen { reports } else { Vec::new() }, "{context}");
                    let ends = state.read(LOG.into(), 1 << 20).unwrap_or_default();
                    let ends = String::from_utf8_lossy(&ends).into_owned();
                    assert!(ends.matches(&operation(TESTED).to_string()).count() <= 1, "{context}");
                }
            }
            if error.is_none() {
                break;
            }
        }
    }
    println!("{recoveries} recoveries, {frozen} of them frozen");
    assert!(recoveries > 5000 && frozen > 500);
}

#[test]
fn recovery_freezes_what_was_edited_meanwhile_and_says_where_everything_is() {
    let disk = BATCH.project();
    drop(stage(&disk, BATCH.request()).unwrap().record_intent().unwrap());
    disk.put("assets/x/b".into(), SAVED.as_bytes());
    let before = user_files(&disk);
    let expected = [(operation(TESTED), Report::Frozen(vec!["assets/x/b".into()]))];
    assert_eq!(recover_all(&disk).unwrap(), expected);
    assert_eq!(user_files(&disk), before, "nothing is touched");
    // Frozen stays frozen, also when the edit is taken back.
    disk.put("assets/x/b".into(), b"b");
    assert_eq!(recover_all(&disk).unwrap(), [(operation(TESTED), Report::Frozen(Vec::new()))]);
    assert_eq!(pending(&disk).unwrap()[0].state, PendingState::Frozen);
}

#[test]
fn no_cut_thaws_a_commit_that_was_reported_as_frozen() {
    let project = BATCH.project();
    let tries: [fn(&SimDisk); 2] = [
        |disk| {
            let recorded = stage(disk, BATCH.request()).unwrap().record_intent().unwrap();
            disk.put("assets/a".into(), SAVED.as_bytes());
            assert!(matches!(recorded.apply(), Err(ApplyError::Frozen { .. })));
        },
        |disk| {
            drop(stage(disk, BATCH.request()).unwrap().record_intent().unwrap());
            disk.put("assets/a".into(), SAVED.as_bytes());
            assert!(matches!(recover_all(disk).unwrap()[..], [(_, Report::Frozen(_))]));
        },
    ];
    for freeze in tries {
        let disk = project.fork();
        freeze(&disk);
        for state in disk.crash_states(64) {
            let frozen = Pending { operation: operation(TESTED), state: PendingState::Frozen };
            assert_eq!(pending(&state).unwrap(), [frozen], "{:?}", state.losses());
        }
    }
}

#[test]
fn what_takes_a_place_in_between_is_not_overwritten() {
    let disk = BATCH.project();
    let recorded = stage(&disk, BATCH.request()).unwrap().record_intent().unwrap();
    disk.put("assets/c".into(), SAVED.as_bytes());
    match recorded.apply().map(|_| ()).unwrap_err() {
        ApplyError::Frozen { conflicts, .. } => {
            let [conflict] = &conflicts[..] else { panic!("{conflicts:?}") };
            assert_eq!(conflict.path, "assets/c");
            assert_eq!(conflict.found, Fingerprint::File(fingerprint(SAVED)));
            let ours = conflict.kept_at.as_ref().unwrap();
            assert_eq!(disk.read(ours, 99).unwrap(), b"c");
        }
        error @ ApplyError::OutcomeUnknown { .. } => panic!("{error:?}"),
    }
    assert_eq!(disk.read("assets/c".into(), 99).unwrap(), SAVED.as_bytes());
}
