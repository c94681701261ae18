//! UUID v7 identities: assets, operations, event sources and project lineages.
//!
//! The types share a representation and nothing else; there is no conversion between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// A text that is not the uuid that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is not a UUID v7: expected 36 lower-case characters such as 0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10"
)]
pub struct UuidError {
    /// The text as given.
    pub text: String,
}

fn parse(text: &str) -> Result<Uuid, UuidError> {
    let error = || UuidError { text: text.to_owned() };
    let uuid = Uuid::try_parse(text).map_err(|_| error())?;
    // One spelling only: a registry is compared and merged as text.
    let mut spelled = Uuid::encode_buffer();
    let canonical = uuid.get_version_num() == 7 && uuid.hyphenated().encode_lower(&mut spelled) == text;
    if canonical { Ok(uuid) } else { Err(error()) }
}

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident, $text:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        crate::schema::described!($name, {
            "description": concat!($text, ": a UUID v7 in lower case."),
            "type": "string",
            "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$"
        });

        impl $name {
            /// The 16 bytes, as a file format stores them.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// From 16 bytes that a file format stored; `None` unless they are a UUID v7.
            pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
                let uuid = Uuid::from_bytes(bytes);
                (uuid.get_version_num() == 7).then_some(Self(uuid))
            }

            /// A new one from what the caller drew; equal draws give equal uuids.
            pub fn drawn(draw: UuidDraw) -> Self {
                Self(draw.uuid(&draw.entropy))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = UuidError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = UuidError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(uuid: $name) -> Self {
                uuid.to_string()
            }
        }
    };
}

uuid_newtype! {
    /// What an asset *is*: drawn at adoption, kept in its anchor and in the registry through moves and renames.
    AssetUuid, "What an asset is"
}
uuid_newtype! {
    /// One logical run of the packer: an adoption, a build, a refresh, a recovery.
    OperationId, "One run of an operation"
}
uuid_newtype! {
    /// One opening of a project by a process: what numbers events.
    SourceId, "One opening of a project by a process"
}
uuid_newtype! {
    /// The registry's own identity, so that a plan made for one project is never applied to another.
    LineageId, "The project's own identity, through every copy of it"
}

impl OperationId {
    /// When it was drawn: milliseconds since 1970, UTC.
    pub fn drawn_at_ms(&self) -> u64 {
        let bytes = self.as_bytes();
        bytes[..6].iter().fold(0, |ms, byte| (ms << 8) | u64::from(*byte))
    }
}

impl AssetUuid {
    /// The one that sorts before every other.
    pub(crate) const LEAST: Self = {
        let mut bytes = [0; 16];
        // The version.
        bytes[6] = 0x70;
        Self(Uuid::from_bytes(bytes))
    };
}

/// What a caller drew for the uuids that a request may need: a time and 128 random bits.
///
/// It travels inside the request, so planning the same request again gives the same uuids, and planning consumes
/// nothing. A draw serves any number of assets: each takes its uuid from the draw and its own path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UuidDraw {
    /// Milliseconds since 1970, UTC; becomes the time field of every uuid.
    pub unix_ms: u64,
    /// Random bits.
    pub entropy: [u8; 16],
}

impl UuidDraw {
    /// The asset uuid for the subject `key` (a path): the draw's time, and bits from
    /// `blake3(entropy ‖ key)`.
    pub fn asset_uuid(&self, key: &str) -> AssetUuid {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.entropy);
        hasher.update(key.as_bytes());
        AssetUuid(self.uuid(hasher.finalize().as_bytes()))
    }

    fn uuid(&self, random: &[u8]) -> Uuid {
        let mut bits = [0_u8; 10];
        bits.copy_from_slice(&random[..10]);
        uuid::Builder::from_unix_timestamp_millis(self.unix_ms, &bits).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: UuidDraw = UuidDraw { unix_ms: 1_790_000_000_123, entropy: [7; 16] };

    #[test]
    fn a_draw_gives_each_key_its_own_stable_v7() {
        let (a, b) = (DRAW.asset_uuid("a.png"), DRAW.asset_uuid("b.png"));
        assert_ne!(a, b);
        assert_eq!(a, DRAW.asset_uuid("a.png"));
        assert_eq!(a.to_string().parse::<AssetUuid>(), Ok(a));
        assert_eq!(OperationId::drawn(DRAW).drawn_at_ms(), DRAW.unix_ms);
        assert_eq!(AssetUuid::from_bytes(*a.as_bytes()), Some(a));
    }

    #[test]
    fn takes_one_spelling_only() {
        let text = OperationId::drawn(DRAW).to_string();
        assert!(text.parse::<OperationId>().is_ok());
        for bad in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{{{text}}}"),
            "67e55044-10b1-426f-9247-bb680e5fe0c8".to_owned(), // v4
            String::new(),
        ] {
            assert!(bad.parse::<OperationId>().is_err(), "{bad:?} was taken");
        }
    }
}
