//! `packer verify [PACK]`: checks a pack from end to end, with the manifest beside it, and if asked against the workspace. A pack
//! that is named needs no project, unless it is to be compared with one.

use packer_runtime::packs;

use super::detail;
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
    let (path, report) = match &args.pack {
        Some(path) if !args.workspace => {
            let path = normalized(&working_folder()?.join(path));
            let report = packs::verify(&path)?;
            (path, report)
        }
        named => {
            let opened = open(ui)?;
            let path = match named {
                Some(path) => opened.place().absolute(path),
                None => opened.project.pack_path(),
            };
            let report = if args.workspace {
                packs::verify_against(&path, &opened.project)?
            } else {
                packs::verify(&path)?
            };
            (path, report)
        }
    };
    let exit = if report.ok { Exit::Done } else { Exit::Failed };
    if ui.is_json() {
        ui.json(&report);
        return Ok(exit);
    }
    let shown = detail(ui).shown(report.problems.len());
    for problem in &report.problems[..shown] {
        let code = problem.code.as_str();
        let text = format!("{}[{code}]: {}", ui.paint_err().error("error"), plain(&problem.message));
        ui.error(&text);
    }
    if let Some(rest) = detail(ui).rest(report.problems.len()) {
        ui.error(&rest);
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
