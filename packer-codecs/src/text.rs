//! The kind `text`: UTF-8 with one kind of line end and no byte order mark.
//!
//! Nothing else of the text is touched: no Unicode normalisation, no trailing blanks removed. Allocates the payload,
//! which has at most twice the bytes of the source.

use packer_domain::codec::{BakeRequest, Baked, Codec, Finding};
use packer_domain::kind::{InputArity, KindSpec, SettingSpec, SettingType, SettingValue};
use packer_pack::payload::{LAYOUT_VERSION, text};

use crate::source::{self, Utf8Source};

/// The codec of `text`.
#[derive(Debug)]
pub struct TextCodec {
    spec: KindSpec,
}

impl TextCodec {
    /// The codec.
    pub fn new() -> Self {
        Self {
            spec: KindSpec {
                id: crate::kind("text"),
                codec_version: 2,
                payload_version: LAYOUT_VERSION,
                inputs: InputArity::One,
                extensions: &[
                    "txt", "md", "glsl", "vert", "frag", "comp", "geom", "tesc", "tese", "hlsl", "wgsl",
                    "lua",
                ],
                signatures: &[],
                settings: vec![SettingSpec {
                    key: "newline",
                    accepts: SettingType::Choice(&["lf", "crlf", "keep"]),
                    default: SettingValue::Text("lf".to_owned()),
                    doc: "What every line end (CR LF, CR or LF) becomes; `keep` leaves them as they are.",
                }],
            },
        }
    }
}

impl Default for TextCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl Codec for TextCodec {
    fn spec(&self) -> &KindSpec {
        &self.spec
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        let input = source::single(request)?;
        let source = Utf8Source::read(input).map_err(|finding| vec![finding])?;
        // A second mark after the first would be the payload's first character, and so a mark again.
        let body = source.body.trim_start_matches('\u{feff}');
        let payload = match request.settings.text("newline") {
            "keep" => body.to_owned(),
            "crlf" => with_line_ends(body, "\r\n"),
            _ => with_line_ends(body, "\n"),
        };
        source::check_payload(input, payload.len() as u64, request.limits)?;
        Ok(Baked { encoding: text::UTF8, payload: payload.into_bytes(), findings: Vec::new() })
    }
}

fn with_line_ends(text: &str, end: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        out.push_str(&rest[..at]);
        out.push_str(end);
        let len = if rest[at..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[at + len..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use packer_domain::diagnostic::DiagnosticCode;
    use packer_domain::limits::Limits;

    use super::*;
    use crate::fixture::Bake;

    fn check(newline: &str, source: &str, expected: &str) {
        let codec = TextCodec::new();
        let baked = Bake::new(&codec, "a.txt", source.as_bytes()).text("newline", newline).ok();
        assert_eq!(text::parse(baked.encoding, &baked.payload), Ok(expected), "{newline} of {source:?}");
    }

    #[test]
    fn line_ends_become_what_is_asked_for() {
        let mixed = "a\r\nb\nc\rd\r\r\n\n";
        check("lf", mixed, "a\nb\nc\nd\n\n\n");
        check("crlf", mixed, "a\r\nb\r\nc\r\nd\r\n\r\n\r\n");
        check("keep", mixed, mixed);
        check("lf", "no end", "no end");
        check("lf", "", "");
    }

    #[test]
    fn the_byte_order_mark_goes_in_every_mode() {
        for newline in ["lf", "crlf", "keep"] {
            check(newline, "\u{feff}å", "å");
            check(newline, "\u{feff}\u{feff}å\u{feff}", "å\u{feff}");
        }
    }

    #[test]
    fn lf_is_the_default() {
        let baked = Bake::new(&TextCodec::new(), "a.txt", b"a\r\n").ok();
        assert_eq!(baked.payload, b"a\n");
    }

    #[test]
    fn what_is_not_utf8_is_refused_with_its_place() {
        let findings = Bake::new(&TextCodec::new(), "a.txt", b"a\nb\xff").err();
        let span = findings[0].span.as_ref().unwrap();
        assert_eq!(
            (findings[0].code, span.start, span.end, span.line),
            (DiagnosticCode::BakeEncoding, 3, 4, 2)
        );
    }

    #[test]
    fn a_payload_that_grows_beyond_the_limit_is_refused() {
        let limits = Limits { max_payload_bytes: 4, ..Limits::default() };
        let findings =
            Bake::new(&TextCodec::new(), "a.txt", b"\n\n\n").text("newline", "crlf").limits(limits).err();
        assert_eq!(findings[0].code, DiagnosticCode::BakeLimit);
    }
}
