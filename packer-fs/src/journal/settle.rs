//! Frozen operations, and the commits that settle them.
//!
//! What is to become of a frozen operation is decided elsewhere, and carried out by an ordinary commit whose intent names
//! the operation in [`Intent::resolves`]. With that intent the decision is made: recovery finishes the commit and does not
//! report the frozen operation any more. With the commit's clean-up everything that is left of the operation goes to
//! `.packer/history/<operation>/`, whatever it is: displaced files under their numbers, staged ones as `staged.<number>`,
//! and the intent as `frozen` (not `intent`: it is no commit that happened).
//!
//! A commit that settles can freeze as well. Then both are frozen, the later one is to be settled first, and whatever
//! settles it settles the other, too.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::OperationId;

use super::apply::absent_is_fine;
use super::intent::{self, Intent};
use super::stage::StageError;
use super::steps::{self, Work};
use super::{Name, Part, list};
use crate::disk::{Disk, DiskError};
use crate::layout;

/// How many names are tried where one is taken already, which no clean-up of ours leaves behind.
const FREE_NAMES: u32 = 1000;

/// The frozen operation that is to be settled next: of several, one that no other was to settle. `None` if none is frozen.
pub fn to_settle(disk: &dyn Disk) -> Result<Option<OperationId>, DiskError> {
    Ok(next_of(&list(disk)?, &|operation| frozen_intent(disk, operation))?.map(|(operation, _)| operation))
}

type ReadIntent<'a> = &'a dyn Fn(OperationId) -> Result<Option<Intent>, DiskError>;

fn next_of(names: &[Name], read: ReadIntent<'_>) -> Result<Option<(OperationId, Option<Intent>)>, DiskError> {
    let frozen = names.iter().filter(|name| name.part == Part::Frozen).map(|name| name.operation);
    let mut found =
        frozen.map(|operation| Ok((operation, read(operation)?))).collect::<Result<Vec<_>, DiskError>>()?;
    let settled: BTreeSet<OperationId> =
        found.iter().flat_map(|(_, intent)| resolves(intent.as_ref())).collect();
    // Ids are ordered by time: where nothing can be read, it is the latest.
    let at = found.iter().rposition(|(operation, _)| !settled.contains(operation));
    Ok(at.map(|at| found.swap_remove(at)))
}

/// The intent of a frozen operation; `None` if it cannot be read as one.
fn frozen_intent(disk: &dyn Disk, operation: OperationId) -> Result<Option<Intent>, DiskError> {
    Ok(intent::read(disk, &layout::frozen(operation), operation)?.ok())
}

fn resolves(intent: Option<&Intent>) -> impl Iterator<Item = OperationId> {
    intent.into_iter().flat_map(|intent| intent.resolves.iter().copied())
}

/// What the commit of `operation`, which was asked to settle `asked`, settles; or why it must not begin.
pub(super) fn settles(
    disk: &dyn Disk,
    operation: OperationId,
    asked: Option<OperationId>,
) -> Result<Vec<OperationId>, StageError> {
    let failed = |source| StageError::Failed { source };
    let names = list(disk).map_err(failed)?;
    let pending = |name: &&Name| name.part.is_intent() && (asked.is_none() || name.part != Part::Frozen);
    if let Some(found) = names.iter().find(pending) {
        return Err(StageError::Pending { operation: found.operation });
    }
    let Some(asked) = asked else { return Ok(Vec::new()) };
    match next_of(&names, &|operation| frozen_intent(disk, operation)).map_err(failed)? {
        // It is its own predecessor in no project; and dropping its staging would drop what is to be kept.
        Some((next, intent)) if next == asked && next != operation => {
            let is_frozen = |of: &OperationId| {
                names.iter().any(|name| name.operation == *of && name.part == Part::Frozen)
            };
            let others =
                resolves(intent.as_ref()).filter(|of| is_frozen(of) && *of != next && *of != operation);
            Ok([next].into_iter().chain(others).collect())
        }
        Some((next, _)) => Err(StageError::Pending { operation: next }),
        None => Err(StageError::NotFrozen { operation: asked }),
    }
}

/// Makes durable what the frozen operations did and `work` builds on: they may have stopped before their own syncs. What
/// they staged, and took from there, is in the journal's folder, whose sync the commit's intent waits for anyway.
pub(super) fn make_durable(disk: &dyn Disk, settled: &[OperationId], work: &Work) -> Result<(), DiskError> {
    let made_anew: BTreeSet<&Utf8Path> = work.make_dirs.iter().map(Utf8PathBuf::as_path).collect();
    let placed = work.placed.iter().flat_map(|item| steps::ancestors(&item.path));
    let built_on: BTreeSet<&Utf8Path> = placed.filter(|folder| !made_anew.contains(folder)).collect();
    for operation in settled {
        let Some(intent) = frozen_intent(disk, *operation)? else { continue };
        if !intent.work.displaced.is_empty() {
            // Or what leaves its place there could come back to where something was placed since.
            absent_is_fine(disk.sync_dir(&layout::displaced_folder(*operation)))?;
        }
        let made = intent.work.make_dirs.iter().filter(|made| built_on.contains(made.as_path()));
        for folder in steps::folders(made) {
            absent_is_fine(disk.sync_dir(folder))?;
        }
    }
    Ok(())
}

/// Puts everything that is left of `settled` into history. Begins anew whatever of it was done already.
///
/// Two syncs, for the commit's own intent goes to history next, and with it the knowledge of what it settled: while one of
/// the intents stands in the journal everything of its operation does; and none stands there for longer than the commit's.
pub(super) fn put_away(disk: &dyn Disk, settled: &[OperationId]) -> Result<(), DiskError> {
    if settled.is_empty() {
        return Ok(());
    }
    let names = list(disk)?;
    // One that is not frozen is none that can be settled, whatever an intent says.
    let is_live = |operation| {
        names
            .iter()
            .any(|name| name.operation == operation && name.part.is_intent() && name.part != Part::Frozen)
    };
    let settled: BTreeSet<OperationId> = settled.iter().copied().filter(|of| !is_live(*of)).collect();
    for operation in &settled {
        gather(disk, *operation, &names)?;
    }
    disk.sync_dir(layout::JOURNAL.into())?;
    for name in names.iter().filter(|name| name.part == Part::Frozen && settled.contains(&name.operation)) {
        move_aside(disk, &layout::frozen(name.operation), &layout::history_frozen(name.operation))?;
    }
    disk.sync_dir(layout::JOURNAL.into())
}

/// Moves all but the intent.
fn gather(disk: &dyn Disk, operation: OperationId, names: &[Name]) -> Result<(), DiskError> {
    let history = layout::history_folder(operation);
    if disk.stat(&history)?.is_none() {
        let displaced = layout::displaced_folder(operation);
        // Made in the journal, so that the journal's sync makes all of this durable.
        if disk.stat(&displaced)?.is_none() {
            disk.create_dir(&displaced)?;
        }
        disk.create_dir_all(layout::HISTORY.into())?;
        disk.rename_new(&displaced, &history)?;
    }
    for name in names.iter().filter(|name| name.operation == operation) {
        if let Part::Staged(number) = name.part {
            move_aside(disk, &layout::staged(operation, number), &layout::history_staged(operation, number))?;
        }
    }
    Ok(())
}

/// Renames to `to`, or where that is taken, to `to` with a number.
fn move_aside(disk: &dyn Disk, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
    let mut target = to.to_owned();
    for n in 1.. {
        match disk.rename_new(from, &target) {
            Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists && n < FREE_NAMES => {
                target = Utf8PathBuf::from(format!("{to}.{n}"));
            }
            result => return result,
        }
    }
    Ok(())
}
