//! Streams of events that no honest packer sends: what is shown is what was said, once, and never an end.

use packer_events::body::Phase;
use packer_events::event::Event;
use packer_events::record::DiagnosticRecord;
use packer_runtime::api::{Diagnostic, DiagnosticCode, Subject};

use super::*;
use crate::operation::OperationStateView;
use crate::operation::tests::{accepted, forged, progress, told};

fn taken(events: &[Event]) -> Vec<Update> {
    let mut activity = Activity::default();
    events.iter().filter_map(|event| activity.take(event, None)).collect()
}

fn states(updates: &[Update]) -> Vec<OperationStateView> {
    let state = |update: &Update| match update {
        Update::Operation(view) => {
            assert_eq!(view.outcome, None);
            Some(view.state)
        }
        Update::Progress(_)
        | Update::Finding(_)
        | Update::Revision(_)
        | Update::Problems(_)
        | Update::Freshness(_) => None,
    };
    updates.iter().filter_map(state).collect()
}

#[test]
fn repeats_are_told_once() {
    let events = told(vec![accepted(), EventBody::Started {}, progress(Phase::Bake, 1, Some(2))]);
    let doubled: Vec<Event> = events.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    let again: Vec<Event> = events.iter().chain(&events).cloned().collect();
    assert_eq!(taken(&events).len(), 3);
    assert_eq!(taken(&doubled), taken(&events));
    assert_eq!(taken(&again), taken(&events));
}

#[test]
fn what_comes_late_begins_nothing_again() {
    let bodies =
        vec![accepted(), EventBody::Started {}, forged(), progress(Phase::Bake, 1, Some(2)), accepted()];
    let updates = taken(&told(bodies));
    let running = OperationStateView::Running;
    assert_eq!(states(&updates), [OperationStateView::Accepted, running, running]);
    assert_eq!(updates.len(), 3, "{updates:#?}");
}

#[test]
fn an_end_without_a_beginning_is_shown_once_and_proves_nothing() {
    assert_eq!(states(&taken(&told(vec![forged()]))), [OperationStateView::Running]);
}

#[test]
fn complete_progress_ends_nothing() {
    let events = told(vec![accepted(), progress(Phase::Write, 9, Some(9))]);
    let mut activity = Activity::default();
    let updates: Vec<Update> = events.iter().filter_map(|event| activity.take(event, None)).collect();
    assert!(matches!(&updates[1], Update::Progress(told) if told.progress.fraction == Some(1.0)));
    assert_eq!((activity.going_on.len(), activity.ended.len()), (1, 0));
}

#[test]
fn findings_are_passed_on_word_by_word() {
    let finding = Diagnostic::new(DiagnosticCode::AnchorMissing, Subject::Project, "gone").help("look");
    let record = DiagnosticRecord::from(&finding);
    let unknown = DiagnosticRecord { code: "future/code".to_owned(), ..record.clone() };
    let updates = taken(&told(vec![EventBody::Diagnostic(record), EventBody::Diagnostic(unknown)]));
    let [Update::Finding(known), Update::Finding(unknown)] = updates.as_slice() else {
        panic!("{updates:#?}")
    };
    assert_eq!(known.finding, DiagnosticRow::of(&finding));
    assert_eq!((unknown.finding.code.as_str(), unknown.finding.title.as_str()), ("future/code", ""));
}

#[test]
fn memory_is_that_of_what_goes_on() {
    let mut activity = Activity::default();
    for n in 0..10_000_u64 {
        for event in told(vec![accepted(), forged()]) {
            let operation_id =
                OperationId::drawn(packer_runtime::api::UuidDraw { unix_ms: n, entropy: [1; 16] });
            activity.take(&Event { operation_id, ..event }, None);
        }
    }
    assert_eq!((activity.going_on.len(), activity.ended.len()), (0, ENDED));
}
