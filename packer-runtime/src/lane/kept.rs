//! What the packer keeps of operations, as planners read it: the journal's and the history's paths are those of the
//! project, theirs those below the assets root. Reads only; what is kept for how long is decided elsewhere.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::anchor::anchor_form;
use packer_domain::identity::OperationId;
use packer_domain::mutation::{
    AppliedOperation, FrozenBytes, FrozenContents, FrozenFile, FrozenOperation, KeptFile, KeptOperation,
    PlacedFile, TakenFile,
};
use packer_domain::observation::FileFact;
use packer_domain::path::AssetPath;
use packer_fs::disk::{Disk, DiskError};
use packer_fs::journal::{
    self, BytesAt, FileFacts, FileFingerprint, FrozenFacts, FrozenFactsError, HistoryError, Intent, Origin,
    PathFacts, kept_path,
};
use packer_fs::layout;
use packer_fs::registry_file;
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
        Err(HistoryError::Absent { .. } | HistoryError::NoFile { .. } | HistoryError::Pending { .. }) => {
            frozen(disk, root, operation)
        }
        Err(HistoryError::Damaged { source, .. }) => {
            Ok(KeptOperation::Unusable { reason: source.to_string() })
        }
        Err(HistoryError::Disk { source, .. }) => Err(source),
    }
}

fn frozen(disk: &dyn Disk, root: &Utf8Path, operation: OperationId) -> Result<KeptOperation, DiskError> {
    let facts = match journal::frozen_facts(disk, operation) {
        Ok(facts) => facts,
        Err(FrozenFactsError::NotFrozen { .. }) => return Ok(KeptOperation::Nothing),
        Err(FrozenFactsError::Damaged { source, .. }) => {
            return Ok(KeptOperation::FrozenUnknown { reason: source.to_string() });
        }
        Err(FrozenFactsError::Disk { source, .. }) => return Err(source),
    };
    match of_facts(disk, root, &facts) {
        Ok(frozen) => Ok(KeptOperation::Frozen(frozen)),
        Err(Unusable::Because(reason)) => Ok(KeptOperation::FrozenUnknown { reason }),
        Err(Unusable::Disk(error)) => Err(error),
    }
}

fn of_facts(disk: &dyn Disk, root: &Utf8Path, facts: &FrozenFacts) -> Result<FrozenOperation, Unusable> {
    let record = undo_record(root, &facts.intent)?;
    let contents = |found: &Option<FileFacts>, is_anchor: bool| -> Result<Option<FrozenContents>, Unusable> {
        let Some(FileFacts { file, at }) = found else { return Ok(None) };
        let text = match at {
            BytesAt::Kept(kept) if is_anchor => text(disk, &kept_path(*kept))?,
            BytesAt::Kept(_) | BytesAt::Place(_) | BytesAt::Gone => None,
        };
        let at = match at {
            BytesAt::Place(path) => FrozenBytes::Place(below(root, path)?),
            BytesAt::Kept(kept) => FrozenBytes::Kept(*kept),
            BytesAt::Gone => FrozenBytes::Gone,
        };
        Ok(Some(FrozenContents { fact: fact(*file), at, text }))
    };
    let file = |facts: &PathFacts| -> Result<FrozenFile, Unusable> {
        let path = below(root, &facts.path)?;
        let is_anchor = anchor_form(&path).is_some();
        Ok(FrozenFile {
            before: contents(&facts.before, is_anchor)?,
            after: contents(&facts.after, is_anchor)?,
            saved: contents(&facts.saved, is_anchor)?,
            path,
        })
    };
    let files: Result<Vec<FrozenFile>, Unusable> = facts.paths.iter().map(file).collect();
    // What somebody saved after that counts instead; then the earlier one is in the history alone.
    let is_ours = facts.registry.after.as_ref().is_some_and(|after| facts.registry.found.is(after.file));
    let saved_registry = match facts.registry.saved.as_ref().filter(|_| is_ours) {
        Some(FileFacts { at: BytesAt::Kept(kept), .. }) => {
            let loaded = registry_file::load(disk, &kept_path(*kept));
            Some(loaded.map_err(|error| format!("the registry that was saved meanwhile: {error}"))?.registry)
        }
        Some(_) | None => None,
    };
    let work = &facts.intent.work;
    Ok(FrozenOperation {
        files: files?,
        made_folders: folders(root, &work.make_dirs)?,
        removed_folders: folders(root, &work.remove_dirs)?.into_iter().rev().collect(),
        lines_before: record.lines_before,
        lines_after: record.lines_after,
        saved_registry,
    })
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
    let record = undo_record(root, intent)?;
    let work = &intent.work;
    let mut applied = AppliedOperation {
        made_folders: folders(root, &work.make_dirs)?,
        // Outermost first, as they are to be made again.
        removed_folders: folders(root, &work.remove_dirs)?.into_iter().rev().collect(),
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
        let at = layout::history_file(intent.operation, number);
        let size = disk.stat(&at).map_err(Unusable::Disk)?.map(|stat| stat.size);
        if size != Some(item.before.size) {
            return Err(format!("{at} is gone, or is not what was put there").into());
        }
        let text = match anchor_form(&path) {
            Some(_) => text(disk, &at)?,
            None => None,
        };
        applied.taken.push(TakenFile { path, before: fact(item.before), kept, text });
    }
    Ok(applied)
}

fn undo_record(root: &Utf8Path, intent: &Intent) -> Result<UndoRecord, String> {
    let record = UndoRecord::decode(&intent.inverse).map_err(|error| error.to_string())?;
    if record.assets != root {
        return Err(format!("the assets root was {} then, and is {root} now", record.assets));
    }
    Ok(record)
}

fn folders(root: &Utf8Path, paths: &[Utf8PathBuf]) -> Result<Vec<AssetPath>, String> {
    paths.iter().map(|path| below(root, path)).collect()
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
