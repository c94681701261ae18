//! `FolderWatcher`: the watcher on the system's notifications, which watches each folder by itself.
//!
//! Each folder by itself, because the recursion that libraries offer leaves gaps: what was put into a new folder before
//! anybody watches it is told by nobody. So a folder that comes is watched first, listed then, and everything in it is
//! named. Folders that ignore rules cover are not watched at all.
//!
//! A folder that was found by listing, and not named by the system, may have been moved there a moment ago, while the
//! system's word of that is still under way; when it arrives, the library drops the watch with the old name, and with it
//! the new one, for the system has only one a folder. So before such a folder is watched, everything that is under way has
//! to have arrived: a probe is put into the packer's own folder, and waited for.
//!
//! Where the system watches whole trees by itself (macOS, Windows), it is asked to watch the assets root once.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use packer_domain::identity::SourceId;
use packer_domain::path::AssetPath;

use super::sort::Sorter;
use super::{Followed, Hints, News, WatchError, Watcher};
use crate::disk::{DirEntry, Disk, EntryKind};
use crate::layout;
use crate::scan::ignores::{IGNORE_FILE, Ignores};
use crate::scan::{MAX_PATH_BYTES, MAX_TEXT_BYTES};

/// Whether the system watches whole trees.
const WATCHES_TREES: bool = cfg!(any(target_os = "macos", windows));

/// How long a probe may be under way.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);

/// What to watch.
#[derive(Clone, Debug)]
pub struct WatchRequest {
    /// The project's folder: absolute, as [`Disk`] has it.
    pub project: Utf8PathBuf,
    /// The assets root, relative to it.
    pub assets: Utf8PathBuf,
    /// Who watches; no other watcher may have the same.
    pub source: SourceId,
}

/// Watches every folder of a project that a scan looks at.
pub struct FolderWatcher {
    disk: Arc<dyn Disk>,
    request: WatchRequest,
    hints: Arc<Hints>,
    notifier: RecommendedWatcher,
    /// The folders that are watched, relative to the assets root, with the rules inside each.
    folders: BTreeMap<String, Ignores>,
}

impl std::fmt::Debug for FolderWatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (request, folders) = (&self.request, self.folders.len());
        f.debug_struct("FolderWatcher")
            .field("request", request)
            .field("folders", &folders)
            .finish_non_exhaustive()
    }
}

/// A folder to enter, and the rules around it.
type Entered = (String, Ignores);

impl FolderWatcher {
    /// Begins to watch. What changes after this has returned is named in `hints`.
    pub fn start(disk: Arc<dyn Disk>, request: WatchRequest, hints: Arc<Hints>) -> Result<Self, WatchError> {
        let sorter = Sorter {
            project: request.project.clone().into(),
            assets: request.assets.clone().into(),
            probe: format!("{}{}-", layout::WATCH_PROBE_PREFIX, request.source),
            hints: Arc::clone(&hints),
        };
        let notifier = notify::recommended_watcher(move |event| sorter.sort(event))
            .map_err(|error| refused(&request.project, &error))?;
        layout::ensure_operational(&*disk).map_err(WatchError::Disk)?;
        sweep_probes(&*disk);
        let mut watcher = Self { disk, request, hints, notifier, folders: BTreeMap::new() };
        watcher.attach_fixed()?;
        watcher.enter(vec![(String::new(), Ignores::default())], false)?;
        if watcher.folders.contains_key("") || WATCHES_TREES {
            return Ok(watcher);
        }
        Err(WatchError::Missing { path: watcher.request.assets })
    }

    /// How many folders are watched below the assets root, itself included.
    pub fn folders(&self) -> usize {
        self.folders.len()
    }

    /// The folders outside of the assets root: the project's own, those on the way to the assets root, and the packer's.
    fn attach_fixed(&mut self) -> Result<(), WatchError> {
        let on_the_way = self.request.assets.ancestors().skip(1).map(Utf8Path::to_owned);
        let fixed: Vec<Utf8PathBuf> = on_the_way.chain([layout::OPERATIONAL.into()]).collect();
        for folder in fixed {
            if !self.attach(&folder, RecursiveMode::NonRecursive)? {
                return Err(WatchError::Missing { path: folder });
            }
        }
        Ok(())
    }

    /// Asks the system to watch a folder of the project; `false` if it is not there, or nobody may look into it.
    fn attach(&mut self, folder: &Utf8Path, mode: RecursiveMode) -> Result<bool, WatchError> {
        let path = if folder.as_str().is_empty() {
            self.request.project.clone()
        } else {
            self.request.project.join(folder)
        };
        let Err(error) = self.notifier.watch(path.as_std_path(), mode) else { return Ok(true) };
        match &error.kind {
            ErrorKind::MaxFilesWatch => Err(WatchError::Limit { path }),
            // It is gone, or no folder any more, or one that a scan cannot read either, and says so.
            ErrorKind::PathNotFound | ErrorKind::WatchNotFound | ErrorKind::Io(_) => Ok(false),
            ErrorKind::Generic(_) | ErrorKind::InvalidConfig(_) => Err(refused(&path, &error)),
        }
    }

    /// Watches folders and everything below them; with `report`, names what is in them.
    fn enter(&mut self, mut level: Vec<Entered>, report: bool) -> Result<(), WatchError> {
        while !level.is_empty() {
            let mut next = Vec::new();
            for (folder, outer) in level {
                let path = self.on_disk(&folder);
                let mode = if WATCHES_TREES { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
                if (!WATCHES_TREES || folder.is_empty()) && !self.attach(&path, mode)? {
                    continue;
                }
                // Gone again, or unreadable: the folder that it is in has word of that.
                let Ok(entries) = self.disk.read_dir(&path) else { continue };
                let ignores = self.rules_within(&folder, &outer, &entries);
                for entry in entries {
                    self.entered(&folder, &ignores, &entry, report, &mut next);
                }
                self.folders.insert(folder.clone(), ignores);
                if report && let Ok(folder) = AssetPath::parse(&folder) {
                    // After the watch began: what has gone meanwhile was told by nobody.
                    self.hints.path(folder, News::Followed);
                }
            }
            if !next.is_empty() {
                self.catch_up()?;
            }
            level = next;
        }
        Ok(())
    }

    fn entered(
        &self,
        folder: &str,
        ignores: &Ignores,
        entry: &DirEntry,
        report: bool,
        next: &mut Vec<Entered>,
    ) {
        let is_dir = entry.kind == EntryKind::Dir;
        let covers = ignores.covers(|| path_of(folder, &entry.name), &entry.name, is_dir);
        if covers && entry.name != OsStr::new(IGNORE_FILE) {
            return;
        }
        // What has no path is told of with its folder.
        let Some(path) = path_of(folder, &entry.name).to_str().and_then(|path| AssetPath::parse(path).ok())
        else {
            return;
        };
        if path.as_str().len() > MAX_PATH_BYTES {
            return;
        }
        if is_dir {
            next.push((path.as_str().to_owned(), ignores.clone()));
        }
        if report {
            self.hints.path(path, News::Followed);
        }
    }

    fn rules_within(&self, folder: &str, outer: &Ignores, entries: &[DirEntry]) -> Ignores {
        let is_rules =
            |entry: &DirEntry| entry.kind == EntryKind::File && entry.name == OsStr::new(IGNORE_FILE);
        if !entries.iter().any(is_rules) {
            return outer.clone();
        }
        let file = self.on_disk(folder).join(IGNORE_FILE);
        let text = self.disk.read(&file, MAX_TEXT_BYTES);
        match (text, AssetPath::parse(IGNORE_FILE)) {
            // What is wrong with them is for a scan to say.
            (Ok(text), Ok(subject)) => outer.within(folder, &text, &subject, &file).0,
            // As a scan that cannot read them.
            (Err(_), _) | (_, Err(_)) => outer.clone(),
        }
    }

    /// Waits until everything has arrived that the system had to tell when this was called.
    fn catch_up(&mut self) -> Result<(), WatchError> {
        if WATCHES_TREES {
            return Ok(());
        }
        let n = self.hints.next_probe();
        let probe = layout::watch_probe(self.request.source, n);
        drop(self.disk.create(&probe).map_err(WatchError::Disk)?);
        let seen = self.hints.await_probe(n, PROBE_PATIENCE);
        if let Err(error) = self.disk.remove_file(&probe) {
            tracing::debug!(%error, "a probe stays behind");
        }
        // The library acts on what it has told only after that. It answers this when it is done.
        if seen && self.attach(layout::OPERATIONAL.into(), RecursiveMode::NonRecursive)? {
            return Ok(());
        }
        Err(WatchError::Silent { path: probe })
    }

    /// Watches nothing at or below `folder` any more.
    fn forget(&mut self, folder: &str) {
        let below = format!("{folder}/");
        let is_below = |path: &String| path == folder || path.starts_with(&below);
        let gone: Vec<String> = self.folders.keys().filter(|path| is_below(path)).cloned().collect();
        for folder in gone {
            self.folders.remove(&folder);
            self.detach(&folder);
        }
    }

    fn detach(&mut self, folder: &str) {
        if !WATCHES_TREES {
            // The system has mostly let go of it already.
            let path = self.request.project.join(self.on_disk(folder));
            let _ = self.notifier.unwatch(path.as_std_path());
        }
    }

    /// Goes by the rules of `folder` as they are now. What they no longer cover is watched from now on.
    fn reload(&mut self, folder: &str) -> Result<(), WatchError> {
        let outer = match folder.rsplit_once('/') {
            Some((parent, _)) => self.folders.get(parent).cloned(),
            None if folder.is_empty() => None,
            None => self.folders.get("").cloned(),
        };
        let is_below = |path: &&String| {
            folder.is_empty()
                || *path == folder
                || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        let before: Vec<String> = self.folders.keys().filter(is_below).cloned().collect();
        for folder in &before {
            self.folders.remove(folder);
        }
        self.enter(vec![(folder.to_owned(), outer.unwrap_or_default())], false)?;
        for folder in before {
            if !self.folders.contains_key(&folder) {
                self.detach(&folder);
            }
        }
        Ok(())
    }

    fn on_disk(&self, folder: &str) -> Utf8PathBuf {
        if folder.is_empty() { self.request.assets.clone() } else { self.request.assets.join(folder) }
    }

    fn rules_around(&self, path: &AssetPath) -> Option<&Ignores> {
        self.folders.get(path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder))
    }
}

impl Watcher for FolderWatcher {
    fn follow(&mut self, path: &AssetPath, news: News) -> Result<Followed, WatchError> {
        if news == News::Followed {
            return Ok(Followed::Taken);
        }
        if path.file_name() == IGNORE_FILE {
            let folder = path.parent();
            let folder = folder.as_ref().map_or("", AssetPath::as_str);
            if self.folders.contains_key(folder) {
                self.reload(folder)?;
                // Later than every watch that began because of it.
                self.hints.path(path.clone(), News::Followed);
            }
            return Ok(Followed::Taken);
        }
        let stat = self.disk.stat(&self.on_disk(path.as_str()));
        let is_dir = stat.ok().flatten().is_some_and(|stat| stat.kind == EntryKind::Dir);
        let is_known = self.folders.contains_key(path.as_str());
        // Of what is in a folder that is not watched, nothing is known.
        let Some(rules) = self.rules_around(path).cloned() else { return Ok(Followed::Taken) };
        let covered = rules.covers(|| path.as_str().into(), OsStr::new(path.file_name()), is_dir);
        if is_known && (!is_dir || covered || news == News::Arrived) {
            self.forget(path.as_str());
        }
        if covered {
            return Ok(Followed::PassedOver);
        }
        if is_dir && (!is_known || news == News::Arrived) {
            self.enter(vec![(path.as_str().to_owned(), rules)], true)?;
        }
        Ok(Followed::Taken)
    }

    fn follow_operational(&mut self) -> Result<(), WatchError> {
        layout::ensure_operational(&*self.disk).map_err(WatchError::Disk)?;
        let path = Utf8Path::new(layout::OPERATIONAL);
        if self.attach(path, RecursiveMode::NonRecursive)? {
            return Ok(());
        }
        Err(WatchError::Missing { path: path.to_owned() })
    }

    fn passes_over(&self, path: &AssetPath) -> bool {
        let name = OsStr::new(path.file_name());
        let covers = |rules: &Ignores, is_dir| rules.covers(|| OsString::from(path.as_str()), name, is_dir);
        name != OsStr::new(IGNORE_FILE)
            && self.rules_around(path).is_some_and(|rules| covers(rules, false) && covers(rules, true))
    }

    fn covers(&self, folder: Option<&AssetPath>, name: &OsStr, is_dir: bool) -> bool {
        let folder = folder.map_or("", AssetPath::as_str);
        // No file of the workspace to a scan, whatever rules say of it.
        (name == OsStr::new(IGNORE_FILE) && !is_dir)
            || self
                .folders
                .get(folder)
                .is_some_and(|rules| rules.covers(|| path_of(folder, name), name, is_dir))
    }
}

fn path_of(folder: &str, name: &OsStr) -> OsString {
    let mut path = OsString::from(folder);
    if !folder.is_empty() {
        path.push("/");
    }
    path.push(name);
    path
}

fn refused(path: &Utf8Path, error: &notify::Error) -> WatchError {
    WatchError::Refused { path: path.to_owned(), message: error.to_string() }
}

/// Removes the probes of watchers that died. One of another process that lives has been seen as soon as it was made.
fn sweep_probes(disk: &dyn Disk) {
    let entries = disk.read_dir(layout::OPERATIONAL.into()).unwrap_or_default();
    for name in entries.iter().filter_map(|entry| entry.name.to_str()) {
        if name.starts_with(layout::WATCH_PROBE_PREFIX) {
            // Somebody else may have been faster.
            let _ = disk.remove_file(&Utf8Path::new(layout::OPERATIONAL).join(name));
        }
    }
}
