//! Two branches that both change the registry, merged by git under the `.gitattributes` that `packer new` writes: no
//! conflict, and right, or a divergence that is reported.

use std::process::Command;

use packer_tests::picture::png;
use packer_tests::project::TestProject;
use serde_json::json;

use super::packer;

/// Runs git in the project's folder, untouched by anybody's configuration.
#[track_caller]
fn git(project: &TestProject, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"])
        .args(["-c", "core.autocrlf=false", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(project.root())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .expect("git is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "git {arguments:?}\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[track_caller]
fn commit(project: &TestProject, message: &str) {
    git(project, &["add", "--all"]);
    git(project, &["commit", "--quiet", "--message", message]);
}

fn committed() -> TestProject {
    let project = TestProject::adopted(packer());
    git(&project, &["init", "--quiet"]);
    commit(&project, "begin");
    project
}

#[test]
fn two_branches_that_each_adopted_fifty_assets() {
    let project = committed();
    for branch in ["left", "right"] {
        git(&project, &["checkout", "--quiet", "-b", branch, "main"]);
        for n in 0..25 {
            project.write(&format!("assets/{branch}/{n}.png"), &png(8, n));
            project.write(&format!("assets/{branch}/{n}.txt"), format!("{branch} {n}\n").as_bytes());
        }
        project.packer(&["adopt", "assets", "--yes"]).exits(0);
        assert_eq!(project.status()["assets"]["managed"], 5 + 50);
        commit(&project, branch);
    }
    git(&project, &["merge", "--quiet", "--no-edit", "left"]);
    assert_eq!(git(&project, &["status", "--porcelain"]), "");
    let tree = project.tree();
    project.packer(&["check"]).exits(0);
    let status = project.status();
    assert_eq!((&status["assets"]["managed"], &status["divergences"]), (&json!(105), &json!({})));
    project.packer(&["build"]).exits(0);
    assert_eq!(project.packer(&["verify", "--format", "json"]).exits(0).object()["entries"], 105);
    assert_eq!(project.workspace(), tree, "noticing and building changed what was merged");
}

#[test]
fn edits_of_neighbouring_lines_are_right_or_reported() {
    let project = committed();
    // One side retires an asset, the other moves the ones on the neighbouring lines.
    git(&project, &["checkout", "--quiet", "-b", "left"]);
    project.delete("assets/texts/hello.txt");
    project.delete("assets/texts/hello.txt.asset.toml");
    project.packer(&["reconcile", "--yes"]).exits(0);
    commit(&project, "retire");
    git(&project, &["checkout", "--quiet", "-b", "right", "main"]);
    project.rename("assets/ui", "assets/menu");
    project.rename("assets/data", "assets/tables");
    project.packer(&["reconcile", "--yes"]).exits(0);
    commit(&project, "move");
    git(&project, &["merge", "--quiet", "--no-edit", "left"]);

    // A union merge keeps the lines of both sides where they edit neighbours: each asset that has two is reported, and
    // nothing else of the merge is wrong.
    let status = project.status();
    let mut left = count(&status);
    assert!(left == 0 || status["divergences"]["registry/duplicate-entry"].is_u64(), "{status}");
    project.packer(&["check"]).exits(i32::from(left > 0));
    while left > 0 {
        let text = project.packer(&["status"]).exits(0).out;
        let offers: Vec<&str> = text.split('`').filter(|part| part.contains(" --as keep-")).collect();
        let arguments = |offer: &str| -> Vec<String> {
            offer.split(' ').skip(1).chain(["--yes"]).map(str::to_owned).collect()
        };
        let resolve = |project: &TestProject, offer: &str| {
            let arguments = arguments(offer);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            project.packer(&arguments).exits(0);
            count(&project.status())
        };
        // People keep the line that fits the disk: the one after which the least is left to say.
        let fits = offers.iter().min_by_key(|offer| resolve(&project.copy(), offer));
        let fits = fits.unwrap_or_else(|| panic!("nothing is offered:\n{text}"));
        let now = resolve(&project, fits);
        assert!(now < left, "`{fits}` resolved nothing:\n{text}");
        left = now;
    }
    assert_eq!(project.status()["assets"]["managed"], 4);
    project.packer(&["check"]).exits(0);
    project.packer(&["build"]).exits(0);
    assert_eq!(project.packer(&["verify", "--format", "json"]).exits(0).object()["entries"], 4);
}

/// How many divergences there are.
fn count(status: &serde_json::Value) -> u64 {
    status["divergences"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum()
}

#[test]
fn both_sides_moved_one_asset_and_the_difference_is_reported() {
    let project = committed();
    for branch in ["left", "right"] {
        git(&project, &["checkout", "--quiet", "-b", branch, "main"]);
        let anchor = "button.png.asset.toml";
        project.rename("assets/ui/button.png", &format!("assets/{branch}/button.png"));
        project.rename(&format!("assets/ui/{anchor}"), &format!("assets/{branch}/{anchor}"));
        project.packer(&["reconcile", "--yes"]).exits(0);
        commit(&project, branch);
    }
    // Git itself asks about the files; the registry's lines are there from both sides.
    let merge = Command::new("git")
        .args(["-c", "user.name=Tester", "-c", "user.email=tester@example.org", "merge", "--quiet", "left"])
        .current_dir(project.root())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(!merge.status.success());
    let registry = project.read_text("registry.jsonl");
    assert!(registry.contains("left/button.png") && registry.contains("right/button.png"), "{registry}");
    assert!(!registry.contains("<<<<"), "{registry}");
    let tree = project.tree();
    let told = project.packer(&["check"]).exits(1);
    assert!(told.out.contains("registry/duplicate-entry"), "{}", told.out);
    project.packer(&["build"]).exits(1);
    assert_eq!(project.tree(), tree);
}
