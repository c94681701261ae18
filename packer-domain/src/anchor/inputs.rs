//! Which files an anchor claims.
//!
//! Cutting an inner directory asset out of an outer one is the workspace's business: here is one anchor alone.

use globset::GlobSet;

use crate::path::AssetPath;
use crate::pattern::{self, PatternError};

use super::{AnchorForm, has_anchor_name};

/// What patterns of inputs are relative to.
pub(super) const BASE: &str = "the anchor's folder";

/// The files that an anchor claims: the one beside a sidecar, or those below a directory asset's folder that match one
/// of its patterns. Anchors are never claimed.
#[derive(Clone, Debug)]
pub struct InputPatterns {
    form: AnchorForm,
    patterns: Vec<String>,
    set: GlobSet,
}

impl InputPatterns {
    /// Of a sidecar.
    pub fn sidecar(input: AssetPath) -> Self {
        Self { form: AnchorForm::Sidecar { input }, patterns: Vec::new(), set: GlobSet::empty() }
    }

    /// Of a directory asset in `folder` (`None` for the assets root).
    pub fn directory(folder: Option<AssetPath>, patterns: Vec<String>) -> Result<Self, PatternError> {
        let globs = patterns.iter().map(|text| pattern::compile(text, BASE)).collect::<Result<_, _>>()?;
        Ok(Self { form: AnchorForm::Directory { folder }, set: pattern::compile_set(globs)?, patterns })
    }

    /// Whether the file at `path` is claimed.
    pub fn matches(&self, path: &AssetPath) -> bool {
        match &self.form {
            AnchorForm::Sidecar { input } => input == path,
            AnchorForm::Directory { folder } => {
                let relative = match folder {
                    None => Some(path.as_str()),
                    Some(folder) => path.strip_folder(folder.as_str()),
                };
                !has_anchor_name(path) && relative.is_some_and(|relative| self.set.is_match(relative))
            }
        }
    }

    /// Which form the anchor has, with the input or the folder.
    pub fn form(&self) -> &AnchorForm {
        &self.form
    }

    /// The patterns as written; none for a sidecar.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether `pattern` could stand in a directory asset's `inputs`.
    pub fn check_pattern(pattern: &str) -> Result<(), PatternError> {
        pattern::compile(pattern, BASE).map(|_| ())
    }
}

impl PartialEq for InputPatterns {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form && self.patterns == other.patterns
    }
}

impl Eq for InputPatterns {}

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
    fn a_sidecar_claims_its_file_alone() {
        let inputs = InputPatterns::sidecar(path("a.png"));
        assert!(inputs.matches(&path("a.png")));
        assert!(!inputs.matches(&path("a.png2")));
    }
}
