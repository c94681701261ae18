//! Kill -9 of one operation of each kind: before its commit point, amid its commit, between its terminal event and its clean-up,
//! and amid the recovery of it. And a system that refuses to lock. Whatever came of the operation, its log tells of one end, and
//! nothing follows that.
//!
//! `ready` has one of each kind ready to run; `stages` tells where it is at each call that its process makes, and kills it there.
//! A kill counts only if it happened, and each stage of each kind has its number of them.
//!
//! Every other way to end is tried in `packer-runtime` (`src/endings`), for every kind.

mod ready;
mod stages;

use std::collections::BTreeSet;

use nix::errno::Errno;
use packer_events::body::OperationKind;
use packer_events::event::Event;
use packer_events::report::{Ending, Rejection};
use packer_tests::logs;
use packer_tests::project::TestProject;
use packer_tests::trace::{End, Verdict, trace};

use super::{Place, packer};
use ready::{Ready, ready};
use stages::{RECOVERING, Recovering, STAGES, Sight, Stage, Whom, calls, killed, recover};

/// At how many calls of a stage it is killed, where it makes as many: the first, one amid it, and the last.
const KILLS: usize = 3;

/// The first, one in the middle, and the last of so many.
fn some_of(calls: usize) -> BTreeSet<usize> {
    BTreeSet::from([1, calls.div_ceil(2), calls])
}

/// Whether an operation of a kind has a commit point.
fn commits(kind: OperationKind) -> bool {
    !matches!(kind, OperationKind::Refresh | OperationKind::Watch)
}

/// What became of an operation that had said so much, once the next command has run: one end, and nothing after it.
fn judge(copy: &TestProject, said: &[Event]) -> Ending {
    copy.packer(&["status"]).exits(0);
    let id = said[0].operation_id;
    let all = logs::settled(&copy.root());
    let settled: Vec<&Event> = all.iter().filter(|event| event.operation_id == id).collect();
    assert!(settled.iter().copied().take(said.len()).eq(said), "what it had said is recorded otherwise");
    if said.last().is_some_and(|event| event.terminal) {
        assert_eq!(settled.len(), said.len(), "something was added to its end: {settled:#?}");
    }
    assert_eq!(settled.iter().filter(|event| event.terminal).count(), 1, "{settled:#?}");
    settled.last().and_then(|event| event.body.ending()).expect("its end is the last that it says")
}

/// The same of one that was killed at a stage, which says how it has to have ended.
fn judge_killed(copy: &TestProject, said: &[Event], stage: Stage) {
    let end = judge(copy, said);
    let is_meant = match stage {
        Stage::Before => matches!(end, Ending::Aborted(_)),
        Stage::Amid => matches!(end, Ending::Recovered { .. }),
        Stage::Ended => matches!(end, Ending::Succeeded(_)),
    };
    assert!(is_meant, "{end:#?}");
}

/// Kills it at some calls of a stage; returns how many kills there were.
fn is_killed(ready: &Ready, whom: Whom, stage: Stage, made: usize) -> usize {
    let calls = some_of(made);
    for n in &calls {
        let _place = Place { what: format!("{whom:?}, killed at call {n} of {made} {stage:?}") };
        let copy = killed(ready, whom, stage, *n);
        let said = Sight::new(&copy, whom, &ready.project).said();
        judge_killed(&copy, &said, stage);
    }
    calls.len()
}

/// Kills it amid a stage, and then the command that recovers it, too, at some calls of each stage of that. What is recovered is never a copy of what was killed: it could tell the two apart.
fn is_killed_in_recovery(ready: &Ready, whom: Whom, stage: Stage, made: usize) {
    let half = || {
        let half = killed(ready, whom, stage, made.div_ceil(2));
        let said = Sight::new(&half, whom, &ready.project).said();
        (half, said)
    };
    let status = |copy: &TestProject| copy.command(&["status"]);
    let (undisturbed, said) = half();
    let (end, made) = recover(&undisturbed, &status(&undisturbed), said[0].operation_id, None);
    assert_eq!(end, End::Exited(0));
    assert!(made.keys().eq(&RECOVERING), "{whom:?}, {stage:?}: {made:?}");
    let mut killed_at = BTreeSet::new();
    for (at, n) in made.iter().flat_map(|(at, made)| some_of(*made).into_iter().map(move |n| (*at, n))) {
        let _place = Place { what: format!("{whom:?}, killed {stage:?}, its recovery at call {n} {at:?}") };
        let (again, said) = half();
        let dead = said[0].operation_id;
        let (end, made) = recover(&again, &status(&again), dead, Some((at, n)));
        if made.get(&at) != Some(&n) {
            // This time it made one call fewer.
            continue;
        }
        assert_eq!(end, End::Killed);
        let recovery = Sight::new(&again, Whom::RecoveryOf(dead), &ready.project).said();
        judge_killed(&again, &said, stage);
        let end = judge(&again, &recovery);
        let is_meant = match at {
            Recovering::Owed | Recovering::Given => {
                matches!(end, Ending::Aborted(_) | Ending::Recovered { .. })
            }
            Recovering::Ended => matches!(end, Ending::Succeeded(_)),
        };
        assert!(is_meant, "the recovery: {end:#?}");
        killed_at.insert(at);
    }
    assert!(
        killed_at.iter().eq(&RECOVERING),
        "{whom:?}, {stage:?}: only recoveries {killed_at:?} were killed"
    );
}

/// Kills it once its end is in the log, and then the command that cleans up after it, too, at some of all its calls.
fn is_killed_while_it_is_cleaned_up(ready: &Ready, whom: Whom) {
    let half = || killed(ready, whom, Stage::Ended, 1);
    let undisturbed = half();
    let made = trace(&undisturbed.command(&["status"]), |_| Verdict::Go).calls.len();
    assert!(made >= KILLS, "{whom:?}: only {made} calls clean up");
    // The last one is no call of the clean-up, and may not be made.
    for n in [1, made / 2, made - made / 4] {
        let again = half();
        let said = Sight::new(&again, whom, &ready.project).said();
        let mut left = n;
        let run = trace(&again.command(&["status"]), |_| {
            left = left.saturating_sub(1);
            if left == 0 { Verdict::Kill } else { Verdict::Go }
        });
        assert_eq!(run.end, End::Killed, "{whom:?}, cleaned up with {made} calls, and not with {n}");
        judge_killed(&again, &said, Stage::Ended);
    }
}

/// Kills operations of these kinds at every stage, and their recoveries.
fn each_of(kinds: &[OperationKind]) {
    for kind in kinds {
        let (ready, whom) = (ready(*kind), Whom::Kind(*kind));
        let made = calls(&ready, whom);
        let stages = STAGES.iter().filter(|stage| commits(*kind) || **stage != Stage::Amid);
        assert!(made.keys().eq(stages), "{kind} came to other stages: {made:?}");
        for (stage, made) in made {
            let kills = is_killed(&ready, whom, stage, made);
            assert_eq!(kills, made.min(KILLS), "{kind}, {stage:?}");
            if stage == Stage::Ended {
                is_killed_while_it_is_cleaned_up(&ready, whom);
            } else {
                is_killed_in_recovery(&ready, whom, stage, made);
            }
        }
    }
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
    let [kinds @ .., OperationKind::Watch] = &OperationKind::ALL[10..] else { panic!("a watch is the last") };
    each_of(kinds);
}

#[test]
fn a_watch_and_what_it_brings_about_end_once_wherever_they_are_killed() {
    use OperationKind::{Build, Refresh, Watch};
    for (ready, kind) in [(ready(Watch), Refresh), (Ready::watch_and_build(), Build)] {
        for kind in [Watch, kind] {
            let whom = Whom::Kind(kind);
            let made = calls(&ready, whom);
            let ends = |stage: &&Stage| **stage != Stage::Ended || kind != Watch;
            let stages = STAGES.iter().filter(|stage| commits(kind) || **stage != Stage::Amid).filter(ends);
            assert!(made.keys().eq(stages), "{kind} came to other stages: {made:?}");
            for (stage, made) in made {
                assert_eq!(is_killed(&ready, whom, stage, made), made.min(KILLS), "{kind}, {stage:?}");
                if stage != Stage::Ended {
                    is_killed_in_recovery(&ready, whom, stage, made);
                }
            }
            let copy = killed(&ready, whom, Stage::Before, 1);
            let new = |kind| Sight::new(&copy, Whom::Kind(kind), &ready.project).said().swap_remove(0);
            let cause = (kind != Watch).then(|| new(Watch).operation_id);
            assert_eq!(new(kind).causation_id, cause, "{kind}");
        }
    }
}

#[test]
fn where_nothing_can_be_locked_every_kind_that_commits_is_rejected_and_ends_once() {
    let mut rejected = 0;
    for kind in OperationKind::ALL {
        if !commits(*kind) {
            continue;
        }
        let ready = ready(*kind);
        let copy = ready.project.copy();
        let run = trace(&ready.command(&copy), |call| {
            if call.name == "flock" { Verdict::Deny(Errno::ENOLCK) } else { Verdict::Go }
        });
        assert_eq!(run.end, End::Exited(4), "{kind}");
        let end = judge(&copy, &Sight::new(&copy, Whom::Kind(*kind), &ready.project).said());
        let Ending::Rejected(report) = &end else { panic!("{kind}: {end:#?}") };
        assert!(matches!(report.reason, Rejection::LockUnsupported { .. }), "{kind}: {end:#?}");
        rejected += 1;
    }
    assert_eq!(rejected, OperationKind::ALL.len() - 2);
}

#[test]
fn every_log_of_these_tests_is_judged_when_its_project_goes() {
    let before = logs::judged();
    let project = TestProject::adopted(packer());
    let built = project.packer(&["build", "--format", "json"]).exits(0).events();
    let position = format!("{}:{}", built[0].source, built[0].position);
    project.packer(&["events", "--after", &position, "--format", "json"]).exits(0);
    drop(project);
    let after = logs::judged();
    assert!(after.logs >= before.logs + 3, "{before:?}, then {after:?}");
    assert!(
        after.operations > before.operations && after.joined > before.joined,
        "{before:?}, then {after:?}"
    );
    assert!(after.events >= before.events + built.len() as u64, "{before:?}, then {after:?}");
}
