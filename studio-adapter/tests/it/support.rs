//! A project in a temporary folder, and what happens to it behind the adapter's back.

use std::fs;
use std::path::PathBuf;

use packer_runtime::api::{
    Adopt, Command, Mutation, OpenOptions, Outcome, Project, Target, create_project, draw,
};
use studio_adapter::{Intent, OutcomeView, PreviewView, SessionOptions, StudioSession, VerdictView};

pub(crate) struct Workspace {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("game");
        let workspace = Self { _folder: folder, root };
        create_project(workspace.root().as_ref(), "game").unwrap();
        workspace
    }

    pub(crate) fn root(&self) -> &str {
        self.root.to_str().unwrap()
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).unwrap();
    }

    /// Makes it look as if the process that closed the project had died before its last event: that event is not in the
    /// log, and the lock that a clean end removes is there.
    pub(crate) fn die_before_the_last_event(&self) {
        let mut logs =
            fs::read_dir(self.root.join(".packer/events")).unwrap().map(|entry| entry.unwrap().path());
        let log = logs.find(|path| path.extension().is_some_and(|found| found == "jsonl")).unwrap();
        assert_eq!(logs.next(), None, "there is one log");
        let text = fs::read_to_string(&log).unwrap();
        let (kept, _) = text.trim_end().rsplit_once('\n').unwrap();
        fs::write(&log, format!("{kept}\n")).unwrap();
        fs::write(log.with_extension("lock"), b"").unwrap();
    }

    /// A session that notices nothing by itself.
    pub(crate) fn session(&self) -> StudioSession {
        StudioSession::open_with(self.root(), &unwatched()).unwrap()
    }

    /// A project with these files below the assets root, all of them adopted.
    pub(crate) fn adopted(files: &[(&str, &str)]) -> Self {
        let workspace = Self::new();
        for (path, text) in files {
            workspace.write(&format!("assets/{path}"), text.as_bytes());
        }
        let session = workspace.session();
        done(&session, &Intent::Adopt { paths: vec![".".to_owned()], kind: None });
        workspace
    }

    pub(crate) fn append(&self, path: &str, text: &str) {
        self.write(path, format!("{}{text}", self.text(path)).as_bytes());
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    pub(crate) fn project(&self) -> Project {
        let options = OpenOptions { jobs: Some(1), ..OpenOptions::default() };
        Project::open(self.root().as_ref(), options).unwrap()
    }
}

pub(crate) fn run(project: &Project, command: Command) -> Outcome {
    project.submit(command).wait().unwrap()
}

pub(crate) fn adopt_everything() -> Command {
    Command::Mutate(Mutation::Adopt(Adopt { targets: vec![Target::Root], kind: None, draw: draw() }))
}

/// How a session is opened that notices nothing by itself.
pub(crate) fn unwatched() -> SessionOptions {
    SessionOptions { watch: false, threads: Some(1), ..SessionOptions::default() }
}

/// What an intent would do.
#[track_caller]
pub(crate) fn previewed(session: &StudioSession, intent: &Intent) -> PreviewView {
    let (view, ticket) = session.preview(intent).unwrap();
    drop(ticket);
    view
}

/// Has an intent done that can be.
#[track_caller]
pub(crate) fn done(session: &StudioSession, intent: &Intent) -> OutcomeView {
    let (view, ticket) = session.preview(intent).unwrap();
    assert_eq!(view.verdict, VerdictView::Ready, "{view:#?}");
    let outcome = session.apply(ticket).wait().unwrap();
    assert!(outcome.succeeded(), "{outcome:#?}");
    outcome
}

/// `value` as text, without what differs between runs: uuids, ids, digests, times, sizes of packs.
pub(crate) fn pinned(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// What differs between runs, and what stands for it in snapshots.
pub(crate) const FILTERS: [(&str, &str); 8] = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]"),
    (r"b3:[0-9a-f]{64}", "[digest]"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[time]"),
    (r#""took_ms": \d+"#, r#""took_ms": "[ms]""#),
    (r#""id": \d+"#, r#""id": "[id]""#),
    (r"id \d+ at", "id [id] at"),
    (r"id \d+, retired", "id [id], retired"),
    (r"\n( +)\d{3,}\n", "\n$1[id]\n"),
];
