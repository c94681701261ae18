//! `LogFollower`: the events of all processes that work on a project, as they are logged. It opens no project, takes no lock
//! and writes nothing, so it can look on at anything, also at a project that cannot be opened.
//!
//! It looks every [`INTERVAL`] whether something was appended. That holds on every system and file system, and costs one
//! listing of a folder and a look at each log's last segment; asking the system to tell of changes would save that, and
//! would have to be backed by the same looks wherever the system tells nothing. A log that grew is read on from where it
//! was, and of all logs [`MAX_OPEN`] files are open at the most.
//!
//! Guarantees: of each source, every event that stays in the log is given once, in order, those of sources that begin
//! later included; what is gone is said. What was given and is then cut off the log, because its sync failed or because a
//! crash left it behind something torn, is said to be cut off once other events stand in its place, and those are given.
//! What is found in one look comes in the order of time, and the end that a recovery wrote between its beginning and its end.
//!
//! Limits: an event is given when its line is in the log, which for an end is a moment before it is certain to survive a cut
//! of power; so an event from here proves nothing. Where over 256 lines were cut off at once, the events of the segment
//! before them are given again, too. What was appended to a log and removed with it between two looks is given only if the
//! log was read a short while ago, and else not said to be missed. In the order of logs instead of time comes what is read
//! in a look beyond [`READ_AHEAD`] events or [`READ_AHEAD_BYTES`]: then a recovery may end before the end that it wrote, too.
//! Of a log that is gone, what is left of an open segment is read at once, however much that is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use packer_domain::identity::{OperationId, SourceId};
use packer_events::event::Event;
use packer_events::interleave::{interleaved, told_by_half};
use packer_fs::disk::{Disk, DiskError, OsDisk, Stat};
use packer_fs::event_log::{self, EventLogError, LogNames};
use packer_fs::layout;

use crate::feed::{CutOff, LogCursor, Missed, QUEUE_BOUNDS, Step};
use crate::record::Unreadable;

#[cfg(test)]
mod tests;

/// How long it waits between two looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// About how many events are read ahead.
const READ_AHEAD: usize = 1024;

/// About how many bytes the lines have that are read ahead: once it is that many, no more are read. A line can have 16 MiB.
const READ_AHEAD_BYTES: u64 = QUEUE_BOUNDS.bytes as u64;

/// How many logs are open at the most: those that were read last.
const MAX_OPEN: usize = 16;

/// Follows the logs of a project.
pub struct LogFollower {
    disk: Arc<dyn Disk>,
    only: Option<SourceId>,
    /// Of sources that are not followed, or no longer: what was given of them.
    after: BTreeMap<SourceId, u64>,
    has_looked: bool,
    followed: BTreeMap<SourceId, Followed>,
    /// Those whose logs are open, the one that was read last at the end.
    open: VecDeque<SourceId>,
    found: VecDeque<LogNext>,
}

/// What waiting for an event gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogNext {
    /// An event.
    Event(Arc<Event>),
    /// Events that would stand here are in no log any more. What follows of that source are the events after them.
    Missed(Missed),
    /// Events that were given are in the log no more, and others stand in their place. Those follow.
    CutOff(CutOff),
    /// A log is there and cannot be read. It is said once, and tried again with every look.
    Unreadable(Unreadable),
    /// Nothing within the time.
    Timeout,
}

struct Followed {
    cursor: LogCursor,
    /// How far the log went when it was looked at last.
    reach: Reach,
    /// Whether it was read that far.
    is_read: bool,
    /// Whether it could not be read when that was tried last.
    has_failed: bool,
}

/// How far a log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reach {
    /// Where its last segment begins.
    last: u64,
    /// What tells whether that was written to.
    stat: Stat,
}

/// How much more a look reads.
struct Room {
    events: usize,
    bytes: u64,
}

/// What a look found, by source.
type Found = BTreeMap<SourceId, Vec<LogNext>>;

impl std::fmt::Debug for LogFollower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogFollower").field("only", &self.only).finish_non_exhaustive()
    }
}

impl LogFollower {
    /// Follows the project in `root`: each source from the position on that `after` says, others from their beginning. Where
    /// that position is in no log, or beyond the end of one, that is said, and everything given that is there or comes.
    pub fn new(root: &Utf8Path, after: impl IntoIterator<Item = (SourceId, u64)>) -> Self {
        Self::on(Arc::new(OsDisk::new(root.to_owned())), after)
    }

    fn on(disk: Arc<dyn Disk>, after: impl IntoIterator<Item = (SourceId, u64)>) -> Self {
        Self {
            disk,
            only: None,
            after: after.into_iter().collect(),
            has_looked: false,
            followed: BTreeMap::new(),
            open: VecDeque::new(),
            found: VecDeque::new(),
        }
    }

    /// Follows this source alone.
    #[must_use]
    pub fn only(self, source: SourceId) -> Self {
        Self { only: Some(source), ..self }
    }

    /// The next event, waiting for it at most `patience`.
    pub fn next(&mut self, patience: Duration) -> Result<LogNext, DiskError> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(found) = self.found.pop_front() {
                return Ok(found);
            }
            self.look()?;
            if !self.found.is_empty() {
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(LogNext::Timeout);
            }
            crate::sync::thread::sleep(left.min(INTERVAL));
        }
    }

    /// Reads on wherever something was appended.
    fn look(&mut self) -> Result<(), DiskError> {
        let mut found = Found::new();
        let mut room = Room { events: READ_AHEAD, bytes: READ_AHEAD_BYTES };
        let mut looked = self.read_all(&mut found, &mut room);
        let (mut half, mut known) = (half_of(&found), BTreeSet::new());
        // What a recovery says amid a look, it says in this order: that it begins, the end that it writes, its own end. So the
        // rest of what was found by half is there by now. What still is not, is gone or was told before.
        while looked.is_ok() && !half.is_subset(&known) {
            known.append(&mut half);
            looked = self.read_all(&mut found, &mut room);
            half = half_of(&found);
        }
        self.found.extend(interleaved(found.into_values().collect(), |next| match next {
            LogNext::Event(event) => Some(event),
            LogNext::Missed(_) | LogNext::CutOff(_) | LogNext::Unreadable(_) | LogNext::Timeout => None,
        }));
        looked
    }

    fn read_all(&mut self, found: &mut Found, room: &mut Room) -> Result<(), DiskError> {
        let mut listing = event_log::listing(&*self.disk)?;
        listing.retain(|source, names| {
            !names.segments.is_empty() && self.only.is_none_or(|only| only == *source)
        });
        self.let_go(&listing, found);
        for (source, reach) in self.reach(&listing)? {
            let Some(names) = listing.get(&source) else { continue };
            self.follow(source, names, reach);
            if room.is_none() || self.followed.get(&source).is_none_or(|followed| followed.is_read) {
                continue;
            }
            let of_source = found.entry(source).or_default();
            let read = self.read(source, names, of_source, room);
            let has_failed = match read {
                // It has been removed, which the next look tells.
                Err(EventLogError::Disk(error)) if error.is_not_found() => false,
                Err(EventLogError::Disk(error)) => {
                    if self.followed.get(&source).is_some_and(|followed| !followed.has_failed) {
                        tracing::warn!(%source, %error, "a log cannot be read");
                        of_source.push(LogNext::Unreadable(Unreadable::of(source, &error)));
                    }
                    true
                }
                Err(error) => {
                    tracing::warn!(%source, %error, "a log cannot be followed");
                    false
                }
                Ok(()) => false,
            };
            if let Some(followed) = self.followed.get_mut(&source) {
                followed.has_failed = has_failed;
            }
        }
        Ok(())
    }

    /// Lets go of the logs that are no more, once what was still to be read of them is, or is said to be missed.
    fn let_go(&mut self, listing: &BTreeMap<SourceId, LogNames>, found: &mut Found) {
        let is_gone = |source: &&SourceId| !listing.contains_key(*source);
        let gone: Vec<SourceId> = self.followed.keys().filter(is_gone).copied().collect();
        for source in gone {
            self.open.retain(|open| *open != source);
            if let Some(mut followed) = self.followed.remove(&source) {
                // What is open is read to its end below.
                followed.is_read |=
                    followed.cursor.is_open() && followed.cursor.segment() == followed.reach.last;
                let of_source = found.entry(source).or_default();
                followed.cursor.look_again();
                let has_ended = followed.read_to_end(of_source, &mut Room::unbounded()).is_ok();
                let after = followed.cursor.after();
                if !has_ended || !followed.is_read {
                    of_source.push(LogNext::Missed(Missed { source, after, next: None }));
                }
                self.after.insert(source, after);
            }
        }
        if !std::mem::replace(&mut self.has_looked, true) {
            let is_asked = |source: SourceId| self.only.is_none_or(|only| only == source);
            for (source, after) in &mut self.after {
                if *after > 0 && is_asked(*source) && !listing.contains_key(source) {
                    let missed = Missed { source: *source, after: *after, next: None };
                    found.entry(*source).or_default().push(LogNext::Missed(missed));
                    *after = 0;
                }
            }
        }
    }

    /// How far each log goes.
    fn reach(&self, listing: &BTreeMap<SourceId, LogNames>) -> Result<Vec<(SourceId, Reach)>, DiskError> {
        let last: Vec<(SourceId, u64)> = listing
            .iter()
            .filter_map(|(source, names)| names.segments.last().map(|last| (*source, *last)))
            .collect();
        let names: Vec<String> = last
            .iter()
            .filter_map(|(source, last)| {
                Some(layout::event_log_segment(*source, *last).file_name()?.to_owned())
            })
            .collect();
        let mut stats: Vec<Result<Option<Stat>, DiskError>> = Vec::with_capacity(names.len());
        let mut each = |stat| stats.push(stat);
        self.disk.stat_each(layout::EVENTS.into(), &mut names.iter().map(String::as_str), &mut each);
        let mut reach = Vec::with_capacity(last.len());
        for ((source, last), stat) in last.into_iter().zip(stats) {
            if let Some(stat) = stat? {
                reach.push((source, Reach { last, stat }));
            }
        }
        Ok(reach)
    }

    /// Takes in how far a log goes.
    fn follow(&mut self, source: SourceId, names: &LogNames, reach: Reach) {
        if let Some(followed) = self.followed.get_mut(&source) {
            if followed.reach != reach {
                let file = |reach: &Reach| (reach.stat.device, reach.stat.inode);
                if followed.reach.last == reach.last && file(&followed.reach) != file(&reach) {
                    // Another file has its name.
                    followed.cursor.close();
                }
                followed.cursor.look_again();
                (followed.reach, followed.is_read) = (reach, false);
            }
            return;
        }
        let after = self.after.get(&source).copied().unwrap_or(0);
        if let Some(cursor) = LogCursor::following(&self.disk, source, names, after) {
            self.followed.insert(source, Followed { cursor, reach, is_read: false, has_failed: false });
        }
    }

    /// Reads one log to its end, or until there is no room.
    fn read(
        &mut self,
        source: SourceId,
        names: &LogNames,
        found: &mut Vec<LogNext>,
        room: &mut Room,
    ) -> Result<(), EventLogError> {
        self.open.retain(|open| *open != source);
        while self.open.len() >= MAX_OPEN {
            if let Some(longest) = self.open.pop_front()
                && let Some(followed) = self.followed.get_mut(&longest)
            {
                followed.cursor.close();
            }
        }
        self.open.push_back(source);
        let Some(followed) = self.followed.get_mut(&source) else { return Ok(()) };
        followed.cursor.tell(names);
        followed.is_read = followed.read_to_end(found, room)?;
        Ok(())
    }
}

impl Followed {
    /// Reads on; whether the end was reached before there was no room.
    fn read_to_end(&mut self, found: &mut Vec<LogNext>, room: &mut Room) -> Result<bool, EventLogError> {
        while !room.is_none() {
            let before = self.cursor.bytes();
            let step = self.cursor.next(u64::MAX);
            room.bytes = room.bytes.saturating_sub(self.cursor.bytes() - before);
            match step? {
                Step::Item(item) => found.push(LogNext::Event(item.event)),
                Step::Missed(missed) => found.push(LogNext::Missed(missed)),
                Step::CutOff(cut) => found.push(LogNext::CutOff(cut)),
                Step::End => {
                    // Where the segment was dropped meanwhile, the next look tells how the log goes on, or that it is gone.
                    if !self.cursor.is_open() {
                        return Ok(false);
                    }
                    found.extend(self.cursor.ends_short().map(LogNext::Missed));
                    return Ok(true);
                }
            }
            room.events -= 1;
        }
        Ok(false)
    }
}

impl Room {
    /// For what is gone if it is not read now.
    fn unbounded() -> Self {
        Self { events: usize::MAX, bytes: u64::MAX }
    }

    fn is_none(&self) -> bool {
        self.events == 0 || self.bytes == 0
    }
}

/// What was found by half of what recoveries ended.
fn half_of(found: &Found) -> BTreeSet<(OperationId, OperationId)> {
    told_by_half(found.values().flatten().filter_map(|next| match next {
        LogNext::Event(event) => Some(&**event),
        LogNext::Missed(_) | LogNext::CutOff(_) | LogNext::Unreadable(_) | LogNext::Timeout => None,
    }))
}
