//! All input and output of the packer: the disk and its simulation, scanning, the journal, locks and packs.
//!
//! Nothing here decides what a workspace means; that is `packer-domain`. Nothing here emits events; that is
//! `packer-runtime`.

pub mod build_parts;
pub mod build_record;
pub mod build_sources;
pub mod build_stamp;
pub mod disk;
pub mod event_log;
mod framed;
pub mod head;
pub mod index;
pub mod journal;
pub mod layout;
pub mod lock;
pub mod pack_writer;
pub mod plan_file;
pub mod registry_file;
pub mod scan;
pub mod store;
pub mod summary_file;
pub mod undo_record;
pub mod watch;
