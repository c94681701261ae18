//! Vorbis and MP3: tones that come back nearly as they were, at the place where they were.

use super::{Bake, MONO_MP3, SoundCodec, TONE_MP3, TONE_OGG, bake, info, refusal, samples, write};
use packer_domain::codec::Baked;
use packer_pack::payload::sound::{SoundInfo, SoundLoop};

/// How far, in the mean, a channel of `baked` is from a sine; `skip` frames at both ends are not looked at.
fn distance(
    baked: &Baked,
    channel: usize,
    (frequency, amplitude): (f64, f64),
    late: f64,
    skip: usize,
) -> f64 {
    let info = info(baked);
    let channels = usize::from(info.channels);
    let values: Vec<i16> = samples(baked).into_iter().skip(channel).step_by(channels).collect();
    let range = skip..values.len() - skip;
    let sum: f64 = range
        .clone()
        .map(|at| {
            let time = (at as f64 - late) / f64::from(info.sample_rate);
            let expected = amplitude * libm::sin(2.0 * std::f64::consts::PI * frequency * time);
            (f64::from(values[at]) - expected).powi(2)
        })
        .sum();
    libm::sqrt(sum / range.len() as f64)
}

#[test]
fn a_vorbis_tone_comes_back() {
    let baked = bake("a.ogg", TONE_OGG);
    let looping = Some(SoundLoop { start: 1000, end: 3500 });
    let expected = SoundInfo { sample_rate: 22_050, channels: 2, speakers: 3, frames: 4000, looping };
    assert_eq!(info(&baked), expected);
    assert!(distance(&baked, 0, (440.0, 8000.0), 0.0, 100) < 200.0);
    assert!(distance(&baked, 1, (660.0, 4000.0), 0.0, 100) < 160.0);
    // One frame late is noticed.
    assert!(distance(&baked, 0, (440.0, 8000.0), 1.0, 100) > 500.0);
}

#[test]
fn an_mp3_begins_where_its_encoder_was_given_it() {
    let baked = bake("a.mp3", TONE_MP3);
    let expected = SoundInfo { sample_rate: 44_100, channels: 2, speakers: 3, frames: 1200, looping: None };
    assert_eq!(info(&baked), expected);
    // Away from the ends, where the tone begins and stops.
    assert!(distance(&baked, 0, (440.0, 8000.0), 0.0, 300) < 400.0);
    assert!(distance(&baked, 1, (660.0, 4000.0), 0.0, 300) < 400.0);
    assert!(distance(&baked, 0, (440.0, 8000.0), 20.0, 300) > 1000.0);
    // Tags of several kinds around it.
    let tagged = [b"ID3\x03\0\0\0\0\0\x03abc", TONE_MP3, b"TAG", &[0; 125]].concat();
    assert_eq!(bake("a.mp3", &tagged), baked);
    assert_eq!(bake("a.mp3", &[TONE_MP3, &[0; 50]].concat()), baked);
}

#[test]
fn an_mp3_without_a_tag_is_taken_as_it_is_decoded() {
    let baked = bake("a.mp3", MONO_MP3);
    let frames = MONO_MP3.len() as u64 / 104 * 576;
    assert_eq!((info(&baked).frames, info(&baked).channels, info(&baked).speakers), (frames, 1, 4));
    // It is late by the delay of the encoder and of the decoder.
    let nearest =
        (900..1300).min_by_key(|late| distance(&baked, 0, (440.0, 8000.0), f64::from(*late), 1300) as i64);
    assert_eq!(nearest, Some(1105));
}

/// `tone.mp3` with another frame, or without one.
fn mp3_frames(file: &[u8]) -> Vec<&[u8]> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while at < file.len() {
        // 64 kbit at 44100 Hz.
        let size = 208 + usize::from(file[at + 2] >> 1 & 1);
        frames.push(&file[at..at + size]);
        at += size;
    }
    frames
}

#[test]
fn frames_of_an_mp3_that_are_missing_or_others_are_noticed() {
    let frames = mp3_frames(TONE_MP3);
    let count = frames.len() - 1;
    assert_eq!(
        refusal("a.mp3", &frames[..count].concat()),
        format!("the MP3 ends after {} of {count} frames (truncated)", count - 1)
    );
    assert_eq!(
        refusal("a.mp3", &TONE_MP3[..TONE_MP3.len() - 1]),
        format!("the MP3 ends inside its frame {} (truncated)", count - 1)
    );
    let mut junk = frames.clone();
    junk.insert(2, b"junk");
    assert_eq!(
        refusal("a.mp3", &junk.concat()),
        "the MP3 is damaged: where frame 1 is expected, there is none"
    );
    let mut mixed = frames.clone();
    mixed.insert(2, &MONO_MP3[..104]);
    assert_eq!(
        refusal("a.mp3", &mixed.concat()),
        "the MP3 is damaged: frame 1 has 1 channels at 22050 Hz, and those before it 2 at 44100"
    );
    let changed = |at: usize, value: u8| {
        let mut file = TONE_MP3.to_vec();
        file[at] = value;
        refusal("a.mp3", &file)
    };
    let kind = "the MP3 has MPEG audio of layer I or II, which is not supported";
    assert_eq!(changed(209, 0xfd), kind);
    assert_eq!(changed(210, 0), "the MP3 has a free bit rate, which is not supported");
}

/// `tone.ogg` after a change of one of its pages, whose checksum is made right again.
fn with_page(index: usize, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut pages: Vec<Vec<u8>> =
        write::pages(TONE_OGG).into_iter().map(|range| TONE_OGG[range].to_vec()).collect();
    change(&mut pages[index]);
    if !pages[index].is_empty() {
        write::seal(&mut pages[index]);
    }
    pages.concat()
}

#[test]
fn pages_that_are_missing_or_others_are_noticed() {
    let pages = write::pages(TONE_OGG);
    let last = pages.len() - 1;
    assert!(last >= 2, "{} pages", pages.len());
    let end = pages[last].start;
    assert_eq!(
        refusal("a.ogg", &TONE_OGG[..end]),
        format!("the OGG Vorbis ends after {last} pages, none of which is the last (truncated)")
    );
    assert_eq!(
        refusal("a.ogg", &TONE_OGG[..end + 99]),
        format!("the OGG Vorbis ends inside its page {last} (truncated)")
    );
    let damaged = |file: &[u8], what: &str| {
        assert_eq!(refusal("a.ogg", file), format!("the OGG Vorbis is damaged: {what}"));
    };
    let mut flipped = TONE_OGG.to_vec();
    flipped[end + 99] ^= 1;
    damaged(&flipped, &format!("the checksum of page {last} is wrong"));
    damaged(&with_page(1, Vec::clear), "where page 1 is expected, it has page 2");
    damaged(&with_page(1, |page| page[5] |= 2), "page 1 is marked as the first page, or the first is not");
    damaged(&with_page(1, |page| page[0] = b'o'), "where page 1 is expected, there is none");
    damaged(&with_page(2, |page| page[5] |= 1), "a packet that goes on over two pages is cut there");
    damaged(&with_page(0, |page| page[28 + 11] = 0), "it has 0 channels at 22050 frames a second");
    damaged(&with_page(1, |page| page[18] = 7), "where page 1 is expected, it has page 7");
    let several = "which is not supported";
    let three = refusal("a.ogg", &with_page(0, |page| page[28 + 11] = 3));
    assert_eq!(three, format!("the OGG Vorbis has 3 channels, {several}"));
    let beside = refusal("a.ogg", &with_page(1, |page| page[14] ^= 1));
    assert_eq!(beside, format!("the OGG Vorbis has several streams beside each other, {several}"));
    let chained = refusal("a.ogg", &[TONE_OGG, TONE_OGG].concat());
    assert_eq!(
        chained,
        format!("the OGG Vorbis has several sounds one after the other (chained), {several}")
    );
    assert_eq!(bake("a.ogg", &[TONE_OGG, &[0; 40]].concat()), bake("a.ogg", TONE_OGG));
}

#[test]
fn the_last_page_says_where_a_vorbis_ends() {
    let last = write::pages(TONE_OGG).len() - 1;
    let ends = |position: i64| with_page(last, |page| page[6..14].copy_from_slice(&position.to_le_bytes()));
    let whole = samples(&bake("a.ogg", TONE_OGG));
    for frames in [3990, 3999] {
        let got = samples(&Bake::new(&SoundCodec::new(), "a.ogg", &ends(frames)).ok());
        assert_eq!(got, whole[..frames as usize * 2]);
    }
    // More than there is: what there is.
    let all = samples(&bake("a.ogg", &ends(1 << 40)));
    assert!(all.len() > whole.len() && all.starts_with(&whole));
}
