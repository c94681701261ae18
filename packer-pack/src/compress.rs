//! Compressing a payload for a pack: the one code path that does it.
//!
//! Bytes must not depend on how the work is divided, so Zstandard runs in its single-threaded bulk form with the level
//! as its only parameter (the streaming form, and the same with worker threads, give other bytes). LZ4 is the block
//! format without a size in front. The versions of both libraries decide bytes too: whoever keys a cache of compressed
//! payloads must include [`LIBRARIES`]. Decompressing is the reader's business.

use std::borrow::Cow;

use thiserror::Error;

use crate::format::Compression;

/// The libraries that decide the bytes of a compressed payload; part of the key of anything that was compressed here.
pub const LIBRARIES: &str = "zstd 1.5.7, lz4_flex 0.14.0";

/// The most bytes of scratch room that a compressor keeps.
#[cfg(feature = "zstd")]
const SCRATCH_BYTES: usize = 1 << 20;

/// How to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Not at all.
    None,
    /// LZ4: less dense, and quicker to read.
    Lz4,
    /// Zstandard.
    Zstd {
        /// From 1 to 22.
        level: i32,
    },
}

impl Default for Method {
    /// Zstandard at level 3.
    fn default() -> Self {
        Self::Zstd { level: 3 }
    }
}

/// A payload as the pack stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    /// How the bytes are compressed: not at all unless that saves at least 5 %.
    pub compression: Compression,
    /// The bytes to store.
    pub bytes: Cow<'a, [u8]>,
}

/// Why a payload was not compressed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompressError {
    /// The feature is off.
    #[error("support for {compression} is not compiled in")]
    NotCompiled {
        /// The compression.
        compression: Compression,
    },
    /// The level is not one of Zstandard's.
    #[error("{level} is not a level of zstd: expected a whole number from 1 to 22")]
    Level {
        /// The level.
        level: i32,
    },
    /// The library failed, for want of memory.
    #[error("{compression} failed: {reason}")]
    Failed {
        /// The compression.
        compression: Compression,
        /// What the library says.
        reason: String,
    },
}

/// Compresses payloads, one after the other. Reusing one saves the set-up of a context, and changes no byte; it belongs
/// to one thread at a time.
#[derive(Default)]
pub struct Compressor {
    #[cfg(feature = "zstd")]
    zstd: Option<(i32, zstd::bulk::Compressor<'static>)>,
    /// Room for what a small payload could come to.
    #[cfg(feature = "zstd")]
    scratch: Vec<u8>,
}

impl Compressor {
    /// A compressor that has allocated nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Compresses `payload`, or borrows it where that would not save at least 5 %.
    pub fn compress<'a>(&mut self, method: Method, payload: &'a [u8]) -> Result<Stored<'a>, CompressError> {
        let (compression, bytes) = match method {
            Method::None => return Ok(stored_raw(payload)),
            Method::Lz4 => (Compression::Lz4, lz4(payload)?),
            Method::Zstd { level } if !(1..=22).contains(&level) => {
                return Err(CompressError::Level { level });
            }
            Method::Zstd { level } => (Compression::Zstd, self.zstd(level, payload)?),
        };
        if saves_enough(bytes.len(), payload.len()) {
            Ok(Stored { compression, bytes: Cow::Owned(bytes) })
        } else {
            Ok(stored_raw(payload))
        }
    }

    #[cfg(feature = "zstd")]
    fn zstd(&mut self, level: i32, payload: &[u8]) -> Result<Vec<u8>, CompressError> {
        let failed = |error: std::io::Error| CompressError::Failed {
            compression: Compression::Zstd,
            reason: error.to_string(),
        };
        let context = match &mut self.zstd {
            Some((of, context)) if *of == level => context,
            other => {
                let context = zstd::bulk::Compressor::new(level).map_err(failed)?;
                &mut other.insert((level, context)).1
            }
        };
        let most = zstd::zstd_safe::compress_bound(payload.len());
        // What is kept has as many bytes as it says, and not as many as it could have come to.
        if most > SCRATCH_BYTES {
            let mut compressed = context.compress(payload).map_err(failed)?;
            compressed.shrink_to_fit();
            return Ok(compressed);
        }
        self.scratch.clear();
        self.scratch.reserve(most);
        let size = context.compress_to_buffer(payload, &mut self.scratch).map_err(failed)?;
        Ok(self.scratch[..size].to_vec())
    }

    #[cfg(not(feature = "zstd"))]
    #[expect(
        clippy::unused_self,
        reason = "the same signature as with the feature, so that the caller is one"
    )]
    fn zstd(&mut self, _level: i32, _payload: &[u8]) -> Result<Vec<u8>, CompressError> {
        Err(CompressError::NotCompiled { compression: Compression::Zstd })
    }
}

/// Compresses one payload with a compressor of its own.
pub fn compress(method: Method, payload: &[u8]) -> Result<Stored<'_>, CompressError> {
    Compressor::new().compress(method, payload)
}

fn stored_raw(payload: &[u8]) -> Stored<'_> {
    Stored { compression: Compression::None, bytes: Cow::Borrowed(payload) }
}

/// Whether `compressed <= 95 %` of `raw`, in whole numbers, so that every machine decides alike.
fn saves_enough(compressed: usize, raw: usize) -> bool {
    compressed as u128 * 20 <= raw as u128 * 19 && compressed < raw
}

#[cfg(feature = "lz4")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it is an error")]
fn lz4(payload: &[u8]) -> Result<Vec<u8>, CompressError> {
    Ok(lz4_flex::block::compress(payload))
}

#[cfg(not(feature = "lz4"))]
fn lz4(_payload: &[u8]) -> Result<Vec<u8>, CompressError> {
    Err(CompressError::NotCompiled { compression: Compression::Lz4 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "zstd")]
    fn text(len: usize) -> Vec<u8> {
        (0..len).map(|i| b"a tide of words, "[i % 17]).collect()
    }

    #[test]
    fn five_percent_is_the_line() {
        assert!(saves_enough(95, 100));
        assert!(!saves_enough(96, 100));
        assert!(!saves_enough(0, 0));
        assert!(saves_enough(19, 20));
        assert!(!saves_enough(18, 18));
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn a_reused_compressor_gives_the_bytes_of_a_fresh_one() {
        let mut reused = Compressor::new();
        for level in [3, 19, 3, 1] {
            for len in [10, 100, 5_000, 300_000] {
                let payload = text(len);
                let method = Method::Zstd { level };
                let fresh = compress(method, &payload).unwrap();
                assert_eq!(reused.compress(method, &payload).unwrap(), fresh, "level {level}, {len} bytes");
            }
        }
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn a_frame_says_its_size_and_nothing_optional() {
        let payload = text(5_000);
        let stored = compress(Method::default(), &payload).unwrap();
        assert_eq!(stored.compression, Compression::Zstd);
        // Magic, then the frame header: single segment with a content size of two bytes (which holds size - 256), no
        // checksum, no dictionary.
        assert_eq!(stored.bytes[..5], [0x28, 0xb5, 0x2f, 0xfd, 0b0110_0000]);
        assert_eq!(u16::from_le_bytes([stored.bytes[5], stored.bytes[6]]), 5_000 - 256);
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn levels_are_checked() {
        for level in [i32::MIN, -1, 0, 23, i32::MAX] {
            assert_eq!(compress(Method::Zstd { level }, b""), Err(CompressError::Level { level }));
        }
    }

    #[cfg(all(feature = "zstd", feature = "lz4"))]
    #[test]
    fn what_does_not_shrink_is_borrowed() {
        let noise: Vec<u8> = (0_u32..64).flat_map(|i| *blake3::hash(&i.to_le_bytes()).as_bytes()).collect();
        for method in [Method::Lz4, Method::default(), Method::None] {
            let stored = compress(method, &noise).unwrap();
            assert_eq!(stored.compression, Compression::None);
            assert!(matches!(stored.bytes, Cow::Borrowed(_)));
            assert_eq!(compress(method, b"").unwrap().compression, Compression::None);
        }
        assert_eq!(compress(Method::Lz4, &text(1_000)).unwrap().compression, Compression::Lz4);
    }

    #[cfg(not(feature = "zstd"))]
    #[test]
    fn zstd_is_refused_without_its_feature() {
        let error = CompressError::NotCompiled { compression: Compression::Zstd };
        assert_eq!(compress(Method::default(), b"a"), Err(error));
    }

    #[cfg(not(feature = "lz4"))]
    #[test]
    fn lz4_is_refused_without_its_feature() {
        let error = CompressError::NotCompiled { compression: Compression::Lz4 };
        assert_eq!(compress(Method::Lz4, b"a"), Err(error));
    }

    #[test]
    fn the_libraries_are_those_that_are_locked() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
        let lock = std::fs::read_to_string(lock).unwrap();
        let version = |name: &str| {
            let at = lock.find(&format!("name = \"{name}\"\nversion = \"")).unwrap();
            lock[at..].split('"').nth(3).unwrap().to_owned()
        };
        let zstd = version("zstd-sys");
        let zstd = zstd.split("+zstd.").nth(1).unwrap();
        assert_eq!(LIBRARIES, format!("zstd {zstd}, lz4_flex {}", version("lz4_flex")));
    }
}
