//! Kill -9 of one operation of each kind: amid it, amid the recovery of it, and between its terminal event and its clean-up. And
//! a system that refuses to lock. Whatever came of the operation, its log tells of one end, and nothing follows that.
//!
//! Every other way to end is tried in `packer-runtime` (`src/endings`), for every kind.

use std::path::Path;

use nix::errno::Errno;
use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::report::{Ending, Rejection};
use packer_tests::logs;
use packer_tests::project::TestProject;
use packer_tests::trace::{Call, End, Verdict, trace};

use super::{Place, changes, commands, packer};

/// A project on which an operation of a kind is ready to run, and the command that runs it.
struct Ready {
    project: TestProject,
    arguments: &'static [&'static str],
}

/// How an operation of this kind is run from the command line; or why it is not.
fn ready(kind: OperationKind) -> Result<Ready, &'static str> {
    let game = |arguments| Ok(Ready { project: changes::game(), arguments });
    match kind {
        OperationKind::Adopt => Ok(Ready {
            project: TestProject::with_sources(packer()),
            arguments: &["adopt", "assets", "--yes"],
        }),
        OperationKind::Register => Err("no command registers alone; reconciling does, as another kind"),
        OperationKind::Remove => game(&["rm", "data/blob", "hero", "--yes"]),
        OperationKind::Relocate => game(&["mv", "hero", "people/heroes/", "--yes"]),
        OperationKind::Rename => game(&["rename", "ui/button", "ui/start", "--yes"]),
        OperationKind::Configure => game(&["set", "ui/button", "preload=true", "--yes"]),
        OperationKind::SetBuild => game(&["exclude", "ui/button", "--yes"]),
        OperationKind::Duplicate => game(&["dup", "ui/button", "ui/copy.png", "--yes"]),
        OperationKind::Reconcile => {
            let project = changes::game();
            project.rename("assets/texts/hello.txt", "assets/words/hello.txt");
            project.rename("assets/texts/hello.txt.asset.toml", "assets/words/hello.txt.asset.toml");
            Ok(Ready { project, arguments: &["reconcile", "--yes"] })
        }
        OperationKind::Undo => {
            let project = changes::game();
            project.packer(&["mv", "hero", "people/heroes/", "--yes"]).exits(0);
            Ok(Ready { project, arguments: &["undo", "--yes"] })
        }
        OperationKind::Apply => game(changes::CHANGES[3].arguments),
        OperationKind::Build => {
            Ok(Ready { project: TestProject::adopted(packer()), arguments: &["build", "--jobs", "1"] })
        }
        OperationKind::Refresh => game(&["refresh"]),
        OperationKind::Recover => {
            Ok(Ready { project: commands::frozen(), arguments: &["recover", "--keep-theirs", "--yes"] })
        }
        OperationKind::Watch => game(&["watch"]),
    }
}

/// What the newest log says of an operation of `kind`, so far.
fn said(project: &Path, kind: OperationKind, before: &[Event]) -> Vec<Event> {
    let events = logs::recorded(project);
    let is_new = |event: &&Event| !before.iter().any(|old| old.operation_id == event.operation_id);
    let is_it =
        |event: &&Event| matches!(event.body, EventBody::Accepted { kind: found, .. } if found == kind);
    let accepted = events.iter().filter(is_new).find(is_it);
    let Some(id) = accepted.map(|event| event.operation_id) else { return Vec::new() };
    events.into_iter().filter(|event| event.operation_id == id).collect()
}

/// Which of the calls of an operation its process does not survive.
#[derive(Clone, Copy)]
enum Moment {
    /// So many calls after it was accepted.
    Amid(usize),
    /// The first once its end is in the log.
    AfterItsEnd,
}

/// Runs the command on a copy, and kills it there. `None` if it ended before that; with how many calls it made since its
/// operation was accepted.
fn killed(ready: &Ready, kind: OperationKind, moment: Moment) -> (Option<TestProject>, usize) {
    let copy = ready.project.copy();
    let (root, before) = (copy.root(), logs::recorded(&copy.root()));
    let mut calls = 0;
    let run = trace(&copy.command(ready.arguments), |_: &Call| {
        let said = said(&root, kind, &before);
        let has_ended = said.iter().any(|event| event.terminal);
        calls += usize::from(!said.is_empty() && !has_ended);
        let is_now = match moment {
            Moment::Amid(n) => calls == n && !has_ended,
            Moment::AfterItsEnd => has_ended,
        };
        if is_now { Verdict::Kill } else { Verdict::Go }
    });
    match run.end {
        End::Killed => (Some(copy), calls),
        End::Exited(code) => {
            assert_eq!(code, 0, "{kind}: it ends badly by itself");
            (None, calls)
        }
    }
}

/// What became of the operation, once the next command has run: one end, and nothing after it.
fn judge(copy: &TestProject, kind: OperationKind, before: &[Event]) -> Ending {
    copy.packer(&["status"]).exits(0);
    logs::settled(&copy.root());
    let said = said(&copy.root(), kind, before);
    assert_eq!(said.iter().filter(|event| event.terminal).count(), 1, "{said:#?}");
    said.last().and_then(|event| event.body.ending()).expect("its end is the last that it says")
}

/// Kills an operation of `kind` at some of its calls, and each time also the command that recovers it.
fn is_killed_amid_and_in_recovery(kind: OperationKind, ready: &Ready) {
    let before = logs::recorded(&ready.project.root());
    // A watch does not end by itself; that it has begun is the one thing that it is sure to write.
    let all = if kind == OperationKind::Watch { 1 } else { killed(ready, kind, Moment::Amid(usize::MAX)).1 };
    assert!(all > 0, "{kind}: nothing was seen of it");
    let calls = std::collections::BTreeSet::from([1, all.div_ceil(3), (all * 2).div_ceil(3), all]);
    for n in calls {
        let _place = Place { what: format!("{kind}, killed at call {n} of {all}") };
        let (Some(copy), _) = killed(ready, kind, Moment::Amid(n)) else { continue };
        let recovered = copy.copy();
        let calls = trace(&recovered.command(&["status"]), |_| Verdict::Go).calls.len();
        let end = judge(&recovered, kind, &before);
        assert!(
            matches!(end, Ending::Aborted(_) | Ending::Recovered { .. } | Ending::Succeeded(_)),
            "{end:#?}"
        );
        for m in [calls.div_ceil(3), calls.div_ceil(3) * 2] {
            let again = copy.copy();
            let mut left = m;
            trace(&again.command(&["status"]), |_| {
                left = left.saturating_sub(1);
                if left == 0 { Verdict::Kill } else { Verdict::Go }
            });
            let found = judge(&again, kind, &before);
            assert_eq!(
                std::mem::discriminant(&found),
                std::mem::discriminant(&end),
                "recovered twice, it came out otherwise: {found:#?}"
            );
        }
    }
}

fn is_killed_after_its_end(kind: OperationKind, ready: &Ready) {
    if kind == OperationKind::Watch {
        // It ends when it is told to, which is shown in the process.
        return;
    }
    let before = logs::recorded(&ready.project.root());
    let (copy, _) = killed(ready, kind, Moment::AfterItsEnd);
    let copy = copy.unwrap_or_else(|| panic!("{kind}: it did nothing after its end"));
    let end = judge(&copy, kind, &before);
    assert!(matches!(end, Ending::Succeeded(_)), "{kind}: {end:#?}");
}

fn each_of(kinds: &[OperationKind]) {
    let mut run = 0;
    for kind in kinds {
        let ready = match ready(*kind) {
            Ok(ready) => ready,
            Err(reason) => {
                assert!(reason.len() > 10);
                continue;
            }
        };
        is_killed_amid_and_in_recovery(*kind, &ready);
        is_killed_after_its_end(*kind, &ready);
        run += 1;
    }
    assert!(run + 1 >= kinds.len());
}

#[test]
fn the_first_kinds_end_once_wherever_they_are_killed() {
    each_of(&OperationKind::ALL[..5]);
}

#[test]
fn the_next_kinds_end_once_wherever_they_are_killed() {
    each_of(&OperationKind::ALL[5..10]);
}

#[test]
fn the_last_kinds_end_once_wherever_they_are_killed() {
    each_of(&OperationKind::ALL[10..]);
}

#[test]
fn where_nothing_can_be_locked_every_kind_that_commits_is_rejected_and_ends_once() {
    let mut rejected = 0;
    for kind in OperationKind::ALL {
        let (Ok(ready), false) =
            (ready(*kind), matches!(kind, OperationKind::Refresh | OperationKind::Watch))
        else {
            continue;
        };
        let before = logs::recorded(&ready.project.root());
        let copy = ready.project.copy();
        let run = trace(&copy.command(ready.arguments), |call| {
            if call.name == "flock" { Verdict::Deny(Errno::ENOLCK) } else { Verdict::Go }
        });
        assert_eq!(run.end, End::Exited(4), "{kind}");
        let end = judge(&copy, *kind, &before);
        let Ending::Rejected(report) = &end else { panic!("{kind}: {end:#?}") };
        assert!(matches!(report.reason, Rejection::LockUnsupported { .. }), "{kind}: {end:#?}");
        rejected += 1;
    }
    assert_eq!(rejected, OperationKind::ALL.len() - 3);
}

#[test]
fn every_log_of_these_tests_is_judged_when_its_project_goes() {
    let before = logs::judged();
    let project = TestProject::adopted(packer());
    project.packer(&["build", "--format", "json"]).exits(0);
    drop(project);
    let after = logs::judged();
    assert!(after[0] >= before[0] + 3 && after[1] > before[1], "{before:?}, then {after:?}");
}
