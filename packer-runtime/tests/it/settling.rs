//! Settling on a real disk: an operation that died at any step of its commit, a file that somebody saved or deleted since, and
//! both ways out. What each promises is computed here by itself, from what stood there before, what was to stand there
//! after, and which bytes are left anywhere.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::UuidDraw;
use packer_domain::registry::Registry;
use packer_events::body::{EventBody, OperationKind};
use packer_events::report::{Ending, OutcomeReport, RecoveryResult, Rejection, UnknownOutcomeCause};
use packer_fs::head::read_head;
use packer_fs::journal::{CommitRequest, FileFingerprint, Intent, Origin, RegistryChange, Step, stage};
use packer_fs::undo_record::UndoRecord;
use packer_fs::{layout, registry_file};
use packer_runtime::api::{
    AssetId, AssetPath, AssetUuid, Command, Digest, EntryState, Freshness, Mutation, OperationId, Outcome,
    Project, Recover, RecoveryChoice, RegistryEntry,
};

use super::recovery::{Dead, prepared_outcome};
use super::support::{Workspace, adopt_all, rejection, run};

const CHOICES: [RecoveryChoice; 2] = [RecoveryChoice::KeepTheirs, RecoveryChoice::FinishOurs];

const THEIRS: &[u8] = b"what somebody else saved";

/// Files by path; folders end with a slash and hold nothing.
type Files = BTreeMap<String, Vec<u8>>;

/// What somebody did to a file after the process died, or just before it took the file away.
struct Meddling {
    file: String,
    /// Whether it was saved, over whatever stood there, or deleted.
    saved: bool,
}

/// One step of a commit.
#[derive(Clone, Debug)]
enum Act {
    MakeDir(Utf8PathBuf),
    Rename { from: Utf8PathBuf, to: Utf8PathBuf },
    RemoveDir(Utf8PathBuf),
    Exchange { staged: Utf8PathBuf },
}

/// An operation that recorded its intent and died: it moves two assets, of which one leaves an empty folder, edits an anchor,
/// writes a file, and takes an asset out.
struct Interrupted {
    dead: Dead,
    intent: Intent,
    before: Files,
    lines_before: Registry,
    lines_after: Registry,
}

impl Interrupted {
    fn new() -> Self {
        let (workspace, project) = Workspace::adopted(
            &[
                ("assets/a.txt", b"the text of a"),
                ("assets/lone/b.txt", b"the text of b"),
                ("assets/c.txt", b"the text of c"),
                ("assets/d.txt", b"the text of d"),
                ("assets/e.txt", b"nobody touches e"),
            ],
            Vec::new(),
        );
        drop(project);
        let mut dead = Dead::of(workspace, OperationKind::Apply);
        // Until somebody opens the project.
        dead.workspace.has_unended = true;
        let before = files(&dead.workspace.root);
        let lines_before = registry(&dead.workspace);
        let mut lines_after = lines_before.clone();
        for line in lines_before.entries() {
            let EntryState::Live { anchor, build } = &line.state else { panic!("{line:?}") };
            let state = match anchor.as_str() {
                "a.txt.asset.toml" => {
                    EntryState::Live { anchor: path("moved/a.txt.asset.toml"), build: *build }
                }
                "lone/b.txt.asset.toml" => {
                    EntryState::Live { anchor: path("moved/b.txt.asset.toml"), build: *build }
                }
                "d.txt.asset.toml" => EntryState::Retired,
                _ => continue,
            };
            lines_after.remove(line);
            lines_after.insert(RegistryEntry { state, ..line.clone() });
        }
        let intent = record(&dead, &before, &lines_before, &lines_after);
        Self { dead, intent, before, lines_before, lines_after }
    }

    fn workspace(&self) -> &Workspace {
        &self.dead.workspace
    }

    fn at(&self, path: impl AsRef<Utf8Path>) -> Utf8PathBuf {
        self.workspace().root.join(path.as_ref())
    }

    /// The steps of the commit, in order.
    fn acts(&self) -> Vec<Act> {
        let (work, operation) = (&self.intent.work, self.dead.operation);
        let displaced = work.displaced.iter().zip(0..);
        let displaced = displaced
            .map(|(item, n)| Act::Rename { from: item.path.clone(), to: layout::displaced(operation, n) });
        let placed = work.placed.iter().map(|item| {
            let from = match item.origin {
                Origin::Staged(n) => layout::staged(operation, n),
                Origin::Displaced(n) => layout::displaced(operation, n),
            };
            Act::Rename { from, to: item.path.clone() }
        });
        let made = work.make_dirs.iter().cloned().map(Act::MakeDir);
        let removed = work.remove_dirs.iter().cloned().map(Act::RemoveDir);
        let packer_fs::journal::RegistryWork::Replaced { staged, .. } = self.intent.registry else {
            panic!("the registry changes")
        };
        let staged = layout::staged(operation, staged);
        made.chain(displaced).chain(placed).chain(removed).chain([Act::Exchange { staged }]).collect()
    }

    /// Does one step, as the process did.
    fn does(&self, act: &Act) {
        match act {
            Act::MakeDir(path) => std::fs::create_dir(self.at(path)).unwrap(),
            Act::Rename { from, to } => std::fs::rename(self.at(from), self.at(to)).unwrap(),
            Act::RemoveDir(path) => std::fs::remove_dir(self.at(path)).unwrap(),
            Act::Exchange { staged } => {
                let (here, there) = (self.at(layout::REGISTRY), self.at(staged));
                let (one, other) = (std::fs::read(&here).unwrap(), std::fs::read(&there).unwrap());
                std::fs::write(here, other).unwrap();
                std::fs::write(there, one).unwrap();
            }
        }
    }

    /// What stands there once all of it is done.
    fn after(&self) -> Files {
        let twin = Self::new();
        for act in twin.acts() {
            twin.does(&act);
        }
        // Uuids are drawn anew in each project; where its files are is the same.
        let mut after: Files = files(&twin.workspace().root);
        for (path, bytes) in &mut after {
            let origin = match path.as_str() {
                "assets/moved/a.txt.asset.toml" => "assets/a.txt.asset.toml",
                "assets/moved/b.txt.asset.toml" => "assets/lone/b.txt.asset.toml",
                other => other,
            };
            if let Some(own) = self.before.get(origin) {
                bytes.clone_from(own);
            }
        }
        after.get_mut("assets/c.txt.asset.toml").unwrap().extend(b"# and more\n");
        after.insert("registry.jsonl".to_owned(), registry_file::encode(&self.lines_after));
        after
    }

    /// The paths that files leave or come to.
    fn touched(&self) -> BTreeSet<String> {
        let work = &self.intent.work;
        let paths =
            work.displaced.iter().map(|item| &item.path).chain(work.placed.iter().map(|item| &item.path));
        paths.map(ToString::to_string).collect()
    }

    /// Every file of the project and of the journal and the history holds one of these.
    fn bytes_anywhere(&self) -> BTreeSet<Vec<u8>> {
        let mut found: BTreeSet<Vec<u8>> = files(&self.workspace().root).into_values().collect();
        for folder in [layout::JOURNAL, layout::HISTORY] {
            let folder = self.at(folder);
            if folder.exists() {
                found.extend(files(&folder).into_values());
            }
        }
        found
    }

    /// Opens the project, which freezes the operation.
    fn freezes(&mut self) -> Project {
        self.dead.workspace.has_unended = false;
        let found = files(&self.workspace().root);
        let (project, _) = self.dead.recovered_as(RecoveryResult::Frozen);
        assert_eq!(files(&self.workspace().root), found, "freezing changed something");
        let required = Freshness::RecoveryRequired { operation_id: self.dead.operation };
        assert_eq!(project.status().freshness, required);
        let frozen = Rejection::LaneFrozen { operation_id: self.dead.operation };
        assert_eq!(rejection(&run(&project, Command::Mutate(adopt_all(None)))), &frozen);
        project
    }

    fn recover(&self, choice: RecoveryChoice) -> Mutation {
        Mutation::Recover(Recover { operation: self.dead.operation, choice })
    }

    /// Settles it, by a plan that was shown or by one that is made under the lock.
    fn settles(&self, project: &Project, choice: RecoveryChoice, shown: bool) -> Outcome {
        if !shown {
            return run(project, Command::Mutate(self.recover(choice)));
        }
        let found = files(&self.workspace().root);
        let plan = project.preview(&self.recover(choice)).unwrap();
        assert_eq!(files(&self.workspace().root), found, "a preview changed something");
        run(project, Command::Apply(Box::new(plan.into())))
    }

    /// It was settled so; nothing is left of it but its history, and the project can be worked on.
    fn is_settled(&self, project: &Project, outcome: &Outcome, choice: RecoveryChoice) {
        let Some(OutcomeReport::Recover(report)) = outcome.success() else { panic!("{outcome:#?}") };
        let expected = match choice {
            RecoveryChoice::KeepTheirs => RecoveryResult::KeptTheirs,
            RecoveryChoice::FinishOurs => RecoveryResult::FinishedOurs,
        };
        assert_eq!((report.operation_id, report.result), (self.dead.operation, expected));
        let told = self.workspace().events_of(outcome.operation_id());
        assert!(told.iter().all(|event| event.causation_id == Some(self.dead.operation)), "{told:#?}");
        let committed = told.iter().filter(|event| matches!(event.body, EventBody::Committed { .. }));
        assert_eq!(committed.count(), 1);
        is_free(project);
        let again = self.workspace().open();
        assert!(again.recovered().is_empty(), "{:#?}", again.recovered());
        is_free(&again);
        assert!(run(&again, Command::Mutate(adopt_all(Some("raw")))).success().is_some());
        self.dead.assert_nothing_pending();
        assert!(matches!(self.dead.ending(), Ending::OutcomeUnknown(_)), "{:?}", self.dead.ending());
        let log = again.log().unwrap();
        let logged = |id: OperationId| log.iter().filter(|logged| logged.operation_id == id).count();
        assert_eq!((logged(self.dead.operation), logged(outcome.operation_id())), (1, 1));
    }

    /// Tries both ways out of what `meddling` led to, as far as they are open.
    fn ways_out(make: impl Fn() -> (Self, Meddling), shown: bool) {
        for choice in CHOICES {
            let (mut interrupted, meddling) = make();
            let (before, after) = (interrupted.before.clone(), interrupted.after());
            let there = interrupted.bytes_anywhere();
            let project = interrupted.freezes();
            let named = format!("{}, saved: {}, {choice:?}", meddling.file, meddling.saved);
            let ways = project.recovery_ways(interrupted.dead.operation).unwrap();
            assert_eq!(ways.iter().map(|way| way.choice).collect::<Vec<_>>(), CHOICES);
            let is_open = ways.iter().any(|way| way.choice == choice && way.is_open());

            let mut expected = match choice {
                RecoveryChoice::KeepTheirs => before,
                RecoveryChoice::FinishOurs => after,
            };
            let is_theirs = |path: &String| {
                choice == RecoveryChoice::KeepTheirs && meddling.saved && *path == meddling.file
            };
            let gone: Vec<String> = expected
                .iter()
                .filter(|(path, bytes)| !path.ends_with('/') && !there.contains(*bytes) && !is_theirs(path))
                .map(|(path, _)| path.clone())
                .collect();
            assert_eq!(is_open, gone.is_empty(), "{named}");
            let mut outcome = interrupted.settles(&project, choice, shown);
            if !gone.is_empty() {
                // What nobody keeps comes back by nothing that the packer does.
                let Rejection::Blocked { blockers, more: 0 } = rejection(&outcome) else {
                    panic!("{named}: {outcome:#?}")
                };
                let told: Vec<_> =
                    blockers.iter().map(|found| (found.code.as_str(), found.file.clone().unwrap())).collect();
                let missing: Vec<_> = gone.iter().map(|path| ("plan/moved-on", path.clone())).collect();
                assert_eq!(told, missing, "{named}");
                if choice == RecoveryChoice::FinishOurs {
                    continue;
                }
                // But by hand, and then this way is open.
                for path in gone {
                    interrupted.workspace().write(&path, b"from version control");
                    expected.insert(path, b"from version control".to_vec());
                }
                outcome = interrupted.settles(&project, choice, shown);
            }
            if choice == RecoveryChoice::KeepTheirs && meddling.saved {
                let path = &meddling.file;
                expected.insert(path.clone(), THEIRS.to_vec());
                let folders = Utf8Path::new(path).ancestors().skip(1).filter(|f| !f.as_str().is_empty());
                expected.extend(folders.map(|folder| (format!("{folder}/"), Vec::new())));
            }
            let found = files(&interrupted.workspace().root);
            assert_eq!(texts(&found), texts(&expected), "{named}: {:#?}", outcome.ending());
            let left = interrupted.bytes_anywhere();
            let lost: Vec<_> = there.iter().filter(|bytes| !left.contains(*bytes)).collect();
            assert!(lost.iter().all(|bytes| is_registry(bytes)), "{named}: {lost:?} is lost");
            interrupted.is_settled(&project, &outcome, choice);
        }
    }
}

/// Records the intent, as the process did.
fn record(dead: &Dead, before: &Files, lines_before: &Registry, lines_after: &Registry) -> Intent {
    let fingerprint = |path: &str| {
        let bytes = &before[path];
        FileFingerprint { digest: Digest::of(bytes), size: bytes.len() as u64 }
    };
    let moves =
        |from: &str, to: &str| Step::Move { from: from.into(), to: to.into(), before: fingerprint(from) };
    let takes = |path: &str| Step::ToHistory { path: path.into(), before: fingerprint(path) };
    let mut edited = before["assets/c.txt.asset.toml"].clone();
    edited.extend(b"# and more\n");
    let changed = |registry: &Registry, other: &Registry| -> Vec<RegistryEntry> {
        registry.entries().filter(|line| !other.lines_of(line.uuid).any(|o| o == *line)).cloned().collect()
    };
    let inverse = UndoRecord {
        assets: "assets".into(),
        lines_before: changed(lines_before, lines_after),
        lines_after: changed(lines_after, lines_before),
        undoes: None,
    };
    let request = CommitRequest {
        operation: dead.operation,
        source: dead.source,
        commit: read_head(&*dead.disk).unwrap().unwrap().commit + 1,
        steps: vec![
            Step::MakeDir { path: "assets/moved".into() },
            moves("assets/a.txt", "assets/moved/a.txt"),
            moves("assets/a.txt.asset.toml", "assets/moved/a.txt.asset.toml"),
            moves("assets/lone/b.txt", "assets/moved/b.txt"),
            moves("assets/lone/b.txt.asset.toml", "assets/moved/b.txt.asset.toml"),
            Step::RemoveDir { path: "assets/lone".into() },
            Step::Edit {
                path: "assets/c.txt.asset.toml".into(),
                before: fingerprint("assets/c.txt.asset.toml"),
                contents: edited,
            },
            Step::Create { path: "assets/made.txt".into(), contents: b"what is made".to_vec() },
            takes("assets/d.txt"),
            takes("assets/d.txt.asset.toml"),
        ],
        registry: RegistryChange::Replace {
            before: Some(Digest::of(&before["registry.jsonl"])),
            after: registry_file::encode(lines_after),
        },
        resolves: None,
        inverse: inverse.encode(),
        prepared: serde_json::to_value(prepared_outcome()).unwrap(),
    };
    let recorded = stage(&*dead.disk, request).unwrap().record_intent().unwrap();
    let intent = recorded.intent().clone();
    std::mem::forget(recorded);
    intent
}

fn is_free(project: &Project) {
    let freshness = project.status().freshness.clone();
    assert!(matches!(freshness, Freshness::Verified { .. }), "{freshness:?}");
    assert!(run(project, Command::Refresh).success().is_some());
    assert!(matches!(project.status().freshness, Freshness::Verified { .. }));
}

fn is_registry(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{\"")
}

fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).unwrap()
}

fn registry(workspace: &Workspace) -> Registry {
    let disk = packer_fs::disk::OsDisk::new(workspace.root.clone());
    registry_file::load(&disk, layout::REGISTRY.into()).unwrap().registry
}

/// Everything below a folder but `.packer/`.
fn files(root: &Utf8Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            let name = path.strip_prefix(root).unwrap().to_string();
            if name == ".packer" {
                continue;
            }
            if path.is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                folders.push(path);
            } else {
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

/// For people who read what differs.
fn texts(files: &Files) -> BTreeMap<&String, std::borrow::Cow<'_, str>> {
    files.iter().map(|(path, bytes)| (path, String::from_utf8_lossy(bytes))).collect()
}

/// An operation that died after so many steps.
fn after_steps(steps: usize) -> Interrupted {
    let interrupted = Interrupted::new();
    for act in interrupted.acts().iter().take(steps) {
        interrupted.does(act);
    }
    interrupted
}

#[test]
fn a_file_that_is_saved_after_any_step_leaves_both_ways_open() {
    let (steps, touched) = {
        let interrupted = Interrupted::new();
        (interrupted.acts().len(), interrupted.touched())
    };
    assert_eq!((steps, touched.len()), (1 + 7 + 6 + 1 + 1, 12));
    for step in 0..=steps {
        for (n, file) in touched.iter().enumerate() {
            // A part of all pairs: each step with files of several sorts, each file at steps of several sorts.
            if (step + n) % 5 != 0 {
                continue;
            }
            let make = || {
                let interrupted = after_steps(step);
                interrupted.workspace().write(file, THEIRS);
                (interrupted, Meddling { file: file.clone(), saved: true })
            };
            Interrupted::ways_out(make, n % 2 == 0);
        }
    }
}

#[test]
fn a_file_that_is_deleted_after_any_step_leaves_a_way_open() {
    let steps = Interrupted::new().acts().len();
    for step in 0..=steps {
        let standing: Vec<String> = {
            let interrupted = after_steps(step);
            let is_there = |file: &String| interrupted.at(file).exists();
            interrupted.touched().into_iter().filter(is_there).collect()
        };
        for file in standing.iter().skip(step % 3).step_by(3) {
            let make = || {
                let interrupted = after_steps(step);
                interrupted.workspace().remove(file);
                (interrupted, Meddling { file: file.clone(), saved: false })
            };
            Interrupted::ways_out(make, step % 2 == 0);
        }
    }
}

#[test]
fn a_file_that_was_saved_just_before_it_was_taken_away_is_put_back_or_kept() {
    let acts = Interrupted::new().acts();
    let taken: Vec<(usize, Utf8PathBuf)> = acts
        .into_iter()
        .enumerate()
        .filter_map(|(n, act)| match act {
            Act::Rename { from, to } if to.starts_with(layout::JOURNAL) => Some((n, from)),
            _ => None,
        })
        .collect();
    assert_eq!(taken.len(), 7);
    for (step, file) in taken {
        let make = || {
            let interrupted = after_steps(step);
            interrupted.workspace().write(file.as_str(), THEIRS);
            interrupted.does(&interrupted.acts()[step]);
            (interrupted, Meddling { file: file.to_string(), saved: true })
        };
        Interrupted::ways_out(make, step % 2 == 0);
    }
}

/// A line that somebody merged into the registry.
fn merged_line() -> RegistryEntry {
    RegistryEntry {
        uuid: AssetUuid::drawn(UuidDraw { unix_ms: 1_700_000_000_000, entropy: [77; 16] }),
        id: AssetId::new(77_777).unwrap(),
        state: EntryState::Retired,
    }
}

#[test]
fn a_registry_that_is_saved_meanwhile_keeps_the_lines_that_came_to_it() {
    let steps = Interrupted::new().acts().len();
    for (step, swapped) in [(0, false), (8, false), (steps - 1, false), (steps - 1, true), (steps, false)] {
        for choice in CHOICES {
            let mut interrupted = after_steps(step);
            // Somebody merges: before the step that swaps it, what is taken away; else what stands there.
            let mut theirs = registry(interrupted.workspace());
            theirs.insert(merged_line());
            interrupted.workspace().write(layout::REGISTRY, &registry_file::encode(&theirs));
            if swapped {
                interrupted.does(&interrupted.acts()[step]);
            }
            let project = interrupted.freezes();
            let outcome = interrupted.settles(&project, choice, step == 8);
            let mut expected = match choice {
                RecoveryChoice::KeepTheirs => interrupted.lines_before.clone(),
                RecoveryChoice::FinishOurs => interrupted.lines_after.clone(),
            };
            expected.insert(merged_line());
            let found = registry(interrupted.workspace());
            assert_eq!(found, expected, "{step} {swapped} {choice:?}: {:#?}", outcome.ending());
            let mut files = files(&interrupted.workspace().root);
            let mut wanted = match choice {
                RecoveryChoice::KeepTheirs => interrupted.before.clone(),
                RecoveryChoice::FinishOurs => interrupted.after(),
            };
            files.remove(layout::REGISTRY);
            wanted.remove(layout::REGISTRY);
            assert_eq!(texts(&files), texts(&wanted), "{step} {swapped} {choice:?}");
            interrupted.is_settled(&project, &outcome, choice);
        }
    }
}

#[test]
fn a_registry_that_is_saved_again_after_it_was_swapped_is_the_one_that_counts() {
    let step = Interrupted::new().acts().len() - 1;
    for choice in CHOICES {
        let mut interrupted = after_steps(step);
        let mut theirs = registry(interrupted.workspace());
        theirs.insert(merged_line());
        interrupted.workspace().write(layout::REGISTRY, &registry_file::encode(&theirs));
        interrupted.does(&interrupted.acts()[step]);
        let later = RegistryEntry { id: AssetId::new(88_888).unwrap(), ..merged_line() };
        let mut again = registry(interrupted.workspace());
        again.insert(later.clone());
        interrupted.workspace().write(layout::REGISTRY, &registry_file::encode(&again));
        let project = interrupted.freezes();
        let outcome = interrupted.settles(&project, choice, false);
        let mut expected = match choice {
            RecoveryChoice::KeepTheirs => interrupted.lines_before.clone(),
            RecoveryChoice::FinishOurs => interrupted.lines_after.clone(),
        };
        expected.insert(later);
        assert_eq!(registry(interrupted.workspace()), expected, "{choice:?}");
        interrupted.is_settled(&project, &outcome, choice);
    }
}

#[test]
fn an_intent_that_cannot_be_read_can_only_be_given_up_and_everything_is_kept() {
    let mut interrupted = after_steps(5);
    std::fs::write(interrupted.at(layout::intent(interrupted.dead.operation)), b"no intent").unwrap();
    let there = interrupted.bytes_anywhere();
    let project = interrupted.freezes();
    let Ending::OutcomeUnknown(report) = interrupted.dead.ending() else { panic!("it is unknown") };
    assert_eq!(report.cause, UnknownOutcomeCause::JournalDamaged);
    let found = files(&interrupted.workspace().root);
    let outcome = interrupted.settles(&project, RecoveryChoice::FinishOurs, false);
    let Rejection::Blocked { blockers, more: 0 } = rejection(&outcome) else { panic!("{outcome:#?}") };
    assert_eq!(blockers[0].code, "plan/target-missing");
    let outcome = interrupted.settles(&project, RecoveryChoice::KeepTheirs, true);
    assert_eq!(files(&interrupted.workspace().root), found, "everything is left as it is");
    let left = interrupted.bytes_anywhere();
    assert!(there.is_subset(&left), "something is lost");
    interrupted.is_settled(&project, &outcome, RecoveryChoice::KeepTheirs);
}
