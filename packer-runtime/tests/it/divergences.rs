//! Every divergence, made on a real disk the way people make it: with the shell, an editor and git. The packer says what it
//! is, whom and what it concerns and what it offers, and noticing it changes no byte of the project.

use packer_runtime::api::{Command, Divergence, FirstObservation, Project, Snapshot};

use super::recording::{anchor, id, kinds, line, many, one, open, uuid, workspace};
use super::support::{Workspace, run};

fn game() -> (Workspace, Project) {
    let workspace = workspace();
    workspace.git(&["init", "--quiet"]);
    workspace.commit();
    let project = open(&workspace, kinds(one(), many()), FirstObservation::AtOpening);
    assert_eq!(project.status().snapshot.divergences(), []);
    (workspace, project)
}

/// `CODE PATH… | NAME… | OFFER…`, without what is not there.
fn told(snapshot: &Snapshot, divergence: &Divergence) -> String {
    let paths: Vec<String> = divergence.paths.iter().map(ToString::to_string).collect();
    let name = |uuid| {
        snapshot.asset(uuid).and_then(|asset| asset.row.name).map_or("?".to_owned(), |name| name.to_string())
    };
    let names: Vec<String> = divergence.assets.iter().map(|uuid| name(*uuid)).collect();
    let offers: Vec<String> =
        divergence.resolutions.iter().map(|offer| offer.resolution.to_string()).collect();
    format!("{} {} | {} | {}", divergence.code, paths.join(" "), names.join(" "), offers.join(" "))
}

/// What diverges once it was noticed, by a project that was open all along and by one that is opened now.
#[track_caller]
fn check(workspace: &Workspace, project: &Project, expected: &[&str]) {
    let before = workspace.tree();
    assert!(run(project, Command::Refresh).success().is_some());
    let fresh = open(workspace, kinds(one(), many()), FirstObservation::AtOpening);
    for project in [project, &fresh] {
        let snapshot = project.status().snapshot.clone();
        let all: Vec<String> = snapshot.divergences().iter().map(|found| told(&snapshot, found)).collect();
        assert_eq!(all, expected);
    }
    assert_eq!(workspace.tree(), before, "noticing changed the project");
}

fn edit(workspace: &Workspace, path: &str, from: &str, to: &str) {
    let text = workspace.text(path);
    assert!(text.contains(from), "{path} has no {from}");
    workspace.write(path, text.replace(from, to).as_bytes());
}

#[test]
fn files_of_another_project_that_were_copied_into_this_one() {
    let (workspace, project) = game();
    workspace.write("assets/gift.rec", b"a gift");
    workspace.write("assets/gift.rec.asset.toml", anchor(77, "gift", "rec", "").as_bytes());
    check(&workspace, &project, &["anchor/unregistered gift.rec.asset.toml |  | register"]);
}

#[test]
fn a_branch_whose_registry_does_not_know_what_was_left_in_the_folder() {
    let (workspace, project) = game();
    workspace.git(&["checkout", "--quiet", "-b", "feature"]);
    workspace.write("assets/new.rec", b"new");
    workspace.write("assets/new.rec.asset.toml", anchor(78, "new", "rec", "").as_bytes());
    let registry = workspace.text("registry.jsonl") + &line(78, "new.rec.asset.toml");
    workspace.write("registry.jsonl", registry.as_bytes());
    workspace.git(&["add", "registry.jsonl"]);
    workspace.git(&["commit", "--quiet", "--message", "the registry alone"]);
    check(&workspace, &project, &[]);
    // What was not committed stays in the folder; the registry goes.
    workspace.git(&["checkout", "--quiet", "b0"]);
    check(&workspace, &project, &["anchor/unregistered new.rec.asset.toml |  | register"]);
    // And the other way round: the registry knows what the folder does not have.
    workspace.git(&["checkout", "--quiet", "feature"]);
    workspace.git(&["clean", "--quiet", "--force", "assets"]);
    check(&workspace, &project, &["anchor/missing new.rec.asset.toml | ? | retire"]);
}

#[test]
fn an_asset_that_was_deleted() {
    let (workspace, project) = game();
    workspace.git(&["rm", "--quiet", "assets/ui/a.rec", "assets/ui/a.rec.asset.toml"]);
    check(&workspace, &project, &["anchor/missing ui/a.rec.asset.toml | ? | retire"]);
}

#[test]
fn an_asset_that_was_moved_with_git() {
    let (workspace, project) = game();
    std::fs::create_dir(workspace.root.join("assets/menu")).unwrap();
    workspace.git(&["mv", "assets/ui/a.rec", "assets/menu/start.rec"]);
    workspace.git(&["mv", "assets/ui/a.rec.asset.toml", "assets/menu/start.rec.asset.toml"]);
    let expected = "anchor/moved ui/a.rec.asset.toml menu/start.rec.asset.toml | ui/a | accept-move";
    check(&workspace, &project, &[expected]);
}

#[test]
fn a_folder_that_was_renamed() {
    let (workspace, project) = game();
    workspace.git(&["mv", "assets/data", "assets/tables"]);
    check(
        &workspace,
        &project,
        &[
            "anchor/moved data/levels.json.asset.toml tables/levels.json.asset.toml | data/levels | accept-move",
            "anchor/moved data/tides.bin.asset.toml tables/tides.bin.asset.toml | data/tides | accept-move",
        ],
    );
}

#[test]
fn a_folder_that_was_copied() {
    let (workspace, project) = game();
    for file in ["1.frm", "2.frm", "asset.toml"] {
        workspace.write(&format!("assets/foe-2/{file}"), &workspace.read(&format!("assets/foe/{file}")));
    }
    check(&workspace, &project, &["anchor/duplicate-uuid foe/asset.toml foe-2/asset.toml | foe | new-uuid"]);
}

#[test]
fn an_anchor_that_was_edited_by_hand_into_nonsense() {
    let (workspace, project) = game();
    edit(&workspace, "assets/ui/c.rec.asset.toml", "size = 5", "size = five");
    check(&workspace, &project, &["anchor/invalid ui/c.rec.asset.toml | ui/c | "]);
}

#[test]
fn an_anchor_that_a_merge_left_with_its_markers() {
    let (workspace, project) = game();
    let theirs = workspace.text("assets/ui/c.rec.asset.toml").replace("size = 5", "size = 6");
    let ours = theirs.replace("size = 6", "size = 7");
    workspace.git(&["checkout", "--quiet", "-b", "theirs"]);
    workspace.write("assets/ui/c.rec.asset.toml", theirs.as_bytes());
    workspace.commit();
    workspace.git(&["checkout", "--quiet", "b0"]);
    workspace.write("assets/ui/c.rec.asset.toml", ours.as_bytes());
    workspace.commit();
    // The merge stops at the conflict, which is what it is to do here.
    let merge = std::process::Command::new("git")
        .args(["-c", "user.name=Tester", "-c", "user.email=tester@example.org", "merge", "--quiet", "theirs"])
        .current_dir(&workspace.root)
        .output()
        .unwrap();
    assert!(!merge.status.success());
    assert!(workspace.text("assets/ui/c.rec.asset.toml").contains("<<<<<<<"));
    check(&workspace, &project, &["anchor/invalid ui/c.rec.asset.toml | ui/c | "]);
}

#[test]
fn both_sides_of_a_merge_added_an_asset_with_one_name() {
    let (workspace, project) = game();
    for (number, branch) in [(81, "left"), (82, "right")] {
        workspace.git(&["checkout", "--quiet", "-b", branch, "b0"]);
        let at = format!("{branch}/door.rec");
        workspace.write(&format!("assets/{at}"), branch.as_bytes());
        workspace.write(&format!("assets/{at}.asset.toml"), anchor(number, "door", "rec", "").as_bytes());
        let registry = workspace.text("registry.jsonl") + &line(number, &format!("{at}.asset.toml"));
        workspace.write("registry.jsonl", registry.as_bytes());
        workspace.commit();
    }
    workspace.git(&["merge", "--quiet", "--message", "both", "left"]);
    let expected = "name/conflict left/door.rec.asset.toml right/door.rec.asset.toml | door door | rename";
    check(&workspace, &project, &[expected]);
}

#[test]
fn both_sides_of_a_merge_gave_an_asset_one_id() {
    let (workspace, project) = game();
    for (number, branch) in [(81, "left"), (82, "right")] {
        workspace.git(&["checkout", "--quiet", "-b", branch, "b0"]);
        let at = format!("{branch}/door.rec");
        workspace.write(&format!("assets/{at}"), branch.as_bytes());
        workspace.write(&format!("assets/{at}.asset.toml"), anchor(number, branch, "rec", "").as_bytes());
        let added = line(number, &format!("{at}.asset.toml"));
        let added = added.replace(&format!("\"id\":{},", id(number)), "\"id\":4242,");
        workspace.write("registry.jsonl", (workspace.text("registry.jsonl") + &added).as_bytes());
        workspace.commit();
    }
    workspace.git(&["merge", "--quiet", "--message", "both", "left"]);
    let paths = "left/door.rec.asset.toml right/door.rec.asset.toml";
    check(&workspace, &project, &[&format!("registry/duplicate-id {paths} | left right | reallocate")]);
}

#[test]
fn both_sides_of_a_merge_moved_one_asset() {
    let (workspace, project) = game();
    for branch in ["left", "right"] {
        workspace.git(&["checkout", "--quiet", "-b", branch, "b0"]);
        std::fs::create_dir(workspace.root.join("assets").join(branch)).unwrap();
        for file in ["c.rec", "c.rec.asset.toml"] {
            workspace.git(&["mv", &format!("assets/ui/{file}"), &format!("assets/{branch}/{file}")]);
        }
        edit(&workspace, "registry.jsonl", "ui/c.rec.asset.toml", &format!("{branch}/c.rec.asset.toml"));
        workspace.commit();
        check(&workspace, &project, &[]);
    }
    // Both renames are kept by whoever merges, as both lines of the registry are by the union merge.
    workspace.git(&["checkout", "--quiet", "left", "--", "assets/left"]);
    let registry = workspace.text("registry.jsonl") + &line(2, "left/c.rec.asset.toml");
    workspace.write("registry.jsonl", registry.as_bytes());
    let paths = "left/c.rec.asset.toml right/c.rec.asset.toml";
    check(
        &workspace,
        &project,
        &[
            &format!("anchor/duplicate-uuid {paths} | ui/c | new-uuid"),
            &format!("registry/duplicate-entry {paths} | ui/c | keep-1 keep-2"),
        ],
    );
}

#[test]
fn a_source_that_was_deleted_without_its_anchor() {
    let (workspace, project) = game();
    workspace.remove("assets/ui/b.rec");
    for frame in ["1", "2"] {
        workspace.remove(&format!("assets/foe/{frame}.frm"));
    }
    check(
        &workspace,
        &project,
        &["input/missing foe/asset.toml | foe | ", "input/missing ui/b.rec.asset.toml | ui/b | "],
    );
}

#[test]
fn a_reference_to_what_was_renamed_by_hand() {
    let (workspace, project) = game();
    edit(&workspace, "assets/world/base.rec.asset.toml", "world/base", "world/ground");
    check(&workspace, &project, &["reference/unresolved world/mid.rec.asset.toml | world/mid | "]);
}

#[test]
fn references_that_were_edited_into_a_circle() {
    let (workspace, project) = game();
    let text = anchor(3, "world/base", "rec", "[rec]\nto = \"world/top\"\n");
    assert!(workspace.text("assets/world/base.rec.asset.toml").contains(&uuid(3)));
    workspace.write("assets/world/base.rec.asset.toml", text.as_bytes());
    let paths = "world/base.rec.asset.toml world/mid.rec.asset.toml world/top.rec.asset.toml";
    check(&workspace, &project, &[&format!("reference/cycle {paths} | world/base world/mid world/top | ")]);
}

#[test]
fn every_code_is_made_above() {
    let here = include_str!("divergences.rs");
    for code in packer_runtime::api::DivergenceCode::ALL {
        assert!(here.contains(&format!("{} ", code.as_str())), "{code} is never made");
    }
}
