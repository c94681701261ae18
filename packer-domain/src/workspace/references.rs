//! References between assets: which settings name which assets, and where that leads in a circle.

use std::collections::BTreeMap;

use crate::graph::components;
use crate::identity::AssetUuid;
use crate::kind::{KindCatalog, SettingType, SettingValue};
use crate::name::AssetName;

use super::record::{AssetRecord, Reference};

/// Fills in the references of every asset.
pub(super) fn resolve(
    kinds: &KindCatalog,
    assets: &mut BTreeMap<AssetUuid, AssetRecord>,
    names: &BTreeMap<AssetName, Vec<AssetUuid>>,
) {
    for record in assets.values_mut() {
        let Some(spec) = record.kind().and_then(|kind| kinds.get(kind)) else { continue };
        let mut references = Vec::new();
        for (key, value) in record.settings.iter() {
            if let Some(setting) = spec.setting(key) {
                collect(key, &setting.accepts, value, names, &mut references);
            }
        }
        record.references = references;
    }
}

fn collect(
    key: &str,
    accepts: &SettingType,
    value: &SettingValue,
    names: &BTreeMap<AssetName, Vec<AssetUuid>>,
    found: &mut Vec<Reference>,
) {
    match (accepts, value) {
        (SettingType::Reference, SettingValue::Text(text)) => {
            // The empty text is "none"; anything else was validated with the anchor.
            let Ok(name) = AssetName::parse(text) else { return };
            let target = match names.get(&name).map(Vec::as_slice) {
                Some([only]) => Some(*only),
                _ => None,
            };
            found.push(Reference { key: key.to_owned(), name, target });
        }
        (SettingType::List(item), SettingValue::List(values)) => {
            for value in values {
                collect(key, item, value, names, found);
            }
        }
        _ => {}
    }
}

/// The groups of assets that refer to each other in a circle, each by uuid.
pub(super) fn cycles(assets: &BTreeMap<AssetUuid, AssetRecord>) -> Vec<Vec<AssetUuid>> {
    let uuids: Vec<AssetUuid> = assets.keys().copied().collect();
    let edges: Vec<Vec<usize>> = assets
        .values()
        .map(|record| {
            let targets = record.references.iter().filter_map(|reference| reference.target);
            targets.filter_map(|target| uuids.binary_search(&target).ok()).collect()
        })
        .collect();
    if edges.iter().all(Vec::is_empty) {
        return Vec::new();
    }
    let mut cycles: Vec<Vec<AssetUuid>> = components(&edges)
        .into_iter()
        .filter(|members| members.len() > 1 || edges[members[0]].contains(&members[0]))
        .map(|members| members.into_iter().map(|member| uuids[member]).collect())
        .collect();
    cycles.sort();
    cycles
}
