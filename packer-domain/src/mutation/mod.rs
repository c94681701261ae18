//! Mutations: requested changes of a workspace, and what they would do.
//!
//! Planning is pure and has two steps: [`needs`] says what has to be known beside the state, the caller looks, and asks
//! again until nothing is lacking; then [`plan`] decides. It writes nothing and consumes nothing: a thousand previews
//! change nothing, and the same request on the same state gives the same plan. Carrying a plan out is the runtime's work.
//!
//! A batch has no planner of its own. Each member is planned on the state that those before it leave, which is evaluated
//! like any other, and what the plan does is the difference in the end.

mod adopt;
mod configure;
mod destination;
mod draft;
mod duplicate;
mod look;
mod plan;
mod reconcile;
mod recover;
mod register;
mod relocate;
mod remove;
mod rename;
mod request;
mod set_build;
mod shown;
#[cfg(test)]
mod tests;
mod tree;
mod undo;

pub use look::{
    AppliedOperation, Contents, FrozenBytes, FrozenContents, FrozenFile, FrozenOperation, HEAD_BYTES,
    KeptFile, KeptOperation, Need, Needs, PathState, PlacedFile, TakenFile,
};
pub use plan::{
    Affected, Change, FilesystemMutation, MutationPlan, PLAN_SCHEMA, RegistryMutation, Seen, SeenPath,
    Verdict,
};
pub use request::{
    Adopt, Batch, Configure, Duplicate, Mutation, Reconcile, Recover, RecoveryChoice, Register, Relocate,
    Remove, RemovedInputs, Rename, Selector, SetBuild, Target, Undo,
};
pub use shown::ShownPlan;

use std::cell::OnceCell;

use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::divergence::Divergence;
use crate::workspace::WorkspaceState;

use draft::Draft;

/// What has to be looked at before `mutation` can be planned, beside what was found already. Empty once nothing is
/// lacking; what is found can bring more into question.
pub fn needs(state: &WorkspaceState, found: &Contents, mutation: &Mutation) -> Needs {
    let members = members(mutation);
    // All at once first: the members of most batches have nothing to do with each other.
    let mut all = Needs::default();
    for member in &members {
        let needs = needs_of(state, found, member);
        needs.paths.into_iter().for_each(|(path, need)| all.add(path, need));
        all.operations.extend(needs.operations);
    }
    let lacking = found.lacks(all);
    if members.len() < 2 || !lacking.is_empty() {
        return lacking;
    }
    let states = room_for(&members);
    let mut draft = Draft::new(state, found);
    let mut all = Needs::default();
    for (n, member) in members.iter().enumerate() {
        draft = draft.after_step(&states[n]);
        let needs = needs_of(draft.state, found, member);
        for (path, need) in needs.paths {
            if let Some(path) = draft.where_now(&path) {
                all.add(path, need);
            }
        }
        all.operations.extend(needs.operations);
        step(&mut draft, member, &mut |_| {});
    }
    found.lacks(all)
}

/// Whether the effects of `mutation` follow from the registry alone: states of equal registries, whatever was observed
/// with them, give plans with equal effects. Its warnings, and the names in what it affects, may differ.
pub fn follows_from_registry_alone(mutation: &Mutation) -> bool {
    members(mutation).into_iter().all(|member| match member {
        Mutation::SetBuild(_) => true,
        Mutation::Adopt(_)
        | Mutation::Register(_)
        | Mutation::Reconcile(_)
        | Mutation::Rename(_)
        | Mutation::Configure(_)
        | Mutation::Relocate(_)
        | Mutation::Duplicate(_)
        | Mutation::Remove(_)
        | Mutation::Undo(_)
        | Mutation::Recover(_)
        | Mutation::Batch(_) => false,
    })
}

/// What `mutation` would do.
pub fn plan(state: &WorkspaceState, found: &Contents, mutation: &Mutation) -> MutationPlan {
    planned(state, found, mutation, &mut |_| {})
}

/// The divergences on which only a person can decide, of those that `mutation` is to reconcile: each is why its plan has a
/// `plan/choice-needed` among its blockers.
pub fn undecided(state: &WorkspaceState, found: &Contents, mutation: &Mutation) -> Vec<Divergence> {
    let mut undecided = Vec::new();
    planned(state, found, mutation, &mut |divergence| undecided.push(divergence.clone()));
    undecided
}

fn planned(
    state: &WorkspaceState,
    found: &Contents,
    mutation: &Mutation,
    undecided: &mut dyn FnMut(&Divergence),
) -> MutationPlan {
    let members = members(mutation);
    let states = room_for(&members);
    let mut draft = Draft::new(state, found);
    for (n, member) in members.iter().enumerate() {
        if n > 0 {
            draft = draft.after_step(&states[n]);
        }
        if members.len() > 1 && matches!(member, Mutation::Recover(_)) {
            draft.block(
                Diagnostic::new(
                    DiagnosticCode::PlanNotInBatch,
                    Subject::Project,
                    "an interrupted operation is settled by itself, not in a batch",
                )
                .help("run `packer recover` first"),
            );
            continue;
        }
        step(&mut draft, member, undecided);
    }
    draft.finish(mutation.clone())
}

/// A place for the state that each step finds.
fn room_for(members: &[&Mutation]) -> Vec<OnceCell<WorkspaceState>> {
    members.iter().map(|_| OnceCell::new()).collect()
}

/// What is carried out one after the other: a mutation, or what is in a batch.
fn members(mutation: &Mutation) -> Vec<&Mutation> {
    let mut found = Vec::new();
    let mut waiting = vec![mutation];
    while let Some(next) = waiting.pop() {
        match next {
            Mutation::Batch(batch) => waiting.extend(batch.mutations.iter().rev()),
            single => found.push(single),
        }
    }
    found
}

fn needs_of(state: &WorkspaceState, found: &Contents, mutation: &Mutation) -> Needs {
    match mutation {
        Mutation::Adopt(adopt) => adopt::needs(state, adopt).into_iter().collect(),
        Mutation::Register(_) | Mutation::SetBuild(_) | Mutation::Batch(_) => Needs::default(),
        Mutation::Rename(rename) => rename::needs(state, rename).into_iter().collect(),
        Mutation::Reconcile(reconcile) => reconcile::needs(state, reconcile).into_iter().collect(),
        Mutation::Configure(configure) => configure::needs(state, configure),
        Mutation::Relocate(relocate) => relocate::needs(state, relocate),
        Mutation::Duplicate(duplicate) => duplicate::needs(state, duplicate),
        Mutation::Remove(remove) => remove::needs(state, remove),
        Mutation::Undo(undo) => undo::needs(found, undo),
        Mutation::Recover(recover) => recover::needs(found, recover),
    }
}

fn step(draft: &mut Draft<'_>, mutation: &Mutation, undecided: &mut dyn FnMut(&Divergence)) {
    match mutation {
        Mutation::Adopt(adopt) => adopt::plan(draft, adopt),
        Mutation::Register(register) => register::plan(draft, register),
        Mutation::Reconcile(reconcile) => reconcile::plan(draft, reconcile, undecided),
        Mutation::Rename(rename) => rename::plan(draft, rename),
        Mutation::SetBuild(set_build) => set_build::plan(draft, set_build),
        Mutation::Configure(configure) => configure::plan(draft, configure),
        Mutation::Relocate(relocate) => relocate::plan(draft, relocate),
        Mutation::Duplicate(duplicate) => duplicate::plan(draft, duplicate),
        Mutation::Remove(remove) => remove::plan(draft, remove),
        Mutation::Undo(undo) => undo::plan(draft, undo),
        Mutation::Recover(recover) => recover::plan(draft, recover),
        // Its members are stepped through instead.
        Mutation::Batch(_) => {}
    }
}
