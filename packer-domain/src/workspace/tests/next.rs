//! The state that is computed from the one before and from what differs is the one that is computed whole.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::random::{ALIASES, ANCHORS, FILES, NAMES, anchor, line, world};
use crate::changes::ReportChanges;
use crate::registry::{BuildParticipation, EntryState, Registry, RegistryEntry};
use crate::report::{AssetRow, asset_rows};
use crate::testing::{World, entry, live, path, state_text, uuid};
use crate::workspace::next::Difference;
use crate::workspace::{AssetRecord, StateChange, WorkspaceState};

/// What people, other programs and the packer do to a workspace.
#[derive(Clone, Debug)]
enum Edit {
    Line(RegistryEntry),
    DropLine(Index),
    DropLinesOf(&'static str),
    Write(&'static str, String),
    Remove(&'static str),
    /// A file with what it says, elsewhere.
    Rename(&'static str, &'static str),
    Copy(&'static str, &'static str),
    Folder(&'static str),
    Ignore(&'static str),
    Unreadable(&'static str),
    Configure,
}

fn any_path() -> impl Strategy<Value = &'static str> {
    prop_oneof![select(&FILES[..]), select(&ANCHORS[..])]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => line().prop_map(Edit::Line),
        3 => any::<Index>().prop_map(Edit::DropLine),
        1 => select(&ALIASES[..]).prop_map(Edit::DropLinesOf),
        3 => (select(&FILES[..]), "[a-c]{0,2}").prop_map(|(file, text)| Edit::Write(file, text)),
        6 => anchor().prop_map(|(at, text)| Edit::Write(at, text)),
        3 => any_path().prop_map(Edit::Remove),
        2 => (any_path(), any_path()).prop_map(|(from, to)| Edit::Rename(from, to)),
        2 => (any_path(), any_path()).prop_map(|(from, to)| Edit::Copy(from, to)),
        1 => select(&["new", "ui/empty", "Ui"][..]).prop_map(Edit::Folder),
        1 => any_path().prop_map(Edit::Ignore),
        1 => select(&FILES[..]).prop_map(Edit::Unreadable),
        1 => Just(Edit::Configure),
    ]
}

/// An anchor without a flaw, and what it says of its uuid.
fn sound_anchor() -> impl Strategy<Value = (&'static str, &'static str, String)> {
    let parts =
        (select(&ANCHORS[..]), select(&ALIASES[..]), select(&NAMES[..]), select(&NAMES[..]), any::<bool>());
    parts.prop_map(|(at, alias, name, target, narrow)| {
        let inputs = match (at.ends_with("/asset.toml"), narrow) {
            (false, _) => "",
            (true, false) => "inputs = [\"**\"]\n",
            (true, true) => "inputs = [\"*.png\", \"sub/*\"]\n",
        };
        let kind = if at.ends_with("c.map.asset.toml") {
            format!("kind = \"map\"\n[map]\ntiles = \"{target}\"\n")
        } else if inputs.is_empty() {
            "kind = \"image\"\n".to_owned()
        } else {
            format!("kind = \"atlas\"\n{inputs}")
        };
        (at, alias, format!("uuid = \"${alias}\"\nname = \"{name}\"\n{kind}"))
    })
}

/// A workspace where most is in order: every file is there, and most anchors are sound and accepted where they are.
fn ordered_world() -> impl Strategy<Value = World> {
    prop::collection::vec((sound_anchor(), 1..9_u32, 0..5_u8), 1..7).prop_map(|anchors| {
        let mut world = World::new("//- registry\n");
        for file in FILES {
            world.write(file, file);
        }
        for ((at, alias, text), id, chance) in &anchors {
            world.write(at, text);
            if *chance > 0 {
                world.registry.insert(entry(alias, *id, live(at, BuildParticipation::Included)));
            }
        }
        world
    })
}

fn sound_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => sound_anchor().prop_map(|(at, _, text)| Edit::Write(at, text)),
        2 => select(&ANCHORS[..]).prop_map(Edit::Remove),
        1 => select(&FILES[..]).prop_map(Edit::Remove),
        1 => (select(&FILES[..]), "[a-c]{0,2}").prop_map(|(file, text)| Edit::Write(file, text)),
        2 => edit(),
    ]
}

/// Paths of the pools that collide with others, as ones that do not.
fn apart(text: &str) -> String {
    text.replace("A.png", "e.png").replace("UI/", "vi/")
}

/// The same world, without paths that collide and with nothing that could not be read.
fn plain(world: &World) -> World {
    let mut plain = world.clone();
    plain.unreadable.clear();
    plain.files = world.files.iter().map(|(at, bytes)| (path(&apart(at.as_str())), bytes.clone())).collect();
    let mut registry = Registry::new(world.registry.lineage());
    for line in world.registry.entries() {
        registry.insert(apart_line(line));
    }
    plain.registry = registry;
    plain
}

fn apart_line(line: &RegistryEntry) -> RegistryEntry {
    let mut line = line.clone();
    if let EntryState::Live { anchor, .. } = &mut line.state {
        *anchor = path(&apart(anchor.as_str()));
    }
    line
}

fn carry_out(world: &mut World, edit: &Edit, is_plain: bool) {
    let at = |text: &str| path(&if is_plain { apart(text) } else { text.to_owned() });
    match edit {
        Edit::Line(line) => world.registry.insert(if is_plain { apart_line(line) } else { line.clone() }),
        Edit::DropLine(index) => {
            let lines: Vec<_> = world.registry.entries().cloned().collect();
            if !lines.is_empty() {
                world.registry.remove(index.get(&lines));
            }
        }
        Edit::DropLinesOf(alias) => {
            let lines: Vec<_> = world.registry.lines_of(uuid(alias)).cloned().collect();
            for line in &lines {
                world.registry.remove(line);
            }
        }
        Edit::Write(file, text) => world.write(at(file).as_str(), text),
        Edit::Remove(file) => {
            world.files.remove(&at(file));
        }
        Edit::Rename(from, to) => {
            if let Some(bytes) = world.files.remove(&at(from)) {
                world.files.insert(at(to), bytes);
            }
        }
        Edit::Copy(from, to) => {
            if let Some(bytes) = world.files.get(&at(from)).cloned() {
                world.files.insert(at(to), bytes);
            }
        }
        Edit::Folder(folder) if is_plain && *folder == "Ui" => {}
        Edit::Folder(folder) => {
            world.folders.insert(path(folder));
        }
        Edit::Ignore(file) => {
            if let Some(bytes) = world.files.remove(&at(file)) {
                world.ignored.insert(at(file), bytes);
            }
        }
        Edit::Unreadable(_) | Edit::Configure if is_plain => {}
        Edit::Unreadable(file) => {
            if world.files.remove(&path(file)).is_some() {
                world.unreadable.push(path(file));
            }
        }
        Edit::Configure => {
            let rule = "[[rules]]\nmatch = \"ui/**\"\nkind = \"image\"\nimage.level = 7\n";
            world.config = format!("{}\n{rule}", world.config);
        }
    }
    // A file and a folder cannot stand at one place.
    let folders: Vec<_> = world.files.keys().flat_map(|file| file.ancestors().map(path)).collect();
    world.folders.retain(|folder| !world.files.contains_key(folder));
    world.files.retain(|file, _| !folders.contains(file));
    world.unreadable.retain(|file| !world.files.contains_key(file));
}

/// What is looked up is what a look at everything finds.
fn check_lookups(state: &WorkspaceState) {
    let mut rows: Vec<_> = asset_rows(state).collect();
    let managed = rows.iter().take_while(|row| row.id.is_some()).count();
    assert_eq!((managed, rows.len() - managed), (state.assets().count(), state.unregistered().count()));
    assert!(rows[..managed].is_sorted_by_key(|row| (row.anchor.clone(), row.uuid)));
    rows.sort_by_key(|row| row.uuid);
    rows.dedup_by_key(|row| (row.uuid, row.anchor.clone()));
    assert_eq!(rows.len(), state.assets().count() + state.unregistered().count());
    for at in FILES.iter().chain(&ANCHORS).map(|text| path(text)) {
        let is_at = |record: &&std::sync::Arc<AssetRecord>| {
            record.anchor().or(record.entry.anchor()) == Some(&at) || record.inputs().contains(&at)
        };
        let found: Vec<_> = state.assets().filter(is_at).map(|record| record.entry.uuid).collect();
        assert_eq!(state.assets_at(&at), found, "at {at}");
    }
    for record in state.assets() {
        let uuid = record.entry.uuid;
        let refers = |other: &&std::sync::Arc<AssetRecord>| {
            other.references().iter().any(|to| to.target == Some(uuid))
        };
        let found: Vec<_> = state.assets().filter(refers).map(|record| record.entry.uuid).collect();
        assert_eq!(state.referring_to(uuid).collect::<Vec<_>>(), found);
        assert!(state.assets_with_id(record.entry.id).any(|other| other == record));
    }
}

/// The difference of the reports leads from the ones to the others, and names the assets that `change` does.
fn check_reports(before: &WorkspaceState, after: &WorkspaceState, change: &StateChange) {
    let changes = ReportChanges::between(before, after);
    let key = |row: &AssetRow| (row.id.is_none().then(|| row.anchor.clone()), row.id.and(row.uuid));
    let rows = |state| asset_rows(state).map(|row| (key(&row), row)).collect::<BTreeMap<_, _>>();
    let mut followed = rows(before);
    for row in &changes.removed {
        assert_eq!(followed.remove(&key(row)).as_ref(), Some(row));
    }
    for row in &changes.changed {
        assert!(followed.insert(key(row), row.clone()).is_some());
    }
    for row in &changes.added {
        assert_eq!(followed.insert(key(row), row.clone()), None);
    }
    assert_eq!(followed, rows(after));
    let managed = |rows: &[AssetRow]| {
        let managed = rows.iter().filter(|row| row.id.is_some());
        managed.filter_map(|row| row.uuid).collect::<Vec<_>>()
    };
    assert_eq!(managed(&changes.added), change.added);
    assert_eq!(managed(&changes.changed), change.changed);
    assert_eq!(managed(&changes.removed), change.removed);
    assert_eq!(
        (&changes.divergences_added, &changes.divergences_removed),
        (&change.appeared, &change.cleared)
    );
    assert_eq!(changes.configuration, change.configuration);
    let mut diagnostics: BTreeSet<_> = before.diagnostics().iter().cloned().collect();
    diagnostics.retain(|found| !changes.diagnostics_removed.contains(found));
    diagnostics.extend(changes.diagnostics_added);
    assert!(diagnostics.iter().eq(after.diagnostics().iter()));
    let mut unclaimed: BTreeSet<_> = before.unclaimed().iter().cloned().collect();
    unclaimed.retain(|path| !changes.unclaimed_removed.contains(path));
    unclaimed.extend(changes.unclaimed_added);
    assert!(unclaimed.iter().eq(after.unclaimed().iter()));
}

/// Computes the next state of `before` both ways; whether the part was enough.
fn check(before: &WorkspaceState, after: &World) -> (WorkspaceState, bool) {
    let inputs = after.inputs();
    let whole = WorkspaceState::evaluate(inputs.clone());
    let difference = Difference::between(before.inputs(), &inputs);
    let expected = before.compare(&whole);
    let is_part = before.replaced(&difference, &inputs).is_some();
    let (next, change) = before.next(inputs);
    assert_eq!(state_text(&next), state_text(&whole));
    assert_eq!(next.found, whole.found);
    assert_eq!(next.bytes, whole.bytes);
    check_lookups(&next);
    assert_eq!(change, expected);
    let same = before.found == whole.found && before.observation() == whole.observation();
    let same = same && before.registry() == whole.registry() && before.config() == whole.config();
    assert_eq!(change.nothing, same, "{change:?}");
    check_reports(before, &next, &change);
    (next, is_part)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn is_the_one_that_is_computed_whole(
        world in world(), is_plain in any::<bool>(),
        steps in prop::collection::vec(prop::collection::vec(edit(), 0..4), 1..6),
    ) {
        let mut world = if is_plain { plain(&world) } else { world };
        let mut state = world.state();
        for edits in &steps {
            for edit in edits {
                carry_out(&mut world, edit, is_plain);
            }
            let (next, is_part) = check(&state, &world);
            // Nothing is wide about these, so that no part was passed over.
            prop_assert!(is_part || !is_plain, "{edits:?}");
            state = next;
        }
    }

    #[test]
    fn is_the_one_that_is_computed_whole_where_most_is_in_order(
        world in ordered_world(), steps in prop::collection::vec(sound_edit(), 1..8),
    ) {
        let mut world = plain(&world);
        let mut state = world.state();
        for edit in &steps {
            carry_out(&mut world, edit, true);
            let (next, is_part) = check(&state, &world);
            prop_assert!(is_part, "{edit:?}");
            state = next;
        }
    }

    #[test]
    fn leads_from_any_state_to_any_other(before in world(), after in world()) {
        let (before, after) = (plain(&before), plain(&after));
        prop_assert!(check(&before.state(), &after).1);
    }
}

#[test]
fn tells_what_changed() {
    let mut world = World::new(
        "//- registry\na 1 a.png.asset.toml\nb 2 b.png.asset.toml\nc 3 c.png.asset.toml\n\
         //- assets/a.png\n1\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n\
         //- assets/b.png\n2\n//- assets/b.png.asset.toml\nuuid = \"$b\"\nname = \"b\"\nkind = \"image\"\n\
         //- assets/c.png\n3\n//- assets/c.png.asset.toml\nuuid = \"$c\"\nname = \"c\"\nkind = \"image\"\n",
    );
    let state = world.state();
    let (state, change) = state.next(world.inputs());
    assert_eq!(change, StateChange { nothing: true, ..StateChange::default() });
    world.write("a.png", "another");
    world.files.remove(&path("b.png.asset.toml"));
    world.write("unclaimed", "");
    let (_, change) = state.next(world.inputs());
    assert_eq!(change.changed, [uuid("a"), uuid("b")]);
    assert_eq!(
        change.appeared.iter().map(|found| found.code.as_str()).collect::<Vec<_>>(),
        ["anchor/missing"]
    );
    assert_eq!(
        (change.added, change.removed, change.cleared, change.nothing),
        (vec![], vec![], vec![], false)
    );
}

#[test]
fn shares_the_records_of_what_is_the_same() {
    let mut world = World::new("//- registry\n");
    for number in 0..300 {
        let name = format!("n{number}");
        world.write(&format!("{name}.png"), "x");
    }
    let adopted = world.plan(&crate::testing::adopt(&["."]));
    world.apply(&adopted);
    let state = world.state();
    world.write("n7.png", "changed");
    world.write("n8.png.asset.toml", "<<<<<<< ours\n");
    let (next, change) = state.next(world.inputs());
    assert_eq!((change.changed.len(), change.appeared.len()), (2, 1));
    let shared = |a: &&std::sync::Arc<AssetRecord>| {
        next.asset(a.entry.uuid).is_some_and(|b| std::sync::Arc::ptr_eq(a, b))
    };
    assert_eq!(state.assets().filter(shared).count(), 299);
}
