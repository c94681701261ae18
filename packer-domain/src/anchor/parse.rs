//! From the bytes of an anchor to what it declares, and its diagnostics.

use std::collections::BTreeMap;

use crate::diagnostic::{DiagnosticCode, Subject};
use crate::identity::AssetUuid;
use crate::kind::{KindCatalog, KindId, KindSpec, SettingValue};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::pattern::MAX_PATTERNS;
use crate::toml_text::{
    Codes, Findings, TableReader, TomlText, known_kind, read_settings, root_text, suggest,
};

use super::plain::parse_plain;
use super::{AnchorDeclaration, FaultyAnchor, InputPatterns, ParsedAnchor, sidecar_input};

const CODES: Codes = Codes {
    syntax: DiagnosticCode::AnchorSyntax,
    unknown_key: DiagnosticCode::AnchorUnknownKey,
    missing_key: DiagnosticCode::AnchorMissingKey,
    invalid_value: DiagnosticCode::AnchorInvalidValue,
};

/// The keys of the top level, but for the table of the kind's settings.
const KEYS: [&str; 5] = ["uuid", "name", "kind", "preload", "inputs"];

/// Reads the anchor at `path`; `file` is what diagnostics call it (relative to the project).
///
/// A path that is no anchor's is read as a directory asset's, in its folder.
pub fn parse_anchor(text: &[u8], path: &AssetPath, file: &str, kinds: &KindCatalog) -> ParsedAnchor {
    let plain = std::str::from_utf8(text).ok().and_then(|text| parse_plain(text, path, kinds));
    plain.map_or_else(|| parse_fully(text, path, file, kinds), ParsedAnchor::valid)
}

/// The same, by all the rules of TOML.
pub(super) fn parse_fully(text: &[u8], path: &AssetPath, file: &str, kinds: &KindCatalog) -> ParsedAnchor {
    let subject = Subject::Path(path.clone());
    match std::str::from_utf8(text) {
        Ok(text) => parse_text(text, path, Findings::new(text, file, subject, CODES), kinds),
        Err(error) => {
            // What comes before the first bad byte is text, and enough to point at it.
            let valid = std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default();
            let mut findings = Findings::new(valid, file, subject, CODES);
            let at = valid.len();
            findings.report(
                DiagnosticCode::AnchorSyntax,
                at..at,
                format!("not UTF-8: the byte 0x{:02x} stands for no character", text[at]),
                Some("save the file as UTF-8".to_owned()),
            );
            ParsedAnchor::faulty(FaultyAnchor {
                uuid: root_text(valid, "uuid").and_then(|text| text.parse().ok()),
                name: root_text(valid, "name").and_then(|text| text.parse().ok()),
                kind: None,
                diagnostics: findings.finish(),
            })
        }
    }
}

fn parse_text(text: &str, path: &AssetPath, mut findings: Findings<'_>, kinds: &KindCatalog) -> ParsedAnchor {
    let Some(toml) = TomlText::parse(text, &mut findings) else {
        let kind = root_text(text, "kind").and_then(|text| KindId::parse(&text).ok());
        return ParsedAnchor::faulty(FaultyAnchor {
            uuid: root_text(text, "uuid").and_then(|text| text.parse().ok()),
            name: root_text(text, "name").and_then(|text| text.parse().ok()),
            kind: kind.filter(|kind| kinds.get(kind).is_some()),
            diagnostics: findings.finish(),
        });
    };
    let root = TableReader::root(&toml);
    let uuid: Option<AssetUuid> = required(
        &root,
        &mut findings,
        "uuid",
        "bring it back from version control; for a new asset, any new UUID v7 will do",
    );
    let name: Option<AssetName> =
        required(&root, &mut findings, "name", "add `name = \"…\"`: what code and other assets call it");
    let spec = read_kind(&root, kinds, &mut findings);
    let preload = root.bool(&mut findings, "preload");
    let inputs = read_inputs(&root, path, &mut findings);
    let settings = read_tables(&root, spec, kinds, &mut findings);
    let kind = spec.map(|spec| spec.id.clone());
    let diagnostics = findings.finish();
    match (uuid, name, kind, inputs) {
        (Some(uuid), Some(name), Some(kind), Some(inputs)) if diagnostics.is_empty() => {
            ParsedAnchor::valid(AnchorDeclaration { uuid, name, kind, preload, inputs, settings })
        }
        (uuid, name, kind, _) => ParsedAnchor::faulty(FaultyAnchor { uuid, name, kind, diagnostics }),
    }
}

/// The text under a required key, as the type that it stands for.
fn required<T>(root: &TableReader<'_>, findings: &mut Findings<'_>, key: &str, help: &str) -> Option<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    if root.item(key).is_none() {
        root.missing(findings, key, help);
        return None;
    }
    let (text, range) = root.text(findings, key)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            findings.invalid(range, format!("`{key}`: {error}"), None);
            None
        }
    }
}

fn read_kind<'k>(
    root: &TableReader<'_>,
    kinds: &'k KindCatalog,
    findings: &mut Findings<'_>,
) -> Option<&'k KindSpec> {
    if root.item("kind").is_none() {
        let names: Vec<&str> = kinds.iter().map(|spec| spec.id.as_str()).collect();
        root.missing(findings, "kind", format!("add `kind = \"…\"`: one of {}", names.join(", ")));
        return None;
    }
    let (text, range) = root.text(findings, "kind")?;
    known_kind(text, range, kinds, findings)
}

fn read_inputs(
    root: &TableReader<'_>,
    path: &AssetPath,
    findings: &mut Findings<'_>,
) -> Option<InputPatterns> {
    if sidecar_input(path).is_some() {
        if root.item("inputs").is_some() {
            findings.misplaced_key(
                root.key_range("inputs"),
                "`inputs` means nothing in a sidecar, whose input is the file that it stands beside",
                "remove it; for several inputs, use an `asset.toml` in their folder".to_owned(),
            );
        }
        return Some(InputPatterns::sidecar());
    }
    if root.item("inputs").is_none() {
        root.missing(
            findings,
            "inputs",
            "add `inputs = [\"*.png\"]`: patterns of the files below this folder",
        );
        return None;
    }
    let before = findings.len();
    let texts = root.texts(findings, "inputs")?;
    if texts.is_empty() && findings.len() == before {
        let range = root.item("inputs").map_or(0..0, |(_, range)| range);
        findings.invalid(range, "`inputs`: expected at least one pattern", None);
    }
    if texts.len() > MAX_PATTERNS {
        let message = format!("`inputs`: {} patterns; at most {MAX_PATTERNS} are taken", texts.len());
        findings.invalid(root.key_range("inputs"), message, None);
        return None;
    }
    for (text, range) in &texts {
        if let Err(error) = InputPatterns::check_pattern(text) {
            findings.invalid(range.clone(), format!("`inputs`: {error}"), None);
        }
    }
    if findings.len() > before {
        return None;
    }
    let patterns = texts.iter().map(|(text, _)| (*text).to_owned()).collect();
    match InputPatterns::directory(path.parent(), patterns) {
        Ok(inputs) => Some(inputs),
        Err(error) => {
            findings.invalid(root.key_range("inputs"), format!("`inputs`: {error}"), None);
            None
        }
    }
}

/// Everything at the top level that is not one of [`KEYS`]: the settings of the kind, and what has no business there.
fn read_tables(
    root: &TableReader<'_>,
    spec: Option<&KindSpec>,
    kinds: &KindCatalog,
    findings: &mut Findings<'_>,
) -> BTreeMap<String, SettingValue> {
    let mut settings = BTreeMap::new();
    for (key, range) in root.keys() {
        if KEYS.contains(&key) {
            continue;
        }
        let named = KindId::parse(key).ok().and_then(|id| kinds.get(&id));
        match (named, spec) {
            (Some(named), Some(spec)) if named.id == spec.id => {
                if let Some(table) = root.sub_table(findings, key, &format!("[{key}]")) {
                    settings = read_settings(&table, spec, findings);
                }
            }
            (Some(named), Some(spec)) => findings.misplaced_key(
                range,
                format!("settings of the kind `{}` in an anchor of the kind `{}`", named.id, spec.id),
                format!("remove [{key}], or say `kind = \"{key}\"`"),
            ),
            // Which kind it is was not said, or is unknown, and that was reported.
            (Some(named), None) => {
                if let Some(table) = root.sub_table(findings, key, &format!("[{key}]")) {
                    read_settings(&table, named, findings);
                }
            }
            (None, spec) => unknown_root_key(root, key, range, spec, findings),
        }
    }
    settings
}

fn unknown_root_key(
    root: &TableReader<'_>,
    key: &str,
    range: std::ops::Range<usize>,
    spec: Option<&KindSpec>,
    findings: &mut Findings<'_>,
) {
    let setting = spec.and_then(|spec| spec.setting(key).map(|_| spec));
    let known: Vec<&str> = KEYS.into_iter().chain(spec.map(|spec| spec.id.as_str())).collect();
    match setting {
        // A setting that was written above the header of its table.
        Some(spec) if suggest(key, KEYS).is_none() => findings.misplaced_key(
            range,
            format!("`{key}` is a setting of the kind `{}` and stands outside its table", spec.id),
            format!("write it below [{}]", spec.id),
        ),
        _ => findings.unknown_key(range, key, root.place(), &known),
    }
}
