//! Which source files each anchor claims.
//!
//! A sidecar claims the file it stands beside. A directory asset claims what its patterns match below its folder,
//! which are never anchors, and without the folders of directory assets further in: those are cut out.

use std::collections::{BTreeMap, BTreeSet};

use crate::anchor::{AnchorForm, anchor_form, sidecar_of};
use crate::observation::Observation;
use crate::path::AssetPath;

use super::paths::Unread;

/// The files that the anchors of an observation claim.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// By anchor: the files it claims, by path bytes. Anchors that declare nothing valid claim nothing.
    pub by_anchor: BTreeMap<AssetPath, Vec<AssetPath>>,
    /// By file: the anchors that claim it, where there are two or more.
    pub shared: BTreeMap<AssetPath, Vec<AssetPath>>,
    /// Files that are no anchor and that no anchor claims.
    pub unclaimed: Vec<AssetPath>,
    /// The folders of directory assets.
    asset_folders: BTreeSet<String>,
}

impl Claims {
    /// Whether a folder between `folder` and `path` is a directory asset of its own.
    pub(super) fn is_cut_out(&self, path: &AssetPath, folder: Option<&AssetPath>) -> bool {
        is_cut_out(path, folder, &self.asset_folders)
    }
}

pub(super) fn claims(observation: &Observation) -> Claims {
    let asset_folders: BTreeSet<String> = observation
        .anchors
        .keys()
        .filter(|path| matches!(anchor_form(path), Some(AnchorForm::Directory { .. })))
        .filter_map(|path| path.as_str().rsplit_once('/').map(|(folder, _)| folder.to_owned()))
        .collect();

    let mut by_anchor = BTreeMap::new();
    let mut claimants: BTreeMap<AssetPath, Vec<AssetPath>> = BTreeMap::new();
    for (anchor, parsed) in &observation.anchors {
        let inputs: Vec<AssetPath> = match (anchor_form(anchor), &parsed.declaration) {
            (Some(AnchorForm::Sidecar { input }), _) => {
                // Also an invalid sidecar holds on to its file: it is not free for adoption.
                if observation.files.contains_key(&input) { vec![input] } else { Vec::new() }
            }
            (Some(AnchorForm::Directory { folder }), Some(declaration)) => observation
                .files_below(folder.as_ref())
                .map(|(path, _)| path)
                .filter(|path| !is_cut_out(path, folder.as_ref(), &asset_folders))
                .filter(|path| declaration.inputs.matches(path))
                .cloned()
                .collect(),
            (Some(AnchorForm::Directory { .. }), None) | (None, _) => Vec::new(),
        };
        for input in &inputs {
            claimants.entry(input.clone()).or_default().push(anchor.clone());
        }
        by_anchor.insert(anchor.clone(), inputs);
    }

    let unread = Unread::of(observation);
    let unclaimed = observation
        .files
        .keys()
        .filter(|path| !observation.anchors.contains_key(*path) && !claimants.contains_key(*path))
        // So does a sidecar that could not be read.
        .filter(|path| !sidecar_of(path).is_ok_and(|sidecar| unread.covers(&sidecar)))
        .cloned()
        .collect();
    claimants.retain(|_, anchors| anchors.len() > 1);
    Claims { by_anchor, shared: claimants, unclaimed, asset_folders }
}

fn is_cut_out(path: &AssetPath, folder: Option<&AssetPath>, asset_folders: &BTreeSet<String>) -> bool {
    let depth = folder.map_or(0, |folder| folder.as_str().len());
    path.ancestors()
        .take_while(|ancestor| ancestor.len() > depth)
        .any(|ancestor| asset_folders.contains(ancestor))
}
