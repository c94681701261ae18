//! The logs of several openings: reading on from an earlier one, taking over one whose beginning was dropped, and which are
//! kept at all.

use std::sync::Arc;
use std::time::Duration;

use packer_domain::identity::SourceId;
use packer_events::body::{EventBody, OperationKind};
use packer_events::replay::OperationState;
use packer_events::report::Ending;
use packer_fs::disk::{Disk, OsDisk};
use packer_fs::event_log::{self, EventLogWriter};
use packer_fs::layout;
use packer_runtime::api::{
    Command, Feed, FeedNext, From, LogBounds, LogHole, Missed, Mutation, OpenOptions, Outcome, Project,
    Provenance, Undo, UndoState, recorded_logs,
};

use super::recovery::Dead;
use super::support::{Workspace, adopt_all, mutated, next, run};

fn open(workspace: &Workspace, event_logs: LogBounds) -> Project {
    let options = OpenOptions { jobs: Some(2), event_logs, ..OpenOptions::default() };
    Project::open(&workspace.root, options).unwrap()
}

fn old_logs(old_logs: usize) -> LogBounds {
    LogBounds { old_logs, ..LogBounds::default() }
}

#[track_caller]
fn missed(feed: &mut Feed) -> Missed {
    match feed.next(Duration::from_secs(30)) {
        FeedNext::Missed(missed) => missed,
        other => panic!("{other:?}"),
    }
}

fn sources(workspace: &Workspace) -> Vec<SourceId> {
    recorded_logs(&workspace.root).unwrap().into_iter().map(|log| log.source).collect()
}

#[test]
fn who_knew_an_earlier_opening_is_told_how_that_ended_and_then_everything_of_this_one() {
    let workspace = Workspace::new();
    let dead = Dead::of(workspace, OperationKind::Adopt);
    let project = dead.workspace.open();
    let mut feed = project.subscribe(From::After(dead.source, 1));
    let last = run(&project, Command::Refresh);
    drop(project);
    let mut items = Vec::new();
    loop {
        match feed.next(Duration::from_secs(30)) {
            FeedNext::Item(item) => items.push(item),
            FeedNext::Closed => break,
            other => panic!("{other:?}"),
        }
    }
    let of_dead: Vec<u64> = items
        .iter()
        .take_while(|item| item.event.source == dead.source)
        .map(|item| item.event.position)
        .collect();
    assert_eq!(of_dead, [2, 3], "its start, and the end that recovery gave it");
    let end = items[1].outcome.as_ref().unwrap();
    assert_eq!((end.kind(), end.provenance()), (OperationKind::Adopt, Provenance::Replayed));
    assert!(matches!(end.ending(), Ending::Aborted(_)), "{end:#?}");
    let own = &items[2..];
    let positions: Vec<u64> = own.iter().map(|item| item.event.position).collect();
    assert_eq!(positions, (1..=own.len() as u64).collect::<Vec<_>>());
    assert!(own.iter().all(|item| item.event.source == last.event().source));
    let ends = own.iter().filter_map(|item| item.outcome.as_ref());
    assert_eq!(ends.map(Outcome::kind).collect::<Vec<_>>(), [OperationKind::Recover, OperationKind::Refresh]);
}

#[test]
fn of_a_source_that_has_no_log_or_a_shorter_one_it_is_said_that_something_may_be_missing() {
    let workspace = Workspace::new();
    let first = workspace.open();
    run(&first, Command::Refresh);
    let gone = first.source();
    drop(first);
    let last = recorded_logs(&workspace.root).unwrap()[0].last_position;
    let project = workspace.open();
    run(&project, Command::Refresh);
    let unknown = workspace.open().source();
    for (source, after) in [(gone, last + 1), (unknown, 0), (unknown, 7)] {
        let mut feed = project.subscribe(From::After(source, after));
        assert_eq!(missed(&mut feed), Missed { source, after, next: None });
        let item = next(&mut feed);
        assert_eq!((item.event.source, item.event.position), (project.source(), 1));
    }
    // One who knows it to its end has missed nothing.
    let mut feed = project.subscribe(From::After(gone, last));
    assert_eq!(next(&mut feed).event.source, project.source());
}

#[test]
fn a_hole_and_a_damaged_line_are_said_where_they_are() {
    let workspace = Workspace::new();
    let first = open(&workspace, LogBounds { segment_bytes: 1, ..LogBounds::default() });
    run(&first, Command::Refresh);
    let source = first.source();
    drop(first);
    let log = recorded_logs(&workspace.root).unwrap().remove(0);
    assert!(log.last_position >= 4 && log.holes.is_empty(), "{log:#?}");
    let segment = |position| workspace.root.join(layout::event_log_segment(source, position));
    std::fs::remove_file(segment(2)).unwrap();
    std::fs::write(segment(3), b"{}\n").unwrap();

    let read = recorded_logs(&workspace.root).unwrap().remove(0);
    assert_eq!(read.holes, [LogHole { after: 1, next: 3 }], "the damaged line is no hole");
    assert_eq!((read.damaged_lines, read.last_position), (1, log.last_position));
    let project = workspace.open();
    let mut feed = project.subscribe(From::After(source, 0));
    assert_eq!(next(&mut feed).event.position, 1);
    assert_eq!(missed(&mut feed), Missed { source, after: 1, next: Some(4) });
    assert_eq!(next(&mut feed).event.position, 4);
    // Mended, so that the judgement of all logs finds nothing.
    std::fs::remove_dir_all(workspace.root.join(layout::EVENTS)).unwrap();
}

#[test]
fn a_line_that_was_taken_out_and_a_beginning_that_is_gone_are_named() {
    let workspace = Workspace::new();
    let first = open(&workspace, LogBounds::default());
    run(&first, Command::Refresh);
    let source = first.source();
    drop(first);
    let whole = workspace.text(layout::event_log(source).as_str());
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let last = lines.len() as u64;
    assert!(last >= 4, "{whole}");
    let holes = |text: String, first: u64| {
        std::fs::remove_dir_all(workspace.root.join(layout::EVENTS)).unwrap();
        workspace.write(layout::event_log_segment(source, first).as_str(), text.as_bytes());
        let log = recorded_logs(&workspace.root).unwrap().remove(0);
        assert_eq!(log.last_position, last, "{text}");
        assert_eq!(log.intact_position, last - u64::from(text.ends_with("torn\n")), "{text}");
        assert!(!log.may_live);
        (log.holes, log.damaged_lines, log.events.len())
    };
    let hole = |after, next| LogHole { after, next };
    let without = |gone: &[usize]| -> String {
        (0..lines.len()).filter(|index| !gone.contains(index)).map(|index| lines[index]).collect()
    };
    let count = lines.len();
    assert_eq!(holes(whole.clone(), 1), (Vec::new(), 0, count));
    assert_eq!(holes(without(&[1]), 1), (vec![hole(1, 3)], 0, count - 1));
    assert_eq!(holes(without(&[0, 2]), 1), (vec![hole(0, 2), hole(2, 4)], 0, count - 2));
    // A line that is doubled or says a wrong position is damaged, and nothing is missing for that.
    assert_eq!(holes([lines[0], &whole].concat(), 1), (Vec::new(), 1, count));
    let wrong = whole.replacen("\"position\":2,", "\"position\":92,", 1);
    assert_eq!(holes(wrong, 1), (Vec::new(), 1, count - 1));
    // The torn tail of a crash is neither: others will take its place.
    assert_eq!(holes(without(&[count - 1]) + "torn\n", 1), (Vec::new(), 0, count - 1));
    // Where a log begins amid an operation, the carried lines tell how that began.
    assert_eq!(holes(without(&[0]), 2), (vec![hole(0, 2)], 0, count - 1));
    std::fs::remove_dir_all(workspace.root.join(layout::EVENTS)).unwrap();
    workspace.write(layout::event_log_segment(source, 2).as_str(), without(&[0]).as_bytes());
    workspace.write(layout::event_log_carried(source, 2).as_str(), lines[0].as_bytes());
    let log = recorded_logs(&workspace.root).unwrap().remove(0);
    assert_eq!((log.holes, log.carried.len()), (Vec::new(), 1));
    std::fs::remove_dir_all(workspace.root.join(layout::EVENTS)).unwrap();
}

#[test]
fn of_an_operation_without_an_end_whose_source_has_no_lock_nobody_can_say_how_it_ended() {
    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    let without_end = |command: Command| {
        let project = workspace.open();
        run(&project, command);
        let path = layout::event_log(project.source());
        drop(project);
        let whole = workspace.text(path.as_str());
        workspace.write(path.as_str(), &whole.as_bytes()[..whole.len() - 9]);
        path
    };
    without_end(Command::Mutate(adopt_all(None)));
    let refreshed = without_end(Command::Refresh);
    // Nobody recovers one that has no lock.
    let project = workspace.open();
    let told = || {
        let told = project.log().unwrap();
        told.iter()
            .map(|logged| (logged.kind.unwrap(), logged.state, logged.report.is_some()))
            .collect::<Vec<_>>()
    };
    let adopted = (OperationKind::Adopt, OperationState::Succeeded, true);
    let unknown = (OperationKind::Refresh, OperationState::OutcomeUnknown, false);
    assert_eq!(told(), [unknown, adopted], "what committed is in the history");
    // With one, it may be running.
    workspace.write(refreshed.as_str().replace(".jsonl", ".lock").as_str(), b"");
    assert_eq!(told()[0].1, OperationState::Running);
    drop(project);
    workspace.delete_with_logs(layout::EVENTS);
}

#[test]
fn recovery_goes_on_after_a_line_that_was_taken_out_with_numbers_of_its_own() {
    let mut dead = Dead::of(Workspace::new(), OperationKind::Adopt);
    let path = layout::event_log(dead.source);
    let text = dead.workspace.text(path.as_str());
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let [accepted, started] = lines[..] else { panic!("{text}") };
    let further = started.replace("\"position\":2", "\"position\":3").replace("sequence\":2", "sequence\":3");
    dead.workspace.write(path.as_str(), [accepted, further.as_str()].concat().as_bytes());
    drop(dead.workspace.open());
    let log = recorded_logs(&dead.workspace.root).unwrap();
    let log = log.iter().find(|log| log.source == dead.source).unwrap();
    let positions: Vec<u64> = log.events.iter().map(|event| event.position).collect();
    assert_eq!(positions, [1, 3, 4], "no position is used twice");
    dead.workspace.has_unended = true;
    dead.workspace.delete_with_logs(layout::EVENTS);
}

#[test]
fn a_dead_operation_whose_beginning_was_dropped_ends_as_what_it_was_with_its_numbers() {
    let dead = Dead::of(Workspace::new(), OperationKind::Adopt);
    let lines = dead.workspace.text(layout::event_log(dead.source).as_str());
    let carried: Vec<&[u8]> = lines.lines().map(str::as_bytes).collect();
    let mut writer = EventLogWriter::continuing(Arc::clone(&dead.disk), dead.source).unwrap();
    writer.begin_segment(3, &carried).unwrap();
    assert_eq!(event_log::drop_ended(&*dead.disk, dead.source, 0, u64::MAX).unwrap(), Some(3));
    drop(dead.workspace.open());
    let log = recorded_logs(&dead.workspace.root).unwrap();
    let log = log.iter().find(|log| log.source == dead.source).unwrap();
    let [end] = &log.events[..] else { panic!("{log:#?}") };
    assert_eq!((end.position, end.sequence, end.lifecycle_sequence), (3, 3, 3));
    let EventBody::Aborted { outcome } = &end.body else { panic!("{end:#?}") };
    assert_eq!(outcome.kind, Some(OperationKind::Adopt));
    let project = dead.workspace.open();
    let told = project.log().unwrap();
    let told = told.iter().find(|told| told.operation_id == dead.operation).unwrap();
    assert_eq!((told.kind, told.state), (Some(OperationKind::Adopt), OperationState::Aborted));
}

#[test]
fn the_oldest_logs_of_those_who_are_gone_are_removed_and_no_other() {
    let workspace = Workspace::new();
    let living = workspace.open();
    run(&living, Command::Refresh);
    let mut gone = Vec::new();
    for _ in 0..6 {
        let project = open(&workspace, old_logs(3));
        run(&project, Command::Refresh);
        gone.push(project.source());
    }
    let expected = [&[living.source()], &gone[2..]].concat();
    assert_eq!(sources(&workspace), expected, "the one that lives, the last three, and the last one's own");
    let reader = open(&workspace, old_logs(0));
    drop(reader);
    assert_eq!(sources(&workspace), expected, "who says nothing removes nothing");
    run(&living, Command::Refresh);
    drop(living);
    let names: Vec<_> = workspace.root.join(layout::EVENTS).read_dir_utf8().unwrap().collect();
    assert_eq!(names.len(), expected.len(), "no lock is left: {names:?}");
}

#[test]
fn a_log_that_owes_an_end_is_not_removed_before_it_has_it() {
    let workspace = Workspace::new();
    let dead = Dead::of(workspace, OperationKind::Refresh);
    // Without its lock, nobody would ever look at it.
    dead.disk.remove_file(&layout::event_lock(dead.source)).unwrap();
    let removing = || {
        let project = open(&dead.workspace, old_logs(0));
        run(&project, Command::Refresh);
        project.source()
    };
    let first = removing();
    assert_eq!(sources(&dead.workspace), [dead.source, first]);
    assert!(
        dead.disk.stat(&layout::event_lock(dead.source)).unwrap().is_some(),
        "recovery is asked to look at it"
    );
    let disk: Arc<dyn Disk> = Arc::new(OsDisk::new(dead.workspace.root.clone()));
    let second = removing();
    assert_eq!(sources(&dead.workspace), [second], "it got its end, and could go");
    assert!(disk.stat(&layout::event_lock(dead.source)).unwrap().is_none());
}

#[test]
fn what_was_undone_is_told_also_where_no_log_tells_it() {
    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    let project = workspace.open();
    let adopted = run(&project, Command::Mutate(adopt_all(None)));
    mutated(&adopted);
    let undo = Mutation::Undo(Undo { operation: adopted.operation_id() });
    let undone = run(&project, Command::Mutate(undo));
    mutated(&undone);
    let states = |project: &Project| {
        let log = project.log().unwrap();
        log.into_iter().map(|told| (told.operation_id, told.kind, told.undo)).collect::<Vec<_>>()
    };
    let told = states(&project);
    assert_eq!(told[1].2, UndoState::UndoneBy(undone.operation_id()));
    drop(project);
    workspace.delete_with_logs(layout::EVENTS);
    let project = workspace.open();
    assert_eq!(states(&project), told);
    let redone = Mutation::Undo(Undo { operation: undone.operation_id() });
    let redone = run(&project, Command::Mutate(redone));
    let told = states(&project);
    assert_eq!(told[1].2, UndoState::UndoneBy(redone.operation_id()));
    assert!(matches!(told[2].2, UndoState::Kept { .. }), "who was undone himself undoes nothing: {told:?}");
}
