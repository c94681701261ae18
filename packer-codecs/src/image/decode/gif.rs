//! GIF, by the `image` crate: the first frame, on a transparent canvas.
//!
//! What of that frame is outside the canvas is cut off, and said: the format wants frames within it, and programs differ in
//! what they make of others.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;

use super::{Decoded, Gate, others};
use crate::image::problem::ImageProblem;

pub(super) fn decode(bytes: &[u8], gate: &Gate<'_>) -> Result<Decoded, ImageProblem> {
    let pixels = others::read(GifDecoder::new(Cursor::new(bytes)), gate)?;
    let (width, height) = (pixels.width, pixels.height);
    let beyond = first_frame(bytes)
        .filter(|[left, top, wide, high]| left + wide > width || top + high > height)
        .map(|[left, top, wide, high]| {
            format!(
                "the GIF has {width} x {height} pixels, and its first frame of {wide} x {high} at {left}, {top} \
                 reaches beyond them; what is beyond is cut off"
            )
        });
    Ok(Decoded { pixels, notes: beyond.into_iter().collect() })
}

/// Left, top, width and height of the first frame.
fn first_frame(bytes: &[u8]) -> Option<[u32; 4]> {
    let flags = *bytes.get(10)?;
    let table = if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut rest = bytes.get(13 + table..)?;
    loop {
        match *rest {
            [0x2c, l0, l1, t0, t1, w0, w1, h0, h1, ..] => {
                return Some([[l0, l1], [t0, t1], [w0, w1], [h0, h1]].map(|v| u16::from_le_bytes(v).into()));
            }
            // An extension: its label, then blocks, each after its length, of which the last is empty.
            [0x21, _, ref blocks @ ..] => {
                rest = blocks;
                while let [length, block @ ..] = rest
                    && *length > 0
                {
                    rest = block.get(usize::from(*length)..)?;
                }
                rest = rest.get(1..)?;
            }
            _ => return None,
        }
    }
}
