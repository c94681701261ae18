//! The locks on real files. Two opens of one file exclude each other within one process as they do between two.

use std::sync::mpsc;

use packer_domain::identity::SourceId;

use super::*;

struct Project {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
}

fn project() -> Project {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap().to_owned();
    Project { _folder: folder, root }
}

fn facts(operation: &str) -> HolderFacts {
    HolderFacts { pid: 7, host: "loom".to_owned(), operation: operation.to_owned(), since_unix_ms: 1 }
}

fn try_lane(root: &Utf8Path, operation: &str) -> Result<LaneGuard, LockError> {
    LaneLock::acquire(root, &facts(operation), Wait::Never, &mut |_| panic!("never waits"))
}

fn try_build(root: &Utf8Path) -> Result<BuildGuard, LockError> {
    BuildLock::acquire(root, &facts("build"), Wait::Never, &mut |_| panic!("never waits"))
}

/// Who is said to hold what could not be locked.
#[track_caller]
fn holder_of<T>(result: Result<T, LockError>) -> Option<HolderFacts> {
    match result {
        Err(LockError::Busy { holder, .. }) => holder,
        Err(error) => panic!("not busy but: {error}"),
        Ok(_) => panic!("not busy but free"),
    }
}

#[test]
fn the_lane_is_one_at_a_time_and_names_its_holder() {
    let Project { root, _folder } = project();
    let guard = try_lane(&root, "adopt 1").unwrap();
    assert!(guard.still_valid());
    assert_eq!(holder_of(try_lane(&root, "adopt 2")), Some(facts("adopt 1")));
    drop(guard);
    assert!(!root.join(layout::LANE_HOLDER).exists());
    let guard = try_lane(&root, "x").unwrap();
    assert_eq!(
        holder_of(try_lane(&root, "adopt 2")),
        Some(facts("x")),
        "shorter facts leave no rest of longer ones"
    );
    drop(guard);
}

#[test]
fn the_folder_is_made_and_kept_out_of_version_control() {
    let Project { root, _folder } = project();
    let _guard = try_lane(&root, "adopt").unwrap();
    assert_eq!(std::fs::read_to_string(root.join(".packer/.gitignore")).unwrap(), "*\n");
}

#[test]
fn lane_and_build_are_two_locks() {
    let Project { root, _folder } = project();
    let build = try_build(&root).unwrap();
    let lane = try_lane(&root, "adopt").unwrap();
    assert_eq!(holder_of(try_build(&root)), Some(facts("build")));
    assert!(build.still_valid() && lane.still_valid());
}

#[test]
fn a_waiter_is_told_of_the_holder_and_gets_the_lane_when_it_is_released() {
    let Project { root, _folder } = project();
    let guard = try_lane(&root, "first").unwrap();
    let (waiting, is_waiting) = mpsc::channel();
    let waiter = std::thread::spawn({
        let root = root.clone();
        move || {
            let mut on_wait = |holder: Option<&HolderFacts>| waiting.send(holder.cloned()).unwrap();
            let guard =
                LaneLock::acquire(&root, &facts("second"), Wait::Block(&|| false), &mut on_wait).unwrap();
            assert_eq!(holder_of(try_lane(&root, "third")), Some(facts("second")));
            guard.still_valid()
        }
    });
    assert_eq!(is_waiting.recv().unwrap(), Some(facts("first")));
    drop(guard);
    assert!(waiter.join().unwrap());
    // While it waited for one holder it was told so once; perhaps again that the facts were gone before the lock.
    assert!(is_waiting.iter().all(|holder| holder.is_none()));
}

#[test]
fn a_wait_can_be_stopped() {
    let Project { root, _folder } = project();
    let _guard = try_lane(&root, "first").unwrap();
    let tries = std::cell::Cell::new(0);
    let should_stop = || {
        tries.set(tries.get() + 1);
        tries.get() == 3
    };
    let mut told = 0;
    let result = LaneLock::acquire(&root, &facts("x"), Wait::Block(&should_stop), &mut |_| told += 1);
    assert!(matches!(result, Err(LockError::Stopped { .. })), "{result:?}");
    assert_eq!((tries.get(), told), (3, 1));
}

#[cfg(unix)]
#[test]
fn a_lock_whose_folder_was_deleted_counts_no_more() {
    let Project { root, _folder } = project();
    let first = try_lane(&root, "first").unwrap();
    std::fs::remove_dir_all(root.join(".packer")).unwrap();
    assert!(!first.still_valid());
    let second = try_lane(&root, "second").unwrap();
    assert!(second.still_valid() && !first.still_valid());
    drop(first);
    assert_eq!(holder_of(try_lane(&root, "third")), Some(facts("second")), "the first took nothing with it");
}

#[cfg(unix)]
#[test]
fn a_waiter_does_not_stay_with_a_deleted_file() {
    let Project { root, _folder } = project();
    let first = try_lane(&root, "first").unwrap();
    let (waiting, is_waiting) = mpsc::channel();
    let waiter = std::thread::spawn({
        let root = root.clone();
        move || {
            let mut on_wait = |_: Option<&HolderFacts>| waiting.send(()).unwrap();
            LaneLock::acquire(&root, &facts("second"), Wait::Block(&|| false), &mut on_wait).unwrap()
        }
    });
    is_waiting.recv().unwrap();
    // Not the folder: the waiter may be writing in it.
    std::fs::remove_file(root.join(layout::LANE_LOCK)).unwrap();
    let second = waiter.join().unwrap();
    assert!(second.still_valid() && !first.still_valid());
}

#[test]
fn an_inherited_handle_does_not_keep_the_lane() {
    let Project { root, _folder } = project();
    let guard = try_lane(&root, "first").unwrap();
    // What a child process started meanwhile would have.
    let _inherited = guard.held.file.file.try_clone().unwrap();
    drop(guard);
    assert!(try_lane(&root, "second").unwrap().still_valid());
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_lock_file_is_refused() {
    let Project { root, _folder } = project();
    std::fs::create_dir(root.join(".packer")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", root.join(layout::LANE_LOCK)).unwrap();
    assert!(matches!(try_lane(&root, "x"), Err(LockError::Io { .. })));
    assert!(!root.join("elsewhere").exists());
}

#[test]
fn damaged_facts_are_no_facts_and_stop_nobody() {
    let Project { root, _folder } = project();
    let guard = try_lane(&root, "first").unwrap();
    for damaged in [&b"{\"pid\":"[..], b"", &vec![b'['; 1 << 20], b"\xff"] {
        std::fs::write(root.join(layout::LANE_HOLDER), damaged).unwrap();
        assert_eq!(holder_of(try_lane(&root, "second")), None);
    }
    drop(guard);
    std::fs::create_dir(root.join(layout::LANE_HOLDER)).unwrap();
    assert!(try_lane(&root, "second").unwrap().still_valid());
}

#[test]
fn facts_of_this_process_are_its_own() {
    let facts = HolderFacts::here("adopt", 5);
    assert_eq!((facts.pid, facts.operation.as_str(), facts.since_unix_ms), (std::process::id(), "adopt", 5));
}

#[test]
fn a_source_can_be_taken_only_when_its_process_is_gone() {
    let Project { root, _folder } = project();
    let source: SourceId = "0195e0a0-0000-7000-8000-000000000001".parse().unwrap();
    let other: SourceId = "0195e0a0-0000-7000-8000-000000000002".parse().unwrap();
    let alive = SourceLock::hold(&root, source).unwrap();
    assert!(SourceLock::try_take(&root, source).unwrap().is_none());
    assert_eq!(holder_of(SourceLock::hold(&root, source)), None);
    assert_eq!(SourceLock::try_take(&root, other).unwrap().unwrap().source(), other);
    drop(alive);
    let dead = SourceLock::try_take(&root, source).unwrap().unwrap();
    assert!(dead.still_valid());
    assert!(SourceLock::try_take(&root, source).unwrap().is_none(), "one completes its log at a time");
    dead.discard().unwrap();
    assert!(!root.join(layout::event_lock(source)).exists());
    assert!(root.join(layout::event_lock(other)).exists());
    assert!(SourceLock::try_take(&root, source).unwrap().is_some());
}

#[test]
fn a_source_that_begins_is_never_found_free_by_who_looks_for_dead_ones() {
    let Project { root, _folder } = project();
    let events = root.join(layout::EVENTS);
    std::fs::create_dir_all(&events).unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let mut living = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                for entry in events.read_dir_utf8().unwrap() {
                    let name = entry.unwrap().file_name().to_owned();
                    if let Some(source) = name.strip_suffix(".lock") {
                        let taken = SourceLock::try_take(&root, source.parse().unwrap()).unwrap();
                        assert!(taken.is_none(), "{source} lives, and was taken for dead");
                    } else {
                        SourceLock::clear_unborn(&root, &name).unwrap();
                    }
                }
            }
        });
        for n in 0..500 {
            let source = format!("0195e0a0-0000-7000-8000-{n:012}").parse().unwrap();
            living.push(SourceLock::hold(&root, source).unwrap());
        }
        assert!(living.iter().all(SourceGuard::still_valid));
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let names = events.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned());
    let others: Vec<String> = names.filter(|name| name.ends_with(layout::UNBORN_LOCK_SUFFIX)).collect();
    assert_eq!(others, [""; 0], "what was being made stays behind");
}
