//! `TestProject`: a project in a temporary folder, made by `packer new`, and what people do to one by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use packer_events::event::Event;
use packer_events::wire::decode_line;
use serde_json::Value;
use tempfile::TempDir;

use crate::logs;
use crate::packer::{Packer, Run};
use crate::picture::png;

/// What stays under `.packer/`: all of it is documented in `packer_fs::layout`.
const OPERATIONAL: [&str; 17] = [
    ".gitignore",
    "build-parts",
    "build-record",
    "build-sources",
    "build-stamp",
    "build.holder",
    "build.lock",
    "events",
    "head",
    "history",
    "index",
    "journal",
    "lane.holder",
    "lane.lock",
    "stamp",
    "store",
    "summary",
];

/// Files with their contents, by path.
pub type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// A project in a folder of its own, which goes when it is dropped. Its logs are judged then, whatever the test was about; what of
/// them cannot be judged, its test has to say before.
#[derive(Debug)]
pub struct TestProject {
    folder: TempDir,
    packer: Packer,
    /// The events that each run printed.
    told: Mutex<Vec<Vec<Event>>>,
    /// Whether its test says that it deletes a log.
    deletes_a_log: AtomicBool,
}

impl TestProject {
    /// A new project without assets.
    #[track_caller]
    pub fn new(packer: Packer) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        packer.run(folder.path(), &["new", "game"]).exits(0);
        Self { folder, packer, told: Mutex::default(), deletes_a_log: AtomicBool::new(false) }
    }

    /// The same with a few sources of several kinds, nothing adopted.
    #[track_caller]
    pub fn with_sources(packer: Packer) -> Self {
        let project = Self::new(packer);
        project.write("assets/ui/button.png", &png(8, 1));
        project.write("assets/ui/panel.png", &png(16, 2));
        project.write("assets/texts/hello.txt", "Grüße\n".as_bytes());
        project.write("assets/data/items.json", br#"{"b":1,"a":[1,2]}"#);
        project.write("assets/data/blob.bin", &[7; 5000]);
        project
    }

    /// The same with everything adopted.
    #[track_caller]
    pub fn adopted(packer: Packer) -> Self {
        let project = Self::with_sources(packer);
        project.packer(&["adopt", "assets", "--yes"]).exits(0);
        project.packer(&["adopt", "assets", "--kind", "raw", "--yes"]).exits(0);
        project
    }

    /// A project whose folder is a copy of `source`.
    pub fn copy_of(source: &Path, packer: Packer) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let project = Self { folder, packer, told: Mutex::default(), deletes_a_log: AtomicBool::new(false) };
        copy_folder(source, &project.root());
        project
    }

    /// The same project in another folder, with everything in it.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::copy_of(&self.root(), self.packer.clone());
        copy.deletes_a_log.store(self.deletes_a_log.load(Ordering::Relaxed), Ordering::Relaxed);
        copy
    }

    /// The project's folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("game")
    }

    /// The path of something in the project.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Runs the packer in the project's folder.
    pub fn packer(&self, arguments: &[&str]) -> Run {
        let run = self.packer.run(&self.root(), arguments);
        let events: Vec<Event> = run.out.lines().filter_map(|line| decode_line(line).ok()).collect();
        if !events.is_empty() {
            self.told.lock().unwrap_or_else(PoisonError::into_inner).push(events);
        }
        run
    }

    /// Says that the test deletes a log: what that told cannot be judged.
    pub fn deletes_a_log(&self) {
        self.deletes_a_log.store(true, Ordering::Relaxed);
    }

    /// A run in the project's folder that is still to be started.
    pub fn command(&self, arguments: &[&str]) -> std::process::Command {
        self.packer.command(&self.root(), arguments)
    }

    /// The status as JSON.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.packer(&["status", "--format", "json"]).exits(0).object()
    }

    /// The bytes of a file.
    #[track_caller]
    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The text of a file.
    #[track_caller]
    pub fn read_text(&self, path: &str) -> String {
        String::from_utf8(self.read(path)).expect("it is text")
    }

    /// Writes a file, and the folders above it.
    #[track_caller]
    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("it is in the project")).expect("folders can be made");
        fs::write(path, bytes).expect("a file can be written");
    }

    /// Deletes a file.
    #[track_caller]
    pub fn delete(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Moves a file or a folder.
    #[track_caller]
    pub fn rename(&self, from: &str, to: &str) {
        fs::create_dir_all(self.path(to).parent().expect("it is in the project"))
            .expect("folders can be made");
        fs::rename(self.path(from), self.path(to)).unwrap_or_else(|error| panic!("{from}: {error}"));
    }

    /// Copies a file, or a folder with everything in it.
    #[track_caller]
    pub fn duplicate(&self, from: &str, to: &str) {
        let (from, to) = (self.path(from), self.path(to));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(from, to).expect("a file can be copied");
        }
    }

    /// Every file outside of `.packer/` with its contents, and every link with its target.
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        walk(&self.root(), &self.root(), &mut |relative, path| {
            let link = fs::read_link(path).map(|target| target.into_os_string().into_encoded_bytes());
            tree.insert(relative, link.unwrap_or_else(|_| fs::read(path).expect("a file can be read")));
        });
        tree
    }

    /// The files that people and the packer share: configuration, registry and everything under the assets root.
    pub fn workspace(&self) -> Tree {
        let mut tree = self.tree();
        tree.retain(|path, _| !path.starts_with("build"));
        tree
    }

    /// What the build folder holds, but for what a build that was cut off was staging there.
    pub fn outputs(&self) -> Tree {
        let mut tree = self.tree();
        tree.retain(|path, _| path.starts_with("build") && !path.to_string_lossy().contains("/.staging-"));
        tree
    }

    /// When each file outside of `.packer/` was last written.
    pub fn times(&self) -> BTreeMap<PathBuf, SystemTime> {
        let mut times = BTreeMap::new();
        walk(&self.root(), &self.root(), &mut |relative, path| {
            let metadata = fs::symlink_metadata(path).expect("a file has metadata");
            times.insert(relative, metadata.modified().expect("a file has a time"));
        });
        times
    }

    /// What stands under `.packer/` and in the build folder, and should not while no operation is in progress.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let expected = [
            (".packer/journal", &[][..]),
            ("build", &["assets.pack", "assets.manifest.json"]),
            (".packer", &OPERATIONAL),
        ];
        let mut found = Vec::new();
        for (folder, names) in expected {
            let Ok(entries) = fs::read_dir(self.path(folder)) else { continue };
            for entry in entries {
                let path = entry.expect("a folder can be read").path();
                if !names.iter().any(|name| path.ends_with(name)) {
                    found.push(path);
                }
            }
        }
        found
    }
}

impl Drop for TestProject {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let root = self.root();
            let told = self.told.get_mut().unwrap_or_else(PoisonError::into_inner);
            let found = logs::told(&root, told);
            assert_eq!(found, *self.deletes_a_log.get_mut(), "a log was deleted, or its test says so");
        }
    }
}

/// Calls `see` with the path of every file and link below `folder`, relative and as it is. `.packer` is passed over.
fn walk(root: &Path, folder: &Path, see: &mut impl FnMut(PathBuf, &Path)) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let entry = entry.expect("a folder can be read");
        let path = entry.path();
        if entry.file_name() == ".packer" || entry.file_name() == ".git" {
            continue;
        }
        if entry.file_type().expect("an entry has a type").is_dir() {
            walk(root, &path, see);
        } else {
            let relative = path.strip_prefix(root).expect("it is below the root").to_owned();
            see(relative, &path);
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder can be read") {
        let entry = entry.expect("a folder can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("an entry has a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}
