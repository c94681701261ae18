//! `cargo xtask conformance NAME=FOLDER…`: what the packer makes of real files.
//!
//! For each folder a project is made, with a copy of the folder's files as its assets; everything is adopted, built and unpacked
//! by the packer itself, as its users would. What came of each file is written to `results.jsonl` beside `assets`, and counted
//! in a table for people ([`table`]). Links are copied as links, so that one which leaves the folder still does, or leads nowhere.
//!
//! It fetches nothing and compares no pixel: `tests/python/compare_unpacked.py` compares, with other decoders. A file that is not
//! baked and has not exactly one error, though its kind is one of those that stop at the first, fails the chore, and so does a
//! panic of a codec.

mod table;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Parser;
use packer_pack::{Entry, OpenOptions, Pack};
use serde_json::Value;

use crate::Failure;
use table::{Outcome, Row, Table};

/// What an anchor is called, after its source.
const SIDECAR: &str = ".asset.toml";

/// Builds folders of real files, and says what came of each.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask conformance", max_term_width = 100)]
struct Arguments {
    /// Folders of files, and what to call each
    #[arg(value_name = "NAME=FOLDER", required = true, value_parser = name_and_folder)]
    folders: Vec<(String, PathBuf)>,
    /// Where the projects go; none of them is there yet [default: target/conformance]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The kind of files with an extension that says nothing to the packer
    #[arg(long = "as", value_name = "EXTENSION=KIND", value_parser = pair)]
    kinds: Vec<(String, String)>,
    /// Another packer than this repository's
    #[arg(long, value_name = "FILE")]
    packer: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has no `=`")?;
    let plain =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !plain(key) {
        return Err(format!("`{key}` has other characters than letters, digits and `-_.`"));
    }
    Ok((key.to_owned(), value.to_owned()))
}

fn name_and_folder(text: &str) -> Result<(String, PathBuf), String> {
    pair(text).map(|(name, folder)| (name, folder.into()))
}

/// `cargo xtask conformance ARGUMENTS`.
pub(crate) fn run(repository: &Path, arguments: &[OsString]) -> Result<(), Failure> {
    let all = std::iter::once(OsString::from("cargo xtask conformance")).chain(arguments.iter().cloned());
    let arguments = Arguments::try_parse_from(all).unwrap_or_else(|error| error.exit());
    let out = arguments.out.unwrap_or_else(|| repository.join("target/conformance"));
    let mut wrong = Vec::new();
    for (name, folder) in &arguments.folders {
        let project = out.join(name);
        let packer = Packer { binary: arguments.packer.as_deref(), project: &project };
        prepare(&packer, folder, &arguments.kinds)?;
        let adopt = packer.json(&["adopt", "assets", "--yes"])?;
        let build = packer.json(&["build", "--keep-going", "--no-store"])?;
        let table = Table { rows: rows(&packer, &build)?, unclaimed: unclaimed(&packer)? };
        packer.text(&["verify"])?;
        packer.text(&["unpack", "build/assets.pack", "unpacked"])?;
        write(&project.join("results.jsonl"), table.lines())?;
        println!("## {name}\n\n{}", table.markdown());
        println!("adopted in {} ms, built in {} ms\n", took_ms(&adopt), took_ms(&build));
        wrong.extend(table.problems().into_iter().map(|problem| format!("{name}: {problem}")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure(wrong.join("\n"))) }
}

/// The packer, run in one project.
struct Packer<'a> {
    binary: Option<&'a Path>,
    project: &'a Path,
}

impl Packer<'_> {
    /// What a command printed. It may say that the project has errors; anything worse is a failure.
    fn text(&self, arguments: &[&str]) -> Result<String, Failure> {
        let told = || format!("packer {}, in {}", arguments.join(" "), self.project.display());
        let mut command = if let Some(binary) = self.binary {
            Command::new(binary)
        } else {
            let here = std::env::current_exe().map_err(|error| Failure(format!("{}: {error}", told())))?;
            let mut command = Command::new(here);
            command.arg("packer");
            command
        };
        command.args(arguments).current_dir(self.project).stderr(Stdio::inherit());
        let output = command.output().map_err(|error| Failure(format!("{}: {error}", told())))?;
        match output.status.code() {
            Some(0 | 1) => {
                String::from_utf8(output.stdout).map_err(|error| Failure(format!("{}: {error}", told())))
            }
            _ => Err(Failure(format!("{}: {}", told(), output.status))),
        }
    }

    /// The lines of a command's output.
    fn json(&self, arguments: &[&str]) -> Result<Vec<Value>, Failure> {
        let mut all = arguments.to_vec();
        all.extend(["--quiet", "--format", "json"]);
        let text = self.text(&all)?;
        let lines: Result<_, _> = text.lines().map(serde_json::from_str).collect();
        lines.map_err(|error| Failure(format!("packer {}: {error}", arguments.join(" "))))
    }
}

/// Makes the project of a folder.
fn prepare(packer: &Packer<'_>, folder: &Path, kinds: &[(String, String)]) -> Result<(), Failure> {
    let project = packer.project;
    fs::create_dir_all(project).map_err(failure(project))?;
    packer.text(&["new", "."])?;
    let rules: Vec<String> = kinds
        .iter()
        .map(|(extension, kind)| format!("\n[[rules]]\nmatch = \"**/*.{extension}\"\nkind = \"{kind}\"\n"))
        .collect();
    let configuration = project.join("packer.toml");
    let text = fs::read_to_string(&configuration).map_err(failure(&configuration))?;
    write(&configuration, text + &rules.concat())?;
    copy(folder, &project.join("assets"))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to).map_err(failure(to))?;
    for entry in fs::read_dir(from).map_err(failure(from))? {
        let entry = entry.map_err(failure(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failure(&source))?;
        if kind.is_dir() {
            copy(&source, &target)?;
        } else if kind.is_symlink() {
            link(&source, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target).map_err(failure(&source))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(source: &Path, target: &Path) -> Result<(), Failure> {
    let leads_to = fs::read_link(source).map_err(failure(source))?;
    std::os::unix::fs::symlink(leads_to, target).map_err(failure(target))
}

/// Elsewhere, making a link needs a right that few have; the packer would not follow it.
#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> Result<(), Failure> {
    Ok(())
}

/// What came of each asset, in the order of their paths.
fn rows(packer: &Packer<'_>, build: &[Value]) -> Result<Vec<Row>, Failure> {
    let pack = packer.project.join("build/assets.pack");
    let pack = Pack::open(&pack, OpenOptions::default()).map_err(failure(&pack))?;
    let mut rows = Vec::new();
    for asset in packer.json(&["list"])? {
        let word = |key: &str| asset[key].as_str().unwrap_or_default();
        let Some(path) = word("anchor").strip_suffix(SIDECAR) else {
            continue;
        };
        let source = packer.project.join("assets").join(path);
        let size = fs::metadata(&source).map_err(failure(&source))?.len();
        let findings: Vec<&Value> = build
            .iter()
            .map(|event| &event["body"])
            .filter(|body| body["type"] == "diagnostic" && body["subject"]["asset"] == asset["uuid"])
            .collect();
        let with = |severity: &str| -> Vec<(String, String)> {
            let told = |body: &&&Value| body["severity"] == severity;
            let text = |body: &Value, key: &str| body[key].as_str().unwrap_or_default().to_owned();
            findings.iter().filter(told).map(|body| (text(body, "code"), text(body, "message"))).collect()
        };
        let id = asset["id"].as_u64().and_then(|id| u32::try_from(id).ok()).unwrap_or_default();
        let entry = pack.find_id(id).map_err(failure(&source))?.filter(|entry| !entry.is_absent());
        rows.push(Row {
            path: path.to_owned(),
            size,
            kind: word("kind").to_owned(),
            outcome: entry.map_or(Outcome::Refused, |entry| Outcome::Baked(describe(&entry))),
            errors: with("error"),
            warnings: with("warning"),
        });
    }
    rows.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(rows)
}

/// The measures of a payload, for people.
fn describe(entry: &Entry<'_>) -> String {
    if let Ok(image) = entry.image() {
        let info = image.info();
        return format!("{} x {}", info.width, info.height);
    }
    if let Ok(sound) = entry.sound() {
        let info = sound.info();
        return format!(
            "{} frames of {} channels, {} a second",
            info.frames, info.channels, info.sample_rate
        );
    }
    format!("{} bytes", entry.raw_size())
}

/// The paths of the files that became no asset.
fn unclaimed(packer: &Packer<'_>) -> Result<Vec<String>, Failure> {
    let rows = packer.json(&["list", "--unclaimed"])?;
    Ok(rows.iter().filter_map(|row| row["path"].as_str()).map(ToOwned::to_owned).collect())
}

/// How long an operation says that it took.
fn took_ms(events: &[Value]) -> u64 {
    events.last().and_then(|event| event["body"]["outcome"]["took_ms"].as_u64()).unwrap_or_default()
}

fn write(path: &Path, text: String) -> Result<(), Failure> {
    fs::write(path, text).map_err(failure(path))
}

fn failure<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> Failure {
    let path = path.display().to_string();
    move |error| Failure(format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_a_name_that_can_be_one_of_a_project() {
        assert_eq!(name_and_folder("a-1=/x=y").unwrap(), ("a-1".to_owned(), PathBuf::from("/x=y")));
        for text in ["a", "=b", "a/b=c", "a b=c"] {
            assert!(name_and_folder(text).is_err(), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_copied_as_links() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::write(from.join("deep/file"), "x").unwrap();
        std::os::unix::fs::symlink("../../nowhere", from.join("deep/link")).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("deep/file")).unwrap(), b"x");
        assert_eq!(fs::read_link(to.join("deep/link")).unwrap(), Path::new("../../nowhere"));
    }
}
