//! The recorded story: every event that the logs of a project hold, and what is missing between them.

use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::identity::SourceId;
use packer_events::body::EventBody;
use packer_events::event::Event;
use packer_events::replay::Replay;
use packer_events::wire::{LogRead, read_log};
use packer_fs::disk::{Disk, DiskError, OsDisk};
use packer_fs::event_log::{self, LogHole, LogNames, WholeLog};

use crate::feed::{Placed, Reckoning};

/// The most bytes of one segment of a log that are read.
const MAX_SEGMENT_BYTES: u64 = 1 << 30;

/// The log of one source, as far as it can be read.
#[derive(Clone, Debug)]
pub struct RecordedLog {
    /// Whose it is.
    pub source: SourceId,
    /// Where its first segments were dropped: how the operations began that ran at that time, and what each said last.
    pub carried: Vec<Arc<Event>>,
    /// Its events, by position.
    pub events: Vec<Arc<Event>>,
    /// How many lines are no events, or not where they stand.
    pub damaged_lines: u64,
    /// Which events are missing: between others, or before the first though nothing tells how operations began that it is of.
    pub holes: Vec<LogHole>,
    /// The position of its last line; 0 where it has none and never had.
    pub last_position: u64,
    /// The position of the last line before its torn tail. What comes after it may be cut off, and others take its place.
    pub intact_position: u64,
    /// Whether its source can be alive: it has a lock. Of one that has none, nothing comes any more.
    pub may_live: bool,
}

/// The logs of the project in `root`, in the order in which their sources began. Opens no project and writes nothing.
pub fn recorded_logs(root: &Utf8Path) -> Result<Vec<RecordedLog>, DiskError> {
    let disk = OsDisk::new(root.to_owned());
    let mut logs = Vec::new();
    // Sources are uuids of version 7, which sort by when they were drawn.
    for (source, names) in event_log::listing(&disk)? {
        logs.extend(read_named(&disk, source, &names)?);
    }
    Ok(logs)
}

/// The log of one source; none if it has none.
pub(crate) fn read_source(disk: &dyn Disk, source: SourceId) -> Result<Option<RecordedLog>, DiskError> {
    let names = event_log::listing(disk)?.remove(&source).unwrap_or_default();
    read_named(disk, source, &names)
}

/// The log of one source, of which `names` was listed a moment ago.
fn read_named(disk: &dyn Disk, source: SourceId, names: &LogNames) -> Result<Option<RecordedLog>, DiskError> {
    let whole = event_log::read_whole(disk, source, names, MAX_SEGMENT_BYTES)?;
    Ok(whole.map(|whole| Reading::of(source, whole, names.has_lock)))
}

/// A log amid being read.
struct Reading {
    log: RecordedLog,
    reckoning: Reckoning,
    /// The position of the next line.
    expected: u64,
}

impl Reading {
    fn of(source: SourceId, whole: WholeLog, may_live: bool) -> RecordedLog {
        let begins = whole.segments.first().map_or(1, |(first, _)| *first);
        let carried = read_log(&whole.carried);
        let log = RecordedLog {
            source,
            carried: carried.events.into_iter().map(Arc::new).collect(),
            events: Vec::new(),
            damaged_lines: carried.damaged_lines,
            holes: Vec::new(),
            last_position: 0,
            intact_position: 0,
            may_live,
        };
        let mut reading = Self { log, reckoning: Reckoning::from(begins), expected: begins };
        for (first, bytes) in whole.segments {
            reading.segment(first, &bytes);
        }
        let mut log = reading.log;
        if begins > 1
            && whole.carried.is_empty()
            && log.events.first().is_some_and(|event| !is_beginning(event))
        {
            // Where a segment is begun while something runs, what is carried over stands beside it.
            log.holes.insert(0, LogHole { after: 0, next: begins });
        }
        log
    }

    fn segment(&mut self, first: u64, bytes: &[u8]) {
        if self.reckoning.begin_segment(first).is_some() {
            self.take_back();
        }
        if first > self.expected {
            self.hole(first);
        }
        self.expected = first;
        let LogRead { events, lines, damaged_lines, torn, .. } = read_log(bytes);
        self.log.damaged_lines += damaged_lines;
        let line = |number: u64| first.saturating_add(number - 1);
        for (event, number) in events.into_iter().zip(lines) {
            self.event(event, line(number));
        }
        let ended = bytes.split(|byte| *byte == b'\n').count() as u64 - 1;
        let position = |lines: u64| self.reckoning.position_of(line(lines + 1)).saturating_sub(1);
        self.log.intact_position = position(torn.map_or(ended, |torn| torn.line - 1));
        self.log.last_position = position(ended);
        self.expected = self.log.last_position.saturating_add(1);
    }

    fn event(&mut self, event: Event, line: u64) {
        let reckoned = self.reckoning.position_of(line);
        match self.reckoning.place(line, event.position) {
            Placed::Next => {
                // Damaged lines are no hole; they are counted.
                if event.position > reckoned {
                    self.hole(event.position);
                }
            }
            Placed::Repeated => {
                self.log.damaged_lines += 1;
                return;
            }
            Placed::Back => self.take_back(),
        }
        self.expected = event.position.saturating_add(1);
        self.log.events.push(Arc::new(event));
    }

    /// The last event said a wrong position.
    fn take_back(&mut self) {
        if let Some(wrong) = self.log.events.pop() {
            self.log.damaged_lines += 1;
            self.log.holes.retain(|hole| hole.next != wrong.position);
        }
    }

    fn hole(&mut self, next: u64) {
        self.log.holes.push(LogHole { after: self.expected.saturating_sub(1), next });
    }
}

fn is_beginning(event: &Event) -> bool {
    matches!(event.body, EventBody::Accepted { .. })
}

impl RecordedLog {
    /// Everything that is told of the operations of this source, in order.
    pub(crate) fn story(&self) -> impl Iterator<Item = &Event> {
        self.carried.iter().chain(&self.events).map(AsRef::as_ref)
    }

    /// The operations that it tells of.
    pub(crate) fn replay(&self) -> Replay {
        Replay::fold(self.story())
    }
}
