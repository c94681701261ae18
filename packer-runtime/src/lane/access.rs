//! Access to the lane across processes: its lock, and recovery before anything else.

use std::sync::Arc;

use packer_domain::identity::OperationId;
use packer_events::body::{Behind, EventBody, Lock};
use packer_events::report::{Failure, Rejection};
use packer_fs::lock::{LockError, Wait};

use super::recover::recover_everything;
use crate::holder::{facts, holder};
use crate::operation::{Operation, Stop, io_failure};
use crate::shared::Shared;
use crate::sync::lock::{LaneGuard, LaneLock};

/// The lane, held by this process until dropped.
#[derive(Debug)]
pub(crate) struct LaneAccess {
    guard: LaneGuard,
}

impl LaneAccess {
    /// Takes the lane for `operation`, waiting for another process that holds it, and recovers what dead ones left.
    pub(crate) fn enter(shared: &Arc<Shared>, operation: &Operation) -> Result<Self, Stop> {
        Self::enter_unless_frozen(shared, operation, None)
    }

    /// The same for an operation that settles `frozen`, which alone may keep others out.
    pub(crate) fn enter_to_settle(
        shared: &Arc<Shared>,
        operation: &Operation,
        frozen: OperationId,
    ) -> Result<Self, Stop> {
        Self::enter_unless_frozen(shared, operation, Some(frozen))
    }

    fn enter_unless_frozen(
        shared: &Arc<Shared>,
        operation: &Operation,
        settles: Option<OperationId>,
    ) -> Result<Self, Stop> {
        let keeps_out = |frozen: &OperationId| Some(*frozen) != settles;
        if let Some(operation_id) = shared.stuck().filter(keeps_out) {
            return Err(Stop::Rejected(Rejection::LaneFrozen { operation_id }));
        }
        let stop = || operation.is_cancelled();
        let wait = if shared.wait_for_lane { Wait::Block(&stop) } else { Wait::Never };
        let mut on_wait = |found: Option<&packer_fs::lock::HolderFacts>| {
            let behind = Behind { lock: Lock::Lane, operations: 1, holder: found.and_then(holder) };
            operation.say(EventBody::Queued { behind });
        };
        let acquired = LaneLock::acquire(&shared.root, &facts(operation), wait, &mut on_wait);
        let guard = acquired.map_err(|error| lock_stop(Lock::Lane, error))?;
        let access = Self { guard };
        let recovery = recover_everything(&shared.root, &shared.disk, &shared.bus)
            .map_err(|error| Stop::Failed(io_failure(&error)))?;
        match recovery.frozen.filter(keeps_out) {
            Some(operation_id) => {
                shared.get_stuck(operation_id);
                Err(Stop::Rejected(Rejection::LaneFrozen { operation_id }))
            }
            None => Ok(access),
        }
    }

    /// Whether the lane is still this process's. Somebody may have deleted `.packer/`, and another process made a new one.
    pub(crate) fn verify(&self, operation: &Operation) -> Result<(), Stop> {
        if self.guard.still_valid() {
            return Ok(());
        }
        tracing::warn!(operation_id = %operation.id, "the lane's lock was deleted while it was held");
        Err(Stop::Failed(Failure::Damaged {
            message: "the lane's lock was deleted while it was held".to_owned(),
            path: packer_fs::layout::LANE_LOCK.to_owned(),
        }))
    }
}

/// What a lock that was not taken means for the operation.
pub(crate) fn lock_stop(lock: Lock, error: LockError) -> Stop {
    let message = error.to_string();
    match error {
        LockError::Busy { holder: found, .. } => {
            Stop::Rejected(Rejection::LockHeld { lock, holder: found.as_ref().and_then(holder) })
        }
        LockError::Unsupported { .. } => Stop::Rejected(Rejection::LockUnsupported { lock }),
        LockError::Stopped { .. } => Stop::Cancelled(None),
        LockError::Io { path, .. } => Stop::Failed(Failure::Io { message, path: Some(path.to_string()) }),
        LockError::Disk(error) => Stop::Failed(io_failure(&error)),
    }
}
