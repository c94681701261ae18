//! `packer unpack PACK DIR`: writes the payloads of a pack as files. It needs no project.

use packer_runtime::packs;

use crate::args::UnpackArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{normalized, working_folder};
use crate::render;
use crate::ui::{Ui, plain};

pub(super) fn run(args: &UnpackArgs, ui: &mut Ui) -> Result<Exit, Failure> {
    let cwd = working_folder()?;
    let folder = normalized(&cwd.join(&args.dir));
    let report = packs::unpack(&normalized(&cwd.join(&args.pack)), &folder)?;
    if ui.is_json() {
        ui.json(&report);
        return Ok(Exit::Done);
    }
    if !report.absent.is_empty() {
        let ids: Vec<String> = report.absent.iter().map(ToString::to_string).collect();
        let assets = render::things(ids.len() as u64, "asset is", "assets are");
        let warning = ui.paint_err().warning("warning");
        ui.note(&format!("{warning}: {assets} absent from the pack: id {}", ids.join(", ")));
    }
    if !ui.is_quiet() {
        let paint = ui.paint_out();
        let files = render::things(report.files, "file", "files");
        ui.out(&format!(
            "{}: {files}, {}, in {}\n",
            paint.good("unpacked"),
            render::bytes(report.bytes),
            plain(folder.as_str())
        ));
    }
    Ok(Exit::Done)
}
