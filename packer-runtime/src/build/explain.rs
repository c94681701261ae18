//! Why assets are baked: gathered for a build that is asked to say so, remembered of each build, and told of one asset or
//! file at a time.
//!
//! What the parts of a key mean is the domain's; how they are remembered `packer_fs::build_parts`'s. Nothing here decides
//! what a build does: it reads what that goes by.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use packer_domain::build::{
    AssetExplanation, BakeReason, BuildEntry, BuildPlan, FileExplanation, LastMade, NextBuild, compare_parts,
    key_parts, plan_build,
};
use packer_domain::config::UnknownProfile;
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::identity::{AssetUuid, Digest};
use packer_domain::kind::KindCatalog;
use packer_domain::path::AssetPath;
use packer_fs::build_parts::{self, How, Made, NoFormer, PartsHistory, RecordedBuild, RecordedParts};
use packer_fs::disk::DiskError;
use packer_fs::layout;
use packer_fs::registry_file;
use packer_fs::scan::covered_by;
use thiserror::Error;

use super::artifacts::{Artifacts, StorePolicy};
use super::former::{Former, options_text};
use super::unchanged::recall;
use crate::operation::Operation;
use crate::shared::Shared;
use crate::snapshot::Snapshot;

/// Why something cannot be explained.
#[derive(Debug, Error)]
pub enum ExplainError {
    /// `packer.toml` has no such build profile.
    #[error(transparent)]
    Profile(#[from] UnknownProfile),
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// What tells, for each asset of a plan, why it is not taken over from the last pack.
pub(super) struct Reasons {
    known: BTreeMap<AssetUuid, PartsHistory>,
    /// The keys that the last pack was made from.
    former: BTreeMap<AssetUuid, Digest>,
    /// Why nothing is taken over at all.
    cause: Option<NoFormer>,
    kinds: Arc<KindCatalog>,
}

impl Reasons {
    /// Gathers what is needed for all assets of `plan`. What is not known any more is said to be.
    pub(super) fn gather(
        shared: &Shared,
        plan: &BuildPlan,
        former: Option<&Former>,
        cause: Option<NoFormer>,
    ) -> Self {
        let differs = |entry: &&BuildEntry| former.is_none_or(|former| former.payload(entry).is_none());
        let wanted: BTreeSet<AssetUuid> = plan.entries.iter().filter(differs).map(BuildEntry::uuid).collect();
        Self::of(shared, &wanted, former, cause)
    }

    fn of(
        shared: &Shared,
        wanted: &BTreeSet<AssetUuid>,
        former: Option<&Former>,
        cause: Option<NoFormer>,
    ) -> Self {
        let known = build_parts::load(&*shared.disk, &|uuid| wanted.contains(&uuid));
        let known = known.unwrap_or_else(|error| {
            tracing::info!(%error, "what the last keys were made of is not known");
            BTreeMap::new()
        });
        let key = |uuid: &AssetUuid| Some((*uuid, former?.key_of(*uuid)?));
        let former = wanted.iter().filter_map(key).collect();
        Self { known, former, cause, kinds: Arc::clone(&shared.observer.kinds) }
    }

    /// Why `entry` is not taken over; at least one reason.
    fn of_entry(&self, entry: &BuildEntry) -> Vec<BakeReason> {
        let history = self.known.get(&entry.uuid());
        if let Some(cause) = &self.cause {
            let last = history.map(|history| &history.last);
            return vec![whole_reason(cause.clone(), last)];
        }
        let Some(key) = self.former.get(&entry.uuid()) else {
            return vec![match history {
                None => BakeReason::NeverBuilt {},
                Some(_) => BakeReason::FailedBefore {},
            }];
        };
        let records = history.into_iter().flat_map(|history| [Some(&history.last), history.before.as_ref()]);
        let record = records.flatten().find(|record| record.parts.build_key == *key);
        let spec = self.kinds.get(entry.kind());
        match (record, spec) {
            (Some(record), Some(spec)) => compare_parts(&record.parts, &key_parts(entry, spec)),
            _ => vec![BakeReason::PartsUnknown {}],
        }
    }

    /// What a build says of an asset that it did not take over.
    pub(super) fn diagnostic(&self, entry: &BuildEntry, how: How) -> Diagnostic {
        let did = match how {
            How::Baked => "was baked",
            How::Fetched => "was fetched from the artifact store",
        };
        let reasons: Vec<String> = self.of_entry(entry).iter().map(ToString::to_string).collect();
        let message = format!("{} {did}: {}", entry.name(), reasons.join("; "));
        Diagnostic::new(DiagnosticCode::BuildBaked, Subject::Asset(entry.uuid()), message)
    }
}

/// A cause, with what the last record knows of it.
fn whole_reason(cause: NoFormer, last: Option<&RecordedParts>) -> BakeReason {
    match cause {
        NoFormer::Compression { from: None, to } => {
            let from = last.map(|last| last.build.compression.clone()).filter(|from| *from != to);
            BakeReason::Compression { from, to }
        }
        cause => cause.into(),
    }
}

/// The managed assets of a registry that nobody has parsed, and that seldom has to be.
pub(super) struct LiveLines {
    registry: Arc<Vec<u8>>,
    uuids: OnceCell<BTreeSet<AssetUuid>>,
}

impl LiveLines {
    /// Those of the registry with these bytes.
    pub(super) fn of(registry: Arc<Vec<u8>>) -> Self {
        Self { registry, uuids: OnceCell::new() }
    }

    /// Whether this is one of them.
    pub(super) fn has(&self, uuid: AssetUuid) -> bool {
        let live = || match registry_file::parse(&self.registry, layout::REGISTRY) {
            Ok(registry) => {
                let lines = registry.entries().filter(|line| line.anchor().is_some());
                lines.map(|line| line.uuid).collect()
            }
            Err(_) => BTreeSet::new(),
        };
        self.uuids.get_or_init(live).contains(&uuid)
    }
}

/// A build that has just been committed, as far as it is to be remembered why it baked what it did.
pub(super) struct Committed<'a> {
    /// The plan of what it made, and perhaps of more.
    pub plan: &'a BuildPlan,
    pub kinds: &'a KindCatalog,
    /// How many assets its pack has.
    pub assets: u64,
    /// Whether an asset is managed still.
    pub is_live: &'a dyn Fn(AssetUuid) -> bool,
    /// Whether the pack before had a payload of an asset.
    pub was_in_pack: &'a dyn Fn(AssetUuid) -> bool,
    /// Why nothing was taken over at all.
    pub cause: Option<NoFormer>,
}

/// Remembers what a build made.
pub(super) fn remember(
    shared: &Shared,
    operation: &Operation,
    committed: Committed<'_>,
    made: &[(u32, How)],
) {
    let Committed { plan, kinds, assets, is_live, was_in_pack, cause } = committed;
    let made: Vec<_> = made
        .iter()
        .filter_map(|(id, how)| {
            let at = plan.entries.binary_search_by_key(id, |entry| entry.id().get()).ok()?;
            let entry = &plan.entries[at];
            let was_in_pack = was_in_pack(entry.uuid());
            Some((entry, kinds.get(entry.kind())?, Made { how: *how, was_in_pack }))
        })
        .collect();
    let build = RecordedBuild { operation: operation.id, compression: options_text(&plan.options), cause };
    if let Err(error) = build_parts::append(&*shared.disk, &build, made.into_iter(), assets, is_live) {
        tracing::warn!(%error, "nobody will be able to say why the next build bakes what it bakes");
    }
}

/// Explains a managed asset of `snapshot`; `None` if it has no such asset.
pub(crate) fn explain_asset(
    shared: &Arc<Shared>,
    snapshot: &Snapshot,
    uuid: AssetUuid,
    profile: Option<&str>,
) -> Result<Option<AssetExplanation>, ExplainError> {
    let state = snapshot.state();
    let options = state.config().build_options(profile)?;
    let plan = plan_build(state, options);
    let Some(mut explanation) = packer_domain::build::explain_asset(state, &plan, uuid) else {
        return Ok(None);
    };
    let (former, cause) = match Former::find(shared, &state.config().output, &options) {
        Ok(former) => (Some(former), None),
        Err(cause) => (None, Some(cause)),
    };
    let reasons = Reasons::of(shared, &BTreeSet::from([uuid]), former.as_ref(), cause);
    if let Some(entry) = plan.entries.iter().find(|entry| entry.uuid() == uuid) {
        let output = &state.config().output;
        // Where nothing at all has changed, a build looks no further than this.
        let is_unchanged = || recall(shared, snapshot.basis().fingerprint, &options, output).is_some();
        let taken_over =
            former.as_ref().is_some_and(|former| former.payload(entry).is_some()) || is_unchanged();
        let artifacts = Artifacts::open(&shared.root, state.config(), &options, StorePolicy::default());
        explanation.next = if taken_over {
            NextBuild::TakeOver {}
        } else if artifacts.is_some_and(|artifacts| artifacts.has(entry, state.config())) {
            NextBuild::Fetch { reasons: reasons.of_entry(entry) }
        } else {
            NextBuild::Bake { reasons: reasons.of_entry(entry) }
        };
    }
    explanation.last = reasons.known.get(&uuid).map(last_made);
    Ok(Some(explanation))
}

fn last_made(history: &PartsHistory) -> LastMade {
    let PartsHistory { last, before } = history;
    let reasons = match (&last.build.cause, before, last.was_in_pack) {
        (Some(cause), before, _) => vec![whole_reason(cause.clone(), before.as_ref())],
        (None, None, false) => vec![BakeReason::NeverBuilt {}],
        (None, Some(_), false) => vec![BakeReason::FailedBefore {}],
        (None, None, true) => vec![BakeReason::PartsUnknown {}],
        (None, Some(before), true) => compare_parts(&before.parts, &last.parts),
    };
    LastMade { operation: last.build.operation, fetched: last.how == How::Fetched, reasons }
}

/// Explains what is at `path`; `None` if nothing is there that the packer knows of.
pub(crate) fn explain_file(
    shared: &Shared,
    snapshot: &Snapshot,
    path: &AssetPath,
) -> Result<Option<FileExplanation>, ExplainError> {
    let state = snapshot.state();
    let known = packer_domain::build::explain_file(state, path);
    if known.is_some() {
        return Ok(known);
    }
    let covered = covered_by(&*shared.disk, &state.config().assets, path)?;
    Ok(covered.map(|covered| {
        let (file, pattern) =
            covered.pattern.map_or((None, None), |(file, pattern)| (Some(file.into_string()), Some(pattern)));
        let covered = covered.covered.as_str().to_owned();
        FileExplanation::Ignored { path: path.clone(), covered, file, pattern }
    }))
}
