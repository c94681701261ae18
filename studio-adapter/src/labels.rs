//! Words for the packer's closed vocabularies: one a value, each of its own. Sentences are made where they are shown.

use packer_events::body::{Lock, OperationKind, Phase, Unit};
use packer_runtime::api::{AssetState, Change, Origin, Presence};

/// What an operation does, as a noun at the beginning of a line.
pub(crate) fn kind(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Adopt => "Adopt",
        OperationKind::Register => "Register",
        OperationKind::Remove => "Remove",
        OperationKind::Relocate => "Relocate",
        OperationKind::Rename => "Rename",
        OperationKind::Configure => "Configure",
        OperationKind::SetBuild => "Set build",
        OperationKind::Duplicate => "Duplicate",
        OperationKind::Reconcile => "Reconcile",
        OperationKind::Undo => "Undo",
        OperationKind::Apply => "Apply",
        OperationKind::Build => "Build",
        OperationKind::Refresh => "Refresh",
        OperationKind::Recover => "Recover",
        OperationKind::Watch => "Watch",
    }
}

/// A part of an operation's work, as what it is doing.
pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Scan => "scanning",
        Phase::Hash => "reading files",
        Phase::Plan => "planning",
        Phase::Stage => "staging",
        Phase::Commit => "committing",
        Phase::Bake => "baking",
        Phase::Write => "writing the pack",
        Phase::Verify => "verifying",
        Phase::Prove => "building again to compare",
        Phase::Recover => "recovering",
    }
}

/// What progress counts, one of it.
pub(crate) fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Files => "file",
        Unit::Assets => "asset",
        Unit::Bytes => "byte",
        Unit::Steps => "step",
    }
}

/// What an operation can wait for.
pub(crate) fn lock(lock: Lock) -> &'static str {
    match lock {
        Lock::Lane => "project's lane",
        Lock::Build => "project's build lock",
    }
}

/// What stands in the way of building an asset.
pub(crate) fn state(state: AssetState) -> &'static str {
    match state {
        AssetState::Ready => "Ready",
        AssetState::Unregistered => "Not registered",
        AssetState::RegistryConflict => "Registry conflict",
        AssetState::Missing => "Missing",
        AssetState::Moved => "Moved",
        AssetState::Duplicated => "Duplicated",
        AssetState::Invalid => "Invalid",
        AssetState::NameConflict => "Name conflict",
        AssetState::InputMissing => "Source missing",
        AssetState::ReferenceBroken => "Broken reference",
    }
}

/// How an asset's meaning changes.
pub(crate) fn change(change: Change) -> &'static str {
    match change {
        Change::Adopted => "adopted",
        Change::Registered => "registered",
        Change::Retired => "retired",
        Change::Moved => "moved",
        Change::Separated => "separated",
        Change::Renamed => "renamed",
        Change::Renumbered => "renumbered",
        Change::Settled => "settled",
        Change::Configured => "configured",
        Change::Included => "included",
        Change::Excluded => "excluded",
        Change::Duplicated => "duplicated",
        Change::Restored => "managed again",
        Change::Reverted => "reverted",
        Change::Undone => "no longer managed",
    }
}

/// Who says what a setting is.
pub(crate) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "the kind's default",
        Origin::Rule => "the rule",
        Origin::Anchor => "the anchor",
    }
}

/// Whether an asset is in the pack.
pub(crate) fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Included => "In the pack: the registry includes it",
        Presence::Excluded => "Not in the pack: the registry excludes it",
        Presence::HeldBack => "Not in the pack: the registry includes it, and it cannot be built",
    }
}
