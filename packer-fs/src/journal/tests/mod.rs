//! What the journal's tests share: projects on the simulated disk, commits to try on them, a log of terminal events,
//! and the judge that says whether a disk is entirely before or entirely after.

mod crash;
mod meddling;
mod outputs;
mod refusals;
mod restore;

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{Digest, OperationId, SourceId, UuidDraw};
use serde_json::json;

use super::*;
use crate::disk::sim::{RenameDurability, SimDisk, SimNode};
use crate::disk::{Disk, DiskError};
use crate::head::read_head;

const LOG: &str = ".packer/events/log";
const BOOT: &str = "boot-1";
/// The commit that some projects have behind them.
const EARLIER: u8 = 1;
/// The commit under test.
const TESTED: u8 = 2;

fn draw(n: u8) -> UuidDraw {
    UuidDraw { unix_ms: 1_790_000_000_000 + u64::from(n), entropy: [n; 16] }
}

fn operation(n: u8) -> OperationId {
    OperationId::drawn(draw(n))
}

fn fingerprint(text: &str) -> FileFingerprint {
    FileFingerprint::of(text.as_bytes())
}

/// A commit and the project that it is tried on.
#[derive(Clone)]
struct Workload {
    name: &'static str,
    /// Whether the project has a commit behind it.
    has_earlier: bool,
    before: &'static [(&'static str, &'static str)],
    steps: fn() -> Vec<Step>,
    after: &'static [(&'static str, &'static str)],
    registry_changes: bool,
}

const REGISTRY_BEFORE: &str = "header\nkept\nold line\n";
const REGISTRY_AFTER: &str = "header\nkept\nnew line\n";

const REGISTRY_ONLY: Workload = Workload {
    name: "registry only",
    has_earlier: true,
    before: &[("assets/a", "a")],
    steps: Vec::new,
    after: &[("assets/a", "a")],
    registry_changes: true,
};

const ADOPTION: Workload = Workload {
    name: "adoption of four files, with new folders, as the first commit",
    has_earlier: false,
    before: &[("assets/raw/1.png", "1"), ("assets/2.png", "2")],
    steps: || {
        let create =
            |path: &str| Step::Create { path: path.into(), contents: format!("anchor of {path}").into() };
        vec![
            create("assets/2.toml"),
            create("assets/raw/1.toml"),
            create("assets/new/3.toml"),
            create("assets/new/deep/4.toml"),
            Step::MakeDir { path: "assets/new".into() },
            Step::MakeDir { path: "assets/new/deep".into() },
        ]
    },
    after: &[
        ("assets/raw/1.png", "1"),
        ("assets/2.png", "2"),
        ("assets/2.toml", "anchor of assets/2.toml"),
        ("assets/raw/1.toml", "anchor of assets/raw/1.toml"),
        ("assets/new/3.toml", "anchor of assets/new/3.toml"),
        ("assets/new/deep/4.toml", "anchor of assets/new/deep/4.toml"),
    ],
    registry_changes: true,
};

const BATCH: Workload = Workload {
    name: "an edit and a creation, without the registry",
    has_earlier: true,
    before: &[("assets/a", "a"), ("assets/x/b", "b")],
    steps: || {
        vec![
            Step::Edit { path: "assets/a".into(), before: fingerprint("a"), contents: b"a2".into() },
            Step::Edit { path: "assets/x/b".into(), before: fingerprint("b"), contents: b"b2".into() },
            Step::Create { path: "assets/c".into(), contents: b"c".into() },
        ]
    },
    after: &[("assets/a", "a2"), ("assets/x/b", "b2"), ("assets/c", "c")],
    registry_changes: false,
};

const CHAIN: Workload = Workload {
    name: "a chain of moves",
    has_earlier: true,
    before: &[("assets/a", "a"), ("assets/c/c", "c")],
    steps: || {
        vec![
            Step::Move { from: "assets/a".into(), to: "assets/b".into(), before: fingerprint("a") },
            Step::Move { from: "assets/c/c".into(), to: "assets/a".into(), before: fingerprint("c") },
            Step::RemoveDir { path: "assets/c".into() },
        ]
    },
    after: &[("assets/b", "a"), ("assets/a", "c")],
    registry_changes: true,
};

const CYCLE_OF_EQUALS: Workload = Workload {
    name: "a cycle of moves of equal files, and of others",
    has_earlier: true,
    before: &[("assets/a", "same"), ("assets/b", "same"), ("assets/c", "c"), ("assets/d", "d")],
    steps: || {
        let step = |from: &str, to: &str, text| Step::Move {
            from: format!("assets/{from}").into(),
            to: format!("assets/{to}").into(),
            before: fingerprint(text),
        };
        vec![step("a", "b", "same"), step("b", "a", "same"), step("c", "d", "c"), step("d", "c", "d")]
    },
    after: &[("assets/a", "same"), ("assets/b", "same"), ("assets/c", "d"), ("assets/d", "c")],
    registry_changes: false,
};

const REMOVAL: Workload = Workload {
    name: "a removal into history, and a copy",
    has_earlier: true,
    before: &[("assets/a", "a"), ("assets/b", "b")],
    steps: || {
        vec![
            Step::Copy { from: "assets/b".into(), to: "assets/b copy".into(), before: fingerprint("b") },
            Step::ToHistory { path: "assets/a".into(), before: fingerprint("a") },
        ]
    },
    after: &[("assets/b", "b"), ("assets/b copy", "b")],
    registry_changes: true,
};

const WORKLOADS: &[Workload] = &[REGISTRY_ONLY, ADOPTION, BATCH, CHAIN, CYCLE_OF_EQUALS, REMOVAL];

impl Workload {
    /// The project before the commit, with nothing counted.
    fn project(&self) -> SimDisk {
        let disk = SimDisk::new();
        disk.set_rename_durability(RenameDurability::EitherFolder);
        for (path, text) in self.before {
            disk.put((*path).into(), text.as_bytes());
        }
        let first = if self.has_earlier { "header\n" } else { REGISTRY_BEFORE };
        disk.put(layout::REGISTRY.into(), first.as_bytes());
        if self.has_earlier {
            let earlier = request(EARLIER, Vec::new(), "header\n", Some(REGISTRY_BEFORE));
            assert_eq!(commit(&disk, earlier), (Reached::Finished, None));
        }
        disk.fork()
    }

    fn request(&self) -> CommitRequest {
        let after = self.registry_changes.then_some(REGISTRY_AFTER);
        request(TESTED, (self.steps)(), REGISTRY_BEFORE, after)
    }

    fn registry_after(&self) -> &'static str {
        if self.registry_changes { REGISTRY_AFTER } else { REGISTRY_BEFORE }
    }

    /// Which side the project is on: `Some(true)` for entirely after, `None` for a mixture.
    fn side(&self, disk: &SimDisk) -> Option<bool> {
        let files = user_files(disk);
        let is = |files: &[(&str, &str)], registry: &str| {
            let registry = [(layout::REGISTRY, registry)];
            let expected = files.iter().chain(&registry);
            expected
                .map(|(path, text)| (Utf8PathBuf::from(*path), (*text).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (is(self.before, REGISTRY_BEFORE), is(self.after, self.registry_after()));
        let head = read_head(disk).unwrap();
        let committed = head.is_some_and(|head| head.operation == operation(TESTED));
        if files == after && committed {
            let digest = Digest::of(self.registry_after().as_bytes());
            (head.is_some_and(|head| head.registry == digest && head.commit == u64::from(TESTED)))
                .then_some(true)
        } else if files == before && !committed && head.is_some() == self.has_earlier {
            Some(false)
        } else {
            None
        }
    }
}

fn request(n: u8, steps: Vec<Step>, registry: &str, after: Option<&str>) -> CommitRequest {
    let digest = Digest::of(registry.as_bytes());
    CommitRequest {
        operation: operation(n),
        source: SourceId::drawn(draw(0)),
        commit: u64::from(n),
        steps,
        registry: match after {
            None => RegistryChange::Unchanged { digest },
            Some(after) => RegistryChange::Replace { before: Some(digest), after: after.into() },
        },
        inverse: json!({ "undo": n }),
        prepared: json!({ "sequence": 7 }),
    }
}

/// The files of people: everything outside of `.packer/`, as text.
fn user_files(disk: &SimDisk) -> BTreeMap<Utf8PathBuf, String> {
    let all = disk.tree().into_iter().filter(|(path, _)| !path.starts_with(layout::OPERATIONAL));
    let files = all.filter_map(|(path, node)| match node {
        SimNode::File(bytes) => Some((path, String::from_utf8(bytes.to_vec()).unwrap())),
        SimNode::Dir | SimNode::Link => None,
    });
    files.collect()
}

/// Whether some file, wherever, holds exactly this text.
fn is_anywhere(disk: &SimDisk, text: &str) -> bool {
    disk.tree()
        .values()
        .any(|node| matches!(node, SimNode::File(bytes) if bytes.as_slice() == text.as_bytes()))
}

/// How far a commit got, as far as its caller was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Nothing,
    Recorded,
    Applied,
    Logged,
    Finished,
}

/// The whole of a commit, with its terminal event; and the error that stopped it.
fn commit(disk: &dyn Disk, request: CommitRequest) -> (Reached, Option<String>) {
    let operation = request.operation;
    let staged = match stage(disk, request) {
        Ok(staged) => staged,
        Err(error) => return (Reached::Nothing, Some(format!("{error:?}"))),
    };
    let recorded = match staged.record_intent() {
        Ok(recorded) => recorded,
        Err(error) => return (Reached::Nothing, Some(format!("{error:?}"))),
    };
    let committed = match recorded.apply() {
        Ok(committed) => committed,
        Err(error) => return (Reached::Recorded, Some(format!("{error:?}"))),
    };
    if let Err(error) = log_success(disk, operation) {
        return (Reached::Applied, Some(error.to_string()));
    }
    match committed.finish() {
        Ok(()) => (Reached::Finished, None),
        Err(error) => (Reached::Logged, Some(error.to_string())),
    }
}

/// As a runtime logs a terminal event: one synced line; for a new log, its names too.
fn log_success(disk: &dyn Disk, operation: OperationId) -> Result<(), DiskError> {
    let path = Utf8Path::new(LOG);
    let is_new = disk.stat(path)?.is_none_or(|stat| stat.size == 0);
    disk.create_dir_all(layout::EVENTS.into())?;
    let io = |source| DiskError { operation: DiskOperation::Write, path: LOG.into(), source };
    let mut file = disk.open_write(path)?;
    file.seek(SeekFrom::End(0)).map_err(io)?;
    file.write_all(format!("\n{operation}\n").as_bytes()).map_err(io)?;
    file.sync().map_err(io)?;
    if is_new {
        for folder in [layout::EVENTS, layout::OPERATIONAL, layout::ROOT] {
            disk.sync_dir(folder.into())?;
        }
    }
    Ok(())
}

fn is_logged(disk: &dyn Disk, operation: OperationId) -> bool {
    let bytes = disk.read(LOG.into(), 1 << 20).unwrap_or_default();
    bytes.split(|byte| *byte == b'\n').any(|line| line == operation.to_string().as_bytes())
}

fn sync_log(disk: &dyn Disk) -> Result<(), DiskError> {
    let io = |source| DiskError { operation: DiskOperation::Sync, path: LOG.into(), source };
    disk.open_write(LOG.into())?.sync().map_err(io)?;
    for folder in [layout::EVENTS, layout::OPERATIONAL, layout::ROOT] {
        disk.sync_dir(folder.into())?;
    }
    Ok(())
}

/// What recovery reported of the commit under test.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Report {
    Dropped,
    Finished,
    CleanedUp,
    Frozen(Vec<Utf8PathBuf>),
    OutputsFinished,
    OutputsDropped,
}

/// Recovers as a runtime does: what is owed is logged, then cleaned up.
fn recover_all(disk: &dyn Disk) -> Result<Vec<(OperationId, Report)>, DiskError> {
    recover_in(disk, BOOT)
}

fn recover_in(disk: &dyn Disk, boot: &str) -> Result<Vec<(OperationId, Report)>, DiskError> {
    // What a dead process wrote counts once it is synced.
    let success_is_logged = |operation, _| is_logged(disk, operation) && sync_log(disk).is_ok();
    let options = RecoverOptions { boot, success_is_logged: &success_is_logged };
    let mut reports = Vec::new();
    for found in recover(disk, &options)? {
        reports.push(match found {
            Recovered::Dropped { intent } => (intent.operation, Report::Dropped),
            Recovered::Finished(committed) => {
                let operation = committed.intent().operation;
                assert_eq!(committed.intent().prepared, json!({ "sequence": 7 }));
                log_success(disk, operation)?;
                committed.finish()?;
                (operation, Report::Finished)
            }
            Recovered::CleanedUp { operation } => (operation, Report::CleanedUp),
            Recovered::Frozen { operation, cause, .. } => {
                let paths = match cause {
                    FrozenCause::Conflicts(conflicts) => {
                        conflicts.into_iter().map(|found| found.path).collect()
                    }
                    FrozenCause::DiskFailed | FrozenCause::Damaged(_) | FrozenCause::Overtaken { .. } => {
                        Vec::new()
                    }
                };
                (operation, Report::Frozen(paths))
            }
            Recovered::OutputsFinished(committed) => {
                let operation = committed.intent().operation;
                log_success(disk, operation)?;
                committed.finish()?;
                (operation, Report::OutputsFinished)
            }
            Recovered::OutputsDropped { operation, .. } => (operation, Report::OutputsDropped),
        });
    }
    Ok(reports)
}
