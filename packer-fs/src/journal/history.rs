//! Reading back what finished operations replaced and removed.
//!
//! `.packer/history/<operation>/` holds the intent, with the inverse and the replaced registry lines, and the displaced
//! files that went nowhere else, under their numbers. How long it is kept is decided elsewhere.

use packer_domain::identity::OperationId;
use thiserror::Error;

use super::intent::{self, Intent, IntentDamage};
use crate::disk::{Disk, DiskError};
use crate::layout;

/// Why an operation's history cannot be read.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// There is none, or no longer.
    #[error("there is no history of operation {operation}")]
    Absent {
        /// The operation.
        operation: OperationId,
    },
    /// It cannot be trusted.
    #[error("the history of operation {operation} is damaged")]
    Damaged {
        /// The operation.
        operation: OperationId,
        /// How.
        source: IntentDamage,
    },
    /// The disk failed.
    #[error("the history of operation {operation} cannot be read")]
    Disk {
        /// The operation.
        operation: OperationId,
        /// How.
        source: DiskError,
    },
}

/// What `operation` did. Its former contents are at [`layout::history_file`], under the numbers of
/// [`Work::displaced`](super::Work::displaced).
pub fn read_history(disk: &dyn Disk, operation: OperationId) -> Result<Intent, HistoryError> {
    match intent::read(disk, &layout::history_intent(operation), operation) {
        Ok(decoded) => decoded.map_err(|source| HistoryError::Damaged { operation, source }),
        Err(error) if error.is_not_found() => Err(HistoryError::Absent { operation }),
        Err(source) => Err(HistoryError::Disk { operation, source }),
    }
}
