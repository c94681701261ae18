//! Files that the packer keeps under `.packer/`, as what a commit can put back into the workspace: where they are.
//!
//! Putting back is copying: what is kept stays where it is, so an undo can be undone, and a commit that stops half-way has
//! taken nothing away. Which of them a commit puts back, and where, is decided by planners, and they name them by the same
//! type; how long they are kept, by whoever calls [`drop_history`](super::drop_history).

use camino::Utf8PathBuf;
use packer_domain::mutation::KeptFile;

use crate::layout;

/// Where a file that the packer keeps is.
pub fn kept_path(kept: KeptFile) -> Utf8PathBuf {
    match kept {
        KeptFile::History { operation, number } => layout::history_file(operation, number),
        KeptFile::Displaced { operation, number } => layout::displaced(operation, number),
        KeptFile::Staged { operation, number } => layout::staged(operation, number),
    }
}
