//! Creating a project in a folder, without touching anything that is there already.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::config::{ProjectConfig, parse_config};
use packer_domain::identity::LineageId;
use packer_domain::kind::KindCatalog;
use packer_domain::registry::Registry;
use packer_fs::disk::{Disk, DiskError, DiskOperation, EntryKind, OsDisk};
use packer_fs::{layout, registry_file};
use thiserror::Error;

use crate::clock;

/// So that two branches that both adopt assets merge.
const GIT_ATTRIBUTES: &str = "registry.jsonl text eol=lf merge=union\n";

/// What a build and the packer's own work leave in a project, for version control to pass over.
const GIT_IGNORE: &str = "/build/\n/.packer/\n";

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

/// Creates a project called `name` in `folder`, which may exist, and says which files were made.
///
/// `.gitattributes` and `.gitignore` that are there already are left as they are, and not among the files made.
pub fn create_project(folder: &Utf8Path, name: &str) -> Result<Vec<Utf8PathBuf>, CreateError> {
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
    let assets = folder.join("assets");
    match disk.stat(&assets)? {
        None => disk.create_dir(&assets)?,
        Some(stat) if stat.kind == EntryKind::Dir => {}
        Some(_) => return Err(CreateError::NotAFolder { path: assets }),
    }
    for (name, contents) in [(".gitattributes", GIT_ATTRIBUTES), (".gitignore", GIT_IGNORE)] {
        let path = folder.join(name);
        if disk.stat(&path)?.is_none() {
            write(&disk, &path, contents.as_bytes())?;
            made.push(path);
        }
    }
    write(&disk, &folder.join(layout::REGISTRY), &registry)?;
    made.push(folder.join(layout::REGISTRY));
    // Last, because it is what makes the folder a project.
    write(&disk, &folder.join(layout::CONFIG), config.as_bytes())?;
    made.push(folder.join(layout::CONFIG));
    disk.sync_dir(folder)?;
    Ok(made)
}

fn write(disk: &OsDisk, path: &Utf8Path, bytes: &[u8]) -> Result<(), DiskError> {
    let fail = |operation| move |source| DiskError { operation, path: path.to_owned(), source };
    let mut file = disk.create(path)?;
    file.write_all(bytes).map_err(fail(DiskOperation::Write))?;
    file.sync().map_err(fail(DiskOperation::Sync))
}
