//! From the system's notifications to hints: which of the packer's files a path is, and what does not matter.
//!
//! It runs on the system's thread, so it looks at nothing and waits for nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use packer_domain::path::AssetPath;

use super::{Hints, News};
use crate::layout;

/// What sorts notifications.
pub(super) struct Sorter {
    /// The project's folder, as it was given to the system.
    pub(super) project: PathBuf,
    /// The assets root, relative to it.
    pub(super) assets: PathBuf,
    /// What the names of this watcher's probes start with.
    pub(super) probe: String,
    pub(super) hints: Arc<Hints>,
}

/// What happened to a path, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happened {
    /// It was made, or moved from or to there.
    Came,
    Went,
    Changed,
}

impl Sorter {
    pub(super) fn sort(&self, event: notify::Result<notify::Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.hints.lost(error.to_string()),
        };
        if event.need_rescan() {
            self.hints.overflow();
        }
        let happened = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Happened::Changed,
            EventKind::Access(_) => return,
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)) => Happened::Came,
            EventKind::Remove(_) => Happened::Went,
            EventKind::Any | EventKind::Modify(_) | EventKind::Other => Happened::Changed,
        };
        for path in &event.paths {
            if let Ok(path) = path.strip_prefix(&self.project) {
                self.place(path, happened);
            }
        }
    }

    /// A path relative to the project.
    fn place(&self, path: &Path, happened: Happened) {
        if let Ok(below) = path.strip_prefix(&self.assets)
            && !below.as_os_str().is_empty()
        {
            return self.below_assets(below, happened);
        }
        // The project's folder itself, the assets root, or a folder on the way to it.
        if self.assets.starts_with(path) {
            return match happened {
                Happened::Came | Happened::Went => {
                    let shown = self.project.join(path);
                    self.hints.lost(format!("{} was moved, removed or replaced", shown.display()));
                }
                Happened::Changed if path == self.assets => self.hints.root(),
                Happened::Changed => {}
            };
        }
        if path == Path::new(layout::CONFIG) {
            self.hints.configuration();
        } else if path == Path::new(layout::REGISTRY) {
            self.hints.registry();
        } else if path == Path::new(layout::HEAD) {
            self.hints.head();
        } else if path == Path::new(layout::OPERATIONAL) {
            if happened != Happened::Changed {
                self.hints.operational();
            }
        } else if path.parent() == Some(Path::new(layout::OPERATIONAL))
            && let Some(n) = self.probe_of(path.file_name())
        {
            self.hints.probe(n);
        }
    }

    fn probe_of(&self, name: Option<&OsStr>) -> Option<u64> {
        name?.to_str()?.strip_prefix(&self.probe)?.parse().ok()
    }

    fn below_assets(&self, path: &Path, happened: Happened) {
        let news = if happened == Happened::Came { News::Arrived } else { News::Touched };
        let parsed = |path: &Path| path.to_str().and_then(|path| AssetPath::parse(path).ok());
        if let Some(path) = parsed(path) {
            return self.hints.path(path, news);
        }
        // What cannot be an asset path is a finding about its folder.
        match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() => self.hints.root(),
            // One in a folder that has no path either is in none that a scan enters.
            Some(folder) => {
                if let Some(folder) = parsed(folder) {
                    self.hints.path(folder, News::Touched);
                }
            }
            None => {}
        }
    }
}
