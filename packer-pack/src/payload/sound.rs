//! Payloads of the kind `sound`: a header of 48 bytes, then samples, or the source file as it is.
//!
//! A frame is one sample of each channel; frames follow each other in time without padding. A sample is a signed 16-bit
//! number. The header's size keeps the samples as aligned as the payload.
//!
//! Decoding, mixing and resampling are the business of `packer-codecs`; so is playing a kept source file of the game.

use std::time::Duration;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::PayloadError;

/// The size of the header.
pub const HEADER_SIZE: usize = 48;
/// The most channels of a sound: as many as there are places in [`SoundInfo::speakers`].
pub const MAX_CHANNELS: u16 = 32;

const KIND: &str = "sound";
const LOOPS: u16 = 1;

/// How the samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SoundEncoding {
    /// Two bytes a sample, little-endian.
    Pcm16 = 0,
    /// The source file as it is; the header says what it decodes to.
    Source = 1,
}

impl SoundEncoding {
    /// The encoding with this code.
    pub fn from_code(encoding: u8) -> Result<Self, PayloadError> {
        match encoding {
            0 => Ok(Self::Pcm16),
            1 => Ok(Self::Source),
            _ => Err(PayloadError::Encoding { kind: KIND, encoding }),
        }
    }

    /// The code that the table holds.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// The format of a source file, for [`SoundEncoding::Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceFormat {
    /// WAV.
    Wav = 1,
    /// FLAC, native (not in Ogg).
    Flac = 2,
    /// Vorbis in Ogg.
    Vorbis = 3,
    /// MPEG audio, layer III.
    Mp3 = 4,
}

impl SourceFormat {
    /// Every format, by code.
    pub const ALL: [Self; 4] = [Self::Wav, Self::Flac, Self::Vorbis, Self::Mp3];

    fn from_code(code: u32) -> Result<Self, PayloadError> {
        let found = Self::ALL.into_iter().find(|format| *format as u32 == code);
        found.ok_or(PayloadError::Field { kind: KIND, field: "format", value: code })
    }
}

/// The frames that repeat for as long as a sound is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundLoop {
    /// The first frame of the loop.
    pub start: u64,
    /// The frame after the last one; more than `start`.
    pub end: u64,
}

/// What the header says of every sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundInfo {
    /// Frames a second, at least 1.
    pub sample_rate: u32,
    /// From 1 to [`MAX_CHANNELS`].
    pub channels: u16,
    /// Which speakers the channels are for, as bits of the WAVE format's channel mask, in the order of the channels: bit
    /// 0 front left, 1 front right, 2 front centre, 3 low frequency, 4 back left, 5 back right … 0 where it is not known.
    pub speakers: u32,
    /// How many frames it has, at least 1.
    pub frames: u64,
    /// What of it repeats.
    pub looping: Option<SoundLoop>,
}

impl SoundInfo {
    /// How long it plays once, rounded down to a nanosecond.
    pub fn duration(&self) -> Duration {
        let rate = u64::from(self.sample_rate.max(1));
        // Below 2^32 times 10^9, so it fits.
        let nanos = (self.frames % rate) * 1_000_000_000 / rate;
        Duration::new(self.frames / rate, nanos as u32)
    }
}

/// The samples of a sound, borrowed from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundData<'a> {
    /// `frames * channels` samples.
    Pcm16(Samples<'a>),
    /// The source file.
    Source {
        /// Its format, by content.
        format: SourceFormat,
        /// Its bytes.
        file: &'a [u8],
    },
}

/// Signed 16-bit samples, those of one frame beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Samples<'a> {
    pairs: &'a [[u8; 2]],
}

impl<'a> Samples<'a> {
    /// How many there are, of all channels together.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none, which no payload has.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Their bytes: two a sample, the lower first.
    pub fn bytes(&self) -> &'a [u8] {
        self.pairs.as_flattened()
    }

    /// The samples without copying: where the machine is little-endian and the payload starts at an even address, as
    /// every uncompressed payload of a mapped pack does.
    pub fn borrowed(&self) -> Option<&'a [i16]> {
        if cfg!(target_endian = "big") {
            return None;
        }
        <[i16]>::ref_from_bytes(self.bytes()).ok()
    }

    /// The samples one after the other, on any machine.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = i16> + use<'a> {
        self.pairs.iter().map(|pair| i16::from_le_bytes(*pair))
    }
}

/// A sound, borrowed from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundView<'a> {
    /// What the header says.
    pub info: SoundInfo,
    /// What follows it.
    pub data: SoundData<'a>,
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    sample_rate: U32,
    channels: U16,
    flags: U16,
    frames: U64,
    loop_start: U64,
    loop_end: U64,
    speakers: U32,
    format: U32,
    reserved: [u8; 8],
}

const _: () = assert!(size_of::<Header>() == HEADER_SIZE);

impl<'a> SoundView<'a> {
    /// Views a payload, in constant time.
    pub fn parse(encoding: u8, payload: &'a [u8]) -> Result<Self, PayloadError> {
        let encoding = SoundEncoding::from_code(encoding)?;
        let size_error =
            |expected: u64| PayloadError::Size { kind: KIND, expected, found: payload.len() as u64 };
        let (header, body) = Header::ref_from_prefix(payload).map_err(|_| size_error(HEADER_SIZE as u64))?;
        let info = header.info()?;
        let format = header.format.get();
        let data = match encoding {
            SoundEncoding::Pcm16 => {
                if format != 0 {
                    return Err(PayloadError::Field { kind: KIND, field: "format", value: format });
                }
                let frame = u64::from(info.channels) * 2;
                let expected = info.frames.saturating_mul(frame).saturating_add(HEADER_SIZE as u64);
                if payload.len() as u64 != expected {
                    return Err(size_error(expected));
                }
                SoundData::Pcm16(Samples { pairs: body.as_chunks::<2>().0 })
            }
            SoundEncoding::Source => {
                SoundData::Source { format: SourceFormat::from_code(format)?, file: body }
            }
        };
        Ok(Self { info, data })
    }

    /// The encoding of the payload.
    pub fn encoding(&self) -> SoundEncoding {
        match self.data {
            SoundData::Pcm16(_) => SoundEncoding::Pcm16,
            SoundData::Source { .. } => SoundEncoding::Source,
        }
    }

    /// How many frames it has.
    pub fn frames(&self) -> u64 {
        self.info.frames
    }

    /// How many channels it has.
    pub fn channels(&self) -> u16 {
        self.info.channels
    }

    /// Its frames a second.
    pub fn sample_rate(&self) -> u32 {
        self.info.sample_rate
    }

    /// What of it repeats.
    pub fn looping(&self) -> Option<SoundLoop> {
        self.info.looping
    }

    /// How long it plays once, rounded down to a nanosecond.
    pub fn duration(&self) -> Duration {
        self.info.duration()
    }

    /// Its samples, unless it is a kept source file.
    pub fn samples(&self) -> Option<Samples<'a>> {
        match self.data {
            SoundData::Pcm16(samples) => Some(samples),
            SoundData::Source { .. } => None,
        }
    }
}

impl Header {
    /// What it says, if that is one of the things that it can say.
    fn info(&self) -> Result<SoundInfo, PayloadError> {
        let field = |field, value: u64| PayloadError::Field {
            kind: KIND,
            field,
            value: u32::try_from(value).unwrap_or(u32::MAX),
        };
        let (rate, channels, frames) = (self.sample_rate.get(), self.channels.get(), self.frames.get());
        if rate == 0 {
            return Err(field("sample rate", 0));
        }
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(field("channels", u64::from(channels)));
        }
        let flags = self.flags.get();
        if flags & !LOOPS != 0 {
            return Err(field("flags", u64::from(flags)));
        }
        if frames == 0 {
            return Err(field("frames", 0));
        }
        let speakers = self.speakers.get();
        if speakers != 0 && speakers.count_ones() != u32::from(channels) {
            return Err(field("speakers", u64::from(speakers)));
        }
        if self.reserved != [0; 8] {
            return Err(field("reserved", u64::from_le_bytes(self.reserved)));
        }
        let (start, end) = (self.loop_start.get(), self.loop_end.get());
        let looping = if flags & LOOPS == 0 {
            if start != 0 {
                return Err(field("loop start", start));
            }
            if end != 0 {
                return Err(field("loop end", end));
            }
            None
        } else {
            if start >= end {
                return Err(field("loop start", start));
            }
            if end > frames {
                return Err(field("loop end", end));
            }
            Some(SoundLoop { start, end })
        };
        Ok(SoundInfo { sample_rate: rate, channels, speakers, frames, looping })
    }
}

/// The header of a payload of [`SoundEncoding::Pcm16`], to be followed by `frames * channels` little-endian samples:
/// for a writer that has the samples in place already. [`SoundView::parse`] checks the whole.
pub fn pcm16_header(info: SoundInfo) -> Result<[u8; HEADER_SIZE], PayloadError> {
    header(info, 0)
}

/// A payload of [`SoundEncoding::Pcm16`]: `samples` must be `frames * channels`.
pub fn encode_pcm16(info: SoundInfo, samples: &[i16]) -> Result<Vec<u8>, PayloadError> {
    let mut payload = pcm16_header(info)?.to_vec();
    payload.reserve_exact(samples.len() * 2);
    payload.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    SoundView::parse(SoundEncoding::Pcm16.code(), &payload)?;
    Ok(payload)
}

/// A payload of [`SoundEncoding::Source`]: `info` is of what the file decodes to.
pub fn encode_source(info: SoundInfo, format: SourceFormat, file: &[u8]) -> Result<Vec<u8>, PayloadError> {
    let header = header(info, format as u32)?;
    let mut payload = Vec::with_capacity(HEADER_SIZE + file.len());
    payload.extend_from_slice(&header);
    payload.extend_from_slice(file);
    Ok(payload)
}

fn header(info: SoundInfo, format: u32) -> Result<[u8; HEADER_SIZE], PayloadError> {
    let (start, end) = info.looping.map_or((0, 0), |looping| (looping.start, looping.end));
    let header = Header {
        sample_rate: info.sample_rate.into(),
        channels: info.channels.into(),
        flags: if info.looping.is_some() { LOOPS } else { 0 }.into(),
        frames: info.frames.into(),
        loop_start: start.into(),
        loop_end: end.into(),
        speakers: info.speakers.into(),
        format: format.into(),
        reserved: [0; 8],
    };
    // One place says what is valid: what it refuses is never written.
    header.info()?;
    let mut bytes = [0; HEADER_SIZE];
    bytes.copy_from_slice(header.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: SoundInfo = SoundInfo {
        sample_rate: 44_100,
        channels: 2,
        speakers: 3,
        frames: 3,
        looping: Some(SoundLoop { start: 1, end: 3 }),
    };

    #[test]
    fn pcm16_comes_back() {
        let samples = [1, -2, 0x0304, i16::MIN, i16::MAX, 0];
        let payload = encode_pcm16(INFO, &samples).unwrap();
        let view = SoundView::parse(SoundEncoding::Pcm16.code(), &payload).unwrap();
        assert_eq!(view.info, INFO);
        assert_eq!(view.encoding(), SoundEncoding::Pcm16);
        assert_eq!((view.frames(), view.channels(), view.sample_rate()), (3, 2, 44_100));
        assert_eq!(view.looping(), Some(SoundLoop { start: 1, end: 3 }));
        let got = view.samples().unwrap();
        assert_eq!(got.iter().collect::<Vec<_>>(), samples);
        assert_eq!((got.len(), got.is_empty()), (6, false));
        assert_eq!(got.bytes()[2..6], [0xfe, 0xff, 0x04, 0x03]);
        #[rustfmt::skip]
        assert_eq!(payload[..HEADER_SIZE], [
            0x44, 0xac, 0, 0, 2, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0,
            1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
            3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]);
    }

    #[test]
    fn samples_are_borrowed_where_they_are_aligned() {
        let payload = encode_pcm16(INFO, &[1, -2, 3, -4, 5, -6]).unwrap();
        let mut room = vec![0; payload.len() + 1];
        let mut borrowed = 0;
        for shift in 0..2 {
            let place = &mut room[shift..][..payload.len()];
            place.copy_from_slice(&payload);
            let samples = SoundView::parse(0, place).unwrap().samples().unwrap();
            assert_eq!(samples.iter().collect::<Vec<_>>(), [1, -2, 3, -4, 5, -6]);
            if let Some(got) = samples.borrowed() {
                assert_eq!(got, [1, -2, 3, -4, 5, -6]);
                assert!(std::ptr::eq(got.as_ptr().cast(), samples.bytes().as_ptr()));
                borrowed += 1;
            }
        }
        assert_eq!(borrowed, i32::from(cfg!(target_endian = "little")));
    }

    #[test]
    fn source_comes_back_in_every_format() {
        for format in SourceFormat::ALL {
            let info = SoundInfo { looping: None, speakers: 0, ..INFO };
            let payload = encode_source(info, format, b"file").unwrap();
            let view = SoundView::parse(SoundEncoding::Source.code(), &payload).unwrap();
            assert_eq!(view, SoundView { info, data: SoundData::Source { format, file: b"file" } });
            assert_eq!((view.encoding(), view.samples()), (SoundEncoding::Source, None));
        }
    }

    #[test]
    fn durations_are_whole_nanoseconds_rounded_down() {
        let of = |frames, sample_rate| SoundInfo { sample_rate, frames, ..INFO }.duration();
        assert_eq!(of(44_100, 44_100), Duration::from_secs(1));
        assert_eq!(of(3, 2), Duration::from_millis(1500));
        assert_eq!(of(2, 3), Duration::from_nanos(666_666_666));
        assert_eq!(of(u64::MAX, 1), Duration::from_secs(u64::MAX));
        let rate = u64::from(u32::MAX);
        let almost = (rate - 1) * 1_000_000_000 / rate;
        assert_eq!(of(rate - 1, u32::MAX), Duration::from_nanos(almost));
    }

    #[test]
    fn sizes_are_exact() {
        let payload = encode_pcm16(INFO, &[0; 6]).unwrap();
        for size in 0..payload.len() {
            let expected = if size < HEADER_SIZE { 48 } else { 60 };
            let error = PayloadError::Size { kind: "sound", expected, found: size as u64 };
            assert_eq!(SoundView::parse(0, &payload[..size]), Err(error));
        }
        assert!(encode_pcm16(INFO, &[0; 7]).is_err());
        let huge = SoundInfo { frames: u64::MAX, ..INFO };
        assert!(matches!(encode_pcm16(huge, &[]), Err(PayloadError::Size { expected: u64::MAX, .. })));
    }

    #[test]
    fn unknown_field_values_are_refused() {
        let payload = encode_source(INFO, SourceFormat::Wav, b"").unwrap();
        // (byte, value, field): what no sound has, one at a time.
        for (at, value, name) in [
            (4, 0, "channels"),
            (4, 33, "channels"),
            (6, 3, "flags"),
            (6, 0, "loop start"),
            (8, 0, "frames"),
            (8, 2, "loop end"),
            (16, 3, "loop start"),
            (23, 1, "loop start"),
            (31, 1, "loop end"),
            (32, 1, "speakers"),
            (35, 0x80, "speakers"),
            (36, 0, "format"),
            (36, 5, "format"),
            (40, 1, "reserved"),
            (47, 1, "reserved"),
        ] {
            let mut bad = payload.clone();
            bad[at] = value;
            let error = SoundView::parse(1, &bad).unwrap_err();
            assert!(
                matches!(error, PayloadError::Field { field, .. } if field == name),
                "byte {at}: {error:?}"
            );
        }
        let silent = SoundInfo { sample_rate: 0, ..INFO };
        assert!(encode_source(silent, SourceFormat::Wav, b"").is_err());
        let plain = encode_source(SoundInfo { looping: None, ..INFO }, SourceFormat::Wav, b"").unwrap();
        for (at, name) in [(16, "loop start"), (24, "loop end")] {
            let mut bad = plain.clone();
            bad[at] = 1;
            let error = SoundView::parse(1, &bad).unwrap_err();
            assert_eq!(error, PayloadError::Field { kind: "sound", field: name, value: 1 });
        }
        assert_eq!(
            SoundView::parse(0, &payload),
            Err(PayloadError::Field { kind: "sound", field: "format", value: 1 })
        );
        assert_eq!(SoundView::parse(2, &payload), Err(PayloadError::Encoding { kind: "sound", encoding: 2 }));
    }
}
