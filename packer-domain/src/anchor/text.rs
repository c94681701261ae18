//! The text of anchors that the packer writes for the first time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::identity::AssetUuid;
use crate::kind::{KindId, SettingValue};
use crate::name::AssetName;

/// What a new anchor says.
#[derive(Clone, Copy, Debug)]
pub struct NewAnchor<'a> {
    /// The asset's identity.
    pub uuid: AssetUuid,
    /// Its name.
    pub name: &'a AssetName,
    /// Its kind.
    pub kind: &'a KindId,
    /// Whether it is loaded with the pack, if that is to be said.
    pub preload: Option<bool>,
    /// Patterns of the inputs of a directory asset; none for a sidecar.
    pub inputs: &'a [String],
    /// The settings to say.
    pub settings: &'a BTreeMap<String, SettingValue>,
}

/// The text of a new anchor: the same for the same content, with `\n` line ends.
pub fn new_anchor_text(anchor: &NewAnchor<'_>) -> String {
    let NewAnchor { uuid, name, kind, preload, inputs, settings } = anchor;
    let mut text = format!("uuid = \"{uuid}\"\nname = \"{name}\"\nkind = \"{kind}\"\n");
    if let Some(preload) = preload {
        text.push_str(if *preload { "preload = true\n" } else { "preload = false\n" });
    }
    if !inputs.is_empty() {
        let list = SettingValue::List(inputs.iter().cloned().map(SettingValue::Text).collect());
        text.push_str("inputs = ");
        text.push_str(&value_text(&list));
        text.push('\n');
    }
    if !settings.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n[{kind}]\n");
        for (key, value) in *settings {
            let _ = writeln!(text, "{} = {}", key_text(key), value_text(value));
        }
    }
    text
}

/// The text of the sidecar that adoption writes: no more than has to be said.
pub fn new_sidecar_text(uuid: AssetUuid, name: &AssetName, kind: &KindId) -> String {
    new_anchor_text(&NewAnchor { uuid, name, kind, preload: None, inputs: &[], settings: &BTreeMap::new() })
}

/// `key` as TOML writes it, quoted where it has to be.
pub(super) fn key_text(key: &str) -> String {
    toml_edit::Key::new(key).display_repr().into_owned()
}

/// `value` as TOML writes it, on one line.
pub(super) fn value_text(value: &SettingValue) -> String {
    match value {
        SettingValue::Bool(value) => value.to_string(),
        SettingValue::Int(value) => value.to_string(),
        SettingValue::Text(text) => quoted(text),
        SettingValue::List(values) => {
            let texts: Vec<String> = values.iter().map(value_text).collect();
            format!("[{}]", texts.join(", "))
        }
    }
}

/// `text` as a basic string on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
