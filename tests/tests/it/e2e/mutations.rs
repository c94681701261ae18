//! Changing a workspace by commands: each is previewed first, which changes nothing, and each is taken back to the byte;
//! destinations that cannot be are refused before anything happens.

use packer_tests::project::{TestProject, Tree};
use serde_json::{Value, json};

use super::packer;

/// A project with five sidecar assets and a directory asset of two files.
fn game() -> TestProject {
    let project = TestProject::adopted(packer());
    project.write("assets/hero/run/1.bin", b"one");
    project.write("assets/hero/run/2.bin", b"two");
    let anchor = "uuid = \"01a20386-0de8-7ca4-98aa-000000000001\"\nname = \"hero\"\nkind = \"raw\"\n\
                  inputs = [\"run/*.bin\"]\n";
    project.write("assets/hero/asset.toml", anchor.as_bytes());
    project.packer(&["reconcile", "--yes"]).exits(0);
    project
}

/// Previews `arguments` for people and as JSON; neither writes anything. Gives the plan.
#[track_caller]
fn preview(project: &TestProject, arguments: &[&str], code: i32) -> Value {
    let (tree, times) = (project.tree(), project.times());
    let human = project.packer(&[arguments, &["--dry-run"]].concat()).exits(code);
    let plan = project.packer(&[arguments, &["--dry-run", "--format", "json"]].concat()).exits(code).object();
    // Nobody can be asked here, so this is a preview too.
    let asked = project.packer(arguments);
    assert!(asked.code == code || (code == 0 && asked.code == 2), "{arguments:?}: {}", asked.text());
    assert_eq!((project.tree(), project.times()), (tree, times), "previewing {arguments:?} wrote something");
    let verdict = plan["verdict"].as_str().unwrap();
    let said = match verdict {
        "ready" => "ready to ",
        "blocked" => "blocked: ",
        "empty" => "there is nothing to ",
        other => panic!("{other} is no verdict"),
    };
    assert!(human.out.contains(said), "{arguments:?} is {verdict}:\n{}", human.text());
    plan
}

/// Previews a change, and makes it.
#[track_caller]
fn change(project: &TestProject, arguments: &[&str]) {
    let plan = preview(project, arguments, 0);
    assert_eq!(plan["verdict"], "ready", "{arguments:?}: {plan}");
    let before = project.tree();
    let done = project.packer(&[arguments, &["--yes"]].concat()).exits(0);
    assert_ne!(project.tree(), before, "{arguments:?} changed nothing");
    assert!(
        done.out.contains("`packer undo "),
        "{arguments:?} does not say how to take it back:\n{}",
        done.out
    );
    project.packer(&["check"]).exits(0);
}

fn log(project: &TestProject) -> Vec<Value> {
    project.packer(&["log", "--format", "json"]).exits(0).json()
}

#[test]
fn everything_that_was_done_is_taken_back_one_after_the_other() {
    let project = game();
    let steps: [&[&str]; 11] = [
        &["mv", "ui/button", "menu/start.png"],
        &["rename", "ui/button", "menu/start"],
        &["set", "menu/start", "premultiply=true", "max_size=64", "preload=true"],
        &["set", "menu/start", "encoding=source", "--clear", "max_size"],
        &["dup", "texts/hello", "texts/second.txt", "texts/again"],
        &["dup", "hero", "cast/"],
        &["exclude", "data/items", "menu/start"],
        &["include", "data/items"],
        &["mv", "ui/panel", "texts/hello", "hero", "all"],
        &["rm", "data/blob", "all/run", "--keep-inputs"],
        &["rm", "cast/hero", "texts/again"],
    ];
    let mut trees: Vec<Tree> = Vec::new();
    for step in steps {
        // What the copies and moves are called is theirs to say; here they are named by their paths.
        let step: Vec<&str> =
            step.iter().map(|word| if *word == "all/run" { "all/hero/asset.toml" } else { word }).collect();
        trees.push(project.tree());
        change(&project, &step);
    }
    let done = project.tree();
    assert!(project.path("assets/data/blob.bin").is_file(), "its source was to stay");
    assert!(!project.path("assets/cast").join("hero/asset.toml").exists(), "it was to go");

    let logged = log(&project);
    let kinds: Vec<&str> =
        logged[..steps.len()].iter().rev().map(|row| row["kind"].as_str().unwrap()).collect();
    let expected = [
        "relocate",
        "rename",
        "configure",
        "configure",
        "duplicate",
        "duplicate",
        "set_build",
        "set_build",
        "apply",
        "remove",
        "remove",
    ];
    assert_eq!(kinds, expected);
    assert!(logged[..steps.len()].iter().all(|row| row["undo"]["is"] == "kept"), "{logged:#?}");

    for (n, tree) in trees.iter().enumerate().rev() {
        preview(&project, &["undo"], 0);
        project.packer(&["undo", "--yes"]).exits(0);
        assert_eq!(&project.tree(), tree, "undoing {:?} gave another tree", steps[n]);
        project.packer(&["check"]).exits(0);
    }
    let undone = log(&project);
    let is = |row: &Value, state: &str| row["undo"]["is"] == state;
    assert_eq!(undone.iter().filter(|row| is(row, "undone_by")).count(), steps.len(), "{undone:#?}");

    // An undoing is undone like anything else, by its id, or by as much of that as tells it apart.
    for row in &undone[..steps.len()] {
        let id = row["operation_id"].as_str().unwrap();
        change(&project, &["undo", &id[id.len() - 8..]]);
    }
    assert_eq!(project.tree(), done, "done again, it is not the same");
    let human = project.packer(&["log", "--limit", "3"]).exits(0);
    assert_eq!(human.out.lines().count(), 3, "{}", human.text());
    assert!(human.out.contains("can be undone") && human.err.contains("--limit"), "{}", human.text());
}

#[test]
fn what_was_touched_since_is_not_taken_back() {
    let project = game();
    project.packer(&["mv", "ui/button", "menu/start.png", "--yes"]).exits(0);
    project.write("assets/menu/start.png", &packer_tests::picture::png(8, 3));
    let plan = preview(&project, &["undo"], 3);
    assert_eq!(plan["blockers"][0]["code"], "plan/moved-on");
    let tree = project.tree();
    project.packer(&["undo", "--yes"]).exits(3);
    assert_eq!(project.tree(), tree);
    // What is elsewhere does not matter.
    project.packer(&["exclude", "data/items", "--yes"]).exits(0);
    preview(&project, &["undo"], 0);
    for unknown in ["frobnicate", "01a20386-0de8-7ca4-98aa-0000000000"] {
        project.packer(&["undo", unknown]).exits(2);
    }
    project.packer(&["undo", "01a20386-0de8-7ca4-98aa-000000000009"]).exits(3);
    project.packer(&["recover"]).exits(3);
}

#[test]
fn what_is_kept_for_undoing_is_bounded_by_a_command() {
    let project = game();
    project.packer(&["rm", "data/blob", "--yes"]).exits(0);
    let tree = project.tree();
    let report = |arguments: &[&str]| {
        let all = [&["gc", "--format", "json"], arguments].concat();
        let report = project.packer(&all).exits(0).object();
        (report["history"]["operations"].clone(), report["history"]["dropped"].as_array().unwrap().len())
    };
    assert_eq!(report(&[]), (json!(4), 0));
    assert_eq!(report(&["--history-days", "0", "--dry-run"]), (json!(4), 4));
    assert_eq!(report(&["--history-limit", "0", "--dry-run"]), (json!(4), 4));
    let told = project.packer(&["gc", "--history-limit", "0", "--dry-run"]).exits(0);
    assert_eq!(told.out.matches("would drop operation ").count(), 4, "{}", told.out);
    preview(&project, &["undo"], 0);
    assert_eq!(report(&["--history-limit", "0"]), (json!(4), 4));
    project.packer(&["undo"]).exits(2);
    assert_eq!(project.tree(), tree);
}

/// Neither moving nor copying `asset` to `to` does anything, and each says `code`.
#[track_caller]
fn is_refused(project: &TestProject, asset: &str, to: &str, code: &str) {
    let tree = project.tree();
    for command in ["mv", "dup"] {
        let plan = preview(project, &[command, asset, to], 3);
        let codes: Vec<&str> = plan["blockers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["code"].as_str().unwrap())
            .collect();
        assert!(codes.contains(&code), "{command} {asset} {to:?}: {codes:?}, and not {code}");
        let refused = project.packer(&[command, asset, to, "--yes"]).exits(3);
        assert!(refused.err.contains(code), "{command} {asset} {to:?}:\n{}", refused.text());
        assert_eq!(project.tree(), tree, "{command} {asset} {to:?} changed something");
    }
}

#[test]
fn destinations_that_cannot_be_are_refused_before_anything_happens() {
    let project = game();
    project.write("assets/.packerignore", b"scratch/\n");
    project.write("assets/texts/a\u{308}.txt", b"decomposed");
    let absolute = std::env::temp_dir().join("elsewhere.png");
    for (to, code) in [
        ("../button.png", "plan/target-invalid"),
        ("assets/../../button.png", "plan/target-invalid"),
        ("ui/../../../button.png", "plan/target-invalid"),
        ("..", "plan/target-invalid"),
        (absolute.to_str().unwrap(), "plan/target-invalid"),
        ("/", "plan/target-invalid"),
        ("assets/ui/back\\slash.png", "plan/target-invalid"),
        ("assets/ui/new\nline.png", "plan/target-invalid"),
        ("assets/ui/panel.png", "plan/target-exists"),
        ("assets/ui/panel.png/", "plan/target-exists"),
        ("assets/ui/panel.png/below.png", "plan/target-exists"),
        ("assets/ui/PANEL.png", "path/collision"),
        ("assets/Texts/button.png", "path/collision"),
        ("assets/texts/\u{e4}.txt", "path/collision"),
        ("assets/ui/a\u{308}.png", "path/not-portable"),
        ("assets/ui/con.png", "path/not-portable"),
        ("assets/AUX/", "path/not-portable"),
        ("assets/ui/end.", "path/not-portable"),
        ("assets/ui/a:b.png", "path/not-portable"),
        ("assets/scratch/button.png", "plan/target-ignored"),
        ("assets/.hidden/button.png", "plan/target-ignored"),
    ] {
        is_refused(&project, "ui/button", to, code);
    }
    for to in ["assets/hero/inner", "assets/hero/run/", "assets/hero/a/b/c"] {
        is_refused(&project, "hero", to, "plan/into-itself");
    }
    project.packer(&["mv", "ui/button", ""]).exits(2);
    project.packer(&["mv", "nobody", "assets/menu/"]).exits(2);
    project.packer(&["dup", "ui/button", "assets/menu/", "No Name"]).exits(2);
}

#[cfg(unix)]
#[test]
fn a_linked_folder_is_no_destination() {
    let project = game();
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), project.path("assets/link")).unwrap();
    std::os::unix::fs::symlink("ui", project.path("assets/inner")).unwrap();
    for to in ["assets/link/", "assets/link/deep/button.png", "assets/inner/other.png"] {
        is_refused(&project, "ui/button", to, "path/symlink");
    }
    assert_eq!(outside.path().read_dir().unwrap().count(), 0, "something was written outside");
}

#[cfg(target_os = "linux")]
#[test]
fn another_device_is_no_destination() {
    use std::process::Command;

    use packer_tests::packer::Run;

    let project = game();
    std::fs::create_dir(project.path("assets/elsewhere")).unwrap();
    // In a namespace of its own, anybody may mount, and nothing is left of it.
    let mounted = |then: &str, arguments: &[&str]| {
        let script = format!("mount -t tmpfs none assets/elsewhere || exit 99; {then}");
        let mut shell = Command::new("unshare");
        shell.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        shell.arg(project.command(&[]).get_program()).args(arguments).current_dir(project.root());
        shell.output()
    };
    match mounted("true", &[]) {
        Ok(output) if output.status.success() => {}
        other => {
            eprintln!("skipped: nothing can be mounted here, so there is no other device: {other:?}");
            return;
        }
    }
    let tree = project.tree();
    for command in ["mv", "dup"] {
        for how in ["--dry-run", "--yes"] {
            let arguments = [command, "ui/button", "assets/elsewhere/", how];
            let run = Run::of(mounted("exec \"$0\" \"$@\"", &arguments).unwrap()).exits(3);
            assert!(run.text().contains("plan/another-device"), "{arguments:?}: {}", run.text());
            assert_eq!(project.tree(), tree);
        }
    }
}

#[test]
fn a_destination_is_read_from_where_people_stand() {
    let project = game();
    let to = |folder: &str, typed: &str| {
        let mut command = project.command(&["mv", "ui/button", typed, "--dry-run", "--format", "json"]);
        let output = command.current_dir(project.path(folder)).output().unwrap();
        let plan = packer_tests::packer::Run::of(output).exits(0).object();
        plan["mutation"]["to"].as_str().unwrap().to_owned()
    };
    for (folder, typed, expected) in [
        ("", "assets/menu/", "menu/"),
        ("", "menu/start.png", "menu/start.png"),
        ("", "assets", "."),
        ("", ".", "."),
        ("assets", "menu/start.png", "menu/start.png"),
        ("assets/ui", "start.png", "ui/start.png"),
        ("assets/ui", "..", "."),
        ("assets/ui", "../texts", "texts"),
        ("assets/ui", "../texts/.", "texts/"),
        ("build", "../assets/menu/", "menu/"),
    ] {
        std::fs::create_dir_all(project.path(folder)).unwrap();
        assert_eq!(to(folder, typed), expected, "{typed} from {folder}");
    }
    let absolute = project.path("assets/menu/start.png");
    assert_eq!(to("assets/ui", absolute.to_str().unwrap()), "menu/start.png");
}
