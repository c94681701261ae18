//! One operation while it runs: what it says, whether it was cancelled, and the promise of its outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use packer_domain::diagnostic::Diagnostic;
use packer_domain::identity::{OperationId, Revision};
use packer_events::body::{EventBody, OperationKind, Phase};
use packer_events::record::DiagnosticRecord;
use packer_events::report::{
    CancellationReport, Ending, Failure, FailureReport, Rejection, RejectionReport, UnknownOutcomeCause,
    UnknownOutcomeReport,
};

use crate::clock;
use crate::feed::{Bus, Said};
use crate::outcome::{Outcome, OutcomeNotDurable};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::time::Instant;
use crate::sync::{Condvar, Mutex, PoisonError};

/// What the caller of `submit` holds: the operation's id, a way to cancel it, and its outcome to wait for. Dropping it
/// changes nothing for the operation.
#[derive(Clone, Debug)]
pub struct OperationHandle {
    id: OperationId,
    promise: Arc<Promise>,
    /// Until it has ended and nobody runs it any more. Not held: a handle may be kept for long, and keeps nothing else alive.
    operation: Weak<Operation>,
}

impl OperationHandle {
    /// The operation.
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// Asks the operation to stop. It ends as `cancelled` unless it is past the point where it can. One that has not begun
    /// has ended when this returns, however long what goes first takes.
    pub fn cancel(&self) {
        let Some(operation) = self.operation.upgrade() else { return };
        operation.cancelled.store(true, Ordering::Relaxed);
        if operation.begin() {
            let ended = operation.end_for_certain(operation.stopped(Stop::Cancelled(None)));
            operation.release(ended);
        }
    }

    /// Waits for the operation's end.
    pub fn wait(&self) -> Result<Outcome, OutcomeNotDurable> {
        self.promise.wait()
    }

    /// The outcome, if the operation has ended.
    pub fn outcome(&self) -> Option<Result<Outcome, OutcomeNotDurable>> {
        self.promise.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug, Default)]
struct Promise {
    kept: Mutex<Option<Result<Outcome, OutcomeNotDurable>>>,
    arrived: Condvar,
}

impl Promise {
    fn wait(&self) -> Result<Outcome, OutcomeNotDurable> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(result) = &*kept {
                return result.clone();
            }
            kept = self.arrived.wait(kept).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn keep(&self, result: Result<Outcome, OutcomeNotDurable>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        self.arrived.notify_all();
    }
}

/// An accepted operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub id: OperationId,
    pub kind: OperationKind,
    cause: Option<OperationId>,
    /// What developers' logs of it stand in, whichever thread writes them.
    span: tracing::Span,
    bus: Arc<Bus>,
    cancelled: AtomicBool,
    /// Whether somebody has taken it upon himself to bring it to its end.
    begun: AtomicBool,
    promise: Arc<Promise>,
    accepted: Instant,
    revisions: Mutex<(Option<Revision>, Option<Revision>)>,
    /// Whether the commit point may have been reached.
    committing: AtomicBool,
}

/// Why an operation stops before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Rejected(Rejection),
    Failed(Failure),
    Cancelled(Option<Phase>),
    OutcomeUnknown(UnknownOutcomeReport),
}

/// The span of an operation. It stands in no other: what caused it is a field, so that the logs of a watch do not hold those of
/// every refresh.
fn span_of(id: OperationId, kind: OperationKind, cause: Option<OperationId>) -> tracing::Span {
    let span = tracing::info_span!(
        parent: None,
        "operation",
        operation_id = %id,
        kind = %kind,
        causation_id = tracing::field::Empty
    );
    if let Some(cause) = cause {
        span.record("causation_id", tracing::field::display(cause));
    }
    span
}

impl Operation {
    /// Accepts an operation: from here on it has exactly one end.
    pub(crate) fn accept(
        bus: &Arc<Bus>,
        kind: OperationKind,
        title: String,
        cause: Option<OperationId>,
        base: Option<Revision>,
    ) -> Self {
        let id = OperationId::drawn(clock::draw());
        let operation = Self {
            id,
            kind,
            cause,
            span: span_of(id, kind, cause),
            bus: Arc::clone(bus),
            cancelled: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            promise: Arc::default(),
            accepted: Instant::now(),
            revisions: Mutex::new((base, base)),
            committing: AtomicBool::new(false),
        };
        operation.span.in_scope(|| tracing::info!(title, "accepted"));
        operation.say(EventBody::Accepted { kind, title });
        operation
    }

    /// What developers' logs of it stand in. Whoever works for it on another thread than its own enters this.
    pub(crate) fn span(&self) -> &tracing::Span {
        &self.span
    }

    pub(crate) fn handle(self: &Arc<Self>) -> OperationHandle {
        OperationHandle { id: self.id, promise: Arc::clone(&self.promise), operation: Arc::downgrade(self) }
    }

    /// Takes it upon the caller to bring the operation to its end; `false` if somebody else has.
    pub(crate) fn begin(&self) -> bool {
        !self.begun.swap(true, Ordering::AcqRel)
    }

    /// Waits until whoever has taken it upon himself has brought the operation to its end.
    pub(crate) fn wait(&self) -> Result<Outcome, OutcomeNotDurable> {
        self.promise.wait()
    }

    pub(crate) fn bus(&self) -> &Arc<Bus> {
        &self.bus
    }

    /// Whether somebody called it off, or the project is being closed.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.bus.is_closing()
    }

    /// Whether somebody called it off by its handle.
    pub(crate) fn is_called_off(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Notes that the commit point comes next: whatever goes wrong now, nobody can say that nothing was changed.
    pub(crate) fn is_about_to_commit(&self) {
        self.committing.store(true, Ordering::Relaxed);
    }

    /// What a panic means for the operation.
    pub(crate) fn panicked(&self, message: String) -> Stop {
        if self.committing.load(Ordering::Relaxed) {
            let message = format!("the packer has a bug, and panicked while it committed: {message}");
            let cause = UnknownOutcomeCause::Io;
            Stop::OutcomeUnknown(UnknownOutcomeReport { kind: Some(self.kind), cause, message, path: None })
        } else {
            Stop::Failed(Failure::Panic { message })
        }
    }

    /// Stops here if the operation was cancelled.
    pub(crate) fn check_cancelled(&self, phase: Phase) -> Result<(), Stop> {
        if self.is_cancelled() { Err(Stop::Cancelled(Some(phase))) } else { Ok(()) }
    }

    /// Notes that the operation's answers are about another revision from now on.
    pub(crate) fn now_at(&self, base: Option<Revision>, result: Revision) {
        let mut revisions = self.revisions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(base) = base {
            revisions.0 = Some(base);
        }
        revisions.1 = Some(result);
    }

    pub(crate) fn took_ms(&self) -> u64 {
        u64::try_from(self.accepted.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn say(&self, body: EventBody) {
        self.bus.say(self.said(body));
    }

    pub(crate) fn diagnose<'d>(&self, diagnostics: impl IntoIterator<Item = &'d Diagnostic>) {
        for diagnostic in diagnostics {
            self.say(EventBody::Diagnostic(DiagnosticRecord::from(diagnostic)));
        }
    }

    /// Ends the operation and releases whoever waits for it, also if storing the end panics. Nothing can be said after this.
    pub(crate) fn end(&self, ending: Ending) -> Result<Outcome, OutcomeNotDurable> {
        let result = self.end_for_certain(ending);
        self.release(result.clone());
        result
    }

    /// Ends the operation; whoever waits for it goes on waiting until [`release`](Self::release). If storing the end panics,
    /// it was not stored: whoever waits must not do so for ever.
    pub(crate) fn end_for_certain(&self, ending: Ending) -> Result<Outcome, OutcomeNotDurable> {
        let ended = catch_unwind(AssertUnwindSafe(|| self.bus.end(self.kind, self.said(ending.into()))));
        ended.unwrap_or_else(|panic| {
            let message = format!("storing it panicked: {}", panic_message(&*panic));
            Err(OutcomeNotDurable { operation_id: self.id, message })
        })
    }

    pub(crate) fn release(&self, result: Result<Outcome, OutcomeNotDurable>) {
        self.promise.keep(result);
    }

    /// The end of an operation that stopped.
    pub(crate) fn stopped(&self, stop: Stop) -> Ending {
        let kind = self.kind;
        match stop {
            Stop::Rejected(reason) => Ending::Rejected(RejectionReport { kind, reason }),
            Stop::Failed(cause) => Ending::Failed(FailureReport { kind, cause }),
            Stop::Cancelled(phase) => Ending::Cancelled(CancellationReport { kind, phase }),
            Stop::OutcomeUnknown(report) => Ending::OutcomeUnknown(report),
        }
    }

    fn said(&self, body: EventBody) -> Said {
        let (base_revision, result_revision) = *self.revisions.lock().unwrap_or_else(PoisonError::into_inner);
        Said { operation_id: self.id, causation_id: self.cause, base_revision, result_revision, body }
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it said nothing".to_owned())
}

/// What is known of a failed disk operation, as the cause of a failure.
pub(crate) fn io_failure(error: &packer_fs::disk::DiskError) -> Failure {
    Failure::Io { message: error.to_string(), path: Some(error.path.to_string()) }
}
