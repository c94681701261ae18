//! Events on their way out: the bus that numbers, logs and hands them on, and the feeds that subscribers read.
//!
//! A feed never makes the bus wait: it has a bounded queue in which progress is coalesced, and what does not fit is read
//! back from the log. Beside each terminal event stands its sealed [`Outcome`].

mod bus;

pub(crate) use bus::{Bus, Said};

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use packer_domain::identity::{OperationId, SourceId};
use packer_events::body::{EventBody, OperationKind};
use packer_events::coalesce::EventQueue;
use packer_events::event::Event;
use packer_events::wire::decode_line;
use packer_fs::disk::Disk;
use packer_fs::event_log::EventLogReader;

use crate::outcome::{Outcome, Provenance};
use crate::sync::time::Instant;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many events a feed holds before progress is coalesced and the rest is left to the log.
const QUEUE_CAPACITY: NonZeroUsize = NonZeroUsize::new(1024).expect("1024 is not zero");

/// The receiving end of a subscription. Dropping it ends the subscription.
pub struct Feed {
    mailbox: Arc<Mailbox>,
    disk: Arc<dyn Disk>,
    source: SourceId,
    replay: Option<LogCursor>,
}

/// One event out of a feed.
#[derive(Clone, Debug)]
pub struct FeedItem {
    /// The event.
    pub event: Arc<Event>,
    /// Beside a terminal event: the proof of it.
    pub outcome: Option<Outcome>,
}

/// What waiting for an event gave.
#[derive(Clone, Debug)]
pub enum FeedNext {
    /// An event.
    Item(FeedItem),
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

#[derive(Debug)]
struct MailboxState {
    queue: EventQueue<Option<Outcome>>,
    closed: bool,
}

struct LogCursor {
    reader: EventLogReader,
    after: u64,
    kinds: BTreeMap<OperationId, OperationKind>,
}

impl Mailbox {
    pub(crate) fn new(capacity: NonZeroUsize) -> Self {
        let state = MailboxState { queue: EventQueue::new(capacity), closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, MailboxState> {
        // A panic while it was held cannot leave a queue half changed: each change is one call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, event: &Arc<Event>, outcome: Option<Outcome>) {
        let mut state = self.lock();
        // A spill is not lost: the feed reads it from the log.
        let _ = state.queue.push(Arc::clone(event), outcome);
        drop(state);
        self.arrived.notify_all();
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
    pub(crate) fn new(mailbox: Arc<Mailbox>, disk: Arc<dyn Disk>, source: SourceId) -> Self {
        Self { mailbox, disk, source, replay: None }
    }

    /// What waits in memory to be read.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> Vec<Arc<Event>> {
        self.mailbox.lock().queue.iter().map(|queued| Arc::clone(&queued.event)).collect()
    }

    /// The next event, waiting for it at most `patience`.
    pub fn next(&mut self, patience: Duration) -> FeedNext {
        let deadline = Instant::now() + patience;
        loop {
            let mailbox = Arc::clone(&self.mailbox);
            let mut state = mailbox.lock();
            if let Some(queued) = state.queue.pop() {
                return FeedNext::Item(FeedItem { event: queued.event, outcome: queued.attachment });
            }
            if let Some(spill) = state.queue.spilled() {
                let after = self.replay.as_ref().map_or(spill.after, |cursor| cursor.after.max(spill.after));
                if state.queue.resume(after).is_ok() {
                    self.replay = None;
                    continue;
                }
                drop(state);
                let item = self.read_back(spill.after);
                state = mailbox.lock();
                if let Some(item) = item {
                    // Caught up, it follows again at once, and not only when it is asked for more.
                    if state.queue.resume(item.event.position).is_ok() {
                        self.replay = None;
                    }
                    return FeedNext::Item(item);
                }
            } else if state.closed {
                return FeedNext::Closed;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return if state.closed { FeedNext::Closed } else { FeedNext::Timeout };
            }
            // Spilled events may not be in the log yet while the disk is full; look again soon.
            let nap = left.min(Duration::from_millis(50));
            let woken = mailbox.arrived.wait_timeout(state, nap);
            drop(woken.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// The next event after `after` from the log.
    fn read_back(&mut self, after: u64) -> Option<FeedItem> {
        if self.replay.is_none() {
            let reader = EventLogReader::open(&*self.disk, self.source, 0).ok()?;
            self.replay = Some(LogCursor { reader, after, kinds: BTreeMap::new() });
        }
        let cursor = self.replay.as_mut()?;
        loop {
            let line = cursor.reader.next_line().ok()??;
            let event = Arc::new(decode_line(std::str::from_utf8(&line).ok()?).ok()?);
            if let EventBody::Accepted { kind, .. } = &event.body {
                cursor.kinds.insert(event.operation_id, *kind);
            }
            if event.position <= cursor.after {
                continue;
            }
            cursor.after = event.position;
            let kind = cursor.kinds.get(&event.operation_id).copied();
            let outcome = kind.and_then(|kind| Outcome::of(&event, kind, Provenance::Replayed));
            return Some(FeedItem { event, outcome });
        }
    }
}
