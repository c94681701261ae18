//! Patterns of rules and of inputs: which are taken, and that all who match with them agree.
//!
//! An input is a text: patterns, one a line, an empty line, then paths, one a line.

use packer_domain::anchor::{InputPatterns, has_anchor_name};
use packer_domain::path::AssetPath;
use packer_domain::rules::{Rule, RuleSet};

use super::input::{check_message, path, seed, text_of};
use super::{Seed, Verdict};

/// The most patterns and paths that are looked at.
const MOST: usize = 8;

pub(super) fn run(data: &[u8]) -> Verdict {
    let text = text_of(data);
    let (patterns, paths) = text.split_once("\n\n").unwrap_or((text, ""));
    let paths: Vec<AssetPath> =
        paths.lines().take(MOST).filter_map(|line| AssetPath::parse(line).ok()).collect();
    let folder = path("folder");
    let (mut taken, mut rules, mut refused) = (Vec::new(), Vec::new(), false);
    for pattern in patterns.lines().take(MOST) {
        let (of_rule, of_input) = (RuleSet::check_pattern(pattern), InputPatterns::check_pattern(pattern));
        assert_eq!(
            of_rule.is_ok(),
            of_input.is_ok(),
            "{pattern:?} of a rule {of_rule:?}, of an input {of_input:?}"
        );
        if let Err(error) = of_rule {
            check_message(&error.to_string());
            refused = true;
            continue;
        }
        let rule = Rule {
            pattern: pattern.to_owned(),
            kind: None,
            settings: std::collections::BTreeMap::new(),
            preload: None,
            span: None,
        };
        let alone = RuleSet::new(vec![rule.clone()]).expect("the pattern was checked");
        let inputs =
            InputPatterns::directory(None, vec![pattern.to_owned()]).expect("the pattern was checked");
        let below = InputPatterns::directory(Some(folder.clone()), vec![pattern.to_owned()])
            .expect("the pattern was checked");
        for file in &paths {
            let matches = alone.first_match(file).is_some();
            let claimed = matches && !has_anchor_name(file);
            assert_eq!(inputs.matches(file), claimed, "{pattern:?} and {file:?}");
            let inside = folder.join(file.as_str()).expect("both are paths");
            assert_eq!(below.matches(&inside), claimed, "{pattern:?} and {inside:?}");
            if !pattern.contains(['*', '?', '[', ']', '{', '}', ',', '!', '^']) {
                assert_eq!(matches, pattern == file.as_str(), "{pattern:?} and {file:?}");
            }
        }
        taken.push(alone);
        rules.push(rule);
    }
    check_together(&taken, rules, &paths);
    if !refused && !taken.is_empty() { Verdict::Taken } else { Verdict::Refused }
}

/// Of several, the first that matches alone counts.
fn check_together(alone: &[RuleSet], rules: Vec<Rule>, paths: &[AssetPath]) {
    let patterns = rules.iter().map(|rule| rule.pattern.clone()).collect();
    let inputs = InputPatterns::directory(None, patterns);
    // Together they can be too large.
    let Ok(together) = RuleSet::new(rules) else {
        assert!(inputs.is_err(), "too large for rules, and not for inputs");
        return;
    };
    let inputs = inputs.expect("the rules were taken");
    for file in paths {
        let first = alone.iter().position(|rule| rule.first_match(file).is_some());
        let found = together.first_match(file);
        assert_eq!(found, first.and_then(|at| together.iter().nth(at)), "{file:?}");
        assert_eq!(inputs.matches(file), first.is_some() && !has_anchor_name(file), "{file:?}");
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let paths = "a.png\nui/a.png\nui/deep/b.json\nasset.toml\n[x]\nGrüße.txt\nui";
    let patterns = [
        ("stars", "*.png\nui/*\n**/*.json"),
        ("classes", "[a-z].png\n[!a]*\n[[]x[]]\n[]]"),
        ("braces", "{a,b}.{png,jpg}\n{,ui/}a.png\n{a,{b,{c}}}"),
        ("deep", "**\n**/**\nui/**/b.json\n**/ui/**"),
        ("literal", "a.png\nui/a.png\nGrüße.txt"),
        ("absolute", "/a\nc:/x\n"),
        ("outside", "../a\n{..,a}/b\na/../b"),
        ("segments", "a//b\n./a\na/"),
        ("syntax", "[a\n{a\na}\n[z-a]\n**a\na**b"),
        ("backslash", "a\\*\n"),
        ("question", "?.png\n??\n?i/*"),
    ];
    let mut seeds: Vec<Seed> =
        patterns.iter().map(|(name, text)| seed(name, format!("{text}\n\n{paths}"))).collect();
    seeds.push(seed("long", "a".repeat(1025)));
    seeds.push(seed("many-braces", format!("{}\n\naaaa", "{a,b}".repeat(12))));
    seeds.push(seed("no-paths", "*.png"));
    seeds
}
