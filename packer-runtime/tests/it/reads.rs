//! Reads: snapshots that never change and always agree with themselves, and the ways in which people call assets.

use camino::Utf8Path;
use packer_runtime::api::{
    AssetQuery, AssetSelector, AssetSort, AssetState, Command, ContentError, Freshness, From, KindId,
    LocateError, Project, SelectError, Snapshot, Target, UnclaimedQuery,
};

use super::codecs::gated;
use super::support::{Workspace, adopt_all, build, mutated, run};

fn game() -> (Workspace, Project) {
    let files = [("assets/ui/a.txt", &b"a"[..]), ("assets/ui/b.txt", b"bb"), ("assets/c.json", b"{}")];
    Workspace::adopted(&files, Vec::new())
}

/// Everything that a snapshot answers, as text.
fn answers(snapshot: &Snapshot) -> String {
    let page = snapshot.assets(&AssetQuery::default());
    let details: Vec<_> = page.rows.iter().filter_map(|row| snapshot.asset(row.uuid?)).collect();
    format!(
        "{:?} {:?} {details:?} {:?} {:?} {:?}",
        snapshot.summary(),
        page,
        snapshot.divergences(),
        snapshot.diagnostics(),
        snapshot.unclaimed()
    )
}

fn select(snapshot: &Snapshot, text: &str) -> Result<String, SelectError> {
    let uuid = snapshot.select(&AssetSelector(text.to_owned()))?;
    Ok(snapshot.asset(uuid).unwrap().row.name.unwrap().to_string())
}

#[test]
fn a_snapshot_stays_what_it_is_while_the_workspace_goes_on() {
    let (workspace, project) = game();
    let status = project.status();
    let before = answers(&status.snapshot);
    workspace.write("assets/ui/a.txt", b"changed");
    workspace.remove("assets/c.json");
    workspace.write("assets/new.txt", b"new");
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    build(&project);
    assert_eq!(answers(&status.snapshot), before);
    let now = project.status();
    assert!(now.snapshot.revision() > status.snapshot.revision());
    assert_ne!(answers(&now.snapshot), before);
}

#[test]
fn readers_see_whole_snapshots_while_operations_publish() {
    let (workspace, project) = game();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last = project.status().snapshot.revision();
            let mut seen = 0;
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                let status = project.status();
                let snapshot = &status.snapshot;
                assert!(snapshot.revision() >= last, "revisions go up");
                last = snapshot.revision();
                let page = snapshot.assets(&AssetQuery::default());
                assert_eq!((page.revision, snapshot.summary().revision), (last, last));
                assert_eq!(
                    page.total as u64,
                    snapshot.summary().assets.managed + snapshot.summary().assets.unregistered
                );
                seen += 1;
            }
            seen
        });
        for n in 0..10 {
            workspace.write(&format!("assets/more/{n}.txt"), b"more");
            mutated(&run(&project, Command::Mutate(adopt_all(None))));
        }
        done.store(true, std::sync::atomic::Ordering::Release);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(project.status().snapshot.summary().assets.managed, 13);
}

#[test]
fn reading_never_waits_for_an_operation() {
    let (codec, gate) = gated();
    let (_workspace, project) = Workspace::adopted(&[("assets/a.slow", b"a")], vec![codec]);
    let handle = project.submit(Command::Build(packer_runtime::api::BuildRequest::default()));
    gate.entered();
    assert_eq!(project.status().snapshot.summary().assets.managed, 1);
    assert!(project.preview(&adopt_all(None)).is_ok());
    assert!(handle.outcome().is_none());
    drop(gate);
    assert!(handle.wait().unwrap().success().is_some());
}

#[test]
fn a_refresh_publishes_only_what_differs() {
    let (workspace, project) = game();
    let revision = || project.status().snapshot.revision();
    let before = revision();
    let verified = |project: &Project| match &project.status().freshness {
        Freshness::Verified { at, watched: false } => *at,
        other => panic!("{other:?}"),
    };
    let at = verified(&project);
    let refreshed = run(&project, Command::Refresh);
    let refresh = |outcome: &packer_runtime::api::Outcome| match outcome.success() {
        Some(packer_events::report::OutcomeReport::Refresh(report)) => report.clone(),
        other => panic!("{other:?}"),
    };
    let report = refresh(&refreshed);
    assert_eq!((report.from, report.to, report.changed.is_empty()), (before, before, true));
    assert_eq!(revision(), before);
    assert!(verified(&project) >= at, "what is known was checked again");
    let published = |outcome: &packer_runtime::api::Outcome| {
        let events = workspace.events_of(outcome.operation_id());
        events.iter().filter(|event| event.body.type_name() == "published").count()
    };
    assert_eq!(published(&refreshed), 0);

    workspace.write("assets/ui/a.txt", b"changed");
    workspace.remove("assets/c.json");
    let refreshed = run(&project, Command::Refresh);
    let report = refresh(&refreshed);
    assert_eq!((report.from, report.to), (before, before.next()));
    assert_eq!((report.changed.added, report.changed.changed, report.changed.removed), (0, 2, 0));
    assert!(!report.changed.configuration);
    assert_eq!(published(&refreshed), 1);
    assert_eq!(project.status().snapshot.summary().divergences.len(), 1);
    workspace.write("packer.toml", format!("{}\n# more\n", workspace.text("packer.toml")).as_bytes());
    assert!(refresh(&run(&project, Command::Refresh)).changed.configuration);

    // What cannot be read is refused, and the last good snapshot stays.
    let last = revision();
    workspace.write("packer.toml", b"[project\n[build\n");
    let outcome = run(&project, Command::Refresh);
    assert!(
        matches!(super::support::rejection(&outcome), packer_events::report::Rejection::WorkspaceErrors { errors } if *errors > 0)
    );
    assert!(!workspace.diagnostics_of(&outcome).is_empty());
    assert_eq!(revision(), last);
}

#[test]
fn the_summary_counts_what_the_lists_hold() {
    let (workspace, project) = game();
    workspace.write("assets/loose.xyz", b"12345");
    workspace.remove("assets/ui/a.txt.asset.toml");
    workspace.remove("assets/ui/b.txt");
    run(&project, Command::Refresh);
    let snapshot = project.status().snapshot.clone();
    let summary = snapshot.summary();
    let count =
        |state| snapshot.assets(&AssetQuery { state: Some(state), ..AssetQuery::default() }).total as u64;
    assert_eq!((summary.assets.managed, summary.assets.included, summary.assets.excluded), (3, 3, 0));
    assert_eq!((summary.assets.missing, count(AssetState::Missing)), (1, 1));
    assert_eq!(
        (summary.assets.invalid, count(AssetState::InputMissing), count(AssetState::Ready)),
        (1, 1, 1)
    );
    assert_eq!(summary.files.unclaimed as usize, snapshot.unclaimed().len());
    assert_eq!(
        snapshot.unclaimed().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["loose.xyz", "ui/a.txt"]
    );
    let page = |text: Option<&str>, offset| {
        let query = UnclaimedQuery { text: text.map(str::to_owned), offset, limit: Some(1) };
        let page = snapshot.unclaimed_files(&query);
        assert_eq!(page.revision, snapshot.revision());
        assert!(page.rows.iter().all(|row| Some(row.size) == snapshot.size_of(&row.path)));
        (page.total, page.rows.iter().map(|row| row.path.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(page(None, 1), (2, vec!["ui/a.txt".to_owned()]));
    assert_eq!(page(Some("xyz"), 0), (1, vec!["loose.xyz".to_owned()]));
    assert_eq!(page(Some("xyz"), 1), (1, Vec::new()));
    let errors = snapshot.diagnostics().iter().filter(|diagnostic| diagnostic.is_error()).count() as u64;
    assert_eq!(summary.diagnostics.error, errors);
    assert_eq!(summary.divergences.values().sum::<u64>() as usize, snapshot.divergences().len());
    let text = KindId::parse("text").unwrap();
    let texts = snapshot.assets(&AssetQuery { kind: Some(text.clone()), ..AssetQuery::default() });
    assert_eq!(summary.kinds[&text], texts.total as u64);
}

#[test]
fn lists_can_be_narrowed_and_read_in_parts() {
    let (_workspace, project) = game();
    let snapshot = project.status().snapshot.clone();
    let names = |query: &AssetQuery| {
        let page = snapshot.assets(query);
        let names = page.rows.iter().map(|row| row.name.as_ref().unwrap().to_string()).collect::<Vec<_>>();
        (page.total, names)
    };
    let all = names(&AssetQuery::default());
    assert_eq!(all, (3, vec!["c".to_owned(), "ui/a".to_owned(), "ui/b".to_owned()]));
    let text = AssetQuery { text: Some("ui/".into()), ..AssetQuery::default() };
    assert_eq!(names(&text), (2, all.1[1..].to_vec()));
    assert_eq!(names(&AssetQuery { offset: 1, limit: Some(1), ..text.clone() }), (2, all.1[2..].to_vec()));
    assert_eq!(names(&AssetQuery { offset: 9, ..text }), (2, Vec::new()));
}

#[test]
fn lists_can_be_narrowed_by_everything_that_a_row_says_and_ordered_by_it() {
    let (workspace, project) = game();
    workspace.remove("assets/ui/b.txt");
    workspace.write("assets/other.txt", b"other");
    let copied = workspace.text("assets/c.json.asset.toml");
    workspace.write("assets/ui/copy.json", b"{}");
    workspace.write("assets/ui/copy.json.asset.toml", copied.as_bytes());
    run(&project, Command::Refresh);
    let snapshot = project.status().snapshot.clone();
    let anchors = |query: &AssetQuery| -> Vec<String> {
        let page = snapshot.assets(query);
        assert_eq!(page.total, page.rows.len());
        page.rows.iter().map(|row| row.anchor.to_string()).collect()
    };
    let all = snapshot.assets(&AssetQuery::default()).rows;
    let every = AssetQuery::default();
    for row in &all {
        // By each of these alone, the row is found; and nothing that is otherwise.
        let by_uuid = AssetQuery { uuid: row.uuid, ..every.clone() };
        let by_id = AssetQuery { id: row.id, ..every.clone() };
        let by_name = AssetQuery { name: row.name.clone(), ..every.clone() };
        let by_path = AssetQuery { path: Some(row.anchor.clone()), ..every.clone() };
        for query in [by_uuid, by_id, by_name, by_path] {
            assert_eq!(anchors(&query), [row.anchor.to_string()], "{query:?}");
        }
    }
    let path = |text: &str| Some(packer_runtime::api::AssetPath::parse(text).unwrap());
    let ui = ["ui/a.txt.asset.toml", "ui/b.txt.asset.toml"];
    assert_eq!(anchors(&AssetQuery { path: path("ui"), ..every.clone() }), ui);
    assert_eq!(anchors(&AssetQuery { path: path("ui/a.txt"), ..every.clone() }), ui[..1]);
    assert_eq!(anchors(&AssetQuery { path: path("ui/b.txt"), ..every.clone() }).len(), 0, "it is not there");
    let of = |code: &str| AssetQuery { diagnostic: Some(code.parse().unwrap()), ..every.clone() };
    assert_eq!(anchors(&of("input/missing")), ui[1..]);
    assert_eq!(anchors(&of("anchor/duplicate-uuid")), ["c.json.asset.toml"]);
    assert_eq!(anchors(&of("name/conflict")).len(), 0);

    let sorted = |sort, descending| anchors(&AssetQuery { sort, descending, ..every.clone() });
    let names = ["c.json.asset.toml", ui[0], ui[1]];
    assert_eq!(sorted(AssetSort::Name, false), names);
    assert_eq!(sorted(AssetSort::Anchor, true), [ui[1], ui[0], "c.json.asset.toml"]);
    assert_eq!(sorted(AssetSort::Kind, false), names, "data before text");
    assert_eq!(
        sorted(AssetSort::State, false),
        [ui[0], "c.json.asset.toml", ui[1]],
        "ready, duplicated, without source"
    );
    let mut by_id = all.clone();
    by_id.sort_by_key(|row| row.id);
    let by_id: Vec<String> = by_id.iter().map(|row| row.anchor.to_string()).collect();
    assert_eq!(sorted(AssetSort::Id, false), by_id);
    let page = snapshot.assets(&AssetQuery { sort: AssetSort::Name, offset: 1, limit: Some(1), ..every });
    assert_eq!((page.total, page.rows[0].anchor.as_str()), (3, ui[0]));
}

#[test]
fn bytes_are_those_that_the_snapshot_saw_or_none() {
    let (workspace, project) = game();
    let before = project.status().snapshot.clone();
    let path = packer_runtime::api::AssetPath::parse("ui/a.txt").unwrap();
    let read = |snapshot: &Snapshot| project.read(snapshot, &path);
    assert_eq!(read(&before).unwrap(), b"a");
    for other in [&b"b"[..], b"", b"a longer one"] {
        workspace.write("assets/ui/a.txt", other);
        assert!(matches!(read(&before), Err(ContentError::Diverged { .. })), "{other:?}");
    }
    run(&project, Command::Refresh);
    assert_eq!(read(&project.status().snapshot).unwrap(), b"a longer one");
    assert!(matches!(read(&before), Err(ContentError::Diverged { .. })));
    workspace.remove("assets/ui/a.txt");
    assert!(matches!(read(&project.status().snapshot), Err(ContentError::Diverged { .. })));
    let nowhere = packer_runtime::api::AssetPath::parse("nowhere").unwrap();
    assert!(matches!(project.read(&before, &nowhere), Err(ContentError::Unknown { .. })));
}

#[test]
fn an_asset_is_found_by_whatever_it_is_called() {
    let (workspace, project) = game();
    let snapshot = project.status().snapshot.clone();
    let row =
        snapshot.assets(&AssetQuery { text: Some("ui/a".into()), ..AssetQuery::default() }).rows.remove(0);
    let (uuid, id) = (row.uuid.unwrap().to_string(), row.id.unwrap().to_string());
    for text in [
        "ui/a",
        &uuid,
        &id,
        "ui/a.txt",
        "ui/a.txt.asset.toml",
        "assets/ui/a.txt",
        "assets/ui/a.txt.asset.toml",
    ] {
        assert_eq!(select(&snapshot, text).as_deref(), Ok("ui/a"), "{text}");
    }
    for text in ["", "ui", "ui/A", "assets", "4294967295", "nothing like it"] {
        assert!(matches!(select(&snapshot, text), Err(SelectError::Unknown { .. })), "{text}");
    }
    let Err(SelectError::Unknown { suggestion, .. }) = select(&snapshot, "ui/aa") else { panic!() };
    assert_eq!(suggestion.as_deref(), Some("ui/a"));

    // Below the assets root, too, there can be a folder that is called like it. Then nobody can say which is meant.
    workspace.write("assets/assets/ui/a.txt", b"another");
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    let Err(SelectError::Ambiguous { uuids, .. }) = select(&project.status().snapshot, "assets/ui/a.txt")
    else {
        panic!("one of two was taken")
    };
    assert_eq!(uuids.len(), 2);
    assert_eq!(select(&project.status().snapshot, "ui/a.txt").as_deref(), Ok("ui/a"));
    assert_eq!(select(&project.status().snapshot, "assets/assets/ui/a.txt").as_deref(), Ok("assets/ui/a"));

    // A name counts before an id.
    workspace.write("assets/named.txt", b"named");
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    let anchor = "assets/named.txt.asset.toml";
    workspace.write(
        anchor,
        workspace.text(anchor).replace("name = \"named\"", &format!("name = \"{id}\"")).as_bytes(),
    );
    run(&project, Command::Refresh);
    assert_eq!(select(&project.status().snapshot, &id), Ok(id));
    // Two of one name are no single asset.
    let taken = workspace.text("assets/named.txt.asset.toml").replace(&row.id.unwrap().to_string(), "ui/a");
    workspace.write(anchor, taken.as_bytes());
    run(&project, Command::Refresh);
    let Err(SelectError::Ambiguous { uuids, .. }) = select(&project.status().snapshot, "ui/a") else {
        panic!()
    };
    assert_eq!(uuids.len(), 2);
}

#[test]
fn a_path_is_what_it_is_below_the_assets_root() {
    let (workspace, project) = game();
    let locate = |path: &str| project.locate(Utf8Path::new(path));
    let found = Target::Path(packer_runtime::api::AssetPath::parse("ui/a.txt").unwrap());
    assert_eq!(locate("assets/ui/a.txt"), Ok(found.clone()));
    assert_eq!(locate("assets/ui/a.txt/"), Ok(found.clone()));
    assert_eq!(locate(workspace.root.join("assets/ui/a.txt").as_str()), Ok(found));
    assert_eq!(locate("assets"), Ok(Target::Root));
    assert_eq!(locate(workspace.root.join("assets").as_str()), Ok(Target::Root));
    for outside in ["", "build/x", "assets2/x", "/etc/passwd", "../assets/x", workspace.root.as_str()] {
        assert!(matches!(locate(outside), Err(LocateError::Outside { .. })), "{outside}");
    }
    assert!(matches!(locate("assets/ui/../../x"), Err(LocateError::Invalid(_))));
}

#[test]
fn what_reads_beside_a_project_sees_what_it_publishes_and_keeps_it_not_open() {
    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    workspace.write("assets/b.txt", b"b");
    let project = workspace.open();
    let reader = project.reader();
    let empty = reader.status().snapshot.clone();
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    let adopted = reader.status().snapshot.clone();
    let changes = adopted.changes_since(&empty);
    assert_eq!((changes.added.len(), changes.changed.len(), changes.removed.len()), (2, 0, 0));
    assert_eq!(changes.unclaimed_removed.len(), 2);
    assert!(changes.unclaimed_added.is_empty() && changes.diagnostics_added.is_empty());

    workspace.write("assets/b.txt", b"other");
    run(&project, Command::Refresh);
    let edited = reader.status().snapshot.clone();
    let changes = edited.changes_since(&adopted);
    let anchors: Vec<&str> = changes.changed.iter().map(|row| row.anchor.as_str()).collect();
    assert_eq!(anchors, ["b.txt.asset.toml"]);
    assert!(changes.added.is_empty() && changes.removed.is_empty());

    let feed = project.subscribe(From::Now);
    drop(project);
    assert_eq!(reader.status().snapshot.revision(), edited.revision());
    let mut feed = feed;
    assert!(matches!(feed.next(std::time::Duration::from_secs(30)), packer_runtime::api::FeedNext::Closed));
}
