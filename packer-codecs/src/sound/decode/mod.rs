//! From the bytes of a sound file to its frames, in blocks, as they are decoded.
//!
//! What is ours is finding the samples: chunks, pages, frames, checksums, and everything that says how many there have
//! to be, so that a file which is cut or damaged is refused and not played short. The entropy coding and transforms of
//! FLAC, Vorbis and MP3 are the library's. Mixing, resampling and rounding are the [`Sink`]'s business.
//!
//! A sample is a number of steps of 16 bits: from -32768 to 32767 where it is not beyond full scale, with fractions.
//! Every source of up to 32 bits, and every 32-bit float, is exact in this form.

mod comments;
mod flac;
pub(super) mod id3;
mod library;
pub(super) mod mp3;
mod ogg;
mod vorbis;
mod wav;

use packer_pack::payload::sound::SourceFormat;

use super::problem::SoundProblem;

/// What the frames of a sound are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Frames a second, not 0.
    pub(super) rate: u32,
    /// From 1 to 32.
    pub(super) channels: u16,
    /// As in the payload: bits of the WAVE channel mask, or 0.
    pub(super) speakers: u32,
}

/// What takes the frames.
pub(super) trait Sink {
    /// Is told once, before the first frame, what comes, and how many frames where the file says so.
    fn begin(&mut self, shape: Shape, frames: Option<u64>) -> Result<(), SoundProblem>;

    /// Takes whole frames.
    fn push(&mut self, samples: &[f64]) -> Result<(), SoundProblem>;
}

/// What a file says beside its frames.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The frames that repeat: the first, and the one after the last. Whether they are in the sound is not checked.
    pub(super) looping: Option<(u64, u64)>,
    /// What is worth a warning.
    pub(super) notes: Vec<String>,
}

/// Decodes a file of this format.
pub(super) fn decode(format: SourceFormat, bytes: &[u8], sink: &mut dyn Sink) -> Result<Found, SoundProblem> {
    match format {
        SourceFormat::Wav => wav::decode(bytes, sink),
        SourceFormat::Flac => flac::decode(bytes, sink),
        SourceFormat::Vorbis => vorbis::decode(bytes, sink),
        SourceFormat::Mp3 => mp3::decode(bytes, sink),
    }
}

/// The speakers of a sound whose file says nothing but the number of its channels.
fn usual_speakers(channels: u16) -> u32 {
    match channels {
        1 => 0x4,
        2 => 0x3,
        _ => 0,
    }
}

/// A little-endian number at a place of `bytes`.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A little-endian number at a place of `bytes`.
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
