//! Patterns of paths, as rules and the inputs of directory assets write them.
//!
//! `*` and `?` match within a segment, `**` any number of segments, `{a,b}` either, `[ab]` one of the characters. A
//! pattern is anchored: `*.png` is a file directly in the folder, `**/*.png` one at any depth. Which folder it is relative
//! to is said by whoever holds the pattern. Case counts, on every system.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use thiserror::Error;

/// The most bytes that a pattern may have.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// The most patterns that one file may have: rules of a project, or inputs of an anchor.
pub const MAX_PATTERNS: usize = 1000;

/// A text that is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// The text is empty.
    #[error("a pattern must not be empty")]
    Empty,
    /// Over [`MAX_PATTERN_BYTES`].
    #[error("the pattern has {bytes} bytes; at most {MAX_PATTERN_BYTES} are taken")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It starts with a slash or a drive.
    #[error("{text:?} is absolute; a pattern starts at {base}")]
    Absolute {
        /// The pattern.
        text: String,
        /// What it is relative to.
        base: &'static str,
    },
    /// It has a `..` segment.
    #[error("{text:?} has a `..` segment; a pattern never leaves {base}")]
    Outside {
        /// The pattern.
        text: String,
        /// What it is relative to.
        base: &'static str,
    },
    /// It has an empty or a `.` segment, and so can match nothing.
    #[error("{text:?} has an empty or a `.` segment, which no path has")]
    Segment {
        /// The pattern.
        text: String,
    },
    /// It has a backslash.
    #[error("{text:?} has a backslash; folders are separated by `/`, and `[*]` stands for a plain `*`")]
    Backslash {
        /// The pattern.
        text: String,
    },
    /// It has a control character, which no path has.
    #[error("{text:?} has a control character, and no path has one")]
    Control {
        /// The pattern.
        text: String,
    },
    /// Its brackets or braces do not close, or it is too large when written out.
    #[error("{text:?} is not a pattern: {reason}")]
    Syntax {
        /// The pattern.
        text: String,
        /// What is wrong.
        reason: String,
    },
}

/// Checks and compiles one pattern that starts at `base` (`the assets root`, `the anchor's folder`).
pub(crate) fn compile(text: &str, base: &'static str) -> Result<Glob, PatternError> {
    let owned = || text.to_owned();
    if text.is_empty() {
        return Err(PatternError::Empty);
    }
    if text.len() > MAX_PATTERN_BYTES {
        return Err(PatternError::TooLong { bytes: text.len() });
    }
    if text.contains('\\') {
        return Err(PatternError::Backslash { text: owned() });
    }
    if text.contains(char::is_control) {
        return Err(PatternError::Control { text: owned() });
    }
    let drive = text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic();
    if text.starts_with('/') || drive {
        return Err(PatternError::Absolute { text: owned(), base });
    }
    if text.split(['/', '{', '}', ',']).any(|segment| segment == "..") {
        return Err(PatternError::Outside { text: owned(), base });
    }
    if text.split('/').any(|segment| matches!(segment, "" | ".")) {
        return Err(PatternError::Segment { text: owned() });
    }
    let syntax =
        |error: &globset::Error| PatternError::Syntax { text: owned(), reason: error.kind().to_string() };
    let glob = GlobBuilder::new(text)
        .literal_separator(true)
        .backslash_escape(false)
        .empty_alternates(true)
        .build()
        .map_err(|error| syntax(&error))?;
    // The set's automaton has bounds of its own, which a pattern alone can pass.
    GlobSetBuilder::new().add(glob.clone()).build().map_err(|error| syntax(&error))?;
    Ok(glob)
}

/// All of `globs` as one set, which answers with indexes.
pub(crate) fn compile_set(globs: Vec<Glob>) -> Result<GlobSet, PatternError> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(glob);
    }
    builder.build().map_err(|error| PatternError::Syntax {
        text: error.glob().unwrap_or("the patterns together").to_owned(),
        reason: error.kind().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        compile(pattern, "the assets root").unwrap().compile_matcher().is_match(path)
    }

    #[test]
    fn patterns_are_anchored_and_stars_stop_at_a_slash() {
        assert!(matches("*.png", "a.png") && !matches("*.png", "ui/a.png"));
        assert!(matches("**/*.png", "a.png") && matches("**/*.png", "ui/deep/a.png"));
        assert!(matches("ui/**/*.png", "ui/a.png") && !matches("ui/**/*.png", "hud/ui/a.png"));
        assert!(matches("ui/**", "ui/a/b") && !matches("ui/**", "ui"));
        assert!(matches("a.{png,jpg}", "a.jpg") && !matches("a.png", "A.png"));
        assert!(matches("[*]", "*") && !matches("[*]", "a"));
    }

    #[test]
    fn refused_with_the_reason() {
        let refused = |text: &str| compile(text, "the assets root").unwrap_err();
        assert_eq!(refused(""), PatternError::Empty);
        assert!(matches!(refused("/a"), PatternError::Absolute { .. }));
        assert!(matches!(refused("C:/a"), PatternError::Absolute { .. }));
        assert!(matches!(refused("a/../b"), PatternError::Outside { .. }));
        assert!(matches!(refused("{..,a}/b"), PatternError::Outside { .. }));
        assert!(matches!(refused("a//b"), PatternError::Segment { .. }));
        assert!(matches!(refused("a\\b"), PatternError::Backslash { .. }));
        assert!(matches!(refused("a[b"), PatternError::Syntax { .. }));
        assert!(matches!(refused("a{b"), PatternError::Syntax { .. }));
        assert!(matches!(refused(&"a".repeat(2000)), PatternError::TooLong { bytes: 2000 }));
    }
}
