//! Planning `Rename`: another name for an asset, in its anchor and wherever an anchor refers to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::anchor::{AnchorDeclaration, AnchorEdit};
use crate::diagnostic::DiagnosticCode;
use crate::divergence::DivergenceCode;
use crate::identity::AssetUuid;
use crate::kind::{KindCatalog, SettingType, SettingValue};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::workspace::{AssetRecord, AssetState, WorkspaceState};

use super::draft::Draft;
use super::plan::Change;
use super::{Need, Rename};

pub(super) fn needs(state: &WorkspaceState, rename: &Rename) -> BTreeMap<AssetPath, Need> {
    let Some(record) = state.asset(rename.asset) else { return BTreeMap::new() };
    let own = record.anchor().cloned();
    let referring = record.name().map(|name| referring(state, record, name)).unwrap_or_default();
    let all = own.into_iter().chain(referring.into_iter().map(|referrer| referrer.anchor));
    all.map(|path| (path, Need::Contents)).collect()
}

pub(super) fn plan(draft: &mut Draft<'_>, rename: &Rename) {
    let state = draft.state;
    let Some(record) = draft.managed(rename.asset) else { return };
    if !is_sound(draft, record) {
        return;
    }
    let (Some(anchor), Some(name)) = (record.anchor().cloned(), record.name().cloned()) else { return };
    if name == rename.name {
        return;
    }
    // Its own name does not stand in its way, but another asset with that one does.
    if draft.is_name_taken(&rename.name) {
        let message = format!("the name {} is another asset's already", rename.name);
        let help = "give a name that no managed asset has";
        return draft.block_path(DiagnosticCode::PlanNameTaken, &anchor, message, help);
    }
    if !draft.edit(&anchor, &[AnchorEdit::SetName(rename.name.clone())]) {
        return;
    }
    draft.take_name(rename.name.clone());
    draft.affects(rename.asset, Some(rename.name.clone()), Change::Renamed);
    for referrer in referring(state, record, &name) {
        rewrite(draft, &referrer, &name, &rename.name);
    }
}

/// Whether the asset has one anchor, whose name is its own alone; blocks the plan otherwise.
fn is_sound(draft: &mut Draft<'_>, record: &AssetRecord) -> bool {
    match record.state {
        AssetState::Ready | AssetState::InputMissing | AssetState::ReferenceBroken => {}
        AssetState::Invalid if record.declaration().is_some() => {}
        AssetState::Invalid => {
            let at = record.anchor().or(record.entry.anchor()).cloned();
            if let Some(at) = at {
                let message = format!("{at} is not a valid anchor");
                let help = "mend it first; `packer check` says what is wrong with it";
                draft.block_path(DiagnosticCode::PlanInvalidAnchor, &at, message, help);
            }
            return false;
        }
        AssetState::RegistryConflict => {
            draft.block_conflict(record);
            return false;
        }
        AssetState::Unregistered
        | AssetState::Missing
        | AssetState::Moved
        | AssetState::Duplicated
        | AssetState::NameConflict => {
            draft.block_diverged(record);
            return false;
        }
    }
    true
}

/// An anchor that refers to a name.
struct Referrer {
    anchor: AssetPath,
    /// Whose it is; none where the registry does not know it.
    asset: Option<(AssetUuid, Option<AssetName>)>,
    /// By key: the values that its anchor gives, in which the name stands.
    own: BTreeMap<String, SettingValue>,
    /// The keys for which a rule says the name, and its anchor nothing.
    by_rule: Vec<String>,
}

/// The anchors that refer to `name`, which `target` alone has: those of managed assets, and others on disk.
fn referring(state: &WorkspaceState, target: &AssetRecord, name: &AssetName) -> Vec<Referrer> {
    let mut found = Vec::new();
    for uuid in state.referring_to(target.entry.uuid) {
        let Some(record) = state.asset(uuid) else { continue };
        let (Some(anchor), Some(declaration)) = (record.anchor(), record.declaration()) else { continue };
        let own = own_references(state.kinds(), declaration, name);
        let keys = record.references().iter().filter(|reference| reference.name == *name);
        let mut by_rule: Vec<String> = keys.map(|reference| reference.key.clone()).collect();
        by_rule.retain(|key| !own.contains_key(key));
        by_rule.dedup();
        let asset = Some((uuid, record.name().cloned()));
        found.push(Referrer { anchor: anchor.clone(), asset, own, by_rule });
    }
    let copies = state.divergences().iter().filter(|found| found.code == DivergenceCode::AnchorDuplicateUuid);
    let copies = copies.flat_map(|found| &found.paths);
    let others: BTreeSet<&AssetPath> = state.unregistered().map(|(path, _)| path).chain(copies).collect();
    for anchor in others {
        let parsed = state.observation().anchors.get(anchor);
        let Some(declaration) = parsed.and_then(|parsed| parsed.declaration()) else { continue };
        let own = own_references(state.kinds(), declaration, name);
        // Of copies of an asset, the one that counts as its anchor was found with it.
        if !own.is_empty() && found.iter().all(|referrer| referrer.anchor != *anchor) {
            found.push(Referrer { anchor: anchor.clone(), asset: None, own, by_rule: Vec::new() });
        }
    }
    found
}

/// The settings that an anchor gives in which `name` stands as a reference.
fn own_references(
    kinds: &KindCatalog,
    declaration: &AnchorDeclaration,
    name: &AssetName,
) -> BTreeMap<String, SettingValue> {
    let Some(spec) = kinds.get(&declaration.kind) else { return BTreeMap::new() };
    let names_it = |(key, value): &(&String, &SettingValue)| {
        spec.setting(key).is_some_and(|setting| refers(&setting.accepts, value, name))
    };
    let own = declaration.settings.iter().filter(names_it);
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn refers(accepts: &SettingType, value: &SettingValue, name: &AssetName) -> bool {
    match (accepts, value) {
        (SettingType::Reference, SettingValue::Text(text)) => text == name.as_str(),
        (SettingType::List(item), SettingValue::List(values)) => {
            values.iter().any(|value| refers(item, value, name))
        }
        _ => false,
    }
}

fn rewrite(draft: &mut Draft<'_>, referrer: &Referrer, from: &AssetName, to: &AssetName) {
    for key in &referrer.by_rule {
        draft.block_path(
            DiagnosticCode::PlanReferenceInRules,
            &referrer.anchor,
            format!(
                "a rule of packer.toml gives {} the value `{key} = {:?}`",
                referrer.anchor,
                from.as_str()
            ),
            "change the rule, or say the value in the anchor",
        );
    }
    let edit = |(key, value): (&String, &SettingValue)| AnchorEdit::SetSetting {
        key: key.clone(),
        value: renamed(value, from, to),
    };
    let edits: Vec<AnchorEdit> = referrer.own.iter().map(edit).collect();
    if edits.is_empty() || !draft.edit(&referrer.anchor, &edits) {
        return;
    }
    if let Some((uuid, name)) = &referrer.asset {
        draft.affects(*uuid, name.clone(), Change::Configured);
    }
}

fn renamed(value: &SettingValue, from: &AssetName, to: &AssetName) -> SettingValue {
    match value {
        SettingValue::Text(text) if text == from.as_str() => SettingValue::Text(to.to_string()),
        SettingValue::List(values) => {
            SettingValue::List(values.iter().map(|value| renamed(value, from, to)).collect())
        }
        SettingValue::Text(_) | SettingValue::Bool(_) | SettingValue::Int(_) => value.clone(),
    }
}
