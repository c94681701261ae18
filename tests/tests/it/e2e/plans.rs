//! Plans as files between processes: one writes what it would do, another does it, and no third does it again.

use std::io::Write;
use std::process::Stdio;

use packer_tests::logs;
use packer_tests::packer::Run;
use packer_tests::project::TestProject;
use serde_json::{Value, json};

use super::packer;

#[test]
fn a_plan_is_made_by_one_process_and_applied_by_another() {
    let project = TestProject::with_sources(packer());
    let before = project.tree();
    let said = project.packer(&["adopt", "assets/ui", "--plan-out", "../plan.json"]).exits(0);
    assert!(said.err.contains("`packer apply ../plan.json` applies it"), "{}", said.err);
    assert!(said.out.contains("ui/button"), "it is shown, too: {}", said.out);
    assert_eq!(project.tree(), before, "a plan changes nothing");
    let text = project.read_text("../plan.json");
    let plan: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&plan["schema"], &plan["verdict"]), (&json!(1), &json!("ready")));
    assert!(text.lines().any(|line| line == "  \"verdict\": \"ready\","), "one field a line");

    // Written over nothing, unless it may be.
    let refused = project.packer(&["adopt", "assets/ui", "--plan-out", "../plan.json"]).exits(3);
    assert!(
        refused.err.contains("is there already") && refused.err.contains("--overwrite"),
        "{}",
        refused.err
    );
    assert_eq!(project.read_text("../plan.json"), text);
    project.packer(&["adopt", "assets/ui", "--plan-out", "../plan.json", "--overwrite"]).exits(0);
    assert_ne!(project.read_text("../plan.json"), text, "it drew anew");

    // Nobody can be asked here.
    project.packer(&["apply", "../plan.json"]).exits(2);
    let shown = project.packer(&["apply", "../plan.json", "--dry-run"]).exits(0);
    assert!(shown.out.contains("ui/button"), "{}", shown.out);
    let shown = project.packer(&["apply", "../plan.json", "--dry-run", "--format", "json"]).exits(0).object();
    assert_eq!(shown, serde_json::from_str::<Value>(&project.read_text("../plan.json")).unwrap());
    assert_eq!(project.tree(), before, "looking at a plan changes nothing");

    let applied = project.packer(&["apply", "../plan.json", "--yes", "--format", "json"]).exits(0).ending();
    assert_eq!((&applied["type"], &applied["outcome"]["assets_added"]), (&json!("succeeded"), &json!(2)));
    assert_eq!(project.status()["assets"]["managed"], 2);

    let after = project.tree();
    let again = project.packer(&["apply", "../plan.json", "--yes"]).exits(3);
    assert!(again.err.contains("ui/button.png.asset.toml"), "it names what moved: {}", again.err);
    let told = project.packer(&["apply", "../plan.json", "--format", "json"]).exits(3).object();
    let reason = &told["outcome"]["reason"];
    assert_eq!((&told["type"], &reason["type"]), (&json!("rejected"), &json!("stale_plan")), "{told}");
    assert_eq!(project.tree(), after);
    logs::settled(&project.root());
}

#[test]
fn a_plan_that_is_none_or_was_edited_or_is_blocked_is_refused() {
    let project = TestProject::with_sources(packer());
    project.packer(&["adopt", "assets/ui", "--plan-out", "../plan.json"]).exits(0);
    let text = project.read_text("../plan.json");
    let before = project.tree();
    let applied = |changed: String, says: &str| {
        assert!(changed != text, "nothing was edited");
        std::fs::write(project.path("../edited.json"), changed).unwrap();
        for flags in [&["--yes"][..], &["--dry-run"]] {
            let refused = project.packer(&[&["apply", "../edited.json"], flags].concat()).exits(3);
            assert!(refused.err.contains(says), "{says}: {}", refused.err);
        }
    };
    applied(text.replacen("\"included\"", "\"excluded\"", 1), "the plan is not as it was made");
    applied(text.replacen("\"path\": \"ui\"", "\"path\": \"texts\"", 1), "the plan is not as it was made");
    applied(
        text.replacen("\"path\": \"ui\"", "\"path\": \"../ui\"", 1),
        "line 7, column 23: \"../ui\" is not a path",
    );
    applied(text.replacen("\"schema\": 1", "\"schema\": 9", 1), "schema 9, and this packer knows schema 1");
    applied(text[..100].to_owned(), "is no plan that can be applied");
    project.packer(&["apply", "../nowhere.json", "--yes"]).exits(2);
    // What cannot be applied is not written.
    project.packer(&["adopt", "assets/nowhere", "--plan-out", "../blocked.json"]).exits(3);
    assert!(!project.path("../blocked.json").exists());
    // Another project's.
    let other = TestProject::with_sources(packer());
    let path = project.path("../plan.json");
    let refused = other.packer(&["apply", path.to_str().unwrap(), "--yes"]).exits(3);
    assert!(refused.err.contains("the plan was made for lineage"), "{}", refused.err);
    assert_eq!(project.tree(), before);
}

#[test]
fn a_preview_as_json_is_a_plan_on_standard_input() {
    let project = TestProject::with_sources(packer());
    let preview = project.packer(&["adopt", "assets/ui", "--dry-run", "--format", "json"]).exits(0).out;
    let mut process = project
        .command(&["apply", "-", "--yes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(preview.as_bytes()).unwrap();
    Run::of(process.wait_with_output().unwrap()).exits(0);
    assert_eq!(project.status()["assets"]["managed"], 2);
}
