//! Events on their way out: the bus that numbers, logs and hands them on, and the feeds that subscribers read.
//!
//! A feed never makes the bus wait: it has a bounded queue in which progress is coalesced, and what does not fit is read
//! back from the log; and so is what came before, for one who asks for that. Beside each terminal event stands its sealed
//! [`Outcome`], unless the log that it was read from may still be cut off before it. What a feed cannot give because it is in no log any more, it says.

mod bus;
mod cursor;
mod old_logs;
mod reckoning;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unwritable;

pub(crate) use bus::{Bus, Said};
pub use cursor::{CutOff, Missed};
pub(crate) use cursor::{LogCursor, Step};
pub(crate) use reckoning::{Placed, Reckoning};

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use packer_domain::identity::SourceId;
use packer_events::body::EventBody;
use packer_events::coalesce::{EventQueue, QueueBounds, ResumeError, Spill};
use packer_events::event::Event;
use packer_fs::disk::Disk;
use packer_fs::event_log::EventLogError;

use crate::outcome::Outcome;
use crate::sync::time::Instant;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use cursor::Earlier;

/// How much a feed holds, by events and by the lengths of their lines in the log, before progress is coalesced and the rest is
/// left to the log.
pub(crate) const QUEUE_BOUNDS: QueueBounds =
    QueueBounds { events: NonZeroUsize::new(1024).expect("1024 is not zero"), bytes: 1 << 20 };

/// How long a subscriber that reads what an operation tells of its work, as fast as it is told, waits for more of it. Waking it
/// for each event would cost whoever works more than telling does.
const STREAM_NAP: Duration = Duration::from_millis(10);

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// With what is said from now on.
    Now,
    /// With what comes after a position of a source. Of the source of this opening of the project: that, and then what
    /// follows. Of another one, such as that of an earlier opening: the rest of its log as it is when it is read, with what
    /// recovery wrote there, and then everything that this opening has said and says. Other sources are not in a feed. While
    /// that source lives, or waits to be recovered, the end of its log may still be cut off: what is given of it are records
    /// then, without proof.
    After(SourceId, u64),
}

/// The receiving end of a subscription. Dropping it ends the subscription.
pub struct Feed {
    mailbox: Arc<Mailbox>,
    disk: Arc<dyn Disk>,
    source: SourceId,
    /// What comes before the events of this source, until it is over.
    earlier: Option<Earlier>,
    replay: Option<LogCursor>,
    /// Whether the last event was one of many that tell of some work.
    is_in_stream: bool,
    /// How long it then waits for more of them.
    stream_nap: Duration,
}

/// One event out of a feed.
#[derive(Clone, Debug)]
pub struct FeedItem {
    /// The event.
    pub event: Arc<Event>,
    /// Beside a terminal event: the proof of it. None beside those of another source that lives, or is not recovered yet.
    pub outcome: Option<Outcome>,
}

/// What waiting for an event gave.
#[derive(Clone, Debug)]
pub enum FeedNext {
    /// An event.
    Item(FeedItem),
    /// Events that would stand here are in no log any more. What follows are the events after them.
    Missed(Missed),
    /// None within the time.
    Timeout,
    /// There will be none any more: the project was closed.
    Closed,
}

/// Where the bus leaves events for one subscriber.
#[derive(Debug)]
pub(crate) struct Mailbox {
    state: Mutex<MailboxState>,
    arrived: Condvar,
}

/// What wakes a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WokenBy {
    /// Whatever arrives.
    Anything,
    /// The steps of an operation's life. What it tells of its work waits for the end of the nap.
    Steps,
}

#[derive(Debug)]
struct MailboxState {
    queue: EventQueue<Option<Outcome>>,
    /// Up to where the log was read, while it is.
    read_up_to: u64,
    /// What wakes the subscriber, if it sleeps. Waking one that does not sleep is a system call, too.
    woken_by: Option<WokenBy>,
    closed: bool,
}

impl Mailbox {
    pub(crate) fn new(bounds: QueueBounds) -> Self {
        Self::of(EventQueue::new(bounds))
    }

    /// For a subscriber that reads the log after `from` first, up to `newest` at least.
    pub(crate) fn behind(bounds: QueueBounds, from: Spill, newest: u64) -> Self {
        Self::of(EventQueue::behind(bounds, from, newest))
    }

    fn of(queue: EventQueue<Option<Outcome>>) -> Self {
        let state = MailboxState { queue, read_up_to: 0, woken_by: None, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// The position after which the subscriber has yet to read the log, while it has to.
    pub(crate) fn read_up_to(&self) -> Option<u64> {
        let state = self.lock();
        state.queue.spilled().map(|spill| spill.after.max(state.read_up_to))
    }

    fn lock(&self) -> MutexGuard<'_, MailboxState> {
        // A panic while it was held cannot leave a queue half changed: each change is one call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves an event whose line in the log has so many bytes.
    pub(crate) fn put(&self, event: &Arc<Event>, bytes: usize, outcome: Option<Outcome>) {
        let mut state = self.lock();
        // A spill is not lost: the feed reads it from the log.
        let _ = state.queue.push(Arc::clone(event), bytes, outcome);
        let wakes = match state.woken_by {
            None => false,
            Some(WokenBy::Anything) => true,
            Some(WokenBy::Steps) => !is_of_the_work(&event.body),
        };
        if wakes {
            state.woken_by = None;
            drop(state);
            self.arrived.notify_all();
        }
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Feed {
    fn new(mailbox: Arc<Mailbox>, disk: Arc<dyn Disk>, source: SourceId, earlier: Option<Earlier>) -> Self {
        Self { mailbox, disk, source, earlier, replay: None, is_in_stream: false, stream_nap: STREAM_NAP }
    }

    /// What waits in memory to be read.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> Vec<Arc<Event>> {
        self.mailbox.lock().queue.iter().map(|queued| Arc::clone(&queued.event)).collect()
    }

    /// Lets it sleep for so long amid a stream, and gives a look at what would wake it.
    #[cfg(test)]
    fn sleeping(&mut self, nap: Duration) -> impl Fn() -> Option<WokenBy> + use<> {
        self.stream_nap = nap;
        let mailbox = Arc::clone(&self.mailbox);
        move || mailbox.lock().woken_by
    }

    /// The next event, waiting for it at most `patience`.
    pub fn next(&mut self, patience: Duration) -> FeedNext {
        if let Some(earlier) = &mut self.earlier {
            match earlier.next(&self.disk) {
                Step::Item(item) => return FeedNext::Item(item),
                Step::Missed(missed) => return FeedNext::Missed(missed),
                Step::CutOff(_) | Step::End => self.earlier = None,
            }
        }
        let deadline = Instant::now() + patience;
        let mailbox = Arc::clone(&self.mailbox);
        loop {
            let mut state = mailbox.lock();
            if let Some(queued) = state.queue.pop() {
                self.is_in_stream = is_of_the_work(&queued.event.body);
                return FeedNext::Item(FeedItem { event: queued.event, outcome: queued.attachment });
            }
            if let Some(spill) = state.queue.spilled() {
                let after =
                    self.replay.as_ref().map_or(spill.after, |cursor| cursor.after().max(spill.after));
                // Only what was told is read: what is in the log beyond that may not be there to stay.
                let told = match state.queue.resume(after) {
                    Ok(()) => {
                        self.replay = None;
                        continue;
                    }
                    Err(ResumeError::Behind { newest }) => newest,
                    Err(ResumeError::Undelivered { .. }) => continue,
                };
                let was_closed = state.closed;
                drop(state);
                let mut step = self.read_back(spill.after, told);
                state = mailbox.lock();
                if let Step::End = step
                    && was_closed
                {
                    // Nobody writes any more, and it is not there.
                    step = Step::Missed(Missed { source: self.source, after, next: None });
                    state.read_up_to = told;
                }
                if let Some(cursor) = &self.replay {
                    state.read_up_to = state.read_up_to.max(cursor.after());
                }
                let read_up_to = state.read_up_to;
                // Caught up, it follows again at once, and not only when it is asked for more.
                if !matches!(step, Step::End) && state.queue.resume(read_up_to).is_ok() {
                    self.replay = None;
                }
                match step {
                    Step::Item(item) => return FeedNext::Item(item),
                    Step::Missed(missed) => return FeedNext::Missed(missed),
                    Step::CutOff(_) | Step::End => {}
                }
            } else if state.closed {
                return FeedNext::Closed;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return FeedNext::Timeout;
            }
            let (woken_by, nap) = if std::mem::take(&mut self.is_in_stream) {
                (WokenBy::Steps, self.stream_nap)
            } else {
                // Spilled events may not be in the log yet while the disk is full; look again soon.
                (WokenBy::Anything, Duration::from_millis(50))
            };
            state.woken_by = Some(woken_by);
            let woken = mailbox.arrived.wait_timeout(state, left.min(nap));
            woken.unwrap_or_else(PoisonError::into_inner).0.woken_by = None;
        }
    }

    /// What comes after `after` in the log, up to `told`.
    fn read_back(&mut self, after: u64, told: u64) -> Step {
        let mut read = || {
            if self.replay.is_none() {
                self.replay = LogCursor::open(&self.disk, self.source, after)?;
            }
            self.replay.as_mut().map_or(Ok(Step::End), |cursor| cursor.next(told))
        };
        read().unwrap_or_else(|error: EventLogError| {
            tracing::warn!(source = %self.source, %error, "the log cannot be read back");
            Step::End
        })
    }
}

/// Whether an event tells of an operation's work and not of its life: there can be thousands of them, and nobody waits for one.
fn is_of_the_work(body: &EventBody) -> bool {
    match body {
        EventBody::Progress { .. } | EventBody::Diagnostic(_) | EventBody::Divergence { .. } => true,
        EventBody::Accepted { .. }
        | EventBody::Queued { .. }
        | EventBody::Started {}
        | EventBody::Freshness { .. }
        | EventBody::Committed { .. }
        | EventBody::Published { .. }
        | EventBody::Succeeded { .. }
        | EventBody::Rejected { .. }
        | EventBody::Failed { .. }
        | EventBody::Cancelled { .. }
        | EventBody::Aborted { .. }
        | EventBody::Recovered { .. }
        | EventBody::OutcomeUnknown { .. } => false,
    }
}
