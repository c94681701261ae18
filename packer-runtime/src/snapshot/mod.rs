//! Snapshots: one coherent projection of the workspace, immutable. Every answer of one snapshot agrees with every other.

mod query;
mod unclaimed;

pub use query::{AssetPage, AssetQuery, AssetSelector, AssetSort, SelectError};
pub use unclaimed::{UnclaimedFile, UnclaimedPage, UnclaimedQuery};

use std::sync::{Arc, OnceLock};

use packer_domain::build::{AssetSettings, asset_settings};
use packer_domain::changes::ReportChanges;
use packer_domain::diagnostic::Diagnostic;
use packer_domain::divergence::Divergence;
use packer_domain::identity::{AssetUuid, Digest, Revision};
use packer_domain::kind::{KindId, KindSpec};
use packer_domain::path::AssetPath;
use packer_domain::report::{AssetDetail, asset_detail};
use packer_domain::sorted::{Findings, SharedSet};
use packer_domain::summary::WorkspaceSummary;
use packer_domain::workspace::WorkspaceState;

/// The workspace as one observation saw it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    revision: Revision,
    state: WorkspaceState,
    /// Made when it is first asked for: a build does not ask.
    summary: OnceLock<WorkspaceSummary>,
    basis: Basis,
}

/// What a snapshot was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    /// Digest of `packer.toml`.
    pub config: Digest,
    /// Digest of `registry.jsonl`.
    pub registry: Digest,
    /// Digest of everything else that the state was computed from: above all, of what stands below the assets root.
    pub rest: Digest,
    /// Digest of all these. Equal ones give equal states.
    pub fingerprint: Digest,
}

impl Basis {
    pub(crate) fn new(config: Digest, registry: Digest, rest: Digest) -> Self {
        Self { config, registry, rest, fingerprint: Digest::of_all(&[config, registry, rest]) }
    }

    /// The same with another registry.
    #[must_use]
    pub(crate) fn with_registry(self, registry: Digest) -> Self {
        Self::new(self.config, registry, self.rest)
    }
}

impl Snapshot {
    pub(crate) fn new(revision: Revision, state: WorkspaceState, basis: Basis) -> Self {
        Self { inner: Arc::new(Inner { revision, state, summary: OnceLock::new(), basis }) }
    }

    /// Its number.
    pub fn revision(&self) -> Revision {
        self.inner.revision
    }

    /// The project's name, as `packer.toml` says it.
    pub fn project_name(&self) -> &str {
        &self.inner.state.config().name
    }

    /// The figures.
    pub fn summary(&self) -> &WorkspaceSummary {
        self.inner.summary.get_or_init(|| WorkspaceSummary::of(&self.inner.state, self.inner.revision))
    }

    /// All divergences, in order.
    pub fn divergences(&self) -> &Findings<Divergence> {
        self.inner.state.divergences()
    }

    /// All diagnostics, in order; every divergence has one.
    pub fn diagnostics(&self) -> &Findings<Diagnostic> {
        self.inner.state.diagnostics()
    }

    /// The files that no anchor claims, by path bytes.
    pub fn unclaimed(&self) -> &SharedSet<AssetPath> {
        self.inner.state.unclaimed()
    }

    /// Bytes of a file below the assets root, if it is there.
    pub fn size_of(&self, path: &AssetPath) -> Option<u64> {
        self.inner.state.observation().files.get(path).map(|fact| fact.size)
    }

    /// Everything about one managed asset.
    pub fn asset(&self, uuid: AssetUuid) -> Option<AssetDetail> {
        asset_detail(&self.inner.state, uuid)
    }

    /// The settings of one managed asset, and who says what each is. Looks at that asset alone.
    pub fn settings(&self, uuid: AssetUuid) -> Option<AssetSettings> {
        asset_settings(&self.inner.state, uuid)
    }

    /// What to call one managed asset: its name, or else its anchor.
    pub fn label(&self, uuid: AssetUuid) -> Option<String> {
        self.inner.state.asset(uuid).map(|record| record.label())
    }

    /// The kinds that can be baked, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &KindSpec> {
        self.inner.state.kinds().iter()
    }

    /// The kind with this name.
    pub fn kind(&self, id: &KindId) -> Option<&KindSpec> {
        self.inner.state.kinds().get(id)
    }

    /// The folder of the assets, relative to the project, `/`-separated.
    pub fn assets_root(&self) -> &str {
        self.inner.state.config().assets.as_str()
    }

    /// How the answers of this snapshot differ from those of an earlier one of the same open project. Costs by what differs.
    pub fn changes_since(&self, earlier: &Self) -> ReportChanges {
        ReportChanges::between(&earlier.inner.state, &self.inner.state)
    }

    /// `path` relative to the project, `/`-separated.
    pub fn project_path(&self, path: &AssetPath) -> String {
        self.inner.state.project_path(path)
    }

    pub(crate) fn state(&self) -> &WorkspaceState {
        &self.inner.state
    }

    pub(crate) fn basis(&self) -> Basis {
        self.inner.basis
    }
}
