//! Codecs of the built-in kinds `raw`, `text`, `data`, `image` and `sound`: source bytes to payloads.
//!
//! Each is a pure function behind [`packer_domain::codec::Codec`]: no IO, no clock, no threads, no randomness, and no
//! arithmetic whose result depends on the machine. The layouts of the payloads are `packer_pack::payload`; which
//! settings apply to an asset, and whether a source is read at all, is decided by the callers.
//!
//! Guarantees: equal requests give equal bytes; bad input is findings, with the place where there is one; declared
//! sizes are checked against the limits before anything of that size is allocated. What a source may cost beyond its
//! payload is stated at each codec. A panic of a third-party decoder is not caught here but by the runtime.

mod data;
mod image;
pub mod preview;
mod raw;
mod sound;
mod source;
mod text;

pub use data::DataCodec;
pub use image::ImageCodec;
pub use raw::RawCodec;
pub use sound::SoundCodec;
pub use text::TextCodec;

use std::sync::Arc;

use packer_domain::codec::Codec;
use packer_domain::kind::KindId;

/// The codecs of all built-in kinds, in the order in which people should read of them.
pub fn builtin() -> Vec<Arc<dyn Codec>> {
    vec![
        Arc::new(ImageCodec::new()),
        Arc::new(SoundCodec::new()),
        Arc::new(DataCodec::new()),
        Arc::new(TextCodec::new()),
        Arc::new(RawCodec::new()),
    ]
}

/// The id of a built-in kind.
fn kind(name: &str) -> KindId {
    KindId::parse(name).expect("the names of built-in kinds are of the form of a kind's name")
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
