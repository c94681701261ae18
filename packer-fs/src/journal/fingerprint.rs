//! Fingerprints: what stands at a path, so exactly that two equal ones mean equal bytes.
//!
//! A fingerprint is taken by reading; sizes and times are no proof here. What may differ between two looks is the
//! caller's business.

use std::fmt;

use camino::Utf8Path;
use packer_domain::identity::Digest;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, DiskError, EntryKind, Hashed};

/// The contents of a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFingerprint {
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
}

impl FileFingerprint {
    /// The fingerprint of a file that holds `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }
}

impl fmt::Display for FileFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a file of {} bytes with digest {}", self.size, self.digest.short())
    }
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fingerprint {
    /// Nothing.
    Absent,
    /// A regular file.
    File(FileFingerprint),
    /// A folder.
    Dir,
    /// A link, a device: nothing that the packer touches.
    Other,
}

impl Fingerprint {
    /// What stands at `path` now, without following a link.
    pub fn take(disk: &dyn Disk, path: &Utf8Path) -> Result<Self, DiskError> {
        Ok(match disk.stat(path)?.map(|stat| stat.kind) {
            None => Self::Absent,
            Some(EntryKind::Dir) => Self::Dir,
            Some(EntryKind::Symlink | EntryKind::Other) => Self::Other,
            Some(EntryKind::File) => match read_file(disk, path) {
                Ok(file) => Self::File(file),
                // Removed since the look.
                Err(error) if error.is_not_found() => Self::Absent,
                Err(error) => return Err(error),
            },
        })
    }

    /// Whether it is exactly this file.
    pub fn is(self, file: FileFingerprint) -> bool {
        self == Self::File(file)
    }
}

impl From<FileFingerprint> for Fingerprint {
    fn from(file: FileFingerprint) -> Self {
        Self::File(file)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("nothing"),
            Self::File(file) => file.fmt(f),
            Self::Dir => f.write_str("a folder"),
            Self::Other => f.write_str("neither a file nor a folder"),
        }
    }
}

fn read_file(disk: &dyn Disk, path: &Utf8Path) -> Result<FileFingerprint, DiskError> {
    let Hashed { size, digest } = Hashed::read(disk, path)?;
    Ok(FileFingerprint { digest, size })
}
