//! What the tests share: a project in a temporary folder, the few things that tests do to it, and what they read off it.
//!
//! Every workspace, when it is dropped, judges every log that it holds: numbers without a gap, one end an operation, causes and
//! reports that fit together; and what the logs replay to is what the runtime said at the time, to whoever waited and to whoever
//! had subscribed. No test has to ask for that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::UuidDraw;
use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::record::{DiagnosticRecord, SeverityRecord};
use packer_events::replay::{Replay, record_faults, telling_faults};
use packer_events::report::{BuildReport, Ending, Failure, MutationReport, OutcomeReport, Rejection};
use packer_events::sequence::StreamCheck;
use packer_fs::lock::{HolderFacts, LaneGuard, LaneLock, Wait};
use packer_runtime::api::{
    Adopt, BuildRequest, Command, Digest, Feed, FeedItem, FeedNext, KindId, Mutation, OpenOptions,
    OperationHandle, OperationId, Outcome, PACK_FILE, Project, RecordedLog, SourceId, StorePolicy, Target,
    create_project, draw, recorded_logs,
};
use packer_runtime::codec::{Codec, builtin};

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The files of a project, by path, with the digests of their contents; folders end with a slash and have none.
pub(crate) type Tree = BTreeMap<String, Option<Digest>>;

/// How many logs were judged, how many outcomes were held against them, and how many operations that subscribers followed from
/// beginning to end.
static JUDGED: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

/// Every outcome that somebody waited for.
static TOLD: Mutex<Vec<Outcome>> = Mutex::new(Vec::new());

/// A project in a folder of its own.
pub(crate) struct Workspace {
    _folder: tempfile::TempDir,
    pub root: Utf8PathBuf,
    /// Whether some operation has no end on purpose.
    pub has_unended: bool,
    /// Whether the test has deleted what a log told of, or left it behind.
    has_deleted_logs: AtomicBool,
    /// What every opening of it said, from the first on.
    heard: Mutex<Vec<Heard>>,
}

/// What one opening of a project said.
struct Heard {
    source: SourceId,
    feed: Feed,
    replay: Replay,
    outcomes: Vec<Outcome>,
}

impl Heard {
    /// Takes in what was said since.
    fn listen(&mut self) {
        while let FeedNext::Item(item) = self.feed.next(Duration::ZERO) {
            assert_eq!(item.event.terminal, item.outcome.is_some(), "an end has its proof beside it");
            assert!(self.replay.apply(&item.event), "it was told before: {item:#?}");
            self.outcomes.extend(item.outcome);
        }
    }
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap().join("game");
        create_project(&root, "game").unwrap();
        let (has_unended, has_deleted_logs) = (false, AtomicBool::new(false));
        Self { _folder: folder, root, has_unended, has_deleted_logs, heard: Mutex::default() }
    }

    /// A project with these files, all of them adopted.
    pub(crate) fn adopted(
        files: &[(&str, &[u8])],
        codecs: Vec<std::sync::Arc<dyn Codec>>,
    ) -> (Self, Project) {
        let workspace = Self::new();
        for (path, bytes) in files {
            workspace.write(path, bytes);
        }
        let project = workspace.open_with(codecs);
        mutated(&run(&project, Command::Mutate(adopt_all(None))));
        (workspace, project)
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.root.join(path)).unwrap()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path)).unwrap()
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.root.join(path)).unwrap();
    }

    /// Deletes a folder in which logs are, or may be: what they told cannot be judged then.
    pub(crate) fn delete_with_logs(&self, folder: &str) {
        std::fs::remove_dir_all(self.root.join(folder)).unwrap();
        self.has_deleted_logs.store(true, Ordering::Relaxed);
    }

    /// Goes on in another folder, without its logs.
    pub(crate) fn move_without_logs(&mut self, to: Utf8PathBuf) {
        self.root = to;
        self.has_deleted_logs.store(true, Ordering::Relaxed);
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.root.join(from), self.root.join(to)).unwrap();
    }

    pub(crate) fn pack(&self) -> Vec<u8> {
        self.read(&format!("build/{PACK_FILE}"))
    }

    pub(crate) fn open(&self) -> Project {
        self.open_with(Vec::new())
    }

    /// Opens the project with two threads, and with `codecs` beside the built-in ones.
    pub(crate) fn open_with(&self, codecs: Vec<std::sync::Arc<dyn Codec>>) -> Project {
        let codecs = builtin().into_iter().chain(codecs).collect();
        self.open_as(OpenOptions { codecs, jobs: Some(2), ..OpenOptions::default() })
    }

    /// Opens the project so, and remembers what it says.
    pub(crate) fn open_as(&self, options: OpenOptions) -> Project {
        let (project, feed) = Project::open_and_subscribe(&self.root, options).unwrap();
        let (source, replay, outcomes) = (project.source(), Replay::new(), Vec::new());
        let heard = Heard { source, feed, replay, outcomes };
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
        project
    }

    /// Judges every log, and holds what was told against what the logs replay to.
    fn judge(&self) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter_mut().for_each(Heard::listen);
        let logs = recorded_logs(&self.root).unwrap();
        let mut replay = Replay::new();
        for log in &logs {
            assert_eq!(log.damaged_lines, 0);
            let from_start = log.events.first().is_none_or(|event| event.position == 1);
            let check = StreamCheck::log();
            let mut check = if from_start { check } else { check.joined_late() };
            for event in &log.events {
                check.push(event).unwrap();
                assert!(replay.apply(event), "it was said before: {event:#?}");
            }
            assert!(self.has_unended || check.running().count() == 0, "an operation has no end: {log:#?}");
            JUDGED[0].fetch_add(1, Ordering::Relaxed);
        }
        let mut faults = record_faults(&replay);
        faults.retain(|fault| !self.has_unended || fault.rule != packer_events::replay::RecordRule::Unended);
        assert_eq!(faults, []);
        // One whose log somebody deleted, or a part of it, is told of by nothing.
        let is_whole = |log: &&RecordedLog| log.events.first().is_some_and(|event| event.position == 1);
        let whole: BTreeMap<SourceId, &RecordedLog> =
            logs.iter().filter(is_whole).map(|log| (log.source, log)).collect();
        let held = |outcome: &Outcome| {
            let record = replay.operation(outcome.operation_id()).unwrap_or_else(|| panic!("{outcome:#?}"));
            assert_eq!(record.ending.as_ref(), Some(outcome.ending()));
            assert_eq!(record.kind, Some(outcome.kind()));
            let event = outcome.event();
            assert_eq!(record.causation_id, event.causation_id);
            let revisions = (record.base_revision, record.result_revision);
            assert_eq!(revisions, (event.base_revision, event.result_revision));
            assert_eq!((record.ended_at, record.last.sequence), (Some(event.time), event.sequence));
            JUDGED[1].fetch_add(1, Ordering::Relaxed);
        };
        let mut is_deleted = false;
        for Heard { source, replay: told, outcomes, .. } in heard.iter() {
            let Some(log) = whole.get(source) else {
                is_deleted |= told.operations().next().is_some();
                continue;
            };
            // All of it: who, why, from which revision to which, with which findings, at what times, how far, how it ended.
            assert_eq!(telling_faults(told, &replay), []);
            let whole = told.operations().filter(|record| record.ending.is_some()).count() as u64;
            JUDGED[2].fetch_add(whole, Ordering::Relaxed);
            let mut ended = BTreeSet::new();
            for outcome in outcomes {
                held(outcome);
                assert!(ended.insert(outcome.operation_id()), "its end was told twice: {outcome:#?}");
            }
            let ends = log.events.iter().filter(|event| event.terminal).map(|event| event.operation_id);
            let untold: Vec<_> = ends.filter(|id| !ended.contains(id)).collect();
            assert!(untold.is_empty(), "nobody was told of the end of {untold:?}");
        }
        let is_said = self.has_deleted_logs.load(Ordering::Relaxed);
        assert_eq!(is_deleted, is_said, "what was told is recorded nowhere, or the test has deleted it");
        let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().filter(|outcome| whole.contains_key(&outcome.event().source)).for_each(held);
    }

    /// Runs git in the project, without whatever the machine is configured to.
    pub(crate) fn git(&self, arguments: &[&str]) {
        let output = std::process::Command::new("git")
            .args([
                "-c",
                "user.name=Tester",
                "-c",
                "user.email=tester@example.org",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(["-c", "core.autocrlf=false", "-c", "init.defaultBranch=b0", "-c", "gc.auto=0"])
            .args(arguments)
            .current_dir(&self.root)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .expect("git is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
    }

    /// Commits everything with git.
    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "edits"]);
    }

    /// Everything outside of `.packer/` and `.git/`.
    pub(crate) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        walk(&self.root, &self.root, &mut tree);
        tree
    }

    /// Takes the lane as another process would.
    pub(crate) fn hold_lane(&self, holder: OperationId) -> LaneGuard {
        let facts = HolderFacts::here(&format!("{} {holder}", OperationKind::Adopt), 1_700_000_000_000);
        LaneLock::acquire(&self.root, &facts, Wait::Never, &mut |_| {}).unwrap()
    }

    /// Every event of an operation, from whichever log has it.
    pub(crate) fn events_of(&self, operation: OperationId) -> Vec<Event> {
        let logs = recorded_logs(&self.root).unwrap();
        let events = logs.iter().flat_map(|log| &log.events);
        events.filter(|event| event.operation_id == operation).map(|event| (**event).clone()).collect()
    }

    /// Every diagnostic that an operation said.
    pub(crate) fn diagnostics_of(&self, outcome: &Outcome) -> Vec<DiagnosticRecord> {
        let said = |event: Event| match event.body {
            EventBody::Diagnostic(diagnostic) => Some(diagnostic),
            _ => None,
        };
        self.events_of(outcome.operation_id()).into_iter().filter_map(said).collect()
    }

    /// What is left of builds that came to nothing.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let is_left = |path: &String| path.contains(".staging-");
        let mut left: Vec<String> = self.tree().into_keys().filter(is_left).collect();
        for entry in self.root.join(".packer").read_dir_utf8().unwrap() {
            let name = entry.unwrap().file_name().to_owned();
            left.extend(name.starts_with("prove-").then_some(name));
        }
        left
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.judge();
    }
}

#[test]
fn every_log_of_every_test_is_judged_and_held_against_what_was_told() {
    let count = || JUDGED.each_ref().map(|count| count.load(Ordering::Relaxed));
    let before = count();
    let (workspace, project) = Workspace::adopted(&[("assets/a.txt", b"a")], Vec::new());
    let outcome = run(&project, Command::Refresh);
    let source = project.source();
    drop(project);
    let path = workspace.root.join(format!(".packer/events/{source}.jsonl"));
    let log = std::fs::read_to_string(&path).unwrap();
    let judged = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| workspace.judge())).is_ok();
    // A log that tells of another end than was told, or of none, or of what nobody was told of.
    let took = format!("\"took_ms\":{}}}", mutated_took(&outcome));
    assert!(log.contains(&took), "{log}");
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    let revision = "\"base_revision\":1,";
    assert!(log.contains(revision), "{log}");
    let forgeries = [
        log.replace(&took, "\"took_ms\":987654}"),
        lines[..lines.len() - 1].concat(),
        log.replace(revision, "\"base_revision\":77,"),
        log.replace("\"title\":\"", "\"title\":\"not "),
    ];
    for forged in forgeries {
        std::fs::write(&path, forged).unwrap();
        assert!(!judged());
    }
    std::fs::write(&path, log).unwrap();
    drop(workspace);
    let after = count();
    assert!(after[0] > before[0] && after[1] >= before[1] + 2, "{before:?}, then {after:?}");
    assert!(after[2] >= before[2] + 2, "{before:?}, then {after:?}");
}

fn mutated_took(outcome: &Outcome) -> u64 {
    let Some(OutcomeReport::Refresh(report)) = outcome.success() else { panic!("{outcome:#?}") };
    report.took_ms
}

fn walk(root: &Utf8Path, dir: &Utf8Path, tree: &mut Tree) {
    for entry in dir.read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        if matches!(path.file_name(), Some(".packer" | ".git")) {
            continue;
        }
        let name = path.strip_prefix(root).unwrap();
        if path.is_dir() {
            tree.insert(format!("{name}/"), None);
            walk(root, &path, tree);
        } else {
            tree.insert(name.to_string(), Some(Digest::of(&std::fs::read(&path).unwrap())));
        }
    }
}

/// An operation that nobody here runs.
pub(crate) fn some_operation(n: u8) -> OperationId {
    OperationId::drawn(UuidDraw { unix_ms: 1_700_000_000_000 + u64::from(n), entropy: [n; 16] })
}

pub(crate) fn adopt_all(kind: Option<&str>) -> Mutation {
    let kind = kind.map(|kind| KindId::parse(kind).unwrap());
    Mutation::Adopt(Adopt { targets: vec![Target::Root], kind, draw: draw() })
}

pub(crate) fn run(project: &Project, command: Command) -> Outcome {
    let outcome = project.submit(command).wait().unwrap();
    TOLD.lock().unwrap_or_else(PoisonError::into_inner).push(outcome.clone());
    outcome
}

pub(crate) fn build(project: &Project) -> Outcome {
    build_as(project, BuildRequest::default())
}

/// Builds without the artifact store, so that how much is baked does not depend on how busy the machine is.
pub(crate) fn build_as(project: &Project, request: BuildRequest) -> Outcome {
    run(project, Command::Build(BuildRequest { store: StorePolicy::Off, ..request }))
}

/// Builds as the request says.
pub(crate) fn build_with_store(project: &Project, request: BuildRequest) -> Outcome {
    run(project, Command::Build(request))
}

pub(crate) fn keep_going() -> BuildRequest {
    BuildRequest { keep_going: true, ..BuildRequest::default() }
}

/// What a build that succeeded says of itself.
#[track_caller]
pub(crate) fn built(outcome: &Outcome) -> &BuildReport {
    let Some(OutcomeReport::Build(report)) = outcome.success() else { panic!("{outcome:#?}") };
    report
}

#[track_caller]
pub(crate) fn mutated(outcome: &Outcome) -> &MutationReport {
    let Some(OutcomeReport::Mutation(report)) = outcome.success() else { panic!("{outcome:#?}") };
    report
}

#[track_caller]
pub(crate) fn rejection(outcome: &Outcome) -> &Rejection {
    let Ending::Rejected(report) = outcome.ending() else { panic!("{outcome:#?}") };
    &report.reason
}

#[track_caller]
pub(crate) fn failure(outcome: &Outcome) -> &Failure {
    let Ending::Failed(report) = outcome.ending() else { panic!("{outcome:#?}") };
    &report.cause
}

/// The codes of errors, with the files they are about.
pub(crate) fn errors(diagnostics: &[DiagnosticRecord]) -> Vec<(&str, &str)> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == SeverityRecord::Error);
    errors.map(|error| (error.code.as_str(), error.file.as_deref().unwrap_or_default())).collect()
}

/// The next event of a feed.
#[track_caller]
pub(crate) fn next(feed: &mut Feed) -> FeedItem {
    match feed.next(PATIENCE) {
        FeedNext::Item(item) => item,
        FeedNext::Missed(missed) => panic!("{missed}"),
        FeedNext::Timeout => panic!("no event came"),
        FeedNext::Closed => panic!("the feed closed"),
    }
}

/// The first event of a feed that is as asked.
#[track_caller]
pub(crate) fn until(feed: &mut Feed, mut is_it: impl FnMut(&Event) -> bool) -> FeedItem {
    loop {
        let item = next(feed);
        if is_it(&item.event) {
            return item;
        }
    }
}

/// Everything that a feed has until the project is closed.
pub(crate) fn until_closed(feed: &mut Feed) -> Vec<FeedItem> {
    let mut items = Vec::new();
    loop {
        match feed.next(PATIENCE) {
            FeedNext::Item(item) => items.push(item),
            FeedNext::Missed(missed) => panic!("{missed}"),
            FeedNext::Closed => return items,
            FeedNext::Timeout => panic!("the feed neither goes on nor closes"),
        }
    }
}

/// Every event that the feed has by the end of one operation.
pub(crate) fn until_end(feed: &mut Feed) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let item = next(feed);
        events.push((*item.event).clone());
        if item.event.terminal {
            return events;
        }
    }
}

/// Waits until the operation waits for a lock that another process holds.
#[track_caller]
pub(crate) fn until_locked_out(feed: &mut Feed, handle: &OperationHandle) -> Event {
    let waits = |event: &Event| {
        event.operation_id == handle.id()
            && matches!(&event.body, EventBody::Queued { behind } if behind.holder.is_some())
    };
    (*until(feed, waits).event).clone()
}

#[track_caller]
pub(crate) fn assert_cancelled(handle: &OperationHandle) {
    let outcome = handle.wait().unwrap();
    assert!(matches!(outcome.ending(), Ending::Cancelled(_)), "{outcome:#?}");
}
