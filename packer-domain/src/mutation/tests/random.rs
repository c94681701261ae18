//! Random workspaces where most is in order, and random requests of every kind on them.

use proptest::prelude::*;
use proptest::sample::select;

use super::requests::{
    batch, configure, duplicate, duplicate_as, relocate, remove_and, rename, set_build, text, texts, undo,
};
use crate::kind::SettingValue;
use crate::mutation::{Mutation, RemovedInputs, Verdict};
use crate::registry::{BuildParticipation, EntryState};
use crate::testing::{World, adopt, entry, live, operation, path, reconcile, register};

/// By alias: the anchor, its kind and inputs, and the sources beside it.
const ASSETS: [(&str, &str, &str, &[&str]); 8] = [
    ("a", "a.png.asset.toml", "kind = \"image\"\n", &["a.png"]),
    ("b", "ui/b.png.asset.toml", "kind = \"image\"\n", &["ui/b.png"]),
    ("c", "ui/c.png.asset.toml", "kind = \"image\"\npreload = true\n", &["ui/c.png"]),
    ("f", "frames/asset.toml", "kind = \"atlas\"\ninputs = [\"*.png\"]\n", &["frames/1.png", "frames/2.png"]),
    ("g", "frames/1.png.asset.toml", "kind = \"image\"\n", &["frames/1.png"]),
    ("h", "frames/in/asset.toml", "kind = \"atlas\"\ninputs = [\"**\"]\n", &["frames/in/deep/3.png"]),
    ("m", "ui/m.map.asset.toml", "kind = \"map\"\n", &["ui/m.map"]),
    ("n", "n.map.asset.toml", "kind = \"map\"\n", &["n.map"]),
];

const NAMES: [&str; 10] = ["a", "b", "c", "f", "g", "h", "m", "n", "fresh", "ui/other"];

const FRESH: [&str; 4] = ["fresh", "ui/other", "third", "a"];

const LOOSE: [&str; 7] = [
    "loose.png",
    "ui/loose.odd",
    "frames/notes.txt",
    "frames/4.png",
    "new/x.png",
    "frames/in/n.txt",
    "A.png",
];

const PLACES: [&str; 15] = [
    ".",
    "ui",
    "ui/",
    "frames",
    "frames/",
    "frames/in",
    "new",
    "new/",
    "new/x.png",
    "new/deep/y.png",
    "t.png",
    "a.png",
    "ui/b.png",
    "frames2",
    "n.map",
];

const HOSTILE: [&str; 7] = ["A.png", "Frames", "UI/x.png", "build/x", "../x", "con.png", "loose.png"];

/// How an asset is in the workspace; most are in order.
#[derive(Clone, Copy, Debug)]
enum Condition {
    InOrder,
    Excluded,
    Absent,
    Unregistered,
    Retired,
    Torn,
    Sourceless,
    Moved,
    Copied,
    Twice,
    Namesake,
}

fn condition() -> impl Strategy<Value = Condition> {
    use Condition::{
        Absent, Copied, Excluded, InOrder, Moved, Namesake, Retired, Sourceless, Torn, Twice, Unregistered,
    };
    prop_oneof![
        24 => Just(InOrder),
        4 => Just(Excluded),
        2 => Just(Absent),
        2 => Just(Unregistered),
        2 => select(&[Retired, Torn, Sourceless, Moved, Copied, Twice, Namesake][..]),
    ]
}

fn put(world: &mut World, number: usize, condition: Condition, refers: &str) {
    let (alias, anchor, kind, sources) = ASSETS[number];
    let id = number as u32 + 1;
    let refers = if kind.contains("map") && !refers.is_empty() {
        format!("[map]\n# what it stands on\ntiles = \"{refers}\"\nothers = [\"{refers}\"]\n")
    } else {
        String::new()
    };
    if matches!(condition, Condition::Absent) {
        return;
    }
    if !matches!(condition, Condition::Sourceless) {
        for source in sources {
            world.write(source, &format!("the source {source}\n"));
        }
    }
    let name = if matches!(condition, Condition::Namesake) { "a" } else { alias };
    let uuid = if matches!(condition, Condition::Torn) { "torn".to_owned() } else { format!("${alias}") };
    let declared =
        format!("# {alias}\nuuid = \"{uuid}\" # never change it\nname = \"{name}\"\n{kind}\n{refers}");
    world.write(anchor, &declared);
    if matches!(condition, Condition::Copied) {
        world.write(&format!("ui/copy-{alias}.asset.toml"), &declared);
    }
    let build = if matches!(condition, Condition::Excluded) {
        BuildParticipation::Excluded
    } else {
        BuildParticipation::Included
    };
    let state = match condition {
        Condition::Unregistered => return,
        Condition::Retired => EntryState::Retired,
        Condition::Moved => live("elsewhere.asset.toml", build),
        _ => live(anchor, build),
    };
    world.registry.insert(entry(alias, id, state));
    if matches!(condition, Condition::Twice) {
        world.registry.insert(entry(alias, id + 40, EntryState::Retired));
    }
}

fn bare_world() -> impl Strategy<Value = World> {
    let assets =
        prop::collection::vec((condition(), select(&["", "a", "b", "m", "nobody"][..])), ASSETS.len());
    let loose = prop::collection::vec(select(&LOOSE[..]), 0..4);
    (assets, loose, any::<bool>(), 0..12_u8).prop_map(|(assets, loose, empty, odd)| {
        let mut world = World::new("//- registry\n//- passed-over build\n");
        for (number, (condition, refers)) in assets.into_iter().enumerate() {
            put(&mut world, number, condition, refers);
        }
        for file in loose {
            world.write(file, &format!("the loose {file}\n"));
        }
        if empty {
            world.folders.insert(path("frames/empty"));
        }
        match odd {
            0 => drop(world.odd.insert(path("t.png"), crate::mutation::PathState::Link)),
            1 => drop(world.ignored.insert(path("t.png"), b"nobody sees it".to_vec())),
            2 if !world.all_folders().contains(&path("new")) => {
                world.folders.insert(path("new"));
                world.odd.insert(path("new"), crate::mutation::PathState::Mount);
            }
            _ => {}
        }
        world
    })
}

/// A world in which some operations were carried out that can be taken back.
pub(super) fn world() -> impl Strategy<Value = World> {
    (bare_world(), prop::collection::vec(mutation(), 0..4)).prop_map(|(mut world, history)| {
        for mutation in history {
            let plan = world.plan(&mutation);
            if plan.verdict == Verdict::Ready {
                world.apply(&plan);
            }
        }
        world
    })
}

fn alias() -> impl Strategy<Value = &'static str> {
    prop_oneof![30 => (0..ASSETS.len()).prop_map(|number| ASSETS[number].0), 1 => Just("z")]
}

fn place() -> impl Strategy<Value = &'static str> {
    prop_oneof![5 => select(&PLACES[..]), 1 => select(&HOSTILE[..])]
}

fn build() -> impl Strategy<Value = BuildParticipation> {
    select(&[BuildParticipation::Included, BuildParticipation::Excluded][..])
}

fn inputs() -> impl Strategy<Value = RemovedInputs> {
    select(&[RemovedInputs::Kept, RemovedInputs::ToHistory][..])
}

fn setting() -> impl Strategy<Value = (&'static str, SettingValue)> {
    prop_oneof![
        any::<bool>().prop_map(|preload| ("preload", SettingValue::Bool(preload))),
        (0..11_i64).prop_map(|level| ("level", SettingValue::Int(level))),
        select(&NAMES[..]).prop_map(|name| ("tiles", text(name))),
        select(&NAMES[..]).prop_map(|name| ("others", texts(&[name, "m"]))),
        select(&["*.png", "1.png", "**", "../x", "nothing"][..]).prop_map(|glob| ("inputs", texts(&[glob]))),
        Just(("name", text("x"))),
    ]
}

/// A request of any kind but a batch, and but a recovery, which needs an operation that was interrupted.
pub(super) fn mutation() -> impl Strategy<Value = Mutation> {
    let targets = select(&[".", ".", "ui", "a.png", "frames", "new", "loose.png"][..]);
    let selectors =
        select(&["", "$a", "$b", "$f", "ui", "anchor/missing", "anchor/moved", "anchor/unregistered"][..]);
    let cleared = select(&["preload", "level", "tiles", "others", "kind"][..]);
    prop_oneof![
        3 => targets.clone().prop_map(|target| adopt(&[target])),
        2 => targets.prop_map(|target| register(&[target])),
        2 => selectors.prop_map(reconcile),
        2 => (alias(), select(&FRESH[..])).prop_map(|(alias, name)| rename(alias, name)),
        2 => (alias(), alias(), build()).prop_map(|(one, other, build)| set_build(&[one, other], build)),
        2 => (alias(), setting()).prop_map(|(alias, set)| configure(alias, &[set], &[])),
        1 => (alias(), setting(), cleared).prop_map(|(alias, set, key)| configure(alias, &[set], &[key])),
        8 => (alias(), place()).prop_map(|(alias, to)| relocate(alias, to)),
        3 => (alias(), place()).prop_map(|(alias, to)| duplicate(alias, to)),
        1 => (alias(), place()).prop_map(|(alias, to)| duplicate_as(alias, to, "fresh")),
        4 => (prop::collection::vec(alias(), 1..4), inputs())
            .prop_map(|(aliases, inputs)| remove_and(&aliases, inputs)),
        2 => (0..4_usize).prop_map(|number| undo(operation(number))),
    ]
}

/// One request, or a batch of up to six.
pub(super) fn request() -> impl Strategy<Value = Mutation> {
    prop_oneof![mutation(), prop::collection::vec(mutation(), 1..=6).prop_map(|members| batch(&members))]
}
