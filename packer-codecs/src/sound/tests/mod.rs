//! Tests of the kind `sound`: files of every form, most of them written by hand, against samples computed in another way.

#![expect(clippy::cast_sign_loss, reason = "signs are written on purpose")]
#![expect(clippy::cast_precision_loss, reason = "frames and samples are far below what a float holds")]

mod flac;
mod hostile;
mod lossy;
mod settings;
mod wav;
mod write;

use packer_domain::codec::Baked;
use packer_pack::payload::sound::{SoundInfo, SoundView};

use super::SoundCodec;
use crate::fixture::Bake;

const TONE_OGG: &[u8] = include_bytes!("data/tone.ogg");
const TONE_MP3: &[u8] = include_bytes!("data/tone.mp3");
const MONO_MP3: &[u8] = include_bytes!("data/mono.mp3");
const TONE_FLAC: &[u8] = include_bytes!("data/tone.flac");

fn info(baked: &Baked) -> SoundInfo {
    SoundView::parse(baked.encoding, &baked.payload).unwrap().info
}

fn samples(baked: &Baked) -> Vec<i16> {
    SoundView::parse(baked.encoding, &baked.payload).unwrap().samples().unwrap().iter().collect()
}

/// Bakes with default settings what must bake without findings.
#[track_caller]
fn bake(name: &str, bytes: &[u8]) -> Baked {
    let baked = Bake::new(&SoundCodec::new(), name, bytes).ok();
    assert_eq!(baked.findings, []);
    baked
}

/// Bakes with default settings what must bake with one finding: the samples and its message.
#[track_caller]
fn warned(name: &str, bytes: &[u8]) -> (Vec<i16>, String) {
    let baked = Bake::new(&SoundCodec::new(), name, bytes).ok();
    assert_eq!(baked.findings.len(), 1, "{:?}", baked.findings);
    (samples(&baked), baked.findings[0].message.clone())
}

/// The one message of what must not bake.
#[track_caller]
fn refusal(name: &str, bytes: &[u8]) -> String {
    Bake::new(&SoundCodec::new(), name, bytes).message()
}

/// One small file of each format and of the forms that take other ways through a decoder.
fn every_form() -> Vec<(&'static str, Vec<u8>)> {
    let ramp: Vec<i32> = (0..600).map(|at| at * 37 % 4001 - 2000).collect();
    let flac = |subframe| {
        let channels = [ramp.clone(), ramp.iter().map(|v| v / 2).collect()];
        write::Flac { channels: &channels, subframe, claimed: 600, md5: [0; 16] }.file()
    };
    let sampler = write::sampler(0, 1, 3);
    let looped = write::riff(&[
        (b"fmt ", &write::format(1, 1, 8000, 8, 1)),
        (b"data", &[1, 2, 3, 4, 5]),
        (b"smpl", &sampler),
    ]);
    vec![
        ("16.wav", write::wav16(2, 44_100, &[1, -2, 3, -4, 5, -6])),
        ("loop.wav", looped),
        (
            "float.wav",
            write::riff(&[
                (b"LIST", b"INFOISFT\x04\0\0\0test"),
                (b"fmt ", &write::extensible(3, 1, (32, 32, 4), 4)),
                (b"data", &[0, 0, 0, 0x3f, 0, 0, 0, 0xbf]),
            ]),
        ),
        ("ima.wav", wav::adpcm(&wav::IMA_STEREO)),
        ("ms.wav", wav::adpcm(&wav::MS_MONO)),
        ("verbatim.flac", flac(write::Subframe::Verbatim)),
        ("fixed.flac", flac(write::Subframe::Fixed(2))),
        ("tone.flac", TONE_FLAC.to_vec()),
        ("tone.ogg", TONE_OGG.to_vec()),
        ("tone.mp3", TONE_MP3.to_vec()),
        ("mono.mp3", MONO_MP3.to_vec()),
    ]
}
