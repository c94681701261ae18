//! `EventQueue`: the bounded queue of one subscriber.
//!
//! It never blocks its emitter and never loses a lifecycle event: what does not fit, or fits only by going through the whole
//! queue for each event, is left to the log, and the queue says from where. It holds no more than its [`QueueBounds`] say, by
//! number and by length, shared with other subscribers' queues where they are not coalesced; during a push one more, and 3
//! words for each while merging. How long an event is, its emitter says: an event that is longer than all of the queue may be
//! is left to the log like any other that does not fit.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use packer_domain::identity::SourceId;
use thiserror::Error;

use super::merge_queued;
use crate::event::Event;

/// Merging that leaves more than all but one part in so many of a queue's capacity taken is not worth repeating: each event
/// costs its emitter at most as many looks at a queued one as this, and a few.
const CROWDED: usize = 8;

/// How much a queue holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueBounds {
    /// How many events.
    pub events: NonZeroUsize,
    /// How long they are together, in bytes, each as long as its emitter said.
    pub bytes: usize,
}

impl QueueBounds {
    /// Whether so much leaves so little room that it is not worth looking again for something to merge.
    fn are_nearly_met(self, events: usize, bytes: usize) -> bool {
        events > self.events.get() - self.events.get() / CROWDED || bytes > self.bytes - self.bytes / CROWDED
    }
}

/// An event in a queue, and what its emitter hands over beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued<A = ()> {
    /// The event.
    pub event: Arc<Event>,
    /// How long it is, as its emitter said: what it accounts for beside itself is not in it.
    pub bytes: usize,
    /// What travels with it; dropped with it when it is coalesced.
    pub attachment: A,
}

/// Where the log continues what a queue could not take.
#[must_use = "what did not fit into the queue must be read from the log"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spill {
    /// Whose log.
    pub source: SourceId,
    /// The position of the last event that the queue took; the log is to be read after it.
    pub after: u64,
}

/// Why a queue cannot follow its emitter again yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResumeError {
    /// Events from before the spill are still in the queue.
    #[error("{queued} events from before the spill are not delivered yet")]
    Undelivered {
        /// How many.
        queued: usize,
    },
    /// The emitter went on meanwhile.
    #[error("the log holds events up to position {newest}")]
    Behind {
        /// The position up to which the log is to be read.
        newest: u64,
    },
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Takes events; those up to `after` were delivered or are queued.
    Following { after: Option<(SourceId, u64)> },
    /// Takes none: the log has them, up to `newest`.
    Spilled { spill: Spill, newest: u64 },
}

/// The events of one source that one subscriber has not taken yet.
#[derive(Clone, Debug)]
pub struct EventQueue<A = ()> {
    bounds: QueueBounds,
    entries: VecDeque<Queued<A>>,
    /// How long all of them are together.
    bytes: usize,
    state: State,
}

impl<A> EventQueue<A> {
    /// An empty queue that takes what comes from now on.
    pub fn new(bounds: QueueBounds) -> Self {
        Self { bounds, entries: VecDeque::new(), bytes: 0, state: State::Following { after: None } }
    }

    /// A queue whose subscriber wants the log after `from` first; `newest` is the latest position of the source. When
    /// it has read that far, [`Self::resume`] lets it follow, with no gap and no repeat.
    pub fn behind(bounds: QueueBounds, from: Spill, newest: u64) -> Self {
        Self { bounds, entries: VecDeque::new(), bytes: 0, state: State::Spilled { spill: from, newest } }
    }

    /// Hands the queue the next event of the source, which is in the log already, and takes so many `bytes`.
    ///
    /// `Err` says that it did not fit, nor will anything after it until [`Self::resume`]: the subscriber takes what is
    /// queued, then reads the log. An event that was read from the log already is passed over.
    pub fn push(&mut self, event: Arc<Event>, bytes: usize, attachment: A) -> Result<(), Spill> {
        let (source, position) = (event.source, event.position);
        match &mut self.state {
            State::Spilled { spill, newest } => {
                *newest = position.max(*newest);
                return Err(*spill);
            }
            State::Following { after: Some((last_source, last)) }
                if *last_source == source && position <= *last =>
            {
                return Ok(());
            }
            State::Following { .. } => {}
        }
        let is_too_long = bytes > self.bounds.bytes.saturating_sub(self.bytes);
        if is_too_long {
            // Without this event, so that it accounts for no other and can be left to the log as it is.
            self.merge();
            if bytes > self.bounds.bytes.saturating_sub(self.bytes) {
                return Err(self.spill(source, position));
            }
        }
        self.entries.push_back(Queued { event, bytes, attachment });
        self.bytes += bytes;
        let is_one_too_many = self.entries.len() > self.bounds.events.get();
        if is_one_too_many {
            self.merge();
        }
        if self.entries.len() > self.bounds.events.get() {
            // Nothing was merged, so here neither does the event account for any other.
            self.entries.pop_back();
            self.bytes -= bytes;
            return Err(self.spill(source, position));
        }
        let was_full = is_too_long || is_one_too_many;
        self.state = if was_full && self.bounds.are_nearly_met(self.entries.len(), self.bytes) {
            // Next to nothing could be merged, and each further event would have it tried again: what comes is left to the
            // log.
            State::Spilled { spill: Spill { source, after: position }, newest: position }
        } else {
            State::Following { after: Some((source, position)) }
        };
        Ok(())
    }

    fn merge(&mut self) {
        merge_queued(&mut self.entries);
        self.bytes = self.entries.iter().map(|queued| queued.bytes).sum();
    }

    /// Leaves the event at `position`, and what follows it, to the log.
    fn spill(&mut self, source: SourceId, position: u64) -> Spill {
        let after = match self.state {
            State::Following { after: Some((_, after)) } => after,
            _ => position.saturating_sub(1),
        };
        let spill = Spill { source, after };
        self.state = State::Spilled { spill, newest: position };
        spill
    }

    /// Takes the oldest event out.
    pub fn pop(&mut self) -> Option<Queued<A>> {
        let queued = self.entries.pop_front()?;
        self.bytes -= queued.bytes;
        Some(queued)
    }

    /// Everything that is queued, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Queued<A>> {
        self.entries.iter()
    }

    /// How many events are queued.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How long the events that are queued are together, each as long as its emitter said.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no event is queued; more may be in the log.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where the log continues, while the queue takes nothing.
    pub fn spilled(&self) -> Option<Spill> {
        match self.state {
            State::Following { .. } => None,
            State::Spilled { spill, .. } => Some(spill),
        }
    }

    /// Follows the emitter again, after the subscriber took all that was queued and the log up to `read_up_to`. Refused
    /// while either is not so; on [`ResumeError::Behind`] it reads on and asks again.
    pub fn resume(&mut self, read_up_to: u64) -> Result<(), ResumeError> {
        let State::Spilled { spill, newest } = self.state else { return Ok(()) };
        if !self.entries.is_empty() {
            return Err(ResumeError::Undelivered { queued: self.entries.len() });
        }
        if read_up_to < newest {
            return Err(ResumeError::Behind { newest });
        }
        self.state = State::Following { after: Some((spill.source, read_up_to)) };
        Ok(())
    }
}
