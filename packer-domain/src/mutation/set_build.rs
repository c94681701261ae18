//! Planning `SetBuild`: which assets builds take.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::identity::AssetUuid;
use crate::registry::{BuildParticipation, EntryState, RegistryEntry};
use crate::workspace::AssetRecord;

use super::SetBuild;
use super::draft::Draft;
use super::plan::Change;

pub(super) fn plan(draft: &mut Draft<'_>, set_build: &SetBuild) {
    let workspace = draft.state;
    let uuids: BTreeSet<AssetUuid> = set_build.assets.iter().copied().collect();
    for uuid in &uuids {
        let Some(record) = draft.managed(*uuid) else { continue };
        let name = record.name().cloned();
        let lines: Vec<RegistryEntry> = draft.registry.lines_of(*uuid).cloned().collect();
        let [line] = lines.as_slice() else {
            draft.block_conflict(record);
            continue;
        };
        let EntryState::Live { anchor, build } = &line.state else { continue };
        if *build == set_build.build {
            continue;
        }
        let state = EntryState::Live { anchor: anchor.clone(), build: set_build.build };
        draft.registry.remove(line);
        draft.registry.insert(RegistryEntry { state, ..line.clone() });
        draft.affects(*uuid, name, change(set_build.build));
    }
    if set_build.build == BuildParticipation::Excluded {
        for uuid in uuids {
            let referring = workspace.referring_to(uuid).filter_map(|other| workspace.asset(other));
            for other in referring.filter(|other| other.entry.is_included()) {
                warn_of_reference(draft, other, uuid, &set_build.assets);
            }
        }
    }
}

fn change(build: BuildParticipation) -> Change {
    match build {
        BuildParticipation::Included => Change::Included,
        BuildParticipation::Excluded => Change::Excluded,
    }
}

/// What is left out goes on being referred to by what is not.
fn warn_of_reference(draft: &mut Draft<'_>, other: &AssetRecord, uuid: AssetUuid, excluded: &[AssetUuid]) {
    if excluded.contains(&other.entry.uuid) {
        return;
    }
    for reference in other.references().iter().filter(|reference| reference.target == Some(uuid)) {
        let message = format!("{} refers to {} by `{}`", other.label(), reference.name, reference.key);
        let subject = Subject::Asset(other.entry.uuid);
        let mut warning = Diagnostic::new(DiagnosticCode::PlanReferredTo, subject, message)
            .help("exclude it too, or let it refer to something else");
        if let Some(anchor) = other.anchor() {
            warning = warning.in_file(draft.state.project_path(anchor));
        }
        draft.warn(warning);
    }
}
