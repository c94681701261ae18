//! All input and output of the packer: the disk and its simulation, scanning, the journal, locks and packs.
//!
//! Nothing here decides what a workspace means; that is `packer-domain`. Nothing here emits events; that is
//! `packer-runtime`.

pub mod disk;
pub mod index;
pub mod scan;
