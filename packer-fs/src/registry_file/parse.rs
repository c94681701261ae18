//! Reading the registry's text, with every line that is refused.
//!
//! The form is described in the parent module.

use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, SourceText, Span, Subject};
use packer_domain::identity::{AssetId, LineageId};
use packer_domain::path::AssetPath;
use packer_domain::registry::{BuildParticipation, EntryState, Registry, RegistryEntry};
use serde::Deserialize;

use super::{EntryLine, HeaderLine, SCHEMA};

/// After so many refused lines, the rest is counted and not listed: the file is something else.
pub(super) const MAX_REPORTED: usize = 1000;

/// Parses the bytes of a registry file, named `file` in diagnostics.
///
/// # Errors
/// What is wrong with every line that is refused, by line.
pub fn parse(bytes: &[u8], file: &str) -> Result<Registry, Vec<Diagnostic>> {
    let mut reader = Reader { file, lineage: None, entries: Vec::new(), refused: Vec::new(), unlisted: 0 };
    let mut start = 0;
    for (index, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line = Line { number: index as u32 + 1, start, raw };
        start += raw.len();
        if let Err(refusal) = reader.line(&line) {
            // Of a newer form, nothing else can be judged.
            if let Refusal::Schema { .. } = refusal {
                return Err(vec![diagnostic(file, &line, &refusal)]);
            }
            if reader.refused.len() < MAX_REPORTED {
                reader.refused.push(diagnostic(file, &line, &refusal));
            } else {
                reader.unlisted += 1;
            }
        }
    }
    reader.finish()
}

struct Line<'a> {
    number: u32,
    start: usize,
    raw: &'a [u8],
}

/// Why a line is refused.
#[derive(Debug)]
enum Refusal {
    NotUtf8 { at: usize },
    Torn,
    ConflictMarker,
    Schema { found: u64 },
    OtherLineage { first: LineageId },
    Json { message: String, column: usize },
    Fields { message: &'static str },
}

struct Reader<'a> {
    file: &'a str,
    lineage: Option<LineageId>,
    entries: Vec<RegistryEntry>,
    refused: Vec<Diagnostic>,
    unlisted: usize,
}

impl Reader<'_> {
    fn line(&mut self, line: &Line<'_>) -> Result<(), Refusal> {
        let Some(content) = line.raw.strip_suffix(b"\n") else { return Err(Refusal::Torn) };
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let text =
            std::str::from_utf8(content).map_err(|error| Refusal::NotUtf8 { at: error.valid_up_to() })?;
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        if ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| text.starts_with(marker)) {
            return Err(Refusal::ConflictMarker);
        }
        // A list would be taken as the fields in order; the form has objects only.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(Refusal::Json { message: "expected an object".to_owned(), column: 1 });
        }
        if let Some(entry) = canonical_entry(text) {
            self.entries.push(entry);
            return Ok(());
        }
        match serde_json::from_str::<EntryLine>(text) {
            Ok(entry) => {
                self.entries.push(entry.into_entry().map_err(|message| Refusal::Fields { message })?);
                Ok(())
            }
            Err(_) if is_header(text) => self.header(text),
            Err(error) => Err(refusal(&error)),
        }
    }

    fn header(&mut self, text: &str) -> Result<(), Refusal> {
        #[derive(Deserialize)]
        struct Schema {
            schema: u64,
        }
        let Schema { schema } = serde_json::from_str(text).map_err(|error| refusal(&error))?;
        if schema != SCHEMA {
            return Err(Refusal::Schema { found: schema });
        }
        let header: HeaderLine = serde_json::from_str(text).map_err(|error| refusal(&error))?;
        match self.lineage {
            Some(first) if first != header.lineage => Err(Refusal::OtherLineage { first }),
            Some(_) => Ok(()),
            None => {
                self.lineage = Some(header.lineage);
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Result<Registry, Vec<Diagnostic>> {
        if self.unlisted > 0 {
            self.refused.push(invalid(self.file, format!("{} more lines are refused", self.unlisted)));
        }
        match self.lineage {
            Some(lineage) if self.refused.is_empty() => Ok(Registry::from_lines(lineage, self.entries)),
            Some(_) => Err(self.refused),
            None => {
                // A header that is itself refused is not missing too.
                if self.refused.is_empty() {
                    let message = format!("no line is the header, {{\"schema\":{SCHEMA},\"lineage\":\"…\"}}");
                    self.refused.push(invalid(self.file, message));
                }
                Err(self.refused)
            }
        }
    }
}

/// The live entry of a line that is exactly as the writer writes it, but for texts with escapes; `None` leaves the line to
/// the reader of JSON, which says the same of what is read here.
pub(super) fn canonical_entry(text: &str) -> Option<RegistryEntry> {
    let rest = text.strip_prefix("{\"id\":")?;
    let (id, rest) = rest.split_once(",\"uuid\":\"")?;
    if !id.bytes().all(|byte| byte.is_ascii_digit()) || id.starts_with('0') {
        return None;
    }
    let (uuid, rest) = rest.split_once("\",\"anchor\":\"")?;
    let (anchor, rest) = rest.split_once('"')?;
    let build = match rest {
        ",\"build\":\"included\"}" => BuildParticipation::Included,
        ",\"build\":\"excluded\"}" => BuildParticipation::Excluded,
        _ => return None,
    };
    // A path has neither a backslash nor a control character, so what is one stands for itself in JSON too.
    let anchor = AssetPath::parse(anchor).ok()?;
    let (id, uuid) = (AssetId::new(id.parse().ok()?)?, uuid.parse().ok()?);
    Some(RegistryEntry { uuid, id, state: EntryState::Live { anchor, build } })
}

/// Whether the line is an object that says `schema`, whatever else it says.
fn is_header(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Probe {
        #[serde(rename = "schema")]
        _schema: serde::de::IgnoredAny,
    }
    serde_json::from_str::<Probe>(text).is_ok()
}

fn refusal(error: &serde_json::Error) -> Refusal {
    let message = error.to_string();
    // The place is said by the diagnostic's span.
    let message =
        message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message).to_owned();
    Refusal::Json { message, column: error.column() }
}

fn invalid(file: &str, message: String) -> Diagnostic {
    Diagnostic::new(DiagnosticCode::RegistryInvalid, Subject::Project, message).in_file(file)
}

fn diagnostic(file: &str, line: &Line<'_>, refusal: &Refusal) -> Diagnostic {
    let (message, at, help) = match refusal {
        Refusal::NotUtf8 { at } => ("the line is not UTF-8".to_owned(), *at, None),
        Refusal::Torn => {
            let help =
                "restore the file from version control; if the line is whole, end it with a line break";
            ("the line has no end, so the file may be cut off".to_owned(), 0, Some(help))
        }
        Refusal::ConflictMarker => {
            let help = "keep the lines of both sides and remove the markers; `registry.jsonl merge=union` in \
                        .gitattributes does so by itself";
            ("the line is the marker of a merge conflict".to_owned(), 0, Some(help))
        }
        Refusal::Schema { found } => {
            let help = (*found > SCHEMA).then_some("use a newer packer");
            (format!("the registry has schema {found}; this packer reads {SCHEMA}"), 0, help)
        }
        Refusal::OtherLineage { first } => {
            let help =
                "two registries were merged that do not belong to the same project; keep the lines of one";
            (format!("the line has another lineage than the first header, {first}"), 0, Some(help))
        }
        Refusal::Json { message, column } => {
            (format!("the line is not an entry: {message}"), column.saturating_sub(1), None)
        }
        Refusal::Fields { message } => (format!("the line is not an entry: {message}"), 0, None),
    };
    let diagnostic = invalid(file, message).at(span(line, at));
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// The rest of the line from its byte `at`.
fn span(line: &Line<'_>, at: usize) -> Span {
    let text = String::from_utf8_lossy(line.raw);
    let text = text.trim_end_matches(['\r', '\n']);
    let within = SourceText::new(text).span(at..text.len());
    let end = line.start + line.raw.trim_ascii_end().len();
    Span { start: (line.start + at).min(end) as u32, end: end as u32, line: line.number, ..within }
}
