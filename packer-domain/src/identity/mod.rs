//! The identities of the packer's world, each a newtype with its own text form, so that no two can be mixed up.
//!
//! Nothing here draws randomness or reads a clock: whoever needs a new uuid is handed a [`UuidDraw`], and ids follow
//! from uuids by [`AssetId::candidates`].

mod asset_id;
mod digest;
mod uuids;

pub use asset_id::{AssetId, AssetIdError};
pub use digest::{Digest, DigestError};
pub use uuids::{AssetUuid, LineageId, OperationId, SourceId, UuidDraw, UuidError};

use serde::{Deserialize, Serialize};

/// The number of a published snapshot, from 1, local to one process's view of a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}
