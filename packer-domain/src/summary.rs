//! The summary of a workspace: the figures that every consumer shows, counted once, here. No consumer counts rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::diagnostic::Severity;
use crate::divergence::DivergenceCode;
use crate::identity::{AssetUuid, LineageId, Revision};
use crate::kind::KindId;
use crate::workspace::{AssetState, WorkspaceState};

/// The figures of one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkspaceSummary {
    /// Of which revision.
    pub revision: Revision,
    /// The project's lineage.
    pub lineage: LineageId,
    /// Assets by registration, presence, build participation and health.
    pub assets: AssetCounts,
    /// Managed assets by kind; those whose anchor is invalid or missing have none.
    pub kinds: BTreeMap<KindId, u64>,
    /// Files below the assets root.
    pub files: FileCounts,
    /// Diagnostics by severity.
    pub diagnostics: DiagnosticCounts,
    /// Divergences by code; codes without one are left out.
    pub divergences: BTreeMap<DivergenceCode, u64>,
}

/// Counts of assets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AssetCounts {
    /// With a live line in the registry.
    pub managed: u64,
    /// Anchors on disk that the registry does not know.
    pub unregistered: u64,
    /// Managed, with no anchor on disk.
    pub missing: u64,
    /// Managed, and taken by builds.
    pub included: u64,
    /// Managed, and left out of builds.
    pub excluded: u64,
    /// Managed and present, with something that keeps them from being built.
    pub invalid: u64,
}

/// Counts of files, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileCounts {
    /// Claims of files by anchors.
    pub inputs: u64,
    /// Files that are no anchor and that no anchor claims.
    pub unclaimed: u64,
    /// Names passed over because an ignore rule covers them.
    pub ignored: u64,
    /// Bytes of all files, anchors included.
    pub bytes: u64,
}

/// Counts of diagnostics by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiagnosticCounts {
    /// Errors.
    pub error: u64,
    /// Warnings.
    pub warning: u64,
    /// Infos.
    pub info: u64,
}

impl WorkspaceSummary {
    /// Counts.
    pub fn of(state: &WorkspaceState, revision: Revision) -> Self {
        let mut assets = AssetCounts::default();
        let mut kinds: BTreeMap<KindId, u64> = BTreeMap::new();
        let missing = state.divergences().iter().filter(|found| found.code == DivergenceCode::AnchorMissing);
        let missing: BTreeSet<AssetUuid> = missing.flat_map(|found| found.assets.iter().copied()).collect();
        for record in state.assets() {
            assets.managed += 1;
            if record.entry.is_included() {
                assets.included += 1;
            } else {
                assets.excluded += 1;
            }
            // By divergence, not by state: one whose registry lines contradict each other can be missing too.
            if missing.contains(&record.entry.uuid) {
                assets.missing += 1;
            } else if record.state != AssetState::Ready {
                assets.invalid += 1;
            }
            if let Some(kind) = record.kind() {
                *kinds.entry(kind.clone()).or_default() += 1;
            }
        }
        assets.unregistered = state.unregistered().count() as u64;

        let mut diagnostics = DiagnosticCounts::default();
        for diagnostic in state.diagnostics() {
            match diagnostic.severity {
                Severity::Error => diagnostics.error += 1,
                Severity::Warning => diagnostics.warning += 1,
                Severity::Info => diagnostics.info += 1,
            }
        }
        let mut divergences: BTreeMap<DivergenceCode, u64> = BTreeMap::new();
        for divergence in state.divergences() {
            *divergences.entry(divergence.code).or_default() += 1;
        }
        let files = FileCounts {
            inputs: state.input_count(),
            unclaimed: state.unclaimed().len() as u64,
            ignored: state.observation().ignored,
            bytes: state.observation().files.values().fold(0, |sum: u64, fact| sum.saturating_add(fact.size)),
        };
        Self { revision, lineage: state.registry().lineage(), assets, kinds, files, diagnostics, divergences }
    }
}
