//! The simulated disk against the operating system's: the same operations give the same results and the same trees.

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};

use proptest::prelude::*;

use super::*;
use crate::disk::{EntryKind, OsDisk};

#[derive(Clone, Debug)]
enum Operation {
    Create(Utf8PathBuf, Vec<u8>),
    WriteAt(Utf8PathBuf, u64, Vec<u8>),
    SetLen(Utf8PathBuf, u64),
    CreateDir(Utf8PathBuf),
    CreateDirAll(Utf8PathBuf),
    RemoveFile(Utf8PathBuf),
    RemoveDir(Utf8PathBuf),
    RenameNew(Utf8PathBuf, Utf8PathBuf),
    RenameOver(Utf8PathBuf, Utf8PathBuf),
    Exchange(Utf8PathBuf, Utf8PathBuf),
    SyncDir(Utf8PathBuf),
    ReadDir(Utf8PathBuf),
    Stat(Utf8PathBuf),
    Read(Utf8PathBuf),
    Append { source: Utf8PathBuf, offset: u64, len: u64, target: Utf8PathBuf },
}

/// Few names, so that operations meet.
fn path() -> impl Strategy<Value = Utf8PathBuf> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4)
        .prop_map(|segments| segments.join("/").into())
}

fn operation() -> impl Strategy<Value = Operation> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..5);
    prop_oneof![
        3 => (path(), bytes()).prop_map(|(p, b)| Operation::Create(p, b)),
        1 => (path(), 0..6_u64, bytes()).prop_map(|(p, o, b)| Operation::WriteAt(p, o, b)),
        1 => (path(), 0..6_u64).prop_map(|(p, n)| Operation::SetLen(p, n)),
        4 => path().prop_map(Operation::CreateDir),
        1 => path().prop_map(Operation::CreateDirAll),
        1 => path().prop_map(Operation::RemoveFile),
        1 => path().prop_map(Operation::RemoveDir),
        2 => (path(), path()).prop_map(|(a, b)| Operation::RenameNew(a, b)),
        2 => (path(), path()).prop_map(|(a, b)| Operation::RenameOver(a, b)),
        2 => (path(), path()).prop_map(|(a, b)| Operation::Exchange(a, b)),
        1 => path().prop_map(Operation::SyncDir),
        1 => path().prop_map(Operation::ReadDir),
        1 => path().prop_map(Operation::Stat),
        1 => path().prop_map(Operation::Read),
        1 => (path(), 0..4_u64, 0..4_u64, path())
            .prop_map(|(source, offset, len, target)| Operation::Append { source, offset, len, target }),
    ]
}

/// What an operation answers, as text: errors by their kind.
fn run(disk: &dyn Disk, operation: &Operation) -> String {
    fn show<T: fmt::Debug>(result: Result<T, DiskError>) -> String {
        match result {
            Ok(value) => format!("{value:?}"),
            Err(error) => format!("{:?}: {:?}", error.operation, error.source.kind()),
        }
    }
    fn kind(result: std::io::Result<()>) -> String {
        format!("{:?}", result.map_err(|error| error.kind()))
    }
    match operation {
        Operation::Create(path, bytes) => {
            show(disk.create(path).map(|mut file| kind(file.write_all(bytes).and_then(|()| file.sync()))))
        }
        Operation::WriteAt(path, offset, bytes) => show(disk.open_write(path).map(|mut file| {
            let position = file.seek(SeekFrom::Start(*offset)).unwrap();
            let written = kind(file.write_all(bytes));
            (position, written, WriteFile::stat(&*file).unwrap().size, file.seek(SeekFrom::End(0)).unwrap())
        })),
        Operation::SetLen(path, len) => {
            show(disk.open_write(path).map(|mut file| kind(file.set_len(*len).and_then(|()| file.sync()))))
        }
        Operation::CreateDir(path) => show(disk.create_dir(path)),
        Operation::CreateDirAll(path) => show(disk.create_dir_all(path)),
        Operation::RemoveFile(path) => show(disk.remove_file(path)),
        Operation::RemoveDir(path) => show(disk.remove_dir(path)),
        Operation::RenameNew(from, to) => show(disk.rename_new(from, to)),
        Operation::RenameOver(from, to) => show(disk.rename_over(from, to)),
        Operation::Exchange(a, b) => show(disk.exchange(a, b)),
        Operation::SyncDir(path) => show(disk.sync_dir(path)),
        Operation::ReadDir(path) => show(disk.read_dir(path).map(|mut entries| {
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            entries
        })),
        // Sizes of folders are the filesystem's own affair, times and inodes are no two disks' same.
        Operation::Stat(path) => show(disk.stat(path).map(|stat| {
            stat.map(|stat| (stat.kind, if stat.kind == EntryKind::File { stat.size } else { 0 }))
        })),
        Operation::Read(path) => show(disk.read(path, 8)),
        Operation::Append { source, offset, len, target } => {
            show(disk.open(source).and_then(|mut source| {
                let mut target = disk.open_write(target)?;
                target.seek(SeekFrom::End(0)).unwrap();
                Ok(kind(target.append_range(&mut *source, *offset, *len)))
            }))
        }
    }
}

fn tree_of(disk: &dyn Disk) -> BTreeMap<Utf8PathBuf, Option<Vec<u8>>> {
    let mut tree = BTreeMap::new();
    let mut open = vec![Utf8PathBuf::new()];
    while let Some(dir) = open.pop() {
        for entry in disk.read_dir(&dir).unwrap() {
            let path = dir.join(entry.name.to_str().unwrap());
            let contents = match entry.kind {
                EntryKind::Dir => None,
                _ => Some(disk.read(&path, 100).unwrap()),
            };
            if contents.is_none() {
                open.push(path.clone());
            }
            tree.insert(path, contents);
        }
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_disks_answer_alike(operations in prop::collection::vec(operation(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let os = OsDisk::new(Utf8Path::from_path(folder.path()).unwrap().to_owned());
        let sim = SimDisk::new();
        for (i, operation) in operations.iter().enumerate() {
            prop_assert_eq!(run(&sim, operation), run(&os, operation), "{}: {:?}", i, operation);
        }
        prop_assert_eq!(tree_of(&sim), tree_of(&os));
        // One of the disks that a power cut leaves is the one that lost nothing.
        prop_assert!(sim.crash_states(64).any(|state| state.tree_hash() == sim.tree_hash()));
    }
}
