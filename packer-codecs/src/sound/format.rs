//! Which format a sound file has, by its content alone.

use packer_domain::kind::Signature;
use packer_pack::payload::sound::SourceFormat;

use super::decode::{id3, mp3};
use super::problem::SoundProblem;

/// What files begin with. An MP3 without an ID3 tag has too little of its own to be claimed by its beginning, so
/// adoption goes by the extension there.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature { offset: 8, bytes: b"WAVEfmt " },
    Signature { offset: 8, bytes: b"WAVEJUNK" },
    Signature { offset: 8, bytes: b"WAVEbext" },
    Signature { offset: 8, bytes: b"WAVELIST" },
    Signature { offset: 0, bytes: b"fLaC" },
    Signature { offset: 28, bytes: b"\x01vor" },
    Signature { offset: 0, bytes: b"ID3\x02" },
    Signature { offset: 0, bytes: b"ID3\x03" },
    Signature { offset: 0, bytes: b"ID3\x04" },
];

/// Known formats that are not read.
const OTHERS: &[(&str, Signature)] = &[
    ("an RF64 file (a WAV beyond 4 GiB)", Signature { offset: 0, bytes: b"RF64" }),
    ("a big-endian WAV (RIFX)", Signature { offset: 0, bytes: b"RIFX" }),
    ("an AIFF sound", Signature { offset: 8, bytes: b"AIF" }),
    ("an AU sound", Signature { offset: 0, bytes: b".snd" }),
    ("a CAF sound", Signature { offset: 0, bytes: b"caff" }),
    ("an MP4 or M4A file", Signature { offset: 4, bytes: b"ftyp" }),
    ("a Windows Media file", Signature { offset: 0, bytes: b"\x30\x26\xb2\x75" }),
    ("a WavPack sound", Signature { offset: 0, bytes: b"wvpk" }),
    ("a Monkey's Audio sound", Signature { offset: 0, bytes: b"MAC " }),
    ("a Matroska or WebM file", Signature { offset: 0, bytes: b"\x1a\x45\xdf\xa3" }),
    ("a MIDI file", Signature { offset: 0, bytes: b"MThd" }),
    ("an Extended Module", Signature { offset: 0, bytes: b"Extended Module" }),
    ("an Impulse Tracker module", Signature { offset: 0, bytes: b"IMPM" }),
    ("an Ogg Opus sound", Signature { offset: 28, bytes: b"OpusHead" }),
    ("an Ogg Speex sound", Signature { offset: 28, bytes: b"Speex" }),
    ("a FLAC in Ogg", Signature { offset: 28, bytes: b"\x7fFLAC" }),
    ("an Ogg Theora video", Signature { offset: 28, bytes: b"\x80theora" }),
    ("an Ogg file that does not begin with Vorbis", Signature { offset: 0, bytes: b"OggS" }),
    ("a RIFF file, and no WAV", Signature { offset: 0, bytes: b"RIFF" }),
    ("a Git LFS pointer, not the sound itself,", Signature { offset: 0, bytes: b"version https://git-lfs" }),
];

/// The name of a format, for people.
pub(super) fn name(format: SourceFormat) -> &'static str {
    match format {
        SourceFormat::Wav => "WAV",
        SourceFormat::Flac => "FLAC",
        SourceFormat::Vorbis => "OGG Vorbis",
        SourceFormat::Mp3 => "MP3",
    }
}

/// The format that an extension promises.
pub(super) fn of_extension(extension: &str) -> Option<SourceFormat> {
    match extension.to_ascii_lowercase().as_str() {
        "wav" => Some(SourceFormat::Wav),
        "flac" => Some(SourceFormat::Flac),
        "ogg" | "oga" => Some(SourceFormat::Vorbis),
        "mp3" => Some(SourceFormat::Mp3),
        _ => None,
    }
}

/// The format of `bytes`.
pub(super) fn recognise(bytes: &[u8]) -> Result<SourceFormat, SoundProblem> {
    let body = &bytes[id3::skip(bytes)..];
    match body {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => return Ok(SourceFormat::Wav),
        [b'f', b'L', b'a', b'C', ..] => return Ok(SourceFormat::Flac),
        [b'O', b'g', b'g', b'S', ..] if body.get(28..).is_some_and(|at| at.starts_with(b"\x01vorbis")) => {
            return Ok(SourceFormat::Vorbis);
        }
        _ => {}
    }
    if let Some((found, _)) = OTHERS.iter().find(|(_, signature)| signature.matches(body)) {
        return Err(SoundProblem::OtherFormat { found });
    }
    if mp3::begins(body) || (body.len() < bytes.len() && !body.starts_with(&[0])) {
        return Ok(SourceFormat::Mp3);
    }
    Err(SoundProblem::NoSound { found: beginning(body) })
}

fn beginning(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "the file is empty".to_owned();
    }
    let head: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02X}")).collect();
    format!("the file is no sound: it begins with the bytes {}", head.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_that_is_read_is_claimed_by_its_beginning() {
        let ogg = [&b"OggS"[..], &[0; 24], b"\x01vorbis"].concat();
        for (file, format) in [
            (&b"RIFF\0\0\0\0WAVEfmt "[..], SourceFormat::Wav),
            (b"RIFF\0\0\0\0WAVELIST", SourceFormat::Wav),
            (b"fLaC\0\0\0\x22", SourceFormat::Flac),
            (&ogg, SourceFormat::Vorbis),
            (b"ID3\x03\0\0\0\0\0\x01\0\xff\xfb\x90\0", SourceFormat::Mp3),
        ] {
            assert!(SIGNATURES.iter().any(|signature| signature.matches(&file[..file.len().min(32)])));
            assert_eq!(recognise(file).unwrap(), format);
        }
    }

    #[test]
    fn what_is_no_sound_is_described() {
        let message = |bytes: &[u8]| recognise(bytes).unwrap_err().to_string();
        let expected = "expected WAV, FLAC, OGG Vorbis or MP3";
        assert_eq!(message(b""), format!("the file is empty; {expected}"));
        assert_eq!(
            message(b"hi"),
            format!("the file is no sound: it begins with the bytes 68 69; {expected}")
        );
        assert_eq!(message(b"FORM\0\0\0\0AIFFCOMM"), format!("the file is an AIFF sound; {expected}"));
        let opus = [&b"OggS"[..], &[0; 24], b"OpusHead"].concat();
        assert_eq!(message(&opus), format!("the file is an Ogg Opus sound; {expected}"));
        assert_eq!(
            message(b"RIFF\0\0\0\0WEBPVP8 "),
            format!("the file is a RIFF file, and no WAV; {expected}")
        );
    }

    #[test]
    fn extensions_promise_what_they_hold() {
        for (extension, format) in [
            ("WAV", Some(SourceFormat::Wav)),
            ("flac", Some(SourceFormat::Flac)),
            ("oga", Some(SourceFormat::Vorbis)),
            ("mp3", Some(SourceFormat::Mp3)),
            ("opus", None),
        ] {
            assert_eq!(of_extension(extension), format);
        }
    }
}
