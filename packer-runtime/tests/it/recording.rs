//! Codecs that write down what they bake, and a workspace for them: assets that refer to each other, assets of several
//! files, and assets of built-in kinds, with ids and uuids that never differ.

use std::sync::{Arc, Mutex};

use packer_runtime::api::{FirstObservation, OpenOptions, Project};
use packer_runtime::codec::{
    BakeRequest, Baked, Codec, Finding, InputArity, KindId, KindSpec, SettingSpec, SettingType, SettingValue,
    builtin,
};

use super::support::Workspace;

type Bake = dyn Fn(&KindSpec, &BakeRequest<'_>) -> Baked + Send + Sync;

/// A codec of a test kind.
struct TestKind {
    spec: KindSpec,
    bake: Box<Bake>,
}

impl Codec for TestKind {
    fn spec(&self) -> &KindSpec {
        &self.spec
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        Ok((self.bake)(&self.spec, request))
    }
}

/// The kind `rec`, of one input.
pub(crate) fn one() -> KindSpec {
    let setting = |key, accepts, default| SettingSpec { key, accepts, default, doc: "For tests." };
    KindSpec {
        id: KindId::parse("rec").unwrap(),
        codec_version: 1,
        payload_version: 1,
        inputs: InputArity::One,
        extensions: &["rec"],
        signatures: &[],
        settings: vec![
            setting("size", SettingType::Int { min: 0, max: 99 }, SettingValue::Int(1)),
            setting("to", SettingType::Reference, SettingValue::Text(String::new())),
        ],
    }
}

/// The kind `set`, of any number of inputs.
pub(crate) fn many() -> KindSpec {
    KindSpec { id: KindId::parse("set").unwrap(), inputs: InputArity::Many, extensions: &[], ..one() }
}

/// A codec of such a kind, which puts into its payload what `bake` does.
pub(crate) fn of_kind(
    spec: KindSpec,
    bake: impl Fn(&KindSpec, &BakeRequest<'_>) -> Baked + Send + Sync + 'static,
) -> Arc<dyn Codec> {
    Arc::new(TestKind { spec, bake: Box::new(bake) })
}

/// A payload that has everything in it that a codec may depend on, so that nothing of it can differ unseen.
pub(crate) fn everything_declared(spec: &KindSpec, request: &BakeRequest<'_>) -> Baked {
    let KindSpec { id, codec_version, payload_version, .. } = spec;
    let mut payload = format!("{id} {codec_version} {payload_version}\n").into_bytes();
    payload.extend(format!("{:?}\n{:?}\n", request.settings, request.references).into_bytes());
    for input in request.inputs {
        payload.extend(format!("{} {}\n", input.relative, input.bytes.len()).into_bytes());
        payload.extend(&input.bytes);
    }
    Baked { encoding: 0, payload, findings: Vec::new() }
}

/// The test kinds at these versions, and the built-in ones.
pub(crate) fn kinds(one: KindSpec, many: KindSpec) -> Vec<Arc<dyn Codec>> {
    let own = [one, many].map(|spec| of_kind(spec, everything_declared));
    builtin().into_iter().chain(own).collect()
}

/// Which assets were baked: by the place of their files, without the extension of a single one.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<String>>>);

struct Recording {
    inner: Arc<dyn Codec>,
    recorder: Recorder,
}

impl Recorder {
    /// The same codecs, recorded.
    pub(crate) fn on(&self, codecs: Vec<Arc<dyn Codec>>) -> Vec<Arc<dyn Codec>> {
        let recording = |inner| -> Arc<dyn Codec> { Arc::new(Recording { inner, recorder: self.clone() }) };
        codecs.into_iter().map(recording).collect()
    }

    /// What was baked since the last time that somebody asked, sorted; twice what was baked twice.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut baked = std::mem::take(&mut *self.0.lock().unwrap());
        baked.sort();
        baked
    }
}

impl Codec for Recording {
    fn spec(&self) -> &KindSpec {
        self.inner.spec()
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        let input = &request.inputs[0];
        let path = input.path.as_str();
        let place = match self.spec().inputs {
            InputArity::One => path.rsplit_once('.').map_or(path, |(stem, _)| stem),
            InputArity::Many => path.strip_suffix(&format!("/{}", input.relative)).unwrap(),
        };
        self.recorder.0.lock().unwrap().push(place.to_owned());
        self.inner.bake(request)
    }
}

/// Opens a project with exactly these codecs.
pub(crate) fn open(workspace: &Workspace, codecs: Vec<Arc<dyn Codec>>, first: FirstObservation) -> Project {
    let options = OpenOptions { codecs, jobs: Some(2), first_observation: first, ..OpenOptions::default() };
    workspace.open_as(options)
}

/// The uuid of the asset number `number`.
pub(crate) fn uuid(number: usize) -> String {
    format!("01a20386-0de8-7ca4-98aa-{number:012}")
}

/// The id of the asset number `number`: no two neighbours of one are neighbours of the other.
pub(crate) fn id(number: usize) -> usize {
    1 + number * 7919 % 10007
}

/// The text of an anchor.
pub(crate) fn anchor(number: usize, name: &str, kind: &str, rest: &str) -> String {
    format!("uuid = \"{}\"\nname = \"{name}\"\nkind = \"{kind}\"\n{rest}", uuid(number))
}

/// The line of the registry of an asset.
pub(crate) fn line(number: usize, anchor: &str) -> String {
    let (id, uuid) = (id(number), uuid(number));
    format!(r#"{{"id":{id},"uuid":"{uuid}","anchor":"{anchor}","build":"included"}}"#) + "\n"
}

const CONFIG: &str = r#"[project]
name = "game"

[[rules]]
match = "ui/**"
rec.size = 2

[[rules]]
match = "texts/**"
kind = "text"

[build]
compression = "zstd"

[build.profiles.dev]
compression = "none"
"#;

/// Sources, and the name, kind and further text of the anchor beside each.
const SIDECARS: [(&str, &str, &str, &str); 11] = [
    ("ui/a.rec", "ui/a", "rec", ""),
    ("ui/b.rec", "ui/b", "rec", ""),
    ("ui/c.rec", "ui/c", "rec", "[rec]\nsize = 5\n"),
    ("world/base.rec", "world/base", "rec", ""),
    ("world/mid.rec", "world/mid", "rec", "[rec]\nto = \"world/base\"\nsize = 3\n"),
    ("world/top.rec", "world/top", "rec", "[rec]\nto = \"world/mid\"\n"),
    ("world/other.rec", "world/other", "rec", ""),
    ("world/map.rec", "world/map", "rec", "[rec]\nto = \"foe\"\n"),
    ("texts/readme.txt", "texts/readme", "text", ""),
    ("data/levels.json", "data/levels", "data", "[data]\nencoding = \"messagepack\"\n"),
    ("data/tides.bin", "data/tides", "raw", "preload = true\n"),
];

/// Folders of several inputs, and the further text of the anchor in each.
const FOLDERS: [(&str, &str); 2] =
    [("hero", "inputs = [\"frames/*.frm\"]\n"), ("foe", "inputs = [\"*.frm\"]\n[set]\nto = \"hero\"\n")];

/// The names of all assets of [`workspace`], which are their places, too.
pub(crate) const ALL: [&str; 13] = [
    "data/levels",
    "data/tides",
    "foe",
    "hero",
    "texts/readme",
    "ui/a",
    "ui/b",
    "ui/c",
    "world/base",
    "world/map",
    "world/mid",
    "world/other",
    "world/top",
];

/// A project with thirteen assets, none of them built.
pub(crate) fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("packer.toml", CONFIG.as_bytes());
    let mut lines = Vec::new();
    for (number, (path, name, kind, rest)) in SIDECARS.into_iter().enumerate() {
        let contents = match path.rsplit_once('.').unwrap().1 {
            "json" => r#"{"levels": [1, 2, 3]}"#.to_owned(),
            _ => format!("the contents of {name}"),
        };
        workspace.write(&format!("assets/{path}"), contents.as_bytes());
        let at = format!("{path}.asset.toml");
        workspace.write(&format!("assets/{at}"), anchor(number, name, kind, rest).as_bytes());
        lines.push((id(number), line(number, &at)));
    }
    for (number, (folder, rest)) in (SIDECARS.len()..).zip(FOLDERS) {
        let at = format!("{folder}/asset.toml");
        workspace.write(&format!("assets/{at}"), anchor(number, folder, "set", rest).as_bytes());
        lines.push((id(number), line(number, &at)));
    }
    for frame in ["hero/frames/1", "hero/frames/2", "hero/frames/3", "foe/1", "foe/2"] {
        workspace.write(&format!("assets/{frame}.frm"), frame.as_bytes());
    }
    // As the packer writes them.
    lines.sort();
    let lines = lines.into_iter().map(|(_, line)| line);
    let registry = workspace.text("registry.jsonl") + &lines.collect::<String>();
    workspace.write("registry.jsonl", registry.as_bytes());
    workspace.write("assets/notes.md", b"a file that no asset claims");
    workspace.write("assets/.packerignore", b"*.bak\n");
    workspace
}
