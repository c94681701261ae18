//! Edits that a stat does not show: each must be noticed all the same.

use std::fs::{File, FileTimes};

use super::*;

/// The clock of the simulated disk, coarse as a real one.
const TICK_NS: i64 = 4_000_000;

fn digest(result: &Scanned, path: &str) -> Digest {
    result.files.iter().find(|file| file.path == path).unwrap().digest
}

fn coarse() -> SimDisk {
    let disk = sim(&[]);
    disk.set_tick_ns(TICK_NS);
    disk.advance_clock_ns(10 * TICK_NS);
    disk
}

#[test]
fn a_second_write_in_the_tick_of_the_scan_is_noticed() {
    let disk = coarse();
    let path = Utf8Path::new("assets/a");
    disk.put(path, b"first");
    let first = rescan(&disk);
    disk.advance_clock_ns(1);
    disk.put(path, b"other");
    assert_eq!(disk.stat(path).unwrap().unwrap(), first.files[0].stat, "the stat must not show it");
    assert_eq!(digest(&rescan(&disk), "a"), Digest::of(b"other"));
}

#[test]
fn a_write_in_the_tick_of_a_later_scan_is_noticed_too() {
    let disk = coarse();
    let path = Utf8Path::new("assets/a");
    disk.put(path, b"first");
    rescan(&disk);
    // Racy, and read again, in another tick; then written twice around the scan in one tick.
    disk.advance_clock_ns(5 * TICK_NS);
    disk.put(path, b"again");
    assert_eq!(digest(&rescan(&disk), "a"), Digest::of(b"again"));
    disk.put(path, b"third");
    assert_eq!(digest(&rescan(&disk), "a"), Digest::of(b"third"));
}

#[test]
fn what_is_older_than_the_stamp_is_not_read_again() {
    let disk = coarse();
    disk.put("assets/a".into(), b"first");
    assert_eq!(rescan(&disk).cost.files_read, 1);
    assert_eq!(rescan(&disk).cost.files_read, 1, "in the tick of its stamp");
    disk.advance_clock_ns(TICK_NS);
    assert_eq!(rescan(&disk).cost.files_read, 1, "it was still racy when it was taken");
    assert_eq!(rescan(&disk).cost.files_read, 0);
}

#[test]
fn a_restored_mtime_is_noticed() {
    let disk = coarse();
    let path = Utf8Path::new("assets/a");
    disk.put(path, b"first");
    disk.advance_clock_ns(TICK_NS);
    let first = rescan(&disk);
    disk.advance_clock_ns(TICK_NS);
    disk.put(path, b"other");
    disk.set_mtime_ns(path, first.files[0].stat.mtime_ns);
    assert_eq!(digest(&rescan(&disk), "a"), Digest::of(b"other"));
}

#[test]
fn a_file_renamed_over_another_is_noticed_whatever_its_times() {
    let disk = coarse();
    disk.put("assets/a".into(), b"first");
    disk.put("other".into(), b"other");
    disk.advance_clock_ns(TICK_NS);
    let first = rescan(&disk);
    disk.rename_over("other".into(), "assets/a".into()).unwrap();
    disk.set_mtime_ns("assets/a".into(), first.files[0].stat.mtime_ns);
    assert_eq!(digest(&rescan(&disk), "a"), Digest::of(b"other"));
}

#[test]
fn a_clock_that_goes_back_makes_entries_racy_not_wrong() {
    let disk = coarse();
    let path = Utf8Path::new("assets/a");
    disk.put(path, b"first");
    disk.advance_clock_ns(2 * TICK_NS);
    rescan(&disk);
    disk.advance_clock_ns(-2 * TICK_NS);
    disk.put("assets/b".into(), b"makes the index be written");
    rescan(&disk);
    disk.put(path, b"other");
    assert_eq!(digest(&rescan(&disk), "a"), Digest::of(b"other"));
}

#[test]
fn an_edit_that_looks_older_than_the_stamp_is_noticed() {
    let disk = coarse();
    let path = Utf8Path::new("assets/a");
    disk.put(path, b"first");
    disk.advance_clock_ns(TICK_NS);
    let first = rescan(&disk);
    assert_eq!(rescan(&disk).cost.files_read, 0);
    // The clock goes back, and the mtime is restored: only the inode's own time differs, and it is not racy.
    disk.advance_clock_ns(-5 * TICK_NS);
    disk.put(path, b"other");
    disk.set_mtime_ns(path, first.files[0].stat.mtime_ns);
    assert_eq!(digest(&rescan(&disk), "a"), Digest::of(b"other"));
}

/// An edit that a stat may not show, from the contents before.
#[derive(Clone, Copy, Debug)]
enum Edit {
    /// As many bytes, at once.
    SameSize,
    /// The same, with the time of the first contents put back.
    RestoredTime,
    /// Another file of as many bytes, renamed over it, with that time.
    RenamedOver,
    /// Written twice, with a scan in between.
    TwoInOneTick,
}

const EDITS: [Edit; 4] = [Edit::SameSize, Edit::RestoredTime, Edit::RenamedOver, Edit::TwoInOneTick];

/// How often each is made.
const TIMES: u32 = 100;

/// The contents after the `n`th write: always as many bytes.
fn contents(n: u32) -> String {
    format!("{n:06}")
}

#[test]
fn a_hundred_quick_edits_of_a_real_file_are_noticed() {
    for edit in EDITS {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        std::fs::create_dir_all(root.join("assets")).unwrap();
        std::fs::create_dir_all(root.join(".packer")).unwrap();
        let (disk, path, other) = (OsDisk::new(root.to_owned()), root.join("assets/a"), root.join("other"));
        std::fs::write(&path, contents(0)).unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        let restore = |path: &Utf8Path| {
            let file = File::options().write(true).open(path).unwrap();
            file.set_times(FileTimes::new().set_modified(modified)).unwrap();
        };
        let mut noticed = 0;
        for n in 1..=TIMES {
            match edit {
                Edit::SameSize => std::fs::write(&path, contents(n)).unwrap(),
                Edit::RestoredTime => {
                    std::fs::write(&path, contents(n)).unwrap();
                    restore(&path);
                }
                Edit::RenamedOver => {
                    std::fs::write(&other, contents(n)).unwrap();
                    restore(&other);
                    std::fs::rename(&other, &path).unwrap();
                }
                Edit::TwoInOneTick => {
                    std::fs::write(&path, contents(1000 + n)).unwrap();
                    assert_eq!(digest(&rescan(&disk), "a"), Digest::of(contents(1000 + n).as_bytes()));
                    std::fs::write(&path, contents(n)).unwrap();
                }
            }
            let seen = digest(&rescan(&disk), "a");
            assert_eq!(seen, Digest::of(contents(n).as_bytes()), "{edit:?} number {n}");
            noticed += 1;
        }
        assert_eq!(noticed, TIMES);
    }
}

#[test]
fn a_hundred_quick_edits_on_a_disk_with_a_coarse_clock_are_noticed() {
    for edit in EDITS {
        let disk = coarse();
        let (path, other) = (Utf8Path::new("assets/a"), Utf8Path::new("other"));
        disk.put(path, contents(0).as_bytes());
        let modified = rescan(&disk).files[0].stat.mtime_ns;
        // How many of them a stat does not show at all: without any, this would try nothing.
        let mut hidden = 0;
        for n in 1..=TIMES {
            let before = disk.stat(path).unwrap().unwrap();
            match edit {
                Edit::SameSize => disk.put(path, contents(n).as_bytes()),
                Edit::RestoredTime => {
                    disk.put(path, contents(n).as_bytes());
                    disk.set_mtime_ns(path, modified);
                }
                Edit::RenamedOver => {
                    disk.put(other, contents(n).as_bytes());
                    disk.set_mtime_ns(other, modified);
                    disk.rename_over(other, path).unwrap();
                }
                Edit::TwoInOneTick => {
                    disk.put(path, contents(1000 + n).as_bytes());
                    assert_eq!(digest(&rescan(&disk), "a"), Digest::of(contents(1000 + n).as_bytes()));
                    disk.put(path, contents(n).as_bytes());
                }
            }
            hidden += u32::from(disk.stat(path).unwrap().unwrap() == before);
            let seen = digest(&rescan(&disk), "a");
            assert_eq!(seen, Digest::of(contents(n).as_bytes()), "{edit:?} number {n}");
            // Some of them in the tick of the scan before, some in another.
            disk.advance_clock_ns(TICK_NS / 3);
        }
        // A file that was renamed over another is another file, which its inode shows.
        assert_eq!(hidden > TIMES / 4, !matches!(edit, Edit::RenamedOver), "{edit:?}: {hidden}");
    }
}
