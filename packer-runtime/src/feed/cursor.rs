//! Reading events back out of logs: `LogCursor` for one log from a position on, [`Earlier`] for what a subscriber wants of
//! another source before it follows this one.
//!
//! What is missing on the way is told as [`Missed`], in its place; nothing is passed over silently.

use std::collections::BTreeMap;
use std::sync::Arc;

use packer_domain::identity::{OperationId, SourceId};
use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::wire::{decode_line, read_log};
use packer_fs::disk::Disk;
use packer_fs::event_log::{self, EventLogError, EventLogReader, EventLogWriter};

use super::FeedItem;
use crate::outcome::{Outcome, Provenance};

/// The most bytes of carried lines that are read.
const MAX_CARRIED_BYTES: u64 = 1 << 30;

/// Events that are in no log any more, or never were: dropped as its bounds say, deleted, or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Whose events.
    pub source: SourceId,
    /// The last position before them.
    pub after: u64,
    /// The first position after them; none if nothing is there of the source after `after`, and nobody can say whether
    /// there was.
    pub next: Option<u64>,
}

impl std::fmt::Display for Missed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { source, after, next } = self;
        match next {
            Some(next) => {
                write!(f, "the events of {source} after position {after} and before {next} are gone")
            }
            None => write!(f, "what came after position {after} of {source} is gone, if there was anything"),
        }
    }
}

/// What reading on gave.
pub(crate) enum Step {
    Item(FeedItem),
    Missed(Missed),
    /// There is nothing more yet.
    End,
}

/// Reads one log from a position on.
pub(crate) struct LogCursor {
    source: SourceId,
    reader: EventLogReader,
    /// What was read, or is not wanted.
    after: u64,
    kinds: BTreeMap<OperationId, OperationKind>,
}

impl LogCursor {
    /// Opens the log of `source` to read what comes after `after`; `None` if there is no log.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        source: SourceId,
        after: u64,
    ) -> Result<Option<Self>, EventLogError> {
        let wanted = after.saturating_add(1);
        let Some(reader) = EventLogReader::open(Arc::clone(disk), source, wanted)? else { return Ok(None) };
        let mut cursor = Self { source, reader, after, kinds: BTreeMap::new() };
        let carried = event_log::carried(&**disk, source, cursor.reader.segment(), MAX_CARRIED_BYTES)?;
        for event in read_log(&carried).events {
            cursor.learn(&event);
        }
        Ok(Some(cursor))
    }

    /// Up to which position everything was given, or told to be missed.
    pub(crate) fn after(&self) -> u64 {
        self.after
    }

    /// The next event, up to the one at `last`: what is in the log after it may not be there to stay.
    pub(crate) fn next(&mut self, last: u64) -> Step {
        loop {
            let position = self.reader.position();
            if let Some(gone) = position.checked_sub(1).filter(|gone| self.after < *gone && self.after < last)
            {
                return self.missed(gone.min(last));
            }
            if position > last {
                return Step::End;
            }
            let line = match self.reader.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => return Step::End,
                Err(EventLogError::Hole { .. }) => continue,
                Err(error) => {
                    tracing::warn!(source = %self.source, %error, "a log cannot be read");
                    return Step::End;
                }
            };
            let event = std::str::from_utf8(&line).ok().and_then(|line| decode_line(line).ok());
            let Some(event) = event.filter(|event| event.position == position) else {
                if position > self.after {
                    return self.missed(position);
                }
                continue;
            };
            self.learn(&event);
            if position > self.after {
                self.after = position;
                return Step::Item(self.item(event));
            }
        }
    }

    fn missed(&mut self, gone: u64) -> Step {
        let missed = Missed { source: self.source, after: self.after, next: gone.checked_add(1) };
        self.after = gone;
        Step::Missed(missed)
    }

    fn learn(&mut self, event: &Event) {
        if let EventBody::Accepted { kind, .. } = &event.body {
            self.kinds.insert(event.operation_id, *kind);
        }
    }

    fn item(&mut self, event: Event) -> FeedItem {
        let event = Arc::new(event);
        let Some(ending) = event.body.ending() else { return FeedItem { event, outcome: None } };
        let kind = self.kinds.remove(&event.operation_id).or_else(|| ending.kind());
        let outcome = kind.and_then(|kind| Outcome::of(&event, kind, Provenance::Replayed));
        FeedItem { event, outcome }
    }
}

/// What a subscriber gets before the events of the source that it subscribes to.
pub(super) enum Earlier {
    /// The rest of another source's log, after a position.
    Wanted(SourceId, u64),
    /// It is being read.
    Reading(Box<LogCursor>),
    /// That something is missing.
    Missed(Missed),
    /// Nothing.
    Over,
}

impl Earlier {
    pub(super) fn new(source: SourceId, position: u64) -> Self {
        Self::Wanted(source, position)
    }

    /// The next of it.
    pub(super) fn next(&mut self, disk: &Arc<dyn Disk>) -> Step {
        loop {
            match self {
                Self::Wanted(source, position) => *self = Self::open(disk, *source, *position),
                Self::Reading(cursor) => match cursor.next(u64::MAX) {
                    // It ends before what is known of it: a power cut took it, and what came then has other positions.
                    Step::End if cursor.reader.position() <= cursor.after => {
                        let (source, after) = (cursor.source, cursor.after);
                        *self = Self::Missed(Missed { source, after, next: None });
                    }
                    Step::End => *self = Self::Over,
                    step => return step,
                },
                Self::Missed(missed) => {
                    let missed = *missed;
                    *self = Self::Over;
                    return Step::Missed(missed);
                }
                Self::Over => return Step::End,
            }
        }
    }

    fn open(disk: &Arc<dyn Disk>, source: SourceId, position: u64) -> Self {
        let opened = LogCursor::open(disk, source, position).and_then(|cursor| {
            let Some(cursor) = cursor else { return Ok(None) };
            // What is read here is proof of what it says, and may be in memory only: its process may have died just now.
            EventLogWriter::continuing(Arc::clone(disk), source)?.append_lines(&[], true)?;
            Ok(Some(cursor))
        });
        let missed = Self::Missed(Missed { source, after: position, next: None });
        match opened {
            Ok(Some(cursor)) => Self::Reading(Box::new(cursor)),
            Ok(None) => missed,
            Err(error) => {
                tracing::warn!(%source, %error, "a log cannot be read");
                missed
            }
        }
    }
}
