//! Edits of an anchor's text that change what they are asked to, and not a byte beside it.
//!
//! Values are replaced, and lines inserted and removed, in the text itself, by the places that the parser gives. So
//! comments, order, blank lines, spelling, line ends and a byte order mark stay. What a value may be is not checked here:
//! the result is read again like any anchor.

use std::ops::Range;

use thiserror::Error;
use toml_edit::{InlineTable, Item, Table, TableLike, Value};

use crate::diagnostic::{DiagnosticCode, Subject};
use crate::identity::AssetUuid;
use crate::kind::{KindId, SettingValue};
use crate::name::AssetName;
use crate::toml_text::{Codes, Findings, TomlText, as_setting};

use super::text::{key_text, quoted, value_text};

/// The order of keys in a new anchor: where one that was not said goes.
const ORDER: [&str; 5] = ["uuid", "name", "kind", "preload", "inputs"];

const BOM: char = '\u{feff}';

/// A change of an anchor's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnchorEdit {
    /// Another identity.
    SetUuid(AssetUuid),
    /// Another name.
    SetName(AssetName),
    /// Whether the asset is loaded with the pack.
    SetPreload(bool),
    /// The patterns of a directory asset's inputs.
    SetInputs(Vec<String>),
    /// A setting of the anchor's kind.
    SetSetting {
        /// Its key.
        key: String,
        /// Its value.
        value: SettingValue,
    },
    /// Leave a setting to rules and defaults; nothing happens where it is not said.
    ClearSetting {
        /// Its key.
        key: String,
    },
    /// Leave preloading to the rules; nothing happens where it is not said.
    ClearPreload,
}

/// Why a text cannot be edited.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    /// It is not TOML.
    #[error("line {line} is not TOML: {message}")]
    Syntax {
        /// The line of the first error, from 1.
        line: u32,
        /// The first error.
        message: String,
    },
    /// A setting is to be changed, and the anchor does not say of which kind it is.
    #[error("the anchor does not say a kind")]
    NoKind,
    /// A table stands where a value would be written.
    #[error("`{key}` is a table there, not a value")]
    NotAValue {
        /// Its key.
        key: String,
    },
    /// A value stands where the kind's table would be.
    #[error("`{key}` is a value there, not a table")]
    NotATable {
        /// Its key.
        key: String,
    },
}

/// Carries out `edits` on `text`, in order.
pub fn edit_anchor(text: &str, edits: &[AnchorEdit]) -> Result<String, EditError> {
    let mut text = text.to_owned();
    // Also with no edits, a text that is not TOML is refused.
    let mut toml = parse(&text)?;
    for edit in edits {
        let splice = plan(&text, toml.document().as_table(), edit)?;
        if let Some(Splice { range, with }) = splice {
            text.replace_range(range, &with);
            toml = parse(&text)?;
        }
    }
    Ok(text)
}

/// The one replacement that an edit comes down to.
struct Splice {
    range: Range<usize>,
    with: String,
}

impl Splice {
    fn insert(at: usize, with: String) -> Self {
        Self { range: at..at, with }
    }
}

fn parse(text: &str) -> Result<TomlText, EditError> {
    const CODES: Codes = Codes {
        syntax: DiagnosticCode::AnchorSyntax,
        unknown_key: DiagnosticCode::AnchorUnknownKey,
        missing_key: DiagnosticCode::AnchorMissingKey,
        invalid_value: DiagnosticCode::AnchorInvalidValue,
    };
    let mut findings = Findings::new(text, "", Subject::Project, CODES);
    let parsed = TomlText::parse(text, &mut findings);
    match (parsed, findings.finish().into_iter().next()) {
        (Some(parsed), None) => Ok(parsed),
        (_, first) => Err(EditError::Syntax {
            line: first.as_ref().and_then(|d| d.span.as_ref()).map_or(1, |span| span.line),
            message: first.map(|d| d.message).unwrap_or_default(),
        }),
    }
}

fn plan(text: &str, root: &Table, edit: &AnchorEdit) -> Result<Option<Splice>, EditError> {
    match edit {
        AnchorEdit::SetUuid(uuid) => set_root(text, root, "uuid", &SettingValue::Text(uuid.to_string())),
        AnchorEdit::SetName(name) => set_root(text, root, "name", &SettingValue::Text(name.to_string())),
        AnchorEdit::SetPreload(preload) => set_root(text, root, "preload", &SettingValue::Bool(*preload)),
        AnchorEdit::SetInputs(patterns) => {
            let list = patterns.iter().cloned().map(SettingValue::Text).collect();
            set_root(text, root, "inputs", &SettingValue::List(list))
        }
        AnchorEdit::SetSetting { key, value } => set_setting(text, root, &kind_of(root)?, key, value),
        AnchorEdit::ClearSetting { key } => clear_setting(text, root, &kind_of(root)?, key),
        AnchorEdit::ClearPreload => match place_of(root, "preload")? {
            None => Ok(None),
            Some((key, value)) => Ok(Some(remove_line(text, key.start, span(value).end))),
        },
    }
}

fn kind_of(root: &Table) -> Result<KindId, EditError> {
    let text = root.get("kind").and_then(Item::as_str).ok_or(EditError::NoKind)?;
    KindId::parse(text).map_err(|_| EditError::NoKind)
}

/// The place of `key` and its value in `table`, if it is there.
fn place_of<'t>(table: &'t dyn TableLike, key: &str) -> Result<Option<(Range<usize>, &'t Value)>, EditError> {
    let Some((at, item)) = table.get_key_value(key) else { return Ok(None) };
    // A dotted key makes its parent a table in all but looks.
    let value = item.as_value().filter(|value| !value.as_inline_table().is_some_and(InlineTable::is_dotted));
    let value = value.ok_or_else(|| EditError::NotAValue { key: key.to_owned() })?;
    Ok(Some((at.span().unwrap_or(0..0), value)))
}

/// Where `value` stands. Every value of a parsed document has a place.
fn span(value: &Value) -> Range<usize> {
    value.span().unwrap_or(0..0)
}

fn set_root(text: &str, root: &Table, key: &str, new: &SettingValue) -> Result<Option<Splice>, EditError> {
    if let Some((_, old)) = place_of(root, key)? {
        return Ok(replace(text, old, new));
    }
    let line = format!("{} = {}", key_text(key), value_text(new));
    let before = ORDER.iter().take_while(|other| **other != key);
    let ends = before.filter_map(|other| root.get(other)?.as_value()).map(|value| span(value).end);
    if let Some(end) = ends.max() {
        return Ok(Some(insert_line_after(text, end, &line)));
    }
    let first = first_key(root);
    Ok(Some(match first {
        Some(start) => Splice::insert(line_start(text, start), format!("{line}{}", newline(text))),
        None => insert_line_after(text, text.len(), &line),
    }))
}

/// Where the first key of the document stands, in a header or before all of them.
fn first_key(table: &dyn TableLike) -> Option<usize> {
    let own = table.iter().filter_map(|(key, item)| {
        let nested = match item {
            Item::ArrayOfTables(tables) => tables.iter().filter_map(Table::span).map(|span| span.start).min(),
            Item::Table(table) => first_key(table),
            _ => None,
        };
        table.key(key).and_then(toml_edit::Key::span).map(|span| span.start).into_iter().chain(nested).min()
    });
    own.min()
}

fn set_setting(
    text: &str,
    root: &Table,
    kind: &KindId,
    key: &str,
    new: &SettingValue,
) -> Result<Option<Splice>, EditError> {
    let entry = format!("{} = {}", key_text(key), value_text(new));
    let item = root.get(kind.as_str());
    if let Some(table) = item.and_then(Item::as_table_like)
        && let Some((_, old)) = place_of(table, key)?
    {
        return Ok(replace(text, old, new));
    }
    match item {
        None => Ok(Some(append_table(text, kind, &entry))),
        Some(Item::Table(table)) if table.is_dotted() => {
            let line = format!("{}.{entry}", key_text(kind.as_str()));
            Ok(Some(insert_line_after(text, last_end(table).unwrap_or(text.len()), &line)))
        }
        Some(Item::Table(table)) if table.is_implicit() => Ok(Some(append_table(text, kind, &entry))),
        Some(Item::Table(table)) => {
            let header = table.span().map_or(text.len(), |span| span.end);
            Ok(Some(insert_line_after(text, last_end(table).unwrap_or(header), &entry)))
        }
        Some(Item::Value(Value::InlineTable(table))) => Ok(Some(if let Some(end) = last_end(table) {
            Splice::insert(end, format!(", {entry}"))
        } else {
            let open = table.span().map_or(0, |span| span.start + 1);
            let tail = if text[open..].starts_with('}') { " " } else { "" };
            Splice::insert(open, format!(" {entry}{tail}"))
        })),
        Some(_) => Err(EditError::NotATable { key: kind.to_string() }),
    }
}

fn clear_setting(text: &str, root: &Table, kind: &KindId, key: &str) -> Result<Option<Splice>, EditError> {
    let Some(item) = root.get(kind.as_str()) else { return Ok(None) };
    let Some(table) = item.as_table_like() else {
        return Err(EditError::NotATable { key: kind.to_string() });
    };
    let Some((at, old)) = place_of(table, key)? else { return Ok(None) };
    let end = span(old).end;
    if item.is_table() {
        return Ok(Some(remove_line(text, at.start, end)));
    }
    let previous =
        table.get_values().into_iter().map(|(_, value)| span(value).end).filter(|end| *end <= at.start);
    let range = match (previous.max(), after_comma(text, end)) {
        (Some(previous), _) => previous..end,
        (None, Some(next)) => at.start..next,
        (None, None) => text[..at.start].trim_end_matches([' ', '\t']).len()..end,
    };
    Ok(Some(Splice { range, with: String::new() }))
}

/// `new` in the place of `old`, in the same quotes where they can hold it; nothing where it is the same value.
fn replace(text: &str, old: &Value, new: &SettingValue) -> Option<Splice> {
    if as_setting(old).as_ref() == Some(new) {
        return None;
    }
    let range = span(old);
    let written = &text[range.clone()];
    let literal = written.starts_with('\'') && !written.starts_with("'''");
    let with = match new {
        SettingValue::Text(text) if literal && !text.chars().any(|c| c == '\'' || c.is_control()) => {
            format!("'{text}'")
        }
        SettingValue::Text(text) => quoted(text),
        other => value_text(other),
    };
    Some(Splice { range, with })
}

/// Where the last value that stands in the table itself ends.
fn last_end(table: &dyn TableLike) -> Option<usize> {
    table.get_values().into_iter().map(|(_, value)| span(value).end).max()
}

fn append_table(text: &str, kind: &KindId, entry: &str) -> Splice {
    let newline = newline(text);
    let body = text.trim_start_matches(BOM);
    let gap = match (body.is_empty(), body.ends_with('\n')) {
        (true, _) => String::new(),
        (false, true) => newline.to_owned(),
        (false, false) => newline.repeat(2),
    };
    let with = format!("{gap}[{}]{newline}{entry}{newline}", key_text(kind.as_str()));
    Splice::insert(text.len(), with)
}

/// A line of its own, after the line in which `offset` is.
fn insert_line_after(text: &str, offset: usize, line: &str) -> Splice {
    let newline = newline(text);
    match text[offset..].find('\n') {
        Some(end) => Splice::insert(offset + end + 1, format!("{line}{newline}")),
        None if text.trim_start_matches(BOM).is_empty() || text.ends_with('\n') => {
            Splice::insert(text.len(), format!("{line}{newline}"))
        }
        None => Splice::insert(text.len(), format!("{newline}{line}")),
    }
}

/// The lines of an entry from its key to the end of its value, with the comment behind it.
fn remove_line(text: &str, key: usize, value_end: usize) -> Splice {
    let end = text[value_end..].find('\n').map_or(text.len(), |end| value_end + end + 1);
    Splice { range: line_start(text, key)..end, with: String::new() }
}

/// Where the line of `offset` starts, after a byte order mark.
fn line_start(text: &str, offset: usize) -> usize {
    match text[..offset].rfind('\n') {
        Some(end) => end + 1,
        None if text.starts_with(BOM) => BOM.len_utf8(),
        None => 0,
    }
}

/// The place after the comma that follows `offset`, and the blanks after it; `None` if something else follows.
fn after_comma(text: &str, offset: usize) -> Option<usize> {
    let mut rest = text[offset..].trim_start();
    while rest.starts_with('#') {
        rest = rest.split_once('\n')?.1.trim_start();
    }
    let rest = rest.strip_prefix(',')?.trim_start_matches([' ', '\t']);
    Some(text.len() - rest.len())
}

/// The line end that the text uses: that of its first line.
fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
