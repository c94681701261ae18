//! Anchors: read, written anew, and edited.
//!
//! An input is a byte that chooses the anchor's path, one that chooses an edit, and the anchor's text.

use std::fmt::Write as _;

use packer_domain::anchor::{
    AnchorDeclaration, AnchorEdit, EditError, InputPatterns, NewAnchor, ParsedAnchor, edit_anchor,
    new_anchor_text, parse_anchor,
};
use packer_domain::kind::{KindSpec, SettingType, SettingValue};
use packer_domain::name::AssetName;
use packer_domain::path::AssetPath;

use super::input::{asset, check_diagnostics, kinds, path, seed_with, text_of};
use super::{Seed, Verdict};

const FILE: &str = "assets/the.asset.toml";
const PATHS: [&str; 4] = ["ui/a.png.asset.toml", "art/hero/asset.toml", "asset.toml", "a.png"];

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some(([place, choice], text)) = data.split_first_chunk::<2>() else { return Verdict::Refused };
    let at = path(PATHS[usize::from(*place) % PATHS.len()]);
    let parsed = parse(text, &at);
    check_diagnostics(parsed.diagnostics(), text_of(text), FILE);
    assert_eq!(parsed.declaration().is_some(), parsed.diagnostics().is_empty(), "{parsed:#?}");
    if let Some(declaration) = parsed.declaration() {
        assert_eq!(
            (Some(declaration.uuid), Some(&declaration.name), Some(&declaration.kind)),
            (parsed.uuid(), parsed.name(), parsed.kind())
        );
        let written = new_anchor_text(&NewAnchor {
            uuid: declaration.uuid,
            name: &declaration.name,
            kind: &declaration.kind,
            preload: declaration.preload,
            inputs: declaration.inputs.patterns(),
            settings: &declaration.settings,
        });
        let again = parse(written.as_bytes(), &at);
        assert_eq!(again.declaration(), Some(declaration), "{written}");
    }
    if let Ok(text) = std::str::from_utf8(text) {
        check_edit(text, &at, &parsed, *choice);
    }
    if parsed.declaration().is_some() { Verdict::Taken } else { Verdict::Refused }
}

fn parse(text: &[u8], at: &AssetPath) -> ParsedAnchor {
    let parsed = parse_anchor(text, at, FILE, kinds());
    assert_eq!(parsed, parse_anchor(text, at, FILE, kinds()), "the second reading differs");
    parsed
}

/// An edit does what it says and nothing else, once and for all; and what is declared can always be edited.
fn check_edit(text: &str, at: &AssetPath, parsed: &ParsedAnchor, choice: u8) {
    let spec = parsed.kind().and_then(|kind| kinds().get(kind));
    let edit = edit(choice, spec);
    let after = match edit_anchor(text, std::slice::from_ref(&edit)) {
        Ok(after) => after,
        Err(error) => {
            assert!(parsed.declaration().is_none(), "{edit:?}: {error}, of an anchor that is valid");
            if let EditError::Syntax { line, message } = error {
                assert!(line as usize <= text.matches('\n').count() + 1, "line {line}: {message}");
            }
            return;
        }
    };
    let again = edit_anchor(&after, std::slice::from_ref(&edit));
    assert_eq!(again.as_ref(), Ok(&after), "{edit:?} is not done after it was done");
    let edited = parse(after.as_bytes(), at);
    match &edit {
        AnchorEdit::SetUuid(uuid) => assert_eq!(edited.uuid(), Some(*uuid), "{after}"),
        AnchorEdit::SetName(name) => assert_eq!(edited.name(), Some(name), "{after}"),
        _ => {}
    }
    if let Some(before) = parsed.declaration() {
        let expected = expected(before, &edit);
        assert_eq!(edited.declaration(), expected.as_ref(), "{edit:?} of\n{text}\ngives\n{after}");
    }
}

/// What an anchor declares after an edit; none where the edit says something that such an anchor cannot.
fn expected(before: &AnchorDeclaration, edit: &AnchorEdit) -> Option<AnchorDeclaration> {
    let mut after = before.clone();
    match edit {
        AnchorEdit::SetUuid(uuid) => after.uuid = *uuid,
        AnchorEdit::SetName(name) => after.name = name.clone(),
        AnchorEdit::SetPreload(preload) => after.preload = Some(*preload),
        AnchorEdit::ClearPreload => after.preload = None,
        AnchorEdit::SetInputs(patterns) => {
            if before.inputs.is_sidecar() {
                return None;
            }
            let folder = before.inputs.folder().cloned();
            after.inputs = InputPatterns::directory(folder, patterns.clone()).ok()?;
        }
        AnchorEdit::SetSetting { key, value } => {
            kinds().get(&before.kind)?.setting(key)?;
            after.settings.insert(key.clone(), value.clone());
        }
        AnchorEdit::ClearSetting { key } => drop(after.settings.remove(key)),
    }
    Some(after)
}

fn edit(choice: u8, spec: Option<&KindSpec>) -> AnchorEdit {
    let (which, rest) = (choice % 7, usize::from(choice / 7));
    let setting = spec.filter(|spec| !spec.settings.is_empty());
    let setting = setting.map(|spec| &spec.settings[rest % spec.settings.len()]);
    let key = || setting.map_or("encoding", |setting| setting.key).to_owned();
    match which {
        0 => AnchorEdit::SetUuid(asset(9)),
        1 => AnchorEdit::SetName(AssetName::parse("other/name").expect("it is a name")),
        2 => AnchorEdit::SetPreload(rest % 2 == 0),
        3 => AnchorEdit::ClearPreload,
        4 => AnchorEdit::SetInputs(vec!["**/*.png".to_owned(), "a \"b\".txt".to_owned()]),
        5 => AnchorEdit::ClearSetting { key: key() },
        _ => {
            let value = setting.map_or(SettingValue::Bool(true), |setting| valid(&setting.accepts, rest));
            AnchorEdit::SetSetting { key: key(), value }
        }
    }
}

/// A value that the setting takes.
fn valid(accepts: &SettingType, choice: usize) -> SettingValue {
    match accepts {
        SettingType::Bool => SettingValue::Bool(choice.is_multiple_of(2)),
        SettingType::Int { min, max } => {
            SettingValue::Int(if choice.is_multiple_of(2) { *min } else { *max })
        }
        SettingType::Choice(choices) => SettingValue::Text(choices[choice % choices.len()].to_owned()),
        SettingType::Text => SettingValue::Text("a \"text\"\n\u{7f}".to_owned()),
        SettingType::Reference => SettingValue::Text("a/name".to_owned()),
        SettingType::List(item) => SettingValue::List(vec![valid(item, choice), valid(item, choice + 1)]),
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let uuid = asset(1);
    let head = format!("uuid = \"{uuid}\"\nname = \"ui/a\"\nkind = \"image\"\n");
    let texts: [(&str, u8, u8, String); 16] = [
        ("sidecar", 0, 0, head.clone()),
        ("sidecar-name", 0, 1, head.clone()),
        (
            "settings",
            0,
            6,
            format!("{head}preload = true\n\n[image]\nencoding = \"indexed8\"\nmax_size = 64\n"),
        ),
        (
            "clear-setting",
            0,
            5,
            format!("{head}\n[image]\nencoding = \"source\" # kept\npremultiply = false\n"),
        ),
        (
            "inline",
            0,
            5,
            format!("{head}image = {{ encoding = 'source', premultiply = true, max_size = 0x10 }}\n"),
        ),
        ("dotted", 0, 6, format!("{head}image.encoding = \"rgba8\"\nimage.max_size = 1_000\n")),
        ("quoted-keys", 0, 2, format!("# c\n\"uuid\" = '{uuid}'\n'name'='x/y'\nkind = \"\"\"image\"\"\"\n")),
        ("crlf-mark", 0, 2, format!("\u{feff}{}", head.replace('\n', "\r\n"))),
        (
            "directory",
            1,
            4,
            format!("{head}inputs = [\"*.png\", 'b/**/*.{{jpg,gif}}',\n  # why\n  \"[a-z]?.txt\",]\n"),
        ),
        (
            "directory-root",
            2,
            3,
            format!("preload = false\n{}inputs = [\"**\"]\n", head.replace("image", "raw")),
        ),
        ("no-anchor-path", 3, 0, format!("{head}inputs = [\"x\"]")),
        ("not-toml", 0, 1, format!("{head}= 1\nx = \"\n[[[\n")),
        (
            "wrong",
            0,
            6,
            "uuid = 7\nname = \"A\"\nkind = \"imag\"\nnmae = 1\n[data]\nx = 1\n[image]\nencoding = 5\n"
                .into(),
        ),
        ("twice", 0, 0, format!("{head}name = \"b\"\n")),
        ("arrays", 1, 6, format!("{head}inputs = []\n[[image]]\nencoding = \"rgba8\"\n")),
        ("escapes", 0, 1, format!("{head}\n[\"im\\u0061ge\"]\n\"enc\\u006Fding\" = \"\\x72gba8\"\n")),
    ];
    let mut seeds: Vec<Seed> = texts
        .iter()
        .map(|(name, place, choice, text)| seed_with(name, &[*place, *choice], text.as_bytes()))
        .collect();
    seeds.push(seed_with("not-utf-8", &[0, 0], &[head.as_bytes(), b"# \xff\n"].concat()));
    // One for each kind, with everything that it can be told.
    for spec in kinds().iter() {
        let mut text = format!("uuid = \"{uuid}\"\nname = \"n\"\nkind = \"{0}\"\n\n[{0}]\n", spec.id);
        for setting in &spec.settings {
            writeln!(text, "{} = {}", setting.key, setting.default).expect("a text can be written to");
        }
        seeds.push(seed_with(&format!("kind-{}", spec.id), &[0, 6], text.as_bytes()));
    }
    seeds
}
