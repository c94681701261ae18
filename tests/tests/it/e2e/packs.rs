//! Built packs as people and scripts look at them: listed, verified alone, with the manifest and against the workspace, and read
//! by a program in another language that knows nothing but the format's page.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use packer_tests::project::TestProject;
use packer_tests::repo;
use serde_json::{Value, json};

use super::packer;

const PACK: &str = "build/assets.pack";

/// A built project whose payloads are stored in ways that Python can read without a module.
fn built() -> TestProject {
    let project = TestProject::adopted(packer());
    let config = project.read_text("packer.toml");
    assert!(config.contains("compression = \"zstd\""), "{config}");
    project.write("packer.toml", config.replacen("\"zstd\"", "\"lz4\"", 1).as_bytes());
    project.packer(&["build"]).exits(0);
    project
}

/// The codes of the problems that `verify` tells, and to which assets they belong.
#[track_caller]
fn problems(project: &TestProject, arguments: &[&str]) -> Vec<(String, Value)> {
    let run = project.packer(&[&["verify", "--format", "json"], arguments].concat());
    let report = run.object();
    let problems = report["problems"].as_array().unwrap().clone();
    assert_eq!(report["ok"], problems.is_empty(), "{report}");
    assert_eq!(run.code, i32::from(!problems.is_empty()), "{report}");
    problems.iter().map(|one| (one["code"].as_str().unwrap().to_owned(), one["id"].clone())).collect()
}

/// The runtime id of an asset.
#[track_caller]
fn id(project: &TestProject, name: &str) -> Value {
    let rows = project.packer(&["list", "--pack", PACK, "--format", "json"]).exits(0).json();
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {rows:?}"))["id"]
        .clone()
}

/// The reader in Python, or nothing where there is no Python, which is said; continuous integration has to have one.
fn python(arguments: &[PathBuf]) -> Option<Output> {
    let script = repo::root().join("tests/python/read_pack.py");
    match Command::new("python3").arg(script).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3 cannot be run: {error}");
            // Written past the test runner, which shows what a test prints only if it fails.
            let said = "not checked: python3 is not installed, so no pack was read by the reader in Python";
            std::io::stderr().write_all(format!("{said}\n").as_bytes()).unwrap();
            None
        }
    }
}

#[test]
fn a_reader_in_python_lists_what_the_packer_lists() {
    let project = built();
    let rows = project.packer(&["list", "--pack", "--format", "json"]).exits(0).json();
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().any(|row| row["compression"] == "lz4"), "{rows:?}");
    let Some(output) = python(&["list".into(), project.path(PACK)]) else { return };
    let theirs: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows, theirs);
}

#[test]
fn a_reader_in_python_refuses_what_the_packer_refuses() {
    let project = built();
    let whole = project.read(PACK);
    let folder = project.path("damaged");
    fs::create_dir(&folder).unwrap();
    let mut arguments = vec![PathBuf::from("check")];
    let mut put = |name: String, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        arguments.push(path);
    };
    put("whole".to_owned(), &whole);
    for step in 0..24 {
        let at = step * whole.len() / 24;
        put(format!("cut-{at}"), &whole[..at]);
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (step % 8);
        put(format!("flipped-{at}"), &flipped);
    }
    let Some(output) = python(&arguments) else { return };
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), arguments.len() - 1);
    for (line, path) in text.lines().zip(&arguments[1..]) {
        let ours = project.packer(&["verify", path.to_str().unwrap()]);
        assert!(matches!(ours.code, 0 | 1), "{}", ours.text());
        assert_eq!(ours.code == 0, line.contains(": ok, "), "{line}; {}", ours.text());
    }
    assert!(text.lines().next().unwrap().ends_with("ok, 5 entries"), "{text}");
}

#[test]
fn a_pack_is_listed_with_its_filters_and_needs_no_project_by_its_path() {
    let project = built();
    // A pack lists by id, and ids are drawn.
    let names = |arguments: &[&str]| -> BTreeSet<String> {
        let run = project.packer(&[&["list", "--format", "json"], arguments].concat()).exits(0);
        run.json().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<String>>();
    assert_eq!(names(&["--pack", PACK, "--kind", "image"]), set(&["ui/button", "ui/panel"]));
    assert_eq!(names(&["--pack", PACK, "hello"]), set(&["texts/hello"]));
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(project.path(PACK), elsewhere.path().join("copy.pack")).unwrap();
    let listed = packer().run(elsewhere.path(), &["list", "--pack", "copy.pack"]).exits(0);
    assert_eq!(listed.out.lines().count(), 5);
    assert!(listed.out.contains("b3:") && listed.out.contains("ui/button"), "{}", listed.out);
    packer().run(elsewhere.path(), &["list", "--pack"]).exits(2);
}

#[test]
fn a_manifest_that_says_something_else_is_told() {
    let project = built();
    let manifest = project.read_text("build/assets.manifest.json");
    let told = |manifest: &str| {
        project.write("build/assets.manifest.json", manifest.as_bytes());
        problems(&project, &[])
    };
    let codes = |told: Vec<(String, Value)>| told.into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    assert!(told(&manifest).is_empty());
    let change = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&manifest).unwrap();
        change(&mut value);
        value.to_string()
    };
    let (button, hello) = (id(&project, "ui/button"), id(&project, "texts/hello"));
    let asset = |value: &mut Value, id: &Value, field: &str, to: Value| {
        let assets = value["assets"].as_array_mut().unwrap();
        assets.iter_mut().find(|asset| asset["id"] == *id).unwrap()[field] = to;
    };
    for (field, to) in
        [("name", json!("other")), ("kind", json!("raw")), ("size", json!(1)), ("size", Value::Null)]
    {
        let changed = change(&|value| asset(value, &button, field, to.clone()));
        assert_eq!(told(&changed), [("manifest/asset".to_owned(), button.clone())], "{field}");
    }
    let digest = json!(format!("b3:{}", "0".repeat(64)));
    let changed = change(&|value| asset(value, &hello, "digest", digest.clone()));
    assert_eq!(told(&changed), [("manifest/asset".to_owned(), hello.clone())]);
    let shorter =
        change(&|value| value["assets"].as_array_mut().unwrap().retain(|asset| asset["id"] != hello));
    assert_eq!(told(&shorter), [("manifest/asset".to_owned(), hello)]);
    assert_eq!(codes(told(&change(&|value| value["pack"]["digest"] = digest.clone()))), ["manifest/pack"]);
    assert_eq!(codes(told(&change(&|value| value["pack"]["size"] = json!(7)))), ["manifest/pack"]);
    assert_eq!(codes(told(&change(&|value| value["schema"] = json!(2)))), ["manifest/unreadable"]);
    assert_eq!(codes(told("not JSON")), ["manifest/unreadable"]);
    // A game ships the pack alone; the project's own has a manifest.
    project.delete("build/assets.manifest.json");
    assert!(problems(&project, &[]).is_empty());
    assert_eq!(codes(problems(&project, &["--workspace"])), ["manifest/missing"]);
}

#[test]
fn a_pack_is_compared_with_the_workspace_when_that_is_asked_for() {
    let project = built();
    assert!(problems(&project, &["--workspace"]).is_empty());
    let ids = ["texts/hello", "ui/button", "data/blob", "data/items"].map(|name| id(&project, name));
    let [hello, button, blob, items] = &ids;
    // Other contents, another name, taken out, and in error.
    project.write("assets/texts/hello.txt", b"changed");
    let anchor = project.read_text("assets/ui/button.png.asset.toml");
    assert!(anchor.contains("\"ui/button\""), "{anchor}");
    project.write("assets/ui/button.png.asset.toml", anchor.replace("ui/button", "ui/knob").as_bytes());
    let registry = project.read_text("registry.jsonl");
    let kept: Vec<&str> = registry.lines().filter(|line| !line.contains("blob")).collect();
    assert_eq!(kept.len() + 1, registry.lines().count());
    project.write("registry.jsonl", format!("{}\n", kept.join("\n")).as_bytes());
    project.delete("assets/data/items.json");
    // And one more.
    project.write("assets/texts/new.txt", b"new");
    project.packer(&["adopt", "assets/texts", "--yes"]).exits(0);
    let new = project.packer(&["show", "texts/new", "--format", "json"]).exits(0).object()["id"].clone();

    let told = |arguments: &[&str]| {
        let mut told = problems(&project, arguments);
        told.sort_by_key(|(code, id)| (code.clone(), id.as_u64()));
        told
    };
    let mut expected = vec![
        ("workspace/missing".to_owned(), new),
        ("workspace/not-included".to_owned(), blob.clone()),
        ("workspace/renamed".to_owned(), button.clone()),
        ("workspace/stale".to_owned(), hello.clone()),
        ("workspace/stale".to_owned(), items.clone()),
    ];
    expected.sort_by_key(|(code, id)| (code.clone(), id.as_u64()));
    assert_eq!(told(&["--workspace"]), expected);
    // The pack itself is as good as before.
    assert!(told(&[]).is_empty());
    let text = project.packer(&["verify", "--workspace"]).exits(1);
    for part in [
        "error[workspace/stale]: texts/hello was built from other inputs or settings than it has now",
        "error[workspace/renamed]: ui/button is called ui/knob now",
        "error[workspace/missing]: texts/new is included, and not in the pack",
    ] {
        assert!(text.err.contains(part), "{}", text.err);
    }
    // A copy elsewhere is no build of this project, and the same assets are not in it.
    project.duplicate(PACK, "copy.pack");
    let elsewhere = told(&["copy.pack", "--workspace"]);
    let codes: Vec<&str> = elsewhere.iter().map(|(code, _)| code.as_str()).collect();
    assert!(codes.contains(&"workspace/not-built") && codes.contains(&"workspace/missing"), "{codes:?}");

    project.write("assets/data/items.json", b"{}");
    project.packer(&["build"]).exits(0);
    assert!(told(&["--workspace"]).is_empty());
}

#[test]
fn an_asset_that_was_left_out_is_missing_only_once_it_can_be_built() {
    let project = built();
    let hello = id(&project, "texts/hello");
    project.write("assets/texts/hello.txt", b"\xff\xfe\xfd");
    project.packer(&["build", "--keep-going"]).exits(1);
    let rows = project.packer(&["list", "--pack", "--format", "json"]).exits(0).json();
    let row = rows.iter().find(|row| row["id"] == hello).unwrap();
    assert_eq!((&row["digest"], &row["size"]), (&Value::Null, &json!(0)));
    assert!(project.packer(&["list", "--pack"]).exits(0).out.contains("absent"));
    assert!(problems(&project, &[]).is_empty());
    // It could be built for all that can be told without building it.
    assert_eq!(problems(&project, &["--workspace"]), [("workspace/missing".to_owned(), hello)]);
}

#[test]
fn damage_is_told_with_what_it_is_about() {
    let project = built();
    let whole = project.read(PACK);
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        project.write(PACK, &bytes);
        problems(&project, &[])
    };
    // In the first entry of the table, and in the last payload.
    let index = flipped(128 + 40);
    assert_eq!(index[0], ("pack/index".to_owned(), Value::Null));
    let last = flipped(whole.len() - 1);
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].0, "pack/payload");
    assert!(last[0].1.is_u64());
    // In the header nothing can be told but that it is damaged.
    let mut bytes = whole.clone();
    bytes[20] ^= 1;
    project.write(PACK, &bytes);
    let run = project.packer(&["verify"]).exits(1);
    assert!(run.err.contains("the header is damaged"), "{}", run.err);
    project.packer(&["list", "--pack"]).exits(1);
    let run = project.packer(&["unpack", PACK, "unpacked"]).exits(1);
    assert!(run.err.contains("the header is damaged"), "{}", run.err);
    assert!(!project.path("unpacked").exists(), "something was unpacked");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    let project = built();
    let made = Command::new("mkfifo").arg(project.path("pipe")).status();
    assert!(made.expect("mkfifo can be run").success());
    for path in ["pipe", "assets", "/dev/zero", "nowhere.pack"] {
        for command in [&["verify", path][..], &["list", "--pack", path], &["unpack", path, "unpacked"]] {
            let run = project.packer(command).exits(1);
            assert!(run.err.contains("is not a pack that can be read"), "{}", run.err);
        }
    }
    assert!(project.packer(&["verify", "pipe"]).err.contains("it is not a file"));
}
