//! From one sample rate to another: a polyphase filter with a windowed sinc.
//!
//! Frame *k* of the result is at the time *k* / `to`; it is the sum of the source's frames around that time, weighted by
//! a sinc that passes what is below 0.94 of the lower of the two half rates, in a Kaiser window (β = 8.6) of 48 zero
//! crossings to each side. The weights of one result add up to 1, so a constant stays what it is. Before its beginning
//! and after its end the source is silent. There are as many frames as begin within the source's duration.
//!
//! Guarantees: the same result on every machine that computes 64-bit floats as IEEE 754 says: only `+ - * /` are used,
//! which are exact there, and `sin` of `libm`, which is made of these. Sums are in the order of the frames.

use std::f64::consts::PI;

use super::problem::SoundProblem;

/// The greatest ratio between two rates.
pub(super) const MOST_RATIO: u32 = 256;
/// Zero crossings of the sinc to each side.
const CROSSINGS: u64 = 48;
/// What is passed, as a part of the lower half rate.
const PASSED: f64 = 0.94;
/// The shape of the Kaiser window.
const BETA: f64 = 8.6;
/// How many weights are kept at most, 64 MiB of them: those of all phases from any rate to one of up to 85,000, unless that is
/// lower. A weight costs far more than the product that it is for, so what is used again is not computed again; what a short
/// sound does not use is not computed at all.
const KEPT: usize = 1 << 23;

/// Stands for no phase.
const NO_PHASE: u32 = u32::MAX;

/// How many frames `frames` become.
pub(super) fn count(frames: u64, from: u32, to: u32) -> u64 {
    let scaled = (u128::from(frames) * u128::from(to)).div_ceil(u128::from(from));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// Where the place of a frame is afterwards, to the nearest, halves up.
pub(super) fn place(frame: u64, from: u32, to: u32) -> u64 {
    let (frame, from, to) = (u128::from(frame), u128::from(from), u128::from(to));
    u64::try_from((frame * to + from / 2) / from).unwrap_or(u64::MAX)
}

/// One conversion, as frames come.
pub(super) struct Resampler {
    filter: Filter,
    channels: usize,
    from: u32,
    to: u32,
    /// Frames of the source from `first` on.
    history: Vec<f64>,
    first: u64,
    received: u64,
    /// Where the next result is: a frame of the source, and a phase of `filter.up` after it.
    frame: u64,
    phase: u32,
    produced: u64,
}

impl Resampler {
    /// A conversion between rates that are not 0 and not further apart than [`MOST_RATIO`].
    pub(super) fn new(from: u32, to: u32, channels: u16) -> Self {
        Self {
            filter: Filter::new(from, to),
            channels: usize::from(channels),
            from,
            to,
            history: Vec::new(),
            first: 0,
            received: 0,
            frame: 0,
            phase: 0,
            produced: 0,
        }
    }

    /// Takes frames, and gives those that they complete to `sink`.
    pub(super) fn push(
        &mut self,
        samples: &[f64],
        sink: &mut dyn FnMut(&[f64]) -> Result<(), SoundProblem>,
    ) -> Result<(), SoundProblem> {
        self.history.extend_from_slice(samples);
        self.received += (samples.len() / self.channels) as u64;
        let reach = u64::from(self.filter.reach);
        let mut done = Vec::new();
        while self.frame + reach < self.received {
            self.next(&mut done);
        }
        // What no later result reaches.
        let past = self.frame.saturating_sub(reach).saturating_sub(self.first);
        let held = (self.history.len() / self.channels) as u64;
        // Only once it is half of all, so that many short blocks do not move the rest again and again.
        if past * 2 > held {
            let past = past.min(held);
            self.history.drain(..past as usize * self.channels);
            self.first += past;
        }
        sink(&done)
    }

    /// Gives the frames for which the source's end had to be known.
    pub(super) fn finish(
        &mut self,
        sink: &mut dyn FnMut(&[f64]) -> Result<(), SoundProblem>,
    ) -> Result<(), SoundProblem> {
        let total = count(self.received, self.from, self.to);
        while self.produced < total {
            // In blocks, so that a result far larger than its source is bounded by the sink.
            let mut done = Vec::new();
            for _ in self.produced..total.min(self.produced + 4096) {
                self.next(&mut done);
            }
            sink(&done)?;
        }
        Ok(())
    }

    /// Appends the next frame of the result.
    fn next(&mut self, done: &mut Vec<f64>) {
        // The first weight is of the frame `reach - 1` before this one, which may be before what is held.
        let (after, before) = (self.frame + 1, self.first + u64::from(self.filter.reach));
        let skipped = before.saturating_sub(after) as usize;
        let from = after.saturating_sub(before) as usize;
        let (weights, held) = (
            self.filter.weights(self.phase).get(skipped..).unwrap_or_default(),
            self.history.get(from * self.channels..).unwrap_or_default(),
        );
        let at = done.len();
        done.resize(at + self.channels, 0.0);
        for (weight, frame) in weights.iter().zip(held.chunks_exact(self.channels)) {
            for (sum, sample) in done[at..].iter_mut().zip(frame) {
                *sum += weight * sample;
            }
        }
        self.produced += 1;
        let (phase, up) = (u64::from(self.phase) + u64::from(self.filter.down), u64::from(self.filter.up));
        self.frame += phase / up;
        self.phase = (phase % up) as u32;
    }
}

/// The weights of every phase, each computed when it is first wanted.
struct Filter {
    up: u32,
    down: u32,
    /// How many frames of the source count to each side.
    reach: u32,
    /// The cutoff, in half rates of the source.
    cutoff: f64,
    /// Weights of phases. Where there are too many for all of them, several have the same place, and the last one is there.
    kept: Vec<f64>,
    /// Whose weights stand in each place.
    phases: Vec<u32>,
    /// 1 / k², for the series of the window.
    series: [f64; 32],
}

impl Filter {
    fn new(from: u32, to: u32) -> Self {
        let common = gcd(from, to);
        let (up, down) = (to / common, from / common);
        let lower = to.min(from);
        let mut series = [0.0; 32];
        for (k, slot) in (1u32..).zip(&mut series) {
            *slot = 1.0 / f64::from(k * k);
        }
        // Below 2^14, because the rates are not far apart.
        let reach = (CROSSINGS * u64::from(from) / u64::from(lower)) as u32 + 1;
        let cutoff = PASSED * f64::from(lower) / f64::from(from);
        let count = 2 * reach as usize;
        let places = (KEPT / count).clamp(1, up as usize);
        // Zeroed by the system, which gives memory only for what is used of it.
        let kept = vec![0.0; places * count];
        Self { up, down, reach, cutoff, kept, phases: vec![NO_PHASE; places], series }
    }

    /// The weights of a phase: those of the frames from `reach - 1` before to `reach` after.
    fn weights(&mut self, phase: u32) -> &[f64] {
        let place = phase as usize % self.phases.len();
        let count = 2 * self.reach as usize;
        if self.phases[place] != phase {
            let mut kept = std::mem::take(&mut self.kept);
            self.compute(phase, &mut kept[place * count..][..count]);
            (self.kept, self.phases[place]) = (kept, phase);
        }
        &self.kept[place * count..][..count]
    }

    fn compute(&self, phase: u32, weights: &mut [f64]) {
        let offset = f64::from(phase) / f64::from(self.up);
        let width = f64::from(self.reach);
        let mut total = 0.0;
        for (tap, slot) in (0..2 * self.reach).zip(&mut *weights) {
            let distance = f64::from(tap) - (width - 1.0) - offset;
            let weight = sinc(distance * self.cutoff) * self.window(distance / width);
            total += weight;
            *slot = weight;
        }
        for weight in weights {
            *weight /= total;
        }
    }

    /// The Kaiser window from -1 to 1, not normalised.
    fn window(&self, at: f64) -> f64 {
        let inside = 1.0 - at * at;
        if inside <= 0.0 {
            return 0.0;
        }
        // The modified Bessel function of order 0 of β sqrt(inside), as a series in the square of half of that; its
        // terms fall below any 64-bit float's precision long before the thirty-second.
        let square = BETA * BETA / 4.0 * inside;
        self.series.iter().rev().fold(1.0, |sum, reciprocal| 1.0 + square * reciprocal * sum)
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { libm::sin(PI * x) / (PI * x) }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resample(samples: &[f64], from: u32, to: u32, block: usize) -> Vec<f64> {
        let mut resampler = Resampler::new(from, to, 1);
        let mut done = Vec::new();
        let mut sink = |block: &[f64]| {
            done.extend_from_slice(block);
            Ok(())
        };
        for block in samples.chunks(block) {
            resampler.push(block, &mut sink).unwrap();
        }
        resampler.finish(&mut sink).unwrap();
        done
    }

    fn tone(frequency: f64, rate: u32, frames: usize) -> Vec<f64> {
        (0..frames as u32)
            .map(|at| 10_000.0 * libm::sin(2.0 * PI * frequency * f64::from(at) / f64::from(rate)))
            .collect()
    }

    #[test]
    fn there_are_as_many_frames_as_begin_in_the_sound() {
        for (frames, from, to, expected) in [
            (1, 44_100, 48_000, 2),
            (44_100, 44_100, 48_000, 48_000),
            (441, 44_100, 8_000, 80),
            (442, 44_100, 8_000, 81),
            (1, 48_000, 8_000, 1),
        ] {
            assert_eq!(count(frames, from, to), expected);
            assert_eq!(resample(&vec![1.0; frames as usize], from, to, 7).len() as u64, expected);
        }
        assert_eq!(count(u64::MAX, 1, 256), u64::MAX);
    }

    #[test]
    fn places_are_rounded_to_the_nearest() {
        assert_eq!((place(0, 44_100, 48_000), place(441, 44_100, 48_000)), (0, 480));
        assert_eq!((place(1, 2, 1), place(3, 2, 1), place(1, 3, 1), place(2, 3, 1)), (1, 2, 0, 1));
        for frames in 0..500 {
            assert!(place(frames, 44_100, 8_000) <= count(frames, 44_100, 8_000));
        }
    }

    #[test]
    fn blocks_do_not_matter() {
        let source = tone(900.0, 44_100, 3000);
        for (from, to) in [(44_100, 48_000), (48_000, 11_025), (44_100, 44_101)] {
            let whole = resample(&source, from, to, source.len());
            for block in [1, 13, 1024] {
                assert_eq!(resample(&source, from, to, block), whole, "{from} to {to}, {block} at once");
            }
        }
    }

    /// A tone that both rates hold comes through to within a step of 16 bits, away from the ends.
    #[test]
    fn tones_come_through() {
        for (from, to) in
            [(44_100, 48_000), (48_000, 44_100), (22_050, 44_100), (96_000, 44_100), (8_000, 44_101)]
        {
            for part in [0.01, 0.3, 0.8] {
                let frequency = f64::from(from.min(to)) / 2.0 * part;
                let done = resample(&tone(frequency, from, 4000), from, to, 512);
                let expected = tone(frequency, to, done.len());
                let edge = count(120 * u64::from(from) / u64::from(from.min(to)), from, to) as usize;
                for (at, (got, expected)) in
                    done.iter().zip(&expected).enumerate().take(done.len() - edge).skip(edge)
                {
                    assert!(
                        (got - expected).abs() < 1.0,
                        "{from} to {to}, {frequency} Hz, frame {at}: {got} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn weights_are_kept_where_they_are_wanted_again_and_right_where_they_are_not() {
        // As few frames as there can be for as many: every phase is wanted several times.
        let mut resampler = Resampler::new(191, 48_000, 1);
        resampler.push(&[1.0; 300], &mut |_| Ok(())).unwrap();
        assert!((0..48_000).all(|phase| resampler.filter.phases[phase as usize] == phase));
        // More phases than there is room for: those that have the same place do not get each other's weights.
        let mut filter = Filter::new(8_009, 192_007);
        assert!((filter.phases.len() as u32) < filter.up);
        let other = filter.phases.len() as u32;
        let first = filter.weights(0).to_vec();
        assert_ne!(filter.weights(other), first);
        assert_eq!(filter.weights(0), first);
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_taken_out() {
        let done = resample(&tone(15_000.0, 48_000, 9600), 48_000, 22_050, 512);
        let loudest =
            done[100..done.len() - 100].iter().fold(0.0, |most: f64, sample| most.max(sample.abs()));
        assert!(loudest < 0.5, "{loudest}");
    }

    #[test]
    fn a_constant_stays_what_it_is() {
        let done = resample(&[1234.0; 2000], 44_100, 48_000, 300);
        assert!(done[200..1900].iter().all(|sample| (sample - 1234.0).abs() < 1e-9));
    }

    /// The weights are pinned: what changes them needs a new version of the codec.
    #[test]
    fn weights_are_what_they_were() {
        let mut impulse = vec![0.0; 200];
        impulse[100] = 32767.0;
        let done = resample(&impulse, 44_100, 48_000, 64);
        let bits: Vec<u64> = done[107..111].iter().map(|sample| sample.to_bits()).collect();
        assert_eq!(
            bits,
            [
                13_886_551_988_658_085_954,
                4_666_792_851_633_381_239,
                4_673_943_468_701_764_440,
                4_630_611_864_800_107_871
            ]
        );
    }
}
