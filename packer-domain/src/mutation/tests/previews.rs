//! A thousand previews of each kind of mutation: each gives the same plan, and nothing is another afterwards.

use super::recover::frozen_rename;
use super::requests::{
    atlas, batch, configure, duplicate, file, image, project, recover, relocate, remove, rename, set_build,
    undo,
};
use super::{carry_out, contents};
use crate::kind::SettingValue;
use crate::mutation::{Mutation, RecoveryChoice, Verdict, plan};
use crate::registry::BuildParticipation;
use crate::testing::{World, adopt, plan_text, reconcile, register};

const PREVIEWS: usize = 1_000;

/// A project, and a request of every kind that is ready on it.
fn every_kind() -> (World, Vec<Mutation>) {
    let more = "//- assets/new.png\n//- assets/loose.png\n//- assets/loose.png.asset.toml\nuuid = \"$c\"\n\
                name = \"c\"\nkind = \"image\"\n";
    let registry = "a 1 a.png.asset.toml\nb 2 b.png.asset.toml\nf 3 f/asset.toml\ng 5 gone.asset.toml";
    let parts = [
        image("a", "a", "a.png"),
        image("b", "b", "b.png"),
        atlas("f", "f", "f", "\"*.png\""),
        file("f/1.png"),
        more.to_owned(),
    ];
    let mut world = World::new(&project(registry, &parts));
    let (_, done) = carry_out(&mut world, &relocate("f", "n/f"));
    let members = [relocate("a", "t.png"), relocate("b", "a.png"), rename("a", "x")];
    let all = vec![
        adopt(&["."]),
        register(&["."]),
        reconcile("$g"),
        rename("a", "other"),
        set_build(&["a"], BuildParticipation::Excluded),
        configure("a", &[("level", SettingValue::Int(7))], &[]),
        relocate("f", "x/y"),
        duplicate("f", "x/y"),
        remove(&["a", "f"]),
        undo(done),
        batch(&members),
    ];
    (world, all)
}

fn check(world: &World, mutation: &Mutation) {
    let before = world.clone();
    let state = world.state();
    let looked = world.contents(mutation);
    let (inputs, kept) = (state.inputs().clone(), looked.clone());
    let first = plan(&state, &looked, mutation);
    assert_eq!(first.verdict, Verdict::Ready, "{}", plan_text(&first));
    for _ in 1..PREVIEWS {
        assert_eq!(plan(&state, &looked, mutation), first);
    }
    assert_eq!(state.registry(), &inputs.registry);
    assert_eq!(state.observation(), &inputs.observation);
    assert_eq!(looked, kept);
    assert_eq!(contents(world), contents(&before));
}

#[test]
fn are_all_the_same_and_change_nothing() {
    let (world, all) = every_kind();
    let mut words: Vec<&str> = all.iter().map(Mutation::word).collect();
    for mutation in &all {
        check(&world, mutation);
    }
    let (world, operation) = frozen_rename();
    check(&world, &recover(operation, RecoveryChoice::FinishOurs));
    words.push("recover");
    words.sort_unstable();
    let kinds = [
        "adopt",
        "batch",
        "configure",
        "duplicate",
        "reconcile",
        "recover",
        "register",
        "relocate",
        "remove",
        "rename",
        "set_build",
        "undo",
    ];
    assert_eq!(words, kinds, "one of every kind");
}
