//! Every divergence, made the way people make it: what is said, what is offered, and what it does to states and figures.
//!
//! Each test gives a project as text and compares with a stored text, which is to be read in a review.

mod next;
mod paths;
mod random;

use crate::identity::{Digest, Revision};
use crate::observation::FileFact;
use crate::path::AssetPath;
use crate::report::asset_detail;
use crate::summary::WorkspaceSummary;
use crate::testing::{World, state_text, uuid};
use crate::workspace::WorkspaceState;

macro_rules! check {
    ($name:literal, $fixture:expr) => {
        insta::assert_snapshot!($name, state_text(&World::new($fixture).state()))
    };
}
use check;

const A: &str =
    "//- assets/a.png\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n";
const B: &str =
    "//- assets/b.png\n//- assets/b.png.asset.toml\nuuid = \"$b\"\nname = \"b\"\nkind = \"image\"\n";

fn with(registry: &str, rest: &str) -> String {
    format!("//- registry\n{registry}\n{A}{rest}")
}

/// A second anchor and its source at `file`.
fn copy(alias: &str, name: &str, file: &str) -> String {
    format!(
        "//- assets/{file}\n//- assets/{file}.asset.toml\nuuid = \"${alias}\"\nname = \"{name}\"\nkind = \"image\"\n"
    )
}

#[test]
fn nothing_wrong() {
    check!("empty_project", "//- registry\n");
    check!("in_order", &with("a 1 a.png.asset.toml\nb 2 b.png.asset.toml excluded\nc 3 retired", B));
}

#[test]
fn unregistered_anchors() {
    check!("unregistered", &with("", ""));
    check!("unregistered_of_a_retired_asset", &with("a 1 retired", ""));
    check!("unregistered_and_invalid", "//- registry\n//- assets/x.png.asset.toml\nname = \"x\"\n");
    check!("unregistered_copies", &with("", &copy("a", "a", "copy/a.png")));
}

#[test]
fn a_deleted_anchor_is_missing() {
    check!("missing", "//- registry\na 1 a.png.asset.toml\n//- assets/a.png\n");
    check!("missing_and_excluded", "//- registry\na 1 a.png.asset.toml excluded\n");
}

#[test]
fn what_could_not_be_read_is_not_missing() {
    check!(
        "unreadable_anchor",
        "//- registry\na 1 a.png.asset.toml\n//- assets/a.png\n//- unreadable a.png.asset.toml\n"
    );
    check!(
        "unreadable_folder",
        "//- registry\na 1 ui/a.png.asset.toml\nb 2 ui2/b.png.asset.toml\n//- folder ui\n//- unreadable ui\n"
    );
    let elsewhere = copy("a", "a", "new/a.png");
    check!(
        "unreadable_anchor_and_another_with_its_uuid",
        &format!("//- registry\na 1 a.png.asset.toml\n{elsewhere}//- unreadable a.png.asset.toml\n")
    );
    check!(
        "unreadable_source",
        "//- registry\na 1 a.png.asset.toml\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n//- unreadable a.png\n"
    );
    let hero = "//- registry\na 1 hero/asset.toml\n//- assets/hero/asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"atlas\"\ninputs = [\"**/*.png\"]\n//- assets/hero/1.png\n";
    check!("unreadable_frame", &format!("{hero}//- unreadable hero/2.png\n"));
    check!("unreadable_folder_of_frames", &format!("{hero}//- folder hero/run\n//- unreadable hero/run\n"));
    check!(
        "unreadable_file_that_nothing_claims",
        &format!("{hero}//- unreadable hero/notes.txt\n//- unreadable x.png\n")
    );
}

#[test]
fn a_moved_anchor() {
    check!("moved", &with("a 1 old/a.png.asset.toml", ""));
    check!(
        "moved_without_its_source",
        "//- registry\na 1 old/a.png.asset.toml\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n"
    );
    check!(
        "moved_and_name_conflict",
        &with("a 1 old/a.png.asset.toml\nb 2 c.png.asset.toml", &copy("b", "a", "c.png"))
    );
    check!(
        "moved_and_invalid",
        "//- registry\na 1 old/a.png.asset.toml\n//- assets/a.png\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\npreload = 3\n"
    );
}

#[test]
fn copies() {
    check!("copied", &with("a 1 a.png.asset.toml", &copy("a", "a", "copy/a.png")));
    check!(
        "copied_with_none_where_it_was_accepted",
        &with("a 1 old.png.asset.toml", &copy("a", "a", "copy/a.png"))
    );
    check!(
        "copied_and_the_copy_is_invalid",
        &with("a 1 a.png.asset.toml", "//- assets/c.png.asset.toml\nuuid = \"$a\"\n")
    );
    check!(
        "copied_three_times",
        &with("a 1 a.png.asset.toml", &[copy("a", "a", "0.png"), copy("a", "a2", "z.png")].concat())
    );
}

#[test]
fn invalid_anchors() {
    check!(
        "invalid",
        "//- registry\na 1 a.png.asset.toml\n//- assets/a.png\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"imag\"\n"
    );
    check!(
        "illegible",
        "//- registry\na 1 a.png.asset.toml\n//- assets/a.png\n//- assets/a.png.asset.toml\nname = \"a\"\n"
    );
    check!(
        "illegible_and_moved",
        &with("a 1 old.png.asset.toml", "//- assets/old.png.asset.toml\n<<<<<<< HEAD\n")
    );
}

#[test]
fn names_of_two() {
    check!("name_conflict", &with("a 1 a.png.asset.toml\nb 2 b.png.asset.toml", &copy("b", "a", "b.png")));
    check!(
        "name_of_an_unregistered_anchor_is_no_conflict",
        &with("a 1 a.png.asset.toml", &copy("b", "a", "b.png"))
    );
}

#[test]
fn what_a_merge_leaves_in_the_registry() {
    check!("one_id_for_two", &with("a 1 a.png.asset.toml\nb 1 b.png.asset.toml", B));
    check!("one_id_for_a_live_and_a_retired_asset", &with("a 1 a.png.asset.toml\nc 1 retired", ""));
    check!("one_uuid_at_two_places", &with("a 1 a.png.asset.toml\na 1 b.png.asset.toml", ""));
    check!("one_uuid_with_two_ids", &with("a 1 a.png.asset.toml\na 2 a.png.asset.toml excluded", ""));
    check!("one_uuid_live_and_retired", &with("a 1 a.png.asset.toml\na 1 retired", ""));
    check!("one_uuid_retired_under_an_earlier_id", &with("a 1 retired\na 2 a.png.asset.toml", ""));
    check!("one_uuid_retired_twice", &with("a 1 a.png.asset.toml\nz 8 retired\nz 9 retired", ""));
    check!("contradicting_lines_and_missing", "//- registry\na 1 a.png.asset.toml\na 2 a.png.asset.toml\n");
    check!(
        "one_place_for_two_and_illegible",
        "//- registry\na 1 a.png.asset.toml\nb 2 a.png.asset.toml\n//- assets/a.png.asset.toml\nname = \"a\"\n"
    );
    check!("one_place_for_two", &with("a 1 a.png.asset.toml\nb 2 a.png.asset.toml", ""));
}

#[test]
fn sources() {
    check!(
        "missing_source",
        "//- registry\na 1 a.png.asset.toml\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n"
    );
    check!(
        "ignored_source",
        "//- registry\na 1 a.png.asset.toml\n//- ignored a.png\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n"
    );
    let hero = "//- registry\na 1 hero/asset.toml\nb 2 hero/run/asset.toml\n//- assets/hero/asset.toml\nuuid = \"$a\"\nname = \"hero\"\nkind = \"atlas\"\ninputs = [\"**/*.png\"]\n";
    check!("pattern_without_a_match", &format!("{hero}//- assets/hero/1.txt\n"));
    let run = "//- assets/hero/run/asset.toml\nuuid = \"$b\"\nname = \"run\"\nkind = \"atlas\"\ninputs = [\"*.png\"]\n//- assets/hero/run/1.png\n";
    check!("folder_cut_out_of_an_outer_one", &format!("{hero}//- assets/hero/1.png\n{run}"));
    check!("shared_source", &format!("{hero}//- assets/hero/1.png\n{run}{}", copy("c", "c", "hero/1.png")));
}

#[test]
fn a_sidecar_claims_its_source_whatever_stands_between_them() {
    let between = (0..9).map(|number| format!("//- assets/a.png.a{number}\n")).collect::<Vec<_>>().concat();
    let world = World::new(&with("a 1 a.png.asset.toml", &between));
    let state = world.state();
    let claimed: Vec<_> = state.assets().flat_map(|record| record.inputs()).map(AssetPath::as_str).collect();
    assert_eq!((claimed, state.unclaimed().len(), state.tally().inputs), (vec!["a.png"], 9, 1));
}

#[test]
fn what_assets_have_in_common_is_held_once() {
    let state = World::new(&with("a 1 a.png.asset.toml\nb 2 b.png.asset.toml excluded", B)).state();
    let records: Vec<_> = state.assets().collect();
    assert!(std::sync::Arc::ptr_eq(&records[0].settings, &records[1].settings));
    for record in records {
        let anchor = record.anchor().unwrap();
        let (file, _) = state.observation().files.get_key_value(anchor).unwrap();
        let line = state.registry().get(record.entry.uuid).unwrap();
        let (source, _) = state.observation().files.get_key_value(&record.inputs()[0]).unwrap();
        assert!(anchor.is_same_text(file) && anchor.is_same_text(line.anchor().unwrap()));
        assert!(source.is_same_text(&record.inputs()[0]));
    }
}

#[test]
fn references() {
    let map = |alias: &str, tiles: &str| {
        format!(
            "//- assets/{alias}.map\n//- assets/{alias}.map.asset.toml\nuuid = \"${alias}\"\nname = \"{alias}\"\nkind = \"map\"\n[map]\n{tiles}\n"
        )
    };
    let lines = "a 1 a.png.asset.toml\nm 2 m.map.asset.toml\nn 3 n.map.asset.toml\nb 4 b.png.asset.toml";
    let check = |m: &str, n: &str, rest: &str| {
        state_text(&World::new(&with(lines, &[map("m", m).as_str(), &map("n", n), rest].concat())).state())
    };
    insta::assert_snapshot!("references_in_order", check("tiles = \"a\"", "others = [\"a\", \"m\"]", B));
    insta::assert_snapshot!(
        "reference_to_nothing",
        check("tiles = \"nothing\"", "others = [\"no\", \"nor\"]", B)
    );
    insta::assert_snapshot!("reference_in_a_circle", check("tiles = \"n\"", "others = [\"a\", \"m\"]", B));
    insta::assert_snapshot!("reference_to_itself", check("tiles = \"m\"", "", B));
    insta::assert_snapshot!(
        "reference_to_a_name_of_two",
        check("tiles = \"a\"", "", &copy("b", "a", "b.png"))
    );
}

#[test]
fn sizes_that_no_disk_has_do_not_overflow() {
    let mut inputs = World::new(&with("a 1 a.png.asset.toml", "")).inputs();
    for fact in inputs.observation.files.clone().keys() {
        inputs.observation.files.insert(fact.clone(), FileFact { size: u64::MAX, digest: Digest::of(b"") });
    }
    let summary = WorkspaceSummary::of(&WorkspaceState::evaluate(inputs), Revision(1));
    assert_eq!(summary.files.bytes, u64::MAX);
}

#[test]
fn an_asset_is_shown_with_everything_about_it() {
    let map = "//- assets/m.map\n//- assets/m.map.asset.toml\nuuid = \"$m\"\nname = \"m\"\nkind = \"map\"\npreload = true\n[map]\ntiles = \"a\"\n";
    let state = World::new(&with("a 1 a.png.asset.toml\nm 2 old.map.asset.toml\nz 3 retired", map)).state();
    let (a, m) = (asset_detail(&state, uuid("a")).unwrap(), asset_detail(&state, uuid("m")).unwrap());
    assert_eq!((a.referred_by, a.preload, a.settings.int("level")), (vec![uuid("m")], false, 1));
    assert_eq!((a.divergences.len(), a.diagnostics.len()), (0, 0));
    assert_eq!((m.preload, m.settings.text("tiles"), m.references[0].target), (true, "a", Some(uuid("a"))));
    assert_eq!(m.inputs.iter().map(|input| input.path.as_str()).collect::<Vec<_>>(), ["m.map"]);
    assert_eq!((m.divergences.len(), m.diagnostics.len()), (1, 1));
    assert_eq!(asset_detail(&state, uuid("z")), None, "a retired asset is no asset");
    assert_eq!(state.asset_named(&"a".parse().unwrap()).map(|record| record.entry.uuid), Some(uuid("a")));
}
