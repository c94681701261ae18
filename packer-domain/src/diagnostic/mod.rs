//! Diagnostics: findings with a stable code, a severity, a subject and, in a file, a place.
//!
//! The codes are in `catalog`, their explanations in `explain`; turning a byte offset into a line and a column is in `source`. How a
//! diagnostic is shown is the consumers' business.

mod catalog;
mod explain;
mod source;

pub use catalog::{DiagnosticCode, UnknownCode};
pub use source::{SourceText, Span};

use std::fmt;

use serde::Serialize;

use crate::identity::AssetUuid;
use crate::path::AssetPath;

/// How bad a finding is. Errors sort first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The asset, or the project, cannot be built as it is.
    Error,
    /// Works here, and may not elsewhere, or is likely not meant.
    Warning,
    /// Worth knowing.
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The project as a whole: its configuration, its registry.
    Project,
    /// A path below the assets root.
    Path(AssetPath),
    /// A managed asset or one that an anchor declares.
    Asset(AssetUuid),
    /// A name on disk that cannot be an [`AssetPath`], shown lossily.
    Unrepresentable(String),
}

impl Subject {
    /// The path, if it is one.
    pub fn path(&self) -> Option<&AssetPath> {
        match self {
            Self::Path(path) => Some(path),
            Self::Project | Self::Asset(_) | Self::Unrepresentable(_) => None,
        }
    }
}

/// Another place that has to do with a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Related {
    /// What that place has to do with it.
    pub message: String,
    /// The file, relative to the project, `/`-separated.
    pub file: String,
    /// The place in it.
    pub span: Option<Span>,
}

/// One finding. The order is total and stable: severity, file, place, code, subject, text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diagnostic {
    /// The stable code.
    pub code: DiagnosticCode,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What is wrong, in one sentence without a final period.
    pub message: String,
    /// The file it was found in, relative to the project, `/`-separated.
    pub file: Option<String>,
    /// The place in that file.
    pub span: Option<Span>,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
}

impl Diagnostic {
    /// A finding with the severity that its code usually has, and no place. A control character in `message`, which may
    /// quote a file, is replaced: a message is one line and moves no cursor.
    pub fn new(code: DiagnosticCode, subject: Subject, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            subject,
            message: without_controls(message.into()),
            file: None,
            span: None,
            help: None,
            related: Vec::new(),
        }
    }

    /// The same, found in `file` (relative to the project).
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// The same, at `span` of its file.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(without_controls(help.into()));
        self
    }

    /// The same, with another place that has to do with it.
    #[must_use]
    pub fn related(mut self, message: impl Into<String>, file: impl Into<String>) -> Self {
        self.related.push(Related { message: message.into(), file: file.into(), span: None });
        self
    }

    /// Whether it keeps its subject from being built.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    fn sort_key(&self) -> impl Ord + '_ {
        let place = self.span.as_ref().map(|span| (span.start, span.end));
        (self.severity, &self.file, place, self.code, &self.subject, &self.message, &self.help, &self.related)
    }
}

fn without_controls(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, "\u{fffd}") } else { text }
}

impl Ord for Diagnostic {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for Diagnostic {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_moves_no_cursor() {
        let diagnostic = Diagnostic::new(DiagnosticCode::RegistryInvalid, Subject::Project, "a\u{7f}b\nc");
        let diagnostic = diagnostic.help("d\u{1b}[2J");
        assert_eq!(diagnostic.message, "a\u{fffd}b\u{fffd}c");
        assert_eq!(diagnostic.help.as_deref(), Some("d\u{fffd}[2J"));
    }
}
