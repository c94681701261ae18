//! What is remembered of builds: the last two records of each asset, whatever happens to the file.

use std::collections::BTreeMap;
use std::io::Write;

use camino::Utf8PathBuf;
use packer_domain::anchor::{AnchorDeclaration, InputPatterns};
use packer_domain::build::{BuildEntry, BuildInput, EntryParts, build_key, key_parts};
use packer_domain::codec::ResolvedReference;
use packer_domain::identity::{AssetId, AssetUuid, Digest, OperationId, UuidDraw};
use packer_domain::kind::{InputArity, KindId, KindSpec, SettingValue, Settings};
use packer_domain::name::AssetName;
use packer_domain::observation::FileFact;
use packer_domain::path::AssetPath;
use packer_domain::registry::{BuildParticipation, EntryState, RegistryEntry};

use super::{FEW, How, Made, NoFormer, RecordedBuild, RecordedParts, append, load};
use crate::disk::{Disk, OsDisk};
use crate::layout::{self, BUILD_PARTS};

const BAKED: Made = Made { how: How::Baked, was_in_pack: false };

struct Bench {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    disk: OsDisk,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        std::fs::create_dir(root.join(layout::OPERATIONAL)).unwrap();
        Self { disk: OsDisk::new(root.clone()), root, _folder: folder }
    }

    /// Build number `n` bakes `entries`.
    fn build(&self, n: u8, entries: &[BuildEntry]) {
        let spec = spec();
        let made = entries.iter().map(|entry| (entry, &spec, BAKED));
        append(&self.disk, &build(n), made, 3, &|_| true).unwrap();
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.root.join(BUILD_PARTS)).unwrap()
    }

    /// Which builds are known of `name`, the last first, and which contents it had.
    fn known(&self, name: &str) -> Vec<(u8, Digest)> {
        let known = load(&self.disk, &|uuid| uuid == self::uuid(name)).unwrap();
        assert!(known.len() <= 1);
        let records = known.into_values().flat_map(|history| [Some(history.last), history.before]);
        let number = |operation| (0..=255).find(|n| build(*n).operation == operation).unwrap();
        let records = records.flatten();
        records.map(|record| (number(record.build.operation), record.parts.inputs[0].digest)).collect()
    }
}

fn draw(n: u8) -> UuidDraw {
    UuidDraw { unix_ms: 1_700_000_000_000 + u64::from(n), entropy: [n; 16] }
}

fn build(n: u8) -> RecordedBuild {
    let cause = (n == 0).then(|| NoFormer::PackMissing { pack: "build/assets.pack".to_owned() });
    RecordedBuild { operation: OperationId::drawn(draw(n)), compression: "zstd:3".to_owned(), cause }
}

fn uuid(name: &str) -> AssetUuid {
    draw(1).asset_uuid(name)
}

fn spec() -> KindSpec {
    KindSpec {
        id: KindId::parse("atlas").unwrap(),
        codec_version: 4,
        payload_version: 5,
        inputs: InputArity::Many,
        extensions: &[],
        signatures: &[],
        settings: Vec::new(),
    }
}

fn entry(name: &str, contents: &str) -> BuildEntry {
    let path = AssetPath::parse(&format!("folder/{name}")).unwrap();
    let fact = FileFact { digest: Digest::of(contents.as_bytes()), size: contents.len() as u64 };
    let input = BuildInput { path: &path, relative: name, digest: fact.digest, size: fact.size };
    let reference = ResolvedReference {
        key: "tileset".to_owned(),
        target: uuid("tiles"),
        id: AssetId::new(9).unwrap(),
        kind: KindId::parse("tileset").unwrap(),
        build_key: Digest::of(b"tiles"),
    };
    let settings = Settings::from_iter([("padding".to_owned(), SettingValue::Int(2))]);
    let references = vec![reference];
    let anchor = AssetPath::parse("folder/asset.toml").unwrap();
    let declaration = AnchorDeclaration {
        uuid: uuid(name),
        name: AssetName::parse(name).unwrap(),
        kind: KindId::parse("atlas").unwrap(),
        preload: None,
        inputs: InputPatterns::directory(anchor.parent(), vec!["*".to_owned()]).unwrap(),
        settings: BTreeMap::new(),
    };
    let state = EntryState::Live { anchor, build: BuildParticipation::Included };
    BuildEntry::from(EntryParts {
        line: RegistryEntry { uuid: uuid(name), id: AssetId::new(1).unwrap(), state },
        declaration,
        preload: false,
        key: build_key(&spec(), &settings, &[input], &references),
        inputs: vec![(path, fact)],
        settings,
        references,
    })
}

#[test]
fn everything_that_a_key_is_made_of_is_given_back() {
    let bench = Bench::new();
    assert!(load(&bench.disk, &|_| true).unwrap().is_empty());
    let (a, b) = (entry("a", "1"), entry("b", "2"));
    let spec = spec();
    let fetched = Made { how: How::Fetched, was_in_pack: true };
    let made = [(&a, &spec, BAKED), (&b, &spec, fetched)];
    append(&bench.disk, &build(0), made.into_iter(), 2, &|_| true).unwrap();
    let known = load(&bench.disk, &|_| true).unwrap();
    assert_eq!(known.len(), 2);
    for (entry, made) in [(&a, BAKED), (&b, fetched)] {
        let history = &known[&entry.uuid()];
        let RecordedParts { parts, how, was_in_pack, build: _ } = &history.last;
        assert_eq!((parts, *how, *was_in_pack), (&key_parts(entry, &spec), made.how, made.was_in_pack));
        assert_eq!((&*history.last.build, &history.before), (&build(0), &None));
    }
}

#[test]
fn the_last_two_times_are_known_and_a_build_adds_what_it_made() {
    let bench = Bench::new();
    bench.build(0, &[entry("a", "0"), entry("b", "0"), entry("c", "0")]);
    let size = bench.bytes().len();
    bench.build(1, &[entry("a", "1")]);
    assert!(bench.bytes().len() < size + size / 2, "one record more is less than all of them");
    bench.build(2, &[entry("a", "2")]);
    let digest = |text: &str| Digest::of(text.as_bytes());
    assert_eq!(bench.known("a"), [(2, digest("2")), (1, digest("1"))]);
    assert_eq!(bench.known("b"), [(0, digest("0"))]);
    let before = bench.bytes();
    bench.build(3, &[]);
    assert_eq!(bench.bytes(), before);
}

#[test]
fn records_that_no_longer_count_are_left_out_in_time() {
    let bench = Bench::new();
    let many: Vec<BuildEntry> = (0..=FEW / 4).map(|n| entry(&format!("x{n}"), "0")).collect();
    bench.build(0, &[entry("b", "0")]);
    for n in 1..4 {
        bench.build(n, &many);
    }
    bench.build(4, &[entry("a", "4")]);
    let size = bench.bytes().len();
    let spec = spec();
    // One more would be too many; half of the assets are gone by now.
    let live = |asset: AssetUuid| asset != uuid("x7");
    let made = many.iter().skip(1).map(|entry| (entry, &spec, BAKED));
    append(&bench.disk, &build(5), made, 3, &live).unwrap();
    assert!(bench.bytes().len() < size + size / 20, "{} after {size}", bench.bytes().len());
    let digest = Digest::of(b"0");
    assert_eq!(bench.known("x9"), [(5, digest), (3, digest)]);
    assert_eq!(bench.known("x0"), [(3, digest), (2, digest)]);
    assert_eq!(bench.known("b"), [(0, digest)]);
    assert_eq!(bench.known("a"), [(4, Digest::of(b"4"))]);
    assert_eq!(bench.known("x7"), [(5, digest)], "only what was baked just now");
    assert!(bench.disk.stat(super::NEW.into()).unwrap().is_none());
}

#[test]
fn what_was_not_finished_counts_as_nothing() {
    let bench = Bench::new();
    bench.build(0, &[entry("a", "0")]);
    let good = bench.bytes();
    bench.build(1, &[entry("a", "1")]);
    let longer = bench.bytes();
    // The frame is there, and the head does not know of it.
    let torn = [&good[..], &longer[good.len()..longer.len() - 3]].concat();
    std::fs::write(bench.root.join(BUILD_PARTS), torn).unwrap();
    assert_eq!(bench.known("a").len(), 1);
    bench.build(2, &[entry("a", "2")]);
    assert_eq!(bench.known("a").iter().map(|(n, _)| *n).collect::<Vec<_>>(), [2, 0]);
}

#[test]
fn no_damage_is_believed() {
    let bench = Bench::new();
    bench.build(0, &[entry("a", "0"), entry("b", "0")]);
    let good = bench.bytes();
    let path = bench.root.join(BUILD_PARTS);
    let expected = load(&bench.disk, &|_| true).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x41;
        std::fs::write(&path, &bad).unwrap();
        assert!(load(&bench.disk, &|_| true).unwrap().is_empty(), "byte {at} of {}", good.len());
        std::fs::write(&path, &good[..at]).unwrap();
        assert!(load(&bench.disk, &|_| true).unwrap().is_empty(), "{at} bytes of {}", good.len());
    }
    // Of two frames, the one that is whole counts.
    std::fs::write(&path, &good).unwrap();
    bench.build(1, &[entry("b", "1")]);
    let mut bad = bench.bytes();
    bad[good.len() - 1] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    assert_eq!((bench.known("a").len(), bench.known("b").len()), (0, 1));
    // What a process left that died while it wrote the file anew goes with the next build that bakes.
    std::fs::write(bench.root.join(super::NEW), b"half").unwrap();
    bench.build(2, &[entry("b", "2")]);
    assert!(!bench.root.join(super::NEW).exists());
    // One that is cut short is written over by the next build.
    std::fs::write(&path, &good[..good.len() - 1]).unwrap();
    bench.build(1, &[entry("a", "0"), entry("b", "0")]);
    assert_eq!(load(&bench.disk, &|_| true).unwrap().len(), expected.len());
    // A sealed frame of nonsense.
    let mut file = std::fs::File::create(&path).unwrap();
    let body = [7; 64];
    let mut head = good[..8].to_vec();
    head.extend_from_slice(&(56_u64 + 36 + 64).to_le_bytes());
    head.extend_from_slice(&1_u64.to_le_bytes());
    let checksum = blake3::hash(&head);
    file.write_all(&[&head, &checksum.as_bytes()[..]].concat()).unwrap();
    file.write_all(&64_u32.to_le_bytes()).unwrap();
    file.write_all(blake3::hash(&body).as_bytes()).unwrap();
    file.write_all(&body).unwrap();
    drop(file);
    assert!(load(&bench.disk, &|_| true).unwrap().is_empty());
}
