//! Payloads of the kind `text`: UTF-8 without a byte order mark.

use super::PayloadError;

/// The one encoding of `text`.
pub const UTF8: u8 = 0;

/// The text. Takes time in proportion to its length, because it is checked to be UTF-8.
pub fn parse(encoding: u8, payload: &[u8]) -> Result<&str, PayloadError> {
    if encoding != UTF8 {
        return Err(PayloadError::Encoding { kind: "text", encoding });
    }
    str::from_utf8(payload).map_err(|error| PayloadError::Utf8 { kind: "text", at: error.valid_up_to() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_utf8() {
        assert_eq!(parse(UTF8, "sjö".as_bytes()), Ok("sjö"));
        assert_eq!(parse(UTF8, b"ab\xff"), Err(PayloadError::Utf8 { kind: "text", at: 2 }));
        assert_eq!(parse(9, b""), Err(PayloadError::Encoding { kind: "text", encoding: 9 }));
    }
}
