//! `packer adopt PATH…`: makes assets of raw files.

use packer_runtime::api::{Adopt, KindId, Mutation, Target, draw};

use super::mutate::carry_out;
use crate::args::AdoptArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::ui::Ui;

pub(super) fn run(args: &AdoptArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let targets: Result<Vec<Target>, Failure> = args.paths.iter().map(|path| opened.target(path)).collect();
    let kind = match &args.kind {
        Some(text) => Some(KindId::parse(text).map_err(|error| Failure::of(Exit::Usage, &error))?),
        None => None,
    };
    carry_out(Mutation::Adopt(Adopt { targets: targets?, kind, draw: draw() }), &args.apply, opened, ui)
}
