//! A worker thread with a queue, and the one way in which an operation is brought to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use packer_events::body::{Behind, EventBody, Lock, Phase};
use packer_events::report::Ending;

use crate::operation::{Operation, Stop, panic_message};
use crate::shared::Shared;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::mpsc::{RecvTimeoutError, Sender, channel, sync_channel};
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Mutex, PoisonError};

/// What somebody who waits for a turn may at most be late by when told to stop.
const LATEST: Duration = Duration::from_millis(20);

type Job = Box<dyn FnOnce(&Arc<Shared>) + Send>;

/// A thread that runs jobs in the order in which they were sent.
#[derive(Debug)]
pub(crate) struct Worker {
    sender: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    waiting: Arc<AtomicU64>,
}

impl Worker {
    pub(crate) fn spawn(name: &str, shared: Arc<Shared>) -> std::io::Result<Self> {
        let (sender, jobs) = channel::<Job>();
        let waiting = Arc::new(AtomicU64::new(0));
        let thread = thread::Builder::new().name(format!("packer-{name}")).spawn(move || {
            for job in jobs {
                // Each job contains its own panics; one that escapes must still not end the thread.
                if catch_unwind(AssertUnwindSafe(|| job(&shared))).is_err() {
                    tracing::error!("a job of the {} panicked outside of its operation", thread_name());
                }
            }
        })?;
        Ok(Self { sender: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), waiting })
    }

    /// Queues a job, which counts as waiting or running until it drops its place. Has `operation`, whose job it is, say how
    /// many go first, before it can begin. Once the worker is closing, no job is taken.
    fn send(
        &self,
        lock: Lock,
        operation: &Operation,
        job: impl FnOnce(&Arc<Shared>, Place) + Send + 'static,
    ) -> Result<(), Closed> {
        // Held until the job is queued, so that those who are counted are those who go first.
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = &*sender else { return Err(Closed) };
        let ahead = self.waiting.fetch_add(1, Ordering::AcqRel);
        if ahead > 0 {
            operation.say(EventBody::Queued { behind: Behind { lock, operations: ahead, holder: None } });
        }
        let place = Place { waiting: Arc::clone(&self.waiting) };
        sender.send(Box::new(move |shared| job(shared, place))).map_err(|_| Closed)
    }

    /// Waits for a turn in the queue and takes it: the worker does nothing else until the turn is dropped. Stops waiting
    /// when `operation` is cancelled, which is in `phase`.
    pub(crate) fn turn(&self, operation: &Operation, phase: Option<Phase>) -> Result<Turn, Stop> {
        let (grant, granted) = sync_channel::<Place>(1);
        let (held, released) = channel::<()>();
        self.send(Lock::Lane, operation, move |_, place| {
            if grant.send(place).is_ok() {
                // Ends when the turn is dropped, which is all that is ever said.
                let _ = released.recv();
            }
        })
        .map_err(|_: Closed| Stop::Cancelled(phase))?;
        loop {
            match granted.recv_timeout(LATEST) {
                Ok(place) => return Ok(Turn { _place: place, _held: held }),
                Err(RecvTimeoutError::Timeout) if !operation.is_cancelled() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(Stop::Cancelled(phase));
                }
            }
        }
    }

    /// Takes no more jobs, and waits until those that were taken are done.
    pub(crate) fn close(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("a worker of the packer ended by a panic");
        }
    }
}

fn thread_name() -> String {
    thread::current().name().unwrap_or("worker").to_owned()
}

/// A turn in a worker's queue, taken by another thread.
#[derive(Debug)]
#[must_use = "the turn ends when this is dropped"]
pub(crate) struct Turn {
    _place: Place,
    _held: Sender<()>,
}

/// A job's place in the queue, from when it was sent until it is over. Whoever waits for the job's outcome finds the place
/// free.
#[derive(Debug)]
struct Place {
    waiting: Arc<AtomicU64>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The worker takes no more jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Closed;

/// The end of an operation, and what is still to be done once its terminal event is stored.
pub(crate) struct Finale<'s> {
    pub ending: Ending,
    pub afterwards: Option<Box<dyn FnOnce() + 's>>,
}

impl Finale<'_> {
    /// An end after which nothing is left to do.
    pub(crate) fn plain(ending: Ending) -> Self {
        Self { ending, afterwards: None }
    }
}

/// Queues an accepted operation, and says so if it has to wait.
pub(crate) fn queue(
    worker: &Worker,
    lock: Lock,
    operation: &Arc<Operation>,
    run: impl for<'s> FnOnce(&'s Arc<Shared>, &Arc<Operation>) -> Result<Finale<'s>, Stop> + Send + 'static,
) {
    let queued = Arc::clone(operation);
    let sent = worker.send(lock, operation, move |shared, place| {
        if !queued.begin() {
            // It was cancelled before its turn came.
            if queued.wait().is_err() {
                shared.get_stuck(queued.id);
            }
            return drop(place);
        }
        conduct(shared, &queued, place, || {
            if queued.is_cancelled() {
                return Err(Stop::Cancelled(None));
            }
            run(shared, &queued)
        });
    });
    if sent == Err(Closed) && operation.begin() {
        // The project is being closed. Whoever waits learns it from the handle; whether the event could be stored changes
        // nothing more.
        let _ = operation.end(operation.stopped(Stop::Cancelled(None)));
    }
}

/// Runs an operation to its one end: stored, then told, then cleaned up after. Only then whoever waits for it goes on.
fn conduct<'s>(
    shared: &'s Arc<Shared>,
    operation: &Operation,
    place: Place,
    run: impl FnOnce() -> Result<Finale<'s>, Stop>,
) {
    let _entered = operation.span().enter();
    tracing::debug!("begins");
    let finale = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(finale)) => finale,
        Ok(Err(stop)) => Finale::plain(operation.stopped(stop)),
        Err(panic) => {
            let message = panic_message(&*panic);
            tracing::error!(message, "an operation panicked");
            Finale::plain(operation.stopped(operation.panicked(message)))
        }
    };
    let unknown = matches!(finale.ending, Ending::OutcomeUnknown(_));
    let ending = EventBody::from(finale.ending.clone()).type_name();
    tracing::info!(ending, took_ms = operation.took_ms(), "ends");
    let ended = operation.end_for_certain(finale.ending);
    if ended.is_err() || unknown {
        shared.get_stuck(operation.id);
    }
    match finale.afterwards {
        Some(afterwards) if ended.is_ok() => {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(afterwards)) {
                // It has ended as it did; what was not cleaned up is left to recovery.
                tracing::error!(message = panic_message(&*panic), "cleaning up after an operation panicked");
            }
        }
        left => drop(left),
    }
    drop(place);
    operation.release(ended);
}
