//! Rows of the navigator: one managed asset, or one anchor that the registry does not know.

use packer_runtime::api::{AssetId, AssetPage, AssetRow, AssetState, BuildParticipation};
use serde::Serialize;

use crate::labels;

/// A part of the navigator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NavigatorPage {
    /// The number of the snapshot.
    pub revision: u64,
    /// How many rows the query covers in all.
    pub total: u64,
    /// The part that was asked for, in the order that was asked for.
    pub rows: Vec<NavigatorRow>,
}

/// One row of the navigator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NavigatorRow {
    /// What the row is told from the others by, also in later snapshots.
    pub key: RowKey,
    /// What to call it: its name, or else the path of its anchor.
    pub label: String,
    /// The uuid; none where it cannot be read.
    pub uuid: Option<String>,
    /// The runtime id; none while it is not registered.
    pub id: Option<u32>,
    /// The name; none while its anchor does not say one.
    pub name: Option<String>,
    /// The kind; none while its anchor is missing or invalid.
    pub kind: Option<String>,
    /// Where its anchor is, below the assets root; the accepted path for one that is missing.
    pub anchor: String,
    /// Whether builds take it; none while it is not registered.
    pub build: Option<ParticipationView>,
    /// What stands in the way of building it, if anything.
    pub state: AssetStateView,
    /// The same in words.
    pub state_label: String,
}

/// What a row is told from the others by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "type", content = "text", rename_all = "snake_case")]
pub enum RowKey {
    /// A managed asset, by its uuid.
    Asset(String),
    /// An anchor that the registry does not know, by its path.
    Anchor(String),
}

/// Whether builds take an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipationView {
    /// They do.
    Included,
    /// They leave it out.
    Excluded,
}

/// What stands in the way of building an asset, as the packer has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetStateView {
    /// Nothing.
    Ready,
    /// The registry does not know it.
    Unregistered,
    /// Its registry lines contradict each other, or another's.
    RegistryConflict,
    /// Its anchor is nowhere on disk.
    Missing,
    /// Its anchor is at another path than accepted.
    Moved,
    /// Its uuid stands in more than one anchor.
    Duplicated,
    /// Its anchor, or a path of it, is in error.
    Invalid,
    /// Its name is another's too.
    NameConflict,
    /// A source that it claims is not there.
    InputMissing,
    /// It refers to what is not there, or in a circle.
    ReferenceBroken,
}

impl NavigatorPage {
    pub(crate) fn of(page: &AssetPage) -> Self {
        let AssetPage { revision, total, rows } = page;
        Self { revision: revision.0, total: *total as u64, rows: rows.iter().map(NavigatorRow::of).collect() }
    }
}

impl NavigatorRow {
    pub(crate) fn of(row: &AssetRow) -> Self {
        let AssetRow { uuid, id, name, kind, anchor, build, state } = row;
        let name = name.as_ref().map(ToString::to_string);
        Self {
            key: RowKey::of(row),
            label: name.clone().unwrap_or_else(|| anchor.to_string()),
            uuid: uuid.map(|uuid| uuid.to_string()),
            id: id.map(AssetId::get),
            name,
            kind: kind.as_ref().map(ToString::to_string),
            anchor: anchor.to_string(),
            build: build.map(ParticipationView::of),
            state: AssetStateView::of(*state),
            state_label: labels::state(*state).to_owned(),
        }
    }
}

impl RowKey {
    /// What to call it where a question or an intent names an asset.
    pub fn text(&self) -> &str {
        match self {
            Self::Asset(uuid) => uuid,
            Self::Anchor(path) => path,
        }
    }

    /// A managed asset stays the same wherever its anchor goes; of other anchors, several can have one uuid.
    pub(crate) fn of(row: &AssetRow) -> Self {
        match row.id.and(row.uuid) {
            Some(uuid) => Self::Asset(uuid.to_string()),
            None => Self::Anchor(row.anchor.to_string()),
        }
    }
}

impl ParticipationView {
    pub(crate) fn of(build: BuildParticipation) -> Self {
        match build {
            BuildParticipation::Included => Self::Included,
            BuildParticipation::Excluded => Self::Excluded,
        }
    }
}

impl AssetStateView {
    pub(crate) fn of(state: AssetState) -> Self {
        match state {
            AssetState::Ready => Self::Ready,
            AssetState::Unregistered => Self::Unregistered,
            AssetState::RegistryConflict => Self::RegistryConflict,
            AssetState::Missing => Self::Missing,
            AssetState::Moved => Self::Moved,
            AssetState::Duplicated => Self::Duplicated,
            AssetState::Invalid => Self::Invalid,
            AssetState::NameConflict => Self::NameConflict,
            AssetState::InputMissing => Self::InputMissing,
            AssetState::ReferenceBroken => Self::ReferenceBroken,
        }
    }

    pub(super) fn state(self) -> AssetState {
        match self {
            Self::Ready => AssetState::Ready,
            Self::Unregistered => AssetState::Unregistered,
            Self::RegistryConflict => AssetState::RegistryConflict,
            Self::Missing => AssetState::Missing,
            Self::Moved => AssetState::Moved,
            Self::Duplicated => AssetState::Duplicated,
            Self::Invalid => AssetState::Invalid,
            Self::NameConflict => AssetState::NameConflict,
            Self::InputMissing => AssetState::InputMissing,
            Self::ReferenceBroken => AssetState::ReferenceBroken,
        }
    }
}
