//! Payloads of the kind `raw`: the bytes of the source file, as they are.

use super::PayloadError;

/// The one encoding of `raw`.
pub const BYTES: u8 = 0;

/// The bytes.
pub fn parse(encoding: u8, payload: &[u8]) -> Result<&[u8], PayloadError> {
    if encoding == BYTES { Ok(payload) } else { Err(PayloadError::Encoding { kind: "raw", encoding }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_its_own_encoding_only() {
        assert_eq!(parse(BYTES, b"\xff\0"), Ok(&b"\xff\0"[..]));
        assert_eq!(parse(1, b""), Err(PayloadError::Encoding { kind: "raw", encoding: 1 }));
    }
}
