//! Kill -9 at the calls of `mv`, `rm` and a batch, and of the recovery of a batch: moved files, removed ones and new folders,
//! all of them or none.

use std::path::Path;

use packer_tests::project::TestProject;
use packer_tests::trace::{End, Verdict, trace};

use super::{BOTH, Calls, Side, Workspace, killed_anywhere, logs, nothing_is_lost, packer, undisturbed};

/// At how many calls of each operation in an ordinary run.
const ORDINARY: u64 = 16;

/// A change of the project of [`game`].
pub(super) struct Change {
    pub name: &'static str,
    pub arguments: &'static [&'static str],
}

/// A file moves; a folder moves into one that is made for it; files go to the history; all of these things at once.
pub(super) const CHANGES: [Change; 4] = [
    Change { name: "mv a file", arguments: &["mv", "ui/button", "ui/start.png", "--yes"] },
    Change { name: "mv a folder", arguments: &["mv", "hero", "people/heroes/", "--yes"] },
    Change { name: "rm", arguments: &["rm", "data/blob", "hero", "--yes"] },
    Change {
        name: "a batch",
        arguments: &["mv", "ui/button", "ui/panel", "texts/hello", "data/items", "hero", "all/", "--yes"],
    },
];

/// A project with five sidecar assets, and a directory asset of two files.
pub(super) fn game() -> TestProject {
    let project = TestProject::adopted(packer());
    project.write("assets/hero/frames/1.bin", b"the first frame");
    project.write("assets/hero/frames/2.bin", b"the second frame");
    let anchor = "uuid = \"01a20386-0de8-7ca4-98aa-000000000001\"\nname = \"hero\"\nkind = \"raw\"\n\
                  inputs = [\"frames/*.bin\"]\n";
    project.write("assets/hero/asset.toml", anchor.as_bytes());
    project.packer(&["reconcile", "--yes"]).exits(0);
    assert_eq!(project.status()["assets"]["managed"], 6);
    project
}

/// Which side a copy of `project` is on, entirely, and with nothing lost; what is done next succeeds.
fn judge(copy: &TestProject, arguments: &[&str], before: &Workspace, after: &Workspace) -> Side {
    let found = Workspace::of(copy);
    nothing_is_lost(&before.files, copy);
    let side = match &found {
        found if found == before => {
            copy.packer(arguments).exits(0);
            assert_eq!(&Workspace::of(copy), after, "what was tried again did something else");
            Side::Before
        }
        found if found == after => {
            copy.packer(&["exclude", "ui/panel", "--yes"]).exits(0);
            Side::After
        }
        found => panic!("neither before nor after: {:?} {:?}", found.files.keys(), found.folders),
    };
    assert_eq!(copy.leftovers(), Vec::<std::path::PathBuf>::new(), "an operation left something behind");
    logs::settled(&copy.root());
    side
}

fn is_killed(change: &Change) {
    let project = game();
    let before = Workspace::of(&project);
    let after = Workspace::of(&undisturbed(&project, change.arguments).0);
    assert_ne!(after, before, "{} changed nothing", change.name);
    killed_anywhere(&project, change.arguments, Calls::Some(ORDINARY), &BOTH, &|copy| {
        judge(copy, change.arguments, &before, &after)
    });
}

#[test]
fn a_move_of_a_file_that_is_killed_anywhere() {
    is_killed(&CHANGES[0]);
}

#[test]
fn a_move_of_a_folder_that_is_killed_anywhere() {
    is_killed(&CHANGES[1]);
}

#[test]
fn a_removal_that_is_killed_anywhere() {
    is_killed(&CHANGES[2]);
}

#[test]
fn a_batch_that_is_killed_anywhere() {
    is_killed(&CHANGES[3]);
}

/// The project after `change` was killed at the `n`th time that something took its place in, or left the workspace.
pub(super) fn half_done(project: &TestProject, change: &Change, n: usize) -> TestProject {
    let copy = project.copy();
    let root = copy.root();
    let mut seen = 0;
    let killed = trace(&copy.command(change.arguments), |call| {
        // What leaves goes below the journal, what comes goes below the assets.
        let is_of_the_workspace = |path: &Path| {
            let path = path.strip_prefix(&root).unwrap_or(path);
            path.starts_with("assets") || path.to_string_lossy().contains(".displaced/")
        };
        let is_counted =
            call.name.starts_with("rename") && call.path.as_deref().is_some_and(is_of_the_workspace);
        seen += usize::from(is_counted);
        if is_counted && seen == n { Verdict::Kill } else { Verdict::Go }
    });
    assert_eq!(killed.end, End::Killed, "{}: it has only {seen} such steps", change.name);
    copy
}

#[test]
fn a_recovery_of_a_batch_that_is_killed_anywhere() {
    let project = game();
    let change = &CHANGES[3];
    let before = Workspace::of(&project);
    let after = Workspace::of(&undisturbed(&project, change.arguments).0);
    // Eleven files leave their places, and then take their new ones.
    for n in [2, 11, 12, 22] {
        let half = half_done(&project, change, n);
        killed_anywhere(&half, &["status"], Calls::Some(ORDINARY / 2), &[Side::After], &|copy| {
            judge(copy, change.arguments, &before, &after)
        });
    }
}
