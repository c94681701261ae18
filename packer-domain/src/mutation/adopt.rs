//! Planning `Adopt`: which files become assets, of which kind, under which names.

use std::collections::{BTreeMap, BTreeSet};

use crate::anchor::{SIDECAR_SUFFIX, anchor_form, new_sidecar_text, sidecar_of};
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::kind::KindId;
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::{BuildParticipation, EntryState, RegistryEntry};
use crate::workspace::WorkspaceState;

use super::draft::Draft;
use super::plan::Change;
use super::{Adopt, Need, PathState, Target};

pub(super) fn needs(state: &WorkspaceState, adopt: &Adopt) -> BTreeMap<AssetPath, Need> {
    let mut needs = BTreeMap::new();
    for file in candidates(state, adopt) {
        if let Ok(sidecar) = sidecar_of(&file) {
            needs.insert(sidecar, Need::State);
        }
        if declared_kind(state, adopt, &file).is_none() {
            needs.insert(file, Need::Head);
        }
    }
    needs
}

pub(super) fn plan(draft: &mut Draft<'_>, adopt: &Adopt) {
    check_targets(draft, adopt);
    if let Some(kind) = &adopt.kind
        && draft.state.kinds().get(kind).is_none()
    {
        let known: Vec<&str> = draft.state.kinds().iter().map(|spec| spec.id.as_str()).collect();
        draft.block(
            Diagnostic::new(
                DiagnosticCode::KindUnknown,
                Subject::Project,
                format!("no codec bakes the kind {kind}"),
            )
            .help(format!("the kinds are {}", known.join(", "))),
        );
        return;
    }

    say_what_cannot_be_adopted(draft, adopt);
    let anchors = names_of_anchors(draft.state);
    let mut chosen: Vec<(AssetPath, AssetPath, KindId)> = Vec::new();
    for file in candidates(draft.state, adopt) {
        if draft.state.is_colliding(&file) {
            draft.warn_path(
                DiagnosticCode::PathCollision,
                &file,
                format!("{file} is left: another path differs from it only by case or Unicode form"),
                "rename one of them, then adopt again",
            );
            continue;
        }
        let sidecar = match sidecar_of(&file) {
            Ok(sidecar) => sidecar,
            Err(error) => {
                let message = format!("{file} is left: {error}");
                draft.warn_path(DiagnosticCode::PlanNoRule, &file, message, "give the file another name");
                continue;
            }
        };
        if let Some(other) = anchors.get(&sidecar.collision_key()).filter(|other| **other != sidecar) {
            draft.warn_path(
                DiagnosticCode::PathCollision,
                &file,
                format!("{file} is left: its anchor would differ from {other} only by case or Unicode form"),
                "rename one of them, then adopt again",
            );
            continue;
        }
        match kind_of(draft, adopt, &file) {
            Some(kind) => chosen.push((file, sidecar, kind)),
            None => draft.warn_path(
                DiagnosticCode::PlanNoRule,
                &file,
                format!("{file} is left: no rule gives it a kind"),
                "add a rule to packer.toml, or adopt it with `--kind raw`",
            ),
        }
    }

    let names = choose_names(draft, chosen.iter().map(|(file, _, _)| file));
    for ((file, sidecar, kind), name) in chosen.into_iter().zip(names) {
        let uuid = adopt.draw.asset_uuid(file.as_str());
        if draft.registry.lines_of(uuid).next().is_some() {
            draft.block_path(
                DiagnosticCode::RegistryDuplicateEntry,
                &file,
                format!("the uuid drawn for {file} is in the registry already"),
                "ask again: a new request draws new uuids",
            );
            continue;
        }
        draft.depends_on(&file);
        draft.create(&sidecar, new_sidecar_text(uuid, &name, &kind));
        let id = draft.registry.allocate(uuid);
        let state = EntryState::Live { anchor: sidecar, build: BuildParticipation::Included };
        draft.registry.insert(RegistryEntry { uuid, id, state });
        draft.affects(uuid, Some(name), Change::Adopted);
    }
}

/// Everything on disk that a new sidecar could collide with, by collision key.
fn names_of_anchors(state: &WorkspaceState) -> BTreeMap<String, AssetPath> {
    let observation = state.observation();
    let paths = observation.files.keys().chain(&observation.folders);
    let keys = paths.map(|path| (path.collision_key(), path.clone()));
    keys.filter(|(key, _)| key.ends_with(SIDECAR_SUFFIX)).collect()
}

/// The unclaimed files that the targets cover, by path bytes.
fn candidates(state: &WorkspaceState, adopt: &Adopt) -> BTreeSet<AssetPath> {
    state.unclaimed().iter().filter(|file| is_covered(adopt, file.as_str())).cloned().collect()
}

/// Whether `path`, which need not be one that an asset can have, is a target or below one.
fn is_covered(adopt: &Adopt, path: &str) -> bool {
    adopt.targets.iter().any(|target| match target {
        Target::Root => true,
        Target::Path(target) => {
            path.strip_prefix(target.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    })
}

/// Says of everything that the targets cover and that can be no input why it is left.
fn say_what_cannot_be_adopted(draft: &mut Draft<'_>, adopt: &Adopt) {
    for found in &draft.state.observation().diagnostics {
        let is_left = matches!(
            found.code,
            DiagnosticCode::PathNotRepresentable
                | DiagnosticCode::PathSpecialFile
                | DiagnosticCode::PathSymlink
                | DiagnosticCode::PathUnreadable
                | DiagnosticCode::PathUnstable
        );
        let path = match &found.subject {
            Subject::Path(path) => path.as_str(),
            Subject::Unrepresentable(text) => text,
            Subject::Project | Subject::Asset(_) => continue,
        };
        if is_left && is_covered(adopt, path) {
            draft.warn(found.clone());
        }
    }
}

/// Says what is wrong with targets that lead to no unclaimed file.
fn check_targets(draft: &mut Draft<'_>, adopt: &Adopt) {
    let state = draft.state;
    for target in &adopt.targets {
        let Target::Path(path) = target else { continue };
        let observation = state.observation();
        if observation.folders.contains(path) || state.unclaimed().contains(path) {
            continue;
        }
        if anchor_form(path).is_some() && observation.files.contains_key(path) {
            draft.warn_path(
                DiagnosticCode::PlanAlreadyManaged,
                path,
                format!("{path} is an anchor: it declares an asset already"),
                "to take an unregistered anchor into the registry, use `packer reconcile`",
            );
        } else if observation.files.contains_key(path) {
            draft.warn_path(
                DiagnosticCode::PlanAlreadyManaged,
                path,
                format!("{path} is claimed by an anchor already"),
                "`packer show` tells what the asset is",
            );
        } else {
            draft.block_path(
                DiagnosticCode::PlanTargetMissing,
                path,
                format!("there is no {path} below the assets root"),
                "it does not exist, an ignore rule covers it, or it is neither a file nor a folder",
            );
        }
    }
}

/// The kind that the request, a rule or the extension gives a file.
fn declared_kind(state: &WorkspaceState, adopt: &Adopt, file: &AssetPath) -> Option<KindId> {
    let by_rule = || state.config().rules.first_match(file).and_then(|rule| rule.kind.clone());
    let by_extension = || state.kinds().recognise(file.extension(), &[]).cloned();
    adopt.kind.clone().or_else(by_rule).or_else(by_extension)
}

fn kind_of(draft: &Draft<'_>, adopt: &Adopt, file: &AssetPath) -> Option<KindId> {
    declared_kind(draft.state, adopt, file).or_else(|| match draft.found(file) {
        Some(PathState::File { bytes, .. }) => draft.state.kinds().recognise(None, &bytes).cloned(),
        _ => None,
    })
}

/// A name for each file: the best candidate that neither a managed asset nor another file of the plan has. Where two
/// files would share a name, both go to their next candidate, so that no order of files decides who gets it.
fn choose_names<'a>(draft: &Draft<'_>, files: impl Iterator<Item = &'a AssetPath>) -> Vec<AssetName> {
    let mut choices: Vec<_> = files
        .map(|file| {
            let mut candidates = AssetName::candidates(file);
            let first = candidates.next();
            (first, candidates)
        })
        .collect();
    loop {
        let mut wanted: BTreeMap<AssetName, usize> = BTreeMap::new();
        for (name, _) in &choices {
            if let Some(name) = name {
                *wanted.entry(name.clone()).or_default() += 1;
            }
        }
        let mut settled = true;
        for (name, candidates) in &mut choices {
            let taken = name.as_ref().is_none_or(|name| wanted[name] > 1 || draft.is_name_taken(name));
            if taken && let Some(next) = candidates.next() {
                *name = Some(next);
                settled = false;
            }
        }
        if settled {
            break;
        }
    }
    choices
        .into_iter()
        .map(|(name, _)| name.expect("the digest of a path always makes a valid name"))
        .collect()
}
