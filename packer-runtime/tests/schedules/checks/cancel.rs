//! Cancelling, wherever an operation is.

use std::sync::Arc;

use packer_events::body::EventBody;
use shuttle::rand::Rng;
use shuttle::thread;

use crate::project::Command;
use crate::world::{World, adopt, build, end_of, is_cancelled};

/// An adoption, and a build or a refresh behind it, are cancelled at any moment while another process may hold the lane.
/// Each ends once, for everybody who waits; what was cancelled has changed nothing, and what was not is whole.
pub(super) fn run() {
    let world = World::new();
    let project = world.open();
    let mut chance = shuttle::rand::thread_rng();
    let other = chance.gen_bool(0.5).then(|| world.hold_lane());
    // If nobody lets go of the lane, only being cancelled helps.
    let lets_go = chance.gen_bool(0.5);
    let is_held_for_good = other.is_some() && !lets_go;
    let adoption = project.submit(Command::Mutate(adopt()));
    let second = project.submit(if chance.gen_bool(0.5) { build() } else { Command::Refresh });
    let waiter = {
        let adoption = adoption.clone();
        thread::spawn(move || is_cancelled(&end_of(&adoption)))
    };
    let canceller = {
        let handles = [second.clone(), adoption.clone()];
        thread::spawn(move || {
            for handle in handles {
                handle.cancel();
                // What waits ends although what goes first does not.
                let end = is_held_for_good.then(|| end_of(&handle));
                assert!(end.is_none_or(|end| is_cancelled(&end)));
            }
        })
    };
    let held = Arc::new(std::sync::Mutex::new(other));
    let releaser = lets_go.then(|| {
        let held = Arc::clone(&held);
        thread::spawn(move || drop(held.lock().unwrap().take()))
    });
    let was_cancelled = is_cancelled(&end_of(&adoption));
    assert_eq!(waiter.join().unwrap(), was_cancelled, "everybody learns the same");
    end_of(&second);
    canceller.join().unwrap();
    if let Some(releaser) = releaser {
        releaser.join().unwrap();
    }
    drop(held.lock().unwrap().take());

    let expected = if was_cancelled { (0, false) } else { (1, true) };
    assert_eq!((world.registry_lines(), world.is_anchored()), expected, "cancelled: {was_cancelled}");
    // The lane lives on.
    assert!(end_of(&project.submit(Command::Refresh)).success().is_some());
    drop(project);
    let logs = world.settled();
    let committed = logs[0].iter().any(|event| matches!(event.body, EventBody::Committed { .. }));
    assert_eq!(committed, !was_cancelled);
}
