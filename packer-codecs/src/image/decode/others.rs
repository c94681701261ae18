//! QOI, TGA and WebP, by the `image` crate, and how any decoder of that crate is run: [`read`].
//!
//! Of WebP animations the first frame, on a transparent canvas. In TGA, samples of 5 bits are spread over 0 to 255 and
//! rounded to the nearest, and the odd bit of a 16-bit pixel is never alpha. What BMP and GIF need beyond [`read`] is in
//! their modules.

use std::error::Error;
use std::io::{Cursor, ErrorKind};

use image::codecs::{qoi::QoiDecoder, tga::TgaDecoder, webp::WebPDecoder};
use image::error::UnsupportedErrorKind;
use image::{ColorType, ImageDecoder, ImageError, ImageResult};
use packer_pack::payload::image::SourceFormat;

use super::{Gate, tidy, work_bytes};
use crate::image::pixels::{self, Pixels};
use crate::image::problem::ImageProblem;

pub(super) fn decode(bytes: &[u8], gate: &Gate<'_>) -> Result<Pixels, ImageProblem> {
    match gate.format {
        SourceFormat::Qoi => read(QoiDecoder::new(Cursor::new(bytes)), gate),
        SourceFormat::Tga => tga(bytes, gate),
        SourceFormat::WebP => webp(bytes, gate),
        // These have modules of their own, and never come here.
        SourceFormat::Png | SourceFormat::Jpeg | SourceFormat::Bmp | SourceFormat::Gif => {
            Err(ImageProblem::Unsupported { format: gate.format, what: "another decoder".to_owned() })
        }
    }
}

fn tga(bytes: &[u8], gate: &Gate<'_>) -> Result<Pixels, ImageProblem> {
    // The decoder has no words for a picture without pixels, nor for grey pixels that no TGA has.
    if let Some(header) = bytes.first_chunk::<18>() {
        let [_, _, kind, .., w0, w1, h0, h1, depth, _] = *header;
        gate.admit(u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into())?;
        if matches!(kind, 3 | 11) && !matches!(depth, 8 | 16) {
            let what = format!("grey pixels of {depth} bits");
            return Err(ImageProblem::Unsupported { format: gate.format, what });
        }
    }
    read(TgaDecoder::new(Cursor::new(bytes)), gate)
}

fn webp(bytes: &[u8], gate: &Gate<'_>) -> Result<Pixels, ImageProblem> {
    // The decoder makes pixels of what is there; the size of the whole is in bytes 4 to 8.
    if let Some(size) = bytes.get(4..).and_then(|rest| rest.first_chunk()) {
        let declared = u64::from(u32::from_le_bytes(*size)) + 8;
        // One missing byte of padding is common and harmless.
        if declared > bytes.len() as u64 + 1 {
            return Err(ImageProblem::Truncated { format: SourceFormat::WebP });
        }
    }
    let decoder = WebPDecoder::new(Cursor::new(bytes)).and_then(|mut decoder| {
        if decoder.has_animation() {
            // The file's own background is a hint for viewers, not a part of the picture.
            decoder.set_background_color(image::Rgba([0; 4]))?;
        }
        Ok(decoder)
    });
    read(decoder, gate)
}

/// The pixels of a decoder, once the gate has seen their number.
pub(super) fn read<D: ImageDecoder>(
    decoder: ImageResult<D>,
    gate: &Gate<'_>,
) -> Result<Pixels, ImageProblem> {
    let format = gate.format;
    let mut decoder = decoder.map_err(|error| problem(&error, format, (1, 1)))?;
    let (width, height) = decoder.dimensions();
    let size = gate.admit(u64::from(width), u64::from(height))?;
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(work_bytes(width, height));
    decoder.set_limits(limits).map_err(|error| problem(&error, format, size))?;
    let color = decoder.color_type();
    let mut samples = pixels::buffer(decoder.total_bytes())?;
    decoder.read_image(&mut samples).map_err(|error| problem(&error, format, size))?;
    let rgba = match color {
        ColorType::Rgba8 => samples,
        ColorType::Rgb8 => widen(samples.as_chunks::<3>().0, |[r, g, b]| [r, g, b, 255])?,
        ColorType::L8 => widen(samples.as_chunks::<1>().0, |[v]| [v, v, v, 255])?,
        ColorType::La8 => widen(samples.as_chunks::<2>().0, |[v, a]| [v, v, v, a])?,
        other => {
            return Err(ImageProblem::Unsupported { format, what: format!("pixels of the type {other:?}") });
        }
    };
    Ok(Pixels { width, height, rgba })
}

fn widen<const N: usize>(
    samples: &[[u8; N]],
    pixel: impl Fn([u8; N]) -> [u8; 4],
) -> Result<Vec<u8>, ImageProblem> {
    let mut rgba = pixels::buffer(samples.len() as u64 * 4)?;
    for (target, sample) in rgba.as_chunks_mut::<4>().0.iter_mut().zip(samples) {
        *target = pixel(*sample);
    }
    Ok(rgba)
}

fn problem(error: &ImageError, format: SourceFormat, (width, height): (u32, u32)) -> ImageProblem {
    match error {
        ImageError::Limits(_) => ImageProblem::DecoderMemory { format, width, height },
        ImageError::Unsupported(error) => {
            let what = match error.kind() {
                UnsupportedErrorKind::GenericFeature(feature) => tidy(&feature),
                UnsupportedErrorKind::Color(color) => format!("pixels of the type {color:?}"),
                _ => tidy(&error.to_string()),
            };
            ImageProblem::Unsupported { format, what }
        }
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            ImageProblem::Truncated { format }
        }
        other => {
            // The outermost message only names the format again.
            let reason = other.source().map_or_else(|| other.to_string(), ToString::to_string);
            if is_end(other) {
                ImageProblem::Truncated { format }
            } else {
                ImageProblem::Damaged { format, reason: tidy(&reason) }
            }
        }
    }
}

/// Whether the cause of an error is the end of the file. Two decoders say so only in words.
fn is_end(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == ErrorKind::UnexpectedEof)
        {
            return true;
        }
        let text = error.to_string();
        if text.ends_with("Unexpected End of File")
            || text.ends_with("unexpected input buffer end while decoding")
        {
            return true;
        }
        cause = error.source();
    }
    false
}
