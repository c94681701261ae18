//! A plan that was shown, against somebody else who does the same meanwhile.

use std::sync::Arc;

use packer_domain::mutation::Verdict;
use packer_events::report::{Ending, MutationReport, OutcomeReport, Rejection};
use shuttle::rand::Rng;
use shuttle::thread;

use crate::outcome::Outcome;
use crate::project::Command;
use crate::world::{World, adopt, end_of};

/// One looks at a plan and applies it; the other, in the same process or in another, adopts the same. Whoever comes first
/// adopts; the other finds nothing to do, or, if what it was shown would no longer be what is done, is refused.
pub(super) fn run() {
    let world = World::new();
    let project = Arc::new(world.open());
    let second =
        if shuttle::rand::thread_rng().gen_bool(0.5) { Arc::clone(&project) } else { Arc::new(world.open()) };
    let other = thread::spawn(move || end_of(&second.submit(Command::Mutate(adopt()))));
    let plan = project.preview(&adopt()).unwrap();
    // What was read for a preview may be what the other one has made in the meantime; then it says that it cannot be done.
    let verdict = plan.verdict;
    let shown = end_of(&project.submit(Command::Apply(Box::new(plan.into()))));
    let other = other.join().unwrap();
    let other = mutated(&other).expect("what is planned under the lane is never stale");
    match (mutated(&shown), verdict) {
        (Some(shown), Verdict::Ready) => {
            assert_eq!((shown.assets_added, shown.commit), (1, Some(1)), "it did what was shown");
            assert_eq!((other.assets_added, other.unchanged), (0, true));
        }
        (Some(shown), Verdict::Empty | Verdict::Blocked) => {
            assert!(shown.unchanged, "nothing was shown, and something done: {shown:?}");
            assert_eq!(other.commit, Some(1));
        }
        (None, _) => {
            let Ending::Rejected(report) = shown.ending() else { panic!("{shown:#?}") };
            assert!(
                matches!(report.reason, Rejection::StalePlan { .. } | Rejection::Blocked { .. }),
                "{report:#?}"
            );
            assert_eq!((other.assets_added, other.commit), (1, Some(1)));
        }
    }
    assert_eq!((world.registry_lines(), world.is_anchored()), (1, true), "it was adopted once");
    drop(project);
    world.settled();
}

fn mutated(outcome: &Outcome) -> Option<&MutationReport> {
    match outcome.success() {
        Some(OutcomeReport::Mutation(report)) => Some(report),
        _ => None,
    }
}
