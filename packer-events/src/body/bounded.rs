//! Events that a log takes, whatever there is to tell: lists and texts are cut before an event is written.
//!
//! A log refuses a line that is too long, and an event that is refused holds up all that come after it, so an end that lists
//! what is wrong with fifty thousand files must not list all of them. What is left out is counted: in `more` where an end
//! lists reasons, in the message of a finding. Nobody depends on what is left out: findings and divergences stand in the
//! snapshot, blockers in the preview. Of divergences as a whole nothing is left out; `divergences` tells them in several
//! events.
//!
//! Sizes are estimates from below: escaping makes at most six bytes of one, and the limits leave room for that.

use std::fmt::Write as _;

use super::EventBody;
use crate::record::{DiagnosticRecord, DivergenceRecord, RelatedRecord, SpanRecord, SubjectRecord};
use crate::report::{Failure, FailureReport, Rejection, RejectionReport, UnknownOutcomeReport};

/// The most bytes that the lists of one event take, about; what is first in a list is there in any case.
pub(super) const LIST_BYTES: usize = 1 << 20;

/// The most bytes that the lists in one record take, about.
const RECORD_BYTES: usize = 128 << 10;

/// The most bytes of a text.
const TEXT_BYTES: usize = 16 << 10;

impl EventBody {
    /// The same, cut to what a log takes. What is not very large stays as it is.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        match &mut self {
            Self::Accepted { kind: _, title } => cut(title),
            Self::Progress { phase: _, done: _, total: _, unit: _, bytes: _, elapsed_ms: _, subject } => {
                subject.iter_mut().for_each(cut);
            }
            Self::Diagnostic(record) => record.bound(),
            Self::Divergence { added, cleared } => {
                added.iter_mut().chain(cleared).for_each(DivergenceRecord::bound);
            }
            // Whoever says it says how many there are, too.
            Self::Freshness { from: _, to: _, cause: _, paths } => {
                keep(paths, LIST_BYTES, |path| path.as_str().len());
            }
            Self::Rejected { outcome: RejectionReport { kind: _, reason } } => reason.bound(),
            Self::Failed { outcome: FailureReport { kind: _, cause } } => match cause {
                Failure::BakesFailed { failed: _ } | Failure::ProveMismatch { built: _, proved: _ } => {}
                Failure::Io { message, path } => {
                    cut(message);
                    path.iter_mut().for_each(cut);
                }
                Failure::Damaged { message, path } => {
                    cut(message);
                    cut(path);
                }
                Failure::Panic { message } => cut(message),
            },
            Self::OutcomeUnknown { outcome: UnknownOutcomeReport { kind: _, cause: _, message, path } } => {
                cut(message);
                path.iter_mut().for_each(cut);
            }
            // These have neither lists nor texts.
            Self::Queued { .. }
            | Self::Started {}
            | Self::Committed { .. }
            | Self::Published { .. }
            | Self::Succeeded { .. }
            | Self::Cancelled { .. }
            | Self::Aborted { .. }
            | Self::Recovered { .. } => {}
        }
        self
    }
}

impl Rejection {
    fn bound(&mut self) {
        match self {
            Self::InputsChanged { paths, registry: _, configuration: _, more }
            | Self::StalePlan { changed: paths, registry: _, configuration: _, more } => {
                *more += keep(paths, LIST_BYTES, |path| path.as_str().len());
            }
            Self::Blocked { blockers, more } => {
                blockers.iter_mut().for_each(DiagnosticRecord::bound);
                *more += keep(blockers, LIST_BYTES, DiagnosticRecord::json_bytes);
            }
            Self::LockHeld { lock: _, holder } => {
                if let Some(holder) = holder {
                    cut(&mut holder.host);
                }
            }
            Self::WorkspaceErrors { .. }
            | Self::PlanAltered {}
            | Self::UnrelatedLineage { .. }
            | Self::LaneFrozen { .. }
            | Self::LockUnsupported { .. }
            | Self::BaseRevisionGone { .. }
            | Self::NothingToRecover {} => {}
        }
    }
}

impl DiagnosticRecord {
    /// How many bytes it takes as JSON, about.
    fn json_bytes(&self) -> usize {
        let Self { code, severity: _, subject, message, file, span, help, related } = self;
        let subject = match subject {
            SubjectRecord::Project | SubjectRecord::Asset(_) => 40,
            SubjectRecord::Path(path) => path.as_str().len(),
            SubjectRecord::Unrepresentable(name) => name.len(),
        };
        let texts = [file, help].into_iter().flatten().map(String::len).sum::<usize>();
        let span = span.as_ref().map_or(0, SpanRecord::json_bytes);
        let related = related.iter().map(RelatedRecord::json_bytes).sum::<usize>();
        150 + code.len() + subject + message.len() + texts + span + related
    }

    fn bound(&mut self) {
        let Self { code: _, severity: _, subject, message, file, span, help, related } = self;
        if let SubjectRecord::Unrepresentable(name) = subject {
            cut(name);
        }
        cut(message);
        file.iter_mut().chain(help).for_each(cut);
        if let Some(span) = span {
            cut(&mut span.excerpt);
        }
        for RelatedRecord { message, file, span } in &mut *related {
            cut(message);
            cut(file);
            if let Some(span) = span {
                cut(&mut span.excerpt);
            }
        }
        let left_out = keep(related, RECORD_BYTES, RelatedRecord::json_bytes);
        say_left_out(message, left_out);
    }
}

impl RelatedRecord {
    fn json_bytes(&self) -> usize {
        let Self { message, file, span } = self;
        40 + message.len() + file.len() + span.as_ref().map_or(0, SpanRecord::json_bytes)
    }
}

impl SpanRecord {
    fn json_bytes(&self) -> usize {
        80 + self.excerpt.len()
    }
}

impl DivergenceRecord {
    /// How many bytes it takes as JSON, about: each text with its quotes, and a comma.
    pub(super) fn json_bytes(&self) -> usize {
        let Self { code, paths, assets, ids, message, resolutions } = self;
        let paths: usize = paths.iter().map(|path| path.as_str().len() + 3).sum();
        let resolutions: usize = resolutions.iter().map(|name| name.len() + 3).sum();
        100 + code.len() + paths + assets.len() * 39 + ids.len() * 11 + message.len() + resolutions
    }

    pub(super) fn bound(&mut self) {
        let Self { code: _, paths, assets, ids, message, resolutions } = self;
        cut(message);
        let paths = keep(paths, RECORD_BYTES, |path| path.as_str().len());
        let assets = keep(assets, RECORD_BYTES, |_| 36);
        let ids = keep(ids, RECORD_BYTES, |_| 8);
        keep(resolutions, RECORD_BYTES, String::len);
        say_left_out(message, paths.max(assets).max(ids));
    }
}

/// Keeps what is first and not more than `most` bytes, and says how many are left out.
fn keep<T>(list: &mut Vec<T>, most: usize, bytes: impl Fn(&T) -> usize) -> u64 {
    let mut sum = 0;
    let mut fits = |item: &T| {
        // A quote on each side, and a comma.
        sum += bytes(item) + 3;
        sum <= most
    };
    let fitting = list.iter().map_while(|item| fits(item).then_some(())).count().max(1);
    let left_out = list.len().saturating_sub(fitting);
    list.truncate(fitting);
    left_out as u64
}

fn cut(text: &mut String) {
    if text.len() > TEXT_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_BYTES));
        text.push('…');
    }
}

fn say_left_out(message: &mut String, left_out: u64) {
    if left_out > 0 {
        // Writing to a String cannot fail.
        let _ = write!(message, " (and {left_out} more, which are not listed here)");
    }
}

#[cfg(test)]
mod tests {
    use packer_domain::path::AssetPath;

    use super::*;
    use crate::body::{Holder, Lock, OperationKind};
    use crate::event::Event;
    use crate::sequence::SourceSequencer;
    use crate::testing::{bodies, diagnostic, draft, endings, operation, source};
    use crate::wire::{decode_line, encode_line};

    /// Half of what a log takes.
    const LINE_BYTES: usize = 8 << 20;

    fn event(body: EventBody) -> Event {
        let mut sequencer = SourceSequencer::new(source(1));
        let accepted = EventBody::Accepted { kind: OperationKind::Adopt, title: "adopt".to_owned() };
        sequencer.number(draft(operation(1), accepted)).unwrap();
        sequencer.number(draft(operation(1), body)).unwrap()
    }

    fn rejected(reason: Rejection) -> EventBody {
        EventBody::Rejected { outcome: RejectionReport { kind: OperationKind::Adopt, reason } }
    }

    /// The worst for JSON: a control character takes six bytes.
    fn text(bytes: usize) -> String {
        "\u{1}".repeat(bytes)
    }

    fn path(at: usize) -> AssetPath {
        AssetPath::parse(&format!("{}/{at}", "deep/".repeat(200).trim_end_matches('/'))).unwrap()
    }

    fn large() -> DiagnosticRecord {
        let related = RelatedRecord { message: text(20_000), file: text(20_000), span: diagnostic().span };
        DiagnosticRecord {
            subject: SubjectRecord::Unrepresentable(text(20_000)),
            message: text(20_000),
            file: Some(text(20_000)),
            help: Some(text(20_000)),
            related: vec![related; 40],
            ..diagnostic()
        }
    }

    fn divergence(of: usize) -> DivergenceRecord {
        DivergenceRecord {
            code: "anchor/duplicate-uuid".to_owned(),
            paths: (0..of).map(path).collect(),
            assets: vec!["0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10".parse().unwrap(); of],
            ids: Vec::new(),
            message: text(20_000),
            resolutions: vec![text(100); 10],
        }
    }

    #[test]
    fn whatever_is_told_a_log_takes() {
        let paths = || (0..10_000).map(path).collect();
        let holder = Holder { host: text(1 << 21), ..crate::testing::holder() };
        let failed =
            |cause| EventBody::Failed { outcome: FailureReport { kind: OperationKind::Adopt, cause } };
        let huge = [
            EventBody::Diagnostic(large()),
            EventBody::Divergence { added: vec![divergence(5_000)], cleared: vec![divergence(5_000)] },
            rejected(Rejection::Blocked { blockers: vec![large(); 3], more: 0 }),
            rejected(Rejection::Blocked { blockers: vec![diagnostic(); 40_000], more: 0 }),
            rejected(Rejection::InputsChanged {
                paths: paths(),
                registry: true,
                configuration: false,
                more: 0,
            }),
            rejected(Rejection::StalePlan {
                changed: paths(),
                registry: true,
                configuration: false,
                more: 0,
            }),
            rejected(Rejection::LockHeld { lock: Lock::Lane, holder: Some(holder) }),
            failed(Failure::Io { message: text(1 << 21), path: Some(text(1 << 21)) }),
            failed(Failure::Damaged { message: text(1 << 21), path: text(1 << 21) }),
            failed(Failure::Panic { message: text(1 << 21) }),
        ];
        for body in huge {
            let name = body.type_name();
            let (whole, bounded) = (event(body.clone()), event(body.bounded()));
            assert!(encode_line(&whole).len() > LINE_BYTES, "{name} is not large");
            let line = encode_line(&bounded);
            assert!(line.len() < LINE_BYTES, "{name} takes {} bytes", line.len());
            assert_eq!(decode_line(&line).unwrap(), bounded);
            assert_eq!(bounded.body.clone().bounded().type_name(), name);
        }
    }

    #[test]
    fn what_is_not_very_large_stays_as_it_is() {
        for body in bodies().into_iter().chain(endings()) {
            assert_eq!(body.clone().bounded(), body);
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let body = rejected(Rejection::Blocked { blockers: vec![diagnostic(); 40_000], more: 7 }).bounded();
        let EventBody::Rejected {
            outcome: RejectionReport { reason: Rejection::Blocked { blockers, more }, .. },
        } = body
        else {
            panic!("it is another one: {body:?}")
        };
        assert!(blockers.len() > 1_000 && blockers.len() as u64 + more == 40_007, "{}", blockers.len());
        let mut record = diagnostic();
        record.related =
            vec![RelatedRecord { message: "m".repeat(1000), file: "f".to_owned(), span: None }; 1000];
        record.bound();
        let left_out = 1000 - record.related.len();
        assert!(
            !record.related.is_empty() && record.message.contains(&format!("{left_out} more")),
            "{record:?}"
        );
        // One that is too large by itself is there all the same, without what makes it so.
        let EventBody::Divergence { added, .. } =
            (EventBody::Divergence { added: vec![divergence(5_000)], cleared: Vec::new() }).bounded()
        else {
            panic!("it is another one")
        };
        assert!(added.len() == 1 && !added[0].paths.is_empty(), "{}", added.len());
    }
}
