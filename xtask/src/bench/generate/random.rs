//! Numbers for generated projects: the same from the same seed, on every machine.
//!
//! The generator is `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Nothing
//! here is meant to be secret. No function of the system's mathematical library is used, since their last bits differ
//! between machines; the four operations of floating point do not.

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The bytes that half of all files do not exceed.
const MEDIAN_BYTES: f64 = 1024.0;

/// Standard deviation of a size's binary logarithm. Sizes are then log-normal, and their mean is three times the median:
/// `sqrt(2 ln 3) / ln 2`.
const SPREAD: f64 = 2.138_5;

/// No file is smaller.
const MIN_BYTES: u64 = 24;

/// No file is larger.
const MAX_BYTES: u64 = 1 << 20;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// The stream of `seed` and whatever it is for: other keys give unrelated streams.
    pub(super) fn new(seed: u64, key: u64) -> Self {
        Self { state: mix(seed ^ mix(key.wrapping_add(STEP))) }
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number below `end`, which is not zero. Its bias is below 2⁻³² for the small ends that are asked for here.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        (wide >> 64) as u64
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// The size of a file: log-normal around a median of 1 KiB, with a mean of about 3 KiB, and bounded.
    pub(super) fn size(&mut self) -> u64 {
        // The sum of twelve uniform numbers, less six, is close to normal (Irwin and Hall), and exact.
        let sum: u64 = (0..12).map(|_| self.next() >> 40).sum();
        let normal = as_f64(sum) / as_f64(1 << 24) - 6.0;
        let bytes = MEDIAN_BYTES * power_of_two(normal * SPREAD);
        #[expect(clippy::cast_sign_loss, reason = "a power of two times a thousand is positive")]
        let bytes = bytes as u64;
        bytes.clamp(MIN_BYTES, MAX_BYTES)
    }
}

/// `number`, which is below 2⁵³, as a floating point number.
#[expect(clippy::cast_precision_loss, reason = "callers give numbers below 2⁵³")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

/// 2 to the `exponent`, within one part in a thousand; for small exponents, which are counted down.
fn power_of_two(exponent: f64) -> f64 {
    let (mut rest, mut scale) = (exponent, 1.0);
    while rest >= 1.0 {
        (rest, scale) = (rest - 1.0, scale * 2.0);
    }
    while rest < 0.0 {
        (rest, scale) = (rest + 1.0, scale * 0.5);
    }
    // A cubic through 1 at 0 and 2 at 1, and near the curve in between.
    scale * (1.0 + rest * (0.695_976 + rest * (0.224_940 + rest * 0.079_084)))
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // The first numbers of SplitMix64 from the state 1234567.
        let mut random = Random { state: 1_234_567 };
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn sizes_have_the_median_and_the_tail_that_are_promised() {
        let mut sizes: Vec<u64> = (0..40_000).map(|key| Random::new(1, key).size()).collect();
        sizes.sort_unstable();
        let median = sizes[sizes.len() / 2];
        let mean = sizes.iter().sum::<u64>() / sizes.len() as u64;
        assert!((950..1100).contains(&median), "median {median}");
        assert!((2700..3400).contains(&mean), "mean {mean}");
        assert!(
            sizes[0] < 40 && sizes[sizes.len() - 1] > 100_000,
            "{} to {}",
            sizes[0],
            sizes[sizes.len() - 1]
        );
    }

    #[test]
    fn powers_of_two_are_near_enough() {
        for tenths in -190_i32..190 {
            let exponent = f64::from(tenths) / 10.0;
            let ratio = power_of_two(exponent) / exponent.exp2();
            assert!((ratio - 1.0).abs() < 0.001, "2^{exponent}: {ratio}");
        }
    }

    #[test]
    fn numbers_stay_below_their_end_and_reach_all_of_it() {
        let mut random = Random::new(9, 9);
        let mut seen = [0; 7];
        (0..700).for_each(|_| seen[random.below(7) as usize] += 1);
        assert!(seen.iter().all(|times| (60..140).contains(times)), "{seen:?}");
    }
}
