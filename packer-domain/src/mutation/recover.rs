//! Planning `Recover`: how an operation that was interrupted in the middle of its commit is settled. Path by path it is
//! told what stands there, and either what was there before comes back, or what the operation was to put there is put
//! there; what somebody else saved meanwhile stays, or goes to the history.

use std::collections::BTreeSet;

use crate::anchor::anchor_form;
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::identity::{AssetUuid, OperationId};
use crate::observation::FileFact;
use crate::path::AssetPath;
use crate::registry::RegistryEntry;
use crate::workspace::WorkspaceState;

use super::destination::folders_of;
use super::draft::Draft;
use super::look::{
    Contents, FrozenBytes, FrozenContents, FrozenFile, FrozenOperation, KeptOperation, Need, Needs, PathState,
};
use super::plan::Change;
use super::tree::Node;
use super::undo::{remove_empty_folders, warn_of_divergences};
use super::{Recover, RecoveryChoice};

pub(super) fn needs(found: &Contents, recover: &Recover) -> Needs {
    let mut needs = Needs::default();
    match found.operation(recover.operation) {
        None => {
            needs.operations.insert(recover.operation);
        }
        Some(KeptOperation::Frozen(frozen)) => {
            for file in &frozen.files {
                // What anchors say counts afterwards, wherever they go.
                let need = if anchor_form(&file.path).is_some() { Need::Contents } else { Need::State };
                needs.add(file.path.clone(), need);
                folders_of(&file.path).for_each(|folder| needs.add(folder, Need::State));
            }
            for folder in frozen.made_folders.iter().chain(&frozen.removed_folders) {
                needs.add(folder.clone(), Need::State);
            }
        }
        Some(
            KeptOperation::Nothing
            | KeptOperation::Unusable { .. }
            | KeptOperation::Applied(_)
            | KeptOperation::FrozenUnknown { .. },
        ) => {}
    }
    needs
}

pub(super) fn plan(draft: &mut Draft<'_>, recover: &Recover) {
    let operation = recover.operation;
    let message = match draft.kept(operation) {
        Some(KeptOperation::Frozen(frozen)) => return settle(draft, recover.choice, frozen),
        Some(KeptOperation::FrozenUnknown { reason }) if recover.choice == RecoveryChoice::KeepTheirs => {
            return give_up(draft, operation, reason);
        }
        Some(KeptOperation::FrozenUnknown { reason }) => {
            format!("operation {operation} cannot be finished: {reason}")
        }
        None | Some(KeptOperation::Nothing | KeptOperation::Applied(_) | KeptOperation::Unusable { .. }) => {
            format!("operation {operation} does not wait for a decision")
        }
    };
    let blocker = Diagnostic::new(DiagnosticCode::PlanTargetMissing, Subject::Project, message);
    draft.block(blocker.help("`packer status` says whether an operation waits, and which"));
}

/// Leaves everything as it is, since nobody can tell what the operation was doing.
fn give_up(draft: &mut Draft<'_>, operation: OperationId, reason: &str) {
    let message = format!("what operation {operation} was doing cannot be told: {reason}");
    let help = format!("what it had moved out of its way will be in .packer/history/{operation}");
    draft.warn(Diagnostic::new(DiagnosticCode::LaneFrozen, Subject::Project, message).help(help));
    draft.settles();
}

fn settle(draft: &mut Draft<'_>, choice: RecoveryChoice, frozen: &FrozenOperation) {
    for file in &frozen.files {
        settle_file(draft, choice, file);
    }
    settle_moves(draft, frozen);
    let (make, remove) = match choice {
        RecoveryChoice::FinishOurs => (&frozen.made_folders, &frozen.removed_folders),
        RecoveryChoice::KeepTheirs => (&frozen.removed_folders, &frozen.made_folders),
    };
    for folder in make {
        if matches!(draft.found(folder), Some(PathState::Absent | PathState::Ignored { .. })) {
            draft.tree.put_folder(folder, true);
        }
    }
    make_places(draft, frozen);
    remove_empty_folders(draft, remove);
    settle_registry(draft, choice, frozen);
    draft.settles();
    warn_of_divergences(draft, |_| true);
}

/// What stands at a path, as far as settling goes.
#[derive(PartialEq, Eq)]
enum Standing {
    Nothing,
    File(FileFact),
    /// Something that is no file, or a file that no scan sees.
    InTheWay,
}

fn settle_file(draft: &mut Draft<'_>, choice: RecoveryChoice, file: &FrozenFile) {
    draft.depends_on(&file.path);
    let observed = draft.state.observation().files.get(&file.path).copied();
    let standing = match (draft.found(&file.path), observed) {
        (_, Some(fact)) => Standing::File(fact),
        (Some(PathState::Absent | PathState::Ignored { .. }), None) => Standing::Nothing,
        (_, None) => Standing::InTheWay,
    };
    let is = |contents: &Option<FrozenContents>| match (contents, &standing) {
        (Some(contents), Standing::File(fact)) => contents.fact == *fact,
        (None, Standing::Nothing) => true,
        _ => false,
    };
    // Nothing stands where something was displaced from and the rest was not placed yet.
    let is_ours = is(&file.before) || is(&file.after) || standing == Standing::Nothing;
    let wanted = match choice {
        RecoveryChoice::FinishOurs => &file.after,
        RecoveryChoice::KeepTheirs if is_ours && file.saved.is_some() => &file.saved,
        RecoveryChoice::KeepTheirs if is_ours => &file.before,
        // Somebody else's.
        RecoveryChoice::KeepTheirs => return,
    };
    if is(wanted) {
        return;
    }
    if standing == Standing::InTheWay {
        let message = format!("something that is no file stands at {}", file.path);
        let help = "move it away, and ask again";
        return draft.block_path(DiagnosticCode::PlanMovedOn, &file.path, message, help);
    }
    match wanted {
        None => draft.tree.put(&file.path, Node::Absent),
        Some(FrozenContents { fact, at: FrozenBytes::Kept(kept), text }) => {
            draft.tree.put(&file.path, Node::Kept { kept: *kept, fact: *fact, text: text.clone() });
        }
        // What it had moved already goes back from there, or on to there; that place is settled by itself.
        Some(FrozenContents { at: FrozenBytes::Place(from), .. }) if *from != file.path => {
            draft.tree.put(&file.path, Node::Original(from.clone()));
        }
        Some(FrozenContents { at: FrozenBytes::Place(_) | FrozenBytes::Gone, .. }) => {
            let message = format!("the bytes that belong to {} are kept nowhere", file.path);
            let help = "choose the other way, or put a file there yourself, such as from version control";
            draft.block_path(DiagnosticCode::PlanMovedOn, &file.path, message, help);
        }
    }
}

/// Takes only a copy of what goes back or on from a place where it also stays.
fn settle_moves(draft: &mut Draft<'_>, frozen: &FrozenOperation) {
    for file in &frozen.files {
        let Some(Node::Original(from)) = draft.tree.node(&file.path).cloned() else { continue };
        if draft.tree.node(&from).is_none() {
            draft.tree.put(&file.path, Node::Copy(from));
        }
    }
}

/// Makes the folders of what comes back that somebody removed meanwhile.
fn make_places(draft: &mut Draft<'_>, frozen: &FrozenOperation) {
    let comes = |file: &&FrozenFile| draft.tree.node(&file.path).is_some_and(|node| *node != Node::Absent);
    let folders: BTreeSet<AssetPath> =
        frozen.files.iter().filter(comes).flat_map(|file| folders_of(&file.path)).collect();
    for folder in folders {
        match draft.found(&folder) {
            Some(PathState::Folder) => {}
            Some(PathState::Absent | PathState::Ignored { .. }) => draft.tree.need_folder(&folder),
            _ => {
                let message = format!("something that is no folder of the project stands at {folder}");
                let help = "move it away, and ask again";
                draft.block_path(DiagnosticCode::PlanMovedOn, &folder, message, help);
            }
        }
    }
}

/// The registry's lines as the choice wants them; lines that the operation does not concern stay as they are.
fn settle_registry(draft: &mut Draft<'_>, choice: RecoveryChoice, frozen: &FrozenOperation) {
    let (unwanted, wanted) = match choice {
        RecoveryChoice::FinishOurs => (&frozen.lines_before, &frozen.lines_after),
        RecoveryChoice::KeepTheirs => (&frozen.lines_after, &frozen.lines_before),
    };
    if let Some(saved) = &frozen.saved_registry {
        draft.registry = saved.clone();
        if choice == RecoveryChoice::KeepTheirs {
            return;
        }
    }
    let uuids: BTreeSet<AssetUuid> = unwanted.iter().chain(wanted).map(|line| line.uuid).collect();
    let mut changed = Vec::new();
    for uuid in uuids {
        let of = |lines: &[RegistryEntry]| -> BTreeSet<RegistryEntry> {
            lines.iter().filter(|line| line.uuid == uuid).cloned().collect()
        };
        let (unwanted, wanted) = (of(unwanted), of(wanted));
        let found: BTreeSet<RegistryEntry> = draft.registry.lines_of(uuid).cloned().collect();
        let is_ours = found == unwanted || found == wanted;
        if found == wanted || (choice == RecoveryChoice::KeepTheirs && !is_ours) {
            continue;
        }
        for line in &found {
            draft.registry.remove(line);
        }
        for line in wanted {
            draft.registry.insert(line);
        }
        changed.push(uuid);
    }
    // Half-way through a commit an anchor can be nowhere; afterwards it says what people call the asset.
    let after = draft.after();
    for uuid in changed {
        let name_in = |state: &WorkspaceState| state.asset(uuid).and_then(|asset| asset.name().cloned());
        let name = name_in(&after).or_else(|| name_in(draft.state));
        draft.affects(uuid, name, Change::Reverted);
    }
}
