//! Things in an assets folder that should not be there: each is told, none is adopted, followed or passed over in silence,
//! and nothing panics.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use packer_tests::packer::Run;
use packer_tests::project::TestProject;
use serde_json::Value;

use super::packer;

/// Runs every command that looks at the workspace; none may panic, and none may change it before `adopt` does. Gives
/// the findings, and what adopting said.
fn look(project: &TestProject) -> (Vec<Value>, Run) {
    for command in ["status", "list", "refresh"] {
        let run = project.packer(&[command]);
        assert!(run.code < 2, "{command}: {}\n{}", run.code, run.text());
    }
    let mut findings = project.packer(&["check", "--format", "json"]).json();
    findings.pop();
    let adopted = project.packer(&["adopt", "assets", "--yes"]).exits(0);
    let raw = project.packer(&["adopt", "assets", "--kind", "raw", "--yes"]);
    assert!(raw.code == 0, "{}", raw.text());
    for command in ["check", "build"] {
        let run = project.packer(&[command]);
        assert!(run.code < 2, "{command}: {}\n{}", run.code, run.text());
    }
    (findings, adopted)
}

#[track_caller]
fn is_told(findings: &[Value], code: &str, of: &str) {
    let told = |finding: &&Value| finding["code"] == code && finding.to_string().contains(of);
    assert!(findings.iter().any(|finding| told(&finding)), "{code} of {of} is not told: {findings:#?}");
}

#[test]
fn links_are_told_and_not_followed() {
    let project = TestProject::with_sources(packer());
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), "secret").unwrap();
    symlink(outside.path().join("secret.txt"), project.path("assets/secret.txt")).unwrap();
    symlink(outside.path(), project.path("assets/out")).unwrap();
    symlink("..", project.path("assets/loop")).unwrap();
    symlink("nowhere", project.path("assets/dangling.png")).unwrap();
    let (findings, _) = look(&project);
    for link in ["secret.txt", "out", "loop", "dangling.png"] {
        is_told(&findings, "path/symlink", link);
    }
    assert_eq!(project.status()["assets"]["managed"], 5, "a link was adopted");
    let written: Vec<PathBuf> =
        fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(written, [outside.path().join("secret.txt")], "something was written outside");
}

#[test]
fn names_that_cannot_be_paths_are_told() {
    let project = TestProject::with_sources(packer());
    let raw = |bytes: &[u8]| project.path("assets").join(OsStr::from_bytes(bytes));
    fs::write(raw(b"bad-\xff\xfe.png"), b"x").unwrap();
    fs::create_dir(raw(b"folder-\xff")).unwrap();
    fs::write(raw(b"folder-\xff/inside.txt"), b"x").unwrap();
    fs::write(raw(b"new\nline.txt"), b"x").unwrap();
    fs::write(raw(b"escape-\x1b[31m.txt"), b"x").unwrap();
    fs::write(raw(b"back\\slash.txt"), b"x").unwrap();
    let (findings, _) = look(&project);
    let unrepresentable =
        findings.iter().filter(|finding| finding["code"] == "path/not-representable").count();
    assert_eq!(unrepresentable, 5, "{findings:#?}");
    assert_eq!(project.status()["assets"]["managed"], 5);
    for arguments in [&["check"][..], &["status"], &["adopt", "assets", "--dry-run"]] {
        let text = project.packer(arguments).text();
        assert!(!text.contains('\x1b'), "{arguments:?} writes an escape that a name holds");
    }
}

#[test]
fn odd_names_are_adopted_and_packed() {
    let project = TestProject::new(packer());
    for name in
        ["with space.txt", "🦀.txt", "Ünïcode/ÄÖ.txt", "-dash.txt", "'quotes\".txt", "a`b$(c).txt", "#!.txt"]
    {
        project.write(&format!("assets/{name}"), name.as_bytes());
    }
    look(&project);
    let status = project.status();
    assert_eq!((&status["assets"]["managed"], &status["diagnostics"]["error"]), (&7.into(), &0.into()));
    project.packer(&["build"]).exits(0);
    project.packer(&["unpack", "build/assets.pack", "unpacked"]).exits(0);
    // And the commands that are told for them can be typed as they are.
    fs::remove_file(project.path("assets/a`b$(c).txt")).unwrap();
    fs::rename(project.path("assets/a`b$(c).txt.asset.toml"), project.path("assets/it's.txt.asset.toml"))
        .unwrap();
    fs::write(project.path("assets/it's.txt"), "x").unwrap();
    project.packer(&["reconcile", "assets/it's.txt.asset.toml", "--yes"]).exits(0);
    project.packer(&["build"]).exits(0);
}

#[test]
fn names_that_collide_elsewhere_are_told_and_left() {
    let project = TestProject::new(packer());
    for name in ["ui/A.txt", "ui/a.txt", "caf\u{e9}.txt", "cafe\u{301}.txt", "con.txt", "dot."] {
        project.write(&format!("assets/{name}"), name.as_bytes());
    }
    let (findings, adopted) = look(&project);
    is_told(&findings, "path/collision", "ui/a.txt");
    is_told(&findings, "path/collision", "caf\u{e9}.txt");
    is_told(&findings, "path/not-portable", "con.txt");
    is_told(&findings, "path/not-portable", "dot.");
    let text = adopted.text();
    assert!(text.contains("path/collision") && text.contains("ui/A.txt"), "{text}");
    let names: Vec<Value> = project.packer(&["list", "--format", "json"]).exits(0).json();
    assert!(!names.iter().any(|row| row["anchor"].as_str().unwrap().contains("ui/")), "{names:?}");
}

/// How deep the deep folder is: its path is longer than the system takes in one call.
const DEPTH: usize = 3000;

/// A folder that is too deep to be made, or removed, in one go: two halves, one of which hangs in the other.
struct Deep {
    joint: PathBuf,
    half: PathBuf,
}

impl Deep {
    fn new(project: &TestProject) -> Self {
        let half = vec!["d"; DEPTH / 2].join("/");
        let (upper, lower) = (project.path("assets").join(&half), project.path("lower"));
        fs::create_dir_all(&upper).unwrap();
        fs::create_dir_all(lower.join(&half)).unwrap();
        fs::write(lower.join(&half).join("bottom.txt"), "bottom").unwrap();
        let joint = upper.join("lower");
        fs::rename(&lower, &joint).unwrap();
        Self { joint, half: lower }
    }
}

impl Drop for Deep {
    fn drop(&mut self) {
        // Taken apart, both halves can be removed.
        fs::rename(&self.joint, &self.half).unwrap();
    }
}

#[test]
fn a_folder_that_is_too_deep_is_told() {
    let project = TestProject::with_sources(packer());
    let deep = Deep::new(&project);
    let (findings, _) = look(&project);
    let codes: Vec<&Value> = findings.iter().map(|finding| &finding["code"]).collect();
    assert_eq!(codes, ["path/unreadable"]);
    let status = project.status();
    assert_eq!(status["assets"]["managed"], 5, "what is at the bottom cannot be adopted");
    drop(deep);
}

#[test]
fn things_that_are_no_files_are_told() {
    let project = TestProject::with_sources(packer());
    let made = std::process::Command::new("mkfifo").arg(project.path("assets/pipe.png")).status().unwrap();
    assert!(made.success());
    // An anchor's name with nothing to go with it, and a folder with an anchor's name.
    project.write("assets/alone.png.asset.toml", b"\xff\xfe\x00");
    fs::create_dir(project.path("assets/folder.asset.toml")).unwrap();
    fs::create_dir_all(project.path("assets/dir/asset.toml")).unwrap();
    let (findings, _) = look(&project);
    assert!(findings.iter().any(|finding| finding.to_string().contains("pipe.png")), "{findings:#?}");
    assert!(
        findings.iter().any(|finding| finding.to_string().contains("alone.png.asset.toml")),
        "{findings:#?}"
    );
}
