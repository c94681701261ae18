//! What configuring does: keys of an anchor, and nothing else of it.

use super::blockers::{BLOCKED, Case, WARNED, check};
use super::requests::{atlas, configure, file, image, map, project, text, texts};
use super::there_and_back;
use crate::kind::SettingValue;
use crate::mutation::{Mutation, Verdict};
use crate::testing::{World, path, plan_text};

fn one(registry: &str, parts: &[String]) -> World {
    World::new(&project(registry, parts))
}

fn a() -> World {
    one("a 1 a.png.asset.toml", &[image("a", "a", "a.png")])
}

fn level(level: i64) -> Mutation {
    configure("a", &[("level", SettingValue::Int(level))], &[])
}

fn cases() -> Vec<Case> {
    let torn = "//- assets/a.png\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\n".to_owned();
    let m = || one("m 2 m.map.asset.toml", &[map("m", "m", "m.map", "")]);
    let f = one("f 3 f/asset.toml", &[atlas("f", "f", "f", "\"*.png\""), file("f/1.png")]);
    let mut cases = vec![
        (configure("z", &[], &["preload"]), a(), "plan/target-missing", BLOCKED),
        (level(2), one("a 1 a.png.asset.toml", &[torn]), "plan/invalid-anchor", BLOCKED),
        (level(2), one("a 1 a.png.asset.toml", &[]), "plan/diverged", BLOCKED),
        (level(2), one("a 1 a.png.asset.toml", &[image("a", "a", "x.png")]), "plan/diverged", BLOCKED),
        (
            level(2),
            one("a 1 a.png.asset.toml\na 2 retired", &[image("a", "a", "a.png")]),
            "registry/duplicate-entry",
            BLOCKED,
        ),
        (
            level(2),
            one("a 1 a.png.asset.toml\nb 1 retired", &[image("a", "a", "a.png")]),
            "registry/duplicate-id",
            BLOCKED,
        ),
        (level(10), a(), "anchor/invalid-value", BLOCKED),
        (configure("a", &[("level", text("x"))], &[]), a(), "anchor/invalid-value", BLOCKED),
        (configure("a", &[("preload", text("x"))], &[]), a(), "anchor/invalid-value", BLOCKED),
        (configure("f", &[("inputs", text("x"))], &[]), f.clone(), "anchor/invalid-value", BLOCKED),
        (configure("f", &[("inputs", texts(&["../x"]))], &[]), f.clone(), "anchor/invalid-value", BLOCKED),
        (configure("a", &[("glow", text("x"))], &[]), a(), "anchor/unknown-key", BLOCKED),
        (configure("a", &[("inputs", texts(&["x"]))], &[]), a(), "anchor/unknown-key", BLOCKED),
        (configure("m", &[("tiles", text("nobody"))], &[]), m(), "reference/unresolved", WARNED),
        (configure("m", &[("tiles", text("m"))], &[]), m(), "reference/cycle", WARNED),
        (configure("f", &[("inputs", texts(&["2.png"]))], &[]), f, "input/missing", WARNED),
    ];
    for key in ["uuid", "name", "kind"] {
        cases.push((configure("a", &[(key, text("x"))], &[]), a(), "plan/key-not-settable", BLOCKED));
        cases.push((configure("a", &[], &[key]), a(), "plan/key-not-settable", BLOCKED));
    }
    cases.push((configure("a", &[], &["inputs"]), a(), "plan/key-not-settable", BLOCKED));
    let both = configure("a", &[("level", SettingValue::Int(2))], &["level"]);
    cases.push((both, a(), "plan/key-not-settable", BLOCKED));
    cases
}

#[test]
fn configuring_says_what_it_documents() {
    // The map refers to itself, which is a circle of one.
    check("Configure", cases());
}

#[test]
fn keys_are_set_and_cleared_and_the_rest_stays() {
    let anchor = "# on top\nuuid = \"$m\"\nname = \"m\" # beside\nkind = \"map\"\n\n[map]\n# what it stands on\n\
                  tiles = \"a\"\n";
    let mut world = one(
        "a 1 a.png.asset.toml\nm 2 m.map.asset.toml",
        &[image("a", "a", "a.png"), format!("//- assets/m.map\n//- assets/m.map.asset.toml\n{anchor}")],
    );
    let others = [("preload", SettingValue::Bool(true)), ("others", texts(&["a", "m"]))];
    let plan = there_and_back(&mut world, &configure("m", &others, &["tiles"]));
    insta::assert_snapshot!("configure", plan_text(&plan));
    let written = String::from_utf8(world.files[&path("m.map.asset.toml")].clone()).unwrap();
    for kept in ["# on top\n", "# beside\n"] {
        assert!(written.contains(kept), "{written}");
    }
    assert_eq!(world.plan(&configure("m", &others, &["tiles"])).verdict, Verdict::Empty);
}

#[test]
fn an_anchor_in_error_is_mended_or_left() {
    let wrong =
        "//- assets/a.png\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n\
                 [image]\nlevel = 99\n"
            .to_owned();
    let mut world = one("a 1 a.png.asset.toml", &[wrong]);
    let plan = world.plan(&configure("a", &[("preload", SettingValue::Bool(true))], &[]));
    let codes: Vec<&str> = plan.blockers.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["plan/invalid-anchor"], "{}", plan_text(&plan));
    there_and_back(&mut world, &level(2));
    assert_eq!(world.state().divergences(), []);
}

#[test]
fn nothing_to_set_is_nothing_to_do() {
    for nothing in [configure("a", &[], &[]), configure("a", &[], &["level", "preload"])] {
        assert_eq!(a().plan(&nothing).verdict, Verdict::Empty);
    }
}

#[test]
fn everything_that_is_refused_is_said_at_once() {
    let many = configure("a", &[("name", text("x")), ("preload", text("x"))], &["uuid"]);
    insta::assert_snapshot!("configure_blocked", plan_text(&a().plan(&many)));
}
