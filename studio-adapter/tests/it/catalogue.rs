//! Every mutation as an editor sees it: ready, blocked, and stale by the time it is applied; each pinned.

use studio_adapter::{Assignment, EndingView, Intent, RecoveryChoiceView, StudioSession, VerdictView};

use crate::support::{FILTERS, Workspace, done, pinned};

/// One mutation: what can be done, what cannot, and what makes the former another before it is applied.
struct Case {
    prepare: fn(&Workspace, &StudioSession),
    ready: Intent,
    blocked: Intent,
    disturb: fn(&Workspace),
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn nothing(_: &Workspace, _: &StudioSession) {}

fn edit_source(workspace: &Workspace) {
    workspace.write("assets/hello.txt", b"edited");
}

fn edit_anchor(workspace: &Workspace) {
    workspace.append("assets/hello.txt.asset.toml", "# edited\n");
}

const LOOSE: &str = "uuid = \"0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10\"\nname = \"loose\"\nkind = \"text\"\n";

fn loose(workspace: &Workspace) {
    workspace.write("assets/loose.txt", b"loose");
    workspace.write("assets/loose.txt.asset.toml", LOOSE.as_bytes());
}

/// What two branches that both settled it otherwise would leave.
fn contradict_registry(workspace: &Workspace, session: &StudioSession) {
    let registry = workspace.text("registry.jsonl");
    let line = registry.lines().find(|line| line.contains("other.txt")).unwrap();
    let contradiction = line.replace("\"included\"", "\"excluded\"");
    assert_ne!(line, contradiction);
    workspace.append("registry.jsonl", &format!("{contradiction}\n"));
    session.refresh().wait().unwrap();
}

/// Another session excludes the asset first.
fn exclude_elsewhere(workspace: &Workspace) {
    done(&workspace.session(), &Intent::Exclude { assets: texts(&["hello"]) });
}

fn include_elsewhere(workspace: &Workspace) {
    done(&workspace.session(), &Intent::Include { assets: texts(&["hello"]) });
}

/// A name on two copies of one anchor, none of them where it was accepted.
fn scatter(workspace: &Workspace, session: &StudioSession) {
    for copy in ["one", "two"] {
        let anchor = workspace.text("assets/hello.txt.asset.toml");
        workspace.write(&format!("assets/{copy}/hello.txt"), b"hello");
        workspace.write(&format!("assets/{copy}/hello.txt.asset.toml"), anchor.as_bytes());
    }
    workspace.remove("assets/hello.txt");
    workspace.remove("assets/hello.txt.asset.toml");
    workspace.remove("assets/gone.txt.asset.toml");
    session.refresh().wait().unwrap();
}

fn lose_anchor(workspace: &Workspace, session: &StudioSession) {
    workspace.remove("assets/gone.txt.asset.toml");
    session.refresh().wait().unwrap();
}

/// Checks a case against its snapshot. Every case has a project of its own, with `hello`, `other` and `gone` adopted and
/// `new.txt` not.
macro_rules! check {
    ($name:literal, $case:expr) => {
        check!($name, $case, nothing)
    };
    // What is done between the blocked one and the ready one, where both are one intent.
    ($name:literal, $case:expr, $mend:expr) => {
        let (case, mend): (Case, fn(&Workspace, &StudioSession)) = ($case, $mend);
        let workspace =
            Workspace::adopted(&[("hello.txt", "hello"), ("other.txt", "other"), ("gone.txt", "gone")]);
        workspace.write("assets/new.txt", b"new");
        let session = workspace.session();
        (case.prepare)(&workspace, &session);
        let (blocked, refused) = session.preview(&case.blocked).unwrap();
        assert_eq!(blocked.verdict, VerdictView::Blocked, "{blocked:#?}");
        assert!(!blocked.blockers.is_empty());
        // A ticket for what is blocked is refused, whatever an editor makes of it.
        let ended = session.apply(refused).wait().unwrap();
        assert_eq!(ended.ending(), EndingView::Rejected, "{ended:#?}");
        mend(&workspace, &session);
        let (ready, ticket) = session.preview(&case.ready).unwrap();
        assert_eq!(ready.verdict, VerdictView::Ready, "{ready:#?}");
        (case.disturb)(&workspace);
        let stale = session.apply(ticket).wait().unwrap();
        assert_eq!((stale.ending(), stale.succeeded()), (EndingView::Rejected, false), "{stale:#?}");
        insta::with_settings!({filters => FILTERS.to_vec()}, {
            let text =
                format!("ready: {}\nblocked: {}\nstale: {}", pinned(&ready), pinned(&blocked), pinned(&stale));
            insta::assert_snapshot!($name, text);
        });
    };
}

#[test]
fn adopting() {
    check!(
        "adopt",
        Case {
            prepare: nothing,
            ready: Intent::Adopt { paths: texts(&["new.txt"]), kind: None },
            blocked: Intent::Adopt { paths: texts(&["nowhere.txt"]), kind: None },
            disturb: |workspace| workspace.remove("assets/new.txt"),
        }
    );
}

#[test]
fn registering() {
    check!(
        "register",
        Case {
            prepare: |workspace, session| {
                loose(workspace);
                session.refresh().wait().unwrap();
            },
            ready: Intent::Register { paths: texts(&["loose.txt.asset.toml"]) },
            blocked: Intent::Register { paths: texts(&["nowhere.txt.asset.toml"]) },
            disturb: |workspace| {
                let other = LOOSE.replace("0d3d7c1f9a10", "0d3d7c1f9a11");
                workspace.write("assets/loose.txt.asset.toml", other.as_bytes());
            },
        }
    );
}

#[test]
fn renaming() {
    check!(
        "rename",
        Case {
            prepare: nothing,
            ready: Intent::Rename { asset: text("hello"), name: text("greeting") },
            blocked: Intent::Rename { asset: text("hello"), name: text("other") },
            disturb: edit_anchor,
        }
    );
}

#[test]
fn moving() {
    check!(
        "move",
        Case {
            prepare: nothing,
            ready: Intent::Move { assets: texts(&["hello"]), to: text("menu/") },
            blocked: Intent::Move { assets: texts(&["hello"]), to: text("other.txt") },
            disturb: edit_source,
        }
    );
}

#[test]
fn duplicating() {
    check!(
        "duplicate",
        Case {
            prepare: nothing,
            ready: Intent::Duplicate { asset: text("hello"), to: text("copy.txt"), name: Some(text("copy")) },
            blocked: Intent::Duplicate { asset: text("hello"), to: text("../out.txt"), name: None },
            disturb: edit_source,
        }
    );
}

#[test]
fn removing() {
    check!(
        "remove",
        Case {
            prepare: lose_anchor,
            ready: Intent::Remove { assets: texts(&["hello"]), keep_inputs: false },
            blocked: Intent::Remove { assets: texts(&["hello", "gone.txt.asset.toml"]), keep_inputs: true },
            disturb: edit_source,
        }
    );
}

#[test]
fn configuring() {
    let set = |key: &str, value: &str| vec![Assignment { key: text(key), value: text(value) }];
    check!(
        "configure",
        Case {
            prepare: nothing,
            ready: Intent::Configure { asset: text("hello"), set: set("preload", "true"), clear: Vec::new() },
            blocked: Intent::Configure {
                asset: text("hello"),
                set: set("colour", "7"),
                clear: texts(&["uuid"])
            },
            disturb: edit_anchor,
        }
    );
}

#[test]
fn excluding() {
    check!(
        "exclude",
        Case {
            prepare: contradict_registry,
            ready: Intent::Exclude { assets: texts(&["hello"]) },
            blocked: Intent::Exclude { assets: texts(&["hello", "other.txt.asset.toml"]) },
            disturb: exclude_elsewhere,
        }
    );
}

#[test]
fn including() {
    check!(
        "include",
        Case {
            prepare: |workspace, session| {
                done(session, &Intent::Exclude { assets: texts(&["hello"]) });
                contradict_registry(workspace, session);
            },
            ready: Intent::Include { assets: texts(&["hello"]) },
            blocked: Intent::Include { assets: texts(&["other.txt.asset.toml"]) },
            disturb: include_elsewhere,
        }
    );
}

#[test]
fn reconciling() {
    let reconcile = |select: &[&str]| Intent::Reconcile {
        select: texts(select),
        resolution: None,
        path: None,
        name: None,
    };
    check!(
        "reconcile",
        Case {
            prepare: scatter,
            ready: reconcile(&["anchor/missing"]),
            blocked: reconcile(&["hello"]),
            disturb: |workspace| {
                done(
                    &workspace.session(),
                    &Intent::Reconcile {
                        select: texts(&["anchor/missing"]),
                        resolution: None,
                        path: None,
                        name: None,
                    },
                );
            },
        }
    );
}

#[test]
fn undoing() {
    check!(
        "undo",
        Case {
            prepare: |workspace, session| {
                done(session, &Intent::Rename { asset: text("hello"), name: text("greeting") });
                // An id that nothing is kept of.
                assert!(workspace.exists(".packer"));
            },
            ready: Intent::Undo { operation: None },
            blocked: Intent::Undo { operation: Some(text("0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10")) },
            disturb: edit_anchor,
        }
    );
}

#[test]
fn doing_again() {
    check!(
        "redo",
        Case {
            prepare: |workspace, session| {
                done(session, &Intent::Rename { asset: text("hello"), name: text("greeting") });
                done(session, &Intent::Undo { operation: None });
                // Somebody has edited since what it would change.
                edit_anchor(workspace);
                session.refresh().wait().unwrap();
            },
            ready: Intent::Redo {},
            blocked: Intent::Redo {},
            disturb: edit_anchor,
        },
        |workspace, session| {
            let edited = workspace.text("assets/hello.txt.asset.toml");
            let before = edited.strip_suffix("# edited\n").unwrap();
            workspace.write("assets/hello.txt.asset.toml", before.as_bytes());
            session.refresh().wait().unwrap();
        }
    );
}

#[test]
fn recovering() {
    check!(
        "recover",
        Case {
            prepare: |workspace, session| {
                // An intent in the journal that nobody can read: the lane is frozen by whoever meets it.
                workspace.write(".packer/journal/01a2027b-d680-7707-8707-070707070701.intent", b"torn");
                session.refresh().wait().unwrap();
                done_or_rejected(session);
                // Nobody can tell what it was doing, so it cannot be carried out, and the packer does not offer that.
                let recovery = session.recovery().unwrap().unwrap();
                let offered: Vec<RecoveryChoiceView> =
                    recovery.choices.iter().map(|row| row.choice).collect();
                assert_eq!(offered, [RecoveryChoiceView::KeepTheirs], "{recovery:#?}");
            },
            ready: Intent::Recover { choice: RecoveryChoiceView::KeepTheirs },
            blocked: Intent::Recover { choice: RecoveryChoiceView::FinishOurs },
            disturb: |workspace| {
                done(&workspace.session(), &Intent::Recover { choice: RecoveryChoiceView::KeepTheirs });
            },
        }
    );
}

/// Something that takes the lane.
fn done_or_rejected(session: &StudioSession) {
    let (_, ticket) = session.preview(&Intent::Exclude { assets: texts(&["hello"]) }).unwrap();
    assert!(!session.apply(ticket).wait().unwrap().succeeded());
}

#[test]
fn several_as_one() {
    let rename = |name: &str| Intent::Rename { asset: text("hello"), name: text(name) };
    let configure = || Intent::Configure {
        asset: text("hello"),
        set: vec![Assignment { key: text("preload"), value: text("true") }],
        clear: Vec::new(),
    };
    check!(
        "batch",
        Case {
            prepare: nothing,
            ready: Intent::Batch { intents: vec![rename("greeting"), configure()] },
            blocked: Intent::Batch { intents: vec![configure(), rename("other")] },
            disturb: edit_anchor,
        }
    );
}

#[test]
fn what_there_is_nothing_to_do_for_says_so() {
    let workspace = Workspace::adopted(&[("hello.txt", "hello")]);
    let session = workspace.session();
    let (view, ticket) = session.preview(&Intent::Include { assets: texts(&["hello"]) }).unwrap();
    assert_eq!((view.verdict, view.label.as_str()), (VerdictView::Empty, "There is nothing to include"));
    let outcome = session.apply(ticket).wait().unwrap();
    assert!(outcome.succeeded(), "{outcome:#?}");
    assert_eq!(outcome.details()[0], "unchanged: everything already was as asked");
}
