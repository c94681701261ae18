//! What the packer keeps of operations, as planners read it: the journal's and the history's paths are those of the
//! project, theirs those below the assets root. Reads only; what is kept for how long is decided elsewhere.

use std::collections::BTreeSet;

use camino::Utf8Path;
use packer_domain::anchor::anchor_form;
use packer_domain::identity::OperationId;
use packer_domain::mutation::{AppliedOperation, KeptFile, KeptOperation, PlacedFile, TakenFile};
use packer_domain::observation::FileFact;
use packer_domain::path::AssetPath;
use packer_fs::disk::{Disk, DiskError};
use packer_fs::journal::{self, FileFingerprint, HistoryError, Intent, Origin};
use packer_fs::layout;
use packer_fs::undo_record::UndoRecord;

use super::look::MAX_EDITED_BYTES;

/// What is kept of `operation`, for a project whose assets root is `root`.
pub(super) fn kept_operation(
    disk: &dyn Disk,
    root: &Utf8Path,
    operation: OperationId,
) -> Result<KeptOperation, DiskError> {
    match journal::read_history(disk, operation) {
        Ok(intent) => match applied(disk, root, &intent) {
            Ok(applied) => Ok(KeptOperation::Applied(applied)),
            Err(Unusable::Because(reason)) => Ok(KeptOperation::Unusable { reason }),
            Err(Unusable::Disk(error)) => Err(error),
        },
        Err(HistoryError::Absent { .. }) => Ok(KeptOperation::Nothing),
        Err(HistoryError::Damaged { source, .. }) => {
            Ok(KeptOperation::Unusable { reason: source.to_string() })
        }
        Err(HistoryError::Disk { source, .. }) => Err(source),
    }
}

enum Unusable {
    Because(String),
    Disk(DiskError),
}

impl From<String> for Unusable {
    fn from(reason: String) -> Self {
        Self::Because(reason)
    }
}

fn applied(disk: &dyn Disk, root: &Utf8Path, intent: &Intent) -> Result<AppliedOperation, Unusable> {
    let record = UndoRecord::decode(&intent.inverse).map_err(|error| error.to_string())?;
    if record.assets != root {
        return Err(format!("the assets root was {} then, and is {root} now", record.assets).into());
    }
    let work = &intent.work;
    let folders = |paths: &[camino::Utf8PathBuf]| -> Result<Vec<AssetPath>, String> {
        paths.iter().map(|path| below(root, path)).collect()
    };
    let mut applied = AppliedOperation {
        made_folders: folders(&work.make_dirs)?,
        // Outermost first, as they are to be made again.
        removed_folders: folders(&work.remove_dirs)?.into_iter().rev().collect(),
        lines_before: record.lines_before,
        lines_after: record.lines_after,
        ..AppliedOperation::default()
    };
    let mut moved = BTreeSet::new();
    for item in &work.placed {
        let from = match item.origin {
            Origin::Staged(_) => None,
            Origin::Displaced(number) => {
                moved.insert(number);
                let origin = work.displaced.get(number as usize);
                let origin = origin.ok_or_else(|| "it moves a file that it does not have".to_owned())?;
                Some(below(root, &origin.path)?)
            }
        };
        applied.placed.push(PlacedFile { path: below(root, &item.path)?, after: fact(item.after), from });
    }
    for (number, item) in work.displaced.iter().enumerate() {
        let number = u32::try_from(number).map_err(|_| "it has more files than any commit".to_owned())?;
        if moved.contains(&number) {
            continue;
        }
        let path = below(root, &item.path)?;
        let kept = KeptFile::History { operation: intent.operation, number };
        let text = match anchor_form(&path) {
            Some(_) => text(disk, &layout::history_file(intent.operation, number))?,
            None => None,
        };
        applied.taken.push(TakenFile { path, before: fact(item.before), kept, text });
    }
    Ok(applied)
}

/// The text of a kept anchor; none where it is none.
fn text(disk: &dyn Disk, path: &Utf8Path) -> Result<Option<String>, Unusable> {
    match disk.read(path, MAX_EDITED_BYTES) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(error) if error.is_not_found() => Err(format!("{path} is gone").into()),
        Err(error) if error.source.kind() == std::io::ErrorKind::FileTooLarge => Ok(None),
        Err(error) => Err(Unusable::Disk(error)),
    }
}

fn fact(file: FileFingerprint) -> FileFact {
    FileFact { size: file.size, digest: file.digest }
}

fn below(root: &Utf8Path, path: &Utf8Path) -> Result<AssetPath, String> {
    let below = path.strip_prefix(root).map_err(|_| format!("{path} is not below the assets root"))?;
    AssetPath::parse(below.as_str()).map_err(|error| error.to_string())
}
