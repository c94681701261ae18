//! Work in three steps: some threads open each piece, some finish it, and one takes what came of it, piece after piece in
//! their order.
//!
//! To open is to read, which waits for the disk; to finish is to compute. So there are threads of their own for the first, as
//! many as the disk is worth, and files that are not in memory are asked for many at a time. A piece that takes long holds
//! up nobody before what waits for it weighs too much: memory is bounded by that, and by what is being finished.
//!
//! Nothing here knows what a piece is.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// How many pieces are worked on however much they have.
const AHEAD: usize = 2;

/// Something, and the bytes of memory that it takes.
pub(super) struct Piece<T> {
    pub what: T,
    pub bytes: u64,
}

/// How work is divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pipeline {
    /// Threads that open pieces.
    pub openers: usize,
    /// Threads that finish them.
    pub finishers: usize,
    /// Bytes of what is opened, or being opened, and waits for who finishes it.
    pub max_open: u64,
    /// Bytes of all that is opened and not taken. Beyond that only the piece that is taken next and the one after it are
    /// opened and finished.
    pub max_bytes: u64,
}

/// Why not everything was taken.
#[derive(Debug)]
pub(super) enum Broken<E> {
    /// The one who takes does not want more.
    Refused(E),
    /// There are no threads to work with.
    Threads(std::io::Error),
}

impl Pipeline {
    /// Opens each piece of `work`, whose bytes are those that it is thought to have when it is opened, finishes it, and takes
    /// what came of it on this thread. Ends early where taking fails; what was begun then comes to its end, and nothing
    /// else is begun.
    pub(super) fn run<W: Sync, O: Send, R: Send, E>(
        self,
        work: &[Piece<W>],
        open: impl Fn(&W) -> Piece<O> + Sync,
        finish: impl Fn(O) -> Piece<R> + Sync,
        mut take: impl FnMut(R) -> Result<(), E>,
    ) -> Result<(), Broken<E>> {
        let line = Line { work, limits: self, standing: Mutex::default(), waiting: Waits::default() };
        std::thread::scope(|scope| {
            let ends = line.ends_if_left();
            let opening = start(scope, "packer-read", self.openers.min(work.len()), || line.open_all(&open));
            let opening = opening.map_err(Broken::Threads)?;
            let finishers = self.finishers.min(work.len());
            let finishing = start(scope, "packer-bake", finishers, || line.finish_all(&finish));
            let finishing = finishing.map_err(Broken::Threads)?;
            let mut taken = Ok(());
            while let Some(piece) = line.next_finished() {
                taken = take(piece.what).map_err(Broken::Refused);
                if taken.is_err() {
                    break;
                }
                line.took(piece.bytes);
            }
            drop(ends);
            for thread in opening.into_iter().chain(finishing) {
                if let Err(panic) = thread.join() {
                    // It ends this thread as it would have without the other, and with what it says.
                    std::panic::resume_unwind(panic);
                }
            }
            taken
        })
    }
}

/// Starts `count` threads; as many as there can be, if that is at least one.
fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    count: usize,
    run: impl Fn() + Copy + Send + 'scope,
) -> std::io::Result<Vec<ScopedJoinHandle<'scope, ()>>> {
    let mut threads = Vec::with_capacity(count);
    for at in 0..count {
        match Builder::new().name(format!("{name}-{at}")).spawn_scoped(scope, run) {
            Ok(thread) => threads.push(thread),
            Err(error) if threads.is_empty() => return Err(error),
            Err(error) => {
                tracing::warn!(%error, threads = threads.len(), "fewer threads than there should be");
                break;
            }
        }
    }
    Ok(threads)
}

/// Where all pieces stand.
struct Line<'w, W, O, R> {
    work: &'w [Piece<W>],
    limits: Pipeline,
    standing: Mutex<Standing<O, R>>,
    waiting: Waits,
}

/// Who waits for what.
#[derive(Default)]
struct Waits {
    /// For room, or for all before theirs to be taken.
    openers: Condvar,
    finishers: Condvar,
    taker: Condvar,
}

struct Standing<O, R> {
    /// The pieces before this one are opened, or being opened.
    opened: usize,
    /// The pieces before this one are taken.
    taken: usize,
    /// What is opened takes and nobody is finishing, and what is being opened.
    open_bytes: u64,
    /// What is opened and not taken takes.
    bytes: u64,
    /// Opened pieces that nobody is finishing, by their place.
    open: BTreeMap<usize, Piece<O>>,
    /// Finished pieces that are not taken, by their place.
    finished: BTreeMap<usize, Piece<R>>,
    /// Whether nothing is to be begun any more.
    is_over: bool,
}

impl<O, R> Default for Standing<O, R> {
    fn default() -> Self {
        Self {
            opened: 0,
            taken: 0,
            open_bytes: 0,
            bytes: 0,
            open: BTreeMap::new(),
            finished: BTreeMap::new(),
            is_over: false,
        }
    }
}

impl<W, O, R> Line<'_, W, O, R> {
    fn open_all(&self, open: impl Fn(&W) -> Piece<O>) {
        let _ends = self.ends_on_panic();
        while let Some(at) = self.next_to_open() {
            let piece = &self.work[at];
            let open = open(&piece.what);
            let mut standing = self.standing();
            standing.open_bytes = standing.open_bytes - piece.bytes + open.bytes;
            standing.bytes = standing.bytes - piece.bytes + open.bytes;
            standing.open.insert(at, open);
            drop(standing);
            self.waiting.finishers.notify_one();
        }
    }

    fn finish_all(&self, finish: impl Fn(O) -> Piece<R>) {
        let _ends = self.ends_on_panic();
        while let Some((at, piece)) = self.next_to_finish() {
            let finished = finish(piece.what);
            let mut standing = self.standing();
            let before = standing.bytes;
            standing.bytes = before - piece.bytes + finished.bytes;
            let (is_next, is_smaller) = (standing.taken == at, standing.bytes < before);
            standing.finished.insert(at, finished);
            drop(standing);
            if is_next {
                self.waiting.taker.notify_one();
            }
            if is_smaller {
                self.waiting.openers.notify_one();
                self.waiting.finishers.notify_one();
            }
        }
    }

    /// The next piece that may be opened; none if there is none left.
    fn next_to_open(&self) -> Option<usize> {
        let mut standing = self.standing();
        loop {
            let at = standing.opened;
            let next = self.work.get(at).filter(|_| !standing.is_over);
            let more = next.map_or(0, |piece| piece.bytes);
            let (open, all) = (standing.open_bytes + more, standing.bytes + more);
            let has_room =
                (standing.open_bytes == 0 || open <= self.limits.max_open) && all <= self.limits.max_bytes;
            // Where all before it are taken, waiting would not make more room; and one is read while another is written.
            if next.is_none() || has_room || at < standing.taken + AHEAD {
                // Whoever waits for the same may go on, too, or come to its end.
                self.waiting.openers.notify_one();
                next?;
                standing.opened = at + 1;
                (standing.open_bytes, standing.bytes) = (open, all);
                return Some(at);
            }
            standing = self.waiting.openers.wait(standing).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The first of the opened pieces, if it may be finished; none if there will be no more.
    fn next_to_finish(&self) -> Option<(usize, Piece<O>)> {
        let mut standing = self.standing();
        loop {
            if standing.is_over {
                return None;
            }
            let has_room = standing.bytes <= self.limits.max_bytes;
            let end = standing.taken + AHEAD;
            if let Some(first) = standing.open.first_entry().filter(|first| has_room || *first.key() < end) {
                let (at, piece) = first.remove_entry();
                standing.open_bytes -= piece.bytes;
                drop(standing);
                self.waiting.openers.notify_one();
                // There may be room for the next one, too.
                self.waiting.finishers.notify_one();
                return Some((at, piece));
            }
            standing = self.waiting.finishers.wait(standing).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What is to be taken next, as soon as it is finished; nothing if all is taken, or it will never be.
    fn next_finished(&self) -> Option<Piece<R>> {
        let mut standing = self.standing();
        loop {
            if standing.is_over || standing.taken == self.work.len() {
                return None;
            }
            let at = standing.taken;
            if let Some(piece) = standing.finished.remove(&at) {
                return Some(piece);
            }
            standing = self.waiting.taker.wait(standing).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What was to be taken was, and these bytes of it are gone.
    fn took(&self, bytes: u64) {
        let mut standing = self.standing();
        standing.bytes -= bytes;
        standing.taken += 1;
        drop(standing);
        self.waiting.openers.notify_one();
        self.waiting.finishers.notify_one();
    }

    fn standing(&self) -> MutexGuard<'_, Standing<O, R>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.standing().is_over = true;
        self.waiting.openers.notify_all();
        self.waiting.finishers.notify_all();
        self.waiting.taker.notify_all();
    }

    /// Lets all threads end when it is dropped.
    fn ends_if_left(&self) -> impl Drop {
        Ends { line: self, only_on_panic: false }
    }

    /// The same where a thread dies: nobody is to wait for what it would have made.
    fn ends_on_panic(&self) -> impl Drop {
        Ends { line: self, only_on_panic: true }
    }
}

struct Ends<'l, 'w, W, O, R> {
    line: &'l Line<'w, W, O, R>,
    only_on_panic: bool,
}

impl<W, O, R> Drop for Ends<'_, '_, W, O, R> {
    fn drop(&mut self) {
        if !self.only_on_panic || std::thread::panicking() {
            self.line.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};
    use std::time::Duration;

    use super::*;

    fn pieces(bytes: impl IntoIterator<Item = u64>) -> Vec<Piece<usize>> {
        bytes.into_iter().enumerate().map(|(what, bytes)| Piece { what, bytes }).collect()
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "pieces are opened by reference")]
    fn as_it_is(at: &usize) -> Piece<usize> {
        Piece { what: *at, bytes: 1 }
    }

    fn pipeline(openers: usize, finishers: usize, max_bytes: u64) -> Pipeline {
        Pipeline { openers, finishers, max_open: max_bytes, max_bytes }
    }

    #[test]
    fn everything_is_taken_once_and_in_order() {
        for (openers, finishers) in [(1, 1), (1, 3), (4, 1), (16, 4)] {
            for count in [0, 1, 2, 500] {
                let work = pieces((0..count).map(|at| at % 7));
                let mut taken = Vec::new();
                let open = |at: &usize| Piece { what: *at, bytes: (at * 5 % 11) as u64 };
                // Those that are opened first are not the first to be finished.
                let finish = |at: usize| {
                    (0..at * 37 % 11).for_each(|_| std::thread::yield_now());
                    Piece { what: at, bytes: (at * 13 % 9) as u64 }
                };
                let take = |at| {
                    taken.push(at);
                    Ok::<_, ()>(())
                };
                pipeline(openers, finishers, 20).run(&work, open, finish, take).unwrap();
                assert_eq!(taken, (0..work.len()).collect::<Vec<_>>(), "{openers} and {finishers} threads");
            }
        }
    }

    #[test]
    fn no_more_is_held_than_there_is_room_for_unless_one_has_more() {
        // The last one has more bytes than there may be.
        let work = pieces((0..300).map(|at| if at == 299 { 1000 } else { 1 + at % 30 }));
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let open = |at: &usize| {
            let bytes = work[*at].bytes;
            let now = held.fetch_add(bytes, Ordering::SeqCst) + bytes;
            if *at == 299 {
                assert!(now <= 1000 + work[298].bytes, "with more than one other");
            } else {
                most.fetch_max(now, Ordering::SeqCst);
            }
            Piece { what: *at, bytes }
        };
        let finish = |at: usize| Piece { what: at, bytes: work[at].bytes };
        let take = |at: usize| {
            held.fetch_sub(work[at].bytes, Ordering::SeqCst);
            Ok::<_, ()>(())
        };
        pipeline(8, 2, 60).run(&work, open, finish, take).unwrap();
        let most = most.into_inner();
        assert!((31..=60).contains(&most), "{most} bytes were held");
        assert_eq!(held.into_inner(), 0);
    }

    #[test]
    fn what_takes_long_holds_up_nobody_while_there_is_room() {
        // The first piece is finished only when ten after it are.
        let work = pieces([1; 11]);
        let (sender, others) = mpsc::channel();
        let others = Mutex::new(others);
        let finish = |at: usize| {
            if at == 0 {
                let others = others.lock().unwrap();
                for _ in 0..10 {
                    others.recv_timeout(Duration::from_secs(20)).unwrap();
                }
            } else {
                sender.send(()).unwrap();
            }
            Piece { what: at, bytes: 1 }
        };
        pipeline(2, 2, 11).run(&work, as_it_is, finish, |_| Ok::<_, ()>(())).unwrap();
    }

    #[test]
    fn what_comes_out_smaller_makes_room_at_once() {
        // There is room for two opened ones, and the first is taken only when ten are finished.
        let work = pieces([50; 11]);
        let (sender, finished) = mpsc::channel();
        let finish = |at: usize| {
            sender.send(at).unwrap();
            Piece { what: at, bytes: 1 }
        };
        let take = |at: usize| {
            for _ in 0..if at == 0 { 10 } else { 0 } {
                finished.recv_timeout(Duration::from_secs(20)).unwrap();
            }
            Ok::<_, ()>(())
        };
        pipeline(2, 1, 100).run(&work, |at| Piece { what: *at, bytes: 50 }, finish, take).unwrap();
    }

    #[test]
    fn what_comes_out_larger_is_not_piled_up() {
        // The first piece is finished when no other is any more: two have filled the room.
        let work = pieces([1; 40]);
        let (sender, others) = mpsc::channel();
        let others = Mutex::new(others);
        let finish = |at: usize| {
            if at == 0 {
                let others = others.lock().unwrap();
                for _ in 0..2 {
                    others.recv_timeout(Duration::from_secs(20)).unwrap();
                }
                others.recv_timeout(Duration::from_millis(50)).expect_err("a third was finished");
            } else {
                sender.send(()).unwrap();
            }
            Piece { what: at, bytes: 30 }
        };
        let line = Pipeline { openers: 4, finishers: 2, max_open: 5, max_bytes: 60 };
        line.run(&work, as_it_is, finish, |_| Ok::<_, ()>(())).unwrap();
    }

    #[test]
    fn one_is_opened_ahead_however_much_it_has() {
        // The first piece is finished only when the second is being opened.
        let work = pieces([100; 2]);
        let (sender, opened) = mpsc::channel();
        let opened = Mutex::new(opened);
        let open = |at: &usize| {
            sender.send(*at).unwrap();
            Piece { what: *at, bytes: 100 }
        };
        let finish = |at: usize| {
            while at == 0 && opened.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap() == 0 {}
            Piece { what: at, bytes: 100 }
        };
        let line = Pipeline { openers: 2, finishers: 1, max_open: 8, max_bytes: 24 };
        line.run(&work, open, finish, |_| Ok::<_, ()>(())).unwrap();
    }

    #[test]
    fn little_is_opened_before_somebody_can_finish_it() {
        let work = pieces([1; 200]);
        let (open_now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let open = |at: &usize| {
            most.fetch_max(open_now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            as_it_is(at)
        };
        let finish = |at: usize| {
            open_now.fetch_sub(1, Ordering::SeqCst);
            (0..50).for_each(|_| std::thread::yield_now());
            Piece { what: at, bytes: 1 }
        };
        let line = Pipeline { openers: 8, finishers: 2, max_open: 5, max_bytes: 100 };
        line.run(&work, open, finish, |_| Ok::<_, ()>(())).unwrap();
        // Two are being finished before that is counted.
        let most = most.into_inner();
        assert!((2..=7).contains(&most), "{most} were open");
    }

    #[test]
    fn many_are_opened_at_once() {
        let work = pieces([1; 8]);
        let all = Barrier::new(8);
        let open = |at: &usize| {
            all.wait();
            as_it_is(at)
        };
        let finish = |at: usize| Piece { what: at, bytes: 1 };
        pipeline(8, 1, 8).run(&work, open, finish, |_| Ok::<_, ()>(())).unwrap();
    }

    #[test]
    fn who_takes_can_end_it() {
        let work = pieces([1; 1000]);
        let opened = AtomicUsize::new(0);
        let open = |at: &usize| {
            opened.fetch_add(1, Ordering::Relaxed);
            as_it_is(at)
        };
        let take = |at| if at == 3 { Err("enough") } else { Ok(()) };
        let end = pipeline(4, 2, 10).run(&work, open, |at| Piece { what: at, bytes: 1 }, take);
        assert!(matches!(end, Err(Broken::Refused("enough"))), "{end:?}");
        let opened = opened.into_inner();
        assert!(opened <= 3 + 10, "{opened} were opened");
    }

    #[test]
    fn a_panic_of_any_step_ends_it_and_is_passed_on() {
        for step in ["open", "finish", "take"] {
            let work = pieces([1; 100]);
            let fails = |now: &str, at: usize| assert!(!(now == step && at == 40), "in {now}");
            let open = |at: &usize| {
                fails("open", *at);
                as_it_is(at)
            };
            let finish = |at| {
                fails("finish", at);
                Piece { what: at, bytes: 1 }
            };
            let take = |at| {
                fails("take", at);
                Ok::<_, ()>(())
            };
            let run = || pipeline(4, 2, 10).run(&work, open, finish, take);
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            assert_eq!(*panic.downcast::<String>().unwrap(), format!("in {step}"));
        }
    }
}
