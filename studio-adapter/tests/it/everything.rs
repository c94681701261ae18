//! Everything else that an editor can ask for: details, explanations, history, plans as files, packs, collecting, and what
//! is said of words that mean nothing.

use studio_adapter::{
    Assignment, BuildIntent, CollectIntent, EndingView, ErrorReason, FileIs, Intent, NavigatorQuery,
    PresenceView, RowKey, SortView, StudioSession, UnclaimedQuery, UndoStateView, VerdictView,
};

use crate::support::{FILTERS, Workspace, done, pinned, previewed};

fn text(text: &str) -> String {
    text.to_owned()
}

fn game() -> (Workspace, StudioSession) {
    let workspace = Workspace::adopted(&[("ui/a.txt", "a"), ("ui/b.txt", "bb"), ("c.json", "{}")]);
    let session = workspace.session();
    (workspace, session)
}

fn rename(asset: &str, name: &str) -> Intent {
    Intent::Rename { asset: text(asset), name: text(name) }
}

#[test]
fn a_project_is_created_and_opened() {
    let workspace = Workspace::new();
    let root = format!("{}/inner", workspace.root());
    let created = StudioSession::create(&root, "inner").unwrap();
    assert!(created.made.iter().any(|file| file.ends_with("packer.toml")), "{created:#?}");
    let again = StudioSession::create(&root, "inner").unwrap_err();
    assert_eq!(again.reason, ErrorReason::Exists);
    let unnamed = StudioSession::create(&format!("{root}/other"), "").unwrap_err();
    assert_eq!((unnamed.reason, unnamed.field.as_deref()), (ErrorReason::Invalid, Some("name")));
    // Watched, as an editor wants it.
    let session = StudioSession::open(&root).unwrap();
    assert_eq!(session.workspace(&NavigatorQuery::default()).unwrap().project, "inner");
}

#[test]
fn the_workspace_is_of_one_snapshot_and_the_navigator_comes_by_pages() {
    let (_workspace, session) = game();
    let view = session.workspace(&NavigatorQuery::default()).unwrap();
    insta::with_settings!({filters => FILTERS.to_vec()}, {
        insta::assert_snapshot!("workspace", pinned(&view));
    });
    let names = |query: &NavigatorQuery| -> Vec<String> {
        session.assets(query).unwrap().rows.into_iter().filter_map(|row| row.name).collect()
    };
    let all = NavigatorQuery::default();
    assert_eq!(names(&all), ["c", "ui/a", "ui/b"]);
    let page = session.assets(&NavigatorQuery { offset: 1, limit: 1, ..all.clone() }).unwrap();
    assert_eq!((page.total, page.rows.len(), page.rows[0].label.as_str()), (3, 1, "ui/a"));
    assert!(matches!(&page.rows[0].key, RowKey::Asset(_)));
    assert_eq!(
        names(&NavigatorQuery { descending: true, sort: SortView::Name, ..all.clone() }),
        ["ui/b", "ui/a", "c"]
    );
    assert_eq!(names(&NavigatorQuery { path: Some(text("ui")), ..all.clone() }), ["ui/a", "ui/b"]);
    assert_eq!(names(&NavigatorQuery { kind: Some(text("data")), ..all.clone() }), ["c"]);
    assert_eq!(names(&NavigatorQuery { text: Some(text("/b")), ..all }), ["ui/b"]);
}

#[test]
fn details_say_who_says_each_setting_and_what_it_accepts() {
    let (_workspace, session) = game();
    let set = vec![Assignment { key: text("preload"), value: text("true") }];
    done(&session, &Intent::Configure { asset: text("ui/a"), set, clear: Vec::new() });
    let view = session.asset("ui/a").unwrap();
    insta::with_settings!({filters => FILTERS.to_vec()}, {
        insta::assert_snapshot!("detail", pinned(&view));
    });
    assert_eq!(session.asset("ui/a.txt").unwrap(), view);
    assert_eq!(session.asset(view.row.uuid.as_ref().unwrap()).unwrap(), view);
    let kinds = session.kinds();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.kind.as_str()).collect();
    assert_eq!(names, ["data", "image", "raw", "sound", "text"]);
    insta::assert_snapshot!("kinds", pinned(&kinds));
}

#[test]
fn what_nobody_is_called_is_said_with_what_was_meant() {
    let (_workspace, session) = game();
    let unknown = session.asset("ui/aa").unwrap_err();
    assert_eq!((unknown.reason, unknown.field.as_deref()), (ErrorReason::Unknown, Some("asset")));
    assert_eq!(unknown.suggestion.as_deref(), Some("ui/a"));
    for (intent, field, reason) in [
        (rename("ui/a", "Not A Name"), "name", ErrorReason::Invalid),
        (rename("nobody", "b"), "asset", ErrorReason::Unknown),
        (Intent::Adopt { paths: vec![text("../up")], kind: None }, "paths", ErrorReason::Invalid),
        (Intent::Adopt { paths: vec![text(".")], kind: Some(text("No")) }, "kind", ErrorReason::Invalid),
        (Intent::Include { assets: vec![text("nobody")] }, "assets", ErrorReason::Unknown),
        (Intent::Undo { operation: Some(text("latest")) }, "operation", ErrorReason::Unknown),
        (Intent::Move { assets: Vec::new(), to: text("menu") }, "assets", ErrorReason::Invalid),
        (
            Intent::Reconcile { select: vec![], resolution: Some(text("magic")), path: None, name: None },
            "resolution",
            ErrorReason::Invalid,
        ),
        (
            Intent::Reconcile { select: vec![text("a//b")], resolution: None, path: None, name: None },
            "select",
            ErrorReason::Invalid,
        ),
        (
            Intent::Configure {
                asset: text("ui/a"),
                set: ["1", "2"].map(|value| Assignment { key: text("preload"), value: text(value) }).to_vec(),
                clear: Vec::new(),
            },
            "set",
            ErrorReason::Invalid,
        ),
    ] {
        let error = session.preview(&intent).map(|(view, _)| view).unwrap_err();
        assert_eq!((error.field.as_deref(), error.reason), (Some(field), reason), "{error:#?}");
        assert!(!error.message.is_empty() && !error.message.ends_with('.'), "{error}");
    }
    let nothing = session.preview(&Intent::Redo {}).map(|(view, _)| view).unwrap_err();
    assert_eq!(nothing.reason, ErrorReason::Nothing);
    let deep = (0..40).fold(rename("ui/a", "x"), |inner, _| Intent::Batch { intents: vec![inner] });
    assert_eq!(session.preview(&deep).map(|(view, _)| view).unwrap_err().field.as_deref(), Some("intents"));
    for (threads, constants, field) in [(Some(0), None, "threads"), (None, Some("cobol"), "constants")] {
        let intent = BuildIntent { threads, constants: constants.map(text), ..BuildIntent::default() };
        assert_eq!(session.build(&intent).unwrap_err().field.as_deref(), Some(field));
    }
}

#[test]
fn what_only_a_person_can_decide_is_named() {
    let (workspace, session) = game();
    let anchor = workspace.text("assets/ui/b.txt.asset.toml").replace("ui/b", "ui/a");
    workspace.write("assets/ui/b.txt.asset.toml", anchor.as_bytes());
    session.refresh().wait().unwrap();
    let reconcile = |path: Option<&str>, name: Option<&str>| Intent::Reconcile {
        select: vec![text("name/conflict")],
        resolution: None,
        path: path.map(text),
        name: name.map(text),
    };
    let open = previewed(&session, &reconcile(None, None));
    assert_eq!(open.verdict, VerdictView::Blocked);
    let [divergence] = open.undecided.as_slice() else { panic!("{open:#?}") };
    assert_eq!(divergence.code, "name/conflict");
    assert_eq!(divergence.resolutions[0].needs.len(), 2);
    let decided = previewed(&session, &reconcile(Some("ui/b.txt.asset.toml"), Some("ui/second")));
    assert_eq!((decided.verdict, decided.undecided.len()), (VerdictView::Ready, 0), "{decided:#?}");
}

#[test]
fn several_assets_move_into_a_folder_as_one() {
    let (workspace, session) = game();
    let assets = vec![text("ui/a"), text("ui/b")];
    let view = previewed(&session, &Intent::Move { assets: assets.clone(), to: text("menu") });
    assert_eq!((view.steps, view.verdict), (2, VerdictView::Ready), "{view:#?}");
    done(&session, &Intent::Move { assets, to: text("menu") });
    assert!(workspace.exists("assets/menu/a.txt") && workspace.exists("assets/menu/b.txt.asset.toml"));
}

#[test]
fn history_tells_what_is_next_to_undo_and_to_do_again() {
    let (_workspace, session) = game();
    let renamed = done(&session, &rename("ui/a", "first"));
    let history = session.history(None).unwrap();
    assert_eq!(history.rows[0].operation_id, renamed.operation_id());
    assert!(matches!(history.rows[0].undo, UndoStateView::Kept { .. }));
    assert_eq!((history.next_undo.as_deref(), history.next_redo), (Some(renamed.operation_id()), None));

    // An operation is called by its id, or by as much of its beginning or end as tells it apart.
    let id = renamed.operation_id();
    let meant = previewed(&session, &Intent::Undo { operation: Some(id[id.len() - 12..].to_uppercase()) });
    assert_eq!(meant, previewed(&session, &Intent::Undo { operation: None }));
    let several = Intent::Undo { operation: Some(text("0")) };
    let several = session.preview(&several).map(|(view, _)| view).unwrap_err();
    assert_eq!((several.reason, several.field.as_deref()), (ErrorReason::Ambiguous, Some("operation")));
    assert_eq!(several.details.len(), 2, "{several:#?}");

    let undone = done(&session, &Intent::Undo { operation: None });
    let history = session.history(Some(1)).unwrap();
    assert_eq!((history.rows.len(), history.rows[0].label.as_str()), (1, "Undo"));
    assert_eq!(history.rows[0].about.as_deref(), Some(renamed.operation_id()));
    assert_eq!(history.next_redo.as_deref(), Some(undone.operation_id()));
    assert_ne!(history.next_undo.as_deref(), Some(renamed.operation_id()));
    assert!(session.asset("ui/a").is_ok());

    let redo = previewed(&session, &Intent::Redo {});
    assert_eq!((redo.mutation.as_str(), redo.label.as_str()), ("redo", "Ready to redo"));
    done(&session, &Intent::Redo {});
    assert!(session.asset("first").is_ok());
    let history = session.history(None).unwrap();
    assert_eq!((history.next_undo.as_deref(), history.next_redo), (Some(renamed.operation_id()), None));
    assert_eq!(session.recovery().unwrap(), None);
}

#[test]
fn a_plan_is_stored_and_applied_later_or_refused() {
    let (workspace, session) = game();
    let (view, ticket) = session.preview(&rename("ui/a", "first")).unwrap();
    session.save_plan(&ticket, "plan.json", false).unwrap();
    let exists = session.save_plan(&ticket, "plan.json", false).unwrap_err();
    assert_eq!(exists.reason, ErrorReason::Exists);
    session.save_plan(&ticket, "plan.json", true).unwrap();
    drop((session, ticket));

    let session = workspace.session();
    let (again, ticket) = session.preview_plan("plan.json").unwrap();
    assert_eq!(again, view);
    assert!(session.apply(ticket).wait().unwrap().succeeded());
    let stale = session.preview_plan("plan.json").map(|(view, _)| view).unwrap_err();
    assert_eq!(stale.reason, ErrorReason::Refused, "{stale:#?}");

    workspace.write("torn.json", b"{");
    let torn = session.preview_plan("torn.json").map(|(view, _)| view).unwrap_err();
    assert_eq!(torn.reason, ErrorReason::Unreadable);
    let missing = session.preview_plan("nowhere.json").map(|(view, _)| view).unwrap_err();
    assert_eq!(missing.reason, ErrorReason::Disk);
}

#[test]
fn assets_files_and_codes_are_explained() {
    let (workspace, session) = game();
    let explained = session.explain("ui/a", None).unwrap();
    insta::with_settings!({filters => FILTERS.to_vec()}, {
        insta::assert_snapshot!("explanation", pinned(&explained));
    });
    assert_eq!(explained.presence, PresenceView::Included);
    let error = session.explain("ui/a", Some("nightly")).unwrap_err();
    assert_eq!((error.reason, error.field.as_deref()), (ErrorReason::Unknown, Some("profile")));

    workspace.write("assets/new.txt", b"new");
    session.refresh().wait().unwrap();
    let file = session.explain_file("new.txt").unwrap().unwrap();
    assert_eq!((file.is, file.size), (FileIs::Unclaimed, Some(3)));
    assert_eq!(session.explain_file("nowhere.txt").unwrap(), None);
    let unclaimed = session.unclaimed(&UnclaimedQuery::default());
    assert_eq!((unclaimed.total, unclaimed.rows[0].path.as_str(), unclaimed.rows[0].size), (1, "new.txt", 3));
    // A list that is cut down by a text can be paged: its total is its own.
    for file in ["old.txt", "other.md", "newer.txt"] {
        workspace.write(&format!("assets/{file}"), b"x");
    }
    session.refresh().wait().unwrap();
    let page = |text: Option<&str>, offset, limit| {
        let query = UnclaimedQuery { text: text.map(str::to_owned), offset, limit };
        let page = session.unclaimed(&query);
        (page.total, page.rows.into_iter().map(|row| row.path).collect::<Vec<String>>())
    };
    assert_eq!(page(None, 1, 2), (4, vec!["newer.txt".to_owned(), "old.txt".to_owned()]));
    assert_eq!(page(Some("new"), 0, 1), (2, vec!["new.txt".to_owned()]));
    assert_eq!(page(Some("new"), 1, 1), (2, vec!["newer.txt".to_owned()]));
    assert_eq!(page(Some("nowhere"), 0, 200), (0, Vec::new()));

    let codes = StudioSession::codes();
    assert!(codes.len() > 50);
    assert_eq!(StudioSession::explain_code(&codes[0].code).unwrap(), codes[0]);
    let error = StudioSession::explain_code("anchor/moves").unwrap_err();
    assert_eq!(error.suggestion.as_deref(), Some("anchor/moved"));
}

#[test]
fn packs_are_built_checked_listed_and_unpacked() {
    let (workspace, session) = game();
    let missing = session.verify(None, false).unwrap_err();
    assert_eq!(missing.reason, ErrorReason::Unreadable);
    assert!(session.build(&BuildIntent::default()).unwrap().wait().unwrap().succeeded());
    let report = session.verify(None, true).unwrap();
    assert!(report.ok && report.problems.is_empty() && report.entries == 3, "{report:#?}");
    let rows = session.pack(None).unwrap();
    // A pack that lies anywhere needs no project.
    let elsewhere = Workspace::new();
    elsewhere.write("some.pack", &workspace.bytes("build/assets.pack"));
    let (some, out) = (format!("{}/some.pack", elsewhere.root()), format!("{}/out", elsewhere.root()));
    let alone = StudioSession::verify_pack(&some).unwrap();
    assert_eq!((alone.pack_digest, alone.entries, alone.ok), (report.pack_digest, 3, true));
    assert_eq!(StudioSession::list_pack(&some).unwrap(), rows);
    assert_eq!(StudioSession::unpack_pack(&some, &out).unwrap().files, 3);
    assert!(elsewhere.exists("out/ui/a.text"));
    elsewhere.write("some.pack", b"no pack");
    assert_eq!(StudioSession::verify_pack(&some).unwrap_err().reason, ErrorReason::Unreadable);
    assert_eq!(StudioSession::list_pack(&some).unwrap_err().reason, ErrorReason::Unreadable);
    assert_eq!(StudioSession::unpack_pack(&some, &out).unwrap_err().reason, ErrorReason::Unreadable);
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["c", "ui/a", "ui/b"]);
    let unpacked = session.unpack(Some("build/assets.pack"), "out").unwrap();
    assert_eq!(unpacked.files, 3);
    assert!(workspace.exists("out/ui/a.text"), "{unpacked:#?}");
    assert_eq!(session.unpack(None, "out").unwrap_err().reason, ErrorReason::Exists);

    done(&session, &rename("ui/a", "first"));
    let report = session.verify(None, true).unwrap();
    let codes: Vec<&str> = report.problems.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!((report.ok, codes), (false, vec!["workspace/renamed"]));
    let gone = BuildIntent { revision: Some(1), ..BuildIntent::default() };
    assert_eq!(session.build(&gone).unwrap().wait().unwrap().ending(), EndingView::Rejected);

    let dry =
        session.collect(&CollectIntent { dry_run: true, history_days: Some(0), ..CollectIntent::default() });
    let dry = dry.unwrap();
    assert!(dry.dry_run && dry.undoable > 0, "{dry:#?}");
    assert!(session.history(None).unwrap().next_undo.is_some());
    let all = CollectIntent { history_bytes: Some(0), scrub: true, ..CollectIntent::default() };
    let collected = session.collect(&all).unwrap();
    assert_eq!(collected.forgotten.len() as u64, collected.undoable);
    assert_eq!(session.history(None).unwrap().next_undo, None);
}

#[test]
fn operations_are_called_off_by_their_ids() {
    let (_workspace, session) = game();
    let refresh = session.refresh();
    refresh.wait().unwrap();
    refresh.cancel();
    assert!(refresh.outcome().unwrap().unwrap().succeeded());
    assert_eq!(session.cancel(&refresh.operation_id()), Ok(false));
    let error = session.cancel("the last one").unwrap_err();
    assert_eq!((error.reason, error.field.as_deref()), (ErrorReason::Invalid, Some("operation_id")));
}

#[test]
fn a_ticket_of_another_project_is_refused() {
    let ((_here, session), (_there, other)) = (game(), game());
    let (_, ticket) = other.preview(&rename("ui/a", "first")).unwrap();
    let refused = session.apply(ticket).wait().unwrap();
    assert_eq!(refused.ending(), EndingView::Rejected);
    assert_eq!(refused.message(), "The plan was made for another project");
    assert!(session.asset("ui/a").is_ok());
}
