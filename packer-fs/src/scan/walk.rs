//! Walking the assets root: a queue of folders and of batches of files on the pool, and what each of them yields.
//!
//! Every folder and every batch is a job of its own, so depth costs no stack. What a result means, and its order, is the
//! parent module's business; reading a file is `content`'s, and what is passed over `ignores`'s.

use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::anchor::anchor_form;
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::path::AssetPath;
use rayon::Scope;

use super::content::{self, NoContent};
use super::ignores::{IGNORE_FILE, Ignores};
use super::{MAX_PATH_BYTES, MAX_TEXT_BYTES, ScanError, ScanProgress, ScanRequest, unreadable_reason};
use crate::disk::{DirEntry, Disk, DiskError, EntryKind, Stat};
use crate::index::{DraftFile, DraftFolder, FileRole, IndexFolder, ReadFacts};

/// Files that one job looks at.
const BATCH_FILES: usize = 128;

/// What was found so far, in no order.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Parts of folders: one that has many files stands here several times.
    pub(super) folders: Vec<DraftFolder>,
    pub(super) unread: Vec<AssetPath>,
    pub(super) problems: Vec<Diagnostic>,
    pub(super) ignored: u64,
}

/// The folders, each whole.
pub(super) fn joined(mut parts: Vec<DraftFolder>) -> Vec<DraftFolder> {
    parts.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let mut whole: Vec<DraftFolder> = Vec::with_capacity(parts.len());
    for part in parts {
        match whole.last_mut() {
            Some(last) if last.path == part.path => last.files.extend(part.files),
            _ => whole.push(part),
        }
    }
    whole
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
        span: tracing::Span::current(),
    };
    request.pool.scope(|scope| walk.folder(scope, &Folder { path: "".into(), ignores: Ignores::default() }));
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
    /// What developers' logs stand in where the scan was asked for, so that they do on the pool's threads too.
    span: tracing::Span,
}

/// A folder to list, and the rules that apply to it.
#[derive(Clone)]
struct Folder {
    /// Its path; empty for the root.
    path: Arc<str>,
    ignores: Ignores,
}

impl Folder {
    fn path_of(&self, name: &OsStr) -> OsString {
        let mut path = OsString::from(&*self.path);
        if !path.is_empty() {
            path.push("/");
        }
        path.push(name);
        path
    }

    fn asset_path(&self, name: &str) -> AssetPath {
        let text = if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) };
        AssetPath::parse(&text).expect("every name of a folder was checked when it was listed")
    }
}

/// A file of a folder, and the number under which the index knows it.
struct Listed {
    name: String,
    known: Option<usize>,
}

/// A file's content: what to enter of it, and its bytes if the index keeps them or the scan itself wants them.
struct Content<'a> {
    file: DraftFile,
    bytes: Option<std::borrow::Cow<'a, [u8]>>,
}

impl<'a> Walk<'a> {
    /// Lists a folder, and makes jobs of what is in it.
    fn folder<'s>(&'s self, scope: &Scope<'s>, folder: &Folder) {
        if self.is_cancelled() {
            return;
        }
        let _entered = self.span.enter();
        tracing::trace!(folder = &*folder.path, "scanned");
        let entries = match self.disk.read_dir(&self.on_disk(&folder.path)) {
            Ok(entries) => entries,
            Err(error) => return self.folder_failed(folder, error),
        };
        self.folders.fetch_add(1, Ordering::Relaxed);

        let mut found = Found::default();
        let mut part = DraftFolder { path: Arc::clone(&folder.path), files: Vec::new() };
        let known =
            self.request.previous.and_then(|index| Some(index.folder(index.find_folder(&folder.path)?)));
        let ignores = self.ignores_within(folder, &entries, known.as_ref(), &mut part, &mut found);
        let mut files = Vec::with_capacity(entries.len());
        for DirEntry { name, kind } in entries {
            if name == OsStr::new(IGNORE_FILE) && kind == EntryKind::File {
                continue;
            }
            if ignores.covers(|| folder.path_of(&name), &name, kind == EntryKind::Dir) {
                found.ignored += 1;
                continue;
            }
            // A file that the index knows has been through all this.
            let at = name.to_str().filter(|_| kind == EntryKind::File);
            if let Some(at) = at.and_then(|name| self.known_at(known.as_ref(), name)) {
                let name = name.into_string().expect("the index knows it by its text");
                files.push(Listed { name, known: Some(at) });
                continue;
            }
            let path = folder.path_of(&name);
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
                EntryKind::File => files.push(Listed { name: path.file_name().to_owned(), known: None }),
                EntryKind::Dir => {
                    let folder = Folder { path: Arc::from(path.as_str()), ignores: ignores.clone() };
                    scope.spawn(move |scope| self.folder(scope, &folder));
                }
                EntryKind::Symlink | EntryKind::Other => found.problems.push(not_followed(path, kind)),
            }
        }
        while files.len() > BATCH_FILES {
            let batch = files.split_off(files.len() - BATCH_FILES);
            let folder = folder.clone();
            let part = DraftFolder { path: Arc::clone(&folder.path), files: Vec::new() };
            let batched = move || self.batch(&folder, &batch, part, Found::default());
            scope.spawn(move |_| self.span.in_scope(batched));
        }
        self.batch(folder, &files, part, found);
    }

    /// The number under which the index knows the file `name` of a folder.
    fn known_at(&self, known: Option<&IndexFolder<'_>>, name: &str) -> Option<usize> {
        self.request.previous?.find_name(&known?.files, name)
    }

    /// Looks at some files of one folder; adds what they yield, and `part` and `found`, to the result.
    fn batch(&self, folder: &Folder, files: &[Listed], mut part: DraftFolder, mut found: Found) {
        part.files.reserve_exact(files.len());
        // Of what the index does not know, only reading it tells anything.
        for file in files.iter().filter(|file| file.known.is_none()) {
            if self.asks_to_end() {
                break;
            }
            self.files.fetch_add(1, Ordering::Relaxed);
            let content = self.read(folder, &file.name, None, &mut found);
            part.files.extend(content.map(|content| content.file));
        }
        let known = || files.iter().filter(|file| file.known.is_some());
        let mut next = known();
        let each = &mut |stat: Result<Option<Stat>, DiskError>| {
            let file = next.next().expect("each name is looked at once");
            if self.asks_to_end() {
                return;
            }
            let content = self.content(folder, &file.name, file.known, None, stat, &mut found);
            part.files.extend(content.map(|content| content.file));
        };
        if known().next().is_some() {
            let names = &mut known().map(|file| file.name.as_str());
            self.disk.stat_each(&self.on_disk(&folder.path), names, each);
        }
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.append(found);
        all.folders.push(part);
        drop(all);
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
        known: Option<&IndexFolder<'_>>,
        part: &mut DraftFolder,
        found: &mut Found,
    ) -> Ignores {
        let is_ignore_file =
            |entry: &DirEntry| entry.name == OsStr::new(IGNORE_FILE) && entry.kind == EntryKind::File;
        if !entries.iter().any(is_ignore_file) {
            return folder.ignores.clone();
        }
        let stat = self.disk.stat(&self.on_disk(&folder.path).join(IGNORE_FILE));
        let (known, role) = (self.known_at(known, IGNORE_FILE), Some(FileRole::IgnoreFile));
        let Some(content) = self.content(folder, IGNORE_FILE, known, role, stat, found) else {
            return folder.ignores.clone();
        };
        part.files.push(content.file);
        let Some(bytes) = content.bytes else { return folder.ignores.clone() };
        let path = folder.asset_path(IGNORE_FILE);
        let name = self.on_disk(path.as_str());
        let (ignores, problems) = folder.ignores.within(&folder.path, &bytes, &path, &name);
        found.problems.extend(problems);
        ignores
    }

    /// The content of a file that has this stat: from the index if that can vouch for it, else from the disk. Without a
    /// role, the name decides.
    fn content(
        &self,
        folder: &Folder,
        name: &str,
        known: Option<usize>,
        role: Option<FileRole>,
        stat: Result<Option<Stat>, DiskError>,
        found: &mut Found,
    ) -> Option<Content<'a>> {
        self.files.fetch_add(1, Ordering::Relaxed);
        let stat = match stat {
            // Removed since the folder was listed: not there.
            Ok(None) => return None,
            Ok(Some(stat)) => stat,
            Err(error) => {
                let message = cannot_be_read("the file", &error);
                found.unread(folder.asset_path(name), DiagnosticCode::PathUnreadable, message);
                return None;
            }
        };
        let Some((role, content)) = self.vouched(known, &stat) else {
            return self.read(folder, name, role, found);
        };
        if content.bytes.is_none() {
            found.too_large(role, || folder.asset_path(name), stat.size);
        }
        Some(content)
    }

    /// Reads a file.
    fn read(
        &self,
        folder: &Folder,
        name: &str,
        role: Option<FileRole>,
        found: &mut Found,
    ) -> Option<Content<'a>> {
        let path = folder.asset_path(name);
        let role = role.unwrap_or_else(|| match anchor_form(&path) {
            Some(_) => FileRole::Anchor,
            None => FileRole::Plain,
        });
        let keep = role != FileRole::Plain;
        self.files_read.fetch_add(1, Ordering::Relaxed);
        let on_disk = self.on_disk(path.as_str());
        match content::read(self.disk, &on_disk, keep.then_some(MAX_TEXT_BYTES), self.request.cancel) {
            Ok(read) => {
                self.bytes_read.fetch_add(read.bytes_read, Ordering::Relaxed);
                let size = read.stat.size;
                let bytes = read.bytes.map(Vec::into_boxed_slice);
                if bytes.is_none() {
                    found.too_large(role, || path, size);
                }
                let shown = (role == FileRole::IgnoreFile)
                    .then(|| bytes.as_ref().map(|bytes| std::borrow::Cow::Owned(bytes.to_vec())))
                    .flatten();
                let facts = ReadFacts {
                    name: name.into(),
                    role,
                    stat: read.stat,
                    digest: read.digest,
                    content: bytes,
                };
                return Some(Content { file: DraftFile::Read(Box::new(facts)), bytes: shown });
            }
            Err(NoContent::Gone) => {}
            Err(NoContent::Unreadable(error)) => {
                found.unread(path, DiagnosticCode::PathUnreadable, cannot_be_read("the file", &error));
            }
            Err(NoContent::Unstable) => {
                let message = "it changed every time it was read; something is writing it".to_owned();
                found.unread(path, DiagnosticCode::PathUnstable, message);
            }
            Err(NoContent::Cancelled) => self.cancelled.store(true, Ordering::Relaxed),
        }
        None
    }

    /// What the index knows of a file, if nothing can have changed since.
    fn vouched(&self, known: Option<usize>, stat: &Stat) -> Option<(FileRole, Content<'a>)> {
        let (index, at) = (self.request.previous?, known?);
        if index.stat(at) != *stat || index.is_racy(stat) {
            return None;
        }
        let entry = index.entry(at);
        let is_kept = entry.role == FileRole::Plain || entry.content.is_some() || stat.size > MAX_TEXT_BYTES;
        let content = Content {
            file: DraftFile::Known(u32::try_from(at).ok()?),
            bytes: entry.content.map(std::borrow::Cow::Borrowed),
        };
        is_kept.then_some((entry.role, content))
    }

    fn folder_failed(&self, folder: &Folder, error: DiskError) {
        let Ok(path) = AssetPath::parse(&folder.path) else {
            *self.root_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            return;
        };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        // It stays among the folders: an empty one means nothing.
        found.folders.push(DraftFolder { path: Arc::clone(&folder.path), files: Vec::new() });
        // Removed since its parent was listed.
        if !error.is_not_found() {
            found.unread(path, DiagnosticCode::PathUnreadable, cannot_be_read("the folder", &error));
        }
    }

    fn on_disk(&self, path: &str) -> Utf8PathBuf {
        if path.is_empty() {
            return self.request.assets_root.to_owned();
        }
        self.request.assets_root.join(Utf8Path::new(path))
    }

    fn asks_to_end(&self) -> bool {
        if !self.is_cancelled() && (self.request.cancel)() {
            self.cancelled.store(true, Ordering::Relaxed);
        }
        self.is_cancelled()
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

    /// Reports a file of this role and size whose contents would be kept if there were less of them.
    fn too_large(&mut self, role: FileRole, path: impl FnOnce() -> AssetPath, size: u64) {
        let (code, what) = match role {
            FileRole::Plain => return,
            FileRole::Anchor => (DiagnosticCode::AnchorSyntax, "an anchor"),
            FileRole::IgnoreFile => (DiagnosticCode::IgnoreInvalid, "an ignore file"),
        };
        self.unread(path(), code, format!("it has {size} bytes; {what} has at most {MAX_TEXT_BYTES}"));
    }

    fn append(&mut self, mut other: Self) {
        self.folders.append(&mut other.folders);
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
