//! `Hints`: where those who notice changes leave word for the one who follows them.
//!
//! Bounded, and nobody who leaves a hint ever waits for whoever takes it: a path stands in it once however often it is
//! named, and one path too many makes all of them an overflow. Nothing here looks at a disk or knows an ignore rule.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use packer_domain::path::AssetPath;

/// What a hint says of a path. Of several on one path the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// It has been followed already, and may differ.
    Followed,
    /// What stands there may differ.
    Touched,
    /// Something came, and may be another folder than the one that stood there.
    Arrived,
}

/// What was heard since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says of one thing that it may differ")]
pub struct Heard {
    /// Paths below the assets root.
    pub paths: BTreeMap<AssetPath, News>,
    /// Whether something in the assets root has changed that no path can name.
    pub root: bool,
    /// Whether the registry may differ.
    pub registry: bool,
    /// Whether the configuration may differ.
    pub configuration: bool,
    /// Whether somebody may have committed.
    pub head: bool,
    /// Whether the packer's own folder is another.
    pub operational: bool,
    /// Whether hints were lost, so that anything may differ.
    pub overflow: bool,
    /// Why nothing more will be heard, if that is so.
    pub lost: Option<String>,
}

impl Heard {
    /// Whether nothing was heard.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Hints that wait to be taken.
#[derive(Debug)]
pub struct Hints {
    capacity: usize,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    heard: Heard,
    /// Whether somebody wants the one who waits to look up.
    woken: bool,
    /// The last probe that was seen, and the last that was made.
    probe_seen: u64,
    probe_made: u64,
}

impl Hints {
    /// Holds at most `capacity` paths.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default(), arrived: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole before the lock is released, also when something panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, note: impl FnOnce(&mut Heard)) {
        let mut state = self.lock();
        note(&mut state.heard);
        drop(state);
        self.arrived.notify_all();
    }

    /// A path may differ.
    pub fn path(&self, path: AssetPath, news: News) {
        let capacity = self.capacity;
        self.note(|heard| {
            if heard.overflow {
                return;
            }
            let known = heard.paths.entry(path).or_insert(news);
            *known = news.max(*known);
            if heard.paths.len() > capacity {
                heard.overflow = true;
                heard.paths = BTreeMap::new();
            }
        });
    }

    /// The assets root itself may differ.
    pub fn root(&self) {
        self.note(|heard| heard.root = true);
    }

    /// The registry may differ.
    pub fn registry(&self) {
        self.note(|heard| heard.registry = true);
    }

    /// The configuration may differ.
    pub fn configuration(&self) {
        self.note(|heard| heard.configuration = true);
    }

    /// Somebody may have committed.
    pub fn head(&self) {
        self.note(|heard| heard.head = true);
    }

    /// The packer's own folder was made, moved or removed.
    pub fn operational(&self) {
        self.note(|heard| heard.operational = true);
    }

    /// Hints were lost.
    pub fn overflow(&self) {
        self.note(|heard| {
            heard.overflow = true;
            heard.paths = BTreeMap::new();
        });
    }

    /// Nothing more will be heard.
    pub fn lost(&self, reason: String) {
        self.note(|heard| {
            heard.lost.get_or_insert(reason);
        });
    }

    /// Makes whoever waits look up, though nothing was heard.
    pub fn wake(&self) {
        self.lock().woken = true;
        self.arrived.notify_all();
    }

    /// Waits at most `patience` until something was heard, or somebody [wakes](Self::wake) the caller.
    pub fn wait(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        while state.heard.is_empty() && !state.woken {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.woken = false;
    }

    /// Takes what was heard.
    pub fn take(&self) -> Heard {
        std::mem::take(&mut self.lock().heard)
    }

    /// Looks at what was heard and leaves it to be taken.
    pub fn peek<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.lock().heard)
    }

    /// The number of another probe.
    pub(super) fn next_probe(&self) -> u64 {
        let mut state = self.lock();
        state.probe_made += 1;
        state.probe_made
    }

    /// A probe was seen.
    pub(super) fn probe(&self, n: u64) {
        let mut state = self.lock();
        state.probe_seen = state.probe_seen.max(n);
        drop(state);
        self.arrived.notify_all();
    }

    /// Waits at most `patience` until the probe `n` was seen; whether it was.
    pub(super) fn await_probe(&self, n: u64, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        while state.probe_seen < n {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
