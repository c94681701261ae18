//! One follower and the logs of other processes, on a simulated disk.

mod damage;
mod descriptors;
mod live;
mod order;

use std::sync::atomic::{AtomicU64, Ordering};

use packer_domain::identity::{OperationId, UuidDraw};
use packer_events::body::{EventBody, OperationKind, Phase, Unit};
use packer_events::sequence::{Draft, SourceSequencer};
use packer_events::time::Timestamp;
use packer_events::wire::encode_line;
use packer_fs::disk::sim::SimDisk;
use packer_fs::event_log::EventLogWriter;

use super::*;
use crate::clock::draw;

/// A source in another process.
struct Other {
    sequencer: SourceSequencer,
    writer: EventLogWriter,
    operation: OperationId,
    time: Timestamp,
}

/// How many sources were drawn.
static DRAWN: AtomicU64 = AtomicU64::new(0);

impl Other {
    fn new(disk: &SimDisk) -> Self {
        Self::of(Arc::new(disk.clone()), drawn())
    }

    fn of(disk: Arc<dyn Disk>, source: SourceId) -> Self {
        let mut other = Self {
            sequencer: SourceSequencer::new(source),
            writer: EventLogWriter::new(disk, source),
            operation: OperationId::drawn(draw()),
            time: Timestamp::from_unix_ms(1_700_000_000_000),
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
            time: self.time,
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

/// A source that is later than those before it.
fn drawn() -> SourceId {
    let unix_ms = 1_600_000_000_000 + DRAWN.fetch_add(1, Ordering::Relaxed);
    SourceId::drawn(UuidDraw { unix_ms, ..draw() })
}

fn disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.put_dir(layout::OPERATIONAL.into());
    disk
}

fn follower(disk: &SimDisk) -> LogFollower {
    LogFollower::on(Arc::new(disk.clone()), [])
}

/// Everything that is there to be told now, of which nothing is gone.
fn told(follower: &mut LogFollower) -> Vec<(SourceId, u64)> {
    let place = |next| match next {
        LogNext::Event(event) => (event.source, event.position),
        other => panic!("{other:?}"),
    };
    everything(follower).into_iter().map(place).collect()
}

/// Everything that is there to be told now.
fn everything(follower: &mut LogFollower) -> Vec<LogNext> {
    let mut told = Vec::new();
    loop {
        match follower.next(Duration::ZERO).unwrap() {
            LogNext::Timeout => return told,
            next => told.push(next),
        }
    }
}

/// The same of one source, in short.
fn shown(follower: &mut LogFollower) -> Vec<String> {
    let show = |next: &LogNext| match next {
        LogNext::Event(event) => format!("{} {}", event.position, event.body.type_name()),
        LogNext::Missed(Missed { after, next: Some(next), .. }) => format!("missed {after}..{next}"),
        LogNext::Missed(Missed { after, next: None, .. }) => format!("missed {after}.."),
        LogNext::CutOff(CutOff { after, .. }) => format!("cut off after {after}"),
        LogNext::Unreadable(unreadable) => format!("unreadable: {}", unreadable.kind),
        LogNext::Timeout => "nothing".to_owned(),
    };
    everything(follower).iter().map(show).collect()
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

#[test]
fn of_long_events_fewer_are_read_ahead_and_all_are_told() {
    const LONG: u64 = READ_AHEAD_BYTES / 3;
    let disk = disk();
    let mut others = [Other::new(&disk), Other::new(&disk)];
    for other in &mut others {
        for _ in 0..10 {
            let subject = Some("x".repeat(LONG as usize));
            let (phase, done, total, unit, bytes, elapsed_ms) = (Phase::Scan, 1, None, Unit::Files, None, 0);
            other.say(EventBody::Progress { phase, done, total, unit, bytes, elapsed_ms, subject });
        }
    }
    let mut follower = follower(&disk);
    let mut told = Vec::new();
    loop {
        match follower.next(Duration::ZERO).unwrap() {
            LogNext::Event(event) => told.push((event.source, event.position)),
            LogNext::Timeout => break,
            other => panic!("{other:?}"),
        }
        // It has three of them, and the short one that comes first.
        assert!(follower.found.len() <= 3, "{} more are held", follower.found.len());
    }
    let [first, second] = others.map(|other| other.source());
    let of = |source| (1..=11).map(move |position| (source, position));
    assert!(told.iter().copied().eq(of(first).chain(of(second))), "{told:?}");
}
