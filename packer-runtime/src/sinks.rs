//! For this crate's tests: an emitter whose subscribers sleep, panic, vanish or have hardly any room, a hundred thousand
//! progress events, and events so long that a few of them are all that a feed holds.
//!
//! The emitter is the thread of the test. It speaks to the end while nobody who sleeps wakes before that, so it waits for
//! nobody; what that costs it is measured by the benchmark `progress`.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camino::Utf8PathBuf;
use packer_domain::identity::{OperationId, SourceId};
use packer_events::body::{EventBody, OperationKind, Phase, Unit};
use packer_events::coalesce::QueueBounds;
use packer_events::event::Event;
use packer_events::record::DivergenceRecord;
use packer_events::report::{Ending, OutcomeReport, RecoverReport, RecoveryResult};
use packer_events::sequence::StreamCheck;
use packer_events::wire::encode_line;
use packer_fs::event_log::LogBounds;

use crate::clock::draw;
use crate::feed::{Bus, Feed, FeedItem, FeedNext, From, QUEUE_BOUNDS};
use crate::operation::Operation;
use crate::testing::HookedDisk;

const OPERATIONS: u64 = 50;
const PROGRESS: u64 = 2_000;

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_secs(30);

struct Bench {
    _folder: tempfile::TempDir,
    disk: Arc<HookedDisk>,
    bus: Arc<Bus>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        let disk = Arc::new(HookedDisk::new(root.clone()));
        let bus = Bus::new(root, disk.clone(), SourceId::drawn(draw()), LogBounds::default());
        Self { _folder: folder, disk, bus }
    }

    /// Runs one operation that says much. Returns its id.
    fn speak(&self, progress: u64) -> OperationId {
        let kind = OperationKind::Recover;
        let operation = Operation::accept(&self.bus, kind, "speak".to_owned(), None, None);
        operation.say(EventBody::Started {});
        for done in 0..progress {
            let phase = if done % 3 == 0 { Phase::Write } else { Phase::Bake };
            operation.say(EventBody::Progress {
                phase,
                done,
                total: Some(progress),
                unit: Unit::Assets,
                bytes: None,
                elapsed_ms: done,
                subject: Some("ui/button".to_owned()),
            });
        }
        let report = RecoverReport { operation_id: operation.id, result: RecoveryResult::Closed, took_ms: 0 };
        operation.end(Ending::Succeeded(OutcomeReport::Recover(report))).unwrap();
        operation.id
    }
}

/// How long the lines of what a feed holds in memory are in the log. There they account for no others.
fn held(feed: &Feed) -> usize {
    let in_log = |event: Arc<Event>| Event { coalesced: None, ..Arc::unwrap_or_clone(event) };
    feed.queued().into_iter().map(|event| encode_line(&in_log(event)).len()).sum()
}

/// Everything that a feed has until it is closed, once it is in order.
fn read_to_end(feed: &mut Feed, mut check: StreamCheck) -> Vec<FeedItem> {
    let mut items = Vec::new();
    loop {
        match feed.next(PATIENCE) {
            FeedNext::Item(item) => {
                check.push(&item.event).unwrap();
                assert_eq!(item.event.terminal, item.outcome.is_some(), "an end has its proof beside it");
                items.push(item);
            }
            FeedNext::Closed => {
                assert_eq!(check.running().count(), 0, "an operation has no end");
                return items;
            }
            FeedNext::Missed(missed) => panic!("{missed}"),
            FeedNext::Timeout => panic!("the feed neither goes on nor closes"),
        }
    }
}

fn ends(items: &[FeedItem]) -> Vec<OperationId> {
    items.iter().filter_map(|item| item.outcome.as_ref()).map(crate::outcome::Outcome::operation_id).collect()
}

#[test]
fn whatever_becomes_of_its_subscribers_everybody_who_lives_is_told_every_end() {
    let bench = Bench::new();
    let few = QueueBounds { events: NonZeroUsize::new(8).unwrap(), ..QUEUE_BOUNDS };
    let (mut sleeper, mut crowded) =
        (bench.bus.subscribe(From::Now), bench.bus.subscribe_with(From::Now, few));
    let mut live = bench.bus.subscribe(From::Now);
    let (leaver, panicker, stumbler) = (
        bench.bus.subscribe(From::Now),
        bench.bus.subscribe(From::Now),
        bench.bus.subscribe_with(From::Now, few),
    );
    drop(bench.bus.subscribe(From::Now));

    let said = std::thread::scope(|scope| {
        let live = scope.spawn(|| read_to_end(&mut live, StreamCheck::feed()));
        // One goes amid its reading, one panics with an event in its hands.
        let gone = scope.spawn(move || {
            let mut leaver = leaver;
            (0..100).for_each(|_| drop(leaver.next(PATIENCE)));
        });
        let broke = scope.spawn(move || {
            catch_unwind(AssertUnwindSafe(move || {
                let mut panicker = panicker;
                let item = panicker.next(PATIENCE);
                panic!("the sink has a bug: {item:?}");
            }))
            .is_err()
        });
        let mut said: Vec<OperationId> = (0..OPERATIONS / 2).map(|_| bench.speak(PROGRESS)).collect();
        gone.join().unwrap();
        assert!(broke.join().unwrap());
        // One panics inside of the feed, while that reads the log: again and again.
        let reads_back = Arc::new(AtomicBool::new(false));
        let in_hook = Arc::clone(&reads_back);
        bench.disk.hook(move |name, path| {
            let is_meant = name == "open" && path.extension() == Some("jsonl");
            if is_meant && std::thread::current().name() == Some("stumbler") {
                in_hook.store(true, Ordering::Relaxed);
                panic!("while the log is read");
            }
            Ok(())
        });
        let stumbler =
            std::thread::Builder::new().name("stumbler".to_owned()).spawn_scoped(scope, move || {
                let mut stumbler = stumbler;
                while catch_unwind(AssertUnwindSafe(|| drop(stumbler.next(PATIENCE)))).is_ok() {}
            });
        stumbler.unwrap().join().unwrap();
        assert!(reads_back.load(Ordering::Relaxed));
        said.extend((OPERATIONS / 2..OPERATIONS).map(|_| {
            let id = bench.speak(PROGRESS);
            assert!(sleeper.queued().len() <= 1024 && crowded.queued().len() <= few.events.get());
            assert!(held(&sleeper) <= QUEUE_BOUNDS.bytes && held(&crowded) <= QUEUE_BOUNDS.bytes);
            id
        }));
        bench.bus.close();
        assert_eq!(ends(&live.join().unwrap()), said);
        said
    });

    assert!(held(&sleeper) > 0);
    for feed in [&mut sleeper, &mut crowded] {
        let told = read_to_end(feed, StreamCheck::feed());
        assert_eq!(ends(&told), said);
        let lifecycle = told.iter().filter(|item| item.event.is_lifecycle()).count() as u64;
        assert_eq!(lifecycle, OPERATIONS * 3);
    }
}

#[test]
fn what_is_held_for_one_who_sleeps_is_bounded_by_length_and_nothing_of_it_is_lost() {
    let bench = Bench::new();
    let mut sleeper = bench.bus.subscribe(From::Now);
    let operation = Operation::accept(&bench.bus, OperationKind::Recover, "tell much".to_owned(), None, None);
    let divergence = DivergenceRecord {
        code: "anchor/missing".to_owned(),
        paths: Vec::new(),
        assets: Vec::new(),
        ids: Vec::new(),
        message: "x".repeat(10_000),
        resolutions: Vec::new(),
    };
    // Some ten of them are all that is held, and one is longer than that.
    let tenth = QUEUE_BOUNDS.bytes / 10 / 10_000;
    let counts = [tenth; 30].into_iter().chain([tenth * 11]).chain([1; 30]);
    let mut most = 0;
    for count in counts.clone() {
        let added = vec![divergence.clone(); count];
        operation.say(EventBody::Divergence { added, cleared: Vec::new() });
        most = most.max(held(&sleeper));
        assert!(most <= QUEUE_BOUNDS.bytes, "{most} bytes are held");
    }
    assert!(most > QUEUE_BOUNDS.bytes / 2, "{most} bytes were held: that shows no bound");
    let report = RecoverReport { operation_id: operation.id, result: RecoveryResult::Closed, took_ms: 0 };
    operation.end(Ending::Succeeded(OutcomeReport::Recover(report))).unwrap();
    bench.bus.close();
    let told = read_to_end(&mut sleeper, StreamCheck::feed());
    let told_of = told.iter().filter_map(|item| match &item.event.body {
        EventBody::Divergence { added, .. } => Some(added.len()),
        _ => None,
    });
    assert!(told_of.eq(counts), "something was lost");
    assert!(told.iter().any(|item| encode_line(&item.event).len() > QUEUE_BOUNDS.bytes));
    assert_eq!(ends(&told), [operation.id]);
}

#[test]
fn the_bus_holds_nothing_for_those_who_are_gone() {
    let bench = Bench::new();
    let feeds: Vec<Feed> = (0..1000).map(|_| bench.bus.subscribe(From::Now)).collect();
    bench.speak(3);
    assert_eq!(bench.bus.subscribers(), 1000);
    let first = Arc::downgrade(&feeds[0].queued()[0]);
    drop(feeds);
    bench.speak(3);
    assert_eq!(bench.bus.subscribers(), 0);
    assert!(first.upgrade().is_none(), "an event that nobody waits for is held");
    // Who comes and goes without anything being said is not held either.
    for _ in 0..1000 {
        drop(bench.bus.subscribe(From::Now));
    }
    assert!(bench.bus.subscribers() < 100, "{} are held", bench.bus.subscribers());
}
