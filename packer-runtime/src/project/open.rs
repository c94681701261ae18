//! Opening a project: recover what dead processes left, if the lane is free; then observe.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::codec::Codec;
use packer_domain::diagnostic::Diagnostic;
use packer_domain::identity::SourceId;
use packer_domain::kind::{KindCatalog, KindId};
use packer_fs::disk::{Disk, DiskError, EntryKind, OsDisk};
use packer_fs::layout;
use packer_fs::lock::{LockError, Wait};
use packer_fs::summary_file::KeptSummary;

use super::{Project, glance, glance::Glance};
use crate::clock;
use crate::feed::Bus;
use crate::holder::facts_of_opening;
use crate::lane::{Recovery, Worker, recover_everything};
use crate::observe::{Lane, ObserveError, Observed, Observer};
use crate::shared::Shared;
use crate::sync::lock::LaneLock;
use crate::sync::{self, Mutex};

/// How to open a project.
#[derive(Clone)]
pub struct OpenOptions {
    /// The codecs, one a kind; of two for one kind the later counts. The built-in ones by default.
    pub codecs: Vec<Arc<dyn Codec>>,
    /// How many threads scan and bake; as many as the machine has for `None`.
    pub jobs: Option<usize>,
    /// Whether an operation waits for a lane that another process holds (the default), or is rejected.
    pub wait_for_lane: bool,
    /// Who observes first.
    pub first_observation: FirstObservation,
}

/// Who observes a project for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstObservation {
    /// Opening does, so that there is something to read.
    #[default]
    AtOpening,
    /// Opening does, and where nothing of the workspace differs from when its figures were kept last, it evaluates nothing:
    /// the figures are in [`Project::glance`], and the snapshot is as with `ByFirstOperation`. Else it is as with
    /// `AtOpening`, and the figures are kept, unless something diverges.
    FiguresWillDo,
    /// The first operation does that observes anyway. Until then the snapshot is revision 0, which has no assets, and the
    /// freshness says that nothing was observed.
    ByFirstOperation,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            codecs: packer_codecs::builtin(),
            jobs: None,
            wait_for_lane: true,
            first_observation: FirstObservation::AtOpening,
        }
    }
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds: Vec<&str> = self.codecs.iter().map(|codec| codec.spec().id.as_str()).collect();
        f.debug_struct("OpenOptions")
            .field("codecs", &kinds)
            .field("jobs", &self.jobs)
            .field("wait_for_lane", &self.wait_for_lane)
            .field("first_observation", &self.first_observation)
            .finish()
    }
}

/// Why a project cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is no project.
    #[error("{path} is not a project: it has no packer.toml")]
    NotAProject {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// `packer.toml` or the registry cannot be used.
    #[error("{file} cannot be used")]
    Unusable {
        /// Which file.
        file: &'static str,
        /// Everything that is wrong with it.
        diagnostics: Vec<Diagnostic>,
    },
    /// The assets root is not there, or is no folder.
    #[error("{message}")]
    AssetsRoot {
        /// What is wrong with it.
        message: String,
    },
    /// Other processes kept committing.
    #[error("other processes kept committing while the workspace was observed")]
    Disturbed,
    /// A file operation failed.
    #[error(transparent)]
    Disk(DiskError),
    /// A thread could not be started.
    #[error("a thread could not be started: {message}")]
    Threads {
        /// Why.
        message: String,
    },
}

impl Project {
    /// Opens the project in the folder `root`.
    pub fn open(root: &Utf8Path, options: OpenOptions) -> Result<Self, OpenError> {
        let disk: Arc<dyn Disk> = Arc::new(OsDisk::new(root.to_owned()));
        Self::open_on(&disk, root, options)
    }

    pub(crate) fn open_on(
        disk: &Arc<dyn Disk>,
        root: &Utf8Path,
        options: OpenOptions,
    ) -> Result<Self, OpenError> {
        let config = disk.stat(layout::CONFIG.into()).map_err(OpenError::Disk)?;
        match config.map(|stat| stat.kind) {
            // What else stands there is said when it is read.
            Some(EntryKind::File | EntryKind::Symlink) => {}
            Some(_) | None => return Err(OpenError::NotAProject { path: root.to_owned() }),
        }
        let codecs: BTreeMap<KindId, Arc<dyn Codec>> =
            options.codecs.into_iter().map(|codec| (codec.spec().id.clone(), codec)).collect();
        let kinds = Arc::new(KindCatalog::new(codecs.values().map(|codec| codec.spec().clone())));
        let pool = pool(options.jobs)?;
        let source = SourceId::drawn(clock::draw());
        let bus = Arc::new(Bus::new(root.to_owned(), Arc::clone(disk), source));
        let observer = Observer { disk: Arc::clone(disk), kinds, pool };

        let first = recover_and_observe(root, disk, &bus, &observer, options.first_observation)?;
        let First { recovery, found, glance } = first;
        let by = match &glance {
            Some(_) => FirstObservation::ByFirstOperation,
            None => options.first_observation,
        };
        let shared = Arc::new(Shared::new(
            root.to_owned(),
            observer,
            codecs,
            bus,
            options.wait_for_lane,
            options.jobs,
            Shared::first_status(&found, by),
        ));
        if let Some(operation) = recovery.frozen.or(found.frozen) {
            shared.get_stuck(operation);
        }
        if by == FirstObservation::FiguresWillDo {
            glance::keep(&**disk, &shared.status().snapshot);
        }
        let worker = |name| {
            let worker = Worker::spawn(name, Arc::clone(&shared));
            worker.map_err(|error| OpenError::Threads { message: error.to_string() })
        };
        let (lane, builder) = (Arc::new(worker("lane")?), worker("builder")?);
        Ok(Self { shared, lane, builder, submitting: Mutex::new(()), recovered: recovery.outcomes, glance })
    }
}

pub(crate) fn pool(jobs: Option<usize>) -> Result<Arc<rayon::ThreadPool>, OpenError> {
    sync::pool(jobs.unwrap_or(0)).map_err(|error| OpenError::Threads { message: error.to_string() })
}

/// What opening finds.
struct First {
    recovery: Recovery,
    found: Observed,
    glance: Option<Glance>,
}

/// Recovers if the lane is free, then observes. A process that holds the lane recovers, or has recovered, by itself.
fn recover_and_observe(
    root: &Utf8Path,
    disk: &Arc<dyn Disk>,
    bus: &Arc<Bus>,
    observer: &Observer,
    first: FirstObservation,
) -> Result<First, OpenError> {
    let facts = facts_of_opening();
    let recovery = match LaneLock::acquire(root, &facts, Wait::Never, &mut |_| {}) {
        Ok(guard) => {
            let recovery = recover_everything(root, disk, bus).map_err(OpenError::Disk)?;
            drop(guard);
            recovery
        }
        Err(error) => {
            tracing::info!(%error, "opening without recovering");
            Recovery::default()
        }
    };
    if first == FirstObservation::ByFirstOperation {
        let found = observer.unseen().map_err(observe_error)?;
        return Ok(First { recovery, found, glance: None });
    }
    let sighted = observer.sight(Lane::Free, &|| false, &|_| {});
    if first == FirstObservation::FiguresWillDo
        && let (Ok(sighting), Some(kept)) = (&sighted, KeptSummary::load(&**disk, layout::SUMMARY.into()))
        && let Some(glance) = glance::recall(kept, sighting)
    {
        let found = observer.unseen().map_err(observe_error)?;
        return Ok(First { recovery, found, glance: Some(glance) });
    }
    let found = match sighted.and_then(|sighting| observer.read(sighting, None)) {
        Err(ObserveError::Disturbed) => {
            let guard = LaneLock::acquire(root, &facts, Wait::Block(&|| false), &mut |_| {});
            let guard = guard.map_err(lock_error)?;
            let found = observer.observe(Lane::Held, None, &|| false, &|_| {});
            drop(guard);
            found
        }
        result => result,
    };
    Ok(First { recovery, found: found.map_err(observe_error)?, glance: None })
}

fn lock_error(error: LockError) -> OpenError {
    match error {
        LockError::Disk(error) => OpenError::Disk(error),
        LockError::Busy { .. }
        | LockError::Unsupported { .. }
        | LockError::Stopped { .. }
        | LockError::Io { .. } => OpenError::Disturbed,
    }
}

fn observe_error(error: ObserveError) -> OpenError {
    match error {
        ObserveError::Config { diagnostics } => OpenError::Unusable { file: layout::CONFIG, diagnostics },
        ObserveError::Registry { diagnostics } => OpenError::Unusable { file: layout::REGISTRY, diagnostics },
        ObserveError::Disk(error) => OpenError::Disk(error),
        ObserveError::AssetsRoot(message) => OpenError::AssetsRoot { message },
        ObserveError::Cancelled | ObserveError::Disturbed => OpenError::Disturbed,
    }
}
