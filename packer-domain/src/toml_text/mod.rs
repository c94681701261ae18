//! What the packer's TOML files have in common: parsing with every error of a file, typed access with the place of each
//! value, and suggestions for keys that mean nothing.
//!
//! Which keys exist is the business of `config` and `anchor`; how a diagnostic is shown is the consumers'.
//!
//! Guarantees: never panics; every diagnostic has the file, and a span wherever there is text to point at. Limit: of a
//! file that is not TOML, the syntax errors are reported and nothing else, since what the rest means is not sure.

mod findings;
mod suggest;
mod syntax;
mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use findings::{Codes, Findings};
pub use suggest::suggest;
pub(crate) use syntax::{TomlText, root_text};
pub(crate) use table::{TableReader, as_setting, known_kind, read_settings};

use crate::diagnostic::Diagnostic;

/// The most bytes that `packer.toml` or an anchor may have; no file of a person comes near.
pub const MAX_TOML_BYTES: usize = 1 << 20;

/// What could be understood of a text, and everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// What it says; `None` only if nothing could go on from it.
    pub output: Option<T>,
    /// Everything that is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Parsed<T> {
    /// Whether something is wrong that forbids building or committing.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}
