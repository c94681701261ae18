//! Kill -9 at every call of `adopt`, `reconcile`, `build`, and of the recovery of one of them.

use std::path::PathBuf;

use packer_tests::logs;
use packer_tests::picture::png;
use packer_tests::project::{TestProject, Tree};
use packer_tests::trace::{End, Verdict, trace};
use serde_json::{Value, json};

use super::{BOTH, Calls, Side, builds, killed_anywhere, packer};

fn sources(workspace: &Tree) -> Tree {
    let is_source =
        |path: &PathBuf| path.starts_with("assets") && !path.to_string_lossy().ends_with(".asset.toml");
    workspace
        .iter()
        .filter(|(path, _)| is_source(path))
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect()
}

#[test]
fn an_adoption_that_is_killed_anywhere() {
    let project = TestProject::new(packer());
    project.write("assets/ui/button.png", &png(8, 1));
    project.write("assets/ui/panel.png", &png(16, 2));
    project.write("assets/texts/hello.txt", b"hello\n");
    project.write("assets/data/items.json", b"{}");
    let before = project.workspace();
    killed_anywhere(&project, &["adopt", "assets", "--yes"], Calls::Every, &BOTH, &|copy| {
        copy.packer(&["check"]).exits(0);
        let workspace = copy.workspace();
        let (assets, files) = (copy.status()["assets"].take(), copy.status()["files"].take());
        assert_eq!(sources(&workspace), sources(&before), "a source was touched");
        if workspace == before {
            assert_eq!((&assets["managed"], &files["unclaimed"]), (&json!(0), &json!(4)));
            // And whoever tries again succeeds.
            copy.packer(&["adopt", "assets", "--yes"]).exits(0);
            assert_eq!(copy.status()["assets"]["managed"], 4);
            builds(copy);
            return Side::Before;
        }
        let counts = (&assets["managed"], &assets["unregistered"], &assets["invalid"], &files["unclaimed"]);
        assert_eq!(counts, (&json!(4), &json!(0), &json!(0), &json!(0)), "neither before nor after");
        assert_eq!(workspace.len(), before.len() + 4);
        assert_eq!(copy.read_text("registry.jsonl").lines().count(), 1 + 4);
        builds(copy);
        Side::After
    });
}

#[test]
fn a_reconciliation_that_is_killed_anywhere() {
    let project = TestProject::adopted(packer());
    project.packer(&["build"]).exits(0);
    project.delete("assets/data/blob.bin");
    project.delete("assets/data/blob.bin.asset.toml");
    project.rename("assets/texts/hello.txt", "assets/words/hello.txt");
    project.rename("assets/texts/hello.txt.asset.toml", "assets/words/hello.txt.asset.toml");
    project.duplicate("assets/ui", "assets/ui-new");
    let before = project.workspace();
    let divergences = json!({"anchor/missing": 1, "anchor/moved": 1, "anchor/duplicate-uuid": 2});
    assert_eq!(project.status()["divergences"], divergences);
    killed_anywhere(&project, &["reconcile", "--yes"], Calls::Every, &BOTH, &|copy| {
        let workspace = copy.workspace();
        let status = copy.status();
        assert_eq!(sources(&workspace), sources(&before), "a source was touched");
        if workspace == before {
            assert_eq!(status["divergences"], divergences);
            copy.packer(&["check"]).exits(1);
            copy.packer(&["reconcile", "--yes"]).exits(0);
            builds(copy);
            return Side::Before;
        }
        assert_eq!(status["divergences"], json!({}), "neither before nor after");
        assert_eq!(status["assets"]["managed"], 5 - 1 + 2);
        assert!(workspace.keys().eq(before.keys()), "an anchor is missing, or one too many");
        copy.packer(&["check"]).exits(0);
        builds(copy);
        Side::After
    });
}

#[test]
fn a_build_that_is_killed_anywhere() {
    let project = TestProject::adopted(packer());
    project.packer(&["build"]).exits(0);
    let old = project.outputs();
    project.write("assets/texts/hello.txt", b"changed\n");
    let workspace = project.workspace();
    let new = {
        let copy = project.copy();
        copy.packer(&["build"]).exits(0);
        copy.outputs()
    };
    assert_ne!(old, new);
    killed_anywhere(&project, &["build", "--jobs", "1"], Calls::Every, &BOTH, &|copy| {
        assert_eq!(copy.workspace(), workspace, "a build touched the workspace");
        copy.packer(&["check"]).exits(0);
        copy.packer(&["verify"]).exits(0);
        let side = match copy.outputs() {
            outputs if outputs == old => Side::Before,
            outputs if outputs == new => Side::After,
            outputs => panic!("the outputs are torn: {:?}", outputs.keys()),
        };
        builds(copy);
        assert_eq!(copy.outputs(), new);
        side
    });
}

#[test]
fn a_first_build_that_is_killed_anywhere() {
    let project = TestProject::adopted(packer());
    let new = {
        let copy = project.copy();
        copy.packer(&["build"]).exits(0);
        copy.outputs()
    };
    killed_anywhere(&project, &["build", "--jobs", "1"], Calls::Every, &BOTH, &|copy| {
        let side = if copy.outputs().is_empty() { Side::Before } else { Side::After };
        if side == Side::After {
            assert_eq!(copy.outputs(), new, "the outputs are torn");
        }
        builds(copy);
        assert_eq!(copy.outputs(), new);
        side
    });
}

/// A project whose adoption of four assets was killed past its commit point, with one of them in its place.
fn half_adopted() -> TestProject {
    let project = TestProject::with_sources(packer());
    let mut placed = 0;
    let killed = trace(&project.command(&["adopt", "assets", "--yes"]), |call| {
        let is_anchor = |path: &PathBuf| path.to_string_lossy().ends_with(".asset.toml");
        placed += usize::from(call.name.starts_with("rename") && call.path.as_ref().is_some_and(is_anchor));
        if placed == 2 { Verdict::Kill } else { Verdict::Go }
    });
    assert_eq!(killed.end, End::Killed);
    let anchors =
        project.workspace().into_keys().filter(|path| path.to_string_lossy().ends_with(".asset.toml"));
    assert_eq!(anchors.count(), 1);
    project
}

#[test]
fn a_recovery_that_is_killed_anywhere() {
    let project = half_adopted();
    killed_anywhere(&project, &["status"], Calls::Every, &[Side::After], &|copy| {
        copy.packer(&["check"]).exits(0);
        let (assets, files) = (copy.status()["assets"].take(), copy.status()["files"].take());
        assert_eq!((&assets["managed"], &files["unclaimed"]), (&json!(4), &json!(1)));
        builds(copy);
        Side::After
    });
}

#[test]
fn what_a_killed_operation_became_is_told_in_its_own_log() {
    let project = half_adopted();
    let status = project.packer(&["status"]).exits(0);
    assert!(status.err.contains("was past its commit point, and was completed"), "{}", status.err);
    let bodies: Vec<Value> = logs::settled(&project.root())
        .iter()
        .filter(|event| event.terminal)
        .map(|event| serde_json::to_value(&event.body).unwrap())
        .collect();
    let types: Vec<&str> = bodies.iter().map(|body| body["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["recovered", "succeeded"]);
    assert_eq!(
        (&bodies[0]["outcome"]["assets_added"], &bodies[1]["outcome"]["result"]),
        (&json!(4), &json!("finished"))
    );
    assert_eq!(project.status()["assets"]["managed"], 4);
}

/// The same, once somebody has saved over what one of the others was to be.
fn meddled_with() -> TestProject {
    let project = half_adopted();
    let open = ["ui/button.png", "ui/panel.png", "texts/hello.txt", "data/items.json"]
        .map(|source| format!("assets/{source}.asset.toml"))
        .into_iter()
        .find(|anchor| !project.path(anchor).exists())
        .unwrap();
    project.write(&open, b"# mine\n");
    project
}

/// The same, found by the next command, and frozen since.
pub(super) fn frozen() -> TestProject {
    let project = meddled_with();
    project.packer(&["status"]).exits(0);
    project
}

#[test]
fn what_somebody_saved_after_a_kill_is_kept_and_a_decision_is_asked_for() {
    let project = meddled_with();
    let before = project.workspace();
    let told = project.packer(&["status"]).exits(0);
    assert!(told.err.contains("recovery required"), "{}", told.text());
    assert_eq!(project.status()["freshness"]["state"], "recovery_required");
    project.packer(&["adopt", "assets", "--yes"]).exits(5);
    project.packer(&["build"]).exits(5);
    assert_eq!(project.workspace(), before, "a frozen project was changed");
    let events = logs::settled(&project.root());
    let unknown =
        events.iter().filter(|event| serde_json::to_value(&event.body).unwrap()["type"] == "outcome_unknown");
    assert_eq!(unknown.count(), 1, "the killed operation ends once, as unknown");
}
