//! Typed constants beside the pack: which files a build makes, which of them it leaves in place, and which of the last
//! build's it removes.
//!
//! What is in them is the domain's. They are placed with the manifest and the pack, but for one: a file that has just these
//! bytes already is left alone, so that what is compiled from it is not compiled again because a picture changed. A durable
//! build places all of them anew, since nobody knows whether the former one reached the disk.

use camino::Utf8Path;
use packer_domain::build::BuildPlan;
use packer_domain::constants::{ConstantRow, ConstantsLanguage, constants_text};
use packer_domain::identity::Digest;
use packer_fs::build_record::{BuildRecord, OutputFact};
use packer_fs::disk::EntryKind;
use packer_fs::layout;

use super::commit::Staging;
use super::former::file_is;
use crate::operation::Stop;
use crate::shared::Shared;

/// One file of constants, as the plan has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConstantsFile {
    language: ConstantsLanguage,
    /// Bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub digest: Digest,
}

impl ConstantsFile {
    /// Its name in the output folder.
    pub(super) fn name(&self) -> &'static str {
        self.language.file_name()
    }
}

/// The files that belong to `plan`. Only one text at a time is held.
pub(super) fn planned(plan: &BuildPlan) -> Vec<ConstantsFile> {
    let file = |language| {
        let text = text(plan, language);
        ConstantsFile { language, size: text.len() as u64, digest: Digest::of(text.as_bytes()) }
    };
    plan.options.constants.iter().map(file).collect()
}

/// The assets of a pack have constants, also those that are absent from it: code that names one compiles all the same.
fn text(plan: &BuildPlan, language: ConstantsLanguage) -> String {
    let present = plan.entries.iter().map(|entry| ConstantRow {
        id: entry.id(),
        name: entry.name(),
        kind: entry.kind(),
    });
    let absent =
        plan.absent.iter().map(|entry| ConstantRow { id: entry.id, name: &entry.name, kind: &entry.kind });
    let rows: Vec<ConstantRow<'_>> = present.chain(absent).collect();
    constants_text(language, &rows)
}

/// A file of constants that is there once the build is committed.
pub(super) enum ReadyConstants {
    /// It is staged.
    Staged(ConstantsFile),
    /// It stays as it is, and this is to be remembered of it.
    Kept(OutputFact),
}

impl ReadyConstants {
    /// The file, if it is staged.
    pub(super) fn staged(&self) -> Option<&ConstantsFile> {
        match self {
            Self::Staged(file) => Some(file),
            Self::Kept(_) => None,
        }
    }
}

/// Stages the files of `plan` that do not stand in `folder` already.
pub(super) fn stage(
    shared: &Shared,
    staging: &Staging,
    folder: &Utf8Path,
    plan: &BuildPlan,
    files: &[ConstantsFile],
) -> Result<Vec<ReadyConstants>, Stop> {
    let durable = plan.options.durable;
    let ready = |file: &ConstantsFile| {
        let kept = if durable { None } else { standing(shared, folder, file) };
        if let Some(fact) = kept {
            return Ok(ReadyConstants::Kept(fact));
        }
        staging.write_file(file.name(), text(plan, file.language).as_bytes(), durable)?;
        Ok(ReadyConstants::Staged(*file))
    };
    files.iter().map(ready).collect()
}

/// The file in `folder`, if it has these bytes.
fn standing(shared: &Shared, folder: &Utf8Path, file: &ConstantsFile) -> Option<OutputFact> {
    let path = folder.join(file.name());
    let stat = shared.disk.stat(&path).ok()??;
    if stat.kind != EntryKind::File || stat.size != file.size {
        return None;
    }
    let fact = OutputFact::new(path, file.digest, &stat);
    // Looked at again: what the record says of it is of the bytes that were read.
    let is_it = file_is(shared, &fact) && fact.is_unchanged(shared.disk.stat(&fact.path).ok()?.as_ref());
    is_it.then_some(fact)
}

/// The constants of the last build in `folder` that nobody asks for any more, as its record has them. To be asked before
/// that is replaced.
pub(super) fn stale(shared: &Shared, folder: &Utf8Path, plan: &BuildPlan) -> Vec<OutputFact> {
    let others =
        ConstantsLanguage::ALL.into_iter().filter(|language| !plan.options.constants.contains(*language));
    let paths = others.map(|language| folder.join(language.file_name()));
    let there: Vec<_> =
        paths.filter(|path| shared.disk.stat(path).is_ok_and(|stat| stat.is_some())).collect();
    if there.is_empty() {
        return Vec::new();
    }
    match BuildRecord::load(&*shared.disk, layout::BUILD_RECORD.into()) {
        Ok(Some(record)) => {
            record.head().others.iter().filter(|fact| there.contains(&fact.path)).cloned().collect()
        }
        Ok(None) | Err(_) => Vec::new(),
    }
}

/// Removes those that still have the bytes that were recorded. What somebody wrote there since is not the packer's.
pub(super) fn remove(shared: &Shared, stale: &[OutputFact]) {
    for fact in stale {
        if file_is(shared, fact)
            && let Err(error) = shared.disk.remove_file(&fact.path)
        {
            tracing::warn!(%error, "constants that nobody asks for any more stay behind");
        }
    }
}
