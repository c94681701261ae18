//! BMP, by the `image` crate, with what its decoder leaves open.
//!
//! Samples of other than 8 bits are spread over 0 to 255 and rounded to the nearest; the decoder would cut wider ones off. The
//! fourth byte of a pixel is alpha only where the header says so. Pixels that a run-length encoded picture skips are transparent, as those that the first frame of a
//! GIF leaves uncovered: the format gives them no colour, and the decoder makes them black.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;

use super::{Gate, others};
use crate::image::pixels::{self, Pixels};
use crate::image::problem::ImageProblem;

/// The size of what stands before the second header.
const FILE_HEADER: usize = 14;

pub(super) fn decode(bytes: &[u8], gate: &Gate<'_>) -> Result<Pixels, ImageProblem> {
    let header = Header::of(bytes);
    if let Some(header) = &header {
        // The decoder has other words for sizes that are 0 or large.
        if header.width >= 0 {
            gate.admit(u64::from(header.width.unsigned_abs()), u64::from(header.height.unsigned_abs()))?;
        }
        if header.height < 0 && header.run_length_bits().is_some() {
            let reason = "it is run-length encoded from top to bottom, which the format does not allow";
            return Err(ImageProblem::Damaged { format: gate.format, reason: reason.to_owned() });
        }
    }
    let mut pixels = others::read(BmpDecoder::new(Cursor::new(bytes)), gate)?;
    let Some(header) = header else {
        return Ok(pixels);
    };
    header.round_wide_samples(bytes, &mut pixels);
    if let Some(bits) = header.run_length_bits()
        && pixels.rgba.as_chunks::<4>().0.contains(&BLACK)
    {
        let white = whitened(bytes, header.size, bits)?;
        let drawn = others::read(BmpDecoder::new(Cursor::new(white.as_slice())), gate)?;
        let pairs = pixels.rgba.as_chunks_mut::<4>().0.iter_mut().zip(drawn.rgba.as_chunks::<4>().0);
        for (pixel, _) in pairs.filter(|(_, drawn)| **drawn == BLACK) {
            *pixel = [0; 4];
        }
    }
    Ok(pixels)
}

const BLACK: [u8; 4] = [0, 0, 0, 255];

/// What decides how a BMP is read. The oldest header, of 12 bytes, has its fields elsewhere, and no compression.
struct Header {
    size: usize,
    width: i32,
    height: i32,
    bits: u16,
    compression: u32,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(FILE_HEADER..)?.first_chunk::<40>()?;
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let size = usize::try_from(u32::from_le_bytes(four(0))).ok()?;
        (size >= 40).then(|| Self {
            size,
            width: i32::from_le_bytes(four(4)),
            height: i32::from_le_bytes(four(8)),
            bits: u16::from_le_bytes([bytes[14], bytes[15]]),
            compression: u32::from_le_bytes(four(16)),
        })
    }

    /// How many bits an index has, where runs of indices are what is stored.
    fn run_length_bits(&self) -> Option<u16> {
        matches!((self.compression, self.bits), (1, 8) | (2, 4)).then_some(self.bits)
    }

    /// Gives those channels their values whose masks have more than 8 bits.
    fn round_wide_samples(&self, bytes: &[u8], pixels: &mut Pixels) {
        if self.compression != 3 || !matches!(self.bits, 16 | 32) {
            return;
        }
        let step = usize::from(self.bits / 8);
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let number =
            |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|v| u32::from_le_bytes(*v));
        let start = number(10).map_or(0, |start| start as usize);
        let stride = (width * step).next_multiple_of(4);
        let channels = if self.size >= 56 { 4 } else { 3 };
        for channel in 0..channels {
            // The masks stand at the same place, be it in the header or after it.
            let mask = number(FILE_HEADER + 40 + channel * 4).unwrap_or_default();
            if mask.count_ones() <= 8 {
                continue;
            }
            let shift = mask.trailing_zeros();
            let most = u64::from(mask >> shift);
            for (y, row) in pixels.rgba.chunks_exact_mut(width * 4).enumerate() {
                let stored = if self.height < 0 { y } else { height - 1 - y };
                let values = bytes.get(start.saturating_add(stored * stride)..).unwrap_or_default();
                for (pixel, value) in row.as_chunks_mut::<4>().0.iter_mut().zip(values.chunks_exact(step)) {
                    let value = value.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte));
                    let sample = u64::from((value & mask) >> shift);
                    pixel[channel] = ((sample * 255 + most / 2) / most) as u8;
                }
            }
        }
    }
}

/// The same run-length encoded picture with a full palette of white: what decodes to black is then not drawn at all.
fn whitened(bytes: &[u8], size: usize, bits: u16) -> Result<Vec<u8>, ImageProblem> {
    let headers = FILE_HEADER.saturating_add(size).min(bytes.len());
    let palette = 4usize << bits;
    let start = u32::from_le_bytes([bytes[10], bytes[11], bytes[12], bytes[13]]);
    let data = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    // A header that leaves no room for these has been refused.
    let moved = u32::try_from(headers + palette).unwrap_or(u32::MAX);
    let mut white = pixels::buffer((headers + palette + data.len()) as u64)?;
    let (head, rest) = white.split_at_mut(headers);
    let (colours, tail) = rest.split_at_mut(palette);
    head.copy_from_slice(&bytes[..headers]);
    head[10..14].copy_from_slice(&moved.to_le_bytes());
    // No number of colours means as many as there are indices.
    head[46..50].fill(0);
    colours.fill(255);
    tail.copy_from_slice(data);
    Ok(white)
}
