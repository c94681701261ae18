//! Intents of commits, and the recovery that acts on them: whatever an intent says, recovery comes to an end, loses no
//! byte of anybody's, and has nothing left to do the second time.
//!
//! An input is a byte and the bytes of an intent. Bit 0 of the byte: they lack the first line, which holds their digest. Bit
//! 1: the log says that the operation succeeded. Bit 2: the head says so. Bit 3: the commit stands half done. Bit 4: it was
//! frozen. Bit 5: it is history.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use packer_domain::identity::Digest;
use packer_fs::disk::Disk;
use packer_fs::disk::sim::{SimDisk, SimNode};
use packer_fs::head::{Head, read_head};
use packer_fs::journal::{
    CommitRequest, FileFingerprint, RecoverOptions, Recovered, RegistryChange, Step, pending, read_history,
    recover, stage,
};
use packer_fs::layout;
use packer_fs::registry_file;
use serde_json::json;

use super::input::{operation, seed_with, source};
use super::{Seed, Verdict};

/// The operation of every intent here.
const TESTED: u8 = 1;

const SEALED: u8 = 1;
const LOGGED: u8 = 2;
const HEADED: u8 = 4;
const HALF_DONE: u8 = 8;
const FROZEN: u8 = 16;
const HISTORY: u8 = 32;

/// What people have in the project: every content is there once.
const FILES: [(&str, &str); 4] = [
    ("assets/a.txt", "the first"),
    ("assets/b.txt", "the second"),
    ("assets/ui/c.txt", "the third"),
    ("packer.toml", "[project]\nname = \"harbour\"\n"),
];

/// The first line of an intent, with the digest of what follows it.
pub(super) fn sealed(magic: &str, body: &[u8]) -> Vec<u8> {
    [format!("{magic} 1 {}\n", Digest::of(body)).as_bytes(), body].concat()
}

/// The project, as it is before anything is committed.
pub(super) fn project() -> SimDisk {
    let disk = SimDisk::new();
    for (path, text) in FILES {
        disk.put(path.into(), text.as_bytes());
    }
    disk.put(layout::REGISTRY.into(), &registry_file::encode(&super::registry::sample()));
    disk.put_dir(layout::JOURNAL.into());
    disk.put_dir(layout::HISTORY.into());
    disk.put(layout::HEAD.into(), b"");
    disk
}

/// The files of the project that are not the packer's own, and the registry.
pub(super) fn contents(disk: &SimDisk) -> BTreeMap<Utf8PathBuf, Vec<u8>> {
    let files = disk.tree().into_iter().filter_map(|(path, node)| match node {
        SimNode::File(bytes) => Some((path, bytes.to_vec())),
        _ => None,
    });
    files.collect()
}

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some((options, bytes)) = data.split_first() else { return Verdict::Refused };
    let has = |bit: u8| options & bit != 0;
    let intent = if has(SEALED) { sealed("packer-intent", bytes) } else { bytes.to_vec() };
    let disk = project();
    let before = contents(&disk);
    stage_files(&disk, has(HALF_DONE));
    if has(HEADED) {
        disk.put(layout::HEAD.into(), &head());
    }
    if has(HISTORY) {
        disk.put(&layout::history_intent(operation(TESTED)), &intent);
        let read = read_history(&disk, operation(TESTED));
        return if read.is_ok() { Verdict::Taken } else { Verdict::Refused };
    }
    let name = if has(FROZEN) { layout::frozen } else { layout::intent };
    disk.put(&name(operation(TESTED)), &intent);
    assert_eq!(pending(&disk).expect("the disk does not fail").len(), 1);

    let options = RecoverOptions { boot: "boot", success_is_logged: &|_, _| has(LOGGED) };
    let mut taken = false;
    let mut frozen = 0;
    for recovered in recover(&disk, &options).expect("the disk does not fail") {
        match recovered {
            Recovered::Finished(committed) => {
                taken = true;
                let head = read_head(&disk).expect("the disk does not fail");
                // One that named the commit before is left as it is, also where a forged intent says another registry.
                let of = |head: Head| (head.commit, head.operation);
                assert_eq!(head.map(of), Some(of(committed.head())), "the head is not that of the commit");
                committed.finish().expect("the disk does not fail");
            }
            Recovered::Dropped { .. } | Recovered::CleanedUp { .. } => taken = true,
            Recovered::Frozen { intent, .. } => {
                frozen += 1;
                taken = intent.is_some();
            }
            other => panic!("{other:?} of an intent of the workspace"),
        }
    }
    check_nothing_is_lost(&disk, &before);
    let again = recover(&disk, &options).expect("the disk does not fail");
    assert!(again.iter().all(|found| matches!(found, Recovered::Frozen { .. })), "{again:?} the second time");
    assert_eq!(again.len(), frozen, "what was frozen is not any more");
    check_nothing_is_lost(&disk, &before);
    if taken { Verdict::Taken } else { Verdict::Refused }
}

/// Every content that somebody had is somewhere.
fn check_nothing_is_lost(disk: &SimDisk, before: &BTreeMap<Utf8PathBuf, Vec<u8>>) {
    let now = contents(disk);
    for (path, bytes) in before.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        assert!(now.values().any(|found| found == bytes), "what was at {path} is nowhere");
    }
}

/// What the seeds stage; half done, the first file has left its place.
fn stage_files(disk: &SimDisk, half_done: bool) {
    for (n, text) in (0..).zip(["new text", "edited", "{}"]) {
        disk.put(&layout::staged(operation(TESTED), n), text.as_bytes());
    }
    disk.put(&layout::staged(operation(TESTED), 3), &replaced_registry());
    if half_done {
        disk.put_dir(&layout::displaced_folder(operation(TESTED)));
        let to = layout::displaced(operation(TESTED), 0);
        disk.rename_new(FILES[0].0.into(), &to).expect("it is free");
    }
}

/// The registry that the seeds put in the place of the other.
fn replaced_registry() -> Vec<u8> {
    let sample = super::registry::sample();
    let mut after = sample.clone();
    after.remove(sample.entries().next().expect("the sample has lines"));
    registry_file::encode(&after)
}

/// The head that the seeds' commit leaves.
fn head() -> Vec<u8> {
    let disk = project();
    commit(&disk, steps(), true);
    disk.read(layout::HEAD.into(), 1 << 20).expect("a commit leaves a head")
}

fn steps() -> Vec<Step> {
    let before = |n: usize| FileFingerprint::of(FILES[n].1.as_bytes());
    vec![
        Step::Edit { path: FILES[0].0.into(), before: before(0), contents: b"edited".to_vec() },
        Step::Create { path: "assets/new/a.txt.asset.toml".into(), contents: b"new text".to_vec() },
        Step::Move { from: FILES[1].0.into(), to: "assets/new/b.txt".into(), before: before(1) },
        Step::ToHistory { path: FILES[2].0.into(), before: before(2) },
        Step::MakeDir { path: "assets/new".into() },
        Step::RemoveDir { path: "assets/ui".into() },
    ]
}

/// The intent that a commit records; carried out as well if asked for.
fn commit(disk: &SimDisk, steps: Vec<Step>, apply: bool) -> Vec<u8> {
    let registry = registry_file::encode(&super::registry::sample());
    let request = CommitRequest {
        operation: operation(TESTED),
        source: source(1),
        commit: 1,
        steps,
        registry: RegistryChange::Replace { before: Some(Digest::of(&registry)), after: replaced_registry() },
        resolves: None,
        inverse: json!({ "undo": [] }),
        prepared: json!({ "sequence": 7 }),
    };
    let recorded =
        stage(disk, request).expect("the steps fit").record_intent().expect("the disk does not fail");
    let intent = disk.read(&layout::intent(operation(TESTED)), 1 << 20).expect("it was recorded");
    if apply {
        drop(recorded.apply().expect("nobody meddles"));
    }
    intent
}

pub(super) fn seeds() -> Vec<Seed> {
    let whole = commit(&project(), steps(), false);
    let body_at = whole.iter().position(|byte| *byte == b'\n').expect("an intent has two lines") + 1;
    let body = &whole[body_at..];
    let text = String::from_utf8(body.to_vec()).expect("an intent is text");
    let small = commit(&project(), vec![Step::MakeDir { path: "assets/x".into() }], false);
    let altered = |name: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        seed_with(name, &[SEALED], text.replace(from, to).as_bytes())
    };
    let mut seeds = vec![
        seed_with("whole", &[0], &whole),
        seed_with("whole-in-history", &[HISTORY], &whole),
        seed_with("small", &[0], &small),
        seed_with("cut", &[0], &whole[..whole.len() / 2]),
        seed_with("no-intent", &[0], b"packer-intent\n"),
        seed_with("newer", &[0], &[b"packer-intent 2 x\n", body].concat()),
        altered("outside", "assets/new/b.txt", "../b.txt"),
        altered("reserved", "assets/new/b.txt", ".Packer/head"),
        altered("same-place", "assets/new/b.txt", "assets/new/a.txt.asset.toml"),
        altered("commit", "\"commit\":1", "\"commit\":18446744073709551615"),
        altered("other-operation", &operation(TESTED).to_string(), &operation(2).to_string()),
        altered("unchanged", "\"staged\"", "\"stagde\""),
    ];
    for options in [0, LOGGED, HEADED, HALF_DONE, HALF_DONE | HEADED, FROZEN, FROZEN | HEADED] {
        seeds.push(seed_with(&format!("sealed-{options}"), &[SEALED | options], body));
    }
    seeds
}
