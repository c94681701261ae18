//! Decoding: source bytes of a known format to 8-bit RGBA pixels.
//!
//! Here is what all formats share; PNG and JPEG have decoders of their own, the rest goes through the `image` crate, with
//! what BMP and GIF need beyond it in modules of their own. What a file says about colour spaces, gamma and orientation is
//! not applied.
//!
//! Guarantees: [`Gate`] sees the declared dimensions before anything of that size is allocated. Beyond the source and the
//! pixels, a decoder takes at most 16 bytes for each declared pixel and 1 MiB.

mod bmp;
mod gif;
mod jpeg;
mod others;
mod png;

use packer_domain::limits::Limits;
use packer_pack::payload::image::SourceFormat;

use super::pixels::Pixels;
use super::problem::ImageProblem;

/// What a decoder may take: for each declared pixel, and in any case.
const WORK_BYTES_PER_PIXEL: u64 = 16;
const WORK_BYTES: u64 = 1 << 20;

/// A decoded picture, and what is odd about its file.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) pixels: Pixels,
    pub(super) notes: Vec<String>,
}

/// Decides whether a picture of some size is decoded at all.
pub(super) struct Gate<'a> {
    pub(super) format: SourceFormat,
    pub(super) limits: &'a Limits,
    /// The size of the payload that a picture of this width and height would have.
    pub(super) payload: &'a dyn Fn(u32, u32) -> u64,
}

impl Gate<'_> {
    /// Checks declared dimensions.
    fn admit(&self, width: u64, height: u64) -> Result<(u32, u32), ImageProblem> {
        let format = self.format;
        if width == 0 || height == 0 {
            return Err(ImageProblem::Empty { format, width, height });
        }
        let most = self.limits.max_pixels;
        let too_many = ImageProblem::Pixels { format, width, height, most };
        let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else {
            return Err(too_many);
        };
        if u64::from(width) * u64::from(height) > most {
            return Err(too_many);
        }
        let (bytes, most) = ((self.payload)(width, height), self.limits.max_payload_bytes);
        if bytes > most {
            return Err(ImageProblem::Payload { bytes, most });
        }
        Ok((width, height))
    }
}

/// Decodes `bytes`, which are of the gate's format.
pub(super) fn decode(bytes: &[u8], gate: &Gate<'_>) -> Result<Decoded, ImageProblem> {
    let plain = |pixels| Decoded { pixels, notes: Vec::new() };
    match gate.format {
        SourceFormat::Png => png::decode(bytes, gate),
        SourceFormat::Jpeg => jpeg::decode(bytes, gate).map(plain),
        SourceFormat::Bmp => bmp::decode(bytes, gate).map(plain),
        SourceFormat::Gif => gif::decode(bytes, gate),
        SourceFormat::Qoi | SourceFormat::Tga | SourceFormat::WebP => others::decode(bytes, gate).map(plain),
    }
}

/// Most memory, in bytes, that a decoder may take for a picture of this size.
fn work_bytes(width: u32, height: u32) -> u64 {
    (u64::from(width) * u64::from(height)).saturating_mul(WORK_BYTES_PER_PIXEL).saturating_add(WORK_BYTES)
}

/// A decoder's message as part of a finding's one sentence.
fn tidy(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    words.join(" ").trim_start_matches("[strict-mode]: ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_counts_before_it_multiplies_too_far() {
        let limits = Limits { max_pixels: 100, max_payload_bytes: 200, ..Limits::default() };
        let payload = |width: u32, height: u32| u64::from(width) * u64::from(height) * 4;
        let gate = Gate { format: SourceFormat::Bmp, limits: &limits, payload: &payload };
        assert_eq!(gate.admit(10, 5).unwrap(), (10, 5));
        assert!(matches!(gate.admit(10, 10), Err(ImageProblem::Payload { bytes: 400, most: 200 })));
        assert!(matches!(gate.admit(101, 1), Err(ImageProblem::Pixels { most: 100, .. })));
        assert!(matches!(gate.admit(u64::MAX, u64::MAX), Err(ImageProblem::Pixels { .. })));
        assert!(matches!(gate.admit(0, 7), Err(ImageProblem::Empty { .. })));
        let message = gate.admit(u64::MAX, 2).unwrap_err().to_string();
        assert_eq!(
            message,
            "the BMP declares 18446744073709551615 x 2 = 36893488147419103230 pixels; the limit of one image is 100"
        );
    }

    #[test]
    fn messages_become_part_of_a_sentence() {
        assert_eq!(tidy("[strict-mode]: Extra  bytes\n here.\n"), "Extra bytes here");
    }
}
