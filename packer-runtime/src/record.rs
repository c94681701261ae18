//! The recorded story: every event that the logs of a project hold, and what is missing between them.
//!
//! That a log cannot be read is said in its place ([`Unreadable`]), and is no reason not to tell what the others hold. Who
//! decides by what a log says asks for that one, and is told of the error.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::SourceId;
use packer_events::body::EventBody;
use packer_events::event::Event;
use packer_events::interleave::told_by_half;
use packer_events::replay::Replay;
use packer_events::wire::{LogRead, read_log};
use packer_fs::disk::{Disk, DiskError, DiskOperation, OsDisk};
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
    /// Why nothing of it could be read, although it is there.
    pub unreadable: Option<Unreadable>,
}

/// A log that is there and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Whose it is.
    pub source: SourceId,
    /// The file.
    pub path: Utf8PathBuf,
    /// Why not.
    pub kind: ErrorKind,
    operation: DiskOperation,
}

impl Unreadable {
    pub(crate) fn of(source: SourceId, error: &DiskError) -> Self {
        let (operation, path, kind) = (error.operation, error.path.clone(), error.source.kind());
        Self { source, path, kind, operation }
    }

    /// As what it is for who needs that log.
    pub(crate) fn into_error(self) -> DiskError {
        let Self { operation, path, kind, .. } = self;
        DiskError { operation, path, source: io::Error::from(kind) }
    }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { source, path, kind, .. } = self;
        write!(f, "the log of {source} cannot be read: {path}: {kind}")
    }
}

/// The logs of the project in `root`, in the order in which their sources began, those that cannot be read among them. Opens
/// no project and writes nothing. They are read one after the other, and read again where that tells a recovery by half: so
/// where one began or ended, the end that it wrote is there, too.
pub fn recorded_logs(root: &Utf8Path) -> Result<Vec<RecordedLog>, DiskError> {
    recorded_on(&OsDisk::new(root.to_owned()))
}

/// The same on a disk.
pub(crate) fn recorded_on(disk: &dyn Disk) -> Result<Vec<RecordedLog>, DiskError> {
    // Sources are uuids of version 7, which sort by when they were drawn.
    let mut logs: BTreeMap<SourceId, RecordedLog> = BTreeMap::new();
    let mut known = BTreeSet::new();
    loop {
        for (source, names) in event_log::listing(disk)? {
            let before = logs.get(&source);
            // To what has no lock nothing is added.
            if before.is_some_and(|log| !log.may_live && !names.has_lock) {
                continue;
            }
            if let Some(log) = read_or_say(disk, source, &names)
                && (before.is_none() || log.unreadable.is_none())
            {
                logs.insert(source, log);
            }
        }
        // What a recovery said while one log was read after the other is there by now; what still is not, is gone.
        let events = logs.values().flat_map(|log| log.carried.iter().chain(&log.events));
        let mut half = told_by_half(events.map(|event| &**event));
        if half.is_subset(&known) {
            return Ok(logs.into_values().collect());
        }
        known.append(&mut half);
    }
}

/// The log of one source, or that it cannot be read; none if it has none.
fn read_or_say(disk: &dyn Disk, source: SourceId, names: &LogNames) -> Option<RecordedLog> {
    read_named(disk, source, names).unwrap_or_else(|error| {
        tracing::warn!(%source, %error, "a log cannot be read");
        let mut log = Reading::of(source, WholeLog::default(), names.has_lock);
        log.unreadable = Some(Unreadable::of(source, &error));
        Some(log)
    })
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
            unreadable: None,
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

#[cfg(test)]
mod tests {
    use packer_events::body::OperationKind;
    use packer_fs::layout;

    use super::*;
    use crate::clock::draw;
    use crate::feed::Bus;
    use crate::operation::Operation;
    use crate::testing::HookedDisk;

    /// A project in which several sources said something, one after the other.
    struct Bench {
        _folder: tempfile::TempDir,
        disk: Arc<HookedDisk>,
        sources: Vec<SourceId>,
    }

    impl Bench {
        fn new(sources: usize) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
            let disk = Arc::new(HookedDisk::new(root.clone()));
            let mut drawn: Vec<SourceId> = (0..sources).map(|_| SourceId::drawn(draw())).collect();
            drawn.sort();
            for source in &drawn {
                let shared: Arc<dyn Disk> = Arc::clone(&disk) as _;
                let bus = Arc::new(Bus::new(root.clone(), shared, *source, event_log::LogBounds::default()));
                let _said = Operation::accept(&bus, OperationKind::Refresh, "look".to_owned(), None, None);
            }
            Self { _folder: folder, disk, sources: drawn }
        }
    }

    #[test]
    fn one_log_that_cannot_be_read_is_said_and_the_others_are_told() {
        let bench = Bench::new(3);
        let path = layout::event_log(bench.sources[1]);
        let locked = path.clone();
        bench.disk.hook(move |name, at| {
            let is_refused = name == "open" && at == locked;
            if is_refused { Err(ErrorKind::PermissionDenied.into()) } else { Ok(()) }
        });
        let logs = recorded_on(&*bench.disk).unwrap();
        let told: Vec<_> = logs.iter().map(|log| (log.source, log.events.len())).collect();
        let [first, second, third] = bench.sources[..] else { panic!("three were drawn") };
        assert_eq!(told, [(first, 1), (second, 0), (third, 1)]);
        let unreadable: Vec<_> = logs.iter().filter_map(|log| log.unreadable.clone()).collect();
        assert_eq!(unreadable.len(), 1);
        assert_eq!((unreadable[0].source, unreadable[0].kind), (second, ErrorKind::PermissionDenied));
        assert_eq!(
            unreadable[0].to_string(),
            format!("the log of {second} cannot be read: {path}: permission denied")
        );
        assert!(logs[1].may_live && logs[1].damaged_lines == 0 && logs[1].holes.is_empty());
        // Who needs just that one is told of the error.
        assert_eq!(read_source(&*bench.disk, second).unwrap_err().source.kind(), ErrorKind::PermissionDenied);
    }
}
