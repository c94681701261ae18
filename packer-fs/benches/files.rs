//! The files that every operation reads first, and a scan of a workspace that has not changed: `cargo bench -p packer-fs`.
//!
//! Ten thousand assets, each a sidecar and its source, in folders of fifty, on a real disk. The figures are for profiling;
//! what is promised is measured on whole processes, by `cargo xtask bench run`.

use std::fs;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use divan::{Bencher, black_box};
use packer_domain::identity::{LineageId, UuidDraw};
use packer_domain::path::AssetPath;
use packer_domain::registry::{BuildParticipation, EntryState, Registry, RegistryEntry};
use packer_fs::disk::OsDisk;
use packer_fs::index::StatIndex;
use packer_fs::registry_file;
use packer_fs::scan::{ScanRequest, ScanResult, scan};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tempfile::TempDir;

const ASSETS: usize = 10_000;

const DRAW: UuidDraw = UuidDraw { unix_ms: 1_790_000_000_000, entropy: [7; 16] };

fn main() {
    divan::main();
}

/// The path of a source below the assets root.
fn source(number: usize) -> String {
    format!("area-{:03}/thing-{number:05}.bin", number / 50)
}

fn registry() -> Registry {
    let mut registry = Registry::new(LineageId::drawn(DRAW));
    for number in 0..ASSETS {
        let source = source(number);
        let anchor = AssetPath::parse(&format!("{source}.asset.toml")).expect("made of words and numbers");
        let uuid = DRAW.asset_uuid(&source);
        let id = registry.allocate(uuid);
        let state = EntryState::Live { anchor, build: BuildParticipation::Included };
        registry.insert(RegistryEntry { uuid, id, state });
    }
    registry
}

/// A folder with a workspace in it, and what scans it.
struct Workspace {
    _folder: TempDir,
    disk: OsDisk,
    pool: ThreadPool,
}

impl Workspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("its path is text");
        for number in 0..ASSETS {
            let file = root.join("assets").join(source(number));
            let above = file.parent().expect("it is in a folder");
            fs::create_dir_all(above).expect("a folder can be made");
            let text = format!(
                "uuid = \"{}\"\nname = \"thing-{number}\"\nkind = \"raw\"\n",
                DRAW.asset_uuid(&source(number))
            );
            for (path, bytes) in
                [(file.clone(), vec![7; 512]), (format!("{file}.asset.toml").into(), text.into())]
            {
                fs::write(path, bytes).expect("a file can be written");
            }
        }
        let pool = ThreadPoolBuilder::new().build().expect("threads can be started");
        Self { disk: OsDisk::new(root), pool, _folder: folder }
    }

    fn scan(&self, previous: Option<&Arc<StatIndex>>) -> ScanResult {
        let request = ScanRequest {
            assets_root: Utf8Path::new("assets"),
            stamp: Utf8Path::new("stamp"),
            previous,
            pool: &self.pool,
            cancel: &|| false,
            on_progress: &|_| {},
        };
        scan(&self.disk, &request).expect("the folder is there")
    }
}

#[divan::bench(sample_count = 20)]
fn parse_a_registry(bencher: Bencher<'_, '_>) {
    let bytes = registry_file::encode(&registry());
    bencher.bench_local(|| registry_file::parse(black_box(&bytes), "registry.jsonl").is_ok());
}

#[divan::bench(sample_count = 20)]
fn encode_a_registry(bencher: Bencher<'_, '_>) {
    let registry = registry();
    bencher.bench_local(|| registry_file::encode(black_box(&registry)));
}

#[divan::bench(sample_count = 20)]
fn load_a_stat_index(bencher: Bencher<'_, '_>) {
    let workspace = Workspace::new();
    let path = Utf8Path::new("index");
    let written = workspace.scan(None).write_index(&workspace.disk, path);
    written.expect("the index can be written");
    bencher.bench_local(|| {
        let index = StatIndex::load(&workspace.disk, path, Utf8Path::new("assets"));
        index.is_ok_and(|index| index.is_some_and(|index| index.len() == 2 * ASSETS))
    });
}

#[divan::bench(sample_count = 10)]
fn scan_what_has_not_changed(bencher: Bencher<'_, '_>) {
    let workspace = Workspace::new();
    let index = workspace.scan(None).index;
    bencher.bench_local(|| workspace.scan(Some(&index)).cost);
}

#[divan::bench(sample_count = 10)]
fn scan_for_the_first_time(bencher: Bencher<'_, '_>) {
    let workspace = Workspace::new();
    bencher.bench_local(|| workspace.scan(None).cost);
}
