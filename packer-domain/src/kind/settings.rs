//! Settings of kinds: typed values, what a kind accepts, and the canonical form that enters build keys.
//!
//! Where settings come from (anchor, rules, defaults) and in which order is decided in `rules`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use thiserror::Error;

use crate::name::AssetName;
use crate::toml_text::as_setting;

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SettingValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text: one of a set of choices, a name, or free.
    Text(String),
    /// Several values of one type.
    List(Vec<SettingValue>),
}

/// What a setting accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingType {
    /// `true` or `false`.
    Bool,
    /// A whole number in a range, both ends included.
    Int {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// The name of another asset, or the empty text for none. It is an edge: it orders the bake and enters the key.
    Reference,
    /// Any number of values of one type.
    List(Box<SettingType>),
}

/// One setting of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingSpec {
    /// Its key in an anchor's table.
    pub key: &'static str,
    /// What it accepts.
    pub accepts: SettingType,
    /// Its value where nothing is said.
    pub default: SettingValue,
    /// What it does, in one sentence.
    pub doc: &'static str,
}

/// A value that a setting does not accept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected {expected}, found {found}")]
pub struct SettingError {
    /// What is accepted.
    pub expected: String,
    /// What was given.
    pub found: String,
}

impl SettingType {
    /// Checks `value`.
    pub fn check(&self, value: &SettingValue) -> Result<(), SettingError> {
        let accepted = match (self, value) {
            (Self::Bool, SettingValue::Bool(_)) | (Self::Text, SettingValue::Text(_)) => true,
            (Self::Int { min, max }, SettingValue::Int(number)) => (min..=max).contains(&number),
            (Self::Choice(choices), SettingValue::Text(text)) => choices.contains(&text.as_str()),
            (Self::Reference, SettingValue::Text(text)) => text.is_empty() || AssetName::parse(text).is_ok(),
            (Self::List(item), SettingValue::List(values)) => {
                return values.iter().try_for_each(|value| item.check(value));
            }
            _ => false,
        };
        if accepted {
            Ok(())
        } else {
            Err(SettingError { expected: self.to_string(), found: value.to_string() })
        }
    }
}

impl fmt::Display for SettingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Int { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Choice(choices) => {
                let quoted: Vec<String> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
                write!(f, "one of {}", quoted.join(", "))
            }
            Self::Text => f.write_str("a text"),
            Self::Reference => f.write_str("the name of an asset"),
            Self::List(item) => write!(f, "a list, each {item}"),
        }
    }
}

impl SettingValue {
    /// The value that a text means which somebody typed without an editor's help: that of a TOML value, and otherwise the
    /// text itself, so that `rgba8` needs no quotes and `"7"` can be told from `7`. Whether a setting accepts it is not
    /// decided here.
    pub fn of_typed(text: &str) -> Self {
        let value = text.trim().parse::<toml_edit::Value>().ok();
        value.as_ref().and_then(as_setting).unwrap_or_else(|| Self::Text(text.to_owned()))
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::List(values) => {
                let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", texts.join(", "))
            }
        }
    }
}

/// The settings of one asset, complete: every key of its kind, with the value that applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Settings {
    values: BTreeMap<String, SettingValue>,
}

impl FromIterator<(String, SettingValue)> for Settings {
    fn from_iter<I: IntoIterator<Item = (String, SettingValue)>>(values: I) -> Self {
        Self { values: values.into_iter().collect() }
    }
}

impl Settings {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&SettingValue> {
        self.values.get(key)
    }

    /// The value of a setting that is a number; 0 where the kind has none of that key.
    pub fn int(&self, key: &str) -> i64 {
        match self.values.get(key) {
            Some(SettingValue::Int(value)) => *value,
            _ => 0,
        }
    }

    /// The value of a setting that is true or false; false where the kind has none of that key.
    pub fn bool(&self, key: &str) -> bool {
        matches!(self.values.get(key), Some(SettingValue::Bool(true)))
    }

    /// The value of a setting that is a text; empty where the kind has none of that key.
    pub fn text(&self, key: &str) -> &str {
        match self.values.get(key) {
            Some(SettingValue::Text(value)) => value,
            _ => "",
        }
    }

    /// Sets `key`, over what it was.
    pub fn set(&mut self, key: &str, value: SettingValue) {
        self.values.insert(key.to_owned(), value);
    }

    /// All values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SettingValue)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Adds the canonical form to a build key: every key and value in order, each with its type and length, so that no
    /// two different settings give the same bytes.
    pub fn hash_into(&self, hasher: &mut blake3::Hasher) {
        let mut bytes = Vec::new();
        self.write_canonical(&mut bytes);
        hasher.update(&bytes);
    }

    /// The canonical form, as bytes.
    pub(crate) fn write_canonical(&self, bytes: &mut Vec<u8>) {
        write_len(bytes, self.values.len());
        for (key, value) in &self.values {
            write_len(bytes, key.len());
            bytes.extend_from_slice(key.as_bytes());
            write_value(bytes, value);
        }
    }
}

fn write_len(bytes: &mut Vec<u8>, len: usize) {
    bytes.extend_from_slice(&(len as u64).to_le_bytes());
}

fn write_value(bytes: &mut Vec<u8>, value: &SettingValue) {
    match value {
        SettingValue::Bool(value) => bytes.extend_from_slice(&[0, u8::from(*value)]),
        SettingValue::Int(value) => {
            bytes.push(1);
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        SettingValue::Text(value) => {
            bytes.push(2);
            write_len(bytes, value.len());
            bytes.extend_from_slice(value.as_bytes());
        }
        SettingValue::List(values) => {
            bytes.push(3);
            write_len(bytes, values.len());
            for value in values {
                write_value(bytes, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_is_accepted() {
        let choice = SettingType::Choice(&["rgba8", "source"]);
        let error = choice.check(&SettingValue::Text("rgb".into())).unwrap_err();
        assert_eq!(error.to_string(), r#"expected one of "rgba8", "source", found "rgb""#);
        let error = SettingType::Int { min: 0, max: 9 }.check(&SettingValue::Int(10)).unwrap_err();
        assert_eq!(error.to_string(), "expected a whole number from 0 to 9, found 10");
        assert!(SettingType::Reference.check(&SettingValue::Text("Tiles".into())).is_err());
    }

    #[test]
    fn what_is_typed_is_a_toml_value_or_a_text() {
        let text = |t: &str| SettingValue::Text(t.to_owned());
        let list = |values: &[SettingValue]| SettingValue::List(values.to_vec());
        for (typed, expected) in [
            ("true", SettingValue::Bool(true)),
            ("True", text("True")),
            ("7", SettingValue::Int(7)),
            (" -7 ", SettingValue::Int(-7)),
            ("1_000", SettingValue::Int(1000)),
            ("99999999999999999999", text("99999999999999999999")),
            ("rgba8", text("rgba8")),
            ("ui/button", text("ui/button")),
            ("\"7\"", text("7")),
            ("'a \"b\"'", text("a \"b\"")),
            ("\"half", text("\"half")),
            ("", text("")),
            (" a ", text(" a ")),
            ("[1, 'a', []]", list(&[SettingValue::Int(1), text("a"), list(&[])])),
            // What no setting can be stays what was typed, and is refused as such.
            ("1.5", text("1.5")),
            ("2026-11-22", text("2026-11-22")),
            ("{a = 1}", text("{a = 1}")),
            ("[1.5]", text("[1.5]")),
            // Nothing but the value: no further keys or comments get into an anchor.
            ("1\nuuid = 'x'", text("1\nuuid = 'x'")),
        ] {
            assert_eq!(SettingValue::of_typed(typed), expected, "{typed:?}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(SettingValue::of_typed(&deep), text(&deep));
    }

    #[test]
    fn different_settings_hash_differently() {
        let hash = |values: &[(&str, SettingValue)]| {
            let settings: Settings = values.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
            let mut hasher = blake3::Hasher::new();
            settings.hash_into(&mut hasher);
            hasher.finalize()
        };
        let text = |t: &str| SettingValue::Text(t.to_owned());
        let all = [
            hash(&[]),
            hash(&[("a", text("b"))]),
            hash(&[("ab", text(""))]),
            hash(&[("a", SettingValue::Int(1))]),
            hash(&[("a", SettingValue::Bool(true))]),
            hash(&[("a", SettingValue::List(vec![text("b")]))]),
            hash(&[("a", SettingValue::List(vec![text("b"), text("")]))]),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().map(|hash| *hash.as_bytes()).collect();
        assert_eq!(distinct.len(), all.len());
    }
}
