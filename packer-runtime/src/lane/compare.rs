//! Comparing a plan that was shown with the one that is made of the same request now: whether applying it does what somebody
//! saw, and if not, what moved.
//!
//! What is carried out is always the plan that is made now; here is only whether it may be. A plan in memory and one from
//! a file are compared alike, and nothing is believed that either says of itself.

use std::collections::{BTreeMap, BTreeSet};

use packer_domain::identity::Digest;
use packer_domain::mutation::{
    FilesystemMutation, MutationPlan, RegistryMutation, Seen, SeenPath, ShownPlan,
};
use packer_domain::path::AssetPath;
use packer_domain::registry::Registry;
use packer_domain::workspace::WorkspaceState;
use packer_events::report::Rejection;

/// Refuses a plan that is not as it was made, that was made for another project, or whose effects are no longer those of
/// `plan`, which was made now, in `state` and with this configuration.
pub(crate) fn compare(
    state: &WorkspaceState,
    configuration: Digest,
    shown: &ShownPlan,
    plan: &MutationPlan,
) -> Result<(), Rejection> {
    if shown.is_altered() {
        return Err(Rejection::PlanAltered {});
    }
    let project = state.registry().lineage();
    if shown.lineage != project {
        return Err(Rejection::UnrelatedLineage { project, plan: shown.lineage });
    }
    if shown.effects_digest == plan.effects_digest {
        return Ok(());
    }
    // The contents of edits, which what was shown does not have, are no difference; their digests are.
    let now = ShownPlan::from(plan.clone());
    let configuration = shown.configuration.is_some_and(|then| then != configuration);
    let mut changed = differing(&shown.seen, &now.seen);
    changed.extend(touched_by_one(&shown.filesystem_mutations, &now.filesystem_mutations));
    // Effects on the registry differ whenever a file does; the registry itself moved if a line is not as it was.
    let explained = !changed.is_empty() || configuration;
    let registry = shown.registry_mutations.iter().any(|mutation| has_moved(state.registry(), mutation))
        || (!explained && shown.registry_mutations != now.registry_mutations);
    Err(Rejection::StalePlan { changed: changed.into_iter().collect(), registry, configuration, more: 0 })
}

/// The paths at which not the same was seen.
fn differing(then: &[SeenPath], now: &[SeenPath]) -> BTreeSet<AssetPath> {
    let by_path = |all: &[SeenPath]| -> BTreeMap<AssetPath, Seen> {
        all.iter().map(|seen| (seen.path.clone(), seen.seen.clone())).collect()
    };
    let (then, now) = (by_path(then), by_path(now));
    then.keys().chain(now.keys()).filter(|path| then.get(*path) != now.get(*path)).cloned().collect()
}

/// The paths that only one of the two changes, or changes otherwise.
fn touched_by_one(then: &[FilesystemMutation], now: &[FilesystemMutation]) -> BTreeSet<AssetPath> {
    let (then, now): (BTreeSet<_>, BTreeSet<_>) = (then.iter().collect(), now.iter().collect());
    let paths = |step: &FilesystemMutation| [Some(step.path()), step.origin()].map(Option::<&_>::cloned);
    then.symmetric_difference(&now).flat_map(|step| paths(step)).flatten().collect()
}

/// Whether the registry is not what `mutation` was planned for.
fn has_moved(registry: &Registry, mutation: &RegistryMutation) -> bool {
    match mutation {
        RegistryMutation::Insert { entry } => registry.lines_of(entry.uuid).next().is_some(),
        RegistryMutation::Update { before, .. }
        | RegistryMutation::Retire { before }
        | RegistryMutation::Delete { entry: before } => {
            !registry.lines_of(before.uuid).any(|line| line == before)
        }
    }
}
