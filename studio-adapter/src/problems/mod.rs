//! The problems view: what is wrong in the workspace, as one snapshot's diagnostics and divergences say it.
//!
//! Rows stand in the packer's order, and each says what the packer says. The totals are those of the packer's summary
//! and are never counted here, so a view whose rows and totals disagree shows that the packer's answers do. Finding
//! problems is the domain's work, carrying out a resolution the runtime's.
//!
//! Every divergence is also among the diagnostics, for lists of everything; no field links the two, and the view does not
//! guess which is which.

mod rows;

pub use rows::{
    DiagnosticRow, DivergenceRow, NeedRow, NeedView, PlaceRow, ResolutionRow, SeverityView, SubjectView,
};

use packer_runtime::api::{Diagnostic, DiagnosticCounts, Divergence, Freshness, Status, WorkspaceSummary};
use serde::Serialize;

use crate::freshness::FreshnessBadge;
use crate::text::counted;

/// What is wrong in the workspace, of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProblemsView {
    /// The number of the snapshot.
    pub revision: u64,
    /// What is known of the snapshot against the disk.
    pub freshness: FreshnessBadge,
    /// The packer's figures.
    pub totals: ProblemTotals,
    /// The findings, in the packer's order.
    pub diagnostics: Vec<DiagnosticRow>,
    /// The differences between registry and disk with what can be done about them, in the packer's order.
    pub divergences: Vec<DivergenceRow>,
}

/// The packer's figures about problems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProblemTotals {
    /// The figures in words: `2 errors, 1 warning, 0 infos`.
    pub headline: String,
    /// Diagnostics that are errors.
    pub errors: u64,
    /// Diagnostics that are warnings.
    pub warnings: u64,
    /// Diagnostics that are worth knowing.
    pub infos: u64,
    /// Divergences by code; codes without one are left out.
    pub divergences: Vec<DivergenceTotal>,
}

/// How many divergences of one code there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DivergenceTotal {
    /// The stable code.
    pub code: String,
    /// What the code means, in one line without a final period.
    pub title: String,
    /// How many.
    pub count: u64,
}

impl ProblemsView {
    /// The problems of the snapshot in `status`.
    pub fn of(status: &Status) -> Self {
        let snapshot = &status.snapshot;
        Self::of_reports(
            snapshot.summary(),
            snapshot.diagnostics(),
            snapshot.divergences(),
            &status.freshness,
        )
    }

    fn of_reports<'a>(
        summary: &WorkspaceSummary,
        diagnostics: impl IntoIterator<Item = &'a Diagnostic>,
        divergences: impl IntoIterator<Item = &'a Divergence>,
        freshness: &Freshness,
    ) -> Self {
        Self {
            revision: summary.revision.0,
            freshness: FreshnessBadge::of(freshness),
            totals: ProblemTotals::of(summary),
            diagnostics: diagnostics.into_iter().map(DiagnosticRow::of).collect(),
            divergences: divergences.into_iter().map(DivergenceRow::of).collect(),
        }
    }
}

impl ProblemTotals {
    pub(crate) fn of(summary: &WorkspaceSummary) -> Self {
        let DiagnosticCounts { error, warning, info } = summary.diagnostics;
        let divergences = summary.divergences.iter().map(|(code, count)| DivergenceTotal {
            code: code.as_str().to_owned(),
            title: code.diagnostic().title().to_owned(),
            count: *count,
        });
        Self {
            headline: format!(
                "{}, {}, {}",
                counted(error, "error"),
                counted(warning, "warning"),
                counted(info, "info")
            ),
            errors: error,
            warnings: warning,
            infos: info,
            divergences: divergences.collect(),
        }
    }
}

#[cfg(test)]
mod tests;
