//! How packs are built: compression, alignment, durability, constants, and what a profile does differently.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::constants::ConstantsLanguages;

/// The level of `zstd` where none is said: most of the gain at a speed that does not slow a build down.
pub const DEFAULT_ZSTD_LEVEL: i32 = 3;

/// The greatest level of `zstd`.
const MAX_ZSTD_LEVEL: i32 = 22;

/// How payloads are compressed in a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// Not at all: a game reads them where they are mapped.
    None,
    /// LZ4: little gain, the fastest to unpack.
    Lz4,
    /// Zstandard.
    Zstd {
        /// From 1 (fast) to 22 (small).
        level: i32,
    },
}

/// A text that names no compression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is no compression: expected \"none\", \"lz4\", \"zstd\", or \"zstd:\" with a level from 1 to {MAX_ZSTD_LEVEL}"
)]
pub struct CompressionError {
    /// The text as given.
    pub text: String,
}

impl FromStr for Compression {
    type Err = CompressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let level = |digits: &str| {
            let plain = digits.len() <= 2 && digits.bytes().all(|b| b.is_ascii_digit());
            let level = digits.parse().ok().filter(|level| (1..=MAX_ZSTD_LEVEL).contains(level));
            level.filter(|_| plain)
        };
        let compression = match text.split_once(':') {
            None if text == "none" => Some(Self::None),
            None if text == "lz4" => Some(Self::Lz4),
            None if text == "zstd" => Some(Self::Zstd { level: DEFAULT_ZSTD_LEVEL }),
            Some(("zstd", digits)) => level(digits).map(|level| Self::Zstd { level }),
            _ => None,
        };
        compression.ok_or_else(|| CompressionError { text: text.to_owned() })
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Lz4 => f.write_str("lz4"),
            Self::Zstd { level } => write!(f, "zstd:{level}"),
        }
    }
}

/// How a pack is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildOptions {
    /// How payloads are compressed.
    pub compression: Compression,
    /// Whether outputs are synced before success is reported.
    pub durable: bool,
    /// What the offset of every payload is a multiple of: a power of two from 16 to 4096.
    pub alignment: u32,
    /// The languages in which constants are written beside the pack.
    pub constants: ConstantsLanguages,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            compression: Compression::Zstd { level: DEFAULT_ZSTD_LEVEL },
            durable: false,
            alignment: 16,
            constants: ConstantsLanguages::NONE,
        }
    }
}

/// What a profile does differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildOverrides {
    /// Another compression.
    pub compression: Option<Compression>,
    /// Another durability.
    pub durable: Option<bool>,
    /// Another alignment.
    pub alignment: Option<u32>,
    /// Constants in just these languages.
    pub constants: Option<ConstantsLanguages>,
}

impl BuildOptions {
    /// The same, with what `overrides` says.
    #[must_use]
    pub fn with(self, overrides: &BuildOverrides) -> Self {
        Self {
            compression: overrides.compression.unwrap_or(self.compression),
            durable: overrides.durable.unwrap_or(self.durable),
            alignment: overrides.alignment.unwrap_or(self.alignment),
            constants: overrides.constants.unwrap_or(self.constants),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressions_have_one_text_each() {
        for text in ["none", "lz4", "zstd:1", "zstd:22"] {
            assert_eq!(text.parse::<Compression>().map(|c| c.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("zstd".parse(), Ok(Compression::Zstd { level: DEFAULT_ZSTD_LEVEL }));
        for bad in
            ["", "zip", "zstd:", "zstd:0", "zstd:23", "zstd:+3", "zstd:003", "zstd:-1", "lz4:3", "None"]
        {
            assert!(bad.parse::<Compression>().is_err(), "{bad:?} was taken");
        }
    }
}
