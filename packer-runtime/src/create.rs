//! Creating a project in a folder, without touching anything that is there already.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::config::{ProjectConfig, parse_config};
use packer_domain::identity::LineageId;
use packer_domain::kind::KindCatalog;
use packer_domain::registry::Registry;
use packer_fs::disk::{Disk, DiskError, DiskOperation, EntryKind, OsDisk};
use packer_fs::{layout, registry_file};
use serde::Serialize;
use thiserror::Error;

use crate::clock;

/// The files for version control: their names, their lines, and what those are for.
const VERSION_CONTROL: [(&str, &str, &str); 2] = [
    (
        ".gitattributes",
        "registry.jsonl text eol=lf merge=union\n",
        "so that two branches that both adopt assets merge",
    ),
    (".gitignore", "/build/\n/.packer/\n", "so that what can be made again is not committed"),
];

/// A file for version control of more bytes is not read.
const MAX_VERSION_CONTROL_BYTES: u64 = 1 << 20;

/// Why no project was created.
#[derive(Debug, Error)]
pub enum CreateError {
    /// Something of a project is there already.
    #[error("{path} is there already")]
    Exists {
        /// What.
        path: Utf8PathBuf,
    },
    /// Something that is no folder stands where the sources are to be.
    #[error("{path} is not a folder")]
    NotAFolder {
        /// What.
        path: Utf8PathBuf,
    },
    /// No project can have the name.
    #[error("{name:?} cannot be a project's name: expected a line of 1 to 128 bytes")]
    Name {
        /// The name.
        name: String,
    },
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// A project that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedProject {
    /// The files that were made.
    pub made: Vec<Utf8PathBuf>,
    /// What files that were there already, and were left as they are, do not say.
    pub missing: Vec<MissingLine>,
}

/// A line that a file of the project's version control should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MissingLine {
    /// The file.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub file: Utf8PathBuf,
    /// The line.
    pub line: String,
    /// What it is for, in one line without a final period.
    pub why: &'static str,
}

/// Creates a project called `name` in `folder`, which may exist, and says which files were made.
///
/// `.gitattributes` and `.gitignore` that are there already are left as they are; what they lack is among the missing lines.
pub fn create_project(folder: &Utf8Path, name: &str) -> Result<CreatedProject, CreateError> {
    let config = ProjectConfig::new_project_text(name);
    if parse_config(&config, layout::CONFIG, &KindCatalog::new([])).output.is_none() {
        return Err(CreateError::Name { name: name.to_owned() });
    }
    // Rooted nowhere: the folder is absolute, or relative to where the caller is.
    let disk = OsDisk::new(Utf8PathBuf::new());
    disk.create_dir_all(folder)?;
    for name in [layout::CONFIG, layout::REGISTRY] {
        let path = folder.join(name);
        if disk.stat(&path)?.is_some() {
            return Err(CreateError::Exists { path });
        }
    }
    let registry = registry_file::encode(&Registry::new(LineageId::drawn(clock::draw())));
    let mut made = Vec::new();
    let mut missing = Vec::new();
    let assets = folder.join("assets");
    match disk.stat(&assets)? {
        None => disk.create_dir(&assets)?,
        Some(stat) if stat.kind == EntryKind::Dir => {}
        Some(_) => return Err(CreateError::NotAFolder { path: assets }),
    }
    for (name, contents, why) in VERSION_CONTROL {
        let path = folder.join(name);
        if disk.stat(&path)?.is_none() {
            write(&disk, &path, contents.as_bytes())?;
            made.push(path);
        } else {
            // Of a file that cannot be read, or is no text, nothing is known to be there.
            let there = disk.read(&path, MAX_VERSION_CONTROL_BYTES).unwrap_or_default();
            let there = String::from_utf8_lossy(&there);
            let lacks = |line: &&str| !there.lines().any(|found| found.trim() == *line);
            let lines = contents.lines().filter(lacks);
            missing.extend(lines.map(|line| MissingLine { file: path.clone(), line: line.to_owned(), why }));
        }
    }
    write(&disk, &folder.join(layout::REGISTRY), &registry)?;
    made.push(folder.join(layout::REGISTRY));
    // Last, because it is what makes the folder a project.
    write(&disk, &folder.join(layout::CONFIG), config.as_bytes())?;
    made.push(folder.join(layout::CONFIG));
    disk.sync_dir(folder)?;
    Ok(CreatedProject { made, missing })
}

fn write(disk: &OsDisk, path: &Utf8Path, bytes: &[u8]) -> Result<(), DiskError> {
    let fail = |operation| move |source| DiskError { operation, path: path.to_owned(), source };
    let mut file = disk.create(path)?;
    file.write_all(bytes).map_err(fail(DiskOperation::Write))?;
    file.sync().map_err(fail(DiskOperation::Sync))
}
