//! A reader of `pub use` statements: which names a module lets out, written in full.
//!
//! It reads text, so it sees what stands in the file under every configuration. It knows `use` trees and comments, and
//! nothing else of Rust.

/// Every name that the `pub use` statements of `text` let out, in full, as written: `a::b::C`, `a::B as C`, `a::*`.
/// `pub(crate) use` and its like let nothing out.
pub(super) fn reexports(text: &str) -> Vec<String> {
    let text: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).fold(
        String::new(),
        |mut all, line| {
            all.push_str(line);
            all.push('\n');
            all
        },
    );
    let mut names = Vec::new();
    for statement in text.split("pub use ").skip(1) {
        let tree = statement.split(';').next().unwrap_or_default();
        let tree = tree.split_whitespace().collect::<Vec<_>>().join(" ");
        expand("", &tree, &mut names);
    }
    names.sort();
    names
}

fn expand(prefix: &str, tree: &str, names: &mut Vec<String>) {
    let tree = tree.trim();
    if tree.is_empty() {
        return;
    }
    let Some((head, group)) = tree.split_once('{') else {
        names.push(format!("{prefix}{tree}"));
        return;
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let prefix = format!("{prefix}{}", head.trim());
    let (mut depth, mut start) = (0, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &group[start..at], names);
                start = at + 1;
            }
            _ => {}
        }
    }
    expand(&prefix, &group[start..], names);
}

#[test]
fn use_trees_are_written_out() {
    let text = "\
        pub use a::b; // pub use not::this;\n\
        pub(crate) use hidden::C;\n\
        pub use x::{\n    y::{Z, W as V},\n    self,\n    all::*,\n};\n";
    assert_eq!(reexports(text), ["a::b", "x::all::*", "x::self", "x::y::W as V", "x::y::Z"]);
}
