//! What relocating does: what belongs together moves together, the registry follows, and nothing else changes.

use super::blockers::{BLOCKED, Case, WARNED, check};
use super::requests::{atlas, file, image, map, project, relocate};
use super::there_and_back;
use crate::mutation::{FilesystemMutation, Verdict};
use crate::registry::BuildParticipation;
use crate::testing::{World, live, path, plan_text, uuid};

const REGISTRY: &str = "a 1 a.png.asset.toml excluded\nb 2 ui/b.png.asset.toml\nf 3 frames/asset.toml";

fn parts() -> Vec<String> {
    vec![
        image("a", "a", "a.png"),
        image("b", "b", "ui/b.png"),
        atlas("f", "f", "frames", "\"*.png\""),
        file("frames/1.png"),
    ]
}

fn with(more: &str) -> World {
    World::new(&format!("{}{more}", project(REGISTRY, &parts())))
}

fn only(registry: &str, parts: &[String]) -> World {
    World::new(&project(registry, parts))
}

fn moved(world: &mut World, alias: &str, to: &str) -> String {
    plan_text(&there_and_back(world, &relocate(alias, to)))
}

/// The blockers and warnings of a destination, which duplicating shares.
pub(super) fn destinations(ask: impl Fn(&str, &str) -> crate::mutation::Mutation) -> Vec<Case> {
    vec![
        (ask("z", "x.png"), with(""), "plan/target-missing", BLOCKED),
        (ask("a", "x.png"), only("a 1 a.png.asset.toml", &[]), "plan/diverged", BLOCKED),
        (ask("a", "../x.png"), with(""), "plan/target-invalid", BLOCKED),
        (ask("a", "ui/b.png"), with(""), "plan/target-exists", BLOCKED),
        (ask("a", "build/x.png"), with("//- passed-over build\n"), "plan/target-ignored", BLOCKED),
        (ask("a", "x~"), with("//- passed-over x~\n"), "plan/target-ignored", BLOCKED),
        (ask("f", "frames/inner"), with(""), "plan/into-itself", BLOCKED),
        (ask("a", "mnt"), with("//- mount mnt\n"), "plan/another-device", BLOCKED),
        (ask("a", "con.png"), with(""), "path/not-portable", BLOCKED),
        (ask("a", "UI/x.png"), with(""), "path/collision", BLOCKED),
        (ask("a", "l/x.png"), with("//- link l\n"), "path/symlink", BLOCKED),
        (ask("a", "s/x.png"), with("//- special s\n"), "path/special-file", BLOCKED),
        (
            ask("a", "x.png"),
            only("a 1 a.png.asset.toml\na 2 retired", &[image("a", "a", "a.png")]),
            "registry/duplicate-entry",
            BLOCKED,
        ),
        (
            ask("a", "x.png"),
            only("a 1 a.png.asset.toml\nb 1 retired", &[image("a", "a", "a.png")]),
            "registry/duplicate-id",
            BLOCKED,
        ),
        (
            ask("f", "other"),
            only("f 3 frames/asset.toml", &["//- assets/frames/asset.toml\nuuid = \"$f\"\n".to_owned()]),
            "plan/invalid-anchor",
            BLOCKED,
        ),
    ]
}

#[test]
fn relocating_says_what_it_documents() {
    let mut cases = destinations(relocate);
    let mounted = image("a", "a", "mnt/a.png");
    cases.extend([
        (
            relocate("a", "x.png"),
            World::new(&format!("{}//- mount mnt\n", project("a 1 mnt/a.png.asset.toml", &[mounted]))),
            "plan/another-device",
            BLOCKED,
        ),
        (relocate("f", "other"), with("//- assets/frames/notes.txt\n"), "plan/left-behind", WARNED),
        (relocate("a", "frames/"), with(""), "input/shared", WARNED),
        (
            relocate("g", "x.png"),
            only(
                "f 3 frames/asset.toml\ng 4 frames/1.png.asset.toml",
                &[atlas("f", "f", "frames", "\"1.png\""), image("g", "g", "frames/1.png")],
            ),
            "plan/leaves-divergence",
            WARNED,
        ),
    ]);
    check("Relocate", cases);
}

#[test]
fn an_asset_moves_with_its_source_and_keeps_its_id_and_participation() {
    let mut world = with("");
    insta::assert_snapshot!("relocate", moved(&mut world, "a", "new/deep/x.png"));
    let line = world.registry.get(uuid("a")).unwrap();
    assert_eq!(line.state, live("new/deep/x.png.asset.toml", BuildParticipation::Excluded));
    assert_eq!(line.id.get(), 1);
    assert_eq!(world.state().divergences(), []);
    assert_eq!(world.plan(&relocate("a", "new/deep/x.png")).verdict, Verdict::Empty);
    assert_eq!(world.plan(&relocate("a", "new/deep")).verdict, Verdict::Empty, "into where it is");
    assert_eq!(world.plan(&relocate("a", "new/deep/")).verdict, Verdict::Empty);
}

#[test]
fn blocked_by_all_that_stands_in_the_way() {
    let world = with("//- assets/frames2/asset.toml\n//- ignored frames2/frames/1.png\n");
    insta::assert_snapshot!("relocate_blocked", plan_text(&world.plan(&relocate("f", "frames2"))));
    let world = with("//- assets/x.png.asset.toml\n");
    let plan = world.plan(&relocate("a", "x.png"));
    assert_eq!(plan.blockers.len(), 1, "the anchor beside it is what stands there: {}", plan_text(&plan));
}

#[test]
fn into_a_folder_that_is_there_and_under_the_name_of_a_sidecar() {
    for (to, at) in [
        ("ui", "ui/a.png"),
        ("ui/", "ui/a.png"),
        ("new/", "new/a.png"),
        ("x.png.asset.toml", "x.png"),
        ("ui/x.png.asset.toml", "ui/x.png"),
    ] {
        let mut world = with("");
        moved(&mut world, "a", to);
        assert!(world.files.contains_key(&path(at)), "{to}");
    }
    let mut world = with("");
    moved(&mut world, "b", ".");
    assert!(world.files.contains_key(&path("b.png")));
    assert!(world.folders.contains(&path("ui")), "a folder of nobody's stays, also empty");
}

#[test]
fn a_case_only_rename_collides_with_nothing() {
    let mut world = with("");
    moved(&mut world, "a", "A.png");
    assert_eq!(world.state().diagnostics().iter().count(), 0);
    let mut world = with("");
    insta::assert_snapshot!("relocate_respelled_folder", moved(&mut world, "f", "Frames"));
    // What stays in the folder would then differ from it only by case.
    let plan = with("//- assets/frames/notes.txt\n").plan(&relocate("f", "Frames"));
    assert_eq!(plan.verdict, Verdict::Blocked, "{}", plan_text(&plan));
}

#[test]
fn a_directory_asset_takes_its_inputs_and_the_sidecars_beside_them_along() {
    let mut world = only(
        "f 3 frames/asset.toml\ng 4 frames/sub/1.png.asset.toml excluded\nh 5 frames/in/asset.toml\nt 6 frames/2.png.asset.toml",
        &[
            atlas("f", "f", "frames", "\"**/*.png\""),
            image("g", "g", "frames/sub/1.png"),
            file("frames/2.png"),
            // Torn, and not to be lost for that.
            "//- assets/frames/2.png.asset.toml\n<<<<<<< ours\n".to_owned(),
            image("u", "u", "frames/3.png"),
            atlas("h", "h", "frames/in", "\"*.png\""),
            file("frames/in/4.png"),
            file("frames/notes.txt"),
        ],
    );
    let before = world.state();
    insta::assert_snapshot!("relocate_folder", moved(&mut world, "f", "ui/f2"));
    let state = world.state();
    assert_eq!(state.assets().map(|asset| asset.state).collect::<Vec<_>>(), {
        before.assets().map(|asset| asset.state).collect::<Vec<_>>()
    });
    assert_eq!(world.registry.get(uuid("t")).unwrap().anchor(), Some(&path("ui/f2/2.png.asset.toml")));
    assert!(!world.folders.contains(&path("frames/sub")), "nothing is left in it");
    assert!(world.all_folders().contains(&path("frames/in")));
}

#[test]
fn a_sidecar_that_the_registry_contradicts_itself_about_moves_nowhere() {
    let world = only(
        "f 3 frames/asset.toml\ng 4 frames/1.png.asset.toml\ng 5 elsewhere.asset.toml",
        &[atlas("f", "f", "frames", "\"*.png\""), image("g", "g", "frames/1.png")],
    );
    let plan = world.plan(&relocate("f", "other"));
    let codes: Vec<&str> = plan.blockers.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["registry/duplicate-entry"], "{}", plan_text(&plan));
}

#[test]
fn an_empty_folder_of_somebodys_and_what_no_scan_sees_stay() {
    let mut world = with("//- folder frames/empty\n");
    let text = moved(&mut world, "f", "other");
    assert!(!text.contains("remove folder"), "{text}");
    let mut world = with("//- ignored frames/.hidden\n");
    moved(&mut world, "f", "other");
    assert!(world.folders.contains(&path("frames")));
}

#[test]
fn an_anchor_without_its_source_moves_alone_and_takes_what_lies_there() {
    let sourceless =
        "//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n".to_owned();
    let mut world = only("a 1 a.png.asset.toml", &[sourceless, file("b.png")]);
    moved(&mut world, "a", "b.png");
    assert_eq!(world.state().divergences(), [], "the source that somebody had moved is its source again");
}

#[test]
fn a_sidecar_that_is_invalid_still_moves_with_its_source() {
    let torn = "//- assets/a.png\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\n".to_owned();
    let mut world = only("a 1 a.png.asset.toml", &[torn]);
    moved(&mut world, "a", "ui/x.png");
    assert_eq!(world.registry.get(uuid("a")).unwrap().anchor(), Some(&path("ui/x.png.asset.toml")));
    assert!(world.files.contains_key(&path("ui/x.png")));
}

#[test]
fn references_lead_where_they_led() {
    let mut world = only(
        "a 1 a.png.asset.toml\nm 2 m.map.asset.toml",
        &[image("a", "a", "a.png"), map("m", "m", "m.map", "[map]\ntiles = \"a\"\n")],
    );
    let plan = there_and_back(&mut world, &relocate("a", "x/y.png"));
    assert!(plan.filesystem_mutations.iter().all(|step| !matches!(step, FilesystemMutation::Edit { .. })));
    assert_eq!(world.state().divergences(), []);
}

#[test]
fn what_travels_badly_already_may_go_where_it_travels_no_worse() {
    // The source is short enough, and its anchor is not.
    let long = format!("{}.png", "n".repeat(231));
    let mut world = only(&format!("a 1 {long}.asset.toml"), &[image("a", "a", &long)]);
    moved(&mut world, "a", &format!("{}.png", "m".repeat(230)));
    let plan = world.plan(&relocate("a", &format!("{}.png", "m".repeat(236))));
    assert_eq!(plan.verdict, Verdict::Blocked, "{}", plan_text(&plan));
    let mut world = only("a 1 aux.asset.toml", &[image("a", "a", "aux")]);
    moved(&mut world, "a", "ui/aux");
}
