//! Planning `Configure`: keys of an anchor, set and cleared. What the anchor says then is read like any anchor, and has to
//! be valid.

use crate::anchor::{AnchorEdit, parse_anchor};
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::divergence::DivergenceCode;
use crate::kind::SettingValue;
use crate::path::AssetPath;
use crate::workspace::WorkspaceState;

use super::Configure;
use super::draft::Draft;
use super::look::{Need, Needs};
use super::plan::Change;

/// The keys that are no settings of a kind.
const PRELOAD: &str = "preload";
const INPUTS: &str = "inputs";

pub(super) fn needs(state: &WorkspaceState, configure: &Configure) -> Needs {
    let anchor = state.asset(configure.asset).and_then(|record| record.anchor().cloned());
    anchor.map(|anchor| (anchor, Need::Contents)).into_iter().collect()
}

pub(super) fn plan(draft: &mut Draft<'_>, configure: &Configure) {
    let Some((record, anchor)) = draft.placed(configure.asset) else { return };
    let name = record.name().cloned();
    let Some(edits) = edits(draft, configure, &anchor) else { return };
    let Some(before) = draft.text(&anchor) else { return };
    let Some(after) = draft.edited(&anchor, &before, &edits) else { return };
    if after == before {
        return;
    }
    let file = draft.state.project_path(&anchor);
    let parsed = parse_anchor(after.as_bytes(), &anchor, &file, draft.state.kinds());
    if parsed.declaration().is_none() {
        let was_valid = record.declaration().is_some();
        for found in parsed.diagnostics() {
            // Of an anchor with errors of its own nobody can say what a change of it means.
            let code = if was_valid { found.code } else { DiagnosticCode::PlanInvalidAnchor };
            draft.block(Diagnostic { code, ..found.clone() });
        }
        return;
    }
    if draft.edit(&anchor, &edits) {
        draft.affects(configure.asset, name, Change::Configured);
        warn_of_what_follows(draft, configure);
    }
}

/// The edits of the anchor; `None` after blocking the plan for a key that none can set.
fn edits(draft: &mut Draft<'_>, configure: &Configure, anchor: &AssetPath) -> Option<Vec<AnchorEdit>> {
    let mut edits = Vec::new();
    let mut refused = false;
    let mut refuse = |draft: &mut Draft<'_>, code, message: String, help: &str| {
        draft.block_path(code, anchor, message, help);
        refused = true;
    };
    for key in &configure.clear {
        match key.as_str() {
            "uuid" | "name" | "kind" | INPUTS => {
                let message = format!("`{key}` cannot be cleared: every such anchor says it");
                refuse(draft, DiagnosticCode::PlanKeyNotSettable, message, "give it another value instead");
            }
            _ if configure.set.contains_key(key) => {
                let message = format!("`{key}` is both set and cleared");
                refuse(draft, DiagnosticCode::PlanKeyNotSettable, message, "say one of the two");
            }
            PRELOAD => edits.push(AnchorEdit::ClearPreload),
            _ => edits.push(AnchorEdit::ClearSetting { key: key.clone() }),
        }
    }
    for (key, value) in &configure.set {
        let not_settable = DiagnosticCode::PlanKeyNotSettable;
        match (key.as_str(), value) {
            ("uuid", _) => {
                refuse(
                    draft,
                    not_settable,
                    "a uuid is never set by hand".to_owned(),
                    "copy an asset with `packer dup`",
                );
            }
            ("name", _) => {
                let message = "a name is not set like other keys: others refer to it".to_owned();
                refuse(draft, not_settable, message, "use `packer rename`, which changes them too");
            }
            ("kind", _) => {
                let message = "the kind is not set like other keys: its settings belong to it".to_owned();
                refuse(draft, not_settable, message, "edit `kind` and its table in the anchor together");
            }
            (PRELOAD, SettingValue::Bool(preload)) => edits.push(AnchorEdit::SetPreload(*preload)),
            (PRELOAD, other) => {
                let message = format!("`preload` expects true or false, found {other}");
                refuse(
                    draft,
                    DiagnosticCode::AnchorInvalidValue,
                    message,
                    "say `preload=true` or `preload=false`",
                );
            }
            (INPUTS, value) => {
                if let Some(patterns) = patterns(value) {
                    edits.push(AnchorEdit::SetInputs(patterns));
                } else {
                    let message = format!("`inputs` expects a list of patterns, found {value}");
                    let help = "say it as `inputs=[\"frames/*.png\"]`";
                    refuse(draft, DiagnosticCode::AnchorInvalidValue, message, help);
                }
            }
            (_, value) => edits.push(AnchorEdit::SetSetting { key: key.clone(), value: value.clone() }),
        }
    }
    (!refused).then_some(edits)
}

fn patterns(value: &SettingValue) -> Option<Vec<String>> {
    let SettingValue::List(values) = value else { return None };
    let pattern = |value: &SettingValue| match value {
        SettingValue::Text(text) => Some(text.clone()),
        SettingValue::Bool(_) | SettingValue::Int(_) | SettingValue::List(_) => None,
    };
    values.iter().map(pattern).collect()
}

/// A reference may be set before what it names is adopted; the build would stop, so it is said.
fn warn_of_what_follows(draft: &mut Draft<'_>, configure: &Configure) {
    let after = draft.after();
    let known = draft.state.divergences();
    for found in after.divergences().without(known) {
        let is_said = matches!(
            found.code,
            DivergenceCode::ReferenceUnresolved
                | DivergenceCode::ReferenceCycle
                | DivergenceCode::InputMissing
        );
        if is_said && found.assets.contains(&configure.asset) {
            let subject = Subject::Asset(configure.asset);
            let warning = Diagnostic::new(found.code.diagnostic(), subject, found.message.clone());
            draft.warn(warning.help("it can be set all the same; builds stop until that is mended"));
        }
    }
}
