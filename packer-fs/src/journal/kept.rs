//! Files that the packer keeps under `.packer/`, as what a commit can put back into the workspace.
//!
//! Putting back is copying: what is kept stays where it is, so an undo can be undone, and a commit that stops half-way has
//! taken nothing away. Which of them a commit puts back, and where, is decided by planners; how long they are kept, by
//! whoever calls [`drop_history`](super::drop_history).

use camino::Utf8PathBuf;
use packer_domain::identity::OperationId;

use crate::layout;

/// A file that the packer keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptFile {
    /// What an operation that ended had displaced.
    History {
        /// The operation.
        operation: OperationId,
        /// Its place in [`Work::displaced`](super::Work::displaced).
        number: u32,
    },
    /// What a frozen operation displaced.
    Displaced {
        /// The operation.
        operation: OperationId,
        /// Its place in [`Work::displaced`](super::Work::displaced).
        number: u32,
    },
    /// What a frozen operation staged; or, under the number of its registry, what it took out of the registry's place.
    Staged {
        /// The operation.
        operation: OperationId,
        /// The number in [`Origin::Staged`](super::Origin::Staged), or in [`RegistryWork`](super::RegistryWork).
        number: u32,
    },
}

impl KeptFile {
    /// Where it is.
    pub fn path(self) -> Utf8PathBuf {
        match self {
            Self::History { operation, number } => layout::history_file(operation, number),
            Self::Displaced { operation, number } => layout::displaced(operation, number),
            Self::Staged { operation, number } => layout::staged(operation, number),
        }
    }
}
