//! `packer watch --build`, run as somebody leaves it running: it follows edits, another process's commits and a registry
//! that cannot be read for a while, and ends with Ctrl-C when everything it began has ended.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use packer_events::event::Event;
use packer_events::sequence::StreamCheck;
use packer_events::wire::decode_line;
use packer_tests::forms;
use packer_tests::logs;
use packer_tests::picture::png;
use packer_tests::project::TestProject;
use serde_json::Value;

use super::packer;

/// A watch that runs, read line by line. One that says nothing more holds the test up, which the harness shows.
struct Watching {
    child: Child,
    lines: BufReader<ChildStdout>,
    events: Vec<Event>,
}

impl Watching {
    fn start(project: &TestProject) -> Self {
        let mut command = project.command(&["watch", "--build", "--format", "json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, events: Vec::new() }
    }

    /// The body of the next event, if there is one.
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        if self.lines.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        forms::published().check_lines("event", &line);
        let event = decode_line(line.trim_end()).unwrap();
        let body = serde_json::to_value(&event.body).unwrap();
        self.events.push(event);
        Some(body)
    }

    /// The first event from here on that is as asked.
    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let body = self.next().unwrap_or_else(|| panic!("it ended: {:#?}", self.events.last()));
            if is_it(&body) {
                return body;
            }
        }
    }

    /// Waits for a build that succeeds with so many assets.
    fn until_built(&mut self, assets: u64) -> Value {
        self.until(|body| {
            let outcome = &body["outcome"];
            body["type"] == "succeeded" && outcome["kind"] == "build" && outcome["assets"] == assets
        })
    }
}

fn is_freshness(body: &Value, state: &str) -> bool {
    body["type"] == "freshness" && body["to"]["state"] == state
}

#[test]
fn it_builds_what_changes_until_ctrl_c() {
    let project = TestProject::adopted(packer());
    let mut watching = Watching::start(&project);
    assert_eq!(watching.next().unwrap()["kind"], "watch", "its events begin with the beginning");
    watching.until_built(5);

    project.write("assets/ui/panel.png", &png(16, 77));
    let dirty = watching.until(|body| is_freshness(body, "dirty"));
    assert_eq!(dirty["paths"], serde_json::json!(["ui/panel.png"]));
    assert_eq!(watching.until_built(5)["outcome"]["baked"], 1);

    // Another process adopts meanwhile: what it committed is said to be unknown, and then built.
    project.write("assets/texts/new.txt", b"new\n");
    project.packer(&["adopt", "assets/texts", "--yes"]).exits(0);
    watching.until_built(6);

    // A registry amid a merge: told, and followed again once it was mended.
    let registry = project.read_text("registry.jsonl");
    project.write("registry.jsonl", format!("{registry}<<<<<<< ours\n").as_bytes());
    watching.until(|body| body["type"] == "rejected");
    project.write("registry.jsonl", registry.as_bytes());
    watching.until(|body| is_freshness(body, "verified"));
    project.write("assets/texts/new.txt", b"newer\n");
    watching.until_built(6);
    project.packer(&["verify", "--workspace"]).exits(0);

    kill(Pid::from_raw(i32::try_from(watching.child.id()).unwrap()), Signal::SIGINT).unwrap();
    while watching.next().is_some() {}
    assert_eq!(watching.child.wait().unwrap().code(), Some(130));
    let mut check = StreamCheck::feed();
    for event in &watching.events {
        check.push(event).unwrap();
    }
    assert_eq!(check.running().count(), 0, "something has no end");
    let watch = &watching.events[0];
    for event in watching.events.iter().filter(|event| event.operation_id != watch.operation_id) {
        assert_eq!(event.causation_id, Some(watch.operation_id), "{event:#?}");
    }
    // What was printed is what was logged.
    let logged = logs::settled(&project.root());
    let of_watch = |event: &&Event| event.source == watch.source;
    assert_eq!(logged.iter().filter(of_watch).count(), watching.events.len());
    assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn people_are_told_what_differs_and_what_was_done() {
    let project = TestProject::adopted(packer());
    let mut command = project.command(&["watch"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "watching game, 5 assets; Ctrl-C ends it");
    project.write("assets/texts/hello.txt", b"changed\n");
    assert_eq!(lines.next().unwrap(), "changed: 1 path");
    assert_eq!(lines.next().unwrap(), "  differs: texts/hello.txt");
    let told: Vec<String> = lines.by_ref().take(2).collect();
    assert!(told.contains(&"up to date".to_owned()), "{told:?}");
    assert!(told.iter().any(|line| line.contains("1 changed")), "{told:?}");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(lines.count(), 0);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    logs::settled(&project.root());
}
