//! What `packer recover` does about a move that was killed amid its commit, after somebody saved one of its files: both
//! ways are shown, neither loses a byte, and either lets the project go on.

use std::path::PathBuf;

use packer_tests::project::TestProject;
use packer_tests::trace::{End, Verdict, trace};

use super::packer;

/// What somebody saves where the killed move has taken a file away.
const MINE: &[u8] = b"mine";

/// The sources of the move, and where they were to go.
const FILES: [&str; 2] = ["button.png", "button.png.asset.toml"];

/// A project in which a move of `ui/button` into `menu` was killed between its two files, and somebody saved a file where
/// the first one was. Gives the name of that.
fn frozen() -> (TestProject, &'static str) {
    let project = TestProject::adopted(packer());
    let mut arrived = 0;
    let command = project.command(&["mv", "ui/button", "assets/menu/", "--yes"]);
    let killed = trace(&command, |call| {
        let is_arrival = call.name.contains("rename")
            && call.path.as_ref().is_some_and(|path| path.to_string_lossy().contains("assets/menu/"));
        arrived += usize::from(is_arrival);
        if arrived == 2 { Verdict::Kill } else { Verdict::Go }
    });
    assert_eq!(killed.end, End::Killed, "{:?}", killed.calls);
    let moved = FILES.into_iter().find(|file| !project.path("assets/ui").join(file).exists());
    let moved = moved.expect("the first of the two has left its place");
    project.write(&format!("assets/ui/{moved}"), MINE);
    (project, moved)
}

#[test]
fn a_frozen_project_shows_both_ways_and_goes_on_after_either() {
    let (project, moved) = frozen();
    let (mine, arrived) = (format!("assets/ui/{moved}"), format!("assets/menu/{moved}"));
    let status = project.packer(&["status"]).exits(0);
    assert!(status.text().contains("`packer recover`"), "{}", status.text());
    let blocked = project.packer(&["exclude", "ui/panel", "--dry-run"]).exits(3);
    assert!(blocked.out.contains("lane/frozen") && blocked.out.contains("packer recover"), "{}", blocked.out);
    let rejected = project.packer(&["exclude", "ui/panel", "--yes"]).exits(5);
    assert!(rejected.err.contains("`packer recover`"), "{}", rejected.err);

    let (tree, times) = (project.tree(), project.times());
    for (arguments, code) in [
        (&["recover"][..], 2),
        (&["recover", "--dry-run"], 0),
        (&["recover", "--keep-theirs", "--dry-run"], 0),
        (&["recover", "--finish-ours", "--dry-run"], 0),
        (&["recover", "--finish-ours"], 2),
        (&["recover", "--yes"], 2),
    ] {
        let shown = project.packer(arguments).exits(code);
        let ways = ["--keep-theirs: ", "--finish-ours: "].map(|way| shown.out.matches(way).count());
        let both = arguments == ["recover"] || arguments == ["recover", "--dry-run"];
        assert_eq!(ways, if both { [1, 1] } else { [0, 0] }, "{arguments:?}:\n{}", shown.text());
        if both {
            assert!(
                shown.out.contains("move, operation"),
                "it does not say what was interrupted:\n{}",
                shown.out
            );
        }
    }
    let plans = project.packer(&["recover", "--dry-run", "--format", "json"]).exits(0).json();
    let choices: Vec<&str> = plans.iter().map(|plan| plan["mutation"]["choice"].as_str().unwrap()).collect();
    assert_eq!(choices, ["keep_theirs", "finish_ours"]);
    assert_eq!((project.tree(), project.times()), (tree.clone(), times), "looking wrote something");

    let kept = project.copy();
    let told = kept.packer(&["recover", "--keep-theirs", "--yes"]).exits(0);
    assert!(told.out.contains("recovered: "), "{}", told.text());
    assert_eq!(kept.read(&mine), MINE, "what somebody saved is kept");
    for file in FILES {
        assert!(!kept.path("assets/menu").join(file).exists(), "{file} is where the move was to put it");
    }

    let finished = project.copy();
    finished.packer(&["recover", "--finish-ours", "--yes"]).exits(0);
    assert_eq!(finished.read(&arrived), tree[&PathBuf::from(&arrived)]);
    for file in FILES {
        assert!(finished.path("assets/menu").join(file).exists(), "{file} has not arrived");
        assert!(!finished.path("assets/ui").join(file).exists(), "{file} is where the move took it away");
    }
    finished.packer(&["check"]).exits(0);

    for settled in [kept, finished] {
        assert_ne!(settled.status()["freshness"]["state"], "recovery_required");
        assert_eq!(settled.packer(&["recover"]).exits(3).out, "");
        settled.packer(&["exclude", "ui/panel", "--yes"]).exits(0);
        let log = settled.packer(&["log", "--format", "json"]).exits(0).json();
        assert!(log.iter().any(|row| row["kind"] == "recover"), "{log:#?}");
        assert!(holds(&settled, &tree[&PathBuf::from(&arrived)]), "what the move had taken is lost");
        assert!(holds(&settled, MINE), "what somebody saved is lost");
    }
}

/// Whether some file of the project, or of what is kept of it, has this content.
fn holds(project: &TestProject, content: &[u8]) -> bool {
    let mut folders = vec![project.root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path).unwrap() == content {
                return true;
            }
        }
    }
    false
}
