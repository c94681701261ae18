//! Every test that is about more than one crate: one binary, because each one links the whole packer again.
//!
//! A test of one crate's behaviour belongs into that crate. That no file of this folder was forgotten below is held by
//! `tidy`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod boundary;
mod e2e;
mod forms;
mod fuzz_corpus;
mod tidy;
