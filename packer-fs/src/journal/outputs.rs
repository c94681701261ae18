//! The commit of build outputs: staged in the output folder, renamed over the former ones with the pack last, and then
//! recorded.
//!
//! Outputs can be made again, so nothing here freezes, and former outputs go nowhere: what cannot be finished is
//! dropped, and the next build replaces it. Where some of it may be in place already, its end says so: that is `outputs_owed`. Killing the process at any point leaves the former outputs or, after
//! recovery, the new ones, complete. A power cut does too if the commit is *durable*; otherwise nothing is synced here,
//! and the outputs have to be checked against the build record before anything is called unchanged.
//!
//! The caller writes the outputs into the staging folder, verifies them, and holds the build lock throughout and the
//! lane from [`prepare_outputs`] on. Heads do not move.

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{OperationId, SourceId};
use serde_json::Value;
use thiserror::Error;

use super::apply::absent_is_fine;
use super::fingerprint::{FileFingerprint, Fingerprint};
use super::outputs_intent::{OutputFile, OutputsIntent, check_folder, decode_outputs};
use super::outputs_owed::{self, OwedOutputs};
use super::recover::{RecoverOptions, Recovered, drop_staging};
use super::steps::{StepProblem, ancestors, parent};
use super::{Part, intent, intent::Decoded, lay_folders, list, write_new};
use crate::disk::{Disk, DiskError, DiskOperation, EntryKind};
use crate::head::read_head;
use crate::layout;

/// What a commit of outputs is to do.
#[derive(Debug)]
pub struct OutputsRequest {
    /// The operation.
    pub operation: OperationId,
    /// The source in whose log its events stand.
    pub source: SourceId,
    /// The output folder: absolute, or relative to the project's folder.
    pub folder: Utf8PathBuf,
    /// What is placed before the pack, staged under its names.
    pub files: Vec<OutputFile>,
    /// The pack, staged under its name.
    pub pack: OutputFile,
    /// The bytes of the new build record.
    pub record: Vec<u8>,
    /// Whether the outputs are to survive a power cut.
    pub durable: bool,
    /// The system's current boot; empty if it cannot be told.
    pub boot: String,
    /// What is needed to end the operation in another process; carried, not understood.
    pub prepared: Value,
}

/// Why outputs were not committed. The former ones are untouched.
#[derive(Debug, Error)]
pub enum OutputsError {
    /// The request makes no sense by itself.
    #[error("outputs cannot be placed at {path}: {problem}")]
    Inconsistent {
        /// The path.
        path: Utf8PathBuf,
        /// What is wrong.
        problem: StepProblem,
    },
    /// A staged output is not there, or not as announced.
    #[error("the staged output {path} is not as it was written")]
    NotStaged {
        /// The staged file.
        path: Utf8PathBuf,
    },
    /// Something other than a file stands where an output goes.
    #[error("{path} is in the way: it is not a file")]
    InTheWay {
        /// The path.
        path: Utf8PathBuf,
    },
    /// An earlier operation is unfinished or frozen.
    #[error("operation {operation} has to be recovered first")]
    Pending {
        /// The operation.
        operation: OperationId,
    },
    /// The disk failed.
    #[error("the outputs could not be committed")]
    Failed {
        /// How.
        source: DiskError,
    },
}

/// Outputs whose intent is recorded.
#[derive(Debug)]
#[must_use = "recorded outputs have to be applied, or recovery will do it"]
pub struct PreparedOutputs<'d> {
    disk: &'d dyn Disk,
    intent: OutputsIntent,
}

/// Outputs that are all in place. Their terminal event is still to be logged.
#[derive(Debug)]
#[must_use = "applied outputs have to be finished, or recovery will do it"]
pub struct CommittedOutputs<'d> {
    disk: &'d dyn Disk,
    intent: OutputsIntent,
}

/// Creates the folder in which `operation` stages its outputs, and removes what dead builds left of theirs. The caller
/// holds the build lock.
pub fn create_output_staging(
    disk: &dyn Disk,
    folder: &Utf8Path,
    operation: OperationId,
) -> Result<Utf8PathBuf, OutputsError> {
    check_folder(folder).map_err(|(path, problem)| OutputsError::Inconsistent { path, problem })?;
    disk.create_dir_all(folder).map_err(failed)?;
    for dead in dead_output_stagings(disk, folder).map_err(failed)? {
        drop_output_staging(disk, folder, dead).map_err(failed)?;
    }
    let staging = layout::output_staging(folder, operation);
    disk.create_dir(&staging).map_err(failed)?;
    Ok(staging)
}

/// The builds that died and left what they had staged in `folder`. The caller holds the build lock, so none of them is
/// still at work; those that recovery will finish are not among them.
pub fn dead_output_stagings(disk: &dyn Disk, folder: &Utf8Path) -> Result<Vec<OperationId>, DiskError> {
    let pending: Vec<OperationId> = super::pending(disk)?.into_iter().map(|found| found.operation).collect();
    let entries = match disk.read_dir(folder) {
        Err(error) if error.is_not_found() => Vec::new(),
        entries => entries?,
    };
    let dead = entries.into_iter().filter_map(|entry| {
        let id = entry.name.to_str()?.strip_prefix(layout::OUTPUT_STAGING_PREFIX)?;
        let id = id.parse::<OperationId>().ok()?;
        (entry.kind == EntryKind::Dir && !pending.contains(&id)).then_some(id)
    });
    Ok(dead.collect())
}

/// Removes the folder in which `operation` staged its outputs, with the files in it.
pub fn drop_output_staging(
    disk: &dyn Disk,
    folder: &Utf8Path,
    operation: OperationId,
) -> Result<(), DiskError> {
    let staging = layout::output_staging(folder, operation);
    let entries = match disk.read_dir(&staging) {
        Err(error) if error.is_not_found() => return Ok(()),
        entries => entries?,
    };
    for entry in entries.iter().filter(|entry| entry.kind != EntryKind::Dir) {
        if let Some(name) = entry.name.to_str() {
            absent_is_fine(disk.remove_file(&staging.join(name)))?;
        }
    }
    disk.remove_dir(&staging)
}

/// Checks the staged outputs and records the intent.
pub fn prepare_outputs(
    disk: &dyn Disk,
    request: OutputsRequest,
) -> Result<PreparedOutputs<'_>, OutputsError> {
    let OutputsRequest { operation, source, folder, files, pack, record, durable, boot, prepared } = request;
    let fingerprint = FileFingerprint::of(&record);
    let mut intent = OutputsIntent {
        operation,
        source,
        folder,
        files,
        pack,
        inodes: Vec::new(),
        record: fingerprint,
        durable,
        boot,
        prepared,
    };
    intent.check().map_err(|(path, problem)| OutputsError::Inconsistent { path, problem })?;
    if let Some(found) = list(disk).map_err(failed)?.into_iter().find(|name| name.part.is_intent()) {
        return Err(OutputsError::Pending { operation: found.operation });
    }
    let staging = intent.staging();
    let mut inodes = Vec::new();
    for file in intent.in_order() {
        let path = staging.join(&file.name);
        match file.inode_at(disk, &path).map_err(failed)? {
            Some(inode) => inodes.push(inode),
            None => return Err(OutputsError::NotStaged { path }),
        }
        let target = intent.folder.join(&file.name);
        let in_the_way = disk.stat(&target).map_err(failed)?;
        if in_the_way.is_some_and(|stat| stat.kind != EntryKind::File) {
            return Err(OutputsError::InTheWay { path: target });
        }
    }
    intent.inodes = inodes;
    if let Err(source) = record_intent(disk, &intent, &record) {
        // What cannot be removed is swept by the next recovery.
        let _ = drop_staging(disk, operation);
        let _ = absent_is_fine(disk.remove_file(&layout::outputs_intent(operation)));
        return Err(failed(source));
    }
    Ok(PreparedOutputs { disk, intent })
}

impl<'d> PreparedOutputs<'d> {
    /// Puts the outputs in place. After an error the lane has to recover: it finishes them, or drops what is left.
    pub fn apply(self) -> Result<CommittedOutputs<'d>, DiskError> {
        let Self { disk, intent } = self;
        let staging = intent.staging();
        for file in intent.in_order() {
            absent_is_fine(disk.rename_over(&staging.join(&file.name), &intent.folder.join(&file.name)))?;
        }
        if intent.durable {
            disk.sync_dir(&intent.folder)?;
        }
        let record = layout::staged_record(intent.operation);
        absent_is_fine(disk.rename_over(&record, layout::BUILD_RECORD.into()))?;
        if intent.durable {
            disk.sync_dir(layout::OPERATIONAL.into())?;
        }
        Ok(CommittedOutputs { disk, intent })
    }
}

impl CommittedOutputs<'_> {
    /// What was done.
    pub fn intent(&self) -> &OutputsIntent {
        &self.intent
    }

    /// Cleans up, after the terminal event was logged.
    pub fn finish(self) -> Result<(), DiskError> {
        clean_up(self.disk, &self.intent)
    }

    /// Cleans up, and keeps what the terminal event needs, because it could not be logged; recovery hands it out again.
    pub fn put_aside(self) -> Result<(), DiskError> {
        let Self { disk, intent } = self;
        drop_output_staging(disk, &intent.folder, intent.operation)?;
        outputs_owed::put_aside(disk, intent.operation, Part::PlacedOutputs, intent.durable)
    }
}

fn failed(source: DiskError) -> OutputsError {
    OutputsError::Failed { source }
}

fn clean_up(disk: &dyn Disk, intent: &OutputsIntent) -> Result<(), DiskError> {
    drop_output_staging(disk, &intent.folder, intent.operation)?;
    // Last: as long as the intent stands, clean-up is done again.
    absent_is_fine(disk.remove_file(&layout::outputs_intent(intent.operation)))
}

fn record_intent(disk: &dyn Disk, intent: &OutputsIntent, record: &[u8]) -> Result<(), DiskError> {
    lay_folders(disk, read_head(disk)?.is_some(), intent.durable)?;
    if intent.durable {
        sync_staging(disk, intent)?;
    }
    write_new(disk, &layout::staged_record(intent.operation), record, intent.durable)?;
    let unfinished = layout::unfinished_intent(intent.operation);
    write_new(disk, &unfinished, &intent::encode(intent::OUTPUTS_MAGIC, intent), intent.durable)?;
    disk.rename_new(&unfinished, &layout::outputs_intent(intent.operation))?;
    if intent.durable { disk.sync_dir(layout::JOURNAL.into()) } else { Ok(()) }
}

fn sync_staging(disk: &dyn Disk, intent: &OutputsIntent) -> Result<(), DiskError> {
    let staging = intent.staging();
    for file in intent.in_order() {
        let path = staging.join(&file.name);
        disk.open_write(&path)?.sync().map_err(|source| DiskError {
            operation: DiskOperation::Sync,
            path: path.clone(),
            source,
        })?;
    }
    disk.sync_dir(&staging)?;
    disk.sync_dir(&intent.folder)?;
    // The folder may be new, and so may be what it is in; a folder that may not be opened was not made by us.
    for folder in ancestors(&intent.folder).into_iter().chain([intent.folder.as_path()]) {
        match disk.sync_dir(parent(folder)) {
            Err(error) if error.source.kind() == std::io::ErrorKind::PermissionDenied => {}
            result => result?,
        }
    }
    Ok(())
}

/// Whether everything that the intent names is staged or in place; and whether anything is in place already.
fn completeness(disk: &dyn Disk, intent: &OutputsIntent) -> Result<(bool, bool), DiskError> {
    let staging = intent.staging();
    let (mut complete, mut begun) = (true, false);
    for (n, file) in intent.in_order().enumerate() {
        let staged_as = intent.inodes.get(n).copied();
        let staged = staging.join(&file.name);
        if disk.stat(&staged)?.is_some() {
            complete &= file.is_at(disk, &staged, staged_as)?;
        } else {
            begun = true;
            complete &= file.is_at(disk, &intent.folder.join(&file.name), staged_as)?;
        }
    }
    let staged = Fingerprint::take(disk, &layout::staged_record(intent.operation))?;
    complete &= match staged {
        Fingerprint::Absent => Fingerprint::take(disk, layout::BUILD_RECORD.into())?.is(intent.record),
        found => found.is(intent.record),
    };
    Ok((complete, begun))
}

pub(super) fn recover_outputs<'d>(
    disk: &'d dyn Disk,
    operation: OperationId,
    options: &RecoverOptions<'_>,
) -> Result<Recovered<'d>, DiskError> {
    let path = layout::outputs_intent(operation);
    let decoded = intent::read_bytes(disk, &path)?.and_then(|bytes| decode_outputs(operation, &bytes));
    let intent = match decoded {
        Ok(intent) => intent,
        Err(damage) => {
            tracing::warn!(%operation, %damage, "the intent of a build is dropped");
            return leave_mixed(disk, operation, Err(damage));
        }
    };
    if (options.success_is_logged)(operation, intent.source) {
        clean_up(disk, &intent)?;
        return Ok(Recovered::CleanedUp { operation });
    }
    let other_boot = intent.boot.is_empty() || intent.boot != options.boot;
    let (complete, begun) = completeness(disk, &intent)?;
    if !complete || (!intent.durable && other_boot) {
        return if begun { leave_mixed(disk, operation, Ok(intent)) } else { drop_outputs(disk, intent) };
    }
    match (PreparedOutputs { disk, intent: intent.clone() }).apply() {
        Ok(committed) => Ok(Recovered::OutputsFinished(committed)),
        Err(error) => {
            tracing::warn!(%operation, %error, "the outputs of a build cannot be placed, and are dropped");
            leave_mixed(disk, operation, Ok(intent))
        }
    }
}

/// Drops outputs of which none was placed.
fn drop_outputs(disk: &dyn Disk, intent: OutputsIntent) -> Result<Recovered<'_>, DiskError> {
    drop_staged(disk, intent.operation, Some(&intent))?;
    absent_is_fine(disk.remove_file(&layout::outputs_intent(intent.operation)))?;
    Ok(Recovered::OutputsDropped { intent: Box::new(intent) })
}

/// Leaves outputs as they are, which may be a mixture. The build record goes, so that nothing is called unchanged; the intent
/// stays until somebody has said so.
fn leave_mixed(
    disk: &dyn Disk,
    operation: OperationId,
    intent: Decoded<OutputsIntent>,
) -> Result<Recovered<'_>, DiskError> {
    absent_is_fine(disk.remove_file(layout::BUILD_RECORD.into()))?;
    drop_staged(disk, operation, intent.as_ref().ok())?;
    Ok(Recovered::OutputsOwed(OwedOutputs::mixed(disk, operation, intent)))
}

fn drop_staged(
    disk: &dyn Disk,
    operation: OperationId,
    intent: Option<&OutputsIntent>,
) -> Result<(), DiskError> {
    if let Some(intent) = intent {
        drop_output_staging(disk, &intent.folder, operation)?;
    }
    for name in list(disk)?.iter().filter(|name| name.operation == operation && name.part == Part::Record) {
        absent_is_fine(disk.remove_file(&Utf8Path::new(layout::JOURNAL).join(&name.text)))?;
    }
    Ok(())
}
