//! Every resolution, carried out: the divergence is gone, nothing else changed, and asking again finds nothing to do.

use super::{image, project};
use crate::mutation::Verdict;
use crate::testing::{World, path, plan_text, reconcile, state_text, uuid};
use crate::workspace::AssetState;

/// Plans `request`, carries it out, and gives the plan and what then differs.
fn resolve(fixture: &str, request: &str) -> String {
    let mut world = World::new(fixture);
    let plan = world.plan(&reconcile(request));
    let text = plan_text(&plan);
    assert_eq!(plan.verdict, Verdict::Ready, "{text}");
    world.apply(&plan);
    let left = world.plan(&reconcile(""));
    let rest = if world.state().divergences().is_empty() {
        assert_eq!(left.verdict, Verdict::Empty, "{}", plan_text(&left));
        String::new()
    } else {
        format!("--- then\n{}", state_text(&world.state()))
    };
    format!("{text}{rest}")
}

fn a() -> String {
    image("a", "a", "a.png")
}

macro_rules! check {
    ($name:literal, $request:literal, $registry:literal, $parts:expr) => {
        insta::assert_snapshot!($name, resolve(&project($registry, &$parts), $request))
    };
}

#[test]
fn registering_and_retiring() {
    check!("register", "", "", [a()]);
    check!("register_again", "a.png", "a 1 retired", [a()]);
    check!("retire", "$a", "a 1 a.png.asset.toml", []);
    check!("retire_one_of_two", "gone", "a 1 a.png.asset.toml\nb 2 gone/b.png.asset.toml", [a()]);
}

#[test]
fn accepting_a_move() {
    check!("accept_move", "@a", "a 1 old/a.png.asset.toml excluded", [a()]);
    check!("accept_move_by_the_old_folder", "old", "a 1 old/a.png.asset.toml", [a()]);
    let sourceless = "//- assets/b.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n".to_owned();
    check!("accept_move_and_leave_what_cannot_be_resolved", "$a", "a 1 old.asset.toml", [sourceless]);
}

#[test]
fn separating_copies() {
    check!("new_uuid", "$a", "a 1 a.png.asset.toml", [a(), image("a", "a", "copy/a.png")]);
    check!("new_uuid_keeps_a_free_name", "", "a 1 a.png.asset.toml", [a(), image("a", "own", "copy/a.png")]);
    check!(
        "new_uuid_with_a_name",
        "$a --name fresh",
        "a 1 a.png.asset.toml",
        [a(), image("a", "a", "c.png")]
    );
    check!(
        "new_uuid_for_one",
        "$a --path b.png",
        "a 1 a.png.asset.toml",
        [a(), image("a", "a", "b.png"), image("a", "a", "c.png")]
    );
    check!(
        "new_uuid_with_none_at_home",
        "$a --path b.png",
        "a 1 old.png.asset.toml",
        [image("a", "a", "b.png"), image("a", "a", "c.png")]
    );
}

#[test]
fn two_copies_never_get_one_name() {
    let copies = [a(), image("a", "own", "b.png"), image("a", "own", "c.png")];
    let mut world = World::new(&project("a 1 a.png.asset.toml", &copies));
    let plan = world.plan(&reconcile(""));
    world.apply(&plan);
    assert_eq!(world.state().divergences(), []);
}

#[test]
fn separating_unregistered_copies_lets_both_be_registered() {
    let parts = [a(), image("a", "a", "b.png"), image("c", "c", "c.png"), image("c", "c", "d.png")];
    let mut world = World::new(&project("", &parts));
    for request in
        ["anchor/duplicate-uuid --path b.png", "anchor/duplicate-uuid --path d.png", "anchor/unregistered"]
    {
        let plan = world.plan(&reconcile(request));
        world.apply(&plan);
    }
    assert_eq!(world.state().divergences(), []);
    assert_eq!(world.state().assets().count(), 4);
}

#[test]
fn renaming() {
    let lines = "a 1 a.png.asset.toml\nb 2 b.png.asset.toml";
    let namesakes = || project(lines, &[a(), image("b", "a", "b.png")]);
    let expected = resolve(&namesakes(), "name/conflict --path b.png --name fresh");
    insta::assert_snapshot!("rename", expected);
    for request in [
        "b.png --name fresh",
        "b.png.asset.toml --name fresh",
        "$b --name fresh",
        "@a --path b.png --name fresh",
    ] {
        assert_eq!(resolve(&namesakes(), request), expected, "{request}");
    }
}

#[test]
fn a_name_is_for_the_conflict_that_its_asset_is_in() {
    // $m moved, and two others share a name: choosing $m says nothing of which of the two is meant.
    let lines = "a 1 a.png.asset.toml\nb 2 b.png.asset.toml\nm 3 old.png.asset.toml";
    let world = World::new(&project(lines, &[a(), image("b", "a", "b.png"), image("m", "m", "m.png")]));
    let plan = world.plan(&reconcile("$m name/conflict --name fresh"));
    assert_eq!(plan.verdict, Verdict::Blocked);
    assert_eq!(plan.filesystem_mutations, []);
}

#[test]
fn settling_what_a_merge_left() {
    check!(
        "reallocate",
        "registry/duplicate-id",
        "a 1 a.png.asset.toml\nb 1 b.png.asset.toml",
        [a(), image("b", "b", "b.png")]
    );
    check!("reallocate_beside_a_retired_asset", "", "a 1 a.png.asset.toml\nz 1 retired", [a()]);
    check!(
        "reallocate_three",
        "",
        "a 1 a.png.asset.toml\nb 1 b.png.asset.toml\nz 1 retired",
        [a(), image("b", "b", "b.png")]
    );
    check!("keep_1", "$a --as keep-1", "a 1 a.png.asset.toml\na 2 a.png.asset.toml", [a()]);
    check!(
        "keep_2",
        "registry/duplicate-entry --as keep-2",
        "a 1 a.png.asset.toml\na 1 a.png.asset.toml excluded",
        [a()]
    );
    // The first line says that it moved, too; what is asked for says which of both is meant.
    check!(
        "keep_of_one_that_moved",
        "a.png --as keep-2",
        "a 1 0.png.asset.toml\na 1 a.png.asset.toml",
        [a()]
    );
    check!("keep_the_retired_line", "a.png --as keep-2", "a 1 a.png.asset.toml\na 1 retired", [a()]);
    check!(
        "keep_one_of_two_retired_lines",
        "$a --as keep-2",
        "a 1 retired\na 2 retired\nb 3 b.png.asset.toml",
        [image("b", "b", "b.png")]
    );
}

#[test]
fn everything_at_once() {
    let parts = [a(), image("a", "a", "copy.png"), image("m", "m", "new.png"), image("u", "u", "u.png")];
    check!("all", "", "a 1 a.png.asset.toml\nm 1 old.png.asset.toml\nx 3 x.png.asset.toml", parts);
}

#[test]
fn what_is_not_concerned_stays_as_it_is() {
    let fixture = project(
        "a 1 old.png.asset.toml\nb 2 b.png.asset.toml\nx 3 x.png.asset.toml",
        &[a(), image("b", "b", "b.png"), image("u", "u", "u.png")],
    );
    let mut world = World::new(&fixture);
    let before = world.state();
    let plan = world.plan(&reconcile("anchor/moved"));
    world.apply(&plan);
    let after = world.state();
    assert_eq!(after.asset(uuid("a")).unwrap().state, AssetState::Ready);
    assert_eq!(after.asset(uuid("a")).unwrap().entry.anchor(), Some(&path("a.png.asset.toml")));
    for other in ["b", "x"] {
        assert_eq!(before.asset(uuid(other)), after.asset(uuid(other)));
    }
    assert_eq!(before.observation(), after.observation());
    assert_eq!(before.divergences().len(), after.divergences().len() + 1);
}
