//! Support code of the tests in `tests/it`: what more than one of them needs.
//!
//! Nothing here is a test, and nothing here is linked by a packer.

pub mod repo;
