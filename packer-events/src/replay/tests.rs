//! Tests of replay.

use proptest::prelude::*;

use super::*;
use crate::body::{EventBody, Phase};
use crate::coalesce::merge;
use crate::report::Ending;
use crate::sequence::{Draft, OperationNumbers, SourceSequencer};
use crate::testing::{
    accepted, bodies, diagnostic, draft, endings, operation, outcomes, progress, source, story, succeeded,
    time,
};

fn numbered(bodies: impl IntoIterator<Item = EventBody>) -> Vec<Event> {
    let mut sequencer = SourceSequencer::new(source(0));
    let drafts = (0..).zip(bodies).map(|(ms, body)| Draft {
        time: time(ms),
        causation_id: Some(operation(7)),
        ..draft(operation(1), body)
    });
    drafts.map(|draft| sequencer.number(draft).unwrap()).collect()
}

fn told(bodies: impl IntoIterator<Item = EventBody>) -> OperationRecord {
    Replay::fold(&numbered(bodies)).operation(operation(1)).unwrap().clone()
}

#[test]
fn a_record_holds_what_was_said() {
    let commit = bodies().into_iter().find(|body| matches!(body, EventBody::Committed { .. })).unwrap();
    let record = told([
        accepted(),
        EventBody::Started {},
        progress(Phase::Bake, 1),
        EventBody::Diagnostic(diagnostic()),
        progress(Phase::Bake, 2),
        commit,
        succeeded(),
    ]);
    assert_eq!((record.state, record.causation_id), (OperationState::Succeeded, Some(operation(7))));
    assert_eq!((record.title.as_deref(), record.commit), (Some("build harbour"), Some(8)));
    assert_eq!((record.accepted_at, record.started_at), (Some(time(0)), Some(time(1))));
    assert_eq!((record.ended_at, record.last_at), (Some(time(6)), time(6)));
    assert_eq!(record.diagnostics, DiagnosticCounts { errors: 1, ..DiagnosticCounts::default() });
    assert_eq!((record.progress[&Phase::Bake].done, record.progress[&Phase::Bake].time), (2, time(4)));
    assert_eq!(record.ending, Some(Ending::Succeeded(outcomes().swap_remove(0))));
    assert_eq!(record.last, OperationNumbers { sequence: 7, lifecycle_sequence: 5 });
}

#[test]
fn states_follow_waiting_and_working() {
    let queued = bodies().swap_remove(1);
    assert_eq!(told([accepted()]).state, OperationState::Accepted);
    let waiting = told([accepted(), EventBody::Started {}, queued.clone()]);
    assert_eq!((waiting.state, waiting.behind.is_some()), (OperationState::Queued, true));
    let working = told([accepted(), queued, progress(Phase::Bake, 1)]);
    assert_eq!((working.state, working.behind), (OperationState::Running, None));
}

#[test]
fn only_an_ending_ends_and_each_in_its_own_state() {
    for body in bodies().into_iter().skip(1) {
        let record = told([accepted(), body]);
        assert_eq!((record.ending, record.ended_at), (None, None));
        assert!(record.state < OperationState::Succeeded);
    }
    for body in endings() {
        let record = told([accepted(), body.clone()]);
        assert_eq!(record.ending.map(EventBody::from), Some(body.clone()));
        assert_eq!(record.state == OperationState::Succeeded, body.type_name() == "succeeded");
        assert_eq!(format!("{:?}", record.state).to_lowercase(), body.type_name().replace('_', ""));
    }
}

#[test]
fn repeats_what_follows_an_ending_and_foreign_claims_are_ignored() {
    let events = numbered([accepted(), progress(Phase::Bake, 1), succeeded()]);
    let told = Replay::fold(&events);
    let mut late = events[1].clone();
    late.sequence = 9;
    let mut replay = told.clone();
    assert!(!replay.apply(&late) && !replay.apply(&events[0]));
    assert_eq!((replay.operation(operation(1)), replay.ignored()), (told.operation(operation(1)), 2));
    let mut replay = Replay::fold(&events[..2]);
    let before = replay.clone();
    let mut foreign = events[2].clone();
    foreign.source = source(9);
    assert!(!replay.apply(&foreign) && !replay.apply(&events[1]));
    assert_eq!(replay.operation(operation(1)), before.operation(operation(1)));
    assert_eq!(replay.running().count(), 1);
    assert!(replay.apply(&events[2]));
    assert_eq!((replay.running().count(), replay.caused_by(operation(7)).count()), (0, 1));
}

proptest! {
    #[test]
    fn a_coalesced_stream_tells_the_same_story(events in story(0), cut in 0_usize..80) {
        let full = Replay::fold(&events);
        prop_assert_eq!(&Replay::fold(&merge(events.clone())), &full);
        let (early, late) = events.split_at(cut.min(events.len()));
        let partly: Vec<Event> = early.iter().cloned().chain(merge(late.to_vec())).collect();
        prop_assert_eq!(Replay::fold(&partly), full);
    }

    #[test]
    fn how_sources_interleave_does_not_matter(a in story(0), b in story(1), picks in proptest::collection::vec(any::<bool>(), 160)) {
        let one_after_the_other = Replay::fold(a.iter().chain(&b));
        let (mut a, mut b) = (a.iter(), b.iter());
        let mut mixed = Replay::new();
        for pick in picks {
            let next = if pick { a.next().or_else(|| b.next()) } else { b.next().or_else(|| a.next()) };
            next.map(|event| mixed.apply(event));
        }
        prop_assert_eq!(mixed, one_after_the_other);
    }
}
