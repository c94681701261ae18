//! `cargo xtask bench`: generated projects, and how long the packer takes for them beside its peers.
//!
//! Here are the arguments. `generate` writes projects, `run` measures.

mod generate;
mod run;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};

use crate::Failure;
use generate::{KindMix, ProjectSpec};
use run::{Ending, RunArgs};

/// The exit code of a run that could not measure everything.
const INCOMPLETE: u8 = 3;

/// Generates projects and measures the packer on them.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", max_term_width = 100)]
struct Bench {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Write a project: valid, registered, and the same from the same seed
    Gen(GenArgs),
    /// Measure the packer beside its peers; exit code 1 if a gate does not hold, 3 if one could not be measured
    Run(RunArgs),
    /// Run a command, and say what it took: the helper of `run`
    #[command(hide = true)]
    Measure {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
}

#[derive(Debug, Args)]
struct GenArgs {
    /// Where to; empty, or not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// How many assets
    #[arg(long, value_name = "N")]
    assets: u64,
    /// What everything is drawn from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Parts of each kind, such as raw=50,text=20 [default: raw=50,text=20,data=20,image=10]
    #[arg(long, value_name = "KIND=PARTS,…")]
    kind_mix: Option<KindMix>,
    /// Commit it to a git repository of its own, so that `git status` can be measured on it
    #[arg(long)]
    git: bool,
}

/// Runs what `arguments` say, for the sources in `repository`.
pub(crate) fn run(repository: &Path, arguments: &[OsString]) -> ExitCode {
    let all = std::iter::once(OsString::from("cargo xtask bench")).chain(arguments.iter().cloned());
    let bench = match Bench::try_parse_from(all) {
        Ok(bench) => bench,
        Err(error) => error.exit(),
    };
    let result = match bench.chore {
        Chore::Gen(args) => write_project(&args).map(|()| ExitCode::SUCCESS),
        Chore::Run(args) => match run::run(repository, &args) {
            Ok(Ending::Holds) => Ok(ExitCode::SUCCESS),
            Ok(Ending::Fails) => Ok(ExitCode::FAILURE),
            Ok(Ending::Incomplete) => Ok(ExitCode::from(INCOMPLETE)),
            Err(error) => Err(Failure(error.to_string())),
        },
        Chore::Measure { command } => match run::observe(&command) {
            Ok(sample) => {
                println!("{}", run::encode(&sample));
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Err(Failure(error.to_string())),
        },
    };
    result.unwrap_or_else(|Failure(message)| {
        eprintln!("{message}");
        ExitCode::FAILURE
    })
}

fn write_project(args: &GenArgs) -> Result<(), Failure> {
    let failure = |error: generate::GenError| Failure(error.to_string());
    let spec = ProjectSpec { assets: args.assets, seed: args.seed, mix: args.kind_mix.unwrap_or_default() };
    let start = Instant::now();
    let generated = generate::write(&args.dir, &spec).map_err(failure)?;
    println!(
        "{} assets in {} folders, {} KiB of sources, written to {} in {:.1} s",
        spec.assets,
        generated.folders,
        generated.source_bytes / 1024,
        args.dir.display(),
        start.elapsed().as_secs_f64()
    );
    if args.git {
        let start = Instant::now();
        generate::commit(&args.dir).map_err(failure)?;
        println!("committed to git in {:.1} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}
