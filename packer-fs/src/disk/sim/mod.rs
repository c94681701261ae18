//! `SimDisk`: a disk in memory that loses un-synced writes, for tests of everything above [`Disk`].
//!
//! Programs see every operation at once. What a power cut leaves is less: each write waits for its file's
//! [`sync`](WriteFile::sync), each change of a name for its folder's [`sync_dir`](Disk::sync_dir), and
//! [`crash_states`](SimDisk::crash_states) gives the disks that can result. A test runs a workload with
//! [`fail_after`](SimDisk::fail_after) at each of its operations, and recovers on each of those disks:
//!
//! ```
//! use packer_fs::disk::{Disk, sim::SimDisk};
//!
//! let disk = SimDisk::new();
//! disk.create("new".into()).unwrap();
//! let survivors: Vec<usize> = disk.crash_states(100).map(|disk| disk.tree().len()).collect();
//! assert_eq!(survivors, [0, 1], "lost, or kept");
//! disk.sync_dir("".into()).unwrap();
//! assert_eq!(disk.crash_states(100).map(|disk| disk.tree().len()).collect::<Vec<_>>(), [1]);
//! ```
//!
//! # What is modelled
//!
//! - Contents: writes and lengths of one file reach the disk in any combination until its sync, a write also torn in
//!   half. A file that was written and whose name is lost is lost; one whose name is kept and whose writes are lost is empty.
//! - Names: each creation, removal, rename and swap is one atomic effect, unordered with all others, until the folder is
//!   synced; a rename between folders until both are ([`RenameDurability`]). A synced effect takes with it the earlier ones that it
//!   builds on. An effect that makes no sense because another was lost is lost too: what it moves is not
//!   there, the folder that it moves it into is not, or a folder would be replaced that is not empty.
//! - Faults, by number: an operation, a read, a sync that fails (what it was to save is then saved by no later sync
//!   either, as on Linux), a sync that only says that it happened, a budget of bytes.
//! - A coarse clock that only the test moves. Times are POSIX's: a write sets mtime and ctime of the file, a name those of
//!   its folder, a rename the ctime of what it moves.
//! - A killed process: nothing is lost ([`fork`](SimDisk::fork)).
//!
//! # What is not
//!
//! Following links (one in the middle of a path is not a folder), permissions, names that are not UTF-8 or too long, case-insensitive names,
//! several devices, inode numbers that are used again, access times, space taken by names, sectors that go bad or come back
//! with other contents, tears elsewhere than in the middle, effects that reach the disk later than the cut. Files have at
//! most 256 MiB. The whole disk is the project's folder: a leading `/` is the root, and `..` in the root stays there.

mod crash;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod differential;
mod effect;
mod file;
mod state;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

pub use crash::{Coverage, CrashStates, Loss};
pub use effect::{PendingEffect, RenameDurability, SimFault, SimNode, SyncRecord};

use super::{DirEntry, Disk, DiskError, DiskOperation, ReadFile, Stat, WriteFile};
use crash::Xorshift;
use file::SimFile;
use state::{State, Target};
use tree::{Change, Content, Slot, Tree};

/// A simulated disk. Clones are the same disk; [`fork`](Self::fork) makes another.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let losses: Vec<String> = self.losses().iter().map(ToString::to_string).collect();
        f.debug_struct("SimDisk").field("tree", &self.tree()).field("losses", &losses).finish_non_exhaustive()
    }
}

/// The disk as it is.
impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::of(State::new())
    }

    /// Another disk with the same contents, durable and pending, and the same clock and budget; no faults, nothing counted.
    /// Also what a killed process leaves to the next: nothing is lost. Cheap: contents are shared.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::of(self.lock().fork())
    }

    /// Everything that programs see, by path. The root is not in it.
    pub fn tree(&self) -> BTreeMap<Utf8PathBuf, SimNode> {
        let mut tree = BTreeMap::new();
        self.lock().live.visit(&mut |_, node, path| {
            if !path.as_str().is_empty() {
                let node = match &node.content {
                    Content::File(bytes) => SimNode::File(bytes.clone()),
                    Content::Dir(_) => SimNode::Dir,
                    Content::Link => SimNode::Link,
                };
                tree.insert(path.to_owned(), node);
            }
        });
        tree
    }

    /// A hash of all names and contents that programs see; of no times and no inodes.
    pub fn tree_hash(&self) -> u64 {
        self.lock().live.hash()
    }

    /// How many operations that change or sync something were tried.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// How many operations that only read were tried.
    pub fn reads(&self) -> u64 {
        self.lock().reads
    }

    /// The syncs that were tried, in order.
    pub fn syncs(&self) -> Vec<SyncRecord> {
        self.lock().syncs.clone()
    }

    /// What a power cut may lose, in the order in which it was done.
    pub fn pending(&self) -> Vec<PendingEffect> {
        self.lock().pending.iter().map(|pending| pending.made.shown.clone()).collect()
    }

    /// What the power cut lost that this disk came out of; nothing if it came out of none.
    pub fn losses(&self) -> Vec<Loss> {
        self.lock().origin.as_ref().map(crash::Origin::losses).unwrap_or_default()
    }

    /// The disks that a power cut now can leave, without faults, nothing pending or counted. If there are at most `limit`
    /// (before equal ones are left out), it is all of them; see [`Coverage`] for when there are more, and
    /// [`crash_states_seeded`](Self::crash_states_seeded) for other draws then.
    pub fn crash_states(&self, limit: usize) -> CrashStates {
        self.crash_states_seeded(limit, 0)
    }

    /// As [`crash_states`](Self::crash_states), with a seed for the draws.
    pub fn crash_states_seeded(&self, limit: usize, seed: u64) -> CrashStates {
        CrashStates::new(&self.lock(), limit, seed)
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test's panic in another thread leaves a state that is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Faults.
impl SimDisk {
    /// Cuts the power once `count` operations that change or sync something were tried: from then on everything fails with
    /// [`SimFault::PowerCut`], reads included.
    pub fn fail_after(&self, count: u64) {
        self.lock().faults.cut_after = Some(count);
    }

    /// The `n`-th operation that changes or syncs something (from 0) fails without effect.
    pub fn fail_operation(&self, n: u64) {
        self.lock().faults.operations.insert(n);
    }

    /// The `n`-th operation that only reads (from 0) fails.
    pub fn fail_read(&self, n: u64) {
        self.lock().faults.reads.insert(n);
    }

    /// The `n`-th sync of a file or a folder (from 0, as in [`syncs`](Self::syncs)) fails. What it was to make durable stays
    /// pending for good: later syncs pass over it.
    pub fn fail_sync(&self, n: u64) {
        self.lock().faults.failing_syncs.insert(n);
    }

    /// The `n`-th sync of a file or a folder (from 0) says that it succeeded, and does nothing. For proving that a test
    /// notices when a sync is missing.
    pub fn ignore_sync(&self, n: u64) {
        self.lock().faults.ignored_syncs.insert(n);
    }

    /// Lets the contents of all files have at most `bytes` bytes together; a write that does not fit is cut short, the next
    /// fails with `StorageFull`. `None` is no limit.
    pub fn set_budget(&self, bytes: Option<u64>) {
        self.lock().budget = bytes;
    }

    /// Decides when a rename between folders is durable.
    pub fn set_rename_durability(&self, durability: RenameDurability) {
        self.lock().renames = durability;
    }

    /// Lists folders in an order drawn from `seed` from now on, not by name.
    pub fn shuffle_listings(&self, seed: u64) {
        self.lock().faults.shuffle = Some(seed);
    }
}

/// The clock.
impl SimDisk {
    /// Moves the clock, which nothing else does.
    pub fn advance_clock_ns(&self, ns: i64) {
        let mut state = self.lock();
        state.now_ns = state.now_ns.saturating_add(ns);
    }

    /// Nanoseconds since 1970.
    pub fn now_ns(&self) -> i64 {
        self.lock().now_ns
    }

    /// Lets files have only times that are multiples of `ns` (1 at first, and at least).
    pub fn set_tick_ns(&self, ns: i64) {
        self.lock().tick_ns = ns.max(1);
    }
}

/// What others do: durable at once, counted as no operation, and hit by no fault.
impl SimDisk {
    /// Puts a file there, with the folders above it; one that is there already is overwritten in place. Nothing happens
    /// where a folder stands, or below a file.
    pub fn put(&self, path: &Utf8Path, bytes: &[u8]) {
        let mut state = self.lock();
        let Some(at) = make_parents(&mut state, path) else { return };
        let inode = match state.live.at(&at) {
            Some(inode) => inode,
            None => link(&mut state, at, &Content::File(Arc::default())),
        };
        // What waits to be written there has been overwritten.
        state.pending.retain(|pending| pending.made.change.data_of() != Some(inode));
        state.make_durable(&Change::SetLen { inode, len: 0 });
        state.make_durable(&Change::Write { inode, offset: 0, bytes: bytes.into() });
    }

    /// Puts a folder there, with the folders above it, unless something stands there.
    pub fn put_dir(&self, path: &Utf8Path) {
        let mut state = self.lock();
        if let Some(at) = make_parents(&mut state, path)
            && state.live.at(&at).is_none()
        {
            link(&mut state, at, &Content::Dir(BTreeMap::new()));
        }
    }

    /// Puts a link there that leads nowhere, with the folders above it, unless something stands there.
    pub fn put_link(&self, path: &Utf8Path) {
        let mut state = self.lock();
        if let Some(at) = make_parents(&mut state, path)
            && state.live.at(&at).is_none()
        {
            link(&mut state, at, &Content::Link);
        }
    }

    /// Sets the mtime of what stands at `path`, as any program can; its ctime becomes now.
    pub fn set_mtime_ns(&self, path: &Utf8Path, mtime_ns: i64) {
        let mut state = self.lock();
        let ctime_ns = state.file_time_ns();
        if let Ok(inode) = state.live.find(path) {
            let State { live, durable, .. } = &mut *state;
            for tree in [live, durable] {
                let node = Arc::make_mut(tree).node_mut(inode);
                node.mtime_ns = mtime_ns;
                node.ctime_ns = ctime_ns;
            }
        }
    }

    /// Makes everything pending durable.
    pub fn settle(&self) {
        self.lock().settle();
    }
}

impl Disk for SimDisk {
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        let mut state = self.lock();
        let list = |state: &State| {
            let tree: &Tree = &state.live;
            let entries = tree.entries(tree.find(dir)?)?.iter();
            let entry = |(name, inode): (&Arc<str>, &usize)| DirEntry {
                name: (**name).into(),
                kind: tree.stat(*inode).kind,
            };
            Ok(entries.map(entry).collect::<Vec<_>>())
        };
        let mut entries =
            state.begin_read().and_then(|()| list(&state)).map_err(fail(DiskOperation::ReadDir, dir))?;
        if let Some(seed) = state.faults.shuffle {
            let mut random = Xorshift::new(seed);
            for i in (1..entries.len()).rev() {
                entries.swap(i, random.next() as usize % (i + 1));
            }
        }
        Ok(entries)
    }

    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError> {
        let mut state = self.lock();
        state.begin_read().map_err(fail(DiskOperation::Stat, path))?;
        Ok(state.live.find(path).ok().map(|inode| state.live.stat(inode)))
    }

    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError> {
        let mut state = self.lock();
        let found = state.begin_read().and_then(|()| state.live.find(path));
        let inode = found.and_then(|inode| state.regular(inode)).map_err(fail(DiskOperation::Open, path))?;
        Ok(Box::new(SimFile::new(self.clone(), inode, path.to_owned())))
    }

    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        let inode = self.lock().create(path, false).map_err(fail(DiskOperation::Create, path))?;
        Ok(Box::new(SimFile::new(self.clone(), inode, path.to_owned())))
    }

    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        let mut state = self.lock();
        let inode = match state.live.find(path) {
            Ok(inode) => state.begin_read().and_then(|()| state.regular(inode)),
            Err(_) => state.create(path, false),
        };
        let inode = inode.map_err(fail(DiskOperation::Open, path))?;
        Ok(Box::new(SimFile::new(self.clone(), inode, path.to_owned())))
    }

    fn read(&self, path: &Utf8Path, max: u64) -> Result<Vec<u8>, DiskError> {
        let mut state = self.lock();
        let found = state.begin_read().and_then(|()| state.live.find(path));
        let inode = found.and_then(|inode| state.regular(inode)).map_err(fail(DiskOperation::Open, path))?;
        match &state.live.node(inode).content {
            Content::File(bytes) if bytes.len() as u64 <= max => Ok(bytes.to_vec()),
            _ => Err(fail(DiskOperation::Read, path)(std::io::ErrorKind::FileTooLarge.into())),
        }
    }

    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.lock().create(path, true).map(drop).map_err(fail(DiskOperation::CreateDir, path))
    }

    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.lock().remove_file(path).map_err(fail(DiskOperation::RemoveFile, path))
    }

    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.lock().remove_dir(path).map_err(fail(DiskOperation::RemoveDir, path))
    }

    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.lock().rename(from, to, Target::MustBeFree).map_err(fail(DiskOperation::Rename, from))
    }

    fn rename_over(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.lock().rename(from, to, Target::Replaced).map_err(fail(DiskOperation::Rename, from))
    }

    fn exchange(&self, a: &Utf8Path, b: &Utf8Path) -> Result<(), DiskError> {
        self.lock().exchange(a, b).map_err(fail(DiskOperation::Exchange, a))
    }

    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError> {
        self.lock().sync_dir(dir).map_err(fail(DiskOperation::SyncDir, dir))
    }
}

fn fail(operation: DiskOperation, path: &Utf8Path) -> impl FnOnce(std::io::Error) -> DiskError {
    move |source| DiskError { operation, path: path.to_owned(), source }
}

/// Adds a node under a free name.
fn link(state: &mut State, at: Slot, content: &Content) -> usize {
    let inode = state.add_node(content);
    state.make_durable(&Change::Link { at, inode });
    inode
}

/// Adds the folders above `path`; `None` if it has none, or a file is among them.
fn make_parents(state: &mut State, path: &Utf8Path) -> Option<Slot> {
    let parent = path.parent()?;
    if state.live.find(parent).is_err() {
        let at = make_parents(state, parent)?;
        link(state, at, &Content::Dir(BTreeMap::new()));
    }
    let slot = state.live.slot(path).ok()??;
    state.live.entries(slot.dir).ok()?;
    Some(slot)
}
