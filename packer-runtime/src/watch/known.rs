//! How what is known changes: each change is made, published and told under one lock, so that transitions are told in the
//! order in which they happened, and each begins where the last one ended.
//!
//! Readers never take that lock. What a change means is `doubts`' business; what freshness looks like, `freshness`'s.

use std::collections::BTreeSet;
use std::sync::Arc;

use packer_domain::identity::{OperationId, Revision};
use packer_domain::path::AssetPath;
use packer_events::body::EventBody;
use packer_events::record::{FreshnessCause, FreshnessRecord, UnknownCause};
use packer_fs::head::Head;
use packer_fs::watch::{Heard, Hints};

use super::doubts::{Asked, Doubts, Moment, Place};
use crate::clock;
use crate::freshness::Freshness;
use crate::operation::Operation;
use crate::project::Status;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::sync::MutexGuard;

/// What is known of the snapshot, and who is told.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub doubts: Doubts,
    /// The operation that watches, while it runs.
    pub watch: Option<Arc<Operation>>,
    /// How many transitions it told.
    pub transitions: u64,
    /// Where hints wait, if somebody watches.
    pub hints: Option<Arc<Hints>>,
}

/// What a scan found beside the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    /// The commit that waits for a decision, if any.
    pub frozen: Option<OperationId>,
    pub head: Option<Head>,
}

impl Shared {
    /// Changes what is known, publishes it, and tells of the transition: under the operation that watches, or else under
    /// `operation`, which runs.
    fn learn(
        &self,
        operation: Option<&Operation>,
        cause: FreshnessCause,
        change: impl FnOnce(&mut Known, &Status),
    ) {
        let mut known = self.known();
        let status = self.status();
        change(&mut known, &status);
        let snapshot = status.snapshot.clone();
        self.publish_known(known, operation, cause, snapshot, || {});
    }

    /// Publishes a snapshot with what is known of it; `tell` says what else there is to be said, before the transition.
    fn publish_known(
        &self,
        mut known: MutexGuard<'_, Known>,
        operation: Option<&Operation>,
        cause: FreshnessCause,
        snapshot: Snapshot,
        tell: impl FnOnce(),
    ) {
        let before = self.status();
        let (from, to) = (&before.freshness, known.doubts.freshness());
        let revision = snapshot.revision();
        let moved = is_transition(from, &to);
        if moved || *from != to || revision != before.snapshot.revision() {
            self.store(Status { snapshot, freshness: to.clone() });
        }
        tell();
        if moved {
            let cause = match to {
                Freshness::Unknown { cause } => cause_of(cause),
                Freshness::Verified { .. } | Freshness::Dirty { .. } | Freshness::RecoveryRequired { .. } => {
                    cause
                }
            };
            let body = transition(from, &to, cause);
            if let Some(watch) = &known.watch {
                watch.now_at(None, revision);
                watch.say(body);
                known.transitions += 1;
            } else if let Some(operation) = operation {
                operation.say(body);
            }
        }
    }

    /// Takes in what was heard, and gives it to whoever follows it.
    pub(crate) fn hear(&self, hints: &Hints, passes_over: &dyn Fn(&AssetPath) -> bool) -> Heard {
        let mut taken = Heard::default();
        // Taken under the lock: a scan that completes meanwhile finds it either here or among what waits.
        self.learn(None, FreshnessCause::PathsChanged, |known, _| {
            taken = hints.take();
            known.doubts.hear(&taken, passes_over);
        });
        taken
    }

    /// Anything may differ, for this cause.
    pub(crate) fn doubt_everything(&self, cause: UnknownCause) {
        self.learn(None, cause_of(cause), |known, _| known.doubts.doubt_everything(cause));
    }

    /// Nothing more is heard.
    pub(crate) fn disarm(&self, cause: UnknownCause) {
        self.learn(None, cause_of(cause), |known, _| known.doubts.disarm(cause));
    }

    /// Nothing more is heard, because somebody wanted that.
    pub(crate) fn stand_down(&self) {
        self.learn(None, FreshnessCause::WatchLost, |known, _| known.doubts.stand_down());
    }

    /// Everything is heard of from now on.
    pub(crate) fn arm(&self) {
        self.learn(None, FreshnessCause::Observed, |known, _| known.doubts.arm());
    }

    pub(crate) fn dismiss(&self, path: &AssetPath) {
        self.learn(None, FreshnessCause::LookedAt, |known, _| known.doubts.dismiss(path));
    }

    pub(crate) fn head_is(&self, head: Option<Head>) {
        self.learn(None, FreshnessCause::ChangedOutside, |known, _| known.doubts.head_is(head));
    }

    /// The places that want looking at, and the snapshot that they are to be compared with.
    pub(crate) fn to_look_at(&self) -> (Snapshot, Vec<Asked>) {
        let known = self.known();
        (self.status().snapshot.clone(), known.doubts.to_look_at())
    }

    /// Takes in how places compare with the snapshot of a revision; whether that is still the one that readers see.
    pub(crate) fn looked_at(&self, revision: Revision, found: Vec<(Asked, bool)>) -> bool {
        let mut current = false;
        let (same, other): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, same)| *same);
        for (cause, found) in [(FreshnessCause::PathsChanged, other), (FreshnessCause::LookedAt, same)] {
            self.learn(None, cause, |known, status| {
                current = status.snapshot.revision() == revision;
                if current {
                    known.doubts.looked_at(found);
                }
            });
        }
        current
    }

    /// A scan begins that may give the next snapshot. Called under the lane's turn, so no two run at a time.
    pub(crate) fn scan_begins(&self) {
        self.known().doubts.scan_begins();
    }

    /// The scan that began last completed and gave this snapshot. `tell` says what else there is to be said.
    pub(crate) fn scan_completed(
        &self,
        operation: &Operation,
        snapshot: Snapshot,
        beside: Beside,
        tell: impl FnOnce(),
    ) {
        let mut known = self.known();
        let hints = known.hints.clone();
        let waiting = hints.as_ref().map(|hints| hints.peek(Heard::clone)).unwrap_or_default();
        let status = self.status();
        let same = status.snapshot.revision() == snapshot.revision();
        let cause = match status.freshness {
            Freshness::RecoveryRequired { .. } => FreshnessCause::Recovered,
            Freshness::Verified { .. } | Freshness::Dirty { .. } | Freshness::Unknown { .. } => {
                FreshnessCause::Observed
            }
        };
        known.doubts.scan_completed(clock::now(), (beside.frozen, beside.head), same, &waiting);
        let cause = if matches!(known.doubts.freshness(), Freshness::RecoveryRequired { .. }) {
            FreshnessCause::Frozen
        } else {
            cause
        };
        self.publish_known(known, Some(operation), cause, snapshot, tell);
        // What came meanwhile wants looking at.
        if let Some(hints) = hints {
            hints.wake();
        }
    }

    /// A look at registry, configuration and head begins, on behalf of the lane; as `Doubts::look_begins`.
    pub(crate) fn look_begins(&self) -> Option<(Moment, Option<Head>)> {
        self.known().doubts.look_begins()
    }

    /// A commit that replaced the registry alone, after a look that began at `looked`, gave this snapshot. `tell` says what
    /// else there is to be said.
    pub(crate) fn registry_followed(
        &self,
        operation: &Operation,
        snapshot: Snapshot,
        (looked, head): (Moment, Head),
        tell: impl FnOnce(),
    ) {
        let mut known = self.known();
        let hints = known.hints.clone();
        known.doubts.registry_followed(looked, head);
        self.publish_known(known, Some(operation), FreshnessCause::LookedAt, snapshot, tell);
        if let Some(hints) = hints {
            hints.wake();
        }
    }

    /// Notes that the workspace changed and could not be observed since: the snapshot is an old one from now on.
    pub(crate) fn lose_sight(&self, operation: &Operation) {
        self.learn(Some(operation), FreshnessCause::ScanInterrupted, |known, _| {
            known.doubts.doubt_everything(UnknownCause::ScanInterrupted);
        });
    }

    /// Notes that nothing may commit until `operation` was recovered.
    pub(crate) fn get_stuck(&self, operation: OperationId) {
        self.learn(None, FreshnessCause::Frozen, |known, _| known.doubts.get_stuck(operation));
    }

    /// Notes that `operation` was recovered. What is published next says so.
    pub(crate) fn get_unstuck(&self, operation: OperationId) {
        self.known().doubts.get_unstuck(operation);
    }

    /// The operation that has to be recovered before anything may commit.
    pub(crate) fn stuck(&self) -> Option<OperationId> {
        self.known().doubts.stuck()
    }

    /// A commit of this process is about to write these files, below the assets root, and perhaps the registry.
    pub(crate) fn commit_begins(
        &self,
        operation: OperationId,
        files: impl Iterator<Item = AssetPath>,
        registry: bool,
    ) -> OwnCommit<'_> {
        let mut places = BTreeSet::new();
        for file in files {
            // Folders that it makes are its own, too.
            places.extend(file.ancestors().filter_map(|path| AssetPath::parse(path).ok()).map(Place::Path));
            places.insert(Place::Path(file));
        }
        if registry {
            places.insert(Place::Registry);
        }
        self.known().doubts.commit_begins(operation, places);
        OwnCommit { shared: self }
    }

    /// Since when a scan would tell something, if it would; and the moment now.
    pub(crate) fn wants_scan(&self) -> (Option<Moment>, Moment) {
        let known = self.known();
        (known.doubts.wants_scan(), known.doubts.now())
    }
}

/// A commit of this process, while it writes.
#[must_use = "the commit counts as over when this is dropped"]
pub(crate) struct OwnCommit<'s> {
    shared: &'s Shared,
}

impl Drop for OwnCommit<'_> {
    fn drop(&mut self) {
        let mut known = self.shared.known();
        known.doubts.commit_ends();
        if let Some(hints) = &known.hints {
            hints.wake();
        }
    }
}

/// Whether freshness moved. That a snapshot was verified anew is no transition.
fn is_transition(from: &Freshness, to: &Freshness) -> bool {
    match (from, to) {
        (Freshness::Verified { watched: before, .. }, Freshness::Verified { watched: now, .. }) => {
            before != now
        }
        (from, to) => from != to,
    }
}

fn transition(from: &Freshness, to: &Freshness, cause: FreshnessCause) -> EventBody {
    let dirty = |freshness: &Freshness| -> BTreeSet<AssetPath> {
        match freshness {
            Freshness::Dirty { paths, .. } => paths.iter().cloned().collect(),
            Freshness::Verified { .. } | Freshness::Unknown { .. } | Freshness::RecoveryRequired { .. } => {
                BTreeSet::new()
            }
        }
    };
    let (before, now) = (dirty(from), dirty(to));
    let paths = match cause {
        FreshnessCause::LookedAt => before.difference(&now).cloned().collect(),
        _ => now.difference(&before).cloned().collect(),
    };
    EventBody::Freshness { from: FreshnessRecord::from(from), to: FreshnessRecord::from(to), cause, paths }
}

fn cause_of(cause: UnknownCause) -> FreshnessCause {
    match cause {
        UnknownCause::Overflow => FreshnessCause::Overflow,
        UnknownCause::WatchLost => FreshnessCause::WatchLost,
        UnknownCause::ScanInterrupted | UnknownCause::NotObserved => FreshnessCause::ScanInterrupted,
        UnknownCause::ChangedOutside => FreshnessCause::ChangedOutside,
    }
}
