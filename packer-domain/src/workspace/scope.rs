//! Which part of a workspace a difference concerns: the assets and paths that have to be looked at together, and that
//! nothing outside of them has to do with.
//!
//! A scope belongs to two moments of one workspace, before and after the difference, and is closed in both: an anchor is in
//! it with what it claims and with whoever else claims that; an asset with its lines, its anchors, its name and id, and
//! with all who share those. Whatever is computed of the part alone is what is computed of it in the whole. It may be larger
//! than need be; that costs time and nothing else.
//!
//! Not in its reach are paths that collide and what could not be read, which concern whole folders: `next` evaluates
//! everything where there are any.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::anchor::{
    ParsedAnchor, directory_anchor_in, has_anchor_name, is_directory_anchor, sidecar_input, sidecar_of,
};
use crate::identity::{AssetId, AssetUuid};
use crate::name::AssetName;
use crate::observation::Observation;
use crate::path::AssetPath;
use crate::registry::Registry;

use super::evaluate::Findable;
use super::{WorkspaceInputs, WorkspaceState};

/// One thing that belongs to a scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Member {
    Path(AssetPath),
    Asset(AssetUuid),
    Name(AssetName),
    Id(AssetId),
}

pub(super) struct Scope<'a> {
    before: &'a WorkspaceState,
    after: &'a WorkspaceInputs,
    members: BTreeSet<Member>,
    /// Members whose neighbours were not looked for yet.
    open: Vec<Member>,
    /// More members than these are too many.
    limit: usize,
}

/// A scope that is so large that the whole is as good.
#[derive(Debug)]
pub(super) struct TooLarge;

impl<'a> Scope<'a> {
    pub(super) fn new(before: &'a WorkspaceState, after: &'a WorkspaceInputs, limit: usize) -> Self {
        Self { before, after, members: BTreeSet::new(), open: Vec::new(), limit }
    }

    /// Adds a member; what belongs to it is added by `close`. Whether it is new.
    pub(super) fn add(&mut self, member: Member) -> bool {
        let is_new = self.members.insert(member.clone());
        if is_new {
            self.open.push(member);
        }
        is_new
    }

    /// Adds everything that what is in it has to do with.
    pub(super) fn close(&mut self) -> Result<(), TooLarge> {
        while let Some(member) = self.open.pop() {
            if self.members.len() > self.limit {
                return Err(TooLarge);
            }
            match member {
                Member::Path(path) => self.neighbours_of_path(&path),
                Member::Asset(uuid) => self.neighbours_of_asset(uuid),
                Member::Name(name) => {
                    let holders: Vec<AssetUuid> = self.before.found.named(&name).collect();
                    self.add_assets(holders);
                }
                Member::Id(id) => {
                    // Whoever holds it only after is part of the difference.
                    let holders: Vec<AssetUuid> = self.before.registry().holders(id).collect();
                    self.add_assets(holders);
                }
            }
        }
        Ok(())
    }

    /// The part of `inputs`, which are those of before or of after, that is in it.
    pub(super) fn of(&self, inputs: &WorkspaceInputs) -> WorkspaceInputs {
        let mut lines = Vec::new();
        let mut files = Vec::new();
        let mut anchors = Vec::new();
        let all = &inputs.observation;
        for member in &self.members {
            match member {
                Member::Asset(uuid) => lines.extend(inputs.registry.lines_of(*uuid).cloned()),
                Member::Path(path) => {
                    // As the observation holds it, so that the part shares its paths.
                    if let Some((path, fact)) = all.files.get_key_value(path) {
                        files.push((path.clone(), *fact));
                    }
                    if let Some((path, parsed)) = all.anchors.get_key_value(path) {
                        anchors.push((path.clone(), Arc::clone(parsed)));
                    }
                }
                Member::Name(_) | Member::Id(_) => {}
            }
        }
        let concerns = |path: &AssetPath| self.members.contains(&Member::Path(path.clone()));
        let problems = all.diagnostics.iter();
        let problems = problems.filter(|problem| problem.subject.path().is_some_and(concerns)).cloned();
        WorkspaceInputs {
            config: Arc::clone(&inputs.config),
            config_diagnostics: Vec::new(),
            kinds: Arc::clone(&inputs.kinds),
            registry: Registry::from_lines(inputs.registry.lineage(), lines),
            observation: Observation::new(files, Vec::new(), anchors, problems.collect(), 0),
        }
    }

    fn add_assets(&mut self, uuids: Vec<AssetUuid>) {
        for uuid in uuids {
            self.add(Member::Asset(uuid));
        }
    }

    fn add_paths(&mut self, paths: Vec<AssetPath>) {
        for path in paths {
            self.add(Member::Path(path));
        }
    }

    /// The observations of before and after.
    fn observations(&self) -> [&'a Observation; 2] {
        [self.before.observation(), &self.after.observation]
    }

    /// What the anchor at `path` said before, and what it says after.
    fn anchors_at(&self, path: &str) -> [Option<&'a Arc<ParsedAnchor>>; 2] {
        self.observations().map(|observation| observation.anchors.get(path))
    }

    fn neighbours_of_path(&mut self, path: &AssetPath) {
        let anchors = self.anchors_at(path.as_str());
        for anchor in anchors.into_iter().flatten() {
            if let Some(uuid) = anchor.uuid() {
                self.add(Member::Asset(uuid));
            }
            if let Some(name) = anchor.name() {
                self.add(Member::Name(name.clone()));
            }
        }
        self.add_assets(self.before.found.accepted_at(path.clone()).collect());
        if let Some(input) = sidecar_input(path) {
            let found = self.observations().map(|observation| observation.files.get_key_value(input));
            self.add_paths(found.into_iter().flatten().map(|(path, _)| path.clone()).collect());
        }
        if is_directory_anchor(path) {
            self.neighbours_of_directory(path, anchors);
        }
        if !has_anchor_name(path) {
            self.claimants(path);
        }
    }

    /// What the directory asset at `path` claims, and the directory assets further in that could cut something of it out.
    fn neighbours_of_directory(&mut self, path: &AssetPath, anchors: [Option<&'a Arc<ParsedAnchor>>; 2]) {
        let folder = path.parent();
        let depth = folder.as_ref().map_or(0, |folder| folder.as_str().len());
        let declarations: Vec<_> =
            anchors.into_iter().flatten().filter_map(|anchor| anchor.declaration()).collect();
        let mut claimed = Vec::new();
        for observation in self.observations().into_iter().filter(|_| !declarations.is_empty()) {
            for (file, _) in observation.files_below(folder.as_ref()) {
                if declarations.iter().any(|declaration| declaration.inputs.matches(file)) {
                    claimed.push(file.clone());
                }
            }
        }
        let mut folders: BTreeSet<&str> = BTreeSet::new();
        for file in &claimed {
            folders.extend(file.ancestors().take_while(|ancestor| ancestor.len() > depth));
        }
        // Where it appears or vanishes, those further out lose or gain what is below.
        let comes_or_goes = anchors[0].is_some() != anchors[1].is_some();
        if comes_or_goes {
            folders.extend(path.ancestors().skip(1).chain([""]));
        }
        let between: Vec<AssetPath> =
            folders.into_iter().filter_map(|folder| self.directory_asset(folder)).collect();
        self.add_paths(between);
        self.add_paths(claimed);
    }

    /// The anchors that claim the file at `path`, before or after, or could if others did not.
    fn claimants(&mut self, path: &AssetPath) {
        if let Ok(sidecar) = sidecar_of(path)
            && self.anchors_at(sidecar.as_str()).iter().any(Option::is_some)
        {
            self.add(Member::Path(sidecar));
        }
        for folder in path.ancestors().chain([""]) {
            let Some(anchor) = self.directory_asset(folder) else { continue };
            let found = self.anchors_at(anchor.as_str());
            let declarations = found.into_iter().flatten().filter_map(|found| found.declaration());
            if declarations.into_iter().any(|declaration| declaration.inputs.matches(path)) {
                self.add(Member::Path(anchor));
            }
            if found.iter().all(Option::is_some) {
                // It cuts the file out of all that are further out.
                return;
            }
        }
    }

    /// The path of the directory asset's anchor in `folder`, where there was or is one; the assets root is empty.
    fn directory_asset(&self, folder: &str) -> Option<AssetPath> {
        let path = directory_anchor_in(folder);
        let maps = self.observations().map(|observation| observation.anchors.get_key_value(path.as_str()));
        maps.into_iter().flatten().next().map(|(path, _)| path.clone())
    }

    fn neighbours_of_asset(&mut self, uuid: AssetUuid) {
        for registry in [self.before.registry(), &self.after.registry] {
            for line in registry.lines_of(uuid) {
                self.add(Member::Id(line.id));
                if let Some(accepted) = line.anchor() {
                    self.add(Member::Path(accepted.clone()));
                }
            }
        }
        // An anchor of it that is not where a line accepts it is loose; one that was neither is part of the difference.
        self.add_paths(self.before.found.loose_anchors(uuid).cloned().collect());
    }
}

impl Findable {
    /// The managed assets with this name, by uuid.
    pub(super) fn named(&self, name: &AssetName) -> impl Iterator<Item = AssetUuid> {
        let from = self.names.from((name.clone(), AssetUuid::LEAST));
        from.take_while(move |(other, _)| other == name).map(|(_, uuid)| *uuid)
    }

    /// The assets that refer to this name, by uuid.
    pub(super) fn referring_to(&self, name: &AssetName) -> impl Iterator<Item = AssetUuid> {
        let from = self.referrers.from((name.clone(), AssetUuid::LEAST));
        from.take_while(move |(other, _)| other == name).map(|(_, uuid)| *uuid)
    }

    /// The assets that were accepted at `path` and are not simply there, by uuid.
    pub(super) fn accepted_at(&self, path: AssetPath) -> impl Iterator<Item = AssetUuid> {
        let from = self.displaced.from((path.clone(), AssetUuid::LEAST));
        from.take_while(move |(accepted, _)| *accepted == path).map(|(_, uuid)| *uuid)
    }

    /// Whether this asset was accepted at `path` and is not simply there.
    pub(super) fn is_displaced(&self, path: &AssetPath, uuid: AssetUuid) -> bool {
        !self.displaced.is_empty() && self.displaced.contains(&(path.clone(), uuid))
    }

    fn loose_anchors(&self, uuid: AssetUuid) -> impl Iterator<Item = &AssetPath> {
        let from = self.loose.from((uuid, AssetPath::least()));
        from.take_while(move |(other, _)| *other == uuid).map(|(_, path)| path)
    }
}
