//! Commits that edit the registry as it was read a moment before: what it may have become until the intent is recorded.

use super::*;
use crate::disk::Stat;
use crate::registry_file::{EditedRegistry, ReadRegistry};

const AFTER: &str = "the registry after";

fn stat(disk: &SimDisk) -> Stat {
    disk.stat(layout::REGISTRY.into()).unwrap().unwrap()
}

/// A commit of an edit of the registry with these facts, as it was before.
fn edit(stat: Stat) -> CommitRequest {
    let before = ReadRegistry { fingerprint: fingerprint(REGISTRY_BEFORE), stat };
    let replaced_lines = vec!["a line".to_owned()];
    let registry = RegistryChange::Edit(EditedRegistry { before, after: AFTER.into(), replaced_lines });
    CommitRequest { registry, ..request(TESTED, Vec::new(), REGISTRY_BEFORE, None) }
}

fn registry(disk: &SimDisk) -> String {
    user_files(disk)[Utf8Path::new(layout::REGISTRY)].clone()
}

#[test]
fn an_edit_is_committed_with_the_lines_that_it_replaces() {
    let disk = REGISTRY_ONLY.project();
    let recorded = stage(&disk, edit(stat(&disk))).unwrap().record_intent().unwrap();
    recorded.apply().unwrap().finish().unwrap();
    assert_eq!(registry(&disk), AFTER);
    let history = read_history(&disk, operation(TESTED)).unwrap();
    assert_eq!(history.replaced_lines, ["a line"]);
    assert_eq!(read_head(&disk).unwrap().unwrap().registry, Digest::of(AFTER.as_bytes()));
}

#[test]
fn a_registry_that_changed_since_it_was_read_is_refused_and_one_that_was_only_touched_is_not() {
    for text in ["other", REGISTRY_BEFORE] {
        let disk = REGISTRY_ONLY.project();
        let read = stat(&disk);
        disk.remove_file(layout::REGISTRY.into()).unwrap();
        disk.put(layout::REGISTRY.into(), text.as_bytes());
        assert_ne!(stat(&disk), read);
        let staged = stage(&disk, edit(read));
        if text == REGISTRY_BEFORE {
            drop(staged.unwrap().record_intent().unwrap().apply().unwrap());
            assert_eq!(registry(&disk), AFTER);
            continue;
        }
        let error = staged.map(|_| ()).unwrap_err();
        let StageError::Stale { path, found, .. } = &error else { panic!("{error:?}") };
        assert_eq!((path.as_str(), *found), (layout::REGISTRY, Fingerprint::File(fingerprint("other"))));
        assert_eq!(list(&disk).unwrap(), [], "staging is dropped");
        assert_eq!(registry(&disk), "other");
    }
    let disk = REGISTRY_ONLY.project();
    let read = stat(&disk);
    disk.remove_file(layout::REGISTRY.into()).unwrap();
    let error = stage(&disk, edit(read)).map(|_| ()).unwrap_err();
    assert!(matches!(error, StageError::Stale { found: Fingerprint::Absent, .. }), "{error:?}");
}

/// Facts can lie. What is displaced is read all the same, so nothing is lost.
#[test]
fn a_registry_that_changed_behind_its_facts_freezes_the_commit() {
    let disk = REGISTRY_ONLY.project();
    disk.put(layout::REGISTRY.into(), b"other");
    let recorded = stage(&disk, edit(stat(&disk))).unwrap().record_intent().unwrap();
    let error = recorded.apply().map(|_| ()).unwrap_err();
    assert!(matches!(error, ApplyError::Frozen { .. }), "{error:?}");
    assert!(is_anywhere(&disk, "other") && is_anywhere(&disk, AFTER));
    assert_eq!(read_head(&disk).unwrap().unwrap().commit, 1);
}
