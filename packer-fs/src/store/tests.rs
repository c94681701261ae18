//! What the store must never do, give what was not put into it, and how it keeps to its limit. On real files: it has no
//! other.

use std::fs;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, SourceText, Subject};
use packer_domain::identity::Digest;

use super::{Artifact, ArtifactKey, Content, Defect, Lookup, Store, StoredPayload, Swept};
use crate::layout;

const NO_LIMIT: u64 = u64::MAX;

struct Bench {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        fs::create_dir(root.join(layout::OPERATIONAL)).unwrap();
        Self { _folder: folder, root }
    }

    fn store(&self) -> Store {
        Store::open(&self.root, NO_LIMIT)
    }

    fn folder(&self) -> Utf8PathBuf {
        self.root.join(layout::STORE)
    }

    /// Puts `bytes` under the key of `name`.
    fn put(&self, name: &str, bytes: &[u8]) -> Utf8PathBuf {
        let store = self.store();
        store.put(key(name), payload(bytes), &[]).unwrap();
        store.settle().unwrap();
        store.path(key(name))
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        match self.store().get(key(name), NO_LIMIT) {
            Lookup::Hit(artifact) => Some(stored(*artifact)),
            Lookup::Miss => None,
            Lookup::Damaged { path, defect } => panic!("{path}: {defect}"),
        }
    }

    fn defect(&self, name: &str) -> Option<Defect> {
        match self.store().get(key(name), NO_LIMIT) {
            Lookup::Damaged { path, defect } => {
                assert!(!self.root.join(path).exists(), "it is removed");
                Some(defect)
            }
            Lookup::Hit(_) | Lookup::Miss => None,
        }
    }

    /// Makes `name` one that was used `seconds` after some day.
    fn used_at(&self, name: &str, seconds: u64) {
        let file = fs::File::options().write(true).open(self.store().path(key(name))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)).unwrap();
    }

    fn total(&self) -> Option<u64> {
        fs::read_to_string(self.folder().join("size")).ok().map(|text| text.trim().parse().unwrap())
    }
}

fn key(name: &str) -> ArtifactKey {
    ArtifactKey::new(Digest::of(name.as_bytes()))
}

fn payload(bytes: &[u8]) -> Content<&[u8]> {
    let raw_digest = Digest::of(bytes);
    let (encoding, compression, raw_size) = (3, 2, bytes.len() as u64 + 9);
    Content::Payload(StoredPayload { encoding, compression, raw_size, raw_digest, stored: bytes })
}

fn stored(artifact: Artifact) -> Vec<u8> {
    match artifact.content {
        Content::Payload(payload) => payload.stored,
        Content::Failure => panic!("it failed"),
    }
}

fn said() -> Vec<Diagnostic> {
    let span = SourceText::new("one\ntwo").span(4..6);
    let bare = Diagnostic::new(DiagnosticCode::BakeDecode, Subject::Project, "it is cut off");
    let full = Diagnostic::new(DiagnosticCode::BakeContentMismatch, Subject::Project, "a \"QOI\" file")
        .in_file("assets/a.png")
        .at(span)
        .help("rename it")
        .related("the other", "assets/b.png");
    vec![bare, full]
}

#[test]
fn gives_back_what_was_put_in() {
    let bench = Bench::new();
    assert!(matches!(bench.store().get(key("a"), NO_LIMIT), Lookup::Miss));
    let store = bench.store();
    store.put(key("a"), payload(b"stored"), &said()).unwrap();
    store.put(key("empty"), payload(b""), &[]).unwrap();
    store.put(key("failed"), Content::Failure, &said()).unwrap();
    let Lookup::Hit(artifact) = bench.store().get(key("a"), NO_LIMIT) else { panic!() };
    let expected = StoredPayload {
        encoding: 3,
        compression: 2,
        raw_size: 15,
        raw_digest: Digest::of(b"stored"),
        stored: b"stored".to_vec(),
    };
    assert_eq!(*artifact, Artifact { content: Content::Payload(expected), said: said() });
    assert_eq!(bench.bytes("empty"), Some(Vec::new()));
    let Lookup::Hit(failed) = bench.store().get(key("failed"), NO_LIMIT) else { panic!() };
    assert_eq!(*failed, Artifact { content: Content::Failure, said: said() });
    assert!(bench.store().has(key("a")) && !bench.store().has(key("b")));
}

#[test]
fn what_it_has_added_itself_is_not_found() {
    let bench = Bench::new();
    let store = bench.store();
    fs::create_dir(bench.folder()).unwrap();
    store.put(key("a"), payload(b"a"), &[]).unwrap();
    assert!(matches!(store.get(key("a"), NO_LIMIT), Lookup::Miss));
    assert!(bench.bytes("a").is_some());
}

#[test]
fn every_flipped_byte_is_noticed_and_the_artifact_removed() {
    let bench = Bench::new();
    let store = bench.store();
    store.put(key("a"), payload(b"some payload"), &said()).unwrap();
    let path = store.path(key("a"));
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        for bit in [0x01, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= bit;
            fs::write(&path, &bad).unwrap();
            assert!(bench.defect("a").is_some(), "byte {at} of {}", good.len());
            fs::write(&path, &bad).unwrap();
            let (checked, damaged) = bench.store().scrub(false).unwrap();
            assert_eq!((checked, damaged.len(), path.exists()), (1, 1, false), "byte {at} is not scrubbed");
        }
    }
    fs::write(&path, &good).unwrap();
    assert!(bench.bytes("a").is_some());
}

#[test]
fn every_other_length_is_noticed() {
    let bench = Bench::new();
    let path = bench.put("a", b"some payload");
    let good = fs::read(&path).unwrap();
    for len in 0..good.len() {
        fs::write(&path, &good[..len]).unwrap();
        assert!(bench.defect("a").is_some(), "{len} of {} bytes", good.len());
    }
    fs::write(&path, [&good[..], b"\0"].concat()).unwrap();
    assert!(matches!(bench.defect("a"), Some(Defect::Size { .. })));
    // What a power cut leaves: the size, and nothing of the contents.
    fs::write(&path, vec![0; good.len()]).unwrap();
    assert!(matches!(bench.defect("a"), Some(Defect::NotAnArtifact)));
}

#[test]
fn a_file_in_the_place_of_another_is_noticed() {
    let bench = Bench::new();
    let (a, b) = (bench.put("a", b"a"), bench.put("b", b"b"));
    fs::copy(&a, &b).unwrap();
    assert!(matches!(bench.defect("b"), Some(Defect::WrongKey)));
    fs::create_dir(&b).unwrap();
    let Lookup::Damaged { defect: Defect::NotAnArtifact, .. } = bench.store().get(key("b"), NO_LIMIT) else {
        panic!("a folder is no artifact");
    };
    assert_eq!(bench.bytes("a"), Some(b"a".to_vec()));
}

#[test]
fn a_head_that_lies_about_sizes_allocates_nothing() {
    let bench = Bench::new();
    let path = bench.put("a", b"a");
    let mut bytes = fs::read(&path).unwrap();
    bytes[80..88].copy_from_slice(&u64::MAX.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(bench.defect("a"), Some(Defect::Size { .. })));
    bench.put("b", &[1; 100]);
    let found = bench.store().get(key("b"), 99);
    assert!(matches!(found, Lookup::Damaged { defect: Defect::TooLarge { bytes: 100, max: 99 }, .. }));
}

#[test]
fn two_that_write_the_same_artifact_both_succeed() {
    let bench = Bench::new();
    let names: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = bench.store();
                for name in &names {
                    store.put(key(name), payload(name.as_bytes()), &[]).unwrap();
                }
            });
        }
    });
    for name in &names {
        assert_eq!(bench.bytes(name), Some(name.clone().into_bytes()));
    }
    let swept = bench.store().sweep(true).unwrap();
    assert_eq!((swept.artifacts, swept.orphans), (40, 0));
}

#[test]
fn it_can_be_deleted_while_it_is_used() {
    let bench = Bench::new();
    let done = std::sync::atomic::AtomicBool::new(false);
    let mut hits = 0;
    std::thread::scope(|scope| {
        let deleting = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = fs::remove_dir_all(bench.folder());
                std::thread::yield_now();
            }
        });
        for round in 0..300 {
            let store = bench.store();
            let name = round.to_string();
            // What cannot be written is not stored, and that is all.
            let _ = store.put(key(&name), payload(name.as_bytes()), &[]);
            match bench.store().get(key(&name), NO_LIMIT) {
                Lookup::Hit(artifact) => {
                    hits += 1;
                    assert_eq!(stored(*artifact), name.as_bytes());
                }
                Lookup::Miss => {}
                Lookup::Damaged { path, defect } => panic!("{path}: {defect}"),
            }
            store.settle().unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        deleting.join().unwrap();
    });
    fs::create_dir_all(bench.folder()).unwrap();
    bench.put("a", b"a");
    assert!(bench.bytes("a").is_some(), "it works again; {hits} were found meanwhile");
}

#[test]
fn nothing_is_made_where_there_is_no_project() {
    let bench = Bench::new();
    fs::remove_dir(bench.root.join(layout::OPERATIONAL)).unwrap();
    let store = bench.store();
    assert!(store.put(key("a"), payload(b"a"), &[]).is_err());
    store.settle().unwrap();
    assert_eq!(fs::read_dir(&bench.root).unwrap().count(), 0);
}

/// Five artifacts of two blocks each, used in the order of `order`.
fn five(bench: &Bench, order: &[&str; 5]) {
    for name in order {
        bench.put(name, &[7; 5000]);
    }
    for (index, name) in order.iter().enumerate() {
        bench.used_at(name, index as u64);
    }
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let bench = Bench::new();
    five(&bench, &["c", "a", "e", "b", "d"]);
    // Looking at one is using it.
    assert!(bench.bytes("c").is_some());
    let limited = Store::open(&bench.root, 4 * 8192);
    let expected =
        Swept { artifacts: 5, bytes: 5 * 8192, dropped: 2, dropped_bytes: 2 * 8192, ..Swept::default() };
    assert_eq!(limited.sweep(true).unwrap(), expected);
    assert_eq!(bench.store().sweep(true).unwrap().artifacts, 5, "a dry run drops nothing");
    assert_eq!(limited.sweep(false).unwrap(), expected);
    let left: Vec<&str> =
        ["a", "b", "c", "d", "e"].into_iter().filter(|name| bench.store().has(key(name))).collect();
    assert_eq!(left, ["b", "c", "d"]);
    assert_eq!(bench.total(), Some(3 * 8192));
}

#[test]
fn a_build_that_passes_the_limit_makes_room_at_its_end() {
    let bench = Bench::new();
    five(&bench, &["a", "b", "c", "d", "e"]);
    assert_eq!(bench.total(), Some(5 * 8192));
    let store = Store::open(&bench.root, 5 * 8192);
    store.put(key("f"), payload(&[7; 5000]), &[]).unwrap();
    assert_eq!(bench.total(), None, "while it adds, nobody knows the total");
    store.settle().unwrap();
    assert!(!bench.store().has(key("a")) && !bench.store().has(key("b")) && bench.store().has(key("f")));
    let size = fs::metadata(bench.folder().join("size")).unwrap().modified().unwrap();
    store.settle().unwrap();
    assert_eq!(
        fs::metadata(bench.folder().join("size")).unwrap().modified().unwrap(),
        size,
        "once is enough"
    );
    assert_eq!(bench.total(), Some(4 * 8192));
    // What is larger than everything is not taken at all.
    let small = Store::open(&bench.root, 4096);
    small.put(key("g"), payload(&[7; 5000]), &[]).unwrap();
    assert!(!bench.store().has(key("g")));
}

#[test]
fn a_total_that_nobody_knows_is_counted() {
    let bench = Bench::new();
    bench.put("a", b"a");
    bench.put("b", b"b");
    // A process that died between adding and its end.
    bench.store().put(key("c"), payload(b"c"), &[]).unwrap();
    assert_eq!(bench.total(), None);
    bench.put("d", b"d");
    assert_eq!(bench.total(), Some(4 * 4096));
    fs::write(bench.folder().join("size"), "many").unwrap();
    bench.put("e", b"e");
    assert_eq!(bench.total(), Some(5 * 4096));
    // A build that adds nothing touches nothing.
    fs::write(bench.folder().join("size"), "7").unwrap();
    bench.store().settle().unwrap();
    assert_eq!(bench.total(), Some(7));
}

#[test]
fn what_a_dead_process_was_writing_is_swept_and_strange_files_stay() {
    let bench = Bench::new();
    bench.put("a", b"a");
    let (orphan, strange) = (bench.folder().join("new-1-0"), bench.folder().join("ab"));
    fs::write(&orphan, [1; 5000]).unwrap();
    fs::create_dir_all(&strange).unwrap();
    fs::write(strange.join("readme"), b"mine").unwrap();
    let swept = bench.store().sweep(true).unwrap();
    assert_eq!((swept.orphans, swept.orphaned_bytes, swept.artifacts), (1, 8192, 1));
    assert!(orphan.exists());
    bench.store().sweep(false).unwrap();
    assert!(!orphan.exists() && strange.join("readme").exists());
    assert_eq!(bench.store().scrub(true).unwrap().0, 1);
}

#[test]
fn findings_with_a_code_that_is_not_known_make_it_no_artifact() {
    let text = serde_json::to_string(&serde_json::json!([{
        "code": "bake/decode", "severity": "error", "message": "m",
        "file": null, "span": null, "help": null, "related": []
    }]))
    .unwrap();
    assert_eq!(super::findings::decode(text.as_bytes()).map(|said| said.len()), Some(1));
    let unknown = text.replace("bake/decode", "bake/otherwise");
    assert_eq!(super::findings::decode(unknown.as_bytes()), None);
    let more = text.replace("\"message\"", "\"more\":1,\"message\"");
    assert_eq!(super::findings::decode(more.as_bytes()), None);
}

#[test]
fn a_scrub_that_is_a_dry_run_removes_nothing() {
    let bench = Bench::new();
    let path = bench.put("a", b"a");
    bench.put("b", b"b");
    fs::write(&path, b"other").unwrap();
    let (checked, damaged) = bench.store().scrub(true).unwrap();
    let paths: Vec<&Utf8Path> = damaged.iter().map(|damaged| damaged.path.as_path()).collect();
    assert_eq!((checked, paths), (2, vec![path.strip_prefix(&bench.root).unwrap()]));
    assert!(path.exists());
    bench.store().scrub(false).unwrap();
    assert!(!path.exists() && bench.bytes("b").is_some());
}
