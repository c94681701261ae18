//! From the channels of a source to those of the payload.
//!
//! Each channel of the result is a mean of channels of the source, so nothing becomes louder than it was:
//!
//! - one channel: the mean of all, without the one for low frequencies where the speakers are known;
//! - two from one: the same in both;
//! - two from more: left is the mean of all channels on the left and of half of each in the middle, right likewise; those
//!   for low frequencies are left out. The speakers have to be known.

use packer_pack::payload::sound::SourceFormat;

use super::decode::Shape;
use super::format::name;
use super::problem::SoundProblem;

const LEFT: u32 = 0x0000_9251;
const RIGHT: u32 = 0x0002_44a2;
const LOW_FREQUENCY: u32 = 0x8;

/// How channels become others.
#[derive(Debug)]
pub(super) struct Mix {
    from: usize,
    to: Shape,
    /// Of each channel of the result, the channels of the source with their weights; none where nothing changes.
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    parts: Vec<(usize, f64)>,
    total: f64,
}

impl Mix {
    /// How a source becomes one of `channels`; 0 is as many as it has.
    pub(super) fn new(format: SourceFormat, from: Shape, channels: u16) -> Result<Self, SoundProblem> {
        let keep = Self { from: usize::from(from.channels), to: from, rows: Vec::new() };
        if channels == 0 || channels == from.channels {
            return Ok(keep);
        }
        let speakers = if channels == 1 { 0x4 } else { 0x3 };
        let to = Shape { channels, speakers, ..from };
        let all = || (0..usize::from(from.channels)).zip(bits(from.speakers));
        let rows = match (channels, from.channels) {
            (_, 1) => vec![Row::new(vec![(0, 1.0)]), Row::new(vec![(0, 1.0)])],
            (1, _) => vec![Row::new(
                all().filter(|(_, bit)| *bit != LOW_FREQUENCY).map(|(channel, _)| (channel, 1.0)).collect(),
            )],
            _ if from.speakers == 0 => {
                return Err(SoundProblem::Settings {
                    what: format!(
                        "the {} has {} channels and does not say for which speakers, so `channels = 2` cannot tell left \
                         from right",
                        name(format),
                        from.channels
                    ),
                    help: "use `channels = 1`, or export it with two channels",
                });
            }
            _ => {
                let side = |side: u32, other: u32| {
                    let weight = |bit: u32| match bit {
                        LOW_FREQUENCY => 0.0,
                        bit if bit & side != 0 => 1.0,
                        bit if bit & other != 0 => 0.0,
                        _ => 0.5,
                    };
                    let parts = all().map(|(channel, bit)| (channel, weight(bit)));
                    Row::new(parts.filter(|(_, weight)| *weight != 0.0).collect())
                };
                vec![side(LEFT, RIGHT), side(RIGHT, LEFT)]
            }
        };
        Ok(Self { to, rows, ..keep })
    }

    /// What comes out.
    pub(super) fn shape(&self) -> Shape {
        self.to
    }

    /// Whether nothing changes.
    pub(super) fn is_plain(&self) -> bool {
        self.rows.is_empty()
    }

    /// Appends the mixed frames of `samples` to `mixed`.
    pub(super) fn apply(&self, samples: &[f64], mixed: &mut Vec<f64>) {
        for frame in samples.chunks_exact(self.from) {
            for row in &self.rows {
                let sum: f64 = row.parts.iter().map(|(channel, weight)| frame[*channel] * weight).sum();
                mixed.push(sum / row.total);
            }
        }
    }
}

impl Row {
    fn new(parts: Vec<(usize, f64)>) -> Self {
        let total = parts.iter().map(|(_, weight)| weight).sum();
        // A side on which no speaker is, is silent.
        Self { total: if parts.is_empty() { 1.0 } else { total }, parts }
    }
}

/// The bits of a mask from the lowest on, then zeros.
fn bits(mask: u32) -> impl Iterator<Item = u32> {
    (0..32).map(|bit| 1 << bit).filter(move |bit| mask & bit != 0).chain(std::iter::repeat(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(from: u16, speakers: u32, to: u16, frame: &[f64]) -> Vec<f64> {
        let shape = Shape { rate: 8000, channels: from, speakers };
        let mix = Mix::new(SourceFormat::Wav, shape, to).unwrap();
        let mut out = Vec::new();
        mix.apply(frame, &mut out);
        out
    }

    #[test]
    fn one_channel_is_the_mean() {
        assert_eq!(mixed(2, 3, 1, &[10.0, 21.0, -4.0, 4.0]), [15.5, 0.0]);
        assert_eq!(mixed(4, 0, 1, &[1.0, 2.0, 3.0, 6.0]), [3.0]);
        // 5.1 without its channel for low frequencies.
        assert_eq!(mixed(6, 0x3f, 1, &[1.0, 2.0, 3.0, 900.0, 4.0, 5.0]), [3.0]);
        assert_eq!(mixed(1, 0x8, 2, &[7.0]), [7.0, 7.0]);
    }

    #[test]
    fn two_channels_take_their_side_and_half_of_the_middle() {
        assert_eq!(mixed(1, 4, 2, &[5.0, 6.0]), [5.0, 5.0, 6.0, 6.0]);
        // Left, right, centre: (l + c / 2) / 1.5.
        assert_eq!(mixed(3, 0x7, 2, &[6.0, 12.0, 3.0]), [5.0, 9.0]);
        assert_eq!(mixed(6, 0x3f, 2, &[5.0, 0.0, 10.0, 900.0, 5.0, 0.0]), [6.0, 2.0]);
        // Back centre and side speakers.
        assert_eq!(mixed(7, 0x70f, 2, &[5.0, 0.0, 10.0, 900.0, 0.0, 5.0, 0.0]), [5.0, 5.0 / 3.0]);
        assert_eq!(mixed(3, 0x103, 2, &[6.0, 12.0, 3.0]), [5.0, 9.0]);
    }

    #[test]
    fn every_speaker_has_one_side_or_is_in_the_middle() {
        assert_eq!(LEFT & RIGHT, 0);
        assert_eq!(LEFT.count_ones(), RIGHT.count_ones());
        // In the order of the mask: the sides of the eighteen speakers that the format names.
        let sides = "LRC-LRLRCLRCLCRLCR";
        for (bit, side) in sides.chars().enumerate() {
            let found = match 1u32 << bit {
                LOW_FREQUENCY => '-',
                speaker if speaker & LEFT != 0 => 'L',
                speaker if speaker & RIGHT != 0 => 'R',
                _ => 'C',
            };
            assert_eq!(found, side, "speaker {bit}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let shape = Shape { rate: 8000, channels: 4, speakers: 0 };
        let problem = Mix::new(SourceFormat::Wav, shape, 2).unwrap_err();
        assert!(problem.to_string().contains("cannot tell left from right"), "{problem}");
        for channels in [0, 4] {
            assert!(Mix::new(SourceFormat::Wav, shape, channels).unwrap().is_plain());
        }
    }
}
