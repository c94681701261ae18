//! The bus and its feeds, with two who speak and three who listen.

use std::num::NonZeroUsize;
use std::sync::Arc;

use packer_domain::identity::SourceId;
use packer_events::body::{EventBody, OperationKind, Phase, Unit};
use packer_events::report::{Ending, OutcomeReport, RecoverReport, RecoveryResult};
use packer_events::sequence::StreamCheck;
use packer_fs::disk::Disk;
use packer_fs::disk::sim::SimDisk;
use packer_fs::layout;
use shuttle::thread;

use crate::clock::draw;
use crate::feed::{Bus, Feed};
use crate::operation::Operation;
use crate::world::{World, lifecycle, next, read_to_end};

/// Fewer than are said, so that what a slow listener misses has to come out of the log.
const FEW: NonZeroUsize = NonZeroUsize::new(2).expect("2 is not zero");

/// Every listener gets every event that may not be dropped, in order and once, with the proof beside each end, until the
/// bus closes; also one with hardly any queue, and one who comes late. Whoever is told of an end finds it in the log.
pub(super) fn run() {
    let world = World::new();
    let disk: Arc<dyn Disk> = Arc::new(world.disk.clone());
    let source = SourceId::drawn(draw());
    let bus = Arc::new(Bus::new(world.root.clone(), disk, source));
    let listen = |mut feed: Feed, check: StreamCheck| {
        thread::spawn(move || {
            let items = read_to_end(&mut feed, check);
            items.into_iter().map(|item| item.event).collect::<Vec<_>>()
        })
    };
    let small = listen(bus.subscribe_with(FEW), StreamCheck::feed());
    let careful = {
        let (mut feed, disk) = (bus.subscribe(), world.disk.clone());
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
    let late = listen(bus.subscribe_with(FEW), StreamCheck::feed().joined_late());
    for speaker in speakers {
        speaker.join().unwrap();
    }
    careful.join().unwrap();
    bus.close();
    let (small, late) = (small.join().unwrap(), late.join().unwrap());

    let logs = world.settled();
    let whole = lifecycle(&logs[0]);
    assert_eq!(whole.len(), 8);
    assert_eq!(lifecycle(small.iter().map(AsRef::as_ref)), whole);
    let late = lifecycle(late.iter().map(AsRef::as_ref));
    assert!(whole.ends_with(&late), "{late:?} of {whole:?}");
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
    let log = String::from_utf8(disk.read(&layout::event_log(source), 1 << 20).unwrap()).unwrap();
    log.lines().any(|line| line.contains(&format!(r#""position":{position},"#)))
}
