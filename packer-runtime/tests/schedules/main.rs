//! The runtime under a scheduler: the lane, publishing, fan-out, cancellation, previews and shutdown, each in thousands of
//! interleavings of the very sources in `src`, of which only the module `sync` is another one here.
//!
//! What a check claims must hold in every schedule; a deadlock, a livelock and a panic fail it too. The schedules of an
//! ordinary run follow from a fixed seed, so it is the same every time; `--schedules N` and `--seed N` raise their number
//! and vary them, which `cargo xtask soak schedules` does. What fails says its seed and its schedule.
//!
//! There is no harness, since the primitives work only inside of the scheduler and the unit tests of `src` want the
//! others. Arguments are those of the harness, as far as they mean something here: texts choose checks by their names.
//!
//! Not tried here: what happens inside a step. A scan, a commit and each write to the log are one step each, on a disk in
//! memory. Atomics are taken as sequentially consistent.
#![expect(clippy::unwrap_used, reason = "all of it is test")]
#![expect(clippy::print_stdout, reason = "a test without the harness says itself what it did")]
#![expect(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the sources of a library, most of which no check calls, are modules of a binary here; so are its unit tests"
)]

#[path = "../../src/build/mod.rs"]
mod build;
#[path = "../../src/clock.rs"]
mod clock;
#[path = "../../src/create.rs"]
mod create;
#[path = "../../src/feed/mod.rs"]
mod feed;
#[path = "../../src/freshness.rs"]
mod freshness;
#[path = "../../src/history.rs"]
mod history;
#[path = "../../src/holder.rs"]
mod holder;
#[path = "../../src/lane/mod.rs"]
mod lane;
#[path = "../../src/log.rs"]
mod log;
#[path = "../../src/numbered.rs"]
mod numbered;
#[path = "../../src/observe.rs"]
mod observe;
#[path = "../../src/operation.rs"]
mod operation;
#[path = "../../src/outcome.rs"]
mod outcome;
#[path = "../../src/packs/mod.rs"]
mod packs;
#[path = "../../src/progress.rs"]
mod progress;
#[path = "../../src/project/mod.rs"]
mod project;
#[path = "../../src/reading.rs"]
mod reading;
#[path = "../../src/record.rs"]
mod record;
#[path = "../../src/shared.rs"]
mod shared;
#[path = "../../src/snapshot/mod.rs"]
mod snapshot;
#[path = "../../src/testing.rs"]
mod testing;
#[path = "../../src/threads.rs"]
mod threads;
#[path = "../../src/watch/mod.rs"]
mod watch;

mod sync;

mod checks;
mod world;

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

use checks::{CHECKS, Check};

/// How many schedules of each check an ordinary run tries.
const SCHEDULES: usize = 10_000;

/// What the schedules of an ordinary run follow from.
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// How many changes of priority the schedules have that are made by priorities.
const DEPTH: usize = 3;

/// Deep enough for a commit, unoptimised.
const STACK_BYTES: usize = 1 << 20;

/// More steps than any check has; one that makes more goes round in circles.
const STEPS: usize = 200_000;

struct Options {
    schedules: usize,
    seed: u64,
    filters: Vec<String>,
    exact: bool,
    skipped: Vec<String>,
    list: bool,
}

fn main() -> ExitCode {
    let Some(options) = parse(std::env::args().skip(1)) else {
        println!("schedules: a number is missing or is none");
        return ExitCode::from(2);
    };
    let is_meant =
        |name: &str, word: &String| if options.exact { name == word } else { name.contains(word.as_str()) };
    let is_chosen = |check: &&Check| {
        (options.filters.is_empty() || options.filters.iter().any(|word| is_meant(check.name, word)))
            && !options.skipped.iter().any(|word| is_meant(check.name, word))
    };
    let chosen: Vec<&Check> = CHECKS.iter().filter(is_chosen).collect();
    if options.list {
        for check in chosen {
            println!("{}: test", check.name);
        }
        return ExitCode::SUCCESS;
    }
    if options.schedules == 0 {
        println!("schedules: none were to be tried, and none would show nothing");
        return ExitCode::FAILURE;
    }
    println!("\nrunning {} checks in {} schedules each", chosen.len(), options.schedules);
    let left = Mutex::new(VecDeque::from(chosen));
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let failed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(check) = next() {
                    if !passes(check, &options) {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(check.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failed.is_empty() {
        println!("\nschedules: ok");
        return ExitCode::SUCCESS;
    }
    println!("\nschedules: FAILED with seed {}: {}", options.seed, failed.join(", "));
    ExitCode::FAILURE
}

/// Tries a check in as many schedules as asked for: half of them random, half of them by priorities.
fn passes(check: &Check, options: &Options) -> bool {
    let began = Instant::now();
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = shuttle::MaxSteps::FailAfter(STEPS);
    config.silence_warnings = true;
    let (random, prioritised) = (options.schedules.div_ceil(2), options.schedules / 2);
    let tried = std::panic::catch_unwind(|| {
        let scheduler = RandomScheduler::new_from_seed(options.seed, random);
        let mut tried = Runner::new(scheduler, config.clone()).run(check.run);
        if prioritised > 0 {
            let scheduler = PctScheduler::new_from_seed(options.seed, DEPTH, prioritised);
            tried += Runner::new(scheduler, config).run(check.run);
        }
        tried
    });
    let took = began.elapsed().as_secs_f64();
    match tried {
        Ok(tried) if tried == options.schedules => {
            println!("test {} ... ok: {tried} schedules in {took:.1} s", check.name);
            true
        }
        Ok(tried) => {
            println!("test {} ... FAILED: {tried} schedules were tried of {}", check.name, options.schedules);
            false
        }
        Err(_) => {
            println!("test {} ... FAILED after {took:.1} s", check.name);
            false
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        schedules: SCHEDULES,
        seed: SEED,
        filters: Vec::new(),
        exact: false,
        skipped: Vec::new(),
        list: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--schedules" => options.schedules = words.next()?.parse().ok()?,
            "--seed" => options.seed = words.next()?.parse().ok()?,
            "--exact" => options.exact = true,
            "--list" => options.list = true,
            "--skip" => options.skipped.push(words.next()?),
            // The harness's, with a value each.
            "--test-threads" | "--format" | "--color" | "--logfile" | "--shuffle-seed" | "-Z" => {
                drop(words.next()?);
            }
            flag if flag.starts_with('-') => {}
            _ => options.filters.push(word),
        }
    }
    Some(options)
}
