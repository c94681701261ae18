//! A project in a temporary folder, and what happens to it behind the adapter's back.
//!
//! Every workspace, when it is dropped, judges every log that it holds, and holds against what they replay to what a Studio was
//! shown: each row of the activity that ended, and through it each outcome. No test has to ask for that.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use packer_events::replay::{OperationRecord, Replay, record_faults};
use packer_events::sequence::StreamCheck;
use packer_runtime::api::{
    Adopt, Command, FeedNext, From, Mutation, OpenOptions, Outcome, Project, SourceId, Target,
    create_project, draw, recorded_logs,
};
use studio_adapter::{
    Intent, NextUpdate, OperationView, OutcomeView, PreviewView, SessionOptions, StudioSession, Update,
    Updates, VerdictView,
};

/// How many rows that ended were held against the log, and how many of their outcomes against what the log proves.
static JUDGED: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Workspace {
    _folder: tempfile::TempDir,
    root: PathBuf,
    /// Everything that sessions with it were shown, from the first on.
    shown: Mutex<Shown>,
    /// Whether somebody took the logs away, so that nothing can be held against them.
    has_lost_logs: AtomicBool,
}

/// What sessions were shown.
#[derive(Default)]
struct Shown {
    updates: Vec<Updates>,
    /// The last row of each operation that ended, by its id.
    ended: BTreeMap<String, OperationView>,
}

impl Shown {
    /// Takes in what was shown since.
    fn look(&mut self) {
        for updates in &mut self.updates {
            while let NextUpdate::Update(update) = updates.next(Duration::ZERO) {
                if let Update::Operation(row) = update
                    && row.outcome.is_some()
                {
                    let before = self.ended.insert(row.operation_id.clone(), *row);
                    assert!(before.is_none(), "it ended before: {before:#?}");
                }
            }
        }
    }
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("game");
        let workspace =
            Self { _folder: folder, root, shown: Mutex::default(), has_lost_logs: AtomicBool::new(false) };
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

    /// Holds the lock of builds until the file is dropped, as another process does that builds, without saying who.
    pub(crate) fn hold_the_build_lock(&self) -> fs::File {
        let path = self.root.join(".packer/build.lock");
        let lock = fs::File::options().create(true).truncate(false).write(true).open(path).unwrap();
        lock.lock().unwrap();
        lock
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

    /// Puts a file where the folder of the logs is, so that none can be begun.
    pub(crate) fn lose_the_logs(&self) {
        self.has_lost_logs.store(true, Ordering::Relaxed);
        let events = self.root.join(".packer/events");
        fs::remove_dir_all(&events).unwrap();
        fs::write(events, b"no folder").unwrap();
    }

    /// Deletes every log, as somebody who cleans up would.
    pub(crate) fn delete_the_logs(&self) {
        self.has_lost_logs.store(true, Ordering::Relaxed);
        for entry in fs::read_dir(self.root.join(".packer/events")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|found| found == "jsonl") {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// A session that notices nothing by itself.
    pub(crate) fn session(&self) -> StudioSession {
        let (session, updates) = StudioSession::open_and_follow(self.root(), &unwatched()).unwrap();
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).updates.push(updates);
        session
    }

    /// Judges every log, and holds what was shown against what they tell.
    fn judge(&self) {
        if self.has_lost_logs.load(Ordering::Relaxed) {
            return;
        }
        let logs = recorded_logs(self.root().as_ref()).unwrap();
        let mut replay = Replay::new();
        for log in &logs {
            assert_eq!(log.damaged_lines, 0);
            let mut check = StreamCheck::log();
            for event in &log.events {
                check.push(event).unwrap();
                assert!(replay.apply(event), "it was said before: {event:#?}");
            }
            let is_left = self.exists(&format!(".packer/events/{}.lock", log.source));
            assert!(is_left || check.running().count() == 0, "something has no end: {:#?}", log.events);
        }
        let is_over = |fault: &packer_events::replay::RecordFault| {
            replay.operation(fault.operation_id).is_some_and(|record| record.ending.is_some())
        };
        assert_eq!(record_faults(&replay).into_iter().filter(is_over).collect::<Vec<_>>(), []);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.look();
        if shown.ended.is_empty() {
            return;
        }
        let proofs = self.proofs(logs.iter().map(|log| log.source));
        for row in shown.ended.values() {
            let record =
                replay.operations().find(|record| record.operation_id.to_string() == row.operation_id);
            assert_row(row, record.unwrap_or_else(|| panic!("it is not recorded: {row:#?}")));
            JUDGED[0].fetch_add(1, Ordering::Relaxed);
            let shown = row.outcome.as_ref().expect("it has ended");
            if let Some(proof) = proofs.get(&row.operation_id) {
                assert_eq!(without_provenance(shown), without_provenance(proof));
                JUDGED[1].fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How each operation of these sources ended, as is proved by its log; none of them if the project cannot be opened.
    fn proofs(&self, sources: impl Iterator<Item = SourceId>) -> BTreeMap<String, OutcomeView> {
        let mut proofs = BTreeMap::new();
        let options = OpenOptions { jobs: Some(1), ..OpenOptions::default() };
        let Ok(project) = Project::open(self.root().as_ref(), options) else { return proofs };
        let mut feeds: Vec<_> = sources.map(|source| project.subscribe(From::After(source, 0))).collect();
        drop(project);
        for feed in &mut feeds {
            while let FeedNext::Item(item) = feed.next(PATIENCE) {
                let proof = item.outcome.as_ref().map(OutcomeView::of);
                proofs.extend(proof.map(|proof| (proof.operation_id().to_owned(), proof)));
            }
        }
        proofs
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

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.root.join(path)).unwrap()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    pub(crate) fn project(&self) -> Project {
        let options = OpenOptions { jobs: Some(1), ..OpenOptions::default() };
        Project::open(self.root().as_ref(), options).unwrap()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.judge();
        }
    }
}

/// Whether a row that ended shows what is recorded.
#[track_caller]
fn assert_row(row: &OperationView, record: &OperationRecord) {
    let text = |shown: &Option<String>| shown.clone().unwrap_or_default();
    let kind = record.kind.map(|kind| kind.as_str().to_owned());
    assert_eq!((&row.kind, &row.title), (&kind, record.title.as_ref().unwrap()));
    assert_eq!(text(&row.caused_by), record.causation_id.map_or(String::new(), |id| id.to_string()));
    let found = record.diagnostics;
    assert_eq!((row.errors, row.warnings, row.infos), (found.errors, found.warnings, found.infos));
    assert_eq!(text(&row.accepted_at), record.accepted_at.unwrap().to_string());
    assert_eq!(text(&row.started_at), record.started_at.map_or(String::new(), |at| at.to_string()));
    let done = |progress: &[u64]| progress.iter().sum::<u64>();
    let shown: Vec<u64> = row.progress.iter().map(|progress| progress.done).collect();
    let told: Vec<u64> = record.progress.values().map(|progress| progress.done).collect();
    assert_eq!((shown.len(), done(&shown)), (told.len(), done(&told)), "how far it came");
    let outcome = row.outcome.as_ref().unwrap();
    let state = format!("{:?}", record.state);
    assert_eq!((outcome.kind(), format!("{:?}", outcome.ending())), (kind.unwrap().as_str(), state));
}

/// An outcome, but for whether it was told live: everything else has to be the same when it is read back.
fn without_provenance(outcome: &OutcomeView) -> serde_json::Value {
    let mut outcome = serde_json::to_value(outcome).unwrap();
    assert!(outcome.as_object_mut().unwrap().remove("replayed").is_some());
    outcome
}

#[test]
fn every_session_of_every_test_is_held_against_the_log() {
    let count = || JUDGED.each_ref().map(|count| count.load(Ordering::Relaxed));
    let before = count();
    let workspace = Workspace::adopted(&[("a.txt", "a")]);
    let session = workspace.session();
    done(&session, &Intent::Exclude { assets: vec!["a".to_owned()] });
    drop(session);
    let logs =
        || fs::read_dir(workspace.root.join(".packer/events")).unwrap().map(|entry| entry.unwrap().path());
    let is_judged = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| workspace.judge())).is_ok();
    let forge = |from: &str, to: &str| {
        for log in logs() {
            let text = fs::read_to_string(&log).unwrap();
            fs::write(&log, text.replace(from, to)).unwrap();
        }
    };
    let title = "\"title\":\"";
    forge(title, "\"title\":\"not ");
    assert!(!is_judged(), "another title is not noticed");
    forge("\"title\":\"not ", title);
    drop(workspace);
    let after = count();
    assert!(after[0] > before[0] && after[1] > before[1], "{before:?}, then {after:?}");
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
