//! A watched project on a real disk: what differs is named, what this process does itself is not, and what other processes
//! commit is said to be unknown until somebody has looked.

use std::time::{Duration, Instant};

use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::record::{FreshnessCause, FreshnessRecord, UnknownCause};
use packer_events::report::{Ending, OutcomeReport};
use packer_runtime::api::{
    AssetQuery, Automatic, BuildParticipation, BuildRequest, Command, Feed, Freshness, From, Mutation,
    OpenOptions, Project, SetBuild, WatchOptions, recorded_logs,
};

use super::support::{Workspace, adopt_all, built, mutated, run, until};

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_mins(1);

fn open(workspace: &Workspace, automatic: Automatic) -> (Project, Feed) {
    let watch = Some(WatchOptions { automatic });
    let options = OpenOptions { watch, jobs: Some(2), ..OpenOptions::default() };
    Project::open_and_subscribe(&workspace.root, options).unwrap()
}

/// Waits for a transition that names `path`.
#[track_caller]
fn until_named(feed: &mut Feed, path: &str) -> FreshnessRecord {
    let names = |event: &Event| match &event.body {
        EventBody::Freshness { paths, .. } => paths.iter().any(|named| named.as_str() == path),
        _ => false,
    };
    let item = until(feed, names);
    let EventBody::Freshness { to, .. } = &item.event.body else { unreachable!() };
    to.clone()
}

fn is_watched(project: &Project) -> bool {
    matches!(project.status().freshness, Freshness::Verified { watched: true, .. })
}

/// The transitions among the events of a log, told in order.
fn transitions(
    workspace: &Workspace,
    project: Project,
) -> Vec<(FreshnessRecord, FreshnessCause, Vec<String>)> {
    let watch = project.watch().unwrap().clone();
    drop(project);
    let outcome = watch.wait().unwrap();
    let Ending::Succeeded(OutcomeReport::Watch(report)) = outcome.ending() else { panic!("{outcome:#?}") };
    let said = |event: Event| match event.body {
        EventBody::Freshness { to, cause, paths, .. } => {
            Some((to, cause, paths.iter().map(ToString::to_string).collect()))
        }
        _ => None,
    };
    let told: Vec<_> = workspace.events_of(watch.id()).into_iter().filter_map(said).collect();
    assert_eq!(report.transitions, told.len() as u64);
    told
}

#[test]
fn an_edit_a_new_folder_and_a_deletion_are_named() {
    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    workspace.write("assets/b.txt", b"b");
    let (project, mut feed) = open(&workspace, Automatic::Nothing);
    let accepted = until(&mut feed, |event| matches!(event.body, EventBody::Accepted { .. }));
    let watch = project.watch().unwrap().id();
    assert_eq!(accepted.event.operation_id, watch, "the feed begins with the beginning");
    assert!(matches!(accepted.event.body, EventBody::Accepted { kind: OperationKind::Watch, .. }));
    assert!(is_watched(&project));

    workspace.write("assets/a.txt", b"other");
    assert_eq!(
        until_named(&mut feed, "a.txt"),
        FreshnessRecord::Dirty { paths: 1, registry: false, configuration: false }
    );
    workspace.write("assets/ui/deep/new.txt", b"new");
    until_named(&mut feed, "ui/deep/new.txt");
    workspace.remove("assets/b.txt");
    until_named(&mut feed, "b.txt");
    let Freshness::Dirty { paths, .. } = project.status().freshness.clone() else { panic!() };
    let mut paths: Vec<_> = paths.iter().map(packer_runtime::api::AssetPath::as_str).collect();
    paths.retain(|path| !["ui", "ui/deep"].contains(path));
    assert_eq!(paths, ["a.txt", "b.txt", "ui/deep/new.txt"]);

    assert!(run(&project, Command::Refresh).success().is_some());
    // What was done before the refresh began may have to be looked at again; then it is verified.
    until_watched(&project);
    assert!(transitions(&workspace, project).len() >= 4);
}

/// Waits until nothing stands against the snapshot.
#[track_caller]
fn until_watched(project: &Project) {
    let deadline = Instant::now() + PATIENCE;
    let mut feed = project.subscribe(From::Now);
    while !is_watched(project) {
        assert!(Instant::now() < deadline, "{:?}", project.status().freshness);
        let _ = feed.next(Duration::from_millis(20));
    }
}

#[test]
fn what_this_process_writes_marks_nothing() {
    let workspace = Workspace::new();
    for n in 0..40 {
        workspace.write(&format!("assets/texts/{n}.txt"), format!("{n}").as_bytes());
    }
    let (project, mut feed) = open(&workspace, Automatic::Nothing);
    for round in 0..8 {
        if round > 0 {
            workspace.write(&format!("assets/new-{round}.txt"), b"new");
            until_named(&mut feed, &format!("new-{round}.txt"));
        }
        mutated(&run(&project, Command::Mutate(adopt_all(None))));
        built(&run(&project, Command::Build(BuildRequest::default())));
        assert!(run(&project, Command::Refresh).success().is_some());
    }
    // An edit that comes last has hints of everything before it behind it.
    workspace.write("assets/last.txt", b"last");
    until_named(&mut feed, "last.txt");
    let named: Vec<String> =
        transitions(&workspace, project).into_iter().flat_map(|(_, _, paths)| paths).collect();
    let own: Vec<&String> = named.iter().filter(|path| path.ends_with(".asset.toml")).collect();
    assert!(own.is_empty(), "{own:?}");
    let others = |path: &&String| path.starts_with("new-") || path.as_str() == "last.txt";
    assert_eq!(named.iter().filter(others).count(), named.len(), "{named:?}");
}

#[test]
fn a_commit_that_looks_at_no_file_leaves_dirty_what_is_and_marks_nothing_itself() {
    let workspace = Workspace::new();
    for name in ["a", "b"] {
        workspace.write(&format!("assets/{name}.txt"), name.as_bytes());
    }
    let (project, mut feed) = open(&workspace, Automatic::Nothing);
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    until_watched(&project);
    let uuid = project.status().snapshot.assets(&AssetQuery::default()).rows[1].uuid.unwrap();
    let set = |build| Command::Mutate(Mutation::SetBuild(SetBuild { assets: vec![uuid], build }));
    for _ in 0..4 {
        mutated(&run(&project, set(BuildParticipation::Excluded)));
        mutated(&run(&project, set(BuildParticipation::Included)));
    }
    workspace.write("assets/a.txt", b"other");
    until_named(&mut feed, "a.txt");
    let before = project.status();
    mutated(&run(&project, set(BuildParticipation::Excluded)));
    let after = project.status();
    assert_eq!(after.freshness, before.freshness, "the edit was not looked at");
    assert_eq!(after.snapshot.revision(), before.snapshot.revision().next());
    assert_eq!(after.snapshot.summary().assets.excluded, 1);
    // A later edit has hints of everything before it behind it.
    workspace.write("assets/last.txt", b"last");
    until_named(&mut feed, "last.txt");
    let Freshness::Dirty { paths, registry, configuration } = project.status().freshness.clone() else {
        panic!("{:?}", project.status().freshness)
    };
    let paths: Vec<_> = paths.iter().map(packer_runtime::api::AssetPath::as_str).collect();
    assert_eq!((paths, registry, configuration), (vec!["a.txt", "last.txt"], false, false));
    assert!(run(&project, Command::Refresh).success().is_some());
    until_watched(&project);
    let told = transitions(&workspace, project);
    let outside = told.iter().filter(|(_, cause, _)| *cause == FreshnessCause::ChangedOutside).count();
    assert_eq!(outside, 0, "{told:#?}");
}

#[test]
fn a_commit_of_another_process_is_unknown_until_a_refresh() {
    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    let (project, mut feed) = open(&workspace, Automatic::Nothing);
    // Its lock and its source are another's: to this one it is another process.
    let other = workspace.open();
    mutated(&run(&other, Command::Mutate(adopt_all(None))));
    let outside = FreshnessRecord::Unknown { cause: UnknownCause::ChangedOutside };
    until(&mut feed, |event| matches!(&event.body, EventBody::Freshness { to, .. } if *to == outside));
    assert_eq!(project.status().snapshot.summary().assets.managed, 0, "nothing is refreshed in silence");
    assert!(run(&project, Command::Refresh).success().is_some());
    assert_eq!(project.status().snapshot.summary().assets.managed, 1);
    until_watched(&project);
    // And the other way round: its own commit is no other's.
    workspace.write("assets/b.txt", b"b");
    until_named(&mut feed, "b.txt");
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    until_watched(&project);
    drop(other);
    let told = transitions(&workspace, project);
    let outside = told.iter().filter(|(_, cause, _)| *cause == FreshnessCause::ChangedOutside).count();
    assert_eq!(outside, 1, "{told:#?}");
}

#[test]
fn a_branch_switch_is_followed_by_itself_if_that_is_wanted() {
    let workspace = Workspace::new();
    for n in 0..200 {
        workspace.write(&format!("assets/{}/{n}.txt", n % 7), format!("{n}").as_bytes());
    }
    let (project, mut feed) = open(&workspace, Automatic::Refresh);
    let watch = project.watch().unwrap().id();
    for round in 0..3 {
        for n in 0..200 {
            let (old, new) = (n % 7 + round, n % 7 + round + 1);
            let file = |folder: i32| format!("assets/{folder}/{n}.txt");
            workspace.write(&file(new), format!("{n} in {round}").as_bytes());
            workspace.remove(&file(old));
        }
        let last = format!("round-{round}.txt");
        workspace.write(&format!("assets/{last}"), b"");
        let deadline = Instant::now() + PATIENCE;
        let size = |project: &Project| {
            let path = packer_runtime::api::AssetPath::parse(&last).unwrap();
            project.status().snapshot.size_of(&path)
        };
        while size(&project).is_none() || !is_watched(&project) {
            assert!(Instant::now() < deadline, "{:?}", project.status().freshness);
            let _ = feed.next(Duration::from_millis(20));
        }
        let fresh = workspace.open();
        let (followed, opened) = (project.status(), fresh.status());
        assert_eq!(followed.snapshot.unclaimed(), opened.snapshot.unclaimed());
        assert_eq!(followed.snapshot.diagnostics(), opened.snapshot.diagnostics());
    }
    drop(project);
    let logs = recorded_logs(&workspace.root).unwrap();
    let refreshes: Vec<_> = logs
        .iter()
        .flat_map(|log| &log.events)
        .filter(|event| matches!(event.body, EventBody::Accepted { kind: OperationKind::Refresh, .. }))
        .map(|event| event.causation_id)
        .collect();
    assert!(refreshes.len() >= 3 && refreshes.iter().all(|cause| *cause == Some(watch)), "{refreshes:?}");
}

#[test]
fn an_assets_root_that_is_replaced_is_watched_again() {
    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    let (project, mut feed) = open(&workspace, Automatic::Nothing);
    workspace.rename("assets", "elsewhere");
    let lost = FreshnessRecord::Unknown { cause: UnknownCause::WatchLost };
    until(&mut feed, |event| matches!(&event.body, EventBody::Freshness { to, .. } if *to == lost));
    assert!(run(&project, Command::Refresh).success().is_none(), "there is nothing to observe");
    assert!(matches!(project.status().freshness, Freshness::Unknown { cause: UnknownCause::WatchLost }));
    workspace.write("assets/b.txt", b"b");
    let deadline = Instant::now() + PATIENCE;
    while !is_watched(&project) {
        assert!(Instant::now() < deadline, "{:?}", project.status().freshness);
        assert!(run(&project, Command::Refresh).success().is_some());
    }
    workspace.write("assets/c.txt", b"c");
    until_named(&mut feed, "c.txt");
}

#[test]
fn configuration_and_ignore_rules_are_followed() {
    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    workspace.write("assets/drafts/x.txt", b"x");
    let (project, mut feed) = open(&workspace, Automatic::Refresh);
    workspace.write("assets/.packerignore", b"/drafts/\n");
    let deadline = Instant::now() + PATIENCE;
    let unclaimed = |project: &Project| project.status().snapshot.summary().files.unclaimed;
    while unclaimed(&project) != 1 || !is_watched(&project) {
        assert!(Instant::now() < deadline);
        let _ = feed.next(Duration::from_millis(20));
    }
    // The assets root moves.
    let config = workspace.text("packer.toml");
    workspace.write("art/z.txt", b"z");
    workspace.write("art/y.txt", b"y");
    let moved = config.replace("assets = \"assets\"", "assets = \"art\"");
    assert!(moved != config);
    workspace.write("packer.toml", moved.as_bytes());
    while unclaimed(&project) != 2 || !is_watched(&project) {
        assert!(Instant::now() < deadline, "{:?}", project.status().freshness);
        let _ = feed.next(Duration::from_millis(20));
    }
    workspace.write("art/w.txt", b"w");
    while unclaimed(&project) != 3 {
        assert!(Instant::now() < deadline, "{:?}", project.status().freshness);
        let _ = feed.next(Duration::from_millis(20));
    }
}
