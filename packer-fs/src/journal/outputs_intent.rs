//! The intent of a commit of build outputs: what is staged, and where it goes.
//!
//! Read back as if it were hostile, like every intent. What the build record and the prepared outcome hold is not
//! understood here.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use packer_domain::identity::{Digest, OperationId, SourceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fingerprint::{FileFingerprint, Fingerprint};
use super::intent::{Decoded, IntentDamage, OUTPUTS_MAGIC, decode_document};
use super::steps::StepProblem;
use crate::disk::{Disk, DiskError, EntryKind};
use crate::layout;

/// One output, staged under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputFile {
    /// Its name in the output folder: one segment.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Their digest, where the caller has it at no cost; it is checked by recovery.
    pub digest: Option<Digest>,
}

/// What an operation is about to do, or did, to the build outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputsIntent {
    /// The operation.
    pub operation: OperationId,
    /// The source in whose log its events stand.
    pub source: SourceId,
    /// The output folder: absolute, or relative to the project's folder.
    pub folder: Utf8PathBuf,
    /// What is placed before the pack.
    pub files: Vec<OutputFile>,
    /// The pack, placed last.
    pub pack: OutputFile,
    /// The inodes of the staged files, in the order in which they are placed: how a placed file without a digest is
    /// told from the one that stood there before.
    pub inodes: Vec<u64>,
    /// The staged build record.
    pub record: FileFingerprint,
    /// Whether it survives a power cut.
    pub durable: bool,
    /// The boot that it was recorded in.
    pub boot: String,
    /// What is needed to end the operation in another process.
    pub prepared: Value,
}

impl OutputsIntent {
    /// The outputs in the order in which they are placed.
    pub fn in_order(&self) -> impl Iterator<Item = &OutputFile> {
        self.files.iter().chain([&self.pack])
    }

    pub(super) fn staging(&self) -> Utf8PathBuf {
        layout::output_staging(&self.folder, self.operation)
    }

    /// Whether it names only what a commit of outputs may touch.
    pub(super) fn check(&self) -> Result<(), (Utf8PathBuf, StepProblem)> {
        check_folder(&self.folder)?;
        let mut names = std::collections::BTreeSet::new();
        for file in self.in_order() {
            let path = self.folder.join(&file.name);
            let one_segment = matches!(
                Utf8Path::new(&file.name).components().collect::<Vec<_>>()[..],
                [Utf8Component::Normal(segment)] if segment == file.name
            );
            if !one_segment || file.name.contains('\0') || file.name.starts_with('.') {
                return Err((path, StepProblem::NotInside));
            }
            if !names.insert(file.name.as_str()) {
                return Err((path, StepProblem::PlacedTwice));
            }
        }
        Ok(())
    }
}

impl OutputFile {
    /// Whether the file at `path` is this one: by its digest, or else by the inode that it was staged as.
    pub(super) fn is_at(
        &self,
        disk: &dyn Disk,
        path: &Utf8Path,
        staged_as: Option<u64>,
    ) -> Result<bool, DiskError> {
        match self.digest {
            Some(digest) => {
                Ok(Fingerprint::take(disk, path)?.is(FileFingerprint { digest, size: self.size }))
            }
            None => Ok(staged_as.is_some() && self.inode_at(disk, path)? == staged_as),
        }
    }

    /// The inode of the file at `path`, if it is a file of this one's size.
    pub(super) fn inode_at(&self, disk: &dyn Disk, path: &Utf8Path) -> Result<Option<u64>, DiskError> {
        let stat = disk.stat(path)?.filter(|stat| stat.kind == EntryKind::File && stat.size == self.size);
        Ok(stat.map(|stat| stat.inode))
    }
}

/// Whether outputs may go there: not the project's folder itself, nor the packer's own.
pub(super) fn check_folder(folder: &Utf8Path) -> Result<(), (Utf8PathBuf, StepProblem)> {
    let mut parts = folder.components().peekable();
    let first = parts.peek().copied();
    let plain = |part| !matches!(part, Utf8Component::ParentDir | Utf8Component::CurDir);
    if folder.as_str().is_empty() || folder.as_str().contains('\0') || !parts.all(plain) {
        return Err((folder.to_owned(), StepProblem::NotInside));
    }
    match first {
        Some(Utf8Component::Normal(first)) if first.eq_ignore_ascii_case(layout::OPERATIONAL) => {
            Err((folder.to_owned(), StepProblem::Reserved))
        }
        _ => Ok(()),
    }
}

pub(super) fn decode_outputs(operation: OperationId, bytes: &[u8]) -> Decoded<OutputsIntent> {
    let intent: OutputsIntent = decode_document(OUTPUTS_MAGIC, bytes)?;
    if intent.operation != operation {
        return Err(IntentDamage::OtherOperation { found: intent.operation });
    }
    intent.check().map_err(|(path, problem)| IntentDamage::Impossible { path, problem })?;
    Ok(intent)
}
