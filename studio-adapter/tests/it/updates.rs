//! Updates of real sessions: whoever follows them has what a view has, and every operation's one end.

use std::collections::BTreeMap;
use std::time::Duration;

use studio_adapter::{
    BuildIntent, ErrorReason, Intent, NavigatorQuery, NavigatorRow, NextUpdate, OperationStateView,
    RevisionView, RowKey, StudioSession, Update, Updates,
};

use crate::support::{Workspace, done};

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// An editor that follows updates and asks for nothing twice.
struct Editor {
    updates: Updates,
    revision: u64,
    rows: BTreeMap<RowKey, NavigatorRow>,
    ends: Vec<String>,
}

impl Editor {
    fn new(session: &StudioSession) -> Self {
        let updates = session.updates();
        let view = session.workspace(&NavigatorQuery::default()).unwrap();
        let rows = view.navigator.rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        Self { updates, revision: view.revision, rows, ends: Vec::new() }
    }

    fn follow(&mut self, revision: RevisionView) {
        assert_eq!(revision.from, self.revision, "a snapshot was passed over");
        self.revision = revision.to;
        for key in revision.removed {
            assert!(self.rows.remove(&key).is_some(), "{key:?}");
        }
        for row in revision.added {
            assert!(self.rows.insert(row.key.clone(), row).is_none());
        }
        for row in revision.changed {
            assert!(self.rows.insert(row.key.clone(), row).is_some());
        }
    }

    /// Follows until the operation with this id has ended.
    fn until(&mut self, operation: &str) -> Vec<Update> {
        let mut seen = Vec::new();
        loop {
            let update = match self.updates.next(PATIENCE) {
                NextUpdate::Update(update) => update,
                other => panic!("{other:?} before the end of {operation}: {seen:#?}"),
            };
            seen.push(update.clone());
            match update {
                Update::Revision(revision) => self.follow(*revision),
                Update::Operation(row) => {
                    assert_eq!(row.outcome.is_some(), row.state == OperationStateView::Ended);
                    if row.outcome.is_some() {
                        self.ends.push(row.operation_id.clone());
                        if row.operation_id == operation {
                            return seen;
                        }
                    }
                }
                Update::Progress(_) | Update::Finding(_) | Update::Problems(_) | Update::Freshness(_) => {}
            }
        }
    }

    #[track_caller]
    fn shows_what_there_is(&self, session: &StudioSession) {
        let view = session.workspace(&NavigatorQuery::default()).unwrap();
        assert_eq!(view.revision, self.revision);
        let rows: Vec<&NavigatorRow> = self.rows.values().collect();
        let mut expected: Vec<&NavigatorRow> = view.navigator.rows.iter().collect();
        expected.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(rows, expected);
    }
}

fn adopt() -> Intent {
    Intent::Adopt { paths: vec![".".to_owned()], kind: None }
}

#[test]
fn whoever_follows_has_what_a_view_has() {
    let workspace = Workspace::adopted(&[("a.txt", "a"), ("b.txt", "b"), ("c.txt", "c")]);
    let session = workspace.session();
    let mut editor = Editor::new(&session);
    editor.shows_what_there_is(&session);

    let rename = Intent::Rename { asset: "a".to_owned(), name: "first".to_owned() };
    let renamed = done(&session, &rename);
    let seen = editor.until(renamed.operation_id());
    editor.shows_what_there_is(&session);
    let revisions = seen.iter().filter(|update| matches!(update, Update::Revision(_))).count();
    assert_eq!(revisions, 1, "{seen:#?}");

    // By the end of an operation, what it brought about has been told.
    for (path, text) in [("assets/d.txt", "d"), ("assets/b.txt", "other")] {
        workspace.write(path, text.as_bytes());
    }
    session.refresh().wait().unwrap();
    let adopted = done(&session, &adopt());
    editor.until(adopted.operation_id());
    editor.shows_what_there_is(&session);

    let removed = done(&session, &Intent::Remove { assets: vec!["c".to_owned()], keep_inputs: false });
    editor.until(removed.operation_id());
    editor.shows_what_there_is(&session);
    assert_eq!(editor.rows.len(), 3);

    let undone = done(&session, &Intent::Undo { operation: None });
    editor.until(undone.operation_id());
    editor.shows_what_there_is(&session);
    assert_eq!(editor.rows.len(), 4);
}

#[test]
fn one_update_leads_over_all_snapshots_that_were_published_since() {
    let workspace = Workspace::adopted(&[("a.txt", "a")]);
    let session = workspace.session();
    let mut editor = Editor::new(&session);
    let mut last = String::new();
    for name in ["one", "two", "three"] {
        let asset = "a.txt".to_owned();
        last = done(&session, &Intent::Rename { asset, name: name.to_owned() }).operation_id().to_owned();
    }
    let seen = editor.until(&last);
    editor.shows_what_there_is(&session);
    assert_eq!(editor.ends.len(), 3);
    let revisions: Vec<(u64, u64)> = seen
        .iter()
        .filter_map(|update| match update {
            Update::Revision(revision) => Some((revision.from, revision.to)),
            _ => None,
        })
        .collect();
    assert_eq!(revisions, [(1, 4)]);
}

#[test]
fn a_build_is_told_from_its_acceptance_to_its_end_with_what_it_found() {
    let workspace = Workspace::adopted(&[("a.txt", "a"), ("b.txt", "b")]);
    workspace.write("assets/b.txt", b"\xff\xfe\xfd");
    let session = workspace.session();
    let mut editor = Editor::new(&session);
    let build = session.build(&BuildIntent::default()).unwrap();
    let seen = editor.until(&build.operation_id());
    let rows: Vec<_> = seen
        .iter()
        .filter_map(|update| match update {
            Update::Operation(row) => Some(row),
            _ => None,
        })
        .collect();
    let states: Vec<OperationStateView> = rows.iter().map(|row| row.state).collect();
    let expected = [OperationStateView::Accepted, OperationStateView::Running, OperationStateView::Ended];
    assert_eq!(states, expected);
    // Whoever has its row advance by what is told has what its end shows.
    let mut advanced = rows[0].as_ref().clone();
    for update in &seen {
        if let Update::Progress(told) = update {
            advanced.advance(told.progress.clone());
        }
    }
    assert!(advanced.progress.len() > 1, "{seen:#?}");
    assert_eq!(advanced.progress, rows[2].progress);
    let findings: Vec<&str> = seen
        .iter()
        .filter_map(|update| match update {
            Update::Finding(found) => Some(found.finding.code.as_str()),
            _ => None,
        })
        .collect();
    let last = rows.last().unwrap();
    assert_eq!(last.errors, findings.len() as u64, "{findings:?}");
    assert!(last.errors > 0);
    let outcome = last.outcome.as_ref().unwrap();
    assert_eq!(outcome.title(), "Build failed");
    assert_eq!(build.wait().unwrap().message(), outcome.message());
}

#[test]
fn nothing_final_is_lost_however_long_nobody_looks() {
    let workspace = Workspace::adopted(&[("a.txt", "a")]);
    let session = workspace.session();
    let mut editor = Editor::new(&session);
    // More events than a feed holds.
    let all: Vec<String> = (0..400)
        .map(|_| {
            let refresh = session.refresh();
            refresh.wait().unwrap();
            refresh.operation_id()
        })
        .collect();
    editor.until(all.last().unwrap());
    assert_eq!(editor.ends, all);
}

#[test]
fn after_the_session_there_is_nothing_more() {
    let workspace = Workspace::adopted(&[("a.txt", "a")]);
    let session = workspace.session();
    let mut editor = Editor::new(&session);
    let refresh = session.refresh();
    let id = refresh.operation_id();
    refresh.wait().unwrap();
    drop(session);
    editor.until(&id);
    assert_eq!(editor.updates.next(PATIENCE), NextUpdate::Closed);
    assert_eq!(editor.updates.next(PATIENCE), NextUpdate::Closed);
}

#[test]
fn with_nothing_to_tell_nothing_is_told() {
    let workspace = Workspace::adopted(&[("a.txt", "a")]);
    let session = workspace.session();
    let mut updates = session.updates();
    assert_eq!(updates.next(Duration::ZERO), NextUpdate::Nothing);
    assert_eq!(updates.revision(), session.workspace(&NavigatorQuery::default()).unwrap().revision);
}

#[test]
fn what_no_event_tells_of_is_found_by_looking() {
    let workspace = Workspace::adopted(&[("a.txt", "a")]);
    let session = workspace.session();
    let mut editor = Editor::new(&session);
    // From here on no log can be written: a file stands where the logs are.
    workspace.lose_the_logs();
    let lost = session.refresh();
    let error = lost.wait().unwrap_err();
    assert_eq!(error.reason, ErrorReason::NotDurable, "{error:#?}");
    assert_eq!(lost.outcome().unwrap().unwrap_err(), error);
    while editor.updates.next(Duration::ZERO) != NextUpdate::Nothing {}

    // Behind that end, which cannot be stored, no event is told of at all.
    workspace.write("assets/b.txt", b"b");
    assert_eq!(session.refresh().wait().unwrap_err().reason, ErrorReason::NotDurable);
    editor.revision = editor.updates.revision();
    let mut seen = Vec::new();
    while let NextUpdate::Update(update) = editor.updates.next(Duration::ZERO) {
        if let Update::Operation(row) = &update {
            assert_eq!(row.outcome, None, "nobody knows how it ended");
        }
        seen.push(update);
    }
    let revisions: Vec<&RevisionView> = seen
        .iter()
        .filter_map(|update| match update {
            Update::Revision(revision) => Some(&**revision),
            Update::Operation(_)
            | Update::Progress(_)
            | Update::Finding(_)
            | Update::Problems(_)
            | Update::Freshness(_) => None,
        })
        .collect();
    let [revision] = revisions.as_slice() else { panic!("{seen:#?}") };
    assert_eq!(revision.unclaimed_added, ["b.txt"]);
    editor.follow((*revision).clone());
    editor.shows_what_there_is(&session);
}

#[test]
fn whoever_misses_what_a_lost_log_told_still_has_what_a_view_has() {
    let workspace = Workspace::adopted(&[("a.txt", "a")]);
    let session = workspace.session();
    let mut editor = Editor::new(&session);
    // More events than a feed holds, so that it would have to read the later ones from the log.
    let mut operations: Vec<String> = Vec::new();
    for n in 0..400 {
        if n == 200 {
            done(&session, &Intent::Rename { asset: "a.txt".to_owned(), name: "other".to_owned() });
        }
        operations.push(session.refresh().wait().unwrap().operation_id().to_owned());
    }
    workspace.delete_the_logs();
    let mut seen = 0;
    loop {
        match editor.updates.next(Duration::ZERO) {
            NextUpdate::Update(Update::Revision(revision)) => editor.follow(*revision),
            NextUpdate::Update(Update::Operation(row)) => {
                seen += usize::from(row.outcome.is_some());
            }
            NextUpdate::Update(
                Update::Progress(_) | Update::Finding(_) | Update::Problems(_) | Update::Freshness(_),
            ) => {}
            NextUpdate::Nothing => break,
            NextUpdate::Closed => panic!("the session is open"),
        }
    }
    assert!(seen < operations.len(), "{seen} ends were told, and the log was not missed");
    editor.shows_what_there_is(&session);
}
