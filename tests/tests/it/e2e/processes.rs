//! Several processes on one project at once: each operation ends once, nothing is lost, and a build that was overtaken
//! says so and publishes nothing.

use std::process::{Child, Stdio};

use packer_tests::logs;
use packer_tests::packer::Run;
use packer_tests::picture::png;
use packer_tests::project::TestProject;

use super::packer;

/// How often all of them meet.
const ROUNDS: u32 = 10;

fn start(project: &TestProject, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn two_adopt_and_two_build_at_once() {
    let project = TestProject::adopted(packer());
    for round in 0..ROUNDS {
        for side in ["left", "right"] {
            project.write(&format!("assets/{side}/{round}.png"), &png(8, round));
            project.write(&format!("assets/{side}/{round}.txt"), format!("{side} {round}\n").as_bytes());
        }
        let adopt = |side| start(&project, &["adopt", side, "--yes", "--format", "json"]);
        let build = || start(&project, &["build", "--format", "json"]);
        let (left, first) = (adopt("assets/left"), build());
        let (right, second) = (adopt("assets/right"), build());
        for adoption in [left, right] {
            let run = Run::of(adoption.wait_with_output().unwrap()).exits(0);
            assert_eq!(run.ending()["outcome"]["assets_added"], 2);
        }
        for build in [first, second] {
            let run = Run::of(build.wait_with_output().unwrap());
            let ending = run.ending();
            if run.code != 0 {
                assert_eq!(
                    (run.code, &ending["outcome"]["reason"]["type"]),
                    (3, &"inputs_changed".into()),
                    "{ending}"
                );
            }
        }
        project.packer(&["check"]).exits(0);
    }
    let managed = u64::from(5 + ROUNDS * 4);
    assert_eq!(project.status()["assets"]["managed"], managed);
    project.packer(&["build"]).exits(0);
    assert_eq!(project.packer(&["verify", "--format", "json"]).exits(0).object()["entries"], managed);
    assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
    let ended = logs::settled(&project.root()).iter().filter(|event| event.terminal).count();
    assert_eq!(ended, 2 + ROUNDS as usize * 4 + 1, "each operation ended once");
}

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod stopped {
    //! One process does something while another stands still in the middle of its work.

    use std::io::{BufRead, BufReader, Read};
    use std::sync::mpsc;
    use std::thread;

    use nix::errno::Errno;
    use packer_events::event::Event;
    use packer_tests::trace::{Call, End, Verdict, trace};
    use serde_json::{Value, json};

    use super::*;

    fn creates(call: &Call, name: &str) -> bool {
        call.name == "openat" && call.path.as_ref().is_some_and(|path| path.ends_with(name))
    }

    /// Runs a build, has `meanwhile` happen while it is about to write its pack, and gives its exit code and ending.
    fn overtaken(project: &TestProject, meanwhile: impl Fn()) -> (i32, Value) {
        let mut met = 0;
        let build = trace(&project.command(&["build"]), |call| {
            if creates(call, "assets.pack") {
                met += 1;
                meanwhile();
            }
            Verdict::Go
        });
        assert_eq!(met, 1, "the build wrote its pack once: {:?}", build.calls);
        let End::Exited(code) = build.end else { panic!("the build was killed") };
        let events = logs::settled(&project.root());
        let body = |event: &Event| serde_json::to_value(&event.body).unwrap();
        let builds = events.iter().filter(|event| body(event)["kind"] == "build");
        let build = builds.max_by_key(|event| event.time).unwrap().operation_id;
        let ending = events.iter().find(|event| event.operation_id == build && event.terminal).unwrap();
        (code, body(ending))
    }

    #[test]
    fn a_build_that_an_adoption_overtakes_publishes_nothing_and_succeeds_when_run_again() {
        let project = TestProject::adopted(packer());
        project.packer(&["build"]).exits(0);
        let outputs = project.outputs();
        project.write("assets/texts/hello.txt", b"changed\n");
        project.write("assets/texts/new.txt", b"new\n");
        let (code, ending) = overtaken(&project, || {
            // It does not wait for the build: baking holds no lane.
            project.packer(&["adopt", "assets/texts", "--yes", "--no-wait"]).exits(0);
        });
        assert_eq!((code, &ending["type"]), (3, &json!("rejected")));
        let reason = &ending["outcome"]["reason"];
        assert_eq!((&reason["type"], &reason["registry"]), (&json!("inputs_changed"), &json!(true)));
        assert_eq!(reason["paths"], json!(["texts/new.txt.asset.toml"]));
        assert_eq!(project.outputs(), outputs, "an overtaken build published something");
        assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
        project.packer(&["build"]).exits(0);
        assert_eq!(project.packer(&["verify", "--format", "json"]).exits(0).object()["entries"], 6);
    }

    #[test]
    fn a_build_whose_input_is_saved_meanwhile_names_it() {
        let project = TestProject::adopted(packer());
        let (code, ending) = overtaken(&project, || project.write("assets/ui/panel.png", &png(16, 77)));
        assert_eq!(code, 3);
        let expected = json!({
            "type": "inputs_changed", "paths": ["ui/panel.png"], "registry": false, "configuration": false
        });
        assert_eq!(ending["outcome"]["reason"], expected);
        project.packer(&["build"]).exits(0);
    }

    #[test]
    fn a_file_that_nothing_uses_overtakes_nothing() {
        let project = TestProject::adopted(packer());
        let (code, _) = overtaken(&project, || project.write("assets/notes.xyz", b"to do"));
        assert_eq!(code, 0);
    }

    #[test]
    fn who_may_not_wait_is_told_who_holds_the_lane() {
        let project = TestProject::with_sources(packer());
        let mut met = 0;
        let adopt = trace(&project.command(&["adopt", "assets", "--yes"]), |call| {
            if writes_intent(call) {
                met += 1;
                let refused = project.packer(&["adopt", "assets", "--yes", "--no-wait"]).exits(4);
                assert!(refused.err.contains("process"), "{}", refused.err);
                // Reads wait for nobody.
                assert_eq!(project.status()["assets"]["managed"], 0);
            }
            Verdict::Go
        });
        assert_eq!((met, adopt.end), (1, End::Exited(0)), "{:?}", adopt.calls);
        assert_eq!(project.status()["assets"]["managed"], 4);
        logs::settled(&project.root());
    }

    /// The terminal events of the operations of one kind, in the order of time. A log whose folder was deleted begins late.
    fn endings(project: &TestProject, kind: &str) -> Vec<Value> {
        let events = logs::recorded(&project.root());
        let body = |event: &Event| serde_json::to_value(&event.body).unwrap();
        let ends = events.iter().filter(|event| event.terminal).map(|event| (event.time, body(event)));
        let mut ends: Vec<_> = ends.filter(|(_, body)| body["outcome"]["kind"] == kind).collect();
        ends.sort_by_key(|(time, _)| *time);
        ends.into_iter().map(|(_, body)| body).collect()
    }

    /// Deletes what the packer keeps for itself, and has somebody else do the same meanwhile.
    fn without_operational_folder(project: &TestProject, arguments: &[&str]) {
        std::fs::remove_dir_all(project.path(".packer")).unwrap();
        project.packer(arguments).exits(0);
    }

    #[test]
    fn a_process_whose_lane_was_deleted_under_it_writes_nothing_beside_the_next() {
        // Whether the next one has changed what this one's plan was made from, or only has a lane of its own.
        for (next, code, managed) in [(&["build"][..], 1, 5), (&["adopt", "assets", "--yes"], 3, 6)] {
            let project = TestProject::adopted(packer());
            project.deletes_a_log();
            project.write("assets/texts/new.txt", b"new\n");
            let mut workspace = None;
            let adopt = trace(&project.command(&["adopt", "assets", "--yes"]), |call| {
                // What it is about to commit is being staged.
                if workspace.is_none() && creates_in_journal(call) {
                    without_operational_folder(&project, next);
                    workspace = Some(project.workspace());
                }
                Verdict::Go
            });
            assert_eq!(adopt.end, End::Exited(code), "{next:?}: {:?}", adopt.calls);
            assert_eq!(Some(project.workspace()), workspace, "there was a second writer");
            assert_eq!(project.status()["assets"]["managed"], managed);
            // What it says of itself goes where it can be found.
            let ending = endings(&project, "adopt").pop().expect("it is recorded how it ended");
            if code == 1 {
                assert_eq!(ending["outcome"]["cause"]["path"], ".packer/lane.lock", "{ending}");
            }
            project.packer(&["adopt", "assets", "--yes"]).exits(0);
            project.packer(&["check"]).exits(0);
            assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
        }
    }

    #[test]
    fn a_build_whose_lock_was_deleted_under_it_publishes_nothing_beside_the_next() {
        let project = TestProject::adopted(packer());
        project.deletes_a_log();
        let mut outputs = None;
        let build = trace(&project.command(&["build"]), |call| {
            if outputs.is_none() && creates(call, "assets.pack") {
                without_operational_folder(&project, &["build"]);
                outputs = Some(project.outputs());
            }
            Verdict::Go
        });
        assert_eq!(build.end, End::Exited(1), "{:?}", build.calls);
        assert_eq!(Some(project.outputs()), outputs, "two builds published");
        let endings = endings(&project, "build");
        assert_eq!(endings.len(), 2, "{endings:?}");
        assert_eq!(endings[1]["type"], "failed", "{endings:?}");
        project.packer(&["build"]).exits(0);
        project.packer(&["verify"]).exits(0);
        assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
    }

    fn creates_in_journal(call: &Call) -> bool {
        let is_in_journal =
            |path: &std::path::PathBuf| path.parent().is_some_and(|at| at.ends_with("journal"));
        call.name == "openat" && call.path.as_ref().is_some_and(is_in_journal)
    }

    #[test]
    fn where_nothing_can_be_locked_nothing_is_committed_and_the_reason_is_said() {
        let project = TestProject::with_sources(packer());
        let before = project.tree();
        for arguments in [&["adopt", "assets", "--yes"][..], &["build"]] {
            let run = trace(&project.command(arguments), |call| {
                if call.name == "flock" { Verdict::Deny(Errno::ENOLCK) } else { Verdict::Go }
            });
            assert_eq!(run.end, End::Exited(4), "{arguments:?}: {:?}", run.calls);
            assert_eq!(project.tree(), before);
            let ending = endings(&project, arguments[0]).pop().expect("it is recorded how it ended");
            assert_eq!(ending["outcome"]["reason"]["type"], "lock_unsupported", "{ending}");
        }
        // Reading needs no lock.
        let status = trace(&project.command(&["status"]), |call| {
            if call.name == "flock" { Verdict::Deny(Errno::ENOLCK) } else { Verdict::Go }
        });
        assert_eq!(status.end, End::Exited(0));
        project.packer(&["adopt", "assets", "--yes"]).exits(0);
        logs::settled(&project.root());
    }

    #[test]
    fn a_build_whose_registry_or_configuration_changes_meanwhile_publishes_nothing() {
        for (file, registry) in [("registry.jsonl", true), ("packer.toml", false)] {
            let project = TestProject::adopted(packer());
            project.packer(&["build"]).exits(0);
            let outputs = project.outputs();
            project.write("assets/texts/hello.txt", b"changed\n");
            let text = project.read_text(file);
            // Somebody checks out what has one asset less, or another way of compressing.
            let other = if registry {
                text.split_inclusive('\n').take(text.lines().count() - 1).collect()
            } else {
                text.replace("\"zstd\"", "\"lz4\"")
            };
            assert_ne!(other, text);
            let (code, ending) = overtaken(&project, || project.write(file, other.as_bytes()));
            let reason = &ending["outcome"]["reason"];
            assert_eq!((code, &reason["type"]), (3, &json!("inputs_changed")), "{ending}");
            let expected = (&json!(registry), &json!(!registry));
            assert_eq!((&reason["registry"], &reason["configuration"]), expected, "{ending}");
            assert_eq!(project.outputs(), outputs, "an overtaken build published something");
            assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
        }
    }

    /// Whether a process is about to write down what it commits.
    fn writes_intent(call: &Call) -> bool {
        call.name == "openat"
            && call
                .path
                .as_ref()
                .is_some_and(|path| path.extension().is_some_and(|found| found == "unfinished"))
    }

    #[test]
    fn whoever_waits_for_a_lane_gets_it_when_its_holder_is_killed_and_recovers_first() {
        let project = TestProject::with_sources(packer());
        let (waits, waiting) = mpsc::channel();
        let (mut killed, run) = thread::scope(|scope| {
            let mut waiter = None;
            let killed = trace(&project.command(&["adopt", "assets", "--yes"]), |call| {
                if !writes_intent(call) {
                    return Verdict::Go;
                }
                // Started by a thread of its own: the tracer waits for all children of this one.
                let (project, waits) = (&project, waits.clone());
                waiter = Some(scope.spawn(move || {
                    let mut waiter =
                        start(project, &["adopt", "assets", "--kind", "raw", "--yes", "--format", "json"]);
                    let mut out = BufReader::new(waiter.stdout.take().unwrap());
                    let mut text = String::new();
                    while !text.contains(r#""type":"queued""#) {
                        assert!(out.read_line(&mut text).unwrap() > 0, "it did not wait: {text}");
                    }
                    waits.send(text.clone()).unwrap();
                    out.read_to_string(&mut text).unwrap();
                    let output = waiter.wait_with_output().unwrap();
                    Run { code: output.status.code().unwrap(), out: text, err: String::new() }
                }));
                let told = waiting.recv().unwrap();
                assert!(told.contains(r#""holder":{"#), "it does not say whom it waits for: {told}");
                Verdict::Kill
            });
            (killed, waiter.unwrap().join().unwrap())
        });
        assert_eq!((killed.end, killed.calls.pop().map(|call| call.name)), (End::Killed, Some("openat")));
        // All five: what the other one had begun was not committed.
        assert_eq!(run.exits(0).ending()["outcome"]["assets_added"], 5);
        let endings: Vec<Value> = logs::settled(&project.root())
            .iter()
            .filter(|event| event.terminal)
            .map(|event| serde_json::to_value(&event.body).unwrap()["type"].take())
            .collect();
        assert!(endings.contains(&json!("aborted")), "{endings:?}");
        project.packer(&["check"]).exits(0);
        project.packer(&["build"]).exits(0);
        assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
    }
}
