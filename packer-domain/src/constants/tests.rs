//! Texts of constants: what they look like, that every identifier is valid and stands once, and when one changes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::ident::{CSHARP_INHERITED, RUST_KEYWORDS};
use super::{ConstantRow, ConstantsLanguage, ConstantsLanguages, Rows, constants_text};
use crate::identity::AssetId;
use crate::kind::KindId;
use crate::name::AssetName;

type Asset = (AssetId, AssetName, KindId);

fn asset(id: u32, name: &str, kind: &str) -> Asset {
    (AssetId::new(id).unwrap(), AssetName::parse(name).unwrap(), KindId::parse(kind).unwrap())
}

/// The text of these assets.
fn text(language: ConstantsLanguage, assets: &[Asset]) -> String {
    let rows: Vec<ConstantRow<'_>> =
        assets.iter().map(|(id, name, kind)| ConstantRow { id: *id, name, kind }).collect();
    constants_text(language, &rows)
}

/// Names that are hard for one language or another.
fn tricky() -> Vec<Asset> {
    let names = [
        "ui/confirm",
        "ui/big-button",
        "ui",
        "ui/ui",
        "ui/ui/ui",
        "a-b",
        "a_b",
        "a.c",
        "a-b/x",
        "a_b/y",
        "a_b/x",
        "1st",
        "2/3/4.5",
        "2/3/45",
        "type/self/crate/super/class/int",
        "type",
        "assets",
        "assets/by-id",
        "by-id",
        "u32/str/bool",
        "core/std/option",
        "equals",
        "image-id",
        "h",
        "all",
        "hero-",
        "hero",
        "hero/idle",
        "x.7",
        "x-7",
        "fn",
        "x_7_29",
        "x.7.30/y",
    ];
    let kinds = ["image", "sound", "tile-map", "asset", "raw-2"];
    let with_id = |(n, name): (usize, &&str)| asset(n as u32 + 1, name, kinds[n % kinds.len()]);
    let mut assets: Vec<Asset> = names.iter().enumerate().map(with_id).collect();
    assets.push(asset(u32::MAX, "last", "image"));
    assets
}

/// Every identifier of an asset or a folder, in the scope where it stands, read off a text; an asset's with its name.
fn identifiers(language: ConstantsLanguage, text: &str) -> Vec<(Vec<String>, String, Option<String>)> {
    let mut scope: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let mut about: Option<String> = None;
    for line in text.lines() {
        let is_inside = line.starts_with(' ');
        let line = line.trim();
        let word = |line: &str| {
            let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
            line[..end].to_owned()
        };
        let (folder, constant) = match language {
            ConstantsLanguage::Rust => {
                let constant = line.strip_prefix("pub const ").filter(|rest| !rest.starts_with("fn "));
                (line.strip_prefix("pub mod ").map(word), constant.map(word))
            }
            ConstantsLanguage::TypeScript => (
                line.strip_suffix(": {").map(str::to_owned),
                line.split_once(": ")
                    .filter(|(_, rest)| rest.contains(" as AssetId<"))
                    .map(|(head, _)| word(head)),
            ),
            ConstantsLanguage::C => (None, line.strip_prefix("static const uint32_t ASSETS_").map(word)),
            ConstantsLanguage::CSharp => (
                line.strip_prefix("public static class ").filter(|_| is_inside).map(word),
                line.strip_prefix("public const ").and_then(|rest| Some(word(rest.split_once(' ')?.1))),
            ),
        };
        if let Some(ident) = folder {
            found.push((scope.clone(), ident.clone(), None));
            scope.push(ident);
        } else if let Some(ident) = constant {
            found.push((scope.clone(), ident, about.take()));
        } else if matches!(line, "}" | "},") {
            scope.pop();
        } else if line.starts_with('/') {
            let name = line.split_once('`').map(|(_, rest)| rest.split('`').next().unwrap());
            let in_tag = line.split_once("<c>").map(|(_, rest)| rest.split("</c>").next().unwrap());
            about = name.or(in_tag).map(str::to_owned);
        }
    }
    found
}

/// Where the constant of `name` stands.
fn place_of(language: ConstantsLanguage, assets: &[Asset], name: &str) -> String {
    let all = identifiers(language, &text(language, assets));
    let (scope, ident, _) =
        all.into_iter().find(|(_, _, of)| of.as_deref() == Some(name)).expect("it has a constant");
    [scope, vec![ident]].concat().join(".")
}

/// Whether every identifier is one of the language, and stands once in its scope.
fn check_identifiers(language: ConstantsLanguage, assets: &[Asset]) {
    let all = identifiers(language, &text(language, assets));
    let named: BTreeSet<&str> = all.iter().filter_map(|(_, _, name)| name.as_deref()).collect();
    assert_eq!(named, assets.iter().map(|(_, name, _)| name.as_str()).collect(), "{language}");
    let mut seen = BTreeSet::new();
    for (scope, ident, name) in &all {
        // Modules of Rust are in a namespace of their own, which matters for digits.
        let namespace = language == ConstantsLanguage::Rust && name.is_none();
        assert!(seen.insert((scope, ident, namespace)), "{language}: {ident} stands twice in {scope:?}");
        let is_word = ident.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let starts = !ident.starts_with(|c: char| c.is_ascii_digit()) || language == ConstantsLanguage::C;
        assert!(is_word && starts && ident != "_" && !ident.is_empty(), "{language}: {ident:?}");
        match language {
            ConstantsLanguage::Rust => {
                assert!(!RUST_KEYWORDS.contains(&ident.as_str()), "{ident}");
                let cased = if name.is_some() { ident.to_uppercase() } else { ident.to_lowercase() };
                assert_eq!(*ident, cased);
            }
            ConstantsLanguage::C => assert!(!ident.contains("__"), "C++ keeps {ident} for itself"),
            ConstantsLanguage::CSharp => {
                assert_ne!(
                    scope.last().map_or("Assets", String::as_str),
                    ident,
                    "a member is called as its class"
                );
                assert!(
                    !CSHARP_INHERITED.contains(&ident.as_str()) && !ident.starts_with(char::is_lowercase)
                );
            }
            ConstantsLanguage::TypeScript => {}
        }
    }
}

#[test]
fn languages_have_one_text_each() {
    for language in ConstantsLanguage::ALL {
        assert_eq!(language.to_string().parse(), Ok(language));
        assert!(language.file_name().ends_with(language.as_str()));
    }
    let all: ConstantsLanguages = "cs,rs,rs".parse().unwrap();
    assert_eq!(all.iter().collect::<Vec<_>>(), [ConstantsLanguage::Rust, ConstantsLanguage::CSharp]);
    assert!("none".parse::<ConstantsLanguages>().unwrap().is_empty());
    for bad in ["", "rs,", "RS", "none,rs", "rust", "rs ts"] {
        assert!(bad.parse::<ConstantsLanguages>().is_err(), "{bad:?} was taken");
    }
}

#[test]
fn a_few_assets_in_rust() {
    insta::assert_snapshot!(text(ConstantsLanguage::Rust, &few()));
}

#[test]
fn a_few_assets_in_typescript() {
    insta::assert_snapshot!(text(ConstantsLanguage::TypeScript, &few()));
}

#[test]
fn a_few_assets_in_c() {
    insta::assert_snapshot!(text(ConstantsLanguage::C, &few()));
}

#[test]
fn a_few_assets_in_csharp() {
    insta::assert_snapshot!(text(ConstantsLanguage::CSharp, &few()));
}

fn few() -> Vec<Asset> {
    vec![
        asset(77_120_933, "ui/confirm", "sound"),
        asset(4_000_000_000, "ui/big-button", "image"),
        asset(9, "logo", "image"),
        asset(12, "levels/1/map", "tile-map"),
    ]
}

#[test]
fn where_every_tricky_name_stands() {
    let mut table = String::new();
    for (_, name, _) in tricky() {
        table.push_str(name.as_str());
        for language in ConstantsLanguage::ALL {
            let place = place_of(language, &tricky(), name.as_str());
            let _ = write!(table, "\n    {language}  {place}");
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

#[test]
fn tricky_identifiers_are_valid_and_stand_once() {
    for language in ConstantsLanguage::ALL {
        check_identifiers(language, &tricky());
        check_identifiers(language, &[]);
    }
}

#[test]
fn the_lists_that_are_searched_are_in_order() {
    let mut assets = tricky();
    assets.rotate_left(7);
    let rows: Vec<ConstantRow<'_>> =
        assets.iter().map(|(id, name, kind)| ConstantRow { id: *id, name, kind }).collect();
    let rows = Rows::new(&rows);
    assert!(rows.by_name.is_sorted_by_key(|row| row.name));
    assert!(rows.places_by_id().is_sorted_by_key(|place| rows.by_name[*place].id));
    assert_eq!(rows.kinds.len(), 5);
}

#[test]
fn a_third_asset_leaves_the_constants_of_others_as_they_are() {
    let rust = |assets: &[Asset], name| place_of(ConstantsLanguage::Rust, assets, name);
    let mut assets = vec![asset(1, "a-b", "raw"), asset(2, "c", "raw")];
    assert_eq!(rust(&assets, "a-b"), "A_B");
    assets.push(asset(3, "a_b", "raw"));
    assert_eq!(["a-b", "a_b", "c"].map(|name| rust(&assets, name)), ["A_B_1", "A_B_3", "C"]);
    assets.push(asset(4, "a.b", "raw"));
    assert_eq!(["a-b", "a_b", "a.b"].map(|name| rust(&assets, name)), ["A_B_1", "A_B_3", "A_B_4"]);
    // What is called as another with its id is in the way of that, and has its own added.
    assets.push(asset(5, "a-b-3", "raw"));
    assert_eq!(["a_b", "a-b-3", "c"].map(|name| rust(&assets, name)), ["A_B_3", "A_B_3_5", "C"]);
}

fn names() -> impl Strategy<Value = BTreeSet<String>> {
    let segment = prop_oneof![
        "[ab1]([ab1._-]{0,3})",
        "[a-z0-9][a-z0-9._-]{0,9}",
        prop::sample::select(vec![
            "self", "type", "u32", "assets", "equals", "image-id", "by-id", "int", "a_7", "a-7"
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::btree_set(prop::collection::vec(segment, 1..4).prop_map(|parts| parts.join("/")), 0..40)
}

proptest! {
    #[test]
    fn every_identifier_is_valid_and_stands_once(names in names()) {
        let assets: Vec<Asset> =
            names.iter().enumerate().map(|(n, name)| asset(n as u32 + 1, name, ["image", "raw"][n % 2])).collect();
        for language in ConstantsLanguage::ALL {
            check_identifiers(language, &assets);
            let mut other_order = assets.clone();
            other_order.reverse();
            prop_assert_eq!(text(language, &assets), text(language, &other_order));
            prop_assert!(text(language, &assets).ends_with('\n'));
        }
    }

    #[test]
    fn an_asset_more_renames_only_what_would_have_its_identifier(names in names()) {
        let assets: Vec<Asset> =
            names.iter().enumerate().map(|(n, name)| asset(n as u32 + 1, name, "raw")).collect();
        let Some((last, rest)) = assets.split_last() else { return Ok(()) };
        for language in ConstantsLanguage::ALL {
            let after = identifiers(language, &text(language, &assets));
            for (scope, ident, name) in identifiers(language, &text(language, rest)) {
                let Some(name) = name else { continue };
                let is_taken = |(other, taken, of): &(Vec<String>, String, Option<String>)| {
                    *other == scope && *taken == ident && of.as_ref() != Some(&name)
                };
                let stays = after.contains(&(scope.clone(), ident.clone(), Some(name.clone())));
                // Renamed: the identifier went to a folder, or to nobody, since the new asset would have it, too.
                let new = identifiers(language, &text(language, std::slice::from_ref(last))).pop().unwrap();
                let collides = new.0 == scope && (new.1 == ident || ident.starts_with(&new.1));
                prop_assert!(stays || after.iter().any(is_taken) || collides, "{}: {} of {}", language, ident, name);
            }
        }
    }
}
