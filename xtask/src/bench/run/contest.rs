//! The contests: what the packer does, and what its peers do with the same bytes, in turn.
//!
//! In each round every contender runs once, one after the other, so that whatever slows the machine for a while slows
//! all of them; each round begins with another one. A first round, which warms every cache, is not counted. What has to be put back in order between runs is
//! done outside of the measured time, and what was written before is written out to the disk before the next run starts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::{MeasureError, Program, Sample};
use super::series::Series;

/// Where a contest takes place.
#[derive(Clone, Debug)]
pub(super) struct Arena {
    /// The packer's binary.
    pub(super) packer: PathBuf,
    /// The project.
    pub(super) project: PathBuf,
    /// Its assets root.
    pub(super) assets: PathBuf,
    /// Its output folder.
    pub(super) output: PathBuf,
    /// A folder for what peers write, on the same file system.
    pub(super) scratch: PathBuf,
    /// How many rounds count.
    pub(super) rounds: usize,
}

/// Why a contest has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContestError {
    #[error(transparent)]
    Measure(#[from] MeasureError),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("a build with nothing changed made another pack: {}", pack.display())]
    NotUnchanged { pack: PathBuf },
    #[error("a build with an input changed made the same pack: {}", pack.display())]
    NotChanged { pack: PathBuf },
    #[error("{} has {found} raw sources, and one is changed in each of {needed} rounds", assets.display())]
    TooFew { assets: PathBuf, found: usize, needed: usize },
    #[error("git status has something to say of {}: {said}", project.display())]
    Dirty { project: PathBuf, said: String },
    #[error("{} is not valid: {reason}", path.display())]
    Invalid { path: PathBuf, reason: String },
    #[error("{asset} could not be included or excluded: {said}")]
    NotApplied { asset: String, said: String },
}

impl ContestError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// A contender: what it does in a round, outside of the measured time too, and how long the measured part took.
pub(super) type Contender<'a> = Box<dyn FnMut(usize) -> Result<Sample, ContestError> + 'a>;

/// Lets `contenders` run in turn, and another one begin each round: who comes after whom is a difference, too. Round 0 warms
/// the caches.
pub(super) fn in_turn<const N: usize>(
    rounds: usize,
    mut contenders: [Contender<'_>; N],
) -> Result<[Series; N], ContestError> {
    let mut series = std::array::from_fn(|_| Series::default());
    for round in 0..=rounds {
        for turn in 0..N {
            let turn = (round + turn) % N;
            let sample = contenders[turn](round)?;
            if round > 0 {
                series[turn].push(sample);
            }
        }
    }
    Ok(series)
}

/// Lets what was written before reach the disk, so that no run pays for another one. Where there is no such program,
/// nothing is waited for.
pub(super) fn settle() {
    drop(Command::new("sync").status());
}

impl Arena {
    pub(super) fn build(&self) -> Program {
        Program::new(&self.packer, &self.project).args(&["build", "--quiet"])
    }

    fn status(&self) -> Program {
        Program::new(&self.packer, &self.project).args(&["status", "--quiet"])
    }

    /// `packer include` or `packer exclude`.
    pub(super) fn set_build(&self, word: &str, asset: &str) -> Program {
        Program::new(&self.packer, &self.project).args(&[word, "--yes", "--quiet"]).arg(asset)
    }

    fn git_status(&self) -> Program {
        Program::new("git", &self.project).args(&["status", "--porcelain"])
    }

    fn pack(&self) -> PathBuf {
        self.output.join("assets.pack")
    }

    /// Which pack is there: an inode and a time. It is another one once a build has published one.
    fn pack_stamp(&self) -> Result<(u64, Option<std::time::SystemTime>), ContestError> {
        let pack = self.pack();
        let metadata = fs::metadata(&pack).map_err(ContestError::io(&pack))?;
        Ok((inode(&metadata), metadata.modified().ok()))
    }

    /// Takes away everything that can be made again.
    pub(super) fn forget(&self) -> Result<(), ContestError> {
        for folder in [self.project.join(".packer"), self.output.clone()] {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ContestError::Io { path: folder, source: error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `git status` must have nothing to say, or it does more than to look.
    pub(super) fn check_clean(&self) -> Result<(), ContestError> {
        let mut command = Command::new("git");
        command.args(["status", "--porcelain"]).current_dir(&self.project);
        let output = command.output().map_err(ContestError::io(&self.project))?;
        let said = String::from_utf8_lossy(&output.stdout);
        if output.status.success() && said.is_empty() {
            return Ok(());
        }
        let said = said
            .lines()
            .chain(String::from_utf8_lossy(&output.stderr).lines())
            .take(3)
            .collect::<Vec<_>>()
            .join("; ");
        Err(ContestError::Dirty { project: self.project.clone(), said })
    }

    /// One build with nothing changed. It is an error if it did anything.
    fn unchanged_build(&self) -> Result<Sample, ContestError> {
        let before = self.pack_stamp()?;
        let sample = self.build().measure()?;
        if self.pack_stamp()? == before {
            Ok(sample)
        } else {
            Err(ContestError::NotUnchanged { pack: self.pack() })
        }
    }

    /// A build with nothing changed, and `git status`.
    pub(super) fn no_change(&self) -> Result<[Series; 2], ContestError> {
        settle();
        in_turn(
            self.rounds,
            [Box::new(|_| self.unchanged_build()), Box::new(|_| Ok(self.git_status().measure()?))],
        )
    }

    /// A build with nothing changed, alone.
    pub(super) fn no_change_alone(&self) -> Result<[Series; 1], ContestError> {
        settle();
        in_turn(self.rounds, [Box::new(|_| self.unchanged_build())])
    }

    /// `packer status`, and `git status`.
    pub(super) fn status_warm(&self) -> Result<[Series; 2], ContestError> {
        settle();
        in_turn(
            self.rounds,
            [Box::new(|_| Ok(self.status().measure()?)), Box::new(|_| Ok(self.git_status().measure()?))],
        )
    }

    /// `packer status`, alone.
    pub(super) fn status_alone(&self) -> Result<[Series; 1], ContestError> {
        settle();
        in_turn(self.rounds, [Box::new(|_| Ok(self.status().measure()?))])
    }

    /// A build with one input changed, another one each round; a build with nothing changed; and a copy of the pack. The
    /// inputs are put back at the end, and built once more.
    pub(super) fn one_change(&self) -> Result<[Series; 3], ContestError> {
        let inputs = self.some_raw_sources()?;
        let copy = self.scratch.join("copy.pack");
        let mut originals: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        let result = in_turn(
            self.rounds,
            [
                Box::new(|round| {
                    let (path, original) = change(&inputs[round])?;
                    originals.push((path, original));
                    settle();
                    let before = self.pack_stamp()?;
                    let sample = self.build().measure()?;
                    if self.pack_stamp()? == before {
                        return Err(ContestError::NotChanged { pack: self.pack() });
                    }
                    Ok(sample)
                }),
                Box::new(|_| {
                    settle();
                    self.unchanged_build()
                }),
                Box::new(|_| {
                    remove(&copy)?;
                    settle();
                    Ok(Program::new("cp", &self.scratch).arg(self.pack()).arg(&copy).measure()?)
                }),
            ],
        );
        for (path, original) in originals {
            fs::write(&path, original).map_err(ContestError::io(&path))?;
        }
        remove(&copy)?;
        let result = result?;
        self.build().measure()?;
        Ok(result)
    }

    /// A build from nothing, and `tar | zstd` of all files below the assets root.
    pub(super) fn clean_build(&self) -> Result<[Series; 2], ContestError> {
        let archive = self.scratch.join("assets.tar.zst");
        let peer = Program::new("sh", &self.scratch)
            .args(&["-c", r#"tar -cf - -C "$1" . | zstd -q -T2 -3 -f -o "$2""#, "sh"])
            .arg(&self.assets)
            .arg(&archive);
        let result = in_turn(
            self.rounds,
            [
                Box::new(|_| self.build_from_nothing()),
                Box::new(|_| {
                    remove(&archive)?;
                    settle();
                    Ok(peer.measure()?)
                }),
            ],
        );
        remove(&archive)?;
        result
    }

    /// A build from nothing, alone.
    pub(super) fn clean_build_alone(&self) -> Result<[Series; 1], ContestError> {
        in_turn(self.rounds, [Box::new(|_| self.build_from_nothing())])
    }

    /// A build from nothing, and whatever `peer` does.
    pub(super) fn clean_build_against(
        &self,
        mut peer: impl FnMut() -> Result<Sample, ContestError>,
    ) -> Result<[Series; 2], ContestError> {
        in_turn(self.rounds, [Box::new(|_| self.build_from_nothing()), Box::new(|_| peer())])
    }

    fn build_from_nothing(&self) -> Result<Sample, ContestError> {
        self.forget()?;
        settle();
        Ok(self.build().measure()?)
    }

    /// A raw source for each round, and for the one that warms: spread over the project.
    fn some_raw_sources(&self) -> Result<Vec<PathBuf>, ContestError> {
        let mut found = Vec::new();
        let mut folders = vec![self.assets.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(ContestError::io(&folder))? {
                let entry = entry.map_err(ContestError::io(&folder))?;
                let kind = entry.file_type().map_err(ContestError::io(&entry.path()))?;
                let path = entry.path();
                if kind.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "bin") {
                    found.push(path);
                }
            }
        }
        found.sort();
        let needed = self.rounds + 1;
        if found.len() < needed {
            return Err(ContestError::TooFew { assets: self.assets.clone(), found: found.len(), needed });
        }
        let step = found.len() / needed;
        Ok(found.into_iter().step_by(step).take(needed).collect())
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &fs::Metadata) -> u64 {
    0
}

/// Changes a byte in the middle of the file, and says what was there before.
fn change(path: &Path) -> Result<(PathBuf, Vec<u8>), ContestError> {
    let original = fs::read(path).map_err(ContestError::io(path))?;
    let mut changed = original.clone();
    let middle = changed.len() / 2;
    match changed.get_mut(middle) {
        Some(byte) => *byte ^= 0xff,
        None => changed.push(1),
    }
    fs::write(path, changed).map_err(ContestError::io(path))?;
    Ok((path.to_owned(), original))
}

fn remove(path: &Path) -> Result<(), ContestError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ContestError::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_take_turns_in_beginning_and_the_first_round_does_not_count() {
        let order = std::cell::RefCell::new(String::new());
        let contender = |name: char| -> Contender<'_> {
            let order = &order;
            Box::new(move |round| {
                order.borrow_mut().push(name);
                Ok(Sample { seconds: f64::from(round as u32), peak_bytes: 10 * round as u64, code: 0 })
            })
        };
        let [a, b] = in_turn(2, [contender('a'), contender('b')]).unwrap();
        assert_eq!(*order.borrow(), "abbaab");
        assert_eq!((a.seconds(), b.peak_bytes()), (vec![1.0, 2.0], 20));
    }

    #[test]
    fn a_change_changes_and_can_be_put_back() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["", "a", "abc"] {
            let path = folder.path().join("file");
            fs::write(&path, content).unwrap();
            let (_, original) = change(&path).unwrap();
            assert_ne!(fs::read(&path).unwrap(), content.as_bytes());
            assert_eq!(original, content.as_bytes());
        }
    }

    fn arena(folder: &Path, rounds: usize) -> Arena {
        let at = |name: &str| folder.join(name);
        Arena {
            packer: at("packer"),
            project: folder.to_owned(),
            assets: at("assets"),
            output: at("build"),
            scratch: at("scratch"),
            rounds,
        }
    }

    #[test]
    fn another_source_is_changed_in_every_round() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("assets/deep")).unwrap();
        for name in ["a.bin", "b.bin", "b.bin.asset.toml", "c.txt", "deep/d.bin", "deep/e.bin"] {
            fs::write(folder.path().join("assets").join(name), name).unwrap();
        }
        let sources = arena(folder.path(), 3).some_raw_sources().unwrap();
        let names: Vec<_> = sources.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["a.bin", "b.bin", "d.bin", "e.bin"]);
        let few = arena(folder.path(), 4).some_raw_sources();
        assert!(matches!(few, Err(ContestError::TooFew { found: 4, needed: 5, .. })));
    }

    #[test]
    fn what_can_be_made_again_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".packer/index", "build/assets.pack", "assets/a.bin"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        arena(folder.path(), 1).forget().unwrap();
        arena(folder.path(), 1).forget().unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["assets"]);
    }
}
