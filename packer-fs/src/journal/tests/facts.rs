//! What there is of a frozen operation, told exactly. That decisions can be made of it is tried in `settle`.

use super::*;
use packer_domain::mutation::KeptFile;

#[expect(clippy::unnecessary_wraps, reason = "as the facts have it")]
fn file(text: &str, at: BytesAt) -> Option<FileFacts> {
    Some(FileFacts { file: fingerprint(text), at })
}

fn kept(number: u32, of: fn(OperationId, u32) -> KeptFile) -> BytesAt {
    BytesAt::Kept(of(operation(FROZEN), number))
}

fn displaced(operation: OperationId, number: u32) -> KeptFile {
    KeptFile::Displaced { operation, number }
}

fn staged(operation: OperationId, number: u32) -> KeptFile {
    KeptFile::Staged { operation, number }
}

fn place(path: &str) -> BytesAt {
    BytesAt::Place(path.into())
}

#[test]
fn of_one_that_stopped_while_it_displaced() {
    let disk = KEEP_THEIRS.project();
    let before = disk.tree_hash();
    let facts = frozen_facts(&disk, operation(FROZEN)).unwrap();
    assert_eq!(disk.tree_hash(), before);
    assert_eq!(facts.intent.operation, operation(FROZEN));
    let path = |path: &str, before, after, saved| PathFacts {
        path: path.into(),
        found: Fingerprint::Absent,
        before,
        after,
        saved,
    };
    assert_eq!(
        facts.paths,
        [
            path("assets/a", file("a", kept(0, displaced)), file("a2", kept(0, staged)), None),
            path("assets/new/c", None, file("new/c", kept(2, staged)), None),
            path(
                "assets/x/b",
                file("b", BytesAt::Gone),
                file("b2", kept(1, staged)),
                file(SAVED, kept(1, displaced)),
            ),
        ]
    );
    let registry = RegistryFacts {
        found: fingerprint(REGISTRY_BEFORE).into(),
        before: file(REGISTRY_BEFORE, place(layout::REGISTRY)),
        after: file(REGISTRY_FROZEN, kept(3, staged)),
        saved: None,
    };
    assert_eq!(facts.registry, registry);
}

#[test]
fn of_one_that_stopped_after_it_swapped_the_registry() {
    let disk = TAKE_ALL_BACK.project();
    let facts = frozen_facts(&disk, operation(FROZEN)).unwrap();
    let registry = RegistryFacts {
        found: fingerprint(REGISTRY_FROZEN).into(),
        before: file(REGISTRY_BEFORE, BytesAt::Gone),
        after: file(REGISTRY_FROZEN, place(layout::REGISTRY)),
        saved: file(SAVED, kept(3, staged)),
    };
    assert_eq!(facts.registry, registry);
    let a = PathFacts {
        path: "assets/a".into(),
        found: fingerprint("a2").into(),
        before: file("a", kept(0, displaced)),
        after: file("a2", place("assets/a")),
        saved: None,
    };
    assert_eq!(facts.paths[0], a);
}

/// Freezes a chain of moves and a cycle after each of its operations, and says where the first file is.
#[test]
fn of_what_moves_the_bytes_are_at_either_place_or_on_their_way() {
    let mut seen = std::collections::BTreeSet::new();
    for workload in [CHAIN, CYCLE_OF_EQUALS] {
        let project = workload.project();
        for cut in 0.. {
            let disk = project.fork();
            disk.fail_after(cut);
            let (_, error) = commit(&disk, workload.request());
            let disk = disk.fork();
            if disk.stat(&layout::intent(operation(TESTED))).unwrap().is_some() {
                apply::freeze(&disk, operation(TESTED)).unwrap();
                let facts = frozen_facts(&disk, operation(TESTED)).unwrap();
                for path in &facts.paths {
                    for (end, file) in [("before", &path.before), ("after", &path.after)] {
                        let Some(file) = file else { continue };
                        let at = match &file.at {
                            BytesAt::Place(at) if *at == path.path => "there",
                            BytesAt::Place(_) => "at the other place",
                            BytesAt::Kept(KeptFile::Displaced { .. }) => "displaced",
                            BytesAt::Kept(KeptFile::History { .. }) => "in history",
                            BytesAt::Kept(KeptFile::Staged { .. }) => "staged",
                            BytesAt::Gone => panic!("cut at {cut}: {path:?}"),
                        };
                        seen.insert((end, at));
                    }
                }
            }
            if error.is_none() {
                break;
            }
        }
    }
    let seen: Vec<_> = seen.into_iter().collect();
    let expected = [
        ("after", "at the other place"),
        ("after", "displaced"),
        ("after", "there"),
        ("before", "at the other place"),
        ("before", "displaced"),
        ("before", "there"),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_registry_that_is_not_touched_has_no_sides() {
    let disk = BATCH.project();
    drop(stage(&disk, BATCH.request()).unwrap().record_intent().unwrap());
    apply::freeze(&disk, operation(TESTED)).unwrap();
    let facts = frozen_facts(&disk, operation(TESTED)).unwrap();
    let found = fingerprint(REGISTRY_BEFORE).into();
    assert_eq!(facts.registry, RegistryFacts { found, before: None, after: None, saved: None });
}
