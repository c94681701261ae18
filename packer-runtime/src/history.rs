//! Bounding the history: what is kept for undoing is dropped by age, and beyond a size, the oldest first. What can be undone
//! is told by [`log`](crate::log); how a history is dropped so that none is ever half there, by the journal.

use std::sync::Arc;
use std::time::Duration;

use packer_domain::identity::OperationId;
use packer_fs::disk::DiskError;
use packer_fs::journal::{HistoryEntry, HistoryError, drop_history, list_history};
use packer_fs::lock::{HolderFacts, LockError, Wait};
use serde::Serialize;

use crate::clock;
use crate::shared::Shared;
use crate::sync::lock::LaneLock;

/// For how long what can be undone is kept, unless a request says otherwise: 90 days.
pub const HISTORY_MAX_AGE: Duration = Duration::from_hours(90 * 24);

/// How many bytes of it are kept, unless a request says otherwise: 1 GiB.
pub const HISTORY_MAX_BYTES: u64 = 1 << 30;

/// What of the history was dropped, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryReport {
    /// How many operations could be undone, before anything was dropped.
    pub operations: u64,
    /// How many bytes were kept for that.
    pub bytes: u64,
    /// The operations that cannot be undone any more, the oldest first.
    pub dropped: Vec<DroppedHistory>,
}

/// What was kept of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DroppedHistory {
    /// Which.
    pub operation_id: OperationId,
    /// How many bytes it took.
    pub bytes: u64,
}

/// Why the history was not bounded.
pub(crate) enum HistoryGcError {
    Locked(LockError),
    Disk(DiskError),
}

/// Drops what is older than `max_age`, and of the rest the oldest beyond `max_bytes`; with `dry_run`, only says so.
pub(crate) fn bound_history(
    shared: &Arc<Shared>,
    facts: &HolderFacts,
    max_age: Duration,
    max_bytes: u64,
    dry_run: bool,
) -> Result<HistoryReport, HistoryGcError> {
    let look = || list_history(&*shared.disk).map_err(HistoryGcError::Disk);
    if dry_run {
        let all = look()?;
        return Ok(report(&all, &surplus(&all, max_age, max_bytes)));
    }
    // Whoever commits, or recovers, is putting something into it.
    let wait = if shared.wait_for_lane { Wait::Block(&|| false) } else { Wait::Never };
    let lane = LaneLock::acquire(&shared.root, facts, wait, &mut |_| {}).map_err(HistoryGcError::Locked)?;
    let all = look()?;
    let dropped = surplus(&all, max_age, max_bytes);
    for entry in &dropped {
        match drop_history(&*shared.disk, entry.operation) {
            Ok(()) | Err(HistoryError::Absent { .. }) => {}
            Err(HistoryError::Disk { source, .. }) => return Err(HistoryGcError::Disk(source)),
            // What a dead process left is brought to its end first, by the next operation.
            Err(error) => tracing::warn!(%error, "the history of an operation stays"),
        }
    }
    drop(lane);
    Ok(report(&all, &dropped))
}

fn surplus(all: &[HistoryEntry], max_age: Duration, max_bytes: u64) -> Vec<HistoryEntry> {
    let max_age_ms = u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX);
    let oldest = clock::now().unix_ms().saturating_sub(max_age_ms);
    let mut kept = 0_u64;
    let mut dropped: Vec<HistoryEntry> = Vec::new();
    for entry in all.iter().rev() {
        kept = kept.saturating_add(entry.bytes);
        // Where one is too much, so is everything before it: what is kept is a piece of time without a gap.
        if !dropped.is_empty() || kept > max_bytes || entry.operation.drawn_at_ms() < oldest {
            dropped.push(*entry);
        }
    }
    dropped.reverse();
    dropped
}

fn report(all: &[HistoryEntry], dropped: &[HistoryEntry]) -> HistoryReport {
    let row = |entry: &HistoryEntry| DroppedHistory { operation_id: entry.operation, bytes: entry.bytes };
    HistoryReport {
        operations: all.len() as u64,
        bytes: all.iter().fold(0, |sum, entry| sum.saturating_add(entry.bytes)),
        dropped: dropped.iter().map(row).collect(),
    }
}
