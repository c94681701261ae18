//! Artifacts of the store: read, damaged, and stored again.
//!
//! An input is a byte and the bytes of an artifact. With bit 0 of the byte, the key and the checksum are put in their places.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::identity::Digest;
use packer_fs::layout;
use packer_fs::store::{Artifact, ArtifactKey, Content, Lookup, Store, StoredPayload};

use super::input::seed_with;
use super::{Seed, Verdict};

const HEAD_BYTES: usize = 128;
const CHECKSUM_AT: usize = 96;
const MOST_BYTES: u64 = 1 << 30;
const MAX_PAYLOAD: u64 = 1 << 20;

fn key() -> ArtifactKey {
    ArtifactKey::new(Digest::of(b"artifact"))
}

/// Where the artifact is in the project at `root`.
fn file(root: &Utf8Path) -> Utf8PathBuf {
    let hex = key().digest().hex();
    root.join(layout::STORE).join(&hex[..2]).join(&hex[2..])
}

/// Does something with a project's folder that is gone afterwards.
fn in_a_project<T>(body: impl FnOnce(&Utf8Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::create_dir(folder.path().join(layout::OPERATIONAL)).expect("a folder can be made");
    body(Utf8Path::from_path(folder.path()).expect("folders of the system have names that are text"))
}

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some((options, bytes)) = data.split_first() else { return Verdict::Refused };
    let mut bytes = bytes.to_vec();
    if options & 1 != 0 && bytes.len() >= HEAD_BYTES {
        bytes[8..40].copy_from_slice(key().digest().as_bytes());
        let sealed = [&bytes[..CHECKSUM_AT], &bytes[HEAD_BYTES..]].concat();
        bytes[CHECKSUM_AT..HEAD_BYTES].copy_from_slice(Digest::of(&sealed).as_bytes());
    }
    in_a_project(|root| {
        let path = file(root);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
        fs::write(&path, &bytes).expect("a file can be written");
        let store = Store::open(root, MOST_BYTES);
        assert!(store.has(key()), "artifacts are somewhere else");
        match store.get(key(), MAX_PAYLOAD) {
            Lookup::Hit(artifact) => {
                if let Content::Payload(payload) = &artifact.content {
                    assert!(payload.stored.len() <= bytes.len());
                }
                assert_eq!(stored(&artifact).1, *artifact, "stored again, it is another");
                Verdict::Taken
            }
            Lookup::Damaged { defect, .. } => {
                assert!(!defect.to_string().is_empty() && !store.has(key()), "{defect}: it is still there");
                assert!(matches!(store.get(key(), MAX_PAYLOAD), Lookup::Miss));
                Verdict::Refused
            }
            Lookup::Miss => panic!("it is there"),
        }
    })
}

/// The bytes of an artifact, and what is read from them.
fn stored(artifact: &Artifact) -> (Vec<u8>, Artifact) {
    let content = match &artifact.content {
        Content::Failure => Content::Failure,
        Content::Payload(StoredPayload { encoding, compression, raw_size, raw_digest, stored }) => {
            Content::Payload(StoredPayload {
                encoding: *encoding,
                compression: *compression,
                raw_size: *raw_size,
                raw_digest: *raw_digest,
                stored: stored.as_slice(),
            })
        }
    };
    in_a_project(|root| {
        Store::open(root, MOST_BYTES).put(key(), content, &artifact.said).expect("a file can be written");
        let bytes = fs::read(file(root)).expect("it was written");
        // What was added through a store is not found through it.
        match Store::open(root, MOST_BYTES).get(key(), MAX_PAYLOAD) {
            Lookup::Hit(again) => (bytes, *again),
            other => panic!("{other:?} of what was just stored"),
        }
    })
}

pub(super) fn seeds() -> Vec<Seed> {
    let payload = |stored: &[u8]| {
        Content::Payload(StoredPayload {
            encoding: 1,
            compression: 0,
            raw_size: stored.len() as u64,
            raw_digest: Digest::of(stored),
            stored: stored.to_vec(),
        })
    };
    let said = Diagnostic::new(DiagnosticCode::BakeDecode, Subject::Project, "line 3 is not JSON")
        .in_file("assets/a.json")
        .help("mend it")
        .related("said here", "packer.toml");
    let artifacts = [
        ("payload", Artifact { content: payload(b"the payload"), said: Vec::new() }),
        ("empty", Artifact { content: payload(b""), said: vec![said.clone()] }),
        ("failure", Artifact { content: Content::Failure, said: vec![said.clone(), said] }),
    ];
    let mut seeds = Vec::new();
    for (name, artifact) in &artifacts {
        let (bytes, _) = stored(artifact);
        seeds.push(seed_with(name, &[0], &bytes));
        seeds.push(seed_with(&format!("{name}-to-seal"), &[1], &bytes));
        seeds.push(seed_with(&format!("{name}-cut"), &[1], &bytes[..bytes.len() - 1]));
        // The magic, the raw size, the stored size, the size of the findings, the sort, the zero.
        for at in [0, 72, 80, 88, 92, 95] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x21;
            seeds.push(seed_with(&format!("{name}-byte-{at}"), &[1], &bytes));
        }
    }
    seeds
}
