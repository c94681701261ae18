//! From segments of names and from kinds to identifiers: cases, and the words that a language keeps for itself.
//!
//! A segment is words of `a-z` and `0-9` between `.`, `-` and `_`. No identifier made here ends in `_` or has two in a row, so
//! a `_` that is added marks what would otherwise be taken.

use crate::kind::KindId;

/// `big-button` as `big_button`.
pub(super) fn snake(text: &str) -> String {
    escaped(words(text).collect::<Vec<_>>().join("_"))
}

/// `big-button` as `BIG_BUTTON`.
pub(super) fn upper(text: &str) -> String {
    snake(text).to_ascii_uppercase()
}

/// `big-button` as `BigButton`.
pub(super) fn pascal(text: &str) -> String {
    escaped(joined(text, true))
}

/// `big-button` as `bigButton`.
pub(super) fn camel(text: &str) -> String {
    escaped(joined(text, false))
}

/// The type of the ids of a kind: `tile-map` as `TileMapId`. Different kinds have different ones, and none is `AssetId`.
pub(super) fn kind_type(kind: &KindId) -> String {
    let mut ident = String::new();
    let mut raise = true;
    for c in kind.as_str().chars() {
        // A hyphen that raises nothing stays visible, so that the kind can be read off its type.
        if raise && !c.is_ascii_lowercase() && !ident.is_empty() {
            ident.push('_');
        }
        match c {
            '-' => raise = true,
            c => {
                ident.push(if raise { c.to_ascii_uppercase() } else { c });
                raise = false;
            }
        }
    }
    if raise {
        ident.push('_');
    }
    ident.push_str("Id");
    if ident == "AssetId" { "AssetId_".to_owned() } else { ident }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(['/', '.', '-', '_']).filter(|word| !word.is_empty())
}

/// Words with capitals; between two digits a `_` keeps `1.23` and `12.3` apart.
fn joined(text: &str, first: bool) -> String {
    let mut ident = String::new();
    for word in words(text) {
        let mut letters = word.chars();
        let Some(head) = letters.next() else { continue };
        if head.is_ascii_digit() && ident.ends_with(|c: char| c.is_ascii_digit()) {
            ident.push('_');
        }
        let raise = first || !ident.is_empty();
        ident.push(if raise { head.to_ascii_uppercase() } else { head });
        ident.push_str(letters.as_str());
    }
    ident
}

/// With a `_` before a digit that it would begin with.
fn escaped(ident: String) -> String {
    if ident.starts_with(|c: char| c.is_ascii_digit()) { format!("_{ident}") } else { ident }
}

/// What Rust, in any edition, keeps for itself. All of it takes a `_`, since `self`, `super` and `crate` cannot be raw.
pub(super) const RUST_KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield", "union",
];

/// What every class of C# inherits, and would hide with a warning.
pub(super) const CSHARP_INHERITED: [&str; 7] =
    ["Equals", "Finalize", "GetHashCode", "GetType", "MemberwiseClone", "ReferenceEquals", "ToString"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_take_the_case_of_their_place() {
        let cases = [
            ("confirm", "confirm", "CONFIRM", "Confirm", "confirm"),
            ("big-button.2x", "big_button_2x", "BIG_BUTTON_2X", "BigButton2x", "bigButton2x"),
            ("1st", "_1st", "_1ST", "_1st", "_1st"),
            ("v1.2", "v1_2", "V1_2", "V1_2", "v1_2"),
            ("a__b-", "a_b", "A_B", "AB", "aB"),
            ("1-2-x", "_1_2_x", "_1_2_X", "_1_2X", "_1_2X"),
        ];
        for (segment, in_snake, in_upper, in_pascal, in_camel) in cases {
            assert_eq!(
                (snake(segment), upper(segment), pascal(segment), camel(segment)),
                (in_snake.into(), in_upper.into(), in_pascal.into(), in_camel.into())
            );
        }
    }

    #[test]
    fn kinds_have_types_of_their_own() {
        let cases = [
            ("image", "ImageId"),
            ("tile-map", "TileMapId"),
            ("tile-1", "Tile_1Id"),
            ("tile1", "Tile1Id"),
            ("a-b", "ABId"),
            ("a--b", "A_BId"),
            ("a-", "A_Id"),
            ("a--", "A__Id"),
            ("asset", "AssetId_"),
        ];
        for (kind, expected) in cases {
            assert_eq!(kind_type(&KindId::parse(kind).unwrap()), expected, "{kind}");
        }
    }
}
