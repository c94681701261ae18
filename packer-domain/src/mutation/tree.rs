//! The files of a plan in the making: what is to stand where, over what stands there now. Steps of one plan compose here,
//! and only the difference in the end is what the plan does to the disk.
//!
//! Whether a step may be taken is decided by the planners.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::anchor::{anchor_form, parse_anchor};
use crate::diff::unified_diff;
use crate::identity::Digest;
use crate::observation::{FileFact, Observation};
use crate::path::AssetPath;
use crate::workspace::WorkspaceState;

use super::look::{Contents, KeptFile, PathState};
use super::plan::FilesystemMutation;

/// What is to stand at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Nothing.
    Absent,
    /// The file that stands at this path now.
    Original(AssetPath),
    /// A copy of it.
    Copy(AssetPath),
    /// A file with this text.
    Text(String),
    /// A file that the packer keeps.
    Kept { kept: KeptFile, fact: FileFact, text: Option<String> },
}

/// What is to become of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Folder {
    /// It is to be there, also with nothing in it.
    Wanted,
    /// It is to be there for what comes into it, and not made if all of that leaves again.
    Needed,
    /// It is not to be there.
    Gone,
}

/// Changes of files and folders.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<AssetPath, Node>,
    folders: BTreeMap<AssetPath, Folder>,
    /// What changed in this step: what the state that the step finds does not have.
    unseen: BTreeSet<AssetPath>,
}

impl Tree {
    /// What is to stand at `path`; `None` where nothing was decided.
    pub(super) fn node(&self, path: &AssetPath) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Puts something at `path`, or takes away what stands there.
    pub(super) fn put(&mut self, path: &AssetPath, node: Node) {
        self.nodes.insert(path.clone(), node);
        self.unseen.insert(path.clone());
    }

    /// Takes away what stands at `path`, for putting it elsewhere.
    pub(super) fn take(&mut self, path: &AssetPath) -> Node {
        let node = self.nodes.get(path).cloned().unwrap_or_else(|| Node::Original(path.clone()));
        self.put(path, Node::Absent);
        node
    }

    /// Makes or removes a folder.
    pub(super) fn put_folder(&mut self, path: &AssetPath, is_there: bool) {
        self.folders.insert(path.clone(), if is_there { Folder::Wanted } else { Folder::Gone });
        self.unseen.insert(path.clone());
    }

    /// Makes a folder for what is put into it.
    pub(super) fn need_folder(&mut self, path: &AssetPath) {
        if self.folder(path) != Some(true) {
            self.folders.insert(path.clone(), Folder::Needed);
            self.unseen.insert(path.clone());
        }
    }

    /// Whether it was decided that a folder is to be there, or not to be.
    pub(super) fn folder(&self, path: &AssetPath) -> Option<bool> {
        self.folders.get(path).map(|folder| *folder != Folder::Gone)
    }

    /// Whether something comes to stand below `folder`.
    fn is_used(&self, folder: &AssetPath) -> bool {
        let from = format!("{folder}/");
        let below = self.nodes.range::<str, _>((Bound::Excluded(from.as_str()), Bound::Unbounded));
        let below = below.take_while(|(path, _)| path.as_str().starts_with(&from));
        below.into_iter().any(|(_, node)| *node != Node::Absent)
    }

    /// Begins another step, which finds everything that was decided so far.
    pub(super) fn begin_step(&mut self) {
        self.unseen.clear();
    }

    /// What the step finds, `now`, with what changed in it; `base` is the observation of what stands there in truth.
    pub(super) fn observe(&self, now: &WorkspaceState, base: &Observation, found: &Contents) -> Observation {
        let mut observation = now.observation().clone();
        for path in &self.unseen {
            if let Some(is_there) = self.folder(path) {
                if is_there {
                    observation.folders.insert(path.clone());
                } else {
                    observation.folders.remove(path);
                }
            }
            let Some(node) = self.nodes.get(path) else { continue };
            let fact = match node {
                Node::Absent => None,
                Node::Original(from) | Node::Copy(from) => base.files.get(from).copied(),
                Node::Text(text) => Some(fact_of(text)),
                Node::Kept { fact, .. } => Some(*fact),
            };
            observation.anchors.remove(path);
            let Some(fact) = fact else {
                observation.files.remove(path);
                continue;
            };
            observation.files.insert(path.clone(), fact);
            for folder in path.ancestors().filter_map(|folder| AssetPath::parse(folder).ok()) {
                observation.folders.insert(folder);
            }
            if anchor_form(path).is_some()
                && let Some(bytes) = bytes_of(node, found)
            {
                let file = now.project_path(path);
                let parsed = parse_anchor(bytes, path, &file, now.kinds());
                observation.anchors.insert(path.clone(), Arc::new(parsed));
            }
        }
        observation
    }

    /// What it does to the disk, by path.
    pub(super) fn effects(&self, base: &WorkspaceState, found: &Contents) -> Vec<FilesystemMutation> {
        let files = &base.observation().files;
        // A file to whose place a copy of it comes stays there, and what goes elsewhere is the copy.
        let stays = |path: &AssetPath| matches!(self.nodes.get(path), Some(Node::Copy(from)) if from == path);
        let elsewhere = self.nodes.iter().filter_map(|(path, node)| match node {
            Node::Original(from) if from != path && !stays(from) => Some(from),
            _ => None,
        });
        let moved: BTreeSet<&AssetPath> = elsewhere.collect();
        let mut effects = Vec::new();
        for (path, node) in &self.nodes {
            // What stands here and goes nowhere else.
            let mut leaves = files.get(path).copied().filter(|_| !moved.contains(path));
            let placed = match node {
                Node::Absent => None,
                // Left, and come back to, or a copy of what stood here: nothing changes.
                Node::Original(from) | Node::Copy(from) if from == path => continue,
                Node::Original(from) if !stays(from) => {
                    files.get(from).map(|fact| FilesystemMutation::Move {
                        from: from.clone(),
                        to: path.clone(),
                        digest: fact.digest,
                        size: fact.size,
                    })
                }
                Node::Original(from) | Node::Copy(from) => {
                    files.get(from).map(|fact| FilesystemMutation::Copy {
                        from: from.clone(),
                        to: path.clone(),
                        digest: fact.digest,
                        size: fact.size,
                    })
                }
                Node::Text(_) | Node::Kept { .. } => {
                    let current = leaves.and_then(|_| text_at(path, found));
                    match (current, text_of(node, found)) {
                        (Some(before), Some(after)) => {
                            leaves = None;
                            (before != after).then(|| edit(base, path, &before, after))
                        }
                        (_, after) => Some(place(path, node, after)),
                    }
                }
            };
            if let Some(fact) = leaves {
                let FileFact { digest, size } = fact;
                effects.push(FilesystemMutation::ToHistory { path: path.clone(), digest, size });
            }
            effects.extend(placed);
        }
        let folders = &base.observation().folders;
        for (path, folder) in &self.folders {
            let is_made = match folder {
                Folder::Wanted => true,
                Folder::Needed => self.is_used(path),
                Folder::Gone => false,
            };
            let path = path.clone();
            match (is_made, *folder == Folder::Gone, folders.contains(&path)) {
                (true, _, false) => effects.push(FilesystemMutation::MakeDir { path }),
                (_, true, true) => effects.push(FilesystemMutation::RemoveDir { path }),
                _ => {}
            }
        }
        effects.sort_by(|a, b| a.path().cmp(b.path()));
        effects
    }
}

fn edit(base: &WorkspaceState, path: &AssetPath, before: &str, after: String) -> FilesystemMutation {
    FilesystemMutation::Edit {
        diff: unified_diff(before, &after, &base.project_path(path)),
        before: Digest::of(before.as_bytes()),
        before_size: before.len() as u64,
        after: Digest::of(after.as_bytes()),
        path: path.clone(),
        contents: after,
    }
}

/// A text or a kept file where nothing stands.
fn place(path: &AssetPath, node: &Node, text: Option<String>) -> FilesystemMutation {
    if let Node::Kept { kept, fact, .. } = node {
        let FileFact { digest, size } = *fact;
        return FilesystemMutation::Restore { path: path.clone(), kept: *kept, digest, size };
    }
    let contents = text.unwrap_or_default();
    FilesystemMutation::Create { after: Digest::of(contents.as_bytes()), path: path.clone(), contents }
}

fn fact_of(text: &str) -> FileFact {
    FileFact { size: text.len() as u64, digest: Digest::of(text.as_bytes()) }
}

/// The bytes of a node, where they are known.
fn bytes_of<'a>(node: &'a Node, found: &'a Contents) -> Option<&'a [u8]> {
    match node {
        Node::Absent => None,
        Node::Original(from) | Node::Copy(from) => bytes_at(from, found),
        Node::Text(text) => Some(text.as_bytes()),
        Node::Kept { text, .. } => text.as_deref().map(str::as_bytes),
    }
}

/// The text of a node, where it is known.
pub(super) fn text_of(node: &Node, found: &Contents) -> Option<String> {
    bytes_of(node, found).and_then(text)
}

/// The text that stands at `path` now, where all of it was looked at.
pub(super) fn text_at(path: &AssetPath, found: &Contents) -> Option<String> {
    bytes_at(path, found).and_then(text)
}

fn bytes_at<'a>(path: &AssetPath, found: &'a Contents) -> Option<&'a [u8]> {
    match found.get(path)? {
        PathState::File { digest: Some(_), bytes } => Some(bytes),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    str::from_utf8(bytes).ok().map(str::to_owned)
}
