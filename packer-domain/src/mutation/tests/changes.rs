//! What renaming, including and excluding do.

use super::{image, project};
use crate::mutation::{Mutation, Rename, SetBuild, Verdict};
use crate::registry::BuildParticipation;
use crate::testing::{World, plan_text, uuid};

pub(super) fn rename(alias: &str, name: &str) -> Mutation {
    Mutation::Rename(Rename { asset: uuid(alias), name: name.parse().unwrap() })
}

pub(super) fn set_build(aliases: &[&str], build: BuildParticipation) -> Mutation {
    Mutation::SetBuild(SetBuild { assets: aliases.iter().map(|alias| uuid(alias)).collect(), build })
}

/// An asset of the kind that refers to others, with `settings` in its anchor.
pub(super) fn map(alias: &str, name: &str, file: &str, settings: &str) -> String {
    format!(
        "//- assets/{file}\n//- assets/{file}.asset.toml\n# the map {name}\nuuid = \"${alias}\"\nname = \"{name}\"\n\
         kind = \"map\"\n{settings}"
    )
}

fn referred_to() -> World {
    World::new(&project(
        "a 1 a.png.asset.toml\nb 2 b.map.asset.toml\nc 3 c.map.asset.toml excluded",
        &[
            image("a", "tiles", "a.png"),
            map("b", "b", "b.map", "\n[map]\ntiles = \"tiles\" # the ground\nothers = [\"b\", \"tiles\"]\n"),
            map("c", "c", "c.map", "[map]\nothers = [\"b\"]\n"),
            map("d", "d", "d.map", "[map]\ntiles = \"tiles\"\n"),
        ],
    ))
}

#[test]
fn renaming_rewrites_every_reference() {
    let mut world = referred_to();
    let before = world.state();
    let plan = world.plan(&rename("a", "ground"));
    insta::assert_snapshot!("rename", plan_text(&plan));
    world.apply(&plan);
    let state = world.state();
    assert_eq!(state.divergences(), before.divergences(), "every reference leads where it led");
    let targets = |state: &crate::workspace::WorkspaceState| {
        let records = state
            .assets()
            .map(|record| record.references().iter().map(|reference| reference.target).collect::<Vec<_>>());
        records.collect::<Vec<_>>()
    };
    assert_eq!(targets(&state), targets(&before));
    assert_eq!(world.plan(&rename("a", "ground")).verdict, Verdict::Empty);
    let back = world.plan(&rename("a", "tiles"));
    world.apply(&back);
    assert_eq!(world.files, referred_to().files, "and back: the same bytes");
    // One that refers to itself.
    let plan = world.plan(&rename("b", "self"));
    world.apply(&plan);
    assert_eq!(targets(&world.state()), targets(&before));
}

#[test]
fn including_and_excluding_change_a_line_of_the_registry() {
    let mut world = referred_to();
    let plan = world.plan(&set_build(&["a", "b"], BuildParticipation::Excluded));
    insta::assert_snapshot!("exclude", plan_text(&plan));
    world.apply(&plan);
    assert_eq!(world.plan(&set_build(&["a", "b"], BuildParticipation::Excluded)).verdict, Verdict::Empty);
    let plan = world.plan(&set_build(&["a", "b", "c"], BuildParticipation::Included));
    insta::assert_snapshot!("include", plan_text(&plan));
    world.apply(&plan);
    assert!(world.state().assets().all(|record| record.entry.is_included()));
    assert_eq!(world.files, referred_to().files);
}
