//! How operations ended that neither did what was asked nor were refused: broken, called off, dead, or unknown.

use packer_domain::identity::{Digest, OperationId};
use serde::{Deserialize, Serialize};

use crate::body::{OperationKind, Phase};
use crate::optional;

/// An operation that broke. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FailureReport {
    /// What it should have done.
    pub kind: OperationKind,
    /// How it broke.
    pub cause: Failure,
}

/// How an operation broke, tagged by `type` on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Failure {
    /// Assets could not be baked; each was said as a `diagnostic` event.
    BakesFailed {
        /// How many.
        failed: u64,
    },
    /// A second build from nothing gave another pack: a bug of a codec, or of the machine.
    ProveMismatch {
        /// The digest of the build.
        built: Digest,
        /// The digest of the second build.
        proved: Digest,
    },
    /// The operating system refused something.
    Io {
        /// What, in one sentence without a final period.
        message: String,
        /// The file or folder, as people would name it; relative to the project where it is in it.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        path: Option<String>,
    },
    /// The packer's own files cannot be used as they are.
    Damaged {
        /// What is wrong, in one sentence without a final period.
        message: String,
        /// The file, relative to the project.
        path: String,
    },
    /// The packer has a bug.
    Panic {
        /// What it said.
        message: String,
    },
}

/// An operation that somebody called off. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CancellationReport {
    /// What it should have done.
    pub kind: OperationKind,
    /// Where it was; absent when it had not started.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
    #[cfg_attr(feature = "schema", schemars(with = "Phase"))]
    pub phase: Option<Phase>,
}

/// An operation whose process died before it changed anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AbortReport {
    /// What it should have done, where its log still says so.
    #[serde(deserialize_with = "optional::nullable")]
    pub kind: Option<OperationKind>,
    /// The operation that found it dead, and ended it.
    pub by: OperationId,
}

/// An operation of which nobody can say whether its change is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UnknownOutcomeReport {
    /// What it should have done, where its log still says so.
    #[serde(deserialize_with = "optional::nullable")]
    pub kind: Option<OperationKind>,
    /// Why nobody can.
    pub cause: UnknownOutcomeCause,
    /// The same for people, in one sentence without a final period.
    pub message: String,
    /// The file or folder where it went wrong, as people would name it; relative to the project where it is in it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub path: Option<String>,
}

/// Why nobody can say whether a change is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnknownOutcomeCause {
    /// A write or a sync failed after the commit point.
    Io,
    /// Somebody edited what it touched, amid its commit.
    EditedMeanwhile,
    /// Its record in the journal cannot be read.
    JournalDamaged,
}
