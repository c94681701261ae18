//! Peaks of a sound: of each stretch of it, the lowest and the highest sample and how loud it is, by channel.

use packer_domain::limits::Limits;
use packer_pack::payload::sound::{SoundData, SoundView};

use super::PreviewError;
use crate::sound::decoded;

/// A sound as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waveform {
    /// Frames a second.
    pub sample_rate: u32,
    /// How many frames the whole sound has.
    pub frames: u64,
    /// The frames that repeat while it is held: the first, and the one after the last.
    pub looping: Option<(u64, u64)>,
    /// Each channel, in the order of the payload; all have as many peaks.
    pub channels: Vec<ChannelPeaks>,
}

/// The peaks of one channel, in the order of time; each stands for as many frames as any other, or one more or less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPeaks(pub Vec<Peak>);

/// A stretch of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// Its lowest sample, of 16 bits.
    pub min: i16,
    /// Its highest sample.
    pub max: i16,
    /// The root of the mean of its samples' squares, rounded down: from 0 to 32,768.
    pub rms: u16,
}

/// A sound with `peaks` peaks for each channel at the most.
pub(super) fn waveform(view: &SoundView<'_>, limits: &Limits, peaks: u32) -> Result<Waveform, PreviewError> {
    let info = view.info;
    let decoded_payload;
    let samples = match view.data {
        SoundData::Pcm16(samples) => samples,
        SoundData::Source { format, file } => {
            let failed = |message: String| PreviewError::Decode { message };
            decoded_payload = decoded(file, format, limits).map_err(|error| failed(error.to_string()))?;
            let again =
                SoundView::parse(packer_pack::payload::sound::SoundEncoding::Pcm16.code(), &decoded_payload)?;
            if (again.info.frames, again.info.channels) != (info.frames, info.channels) {
                return Err(failed(format!(
                    "the file has {} frames of {} channels, and its payload says {} of {}",
                    again.info.frames, again.info.channels, info.frames, info.channels
                )));
            }
            match again.data {
                SoundData::Pcm16(samples) => samples,
                SoundData::Source { .. } => return Err(failed("it does not decode to samples".to_owned())),
            }
        }
    };
    let count = u64::from(peaks).min(info.frames);
    let channels = usize::from(info.channels);
    let mut drawn = vec![Vec::with_capacity(count as usize); channels];
    let mut samples = samples.iter();
    for index in 0..count {
        // Frames and peaks are both below 2^48.
        let place = |index: u64| (u128::from(index) * u128::from(info.frames) / u128::from(count)) as u64;
        let frames = place(index + 1) - place(index);
        let mut stretch = vec![Stretch::default(); channels];
        for _ in 0..frames {
            for (channel, sample) in stretch.iter_mut().zip(samples.by_ref()) {
                channel.add(sample);
            }
        }
        for (peaks, stretch) in drawn.iter_mut().zip(stretch) {
            peaks.push(stretch.peak(frames));
        }
    }
    Ok(Waveform {
        sample_rate: info.sample_rate,
        frames: info.frames,
        looping: info.looping.map(|looping| (looping.start, looping.end)),
        channels: drawn.into_iter().map(ChannelPeaks).collect(),
    })
}

/// What is known of a stretch so far.
#[derive(Clone, Copy, Default)]
struct Stretch {
    range: Option<(i16, i16)>,
    squares: u128,
}

impl Stretch {
    fn add(&mut self, sample: i16) {
        let (min, max) = self.range.unwrap_or((sample, sample));
        self.range = Some((min.min(sample), max.max(sample)));
        self.squares += u128::from(i32::from(sample).unsigned_abs()).pow(2);
    }

    fn peak(&self, frames: u64) -> Peak {
        let (min, max) = self.range.unwrap_or_default();
        let mean = self.squares / u128::from(frames.max(1));
        // At most 2^30, whose root is 2^15.
        Peak { min, max, rms: mean.isqrt() as u16 }
    }
}
