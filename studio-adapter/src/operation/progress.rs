//! Progress: how far an operation is with a part of its work, in the packer's figures.

use packer_events::body::{Phase, Unit};
use packer_events::replay::PhaseProgress;
use serde::Serialize;

use crate::labels;
use crate::text::counted;

/// How far an operation is with one part of its work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProgressView {
    /// The part.
    pub phase: PhaseView,
    /// The same in words.
    pub label: String,
    /// How much of it is done.
    pub done: u64,
    /// How much there is, where the packer says so.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: UnitView,
    /// What it works on.
    pub subject: Option<String>,
    /// How many bytes were worked through, where the packer says so.
    pub bytes: Option<u64>,
    /// For how long the part has been worked on, in milliseconds.
    pub elapsed_ms: u64,
    /// How much of what is counted is done a second, where that means something.
    pub per_second: Option<f64>,
    /// How long the rest takes at this rate, in milliseconds, where that can be told.
    pub remaining_ms: Option<u64>,
    /// How much of it is done, from 0 to 1, for a bar; none where there is no total.
    pub fraction: Option<f64>,
    /// The figures in words: `120 of 300 files`.
    pub text: String,
}

/// A part of an operation's work, as the packer has it, and in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseView {
    /// Walks the assets root.
    Scan,
    /// Reads files that changed.
    Hash,
    /// Decides what is to be done.
    Plan,
    /// Stages new contents.
    Stage,
    /// Takes the staged contents into place.
    Commit,
    /// Runs codecs.
    Bake,
    /// Writes the pack.
    Write,
    /// Checks what was used and what was written.
    Verify,
    /// Builds again from nothing and compares.
    Prove,
    /// Completes or drops what a dead operation left.
    Recover,
}

/// What progress counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitView {
    /// Files.
    Files,
    /// Assets.
    Assets,
    /// Bytes.
    Bytes,
    /// Steps of a transaction.
    Steps,
}

impl ProgressView {
    pub(crate) fn of(phase: Phase, progress: &PhaseProgress) -> Self {
        let PhaseProgress { done, total, unit, subject, bytes, elapsed_ms, time: _ } = progress;
        let noun = labels::unit(*unit);
        let text = match total {
            Some(total) => format!("{done} of {}", counted(*total, noun)),
            None => counted(*done, noun),
        };
        Self {
            phase: PhaseView::of(phase),
            label: labels::phase(phase).to_owned(),
            done: *done,
            total: *total,
            unit: UnitView::of(*unit),
            subject: subject.clone(),
            bytes: *bytes,
            elapsed_ms: *elapsed_ms,
            per_second: progress.per_second(),
            remaining_ms: progress.remaining_ms(),
            fraction: total.and_then(|total| fraction(*done, total)),
            text,
        }
    }
}

/// A bar is full at the most; what there is more of is in the figures.
#[expect(clippy::cast_precision_loss, reason = "a bar has fewer pixels than a double has digits")]
fn fraction(done: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| (done as f64 / total as f64).min(1.0))
}

impl PhaseView {
    pub(super) fn of(phase: Phase) -> Self {
        match phase {
            Phase::Scan => Self::Scan,
            Phase::Hash => Self::Hash,
            Phase::Plan => Self::Plan,
            Phase::Stage => Self::Stage,
            Phase::Commit => Self::Commit,
            Phase::Bake => Self::Bake,
            Phase::Write => Self::Write,
            Phase::Verify => Self::Verify,
            Phase::Prove => Self::Prove,
            Phase::Recover => Self::Recover,
        }
    }
}

impl UnitView {
    fn of(unit: Unit) -> Self {
        match unit {
            Unit::Files => Self::Files,
            Unit::Assets => Self::Assets,
            Unit::Bytes => Self::Bytes,
            Unit::Steps => Self::Steps,
        }
    }
}
