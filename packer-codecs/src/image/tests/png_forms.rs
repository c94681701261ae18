//! PNG: every colour type, depth and interlacing, with and without `tRNS`.

use packer_domain::diagnostic::{DiagnosticCode, Severity};

use super::{Bake, ImageCodec, bake, picture, refusal, write};

/// Colour types with the depths that each may have.
const FORMS: [(u8, &[u8]); 5] =
    [(0, &[1, 2, 4, 8, 16]), (2, &[8, 16]), (3, &[1, 2, 4, 8]), (4, &[8, 16]), (6, &[8, 16])];

/// Samples that take many values of any depth, the ends included.
fn sample(depth: u8) -> impl Fn(u32, u32, u32) -> u16 {
    let most = ((1u32 << depth) - 1) as u16;
    move |x, y, c| match (x + y) % 5 {
        0 => 0,
        1 => most,
        _ => (x.wrapping_mul(40503) ^ y.wrapping_mul(30011) ^ c.wrapping_mul(10007)) as u16 & most,
    }
}

/// The nearest 8-bit value, computed as a float.
fn scaled(value: u16, depth: u8) -> u8 {
    (f64::from(value) * 255.0 / f64::from((1u32 << depth) - 1)).round() as u8
}

fn palette() -> Vec<[u8; 3]> {
    (0..=255).map(|v: u8| [v, v.wrapping_mul(7), 255 - v]).collect()
}

#[test]
fn every_form_decodes_to_its_pixels() {
    let mut forms = 0;
    for (color, depths) in FORMS {
        for depth in depths.iter().copied() {
            for interlaced in [false, true] {
                for (width, height) in [(1, 1), (2, 3), (9, 1), (1, 9), (13, 11)] {
                    let sample = sample(depth);
                    let palette = if color == 3 { palette()[..1 << depth].to_vec() } else { Vec::new() };
                    let file = write::png(width, height, color, depth, interlaced, &palette, None, &sample);
                    let (got_width, got_height, pixels) = bake("a.png", &file);
                    assert_eq!((got_width, got_height), (width, height));
                    for (at, pixel) in (0u32..).zip(&pixels) {
                        let (x, y) = (at % width, at / width);
                        let s = |channel| scaled(sample(x, y, channel), depth);
                        let expected = match color {
                            0 => [s(0), s(0), s(0), 255],
                            2 => [s(0), s(1), s(2), 255],
                            3 => {
                                let [r, g, b] = palette[usize::from(sample(x, y, 0))];
                                [r, g, b, 255]
                            }
                            4 => [s(0), s(0), s(0), s(1)],
                            _ => [s(0), s(1), s(2), s(3)],
                        };
                        assert_eq!(*pixel, expected, "type {color} depth {depth} {interlaced} at {x},{y}");
                    }
                    forms += 1;
                }
            }
        }
    }
    assert_eq!(forms, 15 * 2 * 5);
}

#[test]
fn a_transparent_colour_is_compared_before_it_is_scaled() {
    for interlaced in [false, true] {
        for depth in [1, 2, 4, 8, 16] {
            // Two greys that become one 8-bit value differ all the same.
            let key: u16 = if depth == 16 { 0x8001 } else { 1 };
            let values = [key, key - 1, 0];
            let sample = |x: u32, _, _| values[x as usize];
            let trns = key.to_be_bytes();
            let file = write::png(3, 1, 0, depth, interlaced, &[], Some(&trns), &sample);
            let (_, _, pixels) = bake("a.png", &file);
            let alphas: Vec<u8> = pixels.iter().map(|pixel| pixel[3]).collect();
            assert_eq!(alphas, [0, 255, 255], "depth {depth}");
            assert_eq!(pixels[0][0], scaled(key, depth), "the colour of a transparent pixel is kept");
        }
    }
    let sample = |x: u32, _, c: u32| [[1, 2, 3], [1, 2, 4]][x as usize][c as usize];
    let (_, _, pixels) =
        bake("a.png", &write::png(2, 1, 2, 8, false, &[], Some(&[0, 1, 0, 2, 0, 3]), &sample));
    assert_eq!(pixels, [[1, 2, 3, 0], [1, 2, 4, 255]]);
    let sample = |x: u32, _, c: u32| [[1, 2, 0x303], [1, 2, 0x304]][x as usize][c as usize];
    let (_, _, pixels) =
        bake("a.png", &write::png(2, 1, 2, 16, false, &[], Some(&[0, 1, 0, 2, 3, 3]), &sample));
    assert_eq!(pixels, [[0, 0, 3, 0], [0, 0, 3, 255]]);
}

#[test]
fn a_palette_may_have_fewer_alphas_than_colours() {
    let colours = [[10, 0, 0], [20, 0, 0], [30, 0, 0]];
    let file = write::png(3, 1, 3, 2, false, &colours, Some(&[0, 128]), &|x, _, _| x as u16);
    let (_, _, pixels) = bake("a.png", &file);
    assert_eq!(pixels, [[10, 0, 0, 0], [20, 0, 0, 128], [30, 0, 0, 255]]);
}

#[test]
fn an_index_beyond_the_palette_is_black_and_said() {
    for interlaced in [false, true] {
        let file = write::png(3, 3, 3, 4, interlaced, &[[9, 9, 9], [8, 8, 8]], None, &|x, _, _| x as u16);
        let baked = Bake::new(&ImageCodec::new(), "a.png", &file).ok();
        let (_, _, pixels) = picture(&baked);
        assert_eq!(pixels[..3], [[9, 9, 9, 255], [8, 8, 8, 255], [0, 0, 0, 255]]);
        let [finding] = baked.findings.as_slice() else { panic!("{:?}", baked.findings) };
        assert_eq!((finding.code, finding.severity), (DiagnosticCode::BakeDecode, Severity::Warning));
        assert_eq!(
            finding.message,
            "3 pixels have an index beyond the palette of 2 colours; they become black"
        );
    }
}

#[test]
fn a_file_that_ends_early_says_how_far_it_came() {
    let file = write::png(4, 64, 6, 8, false, &[], None, &|x, y, _| (x + y) as u16);
    let message = refusal("a.png", &file[..400]);
    assert!(
        message.starts_with("the PNG ends after ")
            && message.ends_with(" of 64 rows of image data (truncated)")
    );
    // A sound file, with fewer rows than its header declares.
    let mut short = write::PNG_SIGNATURE.to_vec();
    short.extend(write::png_header(1, 9, 0, 8, false));
    short.extend(write::chunk(b"IDAT", &write::zlib(&[0, 1, 0, 2])));
    short.extend(write::chunk(b"IEND", b""));
    assert!(refusal("a.png", &short).starts_with("the PNG is damaged: "), "{}", refusal("a.png", &short));
}

#[test]
fn image_data_with_a_wrong_checksum_is_damaged() {
    let file = write::png(4, 4, 0, 8, false, &[], None, &|x, _, _| x as u16);
    let at = file.windows(4).rposition(|window| window == b"IDAT").unwrap();
    let mut bad = file.clone();
    let length = u32::from_be_bytes(bad[at - 4..at].try_into().unwrap()) as usize;
    bad[at + 4 + length] ^= 1;
    assert!(
        refusal("a.png", &bad).starts_with("the PNG is damaged: CRC error"),
        "{}",
        refusal("a.png", &bad)
    );
    // Nothing after the image data matters.
    assert_eq!(bake("a.png", &file[..file.len() - 12]), bake("a.png", &file));
}
