//! Planning `Remove`: assets that are no longer managed, and what becomes of their files.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::identity::AssetUuid;
use crate::path::AssetPath;
use crate::registry::{EntryState, RegistryEntry};
use crate::workspace::{AssetRecord, WorkspaceState};

use super::destination::{self, can_leave};
use super::draft::Draft;
use super::look::Needs;
use super::plan::Change;
use super::relocate::{Parts, block_invalid_anchor, remove_emptied, warn_of_left};
use super::tree::Node;
use super::{Remove, RemovedInputs};

pub(super) fn needs(state: &WorkspaceState, remove: &Remove) -> Needs {
    let records = remove.assets.iter().filter_map(|uuid| state.asset(*uuid));
    let files: Vec<&AssetPath> =
        records.flat_map(|record| record.inputs().iter().chain(record.anchor())).collect();
    destination::needs([], files)
}

pub(super) fn plan(draft: &mut Draft<'_>, remove: &Remove) {
    let uuids: BTreeSet<AssetUuid> = remove.assets.iter().copied().collect();
    let workspace = draft.state;
    let mut folders = Vec::new();
    let mut all_gone = Vec::new();
    for uuid in &uuids {
        let Some((record, anchor)) = draft.placed(*uuid) else { continue };
        let referring = workspace.referring_to(*uuid).filter(|other| !uuids.contains(other));
        for other in referring.filter_map(|other| workspace.asset(other)) {
            block_reference(draft, other, *uuid);
        }
        let parts = Parts::of(record, &anchor);
        // A directory asset's anchor alone says what belongs to it.
        let is_told = record.declaration().is_some() || parts.as_ref().is_some_and(|parts| !parts.is_folder);
        if remove.inputs == RemovedInputs::ToHistory && !is_told {
            block_invalid_anchor(draft, &anchor);
            continue;
        }
        let mut gone = vec![anchor.clone()];
        let mut shared = Vec::new();
        if remove.inputs == RemovedInputs::ToHistory {
            for input in record.inputs() {
                if is_claimed_by_another(workspace, input, &uuids) {
                    shared.push(input.clone());
                } else {
                    gone.push(input.clone());
                }
            }
        }
        if !can_leave(draft, &gone) {
            continue;
        }
        for path in &gone {
            draft.depends_on(path);
            draft.tree.put(path, Node::Absent);
        }
        warn_of_left(draft, parts.as_ref().map_or(&anchor, |parts| &parts.subject), &shared);
        folders.extend(parts.filter(|parts| parts.is_folder).map(|parts| parts.subject));
        all_gone.extend(gone);
        retire(draft, *uuid);
        draft.affects(*uuid, record.name().cloned(), Change::Retired);
    }
    // Only now: a folder can hold another asset that goes too.
    for folder in folders {
        remove_emptied(draft, &folder, &all_gone);
    }
}

fn retire(draft: &mut Draft<'_>, uuid: AssetUuid) {
    let lines: Vec<RegistryEntry> =
        draft.registry.lines_of(uuid).filter(|line| line.anchor().is_some()).cloned().collect();
    for line in lines {
        draft.registry.remove(&line);
        draft.registry.insert(RegistryEntry { state: EntryState::Retired, ..line });
    }
}

/// Whether an asset that stays claims the file too.
fn is_claimed_by_another(state: &WorkspaceState, input: &AssetPath, removed: &BTreeSet<AssetUuid>) -> bool {
    state.assets_at(input).into_iter().any(|uuid| !removed.contains(&uuid))
}

fn block_reference(draft: &mut Draft<'_>, other: &AssetRecord, uuid: AssetUuid) {
    for reference in other.references().iter().filter(|reference| reference.target == Some(uuid)) {
        let message = format!("{} refers to {} by `{}`", other.label(), reference.name, reference.key);
        let subject = Subject::Asset(other.entry.uuid);
        let mut blocker = Diagnostic::new(DiagnosticCode::PlanReferredTo, subject, message)
            .help("remove it too, or let it refer to something else");
        if let Some(anchor) = other.anchor() {
            blocker = blocker.in_file(draft.state.project_path(anchor));
        }
        draft.block(blocker);
    }
}
