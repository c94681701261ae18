//! Intents of build outputs, and the recovery that acts on them: it comes to an end, touches nothing of anybody's outside
//! the output folder, and has nothing left to do the second time.
//!
//! An input is a byte and the bytes of an intent. Bit 0 of the byte: they lack the first line, which holds their digest. Bit
//! 1: the log says that the operation succeeded. Bit 2: the machine was started again. Bit 3: the outputs are in place.

use camino::Utf8Path;
use packer_domain::identity::Digest;
use packer_fs::disk::Disk;
use packer_fs::disk::sim::SimDisk;
use packer_fs::journal::{
    OutputFile, OutputsIntent, OutputsRequest, RecoverOptions, Recovered, prepare_outputs, recover,
};
use packer_fs::layout;
use serde_json::json;

use super::input::{operation, seed_with, source};
use super::journal::{contents, project, sealed};
use super::{Seed, Verdict};

const TESTED: u8 = 1;
const FOLDER: &str = "build";
const PLACED: [(&str, &str); 2] = [("assets.manifest.json", "new manifest"), ("assets.pack", "new pack")];

const SEALED: u8 = 1;
const LOGGED: u8 = 2;
const REBOOTED: u8 = 4;
const DONE: u8 = 8;

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some((options, bytes)) = data.split_first() else { return Verdict::Refused };
    let has = |bit: u8| options & bit != 0;
    let intent = if has(SEALED) { sealed("packer-outputs", bytes) } else { bytes.to_vec() };
    let disk = staged();
    if has(DONE) {
        for (name, _) in PLACED {
            let from = layout::output_staging(FOLDER.into(), operation(TESTED)).join(name);
            disk.rename_over(&from, &Utf8Path::new(FOLDER).join(name)).expect("it was staged");
        }
    }
    disk.put(&layout::outputs_intent(operation(TESTED)), &intent);
    let theirs = contents(&project());
    let boot = if has(REBOOTED) { "another boot" } else { "boot" };
    let options = RecoverOptions { boot, success_is_logged: &|_, _| has(LOGGED) };
    let mut folder = None;
    for recovered in recover(&disk, &options).expect("the disk does not fail") {
        match recovered {
            Recovered::OutputsFinished(committed) => {
                folder = Some(committed.intent().folder.clone());
                check_placed(&disk, committed.intent());
                committed.finish().expect("the disk does not fail");
            }
            Recovered::OutputsDropped { intent } => folder = Some(intent.folder),
            Recovered::OutputsOwed(owed) => {
                folder = owed.intent().ok().map(|intent| intent.folder.clone());
                owed.finish().expect("the disk does not fail");
            }
            Recovered::CleanedUp { .. } => folder = Some(FOLDER.into()),
            other => panic!("{other:?} of an intent of outputs"),
        }
    }
    let again = recover(&disk, &options).expect("the disk does not fail");
    assert!(again.is_empty(), "{again:?} the second time");
    // An intent that is sealed may name the folder of the sources: no build would write that one.
    let now = contents(&disk);
    if folder.as_ref().is_none_or(|folder| folder.starts_with(FOLDER)) {
        for (path, bytes) in theirs.iter().filter(|(path, _)| !path.starts_with(layout::OPERATIONAL)) {
            assert_eq!(now.get(path), Some(bytes), "{path} is another");
        }
    }
    if folder.is_some() { Verdict::Taken } else { Verdict::Refused }
}

/// What is said to be finished is in place.
fn check_placed(disk: &SimDisk, intent: &OutputsIntent) {
    for file in intent.in_order() {
        let path = intent.folder.join(&file.name);
        let bytes = disk.read(&path, 1 << 20).expect("what is finished is in place");
        assert_eq!(bytes.len() as u64, file.size, "{path}");
        if let Some(digest) = file.digest {
            assert_eq!(Digest::of(&bytes), digest, "{path}");
        }
    }
}

/// The project, with the outputs of a build staged beside the former ones.
fn staged() -> SimDisk {
    let disk = project();
    disk.put("build/assets.pack".into(), b"old pack");
    disk.put("build/notes.txt".into(), b"of somebody");
    let staging = layout::output_staging(FOLDER.into(), operation(TESTED));
    for (name, text) in PLACED {
        disk.put(&staging.join(name), text.as_bytes());
    }
    disk.put(&layout::staged_record(operation(TESTED)), &super::build_record::sample(1));
    disk
}

fn intent(durable: bool, with_digest: bool) -> Vec<u8> {
    let disk = staged();
    disk.remove_file(&layout::staged_record(operation(TESTED))).expect("it was put there");
    let [files, pack] = PLACED.map(|(name, text)| OutputFile {
        name: name.to_owned(),
        size: text.len() as u64,
        digest: with_digest.then(|| Digest::of(text.as_bytes())),
    });
    let request = OutputsRequest {
        operation: operation(TESTED),
        source: source(1),
        folder: FOLDER.into(),
        files: vec![files],
        pack,
        record: super::build_record::sample(1),
        durable,
        boot: "boot".to_owned(),
        prepared: json!({ "sequence": 7 }),
    };
    drop(prepare_outputs(&disk, request).expect("the outputs are staged"));
    disk.read(&layout::outputs_intent(operation(TESTED)), 1 << 20).expect("it was recorded")
}

pub(super) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let body = |whole: &[u8]| {
        let end = whole.iter().position(|byte| *byte == b'\n').expect("an intent has two lines");
        whole[end + 1..].to_vec()
    };
    for (name, durable, with_digest) in
        [("plain", false, false), ("durable", true, false), ("digests", true, true)]
    {
        let whole = intent(durable, with_digest);
        seeds.push(seed_with(&format!("{name}-whole"), &[0], &whole));
        for options in [0, LOGGED, REBOOTED, DONE, DONE | REBOOTED] {
            seeds.push(seed_with(&format!("{name}-{options}"), &[SEALED | options], &body(&whole)));
        }
    }
    let text = String::from_utf8(body(&intent(true, true))).expect("an intent is text");
    let altered = |name: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        seed_with(name, &[SEALED], text.replace(from, to).as_bytes())
    };
    seeds.extend([
        altered("reserved", "\"folder\":\"build\"", "\"folder\":\".PACKER\""),
        altered("outside", "\"folder\":\"build\"", "\"folder\":\"build/../..\""),
        altered("absolute", "\"folder\":\"build\"", "\"folder\":\"/elsewhere\""),
        altered("segments", "assets.manifest.json", "a/b"),
        altered("same-name", "assets.manifest.json", "assets.pack"),
        altered("inodes", "\"inodes\":[", "\"inodes\":[18446744073709551615,"),
        altered("other-operation", &operation(TESTED).to_string(), &operation(2).to_string()),
    ]);
    seeds
}
