//! The bus and its feeds, with two who speak and four who listen, while the log goes from segment to segment.

use std::num::NonZeroUsize;
use std::sync::Arc;

use packer_domain::identity::SourceId;
use packer_events::body::{EventBody, OperationKind, Phase, Unit};
use packer_events::coalesce::QueueBounds;
use packer_events::report::{Ending, OutcomeReport, RecoverReport, RecoveryResult};
use packer_events::sequence::StreamCheck;
use packer_fs::disk::Disk;
use packer_fs::disk::sim::SimDisk;
use packer_fs::event_log::LogBounds;
use shuttle::thread;

use crate::clock::draw;
use crate::feed::{Bus, Feed, From, QUEUE_BOUNDS};
use crate::operation::Operation;
use crate::record::read_source;
use crate::world::{World, lifecycle, next, read_to_end};

/// Fewer than are said, so that what a slow listener misses has to come out of the log.
const FEW: QueueBounds = QueueBounds { events: NonZeroUsize::new(2).expect("2 is not zero"), ..QUEUE_BOUNDS };

/// Segments of two or three events.
const SMALL: LogBounds =
    LogBounds { segment_bytes: 1200, ended_segments: 100, old_logs: 10, old_bytes: 1 << 20 };

/// Every listener gets every event that may not be dropped, in order and once, with the proof beside each end, until the
/// bus closes; also one with hardly any queue, one who comes late, and one who leaves and comes back for what came after.
/// Whoever is told of an end finds it in the log.
pub(super) fn run() {
    let world = World::new();
    let disk: Arc<dyn Disk> = Arc::new(world.disk.clone());
    let source = SourceId::drawn(draw());
    let bus = Bus::new(world.root.clone(), disk, source, SMALL);
    let listen = |mut feed: Feed, check: StreamCheck| {
        thread::spawn(move || {
            let items = read_to_end(&mut feed, check);
            items.into_iter().map(|item| item.event).collect::<Vec<_>>()
        })
    };
    let small = listen(bus.subscribe_with(From::Now, FEW), StreamCheck::feed());
    let careful = {
        let (mut feed, disk) = (bus.subscribe(From::Now), world.disk.clone());
        thread::spawn(move || {
            // It is told without anything else happening.
            let mut ends = 0;
            while ends < 2 {
                let item = next(&mut feed).expect("the bus is open");
                ends += usize::from(item.event.terminal);
                assert!(
                    !item.event.terminal || is_stored(&disk, source, item.event.position),
                    "told, and not stored"
                );
            }
        })
    };
    let speakers = [1, 2].map(|_| {
        let bus = Arc::clone(&bus);
        thread::spawn(move || speak(&bus))
    });
    let returning = {
        let bus = Arc::clone(&bus);
        thread::spawn(move || {
            let mut heard = Vec::new();
            let mut first = bus.subscribe_with(From::Now, FEW);
            while heard.len() < 2 {
                let Some(item) = next(&mut first) else { return heard };
                heard.push(item.event);
            }
            drop(first);
            let after = heard.last().map_or(0, |event| event.position);
            let mut second = bus.subscribe_with(From::After(source, after), FEW);
            let rest = read_to_end(&mut second, StreamCheck::feed().joined_late());
            heard.extend(rest.into_iter().map(|item| item.event));
            heard
        })
    };
    let late = listen(bus.subscribe_with(From::Now, FEW), StreamCheck::feed().joined_late());
    for speaker in speakers {
        speaker.join().unwrap();
    }
    careful.join().unwrap();
    bus.close();
    let (small, late) = (small.join().unwrap(), late.join().unwrap());
    let returning = returning.join().unwrap();

    let logs = world.settled();
    let whole = lifecycle(&logs[0]);
    assert_eq!(whole.len(), 8);
    assert_eq!(lifecycle(small.iter().map(AsRef::as_ref)), whole);
    let late = lifecycle(late.iter().map(AsRef::as_ref));
    assert!(whole.ends_with(&late), "{late:?} of {whole:?}");
    let returning = lifecycle(returning.iter().map(AsRef::as_ref));
    assert!(whole.ends_with(&returning), "{returning:?} of {whole:?}");
}

/// Runs an operation that does nothing but speak.
fn speak(bus: &Arc<Bus>) {
    let operation = Operation::accept(bus, OperationKind::Recover, "speak".to_owned(), None, None);
    operation.say(EventBody::Started {});
    for done in 0..2 {
        let body = EventBody::Progress {
            phase: Phase::Scan,
            done,
            total: None,
            unit: Unit::Files,
            bytes: None,
            elapsed_ms: 0,
            subject: None,
        };
        operation.say(body);
    }
    operation.say(EventBody::Divergence { added: Vec::new(), cleared: Vec::new() });
    let report = RecoverReport { operation_id: operation.id, result: RecoveryResult::Closed, took_ms: 0 };
    operation.end(Ending::Succeeded(OutcomeReport::Recover(report))).unwrap();
}

fn is_stored(disk: &SimDisk, source: SourceId, position: u64) -> bool {
    let log = read_source(disk, source).unwrap().unwrap();
    log.events.iter().any(|event| event.position == position)
}
