//! Subscribers who join anywhere while several threads work, with queues that spill and a log whose segments come and go:
//! what each is given has no gap and no repeat.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use camino::Utf8PathBuf;
use packer_events::body::{EventBody, OperationKind, Phase, Unit};
use packer_events::report::{Ending, OutcomeReport, RecoverReport, RecoveryResult};
use packer_events::sequence::StreamCheck;
use packer_fs::disk::OsDisk;
use packer_fs::disk::sim::SimDisk;
use packer_fs::event_log::{self, LogBounds};
use packer_fs::layout;

use super::*;
use crate::clock::draw;
use crate::operation::Operation;
use crate::outcome::Provenance;
use crate::record::read_source;
use crate::testing::HookedDisk;

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many operations each speaker runs.
const EACH: u64 = 150;

/// Segments of a few operations, most of which are dropped.
const SMALL: LogBounds =
    LogBounds { segment_bytes: 6000, ended_segments: 2, old_logs: 10, old_bytes: 1 << 20 };

/// A bus with a real disk under it.
struct Bench {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    disk: Arc<dyn Disk>,
    bus: Arc<Bus>,
}

impl Bench {
    fn new(bounds: LogBounds) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        let disk: Arc<dyn Disk> = Arc::new(OsDisk::new(root.clone()));
        let source = SourceId::drawn(draw());
        let bus = Bus::new(root.clone(), Arc::clone(&disk), source, bounds);
        Self { _folder: folder, root, disk, bus }
    }

    fn segments(&self) -> Vec<u64> {
        let mut logs = event_log::listing(&*self.disk).unwrap();
        logs.remove(&self.bus.source()).map_or_else(Vec::new, |names| names.segments.into_iter().collect())
    }

    /// With which position the log begins, if there is one.
    fn begins_with(&self) -> u64 {
        self.segments().first().copied().unwrap_or(1)
    }

    /// Runs operations until a segment has been dropped.
    fn speak_until_segments_are_dropped(&self) {
        while self.segments().first().is_none_or(|first| *first == 1) {
            speak(&self.bus, 5);
        }
    }
}

fn capacity(events: usize) -> QueueBounds {
    QueueBounds { events: NonZeroUsize::new(events).unwrap(), ..QUEUE_BOUNDS }
}

/// Runs an operation that does nothing but speak.
fn speak(bus: &Arc<Bus>, progress: u64) {
    let operation = Operation::accept(bus, OperationKind::Recover, "speak".to_owned(), None, None);
    operation.say(EventBody::Started {});
    for done in 0..progress {
        let (phase, unit) = (Phase::Scan, Unit::Files);
        let (total, bytes, elapsed_ms, subject) = (None, None, 0, None);
        operation.say(EventBody::Progress { phase, done, total, unit, bytes, elapsed_ms, subject });
    }
    operation.say(EventBody::Divergence { added: Vec::new(), cleared: Vec::new() });
    let report = RecoverReport { operation_id: operation.id, result: RecoveryResult::Closed, took_ms: 0 };
    operation.end(Ending::Succeeded(OutcomeReport::Recover(report))).unwrap();
}

/// What a subscriber was given, and that it keeps the contract.
struct Heard {
    items: Vec<FeedItem>,
    missed: Vec<Missed>,
    check: StreamCheck,
}

impl Heard {
    fn nothing() -> Self {
        Self { items: Vec::new(), missed: Vec::new(), check: StreamCheck::feed().joined_late() }
    }

    /// Takes one more; `false` once the feed is closed.
    fn take(&mut self, next: FeedNext) -> bool {
        match next {
            FeedNext::Item(item) => {
                self.check.push(&item.event).unwrap();
                assert_eq!(item.event.terminal, item.outcome.is_some(), "an end has its proof beside it");
                self.items.push(item);
            }
            FeedNext::Missed(missed) => self.missed.push(missed),
            FeedNext::Timeout => panic!("the feed neither goes on nor closes"),
            FeedNext::Closed => return false,
        }
        true
    }

    fn rest(mut self, feed: &mut Feed) -> Self {
        while self.take(feed.next(PATIENCE)) {}
        self
    }

    fn lifecycle(&self) -> Vec<u64> {
        let lifecycle = self.items.iter().filter(|item| item.event.is_lifecycle());
        lifecycle.map(|item| item.event.position).collect()
    }

    fn provenances(&self) -> Vec<Provenance> {
        self.items.iter().filter_map(|item| item.outcome.as_ref()).map(Outcome::provenance).collect()
    }
}

/// Marsaglia's xorshift: anything will do that differs.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Where a subscriber joined, and what it was given.
struct Joined {
    from: From,
    /// Up to which position subscribers had been told just before it joined, and just after.
    told: [u64; 2],
    /// With which position the log began just before it joined, and once it was told what it had missed.
    began: [u64; 2],
    heard: Heard,
}

/// Joins somewhere, and reads to the end: one in three only when somebody else has read for a while.
fn join(bench: &Bench, told: &AtomicU64, seed: u64) -> Joined {
    let bus = &bench.bus;
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    // Not all at once.
    let begin = chance.below(EACH * 16);
    while told.load(Ordering::Relaxed) < begin {
        thread::yield_now();
    }
    let newest = told.load(Ordering::Relaxed);
    let from = match chance.below(4) {
        0 => From::Now,
        // Near to the newest, what comes after it is still there.
        1 => From::After(bus.source(), newest.saturating_sub(chance.below(40))),
        _ => From::After(bus.source(), chance.below(newest + 1)),
    };
    let capacity = capacity([1, 2, 8, 64][chance.below(4) as usize]);
    let first = bench.begins_with();
    let before = bus.told();
    let mut feed = bus.subscribe_with(from, capacity);
    let mut joined = Joined { from, told: [before, bus.told()], began: [first; 2], heard: Heard::nothing() };
    let is_slow = chance.below(3) == 0;
    loop {
        if is_slow && chance.below(8) == 0 {
            let until = told.load(Ordering::Relaxed) + 60;
            while told.load(Ordering::Relaxed) < until && !bus.is_closing() {
                thread::yield_now();
            }
        }
        let next = feed.next(PATIENCE);
        if let FeedNext::Missed(_) = next {
            joined.began[1] = bench.begins_with();
        }
        if !joined.heard.take(next) {
            return joined;
        }
    }
}

impl Joined {
    /// After which position it has to be given everything, as the log and the moment of its joining say.
    fn begins(&self) -> u64 {
        let Self { from, told, began, heard } = self;
        match (from, &heard.missed[..]) {
            (From::Now, []) => {
                // What was told before it joined is not for it, and all is that was told once it had.
                let first = heard.items.first().map_or(u64::MAX, |item| item.event.position);
                assert!(first > told[0], "from now on began with {first}, and {told:?} were told");
                heard.lifecycle().first().map_or(told[1], |first| told[1].min(first - 1))
            }
            (From::After(_, position), []) => *position,
            // What was dropped before it joined is said, first of all and once, and nothing is dropped under it.
            (From::After(_, position), [missed]) => {
                assert_eq!(missed.after, *position);
                // The log did not have it: it began later, and with just that.
                let next = missed.next.unwrap();
                assert!(began[0] <= next && next <= began[1], "{missed}: the log began with {began:?}");
                assert!(next > position + 1, "{missed}: that is nothing");
                next - 1
            }
            (from, missed) => panic!("{from:?}: {missed:?}"),
        }
    }
}

#[test]
fn whoever_joins_anywhere_while_operations_run_gets_everything_from_there_on_once() {
    let bench = &Bench::new(SMALL);
    let bus = &bench.bus;
    let mut truth_feed =
        bus.subscribe_with(From::Now, QueueBounds { bytes: usize::MAX, ..capacity(1 << 20) });
    let told = AtomicU64::new(0);
    let (truth, joined) = thread::scope(|scope| {
        let truth = scope.spawn(|| {
            let mut truth = Heard::nothing();
            while truth.take(truth_feed.next(PATIENCE)) {
                told.store(truth.check.position(), Ordering::Relaxed);
            }
            truth
        });
        let joining: Vec<_> = (1..=32)
            .map(|seed| {
                scope.spawn({
                    let told = &told;
                    move || join(bench, told, seed)
                })
            })
            .collect();
        let speakers: Vec<_> =
            (0..3).map(|n| scope.spawn(move || (0..EACH).for_each(|i| speak(bus, (i + n) % 4)))).collect();
        for speaker in speakers {
            speaker.join().unwrap();
        }
        bus.begin_closing();
        // Everybody has joined before the end.
        bus.close();
        told.store(u64::MAX / 2, Ordering::Relaxed);
        let joined: Vec<Joined> = joining.into_iter().map(|join| join.join().unwrap()).collect();
        (truth.join().unwrap(), joined)
    });
    let positions: Vec<u64> = truth.items.iter().map(|item| item.event.position).collect();
    assert_eq!(
        positions,
        (1..=positions.len() as u64).collect::<Vec<_>>(),
        "one who is quick enough gets all"
    );
    assert!(bench.segments()[0] > 1, "nothing was dropped: {:?}", bench.segments());
    // The log is what all the others are held against, and says the same as far as it is there.
    let log = read_source(&*bench.disk, bus.source()).unwrap().unwrap();
    let last = truth.items.iter().skip(bench.begins_with() as usize - 1);
    assert!(log.events.iter().eq(last.map(|item| &item.event)), "one who was told all along, and the log");
    let lifecycle = truth.lifecycle();
    let (mut missed, mut now, mut replayed, mut live) = (0, 0, 0, 0);
    for joined in &joined {
        let Joined { from, heard, .. } = joined;
        let begins = joined.begins();
        missed += heard.missed.len();
        now += usize::from(*from == From::Now);
        let expected: Vec<u64> = lifecycle.iter().copied().filter(|position| *position > begins).collect();
        assert_eq!(heard.lifecycle(), expected, "{from:?}, {:?}", heard.missed);
        for item in &heard.items {
            let true_item = &truth.items[item.event.position as usize - 1];
            assert_eq!(Event { coalesced: None, ..(*item.event).clone() }, *true_item.event);
        }
        let of = |provenance| heard.provenances().iter().filter(|found| **found == provenance).count();
        replayed += of(Provenance::Replayed);
        live += of(Provenance::Live);
    }
    assert!(missed > 0 && now > 3, "{missed} asked for what was dropped, and {now} for what comes");
    assert!(replayed > 100 && live > 100, "{replayed} replayed and {live} live");
}

#[test]
fn from_now_on_is_from_just_after_what_was_told_last() {
    let bench = Bench::new(LogBounds::default());
    for told in [0, 7, 14] {
        assert_eq!(bench.bus.told(), told);
        let mut feed = bench.bus.subscribe(From::Now);
        speak(&bench.bus, 3);
        let heard: Vec<Arc<Event>> = (0..7)
            .map(|_| match feed.next(PATIENCE) {
                FeedNext::Item(item) => item.event,
                other => panic!("{other:?}"),
            })
            .collect();
        let log = read_source(&*bench.disk, bench.bus.source()).unwrap().unwrap();
        assert_eq!(heard, log.events[told as usize..]);
        assert!(matches!(feed.next(Duration::ZERO), FeedNext::Timeout));
    }
}

#[test]
fn what_a_subscriber_still_has_to_read_is_not_dropped() {
    let bench = Bench::new(SMALL);
    let mut stalled = bench.bus.subscribe_with(From::Now, capacity(3));
    for _ in 0..100 {
        speak(&bench.bus, 3);
    }
    assert_eq!(bench.segments()[0], 1, "it has to read nearly all of it");
    let kept = bench.segments().len();
    assert!(kept > 8, "{kept} segments");
    let mut heard = Heard::nothing();
    while heard.items.last().is_none_or(|item| item.event.position < bench.segments()[4]) {
        assert!(heard.take(stalled.next(PATIENCE)));
    }
    for _ in 0..10 {
        speak(&bench.bus, 3);
    }
    let begins = bench.segments()[0];
    assert!(begins > 1 && begins <= heard.check.position(), "what it has read may go: {begins}");
    bench.bus.close();
    let heard = heard.rest(&mut stalled);
    assert_eq!(heard.missed, []);
    let of_each = 1..=110 * 7;
    assert_eq!(heard.lifecycle().len(), 110 * 4);
    assert_eq!(heard.check.position(), *of_each.end());

    // One that is gone holds nothing.
    let bench = Bench::new(SMALL);
    drop(bench.bus.subscribe_with(From::Now, capacity(3)));
    for _ in 0..100 {
        speak(&bench.bus, 3);
    }
    assert!(bench.segments().len() <= 3, "{:?}", bench.segments());
}

#[test]
fn what_was_dropped_before_somebody_asked_is_named() {
    let bench = Bench::new(SMALL);
    bench.speak_until_segments_are_dropped();
    let (first, source) = (bench.segments()[0], bench.bus.source());
    let mut feed = bench.bus.subscribe(From::After(source, 2));
    let told = feed.next(PATIENCE);
    let FeedNext::Missed(missed) = told else { panic!("{told:?}") };
    assert_eq!(missed, Missed { source, after: 2, next: Some(first) });
    assert_eq!(
        missed.to_string(),
        format!("the events of {source} after position 2 and before {first} are gone")
    );
    let FeedNext::Item(item) = feed.next(PATIENCE) else { panic!("nothing follows") };
    assert_eq!(item.event.position, first);
    // Just before what is there, nothing is missed.
    let mut feed = bench.bus.subscribe(From::After(source, first - 1));
    let FeedNext::Item(item) = feed.next(PATIENCE) else { panic!("nothing follows") };
    assert_eq!(item.event.position, first);
}

#[test]
fn a_position_that_was_never_told_is_said_to_be_missed_and_what_comes_is_not() {
    let bench = Bench::new(LogBounds::default());
    speak(&bench.bus, 0);
    let source = bench.bus.source();
    let mut feed = bench.bus.subscribe(From::After(source, 100));
    speak(&bench.bus, 0);
    let told = feed.next(PATIENCE);
    let FeedNext::Missed(missed) = told else { panic!("{told:?}") };
    assert_eq!(missed, Missed { source, after: 100, next: None });
    bench.bus.close();
    assert_eq!(Heard::nothing().rest(&mut feed).lifecycle(), [5, 6, 7, 8]);
}

#[test]
fn a_log_that_is_deleted_under_a_subscriber_is_missed_and_what_follows_is_not() {
    let bench = Bench::new(LogBounds::default());
    let source = bench.bus.source();
    let mut feed = bench.bus.subscribe_with(From::Now, capacity(2));
    let watch = Operation::accept(&bench.bus, OperationKind::Watch, "go on".to_owned(), None, None);
    speak(&bench.bus, 0);
    std::fs::remove_dir_all(bench.root.join(layout::OPERATIONAL)).unwrap();
    speak(&bench.bus, 0);
    // What begins anew begins where it is, and knows of what runs.
    assert_eq!(bench.segments(), [6]);
    let log = read_source(&*bench.disk, source).unwrap().unwrap();
    let carried: Vec<_> = log.carried.iter().map(|event| (event.operation_id, event.position)).collect();
    assert_eq!(carried, [(watch.id, 1)]);
    let mut heard = Heard::nothing();
    heard.take(feed.next(PATIENCE));
    heard.take(feed.next(PATIENCE));
    let told = feed.next(PATIENCE);
    let FeedNext::Missed(missed) = told else { panic!("{told:?}") };
    assert_eq!(missed, Missed { source, after: 2, next: Some(6) });
    std::fs::remove_dir_all(bench.root.join(layout::OPERATIONAL)).unwrap();
    bench.bus.close();
    // Nobody will ever write the rest; that is said, too, and the feed comes to its end.
    let mut rest = Heard::nothing();
    while rest.take(feed.next(PATIENCE)) {}
    assert!(rest.items.is_empty() || rest.lifecycle() == [6, 7, 8, 9], "{:?}", rest.lifecycle());
    assert_eq!(rest.items.is_empty(), rest.missed == [Missed { source, after: 5, next: None }]);
}

#[test]
fn operations_that_outlive_the_segments_of_their_beginning_keep_their_kind_and_their_numbers() {
    let bench = Bench::new(SMALL);
    let source = bench.bus.source();
    let watch = Operation::accept(&bench.bus, OperationKind::Watch, "go on".to_owned(), None, None);
    watch.say(EventBody::Started {});
    bench.speak_until_segments_are_dropped();
    watch.say(EventBody::Divergence { added: Vec::new(), cleared: Vec::new() });
    for _ in 0..40 {
        speak(&bench.bus, 1);
    }
    let log = read_source(&*bench.disk, source).unwrap().unwrap();
    let replay = log.replay();
    let record = replay.operation(watch.id).unwrap();
    assert_eq!((record.kind, record.last.sequence), (Some(OperationKind::Watch), 3));
    assert!(log.events.iter().all(|event| event.operation_id != watch.id), "all that it said was dropped");
    let carried = log.carried.iter().filter(|event| event.operation_id == watch.id);
    assert_eq!(
        carried.map(|event| event.sequence).collect::<Vec<_>>(),
        [1, 3],
        "its beginning, and what it said last"
    );
    assert_eq!(replay.running().count(), 1, "what has ended is not carried on");
    // One who reads from there on learns what ends.
    let mut feed = bench.bus.subscribe(From::After(source, log.last_position - 1));
    watch.end(Ending::Aborted(packer_events::report::AbortReport { kind: None, by: watch.id })).unwrap();
    bench.bus.close();
    let heard = Heard::nothing().rest(&mut feed);
    assert_eq!(heard.items.last().unwrap().outcome.as_ref().unwrap().kind(), OperationKind::Watch);
}

#[test]
fn an_end_that_is_not_stored_yet_is_not_read_back_either() {
    let disk = SimDisk::new();
    layout::ensure_operational(&disk).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let source = SourceId::drawn(draw());
    let bus = Bus::new(root, shared, source, LogBounds::default());
    let operation = Operation::accept(&bus, OperationKind::Refresh, "refresh".to_owned(), None, None);
    // A line that is in the file, and of which nobody was told: as while an end is being synced.
    let line = disk.read(&layout::event_log(source), 1 << 20).unwrap();
    let line = String::from_utf8(line).unwrap().replace("\"position\":1", "\"position\":2");
    let untold = line.replace("\"sequence\":1", "\"sequence\":2");
    let path = layout::event_log(source);
    let both = [disk.read(&path, 1 << 20).unwrap(), untold.into_bytes()].concat();
    disk.put(&path, &both);
    let mut feed = bus.subscribe(From::After(source, 0));
    let FeedNext::Item(item) = feed.next(PATIENCE) else { panic!("it was told of its beginning") };
    assert_eq!(item.event.operation_id, operation.id);
    assert!(matches!(feed.next(Duration::ZERO), FeedNext::Timeout));
}

#[test]
fn whoever_subscribes_while_others_end_is_told_of_the_end() {
    let bench = Bench::new(SMALL);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            (0..200).for_each(|_| speak(&bench.bus, 0));
            done.store(true, Ordering::Release);
        });
        let mut last = 0;
        while !done.load(Ordering::Acquire) {
            // One after the other, each from where the one before it was.
            let mut feed = bench.bus.subscribe_with(From::After(bench.bus.source(), last), capacity(2));
            let next = feed.next(Duration::from_millis(1));
            match next {
                FeedNext::Item(item) => {
                    assert_eq!(item.event.position, last + 1);
                    last += 1;
                }
                FeedNext::Missed(missed) => {
                    assert_eq!(missed.after, last);
                    last = missed.next.unwrap() - 1;
                }
                FeedNext::Timeout => {}
                FeedNext::Closed => panic!("it is open"),
            }
        }
    });
}

#[test]
fn of_another_source_that_lives_only_what_was_made_durable_is_given_and_no_end_with_its_proof() {
    let mine = Bench::new(LogBounds::default());
    let disk = Arc::new(HookedDisk::new(mine.root.clone()));
    let bus = |disk: Arc<dyn Disk>| {
        Arc::new(Bus::new(mine.root.clone(), disk, SourceId::drawn(draw()), LogBounds::default()))
    };
    let other = bus(disk.clone());
    let source = other.source();
    speak(&other, 0);
    let subscribed = |after| mine.bus.subscribe(From::After(source, after));
    let told = |feed: &mut Feed| {
        let mut told = Vec::new();
        while let FeedNext::Item(item) = feed.next(Duration::ZERO) {
            told.push((item.event.position, item.event.terminal, item.outcome.is_some()));
        }
        told
    };
    let mut early = subscribed(2);
    let FeedNext::Item(item) = early.next(PATIENCE) else { panic!("it said something") };
    assert_eq!(item.event.position, 3);
    let (given, during) = (Arc::new(Mutex::new(Vec::new())), Cell::new(Some((early, subscribed(3)))));
    disk.hook({
        let (given, path) = (Arc::clone(&given), layout::event_log(source));
        move |name, at| {
            if name != "sync" || at != path {
                return Ok(());
            }
            // Its end stands in the log, and its own sync is about to fail.
            if let Some((mut early, mut late)) = during.take() {
                given.lock().unwrap().extend([told(&mut early), told(&mut late)]);
            }
            Err(std::io::ErrorKind::StorageFull.into())
        }
    });
    let operation = Operation::accept(&other, OperationKind::Recover, "speak".to_owned(), None, None);
    let report = RecoverReport { operation_id: operation.id, result: RecoveryResult::Closed, took_ms: 0 };
    operation.end(Ending::Succeeded(OutcomeReport::Recover(report))).unwrap_err();
    let [early, late] = <[Vec<_>; 2]>::try_from(std::mem::take(&mut *given.lock().unwrap())).unwrap();
    assert_eq!(early, [(4, true, false)], "nothing that came after it was made durable");
    assert_eq!(late, [(4, true, false), (5, false, false), (6, true, false)], "records, that may be cut off");
    assert_eq!(told(&mut subscribed(4)), [(5, false, false)], "and were");
    // Once it has closed in peace, what its log holds stays.
    disk.unhook();
    other.close();
    assert_eq!(told(&mut subscribed(4)), [(5, false, false), (6, true, true)]);
}

#[test]
fn making_the_log_of_another_source_durable_takes_nothing_from_it() {
    let bench = Bench::new(LogBounds::default());
    let other = Arc::new(Bus::new(
        bench.root.clone(),
        Arc::clone(&bench.disk),
        SourceId::drawn(draw()),
        LogBounds::default(),
    ));
    speak(&other, 0);
    let source = other.source();
    let disk = Arc::new(HookedDisk::new(bench.root.clone()));
    let speaking = Arc::clone(&other);
    disk.hook(move |name, _| match name {
        "sync" => {
            speak(&speaking, 0);
            Err(std::io::ErrorKind::StorageFull.into())
        }
        _ => Ok(()),
    });
    let shared: Arc<dyn Disk> = disk;
    let mut earlier = Earlier::new(source, 0);
    let missed = Missed { source, after: 0, next: None };
    assert!(matches!(earlier.next(&shared), Step::Missed(told) if told == missed), "none of it is certain");
    let log = read_source(&*bench.disk, source).unwrap().unwrap();
    assert_eq!((log.events.len(), log.damaged_lines), (8, 0), "what it said meanwhile is there");
}
