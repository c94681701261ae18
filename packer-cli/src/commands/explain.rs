//! `packer explain`: what a diagnostic code means, why an asset is in the pack and why it is baked, what a file is that is
//! no asset; without any of these, the list of all codes. A code needs no project.

use packer_runtime::api::{DiagnosticCode, SelectError, Severity};
use serde::Serialize;

use super::show::select;

use crate::args::ExplainArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::render::{self, Advice};
use crate::ui::Ui;

/// What a code means, as one JSON object.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct CodeJson {
    /// The code.
    code: &'static str,
    /// How bad such a finding usually is.
    severity: Severity,
    /// What it means, in one line without a final period.
    title: &'static str,
    /// What it means, why it matters and what to do about it.
    explanation: &'static str,
}

impl From<DiagnosticCode> for CodeJson {
    fn from(code: DiagnosticCode) -> Self {
        let (severity, title, explanation) = (code.severity(), code.title(), code.explanation());
        Self { code: code.as_str(), severity, title, explanation }
    }
}

pub(super) fn run(
    args: &ExplainArgs,
    open: impl FnOnce(&mut Ui) -> Result<Opened, Failure>,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let Some(text) = &args.what else {
        all(ui);
        return Ok(Exit::Done);
    };
    match text.parse() {
        Ok(code) => of_code(code, ui),
        Err(error) => {
            // Outside of a project, only a code can have been meant.
            let opened = open(ui).map_err(|failure| match failure.exit {
                Exit::Usage => unknown(text, &error),
                _ => failure,
            })?;
            return of_workspace(text, args.profile.as_deref(), &opened, ui);
        }
    }
    Ok(Exit::Done)
}

fn of_code(code: DiagnosticCode, ui: &mut Ui) {
    if ui.is_json() {
        ui.json(&CodeJson::from(code));
        return;
    }
    let paint = ui.paint_out();
    let heading = paint.strong(&format!("{code}: {}", code.title()));
    ui.out(&format!(
        "{heading}\nusually {} {}\n\n{}\n",
        article(code.severity()),
        code.severity(),
        code.explanation()
    ));
}

/// An asset, or else a path below the assets root.
fn of_workspace(text: &str, profile: Option<&str>, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let status = opened.project.status();
    let snapshot = &status.snapshot;
    let error = match select(text, opened, snapshot) {
        Ok(uuid) => {
            let explanation = opened.project.explain(uuid, profile)?;
            // It was selected from the snapshot; only another one could lack it.
            let explanation = explanation
                .ok_or_else(|| Failure::new(Exit::Refused, format!("{text} is gone meanwhile")))?;
            if ui.is_json() {
                ui.json(&explanation);
            } else {
                let advice = Advice::of_snapshot(snapshot, opened.project_flag());
                let shown = render::explanation(&explanation, &advice, ui.paint_out());
                ui.out(&shown);
            }
            return Ok(Exit::Done);
        }
        Err(error) => error,
    };
    if let SelectError::Unknown { .. } = error {
        for path in opened.candidates(text) {
            if let Some(explanation) = opened.project.explain_file(&path)? {
                if ui.is_json() {
                    ui.json(&explanation);
                } else {
                    let shown = render::file_explanation(
                        &explanation,
                        |path| snapshot.project_path(path),
                        ui.paint_out(),
                    );
                    ui.out(&shown);
                }
                return Ok(Exit::Done);
            }
        }
    }
    let codes = DiagnosticCode::ALL.iter().map(|code| code.as_str());
    let failure = Failure::from(error);
    Err(match packer_runtime::api::suggest(text, codes) {
        Some(code) => failure.hint(format!("or did you mean the code {code}?")),
        None => failure.hint("`packer explain` lists all codes"),
    })
}

fn article(severity: Severity) -> &'static str {
    match severity {
        Severity::Error | Severity::Info => "an",
        Severity::Warning => "a",
    }
}

fn all(ui: &mut Ui) {
    if ui.is_json() {
        for code in DiagnosticCode::ALL {
            ui.json(&CodeJson::from(*code));
        }
        return;
    }
    let row =
        |code: &DiagnosticCode| vec![code.to_string(), code.severity().to_string(), code.title().to_owned()];
    ui.out(&render::table(&DiagnosticCode::ALL.iter().map(row).collect::<Vec<_>>()));
}

fn unknown(text: &str, error: &packer_runtime::api::UnknownCode) -> Failure {
    let failure = Failure::of(Exit::Usage, error);
    let codes = DiagnosticCode::ALL.iter().map(|code| code.as_str());
    match packer_runtime::api::suggest(text, codes) {
        Some(code) => failure.hint(format!("did you mean {code}?")),
        None => failure.hint("`packer explain` lists all codes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::ui::testing::ui;

    fn explained(code: Option<&str>, format: Format) -> (Result<Exit, Failure>, String) {
        let (mut ui, out, _) = ui(format, false);
        let args = ExplainArgs { what: code.map(str::to_owned), profile: None };
        let ended = run(&args, |_| panic!("a code needs no project"), &mut ui);
        ui.finish(Exit::Done);
        (ended, out.text())
    }

    #[test]
    fn a_code_is_explained() {
        let (ended, text) = explained(Some("anchor/moved"), Format::Human);
        assert_eq!(ended.unwrap(), Exit::Done);
        let code: DiagnosticCode = "anchor/moved".parse().unwrap();
        assert!(text.starts_with(&format!("anchor/moved: {}\nusually an error\n", code.title())), "{text}");
        assert!(text.contains(code.explanation()));
    }

    #[test]
    fn all_codes_are_listed() {
        for format in [Format::Human, Format::Json] {
            let (_, text) = explained(None, format);
            assert_eq!(text.lines().count(), DiagnosticCode::ALL.len());
        }
    }

    #[test]
    fn a_typing_error_gets_a_suggestion() {
        let (mut ui, _, err) = ui(Format::Human, false);
        let args = ExplainArgs { what: Some("anchor/moves".to_owned()), profile: None };
        let nowhere = |_: &mut Ui| Err(Failure::usage("no project here"));
        let failure = run(&args, nowhere, &mut ui).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        failure.show(&mut ui);
        assert!(err.text().contains("did you mean anchor/moved?"), "{}", err.text());
    }
}
