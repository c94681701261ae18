//! The system under test: a real project, its lane and its events, on a simulated disk that forgets what was not synced.
//!
//! Locks are real, in a temporary folder, because they are no part of the simulated disk. A power cut drops the project
//! and the disk, and leaves the lock files that a process that dies leaves. Nobody watches, and the artifact store, which is
//! on the real disk, is not used.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::codec::{BakeRequest, Baked, Codec, Finding};
use packer_domain::config::ProjectConfig;
use packer_domain::identity::{LineageId, Revision, UuidDraw};
use packer_domain::kind::{InputArity, KindId, KindSpec, SettingSpec, SettingType, SettingValue};
use packer_domain::registry::Registry;
use packer_domain::summary::WorkspaceSummary;
use packer_events::sequence::StreamCheck;
use packer_fs::disk::sim::{RenameDurability, SimDisk, SimNode};
use packer_fs::disk::{DirEntry, Disk, DiskError, ReadFile, Stat, WriteFile};
use packer_fs::event_log::LogBounds;
use packer_fs::{event_log, layout, registry_file};

use crate::feed::{Feed, FeedNext};
use crate::operation::OperationHandle;
use crate::outcome::{Outcome, OutcomeNotDurable};
use crate::project::{Command, OpenError, OpenOptions, Project};
use crate::record::read_source;
use crate::snapshot::AssetQuery;
use crate::watch::starter;

/// How many disks of those that a power cut can leave are drawn from.
const SURVIVORS: usize = 8;

/// The simulated disk, and beside its event logs the locks of the real one.
#[derive(Debug)]
struct Beside {
    sim: SimDisk,
    root: Utf8PathBuf,
}

impl Disk for Beside {
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        let is_events = dir == layout::EVENTS;
        let locks = if is_events { locks(&self.root) } else { BTreeSet::new() };
        let lock = |name: String| DirEntry { name: name.into(), kind: packer_fs::disk::EntryKind::File };
        let mut entries = match self.sim.read_dir(dir) {
            Err(error) if error.is_not_found() && !locks.is_empty() => Vec::new(),
            found => found?,
        };
        entries.extend(locks.into_iter().map(lock));
        Ok(entries)
    }

    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError> {
        self.sim.stat(path)
    }

    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError> {
        self.sim.open(path)
    }

    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.sim.create(path)
    }

    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.sim.open_write(path)
    }

    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.sim.create_dir(path)
    }

    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.sim.remove_file(path)
    }

    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.sim.remove_dir(path)
    }

    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.sim.rename_new(from, to)
    }

    fn rename_over(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.sim.rename_over(from, to)
    }

    fn exchange(&self, a: &Utf8Path, b: &Utf8Path) -> Result<(), DiskError> {
        self.sim.exchange(a, b)
    }

    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError> {
        self.sim.sync_dir(dir)
    }
}

/// The names of the locks of event logs on the real disk.
fn locks(root: &Utf8Path) -> BTreeSet<String> {
    let Ok(entries) = root.join(layout::EVENTS).read_dir_utf8() else { return BTreeSet::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().to_owned());
    names.filter(|name| name.rsplit_once('.').is_some_and(|(_, kind)| kind == "lock")).collect()
}

/// A kind of the model, whose payloads have everything in them that a codec may depend on.
struct ModelKind(KindSpec);

impl Codec for ModelKind {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        let mut payload = format!("{:?}\n{:?}\n", request.settings, request.references).into_bytes();
        for input in request.inputs {
            payload.extend(format!("{} {}\n", input.relative, input.bytes.len()).into_bytes());
            payload.extend(&input.bytes);
        }
        Ok(Baked { encoding: 0, payload, findings: Vec::new() })
    }
}

fn codecs() -> Vec<Arc<dyn Codec>> {
    let setting = |key, accepts, default| SettingSpec { key, accepts, default, doc: "For tests." };
    let spec = |id, inputs, extensions| KindSpec {
        id: KindId::parse(id).unwrap(),
        codec_version: 1,
        payload_version: 1,
        inputs,
        extensions,
        signatures: &[],
        settings: vec![
            setting("size", SettingType::Int { min: 0, max: 99 }, SettingValue::Int(1)),
            setting("to", SettingType::Reference, SettingValue::Text(String::new())),
        ],
    };
    let kinds = [spec("rec", InputArity::One, &["rec"][..]), spec("set", InputArity::Many, &[])];
    kinds.into_iter().map(|spec| Arc::new(ModelKind(spec)) as Arc<dyn Codec>).collect()
}

/// How an operation came out, as whoever waited for it was told.
pub(super) type Told = Result<Outcome, OutcomeNotDurable>;

/// A project, open, with everything that was heard of it.
pub(super) struct World {
    folder: tempfile::TempDir,
    root: Utf8PathBuf,
    pub disk: SimDisk,
    project: Option<Project>,
    feed: Option<(Feed, StreamCheck)>,
    /// How many copies of it were opened.
    copies: Cell<u32>,
}

impl World {
    /// A project with these files, of which `registry` has these lines.
    pub(super) fn new(files: &[(String, Vec<u8>)], lines: &[String]) -> Self {
        let disk = new_disk();
        let lineage = LineageId::drawn(UuidDraw { unix_ms: 1, entropy: [1; 16] });
        let mut registry = registry_file::encode(&Registry::new(lineage));
        for line in lines {
            registry.extend(format!("{line}\n").bytes());
        }
        disk.put(layout::CONFIG.into(), ProjectConfig::new_project_text("game").as_bytes());
        disk.put(layout::REGISTRY.into(), &registry);
        for (path, bytes) in files {
            disk.put(&Utf8Path::new("assets").join(path), bytes);
        }
        disk.settle();
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        let mut world =
            Self { folder, root: root.join("game"), disk, project: None, feed: None, copies: Cell::new(0) };
        std::fs::create_dir(&world.root).unwrap();
        world.open().unwrap();
        world
    }

    pub(super) fn project(&self) -> &Project {
        self.project.as_ref().unwrap()
    }

    /// Opens the project as a new process does.
    pub(super) fn open(&mut self) -> Result<(), OpenError> {
        self.disk.advance_clock_ns(3_000_000_000);
        let (project, feed) = open(&self.disk, &self.root)?;
        self.project = Some(project);
        self.feed = Some((feed, StreamCheck::feed()));
        self.hear();
        Ok(())
    }

    /// Takes in what was said since; it must be in order, and each end be said once with its proof.
    pub(super) fn hear(&mut self) {
        let Some((feed, check)) = &mut self.feed else { return };
        while let FeedNext::Item(item) = feed.next(Duration::ZERO) {
            check.push(&item.event).unwrap();
            assert_eq!(item.event.terminal, item.outcome.is_some(), "an end has its proof beside it");
        }
    }

    pub(super) fn submit(&self, command: Command) -> OperationHandle {
        self.project().submit(command)
    }

    /// Runs an operation on a disk that works.
    pub(super) fn run(&mut self, command: Command) -> Outcome {
        let outcome = self.submit(command).wait().unwrap();
        self.hear();
        let (_, check) = self.feed.as_ref().unwrap();
        assert_eq!(check.running().count(), 0, "an operation that ended goes on");
        outcome
    }

    /// Closes the project; everything that ran has its end then, in the feed and in the logs.
    pub(super) fn close(&mut self) {
        self.project = None;
        self.hear();
        if let Some((_, check)) = self.feed.take() {
            assert_eq!(check.running().count(), 0, "an operation has no end when the project is closed");
        }
        self.assert_logs_are_whole();
    }

    /// Cuts the power: the process is gone, and of what was not synced a part, chosen by `draw`. What was heard has to be
    /// in order; what runs has no end.
    pub(super) fn cut_power(&mut self, draw: u64) {
        let held = locks(&self.root);
        let source = self.project.as_ref().map(|project| layout::event_lock(project.source()));
        self.project = None;
        self.hear();
        self.feed = None;
        for name in held.into_iter().map(|name| Utf8Path::new(layout::EVENTS).join(name)).chain(source) {
            let path = self.root.join(name);
            if !path.exists() && path.parent().is_some_and(Utf8Path::exists) {
                std::fs::write(path, b"").unwrap();
            }
        }
        let states: Vec<SimDisk> =
            self.disk.crash_states_seeded(SURVIVORS, draw).chain([self.disk.fork()]).collect();
        self.disk = states[(draw % states.len() as u64) as usize].fork();
    }

    /// Whether every log keeps the contract and every operation in it has ended once.
    pub(super) fn assert_logs_are_whole(&self) {
        for source in event_log::list(&self.disk).unwrap() {
            let log = read_source(&self.disk, source).unwrap().unwrap();
            assert_eq!((log.damaged_lines, &log.holes), (0, &Vec::new()));
            let mut check = StreamCheck::log();
            if log.events.first().is_some_and(|event| event.position > 1) {
                check = check.joined_late();
            }
            for event in &log.events {
                check.push(event).unwrap();
            }
            assert_eq!(check.running().count(), 0, "an operation has no end: {:#?}", log.events);
        }
    }

    /// Everything that reads of this project tell, and everything that reads of one that is opened now on a copy would.
    pub(super) fn assert_told_as_if_opened_anew(&self) {
        let (copy, _feed) = open(&self.disk.fork(), &self.another_root()).unwrap();
        let told = |project: &Project| {
            let snapshot = project.status().snapshot.clone();
            let rows = snapshot.assets(&AssetQuery::default()).rows;
            let divergences: Vec<_> = snapshot.divergences().iter().cloned().collect();
            let diagnostics: Vec<_> = snapshot.diagnostics().iter().cloned().collect();
            let unclaimed: Vec<_> = snapshot.unclaimed().iter().cloned().collect();
            // Revisions count what each process published.
            let summary = WorkspaceSummary { revision: Revision(0), ..snapshot.summary().clone() };
            (rows, divergences, diagnostics, unclaimed, summary)
        };
        let (found, expected) = (told(self.project()), told(&copy));
        assert_eq!(found.0, expected.0);
        assert_eq!(found.1, expected.1);
        assert_eq!(found.2, expected.2);
        assert_eq!(found.3, expected.3);
        assert_eq!(found.4, expected.4);
    }

    /// The same workspace in another place, with nothing of what the packer keeps.
    pub(super) fn clean_copy(&self) -> World {
        let disk = new_disk();
        for (path, node) in self.disk.tree() {
            let is_kept = path.starts_with(layout::OPERATIONAL) || path.starts_with("build");
            match node {
                SimNode::File(bytes) if !is_kept => disk.put(&path, &bytes),
                SimNode::Dir if !is_kept => disk.put_dir(&path),
                SimNode::File(_) | SimNode::Dir | SimNode::Link => {}
            }
        }
        disk.settle();
        self.over(disk)
    }

    /// The same project in another place, with everything that the packer keeps.
    pub(super) fn twin(&self) -> World {
        self.over(self.disk.fork())
    }

    fn over(&self, disk: SimDisk) -> World {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap().join("game");
        std::fs::create_dir(&root).unwrap();
        let mut world = Self { folder, root, disk, project: None, feed: None, copies: Cell::new(0) };
        world.open().unwrap();
        world
    }

    fn another_root(&self) -> Utf8PathBuf {
        let number = self.copies.replace(self.copies.get() + 1);
        let root = Utf8Path::from_path(self.folder.path()).unwrap().join(format!("copy{number}"));
        std::fs::create_dir(&root).unwrap();
        root
    }

    /// The bytes of every file, wherever it is.
    pub(super) fn all_bytes(&self) -> BTreeSet<Arc<Vec<u8>>> {
        self.disk.tree().into_values().filter_map(bytes_of).collect()
    }
}

/// What a file holds; none of anything else.
pub(super) fn bytes_of(node: SimNode) -> Option<Arc<Vec<u8>>> {
    match node {
        SimNode::File(bytes) => Some(bytes),
        SimNode::Dir | SimNode::Link => None,
    }
}

/// A disk that keeps to what the journal may count on.
fn new_disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.set_rename_durability(RenameDurability::EitherFolder);
    disk
}

fn open(disk: &SimDisk, root: &Utf8Path) -> Result<(Project, Feed), OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(Beside { sim: disk.clone(), root: root.to_owned() });
    // So small that nearly every operation begins segments and has some dropped.
    let event_logs = LogBounds { segment_bytes: 2000, ended_segments: 2, ..LogBounds::default() };
    let options = OpenOptions { codecs: codecs(), jobs: Some(1), event_logs, ..OpenOptions::default() };
    Project::open_watched_by(&disk, root, options, |source| starter(&disk, root, source))
}
