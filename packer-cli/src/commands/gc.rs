//! `packer gc`: drops what nobody needs any more, or says what it would drop.

use std::time::Duration;

use packer_runtime::api::GcRequest;

use super::detail;
use crate::args::GcArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::render;
use crate::ui::Ui;

pub(super) fn run(args: &GcArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let GcArgs { dry_run, store_limit, history_days, history_limit, scrub } = *args;
    let report = opened.project.gc(&GcRequest {
        dry_run,
        max_store_bytes: store_limit,
        scrub,
        max_history_age: history_days.map(|days| Duration::from_hours(u64::from(days) * 24)),
        max_history_bytes: history_limit,
    })?;
    if ui.is_json() {
        ui.json(&report);
    } else {
        let text = render::collected(&report, detail(ui), ui.paint_out());
        ui.out(&text);
    }
    Ok(Exit::Done)
}
