//! A glance: the figures of a workspace that was evaluated before and stands as it stood then, told without evaluating it.
//!
//! One look at each file says whether it stands so. Kept are the figures of a workspace where nothing diverges: what does
//! has to be told in full.

use packer_domain::path::AssetPath;
use packer_domain::summary::WorkspaceSummary;
use packer_fs::disk::Disk;
use packer_fs::layout;
use packer_fs::summary_file::KeptSummary;

use crate::clock;
use crate::freshness::Freshness;
use crate::observe::Sighting;
use crate::snapshot::Snapshot;

/// No more unclaimed files than these are kept by name.
const MOST_UNCLAIMED: usize = 64;

/// What opening a project told without evaluating it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The project's name, as `packer.toml` says it.
    pub project_name: String,
    /// The folder of the assets, relative to the project.
    pub assets_root: String,
    /// The figures.
    pub summary: WorkspaceSummary,
    /// How fresh they are.
    pub freshness: Freshness,
    /// The first files that no anchor claims, by path bytes, with their bytes: all of them, or as many as are kept.
    pub unclaimed: Vec<(AssetPath, u64)>,
}

/// What was kept of the workspace that `sighting` saw.
pub(super) fn recall(kept: KeptSummary, sighting: &Sighting) -> Option<Glance> {
    if sighting.frozen.is_some() || kept.fingerprint != sighting.basis.fingerprint {
        return None;
    }
    Some(Glance {
        project_name: sighting.config.name.clone(),
        assets_root: sighting.config.assets.to_string(),
        summary: kept.summary,
        freshness: Freshness::Verified { at: clock::now(), watched: false },
        unclaimed: kept.unclaimed,
    })
}

/// Keeps the figures of a first snapshot. That they could not be kept costs time and nothing else.
pub(super) fn keep(disk: &dyn Disk, snapshot: &Snapshot) {
    if !snapshot.divergences().is_empty() {
        return;
    }
    let unclaimed = snapshot.unclaimed().iter().take(MOST_UNCLAIMED);
    let kept = KeptSummary {
        fingerprint: snapshot.basis().fingerprint,
        summary: snapshot.summary().clone(),
        unclaimed: unclaimed.map(|path| (path.clone(), snapshot.size_of(path).unwrap_or_default())).collect(),
    };
    if let Err(error) = kept.store(disk, layout::SUMMARY.into()) {
        tracing::info!(%error, "the figures of the workspace were not kept");
    }
}
