//! What a report of progress costs who makes it, and what subscribers cost who speaks.
//!
//! One and two threads count as fast as they can. Then the same many events are said, in turn, with no subscriber, with one that
//! reads all the time, one that sleeps, and one each that sleeps, that panicked with an event in hand, and that left; medians
//! of ratios are compared, so that a machine that is busy for a while is busy for all of them.
//! `cargo bench -p packer-runtime --bench progress`; the exit code is 1 if a report takes over a microsecond, or if the three
//! slow down who speaks by more than 5 %.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement has nobody to hand an error to but its reader"
)]
#![expect(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "some sources of a library, most of which nothing calls here, are modules of this binary"
)]

#[path = "../src/clock.rs"]
mod clock;
#[path = "../src/feed/mod.rs"]
mod feed;
#[path = "../src/operation.rs"]
mod operation;
#[path = "../src/outcome.rs"]
mod outcome;
#[path = "../src/progress.rs"]
mod progress;
#[path = "../src/record.rs"]
mod record;
#[path = "../src/sync.rs"]
mod sync;
#[cfg(test)]
#[path = "../src/testing.rs"]
mod testing;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use packer_domain::identity::SourceId;
use packer_events::body::{EventBody, OperationKind, Phase, Unit};
use packer_fs::disk::OsDisk;
use packer_fs::event_log::LogBounds;

use feed::{Bus, Feed, FeedNext, From};
use operation::Operation;
use progress::Progress;

/// How many reports each thread makes.
const REPORTS: u32 = 4_000_000;

/// How many events are said in a turn, and how many turns each has.
const EVENTS: u32 = 4_000;
const TURNS: usize = 101;

/// The most nanoseconds that a report may take, and the most that who speaks may be slowed down by who does not read.
const MAX_REPORT: f64 = 1000.0;
const MAX_RATIO: f64 = 1.05;

struct Bench {
    _folder: tempfile::TempDir,
    bus: Arc<Bus>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let disk = Arc::new(OsDisk::new(root.clone()));
        Self {
            _folder: folder,
            bus: Bus::new(root, disk, SourceId::drawn(clock::draw()), LogBounds::default()),
        }
    }

    fn operation(&self) -> Operation {
        Operation::accept(&self.bus, OperationKind::Build, "build".to_owned(), None, None)
    }
}

/// Nanoseconds a report takes the thread that makes it, with so many of them at once.
fn report(threads: u32) -> f64 {
    let bench = Bench::new();
    let operation = bench.operation();
    let progress = Progress::begin(&operation, Phase::Bake, Unit::Assets, Some(u64::from(REPORTS * threads)));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..REPORTS {
                    progress.advance(1, 4096, &|| Some("ui/button".to_owned()));
                }
            });
        }
    });
    began.elapsed().as_secs_f64() * 1e9 / f64::from(REPORTS)
}

/// Who speaks, and who should listen.
struct Speaker {
    bench: Bench,
    operation: Operation,
    /// Who sleeps.
    _asleep: Vec<Feed>,
}

/// What somebody does who should listen.
#[derive(Clone, Copy)]
enum Listener {
    Reads,
    Sleeps,
    Panics,
    Leaves,
}

impl Speaker {
    fn new(listeners: &[Listener]) -> Self {
        let bench = Bench::new();
        let mut asleep = Vec::new();
        let mut panicking = Vec::new();
        for listener in listeners {
            let mut feed = bench.bus.subscribe(From::Now);
            match listener {
                Listener::Reads => {
                    std::thread::spawn(move || {
                        while !matches!(feed.next(Duration::from_secs(1)), FeedNext::Closed) {}
                    });
                }
                Listener::Sleeps => asleep.push(feed),
                Listener::Panics => panicking.push(std::thread::spawn(move || {
                    let next = feed.next(Duration::from_mins(1));
                    // Without a message, which would stand between the figures.
                    std::panic::resume_unwind(Box::new(next));
                })),
                Listener::Leaves => drop(feed),
            }
        }
        let operation = bench.operation();
        for thread in panicking {
            drop(thread.join().unwrap_err());
        }
        Self { bench, operation, _asleep: asleep }
    }

    fn turn(&self) -> f64 {
        let began = Instant::now();
        for done in 0..u64::from(EVENTS) {
            // Every tenth can never be dropped.
            self.operation.say(if done % 10 == 0 {
                EventBody::Divergence { added: Vec::new(), cleared: Vec::new() }
            } else {
                let (total, bytes, subject) = (Some(u64::from(EVENTS)), None, Some("ui/button".to_owned()));
                let (phase, unit, elapsed_ms) = (Phase::Bake, Unit::Assets, done);
                EventBody::Progress { phase, done, total, unit, bytes, elapsed_ms, subject }
            });
        }
        began.elapsed().as_secs_f64()
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.bench.bus.close();
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> ExitCode {
    let mut holds = true;
    for threads in [1, 2] {
        let took = report(threads);
        holds &= took <= MAX_REPORT;
        println!("{threads} thread(s): a report takes {took:.0} ns, at most {MAX_REPORT:.0}");
    }
    let speakers = [
        ("nobody", Speaker::new(&[]), None),
        ("nobody, again", Speaker::new(&[]), None),
        ("one that reads", Speaker::new(&[Listener::Reads]), None),
        ("one that sleeps", Speaker::new(&[Listener::Sleeps]), Some(MAX_RATIO)),
        (
            "one each that sleeps, panicked, left",
            Speaker::new(&[Listener::Sleeps, Listener::Panics, Listener::Leaves]),
            Some(MAX_RATIO),
        ),
    ];
    let mut turns = vec![Vec::new(); speakers.len()];
    for _ in 0..TURNS {
        for (turn, (_, speaker, _)) in turns.iter_mut().zip(&speakers) {
            turn.push(speaker.turn());
        }
    }
    for ((name, _, limit), took) in speakers.iter().zip(&turns) {
        let ratio = median(took.iter().zip(&turns[0]).map(|(took, alone)| took / alone).collect());
        let each = median(took.clone()) * 1e6 / f64::from(EVENTS);
        holds &= limit.is_none_or(|limit| ratio <= limit);
        let limit = limit.map_or(String::new(), |limit| format!(", at most {limit}"));
        println!("{name:<40} an event takes {each:>6.2} µs, ratio {ratio:.3}{limit}");
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
