//! What the format chunk of a WAV says: how a sample is coded, and in which blocks.

use super::{damaged, truncated, unsupported};
use crate::sound::decode::{Shape, u16_at, u32_at, usual_speakers};
use crate::sound::problem::SoundProblem;

/// How samples are coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// Whole numbers in this many bytes, from 1 to 4; one byte is unsigned.
    Integer {
        /// Bytes a sample.
        bytes: usize,
        /// Whether 24 bits stand in four bytes, where writers differ on which three are used.
        padded24: bool,
    },
    /// 32-bit floats.
    Float32,
    /// 64-bit floats.
    Float64,
    /// G.711 A-law.
    ALaw,
    /// G.711 µ-law.
    MuLaw,
    /// Microsoft ADPCM with its pairs of coefficients.
    MsAdpcm {
        /// The pairs that the predictors of the blocks select from.
        coefficients: Vec<(i16, i16)>,
    },
    /// IMA ADPCM.
    ImaAdpcm,
}

/// What the format chunk says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) coding: Coding,
    pub(super) shape: Shape,
    /// Bytes a frame, or of ADPCM a block.
    pub(super) block: usize,
    /// Frames a block of ADPCM, otherwise 1.
    pub(super) block_frames: usize,
}

const EXTENSIBLE: u16 = 0xfffe;
/// The end of every GUID whose first two bytes are a format's number.
const GUID_TAIL: &[u8] = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";

impl Form {
    /// Reads the chunk.
    pub(super) fn read(chunk: &[u8]) -> Result<Self, SoundProblem> {
        let short = || truncated("inside its format chunk");
        let tag = u16_at(chunk, 0).ok_or_else(short)?;
        let channels = u16_at(chunk, 2).ok_or_else(short)?;
        let rate = u32_at(chunk, 4).ok_or_else(short)?;
        let block = usize::from(u16_at(chunk, 12).ok_or_else(short)?);
        let bits = u16_at(chunk, 14).ok_or_else(short)?;
        if channels == 0 || rate == 0 {
            return Err(damaged(format!("it has {channels} channels at {rate} frames a second")));
        }
        if channels > packer_pack::payload::sound::MAX_CHANNELS {
            return Err(unsupported(format!("{channels} channels")));
        }
        let (tag, valid, speakers) = if tag == EXTENSIBLE {
            if chunk.get(26..40) != Some(GUID_TAIL) {
                return Err(unsupported("samples of a format without a number"));
            }
            let tag = u16_at(chunk, 24).ok_or_else(short)?;
            let mask = u32_at(chunk, 20).ok_or_else(short)?;
            (tag, u16_at(chunk, 18).ok_or_else(short)?, speakers(mask, channels))
        } else {
            (tag, bits, usual_speakers(channels))
        };
        let mut form = Self {
            coding: Coding::ImaAdpcm,
            shape: Shape { rate, channels, speakers },
            block,
            block_frames: 1,
        };
        match tag {
            1 => form.coding = integer(block, channels, bits, valid)?,
            3 => {
                form.coding = match form.sample_bytes()? {
                    4 if bits == 32 => Coding::Float32,
                    8 if bits == 64 => Coding::Float64,
                    bytes => return Err(unsupported(format!("floats of {bits} bits in {bytes} bytes"))),
                }
            }
            6 | 7 => {
                if form.sample_bytes()? != 1 {
                    return Err(damaged(format!("a frame of {channels} bytes has {block} of them")));
                }
                form.coding = if tag == 6 { Coding::ALaw } else { Coding::MuLaw };
            }
            2 => form.ms_adpcm(chunk)?,
            0x11 => form.ima_adpcm(chunk)?,
            other => return Err(unsupported(named(other))),
        }
        Ok(form)
    }

    fn sample_bytes(&self) -> Result<usize, SoundProblem> {
        let channels = usize::from(self.shape.channels);
        if self.block == 0 || !self.block.is_multiple_of(channels) {
            return Err(damaged(format!("a frame of {channels} channels has {} bytes", self.block)));
        }
        Ok(self.block / channels)
    }

    fn ms_adpcm(&mut self, chunk: &[u8]) -> Result<(), SoundProblem> {
        let short = || damaged("the format chunk has no coefficients");
        let count = usize::from(u16_at(chunk, 20).ok_or_else(short)?);
        let table = chunk.get(22..).and_then(|rest| rest.get(..count * 4)).ok_or_else(short)?;
        let coefficients = table
            .as_chunks::<4>()
            .0
            .iter()
            .map(|pair| (i16::from_le_bytes([pair[0], pair[1]]), i16::from_le_bytes([pair[2], pair[3]])))
            .collect();
        self.coding = Coding::MsAdpcm { coefficients };
        // Of each channel 7 bytes with two samples, then half a byte a sample.
        self.blocks(chunk, 7, |body, channels| 2 + body * 2 / channels)
    }

    fn ima_adpcm(&mut self, chunk: &[u8]) -> Result<(), SoundProblem> {
        // Of each channel 4 bytes with one sample, then 4 bytes with eight samples.
        self.blocks(chunk, 4, |body, channels| 1 + body / (4 * channels) * 8)
    }

    /// Takes over how many frames a block has, and checks that they fit into it: `head` bytes a channel, and `frames`
    /// by the bytes after those.
    fn blocks(
        &mut self,
        chunk: &[u8],
        head: usize,
        frames: fn(usize, usize) -> usize,
    ) -> Result<(), SoundProblem> {
        let channels = usize::from(self.shape.channels);
        if channels > 2 {
            return Err(unsupported(format!("ADPCM of {channels} channels")));
        }
        let Some(body) = self.block.checked_sub(head * channels) else {
            return Err(damaged(format!("a block of ADPCM has {} bytes", self.block)));
        };
        let most = frames(body, channels);
        let declared = u16_at(chunk, 18).map_or(most, usize::from);
        if declared < frames(0, channels) || declared > most {
            return Err(damaged(format!(
                "a block of {} bytes is said to have {declared} frames",
                self.block
            )));
        }
        self.block_frames = declared;
        Ok(())
    }
}

fn integer(block: usize, channels: u16, bits: u16, valid: u16) -> Result<Coding, SoundProblem> {
    let channels = usize::from(channels);
    let bytes = block / channels;
    if !(1..=4).contains(&bytes)
        || !block.is_multiple_of(channels)
        || bits == 0
        || usize::from(bits) > bytes * 8
    {
        return Err(unsupported(format!(
            "samples of {bits} bits, and {block} bytes a frame of {channels} channels"
        )));
    }
    // Writers that leave the number of valid bits out mean all of them.
    let used = if valid == 0 { bits } else { valid.min(bits) };
    Ok(Coding::Integer { bytes, padded24: bytes == 4 && used == 24 })
}

/// The mask of an extensible header, where it fits the channels: what it names beyond them is not there.
fn speakers(mask: u32, channels: u16) -> u32 {
    let mut kept = mask;
    while kept.count_ones() > u32::from(channels) {
        kept &= !(1 << kept.ilog2());
    }
    if kept.count_ones() == u32::from(channels) { kept } else { usual_speakers_unless(mask, channels) }
}

/// A mask of 0 says nothing, and then one or two channels are what they usually are; one that names too few says that
/// they are something else.
fn usual_speakers_unless(mask: u32, channels: u16) -> u32 {
    if mask == 0 { usual_speakers(channels) } else { 0 }
}

fn named(tag: u16) -> String {
    let name = match tag {
        0x10 => "OKI ADPCM",
        0x31 => "GSM 6.10",
        0x40 | 0x45 | 0x64 => "G.72x ADPCM",
        0x50 => "MPEG layer I or II",
        0x55 => "MP3",
        0x61 | 0x62 => "DK ADPCM",
        0x160..=0x162 => "Windows Media Audio",
        0x270 => "ATRAC3",
        0x674f | 0x6750 | 0x6751 | 0x676f | 0x6770 | 0x6771 => "Ogg Vorbis",
        _ => return format!("samples of the format 0x{tag:04X}"),
    };
    format!("samples in {name}")
}
