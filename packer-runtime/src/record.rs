//! The recorded story: every event that the logs of a project hold.

use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::identity::SourceId;
use packer_events::event::Event;
use packer_events::wire::read_log;
use packer_fs::disk::{Disk, DiskError, OsDisk};
use packer_fs::{event_log, layout};

/// The most bytes of one log that are read.
const MAX_LOG_BYTES: u64 = 1 << 30;

/// The log of one source, as far as it can be read.
#[derive(Clone, Debug)]
pub struct RecordedLog {
    /// Whose it is.
    pub source: SourceId,
    /// Its events, by position.
    pub events: Vec<Arc<Event>>,
    /// How many lines are no events.
    pub damaged_lines: u64,
}

/// The logs of the project in `root`, in the order in which their sources began. Opens no project and writes nothing.
pub fn recorded_logs(root: &Utf8Path) -> Result<Vec<RecordedLog>, DiskError> {
    let disk = OsDisk::new(root.to_owned());
    let mut logs = Vec::new();
    // Sources are uuids of version 7, which sort by when they were drawn.
    for source in event_log::list(&disk)? {
        let bytes = match disk.read(&layout::event_log(source), MAX_LOG_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        let read = read_log(&bytes);
        let events = read.events.into_iter().map(Arc::new).collect();
        logs.push(RecordedLog { source, events, damaged_lines: read.damaged_lines });
    }
    Ok(logs)
}
