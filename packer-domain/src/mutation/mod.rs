//! Mutations: requested changes of a workspace, and what they would do.
//!
//! Planning is pure and has two steps: [`needs`] says which paths matter, the caller looks at them, [`plan`] decides. It
//! writes nothing and consumes nothing: a thousand previews change nothing, and the same request on the same state gives
//! the same plan. Carrying a plan out is the runtime's work.

mod adopt;
mod draft;
mod plan;
mod reconcile;
mod register;
mod rename;
mod set_build;
#[cfg(test)]
mod tests;

pub use plan::{
    Affected, Change, FilesystemMutation, MutationPlan, PLAN_SCHEMA, RegistryMutation, Seen, SeenPath,
    Verdict,
};

use std::collections::BTreeMap;

use serde::Serialize;

use crate::divergence::{DivergenceCode, Resolution};
use crate::identity::{AssetUuid, Digest, UuidDraw};
use crate::kind::KindId;
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::BuildParticipation;
use crate::workspace::WorkspaceState;

use draft::Draft;

/// A requested change of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "mutation", rename_all = "snake_case")]
pub enum Mutation {
    /// Write anchors for raw files and register them.
    Adopt(Adopt),
    /// Take existing unregistered anchors into the registry.
    Register(Register),
    /// Carry out one named resolution of one or more divergences.
    Reconcile(Reconcile),
    /// Give an asset another name, and rewrite every reference to it.
    Rename(Rename),
    /// Include assets in builds, or exclude them.
    SetBuild(SetBuild),
}

impl Mutation {
    /// The word for it: `adopt`, `register` …
    pub fn word(&self) -> &'static str {
        match self {
            Self::Adopt(_) => "adopt",
            Self::Register(_) => "register",
            Self::Reconcile(_) => "reconcile",
            Self::Rename(_) => "rename",
            Self::SetBuild(_) => "set_build",
        }
    }
}

/// Write anchors for raw files, by the project's rules and then the built-in ones, and register them.
///
/// Blocked by: `plan/target-missing`, `kind/unknown`, `plan/target-exists`, `registry/duplicate-entry`. Warns of:
/// `plan/no-rule`, `plan/already-managed`, `path/collision`, and of what can be no input: `path/not-representable`,
/// `path/special-file`, `path/symlink`, `path/unreadable`, `path/unstable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adopt {
    /// Files, and folders with everything below them.
    pub targets: Vec<Target>,
    /// The kind for all of them, over every rule.
    pub kind: Option<KindId>,
    /// What their uuids are made from.
    pub draw: UuidDraw,
}

/// Take unregistered anchors into the registry.
///
/// Blocked by: `plan/target-missing`, `plan/invalid-anchor`, `plan/name-taken`, `anchor/duplicate-uuid`,
/// `registry/duplicate-entry` (retired lines that contradict each other). Warns of: `plan/already-managed`, `plan/invalid-anchor` (for one that no target names by itself).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Register {
    /// Anchors, and folders with every anchor below them.
    pub targets: Vec<Target>,
}

/// Carry out resolutions of divergences.
///
/// Blocked by: `plan/not-diverged`, `plan/choice-needed`, `plan/resolution-unavailable` (where a selector meets nothing
/// that can be resolved, or the resolution asked for is not offered), `plan/name-taken`, `plan/invalid-anchor`,
/// `plan/target-missing`, `registry/duplicate-entry` (a uuid drawn twice), and what registering is blocked by. Warns of:
/// `plan/resolution-unavailable` (for what has to be mended by hand, beside what is resolved).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reconcile {
    /// Which divergences; none means all.
    pub select: Vec<Selector>,
    /// Which resolution; none means the only one that is offered.
    pub resolution: Option<Resolution>,
    /// For resolutions that are for one path. Of the divergences meant, only those are taken that concern it, if any
    /// does.
    pub path: Option<AssetPath>,
    /// For resolutions that need a name.
    pub name: Option<AssetName>,
    /// What new uuids are made from.
    pub draw: UuidDraw,
}

/// Give an asset another name, in its anchor and in every anchor that refers to it.
///
/// Blocked by: `plan/target-missing`, `plan/invalid-anchor` (its own, or one that refers to it), `plan/diverged`,
/// `plan/name-taken`, `plan/reference-in-rules`, `registry/duplicate-entry`, `registry/duplicate-id`. Warns of: nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rename {
    /// Which.
    pub asset: AssetUuid,
    /// Its new name.
    pub name: AssetName,
}

/// Include assets in builds, or exclude them.
///
/// Blocked by: `plan/target-missing`, `registry/duplicate-entry`. Warns of: `plan/referred-to` (where what is excluded is
/// referred to by what is not).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetBuild {
    /// Which.
    pub assets: Vec<AssetUuid>,
    /// Whether builds take them.
    pub build: BuildParticipation,
}

/// What a mutation is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Everything below the assets root.
    Root,
    /// A file, or a folder with everything below it.
    Path(AssetPath),
}

/// Which divergences are meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// Those with this code.
    Code(DivergenceCode),
    /// Those that concern this asset.
    Asset(AssetUuid),
    /// Those that concern the assets with this name.
    Name(AssetName),
    /// Those that concern this path: an anchor, the source beside it, or a folder with everything below it.
    Path(AssetPath),
}

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
    /// A regular file.
    File {
        /// Digest of its contents; none where only its head was needed, or nothing but its state.
        digest: Option<Digest>,
        /// As many of its bytes as were needed.
        bytes: Vec<u8>,
    },
    /// A folder.
    Folder,
    /// A link, a device: something that is never touched.
    Other,
}

/// What the caller found at the paths that [`needs`] named.
pub type Contents = BTreeMap<AssetPath, PathState>;

/// The paths that matter for `mutation`, and how much of each.
pub fn needs(state: &WorkspaceState, mutation: &Mutation) -> BTreeMap<AssetPath, Need> {
    match mutation {
        Mutation::Adopt(adopt) => adopt::needs(state, adopt),
        Mutation::Register(_) | Mutation::SetBuild(_) => BTreeMap::new(),
        Mutation::Rename(rename) => rename::needs(state, rename),
        Mutation::Reconcile(reconcile) => reconcile::needs(state, reconcile),
    }
}

/// What `mutation` would do.
pub fn plan(state: &WorkspaceState, contents: &Contents, mutation: &Mutation) -> MutationPlan {
    let mut draft = Draft::new(state, contents);
    match mutation {
        Mutation::Adopt(adopt) => adopt::plan(&mut draft, adopt),
        Mutation::Register(register) => register::plan(&mut draft, register),
        Mutation::Reconcile(reconcile) => reconcile::plan(&mut draft, reconcile),
        Mutation::Rename(rename) => rename::plan(&mut draft, rename),
        Mutation::SetBuild(set_build) => set_build::plan(&mut draft, set_build),
    }
    draft.finish(mutation.clone())
}
