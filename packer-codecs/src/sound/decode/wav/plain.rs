//! WAV samples that stand for themselves: whole numbers, floats, A-law and µ-law.

use super::form::{Coding, Form};
use super::{damaged, empty};
use crate::sound::decode::Sink;
use crate::sound::problem::SoundProblem;

/// How many frames are decoded at once.
const BLOCK: usize = 4096;

pub(super) fn decode(
    form: &Form,
    data: &[u8],
    notes: &mut Vec<String>,
    sink: &mut dyn Sink,
) -> Result<(), SoundProblem> {
    let frames = data.len() / form.block;
    if frames == 0 {
        return Err(empty(""));
    }
    let rest = data.len() % form.block;
    if rest != 0 {
        notes.push(format!("the samples of the WAV end inside a frame; its {rest} bytes are left out"));
    }
    let data = &data[..data.len() - rest];
    sink.begin(form.shape, Some(frames as u64))?;
    let reader = match form.coding {
        Coding::Integer { padded24: true, .. } => padded24(data, notes),
        Coding::Integer { bytes: 1, .. } => Reader::Bytes(|byte| (f64::from(byte) - 128.0) * 256.0),
        Coding::Integer { bytes: 2, .. } => Reader::Two,
        Coding::Integer { bytes: 3, .. } => Reader::Three,
        Coding::Integer { .. } => Reader::Four,
        Coding::Float32 => Reader::Float32,
        Coding::Float64 => Reader::Float64,
        Coding::ALaw => Reader::Bytes(|byte| f64::from(a_law(byte))),
        Coding::MuLaw | Coding::MsAdpcm { .. } | Coding::ImaAdpcm => {
            Reader::Bytes(|byte| f64::from(mu_law(byte)))
        }
    };
    let mut samples = Vec::new();
    let channels = usize::from(form.shape.channels);
    for (block, bytes) in data.chunks(form.block * BLOCK).enumerate() {
        samples.clear();
        reader.read(bytes, &mut samples);
        if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
            let frame = block * BLOCK + at / channels;
            return Err(damaged(format!("a sample of frame {frame} is not a finite number")));
        }
        sink.push(&samples)?;
    }
    Ok(())
}

/// How bytes become steps of 16 bits.
enum Reader {
    /// One byte a sample.
    Bytes(fn(u8) -> f64),
    Two,
    Three,
    Four,
    /// The lower three bytes of four.
    LowThree,
    Float32,
    Float64,
}

impl Reader {
    fn read(&self, bytes: &[u8], samples: &mut Vec<f64>) {
        let fours = || bytes.as_chunks::<4>().0.iter();
        match self {
            Self::Bytes(decode) => samples.extend(bytes.iter().map(|byte| decode(*byte))),
            Self::Two => {
                samples.extend(bytes.as_chunks::<2>().0.iter().map(|b| f64::from(i16::from_le_bytes(*b))));
            }
            Self::Three => samples.extend(bytes.as_chunks::<3>().0.iter().map(|b| three(b[0], b[1], b[2]))),
            Self::Four => samples.extend(fours().map(|b| f64::from(i32::from_le_bytes(*b)) / 65536.0)),
            Self::LowThree => samples.extend(fours().map(|b| three(b[0], b[1], b[2]))),
            // Both are exact: a float times a power of two, unless it is too large for any float.
            Self::Float32 => samples.extend(fours().map(|b| f64::from(f32::from_le_bytes(*b)) * 32768.0)),
            Self::Float64 => {
                samples.extend(bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) * 32768.0));
            }
        }
    }
}

fn three(low: u8, middle: u8, high: u8) -> f64 {
    f64::from(i32::from_le_bytes([0, low, middle, high])) / 65536.0
}

/// 24 bits in four bytes. The format puts them into the upper three; some recorders put them into the lower three, and
/// only the samples can tell.
fn padded24(data: &[u8], notes: &mut Vec<String>) -> Reader {
    let fours = || data.as_chunks::<4>().0.iter();
    let upper = fours().all(|b| b[0] == 0);
    let lower = fours().all(|b| b[3] == 0 || (b[3] == 0xff && b[2] >= 0x80));
    if upper || !lower {
        return Reader::Four;
    }
    notes.push(
        "the WAV has its 24 bits in the lower three of four bytes, where the upper three are right"
            .to_owned(),
    );
    Reader::LowThree
}

/// G.711 A-law, in steps of 16 bits.
fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let mantissa = i16::from(byte & 0x0f) << 4;
    let magnitude = match byte >> 4 & 7 {
        0 => mantissa + 8,
        exponent => (mantissa + 0x108) << (exponent - 1),
    };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

/// G.711 µ-law, in steps of 16 bits.
fn mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let mantissa = i16::from(byte & 0x0f) << 3;
    let magnitude = ((mantissa + 0x84) << (byte >> 4 & 7)) - 0x84;
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_laws_have_the_values_of_the_standard() {
        // The ends and the middle of the tables of G.711, times 8 and times 4 for 16 bits.
        for (byte, value) in
            [(0x00, -5504), (0x2a, -32256), (0x55, -8), (0xd5, 8), (0xaa, 32256), (0x80, 5504)]
        {
            assert_eq!(a_law(byte), value, "A-law {byte:02x}");
        }
        for (byte, value) in [(0x00, -32124), (0x7f, 0), (0x80, 32124), (0xff, 0), (0x7e, -8), (0xfe, 8)] {
            assert_eq!(mu_law(byte), value, "µ-law {byte:02x}");
        }
    }
}
