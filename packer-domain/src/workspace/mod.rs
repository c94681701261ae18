//! The workspace state: what the registry accepted and what is on disk, put together, with every asset's state, every
//! divergence and every diagnostic.
//!
//! Pure and total: any registry and any observation give a state. It is computed whole from its inputs; equal inputs give
//! equal states. What to *do* about a divergence is planned in `mutation`.

mod claims;
mod divergences;
mod effective;
mod paths;
mod place;
mod record;
mod references;
#[cfg(test)]
mod tests;

pub(crate) use record::Inputs;
pub use record::{AssetRecord, AssetState, Reference};

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::OrdMap;

use crate::anchor::ParsedAnchor;
use crate::config::ProjectConfig;
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::divergence::Divergence;
use crate::identity::AssetUuid;
use crate::kind::KindCatalog;
use crate::name::AssetName;
use crate::observation::Observation;
use crate::packed::packed_map;
use crate::path::AssetPath;
use crate::registry::Registry;

use claims::Claims;
use place::Placed;

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
    pub fn evaluate(mut inputs: WorkspaceInputs) -> Self {
        let claims = Claims::of(&inputs.observation);
        let mut placed = place::place(&inputs, &claims);
        let names = names(&claims, &placed);
        references::resolve(&inputs.kinds, &mut placed.records, &names);

        let file = |path: &AssetPath| project_path(&inputs.config, path);
        let paths = paths::path_findings(&inputs.observation, &file);
        let unmanaged = claims.anchors.iter().zip(&placed.managed).filter(|(_, managed)| !**managed);
        let unregistered: OrdMap<AssetPath, Arc<ParsedAnchor>> =
            unmanaged.map(|(anchor, _)| (anchor.path.clone(), Arc::clone(anchor.parsed))).collect();

        let divergences = divergences::compute(&inputs, &mut placed, &claims, &names, &unregistered);
        let mut records = placed.records;
        if !paths.colliding.is_empty() {
            for index in 0..records.len() {
                let record = records.at(index);
                let mut of_record = record.anchor().into_iter().chain(record.inputs());
                if of_record.any(|path| paths.colliding.contains(path)) {
                    records.at_mut(index).mark(AssetState::Invalid);
                }
            }
        }
        let diagnostics = diagnostics(&inputs, &claims, paths.diagnostics, &divergences, &file);
        let input_count = claims.input_count();
        let unclaimed = claims.unclaimed;

        // Of several with one name, the first has the earliest uuid.
        let mut first_names = names;
        first_names.dedup_by_key(|(name, _)| *name);
        let uuid = |index: u32| records.at(index as usize).entry.uuid;
        let names =
            packed_map(first_names.iter().map(|(name, index)| ((*name).clone(), uuid(*index))).collect());
        drop(first_names);
        if let Some(lines) = placed.shared_lines {
            inputs.registry = inputs.registry.with_equal_lines(lines);
        }
        Self {
            assets: records.into_map(),
            names,
            unregistered,
            unclaimed,
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

/// The names of the managed assets, each with the index of its record, in order. An anchor has one name, and one record
/// that counts for it, also where two assets were accepted at one place and it does not say whose it is.
fn names<'a>(claims: &Claims<'a>, placed: &Placed) -> Vec<(&'a AssetName, u32)> {
    // Names mostly go by paths, so that they are nearly in order as they come; sorting makes use of that.
    let mut names: Vec<(&AssetName, u32)> = Vec::with_capacity(placed.records.len());
    let anchors = claims.anchors.iter().zip(&placed.record_of);
    names.extend(anchors.filter_map(|(anchor, record)| Some((anchor.parsed.name()?, (*record)?))));
    names.sort();
    names
}

fn diagnostics(
    inputs: &WorkspaceInputs,
    claims: &Claims<'_>,
    paths: Vec<Diagnostic>,
    divergences: &[Divergence],
    file: &impl Fn(&AssetPath) -> String,
) -> Vec<Diagnostic> {
    let mut all = inputs.config_diagnostics.clone();
    all.extend(inputs.observation.diagnostics.iter().cloned());
    all.extend(paths);
    all.extend(claims.anchors.iter().flat_map(|anchor| anchor.parsed.diagnostics().iter().cloned()));
    all.extend(divergences.iter().map(|divergence| divergence.to_diagnostic(file)));
    all.extend(claims.shared.iter().map(|(input, anchors)| divergences::shared_input(input, anchors, file)));
    all.sort();
    all.dedup();
    all
}
