//! Planning `Relocate`: an asset's anchor and inputs at another place. What belongs together moves together, and the
//! registry follows.

use std::collections::{BTreeMap, BTreeSet};

use crate::anchor::{AnchorForm, anchor_form, sidecar_of};
use crate::diagnostic::DiagnosticCode;
use crate::identity::AssetUuid;
use crate::path::AssetPath;
use crate::workspace::{AssetRecord, AssetState, WorkspaceState};

use super::Relocate;
use super::destination::{self, block_invalid, can_leave, check_arrivals, check_source_name, meant, prepare};
use super::draft::Draft;
use super::look::{Need, Needs};
use super::plan::Change;
use super::undo::warn_of_divergences;

/// How many names of files that stay are said.
const NAMED: usize = 3;

/// What an asset is made of on disk.
pub(super) struct Parts {
    /// What a destination stands for: the source beside a sidecar, or the folder of a directory asset.
    pub subject: AssetPath,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Its anchor.
    pub anchor: AssetPath,
    /// Its inputs, by path bytes.
    pub inputs: Vec<AssetPath>,
}

impl Parts {
    /// Those of `record`, whose anchor is at `anchor`; `None` for the directory asset of the assets root, which has no
    /// place of its own.
    pub(super) fn of(record: &AssetRecord, anchor: &AssetPath) -> Option<Self> {
        let (subject, is_folder) = match anchor_form(anchor)? {
            AnchorForm::Sidecar { input } => (input, false),
            AnchorForm::Directory { folder } => (folder?, true),
        };
        Some(Self { subject, is_folder, anchor: anchor.clone(), inputs: record.inputs().to_vec() })
    }

    /// Where `path`, which is one of its parts, goes when the subject goes to `to`.
    pub(super) fn moved(&self, path: &AssetPath, to: &AssetPath) -> Option<AssetPath> {
        if !self.is_folder && *path == self.anchor {
            return sidecar_of(to).ok();
        }
        match path.strip_folder(self.subject.as_str()) {
            Some(rest) if self.is_folder => to.join(rest).ok(),
            _ => (*path == self.subject).then(|| to.clone()),
        }
    }

    /// The sidecars beside the inputs of a directory asset, which are assets of their own.
    fn sidecars(&self, state: &WorkspaceState) -> Vec<AssetPath> {
        let beside = self.inputs.iter().filter(|_| self.is_folder).filter_map(|input| sidecar_of(input).ok());
        beside.filter(|sidecar| state.observation().files.contains_key(sidecar)).collect()
    }
}

pub(super) fn needs(state: &WorkspaceState, relocate: &Relocate) -> Needs {
    let Some(record) = state.asset(relocate.asset) else { return Needs::default() };
    let Some(anchor) = record.anchor() else { return Needs::default() };
    let Some(parts) = Parts::of(record, anchor) else { return Needs::default() };
    let Ok(to) = meant(state, &parts.subject, &relocate.to) else { return Needs::default() };
    let moves = moves(state, &parts, &to);
    let mut needs = destination::needs(moves.iter().map(|(_, to)| to), moves.iter().map(|(from, _)| from));
    for (from, _) in moves.iter().filter(|(from, _)| anchor_form(from).is_some()) {
        needs.add(from.clone(), Need::Contents);
    }
    needs
}

pub(super) fn plan(draft: &mut Draft<'_>, relocate: &Relocate) {
    let Some((record, anchor)) = draft.placed(relocate.asset) else { return };
    let Some(parts) = Parts::of(record, &anchor) else {
        return block_invalid(
            draft,
            &anchor,
            "the directory asset of the assets root has no other place".to_owned(),
        );
    };
    let to = match meant(draft.state, &parts.subject, &relocate.to) {
        Ok(to) => to,
        Err(message) => return block_invalid(draft, &parts.subject, message),
    };
    if to == parts.subject {
        return;
    }
    if is_into_itself(draft, &parts, &to) || !check_source_name(draft, &to) {
        return;
    }
    // A directory asset's anchor alone says what belongs to it.
    if parts.is_folder && record.declaration().is_none() {
        return block_invalid_anchor(draft, &anchor);
    }
    let moves = moves(draft.state, &parts, &to);
    if moves.len() < 1 + parts.inputs.len() {
        return block_invalid(draft, &to, format!("{to} leaves no name for the anchor beside it"));
    }
    let (sources, targets): (Vec<AssetPath>, Vec<AssetPath>) = moves.iter().cloned().unzip();
    let assets = accepted(draft.state, &moves);
    let mut ready = can_leave(draft, &sources) && prepare(draft, &moves);
    for asset in assets.keys().filter_map(|uuid| draft.state.asset(*uuid)) {
        // Which of its lines would follow the anchor, nobody can say.
        if asset.state == AssetState::RegistryConflict {
            draft.block_conflict(asset);
            ready = false;
        }
    }
    if !ready {
        return;
    }
    let left = left_behind(draft.state, &parts, &sources);
    for (from, _) in &moves {
        draft.depends_on(from);
    }
    // Taken away first: a path can be left by one part and reached by another.
    let taken: Vec<_> = moves.iter().map(|(from, to)| (draft.tree.take(from), to)).collect();
    for (node, to) in taken {
        draft.tree.put(to, node);
    }
    if parts.is_folder {
        remove_emptied(draft, &parts.subject, &sources);
    }
    for (uuid, anchor) in &assets {
        let name = draft.state.asset(*uuid).and_then(|asset| asset.name().cloned());
        draft.accept_at(*uuid, anchor);
        draft.affects(*uuid, name, Change::Moved);
    }
    check_arrivals(draft, &targets, |uuid| assets.contains_key(uuid));
    warn_of_left(draft, &parts.subject, &left);
    // What diverged already moves along; what others lose by it is new to them.
    warn_of_divergences(draft, |found| found.assets.iter().any(|uuid| !assets.contains_key(uuid)));
}

/// From where to where everything goes.
fn moves(state: &WorkspaceState, parts: &Parts, to: &AssetPath) -> Vec<(AssetPath, AssetPath)> {
    let sidecars = parts.sidecars(state);
    let all: BTreeSet<&AssetPath> = parts.inputs.iter().chain([&parts.anchor]).chain(&sidecars).collect();
    let pairs = all.into_iter().filter_map(|from| Some((from.clone(), parts.moved(from, to)?)));
    pairs.collect()
}

/// The assets whose accepted anchor moves, and where to.
fn accepted(state: &WorkspaceState, moves: &[(AssetPath, AssetPath)]) -> BTreeMap<AssetUuid, AssetPath> {
    let mut assets = BTreeMap::new();
    for (from, to) in moves.iter().filter(|(from, _)| anchor_form(from).is_some()) {
        // Also where it is illegible: the registry says whose it is.
        let there = state.assets_at(from).into_iter().filter_map(|uuid| state.asset(uuid));
        for asset in there.filter(|asset| asset.anchor() == Some(from) && asset.entry.anchor() == Some(from))
        {
            assets.insert(asset.entry.uuid, to.clone());
        }
    }
    assets
}

/// Forbids the plan because an anchor does not say what belongs to its asset.
pub(super) fn block_invalid_anchor(draft: &mut Draft<'_>, anchor: &AssetPath) {
    let message = format!("{anchor} is not a valid anchor");
    let help = "mend it first; `packer check` says what is wrong with it";
    draft.block_path(DiagnosticCode::PlanInvalidAnchor, anchor, message, help);
}

fn is_into_itself(draft: &mut Draft<'_>, parts: &Parts, to: &AssetPath) -> bool {
    let below = parts.is_folder && to.strip_folder(parts.subject.as_str()).is_some();
    if below {
        let message = format!("{to} is in the folder that would go there");
        let help = "choose a place outside of it";
        draft.block_path(DiagnosticCode::PlanIntoItself, &parts.subject, message, help);
    }
    below
}

/// The files in a directory asset's folder that stay there.
fn left_behind(state: &WorkspaceState, parts: &Parts, sources: &[AssetPath]) -> Vec<AssetPath> {
    if !parts.is_folder {
        return Vec::new();
    }
    let goes: BTreeSet<&AssetPath> = sources.iter().collect();
    let below = state.observation().files_below(Some(&parts.subject)).map(|(path, _)| path);
    below.filter(|path| !goes.contains(path)).cloned().collect()
}

/// Says of files of the asset at `subject` that they stay.
pub(super) fn warn_of_left(draft: &mut Draft<'_>, subject: &AssetPath, left: &[AssetPath]) {
    if left.is_empty() {
        return;
    }
    let names: Vec<&str> = left.iter().take(NAMED).map(AssetPath::as_str).collect();
    let more = if left.len() > NAMED { format!(" and {} more", left.len() - NAMED) } else { String::new() };
    let message = format!("{}{more} stay where they are: they are not the asset's alone", names.join(", "));
    draft.warn_path(
        DiagnosticCode::PlanLeftBehind,
        subject,
        message,
        "move them by hand, or with the assets that they belong to",
    );
}

/// Removes the folder of a directory asset and the folders in it, as far as nothing is left in them.
pub(super) fn remove_emptied(draft: &mut Draft<'_>, folder: &AssetPath, gone: &[AssetPath]) {
    let observation = draft.state.observation();
    let gone: BTreeSet<&AssetPath> = gone.iter().collect();
    let stays =
        |inner: &AssetPath| observation.files_below(Some(inner)).any(|(path, _)| !gone.contains(path));
    // Only folders that something leaves; an empty one that was there stays, and so does what it is in.
    let left: BTreeSet<AssetPath> = gone
        .iter()
        .flat_map(|path| path.ancestors().filter_map(|inner| AssetPath::parse(inner).ok()))
        .filter(|inner| inner == folder || inner.strip_folder(folder.as_str()).is_some())
        .collect();
    let has_empty = |inner: &AssetPath| {
        let below = observation.folders.iter().filter(|other| other.strip_folder(inner.as_str()).is_some());
        below.into_iter().any(|other| !left.contains(other))
    };
    let emptied: Vec<AssetPath> =
        left.iter().filter(|inner| !stays(inner) && !has_empty(inner)).cloned().collect();
    for inner in emptied {
        draft.tree.put_folder(&inner, false);
    }
}
