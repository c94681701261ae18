//! Previews of what the built-in codecs bake, of what nobody bakes, and of what is hostile.

use packer_domain::limits::Limits;
use packer_pack::payload::data::DataEncoding;
use packer_pack::payload::image::{ImageEncoding, ImageInfo, encode_indexed8, encode_rgba8, encode_source};
use packer_pack::payload::sound::{SoundEncoding, SoundInfo, SoundLoop, encode_pcm16};
use proptest::prelude::*;

use super::*;
use crate::fixture::Bake;
use crate::{DataCodec, ImageCodec, SoundCodec};

fn shown(kind: &str, encoding: u8, payload: &[u8], request: PreviewRequest) -> Preview {
    preview(kind, encoding, payload, &Limits::default(), &request).unwrap()
}

fn request() -> PreviewRequest {
    PreviewRequest::default()
}

fn thumbnail(encoding: ImageEncoding, payload: &[u8], max_edge: u32) -> Thumbnail {
    match shown("image", encoding.code(), payload, PreviewRequest { max_edge, ..request() }) {
        Preview::Image(thumbnail) => thumbnail,
        other => panic!("{other:?}"),
    }
}

fn info(width: u32, height: u32, premultiplied: bool) -> ImageInfo {
    ImageInfo { width, height, premultiplied, opaque: false }
}

/// A PNG of 8-bit RGBA.
fn png_file(width: u32, height: u32, rgba: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(rgba).unwrap();
    file
}

/// A WAV of one channel with 16 bits and 8000 frames a second.
fn wav_file(samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    for (rate, short) in
        [(None, 1_u16), (None, 1), (Some(8000_u32), 0), (Some(16_000), 0), (None, 2), (None, 16)]
    {
        match rate {
            Some(rate) => file.extend(rate.to_le_bytes()),
            None => file.extend(short.to_le_bytes()),
        }
    }
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

#[test]
fn a_thumbnail_keeps_the_proportion_and_what_is_small_stays() {
    let pixels = vec![200; 40 * 10 * 4];
    let payload = encode_rgba8(info(40, 10, false), &pixels).unwrap();
    let small = thumbnail(ImageEncoding::Rgba8, &payload, 8);
    assert_eq!((small.width, small.height, small.full_width, small.full_height), (8, 2, 40, 10));
    assert_eq!(small.rgba, vec![200; 8 * 2 * 4]);
    let same = thumbnail(ImageEncoding::Rgba8, &payload, 100);
    assert_eq!((same.width, same.height, same.rgba), (40, 10, pixels));
    // A line stays one, however small.
    let line = encode_rgba8(info(1000, 1, false), &vec![9; 4000]).unwrap();
    assert_eq!(thumbnail(ImageEncoding::Rgba8, &line, 4).rgba.len(), 4 * 4);
}

#[test]
fn every_encoding_of_a_picture_shows_the_same() {
    let palette = [[255, 0, 0, 255], [0, 0, 255, 255]];
    let indices: Vec<u8> = (0..64).map(|at| u8::from(at % 8 >= 4)).collect();
    let rgba: Vec<u8> = indices.iter().flat_map(|index| palette[usize::from(*index)]).collect();
    let expected = thumbnail(ImageEncoding::Rgba8, &encode_rgba8(info(8, 8, false), &rgba).unwrap(), 2);
    assert_eq!(expected.rgba, [[255, 0, 0, 255], [0, 0, 255, 255]].concat().repeat(2));
    let indexed = encode_indexed8(info(8, 8, false), &palette, &indices).unwrap();
    assert_eq!(thumbnail(ImageEncoding::Indexed8, &indexed, 2), expected);
    let codec = ImageCodec::new();
    let file = png_file(8, 8, &rgba);
    let kept = Bake::new(&codec, "a.png", &file).text("encoding", "source").ok();
    assert_eq!(kept.encoding, ImageEncoding::Source.code());
    assert_eq!(thumbnail(ImageEncoding::Source, &kept.payload, 2), expected);
}

#[test]
fn a_thumbnail_has_plain_alpha() {
    let payload = encode_rgba8(info(2, 1, true), &[[64, 0, 0, 128], [64, 0, 0, 128]].concat()).unwrap();
    assert_eq!(thumbnail(ImageEncoding::Rgba8, &payload, 1).rgba, [128, 0, 0, 128]);
    assert_eq!(thumbnail(ImageEncoding::Rgba8, &payload, 2).rgba, [128, 0, 0, 128].repeat(2));
}

#[test]
fn a_file_that_is_not_what_its_payload_says_is_refused() {
    let file = png_file(2, 2, &[7; 16]);
    let lying =
        encode_source(info(3, 2, false), packer_pack::payload::image::SourceFormat::Png, &file).unwrap();
    let refused = preview("image", ImageEncoding::Source.code(), &lying, &Limits::default(), &request());
    assert!(matches!(refused, Err(PreviewError::Decode { .. })), "{refused:?}");
    // The limits of baking hold here too: a bomb is not opened.
    let limits = Limits { max_pixels: 3, ..Limits::default() };
    let honest =
        encode_source(info(2, 2, false), packer_pack::payload::image::SourceFormat::Png, &file).unwrap();
    let refused = preview("image", ImageEncoding::Source.code(), &honest, &limits, &request());
    assert!(matches!(refused, Err(PreviewError::Decode { .. })), "{refused:?}");
}

fn sound(frames: u64, channels: u16, looping: Option<SoundLoop>, samples: &[i16]) -> Vec<u8> {
    let info = SoundInfo { sample_rate: 8000, channels, speakers: 0, frames, looping };
    encode_pcm16(info, samples).unwrap()
}

fn waveform(payload: &[u8], peaks: u32) -> Waveform {
    let request = PreviewRequest { peaks, ..request() };
    match shown("sound", SoundEncoding::Pcm16.code(), payload, request) {
        Preview::Waveform(waveform) => waveform,
        other => panic!("{other:?}"),
    }
}

#[test]
fn peaks_are_those_of_their_stretch_and_channel() {
    let looping = Some(SoundLoop { start: 1, end: 3 });
    // Left: 1 -2 3 -4, right: 100 100 -32768 32767.
    let payload = sound(4, 2, looping, &[1, 100, -2, 100, 3, -32_768, -4, 32_767]);
    let drawn = waveform(&payload, 2);
    assert_eq!((drawn.sample_rate, drawn.frames, drawn.looping), (8000, 4, Some((1, 3))));
    let peak = |min, max, rms| Peak { min, max, rms };
    // The roots of (1 + 4) / 2 and of (9 + 16) / 2.
    assert_eq!(drawn.channels[0].0, [peak(-2, 1, 1), peak(-4, 3, 3)]);
    assert_eq!(drawn.channels[1].0, [peak(100, 100, 100), peak(-32_768, 32_767, 32_767)]);
    // No more peaks than there are frames, and all frames are in some.
    assert_eq!(waveform(&payload, 9).channels[0].0.len(), 4);
    assert_eq!(
        waveform(&sound(2, 1, None, &[-32_768; 2]), 1).channels[0].0,
        [peak(-32_768, -32_768, 32_768)]
    );
}

#[test]
fn a_sound_that_is_kept_as_it_is_shows_the_same() {
    let codec = SoundCodec::new();
    let samples: Vec<i16> = (0..500).map(|n| n * 60 - 15_000).collect();
    let file = wav_file(&samples);
    let plain = Bake::new(&codec, "a.wav", &file).ok();
    let kept = Bake::new(&codec, "a.wav", &file).text("encoding", "source").ok();
    assert_eq!(kept.encoding, SoundEncoding::Source.code());
    let expected = shown("sound", plain.encoding, &plain.payload, request());
    assert_eq!(shown("sound", kept.encoding, &kept.payload, request()), expected);
}

fn table(kind: &str, source: &str, encoding: &str, request: PreviewRequest) -> TableHead {
    let codec = DataCodec::new();
    let baked = Bake::new(&codec, &format!("a.{kind}"), source.as_bytes()).text("encoding", encoding).ok();
    match shown("data", baked.encoding, &baked.payload, request) {
        Preview::Table(table) => table,
        other => panic!("{other:?}"),
    }
}

/// A table as text, `-` for what is not there.
fn drawn(table: &TableHead) -> Vec<String> {
    let row = |row: &Vec<Option<String>>| {
        row.iter().map(|cell| cell.clone().unwrap_or_else(|| "-".to_owned())).collect::<Vec<_>>().join("|")
    };
    std::iter::once(table.columns.join("|")).chain(table.rows.iter().map(row)).collect()
}

#[test]
fn the_head_of_a_table_has_its_first_rows_and_counts_the_rest() {
    let csv = "name,price\nbarrel,3\nrope,5\nanchor,70\n";
    for encoding in ["json", "messagepack"] {
        let head = table("csv", csv, encoding, PreviewRequest { rows: 2, ..request() });
        assert_eq!(drawn(&head), ["name|price", "barrel|3", "rope|5"], "{encoding}");
        assert_eq!((head.total_rows, head.has_more_columns), (3, false));
        let narrow = table("csv", csv, encoding, PreviewRequest { columns: 1, ..request() });
        assert_eq!(drawn(&narrow), ["name", "barrel", "rope", "anchor"], "{encoding}");
        assert!(narrow.has_more_columns);
    }
}

#[test]
fn any_value_is_a_table() {
    for (source, expected) in [
        (r#"[{"a":1},{"b":[1,2]},3]"#, &["a|b|value", "1|-|-", "-|[2]|-", "-|-|3"][..]),
        (r#"{"b":{"x":1,"y":2},"a":null,"c":[]}"#, &["key|value", "a|null", "b|{2}", "c|[]"]),
        ("[[1,2],{},true]", &["value", "[2]", "-", "true"]),
        ("7.5", &["value", "7.5"]),
        ("[]", &[""]),
    ] {
        for encoding in ["json", "messagepack"] {
            assert_eq!(
                drawn(&table("json", source, encoding, request())),
                expected,
                "{source} as {encoding}"
            );
        }
    }
    let long = "é".repeat(MAX_CELL_CHARS + 1);
    let head = table("json", &format!("[\"{long}\"]"), "json", request());
    assert_eq!(head.rows[0][0].as_ref().unwrap().chars().count(), MAX_CELL_CHARS + 1);
    assert!(head.rows[0][0].as_ref().unwrap().ends_with('…'));
}

#[test]
fn heads_are_cut_between_characters() {
    let text = "aé".repeat(10);
    let head =
        |most| match shown("text", 0, text.as_bytes(), PreviewRequest { head_bytes: most, ..request() }) {
            Preview::Text(head) => head,
            other => panic!("{other:?}"),
        };
    assert_eq!(head(2), TextHead { text: "a".to_owned(), total_bytes: 30 });
    assert_eq!(head(3).text, "aé");
    assert_eq!(head(1000).text, text);
    for kind in ["raw", "a-kind-of-a-team"] {
        let bytes = ByteHead { bytes: vec![1, 2], total_bytes: 3 };
        let shown = shown(kind, 0, &[1, 2, 3], PreviewRequest { head_bytes: 2, ..request() });
        assert_eq!(shown, Preview::Bytes(bytes));
    }
}

#[test]
fn what_is_asked_for_is_cut_to_the_bounds() {
    let most = u32::MAX;
    let all = PreviewRequest { max_edge: most, peaks: most, head_bytes: most, rows: most, columns: most };
    let bounded = all.bounded();
    assert_eq!(
        bounded,
        PreviewRequest {
            max_edge: MAX_EDGE,
            peaks: MAX_PEAKS,
            head_bytes: MAX_HEAD_BYTES,
            rows: MAX_ROWS,
            columns: MAX_COLUMNS
        }
    );
    let none = PreviewRequest { max_edge: 0, peaks: 0, head_bytes: 0, rows: 0, columns: 0 };
    assert_eq!(none.bounded().max_edge, 1);
    // More rows than are shown, and more columns in each than are kept.
    let row = format!("{{{}}}", (0..400).map(|n| format!("\"c{n:03}\":{n}")).collect::<Vec<_>>().join(","));
    let payload = format!("[{}]", vec![row; 20].join(","));
    let Preview::Table(head) = shown("data", DataEncoding::Json.code(), payload.as_bytes(), all) else {
        panic!()
    };
    assert_eq!(
        (head.columns.len(), head.rows.len(), head.has_more_columns),
        (MAX_COLUMNS as usize, 20, true)
    );
}

proptest! {
    #[test]
    fn no_payload_of_any_kind_does_harm(
        kind in prop::sample::select(vec!["image", "sound", "text", "data", "raw", "other"]),
        encoding in 0_u8..4,
        mut payload in prop::collection::vec(any::<u8>(), 0..400),
        size in 1_u32..20,
    ) {
        let request = PreviewRequest { max_edge: size, peaks: size, head_bytes: size, rows: size, columns: size };
        let _ = preview(kind, encoding, &payload, &Limits::default(), &request);
        // With a header that is right, what follows it is looked at.
        let (width, height) = (size, size.div_ceil(2));
        let pixels = payload.iter().copied().cycle().take(width as usize * height as usize * 4);
        let pixels: Vec<u8> = if payload.is_empty() { vec![0; width as usize * height as usize * 4] } else { pixels.collect() };
        let picture = encode_rgba8(info(width, height, encoding == 1), &pixels).unwrap();
        let small = thumbnail(ImageEncoding::Rgba8, &picture, size.div_ceil(3));
        prop_assert_eq!(small.rgba.len(), small.width as usize * small.height as usize * 4);
        prop_assert!(small.width.max(small.height) <= size.div_ceil(3));
        payload.insert(0, 0x93);
        let _ = preview("data", DataEncoding::MessagePack.code(), &payload, &Limits::default(), &request);
    }
}

#[test]
fn every_built_in_kind_has_a_form_of_its_own() {
    for codec in crate::builtin() {
        let kind = codec.spec().id.as_str();
        let is_known = ["image", "sound", "text", "data", "raw"].contains(&kind);
        assert!(is_known, "{kind} is shown by its bytes alone");
    }
}
