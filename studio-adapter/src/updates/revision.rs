//! What differs between two snapshots that are shown one after the other: rows and problems, as the packer says.

use packer_runtime::api::{AssetPath, AssetRow, ReportChanges, Snapshot};
use serde::Serialize;

use crate::problems::{DiagnosticRow, DivergenceRow, ProblemTotals};
use crate::workspace::{NavigatorRow, RowKey, SummaryView};

/// Another snapshot is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevisionView {
    /// The number of the one that was shown.
    pub from: u64,
    /// The number of the one that is shown.
    pub to: u64,
    /// The packer's figures of it.
    pub summary: SummaryView,
    /// The rows of the navigator that are new.
    pub added: Vec<NavigatorRow>,
    /// The rows of which something differs, also what only the details show.
    pub changed: Vec<NavigatorRow>,
    /// The rows that are no more.
    pub removed: Vec<RowKey>,
    /// The files that no anchor claims, and that were not there or were claimed.
    pub unclaimed_added: Vec<String>,
    /// The files that no anchor claimed, and that are claimed or gone.
    pub unclaimed_removed: Vec<String>,
    /// Whether the project's configuration differs.
    pub configuration: bool,
}

/// The problems are others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProblemChangesView {
    /// The number of the snapshot.
    pub revision: u64,
    /// The packer's figures of all problems.
    pub totals: ProblemTotals,
    /// The findings that are new.
    pub diagnostics_added: Vec<DiagnosticRow>,
    /// The findings that are no more.
    pub diagnostics_removed: Vec<DiagnosticRow>,
    /// The divergences that are new.
    pub divergences_added: Vec<DivergenceRow>,
    /// The divergences that are no more.
    pub divergences_removed: Vec<DivergenceRow>,
}

impl RevisionView {
    pub(super) fn of(before: &Snapshot, now: &Snapshot, changes: &ReportChanges) -> Self {
        let ReportChanges {
            added,
            changed,
            removed,
            unclaimed_added,
            unclaimed_removed,
            diagnostics_added: _,
            diagnostics_removed: _,
            divergences_added: _,
            divergences_removed: _,
            configuration,
        } = changes;
        let rows = |rows: &[AssetRow]| rows.iter().map(NavigatorRow::of).collect();
        let paths = |paths: &[AssetPath]| paths.iter().map(ToString::to_string).collect();
        Self {
            from: before.revision().0,
            to: now.revision().0,
            summary: SummaryView::of(now.summary()),
            added: rows(added),
            changed: rows(changed),
            removed: removed.iter().map(RowKey::of).collect(),
            unclaimed_added: paths(unclaimed_added),
            unclaimed_removed: paths(unclaimed_removed),
            configuration: *configuration,
        }
    }
}

impl ProblemChangesView {
    /// None where no problem came or went.
    pub(super) fn of(now: &Snapshot, changes: &ReportChanges) -> Option<Self> {
        let ReportChanges {
            added: _,
            changed: _,
            removed: _,
            unclaimed_added: _,
            unclaimed_removed: _,
            diagnostics_added,
            diagnostics_removed,
            divergences_added,
            divergences_removed,
            configuration: _,
        } = changes;
        let same = diagnostics_added.is_empty()
            && diagnostics_removed.is_empty()
            && divergences_added.is_empty()
            && divergences_removed.is_empty();
        if same {
            return None;
        }
        Some(Self {
            revision: now.revision().0,
            totals: ProblemTotals::of(now.summary()),
            diagnostics_added: diagnostics_added.iter().map(DiagnosticRow::of).collect(),
            diagnostics_removed: diagnostics_removed.iter().map(DiagnosticRow::of).collect(),
            divergences_added: divergences_added.iter().map(DivergenceRow::of).collect(),
            divergences_removed: divergences_removed.iter().map(DivergenceRow::of).collect(),
        })
    }
}
