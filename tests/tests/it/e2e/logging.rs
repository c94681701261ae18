//! Developers' logs: each line stands in the span of its operation, whichever thread wrote it, and none is on standard output.

use std::collections::BTreeSet;

use packer_tests::packer::Run;
use packer_tests::project::TestProject;
use serde_json::Value;

use super::packer;

const OURS: &str = "packer_cli=trace,packer_runtime=trace,packer_fs=trace,packer_codecs=trace";

/// Runs the packer with its logs as JSON; what it gave, and the lines.
fn logged(project: &TestProject, arguments: &[&str]) -> (Run, Vec<Value>) {
    // What people are told besides goes to standard error too, unless they ask for quiet.
    let mut command = project.command(&[arguments, &["--quiet"]].concat());
    command.env("PACKER_LOG", OURS).env("PACKER_LOG_FORMAT", "json");
    let run = Run::of(command.output().unwrap());
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let lines = run.err.lines().map(parse).collect();
    (run, lines)
}

#[track_caller]
fn text<'v>(value: &'v Value, at: &str) -> &'v str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("no {at} in {value}"))
}

#[test]
fn every_line_of_a_build_carries_its_operation() {
    let project = TestProject::adopted(packer());
    for extra in ["--no-store", "--keep-going"] {
        project.write("assets/texts/hello.txt", format!("changed by {extra}\n").as_bytes());
        let (run, lines) = logged(&project, &["build", extra, "--jobs", "2", "--format", "json"]);
        // What is asked for is on standard output, and nothing else is.
        let events = run.exits(0).events();
        for line in &lines {
            assert_eq!(text(line, "/span/name"), "operation", "{line}");
            assert_eq!(text(line, "/span/operation_id"), events[0].operation_id.to_string(), "{line}");
            assert_eq!(text(line, "/span/kind"), "build", "{line}");
        }
        let said: BTreeSet<&str> = lines.iter().map(|line| text(line, "/fields/message")).collect();
        for expected in ["accepted", "begins", "scanned", "baked", "ends"] {
            assert!(said.contains(expected), "{extra}: nothing says {expected}: {said:?}");
        }
    }
}

#[test]
fn a_change_and_its_undoing_carry_their_operations() {
    let project = TestProject::with_sources(packer());
    // Enough for several threads to stage what is to be committed.
    for n in 0..200 {
        project.write(&format!("assets/many/{n}.txt"), b"text\n");
    }
    for arguments in [&["adopt", "assets", "--yes"][..], &["undo", "--yes"]] {
        let (run, lines) = logged(&project, &[arguments, &["--format", "json"]].concat());
        let operation = run.exits(0).events().last().unwrap().operation_id.to_string();
        let of_it = lines.iter().filter(|line| line["span"]["operation_id"] == operation.as_str()).count();
        assert!(of_it >= 3, "{arguments:?}: {lines:#?}");
    }
}

#[test]
fn people_get_text_where_they_ask_for_everything() {
    let project = TestProject::adopted(packer());
    let id = |run: &Run| run.events()[0].operation_id.to_string();
    let quiet = project.packer(&["refresh", "--format", "json"]).exits(0);
    assert_eq!(quiet.err, "");
    let told = project.packer(&["refresh", "--verbose", "--format", "json"]).exits(0);
    assert!(
        told.err.contains(&format!("operation{{operation_id={} kind=refresh}}", id(&told))),
        "{}",
        told.err
    );
    assert!(!told.err.contains("TRACE"), "{}", told.err);
    let fine = project.packer(&["refresh", "-vv", "--format", "json"]).exits(0);
    assert!(fine.err.contains("TRACE"), "{}", fine.err);
}

#[test]
fn where_logs_are_json_nothing_else_is_on_standard_error() {
    let project = TestProject::adopted(packer());
    project.write("assets/texts/hello.txt", b"changed\n");
    let built = |arguments: &[&str], logs: &str| {
        let mut command = project.command(arguments);
        let run = Run::of(command.env("PACKER_LOG", logs).env("PACKER_LOG_FORMAT", "json").output().unwrap());
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let lines: Vec<Value> = run.err.lines().map(parse).collect();
        (run, lines)
    };
    let said = |lines: &[Value]| -> Vec<(String, String)> {
        let said = lines.iter().filter(|line| line["target"] == "packer_cli::said");
        said.map(|line| (text(line, "/level").to_owned(), text(line, "/fields/message").to_owned())).collect()
    };
    // Progress of a build is not shown, and what it did is where it always is.
    let (run, lines) = built(&["build"], OURS);
    assert!(run.exits(0).out.contains("assets"));
    assert!(lines.len() > 3, "{lines:?}");
    assert_eq!(said(&lines), []);
    // What people are told goes into the logs, also where they are off.
    let (run, lines) = built(&["events"], "off");
    run.exits(0);
    let notes = said(&lines);
    assert!(
        matches!(&notes[..], [(level, note)] if level == "INFO" && note.contains("succeeded")),
        "{notes:?}"
    );
    let (run, lines) = built(&["events", "--quiet"], "off");
    run.exits(0);
    assert_eq!(lines, [] as [Value; 0]);
    project.write("packer.toml", b"[project\n");
    let (run, lines) = built(&["build", "--color", "always"], "off");
    run.exits(1);
    let errors = said(&lines);
    let is_error = |(level, message): &(String, String)| level == "ERROR" && message.contains("packer.toml");
    assert!(errors.iter().all(is_error) && !errors.is_empty(), "{errors:?}");
    assert!(!errors.iter().any(|(_, message)| message.contains('\u{1b}')), "{errors:?}");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let project = TestProject::new(packer());
    for (variable, value, expected) in [
        ("PACKER_LOG", "warn,packer_fs=loud", "PACKER_LOG, character 6: \"packer_fs=loud\" is no directive"),
        ("PACKER_LOG_FORMAT", "yaml", "PACKER_LOG_FORMAT is \"yaml\", and can be `text` or `json`"),
    ] {
        let mut command = project.command(&["status"]);
        let run = Run::of(command.env(variable, value).output().unwrap()).exits(2);
        assert!(run.err.contains(expected), "{}", run.err);
        assert_eq!(run.out, "");
        let mut command = project.command(&["status", "--format", "json"]);
        let error = Run::of(command.env(variable, value).output().unwrap()).exits(2).object();
        assert!(text(&error, "/error/message").contains(expected), "{error}");
    }
    // Empty is as if they were not there.
    let mut command = project.command(&["status"]);
    Run::of(command.env("PACKER_LOG", "").env("PACKER_LOG_FORMAT", "").output().unwrap()).exits(0);
}

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod with_signals {
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use packer_tests::logs;
    use packer_tests::trace::{End, Verdict, trace};

    use super::*;

    #[test]
    fn a_recovery_carries_its_own_operation() {
        let project = TestProject::with_sources(packer());
        let killed = trace(&project.command(&["adopt", "assets", "--yes"]), |call| {
            let writes_intent =
                call.path.as_ref().is_some_and(|path| path.to_string_lossy().ends_with(".unfinished"));
            if call.name == "openat" && writes_intent { Verdict::Kill } else { Verdict::Go }
        });
        assert_eq!(killed.end, End::Killed);
        let (run, lines) = logged(&project, &["status", "--format", "json"]);
        run.exits(0);
        let told = lines.iter().find(|line| line["fields"]["message"] == "recovered").unwrap();
        assert_eq!(text(told, "/span/kind"), "recover", "{told}");
        let events = logs::settled(&project.root());
        let recovery =
            events.iter().find(|event| event.operation_id.to_string() == text(told, "/span/operation_id"));
        let cause = recovery.unwrap().causation_id.unwrap().to_string();
        assert_eq!(text(told, "/span/causation_id"), cause, "{told}");
        assert_eq!(text(told, "/fields/of"), cause, "{told}");
    }

    #[test]
    fn a_watch_and_what_it_causes_carry_their_operations() {
        let project = TestProject::adopted(packer());
        let mut command = project.command(&["watch", "--build", "--quiet", "--format", "json"]);
        command.env("PACKER_LOG", OURS).env("PACKER_LOG_FORMAT", "json");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut err = child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).unwrap();
            text
        });
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("\"type\":\"succeeded\"") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "it ended");
        }
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
        std::io::copy(&mut out, &mut std::io::sink()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let mut kinds = BTreeSet::new();
        let told = reader.join().unwrap();
        for line in told.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            // Opening observes before there is any operation.
            if line.get("span").is_some() {
                let kind = text(&line, "/span/kind").to_owned();
                if kind == "build" {
                    text(&line, "/span/causation_id");
                }
                kinds.insert(kind);
            }
        }
        assert_eq!(kinds, ["build", "watch"].map(str::to_owned).into());
    }
}
