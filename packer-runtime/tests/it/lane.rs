//! The lane: one operation after the other, visibly; every one ends once, whatever is done to it.

use packer_events::body::{Behind, EventBody, Lock, Phase};
use packer_events::event::Event;
use packer_events::report::{Ending, Failure, Rejection};
use packer_fs::lock::{BuildLock, HolderFacts, Wait};
use packer_runtime::api::{BuildRequest, Command, From, OpenOptions};
use packer_runtime::packs;

use super::codecs::{gated, panicking};
use super::support::{
    Workspace, adopt_all, assert_cancelled, build, build_as, built, errors, failure, keep_going, mutated,
    rejection, run, some_operation, until, until_closed, until_locked_out,
};

fn texts() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    workspace.write("assets/b.bin", b"b");
    workspace
}

fn behind(event: &Event) -> Option<&Behind> {
    match &event.body {
        EventBody::Queued { behind } => Some(behind),
        _ => None,
    }
}

#[test]
fn operations_run_in_the_order_in_which_they_were_submitted_and_say_how_many_go_first() {
    let workspace = texts();
    let holder = some_operation(1);
    let project = workspace.open();
    let mut feed = project.subscribe(From::Now);
    let lock = workspace.hold_lane(holder);
    let first = project.submit(Command::Mutate(adopt_all(None)));
    let waiting = until_locked_out(&mut feed, &first);
    assert_eq!(behind(&waiting).unwrap().holder.as_ref().map(|found| found.operation_id), Some(holder));
    let second = project.submit(Command::Mutate(adopt_all(Some("raw"))));
    let third = project.submit(Command::Refresh);
    drop(lock);
    let outcomes = [&first, &second, &third].map(|handle| handle.wait().unwrap());
    let positions = outcomes.each_ref().map(|outcome| outcome.event().position);
    assert!(positions.is_sorted(), "{positions:?}");
    assert_eq!([mutated(&outcomes[0]).commit, mutated(&outcomes[1]).commit], [Some(1), Some(2)]);
    for (handle, ahead) in [(&second, 1), (&third, 2)] {
        let events = workspace.events_of(handle.id());
        let expected = Behind { lock: Lock::Lane, operations: ahead, holder: None };
        assert_eq!(events.iter().find_map(behind), Some(&expected));
    }

    // Whoever has waited for an operation finds the lane free.
    for _ in 0..20 {
        let handle = project.submit(Command::Refresh);
        handle.wait().unwrap();
        assert_eq!(workspace.events_of(handle.id()).iter().find_map(behind), None);
    }
}

#[test]
fn an_operation_that_waits_can_be_cancelled_wherever_it_waits() {
    let workspace = texts();
    let project = workspace.open();
    let mut feed = project.subscribe(From::Now);
    let before = workspace.tree();
    let lock = workspace.hold_lane(some_operation(1));
    let locked_out = project.submit(Command::Mutate(adopt_all(None)));
    until_locked_out(&mut feed, &locked_out);
    let queued = project.submit(Command::Mutate(adopt_all(Some("raw"))));
    let reading = project.submit(Command::Refresh);
    queued.cancel();
    reading.cancel();
    let build = project.submit(Command::Build(BuildRequest::default()));
    let waits_for_the_lane = |event: &Event| {
        event.operation_id == build.id() && behind(event).is_some_and(|behind| behind.lock == Lock::Lane)
    };
    until(&mut feed, waits_for_the_lane);
    build.cancel();
    // The lane is still held: they end without it.
    until(&mut feed, |event| event.operation_id == build.id() && event.terminal);
    assert_cancelled(&build);
    assert!(queued.outcome().is_some() && reading.outcome().is_some(), "what has not begun ends at once");
    assert_cancelled(&queued);
    assert_cancelled(&reading);
    assert!(locked_out.outcome().is_none());
    locked_out.cancel();
    assert_cancelled(&locked_out);
    for handle in [&queued, &reading] {
        let told = workspace.events_of(handle.id());
        assert!(!told.iter().any(|event| event.body == EventBody::Started {}), "it never began: {told:#?}");
    }
    assert_eq!(locked_out.outcome().unwrap().unwrap().kind(), packer_events::body::OperationKind::Adopt);
    drop(lock);
    assert_eq!(workspace.tree(), before);
    assert_eq!(mutated(&run(&project, Command::Mutate(adopt_all(None)))).commit, Some(1));
}

#[test]
fn a_build_that_is_cancelled_while_it_bakes_leaves_no_trace() {
    let (codec, gate) = gated();
    let files = [("assets/a.slow", &b"a"[..]), ("assets/b.slow", b"b"), ("assets/c.slow", b"c")];
    let (workspace, project) = Workspace::adopted(&files, vec![codec]);
    let before = workspace.tree();
    let handle = project.submit(Command::Build(BuildRequest { jobs: Some(1), ..BuildRequest::default() }));
    gate.entered();
    handle.cancel();
    gate.open();
    let outcome = handle.wait().unwrap();
    let Ending::Cancelled(report) = outcome.ending() else { panic!("{outcome:?}") };
    assert_eq!(report.phase, Some(Phase::Bake));
    assert_eq!(gate.others(), [""; 0], "it stops between two assets");
    assert_eq!(workspace.tree(), before, "not even the output folder stays");
    assert_eq!(workspace.left_behind(), [""; 0]);

    drop(gate);
    assert_eq!(built(&build(&project)).baked, 3);
}

#[test]
fn a_build_that_waits_to_commit_can_still_be_cancelled() {
    let (codec, gate) = gated();
    let (workspace, project) = Workspace::adopted(&[("assets/a.slow", b"a")], vec![codec]);
    let before = workspace.tree();
    let mut feed = project.subscribe(From::Now);
    let handle = project.submit(Command::Build(BuildRequest::default()));
    gate.entered();
    let lock = workspace.hold_lane(some_operation(1));
    drop(gate);
    until_locked_out(&mut feed, &handle);
    handle.cancel();
    let outcome = handle.wait().unwrap();
    let Ending::Cancelled(report) = outcome.ending() else { panic!("{outcome:?}") };
    assert_eq!(report.phase, Some(Phase::Commit));
    assert_eq!(workspace.tree(), before);
    drop(lock);
    assert_eq!(built(&build(&project)).baked, 1);
}

#[test]
fn a_codec_that_panics_is_a_finding_about_its_asset() {
    let files = [("assets/good.boom", &b"fine"[..]), ("assets/bad.boom", b"panic")];
    let (workspace, project) = Workspace::adopted(&files, vec![panicking()]);
    let outcome = build(&project);
    assert_eq!(failure(&outcome), &Failure::BakesFailed { failed: 1 });
    let said = workspace.diagnostics_of(&outcome);
    assert_eq!(errors(&said), [("bake/panic", "assets/bad.boom")]);
    assert!(said[0].message.contains("cannot take this"), "{said:?}");

    let report = build_as(&project, keep_going());
    let report = built(&report);
    assert_eq!((report.baked, report.failed, report.incomplete), (1, 1, true));
}

#[test]
fn closing_a_project_ends_everything_that_waits() {
    let workspace = texts();
    let project = workspace.open();
    let mut feed = project.subscribe(From::Now);
    let lock = workspace.hold_lane(some_operation(1));
    let running = project.submit(Command::Mutate(adopt_all(None)));
    until_locked_out(&mut feed, &running);
    let handles = [
        running,
        project.submit(Command::Refresh),
        project.submit(Command::Mutate(adopt_all(Some("raw")))),
        project.submit(Command::Build(BuildRequest::default())),
        project.submit(Command::Build(BuildRequest::default())),
    ];
    drop(project);
    drop(lock);
    for handle in &handles {
        assert_cancelled(handle);
        assert_eq!(workspace.events_of(handle.id()).iter().filter(|event| event.terminal).count(), 1);
    }
    let told = until_closed(&mut feed);
    assert_eq!(told.iter().filter(|item| item.outcome.is_some()).count(), handles.len());
    let locks = workspace.root.join(".packer/events").read_dir_utf8().unwrap();
    assert_eq!(locks.filter(|entry| entry.as_ref().unwrap().path().extension() == Some("lock")).count(), 0);
}

#[test]
fn closing_a_project_stops_its_bakes() {
    let (codec, gate) = gated();
    let (workspace, project) =
        Workspace::adopted(&[("assets/a.slow", b"a"), ("assets/b.slow", b"b")], vec![codec]);
    let mut feed = project.subscribe(From::Now);
    let build = project.submit(Command::Build(BuildRequest { jobs: Some(1), ..BuildRequest::default() }));
    gate.entered();
    // Something in the lane whose end tells that the project is being closed.
    let lock = workspace.hold_lane(some_operation(1));
    let witness = project.submit(Command::Mutate(adopt_all(None)));
    until_locked_out(&mut feed, &witness);
    let gate = std::thread::scope(|scope| {
        let closing = scope.spawn(move || drop(project));
        assert_cancelled(&witness);
        gate.open();
        closing.join().unwrap();
        gate
    });
    assert_cancelled(&build);
    assert_eq!(gate.others(), [""; 0]);
    drop(lock);
}

#[test]
fn without_waiting_an_operation_is_rejected_and_names_the_holder() {
    let workspace = texts();
    let options = OpenOptions { wait_for_lane: false, ..OpenOptions::default() };
    let project = workspace.open_as(options);
    let holder = some_operation(7);
    let lock = workspace.hold_lane(holder);
    for command in [Command::Mutate(adopt_all(None)), Command::Build(BuildRequest::default())] {
        let outcome = run(&project, command);
        let Rejection::LockHeld { lock: Lock::Lane, holder: Some(found) } = rejection(&outcome) else {
            panic!("{outcome:?}")
        };
        assert_eq!(found.operation_id, holder);
    }
    // Reading takes no lock.
    assert!(run(&project, Command::Refresh).success().is_some());
    drop(lock);

    let facts = HolderFacts::here("open", 0);
    let lock = BuildLock::acquire(&workspace.root, &facts, Wait::Never, &mut |_| {}).unwrap();
    let outcome = build(&project);
    assert_eq!(rejection(&outcome), &Rejection::LockHeld { lock: Lock::Build, holder: None });
    assert_eq!(mutated(&run(&project, Command::Mutate(adopt_all(None)))).commit, Some(1));
    drop(lock);
}

#[test]
fn two_openings_of_one_project_take_turns() {
    let (codec, gate) = gated();
    let (workspace, one) = Workspace::adopted(&[("assets/a.slow", b"a")], vec![codec.clone()]);
    let two = workspace.open_with(vec![codec]);
    let mut feed = two.subscribe(From::Now);
    let first = one.submit(Command::Build(BuildRequest::default()));
    gate.entered();
    let second = two.submit(Command::Build(BuildRequest::default()));
    let waiting = until_locked_out(&mut feed, &second);
    let waits = behind(&waiting).unwrap();
    assert_eq!((waits.lock, waits.holder.as_ref().unwrap().operation_id), (Lock::Build, first.id()));
    drop(gate);
    assert_eq!(built(&first.wait().unwrap()).baked, 1);
    // It finds what the first one made.
    assert!(built(&second.wait().unwrap()).unchanged);
    assert!(packs::verify(&workspace.root.join("build/assets.pack")).unwrap().ok);
}

#[test]
fn a_project_goes_on_after_its_operational_folder_was_deleted() {
    let workspace = texts();
    let project = workspace.open();
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    workspace.delete_with_logs(".packer");
    let outcome = run(&project, Command::Mutate(adopt_all(Some("raw"))));
    assert_eq!(mutated(&outcome).commit, Some(1));
    let told = workspace.events_of(outcome.operation_id());
    assert!(told.last().is_some_and(|event| event.terminal), "the log is where it can be found: {told:?}");
    assert_eq!(built(&build(&project)).assets, 2);
}

#[test]
fn an_operation_is_called_off_by_its_id_until_it_has_ended() {
    let workspace = texts();
    let project = workspace.open();
    let mut feed = project.subscribe(From::Now);
    let lock = workspace.hold_lane(some_operation(1));
    let waiting = project.submit(Command::Mutate(adopt_all(None)));
    until_locked_out(&mut feed, &waiting);
    let queued = project.submit(Command::Refresh);
    assert!(!project.cancel(some_operation(2)), "nobody submitted it");
    assert!(project.cancel(queued.id()));
    assert_cancelled(&queued);
    assert!(project.cancel(waiting.id()));
    assert_cancelled(&waiting);
    assert!(!project.cancel(waiting.id()), "it has ended");
    drop(lock);
    assert!(run(&project, Command::Refresh).success().is_some());
}
