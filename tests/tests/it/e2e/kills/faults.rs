//! A disk that fails at the calls of `mv`, `rm` and a batch: once, or from there on because it is full. The process ends as it
//! should, and says truly how; with the disk in order again, what it left is recovered or settled, entirely one way or the
//! other.

use std::path::Path;

use nix::errno::Errno;
use packer_tests::project::TestProject;
use packer_tests::trace::{Call, End, Verdict, trace};
use serde_json::json;

use super::changes::{CHANGES, Change, game};
use super::{Calls, Place, Side, Workspace, at_calls, logs, nothing_is_lost, say, undisturbed};

/// At how many calls of each operation in an ordinary run.
const ORDINARY: u64 = 6;

/// How the disk fails at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// This once.
    Once(Errno),
    /// It is full, and stays so: nothing can be written or made any more.
    Full,
}

/// The exit codes: 0, 1 and 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Done,
    Failed,
    Unknown,
}

/// What came of an operation whose disk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Came {
    said: Said,
    /// Whether somebody had to decide.
    frozen: bool,
    side: Side,
}

/// Whether a call is made on a file of the project at `root`: nobody reads the standard streams, and they are on no disk.
fn is_of(call: &Call, root: &Path) -> bool {
    call.path.as_deref().is_some_and(|path| path.is_relative() || path.starts_with(root))
}

/// Whether a full disk refuses a call.
fn takes_room(call: &Call) -> bool {
    let names = ["write", "open", "creat", "mkdir", "link", "copy_file_range", "sendfile", "fallocate"];
    names.iter().any(|name| call.name.contains(name)) && !call.name.contains("unlink")
}

/// The `n`th call on the project's files fails. `None` if there was no such call.
fn fails_at(
    n: usize,
    fault: Fault,
    project: &TestProject,
    change: &Change,
    before: &Workspace,
    after: &Workspace,
) -> Option<Came> {
    let copy = project.copy();
    let root = copy.root();
    let (mut seen, mut failed) = (0, None);
    let traced = trace(&copy.command(change.arguments), |call| {
        if !is_of(call, &root) {
            return Verdict::Go;
        }
        seen += 1;
        match fault {
            Fault::Once(error) if seen == n => {
                failed = Some(call.clone());
                Verdict::Fail(error)
            }
            Fault::Full if seen >= n && takes_room(call) => {
                failed.get_or_insert_with(|| call.clone());
                Verdict::Fail(Errno::ENOSPC)
            }
            Fault::Once(_) | Fault::Full => Verdict::Go,
        }
    });
    if seen < n {
        assert_eq!(traced.end, End::Exited(0), "{} ended by itself, badly", change.name);
        return None;
    }
    let _place =
        Place { what: format!("{}: {fault:?} at call {n}: {failed:?}, {:?}", change.name, traced.end) };
    let said = match traced.end {
        End::Exited(0) => Said::Done,
        End::Exited(1) => Said::Failed,
        End::Exited(5) => Said::Unknown,
        other => panic!("no operation is to end so: {other:?}"),
    };
    let must_be = |side: Side| {
        let expected = if side == Side::Before { before } else { after };
        let found = Workspace::of(&copy);
        assert!(&found == expected, "not {side:?}: {:?} {:?}", found.files.keys(), found.folders);
    };
    match said {
        Said::Done => must_be(Side::After),
        Said::Failed => must_be(Side::Before),
        Said::Unknown => {}
    }
    nothing_is_lost(&before.files, &copy);

    // The disk is in order again.
    copy.packer(&["status"]).exits(0);
    let state = copy.status()["freshness"]["state"].take();
    let frozen = state == "recovery_required";
    assert!(frozen || state == "verified", "{state}");
    assert!(!frozen || said == Said::Unknown, "{said:?}, and frozen");
    let side = if frozen {
        copy.packer(&["adopt", "assets", "--yes"]).exits(5);
        let (choice, side) = match n % 2 {
            0 => ("--keep-theirs", Side::Before),
            _ => ("--finish-ours", Side::After),
        };
        copy.packer(&["recover", choice, "--yes"]).exits(0);
        side
    } else {
        // What nobody said is to be seen.
        let is_before = match said {
            Said::Done => false,
            Said::Failed => true,
            Said::Unknown => &Workspace::of(&copy) == before,
        };
        if is_before { Side::Before } else { Side::After }
    };
    must_be(side);
    nothing_is_lost(&before.files, &copy);
    assert_eq!(copy.status()["freshness"]["state"], "verified");
    copy.packer(&["exclude", "ui/panel", "--yes"]).exits(0);
    assert_eq!(copy.leftovers(), Vec::<std::path::PathBuf>::new(), "an operation left something behind");
    let unknown = logs::settled(&copy.root())
        .iter()
        .filter(|event| serde_json::to_value(&event.body).unwrap()["type"] == json!("outcome_unknown"))
        .count();
    assert_eq!(unknown, usize::from(frozen), "how often an outcome was said to be unknown");
    Some(Came { said, frozen, side })
}

/// What comes of the failures of one change, all of them together.
fn fails(change: &Change) {
    let project = game();
    let before = Workspace::of(&project);
    let (done, calls) = undisturbed(&project, change.arguments);
    let after = Workspace::of(&done);
    let calls = calls.iter().filter(|call| is_of(call, &done.root())).count();
    for fault in [Fault::Once(Errno::EIO), Fault::Once(Errno::ENOSPC), Fault::Full] {
        let came = at_calls(Calls::Some(ORDINARY), calls, &|n| {
            fails_at(n, fault, &project, change, &before, &after)
        });
        let said = |said: Said| came.keys().any(|came| came.said == said);
        assert!(said(Said::Unknown), "{}: {fault:?}: {came:?}", change.name);
        if came.values().sum::<usize>() + 1 >= calls {
            // A full disk takes no log either, so there nobody says that it failed.
            assert!(said(Said::Failed) || fault == Fault::Full, "{}: {fault:?}: {came:?}", change.name);
            assert!(came.keys().any(|came| came.frozen), "{}: {fault:?}: {came:?}", change.name);
            say(&format!("{}: {fault:?}: {came:?}", change.name));
        }
    }
}

#[test]
fn a_move_of_a_file_whose_disk_fails_anywhere() {
    fails(&CHANGES[0]);
}

#[test]
fn a_removal_whose_disk_fails_anywhere() {
    fails(&CHANGES[2]);
}

#[test]
fn a_batch_whose_disk_fails_anywhere() {
    fails(&CHANGES[3]);
}
