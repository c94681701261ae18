//! The kind `data`: JSON, TOML and CSV to one canonical value, written as JSON or as `MessagePack`.
//!
//! Here are the settings, the choice of the parser and the writing; each format is read in its own module, all of them
//! into [`Value`]. Which fields a value should have is the game's business, not the packer's.
//!
//! Allocates a tree of at most 100 bytes for each byte of the source, and the payload.

mod csv;
mod json;
mod toml;
mod value;

use packer_domain::codec::{BakeRequest, Baked, Codec, Finding, SourceInput};
use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::kind::{InputArity, KindSpec, SettingSpec, SettingType, SettingValue};
use packer_pack::payload::LAYOUT_VERSION;
use packer_pack::payload::data::DataEncoding;

use crate::source::{self, Utf8Source};
use value::Value;

/// The most findings that one source gives; what is beyond is counted in the last one.
const MAX_PROBLEMS: usize = 50;

/// Something wrong in a source, at a range of the text without its byte order mark.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    range: std::ops::Range<usize>,
    message: String,
    help: Option<&'static str>,
}

impl Problem {
    fn new(range: std::ops::Range<usize>, message: impl Into<String>) -> Self {
        Self { range, message: message.into(), help: None }
    }

    fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

/// The codec of `data`.
#[derive(Debug)]
pub struct DataCodec {
    spec: KindSpec,
}

impl DataCodec {
    /// The codec.
    pub fn new() -> Self {
        Self {
            spec: KindSpec {
                id: crate::kind("data"),
                codec_version: 1,
                payload_version: LAYOUT_VERSION,
                inputs: InputArity::One,
                extensions: &["json", "toml", "csv"],
                signatures: &[],
                settings: vec![
                    SettingSpec {
                        key: "encoding",
                        accepts: SettingType::Choice(&["json", "messagepack"]),
                        default: SettingValue::Text("json".to_owned()),
                        doc: "How the value is written.",
                    },
                    SettingSpec {
                        key: "source",
                        accepts: SettingType::Choice(&["auto", "json", "toml", "csv"]),
                        default: SettingValue::Text("auto".to_owned()),
                        doc: "The format of the source; `auto` goes by the extension.",
                    },
                ],
            },
        }
    }
}

impl Default for DataCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl Codec for DataCodec {
    fn spec(&self) -> &KindSpec {
        &self.spec
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        let input = source::single(request)?;
        let (name, parse) =
            parser(input, request.settings.text("source")).map_err(|finding| vec![finding])?;
        let source = Utf8Source::read(input).map_err(|finding| vec![finding])?;
        let value = parse(source.body).map_err(|problems| findings(input, name, source, problems))?;
        let (encoding, payload) = match request.settings.text("encoding") {
            "messagepack" => (DataEncoding::MessagePack, value.to_messagepack()),
            _ => (DataEncoding::Json, value.to_json()),
        };
        source::check_payload(input, payload.len() as u64, request.limits)?;
        Ok(Baked { encoding: encoding.code(), payload, findings: Vec::new() })
    }
}

type Parser = fn(&str) -> Result<Value, Vec<Problem>>;

fn parser(input: &SourceInput, setting: &str) -> Result<(&'static str, Parser), Finding> {
    let extension = input.path.extension().unwrap_or_default().to_ascii_lowercase();
    match if setting == "auto" { extension.as_str() } else { setting } {
        "json" => Ok(("JSON", json::parse)),
        "toml" => Ok(("TOML", toml::parse)),
        "csv" => Ok(("CSV", csv::parse)),
        "" => Err(unknown_format(input, "the file has no extension that says its format")),
        other => Err(unknown_format(input, format!("no format of data has the extension `{other}`"))),
    }
}

fn unknown_format(input: &SourceInput, message: impl Into<String>) -> Finding {
    Finding::new(DiagnosticCode::BakeSettings, input, message)
        .help("set `source` to \"json\", \"toml\" or \"csv\"")
}

fn findings(
    input: &SourceInput,
    format: &str,
    source: Utf8Source<'_>,
    mut problems: Vec<Problem>,
) -> Vec<Finding> {
    let beyond = problems.len().saturating_sub(MAX_PROBLEMS);
    problems.truncate(MAX_PROBLEMS);
    let mut findings: Vec<Finding> = problems
        .into_iter()
        .map(|problem| {
            let message = format!("not valid {format}: {}", problem.message);
            let mut finding =
                Finding::new(DiagnosticCode::BakeDecode, input, message).at(source.span(problem.range));
            finding.help = problem.help.map(str::to_owned);
            finding
        })
        .collect();
    if beyond > 0 {
        let message = format!("not valid {format}: {beyond} more problems follow");
        findings.push(Finding::new(DiagnosticCode::BakeDecode, input, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use packer_domain::limits::Limits;
    use packer_pack::payload::data::DataView;

    use super::*;
    use crate::fixture::Bake;

    fn json(name: &str, source: &str) -> String {
        let baked = Bake::new(&DataCodec::new(), name, source.as_bytes()).ok();
        let Ok(DataView::Json(text)) = DataView::parse(baked.encoding, &baked.payload) else {
            panic!("{baked:?}")
        };
        text.to_owned()
    }

    #[test]
    fn three_formats_give_one_canonical_form() {
        let expected = r#"[{"hp":"12","name":"crab"},{"hp":"3","name":"gull"}]"#;
        assert_eq!(json("a.csv", "name,hp\ncrab,12\ngull,3\n"), expected);
        assert_eq!(
            json("a.json", r#" [ {"name":"cr\u0061b","hp":"12"}, {"hp":"3", "name":"gull"} ] "#),
            expected
        );
        let wrapped =
            json("a.toml", "[[all]]\nname = 'crab'\nhp = '12'\n\n[[all]]\nhp = \"3\" # few\nname = 'gull'\n");
        assert_eq!(wrapped, format!(r#"{{"all":{expected}}}"#));
    }

    #[test]
    fn messagepack_holds_the_same_value() {
        let codec = DataCodec::new();
        let baked = Bake::new(&codec, "a.json", br#"{"b":[1,-1,300,1.5,true,null],"a":"x"}"#)
            .text("encoding", "messagepack")
            .ok();
        let mut expected = vec![0x82, 0xa1, b'a', 0xa1, b'x', 0xa1, b'b', 0x96, 1, 0xff, 0xcd, 1, 0x2c, 0xcb];
        expected.extend_from_slice(&1.5f64.to_be_bytes());
        expected.extend_from_slice(&[0xc3, 0xc0]);
        assert_eq!(DataView::parse(baked.encoding, &baked.payload), Ok(DataView::MessagePack(&expected)));
    }

    #[test]
    fn the_setting_goes_before_the_extension() {
        let codec = DataCodec::new();
        assert_eq!(Bake::new(&codec, "a.json", b"k = 1").text("source", "toml").ok().payload, br#"{"k":1}"#);
        assert_eq!(Bake::new(&codec, "LEVEL.JSON", b"1").ok().payload, b"1");
        for (name, message) in [
            ("a.lvl", "no format of data has the extension `lvl`"),
            ("a", "the file has no extension that says its format"),
        ] {
            let bake = Bake::new(&codec, name, b"1");
            assert_eq!(
                (bake.err()[0].code, bake.message().as_str()),
                (DiagnosticCode::BakeSettings, message)
            );
        }
    }

    #[test]
    fn places_are_those_of_the_file() {
        let findings = Bake::new(&DataCodec::new(), "a.json", "\u{feff}{\n  \"å\": tru\n}".as_bytes()).err();
        let span = findings[0].span.as_ref().unwrap();
        assert_eq!((span.line, span.column, span.excerpt.as_str()), (2, 8, "  \"å\": tru"));
        assert_eq!(findings[0].message, "not valid JSON: expected a value, found `tru`");
        assert_eq!(findings[0].code, DiagnosticCode::BakeDecode);
    }

    #[test]
    fn many_problems_are_cut_and_counted() {
        let source = format!("a,b\n{}", "1\n".repeat(60));
        let findings = Bake::new(&DataCodec::new(), "a.csv", source.as_bytes()).err();
        assert_eq!(findings.len(), MAX_PROBLEMS + 1);
        assert_eq!(findings[50].message, "not valid CSV: 10 more problems follow");
        assert!(findings[50].span.is_none());
    }

    #[test]
    fn bad_bytes_and_limits_are_reported() {
        let codec = DataCodec::new();
        assert_eq!(Bake::new(&codec, "a.json", b"\"\xff\"").err()[0].code, DiagnosticCode::BakeEncoding);
        let limits = Limits { max_payload_bytes: 3, ..Limits::default() };
        assert_eq!(
            Bake::new(&codec, "a.json", b"[1,2]").limits(limits).err()[0].code,
            DiagnosticCode::BakeLimit
        );
    }
}
