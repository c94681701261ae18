//! Errors: why a session could not give what was asked for, in the packer's words.
//!
//! An error is no outcome: operations that were submitted tell of their ends by [`OutcomeView`](crate::OutcomeView) alone.
//! Where a question or an intent cannot be read, nothing was submitted, and nothing changed. Three errors say less: that an
//! end could not be stored (the operation ended, and nobody can say how), and those of collecting and of unpacking, which
//! are no operations and may have done a part.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use packer_events::body::OperationKind;
use packer_events::report::{Ending, RejectionReport};
use packer_runtime::api::{
    CreateError, DiskError, ExplainError, GcError, NameOperationError, OutcomeNotDurable, ReadPlanError,
    SelectError, UnknownCode, WritePlanError,
};
use packer_runtime::packs::PackError;
use serde::Serialize;

use crate::outcome::Words;

/// Why something that was asked for is not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorView {
    /// Which kind of reason.
    pub reason: ErrorReason,
    /// Which of the words that were handed in is meant, by the name of its field; none where it is none of them.
    pub field: Option<String>,
    /// The reason in one sentence, without a final period.
    pub message: String,
    /// More about it, one line each: candidates, paths that moved.
    pub details: Vec<String>,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

/// The kinds of reasons why something is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorReason {
    /// A word is not of the form that it has to have.
    Invalid,
    /// Nothing is called so.
    Unknown,
    /// More than one thing is called so.
    Ambiguous,
    /// There is nothing that could be meant: nothing to undo, nothing to recover.
    Nothing,
    /// The packer refuses a plan that was made before.
    Refused,
    /// Something stands there already.
    Exists,
    /// A file is not what it should be.
    Unreadable,
    /// Another process holds a lock.
    Locked,
    /// An operation ended, and its end could not be stored: nobody can be told how.
    NotDurable,
    /// A file operation failed.
    Disk,
    /// The machine gives no more threads.
    Threads,
}

impl ErrorView {
    pub(crate) fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self { reason, field: None, message: message.into(), details: Vec::new(), suggestion: None }
    }

    /// The same about the word of this field.
    pub(crate) fn about(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self }
    }

    fn suggesting(self, suggestion: Option<&str>) -> Self {
        Self { suggestion: suggestion.map(str::to_owned), ..self }
    }

    /// Why a plan that was made before would be refused now.
    pub(crate) fn refused(report: RejectionReport) -> Self {
        let kind: OperationKind = report.kind;
        let words = Words::of(kind, &Ending::Rejected(report));
        Self { details: words.details, ..Self::new(ErrorReason::Refused, words.message) }
    }

    pub(crate) fn of_disk(error: &DiskError) -> Self {
        Self::new(ErrorReason::Disk, error.to_string())
    }

    pub(crate) fn of_selection(error: &SelectError) -> Self {
        let message = error.to_string();
        match error {
            SelectError::Unknown { text: _, suggestion } => {
                Self::new(ErrorReason::Unknown, message).suggesting(suggestion.as_deref())
            }
            SelectError::Ambiguous { text: _, uuids } => Self {
                details: uuids.iter().map(ToString::to_string).collect(),
                ..Self::new(ErrorReason::Ambiguous, message)
            },
        }
    }

    pub(crate) fn of_operation_name(error: &NameOperationError) -> Self {
        let message = error.to_string();
        match error {
            NameOperationError::Unknown { text: _ } => Self::new(ErrorReason::Unknown, message),
            NameOperationError::Ambiguous { text: _, one, other } => Self {
                details: vec![one.to_string(), other.to_string()],
                ..Self::new(ErrorReason::Ambiguous, message)
            },
        }
    }

    pub(crate) fn of_code(error: &UnknownCode, suggestion: Option<&str>) -> Self {
        Self::new(ErrorReason::Unknown, error.to_string()).suggesting(suggestion)
    }

    pub(crate) fn of_explanation(error: &ExplainError) -> Self {
        let message = error.to_string();
        match error {
            ExplainError::Profile(_) => Self::new(ErrorReason::Unknown, message).about("profile"),
            ExplainError::Disk(_) => Self::new(ErrorReason::Disk, message),
        }
    }

    pub(crate) fn of_collection(error: &GcError) -> Self {
        let reason = match error {
            GcError::Locked { .. } => ErrorReason::Locked,
            GcError::Disk(_) | GcError::Store(_) => ErrorReason::Disk,
        };
        Self::new(reason, error.to_string())
    }

    pub(crate) fn of_pack(error: &PackError) -> Self {
        let reason = match error {
            PackError::Open { .. } | PackError::Read { .. } | PackError::Name { .. } => {
                ErrorReason::Unreadable
            }
            PackError::NotEmpty { .. } => ErrorReason::Exists,
            PackError::Threads { .. } => ErrorReason::Threads,
            PackError::Disk(_) => ErrorReason::Disk,
        };
        Self::new(reason, error.to_string())
    }

    pub(crate) fn of_reading_plan(error: &ReadPlanError) -> Self {
        let reason = match error {
            ReadPlanError::TooLarge { .. }
            | ReadPlanError::Schema { .. }
            | ReadPlanError::Malformed { .. } => ErrorReason::Unreadable,
            ReadPlanError::Disk(_) => ErrorReason::Disk,
        };
        Self::new(reason, error.to_string())
    }

    pub(crate) fn of_writing_plan(error: &WritePlanError) -> Self {
        let reason = match error {
            WritePlanError::TooLarge { .. } | WritePlanError::TooDeep => ErrorReason::Refused,
            WritePlanError::Exists { .. } => ErrorReason::Exists,
            WritePlanError::Disk(_) => ErrorReason::Disk,
        };
        Self::new(reason, error.to_string())
    }

    pub(crate) fn of_creation(error: &CreateError) -> Self {
        let message = error.to_string();
        match error {
            CreateError::Exists { .. } | CreateError::NotAFolder { .. } => {
                Self::new(ErrorReason::Exists, message)
            }
            CreateError::Name { .. } => Self::new(ErrorReason::Invalid, message).about("name"),
            CreateError::Disk(_) => Self::new(ErrorReason::Disk, message),
        }
    }

    pub(crate) fn of_lost_end(error: &OutcomeNotDurable) -> Self {
        Self::new(ErrorReason::NotDurable, error.to_string())
    }
}

/// Reads the word of a field, or says what the packer says of it.
pub(crate) fn read<T>(field: &str, text: &str) -> Result<T, ErrorView>
where
    T: FromStr<Err: fmt::Display>,
{
    text.parse().map_err(|error: T::Err| ErrorView::new(ErrorReason::Invalid, error.to_string()).about(field))
}

/// The same of a word that may be missing.
pub(crate) fn read_some<T>(field: &str, text: Option<&str>) -> Result<Option<T>, ErrorView>
where
    T: FromStr<Err: fmt::Display>,
{
    text.map(|text| read(field, text)).transpose()
}

impl fmt::Display for ErrorView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ErrorView {}
