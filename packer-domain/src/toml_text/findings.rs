//! Collects what is wrong with one file, each finding with its place.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, DiagnosticCode, SourceText, Subject};

use super::suggest;

/// The codes that one sort of file uses for the findings that all have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codes {
    pub(crate) syntax: DiagnosticCode,
    pub(crate) unknown_key: DiagnosticCode,
    pub(crate) missing_key: DiagnosticCode,
    pub(crate) invalid_value: DiagnosticCode,
}

/// After this many findings of one file, the rest is counted and not kept: each costs a walk through the text.
const MAX_KEPT: usize = 256;

/// What messages call the table that has no header.
pub(crate) const TOP_LEVEL: &str = "the top level";

/// The findings of one file.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    text: &'a str,
    file: &'a str,
    subject: Subject,
    codes: Codes,
    list: Vec<Diagnostic>,
    reported: usize,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(text: &'a str, file: &'a str, subject: Subject, codes: Codes) -> Self {
        Self { text, file, subject, codes, list: Vec::new(), reported: 0 }
    }

    /// Everything reported, in the order of the text.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by(|a, b| {
            let place = |d: &Diagnostic| d.span.as_ref().map(|span| (span.start, span.end));
            place(a).cmp(&place(b)).then_with(|| a.cmp(b))
        });
        let left_out = self.reported - self.list.len();
        if let Some(last) = self.list.last_mut().filter(|_| left_out > 0) {
            last.message = format!("{} ({left_out} more findings are not shown)", last.message);
        }
        self.list
    }

    /// How many findings were reported, with those that are not kept.
    pub(crate) fn len(&self) -> usize {
        self.reported
    }

    /// The text at `range`, where the range is one of the text's.
    pub(crate) fn text_at(&self, range: &Range<usize>) -> &'a str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// A finding at `range`.
    pub(crate) fn report(
        &mut self,
        code: DiagnosticCode,
        range: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.reported += 1;
        if self.list.len() == MAX_KEPT {
            return;
        }
        let mut found = Diagnostic::new(code, self.subject.clone(), message)
            .in_file(self.file)
            .at(SourceText::new(self.text).span(range));
        found.help = help;
        self.list.push(found);
    }

    /// The text is not TOML at `range`.
    pub(crate) fn syntax(&mut self, range: Range<usize>, message: impl Into<String>) {
        self.report(self.codes.syntax, range, message, None);
    }

    /// A value that its key does not take.
    pub(crate) fn invalid(&mut self, range: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.report(self.codes.invalid_value, range, message, help);
    }

    /// The key `key` means nothing in `place` (`the top level`, `[build]` …), where `known` would.
    pub(crate) fn unknown_key(&mut self, range: Range<usize>, key: &str, place: &str, known: &[&str]) {
        let help = match suggest(key, known.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None if known.is_empty() => "nothing can be set here: remove it".to_owned(),
            None => format!("known here: {}", known.join(", ")),
        };
        let code = self.codes.unknown_key;
        let within = if place == TOP_LEVEL { "at" } else { "in" };
        self.report(code, range, format!("unknown key {key:?} {within} {place}"), Some(help));
    }

    /// A key that means nothing where it stands, for a reason of its own.
    pub(crate) fn misplaced_key(&mut self, range: Range<usize>, message: impl Into<String>, help: String) {
        self.report(self.codes.unknown_key, range, message, Some(help));
    }

    /// A required key that is not there; `range` is the table that lacks it.
    pub(crate) fn missing_key(&mut self, range: Range<usize>, key: &str, place: &str, help: String) {
        let code = self.codes.missing_key;
        self.report(code, range, format!("{place} lacks the key `{key}`"), Some(help));
    }
}
