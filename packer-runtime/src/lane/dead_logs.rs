//! The logs that dead processes left: which operations owe an end, and storing it.
//!
//! A log is held by its lock for as long as it is looked at, so nobody else continues it meanwhile. An end takes the numbers
//! that follow in the log, and takes them only if it is stored. What cannot be held or continued is told apart from what is
//! gone: it may still owe an end.
//!
//! Not here: which end an operation gets, which is `recover`'s business.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::identity::{OperationId, SourceId};
use packer_events::body::EventBody;
use packer_events::replay::{OperationRecord, OperationState, Replay};
use packer_events::report::{Ending, Failure};
use packer_events::sequence::{Draft, SourceSequencer};
use packer_events::wire::encode_line;
use packer_fs::disk::{Disk, DiskError};
use packer_fs::event_log::{self, EventLogError, EventLogWriter};
use packer_fs::layout;

use crate::clock;
use crate::record::read_source;
use crate::sync::lock::{SourceGuard, SourceLock};

/// An operation, and the source in whose log it stands.
#[derive(Clone, Copy)]
pub(super) struct DeadOperation {
    pub operation: OperationId,
    pub source: SourceId,
}

/// The logs of processes that are no more and did not say goodbye.
pub(super) struct DeadLogs {
    logs: BTreeMap<SourceId, DeadLog>,
    /// The other sources that may still owe an end: those of processes that live, and of those whose log cannot be continued,
    /// with the reason.
    others: BTreeMap<SourceId, Option<Failure>>,
}

/// What became of the end of a dead operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is in the log, or is owed by nobody.
    Stored,
    /// A process that lives has it, and may die before it is stored.
    OwedByTheLiving,
}

/// Whether an operation owes an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owes {
    Nothing,
    Here,
    /// In a log that cannot be continued now.
    Elsewhere,
}

struct DeadLog {
    lock: SourceGuard,
    replay: Replay,
    sequencer: SourceSequencer,
    writer: EventLogWriter,
}

impl DeadLogs {
    pub(super) fn find(root: &Utf8Path, disk: &Arc<dyn Disk>, own: SourceId) -> Result<Self, DiskError> {
        let mut logs = BTreeMap::new();
        let mut others = BTreeMap::from([(own, None)]);
        for source in left_behind(root, &**disk)?.into_iter().filter(|source| *source != own) {
            // A lock that is held belongs to a process that lives.
            let Ok(Some(lock)) = SourceLock::try_take(root, source) else {
                others.insert(source, None);
                continue;
            };
            match DeadLog::open(disk, source, lock) {
                Ok(log) => {
                    logs.insert(source, log);
                }
                Err(error) => {
                    tracing::warn!(%source, %error, "the log of a dead process cannot be continued");
                    others.insert(source, Some(not_stored(source, &error)));
                }
            }
        }
        Ok(Self { logs, others })
    }

    pub(super) fn record(&self, of: DeadOperation) -> Option<&OperationRecord> {
        self.logs.get(&of.source)?.replay.operation(of.operation)
    }

    pub(super) fn source_of(&self, operation: OperationId) -> Option<SourceId> {
        let mut logs = self.logs.iter();
        logs.find(|(_, log)| log.replay.operation(operation).is_some()).map(|(source, _)| *source)
    }

    pub(super) fn running(&self) -> Vec<(SourceId, OperationId)> {
        let running = |(source, log): (&SourceId, &DeadLog)| {
            let operations: Vec<OperationId> =
                log.replay.running().map(|record| record.operation_id).collect();
            operations.into_iter().map(|operation| (*source, operation)).collect::<Vec<_>>()
        };
        self.logs.iter().flat_map(running).collect()
    }

    /// Whether the log of `source` says durably that `operation` succeeded.
    pub(super) fn has_succeeded(
        &self,
        disk: &Arc<dyn Disk>,
        operation: OperationId,
        source: SourceId,
    ) -> bool {
        let succeeded = |replay: &Replay| {
            replay.operation(operation).is_some_and(|record| {
                matches!(record.state, OperationState::Succeeded | OperationState::Recovered)
            })
        };
        match self.logs.get(&source) {
            Some(log) => succeeded(&log.replay),
            None => match read_source(&**disk, source) {
                Ok(Some(log)) => succeeded(&log.replay()) && event_log::make_durable(&**disk, source).is_ok(),
                Ok(None) | Err(_) => false,
            },
        }
    }

    /// Whether `of` owes an end; without it, whether anybody might of whom that cannot be told now.
    pub(super) fn owes(&self, of: Option<DeadOperation>) -> Owes {
        let is_elsewhere = match of {
            Some(of) if self.logs.contains_key(&of.source) => {
                let owes = self.record(of).is_some_and(|record| record.ending.is_none());
                return if owes { Owes::Here } else { Owes::Nothing };
            }
            Some(of) => self.others.contains_key(&of.source),
            None => self.others.values().any(Option::is_some),
        };
        if is_elsewhere { Owes::Elsewhere } else { Owes::Nothing }
    }

    /// Appends the end that an operation owes to its log. One that has ended, or whose log is gone, owes none.
    pub(super) fn end(&mut self, of: DeadOperation, ending: Ending) -> Result<Ended, Failure> {
        let Some(log) = self.logs.get_mut(&of.source) else {
            return match self.others.get(&of.source) {
                Some(Some(failure)) => Err(failure.clone()),
                Some(None) => Ok(Ended::OwedByTheLiving),
                None => Ok(Ended::Stored),
            };
        };
        let Some(record) = log.replay.operation(of.operation) else { return Ok(Ended::Stored) };
        if record.ending.is_some() {
            return Ok(Ended::Stored);
        }
        let draft = Draft {
            operation_id: of.operation,
            causation_id: record.causation_id,
            time: clock::now(),
            base_revision: record.base_revision,
            result_revision: record.result_revision,
            body: EventBody::from(ending).bounded(),
        };
        let failed = |error: &dyn std::error::Error| not_stored(of.source, error);
        // What is not stored has no numbers: whatever is stored next takes them.
        let mut sequencer = log.sequencer.clone();
        let event = sequencer.number(draft).map_err(|error| failed(&error))?;
        let line = encode_line(&event);
        log.writer.append_synced(line.trim_end().as_bytes()).map_err(|error| failed(&error))?;
        log.sequencer = sequencer;
        log.replay.apply(&event);
        Ok(Ended::Stored)
    }

    /// Lets go of the logs; those in which nothing is owed any more are not looked at again.
    pub(super) fn release(self) {
        for (source, log) in self.logs {
            if log.replay.running().next().is_none()
                && let Err(error) = log.lock.discard()
            {
                tracing::warn!(%source, %error, "the lock of a dead process stays behind");
            }
        }
    }
}

fn not_stored(source: SourceId, error: &dyn std::error::Error) -> Failure {
    Failure::Io {
        message: format!("the end of a dead operation could not be stored: {error}"),
        path: Some(layout::event_log(source).into_string()),
    }
}

/// The sources whose locks are there: those of processes that live, and of those that did not end as they should.
fn left_behind(root: &Utf8Path, disk: &dyn Disk) -> Result<Vec<SourceId>, DiskError> {
    let entries = match disk.read_dir(layout::EVENTS.into()) {
        Ok(entries) => entries,
        Err(error) if error.is_not_found() => Vec::new(),
        Err(error) => return Err(error),
    };
    let names = || entries.iter().filter_map(|entry| entry.name.to_str());
    for unborn in names().filter(|name| name.ends_with(layout::UNBORN_LOCK_SUFFIX)) {
        if let Err(error) = SourceLock::clear_unborn(root, unborn) {
            tracing::debug!(%error, "what a dead process was making stays behind");
        }
    }
    let source = |name: &str| name.strip_suffix(".lock").and_then(|source| source.parse().ok());
    let mut sources: Vec<SourceId> = names().filter_map(source).collect();
    sources.sort();
    Ok(sources)
}

impl DeadLog {
    fn open(disk: &Arc<dyn Disk>, source: SourceId, lock: SourceGuard) -> Result<Self, EventLogError> {
        if event_log::list(&**disk)?.contains(&source) {
            event_log::trim_torn_tail(&**disk, source)?;
            // What is read may be in memory only, and is about to be acted on.
            event_log::make_durable(&**disk, source)?;
        }
        let (replay, position) = match read_source(&**disk, source)? {
            Some(log) => {
                for hole in &log.holes {
                    tracing::warn!(%source, %hole, "the log of a dead process is damaged");
                }
                (log.replay(), log.last_position)
            }
            None => (Replay::new(), 0),
        };
        let writer = EventLogWriter::continuing(Arc::clone(disk), source)?;
        let running: Vec<_> = replay.running().map(|record| (record.operation_id, record.last)).collect();
        let sequencer = SourceSequencer::continuing(source, position, running);
        Ok(Self { lock, replay, sequencer, writer })
    }
}
