//! `AssetPath`: a path below the assets root, exactly as on disk, and what makes one collide or travel badly.
//!
//! No IO: whether something exists at a path is the observation's knowledge. Names on disk that cannot be an
//! `AssetPath` are reported by the scan as `path/not-representable` and go no further than that diagnostic.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Longer paths (in bytes) are reported as not portable: Windows tools commonly stop at 260 with the drive and folder.
pub const PORTABLE_PATH_BYTES: usize = 240;

/// A path relative to the assets root: `/`-separated UTF-8 with no empty, `.` or `..` segment, no leading slash, no
/// backslash and no control character. Ordered by bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssetPath(Arc<str>);

crate::schema::described!(AssetPath, {
    "description": "A path below the assets root: segments separated by `/`, none of them empty, `.` or `..`, without \
                    backslash and control character.",
    "type": "string",
    "pattern": concat!(
        r"^(?!\.{1,2}(/|$))[^/\\\u0000-\u001f\u007f-\u009f]+",
        r"(/(?!\.{1,2}(/|$))[^/\\\u0000-\u001f\u007f-\u009f]+)*$"
    )
});

/// Why a text is not an [`AssetPath`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not a path below the assets root: {reason}")]
pub struct AssetPathError {
    /// The text as given.
    pub text: String,
    /// The rule it breaks.
    pub reason: AssetPathRule,
}

/// A rule that every [`AssetPath`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AssetPathRule {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// The text starts with a slash or a drive.
    #[error("it is absolute")]
    Absolute,
    /// A `.`, `..` or empty segment.
    #[error("it has an empty, `.` or `..` segment")]
    Segment,
    /// A backslash.
    #[error("it has a backslash")]
    Backslash,
    /// A control character.
    #[error("it has a control character")]
    Control,
}

impl AssetPath {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, AssetPathError> {
        match broken_rule(text) {
            None => Ok(Self(Arc::from(text))),
            Some(reason) => Err(AssetPathError { text: text.to_owned(), reason }),
        }
    }

    /// The path that sorts before every other.
    pub(crate) fn least() -> Self {
        // Control characters are refused, and a path is not empty.
        Self(Arc::from(" "))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is not only equal, but held in the same place.
    pub(crate) fn is_same_text(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The same as a `camino` path, for joining to a root.
    pub fn as_path(&self) -> &Utf8Path {
        Utf8Path::new(&*self.0)
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// The text after the last dot of the last segment, if something stands before that dot.
    pub fn extension(&self) -> Option<&str> {
        match self.file_name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => Some(extension),
            _ => None,
        }
    }

    /// The folder it is in; `None` directly below the assets root.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(Arc::from(parent)))
    }

    /// All folders it is in, from the innermost outwards.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        let mut rest: &str = &self.0;
        std::iter::from_fn(move || {
            rest = rest.rsplit_once('/')?.0;
            Some(rest)
        })
    }

    /// `self/name`, checked.
    pub fn join(&self, name: &str) -> Result<Self, AssetPathError> {
        Self::parse(&format!("{}/{name}", self.0))
    }

    /// `self` with `suffix` added to its last segment, checked.
    pub fn with_suffix(&self, suffix: &str) -> Result<Self, AssetPathError> {
        Self::parse(&format!("{}{suffix}", self.0))
    }

    /// What follows `folder/`, if this path is below `folder`.
    pub fn strip_folder(&self, folder: &str) -> Option<&str> {
        self.0.strip_prefix(folder)?.strip_prefix('/')
    }

    /// The form by which collisions are judged: NFC of the full case folding of the NFC. Two different paths with one
    /// key are one file on a file system that folds case or normalises.
    pub fn collision_key(&self) -> String {
        collision_key(&self.0)
    }

    /// Every reason why some system would not take this path, or not as it is.
    pub fn portability(&self) -> Vec<PortabilityIssue> {
        let mut issues = Vec::new();
        if self.0.len() <= PORTABLE_PATH_BYTES && self.0.split('/').all(is_plain_segment) {
            return issues;
        }
        if self.0.len() > PORTABLE_PATH_BYTES {
            issues.push(PortabilityIssue::TooLong { bytes: self.0.len() });
        }
        if !is_nfc(&self.0) {
            issues.push(PortabilityIssue::NotNfc);
        }
        for segment in self.0.split('/') {
            if is_reserved_on_windows(segment) {
                issues.push(PortabilityIssue::Reserved { segment: segment.to_owned() });
            }
            if segment.ends_with(['.', ' ']) {
                issues.push(PortabilityIssue::TrailingDotOrSpace { segment: segment.to_owned() });
            }
            if let Some(character) =
                segment.chars().find(|c| matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*'))
            {
                issues.push(PortabilityIssue::ForbiddenCharacter { segment: segment.to_owned(), character });
            }
        }
        issues
    }
}

/// A reason why a path does not travel to every system.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PortabilityIssue {
    /// Over [`PORTABLE_PATH_BYTES`].
    #[error("it is {bytes} bytes long; over {PORTABLE_PATH_BYTES}, some Windows tools cannot open it")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not in Unicode's composed form.
    #[error("it is not in Unicode's composed form (NFC), so macOS may show another name for it")]
    NotNfc,
    /// A device name on Windows, with or without an extension.
    #[error("{segment:?} is a device name on Windows")]
    Reserved {
        /// The segment.
        segment: String,
    },
    /// Windows drops a dot or a space at the end of a name.
    #[error("{segment:?} ends with a dot or a space, which Windows drops")]
    TrailingDotOrSpace {
        /// The segment.
        segment: String,
    },
    /// A character that Windows takes in no name.
    #[error("{segment:?} has {character:?}, which Windows takes in no name")]
    ForbiddenCharacter {
        /// The segment.
        segment: String,
        /// The first such character.
        character: char,
    },
}

/// The collision key of any text: see [`AssetPath::collision_key`].
pub fn collision_key(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    caseless::default_case_fold_str(&text.nfc().collect::<String>()).nfc().collect()
}

/// Whether a segment is of ASCII alone and has nothing about it that could trouble a system, told without looking twice
/// at any byte. What it refuses may still be in order.
fn is_plain_segment(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b' ' | b'+');
    segment.bytes().all(plain)
        && !segment.ends_with(['.', ' '])
        && (!is_like_a_device(segment) || !is_reserved_on_windows(segment))
}

/// Whether a segment begins as the names of devices do.
fn is_like_a_device(segment: &str) -> bool {
    matches!(segment.as_bytes().first().map(u8::to_ascii_lowercase), Some(b'a' | b'c' | b'l' | b'n' | b'p'))
}

/// Whether `text` keeps every rule, told in one walk over its bytes; what it refuses may still keep them.
fn is_plain(text: &str) -> bool {
    // Where the segment begins, and whether it is of dots alone so far.
    let (mut start, mut dots) = (0, true);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'/' => {
                if index == start || (dots && index - start <= 2) {
                    return false;
                }
                (start, dots) = (index + 1, true);
            }
            b'.' => {}
            b'\\' | 0..=0x1f | 0x7f.. => return false,
            _ => dots = false,
        }
    }
    text.len() > start && !(dots && text.len() - start <= 2)
}

fn broken_rule(text: &str) -> Option<AssetPathRule> {
    if is_plain(text) {
        None
    } else if text.is_empty() {
        Some(AssetPathRule::Empty)
    } else if text.starts_with('/') {
        Some(AssetPathRule::Absolute)
    } else if text.contains('\\') {
        Some(AssetPathRule::Backslash)
    } else if text.chars().any(char::is_control) {
        Some(AssetPathRule::Control)
    } else if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        Some(AssetPathRule::Segment)
    } else {
        None
    }
}

fn is_reserved_on_windows(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or(segment).trim_end_matches(' ');
    if ["con", "prn", "aux", "nul", "conin$", "conout$"].iter().any(|name| stem.eq_ignore_ascii_case(name)) {
        return true;
    }
    let mut chars = stem.chars();
    let prefix: String = chars.by_ref().take(3).collect();
    let number = chars.next();
    (prefix.eq_ignore_ascii_case("com") || prefix.eq_ignore_ascii_case("lpt"))
        && matches!(number, Some('0'..='9' | '¹' | '²' | '³'))
        && chars.next().is_none()
}

impl fmt::Display for AssetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AssetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl FromStr for AssetPath {
    type Err = AssetPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for AssetPath {
    type Error = AssetPathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<AssetPath> for String {
    fn from(path: AssetPath) -> Self {
        path.as_str().to_owned()
    }
}

impl Borrow<str> for AssetPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_what_is_below_the_root_and_names_the_rule_otherwise() {
        for good in ["a", "a/b.png", "Grüße/x y.png", ".hidden", "...", "a/..b", "-", "名前/あ.png"] {
            assert!(AssetPath::parse(good).is_ok(), "{good:?} was refused");
        }
        for (bad, rule) in [
            ("", AssetPathRule::Empty),
            ("/a", AssetPathRule::Absolute),
            ("a//b", AssetPathRule::Segment),
            ("a/", AssetPathRule::Segment),
            ("./a", AssetPathRule::Segment),
            ("a/../b", AssetPathRule::Segment),
            ("..", AssetPathRule::Segment),
            ("a\\b", AssetPathRule::Backslash),
            ("a\nb", AssetPathRule::Control),
            ("a\u{85}b", AssetPathRule::Control),
        ] {
            assert_eq!(AssetPath::parse(bad).map_err(|e| e.reason), Err(rule), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quickly_found_in_order_is(text in "([a.A/ \\-_:]|\\.\\.|con|COM1|é|\\\\|\u{7f}|\t){0,6}") {
            if is_plain(&text) {
                prop_assert!(!text.is_empty() && !text.starts_with('/') && !text.contains('\\'));
                prop_assert!(!text.chars().any(char::is_control));
                prop_assert!(text.split('/').all(|segment| !matches!(segment, "" | "." | "..")));
            } else if text.is_ascii() {
                prop_assert!(AssetPath::parse(&text).is_err());
            }
            if is_plain_segment(&text) && !text.is_empty() {
                let issue = |c: char| matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') || !c.is_ascii();
                prop_assert!(!is_reserved_on_windows(&text) && !text.ends_with(['.', ' ']) && !text.contains(issue));
            }
        }
    }

    #[test]
    fn extension_needs_a_stem() {
        let ext = |text| AssetPath::parse(text).unwrap().extension().map(str::to_owned);
        assert_eq!(ext("a/b.tar.gz").as_deref(), Some("gz"));
        assert_eq!(ext("a.d/b"), None);
        assert_eq!(ext(".png"), None);
    }

    #[test]
    fn collisions_are_judged_folded_and_composed() {
        let key = |text| AssetPath::parse(text).unwrap().collision_key();
        assert_eq!(key("UI/Ok.png"), key("ui/ok.PNG"));
        assert_eq!(key("stra\u{df}e"), key("STRASSE"));
        assert_eq!(key("e\u{301}"), key("\u{c9}"));
        assert_ne!(key("a"), key("b"));
    }

    #[test]
    fn portability_names_each_reason() {
        let issues = |text: &str| AssetPath::parse(text).unwrap().portability();
        assert_eq!(issues("ui/confirm.png"), []);
        assert!(matches!(issues("aux.png")[..], [PortabilityIssue::Reserved { .. }]));
        assert!(matches!(issues("a/COM1")[..], [PortabilityIssue::Reserved { .. }]));
        assert_eq!(issues("COM10"), []);
        assert_eq!(issues("comma"), []);
        assert!(matches!(issues("a /b")[..], [PortabilityIssue::TrailingDotOrSpace { .. }]));
        assert!(matches!(issues("e\u{301}")[..], [PortabilityIssue::NotNfc]));
        assert!(matches!(
            issues("what?.png")[..],
            [PortabilityIssue::ForbiddenCharacter { character: '?', .. }]
        ));
        assert!(matches!(issues(&"x".repeat(241))[..], [PortabilityIssue::TooLong { bytes: 241 }]));
    }
}
