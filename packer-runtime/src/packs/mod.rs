//! Built packs: listing, verifying and unpacking them. Needs no project, unless a pack is to be compared with one.
//!
//! Files are read plainly, not mapped: whoever names a pack may change it meanwhile. Nothing is written but by `unpack`.

mod manifest;
mod verify;
mod workspace;

pub use verify::{PackProblem, PackProblemCode, PackReport, verify, verify_against};

use std::collections::BTreeSet;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{AssetId, Digest};
use packer_domain::kind::KindId;
use packer_domain::name::AssetName;
use packer_fs::disk::{Disk, DiskError, DiskOperation, OsDisk};
use packer_pack::{Entry, OpenOptions, Pack, Problem, Verify};
use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;

/// One asset in a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackRow {
    /// Its id.
    pub id: AssetId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How its payload is laid out, among the layouts of its kind.
    pub encoding: u8,
    /// How its payload is compressed: `none`, `zstd` or `lz4`.
    pub compression: String,
    /// Whether its payload is among those that are read first.
    pub preload: bool,
    /// Bytes of its payload.
    pub size: u64,
    /// Bytes that it takes in the pack.
    pub stored_size: u64,
    /// Digest of its payload; none for an absent asset.
    pub digest: Option<Digest>,
}

/// What unpacking wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnpackReport {
    /// How many files were written.
    pub files: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Assets of the pack that are absent, and have no file.
    pub absent: Vec<AssetId>,
}

/// Why a pack cannot be read, or not be unpacked.
#[derive(Debug, Error)]
pub enum PackError {
    /// It cannot be opened.
    #[error("{path} is not a pack that can be read: {message}")]
    Open {
        /// The pack.
        path: Utf8PathBuf,
        /// Why.
        message: String,
    },
    /// An asset of it cannot be read.
    #[error("asset {id} of {path} cannot be read: {message}")]
    Read {
        /// The pack.
        path: Utf8PathBuf,
        /// The asset's id.
        id: u32,
        /// Why.
        message: String,
    },
    /// A name or kind in it makes no safe file name.
    #[error("asset {id} of {path} has the name {name:?} and the kind {kind:?}, which make no file name")]
    Name {
        /// The pack.
        path: Utf8PathBuf,
        /// The asset's id.
        id: u32,
        /// Its name.
        name: String,
        /// Its kind.
        kind: String,
    },
    /// The folder to unpack to has something in it.
    #[error("{path} is not an empty folder")]
    NotEmpty {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// The threads that check payloads could not be started.
    #[error("{message}")]
    Threads {
        /// Why.
        message: String,
    },
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// What a pack holds, by id.
pub fn list(path: &Utf8Path) -> Result<Vec<PackRow>, PackError> {
    let pack = open(path, Verify::OnRead)?;
    let read = |id, message| PackError::Read { path: path.to_owned(), id, message };
    let entries = pack
        .entries()
        .map_err(|error| PackError::Open { path: path.to_owned(), message: error.to_string() })?;
    let mut rows = Vec::with_capacity(pack.len());
    for entry in entries {
        let id = entry.id();
        rows.push(PackRow {
            id: AssetId::new(id).ok_or_else(|| read(id, "its id is zero".to_owned()))?,
            name: entry.name().map_err(|error| read(id, error.to_string()))?.to_owned(),
            kind: entry.kind().map_err(|error| read(id, error.to_string()))?.to_owned(),
            encoding: entry.encoding(),
            compression: entry.compression().map_err(|error| read(id, error.to_string()))?.to_string(),
            preload: entry.is_preload(),
            size: entry.raw_size(),
            stored_size: entry.stored_size(),
            digest: (!entry.is_absent()).then(|| Digest::from_bytes(*entry.digest())),
        });
    }
    Ok(rows)
}

/// Everything that is wrong with an open pack, in the order in which [`Pack::verify`] says it, with the payloads divided
/// among the threads of `pool`.
pub(crate) fn verify_parallel(pack: &Pack, pool: &rayon::ThreadPool) -> Vec<Problem> {
    let check = |entry: &Entry<'_>| pack.verify_payload(entry);
    pool.install(|| {
        let (mut problems, payloads) = rayon::join(
            || pack.verify_index(),
            || pack.distinct_payloads().par_iter().filter_map(check).collect::<Vec<Problem>>(),
        );
        problems.extend(payloads);
        problems
    })
}

/// Writes every payload of a pack to `<name>.<kind>` below `folder`, or to `<name>~<id>.<kind>` where that is taken by a
/// file or a folder. Names are checked before anything is written, and nothing is ever written over.
pub fn unpack(path: &Utf8Path, folder: &Utf8Path) -> Result<UnpackReport, PackError> {
    let pack = open(path, Verify::OnRead)?;
    let mut targets = Vec::with_capacity(pack.len());
    let mut absent = Vec::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut folders: BTreeSet<String> = BTreeSet::new();
    let rows = list(path)?;
    for row in &rows {
        let plain = format!("{}.{}", safe_name(path, row)?, row.kind);
        folders
            .extend(Utf8Path::new(&plain).ancestors().skip(1).map(|folder| folder.as_str().to_lowercase()));
    }
    for row in rows {
        if row.digest.is_none() {
            absent.push(row.id);
            continue;
        }
        let plain = format!("{}.{}", row.name, row.kind);
        let is_free =
            |name: &String| !folders.contains(&name.to_lowercase()) && !taken.contains(&name.to_lowercase());
        let name = if is_free(&plain) { plain } else { format!("{}~{}.{}", row.name, row.id, row.kind) };
        taken.insert(name.to_lowercase());
        targets.push((row.id, name));
    }
    // Rooted nowhere: the folder is absolute, or relative to where the caller is.
    let disk = OsDisk::new(Utf8PathBuf::new());
    prepare_folder(&disk, folder)?;
    let mut report = UnpackReport { files: 0, bytes: 0, absent };
    for (id, name) in targets {
        let read = |message| PackError::Read { path: path.to_owned(), id: id.get(), message };
        let payload = pack.by_id(id.get()).and_then(|entry| entry.payload());
        let payload = payload.map_err(|error| read(error.to_string()))?;
        write_new(&disk, &folder.join(name), &payload)?;
        report.files += 1;
        report.bytes += payload.len() as u64;
    }
    Ok(report)
}

fn open(path: &Utf8Path, verify: Verify) -> Result<Pack, PackError> {
    Pack::open_plain(path, OpenOptions { verify, ..OpenOptions::default() }).map_err(|error| {
        let message = match &error {
            // The path is said already; why it cannot be read is not.
            packer_pack::OpenError::Io { source, .. } => source.to_string(),
            packer_pack::OpenError::NotAFile { .. } => "it is not a file".to_owned(),
            other => other.to_string(),
        };
        PackError::Open { path: path.to_owned(), message }
    })
}

fn safe_name<'r>(path: &Utf8Path, row: &'r PackRow) -> Result<&'r str, PackError> {
    if AssetName::parse(&row.name).is_ok() && KindId::parse(&row.kind).is_ok() {
        return Ok(&row.name);
    }
    Err(PackError::Name {
        path: path.to_owned(),
        id: row.id.get(),
        name: row.name.clone(),
        kind: row.kind.clone(),
    })
}

fn prepare_folder(disk: &dyn Disk, folder: &Utf8Path) -> Result<(), PackError> {
    disk.create_dir_all(folder)?;
    if disk.read_dir(folder)?.is_empty() {
        Ok(())
    } else {
        Err(PackError::NotEmpty { path: folder.to_owned() })
    }
}

fn write_new(disk: &dyn Disk, path: &Utf8Path, bytes: &[u8]) -> Result<(), PackError> {
    if let Some(parent) = path.parent() {
        disk.create_dir_all(parent)?;
    }
    let mut file = disk.create(path)?;
    let written = file.write_all(bytes).and_then(|()| file.flush());
    written
        .map_err(|source| DiskError { operation: DiskOperation::Write, path: path.to_owned(), source }.into())
}
