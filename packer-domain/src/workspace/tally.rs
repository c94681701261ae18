//! The figures of a state, kept so that a state with few changes is counted by those changes.
//!
//! A tally is a sum over assets, anchors and findings: what was counted of a part of a workspace can be taken away from
//! the whole, and what is counted of the part as it is now be added. Which figures consumers see, and what they mean, is
//! in `summary`.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, DiagnosticCode, Severity};
use crate::divergence::{Divergence, DivergenceCode};
use crate::identity::AssetUuid;
use crate::kind::KindId;
use crate::sorted::Findings;
use crate::summary::{AssetCounts, DiagnosticCounts};

use super::record::{AssetRecord, AssetState};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub assets: AssetCounts,
    /// Managed assets by kind; none counts zero.
    pub kinds: BTreeMap<KindId, u64>,
    /// Claims of files by anchors.
    pub inputs: u64,
    pub diagnostics: DiagnosticCounts,
    /// By code; none counts zero.
    pub divergences: BTreeMap<DivergenceCode, u64>,
    /// How many diagnostics say that paths collide.
    pub collisions: u64,
}

impl Tally {
    pub(super) fn of<'a>(
        records: impl Iterator<Item = &'a AssetRecord>,
        unregistered: usize,
        inputs: u64,
        divergences: &Findings<Divergence>,
        diagnostics: &Findings<Diagnostic>,
    ) -> Self {
        let mut tally = Self { inputs, ..Self::default() };
        tally.assets.unregistered = unregistered as u64;
        let missing = divergences.iter().filter(|found| found.code == DivergenceCode::AnchorMissing);
        let missing: BTreeSet<AssetUuid> = missing.flat_map(|found| found.assets.iter().copied()).collect();
        for record in records {
            tally.count(record, &missing);
        }
        for divergence in divergences {
            *tally.divergences.entry(divergence.code).or_default() += 1;
        }
        for diagnostic in diagnostics {
            match diagnostic.severity {
                Severity::Error => tally.diagnostics.error += 1,
                Severity::Warning => tally.diagnostics.warning += 1,
                Severity::Info => tally.diagnostics.info += 1,
            }
            tally.collisions += u64::from(diagnostic.code == DiagnosticCode::PathCollision);
        }
        tally
    }

    fn count(&mut self, record: &AssetRecord, missing: &BTreeSet<AssetUuid>) {
        self.assets.managed += 1;
        if record.entry.is_included() {
            self.assets.included += 1;
        } else {
            self.assets.excluded += 1;
        }
        // By divergence, not by state: one whose registry lines contradict each other can be missing too.
        if missing.contains(&record.entry.uuid) {
            self.assets.missing += 1;
        } else if record.state != AssetState::Ready {
            self.assets.invalid += 1;
        }
        let Some(kind) = record.kind() else { return };
        match self.kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                self.kinds.insert(kind.clone(), 1);
            }
        }
    }

    /// The same without what `before` counted and with what `after` counts.
    pub(super) fn replaced(&self, before: &Self, after: &Self) -> Self {
        let figure = |get: fn(&Self) -> u64| (get(self) + get(after)).saturating_sub(get(before));
        Self {
            assets: AssetCounts {
                managed: figure(|tally| tally.assets.managed),
                unregistered: figure(|tally| tally.assets.unregistered),
                missing: figure(|tally| tally.assets.missing),
                included: figure(|tally| tally.assets.included),
                excluded: figure(|tally| tally.assets.excluded),
                invalid: figure(|tally| tally.assets.invalid),
            },
            kinds: replaced(&self.kinds, &before.kinds, &after.kinds),
            inputs: figure(|tally| tally.inputs),
            diagnostics: DiagnosticCounts {
                error: figure(|tally| tally.diagnostics.error),
                warning: figure(|tally| tally.diagnostics.warning),
                info: figure(|tally| tally.diagnostics.info),
            },
            divergences: replaced(&self.divergences, &before.divergences, &after.divergences),
            collisions: figure(|tally| tally.collisions),
        }
    }
}

fn replaced<K: Ord + Clone>(
    all: &BTreeMap<K, u64>,
    before: &BTreeMap<K, u64>,
    after: &BTreeMap<K, u64>,
) -> BTreeMap<K, u64> {
    let mut counts = all.clone();
    for (key, count) in after {
        *counts.entry(key.clone()).or_default() += count;
    }
    for (key, gone) in before {
        if let Some(count) = counts.get_mut(key) {
            *count = count.saturating_sub(*gone);
        }
    }
    counts.retain(|_, count| *count > 0);
    counts
}
