//! What batches do: each member on what those before it leave, the difference in the end, and all or nothing.

use super::blockers::documented;
use super::requests::{
    atlas, batch, configure, duplicate_as, file, image, map, project, recover, relocate, remove, remove_and,
    rename, set_build, text, undo,
};
use super::{carry_out, contents, there_and_back};
use crate::mutation::{
    FilesystemMutation, Mutation, RecoveryChoice, Relocate, Remove, RemovedInputs, Rename, Verdict,
};
use crate::registry::BuildParticipation;
use crate::testing::{DRAW, World, adopt, operation, path, plan_text, uuid};

fn three() -> World {
    World::new(&project(
        "a 1 a.png.asset.toml\nb 2 b.png.asset.toml excluded\nc 3 c.png.asset.toml",
        &[image("a", "a", "a.png"), image("b", "b", "b.png"), image("c", "c", "c.png"), {
            "//- assets/a.png\nA\n//- assets/b.png\nB\n//- assets/c.png\nC\n".to_owned()
        }],
    ))
}

fn referring() -> World {
    World::new(&project(
        "a 1 a.png.asset.toml\nm 2 m.map.asset.toml",
        &[image("a", "a", "a.png"), map("m", "m", "m.map", "[map]\ntiles = \"a\"\n")],
    ))
}

fn bytes<'a>(world: &'a World, at: &str) -> &'a str {
    str::from_utf8(&world.files[&path(at)]).unwrap()
}

/// Carries out the members one after the other, and gives what that leaves.
fn one_by_one(world: &World, members: &[Mutation]) -> World {
    let mut world = world.clone();
    for member in members {
        carry_out(&mut world, member);
    }
    world
}

/// That a batch is ready, can be taken back, and leaves what its members leave one by one.
fn check(world: &World, members: &[Mutation]) -> (World, String) {
    let mut after = world.clone();
    let plan = there_and_back(&mut after, &batch(members));
    let expected = one_by_one(world, members);
    assert_eq!(
        (&after.files, &after.registry),
        (&expected.files, &expected.registry),
        "{}",
        plan_text(&plan)
    );
    (after, plan_text(&plan))
}

#[test]
fn a_batch_says_what_its_members_say_and_takes_no_recovery() {
    let recovery = recover(operation(0), RecoveryChoice::KeepTheirs);
    let plan = three().plan(&batch(&[relocate("a", "x.png"), recovery.clone(), relocate("b", "../x")]));
    insta::assert_snapshot!("batch_blocked", plan_text(&plan));
    let codes: Vec<&str> = plan.blockers.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["plan/not-in-batch", "plan/target-invalid"]);
    let (blocked, warned) = documented("Batch");
    assert!(blocked.contains("plan/not-in-batch") && blocked.len() == 1 && warned.is_empty());
    let alone = three().plan(&batch(&[recovery]));
    assert_eq!(alone.blockers[0].code.as_str(), "plan/target-missing", "{}", plan_text(&alone));
    let warned = referring().plan(&batch(&[
        set_build(&["a"], BuildParticipation::Excluded),
        configure("m", &[("tiles", text("nobody"))], &[]),
    ]));
    let codes: Vec<&str> = warned.warnings.iter().map(|found| found.code.as_str()).collect();
    assert_eq!((warned.verdict, codes), (Verdict::Ready, vec!["reference/unresolved", "plan/referred-to"]));
}

#[test]
fn nothing_and_what_comes_to_nothing_is_empty() {
    for nothing in [
        batch(&[]),
        batch(&[batch(&[]), set_build(&["a"], BuildParticipation::Included)]),
        batch(&[relocate("a", "n/x.png"), relocate("a", "a.png")]),
        batch(&[rename("a", "x"), rename("a", "a")]),
        batch(&[duplicate_as("a", "x.png", "x"), remove(&["a"])]),
    ] {
        let plan = three().plan(&nothing);
        let is_copy = matches!(&nothing, Mutation::Batch(batch) if matches!(batch.mutations.first(), Some(Mutation::Duplicate(_))));
        assert_eq!(
            plan.verdict,
            if is_copy { Verdict::Ready } else { Verdict::Empty },
            "{}",
            plan_text(&plan)
        );
    }
}

#[test]
fn a_swap_is_two_moves() {
    let swap = [relocate("a", "t.png"), relocate("b", "a.png"), relocate("t", "b.png")];
    assert_eq!(three().plan(&batch(&swap)).verdict, Verdict::Blocked, "there is no asset t");
    let (after, text) =
        check(&three(), &[relocate("a", "t.png"), relocate("b", "a.png"), relocate("a", "b.png")]);
    insta::assert_snapshot!("batch_swap", text);
    assert_eq!((bytes(&after, "a.png"), bytes(&after, "b.png")), ("B\n", "A\n"));
    let line = after.registry.get(uuid("b")).unwrap();
    assert_eq!(
        (line.anchor(), line.id.get(), line.is_included()),
        (Some(&path("a.png.asset.toml")), 2, false)
    );
}

#[test]
fn a_chain_moves_along() {
    let (after, _) = check(&three(), &[relocate("a", "x.png"), relocate("c", "a.png")]);
    assert_eq!((bytes(&after, "x.png"), bytes(&after, "a.png")), ("A\n", "C\n"));
    let blocked = three().plan(&batch(&[relocate("c", "a.png"), relocate("a", "x.png")]));
    assert_eq!(blocked.verdict, Verdict::Blocked, "in that order something stands there");
}

#[test]
fn what_moves_can_be_edited_and_what_is_edited_moved() {
    let (one, _) = check(&referring(), &[relocate("a", "ui/x.png"), rename("a", "other")]);
    let (other, _) = check(&referring(), &[rename("a", "other"), relocate("a", "ui/x.png")]);
    assert_eq!(contents(&one), contents(&other));
    assert!(bytes(&one, "m.map.asset.toml").contains("tiles = \"other\""));
    check(&referring(), &[rename("a", "other"), configure("m", &[("tiles", text("m"))], &[])]);
    check(&referring(), &[relocate("m", "x.map"), configure("m", &[], &["tiles"]), relocate("m", "y.map")]);
}

#[test]
fn what_is_adopted_can_be_used_at_once() {
    let fixture = "//- registry\n//- assets/photo\nPIC!\n//- assets/m.map\n";
    let adopted = Mutation::Relocate(Relocate { asset: DRAW.asset_uuid("photo"), to: "ui/photo".to_owned() });
    let renamed =
        Mutation::Rename(Rename { asset: DRAW.asset_uuid("photo"), name: "portrait".parse().unwrap() });
    let (after, text) = check(&World::new(fixture), &[adopt(&["photo"]), adopted.clone(), renamed]);
    insta::assert_snapshot!("batch_adopt_and_move", text);
    assert_eq!(after.state().divergences(), []);
    // Something that an earlier member moved is still recognised by its first bytes.
    let gone =
        Mutation::Remove(Remove { assets: vec![DRAW.asset_uuid("photo")], inputs: RemovedInputs::Kept });
    check(&World::new(fixture), &[adopt(&["photo"]), adopted, gone, adopt(&["ui"])]);
}

#[test]
fn a_freed_place_can_be_taken() {
    let (after, text) = check(&three(), &[remove(&["a"]), relocate("b", "a.png")]);
    insta::assert_snapshot!("batch_freed_place", text);
    assert_eq!(bytes(&after, "a.png"), "B\n");
    let (after, _) = check(&three(), &[remove_and(&["a"], RemovedInputs::Kept), adopt(&["a.png"])]);
    assert_eq!(
        after.state().asset_named(&"a".parse().unwrap()).unwrap().entry.uuid,
        DRAW.asset_uuid("a.png")
    );
}

#[test]
fn a_copy_outlives_its_original() {
    let (after, _) = check(&three(), &[duplicate_as("a", "x.png", "x"), remove(&["a"])]);
    assert_eq!(bytes(&after, "x.png"), "A\n");
    let copy = DRAW.asset_uuid("x.png.asset.toml");
    let back = Mutation::Relocate(Relocate { asset: copy, to: "a.png".to_owned() });
    let (_, text) = check(&three(), &[duplicate_as("a", "x.png", "x"), remove(&["a"]), back]);
    insta::assert_snapshot!("batch_copy_in_place_of_its_original", text);
    check(&three(), &[duplicate_as("a", "x.png", "x"), relocate("a", "y.png")]);
    let (_, text) = check(&three(), &[relocate("a", "y.png"), duplicate_as("a", "a.png", "x")]);
    assert!(text.contains("copy a.png -> y.png") && !text.contains("-> a.png\n"), "the file stays: {text}");
}

#[test]
fn references_are_judged_member_by_member() {
    check(&referring(), &[remove(&["m"]), remove(&["a"])]);
    check(&referring(), &[configure("m", &[], &["tiles"]), remove(&["a"])]);
    let blocked = referring().plan(&batch(&[remove(&["a"]), remove(&["m"])]));
    assert_eq!(blocked.blockers[0].code.as_str(), "plan/referred-to", "{}", plan_text(&blocked));
}

#[test]
fn no_folder_is_left_that_nothing_is_in() {
    let world = World::new(&project(
        "f 3 frames/asset.toml\na 1 a.png.asset.toml",
        &[atlas("f", "f", "frames", "\"*.png\""), file("frames/1.png"), image("a", "a", "a.png")],
    ));
    let (after, _) = check(&world, &[relocate("f", "x/y"), relocate("f", "z")]);
    assert!(!after.all_folders().contains(&path("x")));
    let (after, text) =
        check(&world, &[relocate("f", "x"), relocate("f", "frames"), relocate("a", "frames/")]);
    assert!(after.all_folders().contains(&path("frames")) && !text.contains("folder"), "{text}");
    check(&world, &[relocate("f", "x"), relocate("a", "frames/b.png")]);
}

#[test]
fn one_path_does_not_change_between_file_and_folder() {
    let world = World::new(&project(
        "f 3 frames/asset.toml\na 1 a.asset.toml\nb 2 b.png.asset.toml",
        &[
            atlas("f", "f", "frames", "\"*.png\""),
            file("frames/1.png"),
            image("a", "a", "a"),
            image("b", "b", "b.png"),
        ],
    ));
    for members in [
        [remove(&["a"]), relocate("b", "a/b.png")],
        [relocate("a", "x"), relocate("b", "a/b.png")],
        [relocate("f", "x"), relocate("b", "frames")],
        [remove(&["f"]), relocate("b", "frames")],
    ] {
        let plan = world.plan(&batch(&members));
        let codes: Vec<&str> = plan.blockers.iter().map(|found| found.code.as_str()).collect();
        assert_eq!(codes, ["plan/target-exists"], "{}", plan_text(&plan));
    }
}

#[test]
fn taking_back_is_a_member_like_others() {
    let mut world = three();
    let (_, first) = carry_out(&mut world, &relocate("a", "n/x.png"));
    let (_, second) = carry_out(&mut world, &remove(&["b"]));
    check(&world, &[undo(first), undo(second)]);
    check(&world, &[undo(second), relocate("b", "n/b.png"), undo(first)]);
    let (after, _) = check(&world, &[undo(second), undo(first), rename("b", "back")]);
    assert!(bytes(&after, "b.png.asset.toml").contains("back"));
    let twice = world.plan(&batch(&[undo(first), undo(first)]));
    assert_eq!(twice.blockers[0].code.as_str(), "plan/moved-on", "{}", plan_text(&twice));
}

#[test]
fn the_steps_of_a_batch_are_in_the_order_of_paths_and_each_path_is_named_once() {
    let plan =
        three().plan(&batch(&[relocate("c", "y.png"), relocate("a", "c.png"), relocate("b", "a.png")]));
    assert!(plan.filesystem_mutations.iter().all(|step| matches!(step, FilesystemMutation::Move { .. })));
    let paths: Vec<_> = plan.filesystem_mutations.iter().map(FilesystemMutation::path).collect();
    assert!(paths.is_sorted_by(|a, b| a < b), "{paths:?}");
}
