//! What the simulated disk tells tests: pending effects, syncs, faults and nodes, as plain data.

use std::fmt;
use std::io;
use std::sync::Arc;

use camino::Utf8PathBuf;
use thiserror::Error;

/// Something done that a power cut may lose. Paths are those of the moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PendingEffect {
    /// Bytes written to a file.
    Write {
        /// Where the file was opened.
        path: Utf8PathBuf,
        /// Where in it.
        offset: u64,
        /// How many bytes.
        len: u64,
    },
    /// A file cut or extended.
    SetLen {
        /// Where the file was opened.
        path: Utf8PathBuf,
        /// Its bytes then.
        len: u64,
    },
    /// A file's name created.
    Create {
        /// The name.
        path: Utf8PathBuf,
    },
    /// A folder created.
    CreateDir {
        /// Its name.
        path: Utf8PathBuf,
    },
    /// A file's name removed.
    Remove {
        /// The name.
        path: Utf8PathBuf,
    },
    /// A folder removed.
    RemoveDir {
        /// Its name.
        path: Utf8PathBuf,
    },
    /// A rename.
    Rename {
        /// The name before.
        from: Utf8PathBuf,
        /// The name after.
        to: Utf8PathBuf,
    },
    /// Two names swapped.
    Exchange {
        /// The one.
        a: Utf8PathBuf,
        /// The other.
        b: Utf8PathBuf,
    },
}

impl fmt::Display for PendingEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { path, offset, len } => write!(f, "write {path} {offset}+{len}"),
            Self::SetLen { path, len } => write!(f, "set the length of {path} to {len}"),
            Self::Create { path } => write!(f, "create {path}"),
            Self::CreateDir { path } => write!(f, "create the folder {path}"),
            Self::Remove { path } => write!(f, "remove {path}"),
            Self::RemoveDir { path } => write!(f, "remove the folder {path}"),
            Self::Rename { from, to } => write!(f, "rename {from} to {to}"),
            Self::Exchange { a, b } => write!(f, "swap {a} and {b}"),
        }
    }
}

/// A sync that was tried.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SyncRecord {
    /// Of a file's contents.
    File {
        /// Where the file was opened.
        path: Utf8PathBuf,
    },
    /// Of a folder's names.
    Dir {
        /// The folder.
        path: Utf8PathBuf,
    },
}

impl fmt::Display for SyncRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path } => write!(f, "sync {path}"),
            Self::Dir { path } => write!(f, "sync the folder {path}"),
        }
    }
}

/// When a rename from one folder to another is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenameDurability {
    /// When both folders were synced after it: all that POSIX lets one rely on.
    #[default]
    BothFolders,
    /// When either was: what journalling filesystems do.
    EitherFolder,
}

/// What stands at a path of a simulated disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimNode {
    /// A folder.
    Dir,
    /// A file, with its contents.
    File(Arc<Vec<u8>>),
    /// A link.
    Link,
}

/// A fault that a test asked for: the source of the `io::Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SimFault {
    /// The power is out.
    #[error("the simulated power is cut")]
    PowerCut,
    /// One operation failed.
    #[error("a simulated input/output error")]
    InputOutput,
}

impl SimFault {
    /// The fault that made an operation fail, if one did.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<SimFault> for io::Error {
    fn from(fault: SimFault) -> Self {
        Self::other(fault)
    }
}
