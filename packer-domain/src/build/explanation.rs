//! Everything that there is to say of why an asset is as it is, and of a file that is none. Plain data, for consumers to
//! show.
//!
//! Here is what follows from the workspace. What the next build would do, and what the last one did, is put in by the
//! runtime, which knows what builds have left.

use serde::Serialize;

use super::{BakeReason, BuildPlan, KeyParts, key_parts};
use crate::anchor::{AnchorForm, ParsedAnchor, anchor_form};
use crate::diagnostic::Diagnostic;
use crate::identity::{AssetUuid, Digest, OperationId};
use crate::kind::SettingValue;
use crate::path::AssetPath;
use crate::registry::BuildParticipation;
use crate::report::{AssetRow, asset_detail};
use crate::rules::Rule;
use crate::workspace::{AssetState, WorkspaceState};

/// Why an asset is in the pack or not, what decides its payload, and what the next build does with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AssetExplanation {
    /// As in lists.
    #[serde(flatten)]
    pub row: AssetRow,
    /// Whether it is in the pack.
    pub presence: Presence,
    /// The rule of `packer.toml` that is for it.
    pub rule: Option<RuleRow>,
    /// Its settings with where each comes from, by key.
    pub settings: Vec<SettingRow>,
    /// Whether a pack keeps it among the payloads that are read first, and who says so.
    pub preload: PreloadRow,
    /// What it refers to.
    pub references: Vec<ReferenceRow>,
    /// The assets that refer to it.
    pub referred_by: Vec<NamedAsset>,
    /// What its build key is made of; none while it cannot be built.
    pub key: Option<KeyParts>,
    /// Everything that is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// What the next build does with it.
    pub next: NextBuild,
    /// The last time that it was not taken over from the last pack, as far as that is known.
    pub last: Option<LastMade>,
}

/// What an asset's settings are, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssetSettings {
    /// The rule of `packer.toml` that is for it.
    pub rule: Option<RuleRow>,
    /// Its settings with where each comes from, by key.
    pub settings: Vec<SettingRow>,
    /// Whether a pack keeps it among the payloads that are read first, and who says so.
    pub preload: PreloadRow,
}

/// Whether an asset is in the pack, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// The registry includes it, and nothing stands in the way.
    Included,
    /// The registry excludes it.
    Excluded,
    /// The registry includes it, and what is wrong with it keeps it out.
    HeldBack,
}

/// A rule of `packer.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleRow {
    /// Its place among the rules, from 1.
    pub number: usize,
    /// Its line in `packer.toml`.
    pub line: Option<u32>,
    /// Its pattern.
    pub pattern: String,
}

/// Who says what a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The kind's default.
    Default,
    /// The rule.
    Rule,
    /// The anchor.
    Anchor,
}

/// A setting, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingRow {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: SettingValue,
    /// Who says so.
    pub origin: Origin,
}

/// Whether an asset is read first, and where that comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreloadRow {
    /// Whether it is.
    pub value: bool,
    /// Who says so.
    pub origin: Origin,
}

/// An asset by what people call it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamedAsset {
    /// Its name, or else its anchor.
    pub name: String,
    /// Its identity.
    pub uuid: AssetUuid,
}

/// A setting that refers to another asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReferenceRow {
    /// The setting's key.
    pub key: String,
    /// The name that it gives.
    pub name: String,
    /// The asset with that name, if there is one.
    pub target: Option<AssetUuid>,
    /// That asset's build key, which is part of this one's; none while either cannot be built.
    pub build_key: Option<Digest>,
}

/// What the next build does with an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "does", rename_all = "snake_case")]
pub enum NextBuild {
    /// Nothing: it is excluded, or held back.
    Nothing {},
    /// Takes its payload over from the last pack.
    TakeOver {},
    /// Fetches its payload from the artifact store, or tells what was wrong when it was last baked.
    Fetch {
        /// Why it is not taken over.
        reasons: Vec<BakeReason>,
    },
    /// Bakes it.
    Bake {
        /// Why it is not taken over.
        reasons: Vec<BakeReason>,
    },
}

/// The last time that a build did not take an asset over from the pack before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastMade {
    /// The build.
    pub operation: OperationId,
    /// Whether the artifact store had the payload.
    pub fetched: bool,
    /// Why it was not taken over.
    pub reasons: Vec<BakeReason>,
}

/// What a path below the assets root is that no asset is called by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum FileExplanation {
    /// An anchor that the registry does not know.
    UnregisteredAnchor {
        /// The path.
        path: AssetPath,
    },
    /// A file that anchors claim, none of which is managed, or more than one.
    Claimed {
        /// The path.
        path: AssetPath,
        /// Those anchors.
        anchors: Vec<AssetPath>,
    },
    /// A file that no anchor claims, and that is not in the pack therefore.
    Unclaimed {
        /// The path.
        path: AssetPath,
        /// Bytes.
        size: u64,
        /// The rule of `packer.toml` that adoption would go by.
        rule: Option<RuleRow>,
    },
    /// A file or folder that a scan passes over.
    Ignored {
        /// The path.
        path: AssetPath,
        /// What is passed over: it, or a folder above it.
        covered: String,
        /// The `.packerignore` that says so, relative to the project; none for what is passed over everywhere, such as
        /// hidden files.
        file: Option<String>,
        /// The pattern there.
        pattern: Option<String>,
    },
    /// A folder.
    Folder {
        /// The path.
        path: AssetPath,
        /// Files below it, anchors included.
        files: u64,
        /// Those that no anchor claims.
        unclaimed: u64,
    },
}

/// Explains the managed asset `uuid` as far as the workspace tells; what builds do and did is left open. `plan` is of the
/// same state.
pub fn explain_asset(state: &WorkspaceState, plan: &BuildPlan, uuid: AssetUuid) -> Option<AssetExplanation> {
    let record = state.asset(uuid)?;
    let detail = asset_detail(state, uuid)?;
    let entry = plan.entries.iter().find(|entry| entry.uuid() == uuid);
    let presence = match detail.row.build {
        Some(BuildParticipation::Excluded) => Presence::Excluded,
        _ if entry.is_some() => Presence::Included,
        _ => Presence::HeldBack,
    };
    let AssetSettings { rule, settings, preload } = asset_settings(state, uuid)?;
    let references = record.references().iter().map(|reference| ReferenceRow {
        key: reference.key.clone(),
        name: reference.name.to_string(),
        target: reference.target,
        build_key: entry
            .and_then(|entry| entry.references().iter().find(|resolved| resolved.key == reference.key))
            .map(|resolved| resolved.build_key),
    });
    let label = |uuid: &AssetUuid| NamedAsset {
        name: state.asset(*uuid).map_or_else(|| uuid.to_string(), |record| record.label()),
        uuid: *uuid,
    };
    let mut referred_by: Vec<NamedAsset> = detail.referred_by.iter().map(label).collect();
    referred_by.sort();
    let mut diagnostics = detail.diagnostics;
    for divergence in &detail.divergences {
        let diagnostic = divergence.to_diagnostic(|path| state.project_path(path));
        if !diagnostics.contains(&diagnostic) {
            diagnostics.push(diagnostic);
        }
    }
    if presence == Presence::HeldBack && record.state == AssetState::Ready {
        // What it refers to is not in this build; the plan alone knows that.
        let about = crate::diagnostic::Subject::Asset(uuid);
        diagnostics.extend(plan.errors.iter().filter(|error| error.subject == about).cloned());
    }
    Some(AssetExplanation {
        row: detail.row,
        presence,
        rule,
        settings,
        preload,
        references: references.collect(),
        referred_by,
        key: entry.and_then(|entry| Some(key_parts(entry, state.kinds().get(entry.kind())?))),
        diagnostics,
        next: NextBuild::Nothing {},
        last: None,
    })
}

/// The settings of the managed asset `uuid`, and who says what each is. Looks at that asset alone.
pub fn asset_settings(state: &WorkspaceState, uuid: AssetUuid) -> Option<AssetSettings> {
    let record = state.asset(uuid)?;
    let rule = record.anchor().and_then(|anchor| rule_for(state, anchor));
    let declaration = record.declaration();
    let origin = |key: &str| {
        let declared = declaration.filter(|declaration| declaration.settings.contains_key(key));
        let of_rule = || rule?.settings.get(record.kind()?)?.get(key);
        match declared {
            Some(_) => Origin::Anchor,
            None if of_rule().is_some() => Origin::Rule,
            None => Origin::Default,
        }
    };
    let settings = record.settings.iter().map(|(key, value)| SettingRow {
        key: key.to_owned(),
        value: value.clone(),
        origin: origin(key),
    });
    let preload = PreloadRow {
        value: record.preload,
        origin: match (
            declaration.and_then(|declaration| declaration.preload),
            rule.and_then(|rule| rule.preload),
        ) {
            (Some(_), _) => Origin::Anchor,
            (None, Some(_)) => Origin::Rule,
            (None, None) => Origin::Default,
        },
    };
    let rule = rule.and_then(|rule| rule_row(state, rule));
    Some(AssetSettings { rule, settings: settings.collect(), preload })
}

/// Explains what is at `path`, as far as the workspace tells; `None` if nothing of it is there.
pub fn explain_file(state: &WorkspaceState, path: &AssetPath) -> Option<FileExplanation> {
    let path = path.clone();
    if state.unregistered_at(&path).is_some() {
        return Some(FileExplanation::UnregisteredAnchor { path });
    }
    if state.unclaimed().contains(&path) {
        let size = state.observation().files.get(&path).map_or(0, |fact| fact.size);
        let rule = state.config().rules.first_match(&path).and_then(|rule| rule_row(state, rule));
        return Some(FileExplanation::Unclaimed { path, size, rule });
    }
    if state.observation().files.get(&path).is_some() {
        let managed = state.assets().filter(|record| record.inputs().contains(&path));
        let mut anchors: Vec<AssetPath> = managed.filter_map(|record| record.anchor().cloned()).collect();
        let claims = |anchor: &AssetPath, parsed: &ParsedAnchor| match anchor_form(anchor) {
            Some(AnchorForm::Sidecar { input }) => input == path,
            Some(AnchorForm::Directory { .. }) | None => {
                parsed.declaration().is_some_and(|declaration| declaration.inputs.matches(&path))
            }
        };
        let others = state.unregistered().filter(|(anchor, parsed)| claims(anchor, parsed));
        anchors.extend(others.map(|(anchor, _)| anchor.clone()));
        return Some(FileExplanation::Claimed { path, anchors });
    }
    let below = |other: &AssetPath| other.strip_folder(path.as_str()).is_some();
    let files = state.observation().files.keys().filter(|other| below(other)).count() as u64;
    let unclaimed = state.unclaimed().iter().filter(|other| below(other)).count() as u64;
    (files > 0).then_some(FileExplanation::Folder { path, files, unclaimed })
}

/// The rule for an asset: the first that matches a sidecar's input, or a directory asset's anchor.
fn rule_for<'s>(state: &'s WorkspaceState, anchor: &AssetPath) -> Option<&'s Rule> {
    match anchor_form(anchor) {
        Some(AnchorForm::Sidecar { input }) => state.config().rules.first_match(&input),
        Some(AnchorForm::Directory { .. }) | None => state.config().rules.first_match(anchor),
    }
}

fn rule_row(state: &WorkspaceState, rule: &Rule) -> Option<RuleRow> {
    let number = state.config().rules.iter().position(|other| std::ptr::eq(other, rule))? + 1;
    let line = rule.span.as_ref().map(|span| span.line);
    Some(RuleRow { number, line, pattern: rule.pattern.clone() })
}
