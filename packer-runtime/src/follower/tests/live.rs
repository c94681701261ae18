//! Followers that join at any moment while sources say things into logs whose segments come and go.

use std::sync::mpsc::channel;
use std::thread;

use camino::Utf8PathBuf;
use packer_events::report::{Ending, OutcomeReport, RecoverReport, RecoveryResult};
use packer_fs::event_log::LogBounds;

use super::*;
use crate::feed::Bus;
use crate::operation::Operation;

/// Segments of a few operations, most of which are dropped.
const SMALL: LogBounds =
    LogBounds { segment_bytes: 3000, ended_segments: 2, old_logs: 10, old_bytes: 1 << 20 };

/// How many operations each source runs, and after how many of them somebody joins.
const EACH: usize = 400;
const JOIN: usize = 20;

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs an operation that does nothing but speak, and gives its end's position.
fn speak(bus: &Arc<Bus>) -> u64 {
    let operation = Operation::accept(bus, OperationKind::Recover, "speak".to_owned(), None, None);
    operation.say(EventBody::Started {});
    let report = RecoverReport { operation_id: operation.id, result: RecoveryResult::Closed, took_ms: 0 };
    let ended = operation.end(Ending::Succeeded(OutcomeReport::Recover(report))).unwrap();
    ended.event().position
}

/// Follows from `after` on until everything was told up to the positions of `ends`; how many events were, and how many were
/// said to be missed.
fn follow(root: &Utf8Path, after: &[(SourceId, u64)], ends: &[(SourceId, u64)]) -> (u64, u64) {
    let mut at: BTreeMap<SourceId, u64> = after.iter().copied().collect();
    let mut follower = LogFollower::new(root, after.iter().copied());
    let (mut told, mut missed) = (0, 0);
    while ends.iter().any(|(source, end)| at.get(source).is_none_or(|at| at < end)) {
        match follower.next(PATIENCE).unwrap() {
            LogNext::Event(event) => {
                let before = at.insert(event.source, event.position).unwrap_or(0);
                assert_eq!(event.position, before + 1, "of {}", event.source);
                told += 1;
            }
            LogNext::Missed(Missed { source, after, next }) => {
                let next = next.expect("it goes on");
                let before = at.insert(source, next - 1).unwrap_or(0);
                assert!(after == before && next > after + 1, "{before}, then {after}..{next}");
                missed += next - 1 - after;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(follower.next(Duration::ZERO).unwrap(), LogNext::Timeout);
    (told, missed)
}

#[test]
fn whoever_joins_at_any_moment_is_told_everything_once_or_that_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(OsDisk::new(root.clone()));
    let bus = || Bus::new(root.clone(), Arc::clone(&disk), SourceId::drawn(draw()), SMALL);
    let buses = [bus(), bus()];
    let last = 3 * EACH as u64;
    let ends: Vec<(SourceId, u64)> = buses.iter().map(|bus| (bus.source(), last)).collect();
    let (join, joining) = channel();
    let outcomes: Vec<(u64, u64)> = thread::scope(|scope| {
        for bus in &buses {
            let join = join.clone();
            scope.spawn(move || {
                for n in 1..=EACH {
                    let told = speak(bus);
                    if n % JOIN == 0 {
                        // From the beginning, from now, or from a little while ago.
                        let back = u64::from(draw().entropy[0]) % 60;
                        let after = [0, told, told.saturating_sub(back)][n / JOIN % 3];
                        join.send((bus.source(), after)).unwrap();
                    }
                }
            });
        }
        drop(join);
        let begin = |after| {
            let (root, ends) = (&root, &ends);
            scope.spawn(move || follow(root, &[after], ends))
        };
        let followers: Vec<_> = joining.iter().map(begin).collect();
        followers.into_iter().map(|follower| follower.join().unwrap()).collect()
    });
    assert_eq!(outcomes.len(), 2 * EACH / JOIN);
    let (told, missed) = outcomes.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(told > 1000 && missed > 1000, "{told} told, {missed} missed");
}
