//! The registry's part in a commit: what is asked for, whether the registry on disk is what that was asked of, and what is
//! staged and recorded of it.
//!
//! A registry that is not as the request says is a refusal here. One that changes from here on is noticed when it is
//! displaced, by its bytes, and freezes the commit.

use packer_domain::identity::Digest;

use super::fingerprint::{FileFingerprint, Fingerprint};
use super::intent::RegistryWork;
use super::stage::StageError;
use crate::disk::Disk;
use crate::layout;
use crate::registry_file::{EditedRegistry, ReadRegistry};

/// A larger registry is refused.
pub const MAX_REGISTRY_BYTES: u64 = 1 << 30;

/// What a commit does to the registry.
#[derive(Debug)]
pub enum RegistryChange {
    /// Nothing.
    Unchanged {
        /// The digest of its bytes.
        digest: Digest,
    },
    /// It gets new bytes.
    Replace {
        /// The digest of its bytes; `None` if there is no registry yet.
        before: Option<Digest>,
        /// Its new bytes.
        after: Vec<u8>,
    },
    /// Some lines of what was read a moment ago, by whoever holds the lane, are replaced.
    Edit(EditedRegistry),
}

/// What is recorded and staged of the registry.
pub(super) struct RegistryPart {
    pub(super) work: RegistryWork,
    /// The bytes to stage, as the last of what is.
    pub(super) staged: Option<Vec<u8>>,
    pub(super) replaced_lines: Vec<String>,
    /// What the request was made of, where that was read before.
    read: Option<ReadRegistry>,
}

impl RegistryPart {
    /// The part of a commit that stages `staged` files beside it.
    pub(super) fn of(disk: &dyn Disk, change: RegistryChange, staged: u32) -> Result<Self, StageError> {
        let replaced = |before, after: Vec<u8>, replaced_lines, read| Self {
            work: RegistryWork::Replaced { before, after: FileFingerprint::of(&after), staged },
            staged: Some(after),
            replaced_lines,
            read,
        };
        Ok(match change {
            RegistryChange::Unchanged { digest } => {
                found(disk, Some(digest))?;
                let work = RegistryWork::Unchanged { digest };
                Self { work, staged: None, replaced_lines: Vec::new(), read: None }
            }
            RegistryChange::Replace { before, after } => {
                let (bytes, fingerprint) = found(disk, before)?;
                let lines = replaced_lines(&bytes, &after);
                replaced(fingerprint, after, lines, None)
            }
            RegistryChange::Edit(EditedRegistry { before, after, replaced_lines }) => {
                replaced(Some(before.fingerprint), after, replaced_lines, Some(before))
            }
        })
    }

    /// Whether the registry is still what was read. Called as late as can be. A file with the facts of the one that was read
    /// is taken for it: if that is wrong, the commit freezes, as it does if it changes a moment later.
    pub(super) fn check(read: Option<ReadRegistry>, disk: &dyn Disk) -> Result<(), StageError> {
        let Some(ReadRegistry { fingerprint, stat }) = read else { return Ok(()) };
        let path = layout::REGISTRY;
        if disk.stat(path.into()).map_err(failed)? == Some(stat) {
            return Ok(());
        }
        let found = Fingerprint::take(disk, path.into()).map_err(failed)?;
        if found.is(fingerprint) {
            return Ok(());
        }
        Err(StageError::Stale { path: path.into(), expected: fingerprint.into(), found })
    }

    pub(super) fn read(&self) -> Option<ReadRegistry> {
        self.read
    }
}

/// The registry's bytes, which are to have the digest `expected`.
fn found(
    disk: &dyn Disk,
    expected: Option<Digest>,
) -> Result<(Vec<u8>, Option<FileFingerprint>), StageError> {
    let found = match disk.read(layout::REGISTRY.into(), MAX_REGISTRY_BYTES) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(failed(error)),
    };
    let fingerprint = found.as_deref().map(FileFingerprint::of);
    if fingerprint.map(|file| file.digest) != expected {
        let as_found = fingerprint.map_or(Fingerprint::Absent, Fingerprint::File);
        let expected = expected.map_or(Fingerprint::Absent, |digest| {
            Fingerprint::File(FileFingerprint { digest, size: fingerprint.map_or(0, |file| file.size) })
        });
        return Err(StageError::Stale { path: layout::REGISTRY.into(), expected, found: as_found });
    }
    Ok((found.unwrap_or_default(), fingerprint))
}

fn failed(source: crate::disk::DiskError) -> StageError {
    StageError::Failed { source }
}

/// The lines of `before` that `after` does not have.
fn replaced_lines(before: &[u8], after: &[u8]) -> Vec<String> {
    let mut before: Vec<&[u8]> = before.split(|byte| *byte == b'\n').collect();
    let mut after: Vec<&[u8]> = after.split(|byte| *byte == b'\n').collect();
    // A small change of a large registry leaves little between the equal ends.
    let head = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    before.drain(..head);
    after.drain(..head);
    let tail = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
    before.truncate(before.len() - tail);
    after.truncate(after.len() - tail);
    let kept: std::collections::BTreeSet<&[u8]> = after.into_iter().collect();
    let replaced = before.into_iter().filter(|line| !line.is_empty() && !kept.contains(line));
    replaced.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}
