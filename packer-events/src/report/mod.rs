//! How an operation ended, as data: one report for each kind of ending.
//!
//! A report in an event is a record and can be forged. What a consumer builds "it succeeded" from is the runtime's
//! sealed outcome, which carries the same report. Mapping reports to exit codes and texts is the consumers' business.

mod ending;
mod failure;
mod rejection;
mod success;

pub use ending::Ending;
pub use failure::{
    AbortReport, CancellationReport, Failure, FailureReport, UnknownOutcomeCause, UnknownOutcomeReport,
};
pub use rejection::{Rejection, RejectionReport};
pub use success::{
    BuildReport, MutationReport, OutcomeReport, RecoverReport, RecoveryResult, RefreshReport, WatchReport,
};
