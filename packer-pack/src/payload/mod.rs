//! Layouts of the payloads of built-in kinds: typed views for games, and the writing half for codecs.
//!
//! A payload's kind and encoding (both in the pack's table) say how it is laid out. Decoding source files is the
//! business of `packer-codecs`; what is here needs no decoder.
//!
//! Guarantees: a view checks every size before it hands out a slice, in constant time unless it says otherwise.

use thiserror::Error;

pub mod data;
pub mod image;
pub mod raw;
pub mod sound;
pub mod text;

/// The version of all layouts together; a layout that changes raises it, and it is part of every build key.
pub const LAYOUT_VERSION: u32 = 1;

/// A payload that is not laid out as its encoding says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// The kind has no such encoding.
    #[error("{kind} has no encoding {encoding}")]
    Encoding {
        /// The kind.
        kind: &'static str,
        /// The encoding's code.
        encoding: u8,
    },
    /// The size is not what the header says.
    #[error("the payload of {kind} has {found} bytes where {expected} are expected")]
    Size {
        /// The kind.
        kind: &'static str,
        /// The size that follows from the header (or of the header itself).
        expected: u64,
        /// The size that it has.
        found: u64,
    },
    /// A header field holds a value that the layout does not have.
    #[error("the payload of {kind} has {value} in the field `{field}`")]
    Field {
        /// The kind.
        kind: &'static str,
        /// The field.
        field: &'static str,
        /// Its value.
        value: u32,
    },
    /// A text that is not UTF-8.
    #[error("the payload of {kind} is not UTF-8 from byte {at}")]
    Utf8 {
        /// The kind.
        kind: &'static str,
        /// How many bytes are valid.
        at: usize,
    },
}
