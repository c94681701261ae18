//! What can be asked for: the requests, as data, with what each can be forbidden by and what it can warn of.
//!
//! A request holds text where people type text; whether it makes sense is decided by the planner. What a request does is
//! in the file of its name.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::divergence::{DivergenceCode, Resolution};
use crate::identity::{AssetUuid, OperationId, UuidDraw};
use crate::kind::{KindId, SettingValue};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::BuildParticipation;

/// A requested change of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Set or clear keys of an asset's anchor.
    Configure(Configure),
    /// Move an asset's anchor and inputs.
    Relocate(Relocate),
    /// Copy an asset as an asset of its own.
    Duplicate(Duplicate),
    /// Take assets out of the project.
    Remove(Remove),
    /// Take back what an operation did.
    Undo(Undo),
    /// Settle an operation that was interrupted in the middle of its commit.
    Recover(Recover),
    /// Several of them as one.
    Batch(Batch),
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
            Self::Configure(_) => "configure",
            Self::Relocate(_) => "relocate",
            Self::Duplicate(_) => "duplicate",
            Self::Remove(_) => "remove",
            Self::Undo(_) => "undo",
            Self::Recover(_) => "recover",
            Self::Batch(_) => "batch",
        }
    }
}

/// Write anchors for raw files, by the project's rules and then the built-in ones, and register them.
///
/// Blocked by: `plan/target-missing`, `kind/unknown`, `plan/target-exists`, `registry/duplicate-entry`. Warns of:
/// `plan/no-rule`, `plan/already-managed`, `path/collision`, and of what can be no input: `path/not-representable`,
/// `path/special-file`, `path/symlink`, `path/unreadable`, `path/unstable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetBuild {
    /// Which.
    pub assets: Vec<AssetUuid>,
    /// Whether builds take them.
    pub build: BuildParticipation,
}

/// Set or clear keys of an asset's anchor: `preload`, `inputs` of a directory asset, and the settings of its kind. What
/// is cleared is left to the rules and defaults. Comments, order and layout stay.
///
/// Blocked by: `plan/target-missing`, `plan/invalid-anchor`, `plan/diverged`, `plan/key-not-settable`,
/// `registry/duplicate-entry`, `registry/duplicate-id`, `anchor/unknown-key`, `anchor/invalid-value`. Warns of:
/// `reference/unresolved`, `reference/cycle`, `input/missing`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Configure {
    /// Which.
    pub asset: AssetUuid,
    /// By key: the value that it gets.
    pub set: BTreeMap<String, SettingValue>,
    /// The keys that are no longer said.
    pub clear: BTreeSet<String>,
}

/// Move an asset: its anchor and its inputs. A directory asset moves with its folder's name, its inputs and the sidecars
/// beside them; other files stay.
///
/// Blocked by: `plan/target-missing`, `plan/invalid-anchor` (a directory asset's, which alone says what belongs to it),
/// `plan/diverged`, `plan/target-invalid`, `plan/target-exists`, `plan/target-ignored`, `plan/into-itself`,
/// `plan/another-device`, `path/not-portable`, `path/collision`, `path/symlink`, `path/special-file`,
/// `registry/duplicate-entry`, `registry/duplicate-id` (its own, or of an asset that moves along). Warns of:
/// `plan/left-behind`, `plan/leaves-divergence` (where another asset loses what it needs), `input/shared` (where another
/// asset gets an input by it).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Relocate {
    /// Which.
    pub asset: AssetUuid,
    /// Where its source goes, or the folder of a directory asset: a path below the assets root, as typed. A folder that
    /// is there, or a path that ends in a slash, means into it; `.` is the assets root.
    pub to: String,
}

/// Copy an asset's inputs and anchor, as an asset of its own with another uuid, id and name.
///
/// Blocked by: what relocating is blocked by for its destination (`plan/target-missing`, `plan/invalid-anchor`,
/// `plan/diverged`, `plan/target-invalid`, `plan/target-exists`, `plan/target-ignored`, `plan/into-itself`,
/// `plan/another-device`, `path/not-portable`, `path/collision`, `path/symlink`, `path/special-file`), and by
/// `plan/name-taken`, `registry/duplicate-entry`, `registry/duplicate-id`. Warns of: `input/shared` (where another asset
/// gets an input by it).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Duplicate {
    /// Which.
    pub asset: AssetUuid,
    /// Where its copy goes, as with [`Relocate::to`].
    pub to: String,
    /// The copy's name; none for one made from where it goes.
    pub name: Option<AssetName>,
    /// What its uuid is made from.
    pub draw: UuidDraw,
}

/// Take assets out of the project: their lines of the registry are retired, which keeps their ids reserved, and their
/// anchors go to the history.
///
/// Blocked by: `plan/target-missing`, `plan/diverged`, `plan/referred-to` (by an asset that stays), `plan/invalid-anchor`
/// (a directory asset's, where its inputs are to go too), `plan/another-device`, `registry/duplicate-entry`,
/// `registry/duplicate-id`. Warns of: `plan/left-behind` (inputs that another asset claims too).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Remove {
    /// Which.
    pub assets: Vec<AssetUuid>,
    /// What becomes of their inputs.
    pub inputs: RemovedInputs,
}

/// What becomes of the inputs of assets that are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RemovedInputs {
    /// They stay where they are, as files that no anchor claims.
    Kept,
    /// They go to the history, from where undoing brings them back.
    ToHistory,
}

/// Take back what an operation did, file by file and line by line. Itself an operation that can be undone.
///
/// Blocked by: `plan/target-missing` (where nothing is kept of it), `plan/moved-on` (where a file or a line of the
/// registry is no longer as the operation left it), `plan/target-exists`, `plan/target-ignored`, `plan/another-device`,
/// `path/symlink`, `path/special-file`. Warns of: `plan/leaves-divergence` (what the operation had mended, or what was
/// built on it since), `path/collision`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Undo {
    /// Which.
    pub operation: OperationId,
}

/// Settle an operation that was interrupted in the middle of its commit and that nothing could finish or drop by itself.
///
/// Blocked by: `plan/target-missing` (where no such operation waits), `plan/moved-on` (where bytes that are needed are
/// kept nowhere, or something that is no file stands in the way). Warns of: `plan/leaves-divergence`, `lane/frozen`
/// (where nobody can tell what the operation was doing, and everything is left as it is).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Recover {
    /// Which.
    pub operation: OperationId,
    /// How.
    pub choice: RecoveryChoice,
}

/// How an interrupted operation is settled. Either way no byte is lost: what gives way goes to the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecoveryChoice {
    /// What somebody else saved meanwhile stays, and the rest becomes as it was before the operation.
    KeepTheirs,
    /// The operation is carried out, over what somebody else saved meanwhile.
    FinishOurs,
}

impl RecoveryChoice {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::KeepTheirs, Self::FinishOurs];
}

/// Several mutations as one: each planned on what those before it leave, and all or nothing carried out.
///
/// Blocked by: what its members are blocked by, and `plan/not-in-batch` (where one of them is a recovery). Warns of:
/// what its members warn of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Batch {
    /// The members, in order.
    pub mutations: Vec<Mutation>,
}

/// What a mutation is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Everything below the assets root.
    Root,
    /// A file, or a folder with everything below it.
    Path(AssetPath),
}

/// Which divergences are meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
