//! What the runtime lets out is a list: pinned in `tests/api-surface.txt`, and never a glob.
//!
//! A change of the list is made on purpose: `UPDATE_API_SURFACE=1 cargo test -p packer-tests surface` writes the file,
//! and the change of the file is reviewed.

use std::fmt::Write as _;

use packer_tests::repo;

use super::reexports::reexports;

const PINNED: &str = "tests/api-surface.txt";

/// The modules of `packer-runtime` that consumers are meant to use, and the crate itself.
const MODULES: [&str; 4] = ["lib", "api", "codec", "packs"];

/// The surface as the code has it: each module's own public items, as far as they stand in its file, and what it re-exports.
fn surface() -> String {
    let mut text = String::from("# What packer-runtime lets out. See tests/tests/it/boundary/surface.rs.\n");
    for module in MODULES {
        let flat = format!("packer-runtime/src/{module}.rs");
        let folder = format!("packer-runtime/src/{module}/mod.rs");
        let path = if repo::exists(&flat) { flat } else { folder };
        writeln!(text, "\n[{path}]").unwrap();
        let source = repo::read(&path);
        let mut lines: Vec<String> = repo::shipped_part(&source).lines().filter_map(own_item).collect();
        lines.extend(reexports(repo::shipped_part(&source)).into_iter().map(|name| format!("use {name}")));
        lines.sort();
        for line in lines {
            writeln!(text, "{line}").unwrap();
        }
    }
    text
}

/// The head of a public item that starts at the left margin, other than a re-export.
fn own_item(line: &str) -> Option<String> {
    let item = line.strip_prefix("pub ")?;
    if item.starts_with("use ") {
        return None;
    }
    Some(item.split(['{', '(', ';', '<']).next().unwrap_or(item).trim().to_owned())
}

#[test]
fn the_runtime_lets_out_what_is_pinned() {
    let found = surface();
    if std::env::var_os("UPDATE_API_SURFACE").is_some() {
        std::fs::write(repo::root().join(PINNED), &found).unwrap();
    }
    let pinned = repo::read(PINNED);
    let new = found
        .lines()
        .filter(|line| !pinned.lines().any(|known| known == *line))
        .map(|line| format!("+ {line}"));
    let gone = pinned
        .lines()
        .filter(|line| !found.lines().any(|known| known == *line))
        .map(|line| format!("- {line}"));
    let changes: Vec<String> = new.chain(gone).collect();
    assert!(changes.is_empty() && found == pinned, "{PINNED} pins another surface:\n{}", changes.join("\n"));
}

#[test]
fn what_decides_stays_behind_the_wall() {
    let names = reexports(repo::shipped_part(&repo::read("packer-runtime/src/api.rs")));
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let own = name.rsplit("::").next().unwrap_or_default();
        let decides = ["Registry", "WorkspaceState", "Observation", "needs", "plan"].contains(&own);
        assert!(!decides && !own.starts_with("plan_"), "packer_runtime::api lets out {name}");
    }
}

#[test]
fn nothing_is_re_exported_by_glob() {
    let mut statements = 0;
    for path in repo::files_with_extension("rs").into_iter().filter(|path| path.contains("/src/")) {
        for name in reexports(&repo::read(&path)) {
            statements += 1;
            assert!(!name.ends_with('*'), "{path}: pub use {name}");
        }
    }
    assert!(statements > 0, "no re-export was looked at");
}
