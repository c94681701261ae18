//! From text to a document with places, and every syntax error rather than the first.
//!
//! `toml_edit` gives up its document at the first error, so the grammar is checked on its own first (with the parser
//! that `toml_edit` itself uses), and what it finds beyond that is set aside, one by one.

use std::ops::Range;

use toml_edit::Document;
use toml_parser::parser::{Event, EventKind, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{ErrorSink, Expected, ParseError, Source};

use super::{Findings, MAX_TOML_BYTES};

/// Tables and arrays nested deeper are refused; `toml_edit` has the same bound.
const MAX_DEPTH: u32 = 80;

/// After this many errors of one file, the rest is left unsaid.
const MAX_ERRORS: usize = 32;

/// A text that is TOML, but for keys that stand twice, which are reported and set aside.
#[derive(Debug)]
pub(crate) struct TomlText {
    document: Document<String>,
    /// Where keys were set aside; they mean nothing and were reported.
    set_aside: Vec<Range<usize>>,
}

impl TomlText {
    /// Parses `text`; `None` if it is not TOML. Reports every error of syntax.
    pub(crate) fn parse(text: &str, findings: &mut Findings<'_>) -> Option<Self> {
        if text.len() > MAX_TOML_BYTES {
            let message = format!("the file has {} bytes; at most {MAX_TOML_BYTES} are read", text.len());
            findings.syntax(0..0, message);
            return None;
        }
        let errors = grammar_errors(text);
        if !errors.is_empty() {
            let hidden = errors.len().saturating_sub(MAX_ERRORS);
            for error in errors.into_iter().take(MAX_ERRORS) {
                let range = range_of(&error, text);
                let mut message = describe(&error, text);
                if hidden > 0 && findings.len() + 1 == MAX_ERRORS {
                    message = format!("{message} ({hidden} more errors follow)");
                }
                findings.syntax(range, message);
            }
            return None;
        }
        let mut working = text.to_owned();
        let mut set_aside = Vec::new();
        let mut sound = true;
        for round in 0..MAX_ERRORS {
            let error = match Document::parse(working.clone()) {
                Ok(document) => return sound.then_some(Self { document, set_aside }),
                Err(error) => error,
            };
            let range = error.span().unwrap_or(0..0);
            let found = text.get(range.clone()).unwrap_or_default();
            let twice = error.message() == "duplicate key";
            let message =
                if twice { format!("the key `{found}` stands twice") } else { error.message().to_owned() };
            findings.syntax(range.clone(), message);
            // Something else in its place, of equal length so that every other place stays right: another key, or a
            // text for a number or a date that is none.
            let other = if twice || error.message().starts_with("cannot extend value") {
                format!("{:_>width$}", round, width = range.len())
            } else {
                sound = false;
                format!("'{}'", " ".repeat(range.len().saturating_sub(2)))
            };
            if other.len() != range.len() || found.is_empty() || set_aside.contains(&range) {
                return None;
            }
            working.replace_range(range.clone(), &other);
            set_aside.push(range);
        }
        None
    }

    /// The document.
    pub(crate) fn document(&self) -> &Document<String> {
        &self.document
    }

    /// The keys that were reported as standing twice.
    pub(crate) fn set_aside(&self) -> &[Range<usize>] {
        &self.set_aside
    }
}

/// The text that stands at the top level under `key`, also in a file with errors elsewhere; the first, if there are more.
pub(crate) fn root_text(text: &str, key: &str) -> Option<String> {
    if text.len() > MAX_TOML_BYTES {
        return None;
    }
    let source = Source::new(text);
    let mut path: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    for event in events(text, &mut ()) {
        match event.kind() {
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => return None,
            EventKind::InlineTableOpen | EventKind::ArrayOpen => depth += 1,
            EventKind::InlineTableClose | EventKind::ArrayClose => depth = depth.saturating_sub(1),
            EventKind::Newline if depth == 0 => path.clear(),
            EventKind::SimpleKey if depth == 0 => {
                let mut name = String::new();
                source.get(event)?.decode_key(&mut name, &mut ());
                path.push(name);
            }
            EventKind::Scalar if depth == 0 && path.len() == 1 && path[0] == key => {
                let mut value = String::new();
                let mut errors: Vec<ParseError> = Vec::new();
                let _kind = source.get(event)?.decode_scalar(&mut value, &mut errors);
                return (event.encoding().is_some() && errors.is_empty()).then_some(value);
            }
            _ => {}
        }
    }
    None
}

fn events(text: &str, errors: &mut dyn ErrorSink) -> Vec<Event> {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut events: Vec<Event> = Vec::with_capacity(tokens.len());
    let mut receiver = ValidateWhitespace::new(&mut events, source);
    let mut receiver = RecursionGuard::new(&mut receiver, MAX_DEPTH);
    parse_document(&tokens, &mut receiver, errors);
    events
}

fn grammar_errors(text: &str) -> Vec<ParseError> {
    let mut errors: Vec<ParseError> = Vec::new();
    let source = Source::new(text);
    let events = events(text, &mut errors);
    for event in &events {
        let Some(raw) = source.get(event) else { continue };
        let mut decoded = String::new();
        match event.kind() {
            EventKind::SimpleKey => raw.decode_key(&mut decoded, &mut errors),
            EventKind::Scalar => {
                let _kind = raw.decode_scalar(&mut decoded, &mut errors);
            }
            _ => {}
        }
    }
    errors.sort_by_key(|error| range_of(error, text).start);
    errors.dedup_by_key(|error| range_of(error, text));
    errors
}

fn range_of(error: &ParseError, text: &str) -> Range<usize> {
    match error.unexpected().or(error.context()) {
        Some(span) => span.start()..span.end(),
        None => text.len()..text.len(),
    }
}

fn describe(error: &ParseError, text: &str) -> String {
    let nothing = error
        .unexpected()
        .is_some_and(|span| text.get(span.start()..span.end()).is_some_and(|found| found.trim().is_empty()));
    // The parser's own words for a value that is not there are about quotes.
    if nothing && error.description() == "string values must be quoted" {
        return "a value is missing".to_owned();
    }
    let mut message = error.description().to_owned();
    let expected: Vec<String> = error
        .expected()
        .unwrap_or_default()
        .iter()
        .filter_map(|expected| match expected {
            Expected::Literal("\n") => Some("a new line".to_owned()),
            Expected::Literal(text) => Some(format!("`{text}`")),
            Expected::Description(text) => Some((*text).to_owned()),
            _ => None,
        })
        .collect();
    if !expected.is_empty() {
        message.push_str(", expected ");
        message.push_str(&expected.join(", "));
    }
    message
}
