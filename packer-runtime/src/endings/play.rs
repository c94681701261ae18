//! Making an operation end as asked, and judging how it is told.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use camino::Utf8Path;
use packer_domain::identity::{Digest, OperationId, Revision};
use packer_domain::mutation::ShownPlan;
use packer_events::body::{EventBody, Lock, OperationKind};
use packer_events::replay::{Replay, record_faults};
use packer_events::report::{Ending, Rejection, RejectionReport};
use packer_events::sequence::StreamCheck;
use packer_fs::disk::Disk;
use packer_fs::layout;
use packer_fs::lock::{BuildLock, HolderFacts, LaneGuard, LaneLock, Wait};
use packer_fs::watch::WatchError;

use super::deaths::{dies, dies_at, nothing_more, recoveries_die};
use super::moments::{bakes, begins, commits, full_from, observes, places, works};
use super::scene::{Opening, Scene, Told, adopt, build, options, path_target, run};
use super::ways::{Called, Cause, Class, Death, Doubt, End, Reason, Unstored, Way};
use crate::build::BuildRequest;
use crate::feed::{Feed, FeedNext, From};
use crate::operation::OperationHandle;
use crate::project::{BuildBase, Command, Project};
use crate::record::recorded_logs;

/// What no operation takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

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
        never_waits: matches!(way, Way::Rejected(Reason::LockHeld) | Way::FindsTheBuildLockHeld),
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
            Way::FindsTheBuildLockHeld => finds_the_build_lock_held(&scene),
            Way::Unstored(when) => unstored(&mut scene, when),
        }
    };
    scene.disk.unhook();
    judge(&mut scene, way, operation, told);
}

/// The one end of the operation, in the log, last, and as it was told.
pub(super) fn judge(scene: &mut Scene, way: Way, operation: OperationId, told: Option<Told>) {
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
    if let Ending::Rejected(RejectionReport { reason: Rejection::LockHeld { lock, .. }, .. }) = ending {
        let meant = if way == Way::FindsTheBuildLockHeld { Lock::Build } else { Lock::Lane };
        assert_eq!(*lock, meant);
    }
    let cause = if way == Way::Rejected(Reason::NothingToRecover) || is_of_another(scene, way) {
        record.causation_id
    } else {
        scene.cause()
    };
    assert_eq!(record.causation_id, cause);
    match told {
        Some(Ok(outcome)) => {
            assert!(!matches!(way, Way::Unstored(_)), "an end that was not stored was told: {outcome:#?}");
            assert_eq!((outcome.ending(), outcome.kind()), (ending, scene.kind), "it was told otherwise");
            assert_eq!(outcome.event(), found.last().unwrap());
        }
        // Whoever waited died, or was told that the end could not be stored.
        Some(Err(_)) | None => assert!(
            matches!(way, Way::Dies(_) | Way::Unstored(_) | Way::Unknown(Doubt::JournalDamaged)),
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
        Reason::LaneFrozen if class == Class::Refresh => {
            // It is committed, and nobody can say so.
            scene.disk.hook(full_from(commits, |path| path.starts_with(layout::EVENTS)));
            let adopted = scene.submit(Command::Mutate(adopt(path_target("raw.txt"))));
            assert!(adopted.wait().is_err());
            scene.disk.unhook();
            scene.command()
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
    if called == Called::ClosingAtWork {
        return closed_at_work(scene);
    }
    let held = hold_lane(scene);
    // Before it in the queue of the lane, for those that wait for no other process.
    let first = scene.submit(Command::Mutate(adopt(path_target("raw.txt"))));
    let handle = scene.submit(scene.command());
    match called {
        Called::Waiting => handle.cancel(),
        Called::Closing => scene.close(),
        Called::Working | Called::ClosingAtWork => {}
    }
    let ended = ended(&handle);
    drop(held);
    assert!(first.wait().is_ok());
    ended
}

/// Somebody closes the project while it works, and it goes on only once that has begun.
fn closed_at_work(scene: &mut Scene) -> (OperationId, Option<Told>) {
    let bus = Arc::clone(&scene.project().shared().bus);
    let (works, working) = mpsc::channel();
    scene.once(observes, move || {
        works.send(()).unwrap();
        while !bus.is_closing() {
            std::thread::yield_now();
        }
        Ok(())
    });
    let handle = scene.submit(scene.command());
    working.recv_timeout(PATIENCE).expect("it came to no such moment");
    assert!(handle.outcome().is_none(), "it has ended before");
    scene.close();
    ended(&handle)
}

fn finds_the_build_lock_held(scene: &Scene) -> (OperationId, Option<Told>) {
    let facts = HolderFacts::here("somebody else", 1_700_000_000_000);
    let _held = BuildLock::acquire(&scene.root, &facts, Wait::Never, &mut |_| {}).unwrap();
    ended(&scene.submit(scene.command()))
}

/// The disk is full from some moment on, so that its end cannot be stored.
fn unstored(scene: &mut Scene, when: Unstored) -> (OperationId, Option<Told>) {
    let is_met: fn(&str, &Utf8Path) -> bool = match when {
        Unstored::AfterItsCommit | Unstored::UntilThereIsRoom if scene.kind == OperationKind::Build => places,
        Unstored::AfterItsCommit | Unstored::UntilThereIsRoom if scene.kind != OperationKind::Refresh => {
            commits
        }
        Unstored::BeforeItsCommit | Unstored::AfterItsCommit | Unstored::UntilThereIsRoom => {
            works(scene.kind)
        }
    };
    let mut feed = scene.project().subscribe(From::Now);
    let everywhere = when == Unstored::BeforeItsCommit;
    scene.disk.hook(full_from(is_met, move |path| everywhere || path.starts_with(layout::EVENTS)));
    let handle = scene.submit(scene.command());
    let (operation, told) = (handle.id(), handle.wait());
    assert_eq!(told.as_ref().map_err(|error| error.operation_id).unwrap_err(), operation);
    assert_eq!(end_of(&mut feed, operation), None, "an end was told that is not stored");
    if when == Unstored::UntilThereIsRoom {
        scene.disk.unhook();
        // Whatever is said next brings into the log what waits for it, and subscribers are told. What was committed is still to
        // be cleaned up after, so nothing is observed until the project is opened anew.
        let next = run(scene.project(), Command::Refresh);
        let expected = match Class::of(scene.kind) {
            Class::Mutation | Class::Recovery => End::Rejected(Reason::LaneFrozen),
            Class::Build | Class::Refresh | Class::Watch => End::Succeeded,
        };
        assert_eq!(End::of(next.ending()), expected);
        assert_eq!(end_of(&mut feed, operation), Some(End::Succeeded));
        // Who was told that nobody knows is told nothing else.
        assert!(handle.wait().is_err());
    } else {
        scene.close();
        scene.disk.unhook();
    }
    (operation, Some(told))
}

/// How the operation ended, as a subscriber is told by now.
fn end_of(feed: &mut Feed, operation: OperationId) -> Option<End> {
    let mut ends = Vec::new();
    while let FeedNext::Item(item) = feed.next(Duration::ZERO) {
        if item.event.operation_id == operation {
            ends.extend(item.outcome.as_ref().map(|outcome| End::of(outcome.ending())));
        }
    }
    assert!(ends.len() < 2, "it was told twice: {ends:?}");
    ends.pop()
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
        Way::Unstored(_) => {
            scene.disk.hook(full_from(|_, _| true, |path| path.starts_with(layout::EVENTS)));
            scene.close();
            scene.disk.unhook();
            assert!(handle.wait().is_err());
        }
        Way::Succeeds
        | Way::Rejected(_)
        | Way::Fails(_)
        | Way::PanicsAmidItsCommit
        | Way::Unknown(_)
        | Way::FindsTheBuildLockHeld => scene.close(),
    }
    ended(&handle)
}

pub(super) fn hold_lane(scene: &Scene) -> LaneGuard {
    let facts = HolderFacts::here("somebody else", 1_700_000_000_000);
    LaneLock::acquire(&scene.root, &facts, Wait::Never, &mut |_| {}).unwrap()
}

fn shown(scene: &Scene) -> ShownPlan {
    scene.project().preview(&scene.mutation(scene.kind)).unwrap().into()
}
