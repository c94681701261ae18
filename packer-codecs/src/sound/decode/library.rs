//! The decoders of the library, fed packet by packet.
//!
//! Their errors become ours here, and their samples become steps of 16 bits, interleaved.

use packer_pack::payload::sound::SourceFormat;
use symphonia::core::audio::{Audio, GenericAudioBufferRef};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use crate::sound::problem::SoundProblem;

/// A decoder of one stream.
pub(super) struct Decoder<D> {
    format: SourceFormat,
    inner: D,
}

impl<D: AudioDecoder> Decoder<D> {
    /// The decoder that `make` makes for this codec; `extra` is what the codec needs to know before its first packet.
    pub(super) fn new(
        format: SourceFormat,
        codec: AudioCodecId,
        extra: &[u8],
        make: impl FnOnce(&AudioCodecParameters, &AudioDecoderOptions) -> Result<D, Error>,
    ) -> Result<Self, SoundProblem> {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(codec);
        if !extra.is_empty() {
            parameters.with_extra_data(extra.into());
        }
        // What an encoder added is cut off by us, so no packet says that it has any; of Vorbis, the first packet only
        // primes the decoder, and with this option gives no frames.
        let options = AudioDecoderOptions::default().gapless(true).verify(true);
        let inner = make(&parameters, &options).map_err(|error| problem(format, &error, "its headers"))?;
        Ok(Self { format, inner })
    }

    /// Decodes a packet and appends its samples to `samples`; `place` says for people where it is. Returns how many
    /// frames it gave.
    pub(super) fn decode(
        &mut self,
        packet: &[u8],
        channels: u16,
        place: &dyn Fn() -> String,
        samples: &mut Vec<f64>,
    ) -> Result<usize, SoundProblem> {
        let format = self.format;
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::ZERO, packet);
        let buffer = self.inner.decode_ref(&packet).map_err(|error| problem(format, &error, &place()))?;
        let channels = usize::from(channels);
        if buffer.num_planes() != channels {
            let reason = format!("{} has {} channels instead of {channels}", place(), buffer.num_planes());
            return Err(SoundProblem::Damaged { format, reason });
        }
        let frames = buffer.frames();
        if frames == 0 {
            return Ok(0);
        }
        let from = samples.len();
        samples.resize(from + frames * channels, 0.0);
        let target = &mut samples[from..];
        match buffer {
            // 32 bits, the upper ones of which are used: 2^16 of them are one step.
            GenericAudioBufferRef::S32(buffer) => {
                for index in 0..channels {
                    let values = buffer.plane(index).unwrap_or_default();
                    spread(target, index, channels, values.iter().map(|sample| f64::from(*sample) / 65536.0));
                }
            }
            GenericAudioBufferRef::F32(buffer) => {
                for index in 0..channels {
                    let values = buffer.plane(index).unwrap_or_default();
                    spread(target, index, channels, values.iter().map(|sample| f64::from(*sample) * 32768.0));
                }
            }
            _ => {
                let what = "samples of an unexpected type".to_owned();
                return Err(SoundProblem::Unsupported { format, what });
            }
        }
        Ok(frames)
    }

    /// Whether the samples are those that were encoded, where the file says so.
    pub(super) fn verified(&mut self) -> Option<bool> {
        self.inner.finalize().verify_ok
    }
}

fn spread(target: &mut [f64], channel: usize, channels: usize, plane: impl Iterator<Item = f64>) {
    for (slot, value) in target[channel..].iter_mut().step_by(channels).zip(plane) {
        *slot = value;
    }
}

fn problem(format: SourceFormat, error: &Error, place: &str) -> SoundProblem {
    // The library names its module first.
    let plain = |text: &str| text.split_once(": ").map_or(text, |(_, rest)| rest).to_owned();
    match error {
        Error::DecodeError(text) => {
            SoundProblem::Damaged { format, reason: format!("{place}: {}", plain(text)) }
        }
        Error::Unsupported(text) => {
            SoundProblem::Unsupported { format, what: format!("{place} with: {}", plain(text)) }
        }
        Error::IoError(_) => SoundProblem::Damaged { format, reason: format!("{place}: it ends too early") },
        other => SoundProblem::Damaged { format, reason: format!("{place}: {other}") },
    }
}
