//! Reading a log of events: what it holds, which lines are damaged, and the torn tail that a crash leaves.
//!
//! Trimming and mending files is the business of whoever holds the log's lock. A line is complete with its newline: an
//! event is told to nobody before its line is on disk as a whole, so what lacks a newline was never told.

use thiserror::Error;

use super::{DecodeError, decode_line};
use crate::event::Event;

/// How many damaged lines are listed; the others are only counted.
pub const MAX_DAMAGED_LISTED: usize = 100;

/// What the bytes of a log hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRead {
    /// The events, in the order of the lines.
    pub events: Vec<Event>,
    /// The number of the line of each, from 1.
    pub lines: Vec<u64>,
    /// The first [`MAX_DAMAGED_LISTED`] lines that are not events, though something readable or foreign follows.
    pub damaged: Vec<DamagedLine>,
    /// How many such lines there are.
    pub damaged_lines: u64,
    /// The rest that a crash left behind the last intact line.
    pub torn: Option<TornTail>,
    /// The offset after the last intact line: where a reader that follows the log goes on.
    pub end: usize,
}

/// A line that is not an event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {error}")]
pub struct DamagedLine {
    /// Its number, from 1.
    pub line: u64,
    /// The offset of its first byte.
    pub offset: usize,
    /// What is wrong with it.
    #[source]
    pub error: DecodeError,
}

/// The rest of a log behind its last intact line: an unfinished line, or lines that are not JSON.
///
/// Lines of another schema or of unknown types are no torn tail, wherever they stand: somebody meant them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The offset of its first byte: the length to which the log is to be trimmed.
    pub offset: usize,
    /// The number of its first line, from 1.
    pub line: u64,
}

/// Reads the bytes of a log, or of its part from a line's beginning.
pub fn read_log(bytes: &[u8]) -> LogRead {
    let mut read = LogRead::default();
    // Lines that are a torn tail if nothing but their like follows, and damaged ones if something does.
    let mut tail: Option<TornTail> = None;
    let mut in_tail = Vec::new();
    let mut lines_in_tail = 0;
    let mut offset = 0;
    for (number, raw) in (1_u64..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let found = if raw.ends_with(b"\n") { decode_bytes(raw) } else { Err(unfinished(raw)) };
        let line_offset = offset;
        offset += raw.len();
        if let Err(error @ DecodeError::Syntax { .. }) = found {
            tail.get_or_insert(TornTail { offset: line_offset, line: number });
            lines_in_tail += 1;
            if in_tail.len() < MAX_DAMAGED_LISTED {
                in_tail.push(DamagedLine { line: number, offset: line_offset, error });
            }
            continue;
        }
        tail = None;
        for damaged in in_tail.drain(..) {
            read.list(damaged);
        }
        read.damaged_lines += lines_in_tail;
        lines_in_tail = 0;
        read.end = offset;
        match found {
            Ok(event) => {
                read.events.push(event);
                read.lines.push(number);
            }
            Err(error) => {
                read.damaged_lines += 1;
                read.list(DamagedLine { line: number, offset: line_offset, error });
            }
        }
    }
    read.torn = tail;
    read
}

impl LogRead {
    fn list(&mut self, line: DamagedLine) {
        if self.damaged.len() < MAX_DAMAGED_LISTED {
            self.damaged.push(line);
        }
    }
}

fn decode_bytes(raw: &[u8]) -> Result<Event, DecodeError> {
    match std::str::from_utf8(raw) {
        Ok(line) => decode_line(line),
        Err(error) => Err(DecodeError::Syntax {
            column: error.valid_up_to() + 1,
            message: "the line is not UTF-8".to_owned(),
        }),
    }
}

fn unfinished(raw: &[u8]) -> DecodeError {
    DecodeError::Syntax { column: raw.len() + 1, message: "the line has no end".to_owned() }
}
