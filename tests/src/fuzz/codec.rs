//! The codecs of the built-in kinds, all through one function: whatever the source is, a bake comes to the same end twice,
//! within its limits, and what it makes can be viewed.
//!
//! An input is a byte that chooses the extension, four that choose the settings (a number in a mixed radix, the settings in
//! their order), and the source.

use packer_domain::codec::{BakeRequest, Baked, Codec, Finding, SourceInput};
use packer_domain::diagnostic::Severity;
use packer_domain::kind::{KindSpec, SettingSpec, SettingType, SettingValue, Settings};
use packer_domain::limits::Limits;
use packer_domain::path::AssetPath;
use packer_pack::payload::data::DataView;
use packer_pack::payload::image::{ImagePixels, ImageView};
use packer_pack::payload::sound::{SoundData, SoundView};

use super::input::{check_message, check_span, codecs};
use super::{Seed, Verdict, payload};
use crate::{picture, repo, sound_files};

/// So small that no input takes long, and so large that every seed bakes.
const LIMITS: Limits = Limits { max_input_bytes: 1 << 16, max_pixels: 1 << 14, max_payload_bytes: 1 << 18 };

/// Where the sounds are that only a packing program can make.
const SOUNDS: &str = "packer-codecs/src/sound/tests/data/";

pub(super) fn data(data: &[u8]) -> Verdict {
    run("data", data)
}

pub(super) fn image(data: &[u8]) -> Verdict {
    run("image", data)
}

pub(super) fn raw(data: &[u8]) -> Verdict {
    run("raw", data)
}

pub(super) fn sound(data: &[u8]) -> Verdict {
    run("sound", data)
}

pub(super) fn text(data: &[u8]) -> Verdict {
    run("text", data)
}

fn run(kind: &str, data: &[u8]) -> Verdict {
    let Some(([extension, a, b, c, d], source)) = data.split_first_chunk::<5>() else {
        return Verdict::Refused;
    };
    if source.len() as u64 > LIMITS.max_input_bytes {
        return Verdict::Refused;
    }
    let codec = codec(kind);
    let spec = codec.spec();
    let name = name(spec, *extension);
    let settings = settings(spec, u32::from_le_bytes([*a, *b, *c, *d]));
    let result = bake(codec, &name, &settings, source);
    assert_eq!(result, bake(codec, &name, &settings, source), "the second bake differs");
    match result {
        Ok(baked) => {
            assert!(baked.payload.len() as u64 <= LIMITS.max_payload_bytes, "{} bytes", baked.payload.len());
            assert!(baked.findings.iter().all(|finding| finding.severity != Severity::Error), "{baked:?}");
            check_findings(&baked.findings, source);
            if let Err(error) = payload::view(kind, baked.encoding, &baked.payload) {
                panic!("a payload that its view refuses: {error}");
            }
            check_payload(codec, &settings, source, &baked);
            Verdict::Taken
        }
        Err(findings) => {
            assert!(findings.iter().any(|finding| finding.severity == Severity::Error), "{findings:?}");
            check_findings(&findings, source);
            Verdict::Refused
        }
    }
}

fn codec(kind: &str) -> &'static dyn Codec {
    let found = codecs().iter().find(|codec| codec.spec().id.as_str() == kind);
    &**found.expect("the kind is built in")
}

fn bake(codec: &dyn Codec, name: &str, settings: &Settings, source: &[u8]) -> Result<Baked, Vec<Finding>> {
    let path = AssetPath::parse(name).expect("the names are written here");
    let input = SourceInput { relative: name.to_owned(), path, bytes: source.to_vec() };
    codec.bake(&BakeRequest { inputs: &[input], settings, references: &[], limits: &LIMITS })
}

fn check_findings(findings: &[Finding], source: &[u8]) {
    for finding in findings {
        check_message(&finding.message);
        finding.help.as_deref().into_iter().for_each(check_message);
        if let Some(span) = &finding.span {
            check_span(span, source);
        }
    }
}

/// What a payload must be, beside viewable.
fn check_payload(codec: &dyn Codec, settings: &Settings, source: &[u8], baked: &Baked) {
    match codec.spec().id.as_str() {
        "data" => {
            if let Ok(DataView::Json(text)) = DataView::parse(baked.encoding, &baked.payload) {
                let canonical = serde_json::from_str::<serde_json::Value>(text);
                assert!(canonical.is_ok(), "{text} is no JSON");
                let again = bake(codec, "again.json", &with(settings, "source", "json"), text.as_bytes());
                assert_eq!(again.map(|baked| baked.payload).as_deref(), Ok(text.as_bytes()), "not canonical");
            }
        }
        "image" => {
            if let Ok(ImageView { pixels: ImagePixels::Source { file, .. }, .. }) =
                ImageView::parse(baked.encoding, &baked.payload)
            {
                assert_eq!(file, source);
            }
        }
        "raw" => assert_eq!(baked.payload, source),
        "sound" => {
            if let Ok(SoundView { data: SoundData::Source { file, .. }, .. }) =
                SoundView::parse(baked.encoding, &baked.payload)
            {
                assert_eq!(file, source);
            }
        }
        "text" => {
            let again = bake(codec, "again.txt", settings, &baked.payload);
            assert_eq!(again.as_ref().map(|again| &again.payload), Ok(&baked.payload), "not canonical");
        }
        other => panic!("nothing is asserted of the payloads of {other:?} here: say what must hold"),
    }
}

fn with(settings: &Settings, key: &str, value: &str) -> Settings {
    let mut settings = settings.clone();
    settings.set(key, SettingValue::Text(value.to_owned()));
    settings
}

/// A file's name: with each extension of the kind, with another, or with none.
fn name(spec: &KindSpec, choice: u8) -> String {
    let choice = usize::from(choice) % (spec.extensions.len() + 2);
    match spec.extensions.get(choice) {
        Some(extension) => format!("a.{extension}"),
        None if choice == spec.extensions.len() => "a.xyz".to_owned(),
        None => "a".to_owned(),
    }
}

/// Settings that are valid for the kind: the digits of `number`, the first setting first.
fn settings(spec: &KindSpec, mut number: u32) -> Settings {
    let mut settings = spec.defaults();
    for setting in &spec.settings {
        let values = values(setting);
        let radix = values.len() as u32;
        settings.set(setting.key, values[(number % radix) as usize].clone());
        number /= radix;
    }
    settings
}

/// The values of a setting that are tried, its default first.
fn values(setting: &SettingSpec) -> Vec<SettingValue> {
    let mut values = vec![setting.default.clone()];
    match &setting.accepts {
        SettingType::Bool => values.extend([SettingValue::Bool(false), SettingValue::Bool(true)]),
        SettingType::Int { min, max } => {
            let some = [*min, *max, min.saturating_add(1), min.saturating_add(7), 8000, 48_000];
            let valid = some.into_iter().filter(|value| (min..=max).contains(&value));
            values.extend(valid.map(SettingValue::Int));
        }
        SettingType::Choice(choices) => {
            values.extend(choices.iter().map(|choice| SettingValue::Text((*choice).to_owned())));
        }
        SettingType::Text | SettingType::Reference | SettingType::List(_) => {}
    }
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) && setting.accepts.check(&value).is_ok() {
            distinct.push(value);
        }
    }
    distinct
}

/// How many different settings there are.
fn combinations(spec: &KindSpec) -> u32 {
    spec.settings.iter().map(|setting| values(setting).len() as u32).product()
}

/// A seed for each of the files: the first with every extension and with each of the settings, the others with the
/// extension that they have, each with other settings.
fn seeds(kind: &str, files: &[(&str, Vec<u8>)]) -> Vec<Seed> {
    let spec = codec(kind).spec();
    let with = |name: String, extension: usize, number: u32, bytes: &[u8]| {
        let head = [&[extension as u8], number.to_le_bytes().as_slice()].concat();
        (name, [head.as_slice(), bytes].concat())
    };
    let mut seeds = Vec::new();
    for (n, (name, bytes)) in (0..).zip(files) {
        let found = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let extension = spec.extensions.iter().position(|known| *known == found);
        let extension = extension.unwrap_or(spec.extensions.len() + usize::from(found.is_empty()));
        let stem = name.replace('.', "-");
        seeds.push(with(stem.clone(), extension, 0, bytes));
        seeds.push(with(format!("{stem}-set"), extension, (n * 7 + 1) % combinations(spec), bytes));
    }
    let (_, bytes) = &files[0];
    for number in 0..combinations(spec).min(24) {
        seeds.push(with(format!("settings-{number:02}"), 0, number, bytes));
    }
    for extension in 0..spec.extensions.len() + 2 {
        seeds.push(with(format!("extension-{extension:02}"), extension, 0, bytes));
    }
    seeds
}

fn files(files: &[(&'static str, &[u8])]) -> Vec<(&'static str, Vec<u8>)> {
    files.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect()
}

pub(super) fn raw_seeds() -> Vec<Seed> {
    seeds("raw", &files(&[("a.bin", b"\x00\x01\xff"), ("empty.bin", b""), ("text.txt", b"text\r\n")]))
}

pub(super) fn text_seeds() -> Vec<Seed> {
    let files = files(&[
        ("plain.txt", "Grüße\nvom Kai\n".as_bytes()),
        ("mark.txt", b"\xef\xbb\xbfa\r\nb\rc\n"),
        ("empty.txt", b""),
        ("not-utf-8.txt", b"a\n\xffb\n"),
        ("utf-16.txt", b"\xff\xfea\x00"),
        ("controls.txt", b"\x00\x1b[31m\x7f"),
    ]);
    seeds("text", &files)
}

pub(super) fn data_seeds() -> Vec<Seed> {
    let files = files(&[
        (
            "all.json",
            br#" {"b": [1, -0.0, 1e3, 2.50, true, null], "a": {"\u00e9\ud83d\ude00\n": "x"}, "": ""} "#,
        ),
        (
            "numbers.json",
            b"[0, -1, 9223372036854775807, -9223372036854775808, 1e308, 5e-324, 123456789012345678901]",
        ),
        ("duplicate.json", br#"{"a":1,"a":2}"#),
        ("broken.json", b"{\"a\":[1,2,}\n\"\\ud800\" 01 tru\n"),
        ("deep.json", "[".repeat(300).as_bytes()),
        ("mark.json", b"\xef\xbb\xbf{}\r\n"),
        (
            "all.toml",
            b"a = 1_000\nb.c = [1.5, inf, 'x']\nd = 1979-05-27T07:32:00Z\n[[e]]\nf = \"\\u00e9\"\n[[e]]\n",
        ),
        ("broken.toml", b"a = \n[b\nc = 1\nc = 2\n"),
        ("all.csv", "name,hp\ncrab,12\n\"gu\"\"ll\",\"3\n4\"\r\n".as_bytes()),
        ("broken.csv", b"a,a\n1\n1,2,3\n\"x\n"),
        ("not-utf-8.csv", b"a\n\xff\n"),
    ]);
    seeds("data", &files)
}

pub(super) fn image_seeds() -> Vec<Seed> {
    let mut files: Vec<(&str, Vec<u8>)> = vec![("rgba.png", picture::png(6, 1))];
    files.extend(picture::formats());
    files.push(("broken.png", picture::broken_png()));
    files.push(("misnamed.gif", picture::png(3, 2)));
    // Pictures of the example: indexed, with few colours, with a palette that has alphas.
    for (name, path) in [
        ("compass.png", "ui/icons/compass.png"),
        ("water.png", "tiles/water-1.png"),
        ("foam.png", "tiles/foam-mask.png"),
        ("gull.png", "sprites/gull-1.png"),
        ("pointer.tga", "ui/pointer.tga"),
        ("flag.gif", "ui/flag.gif"),
    ] {
        files.push((name, repo::bytes(&format!("examples/harbour/assets/{path}"))));
    }
    seeds("image", &files)
}

pub(super) fn sound_seeds() -> Vec<Seed> {
    let mut files = sound_files::wav();
    let packed = repo::files().into_iter().filter(|path| path.starts_with(SOUNDS));
    let packed: Vec<String> =
        packed.filter(|path| [".flac", ".ogg", ".mp3"].iter().any(|end| path.ends_with(end))).collect();
    assert!(packed.len() >= 3, "{SOUNDS} has {packed:?}");
    files.extend(packed.iter().map(|path| (&path[SOUNDS.len()..], repo::bytes(path))));
    seeds("sound", &files)
}
