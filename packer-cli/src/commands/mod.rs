//! The commands: each turns its arguments into requests to the packer, and hands what comes back to `render` and `Ui`.

mod adopt;
mod apply;
mod build;
mod change;
mod check;
mod events;
mod explain;
mod gc;
mod list;
mod log;
mod mutate;
mod new;
mod reconcile;
mod recover;
mod refresh;
mod show;
mod status;
mod undo;
mod unpack;
mod verify;
mod watch;

pub(crate) use explain::CodeJson;
pub(crate) use list::UnclaimedJson;
pub(crate) use new::NewJson;

use std::sync::Arc;

use packer_runtime::api::{BuildParticipation, FirstObservation};
use packer_runtime::codec::Codec;

use crate::args::{Cli, CommandArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project;
use crate::render::Detail;
use crate::ui::Ui;

/// Runs the command that the arguments name.
pub(crate) fn run(cli: &Cli, codecs: Vec<Arc<dyn Codec>>, ui: &mut Ui) -> Result<Exit, Failure> {
    let global = &cli.global;
    // Both observe as part of what they do: looking twice would tell nobody anything.
    let (jobs, first) = match &cli.command {
        CommandArgs::Build(args) => (args.jobs, FirstObservation::ByFirstOperation),
        // What was done is in the logs and in the history, and needs no observation.
        CommandArgs::Refresh | CommandArgs::Log(_) => (None, FirstObservation::ByFirstOperation),
        // In full, it lists what a glance does not tell.
        CommandArgs::Status if global.verbose == 0 => (None, FirstObservation::FiguresWillDo),
        _ => (None, FirstObservation::AtOpening),
    };
    let own = codecs.clone();
    let open = move |ui: &mut Ui| project::open(global, own, jobs, first, ui);
    match &cli.command {
        CommandArgs::New(args) => new::run(args, ui),
        CommandArgs::Adopt(args) => adopt::run(args, &open(ui)?, ui),
        CommandArgs::Status => Ok(status::run(&open(ui)?, ui)),
        CommandArgs::List(args) => list::run(args, open, ui),
        CommandArgs::Show(args) => show::run(args, &open(ui)?, ui),
        CommandArgs::Check => Ok(check::run(&open(ui)?, ui)),
        CommandArgs::Explain(args) => explain::run(args, open, ui),
        CommandArgs::Mv(args) => change::mv(args, &open(ui)?, ui),
        CommandArgs::Rename(args) => change::rename(args, &open(ui)?, ui),
        CommandArgs::Set(args) => change::set(args, &open(ui)?, ui),
        CommandArgs::Include(args) => change::set_build(args, BuildParticipation::Included, &open(ui)?, ui),
        CommandArgs::Exclude(args) => change::set_build(args, BuildParticipation::Excluded, &open(ui)?, ui),
        CommandArgs::Rm(args) => change::rm(args, &open(ui)?, ui),
        CommandArgs::Dup(args) => change::dup(args, &open(ui)?, ui),
        CommandArgs::Reconcile(args) => reconcile::run(args, &open(ui)?, ui),
        CommandArgs::Recover(args) => recover::run(args, &open(ui)?, ui),
        CommandArgs::Undo(args) => undo::run(args, &open(ui)?, ui),
        CommandArgs::Log(args) => log::run(args, &open(ui)?, ui),
        CommandArgs::Apply(args) => apply::run(args, open, ui),
        CommandArgs::Build(args) => build::run(args, &open(ui)?, ui),
        CommandArgs::Refresh => refresh::run(&open(ui)?, ui),
        CommandArgs::Watch(args) => watch::run(args, global, codecs, ui),
        CommandArgs::Verify(args) => verify::run(args, open, ui),
        CommandArgs::Unpack(args) => unpack::run(args, ui),
        CommandArgs::Gc(args) => gc::run(args, &open(ui)?, ui),
        CommandArgs::Events(args) => events::run(args, global, ui),
    }
}

/// How much of long lists to show.
fn detail(ui: &Ui) -> Detail {
    if ui.is_verbose() { Detail::Full } else { Detail::Short }
}
