//! What duplicating does: another asset with the same inputs and settings, and an identity of its own.

use super::blockers::{BLOCKED, WARNED, check};
use super::relocate::destinations;
use super::requests::{atlas, duplicate, duplicate_as, file, image, map, project};
use super::there_and_back;
use crate::mutation::Verdict;
use crate::registry::{BuildParticipation, EntryState, RegistryEntry};
use crate::testing::{DRAW, World, entry, live, path, plan_text};

#[test]
fn duplicating_says_what_it_documents() {
    let mut cases = destinations(duplicate);
    let a = || World::new(&project("a 1 a.png.asset.toml", &[image("a", "a", "a.png")]));
    let mut drawn = a();
    let taken = entry("a", 9, EntryState::Retired);
    drawn.registry.insert(RegistryEntry { uuid: DRAW.asset_uuid("x.png.asset.toml"), ..taken });
    cases.extend([
        (duplicate_as("a", "x.png", "a"), a(), "plan/name-taken", BLOCKED),
        (duplicate("a", "x.png"), drawn, "registry/duplicate-entry", BLOCKED),
        (duplicate("a", "a.png"), a(), "plan/target-exists", BLOCKED),
        (
            duplicate("a", "frames/x.png"),
            World::new(&project(
                "a 1 a.png.asset.toml\nf 3 frames/asset.toml",
                &[image("a", "a", "a.png"), atlas("f", "f", "frames", "\"*.png\""), file("frames/1.png")],
            )),
            "input/shared",
            WARNED,
        ),
    ]);
    check("Duplicate", cases);
}

#[test]
fn a_copy_has_a_uuid_an_id_and_a_name_of_its_own() {
    let settings = "# kept\n[map]\ntiles = \"a\" # the ground\n";
    let mut world = World::new(&project(
        "a 1 a.png.asset.toml\nm 7 m.map.asset.toml excluded",
        &[image("a", "a", "a.png"), map("m", "m", "m.map", settings)],
    ));
    let plan = there_and_back(&mut world, &duplicate("m", "ui/other.map"));
    insta::assert_snapshot!("duplicate", plan_text(&plan));
    let state = world.state();
    assert_eq!(state.divergences(), []);
    let copy = state.asset_named(&"ui/other".parse().unwrap()).unwrap();
    assert_eq!(copy.entry.state, live("ui/other.map.asset.toml", BuildParticipation::Excluded));
    assert_ne!(copy.entry.id.get(), 7);
    let again = world.plan(&duplicate("m", "ui/other.map"));
    insta::assert_snapshot!("duplicate_blocked", plan_text(&again));
}

#[test]
fn a_directory_asset_is_copied_without_the_assets_in_its_folder() {
    let mut world = World::new(&project(
        "f 3 frames/asset.toml\ng 4 frames/1.png.asset.toml",
        &[
            atlas("f", "f", "frames", "\"**/*.png\""),
            image("g", "g", "frames/1.png"),
            file("frames/sub/2.png"),
            file("frames/notes.txt"),
        ],
    ));
    let plan = there_and_back(&mut world, &duplicate_as("f", "copies/f", "f2"));
    insta::assert_snapshot!("duplicate_folder", plan_text(&plan));
    assert_eq!(world.state().divergences(), []);
}

#[test]
fn a_name_is_made_from_where_the_copy_goes_unless_it_is_taken() {
    let mut world = World::new(&project(
        "a 1 a.png.asset.toml\nb 2 b.png.asset.toml",
        &[image("a", "x", "a.png"), image("b", "b", "b.png")],
    ));
    there_and_back(&mut world, &duplicate("b", "x.png"));
    assert!(world.state().asset_named(&"x.png".parse().unwrap()).is_some());
    let plan = world.plan(&duplicate_as("b", "y.png", "fresh"));
    assert_eq!(plan.verdict, Verdict::Ready, "{}", plan_text(&plan));
    assert!(!world.files.contains_key(&path("y.png")), "planning writes nothing");
}
