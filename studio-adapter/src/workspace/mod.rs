//! The workspace view: the figures of one snapshot, what is known of it against the disk, and one page of the navigator.
//!
//! Everything in one view is of one snapshot. The figures are the packer's summary and are never counted here; rows are
//! made for the page that is asked for, and for no more.

mod page;
mod rows;

pub use page::{NavigatorQuery, SortView, UnclaimedPage, UnclaimedQuery, UnclaimedRow};
pub use rows::{AssetStateView, NavigatorPage, NavigatorRow, ParticipationView, RowKey};

use packer_runtime::api::{AssetCounts, FileCounts, Status, WorkspaceSummary};
use serde::Serialize;

use crate::error::ErrorView;
use crate::freshness::FreshnessBadge;
use crate::problems::ProblemTotals;
use crate::text::counted;

/// A workspace at a glance, of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkspaceView {
    /// The number of the snapshot.
    pub revision: u64,
    /// The project's name.
    pub project: String,
    /// The folder of the assets, relative to the project, `/`-separated.
    pub assets_root: String,
    /// What is known of the snapshot against the disk.
    pub freshness: FreshnessBadge,
    /// The figures.
    pub summary: SummaryView,
    /// The page of the navigator that was asked for.
    pub navigator: NavigatorPage,
}

/// The packer's figures of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SummaryView {
    /// The assets and what is wrong with them in words: `12 assets, 2 errors, 1 warning, 0 infos`.
    pub headline: String,
    /// The lineage of the project: which registry this is.
    pub lineage: String,
    /// Assets with a live line in the registry.
    pub managed: u64,
    /// Anchors that the registry does not know.
    pub unregistered: u64,
    /// Managed, with no anchor on disk.
    pub missing: u64,
    /// Managed, and taken by builds.
    pub included: u64,
    /// Managed, and left out of builds.
    pub excluded: u64,
    /// Managed and present, with something that keeps them from being built.
    pub invalid: u64,
    /// Managed assets by kind, by the kinds' names.
    pub kinds: Vec<KindTotal>,
    /// Claims of files by anchors.
    pub inputs: u64,
    /// Files that are no anchor and that no anchor claims.
    pub unclaimed: u64,
    /// Names that an ignore rule covers.
    pub ignored: u64,
    /// Bytes of all files, anchors included.
    pub bytes: u64,
    /// The figures about problems.
    pub problems: ProblemTotals,
}

/// How many assets of one kind there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindTotal {
    /// The kind.
    pub kind: String,
    /// How many.
    pub count: u64,
}

impl WorkspaceView {
    /// The workspace of the snapshot in `status`, with the rows that `query` asks for.
    pub(crate) fn of(status: &Status, query: &NavigatorQuery) -> Result<Self, ErrorView> {
        let snapshot = &status.snapshot;
        Ok(Self {
            revision: snapshot.revision().0,
            project: snapshot.project_name().to_owned(),
            assets_root: snapshot.assets_root().to_owned(),
            freshness: FreshnessBadge::of(&status.freshness),
            summary: SummaryView::of(snapshot.summary()),
            navigator: NavigatorPage::of(&snapshot.assets(&query.read()?)),
        })
    }
}

impl SummaryView {
    pub(crate) fn of(summary: &WorkspaceSummary) -> Self {
        let WorkspaceSummary { revision: _, lineage, assets, kinds, files, diagnostics: _, divergences: _ } =
            summary;
        let AssetCounts { managed, unregistered, missing, included, excluded, invalid } = *assets;
        let FileCounts { inputs, unclaimed, ignored, bytes } = *files;
        let problems = ProblemTotals::of(summary);
        let kinds = kinds.iter().map(|(kind, count)| KindTotal { kind: kind.to_string(), count: *count });
        Self {
            headline: format!("{}, {}", counted(managed, "asset"), problems.headline),
            lineage: lineage.to_string(),
            managed,
            unregistered,
            missing,
            included,
            excluded,
            invalid,
            kinds: kinds.collect(),
            inputs,
            unclaimed,
            ignored,
            bytes,
            problems,
        }
    }
}

#[cfg(test)]
mod tests;
