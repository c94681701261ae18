//! The text form of events: one JSON object on one line, read strictly.
//!
//! Guarantees: every event has one line, and reading it gives the event again. What this version does not know (a
//! schema, a body, a field) is refused by name, never skipped. Reading costs memory in proportion to the text.
//!
//! Files and pipes are the runtime's and the consumers' business; [`read_log`] is handed bytes.

mod log;

pub use log::{DamagedLine, LogRead, MAX_DAMAGED_LISTED, TornTail, read_log};

use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use crate::body::EventBody;
use crate::event::{EnvelopeRule, Event, SCHEMA_VERSION};

/// The longest foreign text that an error repeats, in bytes.
const MAX_QUOTED: usize = 200;

/// Why a line is not an event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// It is not JSON.
    #[error("not JSON (column {column}): {message}")]
    Syntax {
        /// Where, in bytes from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// It is an event of another version of the contract.
    #[error("an event of schema {found}; this packer reads schema {SCHEMA_VERSION}")]
    Schema {
        /// Its version.
        found: u64,
    },
    /// Its body is of a type that does not exist in this version.
    #[error("an event with a body of unknown type {found:?}")]
    UnknownBody {
        /// Its type.
        found: String,
    },
    /// It lacks a field, has an unknown one, or one of the wrong shape.
    #[error("not an event (column {column}): {message}")]
    Shape {
        /// Where that was noticed, in bytes from 1; in a body, its end.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Its envelope and its body disagree.
    #[error("not an event: {0}")]
    Envelope(EnvelopeRule),
}

/// The line of `event`, with its newline.
#[expect(clippy::missing_panics_doc, reason = "no value of an event's types can fail to be written")]
pub fn encode_line(event: &Event) -> String {
    let mut line =
        serde_json::to_string(event).expect("an event has text keys only, and no number that JSON lacks");
    line.push('\n');
    line
}

/// The event on `line`, with or without its newline.
pub fn decode_line(line: &str) -> Result<Event, DecodeError> {
    let event = serde_json::from_str::<Event>(line).map_err(|error| explain(line, &error))?;
    match event.broken_rule() {
        None => Ok(event),
        Some(rule) => Err(DecodeError::Envelope(rule)),
    }
}

#[derive(Deserialize)]
struct SchemaProbe {
    schema: u64,
}

#[derive(Deserialize)]
struct BodyProbe {
    body: TypeProbe,
}

#[derive(Deserialize)]
struct TypeProbe {
    r#type: String,
}

/// Finds the reason that says most: what is not JSON at all may not be called an event of another version.
fn explain(line: &str, error: &serde_json::Error) -> DecodeError {
    if let Err(syntax) = serde_json::from_str::<IgnoredAny>(line) {
        return DecodeError::Syntax { column: syntax.column(), message: message(&syntax) };
    }
    if let Ok(probe) = serde_json::from_str::<SchemaProbe>(line)
        && probe.schema != u64::from(SCHEMA_VERSION)
    {
        return DecodeError::Schema { found: probe.schema };
    }
    if let Ok(probe) = serde_json::from_str::<BodyProbe>(line)
        && !EventBody::TYPE_NAMES.contains(&probe.body.r#type.as_str())
    {
        return DecodeError::UnknownBody { found: shortened(probe.body.r#type) };
    }
    DecodeError::Shape { column: error.column(), message: message(error) }
}

/// The message of `error` without its place, which is told apart.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    shortened(match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    })
}

fn shortened(mut text: String) -> String {
    if text.len() > MAX_QUOTED {
        text.truncate(text.floor_char_boundary(MAX_QUOTED));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
