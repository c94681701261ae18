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
use zune_jpeg::errors::DecodeErrors;

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
    let markers = Markers::read(bytes);
    if let Some(what) = markers.other_coding() {
        return Err(ImageProblem::Unsupported { format: FORMAT, what: what.to_owned() });
    }
    // Whatever the decoder says of a file that ends early: that is the reason.
    let problem = |error: DecodeErrors| {
        if markers.end { problem(error) } else { ImageProblem::Truncated { format: FORMAT } }
    };
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(problem)?;
    let info = decoder.info().ok_or(ImageProblem::Truncated { format: FORMAT })?;
    let (width, height) = gate.admit(u64::from(info.width), u64::from(info.height))?;
    if !markers.end {
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
        DecodeErrors::ZeroError => return ImageProblem::Empty { format, width: 0, height: 0 },
        DecodeErrors::Format(reason) => reason,
        DecodeErrors::FormatStatic(reason) => reason.to_owned(),
        other => other.to_string(),
    };
    ImageProblem::Damaged { format, reason: tidy(&reason) }
}

/// What the markers of a file say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Markers {
    /// The marker of the first frame header, which says how the image is coded.
    frame: Option<u8>,
    /// Whether the end marker comes after the segments and scans.
    end: bool,
}

impl Markers {
    fn read(bytes: &[u8]) -> Self {
        let mut found = Self::default();
        let mut at = 2;
        while let Some(skip) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xff)) {
            at += skip + 1;
            match bytes.get(at) {
                Some(0xd9) => {
                    found.end = true;
                    break;
                }
                // A fill byte: the next one may be the marker.
                Some(0xff) | None => {}
                // A byte of data, a restart or another marker without a length.
                Some(0x00 | 0x01 | 0xd0..=0xd8) => at += 1,
                Some(marker) => {
                    if matches!(marker, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) {
                        found.frame.get_or_insert(*marker);
                    }
                    let Some(length) = bytes.get(at + 1..at + 3) else {
                        break;
                    };
                    at += 1 + usize::from(u16::from_be_bytes([length[0], length[1]]));
                }
            }
        }
        found
    }

    /// What the image is coded with, where that is not supported.
    fn other_coding(&self) -> Option<&'static str> {
        match self.frame? {
            0xc0..=0xc2 => None,
            0xc3 | 0xc7 | 0xcb | 0xcf => Some("lossless coding"),
            0xc5 | 0xc6 => Some("differential coding"),
            _ => Some("arithmetic coding"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], frame: Option<u8>, end: bool) {
        assert_eq!(Markers::read(bytes), Markers { frame, end });
    }

    #[test]
    fn markers_count_only_where_markers_stand() {
        check(b"\xff\xd8\xff\xd9", None, true);
        check(b"\xff\xd8\xff\xc4\0\x02\xff\xc2\0\x02\xff\xc9\0\x02\xff\xd9", Some(0xc2), true);
        check(b"\xff\xd8\xff\xda\0\x02data\xff\0\xff\xd0data\xff\xff\xd9", None, true);
        // Inside a segment, such as that of a thumbnail.
        check(b"\xff\xd8\xff\xe1\0\x08\xff\xc0\0\x02\xff\xd9", None, false);
        check(b"\xff\xd8\xff\xe1\0", None, false);
        check(b"\xff\xd8\xff\xda\0\x02data\xff\0\xd9", None, false);
        check(b"\xff\xd8\xff", None, false);
        check(b"", None, false);
    }

    #[test]
    fn codings_that_are_not_read_are_named() {
        let coding = |frame| Markers { frame, end: true }.other_coding();
        assert_eq!([None, Some(0xc0), Some(0xc1), Some(0xc2)].map(coding), [None; 4]);
        assert_eq!(
            [0xc3, 0xc6, 0xc9].map(|frame| coding(Some(frame))),
            [Some("lossless coding"), Some("differential coding"), Some("arithmetic coding"),]
        );
    }
}
