//! What can be wrong with a pack: with opening it, with reading a payload, and what a full check lists.
//!
//! Display texts say what is wrong, not what to do; hints are added where people see them.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::format::{Compression, HeaderError};
use crate::payload::PayloadError;

/// Why a pack was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is there is no file, but a folder, a pipe or a device.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// It is shorter than a header.
    #[error("it is not an asset pack: it has only {size} bytes")]
    TooShort {
        /// How many bytes it has.
        size: u64,
    },
    /// The header is not that of a pack that this reader knows, or damaged.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The file is not as long as its header says.
    #[error("the pack has {size} bytes where its header says {expected}")]
    Size {
        /// How many it should have.
        expected: u64,
        /// How many it has.
        size: u64,
    },
    /// A section is not as large as its own counts say.
    #[error("the pack is damaged: the section of {section} has a wrong size")]
    Section {
        /// The section.
        section: &'static str,
    },
    /// Table, names or kinds are damaged, or the list of their digests.
    #[error("the pack is damaged: its index does not match its digests")]
    IndexDigest,
    /// The padding before the first payload is damaged.
    #[error("the pack is damaged: the padding before the payloads is not zero")]
    Padding,
    /// A full check found problems.
    #[error("the pack is damaged: {}", summary(problems))]
    Damaged {
        /// All of them, at least one.
        problems: Vec<Problem>,
    },
}

/// Why an asset was not found, or it or its payload not read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// No asset has this name.
    #[error("the pack has no asset {name:?}")]
    UnknownName {
        /// The name.
        name: Box<str>,
    },
    /// No asset has this id.
    #[error("the pack has no asset with the id {id}")]
    UnknownId {
        /// The id.
        id: u32,
    },
    /// A page of the index, which the answer depends on, does not have its digest.
    #[error("the pack is damaged: its index does not match its digest in the page at {offset}")]
    Index {
        /// Where the page starts, from the start of the file.
        offset: u64,
    },
    /// It is not of the kind that was asked for.
    #[error("asset {id} is not of the kind {kind}")]
    OtherKind {
        /// The asset's id.
        id: u32,
        /// The kind that was asked for.
        kind: &'static str,
    },
    /// Its payload is not laid out as its kind and encoding say.
    #[error("asset {id} cannot be viewed: {fault}")]
    Layout {
        /// The asset's id.
        id: u32,
        /// What is wrong.
        fault: PayloadError,
    },
    /// There is no payload, because its bake failed in a build that kept going.
    #[error("asset {id} is absent: it could not be baked")]
    Absent {
        /// The asset's id.
        id: u32,
    },
    /// Its fields contradict each other.
    #[error("the entry of asset {id} is damaged")]
    Incoherent {
        /// The asset's id.
        id: u32,
    },
    /// It has no name, or a name that is not UTF-8.
    #[error("the name of asset {id} is damaged")]
    Name {
        /// The asset's id.
        id: u32,
    },
    /// Its kind is not among the pack's.
    #[error("the kind of asset {id} is damaged")]
    Kind {
        /// The asset's id.
        id: u32,
    },
    /// It lies outside of the payloads.
    #[error("the payload of asset {id} lies outside of the pack's payloads")]
    Range {
        /// The asset's id.
        id: u32,
    },
    /// It does not start at a multiple of the alignment.
    #[error("the payload of asset {id} is not aligned")]
    Unaligned {
        /// The asset's id.
        id: u32,
    },
    /// It is larger than is allowed, or than memory.
    #[error("the payload of asset {id} has {size} bytes, more than can be read")]
    TooLarge {
        /// The asset's id.
        id: u32,
        /// How many bytes it has when decompressed.
        size: u64,
    },
    /// The buffer to read into has another size.
    #[error("the payload of asset {id} has {size} bytes, and the buffer {buffer}")]
    BufferSize {
        /// The asset's id.
        id: u32,
        /// How many bytes the payload has.
        size: u64,
        /// How many bytes the buffer has.
        buffer: usize,
    },
    /// The decompressor is not part of this program.
    #[error("support for {compression}, which asset {id} is compressed with, is not compiled in")]
    NotCompiled {
        /// The asset's id.
        id: u32,
        /// The compression.
        compression: Compression,
    },
    /// It does not decompress to as many bytes as the table says.
    #[error("the payload of asset {id} is damaged: it does not decompress")]
    Decompress {
        /// The asset's id.
        id: u32,
    },
    /// It does not have its digest.
    #[error("the payload of asset {id} is damaged: it does not match its digest")]
    Digest {
        /// The asset's id.
        id: u32,
    },
    /// The padding after it is not zero.
    #[error("the padding after the payload of asset {id} is damaged")]
    Padding {
        /// The asset's id.
        id: u32,
    },
    /// The file cannot be read.
    #[error("the payload of asset {id} cannot be read from {}", path.display())]
    Io {
        /// The asset's id.
        id: u32,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// One thing that a full check found wrong.
#[derive(Debug, Error)]
pub enum Problem {
    /// The list of the digests of the index's pages does not match the header.
    #[error("the list of the index's digests does not match the header")]
    IndexDigest,
    /// A page of table, names and kinds does not match its digest.
    #[error("the index does not match its digest in the page at {offset}")]
    IndexPage {
        /// Where the page starts, from the start of the file.
        offset: u64,
    },
    /// The padding before the first payload is not zero.
    #[error("the padding before the payloads is not zero")]
    Padding,
    /// The names are not as the format says.
    #[error("the section of names is damaged: {fault}")]
    Names {
        /// What is wrong.
        fault: &'static str,
    },
    /// The kinds are not as the format says.
    #[error("the section of kinds is damaged: {fault}")]
    Kinds {
        /// What is wrong.
        fault: &'static str,
    },
    /// No entry is of this kind.
    #[error("no asset is of the kind with number {kind}")]
    UnusedKind {
        /// The kind's number.
        kind: u32,
    },
    /// An id is not above the one before.
    #[error("the table is not in the order of ids at asset {id}")]
    IdOrder {
        /// The asset's id.
        id: u32,
    },
    /// The header and the table do not agree on whether assets are absent.
    #[error("the header does not say rightly whether assets are absent")]
    IncompleteFlag,
    /// A payload does not stand in payload order.
    #[error("the payload of asset {id} stands before that of asset {after}, which it should follow")]
    Order {
        /// The asset's id.
        id: u32,
        /// The asset that precedes it in payload order.
        after: u32,
    },
    /// Two payloads that are not equal take the same bytes.
    #[error("the payloads of the assets {first} and {second} overlap")]
    Overlap {
        /// The one that starts first.
        first: u32,
        /// The other.
        second: u32,
    },
    /// There are bytes that belong to no payload, nor to the padding after one.
    #[error("{size} bytes at {offset} belong to no payload")]
    Unclaimed {
        /// Where they start.
        offset: u64,
        /// How many they are.
        size: u64,
    },
    /// An entry or its payload cannot be read, or is damaged.
    #[error(transparent)]
    Entry(#[from] ReadError),
}

fn summary(problems: &[Problem]) -> String {
    match problems {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first}, and {} more problems", rest.len()),
    }
}
