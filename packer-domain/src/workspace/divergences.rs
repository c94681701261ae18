//! Which divergences there are between the registry and the disk, and what each does to the assets concerned.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use crate::anchor::{AnchorDeclaration, AnchorForm, ParsedAnchor, anchor_form};
use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::divergence::{Divergence, DivergenceCode, Resolution, ResolutionNeed, ResolutionOffer};
use crate::identity::{AssetId, AssetUuid};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::EntryState;

use super::claims::Claims;
use super::paths::Unread;
use super::place::{Placed, Placement};
use super::record::{AssetRecord, AssetState, Records};
use super::{WorkspaceInputs, references};

/// All divergences, in order; marks the assets that they concern.
pub(super) fn compute(
    inputs: &WorkspaceInputs,
    placed: &mut Placed,
    claims: &Claims<'_>,
    names: &[(&AssetName, u32)],
    unregistered: &OrdMap<AssetPath, Arc<ParsedAnchor>>,
) -> Vec<Divergence> {
    let mut found = Vec::new();
    let unread = Unread::of(&inputs.observation);
    let records = &mut placed.records;
    for (index, placement) in &placed.unusual {
        placement_divergence(placement, &unread, records.at_mut(*index), &mut found);
    }
    duplicate_lines(inputs, records, &mut found);
    duplicate_ids(inputs, records, &mut found);
    unregistered_anchors(inputs, unregistered, &mut found);
    name_conflicts(names, records, &mut found);
    missing_inputs(inputs, claims, &unread, records, &mut found);
    broken_references(records, &mut found);
    found.sort();
    found
}

fn offer(resolution: Resolution, title: impl Into<String>) -> ResolutionOffer {
    ResolutionOffer { resolution, title: title.into(), needs: Vec::new() }
}

/// Where the anchor of one asset is, beside where it was accepted.
fn placement_divergence(
    placement: &Placement,
    unread: &Unread<'_>,
    record: &mut AssetRecord,
    found: &mut Vec<Divergence>,
) {
    let entry = record.entry.clone();
    let Some(accepted) = entry.anchor().cloned() else { return };
    let base = Divergence {
        code: DivergenceCode::AnchorMissing,
        paths: vec![accepted.clone()],
        assets: vec![entry.uuid],
        ids: vec![entry.id],
        message: String::new(),
        resolutions: Vec::new(),
    };
    let label = record.label();
    match placement.paths.as_slice() {
        // It may well be there: to retire it, or to take another place for its own, would be a guess.
        paths if !paths.contains(&accepted) && unread.covers(&accepted) => {
            record.mark(AssetState::Invalid);
            found.push(Divergence {
                code: DivergenceCode::AnchorInvalid,
                message: format!("the registered anchor {accepted} could not be read"),
                ..base
            });
            return;
        }
        [] if placement.illegible.is_some() => {
            record.mark(AssetState::Invalid);
            found.push(Divergence {
                code: DivergenceCode::AnchorInvalid,
                message: format!("the registered anchor {accepted} is not valid"),
                ..base
            });
            return;
        }
        [] => {
            record.mark(AssetState::Missing);
            found.push(Divergence {
                message: format!(
                    "{accepted} is registered as asset {}, and no anchor on disk has its uuid",
                    entry.id
                ),
                resolutions: vec![offer(
                    Resolution::Retire,
                    format!("retire asset {}; its id stays reserved", entry.id),
                )],
                ..base
            });
            return;
        }
        [only] if *only == accepted => {}
        [only] => {
            record.mark(AssetState::Moved);
            found.push(Divergence {
                code: DivergenceCode::AnchorMoved,
                paths: vec![accepted.clone(), only.clone()],
                message: format!("{label} was accepted at {accepted} and is now at {only}"),
                resolutions: vec![offer(Resolution::AcceptMove, format!("accept {only} as its place"))],
                ..base
            });
        }
        copies => {
            record.mark(AssetState::Duplicated);
            let at_home = copies.contains(&accepted);
            let mut paths: Vec<AssetPath> =
                copies.iter().filter(|path| **path == accepted).cloned().collect();
            paths.extend(copies.iter().filter(|path| **path != accepted).cloned());
            let listed: Vec<String> = paths.iter().map(ToString::to_string).collect();
            let resolution = if at_home {
                offer(
                    Resolution::NewUuid,
                    format!("keep {accepted} as it is and give every other a uuid and a name of its own"),
                )
            } else {
                ResolutionOffer {
                    needs: vec![ResolutionNeed::Path],
                    ..offer(Resolution::NewUuid, "give the named copy a uuid and a name of its own")
                }
            };
            found.push(Divergence {
                code: DivergenceCode::AnchorDuplicateUuid,
                paths,
                message: format!("{label} stands {} times: {}", copies.len(), listed.join(", ")),
                resolutions: vec![resolution],
                ..base
            });
        }
    }
    if record.declaration().is_none() {
        record.mark(AssetState::Invalid);
        let at = placement.anchor().cloned().unwrap_or(accepted);
        found.push(Divergence {
            code: DivergenceCode::AnchorInvalid,
            message: format!("the registered anchor {at} is not valid"),
            paths: vec![at],
            assets: vec![record.entry.uuid],
            ids: vec![record.entry.id],
            resolutions: Vec::new(),
        });
    }
}

fn duplicate_lines(inputs: &WorkspaceInputs, assets: &mut Records, found: &mut Vec<Divergence>) {
    let mut rest = inputs.registry.entries().peekable();
    while let Some(line) = rest.next() {
        let uuid = line.uuid;
        if rest.peek().is_none_or(|next| next.uuid != uuid) {
            continue;
        }
        let mut lines = vec![line];
        lines.extend(std::iter::from_fn(|| rest.next_if(|next| next.uuid == uuid)));
        let label = match assets.get_mut(uuid) {
            Some(record) => {
                record.mark(AssetState::RegistryConflict);
                record.label()
            }
            None => format!("{uuid} (retired)"),
        };
        let mut ids: Vec<AssetId> = lines.iter().map(|line| line.id).collect();
        ids.sort();
        ids.dedup();
        let mut paths: Vec<AssetPath> = lines.iter().filter_map(|line| line.anchor().cloned()).collect();
        paths.dedup();
        let listed: Vec<String> = lines.iter().map(ToString::to_string).collect();
        found.push(Divergence {
            code: DivergenceCode::RegistryDuplicateEntry,
            paths,
            assets: vec![uuid],
            ids,
            message: format!("the registry has {} lines for {label}: {}", lines.len(), listed.join("; ")),
            resolutions: (1_u8..=u8::MAX)
                .zip(&lines)
                .map(|(number, line)| {
                    offer(Resolution::KeepLine(number), format!("keep the line with {line}"))
                })
                .collect(),
        });
    }
}

fn duplicate_ids(inputs: &WorkspaceInputs, assets: &mut Records, found: &mut Vec<Divergence>) {
    let mut rest = inputs.registry.ids().peekable();
    while let Some((id, uuid)) = rest.next() {
        if rest.peek().is_none_or(|(next, _)| *next != id) {
            continue;
        }
        let mut uuids = vec![uuid];
        uuids.extend(std::iter::from_fn(|| rest.next_if(|(next, _)| *next == id)).map(|(_, uuid)| uuid));
        let mut paths = Vec::new();
        for uuid in &uuids {
            if let Some(record) = assets.get_mut(*uuid) {
                record.mark(AssetState::RegistryConflict);
                paths.extend(record.entry.anchor().cloned());
            }
        }
        let listed: Vec<String> = uuids
            .iter()
            .map(|uuid| assets.get(*uuid).map_or_else(|| format!("{uuid} (retired)"), AssetRecord::label))
            .collect();
        found.push(Divergence {
            code: DivergenceCode::RegistryDuplicateId,
            paths,
            message: format!("id {id} is held by {} assets: {}", uuids.len(), listed.join(", ")),
            resolutions: vec![offer(
                Resolution::Reallocate,
                format!("{} keeps the id, every later asset gets another", listed[0]),
            )],
            assets: uuids,
            ids: vec![id],
        });
    }
}

fn unregistered_anchors(
    inputs: &WorkspaceInputs,
    unregistered: &OrdMap<AssetPath, Arc<ParsedAnchor>>,
    found: &mut Vec<Divergence>,
) {
    let mut copies: BTreeMap<AssetUuid, Vec<AssetPath>> = BTreeMap::new();
    for (path, parsed) in unregistered {
        if let Some(uuid) = parsed.uuid() {
            copies.entry(uuid).or_default().push(path.clone());
        }
        let retired = parsed.uuid().and_then(|uuid| inputs.registry.get(uuid));
        let message = match retired.map(|entry| &entry.state) {
            Some(EntryState::Retired) => format!("the anchor {path} belongs to a retired asset"),
            Some(EntryState::Live { .. }) | None => format!("the anchor {path} is not registered"),
        };
        let resolutions = match parsed.declaration() {
            Some(declaration) => {
                vec![offer(Resolution::Register, format!("register it as {}", declaration.name))]
            }
            None => Vec::new(),
        };
        found.push(Divergence {
            code: DivergenceCode::AnchorUnregistered,
            paths: vec![path.clone()],
            assets: Vec::new(),
            ids: Vec::new(),
            message,
            resolutions,
        });
    }
    for (uuid, paths) in copies.into_iter().filter(|(_, paths)| paths.len() > 1) {
        let listed: Vec<String> = paths.iter().map(ToString::to_string).collect();
        found.push(Divergence {
            code: DivergenceCode::AnchorDuplicateUuid,
            message: format!(
                "the unregistered uuid {uuid} stands {} times: {}",
                paths.len(),
                listed.join(", ")
            ),
            paths,
            assets: vec![uuid],
            ids: Vec::new(),
            resolutions: vec![ResolutionOffer {
                needs: vec![ResolutionNeed::Path],
                ..offer(Resolution::NewUuid, "give the named copy a uuid of its own")
            }],
        });
    }
}

fn name_conflicts(names: &[(&AssetName, u32)], assets: &mut Records, found: &mut Vec<Divergence>) {
    for holders in names.chunk_by(|a, b| a.0 == b.0).filter(|holders| holders.len() > 1) {
        let name = holders[0].0;
        let mut uuids = Vec::new();
        let mut paths = Vec::new();
        let mut ids = Vec::new();
        for (_, index) in holders {
            let record = assets.at_mut(*index as usize);
            record.mark(AssetState::NameConflict);
            uuids.push(record.entry.uuid);
            paths.extend(record.anchor().cloned());
            ids.push(record.entry.id);
        }
        ids.sort();
        let listed: Vec<String> = paths.iter().map(ToString::to_string).collect();
        found.push(Divergence {
            code: DivergenceCode::NameConflict,
            message: format!("{} assets are named {name}: {}", uuids.len(), listed.join(", ")),
            paths,
            assets: uuids,
            ids,
            resolutions: vec![ResolutionOffer {
                needs: vec![ResolutionNeed::Path, ResolutionNeed::Name],
                ..offer(Resolution::Rename, "give the asset with the named anchor another name")
            }],
        });
    }
}

fn missing_inputs(
    inputs: &WorkspaceInputs,
    claims: &Claims<'_>,
    unread: &Unread<'_>,
    assets: &mut Records,
    found: &mut Vec<Divergence>,
) {
    for index in 0..assets.len() {
        let record = assets.at(index);
        let Some(declaration) = record.declaration() else { continue };
        let claims_nothing = record.inputs().is_empty();
        // What a sidecar claims is there.
        if !claims_nothing && (declaration.inputs.is_sidecar() || unread.is_empty()) {
            continue;
        }
        let Some(anchor) = record.anchor().cloned() else { continue };
        let hidden = match anchor_form(&anchor) {
            Some(AnchorForm::Directory { folder }) => {
                hidden_inputs(inputs, claims, unread, folder.as_ref(), declaration)
            }
            Some(AnchorForm::Sidecar { .. }) | None => Vec::new(),
        };
        let message = match anchor_form(&anchor) {
            Some(AnchorForm::Sidecar { input }) if claims_nothing => {
                let diagnostics = &inputs.observation.diagnostics;
                let unseen = unread.covers(&input)
                    || diagnostics.iter().any(|d| d.subject == Subject::Path(input.clone()));
                let why = if unseen { "could not be read" } else { "is not there, or is ignored" };
                format!("{input}, the source of {}, {why}", record.label())
            }
            // Without them it would bake to something else than was meant.
            Some(AnchorForm::Directory { .. }) if !hidden.is_empty() => {
                format!("{} may claim what could not be read: {}", record.label(), hidden.join(", "))
            }
            Some(AnchorForm::Directory { .. }) | None if claims_nothing => format!(
                "{} claims no file: nothing beside {anchor} matches {}",
                record.label(),
                declaration.inputs.patterns().join(", ")
            ),
            Some(AnchorForm::Sidecar { .. } | AnchorForm::Directory { .. }) | None => continue,
        };
        let (uuid, id) = (record.entry.uuid, record.entry.id);
        assets.at_mut(index).mark(AssetState::InputMissing);
        found.push(Divergence {
            code: DivergenceCode::InputMissing,
            paths: vec![anchor],
            assets: vec![uuid],
            ids: vec![id],
            message,
            resolutions: Vec::new(),
        });
    }
}

/// What could not be read and would be claimed, or may hold what would be.
fn hidden_inputs(
    inputs: &WorkspaceInputs,
    claims: &Claims<'_>,
    unread: &Unread<'_>,
    folder: Option<&AssetPath>,
    declaration: &AnchorDeclaration,
) -> Vec<String> {
    let is_claimed = |path: &AssetPath| {
        let is_folder = inputs.observation.folders.contains(path);
        (is_folder || declaration.inputs.matches(path)) && !claims.is_cut_out(path, folder)
    };
    unread.below(folder).filter(is_claimed).map(|path| path.to_string()).collect()
}

fn broken_references(assets: &mut Records, found: &mut Vec<Divergence>) {
    for index in 0..assets.len() {
        let record = assets.at(index);
        if record.references().iter().all(|reference| reference.target.is_some()) {
            continue;
        }
        for reference in record.references().iter().filter(|reference| reference.target.is_none()) {
            found.push(Divergence {
                code: DivergenceCode::ReferenceUnresolved,
                paths: record.anchor().into_iter().cloned().collect(),
                assets: vec![record.entry.uuid],
                ids: vec![record.entry.id],
                message: format!(
                    "{} refers to {} by `{}`, and not exactly one managed asset has that name",
                    record.label(),
                    reference.name,
                    reference.key
                ),
                resolutions: Vec::new(),
            });
        }
        assets.at_mut(index).mark(AssetState::ReferenceBroken);
    }
    for members in references::cycles(assets) {
        let mut paths = Vec::new();
        let mut ids = Vec::new();
        let mut labels = Vec::new();
        for uuid in &members {
            if let Some(record) = assets.get_mut(*uuid) {
                record.mark(AssetState::ReferenceBroken);
                paths.extend(record.anchor().cloned());
                ids.push(record.entry.id);
                labels.push(record.label());
            }
        }
        ids.sort();
        found.push(Divergence {
            code: DivergenceCode::ReferenceCycle,
            message: format!("these assets refer to each other in a circle: {}", labels.join(", ")),
            paths,
            assets: members,
            ids,
            resolutions: Vec::new(),
        });
    }
}

/// The finding that several anchors claim one file.
pub(super) fn shared_input(
    input: &AssetPath,
    anchors: &[AssetPath],
    file: &impl Fn(&AssetPath) -> String,
) -> Diagnostic {
    let listed: Vec<String> = anchors.iter().map(ToString::to_string).collect();
    let mut diagnostic = Diagnostic::new(
        DiagnosticCode::InputShared,
        Subject::Path(input.clone()),
        format!("{input} is claimed by {} anchors: {}", anchors.len(), listed.join(", ")),
    )
    .in_file(file(input));
    for anchor in anchors {
        diagnostic = diagnostic.related("claimed here", file(anchor));
    }
    diagnostic
}
