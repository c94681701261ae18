//! `cargo xtask bench gen`: a complete project of any size, the same from the same seed.
//!
//! The project is as if `packer new` and `packer adopt` had made it: configuration, files for version control, sources in
//! folders of about a hundred files, an anchor beside each, and the registry with ids by the rule of the format. It is
//! clean to `packer check`, and builds. `spec` says what each asset is, `content` its bytes; here they are written, by
//! as many threads as the machine has.
//!
//! Memory grows by some twenty bytes an asset: only ids are kept. Nothing is synced.

mod content;
mod random;
mod spec;

pub(super) use spec::{KindMix, ProjectSpec};

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use packer_domain::identity::AssetId;

use spec::{AssetSpec, FOLDER_ASSETS, folder_path};

/// Why a project was not generated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenError {
    /// Something is there already.
    #[error("{} is not an empty folder", path.display())]
    NotEmpty { path: PathBuf },
    /// `packer new` did not make the project.
    #[error("packer new {} failed", path.display())]
    New { path: PathBuf },
    /// A file or folder could not be written.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Git could not be started.
    #[error("git {arguments}: {source}")]
    NoGit { arguments: String, source: io::Error },
    /// Git did not do it.
    #[error("git {arguments}: {message}")]
    Git { arguments: String, message: String },
}

impl GenError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generated {
    /// Bytes of all sources.
    pub(crate) source_bytes: u64,
    /// Folders that hold assets.
    pub(crate) folders: u64,
}

/// Writes the project to `folder`, which is empty or not there.
pub(crate) fn write(folder: &Path, spec: &ProjectSpec) -> Result<Generated, GenError> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(GenError::NotEmpty { path: folder.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(GenError::Io { path: folder.to_owned(), source }),
    }
    new_project(folder)?;
    let source_bytes = write_assets(&folder.join("assets"), spec)?;
    let registry = folder.join("registry.jsonl");
    write_registry(&registry, spec).map_err(GenError::io(&registry))?;
    Ok(Generated { source_bytes, folders: spec.folders() })
}

/// Commits everything in `folder` to a new repository of its own, which never tidies itself up while it is measured.
pub(crate) fn commit(folder: &Path) -> Result<(), GenError> {
    for arguments in [
        &["init", "--quiet"][..],
        &["config", "gc.auto", "0"],
        &["config", "maintenance.auto", "false"],
        &["add", "--all"],
        &[
            "-c",
            "user.name=bench",
            "-c",
            "user.email=bench@localhost",
            "-c",
            "commit.gpgsign=false",
            "commit",
            "--quiet",
            "--no-verify",
            "--message=Generated",
        ],
    ] {
        git(folder, arguments)?;
    }
    Ok(())
}

fn git(folder: &Path, arguments: &[&str]) -> Result<(), GenError> {
    let shown = || arguments.join(" ");
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output();
    let output = output.map_err(|source| GenError::NoGit { arguments: shown(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Err(GenError::Git { arguments: shown(), message })
}

/// What every project begins with is the packer's to say.
fn new_project(folder: &Path) -> Result<(), GenError> {
    let arguments = ["packer", "new", "--quiet", "--name", "generated", "--"].map(OsString::from);
    let arguments = arguments.into_iter().chain([folder.as_os_str().to_owned()]);
    let code = packer_cli::run(arguments, packer_cli::builtin_codecs());
    if code == ExitCode::SUCCESS { Ok(()) } else { Err(GenError::New { path: folder.to_owned() }) }
}

/// Writes every source and anchor below `root`, and says how many bytes the sources have.
fn write_assets(root: &Path, spec: &ProjectSpec) -> Result<u64, GenError> {
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let work = || {
        let mut bytes = 0;
        loop {
            let folder = next.fetch_add(1, Ordering::Relaxed);
            if folder >= spec.folders() || failed.load(Ordering::Relaxed) {
                return Ok(bytes);
            }
            let written = write_folder(root, spec, folder);
            failed.fetch_or(written.is_err(), Ordering::Relaxed);
            bytes += written?;
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = running.into_iter().map(|thread| thread.join().expect("writing does not panic"));
        ended.sum()
    })
}

fn write_folder(root: &Path, spec: &ProjectSpec, folder: u64) -> Result<u64, GenError> {
    let path = root.join(folder_path(folder));
    fs::create_dir_all(&path).map_err(GenError::io(&path))?;
    let first = folder * FOLDER_ASSETS;
    let mut written = 0;
    for number in first..(first + FOLDER_ASSETS).min(spec.assets) {
        let asset = spec.asset(number);
        let bytes = asset.source_bytes();
        written += bytes.len() as u64;
        for (path, bytes) in [(&asset.source, bytes), (&asset.anchor, asset.anchor_text().into_bytes())] {
            let path = root.join(path);
            fs::write(&path, bytes).map_err(GenError::io(&path))?;
        }
    }
    Ok(written)
}

/// Writes the registry as the packer does: sorted by id, each id the first of its asset's candidates that is free.
fn write_registry(path: &Path, spec: &ProjectSpec) -> io::Result<()> {
    let mut taken: HashSet<AssetId> = HashSet::new();
    let mut lines: Vec<(AssetId, u32)> = Vec::new();
    for number in 0..spec.assets {
        let mut candidates = AssetId::candidates(spec.asset(number).uuid);
        let id = candidates.find(|id| taken.insert(*id));
        let id = id.ok_or_else(|| io::Error::other("more assets than ids"))?;
        lines.push((id, u32::try_from(number).map_err(io::Error::other)?));
    }
    drop(taken);
    lines.sort_unstable();
    let mut out = BufWriter::new(fs::File::create(path)?);
    writeln!(out, r#"{{"schema":1,"lineage":"{}"}}"#, spec.lineage())?;
    for (id, number) in lines {
        // Generated paths have nothing that JSON escapes.
        let AssetSpec { uuid, anchor, .. } = spec.asset(u64::from(number));
        writeln!(out, r#"{{"id":{id},"uuid":"{uuid}","anchor":"{anchor}","build":"included"}}"#)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests;
