//! What removing does: the line is retired, the anchor goes, the inputs go or stay, and no asset that stays loses anything.

use super::blockers::{BLOCKED, Case, WARNED, check};
use super::requests::{atlas, file, image, map, project, remove, remove_and};
use super::{carry_out, there_and_back};
use crate::mutation::{RemovedInputs, Verdict};
use crate::testing::{World, path, plan_text, uuid};

fn one(registry: &str, parts: &[String]) -> World {
    World::new(&project(registry, parts))
}

fn a() -> String {
    image("a", "a", "a.png")
}

fn frames() -> World {
    one(
        "f 3 frames/asset.toml\ng 4 frames/1.png.asset.toml",
        &[
            atlas("f", "f", "frames", "\"**/*.png\""),
            image("g", "g", "frames/1.png"),
            file("frames/sub/2.png"),
        ],
    )
}

fn cases() -> Vec<Case> {
    let line = "a 1 a.png.asset.toml";
    let m = map("m", "m", "m.map", "[map]\ntiles = \"a\"\n");
    let torn = "//- assets/frames/asset.toml\nuuid = \"$f\"\n//- assets/frames/1.png\n".to_owned();
    let mounted = project("a 1 mnt/a.png.asset.toml", &[image("a", "a", "mnt/a.png")]);
    vec![
        (remove(&["z"]), one(line, &[a()]), "plan/target-missing", BLOCKED),
        (remove(&["a"]), one(line, &[]), "plan/diverged", BLOCKED),
        (remove(&["a"]), one(line, &[a(), image("a", "a", "x.png")]), "plan/diverged", BLOCKED),
        (
            remove(&["a"]),
            one(&format!("{line}\nm 2 m.map.asset.toml"), &[a(), m]),
            "plan/referred-to",
            BLOCKED,
        ),
        (remove(&["f"]), one("f 3 frames/asset.toml", &[torn]), "plan/invalid-anchor", BLOCKED),
        (remove(&["a"]), World::new(&format!("{mounted}//- mount mnt\n")), "plan/another-device", BLOCKED),
        (remove(&["a"]), one(&format!("{line}\na 2 retired"), &[a()]), "registry/duplicate-entry", BLOCKED),
        (remove(&["a"]), one(&format!("{line}\nb 1 retired"), &[a()]), "registry/duplicate-id", BLOCKED),
        (remove(&["f"]), frames(), "plan/left-behind", WARNED),
    ]
}

#[test]
fn removing_says_what_it_documents() {
    check("Remove", cases());
}

#[test]
fn what_is_removed_goes_to_the_history() {
    let mut world = one("a 1 ui/a.png.asset.toml excluded", &[image("a", "a", "ui/a.png")]);
    let plan = there_and_back(&mut world, &remove(&["a"]));
    insta::assert_snapshot!("remove", plan_text(&plan));
    assert!(world.files.is_empty());
    assert_eq!(world.registry.get(uuid("a")).unwrap().id.get(), 1, "its id stays reserved");
    assert_eq!(world.plan(&remove(&["a"])).verdict, Verdict::Blocked, "it is no asset any more");
    assert_eq!(world.plan(&remove(&[])).verdict, Verdict::Empty);
}

#[test]
fn inputs_can_stay_as_files_that_nobody_claims() {
    let mut world = frames();
    let plan = there_and_back(&mut world, &remove_and(&["f"], RemovedInputs::Kept));
    insta::assert_snapshot!("remove_and_keep_inputs", plan_text(&plan));
    assert!(world.state().unclaimed().contains(&path("frames/sub/2.png")));
    // Also where nobody can say what they are.
    let torn = "//- assets/frames/asset.toml\nuuid = \"$f\"\n//- assets/frames/1.png\n".to_owned();
    let mut world = one("f 3 frames/asset.toml", &[torn]);
    there_and_back(&mut world, &remove_and(&["f"], RemovedInputs::Kept));
}

#[test]
fn what_another_asset_claims_stays() {
    let mut world = frames();
    let plan = there_and_back(&mut world, &remove(&["f"]));
    insta::assert_snapshot!("remove_what_is_shared", plan_text(&plan));
    assert_eq!(world.state().divergences(), []);
    let mut world = frames();
    there_and_back(&mut world, &remove(&["g"]));
    assert!(world.files.contains_key(&path("frames/1.png")), "the other way round");
    let mut world = frames();
    there_and_back(&mut world, &remove(&["f", "g"]));
    assert!(world.all_folders().is_empty(), "both, and nothing is left of the folder");
}

#[test]
fn a_folder_goes_with_the_last_asset_in_it_whatever_the_order() {
    let nested = || {
        one(
            "f 3 f/asset.toml\ng 4 f/in/asset.toml",
            &[
                atlas("f", "f", "f", "\"*.png\""),
                file("f/1.png"),
                atlas("g", "g", "f/in", "\"*.png\""),
                file("f/in/2.png"),
            ],
        )
    };
    let mut world = nested();
    there_and_back(&mut world, &remove(&["f", "g"]));
    assert!(world.all_folders().is_empty());
    let mut world = nested();
    carry_out(&mut world, &remove(&["f"]));
    assert!(world.all_folders().contains(&path("f/in")), "what is another's stays");
}

#[test]
fn what_refers_and_what_it_refers_to_go_together() {
    let world = || {
        one(
            "a 1 a.png.asset.toml\nm 2 m.map.asset.toml",
            &[a(), map("m", "m", "m.map", "[map]\ntiles = \"a\"\nothers = [\"a\", \"m\"]\n")],
        )
    };
    there_and_back(&mut world(), &remove(&["a", "m"]));
    insta::assert_snapshot!("remove_blocked", plan_text(&world().plan(&remove(&["a"]))));
}
