//! The published forms against those that read and write them: the schemas are as strict as the readers, what the crates
//! pin of their JSON is of these forms, and the page about events names what is in them.
//!
//! That everything that a packer prints is of one of them is checked wherever a test runs one, by `packer_tests::forms`.

mod mutations;
mod page;
mod pinned;
mod strict;
