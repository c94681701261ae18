//! What every codec asks of its source: that there is one, that it keeps the limits, and that a text is UTF-8.
//!
//! The formats themselves are the codecs' business.

use packer_domain::codec::{BakeRequest, Finding, SourceInput};
use packer_domain::diagnostic::{DiagnosticCode, SourceText, Span};
use packer_domain::limits::Limits;

/// The one input of a kind that takes one, within `max_input_bytes`.
pub(crate) fn single<'a>(request: &BakeRequest<'a>) -> Result<&'a SourceInput, Vec<Finding>> {
    let [input] = request.inputs else {
        return Err(vec![Finding {
            code: DiagnosticCode::BakeSettings,
            severity: DiagnosticCode::BakeSettings.severity(),
            input: None,
            span: None,
            message: format!("expected one source file, found {}", request.inputs.len()),
            help: None,
        }]);
    };
    let (found, most) = (input.bytes.len() as u64, request.limits.max_input_bytes);
    if found > most {
        let message = format!("the file has {found} bytes; the limit of one source file is {most}");
        return Err(vec![limit(input, message, "max_input_bytes")]);
    }
    Ok(input)
}

/// Refuses a payload of `size` bytes where it passes `max_payload_bytes`.
pub(crate) fn check_payload(input: &SourceInput, size: u64, limits: &Limits) -> Result<(), Vec<Finding>> {
    let most = limits.max_payload_bytes;
    if size <= most {
        return Ok(());
    }
    let message = format!("the payload would have {size} bytes; the limit of one payload is {most}");
    Err(vec![limit(input, message, "max_payload_bytes")])
}

/// A finding about the limit `key`.
pub(crate) fn limit(input: &SourceInput, message: String, key: &str) -> Finding {
    Finding::new(DiagnosticCode::BakeLimit, input, message)
        .help(format!("raise `{key}` under [limits] of packer.toml if the file is meant to be this large"))
}

/// A source that is UTF-8 text.
#[derive(Clone, Copy)]
pub(crate) struct Utf8Source<'a> {
    whole: &'a str,
    /// The text without its byte order mark.
    pub(crate) body: &'a str,
}

impl<'a> Utf8Source<'a> {
    /// Checks that `input` is UTF-8 without NUL, and looks past its byte order mark.
    ///
    /// NUL is refused because a text that has it is in truth UTF-16 or no text at all.
    pub(crate) fn read(input: &'a SourceInput) -> Result<Self, Finding> {
        let bytes = &input.bytes;
        let fail = |message: String, span: Span| {
            Finding::new(DiagnosticCode::BakeEncoding, input, message)
                .at(span)
                .help("save the file as UTF-8, or give the asset the kind `raw`")
        };
        let mark: Option<(&str, usize)> = match bytes.as_slice() {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some(("UTF-32", 4)),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(("UTF-16", 2)),
            _ => None,
        };
        if let Some((found, len)) = mark {
            let message = format!("expected UTF-8, found the byte order mark of {found}");
            return Err(fail(message, place(bytes, 0, len)));
        }
        let whole = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to();
                let len = error.error_len().unwrap_or(bytes.len() - at);
                let message = if error.error_len().is_some() {
                    format!("expected UTF-8, found the byte 0x{:02X} at offset {at}", bytes[at])
                } else {
                    format!("expected UTF-8, but the file ends inside a character, at offset {at}")
                };
                return Err(fail(message, place(bytes, at, len)));
            }
        };
        if let Some(at) = whole.find('\0') {
            let message = format!("expected text, found a NUL byte at offset {at}");
            return Err(fail(message, place(bytes, at, 1)));
        }
        Ok(Self { whole, body: whole.strip_prefix('\u{feff}').unwrap_or(whole) })
    }

    /// The place of a range of [`Self::body`].
    pub(crate) fn span(&self, range: std::ops::Range<usize>) -> Span {
        let mark = self.whole.len() - self.body.len();
        SourceText::new(self.whole).span(range.start + mark..range.end + mark)
    }
}

/// A place in a file that need not be UTF-8 from `at` on. The excerpt shows the line up to there.
fn place(bytes: &[u8], at: usize, len: usize) -> Span {
    let before = str::from_utf8(&bytes[..at]).unwrap_or_default();
    let mut span = SourceText::new(before).span(at..at);
    span.end = u32::try_from(at + len).unwrap_or(u32::MAX);
    span
}

#[cfg(test)]
mod tests {
    use packer_domain::path::AssetPath;

    use super::*;

    fn read(bytes: &[u8]) -> Result<String, (String, u32, u32, u32)> {
        let path = AssetPath::parse("a.txt").unwrap();
        let input = SourceInput { relative: "a.txt".into(), path, bytes: bytes.to_vec() };
        Utf8Source::read(&input).map(|source| source.body.to_owned()).map_err(|finding| {
            assert_eq!(finding.code, DiagnosticCode::BakeEncoding);
            let span = finding.span.unwrap();
            (finding.message, span.start, span.line, span.column)
        })
    }

    #[test]
    fn the_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(read("\u{feff}sjö".as_bytes()).unwrap(), "sjö");
        // Only the first one is a mark; a second is a character of the text.
        assert_eq!(read("\u{feff}\u{feff}".as_bytes()).unwrap(), "\u{feff}");
        assert_eq!(read(b"").unwrap(), "");
    }

    #[test]
    fn the_first_bad_byte_has_a_place() {
        let message = "expected UTF-8, found the byte 0xE9 at offset 7".to_owned();
        assert_eq!(read(b"one\ncaf\xe9\n"), Err((message, 7, 2, 4)));
        let message = "expected UTF-8, but the file ends inside a character, at offset 3".to_owned();
        assert_eq!(read(b"caf\xc3"), Err((message, 3, 1, 4)));
    }

    #[test]
    fn other_encodings_are_named() {
        let message = |name: &str| format!("expected UTF-8, found the byte order mark of {name}");
        assert_eq!(read(b"\xff\xfea\0"), Err((message("UTF-16"), 0, 1, 1)));
        assert_eq!(read(b"\xfe\xff\0a"), Err((message("UTF-16"), 0, 1, 1)));
        assert_eq!(read(b"\xff\xfe\0\0a\0\0\0"), Err((message("UTF-32"), 0, 1, 1)));
        assert_eq!(read(b"\0\0\xfe\xff\0\0\0a"), Err((message("UTF-32"), 0, 1, 1)));
        // UTF-16 without a mark is valid UTF-8 as long as it is ASCII.
        assert_eq!(read(b"a\n\0"), Err(("expected text, found a NUL byte at offset 2".to_owned(), 2, 2, 1)));
    }
}
