//! At most 256 colours: exactly the picture's own where it has no more, else the best of a deterministic search.
//!
//! The search is Wu's variance-based cutting of boxes (X. Wu, "Color Quantization by Dynamic Programming and Principal
//! Analysis", 1992) over all distinct colours, in whole numbers: the box with the largest squared error is cut at the mean of its
//! worst channel until there are 256. Each colour then takes the nearest entry. Errors are measured on premultiplied
//! colours, so that what is barely visible counts little; alpha is a fourth channel. No dithering.
//!
//! `quantette`, the well-kept crate for this, knows no alpha and computes in SIMD floats, whose results differ where
//! the machine fuses multiplication and addition.
//!
//! Allocates 4 bytes for each pixel, and at most 56 for each distinct colour.

use std::collections::BTreeSet;

use super::pixels::premultiplied;

/// The most colours.
pub(super) const MAX_COLOURS: usize = 256;

/// A palette and one index into it for each pixel.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Indexed {
    /// From 1 to 256 colours, in the order of their bytes.
    pub(super) palette: Vec<[u8; 4]>,
    pub(super) indices: Vec<u8>,
}

/// Finds the palette of at least one pixel.
pub(super) fn index(pixels: &[[u8; 4]]) -> Indexed {
    if let Some(palette) = exact(pixels) {
        let indices = pixels.iter().map(|pixel| position(&palette, *pixel)).collect();
        return Indexed { palette, indices };
    }
    let colours = histogram(pixels);
    let palette = search(&colours);
    let seen: Vec<[u8; 4]> = palette.iter().map(|entry| premultiplied(*entry)).collect();
    let nearest: Vec<u8> = colours.iter().map(|colour| nearest(&seen, colour.seen)).collect();
    let indices = pixels
        .iter()
        .map(|pixel| {
            let place = colours.binary_search_by(|colour| colour.own.cmp(&merged(*pixel)));
            nearest[place.expect("the histogram has every colour of the picture")]
        })
        .collect();
    Indexed { palette, indices }
}

/// All colours in order, if they are few enough.
fn exact(pixels: &[[u8; 4]]) -> Option<Vec<[u8; 4]>> {
    let mut colours = BTreeSet::new();
    let mut last = None;
    for pixel in pixels {
        if last != Some(pixel) {
            colours.insert(*pixel);
            last = Some(pixel);
            if colours.len() > MAX_COLOURS {
                return None;
            }
        }
    }
    Some(colours.into_iter().collect())
}

fn position(palette: &[[u8; 4]], pixel: [u8; 4]) -> u8 {
    palette.binary_search(&pixel).expect("the palette has every colour of the picture") as u8
}

/// One distinct colour.
#[derive(Clone, Copy)]
struct Colour {
    /// As it is in the picture.
    own: [u8; 4],
    /// As it is seen: premultiplied.
    seen: [u8; 4],
    count: u64,
}

/// What cannot be seen is one colour.
fn merged(pixel: [u8; 4]) -> [u8; 4] {
    if pixel[3] == 0 { [0; 4] } else { pixel }
}

fn histogram(pixels: &[[u8; 4]]) -> Vec<Colour> {
    let mut sorted: Vec<[u8; 4]> = pixels.iter().map(|pixel| merged(*pixel)).collect();
    sorted.sort_unstable();
    sorted
        .chunk_by(|a, b| a == b)
        .map(|run| Colour { own: run[0], seen: premultiplied(run[0]), count: run.len() as u64 })
        .collect()
}

/// A palette for more than one colour: distinct, in order.
fn search(colours: &[Colour]) -> Vec<[u8; 4]> {
    let mut boxes = vec![ColourBox::new(colours.to_vec())];
    while boxes.len() < MAX_COLOURS {
        // The first of the worst, so that equal errors have one answer.
        let worst =
            (0..boxes.len()).rev().max_by_key(|at| boxes[*at].error).expect("there is always one box");
        if boxes[worst].error == 0 {
            break;
        }
        let (low, high) = boxes.swap_remove(worst).cut();
        boxes.push(low);
        boxes.push(high);
    }
    let palette: BTreeSet<[u8; 4]> = boxes.iter().map(ColourBox::mean).collect();
    palette.into_iter().collect()
}

/// Colours that share one entry of the palette.
struct ColourBox {
    colours: Vec<Colour>,
    /// The largest squared error of a channel.
    error: u128,
    /// That channel.
    channel: usize,
    /// The mean of that channel, rounded down.
    mean: u8,
}

impl ColourBox {
    fn new(colours: Vec<Colour>) -> Self {
        let (mut count, mut sums, mut squares) = (0u128, [0u128; 4], [0u128; 4]);
        for colour in &colours {
            let weight = u128::from(colour.count);
            count += weight;
            for channel in 0..4 {
                let value = u128::from(colour.seen[channel]);
                sums[channel] += weight * value;
                squares[channel] += weight * value * value;
            }
        }
        // Rounded up, so that only a box without an error has none.
        let errors: [u128; 4] = std::array::from_fn(|channel| {
            (count * squares[channel] - sums[channel] * sums[channel]).div_ceil(count)
        });
        let channel = (0..4).rev().max_by_key(|channel| errors[*channel]).expect("there are four channels");
        Self { error: errors[channel], channel, mean: (sums[channel] / count) as u8, colours }
    }

    /// The colours up to the mean, and those beyond. A box with an error has both.
    fn cut(self) -> (Self, Self) {
        let (low, high) = self.colours.into_iter().partition(|colour| colour.seen[self.channel] <= self.mean);
        (Self::new(low), Self::new(high))
    }

    /// The mean colour, weighted by alpha.
    fn mean(&self) -> [u8; 4] {
        let (mut count, mut alpha, mut sums) = (0u128, 0u128, [0u128; 3]);
        for Colour { own, count: weight, .. } in &self.colours {
            let weight = u128::from(*weight);
            count += weight;
            alpha += weight * u128::from(own[3]);
            for channel in 0..3 {
                sums[channel] += weight * u128::from(own[3]) * u128::from(own[channel]);
            }
        }
        let round = |sum: u128, count: u128| (sum + count / 2).checked_div(count).unwrap_or(0) as u8;
        [round(sums[0], alpha), round(sums[1], alpha), round(sums[2], alpha), round(alpha, count)]
    }
}

/// The entry that is nearest to a colour, both premultiplied; the first of equals.
fn nearest(palette: &[[u8; 4]], seen: [u8; 4]) -> u8 {
    let distance = |entry: &[u8; 4]| -> u32 {
        entry.iter().zip(seen).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let best = palette.iter().enumerate().min_by_key(|(_, entry)| distance(entry));
    best.map_or(0, |(at, _)| at as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_are_kept_exactly_and_in_order() {
        let pixels: Vec<[u8; 4]> = (0..=255u8).rev().flat_map(|v| [[v, 1, 2, v], [v, 1, 2, v]]).collect();
        let indexed = index(&pixels);
        assert!(indexed.palette.is_sorted() && indexed.palette.len() == 256);
        for (pixel, at) in pixels.iter().zip(&indexed.indices) {
            assert_eq!(*pixel, indexed.palette[usize::from(*at)]);
        }
        // What cannot be seen keeps its own colour here: exact is exact.
        assert_eq!(index(&[[1, 2, 3, 0], [0; 4]]).palette, [[0; 4], [1, 2, 3, 0]]);
    }

    /// A picture of 64 x 64 colours, four steps apart.
    fn gradient(alpha: impl Fn(u8, u8) -> u8) -> Vec<[u8; 4]> {
        let places = (0..64u8).flat_map(|y| (0..64u8).map(move |x| (x * 4, y * 4)));
        places.map(|(x, y)| [x, y, 128, alpha(x, y)]).collect()
    }

    #[test]
    fn many_colours_become_256_near_ones() {
        let pixels = gradient(|_, _| 255);
        let indexed = index(&pixels);
        assert_eq!(indexed, index(&pixels));
        assert!(indexed.palette.is_sorted() && indexed.palette.len() == 256);
        // 256 entries for a 64 x 64 plane: a perfect grid has cells of 4 x 4, whose mean squared error is 40.
        let error: u64 = pixels
            .iter()
            .zip(&indexed.indices)
            .flat_map(|(pixel, at)| {
                pixel
                    .iter()
                    .zip(indexed.palette[usize::from(*at)])
                    .map(|(a, b)| u64::from(a.abs_diff(b)).pow(2))
            })
            .sum();
        assert!(error / 4096 < 46, "mean squared error {}", error / 4096);
    }

    #[test]
    fn the_result_does_not_depend_on_the_order_of_pixels() {
        let pixels = gradient(|x, y| x ^ y);
        let mut reversed = pixels.clone();
        reversed.reverse();
        let (a, b) = (index(&pixels), index(&reversed));
        assert_eq!(a.palette, b.palette);
        assert!(a.indices.iter().eq(b.indices.iter().rev()));
    }

    #[test]
    fn what_cannot_be_seen_takes_one_entry() {
        let pixels = gradient(|x, _| if x < 200 { 0 } else { 255 });
        let indexed = index(&pixels);
        assert_eq!(indexed.palette[0], [0; 4]);
        assert_eq!(indexed.palette.iter().filter(|entry| entry[3] == 0).count(), 1);
        assert!(pixels.iter().zip(&indexed.indices).all(|(pixel, at)| (pixel[3] == 0) == (*at == 0)));
    }

    #[test]
    fn one_rare_colour_beyond_256_is_not_lost_to_a_crash() {
        let pixels: Vec<[u8; 4]> = (0..257u16).map(|v| [(v % 256) as u8, (v / 256) as u8, 0, 255]).collect();
        let indexed = index(&pixels);
        assert!(indexed.palette.len() <= 256 && indexed.indices.len() == 257);
    }
}
