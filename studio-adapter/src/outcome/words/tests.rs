//! The words for every ending and every reason, pinned.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use packer_events::body::{Holder, Lock, Phase};
use packer_events::record::{Changes, DiagnosticRecord};
use packer_events::report::{AbortReport, FailureReport, RejectionReport};
use packer_events::time::Timestamp;
use packer_runtime::api::{
    Diagnostic, DiagnosticCode, Digest, LineageId, OperationId, Revision, Subject, UuidDraw,
};

use super::*;
use crate::outcome::EndingView;

fn draw(n: u8) -> UuidDraw {
    UuidDraw { unix_ms: 1_795_338_000_000, entropy: [n; 16] }
}

fn operation() -> OperationId {
    OperationId::drawn(draw(2))
}

fn paths() -> Vec<AssetPath> {
    ["ui/a.png", "ui/b.png"].map(|path| AssetPath::parse(path).unwrap()).to_vec()
}

fn built() -> BuildReport {
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

fn mutated() -> MutationReport {
    MutationReport {
        mutation: OperationKind::Adopt,
        commit: Some(5),
        assets_added: 1,
        assets_changed: 2,
        assets_removed: 3,
        files_created: 4,
        files_changed: 5,
        files_moved: 6,
        files_removed: 7,
        registry_changes: 8,
        result_revision: Some(Revision(9)),
        unchanged: false,
        took_ms: 10,
    }
}

fn successes() -> Vec<OutcomeReport> {
    let unchanged = MutationReport { commit: None, result_revision: None, unchanged: true, ..mutated() };
    let changed = Changes { added: 1, changed: 2, removed: 3, configuration: true };
    let mut all = vec![
        OutcomeReport::Build(built()),
        OutcomeReport::Build(BuildReport { unchanged: true, proved: true, ..built() }),
        OutcomeReport::Build(BuildReport { failed: 2, incomplete: true, ..built() }),
        OutcomeReport::Mutation(mutated()),
        OutcomeReport::Mutation(unchanged),
        OutcomeReport::Refresh(RefreshReport { from: Revision(1), to: Revision(2), changed, took_ms: 3 }),
        OutcomeReport::Watch(WatchReport { transitions: 4, took_ms: 5 }),
    ];
    let results = every![RecoveryResult: Dropped, Finished, Closed, Frozen, KeptTheirs, FinishedOurs];
    all.extend(results.map(|result| {
        OutcomeReport::Recover(RecoverReport { operation_id: operation(), result, took_ms: 6 })
    }));
    all
}

fn rejections() -> Vec<Rejection> {
    let blocker = Diagnostic::new(DiagnosticCode::NameConflict, Subject::Project, "`ui/a` is taken");
    let holder = Holder {
        pid: 4711,
        host: "harbour".to_owned(),
        operation_id: operation(),
        kind: OperationKind::Build,
        since: Timestamp::from_unix_ms(1_795_338_000_123),
    };
    vec![
        Rejection::WorkspaceErrors { errors: 3 },
        Rejection::InputsChanged { paths: paths(), registry: true, configuration: true, more: 2 },
        Rejection::Blocked { blockers: vec![DiagnosticRecord::from(&blocker)], more: 1 },
        Rejection::StalePlan { changed: paths(), registry: false, configuration: false, more: 0 },
        Rejection::PlanAltered {},
        Rejection::UnrelatedLineage { project: LineageId::drawn(draw(3)), plan: LineageId::drawn(draw(4)) },
        Rejection::LaneFrozen { operation_id: operation() },
        Rejection::LockHeld { lock: Lock::Lane, holder: Some(holder) },
        Rejection::LockHeld { lock: Lock::Build, holder: None },
        Rejection::LockUnsupported { lock: Lock::Build },
        Rejection::BaseRevisionGone { asked: Revision(3), current: Revision(4) },
        Rejection::NothingToRecover {},
    ]
}

fn failures() -> Vec<Failure> {
    vec![
        Failure::BakesFailed { failed: 2 },
        Failure::ProveMismatch { built: Digest::of(b"one"), proved: Digest::of(b"two") },
        Failure::Io { message: "no space left".to_owned(), path: Some("build/assets.pack".to_owned()) },
        Failure::Io { message: "a thread could not be started".to_owned(), path: None },
        Failure::Damaged { message: "not a journal".to_owned(), path: ".packer/journal".to_owned() },
        Failure::Panic { message: "index out of bounds".to_owned() },
    ]
}

/// Every ending, with everything that has words of its own in it.
fn endings() -> Vec<(OperationKind, Ending)> {
    let kind = OperationKind::Build;
    let mut all: Vec<(OperationKind, Ending)> = Vec::new();
    all.extend(successes().into_iter().map(|report| {
        let kind = match &report {
            OutcomeReport::Build(_) => OperationKind::Build,
            OutcomeReport::Mutation(report) => report.mutation,
            OutcomeReport::Refresh(_) => OperationKind::Refresh,
            OutcomeReport::Recover(_) => OperationKind::Recover,
            OutcomeReport::Watch(_) => OperationKind::Watch,
        };
        (kind, Ending::Succeeded(report))
    }));
    all.extend(
        rejections().into_iter().map(|reason| (kind, Ending::Rejected(RejectionReport { kind, reason }))),
    );
    all.extend(failures().into_iter().map(|cause| (kind, Ending::Failed(FailureReport { kind, cause }))));
    let phases = [None].into_iter().chain(Phase::ALL.iter().copied().map(Some));
    all.extend(phases.map(|phase| (kind, Ending::Cancelled(CancellationReport { kind, phase }))));
    all.push((kind, Ending::Aborted(AbortReport { kind: Some(kind), by: operation() })));
    let outcome = OutcomeReport::Mutation(mutated());
    all.push((OperationKind::Adopt, Ending::Recovered { outcome, by: operation() }));
    let causes = every![UnknownOutcomeCause: Io, EditedMeanwhile, JournalDamaged];
    all.extend(causes.map(|cause| {
        let message = "what the packer says of it".to_owned();
        let path = Some("assets/ui/a.png.asset.toml".to_owned());
        (kind, Ending::OutcomeUnknown(UnknownOutcomeReport { kind: Some(kind), cause, message, path }))
    }));
    all
}

#[test]
fn the_words_of_every_ending_are_pinned() {
    let mut text = String::new();
    for (kind, ending) in endings() {
        let Words { title, message, details, took_ms } = Words::of(kind, &ending);
        let took = took_ms.map(|ms| format!(" ({ms} ms)")).unwrap_or_default();
        writeln!(text, "{title}{took}\n    {message}").unwrap();
        for detail in details {
            writeln!(text, "    - {detail}").unwrap();
        }
    }
    insta::assert_snapshot!("endings", text);
}

#[test]
fn every_ending_has_a_title_of_its_own() {
    let kind = OperationKind::Build;
    let mut titles: BTreeSet<String> = BTreeSet::new();
    let mut seen: Vec<EndingView> = Vec::new();
    for (_, ending) in endings() {
        titles.insert(Words::of(kind, &ending).title);
        let view = EndingView::of(&ending);
        if !seen.contains(&view) {
            seen.push(view);
        }
    }
    let every = every![
        EndingView: Succeeded,
        Rejected,
        Failed,
        Cancelled,
        Aborted,
        Recovered,
        OutcomeUnknown,
    ];
    assert_eq!(seen, every);
    assert_eq!(titles.len(), seen.len(), "two endings have one title: {titles:?}");
    assert_eq!(titles.iter().filter(|title| title.contains("succeeded")).count(), 1);
}

#[test]
fn every_kind_of_operation_has_a_noun_of_its_own() {
    let nouns: BTreeSet<&str> = OperationKind::ALL.iter().map(|kind| labels::kind(*kind)).collect();
    assert_eq!(nouns.len(), OperationKind::ALL.len());
    insta::assert_snapshot!("nouns", nouns.into_iter().collect::<Vec<_>>().join(", "));
}
