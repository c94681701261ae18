//! Streams of events that no honest packer sends: what is shown is what was said, once, and never an end.

use packer_events::body::Phase;
use packer_events::event::Event;
use packer_events::record::DiagnosticRecord;
use packer_runtime::api::{
    BuildRequest, Command, Diagnostic, DiagnosticCode, OpenOptions, Project, Subject, UuidDraw,
    create_project, recorded_logs,
};

use super::*;
use crate::operation::OperationStateView;
use crate::operation::tests::{accepted, forged, progress, told};
use crate::outcome::OutcomeView;

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
        for event in ended(n) {
            activity.take(&event, None);
        }
    }
    assert_eq!((activity.going_on.len(), activity.ended.len(), activity.told.len()), (0, ENDED, 1));
}

/// The events of an operation that has ended, the `n`th of its source.
fn ended(n: u64) -> Vec<Event> {
    let operation_id = OperationId::drawn(UuidDraw { unix_ms: n, entropy: [1; 16] });
    let events = told(vec![accepted(), forged()]);
    let of_it = |event: Event| Event { operation_id, position: 2 * n + event.position, ..event };
    events.into_iter().map(of_it).collect()
}

#[test]
fn what_comes_later_than_many_other_ends_begins_nothing_again() {
    let mut activity = Activity::default();
    let after = ENDED as u64 + 10;
    for event in (0..after).flat_map(ended) {
        assert!(activity.take(&event, None).is_some());
    }
    // The first of them is forgotten, and what was said of it comes once more.
    let [accepted, end] = ended(0).try_into().unwrap();
    assert!(!activity.ended.contains(&accepted.operation_id));
    assert_eq!((activity.take(&accepted, None), activity.take(&end, None)), (None, None));
    assert_eq!(activity.going_on.len(), 0);
    // The limit: at a position that was not told yet, it would be an operation whose beginning was not told.
    let new = Event { position: 2 * after + 1, ..end };
    assert_eq!(states(&[activity.take(&new, None).unwrap()]), [OperationStateView::Running]);
}

#[test]
fn a_recorded_log_folds_to_one_row_and_one_end_an_operation() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("game");
    let root = root.to_str().unwrap();
    create_project(root.as_ref(), "game").unwrap();
    let project = Project::open(root.as_ref(), OpenOptions::default()).unwrap();
    let outcomes: Vec<Outcome> =
        [Command::Refresh, Command::Build(BuildRequest::default()), Command::Refresh]
            .map(|command| project.submit(command).wait().unwrap())
            .to_vec();
    drop(project);
    let logs = recorded_logs(root.as_ref()).unwrap();
    let events: Vec<&Event> = logs.iter().flat_map(|log| &log.events).map(|event| &**event).collect();
    let proof = |event: &Event| {
        let of_it = |outcome: &&Outcome| outcome.operation_id() == event.operation_id;
        outcomes.iter().find(of_it).filter(|_| event.terminal)
    };

    // With what proves each end, told twice.
    let mut activity = Activity::default();
    let mut ends = Vec::new();
    for event in events.iter().flat_map(|event| [event, event]) {
        if let Some(Update::Operation(row)) = activity.take(event, proof(event)) {
            assert_eq!(row.outcome.is_some(), row.state == OperationStateView::Ended);
            ends.extend(row.outcome);
        }
    }
    assert_eq!(ends, outcomes.iter().map(OutcomeView::of).collect::<Vec<_>>());
    assert_eq!((activity.going_on.len(), activity.ended.len()), (0, outcomes.len()));
    // All of it once more, with the proofs: nothing.
    let again = events.iter().filter_map(|event| activity.take(event, proof(event)));
    assert_eq!(again.count(), 0);

    // The same without proofs, as anybody could write it down: nothing has ended.
    let told: Vec<Event> = events.iter().map(|event| (*event).clone()).collect();
    let shown = taken(&told);
    assert!(states(&shown).len() >= 3 * outcomes.len(), "{shown:#?}");
}
