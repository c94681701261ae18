//! The settings and the preload flag that apply to an asset: defaults of its kind, over them the first rule that matches,
//! over them its anchor.
//!
//! Most assets of a project have the settings of many others, so equal ones are made once and shared.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::anchor::{ParsedAnchor, sidecar_input};
use crate::config::ProjectConfig;
use crate::kind::{KindCatalog, KindId, SettingValue, Settings};
use crate::path::AssetPath;
use crate::rules::{resolve_preload, resolve_settings};

/// What settings are made from: the kind, which rule matches, and what the anchor says.
type Origin<'a> = (&'a KindId, Option<usize>, &'a BTreeMap<String, SettingValue>);

pub(super) struct Effective<'a> {
    config: &'a ProjectConfig,
    kinds: &'a KindCatalog,
    made: BTreeMap<Origin<'a>, Arc<Settings>>,
    nothing: Arc<Settings>,
    matching: Vec<usize>,
}

impl<'a> Effective<'a> {
    pub(super) fn new(config: &'a ProjectConfig, kinds: &'a KindCatalog) -> Self {
        Self { config, kinds, made: BTreeMap::new(), nothing: Arc::default(), matching: Vec::new() }
    }

    /// What applies to the asset whose anchor, at `anchor`, says `parsed`: nothing while that is not valid.
    pub(super) fn of(&mut self, anchor: &AssetPath, parsed: &'a ParsedAnchor) -> (Arc<Settings>, bool) {
        let Some(declaration) = parsed.declaration() else { return (Arc::clone(&self.nothing), false) };
        let subject = sidecar_input(anchor).unwrap_or(anchor.as_str());
        let number = self.config.rules.first_index(subject, &mut self.matching);
        let rule = number.and_then(|number| self.config.rules.get(number));
        let preload = resolve_preload(rule, declaration.preload);
        let Some(spec) = self.kinds.get(&declaration.kind) else {
            return (Arc::clone(&self.nothing), preload);
        };
        let made = self
            .made
            .entry((&declaration.kind, number, &declaration.settings))
            .or_insert_with(|| Arc::new(resolve_settings(spec, rule, &declaration.settings)));
        (Arc::clone(made), preload)
    }
}
