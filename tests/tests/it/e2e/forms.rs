//! A large build under the published schemas, by a validator in Rust and by one in Python.

use std::io::Write;
use std::process::{Command, Stdio};

use packer_tests::forms::{self, published};
use packer_tests::project::TestProject;
use packer_tests::repo;
use serde_json::{Value, json};

use super::packer;

const ASSETS: usize = 10_000;

/// Runs the validator in Python over `lines`, or says that there is none; continuous integration has to have one.
fn python(form: &str, lines: &str) {
    let said = |why: &str| {
        assert!(std::env::var_os("CI").is_none(), "{why}");
        // Written past the test runner, which shows what a test prints only if it fails.
        std::io::stderr()
            .write_all(format!("not checked by the validator in Python: {why}\n").as_bytes())
            .unwrap();
    };
    let script = repo::root().join("tests/python/validate.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(repo::root().join(forms::FOLDER)).arg(form);
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = spawned else { return said("python3 cannot be run") };
    // It reads everything before it says anything; where it has no validator it reads nothing.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let output = child.wait_with_output().unwrap();
    if output.status.code() == Some(77) {
        return said("the package jsonschema is not installed");
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert_eq!(out.trim().parse::<usize>().unwrap(), lines.lines().count(), "lines that were looked at");
}

/// A project that manages so many texts, without asking the packer to adopt them: that is not what is tried here.
fn managed(assets: usize) -> TestProject {
    let project = TestProject::new(packer());
    let mut registry = project.read_text("registry.jsonl");
    for n in 0..assets {
        let (folder, uuid) = (n % 100, format!("0192f0c1-7e7c-7b7a-8a44-{:012x}", n + 1));
        let path = format!("{folder:02}/{n}.txt");
        project.write(&format!("assets/{path}"), format!("text {n}\n").as_bytes());
        let anchor = format!("uuid = \"{uuid}\"\nname = \"{folder:02}/{n}\"\nkind = \"text\"\n");
        project.write(&format!("assets/{path}.asset.toml"), anchor.as_bytes());
        let line =
            json!({ "id": n + 1, "uuid": uuid, "anchor": format!("{path}.asset.toml"), "build": "included" });
        registry.push_str(&line.to_string());
        registry.push('\n');
    }
    project.write("registry.jsonl", registry.as_bytes());
    project
}

#[test]
fn every_event_of_a_build_of_ten_thousand_assets_is_of_the_published_form() {
    let project = managed(ASSETS);
    let refreshed = project.packer(&["refresh", "--format", "json"]).exits(0);
    // What `--explain` adds is an event an asset.
    let built = project.packer(&["build", "--explain", "--no-store", "--format", "json"]).exits(0);
    assert_eq!(built.ending()["outcome"]["baked"], ASSETS);
    let lines: Vec<&str> = built.out.lines().collect();
    assert!(lines.len() > ASSETS, "only {} events", lines.len());
    // What was printed was checked as it was printed; what is in the log is here.
    let log = packer_tests::logs::settled(&project.root());
    assert!(log.len() >= lines.len(), "{} events in the log", log.len());
    // The other validator is slower: every hundredth event, and all that are no diagnostics.
    let sampled = refreshed.out.lines().chain(lines).enumerate().filter(|(n, line)| {
        let is_of_many = line.contains("\"type\":\"diagnostic\"");
        n % 100 == 0 || !is_of_many
    });
    let every: Vec<&str> = sampled.map(|(_, line)| line).collect();
    python("event", &every.join("\n"));
}

#[test]
fn an_answer_of_another_form_is_noticed() {
    let form = published().get("event");
    let project = TestProject::new(packer());
    let refreshed = project.packer(&["refresh", "--format", "json"]).exits(0);
    let mut event: Value = serde_json::from_str(refreshed.out.lines().next().unwrap()).unwrap();
    assert_eq!(form.fault(&event), None);
    event["foreign"] = Value::Null;
    assert!(form.fault(&event).is_some_and(|why| why.contains("foreign")), "{:?}", form.fault(&event));
    let status = project.packer(&["status", "--format", "json"]).exits(0);
    let checked = |arguments: &[&str], out: &str| {
        std::panic::catch_unwind(|| published().check_printed(arguments, out)).is_ok()
    };
    assert!(checked(&["status", "--format", "json"], &status.out));
    assert!(!checked(&["show", "a", "--format", "json"], &status.out), "a status as the answer of show");
    assert!(!checked(&["refresh", "--format", "json"], &event.to_string()), "a field too many");
    assert!(!checked(&["status", "--format", "json"], "text\n"), "no JSON");
}
