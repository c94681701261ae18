//! Which files an anchor claims.
//!
//! Cutting an inner directory asset out of an outer one is the workspace's business: here is one anchor alone.

use globset::GlobSet;

use crate::path::AssetPath;
use crate::pattern::{self, PatternError};

use super::has_anchor_name;

/// What patterns of inputs are relative to.
pub(super) const BASE: &str = "the anchor's folder";

/// Which files an anchor claims beside what its path says: for a directory asset, those below its folder that match one
/// of its patterns, and never an anchor. A sidecar has no patterns; it claims the file that it stands beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputPatterns {
    /// Apart, since nearly every anchor of a project is a sidecar.
    directory: Option<Box<Directory>>,
}

#[derive(Clone, Debug)]
struct Directory {
    folder: Option<AssetPath>,
    patterns: Vec<String>,
    set: GlobSet,
}

impl InputPatterns {
    /// Of a sidecar.
    pub fn sidecar() -> Self {
        Self { directory: None }
    }

    /// Of a directory asset in `folder` (`None` for the assets root).
    pub fn directory(folder: Option<AssetPath>, patterns: Vec<String>) -> Result<Self, PatternError> {
        let globs = patterns.iter().map(|text| pattern::compile(text, BASE)).collect::<Result<_, _>>()?;
        let set = pattern::compile_set(globs)?;
        Ok(Self { directory: Some(Box::new(Directory { folder, patterns, set })) })
    }

    /// Whether a pattern claims the file at `path`.
    pub fn matches(&self, path: &AssetPath) -> bool {
        let Some(Directory { folder, set, .. }) = self.directory.as_deref() else { return false };
        let relative = match folder {
            None => Some(path.as_str()),
            Some(folder) => path.strip_folder(folder.as_str()),
        };
        !has_anchor_name(path) && relative.is_some_and(|relative| set.is_match(relative))
    }

    /// Whether they are a sidecar's.
    pub fn is_sidecar(&self) -> bool {
        self.directory.is_none()
    }

    /// The folder of a directory asset; `None` for the assets root, and for a sidecar.
    pub fn folder(&self) -> Option<&AssetPath> {
        self.directory.as_ref()?.folder.as_ref()
    }

    /// The patterns as written; none for a sidecar.
    pub fn patterns(&self) -> &[String] {
        self.directory.as_ref().map_or(&[], |directory| &directory.patterns)
    }

    /// Whether `pattern` could stand in a directory asset's `inputs`.
    pub fn check_pattern(pattern: &str) -> Result<(), PatternError> {
        pattern::compile(pattern, BASE).map(|_| ())
    }
}

impl PartialEq for Directory {
    fn eq(&self, other: &Self) -> bool {
        self.folder == other.folder && self.patterns == other.patterns
    }
}

impl Eq for Directory {}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> AssetPath {
        AssetPath::parse(text).unwrap()
    }

    #[test]
    fn a_directory_claims_below_its_folder_and_never_an_anchor() {
        let inputs =
            InputPatterns::directory(Some(path("hero")), vec!["frames/*".into(), "*.txt".into()]).unwrap();
        assert!(inputs.matches(&path("hero/frames/1.png")));
        assert!(inputs.matches(&path("hero/a.txt")));
        for other in ["hero/frames/x/1.png", "heroine/a.txt", "a.txt", "hero/frames/1.png.asset.toml", "hero"]
        {
            assert!(!inputs.matches(&path(other)), "{other}");
        }
        let all = InputPatterns::directory(None, vec!["**".into()]).unwrap();
        assert!(all.matches(&path("a/b.c")));
        assert!(!all.matches(&path("asset.toml")));
    }

    #[test]
    fn a_sidecar_has_no_patterns() {
        let inputs = InputPatterns::sidecar();
        assert!(inputs.is_sidecar() && inputs.patterns().is_empty());
        assert!(!inputs.matches(&path("a.png")));
    }
}
