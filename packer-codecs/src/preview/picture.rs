//! Thumbnails: every pixel is the mean of the area that it covers, in linear light.
//!
//! What `max_size` of the kind does is another thing: that averages stored values, and is part of what is baked. Here the
//! mean is what a screen shows from far away. Stored values are taken for sRGB. Sums are whole numbers, so equal payloads
//! have equal thumbnails on every machine; colours are weighted by alpha. The result has plain alpha, also of a picture whose
//! colours are multiplied by it.

use packer_domain::limits::Limits;
use packer_pack::payload::image::{ImagePixels, ImageView};

use super::PreviewError;
use crate::image::decoded;
use crate::image::scale::{Cover, target};

/// A picture made small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// `width * height * 4` bytes: red, green, blue and alpha, row by row from the top; sRGB, not multiplied by alpha.
    pub rgba: Vec<u8>,
    /// The picture's own width in pixels.
    pub full_width: u32,
    /// The picture's own height in pixels.
    pub full_height: u32,
}

/// The picture with a longer side of `max_edge` at the most, in the same proportion.
pub(super) fn thumbnail(
    view: &ImageView<'_>,
    limits: &Limits,
    max_edge: u32,
) -> Result<Thumbnail, PreviewError> {
    let (width, height) = (view.info.width, view.info.height);
    let light = Light::new();
    let premultiplied = view.info.premultiplied;
    let plain = |pixel: [u8; 4]| if premultiplied { divided(pixel) } else { pixel };
    match view.pixels {
        ImagePixels::Rgba8(rgba) => {
            let pixels = rgba.as_chunks::<4>().0;
            Ok(shrunk((width, height), max_edge, &light, |at| plain(pixels[at])))
        }
        ImagePixels::Indexed8 { palette, indices, .. } => {
            Ok(shrunk((width, height), max_edge, &light, |at| plain(palette[usize::from(indices[at])])))
        }
        ImagePixels::Source { format, file } => {
            let failed = |message: String| PreviewError::Decode { message };
            let pixels = decoded(file, format, limits).map_err(|error| failed(error.to_string()))?;
            let size = (pixels.width, pixels.height);
            if size != (width, height) {
                return Err(failed(format!(
                    "the file has {} x {} pixels, and its payload says {width} x {height}",
                    size.0, size.1
                )));
            }
            let pixels = pixels.rgba.as_chunks::<4>().0;
            Ok(shrunk(size, max_edge, &light, |at| pixels[at]))
        }
    }
}

/// A picture of which `pixel` gives the pixels, row by row.
fn shrunk(full: (u32, u32), max_edge: u32, light: &Light, pixel: impl Fn(usize) -> [u8; 4]) -> Thumbnail {
    let (width, height) = target(full.0, full.1, max_edge);
    let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
    if (width, height) == full {
        (0..width as usize * height as usize).for_each(|at| rgba.extend(pixel(at)));
    } else {
        let columns: Vec<Cover> = (0..width).map(|x| Cover::new(x, width, full.0)).collect();
        for y in 0..height {
            let rows = Cover::new(y, height, full.1);
            for columns in &columns {
                let mut sum = Sum::default();
                for (row, row_weight) in rows.weights() {
                    for (column, column_weight) in columns.weights() {
                        let at = row * full.0 as usize + column;
                        sum.add(light, pixel(at), row_weight * column_weight);
                    }
                }
                rgba.extend(sum.mean(light));
            }
        }
    }
    Thumbnail { width, height, rgba, full_width: full.0, full_height: full.1 }
}

/// A pixel whose colours were multiplied by its alpha, with its colours again.
fn divided([r, g, b, a]: [u8; 4]) -> [u8; 4] {
    let divide = |value: u8| match a {
        0 => 0,
        a => ((u32::from(value) * 255 + u32::from(a) / 2) / u32::from(a)).min(255) as u8,
    };
    [divide(r), divide(g), divide(b), a]
}

/// The light of each stored value, in 65,535ths of full light: the transfer function of sRGB (IEC 61966-2-1).
struct Light([u16; 256]);

impl Light {
    #[expect(clippy::cast_sign_loss, reason = "no light is negative")]
    fn new() -> Self {
        let of = |value: usize| {
            let stored = f64::from(value as u8) / 255.0;
            let light =
                if stored <= 0.040_45 { stored / 12.92 } else { libm::pow((stored + 0.055) / 1.055, 2.4) };
            libm::round(light * 65_535.0) as u16
        };
        Self(std::array::from_fn(of))
    }

    /// The stored value that is nearest to this much light.
    fn stored(&self, light: u16) -> u8 {
        let above = self.0.partition_point(|known| *known < light).min(255);
        let below = above.saturating_sub(1);
        let is_lower = light.abs_diff(self.0[below]) < light.abs_diff(self.0[above]);
        (if is_lower { below } else { above }) as u8
    }
}

/// Sums of one area. The largest, light times alpha times area, is below 2^24 times the pixels of the whole picture; of
/// these a payload has fewer than 2^40.
#[derive(Default)]
struct Sum {
    area: u64,
    alpha: u64,
    colour: [u64; 3],
    plain: [u64; 3],
}

impl Sum {
    fn add(&mut self, light: &Light, [r, g, b, a]: [u8; 4], area: u64) {
        let alpha = u64::from(a) * area;
        self.area += area;
        self.alpha += alpha;
        for (channel, value) in [r, g, b].into_iter().enumerate() {
            let light = u64::from(light.0[usize::from(value)]);
            self.colour[channel] += light * alpha;
            self.plain[channel] += light * area;
        }
    }

    /// The mean; where all of the area is transparent, its colour is the plain mean.
    fn mean(&self, light: &Light) -> [u8; 4] {
        let round = |sum: u64, count: u64| (sum + count / 2) / count;
        let of = |sums: [u64; 3], count: u64| sums.map(|sum| light.stored(round(sum, count) as u16));
        let [r, g, b] = if self.alpha == 0 { of(self.plain, self.area) } else { of(self.colour, self.alpha) };
        [r, g, b, round(self.alpha, self.area) as u8]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_value_has_its_own_light_and_is_found_again() {
        let light = Light::new();
        assert_eq!((light.0[0], light.0[255]), (0, 65_535));
        assert!(light.0.is_sorted_by(|a, b| a < b));
        for value in 0..=255_u8 {
            assert_eq!(light.stored(light.0[usize::from(value)]), value);
        }
    }

    #[test]
    fn half_light_is_no_half_value() {
        // Black and white side by side are as bright as 188, not as 128.
        let made = shrunk((2, 1), 1, &Light::new(), |at| [[0, 0, 0, 255], [255, 255, 255, 255]][at]);
        assert_eq!((made.width, made.height, made.rgba), (1, 1, vec![188, 188, 188, 255]));
    }

    #[test]
    fn what_is_transparent_does_not_bleed() {
        let pixels = [[255, 0, 0, 0], [0, 255, 0, 255]];
        let made = shrunk((2, 1), 1, &Light::new(), |at| pixels[at]);
        assert_eq!(made.rgba, [0, 255, 0, 128]);
        let gone = shrunk((2, 1), 1, &Light::new(), |_| [9, 8, 7, 0]);
        assert_eq!(gone.rgba, [9, 8, 7, 0]);
    }

    #[test]
    fn colours_that_were_multiplied_are_divided() {
        assert_eq!(divided([64, 0, 128, 128]), [128, 0, 255, 128]);
        assert_eq!(divided([1, 2, 3, 0]), [0, 0, 0, 0]);
        // What no multiplying gives is cut, not wrapped.
        assert_eq!(divided([255, 9, 9, 10]), [255, 230, 230, 10]);
    }
}
