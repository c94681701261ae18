//! Scans of simulated and real folders: what is seen, what it costs, and what cannot be read.
//!
//! The racy rule is in `racy`; the disk that counts and misbehaves on demand is `HookedDisk`.

mod racy;

use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use packer_domain::diagnostic::{DiagnosticCode, Subject};
use packer_domain::identity::Digest;

use super::*;
use crate::disk::hooked::HookedDisk;
use crate::disk::sim::SimDisk;
use crate::disk::{DirEntry, DiskOperation, OsDisk, ReadFile, Stat, WriteFile};
use crate::index::{DraftFile, FileRole, IndexDefect, IndexEntry, ReadFacts};

const INDEX: &str = ".packer/index";
const STAMP: &str = ".packer/stamp";

fn pool(threads: usize) -> rayon::ThreadPool {
    // A small stack, so that recursion by depth would show.
    rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(256 << 10).build().unwrap()
}

/// A scan's result, spread out.
#[derive(Debug)]
struct Scanned {
    result: ScanResult,
    files: Vec<ScannedFile>,
    folders: Vec<String>,
    anchors: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ScannedFile {
    path: String,
    stat: Stat,
    digest: Digest,
}

impl std::ops::Deref for Scanned {
    type Target = ScanResult;
    fn deref(&self) -> &ScanResult {
        &self.result
    }
}

/// The paths of an index's entries with what it knows of each, by path.
fn entries(index: &StatIndex) -> Vec<(String, IndexEntry<'_>)> {
    let mut entries = Vec::new();
    for folder in index.folders() {
        for entry in folder.files.map(|at| index.entry(at)) {
            let path = if folder.path.is_empty() {
                entry.name.to_owned()
            } else {
                format!("{}/{}", folder.path, entry.name)
            };
            entries.push((path, entry));
        }
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

impl Scanned {
    fn of(result: ScanResult) -> Self {
        let (mut files, mut anchors) = (Vec::new(), Vec::new());
        for (path, entry) in entries(&result.index) {
            if let (FileRole::Anchor, Some(text)) = (entry.role, entry.content) {
                anchors.push((path.clone(), text.to_owned()));
            }
            if entry.role != FileRole::IgnoreFile {
                files.push(ScannedFile { path, stat: entry.stat, digest: entry.digest });
            }
        }
        let folders = result.index.folders().skip(1).map(|folder| folder.path.to_owned()).collect();
        Self { result, files, folders, anchors }
    }
}

fn try_scan(
    disk: &dyn Disk,
    previous: Option<&Arc<StatIndex>>,
    threads: usize,
) -> Result<Scanned, ScanError> {
    let request = ScanRequest {
        assets_root: "assets".into(),
        stamp: STAMP.into(),
        previous,
        pool: &pool(threads),
        cancel: &|| false,
        on_progress: &|_| {},
    };
    scan(disk, &request).map(Scanned::of)
}

/// Scans as a runtime does: with the index of the scan before, whose successor is then written.
fn rescan(disk: &dyn Disk) -> Scanned {
    let previous = stored(disk).map(Arc::new);
    let result = try_scan(disk, previous.as_ref(), 2).unwrap();
    result.write_index(disk, INDEX.into()).unwrap();
    result
}

fn stored(disk: &dyn Disk) -> Option<StatIndex> {
    StatIndex::load(disk, INDEX.into(), "assets".into()).unwrap()
}

fn sim(files: &[(&str, &str)]) -> SimDisk {
    let disk = SimDisk::new();
    disk.put_dir(".packer".into());
    disk.put_dir("assets".into());
    for (path, text) in files {
        disk.put(&Utf8Path::new("assets").join(path), text.as_bytes());
    }
    disk.advance_clock_ns(1_000);
    disk
}

fn paths(result: &Scanned) -> Vec<&str> {
    result.files.iter().map(|file| file.path.as_str()).collect()
}

fn problems(result: &ScanResult) -> Vec<(DiagnosticCode, String)> {
    let subject = |subject: &Subject| match subject {
        Subject::Path(path) => path.to_string(),
        Subject::Unrepresentable(shown) => format!("?{shown}"),
        other => format!("{other:?}"),
    };
    result.problems.iter().map(|problem| (problem.code, subject(&problem.subject))).collect()
}

#[test]
fn sees_every_file_folder_and_anchor_in_order() {
    let disk = sim(&[
        ("ui/confirm.png", "pixels"),
        ("ui/confirm.png.asset.toml", "name = 1"),
        ("ui.txt", ""),
        ("hero/asset.toml", "x"),
        ("a b/\u{e4}", "y"),
    ]);
    disk.put_dir("assets/empty/inner".into());
    let result = try_scan(&disk, None, 2).unwrap();
    let expected = ["a b/\u{e4}", "hero/asset.toml", "ui.txt", "ui/confirm.png", "ui/confirm.png.asset.toml"];
    assert_eq!(paths(&result), expected);
    assert_eq!(result.folders, ["a b", "empty", "empty/inner", "hero", "ui"]);
    let anchor = |path: &str, text: &[u8]| (path.to_owned(), text.to_owned());
    let expected = [anchor("hero/asset.toml", b"x"), anchor("ui/confirm.png.asset.toml", b"name = 1")];
    assert_eq!(result.anchors, expected);
    assert_eq!(result.files[4].digest, Digest::of(b"name = 1"));
    assert_eq!(result.files[3].digest, Digest::of(b"pixels"));
    assert_eq!(result.files[3].stat.size, 6);
    assert_eq!((result.ignored, problems(&result)), (0, vec![]));
}

#[test]
fn a_scan_of_an_unchanged_workspace_opens_nothing_but_the_index() {
    let disk =
        sim(&[("a.png", "1"), ("a.png.asset.toml", "2"), ("b/.packerignore", "*.psd"), ("b/c/d", "3")]);
    let cold = rescan(&disk);
    assert_eq!((cold.cost.files_read, cold.cost.bytes_read), (4, 8));
    let hooked = HookedDisk::new(disk.clone());
    let operations = disk.operations();
    let warm = rescan(&hooked);
    assert_eq!(hooked.opened(), [INDEX]);
    assert_eq!(hooked.listed(), ["assets", "assets/b", "assets/b/c"]);
    let mut looked =
        vec!["assets", "assets/a.png", "assets/a.png.asset.toml", "assets/b/.packerignore", "assets/b/c/d"];
    looked.sort_unstable();
    assert_eq!(hooked.looked_at(), looked);
    assert_eq!(disk.operations() - operations, 1, "the stamp is all that is written");
    assert_eq!(warm.cost, ScanProgress { folders: 3, files: 4, files_read: 0, bytes_read: 0 });
    assert_eq!((&warm.files, &warm.anchors, &warm.folders), (&cold.files, &cold.anchors, &cold.folders));
    assert!(warm.index_is_current);
}

#[test]
fn only_what_changed_is_read() {
    let disk = sim(&[("a", "1"), ("b", "2"), ("c.asset.toml", "3"), ("d", "4")]);
    rescan(&disk);
    disk.put("assets/b".into(), b"22");
    disk.put("assets/new".into(), b"5");
    disk.put("assets/c.asset.toml".into(), b"6");
    disk.remove_file("assets/d".into()).unwrap();
    disk.advance_clock_ns(1_000);
    let result = rescan(&disk);
    assert_eq!(paths(&result), ["a", "b", "c.asset.toml", "new"]);
    assert_eq!(result.cost.files_read, 3);
    assert_eq!(result.files[1].digest, Digest::of(b"22"));
    assert_eq!(result.anchors[0].1, b"6");
    let index = stored(&disk).unwrap();
    let paths: Vec<String> = entries(&index).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["a", "b", "c.asset.toml", "new"]);
}

#[test]
fn a_removed_file_leaves_the_index() {
    let disk = sim(&[("a", "1"), ("b", "2")]);
    rescan(&disk);
    disk.remove_file("assets/a".into()).unwrap();
    assert!(!rescan(&disk).index_is_current);
    assert_eq!(stored(&disk).unwrap().len(), 1);
}

#[test]
fn an_index_without_an_anchor_s_text_does_not_vouch_for_it() {
    let disk = sim(&[("a.asset.toml", "name = 1")]);
    let first = rescan(&disk);
    let ScannedFile { path, stat, digest } = first.files[0].clone();
    let facts = ReadFacts { name: path.into(), role: FileRole::Anchor, stat, digest, content: None };
    let files = vec![DraftFile::Read(Box::new(facts))];
    let folders = vec![DraftFolder { path: "".into(), files }];
    let index = index::build("assets".into(), first.index.stamp(), None, folders).unwrap();
    index.store(&disk, INDEX.into()).unwrap();
    let result = rescan(&disk);
    assert_eq!((&result.anchors, result.cost.files_read), (&first.anchors, 1));
}

#[test]
fn a_damaged_index_is_dropped() {
    let disk = sim(&[("a", "1")]);
    rescan(&disk);
    let mut bytes = disk.read(INDEX.into(), 1 << 20).unwrap();
    bytes[40] ^= 1;
    disk.put(INDEX.into(), &bytes);
    assert!(matches!(StatIndex::load(&disk, INDEX.into(), "assets".into()), Err(IndexDefect::Checksum)));
}

#[test]
fn a_left_over_temporary_index_is_replaced() {
    let disk = sim(&[("a", "1")]);
    disk.put(".packer/index.tmp".into(), b"half an index");
    rescan(&disk);
    assert_eq!(stored(&disk).unwrap().len(), 1);
    assert!(disk.stat(".packer/index.tmp".into()).unwrap().is_none());
}

#[test]
fn an_unchanged_workspace_has_the_index_it_was_given_and_a_changed_one_the_digests_of_what_changed() {
    let disk = sim(&[("a", "1"), ("b/c", "2"), ("b/.packerignore", "*.psd")]);
    let digests = |scanned: &Scanned| (scanned.index.listing_digest(), scanned.index.content_digest());
    rescan(&disk);
    let previous = Arc::new(stored(&disk).unwrap());
    let same = try_scan(&disk, Some(&previous), 2).unwrap();
    assert!(Arc::ptr_eq(&same.index, &previous) && same.index_is_current);

    // Written again with the same contents: another stat, and nothing else.
    disk.advance_clock_ns(1_000);
    disk.put("assets/a".into(), b"1");
    disk.advance_clock_ns(1_000);
    let touched = try_scan(&disk, Some(&previous), 2).unwrap();
    assert!(!touched.index_is_current);
    assert_eq!(digests(&touched), digests(&same));
    disk.put("assets/a".into(), b"3");
    let edited = rescan(&disk);
    assert_eq!(edited.index.listing_digest(), same.index.listing_digest());
    assert_ne!(edited.index.content_digest(), same.index.content_digest());
    disk.put_dir("assets/empty".into());
    assert_ne!(rescan(&disk).index.listing_digest(), same.index.listing_digest());
    disk.remove_dir("assets/empty".into()).unwrap();
    disk.rename_new("assets/a".into(), "assets/b/a".into()).unwrap();
    assert_ne!(rescan(&disk).index.listing_digest(), same.index.listing_digest());
    disk.rename_new("assets/b/a".into(), "assets/a".into()).unwrap();
    disk.put("assets/a".into(), b"1");
    assert_eq!(digests(&rescan(&disk)), digests(&same));
}

#[test]
fn the_result_depends_neither_on_threads_nor_on_the_order_of_folders() {
    let names: Vec<String> = (0..300).map(|i| format!("{}/{}/{i}.asset.toml", i % 7, i % 3)).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    files.push(("1/.packerignore", "*2.asset.toml\na["));
    let disk = sim(&files);
    disk.put_link("assets/5/link".into());
    let expected = try_scan(&disk, None, 1).unwrap();
    assert_eq!((expected.ignored, problems(&expected).len()), (4, 2));
    for seed in 1..9 {
        disk.shuffle_listings(seed);
        let result = try_scan(&disk, None, [1, 2, 8][seed as usize % 3]).unwrap();
        assert_eq!(result.files, expected.files);
        assert_eq!(result.folders, expected.folders);
        assert_eq!(result.anchors, expected.anchors);
        assert_eq!(result.problems, expected.problems);
        assert_eq!(result.ignored, expected.ignored);
    }
}

#[test]
fn what_is_ignored_is_counted_and_not_entered() {
    let disk = sim(&[
        (".packerignore", "*.psd\n/drafts/\n!*.bak"),
        ("ui/.packerignore", "!keep.psd"),
        ("a.psd", "1"),
        ("ui/keep.psd", "2"),
        ("ui/b.psd", "3"),
        ("drafts/x", "4"),
        ("drafts/y/z", "5"),
        (".git/objects/x", "6"),
        ("c.bak", "7"),
        ("Thumbs.db", "8"),
    ]);
    let hooked = HookedDisk::new(disk);
    let result = rescan(&hooked);
    assert_eq!(paths(&result), ["c.bak", "ui/keep.psd"]);
    assert_eq!(result.ignored, 5, "a.psd, ui/b.psd, drafts, .git, Thumbs.db");
    assert_eq!(hooked.listed(), ["assets", "assets/ui"]);
}

#[test]
fn links_and_special_files_are_reported_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    std::fs::create_dir_all(root.join("assets/outside")).unwrap();
    std::fs::write(root.join("assets/a"), "1").unwrap();
    std::os::unix::fs::symlink("a", root.join("assets/link")).unwrap();
    std::os::unix::fs::symlink("/etc", root.join("assets/outside/etc")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("assets/socket")).unwrap();
    let result = try_scan(&OsDisk::new(root.to_owned()), None, 2).unwrap();
    assert_eq!(paths(&result), ["a"]);
    let expected = [
        (DiagnosticCode::PathSymlink, "link".to_owned()),
        (DiagnosticCode::PathSymlink, "outside/etc".to_owned()),
        (DiagnosticCode::PathSpecialFile, "socket".to_owned()),
    ];
    assert_eq!(problems(&result), expected);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_cannot_be_paths_are_reported_and_shown() {
    use std::os::unix::ffi::OsStringExt;
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    std::fs::create_dir(root.join("assets")).unwrap();
    for name in [&b"a\\b"[..], b"c\nd", b"e\xffd", b"good", b".\xff"] {
        let name = OsString::from_vec(name.to_vec());
        std::fs::write(root.as_std_path().join("assets").join(name), "1").unwrap();
    }
    std::fs::create_dir(root.as_std_path().join("assets").join(OsString::from_vec(b"f\xfe".to_vec())))
        .unwrap();
    let result = try_scan(&OsDisk::new(root.to_owned()), None, 2).unwrap();
    assert_eq!(paths(&result), ["good"]);
    let mut shown = problems(&result);
    shown.sort();
    let code = DiagnosticCode::PathNotRepresentable;
    let expected =
        ["?a\\b", "?c\u{fffd}d", "?e\u{fffd}d", "?f\u{fffd}"].map(|shown| (code, shown.to_owned()));
    assert_eq!(shown, expected);
    assert_eq!(result.ignored, 1, "a hidden name is ignored, whatever else it is");
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_is_seen() {
    let disk = sim(&[("a", "1"), ("closed/x", "2"), ("secret", "3"), ("lost", "4"), ("z.asset.toml", "5")]);
    let hooked = HookedDisk::new(disk).on(|operation, path| match (operation, path.as_str()) {
        (DiskOperation::ReadDir, "assets/closed") | (DiskOperation::Open, "assets/secret") => {
            Some(io::ErrorKind::PermissionDenied)
        }
        (DiskOperation::Open, "assets/lost") | (DiskOperation::Read, "assets/z.asset.toml") => {
            Some(io::ErrorKind::Other)
        }
        _ => None,
    });
    let result = try_scan(&hooked, None, 2).unwrap();
    assert_eq!(paths(&result), ["a"]);
    let unread: Vec<&str> = result.unread.iter().map(AssetPath::as_str).collect();
    assert_eq!(unread, ["closed", "lost", "secret", "z.asset.toml"]);
    assert!(problems(&result).iter().all(|(code, _)| *code == DiagnosticCode::PathUnreadable));
    assert_eq!(result.problems.len(), 4);
    let closed = &result.problems[0];
    assert_eq!(closed.message, "the folder cannot be read: access is denied");
}

#[test]
fn a_known_file_that_cannot_be_looked_at_is_reported() {
    let disk = sim(&[("a", "1"), ("b", "2")]);
    rescan(&disk);
    let known = Arc::new(stored(&disk).unwrap());
    let hooked = HookedDisk::new(disk).on(|operation, path| {
        (operation == DiskOperation::Stat && path == "assets/a").then_some(io::ErrorKind::Other)
    });
    let result = try_scan(&hooked, Some(&known), 2).unwrap();
    assert_eq!(paths(&result), ["b"]);
    assert_eq!(problems(&result), [(DiagnosticCode::PathUnreadable, "a".to_owned())]);
    assert!(!result.index_is_current);
}

#[test]
fn what_vanishes_during_the_scan_is_not_there() {
    let disk = sim(&[("a", "1"), ("c/d", "3")]);
    rescan(&disk);
    let known = Arc::new(stored(&disk).unwrap());
    disk.put("assets/b".into(), b"2");
    let hooked = HookedDisk::new(disk.clone()).on(move |operation, path| {
        match (operation, path.as_str()) {
            (DiskOperation::Stat, "assets/a") | (DiskOperation::Open, "assets/b") => {
                disk.remove_file(path).unwrap();
            }
            (DiskOperation::ReadDir, "assets/c") => return Some(io::ErrorKind::NotFound),
            _ => {}
        }
        None
    });
    let result = try_scan(&hooked, Some(&known), 1).unwrap();
    assert_eq!((paths(&result), problems(&result)), (vec![], vec![]));
}

#[test]
fn a_file_that_changes_once_while_it_is_read_is_read_again() {
    let disk = sim(&[("a", "old")]);
    let (other, count) = (disk.clone(), AtomicU64::new(0));
    let hooked = HookedDisk::new(disk).on(move |operation, path| {
        if operation == DiskOperation::Read
            && path == "assets/a"
            && count.fetch_add(1, Ordering::Relaxed) == 0
        {
            other.advance_clock_ns(1_000);
            other.put(path, b"new");
        }
        None
    });
    let result = try_scan(&hooked, None, 1).unwrap();
    assert_eq!(result.files[0].digest, Digest::of(b"new"));
    assert_eq!(hooked.opened(), ["assets/a", "assets/a"]);
}

#[test]
fn a_file_that_never_holds_still_is_reported() {
    let disk = sim(&[("a", "old"), ("b", "grows")]);
    let other = disk.clone();
    let hooked = HookedDisk::new(disk).on(move |operation, path| {
        if operation == DiskOperation::Read {
            let mut bytes = other.read(path, 1 << 20).unwrap();
            if path == "assets/b" {
                bytes.extend_from_slice(&bytes.clone());
            }
            other.advance_clock_ns(1_000);
            other.put(path, &bytes);
        }
        None
    });
    let result = try_scan(&hooked, None, 1).unwrap();
    assert_eq!(paths(&result), [""; 0]);
    let expected = ["a", "b"].map(|path| (DiagnosticCode::PathUnstable, path.to_owned()));
    assert_eq!(problems(&result), expected);
    assert_eq!(result.unread.len(), 2);
}

#[test]
fn an_anchor_beyond_all_reason_is_reported_and_not_kept() {
    let large = "x".repeat(MAX_TEXT_BYTES as usize + 1);
    let disk = sim(&[("a.asset.toml", &large), ("b.asset.toml", &large[1..]), ("c/.packerignore", &large)]);
    for _ in 0..2 {
        let result = rescan(&disk);
        assert_eq!(result.anchors.iter().map(|a| a.0.as_str()).collect::<Vec<_>>(), ["b.asset.toml"]);
        assert_eq!(paths(&result), ["a.asset.toml", "b.asset.toml"]);
        let codes: Vec<DiagnosticCode> = result.problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [DiagnosticCode::AnchorSyntax, DiagnosticCode::IgnoreInvalid]);
    }
}

#[test]
fn the_root_must_be_a_folder_that_can_be_read() {
    let disk = SimDisk::new();
    assert!(matches!(try_scan(&disk, None, 1), Err(ScanError::RootMissing { .. })));
    disk.put("assets".into(), b"a file");
    let not_a_folder = try_scan(&disk, None, 1);
    assert!(matches!(not_a_folder, Err(ScanError::RootNotAFolder { kind: EntryKind::File, .. })));
    let closed = HookedDisk::new(sim(&[("a", "1")])).on(|operation, path| {
        (operation == DiskOperation::ReadDir && path == "assets").then_some(io::ErrorKind::PermissionDenied)
    });
    assert!(matches!(try_scan(&closed, None, 1), Err(ScanError::RootUnreadable(_))));
}

#[test]
fn cancelling_ends_it_also_within_a_large_file() {
    let disk = sim(&[("large", &"x".repeat(1 << 20))]);
    for patience in [0, 1, 4] {
        let asked = AtomicU64::new(0);
        let request = ScanRequest {
            assets_root: "assets".into(),
            stamp: STAMP.into(),
            previous: None,
            pool: &pool(1),
            cancel: &|| asked.fetch_add(1, Ordering::Relaxed) >= patience,
            on_progress: &|_| {},
        };
        assert!(matches!(scan(&disk, &request), Err(ScanError::Cancelled)), "after {patience}");
    }
}

#[test]
fn progress_ends_at_what_it_cost() {
    let names: Vec<String> = (0..200).map(|i| i.to_string()).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "abc")).collect();
    let disk = sim(&files);
    let told = std::sync::Mutex::new(Vec::new());
    let request = ScanRequest {
        assets_root: "assets".into(),
        stamp: STAMP.into(),
        previous: None,
        pool: &pool(1),
        cancel: &|| false,
        on_progress: &|progress| told.lock().unwrap().push(progress),
    };
    let result = scan(&disk, &request).unwrap();
    let told = told.into_inner().unwrap();
    assert_eq!(told.last(), Some(&result.cost));
    assert!(told.len() > 1 && told.len() < 10, "{} reports for 200 files", told.len());
    assert_eq!(result.cost, ScanProgress { folders: 1, files: 200, files_read: 200, bytes_read: 600 });
}

/// Folders within folders, without end.
#[derive(Debug)]
struct EndlessDisk(SimDisk);

impl Disk for EndlessDisk {
    fn read_dir(&self, _: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        Ok(vec![DirEntry { name: "d".into(), kind: EntryKind::Dir }])
    }
    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError> {
        self.0.stat(path)
    }
    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError> {
        self.0.open(path)
    }
    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.0.create(path)
    }
    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.0.open_write(path)
    }
    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.0.create_dir(path)
    }
    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.0.remove_file(path)
    }
    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.0.remove_dir(path)
    }
    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.0.rename_new(from, to)
    }
    fn rename_over(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.0.rename_over(from, to)
    }
    fn exchange(&self, a: &Utf8Path, b: &Utf8Path) -> Result<(), DiskError> {
        self.0.exchange(a, b)
    }
    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError> {
        self.0.sync_dir(dir)
    }
}

#[test]
fn folders_without_end_are_one_diagnostic() {
    let result = try_scan(&EndlessDisk(sim(&[])), None, 2).unwrap();
    assert_eq!(result.folders.len(), MAX_PATH_BYTES / 2);
    let [(DiagnosticCode::PathUnreadable, path)] = &problems(&result)[..] else { panic!("not one finding") };
    assert_eq!(path.len(), MAX_PATH_BYTES + 1);
}

#[test]
fn a_project_that_cannot_be_written_to_is_scanned_all_the_same() {
    let disk = sim(&[("a", "1")]);
    let hooked = HookedDisk::new(disk.clone()).on(|operation, path| {
        (operation == DiskOperation::Write && path == STAMP).then_some(io::ErrorKind::ReadOnlyFilesystem)
    });
    let result = rescan(&hooked);
    assert_eq!(paths(&result), ["a"]);
    let index = stored(&disk).unwrap();
    assert_eq!(index.stamp(), None);
    disk.advance_clock_ns(1_000_000);
    assert_eq!(rescan(&disk).cost.files_read, 1, "without a stamp nothing can be vouched for");
    assert_eq!(rescan(&disk).cost.files_read, 0);
}
