//! `packer.toml`: read, and what is built on it; and the one that a new project starts with.
//!
//! An input is the file's text. Its first line is also tried as the name of a new project.

use packer_domain::config::{ProjectConfig, parse_config};
use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::path::AssetPath;
use packer_domain::rules::RuleSet;
use packer_domain::toml_text::Parsed;

use super::input::{check_diagnostics, check_message, kinds, path, seed, text_of};
use super::{Seed, Verdict};

const FILE: &str = "packer.toml";

/// How many rules are looked at one by one.
const LOOKED_AT: usize = 8;

pub(super) fn run(data: &[u8]) -> Verdict {
    let text = text_of(data);
    let parsed = parse(text);
    check_diagnostics(&parsed.diagnostics, text, FILE);
    check_template(text.lines().next().unwrap_or_default());
    let Some(config) = &parsed.output else {
        assert!(parsed.has_errors(), "no configuration, and no reason");
        return Verdict::Refused;
    };
    for folder in [&config.assets, &config.output] {
        assert!(AssetPath::parse(folder.as_str()).is_ok(), "{folder:?} is not inside the project");
        let first = folder.as_str().split('/').next().unwrap_or_default();
        assert!(!first.eq_ignore_ascii_case(".packer"), "{folder:?} is the packer's own");
    }
    if !parsed.has_errors() {
        let (assets, output) = (config.assets.as_str(), config.output.as_str());
        assert!(assets != output && !output.starts_with(&format!("{assets}/")), "{assets:?}, {output:?}");
    }
    check_options(config);
    check_rules(&config.rules);
    if parsed.has_errors() { Verdict::Refused } else { Verdict::Taken }
}

fn parse(text: &str) -> Parsed<ProjectConfig> {
    let parsed = parse_config(text, FILE, kinds());
    assert_eq!(parsed, parse_config(text, FILE, kinds()), "the second reading differs");
    parsed
}

/// Whatever a project is called, its first `packer.toml` is TOML; and says that name, if it is one.
fn check_template(name: &str) {
    let parsed = parse(&ProjectConfig::new_project_text(name));
    assert!(parsed.diagnostics.iter().all(|found| found.code != DiagnosticCode::ConfigSyntax), "{parsed:#?}");
    if !parsed.has_errors() {
        assert_eq!(parsed.output.map(|config| config.name).as_deref(), Some(name));
    }
}

fn check_options(config: &ProjectConfig) {
    let names = config.profiles.keys().map(|name| Some(name.as_str())).chain([None]);
    for name in names {
        let options = config.build_options(name).expect("the profile is there");
        assert!(options.alignment.is_power_of_two() && (16..=4096).contains(&options.alignment));
        assert_eq!(options.compression.to_string().parse(), Ok(options.compression));
    }
    if let Err(unknown) = config.build_options(Some("no such profile")) {
        check_message(&unknown.to_string());
    }
}

/// The rule that counts is the first of those that match alone.
fn check_rules(rules: &RuleSet) {
    let alone: Vec<RuleSet> = rules
        .iter()
        .take(LOOKED_AT)
        .map(|rule| RuleSet::new(vec![rule.clone()]).expect("it was taken with the others"))
        .collect();
    for file in ["a.png", "ui/a.png", "ui/deep/er/b.json", "x/asset.toml"].map(path) {
        let first = alone.iter().position(|rule| rule.first_match(&file).is_some());
        let found = rules.first_match(&file);
        match first {
            Some(at) => assert_eq!(found, rules.iter().nth(at), "{file}"),
            None => assert!(found.is_none() || rules.iter().len() > LOOKED_AT, "{file}"),
        }
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let project = "[project]\nname = \"harbour\"\n";
    vec![
        seed("new-project", ProjectConfig::new_project_text("harbour")),
        seed("least", project),
        seed("folders", "project = { name = 'x', assets = './a//b', output = \"out\" }\n"),
        seed("folders-wrong", "[project]\nname = \"\"\nassets = \"../a\"\noutput = \".Packer/x\"\n"),
        seed("folders-nested", "[project]\nname = \"x\"\nassets = \"A\"\noutput = \"a/b\"\n"),
        seed(
            "rules",
            format!(
                "{project}[[rules]]\nmatch = \"ui/**/*.png\"\nkind = \"image\"\npreload = true\nimage.encoding = \"indexed8\"\n\n\
                 [[rules]]\nmatch = \"**/*.{{json,toml}}\"\nkind = \"data\"\n[rules.data]\nencoding = \"messagepack\"\n"
            ),
        ),
        seed("rules-inline", format!("rules = [{{ match = \"**\" }}, {{ match = \"a[\" }}, 1]\n{project}")),
        seed(
            "build",
            format!(
                "{project}[build]\ncompression = \"zstd:19\"\ndurable = true\nalignment = 4096\n\
                 [build.profiles.dev]\ncompression = \"none\"\n[build.profiles.\"a b\"]\nalignment = 64\n"
            ),
        ),
        seed("build-wrong", format!("{project}[build]\ncompression = \"zst\"\nalignment = 17\nx = 1\n")),
        seed(
            "limits",
            format!("{project}[limits]\nmax_input_bytes = 1_000\nmax_pixels = 0xff\nmax_payload_bytes = 0\n"),
        ),
        seed("unknown", format!("{project}[porject]\n[biuld]\nx.y.z = [1, {{ a = 1979-05-27 }}]\n")),
        seed("not-toml", "[project\nname = \"x\n\n= 4\n"),
        seed("name-escapes", "\u{1b}[31m\"'\\\u{7f}\u{feff}\u{202e}\n"),
        seed("crlf-mark", format!("\u{feff}{}", project.replace('\n', "\r\n"))),
        seed("not-utf-8", b"[project]\nname = \"\xc3\"\n".as_slice()),
    ]
}
