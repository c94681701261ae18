//! From a drawing to the bytes of an image file, in each of the formats that the harbour shows off.
//!
//! The encoders write into memory and are given images whose sizes fit, so none of them can fail.

use image::codecs::bmp::BmpEncoder;
use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::qoi::QoiEncoder;
use image::codecs::tga::TgaEncoder;
use image::{Delay, ExtendedColorType, Frame, ImageEncoder, RgbaImage};

use super::canvas::Canvas;
use super::palette::Ink;

const IN_MEMORY: &str = "encoding into memory, with a buffer of the image's size, does not fail";

fn size(canvas: &Canvas) -> (u32, u32) {
    (canvas.width().cast_unsigned(), canvas.height().cast_unsigned())
}

fn rgba(canvas: &Canvas) -> Vec<u8> {
    canvas.pixels().concat()
}

fn rgb(canvas: &Canvas) -> Vec<u8> {
    canvas.pixels().iter().flat_map(|ink| [ink[0], ink[1], ink[2]]).collect()
}

/// The colours of an indexed PNG, as red, green and blue, and their alphas.
struct PngPalette {
    colors: Vec<u8>,
    alphas: Vec<u8>,
}

/// What a PNG says of its pixels.
struct PngForm {
    width: u32,
    height: u32,
    color: png::ColorType,
    depth: png::BitDepth,
    palette: Option<PngPalette>,
}

fn write_png(form: PngForm, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, form.width, form.height);
    encoder.set_color(form.color);
    encoder.set_depth(form.depth);
    encoder.set_compression(png::Compression::High);
    if let Some(PngPalette { colors, alphas }) = form.palette {
        encoder.set_palette(colors);
        encoder.set_trns(alphas);
    }
    let mut writer = encoder.write_header().expect(IN_MEMORY);
    writer.write_image_data(data).expect(IN_MEMORY);
    writer.finish().expect(IN_MEMORY);
    out
}

/// PNG with 8 bits a channel and alpha.
pub(super) fn png(canvas: &Canvas) -> Vec<u8> {
    let (width, height) = size(canvas);
    let form =
        PngForm { width, height, color: png::ColorType::Rgba, depth: png::BitDepth::Eight, palette: None };
    write_png(form, &rgba(canvas))
}

/// PNG with a palette, in the order in which the colours occur.
pub(super) fn png_indexed(canvas: &Canvas) -> Vec<u8> {
    let mut palette: Vec<Ink> = Vec::new();
    let mut indices = Vec::with_capacity(canvas.pixels().len());
    for ink in canvas.pixels() {
        let index = palette.iter().position(|known| known == ink).unwrap_or_else(|| {
            palette.push(*ink);
            palette.len() - 1
        });
        indices.push(u8::try_from(index).expect("the harbour's palette is far below 256 colours"));
    }
    let colors: Vec<u8> = palette.iter().flat_map(|ink| [ink[0], ink[1], ink[2]]).collect();
    let alphas: Vec<u8> = palette.iter().map(|ink| ink[3]).collect();
    let (width, height) = size(canvas);
    let form = PngForm {
        width,
        height,
        color: png::ColorType::Indexed,
        depth: png::BitDepth::Eight,
        palette: Some(PngPalette { colors, alphas }),
    };
    write_png(form, &indices)
}

/// PNG in grey, 8 bits; `values` row by row.
pub(super) fn png_grey(values: &[u8], width: u32) -> Vec<u8> {
    let height = values.len() as u32 / width;
    let form = PngForm {
        width,
        height,
        color: png::ColorType::Grayscale,
        depth: png::BitDepth::Eight,
        palette: None,
    };
    write_png(form, values)
}

/// PNG in grey, 16 bits; `values` row by row.
pub(super) fn png_grey16(values: &[u16], width: u32) -> Vec<u8> {
    let height = values.len() as u32 / width;
    let form = PngForm {
        width,
        height,
        color: png::ColorType::Grayscale,
        depth: png::BitDepth::Sixteen,
        palette: None,
    };
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    write_png(form, &bytes)
}

/// BMP, opaque.
pub(super) fn bmp(canvas: &Canvas) -> Vec<u8> {
    let (width, height) = size(canvas);
    let mut out = Vec::new();
    BmpEncoder::new(&mut out).encode(&rgb(canvas), width, height, ExtendedColorType::Rgb8).expect(IN_MEMORY);
    out
}

/// QOI, opaque.
pub(super) fn qoi(canvas: &Canvas) -> Vec<u8> {
    let (width, height) = size(canvas);
    let mut out = Vec::new();
    QoiEncoder::new(&mut out)
        .write_image(&rgb(canvas), width, height, ExtendedColorType::Rgb8)
        .expect(IN_MEMORY);
    out
}

/// TGA with alpha, not compressed: the encoder's runs cross the ends of rows, which some readers refuse.
pub(super) fn tga(canvas: &Canvas) -> Vec<u8> {
    let (width, height) = size(canvas);
    let mut out = Vec::new();
    TgaEncoder::new(&mut out)
        .disable_rle()
        .encode(&rgba(canvas), width, height, ExtendedColorType::Rgba8)
        .expect(IN_MEMORY);
    out
}

/// GIF that shows `frames` in turn, for ever.
pub(super) fn gif(frames: &[Canvas]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = GifEncoder::new(&mut out);
    encoder.set_repeat(Repeat::Infinite).expect(IN_MEMORY);
    for canvas in frames {
        let (width, height) = size(canvas);
        let pixels = RgbaImage::from_raw(width, height, rgba(canvas)).expect(IN_MEMORY);
        let delay = Delay::from_numer_denom_ms(140, 1);
        encoder.encode_frame(Frame::from_parts(pixels, 0, 0, delay)).expect(IN_MEMORY);
    }
    drop(encoder);
    out
}
