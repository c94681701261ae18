//! What somebody else does to the workspace: first a change of the freshness, then a divergence, and nothing changes in
//! between until somebody refreshes.

use std::time::Duration;

use studio_adapter::{
    EndingView, FreshnessState, Intent, NavigatorQuery, NextUpdate, SessionOptions, StudioSession, Update,
    Updates,
};

use crate::support::{Workspace, done};

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_mins(1);

fn next(updates: &mut Updates) -> Update {
    match updates.next(PATIENCE) {
        NextUpdate::Update(update) => update,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_edit_outside_is_a_doubt_first_and_a_divergence_when_somebody_refreshes() {
    let workspace = Workspace::adopted(&[("hello.txt", "hello"), ("other.txt", "other")]);
    let options = SessionOptions { threads: Some(1), ..SessionOptions::default() };
    assert!(options.watch, "watching is what a Studio gets");
    let (session, mut updates) = StudioSession::open_and_follow(workspace.root(), &options).unwrap();
    while session.freshness().label != "Verified" {
        next(&mut updates);
    }
    let (workspace_before, problems_before) =
        (session.workspace(&NavigatorQuery::default()).unwrap(), session.problems());
    assert_eq!(workspace_before.freshness.state, FreshnessState::Verified);
    assert_eq!(problems_before.divergences, []);

    workspace.remove("assets/hello.txt.asset.toml");
    let badge = loop {
        match next(&mut updates) {
            Update::Freshness(badge) if badge.state == FreshnessState::Dirty => break badge,
            Update::Freshness(_) | Update::Operation(_) | Update::Progress(_) | Update::Finding(_) => {}
            update @ (Update::Revision(_) | Update::Problems(_)) => {
                panic!("nobody asked for another snapshot: {update:#?}")
            }
        }
    };
    assert_eq!(badge.paths, ["hello.txt.asset.toml"]);
    // Nothing but the badge is another.
    let meanwhile = session.workspace(&NavigatorQuery::default()).unwrap();
    assert_eq!(meanwhile.revision, workspace_before.revision);
    assert_eq!(
        (meanwhile.summary, meanwhile.navigator),
        (workspace_before.summary, workspace_before.navigator)
    );
    assert_eq!(session.problems().diagnostics, problems_before.diagnostics);
    assert_eq!(session.freshness(), badge);

    let refreshed = session.refresh();
    let (mut revisions, mut problems, mut fresh) = (Vec::new(), Vec::new(), None);
    let ended = loop {
        match next(&mut updates) {
            Update::Revision(revision) => revisions.push(revision),
            Update::Problems(changes) => problems.push(changes),
            Update::Freshness(badge) => fresh = Some(badge),
            Update::Operation(row) if row.operation_id == refreshed.operation_id() => {
                if let Some(outcome) = row.outcome {
                    break outcome;
                }
            }
            Update::Operation(_) | Update::Progress(_) | Update::Finding(_) => {}
        }
    };
    assert_eq!((ended.kind(), ended.ending()), ("refresh", EndingView::Succeeded));
    let [revision] = revisions.as_slice() else { panic!("{revisions:#?}") };
    assert_eq!((revision.from, revision.to), (workspace_before.revision, workspace_before.revision + 1));
    assert_eq!((revision.added.len(), revision.changed.len(), revision.removed.len()), (0, 1, 0));
    assert_eq!(revision.changed[0].state_label, "Missing");
    let [changes] = problems.as_slice() else { panic!("{problems:#?}") };
    let codes: Vec<&str> = changes.divergences_added.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(codes, ["anchor/missing"]);
    assert_eq!(fresh.unwrap().state, FreshnessState::Verified);
    assert_eq!(session.problems().divergences, changes.divergences_added);
}

#[test]
fn what_is_applied_observes_and_shows_what_was_edited_outside() {
    let workspace = Workspace::adopted(&[("hello.txt", "hello"), ("other.txt", "other")]);
    let options = SessionOptions { threads: Some(1), ..SessionOptions::default() };
    let (session, mut updates) = StudioSession::open_and_follow(workspace.root(), &options).unwrap();
    while session.freshness().label != "Verified" {
        next(&mut updates);
    }
    workspace.remove("assets/hello.txt.asset.toml");
    while session.freshness().state != FreshnessState::Dirty {
        next(&mut updates);
    }
    assert_eq!(session.problems().divergences, []);

    // Nobody refreshes; something else is changed, and to do that the packer observes.
    done(&session, &Intent::Rename { asset: "other".to_owned(), name: "second".to_owned() });
    let problems = session.problems();
    let codes: Vec<&str> = problems.divergences.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(codes, ["anchor/missing"]);
    assert_eq!(session.asset("hello.txt.asset.toml").unwrap().row.state_label, "Missing");
}
