//! Planning `Register`: which anchors on disk become managed.

use std::collections::BTreeMap;

use crate::diagnostic::DiagnosticCode;
use crate::identity::AssetUuid;
use crate::path::AssetPath;
use crate::registry::{BuildParticipation, EntryState, RegistryEntry};
use crate::workspace::WorkspaceState;

use super::draft::Draft;
use super::plan::Change;
use super::{Register, Target};

pub(super) fn plan(draft: &mut Draft<'_>, register: &Register) {
    let state = draft.state;
    let mut chosen: BTreeMap<AssetPath, bool> = BTreeMap::new();
    for target in &register.targets {
        let mut any = false;
        for (path, _) in state.unregistered() {
            let (covered, by_itself) = match target {
                Target::Root => (true, false),
                Target::Path(target) => {
                    (path == target || path.strip_folder(target.as_str()).is_some(), path == target)
                }
            };
            if covered {
                any = true;
                *chosen.entry(path.clone()).or_default() |= by_itself;
            }
        }
        let Target::Path(path) = target else { continue };
        if any || state.observation().folders.contains(path) {
            continue;
        }
        if let Some(parsed) = state.observation().anchors.get(path) {
            let holder = parsed.uuid().and_then(|uuid| state.asset(uuid));
            let (message, help) = match holder.and_then(|holder| holder.entry.anchor()) {
                Some(accepted) if accepted != path => (
                    format!("{path} has the uuid of the asset that is registered at {accepted}"),
                    "it was moved or copied: `packer reconcile` resolves that",
                ),
                Some(_) | None => (format!("{path} is registered already"), "nothing needs to be done"),
            };
            draft.warn_path(DiagnosticCode::PlanAlreadyManaged, path, message, help);
        } else {
            let message = format!("there is no anchor {path} below the assets root");
            draft.block_path(
                DiagnosticCode::PlanTargetMissing,
                path,
                message,
                "name an anchor (`<file>.asset.toml` or `asset.toml`) or a folder; to adopt a file, use `packer adopt`",
            );
        }
    }
    let copies = copies_of(state);
    for (path, by_itself) in chosen {
        register_anchor(draft, &path, by_itself, &copies);
    }
}

/// In how many unregistered anchors each of their uuids stands.
pub(super) fn copies_of(state: &WorkspaceState) -> BTreeMap<AssetUuid, usize> {
    let mut copies = BTreeMap::new();
    for uuid in state.unregistered().filter_map(|(_, parsed)| parsed.uuid()) {
        *copies.entry(uuid).or_default() += 1;
    }
    copies
}

/// Takes one anchor into the registry: as a new line, or in place of its retired one.
pub(super) fn register_anchor(
    draft: &mut Draft<'_>,
    path: &AssetPath,
    by_itself: bool,
    copies: &BTreeMap<AssetUuid, usize>,
) {
    let Some(parsed) = draft.state.unregistered_at(path) else { return };
    let Some(declaration) = parsed.declaration().cloned() else {
        let message = format!("{path} is not a valid anchor");
        let help = "mend it first; `packer check` says what is wrong with it";
        if by_itself {
            draft.block_path(DiagnosticCode::PlanInvalidAnchor, path, message, help);
        } else {
            draft.warn_path(DiagnosticCode::PlanInvalidAnchor, path, format!("{message}, and is left"), help);
        }
        return;
    };
    if copies.get(&declaration.uuid).is_some_and(|copies| *copies > 1) {
        draft.block_path(
            DiagnosticCode::AnchorDuplicateUuid,
            path,
            format!("the uuid of {path} stands in another unregistered anchor too"),
            "give one of them a new uuid first: `packer reconcile anchor/duplicate-uuid --path PATH`",
        );
        return;
    }
    if draft.is_name_taken(&declaration.name) {
        draft.block_path(
            DiagnosticCode::PlanNameTaken,
            path,
            format!("the name {} of {path} is another asset's already", declaration.name),
            "change `name` in the anchor first",
        );
        return;
    }
    let retired: Vec<RegistryEntry> = draft.registry.lines_of(declaration.uuid).cloned().collect();
    if retired.len() > 1 {
        draft.block_path(
            DiagnosticCode::RegistryDuplicateEntry,
            path,
            format!("the registry has {} lines for the uuid of {path}", retired.len()),
            "keep one of them first: `packer reconcile registry/duplicate-entry`",
        );
        return;
    }
    let retired = retired.into_iter().next();
    draft.depends_on(path);
    draft.take_name(declaration.name.clone());
    let id = match &retired {
        Some(entry) => entry.id,
        None => draft.registry.allocate(declaration.uuid),
    };
    if let Some(entry) = retired {
        draft.registry.remove(&entry);
    }
    draft.registry.insert(RegistryEntry {
        uuid: declaration.uuid,
        id,
        state: EntryState::Live { anchor: path.clone(), build: BuildParticipation::Included },
    });
    draft.affects(declaration.uuid, Some(declaration.name), Change::Registered);
}
