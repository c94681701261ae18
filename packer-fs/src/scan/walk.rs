//! Walking the assets root: a queue of folders and of batches of files on the pool, and what each of them yields.
//!
//! Every folder and every batch is a job of its own, so depth costs no stack. What a result means, and its order, is the
//! parent module's business; reading a file is `content`'s, and what is passed over `ignores`'s.

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::anchor::anchor_form;
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::path::AssetPath;
use rayon::Scope;

use super::content::{self, NoContent};
use super::ignores::{IGNORE_FILE, Ignores};
use super::{
    MAX_PATH_BYTES, MAX_TEXT_BYTES, ScanError, ScanProgress, ScanRequest, ScannedAnchor, ScannedFile,
    unreadable_reason,
};
use crate::disk::{DirEntry, Disk, DiskError, EntryKind, Stat};
use crate::index::IndexEntry;

/// Files that one job looks at.
const BATCH_FILES: usize = 64;

/// What was found so far, in no order.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<ScannedFile>,
    pub(super) folders: Vec<AssetPath>,
    pub(super) anchors: Vec<ScannedAnchor>,
    pub(super) ignore_files: Vec<(ScannedFile, Arc<[u8]>)>,
    pub(super) unread: Vec<AssetPath>,
    pub(super) problems: Vec<Diagnostic>,
    pub(super) ignored: u64,
}

/// Walks the whole root.
pub(super) fn walk(disk: &dyn Disk, request: &ScanRequest<'_>) -> Result<(Found, ScanProgress), ScanError> {
    let walk = Walk {
        disk,
        request,
        found: Mutex::default(),
        root_error: Mutex::default(),
        cancelled: AtomicBool::new(false),
        folders: AtomicU64::new(0),
        files: AtomicU64::new(0),
        files_read: AtomicU64::new(0),
        bytes_read: AtomicU64::new(0),
    };
    request.pool.scope(|scope| walk.folder(scope, &Folder { path: None, ignores: Ignores::default() }));
    if walk.is_cancelled() {
        return Err(ScanError::Cancelled);
    }
    if let Some(error) = walk.root_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(ScanError::RootUnreadable(error));
    }
    let cost = ScanProgress {
        folders: walk.folders.into_inner(),
        files: walk.files.into_inner(),
        files_read: walk.files_read.into_inner(),
        bytes_read: walk.bytes_read.into_inner(),
    };
    Ok((walk.found.into_inner().unwrap_or_else(PoisonError::into_inner), cost))
}

struct Walk<'a> {
    disk: &'a dyn Disk,
    request: &'a ScanRequest<'a>,
    found: Mutex<Found>,
    root_error: Mutex<Option<DiskError>>,
    cancelled: AtomicBool,
    folders: AtomicU64,
    files: AtomicU64,
    files_read: AtomicU64,
    bytes_read: AtomicU64,
}

/// A folder to list; `None` is the root.
struct Folder {
    path: Option<AssetPath>,
    ignores: Ignores,
}

impl Folder {
    fn text(&self) -> &str {
        self.path.as_ref().map_or("", AssetPath::as_str)
    }

    fn path_of(&self, name: &OsStr) -> OsString {
        let mut path = OsString::from(self.text());
        if !path.is_empty() {
            path.push("/");
        }
        path.push(name);
        path
    }
}

/// A file's content, from the index or read.
struct Content {
    file: ScannedFile,
    bytes: Option<Arc<[u8]>>,
}

impl<'a> Walk<'a> {
    /// Lists a folder, and makes jobs of what is in it.
    fn folder<'s>(&'s self, scope: &Scope<'s>, folder: &Folder) {
        if self.is_cancelled() {
            return;
        }
        let entries = match self.disk.read_dir(&self.on_disk(folder.text())) {
            Ok(entries) => entries,
            Err(error) => return self.folder_failed(folder, error),
        };
        self.folders.fetch_add(1, Ordering::Relaxed);

        let mut found = Found::default();
        let known = self.request.previous.map_or(0..0, |index| index.below(folder.text()));
        let ignores = self.ignores_within(folder, &entries, &known, &mut found);
        let mut files = Vec::new();
        for DirEntry { name, kind } in entries {
            if name == OsStr::new(IGNORE_FILE) && kind == EntryKind::File {
                continue;
            }
            let path = folder.path_of(&name);
            if ignores.covers(&path, &name, kind == EntryKind::Dir) {
                found.ignored += 1;
                continue;
            }
            let Some(path) = path.to_str().and_then(|path| AssetPath::parse(path).ok()) else {
                found.problems.push(not_representable(&path, kind));
                continue;
            };
            if path.as_str().len() > MAX_PATH_BYTES {
                let length = path.as_str().len();
                let message =
                    format!("its path has {length} bytes; over {MAX_PATH_BYTES}, the system cannot reach it");
                found.unread(path, DiagnosticCode::PathUnreadable, message);
                continue;
            }
            match kind {
                EntryKind::File => files.push(path),
                EntryKind::Dir => {
                    found.folders.push(path.clone());
                    let folder = Folder { path: Some(path), ignores: ignores.clone() };
                    scope.spawn(move |scope| self.folder(scope, &folder));
                }
                EntryKind::Symlink | EntryKind::Other => found.problems.push(not_followed(path, kind)),
            }
        }
        while files.len() > BATCH_FILES {
            let batch = files.split_off(files.len() - BATCH_FILES);
            let known = known.clone();
            scope.spawn(move |_| self.batch(batch, &known, Found::default()));
        }
        self.batch(files, &known, found);
    }

    /// Looks at some files of one folder; adds what they yield, and `found`, to the result.
    fn batch(&self, files: Vec<AssetPath>, known: &Range<usize>, mut found: Found) {
        for path in files {
            if self.is_cancelled() || (self.request.cancel)() {
                self.cancelled.store(true, Ordering::Relaxed);
                return;
            }
            let is_anchor = anchor_form(&path).is_some();
            let Some(content) = self.content(path, known, is_anchor, &mut found) else { continue };
            if is_anchor {
                match content.bytes {
                    Some(bytes) => {
                        let (path, digest) = (content.file.path.clone(), content.file.digest);
                        found.anchors.push(ScannedAnchor { path, digest, bytes });
                    }
                    None => found.too_large(&content.file, DiagnosticCode::AnchorSyntax, "an anchor"),
                }
            }
            found.files.push(content.file);
        }
        self.found.lock().unwrap_or_else(PoisonError::into_inner).append(found);
        (self.request.on_progress)(ScanProgress {
            folders: self.folders.load(Ordering::Relaxed),
            files: self.files.load(Ordering::Relaxed),
            files_read: self.files_read.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
        });
    }

    /// The rules inside `folder`: those outside, and those of its own ignore file.
    fn ignores_within(
        &self,
        folder: &Folder,
        entries: &[DirEntry],
        known: &Range<usize>,
        found: &mut Found,
    ) -> Ignores {
        let is_ignore_file =
            |entry: &&DirEntry| entry.name == OsStr::new(IGNORE_FILE) && entry.kind == EntryKind::File;
        let path = entries.iter().find(is_ignore_file).and_then(|entry| {
            let path = folder.path_of(&entry.name);
            path.to_str().and_then(|path| AssetPath::parse(path).ok())
        });
        let Some(content) = path.and_then(|path| self.content(path, known, true, found)) else {
            return folder.ignores.clone();
        };
        let Some(bytes) = content.bytes else {
            found.too_large(&content.file, DiagnosticCode::IgnoreInvalid, "an ignore file");
            return folder.ignores.clone();
        };
        let name = self.on_disk(content.file.path.as_str());
        let (ignores, problems) = folder.ignores.within(folder.text(), &bytes, &content.file.path, &name);
        found.problems.extend(problems);
        found.ignore_files.push((content.file, bytes));
        ignores
    }

    /// The content of a file: from the index if that can vouch for it, else from the disk.
    fn content(
        &self,
        path: AssetPath,
        known: &Range<usize>,
        keep: bool,
        found: &mut Found,
    ) -> Option<Content> {
        let on_disk = self.on_disk(path.as_str());
        self.files.fetch_add(1, Ordering::Relaxed);
        match self.disk.stat(&on_disk) {
            // Removed since the folder was listed: not there.
            Ok(None) => return None,
            Ok(Some(stat)) => {
                if let Some(entry) = self.vouched(&path, known, &stat, keep) {
                    let file = ScannedFile { path, stat, digest: entry.digest };
                    return Some(Content { file, bytes: entry.content.filter(|_| keep).map(Arc::from) });
                }
            }
            Err(error) => {
                found.unread(path, DiagnosticCode::PathUnreadable, cannot_be_read("the file", &error));
                return None;
            }
        }
        self.files_read.fetch_add(1, Ordering::Relaxed);
        match content::read(self.disk, &on_disk, keep.then_some(MAX_TEXT_BYTES), self.request.cancel) {
            Ok(read) => {
                self.bytes_read.fetch_add(read.bytes_read, Ordering::Relaxed);
                let file = ScannedFile { path, stat: read.stat, digest: read.digest };
                Some(Content { file, bytes: read.bytes.map(Arc::from) })
            }
            Err(NoContent::Gone) => None,
            Err(NoContent::Unreadable(error)) => {
                found.unread(path, DiagnosticCode::PathUnreadable, cannot_be_read("the file", &error));
                None
            }
            Err(NoContent::Unstable) => {
                let message = "it changed every time it was read; something is writing it".to_owned();
                found.unread(path, DiagnosticCode::PathUnstable, message);
                None
            }
            Err(NoContent::Cancelled) => {
                self.cancelled.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// What the index knows of a file, if nothing can have changed since.
    fn vouched(
        &self,
        path: &AssetPath,
        known: &Range<usize>,
        stat: &Stat,
        keep: bool,
    ) -> Option<IndexEntry<'a>> {
        let index = self.request.previous?;
        let entry = index.find_in(known.clone(), path.as_str())?;
        let is_same = entry.stat == *stat && !index.is_racy(stat);
        let is_kept = !keep || entry.content.is_some() || stat.size > MAX_TEXT_BYTES;
        (is_same && is_kept).then_some(entry)
    }

    fn folder_failed(&self, folder: &Folder, error: DiskError) {
        let Some(path) = folder.path.clone() else {
            *self.root_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            return;
        };
        // Removed since its parent was listed. It stays among the folders: an empty one means nothing.
        if error.is_not_found() {
            return;
        }
        let message = cannot_be_read("the folder", &error);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.unread(path, DiagnosticCode::PathUnreadable, message);
    }

    fn on_disk(&self, path: &str) -> Utf8PathBuf {
        if path.is_empty() {
            return self.request.assets_root.to_owned();
        }
        self.request.assets_root.join(Utf8Path::new(path))
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Found {
    fn unread(&mut self, path: AssetPath, code: DiagnosticCode, message: String) {
        self.problems.push(Diagnostic::new(code, Subject::Path(path.clone()), message));
        self.unread.push(path);
    }

    fn too_large(&mut self, file: &ScannedFile, code: DiagnosticCode, what: &str) {
        let size = file.stat.size;
        let message = format!("it has {size} bytes; {what} has at most {MAX_TEXT_BYTES}");
        self.unread(file.path.clone(), code, message);
    }

    fn append(&mut self, mut other: Self) {
        self.files.append(&mut other.files);
        self.folders.append(&mut other.folders);
        self.anchors.append(&mut other.anchors);
        self.ignore_files.append(&mut other.ignore_files);
        self.unread.append(&mut other.unread);
        self.problems.append(&mut other.problems);
        self.ignored += other.ignored;
    }
}

fn cannot_be_read(what: &str, error: &DiskError) -> String {
    format!("{what} cannot be read: {}", unreadable_reason(&error.source))
}

fn not_representable(path: &OsStr, kind: EntryKind) -> Diagnostic {
    let what = match kind {
        EntryKind::Dir => "the folder's name, and so everything in it, cannot be an asset path",
        _ => "the name cannot be an asset path",
    };
    let reason = match path.to_str() {
        None => "it is not UTF-8".to_owned(),
        Some(text) => AssetPath::parse(text).map_or_else(|error| error.reason.to_string(), |_| String::new()),
    };
    let shown = path.to_string_lossy().replace(char::is_control, "\u{fffd}");
    Diagnostic::new(
        DiagnosticCode::PathNotRepresentable,
        Subject::Unrepresentable(shown),
        format!("{what}: {reason}"),
    )
    .help("rename it, or leave it out with .packerignore")
}

fn not_followed(path: AssetPath, kind: EntryKind) -> Diagnostic {
    let subject = Subject::Path(path);
    if kind == EntryKind::Symlink {
        Diagnostic::new(DiagnosticCode::PathSymlink, subject, "it is a symbolic link, which is not followed")
            .help("put the file itself there, or leave the link out with .packerignore")
    } else {
        Diagnostic::new(
            DiagnosticCode::PathSpecialFile,
            subject,
            "it is neither a file nor a folder nor a link",
        )
        .help("remove it, or leave it out with .packerignore")
    }
}
