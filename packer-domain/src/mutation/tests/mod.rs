//! What plans do: ready and empty ones, every blocker and warning that the requests document, and what carrying a
//! plan out leaves.
//!
//! Each request is made on a project given as text; plans are compared with stored texts, which are to be read in a review.
//! What holds for every request is said of random ones in `properties`.

mod batches;
mod blockers;
mod changes;
mod configure;
mod duplicate;
mod effects;
mod hostile;
mod previews;
mod properties;
mod random;
mod recover;
mod relocate;
mod remove;
mod requests;
mod resolutions;
mod undo;

use crate::identity::OperationId;
use crate::mutation::{Mutation, MutationPlan, Verdict};
use crate::registry::Registry;
use crate::testing::{World, plan_text};

use requests::{image, project};

/// Plans a request that is ready and carries it out, and gives the plan.
fn carry_out(world: &mut World, mutation: &Mutation) -> (MutationPlan, OperationId) {
    let plan = world.plan(mutation);
    assert_eq!(plan.verdict, Verdict::Ready, "{}", plan_text(&plan));
    let operation = world.apply(&plan);
    (plan, operation)
}

/// What of a world a person or a registry sees: files with their bytes, folders, lines.
fn contents(
    world: &World,
) -> (
    &std::collections::BTreeMap<crate::path::AssetPath, Vec<u8>>,
    std::collections::BTreeSet<crate::path::AssetPath>,
    &Registry,
) {
    (&world.files, world.all_folders(), &world.registry)
}

/// Carries a request out, takes that back, and takes the taking back back: the same world before and after. Gives the
/// plan of the request.
fn there_and_back(world: &mut World, mutation: &Mutation) -> MutationPlan {
    let before = world.clone();
    let (plan, operation) = carry_out(world, mutation);
    let after = world.clone();
    let (_, undone) = carry_out(world, &requests::undo(operation));
    assert_eq!(contents(world), contents(&before), "taken back: {}", plan_text(&plan));
    carry_out(world, &requests::undo(undone));
    assert_eq!(contents(world), contents(&after), "and again: {}", plan_text(&plan));
    plan
}
