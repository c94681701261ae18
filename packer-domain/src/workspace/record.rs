//! What the workspace knows of one managed asset.

use std::sync::Arc;

use serde::Serialize;

use crate::anchor::{AnchorDeclaration, ParsedAnchor};
use crate::identity::AssetUuid;
use crate::kind::{KindId, Settings};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::RegistryEntry;

/// The state of an asset: whether builds can take it, and if not, what stands in the way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
pub struct Reference {
    /// The setting's key.
    pub key: String,
    /// The name it gives.
    pub name: AssetName,
    /// The managed asset with that name, if there is exactly one.
    pub target: Option<AssetUuid>,
}

/// One managed asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRecord {
    /// Its line of the registry; of several that differ, the first live one.
    pub entry: RegistryEntry,
    /// Where its anchor is: the accepted path if one is there, else the first other with its uuid.
    pub anchor: Option<AssetPath>,
    /// That anchor, parsed.
    pub parsed: Option<Arc<ParsedAnchor>>,
    /// The sources that it claims, by path bytes.
    pub inputs: Vec<AssetPath>,
    /// Its settings, complete; empty while its anchor is invalid.
    pub settings: Settings,
    /// Whether a pack keeps it among the payloads that are read first.
    pub preload: bool,
    /// What its settings refer to.
    pub references: Vec<Reference>,
    /// What stands in the way of building it.
    pub state: AssetState,
}

impl AssetRecord {
    /// What its anchor declares, if it is valid.
    pub fn declaration(&self) -> Option<&AnchorDeclaration> {
        self.parsed.as_ref()?.declaration.as_ref()
    }

    /// Its name, also where the rest of its anchor is invalid.
    pub fn name(&self) -> Option<&AssetName> {
        self.parsed.as_ref()?.name.as_ref()
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
}
