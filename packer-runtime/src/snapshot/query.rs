//! Queries: lists of assets by what they are, and one asset by whatever people call it.

use std::collections::BTreeSet;
use std::sync::Arc;

use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::identity::{AssetId, AssetUuid, Revision};
use packer_domain::kind::KindId;
use packer_domain::name::AssetName;
use packer_domain::path::AssetPath;
use packer_domain::report::{AssetRow, asset_row, concerns};
use packer_domain::workspace::{AssetRecord, AssetState, Listed, WorkspaceState};
use thiserror::Error;

use super::Snapshot;

/// Which assets to list, and how. Every part that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetQuery {
    /// The one with this uuid; of anchors that the registry does not know, all with it.
    pub uuid: Option<AssetUuid>,
    /// With this runtime id.
    pub id: Option<AssetId>,
    /// With this name.
    pub name: Option<AssetName>,
    /// Whose anchor is at this path or below it, or who claims a file there.
    pub path: Option<AssetPath>,
    /// Of this kind.
    pub kind: Option<KindId>,
    /// In this state.
    pub state: Option<AssetState>,
    /// Whom a diagnostic with this code concerns; a divergence has one with its own code.
    pub diagnostic: Option<DiagnosticCode>,
    /// With this text in the name or the anchor's path.
    pub text: Option<String>,
    /// In which order. Where it says nothing of two assets, they stand in the order of anchors.
    pub sort: AssetSort,
    /// From the last to the first.
    pub descending: bool,
    /// How many to pass over.
    pub offset: usize,
    /// How many at the most; all of them for `None`.
    pub limit: Option<usize>,
}

/// The order of a list of assets. What an asset does not have comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AssetSort {
    /// Managed assets, then anchors that the registry does not know, each by anchor path.
    #[default]
    Anchor,
    /// By name.
    Name,
    /// By runtime id.
    Id,
    /// By kind.
    Kind,
    /// By state: what can be built first, then by how much is in the way.
    State,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetPage {
    /// Of which snapshot.
    pub revision: Revision,
    /// How many assets the query covers in all.
    pub total: usize,
    /// The part, in the order that was asked for.
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
        let state = self.state();
        let limit = query.limit.unwrap_or(usize::MAX);
        let is_as_listed = query.sort == AssetSort::Anchor && !query.descending;
        if is_as_listed && query.covers_everything() {
            let total = state.assets().len() + state.unregistered().len();
            let rows = state.listed().skip(query.offset).take(limit).filter_map(asset_row);
            return AssetPage { revision: self.revision(), total, rows: rows.collect() };
        }
        let concerned = query.diagnostic.map(|code| Concerned::by(state, code));
        let covered = |listed: &Listed<'_>| {
            query.covers(listed) && concerned.as_ref().is_none_or(|concerned| concerned.has(state, listed))
        };
        let mut all: Vec<Listed<'_>> = match query.candidates(state) {
            Some(candidates) => candidates.into_iter().filter(covered).collect(),
            None => state.listed().filter(covered).collect(),
        };
        match query.sort {
            AssetSort::Anchor => {}
            AssetSort::Name => all.sort_by(|a, b| name(a).cmp(&name(b))),
            AssetSort::Id => all.sort_by_key(id),
            AssetSort::Kind => all.sort_by(|a, b| kind(a).cmp(&kind(b))),
            AssetSort::State => all.sort_by_key(state_of),
        }
        if query.descending {
            all.reverse();
        }
        let page = all.iter().skip(query.offset).take(limit);
        let rows = page.filter_map(|listed| asset_row(*listed)).collect();
        AssetPage { revision: self.revision(), total: all.len(), rows }
    }

    /// The managed asset that `selector` means. A name counts before an id, an id before a path. A path is one below the assets
    /// root, or one in the project.
    pub fn select(&self, selector: &AssetSelector) -> Result<AssetUuid, SelectError> {
        let text = selector.0.as_str();
        let state = self.state();
        if let Ok(uuid) = text.parse::<AssetUuid>()
            && state.asset(uuid).is_some()
        {
            return Ok(uuid);
        }
        let uuid = |asset: &Arc<AssetRecord>| asset.entry.uuid;
        let mut found: Vec<AssetUuid> = match text.parse::<AssetName>() {
            Ok(name) => state.assets_named(&name).map(uuid).collect(),
            Err(_) => Vec::new(),
        };
        if found.is_empty()
            && let Ok(id) = text.parse::<AssetId>()
        {
            found = state.assets_with_id(id).map(uuid).collect();
        }
        if found.is_empty() {
            // A path in the project means what it means below the assets root, too. Where something is at both, nobody can
            // say which is meant.
            let root = format!("{}/", state.config().assets);
            for path in [Some(text), text.strip_prefix(&root)].into_iter().flatten() {
                if let Ok(path) = AssetPath::parse(path) {
                    found.extend(state.assets_at(&path));
                }
            }
            found.sort();
            found.dedup();
        }
        match found.as_slice() {
            [only] => Ok(*only),
            [] => {
                let names = state.assets().filter_map(|asset| asset.name().map(AssetName::as_str));
                let suggestion = packer_domain::toml_text::suggest(text, names);
                Err(SelectError::Unknown { text: text.to_owned(), suggestion: suggestion.map(str::to_owned) })
            }
            _ => Err(SelectError::Ambiguous { text: text.to_owned(), uuids: found }),
        }
    }
}

impl AssetQuery {
    fn covers_everything(&self) -> bool {
        let Self { uuid, id, name, path, kind, state, diagnostic, text, .. } = self;
        uuid.is_none()
            && id.is_none()
            && name.is_none()
            && path.is_none()
            && kind.is_none()
            && state.is_none()
            && diagnostic.is_none()
            && text.is_none()
    }

    /// The only assets that can be covered, in the order of lists, where something tells that without a look at all.
    fn candidates<'a>(&self, state: &'a WorkspaceState) -> Option<Vec<Listed<'a>>> {
        let managed: Vec<&Arc<AssetRecord>> = if let Some(uuid) = self.uuid {
            state.asset(uuid).into_iter().collect()
        } else if let Some(id) = self.id {
            state.assets_with_id(id).collect()
        } else if let Some(name) = &self.name {
            state.assets_named(name).collect()
        } else {
            return None;
        };
        // An unregistered anchor has no id, and can have any uuid.
        let others = state.unregistered().filter(|_| self.id.is_none());
        let others = others.map(|(path, parsed)| Listed::Unregistered(path, parsed));
        let mut managed = managed;
        managed.sort_by_key(|asset| (asset.anchor().or(asset.entry.anchor()).cloned(), asset.entry.uuid));
        Some(managed.into_iter().map(Listed::Managed).chain(others).collect())
    }

    /// Whether everything holds that one asset tells of itself.
    fn covers(&self, listed: &Listed<'_>) -> bool {
        let uuid = match listed {
            Listed::Managed(asset) => Some(asset.entry.uuid),
            Listed::Unregistered(_, parsed) => parsed.uuid(),
        };
        let is_there = |path: &AssetPath| match listed {
            Listed::Managed(asset) => asset
                .anchor()
                .or(asset.entry.anchor())
                .into_iter()
                .chain(asset.inputs())
                .any(|own| is_at_or_below(own, path)),
            Listed::Unregistered(anchor, _) => is_at_or_below(anchor, path),
        };
        let says = |text: &String| {
            anchor(listed).is_some_and(|anchor| anchor.as_str().contains(text))
                || name(listed).is_some_and(|name| name.as_str().contains(text))
        };
        self.uuid.is_none_or(|wanted| uuid == Some(wanted))
            && self.id.is_none_or(|wanted| id(listed) == Some(wanted))
            && self.name.as_ref().is_none_or(|wanted| name(listed) == Some(wanted))
            && self.path.as_ref().is_none_or(is_there)
            && self.kind.as_ref().is_none_or(|wanted| kind(listed) == Some(wanted))
            && self.state.is_none_or(|wanted| state_of(listed) == wanted)
            && self.text.as_ref().is_none_or(says)
    }
}

fn is_at_or_below(path: &AssetPath, other: &AssetPath) -> bool {
    path == other || path.strip_folder(other.as_str()).is_some()
}

fn anchor<'a>(listed: &Listed<'a>) -> Option<&'a AssetPath> {
    match listed {
        Listed::Managed(asset) => asset.anchor().or(asset.entry.anchor()),
        Listed::Unregistered(path, _) => Some(path),
    }
}

fn name<'a>(listed: &Listed<'a>) -> Option<&'a AssetName> {
    match listed {
        Listed::Managed(asset) => asset.name(),
        Listed::Unregistered(_, parsed) => parsed.name(),
    }
}

fn id(listed: &Listed<'_>) -> Option<AssetId> {
    match listed {
        Listed::Managed(asset) => Some(asset.entry.id),
        Listed::Unregistered(..) => None,
    }
}

fn kind<'a>(listed: &Listed<'a>) -> Option<&'a KindId> {
    match listed {
        Listed::Managed(asset) => asset.kind(),
        Listed::Unregistered(_, parsed) => parsed.kind(),
    }
}

fn state_of(listed: &Listed<'_>) -> AssetState {
    match listed {
        Listed::Managed(asset) => asset.state,
        Listed::Unregistered(..) => AssetState::Unregistered,
    }
}

/// The assets and paths that the diagnostics with one code are about.
struct Concerned<'a> {
    assets: BTreeSet<AssetUuid>,
    paths: BTreeSet<&'a AssetPath>,
    /// About a folder, and whatever is in it.
    wide: Vec<&'a Diagnostic>,
}

impl<'a> Concerned<'a> {
    fn by(state: &'a WorkspaceState, code: DiagnosticCode) -> Self {
        let mut found = Self { assets: BTreeSet::new(), paths: BTreeSet::new(), wide: Vec::new() };
        for divergence in state.divergences().iter().filter(|found| found.code.diagnostic() == code) {
            found.assets.extend(&divergence.assets);
            found.paths.extend(&divergence.paths);
        }
        for diagnostic in state.diagnostics().iter().filter(|found| found.code == code) {
            match &diagnostic.subject {
                Subject::Asset(uuid) => {
                    found.assets.insert(*uuid);
                }
                Subject::Path(path) if code == DiagnosticCode::PathCollision => {
                    found.paths.insert(path);
                    found.wide.push(diagnostic);
                }
                Subject::Path(path) => {
                    found.paths.insert(path);
                }
                Subject::Project | Subject::Unrepresentable(_) => {}
            }
        }
        found
    }

    fn has(&self, state: &WorkspaceState, listed: &Listed<'_>) -> bool {
        match listed {
            Listed::Managed(asset) => {
                let mut own = asset.anchor().into_iter().chain(asset.inputs());
                self.assets.contains(&asset.entry.uuid)
                    || own.any(|path| self.paths.contains(path))
                    || self.wide.iter().any(|diagnostic| concerns(state, asset, diagnostic))
            }
            Listed::Unregistered(path, _) => self.paths.contains(path),
        }
    }
}
