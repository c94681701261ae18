//! The summary file: the figures of the workspace as it stood when it was last evaluated, and the fingerprint of that.
//!
//! Whoever finds a workspace with the same fingerprint knows its figures without parsing or evaluating any of it. It is a
//! shortcut and never the truth (`framed`). Which workspaces have one, and what a fingerprint covers, is the runtime's
//! business.

use std::collections::BTreeMap;

use camino::Utf8Path;
use packer_domain::divergence::DivergenceCode;
use packer_domain::identity::{Digest, LineageId, Revision};
use packer_domain::kind::KindId;
use packer_domain::path::AssetPath;
use packer_domain::summary::{AssetCounts, DiagnosticCounts, FileCounts, WorkspaceSummary};
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, DiskError};
use crate::framed;

/// A file of more bytes is not read, and so counts as none.
const MAX_SUMMARY_BYTES: u64 = 1 << 20;

const MAGIC: [u8; 8] = *b"PKRSUMM1";

/// What is kept of an evaluated workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSummary {
    /// The fingerprint of what was evaluated.
    pub fingerprint: Digest,
    /// The figures. Their revision is that of a first observation.
    pub summary: WorkspaceSummary,
    /// The first files that no anchor claims, with their bytes.
    pub unclaimed: Vec<(AssetPath, u64)>,
}

/// The same as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    fingerprint: Digest,
    lineage: LineageId,
    /// In the order of [`AssetCounts`].
    assets: [u64; 6],
    kinds: BTreeMap<KindId, u64>,
    /// In the order of [`FileCounts`].
    files: [u64; 4],
    /// Errors, warnings, infos.
    diagnostics: [u64; 3],
    divergences: BTreeMap<String, u64>,
    unclaimed: Vec<(AssetPath, u64)>,
}

impl KeptSummary {
    /// Reads the file at `path`; `None` if there is none that can be believed.
    pub fn load(disk: &dyn Disk, path: &Utf8Path) -> Option<Self> {
        Self::decode(&disk.read(path, MAX_SUMMARY_BYTES).ok()?)
    }

    /// Writes the file at `path`, over an earlier one.
    pub fn store(&self, disk: &dyn Disk, path: &Utf8Path) -> Result<(), DiskError> {
        framed::store(disk, path, &self.encode())
    }

    /// Reads the bytes of a file; `None` if they are not those that were written.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let stored: Stored = framed::decode(MAGIC, bytes)?;
        let [managed, unregistered, missing, included, excluded, invalid] = stored.assets;
        let [inputs, unclaimed, ignored, bytes] = stored.files;
        let [error, warning, info] = stored.diagnostics;
        let divergences = stored.divergences.iter();
        let divergences =
            divergences.map(|(code, count)| Some((code.parse::<DivergenceCode>().ok()?, *count)));
        Some(Self {
            fingerprint: stored.fingerprint,
            summary: WorkspaceSummary {
                revision: Revision(1),
                lineage: stored.lineage,
                assets: AssetCounts { managed, unregistered, missing, included, excluded, invalid },
                kinds: stored.kinds,
                files: FileCounts { inputs, unclaimed, ignored, bytes },
                diagnostics: DiagnosticCounts { error, warning, info },
                divergences: divergences.collect::<Option<_>>()?,
            },
            unclaimed: stored.unclaimed,
        })
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let WorkspaceSummary { revision: _, lineage, assets, kinds, files, diagnostics, divergences } =
            &self.summary;
        let AssetCounts { managed, unregistered, missing, included, excluded, invalid } = *assets;
        let FileCounts { inputs, unclaimed, ignored, bytes } = *files;
        let DiagnosticCounts { error, warning, info } = *diagnostics;
        let stored = Stored {
            fingerprint: self.fingerprint,
            lineage: *lineage,
            assets: [managed, unregistered, missing, included, excluded, invalid],
            kinds: kinds.clone(),
            files: [inputs, unclaimed, ignored, bytes],
            diagnostics: [error, warning, info],
            divergences: divergences.iter().map(|(code, count)| (code.to_string(), *count)).collect(),
            unclaimed: self.unclaimed.clone(),
        };
        framed::encode(MAGIC, &stored)
    }
}

#[cfg(test)]
mod tests {
    use packer_domain::identity::UuidDraw;

    use super::*;
    use crate::disk::sim::SimDisk;

    fn kept() -> KeptSummary {
        KeptSummary {
            fingerprint: Digest::of(b"workspace"),
            summary: WorkspaceSummary {
                revision: Revision(1),
                lineage: LineageId::drawn(UuidDraw { unix_ms: 1, entropy: [1; 16] }),
                assets: AssetCounts {
                    managed: 1,
                    unregistered: 2,
                    missing: 3,
                    included: 4,
                    excluded: 5,
                    invalid: 6,
                },
                kinds: BTreeMap::from([(KindId::parse("image").unwrap(), 7)]),
                files: FileCounts { inputs: 8, unclaimed: 9, ignored: 10, bytes: u64::MAX },
                diagnostics: DiagnosticCounts { error: 12, warning: 13, info: 14 },
                divergences: BTreeMap::from([(DivergenceCode::AnchorMoved, 15)]),
            },
            unclaimed: vec![(AssetPath::parse("a b/c.txt").unwrap(), 16)],
        }
    }

    #[test]
    fn is_read_as_it_was_written_and_not_at_all_where_it_is_damaged() {
        let disk = SimDisk::new();
        let path = Utf8Path::new(".packer/summary");
        disk.put_dir(".packer".into());
        assert_eq!(KeptSummary::load(&disk, path), None);
        let kept = kept();
        disk.put(path, &[7; 4000]);
        kept.store(&disk, path).unwrap();
        assert_eq!(KeptSummary::load(&disk, path).as_ref(), Some(&kept));
        let bytes = kept.encode();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(KeptSummary::decode(&damaged), None, "byte {at}");
            assert_eq!(KeptSummary::decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
