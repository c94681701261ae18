//! Everything small that is read from text: paths, names, ids, digests, times, words; and file names in the packer's own
//! folders.
//!
//! An input is a text.

use std::fmt::Display;
use std::str::FromStr;

use packer_domain::anchor::{AnchorForm, anchor_form, sidecar_of};
use packer_domain::config::Compression;
use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::divergence::{DivergenceCode, Resolution};
use packer_domain::identity::{AssetId, AssetUuid, Digest, LineageId, OperationId, SourceId};
use packer_domain::kind::KindId;
use packer_domain::name::{AssetName, MAX_NAME_BYTES};
use packer_domain::path::{AssetPath, collision_key};
use packer_events::time::Timestamp;
use packer_fs::disk::Disk;
use packer_fs::disk::sim::SimDisk;
use packer_fs::journal::{RecoverOptions, pending, recover};
use packer_fs::{event_log, layout};

use super::input::{asset, operation, path, seed, source, text_of};
use super::{Seed, Verdict};

pub(super) fn run(data: &[u8]) -> Verdict {
    let text = text_of(data);
    let taken = [
        one_spelling::<AssetPath>(text),
        one_spelling::<AssetName>(text),
        one_spelling::<AssetUuid>(text),
        one_spelling::<OperationId>(text),
        one_spelling::<SourceId>(text),
        one_spelling::<LineageId>(text),
        one_spelling::<AssetId>(text),
        one_spelling::<Digest>(text),
        one_spelling::<Timestamp>(text),
        one_spelling::<DiagnosticCode>(text),
        one_spelling::<DivergenceCode>(text),
        one_spelling::<Resolution>(text),
        one_spelling::<KindId>(text),
    ];
    if let Ok(compression) = text.parse::<Compression>() {
        assert_eq!(compression.to_string().parse(), Ok(compression));
    }
    let key = collision_key(text);
    assert_eq!(collision_key(&key), key, "{text:?}: the key of a key is another");
    if let Ok(path) = AssetPath::parse(text) {
        check_path(&path);
    }
    check_file_name(text);
    if taken.contains(&true) { Verdict::Taken } else { Verdict::Refused }
}

/// What is taken is written as it was; what is refused says so in words.
fn one_spelling<T: FromStr<Err: Display> + Display>(text: &str) -> bool {
    match text.parse::<T>() {
        Ok(value) => {
            assert_eq!(value.to_string(), text);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

fn check_path(path: &AssetPath) {
    let parent = path.parent();
    let joined = match &parent {
        Some(parent) => parent.join(path.file_name()),
        None => AssetPath::parse(path.file_name()),
    };
    assert_eq!(joined.as_ref(), Ok(path));
    assert_eq!(path.ancestors().next(), parent.as_ref().map(AssetPath::as_str));
    assert!(path.ancestors().all(|folder| path.strip_folder(folder).is_some()));
    if let Some(extension) = path.extension() {
        assert!(path.file_name().ends_with(&format!(".{extension}")) && !extension.contains('.'));
    }
    for issue in path.portability() {
        assert!(!issue.to_string().is_empty());
    }
    if let Ok(sidecar) = sidecar_of(path) {
        assert_eq!(anchor_form(&sidecar), Some(AnchorForm::Sidecar { input: path.clone() }));
    }
    if let Some(AnchorForm::Sidecar { input }) = anchor_form(path) {
        // A name can be too long to have a sidecar, and is still read as one.
        assert!(sidecar_of(&input).is_ok_and(|sidecar| sidecar == *path) || path.file_name().len() > 255);
    }
    let names: Vec<AssetName> = AssetName::candidates(path).collect();
    assert!(!names.is_empty(), "adoption has no name for {path:?}");
    for name in &names {
        assert!(name.as_str().len() <= MAX_NAME_BYTES);
        assert_eq!(AssetName::parse(name.as_str()).as_ref(), Ok(name));
    }
    assert!(AssetName::candidates(path).eq(names));
}

/// Whatever stands in the packer's own folders is taken for what its name says, or left alone.
fn check_file_name(text: &str) {
    if text.is_empty() || text.contains(['/', '\0']) || matches!(text, "." | "..") {
        return;
    }
    let disk = SimDisk::new();
    let [journal, events] = [layout::JOURNAL, layout::EVENTS].map(|folder| format!("{folder}/{text}"));
    disk.put(journal.as_str().into(), b"of somebody");
    disk.put(events.as_str().into(), b"");
    for (source, names) in event_log::listing(&disk).expect("the disk does not fail") {
        let segments = names.segments.iter().map(|first| layout::event_log_segment(source, *first));
        let carried = names.carried.iter().map(|first| layout::event_log_carried(source, *first));
        let lock = names.has_lock.then(|| layout::event_lock(source));
        assert_eq!(segments.chain(carried).chain(lock).collect::<Vec<_>>(), [events.as_str()]);
    }
    let found = pending(&disk).expect("the disk does not fail");
    assert!(found.iter().all(|found| text.starts_with(&found.operation.to_string())), "{found:?}");
    let options = RecoverOptions { boot: "", success_is_logged: &|_, _| false };
    let recovered = recover(&disk, &options).expect("the disk does not fail");
    assert_eq!(recovered.len(), found.len());
    let is_ours = text.split('.').next().is_some_and(|first| first.parse::<OperationId>().is_ok());
    let stays = disk.stat(journal.as_str().into()).expect("the disk does not fail").is_some();
    assert!(stays || is_ours, "{text:?} is of somebody else, and gone");
}

pub(super) fn seeds() -> Vec<Seed> {
    let operation = operation(1);
    let mut seeds = Vec::new();
    let texts = [
        "ui/confirm.png",
        "UI/Big Button (2).PNG",
        "Grüße/名前.png",
        "a/../b",
        "a\\b",
        "/a",
        "con.txt",
        "a /b.",
        "ui/a.png.asset.toml",
        "art/hero/asset.toml",
        ".asset.toml",
        "ui/a.b_c-d",
        "zstd:19",
        "lz4",
        "77120933",
        "2026-11-22T09:00:00.123Z",
        "2024-02-30T23:59:60.000Z",
        "anchor/invalid-value",
        "anchor/moved",
        "accept-move",
        "image",
        "stra\u{df}e/\u{1e9e}\u{345}\u{130}",
        "A\u{30a}\u{323}",
    ];
    seeds.extend((1..).zip(texts).map(|(n, text)| seed(&format!("text-{n:02}"), text)));
    let made = [
        asset(1).to_string(),
        asset(1).to_string().to_uppercase(),
        Digest::of(b"harbour").to_string(),
        format!("{}.jsonl", source(1)),
        layout::intent(operation).file_name().unwrap_or_default().to_owned(),
        layout::frozen(operation).file_name().unwrap_or_default().to_owned(),
        layout::outputs_intent(operation).file_name().unwrap_or_default().to_owned(),
        layout::unfinished_intent(operation).file_name().unwrap_or_default().to_owned(),
        layout::staged(operation, 12).file_name().unwrap_or_default().to_owned(),
        layout::staged_record(operation).file_name().unwrap_or_default().to_owned(),
        format!("{operation}.012"),
        format!("{operation}.displaced"),
        "long-folder".repeat(30) + "/x.png",
        path("a/b").to_string() + "\u{7f}",
    ];
    seeds.extend((1..).zip(made).map(|(n, text)| seed(&format!("made-{n:02}"), text)));
    seeds.push(seed("not-utf-8", b"ui/\xff".as_slice()));
    seeds
}
