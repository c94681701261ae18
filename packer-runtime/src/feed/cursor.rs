//! Reading events back out of logs: `LogCursor` for one log from a position on, [`Earlier`] for what a subscriber wants of
//! another source before it follows this one.
//!
//! What is missing on the way is told as [`Missed`], in its place; nothing is passed over silently. To one who follows, so is
//! what was cut off after it was given ([`CutOff`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use packer_domain::identity::{OperationId, SourceId};
use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::wire::{decode_line, read_log};
use packer_fs::disk::Disk;
use packer_fs::event_log::{self, EventLogError, EventLogReader, LogNames};
use packer_fs::layout;

use super::FeedItem;
use super::reckoning::{Placed, Reckoning};
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

/// Events that were given, or said to be missed, and are in the log no more: they were cut off its end, and others stand in
/// their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOff {
    /// Whose events.
    pub source: SourceId,
    /// The last position before them. What follows are the events after it that are in the log now.
    pub after: u64,
}

impl std::fmt::Display for CutOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { source, after } = self;
        write!(f, "the events of {source} after position {after} were cut off its log; others follow")
    }
}

/// What reading on gave.
pub(crate) enum Step {
    Item(FeedItem),
    Missed(Missed),
    /// Only to one who follows.
    CutOff(CutOff),
    /// There is nothing more yet.
    End,
}

/// Reads one log from a position on.
pub(crate) struct LogCursor {
    source: SourceId,
    reader: EventLogReader,
    reckoning: Reckoning,
    /// Up to which position everything was given, said to be missed, or is not wanted.
    after: u64,
    /// What comes next, once what is missing before it was said.
    held: Option<Event>,
    /// How many bytes of lines were read.
    bytes: u64,
    /// What kind each operation is that has no end yet; not wanted by one who follows.
    kinds: Option<BTreeMap<OperationId, OperationKind>>,
}

impl LogCursor {
    /// Opens the log of `source` to read what comes after `after`; `None` if there is no log. What was read is taken to be
    /// there to stay.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        source: SourceId,
        after: u64,
    ) -> Result<Option<Self>, EventLogError> {
        let wanted = after.saturating_add(1);
        let Some(reader) = EventLogReader::open(Arc::clone(disk), source, wanted)? else { return Ok(None) };
        let mut cursor = Self::of(source, reader, after, Some(BTreeMap::new()));
        let carried = event_log::carried(&**disk, source, cursor.reader.segment(), MAX_CARRIED_BYTES)?;
        for event in read_log(&carried).events {
            cursor.learn(&event);
        }
        Ok(Some(cursor))
    }

    /// The same for one who follows: `names` says which segments there are, and so does [`tell`](Self::tell) later. What is
    /// cut off the log after it was read is said. No item has an outcome. Opens no file yet.
    pub(crate) fn following(
        disk: &Arc<dyn Disk>,
        source: SourceId,
        names: &LogNames,
        after: u64,
    ) -> Option<Self> {
        let wanted = after.saturating_add(1);
        let reader = EventLogReader::open_told(Arc::clone(disk), source, names, wanted)?;
        Some(Self::of(source, reader, after, None))
    }

    fn of(
        source: SourceId,
        reader: EventLogReader,
        after: u64,
        kinds: Option<BTreeMap<OperationId, OperationKind>>,
    ) -> Self {
        let reckoning = Reckoning::from(reader.segment());
        Self { source, reader, reckoning, after, held: None, bytes: 0, kinds }
    }

    /// Says which segments there are now.
    pub(crate) fn tell(&mut self, names: &LogNames) {
        self.reader.tell(names);
    }

    /// Says that the log may have been written to since it was read last.
    pub(crate) fn look_again(&mut self) {
        self.reader.look_again();
    }

    /// Lets go of the file.
    pub(crate) fn close(&mut self) {
        self.reader.close();
    }

    /// At which position the segment begins that it reads.
    pub(crate) fn segment(&self) -> u64 {
        self.reader.segment()
    }

    /// How many bytes the lines had that were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Up to which position everything was given, or told to be missed.
    pub(crate) fn after(&self) -> u64 {
        self.after
    }

    /// The next event, up to the one at `last`: what is in the log after it may not be there to stay. Lines that are no
    /// events are missed once something follows them: until then they may be a torn tail, which others take the place of.
    pub(crate) fn next(&mut self, last: u64) -> Result<Step, EventLogError> {
        let event = match self.held.take() {
            Some(event) => event,
            None => match self.read(last)? {
                Read::Event(event) => *event,
                Read::CutOff(cut) => return Ok(Step::CutOff(cut)),
                // What was told and is not here is nowhere.
                Read::Nothing if self.after < last && self.passed() >= last => return Ok(self.missed(last)),
                Read::Nothing => return Ok(Step::End),
            },
        };
        let before = event.position.saturating_sub(1).min(last);
        if self.after < before {
            self.held = Some(event);
            return Ok(self.missed(before));
        }
        if event.position > last {
            self.held = Some(event);
            return Ok(Step::End);
        }
        self.after = event.position;
        Ok(Step::Item(self.item(event)))
    }

    /// Whether it has a segment open. Where it came to an end and has not, that one was dropped, and others may be there by
    /// now.
    pub(crate) fn is_open(&self) -> bool {
        self.reader.is_open()
    }

    /// At the end of the log: says if that comes before `after`. A power cut took what was there, and what comes then has
    /// the same positions.
    pub(crate) fn ends_short(&mut self) -> Option<Missed> {
        let passed = self.passed();
        if passed >= self.after {
            return None;
        }
        let missed = Missed { source: self.source, after: self.after, next: None };
        self.after = passed;
        Some(missed)
    }

    /// At the end of the log, which is at `last`: says if it ends with lines that are no events.
    fn ends_damaged(&mut self, last: u64) -> Option<Step> {
        let passed = self.passed().min(last);
        (passed > self.after).then(|| self.missed(passed))
    }

    /// Up to which position everything was read.
    fn passed(&self) -> u64 {
        self.reckoning.position_of(self.reader.position()).saturating_sub(1)
    }

    /// The next event that is not behind `after`, if the line at `last` is not passed before.
    fn read(&mut self, last: u64) -> Result<Read, EventLogError> {
        while self.passed() < last {
            let line = self.reader.position();
            let read = self.reader.next_line();
            // If the last event said a position that is in this segment already, it was wrong.
            let segment = self.reader.segment();
            let back =
                if segment == self.reckoning.first() { None } else { self.reckoning.begin_segment(segment) };
            let text = match read {
                Err(EventLogError::CutOff { position, .. }) if self.kinds.is_none() => {
                    match self.cut_off(position) {
                        Some(cut) => return Ok(Read::CutOff(cut)),
                        None => continue,
                    }
                }
                read => {
                    self.after = back.map_or(self.after, |back| self.after.min(back));
                    match read {
                        Ok(Some(text)) => text,
                        Ok(None) => break,
                        Err(EventLogError::LineTooLong { path, offset }) => {
                            tracing::debug!(%path, offset, "a line is too long to be read");
                            continue;
                        }
                        Err(EventLogError::CutOff { position, .. }) => {
                            self.reckoning.go_back_to(position);
                            continue;
                        }
                        // What is missing is said before what follows it.
                        Err(EventLogError::Hole { .. }) => continue,
                        Err(error) => return Err(error),
                    }
                }
            };
            self.bytes = self.bytes.saturating_add(text.len() as u64);
            let event = std::str::from_utf8(&text).ok().and_then(|text| decode_line(text).ok());
            let Some(event) = event else { continue };
            match self.reckoning.place(line, event.position) {
                // What stands there again is behind `after`.
                Placed::Next | Placed::Repeated => {}
                Placed::Back => self.after = self.after.min(event.position.saturating_sub(1)),
            }
            self.learn(&event);
            if event.position > self.after {
                return Ok(Read::Event(Box::new(event)));
            }
        }
        Ok(Read::Nothing)
    }

    /// What was read from `line` on is in the log no more; nothing to say if none of it was given.
    fn cut_off(&mut self, line: u64) -> Option<CutOff> {
        let after = self.reckoning.go_back_to(line);
        (after < self.after).then(|| {
            self.after = after;
            CutOff { source: self.source, after }
        })
    }

    fn missed(&mut self, gone: u64) -> Step {
        let missed = Missed { source: self.source, after: self.after, next: gone.checked_add(1) };
        self.after = gone;
        Step::Missed(missed)
    }

    fn learn(&mut self, event: &Event) {
        if let (Some(kinds), EventBody::Accepted { kind, .. }) = (&mut self.kinds, &event.body) {
            kinds.insert(event.operation_id, *kind);
        }
    }

    fn item(&mut self, event: Event) -> FeedItem {
        let event = Arc::new(event);
        let (Some(kinds), Some(ending)) = (&mut self.kinds, event.body.ending()) else {
            return FeedItem { event, outcome: None };
        };
        let kind = kinds.remove(&event.operation_id).or_else(|| ending.kind());
        let outcome = kind.and_then(|kind| Outcome::of(&event, kind, Provenance::Replayed));
        FeedItem { event, outcome }
    }
}

/// What reading the log on gave.
enum Read {
    Event(Box<Event>),
    CutOff(CutOff),
    Nothing,
}

/// How far the log of another source is read, and whether what stands in it stays there.
#[derive(Clone, Copy)]
pub(super) enum Extent {
    /// Nobody writes it any more: to its end.
    Final,
    /// Its end may be cut off again: up to the position that it had before what it holds was made durable.
    UpTo(u64),
}

/// What a subscriber gets before the events of the source that it subscribes to.
///
/// Whoever has the lock of that source may cut the end off its log again, even after it was made durable here: the source
/// itself where its own sync fails, or recovery what stands behind something torn. So while the lock is there, no end is
/// given with its proof, and none that came after what was made durable.
pub(super) enum Earlier {
    /// The rest of another source's log, after a position.
    Wanted(SourceId, u64),
    /// It is being read.
    Reading(Box<LogCursor>, Extent),
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
                Self::Reading(cursor, extent) => match cursor.next(extent.last()) {
                    Ok(Step::End) => {
                        let ended = cursor.ends_short().map(Step::Missed);
                        let ended = ended.or_else(|| cursor.ends_damaged(extent.last()));
                        *self = Self::Over;
                        return ended.unwrap_or(Step::End);
                    }
                    Ok(Step::Item(item)) => return Step::Item(extent.proven(item)),
                    Ok(step) => return step,
                    Err(error) => {
                        let (source, after) = (cursor.source, cursor.after);
                        tracing::warn!(%source, %error, "a log cannot be read");
                        *self = Self::Missed(Missed { source, after, next: None });
                    }
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
        let missed = Self::Missed(Missed { source, after: position, next: None });
        match Self::try_open(disk, source, position) {
            Ok(Some((cursor, extent))) => Self::Reading(Box::new(cursor), extent),
            Ok(None) => missed,
            Err(error) => {
                tracing::warn!(%source, %error, "a log cannot be read");
                missed
            }
        }
    }

    fn try_open(
        disk: &Arc<dyn Disk>,
        source: SourceId,
        position: u64,
    ) -> Result<Option<(LogCursor, Extent)>, EventLogError> {
        let Some(cursor) = LogCursor::open(disk, source, position)? else { return Ok(None) };
        // A lock is there before its log is, and goes only once nothing is written there any more.
        let extent = match disk.stat(&layout::event_lock(source))? {
            Some(_) => Extent::UpTo(end_of(disk, source, position)?),
            None => Extent::Final,
        };
        // What is read here is proof of what it says, and may be in memory only: its process may have died just now.
        event_log::make_durable(&**disk, source)?;
        Ok(Some((cursor, extent)))
    }
}

impl Extent {
    fn last(self) -> u64 {
        match self {
            Self::Final => u64::MAX,
            Self::UpTo(last) => last,
        }
    }

    /// The item, with its proof if it is one.
    fn proven(self, item: FeedItem) -> FeedItem {
        match self {
            Self::Final => item,
            Self::UpTo(_) => FeedItem { outcome: None, ..item },
        }
    }
}

/// The position of the last line that the log of `source` has now, as whoever reads it after `after` comes to it.
fn end_of(disk: &Arc<dyn Disk>, source: SourceId, after: u64) -> Result<u64, EventLogError> {
    let Some(mut cursor) = LogCursor::open(disk, source, after)? else { return Ok(0) };
    while !matches!(cursor.next(u64::MAX)?, Step::End) {}
    Ok(cursor.passed())
}
