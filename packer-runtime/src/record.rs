//! The recorded story: every event that the logs of a project hold.

use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::identity::SourceId;
use packer_events::event::Event;
use packer_events::replay::Replay;
use packer_events::wire::read_log;
use packer_fs::disk::{Disk, DiskError, OsDisk};
use packer_fs::event_log::{self, LogHole};

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
    /// How many lines are no events.
    pub damaged_lines: u64,
    /// Which events are missing between others.
    pub holes: Vec<LogHole>,
    /// The position of its last line; 0 where it has none and never had.
    pub last_position: u64,
}

/// The logs of the project in `root`, in the order in which their sources began. Opens no project and writes nothing.
pub fn recorded_logs(root: &Utf8Path) -> Result<Vec<RecordedLog>, DiskError> {
    let disk = OsDisk::new(root.to_owned());
    let mut logs = Vec::new();
    // Sources are uuids of version 7, which sort by when they were drawn.
    for source in event_log::list(&disk)? {
        logs.extend(read_source(&disk, source)?);
    }
    Ok(logs)
}

/// The log of one source; none if it has none.
pub(crate) fn read_source(disk: &dyn Disk, source: SourceId) -> Result<Option<RecordedLog>, DiskError> {
    let Some(whole) = event_log::read_whole(disk, source, MAX_SEGMENT_BYTES)? else { return Ok(None) };
    let last_position = whole.last_position();
    let events = |bytes: &[u8]| {
        let read = read_log(bytes);
        (read.events.into_iter().map(Arc::new).collect::<Vec<_>>(), read.damaged_lines)
    };
    let (carried, mut damaged_lines) = events(&whole.carried);
    let mut log = RecordedLog {
        source,
        carried,
        events: Vec::new(),
        damaged_lines: 0,
        holes: whole.holes,
        last_position,
    };
    for (_, bytes) in whole.segments {
        let (mut found, damaged) = events(&bytes);
        log.events.append(&mut found);
        damaged_lines += damaged;
    }
    log.damaged_lines = damaged_lines;
    Ok(Some(log))
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
