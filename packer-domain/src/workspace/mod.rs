//! The workspace state: what the registry accepted and what is on disk, put together, with every asset's state, every
//! divergence and every diagnostic.
//!
//! Pure and total: any registry and any observation give a state; equal inputs give equal states, whether one was computed
//! whole (`evaluate`) or from the one before and what differs (`next`). What to *do* about a divergence is planned in
//! `mutation`.

mod claims;
mod divergences;
mod effective;
mod evaluate;
mod lookup;
mod next;
mod paths;
mod place;
mod record;
mod references;
mod scope;
mod tally;
#[cfg(test)]
mod tests;

pub use lookup::Listed;
pub use next::StateChange;
pub(crate) use record::Inputs;
pub use record::{AssetRecord, AssetState, Reference};
pub(crate) use tally::Tally;

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
use crate::path::AssetPath;
use crate::registry::Registry;
use crate::sorted::{Findings, SharedSet};

use evaluate::Findable;

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
    found: Findable,
    /// Bytes of all files.
    bytes: u64,
}

impl WorkspaceState {
    /// Puts registry and observation together.
    pub fn evaluate(mut inputs: WorkspaceInputs) -> Self {
        let (found, shared_lines) = evaluate::evaluate(&inputs);
        if let Some(lines) = shared_lines {
            inputs.registry = inputs.registry.with_equal_lines(lines);
        }
        let sizes = inputs.observation.files.values().map(|fact| fact.size);
        let bytes = sizes.fold(0, u64::saturating_add);
        Self { inputs, found, bytes }
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
    pub fn assets(&self) -> impl ExactSizeIterator<Item = &Arc<AssetRecord>> {
        self.found.assets.values()
    }

    /// One managed asset.
    pub fn asset(&self, uuid: AssetUuid) -> Option<&Arc<AssetRecord>> {
        self.found.assets.get(&uuid)
    }

    /// The managed asset with this name; of several in conflict, the one with the earliest uuid.
    pub fn asset_named(&self, name: &AssetName) -> Option<&Arc<AssetRecord>> {
        self.found.assets.get(&self.found.named(name).next()?)
    }

    /// Whether a managed asset has this name.
    pub fn is_name_taken(&self, name: &AssetName) -> bool {
        self.found.named(name).next().is_some()
    }

    /// The anchors on disk that belong to no managed asset, by path.
    pub fn unregistered(&self) -> impl ExactSizeIterator<Item = (&AssetPath, &Arc<ParsedAnchor>)> {
        self.found.unregistered.iter()
    }

    /// The managed assets, for telling what differs.
    pub(crate) fn assets_by_uuid(&self) -> &OrdMap<AssetUuid, Arc<AssetRecord>> {
        &self.found.assets
    }

    /// The anchors that belong to no managed asset, for telling what differs.
    pub(crate) fn unregistered_by_path(&self) -> &OrdMap<AssetPath, Arc<ParsedAnchor>> {
        &self.found.unregistered
    }

    /// The anchor at this path, if it belongs to no managed asset.
    pub fn unregistered_at(&self, path: &AssetPath) -> Option<&Arc<ParsedAnchor>> {
        self.found.unregistered.get(path)
    }

    /// The files that are no anchors and that no anchor claims, by path bytes.
    pub fn unclaimed(&self) -> &SharedSet<AssetPath> {
        &self.found.unclaimed
    }

    /// Whether another path differs from this one, or from a folder of it, only by case or Unicode form.
    pub fn is_colliding(&self, path: &AssetPath) -> bool {
        self.found.colliding.contains(path)
    }

    /// The figures.
    pub(crate) fn tally(&self) -> &Tally {
        &self.found.tally
    }

    /// Bytes of all files, anchors included.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All divergences, in order.
    pub fn divergences(&self) -> &Findings<Divergence> {
        &self.found.divergences
    }

    /// All diagnostics, in order; every divergence has one.
    pub fn diagnostics(&self) -> &Findings<Diagnostic> {
        &self.found.diagnostics
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
