//! The shape of a plan: what a mutation would do, in full, as data.

use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::identity::{AssetId, AssetUuid, Digest, LineageId};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::RegistryEntry;

use super::{KeptFile, Mutation};

/// The version of a plan's serialised form.
pub const PLAN_SCHEMA: u32 = 1;

/// What a mutation would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MutationPlan {
    /// The version of this form: [`PLAN_SCHEMA`].
    #[cfg_attr(feature = "schema", schemars(extend("const" = PLAN_SCHEMA)))]
    pub schema: u32,
    /// As asked, with its drawn uuids: what is executed when the plan is applied.
    pub mutation: Mutation,
    /// The project that it was made for.
    pub lineage: LineageId,
    /// Digest of the configuration that it was made with, where the caller knew it; for telling what moved.
    pub configuration: Option<Digest>,
    /// Whether it can be applied. The packer says so; nobody infers it from the lists.
    pub verdict: Verdict,
    /// What forbids applying it.
    pub blockers: Vec<Diagnostic>,
    /// What does not forbid it, and should be known.
    pub warnings: Vec<Diagnostic>,
    /// What would change in the registry, by uuid.
    pub registry_mutations: Vec<RegistryMutation>,
    /// What would change on disk, by path.
    pub filesystem_mutations: Vec<FilesystemMutation>,
    /// What it depends on, by path; for telling what moved when it is stale.
    pub seen: Vec<SeenPath>,
    /// The assets whose meaning changes, and how, by name.
    pub affected: Vec<Affected>,
    /// Digest of verdict, registry and filesystem mutations: two plans with one digest do the same.
    pub effects_digest: Digest,
    /// Digest of that, and of mutation, lineage, configuration and seen: of everything that applying it goes by.
    pub plan_digest: Digest,
}

impl MutationPlan {
    /// The same plan, forbidden by one more finding.
    #[must_use]
    pub fn blocked_by(mut self, blocker: Diagnostic) -> Self {
        self.blockers.push(blocker);
        self.blockers.sort();
        self.verdict = Verdict::Blocked;
        self.effects_digest = self.compute_effects_digest();
        self.digested()
    }

    /// The same plan, which was made with the configuration that has this digest.
    #[must_use]
    pub fn configured(mut self, configuration: Digest) -> Self {
        self.configuration = Some(configuration);
        self.digested()
    }

    /// The digest of its effects as they stand in it.
    pub fn compute_effects_digest(&self) -> Digest {
        effects_digest(self.verdict, &self.registry_mutations, &self.filesystem_mutations)
    }

    fn digested(mut self) -> Self {
        self.plan_digest =
            plan_digest(&self.mutation, self.lineage, self.configuration, &self.seen, self.effects_digest);
        self
    }
}

pub(super) fn effects_digest(
    verdict: Verdict,
    registry: &[RegistryMutation],
    filesystem: &[FilesystemMutation],
) -> Digest {
    let text = serde_json::to_vec(&(verdict, registry, filesystem))
        .expect("plans hold only strings, numbers and lists, which always serialise");
    Digest::of(&text)
}

pub(super) fn plan_digest(
    mutation: &Mutation,
    lineage: LineageId,
    configuration: Option<Digest>,
    seen: &[SeenPath],
    effects: Digest,
) -> Digest {
    let text = serde_json::to_vec(&(PLAN_SCHEMA, mutation, lineage, configuration, seen, effects))
        .expect("plans hold only strings, numbers and lists, which always serialise");
    Digest::of(&text)
}

/// Whether a plan can be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can, and would change something.
    Ready,
    /// Its blockers forbid it.
    Blocked,
    /// There is nothing to do.
    Empty,
}

/// A change of one line of the registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum RegistryMutation {
    /// A new line.
    Insert {
        /// It.
        entry: RegistryEntry,
    },
    /// A line becomes another.
    Update {
        /// As it is.
        before: RegistryEntry,
        /// As it would be.
        after: RegistryEntry,
    },
    /// A live line becomes a retired one; its id stays reserved.
    Retire {
        /// As it is.
        before: RegistryEntry,
    },
    /// A line goes.
    Delete {
        /// It.
        entry: RegistryEntry,
    },
}

impl RegistryMutation {
    /// The asset whose line changes.
    pub fn uuid(&self) -> AssetUuid {
        match self {
            Self::Insert { entry } | Self::Delete { entry } => entry.uuid,
            Self::Update { before, .. } | Self::Retire { before } => before.uuid,
        }
    }
}

/// A change of one path on disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum FilesystemMutation {
    /// A new file, where nothing stands.
    Create {
        /// Where.
        path: AssetPath,
        /// Its contents.
        contents: String,
        /// Digest of them.
        after: Digest,
    },
    /// New contents for a file.
    Edit {
        /// Which.
        path: AssetPath,
        /// What changes, as a unified diff.
        diff: String,
        /// Digest of its contents as they are.
        before: Digest,
        /// Digest of its contents as they would be.
        after: Digest,
        /// Its size as it is, in bytes; the digest stands for it in the serialised form.
        #[serde(skip)]
        before_size: u64,
        /// Its contents as they would be; the diff and the digests stand for them in the serialised form.
        #[serde(skip)]
        contents: String,
    },
    /// A file goes to another place.
    Move {
        /// From where.
        from: AssetPath,
        /// To where.
        to: AssetPath,
        /// Digest of it.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// A file gets a copy.
    Copy {
        /// Of which.
        from: AssetPath,
        /// Where its copy goes.
        to: AssetPath,
        /// Digest of both.
        digest: Digest,
        /// Their size in bytes.
        size: u64,
    },
    /// A file leaves the workspace, and is kept in the history of the operation.
    ToHistory {
        /// Which.
        path: AssetPath,
        /// Digest of it.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// A file that the packer keeps comes back, where nothing stands.
    Restore {
        /// Where.
        path: AssetPath,
        /// Which.
        kept: KeptFile,
        /// Digest of it.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// A folder is made.
    MakeDir {
        /// Where.
        path: AssetPath,
    },
    /// A folder in which nothing is left is removed.
    RemoveDir {
        /// Which.
        path: AssetPath,
    },
}

impl FilesystemMutation {
    /// The path that changes; of a move or a copy, where it goes.
    pub fn path(&self) -> &AssetPath {
        match self {
            Self::Create { path, .. }
            | Self::Edit { path, .. }
            | Self::Move { to: path, .. }
            | Self::Copy { to: path, .. }
            | Self::ToHistory { path, .. }
            | Self::Restore { path, .. }
            | Self::MakeDir { path }
            | Self::RemoveDir { path } => path,
        }
    }

    /// The path that something leaves or is read from, if there is another one.
    pub fn origin(&self) -> Option<&AssetPath> {
        match self {
            Self::Move { from, .. } | Self::Copy { from, .. } => Some(from),
            Self::Create { .. }
            | Self::Edit { .. }
            | Self::ToHistory { .. }
            | Self::Restore { .. }
            | Self::MakeDir { .. }
            | Self::RemoveDir { .. } => None,
        }
    }
}

/// A path that a plan depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeenPath {
    /// Which.
    pub path: AssetPath,
    /// What stood there when the plan was made.
    pub seen: Seen,
}

/// What stood at a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Seen {
    /// Nothing.
    Absent,
    /// A file with this digest.
    File {
        /// Of its contents.
        digest: Digest,
    },
    /// Something else: a folder, a link.
    Other,
}

/// An asset whose meaning a plan changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Affected {
    /// Which.
    pub uuid: AssetUuid,
    /// Its id, afterwards.
    pub id: Option<AssetId>,
    /// Its name, afterwards, if it is known.
    pub name: Option<AssetName>,
    /// How.
    pub change: Change,
}

/// How an asset's meaning changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It becomes an asset: anchor and registration.
    Adopted,
    /// Its anchor becomes managed.
    Registered,
    /// It is no longer managed.
    Retired,
    /// Its accepted place is another.
    Moved,
    /// It becomes an asset of its own.
    Separated,
    /// Its name is another.
    Renamed,
    /// Its id is another.
    Renumbered,
    /// One of its contradicting lines is kept.
    Settled,
    /// Its anchor says something else: settings, or what it refers to.
    Configured,
    /// Builds take it.
    Included,
    /// Builds leave it out.
    Excluded,
    /// It is an asset of its own, made as a copy of another.
    Duplicated,
    /// It is managed again.
    Restored,
    /// It is as it was before an operation that is taken back.
    Reverted,
    /// It is no asset any more, and nothing of it is left in the registry.
    Undone,
}
