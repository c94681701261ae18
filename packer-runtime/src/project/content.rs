//! Reading the bytes of a file through a snapshot: those that the snapshot knows, or none.

use std::io::Read as _;

use packer_domain::identity::Digest;
use packer_domain::path::AssetPath;
use packer_fs::disk::{DiskError, DiskOperation};

use super::Project;
use crate::snapshot::Snapshot;

/// Why a file could not be read through a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The snapshot knows no file there.
    #[error("{path} is no file of revision {revision}")]
    Unknown {
        /// The path.
        path: AssetPath,
        /// The snapshot's revision.
        revision: u64,
    },
    /// What stands there now belongs to another revision.
    #[error("{path} is no longer what revision {revision} saw")]
    Diverged {
        /// The path.
        path: AssetPath,
        /// The snapshot's revision.
        revision: u64,
        /// The digest that the snapshot holds.
        expected: Digest,
    },
    /// The file could not be read.
    #[error(transparent)]
    Disk(DiskError),
}

impl Project {
    /// The bytes of the file at `path`, as `snapshot` saw them. They are read from the disk and compared with the snapshot's
    /// digest: bytes of another revision are never given out.
    pub fn read(&self, snapshot: &Snapshot, path: &AssetPath) -> Result<Vec<u8>, ContentError> {
        let revision = snapshot.revision().0;
        let Some(fact) = snapshot.state().observation().files.get(path).copied() else {
            return Err(ContentError::Unknown { path: path.clone(), revision });
        };
        let diverged = || ContentError::Diverged { path: path.clone(), revision, expected: fact.digest };
        let at = snapshot.state().project_path(path);
        let mut file = match self.shared.disk.open(at.as_str().into()) {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return Err(diverged()),
            Err(error) => return Err(ContentError::Disk(error)),
        };
        let mut bytes = Vec::new();
        // One byte more than there may be tells that there are too many, however many there are.
        let read = (&mut file).take(fact.size.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|source| {
            ContentError::Disk(DiskError { operation: DiskOperation::Read, path: at.as_str().into(), source })
        })?;
        if bytes.len() as u64 != fact.size || Digest::of(&bytes) != fact.digest {
            return Err(diverged());
        }
        Ok(bytes)
    }
}
