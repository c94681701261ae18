//! `Failure`: why a command ends without having done what was asked, for people and for scripts, with what to do next.
//!
//! The errors of the layers below say what is wrong; hints are attached here, at the edge.

use std::error::Error;

use packer_events::record::DiagnosticRecord;
use packer_runtime::api::{
    CreateError, DiskError, ExplainError, GcError, OpenError, OutcomeNotDurable, SelectError,
};
use packer_runtime::packs::PackError;
use serde::Serialize;

use crate::exit::Exit;
use crate::render::{self, Advice, push};
use crate::ui::{Ui, plain};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The code it ends with.
    pub exit: Exit,
    message: String,
    /// What is behind it, outermost first.
    causes: Vec<String>,
    /// What to do.
    hints: Vec<String>,
    /// Findings that belong to it.
    diagnostics: Vec<DiagnosticRecord>,
}

/// Why a command did not do what was asked, as one JSON object.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct FailureJson<'f> {
    /// Why nothing was done.
    error: FailureBody<'f>,
}

/// What ended before there was an operation or an answer.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct FailureBody<'f> {
    /// The exit code.
    exit: u8,
    /// What went wrong.
    message: &'f str,
    /// What is behind it, outermost first.
    causes: &'f [String],
    /// What to do.
    hints: &'f [String],
    /// Findings that belong to it.
    diagnostics: &'f [DiagnosticRecord],
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, message, causes: Vec::new(), hints: Vec::new(), diagnostics: Vec::new() }
    }

    /// Of an error, with everything behind it.
    pub(crate) fn of(exit: Exit, error: &dyn Error) -> Self {
        let mut failure = Self::new(exit, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Many messages end with what is behind them.
            let said = failure.causes.last().unwrap_or(&failure.message);
            if !said.ends_with(&text) {
                failure.causes.push(text);
            }
            source = cause.source();
        }
        failure
    }

    /// The arguments make no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The same, with what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says it, where errors are looked for.
    pub(crate) fn show(&self, ui: &mut Ui) {
        if ui.is_json() {
            let Self { exit, message, causes, hints, diagnostics } = self;
            let error = FailureBody { exit: exit.code(), message, causes, hints, diagnostics };
            ui.json(&FailureJson { error });
            return;
        }
        let paint = ui.paint_err();
        let mut text = render::diagnostics(&self.diagnostics, &Advice::none(), paint);
        push!(text, "{}: {}\n", paint.error("error"), plain(&self.message));
        for cause in &self.causes {
            push!(text, "  because: {}\n", plain(cause));
        }
        for hint in &self.hints {
            push!(text, "  = help: {}\n", plain(hint));
        }
        ui.error(&text);
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let mut failure = Self::of(Exit::of_open_error(&error), &error);
        match error {
            OpenError::NotAProject { .. } => {
                failure.hint("`packer new DIR` makes a project; `--project DIR` names one")
            }
            OpenError::Unusable { file, diagnostics } => {
                failure.diagnostics = diagnostics.iter().map(DiagnosticRecord::from).collect();
                failure.hint(format!("mend {file} as said above; nothing was changed"))
            }
            OpenError::AssetsRoot { .. } => {
                failure.hint("make that folder, or name another one in packer.toml")
            }
            OpenError::Disturbed => failure.hint("try again when they are done"),
            OpenError::Disk(_) | OpenError::Threads { .. } => failure,
        }
    }
}

impl From<OutcomeNotDurable> for Failure {
    fn from(error: OutcomeNotDurable) -> Self {
        Self::of(Exit::RecoveryRequired, &error)
            .hint("make the disk writable, with room on it; the next command ends what this one began, and `packer status` \
                   says how the workspace stands")
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Self::of(Exit::Failed, &error)
    }
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        let exit = match &error {
            PackError::NotEmpty { .. } => Exit::Refused,
            PackError::Open { .. }
            | PackError::Read { .. }
            | PackError::Name { .. }
            | PackError::Threads { .. }
            | PackError::Disk(_) => Exit::Failed,
        };
        let failure = Self::of(exit, &error);
        match error {
            PackError::NotEmpty { .. } => {
                failure.hint("nothing is written over: name a folder that is empty or not there")
            }
            PackError::Open { .. } => failure.hint("`packer build` writes a new one"),
            PackError::Read { .. } => failure.hint("`packer verify` says everything that is wrong with it"),
            PackError::Name { .. } | PackError::Threads { .. } | PackError::Disk(_) => failure,
        }
    }
}

impl From<CreateError> for Failure {
    fn from(error: CreateError) -> Self {
        let exit = match &error {
            CreateError::Exists { .. } => Exit::Refused,
            CreateError::Name { .. } => Exit::Usage,
            CreateError::NotAFolder { .. } | CreateError::Disk(_) => Exit::Failed,
        };
        let failure = Self::of(exit, &error);
        match error {
            CreateError::Exists { .. } => failure.hint("nothing is written over: name another folder"),
            CreateError::NotAFolder { .. } => {
                failure.hint("move it away: the sources of a project stand there")
            }
            CreateError::Name { .. } => failure.hint("give it another one: --name NAME"),
            CreateError::Disk(_) => failure,
        }
    }
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Profile(error) => {
                let failure = Self::of(Exit::Usage, &error);
                match (error.suggestion, error.known.is_empty()) {
                    (Some(name), _) => failure.hint(format!("did you mean {name}?")),
                    (None, false) => failure.hint(format!("it has {}", error.known.join(", "))),
                    (None, true) => failure.hint("it has none; add one as [build.profiles.NAME]"),
                }
            }
            ExplainError::Disk(error) => error.into(),
        }
    }
}

impl From<GcError> for Failure {
    fn from(error: GcError) -> Self {
        let exit = match &error {
            GcError::Locked { .. } => Exit::LaneUnavailable,
            GcError::Disk(_) | GcError::Store(_) => Exit::Failed,
        };
        Self::of(exit, &error)
    }
}

impl From<SelectError> for Failure {
    fn from(error: SelectError) -> Self {
        let failure = Self::of(Exit::Usage, &error);
        match error {
            SelectError::Unknown { suggestion: Some(name), .. } => {
                failure.hint(format!("did you mean {name}?"))
            }
            SelectError::Unknown { suggestion: None, .. } => failure.hint("`packer list` lists all assets"),
            SelectError::Ambiguous { uuids, .. } => {
                let uuids: Vec<String> = uuids.iter().map(ToString::to_string).collect();
                failure.hint(format!("say which by its uuid: {}", uuids.join(", ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use packer_runtime::api::{Diagnostic, DiagnosticCode, Subject};

    use super::*;
    use crate::args::Format;
    use crate::ui::testing::ui;

    fn unusable() -> Failure {
        let finding =
            Diagnostic::new(DiagnosticCode::ConfigMissingKey, Subject::Project, "`project.name` is missing");
        OpenError::Unusable { file: "packer.toml", diagnostics: vec![finding] }.into()
    }

    #[test]
    fn errors_go_where_errors_are_looked_for() {
        let (mut human, out, err) = ui(Format::Human, true);
        unusable().show(&mut human);
        assert_eq!(out.text(), "");
        insta::assert_snapshot!(err.text());

        let (mut json, out, err) = ui(Format::Json, false);
        unusable().show(&mut json);
        json.finish(Exit::Failed);
        assert_eq!(err.text(), "");
        insta::assert_snapshot!(out.text());
    }

    #[test]
    fn everything_behind_an_error_is_told() {
        let source = std::io::Error::other("the disk is gone");
        let disk = DiskError {
            operation: packer_runtime::api::DiskOperation::Read,
            path: "registry.jsonl".into(),
            source,
        };
        let (mut human, _, err) = ui(Format::Human, false);
        Failure::from(disk).show(&mut human);
        assert!(
            err.text().contains("registry.jsonl") && err.text().contains("the disk is gone"),
            "{}",
            err.text()
        );
        assert_eq!(err.text().matches("the disk is gone").count(), 1, "said once: {}", err.text());
    }
}
