//! One case: steps against the system and the model, side by side, and what must hold after each.
//!
//! The model is a [`Scene`]: what must stand in the workspace. A change makes of it what its plan says, which has to be what
//! the [`rules`](super::rules) allow; a change that is refused, and everything that only reads, makes nothing of it. After
//! a power cut it is what it was before the step or after it, and after it for certain if somebody was told so.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::divergence::Divergence;
use packer_domain::identity::OperationId;
use packer_domain::mutation::{Batch, Mutation, MutationPlan, Undo, Verdict};
use packer_domain::name::AssetName;
use packer_events::report::{Ending, Rejection};

use super::rules::{check, differing, forecast};
use super::scene::{Line, Scene};
use super::steps::{Around, Step, What, edit};
use super::world::World;
use crate::build::{BuildRequest, PACK_FILE, StorePolicy};
use crate::project::Command;
use crate::snapshot::AssetQuery;

/// How often each kind of step came out in each way.
pub(super) type Statistics = BTreeMap<(What, &'static str), u64>;

/// An operation that changed something.
struct Done {
    operation: OperationId,
    before: Scene,
    after: Scene,
}

impl Done {
    /// The files at which it made a difference.
    fn files(&self) -> BTreeSet<String> {
        differing(&self.before, &self.after)
    }

    /// The assets whose lines it made others.
    fn uuids(&self) -> BTreeSet<&str> {
        let lines = self.before.lines.symmetric_difference(&self.after.lines);
        lines.map(|line| line.uuid.as_str()).collect()
    }

    /// Whether everything that it changed is as it left it.
    fn stands(&self, scene: &Scene) -> bool {
        let lines = |scene: &Scene, uuid: &str| scene.lines_of(uuid).cloned().collect::<Vec<Line>>();
        self.files().iter().all(|path| scene.files.get(path) == self.after.files.get(path))
            && self.uuids().into_iter().all(|uuid| lines(scene, uuid) == lines(&self.after, uuid))
    }

    /// What undoing it has to make of the workspace, folders aside.
    fn undone(&self, scene: &Scene) -> Scene {
        let mut undone = scene.clone();
        for path in self.files() {
            match self.before.files.get(&path) {
                Some(bytes) => drop(undone.files.insert(path, bytes.clone())),
                None => drop(undone.files.remove(&path)),
            }
        }
        let uuids = self.uuids();
        undone.lines.retain(|line| !uuids.contains(line.uuid.as_str()));
        undone.lines.extend(uuids.iter().flat_map(|uuid| self.before.lines_of(uuid).cloned()));
        undone
    }
}

/// What a crash is to do to the next mutation.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub after: u64,
    pub draw: u64,
    /// Whether the recovery is cut, too.
    pub again: bool,
    /// Whether somebody edits between the crash and the restart.
    pub meddle: bool,
}

pub(super) struct Player<'s> {
    pub world: World,
    pub scene: Scene,
    done: Vec<Done>,
    /// The operations that were asked to be, whether they came to anything or not.
    pub operations: Vec<OperationId>,
    /// Whether somebody edited since the last observation.
    pub is_dirty: bool,
    cut: Option<Cut>,
    pub number: u64,
    statistics: &'s RefCell<Statistics>,
}

/// Plays a case to its end; panics where something is not as it must be.
pub(super) fn play(steps: &[Step], statistics: &RefCell<Statistics>) {
    let (files, lines) = beginning();
    let world = World::new(&files, &lines);
    let scene = Scene::of(&world.disk);
    let mut player = Player {
        world,
        scene,
        done: Vec::new(),
        operations: Vec::new(),
        is_dirty: false,
        cut: None,
        number: 0,
        statistics,
    };
    player.assert_rows();
    for step in steps {
        player.number += 10;
        player.world.disk.advance_clock_ns(if step.c.is_multiple_of(5) { 0 } else { 1_500_000_000 });
        player.step(*step);
        player.assert_unchanged("after the step");
    }
    player.world.close();
    player.world.open().unwrap();
    player.assert_unchanged("at the end");
    player.world.close();
}

/// A project with four assets and a file that can be adopted.
fn beginning() -> (Vec<(String, Vec<u8>)>, Vec<String>) {
    let uuid = |number: u8| format!("01a20386-0de8-7ca4-98aa-{number:012}");
    let anchor = |number: u8, name: &str, kind: &str, rest: &str| {
        let text =
            format!("# {name}\nuuid = \"{}\"\nname = \"{name}\"\nkind = \"{kind}\"\n{rest}", uuid(number));
        text.into_bytes()
    };
    let files = [
        ("ui/a.rec", b"a".to_vec()),
        ("ui/a.rec.asset.toml", anchor(1, "ui/a", "rec", "")),
        ("ui/b.rec", b"b".to_vec()),
        ("ui/b.rec.asset.toml", anchor(2, "ui/b", "rec", "\n[rec]\nto = \"ui/a\"\nsize = 3\n")),
        ("world/c.rec", b"c".to_vec()),
        ("world/c.rec.asset.toml", anchor(3, "world/c", "rec", "")),
        ("hero/1.frm", b"frame 1".to_vec()),
        ("hero/2.frm", b"frame 2".to_vec()),
        ("hero/notes.txt", b"claimed by nobody".to_vec()),
        ("hero/asset.toml", anchor(4, "hero", "set", "inputs = [\"*.frm\"]\n")),
        ("ui/loose.rec", b"loose".to_vec()),
    ];
    let line = |number: u8, anchor: &str| {
        let line = Line {
            uuid: uuid(number),
            id: u64::from(number),
            anchor: Some(anchor.to_owned()),
            included: true,
        };
        line.text()
    };
    let lines = [
        line(1, "ui/a.rec.asset.toml"),
        line(2, "ui/b.rec.asset.toml"),
        line(3, "world/c.rec.asset.toml"),
        line(4, "hero/asset.toml"),
    ];
    (files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect(), lines.into())
}

impl Player<'_> {
    pub(super) fn count(&self, what: What, how: &'static str) {
        *self.statistics.borrow_mut().entry((what, how)).or_default() += 1;
    }

    #[track_caller]
    fn assert_unchanged(&self, when: &str) {
        assert_scene(&Scene::of(&self.world.disk), &self.scene, when);
    }

    fn divergences(&self) -> Vec<Divergence> {
        self.world.project().status().snapshot.divergences().iter().cloned().collect()
    }

    fn mutation(&self, step: Step) -> Option<Mutation> {
        let divergences = self.divergences();
        let number = self.number;
        let around =
            Around { scene: &self.scene, divergences: &divergences, operations: &self.operations, number };
        around.mutation(step)
    }

    fn step(&mut self, step: Step) {
        match step.what {
            What::Edit => {
                let before = self.world.project().status().snapshot.revision();
                edit(&self.world.disk, &self.scene, step, self.number);
                let after = Scene::of(&self.world.disk);
                let how = if after == self.scene { "nothing" } else { "done" };
                self.count(What::Edit, how);
                self.is_dirty |= how == "done";
                self.scene = after;
                // Noticing is nobody's business but an operation's.
                assert_eq!(self.world.project().status().snapshot.revision(), before);
            }
            What::Refresh => self.refresh(step.c.is_multiple_of(2)),
            What::Build => self.build(step),
            What::Restart => {
                self.world.close();
                self.world.open().unwrap();
                assert!(self.world.project().recovered().is_empty(), "nothing was left to recover");
                self.is_dirty = false;
                self.assert_rows();
                self.count(What::Restart, "done");
            }
            What::Crash => {
                let Step { a, b, c, .. } = step;
                let cut = Cut {
                    after: u64::from(a % 90),
                    draw: u64::from(b),
                    again: c.is_multiple_of(3),
                    meddle: c.is_multiple_of(2),
                };
                self.cut = Some(cut);
            }
            What::Preview => {
                let kinds =
                    [What::Rename, What::Relocate, What::Remove, What::Undo, What::Adopt, What::Duplicate];
                let what = kinds[usize::from(step.c) % kinds.len()];
                if let Some(mutation) = self.mutation(Step { what, ..step }) {
                    self.preview(&mutation);
                    self.count(What::Preview, "done");
                }
            }
            _ => self.mutate(step),
        }
    }

    /// A plan, for which nothing is touched.
    pub(super) fn preview(&self, mutation: &Mutation) -> MutationPlan {
        let (hash, operations) = (self.world.disk.tree_hash(), self.world.disk.operations());
        let plan = self.world.project().preview(mutation).unwrap();
        assert_eq!((self.world.disk.tree_hash(), self.world.disk.operations()), (hash, operations));
        assert_eq!(plan.verdict == Verdict::Blocked, !plan.blockers.is_empty());
        plan
    }

    fn refresh(&mut self, compare: bool) {
        assert!(self.world.run(Command::Refresh).success().is_some());
        self.is_dirty = false;
        self.assert_rows();
        self.count(What::Refresh, "done");
        if compare {
            self.world.assert_told_as_if_opened_anew();
        }
    }

    /// Whether what is told of assets and divergences is what the model says.
    pub(super) fn assert_rows(&self) {
        let snapshot = self.world.project().status().snapshot.clone();
        let rows = snapshot.assets(&AssetQuery::default()).rows;
        let managed = rows.iter().filter(|row| row.id.is_some());
        let managed: BTreeMap<String, _> = managed.map(|row| (row.uuid.unwrap().to_string(), row)).collect();
        let expected_uuids: BTreeSet<&String> =
            self.scene.lines.iter().filter(|line| line.anchor.is_some()).map(|line| &line.uuid).collect();
        assert_eq!(managed.keys().collect::<BTreeSet<_>>(), expected_uuids);
        for (uuid, row) in managed {
            let Some((path, anchor)) = self.scene.anchor_of(&uuid) else { continue };
            let line = self.scene.live(&uuid).unwrap();
            let told = (row.anchor.as_str(), row.id.unwrap().to_string(), row.build.unwrap().as_str());
            let build = if line.included { "included" } else { "excluded" };
            assert_eq!(told, (path, line.id.to_string(), build));
            assert_eq!(row.name.as_ref().map(AssetName::as_str), Some(anchor.name.as_str()));
        }
        let known = ["input/missing", "reference/unresolved", "reference/cycle"];
        let mut told = BTreeSet::new();
        for divergence in snapshot.divergences().iter().filter(|found| !known.contains(&found.code.as_str()))
        {
            let code = divergence.code.as_str();
            let of_path = code == "anchor/unregistered" || divergence.assets.is_empty();
            if of_path {
                told.extend(divergence.paths.first().map(|path| (code, path.to_string())));
            } else {
                told.extend(divergence.assets.iter().map(|uuid| (code, uuid.to_string())));
            }
        }
        let expected = self.scene.divergences();
        let is_torn = expected.iter().any(|(code, _)| code.contains("duplicate"));
        if is_torn || self.scene.has_invalid_anchor() {
            // What else is wrong with such assets is not said here, nor with whom their names conflict.
            let of_torn = |uuid: &String| {
                expected.iter().any(|(code, other)| code.contains("duplicate") && other == uuid)
            };
            let mut rest = told.difference(&expected);
            let is_known = rest.all(|(code, uuid)| *code == "name/conflict" || of_torn(uuid));
            assert!(is_known, "{told:?} instead of {expected:?}");
            assert!(told.is_superset(&expected), "{told:?} instead of {expected:?}");
        } else {
            assert_eq!(told, expected);
        }
    }

    fn build(&mut self, step: Step) {
        let request = || BuildRequest { reuse: false, store: StorePolicy::Off, ..BuildRequest::default() };
        let outcome = self.world.run(Command::Build(request()));
        self.is_dirty = false;
        let pack = |world: &World| {
            let path = Utf8Path::new("build").join(PACK_FILE);
            packer_fs::disk::Disk::read(&world.disk, &path, 1 << 30).unwrap()
        };
        match outcome.ending() {
            Ending::Succeeded(_) => {
                self.count(What::Build, "done");
                if step.a.is_multiple_of(2) {
                    let mut copy = self.world.clean_copy();
                    assert!(copy.run(Command::Build(request())).success().is_some());
                    assert!(pack(&self.world) == pack(&copy), "a clean build gives another pack");
                }
            }
            Ending::Rejected(_) | Ending::Failed(_) => {
                let is_cycle = |found: &Divergence| found.code.as_str() == "reference/cycle";
                let cycles = self.divergences().iter().any(is_cycle);
                let is_sound = self.scene.is_sound() && !self.scene.refers_to_excluded();
                assert!(!is_sound || cycles, "{outcome:#?}");
                self.count(What::Build, "refused");
            }
            other => panic!("{other:#?}"),
        }
        self.assert_rows();
    }

    fn mutate(&mut self, step: Step) {
        // Half of what is asked for after an edit is asked for of what was seen before it.
        let is_stale = self.is_dirty && step.c % 2 == 1;
        if self.is_dirty && !is_stale {
            self.refresh(false);
        }
        let Some(mutation) = self.mutation(step) else {
            return self.count(step.what, "nothing");
        };
        let plan = self.preview(&mutation);
        if is_stale {
            return self.apply_stale(step, &plan);
        }
        let expected = self.expect(&mutation, &plan);
        let command = match step.c % 3 {
            0 => Command::Apply(Box::new(plan.clone().into())),
            _ => Command::Mutate(mutation.clone()),
        };
        if let Some(cut) = self.cut.take() {
            return self.crash(cut, command, &plan, &expected);
        }
        let outcome = self.world.run(command);
        self.operations.push(outcome.operation_id());
        match (plan.verdict, outcome.ending()) {
            (Verdict::Ready, Ending::Succeeded(_)) => {
                self.count(step.what, "done");
                self.follow(outcome.operation_id(), expected);
            }
            (Verdict::Empty, Ending::Succeeded(_)) => self.count(step.what, "empty"),
            (Verdict::Blocked, Ending::Rejected(report)) => {
                assert!(matches!(report.reason, Rejection::Blocked { .. }), "{report:#?}");
                self.count(step.what, "refused");
            }
            (_, ending) => panic!("{mutation:#?}\nwas {:?}, and came out as {ending:#?}", plan.verdict),
        }
        self.assert_unchanged("after a mutation");
        self.assert_rows();
        self.is_dirty = false;
    }

    /// A plan whose workspace was edited since: carried out as it was shown, or not at all.
    fn apply_stale(&mut self, step: Step, plan: &MutationPlan) {
        self.cut = None;
        let verdict = plan.verdict;
        let outcome = self.world.run(Command::Apply(Box::new(plan.clone().into())));
        self.operations.push(outcome.operation_id());
        match outcome.ending() {
            Ending::Succeeded(_) if verdict == Verdict::Ready => {
                let expected = self.scene.with(plan, &self.world.disk);
                self.follow(outcome.operation_id(), expected);
                self.count(step.what, "done");
            }
            Ending::Succeeded(_) => self.count(step.what, "empty"),
            Ending::Rejected(report) => {
                let is_stale =
                    matches!(report.reason, Rejection::StalePlan { .. } | Rejection::Blocked { .. });
                assert!(is_stale, "{report:#?}");
                self.count(step.what, "refused");
            }
            other => panic!("{other:#?}"),
        }
        self.assert_unchanged("after a stale plan");
        // What follows from the registry alone is done without a look at the files.
        let is_seen = matches!(outcome.ending(), Ending::Succeeded(_)) && step.what != What::SetBuild;
        self.is_dirty = !is_seen;
        if is_seen {
            self.assert_rows();
        }
    }

    /// What the workspace must be once the plan is carried out; what it must not be is a failure here.
    fn expect(&self, mutation: &Mutation, plan: &MutationPlan) -> Scene {
        let expected = self.scene.with(plan, &self.world.disk);
        if let Some(verdict) = forecast(&self.scene, mutation) {
            assert_eq!(plan.verdict, verdict, "{mutation:#?}\n{:#?}", plan.blockers);
        }
        match mutation {
            Mutation::Undo(undo) => self.expect_undone(undo, plan, &expected),
            Mutation::Batch(batch) => self.expect_one_by_one(batch, plan, &expected),
            _ => {}
        }
        match plan.verdict {
            Verdict::Ready => {
                assert!(expected != self.scene, "it was said to change something");
                check(&self.scene, &expected, mutation);
            }
            Verdict::Blocked => {}
            Verdict::Empty => assert_scene(&expected, &self.scene, "an empty plan changes something"),
        }
        expected
    }

    fn expect_undone(&self, undo: &Undo, plan: &MutationPlan, expected: &Scene) {
        let Some(done) = self.done.iter().find(|done| done.operation == undo.operation) else {
            assert_eq!(plan.verdict, Verdict::Blocked, "nothing is kept of what changed nothing");
            return;
        };
        if !done.stands(&self.scene) {
            assert_eq!(plan.verdict, Verdict::Blocked, "what was changed since is taken back");
        } else if self.scene == done.after {
            assert_eq!(plan.verdict, Verdict::Ready, "{:#?}", plan.blockers);
            assert_scene(expected, &done.before, "undone at once");
        }
        if plan.verdict == Verdict::Ready {
            let undone = done.undone(&self.scene);
            assert_scene(&Scene { folders: expected.folders.clone(), ..undone }, expected, "undone");
        }
    }

    /// Several as one make what one after the other makes.
    fn expect_one_by_one(&self, batch: &Batch, plan: &MutationPlan, expected: &Scene) {
        let mut twin = self.world.twin();
        let mut refused = false;
        for member in &batch.mutations {
            let outcome = twin.run(Command::Mutate(member.clone()));
            refused |= outcome.success().is_none();
        }
        // As one, no path can change between a file and a folder.
        let is_exchange = plan.blockers.iter().all(|found| found.code.as_str() == "plan/target-exists");
        if plan.verdict == Verdict::Blocked && !refused && is_exchange {
            return;
        }
        assert_eq!(plan.verdict == Verdict::Blocked, refused, "{:#?}", plan.blockers);
        if !refused {
            assert_scene(expected, &Scene::of(&twin.disk), "one by one");
        }
    }

    /// The model follows what was done.
    pub(super) fn follow(&mut self, operation: OperationId, after: Scene) {
        let bytes = self.world.all_bytes();
        for (path, contents) in &self.scene.files {
            assert!(bytes.contains(&Arc::new(contents.clone())), "what {path} was is kept nowhere");
        }
        let before = std::mem::replace(&mut self.scene, after.clone());
        self.done.push(Done { operation, before, after });
    }
}

/// The scene without folders in which nothing is.
pub(super) fn without_empty(scene: &Scene) -> Scene {
    let mut scene = scene.clone();
    let files = &scene.files;
    scene.folders.retain(|folder| files.keys().any(|path| path.starts_with(&format!("{folder}/"))));
    scene
}

/// Says where two scenes differ, if they do.
#[track_caller]
pub(super) fn assert_scene(found: &Scene, expected: &Scene, when: &str) {
    if found == expected {
        return;
    }
    let text =
        |scene: &Scene, path: &str| scene.files.get(path).map(|b| String::from_utf8_lossy(b).into_owned());
    let files: Vec<_> = differing(found, expected)
        .into_iter()
        .map(|path| (text(found, &path), text(expected, &path), path))
        .collect();
    let lines: Vec<_> = found.lines.symmetric_difference(&expected.lines).collect();
    let folders: Vec<_> = found.folders.symmetric_difference(&expected.folders).collect();
    panic!("{when}: files (found, expected) {files:#?}\nlines {lines:#?}\nfolders {folders:?}");
}
