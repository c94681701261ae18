//! Payloads of the kind `data`: one value, as JSON or as `MessagePack`.
//!
//! What makes them canonical is the codec's business, and parsing them the game's, with the library that it likes.

use super::PayloadError;

/// How the value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataEncoding {
    /// JSON text, UTF-8.
    Json = 0,
    /// `MessagePack`.
    MessagePack = 1,
}

impl DataEncoding {
    /// The encoding with this code.
    pub fn from_code(encoding: u8) -> Result<Self, PayloadError> {
        match encoding {
            0 => Ok(Self::Json),
            1 => Ok(Self::MessagePack),
            _ => Err(PayloadError::Encoding { kind: "data", encoding }),
        }
    }

    /// The code that the table holds.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// A value, not yet parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataView<'a> {
    /// JSON text.
    Json(&'a str),
    /// `MessagePack` bytes.
    MessagePack(&'a [u8]),
}

impl<'a> DataView<'a> {
    /// Views a payload. JSON takes time in proportion to its length, because it is checked to be UTF-8.
    pub fn parse(encoding: u8, payload: &'a [u8]) -> Result<Self, PayloadError> {
        match DataEncoding::from_code(encoding)? {
            DataEncoding::Json => str::from_utf8(payload)
                .map(Self::Json)
                .map_err(|error| PayloadError::Utf8 { kind: "data", at: error.valid_up_to() }),
            DataEncoding::MessagePack => Ok(Self::MessagePack(payload)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_has_its_view() {
        assert_eq!(DataView::parse(0, b"{}"), Ok(DataView::Json("{}")));
        assert_eq!(DataView::parse(1, &[0xff]), Ok(DataView::MessagePack(&[0xff])));
        assert_eq!(DataView::parse(0, &[0xff]), Err(PayloadError::Utf8 { kind: "data", at: 0 }));
        assert_eq!(DataView::parse(2, b""), Err(PayloadError::Encoding { kind: "data", encoding: 2 }));
    }
}
