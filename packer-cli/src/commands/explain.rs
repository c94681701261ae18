//! `packer explain CODE`: what a diagnostic code means, why it matters and what to do; without a code, the list of all.

use packer_runtime::api::{DiagnosticCode, Severity};
use serde::Serialize;

use crate::args::ExplainArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::ui::Ui;

/// An explanation as one JSON object.
#[derive(Serialize)]
struct ExplanationJson {
    code: &'static str,
    severity: Severity,
    title: &'static str,
    explanation: &'static str,
}

impl From<DiagnosticCode> for ExplanationJson {
    fn from(code: DiagnosticCode) -> Self {
        let (severity, title, explanation) = (code.severity(), code.title(), code.explanation());
        Self { code: code.as_str(), severity, title, explanation }
    }
}

pub(super) fn run(args: &ExplainArgs, ui: &mut Ui) -> Result<Exit, Failure> {
    let Some(text) = &args.code else {
        all(ui);
        return Ok(Exit::Done);
    };
    let code: DiagnosticCode = text.parse().map_err(|error| unknown(text, &error))?;
    if ui.is_json() {
        ui.json(&ExplanationJson::from(code));
    } else {
        let paint = ui.paint_out();
        let heading = paint.strong(&format!("{code}: {}", code.title()));
        ui.out(&format!(
            "{heading}\nusually {} {}\n\n{}\n",
            article(code.severity()),
            code.severity(),
            code.explanation()
        ));
    }
    Ok(Exit::Done)
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
            ui.json(&ExplanationJson::from(*code));
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
        let ended = run(&ExplainArgs { code: code.map(str::to_owned) }, &mut ui);
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
        let failure = run(&ExplainArgs { code: Some("anchor/moves".to_owned()) }, &mut ui).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        failure.show(&mut ui);
        assert!(err.text().contains("did you mean anchor/moved?"), "{}", err.text());
    }
}
