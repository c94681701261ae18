//! The ways in which an operation can end, and which kinds cannot end so, with the reason.
//!
//! Everything here is a match over all variants: a new kind, reason, cause or ending does not compile until it stands here.

use packer_events::body::OperationKind;
use packer_events::report::{Ending, Failure, Rejection, UnknownOutcomeCause};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident of $of:ident { $($variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name { $($variant,)* }

        impl $name {
            pub(super) const ALL: &[Self] = &[$(Self::$variant),*];

            pub(super) fn of(value: &$of) -> Self {
                match value { $($of::$variant { .. } => Self::$variant,)* }
            }
        }
    };
}

words! {
    /// Why it was rejected.
    Reason of Rejection {
        WorkspaceErrors,
        InputsChanged,
        Blocked,
        StalePlan,
        PlanAltered,
        UnrelatedLineage,
        LaneFrozen,
        LockHeld,
        LockUnsupported,
        BaseRevisionGone,
        NothingToRecover,
    }
}

words! {
    /// How it failed.
    Cause of Failure {
        BakesFailed,
        ProveMismatch,
        Io,
        Damaged,
        Panic,
    }
}

words! {
    /// Why nobody knows.
    Doubt of UnknownOutcomeCause {
        Io,
        EditedMeanwhile,
        JournalDamaged,
    }
}

/// How an operation ended, without what it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Succeeded,
    Rejected(Reason),
    Failed(Cause),
    Cancelled,
    Aborted,
    Recovered,
    Unknown(Doubt),
}

impl End {
    pub(super) fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Succeeded(_) => Self::Succeeded,
            Ending::Rejected(report) => Self::Rejected(Reason::of(&report.reason)),
            Ending::Failed(report) => Self::Failed(Cause::of(&report.cause)),
            Ending::Cancelled(_) => Self::Cancelled,
            Ending::Aborted(_) => Self::Aborted,
            Ending::Recovered { .. } => Self::Recovered,
            Ending::OutcomeUnknown(report) => Self::Unknown(Doubt::of(&report.cause)),
        }
    }
}

/// Every end that there is.
pub(super) fn all_ends() -> Vec<End> {
    let mut ends = vec![End::Succeeded, End::Cancelled, End::Aborted, End::Recovered];
    ends.extend(Reason::ALL.iter().copied().map(End::Rejected));
    ends.extend(Cause::ALL.iter().copied().map(End::Failed));
    ends.extend(Doubt::ALL.iter().copied().map(End::Unknown));
    ends
}

/// Ends that cannot be brought about here, and are by the tests of the whole:
/// `where_nothing_can_be_locked_every_kind_that_commits_is_rejected_and_ends_once`.
pub(super) fn is_shown_elsewhere(end: End) -> bool {
    end == End::Rejected(Reason::LockUnsupported)
}

/// When an operation is called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    /// While it waits for its turn.
    Waiting,
    /// While it works.
    Working,
    /// By the closing of its project, while it waits.
    Closing,
    /// By the closing of its project, while it works.
    ClosingAtWork,
}

/// When its process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// While it waits for its turn.
    Waiting,
    /// Before its commit point, or amid its work where it has none.
    Before,
    /// After its commit point.
    After,
    /// After its commit point; and so does each process that recovers it, a bit later each time.
    AgainInRecovery,
    /// Before its commit point; and so does each process that recovers it.
    AgainInRecoveryBefore,
    /// Once its terminal event is stored, before it has cleaned up.
    BeforeCleaningUp,
}

/// When its end cannot be stored, because the disk is full; whoever waits is told that, and nobody that it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unstored {
    /// From its work on, before its commit point, and until its process is gone.
    BeforeItsCommit,
    /// From its commit on, and until its process is gone.
    AfterItsCommit,
    /// Until there is room again, and something else is said.
    UntilThereIsRoom,
}

/// A way to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Succeeds,
    Rejected(Reason),
    Fails(Cause),
    /// It panics once the commit point may have been reached.
    PanicsAmidItsCommit,
    Cancelled(Called),
    Unknown(Doubt),
    Dies(Death),
    /// A second builder, that would not wait for the first.
    FindsTheBuildLockHeld,
    /// Its end is not stored when it ends.
    Unstored(Unstored),
}

/// All of them.
pub(super) const WAYS: &[&[Way]] = &[
    &[Way::Succeeds, Way::PanicsAmidItsCommit, Way::FindsTheBuildLockHeld],
    &[
        Way::Rejected(Reason::WorkspaceErrors),
        Way::Rejected(Reason::InputsChanged),
        Way::Rejected(Reason::Blocked),
        Way::Rejected(Reason::StalePlan),
        Way::Rejected(Reason::PlanAltered),
        Way::Rejected(Reason::UnrelatedLineage),
        Way::Rejected(Reason::LaneFrozen),
        Way::Rejected(Reason::LockHeld),
        Way::Rejected(Reason::BaseRevisionGone),
        Way::Rejected(Reason::NothingToRecover),
    ],
    &[
        Way::Fails(Cause::BakesFailed),
        Way::Fails(Cause::ProveMismatch),
        Way::Fails(Cause::Io),
        Way::Fails(Cause::Damaged),
        Way::Fails(Cause::Panic),
    ],
    &[
        Way::Cancelled(Called::Waiting),
        Way::Cancelled(Called::Working),
        Way::Cancelled(Called::Closing),
        Way::Cancelled(Called::ClosingAtWork),
    ],
    &[Way::Unknown(Doubt::Io), Way::Unknown(Doubt::EditedMeanwhile), Way::Unknown(Doubt::JournalDamaged)],
    &[
        Way::Unstored(Unstored::BeforeItsCommit),
        Way::Unstored(Unstored::AfterItsCommit),
        Way::Unstored(Unstored::UntilThereIsRoom),
    ],
    &[
        Way::Dies(Death::Waiting),
        Way::Dies(Death::Before),
        Way::Dies(Death::After),
        Way::Dies(Death::AgainInRecovery),
        Way::Dies(Death::AgainInRecoveryBefore),
        Way::Dies(Death::BeforeCleaningUp),
    ],
];

/// What kinds have in common, as far as ending goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Changes the workspace.
    Mutation,
    /// Settles a frozen one, which is a change of the workspace too.
    Recovery,
    Build,
    Refresh,
    Watch,
}

impl Class {
    pub(super) fn of(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Adopt
            | OperationKind::Register
            | OperationKind::Remove
            | OperationKind::Relocate
            | OperationKind::Rename
            | OperationKind::Configure
            | OperationKind::SetBuild
            | OperationKind::Duplicate
            | OperationKind::Reconcile
            | OperationKind::Undo
            | OperationKind::Apply => Self::Mutation,
            OperationKind::Recover => Self::Recovery,
            OperationKind::Build => Self::Build,
            OperationKind::Refresh => Self::Refresh,
            OperationKind::Watch => Self::Watch,
        }
    }
}

impl Way {
    /// How an operation has ended that ended so.
    pub(super) fn end(self) -> End {
        match self {
            Self::Succeeds
            | Self::Dies(Death::BeforeCleaningUp)
            | Self::Unstored(Unstored::UntilThereIsRoom) => End::Succeeded,
            Self::FindsTheBuildLockHeld => End::Rejected(Reason::LockHeld),
            Self::Rejected(reason) => End::Rejected(reason),
            Self::Fails(cause) => End::Failed(cause),
            Self::PanicsAmidItsCommit => End::Unknown(Doubt::Io),
            Self::Cancelled(Called::Waiting | Called::Working | Called::Closing | Called::ClosingAtWork) => {
                End::Cancelled
            }
            Self::Unknown(doubt) => End::Unknown(doubt),
            Self::Dies(Death::Waiting | Death::Before | Death::AgainInRecoveryBefore)
            | Self::Unstored(Unstored::BeforeItsCommit) => End::Aborted,
            Self::Dies(Death::After | Death::AgainInRecovery) | Self::Unstored(Unstored::AfterItsCommit) => {
                End::Recovered
            }
        }
    }
}

/// Why an operation of this kind never ends so; `None` if it can.
pub(super) fn never(kind: OperationKind, way: Way) -> Option<&'static str> {
    use Class::{Build, Mutation, Recovery, Refresh, Watch};
    let class = Class::of(kind);
    match way {
        Way::Succeeds
        | Way::Fails(Cause::Io | Cause::Panic)
        | Way::Cancelled(Called::Working)
        | Way::Unstored(Unstored::BeforeItsCommit)
        | Way::Dies(Death::Before | Death::AgainInRecoveryBefore) => None,
        Way::Cancelled(Called::Waiting | Called::Closing | Called::ClosingAtWork)
        | Way::Dies(Death::Waiting) => match class {
            Mutation | Recovery | Build | Refresh => None,
            Watch => {
                Some("it waits for no turn, and lasts until the project is closed, which is its success")
            }
        },
        Way::FindsTheBuildLockHeld => (class != Build).then_some("only a build takes the build lock"),
        Way::Unstored(Unstored::UntilThereIsRoom) => match class {
            Mutation | Recovery | Build | Refresh => None,
            Watch => Some("it succeeds when the project is closed, and nothing else is said after that"),
        },
        Way::Unstored(Unstored::AfterItsCommit) => match class {
            Mutation | Recovery | Build => None,
            Refresh | Watch => Some("it commits nothing"),
        },
        Way::PanicsAmidItsCommit => match class {
            Mutation | Recovery => None,
            Build => Some("whose outputs cannot be placed is finished or dropped at once, as recovery would"),
            Refresh | Watch => Some("it commits nothing"),
        },
        Way::Rejected(reason) => never_rejected(class, reason),
        Way::Fails(cause @ (Cause::BakesFailed | Cause::ProveMismatch | Cause::Damaged)) => {
            match (cause, class) {
                (Cause::Damaged, Mutation | Recovery | Build) | (_, Build) => None,
                (Cause::Damaged, _) => Some("it relies on nothing of the packer's own"),
                (_, _) => Some("only a build bakes"),
            }
        }
        Way::Unknown(doubt) => match (doubt, class) {
            (_, Mutation | Recovery) => None,
            (_, Build) => Some("its outputs are finished or dropped, and can be made again"),
            (_, Refresh | Watch) => Some("it commits nothing"),
        },
        Way::Dies(Death::After | Death::AgainInRecovery | Death::BeforeCleaningUp) => match class {
            Mutation | Recovery | Build => None,
            Refresh | Watch => Some("it commits nothing, and leaves nothing to clean up"),
        },
    }
}

/// The same of rejections.
fn never_rejected(class: Class, reason: Reason) -> Option<&'static str> {
    use Class::{Build, Mutation, Recovery, Refresh, Watch};
    match reason {
        Reason::WorkspaceErrors => match class {
            Mutation | Recovery | Build | Refresh => None,
            Watch => Some("it does not read what the workspace means"),
        },
        Reason::InputsChanged => {
            (class != Build).then_some("only a build works beside the lane, on what it saw before")
        }
        Reason::BaseRevisionGone => {
            (class != Build).then_some("only a build names the revision that it is of")
        }
        Reason::Blocked => match class {
            Mutation | Recovery | Build => None,
            Refresh | Watch => Some("it asks for nothing that could be forbidden"),
        },
        Reason::StalePlan | Reason::PlanAltered | Reason::UnrelatedLineage => match class {
            Mutation | Recovery => None,
            Build | Refresh | Watch => Some("it is not previewed as a plan of mutations"),
        },
        Reason::LaneFrozen => match class {
            Mutation | Recovery | Build | Refresh => None,
            Watch => Some("it goes on in a frozen project"),
        },
        Reason::LockHeld => match class {
            Mutation | Recovery | Build => None,
            Refresh | Watch => Some("it takes no lock"),
        },
        Reason::LockUnsupported => {
            Some("no lock refuses here; the tests of the whole have the system refuse them")
        }
        Reason::NothingToRecover => (class != Recovery).then_some("only a recovery has something to recover"),
    }
}
