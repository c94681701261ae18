//! What an editor links: the packer's answers as views, and nothing of the packer behind them.
//!
//! [`StudioSession`] opens a project; [`ProblemsView`] is what is wrong in it, [`OutcomeView`] is how an operation ended.
//! Views are plain data with words for people, and every figure, order, severity and verdict in them is the packer's.
//! Nothing here scans, counts, ranks or decides: that is done behind `packer_runtime::api`, which is all that this crate
//! sees of the packer beside the records of `packer-events`.
//!
//! The fences: `clippy.toml` of this crate bans files, the clock, the environment, threads, processes and shared state;
//! no arm takes every other variant of a packer's enum; nothing is decoded; and the private module `fences` shows what
//! does not compile.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
#![deny(clippy::wildcard_enum_match_arm)]

#[cfg(doctest)]
mod fences;
mod freshness;
mod outcome;
mod problems;
mod session;
mod text;

pub use freshness::{FreshnessBadge, FreshnessState};
pub use outcome::{EndingView, OutcomeView};
pub use problems::{
    DiagnosticRow, DivergenceRow, DivergenceTotal, NeedRow, NeedView, PlaceRow, ProblemTotals, ProblemsView,
    ResolutionRow, SeverityView, SubjectView,
};
pub use session::{OpenErrorReason, OpenErrorView, StudioSession};
