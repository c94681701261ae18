//! The whole way from a hint to an event, on a disk on which things happen at the worst moment.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use packer_events::report::{Ending, Failure, OutcomeReport};

use super::*;

#[test]
fn an_edit_is_dirty_until_a_refresh_has_seen_it() {
    let mut bench = Bench::scripted(Automatic::Nothing);
    assert!(is_watched(&bench.freshness()));
    let revision = bench.project().status().snapshot.revision();
    bench.write("assets/a.txt", "other");
    bench.write("assets/new.txt", "new");
    for path in ["a.txt", "new.txt", "never.txt", "ignored"] {
        bench.hint(path);
    }
    let mut named = Vec::new();
    while named.len() < 2 {
        let (to, cause, paths) = bench.transition();
        assert_eq!(cause, FreshnessCause::PathsChanged);
        named.extend(paths);
        assert_eq!(to, dirty(named.len() as u64));
    }
    named.sort();
    assert_eq!(named, ["a.txt", "new.txt"], "what is not there, and was not, is the same");
    let status = bench.project().status();
    assert_eq!(status.snapshot.revision(), revision, "only an operation replaces a snapshot");

    assert!(bench.run(Command::Refresh).success().is_some());
    let (to, cause, paths) = bench.transition();
    assert!(matches!(to, FreshnessRecord::Verified { watched: true, .. }) && paths.is_empty());
    assert_eq!(cause, FreshnessCause::Observed);
    assert!(bench.project().status().snapshot.revision() > revision);
    let events = bench.closed();
    assert!(matches!(events.last().unwrap().body, EventBody::Succeeded { .. }));
}

#[test]
fn what_is_as_the_snapshot_has_it_is_not_told() {
    let mut bench = Bench::scripted(Automatic::Nothing);
    std::fs::create_dir(bench.root.join("assets/empty")).unwrap();
    assert!(bench.run(Command::Refresh).success().is_some());
    bench.write("assets/a.txt", "a");
    for path in ["a.txt", "empty", "nothing", "ignored"] {
        bench.hint(path);
    }
    bench.hints.registry();
    bench.hints.configuration();
    bench.hints.head();
    bench.hints.operational();
    bench.hints.root();
    bench.until_marked("mark.txt");
    let Freshness::Dirty { paths, registry, configuration } = bench.freshness() else {
        panic!("{:?}", bench.freshness())
    };
    assert_eq!((paths, registry, configuration), (vec![path_of("mark.txt")], false, false));
    // An edit that is taken back is none.
    std::fs::remove_file(bench.root.join("assets/mark.txt")).unwrap();
    bench.hint("mark.txt");
    let (to, cause, paths) = bench.transition();
    assert!(matches!(to, FreshnessRecord::Verified { watched: true, .. }), "{to:?}");
    assert_eq!((cause, paths), (FreshnessCause::LookedAt, vec!["mark.txt".to_owned()]));
    bench.closed();
}

#[test]
fn folders_and_the_project_s_own_files_are_compared_too() {
    let mut bench = Bench::scripted(Automatic::Nothing);
    std::fs::create_dir(bench.root.join("assets/ui")).unwrap();
    bench.write("assets/ui/b.txt", "b");
    bench.hint("ui");
    assert_eq!(bench.transition().2, ["ui"]);
    assert!(bench.run(Command::Refresh).success().is_some());
    bench.transition();
    // Moved away, with another folder in its place.
    std::fs::rename(bench.root.join("assets/ui"), bench.root.join("ui")).unwrap();
    std::fs::create_dir(bench.root.join("assets/ui")).unwrap();
    bench.hint("ui");
    assert_eq!(bench.transition().2, ["ui"]);
    std::fs::remove_dir(bench.root.join("assets/ui")).unwrap();
    std::fs::rename(bench.root.join("ui"), bench.root.join("assets/ui")).unwrap();
    bench.hint("ui");
    assert_eq!(bench.transition().1, FreshnessCause::LookedAt);

    let registry = std::fs::read_to_string(bench.root.join("registry.jsonl")).unwrap();
    bench.write("registry.jsonl", &format!("{registry}<<<<<<<\n"));
    bench.hints.registry();
    let to = bench.transition().0;
    assert_eq!(to, FreshnessRecord::Dirty { paths: 0, registry: true, configuration: false });
    assert!(bench.run(Command::Refresh).success().is_none());
    assert_eq!(FreshnessRecord::from(&bench.freshness()), to, "a refresh that failed settles nothing");
    bench.write("registry.jsonl", &registry);
    bench.hints.registry();
    assert_eq!(bench.transition().1, FreshnessCause::LookedAt);
    bench.write("packer.toml", "[project]\nname = \"other\"\n");
    bench.hints.configuration();
    assert_eq!(
        bench.transition().0,
        FreshnessRecord::Dirty { paths: 0, registry: false, configuration: true }
    );
    // Something in the assets root that has no path.
    std::fs::write(bench.root.join("assets/a\\b"), "").unwrap();
    bench.hints.root();
    assert_eq!(bench.transition().0, unknown(UnknownCause::Overflow));
    bench.closed();
}

#[test]
fn an_edit_behind_the_back_of_a_scan_is_dirty_when_that_has_completed() {
    let mut bench = Bench::scripted(Automatic::Nothing);
    bench.write("assets/a.txt", "first");
    let (root, hints) = (bench.root.clone(), Arc::clone(&bench.hints));
    let met = AtomicBool::new(false);
    // Once the scan has read the file, and before it counts: the head is read again, to see whether anybody committed.
    let read = AtomicBool::new(false);
    bench.disk.hook(move |name, path| {
        if name == "open" && path.as_str() == "assets/a.txt" {
            read.store(true, Ordering::Relaxed);
        } else if path.starts_with(".packer")
            && read.load(Ordering::Relaxed)
            && !met.swap(true, Ordering::Relaxed)
        {
            std::fs::write(root.join("assets/a.txt"), "second").unwrap();
            hints.path(path_of("a.txt"), News::Touched);
        }
        Ok(())
    });
    assert!(bench.run(Command::Refresh).success().is_some());
    let status = bench.project().status();
    assert_eq!(FreshnessRecord::from(&status.freshness), dirty(1), "the edit was not seen by the scan");
    bench.disk.unhook();
    assert!(bench.run(Command::Refresh).success().is_some());
    assert!(is_watched(&bench.freshness()));
    bench.closed();
}

#[test]
fn a_lost_watch_is_unknown_and_begins_anew() {
    let mut bench = Bench::scripted_from(Automatic::Nothing, |tried| match tried {
        // The watch that opening began, and another after two that could not.
        0 | 3.. => Ok(()),
        1 | 2 => Err(WatchError::Limit { path: "assets".into() }),
    });
    bench.hint("limit");
    assert_eq!(bench.transition().0, unknown(UnknownCause::WatchLost));
    // A scan verifies; whether anybody watches by then, it knows.
    assert!(bench.run(Command::Refresh).success().is_some());
    let mut tries = 0;
    while !is_watched(&bench.freshness()) {
        tries += 1;
        assert!(tries < 10_000, "it never watches again");
        assert!(bench.run(Command::Refresh).success().is_some());
    }
    bench.hints.lost("gone".to_owned());
    bench.until(|event| matches!(&event.body, EventBody::Freshness { cause: FreshnessCause::WatchLost, .. }));
    bench.closed();
}

#[test]
fn a_project_that_cannot_be_watched_opens_all_the_same() {
    let mut bench =
        Bench::scripted_from(Automatic::Refresh, |_| Err(WatchError::Limit { path: "assets".into() }));
    assert!(matches!(bench.freshness(), Freshness::Verified { watched: false, .. }));
    let outcome = bench.project().watch().unwrap().wait().unwrap();
    let Ending::Failed(report) = outcome.ending() else { panic!("{outcome:?}") };
    assert!(matches!(&report.cause, Failure::Io { message, .. } if message.contains("limit")), "{report:?}");
    assert!(bench.run(Command::Refresh).success().is_some());
    assert!(matches!(bench.freshness(), Freshness::Verified { watched: false, .. }));
    bench.closed();
}

#[test]
fn a_watch_that_panics_or_is_called_off_ends_and_the_rest_goes_on() {
    for panics in [true, false] {
        let mut bench = Bench::scripted(Automatic::Nothing);
        let handle = bench.project().watch().unwrap().clone();
        if panics {
            bench.hint("panic");
        } else {
            handle.cancel();
        }
        let outcome = handle.wait().unwrap();
        match outcome.ending() {
            Ending::Failed(report) if panics => assert!(matches!(report.cause, Failure::Panic { .. })),
            Ending::Cancelled(_) if !panics => {}
            other => panic!("{other:?}"),
        }
        assert!(matches!(bench.freshness(), Freshness::Verified { watched: false, .. }));
        assert!(bench.run(Command::Refresh).success().is_some());
        bench.closed();
    }
}

#[test]
fn an_automatic_refresh_is_an_operation_with_a_cause_and_is_not_repeated_in_vain() {
    let mut bench = Bench::scripted(Automatic::Refresh);
    let watch = bench.project().watch().unwrap().id();
    let refreshes = Arc::new(AtomicU32::new(0));
    bench.write("assets/a.txt", "other");
    bench.hint("a.txt");
    let item = bench.until(|event| event.operation_id != watch && event.terminal);
    assert_eq!(item.event.causation_id, Some(watch));
    let Some(OutcomeReport::Refresh(report)) = item.outcome.as_ref().and_then(Outcome::success) else {
        panic!("{item:?}")
    };
    assert_eq!(
        report.changed.added + report.changed.changed + report.changed.removed,
        0,
        "nothing is managed"
    );
    assert!(is_watched(&bench.freshness()));

    // While the registry cannot be read, one refresh fails, and the next comes when it was mended.
    let registry = std::fs::read_to_string(bench.root.join("registry.jsonl")).unwrap();
    bench.write("registry.jsonl", "no registry\n");
    bench.hints.registry();
    let item = bench.until(|event| event.operation_id != watch && event.terminal);
    assert!(item.outcome.unwrap().success().is_none());
    bench.write("registry.jsonl", &registry);
    bench.hints.registry();
    bench.until(|event| matches!(event.body, EventBody::Freshness { cause: FreshnessCause::LookedAt, .. }));
    bench.write("assets/b.txt", "b");
    bench.hint("b.txt");
    bench.until(|event| event.operation_id != watch && event.terminal);
    let events = bench.closed();
    let counted = events.iter().filter(|event| event.operation_id != watch && event.terminal).count();
    refreshes.store(u32::try_from(counted).unwrap(), Ordering::Relaxed);
    assert_eq!(counted, 3);
}

#[test]
fn automatic_builds_begin_at_once_and_follow_changes() {
    let request = crate::build::BuildRequest::default();
    let mut bench = Bench::scripted(Automatic::Build(Box::new(request)));
    let watch = bench.project().watch().unwrap().id();
    let ended = |event: &Event| event.operation_id != watch && event.terminal;
    let built = |item: &FeedItem| match item.outcome.as_ref().and_then(Outcome::success) {
        Some(OutcomeReport::Build(report)) => (report.assets, report.unchanged),
        other => panic!("{other:?}"),
    };
    let first = bench.until(ended);
    assert_eq!(first.event.causation_id, Some(watch));
    assert_eq!(built(&first), (0, false));
    // Somebody else publishes, in this process: what readers see is built.
    let adopt = packer_domain::mutation::Adopt {
        targets: vec![packer_domain::mutation::Target::Root],
        kind: None,
        draw: crate::clock::draw(),
    };
    assert!(bench.run(Command::Mutate(packer_domain::mutation::Mutation::Adopt(adopt))).success().is_some());
    bench.until(ended);
    assert_eq!(built(&bench.until(ended)), (1, false));
    bench.write("assets/a.txt", "other");
    bench.hint("a.txt");
    assert_eq!(built(&bench.until(ended)), (1, false));
    let events = bench.closed();
    assert_eq!(events.iter().filter(|event| ended(event)).count(), 4);
}
