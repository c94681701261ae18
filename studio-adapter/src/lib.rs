//! What an editor links: the packer's answers as views, intents as its commands, and nothing of the packer behind them.
//!
//! [`StudioSession`] opens a project. [`WorkspaceView`] is how it stands, with the navigator's rows; [`AssetDetailView`]
//! everything about one asset; [`ProblemsView`] what is wrong. An [`Intent`] is a change that somebody wants: previewing
//! it gives a [`PreviewView`] and a [`Ticket`], and only the ticket can have it done. [`Updates`] tell what changes, as it
//! does: operations with their progress, the freshness, and which rows differ; [`OutcomeView`] is how an operation ended.
//! Views are plain data with words for people, and every figure, order, severity and verdict in them is the packer's.
//! Nothing here scans, counts, ranks or decides: that is done behind `packer_runtime::api`, which is all that this crate
//! sees of the packer beside `packer_runtime::packs` and the records of `packer-events`.
//!
//! The fences: `clippy.toml` of this crate bans files, the clock, the environment, threads, processes and shared state;
//! no arm takes every other variant of a packer's enum; nothing is decoded; and the private module `fences` shows what
//! does not compile.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
#![deny(clippy::wildcard_enum_match_arm)]

#[cfg(test)]
#[macro_use]
mod testing;

mod asset;
mod content;
mod error;
#[cfg(doctest)]
mod fences;
mod freshness;
#[cfg(doctest)]
#[doc = include_str!("../../docs/studio.md")]
mod guide {}
mod history;
mod intent;
mod labels;
mod operation;
mod outcome;
mod packs;
mod preview;
mod problems;
mod session;
mod text;
mod updates;
mod workspace;

pub use asset::{
    AcceptsView, AssetDetailView, AssetExplanationView, FileExplanationView, FileIs, InputPartView,
    InputView, KeyPartsView, KindView, MadeView, NamedAssetView, NextView, OriginView, PreloadView,
    PresenceView, ReferencePartView, ReferenceView, RuleView, SettingSpecView, SettingValueView, SettingView,
};
pub use content::{
    ChannelView, ContentIs, ContentLackIs, ContentLackView, ContentPlaceView, ContentQuery, ContentView,
    LoopView, ShownContentView, TableRowView,
};
pub use error::{ErrorReason, ErrorView};
pub use freshness::{FreshnessBadge, FreshnessState};
pub use history::{HistoryRow, HistoryView, LoggedStateView, RecoveryChoiceRow, RecoveryView, UndoStateView};
pub use intent::{Assignment, Intent, RecoveryChoiceView};
pub use operation::{OperationStateView, OperationView, PhaseView, ProgressView, RunningOperation, UnitView};
pub use outcome::{EndingView, OutcomeView};
pub use packs::{
    BuildIntent, CollectIntent, CollectedView, PackProblemView, PackReportView, PackRowView, UnpackView,
};
pub use preview::{
    AffectedRow, ChangeView, FileChangeRow, FileChangeView, PreviewView, RegistryLineView, RegistryRow,
    Ticket, VerdictView,
};
pub use problems::{
    DiagnosticRow, DivergenceRow, DivergenceTotal, NeedRow, NeedView, PlaceRow, ProblemTotals, ProblemsView,
    ResolutionRow, SeverityView, SubjectView,
};
pub use session::{
    CodeView, Contents, CreatedView, MissingLineView, OpenErrorReason, OpenErrorView, SessionOptions,
    StudioSession, WhenChanged,
};
pub use updates::{
    FindingView, NextUpdate, OperationProgress, ProblemChangesView, RevisionView, Update, Updates,
};
pub use workspace::{
    AssetStateView, KindTotal, NavigatorPage, NavigatorQuery, NavigatorRow, ParticipationView, RowKey,
    SortView, SummaryView, UnclaimedPage, UnclaimedQuery, UnclaimedRow, WorkspaceView,
};
