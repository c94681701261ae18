//! Computing a state: registry and observation put together, of a whole workspace or of a part that nothing outside of it
//! has to do with.
//!
//! One evaluation, whichever it is of: what a part gives is what the whole gives of the same assets and paths. Which parts
//! stand for themselves is in `scope`.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::OrdMap;

use crate::anchor::ParsedAnchor;
use crate::diagnostic::Diagnostic;
use crate::divergence::Divergence;
use crate::identity::AssetUuid;
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::RegistryEntry;
use crate::sorted::{Findings, SharedSet};

use super::claims::Claims;
use super::place::{self, Placed};
use super::record::{AssetRecord, AssetState, Records};
use super::tally::Tally;
use super::{WorkspaceInputs, divergences, paths, project_path, references};

/// What follows from registry and observation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Findable {
    pub assets: OrdMap<AssetUuid, Arc<AssetRecord>>,
    /// The names of the managed assets, each with the asset; several assets for one in conflict.
    pub names: SharedSet<(AssetName, AssetUuid)>,
    /// The names that assets refer to, each with the asset that does.
    pub referrers: SharedSet<(AssetName, AssetUuid)>,
    /// The anchors with a uuid that are not the one anchor of an asset, where it was accepted.
    pub loose: SharedSet<(AssetUuid, AssetPath)>,
    /// The accepted places of the assets that are not simply there.
    pub displaced: SharedSet<(AssetPath, AssetUuid)>,
    pub unregistered: OrdMap<AssetPath, Arc<ParsedAnchor>>,
    pub unclaimed: SharedSet<AssetPath>,
    pub colliding: BTreeSet<AssetPath>,
    pub divergences: Findings<Divergence>,
    pub diagnostics: Findings<Diagnostic>,
    pub tally: Tally,
}

/// Puts registry and observation together. Beside it, the registry's lines with the paths of the observation's anchors,
/// where those hold a path twice.
pub(super) fn evaluate(inputs: &WorkspaceInputs) -> (Findable, Option<Vec<RegistryEntry>>) {
    let claims = Claims::of(&inputs.observation);
    let mut placed = place::place(inputs, &claims);
    let names = names(&claims, &placed);
    references::resolve(&inputs.kinds, &mut placed.records, &names);

    let file = |path: &AssetPath| project_path(&inputs.config, path);
    let paths = paths::path_findings(&inputs.observation, &file);
    let unmanaged = claims.anchors.iter().zip(&placed.managed).filter(|(_, managed)| !**managed);
    let unregistered: OrdMap<AssetPath, Arc<ParsedAnchor>> =
        unmanaged.map(|(anchor, _)| (anchor.path.clone(), Arc::clone(anchor.parsed))).collect();

    let divergences = divergences::compute(inputs, &mut placed, &claims, &names, &unregistered);
    let divergences = Findings::new(divergences);
    if !paths.colliding.is_empty() {
        mark_colliding(&mut placed.records, &paths.colliding);
    }
    let diagnostics = Findings::new(diagnostics(inputs, &claims, paths.diagnostics, &divergences, &file));
    let records = placed.records;
    let tally =
        Tally::of(records.iter(), unregistered.len(), claims.input_count(), &divergences, &diagnostics);

    let uuid = |index: u32| records.at(index as usize).entry.uuid;
    let names: Vec<_> = names.iter().map(|(name, index)| ((*name).clone(), uuid(*index))).collect();
    let mut referrers: Vec<(AssetName, AssetUuid)> = Vec::new();
    for record in records.iter() {
        referrers.extend(record.references().iter().map(|to| (to.name.clone(), record.entry.uuid)));
    }
    referrers.sort();
    referrers.dedup();
    let found = Findable {
        names: SharedSet::from_sorted(names),
        referrers: SharedSet::from_sorted(referrers),
        loose: SharedSet::from_sorted(placed.loose),
        displaced: SharedSet::from_sorted(placed.displaced),
        unregistered,
        unclaimed: SharedSet::from_sorted(claims.unclaimed),
        colliding: paths.colliding,
        divergences,
        diagnostics,
        tally,
        assets: records.into_map(),
    };
    (found, placed.shared_lines)
}

fn mark_colliding(records: &mut Records, colliding: &BTreeSet<AssetPath>) {
    for index in 0..records.len() {
        let record = records.at(index);
        let mut of_record = record.anchor().into_iter().chain(record.inputs());
        if of_record.any(|path| colliding.contains(path)) {
            records.at_mut(index).mark(AssetState::Invalid);
        }
    }
}

/// The names of the managed assets, each with the index of its record, in order; of several with one name, the first has
/// the earliest uuid. An anchor has one name, and one record that counts for it, also where two assets were accepted at one
/// place and it does not say whose it is.
fn names<'a>(claims: &Claims<'a>, placed: &Placed) -> Vec<(&'a AssetName, u32)> {
    // Names mostly go by paths, so that they are nearly in order as they come; sorting makes use of that.
    let mut names: Vec<(&AssetName, u32)> = Vec::with_capacity(placed.records.len());
    let anchors = claims.anchors.iter().zip(&placed.record_of);
    names.extend(anchors.filter_map(|(anchor, record)| Some((anchor.parsed.name()?, (*record)?))));
    names.sort();
    names
}

fn diagnostics(
    inputs: &WorkspaceInputs,
    claims: &Claims<'_>,
    paths: Vec<Diagnostic>,
    divergences: &Findings<Divergence>,
    file: &impl Fn(&AssetPath) -> String,
) -> Vec<Diagnostic> {
    let mut all = inputs.config_diagnostics.clone();
    all.extend(inputs.observation.diagnostics.iter().cloned());
    all.extend(paths);
    all.extend(claims.anchors.iter().flat_map(|anchor| anchor.parsed.diagnostics().iter().cloned()));
    all.extend(divergences.iter().map(|divergence| divergence.to_diagnostic(file)));
    all.extend(claims.shared.iter().map(|(input, anchors)| divergences::shared_input(input, anchors, file)));
    all
}
