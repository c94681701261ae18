//! Many processes on one project, and processes that are killed at random moments: what is committed is what some serial
//! order of the operations gives, every operation ends once, and nobody who looks ever sees half of one.
//!
//! Kills at chosen calls are in `kills`; here nobody chooses.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use packer_tests::effort::effort;
use packer_tests::logs;
use packer_tests::project::TestProject;
use packer_tests::serial::assert_serial;
use packer_tests::worker::{Killer, Said};
use serde_json::Value;

use super::{packer, workplace};

const PROCESSES: usize = 8;
const OPERATIONS: u64 = 50;

/// After how many operations the holder of the lane is killed, each time.
const BETWEEN_KILLS: usize = 25;

/// How many assets each adoption adopts: as one commit, or not at all.
const TOGETHER: u64 = 2;

/// Puts files there that are adopted together.
fn put(project: &TestProject, folder: &str) {
    for n in 0..TOGETHER {
        project.write(&format!("assets/{folder}/{n}.txt"), format!("{folder} {n}\n").as_bytes());
    }
}

/// The body of the last event that a run printed.
fn ending(said: &Said) -> Value {
    let last = said.lines.last().unwrap_or_else(|| panic!("a run that ended wrote nothing"));
    serde_json::from_str::<Value>(last).unwrap()["body"].take()
}

/// What people may see at any moment: nothing that is half adopted.
fn assert_nothing_is_half_done(status: &Value) {
    let assets = &status["assets"];
    assert_eq!(assets["managed"].as_u64().unwrap() % TOGETHER, 0, "half of a commit: {status}");
    for none in ["unregistered", "missing", "invalid"] {
        assert_eq!(assets[none], 0, "half of a commit: {status}");
    }
    assert_eq!(status["divergences"], serde_json::json!({}), "half of a commit: {status}");
}

/// What 8 processes share, and whoever watches them.
struct Crowd<'a> {
    project: &'a TestProject,
    is_over: AtomicBool,
    killers: Mutex<Vec<Option<Killer>>>,
    deaths: AtomicU64,
}

impl Crowd<'_> {
    fn killers(&self) -> std::sync::MutexGuard<'_, Vec<Option<Killer>>> {
        self.killers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One process does its operations; whenever it is killed, another one goes on in its place.
    fn work(&self, number: usize, operations: u64, done: &Sender<()>) {
        let place = workplace(&self.project.root());
        let mut worker = place.hire();
        self.killers()[number] = Some(worker.killer());
        for n in 0..operations {
            let own = format!("own/{number}/{n}");
            let folder = match n % 10 {
                0..=3 | 9 => {
                    put(self.project, &own);
                    Some(format!("assets/{own}"))
                }
                // All of them want these.
                4 | 5 => Some(format!("assets/shared/{n}")),
                _ => None,
            };
            let said = match (&folder, n % 10) {
                (Some(folder), _) => worker.run(&["adopt", folder, "--yes", "--format", "json"], |_| {}),
                (None, 6) => worker.run(&["build", "--format", "json"], |_| {}),
                (None, _) => worker.run(&["refresh", "--format", "json"], |_| {}),
            };
            if said.whole {
                let ending = ending(&said);
                let overtaken = ending["outcome"]["reason"]["type"] == "inputs_changed" && n % 10 == 6;
                assert!(overtaken || ending["type"] == "succeeded", "{ending}");
            } else {
                self.deaths.fetch_add(1, Ordering::Relaxed);
                worker = place.hire();
                self.killers()[number] = Some(worker.killer());
            }
            // The killer stays until all are done.
            done.send(()).unwrap();
        }
        self.killers()[number] = None;
    }

    /// Kills whoever holds the lane each time that some operations are done, until nobody works any more.
    fn kill_holders(&self, done: &Receiver<()>) -> u64 {
        let mut kills = 0;
        while done.iter().take(BETWEEN_KILLS).count() == BETWEEN_KILLS {
            // Who it is can be told late, and be somebody who is dead, or the observer; then it is somebody else's turn.
            let mut is_killed = false;
            while !is_killed && self.killers().iter().any(Option::is_some) {
                let facts = std::fs::read(self.project.path(".packer/lane.holder")).unwrap_or_default();
                let facts: Option<Value> = serde_json::from_slice(&facts).ok();
                let Some(pid) = facts.and_then(|facts| facts["pid"].as_u64()) else { continue };
                let killers = self.killers().clone();
                is_killed = killers.iter().flatten().any(|killer| killer.kill_if(pid));
            }
            kills += u64::from(is_killed);
        }
        kills
    }

    /// Looks all along, in a process of its own, and at the registry itself. Says how much there was to see.
    fn observe(&self) -> BTreeSet<u64> {
        let mut observer = workplace(&self.project.root()).hire();
        let mut seen = BTreeSet::new();
        while !self.is_over.load(Ordering::Relaxed) {
            let said = observer.run(&["status", "--format", "json"], |_| {});
            assert!(said.whole, "the observer died");
            let [line] = said.lines.as_slice() else { panic!("{said:?}") };
            let status: Value = serde_json::from_str(line).unwrap();
            assert_nothing_is_half_done(&status);
            seen.insert(status["assets"]["managed"].as_u64().unwrap());
            let registry = self.project.read_text("registry.jsonl");
            assert!(
                registry.ends_with('\n') && registry.lines().count() as u64 % TOGETHER == 1,
                "it is torn"
            );
        }
        seen
    }
}

#[test]
fn eight_processes_whose_holders_are_killed_come_out_as_some_serial_order() {
    for _ in 0..effort("PACKER_TEST_CROWDS", 1) {
        crowd_whose_holders_are_killed(OPERATIONS);
    }
}

fn crowd_whose_holders_are_killed(operations: u64) {
    let project = TestProject::new(packer());
    for n in (0..operations).filter(|n| matches!(n % 10, 4 | 5)) {
        put(&project, &format!("shared/{n}"));
    }
    let crowd = Crowd {
        project: &project,
        is_over: AtomicBool::new(false),
        killers: Mutex::new(vec![None; PROCESSES]),
        deaths: AtomicU64::new(0),
    };
    let all = operations * PROCESSES as u64;
    let (kills, seen) = thread::scope(|scope| {
        let (is_done, done) = channel();
        let crowd = &crowd;
        let observer = scope.spawn(|| crowd.observe());
        let killer = scope.spawn(move || crowd.kill_holders(&done));
        let workers: Vec<_> = (0..PROCESSES)
            .map(|number| {
                let is_done = is_done.clone();
                scope.spawn(move || crowd.work(number, operations, &is_done))
            })
            .collect();
        drop(is_done);
        let worked: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        crowd.is_over.store(true, Ordering::Relaxed);
        let (kills, seen) = (killer.join(), observer.join());
        for worked in worked {
            worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        (kills.unwrap(), seen.unwrap())
    });
    let deaths = crowd.deaths.into_inner();
    // Who is killed at the end of its work is not missed.
    assert!(deaths <= kills, "somebody died who was not killed");
    assert!(deaths >= all / BETWEEN_KILLS as u64 / 2, "only {deaths} of them were killed at work");
    assert!(seen.len() > 10, "the observer saw hardly anything happen: {seen:?}");

    let managed = settle(&project);
    // Whatever was not adopted is whole as well, and can be.
    project.packer(&["adopt", "assets", "--yes"]).exits(0);
    let adopts = |n: &u64| matches!(n % 10, 0..=3 | 9);
    let shared = (0..operations).filter(|n| matches!(n % 10, 4 | 5)).count() as u64;
    let own = (0..operations).filter(adopts).count() as u64;
    let files = (own * PROCESSES as u64 + shared) * TOGETHER;
    assert!(managed <= files);
    assert_eq!(project.status()["assets"]["managed"], files);
    project.packer(&["build"]).exits(0);
    assert_eq!(project.packer(&["verify", "--format", "json"]).exits(0).object()["entries"], files);
}

/// Has the next command end what was killed, and everything be in order then. Says how many assets there are.
fn settle(project: &TestProject) -> u64 {
    project.packer(&["status"]).exits(0);
    let status = project.status();
    assert_nothing_is_half_done(&status);
    project.packer(&["check"]).exits(0);
    let events = logs::settled(&project.root());
    let managed = status["assets"]["managed"].as_u64().unwrap();
    assert_eq!(assert_serial(&project.root(), &events), managed);
    managed
}

/// A reproducible source of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Adopts and builds in a loop and is killed at some line that it writes, again and again.
fn killed_again_and_again(kills: u64, seed: u64) {
    let project = TestProject::new(packer());
    let place = workplace(&project.root());
    let mut dice = Dice(seed);
    let (mut n, mut outputs) = (0, BTreeSet::<PathBuf>::new());
    for _ in 0..kills {
        let mut worker = place.hire();
        let killer = worker.killer();
        // An adoption writes about fifteen lines, a build about twenty.
        let mut left = 1 + dice.below(60);
        let mut see = |_: &str| {
            left = left.saturating_sub(1);
            if left == 0 {
                killer.kill();
            }
        };
        loop {
            n += 1;
            put(&project, &n.to_string());
            // An input of what is there already changes, too.
            project.write("assets/1/0.txt", format!("{n}\n").as_bytes());
            let folder = format!("assets/{n}");
            if !worker.run(&["adopt", &folder, "--yes", "--format", "json"], &mut see).whole
                || !worker.run(&["build", "--format", "json"], &mut see).whole
            {
                break;
            }
        }
        drop(worker);
        settle(&project);
        let there: BTreeSet<PathBuf> = project.outputs().into_keys().collect();
        assert!(there.is_superset(&outputs), "outputs are gone: {there:?}");
        if !there.is_empty() {
            project.packer(&["verify"]).exits(0);
        }
        outputs = there;
    }
    project.packer(&["build"]).exits(0);
    let managed = settle(&project);
    assert_eq!(project.packer(&["verify", "--format", "json"]).exits(0).object()["entries"], managed);
    assert_eq!(project.leftovers(), Vec::<PathBuf>::new());
    assert!(is_in_order(&project.root()));
}

/// Whether no source is left whose process is dead and whose log nobody has looked at.
fn is_in_order(root: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(root.join(".packer/events")) else { return true };
    entries
        .map(|entry| entry.unwrap().path())
        .all(|path| path.extension().is_some_and(|found| found == "jsonl"))
}

#[test]
fn a_process_that_is_killed_at_random_leaves_whole_commits_and_whole_packs() {
    let kills = effort("PACKER_TEST_KILLS", 50);
    let seed = effort("PACKER_TEST_SEED", 0x5EED);
    thread::scope(|scope| {
        let halves = [(kills.div_ceil(2), seed), (kills / 2, seed + 1)];
        let halves = halves.map(|(kills, seed)| scope.spawn(move || killed_again_and_again(kills, seed)));
        for half in halves {
            half.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}
