//! All formats but PNG.

use packer_domain::diagnostic::{DiagnosticCode, Severity};

use super::{Bake, ImageCodec, bake, encoded, noise, picture, refusal, write};

/// 2 x 2 pixels near (200, 100, 50), lossy.
pub(super) const LOSSY_WEBP: &[u8] = &[
    0x52, 0x49, 0x46, 0x46, 0x3e, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38, 0x20, 0x32,
    0x00, 0x00, 0x00, 0xd0, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x02, 0x00, 0x02, 0x00, 0x00, 0xc0, 0x12, 0x25,
    0xa0, 0x02, 0x74, 0xba, 0x01, 0xf8, 0x00, 0x03, 0xb0, 0x00, 0xfe, 0xda, 0x26, 0xff, 0xee, 0xf3, 0x7e,
    0xd3, 0xd7, 0xb4, 0xf5, 0xfd, 0x4c, 0xff, 0xf8, 0xca, 0x9f, 0x20, 0x3f, 0xe3, 0x2a, 0x7f, 0xc5, 0xcc,
    0x00, 0x00,
];

/// 3 x 2, two frames: red with a transparent first pixel, then green; the background hint is opaque grey.
pub(super) const ANIMATED_WEBP: &[u8] = &[
    0x52, 0x49, 0x46, 0x46, 0x86, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38, 0x58, 0x0a,
    0x00, 0x00, 0x00, 0x12, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x01, 0x00, 0x00, 0x41, 0x4e, 0x49, 0x4d,
    0x06, 0x00, 0x00, 0x00, 0x09, 0x09, 0x09, 0xff, 0x00, 0x00, 0x41, 0x4e, 0x4d, 0x46, 0x2a, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
    0x56, 0x50, 0x38, 0x4c, 0x12, 0x00, 0x00, 0x00, 0x2f, 0x02, 0x40, 0x00, 0x10, 0x0f, 0x10, 0xf3, 0x1f,
    0xf3, 0x1f, 0x8c, 0x1b, 0x1c, 0x44, 0xf4, 0x3f, 0x04, 0x41, 0x4e, 0x4d, 0x46, 0x28, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x56,
    0x50, 0x38, 0x4c, 0x0f, 0x00, 0x00, 0x00, 0x2f, 0x02, 0x40, 0x00, 0x00, 0x07, 0xd0, 0xff, 0x88, 0xfe,
    0x07, 0x22, 0xa2, 0xff, 0x01, 0x00,
];

fn colour(x: u32, y: u32) -> [u8; 4] {
    [(x * 50) as u8, (y * 60) as u8, (x * y) as u8, (x * 30 + 7) as u8]
}

fn pixels(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<[u8; 4]> {
    (0..width * height).map(|at| pixel(at % width, at / width)).collect()
}

fn opaque(x: u32, y: u32) -> [u8; 4] {
    let [r, g, b, _] = colour(x, y);
    [r, g, b, 255]
}

#[test]
fn bmp_in_its_depths_and_directions() {
    for top_down in [false, true] {
        assert_eq!(bake("a.bmp", &write::bmp24(5, 3, top_down, &colour)), (5, 3, pixels(5, 3, opaque)));
    }
    let palette = [[1, 2, 3], [40, 50, 60], [7, 8, 9], [255, 0, 128]];
    let entry = |x: u32, y: u32| {
        let [r, g, b] = palette[((x + 2 * y) % 4) as usize];
        [r, g, b, 255]
    };
    assert_eq!(
        bake("a.bmp", &write::bmp8(7, 3, &palette, &|x, y| ((x + 2 * y) % 4) as u8)),
        (7, 3, pixels(7, 3, entry))
    );
    for (bits, colours) in [(4u32, 4u32), (1, 2)] {
        let mut file = write::bmp_header(7, 3, bits as u16, 0, &palette[..colours as usize]);
        write::bmp_rows(&mut file, 3, false, &|y| {
            let indices: Vec<u32> = (0..8).map(|x| if x < 7 { (x + 2 * y) % colours } else { 0 }).collect();
            indices
                .chunks(8 / bits as usize)
                .map(|run| run.iter().fold(0, |byte, at| byte << bits | *at as u8))
                .collect()
        });
        let expected = |x: u32, y: u32| {
            let [r, g, b] = palette[((x + 2 * y) % colours) as usize];
            [r, g, b, 255]
        };
        assert_eq!(bake("a.bmp", &file), (7, 3, pixels(7, 3, expected)), "{bits} bits");
    }
    // 32 bits without a mask for alpha: the fourth byte means nothing.
    let mut file = write::bmp_header(4, 2, 32, 0, &[]);
    write::bmp_rows(&mut file, 2, false, &|y| {
        (0..4)
            .flat_map(|x| {
                let [r, g, b, a] = colour(x, y);
                [b, g, r, a]
            })
            .collect()
    });
    assert_eq!(bake("a.bmp", &file), (4, 2, pixels(4, 2, opaque)));
    // 5 bits a channel round to the nearest.
    let mut file = write::bmp_header(32, 1, 16, 0, &[]);
    write::bmp_rows(&mut file, 1, false, &|_| {
        (0..32u16).flat_map(|v| (v << 10 | v << 5 | v).to_le_bytes()).collect()
    });
    let (_, _, got) = bake("a.bmp", &file);
    for (v, pixel) in (0u8..).zip(got) {
        let grey = (f64::from(v) * 255.0 / 31.0).round() as u8;
        assert_eq!(pixel, [grey, grey, grey, 255]);
    }
    // So do more than 8 bits, in both directions.
    for top_down in [false, true] {
        let height = if top_down { -2 } else { 2 };
        let mut file = write::bmp_header(1024, height, 32, 3, &[]);
        [0x3ff << 22, 0x7ff << 11, 0x7ff_u32].iter().for_each(|mask| file.extend(mask.to_le_bytes()));
        file[10..14].copy_from_slice(&66u32.to_le_bytes());
        write::bmp_rows(&mut file, 2, top_down, &|y| {
            (0..1024u32).flat_map(|v| (v << 22 | (v * 2 + y) << 11 | (2047 - v)).to_le_bytes()).collect()
        });
        let nearest = |v: u32, most: f64| (f64::from(v) * 255.0 / most).round() as u8;
        let expected =
            |x: u32, y: u32| [nearest(x, 1023.0), nearest(x * 2 + y, 2047.0), nearest(2047 - x, 2047.0), 255];
        assert_eq!(bake("a.bmp", &file), (1024, 2, pixels(1024, 2, expected)), "{top_down}");
    }
    let rle = write::bmp_rle8(4, 2, &palette, &[4, 1, 0, 0, 0, 4, 2, 3, 0, 1, 0, 1]);
    let [a, b, c, d] = palette.map(|[r, g, b]| [r, g, b, 255]);
    assert_eq!(bake("a.bmp", &rle), (4, 2, vec![c, d, a, b, b, b, b, b]));
}

#[test]
fn what_a_bmp_skips_is_transparent_and_its_black_is_not() {
    let palette = [[0, 0, 0], [40, 50, 60]];
    let [black, grey, none] = [[0, 0, 0, 255], [40, 50, 60, 255], [0; 4]];
    // From the bottom: a row that ends early, a jump over two pixels into the next row, and an end two rows early.
    let data = [2, 0, 0, 0, 1, 1, 0, 2, 2, 1, 1, 0, 0, 0, 0, 1];
    let (_, _, got) = bake("a.bmp", &write::bmp_rle8(4, 5, &palette, &data));
    let rows = [[none; 4], [none; 4], [none, none, none, black], [grey, none, none, none]];
    assert_eq!(got[..16], *rows.as_flattened());
    assert_eq!(got[16..], [black, black, none, none]);
    // The same indices in four bits.
    let mut file = write::bmp_header(4, 1, 4, 2, &palette);
    file.extend_from_slice(&[2, 0x01, 0, 1]);
    assert_eq!(bake("a.bmp", &file).2, [black, grey, none, none]);
    // An index beyond the palette is drawn, if with no colour of its own.
    assert_eq!(bake("a.bmp", &write::bmp_rle8(2, 1, &palette, &[1, 9, 0, 1])).2, [black, none]);

    let top_down = write::bmp_header(2, -1, 8, 1, &palette);
    assert_eq!(
        refusal("a.bmp", &top_down),
        "the BMP is damaged: it is run-length encoded from top to bottom, which the format does not allow"
    );
}

#[test]
fn tga_in_its_depths_and_directions() {
    for corner in [0x00, 0x10, 0x20, 0x30] {
        for alpha_bits in [0, 8] {
            let file = write::tga32(5, 3, corner | alpha_bits, &colour);
            assert_eq!(bake("a.tga", &file), (5, 3, pixels(5, 3, colour)), "{corner:x} {alpha_bits}");
        }
    }
    let mut grey = write::tga_header(3, 3, 1, 8, 0x20);
    grey.extend_from_slice(&[0, 100, 255]);
    assert_eq!(bake("a.tga", &grey).2, [[0, 0, 0, 255], [100, 100, 100, 255], [255; 4]]);
    let mut indexed = write::tga_header(1, 3, 1, 8, 0x20);
    indexed[1] = 1;
    indexed[5] = 2;
    indexed[7] = 24;
    indexed.extend_from_slice(&[3, 2, 1, 6, 5, 4, 0, 1, 0]);
    assert_eq!(bake("a.tga", &indexed).2, [[1, 2, 3, 255], [4, 5, 6, 255], [1, 2, 3, 255]]);
    // A run may go on in the next row.
    let rle = write::tga_rle24(2, 2, &[(3, [1, 2, 3]), (1, [4, 5, 6])]);
    assert_eq!(bake("a.tga", &rle).2, [[1, 2, 3, 255], [1, 2, 3, 255], [1, 2, 3, 255], [4, 5, 6, 255]]);
    let deep = write::tga_header(11, 1, 1, 32, 0x20);
    assert_eq!(refusal("a.tga", &deep), "the TGA has grey pixels of 32 bits, which is not supported");
    indexed[18 + 6] = 9;
    assert_eq!(refusal("a.tga", &indexed), "the TGA is damaged: Invalid color map index");
}

#[test]
fn gif_is_its_first_frame_on_a_transparent_canvas() {
    let palette: Vec<[u8; 3]> = (0..=255).map(|v: u8| [v, 255 - v, v / 2]).collect();
    let index = |x: u32, y: u32| (x * 17 + y * 5) as u8;
    let entry = |index: u8, transparent: Option<u8>| {
        let [r, g, b] = palette[usize::from(index)];
        [r, g, b, if transparent == Some(index) { 0 } else { 255 }]
    };
    for transparent in [None, Some(17)] {
        for interlaced in [false, true] {
            let file = write::gif((23, 19), (0, 0, 23, 19), &palette, transparent, interlaced, &index);
            assert_eq!(
                bake("a.gif", &file),
                (23, 19, pixels(23, 19, |x, y| entry(index(x, y), transparent))),
                "{transparent:?} {interlaced}"
            );
        }
    }
    let file = write::gif((4, 3), (1, 1, 2, 1), &palette, None, false, &index);
    let expected =
        |x: u32, y: u32| if y == 1 && (1..3).contains(&x) { entry(index(x - 1, 0), None) } else { [0; 4] };
    assert_eq!(bake("a.gif", &file), (4, 3, pixels(4, 3, expected)));
}

#[test]
fn what_of_a_gif_frame_is_beyond_its_canvas_is_cut_off_and_said() {
    let palette = [[1, 2, 3], [4, 5, 6]];
    let frame = |frame| write::gif((4, 3), frame, &palette, Some(9), false, &|_, _| 1);
    for within in [(0, 0, 4, 3), (3, 2, 1, 1)] {
        bake("a.gif", &frame(within));
    }
    for (beyond, wide, place) in [((2, 0, 3, 3), "3 x 3", "2, 0"), ((0, 1, 4, 3), "4 x 3", "0, 1")] {
        let baked = Bake::new(&ImageCodec::new(), "a.gif", &frame(beyond)).ok();
        assert_eq!(baked.findings.len(), 1);
        assert_eq!(
            (baked.findings[0].code, baked.findings[0].severity),
            (DiagnosticCode::BakeDecode, Severity::Warning)
        );
        assert_eq!(
            baked.findings[0].message,
            format!(
                "the GIF has 4 x 3 pixels, and its first frame of {wide} at {place} reaches beyond them; what is \
                 beyond is cut off"
            )
        );
        let (width, height, got) = picture(&baked);
        assert_eq!((width, height), (4, 3));
        let covered = |x: u32, y: u32| x >= u32::from(beyond.0) && y >= u32::from(beyond.1);
        let expected = |x, y| if covered(x, y) { [4, 5, 6, 255] } else { [0; 4] };
        assert_eq!(got, pixels(4, 3, expected));
    }
}

#[test]
fn qoi_and_lossless_webp_are_exact() {
    assert_eq!(bake("a.qoi", &encoded(image::ImageFormat::Qoi)), noise());
    assert_eq!(bake("a.webp", &encoded(image::ImageFormat::WebP)), noise());
}

#[test]
fn lossy_and_animated_webp_decode() {
    assert_eq!(bake("a.webp", LOSSY_WEBP), (2, 2, vec![[201, 100, 50, 255]; 4]));
    let red = [255, 0, 0, 255];
    assert_eq!(bake("a.webp", ANIMATED_WEBP), (3, 2, vec![[0; 4], red, red, red, red, red]));
}

#[test]
fn jpeg_blocks_have_their_colours() {
    let values = [-128, -100, -1, 0, 60, 127];
    for progressive in [false, true] {
        let (width, height, got) = bake("a.jpg", &write::jpeg(24, 16, 1, progressive, &values));
        let grey = |x: u32, y: u32| (128 + values[(y / 8 * 3 + x / 8) as usize]) as u8;
        assert_eq!((width, height), (24, 16));
        assert_eq!(
            got,
            pixels(24, 16, |x, y| {
                let v = grey(x, y);
                [v, v, v, 255]
            }),
            "{progressive}"
        );

        let (_, _, got) = bake("a.jpeg", &write::jpeg(16, 5, 3, progressive, &[20, -30, 50, -60, 10, 0]));
        for (at, pixel) in (0u32..).zip(got) {
            let (y, cb, cr) = if at % 16 < 8 { (148.0, -30.0, 50.0) } else { (68.0, 10.0, 0.0) };
            let expected = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
            for (got, expected) in pixel.iter().zip(expected) {
                let expected: f64 = expected;
                assert!((f64::from(*got) - expected.clamp(0.0, 255.0)).abs() <= 1.0, "{pixel:?} at {at}");
            }
        }
    }
    let file = write::jpeg(24, 16, 1, false, &values);
    let refused = "the JPEG ends before its image is complete (truncated)";
    assert_eq!(refusal("a.jpg", &file[..file.len() - 2]), refused);
    let mut arithmetic = file;
    arithmetic[72] = 0xc9;
    assert_eq!(refusal("a.jpg", &arithmetic), "the JPEG has arithmetic coding, which is not supported");
}

#[test]
fn content_goes_before_the_extension_and_the_difference_is_said() {
    let file = write::bmp24(2, 2, false, &colour);
    for (name, message) in [
        ("a.png", Some("the content is BMP, though the name promises PNG")),
        ("a.JPG", Some("the content is BMP, though the name promises JPEG")),
        ("a.bmp", None),
        ("a.img", None),
        ("a", None),
    ] {
        let baked = Bake::new(&ImageCodec::new(), name, &file).ok();
        assert_eq!(picture(&baked).2, pixels(2, 2, opaque));
        let messages: Vec<&str> = baked.findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(messages, message.into_iter().collect::<Vec<_>>(), "{name}");
        for finding in baked.findings {
            assert_eq!(
                (finding.code, finding.severity),
                (DiagnosticCode::BakeContentMismatch, Severity::Info)
            );
        }
    }
}

#[test]
fn other_formats_are_named_and_refused() {
    let finding = &Bake::new(&ImageCodec::new(), "a.png", b"II*\0\x08\0\0\0").err()[0];
    assert_eq!(finding.code, DiagnosticCode::BakeUnsupported);
    let finding = &Bake::new(&ImageCodec::new(), "a.png", b"").err()[0];
    assert_eq!(finding.code, DiagnosticCode::BakeDecode);
}
