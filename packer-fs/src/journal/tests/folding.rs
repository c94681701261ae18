//! Commits on a disk that compares names without their case, killed after any operation, and recovered. The simulated disk
//! tells `A` from `a`; here a layer above it does not. Power cuts cannot be tried so: they could leave both.

use super::*;
use crate::disk::{DirEntry, ReadFile, Stat, WriteFile};

/// A disk on which `A` and `a` are one name, which is kept as it was first given.
#[derive(Debug)]
struct Folding {
    disk: SimDisk,
}

impl Folding {
    /// The path as it is spelled on the disk, as far as it is there.
    fn spelled(&self, path: &Utf8Path) -> Utf8PathBuf {
        let mut spelled = Utf8PathBuf::new();
        for segment in path.as_str().split('/').filter(|segment| !segment.is_empty()) {
            let entries = self.disk.read_dir(&spelled).unwrap_or_default();
            let mut names = entries.iter().filter_map(|entry| entry.name.to_str());
            let found = names.find(|name| name.to_lowercase() == segment.to_lowercase());
            spelled.push(found.unwrap_or(segment));
        }
        spelled
    }

    /// Where something new gets its last name as it is given.
    fn named(&self, path: &Utf8Path) -> Utf8PathBuf {
        let is_free = matches!(self.disk.stat(&self.spelled(path)), Ok(None));
        let parent = self.spelled(steps::parent(path));
        if is_free { parent.join(path.file_name().unwrap()) } else { self.spelled(path) }
    }
}

impl Disk for Folding {
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        self.disk.read_dir(&self.spelled(dir))
    }
    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError> {
        self.disk.stat(&self.spelled(path))
    }
    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError> {
        self.disk.open(&self.spelled(path))
    }
    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.disk.create(&self.named(path))
    }
    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.disk.open_write(&self.named(path))
    }
    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.disk.create_dir(&self.named(path))
    }
    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.disk.remove_file(&self.spelled(path))
    }
    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.disk.remove_dir(&self.spelled(path))
    }
    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.disk.rename_new(&self.spelled(from), &self.named(to))
    }
    fn rename_over(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.disk.rename_over(&self.spelled(from), &self.named(to))
    }
    fn exchange(&self, a: &Utf8Path, b: &Utf8Path) -> Result<(), DiskError> {
        self.disk.exchange(&self.spelled(a), &self.spelled(b))
    }
    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError> {
        self.disk.sync_dir(&self.spelled(dir))
    }
}

fn relocate(from: &str, to: &str, text: &str) -> Step {
    Step::Move { from: from.into(), to: to.into(), before: fingerprint(text) }
}

const FILE_IN_OTHER_LETTERS: Workload = Workload {
    name: "a file in other letters",
    has_earlier: true,
    before: &[("assets/A.png", "a"), ("assets/B.png", "b")],
    steps: || {
        vec![
            relocate("assets/A.png", "assets/a.png", "a"),
            Step::ToHistory { path: "assets/B.png".into(), before: fingerprint("b") },
            Step::Create { path: "assets/b.png".into(), contents: b"new".into() },
        ]
    },
    after: &[("assets/a.png", "a"), ("assets/b.png", "new")],
    registry_changes: true,
    settles: None,
};

const FOLDER_IN_OTHER_LETTERS: Workload = Workload {
    name: "a folder in other letters",
    has_earlier: true,
    before: &[("assets/Art/x", "x"), ("assets/Art/Deep/y", "y")],
    steps: || {
        vec![
            Step::MakeDir { path: "assets/art".into() },
            Step::MakeDir { path: "assets/art/deep".into() },
            relocate("assets/Art/x", "assets/art/x", "x"),
            relocate("assets/Art/Deep/y", "assets/art/deep/Y", "y"),
            Step::RemoveDir { path: "assets/Art/Deep".into() },
            Step::RemoveDir { path: "assets/Art".into() },
        ]
    },
    after: &[("assets/art/x", "x"), ("assets/art/deep/Y", "y")],
    registry_changes: false,
    settles: None,
};

#[test]
fn what_only_changes_its_letters_does_so_whenever_it_is_killed() {
    for workload in [FILE_IN_OTHER_LETTERS, FOLDER_IN_OTHER_LETTERS] {
        let project = workload.project();
        let calm = Folding { disk: project.fork() };
        assert_eq!(commit(&calm, workload.request()), (Reached::Finished, None), "{}", workload.name);
        let mut killed = 0;
        for cut in 0.. {
            let disk = Folding { disk: project.fork() };
            disk.disk.fail_after(cut);
            let (reached, error) = commit(&disk, workload.request());
            for then in 0..12 {
                let disk = Folding { disk: disk.disk.fork() };
                disk.disk.fail_after(then);
                let _ = recover_all(&disk);
                let disk = Folding { disk: disk.disk.fork() };
                let reports = recover_all(&disk).unwrap();
                let context =
                    format!("{}: cut at {cut}, then at {then}: {error:?}, {reports:?}", workload.name);
                let after = workload.side(&disk.disk);
                assert!(after.is_some(), "{context}: a mixture: {:?}", user_files(&disk.disk));
                assert!(after == Some(true) || reached < Reached::Recorded, "{context}");
                assert_eq!(pending(&disk).unwrap(), [], "{context}");
                killed += 1;
            }
            if error.is_none() {
                break;
            }
        }
        assert!(killed > 100);
    }
}

#[test]
fn where_letters_make_a_difference_it_makes_one() {
    for workload in [FILE_IN_OTHER_LETTERS, FOLDER_IN_OTHER_LETTERS] {
        let disk = workload.project();
        assert_eq!(commit(&disk, workload.request()), (Reached::Finished, None));
        assert_eq!(workload.side(&disk), Some(true), "{}", workload.name);
    }
    let disk = FILE_IN_OTHER_LETTERS.project();
    disk.put("assets/a.png".into(), SAVED.as_bytes());
    let error = stage(&disk, FILE_IN_OTHER_LETTERS.request()).map(|_| ()).unwrap_err();
    assert!(matches!(&error, StageError::Stale { path, .. } if path == "assets/a.png"), "{error:?}");
}

#[test]
fn a_file_that_stands_there_in_other_letters_is_not_taken_for_nothing() {
    let disk = Folding { disk: FILE_IN_OTHER_LETTERS.project() };
    let create = Step::Create { path: "assets/a.png".into(), contents: b"new".into() };
    let error = stage(&disk, request(TESTED, vec![create], REGISTRY_BEFORE, None)).map(|_| ()).unwrap_err();
    assert!(matches!(&error, StageError::Stale { path, .. } if path == "assets/a.png"), "{error:?}");
}
