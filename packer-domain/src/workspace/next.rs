//! The next state: computed from the one before and from what differs, at a cost that goes by the difference.
//!
//! The part of the workspace that the difference concerns is evaluated twice by itself, as it was and as it is, by the
//! evaluation that the whole has; what it gave is taken out of the state, and what it gives is put in. So there is one
//! meaning, and no second set of rules for changes. A difference that reaches too far is evaluated whole: in the
//! configuration or the kinds, in what could not be observed, where paths collide, or of a good part of all files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::ordmap::DiffItem as MapDiff;
use imbl::ordset::DiffItem as SetDiff;

use crate::divergence::Divergence;
use crate::identity::AssetUuid;
use crate::name::AssetName;
use crate::observation::{FileFact, Observation};
use crate::path::{AssetPath, collision_key};

use super::evaluate::{Findable, evaluate};
use super::paths::Unread;
use super::scope::{Member, Scope, TooLarge};
use super::{AssetRecord, WorkspaceInputs, WorkspaceState};

/// A difference that concerns no more members than these is never too large for a part.
const SMALL_SCOPE: usize = 256;

/// Nor is one that concerns no more than one in so many files.
const SMALL_SHARE: usize = 8;

/// How one state differs from the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChange {
    /// The assets that are managed now and were not, by uuid.
    pub added: Vec<AssetUuid>,
    /// The assets of which something differs: the registry's line, the anchor, what it claims and the contents of that,
    /// what stands in the way. By uuid.
    pub changed: Vec<AssetUuid>,
    /// The assets that were managed and are not, by uuid.
    pub removed: Vec<AssetUuid>,
    /// The divergences that are new, in order.
    pub appeared: Vec<Divergence>,
    /// The divergences that are no more, in order.
    pub cleared: Vec<Divergence>,
    /// Whether the configuration differs.
    pub configuration: bool,
    /// Whether nothing at all differs, also nothing that concerns no asset.
    pub nothing: bool,
}

/// What differs between the inputs of two states.
#[derive(Debug)]
pub(super) enum Difference {
    /// So much, or something so far-reaching, that a part of the workspace is not enough.
    Wide,
    Narrow(Narrow),
}

/// A difference of some files and some lines of the registry.
#[derive(Debug, Default)]
pub(super) struct Narrow {
    members: Vec<Member>,
    /// Paths of files and folders that were not there.
    new_paths: Vec<AssetPath>,
    bytes_gone: u64,
    bytes_new: u64,
    /// Something differs that concerns no member.
    elsewhere: bool,
    /// How large the scope of it may become.
    limit: usize,
}

impl WorkspaceState {
    /// The state of `inputs`, and how it differs from this one. What `inputs` have in common with those of this state costs
    /// little, if they were made from those; whether they were decides nothing else.
    #[must_use]
    pub fn next(&self, inputs: WorkspaceInputs) -> (Self, StateChange) {
        let difference = Difference::between(&self.inputs, &inputs);
        if let Some(next) = self.replaced(&difference, &inputs) {
            return next;
        }
        let state = Self::evaluate(inputs);
        let change = self.compare(&state);
        (state, change)
    }

    /// The same by evaluating the part that the difference concerns; `None` where that is not enough.
    pub(super) fn replaced(
        &self,
        difference: &Difference,
        inputs: &WorkspaceInputs,
    ) -> Option<(Self, StateChange)> {
        let Difference::Narrow(difference) = difference else { return None };
        let is_wide = !Unread::of(&inputs.observation).is_empty()
            || self.found.tally.collisions > 0
            || is_colliding(&inputs.observation, &difference.new_paths);
        if is_wide {
            return None;
        }
        let mut scope = Scope::new(self, inputs, difference.limit);
        for member in &difference.members {
            scope.add(member.clone());
        }
        let (before, after) = self.parts(&mut scope, inputs).ok()?;
        let mut change = StateChange {
            configuration: false,
            nothing: difference.members.is_empty() && !difference.elsewhere,
            appeared: after.divergences.without(&before.divergences).cloned().collect(),
            cleared: before.divergences.without(&after.divergences).cloned().collect(),
            ..StateChange::default()
        };
        for (uuid, record) in &after.assets {
            match before.assets.get(uuid) {
                None => change.added.push(*uuid),
                Some(old) if !is_same(self.observation(), old, &inputs.observation, record) => {
                    change.changed.push(*uuid);
                }
                Some(_) => {}
            }
        }
        let gone = before.assets.keys().filter(|uuid| !after.assets.contains_key(*uuid));
        change.removed = gone.copied().collect();
        let bytes = self.bytes.saturating_sub(difference.bytes_gone).saturating_add(difference.bytes_new);
        let found = self.found.replaced(&before, &after);
        Some((Self { inputs: inputs.clone(), found, bytes }, change))
    }

    /// What the part in `scope` gave, and what it gives. References are followed on the way: which there are is only known
    /// when the part was evaluated.
    fn parts(
        &self,
        scope: &mut Scope<'_>,
        inputs: &WorkspaceInputs,
    ) -> Result<(Findable, Findable), TooLarge> {
        loop {
            scope.close()?;
            let (before, _) = evaluate(&scope.of(&self.inputs));
            let (after, _) = evaluate(&scope.of(inputs));
            let mut is_complete = true;
            // What they refer to, and in turn: a circle is in one part.
            let targets: BTreeSet<&AssetName> =
                before.referrers.iter().chain(&after.referrers).map(|(name, _)| name).collect();
            for name in targets {
                is_complete &= !scope.add(Member::Name(name.clone()));
            }
            // Who refers to a name whose meaning differs.
            let gone = before.names.iter().filter(|name| !after.names.contains(name));
            let new = after.names.iter().filter(|name| !before.names.contains(name));
            for (name, _) in gone.chain(new) {
                for uuid in self.found.referring_to(name) {
                    is_complete &= !scope.add(Member::Asset(uuid));
                }
            }
            if is_complete {
                return Ok((before, after));
            }
        }
    }

    /// How `after`, of which nothing is known, differs.
    pub(super) fn compare(&self, after: &Self) -> StateChange {
        let mut change = StateChange {
            configuration: self.inputs.config != after.inputs.config,
            appeared: after.divergences().without(self.divergences()).cloned().collect(),
            cleared: self.divergences().without(after.divergences()).cloned().collect(),
            ..StateChange::default()
        };
        for item in self.found.assets.diff(&after.found.assets) {
            match item {
                MapDiff::Add(uuid, _) => change.added.push(*uuid),
                MapDiff::Remove(uuid, _) => change.removed.push(*uuid),
                MapDiff::Update { .. } => {}
            }
        }
        let content = |old: &AssetRecord| {
            let new = after.found.assets.get(&old.entry.uuid);
            new.is_some_and(|new| !is_same(self.observation(), old, after.observation(), new))
        };
        let changed = self.assets().filter(|old| content(old));
        change.changed = changed.map(|record| record.entry.uuid).collect();
        change.nothing = !change.configuration
            && self.registry() == after.registry()
            && self.observation() == after.observation()
            && self.inputs.kinds == after.inputs.kinds
            && self.inputs.config_diagnostics == after.inputs.config_diagnostics;
        change
    }
}

/// Whether an asset is the same before and after, the contents of what it claims included.
fn is_same(before: &Observation, old: &AssetRecord, after: &Observation, new: &AssetRecord) -> bool {
    let same_content = |path: &AssetPath| before.files.get(path) == after.files.get(path);
    old == new && new.inputs().iter().all(same_content)
}

impl Difference {
    pub(super) fn between(before: &WorkspaceInputs, after: &WorkspaceInputs) -> Self {
        let (old, new) = (&before.observation, &after.observation);
        let is_wide = before.config != after.config
            || before.config_diagnostics != after.config_diagnostics
            || before.kinds != after.kinds
            || before.registry.lineage() != after.registry.lineage()
            || old.diagnostics != new.diagnostics;
        if is_wide {
            return Self::Wide;
        }
        let limit = SMALL_SCOPE.max(old.files.len().max(new.files.len()) / SMALL_SHARE);
        let mut found = Narrow { elsewhere: old.ignored != new.ignored, limit, ..Narrow::default() };
        let files = old.files.diff(&new.files).map(|item| match item {
            MapDiff::Add(path, fact) => (path, None, Some(fact)),
            MapDiff::Remove(path, fact) => (path, Some(fact), None),
            MapDiff::Update { old: (path, old), new: (_, new) } => (path, Some(old), Some(new)),
        });
        // One more than may be: nothing counts beyond.
        for (path, before, after) in files.take(limit + 1) {
            found.file(path, before, after);
        }
        let anchors = old.anchors.diff(&new.anchors).map(|item| match item {
            MapDiff::Add(path, _) | MapDiff::Remove(path, _) | MapDiff::Update { new: (path, _), .. } => path,
        });
        found.members.extend(anchors.take(limit + 1).map(|path| Member::Path(path.clone())));
        for item in old.folders.diff(&new.folders).take(limit + 1) {
            found.elsewhere = true;
            match item {
                SetDiff::Add(folder) => found.new_paths.push(folder.clone()),
                SetDiff::Remove(_) => {}
            }
        }
        if found.members.len() + found.new_paths.len() > limit {
            return Self::Wide;
        }
        let (gone, new) = before.registry.difference(&after.registry);
        if gone.len() + new.len() > limit {
            return Self::Wide;
        }
        found.members.extend(gone.into_iter().chain(new).map(|line| Member::Asset(line.uuid)));
        Self::Narrow(found)
    }
}

impl Narrow {
    fn file(&mut self, path: &AssetPath, before: Option<&FileFact>, after: Option<&FileFact>) {
        self.members.push(Member::Path(path.clone()));
        self.bytes_gone = self.bytes_gone.saturating_add(before.map_or(0, |fact| fact.size));
        self.bytes_new = self.bytes_new.saturating_add(after.map_or(0, |fact| fact.size));
        if before.is_none() {
            self.new_paths.push(path.clone());
        }
    }
}

/// Whether any of these paths differs from another in its folder only by case or Unicode form.
fn is_colliding(observation: &Observation, paths: &[AssetPath]) -> bool {
    let mut by_folder: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
    for path in paths {
        let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        let other = by_folder.entry(folder).or_default().insert(collision_key(name), name);
        if other.is_some_and(|other| other != name) {
            return true;
        }
    }
    by_folder.iter().any(|(folder, keys)| {
        let mut names = observation.names_in(folder);
        names.any(|name| keys.get(&collision_key(name)).is_some_and(|new| *new != name))
    })
}

impl Findable {
    fn replaced(&self, before: &Self, after: &Self) -> Self {
        let mut assets = self.assets.clone();
        for uuid in before.assets.keys().filter(|uuid| !after.assets.contains_key(*uuid)) {
            assets.remove(uuid);
        }
        for (uuid, record) in &after.assets {
            // One that is the same stays the one that other states share.
            if self.assets.get(uuid) != Some(record) {
                assets.insert(*uuid, Arc::clone(record));
            }
        }
        let mut unregistered = self.unregistered.clone();
        for path in before.unregistered.keys() {
            unregistered.remove(path);
        }
        for (path, parsed) in &after.unregistered {
            unregistered.insert(path.clone(), Arc::clone(parsed));
        }
        let set = |get: fn(&Self) -> &crate::sorted::SharedSet<(AssetName, AssetUuid)>| {
            get(self).replaced(get(before), get(after))
        };
        Self {
            assets,
            names: set(|found| &found.names),
            referrers: set(|found| &found.referrers),
            loose: self.loose.replaced(&before.loose, &after.loose),
            displaced: self.displaced.replaced(&before.displaced, &after.displaced),
            unregistered,
            unclaimed: self.unclaimed.replaced(&before.unclaimed, &after.unclaimed),
            // There is none where a part is enough.
            colliding: BTreeSet::new(),
            divergences: self.divergences.replaced(&before.divergences, &after.divergences),
            diagnostics: self.diagnostics.replaced(&before.diagnostics, &after.diagnostics),
            tally: self.tally.replaced(&before.tally, &after.tally),
        }
    }
}
