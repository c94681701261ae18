//! `packer gc`: drops what nobody needs any more, or says what it would drop.

use packer_runtime::api::GcRequest;

use super::detail;
use crate::args::GcArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::render;
use crate::ui::Ui;

pub(super) fn run(args: &GcArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let GcArgs { dry_run, store_limit, scrub } = *args;
    let report = opened.project.gc(&GcRequest {
        dry_run,
        max_store_bytes: store_limit,
        scrub,
        ..GcRequest::default()
    })?;
    if ui.is_json() {
        ui.json(&report);
    } else {
        let text = render::collected(&report, detail(ui), ui.paint_out());
        ui.out(&text);
    }
    Ok(Exit::Done)
}
