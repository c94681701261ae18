//! What the checks share: a project on a disk in memory, those who work on it, and the judgement of its logs.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use camino::Utf8PathBuf;
use packer_domain::codec::Codec;
use packer_domain::config::ProjectConfig;
use packer_domain::identity::{LineageId, OperationId, UuidDraw};
use packer_domain::mutation::{Adopt, Mutation, Target};
use packer_domain::registry::Registry;
use packer_events::body::OperationKind;
use packer_events::event::Event;
use packer_events::report::Ending;
use packer_events::sequence::StreamCheck;
use packer_fs::disk::Disk;
use packer_fs::disk::sim::SimDisk;
use packer_fs::lock::{HolderFacts, Wait};
use packer_fs::{layout, registry_file};

use crate::build::BuildRequest;
use crate::clock::draw;
use crate::feed::{Feed, FeedItem, FeedNext};
use crate::operation::OperationHandle;
use crate::outcome::Outcome;
use crate::project::{Command, FirstObservation, OpenOptions, Project};
use crate::record::read_source;
use crate::sync::lock::{LaneGuard, LaneLock};

/// Longer than time that stands still takes.
const FOR_EVER: Duration = Duration::from_secs(1);

/// A project in memory.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub root: Utf8PathBuf,
    pub disk: SimDisk,
}

impl World {
    /// A project with one file that nobody has adopted.
    pub(crate) fn new() -> Self {
        static EMPTY: OnceLock<SimDisk> = OnceLock::new();
        // Whose locks are whose is told apart by the root.
        static ROOTS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let disk = EMPTY.get_or_init(|| {
            let disk = SimDisk::new();
            let lineage = LineageId::drawn(UuidDraw { unix_ms: 1, entropy: [1; 16] });
            disk.put(layout::CONFIG.into(), ProjectConfig::new_project_text("game").as_bytes());
            disk.put(layout::REGISTRY.into(), &registry_file::encode(&Registry::new(lineage)));
            disk.put("assets/a.txt".into(), b"a");
            layout::ensure_operational(&disk).unwrap();
            disk.settle();
            disk
        });
        let root = ROOTS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Self { root: Utf8PathBuf::from(format!("/schedule-{root}")), disk: disk.fork() }
    }

    /// Opens the project as one more process.
    pub(crate) fn open(&self) -> Project {
        static TEXT: OnceLock<Vec<Arc<dyn Codec>>> = OnceLock::new();
        // One kind is enough, and quicker to speak of than all.
        let codecs = TEXT.get_or_init(|| {
            packer_codecs::builtin().into_iter().filter(|codec| codec.spec().id.as_str() == "text").collect()
        });
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        // Everything here observes before it does something, and what a first look would find is no matter.
        let first_observation = FirstObservation::ByFirstOperation;
        let options = OpenOptions { codecs: codecs.clone(), first_observation, ..OpenOptions::default() };
        Project::open_on(&disk, &self.root, options).unwrap()
    }

    /// Takes the lane as another process would, waiting for it.
    pub(crate) fn hold_lane(&self) -> LaneGuard {
        let facts = HolderFacts {
            pid: 1,
            host: "loom".to_owned(),
            operation: format!("{} {}", OperationKind::Adopt, some_operation()),
            since_unix_ms: 1,
        };
        LaneLock::acquire(&self.root, &facts, Wait::Block(&|| false), &mut |_| {}).unwrap()
    }

    /// The lines of the registry, without its first.
    pub(crate) fn registry_lines(&self) -> usize {
        let text = self.disk.read(layout::REGISTRY.into(), 1 << 20).unwrap();
        String::from_utf8(text).unwrap().lines().count() - 1
    }

    /// Whether the one file of the project has an anchor beside it.
    pub(crate) fn is_anchored(&self) -> bool {
        self.disk.stat("assets/a.txt.asset.toml".into()).unwrap().is_some()
    }

    /// Every event of every log, by source, once each log keeps the contract and each operation has ended once.
    pub(crate) fn settled(&self) -> Vec<Vec<Event>> {
        let logs = packer_fs::event_log::list(&self.disk).unwrap();
        let read = |source| {
            let log = read_source(&self.disk, source).unwrap().unwrap();
            let begins_late = log.events.first().is_some_and(|event| event.position > 1);
            let mut check = StreamCheck::log();
            if begins_late {
                check = check.joined_late();
            }
            for event in &log.events {
                check.push(event).unwrap();
            }
            assert_eq!(check.running().count(), 0, "an operation has no end");
            assert_eq!(log.holes, []);
            log.events.into_iter().map(|event| (*event).clone()).collect()
        };
        logs.into_iter().map(read).collect()
    }
}

fn some_operation() -> OperationId {
    OperationId::drawn(UuidDraw { unix_ms: 1_700_000_000_000, entropy: [7; 16] })
}

/// Adopts everything.
pub(crate) fn adopt() -> Mutation {
    Mutation::Adopt(Adopt { targets: vec![Target::Root], kind: None, draw: draw() })
}

/// A build that takes its turn in the lane and looks, and is then rejected: what it would bake is no matter here.
pub(crate) fn build() -> Command {
    Command::Build(BuildRequest { profile: Some("none".to_owned()), ..BuildRequest::default() })
}

/// The end of an operation. It must come.
pub(crate) fn end_of(handle: &OperationHandle) -> Outcome {
    handle.wait().unwrap()
}

pub(crate) fn is_cancelled(outcome: &Outcome) -> bool {
    matches!(outcome.ending(), Ending::Cancelled(_))
}

/// The next event of a feed; `None` once it is closed.
pub(crate) fn next(feed: &mut Feed) -> Option<FeedItem> {
    match feed.next(FOR_EVER) {
        FeedNext::Item(item) => Some(item),
        FeedNext::Closed => None,
        FeedNext::Missed(missed) => panic!("{missed}"),
        FeedNext::Timeout => panic!("time stands still"),
    }
}

/// Everything that a feed has until it is closed, once that keeps the contract.
pub(crate) fn read_to_end(feed: &mut Feed, mut check: StreamCheck) -> Vec<FeedItem> {
    let mut items = Vec::new();
    while let Some(item) = next(feed) {
        check.push(&item.event).unwrap();
        assert_eq!(item.event.terminal, item.outcome.is_some(), "an end has its proof beside it");
        items.push(item);
    }
    items
}

/// The positions of what may never be dropped.
pub(crate) fn lifecycle<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<u64> {
    events.into_iter().filter(|event| event.is_lifecycle()).map(|event| event.position).collect()
}
