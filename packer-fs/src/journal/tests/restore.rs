//! Putting back what the packer keeps: undo, undo of an undo, and what is refused when it is gone or damaged.

use super::*;
use packer_domain::mutation::KeptFile;

fn restore(from: KeptFile, to: &str, text: &str) -> Step {
    Step::Restore { from, to: to.into(), file: fingerprint(text) }
}

/// A removal of `assets/a` that ended.
fn removed() -> SimDisk {
    let disk = REMOVAL.project();
    assert_eq!(commit(&disk, REMOVAL.request()), (Reached::Finished, None));
    disk
}

fn in_history(n: u8, number: u32) -> KeptFile {
    KeptFile::History { operation: operation(n), number }
}

#[test]
fn an_undo_is_undone_and_that_too_because_history_stays_whole() {
    let disk = removed();
    let after_removal = user_files(&disk);
    let copy = fingerprint("b");
    let undo = vec![
        restore(in_history(TESTED, 0), "assets/a", "a"),
        Step::ToHistory { path: "assets/b copy".into(), before: copy },
    ];
    let undo = request(3, undo, REGISTRY_AFTER, Some(REGISTRY_BEFORE));
    assert_eq!(commit(&disk, undo), (Reached::Finished, None));
    assert_eq!(REMOVAL.before.len() + 1, user_files(&disk).len(), "with the registry");
    assert_eq!(disk.read("assets/a".into(), 9).unwrap(), b"a");
    let redo = vec![
        restore(in_history(3, 0), "assets/b copy", "b"),
        Step::ToHistory { path: "assets/a".into(), before: fingerprint("a") },
    ];
    let redo = request(4, redo, REGISTRY_BEFORE, Some(REGISTRY_AFTER));
    assert_eq!(commit(&disk, redo), (Reached::Finished, None));
    assert_eq!(user_files(&disk), after_removal);
    // Each of them can be put back again.
    for (n, number, text) in [(TESTED, 0, "a"), (3, 0, "b"), (4, 0, "a")] {
        let kept = kept_path(in_history(n, number));
        assert_eq!(disk.read(&kept, 9).unwrap(), text.as_bytes(), "{kept}");
    }
}

#[test]
fn what_is_gone_or_damaged_is_not_put_back() {
    type Damage = fn(&SimDisk);
    let tries: [(Damage, Fingerprint); 5] = [
        (|disk| disk.remove_file(&kept_path(in_history(TESTED, 0))).unwrap(), Fingerprint::Absent),
        (|disk| disk.put(&kept_path(in_history(TESTED, 0)), b"x"), Fingerprint::File(fingerprint("x"))),
        (|disk| disk.put(&kept_path(in_history(TESTED, 0)), b"aa"), Fingerprint::File(fingerprint("aa"))),
        (|disk| disk.put(&kept_path(in_history(TESTED, 0)), b""), Fingerprint::File(fingerprint(""))),
        (
            |disk| {
                disk.remove_file(&kept_path(in_history(TESTED, 0))).unwrap();
                disk.put_link(&kept_path(in_history(TESTED, 0)));
            },
            Fingerprint::Other,
        ),
    ];
    for (damage, found) in tries {
        let disk = removed();
        damage(&disk);
        let before = disk.tree_hash();
        let step = restore(in_history(TESTED, 0), "assets/a", "a");
        match stage(&disk, request(3, vec![step], REGISTRY_AFTER, None)).map(|_| ()).unwrap_err() {
            StageError::NotKept { path, expected, found: is } => {
                assert_eq!(path, kept_path(in_history(TESTED, 0)));
                assert_eq!((expected, is), (fingerprint("a"), found));
            }
            error => panic!("{found}: {error:?}"),
        }
        assert_eq!(disk.tree_hash(), before, "{found}: the staging is dropped");
    }
}

#[test]
fn it_is_put_where_nothing_stands_or_where_another_step_takes_it_away() {
    let disk = removed();
    let step = restore(in_history(TESTED, 0), "assets/b", "a");
    let error = stage(&disk, request(3, vec![step.clone()], REGISTRY_AFTER, None)).map(|_| ()).unwrap_err();
    assert!(matches!(&error, StageError::Stale { path, .. } if path == "assets/b"), "{error:?}");
    let take_away = Step::ToHistory { path: "assets/b".into(), before: fingerprint("b") };
    let over = request(3, vec![step, take_away], REGISTRY_AFTER, None);
    assert_eq!(commit(&disk, over), (Reached::Finished, None));
    assert_eq!(disk.read("assets/b".into(), 9).unwrap(), b"a");
    for path in ["", "../x", ".packer/head"] {
        let step = restore(in_history(TESTED, 0), path, "a");
        let error = stage(&disk, request(4, vec![step], REGISTRY_AFTER, None)).map(|_| ()).unwrap_err();
        assert!(matches!(error, StageError::Inconsistent { .. }), "{path}: {error:?}");
    }
}
