//! The views of payloads: whatever a payload holds, a view gives what its header says, or refuses it.
//!
//! An input is a byte that chooses the kind, one that is the encoding, and the payload.

use packer_pack::payload::data::DataView;
use packer_pack::payload::image::{ImagePixels, ImageView, encode_indexed8, encode_rgba8, encode_source};
use packer_pack::payload::sound::{self, SoundData, SoundInfo, SoundLoop, SoundView};
use packer_pack::payload::{PayloadError, image, raw, text};

use super::input::{check_message, seed_with};
use super::{Seed, Verdict};

/// The kinds whose payloads have a view.
pub(super) const KINDS: [&str; 5] = ["data", "image", "raw", "sound", "text"];

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some(([kind, encoding], payload)) = data.split_first_chunk::<2>() else { return Verdict::Refused };
    match view(KINDS[usize::from(*kind) % KINDS.len()], *encoding, payload) {
        Ok(()) => Verdict::Taken,
        Err(error) => {
            check_message(&error.to_string());
            Verdict::Refused
        }
    }
}

/// Views a payload, and looks at everything that the view gives.
pub(super) fn view(kind: &str, encoding: u8, payload: &[u8]) -> Result<(), PayloadError> {
    match kind {
        "data" => match DataView::parse(encoding, payload)? {
            DataView::Json(text) => assert_eq!(text.as_bytes(), payload),
            DataView::MessagePack(bytes) => assert_eq!(bytes, payload),
        },
        "image" => {
            let view = ImageView::parse(encoding, payload)?;
            assert_eq!(view.encoding().code(), encoding);
            let pixels = u64::from(view.info.width) * u64::from(view.info.height);
            let written = match view.pixels {
                ImagePixels::Rgba8(bytes) => {
                    assert_eq!(bytes.len() as u64, pixels * 4);
                    encode_rgba8(view.info, bytes)
                }
                ImagePixels::Indexed8 { palette, colours, indices } => {
                    assert_eq!(indices.len() as u64, pixels);
                    let used = palette.get(..usize::from(colours)).expect("no more than there are");
                    // The rest of a palette, and indices beyond what is used, are not looked at by the view.
                    let whole = palette[usize::from(colours)..].iter().all(|colour| *colour == [0; 4])
                        && indices.iter().all(|index| u16::from(*index) < colours);
                    if !whole {
                        return Ok(());
                    }
                    encode_indexed8(view.info, used, indices)
                }
                ImagePixels::Source { format, file } => encode_source(view.info, format, file),
            };
            assert_eq!(written.as_deref(), Ok(payload), "what was written is another payload");
        }
        "raw" => assert_eq!(raw::parse(encoding, payload)?, payload),
        "sound" => {
            let view = SoundView::parse(encoding, payload)?;
            assert_eq!(view.encoding().code(), encoding);
            assert!(view.duration().as_secs() <= view.frames());
            let written = match view.data {
                SoundData::Pcm16(samples) => {
                    assert_eq!(samples.len() as u64, view.frames() * u64::from(view.channels()));
                    let all: Vec<i16> = samples.iter().collect();
                    assert!(samples.borrowed().is_none_or(|borrowed| borrowed == all));
                    sound::encode_pcm16(view.info, &all)
                }
                SoundData::Source { format, file } => sound::encode_source(view.info, format, file),
            };
            assert_eq!(written.as_deref(), Ok(payload), "what was written is another payload");
        }
        "text" => assert_eq!(text::parse(encoding, payload)?.as_bytes(), payload),
        other => panic!("the kind {other:?} has no view here: give it one"),
    }
    Ok(())
}

pub(super) fn seeds() -> Vec<Seed> {
    let info = image::ImageInfo { width: 2, height: 1, premultiplied: false, opaque: true };
    let shape = |sample_rate, channels, frames| SoundInfo {
        sample_rate,
        channels,
        speakers: if channels == 2 { 3 } else { 0 },
        frames,
        looping: (frames > 2).then_some(SoundLoop { start: 1, end: frames }),
    };
    let ok = "the payload is valid";
    let rgba8 = encode_rgba8(info, &[1, 2, 3, 255, 4, 5, 6, 255]).expect(ok);
    let indexed8 = encode_indexed8(info, &[[1, 2, 3, 255], [9, 9, 9, 255]], &[1, 0]).expect(ok);
    let mono = sound::encode_pcm16(shape(8000, 1, 2), &[1, -1]).expect(ok);
    let stereo = sound::encode_pcm16(shape(44_100, 2, 3), &[1, -2, 3, -4, 5, -6]).expect(ok);
    let mut seeds = vec![
        seed_with("data-json", &[0, 0], b"{\"a\":1}"),
        seed_with("data-messagepack", &[0, 1], &[0x81, 0xa1, b'a', 1]),
        seed_with("data-other", &[0, 9], b""),
        seed_with("data-not-utf-8", &[0, 0], b"\"\xff\""),
        seed_with("image-rgba8", &[1, 0], &rgba8),
        seed_with("image-rgba8-cut", &[1, 0], &rgba8[..rgba8.len() - 1]),
        seed_with("image-indexed8", &[1, 1], &indexed8),
        seed_with("image-huge", &[1, 0], &[&[255; 8], &rgba8[8..]].concat()),
        seed_with("raw", &[2, 0], b"anything"),
        seed_with("sound-mono", &[3, 0], &mono),
        seed_with("sound-stereo", &[3, 0], &stereo),
        seed_with("sound-cut", &[3, 0], &stereo[..stereo.len() - 1]),
        seed_with("text", &[4, 0], "sjö".as_bytes()),
        seed_with("text-not-utf-8", &[4, 0], b"a\xff"),
    ];
    for format in image::SourceFormat::ALL {
        let payload = encode_source(info, format, b"the file").expect(ok);
        seeds.push(seed_with(&format!("image-source-{}", format as u32), &[1, 2], &payload));
    }
    for format in sound::SourceFormat::ALL {
        let payload = sound::encode_source(shape(48_000, 6, 9), format, b"the file").expect(ok);
        seeds.push(seed_with(&format!("sound-source-{}", format as u32), &[3, 1], &payload));
    }
    seeds
}
