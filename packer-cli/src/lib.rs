//! The command line of the packer, as a library: [`run`] is the whole of `packer`, so that a team can build its own one
//! with further codecs.
//!
//! It turns arguments into requests, and responses and events into text or JSON. It decides nothing: verdicts, severities,
//! figures, divergences and their resolutions are the packer's. It reads and writes no file of a project; what is on
//! disk is the runtime's business.
//!
//! Guarantees: what was asked for goes to standard output and everything else to standard error; each outcome has one
//! exit code ([`exit`] maps them, `docs/cli.md` lists them); a closed pipe ends output, never the operation.

mod args;
mod commands;
pub mod exit;
mod failure;
mod follow;
mod interrupt;
mod logging;
mod memory;
mod project;
mod render;
mod response;
#[cfg(feature = "schema")]
pub mod schema;
mod ui;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use packer_runtime::codec::Codec;

use args::Cli;
use exit::Exit;
use logging::Form;
use ui::Ui;

/// Runs one command as `packer` does. `args` begin with the name of the program; `codecs` are all that bake, of two for
/// one kind the later counts.
pub fn run(args: impl IntoIterator<Item = OsString>, codecs: Vec<Arc<dyn Codec>>) -> ExitCode {
    memory::give_large_blocks_back();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let mut ui = Ui::new(&cli.global);
    match logging::install(&cli.global) {
        Ok(Form::Text) => {}
        Ok(Form::Json) => ui.say_in_logs(),
        Err(failure) => {
            failure.show(&mut ui);
            return ui.finish(failure.exit).into();
        }
    }
    interrupt::install();
    conduct(&cli, codecs, &mut ui).into()
}

/// Runs one command to its end, whatever happens on the way.
fn conduct(cli: &Cli, codecs: Vec<Arc<dyn Codec>>, ui: &mut Ui) -> Exit {
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let exit = match commands::run(cli, codecs, ui) {
            Ok(exit) => exit,
            Err(failure) => {
                failure.show(ui);
                failure.exit
            }
        };
        ui.finish(exit)
    }));
    // The panic's message has been printed where it happened.
    ended.unwrap_or(Exit::Bug)
}

/// The codecs that come with the packer.
pub fn builtin_codecs() -> Vec<Arc<dyn Codec>> {
    packer_runtime::api::OpenOptions::default().codecs
}

/// What clap has to say: help and version are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
    // Nobody is left to tell when even this cannot be written.
    let _ = error.print();
    exit.into()
}

#[cfg(test)]
mod tests;
