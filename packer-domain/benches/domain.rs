//! What the packer decides, without a disk: `cargo bench -p packer-domain`.
//!
//! Ten thousand assets where it is about a whole workspace, each a sidecar and its source, in folders of fifty. The figures
//! are for profiling; what is promised is measured on whole processes, by `cargo xtask bench run`.

use std::sync::Arc;

use divan::{Bencher, black_box};
use packer_domain::anchor::{new_sidecar_text, parse_anchor};
use packer_domain::build::{BuildInput, build_key, plan_build};
use packer_domain::config::{ProjectConfig, parse_config};
use packer_domain::identity::{Digest, LineageId, UuidDraw};
use packer_domain::kind::{
    InputArity, KindCatalog, KindId, KindSpec, SettingSpec, SettingType, SettingValue,
};
use packer_domain::name::AssetName;
use packer_domain::observation::{FileFact, Observation};
use packer_domain::path::AssetPath;
use packer_domain::registry::{BuildParticipation, EntryState, Registry, RegistryEntry};
use packer_domain::workspace::{WorkspaceInputs, WorkspaceState};

const ASSETS: usize = 10_000;

const DRAW: UuidDraw = UuidDraw { unix_ms: 1_790_000_000_000, entropy: [7; 16] };

fn main() {
    divan::main();
}

fn kind() -> KindId {
    KindId::parse("raw").expect("a kind's name")
}

fn kinds() -> KindCatalog {
    let level = SettingSpec {
        key: "level",
        accepts: SettingType::Int { min: 0, max: 9 },
        default: SettingValue::Int(1),
        doc: "",
    };
    KindCatalog::new([KindSpec {
        id: kind(),
        codec_version: 1,
        payload_version: 1,
        inputs: InputArity::One,
        extensions: &["bin"],
        signatures: &[],
        settings: vec![level],
    }])
}

/// The path of a source.
fn source(number: usize) -> String {
    format!("area-{:03}/thing-{number:05}.bin", number / 50)
}

fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).expect("made of words and numbers")
}

/// The text of a sidecar.
fn anchor(number: usize) -> String {
    let source = source(number);
    let name = AssetName::parse(source.trim_end_matches(".bin")).expect("made of words and numbers");
    let text = new_sidecar_text(DRAW.asset_uuid(&source), &name, &kind());
    format!("{text}preload = true\n\n[raw]\nlevel = 3\n")
}

fn workspace(assets: usize) -> WorkspaceInputs {
    let kinds = kinds();
    let config = parse_config(&ProjectConfig::new_project_text("bench"), "packer.toml", &kinds).output;
    let mut registry = Registry::new(LineageId::drawn(DRAW));
    let mut observation = Observation::default();
    for number in 0..assets {
        let (source, text) = (source(number), anchor(number));
        let at = path(&format!("{source}.asset.toml"));
        let parsed = parse_anchor(text.as_bytes(), &at, at.as_str(), &kinds);
        let uuid = DRAW.asset_uuid(&source);
        let id = registry.allocate(uuid);
        let state = EntryState::Live { anchor: at.clone(), build: BuildParticipation::Included };
        registry.insert(RegistryEntry { uuid, id, state });
        for (file, bytes) in [(path(&source), source.as_bytes()), (at.clone(), text.as_bytes())] {
            let fact = FileFact { size: bytes.len() as u64, digest: Digest::of(bytes) };
            observation.files.insert(file, fact);
        }
        observation.anchors.insert(at, Arc::new(parsed));
    }
    WorkspaceInputs {
        config: Arc::new(config.expect("what a new project begins with is valid")),
        config_diagnostics: Vec::new(),
        kinds: Arc::new(kinds),
        registry,
        observation,
    }
}

#[divan::bench]
fn parse_an_anchor(bencher: Bencher<'_, '_>) {
    let (kinds, text, at) = (kinds(), anchor(1), path("area-000/thing-00001.bin.asset.toml"));
    bencher.bench_local(|| parse_anchor(black_box(text.as_bytes()), &at, at.as_str(), &kinds));
}

#[divan::bench]
fn key_of_one_asset(bencher: Bencher<'_, '_>) {
    let kinds = kinds();
    let spec = kinds.get(&kind()).expect("it was put there");
    let settings = spec.defaults();
    let source = path("area-000/thing-00001.bin");
    let digest = Digest::of(b"thing");
    let input = BuildInput { path: &source, relative: source.file_name(), digest, size: 5 };
    let inputs = [input];
    bencher.bench_local(|| build_key(spec, &settings, black_box(&inputs), &[]));
}

#[divan::bench]
fn evaluate_ten_thousand_assets(bencher: Bencher<'_, '_>) {
    let inputs = workspace(ASSETS);
    bencher.with_inputs(|| inputs.clone()).bench_local_values(WorkspaceState::evaluate);
}

/// One of a hundred thousand assets changed: what publishing that costs. Evaluating it all again is what it is compared
/// with.
#[divan::bench(args = [Changed::Source, Changed::Anchor, Changed::Line, Changed::Nothing])]
fn follow_one_change_among_a_hundred_thousand_assets(bencher: Bencher<'_, '_>, changed: Changed) {
    let before = WorkspaceState::evaluate(workspace(10 * ASSETS));
    let mut after = before.inputs().clone();
    let source = source(4321);
    let at = path(&format!("{source}.asset.toml"));
    match changed {
        Changed::Source => {
            let fact = FileFact { size: 1, digest: Digest::of(b"changed") };
            after.observation.files.insert(path(&source), fact);
        }
        Changed::Anchor => {
            let text = anchor(4321).replace("level = 3", "level = 4");
            let parsed = parse_anchor(text.as_bytes(), &at, at.as_str(), before.kinds());
            let fact = FileFact { size: text.len() as u64, digest: Digest::of(text.as_bytes()) };
            after.observation.files.insert(at.clone(), fact);
            after.observation.anchors.insert(at, Arc::new(parsed));
        }
        Changed::Line => {
            let line = before.registry().get(DRAW.asset_uuid(&source)).expect("it was registered").clone();
            after.registry.remove(&line);
            let state = EntryState::Live { anchor: at, build: BuildParticipation::Excluded };
            after.registry.insert(RegistryEntry { state, ..line });
        }
        Changed::Nothing => {}
    }
    bencher.with_inputs(|| after.clone()).bench_local_values(|after| before.next(after));
}

#[derive(Clone, Copy, Debug)]
enum Changed {
    Source,
    Anchor,
    Line,
    Nothing,
}

#[divan::bench]
fn evaluate_a_hundred_thousand_assets(bencher: Bencher<'_, '_>) {
    let inputs = workspace(10 * ASSETS);
    bencher.with_inputs(|| inputs.clone()).bench_local_values(WorkspaceState::evaluate);
}

#[divan::bench]
fn plan_a_build_of_ten_thousand_assets(bencher: Bencher<'_, '_>) {
    let state = WorkspaceState::evaluate(workspace(ASSETS));
    let options = state.config().build;
    bencher.bench_local(|| plan_build(black_box(&state), options));
}

#[divan::bench]
fn allocate_ten_thousand_ids(bencher: Bencher<'_, '_>) {
    let registry = workspace(ASSETS).registry;
    let uuids: Vec<_> = (0..ASSETS).map(|number| DRAW.asset_uuid(&number.to_string())).collect();
    bencher.bench_local(|| uuids.iter().map(|uuid| registry.allocate(*uuid).get()).max());
}
