//! What one scan saw on disk: facts only. What they mean beside the registry is decided in `workspace`.
//!
//! A value with structural sharing, so that an observation with a few changed files shares the rest with the one before.

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::anchor::ParsedAnchor;
use crate::diagnostic::Diagnostic;
use crate::identity::Digest;
use crate::packed::{packed_map, packed_set};
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
    /// What is in these lists, in whatever order they are; `problems` is what could not be observed. Made so, an
    /// observation takes the least memory: the nodes of its maps are full, and the path of an anchor is held once.
    pub fn new(
        mut files: Vec<(AssetPath, FileFact)>,
        mut folders: Vec<AssetPath>,
        mut anchors: Vec<(AssetPath, Arc<ParsedAnchor>)>,
        problems: Vec<Diagnostic>,
        ignored: u64,
    ) -> Self {
        files.sort_by(|a, b| a.0.cmp(&b.0));
        folders.sort();
        anchors.sort_by(|a, b| a.0.cmp(&b.0));
        let mut of_files = files.iter().map(|(path, _)| path).peekable();
        for (anchor, _) in &mut anchors {
            while of_files.next_if(|path| *path < anchor).is_some() {}
            if let Some(same) = of_files.next_if(|path| *path == anchor) {
                *anchor = same.clone();
            }
        }
        Self {
            files: packed_map(files),
            folders: packed_set(folders),
            anchors: packed_map(anchors),
            diagnostics: problems,
            ignored,
        }
    }

    /// Every file below the folder `folder`, in order of path bytes; below the assets root for `None`.
    pub fn files_below(&self, folder: Option<&AssetPath>) -> impl Iterator<Item = (&AssetPath, &FileFact)> {
        let prefix = folder.map_or_else(String::new, |folder| format!("{folder}/"));
        let range = self.files.range::<_, str>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        range.take_while(move |(path, _)| path.as_str().starts_with(&prefix))
    }

    /// The names of the files and folders directly in `folder`, which is empty for the assets root; files first.
    pub(crate) fn names_in<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let files = Directly {
            next: Some(prefix.clone()),
            prefix: prefix.clone(),
            find: move |from: &str| {
                let mut range = self.files.range::<_, str>((Bound::Included(from), Bound::Unbounded));
                range.next().map(|(path, _)| path.as_str())
            },
        };
        let folders = Directly {
            next: Some(prefix.clone()),
            prefix,
            find: move |from: &str| {
                let mut range = self.folders.range::<_, str>((Bound::Included(from), Bound::Unbounded));
                range.next().map(AssetPath::as_str)
            },
        };
        files.chain(folders)
    }
}

/// Walks what is directly in a folder, in a list of all paths: what is deeper is leapt over.
struct Directly<F> {
    prefix: String,
    /// From where to look on.
    next: Option<String>,
    find: F,
}

impl<'a, F: Fn(&str) -> Option<&'a str>> Iterator for Directly<F> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let path = (self.find)(self.next.as_deref()?)?;
            let Some(name) = path.strip_prefix(self.prefix.as_str()) else {
                self.next = None;
                return None;
            };
            // After a file comes whatever its path is a prefix of; after a folder, what sorts after a slash.
            match name.split_once('/') {
                None => {
                    self.next = Some(format!("{path}\0"));
                    return Some(name);
                }
                Some((folder, _)) => self.next = Some(format!("{}{folder}0", self.prefix)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchor::parse_anchor;
    use crate::kind::KindCatalog;

    #[test]
    fn is_the_same_in_whatever_order_it_was_listed_and_holds_the_path_of_an_anchor_once() {
        let path = |text| AssetPath::parse(text).unwrap();
        let fact = |text: &str| FileFact { size: 1, digest: Digest::of(text.as_bytes()) };
        let mut files = vec![
            (path("a.png"), fact("1")),
            (path("b.png.asset.toml"), fact("2")),
            (path("a.png.asset.toml"), fact("3")),
        ];
        let parsed = Arc::new(parse_anchor(b"", &path("a.png.asset.toml"), "f", &KindCatalog::default()));
        let anchors = vec![
            (path("b.png.asset.toml"), Arc::clone(&parsed)),
            (path("a.png.asset.toml"), Arc::clone(&parsed)),
        ];
        let observation = Observation::new(files.clone(), Vec::new(), anchors.clone(), Vec::new(), 0);
        files.reverse();
        let again = Observation::new(files, Vec::new(), anchors.into_iter().rev().collect(), Vec::new(), 0);
        assert_eq!(observation, again);
        for (anchor, _) in &observation.anchors {
            let (file, _) = observation.files.get_key_value(anchor).unwrap();
            assert!(file.is_same_text(anchor), "{anchor}");
        }
    }

    #[test]
    fn names_in_a_folder_are_those_directly_in_it() {
        let mut observation = Observation::default();
        for path in ["a", "b/x", "b/y/1", "b/y/2", "b/y.png", "b0", "c/z"] {
            let fact = FileFact { size: 1, digest: Digest::of(path.as_bytes()) };
            observation.files.insert(AssetPath::parse(path).unwrap(), fact);
        }
        for folder in ["b", "b/y", "c"] {
            observation.folders.insert(AssetPath::parse(folder).unwrap());
        }
        assert_eq!(observation.names_in("").collect::<Vec<_>>(), ["a", "b0", "b", "c"]);
        assert_eq!(observation.names_in("b").collect::<Vec<_>>(), ["x", "y.png", "y"]);
        assert_eq!(observation.names_in("b/y").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(observation.names_in("nowhere").count(), 0);
    }

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
