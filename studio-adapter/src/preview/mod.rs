//! Previews: what an intent would do, in full, and the ticket that alone can have it done.
//!
//! A [`PreviewView`] shows a plan as the packer made it: its verdict is the packer's and is never read off the lists. A
//! [`Ticket`] holds that plan, comes from a preview and from nothing else, and is used up by applying it. What applying
//! it does is decided anew by the packer, which refuses it where the effects would now be others.

mod rows;

pub use rows::{AffectedRow, ChangeView, FileChangeRow, FileChangeView, RegistryLineView, RegistryRow};

use packer_runtime::api::{Divergence, Mutation, MutationPlan, ShownPlan, Verdict};
use serde::Serialize;

use crate::problems::{DiagnosticRow, DivergenceRow};
use crate::text::counted;

/// What an intent would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PreviewView {
    /// What is asked for, in a word or two: `adopt`, `rename`, `redo`, `carry out` …
    pub mutation: String,
    /// How many steps it is, all of which are carried out or none.
    pub steps: u64,
    /// Whether it can be applied, by the packer's word.
    pub verdict: VerdictView,
    /// The same in one sentence, without a final period.
    pub label: String,
    /// What forbids applying it.
    pub blockers: Vec<DiagnosticRow>,
    /// What does not forbid it, and should be known.
    pub warnings: Vec<DiagnosticRow>,
    /// The divergences on which only a person can decide: the intent has to say more, or one intent be made of each.
    pub undecided: Vec<DivergenceRow>,
    /// The assets whose meaning changes.
    pub affected: Vec<AffectedRow>,
    /// What would change in the registry.
    pub registry: Vec<RegistryRow>,
    /// What would change on disk, in the packer's order.
    pub files: Vec<FileChangeRow>,
    /// What the effects are told from others by: two previews with one digest do the same.
    pub effects_digest: String,
}

/// Whether a plan can be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictView {
    /// It can, and would change something.
    Ready,
    /// Its blockers forbid it.
    Blocked,
    /// There is nothing to do.
    Empty,
}

/// What has been previewed, to be applied once. Only a preview gives one.
#[derive(Debug)]
#[must_use = "a ticket that is dropped applies nothing"]
pub struct Ticket {
    plan: MutationPlan,
}

impl PreviewView {
    /// The preview of `plan`, which `word` asks for.
    pub(crate) fn of(plan: &MutationPlan, word: &str, undecided: &[Divergence]) -> Self {
        let MutationPlan {
            schema: _,
            mutation,
            lineage: _,
            configuration: _,
            verdict,
            blockers,
            warnings,
            registry_mutations,
            filesystem_mutations,
            seen: _,
            affected,
            effects_digest,
            plan_digest: _,
        } = plan;
        let label = match verdict {
            Verdict::Ready => format!("Ready to {word}"),
            Verdict::Blocked => format!("Blocked: cannot {word}"),
            Verdict::Empty => format!("There is nothing to {word}"),
        };
        let steps = steps(mutation);
        Self {
            mutation: word.to_owned(),
            steps,
            verdict: VerdictView::of(*verdict),
            label: if steps > 1 {
                format!("{label} ({}, all or none)", counted(steps, "step"))
            } else {
                label
            },
            blockers: blockers.iter().map(DiagnosticRow::of).collect(),
            warnings: warnings.iter().map(DiagnosticRow::of).collect(),
            undecided: undecided.iter().map(DivergenceRow::of).collect(),
            affected: affected.iter().map(AffectedRow::of).collect(),
            registry: registry_mutations.iter().map(RegistryRow::of).collect(),
            files: filesystem_mutations.iter().map(FileChangeRow::of).collect(),
            effects_digest: effects_digest.to_string(),
        }
    }
}

/// How many mutations are in this one, batches within batches taken apart.
fn steps(mutation: &Mutation) -> u64 {
    let (mut steps, mut waiting) = (0, vec![mutation]);
    while let Some(next) = waiting.pop() {
        match next {
            Mutation::Batch(batch) => waiting.extend(&batch.mutations),
            Mutation::Adopt(_)
            | Mutation::Register(_)
            | Mutation::Reconcile(_)
            | Mutation::Rename(_)
            | Mutation::SetBuild(_)
            | Mutation::Configure(_)
            | Mutation::Relocate(_)
            | Mutation::Duplicate(_)
            | Mutation::Remove(_)
            | Mutation::Undo(_)
            | Mutation::Recover(_) => steps += 1,
        }
    }
    steps
}

impl VerdictView {
    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ready => Self::Ready,
            Verdict::Blocked => Self::Blocked,
            Verdict::Empty => Self::Empty,
        }
    }
}

impl Ticket {
    pub(crate) fn new(plan: MutationPlan) -> Self {
        Self { plan }
    }

    pub(crate) fn plan(&self) -> &MutationPlan {
        &self.plan
    }

    pub(crate) fn into_plan(self) -> ShownPlan {
        self.plan.into()
    }
}

#[cfg(test)]
mod tests;
