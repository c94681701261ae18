//! Somebody saves a file after an operation was killed and before the next one: that file, and every other one, is left as it
//! is until somebody decides, and either way out leads to where it says.

use std::path::PathBuf;

use packer_tests::effort::effort;
use packer_tests::project::TestProject;
use packer_tests::trace::{End, Verdict, trace};

use super::changes::{CHANGES, Change, game, half_done};
use super::{Calls, Place, Workspace, all_bytes, at_calls, logs, nothing_is_lost, packer, undisturbed};

const THEIRS: &[u8] = b"what somebody else saved";

/// Files of the batch: one that leaves, one that comes, one of a folder that moves, and an anchor that comes.
const SAVED: [&str; 4] = [
    "assets/ui/button.png",
    "assets/all/panel.png",
    "assets/hero/frames/1.bin",
    "assets/all/hero/asset.toml",
];

/// The ways out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Choice {
    KeepTheirs,
    FinishOurs,
}

impl Choice {
    fn arguments(self) -> [&'static str; 3] {
        match self {
            Self::KeepTheirs => ["recover", "--keep-theirs", "--yes"],
            Self::FinishOurs => ["recover", "--finish-ours", "--yes"],
        }
    }

    /// What it leads to, where somebody saved `path`.
    fn leads_to(self, path: &str, before: &Workspace, after: &Workspace) -> Workspace {
        if self == Self::FinishOurs {
            return after.clone();
        }
        let mut expected = before.clone();
        let path = PathBuf::from(path);
        expected.folders.extend(
            path.ancestors().skip(1).filter(|folder| folder.components().count() > 1).map(PathBuf::from),
        );
        expected.files.insert(path, THEIRS.to_vec());
        expected
    }
}

/// A copy of `project` whose change was killed half-way, and in which somebody saved `path` since; whatever stood there is
/// what they replaced.
fn saved_meanwhile(project: &TestProject, change: &Change, n: usize, path: &str) -> TestProject {
    let half = half_done(project, change, n);
    half.write(path, THEIRS);
    let found = Workspace::of(&half);
    half.packer(&["status"]).exits(0);
    assert_eq!(Workspace::of(&half), found, "a frozen project was changed");
    assert_eq!(half.status()["freshness"]["state"], "recovery_required");
    half.packer(&["adopt", "assets", "--yes"]).exits(5);
    half.packer(&["build"]).exits(5);
    assert_eq!(Workspace::of(&half), found, "a frozen project was changed");
    half
}

/// The project is free again, and the operation that was killed has ended once, as unknown.
fn is_free(project: &TestProject) {
    let status = project.packer(&["status"]).exits(0);
    assert!(!status.text().contains("recovery required"), "{}", status.text());
    assert_eq!(project.status()["freshness"]["state"], "verified");
    project.packer(&["adopt", "assets", "--kind", "raw", "--yes"]).exits(0);
    assert_eq!(project.leftovers(), Vec::<PathBuf>::new(), "an operation left something behind");
    let events = logs::settled(&project.root());
    let unknown =
        events.iter().filter(|event| serde_json::to_value(&event.body).unwrap()["type"] == "outcome_unknown");
    assert_eq!(unknown.count(), 1, "the killed operation ends once, as unknown");
}

#[test]
fn what_somebody_saved_after_a_kill_is_kept_and_either_way_out_leads_where_it_says() {
    let project = game();
    let change = &CHANGES[3];
    let before = Workspace::of(&project);
    let after = Workspace::of(&undisturbed(&project, change.arguments).0);
    let all = (2..=22)
        .flat_map(|n| SAVED.map(|path| (n, path)))
        .flat_map(|(n, path)| [Choice::KeepTheirs, Choice::FinishOurs].map(|choice| (n, path, choice)));
    let all: Vec<_> = all.collect();
    // A step that shares no factor with the numbers of paths and choices meets all of them.
    let asked = usize::try_from(effort("PACKER_TEST_KILLS", 10)).unwrap();
    let step = all.len().div_ceil(asked) | 1;
    for (n, path, mut choice) in all.into_iter().step_by(step) {
        let _place = Place { what: format!("killed at step {n}, {path} saved, {choice:?}") };
        let copy = saved_meanwhile(&project, change, n, path);
        let mut once = Workspace::of(&copy).files;
        once.retain(|_, bytes| bytes == THEIRS);
        let there = all_bytes(&copy);
        // They saved over the only copy of something: before it was taken away, or at its new place.
        let gone = |expected: &Workspace| -> Vec<PathBuf> {
            let is_gone = |(path, bytes): &(&PathBuf, &Vec<u8>)| {
                !path.ends_with("registry.jsonl") && !there.contains(*bytes)
            };
            expected.files.iter().filter(is_gone).map(|(path, _)| path.clone()).collect()
        };
        if choice == Choice::FinishOurs && !gone(&after).is_empty() {
            let told = copy.packer(&choice.arguments()).exits(3);
            assert!(told.text().contains("are kept nowhere"), "{}", told.text());
            choice = Choice::KeepTheirs;
        }
        let mut expected = choice.leads_to(path, &before, &after);
        let gone = gone(&expected);
        if !gone.is_empty() {
            let told = copy.packer(&choice.arguments()).exits(3);
            assert!(told.text().contains("put a file there yourself"), "{}", told.text());
        }
        for path in &gone {
            copy.write(path.to_str().unwrap(), b"from version control");
            expected.files.insert(path.clone(), b"from version control".to_vec());
        }
        copy.packer(&choice.arguments()).exits(0);
        assert_eq!(Workspace::of(&copy), expected);
        nothing_is_lost(&once, &copy);
        let mut kept = before.files.clone();
        kept.retain(|_, bytes| there.contains(bytes));
        nothing_is_lost(&kept, &copy);
        is_free(&copy);
    }
}

#[test]
fn a_way_out_that_is_killed_anywhere_is_taken_or_can_be() {
    let project = game();
    let change = &CHANGES[3];
    let before = Workspace::of(&project);
    let after = Workspace::of(&undisturbed(&project, change.arguments).0);
    for (n, path, choice) in [
        (13, SAVED[1], Choice::KeepTheirs),
        (12, SAVED[0], Choice::FinishOurs),
        (20, SAVED[2], Choice::FinishOurs),
    ] {
        let frozen = saved_meanwhile(&project, change, n, path);
        let once = Workspace::of(&frozen);
        let expected = choice.leads_to(path, &before, &after);
        let (_, calls) = undisturbed(&frozen, &choice.arguments());
        let seen = at_calls(Calls::Some(6), calls.len(), &|n| {
            let copy = frozen.copy();
            let mut left = n;
            let killed = trace(&copy.command(&choice.arguments()), |_| {
                left -= 1;
                if left == 0 { Verdict::Kill } else { Verdict::Go }
            });
            if killed.end == End::Exited(0) {
                return None;
            }
            let _place =
                Place { what: format!("{choice:?} was killed at call {n}: {:?}", killed.calls.last()) };
            copy.packer(&["status"]).exits(0);
            let is_frozen = copy.status()["freshness"]["state"] == "recovery_required";
            if is_frozen {
                assert_eq!(Workspace::of(&copy), once, "it is as it was");
                copy.packer(&choice.arguments()).exits(0);
            }
            assert_eq!(Workspace::of(&copy), expected);
            nothing_is_lost(&once.files, &copy);
            is_free(&copy);
            Some(is_frozen)
        });
        assert!(seen.keys().eq(&[false, true]), "{seen:?}");
    }
}

/// What the packer says to somebody who does not know what happened.
#[test]
fn a_decision_is_asked_for() {
    let project = saved_meanwhile(&game(), &CHANGES[0], 3, "assets/ui/start.png");
    let told = project.packer(&["status"]).exits(0);
    assert!(
        told.err.contains("recovery required") || told.out.contains("recovery required"),
        "{}",
        told.text()
    );
    // Both ways are shown, and neither is taken.
    let before = project.tree();
    let shown = project.packer(&["recover", "--dry-run"]).exits(0);
    assert!(shown.out.contains("ui/start.png"), "{}", shown.out);
    project.packer(&["recover", "--yes"]).exits(2);
    assert_eq!(project.tree(), before);
    packer().run(&project.root(), &["recover", "--keep-theirs", "--yes"]).exits(0);
}
