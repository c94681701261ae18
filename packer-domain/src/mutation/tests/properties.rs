//! What holds for every request on every workspace: planning is pure, a plan says everything that it does, what it did can
//! be taken back, and a batch is its members one after the other.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::blockers::documented;
use super::contents;
use super::random::{mutation, request, world};
use super::recover::{Progress, interrupted, save_meanwhile};
use super::requests::{batch, recover, undo};
use crate::diagnostic::Diagnostic;
use crate::mutation::draft::Draft;
use crate::mutation::{
    Contents, FilesystemMutation, KeptOperation, Mutation, MutationPlan, RecoveryChoice, Verdict, members,
    plan, room_for, step,
};
use crate::path::AssetPath;
use crate::registry::RegistryEntry;
use crate::testing::{World, plan_text, state_text, uuid};
use crate::workspace::WorkspaceState;

/// The state that planning foresees.
fn foreseen(state: &WorkspaceState, looked: &Contents, mutation: &Mutation) -> WorkspaceState {
    let members = members(mutation);
    let states = room_for(&members);
    let mut draft = Draft::new(state, looked);
    for (n, member) in members.iter().enumerate() {
        draft = draft.after_step(&states[n]);
        step(&mut draft, member, &mut |_| {});
    }
    draft.after()
}

/// By mutation: what its doc comment says that it can be blocked by and warn of.
fn documented_for(mutation: &Mutation) -> (BTreeSet<String>, BTreeSet<String>) {
    let camel = |word: &str| -> String {
        let capital = |part: &str| part[..1].to_uppercase() + &part[1..];
        word.split('_').map(capital).collect()
    };
    let (mut blocked, mut warned) = documented(&camel(mutation.word()));
    for member in members(mutation) {
        let (more_blocked, more_warned) = documented(&camel(member.word()));
        blocked.extend(more_blocked);
        warned.extend(more_warned);
    }
    (blocked, warned)
}

fn codes(found: &[Diagnostic]) -> BTreeSet<String> {
    found.iter().map(|found| found.code.to_string()).collect()
}

/// The files that a plan names as changing, and the folders that it makes and removes.
fn named(plan: &MutationPlan) -> (BTreeSet<AssetPath>, BTreeSet<AssetPath>, BTreeSet<AssetPath>) {
    let (mut files, mut made, mut removed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for mutation in &plan.filesystem_mutations {
        match mutation {
            FilesystemMutation::MakeDir { path } => drop(made.insert(path.clone())),
            FilesystemMutation::RemoveDir { path } => drop(removed.insert(path.clone())),
            FilesystemMutation::Move { from, to, .. } => files.extend([from.clone(), to.clone()]),
            other => drop(files.insert(other.path().clone())),
        }
    }
    (files, made, removed)
}

fn changed(before: &World, after: &World) -> BTreeSet<AssetPath> {
    let paths = before.files.keys().chain(after.files.keys());
    paths.filter(|path| before.files.get(*path) != after.files.get(*path)).cloned().collect()
}

fn apply(world: &World, plan: &MutationPlan) -> World {
    let mut after = world.clone();
    after.apply(plan);
    after
}

/// Which kinds came to something, so that no property holds for want of cases.
fn ready_kinds(cases: u32) -> BTreeMap<&'static str, usize> {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut ready = BTreeMap::new();
    for _ in 0..cases {
        let (world, request) = (world(), request()).new_tree(&mut runner).unwrap().current();
        if world.plan(&request).verdict == Verdict::Ready {
            *ready.entry(request.word()).or_default() += 1;
        }
    }
    ready
}

#[test]
fn these_requests_are_of_every_kind_and_most_kinds_are_ready_often() {
    let ready = ready_kinds(400);
    let words: Vec<&str> = ready.keys().copied().collect();
    let kinds = [
        "adopt",
        "batch",
        "configure",
        "duplicate",
        "reconcile",
        "register",
        "relocate",
        "remove",
        "rename",
        "set_build",
        "undo",
    ];
    assert_eq!(words, kinds, "{ready:?}");
    assert!(ready["batch"] >= 15 && ready["relocate"] >= 15 && ready["remove"] >= 4, "{ready:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_says_everything_that_it_does_and_planning_does_nothing(world in world(), request in request()) {
        let state = world.state();
        let looked = world.contents(&request);
        let first = plan(&state, &looked, &request);
        prop_assert_eq!(&first, &plan(&state, &looked, &request));
        prop_assert_eq!(&first, &world.plan(&request));
        let untouched = world.state();
        prop_assert_eq!(state.observation(), untouched.observation());
        prop_assert_eq!(state.registry(), &world.registry);
        prop_assert_eq!(first.effects_digest, first.compute_effects_digest());
        prop_assert_eq!(first.verdict == Verdict::Blocked, !first.blockers.is_empty());
        let (blocked, warned) = documented_for(&request);
        prop_assert!(codes(&first.blockers).is_subset(&blocked), "{}", plan_text(&first));
        prop_assert!(codes(&first.warnings).is_subset(&warned), "{}", plan_text(&first));
        if first.verdict != Verdict::Ready {
            return Ok(());
        }
        let after = apply(&world, &first);
        let foreseen = foreseen(&state, &looked, &request);
        let found = after.state();
        prop_assert_eq!(&foreseen.observation().files, &found.observation().files);
        prop_assert_eq!(foreseen.registry(), found.registry());
        prop_assert_eq!(state_text(&foreseen), state_text(&found), "{}", plan_text(&first));
        let (files, made, removed) = named(&first);
        prop_assert_eq!(files, changed(&world, &after), "{}", plan_text(&first));
        let (before, now) = (world.all_folders(), after.all_folders());
        prop_assert_eq!(made, now.difference(&before).cloned().collect::<BTreeSet<_>>());
        prop_assert_eq!(removed, before.difference(&now).cloned().collect::<BTreeSet<_>>());
        // Those that ask for a change that shows; the others make something new each time.
        let is_lasting = !matches!(request, Mutation::Batch(_) | Mutation::Duplicate(_) | Mutation::Reconcile(_));
        let again = after.plan(&request);
        prop_assert!(!is_lasting || again.verdict != Verdict::Ready, "{}", plan_text(&again));
    }

    #[test]
    fn what_was_done_can_be_taken_back_and_that_again(world in world(), request in request()) {
        let plan = world.plan(&request);
        if plan.verdict != Verdict::Ready {
            return Ok(());
        }
        let mut there = world.clone();
        let operation = there.apply(&plan);
        let after = there.clone();
        let back = there.plan(&undo(operation));
        prop_assert_eq!(back.verdict, Verdict::Ready, "{}\nback: {}", plan_text(&plan), plan_text(&back));
        let undone = there.apply(&back);
        prop_assert_eq!(contents(&there), contents(&world), "{}\nback: {}", plan_text(&plan), plan_text(&back));
        prop_assert_eq!(state_text(&there.state()), state_text(&world.state()));
        let on = there.plan(&undo(undone));
        prop_assert_eq!(on.verdict, Verdict::Ready, "{}\non: {}", plan_text(&plan), plan_text(&on));
        there.apply(&on);
        prop_assert_eq!(contents(&there), contents(&after), "{}\non: {}", plan_text(&plan), plan_text(&on));
    }

    #[test]
    fn what_somebody_changed_since_is_not_taken_back_in_passing(
        world in world(), request in request(), which in any::<prop::sample::Index>(), how in 0..3_u8,
    ) {
        let plan = world.plan(&request);
        if plan.verdict != Verdict::Ready {
            return Ok(());
        }
        let mut after = world.clone();
        let operation = after.apply(&plan);
        let Some(KeptOperation::Applied(applied)) = after.operations.get(&operation).cloned() else {
            return Err(TestCaseError::fail("nothing is kept"));
        };
        match how {
            0 | 1 if !applied.placed.is_empty() => {
                let path = &which.get(&applied.placed).path;
                if how == 0 {
                    after.files.insert(path.clone(), b"somebody's".to_vec());
                } else {
                    after.files.remove(path);
                }
            }
            2 if !applied.lines_after.is_empty() => {
                let line = which.get(&applied.lines_after);
                after.registry.remove(line);
                after.registry.insert(RegistryEntry { uuid: uuid("zz"), ..line.clone() });
            }
            _ => return Ok(()),
        }
        let back = after.plan(&undo(operation));
        prop_assert!(codes(&back.blockers).contains("plan/moved-on"), "{}\nback: {}", plan_text(&plan), plan_text(&back));
    }

    #[test]
    fn a_batch_is_its_members_one_after_the_other(
        world in world(), request in prop::collection::vec(mutation(), 1..=6),
    ) {
        let together = world.plan(&batch(&request));
        let mut one_by_one = world.clone();
        let mut is_possible = true;
        for member in &request {
            let plan = one_by_one.plan(member);
            match plan.verdict {
                // Only what was done before can be taken back in a batch.
                Verdict::Ready => {
                    one_by_one.apply(&plan);
                    one_by_one.operations.clone_from(&world.operations);
                }
                Verdict::Empty => {}
                Verdict::Blocked => {
                    is_possible = false;
                    break;
                }
            }
        }
        if request.len() == 1 {
            let alone = world.plan(&request[0]);
            // What was asked for is another request, and its digest tells that.
            let (mutation, plan_digest) = (alone.mutation.clone(), alone.plan_digest);
            prop_assert_eq!(&MutationPlan { mutation, plan_digest, ..together.clone() }, &alone);
        }
        if !is_possible {
            prop_assert_eq!(together.verdict, Verdict::Blocked);
            return Ok(());
        }
        // What only a batch cannot do: one path that changes between a file and a folder.
        // Members after one that does can be blocked in consequence, by anything.
        if together.verdict == Verdict::Blocked {
            let up_to = |count: usize| world.plan(&batch(&request[..count]));
            let first = (1..=request.len()).map(up_to).find(|plan| plan.verdict == Verdict::Blocked).unwrap();
            let changes = first.blockers.iter().all(|found| found.code.as_str() == "plan/target-exists");
            prop_assert!(changes, "{}", plan_text(&first));
            return Ok(());
        }
        let after = if together.verdict == Verdict::Ready { apply(&world, &together) } else { world.clone() };
        prop_assert_eq!(&after.files, &one_by_one.files, "{}", plan_text(&together));
        prop_assert_eq!(&after.registry, &one_by_one.registry, "{}", plan_text(&together));
    }

    #[test]
    fn an_interrupted_operation_goes_back_or_on_and_what_somebody_saved_is_kept(
        world in world(), request in request(), displaced in 0..9_usize, placed in 0..9_usize,
        registry in any::<bool>(), saved in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let plan = world.plan(&request);
        if plan.verdict != Verdict::Ready {
            return Ok(());
        }
        let after = apply(&world, &plan);
        let (mut stopped, id) = interrupted(&world, &plan, Progress { displaced, placed, registry });
        let theirs = saved.and_then(|saved| {
            let files: Vec<AssetPath> = named(&plan).0.into_iter().collect();
            (!files.is_empty()).then(|| saved.get(&files).clone())
        });
        if let Some(path) = &theirs {
            save_meanwhile(&mut stopped, id, path, b"theirs");
        }
        for (choice, expected) in [(RecoveryChoice::KeepTheirs, &world), (RecoveryChoice::FinishOurs, &after)] {
            let settle = stopped.plan(&recover(id, choice));
            let (blocked, warned) = documented("Recover");
            prop_assert!(codes(&settle.blockers).is_subset(&blocked), "{}", plan_text(&settle));
            prop_assert!(codes(&settle.warnings).is_subset(&warned), "{}", plan_text(&settle));
            if settle.verdict == Verdict::Blocked {
                // The only copy was where somebody saved something else.
                prop_assert!(theirs.is_some(), "{}\nsettled: {}", plan_text(&plan), plan_text(&settle));
                continue;
            }
            let mut settled = stopped.clone();
            settled.apply(&settle);
            match &theirs {
                None => prop_assert_eq!(contents(&settled), contents(expected), "{:?} of {}\nsettled: {}", choice, plan_text(&plan), plan_text(&settle)),
                Some(path) => {
                    let mut expected = expected.files.clone();
                    if choice == RecoveryChoice::KeepTheirs {
                        expected.insert(path.clone(), b"theirs".to_vec());
                    } else {
                        prop_assert!(settled.kept.values().any(|bytes| bytes == b"theirs"));
                    }
                    prop_assert_eq!(&settled.files, &expected, "{:?} of {}\nsettled: {}", choice, plan_text(&plan), plan_text(&settle));
                }
            }
        }
    }
}
