//! Typed access to a table of a document: a value of another type is reported where it stands.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use crate::diagnostic::DiagnosticCode;
use crate::kind::{KindCatalog, KindId, KindSpec, SettingType, SettingValue};

use super::findings::TOP_LEVEL;
use super::{Findings, TomlText, suggest};

/// A table, with the words by which messages call it.
#[derive(Clone)]
pub(crate) struct TableReader<'d> {
    table: &'d dyn TableLike,
    set_aside: &'d [Range<usize>],
    place: String,
    range: Range<usize>,
}

impl<'d> TableReader<'d> {
    /// The top level of `text`.
    pub(crate) fn root(text: &'d TomlText) -> Self {
        let table: &'d dyn TableLike = text.document().as_table();
        Self { table, set_aside: text.set_aside(), place: TOP_LEVEL.to_owned(), range: 0..0 }
    }

    /// The words by which messages call it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Where its header or its first mention stands.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// All keys, with their places, but for those that stood twice.
    pub(crate) fn keys(&self) -> Vec<(&'d str, Range<usize>)> {
        let all = self.table.iter().map(|(key, _)| (key, self.key_range(key)));
        all.filter(|(_, range)| !self.set_aside.contains(range)).collect()
    }

    /// Where `key` stands; the table's own place if it does not.
    pub(crate) fn key_range(&self, key: &str) -> Range<usize> {
        self.table.key(key).and_then(toml_edit::Key::span).unwrap_or_else(|| self.range.clone())
    }

    /// The item under `key`, with its place.
    pub(crate) fn item(&self, key: &str) -> Option<(&'d Item, Range<usize>)> {
        let item = self.table.get(key)?;
        let range = item.span().unwrap_or_else(|| self.key_range(key));
        Some((item, range))
    }

    /// The text under `key`.
    pub(crate) fn text(&self, findings: &mut Findings<'_>, key: &str) -> Option<(&'d str, Range<usize>)> {
        let (item, range) = self.item(key)?;
        let text = item.as_str();
        if text.is_none() {
            wrong_type(findings, key, "a text", item, range.clone());
        }
        Some((text?, range))
    }

    /// The truth value under `key`.
    pub(crate) fn bool(&self, findings: &mut Findings<'_>, key: &str) -> Option<bool> {
        let (item, range) = self.item(key)?;
        let value = item.as_bool();
        if value.is_none() {
            wrong_type(findings, key, "true or false", item, range);
        }
        value
    }

    /// The whole number under `key`, if it is in `bounds`.
    pub(crate) fn int(
        &self,
        findings: &mut Findings<'_>,
        key: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let (item, range) = self.item(key)?;
        let value = item.as_integer().filter(|value| bounds.contains(value));
        if value.is_none() {
            let expected = match (bounds.start(), bounds.end()) {
                (least, &i64::MAX) => format!("a whole number, at least {least}"),
                (least, greatest) => format!("a whole number from {least} to {greatest}"),
            };
            wrong_type(findings, key, &expected, item, range);
        }
        value
    }

    /// The texts of the list under `key`, each with its place; what else is in the list is reported and left out.
    pub(crate) fn texts(
        &self,
        findings: &mut Findings<'_>,
        key: &str,
    ) -> Option<Vec<(&'d str, Range<usize>)>> {
        let (item, range) = self.item(key)?;
        let Some(array) = item.as_array() else {
            wrong_type(findings, key, "a list of texts", item, range);
            return None;
        };
        let mut texts = Vec::with_capacity(array.len());
        for value in array {
            let place = value.span().unwrap_or_else(|| range.clone());
            if let Some(text) = value.as_str() {
                texts.push((text, place));
            } else {
                let found = found_value(findings, value, &place);
                findings.invalid(place, format!("`{key}`: expected a text, found {found}"), None);
            }
        }
        Some(texts)
    }

    /// The table under `key`, in any of the ways in which TOML writes one.
    pub(crate) fn sub_table(&self, findings: &mut Findings<'_>, key: &str, place: &str) -> Option<Self> {
        let (item, range) = self.item(key)?;
        let Some(table) = item.as_table_like() else {
            wrong_type(findings, key, "a table", item, range);
            return None;
        };
        Some(self.below(table, place, range))
    }

    /// The tables of the list of tables under `key`.
    pub(crate) fn sub_tables(&self, findings: &mut Findings<'_>, key: &str, place: &str) -> Vec<Self> {
        let Some((item, range)) = self.item(key) else { return Vec::new() };
        if let Some(tables) = item.as_array_of_tables() {
            let reader = |table: &'d toml_edit::Table| {
                let range = table.span().unwrap_or_else(|| range.clone());
                self.below(table, place, range)
            };
            return tables.iter().map(reader).collect();
        }
        let Some(array) = item.as_array() else {
            wrong_type(findings, key, &format!("a list of tables, each headed {place}"), item, range);
            return Vec::new();
        };
        let mut readers = Vec::with_capacity(array.len());
        for value in array {
            let at = value.span().unwrap_or_else(|| range.clone());
            if let Some(table) = value.as_inline_table() {
                readers.push(self.below(table, place, at));
            } else {
                let found = found_value(findings, value, &at);
                findings.invalid(at, format!("`{key}`: expected a table, found {found}"), None);
            }
        }
        readers
    }

    /// Reports every key but `known`.
    pub(crate) fn refuse_others(&self, findings: &mut Findings<'_>, known: &[&str]) {
        for (key, range) in self.keys() {
            if !known.contains(&key) {
                findings.unknown_key(range, key, &self.place, known);
            }
        }
    }

    /// Reports that `key` is required.
    pub(crate) fn missing(&self, findings: &mut Findings<'_>, key: &str, help: impl Into<String>) {
        findings.missing_key(self.range.clone(), key, &self.place, help.into());
    }

    fn below(&self, table: &'d dyn TableLike, place: &str, range: Range<usize>) -> Self {
        Self { table, set_aside: self.set_aside, place: place.to_owned(), range }
    }
}

/// The kind called `text`; an unknown one is reported.
pub(crate) fn known_kind<'k>(
    text: &str,
    range: Range<usize>,
    kinds: &'k KindCatalog,
    findings: &mut Findings<'_>,
) -> Option<&'k KindSpec> {
    let found = KindId::parse(text).ok().and_then(|id| kinds.get(&id));
    if found.is_none() {
        let names: Vec<&str> = kinds.iter().map(|spec| spec.id.as_str()).collect();
        let help = match suggest(text, names.iter().copied()) {
            Some(close) => format!("did you mean \"{close}\"?"),
            None => format!("known kinds: {}", names.join(", ")),
        };
        findings.report(
            DiagnosticCode::KindUnknown,
            range,
            format!("no codec bakes the kind {text:?}"),
            Some(help),
        );
    }
    found
}

/// What a table says of the settings of `spec`'s kind: each valid one; the others are reported.
pub(crate) fn read_settings(
    table: &TableReader<'_>,
    spec: &KindSpec,
    findings: &mut Findings<'_>,
) -> BTreeMap<String, SettingValue> {
    let known: Vec<&str> = spec.settings.iter().map(|setting| setting.key).collect();
    let mut settings = BTreeMap::new();
    for (key, key_range) in table.keys() {
        let Some(setting) = spec.setting(key) else {
            findings.unknown_key(key_range, key, &format!("the settings of the kind `{}`", spec.id), &known);
            continue;
        };
        let Some((item, range)) = table.item(key) else { continue };
        let value = item.as_value().and_then(|value| checked(findings, key, &setting.accepts, value));
        match value {
            Some(value) => {
                settings.insert(key.to_owned(), value);
            }
            None if item.is_value() => {}
            None => wrong_type(findings, key, &setting.accepts.to_string(), item, range),
        }
    }
    settings
}

/// The value, if `accepts` takes it; every part that is not taken is reported.
fn checked(
    findings: &mut Findings<'_>,
    key: &str,
    accepts: &SettingType,
    value: &Value,
) -> Option<SettingValue> {
    if let (SettingType::List(accepts), Value::Array(array)) = (accepts, value) {
        let before = findings.len();
        let values: Vec<SettingValue> =
            array.iter().filter_map(|value| checked(findings, key, accepts, value)).collect();
        return (findings.len() == before).then_some(SettingValue::List(values));
    }
    let taken = as_setting(value).filter(|setting| accepts.check(setting).is_ok());
    if taken.is_none() {
        let range = value.span().unwrap_or(0..0);
        let found = found_value(findings, value, &range);
        let help = match (accepts, value) {
            (SettingType::Choice(choices), Value::String(text)) => {
                suggest(text.value(), choices.iter().copied())
                    .map(|close| format!("did you mean \"{close}\"?"))
            }
            _ => None,
        };
        findings.invalid(range, format!("`{key}`: expected {accepts}, found {found}"), help);
    }
    taken
}

/// The value as a setting; `None` for what no setting can be.
pub(crate) fn as_setting(value: &Value) -> Option<SettingValue> {
    match value {
        Value::String(text) => Some(SettingValue::Text(text.value().clone())),
        Value::Integer(number) => Some(SettingValue::Int(*number.value())),
        Value::Boolean(value) => Some(SettingValue::Bool(*value.value())),
        Value::Array(values) => values.iter().map(as_setting).collect::<Option<_>>().map(SettingValue::List),
        Value::Float(_) | Value::Datetime(_) | Value::InlineTable(_) => None,
    }
}

fn wrong_type(findings: &mut Findings<'_>, key: &str, expected: &str, item: &Item, range: Range<usize>) {
    let found = match item.as_value() {
        Some(value) => found_value(findings, value, &range),
        None if item.is_array_of_tables() => "a list of tables".to_owned(),
        None => "a table".to_owned(),
    };
    findings.invalid(range, format!("`{key}`: expected {expected}, found {found}"), None);
}

/// A short value as it is written, a long one by its type.
fn found_value(findings: &Findings<'_>, value: &Value, range: &Range<usize>) -> String {
    const MAX_SHOWN: usize = 48;
    let written = findings.text_at(range);
    match value {
        Value::InlineTable(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        _ if !written.is_empty() && written.len() <= MAX_SHOWN && !written.contains('\n') => {
            written.to_owned()
        }
        Value::String(_) => "a long text".to_owned(),
        Value::Integer(_) | Value::Float(_) => "a number".to_owned(),
        Value::Boolean(_) => "true or false".to_owned(),
        Value::Datetime(_) => "a date or time".to_owned(),
    }
}
