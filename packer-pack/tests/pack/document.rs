//! The format's document is enough: a reader written from it, in another language, reads what this crate writes.
//!
//! It is `tests/python/read_pack.py`, in the standard library of Python 3 alone, and needs `python3` on the path. A machine
//! without it is told that this was not checked; under continuous integration (`CI` is set) it has to be there.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use packer_pack::Verify;

use crate::problems::BROKEN;
use crate::support::{open, sample, write};

fn python(arguments: &[&Path]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/read_pack.py");
    Command::new("python3").arg(script).args(arguments).output().expect("python3 is installed")
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
        for entry in open(&bytes, Verify::Eager).unwrap().entries() {
            let digest: String = entry.digest().iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            });
            writeln!(
                expected,
                r#"{{"id": {}, "name": "{}", "kind": "{}", "encoding": {}, "compression": "{}", "raw_size": {}, "digest": "b3:{digest}"}}"#,
                entry.id(),
                entry.name().unwrap(),
                entry.kind().unwrap(),
                entry.encoding(),
                entry.compression().unwrap(),
                entry.raw_size(),
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
fn it_refuses_what_is_damaged() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut put = |name: String, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        paths.push(path);
    };
    for broken in BROKEN {
        // What only a digest tells is beyond a reader without BLAKE3.
        if broken.name != "payloads swapped" || has_blake3() {
            put(broken.name.replace(' ', "-"), &broken.bytes());
        }
    }
    let (bytes, _) = write(16, &sample());
    for size in (0..bytes.len()).step_by(7) {
        put(format!("cut-{size}"), &bytes[..size]);
    }
    put("longer".to_owned(), &[&bytes[..], &[0]].concat());
    let mut arguments: Vec<&Path> = vec!["check".as_ref()];
    arguments.extend(paths.iter().map(PathBuf::as_path));
    let output = python(&arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), paths.len());
    for (line, path) in text.lines().zip(&paths) {
        assert!(line.starts_with(&format!("{}: damaged: ", path.display())), "{line}");
    }
}

fn has_blake3() -> bool {
    let output = Command::new("python3").args(["-c", "import blake3"]).output();
    output.expect("python3 is installed").status.success()
}
