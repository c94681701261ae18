//! What adopting and registering do: kinds, names, ids, effects and what they depend on.

use super::{image, project};
use crate::identity::AssetId;
use crate::mutation::{Contents, Need, Verdict, needs, plan};
use crate::registry::{EntryState, RegistryEntry};
use crate::testing::{DRAW, World, adopt, entry, path, plan_text, register};

fn adopted_names(fixture: &str) -> Vec<String> {
    let mut world = World::new(fixture);
    let plan = world.plan(&adopt(&["."]));
    world.apply(&plan);
    let state = world.state();
    let mut names: Vec<String> =
        state.assets().map(|record| format!("{} {}", record.inputs()[0], record.name().unwrap())).collect();
    names.sort();
    names
}

#[test]
fn adopting() {
    let config = "//- packer.toml\n[project]\nname = \"x\"\n[[rules]]\nmatch = \"data/**\"\nkind = \"raw\"\n";
    let mut world = World::new(&format!(
        "{config}//- registry\n//- assets/ui/ok.png\n//- assets/photo\nPIC!\n//- assets/data/a.png\n//- assets/notes.odd\n"
    ));
    let plan = world.plan(&adopt(&["."]));
    insta::assert_snapshot!("adopt", plan_text(&plan));
    world.apply(&plan);
    let again = world.plan(&adopt(&["."]));
    assert_eq!(again.verdict, Verdict::Empty, "{}", plan_text(&again));
    assert_eq!(world.state().divergences(), []);
}

#[test]
fn registering() {
    let mut world =
        World::new(&project("b 7 retired", &[image("a", "a", "a.png"), image("b", "b", "b.png")]));
    let plan = world.plan(&register(&["."]));
    insta::assert_snapshot!("register", plan_text(&plan));
    world.apply(&plan);
    assert_eq!(world.state().divergences(), []);
    assert_eq!(world.plan(&register(&["."])).verdict, Verdict::Empty);
}

#[test]
fn registering_a_copy_or_a_moved_anchor_says_what_it_is() {
    let warned = |registry: &str, target: &str| {
        let parts = [image("a", "a", "a.png"), image("a", "b", "copy.png")];
        let plan = World::new(&project(registry, &parts)).plan(&register(&[target]));
        assert_eq!(plan.verdict, Verdict::Empty);
        plan.warnings[0].message.clone()
    };
    let registry = "a 1 a.png.asset.toml";
    assert_eq!(warned(registry, "a.png.asset.toml"), "a.png.asset.toml is registered already");
    let other = "copy.png.asset.toml has the uuid of the asset that is registered at a.png.asset.toml";
    assert_eq!(warned(registry, "copy.png.asset.toml"), other);
}

#[test]
fn files_that_would_share_a_name_keep_their_extension() {
    let names = adopted_names("//- registry\n//- assets/a.png\n//- assets/a.jpg\n//- assets/b.png\n");
    assert_eq!(names, ["a.jpg a.jpg", "a.png a.png", "b.png b"]);
}

#[test]
fn taken_and_odd_names() {
    let fixture = project(
        "z 1 z.png.asset.toml",
        &[image("z", "a", "z.png"), "//- assets/a.png\n//- assets/A b!.png\n".to_owned()],
    );
    assert_eq!(adopted_names(&fixture), ["A b!.png a-b", "a.png a.png", "z.png a"]);
    let names = adopted_names("//- registry\n//- assets/\u{e9}.png\n//- assets/.png.png\n");
    assert!(names[1].starts_with("\u{e9}.png asset-"), "{names:?}");
    let three = adopted_names("//- registry\n//- assets/x y.png\n//- assets/x-y.png\n");
    assert!(three.iter().all(|name| name.contains(" x-y.png-")), "the digest tells them apart: {three:?}");
}

#[test]
fn ids_skip_those_that_are_held() {
    let mut world = World::new("//- registry\n//- assets/a.png\n");
    let uuid = DRAW.asset_uuid("a.png");
    let candidates: Vec<AssetId> = AssetId::candidates(uuid).take(2).collect();
    world.registry.insert(RegistryEntry { id: candidates[0], ..entry("z", 1, EntryState::Retired) });
    let plan = world.plan(&adopt(&["a.png"]));
    world.apply(&plan);
    assert_eq!(world.registry.get(uuid).unwrap().id, candidates[1]);
}

#[test]
fn effects_are_told_apart_and_what_does_not_matter_is_left_out() {
    let digest = |fixture: &str| World::new(fixture).plan(&adopt(&["ui"])).effects_digest;
    let base = "//- registry\n//- assets/ui/a.png\n1\n//- assets/x.png\n1\n";
    let same = [
        base.replace("x.png\n1", "x.png\n2"),
        base.replace("x.png", "y.png"),
        base.replace("ui/a.png\n1", "ui/a.png\n2"),
        base.replace("registry\n", "registry\nz 9 retired\n"),
    ];
    for other in same {
        assert_eq!(digest(base), digest(&other), "{other}");
    }
    let others = [
        base.replace("ui/a.png", "ui/b.png"),
        format!("{base}//- assets/ui/b.png\n"),
        format!("{base}//- assets/ui/a.jpg\n"),
        format!(
            "//- packer.toml\n[project]\nname = \"x\"\n[[rules]]\nmatch = \"**\"\nkind = \"raw\"\n{base}"
        ),
        format!("{base}//- ignored ui/a.png.asset.toml\n"),
        project("z 9 z.png.asset.toml", &[image("z", "ui/a", "z.png"), base.replace("//- registry\n", "")]),
    ];
    for other in others {
        assert_ne!(digest(base), digest(&other), "{other}");
    }
}

#[test]
fn what_is_needed_is_what_is_looked_at() {
    let world =
        World::new("//- registry\n//- assets/ui/a.png\n//- assets/ui/photo\nPIC!\n//- assets/x.png\n");
    let mutation = adopt(&["ui"]);
    let needed: Vec<(String, Need)> = needs(&world.state(), &Contents::default(), &mutation)
        .paths
        .into_iter()
        .map(|(path, need)| (path.to_string(), need))
        .collect();
    assert_eq!(
        needed,
        [
            ("ui/a.png.asset.toml".to_owned(), Need::State),
            ("ui/photo".to_owned(), Need::Head),
            ("ui/photo.asset.toml".to_owned(), Need::State),
        ]
    );
    // More than was needed changes nothing; less, and nothing is taken for free.
    let mut contents = world.contents(&mutation);
    let plan_with = |contents: &Contents| plan(&world.state(), contents, &mutation);
    let first = plan_with(&contents);
    contents.insert(path("x.png"), Need::State, super::super::PathState::Other);
    assert_eq!(plan_with(&contents), first);
    assert_eq!(plan_with(&Contents::default()).verdict, Verdict::Blocked);
}
