//! What renaming, including and excluding do.

use super::requests::{map, rename, set_build};
use super::{image, project};
use crate::mutation::{Batch, Contents, Mutation, Verdict, follows_from_registry_alone, needs, plan};
use crate::observation::Observation;
use crate::registry::BuildParticipation;
use crate::testing::{World, plan_text};
use crate::workspace::{WorkspaceInputs, WorkspaceState};

fn referred_to() -> World {
    World::new(&project(
        "a 1 a.png.asset.toml\nb 2 b.map.asset.toml\nc 3 c.map.asset.toml excluded",
        &[
            image("a", "tiles", "a.png"),
            map("b", "b", "b.map", "\n[map]\ntiles = \"tiles\" # the ground\nothers = [\"b\", \"tiles\"]\n"),
            map("c", "c", "c.map", "[map]\nothers = [\"b\"]\n"),
            map("d", "d", "d.map", "[map]\ntiles = \"tiles\"\n"),
        ],
    ))
}

#[test]
fn renaming_rewrites_every_reference() {
    let mut world = referred_to();
    let before = world.state();
    let plan = world.plan(&rename("a", "ground"));
    insta::assert_snapshot!("rename", plan_text(&plan));
    world.apply(&plan);
    let state = world.state();
    assert_eq!(state.divergences(), before.divergences(), "every reference leads where it led");
    let targets = |state: &WorkspaceState| {
        let records = state
            .assets()
            .map(|record| record.references().iter().map(|reference| reference.target).collect::<Vec<_>>());
        records.collect::<Vec<_>>()
    };
    assert_eq!(targets(&state), targets(&before));
    assert_eq!(world.plan(&rename("a", "ground")).verdict, Verdict::Empty);
    let back = world.plan(&rename("a", "tiles"));
    world.apply(&back);
    assert_eq!(world.files, referred_to().files, "and back: the same bytes");
    // One that refers to itself.
    let plan = world.plan(&rename("b", "self"));
    world.apply(&plan);
    assert_eq!(targets(&world.state()), targets(&before));
}

#[test]
fn including_and_excluding_change_a_line_of_the_registry() {
    let mut world = referred_to();
    let plan = world.plan(&set_build(&["a", "b"], BuildParticipation::Excluded));
    insta::assert_snapshot!("exclude", plan_text(&plan));
    world.apply(&plan);
    assert_eq!(world.plan(&set_build(&["a", "b"], BuildParticipation::Excluded)).verdict, Verdict::Empty);
    let plan = world.plan(&set_build(&["a", "b", "c"], BuildParticipation::Included));
    insta::assert_snapshot!("include", plan_text(&plan));
    world.apply(&plan);
    assert!(world.state().assets().all(|record| record.entry.is_included()));
    assert_eq!(world.files, referred_to().files);
}

/// Whatever is on disk: an asset of each sort, one that was merged badly, and one that is not there.
#[test]
fn what_follows_from_the_registry_alone_has_the_same_effects_whatever_was_observed() {
    let world = World::new(&project(
        "a 1 a.png.asset.toml\nb 2 b.map.asset.toml\nc 3 c.map.asset.toml excluded\nd 4 d.png.asset.toml\n\
         d 4 d.png.asset.toml excluded\ne 5 retired\nf 1 f.png.asset.toml",
        &[
            image("a", "tiles", "a.png"),
            map("b", "b", "b.map", "\n[map]\ntiles = \"tiles\"\n"),
            map("c", "c", "c.map", "[map]\nothers = [\"b\"]\n"),
            image("d", "d", "d.png"),
            image("f", "f", "f.png"),
        ],
    ));
    let seen = world.state();
    let unseen = WorkspaceState::evaluate(WorkspaceInputs {
        observation: Observation::default(),
        ..seen.inputs().clone()
    });
    let mut verdicts = Vec::new();
    for build in [BuildParticipation::Included, BuildParticipation::Excluded] {
        for aliases in [&["a"][..], &["b"], &["c"], &["a", "b", "c"], &["d"], &["e"], &["f"], &["x", "a"]] {
            let mutation = set_build(aliases, build);
            let other = set_build(&["c"], BuildParticipation::Included);
            let mutation = if aliases.len() == 3 {
                Mutation::Batch(Batch { mutations: vec![mutation, other] })
            } else {
                mutation
            };
            assert!(
                follows_from_registry_alone(&mutation)
                    && needs(&seen, &Contents::default(), &mutation).is_empty()
            );
            let [seen, unseen] = [&seen, &unseen].map(|state| plan(state, &Contents::default(), &mutation));
            assert_eq!(seen.effects_digest, unseen.effects_digest, "{aliases:?}");
            let codes = |plan: &crate::mutation::MutationPlan| {
                plan.blockers.iter().map(|blocker| blocker.code).collect::<Vec<_>>()
            };
            assert_eq!(codes(&seen), codes(&unseen), "{aliases:?}");
            verdicts.push(seen.verdict);
        }
    }
    for verdict in [Verdict::Ready, Verdict::Blocked, Verdict::Empty] {
        assert!(verdicts.contains(&verdict), "{verdicts:?}");
    }
    let other = rename("a", "other");
    assert!(!follows_from_registry_alone(&other));
    let mutations = vec![set_build(&["a"], BuildParticipation::Included), other];
    assert!(!follows_from_registry_alone(&Mutation::Batch(Batch { mutations })));
}
