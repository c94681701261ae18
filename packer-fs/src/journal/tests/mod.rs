//! What the journal's tests share: projects on the simulated disk, commits to try on them, a log of terminal events,
//! and the judge that says whether a disk is entirely before or entirely after.

mod crash;
mod edited;
mod facts;
mod folding;
mod history;
mod meddling;
#[cfg(unix)]
mod modes;
mod outputs;
mod refusals;
mod restore;
mod settle;
mod workloads;

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{Digest, OperationId, SourceId, UuidDraw};
use serde_json::json;

use super::*;
use crate::disk::sim::{RenameDurability, SimDisk, SimNode};
use crate::disk::{Disk, DiskError};
use crate::head::read_head;
use workloads::*;

const LOG: &str = ".packer/events/log";
const BOOT: &str = "boot-1";
/// The commit that some projects have behind them.
const EARLIER: u8 = 1;
/// The commit under test.
const TESTED: u8 = 2;
/// The frozen commit that some projects have.
const FROZEN: u8 = 0;
/// What somebody else saves while a commit runs.
const SAVED: &str = "saved by somebody else";

fn draw(n: u8) -> UuidDraw {
    UuidDraw { unix_ms: 1_790_000_000_000 + u64::from(n), entropy: [n; 16] }
}

fn operation(n: u8) -> OperationId {
    OperationId::drawn(draw(n))
}

fn fingerprint(text: &str) -> FileFingerprint {
    FileFingerprint::of(text.as_bytes())
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
        resolves: None,
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

/// Without the frozen operation that some projects have from the start.
fn without_settled(reports: Vec<(OperationId, Report)>) -> Vec<(OperationId, Report)> {
    reports.into_iter().filter(|(of, _)| *of != operation(FROZEN)).collect()
}

/// What is pending beside it.
fn newly_pending(disk: &SimDisk) -> Vec<Pending> {
    pending(disk).unwrap().into_iter().filter(|found| found.operation != operation(FROZEN)).collect()
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
    OutputsMixed,
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
            Recovered::OutputsDropped { intent } => (intent.operation, Report::OutputsDropped),
            Recovered::OutputsOwed(owed) => {
                let operation = owed.operation();
                assert!(owed.is_mixed() && !owed.was_put_aside());
                owed.finish()?;
                (operation, Report::OutputsMixed)
            }
        });
    }
    Ok(reports)
}
