//! The words for each ending: a title, a sentence, and lines of detail.
//!
//! Words only. They are made from reports, which anybody can write, and so prove nothing; an `OutcomeView` takes them for
//! the report that is in a sealed outcome. Figures are those of the reports.

use packer_events::body::OperationKind;
use packer_events::report::{
    BuildReport, CancellationReport, Ending, Failure, MutationReport, OutcomeReport, RecoverReport,
    RecoveryResult, RefreshReport, Rejection, UnknownOutcomeCause, UnknownOutcomeReport, WatchReport,
};
use packer_runtime::api::AssetPath;

use crate::labels;
use crate::text::counted;

/// What is said of an ending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) details: Vec<String>,
    pub(crate) took_ms: Option<u64>,
}

impl Words {
    /// What is said of an operation of the kind `kind` that ended in `ending`.
    pub(crate) fn of(kind: OperationKind, ending: &Ending) -> Self {
        let noun = labels::kind(kind);
        match ending {
            Ending::Succeeded(report) => success(report).titled(format!("{noun} succeeded")),
            Ending::Rejected(report) => rejection(&report.reason).titled(format!("{noun} rejected")),
            Ending::Failed(report) => failure(&report.cause).titled(format!("{noun} failed")),
            Ending::Cancelled(report) => cancellation(report).titled(format!("{noun} cancelled")),
            Ending::Aborted(report) => {
                let message = "Its process ended before anything was changed";
                Self::said(message)
                    .and(format!("found by operation {}", report.by))
                    .titled(format!("{noun} aborted"))
            }
            Ending::Recovered { outcome, by } => {
                let words = success(outcome);
                let message =
                    format!("Its process ended amid its work, which was completed: {}", words.message);
                Self { message, ..words }
                    .and(format!("completed by operation {by}"))
                    .titled(format!("{noun} recovered"))
            }
            Ending::OutcomeUnknown(report) => {
                unknown_outcome(report).titled(format!("{noun}: outcome unknown"))
            }
        }
    }

    fn said(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    fn titled(self, title: String) -> Self {
        Self { title, ..self }
    }

    fn and(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    fn and_if(self, said: bool, detail: &str) -> Self {
        if said { self.and(detail) } else { self }
    }

    fn and_all(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    fn took(self, ms: u64) -> Self {
        Self { took_ms: Some(ms), ..self }
    }
}

fn success(report: &OutcomeReport) -> Words {
    match report {
        OutcomeReport::Build(report) => build(report),
        OutcomeReport::Mutation(report) => mutation(report),
        OutcomeReport::Refresh(report) => refresh(report),
        OutcomeReport::Recover(report) => recover(report),
        OutcomeReport::Watch(WatchReport { transitions, took_ms }) => {
            Words::said(format!("The freshness had {}", counted(*transitions, "change"))).took(*took_ms)
        }
    }
}

fn build(report: &BuildReport) -> Words {
    let BuildReport {
        assets,
        baked,
        reused,
        failed,
        bytes,
        pack_digest,
        unchanged,
        took_ms,
        incomplete,
        proved,
    } = report;
    let complete = if *incomplete { "An incomplete pack" } else { "A pack" };
    let assets = counted(*assets, "asset");
    Words::said(format!("{complete} of {assets}: {baked} baked, {reused} reused, {failed} failed"))
        .and_if(*incomplete, "the pack lacks assets that should be in it")
        .and_if(*unchanged, "unchanged: the outputs already were what they had to be")
        .and_if(*proved, "proved: a second build from nothing gave the same pack")
        .and(format!("{}, {pack_digest}", counted(*bytes, "byte")))
        .took(*took_ms)
}

fn mutation(report: &MutationReport) -> Words {
    let MutationReport {
        mutation,
        commit,
        assets_added,
        assets_changed,
        assets_removed,
        files_created,
        files_changed,
        files_moved,
        files_removed,
        registry_changes,
        result_revision,
        unchanged,
        took_ms,
    } = report;
    Words::said(format!("Assets: {assets_added} added, {assets_changed} changed, {assets_removed} removed"))
        .and_if(*unchanged, "unchanged: everything already was as asked")
        .and(format!(
            "files: {files_created} created, {files_changed} changed, {files_moved} moved, {files_removed} to history"
        ))
        .and(format!("registry: {}", counted(*registry_changes, "change")))
        .and_all(commit.map(|commit| format!("commit {commit}: {mutation}")))
        .and_all(result_revision.map(|revision| format!("shown by revision {revision}")))
        .took(*took_ms)
}

fn refresh(report: &RefreshReport) -> Words {
    let RefreshReport { from, to, changed, took_ms } = report;
    Words::said(format!(
        "Assets: {} added, {} changed, {} removed",
        changed.added, changed.changed, changed.removed
    ))
    .and_if(changed.configuration, "the project's configuration changed")
    .and(format!("revision {from} before, {to} after"))
    .took(*took_ms)
}

fn recover(report: &RecoverReport) -> Words {
    let RecoverReport { operation_id, result, took_ms } = report;
    let message = match result {
        RecoveryResult::Dropped => "It was dropped, with what it had staged",
        RecoveryResult::Finished => "It had reached its commit point; the remaining steps were carried out",
        RecoveryResult::Closed => "Its change was complete; only its end was to be told",
        RecoveryResult::Frozen => {
            "Somebody edited what it touched; nothing was changed, and the lane is frozen"
        }
        RecoveryResult::KeptTheirs => "It was given up; the workspace is as people left it",
        RecoveryResult::FinishedOurs => "It was completed; what people edited went to history",
    };
    Words::said(message).and(format!("about operation {operation_id}")).took(*took_ms)
}

fn rejection(reason: &Rejection) -> Words {
    match reason {
        Rejection::WorkspaceErrors { errors } => {
            Words::said(format!("The workspace cannot be built: it has {}", counted(*errors, "error")))
        }
        Rejection::InputsChanged { paths, registry, configuration, more } => Words::said(
            "The workspace changed while it was built",
        )
        .and_all(moved(paths, *more, *registry, *configuration)),
        Rejection::Blocked { blockers, more } => Words::said("The plan is blocked")
            .and_all(blockers.iter().map(|blocker| format!("{}: {}", blocker.code, blocker.message)))
            .and_all(left_out(*more)),
        Rejection::StalePlan { changed, registry, configuration, more } => Words::said(
            "The plan would do something else now than what was previewed",
        )
        .and_all(moved(changed, *more, *registry, *configuration)),
        Rejection::PlanAltered {} => Words::said("The plan is not as it was made"),
        Rejection::UnrelatedLineage { project, plan } => Words::said("The plan was made for another project")
            .and(format!("this project is {project}"))
            .and(format!("the plan is for {plan}")),
        Rejection::LaneFrozen { operation_id } => {
            Words::said("An operation stopped amid its commit, and must be recovered first")
                .and(format!("operation {operation_id}"))
        }
        Rejection::LockHeld { lock, holder } => {
            let words = Words::said(format!("Another process holds the {}", labels::lock(*lock)));
            words.and_all(holder.as_ref().map(|holder| {
                format!("{} by process {} on {} since {}", holder.kind, holder.pid, holder.host, holder.since)
            }))
        }
        Rejection::LockUnsupported { lock } => {
            Words::said(format!("The filesystem cannot lock the {}", labels::lock(*lock)))
        }
        Rejection::BaseRevisionGone { asked, current } => {
            Words::said(format!("Revision {asked} was asked for, and {current} is the current one"))
        }
        Rejection::NothingToRecover {} => Words::said("There is nothing to recover"),
    }
}

/// What an end does not list.
fn left_out(more: u64) -> Option<String> {
    (more > 0).then(|| format!("and {more} more"))
}

/// What moved, one line each.
fn moved(paths: &[AssetPath], more: u64, registry: bool, configuration: bool) -> Vec<String> {
    let mut lines: Vec<String> = paths.iter().map(ToString::to_string).chain(left_out(more)).collect();
    if registry {
        lines.push("the registry".to_owned());
    }
    if configuration {
        lines.push("the project's configuration".to_owned());
    }
    lines
}

fn failure(cause: &Failure) -> Words {
    match cause {
        Failure::BakesFailed { failed } => {
            Words::said(format!("{} could not be baked", counted(*failed, "asset")))
        }
        Failure::ProveMismatch { built, proved } => {
            Words::said("A second build from nothing gave another pack")
                .and(format!("the build gave {built}"))
                .and(format!("the second gave {proved}"))
        }
        Failure::Io { message, path } => Words::said(message).and_all(path.clone()),
        Failure::Damaged { message, path } => Words::said(message).and(path),
        Failure::Panic { message } => Words::said("The packer has a bug").and(message),
    }
}

fn cancellation(report: &CancellationReport) -> Words {
    match report.phase {
        Some(phase) => Words::said(format!("Called off while {}; nothing was changed", labels::phase(phase))),
        None => Words::said("Called off before it started; nothing was changed"),
    }
}

fn unknown_outcome(report: &UnknownOutcomeReport) -> Words {
    let UnknownOutcomeReport { kind: _, cause, message, path } = report;
    let words = match cause {
        UnknownOutcomeCause::Io => "A write failed after the commit point",
        UnknownOutcomeCause::EditedMeanwhile => "Somebody edited what it touched, amid its commit",
        UnknownOutcomeCause::JournalDamaged => "Its record in the journal cannot be read",
    };
    Words::said(format!("{words}; whether the change is on disk is not known"))
        .and(message)
        .and_all(path.clone())
}

#[cfg(test)]
mod tests;
