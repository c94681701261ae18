//! What planning has to know beside the workspace's state: what stands at some paths, and what the packer keeps of some
//! operations. The planner says what it lacks, the caller looks and asks again; nothing here looks at anything.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::identity::{Digest, OperationId};
use crate::observation::FileFact;
use crate::path::AssetPath;
use crate::registry::{Registry, RegistryEntry};

/// How much of a path a plan needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// What stands there.
    State,
    /// That, and the first bytes of a file.
    Head,
    /// That, and all bytes of a file.
    Contents,
}

/// How many bytes [`Need::Head`] asks for.
pub const HEAD_BYTES: u64 = 64;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathState {
    /// Nothing.
    Absent,
    /// Nothing; and what would stand there a scan would pass over, because of this rule.
    Ignored {
        /// The pattern and its file, or that such names are passed over everywhere.
        rule: String,
    },
    /// A regular file.
    File {
        /// Digest of its contents; none where only its head was needed, or nothing but its state.
        digest: Option<Digest>,
        /// As many of its bytes as were needed.
        bytes: Vec<u8>,
    },
    /// A folder.
    Folder,
    /// A folder on another device than the project, with which nothing can be exchanged in one step.
    Mount,
    /// A symbolic link, which is never followed.
    Link,
    /// A device, a pipe: something that is never touched.
    Other,
}

/// What planning lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Paths, and how much of each.
    pub paths: BTreeMap<AssetPath, Need>,
    /// Operations of which the packer may keep something.
    pub operations: BTreeSet<OperationId>,
}

impl Needs {
    /// Whether nothing is lacking.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.operations.is_empty()
    }

    /// Adds a path, or more of one.
    pub(super) fn add(&mut self, path: AssetPath, need: Need) {
        let known = self.paths.entry(path).or_insert(need);
        *known = (*known).max(need);
    }
}

impl FromIterator<(AssetPath, Need)> for Needs {
    fn from_iter<I: IntoIterator<Item = (AssetPath, Need)>>(paths: I) -> Self {
        let mut needs = Self::default();
        paths.into_iter().for_each(|(path, need)| needs.add(path, need));
        needs
    }
}

/// What the caller found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    paths: BTreeMap<AssetPath, (Need, PathState)>,
    operations: BTreeMap<OperationId, KeptOperation>,
}

impl Contents {
    /// Notes what stands at `path`, looked at as far as `need` says.
    pub fn insert(&mut self, path: AssetPath, need: Need, found: PathState) {
        self.paths.insert(path, (need, found));
    }

    /// Notes what the packer keeps of an operation.
    pub fn insert_operation(&mut self, operation: OperationId, kept: KeptOperation) {
        self.operations.insert(operation, kept);
    }

    /// What stands at `path`; nothing is known of a path that was not looked at.
    pub fn get(&self, path: &AssetPath) -> Option<&PathState> {
        self.paths.get(path).map(|(_, found)| found)
    }

    /// What the packer keeps of an operation.
    pub fn operation(&self, operation: OperationId) -> Option<&KeptOperation> {
        self.operations.get(&operation)
    }

    /// What of `needs` was not looked at.
    pub(super) fn lacks(&self, mut needs: Needs) -> Needs {
        needs.paths.retain(|path, need| self.paths.get(path).is_none_or(|(known, _)| known < need));
        needs.operations.retain(|operation| !self.operations.contains_key(operation));
        needs
    }
}

/// What the packer keeps of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptOperation {
    /// Nothing, or no longer.
    Nothing,
    /// Something that cannot be used, and why.
    Unusable {
        /// Why, as the end of a sentence.
        reason: String,
    },
    /// What it did.
    Applied(AppliedOperation),
    /// What it was doing when it was interrupted for good.
    Frozen(FrozenOperation),
    /// It was interrupted for good, and what it was doing cannot be told.
    FrozenUnknown {
        /// Why, as the end of a sentence.
        reason: String,
    },
}

/// What a finished operation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedOperation {
    /// The files that it put somewhere.
    pub placed: Vec<PlacedFile>,
    /// The files that it took away, or replaced, and that went nowhere else.
    pub taken: Vec<TakenFile>,
    /// The folders that it made.
    pub made_folders: Vec<AssetPath>,
    /// The folders that it removed.
    pub removed_folders: Vec<AssetPath>,
    /// Of every asset whose lines of the registry it changed: all its lines before.
    pub lines_before: Vec<RegistryEntry>,
    /// And all of them after.
    pub lines_after: Vec<RegistryEntry>,
}

/// A file that an operation put somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedFile {
    /// Where.
    pub path: AssetPath,
    /// What it held.
    pub after: FileFact,
    /// From where it was moved; none for one that was written or copied.
    pub from: Option<AssetPath>,
}

/// A file that an operation took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenFile {
    /// From where.
    pub path: AssetPath,
    /// What it held.
    pub before: FileFact,
    /// Where it is kept.
    pub kept: KeptFile,
    /// Its text, where it is a small one.
    pub text: Option<String>,
}

/// What an interrupted operation was doing, and how far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrozenOperation {
    /// The files concerned, each once.
    pub files: Vec<FrozenFile>,
    /// The folders that it was to make.
    pub made_folders: Vec<AssetPath>,
    /// The folders that it was to remove.
    pub removed_folders: Vec<AssetPath>,
    /// Of every asset whose lines of the registry it was to change: all its lines before.
    pub lines_before: Vec<RegistryEntry>,
    /// And all of them after.
    pub lines_after: Vec<RegistryEntry>,
    /// The registry that somebody else had saved by the time the operation replaced it.
    pub saved_registry: Option<Registry>,
}

/// A file of an interrupted operation. What stands there now is looked at like any other path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenFile {
    /// Where.
    pub path: AssetPath,
    /// What stood there before; none if nothing did.
    pub before: Option<FrozenContents>,
    /// What is to stand there; none if nothing is.
    pub after: Option<FrozenContents>,
    /// What somebody else had saved there by the time the operation took it out of its way.
    pub saved: Option<FrozenContents>,
}

/// What a file of an interrupted operation held, or is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenContents {
    /// Size and digest.
    pub fact: FileFact,
    /// Where its bytes are.
    pub at: FrozenBytes,
    /// Its text, where the packer keeps it and it is that of an anchor.
    pub text: Option<String>,
}

/// Where the bytes of a file of an interrupted operation are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrozenBytes {
    /// In the workspace: at the place that they belong to, or at the other one of a file that moves.
    Place(AssetPath),
    /// The packer keeps them.
    Kept(KeptFile),
    /// Nowhere that is known.
    Gone,
}

/// Where below `.packer/` the packer keeps a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "in", rename_all = "snake_case")]
pub enum KeptFile {
    /// In the history of a finished operation.
    History {
        /// Which.
        operation: OperationId,
        /// Its number there.
        number: u32,
    },
    /// Among what an interrupted operation moved out of its way.
    Displaced {
        /// Which.
        operation: OperationId,
        /// Its number there.
        number: u32,
    },
    /// Among what an interrupted operation was to put in place.
    Staged {
        /// Which.
        operation: OperationId,
        /// Its number there.
        number: u32,
    },
}

impl KeptFile {
    /// The operation for which it is kept.
    pub fn operation(&self) -> OperationId {
        match self {
            Self::History { operation, .. }
            | Self::Displaced { operation, .. }
            | Self::Staged { operation, .. } => *operation,
        }
    }
}
