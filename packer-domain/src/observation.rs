//! What one scan saw on disk: facts only. What they mean beside the registry is decided in `workspace`.
//!
//! A value with structural sharing, so that an observation with a few changed files shares the rest with the one before.

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::anchor::ParsedAnchor;
use crate::diagnostic::Diagnostic;
use crate::identity::Digest;
use crate::path::AssetPath;

/// The content of a file, as far as the packer's decisions go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFact {
    /// Bytes.
    pub size: u64,
    /// Digest of the contents.
    pub digest: Digest,
}

/// Everything below the assets root that is not ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Every file, anchors included.
    pub files: OrdMap<AssetPath, FileFact>,
    /// Every folder, empty ones included.
    pub folders: OrdSet<AssetPath>,
    /// Every anchor, parsed.
    pub anchors: OrdMap<AssetPath, Arc<ParsedAnchor>>,
    /// What could not be observed, and why.
    pub diagnostics: Vec<Diagnostic>,
    /// How many names were passed over because an ignore rule covers them.
    pub ignored: u64,
}

impl Observation {
    /// Every file below the folder `folder`, in order of path bytes; below the assets root for `None`.
    pub fn files_below(&self, folder: Option<&AssetPath>) -> impl Iterator<Item = (&AssetPath, &FileFact)> {
        let prefix = folder.map_or_else(String::new, |folder| format!("{folder}/"));
        let range = self.files.range::<_, str>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        range.take_while(move |(path, _)| path.as_str().starts_with(&prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_a_folder_are_those_and_no_neighbours() {
        let mut observation = Observation::default();
        for path in ["a", "a b/x", "a.png", "a/1", "a/b/2", "a0", "b/3"] {
            let fact = FileFact { size: 1, digest: Digest::of(path.as_bytes()) };
            observation.files.insert(AssetPath::parse(path).unwrap(), fact);
        }
        let below = |folder: Option<&str>| -> Vec<String> {
            let folder = folder.map(|folder| AssetPath::parse(folder).unwrap());
            observation.files_below(folder.as_ref()).map(|(path, _)| path.to_string()).collect()
        };
        assert_eq!(below(Some("a")), ["a/1", "a/b/2"]);
        assert_eq!(below(Some("b")), ["b/3"]);
        assert_eq!(below(Some("c")).len(), 0);
        assert_eq!(below(None).len(), 7);
    }
}
