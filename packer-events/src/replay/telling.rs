//! What somebody was told of operations, against what is recorded of them: of each the same, or a [`TellingFault`] that names
//! what is otherwise.
//!
//! Both are folded from events: the one from what a subscriber was given, coalesced or not, or what a process printed; the other
//! from the log. Who joined late, or left early, is held against what he was told and no more: of an operation whose beginning
//! was not told, neither that nor what counts from it; of one whose end was not told, only how it began. Whether all that
//! was told is honest and in order is judged by [`super::record_faults`] and [`crate::sequence::StreamCheck`].

use packer_domain::identity::OperationId;
use thiserror::Error;

use super::{OperationRecord, Replay};

/// An operation of which something else was told than is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("operation {operation_id}: {rule}")]
pub struct TellingFault {
    /// Which operation.
    pub operation_id: OperationId,
    /// What is otherwise.
    pub rule: TellingRule,
}

/// What has to be so of every operation that was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TellingRule {
    /// It is recorded.
    #[error("it was told of and is not recorded")]
    Recorded,
    /// It is recorded as it was told.
    #[error("its {0} was told otherwise than is recorded")]
    Same(&'static str),
}

/// Everything that `told` says otherwise than `recorded`, by operations.
pub fn telling_faults(told: &Replay, recorded: &Replay) -> Vec<TellingFault> {
    let faults = |told: &OperationRecord| {
        let rules = match recorded.operation(told.operation_id) {
            None => vec![TellingRule::Recorded],
            Some(recorded) => differences(told, recorded).into_iter().map(TellingRule::Same).collect(),
        };
        let operation_id = told.operation_id;
        rules.into_iter().map(move |rule| TellingFault { operation_id, rule }).collect::<Vec<_>>()
    };
    told.operations().flat_map(faults).collect()
}

/// The names of what is otherwise in two records of one operation.
fn differences(told: &OperationRecord, recorded: &OperationRecord) -> Vec<&'static str> {
    // Without `..`, so that nothing can be added to records that is not held against each other.
    let OperationRecord {
        operation_id: _,
        source,
        kind,
        title,
        causation_id,
        state,
        behind,
        progress,
        diagnostics,
        commit,
        base_revision,
        result_revision,
        accepted_at,
        started_at,
        last_at,
        ended_at,
        ending,
        last,
    } = told;
    let (has_begun, has_ended) = (accepted_at.is_some(), ending.is_some());
    let is_whole = has_begun && has_ended;
    let compared = [
        (true, "source", *source == recorded.source),
        (has_begun, "kind", *kind == recorded.kind),
        (has_begun, "title", *title == recorded.title),
        (has_begun, "time of acceptance", *accepted_at == recorded.accepted_at),
        (is_whole, "cause", *causation_id == recorded.causation_id),
        (is_whole, "progress", *progress == recorded.progress),
        (is_whole, "number of findings", *diagnostics == recorded.diagnostics),
        (is_whole, "commit", *commit == recorded.commit),
        (is_whole, "time of starting", *started_at == recorded.started_at),
        (has_ended, "state", *state == recorded.state),
        (has_ended, "waiting", *behind == recorded.behind),
        (has_ended, "base revision", *base_revision == recorded.base_revision),
        (has_ended, "result revision", *result_revision == recorded.result_revision),
        (has_ended, "time of the last event", *last_at == recorded.last_at),
        (has_ended, "time of ending", *ended_at == recorded.ended_at),
        (has_ended, "ending", *ending == recorded.ending),
        (has_ended, "numbering", *last == recorded.last),
    ];
    compared.into_iter().filter(|(counts, _, is_same)| *counts && !is_same).map(|(_, name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use packer_domain::identity::Revision;
    use proptest::prelude::*;

    use super::*;
    use crate::body::{EventBody, Phase};
    use crate::coalesce::merge;
    use crate::event::Event;
    use crate::sequence::SourceSequencer;
    use crate::testing::{accepted, diagnostic, draft, operation, progress, source, story, succeeded, time};

    fn numbered() -> Vec<Event> {
        let mut sequencer = SourceSequencer::new(source(0));
        let bodies = [
            accepted(),
            EventBody::Started {},
            EventBody::Diagnostic(diagnostic()),
            progress(Phase::Bake, 2),
            succeeded(),
        ];
        bodies.map(|body| sequencer.number(draft(operation(1), body)).unwrap()).to_vec()
    }

    #[track_caller]
    fn differ(told: &[Event], recorded: &[Event], expected: &[TellingRule]) {
        let faults = telling_faults(&Replay::fold(told), &Replay::fold(recorded));
        assert_eq!(faults.iter().map(|fault| fault.rule).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_otherwise_is_named() {
        use TellingRule::{Recorded, Same};
        let log = numbered();
        differ(&log, &log, &[]);
        differ(&log, &[], &[Recorded]);
        let otherwise = |at: usize, change: &dyn Fn(&mut Event), expected: &[TellingRule]| {
            let mut told = log.clone();
            change(&mut told[at]);
            differ(&told, &log, expected);
        };
        let retitle = |event: &mut Event| {
            if let EventBody::Accepted { title, .. } = &mut event.body {
                title.push('!');
            }
        };
        otherwise(0, &retitle, &[Same("title")]);
        otherwise(0, &|event| event.time = time(77), &[Same("time of acceptance")]);
        otherwise(1, &|event| event.time = time(77), &[Same("time of starting")]);
        otherwise(1, &|event| event.causation_id = Some(operation(9)), &[Same("cause")]);
        otherwise(
            2,
            &|event| event.body = progress(Phase::Scan, 1),
            &[Same("progress"), Same("number of findings")],
        );
        otherwise(3, &|event| event.body = progress(Phase::Bake, 3), &[Same("progress")]);
        otherwise(4, &|event| event.base_revision = Some(Revision(77)), &[Same("base revision")]);
        otherwise(4, &|event| event.result_revision = Some(Revision(77)), &[Same("result revision")]);
        otherwise(4, &|event| event.sequence += 1, &[Same("numbering")]);
        let abort = |event: &mut Event| {
            let report = crate::report::AbortReport { kind: None, by: operation(2) };
            event.body = EventBody::from(crate::report::Ending::Aborted(report));
        };
        otherwise(4, &abort, &[Same("state"), Same("ending")]);
        otherwise(
            4,
            &|event| event.time = time(77),
            &[Same("time of the last event"), Same("time of ending")],
        );
    }

    #[test]
    fn who_joined_late_or_left_early_is_held_against_what_he_was_told() {
        let log = numbered();
        differ(&log[1..], &log, &[]);
        differ(&log[..4], &log, &[]);
        let mut told = log[1..].to_vec();
        told[3].result_revision = Some(Revision(77));
        differ(&told, &log, &[TellingRule::Same("result revision")]);
    }

    proptest! {
        #[test]
        fn whoever_is_slow_is_told_the_same(events in story(0), from in 0_usize..80) {
            let log = Replay::fold(&events);
            let merged = merge(events.clone());
            prop_assert_eq!(telling_faults(&Replay::fold(&merged), &log), vec![]);
            let late = &events[from.min(events.len())..];
            prop_assert_eq!(telling_faults(&Replay::fold(late), &log), vec![]);
        }
    }
}
