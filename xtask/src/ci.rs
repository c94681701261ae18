//! `cargo xtask ci`: everything that a change has to pass, in one command, cheapest first, tests last.
//!
//! It stops at the first step that fails and says which. On success the tests' own closing lines are the last of the
//! output. It installs nothing; `.ci/run` does, where a tool is missing.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Failure, docs, harbour};

/// A check: its name, and how it runs in the repository.
struct Step {
    name: &'static str,
    run: fn(&Path) -> Result<(), Failure>,
}

const STEPS: [Step; 6] = [
    Step { name: "formatting", run: |at| cargo(at, &["fmt", "--all", "--check"], &[]) },
    Step { name: "generated files", run: generated_files },
    Step { name: "dependency policy", run: dependency_policy },
    Step {
        name: "clippy",
        run: |at| cargo(at, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[]),
    },
    Step {
        name: "documentation",
        run: |at| cargo(at, &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")]),
    },
    Step { name: "tests", run: |at| cargo(at, &["test", "--workspace"], &[]) },
];

/// Runs every step in `repository`.
pub(crate) fn run(repository: &Path) -> Result<(), Failure> {
    let mut passed: Vec<(&str, Duration)> = Vec::new();
    for (index, step) in STEPS.iter().enumerate() {
        let last = index + 1 == STEPS.len();
        if last {
            eprintln!("ci: passed so far:");
            for (name, took) in &passed {
                eprintln!("ci:   {name:<20} {:>7.1} s", took.as_secs_f64());
            }
        }
        eprintln!("ci: step {} of {}: {}", index + 1, STEPS.len(), step.name);
        let start = Instant::now();
        let result = (step.run)(repository);
        let took = start.elapsed();
        if let Err(Failure(message)) = result {
            let done: Vec<&str> = passed.iter().map(|(name, _)| *name).collect();
            let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
            return Err(Failure(format!(
                "ci: FAILED at step {} of {}, {}, after {:.1} s: {message}\nci: passed before it: {done}",
                index + 1,
                STEPS.len(),
                step.name,
                took.as_secs_f64()
            )));
        }
        if !last {
            eprintln!("ci: ok: {} in {:.1} s", step.name, took.as_secs_f64());
        }
        passed.push((step.name, took));
    }
    Ok(())
}

fn generated_files(repository: &Path) -> Result<(), Failure> {
    let mut stale: Vec<String> = harbour::check(&repository.join(harbour::FOLDER))
        .map_err(|error| Failure(error.to_string()))?
        .iter()
        .map(ToString::to_string)
        .collect();
    let documents = docs::stale(repository).into_iter();
    stale.extend(documents.map(|path| format!("{path} is out of date: run `cargo xtask gen-docs`")));
    if stale.is_empty() { Ok(()) } else { Err(Failure(stale.join("\n"))) }
}

fn dependency_policy(repository: &Path) -> Result<(), Failure> {
    let present = cargo_command(repository, &["deny", "--version"]).output();
    if !present.is_ok_and(|output| output.status.success()) {
        return Err(Failure(
            "cargo-deny is not installed: run .ci/run, or cargo install cargo-deny --locked".to_owned(),
        ));
    }
    cargo(repository, &["deny", "check", "licenses", "bans", "sources"], &[])
}

fn cargo_command(repository: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(repository);
    command
}

fn cargo(repository: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<(), Failure> {
    let shown = format!("cargo {}", arguments.join(" "));
    let status = cargo_command(repository, arguments)
        .envs(environment.iter().copied())
        .status()
        .map_err(|error| Failure(format!("{shown}: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure(format!("{shown}: {status}"))) }
}
