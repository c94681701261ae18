//! Single bakes of the built-in kinds: `cargo bench -p packer-codecs`.
//!
//! Each with the bytes of its source a second beside it. The figures are for profiling; what is promised is measured on
//! whole processes, by `cargo xtask bench run`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use packer_codecs::{DataCodec, ImageCodec, TextCodec};
use packer_domain::codec::{BakeRequest, Codec, SourceInput};
use packer_domain::limits::Limits;
use packer_domain::path::AssetPath;

fn main() {
    divan::main();
}

/// Bakes `bytes` again and again, as a file called `name`, with the kind's own settings but for those of `texts`.
fn bake(bencher: Bencher<'_, '_>, codec: &dyn Codec, name: &str, bytes: Vec<u8>, texts: &[(&str, &str)]) {
    let size = bytes.len();
    let path = AssetPath::parse(name).expect("a file's name");
    let inputs = [SourceInput { relative: name.to_owned(), path, bytes }];
    let mut settings = codec.spec().defaults();
    for (key, value) in texts {
        settings.set(key, packer_domain::kind::SettingValue::Text((*value).to_owned()));
    }
    let limits = Limits::default();
    let request = BakeRequest { inputs: &inputs, settings: &settings, references: &[], limits: &limits };
    assert!(codec.bake(&request).is_ok(), "{name} bakes");
    bencher.counter(BytesCount::new(size)).bench_local(|| codec.bake(black_box(&request)).is_ok());
}

/// A picture with smooth parts and noise, as a PNG.
fn picture(side: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let noise = if (x * 7 + y * 13) % 11 == 0 { (x * y) as u8 } else { 0 };
            pixels.extend_from_slice(&[x as u8, y as u8, noise, 255]);
        }
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&pixels)?;
        writer.finish()
    });
    written.expect("a picture is written to memory");
    out
}

/// A list of things, of some 64 KiB.
fn things() -> Vec<u8> {
    let thing = |n: u32| {
        format!("  {{ \"thing\": \"barrel-{n}\", \"x\": {n}, \"y\": {}.5, \"solid\": true }}", n % 97)
    };
    let things: Vec<String> = (0..1000).map(thing).collect();
    format!("{{ \"things\": [\n{}\n] }}\n", things.join(",\n")).into_bytes()
}

#[divan::bench(args = [16, 64, 512])]
fn png_to_pixels(bencher: Bencher<'_, '_>, side: u32) {
    bake(bencher, &ImageCodec::new(), "a.png", picture(side), &[]);
}

#[divan::bench]
fn png_kept_as_it_is(bencher: Bencher<'_, '_>) {
    bake(bencher, &ImageCodec::new(), "a.png", picture(512), &[("encoding", "source")]);
}

#[divan::bench]
fn json_made_canonical(bencher: Bencher<'_, '_>) {
    bake(bencher, &DataCodec::new(), "a.json", things(), &[]);
}

#[divan::bench]
fn json_to_messagepack(bencher: Bencher<'_, '_>) {
    bake(bencher, &DataCodec::new(), "a.json", things(), &[("encoding", "messagepack")]);
}

#[divan::bench]
fn line_ends_of_text(bencher: Bencher<'_, '_>) {
    let text = "the quick brown fox jumps over the lazy dog\r\n".repeat(1500);
    bake(bencher, &TextCodec::new(), "a.txt", text.into_bytes(), &[]);
}
