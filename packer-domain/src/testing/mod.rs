//! What tests of the workspace share: a project as one text, its state, and plans carried out on it.
//!
//! A fixture is divided by lines that start with `//- `:
//!
//! - `//- packer.toml`, its text (a plain project where there is none);
//! - `//- registry`, a line each: `ALIAS ID ANCHOR [excluded]` or `ALIAS ID retired`;
//! - `//- assets/PATH`, a file and its contents; `$ALIAS` stands for a uuid;
//! - `//- ignored PATH`, a file on disk that no observation has; `//- unreadable PATH`; `//- folder PATH`;
//! - `//- found CODE PATH`, a problem with a path that the scan found;
//! - `//- link PATH`, `//- mount PATH` and `//- special PATH`, what is neither a file nor a plain folder;
//! - `//- passed-over PREFIX`, a rule by which what starts so is passed over.
//!
//! An alias has up to five letters, and uuids are in the order of their aliases. Texts for comparison are made in
//! `render`. Nothing here is a model of the registry's text form: that is `packer-fs`'s.

mod render;

pub(crate) use render::{plan_text, state_text};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::anchor::{anchor_form, parse_anchor};
use crate::config::parse_config;
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::divergence::Resolution;
use crate::identity::{AssetId, AssetUuid, Digest, LineageId, OperationId, UuidDraw};
use crate::kind::{
    InputArity, KindCatalog, KindId, KindSpec, SettingSpec, SettingType, SettingValue, Signature,
};
use crate::mutation::{
    Adopt, AppliedOperation, Contents, FilesystemMutation, HEAD_BYTES, KeptFile, KeptOperation, Mutation,
    MutationPlan, Need, PathState, PlacedFile, Reconcile, Register, RegistryMutation, Selector, TakenFile,
    Target, Verdict, needs, plan,
};
use crate::observation::{FileFact, Observation};
use crate::path::AssetPath;
use crate::registry::{BuildParticipation, EntryState, Registry, RegistryEntry};
use crate::workspace::{WorkspaceInputs, WorkspaceState};

/// What every request of a test drew.
pub(crate) const DRAW: UuidDraw = UuidDraw { unix_ms: 1_900_000_000_000, entropy: [7; 16] };

/// A project in memory.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) config: String,
    pub(crate) registry: Registry,
    pub(crate) files: BTreeMap<AssetPath, Vec<u8>>,
    pub(crate) ignored: BTreeMap<AssetPath, Vec<u8>>,
    pub(crate) unreadable: Vec<AssetPath>,
    pub(crate) found: Vec<(DiagnosticCode, String)>,
    pub(crate) folders: BTreeSet<AssetPath>,
    /// Anchors that are torn by the time somebody looks at them for an edit.
    pub(crate) torn: BTreeSet<AssetPath>,
    /// What stands at paths that no observation has.
    pub(crate) odd: BTreeMap<AssetPath, PathState>,
    /// What starts so is passed over.
    pub(crate) passed_over: Vec<String>,
    /// What is kept of operations.
    pub(crate) operations: BTreeMap<OperationId, KeptOperation>,
    /// The bytes of the files that are kept.
    pub(crate) kept: BTreeMap<KeptFile, Vec<u8>>,
}

pub(crate) fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).unwrap()
}

/// The `n`th operation of a world.
pub(crate) fn operation(n: usize) -> OperationId {
    OperationId::drawn(UuidDraw { unix_ms: 2_000_000_000_000 + n as u64, entropy: [9; 16] })
}

/// The uuid that `$alias` stands for.
pub(crate) fn uuid(alias: &str) -> AssetUuid {
    let time = alias.bytes().chain([0; 5]).take(5).fold(0, |time, byte| (time << 8) | u64::from(byte));
    AssetUuid::drawn(UuidDraw { unix_ms: time, entropy: [0; 16] })
}

/// The alias that `uuid` has, if it has one.
pub(crate) fn alias(uuid: AssetUuid) -> Option<String> {
    let letters: Vec<u8> = uuid.as_bytes()[1..6].iter().copied().take_while(|byte| *byte != 0).collect();
    let alias = String::from_utf8(letters).ok().filter(|text| !text.is_empty())?;
    (self::uuid(&alias) == uuid).then_some(alias)
}

pub(crate) fn entry(alias: &str, id: u32, state: EntryState) -> RegistryEntry {
    RegistryEntry { uuid: uuid(alias), id: AssetId::new(id).unwrap(), state }
}

pub(crate) fn live(anchor: &str, build: BuildParticipation) -> EntryState {
    EntryState::Live { anchor: path(anchor), build }
}

/// `image`, `atlas`, `raw`, and `map` with a reference and a list of them.
pub(crate) fn kinds() -> KindCatalog {
    const PICTURE: &[Signature] = &[Signature { offset: 0, bytes: b"PIC!" }];
    let setting = |key, accepts, default| SettingSpec { key, accepts, default, doc: "" };
    let kind = |id: &str, inputs, extensions, signatures, settings| KindSpec {
        id: KindId::parse(id).unwrap(),
        codec_version: 1,
        payload_version: 1,
        inputs,
        extensions,
        signatures,
        settings,
    };
    let names = SettingType::List(Box::new(SettingType::Reference));
    let none = || SettingValue::Text(String::new());
    KindCatalog::new([
        kind(
            "image",
            InputArity::One,
            &["png", "jpg"],
            PICTURE,
            vec![setting("level", SettingType::Int { min: 0, max: 9 }, SettingValue::Int(1))],
        ),
        kind("atlas", InputArity::Many, &[], &[], Vec::new()),
        kind("raw", InputArity::One, &[], &[], Vec::new()),
        kind(
            "map",
            InputArity::One,
            &["map"],
            &[],
            vec![
                setting("tiles", SettingType::Reference, none()),
                setting("others", names, SettingValue::List(Vec::new())),
            ],
        ),
    ])
}

/// Replaces every `$alias` by its uuid.
fn expand(text: &str) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(part.len());
        out.push_str(&uuid(&part[..end]).to_string());
        out.push_str(&part[end..]);
    }
    out
}

impl World {
    /// Reads a fixture.
    pub(crate) fn new(fixture: &str) -> Self {
        let lineage = LineageId::drawn(UuidDraw { unix_ms: 1, entropy: [1; 16] });
        let mut world = Self {
            config: "[project]\nname = \"harbour\"\n".to_owned(),
            registry: Registry::new(lineage),
            files: BTreeMap::new(),
            ignored: BTreeMap::new(),
            unreadable: Vec::new(),
            found: Vec::new(),
            folders: BTreeSet::new(),
            torn: BTreeSet::new(),
            odd: BTreeMap::new(),
            passed_over: Vec::new(),
            operations: BTreeMap::new(),
            kept: BTreeMap::new(),
        };
        let mut sections = fixture.split("//- ");
        assert_eq!(sections.next().map(str::trim), Some(""), "a fixture starts with `//- `");
        for section in sections {
            let (header, text) = section.split_once('\n').unwrap_or((section, ""));
            match header.split_once(' ') {
                None if header == "packer.toml" => text.clone_into(&mut world.config),
                None if header == "registry" => text.lines().for_each(|line| world.register(line)),
                Some(("ignored", file)) => {
                    world.ignored.insert(path(file), text.as_bytes().to_vec());
                }
                Some(("unreadable", file)) => world.unreadable.push(path(file)),
                Some(("found", found)) => {
                    let (code, path) = found.split_once(' ').expect("a code and a path");
                    world.found.push((code.parse().expect("a code of a diagnostic"), path.to_owned()));
                }
                Some(("link", at)) => {
                    world.odd.insert(path(at), PathState::Link);
                }
                Some(("mount", at)) => {
                    world.folders.insert(path(at));
                    world.odd.insert(path(at), PathState::Mount);
                }
                Some(("special", at)) => {
                    world.odd.insert(path(at), PathState::Other);
                }
                Some(("passed-over", prefix)) => world.passed_over.push(prefix.to_owned()),
                Some(("folder", folder)) => {
                    world.folders.insert(path(folder));
                }
                // A path may have a space in it.
                Some(_) | None => {
                    let file = path(header.strip_prefix("assets/").expect("a file below assets/"));
                    world.files.insert(file, expand(text).into_bytes());
                }
            }
        }
        world
    }

    fn register(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (state, alias, id) = match words[..] {
            [] => return,
            [alias, id, "retired"] => (EntryState::Retired, alias, id),
            [alias, id, anchor] => (live(anchor, BuildParticipation::Included), alias, id),
            [alias, id, anchor, "excluded"] => (live(anchor, BuildParticipation::Excluded), alias, id),
            _ => panic!("not a line of a registry: {line}"),
        };
        self.registry.insert(entry(alias, id.parse().unwrap(), state));
    }

    /// Writes a file; `$alias` stands for a uuid.
    pub(crate) fn write(&mut self, file: &str, text: &str) {
        self.files.insert(path(file), expand(text).into_bytes());
    }

    pub(crate) fn inputs(&self) -> WorkspaceInputs {
        let kinds = kinds();
        let config = parse_config(&self.config, "packer.toml", &kinds);
        let project = config.output.expect("the fixture's packer.toml can be read");
        let mut observation = Observation { ignored: self.ignored.len() as u64, ..Observation::default() };
        let all = self.files.keys().flat_map(AssetPath::ancestors).map(path);
        observation.folders.extend(all.chain(self.folders.iter().cloned()));
        for (file, bytes) in &self.files {
            let fact = FileFact { size: bytes.len() as u64, digest: Digest::of(bytes) };
            observation.files.insert(file.clone(), fact);
            if anchor_form(file).is_some() {
                let parsed = parse_anchor(bytes, file, &format!("{}/{file}", project.assets), &kinds);
                observation.anchors.insert(file.clone(), Arc::new(parsed));
            }
        }
        for file in &self.unreadable {
            let subject = Subject::Path(file.clone());
            let found = Diagnostic::new(DiagnosticCode::PathUnreadable, subject, "the file cannot be read");
            observation.diagnostics.push(found.in_file(format!("{}/{file}", project.assets)));
        }
        for (code, file) in &self.found {
            let subject = match AssetPath::parse(file) {
                Ok(path) if *code != DiagnosticCode::PathNotRepresentable => Subject::Path(path),
                Ok(_) | Err(_) => Subject::Unrepresentable(file.clone()),
            };
            let found = Diagnostic::new(*code, subject, "it is left");
            observation.diagnostics.push(found.in_file(format!("{}/{file}", project.assets)));
        }
        WorkspaceInputs {
            config: Arc::new(project),
            config_diagnostics: config.diagnostics,
            kinds: Arc::new(kinds),
            registry: self.registry.clone(),
            observation,
        }
    }

    pub(crate) fn state(&self) -> WorkspaceState {
        WorkspaceState::evaluate(self.inputs())
    }

    /// What stands at `path`, looked at as far as `need` says.
    fn look_at(&self, path: &AssetPath, need: Need) -> PathState {
        if let Some(odd) = self.odd.get(path) {
            return odd.clone();
        }
        let Some(bytes) = self.files.get(path).or_else(|| self.ignored.get(path)) else {
            let is_folder = |file: &AssetPath| file.strip_folder(path.as_str()).is_some();
            if self.folders.contains(path) || self.files.keys().any(is_folder) {
                return PathState::Folder;
            }
            let rule = self.passed_over.iter().find(|prefix| path.as_str().starts_with(prefix.as_str()));
            return rule
                .map_or(PathState::Absent, |prefix| PathState::Ignored { rule: format!("{prefix}*") });
        };
        let torn = b"<<<<<<< ours\n".to_vec();
        let bytes = if self.torn.contains(path) { &torn } else { bytes };
        let bytes = match need {
            Need::State => &[][..],
            Need::Head => &bytes[..bytes.len().min(HEAD_BYTES as usize)],
            Need::Contents => &bytes[..],
        };
        let digest = (need == Need::Contents).then(|| Digest::of(bytes));
        PathState::File { digest, bytes: bytes.to_vec() }
    }

    /// What planning `mutation` needs, and no more.
    pub(crate) fn contents(&self, mutation: &Mutation) -> Contents {
        let state = self.state();
        let mut contents = Contents::default();
        loop {
            let lacking = needs(&state, &contents, mutation);
            if lacking.is_empty() {
                return contents;
            }
            for (path, need) in lacking.paths {
                let found = self.look_at(&path, need);
                contents.insert(path, need, found);
            }
            for operation in lacking.operations {
                let kept = self.operations.get(&operation).cloned().unwrap_or(KeptOperation::Nothing);
                contents.insert_operation(operation, kept);
            }
        }
    }

    pub(crate) fn plan(&self, mutation: &Mutation) -> MutationPlan {
        plan(&self.state(), &self.contents(mutation), mutation)
    }

    /// Every folder that has a name or something in it.
    pub(crate) fn all_folders(&self) -> BTreeSet<AssetPath> {
        let implied = self.files.keys().chain(self.odd.keys()).flat_map(AssetPath::ancestors).map(path);
        implied.chain(self.folders.iter().cloned()).collect()
    }

    /// Carries out a plan that is ready, as a commit does, and keeps what is needed to take it back under the operation
    /// that is given.
    pub(crate) fn apply(&mut self, plan: &MutationPlan) -> OperationId {
        assert_eq!(plan.verdict, Verdict::Ready, "{}", plan_text(plan));
        let operation = operation(self.operations.len());
        let lines = self.apply_to_registry(plan);
        let mut applied =
            AppliedOperation { lines_before: lines.0, lines_after: lines.1, ..Default::default() };
        // A folder stays when what was in it leaves.
        self.folders = self.all_folders();
        let originals = self.files.clone();
        for mutation in &plan.filesystem_mutations {
            if let FilesystemMutation::MakeDir { path } = mutation {
                assert!(!self.files.contains_key(path), "{path} is a file");
                self.assert_place(path);
                assert!(self.folders.insert(path.clone()), "{path} is there already");
                applied.made_folders.push(path.clone());
            }
        }
        // Everything that leaves has left before anything comes.
        let mut taken: BTreeMap<AssetPath, Vec<u8>> = BTreeMap::new();
        for mutation in &plan.filesystem_mutations {
            let leaves = match mutation {
                FilesystemMutation::Edit { path, before, .. } => Some((path, before)),
                FilesystemMutation::ToHistory { path, digest, .. } => Some((path, digest)),
                FilesystemMutation::Move { from, digest, .. } => Some((from, digest)),
                _ => None,
            };
            let Some((path, digest)) = leaves else { continue };
            let bytes = self.files.remove(path).unwrap_or_else(|| panic!("{path} is not there"));
            assert_eq!(Digest::of(&bytes), *digest, "{path}");
            taken.insert(path.clone(), bytes);
        }
        for mutation in &plan.filesystem_mutations {
            let (bytes, from) = match mutation {
                FilesystemMutation::Create { contents, .. } | FilesystemMutation::Edit { contents, .. } => {
                    (contents.clone().into_bytes(), None)
                }
                FilesystemMutation::Move { from, .. } => (taken.remove(from).unwrap(), Some(from.clone())),
                FilesystemMutation::Copy { from, .. } => (originals[from].clone(), None),
                FilesystemMutation::Restore { kept, .. } => (self.kept[kept].clone(), None),
                FilesystemMutation::MakeDir { .. }
                | FilesystemMutation::RemoveDir { .. }
                | FilesystemMutation::ToHistory { .. } => continue,
            };
            let path = mutation.path();
            self.assert_place(path);
            assert!(!self.folders.contains(path), "{path} is a folder");
            let after = FileFact { size: bytes.len() as u64, digest: Digest::of(&bytes) };
            let before = self.files.insert(path.clone(), bytes);
            assert_eq!(before, None, "{path} was overwritten");
            applied.placed.push(PlacedFile { path: path.clone(), after, from });
        }
        for (number, (path, bytes)) in taken.into_iter().enumerate() {
            let kept = KeptFile::History { operation, number: number as u32 };
            let before = FileFact { size: bytes.len() as u64, digest: Digest::of(&bytes) };
            let text = anchor_form(&path).and_then(|_| String::from_utf8(bytes.clone()).ok());
            self.kept.insert(kept, bytes);
            applied.taken.push(TakenFile { path, before, kept, text });
        }
        for mutation in plan.filesystem_mutations.iter().rev() {
            let FilesystemMutation::RemoveDir { path: folder } = mutation else { continue };
            let inside = |path: &&AssetPath| path.strip_folder(folder.as_str()).is_some();
            assert_eq!(self.files.keys().chain(&self.folders).find(inside), None, "{folder} is not empty");
            applied.removed_folders.insert(0, folder.clone());
            // One in which something is that nobody sees is left.
            if !self.ignored.keys().chain(self.odd.keys()).any(|path| inside(&path)) {
                assert!(self.folders.remove(folder), "{folder} is not there");
            }
        }
        self.operations.insert(operation, KeptOperation::Applied(applied));
        operation
    }

    /// That something can be put at `path` without doing away with anything.
    fn assert_place(&self, path: &AssetPath) {
        assert!(!self.ignored.contains_key(path), "{path} would be overwritten");
        assert!(!self.odd.contains_key(path), "{path} is something else");
        assert!(path.parent().is_none_or(|folder| self.folders.contains(&folder)), "{path} has no folder");
        let odd = path.ancestors().find(|folder| self.odd.contains_key(*folder));
        assert_eq!(odd, None, "{path} is not in the project");
    }

    /// Changes the registry; gives all lines of the assets concerned, before and after.
    fn apply_to_registry(&mut self, plan: &MutationPlan) -> (Vec<RegistryEntry>, Vec<RegistryEntry>) {
        let uuids: BTreeSet<AssetUuid> = plan.registry_mutations.iter().map(RegistryMutation::uuid).collect();
        let lines = |registry: &Registry| -> Vec<RegistryEntry> {
            uuids.iter().flat_map(|uuid| registry.lines_of(*uuid).cloned().collect::<Vec<_>>()).collect()
        };
        let before = lines(&self.registry);
        for mutation in &plan.registry_mutations {
            let (gone, new) = match mutation.clone() {
                RegistryMutation::Insert { entry } => (None, Some(entry)),
                RegistryMutation::Update { before, after } => (Some(before), Some(after)),
                RegistryMutation::Retire { before } => {
                    (Some(before.clone()), Some(RegistryEntry { state: EntryState::Retired, ..before }))
                }
                RegistryMutation::Delete { entry } => (Some(entry), None),
            };
            if let Some(entry) = gone {
                assert!(self.registry.entries().any(|line| *line == entry), "no line {entry}");
                self.registry.remove(&entry);
            }
            if let Some(entry) = new {
                self.registry.insert(entry);
            }
        }
        (before, lines(&self.registry))
    }
}

/// Paths as targets; `.` is the assets root.
pub(crate) fn targets(texts: &[&str]) -> Vec<Target> {
    texts.iter().map(|text| if *text == "." { Target::Root } else { Target::Path(path(text)) }).collect()
}

pub(crate) fn adopt(texts: &[&str]) -> Mutation {
    Mutation::Adopt(Adopt { targets: targets(texts), kind: None, draw: DRAW })
}

pub(crate) fn register(texts: &[&str]) -> Mutation {
    Mutation::Register(Register { targets: targets(texts) })
}

/// `[SELECTOR…] [--as RESOLUTION] [--path PATH] [--name NAME]`; a selector is a code, `$alias`, `@name` or a path.
pub(crate) fn reconcile(line: &str) -> Mutation {
    let mut request = Reconcile { select: Vec::new(), resolution: None, path: None, name: None, draw: DRAW };
    let mut words = line.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "--as" => request.resolution = words.next().map(|word| word.parse::<Resolution>().unwrap()),
            "--path" => request.path = words.next().map(path),
            "--name" => request.name = words.next().map(|word| word.parse().unwrap()),
            _ => request.select.push(match (word.parse(), word.strip_prefix('$'), word.strip_prefix('@')) {
                (Ok(code), ..) => Selector::Code(code),
                (_, Some(alias), _) => Selector::Asset(uuid(alias)),
                (.., Some(name)) => Selector::Name(name.parse().unwrap()),
                _ => Selector::Path(path(word)),
            }),
        }
    }
    Mutation::Reconcile(request)
}
