//! `packer build`: builds the pack, and says what stands in the way.

use camino::{Utf8Path, Utf8PathBuf};
use packer_events::record::{DiagnosticRecord, SeverityRecord};
use packer_runtime::api::{BuildBase, BuildRequest, Command, DiagnosticCode};

use super::detail;
use crate::args::BuildArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow;
use crate::project::Opened;
use crate::render::{self, Advice};
use crate::ui::{Ui, plain};

pub(super) fn run(args: &BuildArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let request = BuildRequest {
        base: BuildBase::Refreshed,
        profile: args.profile.clone(),
        output: args.output.as_deref().map(|folder| output(folder, opened)),
        constants: args.constants,
        jobs: args.jobs,
        reuse: !args.no_store,
        keep_going: args.keep_going,
        prove: args.prove,
        explain: args.explain,
        ..BuildRequest::default()
    };
    let followed = follow::run(&opened.project, Command::Build(request), ui)?;
    if !ui.is_json() {
        findings(&followed.diagnostics, opened, ui);
    }
    Ok(follow::tell(&followed.outcome, ui))
}

/// The output folder: relative to the project where it is below it, so that it is the same one however it was typed.
fn output(typed: &Utf8Path, opened: &Opened) -> Utf8PathBuf {
    let absolute = opened.place().absolute(typed);
    match absolute.strip_prefix(&opened.place().root) {
        Ok(below) if !below.as_str().is_empty() => below.to_owned(),
        Ok(_) | Err(_) => absolute,
    }
}

/// What the build found: every error with the command that resolves it, and the rest as far as it is wanted.
pub(super) fn findings(diagnostics: &[DiagnosticRecord], opened: &Opened, ui: &mut Ui) {
    let is_error = |record: &&DiagnosticRecord| record.severity == SeverityRecord::Error;
    let (errors, others): (Vec<DiagnosticRecord>, Vec<DiagnosticRecord>) =
        diagnostics.iter().cloned().partition(|record| is_error(&record));
    // What was asked for by `--explain`: all of it, and where what was asked for goes.
    let is_reason = |record: &DiagnosticRecord| record.code == DiagnosticCode::BuildBaked.as_str();
    let (reasons, others): (Vec<DiagnosticRecord>, Vec<DiagnosticRecord>) =
        others.into_iter().partition(is_reason);
    for record in &reasons {
        ui.out(&format!("{}\n", plain(&record.message)));
    }
    let paint = ui.paint_err();
    ui.note(&render::warnings(&others, detail(ui), paint));
    let advice = Advice::of_snapshot(&opened.project.status().snapshot, opened.project_flag());
    ui.error(&render::diagnostics(&errors, &advice, paint));
}
