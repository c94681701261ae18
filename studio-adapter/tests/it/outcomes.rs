//! Outcome views of operations that really ended so: there is no other way to have one.

use std::time::Duration;

use packer_runtime::api::{BuildRequest, Command, FeedNext, From, Outcome, Provenance};
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
