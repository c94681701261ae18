//! Planning `Duplicate`: a copy of an asset's inputs and anchor, with an identity of its own.

use crate::anchor::AnchorEdit;
use crate::diagnostic::DiagnosticCode;
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::{BuildParticipation, EntryState, RegistryEntry};
use crate::workspace::WorkspaceState;

use super::Duplicate;
use super::destination::{self, block_invalid, check_arrivals, check_source_name, meant, prepare};
use super::draft::Draft;
use super::look::{Need, Needs};
use super::plan::Change;
use super::relocate::{Parts, block_invalid_anchor};
use super::tree::Node;

pub(super) fn needs(state: &WorkspaceState, duplicate: &Duplicate) -> Needs {
    let Some(record) = state.asset(duplicate.asset) else { return Needs::default() };
    let Some(anchor) = record.anchor() else { return Needs::default() };
    let Some(parts) = Parts::of(record, anchor) else { return Needs::default() };
    let Ok(to) = meant(state, &parts.subject, &duplicate.to) else { return Needs::default() };
    let copies: Vec<AssetPath> = copies(&parts, &to).into_iter().map(|(_, to)| to).collect();
    let mut needs = destination::needs(&copies, []);
    needs.add(parts.anchor, Need::Contents);
    needs
}

pub(super) fn plan(draft: &mut Draft<'_>, duplicate: &Duplicate) {
    let Some((record, anchor)) = draft.placed(duplicate.asset) else { return };
    let Some(parts) = Parts::of(record, &anchor) else {
        return block_invalid(
            draft,
            &anchor,
            "the directory asset of the assets root has no place to copy".to_owned(),
        );
    };
    let to = match meant(draft.state, &parts.subject, &duplicate.to) {
        Ok(to) => to,
        Err(message) => return block_invalid(draft, &parts.subject, message),
    };
    if parts.is_folder && (to == parts.subject || to.strip_folder(parts.subject.as_str()).is_some()) {
        let message = format!("{to} is in the folder that would be copied there");
        return draft.block_path(
            DiagnosticCode::PlanIntoItself,
            &parts.subject,
            message,
            "choose a place outside of it",
        );
    }
    if record.declaration().is_none() {
        return block_invalid_anchor(draft, &anchor);
    }
    if !check_source_name(draft, &to) {
        return;
    }
    let copies = copies(&parts, &to);
    if copies.len() < 1 + parts.inputs.len() {
        return block_invalid(draft, &to, format!("{to} leaves no name for the anchor beside it"));
    }
    let targets: Vec<AssetPath> = copies.iter().map(|(_, to)| to.clone()).collect();
    if !prepare(draft, &copies) {
        return;
    }
    let Some(name) = free_name(draft, duplicate, &to) else { return };
    let Some(new_anchor) = parts.moved(&anchor, &to) else { return };
    let uuid = duplicate.draw.asset_uuid(new_anchor.as_str());
    if draft.registry.lines_of(uuid).next().is_some() {
        let message = format!("the uuid drawn for {new_anchor} is in the registry already");
        let help = "ask again: a new request draws new uuids";
        return draft.block_path(DiagnosticCode::RegistryDuplicateEntry, &new_anchor, message, help);
    }
    let Some(text) = draft.text(&anchor) else { return };
    let edits = [AnchorEdit::SetUuid(uuid), AnchorEdit::SetName(name.clone())];
    let Some(text) = draft.edited(&anchor, &text, &edits) else { return };
    draft.depends_on(&anchor);
    for (from, to) in copies.iter().filter(|(from, _)| *from != anchor) {
        draft.depends_on(from);
        // A copy of what the plan itself put there is what that is.
        let node = match draft.tree.node(from) {
            None => Node::Copy(from.clone()),
            Some(Node::Original(origin) | Node::Copy(origin)) => Node::Copy(origin.clone()),
            Some(other) => other.clone(),
        };
        draft.tree.put(to, node);
    }
    draft.tree.put(&new_anchor, Node::Text(text));
    draft.take_name(name.clone());
    let build =
        if record.entry.is_included() { BuildParticipation::Included } else { BuildParticipation::Excluded };
    let id = draft.registry.allocate(uuid);
    draft.registry.insert(RegistryEntry { uuid, id, state: EntryState::Live { anchor: new_anchor, build } });
    draft.affects(uuid, Some(name), Change::Duplicated);
    check_arrivals(draft, &targets, |asset| *asset == uuid);
}

/// What is copied, and to where; the anchor is among it.
fn copies(parts: &Parts, to: &AssetPath) -> Vec<(AssetPath, AssetPath)> {
    let all = parts.inputs.iter().chain([&parts.anchor]);
    all.filter_map(|from| Some((from.clone(), parts.moved(from, to)?))).collect()
}

fn free_name(draft: &mut Draft<'_>, duplicate: &Duplicate, to: &AssetPath) -> Option<AssetName> {
    match &duplicate.name {
        Some(asked) if draft.is_name_taken(asked) => {
            let message = format!("the name {asked} is another asset's already");
            let help = "give a name that no managed asset has";
            draft.block_path(DiagnosticCode::PlanNameTaken, to, message, help);
            None
        }
        Some(asked) => Some(asked.clone()),
        None => AssetName::candidates(to).find(|name| !draft.is_name_taken(name)),
    }
}
