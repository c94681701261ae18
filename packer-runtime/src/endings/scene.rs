//! A project on which an operation of every kind is ready to run, on a disk that does what a test wants.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::codec::{BakeRequest, Baked, Codec, Finding};
use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::identity::{AssetUuid, OperationId};
use packer_domain::kind::{InputArity, KindId, KindSpec};
use packer_domain::mutation::{
    Adopt, Batch, Configure, Duplicate, Mutation, Reconcile, Recover, RecoveryChoice, Register, Relocate,
    Remove, RemovedInputs, Rename, Selector, SetBuild, Target, Undo,
};
use packer_domain::name::AssetName;
use packer_domain::path::AssetPath;
use packer_domain::registry::BuildParticipation;
use packer_events::body::OperationKind;
use packer_events::report::Ending;
use packer_fs::disk::Disk;
use packer_fs::layout;

use crate::build::{BuildRequest, StorePolicy};
use crate::clock::draw;
use crate::create::create_project;
use crate::operation::OperationHandle;
use crate::outcome::{Outcome, OutcomeNotDurable};
use crate::project::{Command, OpenError, OpenOptions, Project};
use crate::snapshot::AssetQuery;
use crate::testing::HookedDisk;
use crate::watch::WatchOptions;

/// The anchor of the file whose adoption froze.
const FROZEN_ANCHOR: &str = "assets/raw.txt.asset.toml";

/// What changes a disk.
const EFFECTS: [&str; 13] = [
    "append_range",
    "create",
    "create_dir",
    "exchange",
    "open_write",
    "remove_dir",
    "remove_file",
    "rename_new",
    "rename_over",
    "set_len",
    "sync",
    "sync_dir",
    "write",
];

pub(super) fn is_effect(name: &str) -> bool {
    EFFECTS.contains(&name)
}

/// What became of an operation, as whoever waited for it was told.
pub(super) type Told = Result<Outcome, OutcomeNotDurable>;

/// How to open the project.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opening {
    pub never_waits: bool,
    pub watched: bool,
}

pub(super) struct Scene {
    _folder: tempfile::TempDir,
    pub root: Utf8PathBuf,
    pub disk: Arc<HookedDisk>,
    project: Option<Project>,
    opening: Opening,
    pub kind: OperationKind,
    configuration: String,
    /// What can be undone.
    renamed: OperationId,
    /// What waits to be recovered.
    pub frozen: Option<OperationId>,
}

impl Scene {
    pub(super) fn new(kind: OperationKind, opening: Opening) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap().join("game");
        create_project(&root, "game").unwrap();
        let write = |path: &str, text: &str| {
            let path = root.join("assets").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        for name in ["settled", "other", "moved"] {
            write(&format!("{name}.txt"), name);
        }
        let disk = Arc::new(HookedDisk::new(root.clone()));
        let project = open(&disk, &root, Opening::default()).unwrap();
        run(&project, Command::Mutate(adopt(Target::Root)));
        let others = uuid(&project, "other");
        let renamed = run(&project, Command::Mutate(rename(others, "another")));
        drop(project);
        write("raw.txt", "nobody has adopted this");
        // A build wants everything in order.
        if kind != OperationKind::Build {
            diverge(&root, &write);
        }
        let project = Some(open(&disk, &root, opening).unwrap());
        let renamed = renamed.operation_id();
        let configuration = std::fs::read_to_string(root.join(layout::CONFIG)).unwrap();
        Self { _folder: folder, root, disk, project, opening, kind, configuration, renamed, frozen: None }
    }

    pub(super) fn project(&self) -> &Project {
        self.project.as_ref().unwrap()
    }

    pub(super) fn submit(&self, command: Command) -> OperationHandle {
        self.project().submit(command)
    }

    /// Closes the project.
    pub(super) fn close(&mut self) {
        self.project = None;
    }

    /// Opens it again, as another process, on the disk as it is.
    pub(super) fn open(&mut self) -> Result<(), OpenError> {
        self.project = None;
        self.project = Some(open(&self.disk, &self.root, self.opening)?);
        Ok(())
    }

    /// The same, and not watched.
    pub(super) fn open_unwatched(&mut self) {
        self.opening.watched = false;
        self.open().unwrap();
    }

    /// What is left of the project when its process dies: its lock, which nobody holds.
    pub(super) fn abandon(&mut self) {
        let Some(project) = self.project.take() else { return };
        let lock = self.root.join(layout::event_lock(project.source()));
        drop(project);
        if lock.parent().is_some_and(Utf8Path::exists) {
            std::fs::write(lock, b"").unwrap();
        }
    }

    /// Before the first operation on the disk that is meant, `what` happens; once.
    pub(super) fn once(
        &self,
        is_meant: impl Fn(&str, &Utf8Path) -> bool + Send + 'static,
        mut what: impl FnMut() -> io::Result<()> + Send + 'static,
    ) -> Arc<AtomicBool> {
        let met = Arc::new(AtomicBool::new(false));
        let found = Arc::clone(&met);
        self.disk.hook(move |name, path| {
            let is_first = is_meant(name, path) && !met.swap(true, Ordering::Relaxed);
            if is_first { what() } else { Ok(()) }
        });
        found
    }

    /// Makes an adoption stop amid its commit.
    pub(super) fn freeze(&mut self) {
        self.once(|name, _| name == "exchange", || Err(io::ErrorKind::StorageFull.into()));
        let outcome = run(self.project(), Command::Mutate(adopt(path_target("raw.txt"))));
        assert!(matches!(outcome.ending(), Ending::OutcomeUnknown(_)), "{outcome:#?}");
        self.disk.unhook();
        // Or what it had put there would not be known.
        assert!(run(self.project(), Command::Refresh).success().is_some());
        self.frozen = Some(outcome.operation_id());
    }

    /// Somebody saves over what a frozen adoption had put there, or takes it away.
    pub(super) fn meddle(&self, text: Option<&str>) {
        let anchor = self.root.join(FROZEN_ANCHOR);
        match text {
            Some(text) => std::fs::write(anchor, text).unwrap(),
            None => std::fs::remove_file(anchor).unwrap(),
        }
    }

    /// Edits the registry and every anchor.
    pub(super) fn edit_everything(root: &Utf8Path) {
        let append = |path: &Utf8Path, text: &str| {
            let before = std::fs::read_to_string(path).unwrap();
            std::fs::write(path, before + text).unwrap();
        };
        append(&root.join(layout::REGISTRY), "\n");
        for folder in ["assets", "assets/away"] {
            for entry in root.join(folder).read_dir_utf8().unwrap() {
                let path = entry.unwrap().into_path();
                if path.as_str().ends_with(".asset.toml") {
                    append(&path, "# edited meanwhile\n");
                }
            }
        }
    }

    /// What the operation of this scene is about, so far as it names another one.
    pub(super) fn cause(&self) -> Option<OperationId> {
        match self.kind {
            OperationKind::Undo => Some(self.renamed),
            OperationKind::Recover => self.frozen,
            _ => None,
        }
    }

    /// What to submit for an operation of this scene's kind.
    pub(super) fn command(&self) -> Command {
        match self.kind {
            OperationKind::Build => Command::Build(build()),
            OperationKind::Refresh => Command::Refresh,
            OperationKind::Watch => panic!("watching is not submitted"),
            kind => Command::Mutate(self.mutation(kind)),
        }
    }

    /// A change of this kind that can be carried out.
    pub(super) fn mutation(&self, kind: OperationKind) -> Mutation {
        let asset = || uuid(self.project(), "settled");
        match kind {
            OperationKind::Adopt => adopt(path_target("raw.txt")),
            OperationKind::Register => {
                Mutation::Register(Register { targets: vec![path_target("gift.txt.asset.toml")] })
            }
            OperationKind::Remove => {
                Mutation::Remove(Remove { assets: vec![asset()], inputs: RemovedInputs::ToHistory })
            }
            OperationKind::Relocate => {
                Mutation::Relocate(Relocate { asset: asset(), to: "there/".to_owned() })
            }
            OperationKind::Rename => rename(asset(), "calm"),
            OperationKind::Configure => configure(asset()),
            OperationKind::SetBuild => {
                Mutation::SetBuild(SetBuild { assets: vec![asset()], build: BuildParticipation::Excluded })
            }
            OperationKind::Duplicate => duplicate(asset()),
            OperationKind::Reconcile => reconcile(Selector::Name(name("moved"))),
            OperationKind::Undo => Mutation::Undo(Undo { operation: self.renamed }),
            OperationKind::Recover => {
                let operation = self.frozen.unwrap_or(self.renamed);
                Mutation::Recover(Recover { operation, choice: RecoveryChoice::KeepTheirs })
            }
            OperationKind::Apply => Mutation::Batch(Batch {
                mutations: vec![
                    rename(asset(), "calm"),
                    Mutation::Relocate(Relocate { asset: asset(), to: "there/".to_owned() }),
                ],
            }),
            OperationKind::Build | OperationKind::Refresh | OperationKind::Watch => {
                panic!("{kind} is no change of the workspace")
            }
        }
    }

    /// A change of this kind that forbids itself.
    pub(super) fn blocked(&self, kind: OperationKind) -> Mutation {
        let asset = AssetUuid::drawn(draw());
        match kind {
            OperationKind::Adopt => adopt(path_target("nothing.txt")),
            OperationKind::Register => Mutation::Register(Register { targets: vec![path_target("nothing")] }),
            OperationKind::Remove => {
                Mutation::Remove(Remove { assets: vec![asset], inputs: RemovedInputs::Kept })
            }
            OperationKind::Relocate => Mutation::Relocate(Relocate { asset, to: "there/".to_owned() }),
            OperationKind::Rename => rename(asset, "calm"),
            OperationKind::Configure => configure(asset),
            OperationKind::SetBuild => {
                Mutation::SetBuild(SetBuild { assets: vec![asset], build: BuildParticipation::Excluded })
            }
            OperationKind::Duplicate => duplicate(asset),
            OperationKind::Reconcile => reconcile(Selector::Name(name("nobody"))),
            OperationKind::Undo => Mutation::Undo(Undo { operation: OperationId::drawn(draw()) }),
            OperationKind::Recover => {
                // What it had put there is nowhere any more.
                self.meddle(None);
                let operation = self.frozen.unwrap();
                Mutation::Recover(Recover { operation, choice: RecoveryChoice::FinishOurs })
            }
            OperationKind::Apply => Mutation::Batch(Batch {
                mutations: vec![rename(uuid(self.project(), "settled"), "calm"), rename(asset, "nobody")],
            }),
            OperationKind::Build | OperationKind::Refresh | OperationKind::Watch => {
                panic!("{kind} is no change of the workspace")
            }
        }
    }

    /// Writes the configuration as it was at first.
    pub(super) fn restore_configuration(&self) {
        self.writes(layout::CONFIG, &self.configuration);
    }

    pub(super) fn writes(&self, path: &str, text: &str) {
        std::fs::write(self.root.join(path), text).unwrap();
    }
}

/// An anchor that nobody registered, and an asset that was moved by hand.
fn diverge(root: &Utf8Path, write: &dyn Fn(&str, &str)) {
    write("gift.txt", "and this has an anchor");
    let uuid = AssetUuid::drawn(draw());
    write("gift.txt.asset.toml", &format!("uuid = \"{uuid}\"\nname = \"gift\"\nkind = \"text\"\n"));
    std::fs::create_dir_all(root.join("assets/away")).unwrap();
    for end in ["", ".asset.toml"] {
        let from = root.join(format!("assets/moved.txt{end}"));
        std::fs::rename(from, root.join(format!("assets/away/moved.txt{end}"))).unwrap();
    }
}

/// A build that uses nothing of the one before.
pub(super) fn build() -> BuildRequest {
    BuildRequest { reuse: false, store: StorePolicy::Off, ..BuildRequest::default() }
}

pub(super) fn run(project: &Project, command: Command) -> Outcome {
    project.submit(command).wait().unwrap()
}

fn open(disk: &Arc<HookedDisk>, root: &Utf8Path, opening: Opening) -> Result<Project, OpenError> {
    let disk: Arc<dyn Disk> = Arc::clone(disk) as Arc<dyn Disk>;
    Project::open_on(&disk, root, options(opening))
}

pub(super) fn options(opening: Opening) -> OpenOptions {
    let mut codecs = packer_codecs::builtin();
    codecs.extend(["fails", "dice"].map(|kind| Arc::new(TestKind(spec(kind))) as Arc<dyn Codec>));
    OpenOptions {
        codecs,
        jobs: Some(2),
        wait_for_lane: !opening.never_waits,
        watch: opening.watched.then(WatchOptions::default),
        ..OpenOptions::default()
    }
}

fn spec(kind: &'static str) -> KindSpec {
    KindSpec {
        id: KindId::parse(kind).unwrap(),
        codec_version: 1,
        payload_version: 1,
        inputs: InputArity::One,
        extensions: if kind == "fails" { &["fails"] } else { &["dice"] },
        signatures: &[],
        settings: Vec::new(),
    }
}

/// A kind that cannot be baked, or never gives the same.
struct TestKind(KindSpec);

impl Codec for TestKind {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        if self.0.id.as_str() == "fails" {
            return Err(vec![Finding::new(DiagnosticCode::BakeUnsupported, &request.inputs[0], "as asked")]);
        }
        Ok(Baked { encoding: 0, payload: format!("{:?}", draw()).into_bytes(), findings: Vec::new() })
    }
}

#[track_caller]
fn uuid(project: &Project, name: &str) -> AssetUuid {
    let all = project.status().snapshot.assets(&AssetQuery::default());
    let named = all.rows.iter().find(|row| row.name.as_ref().is_some_and(|found| found.as_str() == name));
    named.and_then(|row| row.uuid).unwrap_or_else(|| panic!("no asset {name}: {:#?}", all.rows))
}

fn name(text: &str) -> AssetName {
    AssetName::parse(text).unwrap()
}

pub(super) fn path_target(path: &str) -> Target {
    Target::Path(AssetPath::parse(path).unwrap())
}

pub(super) fn adopt(target: Target) -> Mutation {
    Mutation::Adopt(Adopt { targets: vec![target], kind: None, draw: draw() })
}

fn rename(asset: AssetUuid, to: &str) -> Mutation {
    Mutation::Rename(Rename { asset, name: name(to) })
}

fn configure(asset: AssetUuid) -> Mutation {
    let set = BTreeMap::from([("preload".to_owned(), packer_domain::kind::SettingValue::Bool(true))]);
    Mutation::Configure(Configure { asset, set, clear: BTreeSet::new() })
}

fn duplicate(asset: AssetUuid) -> Mutation {
    Mutation::Duplicate(Duplicate { asset, to: "copy.txt".to_owned(), name: None, draw: draw() })
}

fn reconcile(select: Selector) -> Mutation {
    let (resolution, path, name) = (None, None, None);
    Mutation::Reconcile(Reconcile { select: vec![select], resolution, path, name, draw: draw() })
}
