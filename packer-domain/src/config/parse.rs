//! From the text of `packer.toml` to a [`ProjectConfig`] and its diagnostics.

use std::collections::BTreeMap;
use std::ops::Range;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::constants::ConstantsLanguage;
use crate::diagnostic::{DiagnosticCode, SourceText, Subject};
use crate::kind::{KindCatalog, KindId};
use crate::limits::Limits;
use crate::path::{AssetPath, collision_key};
use crate::pattern::MAX_PATTERNS;
use crate::rules::{Rule, RuleSet};
use crate::toml_text::{Codes, Findings, Parsed, TableReader, TomlText, known_kind, read_settings, suggest};

use super::{BuildOptions, BuildOverrides, DEFAULT_STORE_BYTES, OPERATIONAL_FOLDER, ProjectConfig};

const CODES: Codes = Codes {
    syntax: DiagnosticCode::ConfigSyntax,
    unknown_key: DiagnosticCode::ConfigUnknownKey,
    missing_key: DiagnosticCode::ConfigMissingKey,
    invalid_value: DiagnosticCode::ConfigInvalidValue,
};

const MAX_NAME_BYTES: usize = 128;
const BUILD_KEYS: [&str; 4] = ["compression", "durable", "alignment", "constants"];
const RULE_KEYS: [&str; 3] = ["match", "kind", "preload"];
const LIMIT_KEYS: [&str; 3] = ["max_input_bytes", "max_pixels", "max_payload_bytes"];

/// Reads `packer.toml`; `file` is what diagnostics call it. There is no output if it is not TOML, or if the project's
/// name or folders are wrong, since everything else hangs on them.
pub fn parse_config(text: &str, file: &str, kinds: &KindCatalog) -> Parsed<ProjectConfig> {
    let mut findings = Findings::new(text, file, Subject::Project, CODES);
    let output = TomlText::parse(text, &mut findings).and_then(|toml| {
        let root = TableReader::root(&toml);
        root.refuse_others(&mut findings, &["project", "rules", "build", "limits"]);
        let project = read_project(&root, &mut findings);
        let rules = read_rules(&root, text, kinds, &mut findings);
        let (build, profiles, max_store_bytes) = read_build(&root, &mut findings);
        let limits = read_limits(&root, &mut findings);
        let (name, assets, output) = project?;
        Some(ProjectConfig { name, assets, output, rules, build, profiles, max_store_bytes, limits })
    });
    Parsed { output, diagnostics: findings.finish() }
}

fn read_project(
    root: &TableReader<'_>,
    findings: &mut Findings<'_>,
) -> Option<(String, Utf8PathBuf, Utf8PathBuf)> {
    if root.item("project").is_none() {
        root.missing(findings, "project", "add `[project]` with `name = \"…\"`");
        return None;
    }
    let table = root.sub_table(findings, "project", "[project]")?;
    table.refuse_others(findings, &["name", "assets", "output"]);
    let name = read_name(&table, findings);
    let assets = read_folder(&table, findings, "assets", "assets");
    let output = read_folder(&table, findings, "output", "build");
    let (name, (assets, _), (output, range)) = (name?, assets?, output?);
    let same = collision_key(assets.as_str()) == collision_key(output.as_str());
    if same {
        let message = format!("`output` and `assets` are both \"{assets}\"");
        findings.invalid(
            range,
            message,
            Some("outputs need a folder of their own, such as \"build\"".into()),
        );
    } else if is_below(&output, &assets) {
        let message = format!("`output` \"{output}\" is inside the assets root \"{assets}\"");
        let help = "outputs would be taken for sources: choose a folder beside the assets root";
        findings.invalid(range, message, Some(help.into()));
    } else if is_below(&assets, &output) {
        let message = format!("`output` \"{output}\" holds the assets root \"{assets}\"");
        let help = "an output folder can be deleted at any time: choose one that holds no sources";
        findings.invalid(range, message, Some(help.into()));
    } else {
        return Some((name, assets, output));
    }
    None
}

fn read_name(table: &TableReader<'_>, findings: &mut Findings<'_>) -> Option<String> {
    if table.item("name").is_none() {
        table.missing(findings, "name", "add `name = \"…\"`: what people call the project");
        return None;
    }
    let (text, range) = table.text(findings, "name")?;
    if text.trim().is_empty() || text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) {
        let message = format!("`name`: expected a line of 1 to {MAX_NAME_BYTES} bytes");
        findings.invalid(range, message, None);
        return None;
    }
    Some(text.to_owned())
}

/// The folder under `key`, with the place of its text; the default stands at the table.
fn read_folder(
    table: &TableReader<'_>,
    findings: &mut Findings<'_>,
    key: &str,
    default: &str,
) -> Option<(Utf8PathBuf, Range<usize>)> {
    if table.item(key).is_none() {
        return Some((Utf8PathBuf::from(default), table.range()));
    }
    let (text, range) = table.text(findings, key)?;
    match normalise(text) {
        Ok(folder) => Some((folder, range)),
        Err(reason) => {
            let help = format!("a folder inside the project, such as \"{default}\"");
            findings.invalid(range, format!("`{key}`: {text:?} {reason}"), Some(help));
            None
        }
    }
}

fn normalise(text: &str) -> Result<Utf8PathBuf, &'static str> {
    if text.is_empty() {
        return Err("is empty");
    }
    if text.contains('\\') {
        return Err("has a backslash; folders are separated by `/`");
    }
    let drive = text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic();
    if text.starts_with('/') || drive {
        return Err("is absolute");
    }
    let mut folder = Utf8PathBuf::new();
    for component in Utf8Path::new(text).components() {
        match component {
            Utf8Component::Normal(segment) => folder.push(segment),
            Utf8Component::CurDir => {}
            _ => return Err("leaves the project"),
        }
    }
    let Some(first) = folder.components().next() else {
        return Err("is the project itself, which also holds the packer's own files");
    };
    if collision_key(first.as_str()) == OPERATIONAL_FOLDER {
        return Err("is the packer's own folder");
    }
    if AssetPath::parse(folder.as_str()).is_err() {
        return Err("has a control character");
    }
    Ok(folder)
}

/// Whether `inner` is in `outer`, also on a file system that folds case.
fn is_below(inner: &Utf8Path, outer: &Utf8Path) -> bool {
    collision_key(inner.as_str())
        .strip_prefix(&collision_key(outer.as_str()))
        .is_some_and(|rest| rest.starts_with('/'))
}

fn read_rules(
    root: &TableReader<'_>,
    text: &str,
    kinds: &KindCatalog,
    findings: &mut Findings<'_>,
) -> RuleSet {
    let tables = root.sub_tables(findings, "rules", "[[rules]]");
    if tables.len() > MAX_PATTERNS {
        let message = format!("{} rules; at most {MAX_PATTERNS} are taken", tables.len());
        findings.invalid(root.key_range("rules"), message, None);
        return RuleSet::default();
    }
    let rules: Vec<Rule> =
        tables.iter().filter_map(|table| read_rule(table, text, kinds, findings)).collect();
    RuleSet::new(rules).unwrap_or_else(|error| {
        findings.invalid(root.key_range("rules"), error.to_string(), None);
        RuleSet::default()
    })
}

fn read_rule(
    table: &TableReader<'_>,
    text: &str,
    kinds: &KindCatalog,
    findings: &mut Findings<'_>,
) -> Option<Rule> {
    if table.item("match").is_none() {
        table.missing(findings, "match", "add `match = \"…\"`: the files that the rule is for");
    }
    let pattern =
        table.text(findings, "match").and_then(|(pattern, range)| match RuleSet::check_pattern(pattern) {
            Ok(()) => Some(pattern.to_owned()),
            Err(error) => {
                findings.invalid(range, format!("`match`: {error}"), None);
                None
            }
        });
    let kind = table
        .text(findings, "kind")
        .and_then(|(text, range)| known_kind(text, range, kinds, findings))
        .map(|spec| spec.id.clone());
    let preload = table.bool(findings, "preload");
    let mut settings = BTreeMap::new();
    for (key, range) in table.keys() {
        if RULE_KEYS.contains(&key) {
            continue;
        }
        let Some(spec) = KindId::parse(key).ok().and_then(|id| kinds.get(&id)) else {
            let known: Vec<&str> =
                RULE_KEYS.into_iter().chain(kinds.iter().map(|spec| spec.id.as_str())).collect();
            findings.unknown_key(range, key, table.place(), &known);
            continue;
        };
        if let Some(of_kind) = table.sub_table(findings, key, &format!("the settings of `{key}`")) {
            settings.insert(spec.id.clone(), read_settings(&of_kind, spec, findings));
        }
    }
    let span = Some(SourceText::new(text).span(table.range()));
    pattern.map(|pattern| Rule { pattern, kind, settings, preload, span })
}

fn read_build(
    root: &TableReader<'_>,
    findings: &mut Findings<'_>,
) -> (BuildOptions, BTreeMap<String, BuildOverrides>, u64) {
    let mut profiles = BTreeMap::new();
    let Some(table) = root.sub_table(findings, "build", "[build]") else {
        return (BuildOptions::default(), profiles, DEFAULT_STORE_BYTES);
    };
    let [a, b, c, d] = BUILD_KEYS;
    table.refuse_others(findings, &[a, b, c, d, "max_store_bytes", "profiles"]);
    // The store is one for all profiles.
    let store = table.int(findings, "max_store_bytes", 0..=i64::MAX);
    let store = store.map_or(DEFAULT_STORE_BYTES, i64::unsigned_abs);
    let build = BuildOptions::default().with(&read_overrides(&table, findings));
    if let Some(all) = table.sub_table(findings, "profiles", "[build.profiles]") {
        for (name, _) in all.keys() {
            if let Some(profile) = all.sub_table(findings, name, &format!("[build.profiles.{name}]")) {
                profile.refuse_others(findings, &BUILD_KEYS);
                profiles.insert(name.to_owned(), read_overrides(&profile, findings));
            }
        }
    }
    (build, profiles, store)
}

fn read_overrides(table: &TableReader<'_>, findings: &mut Findings<'_>) -> BuildOverrides {
    let compression = table.text(findings, "compression").and_then(|(text, range)| {
        let parsed = text.parse();
        parsed
            .map_err(|_| {
                let message = format!("`compression`: {text:?} is no compression");
                let help = match suggest(text, ["none", "lz4", "zstd"]) {
                    Some(close) => format!("did you mean \"{close}\"?"),
                    None => {
                        "\"none\", \"lz4\", \"zstd\", or with a level from 1 to 22: \"zstd:19\"".to_owned()
                    }
                };
                findings.invalid(range, message, Some(help));
            })
            .ok()
    });
    let durable = table.bool(findings, "durable");
    let alignment = table.int(findings, "alignment", 16..=4096).and_then(|value| {
        let value = u32::try_from(value).ok().filter(|value| value.is_power_of_two());
        if value.is_none() {
            let range = table.item("alignment").map_or(0..0, |(_, range)| range);
            findings.invalid(range, "`alignment`: expected a power of two from 16 to 4096", None);
        }
        value
    });
    let constants = table.texts(findings, "constants").map(|texts| {
        let known = ConstantsLanguage::ALL.map(ConstantsLanguage::as_str);
        let language = |(text, range): (&str, Range<usize>)| {
            let parsed = text.parse::<ConstantsLanguage>();
            parsed
                .map_err(|error| {
                    let help = suggest(text, known).map(|close| format!("did you mean \"{close}\"?"));
                    findings.invalid(range, format!("`constants`: {error}"), help);
                })
                .ok()
        };
        texts.into_iter().filter_map(language).collect()
    });
    BuildOverrides { compression, durable, alignment, constants }
}

fn read_limits(root: &TableReader<'_>, findings: &mut Findings<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(table) = root.sub_table(findings, "limits", "[limits]") else { return limits };
    table.refuse_others(findings, &LIMIT_KEYS);
    let mut read = |key: &str, into: &mut u64| {
        if let Some(value) = table.int(findings, key, 1..=i64::MAX) {
            *into = value.unsigned_abs();
        }
    };
    read("max_input_bytes", &mut limits.max_input_bytes);
    read("max_pixels", &mut limits.max_pixels);
    read("max_payload_bytes", &mut limits.max_payload_bytes);
    limits
}
