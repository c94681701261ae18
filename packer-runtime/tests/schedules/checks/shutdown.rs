//! Closing a project, whatever it is at.

use packer_events::sequence::StreamCheck;
use shuttle::rand::Rng;
use shuttle::thread;

use crate::feed::From;
use crate::project::Command;
use crate::world::{World, adopt, build, end_of, lifecycle, read_to_end};

/// A project is closed at any moment while it adopts, refreshes and builds, perhaps locked out of the lane for good.
/// Everything that was accepted ends once, whoever waits learns how, and every listener hears of it before the feed
/// closes.
pub(super) fn run() {
    let world = World::new();
    let project = world.open();
    let locked_out = shuttle::rand::thread_rng().gen_bool(0.5).then(|| world.hold_lane());
    let mut feed = project.subscribe(From::Now);
    let listener = thread::spawn(move || {
        let items = read_to_end(&mut feed, StreamCheck::feed());
        items.into_iter().map(|item| (*item.event).clone()).collect::<Vec<_>>()
    });
    let handles =
        [project.submit(Command::Mutate(adopt())), project.submit(build()), project.submit(Command::Refresh)];
    let waiters = handles.clone().map(|handle| thread::spawn(move || end_of(&handle).success().is_some()));
    drop(project);
    // Closed is closed: nothing ends later.
    assert!(handles.iter().all(|handle| handle.outcome().is_some()));
    let [adopted, built, _] = waiters.map(|waiter| waiter.join().unwrap());
    assert!(!(adopted && locked_out.is_some()), "it had no lane");
    assert!(!built);
    let told = listener.join().unwrap();

    let logs = world.settled();
    assert_eq!(lifecycle(&told), lifecycle(&logs[0]));
    assert_eq!(told.iter().filter(|event| event.terminal).count(), handles.len());
    assert_eq!((world.registry_lines(), world.is_anchored()), (usize::from(adopted), adopted));
    drop(locked_out);
}
