//! Explanations: why an asset is in the pack or not, why it is baked, and what a file is that is no asset.

use packer_runtime::api::{
    AssetExplanation, BakeReason, FileExplanation, InputPart, KeyParts, LastMade, NextBuild, Presence,
    ReferencePart,
};
use serde::Serialize;

use super::settings::{PreloadView, RuleView, SettingView};
use super::{NamedAssetView, ReferenceView};
use crate::labels;
use crate::problems::DiagnosticRow;
use crate::workspace::NavigatorRow;

/// Why a managed asset is as it is, and what the next build does with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssetExplanationView {
    /// As in the navigator.
    pub row: NavigatorRow,
    /// Whether it is in the pack.
    pub presence: PresenceView,
    /// The same in words.
    pub presence_label: String,
    /// The rule of `packer.toml` that is for it.
    pub rule: Option<RuleView>,
    /// Its settings with who says what each is, by key.
    pub settings: Vec<SettingView>,
    /// Whether a pack keeps it among the payloads that are read first.
    pub preload: PreloadView,
    /// What it refers to.
    pub references: Vec<ReferenceView>,
    /// The assets that refer to it.
    pub referred_by: Vec<NamedAssetView>,
    /// What its build key is made of; none while it cannot be built.
    pub key: Option<KeyPartsView>,
    /// What the next build does with it.
    pub next: NextView,
    /// The same in words.
    pub next_label: String,
    /// Why the next build does not take it over from the last pack, one line each.
    pub reasons: Vec<String>,
    /// The last time that it was not taken over from the last pack, as far as that is known.
    pub last: Option<MadeView>,
    /// Everything that is wrong with it.
    pub diagnostics: Vec<DiagnosticRow>,
}

/// Whether an asset is in the pack, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceView {
    /// It is.
    Included,
    /// The registry excludes it.
    Excluded,
    /// What is wrong with it keeps it out.
    HeldBack,
}

/// What the next build does with an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NextView {
    /// Leaves it out.
    Nothing,
    /// Takes its payload over from the last pack.
    TakeOver,
    /// Fetches its payload from the artifact store.
    Fetch,
    /// Bakes it.
    Bake,
}

/// What a build key is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyPartsView {
    /// The key.
    pub build_key: String,
    /// The kind.
    pub kind: String,
    /// The version of the kind's codec.
    pub codec_version: u32,
    /// The version of the layout of the kind's payloads.
    pub payload_version: u32,
    /// The sources.
    pub inputs: Vec<InputPartView>,
    /// What the settings refer to.
    pub references: Vec<ReferencePartView>,
}

/// A source in a build key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputPartView {
    /// Its path relative to the anchor's folder.
    pub relative: String,
    /// Digest of its contents.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// A referred asset in a build key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReferencePartView {
    /// The setting that refers to it.
    pub key: String,
    /// Its uuid.
    pub target: String,
    /// Its id.
    pub id: u32,
    /// Its kind.
    pub kind: String,
    /// Its build key.
    pub build_key: String,
}

/// The last time that a build made an asset's payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MadeView {
    /// The build.
    pub operation_id: String,
    /// Whether the artifact store had it, so that it was not baked.
    pub fetched: bool,
    /// Why it was not taken over, one line each.
    pub reasons: Vec<String>,
}

/// What a path below the assets root is that is no managed asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileExplanationView {
    /// The path.
    pub path: String,
    /// What it is.
    pub is: FileIs,
    /// The same in one sentence, without a final period.
    pub label: String,
    /// The rule of `packer.toml` that adoption would go by, for a file that nothing claims.
    pub rule: Option<RuleView>,
    /// The anchors that claim it.
    pub anchors: Vec<String>,
    /// Bytes, of a file that nothing claims.
    pub size: Option<u64>,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileIs {
    /// An anchor that the registry does not know.
    UnregisteredAnchor,
    /// A source of anchors.
    Claimed,
    /// A file that nothing claims.
    Unclaimed,
    /// Something that is passed over.
    Ignored,
    /// A folder.
    Folder,
}

impl AssetExplanationView {
    pub(crate) fn of(explanation: &AssetExplanation) -> Self {
        let AssetExplanation {
            row,
            presence,
            rule,
            settings,
            preload,
            references,
            referred_by,
            key,
            diagnostics,
            next,
            last,
        } = explanation;
        let (next, next_label, reasons) = next_build(next);
        let reference = |row: &packer_runtime::api::ReferenceRow| ReferenceView {
            key: row.key.clone(),
            name: row.name.clone(),
            target: row.target.as_ref().map(ToString::to_string),
        };
        let named = |asset: &packer_runtime::api::NamedAsset| NamedAssetView {
            uuid: asset.uuid.to_string(),
            label: asset.name.clone(),
        };
        Self {
            row: NavigatorRow::of(row),
            presence: PresenceView::of(*presence),
            presence_label: labels::presence(*presence).to_owned(),
            rule: rule.as_ref().map(RuleView::of),
            settings: settings.iter().map(|setting| SettingView::of(setting, None)).collect(),
            preload: PreloadView::of(*preload),
            references: references.iter().map(reference).collect(),
            referred_by: referred_by.iter().map(named).collect(),
            key: key.as_ref().map(KeyPartsView::of),
            next,
            next_label: next_label.to_owned(),
            reasons: said(reasons),
            last: last.as_ref().map(MadeView::of),
            diagnostics: diagnostics.iter().map(DiagnosticRow::of).collect(),
        }
    }
}

fn next_build(next: &NextBuild) -> (NextView, &'static str, &[BakeReason]) {
    match next {
        NextBuild::Nothing {} => (NextView::Nothing, "The next build leaves it out", &[]),
        NextBuild::TakeOver {} => {
            (NextView::TakeOver, "The next build takes it over from the last pack", &[])
        }
        NextBuild::Fetch { reasons } => {
            (NextView::Fetch, "The next build fetches it from the artifact store", reasons)
        }
        NextBuild::Bake { reasons } => (NextView::Bake, "The next build bakes it", reasons),
    }
}

fn said(reasons: &[BakeReason]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

impl PresenceView {
    fn of(presence: Presence) -> Self {
        match presence {
            Presence::Included => Self::Included,
            Presence::Excluded => Self::Excluded,
            Presence::HeldBack => Self::HeldBack,
        }
    }
}

impl KeyPartsView {
    fn of(parts: &KeyParts) -> Self {
        let KeyParts { build_key, kind, codec_version, payload_version, settings: _, inputs, references } =
            parts;
        let input = |input: &InputPart| InputPartView {
            relative: input.relative.clone(),
            digest: input.digest.to_string(),
            size: input.size,
        };
        let reference = |part: &ReferencePart| ReferencePartView {
            key: part.key.clone(),
            target: part.target.to_string(),
            id: part.id.get(),
            kind: part.kind.to_string(),
            build_key: part.build_key.to_string(),
        };
        Self {
            build_key: build_key.to_string(),
            kind: kind.to_string(),
            codec_version: *codec_version,
            payload_version: *payload_version,
            inputs: inputs.iter().map(input).collect(),
            references: references.iter().map(reference).collect(),
        }
    }
}

impl MadeView {
    fn of(made: &LastMade) -> Self {
        let LastMade { operation, fetched, reasons } = made;
        Self { operation_id: operation.to_string(), fetched: *fetched, reasons: said(reasons) }
    }
}

impl FileExplanationView {
    pub(crate) fn of(explanation: &FileExplanation) -> Self {
        let plain = |path: &packer_runtime::api::AssetPath, is, label: String| Self {
            path: path.to_string(),
            is,
            label,
            rule: None,
            anchors: Vec::new(),
            size: None,
        };
        match explanation {
            FileExplanation::UnregisteredAnchor { path } => {
                let label = "An anchor that the registry does not know";
                plain(path, FileIs::UnregisteredAnchor, label.to_owned())
            }
            FileExplanation::Claimed { path, anchors } => Self {
                anchors: anchors.iter().map(ToString::to_string).collect(),
                ..plain(path, FileIs::Claimed, "A source, claimed by anchors".to_owned())
            },
            FileExplanation::Unclaimed { path, size, rule } => Self {
                rule: rule.as_ref().map(RuleView::of),
                size: Some(*size),
                ..plain(path, FileIs::Unclaimed, "A file that no anchor claims".to_owned())
            },
            FileExplanation::Ignored { path, covered, file, pattern } => {
                let by = match (file, pattern) {
                    (Some(file), Some(pattern)) => format!("{pattern:?} in {file}"),
                    (Some(file), None) => file.clone(),
                    (None, Some(pattern)) => format!("{pattern:?}, everywhere"),
                    (None, None) => "what is passed over everywhere".to_owned(),
                };
                plain(path, FileIs::Ignored, format!("Passed over: {covered} is covered by {by}"))
            }
            FileExplanation::Folder { path, files, unclaimed } => {
                let label = format!("A folder: {files} files below it, {unclaimed} that no anchor claims");
                plain(path, FileIs::Folder, label)
            }
        }
    }
}
