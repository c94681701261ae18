//! JPEG, baseline and progressive, by `zune-jpeg` with its scalar code only: its SIMD code is another implementation of
//! the same arithmetic, and a payload must not depend on the processor. Built without its `x86` and `neon` features,
//! and switched off at run time too, because another crate's features could bring it back.
//!
//! The crate fills what is missing with grey where a file ends early; here that is a problem, and a file without its end
//! marker counts as ending early. EXIF orientation and colour profiles are not applied.

use packer_pack::payload::image::SourceFormat;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::{DecodeErrors, UnsupportedSchemes};

use super::{Gate, tidy};
use crate::image::pixels::{self, Pixels};
use crate::image::problem::ImageProblem;

const FORMAT: SourceFormat = SourceFormat::Jpeg;

pub(super) fn decode(bytes: &[u8], gate: &Gate<'_>) -> Result<Pixels, ImageProblem> {
    let options = DecoderOptions::default()
        .set_use_unsafe(false)
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let complete = has_end(bytes);
    // Whatever the decoder says of a file that ends early: that is the reason.
    let problem = |error: DecodeErrors| {
        if complete { problem(error) } else { ImageProblem::Truncated { format: FORMAT } }
    };
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(problem)?;
    let info = decoder.info().ok_or(ImageProblem::Truncated { format: FORMAT })?;
    let (width, height) = gate.admit(u64::from(info.width), u64::from(info.height))?;
    if !complete {
        return Err(ImageProblem::Truncated { format: FORMAT });
    }
    let mut rgb = pixels::buffer(u64::from(width) * u64::from(height) * 3)?;
    decoder.decode_into(&mut rgb).map_err(problem)?;
    let mut rgba = pixels::buffer(u64::from(width) * u64::from(height) * 4)?;
    for (target, [r, g, b]) in rgba.as_chunks_mut::<4>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
        *target = [*r, *g, *b, 255];
    }
    Ok(Pixels { width, height, rgba })
}

fn problem(error: DecodeErrors) -> ImageProblem {
    let format = FORMAT;
    let reason = match error {
        DecodeErrors::Unsupported(scheme) => {
            let what = match scheme {
                UnsupportedSchemes::LosslessHuffman | UnsupportedSchemes::LosslessArithmetic => {
                    "lossless coding"
                }
                UnsupportedSchemes::ExtendedSequentialHuffman => "extended sequential coding",
                UnsupportedSchemes::ExtendedSequentialDctArithmetic
                | UnsupportedSchemes::ProgressiveDctArithmetic => "arithmetic coding",
            };
            return ImageProblem::Unsupported { format, what: what.to_owned() };
        }
        DecodeErrors::ZeroError => return ImageProblem::Empty { format, width: 0, height: 0 },
        DecodeErrors::Format(reason) => reason,
        DecodeErrors::FormatStatic(reason) => reason.to_owned(),
        other => other.to_string(),
    };
    ImageProblem::Damaged { format, reason: tidy(&reason) }
}

/// Whether the end marker comes after the segments and scans.
fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(skip) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xff)) else {
            return false;
        };
        at += skip + 1;
        match bytes.get(at) {
            Some(0xd9) => return true,
            // A fill byte: the next one may be the marker.
            Some(0xff) => {}
            // A byte of data, a restart or another marker without a length.
            Some(0x00 | 0x01 | 0xd0..=0xd8) => at += 1,
            Some(_) => {
                let Some(length) = bytes.get(at + 1..at + 3) else {
                    return false;
                };
                at += 1 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_marker_counts_only_where_markers_stand() {
        assert!(has_end(b"\xff\xd8\xff\xd9"));
        assert!(has_end(b"\xff\xd8\xff\xda\0\x02data\xff\0\xff\xd0data\xff\xff\xd9"));
        assert!(!has_end(b"\xff\xd8\xff\xe1\0\x04\xff\xd9"), "inside a segment, such as of a thumbnail");
        assert!(!has_end(b"\xff\xd8\xff\xe1\0"));
        assert!(!has_end(b"\xff\xd8\xff\xda\0\x02data\xff\0\xd9"));
        assert!(!has_end(b"\xff"));
        assert!(!has_end(b""));
    }
}
