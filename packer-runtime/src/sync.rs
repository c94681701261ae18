//! What this crate waits, tells and counts with: every primitive through which its threads meet, under one roof.
//!
//! Here they are the standard library's, `arc-swap`'s and the real locks. The test target `schedules` compiles the same
//! sources of this crate with another module of this name, whose primitives hand every decision about who runs next to a
//! scheduler, and so tries thousands of interleavings of the very code that runs here. Therefore whatever the lane, the
//! bus, feeds and the published status meet through is imported from here.
//!
//! Not from here: `Arc`, which is the same in both; and what goes on inside a build between its bakers and its writer,
//! who share nothing with readers or the lane.

pub(crate) use arc_swap::ArcSwap;
/// A scan, which calls back from the pool's threads.
pub(crate) use packer_fs::scan::scan;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Flags and counters.
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

/// Channels.
pub(crate) mod mpsc {
    pub(crate) use std::sync::mpsc::{RecvTimeoutError, Sender, channel, sync_channel};
}

/// Threads.
pub(crate) mod thread {
    pub(crate) use std::thread::{Builder, JoinHandle, current, sleep};
}

/// The clock that waits are measured with.
pub(crate) mod time {
    pub(crate) use std::time::Instant;
}

/// The locks between processes.
pub(crate) mod lock {
    pub(crate) use packer_fs::lock::{BuildGuard, BuildLock, LaneGuard, LaneLock, SourceGuard, SourceLock};
}

/// A pool of so many threads.
pub(crate) fn pool(threads: usize) -> Result<std::sync::Arc<rayon::ThreadPool>, rayon::ThreadPoolBuildError> {
    let name = |index| format!("packer-pool-{index}");
    rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build().map(std::sync::Arc::new)
}
