//! Artifacts that are not what was stored, whatever of them is wrong: noticed, said, baked anew, and in no pack.
//!
//! `store` has the few ways in which this shows to a builder; here is every part of an artifact.

use camino::Utf8PathBuf;
use packer_domain::identity::Digest;
use packer_fs::store::{ArtifactKey, Content, Lookup, Store, StoredPayload};
use packer_runtime::api::{BuildRequest, FirstObservation, MANIFEST_FILE, PACK_FILE, Project, StorePolicy};
use packer_runtime::codec::{Baked, DiagnosticCode, Finding};

use super::codecs::{as_it_is, codec};
use super::recording::{Recorder, open};
use super::support::{Workspace, adopt_all, build_with_store, built, mutated, run};

/// The parts of an artifact's head, and the bytes at which they begin.
const HEAD: [(&str, usize, usize); 11] = [
    ("magic", 0, 8),
    ("key", 8, 40),
    ("digest", 40, 72),
    ("raw size", 72, 80),
    ("stored size", 80, 88),
    ("size of the findings", 88, 92),
    ("sort", 92, 93),
    ("encoding", 93, 94),
    ("compression", 94, 95),
    ("nothing", 95, 96),
    ("checksum", 96, 128),
];
const HEAD_BYTES: usize = 128;

struct Bench {
    workspace: Workspace,
    project: Project,
    recorder: Recorder,
    clean: [Vec<u8>; 2],
    builds: usize,
}

impl Bench {
    /// Three assets, each of them stored; the bake of one had something to say.
    fn new() -> Self {
        let recorder = Recorder::default();
        let wordy = codec("wordy", &["wordy"], |request| {
            let said = Finding::new(DiagnosticCode::BakeContentMismatch, &request.inputs[0], "it is odd");
            Ok(Baked { findings: vec![said], ..as_it_is(request) })
        });
        let plain = codec("plain", &["plain"], |request| Ok(as_it_is(request)));
        let workspace = Workspace::new();
        workspace.write("assets/a.wordy", b"worth a remark");
        workspace.write("assets/b.plain", &b"compressible ".repeat(100));
        workspace.write("assets/c.plain", b"short");
        let codecs = recorder.on(vec![wordy, plain]);
        let project = open(&workspace, codecs, FirstObservation::AtOpening);
        mutated(&run(&project, packer_runtime::api::Command::Mutate(adopt_all(None))));
        let mut bench = Self { workspace, project, recorder, clean: [Vec::new(), Vec::new()], builds: 0 };
        assert_eq!(bench.build().0, ["a", "b", "c"]);
        assert_eq!(bench.artifacts().len(), 3);
        bench.clean = bench.outputs();
        bench
    }

    /// Builds into a folder of its own, so that everything comes from the store. Gives what was baked, and which artifacts
    /// were said to be damaged.
    fn build(&mut self) -> (Vec<String>, Vec<String>) {
        self.builds += 1;
        let output = Some(self.folder());
        let outcome = build_with_store(
            &self.project,
            BuildRequest { output, store: StorePolicy::All, ..BuildRequest::default() },
        );
        built(&outcome);
        let said = self.workspace.diagnostics_of(&outcome).into_iter();
        let damaged = said.filter(|said| said.code == "store/damaged").filter_map(|said| said.file);
        (self.recorder.take(), damaged.collect())
    }

    fn folder(&self) -> Utf8PathBuf {
        format!("out/{}", self.builds).into()
    }

    fn outputs(&self) -> [Vec<u8>; 2] {
        [PACK_FILE, MANIFEST_FILE].map(|name| self.workspace.read(self.folder().join(name).as_str()))
    }

    /// The artifacts, longest last.
    fn artifacts(&self) -> Vec<Utf8PathBuf> {
        let store = self.workspace.root.join(".packer/store");
        let shards = store.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
        let files = |shard: Utf8PathBuf| {
            shard.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect::<Vec<_>>()
        };
        let mut files: Vec<Utf8PathBuf> = shards.filter(|path| path.is_dir()).flat_map(files).collect();
        files.sort_by_key(|path| path.metadata().unwrap().len());
        files
    }

    /// Puts `poison` in the place of an artifact. The next build must say so, bake that asset and no other, and give the
    /// clean outputs; the one after it must find the store whole.
    #[track_caller]
    fn check(&mut self, what: &str, path: &Utf8PathBuf, poison: &[u8]) {
        std::fs::write(path, poison).unwrap();
        let (baked, damaged) = self.build();
        assert_eq!(baked.len(), 1, "{what}: {baked:?}");
        assert_eq!(damaged, [path.strip_prefix(&self.workspace.root).unwrap().as_str()], "{what}");
        assert!(self.outputs() == self.clean, "{what}: it reached a pack");
    }

    fn check_whole(&mut self) {
        assert_eq!(self.build(), (Vec::new(), Vec::new()), "it was stored again");
        assert!(self.outputs() == self.clean);
    }
}

#[test]
fn every_part_of_an_artifact_counts() {
    let mut bench = Bench::new();
    for path in bench.artifacts() {
        let good = std::fs::read(&path).unwrap();
        let body = [("first byte", HEAD_BYTES, HEAD_BYTES + 1), ("last byte", good.len() - 1, good.len())];
        for (what, from, to) in HEAD.into_iter().chain(body) {
            for (how, at, bit) in [("first", from, 1), ("last", to - 1, 0x80)] {
                let mut poison = good.clone();
                poison[at] ^= bit;
                bench.check(&format!("{what}, {how}"), &path, &poison);
            }
            let mut poison = good.clone();
            poison[from..to].fill(0xff);
            bench.check(what, &path, &poison);
        }
        bench.check_whole();
    }
}

#[test]
fn an_artifact_of_any_other_length_is_none() {
    let mut bench = Bench::new();
    for path in bench.artifacts() {
        let good = std::fs::read(&path).unwrap();
        for length in [0, 1, 7, 8, 40, 96, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 1, good.len() - 1] {
            bench.check(&format!("cut at {length}"), &path, &good[..length]);
            // As a power cut leaves it: as long as it was, with nothing in it from some place on.
            let mut hollow = good.clone();
            hollow[length..].fill(0);
            bench.check(&format!("hollow from {length}"), &path, &hollow);
        }
        bench.check("longer", &path, &[&good[..], b"\0"].concat());
        bench.check_whole();
    }
}

#[test]
fn an_artifact_in_the_place_of_another_is_none() {
    let mut bench = Bench::new();
    let paths = bench.artifacts();
    let all: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    for (at, path) in paths.iter().enumerate() {
        for (from, other) in all.iter().enumerate().filter(|(from, _)| *from != at) {
            bench.check(&format!("all of {from}"), path, other);
            let head_of_its_own = [&all[at][..HEAD_BYTES], &other[HEAD_BYTES..]].concat();
            bench.check(&format!("the payload of {from}"), path, &head_of_its_own);
        }
        bench.check_whole();
    }
}

/// What a stored payload claims, changed.
type Forgery = fn(&mut StoredPayload<Vec<u8>>, &StoredPayload<Vec<u8>>);

#[test]
fn an_artifact_that_is_whole_and_wrong_is_in_no_pack() {
    let forgeries: [(&str, Forgery); 6] = [
        ("the bytes of another", |own, other| own.stored = other.stored.clone()),
        ("the digest of another", |own, other| own.raw_digest = other.raw_digest),
        ("another size", |own, _| own.raw_size += 1),
        ("a size beyond all bounds", |own, _| own.raw_size = u64::MAX),
        ("a compression that it has not", |own, _| own.compression ^= 2),
        ("no bytes", |own, _| own.stored.clear()),
    ];
    for (what, forge) in forgeries {
        let mut bench = Bench::new();
        let paths = bench.artifacts();
        let (path, other) = (paths.last().unwrap(), paths.first().unwrap());
        let store = Store::open(&bench.workspace.root, u64::MAX);
        let read = |path: &Utf8PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            let key = ArtifactKey::new(Digest::from_bytes(bytes[8..40].try_into().unwrap()));
            let Lookup::Hit(artifact) = store.get(key, u64::MAX) else { panic!("it is whole") };
            let Content::Payload(payload) = artifact.content else { panic!("it baked") };
            (key, payload, artifact.said)
        };
        let ((key, mut payload, said), (_, another, _)) = (read(path), read(other));
        forge(&mut payload, &another);
        let StoredPayload { encoding, compression, raw_size, raw_digest, stored } = payload;
        let forged = StoredPayload { encoding, compression, raw_size, raw_digest, stored: &stored[..] };
        store.put(key, Content::Payload(forged), &said).unwrap();
        let (baked, _) = bench.build();
        assert!(!baked.is_empty(), "{what}: it was believed");
        assert!(bench.outputs() == bench.clean, "{what}: it reached a pack");
        bench.check_whole();
    }
}
