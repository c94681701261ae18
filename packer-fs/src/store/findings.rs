//! What a bake had to say, as an artifact keeps it: diagnostics without their subject, which is whoever asks.

use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Related, Severity, Span, Subject};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    code: String,
    severity: Word,
    message: String,
    file: Option<String>,
    span: Option<Place>,
    help: Option<String>,
    related: Vec<Other>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Error,
    Warning,
    Info,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    start: u32,
    end: u32,
    line: u32,
    column: u32,
    excerpt: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    message: String,
    file: String,
    span: Option<Place>,
}

/// The bytes of findings; none for none.
pub(super) fn encode(said: &[Diagnostic]) -> Vec<u8> {
    if said.is_empty() {
        return Vec::new();
    }
    let said: Vec<Finding> = said.iter().map(finding).collect();
    serde_json::to_vec(&said).expect("texts and numbers are JSON")
}

/// The findings in `bytes`, about no subject yet; `None` if they cannot be read, or have a code that is not known.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Diagnostic>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let said: Vec<Finding> = serde_json::from_slice(bytes).ok()?;
    said.into_iter().map(diagnostic).collect()
}

fn finding(diagnostic: &Diagnostic) -> Finding {
    let Diagnostic { code, severity, subject: _, message, file, span, help, related } = diagnostic;
    let other = |related: &Related| Other {
        message: related.message.clone(),
        file: related.file.clone(),
        span: related.span.as_ref().map(place),
    };
    Finding {
        code: code.as_str().to_owned(),
        severity: match severity {
            Severity::Error => Word::Error,
            Severity::Warning => Word::Warning,
            Severity::Info => Word::Info,
        },
        message: message.clone(),
        file: file.clone(),
        span: span.as_ref().map(place),
        help: help.clone(),
        related: related.iter().map(other).collect(),
    }
}

fn place(span: &Span) -> Place {
    let Span { start, end, line, column, excerpt } = span;
    Place { start: *start, end: *end, line: *line, column: *column, excerpt: excerpt.clone() }
}

fn diagnostic(finding: Finding) -> Option<Diagnostic> {
    let Finding { code, severity, message, file, span, help, related } = finding;
    let code: DiagnosticCode = code.parse().ok()?;
    let other =
        |other: Other| Related { message: other.message, file: other.file, span: other.span.map(self::span) };
    Some(Diagnostic {
        severity: match severity {
            Word::Error => Severity::Error,
            Word::Warning => Severity::Warning,
            Word::Info => Severity::Info,
        },
        file,
        span: span.map(self::span),
        help,
        related: related.into_iter().map(other).collect(),
        ..Diagnostic::new(code, Subject::Project, message)
    })
}

fn span(place: Place) -> Span {
    let Place { start, end, line, column, excerpt } = place;
    Span { start, end, line, column, excerpt }
}
