//! `packer log`: what was done, the newest first, and whether it can be undone.

use packer_runtime::api::ReadableLog;

use crate::args::LogArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::render::{self, Detail, LoggedJson};
use crate::ui::Ui;

use super::detail;

pub(super) fn run(args: &LogArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let ReadableLog { operations: logged, unreadable } = opened.project.readable_log()?;
    for unreadable in &unreadable {
        let warning = ui.paint_err().warning("warning");
        ui.note(&format!("{warning}: {unreadable}"));
    }
    if ui.is_json() {
        for operation in &logged[..args.limit.unwrap_or(logged.len()).min(logged.len())] {
            ui.json(&LoggedJson::new(operation));
            if ui.is_closed() {
                break;
            }
        }
        return Ok(Exit::Done);
    }
    let shown = match (args.limit, detail(ui)) {
        (Some(limit), _) => limit.min(logged.len()),
        (None, Detail::Full) => logged.len(),
        (None, Detail::Short) => logged.len().min(render::ROWS),
    };
    ui.out(&render::log(&logged[..shown], ui.paint_out()));
    let total = render::things(logged.len() as u64, "operation", "operations");
    let rest = logged.len() - shown;
    if rest > 0 {
        ui.note(&format!("{total}; `packer log --limit {}` lists all", logged.len()));
    } else {
        ui.note(&total);
    }
    Ok(Exit::Done)
}
