//! What takes the place of `packer_runtime`'s `sync`: the same names, with a scheduler behind them that decides at each of
//! them who goes on.
//!
//! Time stands still, and no wait ends by time: a wake-up that is forgotten is a deadlock, which the scheduler notices.
//! Only a wait for a message may end as if its time were over, because whoever waits so looks around in between.
//! Everything else that the runtime uses (the pool's threads, the disk in memory) runs between two decisions, as one step.
#![expect(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the faces are those of what these stand in for, which can fail and has something to look at"
)]

pub(crate) mod lock;

use std::sync::Arc;

pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};
pub(crate) use std::sync::PoisonError;

use packer_fs::disk::Disk;
use packer_fs::scan::{ScanError, ScanProgress, ScanRequest, ScanResult};

/// Flags and counters.
pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

/// Channels.
pub(crate) mod mpsc {
    use std::time::Duration;

    pub(crate) use shuttle::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError};

    /// As `std::sync::mpsc::Sender`.
    pub(crate) struct Sender<T>(shuttle::sync::mpsc::Sender<T>);

    /// As `std::sync::mpsc::SyncSender`.
    #[derive(Debug)]
    pub(crate) struct SyncSender<T>(shuttle::sync::mpsc::SyncSender<T>);

    /// As `std::sync::mpsc::Receiver`.
    #[derive(Debug)]
    pub(crate) struct Receiver<T>(shuttle::sync::mpsc::Receiver<T>);

    pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = shuttle::sync::mpsc::channel();
        (Sender(sender), Receiver(receiver))
    }

    pub(crate) fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
        let (sender, receiver) = shuttle::sync::mpsc::sync_channel(bound);
        (SyncSender(sender), Receiver(receiver))
    }

    impl<T> std::fmt::Debug for Sender<T> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Sender").finish_non_exhaustive()
        }
    }

    impl<T> Sender<T> {
        pub(crate) fn send(&self, value: T) -> Result<(), SendError<T>> {
            self.0.send(value)
        }
    }

    impl<T> SyncSender<T> {
        pub(crate) fn send(&self, value: T) -> Result<(), SendError<T>> {
            self.0.send(value)
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn recv(&self) -> Result<T, RecvError> {
            self.0.recv()
        }

        /// The time is over whenever there is nothing: whoever calls this does so again.
        pub(crate) fn recv_timeout(&self, _patience: Duration) -> Result<T, RecvTimeoutError> {
            self.0.try_recv().map_err(|error| match error {
                TryRecvError::Empty => {
                    shuttle::thread::yield_now();
                    RecvTimeoutError::Timeout
                }
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            })
        }
    }

    impl<T> IntoIterator for Receiver<T> {
        type Item = T;
        type IntoIter = shuttle::sync::mpsc::IntoIter<T>;

        fn into_iter(self) -> Self::IntoIter {
            self.0.into_iter()
        }
    }
}

/// Threads.
pub(crate) mod thread {
    pub(crate) use shuttle::thread::{Builder, JoinHandle, current, sleep};
}

/// A clock that stands still.
pub(crate) mod time {
    use std::time::Duration;

    /// A moment: there is only one, and others counted from it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) struct Instant(Duration);

    impl Instant {
        pub(crate) fn now() -> Self {
            Self(Duration::ZERO)
        }

        pub(crate) fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        pub(crate) fn saturating_duration_since(&self, earlier: Self) -> Duration {
            self.0.saturating_sub(earlier.0)
        }
    }

    impl std::ops::Add<Duration> for Instant {
        type Output = Self;

        fn add(self, time: Duration) -> Self {
            Self(self.0 + time)
        }
    }
}

/// As `arc_swap::ArcSwap`: reading and replacing are one step each, and others may go between any two of them.
#[derive(Debug)]
pub(crate) struct ArcSwap<T> {
    steps: shuttle::sync::atomic::AtomicU64,
    value: std::sync::Mutex<Arc<T>>,
}

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> Self {
        let steps = shuttle::sync::atomic::AtomicU64::new(0);
        Self { steps, value: std::sync::Mutex::new(Arc::new(value)) }
    }

    pub(crate) fn load_full(&self) -> Arc<T> {
        self.step();
        Arc::clone(&self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        self.step();
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }

    fn step(&self) {
        self.steps.fetch_add(1, atomic::Ordering::SeqCst);
    }
}

/// A scan, in one step: the pool's threads are none that the scheduler knows, so they can call nothing back that is.
pub(crate) fn scan(disk: &dyn Disk, request: &ScanRequest<'_>) -> Result<ScanResult, ScanError> {
    if (request.cancel)() {
        return Err(ScanError::Cancelled);
    }
    let progress: std::sync::Mutex<Vec<ScanProgress>> = std::sync::Mutex::default();
    let note = |scanned: ScanProgress| {
        progress.lock().unwrap_or_else(PoisonError::into_inner).push(scanned);
    };
    let result = packer_fs::scan::scan(
        disk,
        &ScanRequest {
            assets_root: request.assets_root,
            stamp: request.stamp,
            previous: request.previous,
            pool: request.pool,
            cancel: &|| false,
            on_progress: &note,
        },
    );
    for scanned in progress.into_inner().unwrap_or_else(PoisonError::into_inner) {
        (request.on_progress)(scanned);
    }
    if (request.cancel)() { Err(ScanError::Cancelled) } else { result }
}

thread_local! {
    /// The pool whose only thread is this one, so that what it is given runs at once.
    static POOL: Arc<rayon::ThreadPool> = {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        Arc::new(pool.expect("a pool of the thread that asks for it starts no other"))
    };
}

/// A pool, of however many threads are asked for.
pub(crate) fn pool(_jobs: usize) -> Result<Arc<rayon::ThreadPool>, rayon::ThreadPoolBuildError> {
    Ok(POOL.with(Arc::clone))
}
