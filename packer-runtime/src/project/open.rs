//! Opening a project: recover what dead processes left, if the lane is free; then observe.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::codec::Codec;
use packer_domain::diagnostic::Diagnostic;
use packer_domain::identity::SourceId;
use packer_domain::kind::{KindCatalog, KindId};
use packer_fs::disk::{Disk, DiskError, EntryKind, OsDisk};
use packer_fs::event_log::LogBounds;
use packer_fs::layout;
use packer_fs::lock::{LockError, Wait};
use packer_fs::summary_file::KeptSummary;

use super::glance::{self, Glance};
use super::{Project, Submitter};
use crate::clock;
use crate::feed::{Bus, Feed, From};
use crate::holder::facts_of_opening;
use crate::lane::{Recovery, Worker, recover_everything};
use crate::observe::{Lane, ObserveError, Observed, Observer};
use crate::shared::{Opened, Shared};
use crate::sync;
use crate::sync::lock::LaneLock;
use crate::threads;
use crate::watch::{Begun, Start, WatchOptions, WatchThread, starter};

/// How to open a project.
#[derive(Clone)]
pub struct OpenOptions {
    /// The codecs, one a kind; of two for one kind the later counts. The built-in ones by default.
    pub codecs: Vec<Arc<dyn Codec>>,
    /// How many threads read files, and how many bake; for `None` one a processor bakes, and from 16 to 64 read, which wait
    /// for the disk.
    pub jobs: Option<usize>,
    /// Whether an operation waits for a lane that another process holds (the default), or is rejected.
    pub wait_for_lane: bool,
    /// Who observes first.
    pub first_observation: FirstObservation,
    /// How much of the event logs is kept.
    pub event_logs: LogBounds,
    /// Whether and how to watch for changes; by default nobody does. Watching is an operation, from opening to closing.
    pub watch: Option<WatchOptions>,
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
            event_logs: LogBounds::default(),
            watch: None,
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
            .field("event_logs", &self.event_logs)
            .field("watch", &self.watch)
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
        Self::open_and_subscribe(root, options).map(|(project, _)| project)
    }

    /// The same, and subscribes to the events from the very first on: also to those of what opening recovers, and of the
    /// operation that watches.
    pub fn open_and_subscribe(root: &Utf8Path, options: OpenOptions) -> Result<(Self, Feed), OpenError> {
        let disk: Arc<dyn Disk> = Arc::new(OsDisk::new(root.to_owned()));
        Self::open_watched_by(&disk, root, options, |source| starter(&disk, root, source))
    }

    #[cfg(test)]
    pub(crate) fn open_on(
        disk: &Arc<dyn Disk>,
        root: &Utf8Path,
        options: OpenOptions,
    ) -> Result<Self, OpenError> {
        let opened = Self::open_watched_by(disk, root, options, |source| starter(disk, root, source));
        opened.map(|(project, _)| project)
    }

    /// Opens a project on a disk; `starter` gives what watches it, if it is to be watched.
    pub(crate) fn open_watched_by(
        disk: &Arc<dyn Disk>,
        root: &Utf8Path,
        options: OpenOptions,
        starter: impl FnOnce(SourceId) -> Start,
    ) -> Result<(Self, Feed), OpenError> {
        let config = disk.stat(layout::CONFIG.into()).map_err(OpenError::Disk)?;
        match config.map(|stat| stat.kind) {
            // What else stands there is said when it is read.
            Some(EntryKind::File | EntryKind::Symlink) => {}
            Some(_) | None => return Err(OpenError::NotAProject { path: root.to_owned() }),
        }
        let codecs: BTreeMap<KindId, Arc<dyn Codec>> =
            options.codecs.into_iter().map(|codec| (codec.spec().id.clone(), codec)).collect();
        let kinds = Arc::new(KindCatalog::new(codecs.values().map(|codec| codec.spec().clone())));
        let pool = pool(threads::reading(options.jobs))?;
        let source = SourceId::drawn(clock::draw());
        let bus = Bus::new(root.to_owned(), Arc::clone(disk), source, options.event_logs);
        let observer = Observer { disk: Arc::clone(disk), kinds, pool };

        let feed = bus.subscribe(From::Now);
        let recovery = recover(root, disk, &bus)?;
        // Before anything is observed: what changes afterwards is heard of.
        let begun = match &options.watch {
            Some(_) => {
                let (config, ..) = observer.config().map_err(observe_error)?;
                Some(Begun::new(starter(source), &config.assets))
            }
            None => None,
        };
        let (found, glance) = observe(root, &**disk, &observer, options.first_observation)?;
        let by = match &glance {
            Some(_) => FirstObservation::ByFirstOperation,
            None => options.first_observation,
        };
        let opened = Opened {
            found: &found,
            by,
            frozen: recovery.frozen,
            hints: begun.as_ref().map(|begun| Arc::clone(&begun.hints)),
            armed: begun.as_ref().is_some_and(Begun::is_armed),
        };
        let wait = options.wait_for_lane;
        let shared =
            Arc::new(Shared::new(root.to_owned(), observer, codecs, bus, wait, options.jobs, opened));
        drop(found);
        if by == FirstObservation::FiguresWillDo {
            glance::keep(&**disk, &shared.status().snapshot);
        }
        let threads = |error: std::io::Error| OpenError::Threads { message: error.to_string() };
        let worker = |name| Worker::spawn(name, Arc::clone(&shared)).map_err(threads);
        let submitter = Submitter::new(Arc::clone(&shared), worker("lane")?, worker("builder")?);
        let watch = match (options.watch, begun) {
            (Some(options), Some(begun)) => {
                let watch = WatchThread::spawn(&shared, submitter.clone(), options, begun);
                Some(watch.map_err(threads)?)
            }
            (None, _) | (_, None) => None,
        };
        Ok((Self { shared, submitter, watch, recovered: recovery.outcomes, glance }, feed))
    }
}

pub(crate) fn pool(threads: usize) -> Result<Arc<rayon::ThreadPool>, OpenError> {
    sync::pool(threads).map_err(|error| OpenError::Threads { message: error.to_string() })
}

/// Recovers if the lane is free. A process that holds the lane recovers, or has recovered, by itself.
fn recover(root: &Utf8Path, disk: &Arc<dyn Disk>, bus: &Arc<Bus>) -> Result<Recovery, OpenError> {
    match LaneLock::acquire(root, &facts_of_opening(), Wait::Never, &mut |_| {}) {
        Ok(guard) => {
            let recovery = recover_everything(root, disk, bus).map_err(OpenError::Disk)?;
            drop(guard);
            Ok(recovery)
        }
        Err(error) => {
            tracing::info!(%error, "opening without recovering");
            Ok(Recovery::default())
        }
    }
}

/// Observes what there is to be read first.
fn observe(
    root: &Utf8Path,
    disk: &dyn Disk,
    observer: &Observer,
    first: FirstObservation,
) -> Result<(Observed, Option<Glance>), OpenError> {
    if first == FirstObservation::ByFirstOperation {
        return Ok((observer.unseen().map_err(observe_error)?, None));
    }
    let sighted = observer.sight(Lane::Free, &|| false, &|_| {});
    if first == FirstObservation::FiguresWillDo
        && let (Ok(sighting), Some(kept)) = (&sighted, KeptSummary::load(disk, layout::SUMMARY.into()))
        && let Some(glance) = glance::recall(kept, sighting)
    {
        let found = observer.unseen().map_err(observe_error)?;
        return Ok((found, Some(glance)));
    }
    let found = match sighted.and_then(|sighting| observer.read(sighting, None)) {
        Err(ObserveError::Disturbed) => {
            let facts = facts_of_opening();
            let guard = LaneLock::acquire(root, &facts, Wait::Block(&|| false), &mut |_| {});
            let guard = guard.map_err(lock_error)?;
            let found = observer.observe(Lane::Held, None, &|| false, &|_| {});
            drop(guard);
            found
        }
        result => result,
    };
    Ok((found.map_err(observe_error)?, None))
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
