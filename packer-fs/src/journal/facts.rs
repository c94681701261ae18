//! What there is of a frozen operation: for each path that it was to change, what stands there, and where the bytes are
//! that stood there before and that were to stand there after. Reads only; what to make of it is planned elsewhere.
//!
//! Bytes are known by their fingerprints, wherever they are: a file that somebody put back by hand is in its place.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::OperationId;
use packer_domain::mutation::KeptFile;
use thiserror::Error;

use super::fingerprint::{FileFingerprint, Fingerprint};
use super::intent::{self, Intent, IntentDamage, RegistryWork};
use super::kept::kept_path;
use super::spelling::Spelling;
use super::steps::Origin;
use crate::disk::{Disk, DiskError};
use crate::layout;

/// What there is of a frozen operation.
#[derive(Clone, Debug, PartialEq)]
pub struct FrozenFacts {
    /// What it was to do.
    pub intent: Intent,
    /// Each path that a file was to leave or to come to, in their order.
    pub paths: Vec<PathFacts>,
    /// The registry.
    pub registry: RegistryFacts,
}

/// One path of a frozen operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathFacts {
    /// The path.
    pub path: Utf8PathBuf,
    /// What stands there now.
    pub found: Fingerprint,
    /// The file that was to leave it; `None` if nothing stood there.
    pub before: Option<FileFacts>,
    /// The file that was to come to it; `None` if nothing was to stand there.
    pub after: Option<FileFacts>,
    /// What somebody had saved there by the time the operation took it away for the file that was to leave.
    pub saved: Option<FileFacts>,
}

/// The registry of a frozen operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryFacts {
    /// What stands in its place now.
    pub found: Fingerprint,
    /// The one that was to be replaced; `None` if there was none, or if it was to stay as it is.
    pub before: Option<FileFacts>,
    /// The one that was to come; `None` if it was to stay as it is.
    pub after: Option<FileFacts>,
    /// What somebody had saved there by the time the operation swapped it for the one that was to be replaced.
    pub saved: Option<FileFacts>,
}

/// A file, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// The file.
    pub file: FileFingerprint,
    /// Where its bytes are.
    pub at: BytesAt,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BytesAt {
    /// In the workspace, at this path: the place that they belong to, or of a file that moves the other one.
    Place(Utf8PathBuf),
    /// Under `.packer/`.
    Kept(KeptFile),
    /// Nowhere that this operation knows of.
    Gone,
}

/// Why there are no facts of an operation.
#[derive(Debug, Error)]
pub enum FrozenFactsError {
    /// It is not frozen.
    #[error("operation {operation} is not frozen")]
    NotFrozen {
        /// The operation.
        operation: OperationId,
    },
    /// What it was to do cannot be read.
    #[error("what operation {operation} was to do cannot be told")]
    Damaged {
        /// The operation.
        operation: OperationId,
        /// Why.
        source: IntentDamage,
    },
    /// The disk failed.
    #[error("what is left of operation {operation} cannot be read")]
    Disk {
        /// The operation.
        operation: OperationId,
        /// How.
        source: DiskError,
    },
}

/// What there is of `operation`, which is frozen.
pub fn frozen_facts(disk: &dyn Disk, operation: OperationId) -> Result<FrozenFacts, FrozenFactsError> {
    let failed = |source| FrozenFactsError::Disk { operation, source };
    let intent = match intent::read(disk, &layout::frozen(operation), operation) {
        Ok(decoded) => decoded.map_err(|source| FrozenFactsError::Damaged { operation, source })?,
        Err(error) if error.is_not_found() => return Err(FrozenFactsError::NotFrozen { operation }),
        Err(error) => return Err(failed(error)),
    };
    let seen = Seen::look(disk, &intent).map_err(failed)?;
    let paths = intent.work.paths().into_iter().map(|path| seen.path_facts(&intent, path)).collect();
    let registry = seen.registry_facts(&intent);
    Ok(FrozenFacts { intent, paths, registry })
}

/// Everything that counts, looked at once.
struct Seen {
    places: BTreeMap<Utf8PathBuf, Fingerprint>,
    kept: BTreeMap<KeptFile, Fingerprint>,
}

impl Seen {
    fn look(disk: &dyn Disk, intent: &Intent) -> Result<Self, DiskError> {
        let operation = intent.operation;
        let registry = [Utf8Path::new(layout::REGISTRY)];
        let places = intent.work.paths().into_iter().chain(registry);
        let spelling = Spelling::new(disk, &intent.work);
        let places = places.map(|path| Ok((path.to_owned(), spelling.take(path)?)));
        let displaced = (0..intent.work.displaced.len()).flat_map(|number| {
            let number = number as u32;
            // A clean-up may have begun before it was frozen.
            [KeptFile::Displaced { operation, number }, KeptFile::History { operation, number }]
        });
        // The registry's number is the one after those of the files.
        let staged = (0..=intent.work.staged_count()).map(|number| KeptFile::Staged { operation, number });
        let kept = displaced.chain(staged).map(|kept| Ok((kept, Fingerprint::take(disk, &kept_path(kept))?)));
        Ok(Self {
            places: places.collect::<Result<_, DiskError>>()?,
            kept: kept.collect::<Result<_, DiskError>>()?,
        })
    }

    fn path_facts(&self, intent: &Intent, path: &Utf8Path) -> PathFacts {
        let operation = intent.operation;
        let leaving = intent.work.displaced.iter().zip(0_u32..).find(|(item, _)| item.path == path);
        let coming = intent.work.placed.iter().find(|item| item.path == path);
        let before = leaving.map(|(item, number)| {
            let target = intent.work.placed.iter().find(|to| to.origin == Origin::Displaced(number));
            let target = target.map(|to| to.path.as_path());
            self.facts(item.before, [Some(path), target], KeptFile::Displaced { operation, number })
        });
        let after = coming.map(|item| match item.origin {
            Origin::Staged(number) => {
                self.facts(item.after, [Some(path), None], KeptFile::Staged { operation, number })
            }
            Origin::Displaced(number) => {
                let source = intent.work.displaced.get(number as usize).map(|from| from.path.as_path());
                self.facts(item.after, [Some(path), source], KeptFile::Displaced { operation, number })
            }
        });
        let saved = leaving.and_then(|(item, number)| {
            self.saved_over(KeptFile::Displaced { operation, number }, &[Some(item.before)])
        });
        PathFacts { path: path.to_owned(), found: self.place(path), before, after, saved }
    }

    fn registry_facts(&self, intent: &Intent) -> RegistryFacts {
        let path = Utf8Path::new(layout::REGISTRY);
        let found = self.place(path);
        let RegistryWork::Replaced { before, after, staged } = intent.registry else {
            return RegistryFacts { found, before: None, after: None, saved: None };
        };
        let kept = KeptFile::Staged { operation: intent.operation, number: staged };
        let facts = |file| self.facts(file, [Some(path), None], kept);
        RegistryFacts {
            found,
            before: before.map(facts),
            after: Some(facts(after)),
            saved: self.saved_over(kept, &[before, Some(after)]),
        }
    }

    fn place(&self, path: &Utf8Path) -> Fingerprint {
        self.places.get(path).copied().unwrap_or(Fingerprint::Absent)
    }

    /// Where `file` is: in one of the places, where it is to be kept, or kept anywhere else.
    fn facts(&self, file: FileFingerprint, places: [Option<&Utf8Path>; 2], kept: KeptFile) -> FileFacts {
        let in_place = places.into_iter().flatten().find(|path| self.place(path).is(file));
        let is_kept = |at: &KeptFile| self.kept.get(at).is_some_and(|found| found.is(file));
        let at = if let Some(path) = in_place {
            BytesAt::Place(path.to_owned())
        } else if is_kept(&kept) {
            BytesAt::Kept(kept)
        } else {
            self.kept.keys().find(|at| is_kept(at)).map_or(BytesAt::Gone, |at| BytesAt::Kept(*at))
        };
        FileFacts { file, at }
    }

    /// A file that is kept where one of `ours` was to be kept.
    fn saved_over(&self, kept: KeptFile, ours: &[Option<FileFingerprint>]) -> Option<FileFacts> {
        match self.kept.get(&kept) {
            Some(Fingerprint::File(file)) if !ours.contains(&Some(*file)) => {
                Some(FileFacts { file: *file, at: BytesAt::Kept(kept) })
            }
            _ => None,
        }
    }
}
