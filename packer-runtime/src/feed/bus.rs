//! The bus: one place where every event of this opening of the project is numbered, logged and handed on, in that order.
//!
//! A terminal event is on disk before anybody is told of it. An event whose line cannot be written waits, and goes into
//! the log with the next one, so the log never has a gap; what comes after a terminal event that waits is not told before
//! it either, so no subscriber sees one. While the log takes nothing, of progress the latest counts, as it does in every queue:
//! it gets its numbers once the log is tried again, which is soon and not with every event. So what waits is what cannot be
//! dropped, and it is written a few times and not once for each event.
//!
//! Every event is cut to what a log takes before it gets its numbers, so none can hold up those after it.
//!
//! The log is bounded: it is written in segments, of which the oldest are dropped once no subscriber has to read them any
//! more. What is carried over into a segment are the beginnings of the operations that run then, and what each said last.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use camino::Utf8PathBuf;
use packer_domain::identity::{OperationId, Revision, SourceId};
use packer_events::body::{EventBody, OperationKind};
use packer_events::coalesce::{QueueBounds, Spill};
use packer_events::event::Event;
use packer_events::sequence::{Draft, SourceSequencer};
use packer_events::wire::encode_line;
use packer_fs::disk::Disk;
use packer_fs::event_log::{self, EventLogError, EventLogWriter, LogBounds};
use packer_fs::lock::LockError;

use super::{Earlier, Feed, From, Mailbox, Missed, QUEUE_BOUNDS, old_logs};
use crate::clock;
use crate::outcome::{Outcome, OutcomeNotDurable, Provenance};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::lock::{SourceGuard, SourceLock};
use crate::sync::thread;
use crate::sync::time::Instant;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How long after an event could not be written the log is tried again, but for an end, with which it is at once.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Numbers, logs and hands on the events of one source.
pub(crate) struct Bus {
    source: SourceId,
    root: Utf8PathBuf,
    disk: Arc<dyn Disk>,
    bounds: LogBounds,
    state: Mutex<State>,
    closing: AtomicBool,
    /// Itself, for the thread that tries the log again.
    this: Weak<Self>,
}

struct State {
    sequencer: SourceSequencer,
    log: EventLogWriter,
    /// Whether somebody deleted the log, so that what follows begins a segment.
    is_log_lost: bool,
    /// What the log says of the operations that have no end in it.
    running: BTreeMap<OperationId, Logged>,
    /// The position up to which subscribers were told.
    told: u64,
    /// Says to other processes that this source is alive; taken with the first event, so that reads leave no trace.
    alive: Option<SourceGuard>,
    /// What was said and is not in the log yet, in order.
    unwritten: Vec<Unwritten>,
    /// While the log takes nothing: when it is tried again by itself.
    retry_at: Option<Instant>,
    /// Whether a thread tries the log again until nothing waits for it.
    is_tried_again: bool,
    /// While the log takes nothing: the latest progress of each part of an operation's work, without numbers.
    held: Vec<Said>,
    mailboxes: Vec<Weak<Mailbox>>,
    closed: bool,
}

/// What an operation said first, and what it said last.
struct Logged {
    accepted: Arc<Event>,
    latest: Arc<Event>,
}

struct Unwritten {
    event: Arc<Event>,
    line: String,
    /// Of an end: what kind of operation has ended.
    kind: Option<OperationKind>,
    /// Whether subscribers have it already.
    told: bool,
}

/// Something that an operation says.
#[derive(Debug)]
pub(crate) struct Said {
    pub operation_id: OperationId,
    pub causation_id: Option<OperationId>,
    pub base_revision: Option<Revision>,
    pub result_revision: Option<Revision>,
    pub body: EventBody,
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").field("source", &self.source).field("root", &self.root).finish_non_exhaustive()
    }
}

impl Bus {
    pub(crate) fn new(
        root: Utf8PathBuf,
        disk: Arc<dyn Disk>,
        source: SourceId,
        bounds: LogBounds,
    ) -> Arc<Self> {
        let state = State {
            sequencer: SourceSequencer::new(source),
            log: EventLogWriter::new(Arc::clone(&disk), source),
            is_log_lost: false,
            running: BTreeMap::new(),
            told: 0,
            alive: None,
            unwritten: Vec::new(),
            retry_at: None,
            is_tried_again: false,
            held: Vec::new(),
            mailboxes: Vec::new(),
            closed: false,
        };
        let (state, closing) = (Mutex::new(state), AtomicBool::new(false));
        Arc::new_cyclic(|this| Self { source, root, disk, bounds, state, closing, this: Weak::clone(this) })
    }

    pub(crate) fn source(&self) -> SourceId {
        self.source
    }

    /// Asks every operation to stop, because the project is being closed.
    pub(crate) fn begin_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether the project is being closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(crate) fn subscribe(&self, from: From) -> Feed {
        self.subscribe_with(from, QUEUE_BOUNDS)
    }

    /// Subscribes with a queue that holds no more than this.
    pub(crate) fn subscribe_with(&self, from: From, bounds: QueueBounds) -> Feed {
        let mut state = self.lock();
        let behind = |after| {
            let spill = Spill { source: self.source, after };
            Arc::new(Mailbox::behind(bounds, spill, state.told))
        };
        let (mailbox, earlier) = match from {
            From::Now => (Arc::new(Mailbox::new(bounds)), None),
            From::After(source, position) if source != self.source => {
                (behind(0), Some(Earlier::new(source, position)))
            }
            // Nobody can have been told of what was not told.
            From::After(source, position) if position > state.told => {
                let missed = Missed { source, after: position, next: None };
                (behind(state.told), Some(Earlier::Missed(missed)))
            }
            From::After(_, position) => (behind(position), None),
        };
        if state.closed {
            mailbox.close();
        }
        // Those who are gone are found when something is said; who only comes and goes says nothing.
        state.mailboxes.retain(|mailbox| mailbox.strong_count() > 0);
        state.mailboxes.push(Arc::downgrade(&mailbox));
        Feed::new(mailbox, Arc::clone(&self.disk), self.source, earlier)
    }

    /// How many subscribers it knows of.
    #[cfg(test)]
    pub(crate) fn subscribers(&self) -> usize {
        self.lock().mailboxes.len()
    }

    /// The position up to which subscribers were told.
    #[cfg(test)]
    pub(crate) fn told(&self) -> u64 {
        self.lock().told
    }

    /// Says something that is not an end.
    pub(crate) fn say(&self, said: Said) {
        let mut state = self.lock();
        let waits = state.retry_at.is_some_and(|retry_at| Instant::now() < retry_at);
        if waits && let EventBody::Progress { .. } = said.body {
            state.hold(said);
            return;
        }
        let operation_id = said.operation_id;
        state.number_held(|held| !waits || held.operation_id == operation_id);
        if state.number(said, None).is_none() {
            return;
        }
        if waits {
            state.tell(false);
        } else if let Err(error) = self.write(&mut state) {
            tracing::warn!(%error, "an event waits for the log");
        }
    }

    /// Says how an operation ended: stored first, then told.
    pub(crate) fn end(&self, kind: OperationKind, said: Said) -> Result<Outcome, OutcomeNotDurable> {
        let operation_id = said.operation_id;
        let not_durable = |message: String| OutcomeNotDurable { operation_id, message };
        let mut state = self.lock();
        state.number_held(|_| true);
        let event = state
            .number(said, Some(kind))
            .ok_or_else(|| not_durable("the operation has ended already".to_owned()))?;
        self.write(&mut state).map_err(|error| not_durable(error.to_string()))?;
        Outcome::of(&event, kind, Provenance::Live)
            .ok_or_else(|| not_durable("what was said is no end".to_owned()))
    }

    /// Ends every subscription once it has been read to its end.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.number_held(|_| true);
        if !state.unwritten.is_empty()
            && let Err(error) = self.write(&mut state)
        {
            tracing::warn!(%error, "the log ends early; whoever opens the project next completes it");
        }
        for mailbox in state.mailboxes.drain(..).filter_map(|mailbox| mailbox.upgrade()) {
            mailbox.close();
        }
        if state.alive.is_some() {
            old_logs::bound(&self.root, &*self.disk, self.source, &self.bounds);
        }
        // A lock that is left behind says that this process died, and that its log wants looking at.
        let owes_nothing = state.unwritten.is_empty() && state.sequencer.running().next().is_none();
        if owes_nothing
            && let Some(alive) = state.alive.take()
            && let Err(error) = alive.discard()
        {
            tracing::debug!(%error, "the lock of this source stays behind");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings everything that was said into the log, and tells of what may be told.
    fn write(&self, state: &mut State) -> Result<(), LogError> {
        let written = self.append(state);
        state.retry_at = written.is_err().then(|| Instant::now() + RETRY_AFTER);
        if written.is_err() && !state.closed && !state.is_tried_again {
            let this = Weak::clone(&self.this);
            let thread = thread::Builder::new().name("packer-log".to_owned()).spawn(move || try_again(&this));
            // Without one, what is said next tries.
            state.is_tried_again = thread.is_ok();
        }
        state.tell(written.is_ok());
        written
    }

    fn append(&self, state: &mut State) -> Result<(), LogError> {
        if state.alive.as_ref().is_some_and(|alive| !alive.still_valid()) {
            // Somebody deleted `.packer/`. What follows must not go into a file that nobody can find.
            state.alive = None;
            state.log = EventLogWriter::new(Arc::clone(&self.disk), self.source);
            state.is_log_lost = true;
        }
        if state.alive.is_none() {
            packer_fs::layout::ensure_operational(&*self.disk)?;
            state.alive = match SourceLock::hold(&self.root, self.source) {
                Ok(alive) => Some(alive),
                // Nobody can tell there whether this source is alive, and nobody can commit there. What is said about that
                // is said all the same.
                Err(LockError::Unsupported { .. }) => None,
                Err(error) => return Err(error.into()),
            };
        }
        let lines: Vec<&[u8]> =
            state.unwritten.iter().map(|unwritten| unwritten.line.trim_end().as_bytes()).collect();
        let Some(first) = state.unwritten.first().map(|unwritten| unwritten.event.position) else {
            return Ok(());
        };
        let bytes: u64 = lines.iter().map(|line| line.len() as u64 + 1).sum();
        let before = state.log.segment_bytes();
        let is_full = before > 0 && before.saturating_add(bytes) > self.bounds.segment_bytes;
        if is_full || (state.is_log_lost && first > 1) {
            let carried: Vec<String> = carried(&state.running);
            let carried: Vec<&[u8]> = carried.iter().map(|line| line.trim_end().as_bytes()).collect();
            state.log.begin_segment(first, &carried)?;
            self.drop_ended(state.read_up_to(first - 1));
        }
        state.is_log_lost = false;
        let sync = state.unwritten.iter().any(|unwritten| unwritten.event.terminal);
        state.log.append_lines(&lines, sync)?;
        for unwritten in &state.unwritten {
            note(&mut state.running, &unwritten.event);
        }
        Ok(())
    }

    fn drop_ended(&self, read_up_to: u64) {
        let keep = self.bounds.ended_segments;
        if let Err(error) = event_log::drop_ended(&*self.disk, self.source, keep, read_up_to) {
            // It is tried again when the next segment is begun.
            tracing::warn!(%error, "the oldest events stay in the log");
        }
    }
}

/// Tries the log of `bus` until nothing waits for it any more.
fn try_again(bus: &Weak<Bus>) {
    loop {
        thread::sleep(RETRY_AFTER);
        let Some(bus) = bus.upgrade() else { return };
        let mut state = bus.lock();
        if state.closed || (state.unwritten.is_empty() && state.held.is_empty()) {
            state.is_tried_again = false;
            return;
        }
        state.number_held(|_| true);
        if let Err(error) = bus.write(&mut state) {
            tracing::debug!(%error, "events still wait for the log");
        }
    }
}

/// What whoever begins to read a log now has to know of what came before.
fn carried(running: &BTreeMap<OperationId, Logged>) -> Vec<String> {
    let mut events: Vec<&Arc<Event>> =
        running.values().flat_map(|logged| [&logged.accepted, &logged.latest]).collect();
    events.sort_by_key(|event| event.position);
    events.dedup_by_key(|event| event.position);
    events.into_iter().map(|event| encode_line(event)).collect()
}

fn note(running: &mut BTreeMap<OperationId, Logged>, event: &Arc<Event>) {
    if event.terminal {
        running.remove(&event.operation_id);
    } else if let Some(logged) = running.get_mut(&event.operation_id) {
        logged.latest = Arc::clone(event);
    } else {
        let logged = Logged { accepted: Arc::clone(event), latest: Arc::clone(event) };
        running.insert(event.operation_id, logged);
    }
}

impl State {
    /// Keeps progress until the log is tried again, instead of what the same part of the same operation's work told before.
    fn hold(&mut self, said: Said) {
        let about = |said: &Said| match said.body {
            EventBody::Progress { phase, .. } => Some((said.operation_id, phase)),
            _ => None,
        };
        let of_it = about(&said);
        match self.held.iter_mut().find(|held| about(held) == of_it) {
            Some(held) => *held = said,
            None => self.held.push(said),
        }
    }

    fn number_held(&mut self, which: impl FnMut(&Said) -> bool) {
        let (now, later): (Vec<Said>, Vec<Said>) =
            std::mem::take(&mut self.held).into_iter().partition(which);
        self.held = later;
        for said in now {
            self.number(said, None);
        }
    }

    /// Gives what was said its numbers; from then on it waits for the log.
    fn number(&mut self, said: Said, kind: Option<OperationKind>) -> Option<Arc<Event>> {
        let draft = Draft {
            operation_id: said.operation_id,
            causation_id: said.causation_id,
            time: clock::now(),
            base_revision: said.base_revision,
            result_revision: said.result_revision,
            body: said.body.bounded(),
        };
        match self.sequencer.number(draft) {
            Ok(event) => {
                let event = Arc::new(event);
                let line = encode_line(&event);
                self.unwritten.push(Unwritten { event: Arc::clone(&event), line, kind, told: false });
                Some(event)
            }
            Err(error) => {
                // Only a mistake of this crate gets here; saying nothing keeps the order of the log right.
                tracing::error!(%error, "an event out of turn was not said");
                None
            }
        }
    }

    /// The position up to which every subscriber has read whatever it reads out of the log; `newest` if none does.
    fn read_up_to(&self, newest: u64) -> u64 {
        let reading =
            self.mailboxes.iter().filter_map(Weak::upgrade).filter_map(|mailbox| mailbox.read_up_to());
        reading.min().unwrap_or(newest)
    }

    /// Hands on what nobody was told of yet: all of it once it is `written`, otherwise up to the first end.
    fn tell(&mut self, written: bool) {
        // Those who were told come first: while a log takes nothing, they are not gone through with each event.
        let told = self.unwritten.partition_point(|unwritten| unwritten.told);
        for unwritten in &mut self.unwritten[told..] {
            if !written && unwritten.event.terminal {
                break;
            }
            unwritten.told = true;
            let event = &unwritten.event;
            self.told = event.position;
            let outcome = unwritten.kind.and_then(|kind| Outcome::of(event, kind, Provenance::Live));
            self.mailboxes.retain(|mailbox| match mailbox.upgrade() {
                Some(mailbox) => {
                    mailbox.put(event, unwritten.line.len(), outcome.clone());
                    true
                }
                None => false,
            });
        }
        if written {
            self.unwritten.clear();
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum LogError {
    #[error(transparent)]
    Disk(#[from] packer_fs::disk::DiskError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Log(#[from] EventLogError),
}
