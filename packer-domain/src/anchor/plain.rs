//! Anchors in the plain form that the packer writes and nearly everybody keeps: one `key = value` a line, texts without
//! escapes, and below them at most the table of the kind's settings.
//!
//! A project has as many anchors as assets, and a reader of all of TOML takes several times as long for each. What is not
//! exactly of the plain form, or has anything wrong with it, is left to `parse`: what is read here declares what it
//! declares there, to the last detail.

use std::collections::BTreeMap;

use crate::identity::AssetUuid;
use crate::kind::{KindCatalog, KindSpec, SettingValue};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::toml_text::MAX_TOML_BYTES;

use super::{AnchorDeclaration, InputPatterns, sidecar_input};

/// What the sidecar at `path` declares; `None` for everything that is not for here to judge.
pub(super) fn parse_plain(text: &str, path: &AssetPath, kinds: &KindCatalog) -> Option<AnchorDeclaration> {
    if text.len() > MAX_TOML_BYTES {
        return None;
    }
    sidecar_input(path)?;
    let mut reader = Reader { kinds, uuid: None, name: None, kind: None, preload: None, settings: None };
    for line in text.split_inclusive('\n') {
        let line = match line.strip_suffix('\n') {
            Some(line) => line.strip_suffix('\r').unwrap_or(line),
            None => line,
        };
        let line = line.trim_matches([' ', '\t']);
        match line.as_bytes().first() {
            None => {}
            Some(b'#') if line.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)) => {}
            Some(b'[') => reader.table(line.strip_prefix('[')?.strip_suffix(']')?)?,
            Some(_) => reader.entry(line)?,
        }
    }
    Some(AnchorDeclaration {
        uuid: reader.uuid?,
        name: reader.name?,
        kind: reader.kind?.id.clone(),
        preload: reader.preload,
        inputs: InputPatterns::sidecar(),
        settings: reader.settings.unwrap_or_default(),
    })
}

struct Reader<'k> {
    kinds: &'k KindCatalog,
    uuid: Option<AssetUuid>,
    name: Option<AssetName>,
    kind: Option<&'k KindSpec>,
    preload: Option<bool>,
    /// There once the table of settings has begun.
    settings: Option<BTreeMap<String, SettingValue>>,
}

impl Reader<'_> {
    /// The header of a table: only that of the kind's settings, once.
    fn table(&mut self, name: &str) -> Option<()> {
        let fits = self.settings.is_none() && self.kind?.id.as_str() == name;
        fits.then(|| self.settings = Some(BTreeMap::new()))
    }

    fn entry(&mut self, line: &str) -> Option<()> {
        let (key, value) = line.split_once('=')?;
        let key = key.trim_end_matches([' ', '\t']);
        let value = plain_value(value.trim_start_matches([' ', '\t']))?;
        if let Some(settings) = &mut self.settings {
            let setting = self.kind?.setting(key)?;
            setting.accepts.check(&value).ok()?;
            return settings.insert(key.to_owned(), value).is_none().then_some(());
        }
        match (key, value) {
            ("uuid", SettingValue::Text(text)) => set(&mut self.uuid, text.parse().ok()?),
            ("name", SettingValue::Text(text)) => set(&mut self.name, AssetName::parse(&text).ok()?),
            ("kind", SettingValue::Text(text)) => set(&mut self.kind, self.kinds.find(&text)?),
            ("preload", SettingValue::Bool(value)) => set(&mut self.preload, value),
            _ => None,
        }
    }
}

/// Sets what was not set before.
fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A text without escapes, a truth value, or a whole number in its usual form, and nothing after it.
fn plain_value(text: &str) -> Option<SettingValue> {
    if let Some(rest) = text.strip_prefix('"') {
        let inner = rest.strip_suffix('"')?;
        let plain = inner.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\' | 0x7f));
        return plain.then(|| SettingValue::Text(inner.to_owned()));
    }
    match text {
        "true" => return Some(SettingValue::Bool(true)),
        "false" => return Some(SettingValue::Bool(false)),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let usual = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.len() < 18 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if usual { text.parse().ok().map(SettingValue::Int) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::anchor::parse::parse_fully;
    use crate::toml_text::testing::kinds;

    const HEAD: &str = "uuid = \"0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10\"\nname = \"ui/a\"\nkind = \"image\"\n";

    fn path() -> AssetPath {
        AssetPath::parse("ui/a.png.asset.toml").unwrap()
    }

    #[test]
    fn ordinary_anchors_are_of_the_plain_form() {
        for rest in [
            "",
            "preload = true\n",
            "preload=false\r\n\r\n[image]\r\nencoding = \"source\"\r\npremultiply = true\r\n",
            "# The button.\n\n\t[image]\t\n  encoding\t=  \"rgba8\"  ",
        ] {
            let text = format!("{HEAD}{rest}");
            let plain = parse_plain(&text, &path(), &kinds());
            assert!(plain.is_some(), "{text}");
            assert_eq!(parse_fully(text.as_bytes(), &path(), "f", &kinds()).declaration(), plain.as_ref());
        }
    }

    #[test]
    fn what_is_not_plain_is_left_alone() {
        for text in [
            HEAD.replace("image", "imag"),
            HEAD.replace("uuid = ", "uuid = 'x' # "),
            format!("\u{feff}{HEAD}"),
            format!("{HEAD}name = \"b\"\n"),
            format!("{HEAD}[image]\n[image]\n"),
            format!("{HEAD}[atlas]\n"),
            format!("{HEAD}inputs = [\"*\"]\n"),
            format!("{HEAD}# \u{1}\n"),
            format!("{HEAD}preload = true\r"),
        ] {
            assert_eq!(parse_plain(&text, &path(), &kinds()), None, "{text}");
        }
        let directory = AssetPath::parse("ui/asset.toml").unwrap();
        assert_eq!(parse_plain(HEAD, &directory, &kinds()), None);
    }

    /// Lines of anchors, most of them in order.
    fn line() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => Just("uuid = \"0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10\"".to_owned()),
            8 => "name = \"(ui/a|b|é|A|a\\\\tb|)\"",
            8 => "kind = \"(image|atlas|imag)\"",
            2 => "preload[ \t]{0,2}=[ \t]{0,2}(true|false|1|\"x\")",
            4 => "[ \t]?\\[ ?(image|atlas)\\]( #)?",
            4 => "(encoding|padding|premultiply|label) = (\"rgba8\"|\"source\"|'rgba8'|true|-?[0-9]{1,3}|1_0|\"\"\"a\"\"\"|\"\"|0x1)",
            2 => "# ?[a-zé\t\u{1}\u{7f}\"=\\[]{0,5}",
            1 => "[ \t]{0,3}",
            1 => "(\"name\"|image.encoding|inputs|a b) = \\[?\"a\"\\]?",
            1 => "[a-z=\"\\[\\]\r\u{feff}#. ]{0,6}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_here_is_what_is_read_in_full(
            head in any::<bool>(),
            lines in prop::collection::vec((line(), prop::sample::select(&["\n", "\n", "\r\n", "", "\r"][..])), 0..7),
        ) {
            let lines: String = lines.into_iter().flat_map(|(line, end)| [line, end.to_owned()]).collect();
            let text = if head { format!("{HEAD}{lines}") } else { lines };
            if let Some(plain) = parse_plain(&text, &path(), &kinds()) {
                let full = parse_fully(text.as_bytes(), &path(), "f", &kinds());
                prop_assert_eq!(full.declaration(), Some(&plain), "{:?}", text);
            }
        }
    }
}
