//! Observing: reading configuration, registry and the assets root into what a workspace state is computed from.
//!
//! In two steps. A *sighting* is what stands on disk, with `packer.toml` read and the rest only told apart by digests: it
//! costs one look at each file, and its fingerprint says whether anything that matters differs from another sighting. An
//! *observation* is a sighting whose registry and anchors were parsed.
//!
//! A sighting never holds half of a packer commit, also not one of another process: unless the caller holds the lane, it
//! counts only if no intent was live and the head was the same before and after.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use packer_domain::config::{ProjectConfig, parse_config};
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::identity::{Digest, LineageId, OperationId};
use packer_domain::kind::KindCatalog;
use packer_domain::observation::Observation;
use packer_domain::registry::Registry;
use packer_domain::toml_text::MAX_TOML_BYTES;
use packer_domain::workspace::{WorkspaceInputs, WorkspaceState};
use packer_fs::disk::{Disk, DiskError, DiskOperation, Hashed};
use packer_fs::head::{Head, read_head};
use packer_fs::index::StatIndex;
use packer_fs::journal::{self, PendingState};
use packer_fs::layout;
use packer_fs::registry_file::{self, MAX_REGISTRY_BYTES};
use packer_fs::scan::{ScanError, ScanProgress, ScanRequest};

use crate::reading::Reading;
use crate::snapshot::{Basis, Snapshot};
use crate::sync::{scan, thread};

/// How often an observation that a commit disturbed is repeated before the caller has to take the lane.
const TRIES: u32 = 5;

/// A registry's first line, which has two short fields, is looked for in as many bytes.
const FIRST_LINE_BYTES: u64 = 4096;

/// An index is not written for the sake of so few bytes that were read.
const NOT_WORTH_WRITING: u64 = 1 << 20;

/// How long to let a commit of another process go on before looking again.
const PAUSE: Duration = Duration::from_millis(20);

/// What observing needs.
pub(crate) struct Observer {
    pub disk: Arc<dyn Disk>,
    pub kinds: Arc<KindCatalog>,
    pub pool: Arc<rayon::ThreadPool>,
}

/// What stands on disk.
#[derive(Debug)]
pub(crate) struct Sighting {
    pub config: Arc<ProjectConfig>,
    pub config_diagnostics: Vec<Diagnostic>,
    pub basis: Basis,
    pub head: Option<Head>,
    /// The commit that waits for a decision, if any.
    pub frozen: Option<OperationId>,
    /// The digest of everything that goes into the fingerprint but the contents of files below the assets root.
    pub frame: Digest,
    /// The bytes of the registry.
    pub registry: Arc<Vec<u8>>,
    /// What stands below the assets root.
    pub index: Arc<StatIndex>,
    /// What could not be looked at, and why.
    pub problems: Vec<Diagnostic>,
    ignored: u64,
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
    /// Observes the whole workspace. Parsed is only what differs from `previous`, whose rest is shared.
    pub(crate) fn observe(
        &self,
        lane: Lane,
        previous: Option<&Snapshot>,
        cancel: &(dyn Fn() -> bool + Sync),
        on_progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<Observed, ObserveError> {
        self.read(self.sight(lane, cancel, on_progress)?, previous)
    }

    /// What is known before anything was looked at: `packer.toml`, and the project's lineage.
    pub(crate) fn unseen(&self) -> Result<Observed, ObserveError> {
        let committing = self.committing()?;
        let (config, config_diagnostics, config_digest) = self.config()?;
        let inputs = WorkspaceInputs {
            config: Arc::new(config),
            config_diagnostics,
            kinds: Arc::clone(&self.kinds),
            registry: Registry::new(self.lineage()?),
            observation: Observation::default(),
        };
        let none = Digest::from_bytes([0; 32]);
        let basis = Basis { config: config_digest, registry: none, rest: none, fingerprint: none };
        Ok(Observed { inputs, basis, head: committing.head, frozen: committing.frozen })
    }

    /// The lineage that the registry's first line says; of a registry that begins otherwise, what all of it says.
    fn lineage(&self) -> Result<LineageId, ObserveError> {
        let fail = |source| {
            ObserveError::Disk(DiskError {
                operation: DiskOperation::Read,
                path: layout::REGISTRY.into(),
                source,
            })
        };
        let mut file = self.disk.open(layout::REGISTRY.into()).map_err(registry_error)?;
        let mut head = Vec::new();
        (&mut file).take(FIRST_LINE_BYTES).read_to_end(&mut head).map_err(fail)?;
        let line = head.iter().position(|byte| *byte == b'\n').map(|end| &head[..=end]);
        if let Some(Ok(registry)) = line.map(|line| registry_file::parse(line, layout::REGISTRY)) {
            return Ok(registry.lineage());
        }
        let all = self.disk.read(layout::REGISTRY.into(), MAX_REGISTRY_BYTES).map_err(registry_error)?;
        let registry = registry_file::parse(&all, layout::REGISTRY);
        registry
            .map(|registry| registry.lineage())
            .map_err(|diagnostics| ObserveError::Registry { diagnostics })
    }

    /// Looks at the whole workspace.
    pub(crate) fn sight(
        &self,
        lane: Lane,
        cancel: &(dyn Fn() -> bool + Sync),
        on_progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<Sighting, ObserveError> {
        self.sight_from(lane, None, cancel, on_progress)
    }

    /// The same by whoever has looked before, and so need not read what was seen then.
    pub(crate) fn sight_from(
        &self,
        lane: Lane,
        before: Option<&Sighting>,
        cancel: &(dyn Fn() -> bool + Sync),
        on_progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<Sighting, ObserveError> {
        let last = before;
        for attempt in 0..TRIES {
            if attempt > 0 {
                thread::sleep(PAUSE);
            }
            let before = self.committing()?;
            if lane == Lane::Free && before.live {
                continue;
            }
            let sighting = self.look(before, last, cancel, on_progress)?;
            let after = self.committing()?;
            if lane == Lane::Held || before == after {
                return Ok(Sighting { head: after.head, frozen: after.frozen, ..sighting });
            }
        }
        Err(ObserveError::Disturbed)
    }

    /// Parses what was sighted, and of that only what differs from `previous`, whose rest it shares.
    pub(crate) fn read(
        &self,
        sighting: Sighting,
        previous: Option<&Snapshot>,
    ) -> Result<Observed, ObserveError> {
        let Sighting { config, config_diagnostics, basis, head, frozen, registry, index, problems, .. } =
            sighting;
        let ignored = sighting.ignored;
        let before = previous.map(Snapshot::state);
        let registry = match previous {
            // Equal bytes say the same.
            Some(previous) if previous.basis().registry == basis.registry => {
                previous.state().registry().clone()
            }
            Some(_) | None => {
                let text = registry;
                let parsed = registry_file::parse(&text, layout::REGISTRY)
                    .map_err(|diagnostics| ObserveError::Registry { diagnostics })?;
                match before {
                    Some(before) => before.registry().made_into(&parsed),
                    None => parsed,
                }
            }
        };
        let same_root = before.filter(|state| state.config().assets == config.assets);
        let reading = Reading {
            config: &config,
            kinds: &self.kinds,
            index: &index,
            previous: same_root,
            problems,
            ignored,
        };
        let observation = reading.observation(&self.pool);
        let kinds = Arc::clone(&self.kinds);
        let inputs = WorkspaceInputs { config, config_diagnostics, kinds, registry, observation };
        Ok(Observed { inputs, basis, head, frozen })
    }

    fn committing(&self) -> Result<Committing, DiskError> {
        let pending = journal::pending(&*self.disk)?;
        let is = |state: PendingState| pending.iter().any(|pending| pending.state == state);
        Ok(Committing {
            live: is(PendingState::Workspace),
            // Of several, the one that is to be settled next.
            frozen: if is(PendingState::Frozen) { journal::to_settle(&*self.disk)? } else { None },
            head: read_head(&*self.disk)?,
        })
    }

    fn look(
        &self,
        committing: Committing,
        last: Option<&Sighting>,
        cancel: &(dyn Fn() -> bool + Sync),
        on_progress: &(dyn Fn(ScanProgress) + Sync),
    ) -> Result<Sighting, ObserveError> {
        let (config, config_diagnostics, config_digest) = self.config()?;
        let root: &Utf8Path = &config.assets;
        let read_registry = || {
            if let Some(last) = last
                && Hashed::read(&*self.disk, layout::REGISTRY.into())?.digest == last.basis.registry
            {
                return Ok((last.basis.registry, Arc::clone(&last.registry)));
            }
            let text = self.disk.read(layout::REGISTRY.into(), MAX_REGISTRY_BYTES)?;
            Ok((Digest::of(&text), Arc::new(text)))
        };
        let load_index = || match last.filter(|last| last.index.is_of(root)) {
            Some(last) => Ok(Some(Arc::clone(&last.index))),
            None => StatIndex::load(&*self.disk, layout::INDEX.into(), root).map(|index| index.map(Arc::new)),
        };
        let span = tracing::Span::current();
        let (registry, previous) =
            self.pool.install(|| rayon::join(|| span.in_scope(read_registry), || span.in_scope(load_index)));
        let (registry_digest, registry) = registry.map_err(registry_error)?;
        let previous = previous.unwrap_or_else(|defect| {
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
            previous: previous.as_ref(),
            pool: &self.pool,
            cancel,
            on_progress,
        };
        let result = scan(&*self.disk, &request).map_err(|error| match error {
            ScanError::Cancelled => ObserveError::Cancelled,
            ScanError::RootUnreadable(error) => ObserveError::Disk(error),
            missing @ (ScanError::RootMissing { .. }
            | ScanError::RootNotAFolder { .. }
            | ScanError::TooMuch { .. }) => ObserveError::AssetsRoot(missing.to_string()),
        })?;
        drop(previous);
        // Where a few small files were read, reading them again costs the next observation less than writing costs this one.
        let is_near = result.index.renewed_count() > 0 && result.cost.bytes_read <= NOT_WORTH_WRITING;
        if !is_near && let Err(error) = result.write_index(&*self.disk, layout::INDEX.into()) {
            tracing::info!(%error, "the stat index was not written");
        }
        let (index, problems, ignored) = (result.index, result.problems, result.ignored);
        let rest = self.rest(&problems, ignored);
        let of = |index| Basis::new(config_digest, registry_digest, Digest::of_all(&[index, rest]));
        let (basis, frame) = (of(index.content_digest()), of(index.listing_digest()).fingerprint);
        Ok(Sighting {
            config: Arc::new(config),
            config_diagnostics,
            basis,
            head: committing.head,
            frozen: committing.frozen,
            frame,
            registry,
            index,
            problems,
            ignored,
        })
    }

    /// The digest of what a state is computed from beside files, and of what computes it.
    fn rest(&self, problems: &[Diagnostic], ignored: u64) -> Digest {
        let kinds: Vec<_> = self.kinds.iter().collect();
        // What `Debug` shows of these is all of them, and the version says which code showed it.
        let shown = format!("{} {ignored} {problems:?} {kinds:?}", env!("CARGO_PKG_VERSION"));
        Digest::of(shown.as_bytes())
    }

    pub(crate) fn config(&self) -> Result<(ProjectConfig, Vec<Diagnostic>, Digest), ObserveError> {
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Committing {
    live: bool,
    frozen: Option<OperationId>,
    head: Option<Head>,
}

fn registry_error(error: DiskError) -> ObserveError {
    if !error.is_not_found() {
        return ObserveError::Disk(error);
    }
    let message = format!("the project has no {}", layout::REGISTRY);
    let diagnostic = Diagnostic::new(DiagnosticCode::RegistryMissing, Subject::Project, message)
        .in_file(layout::REGISTRY)
        .help("bring it back from version control; `packer explain registry/missing` says what else helps");
    ObserveError::Registry { diagnostics: vec![diagnostic] }
}
