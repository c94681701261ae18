//! Rules of `packer.toml`: which kind a file gets at adoption, and which settings assets start from.
//!
//! Reading them from text is `config`'s. Here is what they mean: the first rule whose pattern matches counts, alone, and
//! an asset's settings are the kind's defaults, over them the rule's, over them the anchor's.

use std::collections::BTreeMap;

use globset::GlobSet;

use crate::diagnostic::Span;
use crate::kind::{KindId, KindSpec, SettingValue, Settings};
use crate::path::AssetPath;
use crate::pattern::{self, PatternError};

/// What patterns of rules are relative to.
const BASE: &str = "the assets root";

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which paths it is for, relative to the assets root. An asset goes by its input if it has a
    /// sidecar, by its `asset.toml` if it is a directory asset.
    pub pattern: String,
    /// The kind that adoption gives.
    pub kind: Option<KindId>,
    /// Settings to start from, by kind: only those that the rule says, each valid for its kind.
    pub settings: BTreeMap<KindId, BTreeMap<String, SettingValue>>,
    /// Whether assets are loaded with the pack, where the anchor does not say.
    pub preload: Option<bool>,
    /// Where the rule stands in `packer.toml`.
    pub span: Option<Span>,
}

/// The rules of a project, in their order.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    set: GlobSet,
}

impl RuleSet {
    /// Compiles `rules`.
    pub fn new(rules: Vec<Rule>) -> Result<Self, PatternError> {
        let globs =
            rules.iter().map(|rule| pattern::compile(&rule.pattern, BASE)).collect::<Result<_, _>>()?;
        Ok(Self { set: pattern::compile_set(globs)?, rules })
    }

    /// The first rule whose pattern matches `path`.
    pub fn first_match(&self, path: &AssetPath) -> Option<&Rule> {
        self.rules.get(self.first_index(path.as_str(), &mut Vec::new())?)
    }

    /// Which of them is the first whose pattern matches the path `path`; `matching` is for its own use, so that a caller
    /// with many paths allocates once.
    pub(crate) fn first_index(&self, path: &str, matching: &mut Vec<usize>) -> Option<usize> {
        if self.rules.is_empty() {
            return None;
        }
        self.set.matches_into(path, matching);
        matching.iter().copied().min()
    }

    /// The rule with this index.
    pub(crate) fn get(&self, index: usize) -> Option<&Rule> {
        self.rules.get(index)
    }

    /// All rules, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Whether `pattern` could stand in a rule.
    pub fn check_pattern(pattern: &str) -> Result<(), PatternError> {
        pattern::compile(pattern, BASE).map(|_| ())
    }
}

impl Default for RuleSet {
    fn default() -> Self {
        Self { rules: Vec::new(), set: GlobSet::empty() }
    }
}

impl PartialEq for RuleSet {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
    }
}

impl Eq for RuleSet {}

/// The complete settings of an asset of `spec`'s kind: its defaults, over them those of the rule that matches it, over
/// them what its anchor says.
pub fn resolve_settings(
    spec: &KindSpec,
    rule: Option<&Rule>,
    anchor: &BTreeMap<String, SettingValue>,
) -> Settings {
    let mut settings = spec.defaults();
    let of_rule = rule.and_then(|rule| rule.settings.get(&spec.id)).into_iter().flatten();
    for (key, value) in of_rule.chain(anchor) {
        settings.set(key, value.clone());
    }
    settings
}

/// Whether an asset is loaded with the pack: what its anchor says, else what the rule says, else no.
pub fn resolve_preload(rule: Option<&Rule>, anchor: Option<bool>) -> bool {
    anchor.or_else(|| rule?.preload).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{InputArity, SettingSpec, SettingType};

    fn rule(pattern: &str, padding: Option<i64>, preload: Option<bool>) -> Rule {
        let kind = KindId::parse("atlas").unwrap();
        let own = padding.map(|value| ("padding".to_owned(), SettingValue::Int(value)));
        Rule {
            pattern: pattern.to_owned(),
            kind: None,
            settings: BTreeMap::from([(kind, own.into_iter().collect())]),
            preload,
            span: None,
        }
    }

    fn path(text: &str) -> AssetPath {
        AssetPath::parse(text).unwrap()
    }

    #[test]
    fn the_first_rule_that_matches_counts_alone() {
        let rules =
            vec![rule("ui/big/*", Some(1), None), rule("ui/**", Some(2), None), rule("**", None, None)];
        let set = RuleSet::new(rules).unwrap();
        let pattern = |p: &str| set.first_match(&path(p)).map(|rule| rule.pattern.clone());
        assert_eq!(pattern("ui/big/a.png").as_deref(), Some("ui/big/*"));
        assert_eq!(pattern("ui/big/b/a.png").as_deref(), Some("ui/**"));
        assert_eq!(pattern("a.png").as_deref(), Some("**"));
        assert!(RuleSet::default().first_match(&path("a")).is_none());
    }

    #[test]
    fn the_anchor_wins_over_the_rule_and_the_rule_over_the_defaults() {
        let setting = |key, default| SettingSpec {
            key,
            accepts: SettingType::Int { min: 0, max: 9 },
            default: SettingValue::Int(default),
            doc: "",
        };
        let spec = KindSpec {
            id: KindId::parse("atlas").unwrap(),
            codec_version: 1,
            payload_version: 1,
            inputs: InputArity::Many,
            extensions: &[],
            signatures: &[],
            settings: vec![setting("padding", 1), setting("extrude", 5)],
        };
        let rule = rule("**", Some(2), Some(true));
        let anchor = BTreeMap::from([("padding".to_owned(), SettingValue::Int(3))]);
        let padding = |rule, anchor: &BTreeMap<_, _>| resolve_settings(&spec, rule, anchor).int("padding");
        assert_eq!(padding(None, &BTreeMap::new()), 1);
        assert_eq!(padding(Some(&rule), &BTreeMap::new()), 2);
        assert_eq!(padding(Some(&rule), &anchor), 3);
        assert_eq!(resolve_settings(&spec, Some(&rule), &anchor).int("extrude"), 5);

        assert!(!resolve_preload(None, None));
        assert!(resolve_preload(Some(&rule), None));
        assert!(!resolve_preload(Some(&rule), Some(false)));
    }
}
