//! Looking at what a plan needs to know: paths of the workspace, and what the packer keeps of operations. Reads only, and
//! decides nothing.

use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::Digest;
use packer_domain::mutation::{Contents, HEAD_BYTES, Mutation, Need, PathState, needs};
use packer_domain::path::AssetPath;
use packer_domain::workspace::WorkspaceState;
use packer_fs::disk::{Disk, DiskError, DiskOperation, EntryKind};
use packer_fs::layout;
use packer_fs::scan::{Coverage, Covered};

use super::kept::kept_operation;

/// An anchor is never larger; a larger file is not read for an edit.
pub(super) const MAX_EDITED_BYTES: u64 = 1 << 20;

/// Looks at everything that planning `mutation` needs to know, until nothing is lacking.
pub(crate) fn look_at(
    disk: &dyn Disk,
    state: &WorkspaceState,
    mutation: &Mutation,
) -> Result<Contents, DiskError> {
    let mut contents = Contents::default();
    let root = state.config().assets.clone();
    let mut look = Look { disk, coverage: Coverage::new(disk, &root), device: None, root: &root };
    loop {
        let lacking = needs(state, &contents, mutation);
        if lacking.is_empty() {
            return Ok(contents);
        }
        for (path, need) in lacking.paths {
            let found = look.at(&path, need)?;
            contents.insert(path, need, found);
        }
        for operation in lacking.operations {
            let kept = kept_operation(disk, &root, operation)?;
            contents.insert_operation(operation, kept);
        }
    }
}

struct Look<'d> {
    disk: &'d dyn Disk,
    coverage: Coverage<'d>,
    /// The device of the project's folder, once it was asked for.
    device: Option<u64>,
    root: &'d Utf8Path,
}

impl Look<'_> {
    fn at(&mut self, asset_path: &AssetPath, need: Need) -> Result<PathState, DiskError> {
        let path: Utf8PathBuf = self.root.join(asset_path.as_path());
        let Some(stat) = self.disk.stat(&path)? else {
            let covered = self.coverage.of_file(asset_path);
            return Ok(
                covered.map_or(PathState::Absent, |covered| PathState::Ignored { rule: rule(&covered) })
            );
        };
        match (stat.kind, need) {
            (EntryKind::Dir, _) if stat.device == self.device()? => Ok(PathState::Folder),
            (EntryKind::Dir, _) => Ok(PathState::Mount),
            (EntryKind::Symlink, _) => Ok(PathState::Link),
            (EntryKind::Other, _) => Ok(PathState::Other),
            (EntryKind::File, Need::State) => Ok(PathState::File { digest: None, bytes: Vec::new() }),
            (EntryKind::File, Need::Head) => {
                let mut file = self.disk.open(&path)?;
                let mut bytes = Vec::new();
                let read = (&mut file).take(HEAD_BYTES).read_to_end(&mut bytes);
                read.map_err(|source| DiskError { operation: DiskOperation::Read, path, source })?;
                Ok(PathState::File { digest: None, bytes })
            }
            (EntryKind::File, Need::Contents) => match self.disk.read(&path, MAX_EDITED_BYTES) {
                Ok(bytes) => Ok(PathState::File { digest: Some(Digest::of(&bytes)), bytes }),
                // The plan then says that it is no readable anchor.
                Err(error) if error.source.kind() == std::io::ErrorKind::FileTooLarge => {
                    Ok(PathState::File { digest: None, bytes: Vec::new() })
                }
                Err(error) => Err(error),
            },
        }
    }

    fn device(&mut self) -> Result<u64, DiskError> {
        if let Some(known) = self.device {
            return Ok(known);
        }
        // What is moved goes through the packer's own folder, where there is one.
        let stat = match self.disk.stat(layout::OPERATIONAL.into())? {
            Some(stat) => Some(stat),
            None => self.disk.stat(layout::ROOT.into())?,
        };
        let device = stat.map_or(0, |stat| stat.device);
        self.device = Some(device);
        Ok(device)
    }
}

fn rule(covered: &Covered) -> String {
    match &covered.pattern {
        Some((file, pattern)) => format!("`{pattern}` in {file}"),
        None => format!("names such as {} are passed over everywhere", covered.covered.file_name()),
    }
}
