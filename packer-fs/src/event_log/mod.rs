//! The event log of one source: one line an event, appended, never changed, in segments that are dropped from the oldest on.
//!
//! Lines are opaque texts; what they say, when one must be durable, and which segments are still wanted is the runtime's
//! business. The line at position `n` is the `n`-th that the source appended, so a segment, whose name says the position of
//! its first line, has no other numbers in it. The log is made when the first line is appended. A line whose append failed
//! is not in the log: what was written of it is cut off, at the latest by the next append.
//!
//! A segment is durable as a whole before the next one is there. Beside a segment stand, as *carried* lines, those that
//! whoever reads from there on has to know of what came before. Segments leave from the oldest on, and none durably before
//! those before it, so what is left is always contiguous.
//!
//! After a crash, the last segment can end in the middle of a line, and what was not synced can be anything:
//! [`trim_torn_tail`] cuts it back to the last line that can be whole. A reader that follows a log sees only lines that are
//! ended; it may have seen some that are cut off again, and then says so once others stand there.
//!
//! Limits: a line has at most [`MAX_LINE_BYTES`] bytes.

mod names;
mod reader;
mod retire;
mod segment;
mod trail;
mod whole;
mod writer;

pub use names::{LogNames, list, listing};
pub use reader::EventLogReader;
pub use retire::{LogBounds, drop_ended, remove_log, surplus_logs};
pub use whole::{WholeLog, carried, make_durable, read_whole, trim_torn_tail};
pub use writer::EventLogWriter;

use camino::Utf8PathBuf;
use packer_domain::identity::SourceId;
use thiserror::Error;

use crate::disk::DiskError;

/// The most bytes of a line, without its end.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// Why a log could not be written or read.
#[derive(Debug, Error)]
pub enum EventLogError {
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What was to be appended is no line.
    #[error("an event of {bytes} bytes is not one line of text, or too long")]
    NotALine {
        /// Its length.
        bytes: usize,
    },
    /// The file has a line that no packer wrote.
    #[error("{path} has a line of over {MAX_LINE_BYTES} bytes at {offset}")]
    LineTooLong {
        /// The log.
        path: Utf8PathBuf,
        /// Where it begins.
        offset: u64,
    },
    /// Lines are missing between two segments, or before the first.
    #[error("the log of {source_id}: {hole}")]
    Hole {
        /// Whose log.
        source_id: SourceId,
        /// Which.
        hole: LogHole,
    },
    /// Lines that were read were cut off the log, and others stand in their place.
    #[error("the log of {source_id}: the events from position {position} on were cut off, and others follow")]
    CutOff {
        /// Whose log.
        source_id: SourceId,
        /// The position of the first of them.
        position: u64,
    },
}

/// Positions that are in no segment, though later ones are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the events after position {after} and before {next} are missing")]
pub struct LogHole {
    /// The last position before them.
    pub after: u64,
    /// The first position after them.
    pub next: u64,
}

/// Whether a line can be one that was appended: texts have no control characters, zeros that a crash left are some.
fn is_whole(line: &[u8]) -> bool {
    line.iter().all(|byte| *byte >= b' ')
}

#[cfg(test)]
mod tests;
