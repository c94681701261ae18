//! What the workspace knows of one managed asset.

use std::sync::Arc;

use imbl::OrdMap;
use serde::Serialize;

use crate::anchor::{AnchorDeclaration, ParsedAnchor};
use crate::identity::AssetUuid;
use crate::kind::{KindId, Settings};
use crate::name::AssetName;
use crate::packed::packed_map;
use crate::path::AssetPath;
use crate::registry::RegistryEntry;

/// The state of an asset: whether builds can take it, and if not, what stands in the way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AssetState {
    /// Nothing stands in the way.
    Ready,
    /// An anchor that the registry does not know; not managed.
    Unregistered,
    /// Its registry lines contradict each other, or another's.
    RegistryConflict,
    /// Its anchor is nowhere on disk.
    Missing,
    /// Its anchor is at another path than accepted.
    Moved,
    /// Its uuid stands in more than one anchor.
    Duplicated,
    /// Its anchor, or a path of it, is in error.
    Invalid,
    /// Its name is another's too.
    NameConflict,
    /// A source that it claims is not there.
    InputMissing,
    /// It refers to what is not there, or in a circle.
    ReferenceBroken,
}

impl AssetState {
    /// The word for it, as in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Unregistered => "unregistered",
            Self::RegistryConflict => "registry_conflict",
            Self::Missing => "missing",
            Self::Moved => "moved",
            Self::Duplicated => "duplicated",
            Self::Invalid => "invalid",
            Self::NameConflict => "name_conflict",
            Self::InputMissing => "input_missing",
            Self::ReferenceBroken => "reference_broken",
        }
    }
}

/// A setting that names another asset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reference {
    /// The setting's key.
    pub key: String,
    /// The name it gives.
    pub name: AssetName,
    /// The managed asset with that name, if there is exactly one.
    pub target: Option<AssetUuid>,
}

/// One managed asset.
///
/// A project holds one of these an asset: what few assets have stands apart, and what many have in common is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRecord {
    /// Its line of the registry; of several that differ, the first live one.
    pub entry: RegistryEntry,
    /// Its anchor, parsed, if it has one.
    pub parsed: Option<Arc<ParsedAnchor>>,
    /// Its settings, complete; empty while its anchor is invalid.
    pub settings: Arc<Settings>,
    /// Where its anchor is, if that is not where it was accepted.
    elsewhere: Option<Box<AssetPath>>,
    inputs: Inputs,
    references: Option<Box<References>>,
    /// Whether a pack keeps it among the payloads that are read first.
    pub preload: bool,
    /// What stands in the way of building it.
    pub state: AssetState,
}

/// Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
struct References(Vec<Reference>);

impl AssetRecord {
    /// One with nothing in its way and without references: accepted as `entry`, with `anchor`, the path of its anchor and
    /// what that says.
    pub(crate) fn new(
        entry: RegistryEntry,
        anchor: Option<(&AssetPath, Arc<ParsedAnchor>)>,
        inputs: Inputs,
        settings: Arc<Settings>,
        preload: bool,
    ) -> Self {
        let elsewhere = anchor.as_ref().filter(|(path, _)| Some(*path) != entry.anchor());
        Self {
            elsewhere: elsewhere.map(|(path, _)| Box::new((*path).clone())),
            parsed: anchor.map(|(_, parsed)| parsed),
            entry,
            settings,
            inputs,
            references: None,
            preload,
            state: AssetState::Ready,
        }
    }

    /// Where its anchor is: the accepted path if one is there, else the first other with its uuid.
    pub fn anchor(&self) -> Option<&AssetPath> {
        self.parsed.as_ref()?;
        self.elsewhere.as_deref().or(self.entry.anchor())
    }

    /// The sources that it claims, by path bytes.
    pub fn inputs(&self) -> &[AssetPath] {
        self.inputs.as_slice()
    }

    /// What its settings refer to.
    pub fn references(&self) -> &[Reference] {
        self.references.as_ref().map_or(&[], |references| &references.0)
    }

    /// What its anchor declares, if it is valid.
    pub fn declaration(&self) -> Option<&AnchorDeclaration> {
        self.parsed.as_ref()?.declaration()
    }

    /// Its name, also where the rest of its anchor is invalid.
    pub fn name(&self) -> Option<&AssetName> {
        self.parsed.as_ref()?.name()
    }

    /// Its kind.
    pub fn kind(&self) -> Option<&KindId> {
        self.declaration().map(|declaration| &declaration.kind)
    }

    /// What to call it in a message: its name, else its accepted anchor.
    pub fn label(&self) -> String {
        match (self.name(), self.entry.anchor()) {
            (Some(name), _) => name.to_string(),
            (None, Some(anchor)) => anchor.to_string(),
            (None, None) => self.entry.uuid.to_string(),
        }
    }

    /// Marks it with `state`, unless something worse stands in the way already.
    pub(super) fn mark(&mut self, state: AssetState) {
        if self.state == AssetState::Ready || state < self.state {
            self.state = state;
        }
    }

    pub(super) fn refer_to(&mut self, references: Vec<Reference>) {
        self.references = (!references.is_empty()).then(|| Box::new(References(references)));
    }
}

/// The files that an anchor claims, by path bytes: nearly always one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inputs {
    One(AssetPath),
    /// None, or any number.
    Many(Option<Box<ManyInputs>>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ManyInputs(Vec<AssetPath>);

impl Inputs {
    pub(super) const NONE: Self = Self::Many(None);

    pub(super) fn as_slice(&self) -> &[AssetPath] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Many(many) => many.as_ref().map_or(&[], |many| &many.0),
        }
    }
}

impl From<Vec<AssetPath>> for Inputs {
    fn from(mut paths: Vec<AssetPath>) -> Self {
        match paths.len() {
            0 => Self::NONE,
            1 => Self::One(paths.remove(0)),
            _ => Self::Many(Some(Box::new(ManyInputs(paths)))),
        }
    }
}

/// The managed assets while a state is computed, by uuid.
#[derive(Debug, Default)]
pub(super) struct Records {
    records: Vec<Arc<AssetRecord>>,
}

impl Records {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { records: Vec::with_capacity(count) }
    }

    /// Adds one whose uuid is after all others; gives its index.
    pub(super) fn push(&mut self, record: AssetRecord) -> usize {
        self.records.push(Arc::new(record));
        self.records.len() - 1
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &AssetRecord> {
        self.records.iter().map(AsRef::as_ref)
    }

    pub(super) fn at(&self, index: usize) -> &AssetRecord {
        &self.records[index]
    }

    pub(super) fn at_mut(&mut self, index: usize) -> &mut AssetRecord {
        // Nobody else has it yet, so nothing is copied.
        Arc::make_mut(&mut self.records[index])
    }

    pub(super) fn index_of(&self, uuid: AssetUuid) -> Option<usize> {
        self.records.binary_search_by_key(&uuid, |record| record.entry.uuid).ok()
    }

    pub(super) fn get(&self, uuid: AssetUuid) -> Option<&AssetRecord> {
        self.index_of(uuid).map(|index| self.at(index))
    }

    pub(super) fn get_mut(&mut self, uuid: AssetUuid) -> Option<&mut AssetRecord> {
        self.index_of(uuid).map(|index| self.at_mut(index))
    }

    pub(super) fn into_map(self) -> OrdMap<AssetUuid, Arc<AssetRecord>> {
        packed_map(self.records.into_iter().map(|record| (record.entry.uuid, record)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small() {
        // With the counts of its `Arc` it fills one block of 128 bytes of common allocators.
        assert!(size_of::<AssetRecord>() <= 104, "{}", size_of::<AssetRecord>());
        assert!(size_of::<ParsedAnchor>() <= 88, "{}", size_of::<ParsedAnchor>());
    }
}
