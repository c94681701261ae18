//! The watcher on real folders: everything that changes is named, however folders come and go.
//!
//! What must *not* be named is shown by a mark: a file made last. Its hint comes after those of everything before it.

mod hints;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{SourceId, UuidDraw};
use packer_domain::path::AssetPath;

use super::*;
use crate::disk::OsDisk;

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_secs(30);

struct Watched {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    hints: Arc<Hints>,
    watcher: FolderWatcher,
    marks: u32,
}

/// Everything that was heard until something came.
#[derive(Debug, Default)]
struct Told {
    paths: BTreeMap<String, News>,
    rest: Heard,
}

impl Told {
    fn names(&self) -> BTreeSet<&str> {
        self.paths.keys().map(String::as_str).collect()
    }
}

fn source() -> SourceId {
    SourceId::drawn(UuidDraw { unix_ms: 1, entropy: [7; 16] })
}

fn start(root: &Utf8Path, hints: &Arc<Hints>) -> Result<FolderWatcher, WatchError> {
    let disk = Arc::new(OsDisk::new(root.to_owned()));
    let request = WatchRequest { project: root.to_owned(), assets: "game/assets".into(), source: source() };
    FolderWatcher::start(disk, request, Arc::clone(hints))
}

impl Watched {
    /// A project whose assets root holds these files.
    fn with(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap().join("project");
        fs::create_dir_all(root.join("game/assets")).unwrap();
        for file in files {
            write(&root.join("game/assets").join(file), "first");
        }
        let hints = Arc::new(Hints::new(10_000));
        let watcher = start(&root, &hints).unwrap();
        Self { _folder: folder, root, hints, watcher, marks: 0 }
    }

    fn path(&self, path: &str) -> Utf8PathBuf {
        self.root.join("game/assets").join(path)
    }

    fn write(&self, path: &str) {
        write(&self.path(path), "other");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Follows hints until what was heard is enough.
    #[track_caller]
    fn until(&mut self, enough: impl Fn(&Told) -> bool) -> Told {
        let deadline = Instant::now() + PATIENCE;
        let mut told = Told::default();
        // What following gives is heard at once.
        while !enough(&told) || !self.hints.peek(Heard::is_empty) {
            assert!(Instant::now() < deadline, "never heard of; this was: {told:#?}");
            self.hints.wait(PATIENCE);
            let heard = self.hints.take();
            for (path, news) in &heard.paths {
                if self.watcher.follow(path, *news).unwrap() == Followed::Taken {
                    told.paths.insert(path.to_string(), *news);
                }
            }
            if heard.operational {
                self.watcher.follow_operational().unwrap();
            }
            told.rest.root |= heard.root;
            told.rest.registry |= heard.registry;
            told.rest.configuration |= heard.configuration;
            told.rest.head |= heard.head;
            told.rest.operational |= heard.operational;
            told.rest.overflow |= heard.overflow;
            told.rest.lost = told.rest.lost.or(heard.lost);
        }
        told
    }

    /// Everything that is heard of what was done before this.
    #[track_caller]
    fn all(&mut self) -> Told {
        self.marks += 1;
        let mark = format!("mark-{}", self.marks);
        write(&self.path(&mark), "");
        let mut told = self.until(|told| told.paths.contains_key(&mark));
        told.paths.retain(|path, _| !path.starts_with("mark-"));
        told
    }
}

fn write(path: &Utf8Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn edits_new_files_moves_and_deletions_are_named() {
    let mut watched = Watched::with(&["a.png", "ui/b.png", "ui/c.png", "d.png"]);
    assert_eq!(watched.watcher.folders(), 2);
    assert_eq!(watched.all().names(), BTreeSet::new(), "reading and watching change nothing");
    watched.write("a.png");
    watched.write("ui/new.png");
    watched.rename("ui/c.png", "c.png");
    fs::remove_file(watched.path("d.png")).unwrap();
    let told = watched.all();
    assert_eq!(told.names(), BTreeSet::from(["a.png", "c.png", "d.png", "ui/c.png", "ui/new.png"]));
    assert!(told.rest.is_empty(), "{told:#?}");
    let times = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    fs::File::options().write(true).open(watched.path("ui/b.png")).unwrap().set_times(times).unwrap();
    assert!(watched.all().names().contains("ui/b.png"), "its stat is another");
}

#[test]
fn everything_in_folders_that_have_just_come_is_named() {
    let mut watched = Watched::with(&[]);
    let file = |n: u32| format!("{}/{}/{}/f{n}.png", n % 3, n % 7, n % 10);
    for n in 0..1000 {
        watched.write(&file(n));
    }
    let expected: BTreeSet<String> = (0..1000).map(file).collect();
    let told = watched.until(|told| expected.iter().all(|path| told.paths.contains_key(path)));
    assert!(!told.rest.overflow);
    // And they are watched.
    for n in [0, 499, 999] {
        watched.write(&file(n));
        assert!(watched.until(|told| told.paths.contains_key(&file(n))).rest.is_empty());
    }
}

#[test]
fn a_folder_that_is_moved_is_watched_where_it_is() {
    let mut watched = Watched::with(&["m/inner/x.png", "z/y.png"]);
    for n in 0..60 {
        // Into a folder that is so new that it is found by listing, or that was there; forth and back.
        let (new, at) = (format!("new-{n}"), format!("new-{n}/m"));
        fs::create_dir(watched.path(&new)).unwrap();
        watched.rename("m", &at);
        let file = format!("{at}/inner/x.png");
        watched.until(|told| told.paths.contains_key(&file));
        watched.write(&file);
        let told = watched.until(|told| told.paths.get(&file) >= Some(&News::Touched));
        assert!(told.rest.is_empty(), "{told:#?}");
        watched.rename(&at, "m");
        watched.until(|told| told.paths.contains_key("m/inner/x.png"));
        watched.write("m/inner/x.png");
        watched.until(|told| told.paths.get("m/inner/x.png") >= Some(&News::Touched));
    }
    assert_eq!(watched.watcher.folders(), 1 + 2 + 1 + 60);
}

#[test]
fn a_folder_in_the_place_of_another_is_another() {
    let mut watched = Watched::with(&["a/x.png", "b/sub/y.png"]);
    for _ in 0..20 {
        watched.rename("a", "away");
        watched.rename("b", "a");
        watched.rename("away", "b");
        watched.all();
        for file in ["a/sub/y.png", "b/x.png"] {
            watched.write(file);
        }
        assert!(watched.all().names().is_superset(&BTreeSet::from(["a/sub/y.png", "b/x.png"])));
        watched.rename("a", "away");
        watched.rename("b", "a");
        watched.rename("away", "b");
        assert!(watched.all().names().is_superset(&BTreeSet::from(["a", "b"])));
    }
    fs::remove_dir_all(watched.path("a")).unwrap();
    write(&watched.path("a/x.png"), "again");
    watched.until(|told| told.paths.contains_key("a/x.png"));
    watched.write("a/x.png");
    assert!(watched.all().names().contains("a/x.png"));
}

#[test]
fn what_ignore_rules_cover_is_neither_named_nor_watched() {
    let mut watched = Watched::with(&["drafts/a.png", "ui/b.png"]);
    write(&watched.path(".packerignore"), "*.psd\n/drafts/\n");
    let told = watched.all();
    assert!(told.names().contains(".packerignore"));
    assert_eq!(watched.watcher.folders(), 2, "drafts is not watched any more");
    for file in ["drafts/a.png", "drafts/deep/b.png", "ui/c.psd", "ui/.c.swp", "ui/c.png~", ".git/index"] {
        watched.write(file);
    }
    watched.write("ui/c.png");
    assert_eq!(watched.all().names(), BTreeSet::from(["ui/c.png"]));
    // Rules that are gone cover nothing.
    fs::remove_file(watched.path(".packerignore")).unwrap();
    assert!(watched.all().names().contains(".packerignore"));
    assert_eq!(watched.watcher.folders(), 4);
    watched.write("drafts/deep/b.png");
    watched.write("ui/c.psd");
    assert_eq!(watched.all().names(), BTreeSet::from(["drafts/deep/b.png", "ui/c.psd"]));
}

#[test]
fn the_packers_own_files_are_told_apart() {
    let mut watched = Watched::with(&["a.png"]);
    let told = |watched: &mut Watched, path: &str| {
        write(&watched.root.join(path), "other");
        watched.all().rest
    };
    assert_eq!(told(&mut watched, "packer.toml"), Heard { configuration: true, ..Heard::default() });
    assert_eq!(told(&mut watched, "registry.jsonl"), Heard { registry: true, ..Heard::default() });
    assert_eq!(told(&mut watched, ".packer/head"), Heard { head: true, ..Heard::default() });
    for other in [".packer/index", ".packer/journal/x", "build/assets.pack", "game/readme.md", "notes.txt"] {
        assert!(told(&mut watched, other).is_empty(), "{other}");
    }
    fs::remove_dir_all(watched.root.join(".packer")).unwrap();
    assert!(watched.until(|told| told.rest.operational).rest.lost.is_none());
    watched.all();
    assert!(told(&mut watched, ".packer/head").head, "the new folder is watched");
    let left: Vec<_> = watched.root.join(".packer").read_dir_utf8().unwrap().flatten().collect();
    let probes = left.iter().filter(|entry| entry.file_name().starts_with("watch-"));
    assert_eq!(probes.count(), 0);
}

#[test]
fn names_that_are_no_paths_are_told_of_with_their_folder() {
    use std::os::unix::ffi::OsStrExt;
    let mut watched = Watched::with(&["ui/a.png"]);
    let name = OsStr::from_bytes(b"\xff.png");
    fs::write(watched.path("ui").as_std_path().join(name), "").unwrap();
    let told = watched.all();
    assert_eq!((told.names(), told.rest.root), (BTreeSet::from(["ui"]), false));
    fs::write(watched.path("").as_std_path().join(name), "").unwrap();
    let told = watched.all();
    assert_eq!((told.names(), told.rest.root), (BTreeSet::new(), true));
}

#[test]
fn a_root_that_is_moved_or_removed_loses_the_watch() {
    for moved in ["game/assets", "game", ""] {
        let mut watched = Watched::with(&["a.png"]);
        let from = if moved.is_empty() { watched.root.clone() } else { watched.root.join(moved) };
        fs::rename(&from, from.with_file_name("elsewhere")).unwrap();
        let told = watched.until(|told| told.rest.lost.is_some());
        assert!(told.rest.lost.unwrap().contains("was moved, removed or replaced"));
        let again = start(&watched.root, &watched.hints);
        assert!(matches!(again, Err(WatchError::Missing { .. } | WatchError::Disk(_))), "{again:?}");
    }
    let mut watched = Watched::with(&["a.png"]);
    fs::remove_dir_all(watched.path("")).unwrap();
    watched.until(|told| told.rest.lost.is_some());
    fs::create_dir(watched.path("")).unwrap();
    watched.watcher = start(&watched.root, &watched.hints).unwrap();
    watched.hints.take();
    watched.write("b.png");
    assert_eq!(watched.all().names(), BTreeSet::from(["b.png"]));
}
