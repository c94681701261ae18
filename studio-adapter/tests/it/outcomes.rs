//! Outcome views of operations that really ended so: there is no other way to have one.

use std::time::Duration;

use packer_events::body::{EventBody, OperationKind, Phase};
use packer_events::report::{
    AbortReport, CancellationReport, Ending, Failure, FailureReport, OutcomeReport, RefreshReport, Rejection,
    RejectionReport, UnknownOutcomeCause, UnknownOutcomeReport,
};
use packer_events::sequence::{Draft, SourceSequencer};
use packer_events::time::Timestamp;
use packer_events::wire::encode_line;
use packer_runtime::api::{
    BuildRequest, Command, FeedNext, From, OperationId, Outcome, Provenance, Revision, SourceId, UuidDraw,
};
use studio_adapter::{EndingView, OutcomeView};

use crate::support::{Workspace, adopt_everything, run};

/// Checks the view against its snapshot; ids, times, digests and sizes differ between runs or with the pack's format.
macro_rules! check {
    ($name:literal, $outcome:expr) => {
        let outcome: &Outcome = &$outcome;
        let view = OutcomeView::of(outcome);
        assert_eq!(view.operation_id(), outcome.operation_id().to_string());
        assert_eq!(view.succeeded(), outcome.success().is_some());
        let filters = vec![
            (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]"),
            (r#""took_ms": \d+"#, r#""took_ms": "[ms]""#),
            (r"\d+ bytes, b3:[0-9a-f]{64}", "[bytes], [digest]"),
        ];
        insta::with_settings!({filters => filters}, {
            let text = serde_json::to_string_pretty(&view).unwrap();
            insta::assert_snapshot!($name, text);
        });
    };
}

fn build() -> Command {
    Command::Build(BuildRequest::default())
}

#[test]
fn operations_that_succeed_are_shown_as_such() {
    let workspace = Workspace::new();
    workspace.write("assets/hello.txt", b"hello");
    let project = workspace.project();
    check!("adopted", run(&project, adopt_everything()));
    check!("refreshed", run(&project, Command::Refresh));
    check!("built", run(&project, build()));
    check!("built_again", run(&project, build()));
}

#[test]
fn a_build_of_a_diverged_workspace_is_shown_as_rejected() {
    let workspace = Workspace::new();
    workspace.write("assets/hello.txt", b"hello");
    let project = workspace.project();
    run(&project, adopt_everything());
    workspace.remove("assets/hello.txt.asset.toml");
    let outcome = run(&project, build());
    check!("rejected", outcome);
    let view = OutcomeView::of(&outcome);
    assert_eq!((view.ending(), view.succeeded(), view.replayed()), (EndingView::Rejected, false, false));
    assert_eq!((view.kind(), view.title()), ("build", "Build rejected"));
    assert_eq!((view.details(), view.took_ms()), ([].as_slice(), None));
}

#[test]
fn a_build_with_a_broken_source_is_shown_as_failed() {
    let workspace = Workspace::new();
    workspace.write("assets/broken.txt", b"\xff\xfe\xfd");
    let project = workspace.project();
    run(&project, adopt_everything());
    let outcome = run(&project, build());
    check!("failed", outcome);
    assert_eq!(OutcomeView::of(&outcome).ending(), EndingView::Failed);
}

#[test]
fn an_outcome_that_is_read_back_from_the_log_says_so() {
    let workspace = Workspace::new();
    let project = workspace.project();
    let mut feed = project.subscribe(From::Now);
    // More events than a feed holds, so that it has to read the later ones from the log.
    let live: Vec<OutcomeView> =
        (0..400).map(|_| OutcomeView::of(&run(&project, Command::Refresh))).collect();
    let mut replayed = 0;
    for view in &live {
        let outcome = loop {
            let FeedNext::Item(item) = feed.next(Duration::from_secs(30)) else {
                panic!("an event is missing")
            };
            if let Some(outcome) = item.outcome {
                break outcome;
            }
        };
        let told = OutcomeView::of(&outcome);
        assert_eq!(told.operation_id(), view.operation_id());
        assert_eq!((told.ending(), told.message()), (view.ending(), view.message()));
        assert!(!view.replayed());
        assert_eq!(told.replayed(), outcome.provenance() == Provenance::Replayed);
        replayed += usize::from(told.replayed());
    }
    assert!((1..live.len()).contains(&replayed), "{replayed} of {} were read back", live.len());
}

/// An end of this form. A form without one does not compile.
fn end(form: EndingView) -> Ending {
    let kind = OperationKind::Refresh;
    let by = OperationId::drawn(UuidDraw { unix_ms: 1_795_338_000_000, entropy: [99; 16] });
    let changed = packer_events::record::Changes { added: 1, changed: 2, removed: 3, configuration: false };
    let report = RefreshReport { from: Revision(1), to: Revision(2), changed, took_ms: 3 };
    let outcome = OutcomeReport::Refresh(report);
    match form {
        EndingView::Succeeded => Ending::Succeeded(outcome),
        EndingView::Rejected => {
            Ending::Rejected(RejectionReport { kind, reason: Rejection::LaneFrozen { operation_id: by } })
        }
        EndingView::Failed => {
            let cause = Failure::Io { message: "no space left".to_owned(), path: None };
            Ending::Failed(FailureReport { kind, cause })
        }
        EndingView::Cancelled => Ending::Cancelled(CancellationReport { kind, phase: Some(Phase::Hash) }),
        EndingView::Aborted => Ending::Aborted(AbortReport { kind: Some(kind), by }),
        EndingView::Recovered => Ending::Recovered { outcome, by },
        EndingView::OutcomeUnknown => Ending::OutcomeUnknown(UnknownOutcomeReport {
            kind: Some(kind),
            cause: UnknownOutcomeCause::EditedMeanwhile,
            message: "hello.txt changed while the commit was interrupted".to_owned(),
            path: Some("assets/hello.txt".to_owned()),
        }),
    }
}

#[test]
fn every_form_of_an_end_is_shown_as_what_it_is() {
    let forms = every![
        EndingView: Succeeded,
        Rejected,
        Failed,
        Cancelled,
        Aborted,
        Recovered,
        OutcomeUnknown,
    ];
    // The log of an earlier opening in which each of them happened.
    let source = SourceId::drawn(UuidDraw { unix_ms: 1_795_338_000_000, entropy: [9; 16] });
    let (mut sequencer, mut log) = (SourceSequencer::new(source), String::new());
    for (form, entropy) in forms.into_iter().zip(1..) {
        let draw = UuidDraw { unix_ms: 1_795_338_000_000, entropy: [entropy; 16] };
        let accepted = EventBody::Accepted { kind: OperationKind::Refresh, title: "refresh".to_owned() };
        for body in [accepted, EventBody::Started {}, end(form).into()] {
            let draft = Draft {
                operation_id: OperationId::drawn(draw),
                causation_id: None,
                time: Timestamp::from_unix_ms(1_795_338_000_000),
                base_revision: None,
                result_revision: None,
                body,
            };
            log += &encode_line(&sequencer.number(draft).unwrap());
        }
    }
    let workspace = Workspace::new();
    workspace.write(&format!(".packer/events/{source}.jsonl"), log.as_bytes());

    let mut feed = workspace.project().subscribe(From::After(source, 0));
    let mut views = Vec::new();
    while views.len() < forms.len() {
        let FeedNext::Item(item) = feed.next(Duration::from_mins(1)) else { panic!("{views:#?}") };
        views.extend(item.outcome.as_ref().map(OutcomeView::of));
    }
    let shown: Vec<EndingView> = views.iter().map(OutcomeView::ending).collect();
    assert_eq!(shown, forms);
    for view in &views {
        let done = match view.ending() {
            EndingView::Succeeded | EndingView::Recovered => true,
            EndingView::Rejected
            | EndingView::Failed
            | EndingView::Cancelled
            | EndingView::Aborted
            | EndingView::OutcomeUnknown => false,
        };
        assert_eq!((view.succeeded(), view.replayed()), (done, true), "{view:#?}");
    }
    insta::assert_snapshot!("every_form", serde_json::to_string_pretty(&views).unwrap());
}
