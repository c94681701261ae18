//! `packer list`: the assets, one a line.

use packer_runtime::api::{AssetQuery, KindId};

use crate::args::ListArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::render;
use crate::ui::Ui;

pub(super) fn run(args: &ListArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let kind = match &args.kind {
        Some(text) => Some(KindId::parse(text).map_err(|error| Failure::of(Exit::Usage, &error))?),
        None => None,
    };
    let query = AssetQuery { kind, text: args.text.clone(), ..AssetQuery::default() };
    let page = opened.project.status().snapshot.assets(&query);
    if ui.is_json() {
        for row in &page.rows {
            ui.json(row);
            if ui.is_closed() {
                break;
            }
        }
        return Ok(Exit::Done);
    }
    ui.out(&render::rows(&page.rows));
    ui.note(&render::things(page.total as u64, "asset", "assets"));
    Ok(Exit::Done)
}
