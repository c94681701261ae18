//! Tests of the kind `image`: pictures of every form, written by hand so that no encoder shares a mistake with its
//! decoder, against pixels computed from the same samples in another way.

#![expect(
    clippy::many_single_char_names,
    reason = "places and channels have the letters that formats give them"
)]
#![expect(
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "samples are small, and signs are written on purpose"
)]
#![expect(clippy::needless_for_each, reason = "writing the parts of a file reads best as one line each")]

mod formats;
mod hostile;
mod png_forms;
mod settings;
mod write;

use packer_domain::codec::Baked;
use packer_pack::payload::image::{ImagePixels, ImageView};

use super::ImageCodec;
use crate::fixture::Bake;

/// Width, height, and the pixels in rows.
type Picture = (u32, u32, Vec<[u8; 4]>);

fn picture(baked: &Baked) -> Picture {
    let view = ImageView::parse(baked.encoding, &baked.payload).unwrap();
    let pixels = match view.pixels {
        ImagePixels::Rgba8(bytes) => bytes.as_chunks::<4>().0.to_vec(),
        ImagePixels::Indexed8 { palette, indices, .. } => {
            indices.iter().map(|index| palette[usize::from(*index)]).collect()
        }
        ImagePixels::Source { .. } => panic!("the source has no pixels"),
    };
    (view.info.width, view.info.height, pixels)
}

/// Bakes with default settings what must bake without findings.
#[track_caller]
fn bake(name: &str, bytes: &[u8]) -> Picture {
    let baked = Bake::new(&ImageCodec::new(), name, bytes).ok();
    assert_eq!(baked.findings, []);
    picture(&baked)
}

/// The one message of what must not bake.
#[track_caller]
fn refusal(name: &str, bytes: &[u8]) -> String {
    Bake::new(&ImageCodec::new(), name, bytes).message()
}

/// One small file of each format and of the forms that take other ways through a decoder.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let colour = |x: u32, y: u32| [(x * 40) as u8, (y * 70) as u8, 99, if x == 1 { 0 } else { 200 }];
    let grey = |x: u32, y: u32, _| (x * 3 + y) as u16;
    let wave: Vec<i16> = vec![-100, 50, 0, 90, 127, -128];
    vec![
        ("grey2.png", write::png(5, 4, 0, 2, false, &[], None, &grey)),
        (
            "interlaced.png",
            write::png(6, 5, 6, 8, true, &[], None, &|x, y, c| (x * 9 + y * 17 + c * 3) as u16),
        ),
        (
            "indexed.png",
            write::png(5, 4, 3, 4, false, &[[1, 2, 3]; 16], Some(&[9, 8]), &|x, y, _| (x + y) as u16),
        ),
        ("24.bmp", write::bmp24(5, 4, false, &colour)),
        ("8.bmp", write::bmp8(5, 4, &[[1, 2, 3], [4, 5, 6]], &|x, y| ((x + y) % 2) as u8)),
        ("rle.bmp", write::bmp_rle8(4, 2, &[[1, 2, 3], [4, 5, 6]], &[4, 1, 0, 0, 0, 4, 0, 1, 0, 1, 0, 1])),
        ("skips.bmp", write::bmp_rle8(4, 3, &[[0, 0, 0], [4, 5, 6]], &[2, 0, 0, 2, 1, 1, 1, 1, 0, 1])),
        ("masks.bmp", {
            let mut file = write::bmp_header(2, 2, 32, 3, &[]);
            [0x3ff << 22, 0x7ff << 11, 0x7ff_u32].iter().for_each(|mask| file.extend(mask.to_le_bytes()));
            file[10..14].copy_from_slice(&66u32.to_le_bytes());
            file.extend((0..16).map(|at: u8| at * 16));
            file
        }),
        ("32.tga", write::tga32(5, 4, 0x28, &colour)),
        ("rle.tga", write::tga_rle24(6, 1, &[(4, [1, 2, 3]), (2, [4, 5, 6])])),
        (
            "a.gif",
            write::gif((5, 4), (0, 0, 5, 4), &[[1, 2, 3], [4, 5, 6]], Some(1), false, &|x, y| {
                ((x + y) % 2) as u8
            }),
        ),
        ("a.qoi", encoded(image::ImageFormat::Qoi)),
        ("lossless.webp", encoded(image::ImageFormat::WebP)),
        ("lossy.webp", formats::LOSSY_WEBP.to_vec()),
        ("animated.webp", formats::ANIMATED_WEBP.to_vec()),
        ("grey.jpg", write::jpeg(24, 16, 1, false, &wave)),
        ("colour.jpg", write::jpeg(16, 8, 3, false, &wave)),
        ("progressive.jpg", write::jpeg(16, 8, 3, true, &wave)),
    ]
}

/// A picture with some noise, by an encoder of the `image` crate: for formats whose encoding is too much for a test.
fn encoded(format: image::ImageFormat) -> Vec<u8> {
    let (width, height, pixels) = noise();
    let bytes: Vec<u8> = pixels.into_iter().flatten().collect();
    let mut file = std::io::Cursor::new(Vec::new());
    image::write_buffer_with_format(&mut file, &bytes, width, height, image::ColorType::Rgba8, format)
        .unwrap();
    file.into_inner()
}

fn noise() -> Picture {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    // Runs and single pixels, opaque and transparent, with colours of their own.
    let pixels = (0..63).flat_map(|at| vec![[next(), next(), next(), next()]; 1 + at % 3]).take(99).collect();
    (11, 9, pixels)
}
