//! Tests of what holds for all built-in codecs.

use std::collections::BTreeSet;

use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::kind::{KindCatalog, KindId, SettingValue};

use crate::builtin;
use crate::fixture::Bake;

#[test]
fn defaults_are_accepted_by_their_settings() {
    for codec in builtin() {
        let spec = codec.spec();
        for setting in &spec.settings {
            assert_eq!(setting.accepts.check(&setting.default), Ok(()), "{} {}", spec.id, setting.key);
            assert!(setting.doc.ends_with('.'), "{} {}", spec.id, setting.key);
        }
    }
}

#[test]
fn no_two_kinds_claim_one_extension() {
    let mut seen = BTreeSet::new();
    for codec in builtin() {
        for extension in codec.spec().extensions {
            assert!(seen.insert(*extension), "{extension} is claimed twice");
            assert_eq!(*extension, extension.to_ascii_lowercase());
        }
    }
}

#[test]
fn adoption_recognises_by_extension_then_by_content() {
    let catalog = KindCatalog::new(builtin().iter().map(|codec| codec.spec().clone()));
    let recognise = |extension, head: &[u8]| catalog.recognise(extension, head).map_or("", KindId::as_str);
    assert_eq!(recognise(Some("PNG"), b""), "image");
    assert_eq!(recognise(Some("tga"), b""), "image");
    assert_eq!(recognise(Some("json"), b""), "data");
    assert_eq!(recognise(Some("wgsl"), b""), "text");
    assert_eq!(recognise(None, b"\x89PNG\r\n\x1a\n"), "image");
    assert_eq!(recognise(Some("dat"), b"RIFF\0\0\0\0WEBPVP8L"), "image");
    assert_eq!(recognise(Some("wav"), b""), "sound");
    assert_eq!(recognise(Some("dat"), b"RIFF\0\0\0\0WAVEfmt "), "sound");
    assert_eq!(recognise(None, b"RIFF\0\0\0\0AVI LIST"), "");
    assert_eq!(recognise(Some("bin"), b"anything"), "");
}

#[test]
fn a_kind_of_one_input_says_so() {
    for codec in builtin() {
        let findings = Bake::new(&*codec, "a.png", b"").inputs(Vec::new()).err();
        assert_eq!(findings[0].code, DiagnosticCode::BakeSettings);
        assert_eq!(findings[0].message, "expected one source file, found 0");
    }
}

#[test]
fn the_page_about_kinds_names_every_kind_setting_choice_default_and_extension() {
    let page = include_str!("../../docs/kinds.md");
    for codec in builtin() {
        let spec = codec.spec();
        let heading = format!("## `{}`", spec.id);
        let section = page.split(&heading).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
        let section = section.split("\n## ").next().unwrap();
        for extension in spec.extensions {
            assert!(section.contains(&format!("`{extension}`")), "{} .{extension}", spec.id);
        }
        for setting in &spec.settings {
            let default = match &setting.default {
                SettingValue::Text(text) => format!("`\"{text}\"`"),
                other => format!("`{other}`"),
            };
            let row = format!(
                "| `{}` | {} | {default} | {} |",
                setting.key,
                accepts(&setting.accepts.to_string()),
                setting.doc
            );
            assert!(section.contains(&row), "the page lacks the row:\n{row}");
        }
    }
}

/// How the page writes what a setting accepts: quoted texts as code.
fn accepts(text: &str) -> String {
    text.split(' ')
        .map(|word| {
            let bare = word.trim_end_matches(',');
            if bare.starts_with('"') { format!("`{bare}`{}", &word[bare.len()..]) } else { word.to_owned() }
        })
        .collect::<Vec<_>>()
        .join(" ")
}
