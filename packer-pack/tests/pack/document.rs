//! The format's document is enough: a reader written from it, in another language, reads what this crate writes.
//!
//! It is `tests/python/read_pack.py`, in the standard library of Python 3 alone, and needs `python3` on the path. A machine
//! without it is told that this was not checked; under continuous integration (`CI` is set) it has to be there.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use packer_pack::format::Compression;
use packer_pack::{Problem, ReadError, Verify};

use crate::problems::BROKEN;
use crate::support::{Asset, asset, feature_packs, open, reseal, sample, write};

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/read_pack.py")
}

fn python(arguments: &[&Path]) -> Output {
    Command::new("python3").arg(script()).args(arguments).output().expect("python3 is installed")
}

/// Whether there is a Python to run the reader.
fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok();
    assert!(
        found || std::env::var_os("CI").is_none(),
        "python3 is not installed, and continuous integration needs it"
    );
    if !found {
        // Written past the test runner, which shows what a test prints only if it fails.
        let said = "not checked: python3 is not installed, so no pack was read by the reader in Python";
        let mut past_the_runner = std::io::stderr();
        writeln!(past_the_runner, "{said}").unwrap();
    }
    found
}

fn stdout(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn it_lists_what_is_there() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assets.pack");
    for alignment in [16, 4096] {
        let (bytes, _) = write(alignment, &sample());
        std::fs::write(&path, &bytes).unwrap();
        let mut expected = String::new();
        for entry in open(&bytes, Verify::Eager).unwrap().entries().unwrap() {
            let digest: String = entry.digest().iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            });
            writeln!(
                expected,
                r#"{{"id": {}, "name": "{}", "kind": "{}", "encoding": {}, "compression": "{}", "preload": {}, "size": {}, "stored_size": {}, "digest": {}}}"#,
                entry.id(),
                entry.name().unwrap(),
                entry.kind().unwrap(),
                entry.encoding(),
                entry.compression().unwrap(),
                entry.is_preload(),
                entry.raw_size(),
                entry.stored_size(),
                if entry.is_absent() { "null".to_owned() } else { format!("\"b3:{digest}\"") },
            )
            .unwrap();
        }
        assert_eq!(stdout(&python(&["list".as_ref(), &path])), expected);
        let checked = stdout(&python(&["check".as_ref(), &path]));
        assert_eq!(checked, format!("{}: ok, 7 entries\n", path.display()));
    }
}

#[test]
fn it_finds_by_name_and_by_id_and_gives_the_payload() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assets.pack");
    std::fs::write(&path, write(16, &sample()).0).unwrap();
    // Stored plainly, and as LZ4, which the reader decompresses by itself.
    for key in ["plain", "data/tides", "8", "11"] {
        let output = python(&["cat".as_ref(), &path, key.as_ref()]);
        let asset = sample().into_iter().find(|asset| asset.name == key || asset.id.to_string() == key);
        assert_eq!(output.stdout, asset.unwrap().content.unwrap(), "{key}");
    }
    for key in ["plai", "12", "broken"] {
        assert_eq!(python(&["cat".as_ref(), &path, key.as_ref()]).status.code(), Some(1), "{key}");
    }
}

#[test]
fn it_needs_no_module_for_digests() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Stands before any installed module of that name, and is not there.
    std::fs::write(folder.path().join("blake3.py"), "raise ImportError").unwrap();
    // An index of several pages, and payloads that take one block, one chunk, and a tree of them.
    let long = |size: u32| (0..size).map(|i| (i % 251) as u8).collect::<Vec<u8>>();
    let mut assets: Vec<Asset> = [0, 1, 64, 65, 1024, 1025, 2048, 3073, 7168, 20_000]
        .iter()
        .zip(1..)
        .map(|(size, id)| asset(id, &format!("long/{size}"), "raw", long(*size)))
        .collect();
    assets.extend((100..300).map(|id| asset(id, &format!("short/{id}"), "raw", format!("{id}"))));
    let (bytes, _) = write(16, &assets);
    let verdict = |bytes: &[u8]| {
        let mut command = Command::new("python3");
        command.arg(script()).args(["check", "-"]).env("PYTHONPATH", folder.path());
        verdicts(command, &[bytes.to_vec()]).remove(0)
    };
    assert_eq!(verdict(&bytes), Ok(()));
    for at in [200, 128 + 8192, bytes.len() - 1] {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(verdict(&bad).is_err(), "byte {at}");
    }
}

/// What the reader says of each of these packs, which it gets one after the other in one run.
fn verdicts(mut command: Command, packs: &[Vec<u8>]) -> Vec<Result<(), String>> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 is installed");
    let mut input = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            for pack in packs {
                input.write_all(&(pack.len() as u64).to_le_bytes()).unwrap();
                input.write_all(pack).unwrap();
            }
        });
        child.wait_with_output().unwrap()
    });
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), packs.len(), "the reader gave up: {:?}", output.status);
    let verdict = |(number, line): (usize, &str)| {
        let said = line.strip_prefix(&format!("{number}: ")).expect("a line names its pack");
        if said.starts_with("ok, ") { Ok(()) } else { Err(said.to_owned()) }
    };
    text.lines().enumerate().map(verdict).collect()
}

/// Whether the reader can decompress Zstandard.
fn has_zstandard() -> bool {
    let import = "try:\n import compression.zstd\nexcept ImportError:\n import zstandard";
    let output = Command::new("python3").args(["-c", import]).output();
    output.expect("python3 is installed").status.success()
}

/// Packs that are damaged in every way that the tests know, and a name for each.
fn damaged() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> =
        BROKEN.iter().map(|broken| (broken.name.to_owned(), broken.bytes())).collect();
    for (name, assets) in feature_packs() {
        let (bytes, prefix) = write(16, &assets);
        all.push((name.to_owned(), bytes.clone()));
        all.push((format!("{name}, longer"), [&bytes[..], &[0]].concat()));
        for size in (0..bytes.len()).step_by(5) {
            all.push((format!("{name}, cut to {size}"), bytes[..size].to_vec()));
        }
        for bit in (0..bytes.len() * 8).step_by(11) {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            all.push((format!("{name}, bit {bit}"), bad));
        }
        // Under digests that match, only the structure can tell.
        for round in 0..300_u32 {
            let seed = blake3::hash(format!("{name} {round}").as_bytes());
            let [a, b, value, times, ..] = *seed.as_bytes();
            let mut bad = bytes.clone();
            for step in 0..=usize::from(times % 2) {
                let at = (usize::from(a) * 256 + usize::from(b) + step * 7) % prefix.bytes.len();
                bad[at] = if round % 2 == 0 { value % 8 } else { value };
            }
            reseal(&mut bad);
            all.push((format!("{name}, resealed {round}"), bad));
        }
    }
    all
}

#[test]
fn it_refuses_the_same_damaged_packs() {
    if !has_python() {
        return;
    }
    let zstandard = has_zstandard();
    let (names, packs): (Vec<String>, Vec<Vec<u8>>) = damaged().into_iter().unzip();
    let mut command = Command::new("python3");
    command.arg(script()).args(["check", "-"]);
    let (mut refused, mut taken) = (0, 0);
    for ((name, bytes), theirs) in names.iter().zip(&packs).zip(verdicts(command, &packs)) {
        let ours = open(bytes, Verify::Eager).map(|_| ()).map_err(|error| error.to_string());
        if theirs.is_ok() && ours.is_err() && !zstandard && only_zstandard_is_damaged(bytes) {
            continue;
        }
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{name}: here {ours:?}, there {theirs:?}");
        if ours.is_ok() { taken += 1 } else { refused += 1 }
    }
    assert!(refused > 2_000 && taken > 5, "{refused} refused, {taken} taken");
}

/// Whether nothing is wrong but payloads that are compressed with Zstandard.
fn only_zstandard_is_damaged(bytes: &[u8]) -> bool {
    let Ok(pack) = open(bytes, Verify::Never) else { return false };
    let is_zstandard = |id: u32| {
        pack.by_id(id).is_ok_and(|entry| entry.compression().is_ok_and(|found| found == Compression::Zstd))
    };
    pack.verify().iter().all(|problem| match problem {
        Problem::Entry(
            ReadError::Decompress { id } | ReadError::Digest { id } | ReadError::TooLarge { id, .. },
        ) => is_zstandard(*id),
        _ => false,
    })
}
