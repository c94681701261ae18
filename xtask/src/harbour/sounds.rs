//! The harbour's sounds: a bell, a gull, and waves that go on for as long as they are wanted.
//!
//! Computed with nothing but `+ - * /` and `sqrt`, so that the same bytes come out on every machine: sines come from a rotation that
//! is repeated, noise from a congruence. Each is one channel; the waves say in their file which frames repeat.

use super::SourceFile;

/// A sine that is turned by the same angle for every frame, and fades.
struct Tone {
    /// Sine and cosine of where it is.
    at: (f64, f64),
    /// Sine and cosine of the angle of one frame.
    turn: (f64, f64),
    /// What is left of it after each frame.
    fade: f64,
}

impl Tone {
    /// A tone of `angle` radians a frame, below about 1, that begins with this loudness.
    fn new(loudness: f64, angle: f64, fade: f64) -> Self {
        // The series of both functions; its next terms are below the twelfth digit.
        let square = angle * angle;
        let series = |first: f64, from: f64| {
            let (mut sum, mut term) = (first, first);
            for step in 0..8 {
                let n = from + 2.0 * f64::from(step);
                term *= -square / (n * (n + 1.0));
                sum += term;
            }
            sum
        };
        Self { at: (0.0, loudness), turn: (series(angle, 2.0), series(1.0, 1.0)), fade }
    }

    /// The next sample; `bend` turns a little further or less far.
    fn next(&mut self, bend: f64) -> f64 {
        let (sine, cosine) = self.at;
        let (by, keep) = (self.turn.0 + bend * self.turn.1, self.turn.1 - bend * self.turn.0);
        // A turn that is bent is also longer.
        let fade = self.fade / (1.0 + bend * bend).sqrt();
        self.at = ((sine * keep + cosine * by) * fade, (cosine * keep - sine * by) * fade);
        sine
    }
}

/// What a frame at `rate` turns a tone of `hertz` by.
fn angle(hertz: f64, rate: u32) -> f64 {
    std::f64::consts::TAU * hertz / f64::from(rate)
}

/// Noise from -1 to 1.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 16) / 32768.0 - 1.0
    }
}

/// A bell, struck once: partials that are no multiples of each other, the higher the shorter.
fn bell() -> Vec<u8> {
    const RATE: u32 = 11_025;
    let partials = [(523.0, 0.30), (627.0, 0.22), (1046.0, 0.20), (1562.0, 0.12), (2093.0, 0.08)];
    let mut tones: Vec<Tone> = partials
        .iter()
        .map(|(hertz, loudness)| Tone::new(*loudness, angle(*hertz, RATE), 1.0 - hertz / 1_600_000.0 * 2.0))
        .collect();
    let samples = (0..5000).map(|frame| {
        let sum: f64 = tones.iter_mut().map(|tone| tone.next(0.0)).sum();
        // The end fades to nothing, so that it does not click.
        let left = f64::from(5000 - frame) / 1000.0;
        (sum * left.min(1.0) * 30_000.0) as i16
    });
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    wav(RATE, 16, &data, None)
}

/// A gull: two calls that rise and fall.
fn gull() -> Vec<u8> {
    const RATE: u32 = 8000;
    let mut data = Vec::new();
    for (frames, hertz) in [(1500, 1350.0), (2000, 1250.0)] {
        let mut tone = Tone::new(1.0, angle(hertz, RATE), 1.0);
        let mut over = Tone::new(0.4, 2.0 * angle(hertz, RATE) * 0.99, 1.0);
        for frame in 0..frames {
            let part = f64::from(frame) / f64::from(frames);
            let swell = 4.0 * part * (1.0 - part);
            let bend = 0.25 * (swell - 0.5);
            let sample = tone.next(bend) + over.next(2.0 * bend);
            data.push(byte(70.0 * swell * sample));
        }
        data.extend([128; 200]);
    }
    wav(RATE, 8, &data, None)
}

/// Waves: noise, smoothed, that swells and sinks. The frames from 800 on repeat.
fn waves() -> Vec<u8> {
    const RATE: u32 = 8000;
    const INTRO: usize = 800;
    const LOOP: usize = 7200;
    let mut noise = Noise(7);
    let mut smooth = 0.0;
    let raw: Vec<f64> = (0..INTRO + LOOP)
        .map(|_| {
            smooth += (noise.next() - smooth) * 0.12;
            smooth
        })
        .collect();
    let mut data = Vec::new();
    for at in 0..INTRO + LOOP {
        // Towards its end, the loop becomes what stands before its beginning, so that it goes on without a seam.
        let late = ratio(at.saturating_sub(LOOP), INTRO);
        let before = raw[at.saturating_sub(LOOP)];
        let sample = if at < LOOP { raw[at] } else { raw[at] * (1.0 - late) + before * late };
        let place = ratio((at + LOOP - INTRO) % LOOP, LOOP);
        let swell = 0.35 + 2.6 * place * (1.0 - place);
        let into = ratio(at, INTRO).min(1.0);
        data.push(byte(190.0 * sample * swell * into));
    }
    wav(RATE, 8, &data, Some((INTRO as u32, (INTRO + LOOP - 1) as u32)))
}

/// A sample of eight bits, which are counted from 128.
fn byte(sample: f64) -> u8 {
    128u8.wrapping_add_signed(sample as i8)
}

fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(part as u32) / f64::from(whole as u32)
}

/// A WAV of one channel; `repeats` is the first and the last frame of its loop.
fn wav(rate: u32, bits: u16, data: &[u8], repeats: Option<(u32, u32)>) -> Vec<u8> {
    let block = bits / 8;
    let mut format = Vec::new();
    format.extend(1u16.to_le_bytes());
    format.extend(1u16.to_le_bytes());
    format.extend(rate.to_le_bytes());
    format.extend((rate * u32::from(block)).to_le_bytes());
    format.extend(block.to_le_bytes());
    format.extend(bits.to_le_bytes());
    let mut body = b"WAVE".to_vec();
    let mut chunk = |name: &[u8], content: &[u8]| {
        body.extend(name);
        body.extend((content.len() as u32).to_le_bytes());
        body.extend(content);
        body.resize(body.len().next_multiple_of(2), 0);
    };
    chunk(b"fmt ", &format);
    chunk(b"data", data);
    if let Some((first, last)) = repeats {
        // Of the sampler's fields, the period of a frame in nanoseconds, the middle note, and one loop.
        let fields = [0, 0, 1_000_000_000 / rate, 60, 0, 0, 0, 1, 0, 0, 0, first, last, 0, 0];
        chunk(b"smpl", &fields.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    }
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// Every sound: its path below the project and its bytes.
pub(super) fn files() -> Vec<SourceFile> {
    let file = |name: &str, bytes| SourceFile { path: format!("assets/sounds/{name}.wav"), bytes };
    vec![file("bell", bell()), file("gull", gull()), file("waves", waves())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_a_sine() {
        for turn in [0.1, 0.5, 1.2] {
            let mut tone = Tone::new(1.0, turn, 1.0);
            for frame in 0..100 {
                let expected = (turn * f64::from(frame)).sin();
                assert!((tone.next(0.0) - expected).abs() < 1e-9, "{turn}, frame {frame}");
            }
        }
    }

    #[test]
    fn every_sound_is_heard_and_none_is_beyond_full_scale() {
        for file in files() {
            let wide = file.path.contains("bell");
            let data = &file.bytes[44..file.bytes.len().min(8000)];
            let loudest = if wide {
                data.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair).unsigned_abs() >> 8).max()
            } else {
                data.iter().map(|byte| u16::from(byte.abs_diff(128))).max()
            };
            assert!(
                loudest.is_some_and(|loudest| (60..127).contains(&loudest)),
                "{}: {loudest:?}",
                file.path
            );
        }
    }

    #[test]
    fn the_waves_go_on_without_a_seam() {
        let file = waves();
        let sample = |frame: usize| i32::from(file[44 + frame]);
        let step = |from: usize, to: usize| (sample(from) - sample(to)).abs();
        let usual = (800..7999).map(|frame| step(frame, frame + 1)).max().unwrap();
        assert!(step(7999, 800) <= usual, "{} against {usual}", step(7999, 800));
    }
}
