//! `Progress`: how far one part of an operation's work is. Any thread counts, as often as it likes; it is said at a bounded rate.
//!
//! Counting is a few atomic additions and one look at the clock, waits for nobody and allocates nothing; what is worked on is
//! asked for only when it is said. What is said last of a part is what was counted last, and no count is ever said after a
//! higher one.
//!
//! Rates are the reader's division: each event says what was done and how long that took, so whatever was coalesced, the
//! latest one has everything (`packer_events::replay::PhaseProgress`).

use std::time::Duration;

use packer_events::body::{EventBody, Phase, Unit};

use crate::operation::Operation;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::time::Instant;
use crate::sync::{Mutex, PoisonError};

/// The least time between two progress events of one part.
const INTERVAL: Duration = Duration::from_millis(100);

/// One part of an operation's work, from its beginning to its end. Dropping it says how far it got, if that was not said.
#[derive(Debug)]
#[must_use = "a part of the work lasts until this is dropped"]
pub(crate) struct Progress<'o> {
    operation: &'o Operation,
    phase: Phase,
    unit: Unit,
    total: Option<u64>,
    began: Instant,
    done: AtomicU64,
    bytes: AtomicU64,
    /// When something is to be said next, in nanoseconds since it began.
    due: AtomicU64,
    /// What was said last, if something was. Held while it is said, so that what is said ascends.
    said: Mutex<Option<(u64, u64)>>,
}

impl<'o> Progress<'o> {
    /// A part of so much work, where that is known. Nothing is said before something is counted.
    pub(crate) fn new(operation: &'o Operation, phase: Phase, unit: Unit, total: Option<u64>) -> Self {
        Self {
            operation,
            phase,
            unit,
            total,
            began: Instant::now(),
            done: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            due: AtomicU64::new(0),
            said: Mutex::new(None),
        }
    }

    /// The same, and says that it begins.
    pub(crate) fn begin(operation: &'o Operation, phase: Phase, unit: Unit, total: Option<u64>) -> Self {
        let part = Self::new(operation, phase, unit, total);
        part.due.store(nanoseconds(INTERVAL), Ordering::Relaxed);
        part.say(&|| None);
        part
    }

    /// So much more is done, of so many bytes.
    pub(crate) fn advance(&self, by: u64, bytes: u64, subject: &dyn Fn() -> Option<String>) {
        self.done.fetch_add(by, Ordering::Relaxed);
        if bytes > 0 {
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        self.say_if_due(subject);
    }

    /// So much is done in all, of so many bytes; less than what is known already is no news.
    pub(crate) fn reached(&self, done: u64, bytes: u64) {
        self.done.fetch_max(done, Ordering::Relaxed);
        self.bytes.fetch_max(bytes, Ordering::Relaxed);
        self.say_if_due(&|| None);
    }

    /// Says now how far it is: what comes next in the operation is something else.
    pub(crate) fn tell(&self) {
        self.say(&|| None);
    }

    fn say_if_due(&self, subject: &dyn Fn() -> Option<String>) {
        let now = nanoseconds(self.began.elapsed());
        let due = self.due.load(Ordering::Relaxed);
        if now < due {
            return;
        }
        // Whoever moves the time on says it; all others go on counting.
        let next = now.saturating_add(nanoseconds(INTERVAL));
        if self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.say(subject);
        }
    }

    /// Says how far it is, unless exactly that was said last.
    fn say(&self, subject: &dyn Fn() -> Option<String>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.done.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        if *said == Some(now) {
            return;
        }
        *said = Some(now);
        let (done, bytes) = now;
        self.operation.say(EventBody::Progress {
            phase: self.phase,
            done,
            total: self.total,
            unit: self.unit,
            bytes: (bytes > 0).then_some(bytes),
            elapsed_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            subject: subject(),
        });
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        let counted = self.done.load(Ordering::Relaxed) > 0 || self.bytes.load(Ordering::Relaxed) > 0;
        // What panics is told by the end of the operation; saying something now could panic again.
        if counted && !std::thread::panicking() {
            self.say(&|| None);
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use packer_events::body::OperationKind;
    use packer_fs::disk::sim::SimDisk;
    use packer_fs::event_log::LogBounds;

    use super::*;
    use crate::clock::draw;
    use crate::feed::{Bus, Feed, FeedNext, From};
    use packer_domain::identity::SourceId;

    struct Bench {
        _folder: tempfile::TempDir,
        operation: Operation,
        feed: Feed,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let root = camino::Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let bus = Bus::new(root, Arc::new(SimDisk::new()), SourceId::drawn(draw()), LogBounds::default());
        let feed = bus.subscribe(From::Now);
        let operation = Operation::accept(&bus, OperationKind::Build, "build".to_owned(), None, None);
        Bench { _folder: folder, operation, feed }
    }

    type Told = (Phase, u64, Option<u64>, Option<u64>, Option<String>);

    impl Bench {
        fn told(&mut self) -> Vec<Told> {
            let mut told = Vec::new();
            while let FeedNext::Item(item) = self.feed.next(Duration::ZERO) {
                if let EventBody::Progress { phase, done, total, bytes, subject, .. } = &item.event.body {
                    told.push((*phase, *done, *total, *bytes, subject.clone()));
                }
            }
            told
        }
    }

    #[test]
    fn the_first_and_the_last_are_always_said_and_little_in_between() {
        let mut bench = bench();
        let part = Progress::begin(&bench.operation, Phase::Bake, Unit::Assets, Some(100_000));
        let began = Instant::now();
        for _ in 0..100_000 {
            part.advance(1, 3, &|| Some("ui/a.png".to_owned()));
        }
        let most = began.elapsed().as_millis() / INTERVAL.as_millis() + 2;
        drop(part);
        let told = bench.told();
        let total = Some(100_000);
        assert_eq!(told.first(), Some(&(Phase::Bake, 0, total, None, None)));
        assert_eq!(told.last(), Some(&(Phase::Bake, 100_000, total, Some(300_000), None)));
        assert!(told.len() as u128 <= most + 1, "{} events", told.len());
    }

    #[test]
    fn what_is_counted_first_is_said_first_with_its_subject_and_nothing_is_said_twice() {
        let mut bench = bench();
        let part = Progress::new(&bench.operation, Phase::Scan, Unit::Files, None);
        part.advance(1, 0, &|| Some("a".to_owned()));
        drop(part);
        drop(Progress::new(&bench.operation, Phase::Hash, Unit::Files, None));
        let part = Progress::new(&bench.operation, Phase::Scan, Unit::Files, None);
        part.reached(7, 0);
        part.reached(5, 0);
        drop(part);
        assert_eq!(
            bench.told(),
            [(Phase::Scan, 1, None, None, Some("a".to_owned())), (Phase::Scan, 7, None, None, None)]
        );
    }

    #[test]
    fn threads_that_count_together_lose_nothing_and_never_say_less_than_before() {
        let mut bench = bench();
        let part = Progress::begin(&bench.operation, Phase::Bake, Unit::Assets, Some(40_000));
        // So that many are due.
        let rush = || {
            for n in 0..10_000_u64 {
                if n % 64 == 0 {
                    part.due.store(0, Ordering::Relaxed);
                }
                part.advance(1, 1, &|| None);
            }
        };
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(rush))));
        drop(part);
        let told = bench.told();
        assert!(told.len() > 2);
        assert!(told.is_sorted_by(|a, b| a.1 < b.1), "{told:?}");
        assert_eq!(told.last().map(|told| (told.1, told.3)), Some((40_000, Some(40_000))));
    }
}
