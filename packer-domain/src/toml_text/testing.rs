//! What tests of the TOML files share: a small catalogue of kinds, and diagnostics as text.

use crate::diagnostic::Diagnostic;
use crate::kind::{InputArity, KindCatalog, KindId, KindSpec, SettingSpec, SettingType, SettingValue};

/// `file:line:column: severity[code] message`, and the help below it.
pub(crate) fn render(diagnostics: &[Diagnostic]) -> String {
    let line = |found: &Diagnostic| {
        let Diagnostic { code, severity, message, .. } = found;
        let file = found.file.as_deref().unwrap_or("-");
        let place =
            found.span.as_ref().map_or(String::new(), |span| format!("{}:{}", span.line, span.column));
        let help = found.help.as_ref().map_or(String::new(), |help| format!("  help: {help}\n"));
        format!("{file}:{place}: {severity}[{code}] {message}\n{help}")
    };
    diagnostics.iter().map(line).collect()
}

/// That two rendered texts are equal; shows both as they are read if not.
#[track_caller]
pub(crate) fn expect(found: &str, expected: &str) {
    assert!(found == expected, "found:\n{found}\nexpected:\n{expected}");
}

/// `image`, `atlas` and `tilemap`, each with a few settings of all types.
pub(crate) fn kinds() -> KindCatalog {
    let setting = |key, accepts, default| SettingSpec { key, accepts, default, doc: "" };
    let kind = |id: &str, inputs, settings| KindSpec {
        id: KindId::parse(id).unwrap(),
        codec_version: 1,
        payload_version: 1,
        inputs,
        extensions: &[],
        signatures: &[],
        settings,
    };
    let text = |text: &str| SettingValue::Text(text.to_owned());
    let encodings = SettingType::Choice(&["rgba8", "indexed8", "source"]);
    let number = SettingType::Int { min: 0, max: 64 };
    let names = SettingType::List(Box::new(SettingType::Reference));
    KindCatalog::new([
        kind(
            "image",
            InputArity::One,
            vec![
                setting("encoding", encodings, text("rgba8")),
                setting("premultiply", SettingType::Bool, SettingValue::Bool(false)),
            ],
        ),
        kind(
            "atlas",
            InputArity::Many,
            vec![
                setting("padding", number.clone(), SettingValue::Int(1)),
                setting("label", SettingType::Text, text("")),
                setting("weights", SettingType::List(Box::new(number)), SettingValue::List(Vec::new())),
            ],
        ),
        kind("tilemap", InputArity::One, vec![setting("tilesets", names, SettingValue::List(Vec::new()))]),
    ])
}
