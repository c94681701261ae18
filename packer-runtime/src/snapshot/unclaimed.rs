//! The files that no anchor claims, by pages: which are meant is said here, and how many those are.

use packer_domain::identity::Revision;
use packer_domain::path::AssetPath;

use super::Snapshot;

/// Which of the files to list that no anchor claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnclaimedQuery {
    /// With this text in the path.
    pub text: Option<String>,
    /// How many to pass over.
    pub offset: usize,
    /// How many at the most; all of them for `None`.
    pub limit: Option<usize>,
}

/// A part of the files that no anchor claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclaimedPage {
    /// Of which snapshot.
    pub revision: Revision,
    /// How many files the query covers in all.
    pub total: usize,
    /// The part, by path bytes.
    pub rows: Vec<UnclaimedFile>,
}

/// A file that no anchor claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclaimedFile {
    /// Where it is.
    pub path: AssetPath,
    /// Bytes.
    pub size: u64,
}

impl Snapshot {
    /// The files that no anchor claims and that `query` covers.
    pub fn unclaimed_files(&self, query: &UnclaimedQuery) -> UnclaimedPage {
        let UnclaimedQuery { text, offset, limit } = query;
        let all = self.unclaimed();
        let is_meant = |path: &&AssetPath| text.as_ref().is_none_or(|text| path.as_str().contains(text));
        // What nobody claims is told from what was observed, so each has a size.
        let row = |path: &AssetPath| Some(UnclaimedFile { path: path.clone(), size: self.size_of(path)? });
        let page = all.iter().filter(is_meant).skip(*offset).take(limit.unwrap_or(usize::MAX));
        UnclaimedPage {
            revision: self.revision(),
            total: if text.is_none() { all.len() } else { all.iter().filter(is_meant).count() },
            rows: page.filter_map(row).collect(),
        }
    }
}
