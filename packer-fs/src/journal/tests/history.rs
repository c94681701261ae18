//! Listing, reading and dropping history: whole or not at all, whatever crashes.

use super::*;

const STATES: usize = 128;

/// A project with the history of two commits: three files were displaced by the second.
fn project() -> SimDisk {
    let disk = SimDisk::new();
    disk.set_rename_durability(RenameDurability::EitherFolder);
    disk.put(layout::REGISTRY.into(), b"header\n");
    for path in ["assets/a", "assets/b", "assets/c"] {
        disk.put(path.into(), path.as_bytes());
    }
    assert_eq!(commit(&disk, request(EARLIER, Vec::new(), "header\n", None)), (Reached::Finished, None));
    let steps = ["assets/a", "assets/b", "assets/c"]
        .map(|path| Step::ToHistory { path: path.into(), before: fingerprint(path) });
    assert_eq!(commit(&disk, request(TESTED, steps.into(), "header\n", None)), (Reached::Finished, None));
    disk
}

fn operations(disk: &SimDisk) -> Vec<OperationId> {
    list_history(disk).unwrap().into_iter().map(|entry| entry.operation).collect()
}

#[test]
fn it_is_listed_by_operation_with_its_bytes_and_other_names_are_left_alone() {
    let disk = project();
    let intent = disk.read(&layout::history_intent(operation(TESTED)), 1 << 20).unwrap().len();
    disk.put(".packer/history/notes.txt".into(), b"of somebody");
    disk.put(".packer/history/notes/1".into(), b"of somebody");
    disk.put(".packer/history/01A0C450-6C00-7000-8000-000000000000/intent".into(), b"spelled otherwise");
    disk.put(&layout::history_folder(operation(7)), b"no folder");
    disk.put(&layout::history_folder(operation(8)).join("notes.txt"), b"nothing of ours in it");
    disk.put_dir(&layout::history_folder(operation(9)));
    disk.put(&layout::history_folder(operation(TESTED)).join("notes.txt"), b"not counted");
    disk.put_link(&layout::history_folder(operation(TESTED)).join("5"));
    let found = list_history(&disk).unwrap();
    let [earlier, tested] = found[..] else { panic!("{found:?}") };
    assert_eq!((earlier.operation, tested.operation), (operation(EARLIER), operation(TESTED)));
    assert_eq!(tested.bytes, intent as u64 + 3 * "assets/a".len() as u64);
    assert!(!earlier.was_frozen && !tested.was_frozen);
    assert_eq!(list_history(&SimDisk::new()).unwrap(), []);
}

#[test]
fn what_has_not_ended_has_none_yet() {
    let disk = project();
    let edit = Step::Create { path: "assets/n".into(), contents: b"n".into() };
    let committed = stage(&disk, request(3, vec![edit], "header\n", None)).unwrap().record_intent().unwrap();
    let committed = committed.apply().unwrap();
    // As a clean-up leaves it that stopped half-way.
    disk.rename_new(&layout::displaced_folder(operation(3)), &layout::history_folder(operation(3))).unwrap();
    disk.put(&layout::history_file(operation(3), 0), b"x");
    assert_eq!(operations(&disk), [operation(EARLIER), operation(TESTED)]);
    let error = drop_history(&disk, operation(3)).unwrap_err();
    assert!(matches!(error, HistoryError::Pending { operation: of } if of == operation(3)), "{error:?}");
    committed.finish().unwrap();
    assert_eq!(operations(&disk), [operation(EARLIER), operation(TESTED), operation(3)]);
}

#[test]
fn a_file_of_it_is_read_up_to_a_limit() {
    let disk = project();
    assert_eq!(read_history_file(&disk, operation(TESTED), 1, 8).unwrap(), b"assets/b");
    let error = read_history_file(&disk, operation(TESTED), 1, 7).unwrap_err();
    let is_too_large = |source: &DiskError| source.source.kind() == std::io::ErrorKind::FileTooLarge;
    assert!(matches!(&error, HistoryError::Disk { source, .. } if is_too_large(source)), "{error:?}");
    let error = read_history_file(&disk, operation(TESTED), 3, 8).unwrap_err();
    assert!(matches!(error, HistoryError::NoFile { number: 3, .. }), "{error:?}");
}

#[test]
fn what_is_dropped_is_gone_with_everything_in_its_folder() {
    let disk = project();
    disk.put(&layout::history_folder(operation(TESTED)).join("notes/deep/1"), b"of whoever");
    disk.put_link(&layout::history_folder(operation(TESTED)).join("link"));
    drop_history(&disk, operation(TESTED)).unwrap();
    assert_eq!(operations(&disk), [operation(EARLIER)]);
    assert!(!disk.tree().keys().any(|path| path.as_str().contains(&operation(TESTED).to_string())));
    let error = drop_history(&disk, operation(TESTED)).unwrap_err();
    assert!(matches!(error, HistoryError::Absent { .. }), "{error:?}");
    disk.put(&layout::history_folder(operation(TESTED)), b"no folder");
    let error = drop_history(&disk, operation(TESTED)).unwrap_err();
    assert!(matches!(error, HistoryError::Absent { .. }), "{error:?}");
}

/// What a planner of an undo relies on: an intent that can be read has all of its files.
fn is_whole_or_gone(disk: &SimDisk) -> Result<bool, String> {
    match read_history(disk, operation(TESTED)) {
        Ok(_) => {}
        Err(HistoryError::Absent { .. }) if operations(disk) == [operation(EARLIER)] => return Ok(false),
        Err(error) => return Err(format!("{error:?}")),
    }
    let text = |number| read_history_file(disk, operation(TESTED), number, 99);
    let is_there = (0..3).zip(["assets/a", "assets/b", "assets/c"]);
    let mut is_there =
        is_there.map(|(number, expected)| text(number).is_ok_and(|text| text == expected.as_bytes()));
    if is_there.all(|there| there) { Ok(true) } else { Err("half of it".to_owned()) }
}

/// Every cut of a dropping; the number of states, and of those in which it is still there.
fn enumerate(prepare: impl Fn(&SimDisk)) -> Result<(usize, usize), String> {
    let project = project();
    project.settle();
    let (mut states, mut whole) = (0, 0);
    for cut in 0.. {
        let disk = project.fork();
        prepare(&disk);
        disk.fail_after(cut);
        let dropped = drop_history(&disk, operation(TESTED));
        let killed = disk.fork();
        for state in disk.crash_states_seeded(STATES, cut).chain([killed]) {
            let at = |problem| format!("cut at {cut}, {:?}: {problem}", state.losses());
            states += 1;
            let before = is_whole_or_gone(&state).map_err(at)?;
            assert_eq!(recover_all(&state).unwrap(), []);
            let after = is_whole_or_gone(&state).map_err(at)?;
            let left = list(&state).unwrap();
            if before != after || !left.is_empty() {
                return Err(at(format!("{before}, after a recovery {after}, left: {left:?}")));
            }
            if dropped.is_ok() && after {
                return Err(at("it is back".to_owned()));
            }
            whole += usize::from(after);
        }
        if dropped.is_ok() {
            return Ok((states, whole));
        }
    }
    unreachable!("dropping has finitely many operations")
}

#[test]
fn every_cut_of_a_dropping_leaves_the_whole_of_it_or_nothing() {
    let (states, whole) = enumerate(|_| ()).unwrap();
    assert!(whole > 0 && states - whole > 20, "{states} states, {whole} whole");
    assert!(enumerate(|disk| disk.ignore_sync(0)).is_err(), "its sync could be left out");
}
