//! What was done in a project: a line an operation, with whether it can be undone; and what of it is said when one of them
//! is to be undone or recovered.

use std::collections::{BTreeMap, BTreeSet};

use packer_events::body::OperationKind;
use packer_events::replay::{OperationState, Replay};
use packer_events::report::{OutcomeReport, RecoveryResult};
use packer_events::time::Timestamp;
use packer_runtime::api::{LoggedOperation, OperationId, RecoveryChoice, SourceId, UndoState};
use serde::Serialize;

use super::advice::ProjectFlag;
use super::ending::{changes, mutation_counts, mutation_word};
use super::{count, second, short_id, table, things};
use crate::ui::Paint;

/// One operation of the project's history.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct LoggedJson<'l> {
    /// Which.
    operation_id: OperationId,
    /// What it does, where that is still known.
    kind: Option<OperationKind>,
    /// When it was accepted, or what is first known of it.
    time: Timestamp,
    /// How far it is, or how it ended.
    #[cfg_attr(feature = "schema", schemars(schema_with = "states"))]
    state: &'static str,
    /// The operation that caused it, if any.
    causation_id: Option<OperationId>,
    /// Whether it can be undone.
    undo: UndoJson,
    /// What it did; none unless it succeeded.
    report: Option<&'l OutcomeReport>,
}

/// Whether an operation can be undone.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
enum UndoJson {
    /// What it takes is kept.
    Kept {
        /// How many bytes that takes.
        bytes: u64,
    },
    /// It was undone already.
    UndoneBy {
        /// By this operation.
        operation_id: OperationId,
    },
    /// Nothing is kept of it.
    NotKept {},
}

impl<'l> LoggedJson<'l> {
    pub(crate) fn new(logged: &'l LoggedOperation) -> Self {
        let LoggedOperation { operation_id, kind, time, state, report, causation_id, undo } = logged;
        Self {
            operation_id: *operation_id,
            kind: *kind,
            time: *time,
            state: state_word(*state),
            causation_id: *causation_id,
            undo: match undo {
                UndoState::Kept { bytes } => UndoJson::Kept { bytes: *bytes },
                UndoState::UndoneBy(operation_id) => UndoJson::UndoneBy { operation_id: *operation_id },
                UndoState::NotKept => UndoJson::NotKept {},
            },
            report: report.as_ref(),
        }
    }
}

/// Every word for a state.
#[cfg(feature = "schema")]
fn states(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let words = [
        OperationState::Accepted,
        OperationState::Queued,
        OperationState::Running,
        OperationState::Succeeded,
        OperationState::Rejected,
        OperationState::Failed,
        OperationState::Cancelled,
        OperationState::Aborted,
        OperationState::Recovered,
        OperationState::OutcomeUnknown,
    ]
    .map(state_word);
    schemars::json_schema!({ "type": "string", "enum": words })
}

fn state_word(state: OperationState) -> &'static str {
    match state {
        OperationState::Accepted => "accepted",
        OperationState::Queued => "queued",
        OperationState::Running => "running",
        OperationState::Succeeded => "succeeded",
        OperationState::Rejected => "rejected",
        OperationState::Failed => "failed",
        OperationState::Cancelled => "cancelled",
        OperationState::Aborted => "aborted",
        OperationState::Recovered => "recovered",
        OperationState::OutcomeUnknown => "outcome_unknown",
    }
}

/// What so many events tell of, in a line: `12 events of 3 operations: 2 succeeded, 1 running`. Of what has no end and whose
/// source is not among the `living`, nobody can say how it ended.
pub(crate) fn told(replay: &Replay, events: u64, living: &BTreeSet<SourceId>) -> String {
    let mut states: BTreeMap<OperationState, u64> = BTreeMap::new();
    for record in replay.operations() {
        let is_known = record.ending.is_some() || living.contains(&record.source);
        let state = if is_known { record.state } else { OperationState::OutcomeUnknown };
        *states.entry(state).or_default() += 1;
    }
    let operations = things(states.values().sum(), "operation", "operations");
    let line = format!("{} of {operations}", things(events, "event", "events"));
    // Those that ended well come first, then those that did not, then those that have no end.
    let (under_way, ended): (Vec<_>, Vec<_>) =
        states.iter().partition(|(state, _)| **state < OperationState::Succeeded);
    let word = |(state, number): (&OperationState, &u64)| {
        format!("{} {}", count(*number), state_word(*state).replace('_', " "))
    };
    let words: Vec<String> = ended.into_iter().chain(under_way).map(word).collect();
    if words.is_empty() { line } else { format!("{line}: {}", words.join(", ")) }
}

/// Operations, a line each.
pub(crate) fn log(logged: &[LoggedOperation], paint: Paint) -> String {
    let row = |logged: &LoggedOperation| {
        let id = paint.command(&short_id(logged.operation_id));
        let undo = match logged.undo {
            UndoState::Kept { .. } => "can be undone".to_owned(),
            UndoState::UndoneBy(by) => format!("undone by {}", short_id(by)),
            UndoState::NotKept => "-".to_owned(),
        };
        vec![id, second(logged.time), what(logged), undo, did(logged)]
    };
    table(&logged.iter().map(row).collect::<Vec<_>>())
}

/// What an operation is, and of which other one.
fn what(logged: &LoggedOperation) -> String {
    let word = logged.kind.map_or("an operation", mutation_word);
    match (logged.kind, logged.causation_id) {
        (Some(OperationKind::Undo | OperationKind::Recover), Some(of)) => format!("{word} {}", short_id(of)),
        _ => word.to_owned(),
    }
}

/// What an operation did, or why it did nothing.
fn did(logged: &LoggedOperation) -> String {
    match (&logged.report, logged.state) {
        (Some(OutcomeReport::Mutation(report)), _) if report.unchanged => "nothing was to be done".to_owned(),
        (Some(OutcomeReport::Mutation(report)), _) => mutation_counts(report),
        (Some(OutcomeReport::Build(report)), _) if report.unchanged => {
            format!("{}, unchanged", things(report.assets, "asset", "assets"))
        }
        (Some(OutcomeReport::Build(report)), _) => {
            let assets = things(report.assets, "asset", "assets");
            let absent =
                if report.incomplete { format!(", {} absent", count(report.failed)) } else { String::new() };
            format!("{assets}, {} baked, {} reused{absent}", count(report.baked), count(report.reused))
        }
        (Some(OutcomeReport::Refresh(report)), _) if report.from == report.to => "unchanged".to_owned(),
        (Some(OutcomeReport::Refresh(report)), _) => changes(&report.changed),
        (Some(OutcomeReport::Recover(report)), _) => settled(report.result).to_owned(),
        (Some(OutcomeReport::Watch(report)), _) => {
            format!("{} of freshness", things(report.transitions, "change", "changes"))
        }
        (None, OperationState::OutcomeUnknown) => "nobody can say whether it changed anything".to_owned(),
        (None, state) => state_word(state).to_owned(),
    }
}

fn settled(result: RecoveryResult) -> &'static str {
    match result {
        RecoveryResult::Dropped => "dropped, with what it had staged",
        RecoveryResult::Finished => "completed",
        RecoveryResult::Closed => "it was complete",
        RecoveryResult::Frozen => "left to be settled by `packer recover`",
        RecoveryResult::KeptTheirs => "given up; what people saved was kept",
        RecoveryResult::FinishedOurs => "carried out; what people saved went to the history",
    }
}

/// What an operation was, in one line: `move, operation 414f958b of 2026-11-22T09:00:00Z: 2 files moved`.
fn of_one(logged: &LoggedOperation) -> String {
    let (id, time) = (short_id(logged.operation_id), second(logged.time));
    format!("{}, operation {id} of {time}: {}", what(logged), did(logged))
}

/// Which operation is to be undone, in a line or two.
pub(crate) fn undoing(logged: &LoggedOperation, project: &ProjectFlag, paint: Paint) -> String {
    let line = format!("{} {}\n", paint.strong("undoing:"), of_one(logged));
    match logged.undo {
        UndoState::UndoneBy(by) => {
            let command = paint.command(&format!("`packer undo {}{project}`", short_id(by)));
            format!("{line}  it is undone already; {command} would do it again\n")
        }
        UndoState::Kept { .. } | UndoState::NotKept => line,
    }
}

/// Which operation waits to be settled.
pub(crate) fn interrupted(operation: OperationId, logged: Option<&LoggedOperation>, paint: Paint) -> String {
    let what = logged.map_or_else(
        || format!("operation {operation}"),
        |logged| {
            let (id, time) = (short_id(logged.operation_id), second(logged.time));
            format!("{}, operation {id} of {time}", what(logged))
        },
    );
    format!("{} {what} stopped amid its commit, and there are two ways on\n", paint.error("interrupted:"))
}

/// The heading over what one way of settling would do.
pub(crate) fn way_out(choice: RecoveryChoice, paint: Paint) -> String {
    format!("\n{}: {}\n\n", paint.strong(choice_flag(choice)), choice_title(choice))
}

/// A way of settling in a list of them, as [`way_out`] calls it.
pub(crate) fn choice(choice: RecoveryChoice) -> String {
    format!("{}: {}", choice_flag(choice), choice_title(choice))
}

/// What chooses a way of settling.
fn choice_flag(choice: RecoveryChoice) -> &'static str {
    match choice {
        RecoveryChoice::KeepTheirs => "--keep-theirs",
        RecoveryChoice::FinishOurs => "--finish-ours",
    }
}

/// What a way of settling means.
fn choice_title(choice: RecoveryChoice) -> &'static str {
    match choice {
        RecoveryChoice::KeepTheirs => {
            "keep what somebody else saved meanwhile; the rest becomes as it was before the operation"
        }
        RecoveryChoice::FinishOurs => {
            "carry the operation out; what somebody else saved meanwhile goes to the history"
        }
    }
}

#[cfg(test)]
mod tests {
    use packer_events::record::Changes;
    use packer_events::report::{BuildReport, MutationReport, RecoverReport, RefreshReport};
    use packer_runtime::api::{Digest, Revision};

    use super::*;

    fn id(n: u8) -> OperationId {
        format!("01a2027b-d680-7707-8707-0707070707{n:02}").parse().unwrap()
    }

    fn mutation(kind: OperationKind) -> MutationReport {
        MutationReport {
            mutation: kind,
            commit: Some(4),
            assets_added: 0,
            assets_changed: 1,
            assets_removed: 0,
            files_created: 0,
            files_changed: 1,
            files_moved: 2,
            files_removed: 0,
            registry_changes: 1,
            result_revision: Some(Revision(2)),
            unchanged: false,
            took_ms: 42,
        }
    }

    fn done(n: u8, kind: OperationKind, report: OutcomeReport, undo: UndoState) -> LoggedOperation {
        LoggedOperation {
            operation_id: id(n),
            kind: Some(kind),
            time: Timestamp::from_unix_ms(1_795_338_000_123 + u64::from(n) * 1000),
            state: OperationState::Succeeded,
            report: Some(report),
            causation_id: None,
            undo,
        }
    }

    fn ended(n: u8, state: OperationState) -> LoggedOperation {
        let report = OutcomeReport::Mutation(mutation(OperationKind::Adopt));
        let done = done(n, OperationKind::Adopt, report, UndoState::NotKept);
        LoggedOperation { state, report: None, ..done }
    }

    /// One of everything, the newest first.
    fn everything() -> Vec<LoggedOperation> {
        let of = |kind, n, undo| done(n, kind, OutcomeReport::Mutation(mutation(kind)), undo);
        let kept = UndoState::Kept { bytes: 5_000 };
        let build = BuildReport {
            assets: 941,
            baked: 12,
            reused: 929,
            failed: 0,
            bytes: 1,
            pack_digest: Digest::of(b"pack"),
            unchanged: false,
            took_ms: 310,
            incomplete: false,
            proved: false,
        };
        let incomplete = BuildReport { incomplete: true, failed: 3, ..build };
        let refresh = RefreshReport {
            from: Revision(1),
            to: Revision(2),
            changed: Changes { added: 1, changed: 2, removed: 0, configuration: false },
            took_ms: 3,
        };
        let builds =
            |n, report| done(n, OperationKind::Build, OutcomeReport::Build(report), UndoState::NotKept);
        let recovers = |n, result| {
            let report = RecoverReport { operation_id: id(30), result, took_ms: 3 };
            let done = done(n, OperationKind::Recover, OutcomeReport::Recover(report), kept);
            LoggedOperation { causation_id: Some(id(30)), ..done }
        };
        let undo = LoggedOperation { causation_id: Some(id(38)), ..of(OperationKind::Undo, 39, kept) };
        let nothing = MutationReport { unchanged: true, ..mutation(OperationKind::Reconcile) };
        let nothing =
            done(37, OperationKind::Reconcile, OutcomeReport::Mutation(nothing), UndoState::NotKept);
        let unknown_kind = LoggedOperation { kind: None, ..ended(20, OperationState::Aborted) };
        let mut list = vec![
            undo,
            of(OperationKind::Relocate, 38, UndoState::UndoneBy(id(39))),
            nothing,
            builds(36, build.clone()),
            builds(35, BuildReport { unchanged: true, ..build }),
            builds(34, incomplete),
            done(33, OperationKind::Refresh, OutcomeReport::Refresh(refresh), UndoState::NotKept),
        ];
        let results = [
            RecoveryResult::Dropped,
            RecoveryResult::Finished,
            RecoveryResult::Closed,
            RecoveryResult::Frozen,
            RecoveryResult::KeptTheirs,
            RecoveryResult::FinishedOurs,
        ];
        list.extend((23..).zip(results).map(|(n, result)| recovers(n, result)));
        let states = [
            OperationState::Accepted,
            OperationState::Queued,
            OperationState::Running,
            OperationState::Rejected,
            OperationState::Failed,
            OperationState::Cancelled,
            OperationState::OutcomeUnknown,
        ];
        list.extend((1..).zip(states).map(|(n, state)| ended(n, state)));
        list.push(unknown_kind);
        list
    }

    #[test]
    fn what_events_tell_of_is_one_line() {
        use packer_events::body::EventBody;
        use packer_events::event::Event;
        use packer_events::report::{CancellationReport, Ending};
        use packer_events::sequence::{Draft, SourceSequencer};

        let source = "01a2027b-d680-7707-8707-070707070799".parse().unwrap();
        let mut sequencer = SourceSequencer::new(source);
        let kind = OperationKind::Refresh;
        let accepted = || EventBody::Accepted { kind, title: String::new() };
        let cancelled: EventBody = Ending::Cancelled(CancellationReport { kind, phase: None }).into();
        let said = [(1, accepted()), (2, accepted()), (2, EventBody::Started {}), (1, cancelled)];
        let events: Vec<Event> = said
            .into_iter()
            .map(|(n, body)| {
                let (causation_id, base_revision, result_revision) = (None, None, None);
                let time = Timestamp::from_unix_ms(1);
                let operation_id = id(n);
                let draft = Draft { operation_id, causation_id, time, base_revision, result_revision, body };
                sequencer.number(draft).unwrap()
            })
            .collect();
        let replay = Replay::fold(&events);
        let line = told(&replay, 4, &BTreeSet::from([source]));
        assert_eq!(line, "4 events of 2 operations: 1 cancelled, 1 running");
        let line = told(&replay, 4, &BTreeSet::new());
        assert_eq!(line, "4 events of 2 operations: 1 cancelled, 1 outcome unknown");
        assert_eq!(told(&Replay::new(), 0, &BTreeSet::new()), "0 events of 0 operations");
    }

    #[test]
    fn every_operation_is_one_line() {
        insta::assert_snapshot!(log(&everything(), Paint::PLAIN));
        assert_eq!(log(&[], Paint::PLAIN), "");
    }

    #[test]
    fn the_json_has_everything_that_is_logged() {
        let list = everything();
        let lines: Vec<String> =
            list[..2].iter().map(|logged| serde_json::to_string(&LoggedJson::new(logged)).unwrap()).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_is_undone_and_recovered_is_said() {
        let list = everything();
        let flag = ProjectFlag::default();
        let mut text = undoing(&list[0], &flag, Paint::PLAIN);
        text.push_str(&undoing(&list[1], &flag, Paint::PLAIN));
        text.push_str(&interrupted(id(30), Some(&list[1]), Paint::PLAIN));
        text.push_str(&interrupted(id(30), None, Paint::PLAIN));
        text.push_str(&way_out(RecoveryChoice::KeepTheirs, Paint::PLAIN));
        text.push_str(&way_out(RecoveryChoice::FinishOurs, Paint::PLAIN));
        text.push_str(&choice(RecoveryChoice::KeepTheirs));
        insta::assert_snapshot!(text);
    }
}
