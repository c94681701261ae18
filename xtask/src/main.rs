//! The repository's chores: `cargo xtask CHORE`.
//!
//! Each chore is a module; this file only chooses. What the packer itself can do is in `packer-cli`, which
//! `build-assets` calls.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the terminal that started it"
)]

mod bench;
mod build_assets;
mod ci;
mod conformance;
mod docs;
mod harbour;
mod soak;
mod studio_types;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask CHORE

  build-assets [ARGS]     packer build ARGS; with no ARGS, builds examples/harbour
  bench gen|run [ARGS]    writes projects of any size; measures the packer on them beside its peers
  gen-harbour [--check]   writes the sources of examples/harbour, or says whether those on disk are current
  gen-docs [--check]      writes docs/diagnostics.md, docs/schema and the Studio's types, or says whether those on disk are current
  conformance NAME=DIR…   builds folders of real files, and says what came of each; --help tells more
  packer [ARGS]           the packer itself, as it is in this repository
  soak fuzz [ARGS]        runs the fuzzers for a while: --seconds N, --parallel N, names of targets
  soak schedules|kills|crowd|model [ARGS]
                          runs tests that try a number of things with a larger one: --number N, --seed N
  ci                      everything that a change has to pass
";

/// Why a chore failed, for people.
#[derive(Debug)]
struct Failure(String);

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let chore = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    let repository = repository();
    let result = match (chore.to_str().unwrap_or_default(), rest.as_slice()) {
        ("build-assets", arguments) => return build_assets::run(&repository, arguments),
        ("packer", arguments) => return packer(arguments),
        ("bench", arguments) => return bench::run(&repository, arguments),
        ("gen-harbour", []) => write_harbour(&repository),
        ("gen-harbour", [flag]) if flag == "--check" => check_harbour(&repository),
        ("gen-docs", []) => write_docs(&repository),
        ("gen-docs", [flag]) if flag == "--check" => check_docs(&repository),
        ("conformance", arguments) => conformance::run(&repository, arguments),
        ("soak", arguments) => soak::run(&repository, arguments),
        ("ci", []) => ci::run(&repository),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// `cargo xtask packer ARGUMENTS`: the packer, for chores that run it as its users do.
fn packer(arguments: &[OsString]) -> ExitCode {
    let all = std::iter::once(OsString::from("packer")).chain(arguments.iter().cloned());
    packer_cli::run(all, packer_cli::builtin_codecs())
}

/// The root of the repository that this binary was built from.
fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the package is a folder of the repository").to_owned()
}

fn write_harbour(repository: &Path) -> Result<(), Failure> {
    let project = repository.join(harbour::FOLDER);
    let written = harbour::write(&project).map_err(|error| Failure(error.to_string()))?;
    println!("{written} files written to {}", harbour::FOLDER);
    check_harbour(repository)
}

fn check_harbour(repository: &Path) -> Result<(), Failure> {
    let differences =
        harbour::check(&repository.join(harbour::FOLDER)).map_err(|error| Failure(error.to_string()))?;
    if differences.is_empty() {
        println!("{} is what the generator makes", harbour::FOLDER);
        return Ok(());
    }
    let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
    Err(Failure(lines.join("\n")))
}

fn write_docs(repository: &Path) -> Result<(), Failure> {
    let written = docs::write(repository).map_err(|error| Failure(format!("the documents: {error}")))?;
    for path in &written {
        println!("{path} written");
    }
    check_docs(repository)
}

fn check_docs(repository: &Path) -> Result<(), Failure> {
    let stale = docs::stale(repository);
    if stale.is_empty() {
        println!("the generated documents are current");
        return Ok(());
    }
    Err(Failure(format!("out of date, run `cargo xtask gen-docs`: {}", stale.join(", "))))
}
