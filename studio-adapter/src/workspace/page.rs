//! Which rows are wanted: of the navigator, and of the files that no anchor claims. Words as people type them; what they
//! select is the packer's to say.

use packer_runtime::api::{self, AssetQuery, AssetSort, Status, UnclaimedFile};
use serde::Serialize;

use super::rows::AssetStateView;
use crate::error::{ErrorView, read_some};
use crate::freshness::FreshnessBadge;

/// How many rows a page has, unless another number is asked for.
const ROWS: u64 = 200;

/// Which rows of the navigator are wanted, and in which order. Every part that is given has to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NavigatorQuery {
    /// With this text in the name or the anchor's path.
    pub text: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this state.
    pub state: Option<AssetStateView>,
    /// Whom a diagnostic or a divergence with this code concerns.
    pub code: Option<String>,
    /// At this path below the assets root, or below it.
    pub path: Option<String>,
    /// In which order.
    pub sort: SortView,
    /// From the last to the first.
    pub descending: bool,
    /// How many rows to pass over.
    pub offset: u64,
    /// How many rows at the most.
    pub limit: u64,
}

/// The order of a list of assets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SortView {
    /// By the anchors' paths; those that the registry does not know come last.
    #[default]
    Anchor,
    /// By name.
    Name,
    /// By runtime id.
    Id,
    /// By kind.
    Kind,
    /// What can be built first, then by how much is in the way.
    State,
}

/// Which of the files are wanted that no anchor claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnclaimedQuery {
    /// With this text in the path.
    pub text: Option<String>,
    /// How many to pass over.
    pub offset: u64,
    /// How many at the most.
    pub limit: u64,
}

/// A part of the files that no anchor claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnclaimedPage {
    /// The number of the snapshot.
    pub revision: u64,
    /// What is known of the snapshot against the disk.
    pub freshness: FreshnessBadge,
    /// How many files the query covers in all.
    pub total: u64,
    /// The part that was asked for, by path.
    pub rows: Vec<UnclaimedRow>,
}

/// A file that no anchor claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnclaimedRow {
    /// Where it is, below the assets root.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

impl Default for NavigatorQuery {
    fn default() -> Self {
        Self {
            text: None,
            kind: None,
            state: None,
            code: None,
            path: None,
            sort: SortView::default(),
            descending: false,
            offset: 0,
            limit: ROWS,
        }
    }
}

impl Default for UnclaimedQuery {
    fn default() -> Self {
        Self { text: None, offset: 0, limit: ROWS }
    }
}

impl NavigatorQuery {
    pub(crate) fn read(&self) -> Result<AssetQuery, ErrorView> {
        let Self { text, kind, state, code, path, sort, descending, offset, limit } = self;
        Ok(AssetQuery {
            uuid: None,
            id: None,
            name: None,
            path: read_some("path", path.as_deref())?,
            kind: read_some("kind", kind.as_deref())?,
            state: state.map(AssetStateView::state),
            diagnostic: read_some("code", code.as_deref())?,
            text: text.clone(),
            sort: match sort {
                SortView::Anchor => AssetSort::Anchor,
                SortView::Name => AssetSort::Name,
                SortView::Id => AssetSort::Id,
                SortView::Kind => AssetSort::Kind,
                SortView::State => AssetSort::State,
            },
            descending: *descending,
            offset: index(*offset),
            limit: Some(index(*limit)),
        })
    }
}

impl UnclaimedQuery {
    fn read(&self) -> api::UnclaimedQuery {
        let Self { text, offset, limit } = self;
        api::UnclaimedQuery { text: text.clone(), offset: index(*offset), limit: Some(index(*limit)) }
    }
}

impl UnclaimedRow {
    fn of(file: &UnclaimedFile) -> Self {
        let UnclaimedFile { path, size } = file;
        Self { path: path.to_string(), size: *size }
    }
}

impl UnclaimedPage {
    pub(crate) fn of(status: &Status, query: &UnclaimedQuery) -> Self {
        let api::UnclaimedPage { revision, total, rows } = status.snapshot.unclaimed_files(&query.read());
        Self {
            revision: revision.0,
            freshness: FreshnessBadge::of(&status.freshness),
            total: total as u64,
            rows: rows.iter().map(UnclaimedRow::of).collect(),
        }
    }
}

/// No list is longer than what the machine can number.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
