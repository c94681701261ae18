//! Sessions: what they show is the packer's snapshot, neither more nor later than it.

use packer_runtime::api::Command;
use studio_adapter::{EndingView, FreshnessState, OpenErrorReason, ProblemsView, StudioSession};

use crate::support::{Workspace, adopt_everything, run};

const UNREGISTERED: &[u8] =
    b"uuid = \"0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10\"\nname = \"hello\"\nkind = \"text\"\n";

/// Checks the view against its snapshot; only the moment of the observation differs between runs.
macro_rules! check {
    ($name:literal, $view:expr) => {
        insta::with_settings!({filters => vec![(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[time]")]}, {
            let text = serde_json::to_string_pretty(&$view).unwrap();
            insta::assert_snapshot!($name, text);
        })
    };
}

#[test]
fn a_new_project_has_no_problems() {
    let workspace = Workspace::new();
    let session = workspace.session();
    assert_eq!(session.recovered(), []);
    check!("new_project", session.problems());
}

#[test]
fn broken_anchors_and_divergences_are_shown_with_what_can_be_done() {
    let workspace = Workspace::new();
    workspace.write("assets/hello.txt", b"hello");
    workspace.write("assets/hello.txt.asset.toml", UNREGISTERED);
    workspace.write("assets/broken.txt", b"broken");
    workspace.write("assets/broken.txt.asset.toml", b"name = \"broken\"\nuuid = 1\nkind = \"text\"\n");
    check!("problems", workspace.session().problems());
}

#[test]
fn a_view_is_of_the_snapshot_and_not_of_the_disk() {
    let workspace = Workspace::new();
    let session = workspace.session();
    let before = session.problems();
    workspace.write("assets/hello.txt", b"hello");
    workspace.write("assets/hello.txt.asset.toml", UNREGISTERED);
    assert_eq!(session.problems(), before);

    let later = workspace.session().problems();
    assert_eq!(later.divergences.len(), 1);
    assert_eq!(session.problems(), before, "another session's observation showed in this one");
}

#[test]
fn a_view_follows_the_snapshot_that_an_operation_publishes() {
    let workspace = Workspace::new();
    workspace.write("assets/hello.txt", b"hello");
    let project = workspace.project();
    assert!(run(&project, adopt_everything()).success().is_some());
    let clean = ProblemsView::of(&project.status());
    assert!(clean.diagnostics.is_empty() && clean.divergences.is_empty());

    workspace.remove("assets/hello.txt.asset.toml");
    assert!(run(&project, Command::Refresh).success().is_some());
    let status = project.status();
    let view = ProblemsView::of(&status);
    assert!(view.revision > clean.revision);
    assert_eq!(view.revision, status.snapshot.revision().0);
    assert_eq!(view.totals.errors, status.snapshot.summary().diagnostics.error);
    assert_eq!(view.freshness.state, FreshnessState::Verified);
    let codes: Vec<&str> = view.divergences.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(codes, ["anchor/missing"]);
    assert_eq!(view.divergences[0].resolutions[0].name, "retire");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let workspace = Workspace::new();
    let nowhere = format!("{}/nowhere", workspace.root());
    let error = StudioSession::open(&nowhere).unwrap_err();
    assert_eq!(error.reason, OpenErrorReason::NotAProject);
    assert!(error.message.contains("nowhere"), "{error}");
    assert_eq!(error.to_string(), error.message);
    assert_eq!(error.diagnostics, []);

    workspace.write("packer.toml", b"[project]\nnaem = \"game\"\n");
    let error = StudioSession::open(workspace.root()).unwrap_err();
    check!("unusable", error);
}

#[test]
fn what_opening_recovered_is_shown() {
    let workspace = Workspace::new();
    let project = workspace.project();
    let dead = run(&project, Command::Refresh).operation_id().to_string();
    drop(project);
    workspace.die_before_the_last_event();

    let recovered = workspace.session().recovered();
    let [view] = recovered.as_slice() else { panic!("{recovered:?}") };
    assert_eq!((view.kind(), view.ending(), view.succeeded()), ("recover", EndingView::Succeeded, true));
    assert_eq!(view.details(), [format!("about operation {dead}")]);
    assert_eq!(workspace.session().recovered(), [], "it was recovered already");
}
