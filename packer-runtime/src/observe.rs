//! Observing: reading configuration, registry and the assets root into what a workspace state is computed from.
//!
//! An observation never holds half of a packer commit, also not one of another process: unless the caller holds the
//! lane, it counts only if no intent was live and the head was the same before and after.

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use packer_domain::anchor::{ParsedAnchor, parse_anchor};
use packer_domain::config::{ProjectConfig, parse_config};
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::identity::{Digest, OperationId};
use packer_domain::kind::KindCatalog;
use packer_domain::observation::{FileFact, Observation};
use packer_domain::toml_text::MAX_TOML_BYTES;
use packer_domain::workspace::{WorkspaceInputs, WorkspaceState};
use packer_fs::disk::{Disk, DiskError};
use packer_fs::head::{Head, read_head};
use packer_fs::index::StatIndex;
use packer_fs::journal::{self, PendingState};
use packer_fs::layout;
use packer_fs::registry_file::{self, RegistryReadError};
use packer_fs::scan::{ScanError, ScanProgress, ScanRequest, ScannedAnchor, scan};
use rayon::prelude::*;

use crate::snapshot::Basis;

/// How often an observation that a commit disturbed is repeated before the caller has to take the lane.
const TRIES: u32 = 5;

/// How long to let a commit of another process go on before looking again.
const PAUSE: Duration = Duration::from_millis(20);

/// What observing needs.
pub(crate) struct Observer {
    pub disk: Arc<dyn Disk>,
    pub kinds: Arc<KindCatalog>,
    pub pool: Arc<rayon::ThreadPool>,
}

/// A completed observation.
#[derive(Debug)]
pub(crate) struct Observed {
    pub inputs: WorkspaceInputs,
    pub basis: Basis,
    pub head: Option<Head>,
    /// The commit that waits for a decision, if any.
    pub frozen: Option<OperationId>,
}

impl Observed {
    pub(crate) fn evaluate(&self) -> WorkspaceState {
        WorkspaceState::evaluate(self.inputs.clone())
    }
}

/// Why there is no observation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObserveError {
    #[error("packer.toml cannot be used")]
    Config { diagnostics: Vec<Diagnostic> },
    #[error("the registry cannot be used")]
    Registry { diagnostics: Vec<Diagnostic> },
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{0}")]
    AssetsRoot(String),
    #[error("the observation was cancelled")]
    Cancelled,
    #[error("other processes kept committing while the workspace was observed")]
    Disturbed,
}

/// Whether the caller holds the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Held,
    Free,
}

impl Observer {
    /// Observes the whole workspace. Of `previous`, the parsed anchors whose bytes are the same are used again.
    pub(crate) fn observe(
        &self,
        lane: Lane,
        previous: Option<&WorkspaceState>,
        cancel: &(dyn Fn() -> bool + Sync),
        on_progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<Observed, ObserveError> {
        for attempt in 0..TRIES {
            if attempt > 0 {
                std::thread::sleep(PAUSE);
            }
            let before = self.committing()?;
            if lane == Lane::Free && before.live {
                continue;
            }
            let (inputs, basis) = self.read(previous, cancel, on_progress)?;
            let after = self.committing()?;
            if lane == Lane::Held || before == after {
                return Ok(Observed { inputs, basis, head: after.head, frozen: after.frozen });
            }
        }
        Err(ObserveError::Disturbed)
    }

    fn committing(&self) -> Result<Committing, DiskError> {
        let pending = journal::pending(&*self.disk)?;
        Ok(Committing {
            live: pending.iter().any(|pending| pending.state == PendingState::Workspace),
            frozen: pending.iter().find(|p| p.state == PendingState::Frozen).map(|p| p.operation),
            head: read_head(&*self.disk)?,
        })
    }

    fn read(
        &self,
        previous: Option<&WorkspaceState>,
        cancel: &(dyn Fn() -> bool + Sync),
        on_progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<(WorkspaceInputs, Basis), ObserveError> {
        let (config, config_diagnostics, config_digest) = self.config()?;
        let loaded = registry_file::load(&*self.disk, layout::REGISTRY.into()).map_err(registry_error)?;
        let observation = self.observation(&config, previous, cancel, on_progress)?;
        let inputs = WorkspaceInputs {
            config: Arc::new(config),
            config_diagnostics,
            kinds: Arc::clone(&self.kinds),
            registry: loaded.registry,
            observation,
        };
        Ok((inputs, Basis { config: config_digest, registry: loaded.digest }))
    }

    fn config(&self) -> Result<(ProjectConfig, Vec<Diagnostic>, Digest), ObserveError> {
        let bytes = self.disk.read(layout::CONFIG.into(), MAX_TOML_BYTES as u64)?;
        let digest = Digest::of(&bytes);
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let message = format!("{} is not UTF-8: byte {} cannot be read", layout::CONFIG, offset + 1);
                let diagnostic = Diagnostic::new(DiagnosticCode::ConfigSyntax, Subject::Project, message);
                let diagnostic = diagnostic.in_file(layout::CONFIG).help("save the file as UTF-8");
                return Err(ObserveError::Config { diagnostics: vec![diagnostic] });
            }
        };
        let parsed = parse_config(&text, layout::CONFIG, &self.kinds);
        match parsed.output {
            Some(config) if !parsed.diagnostics.iter().any(Diagnostic::is_error) => {
                Ok((config, parsed.diagnostics, digest))
            }
            _ => Err(ObserveError::Config { diagnostics: parsed.diagnostics }),
        }
    }

    fn observation(
        &self,
        config: &ProjectConfig,
        previous: Option<&WorkspaceState>,
        cancel: &(dyn Fn() -> bool + Sync),
        on_progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<Observation, ObserveError> {
        let root: &Utf8Path = &config.assets;
        let index = StatIndex::load(&*self.disk, layout::INDEX.into(), root).unwrap_or_else(|defect| {
            tracing::info!(%defect, "the stat index is made anew");
            None
        });
        // The stamp and the index live in the packer's own folder; a project that cannot be written to goes without.
        if let Err(error) = layout::ensure_operational(&*self.disk) {
            tracing::info!(%error, "observing without a stat index");
        }
        let request = ScanRequest {
            assets_root: root,
            stamp: layout::STAMP.into(),
            previous: index.as_ref(),
            pool: &self.pool,
            cancel,
            on_progress,
        };
        let result = scan(&*self.disk, &request).map_err(|error| match error {
            ScanError::Cancelled => ObserveError::Cancelled,
            ScanError::RootUnreadable(error) => ObserveError::Disk(error),
            missing @ (ScanError::RootMissing { .. } | ScanError::RootNotAFolder { .. }) => {
                ObserveError::AssetsRoot(missing.to_string())
            }
        })?;
        drop(index);
        if let Err(error) = result.write_index(&*self.disk, layout::INDEX.into()) {
            tracing::info!(%error, "the stat index was not written");
        }
        let same_root = previous.filter(|state| state.config().assets == config.assets);
        let parse = |anchor: &ScannedAnchor| self.parsed(config, same_root, anchor);
        let anchors: Vec<Arc<ParsedAnchor>> =
            self.pool.install(|| result.anchors.par_iter().map(parse).collect());
        let paths = result.anchors.into_iter().map(|anchor| anchor.path);
        Ok(Observation {
            anchors: paths.zip(anchors).collect(),
            files: result
                .files
                .into_iter()
                .map(|file| (file.path, FileFact { size: file.stat.size, digest: file.digest }))
                .collect(),
            folders: result.folders.into_iter().collect(),
            diagnostics: result.problems,
            ignored: result.ignored,
        })
    }

    fn parsed(
        &self,
        config: &ProjectConfig,
        previous: Option<&WorkspaceState>,
        anchor: &ScannedAnchor,
    ) -> Arc<ParsedAnchor> {
        let known = previous.map(WorkspaceState::observation).and_then(|observation| {
            let same = observation.files.get(&anchor.path).is_some_and(|fact| fact.digest == anchor.digest);
            if same { observation.anchors.get(&anchor.path) } else { None }
        });
        if let Some(parsed) = known {
            return Arc::clone(parsed);
        }
        let file = format!("{}/{}", config.assets, anchor.path);
        Arc::new(parse_anchor(&anchor.bytes, &anchor.path, &file, &self.kinds))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Committing {
    live: bool,
    frozen: Option<OperationId>,
    head: Option<Head>,
}

fn registry_error(error: RegistryReadError) -> ObserveError {
    match error {
        RegistryReadError::Missing { path } => {
            let message = format!("the project has no {path}");
            let diagnostic = Diagnostic::new(DiagnosticCode::RegistryMissing, Subject::Project, message)
                .in_file(layout::REGISTRY)
                .help("bring it back from version control; `packer explain registry/missing` says what else helps");
            ObserveError::Registry { diagnostics: vec![diagnostic] }
        }
        RegistryReadError::Unreadable(error) => ObserveError::Disk(error),
        RegistryReadError::Invalid { diagnostics, .. } => ObserveError::Registry { diagnostics },
    }
}
