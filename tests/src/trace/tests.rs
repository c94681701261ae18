//! Tests of tracing, on a program that everybody has.

use std::path::Path;

use super::*;

const PROGRAM: &str = "echo one > a && mkdir b && mv a b/c && rm b/c";

fn shell(folder: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", PROGRAM]).current_dir(folder);
    command
}

/// What is in the folder, in a word.
fn state(folder: &Path) -> &'static str {
    let is = |path: &str| folder.join(path).exists();
    let text = std::fs::read_to_string(folder.join("a")).unwrap_or_default();
    match (is("a"), text.as_str(), is("b"), is("b/c")) {
        (false, _, false, _) => "nothing",
        (true, "", false, _) => "created",
        (true, "one\n", false, _) => "written",
        (true, "one\n", true, false) => "folder",
        (false, _, true, true) => "moved",
        (false, _, true, false) => "removed",
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_is_killed_before_the_call_that_it_is_stopped_at() {
    let folder = tempfile::tempdir().unwrap();
    let whole = trace(&shell(folder.path()), |_| Verdict::Go);
    assert_eq!((whole.end, state(folder.path())), (End::Exited(0), "removed"));

    let mut states = Vec::new();
    for n in 1..=whole.calls.len() {
        let folder = tempfile::tempdir().unwrap();
        let mut left = n;
        let killed = trace(&shell(folder.path()), |_| {
            left -= 1;
            if left == 0 { Verdict::Kill } else { Verdict::Go }
        });
        assert_eq!((killed.end, killed.calls.len()), (End::Killed, n));
        states.push(state(folder.path()));
    }
    states.dedup();
    assert_eq!(states, ["nothing", "created", "written", "folder", "moved"]);
}

#[test]
fn paths_are_read_and_the_program_stands_still_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let traced = trace(&shell(folder.path()), |call| {
        let name = call.path.as_ref().and_then(|path| path.file_name());
        if name.is_some_and(|name| name == "c") {
            seen.push(state(folder.path()));
        }
        Verdict::Go
    });
    assert_eq!((traced.end, seen), (End::Exited(0), vec!["folder", "moved"]));
}

#[test]
fn a_call_that_is_to_fail_does_nothing_and_says_so() {
    let fails = |name: &str, at: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut failed = 0;
        let traced = trace(&shell(folder.path()), |call| {
            let is_at = call.path.as_ref().is_some_and(|path| path.ends_with(at));
            if failed == 0 && call.name.starts_with(name) && is_at {
                failed += 1;
                return Verdict::Fail(Errno::ENOSPC);
            }
            Verdict::Go
        });
        assert_eq!(failed, 1, "{name} {at}: {:?}", traced.calls);
        assert!(matches!(traced.end, End::Exited(code) if code != 0), "{name} {at}: {traced:?}");
        state(folder.path())
    };
    assert_eq!(fails("open", "a"), "nothing");
    assert_eq!(fails("mkdir", "b"), "written");
    assert_eq!(fails("rename", "c"), "folder");
    assert_eq!(fails("unlink", "c"), "moved");
}

#[test]
fn the_code_of_a_program_is_told() {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exit 7"]);
    assert_eq!(trace(&command, |_| Verdict::Go).end, End::Exited(7));
}
