//! Making an operation end as asked, and judging how it is told.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::Utf8Path;
use packer_domain::identity::{Digest, OperationId, Revision};
use packer_domain::mutation::ShownPlan;
use packer_events::body::{EventBody, OperationKind};
use packer_events::replay::{Replay, record_faults};
use packer_events::sequence::StreamCheck;
use packer_fs::disk::Disk;
use packer_fs::layout;
use packer_fs::lock::{HolderFacts, LaneGuard, LaneLock, Wait};
use packer_fs::watch::WatchError;

use super::scene::{Opening, Scene, Told, adopt, build, is_effect, options, path_target, run};
use super::ways::{Called, Cause, Class, Death, Doubt, End, Reason, Way};
use crate::build::{BuildRequest, PACK_FILE};
use crate::feed::{FeedNext, From};
use crate::operation::OperationHandle;
use crate::project::{BuildBase, Command, Project};
use crate::record::recorded_logs;

/// What no operation takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// More effects than any recovery has.
const MOST_EFFECTS: u64 = 500;

/// Says which operation was to end how, if what follows panics.
struct Place(OperationKind, Way);

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let line = format!("{}, {:?}\n", self.0, self.1);
            io::Write::write_all(&mut io::stderr(), line.as_bytes()).unwrap();
        }
    }
}

/// Has an operation of `kind` end in this way, and judges what is told of it.
pub(super) fn play(kind: OperationKind, way: Way) {
    let _place = Place(kind, way);
    let opening = Opening {
        never_waits: way == Way::Rejected(Reason::LockHeld),
        watched: kind == OperationKind::Watch && way != Way::Fails(Cause::Io),
    };
    let mut scene = Scene::new(kind, opening);
    if kind == OperationKind::Recover && way != Way::Rejected(Reason::NothingToRecover) {
        scene.freeze();
    }
    let (operation, told) = if kind == OperationKind::Watch {
        watch(&mut scene, way)
    } else {
        match way {
            Way::Succeeds => ended(&scene.submit(scene.command())),
            Way::Rejected(reason) => rejected(&mut scene, reason),
            Way::Fails(cause) => failed(&scene, cause),
            Way::PanicsAmidItsCommit => amid_its_commit(&scene, || panic!("amid its commit")),
            Way::Cancelled(called) => cancelled(&mut scene, called),
            Way::Unknown(Doubt::Io) => amid_its_commit(&scene, || Err(io::ErrorKind::StorageFull.into())),
            Way::Unknown(Doubt::EditedMeanwhile) => edited_meanwhile(&scene),
            Way::Unknown(Doubt::JournalDamaged) => damaged(&mut scene),
            Way::Dies(death) => dies(&mut scene, death),
        }
    };
    scene.disk.unhook();
    judge(&mut scene, way, operation, told);
}

/// The one end of the operation, in the log, last, and as it was told.
fn judge(scene: &mut Scene, way: Way, operation: OperationId, told: Option<Told>) {
    // Whatever was left is settled, once, on a workspace that can be read.
    scene.restore_configuration();
    scene.open().unwrap();
    scene.close();
    let mut replay = Replay::new();
    let mut found = Vec::new();
    for log in recorded_logs(&scene.root).unwrap() {
        assert_eq!(log.damaged_lines, 0);
        let mut check = StreamCheck::log();
        for event in &log.events {
            check.push(event).unwrap();
            assert!(replay.apply(event), "it repeats something: {event:#?}");
        }
        assert_eq!(check.running().count(), 0, "something has no end: {:#?}", log.events);
        found.extend(log.events.into_iter().filter(|event| event.operation_id == operation));
    }
    assert_eq!(record_faults(&replay), []);
    assert_eq!(found.iter().filter(|event| event.terminal).count(), 1, "{found:#?}");
    assert!(found.last().is_some_and(|event| event.terminal), "something follows the end: {found:#?}");
    assert!(matches!(&found[0].body, EventBody::Accepted { kind, .. } if *kind == scene.kind), "{found:#?}");
    let record = replay.operation(operation).unwrap();
    let ending = record.ending.as_ref().unwrap();
    assert_eq!(End::of(ending), way.end(), "{ending:#?}");
    let cause = if way == Way::Rejected(Reason::NothingToRecover) || is_of_another(scene, way) {
        record.causation_id
    } else {
        scene.cause()
    };
    assert_eq!(record.causation_id, cause);
    match told {
        Some(Ok(outcome)) => {
            assert_eq!((outcome.ending(), outcome.kind()), (ending, scene.kind), "it was told otherwise");
            assert_eq!(outcome.event(), found.last().unwrap());
        }
        // Whoever waited died, or was told that the end could not be stored.
        Some(Err(_)) | None => assert!(
            matches!(way, Way::Dies(_) | Way::Unknown(Doubt::JournalDamaged)),
            "nobody was told the outcome"
        ),
    }
}

/// Whether the operation was about another one than its scene says.
fn is_of_another(scene: &Scene, way: Way) -> bool {
    let forbidden = [Way::Rejected(Reason::Blocked), Way::Rejected(Reason::LaneFrozen)];
    matches!(scene.kind, OperationKind::Undo | OperationKind::Recover) && forbidden.contains(&way)
}

fn ended(handle: &OperationHandle) -> (OperationId, Option<Told>) {
    (handle.id(), Some(handle.wait()))
}

fn rejected(scene: &mut Scene, reason: Reason) -> (OperationId, Option<Told>) {
    let class = Class::of(scene.kind);
    let command = match reason {
        Reason::WorkspaceErrors => {
            let command = scene.command();
            scene.writes("packer.toml", "[project]\nname = ");
            command
        }
        Reason::InputsChanged => {
            let source = scene.root.join("assets/settled.txt");
            scene.once(bakes, move || std::fs::write(&source, "edited meanwhile"));
            scene.command()
        }
        Reason::Blocked if class == Class::Build => {
            Command::Build(BuildRequest { profile: Some("nobody's".to_owned()), ..build() })
        }
        Reason::Blocked => Command::Mutate(scene.blocked(scene.kind)),
        Reason::StalePlan => {
            let shown = shown(scene);
            if class == Class::Recovery {
                scene.meddle(Some("somebody else's"));
            } else {
                assert!(run(scene.project(), Command::Mutate(shown.mutation.clone())).success().is_some());
            }
            Command::Apply(Box::new(shown))
        }
        Reason::PlanAltered => {
            let shown = ShownPlan { plan_digest: Digest::of(b"another plan"), ..shown(scene) };
            Command::Apply(Box::new(shown))
        }
        Reason::UnrelatedLineage => {
            let shown = shown(scene);
            let registry = std::fs::read_to_string(scene.root.join(layout::REGISTRY)).unwrap();
            let other = packer_domain::identity::LineageId::drawn(crate::clock::draw()).to_string();
            scene.writes(layout::REGISTRY, &registry.replacen(&shown.lineage.to_string(), &other, 1));
            Command::Apply(Box::new(shown))
        }
        Reason::LaneFrozen if class == Class::Recovery => {
            let (frozen, other) = (scene.frozen.take(), OperationId::drawn(crate::clock::draw()));
            scene.frozen = Some(other);
            let command = scene.command();
            scene.frozen = frozen;
            command
        }
        Reason::LaneFrozen => {
            let command = scene.command();
            scene.freeze();
            command
        }
        Reason::LockHeld => {
            let _held = hold_lane(scene);
            return ended(&scene.submit(scene.command()));
        }
        Reason::BaseRevisionGone => {
            Command::Build(BuildRequest { base: BuildBase::Exactly(Revision(77)), ..build() })
        }
        Reason::NothingToRecover => scene.command(),
        Reason::LockUnsupported => panic!("no lock refuses here"),
    };
    ended(&scene.submit(command))
}

fn failed(scene: &Scene, cause: Cause) -> (OperationId, Option<Told>) {
    let command = match cause {
        Cause::BakesFailed | Cause::ProveMismatch => {
            let name = if cause == Cause::BakesFailed { "new.fails" } else { "new.dice" };
            scene.writes(&format!("assets/{name}"), "of a kind for tests");
            let adopted = run(scene.project(), Command::Mutate(adopt(path_target(name))));
            assert!(adopted.success().is_some(), "{adopted:#?}");
            Command::Build(BuildRequest { prove: cause == Cause::ProveMismatch, ..build() })
        }
        Cause::Io => {
            scene.once(works(scene.kind), || Err(io::ErrorKind::StorageFull.into()));
            scene.command()
        }
        Cause::Damaged => {
            let of_build = scene.kind == OperationKind::Build;
            let lock = scene.root.join(if of_build { layout::BUILD_LOCK } else { layout::LANE_LOCK });
            scene.once(begins(scene.kind), move || std::fs::remove_file(&lock));
            scene.command()
        }
        Cause::Panic => {
            scene.once(begins(scene.kind), || panic!("at its work"));
            scene.command()
        }
    };
    ended(&scene.submit(command))
}

fn cancelled(scene: &mut Scene, called: Called) -> (OperationId, Option<Told>) {
    if called == Called::Working {
        let handle = Arc::new(Mutex::new(None::<OperationHandle>));
        let in_hook = Arc::clone(&handle);
        let met = scene.once(observes, move || {
            in_hook.lock().unwrap().as_ref().unwrap().cancel();
            Ok(())
        });
        // The hook waits for the handle that it is to cancel.
        let mut slot = handle.lock().unwrap();
        let submitted = scene.submit(scene.command());
        *slot = Some(submitted.clone());
        drop(slot);
        let ended = ended(&submitted);
        assert!(met.load(Ordering::Relaxed));
        return ended;
    }
    let held = hold_lane(scene);
    // Before it in the queue of the lane, for those that wait for no other process.
    let first = scene.submit(Command::Mutate(adopt(path_target("raw.txt"))));
    let handle = scene.submit(scene.command());
    match called {
        Called::Waiting => handle.cancel(),
        Called::Closing => scene.close(),
        Called::Working => {}
    }
    let ended = ended(&handle);
    drop(held);
    assert!(first.wait().is_ok());
    ended
}

/// Something goes wrong when the head is written, which every commit of the workspace does.
fn amid_its_commit(
    scene: &Scene,
    how: impl FnMut() -> io::Result<()> + Send + 'static,
) -> (OperationId, Option<Told>) {
    let met = scene.once(commits, how);
    let ended = ended(&scene.submit(scene.command()));
    assert!(met.load(Ordering::Relaxed));
    ended
}

/// Somebody saves files once all was checked, as the intent is about to be recorded.
fn edited_meanwhile(scene: &Scene) -> (OperationId, Option<Told>) {
    let root = scene.root.clone();
    let met = scene.once(
        |name, path| name == "rename_new" && path.as_str().ends_with(".intent"),
        move || {
            Scene::edit_everything(&root);
            Ok(())
        },
    );
    let ended = ended(&scene.submit(scene.command()));
    assert!(met.load(Ordering::Relaxed));
    ended
}

fn damaged(scene: &mut Scene) -> (OperationId, Option<Told>) {
    let (operation, told) = dies_at(scene, commits);
    std::fs::write(scene.root.join(layout::intent(operation)), "no intent").unwrap();
    (operation, told)
}

fn dies(scene: &mut Scene, death: Death) -> (OperationId, Option<Told>) {
    let is_build = scene.kind == OperationKind::Build;
    let died = match death {
        Death::Before | Death::AgainInRecoveryBefore => dies_at(scene, works(scene.kind)),
        Death::After | Death::AgainInRecovery if is_build => dies_at(scene, places),
        Death::After | Death::AgainInRecovery => dies_at(scene, commits),
        Death::BeforeCleaningUp => {
            // The last thing that is synced before the clean-up is the end in the log.
            let stored = AtomicBool::new(false);
            dies_at(scene, move |name, path| {
                let is_stored = stored.load(Ordering::Relaxed);
                if name == "sync" && path.extension() == Some("jsonl") {
                    stored.store(true, Ordering::Relaxed);
                }
                is_stored && is_effect(name)
            })
        }
    };
    if matches!(death, Death::AgainInRecovery | Death::AgainInRecoveryBefore) {
        recoveries_die(scene);
    }
    died
}

/// Runs the operation in a process that dies at the first operation on the disk that is meant: nothing reaches the disk from
/// there on.
fn dies_at(
    scene: &mut Scene,
    is_meant: impl Fn(&str, &Utf8Path) -> bool + Send + 'static,
) -> (OperationId, Option<Told>) {
    let dead = Arc::new(AtomicBool::new(false));
    let is_dead = Arc::clone(&dead);
    scene.disk.hook(move |name, path| {
        if is_meant(name, path) {
            is_dead.store(true, Ordering::Relaxed);
        }
        nothing_more(name, is_dead.load(Ordering::Relaxed))
    });
    let handle = scene.submit(scene.command());
    let told = handle.wait();
    assert!(dead.load(Ordering::Relaxed), "it came to no such moment: {told:#?}");
    scene.abandon();
    scene.disk.unhook();
    // Only what was stored before it died was told to anybody.
    (handle.id(), Some(told))
}

fn nothing_more(name: &str, dead: bool) -> io::Result<()> {
    if dead && is_effect(name) { Err(io::Error::other("the process is dead")) } else { Ok(()) }
}

/// Each process that opens the project dies later in its recovery than the one before, until one does not. Those that died are
/// recovered with the first, so each has more to do.
fn recoveries_die(scene: &mut Scene) {
    let mut most = 0;
    while most < MOST_EFFECTS {
        let effects = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&effects);
        scene.disk.hook(move |name, _| {
            let before = if is_effect(name) {
                counted.fetch_add(1, Ordering::Relaxed)
            } else {
                counted.load(Ordering::Relaxed)
            };
            nothing_more(name, before >= most)
        });
        // Whether it could be opened is no matter.
        let _ = scene.open();
        let died = effects.load(Ordering::Relaxed) > most;
        if !died {
            assert!(most > 3, "a recovery has more effects than that");
            return scene.close();
        }
        scene.abandon();
        most += most / 2 + 1;
    }
    panic!("it is never recovered");
}

fn watch(scene: &mut Scene, way: Way) -> (OperationId, Option<Told>) {
    if way == Way::Fails(Cause::Io) {
        scene.close();
        let disk: Arc<dyn Disk> = Arc::clone(&scene.disk) as Arc<dyn Disk>;
        let options = options(Opening { watched: true, ..Opening::default() });
        let missing = |_: &Utf8Path, _: &_| Err(WatchError::Missing { path: "assets".into() });
        let opened = Project::open_watched_by(&disk, &scene.root, options, |_| Box::new(missing));
        let (project, _feed) = opened.unwrap();
        return ended(project.watch().unwrap());
    }
    let handle = scene.project().watch().unwrap().clone();
    match way {
        Way::Fails(Cause::Panic) => {
            let mut feed = scene.project().subscribe(From::Now);
            scene.disk.hook(|name, path| {
                let looks = name == "open" && path.starts_with("assets");
                assert!(!looks || std::thread::current().name() != Some("packer-watch"), "while it looks");
                Ok(())
            });
            // The same size, so that it has to look into the file.
            scene.writes("assets/settled.txt", "unsettl");
            while !matches!(feed.next(PATIENCE), FeedNext::Item(item) if item.event.terminal) {
                assert!(handle.outcome().is_none_or(|told| told.is_ok()));
            }
        }
        Way::Cancelled(_) => handle.cancel(),
        Way::Dies(death) => {
            scene.disk.hook(|name, _| nothing_more(name, true));
            scene.abandon();
            scene.disk.unhook();
            if death == Death::AgainInRecoveryBefore {
                recoveries_die(scene);
            }
        }
        Way::Succeeds | Way::Rejected(_) | Way::Fails(_) | Way::PanicsAmidItsCommit | Way::Unknown(_) => {
            scene.close();
        }
    }
    ended(&handle)
}

fn hold_lane(scene: &Scene) -> LaneGuard {
    let facts = HolderFacts::here("somebody else", 1_700_000_000_000);
    LaneLock::acquire(&scene.root, &facts, Wait::Never, &mut |_| {}).unwrap()
}

fn shown(scene: &Scene) -> ShownPlan {
    scene.project().preview(&scene.mutation(scene.kind)).unwrap().into()
}

/// Whether an operation on the disk is amid an operation's work, and before its commit point.
fn works(kind: OperationKind) -> fn(&str, &Utf8Path) -> bool {
    match Class::of(kind) {
        Class::Mutation | Class::Recovery => {
            |name, path| name == "create" && path.starts_with(layout::JOURNAL)
        }
        Class::Build => bakes,
        Class::Refresh | Class::Watch => observes,
    }
}

/// The same, and in any case before the commit is prepared.
fn begins(kind: OperationKind) -> fn(&str, &Utf8Path) -> bool {
    match Class::of(kind) {
        Class::Build => bakes,
        Class::Mutation | Class::Recovery | Class::Refresh | Class::Watch => observes,
    }
}

fn bakes(name: &str, path: &Utf8Path) -> bool {
    name == "create" && path.ends_with(PACK_FILE)
}

fn observes(name: &str, path: &Utf8Path) -> bool {
    name == "open" && path == layout::REGISTRY
}

fn commits(name: &str, path: &Utf8Path) -> bool {
    is_effect(name) && path == layout::HEAD
}

fn places(name: &str, path: &Utf8Path) -> bool {
    name == "rename_over" && path.ends_with(PACK_FILE)
}

#[test]
fn a_recovery_that_panics_ends_and_is_done_again() {
    let kind = OperationKind::Rename;
    let mut scene = Scene::new(kind, Opening::default());
    let (operation, told) = dies_at(&mut scene, commits);
    let met = scene.once(
        |name, path| is_effect(name) && path.starts_with(layout::HISTORY),
        || panic!("while it recovers"),
    );
    assert!(catch_unwind(AssertUnwindSafe(|| scene.open().is_ok())).is_err());
    assert!(met.load(Ordering::Relaxed));
    scene.disk.unhook();
    let failed: Vec<_> = recorded_logs(&scene.root)
        .unwrap()
        .iter()
        .flat_map(|log| log.events.clone())
        .filter(|event| event.causation_id == Some(operation) && event.terminal)
        .collect();
    let [failed] = &failed[..] else { panic!("{failed:#?}") };
    assert_eq!(End::of(&failed.body.ending().unwrap()), End::Failed(Cause::Panic));
    judge(&mut scene, Way::Dies(Death::After), operation, told);
}
