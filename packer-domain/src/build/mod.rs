//! Planning builds: which assets a pack holds, under which keys, and what keeps assets out of it.
//!
//! Pure. Baking, writing and checking the pack is the runtime's work, with `packer-fs`.

mod explain;
mod key;
#[cfg(test)]
mod tests;

pub use explain::{
    BakeReason, InputPart, KeyParts, ReferenceChange, ReferencePart, compare_parts, key_parts,
};
pub use key::{BUILD_KEY_VERSION, build_key};

use std::collections::{BTreeMap, BTreeSet};

use crate::anchor::{AnchorForm, anchor_form};
use crate::codec::ResolvedReference;
use crate::config::BuildOptions;
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::graph::components;
use crate::identity::{AssetId, AssetUuid, Digest};
use crate::kind::{KindId, Settings};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::workspace::{AssetRecord, AssetState, WorkspaceState};

/// What a build would put into a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildPlan {
    /// How to build.
    pub options: BuildOptions,
    /// The assets to bake, by id.
    pub entries: Vec<BuildEntry>,
    /// Included assets that cannot be baked and yet have a place in the pack, as absent; by id.
    pub absent: Vec<AbsentEntry>,
    /// How many included assets cannot be baked and have no place in the pack either: no name of theirs can be read, or
    /// it is another's too.
    pub left_out: u64,
    /// Why included assets cannot be baked. A build that is not told to keep going is rejected for any of these.
    pub errors: Vec<Diagnostic>,
}

/// One asset to bake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildEntry {
    /// The asset.
    pub uuid: AssetUuid,
    /// Its runtime id.
    pub id: AssetId,
    /// Its name.
    pub name: AssetName,
    /// Its kind.
    pub kind: KindId,
    /// Whether its payload is among those that are read first.
    pub preload: bool,
    /// Its anchor.
    pub anchor: AssetPath,
    /// Its sources, by path bytes.
    pub inputs: Vec<BuildInput>,
    /// Its settings, complete.
    pub settings: Settings,
    /// What it refers to, by setting.
    pub references: Vec<ResolvedReference>,
    /// Digest of everything that its payload depends on.
    pub key: Digest,
}

/// One source of an asset to bake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInput {
    /// Where it is.
    pub path: AssetPath,
    /// Its path relative to the anchor's folder.
    pub relative: String,
    /// Digest of its contents.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// An asset that a pack names without having its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentEntry {
    /// The asset.
    pub uuid: AssetUuid,
    /// Its runtime id.
    pub id: AssetId,
    /// Its name.
    pub name: AssetName,
    /// Its kind.
    pub kind: KindId,
}

/// Plans a build of every included asset.
pub fn plan_build(state: &WorkspaceState, options: BuildOptions) -> BuildPlan {
    let included: Vec<&AssetRecord> =
        state.assets().map(AsRef::as_ref).filter(|record| record.entry.is_included()).collect();
    let by_uuid: BTreeMap<AssetUuid, usize> =
        included.iter().enumerate().map(|(index, record)| (record.entry.uuid, index)).collect();
    let targets = |record: &AssetRecord| -> Vec<Option<usize>> {
        record.references.iter().map(|r| r.target.and_then(|target| by_uuid.get(&target).copied())).collect()
    };
    let edges: Vec<Vec<usize>> =
        included.iter().map(|record| targets(record).into_iter().flatten().collect()).collect();

    let mut built: BTreeMap<AssetUuid, BuildEntry> = BTreeMap::new();
    let mut held_back: BTreeSet<AssetUuid> = BTreeSet::new();
    let mut errors = Vec::new();
    // Targets come before those who refer to them, so their keys are there when they are needed.
    for index in components(&edges).into_iter().flatten() {
        let record = included[index];
        let entry =
            if record.state == AssetState::Ready { entry(state, record, &built, &mut errors) } else { None };
        match entry {
            Some(entry) => {
                built.insert(entry.uuid, entry);
            }
            None => {
                held_back.insert(record.entry.uuid);
            }
        }
    }
    errors.extend(errors_of(state, &held_back));
    errors.sort();
    errors.dedup();

    // Counted, and not told from the state: one that is invalid or moved shows that, also where its name is another's too.
    let mut holders: BTreeMap<&AssetName, usize> = BTreeMap::new();
    for name in state.assets().filter_map(|record| record.name()) {
        *holders.entry(name).or_default() += 1;
    }
    let absent = included.iter().filter(|record| held_back.contains(&record.entry.uuid));
    let mut absent: Vec<AbsentEntry> = absent.filter_map(|record| absent_entry(record)).collect();
    absent.retain(|entry| holders.get(&entry.name) == Some(&1));
    absent.sort_by_key(|entry| entry.id);
    let left_out = (held_back.len() - absent.len()) as u64;
    let mut entries: Vec<BuildEntry> = built.into_values().collect();
    entries.sort_by_key(|entry| entry.id);
    BuildPlan { options, entries, absent, left_out, errors }
}

fn entry(
    state: &WorkspaceState,
    record: &AssetRecord,
    built: &BTreeMap<AssetUuid, BuildEntry>,
    errors: &mut Vec<Diagnostic>,
) -> Option<BuildEntry> {
    let (anchor, declaration) = (record.anchor.as_ref()?, record.declaration()?);
    let spec = state.kinds().get(&declaration.kind)?;
    let mut references = Vec::new();
    for reference in &record.references {
        let Some(target) = reference.target.and_then(|target| built.get(&target)) else {
            errors.push(
                Diagnostic::new(
                    DiagnosticCode::ReferenceUnresolved,
                    Subject::Asset(record.entry.uuid),
                    format!(
                        "{} refers to {}, which is not part of this build",
                        declaration.name, reference.name
                    ),
                )
                .in_file(state.project_path(anchor))
                .help("include the asset that it refers to, or take the reference away"),
            );
            return None;
        };
        references.push(ResolvedReference {
            key: reference.key.clone(),
            target: target.uuid,
            id: target.id,
            kind: target.kind.clone(),
            build_key: target.key,
        });
    }
    let inputs: Vec<BuildInput> =
        record.inputs.iter().filter_map(|path| input(state, anchor, path)).collect();
    let key = build_key(spec, &record.settings, &inputs, &references);
    Some(BuildEntry {
        uuid: record.entry.uuid,
        id: record.entry.id,
        name: declaration.name.clone(),
        kind: declaration.kind.clone(),
        preload: record.preload,
        anchor: anchor.clone(),
        inputs,
        settings: record.settings.clone(),
        references,
        key,
    })
}

fn input(state: &WorkspaceState, anchor: &AssetPath, path: &AssetPath) -> Option<BuildInput> {
    let fact = state.observation().files.get(path)?;
    let folder = match anchor_form(anchor) {
        Some(AnchorForm::Directory { folder }) => folder,
        Some(AnchorForm::Sidecar { .. }) | None => anchor.parent(),
    };
    let relative = match folder {
        Some(folder) => path.strip_folder(folder.as_str())?.to_owned(),
        None => path.as_str().to_owned(),
    };
    Some(BuildInput { path: path.clone(), relative, digest: fact.digest, size: fact.size })
}

/// The place of an asset that cannot be baked. One whose name or id another asset has too has none.
fn absent_entry(record: &AssetRecord) -> Option<AbsentEntry> {
    match record.state {
        AssetState::NameConflict | AssetState::RegistryConflict | AssetState::Duplicated => return None,
        AssetState::Ready
        | AssetState::Unregistered
        | AssetState::Missing
        | AssetState::Moved
        | AssetState::Invalid
        | AssetState::InputMissing
        | AssetState::ReferenceBroken => {}
    }
    let parsed = record.parsed.as_ref()?;
    Some(AbsentEntry {
        uuid: record.entry.uuid,
        id: record.entry.id,
        name: parsed.name.clone()?,
        kind: parsed.kind.clone()?,
    })
}

/// Every error that concerns one of these assets: the divergences it is part of, and what is wrong with its files.
fn errors_of(state: &WorkspaceState, held_back: &BTreeSet<AssetUuid>) -> Vec<Diagnostic> {
    if held_back.is_empty() {
        return Vec::new();
    }
    let records = held_back.iter().filter_map(|uuid| state.asset(*uuid));
    let paths: BTreeSet<&AssetPath> =
        records.flat_map(|record| record.anchor.iter().chain(&record.inputs)).collect();
    let of_subject = |diagnostic: &&Diagnostic| match &diagnostic.subject {
        Subject::Asset(uuid) => held_back.contains(uuid),
        Subject::Path(_) => paths.iter().any(|path| state.is_about(diagnostic, path)),
        Subject::Project | Subject::Unrepresentable(_) => false,
    };
    let mut errors: Vec<Diagnostic> =
        state.diagnostics().iter().filter(|d| d.is_error()).filter(of_subject).cloned().collect();
    for divergence in state.divergences() {
        if divergence.code.stops_builds() && divergence.assets.iter().any(|uuid| held_back.contains(uuid)) {
            errors.push(divergence.to_diagnostic(|path| state.project_path(path)));
        }
    }
    errors
}
