//! Feeds: slow, stuck and gone subscribers change nothing for anybody, and miss nothing that matters.

use packer_events::body::EventBody;
use packer_events::replay::{OperationState, Replay};
use packer_events::sequence::StreamCheck;
use packer_runtime::api::{Command, From, Project, Provenance, recorded_logs};

use super::codecs::fussy;
use super::support::{
    Workspace, adopt_all, build, build_as, built, keep_going, run, until_closed, until_end,
};

/// More than a feed's queue holds.
const MANY: usize = 400;

#[test]
fn a_stalled_subscriber_gets_every_lifecycle_event_from_the_log() {
    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    let project = workspace.open();
    let mut stalled = project.subscribe(From::Now);
    let mut reader = project.subscribe(From::Now);
    let source = project.source();
    let handles: Vec<_> = (0..MANY).map(|_| project.submit(Command::Refresh)).collect();
    let live = until_end(&mut reader);
    assert!(live.iter().any(|event| event.terminal));
    drop(reader);
    for handle in &handles {
        assert_eq!(handle.wait().unwrap().provenance(), Provenance::Live);
    }
    drop(project);

    let told = until_closed(&mut stalled);
    let mut check = StreamCheck::feed();
    for item in &told {
        check.push(&item.event).unwrap();
        assert_eq!(item.event.terminal, item.outcome.is_some(), "an end has its proof beside it");
    }
    assert_eq!(check.running().count(), 0);
    let log = recorded_logs(&workspace.root).unwrap().remove(0);
    assert_eq!(log.source, source);
    let lifecycle: Vec<u64> =
        log.events.iter().filter(|event| event.is_lifecycle()).map(|event| event.position).collect();
    let told_lifecycle: Vec<u64> =
        told.iter().filter(|item| item.event.is_lifecycle()).map(|item| item.event.position).collect();
    assert_eq!(told_lifecycle, lifecycle);
    let by = |provenance| {
        told.iter().filter_map(|item| item.outcome.as_ref()).filter(|o| o.provenance() == provenance).count()
    };
    assert!(by(Provenance::Live) > 0, "what fitted into the queue");
    assert!(by(Provenance::Replayed) > 0, "what did not");
    assert_eq!(by(Provenance::Live) + by(Provenance::Replayed), MANY);
    let outcomes = told.iter().filter_map(|item| item.outcome.as_ref());
    assert!(outcomes.clone().all(|outcome| outcome.success().is_some()));
    let kinds: std::collections::BTreeSet<_> = outcomes.map(|outcome| outcome.kind().as_str()).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["refresh"]);
}

#[test]
fn a_stalled_subscriber_catches_up_and_follows_again() {
    let workspace = Workspace::new();
    let project = workspace.open();
    let mut feed = project.subscribe(From::Now);
    let burst = |project: &Project| {
        let handles: Vec<_> = (0..MANY).map(|_| project.submit(Command::Refresh)).collect();
        for handle in &handles {
            handle.wait().unwrap();
        }
    };
    let mut check = StreamCheck::feed();
    for _ in 0..2 {
        burst(&project);
        let mut ended = 0;
        let mut last = None;
        while ended < MANY {
            let item = super::support::next(&mut feed);
            check.push(&item.event).unwrap();
            ended += usize::from(item.event.terminal);
            last = item.outcome.or(last);
        }
        // Now it follows: what comes next is told live.
        let handle = project.submit(Command::Refresh);
        handle.wait().unwrap();
        let item = super::support::until(&mut feed, |event| {
            check.push(event).unwrap_or_else(|fault| panic!("{fault}"));
            event.terminal
        });
        assert_eq!(item.outcome.unwrap().provenance(), Provenance::Live);
        assert_eq!(last.unwrap().provenance(), Provenance::Replayed);
    }
}

#[test]
fn subscribers_that_are_gone_or_come_late_change_nothing() {
    let (workspace, project) = Workspace::adopted(&[("assets/a.txt", b"a")], Vec::new());
    drop(project.subscribe(From::Now));
    run(&project, Command::Refresh);
    let mut late = project.subscribe(From::Now);
    let outcome = build(&project);
    let events = until_end(&mut late);
    assert!(matches!(events[0].body, EventBody::Accepted { .. }), "{events:#?}");
    assert!(events.iter().all(|event| event.operation_id == outcome.operation_id()));
    assert_eq!(events.last().unwrap(), &**outcome.event());
    drop(project);
    assert!(until_closed(&mut late).is_empty());
    drop(workspace);
}

#[test]
fn the_log_replays_to_what_was_said_at_the_time() {
    let files = [("assets/a.txt", &b"a"[..]), ("assets/x.fuss", b"error")];
    let (workspace, project) = Workspace::adopted(&files, vec![fussy()]);
    let failed = build(&project);
    let incomplete = build_as(&project, keep_going());
    assert!(built(&incomplete).incomplete);
    let refreshed = run(&project, Command::Refresh);
    drop(project);
    let log = recorded_logs(&workspace.root).unwrap().remove(0);
    let replay = Replay::fold(log.events.iter().map(AsRef::as_ref));
    for (outcome, state, errors) in [
        (&failed, OperationState::Failed, 1),
        (&incomplete, OperationState::Succeeded, 1),
        (&refreshed, OperationState::Succeeded, 0),
    ] {
        let record = replay.operation(outcome.operation_id()).unwrap();
        assert_eq!((record.state, record.diagnostics.errors), (state, errors));
        assert_eq!(record.ending.as_ref(), Some(outcome.ending()));
        assert_eq!(record.kind, Some(outcome.kind()));
    }
    assert!(run_is_published(&log.events));
}

/// Whether the adoption told of its commit, then of what it published, then of its end.
fn run_is_published(events: &[std::sync::Arc<packer_events::event::Event>]) -> bool {
    let at = |is_it: fn(&EventBody) -> bool| events.iter().position(|event| is_it(&event.body));
    let committed = at(|body| matches!(body, EventBody::Committed { .. }));
    let published = at(|body| matches!(body, EventBody::Published { .. }));
    let succeeded = at(|body| matches!(body, EventBody::Succeeded { .. }));
    committed.is_some() && committed < published && published < succeeded
}

#[test]
fn reading_leaves_no_log() {
    let workspace = Workspace::new();
    let project = workspace.open();
    project.preview(&adopt_all(None)).unwrap();
    project.status();
    drop(project.subscribe(From::Now));
    drop(project);
    assert!(recorded_logs(&workspace.root).unwrap().is_empty());
}
