//! What figures depend on besides the code: the machine, its load, its file system, and the versions of the peers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Above this share of the cores' time used by others, ratios are not to be trusted.
const MUCH_LOAD: f64 = 0.5;

/// Bytes on the disk that a generated asset needs, with its anchor, its object in git's store, and the packs.
const BYTES_PER_ASSET: u64 = 32 << 10;

/// The same, outside of a git repository.
const BYTES_PER_ASSET_WITHOUT_GIT: u64 = 16 << 10;

/// Files per asset: a source and an anchor, and an object of git's for each.
const FILES_PER_ASSET: u64 = 5;

/// Where figures were measured.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) kernel: String,
    pub(super) file_system: String,
    /// The load average of the last minute, when the bench began.
    pub(super) load: Option<f64>,
    /// Each program, and the first line in which it says its version; `None` if it is not there.
    pub(super) versions: Vec<(&'static str, Option<String>)>,
}

impl Machine {
    /// Looks at this one; `folder` is where the projects are.
    pub(super) fn look(packer: &Path, folder: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let load = read("/proc/loadavg").split_whitespace().next().and_then(|load| load.parse().ok());
        let mounts = read("/proc/self/mounts");
        let kernel = match read("/proc/sys/kernel/osrelease").trim() {
            "" => std::env::consts::OS.to_owned(),
            release => format!("{} {release}", std::env::consts::OS),
        };
        let versions = vec![
            ("packer", version(packer)),
            ("git", version(Path::new("git"))),
            ("tar", version(Path::new("tar"))),
            ("zstd", version(Path::new("zstd"))),
        ];
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel,
            file_system: file_system(&mounts, folder).unwrap_or_else(|| "unknown".to_owned()),
            load,
            versions,
        }
    }

    /// Whether a program is there.
    pub(super) fn has(&self, program: &str) -> bool {
        self.versions.iter().any(|(name, version)| *name == program && version.is_some())
    }

    /// What is to be said of the load, if there is too much of it.
    pub(super) fn load_warning(&self) -> Option<String> {
        let cores = f64::from(u32::try_from(self.cores).unwrap_or(u32::MAX));
        let load = self.load.filter(|load| *load > MUCH_LOAD * cores)?;
        Some(format!(
            "the load average is {load:.2} on {} cores: others use the machine, and the ratios are not to be trusted",
            self.cores
        ))
    }
}

fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim().trim_matches('*').trim();
    output.status.success().then(|| line.to_owned())
}

/// The type of the file system that `folder` is on, told from the system's list of mounts.
fn file_system(mounts: &str, folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mut best: Option<(PathBuf, &str)> = None;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(at), Some(kind)) = (words.next(), words.next()) else { continue };
        // Spaces stand in this list as their octal code.
        let at = PathBuf::from(at.replace("\\040", " "));
        let longer =
            best.as_ref().is_none_or(|(other, _)| at.components().count() >= other.components().count());
        if folder.starts_with(&at) && longer {
            best = Some((at, kind));
        }
    }
    best.map(|(_, kind)| kind.to_owned())
}

/// Why there is no room, if there is none: for a project of `assets`, with a repository of its own or without, in
/// `folder`, which exists.
#[cfg(unix)]
pub(super) fn lacks_room(folder: &Path, assets: u64, git: bool) -> Option<String> {
    let stat = nix::sys::statvfs::statvfs(folder).ok()?;
    let free = stat.blocks_available() as u64 * stat.fragment_size() as u64;
    let per_asset = if git { BYTES_PER_ASSET } else { BYTES_PER_ASSET_WITHOUT_GIT };
    let (bytes, files) = (assets.saturating_mul(per_asset), assets.saturating_mul(FILES_PER_ASSET));
    if free < bytes {
        return Some(format!("{} MB are free, and {} MB are needed", free / 1_000_000, bytes / 1_000_000));
    }
    // A file system that has no fixed number of files says zero.
    let nodes = stat.files_available() as u64;
    let short = stat.files() > 0 && nodes < files;
    short.then(|| format!("{nodes} files more can be made, and {files} are needed"))
}

#[cfg(not(unix))]
pub(super) fn lacks_room(_folder: &Path, _assets: u64, _git: bool) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_that_of_the_nearest_mount() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().canonicalize().unwrap();
        let mounts =
            format!("none /nowhere odd rw 0 0\n/dev/a / ext4 rw 0 0\n/dev/b {} xfs rw 0 0\n", deep.display());
        assert_eq!(file_system(&mounts, &deep).as_deref(), Some("xfs"));
        assert_eq!(file_system(&mounts, Path::new("/")).as_deref(), Some("ext4"));
        assert_eq!(file_system("", &deep), None);
    }

    #[test]
    fn load_is_warned_of_when_it_is_half_of_the_cores() {
        let of = |load| Machine {
            cores: 4,
            kernel: String::new(),
            file_system: String::new(),
            load,
            versions: Vec::new(),
        };
        assert!(of(Some(2.1)).load_warning().is_some());
        assert_eq!(of(Some(1.9)).load_warning(), None);
        assert_eq!(of(None).load_warning(), None);
    }

    #[test]
    fn a_project_without_end_has_no_room() {
        if cfg!(unix) {
            assert!(lacks_room(Path::new("/"), u64::MAX, true).is_some());
        }
        assert_eq!(lacks_room(Path::new("/"), 0, true), None);
    }
}
