//! The example editor shows what the adapter is worth: how short an editor is that is written on it, and that it needs
//! nothing else of ours. Cargo would let it use whatever the adapter and its tests depend on, so its text is looked at.

use packer_tests::repo;

const EXAMPLE: &str = "studio-adapter/examples/editor.rs";

/// It has to stay below this.
const LINES: usize = 500;

/// What it may name: the standard library but for its files, what draws, and the adapter.
const USES: [&str; 6] = [
    "use std::collections::",
    "use std::io;",
    "use std::process::ExitCode;",
    "use std::time::Duration;",
    "use ratatui::",
    "use studio_adapter::{",
];

#[test]
fn the_example_editor_is_one_file_that_anybody_reads_in_a_sitting() {
    let lines = repo::read(EXAMPLE).lines().count();
    assert!((100..LINES).contains(&lines), "{EXAMPLE} has {lines} lines; it has to have fewer than {LINES}");
    let beside: Vec<String> =
        repo::files().into_iter().filter(|path| path.starts_with("studio-adapter/examples/")).collect();
    assert_eq!(beside, [EXAMPLE], "what it is made of counts");
}

#[test]
fn the_example_editor_uses_the_adapter_and_nothing_else_of_ours() {
    let text = repo::read(EXAMPLE);
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let uses: Vec<&&str> = code.iter().filter(|line| line.trim_start().starts_with("use ")).collect();
    assert!(uses.len() > 3, "{uses:?}");
    for line in uses {
        assert!(USES.iter().any(|known| line.starts_with(known)), "{EXAMPLE}: {line}");
    }
    for word in ["packer_", "extern crate", "include!", "mod ", "std::fs", "serde", "tempfile", "insta"] {
        let found = code.iter().find(|line| line.contains(word));
        assert_eq!(found, None, "{EXAMPLE} has {word}");
    }
}
