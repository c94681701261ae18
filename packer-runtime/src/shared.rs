//! What the threads of one open project share: the disk, the published status, and the bus.

use std::sync::Arc;

use camino::Utf8PathBuf;
use packer_domain::codec::Codec;
use packer_domain::identity::{OperationId, Revision};
use packer_domain::kind::KindId;
use packer_domain::workspace::{StateChange, WorkspaceState};
use packer_events::body::EventBody;
use packer_events::record::{Changes, DivergenceRecord, FreshnessCause, FreshnessRecord, UnknownCause};
use packer_fs::disk::Disk;

use crate::clock;
use crate::feed::Bus;
use crate::freshness::Freshness;
use crate::observe::{Observed, Observer};
use crate::operation::Operation;
use crate::project::{FirstObservation, Status};
use crate::snapshot::Snapshot;
use crate::sync::{ArcSwap, Mutex, MutexGuard, PoisonError};

/// Everything that the lane, the builder and readers have in common.
pub(crate) struct Shared {
    pub root: Utf8PathBuf,
    pub disk: Arc<dyn Disk>,
    pub observer: Observer,
    pub codecs: std::collections::BTreeMap<KindId, Arc<dyn Codec>>,
    pub bus: Arc<Bus>,
    /// Whether to wait for a lane that another process holds.
    pub wait_for_lane: bool,
    /// How many threads bake, where a build does not say.
    pub jobs: Option<usize>,
    published: ArcSwap<Status>,
    /// The operation whose outcome this process could not store or does not know: nothing may commit until recovery.
    /// Held whenever a status is replaced.
    stuck: Mutex<Option<OperationId>>,
}

impl Shared {
    pub(crate) fn new(
        root: Utf8PathBuf,
        observer: Observer,
        codecs: std::collections::BTreeMap<KindId, Arc<dyn Codec>>,
        bus: Arc<Bus>,
        wait_for_lane: bool,
        jobs: Option<usize>,
        first: Status,
    ) -> Self {
        Self {
            root,
            disk: Arc::clone(&observer.disk),
            observer,
            codecs,
            bus,
            wait_for_lane,
            jobs,
            published: ArcSwap::from_pointee(first),
            stuck: Mutex::new(None),
        }
    }

    /// What readers see first of what opening found.
    pub(crate) fn first_status(first: &Observed, by: FirstObservation) -> Status {
        let (revision, freshness) = match (by, first.frozen) {
            (FirstObservation::AtOpening | FirstObservation::FiguresWillDo, _) => {
                (Revision(1), freshness_of(first.frozen))
            }
            (FirstObservation::ByFirstOperation, None) => {
                (Revision(0), Freshness::Unknown { cause: UnknownCause::NotObserved })
            }
            (FirstObservation::ByFirstOperation, frozen) => (Revision(0), freshness_of(frozen)),
        };
        let snapshot = Snapshot::new(revision, first.evaluate(), first.basis);
        Status { snapshot, freshness }
    }

    pub(crate) fn status(&self) -> Arc<Status> {
        self.published.load_full()
    }

    pub(crate) fn stuck(&self) -> Option<OperationId> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<OperationId>> {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds everything that whoever replaces a status holds.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        self.lock()
    }

    /// Notes that nothing may commit until `operation` was recovered.
    pub(crate) fn get_stuck(&self, operation: OperationId) {
        let mut stuck = self.lock();
        *stuck = Some(operation);
        let snapshot = self.status().snapshot.clone();
        let freshness = Freshness::RecoveryRequired { operation_id: operation };
        self.published.store(Arc::new(Status { snapshot, freshness }));
    }

    /// Notes that the workspace changed and could not be observed since: the snapshot is an old one from now on.
    pub(crate) fn lose_sight(&self, operation: &Operation) {
        let stuck = self.lock();
        let status = self.status();
        let to = match *stuck {
            Some(operation_id) => Freshness::RecoveryRequired { operation_id },
            None => Freshness::Unknown { cause: UnknownCause::ScanInterrupted },
        };
        let transition = EventBody::Freshness {
            from: FreshnessRecord::from(&status.freshness),
            to: FreshnessRecord::from(&to),
            cause: FreshnessCause::ScanInterrupted,
            paths: Vec::new(),
        };
        self.published.store(Arc::new(Status { snapshot: status.snapshot.clone(), freshness: to }));
        drop(stuck);
        operation.say(transition);
    }

    /// Publishes that the snapshot was found to be still what stands on disk. Called by the lane alone.
    pub(crate) fn reaffirm(&self, operation: &Operation, frozen: Option<OperationId>) -> Snapshot {
        let snapshot = self.status().snapshot.clone();
        let stuck = self.lock();
        let freshness = freshness_of(stuck.or(frozen));
        self.published.store(Arc::new(Status { snapshot: snapshot.clone(), freshness }));
        drop(stuck);
        operation.now_at(Some(snapshot.revision()), snapshot.revision());
        snapshot
    }

    /// The state that follows the published one.
    pub(crate) fn next(&self, observed: &Observed) -> Next {
        let current = self.status();
        let (state, change) = current.snapshot.state().next(observed.inputs.clone());
        Next { state, change, base: current.snapshot.revision() }
    }

    /// Publishes what was observed, if it differs from the snapshot that readers see, and says so. Called by the lane
    /// alone, which is what makes revisions follow each other.
    pub(crate) fn publish(&self, operation: &Operation, observed: &Observed, next: Next) -> Published {
        let current = self.status();
        let from = current.snapshot.revision();
        let next = if next.base == from { next } else { self.next(observed) };
        let Next { state, change, .. } = next;
        let (before, now) = (current.snapshot.basis(), observed.basis);
        let configuration = before.config != now.config;
        let same = change.nothing && !configuration && before.registry == now.registry;
        let snapshot = if same { current.snapshot.clone() } else { Snapshot::new(from.next(), state, now) };
        let to = snapshot.revision();
        let changed = Changes {
            added: change.added.len() as u64,
            changed: change.changed.len() as u64,
            removed: change.removed.len() as u64,
            configuration,
        };
        let stuck = self.lock();
        let freshness = match *stuck {
            Some(operation_id) => Freshness::RecoveryRequired { operation_id },
            None => freshness_of(observed.frozen),
        };
        self.published.store(Arc::new(Status { snapshot: snapshot.clone(), freshness }));
        drop(stuck);
        operation.now_at(Some(from), to);
        if !same {
            operation.say(EventBody::Published { from, to, changed });
            if !change.appeared.is_empty() || !change.cleared.is_empty() {
                let added = change.appeared.iter().map(DivergenceRecord::from).collect();
                let cleared = change.cleared.iter().map(DivergenceRecord::from).collect();
                operation.say(EventBody::Divergence { added, cleared });
            }
        }
        Published { snapshot, from, changed }
    }
}

/// What is to be published.
#[derive(Debug)]
pub(crate) struct Next {
    pub state: WorkspaceState,
    change: StateChange,
    /// The revision that it was computed from, and follows.
    base: Revision,
}

/// What publishing changed.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    /// What readers see now.
    pub snapshot: Snapshot,
    pub from: Revision,
    pub changed: Changes,
}

impl Published {
    pub(crate) fn to(&self) -> Revision {
        self.snapshot.revision()
    }
}

fn freshness_of(frozen: Option<OperationId>) -> Freshness {
    match frozen {
        Some(operation_id) => Freshness::RecoveryRequired { operation_id },
        None => Freshness::Verified { at: clock::now(), watched: false },
    }
}
