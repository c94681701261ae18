//! Making a picture smaller: every pixel of the result is the mean of the area that it covers.
//!
//! All arithmetic is on whole numbers, so the result is the same on every machine: areas are counted in units in which
//! every overlap is whole, and each mean is rounded once, half up. Colours are weighted by alpha, so that what is
//! transparent does not bleed; where a whole area is transparent its colour is the plain mean. The stored values are
//! averaged as they are, without conversion to linear light.

use super::pixels::{self, Pixels};
use super::problem::ImageProblem;

/// The size of a picture whose longer side may have at most `most` pixels (0: any number), in the same proportion.
pub(crate) fn target(width: u32, height: u32, most: u32) -> (u32, u32) {
    let longer = width.max(height);
    if most == 0 || longer <= most {
        return (width, height);
    }
    let scale = |side: u32| {
        let (side, most, longer) = (u64::from(side), u64::from(most), u64::from(longer));
        // At most `most`, which is a u32, because no side is longer than the longer one.
        ((side * most + longer / 2) / longer).max(1) as u32
    };
    (scale(width), scale(height))
}

/// The picture at a size that is at most its own in both directions.
pub(super) fn shrink(source: &Pixels, width: u32, height: u32) -> Result<Pixels, ImageProblem> {
    let mut rgba = pixels::buffer(u64::from(width) * u64::from(height) * 4)?;
    let columns: Vec<Cover> = (0..width).map(|x| Cover::new(x, width, source.width)).collect();
    let stride = source.width as usize * 4;
    let mut target = rgba.as_chunks_mut::<4>().0.iter_mut();
    for y in 0..height {
        let rows = Cover::new(y, height, source.height);
        for columns in &columns {
            let mut sum = Sum::default();
            for (row, row_weight) in rows.weights() {
                let row = &source.rgba[row * stride..][..stride];
                for (column, column_weight) in columns.weights() {
                    sum.add(&row[column * 4..][..4], row_weight * column_weight);
                }
            }
            *target.next().expect("the buffer has one place for each pixel") = sum.mean();
        }
    }
    Ok(Pixels { width, height, rgba })
}

/// The source pixels, in one direction, that one pixel of the result covers.
///
/// With a source pixel as long as `small` units, and a pixel of the result as long as `large`, all ends are whole.
pub(crate) struct Cover {
    start: u64,
    end: u64,
    small: u64,
}

impl Cover {
    pub(crate) fn new(index: u32, small: u32, large: u32) -> Self {
        let (index, small, large) = (u64::from(index), u64::from(small), u64::from(large));
        Self { start: index * large, end: (index + 1) * large, small }
    }

    /// The index of each source pixel, and how many units of it are covered.
    pub(crate) fn weights(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let first = self.start / self.small;
        let last = (self.end - 1) / self.small;
        (first..=last).map(|index| {
            let from = self.start.max(index * self.small);
            let to = self.end.min((index + 1) * self.small);
            (index as usize, to - from)
        })
    }
}

/// Sums of one area. The largest, alpha times colour times area, is below 2^16 times the pixels of the source, which
/// were in memory, so it fits.
#[derive(Default)]
struct Sum {
    area: u64,
    alpha: u64,
    colour: [u64; 3],
    plain: [u64; 3],
}

impl Sum {
    fn add(&mut self, pixel: &[u8], area: u64) {
        let alpha = u64::from(pixel[3]) * area;
        self.area += area;
        self.alpha += alpha;
        for (channel, value) in pixel[..3].iter().enumerate() {
            self.colour[channel] += u64::from(*value) * alpha;
            self.plain[channel] += u64::from(*value) * area;
        }
    }

    fn mean(&self) -> [u8; 4] {
        let round = |sum: u64, count: u64| ((sum + count / 2) / count) as u8;
        let colour = if self.alpha == 0 {
            self.plain.map(|sum| round(sum, self.area))
        } else {
            self.colour.map(|sum| round(sum, self.alpha))
        };
        [colour[0], colour[1], colour[2], round(self.alpha, self.area)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32, values: &[u8]) -> Pixels {
        Pixels { width, height, rgba: values.iter().flat_map(|v| [*v, *v, *v, 255]).collect() }
    }

    #[test]
    fn the_longer_side_is_bounded_and_the_proportion_kept() {
        assert_eq!(target(100, 50, 0), (100, 50));
        assert_eq!(target(100, 50, 100), (100, 50));
        assert_eq!(target(100, 50, 64), (64, 32));
        assert_eq!(target(50, 99, 10), (5, 10));
        assert_eq!(target(1000, 1, 10), (10, 1));
        assert_eq!(target(u32::MAX, u32::MAX - 1, u32::MAX - 2), (u32::MAX - 2, u32::MAX - 3));
    }

    #[test]
    fn a_pixel_is_the_mean_of_its_area() {
        let source = grey(4, 2, &[0, 10, 20, 31, 2, 12, 22, 33]);
        assert_eq!(shrink(&source, 2, 1).unwrap(), grey(2, 1, &[6, 27]));
        // 3 to 2: each pixel covers one whole and half of the middle one.
        assert_eq!(shrink(&grey(3, 1, &[0, 30, 90]), 2, 1).unwrap(), grey(2, 1, &[10, 70]));
        assert_eq!(shrink(&source, 4, 2).unwrap(), source);
        let flat = grey(7, 5, &[77; 35]);
        assert_eq!(shrink(&flat, 3, 2).unwrap(), grey(3, 2, &[77; 6]));
    }

    #[test]
    fn transparent_pixels_do_not_bleed() {
        let rgba = vec![200, 100, 0, 255, 0, 255, 255, 0];
        let source = Pixels { width: 2, height: 1, rgba };
        assert_eq!(shrink(&source, 1, 1).unwrap().rgba, [200, 100, 0, 128]);
        let source = Pixels { width: 2, height: 1, rgba: vec![10, 20, 30, 0, 20, 40, 60, 0] };
        assert_eq!(shrink(&source, 1, 1).unwrap().rgba, [15, 30, 45, 0]);
    }
}
