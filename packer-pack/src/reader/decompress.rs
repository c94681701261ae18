//! Decompressing a payload into a buffer of exactly the declared size.
//!
//! Allocates nothing in proportion to anything that is stored: the caller bounds the buffer.

#[cfg(feature = "zstd")]
use std::cell::RefCell;

use crate::format::Compression;

/// Why a payload did not decompress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The feature is off.
    NotCompiled,
    /// It is not what the compression makes, or has another size.
    Damaged,
}

/// Whether this program has the decompressor.
const fn is_compiled(compression: Compression) -> bool {
    match compression {
        Compression::None => true,
        Compression::Lz4 => cfg!(feature = "lz4"),
        Compression::Zstd => cfg!(feature = "zstd"),
    }
}

/// Whether `stored` bytes can decompress to `raw` bytes at all, so that a small file cannot ask for a large buffer.
///
/// A byte of an LZ4 block stands for at most 255 bytes; a block of a Zstandard frame takes at least 4 bytes and stands
/// for at most 128 KiB.
pub(super) fn is_possible(compression: Compression, stored: u64, raw: u64) -> bool {
    let most = match compression {
        Compression::None => 1,
        Compression::Lz4 => 255,
        Compression::Zstd => (128 << 10) / 4,
    };
    raw <= stored.saturating_mul(most)
}

/// The payload of `raw_size` bytes that was stored as `stored`, for those who keep stored payloads outside of packs; `None`
/// if it is none. Not checked against a digest. A size that so few bytes cannot come to is refused before anything of that
/// size is allocated.
pub fn decompressed(compression: Compression, stored: &[u8], raw_size: u64) -> Option<Vec<u8>> {
    if !is_possible(compression, stored.len() as u64, raw_size) {
        return None;
    }
    let mut payload = Vec::new();
    payload.try_reserve_exact(usize::try_from(raw_size).ok()?).ok()?;
    payload.resize(raw_size as usize, 0);
    decompress(compression, stored, &mut payload).ok()?;
    Some(payload)
}

/// Decompresses `stored`, which must give exactly as many bytes as `out` has.
pub(super) fn decompress(compression: Compression, stored: &[u8], out: &mut [u8]) -> Result<(), Fault> {
    if !is_compiled(compression) {
        return Err(Fault::NotCompiled);
    }
    let size = match compression {
        Compression::None if stored.len() == out.len() => {
            out.copy_from_slice(stored);
            out.len()
        }
        Compression::None => return Err(Fault::Damaged),
        Compression::Lz4 => lz4(stored, out)?,
        Compression::Zstd => zstd(stored, out)?,
    };
    if size == out.len() { Ok(()) } else { Err(Fault::Damaged) }
}

#[cfg(feature = "zstd")]
fn zstd(stored: &[u8], out: &mut [u8]) -> Result<usize, Fault> {
    // The library would also take several frames, and skip some; the format has exactly one.
    if zstd::zstd_safe::find_frame_compressed_size(stored) != Ok(stored.len()) {
        return Err(Fault::Damaged);
    }
    // Making a context costs more than decompressing a small payload with it, so each thread keeps one.
    thread_local! {
        static CONTEXT: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
    }
    CONTEXT.with_borrow_mut(|context| {
        let context = match context {
            Some(context) => context,
            None => context.insert(zstd::bulk::Decompressor::new().map_err(|_| Fault::Damaged)?),
        };
        context.decompress_to_buffer(stored, out).map_err(|_| Fault::Damaged)
    })
}

#[cfg(not(feature = "zstd"))]
fn zstd(_stored: &[u8], _out: &mut [u8]) -> Result<usize, Fault> {
    Err(Fault::NotCompiled)
}

#[cfg(feature = "lz4")]
fn lz4(stored: &[u8], out: &mut [u8]) -> Result<usize, Fault> {
    lz4_flex::block::decompress_into(stored, out).map_err(|_| Fault::Damaged)
}

#[cfg(not(feature = "lz4"))]
fn lz4(_stored: &[u8], _out: &mut [u8]) -> Result<usize, Fault> {
    Err(Fault::NotCompiled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(feature = "zstd", feature = "lz4"))]
    #[test]
    fn the_size_is_exact() {
        use crate::compress::{Method, compress};

        let raw = [7; 1_000];
        for method in [Method::default(), Method::Lz4, Method::None] {
            let stored = compress(method, &raw).unwrap();
            for size in [0, 1, 999, 1_001, 2_000] {
                let mut out = vec![0; size];
                let result = decompress(stored.compression, &stored.bytes, &mut out);
                assert_eq!(result, Err(Fault::Damaged), "{method:?} into {size} bytes");
            }
            let mut out = [0; 1_000];
            assert_eq!(decompress(stored.compression, &stored.bytes, &mut out), Ok(()));
            assert_eq!(out, raw);
            assert_eq!(decompressed(stored.compression, &stored.bytes, 1_000).as_deref(), Some(&raw[..]));
            assert_eq!(decompressed(stored.compression, &stored.bytes, 999), None);
            assert_eq!(decompressed(stored.compression, &stored.bytes, u64::MAX), None);
        }
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn a_frame_is_alone() {
        use crate::compress::{Method, compress};

        let half = compress(Method::default(), &[7; 500]).unwrap().bytes.into_owned();
        let twice = [half.clone(), half.clone()].concat();
        assert_eq!(decompress(Compression::Zstd, &twice, &mut [0; 1_000]), Err(Fault::Damaged));
        let skippable = [&half[..], &[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]].concat();
        assert_eq!(decompress(Compression::Zstd, &skippable, &mut [0; 500]), Err(Fault::Damaged));
        assert_eq!(decompress(Compression::Zstd, &half, &mut [0; 500]), Ok(()));
    }

    #[cfg(all(feature = "zstd", feature = "lz4"))]
    #[test]
    fn the_most_extreme_payloads_are_possible() {
        use crate::compress::{Method, compress};

        let raw = vec![0; 8 << 20];
        for method in [Method::Zstd { level: 19 }, Method::Lz4] {
            let stored = compress(method, &raw).unwrap();
            let size = stored.bytes.len() as u64;
            assert!(is_possible(stored.compression, size, raw.len() as u64), "{method:?}: {size} bytes");
        }
        assert!(!is_possible(Compression::Lz4, 100, 25_501));
        assert!(!is_possible(Compression::Zstd, 100, 3_276_801));
        assert!(is_possible(Compression::Zstd, u64::MAX, u64::MAX));
    }

    #[test]
    fn what_is_not_compiled_in_is_named_and_the_rest_is_read() {
        for compression in [Compression::None, Compression::Zstd, Compression::Lz4] {
            // Nothing that any of them makes, of the size that none would make of it.
            let result = decompress(compression, &[0xff], &mut [0; 9]);
            let expected = if is_compiled(compression) { Fault::Damaged } else { Fault::NotCompiled };
            assert_eq!(result, Err(expected), "{compression}");
        }
        let mut out = [0; 2];
        assert_eq!(decompress(Compression::None, b"ab", &mut out), Ok(()));
        assert_eq!(&out, b"ab");
    }
}
