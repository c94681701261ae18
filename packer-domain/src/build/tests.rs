//! What a build takes, in which order, under which keys, and what it says of the rest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::{BuildPlan, plan_build};
use crate::config::BuildOptions;
use crate::identity::Digest;
use crate::registry::{BuildParticipation, EntryState};
use crate::testing::{World, entry, live, path, uuid};

fn build(world: &World) -> BuildPlan {
    plan_build(&world.state(), BuildOptions::default())
}

fn text(plan: &BuildPlan) -> String {
    let mut out = String::new();
    for entry in &plan.entries {
        let inputs: Vec<&str> = entry.inputs().map(|input| input.relative).collect();
        let references: Vec<String> =
            entry.references().iter().map(|r| format!("{} {}", r.key, r.id)).collect();
        let _ = write!(out, "{} {} {} [{}]", entry.id(), entry.kind(), entry.name(), inputs.join(" "));
        let _ = writeln!(
            out,
            "{}",
            if references.is_empty() { String::new() } else { format!(" -> {}", references.join(", ")) }
        );
    }
    for absent in &plan.absent {
        let _ = writeln!(out, "absent {} {} {}", absent.id, absent.kind, absent.name);
    }
    for error in &plan.errors {
        let _ = writeln!(
            out,
            "error[{}] {}: {}",
            error.code,
            error.file.as_deref().unwrap_or("-"),
            error.message
        );
    }
    out
}

fn key(plan: &BuildPlan, alias: &str) -> Option<Digest> {
    plan.entries.iter().find(|entry| entry.uuid() == uuid(alias)).map(|entry| entry.key)
}

fn image(alias: &str, name: &str, file: &str) -> String {
    format!(
        "//- assets/{file}\n{alias}\n//- assets/{file}.asset.toml\nuuid = \"${alias}\"\nname = \"{name}\"\nkind = \"image\"\n"
    )
}

fn map(alias: &str, settings: &str) -> String {
    format!(
        "//- assets/{alias}.map\n//- assets/{alias}.map.asset.toml\nuuid = \"${alias}\"\nname = \"{alias}\"\nkind = \"map\"\n[map]\n{settings}\n"
    )
}

fn check(registry: &str, parts: &[String], expected: &str) {
    let plan = build(&World::new(&format!("//- registry\n{registry}\n{}", parts.concat())));
    let found = text(&plan);
    assert!(found == expected, "found:\n{found}\nexpected:\n{expected}");
}

#[test]
fn included_assets_by_id_each_after_what_it_refers_to() {
    let parts = [
        map("m", "tiles = \"a\"\nothers = [\"n\"]"),
        map("n", ""),
        image("a", "a", "a.png"),
        image("x", "x", "x.png"),
    ];
    check(
        "m 1 m.map.asset.toml\nn 2 n.map.asset.toml\na 3 a.png.asset.toml\nx 4 x.png.asset.toml excluded",
        &parts,
        "1 map m [m.map] -> others 2, tiles 3\n2 map n [n.map]\n3 image a [a.png]\n",
    );
}

#[test]
fn inputs_are_relative_to_the_folder_of_the_anchor() {
    let hero = "//- assets/art/hero/asset.toml\nuuid = \"$h\"\nname = \"hero\"\nkind = \"atlas\"\ninputs = [\"**/*.png\"]\n//- assets/art/hero/b/1.png\n//- assets/art/hero/a.png\n";
    check("h 1 art/hero/asset.toml", &[hero.to_owned()], "1 atlas hero [a.png b/1.png]\n");
}

#[test]
fn every_error_is_said_with_its_path_and_the_rest_is_built() {
    let sourceless = "//- assets/s.asset.toml\nuuid = \"$s\"\nname = \"s\"\nkind = \"raw\"\n".to_owned();
    let torn = "//- assets/t.png\n//- assets/t.png.asset.toml\nuuid = \"$t\"\nname = \"t\"\nkind = \"image\"\npreload = 1\nwrong = 2\n".to_owned();
    let parts = [
        image("a", "a", "a.png"),
        sourceless,
        torn,
        image("m", "m", "new.png"),
        map("r", "tiles = \"m\""),
        map("w", "tiles = \"x\""),
        image("x", "x", "x.png"),
    ];
    check(
        "a 1 a.png.asset.toml\ng 2 gone.png.asset.toml\nm 3 old.png.asset.toml\nr 4 r.map.asset.toml\ns 5 s.asset.toml\nt 6 t.png.asset.toml\nw 7 w.map.asset.toml\nx 8 x.png.asset.toml excluded\ny 9 y.png.asset.toml excluded",
        &parts,
        concat!(
            "1 image a [a.png]\n",
            "absent 3 image m\n",
            "absent 4 map r\n",
            "absent 5 raw s\n",
            "absent 6 image t\n",
            "absent 7 map w\n",
            "error[anchor/missing] assets/gone.png.asset.toml: gone.png.asset.toml is registered as asset 2, and no anchor on disk has its uuid\n",
            "error[anchor/moved] assets/old.png.asset.toml: m was accepted at old.png.asset.toml and is now at new.png.asset.toml\n",
            "error[reference/unresolved] assets/r.map.asset.toml: r refers to m, which is not part of this build\n",
            "error[input/missing] assets/s.asset.toml: s, the source of s, is not there, or is ignored\n",
            "error[anchor/invalid] assets/t.png.asset.toml: the registered anchor t.png.asset.toml is not valid\n",
            "error[anchor/invalid-value] assets/t.png.asset.toml: `preload`: expected true or false, found 1\n",
            "error[anchor/unknown-key] assets/t.png.asset.toml: unknown key \"wrong\" at the top level\n",
            "error[reference/unresolved] assets/w.map.asset.toml: w refers to x, which is not part of this build\n",
        ),
    );
}

#[test]
fn assets_with_one_name_have_no_place_whatever_else_is_wrong_with_them() {
    let lines = "a 1 old/a.png.asset.toml\nb 2 old/b.png.asset.toml";
    let plan = build(&World::new(&format!(
        "//- registry\n{lines}\n{}{}",
        image("a", "n", "a.png"),
        image("b", "n", "b.png")
    )));
    assert_eq!((plan.entries.len(), plan.absent.len()), (0, 0));
    assert_eq!(plan.errors.len(), 3, "{}", text(&plan));
    // Two accepted at one place, and the anchor there says neither's uuid.
    let torn = "//- assets/a.png.asset.toml\nname = \"n\"\nkind = \"image\"\n";
    let lines = "a 1 a.png.asset.toml\nb 2 a.png.asset.toml";
    let plan = build(&World::new(&format!("//- registry\n{lines}\n{torn}")));
    assert_eq!((plan.entries.len(), plan.absent.len(), plan.errors.len()), (0, 0, 3));
    assert_eq!(plan.left_out, 2, "what is not even absent is counted");
}

#[test]
fn a_circle_holds_back_its_members_and_who_refers_to_them() {
    check(
        "m 1 m.map.asset.toml\nn 2 n.map.asset.toml\nz 3 z.map.asset.toml",
        &[map("m", "tiles = \"n\""), map("n", "tiles = \"m\""), map("z", "tiles = \"n\"")],
        concat!(
            "absent 1 map m\n",
            "absent 2 map n\n",
            "absent 3 map z\n",
            "error[reference/cycle] assets/m.map.asset.toml: these assets refer to each other in a circle: m, n\n",
            "error[reference/unresolved] assets/z.map.asset.toml: z refers to n, which is not part of this build\n",
        ),
    );
}

#[test]
fn a_key_is_of_content_and_settings_and_of_nothing_else() {
    let make = |registry: &str, part: &str| {
        let plan = build(&World::new(&format!("//- registry\n{registry}\n{part}")));
        assert_eq!(plan.errors, []);
        plan.entries[0].key
    };
    let base = make("a 1 a.png.asset.toml", &image("a", "a", "a.png").replace("png\na\n", "png\nbytes\n"));
    let same = |alias: &str, name: &str, file: &str| {
        image(alias, name, file).replace(&format!("png\n{alias}\n"), "png\nbytes\n")
    };
    assert_eq!(base, make("a 7 a.png.asset.toml", &same("a", "a", "a.png")), "id");
    assert_eq!(base, make("b 1 a.png.asset.toml", &same("b", "a", "a.png")), "uuid");
    assert_eq!(base, make("a 1 a.png.asset.toml", &same("a", "b", "a.png")), "name");
    assert_eq!(base, make("a 1 ui/x/a.png.asset.toml", &same("a", "a", "ui/x/a.png")), "folder");
    assert_eq!(
        base,
        make("a 1 a.png.asset.toml", &format!("{}[image]\nlevel = 1\n", same("a", "a", "a.png"))),
        "the default, said"
    );
    assert_eq!(
        base,
        make("a 1 a.png.asset.toml", &same("a", "a", "a.png").replace("kind", "preload = true\nkind")),
        "preload"
    );
    assert_ne!(base, make("a 1 a.png.asset.toml", &image("a", "a", "a.png")), "content");
    assert_ne!(base, make("a 1 b.png.asset.toml", &same("a", "a", "b.png")), "file name");
    assert_ne!(
        base,
        make("a 1 a.png.asset.toml", &format!("{}[image]\nlevel = 2\n", same("a", "a", "a.png"))),
        "setting"
    );
    let rule = "//- packer.toml\n[project]\nname = \"x\"\n[[rules]]\nmatch = \"**\"\nimage.level = 2\n";
    assert_ne!(base, make("a 1 a.png.asset.toml", &format!("{}{rule}", same("a", "a", "a.png"))), "rule");
}

/// Five maps: each may refer to those after it. `edges[i]` has a bit for each.
fn chain(edges: [u8; 5]) -> World {
    let mut world = World::new("//- registry\n");
    for (i, alias) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let targets: Vec<String> = ["a", "b", "c", "d", "e"]
            .iter()
            .enumerate()
            .filter(|(j, _)| *j > i && edges[i] >> j & 1 == 1)
            .map(|(_, target)| format!("\"{target}\""))
            .collect();
        let anchor = format!("{alias}.map.asset.toml");
        world.write(
            &anchor,
            &format!(
                "uuid = \"${alias}\"\nname = \"{alias}\"\nkind = \"map\"\nmap.others = [{}]\n",
                targets.join(", ")
            ),
        );
        world.write(&format!("{alias}.map"), "tiles");
        world.registry.insert(entry(alias, i as u32 + 1, live(&anchor, BuildParticipation::Included)));
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_change_reaches_who_depends_on_it_and_nobody_else(edges in any::<[u8; 5]>(), changed in 0..5_usize, how in 0..3_u8) {
        let aliases = ["a", "b", "c", "d", "e"];
        let mut world = chain(edges);
        let before = build(&world);
        prop_assert_eq!(before.entries.len(), 5);
        let own = match how {
            0 => {
                world.write(&format!("{}.map", aliases[changed]), "other tiles");
                true
            }
            1 => {
                // Another id is nobody's business but theirs who may write it into their payload.
                let lines: Vec<_> = world.registry.lines_of(uuid(aliases[changed])).cloned().collect();
                world.registry.remove(&lines[0]);
                world.registry.insert(crate::registry::RegistryEntry { id: crate::identity::AssetId::new(77).unwrap(), ..lines[0].clone() });
                false
            }
            _ => {
                world.write("unrelated.txt", "text");
                world.registry.insert(entry("z", 99, EntryState::Retired));
                false
            }
        };
        let after = build(&world);
        let mut reached = BTreeMap::from([(changed, own)]);
        for i in (0..changed).rev() {
            let refers = (i + 1..5).any(|j| edges[i] >> j & 1 == 1 && (reached.get(&j) == Some(&true) || (how == 1 && j == changed)));
            reached.insert(i, refers);
        }
        for (i, alias) in aliases.iter().enumerate() {
            let differs = key(&before, alias) != key(&after, alias);
            prop_assert_eq!(differs, reached.get(&i).copied().unwrap_or(false), "{}", alias);
        }
    }
}

#[test]
fn an_excluded_asset_says_nothing() {
    let mut world = World::new(
        "//- registry\na 1 a.png.asset.toml excluded\nb 1 b.png.asset.toml excluded\n//- assets/a.png.asset.toml\n<<<\n",
    );
    assert_eq!(text(&build(&world)), "");
    world.files.remove(&path("a.png.asset.toml"));
    assert_eq!(text(&build(&world)), "");
}
