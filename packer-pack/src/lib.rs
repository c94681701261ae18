//! The asset pack: its format, and the reader that games link.
//!
//! A pack holds the baked payloads of a project's assets, found by id or by name. The format is documented, byte by
//! byte, in `docs/pack-format.md`; this crate is its reference. A game links it and nothing else of the packer.
//!
//! - [`reader`] opens packs: mapped, from memory, or through any `Read + Seek`.
//! - [`payload`] lays out the payloads of the built-in kinds, and reads them.
//! - [`mod@format`], [`index`] and [`compress`] are what a pack is made of; the packer's writer uses them too.
//!
//! It writes no file: staging, streaming and renaming are the writer's business. It knows nothing of projects.
//!
//! ```no_run
//! use packer_pack::{OpenOptions, Pack};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pack = Pack::open_plain("build/assets.pack", OpenOptions::default())?;
//! let picture = pack.by_name("ui/confirm")?.image()?;
//! let sound = pack.by_name("ui/click")?.sound()?;
//! # let (_, _) = (picture.info().width, sound.info().duration());
//! # Ok(())
//! # }
//! ```
//!
//! `examples/inspect.rs` is a short program that does this.
//!
//! Guarantees: nothing here panics on hostile input, and every offset, size and count is checked before it is used.
//! Features: `mmap` (mapping a pack), `zstd` and `lz4` (payloads compressed with these); all are on by default.

pub mod compress;
pub mod format;
pub mod index;
pub mod payload;
pub mod reader;

pub use reader::{Data, Entry, Image, OpenError, OpenOptions, Pack, Problem, ReadError, Sound, Verify};
