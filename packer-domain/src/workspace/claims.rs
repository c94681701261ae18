//! Which source files each anchor claims.
//!
//! A sidecar claims the file it stands beside. A directory asset claims what its patterns match below its folder,
//! which are never anchors, and without the folders of directory assets further in: those are cut out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::anchor::{ParsedAnchor, is_directory_anchor, sidecar_input, sidecar_of};
use crate::observation::Observation;
use crate::path::AssetPath;

use super::paths::Unread;
use super::record::Inputs;

/// The files that the anchors of an observation claim.
pub(super) struct Claims<'a> {
    /// All anchors, by path bytes.
    pub anchors: Vec<Claimant<'a>>,
    /// By file: the anchors that claim it, where there are two or more.
    pub shared: BTreeMap<AssetPath, Vec<AssetPath>>,
    /// Files that are no anchor and that no anchor claims.
    pub unclaimed: Vec<AssetPath>,
    /// The folders of directory assets.
    asset_folders: BTreeSet<&'a str>,
}

/// An anchor and what it claims.
pub(super) struct Claimant<'a> {
    pub path: &'a AssetPath,
    pub parsed: &'a Arc<ParsedAnchor>,
    /// The files it claims, by path bytes. A directory asset's that declares nothing valid claims nothing.
    pub inputs: Inputs,
}

/// All files of an observation, and the one anchor that claims each.
struct Files<'a> {
    paths: Vec<&'a AssetPath>,
    owners: Vec<Owner>,
}

#[derive(Clone, Copy)]
struct Owner(u32);

impl Owner {
    const NOBODY: Self = Self(u32::MAX);
    /// It is an anchor itself, and free for none.
    const ITSELF: Self = Self(u32::MAX - 1);
}

impl<'a> Claims<'a> {
    pub(super) fn of(observation: &'a Observation) -> Self {
        let directories = observation.anchors.keys().filter(|path| is_directory_anchor(path));
        let asset_folders: BTreeSet<&str> =
            directories.filter_map(|path| path.as_str().rsplit_once('/').map(|(folder, _)| folder)).collect();
        let mut files = Files {
            paths: observation.files.keys().collect(),
            owners: vec![Owner::NOBODY; observation.files.len()],
        };
        let mut anchors: Vec<Claimant<'_>> = Vec::with_capacity(observation.anchors.len());
        let mut shared: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        // Anchors and files are walked together: both are in order.
        let mut at = 0;
        for (path, parsed) in &observation.anchors {
            while files.paths.get(at).is_some_and(|file| *file < path) {
                at += 1;
            }
            if files.paths.get(at) == Some(&path) && files.owners[at].0 == Owner::NOBODY.0 {
                files.owners[at] = Owner::ITSELF;
            }
            let number = anchors.len() as u32;
            let inputs = if let Some(input) = sidecar_input(path) {
                // Also an invalid sidecar holds on to its file: it is not free for adoption.
                match files.position_before(at, input) {
                    Some(file) => {
                        files.claim(file, number, &mut shared);
                        Inputs::One(files.paths[file].clone())
                    }
                    None => Inputs::NONE,
                }
            } else if let Some(declaration) = parsed.declaration().filter(|_| is_directory_anchor(path)) {
                let folder = path.parent();
                let claimed: Vec<AssetPath> = observation
                    .files_below(folder.as_ref())
                    .map(|(path, _)| path)
                    .filter(|path| !is_cut_out(path, folder.as_ref(), &asset_folders))
                    .filter(|path| declaration.inputs.matches(path))
                    .cloned()
                    .collect();
                for path in &claimed {
                    if let Some(file) = files.position(path.as_str()) {
                        files.claim(file, number, &mut shared);
                    }
                }
                Inputs::from(claimed)
            } else {
                Inputs::NONE
            };
            anchors.push(Claimant { path, parsed, inputs });
        }
        let unread = Unread::of(observation);
        let unclaimed = files
            .free()
            // So does a sidecar that could not be read.
            .filter(|path| {
                unread.is_empty() || !sidecar_of(path).is_ok_and(|sidecar| unread.covers(&sidecar))
            })
            .cloned()
            .collect();
        let named = |(file, claimants): (usize, Vec<u32>)| {
            let claimants = claimants.into_iter().map(|number| anchors[number as usize].path.clone());
            (files.paths[file].clone(), claimants.collect())
        };
        let shared = shared.into_iter().map(named).collect();
        Self { anchors, shared, unclaimed, asset_folders }
    }

    /// The number of the anchor at `path`.
    pub(super) fn position(&self, path: &AssetPath) -> Option<usize> {
        self.anchors.binary_search_by(|anchor| anchor.path.cmp(path)).ok()
    }

    /// How many files anchors claim.
    pub(super) fn input_count(&self) -> u64 {
        self.anchors.iter().map(|anchor| anchor.inputs.as_slice().len() as u64).sum()
    }

    /// Whether a folder between `folder` and `path` is a directory asset of its own.
    pub(super) fn is_cut_out(&self, path: &AssetPath, folder: Option<&AssetPath>) -> bool {
        is_cut_out(path, folder, &self.asset_folders)
    }
}

impl<'a> Files<'a> {
    /// The files that are no anchor and that nobody claims.
    fn free(&self) -> impl Iterator<Item = &'a AssetPath> {
        let free = self.owners.iter().zip(&self.paths).filter(|(owner, _)| owner.0 == Owner::NOBODY.0);
        free.map(|(_, path)| *path)
    }

    fn position(&self, path: &str) -> Option<usize> {
        self.paths.binary_search_by(|file| file.as_str().cmp(path)).ok()
    }

    /// Where `path` is, which is looked for right before `at` first: what stands between a source and its sidecar begins
    /// with the source's path, and is seldom there.
    fn position_before(&self, at: usize, path: &str) -> Option<usize> {
        const NEAR: usize = 4;
        let near = self.paths[..at].iter().rev().take(NEAR).position(|file| file.as_str() == path);
        near.map(|back| at - 1 - back).or_else(|| self.position(path))
    }

    fn claim(&mut self, file: usize, anchor: u32, shared: &mut BTreeMap<usize, Vec<u32>>) {
        let owner = &mut self.owners[file];
        if owner.0 == Owner::NOBODY.0 || owner.0 == Owner::ITSELF.0 {
            *owner = Owner(anchor);
        } else {
            shared.entry(file).or_insert_with(|| vec![owner.0]).push(anchor);
        }
    }
}

fn is_cut_out(path: &AssetPath, folder: Option<&AssetPath>, asset_folders: &BTreeSet<&str>) -> bool {
    let depth = folder.map_or(0, |folder| folder.as_str().len());
    path.ancestors()
        .take_while(|ancestor| ancestor.len() > depth)
        .any(|ancestor| asset_folders.contains(ancestor))
}
