//! What the packer tells of single assets: rows of lists, and everything about one. Plain data, for consumers to show.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Subject};
use crate::divergence::Divergence;
use crate::identity::{AssetId, AssetUuid, Digest};
use crate::kind::{KindId, Settings};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::{BuildParticipation, EntryState};
use crate::workspace::{AssetRecord, AssetState, Listed, Reference, WorkspaceState};

/// One asset in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AssetRow {
    /// Its identity; none for an unregistered anchor whose uuid cannot be read.
    pub uuid: Option<AssetUuid>,
    /// Its runtime id; none while it is not registered.
    pub id: Option<AssetId>,
    /// Its name; none while its anchor does not say one.
    pub name: Option<AssetName>,
    /// Its kind; none while its anchor is missing or invalid.
    pub kind: Option<KindId>,
    /// Where its anchor is; the accepted path for one that is missing.
    pub anchor: AssetPath,
    /// Whether builds take it; none while it is not registered.
    pub build: Option<BuildParticipation>,
    /// What stands in the way of building it, if anything.
    pub state: AssetState,
}

/// Everything about one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AssetDetail {
    /// As in lists.
    #[serde(flatten)]
    pub row: AssetRow,
    /// Whether a pack keeps it among the payloads that are read first.
    pub preload: bool,
    /// The sources that it claims.
    pub inputs: Vec<InputRow>,
    /// Its settings, complete.
    pub settings: Settings,
    /// What it refers to.
    pub references: Vec<Reference>,
    /// The assets that refer to it.
    pub referred_by: Vec<AssetUuid>,
    /// The divergences that concern it.
    pub divergences: Vec<Divergence>,
    /// The diagnostics about it, its anchor and its sources.
    pub diagnostics: Vec<Diagnostic>,
}

/// One source of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InputRow {
    /// Where it is.
    pub path: AssetPath,
    /// Bytes.
    pub size: u64,
    /// Digest of its contents.
    pub digest: Digest,
}

/// The rows of all assets: the managed ones, then the unregistered anchors, each by anchor path.
pub fn asset_rows(state: &WorkspaceState) -> impl Iterator<Item = AssetRow> {
    state.listed().filter_map(asset_row)
}

/// The row of one of them.
pub fn asset_row(listed: Listed<'_>) -> Option<AssetRow> {
    match listed {
        Listed::Managed(record) => managed_row(record),
        Listed::Unregistered(path, parsed) => Some(AssetRow {
            uuid: parsed.uuid(),
            id: None,
            name: parsed.name().cloned(),
            kind: parsed.kind().cloned(),
            anchor: path.clone(),
            build: None,
            state: AssetState::Unregistered,
        }),
    }
}

fn managed_row(record: &AssetRecord) -> Option<AssetRow> {
    let EntryState::Live { anchor, build } = &record.entry.state else { return None };
    Some(AssetRow {
        uuid: Some(record.entry.uuid),
        id: Some(record.entry.id),
        name: record.name().cloned(),
        kind: record.kind().cloned(),
        anchor: record.anchor().unwrap_or(anchor).clone(),
        build: Some(*build),
        state: record.state,
    })
}

/// Everything about the managed asset `uuid`.
pub fn asset_detail(state: &WorkspaceState, uuid: AssetUuid) -> Option<AssetDetail> {
    let record = state.asset(uuid)?;
    let row = managed_row(record)?;
    let files = &state.observation().files;
    let inputs = record.inputs().iter().filter_map(|path| {
        let fact = files.get(path)?;
        Some(InputRow { path: path.clone(), size: fact.size, digest: fact.digest })
    });
    Some(AssetDetail {
        preload: record.preload,
        inputs: inputs.collect(),
        settings: Settings::clone(&record.settings),
        references: record.references().to_vec(),
        referred_by: state.referring_to(uuid).collect(),
        divergences: state.divergences().iter().filter(|d| d.assets.contains(&uuid)).cloned().collect(),
        diagnostics: state.diagnostics().iter().filter(|d| concerns(state, record, d)).cloned().collect(),
        row,
    })
}

/// Whether `diagnostic` is about the asset of `record`: about it, its anchor or something that it claims.
pub fn concerns(state: &WorkspaceState, record: &AssetRecord, diagnostic: &Diagnostic) -> bool {
    match &diagnostic.subject {
        Subject::Asset(subject) => *subject == record.entry.uuid,
        Subject::Path(_) => {
            record.anchor().into_iter().chain(record.inputs()).any(|path| state.is_about(diagnostic, path))
        }
        Subject::Project | Subject::Unrepresentable(_) => false,
    }
}
