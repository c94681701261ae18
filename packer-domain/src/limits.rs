//! What a project lets one asset cost, so that a hostile or broken source cannot exhaust the machine.
//!
//! Codecs check declared sizes against these before they allocate. The limits are no part of build keys: they decide
//! whether an asset bakes, never what it bakes to.

/// Bounds of one asset, from `[limits]` of `packer.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that one source file may have.
    pub max_input_bytes: u64,
    /// The most pixels that one image may decode to.
    pub max_pixels: u64,
    /// The most bytes that one baked payload may have.
    pub max_payload_bytes: u64,
}

impl Default for Limits {
    /// 1 GiB of source, 256 million pixels (16384²), 2 GiB of payload.
    fn default() -> Self {
        Self { max_input_bytes: 1 << 30, max_pixels: 1 << 28, max_payload_bytes: 1 << 31 }
    }
}
