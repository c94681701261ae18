//! What settling an interrupted operation does, whatever it was doing and however far it came: everything as it was
//! before, or everything as it was to be; what somebody saved meanwhile stays, or goes to the history.

use std::collections::{BTreeMap, BTreeSet};

use super::blockers::{BLOCKED, Case, WARNED, check};
use super::requests::{atlas, batch, file, image, project, recover, relocate, remove, remove_and, rename};
use super::{carry_out, contents, there_and_back};
use crate::identity::{Digest, OperationId};
use crate::mutation::{
    FilesystemMutation, FrozenBytes, FrozenContents, FrozenFile, FrozenOperation, KeptFile, KeptOperation,
    Mutation, MutationPlan, PathState, RecoveryChoice, RemovedInputs, Verdict,
};
use crate::observation::FileFact;
use crate::path::AssetPath;
use crate::testing::{World, operation, path, plan_text, uuid};

const KEEP: RecoveryChoice = RecoveryChoice::KeepTheirs;
const FINISH: RecoveryChoice = RecoveryChoice::FinishOurs;

/// How far an operation came: so many files were displaced, and, once all were, so many placed; whether the registry was
/// replaced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub displaced: usize,
    pub placed: usize,
    pub registry: bool,
}

/// What a plan does at each path: what stands there before and after, and from where it comes if it moves.
type Work = BTreeMap<AssetPath, (Option<Vec<u8>>, Option<Vec<u8>>, Option<AssetPath>)>;

fn work(before: &World, after: &World, plan: &MutationPlan) -> Work {
    let mut work = Work::new();
    let mut add = |path: &AssetPath, from: Option<&AssetPath>| {
        let known = work
            .entry(path.clone())
            .or_insert_with(|| (before.files.get(path).cloned(), after.files.get(path).cloned(), None));
        known.2 = known.2.take().or(from.cloned());
    };
    for step in &plan.filesystem_mutations {
        match step {
            FilesystemMutation::Move { from, to, .. } => {
                add(from, None);
                add(to, Some(from));
            }
            FilesystemMutation::MakeDir { .. } | FilesystemMutation::RemoveDir { .. } => {}
            other => add(other.path(), None),
        }
    }
    work
}

/// `before`, in which carrying out `plan` was interrupted for good.
pub(super) fn interrupted(before: &World, plan: &MutationPlan, progress: Progress) -> (World, OperationId) {
    let mut after = before.clone();
    after.apply(plan);
    let work = work(before, &after, plan);
    let mut world = before.clone();
    let id = operation(world.operations.len());
    world.folders = world.all_folders();
    let made: Vec<AssetPath> = folders(plan, true);
    world.folders.extend(made.iter().cloned());
    let leave: Vec<&AssetPath> =
        work.iter().filter(|(_, (is, ..))| is.is_some()).map(|(path, _)| path).collect();
    let come: Vec<&AssetPath> =
        work.iter().filter(|(_, (_, to, _))| to.is_some()).map(|(path, _)| path).collect();
    let displaced = leave.len().min(progress.displaced);
    let placed = if displaced == leave.len() { come.len().min(progress.placed) } else { 0 };
    for path in &leave[..displaced] {
        world.files.remove(*path);
    }
    for path in &come[..placed] {
        world.files.insert((*path).clone(), work[*path].1.clone().unwrap());
    }
    let is_placed = |path: &AssetPath| come[..placed].contains(&path);
    let number = |paths: &[&AssetPath], path: &AssetPath| {
        paths.iter().position(|other| *other == path).unwrap() as u32
    };
    let mut kept = BTreeMap::new();
    let mut facts = |bytes: &[u8], at: FrozenBytes| {
        if let FrozenBytes::Kept(place) = &at {
            kept.insert(*place, bytes.to_vec());
        }
        let fact = FileFact { size: bytes.len() as u64, digest: Digest::of(bytes) };
        let text = matches!(at, FrozenBytes::Kept(_)).then(|| String::from_utf8(bytes.to_vec()).unwrap());
        FrozenContents { fact, at, text }
    };
    let left = |path: &AssetPath| {
        if !leave[..displaced].contains(&path) {
            return FrozenBytes::Place(path.clone());
        }
        let moved = work.iter().find(|(to, (.., from))| from.as_ref() == Some(path) && is_placed(to));
        moved.map_or_else(
            || FrozenBytes::Kept(KeptFile::Displaced { operation: id, number: number(&leave, path) }),
            |(to, _)| FrozenBytes::Place(to.clone()),
        )
    };
    let mut frozen = FrozenOperation {
        made_folders: made,
        removed_folders: folders(plan, false),
        ..FrozenOperation::default()
    };
    for (path, (is, to, from)) in &work {
        let before = is.as_ref().map(|bytes| facts(bytes, left(path)));
        let after = to.as_ref().map(|bytes| {
            let at = match from {
                _ if is_placed(path) => FrozenBytes::Place(path.clone()),
                Some(from) => left(from),
                None => FrozenBytes::Kept(KeptFile::Staged { operation: id, number: number(&come, path) }),
            };
            facts(bytes, at)
        });
        frozen.files.push(FrozenFile { path: path.clone(), before, after, saved: None });
    }
    world.kept.extend(kept);
    let uuids: BTreeSet<_> =
        plan.registry_mutations.iter().map(crate::mutation::RegistryMutation::uuid).collect();
    let lines = |world: &World| {
        uuids.iter().flat_map(|uuid| world.registry.lines_of(*uuid).cloned().collect::<Vec<_>>()).collect()
    };
    (frozen.lines_before, frozen.lines_after) = (lines(before), lines(&after));
    if progress.registry && placed == come.len() {
        world.registry = after.registry;
    }
    world.operations.insert(id, KeptOperation::Frozen(frozen));
    (world, id)
}

fn folders(plan: &MutationPlan, made: bool) -> Vec<AssetPath> {
    let named = plan.filesystem_mutations.iter().filter_map(|step| match step {
        FilesystemMutation::MakeDir { path } if made => Some(path.clone()),
        FilesystemMutation::RemoveDir { path } if !made => Some(path.clone()),
        _ => None,
    });
    named.collect()
}

/// Somebody saved `bytes` at `path` meanwhile; what the operation had put there, or not taken away yet, is gone.
pub(super) fn save_meanwhile(world: &mut World, id: OperationId, path: &AssetPath, bytes: &[u8]) {
    world.files.insert(path.clone(), bytes.to_vec());
    world.folders = world.all_folders();
    let Some(KeptOperation::Frozen(frozen)) = world.operations.get_mut(&id) else {
        panic!("{id} is not frozen")
    };
    let contents = frozen.files.iter_mut().flat_map(|file| [&mut file.before, &mut file.after]).flatten();
    for contents in contents.filter(|contents| contents.at == FrozenBytes::Place(path.clone())) {
        contents.at = FrozenBytes::Gone;
    }
}

fn base() -> World {
    World::new(&project(
        "a 1 a.png.asset.toml\nf 3 frames/asset.toml",
        &[
            image("a", "a", "a.png"),
            atlas("f", "f", "frames", "\"*.png\""),
            file("frames/1.png"),
            file("a.png"),
        ],
    ))
}

/// An operation that was renaming an asset, and had displaced its anchor.
pub(super) fn frozen_rename() -> (World, OperationId) {
    let world = base();
    let plan = world.plan(&rename("a", "other"));
    interrupted(&world, &plan, Progress { displaced: 1, placed: 0, registry: false })
}

fn settled(world: &World, id: OperationId, choice: RecoveryChoice) -> World {
    let mut world = world.clone();
    carry_out(&mut world, &recover(id, choice));
    world
}

/// That both choices lead where they are to lead from wherever `mutation` was interrupted.
fn check_every_stop(mutation: &Mutation) {
    let before = base();
    let plan = before.plan(mutation);
    let mut after = before.clone();
    after.apply(&plan);
    for displaced in 0..8 {
        for placed in 0..8 {
            for registry in [false, true] {
                let progress = Progress { displaced, placed, registry };
                let (world, id) = interrupted(&before, &plan, progress);
                let back = settled(&world, id, KEEP);
                assert_eq!(contents(&back), contents(&before), "{progress:?} of {}", plan_text(&plan));
                let done = settled(&world, id, FINISH);
                assert_eq!(contents(&done), contents(&after), "{progress:?} of {}", plan_text(&plan));
            }
        }
    }
}

#[test]
fn from_every_stop_back_and_on() {
    check_every_stop(&rename("a", "other"));
    check_every_stop(&relocate("a", "n/x.png"));
    check_every_stop(&relocate("f", "n/f2"));
    check_every_stop(&remove(&["a", "f"]));
    check_every_stop(&batch(&[relocate("a", "t.png"), relocate("f", "x"), rename("a", "other")]));
    check_every_stop(&super::requests::duplicate("f", "n/f2"));
}

#[test]
fn settling_says_what_it_documents() {
    let (frozen, id) = frozen_rename();
    let mut gone = frozen.clone();
    let Some(KeptOperation::Frozen(waiting)) = gone.operations.get_mut(&id) else { unreachable!() };
    waiting.files[0].before.as_mut().unwrap().at = FrozenBytes::Gone;
    let mut in_the_way = frozen.clone();
    in_the_way.odd.insert(path("a.png.asset.toml"), PathState::Other);
    let folder = |what: PathState| {
        let world = base();
        let plan = world.plan(&relocate("f", "n/f2"));
        let (mut world, id) =
            interrupted(&world, &plan, Progress { displaced: 9, placed: 0, registry: false });
        world.folders.retain(|folder| folder.as_str() != "frames");
        world.odd.insert(path("frames"), what);
        (recover(id, KEEP), world, "plan/moved-on", BLOCKED)
    };
    let mut unusable = frozen.clone();
    unusable.operations.insert(id, KeptOperation::Unusable { reason: "it is damaged".to_owned() });
    let mut unknown = frozen.clone();
    unknown.operations.insert(id, KeptOperation::FrozenUnknown { reason: "it is damaged".to_owned() });
    let mut other = base();
    let (_, done) = carry_out(&mut other, &rename("a", "other"));
    let cases: Vec<Case> = vec![
        (recover(operation(7), KEEP), frozen.clone(), "plan/target-missing", BLOCKED),
        (recover(id, KEEP), unusable, "plan/target-missing", BLOCKED),
        (recover(id, FINISH), unknown.clone(), "plan/target-missing", BLOCKED),
        (recover(id, KEEP), unknown, "lane/frozen", WARNED),
        (recover(done, KEEP), other, "plan/target-missing", BLOCKED),
        (recover(id, KEEP), gone, "plan/moved-on", BLOCKED),
        (recover(id, FINISH), in_the_way, "plan/moved-on", BLOCKED),
        folder(PathState::Link),
        folder(PathState::Mount),
        {
            // Its line comes back, and where its anchor was, another's stands meanwhile.
            let world = base();
            let plan = world.plan(&remove_and(&["a"], RemovedInputs::Kept));
            let (mut world, id) =
                interrupted(&world, &plan, Progress { displaced: 9, placed: 9, registry: true });
            let theirs = format!("uuid = \"{}\"\nname = \"z\"\nkind = \"image\"\n", uuid("z"));
            save_meanwhile(&mut world, id, &path("a.png.asset.toml"), theirs.as_bytes());
            (recover(id, KEEP), world, "plan/leaves-divergence", WARNED)
        },
    ];
    check("Recover", cases);
}

#[test]
fn a_plan_says_what_comes_back_and_what_goes_on() {
    let (mut world, id) = frozen_rename();
    insta::assert_snapshot!("recover_back", plan_text(&world.plan(&recover(id, KEEP))));
    insta::assert_snapshot!("recover_on", plan_text(&world.plan(&recover(id, FINISH))));
    save_meanwhile(&mut world, id, &path("a.png.asset.toml"), b"# theirs\n");
    insta::assert_snapshot!("recover_theirs", plan_text(&world.plan(&recover(id, KEEP))));
    insta::assert_snapshot!("recover_over_theirs", plan_text(&world.plan(&recover(id, FINISH))));
    let gone = world.plan(&recover(operation(7), KEEP));
    insta::assert_snapshot!("recover_blocked", plan_text(&gone));
}

#[test]
fn what_somebody_saved_meanwhile_stays_or_goes_to_the_history() {
    let (mut world, id) = frozen_rename();
    let theirs = path("a.png.asset.toml");
    save_meanwhile(&mut world, id, &theirs, b"# theirs\n");
    assert_eq!(settled(&world, id, KEEP).files[&theirs], b"# theirs\n");
    let on = settled(&world, id, FINISH);
    assert!(String::from_utf8(on.files[&theirs].clone()).unwrap().contains("other"));
    assert!(on.kept.values().any(|bytes| bytes == b"# theirs\n"));
}

#[test]
fn a_file_that_was_written_over_where_it_had_been_moved_to_is_nowhere_and_said_to_be() {
    let before = base();
    let plan = before.plan(&relocate("f", "n/f2"));
    let (mut world, id) = interrupted(&before, &plan, Progress { displaced: 9, placed: 1, registry: false });
    save_meanwhile(&mut world, id, &path("n/f2/1.png"), b"theirs");
    for choice in [KEEP, FINISH] {
        let plan = world.plan(&recover(id, choice));
        assert_eq!(plan.blockers[0].code.as_str(), "plan/moved-on", "{}", plan_text(&plan));
    }
    // Somebody puts something there.
    world.write("frames/1.png", "instead");
    let back = settled(&world, id, KEEP);
    assert_eq!(back.files[&path("n/f2/1.png")], b"theirs");
    assert_eq!(back.files[&path("frames/1.png")], b"instead");
    assert_eq!(back.registry, before.registry);
}

#[test]
fn a_folder_that_somebody_removed_is_made_again() {
    let before = base();
    let plan = before.plan(&remove(&["f"]));
    let (mut world, id) = interrupted(&before, &plan, Progress { displaced: 9, placed: 0, registry: false });
    world.folders.clear();
    assert_eq!(contents(&settled(&world, id, KEEP)), contents(&before));
}

#[test]
fn a_recovery_can_be_taken_back_with_the_folders_that_it_removed() {
    let before = base();
    let plan = before.plan(&relocate("f", "n/f2"));
    let (world, id) = interrupted(&before, &plan, Progress { displaced: 0, placed: 0, registry: false });
    let mut there = world.clone();
    let plan = there_and_back(&mut there, &recover(id, KEEP));
    assert!(plan_text(&plan).contains("remove folder n/f2"), "{}", plan_text(&plan));
    assert_eq!(contents(&there), contents(&before));
}

#[test]
fn one_that_has_nothing_left_to_do_is_settled_all_the_same() {
    let before = base();
    let plan = before.plan(&rename("a", "other"));
    let (world, id) = interrupted(&before, &plan, Progress { displaced: 0, placed: 0, registry: false });
    let plan = world.plan(&recover(id, KEEP));
    assert_eq!((plan.verdict, plan.filesystem_mutations.len()), (Verdict::Ready, 0));
}

#[test]
fn equal_bytes_at_two_places_are_two_files() {
    let mut before = base();
    before.write("b.png", "a.png\n");
    before.write("b.png.asset.toml", "uuid = \"$b\"\nname = \"b\"\nkind = \"image\"\n");
    before.registry.insert(crate::testing::entry(
        "b",
        9,
        crate::testing::live("b.png.asset.toml", crate::registry::BuildParticipation::Included),
    ));
    let plan = before.plan(&batch(&[relocate("b", "c.png"), relocate("a", "b.png")]));
    assert_eq!(plan.verdict, Verdict::Ready, "{}", plan_text(&plan));
    let mut after = before.clone();
    after.apply(&plan);
    for placed in 0..6 {
        let progress = Progress { displaced: 9, placed, registry: false };
        let (world, id) = interrupted(&before, &plan, progress);
        assert_eq!(contents(&settled(&world, id, KEEP)), contents(&before), "{progress:?}");
        assert_eq!(contents(&settled(&world, id, FINISH)), contents(&after), "{progress:?}");
    }
}
