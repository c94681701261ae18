//! `HolderFacts`: who holds a lock, written beside it for people to read.
//!
//! Nothing is ever decided by them: they can be missing, late, damaged, or of a process that is dead. Writing them is
//! therefore no reason to fail, and reading them takes nothing for granted.

use std::io::{self, Write as _};

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::host;
use crate::disk::{Disk, DiskError, DiskOperation, OsDisk};

/// The most bytes of facts that are read.
const MAX_BYTES: u64 = 4096;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderFacts {
    /// The process.
    pub pid: u32,
    /// The machine, by its name; empty if it has none that can be read.
    pub host: String,
    /// What it holds the lock for: the operation, as text.
    pub operation: String,
    /// Since when: milliseconds since 1970, by the holder's clock.
    pub since_unix_ms: u64,
}

impl HolderFacts {
    /// The facts of this process.
    pub fn here(operation: &str, since_unix_ms: u64) -> Self {
        Self {
            pid: host::pid(),
            host: host::hostname().unwrap_or_default(),
            operation: operation.to_owned(),
            since_unix_ms,
        }
    }
}

pub(super) fn write(disk: &OsDisk, path: &Utf8Path, facts: &HolderFacts) {
    if let Err(error) = try_write(disk, path, facts) {
        tracing::debug!(%error, "the holder's facts are not written");
    }
}

fn try_write(disk: &OsDisk, path: &Utf8Path, facts: &HolderFacts) -> Result<(), DiskError> {
    let fail =
        |source: io::Error| DiskError { operation: DiskOperation::Write, path: path.to_owned(), source };
    let bytes = serde_json::to_vec(facts).map_err(|error| fail(error.into()))?;
    let mut file = disk.open_write(path)?;
    file.set_len(0).and_then(|()| file.write_all(&bytes)).map_err(fail)
}

pub(super) fn read(disk: &OsDisk, path: &Utf8Path) -> Option<HolderFacts> {
    serde_json::from_slice(&disk.read(path, MAX_BYTES).ok()?).ok()
}
