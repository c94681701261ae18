//! What submitting gives: a hold on the operation, to cancel it and to wait for its end.

use packer_runtime::api::OperationHandle;

use crate::error::ErrorView;
use crate::outcome::OutcomeView;

/// An operation that was submitted. Dropping this changes nothing for it.
#[derive(Clone, Debug)]
pub struct RunningOperation {
    handle: OperationHandle,
}

impl RunningOperation {
    pub(crate) fn new(handle: OperationHandle) -> Self {
        Self { handle }
    }

    /// Its id, as in the activity.
    pub fn operation_id(&self) -> String {
        self.handle.id().to_string()
    }

    /// Asks it to stop. It ends as cancelled unless it is past the point where it can.
    pub fn cancel(&self) {
        self.handle.cancel();
    }

    /// How it ended, if it has. An error says that it ended and nobody can be told how.
    pub fn outcome(&self) -> Option<Result<OutcomeView, ErrorView>> {
        let ended = self.handle.outcome()?;
        Some(ended.map(|outcome| OutcomeView::of(&outcome)).map_err(|error| ErrorView::of_lost_end(&error)))
    }

    /// Waits for its end.
    pub fn wait(&self) -> Result<OutcomeView, ErrorView> {
        let ended = self.handle.wait();
        ended.map(|outcome| OutcomeView::of(&outcome)).map_err(|error| ErrorView::of_lost_end(&error))
    }
}
