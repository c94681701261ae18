//! `Trail`: which lines of a segment were read last, so that it is noticed when they were cut off and others stand there.
//!
//! Lines are cut off the end of a log when their sync failed, and when whoever takes over the log of a dead process trims
//! its torn tail. Only the end is ever cut off, so where a line still stands, all before it do.
//!
//! Limits: the last [`KEPT`] lines are remembered, and of each where it ends and what tells its first [`CHECKED_BYTES`] apart
//! from others.

use std::collections::VecDeque;

/// How many lines are remembered.
pub(super) const KEPT: usize = 256;

/// How much of a line is looked at to tell whether it is the same. An event has its numbers and its time within that.
pub(super) const CHECKED_BYTES: usize = 4096;

/// A line that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadLine {
    pub(super) position: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) check: u64,
}

/// The lines of one segment that were read last.
#[derive(Debug, Default)]
pub(super) struct Trail(VecDeque<ReadLine>);

/// What tells the beginning of a line from another one.
pub(super) fn check(head: &[u8]) -> u64 {
    let hash = blake3::hash(head);
    let (bytes, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    u64::from_le_bytes(*bytes)
}

impl Trail {
    pub(super) fn push(&mut self, line: ReadLine) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    /// The line that was read last.
    pub(super) fn last(&self) -> Option<&ReadLine> {
        self.0.back()
    }

    /// Where reading goes on once `stands` says which line is the last that still stands: the place after that, and the
    /// position of what stands there. None where even the first line that is remembered is gone, and others before it
    /// may be: then nobody knows how many.
    pub(super) fn cut_after(&self, stands: Option<usize>) -> Option<(u64, u64)> {
        match stands {
            Some(index) => self.0.get(index).map(|line| (line.end, line.position.saturating_add(1))),
            None => self.0.front().filter(|line| line.start == 0).map(|line| (0, line.position)),
        }
    }

    /// The lines, the last one first, each with its index.
    pub(super) fn backwards(&self) -> impl Iterator<Item = (usize, &ReadLine)> {
        self.0.iter().enumerate().rev()
    }

    /// Forgets all lines from the one that begins at `offset` on.
    pub(super) fn forget_from(&mut self, offset: u64) {
        self.0.retain(|line| line.start < offset);
    }
}
