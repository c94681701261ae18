//! Planning builds: which assets a pack holds, under which keys, and what keeps assets out of it.
//!
//! Pure. Baking, writing and checking the pack is the runtime's work, with `packer-fs`.

mod explain;
mod explanation;
mod key;
#[cfg(test)]
mod tests;

pub use explain::{
    BakeReason, InputPart, KeyParts, ReferenceChange, ReferencePart, compare_parts, key_parts,
};
pub use explanation::{
    AssetExplanation, AssetSettings, FileExplanation, LastMade, NamedAsset, NextBuild, Origin, PreloadRow,
    Presence, ReferenceRow, RuleRow, SettingRow, asset_settings, explain_asset, explain_file,
};
pub use key::{BUILD_KEY_VERSION, build_key};

use key::KeyMaker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::anchor::{AnchorDeclaration, ParsedAnchor};
use crate::codec::ResolvedReference;
use crate::config::BuildOptions;
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::graph::components;
use crate::identity::{AssetId, AssetUuid, Digest};
use crate::kind::{KindId, Settings};
use crate::name::AssetName;
use crate::observation::FileFact;
use crate::path::AssetPath;
use crate::registry::RegistryEntry;
use crate::workspace::{AssetRecord, AssetState, Inputs, WorkspaceState};

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
    /// What the workspace knows of it: shared, since a plan has one of these for nearly every asset.
    record: Arc<AssetRecord>,
    /// What stands at each of its inputs.
    facts: Facts,
    references: Box<[ResolvedReference]>,
    /// Digest of everything that its payload depends on.
    pub key: Digest,
}

/// Of each input, in order; nearly always one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Facts {
    One(FileFact),
    Many(Box<[FileFact]>),
}

impl Facts {
    fn as_slice(&self) -> &[FileFact] {
        match self {
            Self::One(fact) => std::slice::from_ref(fact),
            Self::Many(facts) => facts,
        }
    }
}

/// What an entry is made of, each part by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryParts {
    /// The asset as it is accepted.
    pub line: RegistryEntry,
    /// What its anchor, at the accepted place, declares.
    pub declaration: AnchorDeclaration,
    /// Whether its payload is among those that are read first.
    pub preload: bool,
    /// Its sources below the anchor's folder, by path bytes.
    pub inputs: Vec<(AssetPath, FileFact)>,
    /// Its settings, complete.
    pub settings: Settings,
    /// What it refers to, by setting.
    pub references: Vec<ResolvedReference>,
    /// Digest of everything that its payload depends on.
    pub key: Digest,
}

impl From<EntryParts> for BuildEntry {
    /// For those who have no workspace to plan a build of; a retired line has no place and no sources.
    fn from(parts: EntryParts) -> Self {
        let EntryParts { line, declaration, preload, inputs, settings, references, key } = parts;
        let is_below = |anchor: &AssetPath, path: &AssetPath| {
            path.as_str().starts_with(&anchor.as_str()[..folder_len(anchor)])
        };
        let inputs =
            inputs.into_iter().filter(|(path, _)| line.anchor().is_some_and(|at| is_below(at, path)));
        let (paths, facts): (Vec<AssetPath>, Vec<FileFact>) = inputs.unzip();
        let anchor = line.anchor().cloned();
        let at = anchor.as_ref().map(|path| (path, Arc::new(ParsedAnchor::valid(declaration))));
        let record = AssetRecord::new(line, at, Inputs::from(paths), Arc::new(settings), preload);
        let facts = match facts.as_slice() {
            [only] => Facts::One(*only),
            _ => Facts::Many(facts.into_boxed_slice()),
        };
        Self { record: Arc::new(record), facts, references: references.into_boxed_slice(), key }
    }
}

#[expect(clippy::missing_panics_doc, reason = "they cannot: only what has a valid anchor is planned")]
impl BuildEntry {
    /// The asset.
    pub fn uuid(&self) -> AssetUuid {
        self.record.entry.uuid
    }

    /// Its runtime id.
    pub fn id(&self) -> AssetId {
        self.record.entry.id
    }

    /// Its name.
    pub fn name(&self) -> &AssetName {
        &self.declaration().name
    }

    /// Its kind.
    pub fn kind(&self) -> &KindId {
        &self.declaration().kind
    }

    /// Whether its payload is among those that are read first.
    pub fn preload(&self) -> bool {
        self.record.preload
    }

    /// Its anchor.
    pub fn anchor(&self) -> &AssetPath {
        self.record.anchor().expect("only what has an anchor is planned")
    }

    /// Its sources, by path bytes.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = BuildInput<'_>> {
        let start = folder_len(self.anchor());
        inputs(start, self.record.inputs(), self.facts.as_slice())
    }

    /// How many bytes its sources have.
    pub fn input_bytes(&self) -> u64 {
        self.inputs().map(|input| input.size).sum()
    }

    /// Its settings, complete.
    pub fn settings(&self) -> &Settings {
        &self.record.settings
    }

    /// What it refers to, by setting.
    pub fn references(&self) -> &[ResolvedReference] {
        &self.references
    }

    fn declaration(&self) -> &AnchorDeclaration {
        self.record.declaration().expect("only what has a valid anchor is planned")
    }
}

/// One source of an asset to bake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildInput<'a> {
    /// Where it is.
    pub path: &'a AssetPath,
    /// Its path relative to the anchor's folder.
    pub relative: &'a str,
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
    let included: Vec<&Arc<AssetRecord>> =
        state.assets().filter(|record| record.entry.is_included()).collect();
    let mut making = Making {
        state,
        built: Vec::with_capacity(included.len()),
        targets: BTreeMap::new(),
        keys: KeyMaker::default(),
        held_back: BTreeSet::new(),
        errors: Vec::new(),
    };
    if included.iter().all(|record| record.references().is_empty()) {
        for record in &included {
            making.make(record);
        }
    } else {
        let by_uuid = |uuid: AssetUuid| included.binary_search_by_key(&uuid, |record| record.entry.uuid).ok();
        let targets = |record: &AssetRecord| -> Vec<usize> {
            record.references().iter().filter_map(|reference| by_uuid(reference.target?)).collect()
        };
        let edges: Vec<Vec<usize>> = included.iter().map(|record| targets(record)).collect();
        let targets = edges.iter().flatten().map(|target| (included[*target].entry.uuid, None));
        making.targets = targets.collect();
        // Targets come before those who refer to them, so their keys are there when they are needed.
        for index in components(&edges).into_iter().flatten() {
            making.make(included[index]);
        }
    }
    // Only now: by uuid, neighbours are mostly of one folder, and what is looked up for them stands together.
    making.built.sort_by_cached_key(BuildEntry::id);
    let Making { built: entries, held_back, mut errors, .. } = making;
    errors.extend(errors_of(state, &held_back));
    errors.sort();
    errors.dedup();
    let absent = absent_entries(state, &held_back);
    let left_out = (held_back.len() - absent.len()) as u64;
    BuildPlan { options, entries, absent, left_out, errors }
}

/// A plan in the making.
struct Making<'a> {
    state: &'a WorkspaceState,
    built: Vec<BuildEntry>,
    /// What others refer to: the same of each as a reference needs, once it is built.
    targets: BTreeMap<AssetUuid, Option<(AssetId, KindId, Digest)>>,
    keys: KeyMaker,
    held_back: BTreeSet<AssetUuid>,
    errors: Vec<Diagnostic>,
}

impl Making<'_> {
    fn make(&mut self, record: &Arc<AssetRecord>) {
        let entry = if record.state == AssetState::Ready { self.entry(record) } else { None };
        let Some(entry) = entry else {
            self.held_back.insert(record.entry.uuid);
            return;
        };
        if let Some(target) = self.targets.get_mut(&entry.uuid()) {
            *target = Some((entry.id(), entry.kind().clone(), entry.key));
        }
        self.built.push(entry);
    }

    fn entry(&mut self, record: &Arc<AssetRecord>) -> Option<BuildEntry> {
        let (anchor, declaration) = (record.anchor()?, record.declaration()?);
        let spec = self.state.kinds().get(&declaration.kind)?;
        let references = self.references(record, anchor, declaration)?;
        let files = &self.state.observation().files;
        let facts = match record.inputs() {
            [only] => Facts::One(*files.get(only)?),
            many => Facts::Many(many.iter().map(|path| files.get(path).copied()).collect::<Option<_>>()?),
        };
        let sources = inputs(folder_len(anchor), record.inputs(), facts.as_slice());
        let key = self.keys.key(spec, &record.settings, sources, &references);
        Some(BuildEntry { record: Arc::clone(record), facts, references, key })
    }

    fn references(
        &mut self,
        record: &AssetRecord,
        anchor: &AssetPath,
        declaration: &AnchorDeclaration,
    ) -> Option<Box<[ResolvedReference]>> {
        let mut references = Vec::with_capacity(record.references().len());
        for reference in record.references() {
            let built = reference.target.and_then(|uuid| Some((uuid, self.targets.get(&uuid)?.as_ref()?)));
            let Some((target, (id, kind, key))) = built else {
                self.errors.push(
                    Diagnostic::new(
                        DiagnosticCode::ReferenceUnresolved,
                        Subject::Asset(record.entry.uuid),
                        format!(
                            "{} refers to {}, which is not part of this build",
                            declaration.name, reference.name
                        ),
                    )
                    .in_file(self.state.project_path(anchor))
                    .help("include the asset that it refers to, or take the reference away"),
                );
                return None;
            };
            references.push(ResolvedReference {
                key: reference.key.clone(),
                target,
                id: *id,
                kind: kind.clone(),
                build_key: *key,
            });
        }
        Some(references.into_boxed_slice())
    }
}

/// How many bytes of a path are the folder of `anchor`, with its slash.
fn folder_len(anchor: &AssetPath) -> usize {
    anchor.as_str().len() - anchor.file_name().len()
}

/// Sources with what stands there; the first `start` bytes of each path are the anchor's folder.
fn inputs<'a>(
    start: usize,
    paths: &'a [AssetPath],
    facts: &'a [FileFact],
) -> impl ExactSizeIterator<Item = BuildInput<'a>> {
    paths.iter().zip(facts).map(move |(path, fact)| BuildInput {
        path,
        relative: &path.as_str()[start..],
        digest: fact.digest,
        size: fact.size,
    })
}

/// The places of the assets that are held back. One whose name is another's too has none.
fn absent_entries(state: &WorkspaceState, held_back: &BTreeSet<AssetUuid>) -> Vec<AbsentEntry> {
    if held_back.is_empty() {
        return Vec::new();
    }
    // Counted, and not told from the state: one that is invalid or moved shows that, also where its name is another's too.
    let mut holders: BTreeMap<&AssetName, usize> = BTreeMap::new();
    for name in state.assets().filter_map(|record| record.name()) {
        *holders.entry(name).or_default() += 1;
    }
    let absent = held_back.iter().filter_map(|uuid| absent_entry(state.asset(*uuid)?));
    let mut absent: Vec<AbsentEntry> = absent.filter(|entry| holders.get(&entry.name) == Some(&1)).collect();
    absent.sort_by_key(|entry| entry.id);
    absent
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
        name: parsed.name().cloned()?,
        kind: parsed.kind().cloned()?,
    })
}

/// Every error that concerns one of these assets: the divergences it is part of, and what is wrong with its files.
fn errors_of(state: &WorkspaceState, held_back: &BTreeSet<AssetUuid>) -> Vec<Diagnostic> {
    if held_back.is_empty() {
        return Vec::new();
    }
    let records = held_back.iter().filter_map(|uuid| state.asset(*uuid));
    let paths: BTreeSet<&AssetPath> =
        records.flat_map(|record| record.anchor().into_iter().chain(record.inputs())).collect();
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
