//! References between assets: which settings name which assets, and where that leads in a circle.

use crate::graph::components;
use crate::identity::AssetUuid;
use crate::kind::{KindCatalog, KindSpec, SettingType, SettingValue};
use crate::name::AssetName;

use super::record::{Records, Reference};

/// Fills in the references of every asset; `names` are the managed assets' in order, each with the index of its record.
pub(super) fn resolve(kinds: &KindCatalog, records: &mut Records, names: &[(&AssetName, u32)]) {
    let referring: Vec<&KindSpec> = kinds.iter().filter(|spec| may_refer(spec)).collect();
    if referring.is_empty() {
        return;
    }
    for index in 0..records.len() {
        let record = records.at(index);
        let Some(spec) = record.kind().and_then(|kind| referring.iter().find(|spec| spec.id == *kind)) else {
            continue;
        };
        let mut references = Vec::new();
        for (key, value) in record.settings.iter() {
            if let Some(setting) = spec.setting(key) {
                collect(key, &setting.accepts, value, &|name| target(name, names, records), &mut references);
            }
        }
        if !references.is_empty() {
            records.at_mut(index).refer_to(references);
        }
    }
}

fn may_refer(spec: &KindSpec) -> bool {
    fn refers(accepts: &SettingType) -> bool {
        match accepts {
            SettingType::Reference => true,
            SettingType::List(item) => refers(item),
            SettingType::Bool | SettingType::Int { .. } | SettingType::Choice(_) | SettingType::Text => false,
        }
    }
    spec.settings.iter().any(|setting| refers(&setting.accepts))
}

/// The asset called `name`, if there is exactly one.
fn target(name: &AssetName, names: &[(&AssetName, u32)], records: &Records) -> Option<AssetUuid> {
    let first = names.partition_point(|(other, _)| *other < name);
    let mut holders = names[first..].iter().take_while(|(other, _)| *other == name);
    let (_, index) = holders.next()?;
    holders.next().is_none().then(|| records.at(*index as usize).entry.uuid)
}

fn collect(
    key: &str,
    accepts: &SettingType,
    value: &SettingValue,
    target: &dyn Fn(&AssetName) -> Option<AssetUuid>,
    found: &mut Vec<Reference>,
) {
    match (accepts, value) {
        (SettingType::Reference, SettingValue::Text(text)) => {
            // The empty text is "none"; anything else was validated with the anchor.
            let Ok(name) = AssetName::parse(text) else { return };
            let target = target(&name);
            found.push(Reference { key: key.to_owned(), name, target });
        }
        (SettingType::List(item), SettingValue::List(values)) => {
            for value in values {
                collect(key, item, value, target, found);
            }
        }
        _ => {}
    }
}

/// The groups of assets that refer to each other in a circle, each by uuid.
pub(super) fn cycles(records: &Records) -> Vec<Vec<AssetUuid>> {
    if records.iter().all(|record| record.references().is_empty()) {
        return Vec::new();
    }
    let edges: Vec<Vec<usize>> = records
        .iter()
        .map(|record| {
            let targets = record.references().iter().filter_map(|reference| reference.target);
            targets.filter_map(|target| records.index_of(target)).collect()
        })
        .collect();
    let mut cycles: Vec<Vec<AssetUuid>> = components(&edges)
        .into_iter()
        .filter(|members| members.len() > 1 || edges[members[0]].contains(&members[0]))
        .map(|members| members.into_iter().map(|member| records.at(member).entry.uuid).collect())
        .collect();
    cycles.sort();
    cycles
}
