//! The artifact store and explanations, from the command line: a poisoned store harms no pack, and every answer is there as
//! text and as JSON.

use std::path::PathBuf;

use packer_tests::picture::{broken_png, png};
use packer_tests::project::TestProject;
use serde_json::{Value, json};

use super::packer;

/// Every artifact in the store.
fn artifacts(project: &TestProject) -> Vec<PathBuf> {
    let Ok(shards) = std::fs::read_dir(project.path(".packer/store")) else { return Vec::new() };
    let shards = shards.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    shards.flat_map(|shard| std::fs::read_dir(shard).unwrap().map(|entry| entry.unwrap().path())).collect()
}

/// A project with a picture that is costly to bake, built.
fn with_a_large_picture() -> TestProject {
    let project = TestProject::with_sources(packer());
    project.write("assets/ui/large.png", &png(700, 5));
    project.packer(&["adopt", "assets", "--yes"]).exits(0);
    project.packer(&["build"]).exits(0);
    project
}

#[test]
fn a_poisoned_store_is_reported_and_harms_no_pack() {
    let project = with_a_large_picture();
    let pack = project.read("build/assets.pack");
    let files = artifacts(&project);
    assert!(!files.is_empty(), "a large picture is worth storing");
    for file in &files {
        let mut bytes = std::fs::read(file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(file, bytes).unwrap();
    }
    let told = project.packer(&["gc", "--scrub", "--dry-run", "--format", "json"]).exits(0).object();
    assert_eq!(told["scrub"]["damaged"].as_array().unwrap().len(), files.len());
    let run = project.packer(&["build", "--output", "other", "--format", "json"]).exits(0);
    run.events();
    let damaged = run.json().iter().filter(|line| line["body"]["code"] == "store/damaged").count();
    assert_eq!(damaged, files.len());
    assert_eq!(project.read("other/assets.pack"), pack);
    let told = project.packer(&["gc", "--scrub", "--format", "json"]).exits(0).object();
    assert_eq!(told["scrub"]["damaged"], json!([]));
    let told = project.packer(&["gc", "--store-limit", "0"]).exits(0);
    assert!(told.out.contains("dropped"), "{}", told.out);
    assert!(artifacts(&project).is_empty());
    std::fs::remove_dir_all(project.path(".packer/store")).unwrap();
    project.packer(&["build", "--output", "third"]).exits(0);
    assert_eq!(project.read("third/assets.pack"), pack);
}

#[test]
fn an_asset_is_explained_before_and_after_it_is_baked() {
    let project = with_a_large_picture();
    let explain = || project.packer(&["explain", "ui/button", "--format", "json"]).exits(0).object();
    assert_eq!(explain()["next"], json!({"does": "take_over"}));
    assert_eq!(explain()["last"]["reasons"], json!([{"reason": "never_built"}]));
    project.write("assets/ui/button.png", &png(9, 9));
    let told = explain();
    assert_eq!((&told["next"]["does"], &told["presence"]), (&json!("bake"), &json!("included")));
    let reason = &told["next"]["reasons"][0];
    assert_eq!((&reason["reason"], &reason["input"]), (&json!("input_changed"), &json!("button.png")));
    assert_eq!(reason["to"], told["key"]["inputs"][0]["digest"]);
    let text = project.packer(&["explain", "assets/ui/button.png"]).exits(0).out;
    assert!(text.contains("the next build bakes it\n  input button.png: b3:"), "{text}");

    let built = project.packer(&["build", "--explain"]).exits(0);
    let lines: Vec<&str> = built.out.lines().filter(|line| line.contains(" was baked: ")).collect();
    assert_eq!(lines.len(), 1, "{}", built.out);
    assert!(lines[0].starts_with("ui/button was baked: input button.png: b3:"), "{}", lines[0]);
    assert_eq!(explain()["next"], json!({"does": "take_over"}));
    assert_eq!(explain()["last"]["reasons"][0], *reason);
}

#[test]
fn files_that_are_no_assets_are_listed_and_explained() {
    let project = with_a_large_picture();
    project.write("assets/ui/new.png", &png(4, 4));
    project.write("assets/.packerignore", b"*.psd\n");
    project.write("assets/ui/draft.psd", b"1");
    let status = project.packer(&["status"]).exits(0).out;
    assert!(status.contains("assets/ui/new.png") && !status.contains("draft.psd"), "{status}");
    let listed = project.packer(&["list", "--unclaimed", "new", "--format", "json"]).exits(0).object();
    assert_eq!(listed["path"], "ui/new.png");
    let explain =
        |path: &str| -> Value { project.packer(&["explain", path, "--format", "json"]).exits(0).object() };
    assert_eq!(explain("assets/ui/new.png")["is"], "unclaimed");
    let ignored = explain("assets/ui/draft.psd");
    assert_eq!((&ignored["is"], &ignored["pattern"]), (&json!("ignored"), &json!("*.psd")));
    project.packer(&["explain", "assets/nowhere.png"]).exits(2);
    project.packer(&["explain", "ui/button", "--profile", "nowhere"]).exits(2);
}

#[test]
fn a_broken_picture_is_told_again_without_being_decoded() {
    let project = with_a_large_picture();
    project.write("assets/ui/panel.png", &broken_png());
    let first = project.packer(&["build"]).exits(1);
    let told = project.packer(&["explain", "ui/panel", "--format", "json"]).exits(0).object();
    assert_eq!(told["next"]["does"], "fetch", "{told}");
    let second = project.packer(&["build"]).exits(1);
    assert_eq!(first.err.replace(char::is_numeric, ""), second.err.replace(char::is_numeric, ""));
    project.write("assets/ui/panel.png", &png(3, 3));
    project.packer(&["build"]).exits(0);
}
