//! `State`: what programs see, what is durable, what is in between, and which faults are armed.
//!
//! Every operation of the simulated disk is one call here, made under its lock.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use camino::Utf8Path;

use super::crash::Origin;
use super::tree::{Change, Content, Inode, MAX_FILE_BYTES, Slot, Tree};
use super::{PendingEffect, RenameDurability, SimFault, SyncRecord};

/// When the simulated world begins: 2001-09-09, in nanoseconds since 1970.
const EPOCH_NS: i64 = 1_000_000_000_000_000_000;

/// A change that a power cut may lose.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) made: Arc<Made>,
    /// A sync that was to make it durable failed: no later one will.
    abandoned: bool,
    /// Which of its folders were synced since.
    synced: [bool; 2],
}

#[derive(Debug)]
pub(super) struct Made {
    pub(super) change: Change,
    pub(super) time_ns: i64,
    pub(super) shown: PendingEffect,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    pub(super) cut_after: Option<u64>,
    pub(super) operations: BTreeSet<u64>,
    pub(super) reads: BTreeSet<u64>,
    pub(super) failing_syncs: BTreeSet<u64>,
    pub(super) ignored_syncs: BTreeSet<u64>,
    pub(super) shuffle: Option<u64>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) live: Arc<Tree>,
    pub(super) durable: Arc<Tree>,
    pub(super) pending: Vec<Pending>,
    pub(super) now_ns: i64,
    pub(super) tick_ns: i64,
    pub(super) budget: Option<u64>,
    pub(super) renames: RenameDurability,
    pub(super) operations: u64,
    pub(super) reads: u64,
    pub(super) syncs: Vec<SyncRecord>,
    pub(super) faults: Faults,
    pub(super) origin: Option<Origin>,
}

/// What a rename does about what stands at its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    MustBeFree,
    Replaced,
}

impl State {
    pub(super) fn new() -> Self {
        let tree = Arc::new(Tree::new(EPOCH_NS));
        Self {
            live: tree.clone(),
            durable: tree,
            pending: Vec::new(),
            now_ns: EPOCH_NS,
            tick_ns: 1,
            budget: None,
            renames: RenameDurability::default(),
            operations: 0,
            reads: 0,
            syncs: Vec::new(),
            faults: Faults::default(),
            origin: None,
        }
    }

    /// The same disk for another process: no faults, nothing counted.
    pub(super) fn fork(&self) -> Self {
        Self {
            live: self.live.clone(),
            durable: self.durable.clone(),
            pending: self.pending.clone(),
            now_ns: self.now_ns,
            tick_ns: self.tick_ns,
            budget: self.budget,
            renames: self.renames,
            operations: 0,
            reads: 0,
            syncs: Vec::new(),
            faults: Faults::default(),
            origin: self.origin.clone(),
        }
    }

    /// This disk after a power cut that left `tree`.
    pub(super) fn rebooted(&self, tree: Tree, origin: Origin) -> Self {
        let tree = Arc::new(tree);
        let (live, durable) = (tree.clone(), tree);
        Self { live, durable, pending: Vec::new(), origin: Some(origin), ..self.fork() }
    }

    /// The time that a change made now gets.
    pub(super) fn file_time_ns(&self) -> i64 {
        self.now_ns - self.now_ns.rem_euclid(self.tick_ns)
    }

    pub(super) fn begin_read(&mut self) -> io::Result<()> {
        self.check_power()?;
        let number = self.reads;
        self.reads += 1;
        if self.faults.reads.contains(&number) { Err(SimFault::InputOutput.into()) } else { Ok(()) }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.check_power()?;
        let number = self.operations;
        self.operations += 1;
        if self.faults.operations.contains(&number) { Err(SimFault::InputOutput.into()) } else { Ok(()) }
    }

    fn check_power(&self) -> io::Result<()> {
        let cut = self.faults.cut_after.is_some_and(|count| self.operations >= count);
        if cut { Err(SimFault::PowerCut.into()) } else { Ok(()) }
    }

    pub(super) fn create(&mut self, path: &Utf8Path, dir: bool) -> io::Result<Inode> {
        self.begin()?;
        let Some(at) = self.live.slot(path)? else { return Err(io::ErrorKind::AlreadyExists.into()) };
        self.live.entries(at.dir)?;
        if self.live.at(&at).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let (content, shown) = if dir {
            (Content::Dir(BTreeMap::new()), PendingEffect::CreateDir { path: path.to_owned() })
        } else {
            (Content::File(Arc::default()), PendingEffect::Create { path: path.to_owned() })
        };
        let inode = self.add_node(&content);
        self.make(Change::Link { at, inode }, shown);
        Ok(inode)
    }

    pub(super) fn remove_file(&mut self, path: &Utf8Path) -> io::Result<()> {
        self.begin()?;
        let (at, inode) = self.taken(path)?;
        if matches!(self.live.node(inode).content, Content::Dir(_)) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        self.make(Change::Unlink { at, inode }, PendingEffect::Remove { path: path.to_owned() });
        Ok(())
    }

    pub(super) fn remove_dir(&mut self, path: &Utf8Path) -> io::Result<()> {
        self.begin()?;
        let (at, inode) = self.taken(path)?;
        if !self.live.entries(inode)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.make(Change::Unlink { at, inode }, PendingEffect::RemoveDir { path: path.to_owned() });
        Ok(())
    }

    /// The checks are in the order in which Linux makes them.
    pub(super) fn rename(&mut self, from: &Utf8Path, to: &Utf8Path, target: Target) -> io::Result<()> {
        self.begin()?;
        let (source, place) = (self.named(from)?, self.named(to)?);
        let inode = self.live.at(&source).ok_or(io::ErrorKind::NotFound)?;
        let replaced = self.live.at(&place);
        if target == Target::MustBeFree && replaced.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let is_dir = |inode| matches!(self.live.node(inode).content, Content::Dir(_));
        if is_dir(inode) && self.live.is_within(place.dir, inode) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        match replaced {
            Some(same) if same == inode => return Ok(()),
            Some(other) if is_dir(other) && self.live.is_within(source.dir, other) => {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            Some(other) if is_dir(inode) && !is_dir(other) => return Err(io::ErrorKind::NotADirectory.into()),
            Some(other) if !is_dir(inode) && is_dir(other) => return Err(io::ErrorKind::IsADirectory.into()),
            Some(other) if self.live.is_full_dir(other) => {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            _ => {}
        }
        let shown = PendingEffect::Rename { from: from.to_owned(), to: to.to_owned() };
        self.make(Change::Rename { from: source, to: place, inode }, shown);
        Ok(())
    }

    pub(super) fn exchange(&mut self, a: &Utf8Path, b: &Utf8Path) -> io::Result<()> {
        self.begin()?;
        let (at_a, at_b) = (self.named(a)?, self.named(b)?);
        let first = self.live.at(&at_a).ok_or(io::ErrorKind::NotFound)?;
        let second = self.live.at(&at_b).ok_or(io::ErrorKind::NotFound)?;
        if first == second {
            return Ok(());
        }
        let into_itself = |inode, slot: &Slot| {
            matches!(self.live.node(inode).content, Content::Dir(_)) && self.live.is_within(slot.dir, inode)
        };
        if into_itself(first, &at_b) || into_itself(second, &at_a) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let shown = PendingEffect::Exchange { a: a.to_owned(), b: b.to_owned() };
        self.make(Change::Exchange { a: at_a, b: at_b, inodes: [first, second] }, shown);
        Ok(())
    }

    /// Writes as much as there is room for, and says how much that was.
    pub(super) fn write(
        &mut self,
        inode: Inode,
        path: &Utf8Path,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<usize> {
        self.begin()?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let size = self.live.stat(inode).size;
        let room = self.room().map_or(u64::MAX, |room| room.saturating_add(size).saturating_sub(offset));
        let count = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if offset.saturating_add(count as u64) > MAX_FILE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let shown = PendingEffect::Write { path: path.to_owned(), offset, len: count as u64 };
        self.make(Change::Write { inode, offset, bytes: bytes[..count].into() }, shown);
        Ok(count)
    }

    pub(super) fn set_len(&mut self, inode: Inode, path: &Utf8Path, len: u64) -> io::Result<()> {
        self.begin()?;
        if len > MAX_FILE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let growth = len.saturating_sub(self.live.stat(inode).size);
        if self.room().is_some_and(|room| growth > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.make(Change::SetLen { inode, len }, PendingEffect::SetLen { path: path.to_owned(), len });
        Ok(())
    }

    pub(super) fn sync_file(&mut self, inode: Inode, path: &Utf8Path) -> io::Result<()> {
        let concerns = |pending: &Pending| pending.made.change.data_of() == Some(inode);
        if !self.begin_sync(SyncRecord::File { path: path.to_owned() }, concerns)? {
            return Ok(());
        }
        let (mine, others): (Vec<_>, Vec<_>) = self.pending.drain(..).partition(concerns);
        let (abandoned, kept): (Vec<_>, Vec<_>) = mine.into_iter().partition(|pending| pending.abandoned);
        let durable = Arc::make_mut(&mut self.durable);
        if abandoned.is_empty() {
            durable.set_node(inode, self.live.node(inode).clone());
        } else {
            for Pending { made, .. } in &kept {
                durable.apply(&made.change, made.time_ns, false);
            }
        }
        self.pending = others;
        // What was written again since has reached the disk now; the rest may or may not have.
        let rewritten = |a: &Pending| kept.iter().any(|k| k.made.change.overlaps(&a.made.change));
        self.pending.extend(abandoned.into_iter().filter(|a| !rewritten(a)));
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, path: &Utf8Path) -> io::Result<()> {
        let found = self.live.find(path).and_then(|dir| self.live.entries(dir).map(|_| dir));
        let dir = match found {
            Ok(dir) => dir,
            Err(error) => return self.begin().and(Err(error)),
        };
        let concerns =
            |pending: &Pending| pending.made.change.slots().iter().flatten().any(|slot| slot.dir == dir);
        if !self.begin_sync(SyncRecord::Dir { path: path.to_owned() }, concerns)? {
            return Ok(());
        }
        let mut chosen = vec![false; self.pending.len()];
        for (pending, chosen) in self.pending.iter_mut().zip(&mut chosen) {
            let slots = pending.made.change.slots();
            let mut needed = [false; 2];
            for (i, slot) in slots.into_iter().enumerate() {
                let Some(slot) = slot else { continue };
                pending.synced[i] |= slot.dir == dir;
                needed[i] = true;
            }
            let met = |i: usize| !needed[i] || pending.synced[i];
            *chosen = !pending.abandoned
                && match self.renames {
                    RenameDurability::BothFolders => needed[0] && met(0) && met(1),
                    RenameDurability::EitherFolder => pending.synced.contains(&true),
                };
        }
        self.follow_dependencies(&mut chosen);
        let durable = Arc::make_mut(&mut self.durable);
        let mut rest: Vec<Pending> = Vec::new();
        let mut blocked: Vec<Arc<Made>> = Vec::new();
        for (pending, chosen) in self.pending.drain(..).zip(chosen) {
            let change = &pending.made.change;
            // It waits for the folder it moves something into to be durable itself.
            if chosen && (durable.strands(change) || blocked.iter().any(|b| change.builds_on(&b.change))) {
                blocked.push(pending.made.clone());
                rest.push(pending);
            } else if chosen {
                durable.apply(&pending.made.change, pending.made.time_ns, false);
            } else {
                rest.push(pending);
            }
        }
        self.pending = rest;
        Ok(())
    }

    /// A change that becomes durable takes the earlier ones with it that it builds on; what builds on an abandoned one is
    /// abandoned with it.
    fn follow_dependencies(&mut self, chosen: &mut [bool]) {
        for (i, chosen) in chosen.iter_mut().enumerate() {
            let (earlier, later) = self.pending.split_at_mut(i);
            let later = &mut later[0];
            if earlier.iter().any(|e| e.abandoned && later.made.change.builds_on(&e.made.change)) {
                later.abandoned = true;
                *chosen = false;
            }
        }
        let mut open: Vec<usize> = (0..chosen.len()).filter(|i| chosen[*i]).collect();
        while let Some(i) = open.pop() {
            let change = &self.pending[i].made.change;
            for (j, earlier) in self.pending[..i].iter().enumerate() {
                if !chosen[j] && change.builds_on(&earlier.made.change) {
                    chosen[j] = true;
                    open.push(j);
                }
            }
        }
    }

    /// Whether the sync is to be made.
    fn begin_sync(&mut self, record: SyncRecord, concerns: impl Fn(&Pending) -> bool) -> io::Result<bool> {
        self.begin()?;
        let number = self.syncs.len() as u64;
        self.syncs.push(record);
        if self.faults.failing_syncs.contains(&number) {
            for pending in self.pending.iter_mut().filter(|pending| concerns(pending)) {
                pending.abandoned = true;
            }
            return Err(SimFault::InputOutput.into());
        }
        Ok(!self.faults.ignored_syncs.contains(&number))
    }

    /// Everything becomes durable.
    pub(super) fn settle(&mut self) {
        self.pending.clear();
        self.durable = self.live.clone();
    }

    /// Makes a change that is durable at once and counts as no operation: somebody else's, long ago.
    pub(super) fn make_durable(&mut self, change: &Change) {
        let time_ns = self.file_time_ns();
        Arc::make_mut(&mut self.live).apply(change, time_ns, false);
        Arc::make_mut(&mut self.durable).apply(change, time_ns, false);
    }

    /// Adds a node that no name leads to yet; what names and contents it gets can be lost, it cannot.
    pub(super) fn add_node(&mut self, content: &Content) -> Inode {
        let time_ns = self.file_time_ns();
        Arc::make_mut(&mut self.durable).add(content.clone(), time_ns);
        Arc::make_mut(&mut self.live).add(content.clone(), time_ns)
    }

    fn make(&mut self, change: Change, shown: PendingEffect) {
        let time_ns = self.file_time_ns();
        let made = Arc::make_mut(&mut self.live).apply(&change, time_ns, false);
        debug_assert!(made, "checked before: {shown:?}");
        let made = Arc::new(Made { change, time_ns, shown });
        self.pending.push(Pending { made, abandoned: false, synced: [false; 2] });
    }

    fn room(&self) -> Option<u64> {
        self.budget.map(|budget| budget.saturating_sub(self.live.bytes()))
    }

    /// Only files can be opened.
    pub(super) fn regular(&self, inode: Inode) -> io::Result<Inode> {
        match self.live.node(inode).content {
            Content::File(_) => Ok(inode),
            Content::Dir(_) => Err(io::ErrorKind::IsADirectory.into()),
            Content::Link => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// The name that `path` ends in. The root has none.
    fn named(&self, path: &Utf8Path) -> io::Result<Slot> {
        let slot = self.live.slot(path)?;
        let slot = slot.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the disk's root"))?;
        self.live.entries(slot.dir)?;
        Ok(slot)
    }

    fn taken(&self, path: &Utf8Path) -> io::Result<(Slot, Inode)> {
        let slot = self.named(path)?;
        let inode = self.live.at(&slot).ok_or(io::ErrorKind::NotFound)?;
        Ok((slot, inode))
    }
}
