//! Watching, driven by hints that the tests give, and by real ones that are held back.

mod doubts;
mod scripted;
mod storm;

use std::ffi::OsStr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::path::AssetPath;
use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::record::{FreshnessCause, FreshnessRecord, UnknownCause};
use packer_fs::disk::Disk;
use packer_fs::watch::{Followed, Hints, News, WatchError, Watcher};

use super::{Automatic, Start, WatchOptions, starter};
use crate::create::create_project;
use crate::feed::{Feed, FeedItem, FeedNext};
use crate::freshness::Freshness;
use crate::outcome::Outcome;
use crate::project::{Command, OpenOptions, Project};
use crate::testing::HookedDisk;

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Follows nothing: what is heard is what a test says.
struct Scripted {
    gate: Arc<Gate>,
}

/// Holds back whoever passes it while it is shut.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    moved: Condvar,
}

#[derive(Default)]
struct GateState {
    shut: bool,
    waiting: bool,
}

impl Gate {
    fn shut(&self) {
        self.state.lock().unwrap().shut = true;
    }

    fn open(&self) {
        self.state.lock().unwrap().shut = false;
        self.moved.notify_all();
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        while state.shut {
            state.waiting = true;
            self.moved.notify_all();
            state = self.moved.wait(state).unwrap();
        }
        state.waiting = false;
    }

    /// Waits until somebody is held back.
    fn holds(&self) {
        let mut state = self.state.lock().unwrap();
        while !state.waiting {
            let (next, timeout) = self.moved.wait_timeout(state, PATIENCE).unwrap();
            assert!(!timeout.timed_out(), "nobody came");
            state = next;
        }
    }
}

impl Watcher for Scripted {
    fn follow(&mut self, path: &AssetPath, _: News) -> Result<Followed, WatchError> {
        self.gate.pass();
        match path.as_str() {
            "limit" => Err(WatchError::Limit { path: "limit".into() }),
            "panic" => panic!("while it followed"),
            "ignored" => Ok(Followed::PassedOver),
            _ => Ok(Followed::Taken),
        }
    }

    fn follow_operational(&mut self) -> Result<(), WatchError> {
        Ok(())
    }

    fn passes_over(&self, _: &AssetPath) -> bool {
        false
    }

    fn covers(&self, _: Option<&AssetPath>, name: &OsStr, _: bool) -> bool {
        name.as_encoded_bytes().starts_with(b".")
    }
}

/// A real watcher that a gate holds back.
struct Stalled {
    watcher: Box<dyn Watcher>,
    gate: Arc<Gate>,
}

impl Watcher for Stalled {
    fn follow(&mut self, path: &AssetPath, news: News) -> Result<Followed, WatchError> {
        self.gate.pass();
        self.watcher.follow(path, news)
    }

    fn follow_operational(&mut self) -> Result<(), WatchError> {
        self.watcher.follow_operational()
    }

    fn passes_over(&self, path: &AssetPath) -> bool {
        self.watcher.passes_over(path)
    }

    fn covers(&self, folder: Option<&AssetPath>, name: &OsStr, is_dir: bool) -> bool {
        self.watcher.covers(folder, name, is_dir)
    }
}

/// A watched project.
struct Bench {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    disk: Arc<HookedDisk>,
    project: Option<Project>,
    feed: Feed,
    hints: Arc<Hints>,
    gate: Arc<Gate>,
}

fn new_project() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap().join("game");
    create_project(&root, "game").unwrap();
    std::fs::write(root.join("assets/a.txt"), b"a").unwrap();
    (folder, root)
}

impl Bench {
    /// Watched by a script, which follows what the test hints at.
    fn scripted(automatic: Automatic) -> Self {
        Self::scripted_from(automatic, |_| Ok(()))
    }

    /// The same; whether a watch can begin is for `can_begin` to say, which is told how often it was tried before.
    fn scripted_from(
        automatic: Automatic,
        mut can_begin: impl FnMut(u32) -> Result<(), WatchError> + Send + 'static,
    ) -> Self {
        Self::open(automatic, move |_, _, gate| {
            let mut tried = 0;
            Box::new(move |_, _| {
                tried += 1;
                can_begin(tried - 1)?;
                Ok(Box::new(Scripted { gate: Arc::clone(&gate) }))
            })
        })
    }

    /// Watched by the real watcher, behind a gate.
    fn stalled(automatic: Automatic) -> Self {
        Self::open(automatic, |disk, root, gate| {
            let draw = crate::clock::draw();
            let mut start = starter(&disk, &root, packer_domain::identity::SourceId::drawn(draw));
            Box::new(move |assets, hints| {
                let watcher = start(assets, hints)?;
                Ok(Box::new(Stalled { watcher, gate: Arc::clone(&gate) }))
            })
        })
    }

    fn open(
        automatic: Automatic,
        begin: impl FnOnce(Arc<dyn Disk>, Utf8PathBuf, Arc<Gate>) -> Start,
    ) -> Self {
        let (folder, root) = new_project();
        let hooked = Arc::new(HookedDisk::new(root.clone()));
        let disk: Arc<dyn Disk> = hooked.clone();
        let gate = Arc::new(Gate::default());
        let heard: Arc<Mutex<Option<Arc<Hints>>>> = Arc::default();
        let mut start = begin(Arc::clone(&disk), root.clone(), Arc::clone(&gate));
        let told = Arc::clone(&heard);
        let start: Start = Box::new(move |assets: &Utf8Path, hints: &Arc<Hints>| {
            *told.lock().unwrap() = Some(Arc::clone(hints));
            start(assets, hints)
        });
        let options = OpenOptions { watch: Some(WatchOptions { automatic }), ..OpenOptions::default() };
        let (project, feed) = Project::open_watched_by(&disk, &root, options, |_| start).unwrap();
        let hints = heard.lock().unwrap().clone().unwrap();
        Self { _folder: folder, root, disk: hooked, project: Some(project), feed, hints, gate }
    }

    fn project(&self) -> &Project {
        self.project.as_ref().unwrap()
    }

    fn freshness(&self) -> Freshness {
        self.project().status().freshness.clone()
    }

    fn run(&self, command: Command) -> Outcome {
        self.project().submit(command).wait().unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.root.join(path), text).unwrap();
    }

    /// Names a path below the assets root.
    fn hint(&self, path: &str) {
        self.hints.path(path_of(path), News::Touched);
    }

    /// The first event from here on that is as asked.
    #[track_caller]
    fn until(&mut self, is_it: impl Fn(&Event) -> bool) -> FeedItem {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.feed.next(deadline.saturating_duration_since(Instant::now())) {
                FeedNext::Item(item) if is_it(&item.event) => return item,
                FeedNext::Item(_) => {}
                other => panic!("it never came: {other:?}; the freshness is {:?}", self.freshness()),
            }
        }
    }

    /// Waits for a transition, and gives where to, why and with which paths.
    #[track_caller]
    fn transition(&mut self) -> (FreshnessRecord, FreshnessCause, Vec<String>) {
        let item = self.until(|event| matches!(event.body, EventBody::Freshness { .. }));
        let EventBody::Freshness { to, cause, paths, .. } = &item.event.body else { unreachable!() };
        (to.clone(), *cause, paths.iter().map(ToString::to_string).collect())
    }

    /// Waits until everything that was hinted at has been followed and looked at: `mark` is hinted at last, differs, and is
    /// what the freshness names then.
    #[track_caller]
    fn until_marked(&mut self, mark: &str) {
        self.write(&format!("assets/{mark}"), "a mark");
        self.hint(mark);
        let marked = |event: &Event| match &event.body {
            EventBody::Freshness { paths, .. } => paths.contains(&path_of(mark)),
            _ => false,
        };
        self.until(marked);
    }

    /// Closes the project and gives everything that its log says, once that is in order: each transition begins where the
    /// last one ended, all of them are told under the operation that watches, which ends last and counts them.
    fn closed(&mut self) -> Vec<Event> {
        self.project = None;
        let logs = crate::record::recorded_logs(&self.root).unwrap();
        let events: Vec<Event> =
            logs.iter().flat_map(|log| &log.events).map(|event| (**event).clone()).collect();
        let is_watch =
            |event: &&Event| matches!(event.body, EventBody::Accepted { kind: OperationKind::Watch, .. });
        let watch = events.iter().find(is_watch).unwrap().operation_id;
        let mut before: Option<FreshnessRecord> = None;
        let mut transitions = 0;
        for event in &events {
            let EventBody::Freshness { from, to, .. } = &event.body else { continue };
            assert_eq!(event.operation_id, watch, "{event:#?}");
            if let Some(before) = &before {
                assert!(is_alike(before, from), "{before:?}, then from {from:?}");
            }
            assert!(!is_alike(from, to) || matches!(from, FreshnessRecord::Dirty { .. }), "{event:#?}");
            before = Some(to.clone());
            transitions += 1;
        }
        let end = events.iter().find(|event| event.operation_id == watch && event.terminal).unwrap();
        if let EventBody::Succeeded { outcome: packer_events::report::OutcomeReport::Watch(report) } =
            &end.body
        {
            assert_eq!(report.transitions, transitions);
        }
        let mut check = packer_events::sequence::StreamCheck::log();
        for event in &events {
            check.push(event).unwrap();
        }
        assert_eq!(check.running().count(), 0);
        events
    }
}

/// The same but for the time at which something was verified.
fn is_alike(a: &FreshnessRecord, b: &FreshnessRecord) -> bool {
    match (a, b) {
        (FreshnessRecord::Verified { watched: a, .. }, FreshnessRecord::Verified { watched: b, .. }) => {
            a == b
        }
        (a, b) => a == b,
    }
}

fn path_of(path: &str) -> AssetPath {
    AssetPath::parse(path).unwrap()
}

fn dirty(paths: u64) -> FreshnessRecord {
    FreshnessRecord::Dirty { paths, registry: false, configuration: false }
}

fn unknown(cause: UnknownCause) -> FreshnessRecord {
    FreshnessRecord::Unknown { cause }
}

fn is_watched(freshness: &Freshness) -> bool {
    matches!(freshness, Freshness::Verified { watched: true, .. })
}
