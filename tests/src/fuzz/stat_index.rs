//! The stat index: read, looked up in, and written again.
//!
//! An input is a byte and the file's bytes. With bit 0 of the byte, the file lacks its checksum, which is added; with bit 1,
//! the digest of the assets root is put in its place. So damage below both is reached.

use packer_domain::identity::Digest;
use packer_fs::disk::Disk;
use packer_fs::disk::sim::SimDisk;
use packer_fs::index::StatIndex;
use packer_fs::layout;

use super::ignores::scanned;
use super::input::seed_with;
use super::{Seed, Verdict};

const ROOT: &str = "assets";
const CHECKSUM_BYTES: usize = 32;
const ROOT_DIGEST: std::ops::Range<usize> = 56..88;

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some((options, bytes)) = data.split_first() else { return Verdict::Refused };
    let mut bytes = bytes.to_vec();
    if options & 2 != 0
        && let Some(place) = bytes.get_mut(ROOT_DIGEST)
    {
        place.copy_from_slice(Digest::of(ROOT.as_bytes()).as_bytes());
    }
    if options & 1 != 0 {
        let checksum = *Digest::of(&bytes).as_bytes();
        bytes.extend_from_slice(&checksum);
    }
    let Ok(index) = StatIndex::parse(bytes.clone(), ROOT.into()) else { return Verdict::Refused };
    assert_eq!(index.folders().count(), index.folder_count());
    let mut files = 0;
    for (at, folder) in index.folders().enumerate() {
        assert_eq!(index.find_folder(folder.path), Some(at));
        // What no scan would name can stand in an index that was forged.
        let other = format!("{}\u{0}", folder.path);
        assert_eq!(index.find_folder(&other), index.folders().position(|folder| folder.path == other));
        for at in folder.files.clone() {
            files += 1;
            let entry = index.entry(at);
            assert_eq!((entry.stat, entry.digest), (index.stat(at), index.digest(at)));
            assert_eq!(index.find_name(&folder.files, entry.name), Some(at));
            assert!(index.is_racy(&entry.stat) || index.stamp().is_some());
            // A name with a slash in it, which no scan writes, is found in its folder alone.
            if !entry.name.contains('/') && !folder.path.is_empty() {
                assert_eq!(index.find(&format!("{}/{}", folder.path, entry.name)), Some(entry));
            }
        }
    }
    assert_eq!(index.is_empty(), files == 0);
    assert_eq!(files, index.len(), "an entry is in no folder, or in two");
    let disk = SimDisk::new();
    disk.put_dir(layout::OPERATIONAL.into());
    index.store(&disk, layout::INDEX.into()).expect("the disk does not fail");
    assert_eq!(disk.read(layout::INDEX.into(), 1 << 24).expect("it was written"), bytes);
    Verdict::Taken
}

/// The index of a project with these files.
fn index_of(files: &[(&str, &str)]) -> Vec<u8> {
    let disk = SimDisk::new();
    disk.put_dir(ROOT.into());
    for (path, text) in files {
        disk.put(format!("{ROOT}/{path}").as_str().into(), text.as_bytes());
    }
    disk.put_dir(layout::OPERATIONAL.into());
    disk.advance_clock_ns(5_000_000_000);
    scanned(&disk, None).index.store(&disk, layout::INDEX.into()).expect("the disk does not fail");
    disk.read(layout::INDEX.into(), 1 << 24).expect("it was written")
}

pub(super) fn seeds() -> Vec<Seed> {
    let some = [
        ("a.png", "pixels"),
        ("a.png.asset.toml", "uuid = 1"),
        ("a/b", ""),
        ("a/.packerignore", "*.psd\n"),
        ("a0/c", "x"),
        ("Grüße/b/c", "y"),
    ];
    let mut seeds = Vec::new();
    for (name, files) in [("some", &some[..]), ("none", &[]), ("one", &some[..1])] {
        let bytes = index_of(files);
        let body = &bytes[..bytes.len() - CHECKSUM_BYTES];
        seeds.push(seed_with(&format!("{name}-whole"), &[0], &bytes));
        seeds.push(seed_with(&format!("{name}-to-seal"), &[3], body));
        seeds.push(seed_with(&format!("{name}-cut"), &[3], &body[..body.len() - body.len() / 4]));
    }
    let bytes = index_of(&some);
    let at = |at: usize, value: u8| {
        let mut bytes = bytes[..bytes.len() - CHECKSUM_BYTES].to_vec();
        bytes[at] = value;
        seed_with(&format!("byte-{at}-{value}"), &[1], &bytes)
    };
    // The magic, the version, the count of folders, that of files, the root, a folder's path and files, an entry's name.
    seeds.extend([
        at(0, 0),
        at(8, 9),
        at(12, 200),
        at(16, 200),
        at(60, 0),
        at(168, 255),
        at(172, 9),
        at(320, 77),
    ]);
    seeds
}
