//! FLAC: its blocks, and where each frame ends.
//!
//! A frame does not say how long it is. It ends where its checksum comes out right and another frame, or nothing,
//! follows. So a frame that is damaged, missing or out of order is noticed; and so is a file that is cut between two
//! frames, by the number of frames or the checksum of all samples in its first block, where the encoder put them.

use packer_pack::payload::sound::SourceFormat;
use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;
use symphonia::default::codecs::FlacDecoder;

use super::library::Decoder;
use super::{Found, Shape, Sink, comments, id3, usual_speakers};
use crate::sound::problem::SoundProblem;

fn damaged(reason: impl Into<String>) -> SoundProblem {
    SoundProblem::Damaged { format: SourceFormat::Flac, reason: reason.into() }
}

fn truncated(place: impl Into<String>) -> SoundProblem {
    SoundProblem::Truncated { format: SourceFormat::Flac, place: place.into() }
}

pub(super) fn decode(bytes: &[u8], sink: &mut dyn Sink) -> Result<Found, SoundProblem> {
    let bytes = &bytes[id3::skip(bytes)..];
    let Head { stream, block, looping, end: mut at } = head(bytes)?;
    let channels = stream.channels;
    let shape = Shape { rate: stream.rate, channels, speakers: speakers(channels) };
    sink.begin(shape, Some(stream.frames).filter(|frames| *frames > 0))?;
    let mut decoder = Decoder::new(SourceFormat::Flac, CODEC_ID_FLAC, block, FlacDecoder::try_new)?;
    let (mut index, mut done) = (0u64, 0u64);
    let mut samples = Vec::new();
    // A tag of another format may stand at the end.
    while at < bytes.len() && !(bytes.len() - at == 128 && bytes[at..].starts_with(b"TAG")) {
        let rest = &bytes[at..];
        let header = Header::read(rest, &stream).map_err(|reason| {
            if rest.len() < Header::MOST {
                truncated(format!("inside its frame {index}"))
            } else {
                damaged(format!("frame {index} {reason}"))
            }
        })?;
        let expected = if header.variable { done } else { index };
        if header.number != expected {
            let found = header.number;
            return Err(damaged(format!("where frame {expected} is expected, it has frame {found}")));
        }
        let length = frame_length(rest, &stream, header.variable)
            .ok_or_else(|| broken_frame(rest, index, stream.frames, done))?;
        samples.clear();
        let place = || format!("frame {index}");
        let count = decoder.decode(&rest[..length], channels, &place, &mut samples)?;
        sink.push(&samples)?;
        done += count as u64;
        index += 1;
        at += length;
    }
    if done < stream.frames {
        return Err(truncated(format!("after {done} of {} samples a channel", stream.frames)));
    }
    if stream.frames != 0 && done > stream.frames {
        return Err(damaged(format!(
            "it says that it has {} samples a channel, and has {done}",
            stream.frames
        )));
    }
    if decoder.verified() == Some(false) {
        return Err(damaged("its samples are not those that were encoded (their MD5 differs)"));
    }
    Ok(Found { looping, notes: Vec::new() })
}

/// The speakers by the number of channels, which the format defines.
fn speakers(channels: u16) -> u32 {
    match channels {
        3 => 0x7,
        4 => 0x33,
        5 => 0x37,
        6 => 0x3f,
        7 => 0x70f,
        8 => 0x63f,
        _ => usual_speakers(channels),
    }
}

/// A frame whose checksum comes out right nowhere: cut, if it is the last that there can be, else damaged.
fn broken_frame(rest: &[u8], index: u64, frames: u64, done: u64) -> SoundProblem {
    // No frame is larger than its samples at 33 bits, and few are by far that large.
    if rest.len() < 1 << 16 {
        let of =
            if frames == 0 { String::new() } else { format!(", after {done} of {frames} samples a channel") };
        truncated(format!("inside its frame {index}, or that frame is damaged{of}"))
    } else {
        damaged(format!("the checksum of frame {index} comes out right nowhere"))
    }
}

/// What the first block says.
#[derive(Clone, Copy)]
struct Stream {
    most_block: u32,
    rate: u32,
    channels: u16,
    bits: u8,
    /// 0 where it is not said.
    frames: u64,
}

/// What stands before the first frame.
struct Head<'a> {
    stream: Stream,
    /// The bytes that say so.
    block: &'a [u8],
    looping: Option<(u64, u64)>,
    /// Where the frames begin.
    end: usize,
}

fn head(bytes: &[u8]) -> Result<Head<'_>, SoundProblem> {
    let mut at = 4;
    let (mut first, mut looping) = (None, None);
    loop {
        let cut = || truncated("inside its headers");
        let head = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or_else(cut)?;
        let size = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let body = bytes.get(at + 4..).and_then(|rest| rest.get(..size)).ok_or_else(cut)?;
        at += 4 + size;
        match head[0] & 0x7f {
            0 if first.is_none() => first = Some(body),
            4 => looping = looping.or_else(|| comments::looping(body)),
            0x7f => return Err(damaged("a block of its headers is of no type")),
            _ => {}
        }
        if head[0] & 0x80 != 0 {
            break;
        }
    }
    let block = first.ok_or_else(|| damaged("no block says what it is"))?;
    Ok(Head { stream: Stream::read(block)?, block, looping, end: at })
}

impl Stream {
    fn read(block: &[u8]) -> Result<Self, SoundProblem> {
        let fields = block
            .first_chunk::<34>()
            .ok_or_else(|| damaged("the block that says what it is, is too short"))?;
        let packed = u64::from_be_bytes(*fields[10..].first_chunk().expect("34 bytes have 8 from the tenth"));
        let stream = Self {
            most_block: u32::from(u16::from_be_bytes([fields[2], fields[3]])),
            rate: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as u16 + 1,
            bits: (packed >> 36 & 31) as u8 + 1,
            frames: packed & 0xf_ffff_ffff,
        };
        if stream.rate == 0 {
            return Err(damaged("it has 0 samples a second"));
        }
        Ok(stream)
    }
}

/// The header of a frame.
struct Header {
    variable: bool,
    number: u64,
}

impl Header {
    /// The most bytes of a header.
    const MOST: usize = 16;

    /// Reads a header, and checks it against what the stream is; the error is the end of a sentence.
    fn read(bytes: &[u8], stream: &Stream) -> Result<Self, &'static str> {
        let cut = "ends inside its header";
        let head = bytes.first_chunk::<4>().ok_or(cut)?;
        if head[0] != 0xff || head[1] & 0xfe != 0xf8 {
            return Err("does not begin as a frame does");
        }
        let mut at = 4;
        let number = number(bytes, &mut at).ok_or("has no valid number")?;
        let block = match head[2] >> 4 {
            0 => return Err("has no block size"),
            1 => 192,
            code @ 2..=5 => 576 << (code - 2),
            6 => {
                at += 1;
                u32::from(*bytes.get(at - 1).ok_or(cut)?) + 1
            }
            7 => {
                at += 2;
                let size = bytes.get(at - 2..at).ok_or(cut)?;
                u32::from(u16::from_be_bytes([size[0], size[1]])) + 1
            }
            code => 256 << (code - 8),
        };
        let rate = match head[2] & 15 {
            12 => {
                at += 1;
                u32::from(*bytes.get(at - 1).ok_or(cut)?) * 1000
            }
            code @ (13 | 14) => {
                at += 2;
                let field = bytes.get(at - 2..at).ok_or(cut)?;
                u32::from(u16::from_be_bytes([field[0], field[1]])) * if code == 13 { 1 } else { 10 }
            }
            15 => return Err("has no sample rate"),
            code => [
                stream.rate,
                88_200,
                176_400,
                192_000,
                8_000,
                16_000,
                22_050,
                24_000,
                32_000,
                44_100,
                48_000,
                96_000,
            ][usize::from(code)],
        };
        let bits = match head[3] >> 1 & 7 {
            0 => stream.bits,
            3 => return Err("has no sample size"),
            code => [0, 8, 12, 0, 16, 20, 24, 32][usize::from(code)],
        };
        let channels = match head[3] >> 4 {
            code @ 0..=7 => u16::from(code) + 1,
            8..=10 => 2,
            _ => return Err("has no channels"),
        };
        if *bytes.get(at).ok_or(cut)? != crc8(&bytes[..at]) {
            return Err("has a header whose checksum is wrong");
        }
        if (rate, bits, channels) != (stream.rate, stream.bits, stream.channels) || block > stream.most_block
        {
            return Err("has another rate, size or number of channels than the file says");
        }
        Ok(Self { variable: head[1] & 1 != 0, number })
    }
}

/// A number in the form of a UTF-8 character, of up to 36 bits.
fn number(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    let more = match first.leading_ones() {
        0 => 0,
        ones @ 2..=7 => ones as usize - 1,
        _ => return None,
    };
    let mask = if more == 0 { 0x7f } else { (0x3fu16 >> more) as u8 };
    let mut number = u64::from(first & mask);
    for byte in bytes.get(*at + 1..)?.get(..more)? {
        if byte & 0xc0 != 0x80 {
            return None;
        }
        number = number << 6 | u64::from(byte & 0x3f);
    }
    *at += 1 + more;
    Some(number)
}

/// How long the frame at the beginning of `bytes` is.
fn frame_length(bytes: &[u8], stream: &Stream, variable: bool) -> Option<usize> {
    let mut crc = 0u16;
    for (at, byte) in bytes.iter().enumerate() {
        crc = crc << 8 ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)];
        // With its checksum behind it, the remainder of a frame is 0.
        if crc == 0 && at >= 8 {
            let rest = &bytes[at + 1..];
            let follows = || Header::read(rest, stream).is_ok_and(|header| header.variable == variable);
            if rest.is_empty() || (rest.len() == 128 && rest.starts_with(b"TAG")) || follows() {
                return Some(at + 1);
            }
        }
    }
    None
}

/// CRC-8 with the polynomial x^8 + x^2 + x + 1.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

/// CRC-16 with the polynomial x^16 + x^15 + x^2 + 1, by the byte.
const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x8005 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};
