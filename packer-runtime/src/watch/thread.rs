//! The thread that watches: hears, follows, looks, tells, and starts what is to follow. Where the watch is lost, it begins
//! anew as soon as that can be done.
//!
//! It is one operation from opening to closing, so that every transition of the freshness has a place in the log.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::SourceId;
use packer_events::body::{EventBody, OperationKind};
use packer_events::record::UnknownCause;
use packer_events::report::{Ending, Failure, OutcomeReport, WatchReport};
use packer_fs::disk::Disk;
use packer_fs::head::read_head;
use packer_fs::watch::{FolderWatcher, Followed, Heard, Hints, News, WatchError, WatchRequest, Watcher};

use super::WatchOptions;
use super::automatic::Schedule;
use super::look::Looker;
use crate::operation::{Operation, OperationHandle, Stop, panic_message};
use crate::project::{Command, Submitter};
use crate::shared::Shared;
use crate::sync::thread::{Builder, JoinHandle};
use crate::sync::time::Instant;
use crate::sync::{Mutex, PoisonError};

/// How many paths may wait to be followed.
const MAX_WAITING: usize = 16_384;

/// How long to wait for hints while nothing is under way; being told to stop is noticed as late as that.
const IDLE: Duration = Duration::from_millis(100);

/// The same while something is.
const BUSY: Duration = Duration::from_millis(20);

/// How long to leave a lost watch alone before trying to begin anew, at first and at the most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Begins to watch the assets root with this path, relative to the project.
pub(crate) type Start = Box<dyn FnMut(&Utf8Path, &Arc<Hints>) -> Result<Box<dyn Watcher>, WatchError> + Send>;

/// The watcher on the system's notifications.
pub(crate) fn starter(disk: &Arc<dyn Disk>, project: &Utf8Path, source: SourceId) -> Start {
    let (disk, project) = (Arc::clone(disk), project.to_owned());
    Box::new(move |assets, hints| {
        let request = WatchRequest { project: project.clone(), assets: assets.to_owned(), source };
        let watcher = FolderWatcher::start(Arc::clone(&disk), request, Arc::clone(hints))?;
        Ok(Box::new(watcher))
    })
}

/// A watch that has begun, before there is anything to compare with.
pub(crate) struct Begun {
    pub hints: Arc<Hints>,
    start: Start,
    assets: Utf8PathBuf,
    watcher: Result<Box<dyn Watcher>, WatchError>,
}

impl Begun {
    /// Begins to watch. Where that cannot be done, the operation that watches ends with the reason.
    pub(crate) fn new(mut start: Start, assets: &Utf8Path) -> Self {
        let hints = Arc::new(Hints::new(MAX_WAITING));
        let watcher = start(assets, &hints);
        Self { hints, start, assets: assets.to_owned(), watcher }
    }

    /// Whether everything is heard of from now on.
    pub(crate) fn is_armed(&self) -> bool {
        self.watcher.is_ok()
    }
}

/// The thread, and the operation that it is.
#[derive(Debug)]
pub(crate) struct WatchThread {
    handle: OperationHandle,
    hints: Arc<Hints>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl WatchThread {
    /// Accepts the operation, and starts the thread.
    pub(crate) fn spawn(
        shared: &Arc<Shared>,
        submitter: Submitter,
        options: WatchOptions,
        begun: Begun,
    ) -> std::io::Result<Self> {
        let Begun { hints, start, assets, watcher } = begun;
        let status = shared.status();
        let title = format!("watch {}", status.snapshot.project_name());
        let revision = status.snapshot.revision();
        let operation =
            Arc::new(Operation::accept(&shared.bus, OperationKind::Watch, title, None, Some(revision)));
        // Nobody could have called it off yet.
        operation.begin();
        operation.say(EventBody::Started {});
        let handle = operation.handle();
        let watcher = match watcher {
            Ok(watcher) => watcher,
            Err(error) => {
                operation.span().in_scope(|| tracing::warn!(%error, "the project is not watched"));
                let failure = Failure::Io { message: error.to_string(), path: None };
                // Whoever asks learns it from the handle; that the event could not be stored changes nothing more.
                let _ = operation.end(operation.stopped(Stop::Failed(failure)));
                return Ok(Self { handle, hints, thread: Mutex::new(None) });
            }
        };
        shared.known().watch = Some(Arc::clone(&operation));
        let accepted = Arc::clone(&operation);
        let mut watch = Watch {
            shared: Arc::clone(shared),
            submitter,
            operation,
            hints: Arc::clone(&hints),
            schedule: Schedule::new(options.automatic),
            start,
            assets,
            watcher: Some(watcher),
            retry: (Instant::now(), RETRY.0),
        };
        let thread = match Builder::new().name("packer-watch".to_owned()).spawn(move || watch.run()) {
            Ok(thread) => thread,
            Err(error) => {
                shared.known().watch = None;
                let failure = Failure::Io { message: error.to_string(), path: None };
                // Nobody has the handle, and the caller is told of the error.
                let _ = accepted.end(accepted.stopped(Stop::Failed(failure)));
                return Err(error);
            }
        };
        Ok(Self { handle, hints, thread: Mutex::new(Some(thread)) })
    }

    /// The operation that watches.
    pub(crate) fn handle(&self) -> &OperationHandle {
        &self.handle
    }

    /// Waits for the operation's end. The project is being closed.
    pub(crate) fn close(&self) {
        self.hints.wake();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches ended by a panic");
        }
    }
}

struct Watch {
    shared: Arc<Shared>,
    submitter: Submitter,
    operation: Arc<Operation>,
    hints: Arc<Hints>,
    schedule: Schedule,
    start: Start,
    /// The assets root that is watched.
    assets: Utf8PathBuf,
    /// None while the watch is lost.
    watcher: Option<Box<dyn Watcher>>,
    /// When to try to begin anew, and how long to wait after that.
    retry: (Instant, Duration),
}

impl Watch {
    fn run(&mut self) {
        let operation = Arc::clone(&self.operation);
        let _entered = operation.span().enter();
        let watched = catch_unwind(AssertUnwindSafe(|| self.watch()));
        if watched.is_err() || self.operation.is_called_off() {
            self.shared.stand_down();
        }
        // Nothing is said under the operation after its end.
        let transitions = {
            let mut known = self.shared.known();
            known.watch = None;
            known.transitions
        };
        let ending = match watched {
            Ok(()) if self.operation.is_called_off() => self.operation.stopped(Stop::Cancelled(None)),
            Ok(()) => {
                let took_ms = self.operation.took_ms();
                Ending::Succeeded(OutcomeReport::Watch(WatchReport { transitions, took_ms }))
            }
            Err(panic) => {
                let message = panic_message(&*panic);
                tracing::error!(message, "watching panicked");
                self.operation.stopped(Stop::Failed(Failure::Panic { message }))
            }
        };
        self.watcher = None;
        // Whoever waits learns it from the handle; that the event could not be stored is told by the next opening.
        let _ = self.operation.end(ending);
    }

    fn watch(&mut self) {
        while !self.operation.is_cancelled() {
            self.hear();
            self.follow_the_assets_root();
            if self.watcher.is_none() {
                self.begin_anew();
            }
            self.look();
            if let Some(command) = self.due() {
                let handle = self.submitter.submit(command, Some(self.operation.id));
                self.schedule.began(handle);
            }
            let busy = self.schedule.is_busy() || self.watcher.is_none();
            self.hints.wait(if busy { BUSY } else { IDLE });
        }
    }

    fn due(&mut self) -> Option<Command> {
        // Once the watch stands again, what follows sees everything at once.
        self.watcher.as_ref()?;
        self.schedule.due(&self.shared)
    }

    /// Takes in what was heard, and follows it.
    fn hear(&mut self) {
        let heard = {
            let watcher = self.watcher.as_deref();
            let passes_over = |path: &_| watcher.is_some_and(|watcher| watcher.passes_over(path));
            self.shared.hear(&self.hints, &passes_over)
        };
        if heard.overflow || heard.lost.is_some() {
            if let Some(reason) = &heard.lost {
                tracing::warn!(reason, "the watch is lost");
            }
            self.give_up();
            return;
        }
        if let Err(error) = self.follow(&heard) {
            tracing::warn!(%error, "the watch is lost");
            self.shared.disarm(UnknownCause::WatchLost);
            self.give_up();
        }
    }

    fn follow(&mut self, heard: &Heard) -> Result<(), WatchError> {
        let Some(watcher) = &mut self.watcher else { return Ok(()) };
        for (path, news) in &heard.paths {
            if *news != News::Followed && watcher.follow(path, *news)? == Followed::PassedOver {
                self.shared.dismiss(path);
            }
        }
        if heard.operational {
            watcher.follow_operational()?;
        }
        if heard.head || heard.operational {
            match read_head(&*self.shared.disk) {
                Ok(found) => self.shared.head_is(found),
                Err(error) => {
                    tracing::warn!(%error, "who has committed cannot be told");
                    self.shared.doubt_everything(UnknownCause::ChangedOutside);
                }
            }
        }
        if heard.root {
            let status = self.shared.status();
            let looker = Looker::new(&*self.shared.disk, &status.snapshot, Some(&**watcher));
            if !looker.is_same_root() {
                // There is no path that would say what.
                self.shared.doubt_everything(UnknownCause::Overflow);
            }
        }
        Ok(())
    }

    /// The configuration may have moved the assets root.
    fn follow_the_assets_root(&mut self) {
        let status = self.shared.status();
        let assets = &status.snapshot.state().config().assets;
        if *assets != self.assets {
            self.assets.clone_from(assets);
            self.shared.stand_down();
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.watcher = None;
        self.retry = (Instant::now(), RETRY.0);
    }

    /// Tries to watch again. What was heard of the watch before means nothing any more.
    fn begin_anew(&mut self) {
        let (at, pause) = self.retry;
        if Instant::now() < at {
            return;
        }
        self.hints.take();
        match (self.start)(&self.assets, &self.hints) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.shared.arm();
            }
            Err(error) => {
                tracing::debug!(%error, "the watch is still lost");
                self.retry = (Instant::now() + pause, (pause * 2).min(RETRY.1));
            }
        }
    }

    /// Looks at everything that was named and not looked at since, until the answer is about the snapshot that readers see.
    fn look(&self) {
        loop {
            let (snapshot, places) = self.shared.to_look_at();
            if places.is_empty() || self.operation.is_cancelled() {
                return;
            }
            let looker = Looker::new(&*self.shared.disk, &snapshot, self.watcher.as_deref());
            let found = looker.look(places);
            if self.shared.looked_at(snapshot.revision(), found) {
                return;
            }
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("assets", &self.assets).finish_non_exhaustive()
    }
}
