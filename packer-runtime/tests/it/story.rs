//! The main job: adopt, build, build again, and what the events say of it.

use packer_events::report::{Ending, OutcomeReport, Rejection};
use packer_events::sequence::StreamCheck;
use packer_runtime::api::{BuildRequest, Command, From, MANIFEST_FILE, PACK_FILE, recorded_logs};
use packer_runtime::packs;

use super::support::{Workspace, adopt_all, build, run, until_end};

fn game() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("assets/texts/hello.txt", "Grüße\n".as_bytes());
    workspace.write("assets/data/items.json", br#"{"b":1,"a":[1,2]}"#);
    workspace.write("assets/blob.bin", &[7; 5000]);
    workspace
}

#[test]
fn adopts_builds_and_builds_again_without_a_change() {
    let workspace = game();
    let project = workspace.open();
    let adopted = run(&project, Command::Mutate(adopt_all(None)));
    let Some(OutcomeReport::Mutation(report)) = adopted.success() else { panic!("{adopted:?}") };
    assert_eq!((report.assets_added, report.files_created, report.commit), (2, 2, Some(1)));
    let rest = run(&project, Command::Mutate(adopt_all(Some("raw"))));
    let Some(OutcomeReport::Mutation(report)) = rest.success() else { panic!("{rest:?}") };
    assert_eq!((report.assets_added, report.commit), (1, Some(2)));
    assert_eq!(project.status().snapshot.diagnostics(), []);

    let first = build(&project);
    let Some(OutcomeReport::Build(built)) = first.success() else { panic!("{first:?}") };
    assert_eq!((built.assets, built.baked, built.unchanged), (3, 3, false));
    let pack = workspace.root.join("build").join(PACK_FILE);
    let report = packs::verify(&pack).unwrap();
    assert!(report.ok, "{report:?}");
    assert_eq!(report.pack_digest, built.pack_digest);

    let before = workspace.tree();
    let again = build(&project);
    let Some(OutcomeReport::Build(same)) = again.success() else { panic!("{again:?}") };
    assert_eq!((same.baked, same.reused, same.unchanged), (0, 3, true));
    assert_eq!(same.pack_digest, built.pack_digest);
    assert_eq!(workspace.tree(), before);
    drop(project);

    // Another process, after one input changed: only that one is baked, the rest is taken over.
    workspace.write("assets/texts/hello.txt", "Grüezi\n".as_bytes());
    let project = workspace.open();
    let changed = build(&project);
    let Some(OutcomeReport::Build(changed)) = changed.success() else { panic!("{changed:?}") };
    assert_eq!((changed.baked, changed.reused, changed.unchanged), (1, 2, false));
    assert!(packs::verify(&pack).unwrap().ok);
    let incremental = std::fs::read(&pack).unwrap();
    let clean =
        run(&project, Command::Build(BuildRequest { reuse: false, prove: true, ..BuildRequest::default() }));
    let Some(OutcomeReport::Build(clean)) = clean.success() else { panic!("{clean:?}") };
    assert_eq!((clean.baked, clean.proved), (3, true));
    assert_eq!(std::fs::read(&pack).unwrap(), incremental, "clean and incremental packs differ");

    let target = workspace.root.join("unpacked");
    let unpacked = packs::unpack(&pack, &target).unwrap();
    assert_eq!(unpacked.files, 3);
    assert_eq!(std::fs::read(target.join("blob.raw")).unwrap(), [7; 5000]);
    assert!(workspace.root.join("build").join(MANIFEST_FILE).is_file());
}

#[test]
fn the_log_tells_the_whole_story_in_order() {
    let workspace = game();
    let project = workspace.open();
    let mut feed = project.subscribe(From::Now);
    let handle = project.submit(Command::Mutate(adopt_all(None)));
    let mut check = StreamCheck::feed();
    for event in until_end(&mut feed) {
        check.push(&event).unwrap();
    }
    handle.wait().unwrap();
    build(&project);
    drop(project);
    let logs = recorded_logs(&workspace.root).unwrap();
    assert_eq!(logs.len(), 1);
    let mut check = StreamCheck::log();
    for event in &logs[0].events {
        check.push(event).unwrap();
    }
    assert_eq!(check.running().count(), 0, "every operation has ended");
    assert_eq!(logs[0].events.iter().filter(|event| event.terminal).count(), 2);
}

#[test]
fn a_plan_is_refused_when_its_effects_would_now_be_others() {
    let workspace = game();
    let project = workspace.open();
    let plan = project.preview(&adopt_all(None)).unwrap();
    workspace.write("assets/texts/second.txt", b"2");
    let before = workspace.tree();
    let outcome = run(&project, Command::Apply(Box::new(plan.into())));
    let Ending::Rejected(report) = outcome.ending() else { panic!("{outcome:?}") };
    assert!(
        matches!(&report.reason, Rejection::StalePlan { changed, .. } if !changed.is_empty()),
        "{report:?}"
    );
    assert_eq!(workspace.tree(), before);

    let refreshed = run(&project, Command::Refresh);
    assert!(refreshed.success().is_some());
    let plan = project.preview(&adopt_all(None)).unwrap();
    // A change of something else does not matter.
    workspace.write("assets/blob.bin", b"another");
    let outcome = run(&project, Command::Apply(Box::new(plan.into())));
    assert!(outcome.success().is_some(), "{outcome:?}");
}
