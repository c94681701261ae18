//! Anchors: text in, declaration and rendered diagnostics out.

use proptest::prelude::*;

use super::{ParsedAnchor, new_sidecar_text, parse_anchor};
use crate::diagnostic::Diagnostic;
use crate::kind::{KindId, SettingValue};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::toml_text::testing::{expect, kinds, render};

const UUID: &str = "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10";

fn parse_at(path: &str, text: &[u8]) -> ParsedAnchor {
    parse_anchor(text, &AssetPath::parse(path).unwrap(), "assets/x", &kinds())
}

fn sidecar(text: &str) -> ParsedAnchor {
    parse_at("ui/confirm.png.asset.toml", text.as_bytes())
}

fn directory(text: &str) -> ParsedAnchor {
    parse_at("hero/asset.toml", text.as_bytes())
}

/// A sidecar of the kind `image` with `text` after what is required.
#[track_caller]
fn check(text: &str, expected: &str) {
    let parsed = sidecar(&format!("uuid = \"{UUID}\"\nname = \"ui/confirm\"\nkind = \"image\"\n{text}"));
    expect(&render(parsed.diagnostics()), expected);
    assert_eq!(parsed.declaration().is_some(), expected.is_empty());
}

#[test]
fn a_sidecar_says_what_differs_and_claims_its_file() {
    let text = format!(
        "# The button.\nuuid = \"{UUID}\"\nname = \"ui/confirm\"\nkind = \"image\"\npreload = true\n\n[image]\nencoding = \"source\"\n"
    );
    let parsed = sidecar(&text);
    expect(&render(parsed.diagnostics()), "");
    let declared = parsed.into_declaration().unwrap();
    assert_eq!((declared.uuid.to_string().as_str(), declared.name.as_str()), (UUID, "ui/confirm"));
    assert_eq!((declared.kind.as_str(), declared.preload), ("image", Some(true)));
    assert_eq!(declared.settings.len(), 1);
    assert_eq!(declared.settings["encoding"], SettingValue::Text("source".into()));
    assert!(declared.inputs.is_sidecar());
}

#[test]
fn a_directory_asset_claims_by_patterns() {
    let text = format!(
        "uuid = \"{UUID}\"\nname = \"hero\"\nkind = \"atlas\"\ninputs = [\"frames/**/*.png\"]\natlas = {{ padding = 2 }}\n"
    );
    let declared = directory(&text).into_declaration().unwrap();
    assert_eq!(declared.inputs.folder().map(AssetPath::as_str), Some("hero"));
    assert!(declared.inputs.matches(&AssetPath::parse("hero/frames/run/1.png").unwrap()));
    assert!(!declared.inputs.matches(&AssetPath::parse("hero/1.png").unwrap()));
    assert_eq!(declared.settings["padding"], SettingValue::Int(2));
    assert_eq!(declared.preload, None);
}

#[test]
fn the_text_of_a_new_sidecar_is_valid_and_says_no_more_than_needed() {
    let name = AssetName::parse("ui/confirm").unwrap();
    let text = new_sidecar_text(UUID.parse().unwrap(), &name, &KindId::parse("image").unwrap());
    assert_eq!(text, format!("uuid = \"{UUID}\"\nname = \"ui/confirm\"\nkind = \"image\"\n"));
    let parsed = sidecar(&text);
    assert_eq!(parsed.into_declaration().map(|d| (d.name, d.preload)), Some((name, None)));
}

#[test]
fn every_error_of_a_file_is_reported_at_its_place() {
    let parsed = sidecar(
        "uuid = \"0192F0C1\"\nnaem = \"x\"\nname = \"UI/Confirm\"\nkind = \"image\"\npreload = \"yes\"\ninputs = [\"*\"]\n\n\
         [image]\nencoding = \"rgba\"\npremultiplied = true\n[atlas]\npadding = 1\n",
    );
    expect(&render(parsed.diagnostics()), "\
assets/x:1:8: error[anchor/invalid-value] `uuid`: \"0192F0C1\" is not a UUID v7: expected 36 lower-case characters such as 0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10
assets/x:2:1: error[anchor/unknown-key] unknown key \"naem\" at the top level
  help: did you mean `name`?
assets/x:3:8: error[anchor/invalid-value] `name`: \"UI/Confirm\" is not an asset name: expected segments of a-z, 0-9, `.`, `_` and `-`, each starting with a letter or a digit, separated by `/`, at most 128 bytes in all
assets/x:5:11: error[anchor/invalid-value] `preload`: expected true or false, found \"yes\"
assets/x:6:1: error[anchor/unknown-key] `inputs` means nothing in a sidecar, whose input is the file that it stands beside
  help: remove it; for several inputs, use an `asset.toml` in their folder
assets/x:9:12: error[anchor/invalid-value] `encoding`: expected one of \"rgba8\", \"indexed8\", \"source\", found \"rgba\"
  help: did you mean \"rgba8\"?
assets/x:10:1: error[anchor/unknown-key] unknown key \"premultiplied\" in the settings of the kind `image`
  help: did you mean `premultiply`?
assets/x:11:2: error[anchor/unknown-key] settings of the kind `atlas` in an anchor of the kind `image`
  help: remove [atlas], or say `kind = \"atlas\"`
");
    assert_eq!(parsed.declaration(), None);
}

#[test]
fn what_is_required_is_asked_for() {
    expect(
        &render(sidecar("").diagnostics()),
        "\
assets/x:1:1: error[anchor/missing-key] the top level lacks the key `kind`
  help: add `kind = \"…\"`: one of atlas, image, tilemap
assets/x:1:1: error[anchor/missing-key] the top level lacks the key `name`
  help: add `name = \"…\"`: what code and other assets call it
assets/x:1:1: error[anchor/missing-key] the top level lacks the key `uuid`
  help: bring it back from version control; for a new asset, any new UUID v7 will do
",
    );
    expect(
        &render(directory(&format!("uuid = \"{UUID}\"\nname = \"a\"\nkind = \"atlas\"\n")).diagnostics()),
        "\
assets/x:1:1: error[anchor/missing-key] the top level lacks the key `inputs`
  help: add `inputs = [\"*.png\"]`: patterns of the files below this folder
",
    );
}

#[test]
fn settings_are_checked_by_their_kind() {
    check("image.encoding = \"indexed8\"\n", "");
    check(
        "image = 3\n",
        "\
assets/x:4:9: error[anchor/invalid-value] `image`: expected a table, found 3
",
    );
    check(
        "[image]\npremultiply = 1979-05-27\n",
        "\
assets/x:5:15: error[anchor/invalid-value] `premultiply`: expected true or false, found 1979-05-27
",
    );
    check("[image.encoding]\nx = 1\n", "\
assets/x:4:1: error[anchor/invalid-value] `encoding`: expected one of \"rgba8\", \"indexed8\", \"source\", found a table
");
    check("encoding = \"rgba8\"\n", "\
assets/x:4:1: error[anchor/unknown-key] `encoding` is a setting of the kind `image` and stands outside its table
  help: write it below [image]
");
    check(
        "[[image]]\nencoding = \"rgba8\"\n",
        "\
assets/x:4:1: error[anchor/invalid-value] `image`: expected a table, found a list of tables
",
    );
    check(
        "[imgae]\nencoding = \"rgba8\"\n",
        "\
assets/x:4:2: error[anchor/unknown-key] unknown key \"imgae\" at the top level
  help: did you mean `image`?
",
    );
}

#[test]
fn each_wrong_item_of_a_list_is_reported() {
    let text = format!(
        "uuid = \"{UUID}\"\nname = \"a\"\nkind = \"atlas\"\ninputs = [\"/a\", 3, \"b/../c\", \"d\"]\n[atlas]\nweights = [1, 65, \"x\", 64]\n"
    );
    expect(&render(directory(&text).diagnostics()), "\
assets/x:4:11: error[anchor/invalid-value] `inputs`: \"/a\" is absolute; a pattern starts at the anchor's folder
assets/x:4:17: error[anchor/invalid-value] `inputs`: expected a text, found 3
assets/x:4:20: error[anchor/invalid-value] `inputs`: \"b/../c\" has a `..` segment; a pattern never leaves the anchor's folder
assets/x:6:15: error[anchor/invalid-value] `weights`: expected a whole number from 0 to 64, found 65
assets/x:6:19: error[anchor/invalid-value] `weights`: expected a whole number from 0 to 64, found \"x\"
");
    let text = format!("uuid = \"{UUID}\"\nname = \"a\"\nkind = \"atlas\"\ninputs = []\n");
    expect(
        &render(directory(&text).diagnostics()),
        "\
assets/x:4:10: error[anchor/invalid-value] `inputs`: expected at least one pattern
",
    );
    let text = format!(
        "uuid = \"{UUID}\"\nname = \"a\"\nkind = \"atlas\"\ninputs = [\"a\", \"../b\", \"c\\\\d\"]\n"
    );
    expect(&render(directory(&text).diagnostics()), "\
assets/x:4:16: error[anchor/invalid-value] `inputs`: \"../b\" has a `..` segment; a pattern never leaves the anchor's folder
assets/x:4:24: error[anchor/invalid-value] `inputs`: \"c\\\\d\" has a backslash; folders are separated by `/`, and `[*]` stands for a plain `*`
");
}

#[test]
fn more_patterns_than_can_be_meant_are_refused() {
    let list = "\"a\",".repeat(1001);
    let text = format!("uuid = \"{UUID}\"\nname = \"a\"\nkind = \"atlas\"\ninputs = [{list}]\n");
    let expected =
        "assets/x:4:1: error[anchor/invalid-value] `inputs`: 1001 patterns; at most 1000 are taken\n";
    expect(&render(directory(&text).diagnostics()), expected);
}

#[test]
fn an_unknown_kind_is_its_own_code() {
    let text =
        |kind: &str| format!("uuid = \"{UUID}\"\nname = \"a\"\nkind = {kind}\n[image]\nencoding = \"x\"\n");
    expect(&render(sidecar(&text("\"imag\"")).diagnostics()), "\
assets/x:3:8: error[kind/unknown] no codec bakes the kind \"imag\"
  help: did you mean \"image\"?
assets/x:5:12: error[anchor/invalid-value] `encoding`: expected one of \"rgba8\", \"indexed8\", \"source\", found \"x\"
");
    expect(&render(sidecar(&text("\"Video!\"")).diagnostics()), "\
assets/x:3:8: error[kind/unknown] no codec bakes the kind \"Video!\"
  help: known kinds: atlas, image, tilemap
assets/x:5:12: error[anchor/invalid-value] `encoding`: expected one of \"rgba8\", \"indexed8\", \"source\", found \"x\"
");
    expect(&render(sidecar(&text("3")).diagnostics()), "\
assets/x:3:8: error[anchor/invalid-value] `kind`: expected a text, found 3
assets/x:5:12: error[anchor/invalid-value] `encoding`: expected one of \"rgba8\", \"indexed8\", \"source\", found \"x\"
");
}

#[test]
fn identity_can_be_followed_through_errors() {
    let broken = format!("uuid = \"{UUID}\"\nname = \"a\"\nkind = \"image\"\n[image\nencoding = 3\n");
    let parsed = sidecar(&broken);
    expect(
        &render(parsed.diagnostics()),
        "\
assets/x:4:7: error[anchor/syntax] unclosed table, expected `]`
",
    );
    assert_eq!(parsed.uuid().map(|uuid| uuid.to_string()).as_deref(), Some(UUID));
    assert_eq!(parsed.name().map(AssetName::as_str), Some("a"));
    assert_eq!(parsed.kind().map(KindId::as_str), Some("image"));

    let unknown = sidecar(&format!("uuid = \"{UUID}\"\nname = \"A\"\n"));
    assert!(unknown.uuid().is_some() && unknown.name().is_none() && unknown.declaration().is_none());
}

#[test]
fn a_uuid_that_stands_twice_declares_nothing() {
    let text = format!("uuid = \"{UUID}\"\nuuid = \"{UUID}\"\nname = \"a\"\nkind = \"image\"\n");
    let parsed = sidecar(&text);
    expect(&render(parsed.diagnostics()), "assets/x:2:1: error[anchor/syntax] the key `uuid` stands twice\n");
    assert_eq!(parsed.declaration(), None);
    assert!(parsed.uuid().is_some());
}

#[test]
fn bytes_that_are_no_text_are_pointed_at() {
    let mut bytes = format!("uuid = \"{UUID}\"\nname = \"").into_bytes();
    bytes.extend(b"\xff\"\n");
    let parsed = parse_at("a.png.asset.toml", &bytes);
    assert_eq!(
        render(parsed.diagnostics()),
        "assets/x:2:9: error[anchor/syntax] not UTF-8: the byte 0xff stands for no character\n  help: save the file as UTF-8\n"
    );
    assert!(parsed.uuid().is_some());
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_error_and_shift_no_column() {
    let text = format!("\u{feff}uuid = \"{UUID}\"\r\nname = \"a\"\r\nkind = \"image\"\r\n");
    assert!(sidecar(&text).declaration().is_some());
    let parsed = sidecar(&format!("\u{feff}uid = 1\r\n{text}", text = &text[3..]));
    assert_eq!(
        render(parsed.diagnostics()),
        "assets/x:1:1: error[anchor/unknown-key] unknown key \"uid\" at the top level\n  help: did you mean `uuid`?\n"
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let parsed = parse_at("a.png.asset.toml", &bytes);
        prop_assert!(parsed.declaration().is_some() != parsed.diagnostics().iter().any(Diagnostic::is_error));
    }

    #[test]
    fn nothing_like_an_anchor_panics(lines in proptest::collection::vec(
        "(uuid = \"0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10\"|name = \"a\"|kind = \"(image|atlas)\"|inputs = \\[\"[a*/{}\\[\\]]{0,4}\"\\]|\\[image\\]|\\[\\[image\\]\\]|image.encoding = \"x\"|image = \\{ encoding = 3 \\}|atlas.weights = \\[\\[1\\], \\{\\}\\]|[a=\\[\\]{}.\"']{0,5})",
        0..8,
    )) {
        for path in ["a.png.asset.toml", "b/asset.toml"] {
            let parsed = parse_at(path, lines.join("\r\n").as_bytes());
            prop_assert!(parsed.declaration().is_some() == parsed.diagnostics().is_empty());
        }
    }
}
