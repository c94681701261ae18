//! Carrying out a mutation: planned (again) under the lock, compared with what was shown, committed as one.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{AssetUuid, OperationId, Revision};
use packer_domain::mutation::{
    self, Change, FilesystemMutation, Mutation, MutationPlan, RecoveryChoice, RegistryMutation, ShownPlan,
    Verdict,
};
use packer_domain::path::AssetPath;
use packer_domain::registry::{EntryState, Registry, RegistryEntry};
use packer_domain::workspace::WorkspaceState;
use packer_events::body::{EventBody, OperationKind, Phase, Unit};
use packer_events::record::DiagnosticRecord;
use packer_events::report::{
    Ending, Failure, MutationReport, OutcomeReport, RecoverReport, RecoveryResult, Rejection,
    UnknownOutcomeCause, UnknownOutcomeReport,
};
use packer_fs::head::Head;
use packer_fs::journal::{
    ApplyError, CommitRequest, Committed, FileFingerprint, RegistryChange, StageError, Step, stage_telling,
};
use packer_fs::registry_file::RegistryText;
use packer_fs::undo_record::UndoRecord;

use super::compare::compare;
use super::current::{self, Current};
use super::look::look_at;
use super::refresh::{observe, observe_to_the_end};
use super::{Finale, LaneAccess};
use crate::observe::{Lane, ObserveError, Observed};
use crate::operation::{Operation, Stop, io_failure, panic_message};
use crate::progress::Progress;
use crate::shared::Shared;

/// Plans `mutation` under the lock and commits it. With `shown`, only if it would do what that plan says.
pub(crate) fn mutate<'s>(
    shared: &'s Arc<Shared>,
    operation: &Operation,
    mutation: &Mutation,
    shown: Option<&ShownPlan>,
) -> Result<Finale<'s>, Stop> {
    let settles = settles(mutation);
    let access = match settles {
        None => LaneAccess::enter(shared, operation)?,
        Some(frozen) => LaneAccess::enter_to_settle(shared, operation, frozen)?,
    };
    operation.say(EventBody::Started {});
    let (current, observed) = match Current::look(shared, mutation) {
        Some((current, observed)) => (Some(current), observed),
        None => (None, observe(shared, operation, Lane::Held)?),
    };
    if let Some(operation_id) = observed.frozen.filter(|frozen| Some(*frozen) != settles) {
        return Err(Stop::Rejected(Rejection::LaneFrozen { operation_id }));
    }
    if settles.is_some() && observed.frozen.is_none() {
        return Err(Stop::Rejected(Rejection::NothingToRecover {}));
    }
    let next = shared.next(&observed);
    let state = &next.state;
    let planning = Progress::begin(operation, Phase::Plan, Unit::Steps, None);
    let contents = look_at(&*shared.disk, state, mutation).map_err(|e| Stop::Failed(io_failure(&e)))?;
    let plan = mutation::plan(state, &contents, mutation);
    planning.reached((plan.filesystem_mutations.len() + plan.registry_mutations.len()) as u64, 0);
    drop(planning);
    if let Some(shown) = shown {
        compare(state, observed.basis.config, shown, &plan).map_err(Stop::Rejected)?;
    }
    // What does not forbid it, and should be known: above all, which files were left without becoming assets.
    operation.diagnose(&plan.warnings);
    match plan.verdict {
        Verdict::Blocked => {
            let blockers = plan.blockers.iter().map(DiagnosticRecord::from).collect();
            return Err(Stop::Rejected(Rejection::Blocked { blockers, more: 0 }));
        }
        Verdict::Empty => {
            let revision = match current {
                Some(_) => current::affirm(shared, operation),
                None => shared.publish(operation, &observed, next).to(),
            };
            let report = report(&plan, operation, None);
            let report = MutationReport { unchanged: true, result_revision: Some(revision), ..report };
            return Ok(Finale::plain(Ending::Succeeded(OutcomeReport::Mutation(report))));
        }
        Verdict::Ready => {}
    }
    operation.check_cancelled(Phase::Plan)?;
    // Until what it wrote was published: nobody is told of that as of something that may differ.
    let touched =
        |mutation: &FilesystemMutation| [Some(mutation.path()), mutation.origin()].map(Option::<&_>::cloned);
    let files = plan.filesystem_mutations.iter().flat_map(touched).flatten();
    let _own = shared.commit_begins(operation.id, files, !plan.registry_mutations.is_empty());
    let (looked, text) = current.map(Current::into_parts).unzip();
    let committed = commit(shared, operation, &access, &observed, state, &plan, text)?;
    let see = |head| {
        if let Some(looked) = looked {
            let registry = apply_to_registry(&observed.inputs.registry, &plan.registry_mutations);
            return Ok(current::publish(shared, operation, observed, registry, (looked, head)).to());
        }
        drop(observed);
        let mut observed = observe_to_the_end(shared, operation)?;
        // What is left of it in the journal is put away with the rest of this commit.
        observed.frozen = observed.frozen.filter(|frozen| Some(*frozen) != settles);
        let next = shared.next(&observed);
        Ok(shared.publish(operation, &observed, next).to())
    };
    Ok(finish(shared, operation, access, committed, &plan, see))
}

/// The frozen operation that a mutation settles, if it does that.
pub(crate) fn settles(mutation: &Mutation) -> Option<OperationId> {
    match mutation {
        Mutation::Recover(recover) => Some(recover.operation),
        _ => None,
    }
}

fn commit<'s>(
    shared: &'s Arc<Shared>,
    operation: &Operation,
    access: &LaneAccess,
    observed: &Observed,
    state: &WorkspaceState,
    plan: &MutationPlan,
    text: Option<RegistryText>,
) -> Result<Committed<'s>, Stop> {
    let commit = observed.head.map_or(1, |head| head.commit + 1);
    let after = apply_to_registry(state.registry(), &plan.registry_mutations);
    let registry = if plan.registry_mutations.is_empty() {
        RegistryChange::Unchanged { digest: observed.basis.registry }
    } else {
        current::registry_change(shared, observed.basis.registry, text, &plan.registry_mutations, &after)
    };
    let outcome = outcome(plan, operation, Some(commit), None);
    let steps: Vec<Step> = plan.filesystem_mutations.iter().map(|mutation| step(state, mutation)).collect();
    let staging = Progress::begin(operation, Phase::Stage, Unit::Files, Some(staged_files(plan)));
    let request = CommitRequest {
        operation: operation.id,
        source: operation.bus().source(),
        commit,
        steps,
        registry,
        resolves: settles(&plan.mutation),
        inverse: undo_record(state, &after, plan).encode(),
        prepared: serde_json::to_value(&outcome).expect("a report is strings and numbers, which serialise"),
    };
    let staged_one =
        |of: Option<&Utf8Path>, bytes| staging.advance(1, bytes, &|| of.map(Utf8Path::to_string));
    let staged = stage_telling(&*shared.disk, request, &staged_one);
    drop(staging);
    let staged = staged.map_err(|error| stop_of(state, operation, error))?;
    operation.check_cancelled(Phase::Stage)?;
    // Somebody may have deleted the lock's file since, and another process hold a new one.
    access.verify(operation)?;
    operation.is_about_to_commit();
    let recorded = staged.record_intent().map_err(|error| stop_of(state, operation, error))?;
    let work = &recorded.intent().work;
    let total = (work.displaced.len() + work.placed.len()) as u64;
    let committing = Progress::begin(operation, Phase::Commit, Unit::Steps, Some(total));
    let on_step = |path: &Utf8Path| committing.advance(1, 0, &|| Some(path.to_string()));
    let committed = recorded.apply_telling(&on_step).map_err(|error| match error {
        ApplyError::Frozen { conflicts, .. } => {
            let paths: Vec<String> = conflicts.iter().map(|conflict| conflict.path.to_string()).collect();
            let message = format!("{} changed while the commit was carried out", paths.join(", "));
            unknown(operation, UnknownOutcomeCause::EditedMeanwhile, message, paths.into_iter().next())
        }
        ApplyError::OutcomeUnknown { source, .. } => {
            unknown(operation, UnknownOutcomeCause::Io, source.to_string(), Some(source.path.to_string()))
        }
    })?;
    drop(committing);
    let head = committed.head();
    if !plan.registry_mutations.is_empty() {
        shared.wrote(head.registry);
    }
    operation.say(EventBody::Committed { commit: head.commit, registry_digest: head.registry });
    Ok(committed)
}

/// Publishes what was committed, and leaves the cleaning up for after the terminal event.
fn finish<'s>(
    shared: &'s Arc<Shared>,
    operation: &Operation,
    access: LaneAccess,
    committed: Committed<'s>,
    plan: &MutationPlan,
    see: impl FnOnce(Head) -> Result<Revision, ObserveError>,
) -> Finale<'s> {
    let head = committed.head();
    let commit = head.commit;
    if let Some(settled) = settles(&plan.mutation) {
        shared.get_unstuck(settled);
    }
    // What is committed is committed, whatever becomes of the observation.
    let mut revision = None;
    match catch_unwind(AssertUnwindSafe(|| see(head))) {
        Ok(Ok(published)) => revision = Some(published),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the committed workspace could not be observed");
            shared.lose_sight(operation);
        }
        Err(panic) => {
            tracing::error!(message = panic_message(&*panic), "observing the committed workspace panicked");
            shared.lose_sight(operation);
        }
    }
    let outcome = outcome(plan, operation, Some(commit), revision);
    let afterwards = move || {
        if let Err(error) = committed.finish() {
            tracing::warn!(%error, "cleaning up after a commit is left to the next operation");
        }
        drop(access);
    };
    Finale { ending: Ending::Succeeded(outcome), afterwards: Some(Box::new(afterwards)) }
}

/// How many files a commit writes before its commit point.
fn staged_files(plan: &MutationPlan) -> u64 {
    let is_written = |mutation: &&FilesystemMutation| match mutation {
        FilesystemMutation::Create { .. }
        | FilesystemMutation::Edit { .. }
        | FilesystemMutation::Copy { .. }
        | FilesystemMutation::Restore { .. } => true,
        FilesystemMutation::Move { .. }
        | FilesystemMutation::ToHistory { .. }
        | FilesystemMutation::MakeDir { .. }
        | FilesystemMutation::RemoveDir { .. } => false,
    };
    let written = plan.filesystem_mutations.iter().filter(is_written).count() as u64;
    written + u64::from(!plan.registry_mutations.is_empty())
}

fn unknown(operation: &Operation, cause: UnknownOutcomeCause, message: String, path: Option<String>) -> Stop {
    Stop::OutcomeUnknown(UnknownOutcomeReport { kind: Some(operation.kind), cause, message, path })
}

fn stop_of(state: &WorkspaceState, operation: &Operation, error: StageError) -> Stop {
    let message = error.to_string();
    match error {
        StageError::Stale { path, .. } => {
            let root = &state.config().assets;
            let changed = path.strip_prefix(root).ok().and_then(|path| AssetPath::parse(path.as_str()).ok());
            let registry = path == packer_fs::layout::REGISTRY;
            let changed = changed.into_iter().collect();
            Stop::Rejected(Rejection::StalePlan { changed, registry, configuration: false, more: 0 })
        }
        StageError::Pending { operation } => {
            Stop::Rejected(Rejection::LaneFrozen { operation_id: operation })
        }
        StageError::Failed { source } => Stop::Failed(io_failure(&source)),
        StageError::OutcomeUnknown { source, .. } => {
            unknown(operation, UnknownOutcomeCause::Io, source.to_string(), Some(source.path.to_string()))
        }
        StageError::Inconsistent { path, .. }
        | StageError::NoFolder { path }
        | StageError::AnotherDevice { path } => {
            Stop::Failed(Failure::Io { message, path: Some(path.to_string()) })
        }
        StageError::NotKept { path, .. } => {
            Stop::Failed(Failure::Damaged { message, path: path.to_string() })
        }
        StageError::OutOfOrder { .. } | StageError::TooLarge { .. } | StageError::NotFrozen { .. } => {
            Stop::Failed(Failure::Io { message, path: None })
        }
    }
}

fn step(state: &WorkspaceState, mutation: &FilesystemMutation) -> Step {
    let path = |path: &AssetPath| Utf8PathBuf::from(state.project_path(path));
    match mutation {
        FilesystemMutation::Create { path: at, contents, .. } => {
            Step::Create { path: path(at), contents: contents.clone().into_bytes() }
        }
        FilesystemMutation::Edit { path: at, before, before_size, contents, .. } => Step::Edit {
            path: path(at),
            before: FileFingerprint { digest: *before, size: *before_size },
            contents: contents.clone().into_bytes(),
        },
        FilesystemMutation::Move { from, to, digest, size } => Step::Move {
            from: path(from),
            to: path(to),
            before: FileFingerprint { digest: *digest, size: *size },
        },
        FilesystemMutation::Copy { from, to, digest, size } => Step::Copy {
            from: path(from),
            to: path(to),
            before: FileFingerprint { digest: *digest, size: *size },
        },
        FilesystemMutation::ToHistory { path: at, digest, size } => {
            Step::ToHistory { path: path(at), before: FileFingerprint { digest: *digest, size: *size } }
        }
        FilesystemMutation::Restore { path: at, kept, digest, size } => Step::Restore {
            from: *kept,
            to: path(at),
            file: FileFingerprint { digest: *digest, size: *size },
        },
        FilesystemMutation::MakeDir { path: at } => Step::MakeDir { path: path(at) },
        FilesystemMutation::RemoveDir { path: at } => Step::RemoveDir { path: path(at) },
    }
}

fn apply_to_registry(registry: &Registry, mutations: &[RegistryMutation]) -> Registry {
    let mut after = registry.clone();
    for mutation in mutations {
        match mutation {
            RegistryMutation::Insert { entry } => after.insert(entry.clone()),
            RegistryMutation::Update { before, after: entry } => {
                after.remove(before);
                after.insert(entry.clone());
            }
            RegistryMutation::Retire { before } => {
                after.remove(before);
                let state = EntryState::Retired;
                after.insert(RegistryEntry { state, ..before.clone() });
            }
            RegistryMutation::Delete { entry } => after.remove(entry),
        }
    }
    after
}

/// What the operation has to report, so far as its commit goes.
fn outcome(
    plan: &MutationPlan,
    operation: &Operation,
    commit: Option<u64>,
    revision: Option<Revision>,
) -> OutcomeReport {
    if let Mutation::Recover(recover) = &plan.mutation {
        return OutcomeReport::Recover(RecoverReport {
            operation_id: recover.operation,
            result: match recover.choice {
                RecoveryChoice::KeepTheirs => RecoveryResult::KeptTheirs,
                RecoveryChoice::FinishOurs => RecoveryResult::FinishedOurs,
            },
            took_ms: operation.took_ms(),
        });
    }
    OutcomeReport::Mutation(MutationReport { result_revision: revision, ..report(plan, operation, commit) })
}

fn report(plan: &MutationPlan, operation: &Operation, commit: Option<u64>) -> MutationReport {
    let count =
        |changes: &[Change]| plan.affected.iter().filter(|a| changes.contains(&a.change)).count() as u64;
    let files = |is: fn(&FilesystemMutation) -> bool| {
        plan.filesystem_mutations.iter().filter(|mutation| is(mutation)).count() as u64
    };
    MutationReport {
        mutation: kind_of(&plan.mutation),
        commit,
        assets_added: count(&[
            Change::Adopted,
            Change::Registered,
            Change::Separated,
            Change::Duplicated,
            Change::Restored,
        ]),
        assets_changed: count(&[
            Change::Moved,
            Change::Renamed,
            Change::Renumbered,
            Change::Settled,
            Change::Configured,
            Change::Included,
            Change::Excluded,
            Change::Reverted,
        ]),
        assets_removed: count(&[Change::Retired, Change::Undone]),
        files_created: files(|mutation| {
            use FilesystemMutation::{Copy, Create, Restore};
            matches!(mutation, Create { .. } | Copy { .. } | Restore { .. })
        }),
        files_changed: files(|mutation| matches!(mutation, FilesystemMutation::Edit { .. })),
        files_moved: files(|mutation| matches!(mutation, FilesystemMutation::Move { .. })),
        files_removed: files(|mutation| matches!(mutation, FilesystemMutation::ToHistory { .. })),
        registry_changes: plan.registry_mutations.len() as u64,
        result_revision: None,
        unchanged: false,
        took_ms: operation.took_ms(),
    }
}

/// The kind of operation that carries a mutation out.
pub(crate) fn kind_of(mutation: &Mutation) -> OperationKind {
    match mutation {
        Mutation::Adopt(_) => OperationKind::Adopt,
        Mutation::Register(_) => OperationKind::Register,
        Mutation::Reconcile(_) => OperationKind::Reconcile,
        Mutation::Rename(_) => OperationKind::Rename,
        Mutation::SetBuild(_) => OperationKind::SetBuild,
        Mutation::Configure(_) => OperationKind::Configure,
        Mutation::Relocate(_) => OperationKind::Relocate,
        Mutation::Duplicate(_) => OperationKind::Duplicate,
        Mutation::Remove(_) => OperationKind::Remove,
        Mutation::Undo(_) => OperationKind::Undo,
        Mutation::Recover(_) => OperationKind::Recover,
        Mutation::Batch(_) => OperationKind::Apply,
    }
}

/// What would take the commit back, beside the files: the lines of the assets whose lines change.
fn undo_record(state: &WorkspaceState, after: &Registry, plan: &MutationPlan) -> UndoRecord {
    let uuids: BTreeSet<AssetUuid> = plan.registry_mutations.iter().map(RegistryMutation::uuid).collect();
    let lines =
        |registry: &Registry| uuids.iter().flat_map(|uuid| registry.lines_of(*uuid)).cloned().collect();
    UndoRecord {
        assets: state.config().assets.clone(),
        lines_before: lines(state.registry()),
        lines_after: lines(after),
        undoes: match &plan.mutation {
            Mutation::Undo(undo) => Some(undo.operation),
            _ => None,
        },
    }
}
