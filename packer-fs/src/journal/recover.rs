//! Recovery: finishing, dropping or freezing what a dead process left in the journal.
//!
//! Called by whoever takes the lane, before anything else. It may crash at any point and be called again. It never
//! guesses: what it can neither finish nor drop is frozen, and stays so.
//!
//! A frozen operation is not reported where a commit that settles it is finished here, or is itself frozen.
//!
//! It logs nothing. What it returns says which terminal events are still owed.

use std::collections::BTreeSet;

use packer_domain::identity::{OperationId, SourceId};

use super::apply::{Committed, Recorded, absent_is_fine, clean_up, freeze};
use super::compare::{Comparison, Conflict, compare};
use super::history::remove_folder;
use super::intent::{self, Decoded, Intent, IntentDamage};
use super::outputs::{self, CommittedOutputs};
use super::outputs_intent::OutputsIntent;
use super::outputs_owed::{self, OwedOutputs};
use super::{ApplyError, Name, Part, list};
use crate::disk::{Disk, DiskError};
use crate::head::{Head, read_head, sync_head};
use crate::layout;

/// What recovery has to know from outside.
#[derive(Clone, Copy)]
pub struct RecoverOptions<'a> {
    /// The system's current boot; empty if it cannot be told, and then no boot is taken for the same.
    pub boot: &'a str,
    /// Whether a terminal event that says the operation *succeeded* (or was recovered) is *durably* in the log of the
    /// source. Any other terminal event does not count; and what a dead process wrote has to be synced before it does,
    /// because the intent, which tells of the operation otherwise, is put away then. `false` where it cannot be told.
    pub success_is_logged: &'a dyn Fn(OperationId, SourceId) -> bool,
}

impl std::fmt::Debug for RecoverOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecoverOptions").field("boot", &self.boot).finish_non_exhaustive()
    }
}

/// What became of one operation that was found in the journal.
#[derive(Debug)]
#[must_use = "it says which terminal event is still owed"]
pub enum Recovered<'d> {
    /// It had not committed, and nothing of it is left. Owed: `aborted`.
    Dropped {
        /// What it was about to do.
        intent: Box<Intent>,
    },
    /// It had committed, and is now wholly on disk. Owed: `recovered`, then [`Committed::finish`].
    Finished(Committed<'d>),
    /// It had ended, and only the clean-up was missing. Nothing is owed.
    CleanedUp {
        /// The operation.
        operation: OperationId,
    },
    /// It can neither be finished nor dropped; nothing was touched. Owed, once: `outcome_unknown`.
    Frozen {
        /// The operation.
        operation: OperationId,
        /// What it was about to do, if that can be read.
        intent: Option<Box<Intent>>,
        /// Why.
        cause: FrozenCause,
    },
    /// It had committed build outputs, which are now all in place. Owed: `recovered`, then
    /// [`CommittedOutputs::finish`]; [`CommittedOutputs::put_aside`] where that could not be logged.
    OutputsFinished(CommittedOutputs<'d>),
    /// It was about to place build outputs, and had placed none. Owed: `aborted`.
    OutputsDropped {
        /// What it was about to do.
        intent: Box<OutputsIntent>,
    },
    /// It was placing build outputs, which cannot be completed and are what they are until the next build; or it was put
    /// aside by an earlier recovery. Owed: what [`OwedOutputs::is_mixed`] says, then [`OwedOutputs::finish`];
    /// [`OwedOutputs::put_aside`] where that could not be logged.
    OutputsOwed(OwedOutputs<'d>),
}

impl Recovered<'_> {
    /// The operation that was found.
    pub fn operation(&self) -> OperationId {
        match self {
            Self::Dropped { intent } => intent.operation,
            Self::Finished(committed) => committed.intent().operation,
            Self::CleanedUp { operation } | Self::Frozen { operation, .. } => *operation,
            Self::OutputsFinished(committed) => committed.intent().operation,
            Self::OutputsDropped { intent } => intent.operation,
            Self::OutputsOwed(owed) => owed.operation(),
        }
    }
}

/// Why an operation is frozen.
#[derive(Debug)]
pub enum FrozenCause {
    /// These paths are neither as before nor as after.
    Conflicts(Vec<Conflict>),
    /// The disk failed while it committed.
    DiskFailed,
    /// Its intent cannot be acted on.
    Damaged(IntentDamage),
    /// Another commit took its number.
    Overtaken {
        /// That commit.
        head: Head,
    },
}

/// Brings every operation in the journal to an end, or freezes it, and sweeps what belongs to none.
pub fn recover<'d>(
    disk: &'d dyn Disk,
    options: &RecoverOptions<'_>,
) -> Result<Vec<Recovered<'d>>, DiskError> {
    let names = list(disk)?;
    if names.iter().any(|name| name.part.is_intent()) {
        // What is seen may be in memory only; it must not be acted on before it is as durable as what follows from it.
        disk.sync_dir(layout::JOURNAL.into())?;
    }
    let mut found = Vec::new();
    // Of these another commit decides; one that is dropped decides nothing.
    let mut settled = BTreeSet::new();
    for Name { operation, part, .. } in &names {
        match part {
            Part::Intent => found.push(recover_workspace(disk, *operation, options, &mut settled)?),
            Part::Frozen => found.push(describe_frozen(disk, *operation)?),
            Part::OutputsIntent => found.push(outputs::recover_outputs(disk, *operation, options)?),
            Part::PlacedOutputs | Part::MixedOutputs => {
                let owed = outputs_owed::recover_owed(disk, *operation, *part, options)?;
                found.extend(owed.map(Recovered::OutputsOwed));
            }
            Part::Unfinished
            | Part::Staged(_)
            | Part::Record
            | Part::DisplacedFolder
            | Part::DroppedHistory => {}
        }
    }
    for recovered in &found {
        match recovered {
            Recovered::Finished(committed) => settled.extend(committed.intent().resolves.iter().copied()),
            Recovered::Frozen { intent: Some(intent), .. } => {
                settled.extend(intent.resolves.iter().copied());
            }
            _ => {}
        }
    }
    found
        .retain(|found| !matches!(found, Recovered::Frozen { operation, .. } if settled.contains(operation)));
    sweep(disk)?;
    Ok(found)
}

fn recover_workspace<'d>(
    disk: &'d dyn Disk,
    operation: OperationId,
    options: &RecoverOptions<'_>,
    settled: &mut BTreeSet<OperationId>,
) -> Result<Recovered<'d>, DiskError> {
    let intent = match intent::read(disk, &layout::intent(operation), operation)? {
        Ok(intent) => intent,
        Err(damage) => {
            freeze(disk, operation)?;
            return Ok(Recovered::Frozen { operation, intent: None, cause: FrozenCause::Damaged(damage) });
        }
    };
    if (options.success_is_logged)(operation, intent.source) {
        // The workspace is not looked at: people may have gone on working.
        clean_up(disk, &intent)?;
        settled.extend(intent.resolves);
        return Ok(Recovered::CleanedUp { operation });
    }
    match read_head(disk)? {
        Some(head) if head.commit == intent.commit && head.operation == operation => {
            // It may have been written and not synced.
            sync_head(disk)?;
            return Ok(Recovered::Finished(Committed::new(disk, intent)));
        }
        Some(head) if head.commit >= intent.commit => {
            freeze(disk, operation)?;
            let cause = FrozenCause::Overtaken { head };
            return Ok(Recovered::Frozen { operation, intent: Some(Box::new(intent)), cause });
        }
        _ => {}
    }
    match compare(disk, &intent)? {
        Comparison::NotReached => {
            drop_staging(disk, operation)?;
            absent_is_fine(disk.remove_file(&layout::intent(operation)))?;
            Ok(Recovered::Dropped { intent: Box::new(intent) })
        }
        Comparison::Resumable(progress) => match Recorded::new(disk, intent.clone()).apply_from(&progress) {
            Ok(committed) => Ok(Recovered::Finished(committed)),
            Err(ApplyError::Frozen { conflicts, .. }) => {
                let cause = FrozenCause::Conflicts(conflicts);
                Ok(Recovered::Frozen { operation, intent: Some(Box::new(intent)), cause })
            }
            Err(ApplyError::OutcomeUnknown { source, .. }) => Err(source),
        },
        Comparison::Conflicting(conflicts) => {
            freeze(disk, operation)?;
            let cause = FrozenCause::Conflicts(conflicts);
            Ok(Recovered::Frozen { operation, intent: Some(Box::new(intent)), cause })
        }
    }
}

/// A frozen operation stays frozen, whatever the workspace looks like by now.
fn describe_frozen(disk: &dyn Disk, operation: OperationId) -> Result<Recovered<'_>, DiskError> {
    let decoded: Decoded<Intent> = intent::read(disk, &layout::frozen(operation), operation)?;
    let (intent, cause) = match decoded {
        Err(damage) => (None, FrozenCause::Damaged(damage)),
        Ok(intent) => {
            let cause = match (read_head(disk)?, compare(disk, &intent)?) {
                (Some(head), _) if head.commit >= intent.commit && head.operation != operation => {
                    FrozenCause::Overtaken { head }
                }
                (_, Comparison::Conflicting(conflicts)) => FrozenCause::Conflicts(conflicts),
                _ => FrozenCause::DiskFailed,
            };
            (Some(Box::new(intent)), cause)
        }
    };
    Ok(Recovered::Frozen { operation, intent, cause })
}

/// Removes what `operation` staged before it recorded an intent.
pub(super) fn drop_staging(disk: &dyn Disk, operation: OperationId) -> Result<(), DiskError> {
    for name in list(disk)?.into_iter().filter(|name| name.operation == operation) {
        drop_part(disk, &name)?;
    }
    Ok(())
}

/// Removes or puts away whatever belongs to no pending operation.
fn sweep(disk: &dyn Disk) -> Result<(), DiskError> {
    let names = list(disk)?;
    let pending: BTreeSet<OperationId> =
        names.iter().filter(|name| name.part.is_intent()).map(|name| name.operation).collect();
    for name in names.iter().filter(|name| !pending.contains(&name.operation)) {
        drop_part(disk, name)?;
    }
    Ok(())
}

fn drop_part(disk: &dyn Disk, name: &Name) -> Result<(), DiskError> {
    let path = camino::Utf8Path::new(layout::JOURNAL).join(&name.text);
    match name.part {
        Part::Intent | Part::Frozen | Part::OutputsIntent | Part::PlacedOutputs | Part::MixedOutputs => {
            Ok(())
        }
        Part::Unfinished | Part::Staged(_) | Part::Record => absent_is_fine(disk.remove_file(&path)),
        Part::DroppedHistory => remove_folder(disk, &path),
        Part::DisplacedFolder => match disk.remove_dir(&path) {
            // A power cut took back a part of a clean-up; what is in it belongs to history.
            Err(error) if error.source.kind() == std::io::ErrorKind::DirectoryNotEmpty => {
                disk.create_dir_all(layout::HISTORY.into())?;
                match disk.rename_new(&path, &layout::history_folder(name.operation)) {
                    Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {
                        tracing::warn!(%path, "history has this operation already; its files are left where they are");
                        Ok(())
                    }
                    result => result,
                }
            }
            result => absent_is_fine(result),
        },
    }
}
