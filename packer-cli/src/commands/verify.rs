//! `packer verify [PACK]`: checks a pack from end to end. A pack that is named needs no project.

use packer_runtime::packs;

use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{Opened, normalized, working_folder};
use crate::render;
use crate::ui::{Ui, plain};

pub(super) fn run(
    args: &VerifyArgs,
    open: impl FnOnce(&mut Ui) -> Result<Opened, Failure>,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let path = match &args.pack {
        Some(path) => normalized(&working_folder()?.join(path)),
        None => open(ui)?.project.pack_path(),
    };
    let report = packs::verify(&path)?;
    let exit = if report.ok { Exit::Done } else { Exit::Failed };
    if ui.is_json() {
        ui.json(&report);
        return Ok(exit);
    }
    for problem in &report.problems {
        let text = format!("{}: {}", ui.paint_err().error("error"), plain(problem));
        ui.error(&text);
    }
    let paint = ui.paint_out();
    let entries = render::things(report.entries, "asset", "assets");
    let verdict = if report.ok {
        paint.good("ok")
    } else {
        paint.bad(&render::things(report.problems.len() as u64, "problem", "problems"))
    };
    ui.out(&format!("{}: {verdict}, {entries}, {}\n", plain(path.as_str()), report.pack_digest));
    Ok(exit)
}
