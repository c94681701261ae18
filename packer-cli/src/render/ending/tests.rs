//! Every ending with every report in it: its text for people, and its exit code. The table in `docs/cli.md` is checked
//! against the same list.

use packer_events::body::Phase;
use packer_events::report::{AbortReport, CancellationReport, FailureReport, RejectionReport, WatchReport};
use packer_runtime::api::{Digest, LineageId, Revision};

use super::*;
use crate::exit::Exit;
use crate::render::testing::{DRAW, asset_path, diagnostic_record, operation_id, time};

const KIND: OperationKind = OperationKind::Build;

fn build_report() -> BuildReport {
    BuildReport {
        assets: 941,
        baked: 12,
        reused: 929,
        failed: 0,
        bytes: 23_800_000,
        pack_digest: Digest::of(b"pack"),
        unchanged: false,
        took_ms: 310,
        incomplete: false,
        proved: false,
    }
}

fn mutation_report() -> MutationReport {
    MutationReport {
        mutation: OperationKind::Adopt,
        commit: Some(4),
        assets_added: 2,
        assets_changed: 1,
        assets_removed: 0,
        files_created: 2,
        files_changed: 1,
        files_moved: 0,
        files_removed: 0,
        registry_changes: 3,
        result_revision: Some(Revision(2)),
        unchanged: false,
        took_ms: 42,
    }
}

fn refresh(to: u64) -> OutcomeReport {
    let changed = Changes { added: 1, changed: 2, removed: 0, configuration: to != 3 };
    OutcomeReport::Refresh(RefreshReport { from: Revision(3), to: Revision(to), changed, took_ms: 1234 })
}

fn recover(result: RecoveryResult) -> OutcomeReport {
    OutcomeReport::Recover(RecoverReport { operation_id: operation_id(), result, took_ms: 3 })
}

/// Every ending, the words of `docs/cli.md` for it, and its exit code.
pub(crate) fn endings() -> Vec<(&'static str, Ending, Exit)> {
    let rejected = |reason| Ending::Rejected(RejectionReport { kind: KIND, reason });
    let failed = |cause| Ending::Failed(FailureReport { kind: KIND, cause });
    let unknown = |cause| {
        let path = Some("assets/ui".to_owned());
        let message = "no space left".to_owned();
        Ending::OutcomeUnknown(UnknownOutcomeReport { kind: Some(KIND), cause, message, path })
    };
    let io =
        |path: Option<&str>| Failure::Io { message: "disk full".to_owned(), path: path.map(str::to_owned) };
    let holder = Holder {
        pid: 4711,
        host: "quay".to_owned(),
        operation_id: operation_id(),
        kind: OperationKind::Adopt,
        since: time(),
    };
    let changed = || vec![asset_path("ui/a.png")];
    let (built, proved) = (Digest::of(b"one"), Digest::of(b"two"));
    let (project, plan) =
        (LineageId::drawn(DRAW), LineageId::drawn(packer_runtime::api::UuidDraw { unix_ms: 1, ..DRAW }));
    let succeeded = "succeeded";
    vec![
        (succeeded, Ending::Succeeded(OutcomeReport::Build(build_report())), Exit::Done),
        (
            succeeded,
            Ending::Succeeded(OutcomeReport::Build(BuildReport {
                unchanged: true,
                proved: true,
                ..build_report()
            })),
            Exit::Done,
        ),
        (
            "succeeded, incomplete",
            Ending::Succeeded(OutcomeReport::Build(BuildReport {
                failed: 3,
                incomplete: true,
                ..build_report()
            })),
            Exit::Failed,
        ),
        (succeeded, Ending::Succeeded(OutcomeReport::Mutation(mutation_report())), Exit::Done),
        (
            succeeded,
            Ending::Succeeded(OutcomeReport::Mutation(MutationReport {
                unchanged: true,
                commit: None,
                ..mutation_report()
            })),
            Exit::Done,
        ),
        (succeeded, Ending::Succeeded(refresh(3)), Exit::Done),
        (succeeded, Ending::Succeeded(refresh(4)), Exit::Done),
        (succeeded, Ending::Succeeded(recover(RecoveryResult::Dropped)), Exit::Done),
        (succeeded, Ending::Succeeded(recover(RecoveryResult::Finished)), Exit::Done),
        (succeeded, Ending::Succeeded(recover(RecoveryResult::Closed)), Exit::Done),
        (succeeded, Ending::Succeeded(recover(RecoveryResult::Frozen)), Exit::Done),
        (succeeded, Ending::Succeeded(recover(RecoveryResult::KeptTheirs)), Exit::Done),
        (succeeded, Ending::Succeeded(recover(RecoveryResult::FinishedOurs)), Exit::Done),
        (
            succeeded,
            Ending::Succeeded(OutcomeReport::Watch(WatchReport { transitions: 1, took_ms: 61_000 })),
            Exit::Done,
        ),
        (
            "recovered",
            Ending::Recovered { outcome: OutcomeReport::Mutation(mutation_report()), by: operation_id() },
            Exit::Done,
        ),
        ("rejected workspace_errors", rejected(Rejection::WorkspaceErrors { errors: 2 }), Exit::Failed),
        (
            "rejected inputs_changed",
            rejected(Rejection::InputsChanged {
                paths: changed(),
                registry: true,
                configuration: false,
                more: 0,
            }),
            Exit::Refused,
        ),
        (
            "rejected blocked",
            rejected(Rejection::Blocked {
                blockers: vec![diagnostic_record("plan/target-missing", "there is no ui")],
                more: 50_000,
            }),
            Exit::Refused,
        ),
        (
            "rejected stale_plan",
            rejected(Rejection::StalePlan {
                changed: changed(),
                registry: false,
                configuration: true,
                more: 3,
            }),
            Exit::Refused,
        ),
        ("rejected plan_altered", rejected(Rejection::PlanAltered {}), Exit::Refused),
        (
            "rejected unrelated_lineage",
            rejected(Rejection::UnrelatedLineage { project, plan }),
            Exit::Refused,
        ),
        (
            "rejected base_revision_gone",
            rejected(Rejection::BaseRevisionGone { asked: Revision(2), current: Revision(3) }),
            Exit::Refused,
        ),
        ("rejected nothing_to_recover", rejected(Rejection::NothingToRecover {}), Exit::Refused),
        (
            "rejected lock_held",
            rejected(Rejection::LockHeld { lock: Lock::Lane, holder: Some(holder) }),
            Exit::LaneUnavailable,
        ),
        (
            "rejected lock_held",
            rejected(Rejection::LockHeld { lock: Lock::Build, holder: None }),
            Exit::LaneUnavailable,
        ),
        (
            "rejected lock_unsupported",
            rejected(Rejection::LockUnsupported { lock: Lock::Lane }),
            Exit::LaneUnavailable,
        ),
        (
            "rejected lane_frozen",
            rejected(Rejection::LaneFrozen { operation_id: operation_id() }),
            Exit::RecoveryRequired,
        ),
        ("failed bakes_failed", failed(Failure::BakesFailed { failed: 1 }), Exit::Failed),
        ("failed prove_mismatch", failed(Failure::ProveMismatch { built, proved }), Exit::Failed),
        ("failed io", failed(io(Some("build/assets.pack"))), Exit::Failed),
        ("failed io", failed(io(None)), Exit::Failed),
        (
            "failed damaged",
            failed(Failure::Damaged {
                message: "a line is torn".to_owned(),
                path: "registry.jsonl".to_owned(),
            }),
            Exit::Failed,
        ),
        ("failed panic", failed(Failure::Panic { message: "index out of bounds".to_owned() }), Exit::Bug),
        (
            "cancelled",
            Ending::Cancelled(CancellationReport { kind: KIND, phase: Some(Phase::Bake) }),
            Exit::Cancelled,
        ),
        ("cancelled", Ending::Cancelled(CancellationReport { kind: KIND, phase: None }), Exit::Cancelled),
        ("aborted", Ending::Aborted(AbortReport { kind: None, by: operation_id() }), Exit::Failed),
        ("outcome_unknown", unknown(UnknownOutcomeCause::Io), Exit::RecoveryRequired),
        ("outcome_unknown", unknown(UnknownOutcomeCause::EditedMeanwhile), Exit::RecoveryRequired),
        ("outcome_unknown", unknown(UnknownOutcomeCause::JournalDamaged), Exit::RecoveryRequired),
    ]
}

#[test]
fn every_ending_has_its_exit_code() {
    for (words, ending, expected) in endings() {
        assert_eq!(Exit::of_ending(&ending), expected, "{words}: {ending:?}");
    }
}

#[test]
fn the_page_about_the_command_line_has_the_same_table() {
    let page = include_str!("../../../../docs/cli.md");
    for (words, _, exit) in endings() {
        let row = format!("| `{words}` | {} |", exit.code());
        assert!(page.contains(&row), "docs/cli.md lacks the row {row}");
    }
    for exit in Exit::ALL {
        assert!(page.contains(&format!("| {} |", exit.code())), "docs/cli.md lacks the code {}", exit.code());
    }
}

#[test]
fn every_ending_has_its_words() {
    let texts: Vec<String> = endings().iter().map(|(_, e, _)| ending(e, Paint::PLAIN)).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn every_kind_of_change_is_told_with_what_takes_it_back() {
    let id = operation_id();
    let next = |ending: &Ending| next_step(ending, id, &ProjectFlag::default(), Paint::PLAIN);
    let mut text = String::new();
    let others = [OperationKind::Build, OperationKind::Refresh, OperationKind::Recover, OperationKind::Watch];
    for kind in OperationKind::ALL.iter().filter(|kind| !others.contains(kind)) {
        let report =
            MutationReport { mutation: *kind, files_moved: 2, files_removed: 1, ..mutation_report() };
        let done = Ending::Succeeded(OutcomeReport::Mutation(report));
        text.push_str(&ending(&done, Paint::PLAIN));
        text.push_str(&next(&done));
    }
    insta::assert_snapshot!(text);
    let nothing = MutationReport { unchanged: true, ..mutation_report() };
    assert_eq!(
        next(&Ending::Succeeded(OutcomeReport::Mutation(nothing))),
        "",
        "there is nothing to take back"
    );
    for (_, other, _) in endings() {
        let is_change =
            matches!(&other, Ending::Succeeded(OutcomeReport::Mutation(report)) if !report.unchanged);
        assert_eq!(next(&other).is_empty(), !is_change, "{other:?}");
    }
    let flag = ProjectFlag::new(Some("../my game".into()));
    let done = Ending::Succeeded(OutcomeReport::Mutation(mutation_report()));
    let expected = "  = help: `packer undo 07070707 --project '../my game'` takes it back\n";
    assert_eq!(next_step(&done, id, &flag, Paint::PLAIN), expected);
}

#[test]
fn the_figures_are_the_reports() {
    // They disagree with each other on purpose: nothing is computed from them.
    let report =
        BuildReport { assets: 1, baked: 20, reused: 300, failed: 4000, bytes: 50_000, ..build_report() };
    let shown = ending(&Ending::Succeeded(OutcomeReport::Build(report)), Paint::PLAIN);
    for figure in ["built: 1 asset\n", " 20\n", " 300\n", " 4,000\n", " 50,000 (48.8 KiB)\n"] {
        assert!(shown.contains(figure), "{figure} is not in {shown}");
    }
}
