//! What all mutating commands have in common: preview, question, and carrying out.

use packer_runtime::api::{Command, Mutation, MutationPlan, Verdict};

use super::apply::write_out;
use super::detail;
use crate::args::ApplyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{self, Followed};
use crate::project::Opened;
use crate::render;
use crate::ui::Ui;

/// Previews and asks, or applies at once, as the arguments say.
pub(super) fn carry_out(
    mutation: Mutation,
    apply: &ApplyArgs,
    opened: &Opened,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    if apply.yes {
        return at_once(Command::Mutate(mutation), opened, ui);
    }
    let plan = opened.project.preview(&mutation)?;
    decide(plan, apply, opened, ui)
}

/// Applies without a preview, and tells what should be known.
pub(super) fn at_once(command: Command, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let followed = follow::run(&opened.project, command, ui)?;
    if !ui.is_json() && !ui.is_quiet() {
        let text = render::warnings(&followed.diagnostics, detail(ui), ui.paint_out());
        ui.out(&text);
    }
    Ok(told(&followed, opened, ui))
}

/// Shows a plan and, if somebody says so, applies it; or writes it to a file instead.
pub(super) fn decide(
    plan: MutationPlan,
    apply: &ApplyArgs,
    opened: &Opened,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    show(&plan, ui);
    if let Some(path) = &apply.plan_out {
        return write_out(&plan, path, apply.overwrite, ui);
    }
    match plan.verdict {
        Verdict::Blocked => return Ok(Exit::Refused),
        Verdict::Empty => return Ok(Exit::Done),
        Verdict::Ready if apply.dry_run => return Ok(Exit::Done),
        Verdict::Ready => {}
    }
    if !ui.is_interactive() {
        let message = "nobody can be asked here, so nothing was changed";
        return Err(Failure::usage(message)
            .hint("--yes applies without asking, --dry-run only shows what would be done"));
    }
    if !ui.confirm("Apply?") {
        ui.note("nothing was changed");
        return Ok(Exit::Refused);
    }
    apply_shown(plan, opened, ui)
}

/// Shows a plan.
pub(super) fn show(plan: &MutationPlan, ui: &mut Ui) {
    if ui.is_json() {
        ui.json(plan);
    } else {
        let text = render::plan(plan, detail(ui), ui.paint_out());
        ui.out(&text);
    }
    ui.flush();
}

/// Applies a plan that somebody has seen and agreed to.
pub(super) fn apply_shown(plan: MutationPlan, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let followed = follow::run(&opened.project, Command::Apply(Box::new(plan.into())), ui)?;
    Ok(told(&followed, opened, ui))
}

/// Says how it ended, and what can be done next.
fn told(followed: &Followed, opened: &Opened, ui: &mut Ui) -> Exit {
    let outcome = &followed.outcome;
    let exit = follow::tell(outcome, ui);
    if !ui.is_json() && !ui.is_quiet() {
        let id = outcome.event().operation_id;
        let text = render::next_step(outcome.ending(), id, opened.project_flag(), ui.paint_out());
        ui.out(&text);
    }
    exit
}
