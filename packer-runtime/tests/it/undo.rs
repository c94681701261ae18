//! Undoing on a real disk: what every kind of change did is taken back to the byte, also by another process, and what was
//! taken back can be done again.

use std::time::Duration;

use packer_events::body::OperationKind;
use packer_events::report::Failure;
use packer_runtime::api::{
    Command, DiagnosticCode, GcRequest, HistoryReport, Mutation, OperationId, Project, RemovedInputs, Undo,
    UndoState, Verdict,
};

use super::changes::{changes, game, relocate, remove, reopen, uuid};
use super::support::{Tree, failure, mutated, run};

fn undo(operation: OperationId) -> Command {
    Command::Mutate(Mutation::Undo(Undo { operation }))
}

/// The divergences, as text.
fn divergences(project: &Project) -> Vec<String> {
    let snapshot = project.status().snapshot.clone();
    snapshot.divergences().iter().map(|found| format!("{}: {}", found.code, found.message)).collect()
}

#[test]
fn every_change_is_taken_back_and_done_again_to_the_byte() {
    let names: Vec<&str> = {
        let (_workspace, project, undone) = game();
        changes(&project, undone).iter().map(|change| change.name).collect()
    };
    for (n, name) in names.iter().enumerate() {
        let (workspace, project, undone) = game();
        let change = changes(&project, undone).swap_remove(n);
        let (before, diverged) = (workspace.tree(), divergences(&project));
        let applied = run(&project, Command::Mutate(change.mutation));
        assert!(applied.success().is_some(), "{name}: {:#?}", applied.ending());
        let after = workspace.tree();
        assert_ne!(after, before, "{name} changed nothing");

        let taken_back = run(&project, undo(applied.operation_id()));
        assert!(taken_back.success().is_some(), "{name}: {:#?}", taken_back.ending());
        assert_same(&workspace.tree(), &before, name);
        assert_eq!(divergences(&project), diverged, "{name}");

        // By another process, which knows of it by what is kept.
        let other = reopen(&workspace);
        let again = run(&other, undo(taken_back.operation_id()));
        mutated(&again);
        assert_same(&workspace.tree(), &after, name);
        mutated(&run(&other, undo(again.operation_id())));
        assert_same(&workspace.tree(), &before, name);
        assert_eq!(divergences(&other), diverged, "{name}");
    }
}

#[track_caller]
fn assert_same(found: &Tree, expected: &Tree, name: &str) {
    let differ = |(path, digest): (&String, &Option<_>), other: &Tree| other.get(path) != Some(digest);
    let more: Vec<_> = found.iter().filter(|item| differ(*item, expected)).collect();
    let less: Vec<_> = expected.iter().filter(|item| differ(*item, found)).collect();
    assert!(more.is_empty() && less.is_empty(), "{name}: there is {more:?} instead of {less:?}");
}

#[test]
fn the_log_says_what_can_be_undone_and_what_was() {
    let (_workspace, project, renamed) = game();
    let moved = run(&project, Command::Mutate(relocate(&project, "ui/a", "ui/z.rec")));
    let state = |operation: OperationId| {
        let log = project.log().unwrap();
        log.iter().find(|logged| logged.operation_id == operation).unwrap().clone()
    };
    let found = state(moved.operation_id());
    assert_eq!((found.kind, found.commit()), (Some(OperationKind::Relocate), Some(2)));
    assert!(matches!(found.undo, UndoState::Kept { .. }));

    let undone = run(&project, undo(moved.operation_id()));
    assert_eq!(state(moved.operation_id()).undo, UndoState::UndoneBy(undone.operation_id()));
    assert_eq!(state(undone.operation_id()).causation_id, Some(moved.operation_id()));
    let redone = run(&project, undo(undone.operation_id()));
    assert_eq!(state(undone.operation_id()).undo, UndoState::UndoneBy(redone.operation_id()));
    assert!(matches!(state(moved.operation_id()).undo, UndoState::Kept { .. }), "it is in force again");
    assert!(matches!(state(renamed).undo, UndoState::Kept { .. }));
    let refreshed = run(&project, Command::Refresh);
    assert_eq!(state(refreshed.operation_id()).undo, UndoState::NotKept);

    let order: Vec<OperationId> = project.log().unwrap().iter().map(|logged| logged.operation_id).collect();
    assert_eq!(order[..3], [refreshed.operation_id(), redone.operation_id(), undone.operation_id()]);
}

#[test]
fn a_log_that_is_gone_leaves_what_the_history_tells() {
    let (workspace, project, renamed) = game();
    drop(project);
    workspace.delete_with_logs(".packer/events");
    let project = reopen(&workspace);
    let log = project.log().unwrap();
    let [found] = log.as_slice() else { panic!("{log:#?}") };
    assert_eq!((found.operation_id, found.kind), (renamed, Some(OperationKind::Rename)));
    assert!(matches!(found.undo, UndoState::Kept { .. }));
    mutated(&run(&project, undo(renamed)));
}

#[test]
fn what_was_changed_since_is_not_taken_back_in_passing() {
    let (workspace, project, _) = game();
    let moved = run(&project, Command::Mutate(relocate(&project, "ui/a", "ui/z.rec")));
    let blocked = |project: &Project| {
        let plan = project.preview(&Mutation::Undo(Undo { operation: moved.operation_id() })).unwrap();
        assert_eq!(plan.verdict, Verdict::Blocked, "{plan:#?}");
        plan.blockers.iter().map(|found| (found.code, found.message.clone())).collect::<Vec<_>>()
    };
    let kept = workspace.read("assets/ui/z.rec");
    workspace.write("assets/ui/z.rec", b"painted over");
    run(&project, Command::Refresh);
    assert_eq!(blocked(&project), [(DiagnosticCode::PlanMovedOn, "ui/z.rec was changed since".to_owned())]);
    workspace.write("assets/ui/z.rec", &kept);

    workspace.write("assets/ui/a.rec", b"a new file, where it would go back to");
    run(&project, Command::Refresh);
    let found = blocked(&project);
    assert_eq!(found[0].0, DiagnosticCode::PlanTargetExists, "{found:?}");
    workspace.remove("assets/ui/a.rec");

    let exclude = packer_runtime::api::SetBuild {
        assets: vec![uuid(&project, "ui/a")],
        build: packer_runtime::api::BuildParticipation::Excluded,
    };
    let excluded = run(&project, Command::Mutate(Mutation::SetBuild(exclude)));
    let found = blocked(&project);
    let message = "the registry says something else of ui/a since".to_owned();
    assert_eq!(found, [(DiagnosticCode::PlanMovedOn, message)]);
    mutated(&run(&project, undo(excluded.operation_id())));
    mutated(&run(&project, undo(moved.operation_id())));
}

#[test]
fn the_history_is_bounded_by_size_and_age_the_oldest_first() {
    let (workspace, project, first) = game();
    let second = run(&project, Command::Mutate(relocate(&project, "ui/a", "ui/z.rec"))).operation_id();
    let third = run(&project, Command::Mutate(relocate(&project, "ui/b", "ui/y.rec"))).operation_id();
    let gc = |request: &GcRequest| project.gc(request).unwrap().history;
    let dropped = |report: &HistoryReport| -> Vec<OperationId> {
        report.dropped.iter().map(|dropped| dropped.operation_id).collect()
    };
    let all = gc(&GcRequest::default());
    assert_eq!((all.operations, dropped(&all)), (3, Vec::new()), "young and small, it is all kept");
    let of =
        |operation| match project.log().unwrap().iter().find(|l| l.operation_id == operation).unwrap().undo {
            UndoState::Kept { bytes } => bytes,
            other => panic!("{other:?}"),
        };
    assert_eq!(all.bytes, of(first) + of(second) + of(third));

    let room_for_two =
        GcRequest { max_history_bytes: Some(of(second) + of(third)), dry_run: true, ..GcRequest::default() };
    let before = workspace.tree();
    assert_eq!(dropped(&gc(&room_for_two)), [first]);
    assert_eq!(gc(&room_for_two).operations, 3, "it was only said");
    assert_eq!(dropped(&gc(&GcRequest { dry_run: false, ..room_for_two })), [first]);
    let plan = project.preview(&Mutation::Undo(Undo { operation: first })).unwrap();
    assert_eq!(plan.blockers[0].code, DiagnosticCode::PlanTargetMissing);
    assert!(plan.blockers[0].message.contains("nothing is kept"), "{plan:#?}");

    let at_once = GcRequest { max_history_age: Some(Duration::ZERO), ..GcRequest::default() };
    assert_eq!(dropped(&gc(&at_once)), [second, third]);
    assert_eq!(gc(&at_once), HistoryReport::default());
    assert_eq!(workspace.tree(), before);
}

#[test]
fn what_is_no_longer_kept_as_it_was_is_not_put_back() {
    let (workspace, project, _) = game();
    let removed = run(&project, Command::Mutate(remove(&project, "world/other", RemovedInputs::ToHistory)));
    let history = workspace.root.join(format!(".packer/history/{}", removed.operation_id()));
    let kept = ["0", "1"].map(|number| history.join(number));
    let source = kept.iter().find(|path| std::fs::read(path).unwrap().starts_with(b"the contents")).unwrap();
    let before = workspace.tree();
    let bytes = std::fs::read(source).unwrap();

    // Of the same size: noticed when it is copied.
    std::fs::write(source, vec![b'x'; bytes.len()]).unwrap();
    let outcome = run(&project, undo(removed.operation_id()));
    assert!(matches!(failure(&outcome), Failure::Damaged { .. }), "{outcome:#?}");
    assert_eq!(workspace.tree(), before);
    std::fs::remove_file(source).unwrap();
    let plan = project.preview(&Mutation::Undo(Undo { operation: removed.operation_id() })).unwrap();
    assert_eq!(plan.blockers[0].code, DiagnosticCode::PlanTargetMissing, "{plan:#?}");

    std::fs::write(source, bytes).unwrap();
    mutated(&run(&project, undo(removed.operation_id())));
}
