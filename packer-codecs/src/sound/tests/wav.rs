//! WAV in every form that is read, and in those that are not.

use super::{Bake, SoundCodec, bake, info, refusal, samples, warned, write};
use packer_domain::diagnostic::{DiagnosticCode, Severity};
use packer_pack::payload::sound::{SoundInfo, SoundLoop};
use write::{extensible, format, riff, sampler, wav16};

/// The samples of a file with this format chunk and these bytes.
#[track_caller]
fn decoded(chunk: &[u8], data: &[u8]) -> Vec<i16> {
    samples(&bake("a.wav", &riff(&[(b"fmt ", chunk), (b"data", data)])))
}

#[test]
fn whole_numbers_of_every_size() {
    assert_eq!(decoded(&format(1, 1, 8000, 8, 1), &[0, 1, 127, 128, 255]), [-32768, -32512, -256, 0, 32512]);
    let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    assert_eq!(samples(&bake("a.wav", &wav16(2, 44_100, &all))), all);
    // Halves up: 0x007f is below one half, 0x0080 is one half; -128/256 is a half, and becomes 0.
    let bytes = |values: &[i32], count: usize| -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()[..count].to_vec()).collect()
    };
    let values = [0, 127, 128, -128, -129, 0x12_3480, 0x7f_ffff, -0x80_0000];
    let expected = [0, 0, 1, 0, -1, 0x1235, 32767, -32768];
    assert_eq!(decoded(&format(1, 1, 8000, 24, 3), &bytes(&values, 3)), expected);
    assert_eq!(decoded(&extensible(1, 1, (24, 24, 3), 0), &bytes(&values, 3)), expected);
    let values = values.map(|value| value << 8);
    assert_eq!(decoded(&format(1, 1, 8000, 32, 4), &bytes(&values, 4)), expected);
    assert_eq!(decoded(&extensible(1, 1, (32, 24, 4), 0), &bytes(&values, 4)), expected);
    assert_eq!(decoded(&extensible(1, 1, (32, 0, 4), 0), &bytes(&[0x0001_7fff, 0x0001_8000], 4)), [1, 2]);
    // Fewer bits than a byte has stand in the upper ones.
    assert_eq!(decoded(&format(1, 1, 8000, 12, 2), &[0xf0, 0x7f]), [0x7ff0]);
    assert_eq!(decoded(&extensible(1, 1, (16, 12, 2), 0), &[0x10, 0x80]), [-0x7ff0]);
}

#[test]
fn floats_of_both_sizes() {
    let values = [0.0, 0.5, -0.5, 1.0, -1.0, 0.25 / 32768.0, 0.5 / 32768.0, -0.5 / 32768.0, 1.0e-40];
    let expected = [0, 16384, -16384, 32767, -32768, 0, 1, 0, 0];
    let small: Vec<u8> = values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect();
    let large: Vec<u8> = values.iter().flat_map(|value: &f64| value.to_le_bytes()).collect();
    assert_eq!(decoded(&format(3, 1, 8000, 32, 4), &small), expected);
    assert_eq!(decoded(&extensible(3, 1, (64, 64, 8), 0), &large), expected);
    let loud: Vec<u8> = [2.0f32, -1.5, 1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let file = riff(&[(b"fmt ", &format(3, 1, 8000, 32, 4)), (b"data", &loud)]);
    let (got, message) = warned("a.wav", &file);
    assert_eq!(got, [32767, -32768, 32767]);
    assert_eq!(message, "2 samples are beyond full scale, and became full scale");
    for wrong in [f32::NAN, f32::INFINITY] {
        let data =
            [[0; 8], [0.5f32.to_le_bytes(), wrong.to_le_bytes()].concat().try_into().unwrap()].concat();
        let file = riff(&[(b"fmt ", &format(3, 2, 8000, 32, 8)), (b"data", &data)]);
        assert_eq!(refusal("a.wav", &file), "the WAV is damaged: a sample of frame 1 is not a finite number");
    }
}

#[test]
fn both_laws() {
    assert_eq!(decoded(&format(6, 1, 8000, 8, 1), &[0x55, 0xd5, 0x2a, 0xaa]), [-8, 8, -32256, 32256]);
    assert_eq!(decoded(&format(7, 1, 8000, 8, 1), &[0x00, 0x80, 0xff, 0x7e]), [-32124, 32124, 0, -8]);
}

/// A file of ADPCM: its number, channels, bytes and frames a block, two blocks, and what another decoder makes of it.
pub(super) struct Adpcm {
    tag: u16,
    channels: u16,
    block: u16,
    frames: u16,
    data: &'static [u8],
    samples: &'static [i16],
}

pub(super) const IMA_MONO: Adpcm = Adpcm {
    tag: 0x11,
    channels: 1,
    block: 12,
    frames: 17,
    data: b"\xe7\x15\x18\x00\xf5\xd3\xef\x2d\x05\x9d\x9f\x3c\x98\xe9\x3c\x00\x24\x07\x86\xde\x39\x92\x08\x95",
    samples: &[
        5607, 5707, 5508, 5708, 5421, 4847, 3778, 2176, 3242, 5376, 5660, 2820, 1686, -3467, -5676, -11703,
        -6030, -5736, -3180, -1463, 3221, 3890, 11804, 10726, -2021, -21131, -28761, -12574, -2063, -7796,
        -9533, -7954, 7839, 1533,
    ],
};

pub(super) const IMA_STEREO: Adpcm = Adpcm {
    tag: 0x11,
    channels: 2,
    block: 24,
    frames: 17,
    data: b"\x9d\xdf\x18\x00\x33\xf4\x29\x00\xe2\xc9\x08\x9f\x1a\x1b\xa3\x7a\x21\x29\xc9\x43\x46\xa6\xe4\x28\
        \x75\x0d\x38\x00\x24\xdf\x19\x00\x9d\x92\xbe\x73\xdb\x87\x27\x64\xed\x7f\x48\xe3\xa8\x15\x49\x84",
    samples: &[
        -8291, -3021, -8246, -3252, -8353, -3126, -8396, -3393, -8516, -3290, -8532, -3070, -8518, -3213,
        -8717, -3343, -8802, -2988, -8724, -2325, -8606, -1511, -8670, -88, -8573, -1058, -8625, 529, -8771,
        -2244, -8635, -2622, -8475, -905, 3445, -8412, 1311, -8482, 459, -8582, 1750, -8383, 1047, -8411,
        -1726, -8020, -4372, -7740, -1968, -7281, 2716, -6479, -4650, -6588, -17397, -7085, -32768, -6090,
        23095, -5693, 19000, -6053, 32767, -5068, 32767, -3876, -15648, -4036,
    ],
};

pub(super) const MS_MONO: Adpcm = Adpcm {
    tag: 2,
    channels: 1,
    block: 15,
    frames: 18,
    data: b"\x05\xe6\x00\x81\x0a\x3c\x0b\x11\xfc\xdd\xf0\xc1\x50\xd0\xd1\
        \x01\xa1\x00\x57\x0a\x6c\x07\xe1\x41\xc5\xe0\x31\x14\xf3\xe5",
    samples: &[
        2876, 2689, 2725, 2917, 2842, 2072, 817, -750, -2171, -3292, -4660, -5547, -5502, -5380, -5779,
        -6013, -6578, -6795, 1900, 2647, 3072, 3641, 4726, 5965, 6652, 8164, 9150, 10136, 11758, 13570,
        15552, 18142, 20550, 23447, 26052, 29312,
    ],
};

pub(super) const MS_STEREO: Adpcm = Adpcm {
    tag: 2,
    channels: 2,
    block: 30,
    frames: 18,
    data: b"\x06\x03\xfd\x00\x94\x00\xa2\x05\x05\x0a\x66\xf9\x58\xfa\xd3\x00\x02\x22\xd4\xc2\x0e\xe1\x21\x41\xf0\xcd\xc1\xf3\x45\x35\
        \x01\x04\x81\x00\xe8\x00\x6f\x06\xc1\xf4\x34\xfa\x71\x0a\xd2\xee\xe0\x51\x01\x30\x10\x4e\x21\x15\xf2\x0f\xfe\x0f\xf2\x11",
    samples: &[-1690, -1448, 1442, 2565, 2980, 2005, 3256, 2145, 2285, 2346, 912, 2507, -1164, 2846, -3193, 2987, -3835, 2749, -3293, 2898, -1285, 2940, 1520, 3000, 3341, 2985, 3198, 2820, 1225, 2911, -1216, 3020, -2281, 3187, -1770, 3455, -1484, 2673, 1647, -2879, 4391, -2236, 6905, -2513, 9213, -2356, 11981, -2042, 14749, -1765, 17910, -1655, 21188, -1552, 24886, -1669, 28834, -1469, 32767, -948, 32767, -615, 32767, -700, 32688, -877, 32609, -921, 32468, -688, 32382, -566],
};

fn adpcm_format(form: &Adpcm) -> Vec<u8> {
    let mut chunk = format(form.tag, form.channels, 8000, 4, form.block);
    chunk.extend(if form.tag == 2 { 32u16 } else { 2 }.to_le_bytes());
    chunk.extend(form.frames.to_le_bytes());
    if form.tag == 2 {
        chunk.extend(7u16.to_le_bytes());
        for value in [256i16, 0, 512, -256, 0, 0, 192, 64, 240, 0, 460, -208, 392, -232] {
            chunk.extend(value.to_le_bytes());
        }
    }
    chunk
}

pub(super) fn adpcm(form: &Adpcm) -> Vec<u8> {
    riff(&[(b"fmt ", &adpcm_format(form)), (b"data", form.data)])
}

fn adpcm_with(form: &Adpcm, frames: u32, data: &[u8]) -> Vec<u8> {
    riff(&[(b"fmt ", &adpcm_format(form)), (b"fact", &frames.to_le_bytes()), (b"data", data)])
}

#[test]
fn adpcm_of_both_kinds() {
    for form in [IMA_MONO, IMA_STEREO, MS_MONO, MS_STEREO] {
        let what = format!("{} with {} channels", form.tag, form.channels);
        assert_eq!(samples(&bake("a.wav", &adpcm(&form))), form.samples, "{what}");
        // The number of frames that count, and a block that is shorter.
        let channels = usize::from(form.channels);
        for frames in [19, 20, 33] {
            let got = samples(&bake("a.wav", &adpcm_with(&form, frames, form.data)));
            assert_eq!(got, form.samples[..frames as usize * channels], "{what}, {frames} frames");
        }
        let short = &form.data[..form.data.len() - 4 * channels];
        let got = samples(&bake("a.wav", &riff(&[(b"fmt ", &adpcm_format(&form)), (b"data", short)])));
        assert_eq!(got, form.samples[..form.samples.len() - 8 * channels], "{what}");
        // A number that cannot be: more than there are, or fewer than the blocks before the last have.
        let held = form.samples.len() / channels;
        for said in [99, 17] {
            let (got, message) = warned("a.wav", &adpcm_with(&form, said, form.data));
            assert_eq!(got, form.samples);
            let expected = format!(
                "the WAV says that it has {said} frames, and its samples are {held}; those are taken"
            );
            assert_eq!(message, expected);
        }
    }
}

#[test]
fn adpcm_that_cannot_be() {
    let with = |form: &Adpcm, at: usize, value: u8| {
        let mut data = form.data.to_vec();
        data[at] = value;
        refusal("a.wav", &riff(&[(b"fmt ", &adpcm_format(form)), (b"data", &data)]))
    };
    assert_eq!(
        with(&IMA_MONO, 14, 89),
        "the WAV is damaged: block 1 of its samples begins with the step 89 of 88"
    );
    assert_eq!(
        with(&MS_MONO, 0, 7),
        "the WAV is damaged: block 0 of its samples selects the predictor 7 of 7"
    );
    let refused = |form: Adpcm| refusal("a.wav", &adpcm(&form));
    assert_eq!(
        refused(Adpcm { frames: 18, ..IMA_MONO }),
        "the WAV is damaged: a block of 12 bytes is said to have 18 frames"
    );
    assert_eq!(refused(Adpcm { block: 3, ..IMA_MONO }), "the WAV is damaged: a block of ADPCM has 3 bytes");
    assert_eq!(
        refused(Adpcm { frames: 1, ..MS_MONO }),
        "the WAV is damaged: a block of 15 bytes is said to have 1 frames"
    );
    assert_eq!(
        refused(Adpcm { channels: 3, ..IMA_MONO }),
        "the WAV has ADPCM of 3 channels, which is not supported"
    );
}

#[test]
fn twenty_four_bits_in_the_wrong_three_bytes_are_noticed() {
    let values = [-96i32, 23_052, 8_388_607, -8_360_672];
    let lower: Vec<u8> = values.iter().flat_map(|value| (value & 0xff_ffff).to_le_bytes()).collect();
    let extended: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let upper: Vec<u8> = values.iter().flat_map(|value| (value << 8).to_le_bytes()).collect();
    let expected = [0, 90, 32767, -32659];
    for chunk in [format(1, 2, 48_000, 24, 8), extensible(1, 2, (32, 24, 8), 3)] {
        assert_eq!(decoded(&chunk, &upper), expected);
        for data in [&lower, &extended] {
            let (got, message) = warned("a.wav", &riff(&[(b"fmt ", &chunk), (b"data", data)]));
            assert_eq!(got, expected);
            assert!(message.contains("in the lower three of four bytes"), "{message}");
        }
        // Neither: then all four bytes count.
        assert_eq!(decoded(&chunk, &[1, 2, 3, 4, 5, 6, 7, 8]), [0x0403, 0x0807]);
    }
}

#[test]
fn chunks_are_found_wherever_they_stand() {
    let chunk = format(1, 1, 8000, 8, 1);
    let file = riff(&[
        (b"JUNK", b"odd"),
        (b"fmt ", &[&chunk[..], &[0; 2]].concat()),
        (b"LIST", b"INFO"),
        (b"data", &[128, 129, 130]),
        (b"data", &[0]),
        (b"fmt ", b"later ones do not count"),
    ]);
    assert_eq!(samples(&bake("a.wav", &file)), [0, 256, 512]);
    // What follows the samples may be anything.
    let mut odd = riff(&[(b"fmt ", &chunk), (b"data", &[128, 129])]);
    odd.extend(b"rest");
    assert_eq!(samples(&bake("a.wav", &odd)), [0, 256]);
}

#[test]
fn samples_that_are_not_there_are_not_made_up() {
    let chunk = format(1, 2, 8000, 16, 4);
    let whole = riff(&[(b"fmt ", &chunk), (b"data", &[1, 0, 2, 0, 3, 0, 4, 0])]);
    assert_eq!(refusal("a.wav", &whole[..49]), "the WAV ends after 5 of 8 bytes of samples (truncated)");
    assert_eq!(refusal("a.wav", &whole[..40]), "the WAV ends before its samples (truncated)");
    assert_eq!(refusal("a.wav", &whole[..30]), "the WAV ends inside its format chunk (truncated)");
    assert_eq!(refusal("a.wav", &whole[..14]), "the WAV ends inside its header (truncated)");
    let mut unfinished = whole.clone();
    unfinished[40..44].fill(0);
    assert_eq!(
        refusal("a.wav", &unfinished),
        "the WAV has no samples, though 8 bytes follow its header: what wrote it did not finish"
    );
    assert_eq!(refusal("a.wav", &riff(&[(b"fmt ", &chunk), (b"data", b"")])), "the WAV has no samples");
    let mut streamed = whole.clone();
    streamed[4..8].fill(0xff);
    streamed[40..44].fill(0xff);
    let (got, message) = warned("a.wav", &streamed);
    assert_eq!(got, [1, 2, 3, 4]);
    assert!(message.contains("does not say how long it is"), "{message}");
    let (got, message) = warned("a.wav", &riff(&[(b"fmt ", &chunk), (b"data", &[1, 0, 2, 0, 3, 0])]));
    assert_eq!(got, [1, 2]);
    assert_eq!(message, "the samples of the WAV end inside a frame; its 2 bytes are left out");
    assert_eq!(
        refusal("a.wav", &riff(&[(b"data", &[0; 4]), (b"fmt ", &chunk)])),
        "the WAV is damaged: its samples come before the chunk that says what they are"
    );
    assert_eq!(refusal("a.wav", &riff(&[(b"JUNK", &[0; 9])])), "the WAV is damaged: it has no format chunk");
}

#[test]
fn a_chunk_that_is_missing_at_the_end_is_said() {
    let (start, end) = (1, 3);
    let file = riff(&[
        (b"fmt ", &format(1, 1, 8000, 8, 1)),
        (b"data", &[1, 2, 3, 4]),
        (b"smpl", &sampler(0, start, end)),
    ]);
    let whole = bake("a.wav", &file);
    assert_eq!(info(&whole).looping, Some(SoundLoop { start: 1, end: 4 }));
    assert_eq!(refusal("a.wav", &file[..90]), "the WAV ends inside the chunk with its loop (truncated)");
    let (got, message) = warned("a.wav", &file[..48]);
    assert_eq!(got, samples(&whole));
    assert_eq!(
        message,
        "the WAV says that it has 116 bytes, and it has 48; its samples are complete, and what stood after them is missing"
    );
}

#[test]
fn speakers_are_those_of_the_header() {
    let of = |chunk: &[u8], bytes: usize| {
        let SoundInfo { channels, speakers, .. } =
            info(&bake("a.wav", &riff(&[(b"fmt ", chunk), (b"data", &vec![0; bytes])])));
        (channels, speakers)
    };
    assert_eq!(of(&format(1, 1, 8000, 16, 2), 2), (1, 4));
    assert_eq!(of(&format(1, 2, 8000, 16, 4), 4), (2, 3));
    assert_eq!(of(&format(1, 6, 8000, 16, 12), 12), (6, 0));
    assert_eq!(of(&extensible(1, 6, (16, 16, 12), 0x60f), 12), (6, 0x60f));
    assert_eq!(of(&extensible(1, 2, (16, 16, 4), 0), 4), (2, 3));
    // More speakers than channels: the first count. Fewer: nothing is known.
    assert_eq!(of(&extensible(1, 2, (16, 16, 4), 0x3f), 4), (2, 3));
    assert_eq!(of(&extensible(1, 2, (16, 16, 4), 0x4), 4), (2, 0));
    assert_eq!(of(&format(1, 32, 8000, 8, 32), 32), (32, 0));
}

#[test]
fn forms_that_are_not_read_are_named() {
    let of = |chunk: &[u8]| {
        let findings =
            Bake::new(&SoundCodec::new(), "a.wav", &riff(&[(b"fmt ", chunk), (b"data", &[0; 64])])).err();
        let unsupported = findings[0].code == DiagnosticCode::BakeUnsupported;
        assert!(unsupported || findings[0].code == DiagnosticCode::BakeDecode);
        (unsupported, findings[0].message.clone())
    };
    for (chunk, message) in [
        (format(0x55, 2, 44_100, 0, 1), "the WAV has samples in MP3, which is not supported"),
        (format(0x1234, 2, 44_100, 0, 1), "the WAV has samples of the format 0x1234, which is not supported"),
        (
            format(1, 1, 8000, 64, 8),
            "the WAV has samples of 64 bits, and 8 bytes a frame of 1 channels, which is not supported",
        ),
        (format(3, 1, 8000, 16, 2), "the WAV has floats of 16 bits in 2 bytes, which is not supported"),
        (format(1, 33, 8000, 8, 33), "the WAV has 33 channels, which is not supported"),
    ] {
        assert_eq!(of(&chunk), (true, message.to_owned()));
    }
    for (chunk, message) in [
        (format(1, 0, 8000, 8, 1), "the WAV is damaged: it has 0 channels at 8000 frames a second"),
        (format(1, 1, 0, 8, 1), "the WAV is damaged: it has 1 channels at 0 frames a second"),
        (format(3, 2, 8000, 32, 7), "the WAV is damaged: a frame of 2 channels has 7 bytes"),
        (format(6, 2, 8000, 8, 4), "the WAV is damaged: a frame of 2 bytes has 4 of them"),
    ] {
        assert_eq!(of(&chunk), (false, message.to_owned()));
    }
    let mut own = extensible(1, 1, (16, 16, 2), 0);
    own[39] = 0;
    assert!(of(&own).1.contains("samples of a format without a number"));
    let list = riff(&[(b"fmt ", &format(1, 1, 8000, 8, 1)), (b"LIST", b"wavldata")]);
    assert!(refusal("a.wav", &list).contains("`wavl` list"));
}

#[test]
fn a_loop_that_cannot_be_is_left_out() {
    let with = |sampler: &[u8]| {
        let file =
            riff(&[(b"fmt ", &format(1, 1, 8000, 8, 1)), (b"data", &[1, 2, 3, 4]), (b"smpl", sampler)]);
        let baked = Bake::new(&SoundCodec::new(), "a.wav", &file).ok();
        let message = baked.findings.first().map(|finding| {
            assert_eq!(finding.severity, Severity::Warning);
            finding.message.clone()
        });
        (info(&baked).looping, message.unwrap_or_default())
    };
    let looping = |start, end| Some(SoundLoop { start, end });
    assert_eq!(with(&sampler(0, 0, 3)), (looping(0, 4), String::new()));
    assert_eq!(with(&sampler(0, 2, 2)), (looping(2, 3), String::new()));
    let message = |start, end| {
        format!(
            "the loop that the file gives, from frame {start} to before {end}, is not within its 4 frames; it is left out"
        )
    };
    assert_eq!(with(&sampler(0, 0, 4)), (None, message(0, 5u64)));
    assert_eq!(with(&sampler(0, 3, 1)), (None, message(3, 2)));
    assert_eq!(with(&sampler(0, 0, u32::MAX)), (None, message(0, 1 << 32)));
    let (none, message) = with(&sampler(1, 0, 3));
    assert!(none.is_none() && message.contains("does not go forward only"), "{message}");
    let mut none = sampler(0, 0, 3);
    none[28] = 0;
    assert_eq!(with(&none), (None, String::new()));
    assert_eq!(with(&[0; 8]), (None, String::new()));
}
