//! Anchors: the TOML files that declare assets.
//!
//! Here are the two forms of an anchor's path and what a valid one says. Reading the text is in `parse`, edits that keep
//! its layout in `edit`, the text of new anchors in `text`. Which anchors exist and whether the registry knows them is
//! the workspace's business.

mod edit;
#[cfg(test)]
mod edit_tests;
mod inputs;
mod parse;
#[cfg(test)]
mod parse_tests;
mod plain;
mod text;

pub use edit::{AnchorEdit, EditError, edit_anchor};
pub use inputs::InputPatterns;
pub use parse::parse_anchor;
pub use text::{NewAnchor, new_anchor_text, new_sidecar_text};

use std::collections::BTreeMap;

use thiserror::Error;

use crate::diagnostic::Diagnostic;
use crate::identity::AssetUuid;
use crate::kind::{KindId, SettingValue};
use crate::name::AssetName;
use crate::path::{AssetPath, AssetPathError};

/// The file name of a directory asset's anchor.
pub const DIRECTORY_ANCHOR: &str = "asset.toml";

/// What follows the input's file name in a sidecar's.
pub const SIDECAR_SUFFIX: &str = ".asset.toml";

/// The longest file name that common file systems take.
const MAX_FILE_NAME_BYTES: usize = 255;

/// Which files an anchor is for, told from its path alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnchorForm {
    /// `<file>.asset.toml`: the one file beside it.
    Sidecar {
        /// That file.
        input: AssetPath,
    },
    /// `asset.toml`: files below the folder that it is in.
    Directory {
        /// That folder; `None` for the assets root.
        folder: Option<AssetPath>,
    },
}

/// The form of the anchor at `path`; `None` if the path is not an anchor's.
///
/// `.asset.toml` is not, having no file name before the suffix; nor is an anchor's own sidecar
/// (`asset.toml.asset.toml`), since anchors are no inputs.
pub fn anchor_form(path: &AssetPath) -> Option<AnchorForm> {
    if path.file_name() == DIRECTORY_ANCHOR {
        return Some(AnchorForm::Directory { folder: path.parent() });
    }
    let input = AssetPath::parse(sidecar_input(path)?).ok()?;
    Some(AnchorForm::Sidecar { input })
}

/// The path of the file that the sidecar at `path` stands beside, as text; `None` if the path is not a sidecar's.
pub(crate) fn sidecar_input(path: &AssetPath) -> Option<&str> {
    let input = path.as_str().strip_suffix(SIDECAR_SUFFIX)?;
    let name = input.rsplit_once('/').map_or(input, |(_, name)| name);
    (!matches!(name, "" | "." | "..") && !is_anchor_name(name)).then_some(input)
}

/// The path of the directory asset's anchor in `folder`, which is empty for the assets root.
pub(crate) fn directory_anchor_in(folder: &str) -> String {
    if folder.is_empty() { DIRECTORY_ANCHOR.to_owned() } else { format!("{folder}/{DIRECTORY_ANCHOR}") }
}

/// Whether the path is a directory asset's anchor.
pub(crate) fn is_directory_anchor(path: &AssetPath) -> bool {
    path.file_name() == DIRECTORY_ANCHOR
}

/// The path of the sidecar that declares `input`.
pub fn sidecar_of(input: &AssetPath) -> Result<AssetPath, SidecarError> {
    if has_anchor_name(input) {
        return Err(SidecarError::Anchor { path: input.clone() });
    }
    if input.file_name().len() + SIDECAR_SUFFIX.len() > MAX_FILE_NAME_BYTES {
        return Err(SidecarError::TooLong { path: input.clone() });
    }
    input.with_suffix(SIDECAR_SUFFIX).map_err(|source| SidecarError::Path { source })
}

/// Whether the file name is one that the packer keeps for anchors, whatever stands before it. Such files are no inputs.
pub fn has_anchor_name(path: &AssetPath) -> bool {
    is_anchor_name(path.file_name())
}

fn is_anchor_name(name: &str) -> bool {
    name == DIRECTORY_ANCHOR || name.ends_with(SIDECAR_SUFFIX)
}

/// A file that cannot have a sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SidecarError {
    /// It has an anchor's name.
    #[error("{path} has the name of an anchor, and an anchor is no input")]
    Anchor {
        /// The file.
        path: AssetPath,
    },
    /// No file system would take the sidecar's name.
    #[error("{path} has so long a name that its anchor's would be over {MAX_FILE_NAME_BYTES} bytes")]
    TooLong {
        /// The file.
        path: AssetPath,
    },
    /// The sidecar's path would not be an asset path.
    #[error("the sidecar would not have a valid path")]
    Path {
        /// Why.
        source: AssetPathError,
    },
}

/// What a valid anchor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorDeclaration {
    /// The asset's identity.
    pub uuid: AssetUuid,
    /// What code and other assets call it.
    pub name: AssetName,
    /// What it is; in the catalogue of kinds.
    pub kind: KindId,
    /// Whether it is loaded with the pack; `None` leaves it to the rules.
    pub preload: Option<bool>,
    /// Which files it claims.
    pub inputs: InputPatterns,
    /// The settings that it says, each valid for its kind. The rest comes from rules and defaults: see
    /// [`crate::rules::resolve_settings`].
    pub settings: BTreeMap<String, SettingValue>,
}

/// What could be understood of an anchor, and everything that is wrong with it.
///
/// It declares something exactly if nothing is wrong with it. A project holds one of these an asset, so what only a
/// faulty anchor has stands apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedAnchor {
    said: Said,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Valid(AnchorDeclaration),
    Faulty(Box<FaultyAnchor>),
}

/// What could be understood of an anchor with something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FaultyAnchor {
    pub(crate) uuid: Option<AssetUuid>,
    pub(crate) name: Option<AssetName>,
    pub(crate) kind: Option<KindId>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl ParsedAnchor {
    pub(crate) fn valid(declaration: AnchorDeclaration) -> Self {
        Self { said: Said::Valid(declaration) }
    }

    pub(crate) fn faulty(faulty: FaultyAnchor) -> Self {
        Self { said: Said::Faulty(Box::new(faulty)) }
    }

    /// What it declares, if nothing is wrong with it.
    pub fn declaration(&self) -> Option<&AnchorDeclaration> {
        match &self.said {
            Said::Valid(declaration) => Some(declaration),
            Said::Faulty(_) => None,
        }
    }

    /// The same, without the rest.
    pub fn into_declaration(self) -> Option<AnchorDeclaration> {
        match self.said {
            Said::Valid(declaration) => Some(declaration),
            Said::Faulty(_) => None,
        }
    }

    /// Its uuid, also where the rest is not valid, so that the asset can be followed.
    pub fn uuid(&self) -> Option<AssetUuid> {
        match &self.said {
            Said::Valid(declaration) => Some(declaration.uuid),
            Said::Faulty(faulty) => faulty.uuid,
        }
    }

    /// Its name, also where the rest is not valid.
    pub fn name(&self) -> Option<&AssetName> {
        match &self.said {
            Said::Valid(declaration) => Some(&declaration.name),
            Said::Faulty(faulty) => faulty.name.as_ref(),
        }
    }

    /// Its kind, if it is a known one, also where the rest is not valid.
    pub fn kind(&self) -> Option<&KindId> {
        match &self.said {
            Said::Valid(declaration) => Some(&declaration.kind),
            Said::Faulty(faulty) => faulty.kind.as_ref(),
        }
    }

    /// Everything that is wrong, in the order of the text.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match &self.said {
            Said::Valid(_) => &[],
            Said::Faulty(faulty) => &faulty.diagnostics,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> AssetPath {
        AssetPath::parse(text).unwrap()
    }

    #[test]
    fn the_path_tells_the_form() {
        let sidecar = |input| Some(AnchorForm::Sidecar { input: path(input) });
        assert_eq!(anchor_form(&path("ui/a.png.asset.toml")), sidecar("ui/a.png"));
        assert_eq!(anchor_form(&path("LICENCE.asset.toml")), sidecar("LICENCE"));
        assert_eq!(anchor_form(&path("asset.toml")), Some(AnchorForm::Directory { folder: None }));
        let hero = AnchorForm::Directory { folder: Some(path("art/hero")) };
        assert_eq!(anchor_form(&path("art/hero/asset.toml")), Some(hero));
        for other in [
            "a.png",
            ".asset.toml",
            "ui/.asset.toml",
            "Asset.toml",
            "a.png.asset.toml.bak",
            "asset.toml.asset.toml",
            "a.asset.toml.asset.toml",
            "myasset.toml",
        ] {
            assert_eq!(anchor_form(&path(other)), None, "{other}");
        }
    }

    #[test]
    fn a_sidecar_and_its_input_name_each_other() {
        let input = path("ui/a.png");
        let sidecar = sidecar_of(&input).unwrap();
        assert_eq!(sidecar.as_str(), "ui/a.png.asset.toml");
        assert_eq!(anchor_form(&sidecar), Some(AnchorForm::Sidecar { input }));
        assert!(matches!(sidecar_of(&sidecar), Err(SidecarError::Anchor { .. })));
        assert!(matches!(sidecar_of(&path("a/asset.toml")), Err(SidecarError::Anchor { .. })));
    }
}
