//! Files that are cut, changed, or that declare far more than they hold.

use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::limits::Limits;

use super::{Bake, ImageCodec, picture, refusal, samples, write};

#[test]
fn every_sample_bakes() {
    for (name, file) in samples() {
        Bake::new(&ImageCodec::new(), name, &file).ok();
    }
}

/// A file that is cut anywhere either is refused or still has all of its pixels.
#[test]
fn no_cut_changes_a_pixel() {
    for (name, file) in samples() {
        let codec = ImageCodec::new();
        let whole = picture(&Bake::new(&codec, name, &file).ok());
        let mut refused = 0;
        for end in 0..file.len() {
            match Bake::new(&codec, name, &file[..end]).run() {
                Ok(baked) => assert_eq!(picture(&baked), whole, "{name} cut to {end} of {}", file.len()),
                Err(findings) => {
                    refused += 1;
                    assert_ne!(findings[0].code, DiagnosticCode::BakeLimit, "{name} cut to {end}");
                }
            }
        }
        assert!(refused > file.len() / 2, "{name}: {refused} of {}", file.len());
    }
}

#[test]
fn changed_bytes_are_read_or_refused() {
    // What a changed header may declare is bounded, so that the test stays small.
    let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
    for (name, file) in samples() {
        for at in 0..file.len() {
            for change in [0x01, 0x10, 0x80, 0xff] {
                let mut changed = file.clone();
                changed[at] ^= change;
                // That it returns, twice alike, is the test.
                let _outcome = Bake::new(&ImageCodec::new(), name, &changed).limits(limits).run();
            }
        }
    }
}

#[track_caller]
fn check_limit(name: &str, file: &[u8], message: &str) {
    let findings = Bake::new(&ImageCodec::new(), name, file).err();
    assert_eq!((findings[0].code, findings[0].message.as_str()), (DiagnosticCode::BakeLimit, message));
    assert!(findings[0].help.as_ref().is_some_and(|help| help.contains("max_p")), "{findings:?}");
}

fn declared_png(width: u32, height: u32) -> Vec<u8> {
    let mut file = write::PNG_SIGNATURE.to_vec();
    file.extend(write::png_header(width, height, 6, 8, false));
    file.extend(write::chunk(b"IDAT", &write::zlib(&[0; 64])));
    file.extend(write::chunk(b"IEND", b""));
    file
}

#[test]
fn declared_sizes_beyond_the_limits_are_refused() {
    let of = |format: &str| {
        format!(
            "the {format} declares 65535 x 65535 = 4294836225 pixels; the limit of one image is 268435456"
        )
    };
    check_limit("a.png", &declared_png(65535, 65535), &of("PNG"));
    check_limit("a.bmp", &write::bmp_header(65535, -65535, 24, 0, &[]), &of("BMP"));
    check_limit("a.tga", &write::tga_header(10, 65535, 65535, 32, 0), &of("TGA"));
    let gif = write::gif((65535, 65535), (0, 0, 1, 1), &[], None, false, &|_, _| 0);
    check_limit("a.gif", &gif, &of("GIF"));
    let mut jpeg = write::jpeg(8, 8, 1, false, &[0]);
    jpeg[76..80].fill(0xff);
    check_limit("a.jpg", &jpeg, &of("JPEG"));
    let mut webp = super::formats::ANIMATED_WEBP.to_vec();
    webp[24..30].copy_from_slice(&[0xfe, 0xff, 0, 0xfe, 0xff, 0]);
    check_limit("a.webp", &webp, &of("WebP"));
    let mut qoi = super::encoded(image::ImageFormat::Qoi);
    qoi[4..12].copy_from_slice(&[0, 0, 0x50, 0, 0, 0, 0x40, 0]);
    let message = "the QOI declares 20480 x 16384 = 335544320 pixels; the limit of one image is 268435456";
    check_limit("a.qoi", &qoi, message);
}

#[test]
fn a_small_png_cannot_make_its_decoder_take_the_room_it_declares() {
    // Within the limits, and more than deflate could make of it.
    let message = refusal("a.png", &declared_png(16384, 16384));
    assert_eq!(message, "the PNG ends before its image is complete (truncated)");
}

#[test]
fn a_gif_frame_far_larger_than_its_canvas_is_refused() {
    let mut gif = write::gif((1, 1), (0, 0, 1, 1), &[], None, false, &|_, _| 0);
    let at = gif.iter().rposition(|byte| *byte == 0x2c).unwrap();
    gif[at + 5..at + 9].fill(0xff);
    let findings = Bake::new(&ImageCodec::new(), "a.gif", &gif).err();
    assert_eq!(findings[0].message, "decoding the GIF needs far more memory than its 1 x 1 pixels");
    assert_eq!(findings[0].code, DiagnosticCode::BakeLimit);
}

#[test]
fn payload_limits_count_what_would_be_baked() {
    let file = write::png(10, 10, 0, 8, false, &[], None, &|_, _, _| 0);
    let limits = Limits { max_payload_bytes: 431, ..Limits::default() };
    let codec = ImageCodec::new();
    let bake = || Bake::new(&codec, "a.png", &file).limits(limits);
    assert_eq!(bake().message(), "the payload would have 432 bytes; the limit of one payload is 431");
    bake().set("max_size", packer_domain::kind::SettingValue::Int(9)).ok();
    assert_eq!(
        bake().text("encoding", "indexed8").message(),
        "the payload would have 1156 bytes; the limit of one payload is 431"
    );
    bake().text("encoding", "source").ok();
}

#[test]
fn empty_pictures_are_refused() {
    assert!(refusal("a.png", &declared_png(0, 5)).starts_with("the PNG "));
    let nothing = |format: &str| format!("the {format} declares 0 x 5 pixels; a picture has at least one");
    assert_eq!(refusal("a.bmp", &write::bmp_header(0, 5, 24, 0, &[])), nothing("BMP"));
    let gif = write::gif((0, 5), (0, 0, 1, 1), &[], None, false, &|_, _| 0);
    assert_eq!(refusal("a.gif", &gif), nothing("GIF"));
    assert_eq!(refusal("a.tga", &write::tga_header(2, 0, 5, 24, 0)), nothing("TGA"));
}

/// Compressed texts and profiles are the classic bombs: they are passed over, not inflated.
#[test]
fn compressed_chunks_are_not_inflated() {
    let sound = write::png(2, 2, 0, 8, false, &[], None, &|x, y, _| (x + y) as u16);
    // 64 MiB of zeros in 400 KiB.
    let bomb = deflated_zeros(1 << 18);
    for (kind, head) in [(b"zTXt", &b"k\0\0"[..]), (b"iCCP", b"k\0\0"), (b"iTXt", b"k\0\x01\0\0\0")] {
        let mut data = head.to_vec();
        data.extend_from_slice(&bomb);
        let mut file = sound[..33].to_vec();
        file.extend(write::chunk(kind, &data));
        file.extend_from_slice(&sound[33..]);
        let tight = Limits { max_pixels: 4, max_payload_bytes: 48, ..Limits::default() };
        let baked = Bake::new(&ImageCodec::new(), "a.png", &file).limits(tight).ok();
        assert_eq!(picture(&baked), super::bake("a.png", &sound));
    }
}

/// A zlib stream of one literal 0 and `runs` copies of 258 more, in fixed codes, without its checksum.
fn deflated_zeros(runs: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    // Literal 0 is 00110000; length 258 is 11000101; distance 1 is 00000.
    let mut push = |code: &str| bits.extend(code.bytes().map(|byte| byte == b'1'));
    push("00110000");
    (0..runs).for_each(|_| push("1100010100000"));
    push("0000000");
    let mut stream = vec![0x78, 0x01];
    stream.extend(
        bits.chunks(8).map(|bits| bits.iter().rev().fold(0u8, |byte, bit| byte << 1 | u8::from(*bit))),
    );
    stream
}
