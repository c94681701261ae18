//! Operations as events tell of them: what is shown of each, and that events alone never show an end.

use packer_events::body::{EventBody, Holder, Lock, OperationKind, Phase, Unit};
use packer_events::event::{Event, Schema};
use packer_events::replay::Replay;
use packer_events::report::{CancellationReport, Ending, OutcomeReport, WatchReport};
use packer_events::time::Timestamp;
use packer_runtime::api::{Command, OpenOptions, OperationId, Project, SourceId, UuidDraw, create_project};

use super::*;

const DRAW: UuidDraw = UuidDraw { unix_ms: 1_795_338_000_000, entropy: [7; 16] };

/// The events of one operation that say these, in order.
pub(crate) fn told(bodies: Vec<EventBody>) -> Vec<Event> {
    let (mut lifecycle, mut events) = (0, Vec::new());
    for (sequence, body) in (1..).zip(bodies) {
        lifecycle += u64::from(body.is_lifecycle());
        events.push(Event {
            schema: Schema,
            source: SourceId::drawn(DRAW),
            position: sequence,
            operation_id: OperationId::drawn(DRAW),
            sequence,
            lifecycle_sequence: lifecycle,
            causation_id: None,
            time: Timestamp::from_unix_ms(1_795_338_000_000 + sequence),
            base_revision: None,
            result_revision: None,
            terminal: body.is_terminal(),
            coalesced: None,
            body,
        });
    }
    events
}

pub(crate) fn accepted() -> EventBody {
    EventBody::Accepted { kind: OperationKind::Build, title: "build harbour".to_owned() }
}

pub(crate) fn progress(phase: Phase, done: u64, total: Option<u64>) -> EventBody {
    let (unit, subject) = (Unit::Files, Some("ui/a.png".to_owned()));
    EventBody::Progress { phase, done, total, unit, bytes: None, elapsed_ms: 5, subject }
}

/// An ending that somebody wrote.
pub(crate) fn forged() -> EventBody {
    Ending::Succeeded(OutcomeReport::Watch(WatchReport { transitions: 1, took_ms: 2 })).into()
}

fn view(bodies: Vec<EventBody>) -> OperationView {
    let replay = Replay::fold(&told(bodies));
    OperationView::of(replay.operation(OperationId::drawn(DRAW)).unwrap(), None)
}

#[test]
fn what_goes_on_is_shown_as_it_is_told() {
    let holder = Holder {
        pid: 4711,
        host: "quay".to_owned(),
        operation_id: OperationId::drawn(DRAW),
        kind: OperationKind::Adopt,
        since: Timestamp::from_unix_ms(1_795_338_000_000),
    };
    let behind = |lock, holder| EventBody::Queued { behind: Behind { lock, operations: 2, holder } };
    let catalogue = [
        view(vec![accepted()]),
        view(vec![accepted(), behind(Lock::Lane, None)]),
        view(vec![accepted(), behind(Lock::Build, Some(holder))]),
        view(vec![accepted(), EventBody::Started {}, progress(Phase::Scan, 1200, None)]),
        view(vec![EventBody::Started {}]),
    ];
    insta::assert_json_snapshot!("under_way", catalogue);
}

#[test]
fn every_part_of_the_work_has_its_words() {
    let bodies = Phase::ALL.iter().map(|phase| progress(*phase, 1, Some(4))).collect();
    insta::assert_json_snapshot!("phases", view(bodies).progress);
    let units: Vec<String> = Unit::ALL
        .iter()
        .map(|unit| {
            let (phase, total, bytes, subject) = (Phase::Bake, Some(2), None, None);
            let body =
                EventBody::Progress { phase, done: 1, total, unit: *unit, bytes, elapsed_ms: 5, subject };
            view(vec![body]).progress[0].text.clone()
        })
        .collect();
    assert_eq!(units, ["1 of 2 files", "1 of 2 assets", "1 of 2 bytes", "1 of 2 steps"]);
}

#[test]
fn parts_of_the_work_stand_in_the_packers_order() {
    // `advance` looks a part up by its place, so the two orders have to be one.
    let views: Vec<PhaseView> = Phase::ALL.iter().map(|phase| PhaseView::of(*phase)).collect();
    assert!(Phase::ALL.is_sorted_by(|one, next| one < next));
    assert!(views.is_sorted_by(|one, next| one < next), "{views:?}");

    let bodies = Phase::ALL.iter().map(|phase| progress(*phase, 1, Some(4))).collect();
    let told = view(bodies);
    let mut row = view(vec![accepted()]);
    for part in told.progress.iter().rev() {
        row.advance(part.clone());
        row.advance(ProgressView { done: 3, ..part.clone() });
    }
    let parts: Vec<(PhaseView, u64)> = row.progress.iter().map(|part| (part.phase, part.done)).collect();
    assert_eq!(parts, views.iter().map(|phase| (*phase, 3)).collect::<Vec<_>>());
}

#[test]
fn complete_progress_is_no_end() {
    let view = view(vec![accepted(), EventBody::Started {}, progress(Phase::Write, 300, Some(300))]);
    assert_eq!((view.state, view.outcome), (OperationStateView::Running, None));
    assert_eq!(view.progress[0].fraction, Some(1.0));
    assert_eq!(view.progress[0].text, "300 of 300 files");
}

#[test]
fn an_ending_that_nothing_proves_is_no_end() {
    let cancelled = CancellationReport { kind: OperationKind::Build, phase: None };
    for ending in [forged(), Ending::Cancelled(cancelled).into()] {
        let view = view(vec![accepted(), EventBody::Started {}, ending]);
        assert_eq!((view.state, view.state_label.as_str()), (OperationStateView::Running, "Running"));
        assert_eq!(view.outcome, None);
    }
}

#[test]
fn figures_of_progress_are_the_packers_also_where_they_make_no_sense() {
    for (done, total, fraction, text) in [
        (5, Some(4), Some(1.0), "5 of 4 files"),
        (0, Some(0), None, "0 of 0 files"),
        (3, Some(0), None, "3 of 0 files"),
        (7, None, None, "7 files"),
        (1, Some(1), Some(1.0), "1 of 1 file"),
        (1, Some(4), Some(0.25), "1 of 4 files"),
    ] {
        let view = view(vec![progress(Phase::Hash, done, total)]);
        let shown = &view.progress[0];
        assert_eq!(
            (shown.done, shown.total, shown.fraction, shown.text.as_str()),
            (done, total, fraction, text)
        );
    }
}

#[test]
fn an_end_is_that_of_the_operation_that_it_proves() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("game");
    let root = root.to_str().unwrap();
    create_project(root.as_ref(), "game").unwrap();
    let project = Project::open(root.as_ref(), OpenOptions::default()).unwrap();
    let outcome = project.submit(Command::Refresh).wait().unwrap();

    let other = Replay::fold(&told(vec![accepted(), forged()]));
    let other = OperationView::of(other.operation(OperationId::drawn(DRAW)).unwrap(), Some(&outcome));
    assert_eq!((other.state, other.outcome), (OperationStateView::Running, None));

    // With its proof it has ended, whatever its events have told so far.
    let id = outcome.operation_id();
    let events = told(vec![accepted(), progress(Phase::Scan, 1, Some(9))]);
    let own: Vec<Event> = events.into_iter().map(|event| Event { operation_id: id, ..event }).collect();
    let own = OperationView::of(Replay::fold(&own).operation(id).unwrap(), Some(&outcome));
    assert_eq!((own.state, own.state_label.as_str()), (OperationStateView::Ended, "Refresh succeeded"));
    assert_eq!(own.outcome, Some(OutcomeView::of(&outcome)));
    assert_eq!((own.progress[0].done, own.progress[0].total), (1, Some(9)));
}
