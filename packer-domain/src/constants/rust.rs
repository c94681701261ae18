//! Constants for Rust: a module a folder, a type of ids a kind, and a table of all assets.
//!
//! Lints are switched off item by item, so that the text can be a module's file as well as be included into one. It names
//! nothing of the standard library, so it works without it.

use std::fmt::Write;

use super::ident::{RUST_KEYWORDS, kind_type, snake, upper};
use super::scope::{Naming, Place, Scope};
use super::{Rows, header, number_lines};

const NAMING: Naming = Naming { folder: Some(snake), asset: upper, is_taken, is_shared: false };

/// Folders and assets never have an identifier in common but for digits, so one list does for both.
fn is_taken(place: &Place<'_>, ident: &str) -> bool {
    let own = ["ASSETS", "BY_ID", "bool", "str", "u32", "usize"];
    RUST_KEYWORDS.contains(&ident) || place.is_root && own.contains(&ident)
}

/// In two parts, since it is for the text and not for this file. Types of kinds with digits or several hyphens have a `_`.
const LINTS: &str = concat!(
    "#[",
    "allow(dead_code, non_camel_case_types, unreachable_pub, clippy::all, clippy::pedantic)]\n"
);
const DERIVES: &str = "#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\n";

pub(super) fn text(rows: &Rows<'_>) -> String {
    let mut text = String::new();
    for line in header() {
        let _ = writeln!(text, "// {line}");
    }
    id_type(&mut text, "AssetId", "The id of any asset, by which a pack finds it.");
    for kind in &rows.kinds {
        let name = kind_type(kind);
        id_type(&mut text, &name, &format!("The id of an asset of the kind `{kind}`."));
        let _ = write!(
            text,
            "\n{LINTS}impl From<{name}> for AssetId {{\n    fn from(id: {name}) -> Self {{\n        Self(id.0)\n    }}\n}}\n"
        );
    }
    scope(&mut text, &Scope::new(&rows.by_name, &NAMING, ""), 0);
    table(&mut text, rows);
    text
}

fn id_type(text: &mut String, name: &str, about: &str) {
    let _ = write!(
        text,
        "\n/// {about}\n{LINTS}{DERIVES}pub struct {name}(pub u32);\n\
         \n{LINTS}impl {name} {{\n    /// The number.\n    pub const fn get(self) -> u32 {{\n        self.0\n    }}\n}}\n"
    );
}

fn scope(text: &mut String, of: &Scope<'_>, depth: usize) {
    let indent = "    ".repeat(depth);
    let lints = if depth == 0 { LINTS } else { "" };
    let gap = |text: &mut String, first: bool| {
        if depth == 0 || !first {
            text.push('\n');
        }
    };
    for (n, (ident, row)) in of.assets.iter().enumerate() {
        gap(text, n == 0);
        let (kind, of_kind) = (row.kind, format!("{}{}", "super::".repeat(depth), kind_type(row.kind)));
        let _ = write!(
            text,
            "{indent}/// `{}`, {kind}\n{lints}{indent}pub const {ident}: {of_kind} = {of_kind}({});\n",
            row.name, row.id
        );
    }
    for (n, (ident, below)) in of.folders.iter().enumerate() {
        gap(text, n == 0 && of.assets.is_empty());
        let _ = write!(text, "{indent}/// `{}/`\n{lints}{indent}pub mod {ident} {{\n", below.path);
        scope(text, below, depth + 1);
        let _ = writeln!(text, "{indent}}}");
    }
}

fn table(text: &mut String, rows: &Rows<'_>) {
    let count = rows.by_name.len();
    let _ = write!(
        text,
        "\n/// An asset as it can be looked up.\n{LINTS}#[derive(Clone, Copy, Debug, PartialEq, Eq)]\n\
         pub struct Asset {{\n    /// Its id.\n    pub id: AssetId,\n    /// Its name.\n    pub name: &'static str,\n\
         \x20   /// Its kind.\n    pub kind: &'static str,\n}}\n\
         \n/// All assets, by name.\n{LINTS}pub static ASSETS: [Asset; {count}] = [\n"
    );
    for row in &rows.by_name {
        let _ = writeln!(
            text,
            "    Asset {{ id: AssetId({}), name: \"{}\", kind: \"{}\" }},",
            row.id, row.name, row.kind
        );
    }
    let _ = write!(
        text,
        "];\n\n/// Where each stands among all, by id.\n{LINTS}static BY_ID: [u32; {count}] = [\n{}];\n",
        number_lines(&rows.places_by_id(), "    ")
    );
    let _ = write!(
        text,
        "\n/// The asset with this id.\n{LINTS}pub fn by_id(id: impl Into<AssetId>) -> Option<&'static Asset> {{\n\
         \x20   let id = id.into();\n\
         \x20   let at = BY_ID.binary_search_by(|at| ASSETS[*at as usize].id.cmp(&id)).ok()?;\n\
         \x20   Some(&ASSETS[BY_ID[at] as usize])\n}}\n\
         \n/// The asset with this name.\n{LINTS}pub fn by_name(name: &str) -> Option<&'static Asset> {{\n\
         \x20   let at = ASSETS.binary_search_by(|asset| asset.name.cmp(name)).ok()?;\n\
         \x20   Some(&ASSETS[at])\n}}\n"
    );
}
