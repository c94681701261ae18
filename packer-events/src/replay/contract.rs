//! Whether operations keep the contract with each other: what brought them about, what they say they are, who ended whom.
//!
//! It judges what records say, over as many logs as there are; numbers and order within one log are
//! [`crate::sequence::StreamCheck`]'s. An operation that another one names and that is in no log (one that was removed, or
//! begins later) is not judged.

use packer_domain::identity::OperationId;
use thiserror::Error;

use super::{OperationRecord, OperationState, Replay};
use crate::body::OperationKind;
use crate::report::{Ending, OutcomeReport};

/// A break of the contract between operations, or of one with itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("operation {operation_id}: {rule}")]
pub struct RecordFault {
    /// Which operation.
    pub operation_id: OperationId,
    /// What it breaks.
    pub rule: RecordRule,
}

/// A rule of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordRule {
    /// It has no ending.
    #[error("it has no ending")]
    Unended,
    /// An undoing or a recovery names no operation that it is about.
    #[error("its cause is not named")]
    CauseMissing,
    /// Its cause cannot have brought it about: only what watches brings about refreshes and builds, and nothing brings about
    /// anything else.
    #[error("operation {cause} cannot have caused it")]
    CauseWrong {
        /// The cause that it names.
        cause: OperationId,
    },
    /// Its ending tells of another kind of operation than it is.
    #[error("its ending is that of another kind of operation")]
    Kind,
    /// Its report names another operation than its cause, or another commit than it told of.
    #[error("its report contradicts what it said before")]
    Report,
    /// The operation that ended it was no recovery of it.
    #[error("operation {by}, which ended it, is no recovery of it")]
    EndedBy {
        /// The operation that ended it.
        by: OperationId,
    },
}

/// Every rule that the operations of `replay` break, by their ids. Empty for the logs of a project in which nothing runs.
pub fn record_faults(replay: &Replay) -> Vec<RecordFault> {
    let faults = |record| {
        let rules = judge(replay, record);
        rules.into_iter().map(|rule| RecordFault { operation_id: record.operation_id, rule })
    };
    replay.operations().flat_map(faults).collect()
}

fn judge(replay: &Replay, record: &OperationRecord) -> Vec<RecordRule> {
    let mut rules = Vec::new();
    rules.extend(judge_cause(replay, record));
    let Some(ending) = &record.ending else {
        rules.push(RecordRule::Unended);
        return rules;
    };
    if let (Some(kind), Some(told)) = (record.kind, kind_of(ending))
        && told != kind
    {
        rules.push(RecordRule::Kind);
    }
    if let Ending::Succeeded(report) | Ending::Recovered { outcome: report, .. } = ending
        && !is_consistent(record, report)
    {
        rules.push(RecordRule::Report);
    }
    if let Ending::Aborted(report) = ending {
        rules.extend(judge_by(replay, record, report.by));
    }
    if let Ending::Recovered { by, .. } = ending {
        rules.extend(judge_by(replay, record, *by));
    }
    rules
}

fn judge_cause(replay: &Replay, record: &OperationRecord) -> Option<RecordRule> {
    let wrong = |cause| Some(RecordRule::CauseWrong { cause });
    match (record.kind?, record.causation_id) {
        (OperationKind::Undo | OperationKind::Recover, None) => Some(RecordRule::CauseMissing),
        (OperationKind::Undo | OperationKind::Recover, Some(cause)) if cause == record.operation_id => {
            wrong(cause)
        }
        (OperationKind::Undo | OperationKind::Recover, Some(_)) | (_, None) => None,
        (OperationKind::Refresh | OperationKind::Build, Some(cause)) => {
            let kind = replay.operation(cause).and_then(|cause| cause.kind);
            kind.filter(|kind| *kind != OperationKind::Watch).and_then(|_| wrong(cause))
        }
        (_, Some(cause)) => wrong(cause),
    }
}

/// Whether `by` recovered the operation, as far as it is known.
fn judge_by(replay: &Replay, record: &OperationRecord, by: OperationId) -> Option<RecordRule> {
    let ender = replay.operation(by)?;
    let is_recovery = ender.kind.is_none_or(|kind| kind == OperationKind::Recover)
        && ender.causation_id == Some(record.operation_id);
    (!is_recovery).then_some(RecordRule::EndedBy { by })
}

/// Of which kind an operation with this ending is; `None` where the ending does not say.
fn kind_of(ending: &Ending) -> Option<OperationKind> {
    let of_report = |report: &OutcomeReport| match report {
        OutcomeReport::Build(_) => OperationKind::Build,
        OutcomeReport::Mutation(report) => report.mutation,
        OutcomeReport::Refresh(_) => OperationKind::Refresh,
        OutcomeReport::Recover(_) => OperationKind::Recover,
        OutcomeReport::Watch(_) => OperationKind::Watch,
    };
    match ending {
        Ending::Succeeded(report) | Ending::Recovered { outcome: report, .. } => Some(of_report(report)),
        Ending::Rejected(report) => Some(report.kind),
        Ending::Failed(report) => Some(report.kind),
        Ending::Cancelled(report) => Some(report.kind),
        Ending::Aborted(report) => report.kind,
        Ending::OutcomeUnknown(report) => report.kind,
    }
}

fn is_consistent(record: &OperationRecord, report: &OutcomeReport) -> bool {
    match report {
        OutcomeReport::Mutation(report) => {
            // What died between its commit and its ending may not have said that it committed.
            let told = record.state == OperationState::Recovered && record.commit.is_none();
            told || record.commit == report.commit
        }
        OutcomeReport::Recover(report) => record.causation_id == Some(report.operation_id),
        OutcomeReport::Build(_) | OutcomeReport::Refresh(_) | OutcomeReport::Watch(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::EventBody;
    use crate::event::Event;
    use crate::report::{
        AbortReport, FailureReport, RecoverReport, RecoveryResult, RefreshReport, Rejection, RejectionReport,
    };
    use crate::sequence::{Draft, SourceSequencer};
    use crate::testing::{draft, operation, outcomes, source};

    struct Story {
        sequencer: SourceSequencer,
        events: Vec<Event>,
    }

    impl Story {
        fn new() -> Self {
            Self { sequencer: SourceSequencer::new(source(0)), events: Vec::new() }
        }

        fn say(&mut self, n: u8, cause: Option<u8>, body: EventBody) {
            let draft = Draft { causation_id: cause.map(operation), ..draft(operation(n), body) };
            self.events.push(self.sequencer.number(draft).unwrap());
        }

        fn run(mut self, n: u8, kind: OperationKind, cause: Option<u8>, ending: Ending) -> Self {
            self.say(n, cause, EventBody::Accepted { kind, title: String::new() });
            self.say(n, cause, ending.into());
            self
        }

        #[track_caller]
        fn breaks(&self, expected: &[RecordRule]) {
            let faults = record_faults(&Replay::fold(&self.events));
            assert_eq!(faults.iter().map(|fault| fault.rule).collect::<Vec<_>>(), expected);
        }
    }

    fn refreshed() -> Ending {
        let is_refresh = |outcome: &OutcomeReport| matches!(outcome, OutcomeReport::Refresh(_));
        let Some(OutcomeReport::Refresh(report)) = outcomes().into_iter().find(is_refresh) else {
            panic!("there is one")
        };
        Ending::Succeeded(OutcomeReport::Refresh(RefreshReport { took_ms: 1, ..report }))
    }

    fn recovered(n: u8) -> Ending {
        let result = RecoveryResult::Dropped;
        Ending::Succeeded(OutcomeReport::Recover(RecoverReport {
            operation_id: operation(n),
            result,
            took_ms: 1,
        }))
    }

    fn rejected(kind: OperationKind) -> Ending {
        Ending::Rejected(RejectionReport { kind, reason: Rejection::PlanAltered {} })
    }

    fn aborted(by: u8) -> Ending {
        Ending::Aborted(AbortReport { kind: Some(OperationKind::Adopt), by: operation(by) })
    }

    #[test]
    fn a_story_in_order_breaks_nothing() {
        use OperationKind::{Adopt, Recover, Refresh, Undo, Watch};
        Story::new()
            .run(1, Adopt, None, aborted(2))
            .run(2, Recover, Some(1), recovered(1))
            .run(3, Undo, Some(1), rejected(Undo))
            .run(4, Watch, None, rejected(Watch))
            .run(5, Refresh, Some(4), refreshed())
            // By one whose log is gone.
            .run(6, Refresh, Some(9), refreshed())
            .run(7, Adopt, None, aborted(9))
            .breaks(&[]);
    }

    #[test]
    fn every_break_is_named() {
        use OperationKind::{Adopt, Build, Recover, Refresh, Undo};
        let one = |kind, cause, ending| Story::new().run(1, kind, cause, ending);
        one(Undo, None, rejected(Undo)).breaks(&[RecordRule::CauseMissing]);
        one(Recover, None, rejected(Recover)).breaks(&[RecordRule::CauseMissing]);
        let wrong = |n| RecordRule::CauseWrong { cause: operation(n) };
        one(Undo, Some(1), rejected(Undo)).breaks(&[wrong(1)]);
        one(Adopt, Some(9), rejected(Adopt)).breaks(&[wrong(9)]);
        one(Refresh, None, rejected(Refresh)).run(2, Build, Some(1), rejected(Build)).breaks(&[wrong(1)]);
        one(Adopt, None, rejected(Build)).breaks(&[RecordRule::Kind]);
        one(Build, None, refreshed()).breaks(&[RecordRule::Kind]);
        let panic = crate::report::Failure::Panic { message: String::new() };
        let failed = Ending::Failed(FailureReport { kind: Build, cause: panic });
        one(Adopt, None, failed).breaks(&[RecordRule::Kind]);
        one(Recover, Some(3), recovered(4)).breaks(&[RecordRule::Report]);
        let is_mutation = |outcome: &OutcomeReport| matches!(outcome, OutcomeReport::Mutation(_));
        let adopted = outcomes().into_iter().find(is_mutation).unwrap();
        // It never told of the commit that it reports.
        one(Adopt, None, Ending::Succeeded(adopted)).breaks(&[RecordRule::Report]);
        one(Adopt, None, aborted(2))
            .run(2, Recover, Some(3), recovered(3))
            .breaks(&[RecordRule::EndedBy { by: operation(2) }]);
        let mut unended = Story::new();
        unended.say(1, None, EventBody::Accepted { kind: Build, title: String::new() });
        unended.breaks(&[RecordRule::Unended]);
    }
}
