//! What this crate's tests share: fixed ids, one sample of everything that can be said, and generated stories.
//!
//! Stories are numbered by the real sequencer; that the samples are complete is tested in `wire`.

use packer_domain::identity::{AssetId, Digest, OperationId, Revision, SourceId, UuidDraw};
use packer_domain::path::AssetPath;
use proptest::prelude::*;

use crate::body::{Behind, EventBody, Holder, Lock, OperationKind, Phase, Unit};
use crate::event::Event;
use crate::record::{
    Changes, DiagnosticRecord, DivergenceRecord, FreshnessCause, FreshnessRecord, RelatedRecord,
    SeverityRecord, SpanRecord, SubjectRecord, UnknownCause,
};
use crate::report::{
    AbortReport, BuildReport, CancellationReport, Failure, FailureReport, MutationReport, OutcomeReport,
    RecoverReport, RecoveryResult, RefreshReport, Rejection, RejectionReport, UnknownOutcomeCause,
    UnknownOutcomeReport, WatchReport,
};
use crate::sequence::{Draft, SourceSequencer};
use crate::time::Timestamp;

fn draw(n: u8) -> UuidDraw {
    UuidDraw { unix_ms: 1_795_338_000_000 + u64::from(n), entropy: [n; 16] }
}

pub(crate) fn operation(n: u8) -> OperationId {
    OperationId::drawn(draw(n))
}

pub(crate) fn source(n: u8) -> SourceId {
    SourceId::drawn(draw(n))
}

pub(crate) fn time(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_795_338_000_123 + ms)
}

pub(crate) fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).unwrap()
}

pub(crate) fn draft(operation_id: OperationId, body: EventBody) -> Draft {
    Draft {
        operation_id,
        causation_id: None,
        time: time(0),
        base_revision: Some(Revision(3)),
        result_revision: Some(Revision(3)),
        body,
    }
}

pub(crate) fn accepted() -> EventBody {
    EventBody::Accepted { kind: OperationKind::Build, title: "build harbour".to_owned() }
}

pub(crate) fn progress(phase: Phase, done: u64) -> EventBody {
    let (total, bytes, subject) = (None, None, None);
    EventBody::Progress { phase, done, total, unit: Unit::Assets, bytes, elapsed_ms: 5, subject }
}

pub(crate) fn build() -> BuildReport {
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

pub(crate) fn succeeded() -> EventBody {
    EventBody::Succeeded { outcome: OutcomeReport::Build(build()) }
}

pub(crate) fn diagnostic() -> DiagnosticRecord {
    let span = SpanRecord { start: 7, end: 8, line: 1, column: 8, excerpt: "uuid = 1".to_owned() };
    DiagnosticRecord {
        code: "anchor/invalid-value".to_owned(),
        severity: SeverityRecord::Error,
        subject: SubjectRecord::Path(path("ui/a.png.asset.toml")),
        message: "`uuid` is a number".to_owned(),
        file: Some("assets/ui/a.png.asset.toml".to_owned()),
        span: Some(span),
        help: None,
        related: vec![RelatedRecord {
            message: "the file it claims".to_owned(),
            file: "assets/ui/a.png".to_owned(),
            span: None,
        }],
    }
}

pub(crate) fn holder() -> Holder {
    let (operation_id, kind) = (operation(9), OperationKind::Adopt);
    Holder { pid: 4711, host: "quay".to_owned(), operation_id, kind, since: time(0) }
}

/// Bodies of every type that does not end an operation.
pub(crate) fn bodies() -> Vec<EventBody> {
    let divergence = DivergenceRecord {
        code: "anchor/moved".to_owned(),
        assets: vec!["0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10".parse().unwrap()],
        paths: vec![path("ui/a.png.asset.toml"), path("ui/b.png.asset.toml")],
        ids: vec![AssetId::new(77_120_933).unwrap()],
        message: "registered at ui/a.png.asset.toml, found at ui/b.png.asset.toml".to_owned(),
        resolutions: vec!["accept-move".to_owned()],
    };
    let freshness = [
        FreshnessRecord::Verified { at: time(0), watched: true },
        FreshnessRecord::Dirty { paths: 2, registry: false, configuration: false },
        FreshnessRecord::Dirty { paths: 0, registry: true, configuration: true },
        FreshnessRecord::Unknown { cause: UnknownCause::Overflow },
        FreshnessRecord::RecoveryRequired { operation_id: operation(9) },
    ];
    let causes = [
        FreshnessCause::PathsChanged,
        FreshnessCause::LookedAt,
        FreshnessCause::Overflow,
        FreshnessCause::Frozen,
    ];
    let mut bodies = vec![
        accepted(),
        EventBody::Queued { behind: Behind { lock: Lock::Lane, operations: 2, holder: None } },
        EventBody::Queued { behind: Behind { lock: Lock::Build, operations: 0, holder: Some(holder()) } },
        EventBody::Started {},
        progress(Phase::Bake, 12),
        EventBody::Progress {
            phase: Phase::Hash,
            done: 4096,
            total: Some(8192),
            unit: Unit::Bytes,
            bytes: Some(65_536),
            elapsed_ms: 250,
            subject: Some("ui/a.png".to_owned()),
        },
        EventBody::Diagnostic(diagnostic()),
        EventBody::Divergence { added: vec![divergence], cleared: vec![] },
        EventBody::Committed { commit: 8, registry_digest: Digest::of(b"registry") },
        EventBody::Published {
            from: Revision(3),
            to: Revision(4),
            changed: Changes { added: 1, changed: 2, removed: 3, configuration: false },
        },
    ];
    bodies.extend(freshness.windows(2).zip(causes).map(|(pair, cause)| EventBody::Freshness {
        from: pair[0].clone(),
        to: pair[1].clone(),
        cause,
        paths: vec![path("ui/a.png")],
    }));
    bodies
}

pub(crate) fn outcomes() -> Vec<OutcomeReport> {
    let mutation = MutationReport {
        mutation: OperationKind::Adopt,
        commit: Some(8),
        assets_added: 12,
        assets_changed: 0,
        assets_removed: 0,
        files_created: 12,
        files_changed: 0,
        files_moved: 0,
        files_removed: 0,
        registry_changes: 12,
        result_revision: Some(Revision(4)),
        unchanged: false,
        took_ms: 41,
    };
    vec![
        OutcomeReport::Build(build()),
        OutcomeReport::Build(BuildReport { failed: 1, incomplete: true, proved: true, ..build() }),
        OutcomeReport::Mutation(mutation.clone()),
        OutcomeReport::Mutation(MutationReport {
            commit: None,
            result_revision: None,
            unchanged: true,
            ..mutation
        }),
        OutcomeReport::Refresh(RefreshReport {
            from: Revision(3),
            to: Revision(4),
            changed: Changes { configuration: true, ..Changes::default() },
            took_ms: 9,
        }),
        OutcomeReport::Recover(RecoverReport {
            operation_id: operation(9),
            result: RecoveryResult::Finished,
            took_ms: 5,
        }),
        OutcomeReport::Watch(WatchReport { transitions: 17, took_ms: 3_600_000 }),
    ]
}

pub(crate) fn rejections() -> Vec<Rejection> {
    vec![
        Rejection::WorkspaceErrors { errors: 3 },
        Rejection::InputsChanged {
            paths: vec![path("ui/a.png")],
            registry: true,
            configuration: false,
            more: 0,
        },
        Rejection::Blocked { blockers: vec![diagnostic()], more: 0 },
        Rejection::Blocked { blockers: vec![diagnostic()], more: 41 },
        Rejection::StalePlan {
            changed: vec![path("ui/a.png")],
            registry: false,
            configuration: true,
            more: 2,
        },
        Rejection::PlanAltered {},
        Rejection::UnrelatedLineage {
            project: "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10".parse().unwrap(),
            plan: "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a11".parse().unwrap(),
        },
        Rejection::LaneFrozen { operation_id: operation(9) },
        Rejection::LockHeld { lock: Lock::Lane, holder: Some(holder()) },
        Rejection::LockHeld { lock: Lock::Build, holder: None },
        Rejection::LockUnsupported { lock: Lock::Lane },
        Rejection::BaseRevisionGone { asked: Revision(2), current: Revision(3) },
        Rejection::NothingToRecover {},
    ]
}

pub(crate) fn failures() -> Vec<Failure> {
    vec![
        Failure::BakesFailed { failed: 2 },
        Failure::ProveMismatch { built: Digest::of(b"one"), proved: Digest::of(b"two") },
        Failure::Io { message: "no space left".to_owned(), path: Some("build/assets.pack".to_owned()) },
        Failure::Io { message: "the thread pool does not start".to_owned(), path: None },
        Failure::Damaged { message: "a line is torn".to_owned(), path: "registry.jsonl".to_owned() },
        Failure::Panic { message: "index out of bounds".to_owned() },
    ]
}

/// Every ending with every report in it.
pub(crate) fn endings() -> Vec<EventBody> {
    let kind = OperationKind::Build;
    let mut endings: Vec<EventBody> =
        outcomes().into_iter().map(|outcome| EventBody::Succeeded { outcome }).collect();
    let rejected = |reason| EventBody::Rejected { outcome: RejectionReport { kind, reason } };
    let failed = |cause| EventBody::Failed { outcome: FailureReport { kind, cause } };
    let cancelled = |phase| EventBody::Cancelled { outcome: CancellationReport { kind, phase } };
    let aborted = |kind| EventBody::Aborted { outcome: AbortReport { kind, by: operation(8) } };
    endings.extend(rejections().into_iter().map(rejected));
    endings.extend(failures().into_iter().map(failed));
    endings.extend([None, Some(Phase::Bake)].map(cancelled));
    endings.extend([None, Some(kind)].map(aborted));
    endings.push(EventBody::Recovered { outcome: outcomes().swap_remove(2), by: operation(8) });
    endings.extend(
        [UnknownOutcomeCause::Io, UnknownOutcomeCause::EditedMeanwhile, UnknownOutcomeCause::JournalDamaged]
            .map(|cause| EventBody::OutcomeUnknown {
                outcome: UnknownOutcomeReport {
                    kind: Some(kind),
                    cause,
                    message: "the sync failed".to_owned(),
                    path: Some("assets/ui".to_owned()),
                },
            }),
    );
    endings
}

/// Events of up to four interleaved operations of the source `n`, as its log would hold them. Some do not end.
pub(crate) fn story(n: u8) -> impl Strategy<Value = Vec<Event>> {
    proptest::collection::vec((0_u8..4, 0_u64..12), 0..80).prop_map(move |steps| {
        let mut sequencer = SourceSequencer::new(source(n));
        let mut events: Vec<Event> = Vec::new();
        for (index, (operation_index, step)) in steps.into_iter().enumerate() {
            let id = operation(n * 4 + operation_index);
            let body = match (sequencer.last(id), step) {
                (None, _) => accepted(),
                (_, 0..=3) => progress(Phase::Bake, index as u64),
                (_, 4..=6) => progress(Phase::Write, index as u64),
                (_, 7) => bodies().swap_remove(1),
                (_, 8) => EventBody::Started {},
                (_, 9..=10) => EventBody::Diagnostic(diagnostic()),
                _ => endings().swap_remove(index % endings().len()),
            };
            let draft = Draft { time: time(index as u64), ..draft(id, body) };
            // An operation that ended says no more.
            events.extend(sequencer.number(draft));
        }
        events
    })
}
