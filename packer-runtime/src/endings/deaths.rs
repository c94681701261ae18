//! Processes that die: nothing of them reaches the disk from some moment on, and their locks are left. So do those that recover
//! them.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use camino::Utf8Path;
use packer_domain::identity::OperationId;
use packer_events::body::{EventBody, OperationKind};
use packer_fs::layout;

use super::moments::{commits, places, works};
use super::play::{PATIENCE, hold_lane, judge};
use super::scene::{Opening, Scene, Told, adopt, is_effect, path_target};
use super::ways::{Cause, Death, End, Way};
use crate::feed::{FeedItem, FeedNext, From};
use crate::project::Command;
use crate::record::recorded_logs;

/// More effects than any recovery has.
const MOST_EFFECTS: u64 = 500;

pub(super) fn dies(scene: &mut Scene, death: Death) -> (OperationId, Option<Told>) {
    let is_build = scene.kind == OperationKind::Build;
    let died = match death {
        Death::Waiting => dies_waiting(scene),
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

/// Runs the operation in a process that dies while another one holds the lane, and an operation goes first.
pub(super) fn dies_waiting(scene: &mut Scene) -> (OperationId, Option<Told>) {
    let held = hold_lane(scene);
    let mut feed = scene.project().subscribe(From::Now);
    // Whatever waits for the lane. Where it is frozen, all but a recovery is refused without waiting.
    let first = match scene.kind {
        OperationKind::Recover => scene.command(),
        _ => Command::Mutate(adopt(path_target("raw.txt"))),
    };
    let first = scene.submit(first);
    let handle = scene.submit(scene.command());
    let is_waiting = |item: &FeedItem| {
        item.event.operation_id == handle.id() && matches!(item.event.body, EventBody::Queued { .. })
    };
    loop {
        match feed.next(PATIENCE) {
            FeedNext::Item(item) if is_waiting(&item) => break,
            FeedNext::Item(item) => assert!(item.outcome.is_none(), "something has ended: {item:#?}"),
            other => panic!("it does not wait: {other:?}"),
        }
    }
    scene.disk.hook(|name, _| nothing_more(name, true));
    scene.abandon();
    scene.disk.unhook();
    drop(held);
    assert!(first.wait().is_err());
    (handle.id(), Some(handle.wait()))
}

/// Runs the operation in a process that dies at the first operation on the disk that is meant: nothing reaches the disk from
/// there on.
pub(super) fn dies_at(
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

pub(super) fn nothing_more(name: &str, dead: bool) -> io::Result<()> {
    if dead && is_effect(name) { Err(io::Error::other("the process is dead")) } else { Ok(()) }
}

/// Each process that opens the project dies later in its recovery than the one before, until one does not. Those that died are
/// recovered with the first, so each has more to do.
pub(super) fn recoveries_die(scene: &mut Scene) {
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
