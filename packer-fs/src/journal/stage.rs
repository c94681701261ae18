//! The first half of a commit: check, stage, and record the intent, which is the commit point.
//!
//! Until [`Staged::record_intent`] renames the intent into place nothing has happened: an error, or dropping the value,
//! drops the staging. From there on the operation is committed, and whatever comes in between, it is finished or it is
//! frozen.
//!
//! Whether the caller holds the lane is the caller's business. It should look again between the two steps.

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{OperationId, SourceId};
use serde_json::Value;
use thiserror::Error;

use super::apply::Recorded;
use super::fingerprint::{FileFingerprint, Fingerprint};
use super::intent::{self, Intent};
use super::kept::kept_path;
use super::registry::{RegistryChange, RegistryPart};
use super::spelling::Spelling;
use super::steps::{self, Contents, Step, StepProblem, Work};
use super::{lay_folders, settle, write_new};
use crate::disk::{Disk, DiskError, DiskOperation, EntryKind};
use crate::head::read_head;
use crate::layout;

/// From so many contents on they are staged by several threads: nearly all of the time is waiting for syncs, and a
/// filesystem answers many waiting at once with one write of its log.
const MANY: usize = 64;
const WRITERS: usize = 16;

/// What a commit is to do.
#[derive(Debug)]
pub struct CommitRequest {
    /// The operation. Its id has never been used for another commit.
    pub operation: OperationId,
    /// The source in whose log its events stand.
    pub source: SourceId,
    /// The number of the commit: the head's and one more.
    pub commit: u64,
    /// The changes of files: all or none.
    pub steps: Vec<Step>,
    /// The change of the registry.
    pub registry: RegistryChange,
    /// The frozen operation that it settles, which is the one [`to_settle`](super::to_settle) names. Any other pending
    /// operation refuses the commit.
    pub resolves: Option<OperationId>,
    /// How to undo it; carried, not understood.
    pub inverse: Value,
    /// What is needed to end the operation in another process; carried, not understood.
    pub prepared: Value,
}

/// Why a commit was not begun. Nothing of the workspace was touched, except under
/// [`OutcomeUnknown`](Self::OutcomeUnknown).
#[derive(Debug, Error)]
pub enum StageError {
    /// The batch makes no sense by itself.
    #[error("a step of the commit cannot be carried out on {path}: {problem}")]
    Inconsistent {
        /// The path.
        path: Utf8PathBuf,
        /// What is wrong.
        problem: StepProblem,
    },
    /// Something else stands at a path than the request says.
    #[error("{path} is {found}, where {expected} was expected")]
    Stale {
        /// The path.
        path: Utf8PathBuf,
        /// What the request says.
        expected: Fingerprint,
        /// What stands there.
        found: Fingerprint,
    },
    /// A file that the packer was to have kept is gone, or is damaged.
    #[error("{path}, which the packer keeps, is {found}, where {expected} was expected")]
    NotKept {
        /// Where it was kept.
        path: Utf8PathBuf,
        /// What the request says.
        expected: FileFingerprint,
        /// What stands there.
        found: Fingerprint,
    },
    /// A path's folder is not there, and the request does not make it.
    #[error("{path} is not a folder")]
    NoFolder {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// A path is on another device than `.packer/`, so nothing can be renamed between them.
    #[error("{path} is on another device than the project's folder")]
    AnotherDevice {
        /// The path.
        path: Utf8PathBuf,
    },
    /// The commit's number does not follow the head's.
    #[error("commit {asked} does not follow commit {head}")]
    OutOfOrder {
        /// The number asked for.
        asked: u64,
        /// The head's.
        head: u64,
    },
    /// An earlier operation is unfinished or frozen.
    #[error("operation {operation} has to be recovered first")]
    Pending {
        /// The operation.
        operation: OperationId,
    },
    /// The operation that is to be settled is not frozen.
    #[error("operation {operation} is not frozen")]
    NotFrozen {
        /// The operation.
        operation: OperationId,
    },
    /// The intent would be larger than any intent.
    #[error("the commit is too large: its intent has {bytes} bytes")]
    TooLarge {
        /// The size.
        bytes: u64,
    },
    /// The disk failed before the commit point.
    #[error("the commit could not be prepared")]
    Failed {
        /// How.
        source: DiskError,
    },
    /// The disk failed at the commit point: nobody can say whether it was reached.
    #[error("it is unknown whether operation {operation} was committed")]
    OutcomeUnknown {
        /// The operation.
        operation: OperationId,
        /// How the disk failed.
        source: DiskError,
    },
}

/// A commit whose contents are staged, and which can still be dropped.
#[derive(Debug)]
#[must_use = "nothing is committed until the intent is recorded"]
pub struct Staged<'d> {
    disk: &'d dyn Disk,
    intent: Intent,
    /// Whether the staging is to be dropped with this value.
    armed: bool,
}

/// Told of every file that was staged: which one it is a copy of, if it is one, and its bytes.
pub type OnStaged<'t> = dyn Fn(Option<&Utf8Path>, u64) + Sync + 't;

/// Checks that the workspace is as `request` says, and stages what it writes.
pub fn stage(disk: &dyn Disk, request: CommitRequest) -> Result<Staged<'_>, StageError> {
    stage_telling(disk, request, &|_, _| {})
}

/// The same, and tells of each staged file as it comes, from whichever thread staged it.
pub fn stage_telling<'d>(
    disk: &'d dyn Disk,
    request: CommitRequest,
    on_staged: &OnStaged<'_>,
) -> Result<Staged<'d>, StageError> {
    let CommitRequest { operation, source, commit, steps, registry, resolves, inverse, prepared } = request;
    let (work, contents) =
        steps::normalise(steps).map_err(|(path, problem)| StageError::Inconsistent { path, problem })?;
    let resolves = settle::settles(disk, operation, resolves)?;
    let head = read_head(disk).map_err(failed)?;
    if let Some(head) = head
        && commit <= head.commit
    {
        return Err(StageError::OutOfOrder { asked: commit, head: head.commit });
    }
    lay_folders(disk, head.is_some(), true).map_err(failed)?;
    settle::make_durable(disk, &resolves, &work).map_err(failed)?;
    let part = RegistryPart::of(disk, registry, work.staged_count())?;
    let read = part.read();
    let RegistryPart { work: registry, staged: new_registry, replaced_lines, .. } = part;
    let intent =
        Intent { operation, source, commit, work, registry, replaced_lines, resolves, inverse, prepared };
    let staged = Staged { disk, intent, armed: true };
    staged.write(contents, new_registry, on_staged)?;
    // As late as can be: what changes before the intent is a refusal, and after it a freeze.
    check(disk, &staged.intent.work)?;
    RegistryPart::check(read, disk)?;
    Ok(staged)
}

impl<'d> Staged<'d> {
    /// Records the intent. Once this returns, the operation is committed and only waits to be carried out.
    pub fn record_intent(mut self) -> Result<Recorded<'d>, StageError> {
        let (disk, operation) = (self.disk, self.intent.operation);
        let bytes = intent::encode(intent::WORKSPACE_MAGIC, &self.intent);
        if bytes.len() as u64 > intent::MAX_INTENT_BYTES {
            return Err(StageError::TooLarge { bytes: bytes.len() as u64 });
        }
        let unfinished = layout::unfinished_intent(operation);
        write_new(disk, &unfinished, &bytes, true).map_err(failed)?;
        let path = layout::intent(operation);
        let unknown = |source| StageError::OutcomeUnknown { operation, source };
        if let Err(source) = disk.rename_new(&unfinished, &path) {
            // A rename that failed did nothing, as far as can be seen; if it cannot be seen, it may have.
            if matches!(disk.stat(&path), Ok(None)) {
                return Err(failed(source));
            }
            self.armed = false;
            super::apply::freeze_after_failure(disk, operation);
            return Err(unknown(source));
        }
        self.armed = false;
        if let Err(source) = disk.sync_dir(layout::JOURNAL.into()) {
            super::apply::freeze_after_failure(disk, operation);
            return Err(unknown(source));
        }
        Ok(Recorded::new(disk, self.intent.clone()))
    }

    fn write(
        &self,
        contents: Vec<Contents>,
        registry: Option<Vec<u8>>,
        on_staged: &OnStaged<'_>,
    ) -> Result<(), StageError> {
        let (disk, operation) = (self.disk, self.intent.operation);
        // Made before the intent, so that the sync that makes the intent durable makes it durable too.
        disk.create_dir(&layout::displaced_folder(operation)).map_err(failed)?;
        let contents: Vec<Contents> = contents
            .into_iter()
            .chain(registry.map(|bytes| Contents::InsteadOf(layout::REGISTRY.into(), bytes)))
            .collect();
        let write_every = |first: usize, stride: usize| {
            let mut mine = contents.iter().enumerate().skip(first).step_by(stride);
            mine.try_for_each(|(n, contents)| {
                self.write_one(n as u32, contents)?;
                on_staged(contents.copy_of(), contents.bytes());
                Ok(())
            })
        };
        if contents.len() < MANY {
            return write_every(0, 1);
        }
        let (write_every, span) = (&write_every, &tracing::Span::current());
        std::thread::scope(|scope| {
            let write = |first| scope.spawn(move || span.in_scope(|| write_every(first, WRITERS)));
            let writers: Vec<_> = (0..WRITERS).map(write).collect();
            // Every writer is waited for, also after an error: dropping the staging must not race with one.
            let results: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            results
                .into_iter()
                .try_for_each(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    fn write_one(&self, n: u32, contents: &Contents) -> Result<(), StageError> {
        let (disk, path) = (self.disk, layout::staged(self.intent.operation, n));
        match contents {
            Contents::Bytes(bytes) => write_new(disk, &path, bytes, true).map_err(failed),
            Contents::InsteadOf(of, bytes) => write_instead(disk, of, &path, bytes).map_err(failed),
            Contents::CopyOf(from, before) => copy_checked(disk, from, &path, *before)
                .map_err(failed)?
                .map_err(|found| StageError::Stale { path: from.clone(), expected: (*before).into(), found }),
            Contents::CopyOfKept(kept, file) => {
                let from = kept_path(*kept);
                copy_checked(disk, &from, &path, *file)
                    .map_err(failed)?
                    .map_err(|found| StageError::NotKept { path: from, expected: *file, found })
            }
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if self.armed {
            // What cannot be removed is swept by the next recovery.
            let _ = super::recover::drop_staging(self.disk, self.intent.operation);
        }
    }
}

fn failed(source: DiskError) -> StageError {
    StageError::Failed { source }
}

/// Writes what is to stand in the place of the file at `of`, if one stands there; whether it may is checked later.
fn write_instead(disk: &dyn Disk, of: &Utf8Path, path: &Utf8Path, bytes: &[u8]) -> Result<(), DiskError> {
    let fail = |operation| move |source| DiskError { operation, path: path.to_owned(), source };
    let is_file = disk.stat(of)?.is_some_and(|stat| stat.kind == EntryKind::File);
    let like = match is_file.then(|| disk.open(of)).transpose() {
        Err(error) if error.is_not_found() => None,
        like => like?,
    };
    let mut file = disk.create(path)?;
    file.write_all(bytes).map_err(fail(DiskOperation::Write))?;
    file.flush().map_err(fail(DiskOperation::Write))?;
    if let Some(like) = like {
        file.permit_like(&*like);
    }
    file.sync().map_err(fail(DiskOperation::Sync))
}

/// Copies a file that is to hold `expected`; if it does not, says what it is instead. What is judged is the copy: nobody
/// writes to that.
fn copy_checked(
    disk: &dyn Disk,
    from: &Utf8Path,
    to: &Utf8Path,
    expected: FileFingerprint,
) -> Result<Result<(), Fingerprint>, DiskError> {
    // One of another size would be copied for nothing, however large it is.
    let fits = |stat: &crate::disk::Stat| stat.kind == EntryKind::File && stat.size == expected.size;
    if !disk.stat(from)?.as_ref().is_some_and(fits) {
        return Ok(Err(Fingerprint::take(disk, from)?));
    }
    copy(disk, from, to, expected.size)?;
    let found = Fingerprint::take(disk, to)?;
    Ok(if found.is(expected) { Ok(()) } else { Err(found) })
}

/// Copies the first `size` bytes.
fn copy(disk: &dyn Disk, from: &Utf8Path, to: &Utf8Path, size: u64) -> Result<(), DiskError> {
    let fail = |operation| {
        let path = to.to_owned();
        move |source| DiskError { operation, path, source }
    };
    let mut source = disk.open(from)?;
    let mut target = disk.create(to)?;
    match target.append_range(&mut *source, 0, size) {
        // It became shorter since, which whoever looks at the copy notices.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
        result => result.map_err(fail(DiskOperation::Write))?,
    }
    target.permit_like(&*source);
    target.sync().map_err(fail(DiskOperation::Sync))
}

/// Checks that the disk is as the normal form needs it.
fn check(disk: &dyn Disk, work: &Work) -> Result<(), StageError> {
    let journal = disk.stat(layout::JOURNAL.into()).map_err(failed)?;
    let device = journal.map(|stat| stat.device);
    let made: std::collections::BTreeSet<&Utf8Path> =
        work.make_dirs.iter().map(Utf8PathBuf::as_path).collect();
    let mut known_folders = std::collections::BTreeSet::new();
    let touched = work.paths().into_iter().chain(made.iter().copied());
    for folder in touched.flat_map(steps::ancestors) {
        if !known_folders.insert(folder) {
            continue;
        }
        match disk.stat(folder).map_err(failed)? {
            // A link to a folder is no folder: what is behind it may be outside of the project.
            Some(stat) if stat.kind != EntryKind::Dir => {
                return Err(StageError::NoFolder { path: folder.to_owned() });
            }
            Some(stat) if Some(stat.device) != device => {
                return Err(StageError::AnotherDevice { path: folder.to_owned() });
            }
            Some(_) => {}
            None if made.contains(folder) => {}
            None => return Err(StageError::NoFolder { path: folder.to_owned() }),
        }
    }
    let befores = steps::befores(work);
    let spelling = Spelling::new(disk, work);
    for path in work.paths() {
        let expected = befores.get(path).map_or(Fingerprint::Absent, |before| Fingerprint::File(*before));
        let found = spelling.take(path).map_err(failed)?;
        if found != expected {
            return Err(StageError::Stale { path: path.to_owned(), expected, found });
        }
    }
    for path in made {
        let found = disk.stat(path).map_err(failed)?;
        if found.is_some_and(|stat| stat.kind != EntryKind::Dir) {
            let found = Fingerprint::take(disk, path).map_err(failed)?;
            return Err(StageError::Stale { path: path.to_owned(), expected: Fingerprint::Absent, found });
        }
    }
    Ok(())
}
