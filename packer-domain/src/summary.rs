//! The summary of a workspace: the figures that every consumer shows. They are counted once, in `workspace`; no consumer
//! counts rows.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::divergence::DivergenceCode;
use crate::identity::{LineageId, Revision};
use crate::kind::KindId;
use crate::workspace::WorkspaceState;

/// The figures of one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiagnosticCounts {
    /// Errors.
    pub error: u64,
    /// Warnings.
    pub warning: u64,
    /// Infos.
    pub info: u64,
}

impl WorkspaceSummary {
    /// The figures of `state`.
    pub fn of(state: &WorkspaceState, revision: Revision) -> Self {
        let tally = state.tally();
        let files = FileCounts {
            inputs: tally.inputs,
            unclaimed: state.unclaimed().len() as u64,
            ignored: state.observation().ignored,
            bytes: state.bytes(),
        };
        Self {
            revision,
            lineage: state.registry().lineage(),
            assets: tally.assets,
            kinds: tally.kinds.clone(),
            files,
            diagnostics: tally.diagnostics,
            divergences: tally.divergences.clone(),
        }
    }
}
