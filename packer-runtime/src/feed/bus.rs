//! The bus: one place where every event of this opening of the project is numbered, logged and handed on, in that order.
//!
//! A terminal event is on disk before anybody is told of it. An event whose line cannot be written waits, and goes into
//! the log with the next one, so the log never has a gap; what comes after a terminal event that waits is not told before
//! it either, so no subscriber sees one.

use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};

use camino::Utf8PathBuf;
use packer_domain::identity::{OperationId, Revision, SourceId};
use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::sequence::{Draft, SourceSequencer};
use packer_events::wire::encode_line;
use packer_fs::disk::Disk;
use packer_fs::event_log::EventLogWriter;
use packer_fs::lock::LockError;

use super::{Feed, Mailbox, QUEUE_CAPACITY};
use crate::clock;
use crate::outcome::{Outcome, OutcomeNotDurable, Provenance};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::lock::{SourceGuard, SourceLock};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Numbers, logs and hands on the events of one source.
pub(crate) struct Bus {
    source: SourceId,
    root: Utf8PathBuf,
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
    closing: AtomicBool,
}

struct State {
    sequencer: SourceSequencer,
    log: EventLogWriter,
    /// Says to other processes that this source is alive; taken with the first event, so that reads leave no trace.
    alive: Option<SourceGuard>,
    /// What was said and is not in the log yet, in order.
    unwritten: Vec<Unwritten>,
    mailboxes: Vec<Weak<Mailbox>>,
    closed: bool,
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
    pub(crate) fn new(root: Utf8PathBuf, disk: Arc<dyn Disk>, source: SourceId) -> Self {
        let state = State {
            sequencer: SourceSequencer::new(source),
            log: EventLogWriter::new(Arc::clone(&disk), source),
            alive: None,
            unwritten: Vec::new(),
            mailboxes: Vec::new(),
            closed: false,
        };
        Self { source, root, disk, state: Mutex::new(state), closing: AtomicBool::new(false) }
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

    pub(crate) fn subscribe(&self) -> Feed {
        self.subscribe_with(QUEUE_CAPACITY)
    }

    /// Subscribes with a queue for `capacity` events.
    pub(crate) fn subscribe_with(&self, capacity: NonZeroUsize) -> Feed {
        let mailbox = Arc::new(Mailbox::new(capacity));
        let mut state = self.lock();
        if state.closed {
            mailbox.close();
        }
        // Those who are gone are found when something is said; who only comes and goes says nothing.
        state.mailboxes.retain(|mailbox| mailbox.strong_count() > 0);
        state.mailboxes.push(Arc::downgrade(&mailbox));
        Feed::new(mailbox, Arc::clone(&self.disk), self.source)
    }

    /// How many subscribers it knows of.
    #[cfg(test)]
    pub(crate) fn subscribers(&self) -> usize {
        self.lock().mailboxes.len()
    }

    /// Says something that is not an end.
    pub(crate) fn say(&self, said: Said) {
        let mut state = self.lock();
        if state.number(said, None).is_none() {
            return;
        }
        if let Err(error) = self.write(&mut state) {
            tracing::warn!(%error, "an event waits for the log");
        }
    }

    /// Says how an operation ended: stored first, then told.
    pub(crate) fn end(&self, kind: OperationKind, said: Said) -> Result<Outcome, OutcomeNotDurable> {
        let operation_id = said.operation_id;
        let not_durable = |message: String| OutcomeNotDurable { operation_id, message };
        let mut state = self.lock();
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
        if !state.unwritten.is_empty()
            && let Err(error) = self.write(&mut state)
        {
            tracing::warn!(%error, "the log ends early; whoever opens the project next completes it");
        }
        for mailbox in state.mailboxes.drain(..).filter_map(|mailbox| mailbox.upgrade()) {
            mailbox.close();
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
        state.tell(written.is_ok());
        written
    }

    fn append(&self, state: &mut State) -> Result<(), LogError> {
        if state.alive.as_ref().is_some_and(|alive| !alive.still_valid()) {
            // Somebody deleted `.packer/`. What follows must not go into a file that nobody can find.
            state.alive = None;
            state.log = EventLogWriter::new(Arc::clone(&self.disk), self.source);
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
        let sync = state.unwritten.iter().any(|unwritten| unwritten.event.terminal);
        state.log.append_lines(&lines, sync)?;
        Ok(())
    }
}

impl State {
    /// Gives what was said its numbers; from then on it waits for the log.
    fn number(&mut self, said: Said, kind: Option<OperationKind>) -> Option<Arc<Event>> {
        let draft = Draft {
            operation_id: said.operation_id,
            causation_id: said.causation_id,
            time: clock::now(),
            base_revision: said.base_revision,
            result_revision: said.result_revision,
            body: said.body,
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

    /// Hands on what nobody was told of yet: all of it once it is `written`, otherwise up to the first end.
    fn tell(&mut self, written: bool) {
        for unwritten in &mut self.unwritten {
            if !written && unwritten.event.terminal {
                break;
            }
            if !std::mem::replace(&mut unwritten.told, true) {
                let event = &unwritten.event;
                let outcome = unwritten.kind.and_then(|kind| Outcome::of(event, kind, Provenance::Live));
                self.mailboxes.retain(|mailbox| match mailbox.upgrade() {
                    Some(mailbox) => {
                        mailbox.put(event, outcome.clone());
                        true
                    }
                    None => false,
                });
            }
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
    Log(#[from] packer_fs::event_log::EventLogError),
}
