//! What people do by hand: the packer notices, names each divergence and the command that resolves it, changes nothing
//! until it is told to, and the commands that it names do resolve them.

use std::process::Command;

use packer_tests::packer::Run;
use packer_tests::project::TestProject;
use serde_json::{Value, json};

use super::packer;

/// A project that was built, with everything in order.
fn built() -> TestProject {
    let project = TestProject::adopted(packer());
    project.packer(&["build"]).exits(0);
    project
}

/// The commands that a text tells people to type.
fn commands(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let mut commands: Vec<String> =
        quoted.filter(|quoted| quoted.starts_with("packer reconcile ")).map(str::to_owned).collect();
    commands.retain(|command| command != "packer reconcile CODE");
    commands
}

/// Runs a command as a person does who copies it from the terminal.
fn run_as_told(project: &TestProject, command: &str) -> Run {
    let typed = command.replace("NEW-NAME", "renamed/by-hand");
    let packer = project.command(&[]);
    let words = typed.strip_prefix("packer ").unwrap();
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(format!("\"$0\" {words} --yes"))
        .arg(packer.get_program())
        .current_dir(project.root());
    Run::of(shell.output().unwrap())
}

/// Noticing `expected`, and what it takes to build again: the first of the commands told, until none is left.
#[track_caller]
fn check(project: &TestProject, expected: &Value) {
    let before = project.tree();
    let times = project.times();
    let status = project.packer(&["status"]).exits(0);
    assert_eq!(&project.status()["divergences"], expected);
    let found = project.packer(&["check"]).exits(1);
    project.packer(&["list"]).exits(0);
    let refused = project.packer(&["build"]).exits(1);
    for code in expected.as_object().unwrap().keys() {
        for (place, text) in [("status", &status.out), ("check", &found.out), ("build", &refused.err)] {
            assert!(text.contains(code.as_str()), "{place} does not name {code}:\n{text}");
        }
    }
    let told = commands(&status.out);
    assert!(!told.is_empty(), "status names no command:\n{}", status.out);
    for command in &told {
        for (place, text) in [("check", &found.out), ("build", &refused.err)] {
            assert!(text.contains(command.as_str()), "{place} does not name {command}:\n{text}");
        }
    }
    project.packer(&["reconcile", "--dry-run"]);
    assert_eq!(project.tree(), before, "noticing changed the project");
    assert_eq!(project.times(), times, "noticing wrote to the project");

    let mut steps = 0;
    while let Some(command) = commands(&project.packer(&["status"]).exits(0).out).first() {
        run_as_told(project, command).exits(0);
        steps += 1;
        assert!(steps <= told.len(), "{told:?} do not resolve it");
    }
    assert_eq!(project.status()["divergences"], json!({}));
    project.packer(&["check"]).exits(0);
    project.packer(&["build"]).exits(0);
    project.packer(&["verify"]).exits(0);
}

#[test]
fn a_deleted_asset() {
    let project = built();
    project.delete("assets/ui/button.png");
    project.delete("assets/ui/button.png.asset.toml");
    check(&project, &json!({"anchor/missing": 1}));
    assert_eq!(project.status()["assets"]["managed"], 4);
    assert!(project.read_text("registry.jsonl").contains(r#""retired":true"#), "its id stays reserved");
}

#[test]
fn a_moved_asset() {
    let project = built();
    let before = project.packer(&["list", "--format", "json"]).exits(0).json();
    project.rename("assets/ui/button.png", "assets/menu/start.png");
    project.rename("assets/ui/button.png.asset.toml", "assets/menu/start.png.asset.toml");
    check(&project, &json!({"anchor/moved": 1}));
    let after = project.packer(&["list", "--format", "json"]).exits(0).json();
    let identity = |row: &Value| (row["uuid"].clone(), row["id"].clone(), row["name"].clone());
    let sorted = |rows: &[Value]| {
        let mut rows: Vec<String> = rows.iter().map(|row| format!("{:?}", identity(row))).collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted(&before), sorted(&after), "a move changed an identity");
}

#[test]
fn a_copied_asset() {
    let project = built();
    let original = project.read("assets/ui/button.png.asset.toml");
    project.duplicate("assets/ui/button.png", "assets/ui/copy.png");
    project.duplicate("assets/ui/button.png.asset.toml", "assets/ui/copy.png.asset.toml");
    check(&project, &json!({"anchor/duplicate-uuid": 1}));
    assert_eq!(project.read("assets/ui/button.png.asset.toml"), original, "the registered one is kept");
    assert_eq!(project.status()["assets"]["managed"], 6);
}

#[test]
fn a_copied_folder() {
    let project = built();
    project.duplicate("assets/ui", "assets/ui-new");
    check(&project, &json!({"anchor/duplicate-uuid": 2}));
    assert_eq!(project.status()["assets"]["managed"], 7);
}

#[test]
fn a_name_that_is_taken() {
    let project = built();
    let anchor = project.read_text("assets/ui/button.png.asset.toml");
    project.write("assets/ui/button.png.asset.toml", anchor.replace("ui/button", "ui/panel").as_bytes());
    check(&project, &json!({"name/conflict": 1}));
}

#[test]
fn a_line_of_the_registry_with_another_id() {
    let project = built();
    let registry = project.read_text("registry.jsonl");
    let line = registry.lines().nth(1).unwrap();
    let mut entry: Value = serde_json::from_str(line).unwrap();
    entry["id"] = json!(12345);
    project.write("registry.jsonl", format!("{registry}{entry}\n").as_bytes());
    check(&project, &json!({"registry/duplicate-entry": 1}));
    assert_eq!(project.read_text("registry.jsonl").lines().count(), registry.lines().count());
}

#[test]
fn two_assets_with_one_id() {
    let project = built();
    let registry = project.read_text("registry.jsonl");
    let ids: Vec<u64> = registry
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap())
        .collect();
    let merged = registry.replace(&format!("\"id\":{},", ids[0]), &format!("\"id\":{},", ids[1]));
    assert_ne!(merged, registry);
    project.write("registry.jsonl", merged.as_bytes());
    check(&project, &json!({"registry/duplicate-id": 1}));
}

#[test]
fn everything_at_once() {
    let project = built();
    project.delete("assets/texts/hello.txt");
    project.delete("assets/texts/hello.txt.asset.toml");
    project.rename("assets/data", "assets/tables");
    project.duplicate("assets/ui", "assets/ui-new");
    let expected = json!({"anchor/missing": 1, "anchor/moved": 2, "anchor/duplicate-uuid": 2});
    let before = project.tree();
    assert_eq!(project.status()["divergences"], expected);
    let preview = project.packer(&["reconcile", "--dry-run", "--format", "json"]).exits(0).object();
    assert_eq!(preview["verdict"], "ready");
    let changes = preview["affected"].as_array().unwrap();
    assert_eq!(changes.len(), 5, "{preview}");
    assert_eq!(project.tree(), before, "a preview changed the project");
    let resolved = project.packer(&["reconcile", "--yes", "--format", "json"]).exits(0).ending();
    assert_eq!(resolved["outcome"]["registry_changes"], 5);
    assert_eq!(project.status()["divergences"], json!({}));
    project.packer(&["check"]).exits(0);
    project.packer(&["build"]).exits(0);
}

#[test]
fn a_deleted_source_is_for_people_to_mend() {
    let project = built();
    project.delete("assets/ui/button.png");
    let before = project.tree();
    for (command, code) in [("status", 0), ("check", 1), ("build", 1)] {
        let text = project.packer(&[command]).exits(code).text();
        for part in ["input/missing", "ui/button.png", "packer explain input/missing"] {
            assert!(text.contains(part), "{command} does not say {part}:\n{text}");
        }
    }
    assert!(project.packer(&["explain", "input/missing"]).exits(0).out.contains("input/missing"));
    assert_eq!(project.tree(), before);
    project.write("assets/ui/button.png", &packer_tests::picture::png(8, 1));
    project.packer(&["build"]).exits(0);
}

#[test]
fn an_unregistered_anchor_stops_nothing_and_is_named() {
    let project = built();
    let registry = project.read_text("registry.jsonl");
    let gone: Vec<&str> = registry.lines().filter(|line| !line.contains("ui/button.png")).collect();
    project.write("registry.jsonl", format!("{}\n", gone.join("\n")).as_bytes());
    assert_eq!(project.status()["divergences"], json!({"anchor/unregistered": 1}));
    project.packer(&["build"]).exits(0);
    let told = commands(&project.packer(&["status"]).exits(0).out);
    run_as_told(&project, &told[0]).exits(0);
    assert_eq!(project.status()["assets"]["managed"], 5);
}

#[test]
fn the_assets_root_selects_everything() {
    let project = built();
    project.delete("assets/data/items.json");
    project.delete("assets/data/items.json.asset.toml");
    let plan = project.packer(&["reconcile", "assets", "--dry-run", "--format", "json"]).exits(0).object();
    assert_eq!(plan["registry_mutations"][0]["change"], json!("retire"));
}
