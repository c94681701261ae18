//! What undoing does: everything back where the world is as the operation left it, and nothing where it is not.

use super::blockers::{BLOCKED, Case, WARNED, check};
use super::requests::{
    atlas, configure, file, image, project, relocate, remove, remove_and, rename, set_build, undo,
};
use super::{carry_out, contents};
use crate::identity::OperationId;
use crate::kind::SettingValue;
use crate::mutation::{
    AppliedOperation, FrozenOperation, KeptOperation, Mutation, PathState, RemovedInputs, Verdict,
};
use crate::registry::BuildParticipation;
use crate::testing::{World, adopt, operation, path, plan_text, reconcile, register, uuid};

fn base() -> World {
    World::new(&project(
        "a 1 a.png.asset.toml\nb 2 ui/b.png.asset.toml\nf 3 frames/asset.toml",
        &[
            image("a", "a", "a.png"),
            image("b", "b", "ui/b.png"),
            atlas("f", "f", "frames", "\"*.png\""),
            file("frames/1.png"),
        ],
    ))
}

/// The world after `mutation`, and what takes it back.
fn after(world: World, mutation: &Mutation) -> (World, Mutation) {
    let mut world = world;
    let (_, operation) = carry_out(&mut world, mutation);
    (world, undo(operation))
}

fn keeps(kept: KeptOperation) -> World {
    let mut world = base();
    world.operations.insert(operation(0), kept);
    world
}

/// That undoing `mutation` says `code` once `meanwhile` happened.
fn then(mutation: &Mutation, meanwhile: impl Fn(&mut World), code: &'static str, blocked: bool) -> Case {
    let (mut world, undo) = after(base(), mutation);
    meanwhile(&mut world);
    (undo, world, code, blocked)
}

fn put(world: &mut World, at: &str, what: PathState) {
    world.folders.retain(|folder| folder.as_str() != at && folder.strip_folder(at).is_none());
    world.odd.insert(path(at), what);
}

fn cases() -> Vec<Case> {
    let moves = relocate("f", "n/f2");
    let input = "n/f2/1.png";
    let nothing =
        |op: OperationId, kept: KeptOperation| (undo(op), keeps(kept), "plan/target-missing", BLOCKED);
    let frozen = KeptOperation::Frozen(FrozenOperation::default());
    let unknown = KeptOperation::FrozenUnknown { reason: "it is damaged".to_owned() };
    // A move that was accepted comes undone: then the anchor is where nobody accepted it.
    let accepted = || {
        let elsewhere = image("a", "a", "new/a.png");
        let (world, undo) =
            after(World::new(&project("a 1 a.png.asset.toml", &[elsewhere])), &reconcile("$a"));
        (undo, world, "plan/leaves-divergence", WARNED)
    };
    vec![
        nothing(operation(7), KeptOperation::Nothing),
        nothing(operation(0), KeptOperation::Unusable { reason: "it is damaged".to_owned() }),
        (undo(operation(0)), keeps(frozen), "plan/moved-on", BLOCKED),
        (undo(operation(0)), keeps(unknown), "plan/moved-on", BLOCKED),
        then(&moves, |world| world.write(input, "edited"), "plan/moved-on", BLOCKED),
        then(&moves, |world| drop(world.files.remove(&path(input))), "plan/moved-on", BLOCKED),
        then(
            &moves,
            |world| drop(carry_out(world, &set_build(&["f"], BuildParticipation::Excluded))),
            "plan/moved-on",
            BLOCKED,
        ),
        then(&moves, |world| world.write("frames/1.png", "new"), "plan/target-exists", BLOCKED),
        then(&moves, |world| world.write("frames", "a file"), "plan/target-exists", BLOCKED),
        then(&moves, |world| world.passed_over.push("frames".to_owned()), "plan/target-ignored", BLOCKED),
        then(
            &remove(&["a"]),
            |world| world.passed_over.push("a.p".to_owned()),
            "plan/target-ignored",
            BLOCKED,
        ),
        then(&moves, |world| put(world, "frames", PathState::Mount), "plan/another-device", BLOCKED),
        then(
            &moves,
            |world| drop(world.odd.insert(path("n"), PathState::Mount)),
            "plan/another-device",
            BLOCKED,
        ),
        then(&moves, |world| put(world, "frames", PathState::Link), "path/symlink", BLOCKED),
        then(&moves, |world| put(world, "frames", PathState::Other), "path/special-file", BLOCKED),
        then(&remove(&["a"]), |world| world.write("A.png", "another"), "path/collision", WARNED),
        accepted(),
    ]
}

#[test]
fn undoing_says_what_it_documents() {
    // A file at the place of a folder leaves the folder's files nowhere to go.
    let cases: Vec<Case> = cases()
        .into_iter()
        .map(|(mutation, mut world, code, blocked)| {
            let is_file = world.files.contains_key(&path("frames"));
            world.folders.retain(|folder| !is_file || folder.as_str() != "frames");
            (mutation, world, code, blocked)
        })
        .collect();
    check("Undo", cases);
}

#[test]
fn every_kind_of_mutation_can_be_taken_back_and_that_again() {
    let more = "//- assets/new.png\n//- assets/loose.png\n//- assets/loose.png.asset.toml\nuuid = \"$c\"\n\
                name = \"c\"\nkind = \"image\"\n";
    let fixture = format!(
        "{}{more}",
        project("a 1 a.png.asset.toml\ng 5 gone.asset.toml", &[image("a", "a", "a.png")])
    );
    let all = [
        adopt(&["."]),
        register(&["."]),
        reconcile("$g"),
        rename("a", "other"),
        set_build(&["a"], BuildParticipation::Excluded),
        configure("a", &[("level", SettingValue::Int(7))], &[]),
        relocate("a", "x/y.png"),
        super::requests::duplicate("a", "x/z.png"),
        remove(&["a"]),
        remove_and(&["a"], RemovedInputs::Kept),
    ];
    for mutation in &all {
        super::there_and_back(&mut World::new(&fixture), mutation);
    }
    // One after the other, and all of them back, the last one first.
    let before = World::new(&fixture);
    let mut world = before.clone();
    let mut operations = Vec::new();
    for mutation in &all[..8] {
        let (_, operation) = carry_out(&mut world, mutation);
        operations.push(operation);
    }
    assert_eq!(world.plan(&undo(operations[3])).verdict, Verdict::Blocked, "it was moved since");
    for operation in operations.into_iter().rev() {
        carry_out(&mut world, &undo(operation));
    }
    assert_eq!(contents(&world), contents(&before));
}

#[test]
fn a_plan_says_what_comes_back() {
    let (world, back) = after(base(), &relocate("f", "n/f2"));
    insta::assert_snapshot!("undo", plan_text(&world.plan(&back)));
    let (mut world, back) = after(base(), &remove(&["a"]));
    insta::assert_snapshot!("undo_of_removing", plan_text(&world.plan(&back)));
    carry_out(&mut world, &back);
    let again = world.plan(&back);
    insta::assert_snapshot!("undo_blocked", plan_text(&again));
    let world = keeps(KeptOperation::Applied(AppliedOperation::default()));
    assert_eq!(world.plan(&undo(operation(0))).verdict, Verdict::Empty, "it had changed nothing");
}

#[test]
fn what_somebody_put_into_a_folder_that_it_made_stays_with_the_folder() {
    let (mut world, back) = after(base(), &relocate("a", "new/deep/a.png"));
    world.write("new/notes.txt", "mine");
    carry_out(&mut world, &back);
    assert!(world.files.contains_key(&path("a.png")));
    assert!(world.files.contains_key(&path("new/notes.txt")));
    assert!(!world.all_folders().contains(&path("new/deep")));
}

#[test]
fn a_folder_that_it_removed_may_be_there_again() {
    let (mut world, back) = after(base(), &relocate("f", "other"));
    world.folders.insert(path("frames"));
    let (plan, _) = carry_out(&mut world, &back);
    assert!(!plan_text(&plan).contains("make folder"), "{}", plan_text(&plan));
}

#[test]
fn an_id_that_another_asset_got_meanwhile_is_not_taken_back_from_it() {
    let fixture = "//- registry\n//- assets/a.png\n//- assets/b.png\n";
    let (mut world, back) = after(World::new(fixture), &adopt(&["a.png"]));
    let line = world.registry.entries().next().unwrap().clone();
    let (_, taken_back) = carry_out(&mut world, &back);
    world.registry.insert(crate::registry::RegistryEntry { uuid: uuid("z"), ..line });
    let plan = world.plan(&undo(taken_back));
    let codes: Vec<&str> = plan.blockers.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["plan/moved-on"], "{}", plan_text(&plan));
}
