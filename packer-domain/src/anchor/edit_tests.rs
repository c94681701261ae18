//! Edits: exactly the asked value changes, and not a byte beside it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{AnchorEdit, EditError, NewAnchor, edit_anchor, new_anchor_text, parse_anchor};
use crate::kind::{KindId, SettingValue};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::toml_text::testing::{kinds, render};

const UUID: &str = "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10";
const OTHER: &str = "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a11";

fn set(key: &str, value: &str) -> AnchorEdit {
    AnchorEdit::SetSetting { key: key.into(), value: SettingValue::Text(value.into()) }
}

fn clear(key: &str) -> AnchorEdit {
    AnchorEdit::ClearSetting { key: key.into() }
}

fn name(text: &str) -> AnchorEdit {
    AnchorEdit::SetName(AssetName::parse(text).unwrap())
}

fn check(before: &str, edit: AnchorEdit, after: &str) {
    assert_eq!(edit_anchor(before, &[edit]).as_deref(), Ok(after));
}

#[test]
fn values_are_replaced_where_they_stand() {
    let text = "# top\n\nname   =  'a'   # why\nuuid = \"X\"\nkind = \"image\"\n\n\n[image] # t\n  encoding = \"rgba8\" # e\n";
    check(text, name("b/c"), &text.replace("'a'", "'b/c'"));
    check(text, AnchorEdit::SetUuid(OTHER.parse().unwrap()), &text.replace("\"X\"", &format!("\"{OTHER}\"")));
    check(text, set("encoding", "source"), &text.replace("rgba8", "source"));
    check(text, name("a"), text);
}

#[test]
fn line_ends_and_a_byte_order_mark_stay() {
    let text = "\u{feff}name = \"a\"\r\nkind = \"image\"\r\n[image]\r\nencoding = \"rgba8\"\r\n";
    check(text, name("b"), &text.replace("\"a\"", "\"b\""));
    check(
        text,
        AnchorEdit::SetUuid(UUID.parse().unwrap()),
        &text.replace("name", &format!("uuid = \"{UUID}\"\r\nname")),
    );
    check(text, AnchorEdit::SetPreload(true), &text.replace("[image]", "preload = true\r\n[image]"));
    check(text, set("label", "x"), &format!("{text}label = \"x\"\r\n"));
    check(text, clear("encoding"), "\u{feff}name = \"a\"\r\nkind = \"image\"\r\n[image]\r\n");
    let bare = "\u{feff}kind = \"image\"\r\n";
    check(bare, set("label", "x"), &format!("{bare}\r\n[image]\r\nlabel = \"x\"\r\n"));
}

#[test]
fn a_new_key_goes_where_a_new_anchor_has_it() {
    let text = "# c\nname = \"a\" # n\nkind = \"image\" # k\n# d\n\n[image]\n";
    check(text, AnchorEdit::SetPreload(false), &text.replace("# k\n", "# k\npreload = false\n"));
    check(
        text,
        AnchorEdit::SetUuid(UUID.parse().unwrap()),
        &text.replace("name", &format!("uuid = \"{UUID}\"\nname")),
    );
    check("", name("a"), "name = \"a\"\n");
    check("# only", name("a"), "# only\nname = \"a\"");
    check("[[image]]\n", name("a"), "name = \"a\"\n[[image]]\n");
    check("[image]\n", name("a"), "name = \"a\"\n[image]\n");
    check("uuid = \"\"\"\nx\"\"\" # c", name("a"), "uuid = \"\"\"\nx\"\"\" # c\nname = \"a\"");
    check(
        "kind = \"atlas\"\n[atlas]\n",
        AnchorEdit::SetInputs(vec!["a/*".into(), "\"".into()]),
        "kind = \"atlas\"\ninputs = [\"a/*\", \"\\\"\"]\n[atlas]\n",
    );
}

#[test]
fn a_setting_goes_into_the_table_in_whichever_way_it_is_written() {
    check("kind = \"image\"\n", set("a", "b"), "kind = \"image\"\n\n[image]\na = \"b\"\n");
    check("kind = \"image\"", set("a", "b"), "kind = \"image\"\n\n[image]\na = \"b\"\n");
    check(
        "kind = \"image\"\n[image] # t\n\n# end\n",
        set("a", "b"),
        "kind = \"image\"\n[image] # t\na = \"b\"\n\n# end\n",
    );
    check(
        "kind = \"image\"\n[image]\nx = [\n 1, # one\n] # x\n# end\n",
        set("a", "b"),
        "kind = \"image\"\n[image]\nx = [\n 1, # one\n] # x\na = \"b\"\n# end\n",
    );
    check(
        "kind = \"image\"\nimage.x = 1 # x\n[other]\n",
        set("a", "b"),
        "kind = \"image\"\nimage.x = 1 # x\nimage.a = \"b\"\n[other]\n",
    );
    check("kind = \"image\"\nimage.\"a\" = 'x'\n", set("a", "b"), "kind = \"image\"\nimage.\"a\" = 'b'\n");
    check(
        "kind = \"image\"\nimage = { x = 1 }\n",
        set("a", "b"),
        "kind = \"image\"\nimage = { x = 1, a = \"b\" }\n",
    );
    check("kind = \"image\"\nimage = {}\n", set("a", "b"), "kind = \"image\"\nimage = { a = \"b\" }\n");
    check(
        "kind = \"image\"\nimage = { a = 1 }\n",
        set("a", "b"),
        "kind = \"image\"\nimage = { a = \"b\" }\n",
    );
    check(
        "kind = \"image\"\n[image.x]\n",
        set("a", "b"),
        "kind = \"image\"\n[image.x]\n\n[image]\na = \"b\"\n",
    );
    check(
        "kind = \"image\"\n[image]\n\"a\" = 'it'\n",
        set("a", "it's"),
        "kind = \"image\"\n[image]\n\"a\" = \"it's\"\n",
    );
}

#[test]
fn clearing_removes_the_entry_and_leaves_the_rest() {
    check(
        "kind = \"image\"\n[image]\n# a\na = 1 # one\nb = 2\n",
        clear("a"),
        "kind = \"image\"\n[image]\n# a\nb = 2\n",
    );
    check("kind = \"image\"\n[image]\na = [\n1,\n]\nb = 2", clear("a"), "kind = \"image\"\n[image]\nb = 2");
    check("image.a = 1\nkind = \"image\"\n", clear("a"), "kind = \"image\"\n");
    check("\u{feff}image.a = 1\nkind = \"image\"\n", clear("a"), "\u{feff}kind = \"image\"\n");
    check(
        "kind = \"image\"\nimage = { a = 1, b = 2, c = 3 }\n",
        clear("a"),
        "kind = \"image\"\nimage = { b = 2, c = 3 }\n",
    );
    check(
        "kind = \"image\"\nimage = { a = 1, b = 2, c = 3 }\n",
        clear("b"),
        "kind = \"image\"\nimage = { a = 1, c = 3 }\n",
    );
    check(
        "kind = \"image\"\nimage = { a = 1, b = 2, c = 3 }\n",
        clear("c"),
        "kind = \"image\"\nimage = { a = 1, b = 2 }\n",
    );
    check("kind = \"image\"\nimage = { a = 1 }\n", clear("a"), "kind = \"image\"\nimage = { }\n");
    check("kind = \"image\"\n", clear("a"), "kind = \"image\"\n");
    check("kind = \"image\"\n[image]\nb = 1\n", clear("a"), "kind = \"image\"\n[image]\nb = 1\n");
    check("preload = true # p\nkind = \"image\"\n", AnchorEdit::ClearPreload, "kind = \"image\"\n");
}

#[test]
fn several_edits_are_carried_out_in_order() {
    let edits = [set("a", "1"), name("b"), set("a", "2"), clear("c"), AnchorEdit::SetPreload(true)];
    assert_eq!(
        edit_anchor("kind = \"image\"\n[image]\nc = 1\n", &edits).as_deref(),
        Ok("name = \"b\"\nkind = \"image\"\npreload = true\n[image]\na = \"2\"\n")
    );
}

#[test]
fn what_cannot_be_edited_is_refused() {
    let error = |text: &str, edit| edit_anchor(text, &[edit]).unwrap_err();
    assert!(matches!(error("kind = \"image\"\na = \n", set("a", "b")), EditError::Syntax { line: 2, .. }));
    assert!(matches!(edit_anchor("a = 1\na = 2\n", &[]), Err(EditError::Syntax { line: 2, .. })));
    assert_eq!(error("", set("a", "b")), EditError::NoKind);
    assert_eq!(error("kind = \"Not a kind\"", clear("a")), EditError::NoKind);
    assert_eq!(error("[name]\n", name("a")), EditError::NotAValue { key: "name".into() });
    let table = EditError::NotATable { key: "image".into() };
    assert_eq!(error("kind = \"image\"\nimage = 1\n", set("a", "b")), table);
    assert_eq!(error("kind = \"image\"\n[[image]]\n", clear("a")), table);
    let value = EditError::NotAValue { key: "a".into() };
    assert_eq!(error("kind = \"image\"\n[image]\na.b = 1\n", set("a", "b")), value);
    assert_eq!(error("kind = \"image\"\n[image.a]\n", clear("a")), value);
}

/// One valid anchor, its settings written in one of several ways.
fn anchors() -> impl Strategy<Value = String> {
    let eol = prop_oneof![Just("\n"), Just("\r\n")];
    let body = prop_oneof![
        Just("|[atlas] # t|padding = 2 # p|# end|"),
        Just("|[atlas]|"),
        Just("atlas.padding = 2|"),
        Just("atlas = { padding = 2, weights = [1, 2] } # w|"),
        Just("atlas = {}|"),
        Just("# nothing"),
        Just("|[\"atlas\"]|weights = [|  1, # one|  2,|]|label = 'l'"),
        Just("atlas = { label = \"\"\"a, b\"\"\", padding = 1 }|"),
    ];
    let bom = prop_oneof![Just(""), Just("\u{feff}")];
    (eol, body, bom).prop_map(|(eol, body, bom)| {
        let text = format!("uuid = \"{UUID}\" # u|# n|name = 'a'|kind = \"atlas\"|inputs = [\"*\"]|{body}");
        format!("{bom}{}", text.replace('|', eol))
    })
}

fn edits() -> impl Strategy<Value = AnchorEdit> {
    let setting = prop_oneof![
        ("padding", (0..=64_i64).prop_map(SettingValue::Int)),
        ("label", "\\PC{0,8}".prop_map(SettingValue::Text)),
        ("label", "[\\t\\n\"'\\\\\u{1}a]{0,4}".prop_map(SettingValue::Text)),
        (
            "weights",
            proptest::collection::vec((0..=64_i64).prop_map(SettingValue::Int), 0..3)
                .prop_map(SettingValue::List)
        ),
    ];
    prop_oneof![
        Just(AnchorEdit::SetUuid(OTHER.parse().unwrap())),
        "[a-z][a-z0-9]{0,5}".prop_map(|text| name(&text)),
        any::<bool>().prop_map(AnchorEdit::SetPreload),
        Just(AnchorEdit::ClearPreload),
        "[a-z*]{1,4}".prop_map(|pattern| AnchorEdit::SetInputs(vec![pattern])),
        setting.prop_map(|(key, value)| AnchorEdit::SetSetting { key, value }),
        prop_oneof![Just("padding"), Just("label"), Just("weights")].prop_map(clear),
    ]
}

type Said = (String, String, Option<bool>, Vec<String>, BTreeMap<String, SettingValue>);

fn said(text: &str) -> Said {
    let parsed = parse_anchor(text.as_bytes(), &AssetPath::parse("h/asset.toml").unwrap(), "f", &kinds());
    let Some(d) = parsed.clone().into_declaration() else {
        panic!("{text}\n{}", render(parsed.diagnostics()))
    };
    (d.uuid.to_string(), d.name.to_string(), d.preload, d.inputs.patterns().to_vec(), d.settings)
}

proptest! {
    #[test]
    fn an_edit_changes_its_value_and_nothing_else(text in anchors(), edits in proptest::collection::vec(edits(), 1..5)) {
        let mut expected = said(&text);
        for edit in &edits {
            match edit.clone() {
                AnchorEdit::SetUuid(uuid) => expected.0 = uuid.to_string(),
                AnchorEdit::SetName(name) => expected.1 = name.to_string(),
                AnchorEdit::SetPreload(preload) => expected.2 = Some(preload),
                AnchorEdit::ClearPreload => expected.2 = None,
                AnchorEdit::SetInputs(patterns) => expected.3 = patterns,
                AnchorEdit::SetSetting { key, value } => { expected.4.insert(key, value); }
                AnchorEdit::ClearSetting { key } => { expected.4.remove(&key); }
            }
        }
        let edited = edit_anchor(&text, &edits).unwrap();
        prop_assert_eq!(said(&edited), expected, "{}", edited);
        let bare = |text: &str| text.replace("\r\n", "").contains(['\r', '\n']);
        prop_assert!(!text.contains("\r\n") || !bare(&edited), "{:?}", edited);
        for comment in ["# n", "# end", "# nothing"] {
            prop_assert_eq!(edited.contains(comment), text.contains(comment));
        }
    }

    #[test]
    fn no_text_panics(text in "(kind = \"image\"\n|image|[\\[\\]{}=.,'\"#\n\r ]|[0-9]|a|\u{feff}|true){0,30}", edit in edits()) {
        let _result = edit_anchor(&text, &[edit]);
    }

    #[test]
    fn a_new_anchor_says_what_it_was_given(
        label in "\\PC{0,12}",
        preload in any::<Option<bool>>(),
        inputs in proptest::collection::vec("[a-z*]{1,4}", 1..3),
    ) {
        let settings = BTreeMap::from([("label".to_owned(), SettingValue::Text(label))]);
        let text = new_anchor_text(&NewAnchor {
            uuid: UUID.parse().unwrap(),
            name: &AssetName::parse("a").unwrap(),
            kind: &KindId::parse("atlas").unwrap(),
            preload,
            inputs: &inputs,
            settings: &settings,
        });
        prop_assert_eq!(said(&text), (UUID.to_owned(), "a".to_owned(), preload, inputs, settings));
    }
}
