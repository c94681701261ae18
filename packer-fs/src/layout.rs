//! Where everything of a project stands: the names of its own files and of everything under `.packer/`.
//!
//! All paths are relative to the project's folder, which is the disk's root. What the assets root and the output folder
//! are called is the configuration's knowledge, not this module's. Nothing here touches a disk, except
//! [`ensure_operational`], which lays the folder that all the other names stand in.
//!
//! Everything under `.packer/` is the packer's own: people may delete it while nothing runs and no recovery is pending,
//! and lose time and undo.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{OperationId, SourceId};

use crate::disk::{Disk, DiskError, DiskOperation};

/// The project's folder itself.
pub const ROOT: &str = "";
/// The project's configuration, written by people.
pub const CONFIG: &str = "packer.toml";
/// The accepted membership, written by the packer, committed.
pub const REGISTRY: &str = "registry.jsonl";
/// The folder that the packer keeps for itself.
pub const OPERATIONAL: &str = ".packer";
/// Keeps the whole folder out of version control.
pub const IGNORE_FILE: &str = ".packer/.gitignore";
/// The last commit; see [`crate::head`].
pub const HEAD: &str = ".packer/head";
/// Stagings and intents of operations that are committing.
pub const JOURNAL: &str = ".packer/journal";
/// What operations replaced or removed, one folder an operation.
pub const HISTORY: &str = ".packer/history";
/// Logs and locks of event sources.
pub const EVENTS: &str = ".packer/events";
/// The stat index of the last scan.
pub const INDEX: &str = ".packer/index";
/// The file whose time tells a scan which entries are racy.
pub const STAMP: &str = ".packer/stamp";
/// What the last build put where.
pub const BUILD_RECORD: &str = ".packer/build-record";
/// From what the last build was made; see [`crate::build_stamp`].
pub const BUILD_STAMP: &str = ".packer/build-stamp";
/// The figures of the workspace as it stood last; see [`crate::summary_file`].
pub const SUMMARY: &str = ".packer/summary";
/// Which file the last build used for what; see [`crate::build_sources`].
pub const BUILD_SOURCES: &str = ".packer/build-sources";
/// What bakes gave; see [`crate::store`].
pub const STORE: &str = ".packer/store";
/// What the keys of the last build were made of; see [`crate::build_parts`].
pub const BUILD_PARTS: &str = ".packer/build-parts";
/// The lock that makes a process the project's single writer.
pub const LANE_LOCK: &str = ".packer/lane.lock";
/// Who holds the lane, for display only.
pub const LANE_HOLDER: &str = ".packer/lane.holder";
/// The lock that a build holds for its whole run.
pub const BUILD_LOCK: &str = ".packer/build.lock";
/// Who holds the build lock, for display only.
pub const BUILD_HOLDER: &str = ".packer/build.holder";

/// What the name of a folder that holds staged build outputs starts with.
pub const OUTPUT_STAGING_PREFIX: &str = ".staging-";

/// What the names start with of the files that a watcher makes and removes to learn how far it has come.
pub const WATCH_PROBE_PREFIX: &str = "watch-";

/// The `n`th file that the watcher of a source makes to learn how far it has come.
pub fn watch_probe(source: SourceId, n: u64) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{OPERATIONAL}/{WATCH_PROBE_PREFIX}{source}-{n}"))
}

/// The event log of a source: its first segment, which begins with the source's first event.
pub fn event_log(source: SourceId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{EVENTS}/{source}.jsonl"))
}

/// The segment of the event log of a source that begins with the event at position `first`.
pub fn event_log_segment(source: SourceId, first: u64) -> Utf8PathBuf {
    match first {
        0 | 1 => event_log(source),
        _ => Utf8PathBuf::from(format!("{EVENTS}/{source}.{first:020}.jsonl")),
    }
}

/// What the segment that begins at `first` is read after, where the segments before it are gone: events of the operations
/// that ran when it began.
pub fn event_log_carried(source: SourceId, first: u64) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{EVENTS}/{source}.{first:020}.carried.jsonl"))
}

/// The lock that a source holds for its life.
pub fn event_lock(source: SourceId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{EVENTS}/{source}.lock"))
}

/// What the name of a source's lock ends with while it is made: those who look for dead sources do not see it before it
/// is locked and gets its name.
pub const UNBORN_LOCK_SUFFIX: &str = ".lock.new";

/// The same lock while it is made, for the `n`th time.
pub fn unborn_event_lock(source: SourceId, n: u32) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{EVENTS}/{source}.{n}{UNBORN_LOCK_SUFFIX}"))
}

/// What `operation` is about to do to the workspace; its durable presence is the commit point.
pub fn intent(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.intent"))
}

/// An intent that can be neither finished nor dropped without a decision.
pub fn frozen(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.frozen"))
}

/// What `operation` is about to do to the build outputs.
pub fn outputs_intent(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.outputs"))
}

/// What `operation` did to the build outputs, which are in place: only its end is still to be told.
pub fn placed_outputs(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.placed"))
}

/// What `operation` was about to do to the build outputs, of which only some may be in place: only its end is still to be told.
pub fn mixed_outputs(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.mixed"))
}

/// An intent, of either sort, that is still being written.
pub fn unfinished_intent(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.unfinished"))
}

/// The `n`th contents that `operation` staged.
pub fn staged(operation: OperationId, n: u32) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.{n}"))
}

/// The build record that `operation` staged.
pub fn staged_record(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.record"))
}

/// The folder that takes in what `operation` moves out of the workspace.
pub fn displaced_folder(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.displaced"))
}

/// The `n`th file that `operation` moves out of the workspace.
pub fn displaced(operation: OperationId, n: u32) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.displaced/{n}"))
}

/// What `operation` replaced or removed, once it is done.
pub fn history_folder(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{HISTORY}/{operation}"))
}

/// The intent of `operation`, once it is done: it holds the inverse and the replaced registry lines.
pub fn history_intent(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{HISTORY}/{operation}/intent"))
}

/// The former contents that `operation` displaced as number `n`, once it is done.
pub fn history_file(operation: OperationId, n: u32) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{HISTORY}/{operation}/{n}"))
}

/// The intent of `operation`, which was frozen and has been settled: it never ended as a commit.
pub fn history_frozen(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{HISTORY}/{operation}/frozen"))
}

/// What `operation`, which was frozen and has been settled, had staged as `number`.
pub fn history_staged(operation: OperationId, number: u32) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{HISTORY}/{operation}/staged.{number}"))
}

/// The history of `operation` on its way out.
pub fn dropped_history(operation: OperationId) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{JOURNAL}/{operation}.dropped"))
}

/// The folder inside the output folder in which `operation` stages its outputs.
pub fn output_staging(output: &Utf8Path, operation: OperationId) -> Utf8PathBuf {
    output.join(format!("{OUTPUT_STAGING_PREFIX}{operation}"))
}

/// Creates `.packer/` and its `.gitignore` where they are missing. Nothing of it is durable.
pub fn ensure_operational(disk: &dyn Disk) -> Result<(), DiskError> {
    disk.create_dir_all(OPERATIONAL.into())?;
    // An empty one is what a power cut may have left of it.
    if disk.stat(IGNORE_FILE.into())?.is_some_and(|stat| stat.size > 0) {
        return Ok(());
    }
    let mut file = disk.open_write(IGNORE_FILE.into())?;
    file.write_all(b"*\n").map_err(|source| DiskError {
        operation: DiskOperation::Write,
        path: IGNORE_FILE.into(),
        source,
    })
}
