//! PNG in all its colour types, depths and interlacings, by the `png` crate; the first image of an APNG.
//!
//! The crate inflates and unfilters rows; what samples mean is decided here: depths below 8 are spread over 0 to 255,
//! 16-bit samples are rounded to the nearest 8-bit ones (`(v * 255 + 32767) / 65535`, not cut off), and `tRNS` makes
//! alpha. Checksums of critical chunks must be right. Texts, colour profiles and gamma are passed over, so nothing
//! compressed but the image data is inflated. A file may end as soon as all rows are there, without `IEND`.

use std::io::{Cursor, ErrorKind};

use packer_pack::payload::image::SourceFormat;
use png::{BitDepth, ColorType, Decoder, DecodingError};

use super::{Decoded, Gate, tidy, work_bytes};
use crate::image::pixels::{self, Pixels};
use crate::image::problem::ImageProblem;

const FORMAT: SourceFormat = SourceFormat::Png;

/// The most bytes that deflate makes of one.
const MAX_INFLATION: u64 = 1032;

/// First column, first row, and the steps, of each pass of Adam7.
const PASSES: [[u32; 4]; 7] =
    [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

pub(super) fn decode(bytes: &[u8], gate: &Gate<'_>) -> Result<Decoded, ImageProblem> {
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(|error| problem(&error, None, (1, 1)))?;
    let (width, height) = gate.admit(u64::from(info.width), u64::from(info.height))?;
    let size = (width, height);
    let row_bits = u64::from(width) * info.bits_per_pixel() as u64;
    let raw = row_bits.div_ceil(8) * u64::from(height);
    // Deflate cannot make so much of so little, so there is no need to find out.
    if raw > bytes.len() as u64 * MAX_INFLATION {
        return Err(ImageProblem::Truncated { format: FORMAT });
    }
    // Chunks are buffered, and no chunk that is there is longer than the file.
    let most = work_bytes(width, height).saturating_add(bytes.len() as u64 * 2);
    decoder.set_limits(png::Limits { bytes: usize::try_from(most).unwrap_or(usize::MAX) });
    let mut reader = decoder.read_info().map_err(|error| problem(&error, None, size))?;

    let info = reader.info();
    if let Some(frame) = info.frame_control.filter(|frame| (frame.width, frame.height) != size) {
        let reason = format!("its image data is {} x {}, not {width} x {height}", frame.width, frame.height);
        return Err(ImageProblem::Damaged { format: FORMAT, reason });
    }
    let places = if info.interlaced { interlaced(width, height) } else { vec![WHOLE] };
    let mut samples = Samples::new(info)?;
    let of = places.iter().map(|place| u64::from(place.rows(height))).sum();
    let mut rgba = pixels::buffer(u64::from(width) * u64::from(height) * 4)?;
    let image = rgba.as_chunks_mut::<4>().0;
    let mut line = vec![[0; 4]; width as usize];
    let mut rows = 0;
    for place in &places {
        for y in (place.y..height).step_by(place.y_step as usize) {
            let row = reader.next_row().map_err(|error| problem(&error, Some((rows, of)), size))?;
            let Some(row) = row else {
                return Err(ImageProblem::TruncatedRows { format: FORMAT, rows, of });
            };
            let line = &mut line[..place.columns(width) as usize];
            samples.convert(row.data(), line);
            let target = &mut image[y as usize * width as usize..][..width as usize];
            let target = target[place.x as usize..].iter_mut().step_by(place.x_step as usize);
            target.zip(line).for_each(|(target, pixel)| *target = *pixel);
            rows += 1;
        }
    }
    // What is left is the checksum of the image data, and whatever follows it.
    match reader.next_row() {
        Err(DecodingError::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(problem(&error, None, size)),
        Ok(_) => {}
    }
    Ok(Decoded { pixels: Pixels { width, height, rgba }, notes: samples.notes() })
}

fn problem(error: &DecodingError, rows: Option<(u64, u64)>, (width, height): (u32, u32)) -> ImageProblem {
    let format = FORMAT;
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => match rows {
            Some((rows, of)) => ImageProblem::TruncatedRows { format, rows, of },
            None => ImageProblem::Truncated { format },
        },
        DecodingError::LimitsExceeded => ImageProblem::DecoderMemory { format, width, height },
        other => ImageProblem::Damaged { format, reason: tidy(&other.to_string()) },
    }
}

/// Where the pixels of one pass go.
struct Place {
    x: u32,
    y: u32,
    x_step: u32,
    y_step: u32,
}

impl Place {
    fn columns(&self, width: u32) -> u32 {
        width.saturating_sub(self.x).div_ceil(self.x_step)
    }

    fn rows(&self, height: u32) -> u32 {
        height.saturating_sub(self.y).div_ceil(self.y_step)
    }
}

/// The only pass of a picture that is not interlaced.
const WHOLE: Place = Place { x: 0, y: 0, x_step: 1, y_step: 1 };

/// The passes that have pixels.
fn interlaced(width: u32, height: u32) -> Vec<Place> {
    let places =
        PASSES.iter().map(|[x, y, x_step, y_step]| Place { x: *x, y: *y, x_step: *x_step, y_step: *y_step });
    places.filter(|place| place.columns(width) > 0 && place.rows(height) > 0).collect()
}

/// What the samples of a row mean.
struct Samples {
    color: ColorType,
    depth: BitDepth,
    /// The palette, with alpha.
    palette: Vec<[u8; 4]>,
    /// The one colour that is transparent, for colour types without alpha.
    key: Option<Vec<u16>>,
    /// How many pixels have an index beyond the palette.
    beyond: u64,
}

impl Samples {
    fn new(info: &png::Info<'_>) -> Result<Self, ImageProblem> {
        let (color, depth) = (info.color_type, info.bit_depth);
        let damaged = |reason: &str| ImageProblem::Damaged { format: FORMAT, reason: reason.to_owned() };
        let transparency = info.trns.as_deref();
        let mut palette: Vec<[u8; 4]> = Vec::new();
        let mut key = None;
        if color == ColorType::Indexed {
            let entries =
                info.palette.as_deref().ok_or_else(|| damaged("it is indexed and has no palette"))?;
            palette = entries.as_chunks::<3>().0.iter().map(|[r, g, b]| [*r, *g, *b, 255]).collect();
            for (entry, alpha) in palette.iter_mut().zip(transparency.unwrap_or_default()) {
                entry[3] = *alpha;
            }
        } else {
            // The crate hands the key over with as many bytes a sample as rows have.
            key = transparency.map(|bytes| match depth {
                BitDepth::Sixteen => {
                    bytes.as_chunks::<2>().0.iter().map(|b| u16::from_be_bytes(*b)).collect()
                }
                _ => bytes.iter().map(|byte| u16::from(*byte)).collect(),
            });
        }
        Ok(Self { color, depth, palette, key, beyond: 0 })
    }

    fn convert(&mut self, row: &[u8], line: &mut [[u8; 4]]) {
        // The two forms that most pictures have need no arithmetic.
        if self.depth == BitDepth::Eight && self.key.is_none() {
            if self.color == ColorType::Rgba {
                line.iter_mut().zip(row.as_chunks::<4>().0).for_each(|(pixel, rgba)| *pixel = *rgba);
                return;
            }
            if self.color == ColorType::Rgb {
                let pixels = row.as_chunks::<3>().0.iter().map(|[r, g, b]| [*r, *g, *b, 255]);
                line.iter_mut().zip(pixels).for_each(|(target, pixel)| *target = pixel);
                return;
            }
        }
        match self.depth {
            BitDepth::Eight => self.pixels(row.iter().map(|byte| u16::from(*byte)), |v| v as u8, line),
            BitDepth::Sixteen => {
                let samples = row.as_chunks::<2>().0.iter().map(|bytes| u16::from_be_bytes(*bytes));
                self.pixels(samples, narrow, line);
            }
            BitDepth::One | BitDepth::Two | BitDepth::Four => {
                let bits = u32::from(self.depth as u8);
                let most = (1u16 << bits) - 1;
                let samples = row.iter().flat_map(|byte| {
                    let shifts = (0..8 / bits).map(move |at| 8 - bits * (at + 1));
                    shifts.map(move |shift| u16::from(*byte) >> shift & most)
                });
                // 1, 3 and 15 divide 255, so this is exact.
                self.pixels(samples, |v| (v * (255 / most)) as u8, line);
            }
        }
    }

    fn pixels(
        &mut self,
        mut samples: impl Iterator<Item = u16>,
        scale: impl Fn(u16) -> u8,
        line: &mut [[u8; 4]],
    ) {
        let mut next = || samples.next().unwrap_or(0);
        let alpha_of = |pixel: &[u16]| if self.key.as_deref() == Some(pixel) { 0 } else { 255 };
        match self.color {
            ColorType::Grayscale => {
                for pixel in line {
                    let v = next();
                    let grey = scale(v);
                    *pixel = [grey, grey, grey, alpha_of(&[v])];
                }
            }
            ColorType::GrayscaleAlpha => {
                for pixel in line {
                    let grey = scale(next());
                    *pixel = [grey, grey, grey, scale(next())];
                }
            }
            ColorType::Rgb => {
                for pixel in line {
                    let rgb = [next(), next(), next()];
                    *pixel = [scale(rgb[0]), scale(rgb[1]), scale(rgb[2]), alpha_of(&rgb)];
                }
            }
            ColorType::Rgba => {
                for pixel in line {
                    *pixel = [scale(next()), scale(next()), scale(next()), scale(next())];
                }
            }
            ColorType::Indexed => {
                for pixel in line {
                    *pixel = self.palette.get(usize::from(next())).copied().unwrap_or_else(|| {
                        self.beyond += 1;
                        [0, 0, 0, 255]
                    });
                }
            }
        }
    }

    fn notes(&self) -> Vec<String> {
        if self.beyond == 0 {
            return Vec::new();
        }
        let (pixels, colours) = (self.beyond, self.palette.len());
        vec![format!(
            "{pixels} pixels have an index beyond the palette of {colours} colours; they become black"
        )]
    }
}

/// The nearest 8-bit sample.
fn narrow(sample: u16) -> u8 {
    ((u32::from(sample) * 255 + 32767) / 65535) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_round_to_the_nearest() {
        for sample in 0..=u16::MAX {
            let exact = f64::from(sample) * 255.0 / 65535.0;
            assert!((f64::from(narrow(sample)) - exact).abs() <= 0.5, "{sample}");
        }
        for byte in 0..=255u8 {
            assert_eq!(narrow(u16::from(byte) * 257), byte);
        }
    }

    #[test]
    fn passes_cover_each_pixel_once() {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (5, 3), (8, 8), (17, 13)] {
            let mut seen = vec![0; (width * height) as usize];
            for place in interlaced(width, height) {
                for y in (place.y..height).step_by(place.y_step as usize) {
                    let columns: Vec<u32> = (place.x..width).step_by(place.x_step as usize).collect();
                    assert_eq!(columns.len(), place.columns(width) as usize);
                    for x in columns {
                        seen[(y * width + x) as usize] += 1;
                    }
                }
            }
            assert!(seen.iter().all(|count| *count == 1), "{width} x {height}");
        }
    }
}
