//! `packer new DIR`: makes a project, and says what to do next.

use camino::Utf8PathBuf;
use packer_runtime::api::{CreatedProject, MissingLine, create_project};
use serde::Serialize;

use crate::args::NewArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{normalized, working_folder};
use crate::render::push;
use crate::ui::{Ui, plain};

/// A new project as one JSON object.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct NewJson<'n> {
    /// Its folder.
    project: &'n str,
    /// Its name.
    name: &'n str,
    /// The files that were made.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    made: &'n [Utf8PathBuf],
    /// What files that were there already, and were left as they are, do not say.
    missing: &'n [MissingLine],
}

pub(super) fn run(args: &NewArgs, ui: &mut Ui) -> Result<Exit, Failure> {
    let folder = normalized(&working_folder()?.join(&args.dir));
    let name = match (&args.name, folder.file_name()) {
        (Some(name), _) => name.as_str(),
        (None, Some(name)) => name,
        (None, None) => {
            return Err(Failure::usage("the folder has no name").hint("give the project one: --name NAME"));
        }
    };
    let CreatedProject { made, missing } = create_project(&folder, name)?;
    if ui.is_json() {
        ui.json(&NewJson { project: folder.as_str(), name, made: &made, missing: &missing });
        return Ok(Exit::Done);
    }
    if ui.is_quiet() {
        return Ok(Exit::Done);
    }
    let paint = ui.paint_out();
    let mut text = format!("{}: project {} in {}\n", paint.good("made"), plain(name), plain(folder.as_str()));
    for file in &made {
        push!(text, "  {}\n", plain(file.strip_prefix(&folder).unwrap_or(file).as_str()));
    }
    for MissingLine { file, line, why } in &missing {
        let file = file.strip_prefix(&folder).unwrap_or(file);
        push!(text, "{} is left as it is; add this line to it, {why}:\n  {line}\n", plain(file.as_str()));
    }
    text.push_str("put sources below assets/, then, in that folder:\n");
    for (command, what) in [
        ("packer adopt assets", "makes assets of them"),
        ("packer check", "says what is wrong with them"),
        ("packer build", "builds the pack"),
    ] {
        push!(text, "  {}  {what}\n", paint.command(command));
    }
    ui.out(&text);
    Ok(Exit::Done)
}
