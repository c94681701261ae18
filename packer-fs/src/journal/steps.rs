//! The steps of a commit, as asked for, and their normal form, in which a transaction carries them out.
//!
//! A batch may move files along a chain or around a cycle (`a` to `b` while `c` goes to `a`). In the normal form that is
//! no special case: first everything that is to leave its place is displaced, then everything is placed where by then
//! nothing stands. Here is judged only whether a batch makes sense by itself; whether the disk agrees is checked by
//! `stage`.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use packer_domain::mutation::KeptFile;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fingerprint::FileFingerprint;
use crate::layout;

/// One change of the workspace's files. Paths are relative to the project's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Writes a file where nothing stands, or where another step takes away what stands there.
    Create {
        /// Where.
        path: Utf8PathBuf,
        /// The file's bytes.
        contents: Vec<u8>,
    },
    /// Replaces a file's contents; the former ones go to history.
    Edit {
        /// Which file.
        path: Utf8PathBuf,
        /// What it must hold.
        before: FileFingerprint,
        /// What it is to hold.
        contents: Vec<u8>,
    },
    /// Copies a file.
    Copy {
        /// The file that stays.
        from: Utf8PathBuf,
        /// Where its copy goes.
        to: Utf8PathBuf,
        /// What it must hold.
        before: FileFingerprint,
    },
    /// Moves a file.
    Move {
        /// From where.
        from: Utf8PathBuf,
        /// To where.
        to: Utf8PathBuf,
        /// What it must hold.
        before: FileFingerprint,
    },
    /// Puts back a file that the packer keeps; the kept one stays where it is.
    Restore {
        /// The kept file.
        from: KeptFile,
        /// Where its copy goes: where nothing stands, or where another step takes away what stands there.
        to: Utf8PathBuf,
        /// What it must hold.
        file: FileFingerprint,
    },
    /// Takes a file out of the workspace, into history.
    ToHistory {
        /// Which file.
        path: Utf8PathBuf,
        /// What it must hold.
        before: FileFingerprint,
    },
    /// Creates a folder; one that is there already is taken as it is.
    MakeDir {
        /// Where.
        path: Utf8PathBuf,
    },
    /// Removes a folder, if by then nothing is in it.
    RemoveDir {
        /// Which.
        path: Utf8PathBuf,
    },
}

/// Why a batch of steps makes no sense by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StepProblem {
    /// Absolute, or with an empty, `.` or `..` segment.
    #[error("it is not a path inside the project")]
    NotInside,
    /// The registry, or something under `.packer/`.
    #[error("it is kept by the packer itself")]
    Reserved,
    /// Two steps take the same file away.
    #[error("two steps take it away")]
    TakenTwice,
    /// Two steps put something at the same path.
    #[error("two steps put something there")]
    PlacedTwice,
}

/// The files of a commit, in normal form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Folders to make, outermost first.
    pub make_dirs: Vec<Utf8PathBuf>,
    /// Files to move out of the workspace. Their place in this list numbers them.
    pub displaced: Vec<Displaced>,
    /// Files to put into the workspace, after everything was displaced.
    pub placed: Vec<Placed>,
    /// Folders to remove if they are empty, innermost first.
    pub remove_dirs: Vec<Utf8PathBuf>,
}

/// A file that leaves its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Displaced {
    /// Its place.
    pub path: Utf8PathBuf,
    /// What it must hold.
    pub before: FileFingerprint,
}

/// A file that gets a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    /// Its place.
    pub path: Utf8PathBuf,
    /// What it will hold.
    pub after: FileFingerprint,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a placed file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The staged contents of this number.
    Staged(u32),
    /// The displaced file of this number.
    Displaced(u32),
}

/// Contents to stage, in the order of their numbers.
#[derive(Debug)]
pub(super) enum Contents {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, for whoever may use the file at this path, which they replace.
    InsteadOf(Utf8PathBuf, Vec<u8>),
    /// A copy of this file, which must hold that.
    CopyOf(Utf8PathBuf, FileFingerprint),
    /// The same of a file that the packer keeps.
    CopyOfKept(KeptFile, FileFingerprint),
}

impl Contents {
    /// The file of which it is a copy, if it is one of the workspace.
    pub(super) fn copy_of(&self) -> Option<&Utf8Path> {
        match self {
            Self::CopyOf(from, _) => Some(from),
            Self::Bytes(_) | Self::InsteadOf(..) | Self::CopyOfKept(..) => None,
        }
    }

    /// How many bytes it has.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) | Self::InsteadOf(_, bytes) => bytes.len() as u64,
            Self::CopyOf(_, file) | Self::CopyOfKept(_, file) => file.size,
        }
    }
}

impl Work {
    /// Every path of the workspace that something leaves or comes to, each once.
    pub fn paths(&self) -> BTreeSet<&Utf8Path> {
        let displaced = self.displaced.iter().map(|item| item.path.as_path());
        displaced.chain(self.placed.iter().map(|item| item.path.as_path())).collect()
    }

    /// How many contents are staged for it.
    pub(super) fn staged_count(&self) -> u32 {
        self.placed.iter().filter(|item| matches!(item.origin, Origin::Staged(_))).count() as u32
    }

    /// Whether it could have been made by [`normalise`]: what is read from a disk may be anything.
    pub(super) fn check(&self) -> Result<(), (Utf8PathBuf, StepProblem)> {
        let mut made = BTreeSet::new();
        for path in self.make_dirs.iter().chain(&self.remove_dirs) {
            check_path(path)?;
        }
        made.extend(self.make_dirs.iter().map(Utf8PathBuf::as_path));
        let mut taken = BTreeSet::new();
        for item in &self.displaced {
            check_path(&item.path)?;
            if !taken.insert(item.path.as_path()) {
                return Err((item.path.clone(), StepProblem::TakenTwice));
            }
        }
        let mut origins = BTreeSet::new();
        for item in &self.placed {
            check_path(&item.path)?;
            let numbered = match item.origin {
                Origin::Staged(n) => n < self.staged_count(),
                Origin::Displaced(n) => {
                    self.displaced.get(n as usize).is_some_and(|from| from.before == item.after)
                }
            };
            // A folder and a file at one path, two files at one path, or one file at two paths.
            if !made.insert(item.path.as_path()) || !numbered || !origins.insert(item.origin) {
                return Err((item.path.clone(), StepProblem::PlacedTwice));
            }
        }
        Ok(())
    }
}

/// Brings `steps` into normal form, with what has to be staged for it.
pub(super) fn normalise(steps: Vec<Step>) -> Result<(Work, Vec<Contents>), (Utf8PathBuf, StepProblem)> {
    let mut work = Work::default();
    let mut contents = Vec::new();
    let mut stage = |work: &mut Work, path, after, what| {
        let origin = Origin::Staged(contents.len() as u32);
        contents.push(what);
        work.placed.push(Placed { path, after, origin });
    };
    let mut make_dirs = BTreeSet::new();
    let mut remove_dirs = BTreeSet::new();
    for step in steps {
        match step {
            Step::Create { path, contents } => {
                stage(&mut work, path, FileFingerprint::of(&contents), Contents::Bytes(contents));
            }
            Step::Edit { path, before, contents } => {
                work.displaced.push(Displaced { path: path.clone(), before });
                let after = FileFingerprint::of(&contents);
                stage(&mut work, path.clone(), after, Contents::InsteadOf(path, contents));
            }
            Step::Copy { from, to, before } => {
                check_path(&from)?;
                stage(&mut work, to, before, Contents::CopyOf(from, before));
            }
            Step::Restore { from, to, file } => stage(&mut work, to, file, Contents::CopyOfKept(from, file)),
            Step::Move { from, to, before } => {
                let origin = Origin::Displaced(work.displaced.len() as u32);
                work.displaced.push(Displaced { path: from, before });
                work.placed.push(Placed { path: to, after: before, origin });
            }
            Step::ToHistory { path, before } => work.displaced.push(Displaced { path, before }),
            Step::MakeDir { path } => {
                make_dirs.insert(path);
            }
            Step::RemoveDir { path } => {
                remove_dirs.insert(path);
            }
        }
    }
    // In byte order a folder stands before what is in it.
    work.make_dirs = make_dirs.into_iter().collect();
    work.remove_dirs = remove_dirs.into_iter().rev().collect();
    work.check()?;
    Ok((work, contents))
}

/// The folders in which something leaves or comes, and which [`super::apply`] therefore has to sync.
pub(super) fn folders<'a>(paths: impl IntoIterator<Item = &'a Utf8PathBuf>) -> BTreeSet<&'a Utf8Path> {
    paths.into_iter().map(|path| parent(path)).collect()
}

/// The folder that `path` is in; the project's folder for a path of one segment.
pub(super) fn parent(path: &Utf8Path) -> &Utf8Path {
    path.parent().unwrap_or(Utf8Path::new(layout::ROOT))
}

/// The folders that `path` is in, outermost first, without the project's folder.
pub(super) fn ancestors(path: &Utf8Path) -> Vec<&Utf8Path> {
    let mut found: Vec<_> = path.ancestors().skip(1).filter(|folder| !folder.as_str().is_empty()).collect();
    found.reverse();
    found
}

/// The fingerprints that the displaced files must have, by path.
pub(super) fn befores(work: &Work) -> BTreeMap<&Utf8Path, FileFingerprint> {
    work.displaced.iter().map(|item| (item.path.as_path(), item.before)).collect()
}

fn check_path(path: &Utf8Path) -> Result<(), (Utf8PathBuf, StepProblem)> {
    let text = path.as_str();
    let plain = path.components().all(|part| matches!(part, Utf8Component::Normal(_)));
    // Components hide empty and `.` segments; a path has one spelling.
    let spelled = text.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    if !plain || !spelled || text.contains('\0') {
        return Err((path.to_owned(), StepProblem::NotInside));
    }
    // Folders are compared without case: on some disks `.Packer` is the same folder.
    let first = text.split('/').next().unwrap_or(text);
    if first.eq_ignore_ascii_case(layout::OPERATIONAL) || text.eq_ignore_ascii_case(layout::REGISTRY) {
        return Err((path.to_owned(), StepProblem::Reserved));
    }
    Ok(())
}
