//! The registry: which assets a project has accepted, under which runtime id, at which anchor.
//!
//! A value with structural sharing: a clone costs nothing, a change costs by its own size. It can hold what a union
//! merge can produce (one uuid on lines that differ, one id on two uuids); what that *means* is decided in
//! `divergence`. Its text form is in `packer-fs`.

use std::fmt;

use imbl::OrdSet;
use imbl::ordset::DiffItem;
use serde::Serialize;

use crate::identity::{AssetId, AssetUuid, LineageId};
use crate::packed::packed_set;
use crate::path::AssetPath;

/// Whether builds take an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BuildParticipation {
    /// Builds take it.
    Included,
    /// Managed, and left out of builds.
    Excluded,
}

impl BuildParticipation {
    /// The word for it: `included` or `excluded`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Included => "included",
            Self::Excluded => "excluded",
        }
    }
}

/// What a line of the registry says of its asset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// Managed.
    Live {
        /// Where its anchor was accepted.
        anchor: AssetPath,
        /// Whether builds take it.
        build: BuildParticipation,
    },
    /// No longer managed; the line keeps its id reserved.
    Retired,
}

/// One line of the registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RegistryEntry {
    /// The asset.
    pub uuid: AssetUuid,
    /// Its runtime id.
    pub id: AssetId,
    /// What is accepted of it.
    pub state: EntryState,
}

impl RegistryEntry {
    /// The accepted anchor, unless the entry is retired.
    pub fn anchor(&self) -> Option<&AssetPath> {
        match &self.state {
            EntryState::Live { anchor, .. } => Some(anchor),
            EntryState::Retired => None,
        }
    }

    /// Whether builds take it; a retired one is taken by none.
    pub fn is_included(&self) -> bool {
        matches!(self.state, EntryState::Live { build: BuildParticipation::Included, .. })
    }
}

impl fmt::Display for RegistryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            EntryState::Live { anchor, build } => write!(f, "id {} at {anchor}, {}", self.id, build.as_str()),
            EntryState::Retired => write!(f, "id {}, retired", self.id),
        }
    }
}

/// The accepted membership of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    lineage: LineageId,
    /// Ordered by uuid, so that the lines of one uuid are neighbours.
    entries: OrdSet<RegistryEntry>,
    ids: OrdSet<(AssetId, AssetUuid)>,
    /// A path that sorts before those of all lines: from where the lines of a uuid are looked for.
    first_path: AssetPath,
}

impl Registry {
    /// An empty registry of a new project.
    pub fn new(lineage: LineageId) -> Self {
        Self::from_lines(lineage, Vec::new())
    }

    /// The registry of these lines, in whatever order they are; exact duplicates count once.
    pub fn from_lines(lineage: LineageId, mut lines: Vec<RegistryEntry>) -> Self {
        lines.sort_unstable();
        lines.dedup();
        let mut ids: Vec<(AssetId, AssetUuid)> = lines.iter().map(|line| (line.id, line.uuid)).collect();
        ids.sort_unstable();
        ids.dedup();
        let first_path = AssetPath::least();
        Self { lineage, ids: packed_set(ids), entries: packed_set(lines), first_path }
    }

    /// The same registry with `lines`, which are equal to its own and hold their paths elsewhere.
    pub(crate) fn with_equal_lines(&self, lines: Vec<RegistryEntry>) -> Self {
        Self { entries: packed_set(lines), ..self.clone() }
    }

    /// The project that it belongs to.
    pub fn lineage(&self) -> LineageId {
        self.lineage
    }

    /// How many different lines it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no line.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All uuids with the ids that they hold, by id.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (AssetId, AssetUuid)> {
        self.ids.iter().copied()
    }

    /// All lines, by uuid.
    pub fn entries(&self) -> impl Iterator<Item = &RegistryEntry> {
        self.entries.iter()
    }

    /// The lines of one uuid: none, one, or after a merge several that differ.
    pub fn lines_of(&self, uuid: AssetUuid) -> impl Iterator<Item = &RegistryEntry> {
        self.entries.range(self.least(uuid)..).take_while(move |entry| entry.uuid == uuid)
    }

    /// The line of `uuid`, if there is exactly one.
    pub fn get(&self, uuid: AssetUuid) -> Option<&RegistryEntry> {
        let mut lines = self.lines_of(uuid);
        let first = lines.next();
        if lines.next().is_some() { None } else { first }
    }

    /// The uuids that hold `id`, live or retired: none, one, or after a merge several.
    pub fn holders(&self, id: AssetId) -> impl Iterator<Item = AssetUuid> {
        let nil = AssetUuid::LEAST;
        self.ids.range((id, nil)..).take_while(move |(held, _)| *held == id).map(|(_, uuid)| *uuid)
    }

    /// Adds a line; an exact duplicate changes nothing.
    pub fn insert(&mut self, entry: RegistryEntry) {
        self.ids.insert((entry.id, entry.uuid));
        self.entries.insert(entry);
    }

    /// Takes a line away, if it is there.
    pub fn remove(&mut self, entry: &RegistryEntry) {
        self.entries.remove(entry);
        if !self.lines_of(entry.uuid).any(|other| other.id == entry.id) {
            self.ids.remove(&(entry.id, entry.uuid));
        }
    }

    /// The lines that `after` no longer has, and those that it has besides. Costs by the difference where one registry
    /// was made from the other.
    pub fn difference<'a>(&'a self, after: &'a Self) -> (Vec<&'a RegistryEntry>, Vec<&'a RegistryEntry>) {
        let mut gone = Vec::new();
        let mut new = Vec::new();
        for item in self.entries.diff(&after.entries) {
            match item {
                DiffItem::Add(entry) => new.push(entry),
                DiffItem::Remove(entry) => gone.push(entry),
            }
        }
        (gone, new)
    }

    /// A registry equal to `other`, which shares with this one what they have in common.
    #[must_use]
    pub fn made_into(&self, other: &Self) -> Self {
        let (gone, new) = self.difference(other);
        if self.lineage != other.lineage || gone.len() + new.len() > other.len() / 2 {
            return other.clone();
        }
        let mut made = self.clone();
        for line in gone {
            made.remove(line);
        }
        for line in new {
            made.insert(line.clone());
        }
        made
    }

    /// The id that `uuid` gets: the first of its candidates that no line holds, live or retired.
    #[expect(clippy::missing_panics_doc, reason = "it cannot: what it expects is bounded by memory")]
    pub fn allocate(&self, uuid: AssetUuid) -> AssetId {
        AssetId::candidates(uuid).find(|id| self.holders(*id).next().is_none()).expect(
            "four thousand million candidates outnumber the lines of any registry that fits in memory",
        )
    }

    /// The line that sorts before every other of `uuid`.
    fn least(&self, uuid: AssetUuid) -> RegistryEntry {
        let id = AssetId::new(1).expect("one is not zero");
        let anchor = self.first_path.clone();
        RegistryEntry { uuid, id, state: EntryState::Live { anchor, build: BuildParticipation::Included } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::UuidDraw;

    const DRAW: UuidDraw = UuidDraw { unix_ms: 1_790_000_000_000, entropy: [3; 16] };

    fn live(key: &str, id: u32, anchor: &str) -> RegistryEntry {
        RegistryEntry {
            uuid: DRAW.asset_uuid(key),
            id: AssetId::new(id).unwrap(),
            state: EntryState::Live {
                anchor: AssetPath::parse(anchor).unwrap(),
                build: BuildParticipation::Included,
            },
        }
    }

    fn registry() -> Registry {
        Registry::new(LineageId::drawn(DRAW))
    }

    #[test]
    fn finds_by_uuid_and_by_id_also_what_a_merge_left() {
        let mut registry = registry();
        let (a, b) = (live("a", 1, "!first"), live("b", 1, "b"));
        let a_again = RegistryEntry { state: EntryState::Retired, ..a.clone() };
        for entry in [&a, &b, &a_again, &a] {
            registry.insert(entry.clone());
        }
        assert_eq!(registry.len(), 3);
        assert_eq!(registry.lines_of(a.uuid).collect::<Vec<_>>(), [&a, &a_again]);
        assert_eq!(registry.get(a.uuid), None);
        assert_eq!(registry.get(b.uuid), Some(&b));
        assert_eq!(registry.holders(a.id).count(), 2);
        registry.remove(&a_again);
        assert_eq!(registry.get(a.uuid), Some(&a));
        assert_eq!(registry.holders(a.id).count(), 2, "a still holds its id");
        registry.remove(&a);
        assert_eq!(registry.holders(a.id).collect::<Vec<_>>(), [b.uuid]);
    }

    #[test]
    fn lines_in_any_order_and_twice_make_the_registry_that_inserting_them_makes() {
        let lines = vec![live("b", 1, "b"), live("a", 1, "a"), live("b", 1, "b"), live("a", 2, "a")];
        let mut inserted = registry();
        for line in &lines {
            inserted.insert(line.clone());
        }
        let made = Registry::from_lines(inserted.lineage(), lines);
        assert_eq!(made, inserted);
        assert_eq!(made.holders(AssetId::new(1).unwrap()).count(), 2);
    }

    #[test]
    fn allocation_skips_ids_that_are_held_also_by_retired_lines() {
        let mut registry = registry();
        let uuid = DRAW.asset_uuid("new");
        let first = registry.allocate(uuid);
        registry.insert(RegistryEntry {
            uuid: DRAW.asset_uuid("old"),
            id: first,
            state: EntryState::Retired,
        });
        let second = registry.allocate(uuid);
        assert_eq!(Some(second), AssetId::candidates(uuid).find(|id| *id != first));
    }
}
