//! Typed constants: the source texts by which game code names assets without strings.
//!
//! Rows of ids, names and kinds in, one text a language out. Which assets there are is the build plan's; where the texts go
//! is `packer-runtime`'s.
//!
//! A name becomes an identifier segment by segment, in the manner of the language: `ui/big-button` is `ui::BIG_BUTTON` in
//! Rust, `ui.bigButton` in TypeScript, `ASSETS_UI_BIG_BUTTON` in C and `Ui.BigButton` in C#. How what is no identifier there
//! becomes one is `ident`'s; what happens where two would be the same, `scope`'s.
//!
//! Guarantees: equal rows give equal texts, in whatever order they come. Every identifier is valid and stands once in its
//! scope. An asset's identifier depends on its own name alone, unless another asset or folder would have the same one.
//! Nothing of payloads is in a text, so it stays as it is while assets are only edited.
//!
//! Limits: ids and names are unique among the rows, as they are in a build plan. Identifiers have up to 146 bytes; the C
//! standard promises only 63 that count, compilers in use take them all.

mod c;
mod csharp;
mod ident;
mod rust;
mod scope;
#[cfg(test)]
mod tests;
mod typescript;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::identity::AssetId;
use crate::kind::KindId;
use crate::name::AssetName;

/// The version of the texts: raised whenever equal rows would give another text.
pub const CONSTANTS_FORMAT: u32 = 1;

/// A language in which constants are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConstantsLanguage {
    /// Rust.
    Rust,
    /// TypeScript.
    TypeScript,
    /// C, and by the same header C++.
    C,
    /// C#.
    CSharp,
}

impl ConstantsLanguage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rust, Self::TypeScript, Self::C, Self::CSharp];

    /// What it is called in `packer.toml` and on the command line: the extension of its files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rs",
            Self::TypeScript => "ts",
            Self::C => "h",
            Self::CSharp => "cs",
        }
    }

    /// The name of the file in the output folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Rust => "assets.rs",
            Self::TypeScript => "assets.ts",
            Self::C => "assets.h",
            Self::CSharp => "assets.cs",
        }
    }
}

impl fmt::Display for ConstantsLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ConstantsLanguage {
    type Err = ConstantsLanguageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|language| language.as_str() == text);
        found.ok_or_else(|| ConstantsLanguageError { text: text.to_owned() })
    }
}

/// A text that names no language of constants.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is no language of constants: expected \"rs\", \"ts\", \"h\" or \"cs\"")]
pub struct ConstantsLanguageError {
    /// The text as given.
    pub text: String,
}

/// The languages in which a build writes constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConstantsLanguages {
    bits: u8,
}

impl ConstantsLanguages {
    /// None.
    pub const NONE: Self = Self { bits: 0 };

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// Whether `language` is among them.
    pub fn contains(self, language: ConstantsLanguage) -> bool {
        self.bits & bit(language) != 0
    }

    /// Those that there are, in the order of [`ConstantsLanguage::ALL`].
    pub fn iter(self) -> impl Iterator<Item = ConstantsLanguage> {
        ConstantsLanguage::ALL.into_iter().filter(move |language| self.contains(*language))
    }
}

impl FromIterator<ConstantsLanguage> for ConstantsLanguages {
    fn from_iter<I: IntoIterator<Item = ConstantsLanguage>>(languages: I) -> Self {
        Self { bits: languages.into_iter().fold(0, |bits, language| bits | bit(language)) }
    }
}

impl FromStr for ConstantsLanguages {
    type Err = ConstantsLanguageError;

    /// Languages separated by commas, or `none`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(Self::NONE) } else { text.split(',').map(str::parse).collect() }
    }
}

fn bit(language: ConstantsLanguage) -> u8 {
    match language {
        ConstantsLanguage::Rust => 1,
        ConstantsLanguage::TypeScript => 2,
        ConstantsLanguage::C => 4,
        ConstantsLanguage::CSharp => 8,
    }
}

/// An asset that has a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstantRow<'a> {
    /// Its runtime id.
    pub id: AssetId,
    /// Its name.
    pub name: &'a AssetName,
    /// Its kind.
    pub kind: &'a KindId,
}

/// The text of the constants of `rows` in `language`, sorted by name.
pub fn constants_text(language: ConstantsLanguage, rows: &[ConstantRow<'_>]) -> String {
    let rows = Rows::new(rows);
    match language {
        ConstantsLanguage::Rust => rust::text(&rows),
        ConstantsLanguage::TypeScript => typescript::text(&rows),
        ConstantsLanguage::C => c::text(&rows),
        ConstantsLanguage::CSharp => csharp::text(&rows),
    }
}

/// The assets in the orders in which the texts tell of them.
struct Rows<'a> {
    /// By name.
    by_name: Vec<ConstantRow<'a>>,
    /// Every kind once, sorted.
    kinds: Vec<&'a KindId>,
}

impl<'a> Rows<'a> {
    fn new(rows: &[ConstantRow<'a>]) -> Self {
        let mut by_name = rows.to_vec();
        by_name.sort_unstable_by_key(|row| (row.name, row.id));
        let mut kinds: Vec<&KindId> = by_name.iter().map(|row| row.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        Self { by_name, kinds }
    }

    /// Where in `by_name` each asset stands, by id.
    fn places_by_id(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.by_name.len()).collect();
        places.sort_unstable_by_key(|place| self.by_name[*place].id);
        places
    }
}

/// The first lines of every text, to stand in a comment.
fn header() -> [String; 3] {
    [
        "@generated by packer: the assets of a game, by name. Do not edit: the next build replaces this file.".to_owned(),
        format!("Constants format {CONSTANTS_FORMAT}. Ids stay the same for the life of an asset, also when it is renamed."),
        "Assets whose constants would have one name have their ids added to it.".to_owned(),
    ]
}

/// Numbers as the body of a list: a few a line, so that a line stays short and a change touches few lines.
fn number_lines(numbers: &[usize], indent: &str) -> String {
    let mut text = String::new();
    for line in numbers.chunks(8) {
        let line: Vec<String> = line.iter().map(ToString::to_string).collect();
        text.push_str(indent);
        text.push_str(&line.join(", "));
        text.push_str(",\n");
    }
    text
}
