//! The outcome view: how an operation ended, from the packer's proof of it and from nothing else.
//!
//! An [`OutcomeView`] has private fields and one constructor, which takes the runtime's sealed `Outcome`. It cannot be
//! decoded, copied from an event, or put together; so where a Studio has one, the operation ended so. The words for each
//! ending are in `words`; waiting for ends is the runtime's business.

mod words;

use packer_events::report::Ending;
use packer_runtime::api::{Outcome, Provenance};
use serde::Serialize;

pub(crate) use words::Words;

/// How one operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutcomeView {
    operation_id: String,
    kind: &'static str,
    ending: EndingView,
    succeeded: bool,
    replayed: bool,
    title: String,
    message: String,
    details: Vec<String>,
    took_ms: Option<u64>,
}

/// The ways in which operations end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndingView {
    /// It did what was asked.
    Succeeded,
    /// It was refused, and changed nothing.
    Rejected,
    /// It broke, and changed nothing.
    Failed,
    /// It was called off, and changed nothing.
    Cancelled,
    /// Its process ended before it changed anything.
    Aborted,
    /// Its process ended amid its work, and another operation completed it.
    Recovered,
    /// Nobody can say whether it changed anything.
    OutcomeUnknown,
}

impl OutcomeView {
    /// The view of `outcome`.
    pub fn of(outcome: &Outcome) -> Self {
        let Words { title, message, details, took_ms } = Words::of(outcome.kind(), outcome.ending());
        Self {
            operation_id: outcome.operation_id().to_string(),
            kind: outcome.kind().as_str(),
            ending: EndingView::of(outcome.ending()),
            succeeded: outcome.success().is_some(),
            replayed: match outcome.provenance() {
                Provenance::Live => false,
                Provenance::Replayed => true,
            },
            title,
            message,
            details,
            took_ms,
        }
    }

    /// The operation.
    pub fn operation_id(&self) -> &str {
        &self.operation_id
    }

    /// What kind of operation: `build`, `adopt` …
    pub fn kind(&self) -> &str {
        self.kind
    }

    /// In which way it ended.
    pub fn ending(&self) -> EndingView {
        self.ending
    }

    /// Whether it did what was asked, by the packer's word.
    pub fn succeeded(&self) -> bool {
        self.succeeded
    }

    /// Whether this was read from the log, and did not happen in this process.
    pub fn replayed(&self) -> bool {
        self.replayed
    }

    /// The end in a few words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What came of it, in one sentence without a final period.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More about it, one line each: paths, blockers, figures.
    pub fn details(&self) -> &[String] {
        &self.details
    }

    /// How long it took, in milliseconds, where the packer says so.
    pub fn took_ms(&self) -> Option<u64> {
        self.took_ms
    }
}

impl EndingView {
    fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Succeeded(_) => Self::Succeeded,
            Ending::Rejected(_) => Self::Rejected,
            Ending::Failed(_) => Self::Failed,
            Ending::Cancelled(_) => Self::Cancelled,
            Ending::Aborted(_) => Self::Aborted,
            Ending::Recovered { .. } => Self::Recovered,
            Ending::OutcomeUnknown(_) => Self::OutcomeUnknown,
        }
    }
}
