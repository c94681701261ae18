//! Planning `Reconcile`: which divergences are meant, which resolution each gets, and what that changes.

use std::collections::BTreeMap;

use crate::anchor::{AnchorEdit, AnchorForm, anchor_form, sidecar_of};
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::divergence::{Divergence, DivergenceCode, Resolution};
use crate::identity::AssetUuid;
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::{BuildParticipation, EntryState, RegistryEntry};
use crate::workspace::WorkspaceState;

use super::draft::Draft;
use super::plan::Change;
use super::register::{copies_of, register_anchor};
use super::{Need, Reconcile, Selector};

pub(super) fn needs(state: &WorkspaceState, reconcile: &Reconcile) -> BTreeMap<AssetPath, Need> {
    let mut needs = BTreeMap::new();
    for divergence in selected(state, reconcile) {
        match divergence.code {
            // The copies and the named asset are edited.
            DivergenceCode::AnchorDuplicateUuid | DivergenceCode::NameConflict => {
                needs.extend(divergence.paths.iter().map(|path| (path.clone(), Need::Contents)));
            }
            DivergenceCode::AnchorUnregistered
            | DivergenceCode::AnchorMissing
            | DivergenceCode::AnchorMoved
            | DivergenceCode::AnchorInvalid
            | DivergenceCode::RegistryDuplicateId
            | DivergenceCode::RegistryDuplicateEntry
            | DivergenceCode::InputMissing
            | DivergenceCode::ReferenceUnresolved
            | DivergenceCode::ReferenceCycle => {}
        }
    }
    needs
}

/// Plans, and hands over each divergence that only a person can decide on.
pub(super) fn plan(draft: &mut Draft<'_>, reconcile: &Reconcile, undecided: &mut dyn FnMut(&Divergence)) {
    let state = draft.state;
    for selector in &reconcile.select {
        let meets = |divergence: &&Divergence| selector_meets(state, selector, divergence);
        if state.divergences().iter().find(meets).is_none() {
            let what = describe(selector);
            draft.block(
                Diagnostic::new(
                    DiagnosticCode::PlanNotDiverged,
                    Subject::Project,
                    format!("there is nothing to reconcile for {what}"),
                )
                .help("`packer status` lists every divergence"),
            );
        }
    }
    let copies = copies_of(state);
    for divergence in selected(state, reconcile) {
        let before = draft.count_blockers(DiagnosticCode::PlanChoiceNeeded);
        if let Some(resolution) = choose(draft, reconcile, divergence) {
            resolve(draft, reconcile, divergence, resolution, &copies);
        }
        if draft.count_blockers(DiagnosticCode::PlanChoiceNeeded) > before {
            undecided(divergence);
        }
    }
}

/// The divergences that are meant: those that a selector meets, of them those that offer the resolution, if any does, and
/// of these those that concern the path, if any does.
fn selected<'a>(state: &'a WorkspaceState, reconcile: &Reconcile) -> Vec<&'a Divergence> {
    let offers = |divergence: &Divergence| {
        divergence.resolutions.iter().any(|offer| Some(offer.resolution) == reconcile.resolution)
    };
    // An asset can diverge in several ways; the resolution then says which of them is meant.
    let selectors: Vec<(&Selector, bool)> = reconcile
        .select
        .iter()
        .map(|selector| {
            let mut met = state.divergences().iter().filter(|d| selector_meets(state, selector, d));
            (selector, met.any(offers))
        })
        .collect();
    let meets = |divergence: &&Divergence| {
        selectors.is_empty()
            || selectors.iter().any(|(selector, is_offered)| {
                selector_meets(state, selector, divergence) && (!is_offered || offers(divergence))
            })
    };
    let mut selected: Vec<&Divergence> = state.divergences().iter().filter(meets).collect();
    if let Some(path) = &reconcile.path
        && selected.iter().any(|divergence| named_anchor(divergence, path).is_some())
    {
        selected.retain(|divergence| named_anchor(divergence, path).is_some());
    }
    selected
}

/// Whether some selector meets this divergence and none that can be resolved: then saying so is not enough.
fn is_all_that_is_meant(state: &WorkspaceState, reconcile: &Reconcile, divergence: &Divergence) -> bool {
    reconcile.select.iter().filter(|selector| selector_meets(state, selector, divergence)).any(|selector| {
        let met = state.divergences().iter().filter(|other| selector_meets(state, selector, other));
        met.into_iter().all(|other| other.resolutions.is_empty())
    })
}

fn selector_meets(state: &WorkspaceState, selector: &Selector, divergence: &Divergence) -> bool {
    match selector {
        Selector::Code(code) => divergence.code == *code,
        Selector::Asset(uuid) => divergence.assets.contains(uuid),
        Selector::Name(name) => divergence
            .assets
            .iter()
            .any(|uuid| state.asset(*uuid).is_some_and(|asset| asset.name() == Some(name))),
        Selector::Path(path) => divergence.paths.iter().any(|concerned| {
            let beside =
                matches!(anchor_form(concerned), Some(AnchorForm::Sidecar { input }) if input == *path);
            concerned == path || beside || concerned.strip_folder(path.as_str()).is_some()
        }),
    }
}

fn describe(selector: &Selector) -> String {
    match selector {
        Selector::Code(code) => code.to_string(),
        Selector::Asset(uuid) => uuid.to_string(),
        Selector::Name(name) => name.to_string(),
        Selector::Path(path) => path.to_string(),
    }
}

/// The resolution that a divergence gets; `None` after saying why it gets none.
fn choose(draft: &mut Draft<'_>, reconcile: &Reconcile, divergence: &Divergence) -> Option<Resolution> {
    let offers: Vec<String> =
        divergence.resolutions.iter().map(|offer| offer.resolution.to_string()).collect();
    let finding = |code, message: String| {
        let subject = match divergence.paths.first() {
            Some(path) => Subject::Path(path.clone()),
            None => Subject::Project,
        };
        Diagnostic::new(code, subject, message)
    };
    if divergence.resolutions.is_empty() {
        let message = format!("the packer cannot resolve {}: {}", divergence.code, divergence.message);
        let finding = finding(DiagnosticCode::PlanResolutionUnavailable, message)
            .help(format!("`packer explain {}` says what to mend by hand", divergence.code));
        // What was asked for in one go is done as far as it can be; what was named must be done.
        if is_all_that_is_meant(draft.state, reconcile, divergence) {
            draft.block(finding);
        } else {
            draft.warn(finding);
        }
        return None;
    }
    match (reconcile.resolution, divergence.resolutions.as_slice()) {
        (None, [only]) => Some(only.resolution),
        (None, _) => {
            let titles: Vec<String> = divergence
                .resolutions
                .iter()
                .map(|o| format!("--as {} to {}", o.resolution, o.title))
                .collect();
            let message = format!("{}: more than one resolution is possible", divergence.message);
            draft.block(finding(DiagnosticCode::PlanChoiceNeeded, message).help(titles.join("; ")));
            None
        }
        (Some(asked), offered) if offered.iter().any(|offer| offer.resolution == asked) => Some(asked),
        (Some(asked), _) => {
            let message = format!("{asked} does not resolve this: {}", divergence.message);
            draft.block(
                finding(DiagnosticCode::PlanResolutionUnavailable, message)
                    .help(format!("what does: {}", offers.join(", "))),
            );
            None
        }
    }
}

fn resolve(
    draft: &mut Draft<'_>,
    reconcile: &Reconcile,
    divergence: &Divergence,
    resolution: Resolution,
    copies: &BTreeMap<AssetUuid, usize>,
) {
    let name_of =
        |draft: &Draft<'_>, uuid: AssetUuid| draft.state.asset(uuid).and_then(|a| a.name().cloned());
    match resolution {
        Resolution::Register => {
            if let Some(path) = divergence.paths.first() {
                register_anchor(draft, path, !reconcile.select.is_empty(), copies);
            }
        }
        Resolution::Retire => {
            for uuid in &divergence.assets {
                let lines: Vec<RegistryEntry> =
                    draft.registry.lines_of(*uuid).filter(|line| line.anchor().is_some()).cloned().collect();
                for line in lines {
                    if let Some(path) = line.anchor() {
                        draft.depends_on(path);
                    }
                    draft.registry.remove(&line);
                    draft.registry.insert(RegistryEntry { state: EntryState::Retired, ..line });
                }
                draft.affects(*uuid, name_of(draft, *uuid), Change::Retired);
            }
        }
        Resolution::AcceptMove => {
            let (Some(uuid), Some(place)) = (divergence.assets.first(), divergence.paths.get(1)) else {
                return;
            };
            let lines: Vec<RegistryEntry> = draft.registry.lines_of(*uuid).cloned().collect();
            for line in lines {
                if let EntryState::Live { build, .. } = line.state {
                    draft.registry.remove(&line);
                    let state = EntryState::Live { anchor: place.clone(), build };
                    draft.registry.insert(RegistryEntry { state, ..line });
                }
            }
            for path in &divergence.paths {
                draft.depends_on(path);
            }
            draft.affects(*uuid, name_of(draft, *uuid), Change::Moved);
        }
        Resolution::NewUuid => separate(draft, reconcile, divergence),
        Resolution::Rename => rename(draft, reconcile, divergence),
        Resolution::Reallocate => {
            let Some(id) = divergence.ids.first() else { return };
            // The earliest uuid keeps the id; uuids of version 7 sort by when they were drawn.
            for uuid in divergence.assets.iter().skip(1) {
                let lines: Vec<RegistryEntry> =
                    draft.registry.lines_of(*uuid).filter(|line| line.id == *id).cloned().collect();
                let fresh = draft.registry.allocate(*uuid);
                for line in lines {
                    draft.registry.remove(&line);
                    draft.registry.insert(RegistryEntry { id: fresh, ..line });
                }
                draft.affects(*uuid, name_of(draft, *uuid), Change::Renumbered);
            }
        }
        Resolution::KeepLine(number) => {
            let Some(uuid) = divergence.assets.first() else { return };
            let lines: Vec<RegistryEntry> = draft.state.registry().lines_of(*uuid).cloned().collect();
            let Some(keep) = lines.get(usize::from(number) - 1) else { return };
            for line in lines.iter().filter(|line| *line != keep) {
                draft.registry.remove(line);
            }
            draft.affects(*uuid, name_of(draft, *uuid), Change::Settled);
        }
    }
}

/// The anchor that `--path` means: itself, or the sidecar of a source.
fn named_anchor(divergence: &Divergence, path: &AssetPath) -> Option<AssetPath> {
    let sidecar = sidecar_of(path).ok();
    divergence.paths.iter().find(|p| *p == path || Some(*p) == sidecar.as_ref()).cloned()
}

/// Gives copies a uuid of their own, a name where theirs is taken, and, where the original is managed, a line.
fn separate(draft: &mut Draft<'_>, reconcile: &Reconcile, divergence: &Divergence) {
    let Some(original) = divergence.assets.first() else { return };
    let accepted = draft.state.asset(*original).and_then(|asset| asset.entry.anchor().cloned());
    let managed = accepted.is_some();
    let copies: Vec<AssetPath> = match (&reconcile.path, accepted) {
        (Some(path), accepted) => match named_anchor(divergence, path) {
            Some(anchor) if Some(&anchor) == accepted.as_ref() => {
                draft.block_path(
                    DiagnosticCode::PlanResolutionUnavailable,
                    path,
                    format!("{anchor} is the accepted place, and keeps its uuid"),
                    "name one of the copies",
                );
                return;
            }
            Some(anchor) => vec![anchor],
            None => return not_among(draft, divergence, path),
        },
        (None, Some(accepted)) if divergence.paths.contains(&accepted) => {
            divergence.paths.iter().filter(|path| **path != accepted).cloned().collect()
        }
        (None, _) => {
            let listed: Vec<String> = divergence.paths.iter().map(ToString::to_string).collect();
            draft.block(
                Diagnostic::new(
                    DiagnosticCode::PlanChoiceNeeded,
                    Subject::Path(divergence.paths[0].clone()),
                    format!("{}, none of them where it was accepted", divergence.message),
                )
                .help(format!("say which copy gets a new uuid: --path with one of {}", listed.join(", "))),
            );
            return;
        }
    };
    // Of copies that nobody registered no name is taken yet, and left alike they could not both be registered.
    if !managed {
        let anchors = &draft.state.observation().anchors;
        let others = divergence.paths.iter().filter(|path| !copies.contains(path));
        let names: Vec<AssetName> = others.filter_map(|path| anchors.get(path)?.name().cloned()).collect();
        for name in names {
            draft.take_name(name);
        }
    }
    for copy in copies {
        separate_copy(draft, reconcile, &copy, managed);
    }
}

fn separate_copy(draft: &mut Draft<'_>, reconcile: &Reconcile, copy: &AssetPath, managed: bool) {
    let state = draft.state;
    let Some(parsed) = state.observation().anchors.get(copy) else { return };
    let Some(declaration) = parsed.declaration() else {
        draft.block_path(
            DiagnosticCode::PlanInvalidAnchor,
            copy,
            format!("{copy} is not a valid anchor"),
            "mend it first; `packer check` says what is wrong with it",
        );
        return;
    };
    let uuid = reconcile.draw.asset_uuid(copy.as_str());
    if draft.registry.lines_of(uuid).next().is_some() {
        draft.block_path(
            DiagnosticCode::RegistryDuplicateEntry,
            copy,
            format!("the uuid drawn for {copy} is in the registry already"),
            "ask again: a new request draws new uuids",
        );
        return;
    }
    let mut edits = vec![AnchorEdit::SetUuid(uuid)];
    let mut name = declaration.name.clone();
    if draft.is_name_taken(&name) {
        let Some(free) = free_name(draft, reconcile.name.as_ref(), copy) else { return };
        edits.push(AnchorEdit::SetName(free.clone()));
        name = free;
    }
    if !draft.edit(copy, &edits) {
        return;
    }
    draft.take_name(name.clone());
    if managed {
        let id = draft.registry.allocate(uuid);
        let state = EntryState::Live { anchor: copy.clone(), build: BuildParticipation::Included };
        draft.registry.insert(RegistryEntry { uuid, id, state });
    }
    draft.affects(uuid, Some(name), Change::Separated);
}

/// The name that was asked for, or one made from where the anchor is; `None` after blocking the plan.
fn free_name(draft: &mut Draft<'_>, asked: Option<&AssetName>, anchor: &AssetPath) -> Option<AssetName> {
    if let Some(asked) = asked {
        if !draft.is_name_taken(asked) {
            return Some(asked.clone());
        }
        name_taken(draft, asked, anchor);
        return None;
    }
    let subject = match anchor_form(anchor) {
        Some(AnchorForm::Sidecar { input }) => input,
        Some(AnchorForm::Directory { folder: Some(folder) }) => folder,
        Some(AnchorForm::Directory { folder: None }) | None => anchor.clone(),
    };
    AssetName::candidates(&subject).find(|name| !draft.is_name_taken(name))
}

fn name_taken(draft: &mut Draft<'_>, name: &AssetName, anchor: &AssetPath) {
    let message = format!("the name {name} is another asset's already");
    draft.block_path(DiagnosticCode::PlanNameTaken, anchor, message, "give a name that no managed asset has");
}

fn not_among(draft: &mut Draft<'_>, divergence: &Divergence, path: &AssetPath) {
    let listed: Vec<String> = divergence.paths.iter().map(ToString::to_string).collect();
    let message = format!("{path} is not one of the paths concerned: {}", listed.join(", "));
    draft.block_path(DiagnosticCode::PlanTargetMissing, path, message, "name one of them");
}

fn rename(draft: &mut Draft<'_>, reconcile: &Reconcile, divergence: &Divergence) {
    // Selecting one of the assets, or its anchor, says which is meant as well as `--path` does.
    let selected = reconcile.select.iter().find_map(|selector| match selector {
        Selector::Path(path) => named_anchor(divergence, path),
        Selector::Asset(uuid) if divergence.assets.contains(uuid) => {
            draft.state.asset(*uuid).and_then(|asset| asset.anchor().cloned())
        }
        Selector::Asset(_) | Selector::Code(_) | Selector::Name(_) => None,
    });
    let anchor = match &reconcile.path {
        Some(path) => match named_anchor(divergence, path) {
            Some(anchor) => Some(anchor),
            None => return not_among(draft, divergence, path),
        },
        None => selected,
    };
    let (Some(anchor), Some(name)) = (anchor, reconcile.name.clone()) else {
        let listed: Vec<String> = divergence.paths.iter().map(ToString::to_string).collect();
        draft.block(
            Diagnostic::new(
                DiagnosticCode::PlanChoiceNeeded,
                Subject::Path(divergence.paths[0].clone()),
                format!("{}: say which gets which name", divergence.message),
            )
            .help(format!("add --name NAME and --path with one of {}", listed.join(", "))),
        );
        return;
    };
    if draft.is_name_taken(&name) {
        return name_taken(draft, &name, &anchor);
    }
    let uuid = draft.state.observation().anchors.get(&anchor).and_then(|parsed| parsed.uuid());
    if draft.edit(&anchor, &[AnchorEdit::SetName(name.clone())]) {
        draft.take_name(name.clone());
        if let Some(uuid) = uuid {
            draft.affects(uuid, Some(name), Change::Renamed);
        }
    }
}
