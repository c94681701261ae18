//! What decoded frames go through: mixing, resampling, rounding, and the limits on all of it.
//!
//! Nothing is dithered. A sample is rounded to the nearest step of 16 bits, halves up (`floor(v + 0.5)`), and what is
//! beyond full scale becomes full scale. So samples of 8 and 16 bits that are neither mixed nor resampled are kept
//! exactly, and those of 24 and 32 bits lose what does not fit.

use packer_domain::limits::Limits;
use packer_pack::payload::sound::{HEADER_SIZE, SoundEncoding, SourceFormat};

use super::decode::{Shape, Sink};
use super::mix::Mix;
use super::problem::SoundProblem;
use super::resample::{self, Resampler};
use super::{Want, format};

/// Takes the frames of one sound.
pub(super) struct Line<'a> {
    want: &'a Want,
    format: SourceFormat,
    limits: &'a Limits,
    steps: Option<Steps>,
    /// How many frames came.
    taken: u64,
    out: Output,
}

/// What is done to frames, known when their shape is.
struct Steps {
    source: Shape,
    mix: Mix,
    mixed: Vec<f64>,
    resampler: Option<Resampler>,
    result: Shape,
}

/// The payload that grows: room for the header, then samples.
struct Output {
    bytes: Vec<u8>,
    most: u64,
    clipped: u64,
}

/// What came out.
pub(super) struct Finished {
    /// What the source is.
    pub(super) source: Shape,
    /// How many frames the source has.
    pub(super) source_frames: u64,
    /// What the payload is.
    pub(super) result: Shape,
    /// How many frames the payload has.
    pub(super) frames: u64,
    /// Room for a header, and the samples; with the encoding `source`, no samples.
    pub(super) payload: Vec<u8>,
    /// How many samples were beyond full scale.
    pub(super) clipped: u64,
}

impl<'a> Line<'a> {
    pub(super) fn new(want: &'a Want, format: SourceFormat, limits: &'a Limits) -> Self {
        let out = Output { bytes: Vec::new(), most: limits.max_payload_bytes, clipped: 0 };
        Self { want, format, limits, steps: None, taken: 0, out }
    }

    /// Refuses a source of `frames` frames where it, or what it becomes, passes the limit.
    fn check(&self, source: Shape, result: Shape, frames: u64) -> Result<(), SoundProblem> {
        let most = self.limits.max_payload_bytes;
        let size = |frames: u64, shape: Shape| {
            frames.saturating_mul(u64::from(shape.channels) * 2).saturating_add(HEADER_SIZE as u64)
        };
        if self.want.encoding == SoundEncoding::Pcm16 {
            let bytes = size(resample::count(frames, source.rate, result.rate), result);
            if bytes > most {
                return Err(SoundProblem::Payload { bytes, most });
            }
        }
        let bytes = size(frames, source);
        if bytes > most {
            return Err(SoundProblem::Decoded { format: self.format, bytes, most });
        }
        Ok(())
    }

    /// Lets the last frames through.
    pub(super) fn finish(mut self) -> Result<Finished, SoundProblem> {
        let nothing = || SoundProblem::Empty { format: self.format, more: String::new() };
        let Some(mut steps) = self.steps.take().filter(|_| self.taken > 0) else {
            return Err(nothing());
        };
        if let Some(resampler) = &mut steps.resampler {
            resampler.finish(&mut |samples| self.out.take(samples))?;
        }
        let (source, result) = (steps.source, steps.result);
        Ok(Finished {
            source,
            source_frames: self.taken,
            result,
            frames: resample::count(self.taken, source.rate, result.rate),
            payload: self.out.bytes,
            clipped: self.out.clipped,
        })
    }
}

impl Sink for Line<'_> {
    fn begin(&mut self, source: Shape, frames: Option<u64>) -> Result<(), SoundProblem> {
        let mut want = self.want.for_pcm();
        if self.want.encoding == SoundEncoding::Source {
            self.want.check_kept(self.format, source)?;
            want = (0, 0);
        }
        let (channels, rate) = want;
        let mix = Mix::new(self.format, source, channels)?;
        let rate = if rate == 0 { source.rate } else { rate };
        let (lower, higher) = (rate.min(source.rate), rate.max(source.rate));
        if higher / resample::MOST_RATIO >= lower && higher != lower {
            return Err(SoundProblem::Settings {
                what: format!(
                    "the {} has {} frames a second, which is too far from `sample_rate = {rate}`",
                    format::name(self.format),
                    source.rate
                ),
                help: "use a rate that is closer; the ratio must be below 256",
            });
        }
        let result = Shape { rate, ..mix.shape() };
        if let Some(frames) = frames {
            self.check(source, result, frames)?;
        }
        let resampler = (rate != source.rate).then(|| Resampler::new(source.rate, rate, result.channels));
        self.steps = Some(Steps { source, mix, mixed: Vec::new(), resampler, result });
        self.out.bytes = vec![0; HEADER_SIZE];
        Ok(())
    }

    fn push(&mut self, samples: &[f64]) -> Result<(), SoundProblem> {
        if samples.is_empty() {
            return Ok(());
        }
        let (source, result) = {
            let steps = self.steps.as_ref().expect("a source begins before its first frame");
            (steps.source, steps.result)
        };
        self.taken += (samples.len() / usize::from(source.channels)) as u64;
        self.check(source, result, self.taken)?;
        if self.want.encoding == SoundEncoding::Source {
            return Ok(());
        }
        let steps = self.steps.as_mut().expect("a source begins before its first frame");
        let samples = if steps.mix.is_plain() {
            samples
        } else {
            steps.mixed.clear();
            steps.mix.apply(samples, &mut steps.mixed);
            &steps.mixed
        };
        match &mut steps.resampler {
            Some(resampler) => resampler.push(samples, &mut |samples| self.out.take(samples)),
            None => self.out.take(samples),
        }
    }
}

impl Output {
    fn take(&mut self, samples: &[f64]) -> Result<(), SoundProblem> {
        let after = self.bytes.len() as u64 + samples.len() as u64 * 2;
        if after > self.most {
            return Err(SoundProblem::Payload { bytes: after, most: self.most });
        }
        let memory = |_| SoundProblem::Memory { bytes: after };
        self.bytes.try_reserve(samples.len() * 2).map_err(memory)?;
        for sample in samples {
            if *sample > 32768.0 || *sample < -32768.5 {
                self.clipped += 1;
            }
            self.bytes.extend_from_slice(&step(*sample).to_le_bytes());
        }
        Ok(())
    }
}

/// The nearest step of 16 bits, halves up.
fn step(sample: f64) -> i16 {
    // The conversion is to the nearest end where it is beyond them.
    libm::floor(sample + 0.5) as i16
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn samples_are_rounded_to_the_nearest_and_halves_up() {
        for (sample, expected) in [
            (0.0, 0),
            (0.49, 0),
            (0.5, 1),
            (-0.5, 0),
            (-0.51, -1),
            (1.5, 2),
            (-1.5, -1),
            (32767.4, 32767),
            (32768.0, 32767),
            (1e300, 32767),
            (-32768.5, -32768),
            (-40000.0, -32768),
        ] {
            assert_eq!(step(sample), expected, "{sample}");
        }
        for value in i16::MIN..=i16::MAX {
            assert_eq!(step(f64::from(value)), value);
            // Every 24-bit sample is the rounding of its upper bits in whole numbers.
            let more = i32::from(value) * 256 + 128;
            let rounded = ((more + 128) >> 8).min(32767);
            assert_eq!(i32::from(step(f64::from(more) / 256.0)), rounded);
        }
    }
}
