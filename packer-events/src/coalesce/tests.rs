//! Tests of merging and of the subscriber's queue.

use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::*;
use crate::replay::Replay;
use crate::sequence::{SourceSequencer, StreamCheck};
use crate::testing::{accepted, draft, operation, progress, source, story, succeeded};

fn passes(events: &[Event]) -> bool {
    let mut check = StreamCheck::feed();
    events.iter().all(|event| check.push(event).is_ok())
}

fn lifecycle(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|event| event.is_lifecycle()).collect()
}

fn numbered(bodies: impl IntoIterator<Item = EventBody>) -> Vec<Event> {
    let mut sequencer = SourceSequencer::new(source(0));
    bodies.into_iter().map(|body| sequencer.number(draft(operation(1), body)).unwrap()).collect()
}

/// Bounded by number alone.
fn capacity(events: usize) -> QueueBounds {
    QueueBounds { events: NonZeroUsize::new(events).unwrap(), bytes: usize::MAX }
}

fn queue(events: usize) -> EventQueue {
    EventQueue::new(capacity(events))
}

#[test]
fn the_latest_wins_and_the_next_that_stays_accounts_for_the_dropped() {
    let (bake, write) = (Phase::Bake, Phase::Write);
    let events = numbered([
        accepted(),
        progress(bake, 1),
        progress(write, 1),
        progress(bake, 2),
        progress(write, 2),
        EventBody::Started {},
        progress(bake, 3),
        succeeded(),
    ]);
    let kept: Vec<_> = merge(events).iter().map(|event| (event.sequence, event.coalesced)).collect();
    let range = Coalesced::range(2, 4);
    assert_eq!(kept, [(1, None), (4, range), (5, None), (6, None), (7, None), (8, None)]);
    assert_eq!(range, Some(Coalesced { first: 2, last: 4, count: 3 }));
}

#[test]
fn a_full_queue_merges_and_an_unmergeable_one_leaves_the_rest_to_the_log() {
    let mut bodies = vec![accepted()];
    bodies.extend((0..5).map(|done| progress(Phase::Bake, done)));
    bodies.extend([EventBody::Started {}, succeeded()]);
    let events: Vec<_> = numbered(bodies).into_iter().map(Arc::new).collect();
    let mut queue = queue(2);
    for event in &events[..6] {
        assert_eq!(queue.push(event.clone(), 1, ()), Ok(()));
    }
    let spill = Spill { source: source(0), after: 6 };
    assert_eq!(queue.push(events[6].clone(), 1, ()), Err(spill));
    assert_eq!(queue.push(events[7].clone(), 1, ()), Err(spill));
    assert_eq!(queue.resume(8), Err(ResumeError::Undelivered { queued: 2 }));
    let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|queued| queued.event).collect();
    assert_eq!(popped.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 6]);
    assert_eq!(popped[1].coalesced, Coalesced::range(2, 6));
    assert!(events[5].coalesced.is_none(), "another subscriber's event was changed");
    assert_eq!((queue.spilled(), queue.resume(7)), (Some(spill), Err(ResumeError::Behind { newest: 8 })));
    assert_eq!((queue.resume(8), queue.spilled()), (Ok(()), None));
}

#[test]
fn a_queue_of_which_little_can_be_merged_is_not_gone_through_for_every_event() {
    let mut bodies = vec![accepted()];
    bodies.extend((0..90).map(|_| EventBody::Started {}));
    bodies.extend((0..60).map(|done| progress(Phase::Bake, done)));
    let events: Vec<_> = numbered(bodies).into_iter().map(Arc::new).collect();
    let mut queue = queue(100);
    let taken = events.iter().take_while(|event| queue.push((*event).clone(), 1, ()).is_ok()).count();
    // Full with the hundredth; the next is merged, and those after it are left to the log.
    assert_eq!((taken, queue.len()), (101, 92));
    let spill = Spill { source: source(0), after: 101 };
    assert_eq!(queue.spilled(), Some(spill));
    let last = std::iter::from_fn(|| queue.pop()).last().unwrap().event;
    assert_eq!((last.position, last.coalesced), (101, Coalesced::range(92, 101)));
    assert_eq!(queue.resume(101), Err(ResumeError::Behind { newest: 102 }));
    assert_eq!((queue.resume(102), queue.push(events[102].clone(), 1, ())), (Ok(()), Ok(())));
}

#[test]
fn what_is_too_long_beside_the_others_is_left_to_the_log_and_so_is_what_is_too_long_alone() {
    let bodies = [accepted(), progress(Phase::Bake, 1), progress(Phase::Bake, 2), EventBody::Started {}];
    let events: Vec<_> =
        numbered(bodies.into_iter().chain([succeeded()])).into_iter().map(Arc::new).collect();
    let bounds = QueueBounds { bytes: 100, ..capacity(50) };
    let mut queue = EventQueue::new(bounds);
    for (event, bytes) in events.iter().zip([20, 40, 40]) {
        assert_eq!(queue.push(event.clone(), bytes, ()), Ok(()));
    }
    // What is superfluous makes room; what then does not fit accounts for nothing, and the one before it for what went.
    let spill = Spill { source: source(0), after: 3 };
    assert_eq!((queue.push(events[3].clone(), 41, ()), queue.bytes()), (Err(spill), 60));
    let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|queued| queued.event).collect();
    let accounts = popped.iter().map(|event| (event.sequence, event.coalesced));
    assert_eq!(accounts.collect::<Vec<_>>(), [(1, None), (3, Coalesced::range(2, 3))]);
    assert_eq!((queue.bytes(), queue.resume(4)), (0, Ok(())));
    assert_eq!(queue.push(events[4].clone(), 101, ()), Err(Spill { source: source(0), after: 4 }));
    assert!(queue.is_empty());

    let mut queue = EventQueue::new(bounds);
    assert_eq!(queue.push(events[0].clone(), 101, ()), Err(Spill { source: source(0), after: 0 }));
    assert_eq!((queue.resume(1), queue.push(events[1].clone(), 100, ())), (Ok(()), Ok(())));
}

#[test]
fn a_queue_that_long_events_fill_is_not_gone_through_for_every_event() {
    let mut bodies = vec![accepted()];
    bodies.extend((0..9).map(|_| EventBody::Started {}));
    bodies.extend((0..6).map(|done| progress(Phase::Bake, done)));
    let events: Vec<_> = numbered(bodies).into_iter().map(Arc::new).collect();
    let mut queue = EventQueue::new(QueueBounds { bytes: 120, ..capacity(1000) });
    // Full with the twelfth; the next one makes room for itself by what can be merged, and those after it are left to the log.
    let taken = events.iter().take_while(|event| queue.push((*event).clone(), 10, ()).is_ok()).count();
    assert_eq!((taken, queue.len(), queue.bytes()), (13, 12, 120));
    assert_eq!(queue.spilled(), Some(Spill { source: source(0), after: 13 }));
}

#[test]
fn what_was_read_from_the_log_is_not_queued_again() {
    let events: Vec<_> =
        numbered([accepted(), EventBody::Started {}, succeeded()]).into_iter().map(Arc::new).collect();
    let mut queue = EventQueue::behind(capacity(1), Spill { source: source(0), after: 0 }, 1);
    // The log had the second event before its emitter came to this queue.
    assert_eq!(queue.resume(2), Ok(()));
    assert_eq!(queue.push(events[1].clone(), 1, ()), Ok(()));
    assert!(queue.is_empty());
    assert_eq!(queue.push(events[2].clone(), 1, ()), Ok(()));
    assert_eq!(queue.pop().map(|queued| queued.event.position), Some(3));
}

#[test]
fn an_attachment_stays_with_its_event() {
    let events = numbered([accepted(), progress(Phase::Bake, 1), progress(Phase::Bake, 2), succeeded()]);
    let mut queue = EventQueue::new(capacity(3));
    for event in events {
        let sequence = event.sequence;
        assert_eq!(queue.push(Arc::new(event), 1, sequence), Ok(()));
    }
    let popped = std::iter::from_fn(|| queue.pop()).map(|queued| (queued.event.sequence, queued.attachment));
    assert_eq!(popped.collect::<Vec<_>>(), [(1, 1), (3, 3), (4, 4)]);
}

/// What a subscriber gets that takes `takes[i]` events after the emitter's i-th, and reads the log where it must.
fn subscribe(log: &[Event], bounds: QueueBounds, lengths: &[usize], takes: &[usize]) -> Vec<Event> {
    let mut queue = EventQueue::new(bounds);
    let mut got = Vec::new();
    let mut read_up_to = 0;
    for (index, event) in log.iter().enumerate() {
        let length = lengths.get(index).copied().unwrap_or(1);
        let _: Result<(), Spill> = queue.push(Arc::new(event.clone()), length, ());
        let held: usize = queue.iter().map(|queued| queued.bytes).sum();
        assert_eq!(queue.bytes(), held);
        assert!(queue.len() <= bounds.events.get() && held <= bounds.bytes);
        let patience =
            if index + 1 == log.len() { usize::MAX } else { takes.get(index).copied().unwrap_or(0) };
        for _ in 0..patience {
            if let Some(queued) = queue.pop() {
                got.push(Arc::unwrap_or_clone(queued.event));
            } else if let Some(spill) = queue.spilled() {
                read_up_to = spill.after.max(read_up_to);
                if queue.resume(read_up_to).is_err() {
                    let next = log.iter().find(|event| event.position > read_up_to).unwrap();
                    read_up_to = next.position;
                    got.push(next.clone());
                }
            } else {
                break;
            }
        }
    }
    got
}

proptest! {
    #[test]
    fn merging_drops_superfluous_progress_only(events in story(0)) {
        let merged = merge(events.clone());
        prop_assert!(passes(&merged));
        prop_assert_eq!(lifecycle(&merged), lifecycle(&events));
        prop_assert_eq!(&merge(merged.clone()), &merged);
        let keys: Vec<_> = merged.iter().filter_map(merge_key).collect();
        let distinct: BTreeSet<_> = events.iter().filter_map(merge_key).collect();
        prop_assert_eq!(keys.len(), distinct.len());
    }

    #[test]
    fn a_slow_subscriber_misses_nothing_that_matters(
        events in story(0),
        capacity in 1_usize..12,
        bytes in 0_usize..60,
        lengths in proptest::collection::vec(1_usize..20, 80),
        takes in proptest::collection::vec(0_usize..4, 80),
    ) {
        let bounds = QueueBounds { events: NonZeroUsize::new(capacity).unwrap(), bytes };
        let got = subscribe(&events, bounds, &lengths, &takes);
        prop_assert!(passes(&got));
        prop_assert_eq!(lifecycle(&got), lifecycle(&events));
        prop_assert_eq!(Replay::fold(&got), Replay::fold(&events));
    }
}
