//! `packer recover`: settles an operation that was interrupted in the middle of its commit. There are two ways; which one
//! is for people to say.

use packer_runtime::api::{Freshness, Mutation, OperationId, Recover, RecoveryChoice, RecoveryWay};

use super::mutate::{apply_shown, carry_out, show};
use crate::args::RecoverArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::render;
use crate::ui::{Answer, Ui};

pub(super) fn run(args: &RecoverArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let Freshness::RecoveryRequired { operation_id } = opened.project.status().freshness else {
        return Err(Failure::new(Exit::Refused, "there is nothing to recover")
            .hint("`packer status` says how the workspace stands"));
    };
    let choice = match (args.keep_theirs, args.finish_ours) {
        (true, _) => Some(RecoveryChoice::KeepTheirs),
        (_, true) => Some(RecoveryChoice::FinishOurs),
        (false, false) => None,
    };
    match choice {
        Some(choice) => carry_out(settle(operation_id, choice), &args.apply, opened, ui),
        None => offer(operation_id, args, opened, ui),
    }
}

fn settle(operation: OperationId, choice: RecoveryChoice) -> Mutation {
    Mutation::Recover(Recover { operation, choice })
}

/// Shows what each way would do, and asks which it is to be.
fn offer(operation: OperationId, args: &RecoverArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    if args.apply.yes || args.apply.plan_out.is_some() {
        return Err(Failure::usage("there are two ways to recover, and nothing says which").hint(WAYS));
    }
    let ways = opened.project.recovery_ways(operation)?;
    if !ui.is_json() {
        let logged = opened.project.log()?;
        let interrupted = logged.iter().find(|logged| logged.operation_id == operation);
        ui.out(&render::interrupted(operation, interrupted, ui.paint_out()));
    }
    for way in &ways {
        if !ui.is_json() {
            ui.out(&render::way_out(way.choice, ui.paint_out()));
        }
        show(&way.plan, ui);
    }
    if args.apply.dry_run {
        return Ok(Exit::Done);
    }
    let mut open: Vec<RecoveryWay> = ways.into_iter().filter(RecoveryWay::is_open).collect();
    if open.is_empty() {
        return Ok(Exit::Refused);
    }
    if !ui.is_interactive() {
        return Err(Failure::usage("nobody can be asked here, so nothing was changed").hint(WAYS));
    }
    let titles: Vec<String> = open.iter().map(|way| render::choice(way.choice)).collect();
    match ui.choose("Which way?", &titles) {
        Answer::Given(chosen) => apply_shown(open.swap_remove(chosen).plan, opened, ui),
        Answer::Declined => {
            ui.note("nothing was changed");
            Ok(Exit::Refused)
        }
    }
}

const WAYS: &str = "--keep-theirs keeps what somebody else saved meanwhile, --finish-ours carries the operation out; add --yes to apply, or \
                    --dry-run to see";
