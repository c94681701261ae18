//! The example program, which is what a game's author reads first, shows what it should.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{feature_packs, write};

/// The program, which is built before the tests of its package are run.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    profile.join("examples").join(format!("inspect{}", std::env::consts::EXE_SUFFIX))
}

fn inspect(arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).output().expect("`cargo test` builds the examples of a package")
}

#[test]
fn it_shows_a_pictures_size_and_a_sounds_length_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assets.pack");
    let (_, assets) = feature_packs().into_iter().find(|(name, _)| *name == "typed payloads").unwrap();
    let (bytes, _) = write(16, &assets);
    std::fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap();
    let output = inspect(&[path, "picture", "bell", "story"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        shown,
        "picture: image, id 1, 2 x 2 pixels\nbell: sound, id 3, 48000 Hz, 104.166µs long\nstory: text, id 4, 4 bytes\n"
    );
    let output = inspect(&[path, "nobody"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("nobody"));
}
