//! `AssetName`: what code and other assets call an asset, and how adoption derives one from a path.
//!
//! Uniqueness is among managed assets and is judged elsewhere: here is only the form.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::identity::Digest;
use crate::path::AssetPath;

/// The most bytes a name may have.
pub const MAX_NAME_BYTES: usize = 128;

/// `/`-separated segments of `[a-z0-9][a-z0-9._-]*`, at most [`MAX_NAME_BYTES`] bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssetName(Arc<str>);

/// A text that is not a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is not an asset name: expected segments of a-z, 0-9, `.`, `_` and `-`, each starting with a letter or a \
     digit, separated by `/`, at most {MAX_NAME_BYTES} bytes in all"
)]
pub struct AssetNameError {
    /// The text as given.
    pub text: String,
}

crate::schema::described!(AssetName, {
    "description": "What code and other assets call an asset.",
    "type": "string",
    "maxLength": MAX_NAME_BYTES,
    "pattern": "^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*$"
});

impl AssetName {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, AssetNameError> {
        let valid = text.len() <= MAX_NAME_BYTES && text.split('/').all(is_segment);
        if valid { Ok(Self(Arc::from(text))) } else { Err(AssetNameError { text: text.to_owned() }) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names that adoption tries for `path`, best first: without the extension, with it, then with 8 hexadecimal
    /// digits of the path's digest added, then with more of them. Lower-cased ASCII; every other run of characters
    /// becomes `-`, trimmed; a segment with nothing left becomes `asset-<8 hex>`.
    pub fn candidates(path: &AssetPath) -> impl Iterator<Item = Self> + use<> {
        let hex = Digest::of(path.as_str().as_bytes()).hex();
        let full = path.as_str().to_owned();
        let stem = match path.extension() {
            Some(extension) => full[..full.len() - extension.len() - 1].to_owned(),
            None => full.clone(),
        };
        let plain = slug(&stem, &hex);
        let with_extension = slug(&full, &hex);
        let numbered = (1..=8).map({
            let with_extension = with_extension.clone();
            move |k| {
                let tail = format!("-{}", &hex[..8 * k]);
                let keep = with_extension.len().min(MAX_NAME_BYTES - tail.len());
                let head = with_extension[..keep].trim_end_matches(['-', '.', '_', '/']);
                format!("{head}{tail}")
            }
        });
        [plain, with_extension].into_iter().chain(numbered).filter_map(|text| Self::parse(&text).ok())
    }
}

fn is_segment(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

fn slug(path: &str, hex: &str) -> String {
    let segments: Vec<String> = path.split('/').map(|segment| slug_segment(segment, hex)).collect();
    segments.join("/")
}

fn slug_segment(segment: &str, hex: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    let mut gap = false;
    for c in segment.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_') {
            if gap && !out.is_empty() {
                out.push('-');
            }
            gap = false;
            out.push(c);
        } else {
            gap = true;
        }
    }
    // A segment starts with a letter or a digit, and a name that ends in punctuation reads like a mistake.
    let trimmed = out.trim_matches(['.', '_', '-']);
    if trimmed.is_empty() { format!("asset-{}", &hex[..8]) } else { trimmed.to_owned() }
}

impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl FromStr for AssetName {
    type Err = AssetNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for AssetName {
    type Error = AssetNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<AssetName> for String {
    fn from(name: AssetName) -> Self {
        name.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(path: &str) -> String {
        AssetName::candidates(&AssetPath::parse(path).unwrap()).next().unwrap().to_string()
    }

    #[test]
    fn derives_readable_names() {
        assert_eq!(first("ui/confirm.png"), "ui/confirm");
        assert_eq!(first("UI/Big Button (2).PNG"), "ui/big-button-2");
        assert_eq!(first("music/01 - Intro.ogg"), "music/01-intro");
        assert_eq!(first("_private/.x/a__b.txt"), "private/x/a__b");
        assert_eq!(first("v1.2/readme"), "v1.2/readme");
        let hex = Digest::of("名前.png".as_bytes()).hex();
        assert_eq!(first("名前.png"), format!("asset-{}", &hex[..8]));
    }

    #[test]
    fn further_candidates_keep_the_extension_then_add_hex() {
        let names: Vec<String> =
            AssetName::candidates(&AssetPath::parse("a/b.png").unwrap()).map(|n| n.to_string()).collect();
        assert_eq!(names[..2], ["a/b", "a/b.png"]);
        assert!(names[2].starts_with("a/b.png-") && names[2].len() == "a/b.png-".len() + 8, "{names:?}");
    }

    #[test]
    fn a_path_of_any_length_gets_a_name() {
        let path = AssetPath::parse(&format!("{}/x.png", "long-folder".repeat(30))).unwrap();
        assert!(AssetName::candidates(&path).next().is_some());
    }

    #[test]
    fn refuses_other_forms() {
        for bad in ["", "/a", "a/", "a//b", "A", "-a", "a b", "ä", ".a", &"x".repeat(129)] {
            assert!(AssetName::parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
