//! Finding managed assets: by name, by place, by who refers to whom, and all of them in the order of their anchors. None
//! of these looks at more of the workspace than its answer is about, but for the list of all.

use std::sync::Arc;

use crate::anchor::{ParsedAnchor, directory_anchor_in, sidecar_of};
use crate::identity::{AssetId, AssetUuid};
use crate::name::AssetName;
use crate::path::AssetPath;

use super::{AssetRecord, WorkspaceState};

/// A managed asset or an anchor that belongs to none: what a list of assets has in one row.
#[derive(Clone, Copy, Debug)]
pub enum Listed<'a> {
    /// A managed asset.
    Managed(&'a Arc<AssetRecord>),
    /// An anchor on disk that belongs to no managed asset.
    Unregistered(&'a AssetPath, &'a Arc<ParsedAnchor>),
}

impl WorkspaceState {
    /// The managed assets with this name, by uuid: one, or several in conflict.
    pub fn assets_named(&self, name: &AssetName) -> impl Iterator<Item = &Arc<AssetRecord>> {
        self.found.named(name).filter_map(|uuid| self.asset(uuid))
    }

    /// The managed assets with this id, by uuid: one, or several after a merge.
    pub fn assets_with_id(&self, id: AssetId) -> impl Iterator<Item = &Arc<AssetRecord>> {
        self.registry()
            .holders(id)
            .filter_map(|uuid| self.asset(uuid))
            .filter(move |asset| asset.entry.id == id)
    }

    /// The managed assets whose anchor is at `path`, or was accepted there and is missing, or who claim the file there; by
    /// uuid.
    pub fn assets_at(&self, path: &AssetPath) -> Vec<AssetUuid> {
        let mut uuids: Vec<AssetUuid> = self.anchored_at(path).collect();
        if let Ok(sidecar) = sidecar_of(path) {
            uuids.extend(self.anchored_at(&sidecar));
        }
        for folder in path.ancestors().chain([""]) {
            let anchor = directory_anchor_in(folder);
            if let Some((anchor, _)) = self.observation().anchors.get_key_value(anchor.as_str()) {
                uuids.extend(self.anchored_at(anchor));
            }
        }
        uuids.sort();
        uuids.dedup();
        let is_there = |uuid: &AssetUuid| {
            self.asset(*uuid).is_some_and(|asset| {
                asset.anchor().or(asset.entry.anchor()) == Some(path) || asset.inputs().contains(path)
            })
        };
        uuids.retain(is_there);
        uuids
    }

    /// The assets that may have their anchor at `path`: whose uuid stands there, and who were accepted there.
    fn anchored_at(&self, path: &AssetPath) -> impl Iterator<Item = AssetUuid> {
        let standing = self.observation().anchors.get(path).and_then(|parsed| parsed.uuid());
        let accepted = self.found.accepted_at(path.clone());
        standing.into_iter().chain(accepted)
    }

    /// The managed assets that refer to `uuid`, by uuid.
    pub fn referring_to(&self, uuid: AssetUuid) -> impl Iterator<Item = AssetUuid> {
        let name = self.asset(uuid).and_then(|asset| asset.name().cloned());
        let referring = name.into_iter().flat_map(|name| self.found.referring_to(&name).collect::<Vec<_>>());
        let refers = move |other: &AssetUuid| {
            let targets = self.asset(*other).into_iter().flat_map(|other| other.references());
            targets.into_iter().any(|reference| reference.target == Some(uuid))
        };
        referring.filter(refers)
    }

    /// All managed assets in the order of their anchors (the accepted one for what is missing), then the anchors that
    /// belong to none, by path.
    pub fn listed(&self) -> impl Iterator<Item = Listed<'_>> {
        let mut unusual: Vec<&Arc<AssetRecord>> =
            self.found.displaced.iter().filter_map(|(_, uuid)| self.asset(*uuid)).collect();
        let key =
            |asset: &&Arc<AssetRecord>| (asset.anchor().or(asset.entry.anchor()).cloned(), asset.entry.uuid);
        unusual.sort_by_cached_key(key);
        unusual.dedup_by_key(|asset| asset.entry.uuid);
        let mut unusual = unusual.into_iter().peekable();
        // An asset that is simply where it was accepted is met in passing, where its anchor is.
        let mut usual = self.observation().anchors.iter().filter_map(|(path, parsed)| {
            let asset = self.asset(parsed.uuid()?)?;
            let is_usual =
                asset.entry.anchor() == Some(path) && !self.found.is_displaced(path, asset.entry.uuid);
            is_usual.then_some(asset)
        });
        let mut waiting = usual.next();
        let managed = std::iter::from_fn(move || {
            let first = match (&waiting, unusual.peek()) {
                (Some(usual), Some(other)) => key(usual) < key(other),
                (Some(_), None) => true,
                (None, _) => false,
            };
            if first { std::mem::replace(&mut waiting, usual.next()) } else { unusual.next() }
        });
        let others = self.unregistered().map(|(path, parsed)| Listed::Unregistered(path, parsed));
        managed.map(Listed::Managed).chain(others)
    }
}
