//! `Refresh`: observing again, and publishing what is found.

use std::sync::Arc;

use packer_events::body::{EventBody, Phase, Unit};
use packer_events::report::{Ending, Failure, OutcomeReport, RefreshReport, Rejection};
use packer_fs::scan::ScanProgress;

use super::{Finale, LaneAccess};
use crate::observe::{Lane, ObserveError, Observed, Sighting};
use crate::operation::{Operation, Stop, io_failure};
use crate::progress::Progress;
use crate::shared::Shared;

/// Observes and publishes.
pub(crate) fn refresh<'s>(shared: &'s Arc<Shared>, operation: &Operation) -> Result<Finale<'s>, Stop> {
    operation.say(EventBody::Started {});
    let observed = observe(shared, operation, Lane::Free)?;
    let next = shared.next(&observed);
    let published = shared.publish(operation, &observed, next);
    Ok(Finale::plain(Ending::Succeeded(OutcomeReport::Refresh(RefreshReport {
        from: published.from,
        to: published.to(),
        changed: published.changed,
        took_ms: operation.took_ms(),
    }))))
}

/// Observes on behalf of an operation. Where commits of other processes keep disturbing it, it takes the lane.
pub(crate) fn observe(shared: &Arc<Shared>, operation: &Operation, lane: Lane) -> Result<Observed, Stop> {
    let cancel = || operation.is_cancelled();
    match observe_once(shared, operation, lane, &cancel) {
        Err(ObserveError::Disturbed) => {
            let access = LaneAccess::enter(shared, operation)?;
            let observed =
                observe_once(shared, operation, Lane::Held, &cancel).map_err(|e| stop(operation, e));
            drop(access);
            observed
        }
        result => result.map_err(|error| stop(operation, error)),
    }
}

/// Observes after a commit, under the lane: what has happened can no longer be called off.
pub(crate) fn observe_to_the_end(
    shared: &Arc<Shared>,
    operation: &Operation,
) -> Result<Observed, ObserveError> {
    observe_once(shared, operation, Lane::Held, &|| false)
}

/// Looks at the workspace under the lane, for whoever may not have to parse what is there, or has to tell apart why it
/// cannot be done.
pub(crate) fn sight_held(shared: &Arc<Shared>, operation: &Operation) -> Result<Sighting, ObserveError> {
    let scanning = Scanning::new(operation);
    let progress = |scanned: ScanProgress| scanning.reached(scanned);
    shared.scan_begins();
    shared.observer.sight(Lane::Held, &|| operation.is_cancelled(), &progress)
}

/// The same by whoever has looked before, and saw `last`.
pub(crate) fn sight_again(
    shared: &Arc<Shared>,
    operation: &Operation,
    last: &Sighting,
) -> Result<Sighting, ObserveError> {
    let scanning = Scanning::new(operation);
    let progress = |scanned: ScanProgress| scanning.reached(scanned);
    shared.observer.sight_from(Lane::Held, Some(last), &|| operation.is_cancelled(), &progress)
}

/// How far a scan is: the files that it looked at, and those that it had to read.
struct Scanning<'o> {
    looked_at: Progress<'o>,
    read: Progress<'o>,
}

impl<'o> Scanning<'o> {
    fn new(operation: &'o Operation) -> Self {
        Self {
            looked_at: Progress::new(operation, Phase::Scan, Unit::Files, None),
            read: Progress::new(operation, Phase::Hash, Unit::Files, None),
        }
    }

    fn reached(&self, scanned: ScanProgress) {
        self.looked_at.reached(scanned.files, 0);
        if scanned.files_read > 0 {
            self.read.reached(scanned.files_read, scanned.bytes_read);
        }
    }
}

fn observe_once(
    shared: &Arc<Shared>,
    operation: &Operation,
    lane: Lane,
    cancel: &(dyn Fn() -> bool + Sync),
) -> Result<Observed, ObserveError> {
    let status = shared.status();
    let scanning = Scanning::new(operation);
    let progress = |scanned: ScanProgress| scanning.reached(scanned);
    shared.scan_begins();
    shared.observer.observe(lane, Some(&status.snapshot), cancel, &progress)
}

/// What an observation that could not be made means for the operation.
pub(crate) fn stop(operation: &Operation, error: ObserveError) -> Stop {
    match error {
        ObserveError::Config { diagnostics } | ObserveError::Registry { diagnostics } => {
            operation.diagnose(&diagnostics);
            let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count() as u64;
            Stop::Rejected(Rejection::WorkspaceErrors { errors })
        }
        ObserveError::Disk(error) => Stop::Failed(io_failure(&error)),
        ObserveError::AssetsRoot(message) => Stop::Failed(Failure::Io { message, path: None }),
        ObserveError::Cancelled => Stop::Cancelled(Some(Phase::Scan)),
        ObserveError::Disturbed => {
            Stop::Failed(Failure::Io { message: ObserveError::Disturbed.to_string(), path: None })
        }
    }
}
