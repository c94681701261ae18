//! Events as one line each, for people: of the log, and of what happened on the way.

use std::collections::BTreeMap;

use packer_events::body::{Behind, EventBody};
use packer_events::event::Event;
use packer_events::record::{DivergenceRecord, FreshnessRecord, SeverityRecord};
use packer_events::replay::PhaseProgress;
use packer_events::report::RecoverReport;

use super::ending::{changes, headline, waits_for};
use super::progress::progressed;
use super::{count, short_id, things};
use crate::ui::{Paint, plain};

/// An event of a log: when, which operation, what.
pub(crate) fn recorded(event: &Event, paint: Paint) -> String {
    let id = short_id(event.operation_id);
    let said = match PhaseProgress::of(event) {
        Some((phase, progress)) => progressed(phase, &progress),
        None => said(&event.body, paint),
    };
    format!("{} {} {said}\n", paint.dim(&event.time.to_string()), paint.dim(&id))
}

/// What a recovery did, in one line.
pub(crate) fn recovery(report: &RecoverReport, paint: Paint) -> String {
    super::ending::recovery(report, paint)
}

/// That an operation waits, and for whom, in one line.
pub(crate) fn waiting(behind: &Behind) -> String {
    format!("waiting: {}", waits_for(behind))
}

/// What an event says.
fn said(body: &EventBody, paint: Paint) -> String {
    match body {
        EventBody::Accepted { kind, title } => format!("{}: {}", paint.strong(kind.as_str()), plain(title)),
        EventBody::Queued { behind } => format!("waits: {}", waits_for(behind)),
        EventBody::Started {} => "started".to_owned(),
        EventBody::Diagnostic(record) => {
            let word = match record.severity {
                SeverityRecord::Error => paint.error("error"),
                SeverityRecord::Warning => paint.warning("warning"),
                SeverityRecord::Info => "info".to_owned(),
            };
            let file = record.file.as_ref().map_or_else(String::new, |file| format!(" ({})", plain(file)));
            format!("{word}[{}]: {}{file}", plain(&record.code), plain(&record.message).replace('\n', " "))
        }
        EventBody::Divergence { added, cleared } => {
            let parts: Vec<String> = [("appeared", added), ("gone", cleared)]
                .into_iter()
                .filter_map(|(word, list)| counted(word, list))
                .collect();
            format!("divergences: {}", parts.join("; "))
        }
        EventBody::Freshness { from, to, cause: _, paths } => {
            let line = format!("freshness: {} to {}", freshness(from), freshness(to));
            match paths.len() as u64 {
                0 => line,
                number => format!("{line}, {}", things(number, "path", "paths")),
            }
        }
        EventBody::Committed { commit, registry_digest } => {
            format!("committed: commit {commit}, registry {}", registry_digest.short())
        }
        EventBody::Published { from, to, changed } => {
            format!("published: revision {from} to {to}, {}", changes(changed))
        }
        EventBody::Progress { .. }
        | EventBody::Succeeded { .. }
        | EventBody::Rejected { .. }
        | EventBody::Failed { .. }
        | EventBody::Cancelled { .. }
        | EventBody::Aborted { .. }
        | EventBody::Recovered { .. }
        | EventBody::OutcomeUnknown { .. } => {
            body.ending().map_or_else(|| body.type_name().to_owned(), |ending| headline(&ending, paint))
        }
    }
}

fn counted(word: &str, list: &[DivergenceRecord]) -> Option<String> {
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    for divergence in list {
        *codes.entry(&divergence.code).or_default() += 1;
    }
    let parts: Vec<String> = codes.iter().map(|(code, n)| format!("{} {}", count(*n), plain(code))).collect();
    (!parts.is_empty()).then(|| format!("{word} {}", parts.join(", ")))
}

fn freshness(freshness: &FreshnessRecord) -> &'static str {
    match freshness {
        FreshnessRecord::Verified { .. } => "verified",
        FreshnessRecord::Dirty { .. } => "dirty",
        FreshnessRecord::Unknown { .. } => "unknown",
        FreshnessRecord::RecoveryRequired { .. } => "recovery required",
    }
}

#[cfg(test)]
mod tests {
    use packer_events::body::{Lock, OperationKind, Phase, Unit};
    use packer_events::event::Schema;
    use packer_events::record::{Changes, FreshnessCause, UnknownCause};
    use packer_events::report::{Failure, FailureReport};
    use packer_runtime::api::{Digest, Revision};

    use super::*;
    use crate::render::testing::{asset_path, diagnostic_record, operation_id, source_id, time};

    fn event(body: EventBody) -> Event {
        Event {
            schema: Schema,
            source: source_id(),
            position: 1,
            operation_id: operation_id(),
            sequence: 1,
            lifecycle_sequence: 1,
            causation_id: None,
            time: time(),
            base_revision: None,
            result_revision: None,
            terminal: body.is_terminal(),
            coalesced: None,
            body,
        }
    }

    #[test]
    fn every_event_is_one_line() {
        let mut broken = diagnostic_record("bake/decode", "the image\nis broken");
        broken.file = Some("assets/a.png".to_owned());
        let divergence = DivergenceRecord {
            code: "anchor/moved".to_owned(),
            paths: Vec::new(),
            assets: Vec::new(),
            ids: Vec::new(),
            message: "moved".to_owned(),
            resolutions: Vec::new(),
        };
        let verified = FreshnessRecord::Verified { at: time(), watched: true };
        let cause = Failure::Panic { message: "index out of bounds".to_owned() };
        let bodies = [
            EventBody::Accepted { kind: OperationKind::Build, title: "build harbour".to_owned() },
            EventBody::Queued { behind: Behind { lock: Lock::Lane, operations: 2, holder: None } },
            EventBody::Started {},
            EventBody::Progress {
                phase: Phase::Bake,
                done: 340,
                total: Some(1000),
                unit: Unit::Assets,
                bytes: Some(12_900_000),
                elapsed_ms: 2000,
                subject: Some("ui/button".to_owned()),
            },
            EventBody::Progress {
                phase: Phase::Scan,
                done: 3,
                total: None,
                unit: Unit::Files,
                bytes: None,
                elapsed_ms: 0,
                subject: None,
            },
            EventBody::Diagnostic(broken),
            EventBody::Divergence {
                added: vec![divergence.clone(), divergence.clone()],
                cleared: vec![divergence],
            },
            EventBody::Freshness {
                from: FreshnessRecord::Unknown { cause: UnknownCause::Overflow },
                to: verified.clone(),
                cause: FreshnessCause::Observed,
                paths: Vec::new(),
            },
            EventBody::Freshness {
                from: verified,
                to: FreshnessRecord::Dirty { paths: 1, registry: false, configuration: false },
                cause: FreshnessCause::PathsChanged,
                paths: vec![asset_path("a.png")],
            },
            EventBody::Committed { commit: 3, registry_digest: Digest::of(b"") },
            EventBody::Published { from: Revision(1), to: Revision(2), changed: Changes::default() },
            EventBody::Failed { outcome: FailureReport { kind: OperationKind::Build, cause } },
        ];
        let shown: Vec<String> =
            bodies.into_iter().map(|body| recorded(&event(body), Paint::PLAIN)).collect();
        assert!(shown.iter().all(|line| line.lines().count() == 1), "{shown:?}");
        insta::assert_snapshot!(shown.concat());
    }
}
