//! The name of a kind, such as `image`.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `[a-z][a-z0-9-]*`, at most 32 bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KindId(Arc<str>);

/// A text that is not the name of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is not the name of a kind: expected a lower-case letter, then up to 31 of a-z, 0-9 and `-`"
)]
pub struct KindIdError {
    /// The text as given.
    pub text: String,
}

crate::schema::described!(KindId, {
    "description": "The name of a kind, such as `image`.",
    "type": "string",
    "maxLength": 32,
    "pattern": "^[a-z][a-z0-9-]*$"
});

impl KindId {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, KindIdError> {
        let mut bytes = text.bytes();
        let valid = text.len() <= 32
            && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if valid { Ok(Self(Arc::from(text))) } else { Err(KindIdError { text: text.to_owned() }) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KindId {
    type Err = KindIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for KindId {
    type Error = KindIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Borrow<str> for KindId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<KindId> for String {
    fn from(kind: KindId) -> Self {
        kind.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_only() {
        assert!(KindId::parse("image").is_ok() && KindId::parse("my-kind2").is_ok());
        for bad in ["", "Image", "2d", "-a", "a_b", "a/b", &"x".repeat(33)] {
            assert!(KindId::parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
