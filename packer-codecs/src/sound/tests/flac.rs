//! FLAC: samples that come back exactly, and files whose frames are not those that were written.

use super::{Bake, SoundCodec, TONE_FLAC, bake, info, refusal, samples, write};
use packer_pack::payload::sound::{SoundInfo, SoundLoop};
use write::{Flac, Subframe};

/// What `tone.flac` holds: two channels of 24 bits.
fn ramp() -> Vec<[i64; 2]> {
    let mut state = 1u32;
    let frame = |at: i64| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let left = at * 4099 % (1 << 23) - (1 << 22) + i64::from(state >> 20);
        [left, left.div_euclid(2) + i64::from(state >> 24)]
    };
    (0..2000).map(frame).collect()
}

#[test]
fn what_an_encoder_wrote_comes_back() {
    let baked = bake("a.flac", TONE_FLAC);
    let expected: Vec<i16> = ramp().as_flattened().iter().map(|value| ((value + 128) >> 8) as i16).collect();
    assert_eq!(samples(&baked), expected);
    let looping = Some(SoundLoop { start: 100, end: 1900 });
    let expected = SoundInfo { sample_rate: 48_000, channels: 2, speakers: 3, frames: 2000, looping };
    assert_eq!(info(&baked), expected);
    // A tag of another program in front, and one behind.
    let tagged = [&b"ID3\x03\0\0\0\0\0\x03abc"[..], TONE_FLAC, b"TAG", &[0; 125]].concat();
    assert_eq!(samples(&bake("a.flac", &tagged)), samples(&baked));
}

fn channels() -> Vec<Vec<i32>> {
    (0..3).map(|channel| (0..600).map(|at| (at * 37 + channel * 900) % 4001 - 2000).collect()).collect()
}

fn interleaved(channels: &[Vec<i32>]) -> Vec<i16> {
    (0..channels[0].len()).flat_map(|at| channels.iter().map(move |channel| channel[at] as i16)).collect()
}

#[test]
fn every_kind_of_subframe() {
    let channels = channels();
    let kinds = [Subframe::Verbatim].into_iter().chain((0..=4).map(Subframe::Fixed));
    for (index, subframe) in kinds.enumerate() {
        for count in 1..=3 {
            let flac = Flac { channels: &channels[..count], subframe, claimed: 600, md5: [0; 16] };
            let baked = bake("a.flac", &flac.file());
            assert_eq!(samples(&baked), interleaved(&channels[..count]), "{index}, {count} channels");
            assert_eq!(info(&baked).speakers, [4, 3, 7][count - 1]);
        }
    }
    let constant = [vec![-5; 300]];
    let flac = Flac { channels: &constant, subframe: Subframe::Constant, claimed: 0, md5: [0; 16] };
    assert_eq!(samples(&bake("a.flac", &flac.file())), [-5; 300]);
}

#[test]
fn frames_that_are_missing_or_out_of_order_are_noticed() {
    let channels = channels();
    let flac = |claimed, md5| Flac { channels: &channels[..1], subframe: Subframe::Verbatim, claimed, md5 };
    let (head, frames) = flac(600, [0; 16]).parts();
    let file =
        |frames: &[&Vec<u8>]| frames.iter().fold(head.clone(), |file, frame| [&file[..], frame].concat());
    let [a, b, c] = &frames[..] else { panic!("{} frames", frames.len()) };
    assert_eq!(
        refusal("a.flac", &file(&[a, b])),
        "the FLAC ends after 512 of 600 samples a channel (truncated)"
    );
    assert_eq!(refusal("a.flac", &file(&[])), "the FLAC ends after 0 of 600 samples a channel (truncated)");
    let missing = "the FLAC is damaged: where frame 1 is expected, it has frame 2";
    assert_eq!(refusal("a.flac", &file(&[a, c])), missing);
    assert!(refusal("a.flac", &file(&[a, a, b, c])).contains("where frame 1 is expected, it has frame 0"));
    let more = flac(599, [0; 16]).file();
    assert_eq!(
        refusal("a.flac", &more),
        "the FLAC is damaged: it says that it has 599 samples a channel, and has 600"
    );
    // Without a number of samples, a cut between frames cannot be noticed; inside a frame it is.
    let unknown = flac(0, [0; 16]).file();
    assert_eq!(samples(&bake("a.flac", &unknown[..head.len() + a.len()])).len(), 256);
    let cut = refusal("a.flac", &unknown[..unknown.len() - 1]);
    assert_eq!(cut, "the FLAC ends inside its frame 2, or that frame is damaged (truncated)");
    let other = flac(600, [1; 16]).file();
    assert_eq!(
        refusal("a.flac", &other),
        "the FLAC is damaged: its samples are not those that were encoded (their MD5 differs)"
    );
}

#[test]
fn headers_that_contradict_each_other_are_refused() {
    let of = |at: usize, value: u8| {
        let mut file = TONE_FLAC.to_vec();
        file[at] = value;
        refusal("a.flac", &file)
    };
    // Rate, then number of channels, of the first block; its largest block; its type; its length.
    let other =
        "the FLAC is damaged: frame 0 has another rate, size or number of channels than the file says";
    assert_eq!(of(18, 0x10), other);
    assert_eq!(of(20, TONE_FLAC[20] ^ 2), other);
    // Blocks of at most 319 samples, where the frames have 576.
    let mut small = TONE_FLAC.to_vec();
    small[8..12].copy_from_slice(&[1, 0x3f, 1, 0x3f]);
    assert_eq!(refusal("a.flac", &small), other);
    assert_eq!(of(4, TONE_FLAC[4] | 1), "the FLAC is damaged: no block says what it is");
    assert_eq!(of(4, 0x7f), "the FLAC is damaged: a block of its headers is of no type");
    assert_eq!(of(5, 0xff), "the FLAC ends inside its headers (truncated)");
    let short = b"fLaC\x80\0\0\x02ab".to_vec();
    assert!(refusal("a.flac", &short).contains("too short"));
    let silent = [&b"fLaC\x80\0\0\x22"[..], &[0; 34]].concat();
    assert_eq!(refusal("a.flac", &silent), "the FLAC is damaged: it has 0 samples a second");
}

/// Nothing says how long a frame is: what follows it has to be looked at, byte by byte, only once.
#[test]
fn a_frame_may_be_longer_than_any_buffer() {
    let long: Vec<i32> = (0..25_600).map(|at| (at * 7919) % 65_536 - 32_768).collect();
    let channels = vec![long; 8];
    let flac = Flac { channels: &channels, subframe: Subframe::Verbatim, claimed: 25_600, md5: [0; 16] };
    let baked = Bake::new(&SoundCodec::new(), "a.flac", &flac.file()).ok();
    assert_eq!(samples(&baked), interleaved(&channels));
}
