//! Settings: what each is, who says so, and what it accepts, so that an editor can offer a control for it.

use packer_runtime::api::{
    InputArity, KindSpec, Origin, PreloadRow, RuleRow, SettingRow, SettingSpec, SettingType, SettingValue,
};
use serde::Serialize;

use crate::labels;

/// A setting of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingView {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: SettingValueView,
    /// The value as an intent to change it takes it.
    pub text: String,
    /// Who says so.
    pub origin: OriginView,
    /// The same in words.
    pub origin_label: String,
    /// What it accepts and does; none for a key that its kind does not have.
    pub spec: Option<SettingSpecView>,
}

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SettingValueView {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// Several values.
    List(Vec<SettingValueView>),
}

/// Who says what a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginView {
    /// The kind.
    Default,
    /// The rule.
    Rule,
    /// The anchor.
    Anchor,
}

/// Whether a pack keeps an asset among the payloads that are read first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PreloadView {
    /// Whether it does.
    pub value: bool,
    /// Who says so.
    pub origin: OriginView,
    /// The same in words.
    pub origin_label: String,
}

/// A rule of `packer.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    /// Its place among the rules, from 1.
    pub number: u64,
    /// Its line in `packer.toml`.
    pub line: Option<u32>,
    /// Its pattern.
    pub pattern: String,
}

/// A kind of assets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindView {
    /// Its name.
    pub kind: String,
    /// Whether one asset is made from several sources.
    pub many_inputs: bool,
    /// The extensions that adoption gives this kind where no rule does.
    pub extensions: Vec<String>,
    /// Its settings, in the order in which people should read them.
    pub settings: Vec<SettingSpecView>,
}

/// What a setting accepts and does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingSpecView {
    /// Its key.
    pub key: String,
    /// What it does, in one sentence.
    pub doc: String,
    /// What it accepts.
    pub accepts: AcceptsView,
    /// The same in words.
    pub accepts_label: String,
    /// Its value where nothing is said.
    pub default: SettingValueView,
}

/// What a setting accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AcceptsView {
    /// `true` or `false`.
    Bool {},
    /// A whole number in a range, both ends included.
    Int {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// One of these texts.
    Choice {
        /// Which.
        choices: Vec<String>,
    },
    /// Any text.
    Text {},
    /// The name of another asset, or the empty text for none.
    Reference {},
    /// Any number of values.
    List {
        /// What each of them is.
        item: Box<AcceptsView>,
    },
}

impl SettingView {
    pub(super) fn of(setting: &SettingRow, kind: Option<&KindSpec>) -> Self {
        let SettingRow { key, value, origin } = setting;
        Self {
            key: key.clone(),
            value: SettingValueView::of(value),
            text: value.to_string(),
            origin: OriginView::of(*origin),
            origin_label: labels::origin(*origin).to_owned(),
            spec: kind.and_then(|kind| kind.setting(key)).map(SettingSpecView::of),
        }
    }
}

impl SettingValueView {
    fn of(value: &SettingValue) -> Self {
        match value {
            SettingValue::Bool(value) => Self::Bool(*value),
            SettingValue::Int(value) => Self::Int(*value),
            SettingValue::Text(value) => Self::Text(value.clone()),
            SettingValue::List(values) => Self::List(values.iter().map(Self::of).collect()),
        }
    }
}

impl OriginView {
    fn of(origin: Origin) -> Self {
        match origin {
            Origin::Default => Self::Default,
            Origin::Rule => Self::Rule,
            Origin::Anchor => Self::Anchor,
        }
    }
}

impl PreloadView {
    pub(super) fn of(preload: PreloadRow) -> Self {
        let PreloadRow { value, origin } = preload;
        Self { value, origin: OriginView::of(origin), origin_label: labels::origin(origin).to_owned() }
    }
}

impl RuleView {
    pub(super) fn of(rule: &RuleRow) -> Self {
        let RuleRow { number, line, pattern } = rule;
        Self { number: *number as u64, line: *line, pattern: pattern.clone() }
    }
}

impl KindView {
    pub(crate) fn of(kind: &KindSpec) -> Self {
        let KindSpec {
            id,
            codec_version: _,
            payload_version: _,
            inputs,
            extensions,
            signatures: _,
            settings,
        } = kind;
        Self {
            kind: id.to_string(),
            many_inputs: match inputs {
                InputArity::One => false,
                InputArity::Many => true,
            },
            extensions: extensions.iter().map(ToString::to_string).collect(),
            settings: settings.iter().map(SettingSpecView::of).collect(),
        }
    }
}

impl SettingSpecView {
    fn of(spec: &SettingSpec) -> Self {
        let SettingSpec { key, accepts, default, doc } = spec;
        Self {
            key: (*key).to_owned(),
            doc: (*doc).to_owned(),
            accepts: AcceptsView::of(accepts),
            accepts_label: accepts.to_string(),
            default: SettingValueView::of(default),
        }
    }
}

impl AcceptsView {
    fn of(accepts: &SettingType) -> Self {
        match accepts {
            SettingType::Bool => Self::Bool {},
            SettingType::Int { min, max } => Self::Int { min: *min, max: *max },
            SettingType::Choice(choices) => {
                Self::Choice { choices: choices.iter().map(ToString::to_string).collect() }
            }
            SettingType::Text => Self::Text {},
            SettingType::Reference => Self::Reference {},
            SettingType::List(item) => Self::List { item: Box::new(Self::of(item)) },
        }
    }
}
