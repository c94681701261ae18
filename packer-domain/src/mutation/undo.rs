//! Planning `Undo`: what an operation did, backwards. Every file and every line of the registry that it left has to be as
//! it left it; what was changed since by somebody else is not taken back in passing.

use std::collections::{BTreeMap, BTreeSet};

use crate::anchor::anchor_form;
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::divergence::Divergence;
use crate::identity::{AssetUuid, OperationId};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::RegistryEntry;

use super::Undo;
use super::destination::{self, can_leave};
use super::draft::Draft;
use super::look::{AppliedOperation, Contents, KeptOperation, Need, Needs, PathState};
use super::plan::Change;
use super::tree::Node;

pub(super) fn needs(found: &Contents, undo: &Undo) -> Needs {
    let mut needs = Needs::default();
    match found.operation(undo.operation) {
        None => {
            needs.operations.insert(undo.operation);
        }
        Some(KeptOperation::Applied(applied)) => {
            let targets = targets(applied);
            needs = destination::needs(&targets, applied.placed.iter().map(|file| &file.path));
            // Of anchors the difference is shown, and what they say afterwards counts.
            let placed = applied.placed.iter().map(|file| &file.path);
            for path in placed.filter(|path| anchor_form(path).is_some()) {
                needs.add(path.clone(), Need::Contents);
            }
            for folder in &applied.removed_folders {
                needs.add(folder.clone(), Need::State);
            }
        }
        Some(
            KeptOperation::Nothing
            | KeptOperation::Unusable { .. }
            | KeptOperation::Frozen(_)
            | KeptOperation::FrozenUnknown { .. },
        ) => {}
    }
    needs
}

/// Where files go back to.
fn targets(applied: &AppliedOperation) -> Vec<AssetPath> {
    let moved = applied.placed.iter().filter_map(|file| file.from.clone());
    moved.chain(applied.taken.iter().map(|file| file.path.clone())).collect()
}

pub(super) fn plan(draft: &mut Draft<'_>, undo: &Undo) {
    let Some(applied) = applied(draft, undo.operation) else { return };
    let names = names(draft, applied);
    if !is_as_it_left_it(draft, applied) {
        return;
    }
    // First away with what it put somewhere: some of the places are those where something comes back to.
    let mut returned = Vec::new();
    for file in &applied.placed {
        let node = draft.tree.take(&file.path);
        if let Some(from) = &file.from {
            returned.push((from, node));
        }
    }
    let targets = targets(applied);
    let placed: Vec<AssetPath> = applied.placed.iter().map(|file| file.path.clone()).collect();
    if !can_leave(draft, &placed) || !prepare_places(draft, &targets) {
        return;
    }
    for folder in &applied.removed_folders {
        if draft.found(folder) == Some(PathState::Absent) {
            draft.tree.put_folder(folder, true);
        }
    }
    for (from, node) in returned {
        draft.tree.put(from, node);
    }
    for file in &applied.taken {
        let node = Node::Kept { kept: file.kept, fact: file.before, text: file.text.clone() };
        draft.tree.put(&file.path, node);
    }
    remove_empty_folders(draft, &applied.made_folders);
    for line in &applied.lines_after {
        draft.registry.remove(line);
    }
    for line in &applied.lines_before {
        draft.registry.insert(line.clone());
    }
    say_who_is_affected(draft, applied, &names);
    warn_of_collisions(draft, &targets);
    warn_of_divergences(draft, |_| true);
}

/// What the operation did; blocks the plan if that is not known.
fn applied<'a>(draft: &mut Draft<'a>, operation: OperationId) -> Option<&'a AppliedOperation> {
    let (code, message, help) = match draft.kept(operation) {
        Some(KeptOperation::Applied(applied)) => return Some(applied),
        None | Some(KeptOperation::Nothing) => (
            DiagnosticCode::PlanTargetMissing,
            format!("nothing is kept of operation {operation}"),
            "`packer log` lists the operations that can be undone",
        ),
        Some(KeptOperation::Unusable { reason }) => (
            DiagnosticCode::PlanTargetMissing,
            format!("what is kept of operation {operation} cannot be used: {reason}"),
            "bring the files back from version control",
        ),
        Some(KeptOperation::Frozen(_) | KeptOperation::FrozenUnknown { .. }) => (
            DiagnosticCode::PlanMovedOn,
            format!("operation {operation} was interrupted, and is not settled"),
            "run `packer recover` first",
        ),
    };
    draft.block(Diagnostic::new(code, Subject::Project, message).help(help));
    None
}

/// Whether every file and every line that the operation left is as it left it; blocks the plan where one is not.
fn is_as_it_left_it(draft: &mut Draft<'_>, applied: &AppliedOperation) -> bool {
    let mut is = true;
    for file in &applied.placed {
        draft.depends_on(&file.path);
        let message = match draft.state.observation().files.get(&file.path) {
            Some(fact) if *fact == file.after => continue,
            Some(_) => format!("{} was changed since", file.path),
            None => format!("{} is no longer there", file.path),
        };
        is = false;
        let help = "take that back first, or leave things as they are";
        draft.block_path(DiagnosticCode::PlanMovedOn, &file.path, message, help);
    }
    let uuids: BTreeSet<AssetUuid> = lines(applied).map(|line| line.uuid).collect();
    for uuid in uuids {
        let of = |lines: &'_ [RegistryEntry]| -> BTreeSet<RegistryEntry> {
            lines.iter().filter(|line| line.uuid == uuid).cloned().collect()
        };
        let found: BTreeSet<RegistryEntry> = draft.registry.lines_of(uuid).cloned().collect();
        let left = of(&applied.lines_after);
        // An id that was free in between may be another's by now. One that the operation took from two who had it was
        // the other's all the time.
        let is_held = left.is_empty()
            && of(&applied.lines_before).iter().any(|line| {
                draft.registry.holders(line.id).any(|holder| lines(applied).all(|line| line.uuid != holder))
            });
        if found == left && !is_held {
            continue;
        }
        is = false;
        let label = draft.state.asset(uuid).map_or_else(|| uuid.to_string(), |asset| asset.label());
        let message = format!("the registry says something else of {label} since");
        let blocker = Diagnostic::new(DiagnosticCode::PlanMovedOn, Subject::Asset(uuid), message);
        draft.block(blocker.help("undo what was done since first: `packer log` lists it"));
    }
    is
}

fn lines(applied: &AppliedOperation) -> impl Iterator<Item = &RegistryEntry> {
    applied.lines_before.iter().chain(&applied.lines_after)
}

/// Whether files can come back to `targets`; makes the folders that are gone since.
fn prepare_places(draft: &mut Draft<'_>, targets: &[AssetPath]) -> bool {
    // A place that was good enough before is so again, whatever it is called.
    let pairs: Vec<_> = targets.iter().map(|target| (target.clone(), target.clone())).collect();
    destination::prepare(draft, &pairs)
}

/// Says what comes back beside something that differs from it only by case or Unicode form. That may have been so before.
fn warn_of_collisions(draft: &mut Draft<'_>, targets: &[AssetPath]) {
    let after = draft.after();
    let colliding = |path: &&AssetPath| after.is_colliding(path) && !draft.state.is_colliding(path);
    let new: Vec<&AssetPath> = targets.iter().filter(colliding).collect();
    for path in new {
        draft.warn_path(
            DiagnosticCode::PathCollision,
            path,
            format!("{path} would come back beside a path that differs from it only by case or Unicode form"),
            "some systems take the two for one file; rename one of them then",
        );
    }
}

/// Removes those of `folders`, which are named outermost first, in which nothing is left.
pub(super) fn remove_empty_folders(draft: &mut Draft<'_>, folders: &[AssetPath]) {
    let after = draft.after();
    let observation = after.observation();
    let mut gone: BTreeSet<&AssetPath> = BTreeSet::new();
    // Innermost first: a folder in which only emptied folders are is empty too.
    for folder in folders.iter().rev() {
        let holds_files = observation.files_below(Some(folder)).next().is_some();
        let inner = observation.folders.iter().filter(|other| other.strip_folder(folder.as_str()).is_some());
        let holds_folders = inner.into_iter().any(|other| !gone.contains(other));
        if observation.folders.contains(folder) && !holds_files && !holds_folders {
            gone.insert(folder);
        }
    }
    for folder in gone {
        draft.tree.put_folder(folder, false);
    }
}

/// The names of the assets concerned: as they are, or as they are to be again.
fn names(draft: &Draft<'_>, applied: &AppliedOperation) -> BTreeMap<AssetUuid, AssetName> {
    let uuids: BTreeSet<AssetUuid> = lines(applied).map(|line| line.uuid).collect();
    let named = |uuid: AssetUuid| Some((uuid, draft.state.asset(uuid)?.name()?.clone()));
    uuids.into_iter().filter_map(named).collect()
}

fn say_who_is_affected(
    draft: &mut Draft<'_>,
    applied: &AppliedOperation,
    names: &BTreeMap<AssetUuid, AssetName>,
) {
    let live = |lines: &[RegistryEntry], uuid: AssetUuid| {
        lines.iter().any(|line| line.uuid == uuid && line.anchor().is_some())
    };
    let after = draft.after();
    let uuids: BTreeSet<AssetUuid> = lines(applied).map(|line| line.uuid).collect();
    for uuid in &uuids {
        let was = live(&applied.lines_after, *uuid);
        let is_again = live(&applied.lines_before, *uuid);
        let change = match (was, is_again) {
            (false, true) => Change::Restored,
            (true, false) => Change::Undone,
            (true, true) | (false, false) => Change::Reverted,
        };
        let name = after.asset(*uuid).and_then(|asset| asset.name().cloned());
        draft.affects(*uuid, name.or_else(|| names.get(uuid).cloned()), change);
    }
    // Those of which only the anchor changes.
    let anchors =
        applied.taken.iter().map(|file| &file.path).chain(applied.placed.iter().map(|file| &file.path));
    for path in anchors.filter(|path| anchor_form(path).is_some()) {
        let uuid = after.observation().anchors.get(path).and_then(|parsed| parsed.uuid());
        let Some(asset) = uuid.and_then(|uuid| after.asset(uuid)) else { continue };
        if !uuids.contains(&asset.entry.uuid) {
            draft.affects(asset.entry.uuid, asset.name().cloned(), Change::Reverted);
        }
    }
}

/// Says what would diverge then and does not now, of what `concerns` takes.
pub(super) fn warn_of_divergences(draft: &mut Draft<'_>, concerns: impl Fn(&Divergence) -> bool) {
    let after = draft.after();
    let known = draft.state.divergences();
    let new: Vec<String> = after
        .divergences()
        .without(known)
        .filter(|found| concerns(found))
        .map(|found| format!("{}: {}", found.code, found.message))
        .collect();
    for message in new {
        let message = format!("this would leave {message}");
        let warning = Diagnostic::new(DiagnosticCode::PlanLeavesDivergence, Subject::Project, message);
        draft.warn(warning.help("`packer status` will say how to resolve it"));
    }
}
