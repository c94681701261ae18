//! What each setting does to a payload.

use super::{Bake, SoundCodec, TONE_FLAC, TONE_MP3, TONE_OGG, info, samples, write};
use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::kind::SettingValue;
use packer_pack::payload::sound::{SoundData, SoundLoop, SoundView, SourceFormat};

fn with<'a>(codec: &'a SoundCodec, name: &str, file: &[u8], settings: &[(&str, i64)]) -> Bake<'a> {
    let bake = Bake::new(codec, name, file);
    settings.iter().fold(bake, |bake, (key, value)| bake.set(key, SettingValue::Int(*value)))
}

#[test]
fn channels_are_mixed() {
    let codec = SoundCodec::new();
    let stereo = write::wav16(2, 8000, &[10, 21, -3, -4]);
    let mono = with(&codec, "a.wav", &stereo, &[("channels", 1)]).ok();
    assert_eq!(samples(&mono), [16, -3]);
    assert_eq!((info(&mono).channels, info(&mono).speakers, info(&mono).frames), (1, 4, 2));
    let both = with(&codec, "a.wav", &write::wav16(1, 8000, &[7, -8]), &[("channels", 2)]).ok();
    assert_eq!(samples(&both), [7, 7, -8, -8]);
    assert_eq!((info(&both).channels, info(&both).speakers), (2, 3));
    assert_eq!(samples(&with(&codec, "a.wav", &stereo, &[("channels", 2)]).ok()), [10, 21, -3, -4]);
    let six: Vec<Vec<i32>> = [50, 0, 100, 9000, 50, 0].into_iter().map(|value| vec![value]).collect();
    let flac = write::Flac { channels: &six, subframe: write::Subframe::Verbatim, claimed: 1, md5: [0; 16] };
    let down = with(&codec, "a.flac", &flac.file(), &[("channels", 2)]).ok();
    assert_eq!(samples(&down), [60, 20]);
    assert_eq!((info(&down).channels, info(&down).speakers), (2, 3));
    let four = write::wav16(4, 8000, &[1, 2, 3, 4]);
    let findings = with(&codec, "a.wav", &four, &[("channels", 2)]).err();
    assert_eq!(findings[0].code, DiagnosticCode::BakeSettings);
    assert_eq!(
        findings[0].message,
        "the WAV has 4 channels and does not say for which speakers, so `channels = 2` cannot tell left from right"
    );
}

#[test]
fn rates_are_converted_and_loops_move_along() {
    let codec = SoundCodec::new();
    let tone: Vec<i16> = (0..2000).map(|at| (9000.0 * libm::sin(f64::from(at) * 0.05)) as i16).collect();
    let sampler = write::sampler(0, 100, 1899);
    let data: Vec<u8> = tone.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let file =
        write::riff(&[(b"fmt ", &write::format(1, 1, 44_100, 16, 2)), (b"data", &data), (b"smpl", &sampler)]);
    let baked = with(&codec, "a.wav", &file, &[("sample_rate", 22_050)]).ok();
    assert_eq!((info(&baked).sample_rate, info(&baked).frames), (22_050, 1000));
    assert_eq!(info(&baked).looping, Some(SoundLoop { start: 50, end: 950 }));
    for (at, got) in samples(&baked).into_iter().enumerate().take(900).skip(100) {
        assert!((i32::from(got) - i32::from(tone[at * 2])).abs() <= 2, "frame {at}: {got} {}", tone[at * 2]);
    }
    let same = with(&codec, "a.wav", &file, &[("sample_rate", 44_100)]).ok();
    assert_eq!(samples(&same), tone);
    // The samples of what is both mixed and resampled are of the mixed ones.
    let stereo: Vec<i16> = tone.iter().flat_map(|sample| [*sample, *sample]).collect();
    let both =
        with(&codec, "a.wav", &write::wav16(2, 44_100, &stereo), &[("sample_rate", 22_050), ("channels", 1)]);
    assert_eq!(samples(&both.ok()), samples(&baked));
    let slow = write::wav16(1, 100, &[1]);
    let message = with(&codec, "a.wav", &slow, &[("sample_rate", 25_600)]).message();
    assert_eq!(message, "the WAV has 100 frames a second, which is too far from `sample_rate = 25600`");
    with(&codec, "a.wav", &slow, &[("sample_rate", 25_599)]).ok();
}

#[test]
fn loops_are_those_of_the_settings_then_those_of_the_file() {
    let codec = SoundCodec::new();
    let plain = write::wav16(1, 8000, &[0; 10]);
    let looping = |start, end| Some(SoundLoop { start, end });
    let of = |file: &[u8], settings: &[(&str, i64)]| info(&with(&codec, "a", file, settings).ok()).looping;
    assert_eq!(of(&plain, &[]), None);
    assert_eq!(of(&plain, &[("loop_start", 2)]), looping(2, 10));
    assert_eq!(of(&plain, &[("loop_end", 10)]), looping(0, 10));
    assert_eq!(of(&plain, &[("loop_start", 0), ("loop_end", 1)]), looping(0, 1));
    assert_eq!(of(&plain, &[("loop_start", 5), ("loop_end", 0)]), None);
    assert_eq!(of(TONE_OGG, &[]), looping(1000, 3500));
    assert_eq!(of(TONE_OGG, &[("loop_end", 0)]), None);
    assert_eq!(of(TONE_OGG, &[("loop_start", 7)]), looping(7, 3500));
    assert_eq!(of(TONE_OGG, &[("loop_end", 4000)]), looping(1000, 4000));
    for settings in [&[("loop_start", 10)][..], &[("loop_end", 11)], &[("loop_start", 4), ("loop_end", 4)]] {
        let findings = with(&codec, "a", &plain, settings).err();
        assert_eq!(findings[0].code, DiagnosticCode::BakeSettings);
        assert!(findings[0].message.contains("is not within the 10 frames of the sound"), "{findings:?}");
    }
    let short = [("sample_rate", 1000), ("loop_start", 4), ("loop_end", 5)];
    assert_eq!(
        with(&codec, "a", &plain, &short).message(),
        "the loop of 1 frames is shorter than a frame at 1000 Hz"
    );
}

#[test]
fn source_keeps_the_file() {
    let codec = SoundCodec::new();
    let wav = write::wav16(2, 44_100, &[1, 2, 3, 4]);
    for (name, file, format) in [
        ("a.wav", &wav[..], SourceFormat::Wav),
        ("a.flac", TONE_FLAC, SourceFormat::Flac),
        ("a.ogg", TONE_OGG, SourceFormat::Vorbis),
        ("a.mp3", TONE_MP3, SourceFormat::Mp3),
    ] {
        let decoded = Bake::new(&codec, name, file).ok();
        let bake = || Bake::new(&codec, name, file).text("encoding", "source");
        let baked = bake().ok();
        let view = SoundView::parse(baked.encoding, &baked.payload).unwrap();
        assert_eq!(view.data, SoundData::Source { format, file });
        assert_eq!(view.info, info(&decoded));
        // It is checked all the same.
        Bake::new(&codec, name, &file[..file.len() - 2]).text("encoding", "source").err();
        let rate = i64::from(view.info.sample_rate);
        let same = bake().set("sample_rate", SettingValue::Int(rate)).set("channels", SettingValue::Int(2));
        assert_eq!(same.ok(), baked);
        let looped =
            bake().set("loop_start", SettingValue::Int(1)).set("loop_end", SettingValue::Int(2)).ok();
        assert_eq!(info(&looped).looping, Some(SoundLoop { start: 1, end: 2 }));
    }
}

#[test]
fn source_refuses_what_it_cannot_do() {
    let codec = SoundCodec::new();
    let file = write::wav16(2, 44_100, &[1, 2, 3, 4]);
    let message = |settings: &[(&str, i64)]| {
        with(&codec, "a.wav", &file, settings).text("encoding", "source").message()
    };
    let keeps = "`encoding = \"source\"` keeps the file as it is, so";
    assert_eq!(message(&[("channels", 1)]), format!("{keeps} `channels = 1` cannot mix the 2 of the WAV"));
    assert_eq!(
        message(&[("sample_rate", 8000)]),
        format!("{keeps} `sample_rate = 8000` cannot change the 44100 of the WAV")
    );
}

#[test]
fn the_content_decides_and_the_name_is_checked() {
    let baked = Bake::new(&SoundCodec::new(), "tone.wav", TONE_MP3).ok();
    assert_eq!(baked.findings.len(), 1);
    assert_eq!(baked.findings[0].code, DiagnosticCode::BakeContentMismatch);
    assert_eq!(baked.findings[0].message, "the content is MP3, though the name promises WAV");
    assert_eq!(baked.payload, Bake::new(&SoundCodec::new(), "tone", TONE_MP3).ok().payload);
}
