//! Exit codes: the one place that maps how a command ended to a number. `docs/cli.md` has the same table for people.
//!
//! The matches are exhaustive and without wildcards, so that a new ending does not compile until it has a code.

use std::process::ExitCode;

use packer_events::report::{Ending, Failure, OutcomeReport, Rejection};
use packer_runtime::api::OpenError;

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// What was asked for was done.
    Done,
    /// The workspace has errors, or an operation was rejected for them, or it failed.
    Failed,
    /// The arguments make no sense, or name something that is not there.
    Usage,
    /// Refused: blocked, stale, changed meanwhile, or declined.
    Refused,
    /// Another process holds the lane or the build lock, or the file system cannot lock.
    LaneUnavailable,
    /// A recovery is required first, or nobody can say how the operation ended.
    RecoveryRequired,
    /// The packer has a bug.
    Bug,
    /// Somebody called the operation off.
    Cancelled,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::LaneUnavailable,
        Self::RecoveryRequired,
        Self::Bug,
        Self::Cancelled,
    ];

    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::LaneUnavailable => 4,
            Self::RecoveryRequired => 5,
            Self::Bug => 70,
            Self::Cancelled => 130,
        }
    }

    /// For an operation that ended so.
    pub fn of_ending(ending: &Ending) -> Self {
        match ending {
            Ending::Succeeded(report) | Ending::Recovered { outcome: report, .. } => Self::of_report(report),
            Ending::Rejected(report) => Self::of_rejection(&report.reason),
            Ending::Failed(report) => Self::of_failure(&report.cause),
            Ending::Cancelled(_) => Self::Cancelled,
            Ending::Aborted(_) => Self::Failed,
            Ending::OutcomeUnknown(_) => Self::RecoveryRequired,
        }
    }

    fn of_report(report: &OutcomeReport) -> Self {
        match report {
            // It kept going as it was told to; the workspace, or a source, has errors nevertheless.
            OutcomeReport::Build(build) if build.incomplete => Self::Failed,
            OutcomeReport::Build(_)
            | OutcomeReport::Mutation(_)
            | OutcomeReport::Refresh(_)
            | OutcomeReport::Recover(_)
            | OutcomeReport::Watch(_) => Self::Done,
        }
    }

    fn of_rejection(reason: &Rejection) -> Self {
        match reason {
            Rejection::WorkspaceErrors { .. } => Self::Failed,
            Rejection::InputsChanged { .. }
            | Rejection::Blocked { .. }
            | Rejection::StalePlan { .. }
            | Rejection::PlanAltered {}
            | Rejection::UnrelatedLineage { .. }
            | Rejection::BaseRevisionGone { .. }
            | Rejection::NothingToRecover {} => Self::Refused,
            Rejection::LockHeld { .. } | Rejection::LockUnsupported { .. } => Self::LaneUnavailable,
            Rejection::LaneFrozen { .. } => Self::RecoveryRequired,
        }
    }

    fn of_failure(cause: &Failure) -> Self {
        match cause {
            Failure::BakesFailed { .. }
            | Failure::ProveMismatch { .. }
            | Failure::Io { .. }
            | Failure::Damaged { .. } => Self::Failed,
            Failure::Panic { .. } => Self::Bug,
        }
    }

    /// For a project that cannot be opened.
    pub fn of_open_error(error: &OpenError) -> Self {
        match error {
            OpenError::NotAProject { .. } => Self::Usage,
            OpenError::Unusable { .. }
            | OpenError::AssetsRoot { .. }
            | OpenError::Disk(_)
            | OpenError::Threads { .. } => Self::Failed,
            OpenError::Disturbed => Self::LaneUnavailable,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use packer_runtime::api::{DiskError, DiskOperation};

    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_contract() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4, 5, 70, 130]);
    }

    #[test]
    fn every_reason_not_to_open_has_its_code() {
        let source = std::io::Error::other("gone");
        let disk = DiskError { operation: DiskOperation::Read, path: "registry.jsonl".into(), source };
        for (error, expected) in [
            (OpenError::NotAProject { path: "game".into() }, Exit::Usage),
            (OpenError::Unusable { file: "packer.toml", diagnostics: Vec::new() }, Exit::Failed),
            (OpenError::AssetsRoot { message: "there is no assets".to_owned() }, Exit::Failed),
            (OpenError::Disturbed, Exit::LaneUnavailable),
            (OpenError::Disk(disk), Exit::Failed),
            (OpenError::Threads { message: "too many".to_owned() }, Exit::Failed),
        ] {
            assert_eq!(Exit::of_open_error(&error), expected, "{error}");
        }
    }
}
