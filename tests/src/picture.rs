//! Pictures for tests: small PNG files, different for each seed, and a file of each format that the codecs read.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use png::{BitDepth, ColorType};

/// A PNG of `side` × `side` pixels.
pub fn png(side: u32, seed: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let value = (x * 31 + y * 17 + seed * 7919).to_le_bytes();
            pixels.extend_from_slice(&[value[0], value[1], (x ^ y ^ seed).to_le_bytes()[0], 255]);
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(ColorType::Rgba);
    let mut writer = encoder.write_header().expect("memory can be written");
    writer.write_image_data(&pixels).expect("memory can be written");
    writer.finish().expect("memory can be written");
    file
}

/// The beginning of a PNG, and nothing of its pixels.
pub fn broken_png() -> Vec<u8> {
    let mut file = png(8, 1);
    file.truncate(40);
    file
}

/// A small file of each of the other formats, and of the forms that a PNG can have, with its name.
pub fn formats() -> Vec<(&'static str, Vec<u8>)> {
    let rgba = |x: u32, y: u32| Rgba([x as u8 * 40, y as u8 * 50, 99, 255 - x as u8 * 9]);
    let picture = DynamicImage::from(RgbaImage::from_fn(5, 4, rgba));
    let opaque = DynamicImage::from(picture.to_rgb8());
    let grey = DynamicImage::from(picture.to_luma8());
    let encoded = |picture: &DynamicImage, format| {
        let mut file = Cursor::new(Vec::new());
        picture
            .write_to(&mut file, format)
            .expect("the format takes these pixels, and memory can be written");
        file.into_inner()
    };
    let mut files = vec![
        ("rgb.bmp", encoded(&opaque, ImageFormat::Bmp)),
        ("rgba.bmp", encoded(&picture, ImageFormat::Bmp)),
        ("grey.bmp", encoded(&grey, ImageFormat::Bmp)),
        ("rgba.tga", encoded(&picture, ImageFormat::Tga)),
        ("grey.tga", encoded(&grey, ImageFormat::Tga)),
        ("rgba.gif", encoded(&picture, ImageFormat::Gif)),
        ("rgba.qoi", encoded(&picture, ImageFormat::Qoi)),
        ("rgb.qoi", encoded(&opaque, ImageFormat::Qoi)),
        ("rgba.webp", encoded(&picture, ImageFormat::WebP)),
        ("rgb.jpg", encoded(&opaque, ImageFormat::Jpeg)),
        ("grey.jpg", encoded(&grey, ImageFormat::Jpeg)),
        ("lossy.webp", LOSSY_WEBP.to_vec()),
    ];
    for (name, colour, depth) in [
        ("grey1.png", ColorType::Grayscale, BitDepth::One),
        ("grey16.png", ColorType::Grayscale, BitDepth::Sixteen),
        ("grey-alpha.png", ColorType::GrayscaleAlpha, BitDepth::Eight),
        ("rgb16.png", ColorType::Rgb, BitDepth::Sixteen),
        ("indexed2.png", ColorType::Indexed, BitDepth::Two),
    ] {
        files.push((name, png_of(colour, depth)));
    }
    files
}

/// A PNG of 5 × 3 pixels of this colour type and depth.
fn png_of(colour: ColorType, depth: BitDepth) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 5, 3);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == ColorType::Indexed {
        encoder.set_palette(vec![1, 2, 3, 250, 20, 30, 4, 255, 6, 77, 88, 99]);
        encoder.set_trns(vec![255, 0]);
    }
    let bits = colour.samples() * (depth as usize) * 5;
    let pixels: Vec<u8> = (0..bits.div_ceil(8) * 3).map(|n| (n * 37) as u8).collect();
    let mut writer = encoder.write_header().expect("memory can be written");
    writer.write_image_data(&pixels).expect("memory can be written");
    writer.finish().expect("memory can be written");
    file
}

/// 2 × 2 pixels near (200, 100, 50), lossy.
#[rustfmt::skip]
const LOSSY_WEBP: &[u8] = &[
    0x52, 0x49, 0x46, 0x46, 0x3e, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38, 0x20, 0x32,
    0x00, 0x00, 0x00, 0xd0, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x02, 0x00, 0x02, 0x00, 0x00, 0xc0, 0x12, 0x25,
    0xa0, 0x02, 0x74, 0xba, 0x01, 0xf8, 0x00, 0x03, 0xb0, 0x00, 0xfe, 0xda, 0x26, 0xff, 0xee, 0xf3, 0x7e,
    0xd3, 0xd7, 0xb4, 0xf5, 0xfd, 0x4c, 0xff, 0xf8, 0xca, 0x9f, 0x20, 0x3f, 0xe3, 0x2a, 0x7f, 0xc5, 0xcc,
    0x00, 0x00,
];
