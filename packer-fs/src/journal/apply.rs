//! The second half of a commit: carry out a recorded intent, and clean up once its end is logged.
//!
//! Nothing is ever overwritten. What leaves its place is renamed into `.packer/` and fingerprinted *there*, where
//! nobody saves any more; what comes is renamed to where nothing stands; the registry is swapped, and the former one
//! fingerprinted. Where anything is not as the intent says, the commit stops and freezes, with every byte still on disk.
//!
//! The same code finishes what another process began; which steps are done by then is `compare`'s knowledge.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::OperationId;
use thiserror::Error;

use super::compare::{Conflict, Progress, compare};
use super::fingerprint::Fingerprint;
use super::intent::{Intent, RegistryWork};
use super::settle;
use super::steps::{self, Origin, Work};
use crate::disk::{Disk, DiskError, EntryKind};
use crate::head::{Head, write_head};
use crate::layout;

/// A commit whose intent is durable: it has happened, but its steps are still to be carried out.
#[derive(Debug)]
#[must_use = "a recorded commit has to be applied, or recovery will do it"]
pub struct Recorded<'d> {
    disk: &'d dyn Disk,
    intent: Intent,
}

/// A commit that is wholly on disk: files, registry and head. Its terminal event is still to be logged.
#[derive(Debug)]
#[must_use = "an applied commit has to be finished, or recovery will do it"]
pub struct Committed<'d> {
    disk: &'d dyn Disk,
    intent: Intent,
}

/// Why a recorded commit could not be carried out. The lane is frozen either way.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// Something is not as the intent says: somebody changed a file meanwhile.
    #[error("operation {operation} is frozen: {} path(s) changed while it committed", conflicts.len())]
    Frozen {
        /// The operation.
        operation: OperationId,
        /// What is not as it should be.
        conflicts: Vec<Conflict>,
    },
    /// The disk failed.
    #[error("the outcome of operation {operation} is unknown")]
    OutcomeUnknown {
        /// The operation.
        operation: OperationId,
        /// How.
        source: DiskError,
    },
}

impl<'d> Recorded<'d> {
    pub(super) fn new(disk: &'d dyn Disk, intent: Intent) -> Self {
        Self { disk, intent }
    }

    /// What is to be done.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Carries the steps out. Once this returns, files, registry and head are durable.
    pub fn apply(self) -> Result<Committed<'d>, ApplyError> {
        self.apply_telling(&|_| {})
    }

    /// The same, and tells of each file when it has left its place or taken its new one.
    pub fn apply_telling(self, on_step: &dyn Fn(&Utf8Path)) -> Result<Committed<'d>, ApplyError> {
        let progress = Progress::none(&self.intent.work);
        self.carry_out(&progress, on_step)
    }

    pub(super) fn apply_from(self, progress: &Progress) -> Result<Committed<'d>, ApplyError> {
        self.carry_out(progress, &|_| {})
    }

    fn carry_out(
        self,
        progress: &Progress,
        on_step: &dyn Fn(&Utf8Path),
    ) -> Result<Committed<'d>, ApplyError> {
        let (disk, operation) = (self.disk, self.intent.operation);
        match carry_out(disk, &self.intent, progress, on_step) {
            Ok(()) => Ok(Committed { disk, intent: self.intent }),
            Err(Stop::Disk(source)) => {
                freeze_after_failure(disk, operation);
                Err(ApplyError::OutcomeUnknown { operation, source })
            }
            Err(Stop::Conflict(conflict)) => {
                // The whole picture, if it can still be had.
                let conflicts = match compare(disk, &self.intent) {
                    Ok(comparison) => comparison.conflicts_with(conflict),
                    Err(_) => vec![conflict],
                };
                freeze(disk, operation).map_err(|source| ApplyError::OutcomeUnknown { operation, source })?;
                Err(ApplyError::Frozen { operation, conflicts })
            }
        }
    }
}

impl<'d> Committed<'d> {
    pub(super) fn new(disk: &'d dyn Disk, intent: Intent) -> Self {
        Self { disk, intent }
    }

    /// What was done.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// The commit as the head names it.
    pub fn head(&self) -> Head {
        head_of(&self.intent)
    }

    /// Cleans up, after the terminal event was logged: displaced files and the intent go to history, the rest is
    /// removed. So does all that is left of the frozen operations that it settled. Nothing but that needs a sync; whatever
    /// a power cut takes back is done again by recovery.
    pub fn finish(self) -> Result<(), DiskError> {
        clean_up(self.disk, &self.intent)
    }
}

/// Marks an intent so that no recovery touches it.
pub(super) fn freeze(disk: &dyn Disk, operation: OperationId) -> Result<(), DiskError> {
    disk.rename_new(&layout::intent(operation), &layout::frozen(operation))?;
    // Or the mark could be lost after the operation's end was logged.
    disk.sync_dir(layout::JOURNAL.into())
}

/// After a failed sync nobody knows what is on disk, and looking again would show what is in memory: no recovery may
/// take it for done.
pub(super) fn freeze_after_failure(disk: &dyn Disk, operation: OperationId) {
    if let Err(error) = freeze(disk, operation) {
        tracing::warn!(%operation, %error, "the failed commit could not be marked as frozen");
    }
}

pub(super) fn clean_up(disk: &dyn Disk, intent: &Intent) -> Result<(), DiskError> {
    let operation = intent.operation;
    settle::put_away(disk, &intent.resolves)?;
    let history = layout::history_folder(operation);
    let displaced = layout::displaced_folder(operation);
    if disk.stat(&history)?.is_none() && disk.stat(&displaced)?.is_some() {
        // As one step, so that no power cut can part the files from their folder.
        disk.rename_new(&displaced, &history)?;
    }
    disk.create_dir_all(&history)?;
    if let RegistryWork::Replaced { staged, .. } = intent.registry {
        absent_is_fine(disk.remove_file(&layout::staged(operation, staged)))?;
    }
    // Last: as long as the intent stands, clean-up is done again.
    disk.rename_new(&layout::intent(operation), &layout::history_intent(operation))
}

pub(super) fn absent_is_fine(result: Result<(), DiskError>) -> Result<(), DiskError> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        result => result,
    }
}

pub(super) fn head_of(intent: &Intent) -> Head {
    Head { commit: intent.commit, registry: intent.registry.digest(), operation: intent.operation }
}

enum Stop {
    Conflict(Conflict),
    Disk(DiskError),
}

impl From<DiskError> for Stop {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

/// Carries out what `progress` says is not done. Syncs are never skipped: what another process did may be in memory only.
fn carry_out(
    disk: &dyn Disk,
    intent: &Intent,
    progress: &Progress,
    on_step: &dyn Fn(&Utf8Path),
) -> Result<(), Stop> {
    displace(disk, intent, progress, on_step)?;
    sync_displaced(disk, intent)?;
    // Before any is made: on some disks a folder that is to be made is one that is to be removed, in other letters.
    remove_folders(disk, &intent.work)?;
    make_folders(disk, &intent.work.make_dirs)?;
    place(disk, intent, progress, on_step)?;
    sync_placed(disk, &intent.work)?;
    if let RegistryWork::Replaced { .. } = intent.registry {
        swap_registry(disk, intent, progress.registry_swapped)?;
        disk.sync_dir(layout::ROOT.into())?;
    }
    write_head(disk, &head_of(intent))?;
    Ok(())
}

fn make_folders(disk: &dyn Disk, folders: &[Utf8PathBuf]) -> Result<(), Stop> {
    for path in folders {
        match disk.create_dir(path) {
            Ok(()) => {}
            Err(error) => match disk.stat(path)?.map(|stat| stat.kind) {
                Some(EntryKind::Dir) => {}
                // Something took the place; or what it was to stand in.
                Some(_) => return Err(conflict(disk, path, None)),
                None if error.source.kind() == std::io::ErrorKind::NotFound => {
                    return Err(conflict(disk, path, None));
                }
                None => return Err(error.into()),
            },
        }
    }
    Ok(())
}

fn displace(
    disk: &dyn Disk,
    intent: &Intent,
    progress: &Progress,
    on_step: &dyn Fn(&Utf8Path),
) -> Result<(), Stop> {
    for (n, item) in intent.work.displaced.iter().enumerate() {
        if progress.displaced[n] {
            continue;
        }
        let kept = layout::displaced(intent.operation, n as u32);
        match disk.rename_new(&item.path, &kept) {
            Ok(()) => {}
            Err(error) if error.is_not_found() => return Err(conflict(disk, &item.path, None)),
            Err(error) => return Err(error.into()),
        }
        // Only here is it out of everybody's reach; what stood there a moment ago proves nothing.
        if !Fingerprint::take(disk, &kept)?.is(item.before) {
            return Err(conflict(disk, &item.path, Some(kept)));
        }
        on_step(&item.path);
    }
    Ok(())
}

/// Nothing may be placed before everything that left its place has durably left it.
fn sync_displaced(disk: &dyn Disk, intent: &Intent) -> Result<(), DiskError> {
    if intent.work.displaced.is_empty() {
        return Ok(());
    }
    // A rename is one step, so the folder that all of them went to stands for those they came from.
    disk.sync_dir(&layout::displaced_folder(intent.operation))
}

/// The folders in which something was made, placed or removed, outer ones first.
fn sync_placed(disk: &dyn Disk, work: &Work) -> Result<(), DiskError> {
    let placed = work.placed.iter().map(|item| &item.path);
    for folder in steps::folders(placed.chain(&work.make_dirs).chain(&work.remove_dirs)) {
        // One that was removed has no names to sync; its parent has.
        absent_is_fine(disk.sync_dir(folder))?;
    }
    Ok(())
}

fn place(
    disk: &dyn Disk,
    intent: &Intent,
    progress: &Progress,
    on_step: &dyn Fn(&Utf8Path),
) -> Result<(), Stop> {
    for (item, _) in intent.work.placed.iter().zip(&progress.placed).filter(|(_, done)| !**done) {
        let from = match item.origin {
            Origin::Staged(n) => layout::staged(intent.operation, n),
            Origin::Displaced(n) => layout::displaced(intent.operation, n),
        };
        match disk.rename_new(&from, &item.path) {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.source.kind(),
                    std::io::ErrorKind::AlreadyExists
                        | std::io::ErrorKind::NotFound
                        | std::io::ErrorKind::NotADirectory
                ) =>
            {
                // Somebody put something there, or took its folder away.
                return Err(conflict(disk, &item.path, Some(from)));
            }
            Err(error) => return Err(error.into()),
        }
        on_step(&item.path);
    }
    Ok(())
}

/// A folder that somebody put something into stays, and so does one that something is to be put into.
fn remove_folders(disk: &dyn Disk, work: &Work) -> Result<(), Stop> {
    let needed = work.placed.iter().flat_map(|item| steps::ancestors(&item.path));
    let needed: BTreeSet<&Utf8Path> = needed.collect();
    for path in work.remove_dirs.iter().filter(|path| !needed.contains(path.as_path())) {
        match disk.remove_dir(path) {
            Err(error)
                if !matches!(
                    error.source.kind(),
                    std::io::ErrorKind::DirectoryNotEmpty
                        | std::io::ErrorKind::NotFound
                        | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Err(error.into());
            }
            _ => {}
        }
    }
    Ok(())
}

fn swap_registry(disk: &dyn Disk, intent: &Intent, swapped: bool) -> Result<(), Stop> {
    let RegistryWork::Replaced { before, staged, .. } = intent.registry else { return Ok(()) };
    let registry = Utf8Path::new(layout::REGISTRY);
    let kept = layout::staged(intent.operation, staged);
    if swapped {
        return Ok(());
    }
    let Some(before) = before else {
        return match disk.rename_new(&kept, registry) {
            Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(conflict(disk, registry, Some(kept)))
            }
            result => Ok(result?),
        };
    };
    match disk.exchange(registry, &kept) {
        Ok(()) => {}
        Err(error) if error.is_not_found() => return Err(conflict(disk, registry, Some(kept))),
        Err(error) => return Err(error.into()),
    }
    if Fingerprint::take(disk, &kept)?.is(before) {
        Ok(())
    } else {
        Err(conflict(disk, registry, Some(kept)))
    }
}

fn conflict(disk: &dyn Disk, path: &Utf8Path, kept_at: Option<Utf8PathBuf>) -> Stop {
    match Fingerprint::take(disk, path) {
        Ok(found) => Stop::Conflict(Conflict { path: path.to_owned(), found, kept_at }),
        Err(error) => Stop::Disk(error),
    }
}
