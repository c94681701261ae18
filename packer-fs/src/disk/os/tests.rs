//! What `OsDisk` does that no other implementation can show: real links, pipes, kinds, copies and swaps.

use std::os::unix::fs::symlink;

use super::*;
use crate::disk::copy::COPY_BUFFER;

struct Fixture {
    _folder: tempfile::TempDir,
    disk: OsDisk,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let disk = OsDisk::new(Utf8Path::from_path(folder.path()).unwrap().to_owned());
    Fixture { _folder: folder, disk }
}

fn write(disk: &OsDisk, path: &str, bytes: &[u8]) {
    let mut file = disk.create(path.into()).unwrap();
    file.write_all(bytes).unwrap();
    file.sync().unwrap();
}

fn kind_of<T>(result: Result<T, DiskError>) -> io::ErrorKind {
    result.err().expect("the operation was to fail").source.kind()
}

#[test]
fn a_link_is_listed_and_looked_at_but_never_followed() {
    let Fixture { disk, _folder } = fixture();
    write(&disk, "file", b"bytes");
    disk.create_dir("dir".into()).unwrap();
    symlink("file", disk.root().join("link")).unwrap();
    symlink("dir", disk.root().join("dirlink")).unwrap();
    symlink("nowhere", disk.root().join("dangling")).unwrap();

    assert_eq!(disk.stat("link".into()).unwrap().unwrap().kind, EntryKind::Symlink);
    assert_eq!(disk.stat("dirlink/".into()).unwrap().unwrap().kind, EntryKind::Symlink);
    for path in ["link", "dangling", "dirlink", "dirlink/"] {
        assert_eq!(kind_of(disk.open(path.into())), io::ErrorKind::InvalidInput, "{path}");
        assert_eq!(kind_of(disk.open_write(path.into())), io::ErrorKind::InvalidInput, "{path}");
        assert_eq!(kind_of(disk.create(path.into())), io::ErrorKind::AlreadyExists, "{path}");
    }
    assert_eq!(kind_of(disk.read_dir("dirlink".into())), io::ErrorKind::NotADirectory);
    assert_eq!(kind_of(disk.read_dir("dirlink/".into())), io::ErrorKind::NotADirectory);
    assert!(disk.stat("nowhere".into()).unwrap().is_none(), "nothing was created through the link");

    let mut entries = disk.read_dir("".into()).unwrap();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let entries: Vec<_> = entries.into_iter().map(|e| (e.name.into_string().unwrap(), e.kind)).collect();
    let expected = [
        ("dangling", EntryKind::Symlink),
        ("dir", EntryKind::Dir),
        ("dirlink", EntryKind::Symlink),
        ("file", EntryKind::File),
        ("link", EntryKind::Symlink),
    ];
    assert_eq!(entries, expected.map(|(name, kind)| (name.to_owned(), kind)));
}

#[test]
fn the_root_may_be_a_link() {
    let Fixture { disk, _folder } = fixture();
    disk.create_dir("project".into()).unwrap();
    symlink("project", disk.root().join("alias")).unwrap();
    let aliased = OsDisk::new(disk.root().join("alias"));
    write(&aliased, "file", b"bytes");
    assert_eq!(aliased.read_dir("".into()).unwrap().len(), 1);
    assert_eq!(aliased.stat("".into()).unwrap().unwrap().kind, EntryKind::Dir);
    aliased.sync_dir("".into()).unwrap();
    assert_eq!(disk.read("project/file".into(), 10).unwrap(), b"bytes");
}

#[test]
fn a_pipe_is_refused_without_waiting_for_its_other_end() {
    let Fixture { disk, _folder } = fixture();
    let status = std::process::Command::new("mkfifo").arg(disk.root().join("pipe")).status().unwrap();
    assert!(status.success());
    assert_eq!(disk.stat("pipe".into()).unwrap().unwrap().kind, EntryKind::Other);
    assert_eq!(kind_of(disk.open("pipe".into())), io::ErrorKind::InvalidInput);
    assert!(disk.open_write("pipe".into()).is_err());
}

#[test]
fn a_folder_is_not_a_file() {
    let Fixture { disk, _folder } = fixture();
    disk.create_dir("dir".into()).unwrap();
    assert_eq!(kind_of(disk.open("dir".into())), io::ErrorKind::IsADirectory);
    assert_eq!(kind_of(disk.open_write("dir".into())), io::ErrorKind::IsADirectory);
}

#[test]
fn a_taken_name_is_never_replaced() {
    let Fixture { disk, _folder } = fixture();
    write(&disk, "a", b"a");
    write(&disk, "b", b"b");
    assert_eq!(kind_of(disk.rename_new("a".into(), "b".into())), io::ErrorKind::AlreadyExists);
    assert_eq!(disk.read("b".into(), 10).unwrap(), b"b");
    disk.rename_new("a".into(), "c".into()).unwrap();
    disk.rename_over("c".into(), "b".into()).unwrap();
    assert_eq!(disk.read("b".into(), 10).unwrap(), b"a");
}

#[test]
fn an_exchange_swaps_inodes() {
    let Fixture { disk, _folder } = fixture();
    write(&disk, "a", b"a");
    write(&disk, "b", b"b");
    let inodes = |disk: &OsDisk| ["a", "b"].map(|path| disk.stat(path.into()).unwrap().unwrap().inode);
    let [a, b] = inodes(&disk);
    disk.exchange("a".into(), "b".into()).unwrap();
    assert_eq!(inodes(&disk), [b, a]);
    assert_eq!(kind_of(disk.exchange("a".into(), "missing".into())), io::ErrorKind::NotFound);
}

#[test]
fn a_range_is_appended_in_the_kernel_and_through_the_buffer_alike() {
    let Fixture { disk, _folder } = fixture();
    let bytes: Vec<u8> = (0..COPY_BUFFER + 1000).map(|i| (i % 251) as u8).collect();
    write(&disk, "source", &bytes);
    let mut source = disk.open("source".into()).unwrap();
    let mut target = disk.create("target".into()).unwrap();
    target.write_all(b"head").unwrap();
    target.append_range(&mut *source, 10, bytes.len() as u64 - 20).unwrap();
    let mut expected = b"head".to_vec();
    expected.extend_from_slice(&bytes[10..bytes.len() - 10]);
    assert_eq!(disk.read("target".into(), 1 << 20).unwrap(), expected);

    let mut plain = File::create(disk.root().join("plain")).unwrap();
    copy_range(&mut plain, &mut *source, 10, bytes.len() as u64 - 20).unwrap();
    assert_eq!(disk.read("plain".into(), 1 << 20).unwrap(), expected[4..]);

    let error = target.append_range(&mut *source, 10, bytes.len() as u64).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn reading_is_bounded_and_names_that_are_not_text_are_listed() {
    use std::os::unix::ffi::OsStrExt as _;
    let Fixture { disk, _folder } = fixture();
    write(&disk, "file", b"12345");
    assert_eq!(kind_of(disk.read("file".into(), 4)), io::ErrorKind::FileTooLarge);
    assert_eq!(disk.read("file".into(), 5).unwrap(), b"12345");
    assert!(disk.stat("file/below".into()).unwrap().is_none());
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9");
    disk.create_dir_all("a/b/c".into()).unwrap();
    std::fs::write(disk.root().as_std_path().join("a").join(odd), "").unwrap();
    let entries = disk.read_dir("a".into()).unwrap();
    assert!(entries.iter().any(|entry| entry.name == odd && entry.kind == EntryKind::File));
}
