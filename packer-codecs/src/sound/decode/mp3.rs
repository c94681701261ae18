//! MP3: its frames one after the other, and what its encoder added at both ends.
//!
//! An encoder delays what it encodes and fills the last frame up. LAME and those like it say by how much, in a first
//! frame without sound (`Xing` or `Info`): then the delay, and 529 frames that every decoder adds, are cut off at the
//! beginning, and at the end the filling less those 529. A file without such a frame is taken as it is decoded.
//!
//! That frame also says how many frames follow, by which a cut file is noticed. In another file only a cut inside the
//! last frame can be.

use packer_pack::payload::sound::SourceFormat;
use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::default::codecs::MpaDecoder;

use super::library::Decoder;
use super::{Found, Shape, Sink, id3, usual_speakers};
use crate::sound::problem::SoundProblem;

/// The frames by which every decoder is late.
const DECODER_DELAY: u64 = 529;

fn damaged(reason: impl Into<String>) -> SoundProblem {
    SoundProblem::Damaged { format: SourceFormat::Mp3, reason: reason.into() }
}

fn truncated(place: impl Into<String>) -> SoundProblem {
    SoundProblem::Truncated { format: SourceFormat::Mp3, place: place.into() }
}

/// Whether `bytes` begin with a frame that another one, or nothing, follows.
pub(in crate::sound) fn begins(bytes: &[u8]) -> bool {
    let Ok(header) = Header::read(bytes) else {
        return false;
    };
    let rest = bytes.get(header.length..).unwrap_or_default();
    is_end(rest) || !matches!(Header::read(rest), Err(Wrong::NoFrame))
}

pub(super) fn decode(bytes: &[u8], sink: &mut dyn Sink) -> Result<Found, SoundProblem> {
    let bytes = &bytes[id3::skip(bytes)..];
    let first = Header::read(bytes).map_err(|what| wrong(&what, 0))?;
    let frame = bytes.get(..first.length).ok_or_else(|| truncated("inside its first frame"))?;
    let tag = Tag::read(frame, &first);
    let frames = Frames { bytes, at: if tag.is_some() { first.length } else { 0 }, index: 0, like: first };
    // Counted first: where the filling at the end begins depends on how many there are.
    let mut count = 0u64;
    for frame in frames.clone() {
        frame?;
        count += 1;
    }
    let tag = tag.unwrap_or_default();
    if let Some(said) = tag.frames.map(u64::from).filter(|said| *said > count) {
        return Err(truncated(format!("after {count} of {said} frames")));
    }
    let all = count * first.samples;
    let end = all.saturating_sub(tag.padding);
    let begin = tag.delay.min(end);
    if begin == end {
        return Err(SoundProblem::Empty { format: SourceFormat::Mp3, more: String::new() });
    }
    let channels = first.channels;
    let shape = Shape { rate: first.rate, channels, speakers: usual_speakers(channels) };
    sink.begin(shape, Some(end - begin))?;
    let mut decoder = Decoder::new(SourceFormat::Mp3, CODEC_ID_MP3, &[], MpaDecoder::try_new)?;
    let mut samples = Vec::new();
    let mut at = 0u64;
    for (index, frame) in frames.enumerate() {
        samples.clear();
        let got = decoder.decode(frame?, channels, &|| format!("frame {index}"), &mut samples)? as u64;
        if got != first.samples {
            return Err(damaged(format!(
                "frame {index} has {got} samples a channel instead of {}",
                first.samples
            )));
        }
        if samples.iter().any(|sample| !sample.is_finite()) {
            return Err(damaged(format!("frame {index} decodes to what is no number")));
        }
        let (from, to) = (begin.clamp(at, at + got) - at, end.clamp(at, at + got) - at);
        sink.push(&samples[from as usize * usize::from(channels)..to as usize * usize::from(channels)])?;
        at += got;
    }
    Ok(Found::default())
}

fn wrong(what: &Wrong, index: u64) -> SoundProblem {
    match what {
        Wrong::Cut => truncated(format!("inside its frame {index}")),
        Wrong::NoFrame => damaged(format!("where frame {index} is expected, there is none")),
        Wrong::Form(what) => {
            SoundProblem::Unsupported { format: SourceFormat::Mp3, what: (*what).to_owned() }
        }
    }
}

/// Whether what follows the last frame is a tag or filling.
fn is_end(rest: &[u8]) -> bool {
    let known: [&[u8]; 4] = [b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3"];
    known.iter().any(|tag| rest.starts_with(tag)) || rest.iter().all(|byte| *byte == 0)
}

/// The frames of a file. The iterator ends after an error.
#[derive(Clone)]
struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    index: u64,
    /// All frames have the rate and the channels of the first.
    like: Header,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<&'a [u8], SoundProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..)?;
        if is_end(rest) {
            return None;
        }
        let index = self.index;
        self.index += 1;
        let header = match Header::read(rest) {
            Ok(header) => header,
            Err(what) => {
                self.at = self.bytes.len();
                return Some(Err(wrong(&what, index)));
            }
        };
        self.at += header.length;
        if (header.rate, header.channels, header.samples)
            != (self.like.rate, self.like.channels, self.like.samples)
        {
            self.at = self.bytes.len();
            return Some(Err(damaged(format!(
                "frame {index} has {} channels at {} Hz, and those before it {} at {}",
                header.channels, header.rate, self.like.channels, self.like.rate
            ))));
        }
        let Some(frame) = rest.get(..header.length) else {
            self.at = self.bytes.len();
            return Some(Err(truncated(format!("inside its frame {index}"))));
        };
        Some(Ok(frame))
    }
}

/// Why there is no header.
#[derive(Debug)]
enum Wrong {
    Cut,
    NoFrame,
    Form(&'static str),
}

/// The header of a frame of layer III.
#[derive(Clone, Copy, Debug)]
struct Header {
    /// Of the whole frame, in bytes.
    length: usize,
    rate: u32,
    channels: u16,
    /// Samples of each channel.
    samples: u64,
    /// How many bytes stand before the data: header, checksum and side information.
    side_end: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, Wrong> {
        let Some(head) = bytes.first_chunk::<4>() else {
            let starts = bytes.first().is_none_or(|byte| *byte == 0xff);
            return Err(if starts { Wrong::Cut } else { Wrong::NoFrame });
        };
        if head[0] != 0xff || head[1] & 0xe0 != 0xe0 {
            return Err(Wrong::NoFrame);
        }
        // 0 is version 2.5, 2 is version 2, 3 is version 1.
        let version = head[1] >> 3 & 3;
        let rate = match head[2] >> 2 & 3 {
            0 => 44_100,
            1 => 48_000,
            2 => 32_000,
            _ => return Err(Wrong::NoFrame),
        };
        let rate = match version {
            3 => rate,
            2 => rate / 2,
            0 => rate / 4,
            _ => return Err(Wrong::NoFrame),
        };
        match head[1] >> 1 & 3 {
            1 => {}
            2 | 3 => return Err(Wrong::Form("MPEG audio of layer I or II")),
            _ => return Err(Wrong::NoFrame),
        }
        let bit_rate = match (head[2] >> 4, version) {
            (0, _) => return Err(Wrong::Form("a free bit rate")),
            (15, _) => return Err(Wrong::NoFrame),
            (code, 3) => {
                [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320][usize::from(code) - 1]
            }
            (code, _) => [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160][usize::from(code) - 1],
        };
        let samples: u32 = if version == 3 { 1152 } else { 576 };
        let padding = u32::from(head[2] >> 1 & 1);
        let length = samples / 8 * bit_rate * 1000 / rate + padding;
        let mono = head[3] >> 6 == 3;
        let side = match (version == 3, mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        Ok(Self {
            length: length as usize,
            rate,
            channels: if mono { 1 } else { 2 },
            samples: u64::from(samples),
            side_end: 4 + side,
        })
    }
}

/// What a first frame without sound says.
#[derive(Clone, Copy, Debug, Default)]
struct Tag {
    frames: Option<u32>,
    /// How many samples of a channel are to be cut off at the beginning.
    delay: u64,
    /// And how many at the end.
    padding: u64,
}

impl Tag {
    fn read(frame: &[u8], header: &Header) -> Option<Self> {
        let big = |at: usize| Some(u32::from_be_bytes(*frame.get(at..)?.first_chunk()?));
        if frame.get(36..40) == Some(b"VBRI") {
            return Some(Self { frames: big(50), ..Self::default() });
        }
        let start = header.side_end;
        if !matches!(frame.get(start..start + 4)?, b"Xing" | b"Info") {
            return None;
        }
        let flags = big(start + 4)?;
        let mut at = start + 8;
        let mut tag = Self::default();
        if flags & 1 != 0 {
            tag.frames = big(at);
            at += 4;
        }
        for (bit, size) in [(2, 4), (4, 100), (8, 4)] {
            at += if flags & bit == 0 { 0 } else { size };
        }
        // Nine bytes name the encoder; twelve more are of levels and methods. Zeros say nothing.
        if let Some(&[a, b, c]) = frame.get(at + 21..at + 24)
            && frame[at..at + 4] != [0; 4]
            && (a, b, c) != (0, 0, 0)
        {
            tag.delay = (u64::from(a) << 4 | u64::from(b >> 4)) + DECODER_DELAY;
            tag.padding = (u64::from(b & 15) << 8 | u64::from(c)).saturating_sub(DECODER_DELAY);
        }
        Some(tag)
    }
}
