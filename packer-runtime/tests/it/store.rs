//! The artifact store in builds: what is not baked twice, what is not believed, and what does not come from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::Digest;
use packer_events::report::Failure;
use packer_fs::store::{ArtifactKey, Content, Lookup, Store, StoredPayload};
use packer_runtime::api::{BuildRequest, GcRequest, PACK_FILE, Project, StorePolicy};
use packer_runtime::codec::{Baked, Codec, DiagnosticCode, Finding, Severity};
use packer_runtime::packs;

use super::codecs::{as_it_is, codec};
use super::support::{Workspace, build_with_store, built, errors, failure};

/// A codec for `*.cnt`, and how often it ran. It fails at `bad`, panics at `boom`, and warns of `warn`.
fn counting() -> (Arc<dyn Codec>, Arc<AtomicU64>) {
    let runs = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&runs);
    let codec = codec("cnt", &["cnt"], move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        let input = &request.inputs[0];
        let finding = |severity| Finding {
            severity,
            ..Finding::new(DiagnosticCode::BakeDecode, input, format!("{} is odd", input.path))
        };
        assert!(input.bytes != b"boom", "the codec cannot take this");
        match input.bytes.as_slice() {
            b"bad" => Err(vec![finding(Severity::Error)]),
            b"warn" => Ok(Baked { findings: vec![finding(Severity::Warning)], ..as_it_is(request) }),
            bytes if bytes.len() as u64 > request.limits.max_pixels => Err(vec![finding(Severity::Error)]),
            _ => Ok(as_it_is(request)),
        }
    });
    (codec, runs)
}

struct Bench {
    workspace: Workspace,
    project: Project,
    runs: Arc<AtomicU64>,
}

impl Bench {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let (codec, runs) = counting();
        let (workspace, project) = Workspace::adopted(files, vec![codec]);
        Self { workspace, project, runs }
    }

    /// How often the codec ran since the last time that somebody asked.
    fn runs(&self) -> u64 {
        self.runs.swap(0, Ordering::Relaxed)
    }

    fn build(&self, request: BuildRequest) -> packer_runtime::api::Outcome {
        build_with_store(&self.project, request)
    }

    fn artifacts(&self) -> Vec<Utf8PathBuf> {
        artifacts(&self.workspace.root)
    }

    fn pack_in(&self, folder: &str) -> Vec<u8> {
        self.workspace.read(&format!("{folder}/{PACK_FILE}"))
    }
}

fn artifacts(root: &Utf8Path) -> Vec<Utf8PathBuf> {
    let Ok(shards) = root.join(".packer/store").read_dir_utf8() else { return Vec::new() };
    let shards = shards.map(|entry| entry.unwrap().into_path()).filter(|path| path.is_dir());
    let mut files: Vec<Utf8PathBuf> = shards
        .flat_map(|shard| shard.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()))
        .collect();
    files.sort();
    files
}

fn all() -> BuildRequest {
    BuildRequest { store: StorePolicy::All, ..BuildRequest::default() }
}

fn to(folder: &str) -> BuildRequest {
    BuildRequest { output: Some(folder.into()), ..all() }
}

fn game() -> Bench {
    let long = b"all work and no play ".repeat(300);
    Bench::new(&[("assets/a.cnt", b"a"), ("assets/b.cnt", &long), ("assets/c.cnt", b"warn")])
}

#[test]
fn what_was_baked_once_is_not_baked_for_another_folder() {
    let bench = game();
    let first = bench.build(all());
    assert_eq!((built(&first).baked, bench.runs(), bench.artifacts().len()), (3, 3, 3));
    let second = bench.build(to("other"));
    let report = built(&second);
    assert_eq!((report.baked, report.reused, report.failed, bench.runs()), (0, 3, 0, 0));
    assert_eq!(bench.pack_in("other"), bench.workspace.pack());
    // What a bake had to say is said by whoever fetches it, too.
    let said = |outcome| bench.workspace.diagnostics_of(outcome);
    assert_eq!(said(&first), said(&second));
    assert_eq!(said(&first).len(), 1);
    // And after everything but the store was deleted.
    for file in ["build/assets.pack", "other/assets.pack", ".packer/build-record"] {
        bench.workspace.remove(file);
    }
    assert_eq!((built(&bench.build(all())).reused, bench.runs()), (3, 0));
    assert_eq!(bench.pack_in("build").len() as u64, report.bytes);
}

#[test]
fn another_compression_is_another_artifact() {
    let bench = game();
    built(&bench.build(all()));
    let dev = BuildRequest { profile: Some("dev".into()), ..all() };
    assert_eq!((built(&bench.build(dev.clone())).baked, bench.artifacts().len()), (3, 6));
    let plain = bench.workspace.pack();
    bench.runs();
    assert_eq!(built(&bench.build(all())).reused, 3);
    assert_eq!((built(&bench.build(dev)).reused, bench.runs()), (3, 0));
    assert_eq!(bench.workspace.pack(), plain);
}

#[test]
fn a_poisoned_artifact_is_reported_and_baked_anew_and_no_pack_has_it() {
    let bench = game();
    built(&bench.build(all()));
    let clean = bench.workspace.pack();
    bench.runs();
    for (round, poison) in [
        |bytes: &mut Vec<u8>| bytes[140] ^= 1,
        |bytes: &mut Vec<u8>| bytes.truncate(100),
        |bytes: &mut Vec<u8>| bytes.clear(),
        |bytes: &mut Vec<u8>| bytes.fill(0),
    ]
    .into_iter()
    .enumerate()
    {
        let files = bench.artifacts();
        let target = files.iter().find(|path| path.metadata().unwrap().len() > 141).unwrap();
        let mut bytes = std::fs::read(target).unwrap();
        poison(&mut bytes);
        std::fs::write(target, bytes).unwrap();
        let folder = format!("out{round}");
        let outcome = bench.build(to(&folder));
        let report = built(&outcome);
        assert_eq!((report.baked, report.reused, bench.runs()), (1, 2, 1), "round {round}");
        let said = bench.workspace.diagnostics_of(&outcome);
        let damaged: Vec<_> = said.iter().filter(|said| said.code == "store/damaged").collect();
        let file = target.strip_prefix(&bench.workspace.root).unwrap().as_str();
        assert_eq!(damaged.iter().map(|said| said.file.as_deref()).collect::<Vec<_>>(), [Some(file)]);
        assert_eq!(bench.pack_in(&folder), clean);
        assert!(bench.artifacts().contains(target), "it is there again, and whole");
    }
    assert_eq!(built(&bench.build(to("last"))).reused, 3);
}

#[test]
fn an_artifact_that_swears_to_something_else_is_found_in_the_pack_and_replaced() {
    let bench = game();
    built(&bench.build(all()));
    let clean = bench.workspace.pack();
    for path in bench.artifacts() {
        let bytes = std::fs::read(&path).unwrap();
        let key = ArtifactKey::new(Digest::from_bytes(bytes[8..40].try_into().unwrap()));
        let store = Store::open(&bench.workspace.root, u64::MAX);
        let Lookup::Hit(artifact) = store.get(key, u64::MAX) else { panic!("it is whole") };
        let Content::Payload(payload) = artifact.content else { panic!("it baked") };
        // All in order, but that these are not the bytes that the digest is of.
        let mut forged = payload.stored.clone();
        forged[0] ^= 1;
        let StoredPayload { encoding, compression, raw_size, raw_digest, .. } = payload;
        let content = StoredPayload { encoding, compression, raw_size, raw_digest, stored: &forged[..] };
        store.put(key, Content::Payload(content), &artifact.said).unwrap();
    }
    bench.runs();
    let outcome = bench.build(to("other"));
    assert_eq!((built(&outcome).baked, bench.runs()), (3, 3));
    assert_eq!(bench.pack_in("other"), clean);
    assert_eq!((built(&bench.build(to("third"))).reused, bench.runs()), (3, 0), "they were replaced");
    assert!(packs::verify(&bench.workspace.root.join("third").join(PACK_FILE)).unwrap().ok);
}

#[test]
fn a_failed_bake_is_remembered_and_told_again_without_being_tried() {
    let bench = Bench::new(&[("assets/a.cnt", b"bad"), ("assets/b.cnt", b"bad"), ("assets/c.cnt", b"good")]);
    let first = bench.build(BuildRequest::default());
    assert_eq!((failure(&first), bench.runs()), (&Failure::BakesFailed { failed: 2 }, 3));
    let second = bench.build(BuildRequest { keep_going: true, ..BuildRequest::default() });
    assert_eq!((built(&second).failed, built(&second).incomplete), (2, true));
    assert!(bench.runs() <= 1, "the good one is quick, and not stored");
    let third = bench.build(BuildRequest { keep_going: true, ..BuildRequest::default() });
    assert_eq!((built(&third).failed, built(&third).unchanged, bench.runs()), (2, true, 0));
    for outcome in [&first, &second, &third] {
        let said = bench.workspace.diagnostics_of(outcome);
        let mut found = errors(&said);
        found.sort_unstable();
        assert_eq!(found, [("bake/decode", "assets/a.cnt"), ("bake/decode", "assets/b.cnt")]);
        assert!(said.iter().all(|said| said.message.starts_with(&said.file.as_ref().unwrap()[7..])));
    }
    // One that is told to take nothing over tries again, and leaves what is remembered alone.
    let outcome = bench.build(BuildRequest { reuse: false, ..BuildRequest::default() });
    assert_eq!((failure(&outcome), bench.runs()), (&Failure::BakesFailed { failed: 2 }, 3));
    bench.workspace.write("assets/a.cnt", b"good");
    bench.workspace.write("assets/b.cnt", b"good");
    assert_eq!(built(&bench.build(BuildRequest::default())).failed, 0);
}

#[test]
fn a_moved_asset_is_not_told_the_words_of_its_old_place() {
    let bench = Bench::new(&[("assets/a.cnt", b"bad")]);
    failure(&bench.build(all()));
    // Into another folder: the build key is the same.
    std::fs::create_dir(bench.workspace.root.join("assets/sub")).unwrap();
    bench.workspace.rename("assets/a.cnt", "assets/sub/a.cnt");
    bench.workspace.rename("assets/a.cnt.asset.toml", "assets/sub/a.cnt.asset.toml");
    let registry = bench.workspace.text("registry.jsonl").replace("\"a.cnt.asset", "\"sub/a.cnt.asset");
    bench.workspace.write("registry.jsonl", registry.as_bytes());
    let outcome = bench.build(all());
    failure(&outcome);
    let said = bench.workspace.diagnostics_of(&outcome);
    assert_eq!(said[0].message, "sub/a.cnt is odd");
}

#[test]
fn a_panic_is_not_held_against_the_asset() {
    let bench = Bench::new(&[("assets/a.cnt", b"boom")]);
    failure(&bench.build(all()));
    failure(&bench.build(all()));
    assert_eq!((bench.runs(), bench.artifacts().len()), (2, 0));
}

#[test]
fn another_limit_is_another_answer() {
    let bench = Bench::new(&[("assets/a.cnt", b"far too long")]);
    let config = bench.workspace.text("packer.toml");
    let limited = |limit: u32| {
        let text = format!("{config}\n[limits]\nmax_pixels = {limit}\n");
        bench.workspace.write("packer.toml", text.as_bytes());
    };
    limited(3);
    failure(&bench.build(all()));
    failure(&bench.build(all()));
    assert_eq!(bench.runs(), 1);
    limited(100);
    assert_eq!((built(&bench.build(all())).failed, bench.runs()), (0, 1));
}

#[test]
fn a_build_without_the_store_neither_reads_nor_writes_it() {
    let bench = game();
    let without = BuildRequest { reuse: false, ..all() };
    assert_eq!(built(&bench.build(without.clone())).baked, 3);
    assert!(!bench.workspace.root.join(".packer/store").exists());
    built(&bench.build(to("other")));
    let before: Vec<_> =
        bench.artifacts().iter().map(|path| path.metadata().unwrap().modified().unwrap()).collect();
    bench.runs();
    assert_eq!((built(&bench.build(without)).baked, bench.runs()), (3, 3));
    let off = BuildRequest { store: StorePolicy::Off, ..to("third") };
    assert_eq!((built(&bench.build(off)).baked, bench.runs()), (3, 3));
    let after: Vec<_> =
        bench.artifacts().iter().map(|path| path.metadata().unwrap().modified().unwrap()).collect();
    assert_eq!(before, after);
    // Nor does a proof, whose second pack is made from nothing.
    let proved = bench.build(BuildRequest { prove: true, ..to("fourth") });
    assert_eq!((built(&proved).reused, built(&proved).proved, bench.runs()), (3, true, 3));
}

#[test]
fn the_store_is_kept_to_what_packer_toml_says() {
    let bench = game();
    let config = bench.workspace.text("packer.toml");
    let says = |bytes: u32| {
        let text = config.replace("[build]\n", &format!("[build]\nmax_store_bytes = {bytes}\n"));
        bench.workspace.write("packer.toml", text.as_bytes());
    };
    says(0);
    built(&bench.build(all()));
    assert!(bench.artifacts().is_empty());
    says(2 * 4096);
    built(&bench.build(to("other")));
    assert_eq!(bench.artifacts().len(), 1, "nine tenths of two blocks are one");
    assert_eq!(built(&bench.build(to("third"))).reused, 1);
}

#[test]
fn gc_says_what_it_would_drop_and_drops_it() {
    let bench = game();
    built(&bench.build(all()));
    let dead = "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10";
    bench.workspace.write(&format!("build/.staging-{dead}/assets.pack"), b"half");
    bench.workspace.write(".packer/prove-dead.pack", b"half");
    bench.workspace.write(".packer/store/new-1-1", b"half");
    let poisoned = bench.artifacts().remove(0);
    std::fs::write(&poisoned, b"poison").unwrap();
    let outputs = bench.workspace.pack();

    let dry = GcRequest { dry_run: true, max_store_bytes: Some(4096), scrub: true, ..GcRequest::default() };
    let report = bench.project.gc(&dry).unwrap();
    assert_eq!((report.artifacts, report.bytes, report.orphans), (3, 3 * 4096, 1));
    assert_eq!((report.dropped, report.dropped_bytes), (3, 3 * 4096));
    assert_eq!(report.leftovers, [".packer/prove-dead.pack".to_owned(), format!("build/.staging-{dead}")]);
    let scrub = report.scrub.unwrap();
    let damaged: Vec<&str> = scrub.damaged.iter().map(|damaged| damaged.path.as_str()).collect();
    assert_eq!(
        (scrub.checked, damaged),
        (3, vec![poisoned.strip_prefix(&bench.workspace.root).unwrap().as_str()])
    );
    assert_eq!(bench.artifacts().len(), 3);
    assert_eq!(bench.workspace.left_behind().len(), 3, "a dry run drops nothing");

    let report = bench.project.gc(&GcRequest { scrub: true, ..GcRequest::default() }).unwrap();
    assert_eq!((report.dropped, report.artifacts, report.scrub.unwrap().damaged.len()), (0, 2, 1));
    assert_eq!(bench.workspace.left_behind(), [""; 0]);
    assert_eq!(bench.artifacts().len(), 2);
    let again = bench.project.gc(&GcRequest::default()).unwrap();
    assert_eq!((again.leftovers.len(), again.orphans, again.dropped), (0, 0, 0));
    let report = bench.project.gc(&GcRequest { max_store_bytes: Some(0), ..GcRequest::default() }).unwrap();
    assert_eq!((report.dropped, bench.artifacts().len()), (2, 0));
    assert_eq!(bench.workspace.pack(), outputs);
}
