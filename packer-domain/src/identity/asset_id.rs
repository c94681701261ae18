//! `AssetId`: the number by which a running game knows an asset, stable for the asset's life.
//!
//! Ids are allocated from the uuid, never from a counter, so two branches that both adopt assets do not fight over a
//! `next_id` line. Whether an id is free is the registry's knowledge; here is only the sequence of candidates.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::AssetUuid;

/// A non-zero number that names an asset in a pack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct AssetId(NonZeroU32);

/// A number or text that is not an asset id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not an asset id: expected a whole number from 1 to 4294967295")]
pub struct AssetIdError {
    /// The text as given.
    pub text: String,
}

crate::schema::described!(AssetId, {
    "description": "The number by which a running game knows an asset.",
    "type": "integer",
    "minimum": 1,
    "maximum": u32::MAX
});

impl AssetId {
    /// The id with this number, if it is not zero.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The ids that `uuid` may be given, in order of preference: the first 4 little-endian bytes of
    /// `blake3(uuid ‖ k as u32 le)` for k = 0, 1, 2 …, without zero.
    ///
    /// The registry takes the first that no line holds, live or retired.
    pub fn candidates(uuid: AssetUuid) -> impl Iterator<Item = Self> {
        (0_u32..=u32::MAX).filter_map(move |k| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(uuid.as_bytes());
            hasher.update(&k.to_le_bytes());
            let hash = hasher.finalize();
            let [a, b, c, d, ..] = *hash.as_bytes();
            Self::new(u32::from_le_bytes([a, b, c, d]))
        })
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssetId({})", self.0)
    }
}

impl FromStr for AssetId {
    type Err = AssetIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || AssetIdError { text: text.to_owned() };
        // One spelling: no sign, no leading zeros.
        let is_plain = !text.starts_with(['+', '0']);
        text.parse::<u32>().ok().filter(|_| is_plain).and_then(Self::new).ok_or_else(error)
    }
}

impl TryFrom<u32> for AssetId {
    type Error = AssetIdError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        Self::new(number).ok_or_else(|| AssetIdError { text: number.to_string() })
    }
}

impl From<AssetId> for u32 {
    fn from(id: AssetId) -> Self {
        id.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!("10".parse::<AssetId>().unwrap().get(), 10);
        for other in ["01", "+1", "0", "00", "-1", " 1", "1 ", "4294967296", ""] {
            assert!(other.parse::<AssetId>().is_err(), "{other:?}");
        }
    }

    #[test]
    fn candidates_are_those_of_the_format() {
        let uuid: AssetUuid = "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10".parse().unwrap();
        let expected: Vec<u32> = (0_u32..3)
            .map(|k| {
                let mut bytes = uuid.as_bytes().to_vec();
                bytes.extend(k.to_le_bytes());
                u32::from_le_bytes(blake3::hash(&bytes).as_bytes()[..4].try_into().unwrap())
            })
            .collect();
        let got: Vec<u32> = AssetId::candidates(uuid).take(3).map(AssetId::get).collect();
        assert_eq!(got, expected);
    }
}
