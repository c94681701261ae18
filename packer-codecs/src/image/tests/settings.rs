//! What each setting does to a payload.

use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::kind::SettingValue;
use packer_pack::payload::image::{ImageInfo, ImagePixels, ImageView, SourceFormat};

use super::{Bake, ImageCodec, encoded, noise, picture, samples, write};
use crate::image::pixels::premultiplied;

fn half_transparent() -> Vec<u8> {
    write::png(4, 2, 6, 8, false, &[], None, &|x, _, c| if c == 3 { (x * 85) as u16 } else { 200 })
}

#[test]
fn the_header_says_what_the_pixels_are() {
    let codec = ImageCodec::new();
    let info =
        |baked: &packer_domain::codec::Baked| ImageView::parse(baked.encoding, &baked.payload).unwrap().info;
    let plain = ImageInfo { width: 4, height: 2, premultiplied: false, opaque: false };
    let file = half_transparent();
    let opaque = write::png(4, 2, 6, 8, false, &[], None, &|_, _, _| 255);
    for encoding in ["rgba8", "indexed8", "source"] {
        assert_eq!(info(&Bake::new(&codec, "a.png", &file).text("encoding", encoding).ok()), plain);
        let baked = Bake::new(&codec, "a.png", &opaque).text("encoding", encoding).ok();
        assert_eq!(info(&baked), ImageInfo { opaque: true, ..plain });
    }
}

#[test]
fn premultiplying_multiplies_and_says_so() {
    let codec = ImageCodec::new();
    let file = half_transparent();
    for encoding in ["rgba8", "indexed8"] {
        let straight = picture(&Bake::new(&codec, "a.png", &file).text("encoding", encoding).ok());
        let bake = Bake::new(&codec, "a.png", &file).text("encoding", encoding);
        let baked = bake.set("premultiply", SettingValue::Bool(true)).ok();
        let expected: Vec<[u8; 4]> = straight.2.into_iter().map(premultiplied).collect();
        assert_eq!(picture(&baked).2, expected);
        assert!(ImageView::parse(baked.encoding, &baked.payload).unwrap().info.premultiplied);
    }
}

#[test]
fn few_colours_are_indexed_exactly() {
    for (name, file) in samples() {
        let rgba = picture(&Bake::new(&ImageCodec::new(), name, &file).ok());
        let indexed = Bake::new(&ImageCodec::new(), name, &file).text("encoding", "indexed8").ok();
        assert_eq!(picture(&indexed), rgba, "{name}");
    }
}

#[test]
fn larger_pictures_are_made_smaller_before_they_are_indexed() {
    let file = write::png(8, 4, 0, 8, false, &[], None, &|x, _, _| if x < 4 { 10 } else { 20 });
    for encoding in ["rgba8", "indexed8"] {
        let size = |most| {
            let codec = ImageCodec::new();
            let baked = Bake::new(&codec, "a.png", &file)
                .text("encoding", encoding)
                .set("max_size", SettingValue::Int(most))
                .ok();
            picture(&baked)
        };
        let (dark, light) = ([10, 10, 10, 255], [20, 20, 20, 255]);
        assert_eq!(size(2), (2, 1, vec![dark, light]));
        assert_eq!((size(8), size(9)), (size(0), size(0)));
    }
}

#[test]
fn source_keeps_the_file() {
    for (name, format) in [("a.qoi", SourceFormat::Qoi), ("a.webp", SourceFormat::WebP)] {
        let file = encoded(if format == SourceFormat::Qoi {
            image::ImageFormat::Qoi
        } else {
            image::ImageFormat::WebP
        });
        let codec = ImageCodec::new();
        let baked = Bake::new(&codec, name, &file).text("encoding", "source").ok();
        let view = ImageView::parse(baked.encoding, &baked.payload).unwrap();
        assert_eq!(view.pixels, ImagePixels::Source { format, file: &file });
        assert_eq!((view.info.width, view.info.height), (noise().0, noise().1));
        // It is checked all the same.
        Bake::new(&codec, name, &file[..file.len() - 20]).text("encoding", "source").err();
    }
}

#[test]
fn source_refuses_what_it_cannot_do() {
    let codec = ImageCodec::new();
    let file = half_transparent();
    let bake = || Bake::new(&codec, "a.png", &file).text("encoding", "source");
    let premultiplied = bake().set("premultiply", SettingValue::Bool(true));
    assert_eq!(
        premultiplied.message(),
        "`encoding = \"source\"` keeps the file as it is, so `premultiply = true` cannot apply"
    );
    assert_eq!(premultiplied.err()[0].code, DiagnosticCode::BakeSettings);
    assert_eq!(
        bake().set("max_size", SettingValue::Int(3)).message(),
        "`encoding = \"source\"` keeps the file as it is, so `max_size = 3` cannot make its 4 x 2 pixels smaller"
    );
    bake().set("max_size", SettingValue::Int(4)).ok();
}
