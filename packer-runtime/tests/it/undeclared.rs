//! Payloads depend on what is in the build key and on nothing else.
//!
//! A workspace is made twice, from one seed: equal in everything that a build key is made of, different in everything that
//! is around it (where files are, what the limits are, how many threads bake, when). Their keys must be equal, and so must
//! be their payloads, for every built-in codec. That this check sees something is shown with codecs that read what they
//! did not declare.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use camino::Utf8PathBuf;
use packer_fs::build_record::{BuildRecord, RecordedPayload};
use packer_fs::disk::OsDisk;
use packer_fs::layout;
use packer_runtime::api::{AssetUuid, BuildRequest, FirstObservation};
use packer_runtime::codec::{BakeRequest, Baked, Codec, KindSpec, SettingType, builtin};

use super::chance::Chance;
use super::recording::{anchor, everything_declared, id, kinds, line, many, of_kind, one, open};
use super::support::{Workspace, build_as, built, keep_going};

const ASSETS: usize = 24;

/// Which of the two workspaces of a seed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// The files of the example, by kind: real sources of every built-in kind.
fn sources() -> BTreeMap<String, Vec<Utf8PathBuf>> {
    let mut found: BTreeMap<String, Vec<Utf8PathBuf>> = BTreeMap::new();
    let mut folders =
        vec![Utf8PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/harbour/assets"))];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let extension = path.extension().unwrap_or_default();
            let kinds = builtin();
            let kind = kinds.iter().find(|codec| codec.spec().extensions.contains(&extension));
            if let Some(kind) =
                kind.filter(|_| extension != "toml" || !path.as_str().ends_with(".asset.toml"))
            {
                found.entry(kind.spec().id.to_string()).or_default().push(path);
            }
        }
    }
    found.insert("raw".to_owned(), found.values().flatten().cloned().collect());
    for paths in found.values_mut() {
        paths.sort();
    }
    found
}

/// Random settings of a kind, as an anchor says them.
fn settings(chance: &mut Chance, spec: &KindSpec, target: Option<&str>) -> String {
    let mut text = format!("[{}]\n", spec.id);
    for setting in &spec.settings {
        let value = match &setting.accepts {
            SettingType::Reference => target.map(|name| format!("{name:?}")),
            _ if chance.once_in(2) => None,
            SettingType::Bool => Some(chance.once_in(2).to_string()),
            SettingType::Choice(choices) => Some(format!("{:?}", chance.of(choices))),
            SettingType::Int { min, max } => {
                Some((min + i64::from(chance.number() as u8 % 64).min(max - min)).to_string())
            }
            SettingType::Text | SettingType::List(_) => None,
        };
        if let Some(value) = value {
            writeln!(text, "{} = {value}", setting.key).unwrap();
        }
    }
    text
}

/// The workspace of a seed, on one side.
fn workspace(seed: u64, side: Side, sources: &BTreeMap<String, Vec<Utf8PathBuf>>) -> Workspace {
    let workspace = Workspace::new();
    // What both sides have in common is drawn from one, what differs from the other.
    let (mut common, mut own) = (Chance::new(seed), Chance::new(!seed ^ side as u64));
    let specs: Vec<KindSpec> = kinds(one(), many()).iter().map(|codec| codec.spec().clone()).collect();
    let is_right = side == Side::Right;
    let root = if is_right { "sources" } else { "assets" };
    let mut lines = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut referred = BTreeSet::new();
    for number in 0..ASSETS {
        let spec = &specs[(number + common.below(2)) % specs.len()];
        let to = (number > 0 && common.once_in(2)).then(|| common.below(number));
        let takes_reference = spec.settings.iter().any(|setting| setting.accepts == SettingType::Reference);
        referred.extend(to.filter(|_| takes_reference));
        let rest = settings(&mut common, spec, to.map(|to| names[to].as_str()));
        let preload = if own.once_in(2) { "preload = true\n" } else { "" };
        let folder = format!("{}{}", ["a", "b/c", "d"][own.below(3)], own.below(9));
        let name = format!("n/{number}");
        let place = |path: &str| format!("{root}/{folder}/{path}");
        if spec.id.as_str() == "set" {
            let inside = format!("set{number}{}", own.below(9));
            for input in 0..=common.below(4) {
                let bytes = common.number().to_le_bytes();
                workspace.write(&place(&format!("{inside}/{input}.frm")), &bytes);
            }
            let head = format!("inputs = [\"*.frm\"]\n{preload}");
            let text = anchor(number, &name, "set", &(head + &rest));
            workspace.write(&place(&format!("{inside}/asset.toml")), text.as_bytes());
            lines.push((number, line(number, &format!("{folder}/{inside}/asset.toml"))));
        } else {
            let (file, bytes) = match sources.get(spec.id.as_str()) {
                None => ("it.rec", common.number().to_le_bytes().to_vec()),
                Some(paths) => {
                    let path = common.of(paths);
                    (path.file_name().unwrap(), std::fs::read(path).unwrap())
                }
            };
            // The file's own name is part of the key.
            let at = format!("{number}/{file}");
            workspace.write(&place(&at), &bytes);
            let text = anchor(number, &name, spec.id.as_str(), &format!("{preload}{rest}"));
            workspace.write(&place(&format!("{at}.asset.toml")), text.as_bytes());
            lines.push((number, line(number, &format!("{folder}/{at}.asset.toml"))));
        }
        names.push(name);
    }
    // The id of an asset is in the keys of those that refer to it, and in no other.
    if is_right {
        for (number, line) in &mut lines {
            if !referred.contains(number) {
                *line = line
                    .replace(&format!("\"id\":{},", id(*number)), &format!("\"id\":{},", 90_000 + *number));
            }
        }
    }
    own.shuffle(&mut lines);
    let lines: String = lines.into_iter().map(|(_, line)| line).collect();
    workspace.write("registry.jsonl", (workspace.text("registry.jsonl") + &lines).as_bytes());
    let options = if is_right {
        "[build]\ncompression = \"lz4\"\nalignment = 64\n\
         [limits]\nmax_input_bytes = 1000000\nmax_pixels = 1000000\nmax_payload_bytes = 10000000\n"
    } else {
        ""
    };
    let config = format!("[project]\nname = \"game\"\nassets = \"{root}\"\n{options}");
    workspace.write("packer.toml", config.as_bytes());
    workspace
}

/// What was baked of each asset.
type Payloads = BTreeMap<AssetUuid, RecordedPayload>;

fn payloads(workspace: &Workspace, codecs: Vec<Arc<dyn Codec>>, jobs: usize) -> Payloads {
    let project = open(workspace, codecs, FirstObservation::AtOpening);
    built(&build_as(&project, BuildRequest { jobs: Some(jobs), reuse: false, ..keep_going() }));
    let disk = OsDisk::new(workspace.root.clone());
    BuildRecord::load(&disk, layout::BUILD_RECORD.into()).unwrap().unwrap().iter().collect()
}

/// The assets whose payloads differ though their keys are equal, and how many were compared.
fn undeclared(seed: u64, codecs: impl Fn(Side) -> Vec<Arc<dyn Codec>>) -> (BTreeSet<AssetUuid>, usize) {
    let sources = sources();
    let side = |side, jobs| payloads(&workspace(seed, side, &sources), codecs(side), jobs);
    let (left, right) = (side(Side::Left, 1), side(Side::Right, 3));
    assert!(left.keys().eq(right.keys()), "seed {seed}: not the same assets bake");
    let differs = |(uuid, payload): (&AssetUuid, &RecordedPayload)| {
        let other = right[uuid];
        assert_eq!(
            payload.build_key, other.build_key,
            "seed {seed}: the key of {uuid} has more than it should"
        );
        let of = |payload: &RecordedPayload| (payload.raw_digest, payload.raw_size, payload.encoding);
        (of(payload) != of(&other)).then_some(*uuid)
    };
    (left.iter().filter_map(differs).collect(), left.len())
}

#[test]
fn equal_keys_have_equal_payloads_for_every_built_in_codec() {
    let mut compared = 0;
    for seed in 1..=6 {
        let (found, of) = undeclared(seed, |_| kinds(one(), many()));
        assert_eq!(found, BTreeSet::new(), "seed {seed}");
        compared += of;
    }
    assert!(compared > 6 * ASSETS / 2, "only {compared} baked");
}

/// A codec that reads `more` beside what it declares.
fn dishonest(more: impl Fn(&BakeRequest<'_>) -> String + Send + Sync + 'static) -> Arc<dyn Codec> {
    of_kind(one(), move |spec, request| {
        let Baked { mut payload, .. } = everything_declared(spec, request);
        payload.extend(more(request).into_bytes());
        Baked { encoding: 0, payload, findings: Vec::new() }
    })
}

#[test]
fn a_codec_that_reads_what_it_does_not_declare_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let beside = Utf8PathBuf::from_path_buf(folder.path().join("no input")).unwrap();
    let baked = Arc::new(AtomicU64::new(0));
    let liars: [(&str, Arc<dyn Codec>); 7] = [
        ("the place of its input", dishonest(|request| request.inputs[0].path.to_string())),
        ("a limit", dishonest(|request| request.limits.max_pixels.to_string())),
        ("another limit", dishonest(|request| request.limits.max_input_bytes.to_string())),
        ("what it baked before", {
            let baked = Arc::clone(&baked);
            dishonest(move |_| baked.fetch_add(1, Ordering::Relaxed).to_string())
        }),
        ("the clock", dishonest(|_| format!("{:?}", SystemTime::now()))),
        ("its thread", dishonest(|_| format!("{:?}", std::thread::current().id()))),
        ("a file that is no input", {
            let beside = beside.clone();
            dishonest(move |_| std::fs::read_to_string(&beside).unwrap())
        }),
    ];
    for (what, liar) in liars {
        let codecs = |side| {
            std::fs::write(&beside, if side == Side::Left { "left" } else { "right" }).unwrap();
            // Of two for one kind, the later counts.
            kinds(one(), many()).into_iter().chain([Arc::clone(&liar)]).collect()
        };
        let (found, _) = undeclared(1, codecs);
        assert!(!found.is_empty(), "nobody noticed a codec that reads {what}");
    }
}

#[test]
fn a_codec_that_reads_the_order_of_its_inputs_reads_what_is_declared() {
    // They come by path bytes, whatever order the folder lists them in: the first is always the same.
    let workspace = Workspace::new();
    for name in ["b", "a/z", "a.x", "0"] {
        workspace.write(&format!("assets/s/{name}.frm"), name.as_bytes());
    }
    workspace.write("assets/s/asset.toml", anchor(1, "s", "set", "inputs = [\"**\"]\n").as_bytes());
    let registry = workspace.text("registry.jsonl") + &line(1, "s/asset.toml");
    workspace.write("registry.jsonl", registry.as_bytes());
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    let codec = of_kind(many(), move |spec, request| {
        seen.lock().unwrap().extend(request.inputs.iter().map(|input| input.relative.clone()));
        everything_declared(spec, request)
    });
    payloads(&workspace, vec![codec], 2);
    assert_eq!(*order.lock().unwrap(), ["0.frm", "a.x.frm", "a/z.frm", "b.frm"]);
}
