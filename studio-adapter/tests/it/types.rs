//! The TypeScript types of the views: every view of real sessions is of its type, by the word of the compiler.
//!
//! Where `tsc` is not installed, that is said and not checked. What the types are is made by the repository's chores, whose
//! tests say whether the file is current.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use studio_adapter::{
    BuildIntent, CollectIntent, Intent, NavigatorQuery, NextUpdate, RecoveryChoiceView, SessionOptions,
    StudioSession, UnclaimedQuery, WhenChanged,
};

use crate::support::{Workspace, done};

const TYPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/types/studio.ts");

/// A program that says of every value which type it has.
#[derive(Default)]
struct Program {
    text: String,
    types: Vec<&'static str>,
}

impl Program {
    fn is(&mut self, of: &'static str, value: &impl serde::Serialize) {
        let json = serde_json::to_string(value).unwrap();
        writeln!(self.text, "const v{}: studio.{of} = {json};", self.types.len()).unwrap();
        self.types.push(of);
    }
}

/// Every view that a session gives, and every intent that it takes.
fn program() -> Program {
    let mut program = Program::default();
    let workspace = Workspace::adopted(&[("a.txt", "a"), ("b.txt", "b"), ("c.json", "{}")]);
    workspace.write("assets/new.txt", b"new");
    workspace.write("assets/b.txt", b"\xff\xfe");
    let options = SessionOptions { watch: false, ..SessionOptions::default() };
    program.is("SessionOptions", &options);
    let build = WhenChanged::Build { profile: Some("release".to_owned()) };
    program.is("SessionOptions", &SessionOptions { automatic: build, threads: Some(2), ..options.clone() });
    let (session, mut updates) = StudioSession::open_and_follow(workspace.root(), &options).unwrap();
    let text = |text: &str| text.to_owned();
    let rename = Intent::Rename { asset: text("a"), name: text("first") };
    let intents = [
        Intent::Adopt { paths: vec![text("new.txt")], kind: None },
        Intent::Configure {
            asset: text("a"),
            set: vec![studio_adapter::Assignment { key: text("newline"), value: text("crlf") }],
            clear: vec![text("preload")],
        },
        Intent::Duplicate { asset: text("a"), to: text("copy/"), name: None },
        Intent::Remove { assets: vec![text("a")], keep_inputs: false },
        Intent::Rename { asset: text("a"), name: text("b") },
        rename.clone(),
    ];
    for intent in &intents {
        program.is("Intent", intent);
        program.is("PreviewView", &session.preview(intent).unwrap().0);
    }
    program.is("Intent", &Intent::Redo {});
    program.is("Intent", &Intent::Recover { choice: RecoveryChoiceView::FinishOurs });
    program.is("Intent", &Intent::Batch { intents: intents.to_vec() });
    program.is("ErrorView", &session.preview(&Intent::Redo {}).map(|(view, _)| view).unwrap_err());
    program.is("OutcomeView", &done(&session, &rename));
    program.is("BuildIntent", &BuildIntent::default());
    program.is("OutcomeView", &session.build(&BuildIntent::default()).unwrap().wait().unwrap());
    let keep_going = BuildIntent { keep_going: true, ..BuildIntent::default() };
    program.is("OutcomeView", &session.build(&keep_going).unwrap().wait().unwrap());
    workspace.remove("assets/c.json.asset.toml");
    program.is("OutcomeView", &session.refresh().wait().unwrap());
    let query = NavigatorQuery::default();
    program.is("NavigatorQuery", &query);
    program.is("WorkspaceView", &session.workspace(&query).unwrap());
    program.is("NavigatorPage", &session.assets(&query).unwrap());
    program.is("FreshnessBadge", &session.freshness());
    program.is("AssetDetailView", &session.asset("first").unwrap());
    program.is("AssetDetailView", &session.asset("c.json.asset.toml").unwrap());
    let contents = session.contents();
    program.is("ContentQuery", &studio_adapter::ContentQuery::default());
    for asset in ["first", "b", "c.json.asset.toml"] {
        program
            .is("ContentView", &contents.of_asset(asset, &studio_adapter::ContentQuery::default()).unwrap());
    }
    program.is("KindView[]", &session.kinds());
    program.is("ProblemsView", &session.problems());
    program.is("UnclaimedQuery", &UnclaimedQuery::default());
    program.is("UnclaimedPage", &session.unclaimed(&UnclaimedQuery::default()));
    program.is("AssetExplanationView", &session.explain("first", None).unwrap());
    program.is("FileExplanationView", &session.explain_file("new.txt").unwrap().unwrap());
    program.is("CodeView[]", &StudioSession::codes());
    program.is("HistoryView", &session.history(None).unwrap());
    program.is("PackReportView", &session.verify(None, true).unwrap());
    program.is("PackRowView[]", &session.pack(None).unwrap());
    program.is("UnpackView", &session.unpack(None, "out").unwrap());
    program.is("CollectIntent", &CollectIntent::default());
    let scrub = CollectIntent { scrub: true, ..CollectIntent::default() };
    program.is("CollectedView", &session.collect(&scrub).unwrap());
    program.is("OpenErrorView", &StudioSession::open("nowhere").unwrap_err());
    let created = StudioSession::create(&format!("{}/inner", workspace.root()), "inner").unwrap();
    program.is("CreatedView", &created);
    drop(session);
    loop {
        match updates.next(Duration::from_mins(1)) {
            NextUpdate::Update(update) => program.is("Update", &update),
            NextUpdate::Nothing => panic!("the session was closed"),
            NextUpdate::Closed => break,
        }
    }

    workspace.write(".packer/journal/01a2027b-d680-7707-8707-070707070701.intent", b"torn");
    let frozen = workspace.session();
    program.is("RecoveryView", &frozen.recovery().unwrap().unwrap());
    program.is("FreshnessBadge", &frozen.freshness());
    program
}

#[test]
fn every_view_is_of_the_type_that_is_generated_for_it() {
    let Program { text, types } = program();
    let declared = std::fs::read_to_string(TYPES).unwrap();
    for name in &types {
        let name = name.trim_end_matches("[]");
        let is_there = ["interface", "type"].iter().any(|word| {
            let head = format!("export {word} {name} ");
            declared.contains(&head)
        });
        assert!(is_there, "{name} has no type");
    }
    assert!(types.iter().filter(|name| **name == "Update").count() > 10, "{types:?}");
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join("tsc").is_file()) {
        // Written past the test runner, which shows what a test prints only if it fails.
        let said = "not checked: tsc is not installed, so the types of the views were not compiled\n";
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("program.ts");
    std::fs::copy(TYPES, folder.path().join("studio.ts")).unwrap();
    std::fs::write(&own, format!("import * as studio from \"./studio\";\n{text}export {{}};\n")).unwrap();
    check(folder.path(), "program.ts").unwrap_or_else(|error| panic!("{error}\n{text}"));

    // That the compiler looks at all: what is not as the types say is found.
    for wrong in [
        "export const v: studio.EndingView = \"won\";",
        "export const v: studio.DivergenceTotal = { code: \"a\", title: \"b\", count: \"1\" };",
        "export const v: studio.NeedRow = { need: \"path\", label: \"a\", more: 1 };",
    ] {
        std::fs::write(&own, format!("import * as studio from \"./studio\";\n{wrong}\n")).unwrap();
        assert!(check(folder.path(), "program.ts").is_err(), "{wrong}");
    }
}

fn check(folder: &Path, file: &str) -> Result<(), String> {
    let options = ["--strict", "--noEmit", "--target", "es2020", "--module", "commonjs"];
    let output = Command::new("tsc").args(options).arg(file).current_dir(folder).output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stdout).into_owned()) }
}
