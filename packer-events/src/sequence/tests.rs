//! Tests of numbering and of `StreamCheck`.

use proptest::prelude::*;

use super::*;
use crate::body::Phase;
use crate::event::{Coalesced, EnvelopeRule};
use crate::testing::{accepted, draft, operation, progress, source, story, succeeded};

fn check(check: StreamCheck, events: &[Event]) -> Result<StreamCheck, StreamFault> {
    events.iter().try_fold(check, |mut check, event| check.push(event).map(|()| check))
}

/// accepted, progress, progress, succeeded
fn short_story() -> Vec<Event> {
    let mut sequencer = SourceSequencer::new(source(0));
    [accepted(), progress(Phase::Bake, 1), progress(Phase::Bake, 2), succeeded()]
        .map(|body| sequencer.number(draft(operation(1), body)).unwrap())
        .to_vec()
}

#[test]
fn what_breaks_the_order_gets_no_numbers_and_changes_none() {
    let mut sequencer = SourceSequencer::new(source(0));
    let mut refused = |body, rule| {
        let before = (sequencer.position(), sequencer.running().collect::<Vec<_>>());
        let error = sequencer.number(draft(operation(1), body)).unwrap_err();
        assert_eq!(error, SequenceError { operation_id: operation(1), rule });
        assert_eq!((sequencer.position(), sequencer.running().collect::<Vec<_>>()), before);
    };
    refused(EventBody::Started {}, SequenceRule::NotAccepted);
    refused(succeeded(), SequenceRule::NotAccepted);
    sequencer.number(draft(operation(1), accepted())).unwrap();
    let mut refused = |body, rule| {
        assert_eq!(sequencer.number(draft(operation(1), body)).unwrap_err().rule, rule);
    };
    refused(accepted(), SequenceRule::AcceptedAgain);
    let end = sequencer.number(draft(operation(1), succeeded())).unwrap();
    assert_eq!((end.position, end.sequence, end.lifecycle_sequence, end.terminal), (2, 2, 2, true));
    for body in [succeeded(), progress(Phase::Bake, 1), accepted()] {
        assert_eq!(sequencer.number(draft(operation(1), body)).unwrap_err().rule, SequenceRule::Ended);
    }
}

#[test]
fn ended_operations_are_remembered_within_bounds() {
    let mut sequencer = SourceSequencer::new(source(0));
    let id = |n: usize| {
        let mut bytes = *operation(1).as_bytes();
        bytes[12..].copy_from_slice(&(n as u32).to_le_bytes());
        OperationId::from_bytes(bytes).unwrap()
    };
    for n in 0..=ENDED_REMEMBERED {
        sequencer.number(draft(id(n), accepted())).unwrap();
        sequencer.number(draft(id(n), succeeded())).unwrap();
    }
    assert_eq!(sequencer.ended.len(), ENDED_REMEMBERED);
    assert_eq!(sequencer.running().count(), 0);
    assert_eq!(sequencer.number(draft(id(1), accepted())).unwrap_err().rule, SequenceRule::Ended);
}

#[test]
fn numbers_run_out_without_a_panic() {
    let last = OperationNumbers { sequence: u64::MAX, lifecycle_sequence: 3 };
    let mut sequencer = SourceSequencer::continuing(source(0), 7, [(operation(1), last)]);
    assert_eq!(sequencer.number(draft(operation(1), succeeded())).unwrap_err().rule, SequenceRule::Exhausted);
    let mut sequencer = SourceSequencer::continuing(source(0), u64::MAX, []);
    assert_eq!(sequencer.number(draft(operation(1), accepted())).unwrap_err().rule, SequenceRule::Exhausted);
}

#[test]
fn the_check_names_every_rule() {
    let faulty = |change: fn(&mut Vec<Event>), base: StreamCheck| {
        let mut events = short_story();
        change(&mut events);
        check(base, &events).unwrap_err().rule
    };
    let log = |change| faulty(change, StreamCheck::log());
    let feed = |change| faulty(change, StreamCheck::feed());
    assert_eq!(log(|e| e[3].terminal = false), StreamRule::Envelope(EnvelopeRule::Terminal));
    assert_eq!(
        log(|e| e[0].coalesced = Coalesced::range(0, 1)),
        StreamRule::Envelope(EnvelopeRule::Coalesced)
    );
    assert_eq!(log(|e| e[1].source = source(5)), StreamRule::Source);
    assert_eq!(log(|e| drop(e.remove(1))), StreamRule::Position { after: 1 });
    assert_eq!(log(|e| e[0].position = 2), StreamRule::Position { after: 0 });
    assert_eq!(feed(|e| e.swap(1, 2)), StreamRule::Sequence { expected: 2, found: 3 });
    assert_eq!(feed(|e| e[2].position = 2), StreamRule::Position { after: 2 });
    assert_eq!(
        log(|e| {
            e.remove(1);
            e[1].position = 2;
            e[1].coalesced = Coalesced::range(2, 3);
        }),
        StreamRule::CoalescedInLog
    );
    assert_eq!(feed(|e| drop(e.remove(0))), StreamRule::NotAccepted);
    assert_eq!(feed(|e| e[1].body = accepted()), StreamRule::AcceptedAgain);
    assert_eq!(feed(|e| drop(e.remove(1))), StreamRule::Sequence { expected: 2, found: 3 });
    assert_eq!(
        feed(|e| e[2].lifecycle_sequence = 2),
        StreamRule::LifecycleSequence { expected: 1, found: 2 }
    );
    assert_eq!(
        feed(|e| {
            let mut late = e[2].clone();
            (late.position, late.sequence) = (5, 5);
            e.push(late);
        }),
        StreamRule::AfterEnding
    );
}

#[test]
fn a_range_of_one_or_with_a_wrong_count_is_no_range() {
    let mut event = short_story().swap_remove(2);
    assert_eq!(event.broken_rule(), None);
    event.coalesced = Some(Coalesced { first: 2, last: 3, count: 2 });
    assert_eq!(event.broken_rule(), None);
    for (first, last, count) in [(3, 3, 1), (2, 3, 3), (2, 4, 3), (4, 3, 0), (0, u64::MAX, 0)] {
        event.coalesced = Some(Coalesced { first, last, count });
        assert_eq!(event.broken_rule(), Some(EnvelopeRule::Coalesced), "{first}..{last} ({count}) was taken");
    }
}

#[test]
fn a_late_join_takes_what_runs_as_it_is() {
    let events = short_story();
    assert!(check(StreamCheck::log(), &events[2..]).is_err());
    let done = check(StreamCheck::log().joined_late(), &events[2..]).unwrap();
    assert_eq!((done.position(), done.running().count()), (4, 0));
}

proptest! {
    #[test]
    fn what_was_numbered_passes_the_check(events in story(0)) {
        prop_assert!(check(StreamCheck::log(), &events).is_ok());
        prop_assert!(check(StreamCheck::feed(), &events).is_ok());
    }

    #[test]
    fn a_lost_event_is_noticed_or_its_operation_has_no_ending(events in story(0), at in any::<prop::sample::Index>()) {
        prop_assume!(!events.is_empty());
        let mut events = events;
        let lost = events.remove(at.index(events.len()));
        let is_last = !events.iter().any(|e| e.operation_id == lost.operation_id && e.sequence > lost.sequence);
        match check(StreamCheck::feed(), &events) {
            Err(_) => prop_assert!(!is_last),
            Ok(done) => {
                prop_assert!(is_last);
                // Its only event lost, an operation is unknown; but then it had no ending either.
                prop_assert!(lost.sequence == 1 || done.running().any(|(id, _)| id == lost.operation_id));
            }
        }
    }

    #[test]
    fn another_process_ends_what_a_dead_one_left(events in story(0)) {
        let read = check(StreamCheck::log(), &events).unwrap();
        let mut heir = SourceSequencer::continuing(source(0), read.position(), read.running());
        let left: Vec<OperationId> = read.running().map(|(id, _)| id).collect();
        let mut events = events;
        for id in left {
            events.push(heir.number(draft(id, succeeded())).unwrap());
        }
        prop_assert_eq!(check(StreamCheck::log(), &events).unwrap().running().count(), 0);
    }
}
