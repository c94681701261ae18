//! `Tree`: a whole simulated filesystem as one cheaply cloned value, and `Change`, one effect on it.
//!
//! The same [`Tree::apply`] makes a change visible to programs, makes it durable, and replays it after a power cut.
//! In the last case the changes before it may be missing: a change that then makes no sense does nothing, and says so.
//!
//! Nodes are never reused or collected: a tree lives as long as a test.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use crate::disk::{EntryKind, Stat};

/// A node's place in the tree. The inode that programs see is one more.
pub(super) type Inode = usize;

/// The project's folder.
pub(super) const ROOT: Inode = 0;

/// The most bytes of one simulated file: a wrong position must not exhaust the machine.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 28;

#[derive(Clone, Debug)]
pub(super) enum Content {
    File(Arc<Vec<u8>>),
    Dir(BTreeMap<Arc<str>, Inode>),
    Link,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) mtime_ns: i64,
    pub(super) ctime_ns: i64,
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) dir: Inode,
    pub(super) name: Arc<str>,
}

/// One effect of an operation on the tree.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { inode: Inode, offset: u64, bytes: Arc<[u8]> },
    SetLen { inode: Inode, len: u64 },
    Link { at: Slot, inode: Inode },
    Unlink { at: Slot, inode: Inode },
    Rename { from: Slot, to: Slot, inode: Inode },
    Exchange { a: Slot, b: Slot, inodes: [Inode; 2] },
}

impl Change {
    /// The file whose contents it changes, if it changes contents.
    pub(super) fn data_of(&self) -> Option<Inode> {
        match self {
            Self::Write { inode, .. } | Self::SetLen { inode, .. } => Some(*inode),
            _ => None,
        }
    }

    /// The one or two names it changes; none if it changes contents.
    pub(super) fn slots(&self) -> [Option<&Slot>; 2] {
        match self {
            Self::Write { .. } | Self::SetLen { .. } => [None, None],
            Self::Link { at, .. } | Self::Unlink { at, .. } => [Some(at), None],
            Self::Rename { from, to, .. } => [Some(from), Some(to)],
            Self::Exchange { a, b, .. } => [Some(a), Some(b)],
        }
    }

    fn moved(&self) -> [Option<Inode>; 2] {
        match self {
            Self::Write { .. } | Self::SetLen { .. } => [None, None],
            Self::Link { inode, .. } | Self::Unlink { inode, .. } | Self::Rename { inode, .. } => {
                [Some(*inode), None]
            }
            Self::Exchange { inodes, .. } => inodes.map(Some),
        }
    }

    /// Whether this change of names builds on an `earlier` one: it is about the same node or the same name, or it removes
    /// a folder that the earlier one helped to empty.
    pub(super) fn builds_on(&self, earlier: &Self) -> bool {
        let shares =
            |a: Option<Inode>, b: [Option<Inode>; 2]| a.is_some_and(|a| b.iter().flatten().any(|b| *b == a));
        self.moved().into_iter().any(|inode| shares(inode, earlier.moved()))
            || self.slots().iter().flatten().any(|slot| earlier.slots().iter().flatten().any(|e| e == slot))
            || matches!(self, Self::Unlink { inode, .. }
                if earlier.slots().iter().flatten().any(|slot| slot.dir == *inode))
    }

    /// Whether both change the same bytes of the same file, as far as that can matter.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Write { inode: a, offset: ao, bytes: ab },
                Self::Write { inode: b, offset: bo, bytes: bb },
            ) => a == b && *ao < bo + bb.len() as u64 && *bo < ao + ab.len() as u64,
            _ => self.data_of().is_some() && self.data_of() == other.data_of(),
        }
    }

    /// Whether it can reach the disk in part.
    pub(super) fn can_tear(&self) -> bool {
        matches!(self, Self::Write { bytes, .. } if bytes.len() > 1)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Arc<Node>>,
}

impl Tree {
    /// An empty root.
    pub(super) fn new(time_ns: i64) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        tree.add(Content::Dir(BTreeMap::new()), time_ns);
        tree
    }

    /// Adds a node that no name leads to yet.
    pub(super) fn add(&mut self, content: Content, time_ns: i64) -> Inode {
        self.nodes.push(Arc::new(Node { content, mtime_ns: time_ns, ctime_ns: time_ns }));
        self.nodes.len() - 1
    }

    pub(super) fn node(&self, inode: Inode) -> &Arc<Node> {
        &self.nodes[inode]
    }

    pub(super) fn set_node(&mut self, inode: Inode, node: Arc<Node>) {
        self.nodes[inode] = node;
    }

    pub(super) fn node_mut(&mut self, inode: Inode) -> &mut Node {
        Arc::make_mut(&mut self.nodes[inode])
    }

    pub(super) fn stat(&self, inode: Inode) -> Stat {
        let node = self.node(inode);
        let (kind, size) = match &node.content {
            Content::File(bytes) => (EntryKind::File, bytes.len() as u64),
            Content::Dir(_) => (EntryKind::Dir, 0),
            Content::Link => (EntryKind::Symlink, 0),
        };
        let Node { mtime_ns, ctime_ns, .. } = **node;
        Stat { kind, size, mtime_ns, ctime_ns, inode: inode as u64 + 1, device: 1 }
    }

    pub(super) fn entries(&self, dir: Inode) -> io::Result<&BTreeMap<Arc<str>, Inode>> {
        match &self.node(dir).content {
            Content::Dir(entries) => Ok(entries),
            Content::File(_) | Content::Link => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn at(&self, slot: &Slot) -> Option<Inode> {
        self.entries(slot.dir).ok()?.get(&slot.name).copied()
    }

    /// What stands at `path`.
    pub(super) fn find(&self, path: &Utf8Path) -> io::Result<Inode> {
        match self.slot(path)? {
            None => Ok(ROOT),
            Some(slot) => self.at(&slot).ok_or_else(|| io::ErrorKind::NotFound.into()),
        }
    }

    /// The name that `path` ends in, in its folder, which exists; `None` for the root.
    pub(super) fn slot(&self, path: &Utf8Path) -> io::Result<Option<Slot>> {
        let mut above = Vec::new();
        let mut dir = ROOT;
        let mut segments = path.as_str().split('/').filter(|s| !matches!(*s, "" | ".")).peekable();
        while let Some(segment) = segments.next() {
            let entries = self.entries(dir)?;
            if segment == ".." {
                dir = above.pop().unwrap_or(ROOT);
            } else if segments.peek().is_none() {
                return Ok(Some(Slot { dir, name: segment.into() }));
            } else {
                above.push(dir);
                dir = *entries.get(segment).ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(None)
    }

    /// Whether `inode` is `dir` or somewhere below it.
    pub(super) fn is_within(&self, inode: Inode, dir: Inode) -> bool {
        let mut open = vec![dir];
        while let Some(below) = open.pop() {
            if below == inode {
                return true;
            }
            if let Content::Dir(entries) = &self.node(below).content {
                open.extend(entries.values());
            }
        }
        false
    }

    /// Whether the change would move something that a path leads to into a folder that none leads to, because the folder's
    /// creation was lost, or is not durable yet.
    pub(super) fn strands(&self, change: &Change) -> bool {
        match change.slots() {
            [Some(a), Some(b)] if a.dir != b.dir => {
                self.is_within(a.dir, ROOT) != self.is_within(b.dir, ROOT)
            }
            _ => false,
        }
    }

    /// Whether it is a folder with something in it.
    pub(super) fn is_full_dir(&self, inode: Inode) -> bool {
        matches!(&self.node(inode).content, Content::Dir(entries) if !entries.is_empty())
    }

    /// Makes a change, or does nothing and returns `false` if it makes no sense in this tree: what it moves or removes is
    /// not there, or it would take the place of a folder with something in it, or put a folder into itself, or something into a folder that is not there. A torn write
    /// is made for its first half.
    pub(super) fn apply(&mut self, change: &Change, time_ns: i64, torn: bool) -> bool {
        if self.strands(change) {
            return false;
        }
        match change {
            Change::Write { inode, offset, bytes } => {
                let bytes = if torn { &bytes[..bytes.len() / 2] } else { bytes };
                self.edit(*inode, time_ns, |content| {
                    let (start, end) = (*offset as usize, *offset as usize + bytes.len());
                    if content.len() < end {
                        content.resize(end, 0);
                    }
                    content[start..end].copy_from_slice(bytes);
                })
            }
            Change::SetLen { inode, len } => {
                self.edit(*inode, time_ns, |content| content.resize(*len as usize, 0))
            }
            Change::Link { at, inode } => {
                let free = self.can_take(at);
                if free {
                    self.set(at, Some(*inode), time_ns);
                }
                free
            }
            Change::Unlink { at, inode } => {
                let there = self.at(at) == Some(*inode) && !self.is_full_dir(*inode);
                if there {
                    self.set(at, None, time_ns);
                }
                there
            }
            Change::Rename { from, to, inode } => {
                let sensible =
                    self.at(from) == Some(*inode) && self.can_take(to) && self.can_hold(to, *inode);
                if sensible {
                    self.set(from, None, time_ns);
                    self.set(to, Some(*inode), time_ns);
                    self.node_mut(*inode).ctime_ns = time_ns;
                }
                sensible
            }
            Change::Exchange { a, b, inodes: [at_a, at_b] } => {
                let sensible = self.at(a) == Some(*at_a)
                    && self.at(b) == Some(*at_b)
                    && self.can_hold(a, *at_b)
                    && self.can_hold(b, *at_a);
                if sensible {
                    self.set(a, Some(*at_b), time_ns);
                    self.set(b, Some(*at_a), time_ns);
                    self.node_mut(*at_a).ctime_ns = time_ns;
                    self.node_mut(*at_b).ctime_ns = time_ns;
                }
                sensible
            }
        }
    }

    /// Calls `visit` with each node from `top` down and its path below `top`.
    fn walk(&self, top: Inode, visit: &mut dyn FnMut(Inode, &Node, &Utf8Path)) {
        let mut open = vec![(top, Utf8PathBuf::new())];
        while let Some((inode, path)) = open.pop() {
            let node = self.node(inode);
            visit(inode, node, &path);
            if let Content::Dir(entries) = &node.content {
                open.extend(entries.iter().rev().map(|(name, inode)| (*inode, path.join(&**name))));
            }
        }
    }

    /// Calls `visit` with everything that a path leads to, folders before what is in them, by name.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(Inode, &Node, &Utf8Path)) {
        self.walk(ROOT, visit);
    }

    /// Whether a path leads to each node.
    pub(super) fn reachable(&self) -> Vec<bool> {
        let mut reachable = vec![false; self.nodes.len()];
        let mut open = vec![ROOT];
        while let Some(inode) = open.pop() {
            reachable[inode] = true;
            if let Content::Dir(entries) = &self.node(inode).content {
                open.extend(entries.values());
            }
        }
        reachable
    }

    /// Bytes in the files that a path leads to.
    pub(super) fn bytes(&self) -> u64 {
        let mut sum = 0;
        self.visit(&mut |_, node, _| {
            if let Content::File(bytes) = &node.content {
                sum += bytes.len() as u64;
            }
        });
        sum
    }

    /// A hash of all names and contents; of no times and no inodes.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut open = vec![ROOT];
        while let Some(inode) = open.pop() {
            match &self.node(inode).content {
                Content::File(bytes) => (0_u8, bytes).hash(&mut hasher),
                Content::Link => 1_u8.hash(&mut hasher),
                Content::Dir(entries) => {
                    (2_u8, entries.len()).hash(&mut hasher);
                    for (name, inode) in entries {
                        name.hash(&mut hasher);
                        open.push(*inode);
                    }
                }
            }
        }
        hasher.finish()
    }

    fn edit(&mut self, inode: Inode, time_ns: i64, edit: impl FnOnce(&mut Vec<u8>)) -> bool {
        let node = self.node_mut(inode);
        let Content::File(content) = &mut node.content else { return false };
        edit(Arc::make_mut(content));
        node.mtime_ns = time_ns;
        node.ctime_ns = time_ns;
        true
    }

    fn can_take(&self, slot: &Slot) -> bool {
        self.at(slot).is_none_or(|inode| !self.is_full_dir(inode))
    }

    fn can_hold(&self, slot: &Slot, inode: Inode) -> bool {
        !matches!(self.node(inode).content, Content::Dir(_)) || !self.is_within(slot.dir, inode)
    }

    fn set(&mut self, slot: &Slot, inode: Option<Inode>, time_ns: i64) {
        let node = self.node_mut(slot.dir);
        node.mtime_ns = time_ns;
        node.ctime_ns = time_ns;
        if let Content::Dir(entries) = &mut node.content {
            match inode {
                Some(inode) => entries.insert(slot.name.clone(), inode),
                None => entries.remove(&slot.name),
            };
        }
    }
}
