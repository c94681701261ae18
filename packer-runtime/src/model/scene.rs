//! What stands in the workspace, read in a way of its own: files as bytes, anchors by a few lines of text, the registry as
//! JSON. Nothing here is shared with the planners, so that a mistake of theirs is not repeated.
//!
//! It knows only what the steps of the model write: the kinds `rec` and `set`, and anchors without tables in one line.

use std::collections::{BTreeMap, BTreeSet};

use packer_domain::identity::Digest;
use packer_domain::mutation::{FilesystemMutation, KeptFile, MutationPlan, RegistryMutation};
use packer_domain::registry::{BuildParticipation, EntryState, RegistryEntry};
use packer_fs::disk::sim::{SimDisk, SimNode};
use packer_fs::journal::kept_path;
use packer_fs::layout;

/// Files below the assets root, by path.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// A line of the registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub uuid: String,
    pub id: u64,
    /// None for one that is retired.
    pub anchor: Option<String>,
    pub included: bool,
}

impl Line {
    fn of(entry: &RegistryEntry) -> Self {
        let (anchor, included) = match &entry.state {
            EntryState::Live { anchor, build } => {
                (Some(anchor.to_string()), *build == BuildParticipation::Included)
            }
            EntryState::Retired => (None, false),
        };
        let id = entry.id.to_string().parse().unwrap();
        Self { uuid: entry.uuid.to_string(), id, anchor, included }
    }

    fn parse(text: &str) -> Self {
        let line: serde_json::Value = serde_json::from_str(text).unwrap();
        let anchor = line["anchor"].as_str().map(str::to_owned);
        assert_eq!(anchor.is_none(), line["retired"] == true, "{text}");
        Self {
            uuid: line["uuid"].as_str().unwrap().to_owned(),
            id: line["id"].as_u64().unwrap(),
            anchor,
            included: line["build"] == "included",
        }
    }

    /// As it stands in the file.
    pub(super) fn text(&self) -> String {
        let Self { uuid, id, anchor, included } = self;
        let build = if *included { "included" } else { "excluded" };
        match anchor {
            Some(anchor) => {
                format!("{{\"id\":{id},\"uuid\":\"{uuid}\",\"anchor\":\"{anchor}\",\"build\":\"{build}\"}}")
            }
            None => format!("{{\"id\":{id},\"uuid\":\"{uuid}\",\"retired\":true}}"),
        }
    }
}

/// What an anchor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub uuid: String,
    pub name: String,
    pub kind: String,
    /// Everything else that it says, by key, as written.
    pub values: BTreeMap<String, String>,
    pub comments: Vec<String>,
}

impl Anchor {
    /// `None` for one that is not valid.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut values = BTreeMap::new();
        let mut comments = Vec::new();
        for line in std::str::from_utf8(bytes).ok()?.lines() {
            if let Some(comment) = line.strip_prefix('#') {
                comments.push(comment.to_owned());
            } else if let Some((key, value)) = line.split_once('=') {
                values.insert(key.trim().to_owned(), value.trim().to_owned());
            }
        }
        let mut word = |key: &str| Some(values.remove(key)?.strip_prefix('"')?.strip_suffix('"')?.to_owned());
        let (uuid, name, kind) = (word("uuid")?, word("name")?, word("kind")?);
        Some(Self { uuid, name, kind, values, comments })
    }

    /// The name that it refers to.
    pub(super) fn to(&self) -> Option<&str> {
        Some(self.values.get("to")?.trim_matches('"')).filter(|to| !to.is_empty())
    }
}

/// Whether a path is an anchor's.
pub(super) fn is_anchor(path: &str) -> bool {
    path.ends_with(".asset.toml") || path == "asset.toml" || path.ends_with("/asset.toml")
}

/// What an anchor stands for: a source, or a folder.
pub(super) fn subject(anchor: &str) -> (&str, bool) {
    match anchor.strip_suffix(".asset.toml") {
        Some(source) => (source, false),
        None => (anchor.strip_suffix("/asset.toml").unwrap_or(""), true),
    }
}

/// The workspace at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scene {
    pub files: Files,
    pub folders: BTreeSet<String>,
    pub lines: BTreeSet<Line>,
}

impl Scene {
    /// What programs see on the disk.
    pub(super) fn of(disk: &SimDisk) -> Self {
        let (mut files, mut folders, mut lines) = (Files::new(), BTreeSet::new(), BTreeSet::new());
        for (path, node) in disk.tree() {
            match (path.as_str().strip_prefix("assets/"), node) {
                (Some(path), SimNode::File(bytes)) => drop(files.insert(path.to_owned(), bytes.to_vec())),
                (Some(path), SimNode::Dir) => drop(folders.insert(path.to_owned())),
                (None, SimNode::File(bytes)) if path == layout::REGISTRY => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    lines = text.lines().skip(1).map(Line::parse).collect();
                }
                (_, _) => {}
            }
        }
        Self { files, folders, lines }
    }

    /// What the workspace becomes by carrying out a plan, whose kept files are on `disk`.
    pub(super) fn with(&self, plan: &MutationPlan, disk: &SimDisk) -> Self {
        let mut after = self.clone();
        let mut put: Vec<(String, Vec<u8>)> = Vec::new();
        let mut created: Vec<String> = Vec::new();
        let bytes_at = |path: &str| self.files.get(path).cloned().unwrap_or_else(|| panic!("no {path}"));
        for step in &plan.filesystem_mutations {
            let at = step.path().to_string();
            match step {
                FilesystemMutation::Create { contents, .. } => {
                    created.push(at.clone());
                    put.push((at, contents.clone().into_bytes()));
                }
                FilesystemMutation::Edit { contents, .. } => put.push((at, contents.clone().into_bytes())),
                FilesystemMutation::Copy { from, .. } => put.push((at, bytes_at(from.as_str()))),
                FilesystemMutation::Move { from, .. } => {
                    put.push((at, bytes_at(from.as_str())));
                    after.files.remove(from.as_str());
                }
                FilesystemMutation::ToHistory { .. } => {
                    assert!(after.files.remove(&at).is_some(), "{at} goes to the history and is not there");
                }
                FilesystemMutation::Restore { kept, digest, .. } => {
                    let bytes = kept_bytes(disk, *kept);
                    assert_eq!(Digest::of(&bytes), *digest, "what is kept of {at} is something else");
                    put.push((at, bytes));
                }
                FilesystemMutation::MakeDir { .. } => drop(after.folders.insert(at)),
                FilesystemMutation::RemoveDir { .. } => drop(after.folders.remove(&at)),
            }
        }
        // What stood there may have gone to the history in the same plan.
        for path in created {
            assert!(!after.files.contains_key(&path), "{path} is created over what stands there");
        }
        after.files.extend(put);
        for change in &plan.registry_mutations {
            let (gone, come) = match change {
                RegistryMutation::Insert { entry } => (None, Some(Line::of(entry))),
                RegistryMutation::Update { before, after } => (Some(Line::of(before)), Some(Line::of(after))),
                RegistryMutation::Retire { before } => {
                    let line = Line::of(before);
                    let retired = Line { anchor: None, included: false, ..line.clone() };
                    (Some(line), Some(retired))
                }
                RegistryMutation::Delete { entry } => (Some(Line::of(entry)), None),
            };
            if let Some(gone) = gone {
                assert!(after.lines.remove(&gone), "there is no line {gone:?}");
            }
            after.lines.extend(come);
        }
        after
    }

    /// Every anchor that is valid, by path.
    pub(super) fn anchors(&self) -> BTreeMap<&str, Anchor> {
        let anchors = self.files.iter().filter(|(path, _)| is_anchor(path));
        anchors.filter_map(|(path, bytes)| Some((path.as_str(), Anchor::parse(bytes)?))).collect()
    }

    /// Whether some anchor is not valid.
    pub(super) fn has_invalid_anchor(&self) -> bool {
        self.files.iter().any(|(path, bytes)| is_anchor(path) && Anchor::parse(bytes).is_none())
    }

    /// The lines of one asset.
    pub(super) fn lines_of<'s>(&'s self, uuid: &'s str) -> impl Iterator<Item = &'s Line> {
        self.lines.iter().filter(move |line| line.uuid == uuid)
    }

    /// The one line of an asset that is live.
    pub(super) fn live(&self, uuid: &str) -> Option<&Line> {
        let mut lines = self.lines.iter().filter(|line| line.uuid == uuid);
        let line = lines.next().filter(|line| line.anchor.is_some())?;
        lines.next().is_none().then_some(line)
    }

    /// The accepted anchor of an asset, if it stands there and nowhere else.
    pub(super) fn anchor_of(&self, uuid: &str) -> Option<(&str, Anchor)> {
        let accepted = self.live(uuid)?.anchor.as_deref()?;
        let mut at = self.anchors().into_iter().filter(|(_, anchor)| anchor.uuid == uuid);
        let (path, anchor) = at.next()?;
        (at.next().is_none() && path == accepted).then_some((accepted, anchor))
    }

    /// The files that the anchor at `path` claims.
    pub(super) fn inputs<'s>(&'s self, anchor: &'s str) -> impl Iterator<Item = &'s String> {
        let (subject, is_folder) = subject(anchor);
        self.files.keys().filter(move |path| {
            let below = || path.strip_prefix(subject).and_then(|rest| rest.strip_prefix('/'));
            if is_folder {
                below().is_some_and(|rest| !rest.contains('/') && extension(rest) == "frm")
            } else {
                *path == subject
            }
        })
    }

    /// What diverges, by code and by the asset or, where no asset is meant, the path; of the codes that this knows.
    pub(super) fn divergences(&self) -> BTreeSet<(&'static str, String)> {
        let anchors = self.anchors();
        let mut found = BTreeSet::new();
        let mut by_uuid: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (path, anchor) in &anchors {
            by_uuid.entry(&anchor.uuid).or_default().push(path);
        }
        let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut ids: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for line in &self.lines {
            ids.entry(line.id).or_default().insert(&line.uuid);
            if self.lines_of(&line.uuid).count() > 1 {
                found.insert(("registry/duplicate-entry", line.uuid.clone()));
                continue;
            }
            let Some(accepted) = line.anchor.as_deref() else { continue };
            let at = by_uuid.get(line.uuid.as_str()).map_or(&[][..], Vec::as_slice);
            let stands_invalid = self.files.contains_key(accepted) && !anchors.contains_key(accepted);
            if stands_invalid {
                found.insert(("anchor/invalid", line.uuid.clone()));
            }
            match at {
                [] if stands_invalid => {}
                [] => drop(found.insert(("anchor/missing", line.uuid.clone()))),
                [only] if *only == accepted => {}
                [_] => drop(found.insert(("anchor/moved", line.uuid.clone()))),
                // Said below.
                [_, _, ..] => {}
            }
            // Its name is what its anchor says where it was accepted, or else at the one place where it is.
            let place =
                at.iter().find(|path| **path == accepted).or(if at.len() == 1 { at.first() } else { None });
            if let Some(path) = place {
                names.entry(&anchors[path].name).or_default().insert(&line.uuid);
            }
        }
        for (uuid, _) in by_uuid.iter().filter(|(_, at)| at.len() > 1) {
            found.insert(("anchor/duplicate-uuid", (*uuid).to_owned()));
        }
        for uuids in names.values().filter(|uuids| uuids.len() > 1) {
            found.extend(uuids.iter().map(|uuid| ("name/conflict", (*uuid).to_owned())));
        }
        for uuids in ids.values().filter(|uuids| uuids.len() > 1) {
            found.extend(uuids.iter().map(|uuid| ("registry/duplicate-id", (*uuid).to_owned())));
        }
        let accepted: BTreeSet<&String> = self.lines.iter().filter_map(|line| line.anchor.as_ref()).collect();
        for path in self.files.keys().filter(|path| is_anchor(path)) {
            let is_managed = match anchors.get(path.as_str()) {
                Some(anchor) => self.lines_of(&anchor.uuid).any(|line| line.anchor.is_some()),
                None => accepted.contains(path),
            };
            if !is_managed {
                found.insert(("anchor/unregistered", path.clone()));
            }
        }
        found
    }

    /// Whether an asset that builds take refers to one that they do not.
    pub(super) fn refers_to_excluded(&self) -> bool {
        let anchors = self.anchors();
        let is_included = |anchor: &Anchor| self.live(&anchor.uuid).is_some_and(|line| line.included);
        let excluded: BTreeSet<&str> = anchors
            .values()
            .filter(|anchor| !is_included(anchor))
            .map(|anchor| anchor.name.as_str())
            .collect();
        let mut included = anchors.values().filter(|anchor| is_included(anchor));
        included.any(|anchor| anchor.to().is_some_and(|to| excluded.contains(to)))
    }

    /// Whether the registry and the files agree on everything, sources and references included.
    pub(super) fn is_sound(&self) -> bool {
        let anchors = self.anchors();
        let names: BTreeSet<&str> = anchors.values().map(|anchor| anchor.name.as_str()).collect();
        let has_sources = |path: &&str| self.inputs(path).next().is_some();
        let refers = |anchor: &Anchor| anchor.to().is_none_or(|to| names.contains(to) && to != anchor.name);
        self.divergences().is_empty()
            && !self.has_invalid_anchor()
            && names.len() == anchors.len()
            && anchors.keys().all(has_sources)
            && anchors.values().all(refers)
    }
}

fn kept_bytes(disk: &SimDisk, kept: KeptFile) -> Vec<u8> {
    let path = kept_path(kept);
    match disk.tree().get(&path) {
        Some(SimNode::File(bytes)) => bytes.to_vec(),
        other => panic!("{path} is {other:?}"),
    }
}

/// What follows the last dot.
fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}
