//! Ctrl-C: it cancels the operation that runs, which then ends as every operation does; with none, it ends the process, or
//! is noted by who asks for that.
//!
//! Nothing is lost by ending the process: whatever it had begun is recovered by the next one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use packer_runtime::api::OperationHandle;

use crate::exit::Exit;

/// What runs, as far as a signal has to know.
enum Running {
    /// No operation.
    Nothing,
    /// One that is being submitted; whether it is to be cancelled at once.
    Submitting { cancelled: bool },
    /// Something that looks now and then whether it is to stop.
    Looking,
    /// One that can be cancelled.
    Operation(OperationHandle),
}

static RUNNING: Mutex<Running> = Mutex::new(Running::Nothing);
static CANCELLED: AtomicBool = AtomicBool::new(false);
static INSTALLED: Once = Once::new();

fn running() -> MutexGuard<'static, Running> {
    // Each change is one assignment, so a panic leaves nothing half done.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens for the signals that ask a process to end.
pub(crate) fn install() {
    INSTALLED.call_once(|| {
        if let Err(error) = ctrlc::set_handler(on_signal) {
            tracing::warn!(%error, "Ctrl-C will end the packer without cancelling first");
        }
    });
}

fn on_signal() {
    let mut running = running();
    match &mut *running {
        Running::Nothing => std::process::exit(i32::from(Exit::Cancelled.code())),
        Running::Submitting { cancelled } => *cancelled = true,
        Running::Looking => {}
        Running::Operation(handle) => handle.cancel(),
    }
    CANCELLED.store(true, Ordering::Relaxed);
}

/// Submits an operation so that a signal cancels it from the first moment until `Guard` is dropped.
pub(crate) fn cancellable(submit: impl FnOnce() -> OperationHandle) -> (OperationHandle, Guard) {
    *running() = Running::Submitting { cancelled: false };
    let guard = Guard(());
    let handle = submit();
    let mut running = running();
    if let Running::Submitting { cancelled: true } = *running {
        handle.cancel();
    }
    *running = Running::Operation(handle.clone());
    (handle, guard)
}

/// From here on until `Guard` is dropped, a signal does nothing but to be noted there.
pub(crate) fn noted() -> Guard {
    *running() = Running::Looking;
    Guard(())
}

/// While it lives, signals cancel instead of ending the process.
#[derive(Debug)]
pub(crate) struct Guard(());

impl Guard {
    /// Whether a signal has come since this was last asked.
    pub(crate) fn was_cancelled(&self) -> bool {
        let Self(()) = self;
        CANCELLED.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        *running() = Running::Nothing;
    }
}
