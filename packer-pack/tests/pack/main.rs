//! Packs as a whole: written with what the crate gives a writer, read back through every door, damaged in every way.
//!
//! Tests of one part alone stand beside that part.
#![cfg(all(feature = "mmap", feature = "zstd", feature = "lz4"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, which clippy does not see")]

mod crafted;
mod document;
mod hostile;
mod problems;
mod round_trip;
mod support;
mod typed;
mod walkthrough;
