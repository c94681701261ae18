//! `Packer`: the binary, run as people run it: arguments in; exit code, standard output and standard error out.
//!
//! It runs with an environment of its own, so that nobody's locale, colours or developers' logs reach a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use packer_events::event::Event;
use packer_events::sequence::StreamCheck;
use packer_events::wire::decode_line;
use serde_json::Value;

use crate::forms;

/// The binary.
#[derive(Clone, Debug)]
pub struct Packer {
    binary: PathBuf,
}

/// What one run gave.
#[derive(Clone, Debug)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Packer {
    /// The binary at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { binary: path.into() }
    }

    /// A run in `folder` that is still to be started.
    pub fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        for inherited in ["PACKER_LOG", "RUST_LOG", "NO_COLOR", "LC_ALL", "TZ"] {
            command.env_remove(inherited);
        }
        command
    }

    /// Runs it in `folder` to its end.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Run {
        let output = self.command(folder, arguments).output().expect("the packer can be started");
        let run = Run::of_process(output);
        forms::published().check_printed(arguments, &run.out);
        run
    }
}

impl Run {
    /// What a process gave. A packer never dies of a signal unless somebody kills it. What it printed as JSON is in one of
    /// the published forms, whichever command it was.
    pub fn of(output: Output) -> Self {
        let run = Self::of_process(output);
        if run.out.starts_with('{') {
            forms::published().check_printed(&["--format", "json"], &run.out);
        }
        run
    }

    fn of_process(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the packer writes UTF-8");
        let (out, err) = (text(output.stdout), text(output.stderr));
        let code = output.status.code();
        let code = code.unwrap_or_else(|| panic!("the packer died: {}\n{out}\n{err}", output.status));
        Self { code, out, err }
    }

    /// The same, once the exit code was as it should be.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often the exit code is all that matters")]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code; it wrote\n{}\n{}", self.out, self.err);
        self
    }

    /// Both outputs.
    pub fn text(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// The lines of standard output, each a JSON object.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        let parse = |line: &str| match serde_json::from_str(line) {
            Ok(Value::Object(object)) => Value::Object(object),
            other => panic!("{other:?}: no JSON object: {line}"),
        };
        self.out.lines().map(parse).collect()
    }

    /// The one JSON object on standard output.
    #[track_caller]
    pub fn object(&self) -> Value {
        let [object] = <[Value; 1]>::try_from(self.json()).expect("one line");
        object
    }

    /// The lines of standard output, each an event, once they keep the contract of a feed and end with the one terminal
    /// event of the last operation.
    #[track_caller]
    pub fn events(&self) -> Vec<Event> {
        let decode = |line: &str| decode_line(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let events: Vec<Event> = self.out.lines().map(decode).collect();
        let mut check = StreamCheck::feed();
        for event in &events {
            check.push(event).unwrap_or_else(|fault| panic!("{fault}\n{}", self.out));
        }
        assert_eq!(check.running().count(), 0, "an operation has no end:\n{}", self.out);
        assert!(
            events.last().is_some_and(|event| event.terminal),
            "the last line is not terminal:\n{}",
            self.out
        );
        events
    }

    /// The body of the last event, as JSON.
    #[track_caller]
    pub fn ending(&self) -> Value {
        self.events();
        self.json().pop().expect("there is a last line")["body"].take()
    }
}
