//! The journal: how several files change as one, whatever crashes in between.
//!
//! A commit of the workspace is [`stage`] -> [`Staged::record_intent`] -> [`Recorded::apply`] -> (the caller logs the
//! terminal event) -> [`Committed::finish`]. The durable intent is the commit point. The same for build outputs is
//! [`create_output_staging`] -> [`prepare_outputs`] -> [`PreparedOutputs::apply`] -> [`CommittedOutputs::finish`], or
//! [`CommittedOutputs::put_aside`] where the terminal event of a dead build could not be logged: workspaces have their history
//! for that.
//! [`recover`] finishes or drops whatever a dead process left at any point of either.
//!
//! Guarantees, for the workspace: entirely before or entirely after; nothing is overwritten; a file that somebody else
//! saved meanwhile stops the commit, which is then *frozen*: kept as it is, with every byte on disk, until somebody
//! decides. After a failed sync nothing is retried.
//!
//! Not here: who may write (the lane's lock, held by the caller of everything but [`pending`]), what the changes mean,
//! events, and how a frozen state is to be left: that is planned elsewhere from [`frozen_facts`], and is a commit that
//! [settles](to_settle) the operation.
//!
//! Assumptions, which journalling filesystems fulfil: a rename from one folder to another is one step, and durable once
//! either folder was synced; and no power cut leaves a rename whose target folder's creation it took back. Where they do
//! not hold, a power cut can undo a commit's last renames.
//!
//! Cost: a commit without files takes five syncs (the staged registry, the intent, the journal's folder, the project's
//! folder, the head); each new file one more, each folder that something comes to, or is made or removed in, one, and one if
//! anything leaves its place. One that settles a frozen operation takes two more when it cleans up. The first commit of a project takes two more, for the journal itself.

mod apply;
mod compare;
mod facts;
mod fingerprint;
mod history;
mod intent;
mod kept;
mod outputs;
mod outputs_intent;
mod outputs_owed;
mod recover;
mod registry;
mod settle;
mod spelling;
mod stage;
mod steps;

#[cfg(test)]
mod tests;

pub use apply::{ApplyError, Committed, Recorded};
pub use compare::Conflict;
pub use facts::{BytesAt, FileFacts, FrozenFacts, FrozenFactsError, PathFacts, RegistryFacts, frozen_facts};
pub use fingerprint::{FileFingerprint, Fingerprint};
pub use history::{HistoryEntry, HistoryError, drop_history, list_history, read_history, read_history_file};
pub use intent::{Intent, IntentDamage, MAX_INTENT_BYTES, RegistryWork};
pub use kept::kept_path;
pub use outputs::{
    CommittedOutputs, OutputsError, OutputsRequest, PreparedOutputs, create_output_staging,
    dead_output_stagings, drop_output_staging, prepare_outputs,
};
pub use outputs_intent::{OutputFile, OutputsIntent};
pub use outputs_owed::OwedOutputs;
pub use recover::{FrozenCause, RecoverOptions, Recovered, recover};
pub use registry::{MAX_REGISTRY_BYTES, RegistryChange};
pub use settle::to_settle;
pub use stage::{CommitRequest, OnStaged, StageError, Staged, stage, stage_telling};
pub use steps::{Displaced, Origin, Placed, Step, StepProblem, Work};

use std::io::Write;

use camino::Utf8Path;
use packer_domain::identity::OperationId;

use crate::disk::{DirEntry, Disk, DiskError, DiskOperation, EntryKind};
use crate::layout;

/// An operation that is committing, or died while it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The operation.
    pub operation: OperationId,
    /// What of it stands in the journal.
    pub state: PendingState,
}

/// What stands in the journal of a pending operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingState {
    /// It is changing the workspace: files, registry and head need not agree now.
    Workspace,
    /// It is changing build outputs. The workspace is not concerned.
    Outputs,
    /// It waits for somebody to decide.
    Frozen,
}

/// The operations that are pending, by their ids. Reads names only, and needs no lock. Of several frozen ones,
/// [`to_settle`] says which is first.
pub fn pending(disk: &dyn Disk) -> Result<Vec<Pending>, DiskError> {
    let found = list(disk)?.into_iter().filter_map(|name| {
        let state = match name.part {
            Part::Intent => PendingState::Workspace,
            Part::OutputsIntent => PendingState::Outputs,
            Part::Frozen => PendingState::Frozen,
            Part::PlacedOutputs
            | Part::MixedOutputs
            | Part::Unfinished
            | Part::Staged(_)
            | Part::Record
            | Part::DisplacedFolder
            | Part::DroppedHistory => return None,
        };
        Some(Pending { operation: name.operation, state })
    });
    Ok(found.collect())
}

/// A name in the journal that is one of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    operation: OperationId,
    part: Part,
    /// The name itself.
    text: String,
}

/// What a name in the journal stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Intent,
    Frozen,
    OutputsIntent,
    PlacedOutputs,
    MixedOutputs,
    Unfinished,
    Staged(u32),
    Record,
    DisplacedFolder,
    DroppedHistory,
}

impl Part {
    /// Whether it makes its operation pending.
    fn is_intent(self) -> bool {
        matches!(self, Self::Intent | Self::Frozen | Self::OutputsIntent)
    }
}

/// Everything of ours in the journal, by operation. Other names are left alone, and so is what only has such a name: a
/// folder where a file would be, a file where a folder would be.
fn list(disk: &dyn Disk) -> Result<Vec<Name>, DiskError> {
    let entries = match disk.read_dir(layout::JOURNAL.into()) {
        Ok(entries) => entries,
        Err(error) if error.is_not_found() => Vec::new(),
        Err(error) => return Err(error),
    };
    let ours = |entry: &DirEntry| {
        let name = parse_name(entry.name.to_str()?)?;
        let is_folder = entry.kind == EntryKind::Dir;
        let is_to_be_folder = matches!(name.part, Part::DisplacedFolder | Part::DroppedHistory);
        (is_to_be_folder == is_folder).then_some(name)
    };
    let mut names: Vec<Name> = entries.iter().filter_map(ours).collect();
    names.sort();
    Ok(names)
}

fn parse_name(text: &str) -> Option<Name> {
    let (operation, rest) = text.split_once('.')?;
    let operation = operation.parse().ok()?;
    let part = match rest {
        "intent" => Part::Intent,
        "frozen" => Part::Frozen,
        "outputs" => Part::OutputsIntent,
        "placed" => Part::PlacedOutputs,
        "mixed" => Part::MixedOutputs,
        "unfinished" => Part::Unfinished,
        "record" => Part::Record,
        "displaced" => Part::DisplacedFolder,
        "dropped" => Part::DroppedHistory,
        number => Part::Staged(number.parse().ok().filter(|n: &u32| n.to_string() == number)?),
    };
    Some(Name { operation, part, text: text.to_owned() })
}

/// Writes a file that did not exist, and syncs it if asked to.
fn write_new(disk: &dyn Disk, path: &Utf8Path, bytes: &[u8], sync: bool) -> Result<(), DiskError> {
    let fail = |operation| move |source| DiskError { operation, path: path.to_owned(), source };
    let mut file = disk.create(path)?;
    file.write_all(bytes).map_err(fail(DiskOperation::Write))?;
    file.flush().map_err(fail(DiskOperation::Write))?;
    if sync { file.sync().map_err(fail(DiskOperation::Sync)) } else { Ok(()) }
}

/// Creates the folders that a transaction works in. With `durable` their names are made durable too, unless there is
/// a head, which shows that this was done before.
fn lay_folders(disk: &dyn Disk, has_head: bool, durable: bool) -> Result<(), DiskError> {
    let is_laid = |path: &str| disk.stat(path.into()).map(|stat| stat.is_some());
    if has_head && is_laid(layout::JOURNAL)? && is_laid(layout::HISTORY)? {
        return Ok(());
    }
    layout::ensure_operational(disk)?;
    disk.create_dir_all(layout::JOURNAL.into())?;
    disk.create_dir_all(layout::HISTORY.into())?;
    drop(disk.open_write(layout::HEAD.into())?);
    if durable {
        disk.sync_dir(layout::OPERATIONAL.into())?;
        disk.sync_dir(layout::ROOT.into())?;
    }
    Ok(())
}
