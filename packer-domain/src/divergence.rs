//! Divergence: the typed differences between what the registry accepted and what is on disk, and the resolutions that
//! the packer offers for each.
//!
//! Types only. They are computed in `workspace`, and a resolution is carried out by the planner in `mutation`; nothing is
//! ever resolved without an operation that somebody asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::identity::{AssetId, AssetUuid};
use crate::path::AssetPath;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:ident,)*) => {
        /// What kind of difference a divergence is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DivergenceCode {
            $($(#[$doc])* $variant,)*
        }

        impl DivergenceCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The diagnostic code with the same text: its title and explanation are those of the divergence.
            pub fn diagnostic(self) -> DiagnosticCode {
                match self { $(Self::$variant => DiagnosticCode::$code,)* }
            }
        }
    };
}

codes! {
    /// An anchor on disk that the registry does not know.
    AnchorUnregistered = AnchorUnregistered,
    /// Registered, and no anchor with this uuid on disk.
    AnchorMissing = AnchorMissing,
    /// The registered uuid is at exactly one other path.
    AnchorMoved = AnchorMoved,
    /// One uuid at two or more paths.
    AnchorDuplicateUuid = AnchorDuplicateUuid,
    /// The registered anchor does not parse or validate.
    AnchorInvalid = AnchorInvalid,
    /// Two managed assets with one name.
    NameConflict = NameConflict,
    /// One id on two lines of the registry.
    RegistryDuplicateId = RegistryDuplicateId,
    /// One uuid on two lines of the registry that differ.
    RegistryDuplicateEntry = RegistryDuplicateEntry,
    /// An asset whose source is not there.
    InputMissing = InputMissing,
    /// A reference to a name that no managed asset has.
    ReferenceUnresolved = ReferenceUnresolved,
    /// Assets that refer to each other in a circle.
    ReferenceCycle = ReferenceCycle,
}

impl DivergenceCode {
    /// The code as text, such as `anchor/moved`.
    pub fn as_str(self) -> &'static str {
        self.diagnostic().as_str()
    }

    /// Whether an included asset with this divergence keeps a build from starting.
    pub fn stops_builds(self) -> bool {
        self != Self::AnchorUnregistered
    }
}

impl fmt::Display for DivergenceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DivergenceCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

crate::schema::described!(DivergenceCode, {
    "description": "What kind of difference a divergence is.",
    "type": "string",
    "enum": DivergenceCode::ALL
});

/// A text that is no divergence code.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not a divergence code")]
pub struct UnknownDivergence {
    /// The text as given.
    pub text: String,
}

impl FromStr for DivergenceCode {
    type Err = UnknownDivergence;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|code| code.as_str() == text);
        found.ok_or_else(|| UnknownDivergence { text: text.to_owned() })
    }
}

/// A way to end a divergence, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// Take the anchor into the registry.
    Register,
    /// Retire the registry's line; its id stays reserved.
    Retire,
    /// Accept the path at which the anchor is now.
    AcceptMove,
    /// Give a copy a uuid (and, where its name is taken, a name) of its own.
    NewUuid,
    /// Give one of the assets another name.
    Rename,
    /// Give the later uuid another id.
    Reallocate,
    /// Keep one of the differing lines, counted from 1 as they are listed.
    KeepLine(u8),
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register => f.write_str("register"),
            Self::Retire => f.write_str("retire"),
            Self::AcceptMove => f.write_str("accept-move"),
            Self::NewUuid => f.write_str("new-uuid"),
            Self::Rename => f.write_str("rename"),
            Self::Reallocate => f.write_str("reallocate"),
            Self::KeepLine(line) => write!(f, "keep-{line}"),
        }
    }
}

crate::schema::described!(Resolution, {
    "description": "A way to end a divergence, by its name on the command line.",
    "type": "string",
    "pattern": concat!(
        "^(register|retire|accept-move|new-uuid|rename|reallocate|",
        "keep-([1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))$"
    )
});

/// A text that is no resolution.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is not a resolution: expected register, retire, accept-move, new-uuid, rename, reallocate, or keep-1, \
     keep-2 …"
)]
pub struct UnknownResolution {
    /// The text as given.
    pub text: String,
}

impl FromStr for Resolution {
    type Err = UnknownResolution;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "register" => Self::Register,
            "retire" => Self::Retire,
            "accept-move" => Self::AcceptMove,
            "new-uuid" => Self::NewUuid,
            "rename" => Self::Rename,
            "reallocate" => Self::Reallocate,
            _ => {
                let line = text.strip_prefix("keep-").and_then(|line| line.parse().ok());
                let line = line.filter(|line| *line > 0 && text == format!("keep-{line}"));
                Self::KeepLine(line.ok_or_else(|| UnknownResolution { text: text.to_owned() })?)
            }
        })
    }
}

impl Serialize for Resolution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A resolution that the packer offers for one divergence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResolutionOffer {
    /// Which.
    pub resolution: Resolution,
    /// What it would do here, in one line without a final period.
    pub title: String,
    /// What it needs to be told besides, if anything.
    pub needs: Vec<ResolutionNeed>,
}

/// Something that a resolution has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResolutionNeed {
    /// Which of the divergence's paths it is for.
    Path,
    /// A name.
    Name,
}

/// One difference between the registry and the disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Divergence {
    /// Which kind.
    pub code: DivergenceCode,
    /// The paths concerned (anchors first registered, then by bytes; for `input/missing` the anchor).
    pub paths: Vec<AssetPath>,
    /// The assets concerned, in order.
    pub assets: Vec<AssetUuid>,
    /// The runtime ids concerned, in order.
    pub ids: Vec<AssetId>,
    /// What differs, in one sentence without a final period.
    pub message: String,
    /// What can be done about it; a consumer lists what it is given.
    pub resolutions: Vec<ResolutionOffer>,
}

impl Divergence {
    /// The finding that says the same, for lists of diagnostics. `file` turns a path into one relative to the project.
    pub fn to_diagnostic(&self, file: impl Fn(&AssetPath) -> String) -> Diagnostic {
        let subject = match (self.assets.first(), self.paths.first()) {
            (Some(uuid), _) => Subject::Asset(*uuid),
            (None, Some(path)) => Subject::Path(path.clone()),
            (None, None) => Subject::Project,
        };
        let mut diagnostic = Diagnostic::new(self.code.diagnostic(), subject, self.message.clone());
        if let Some(path) = self.paths.first() {
            diagnostic = diagnostic.in_file(file(path));
        }
        for path in self.paths.iter().skip(1) {
            diagnostic = diagnostic.related("also concerned", file(path));
        }
        diagnostic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        for code in DivergenceCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        for text in
            ["register", "retire", "accept-move", "new-uuid", "rename", "reallocate", "keep-1", "keep-12"]
        {
            assert_eq!(text.parse::<Resolution>().unwrap().to_string(), text);
        }
        for bad in ["", "keep-0", "keep-", "keep-01", "keep-999", "Retire"] {
            assert!(bad.parse::<Resolution>().is_err(), "{bad:?} was taken");
        }
    }
}
