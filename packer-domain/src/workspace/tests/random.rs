//! Properties that hold for any registry and any files: nothing panics, order decides nothing, and what keeps an asset
//! from being built is always said. Plans on such states never panic, and never leave a registry worse than it was.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use crate::build::{BuildEntry, plan_build};
use crate::config::BuildOptions;
use crate::diagnostic::Diagnostic;
use crate::divergence::DivergenceCode;
use crate::mutation::{Mutation, Verdict};
use crate::registry::{BuildParticipation, EntryState, Registry, RegistryEntry};
use crate::report::asset_detail;
use crate::testing::{World, adopt, entry, live, path, plan_text, reconcile, register, state_text, uuid};
use crate::workspace::{AssetState, WorkspaceState};

pub(super) const ALIASES: [&str; 4] = ["a", "b", "c", "d"];
pub(super) const NAMES: [&str; 3] = ["x", "y", "ui/z"];
pub(super) const FILES: [&str; 6] = ["a.png", "A.png", "ui/b.png", "ui/c.map", "UI/d.png", "ui/sub/e"];
pub(super) const ANCHORS: [&str; 6] = [
    "a.png.asset.toml",
    "A.png.asset.toml",
    "ui/b.png.asset.toml",
    "ui/c.map.asset.toml",
    "ui/asset.toml",
    "ui/sub/asset.toml",
];

pub(super) fn line() -> impl Strategy<Value = RegistryEntry> {
    (select(&ALIASES[..]), 1..5_u32, proptest::option::of(select(&ANCHORS[..])), any::<bool>()).prop_map(
        |(alias, id, anchor, included)| {
            let build = if included { BuildParticipation::Included } else { BuildParticipation::Excluded };
            entry(alias, id, anchor.map_or(EntryState::Retired, |anchor| live(anchor, build)))
        },
    )
}

pub(super) fn anchor() -> impl Strategy<Value = (&'static str, String)> {
    let kind = select(&["image", "map", "atlas", "nonsense"][..]);
    let parts =
        (select(&ANCHORS[..]), select(&ALIASES[..]), select(&NAMES[..]), kind, select(&NAMES[..]), 0..8_u8);
    parts.prop_map(|(at, alias, name, kind, target, flaw)| {
        let uuid = if flaw == 0 { "not a uuid".to_owned() } else { format!("${alias}") };
        let inputs = if at.ends_with("/asset.toml") { "inputs = [\"**\"]\n" } else { "" };
        let map = if kind == "map" { format!("[map]\ntiles = \"{target}\"\n") } else { String::new() };
        let torn = if flaw == 1 { "<<<<<<<\n" } else { "" };
        (at, format!("uuid = \"{uuid}\"\nname = \"{name}\"\nkind = \"{kind}\"\n{inputs}{map}{torn}"))
    })
}

pub(super) fn world() -> impl Strategy<Value = World> {
    let lines = prop::collection::vec(line(), 0..7);
    let files = prop::collection::vec((select(&FILES[..]), "[a-c]{0,2}"), 0..6);
    let anchors = prop::collection::vec(anchor(), 0..6);
    let unreadable = prop::collection::vec(select(&FILES[..]), 0..2);
    (lines, files, anchors, unreadable).prop_map(|(lines, files, anchors, unreadable)| {
        let mut world = World::new("//- registry\n");
        for line in lines {
            world.registry.insert(line);
        }
        for (file, text) in &files {
            world.write(file, text);
        }
        for (file, text) in &anchors {
            world.write(file, text);
        }
        world.unreadable =
            unreadable.into_iter().map(path).filter(|p| !world.files.contains_key(p)).collect();
        world
    })
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = select(&[".", "a.png", "ui", "ui/b.png", "ui/asset.toml", "a.png.asset.toml", "nowhere"][..]);
    let selector = select(
        &[
            "",
            "$a",
            "$b",
            "@x",
            "@ui/z",
            "ui",
            "a.png",
            "ui/asset.toml",
            "anchor/duplicate-uuid",
            "name/conflict",
            "registry/duplicate-id",
            "registry/duplicate-entry",
            "anchor/missing",
            "anchor/moved",
        ][..],
    );
    let resolution = select(
        &[
            "",
            "",
            "",
            "--as keep-1",
            "--as keep-2",
            "--as retire",
            "--as accept-move",
            "--as new-uuid",
            "--as rename",
            "--as reallocate",
            "--as register",
        ][..],
    );
    let at = select(&["", "", "--path a.png", "--path ui/asset.toml", "--path ui/b.png.asset.toml"][..]);
    let name = select(&["", "--name fresh", "--name x"][..]);
    prop_oneof![
        place.clone().prop_map(|place| adopt(&[place])),
        place.prop_map(|place| register(&[place])),
        (selector, resolution, at, name).prop_map(|(selector, resolution, at, name)| reconcile(&format!(
            "{selector} {resolution} {at} {name}"
        ))),
    ]
}

/// The ids that two uuids hold, and the uuids with two lines.
fn contradictions(registry: &Registry) -> (BTreeSet<u32>, BTreeSet<String>) {
    let ids =
        registry.entries().filter(|line| registry.holders(line.id).count() > 1).map(|line| line.id.get());
    let uuids = registry.entries().filter(|line| registry.lines_of(line.uuid).count() > 1);
    (ids.collect(), uuids.map(|line| line.uuid.to_string()).collect())
}

fn check_state(state: &WorkspaceState) {
    for record in state.assets().filter(|record| record.state != AssetState::Ready) {
        let detail = asset_detail(state, record.entry.uuid).unwrap();
        let told = !detail.divergences.is_empty() || detail.diagnostics.iter().any(Diagnostic::is_error);
        assert!(told, "nobody says why {} is {:?}", record.label(), record.state);
    }
    for divergence in state.divergences() {
        assert!(divergence.assets.is_sorted() && divergence.ids.is_sorted(), "{divergence:?}");
        let said = divergence.to_diagnostic(|path| state.project_path(path));
        assert!(state.diagnostics().contains(&said));
    }
    let plan = plan_build(state, BuildOptions::default());
    let included = state.assets().filter(|record| record.entry.is_included()).count();
    assert_eq!(plan.errors.is_empty(), plan.entries.len() == included, "{:?}", plan.errors);
    let mut names: Vec<_> =
        plan.entries.iter().map(BuildEntry::name).chain(plan.absent.iter().map(|e| &e.name)).collect();
    let mut ids: Vec<_> =
        plan.entries.iter().map(BuildEntry::id).chain(plan.absent.iter().map(|e| e.id)).collect();
    let (all_names, all_ids) = (names.len(), ids.len());
    names.sort();
    names.dedup();
    ids.sort();
    ids.dedup();
    assert_eq!((names.len(), ids.len()), (all_names, all_ids), "a pack with two of one name or id");
    for error in &plan.errors {
        assert!(error.file.is_some() && error.is_error(), "{error:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_state_says_what_is_wrong_and_no_order_decides_it(world in world()) {
        let state = world.state();
        check_state(&state);
        let mut inputs = world.inputs();
        let mut registry = Registry::new(world.registry.lineage());
        let lines: Vec<_> = world.registry.entries().cloned().collect();
        for line in lines.into_iter().rev() {
            registry.insert(line);
        }
        inputs.registry = registry;
        inputs.observation.diagnostics.reverse();
        let again = WorkspaceState::evaluate(inputs);
        prop_assert_eq!(state_text(&state), state_text(&again));
        prop_assert_eq!(state.divergences(), again.divergences());
        prop_assert_eq!(state.diagnostics(), again.diagnostics());
    }

    #[test]
    fn any_plan_is_repeatable_and_leaves_the_registry_no_worse(world in world(), mutation in mutation()) {
        let plan = world.plan(&mutation);
        prop_assert_eq!(&plan, &world.plan(&mutation));
        prop_assert_eq!(plan.effects_digest, plan.compute_effects_digest());
        prop_assert_eq!(plan.verdict == Verdict::Blocked, !plan.blockers.is_empty());
        prop_assert!(plan.blockers.iter().all(Diagnostic::is_error));
        prop_assert!(!plan.warnings.iter().any(Diagnostic::is_error));
        if plan.verdict == Verdict::Ready {
            let before = contradictions(&world.registry);
            let mut after = world.clone();
            after.apply(&plan);
            let (ids, uuids) = contradictions(&after.registry);
            prop_assert!(ids.is_subset(&before.0) && uuids.is_subset(&before.1), "{}", plan_text(&plan));
            check_state(&after.state());
        }
    }

    #[test]
    fn a_resolution_as_offered_ends_its_divergence(world in world()) {
        let state = world.state();
        for divergence in state.divergences() {
            for offer in &divergence.resolutions {
                let at: Vec<String> = if offer.needs.is_empty() {
                    vec![divergence.paths.first().map_or_else(|| divergence.code.to_string(), ToString::to_string)]
                } else {
                    divergence.paths.iter().map(ToString::to_string).collect()
                };
                for place in at {
                    let told = if offer.needs.is_empty() { String::new() } else { format!("--path {place} --name fresh/name") };
                    let plan = world.plan(&reconcile(&format!("{} --as {} {told}", divergence.code, offer.resolution)));
                    if plan.verdict != Verdict::Ready {
                        continue;
                    }
                    let mut after = world.clone();
                    after.apply(&plan);
                    let still = after.state().divergences().iter().any(|other| {
                        other.code == divergence.code && other.assets == divergence.assets && other.ids == divergence.ids
                            && other.paths == divergence.paths
                    });
                    prop_assert!(!still, "{} is still there after {}", divergence.code, plan_text(&plan));
                }
            }
        }
    }

    #[test]
    fn the_difference_of_registries_leads_from_one_to_the_other(
        before in prop::collection::vec(line(), 0..30), gone in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        new in prop::collection::vec(line(), 0..10),
    ) {
        let mut old = Registry::new(World::new("//- registry\n").registry.lineage());
        for line in &before {
            old.insert(line.clone());
        }
        let mut next = old.clone();
        if !before.is_empty() {
            for index in &gone {
                next.remove(index.get(&before));
            }
        }
        for line in &new {
            next.insert(line.clone());
        }
        let (removed, added) = old.difference(&next);
        let mut made = old.clone();
        for line in &removed {
            made.remove(line);
        }
        for line in &added {
            made.insert((*line).clone());
        }
        prop_assert_eq!(&made, &next);
        prop_assert_eq!(&old.made_into(&Registry::from_lines(next.lineage(), next.entries().cloned().collect())), &next);
        prop_assert!(removed.iter().all(|line| !added.contains(line)));
        for alias in ALIASES {
            let lines = next.lines_of(uuid(alias)).count();
            prop_assert_eq!(lines, next.entries().filter(|line| line.uuid == uuid(alias)).count());
        }
    }
}

#[test]
fn the_catalogue_of_these_worlds_reaches_every_divergence() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..400 {
        let world = world().new_tree(&mut runner).unwrap().current();
        reached.extend(world.state().divergences().iter().map(|divergence| divergence.code));
    }
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), DivergenceCode::ALL);
}
