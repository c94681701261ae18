//! A first project from beginning to end: make it, adopt, check, build, build again, verify, unpack; and what scripts
//! see of it.

use packer_tests::logs;
use packer_tests::packer::Run;
use packer_tests::project::TestProject;
use serde_json::{Value, json};

use super::packer;

/// The keys of a JSON object, in order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn outcome(run: Run) -> Value {
    let mut ending = run.exits(0).ending();
    assert_eq!(ending["type"], "succeeded");
    ending["outcome"].take()
}

#[test]
fn a_first_project_from_sources_to_a_verified_pack() {
    let project = TestProject::with_sources(packer());
    let adopted = outcome(project.packer(&["adopt", "assets", "--yes", "--format", "json"]));
    assert_eq!((&adopted["assets_added"], &adopted["files_created"]), (&json!(4), &json!(4)));
    let status = project.status();
    assert_eq!((&status["assets"]["managed"], &status["files"]["unclaimed"]), (&json!(4), &json!(1)));
    let rest = outcome(project.packer(&["adopt", "assets", "--kind", "raw", "--yes", "--format", "json"]));
    assert_eq!((&rest["assets_added"], &rest["commit"]), (&json!(1), &json!(2)));
    project.packer(&["check"]).exits(0);

    let built = outcome(project.packer(&["build", "--format", "json"]));
    assert_eq!(
        (&built["assets"], &built["baked"], &built["unchanged"]),
        (&json!(5), &json!(5), &json!(false))
    );
    let (tree, times) = (project.tree(), project.times());
    let again = outcome(project.packer(&["build", "--format", "json"]));
    assert_eq!((&again["reused"], &again["unchanged"]), (&json!(5), &json!(true)));
    assert_eq!(again["pack_digest"], built["pack_digest"]);
    assert_eq!(project.tree(), tree);
    assert_eq!(project.times(), times, "a build without a change wrote outside of .packer");

    let verified = project.packer(&["verify", "--format", "json"]).exits(0).object();
    assert_eq!(keys(&verified), ["pack_digest", "entries", "ok", "problems"]);
    let expected = json!({"pack_digest": built["pack_digest"], "entries": 5, "ok": true, "problems": []});
    assert_eq!(verified, expected);
    project.packer(&["unpack", "build/assets.pack", "unpacked"]).exits(0);
    assert_eq!(project.read("unpacked/data/blob.raw"), [7; 5000]);
    assert_eq!(project.read_text("unpacked/texts/hello.text"), "Grüße\n");
    for name in ["ui/button.image", "ui/panel.image", "data/items.data"] {
        assert!(project.path("unpacked").join(name).is_file(), "{name} was not unpacked");
    }
    logs::settled(&project.root());
}

#[test]
fn scripts_see_what_is_designed_for_them() {
    let project = TestProject::adopted(packer());
    let status = project.status();
    let designed =
        ["revision", "freshness", "lineage", "assets", "kinds", "files", "diagnostics", "divergences"];
    assert_eq!(keys(&status), designed);
    let of_assets = ["managed", "unregistered", "missing", "included", "excluded", "invalid"];
    assert_eq!(keys(&status["assets"]), of_assets);
    assert_eq!(status["kinds"], json!({"data": 1, "image": 2, "raw": 1, "text": 1}));
    for key in ["inputs", "unclaimed", "bytes"] {
        assert!(status["files"][key].is_u64(), "{status}");
    }
    assert_eq!(status["diagnostics"], json!({"error": 0, "warning": 0, "info": 0}));
    assert_eq!(status["divergences"], json!({}));

    let rows = project.packer(&["list", "--format", "json"]).exits(0).json();
    assert_eq!(rows.len(), 5);
    for row in &rows {
        assert_eq!(keys(row), ["uuid", "id", "name", "kind", "anchor", "build", "state"]);
    }
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    for name in ["ui/button", "ui/panel", "texts/hello", "data/items", "data/blob"] {
        assert!(names.contains(&name), "{name} is not listed: {names:?}");
    }
    let found = project.packer(&["check", "--format", "json"]).exits(0).object();
    assert_eq!(keys(&found), designed, "without a finding, check is its summary");

    let events = project.packer(&["events", "--format", "json"]).exits(0).json();
    let of_envelope = [
        "schema",
        "source",
        "position",
        "operation_id",
        "sequence",
        "lifecycle_sequence",
        "causation_id",
        "time",
        "base_revision",
        "result_revision",
        "terminal",
        "body",
    ];
    assert_eq!(keys(&events[0]), of_envelope);
    let told = logs::settled(&project.root());
    assert_eq!(events.len(), told.len(), "`packer events` tells everything that the logs hold");
}

#[test]
fn each_ending_has_its_exit_code() {
    let project = TestProject::with_sources(packer());
    project.packer(&["status"]).exits(0);
    project.packer(&["frobnicate"]).exits(2);
    project.packer(&["build", "--jobs", "0"]).exits(2);
    project.packer(&["show", "no/such/asset"]).exits(2);
    project.packer(&["status", "--project", "assets"]).exits(2);
    // Nobody can be asked here.
    project.packer(&["adopt", "assets"]).exits(2);
    project.packer(&["adopt", "assets", "--dry-run"]).exits(0);
    assert_eq!(project.status()["assets"]["managed"], 0, "nothing was adopted");
    project.packer(&["adopt", "assets/nowhere", "--yes"]).exits(3);
    project.packer(&["adopt", "assets/texts", "--kind", "mystery", "--yes"]).exits(3);
    project.packer(&["adopt", "assets", "--yes"]).exits(0);
    project.packer(&["unpack", "build/assets.pack", "assets"]).exits(1);
    project.packer(&["build"]).exits(0);
    project.packer(&["unpack", "build/assets.pack", "assets"]).exits(3);
    project.packer(&["new", "."]).exits(3);
    project.write("assets/texts/hello.txt.asset.toml", b"name = ");
    project.packer(&["check"]).exits(1);
    project.packer(&["build"]).exits(1);
    project.write("registry.jsonl", b"<<<<<<< ours\n");
    let refused = project.packer(&["status"]).exits(1);
    assert!(refused.err.contains("registry.jsonl:1"), "{}", refused.err);
}

#[test]
fn a_pack_that_was_changed_does_not_verify() {
    let project = TestProject::adopted(packer());
    project.packer(&["build"]).exits(0);
    let mut pack = project.read("build/assets.pack");
    *pack.last_mut().unwrap() ^= 1;
    project.write("build/assets.pack", &pack);
    let report = project.packer(&["verify", "--format", "json"]).exits(1).object();
    assert_eq!((&report["ok"], report["problems"].as_array().unwrap().len()), (&json!(false), 1));
    // And it is never called unchanged.
    let rebuilt = outcome(project.packer(&["build", "--format", "json"]));
    assert_eq!(rebuilt["unchanged"], false);
    project.packer(&["verify"]).exits(0);
}
