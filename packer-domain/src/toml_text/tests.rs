//! Syntax: every error of a text, and what is still known of a text with errors.

use proptest::prelude::*;

use super::testing::{expect, render};
use super::{Codes, Findings, MAX_TOML_BYTES, TableReader, TomlText, root_text};
use crate::diagnostic::{DiagnosticCode, Subject};

const CODES: Codes = Codes {
    syntax: DiagnosticCode::AnchorSyntax,
    unknown_key: DiagnosticCode::AnchorUnknownKey,
    missing_key: DiagnosticCode::AnchorMissingKey,
    invalid_value: DiagnosticCode::AnchorInvalidValue,
};

#[track_caller]
fn check(text: &str, expected: &str) {
    let mut findings = Findings::new(text, "f", Subject::Project, CODES);
    TomlText::parse(text, &mut findings);
    expect(&render(&findings.finish()), expected);
}

#[test]
fn every_syntax_error_is_reported() {
    check(
        "a = \nb = 01\nc = \"x\nd = [1\n",
        "\
f:1:5: error[anchor/syntax] a value is missing
f:2:5: error[anchor/syntax] unexpected leading zero
f:3:7: error[anchor/syntax] invalid basic string, expected `\"`
f:4:7: error[anchor/syntax] unclosed array, expected `]`
",
    );
}

#[test]
fn every_key_that_stands_twice_is_reported_and_the_rest_is_read() {
    let text = "a = 1\na = 2\nb = [\n  1,\n]\nb = [\n  2,\n]\n[t]\nx = 1\n[t]\ny = 2\n";
    check(
        text,
        "\
f:2:1: error[anchor/syntax] the key `a` stands twice
f:6:1: error[anchor/syntax] the key `b` stands twice
f:11:2: error[anchor/syntax] the key `t` stands twice
",
    );
    let mut findings = Findings::new(text, "f", Subject::Project, CODES);
    let toml = TomlText::parse(text, &mut findings).unwrap();
    let root = TableReader::root(&toml);
    let keys: Vec<&str> = root.keys().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "b", "t"]);
    assert_eq!(root.int(&mut findings, "a", 0..=9), Some(1));
}

#[test]
fn numbers_dates_and_keys_that_cannot_be_are_all_reported() {
    check(
        "a = 99999999999999999999\nb = 2020-13-45\nc = 1\nc.d = 2\n",
        "\
f:1:5: error[anchor/syntax] integer number overflowed
f:2:5: error[anchor/syntax] invalid date, expected month between 01 and 12
f:4:1: error[anchor/syntax] cannot extend value of type integer with a dotted key
",
    );
}

#[test]
fn many_errors_are_cut_and_the_cut_is_said() {
    let text = "a = \n".repeat(100);
    let mut findings = Findings::new(&text, "f", Subject::Project, CODES);
    assert!(TomlText::parse(&text, &mut findings).is_none());
    let found = findings.finish();
    assert_eq!(found.len(), 32);
    assert!(found[31].message.ends_with("(68 more errors follow)"), "{}", found[31].message);
}

#[test]
fn findings_beyond_a_bound_are_counted() {
    let text = "x".repeat(10);
    let mut findings = Findings::new(&text, "f", Subject::Project, CODES);
    for at in 0..300 {
        findings.syntax(at % 10..10, "m");
    }
    assert_eq!(findings.len(), 300);
    let found = findings.finish();
    assert_eq!(found.len(), 256);
    assert_eq!(found[255].message, "m (44 more findings are not shown)");
}

#[test]
fn a_huge_text_is_refused_unread() {
    let text = " ".repeat(MAX_TOML_BYTES + 1);
    check(&text, "f:1:1: error[anchor/syntax] the file has 1048577 bytes; at most 1048576 are read\n");
    assert_eq!(root_text(&format!("a = \"b\"{text}"), "a"), None);
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let text = format!("a = {}", "[".repeat(100_000));
    let mut findings = Findings::new(&text, "f", Subject::Project, CODES);
    assert!(TomlText::parse(&text, &mut findings).is_none());
    assert!(!findings.finish().is_empty());
}

#[test]
fn a_text_at_the_top_level_is_found_among_errors() {
    let text = "\u{feff}# x\nname = 'a'\nbroken =\nx.uuid = \"no\"\ny = { uuid = \"no\" }\n\"uuid\" = \"yes\"\n[t]\nlate = \"no\"\n";
    assert_eq!(root_text(text, "uuid").as_deref(), Some("yes"));
    assert_eq!(root_text(text, "name").as_deref(), Some("a"));
    assert_eq!(root_text(text, "late"), None);
    assert_eq!(root_text("uuid = 5", "uuid"), None);
    assert_eq!(root_text("uuid = \"open", "uuid"), None);
}

proptest! {
    #[test]
    fn no_text_panics(text in "([a-c]|[\\[\\]{}=.,'\"#\\\\\n\r\t ]|[0-9]|é|\u{feff}|true|\"\"\"|'''){0,60}") {
        let mut findings = Findings::new(&text, "f", Subject::Project, CODES);
        let parsed = TomlText::parse(&text, &mut findings);
        prop_assert!(parsed.is_some() || findings.len() > 0);
        root_text(&text, "a");
    }
}
