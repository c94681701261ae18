//! How an operation ended, for people: what it did, or why not and what to do next.

use packer_events::body::{Behind, Holder, Lock, OperationKind};
use packer_events::record::{Changes, DiagnosticRecord};
use packer_events::report::{
    BuildReport, Ending, Failure, MutationReport, OutcomeReport, RecoverReport, RecoveryResult,
    RefreshReport, Rejection, UnknownOutcomeCause, UnknownOutcomeReport,
};
use packer_runtime::api::{AssetPath, OperationId};

use super::advice::ProjectFlag;
use super::diagnostic::diagnostic;
use super::{Detail, bytes, count, duration, phase_word, short_id, table, things};
use crate::ui::{Paint, plain};

/// An ending in full: its headline, and what belongs to it.
pub(crate) fn ending(ending: &Ending, paint: Paint) -> String {
    let mut text = format!("{}\n", headline(ending, paint));
    match ending {
        Ending::Succeeded(OutcomeReport::Build(report))
        | Ending::Recovered { outcome: OutcomeReport::Build(report), .. } => text.push_str(&build(report)),
        Ending::Rejected(report) => text.push_str(&reasons(&report.reason, report.kind, paint)),
        Ending::Failed(report) => text.push_str(&advice(&report.cause, paint)),
        Ending::OutcomeUnknown(report) => text.push_str(&unknown(report, paint)),
        Ending::Succeeded(_) | Ending::Recovered { .. } | Ending::Cancelled(_) | Ending::Aborted(_) => {}
    }
    text
}

/// An ending in one line.
pub(super) fn headline(ending: &Ending, paint: Paint) -> String {
    match ending {
        Ending::Succeeded(report) => success(report, paint),
        Ending::Recovered { outcome, by: _ } => {
            format!("{}, completed after its process died", success(outcome, paint))
        }
        Ending::Rejected(report) => {
            format!("{}: {} rejected: {}", paint.error("error"), report.kind, rejection(&report.reason))
        }
        Ending::Failed(report) => {
            format!("{}: {} failed: {}", paint.error("error"), report.kind, failure(&report.cause))
        }
        Ending::Cancelled(report) => {
            let phase = report
                .phase
                .map_or("before it started".to_owned(), |phase| format!("while {}", phase_word(phase)));
            format!("{}: {}, {phase}; nothing was changed", paint.warning("cancelled"), report.kind)
        }
        Ending::Aborted(report) => {
            let kind = kind_word(report.kind);
            format!("{}: the process of {kind} died before it changed anything", paint.warning("aborted"))
        }
        Ending::OutcomeUnknown(report) => {
            let kind = kind_word(report.kind);
            format!("{}: nobody can say whether {kind} changed the workspace", paint.error("outcome unknown"))
        }
    }
}

fn kind_word(kind: Option<OperationKind>) -> &'static str {
    kind.map_or("an operation", OperationKind::as_str)
}

fn success(report: &OutcomeReport, paint: Paint) -> String {
    match report {
        OutcomeReport::Build(report) => {
            let assets = things(report.assets, "asset", "assets");
            if report.incomplete {
                format!(
                    "{}: {assets}, {} of them absent",
                    paint.warning("built incompletely"),
                    count(report.failed)
                )
            } else if report.unchanged {
                format!("{}: {assets}", paint.good("unchanged"))
            } else {
                format!("{}: {assets}", paint.good("built"))
            }
        }
        OutcomeReport::Mutation(report) => mutation(report, paint),
        OutcomeReport::Refresh(RefreshReport { from, to, changed, took_ms }) => {
            let took = duration(*took_ms);
            if from == to {
                format!("{}: revision {to} is what is on disk, in {took}", paint.good("unchanged"))
            } else {
                format!(
                    "{}: revision {from} to {to}, {}, in {took}",
                    paint.good("refreshed"),
                    changes(changed)
                )
            }
        }
        OutcomeReport::Recover(report) => recovery(report, paint),
        OutcomeReport::Watch(report) => {
            let times = things(report.transitions, "change", "changes");
            format!("{}: {times} of freshness, in {}", paint.good("watched"), duration(report.took_ms))
        }
    }
}

fn mutation(report: &MutationReport, paint: Paint) -> String {
    let took = duration(report.took_ms);
    let word = mutation_word(report.mutation);
    if report.unchanged {
        return format!("{}: {word}: there was nothing to do, in {took}", paint.good("unchanged"));
    }
    let commit = report.commit.map_or_else(String::new, |commit| format!(", commit {}", count(commit)));
    format!("{}: {}: {}{commit}, in {took}", paint.good("done"), word, mutation_counts(report))
}

/// What a mutation did, in figures.
pub(super) fn mutation_counts(report: &MutationReport) -> String {
    let counts = [
        (report.assets_added, "asset added", "assets added"),
        (report.assets_changed, "asset changed", "assets changed"),
        (report.assets_removed, "asset removed", "assets removed"),
        (report.files_created, "new file", "new files"),
        (report.files_changed, "file edited", "files edited"),
        (report.files_moved, "file moved", "files moved"),
        (report.files_removed, "file to the history", "files to the history"),
        (report.registry_changes, "line of the registry", "lines of the registry"),
    ];
    let parts: Vec<String> =
        counts.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| things(n, one, many)).collect();
    parts.join(", ")
}

/// What can be done next about a mutation that was carried out: taking it back.
pub(crate) fn next_step(ending: &Ending, id: OperationId, project: &ProjectFlag, paint: Paint) -> String {
    match ending {
        Ending::Succeeded(OutcomeReport::Mutation(report)) if !report.unchanged => {
            let command = paint.command(&format!("`packer undo {}{project}`", short_id(id)));
            format!("  = help: {command} takes it back\n")
        }
        Ending::Succeeded(_)
        | Ending::Recovered { .. }
        | Ending::Rejected(_)
        | Ending::Failed(_)
        | Ending::Cancelled(_)
        | Ending::Aborted(_)
        | Ending::OutcomeUnknown(_) => String::new(),
    }
}

/// What people call a mutation: the commands are called so.
pub(super) fn mutation_word(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Relocate => "move",
        OperationKind::Configure => "set",
        OperationKind::SetBuild => "include or exclude",
        OperationKind::Duplicate => "copy",
        OperationKind::Apply => "several at once",
        OperationKind::Adopt
        | OperationKind::Register
        | OperationKind::Remove
        | OperationKind::Rename
        | OperationKind::Reconcile
        | OperationKind::Undo
        | OperationKind::Build
        | OperationKind::Refresh
        | OperationKind::Recover
        | OperationKind::Watch => kind.as_str(),
    }
}

/// `1 added, 2 changed, 0 removed`.
pub(super) fn changes(changes: &Changes) -> String {
    let Changes { added, changed, removed, configuration } = changes;
    let configured = if *configuration { ", other configuration" } else { "" };
    format!(
        "assets: {} added, {} changed, {} removed{configured}",
        count(*added),
        count(*changed),
        count(*removed)
    )
}

/// What a recovery did about an operation that had been left.
pub(super) fn recovery(report: &RecoverReport, paint: Paint) -> String {
    let id = report.operation_id;
    match report.result {
        RecoveryResult::Dropped => {
            format!("{}: operation {id} was dropped, with what it had staged", paint.good("recovered"))
        }
        RecoveryResult::Finished => {
            format!(
                "{}: operation {id} was past its commit point, and was completed",
                paint.good("recovered")
            )
        }
        RecoveryResult::Closed => {
            format!("{}: operation {id} was complete; its end was recorded", paint.good("recovered"))
        }
        RecoveryResult::Frozen => format!(
            "{}: operation {id} stopped amid its commit, and somebody edited what it touched; nothing was changed",
            paint.error("recovery required")
        ),
        RecoveryResult::KeptTheirs => {
            format!(
                "{}: operation {id} was given up; the workspace is as people left it",
                paint.good("recovered")
            )
        }
        RecoveryResult::FinishedOurs => {
            format!(
                "{}: operation {id} was completed; what people edited went to history",
                paint.good("recovered")
            )
        }
    }
}

fn build(report: &BuildReport) -> String {
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    let mut rows = vec![
        vec!["  assets".to_owned(), count(report.assets)],
        vec!["  baked".to_owned(), count(report.baked)],
        vec!["  reused".to_owned(), count(report.reused)],
        vec!["  failed".to_owned(), count(report.failed)],
        vec!["  bytes".to_owned(), format!("{} ({})", count(report.bytes), bytes(report.bytes))],
        vec!["  digest".to_owned(), report.pack_digest.to_string()],
        vec!["  unchanged".to_owned(), yes(report.unchanged).to_owned()],
    ];
    if report.proved {
        rows.push(vec![
            "  proved".to_owned(),
            "yes: a second build from nothing gave the same pack".to_owned(),
        ]);
    }
    rows.push(vec!["  took".to_owned(), duration(report.took_ms)]);
    table(&rows)
}

fn rejection(reason: &Rejection) -> String {
    match reason {
        Rejection::WorkspaceErrors { errors } => {
            format!("the workspace has {}", things(*errors, "error", "errors"))
        }
        Rejection::InputsChanged { .. } => {
            "the workspace changed meanwhile; nothing was published".to_owned()
        }
        Rejection::Blocked { blockers, more } => {
            format!("the plan is blocked for {}", things(blockers.len() as u64 + more, "reason", "reasons"))
        }
        Rejection::StalePlan { .. } => "it would no longer do what was shown; nothing was changed".to_owned(),
        Rejection::PlanAltered {} => "the plan is not as it was made".to_owned(),
        Rejection::UnrelatedLineage { project, plan } => {
            format!("the plan was made for lineage {plan}, and the project's is {project}")
        }
        Rejection::LaneFrozen { operation_id } => {
            format!("operation {operation_id} stopped amid its commit, and has to be recovered first")
        }
        Rejection::LockHeld { lock, holder: _ } => format!("another process holds the {lock} lock"),
        Rejection::LockUnsupported { lock } => {
            format!("the file system cannot lock, and the {lock} lock is needed")
        }
        Rejection::BaseRevisionGone { asked, current } => {
            format!("revision {asked} was asked for, and the current one is {current}")
        }
        Rejection::NothingToRecover {} => "there is nothing to recover".to_owned(),
    }
}

fn reasons(reason: &Rejection, kind: OperationKind, paint: Paint) -> String {
    let help = |text: &str| format!("  = help: {text}\n");
    match reason {
        Rejection::WorkspaceErrors { .. } if kind == OperationKind::Build => {
            help("the pack of an earlier build is as it was; `packer build --keep-going` builds the rest")
        }
        Rejection::WorkspaceErrors { .. } => {
            help("mend packer.toml or the registry as said above, then try again")
        }
        Rejection::InputsChanged { paths, registry, configuration, more } => {
            moved(paths, *more, *registry, *configuration) + &help("run it again; what was baked is kept")
        }
        Rejection::StalePlan { changed, registry, configuration, more } => {
            moved(changed, *more, *registry, *configuration)
                + &help("ask for it again, look at the new preview, and decide")
        }
        Rejection::Blocked { blockers, more } => blocked(blockers, *more, paint),
        Rejection::PlanAltered {} | Rejection::UnrelatedLineage { .. } => {
            help("make the plan anew, from this project")
        }
        Rejection::LaneFrozen { .. } => help("`packer recover` shows what can be done, and does it"),
        Rejection::LockHeld { lock, holder } => {
            let holder =
                holder.as_ref().map_or_else(String::new, |holder| format!("  {}\n", held(*lock, holder)));
            holder + &help("without --no-wait the packer waits for its turn")
        }
        Rejection::LockUnsupported { .. } => help("`packer explain lane/lock-unsupported` says what to do"),
        Rejection::BaseRevisionGone { .. } => help("`packer refresh`, then ask for the current revision"),
        Rejection::NothingToRecover {} => String::new(),
    }
}

fn blocked(blockers: &[DiagnosticRecord], more: u64, paint: Paint) -> String {
    let mut texts: Vec<String> = blockers.iter().map(|blocker| diagnostic(blocker, &[], paint)).collect();
    if more > 0 {
        texts.push(format!("… and {} more\n", count(more)));
    }
    texts.join("\n")
}

/// What an operation waits for, in one line.
pub(super) fn waits_for(behind: &Behind) -> String {
    match &behind.holder {
        Some(holder) => held(behind.lock, holder),
        None => format!(
            "{} ahead for the {} lock",
            things(behind.operations, "operation", "operations"),
            behind.lock
        ),
    }
}

fn held(lock: Lock, holder: &Holder) -> String {
    let Holder { pid, host, operation_id: _, kind, since } = holder;
    format!("the {lock} lock is held by process {pid} on {}, for {kind} since {since}", plain(host))
}

/// What moved under an operation.
fn moved(paths: &[AssetPath], more: u64, registry: bool, configuration: bool) -> String {
    let detail = Detail::Short;
    let mut text = String::new();
    if configuration {
        text.push_str("  changed: packer.toml\n");
    }
    if registry {
        text.push_str("  changed: registry.jsonl\n");
    }
    for path in &paths[..detail.shown(paths.len())] {
        push!(text, "  changed: {}\n", plain(path.as_str()));
    }
    if more > 0 {
        let rest = (paths.len() - detail.shown(paths.len())) as u64 + more;
        push!(text, "  … and {} more\n", count(rest));
    } else if let Some(rest) = detail.rest(paths.len()) {
        push!(text, "  {rest}\n");
    }
    text
}

fn failure(cause: &Failure) -> String {
    match cause {
        Failure::BakesFailed { failed } => {
            format!("{} could not be baked", things(*failed, "asset", "assets"))
        }
        Failure::ProveMismatch { built, proved } => {
            format!("the second build gave another pack: {proved}, and not {built}")
        }
        Failure::Io { message, path: _ } => plain(message),
        Failure::Damaged { message, path } => format!("{}: {}", plain(path), plain(message)),
        Failure::Panic { message } => format!("the packer has a bug: {}", plain(message)),
    }
}

fn advice(cause: &Failure, paint: Paint) -> String {
    let help = |text: &str| format!("  = help: {text}\n");
    match cause {
        Failure::BakesFailed { .. } => {
            help("the pack of an earlier build is as it was; `packer build --keep-going` builds the rest")
        }
        Failure::ProveMismatch { .. } => {
            let code = paint.command("`packer explain build/not-reproducible`");
            help(&format!("a codec is not deterministic; {code} says more"))
        }
        Failure::Io { message, path: Some(path) } if !message.contains(path.as_str()) => {
            format!("  at {}\n", plain(path))
        }
        Failure::Io { .. } => String::new(),
        Failure::Damaged { .. } => {
            help("nothing was changed; look at the file, or restore it from version control")
        }
        Failure::Panic { .. } => help("nothing was changed; please report it, with what was asked for"),
    }
}

fn unknown(report: &UnknownOutcomeReport, paint: Paint) -> String {
    let why = match report.cause {
        UnknownOutcomeCause::Io => "a write failed after the commit point",
        UnknownOutcomeCause::EditedMeanwhile => "somebody edited what it touched, amid its commit",
        UnknownOutcomeCause::JournalDamaged => "its record in the journal cannot be read",
    };
    let at = report.path.as_ref().map_or_else(String::new, |path| format!(", at {}", plain(path)));
    let message = plain(&report.message);
    let help = match report.cause {
        UnknownOutcomeCause::Io => {
            "make the disk writable, with room on it; the next command ends what this one began".to_owned()
        }
        UnknownOutcomeCause::EditedMeanwhile | UnknownOutcomeCause::JournalDamaged => {
            format!("{} shows what can be done, and does it", paint.command("`packer recover`"))
        }
    };
    format!("  {why}: {message}{at}\n  = help: {help}\n")
}

#[cfg(test)]
mod tests;
