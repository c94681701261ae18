//! The asset detail view: everything about one managed asset, as one snapshot has it.
//!
//! It is made from the snapshot alone, and looks at no file. Why an asset is baked, which depends on what the last build
//! left, is the explanation's.

mod explanation;
mod settings;

pub use explanation::{
    AssetExplanationView, FileExplanationView, FileIs, InputPartView, KeyPartsView, MadeView, NextView,
    PresenceView, ReferencePartView,
};
pub use settings::{
    AcceptsView, KindView, OriginView, PreloadView, RuleView, SettingSpecView, SettingValueView, SettingView,
};

use packer_runtime::api::{AssetDetail, AssetUuid, InputRow, Reference, Snapshot, Status};
use serde::Serialize;

use crate::freshness::FreshnessBadge;
use crate::problems::{DiagnosticRow, DivergenceRow};
use crate::workspace::NavigatorRow;

/// Everything about one managed asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssetDetailView {
    /// The number of the snapshot.
    pub revision: u64,
    /// What is known of the snapshot against the disk.
    pub freshness: FreshnessBadge,
    /// As in the navigator.
    pub row: NavigatorRow,
    /// The sources that it claims.
    pub inputs: Vec<InputView>,
    /// The rule of `packer.toml` that is for it.
    pub rule: Option<RuleView>,
    /// Its settings with who says what each is, by key; none while its anchor is invalid.
    pub settings: Vec<SettingView>,
    /// Whether a pack keeps it among the payloads that are read first.
    pub preload: PreloadView,
    /// What it refers to.
    pub references: Vec<ReferenceView>,
    /// The assets that refer to it.
    pub referred_by: Vec<NamedAssetView>,
    /// The divergences that concern it, with what can be done about them.
    pub divergences: Vec<DivergenceRow>,
    /// The findings about it, its anchor and its sources.
    pub diagnostics: Vec<DiagnosticRow>,
}

/// A source of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputView {
    /// Where it is, below the assets root.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Digest of its contents.
    pub digest: String,
}

/// A setting that names another asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReferenceView {
    /// The setting's key.
    pub key: String,
    /// The name it gives.
    pub name: String,
    /// The uuid of the managed asset with that name, if there is exactly one.
    pub target: Option<String>,
}

/// An asset by what people call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedAssetView {
    /// Its uuid.
    pub uuid: String,
    /// Its name, or else its anchor.
    pub label: String,
}

impl AssetDetailView {
    /// The managed asset `uuid` of the snapshot in `status`; none where that has no such asset.
    pub(crate) fn of(status: &Status, uuid: AssetUuid) -> Option<Self> {
        let snapshot = &status.snapshot;
        let AssetDetail {
            row,
            preload: _,
            inputs,
            settings: _,
            references,
            referred_by,
            divergences,
            diagnostics,
        } = snapshot.asset(uuid)?;
        let own = snapshot.settings(uuid)?;
        let kind = row.kind.as_ref().and_then(|kind| snapshot.kind(kind));
        Some(Self {
            revision: snapshot.revision().0,
            freshness: FreshnessBadge::of(&status.freshness),
            row: NavigatorRow::of(&row),
            inputs: inputs.iter().map(InputView::of).collect(),
            rule: own.rule.as_ref().map(RuleView::of),
            settings: own.settings.iter().map(|setting| SettingView::of(setting, kind)).collect(),
            preload: PreloadView::of(own.preload),
            references: references.iter().map(ReferenceView::of).collect(),
            referred_by: referred_by.iter().map(|uuid| NamedAssetView::of(*uuid, snapshot)).collect(),
            divergences: divergences.iter().map(DivergenceRow::of).collect(),
            diagnostics: diagnostics.iter().map(DiagnosticRow::of).collect(),
        })
    }
}

impl InputView {
    fn of(input: &InputRow) -> Self {
        let InputRow { path, size, digest } = input;
        Self { path: path.to_string(), size: *size, digest: digest.to_string() }
    }
}

impl ReferenceView {
    fn of(reference: &Reference) -> Self {
        let Reference { key, name, target } = reference;
        Self { key: key.clone(), name: name.to_string(), target: target.as_ref().map(ToString::to_string) }
    }
}

impl NamedAssetView {
    pub(crate) fn of(uuid: AssetUuid, snapshot: &Snapshot) -> Self {
        let label = snapshot.label(uuid).unwrap_or_else(|| uuid.to_string());
        Self { uuid: uuid.to_string(), label }
    }
}
