//! `CrashStates`: the disks that a power cut can leave.
//!
//! Each is what is durable, plus some of the pending effects, in the order in which they were made; a write may also
//! have reached the disk for its first half only. Effects that make no sense without a lost one are lost with it, so
//! many choices give the same disk: each disk comes once, as far as that is cheap to tell.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::state::{Made, State};
use super::tree::{Inode, Tree};
use super::{PendingEffect, SimDisk};

const LOST: u8 = 0;
const KEPT: u8 = 1;
const TORN: u8 = 2;

/// How much of what a power cut can leave is enumerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// Nothing kept, everything kept, each effect alone kept and alone lost, then draws from a seed.
    Sampled,
    /// Every subset of the effects, with whole writes; then draws from a seed with torn ones.
    EverySubset,
    /// Every subset of the effects, with every write whole or torn.
    Everything,
}

/// What became of a pending effect in a power cut, if not that all of it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing of it is on the disk.
    Lost(PendingEffect),
    /// Of a write, the first half is on the disk.
    Torn(PendingEffect),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(effect) => write!(f, "lost: {effect}"),
            Self::Torn(effect) => write!(f, "torn: {effect}"),
        }
    }
}

/// Which of the pending effects this disk came out of a power cut with.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pending: Arc<[Arc<Made>]>,
    fate: Box<[u8]>,
}

impl Origin {
    pub(super) fn losses(&self) -> Vec<Loss> {
        let losses = self.pending.iter().zip(&self.fate).filter_map(|(made, fate)| match *fate {
            LOST => Some(Loss::Lost(made.shown.clone())),
            TORN => Some(Loss::Torn(made.shown.clone())),
            _ => None,
        });
        losses.collect()
    }
}

/// An iterator over the disks that a power cut can leave; from [`SimDisk::crash_states`].
#[derive(Debug)]
pub struct CrashStates {
    before: State,
    pending: Arc<[Arc<Made>]>,
    coverage: Coverage,
    /// Trees whose first effects are decided, the rest open: a depth-first search.
    open: Vec<(Tree, Vec<u8>)>,
    /// The next of the choices that are made without a draw where not all subsets are.
    corner: usize,
    /// Choices still to be drawn.
    draws: usize,
    seen: BTreeSet<Vec<u8>>,
    random: Xorshift,
}

impl CrashStates {
    pub(super) fn new(state: &State, limit: usize, seed: u64) -> Self {
        let before = state.fork();
        let pending: Arc<[_]> = before.pending.iter().map(|pending| pending.made.clone()).collect();
        let product = |variants: &dyn Fn(&Made) -> usize| {
            let product =
                pending.iter().try_fold(1_usize, |product, made| product.checked_mul(variants(made)));
            product.is_some_and(|product| product <= limit)
        };
        let (coverage, draws) = if product(&|made| if made.change.can_tear() { 3 } else { 2 }) {
            (Coverage::Everything, 0)
        } else if product(&|_| 2) {
            (Coverage::EverySubset, limit)
        } else {
            (Coverage::Sampled, limit)
        };
        let start = (Tree::clone(&before.durable), Vec::with_capacity(pending.len()));
        Self {
            open: if coverage == Coverage::Sampled { Vec::new() } else { vec![start] },
            corner: 0,
            draws,
            seen: BTreeSet::new(),
            random: Xorshift::new(seed),
            before,
            pending,
            coverage,
        }
    }

    /// How much of what can be is enumerated.
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// The next choice of the search, with the disk it leaves. An effect without effect is only ever lost, which leaves the
    /// same disk.
    fn search(&mut self) -> Option<(Tree, Vec<u8>)> {
        while let Some((tree, fate)) = self.open.pop() {
            let Some(made) = self.pending.get(fate.len()) else {
                if self.unreachable_writes(&tree, &fate).next().is_some() {
                    continue;
                }
                return Some((tree, fate));
            };
            let torn = self.coverage == Coverage::Everything && made.change.can_tear();
            for own in [Some(KEPT), torn.then_some(TORN)].into_iter().flatten() {
                let mut tree = tree.clone();
                if tree.apply(&made.change, made.time_ns, own == TORN) {
                    self.open.push((tree, with(fate.clone(), own)));
                }
            }
            self.open.push((tree, with(fate, LOST)));
        }
        None
    }

    /// Where the search is too long: nothing kept, everything kept, each alone kept, each alone lost.
    fn next_corner(&mut self) -> Option<Vec<u8>> {
        let (n, number) = (self.pending.len(), self.corner);
        let (others, one) = match number {
            _ if self.coverage != Coverage::Sampled || number >= 2 + 2 * n => return None,
            0 => (LOST, None),
            1 => (KEPT, None),
            _ if number < 2 + n => (LOST, Some((number - 2, KEPT))),
            _ => (KEPT, Some((number - 2 - n, LOST))),
        };
        self.corner += 1;
        let mut fate = vec![others; n];
        if let Some((i, own)) = one {
            fate[i] = own;
        }
        Some(fate)
    }

    fn draw(&mut self) -> Option<Vec<u8>> {
        self.draws = self.draws.checked_sub(1)?;
        let Self { pending, random, .. } = self;
        let draw = |made: &Arc<Made>| match random.next() % 4 {
            0 | 1 => LOST,
            2 if made.change.can_tear() => TORN,
            _ => KEPT,
        };
        Some(pending.iter().map(draw).collect())
    }

    /// The disk that a choice leaves, with the choice made simpler: an effect without effect counts as lost.
    fn build(&self, mut fate: Vec<u8>) -> (Tree, Vec<u8>) {
        let mut tree = Tree::clone(&self.before.durable);
        for (made, fate) in self.pending.iter().zip(&mut fate) {
            if *fate != LOST && !tree.apply(&made.change, made.time_ns, *fate == TORN) {
                *fate = LOST;
            }
        }
        let idle: Vec<usize> = self.unreachable_writes(&tree, &fate).collect();
        for i in idle {
            fate[i] = LOST;
        }
        (tree, fate)
    }

    /// What was written to files that no path leads to: as good as lost.
    fn unreachable_writes(&self, tree: &Tree, fate: &[u8]) -> impl Iterator<Item = usize> {
        let kept = |(made, fate): (&Arc<Made>, &u8)| made.change.data_of().filter(|_| *fate != LOST);
        let files: Vec<Option<Inode>> = self.pending.iter().zip(fate).map(kept).collect();
        let reachable = if files.iter().any(Option::is_some) { tree.reachable() } else { Vec::new() };
        let is_idle =
            move |(i, file): (usize, Option<Inode>)| file.is_some_and(|file| !reachable[file]).then_some(i);
        files.into_iter().enumerate().filter_map(is_idle)
    }
}

impl Iterator for CrashStates {
    type Item = SimDisk;

    fn next(&mut self) -> Option<SimDisk> {
        loop {
            let (tree, fate) = if let Some(found) = self.search() {
                found
            } else {
                let fate = self.next_corner().or_else(|| self.draw())?;
                self.build(fate)
            };
            // The search finds each only once, but what is drawn after it may have been found.
            if self.coverage == Coverage::Everything || self.seen.insert(fate.clone()) {
                let origin = Origin { pending: self.pending.clone(), fate: fate.into() };
                return Some(SimDisk::of(self.before.rebooted(tree, origin)));
            }
        }
    }
}

fn with(mut fate: Vec<u8>, next: u8) -> Vec<u8> {
    fate.push(next);
    fate
}

/// Marsaglia's xorshift64*: small, and the same everywhere.
#[derive(Clone, Debug)]
pub(super) struct Xorshift(u64);

impl Xorshift {
    pub(super) fn new(seed: u64) -> Self {
        // Zero is the one state that never changes.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}
