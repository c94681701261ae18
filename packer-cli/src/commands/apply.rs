//! `packer apply PLAN.json`, and `--plan-out` of the commands that make plans: plans that are applied later, by whom ever.
//!
//! What a file says is the packer's to judge: it is planned again and compared, here before somebody is asked and once more
//! under the lock.

use std::io::Read;

use camino::Utf8Path;
use packer_events::body::EventBody;
use packer_events::report::{Ending, RejectionReport};
use packer_runtime::api::{Command, MutationPlan, PlanFile, ReadPlanError, Verdict, WritePlanError};

use super::mutate::{at_once, decide};
use crate::args::{ApplyArgs, PlanArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{Opened, normalized, working_folder};
use crate::render;
use crate::ui::{Ui, plain};

pub(super) fn run(
    args: &PlanArgs,
    open: impl FnOnce(&mut Ui) -> Result<Opened, Failure>,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let shown = read(&args.plan)?.into_plan();
    let opened = open(ui)?;
    if args.yes {
        return at_once(Command::Apply(Box::new(shown)), &opened, ui);
    }
    match opened.project.preview_shown(&shown)? {
        Ok(plan) => {
            let PlanArgs { plan: _, yes, dry_run } = *args;
            decide(plan, &ApplyArgs { yes, dry_run, plan_out: None, overwrite: false }, &opened, ui)
        }
        Err(report) => Ok(refused(report, ui)),
    }
}

/// Reads a plan from a file, or from standard input.
fn read(path: &Utf8Path) -> Result<PlanFile, Failure> {
    if path == "-" {
        let mut bytes = Vec::new();
        let mut input = std::io::stdin().lock().take(PlanFile::MAX_BYTES + 1);
        input
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::new(Exit::Failed, format!("cannot read standard input: {error}")))?;
        return PlanFile::decode(&bytes).map_err(|error| unreadable("standard input", &error));
    }
    let absolute = normalized(&working_folder()?.join(path));
    PlanFile::read(&absolute).map_err(|error| unreadable(path.as_str(), &error))
}

fn unreadable(what: &str, error: &ReadPlanError) -> Failure {
    let told = |exit| Failure::new(exit, format!("{what} is no plan that can be applied: {error}"));
    match error {
        ReadPlanError::Disk(missing) if missing.is_not_found() => Failure::of(Exit::Usage, missing)
            .hint("`--plan-out FILE`, of the commands that change the workspace, writes one"),
        ReadPlanError::Disk(other) => Failure::of(Exit::Failed, other),
        ReadPlanError::Schema { .. } => {
            told(Exit::Refused).hint("apply it with the packer that made it, or make it anew")
        }
        ReadPlanError::Malformed { .. } | ReadPlanError::TooLarge { .. } => {
            told(Exit::Refused).hint("make it anew: `--plan-out FILE` writes one, and it is applied as it is")
        }
    }
}

/// Says why a plan would be refused now.
fn refused(report: RejectionReport, ui: &mut Ui) -> Exit {
    if ui.is_json() {
        ui.json(&EventBody::Rejected { outcome: report.clone() });
    }
    let ending = Ending::Rejected(report);
    if !ui.is_json() {
        let text = render::ending(&ending, ui.paint_err());
        ui.error(&text);
    }
    Exit::of_ending(&ending)
}

/// Writes a plan to a file, for applying it later.
pub(super) fn write_out(
    plan: &MutationPlan,
    path: &Utf8Path,
    overwrite: bool,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    if plan.verdict == Verdict::Blocked {
        ui.note("no plan was written: it could not be applied");
        return Ok(Exit::Refused);
    }
    let absolute = normalized(&working_folder()?.join(path));
    PlanFile::write(plan, &absolute, overwrite).map_err(|error| match &error {
        WritePlanError::Exists { .. } => {
            Failure::of(Exit::Refused, &error).hint("name another file, or write over it with --overwrite")
        }
        WritePlanError::TooLarge { .. } | WritePlanError::TooDeep => {
            Failure::of(Exit::Refused, &error).hint("make several plans of it, of fewer files each")
        }
        WritePlanError::Disk(_) => Failure::of(Exit::Failed, &error),
    })?;
    if !ui.is_json() {
        let written = plain(path.as_str());
        ui.note(&format!("the plan is in {written}: `packer apply {written}` applies it"));
    }
    Ok(Exit::Done)
}
