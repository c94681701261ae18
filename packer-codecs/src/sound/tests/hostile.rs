//! Files that are cut, changed, or that declare far more than they hold.

use super::{Bake, MONO_MP3, SoundCodec, TONE_FLAC, TONE_OGG, every_form, samples, wav, write};
use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::kind::SettingValue;
use packer_domain::limits::Limits;

#[test]
fn every_form_bakes() {
    for (name, file) in every_form() {
        Bake::new(&SoundCodec::new(), name, &file).ok();
    }
}

/// A file that is cut anywhere either is refused or still has all of its samples. An MP3 that does not say how many frames
/// it has may have fewer, but only whole ones.
#[test]
fn no_cut_changes_a_sample() {
    for (name, file) in every_form() {
        let codec = SoundCodec::new();
        let whole = samples(&Bake::new(&codec, name, &file).ok());
        let mut refused = 0;
        for end in 0..file.len() {
            match Bake::new(&codec, name, &file[..end]).run() {
                Ok(baked) if name == "mono.mp3" => {
                    let some = samples(&baked);
                    assert!(
                        whole.starts_with(&some) && some.len().is_multiple_of(576),
                        "{name} cut to {end}"
                    );
                }
                Ok(baked) => assert_eq!(samples(&baked), whole, "{name} cut to {end} of {}", file.len()),
                Err(findings) => {
                    refused += 1;
                    assert_ne!(findings[0].code, DiagnosticCode::BakeLimit, "{name} cut to {end}");
                }
            }
        }
        assert!(refused > file.len() / 3, "{name}: {refused} of {}", file.len());
    }
}

#[test]
fn changed_bytes_are_read_or_refused() {
    // What a changed header may declare is bounded, so that the test stays small.
    let limits = Limits { max_payload_bytes: 1 << 16, ..Limits::default() };
    for (name, file) in every_form() {
        // Every byte of the headers, and some of the rest.
        let places = (0..file.len()).filter(|at| *at < 100 || at % 19 == 0);
        for at in places {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = file.clone();
                changed[at] ^= change;
                // That it returns, twice alike, is the test.
                let _outcome = Bake::new(&SoundCodec::new(), name, &changed).limits(limits).run();
            }
        }
    }
}

/// The checksums of Ogg keep changes away from the decoder; with right ones it has to cope with them.
#[test]
fn changed_packets_of_vorbis_are_read_or_refused() {
    let pages = write::pages(TONE_OGG);
    let limits = Limits { max_payload_bytes: 1 << 16, ..Limits::default() };
    for range in pages {
        for at in range.clone().skip(27).step_by(23) {
            for change in [0x02, 0xff] {
                let mut changed = TONE_OGG.to_vec();
                changed[at] ^= change;
                write::seal(&mut changed[range.clone()]);
                let _outcome = Bake::new(&SoundCodec::new(), "a.ogg", &changed).limits(limits).run();
            }
        }
    }
}

#[test]
fn what_a_file_decodes_to_is_limited() {
    let codec = SoundCodec::new();
    let file = write::wav16(2, 8000, &[0; 200]);
    let limits = |most| Limits { max_payload_bytes: most, ..Limits::default() };
    Bake::new(&codec, "a.wav", &file).limits(limits(448)).ok();
    let findings = Bake::new(&codec, "a.wav", &file).limits(limits(447)).err();
    assert_eq!(findings[0].code, DiagnosticCode::BakeLimit);
    assert_eq!(findings[0].message, "the payload would have 448 bytes; the limit of one payload is 447");
    assert!(findings[0].help.as_ref().is_some_and(|help| help.contains("max_payload_bytes")));
    // Resampled it would fit, but the source does not.
    let lower =
        Bake::new(&codec, "a.wav", &file).set("sample_rate", SettingValue::Int(4000)).limits(limits(447));
    assert_eq!(
        lower.message(),
        "the WAV decodes to at least 448 bytes of 16-bit samples; the limit of one payload is 447"
    );
    let higher =
        Bake::new(&codec, "a.wav", &file).set("sample_rate", SettingValue::Int(16_000)).limits(limits(500));
    assert_eq!(higher.message(), "the payload would have 848 bytes; the limit of one payload is 500");
    // A kept file is decoded, too, and counted.
    let kept = |file: &[u8], most| {
        Bake::new(&codec, "a", file).text("encoding", "source").limits(limits(most)).message()
    };
    assert_eq!(kept(&file, 491), "the payload would have 492 bytes; the limit of one payload is 491");
    assert!(kept(TONE_FLAC, 7000).starts_with("the FLAC decodes to at least 8048 bytes"));
    assert!(kept(TONE_OGG, 7000).starts_with("the OGG Vorbis decodes to at least "));
    // Formats that do not say how long they are stop where they pass the limit.
    for (name, file) in [("a.ogg", TONE_OGG), ("a.mp3", MONO_MP3)] {
        let findings = Bake::new(&codec, name, file).limits(limits(500)).err();
        assert_eq!(findings[0].code, DiagnosticCode::BakeLimit, "{name}");
    }
}

/// A frame of a few bytes can stand for thousands of samples.
#[test]
fn what_stands_for_silence_cannot_pass_the_limit() {
    let silence = [vec![0; 256 * 100]];
    let flac =
        write::Flac { channels: &silence, subframe: write::Subframe::Constant, claimed: 0, md5: [0; 16] };
    let file = flac.file();
    let limits = Limits { max_payload_bytes: 20_000, ..Limits::default() };
    let message = Bake::new(&SoundCodec::new(), "a.flac", &file).limits(limits).message();
    assert_eq!(message, "the payload would have 20016 bytes; the limit of one payload is 20000");
}

#[test]
fn a_flac_that_declares_more_than_any_limit_is_refused_before_it_is_decoded() {
    let silence = [vec![0; 256]];
    let flac = write::Flac {
        channels: &silence,
        subframe: write::Subframe::Constant,
        claimed: (1 << 36) - 1,
        md5: [0; 16],
    };
    let message = Bake::new(&SoundCodec::new(), "a.flac", &flac.file()).message();
    assert_eq!(message, "the payload would have 137438953518 bytes; the limit of one payload is 2147483648");
}

#[test]
fn adpcm_with_blocks_of_nothing_ends() {
    // The largest number of blocks for its bytes, of one frame each.
    let data = vec![0; 4 * 5000];
    let chunk = [&write::format(0x11, 1, 8000, 4, 4)[..], &[2, 0, 1, 0]].concat();
    let file = write::riff(&[(b"fmt ", &chunk), (b"data", &data)]);
    assert_eq!(samples(&Bake::new(&SoundCodec::new(), "a.wav", &file).ok()), [0; 5000]);
    let form = wav::adpcm(&wav::MS_STEREO);
    Bake::new(&SoundCodec::new(), "a.wav", &form).ok();
}

#[test]
fn codebooks_beyond_all_measure_are_refused() {
    let pages = write::pages(TONE_OGG);
    let mut file = TONE_OGG[pages[0].clone()].to_vec();
    // The comments, then codebooks of 1 MiB over many pages.
    let mut packets = [&b"\x03vorbis"[..], &[0; 8], b"\x01"].concat();
    let mut lacing = vec![packets.len() as u8];
    packets.extend(b"\x05vorbis");
    packets.resize(packets.len() + (1 << 20), 0xaa);
    let mut body = &packets[..];
    let mut index = 1u32;
    while !body.is_empty() {
        let room = 255 - lacing.len();
        let rest = body.len() - lacing.iter().map(|size| usize::from(*size)).sum::<usize>();
        let whole = (rest / 255).min(room);
        lacing.extend(vec![255; whole]);
        if whole < room {
            lacing.push((rest % 255) as u8);
        }
        let size: usize = lacing.iter().map(|size| usize::from(*size)).sum();
        let mut page = b"OggS\0".to_vec();
        page.push(u8::from(index > 1));
        page.extend([0xff; 8]);
        page.extend(&TONE_OGG[14..18]);
        page.extend(index.to_le_bytes());
        page.extend([0; 4]);
        page.push(lacing.len() as u8);
        page.append(&mut lacing);
        page.extend(&body[..size]);
        write::seal(&mut page);
        file.extend(page);
        body = &body[size..];
        index += 1;
    }
    let message = Bake::new(&SoundCodec::new(), "a.ogg", &file).message();
    assert_eq!(
        message,
        "the OGG Vorbis is damaged: its codebooks take 1048583 bytes; more than 131072 are not credible"
    );
}
