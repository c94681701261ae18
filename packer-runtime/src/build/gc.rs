//! Collecting what nobody needs any more: artifacts over the store's limit, what dead builds have left, and what was kept
//! for undoing for long enough.
//!
//! No operation: nothing of the workspace or of the outputs is touched, so there is nothing to commit, to tell or to undo.
//! It holds the build lock, so it never takes away what a build is writing, and waits for that like a build does; and the
//! lane for as long as it drops history. Everything that it drops costs time at the most, but for history, which costs the
//! undoing of what is old.

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use packer_fs::disk::DiskError;
use packer_fs::journal::{dead_output_stagings, drop_output_staging};
use packer_fs::layout;
use packer_fs::lock::{HolderFacts, LockError, Wait};
use packer_fs::store::Store;
use serde::Serialize;
use thiserror::Error;

use super::PROOF_PREFIX;
use crate::clock;
use crate::history::{HISTORY_MAX_AGE, HISTORY_MAX_BYTES, HistoryGcError, HistoryReport, bound_history};
use crate::shared::Shared;
use crate::sync::lock::BuildLock;

/// What to collect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GcRequest {
    /// Whether to only say what would be dropped.
    pub dry_run: bool,
    /// The most bytes that the store is to keep, instead of what `packer.toml` says.
    pub max_store_bytes: Option<u64>,
    /// Whether to check every artifact, and drop those that are damaged.
    pub scrub: bool,
    /// For how long what can be undone is kept; [`HISTORY_MAX_AGE`] where nothing is said.
    pub max_history_age: Option<Duration>,
    /// How many bytes of it are kept; [`HISTORY_MAX_BYTES`] where nothing is said.
    pub max_history_bytes: Option<u64>,
}

/// What was dropped, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GcReport {
    /// Whether nothing was dropped, but only looked for.
    pub dry_run: bool,
    /// The limit of the store.
    pub max_store_bytes: u64,
    /// How many artifacts there were.
    pub artifacts: u64,
    /// Bytes that they took on disk.
    pub bytes: u64,
    /// How many were dropped for the limit.
    pub dropped: u64,
    /// Bytes that those took.
    pub dropped_bytes: u64,
    /// What dead builds have left: files and folders, relative to the project.
    pub leftovers: Vec<String>,
    /// How many artifacts a dead build was writing.
    pub orphans: u64,
    /// What checking every artifact found, if that was asked for.
    pub scrub: Option<GcScrub>,
    /// What is kept for undoing, and what of it was dropped.
    pub history: HistoryReport,
}

/// What checking every artifact found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GcScrub {
    /// How many were checked.
    pub checked: u64,
    /// Those that were damaged: the file, relative to the project, and what is wrong with it.
    pub damaged: Vec<GcDamage>,
}

/// A damaged artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GcDamage {
    /// Its file, relative to the project.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Why nothing was collected, or not everything.
#[derive(Debug, Error)]
pub enum GcError {
    /// A build runs, and waiting was not asked for; or the lock cannot be taken at all.
    #[error("{message}")]
    Locked {
        /// Which lock, and why not.
        message: String,
    },
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file operation in the store failed.
    #[error("the artifact store cannot be collected: {0}")]
    Store(std::io::Error),
}

/// Collects. Waits for a build that runs, unless the project was opened not to wait.
pub(crate) fn collect(shared: &Arc<Shared>, request: &GcRequest) -> Result<GcReport, GcError> {
    let facts = HolderFacts::here("gc", clock::now().unix_ms());
    let wait = if shared.wait_for_lane { Wait::Block(&|| false) } else { Wait::Never };
    let _lock = BuildLock::acquire(&shared.root, &facts, wait, &mut |_| {})
        .map_err(|error: LockError| GcError::Locked { message: error.to_string() })?;
    let status = shared.status();
    let config = status.snapshot.state().config();
    let dry_run = request.dry_run;
    let leftovers = leftovers(shared, &config.output, dry_run)?;
    let max_store_bytes = request.max_store_bytes.unwrap_or(config.max_store_bytes);
    let store = Store::open(&shared.root, max_store_bytes);
    // Before the limit: what is damaged need not take the place of what is whole.
    let scrub = if request.scrub {
        let (checked, damaged) = store.scrub(dry_run).map_err(GcError::Store)?;
        let damage = |found: packer_fs::store::DamagedArtifact| GcDamage {
            path: found.path.into_string(),
            reason: found.defect.to_string(),
        };
        Some(GcScrub { checked, damaged: damaged.into_iter().map(damage).collect() })
    } else {
        None
    };
    let history = bound_history(
        shared,
        &facts,
        request.max_history_age.unwrap_or(HISTORY_MAX_AGE),
        request.max_history_bytes.unwrap_or(HISTORY_MAX_BYTES),
        dry_run,
    )
    .map_err(|error| match error {
        HistoryGcError::Locked(error) => GcError::Locked { message: error.to_string() },
        HistoryGcError::Disk(error) => GcError::Disk(error),
    })?;
    let swept = store.sweep(dry_run).map_err(GcError::Store)?;
    Ok(GcReport {
        dry_run,
        max_store_bytes,
        artifacts: swept.artifacts,
        bytes: swept.bytes,
        dropped: swept.dropped,
        dropped_bytes: swept.dropped_bytes,
        leftovers,
        orphans: swept.orphans,
        scrub,
        history,
    })
}

/// What builds left that died; gone, unless it is a `dry_run`. Those into other folders are found by the next build there.
fn leftovers(shared: &Shared, output: &Utf8Path, dry_run: bool) -> Result<Vec<String>, DiskError> {
    let mut found = Vec::new();
    for dead in dead_output_stagings(&*shared.disk, output)? {
        if !dry_run {
            drop_output_staging(&*shared.disk, output, dead)?;
        }
        found.push(layout::output_staging(output, dead).into_string());
    }
    for entry in shared.disk.read_dir(layout::OPERATIONAL.into())? {
        let Some(name) = entry.name.to_str().filter(|name| name.starts_with(PROOF_PREFIX)) else { continue };
        let path = Utf8Path::new(layout::OPERATIONAL).join(name);
        if !dry_run {
            shared.disk.remove_file(&path)?;
        }
        found.push(path.into_string());
    }
    found.sort();
    Ok(found)
}
