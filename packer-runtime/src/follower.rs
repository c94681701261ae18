//! `LogFollower`: the events of all processes that work on a project, as they are logged. It opens no project, takes no lock
//! and writes nothing, so it can look on at anything, also at a project that cannot be opened.
//!
//! It looks every [`INTERVAL`] whether something was appended. That holds on every system and file system, and costs one
//! listing of a folder and a look at each log's last segment; asking the system to tell of changes would save that, and
//! would have to be backed by the same looks wherever the system tells nothing.
//!
//! Guarantees: of each source, every event that stays in the log is given once, in order, those of sources that begin
//! later included; what is gone is said. Between sources the order is that in which it was noticed.
//!
//! Limits: an event is given when its line is in the log, which for an end is a moment before it is certain to survive a cut
//! of power; so an event from here proves nothing. What was cut off a log again because its sync failed may have been given.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use packer_domain::identity::SourceId;
use packer_events::event::Event;
use packer_fs::disk::{Disk, DiskError, OsDisk, Stat};
use packer_fs::event_log::{self, EventLogError, LogNames};
use packer_fs::layout;

use crate::feed::{LogCursor, Missed, Step};

/// How long it waits between two looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// About how many events are read ahead.
const READ_AHEAD: usize = 1024;

/// Follows the logs of a project.
pub struct LogFollower {
    disk: Arc<dyn Disk>,
    only: Option<SourceId>,
    /// Of sources that are not followed, or no longer: what was given of them.
    after: BTreeMap<SourceId, u64>,
    followed: BTreeMap<SourceId, Followed>,
    found: VecDeque<LogNext>,
}

/// What waiting for an event gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogNext {
    /// An event.
    Event(Arc<Event>),
    /// Events that would stand here are in no log any more. What follows of that source are the events after them.
    Missed(Missed),
    /// Nothing within the time.
    Timeout,
}

struct Followed {
    cursor: LogCursor,
    /// How far the log went when it was read to its end.
    seen: Option<Reach>,
}

/// How far a log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reach {
    /// Where its last segment begins.
    last: u64,
    /// How many bytes that has.
    bytes: u64,
}

impl std::fmt::Debug for LogFollower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogFollower").field("only", &self.only).finish_non_exhaustive()
    }
}

impl LogFollower {
    /// Follows the project in `root`: each source from the position on that `after` says, others from their beginning.
    pub fn new(root: &Utf8Path, after: impl IntoIterator<Item = (SourceId, u64)>) -> Self {
        Self::on(Arc::new(OsDisk::new(root.to_owned())), after)
    }

    fn on(disk: Arc<dyn Disk>, after: impl IntoIterator<Item = (SourceId, u64)>) -> Self {
        let after = after.into_iter().collect();
        Self { disk, only: None, after, followed: BTreeMap::new(), found: VecDeque::new() }
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
        let mut listing = event_log::listing(&*self.disk)?;
        listing.retain(|source, names| {
            !names.segments.is_empty() && self.only.is_none_or(|only| only == *source)
        });
        self.let_go(&listing);
        for (source, seen) in self.reach(&listing)? {
            if self.found.len() >= READ_AHEAD {
                break;
            }
            if let Err(error) = self.read(source, seen) {
                match error {
                    EventLogError::Disk(error) if error.is_not_found() => {}
                    EventLogError::Disk(error) => return Err(error),
                    error => tracing::warn!(%source, %error, "a log cannot be followed"),
                }
            }
        }
        Ok(())
    }

    /// Lets go of the logs that are no more, once what was still to be read of them is.
    fn let_go(&mut self, listing: &BTreeMap<SourceId, LogNames>) {
        let gone: Vec<SourceId> =
            self.followed.keys().filter(|source| !listing.contains_key(*source)).copied().collect();
        for source in gone {
            if let Some(mut followed) = self.followed.remove(&source) {
                while followed.read_one(&mut self.found) {}
                self.after.insert(source, followed.cursor.after());
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
                reach.push((source, Reach { last, bytes: stat.size }));
            }
        }
        Ok(reach)
    }

    /// Reads one log, which went as far as `seen` a moment ago, unless nothing was appended since it was read.
    fn read(&mut self, source: SourceId, seen: Reach) -> Result<(), EventLogError> {
        if !self.followed.contains_key(&source) {
            let after = self.after.get(&source).copied().unwrap_or(0);
            let Some(cursor) = LogCursor::open(&self.disk, source, after)? else { return Ok(()) };
            self.followed.insert(source, Followed { cursor, seen: None });
        }
        let Some(followed) = self.followed.get_mut(&source) else { return Ok(()) };
        if followed.seen == Some(seen) {
            return Ok(());
        }
        while followed.read_one(&mut self.found) {
            if self.found.len() >= READ_AHEAD {
                return Ok(());
            }
        }
        followed.seen = Some(seen);
        Ok(())
    }
}

impl Followed {
    /// Reads what is next; `false` if there is nothing yet.
    fn read_one(&mut self, found: &mut VecDeque<LogNext>) -> bool {
        match self.cursor.next(u64::MAX) {
            Step::Item(item) => found.push_back(LogNext::Event(item.event)),
            Step::Missed(missed) => found.push_back(LogNext::Missed(missed)),
            Step::End => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use packer_events::body::{EventBody, OperationKind};
    use packer_events::sequence::{Draft, SourceSequencer};
    use packer_events::time::Timestamp;
    use packer_events::wire::encode_line;
    use packer_fs::disk::sim::SimDisk;
    use packer_fs::event_log::EventLogWriter;

    use super::*;
    use crate::clock::draw;
    use packer_domain::identity::OperationId;

    /// A source in another process.
    struct Other {
        sequencer: SourceSequencer,
        writer: EventLogWriter,
        operation: OperationId,
    }

    impl Other {
        fn new(disk: &SimDisk) -> Self {
            let source = SourceId::drawn(draw());
            let writer = EventLogWriter::new(Arc::new(disk.clone()), source);
            let mut other = Self {
                sequencer: SourceSequencer::new(source),
                writer,
                operation: OperationId::drawn(draw()),
            };
            other.say(EventBody::Accepted { kind: OperationKind::Refresh, title: "look".to_owned() });
            other
        }

        fn source(&self) -> SourceId {
            self.sequencer.source()
        }

        fn line(&mut self, body: EventBody) -> Vec<u8> {
            let draft = Draft {
                operation_id: self.operation,
                causation_id: None,
                time: Timestamp::from_unix_ms(1_700_000_000_000),
                base_revision: None,
                result_revision: None,
                body,
            };
            encode_line(&self.sequencer.number(draft).unwrap()).trim_end().as_bytes().to_vec()
        }

        fn say(&mut self, body: EventBody) {
            let line = self.line(body);
            self.writer.append(&line).unwrap();
        }

        fn go_on(&mut self) {
            self.say(EventBody::Started {});
        }
    }

    fn disk() -> SimDisk {
        let disk = SimDisk::new();
        disk.put_dir(layout::OPERATIONAL.into());
        disk
    }

    fn follower(disk: &SimDisk) -> LogFollower {
        LogFollower::on(Arc::new(disk.clone()), [])
    }

    /// Everything that is there to be told now.
    fn told(follower: &mut LogFollower) -> Vec<(SourceId, u64)> {
        let mut told = Vec::new();
        loop {
            match follower.next(Duration::ZERO).unwrap() {
                LogNext::Event(event) => told.push((event.source, event.position)),
                LogNext::Missed(missed) => panic!("{missed}"),
                LogNext::Timeout => return told,
            }
        }
    }

    #[test]
    fn sources_that_begin_later_are_followed_and_none_is_told_twice() {
        let disk = disk();
        let mut follower = follower(&disk);
        assert_eq!(told(&mut follower), [], "there is not even a folder");
        let mut one = Other::new(&disk);
        assert_eq!(told(&mut follower), [(one.source(), 1)]);
        let mut two = Other::new(&disk);
        one.go_on();
        let mut expected = vec![(one.source(), 2), (two.source(), 1)];
        expected.sort();
        assert_eq!(told(&mut follower), expected);
        assert_eq!(told(&mut follower), []);
        two.go_on();
        assert_eq!(told(&mut follower), [(two.source(), 2)]);
    }

    #[test]
    fn it_begins_where_it_is_told_to_and_follows_one_alone() {
        let disk = disk();
        let (mut one, mut two) = (Other::new(&disk), Other::new(&disk));
        one.go_on();
        let after = [(one.source(), 1)];
        let mut all = LogFollower::on(Arc::new(disk.clone()), after);
        let mut alone = LogFollower::on(Arc::new(disk.clone()), after).only(one.source());
        let mut expected = vec![(one.source(), 2), (two.source(), 1)];
        expected.sort();
        assert_eq!(told(&mut all), expected);
        assert_eq!(told(&mut alone), [(one.source(), 2)]);
        two.go_on();
        assert_eq!(told(&mut alone), []);
    }

    #[test]
    fn half_a_line_is_not_told_before_it_is_whole() {
        let disk = disk();
        let mut one = Other::new(&disk);
        let mut follower = follower(&disk);
        assert_eq!(told(&mut follower).len(), 1);
        let path = layout::event_log(one.source());
        let before = disk.read(&path, 1 << 20).unwrap();
        let line = one.line(EventBody::Started {});
        disk.put(&path, &[&before[..], &line[..9]].concat());
        assert_eq!(told(&mut follower), []);
        disk.put(&path, &[&before[..], &line, b"\n"].concat());
        assert_eq!(told(&mut follower), [(one.source(), 2)]);
    }

    #[test]
    fn segments_come_and_go_and_what_went_unread_is_said() {
        let disk = disk();
        let mut one = Other::new(&disk);
        let mut follower = follower(&disk);
        assert_eq!(told(&mut follower).len(), 1);
        let source = one.source();
        for position in 2..=6 {
            one.writer.begin_segment(position, &[]).unwrap();
            one.go_on();
            if position < 4 {
                assert_eq!(told(&mut follower), [(source, position)]);
                event_log::drop_ended(&disk, source, 0, u64::MAX).unwrap();
            }
        }
        event_log::drop_ended(&disk, source, 0, u64::MAX).unwrap();
        let missed = Missed { source, after: 3, next: Some(6) };
        assert_eq!(follower.next(Duration::ZERO).unwrap(), LogNext::Missed(missed));
        assert_eq!(told(&mut follower), [(source, 6)]);
    }

    #[test]
    fn a_log_that_is_removed_is_let_go_and_known_if_it_comes_again() {
        let disk = disk();
        let mut one = Other::new(&disk);
        let mut follower = follower(&disk);
        assert_eq!(told(&mut follower).len(), 1);
        // Appended and removed between two looks: what it has open, it reads to the end.
        one.go_on();
        event_log::remove_log(&disk, one.source()).unwrap();
        assert_eq!(told(&mut follower), [(one.source(), 2)]);
        assert!(follower.followed.is_empty());
        one.writer.begin_segment(3, &[]).unwrap();
        one.go_on();
        assert_eq!(told(&mut follower), [(one.source(), 3)]);
    }

    #[test]
    fn more_than_is_read_ahead_is_told_all_the_same() {
        let disk = disk();
        let mut one = Other::new(&disk);
        let many = READ_AHEAD as u64 * 2 + 10;
        for _ in 1..many {
            one.go_on();
        }
        let mut other = Other::new(&disk);
        other.go_on();
        let mut follower = follower(&disk);
        let of_one = told(&mut follower).into_iter().filter(|(source, _)| *source == one.source());
        assert_eq!(of_one.map(|(_, position)| position).collect::<Vec<_>>(), (1..=many).collect::<Vec<_>>());
    }
}
