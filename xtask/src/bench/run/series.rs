//! Samples of several runs, and what is said of them: medians, and ratios with how far they spread.

use super::measure::Sample;

/// The samples of one contender, a round each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Series {
    samples: Vec<Sample>,
}

/// A middle and how far single rounds were from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Series {
    pub(super) fn push(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// The seconds of every round.
    pub(super) fn seconds(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.seconds).collect()
    }

    /// The largest peak of memory of any round, in bytes.
    pub(super) fn peak_bytes(&self) -> u64 {
        self.samples.iter().map(|sample| sample.peak_bytes).max().unwrap_or(0)
    }
}

impl Spread {
    /// Of `values`, of which there is at least one.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Self { median, min: sorted[0], max: sorted[sorted.len() - 1] }
    }

    /// How many times as long as `peer` the packer took: the ratio of the medians, and the least and the greatest
    /// ratio of one round.
    pub(super) fn ratio(packer: &[f64], peer: &[f64]) -> Self {
        let rounds: Vec<f64> = packer.iter().zip(peer).map(|(packer, peer)| packer / peer).collect();
        let rounds = Self::of(&rounds);
        let median = Self::of(packer).median / Self::of(peer).median;
        Self { median, min: rounds.min.min(median), max: rounds.max.max(median) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let spread = |values: &[f64]| {
            let Spread { median, min, max } = Spread::of(values);
            format!("{min} {median} {max}")
        };
        assert_eq!(spread(&[3.0, 1.0, 100.0]), "1 3 100");
        assert_eq!(spread(&[4.0, 1.0, 2.0, 100.0]), "1 3 100");
        assert_eq!(spread(&[5.0]), "5 5 5");
    }

    #[test]
    fn a_ratio_is_of_medians_and_spreads_by_rounds() {
        let ratio = Spread::ratio(&[1.0, 2.0, 9.0], &[2.0, 4.0, 3.0]);
        assert!((ratio.median - 2.0 / 3.0).abs() < 1e-12, "{ratio:?}");
        assert!((ratio.min - 0.5).abs() < 1e-12 && (ratio.max - 3.0).abs() < 1e-12, "{ratio:?}");
    }
}
