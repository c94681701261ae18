//! Queries: lists of assets by what they are, and one asset by whatever people call it.

use packer_domain::identity::{AssetId, AssetUuid, Revision};
use packer_domain::kind::KindId;
use packer_domain::report::AssetRow;
use packer_domain::workspace::AssetState;
use thiserror::Error;

use super::Snapshot;

/// Which assets to list. Every part that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetQuery {
    /// Of this kind.
    pub kind: Option<KindId>,
    /// In this state.
    pub state: Option<AssetState>,
    /// With this text in the name or the anchor's path.
    pub text: Option<String>,
    /// How many to pass over.
    pub offset: usize,
    /// How many at the most; all of them for `None`.
    pub limit: Option<usize>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetPage {
    /// Of which snapshot.
    pub revision: Revision,
    /// How many assets the query covers in all.
    pub total: usize,
    /// The part: managed assets, then unregistered anchors, each by anchor path.
    pub rows: Vec<AssetRow>,
}

/// How people call one asset: its uuid, its id, its name, the path of its anchor or of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetSelector(pub String);

/// Why a selector selects no single asset.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectError {
    /// Nothing is called so.
    #[error(
        "no managed asset is called {text:?}: expected a name, an id, a uuid, or the path of an anchor or a source"
    )]
    Unknown {
        /// The selector.
        text: String,
        /// The name that was probably meant.
        suggestion: Option<String>,
    },
    /// Several are.
    #[error("{text:?} is more than one asset")]
    Ambiguous {
        /// The selector.
        text: String,
        /// Which.
        uuids: Vec<AssetUuid>,
    },
}

impl Snapshot {
    /// The assets that `query` covers.
    pub fn assets(&self, query: &AssetQuery) -> AssetPage {
        let covered = |row: &&AssetRow| {
            query.kind.as_ref().is_none_or(|kind| row.kind.as_ref() == Some(kind))
                && query.state.is_none_or(|state| row.state == state)
                && query.text.as_ref().is_none_or(|text| {
                    row.anchor.as_str().contains(text)
                        || row.name.as_ref().is_some_and(|name| name.as_str().contains(text))
                })
        };
        let total = self.rows().iter().filter(covered).count();
        let rows =
            self.rows().iter().filter(covered).skip(query.offset).take(query.limit.unwrap_or(usize::MAX));
        AssetPage { revision: self.revision(), total, rows: rows.cloned().collect() }
    }

    /// The managed asset that `selector` means. A name counts before an id, an id before a path.
    pub fn select(&self, selector: &AssetSelector) -> Result<AssetUuid, SelectError> {
        let text = selector.0.as_str();
        let managed = || self.state().assets();
        if let Ok(uuid) = text.parse::<AssetUuid>()
            && self.state().asset(uuid).is_some()
        {
            return Ok(uuid);
        }
        let by_name = managed().filter(|asset| asset.name().is_some_and(|name| name.as_str() == text));
        let mut found: Vec<AssetUuid> = by_name.map(|asset| asset.entry.uuid).collect();
        if found.is_empty()
            && let Ok(id) = text.parse::<AssetId>()
        {
            found = managed().filter(|asset| asset.entry.id == id).map(|asset| asset.entry.uuid).collect();
        }
        if found.is_empty() {
            let root = format!("{}/", self.state().config().assets);
            let path = text.strip_prefix(&root).unwrap_or(text);
            let at = |asset: &&std::sync::Arc<packer_domain::workspace::AssetRecord>| {
                asset.anchor().or(asset.entry.anchor()).is_some_and(|anchor| anchor.as_str() == path)
                    || asset.inputs().iter().any(|input| input.as_str() == path)
            };
            found = managed().filter(at).map(|asset| asset.entry.uuid).collect();
        }
        match found.as_slice() {
            [only] => Ok(*only),
            [] => {
                let names = managed().filter_map(|asset| asset.name().map(|name| name.as_str().to_owned()));
                let names: Vec<String> = names.collect();
                let suggestion = packer_domain::toml_text::suggest(text, names.iter().map(String::as_str));
                Err(SelectError::Unknown { text: text.to_owned(), suggestion: suggestion.map(str::to_owned) })
            }
            _ => Err(SelectError::Ambiguous { text: text.to_owned(), uuids: found }),
        }
    }
}
