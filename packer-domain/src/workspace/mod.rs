//! The workspace state: what the registry accepted and what is on disk, put together, with every asset's state, every
//! divergence and every diagnostic.
//!
//! Pure and total: any registry and any observation give a state. It is computed whole from its inputs; equal inputs give
//! equal states. What to *do* about a divergence is planned in `mutation`.

mod claims;
mod divergences;
mod paths;
mod record;
mod references;
#[cfg(test)]
mod tests;

pub use record::{AssetRecord, AssetState, Reference};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;

use crate::anchor::ParsedAnchor;
use crate::config::ProjectConfig;
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::divergence::Divergence;
use crate::identity::AssetUuid;
use crate::kind::{KindCatalog, Settings};
use crate::name::AssetName;
use crate::observation::Observation;
use crate::path::AssetPath;
use crate::registry::{Registry, RegistryEntry};
use crate::rules::{Rule, resolve_preload, resolve_settings};

use claims::Claims;

/// What a state is computed from.
#[derive(Clone, Debug)]
pub struct WorkspaceInputs {
    /// `packer.toml`.
    pub config: Arc<ProjectConfig>,
    /// What is worth saying of `packer.toml`, though it could be read.
    pub config_diagnostics: Vec<Diagnostic>,
    /// The kinds that can be baked.
    pub kinds: Arc<KindCatalog>,
    /// The accepted membership.
    pub registry: Registry,
    /// What is on disk.
    pub observation: Observation,
}

/// Everything that the packer knows of a workspace at one moment.
#[derive(Clone, Debug)]
pub struct WorkspaceState {
    inputs: WorkspaceInputs,
    assets: OrdMap<AssetUuid, Arc<AssetRecord>>,
    names: OrdMap<AssetName, AssetUuid>,
    unregistered: OrdMap<AssetPath, Arc<ParsedAnchor>>,
    unclaimed: Vec<AssetPath>,
    colliding: BTreeSet<AssetPath>,
    input_count: u64,
    divergences: Vec<Divergence>,
    diagnostics: Vec<Diagnostic>,
}

impl WorkspaceState {
    /// Puts registry and observation together.
    pub fn evaluate(inputs: WorkspaceInputs) -> Self {
        let claims = claims::claims(&inputs.observation);
        let placed = place(&inputs);
        let mut assets = records(&inputs, &claims, &placed);
        let names = names(&assets);
        references::resolve(&inputs.kinds, &mut assets, &names);

        let file = |path: &AssetPath| project_path(&inputs.config, path);
        let paths = paths::path_findings(&inputs.observation, &file);
        let unregistered: OrdMap<AssetPath, Arc<ParsedAnchor>> = inputs
            .observation
            .anchors
            .iter()
            .filter(|(path, parsed)| !placed.is_managed(path, parsed))
            .map(|(path, parsed)| (path.clone(), Arc::clone(parsed)))
            .collect();

        let divergences = divergences::compute(&inputs, &placed, &claims, &names, &unregistered, &mut assets);
        for record in assets.values_mut() {
            let collides =
                record.anchor.iter().chain(&record.inputs).any(|path| paths.colliding.contains(path));
            if collides {
                record.mark(AssetState::Invalid);
            }
        }
        let diagnostics = diagnostics(&inputs, &claims, paths.diagnostics, &divergences, &file);

        let names = names.into_iter().filter_map(|(name, uuids)| Some((name, *uuids.first()?))).collect();
        let input_count = claims.by_anchor.values().map(|inputs| inputs.len() as u64).sum();
        let assets = assets.into_iter().map(|(uuid, record)| (uuid, Arc::new(record))).collect();
        Self {
            assets,
            names,
            unregistered,
            unclaimed: claims.unclaimed,
            colliding: paths.colliding,
            input_count,
            divergences,
            diagnostics,
            inputs,
        }
    }

    /// `packer.toml`.
    pub fn config(&self) -> &ProjectConfig {
        &self.inputs.config
    }

    /// The kinds that can be baked.
    pub fn kinds(&self) -> &KindCatalog {
        &self.inputs.kinds
    }

    /// The accepted membership.
    pub fn registry(&self) -> &Registry {
        &self.inputs.registry
    }

    /// What is on disk.
    pub fn observation(&self) -> &Observation {
        &self.inputs.observation
    }

    /// What it was computed from, for computing a next one.
    pub fn inputs(&self) -> &WorkspaceInputs {
        &self.inputs
    }

    /// The managed assets, by uuid.
    pub fn assets(&self) -> impl Iterator<Item = &Arc<AssetRecord>> {
        self.assets.values()
    }

    /// One managed asset.
    pub fn asset(&self, uuid: AssetUuid) -> Option<&Arc<AssetRecord>> {
        self.assets.get(&uuid)
    }

    /// The managed asset with this name; of several in conflict, the one with the earliest uuid.
    pub fn asset_named(&self, name: &AssetName) -> Option<&Arc<AssetRecord>> {
        self.assets.get(self.names.get(name)?)
    }

    /// Whether a managed asset has this name.
    pub fn is_name_taken(&self, name: &AssetName) -> bool {
        self.names.contains_key(name)
    }

    /// The anchors on disk that belong to no managed asset, by path.
    pub fn unregistered(&self) -> impl Iterator<Item = (&AssetPath, &Arc<ParsedAnchor>)> {
        self.unregistered.iter()
    }

    /// One of them.
    pub fn unregistered_at(&self, path: &AssetPath) -> Option<&Arc<ParsedAnchor>> {
        self.unregistered.get(path)
    }

    /// The files that are no anchors and that no anchor claims, by path bytes.
    pub fn unclaimed(&self) -> &[AssetPath] {
        &self.unclaimed
    }

    /// Whether another path differs from this one, or from a folder of it, only by case or Unicode form.
    pub fn is_colliding(&self, path: &AssetPath) -> bool {
        self.colliding.contains(path)
    }

    /// How many files anchors claim.
    pub fn input_count(&self) -> u64 {
        self.input_count
    }

    /// All divergences, in order.
    pub fn divergences(&self) -> &[Divergence] {
        &self.divergences
    }

    /// All diagnostics, in order; every divergence has one.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether `diagnostic` is about what stands at `path`: about it alone, or, for a collision, about it or a folder
    /// that it is in, whichever of the colliding paths is the diagnostic's subject.
    pub(crate) fn is_about(&self, diagnostic: &Diagnostic, path: &AssetPath) -> bool {
        let Subject::Path(subject) = &diagnostic.subject else { return false };
        if diagnostic.code != DiagnosticCode::PathCollision {
            return subject == path;
        }
        let meets = |other: &str| {
            let rest = self.project_path(path);
            rest.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        meets(&self.project_path(subject)) || diagnostic.related.iter().any(|related| meets(&related.file))
    }

    /// `path` relative to the project, `/`-separated.
    pub fn project_path(&self, path: &AssetPath) -> String {
        project_path(&self.inputs.config, path)
    }
}

fn project_path(config: &ProjectConfig, path: &AssetPath) -> String {
    format!("{}/{path}", config.assets)
}

/// Where each registered uuid's anchors are.
struct Placed {
    /// By live uuid: the accepted line, and every path with its uuid, by bytes.
    by_uuid: BTreeMap<AssetUuid, Placement>,
    /// The anchors without a legible uuid that stand where an asset was accepted.
    illegible: BTreeMap<AssetPath, AssetUuid>,
}

struct Placement {
    /// The lines of the registry, the first live one first.
    lines: Vec<RegistryEntry>,
    paths: Vec<AssetPath>,
    /// The anchor at the accepted path, where its uuid cannot be read.
    illegible: Option<AssetPath>,
}

impl Placement {
    fn entry(&self) -> &RegistryEntry {
        &self.lines[0]
    }

    /// Where the asset's anchor is: at the accepted path if it is there, else at the first other.
    fn anchor(&self) -> Option<&AssetPath> {
        let accepted = self.entry().anchor();
        let at_home = self.paths.iter().find(|path| Some(*path) == accepted);
        at_home.or(self.illegible.as_ref()).or(self.paths.first())
    }
}

impl Placed {
    fn is_managed(&self, path: &AssetPath, parsed: &ParsedAnchor) -> bool {
        match parsed.uuid {
            Some(uuid) => self.by_uuid.contains_key(&uuid),
            None => self.illegible.contains_key(path),
        }
    }
}

fn place(inputs: &WorkspaceInputs) -> Placed {
    let mut paths: BTreeMap<AssetUuid, Vec<AssetPath>> = BTreeMap::new();
    for (path, parsed) in &inputs.observation.anchors {
        if let Some(uuid) = parsed.uuid {
            paths.entry(uuid).or_default().push(path.clone());
        }
    }
    let mut by_uuid: BTreeMap<AssetUuid, Placement> = BTreeMap::new();
    for entry in inputs.registry.entries() {
        let placement = by_uuid.entry(entry.uuid).or_insert_with(|| Placement {
            lines: Vec::new(),
            paths: paths.remove(&entry.uuid).unwrap_or_default(),
            illegible: None,
        });
        // Live lines sort before retired ones, so the first line is the first live one, if any is.
        placement.lines.push(entry.clone());
        placement.lines.sort_by_key(|line| line.anchor().is_none());
    }
    by_uuid.retain(|_, placement| placement.entry().anchor().is_some());
    let mut illegible = BTreeMap::new();
    for (uuid, placement) in &mut by_uuid {
        let Some(accepted) = placement.lines[0].anchor() else { continue };
        if inputs.observation.anchors.get(accepted).is_some_and(|parsed| parsed.uuid.is_none()) {
            illegible.insert(accepted.clone(), *uuid);
            placement.illegible = Some(accepted.clone());
        }
    }
    Placed { by_uuid, illegible }
}

fn records(inputs: &WorkspaceInputs, claims: &Claims, placed: &Placed) -> BTreeMap<AssetUuid, AssetRecord> {
    let record = |placement: &Placement| {
        let anchor = placement.anchor().cloned();
        let parsed = anchor.as_ref().and_then(|path| inputs.observation.anchors.get(path)).cloned();
        let claimed =
            anchor.as_ref().and_then(|path| claims.by_anchor.get(path)).cloned().unwrap_or_default();
        let (settings, preload) = effective(inputs, anchor.as_ref(), parsed.as_deref());
        AssetRecord {
            entry: placement.entry().clone(),
            anchor,
            parsed,
            inputs: claimed,
            settings,
            preload,
            references: Vec::new(),
            state: AssetState::Ready,
        }
    };
    placed.by_uuid.iter().map(|(uuid, placement)| (*uuid, record(placement))).collect()
}

/// The settings and the preload flag that apply: defaults of the kind, then the first rule that matches, then the anchor.
fn effective(
    inputs: &WorkspaceInputs,
    anchor: Option<&AssetPath>,
    parsed: Option<&ParsedAnchor>,
) -> (Settings, bool) {
    let Some((anchor, declaration)) = anchor.zip(parsed.and_then(|parsed| parsed.declaration.as_ref()))
    else {
        return (Settings::default(), false);
    };
    let rule = rule_for(&inputs.config, anchor);
    let preload = resolve_preload(rule, declaration.preload);
    match inputs.kinds.get(&declaration.kind) {
        Some(spec) => (resolve_settings(spec, rule, &declaration.settings), preload),
        None => (Settings::default(), preload),
    }
}

/// The rule for an asset: the first that matches a sidecar's input, or a directory asset's anchor.
pub(crate) fn rule_for<'a>(config: &'a ProjectConfig, anchor: &AssetPath) -> Option<&'a Rule> {
    match crate::anchor::anchor_form(anchor) {
        Some(crate::anchor::AnchorForm::Sidecar { input }) => config.rules.first_match(&input),
        Some(crate::anchor::AnchorForm::Directory { .. }) | None => config.rules.first_match(anchor),
    }
}

fn names(assets: &BTreeMap<AssetUuid, AssetRecord>) -> BTreeMap<AssetName, Vec<AssetUuid>> {
    let mut names: BTreeMap<AssetName, Vec<AssetUuid>> = BTreeMap::new();
    for (uuid, record) in assets {
        // Two assets may have been accepted at one place: an anchor there that says no uuid has one name all the same.
        let is_shared =
            |other: &AssetUuid| assets.get(other).is_some_and(|other| other.anchor == record.anchor);
        if let Some(name) = record.name()
            && !names.get(name).is_some_and(|holders| holders.iter().any(is_shared))
        {
            names.entry(name.clone()).or_default().push(*uuid);
        }
    }
    names
}

fn diagnostics(
    inputs: &WorkspaceInputs,
    claims: &Claims,
    paths: Vec<Diagnostic>,
    divergences: &[Divergence],
    file: &impl Fn(&AssetPath) -> String,
) -> Vec<Diagnostic> {
    let mut all = inputs.config_diagnostics.clone();
    all.extend(inputs.observation.diagnostics.iter().cloned());
    all.extend(paths);
    all.extend(inputs.observation.anchors.values().flat_map(|parsed| parsed.diagnostics.iter().cloned()));
    all.extend(divergences.iter().map(|divergence| divergence.to_diagnostic(file)));
    all.extend(claims.shared.iter().map(|(input, anchors)| divergences::shared_input(input, anchors, file)));
    all.sort();
    all.dedup();
    all
}
