//! What the threads of one open project share: the disk, the published status, and the bus. How fresh the snapshot is,
//! and how that changes, is in `watch`.

use std::sync::Arc;

use camino::Utf8PathBuf;
use packer_domain::codec::Codec;
use packer_domain::identity::{Digest, OperationId, Revision};
use packer_domain::kind::KindId;
use packer_domain::workspace::{StateChange, WorkspaceState};
use packer_events::body::{EventBody, divergences};
use packer_events::record::{Changes, DivergenceRecord};
use packer_fs::disk::Disk;
use packer_fs::head::Head;
use packer_fs::watch::{Heard, Hints};

use crate::clock;
use crate::feed::Bus;
use crate::observe::{Observed, Observer};
use crate::operation::Operation;
use crate::project::{FirstObservation, Status};
use crate::snapshot::Snapshot;
use crate::sync::{ArcSwap, Mutex, MutexGuard, PoisonError};
use crate::watch::{Beside, Known, Moment};

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
    /// What is known of the published snapshot. Held whenever a status is replaced.
    known: Mutex<Known>,
    /// The digest of the registry as this process last wrote it.
    written: Mutex<Option<Digest>>,
}

impl Shared {
    pub(crate) fn new(
        root: Utf8PathBuf,
        observer: Observer,
        codecs: std::collections::BTreeMap<KindId, Arc<dyn Codec>>,
        bus: Arc<Bus>,
        wait_for_lane: bool,
        jobs: Option<usize>,
        opened: Opened<'_>,
    ) -> Self {
        let mut known = Known { hints: opened.hints, ..Known::default() };
        if opened.armed {
            known.doubts.arm();
        }
        let revision = match opened.by {
            FirstObservation::AtOpening | FirstObservation::FiguresWillDo => {
                known.doubts.scan_begins();
                let beside = (opened.found.frozen, opened.found.head);
                known.doubts.scan_completed(clock::now(), beside, true, &Heard::default());
                Revision(1)
            }
            FirstObservation::ByFirstOperation => Revision(0),
        };
        if let Some(operation) = opened.frozen.or(opened.found.frozen) {
            known.doubts.get_stuck(operation);
        }
        let snapshot = Snapshot::new(revision, opened.found.evaluate(), opened.found.basis);
        let first = Status { snapshot, freshness: known.doubts.freshness() };
        Self {
            root,
            disk: Arc::clone(&observer.disk),
            observer,
            codecs,
            bus,
            wait_for_lane,
            jobs,
            published: ArcSwap::from_pointee(first),
            known: Mutex::new(known),
            written: Mutex::new(None),
        }
    }

    /// The digest of the registry as this process last wrote it: bytes that are the writer's own.
    pub(crate) fn written(&self) -> Option<Digest> {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that this process wrote the registry.
    pub(crate) fn wrote(&self, registry: Digest) {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(registry);
    }

    pub(crate) fn status(&self) -> Arc<Status> {
        self.published.load_full()
    }

    /// Replaces the status that readers see. The caller holds what is [known](Self::known).
    pub(crate) fn store(&self, status: Status) {
        self.published.store(Arc::new(status));
    }

    /// What is known of the published snapshot. No reader waits for this.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds everything that whoever replaces a status holds.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        self.known()
    }

    /// Publishes that the snapshot was found to be still what stands on disk. Called by the lane alone.
    pub(crate) fn reaffirm(&self, operation: &Operation, beside: Beside) -> Snapshot {
        let snapshot = self.status().snapshot.clone();
        operation.now_at(Some(snapshot.revision()), snapshot.revision());
        self.scan_completed(operation, snapshot.clone(), beside, || {});
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
        let beside = Beside { frozen: observed.frozen, head: observed.head };
        self.replace(operation, observed, next, |snapshot, tell| {
            self.scan_completed(operation, snapshot, beside, tell);
        })
    }

    /// Publishes what follows from the snapshot by a commit that replaced the registry alone, and left `head`. `observed` is
    /// the snapshot's own observation with the new registry; at `looked` began the look that found all else as it was.
    pub(crate) fn publish_followed(
        &self,
        operation: &Operation,
        observed: &Observed,
        looked: Moment,
        head: Head,
    ) -> Published {
        self.replace(operation, observed, self.next(observed), |snapshot, tell| {
            self.registry_followed(operation, snapshot, (looked, head), tell);
        })
    }

    fn replace(
        &self,
        operation: &Operation,
        observed: &Observed,
        next: Next,
        store: impl FnOnce(Snapshot, &mut dyn FnMut()),
    ) -> Published {
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
        operation.now_at(Some(from), to);
        store(snapshot.clone(), &mut || {
            if same {
                return;
            }
            operation.say(EventBody::Published { from, to, changed });
            let added = change.appeared.iter().map(DivergenceRecord::from);
            let cleared = change.cleared.iter().map(DivergenceRecord::from);
            for body in divergences(added, cleared) {
                operation.say(body);
            }
        });
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

/// What opening a project found.
pub(crate) struct Opened<'o> {
    pub found: &'o Observed,
    pub by: FirstObservation,
    /// The commit that recovery found to wait for a decision.
    pub frozen: Option<OperationId>,
    /// Where hints wait, if somebody watches.
    pub hints: Option<Arc<Hints>>,
    /// Whether everything was heard of since before the observation began.
    pub armed: bool,
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
