//! WAV samples as differences of four bits: Microsoft ADPCM and IMA ADPCM.
//!
//! In whole numbers throughout, as the formats define them: the prediction of Microsoft's is shifted, so rounded down,
//! and IMA's difference is the sum of parts of the step that are each rounded down. (The library rounds both
//! otherwise, and drifts away from what was encoded.)
//!
//! Each block begins afresh. The last one may be shorter, or filled up; the `fact` chunk says how many of its frames count.

use super::form::{Coding, Form};
use super::{damaged, empty};
use crate::sound::decode::Sink;
use crate::sound::problem::SoundProblem;

pub(super) fn decode(
    form: &Form,
    data: &[u8],
    fact: Option<u32>,
    notes: &mut Vec<String>,
    sink: &mut dyn Sink,
) -> Result<(), SoundProblem> {
    let channels = usize::from(form.shape.channels);
    let (blocks, rest) = (data.len() / form.block, data.len() % form.block);
    let in_last = match held_by(form, rest) {
        0 => form.block_frames,
        frames => frames,
    };
    let held = blocks as u64 * form.block_frames as u64 + held_by(form, rest) as u64;
    let mut frames = held;
    // What fills the last block up is not counted by it. Some writers count something else.
    match fact.map_or(0, u64::from) {
        0 => {}
        said if said > held || said + in_last as u64 <= held => notes.push(format!(
            "the WAV says that it has {said} frames, and its samples are {held}; those are taken"
        )),
        said => frames = said,
    }
    if frames == 0 {
        return Err(empty(""));
    }
    sink.begin(form.shape, Some(frames))?;
    let mut samples = Vec::new();
    let mut left = frames;
    for (index, block) in data.chunks(form.block).enumerate() {
        let count = if block.len() == form.block { form.block_frames } else { held_by(form, block.len()) };
        if count == 0 || left == 0 {
            break;
        }
        samples.clear();
        let decoded = match &form.coding {
            Coding::MsAdpcm { coefficients } => microsoft(block, channels, count, coefficients, &mut samples),
            _ => ima(block, channels, count, &mut samples),
        };
        decoded.map_err(|reason| damaged(format!("block {index} of its samples {reason}")))?;
        let kept = (count as u64).min(left);
        sink.push(&samples[..kept as usize * channels])?;
        left -= kept;
    }
    Ok(())
}

/// How many frames a shorter block of this many bytes holds.
fn held_by(form: &Form, bytes: usize) -> usize {
    let channels = usize::from(form.shape.channels);
    let held = match form.coding {
        Coding::MsAdpcm { .. } => bytes.checked_sub(7 * channels).map(|body| 2 + body * 2 / channels),
        // Eight frames of a channel stand together.
        _ => bytes.checked_sub(4 * channels).map(|body| 1 + body / (4 * channels) * 8),
    };
    held.unwrap_or(0).min(form.block_frames)
}

/// How the step of Microsoft ADPCM grows or shrinks with each difference, in 256ths.
const ADAPTATION: [i64; 16] =
    [230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230];

struct Predictor {
    first: i64,
    second: i64,
    delta: i64,
    newer: i64,
    older: i64,
}

impl Predictor {
    fn next(&mut self, nibble: u8) -> f64 {
        let signed = i64::from(nibble) - if nibble < 8 { 0 } else { 16 };
        let predicted = (self.newer * self.first + self.older * self.second) >> 8;
        let sample = (predicted + signed * self.delta).clamp(-32768, 32767);
        self.older = self.newer;
        self.newer = sample;
        // A step that passes 16 bits by far is of a damaged block; it only must not grow without end.
        self.delta = ((ADAPTATION[usize::from(nibble)] * self.delta) >> 8).clamp(16, 1 << 24);
        f64::from(sample as i16)
    }
}

/// Appends `frames` frames; the error is the end of a sentence.
fn microsoft(
    block: &[u8],
    channels: usize,
    frames: usize,
    coefficients: &[(i16, i16)],
    samples: &mut Vec<f64>,
) -> Result<(), String> {
    let word = |at: usize| i64::from(i16::from_le_bytes([block[at], block[at + 1]]));
    let mut predictors = Vec::with_capacity(channels);
    for (channel, selected) in block[..channels].iter().enumerate() {
        let selected = usize::from(*selected);
        let (first, second) = *coefficients
            .get(selected)
            .ok_or_else(|| format!("selects the predictor {selected} of {}", coefficients.len()))?;
        let at = |field: usize| channels + (field * channels + channel) * 2;
        predictors.push(Predictor {
            first: i64::from(first),
            second: i64::from(second),
            delta: word(at(0)),
            newer: word(at(1)),
            older: word(at(2)),
        });
    }
    samples.extend(predictors.iter().map(|predictor| f64::from(predictor.older as i16)));
    samples.extend(predictors.iter().map(|predictor| f64::from(predictor.newer as i16)));
    let nibbles = block[7 * channels..].iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for (at, nibble) in nibbles.take((frames - 2) * channels).enumerate() {
        samples.push(predictors[at % channels].next(nibble));
    }
    Ok(())
}

/// How far each difference of IMA ADPCM moves the step.
const MOVES: [isize; 8] = [-1, -1, -1, -1, 2, 4, 6, 8];

/// The steps of IMA ADPCM.
const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88,
    97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658,
    724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660,
    4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818,
    18500, 20350, 22385, 24623, 27086, 29794, 32767,
];

/// Appends `frames` frames; the error is the end of a sentence.
fn ima(block: &[u8], channels: usize, frames: usize, samples: &mut Vec<f64>) -> Result<(), String> {
    let from = samples.len();
    samples.resize(from + frames * channels, 0.0);
    for channel in 0..channels {
        let head = &block[channel * 4..][..4];
        let mut sample = i32::from(i16::from_le_bytes([head[0], head[1]]));
        let mut index = usize::from(head[2]);
        if index > 88 {
            return Err(format!("begins with the step {index} of 88"));
        }
        let mut slots = samples[from + channel..].iter_mut().step_by(channels);
        *slots.next().expect("a block has at least one frame") = f64::from(sample);
        // Eight frames of each channel in turn, the lower half of a byte first.
        let words = block[4 * channels..].chunks(4).skip(channel).step_by(channels);
        let nibbles = words.flatten().flat_map(|byte| [byte & 15, byte >> 4]);
        for (slot, nibble) in slots.zip(nibbles) {
            let step = STEPS[index];
            let mut difference = step >> 3;
            for (bit, part) in [(4, step), (2, step >> 1), (1, step >> 2)] {
                if nibble & bit != 0 {
                    difference += part;
                }
            }
            let moved = if nibble & 8 == 0 { sample + difference } else { sample - difference };
            sample = moved.clamp(-32768, 32767);
            index = index.saturating_add_signed(MOVES[usize::from(nibble & 7)]).min(88);
            *slot = f64::from(sample);
        }
    }
    Ok(())
}
