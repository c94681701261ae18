//! Dead processes whose logs take nothing while they are recovered: how their operations ended is told by whoever comes later,
//! and told as it would have been at first.

use std::io;

use packer_domain::identity::{OperationId, SourceId};
use packer_events::body::{EventBody, OperationKind};
use packer_events::report::{Ending, OutcomeReport, RecoverReport, RecoveryResult};
use packer_events::sequence::StreamCheck;
use packer_fs::layout;

use super::deaths::dies_at;
use super::moments::observes;
use super::scene::{Opening, Scene};
use super::ways::{Cause, End};
use crate::record::recorded_logs;

/// Lets the log of `source` take nothing: not the first write to it, or not even an opening.
fn refuse(scene: &Scene, source: SourceId, refused: &'static str, times: u64) {
    let (log, mut left) = (layout::event_log(source), times);
    scene.disk.hook(move |name, path| {
        if name == refused && path == log && left > 0 {
            left -= 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    });
}

/// How the log of `source`, which has no holes, says that its operations ended.
fn ends(scene: &Scene, source: SourceId) -> Vec<(OperationId, End)> {
    let logs = recorded_logs(&scene.root).unwrap();
    let log = logs.iter().find(|log| log.source == source).unwrap();
    assert!(log.holes.is_empty(), "{:?}", log.holes);
    let mut check = StreamCheck::log();
    log.events.iter().for_each(|event| check.push(event).unwrap());
    let end = |event: &std::sync::Arc<packer_events::event::Event>| {
        Some((event.operation_id, End::of(&event.body.ending()?)))
    };
    log.events.iter().filter_map(end).collect()
}

/// What the recoveries of this opening did; `None` of one that failed because the disk did.
fn recovered(scene: &Scene) -> Vec<Option<RecoveryResult>> {
    let result = |ending: &Ending| match ending {
        Ending::Succeeded(OutcomeReport::Recover(RecoverReport { result, .. })) => Some(*result),
        other => {
            assert_eq!(End::of(other), End::Failed(Cause::Io));
            None
        }
    };
    scene.project().recovered().iter().map(|outcome| result(outcome.ending())).collect()
}

#[test]
fn an_end_that_a_dead_log_refuses_takes_no_number_and_is_told_by_no_recovery() {
    let mut scene = Scene::new(OperationKind::Refresh, Opening { watched: true, ..Opening::default() });
    let source = scene.project().source();
    let watch = scene.project().watch().unwrap().id();
    let (refresh, _) = dies_at(&mut scene, observes);
    assert_eq!(ends(&scene, source), []);
    refuse(&scene, source, "write", 1);
    scene.open_unwatched();
    // One could not be stored, and the other takes the number that it would have had.
    let mut results = recovered(&scene);
    results.sort_by_key(Option::is_some);
    assert_eq!(results, [None, Some(RecoveryResult::Dropped)]);
    let stored = ends(&scene, source);
    assert!(matches!(stored[..], [(_, End::Aborted)]), "{stored:?}");
    scene.disk.unhook();
    scene.open_unwatched();
    assert_eq!(recovered(&scene), [Some(RecoveryResult::Dropped)]);
    let mut stored = ends(&scene, source);
    stored.sort_by_key(|(operation, _)| *operation);
    assert_eq!(stored, [(watch, End::Aborted), (refresh, End::Aborted)]);
}

#[test]
fn a_recovery_that_is_told_nothing_by_the_log_of_the_dead_tells_of_nothing_either() {
    let mut scene = Scene::new(OperationKind::Refresh, Opening::default());
    let source = scene.project().source();
    let (refresh, _) = dies_at(&mut scene, observes);
    refuse(&scene, source, "write", u64::MAX);
    scene.open_unwatched();
    assert_eq!(recovered(&scene), [None]);
    let logs = recorded_logs(&scene.root).unwrap();
    let said = logs.iter().flat_map(|log| &log.events).filter(|event| event.causation_id == Some(refresh));
    let ends: Vec<EventBody> = said.filter(|event| event.terminal).map(|event| event.body.clone()).collect();
    assert!(matches!(ends[..], [EventBody::Failed { .. }]), "{ends:?}");
    scene.disk.unhook();
    scene.open_unwatched();
    assert_eq!(recovered(&scene), [Some(RecoveryResult::Dropped)]);
}
