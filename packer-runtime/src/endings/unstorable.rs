//! Dead processes whose logs take nothing while they are recovered: how their operations ended is told by whoever comes later,
//! and told as it would have been at first.

use std::io;

use packer_domain::identity::{OperationId, SourceId};
use packer_events::body::{EventBody, OperationKind};
use packer_events::report::{Ending, OutcomeReport, RecoverReport, RecoveryResult};
use packer_events::sequence::StreamCheck;
use packer_fs::layout;

use super::deaths::dies_at;
use super::moments::{commits, full_from, observes, places};
use super::play::judge;
use super::scene::{Opening, Scene, build, options, run};
use super::ways::{Cause, Class, Death, Doubt, End, Way};
use crate::build::PACK_FILE;
use crate::project::{Command, Project};
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
    let stored = ends(&scene, source);
    assert!(stored.iter().all(|(_, end)| *end == End::Aborted), "{stored:?}");
    let mut ended: Vec<OperationId> = stored.iter().map(|(operation, _)| *operation).collect();
    let mut died = [watch, refresh];
    ended.sort();
    died.sort();
    assert_eq!(ended, died);
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

#[test]
fn what_had_committed_is_told_as_recovered_by_the_first_that_can_store_it() {
    let commit =
        |kind: &OperationKind| matches!(Class::of(*kind), Class::Mutation | Class::Recovery | Class::Build);
    for kind in OperationKind::ALL.iter().copied().filter(commit) {
        for refused in ["open_write", "write"] {
            let mut scene = Scene::new(kind, Opening::default());
            if kind == OperationKind::Recover {
                scene.freeze();
            }
            let source = scene.project().source();
            let is_build = kind == OperationKind::Build;
            let (operation, told) = dies_at(&mut scene, if is_build { places } else { commits });
            refuse(&scene, source, refused, u64::MAX);
            scene.open_unwatched();
            assert_eq!(recovered(&scene), [None], "{kind}, {refused}");
            // Others work on, and replace what it made.
            let next = if is_build { Command::Build(build()) } else { Command::Refresh };
            assert!(run(scene.project(), next).success().is_some(), "{kind}, {refused}");
            assert!(ends(&scene, source).iter().all(|(of, _)| *of != operation), "{kind}, {refused}");
            scene.disk.unhook();
            scene.open_unwatched();
            assert_eq!(recovered(&scene), [Some(RecoveryResult::Closed)], "{kind}, {refused}");
            judge(&mut scene, Way::Dies(Death::After), operation, told);
            assert!(
                scene.root.join(layout::JOURNAL).read_dir_utf8().unwrap().next().is_none(),
                "{kind}, {refused}"
            );
        }
    }
}

#[test]
fn a_build_whose_end_waits_in_a_process_that_lives_is_told_as_recovered_once_that_dies() {
    for dies in [true, false] {
        let mut scene = Scene::new(OperationKind::Build, Opening::default());
        let source = scene.project().source();
        scene.disk.hook(full_from(places, |path| path.starts_with(layout::EVENTS)));
        let handle = scene.submit(Command::Build(build()));
        let told = handle.wait();
        assert!(told.is_err(), "{told:#?}");
        let other = Project::open(&scene.root, options(Opening::default())).unwrap();
        assert_eq!(other.recovered().len(), 1);
        assert!(run(&other, Command::Build(build())).success().is_some());
        drop(other);
        if dies {
            scene.abandon();
            scene.disk.unhook();
            judge(&mut scene, Way::Dies(Death::After), handle.id(), Some(told));
        } else {
            // It stores its end itself.
            scene.disk.unhook();
            scene.close();
            scene.open().unwrap();
            assert_eq!(recovered(&scene), []);
            assert_eq!(ends(&scene, source), [(handle.id(), End::Succeeded)]);
        }
        assert!(scene.root.join(layout::JOURNAL).read_dir_utf8().unwrap().next().is_none());
    }
}

#[test]
fn outputs_that_may_be_a_mixture_are_never_told_as_if_nothing_was_changed() {
    for refused in [None, Some("open_write"), Some("write")] {
        let mut scene = Scene::new(OperationKind::Build, Opening::default());
        let source = scene.project().source();
        assert!(run(scene.project(), Command::Build(build())).success().is_some());
        let (operation, _) = dies_at(&mut scene, places);
        let output = scene.root.join("build");
        let staging = layout::output_staging(&output, operation);
        assert!(staging.join(PACK_FILE).exists(), "the pack is not in place");
        std::fs::remove_dir_all(staging).unwrap();
        if let Some(refused) = refused {
            refuse(&scene, source, refused, u64::MAX);
            scene.open_unwatched();
            assert_eq!(recovered(&scene), [None]);
            assert!(run(scene.project(), Command::Build(build())).success().is_some());
            scene.disk.unhook();
        }
        scene.open_unwatched();
        assert_eq!(recovered(&scene), [Some(RecoveryResult::Dropped)]);
        let ends = ends(&scene, source);
        assert_eq!(ends.last(), Some(&(operation, End::Unknown(Doubt::Io))), "{ends:?}");
        scene.open_unwatched();
        assert_eq!(recovered(&scene), []);
        assert!(scene.root.join(layout::JOURNAL).read_dir_utf8().unwrap().next().is_none());
    }
}

#[test]
fn what_froze_and_was_settled_before_its_log_took_an_end_is_not_told_as_if_nothing_was_changed() {
    let mut scene = Scene::new(OperationKind::Adopt, Opening::default());
    let source = scene.project().source();
    let (operation, _) = dies_at(&mut scene, commits);
    Scene::edit_everything(&scene.root);
    refuse(&scene, source, "write", u64::MAX);
    scene.open_unwatched();
    assert_eq!(recovered(&scene), [None]);
    scene.frozen = Some(operation);
    let settled = run(scene.project(), Command::Mutate(scene.mutation(OperationKind::Recover)));
    assert!(settled.success().is_some(), "{settled:#?}");
    scene.disk.unhook();
    scene.open_unwatched();
    assert_eq!(recovered(&scene), [Some(RecoveryResult::Closed)]);
    assert_eq!(ends(&scene, source), [(operation, End::Unknown(Doubt::EditedMeanwhile))]);
}
