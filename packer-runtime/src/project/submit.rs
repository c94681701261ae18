//! Submitting: how a command becomes an accepted operation in the queue of the worker that runs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use packer_domain::identity::OperationId;
use packer_domain::mutation::Mutation;
use packer_events::body::{Lock, OperationKind};

use super::Command;
use crate::build::build;
use crate::lane::{Worker, kind_of, mutate, queue, refresh};
use crate::operation::{Operation, OperationHandle};
use crate::shared::Shared;
use crate::sync::{Mutex, PoisonError};

/// Where commands are submitted.
#[derive(Clone)]
pub(crate) struct Submitter {
    shared: Arc<Shared>,
    lane: Arc<Worker>,
    builder: Arc<Worker>,
    /// The operations that have no end yet, as far as anybody has looked.
    submitting: Arc<Mutex<BTreeMap<OperationId, OperationHandle>>>,
}

impl Submitter {
    pub(super) fn new(shared: Arc<Shared>, lane: Worker, builder: Worker) -> Self {
        let (lane, builder) = (Arc::new(lane), Arc::new(builder));
        Self { shared, lane, builder, submitting: Arc::default() }
    }

    /// Accepts a command, which `cause` brought about.
    pub(crate) fn submit(&self, command: Command, cause: Option<OperationId>) -> OperationHandle {
        // What is accepted first also runs first.
        let mut running = self.submitting.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, handle| handle.outcome().is_none());
        let (kind, title) = self.describe(&command);
        let cause = cause.or_else(|| cause_of(&command));
        let base = self.shared.status().snapshot.revision();
        let operation = Arc::new(Operation::accept(&self.shared.bus, kind, title, cause, Some(base)));
        let handle = operation.handle();
        running.insert(handle.id(), handle.clone());
        match command {
            Command::Apply(plan) => {
                let mutation = plan.mutation.clone();
                queue(&self.lane, Lock::Lane, &operation, move |shared, operation| {
                    mutate(shared, operation, &mutation, Some(&plan))
                });
            }
            Command::Mutate(mutation) => {
                queue(&self.lane, Lock::Lane, &operation, move |shared, operation| {
                    mutate(shared, operation, &mutation, None)
                });
            }
            Command::Refresh => {
                queue(&self.lane, Lock::Lane, &operation, |shared, operation| refresh(shared, operation));
            }
            Command::Build(request) => {
                let lane = Arc::clone(&self.lane);
                queue(&self.builder, Lock::Build, &operation, move |shared, operation| {
                    build(shared, &lane, operation, &request)
                });
            }
        }
        handle
    }

    /// Asks one of the operations to stop; `false` if there is none of this id, or it has ended.
    pub(super) fn cancel(&self, operation: OperationId) -> bool {
        let running = self.submitting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(handle) = running.get(&operation).filter(|handle| handle.outcome().is_none()).cloned()
        else {
            return false;
        };
        drop(running);
        handle.cancel();
        true
    }

    fn describe(&self, command: &Command) -> (OperationKind, String) {
        match command {
            Command::Apply(plan) => {
                (kind_of(&plan.mutation), format!("{} as previewed", plan.mutation.word()))
            }
            Command::Mutate(mutation) => (kind_of(mutation), mutation.word().to_owned()),
            Command::Refresh => (OperationKind::Refresh, "refresh".to_owned()),
            Command::Build(_) => {
                let status = self.shared.status();
                (OperationKind::Build, format!("build {}", status.snapshot.project_name()))
            }
        }
    }

    /// Takes no more commands, and waits for those that were taken.
    pub(super) fn close(&self) {
        // The builder uses the lane, so the lane ends last.
        self.builder.close();
        self.lane.close();
    }
}

/// The operation that a command is about, and so caused by.
fn cause_of(command: &Command) -> Option<OperationId> {
    let mutation = match command {
        Command::Apply(plan) => &plan.mutation,
        Command::Mutate(mutation) => mutation,
        Command::Refresh | Command::Build(_) => return None,
    };
    match mutation {
        Mutation::Undo(undo) => Some(undo.operation),
        Mutation::Recover(recover) => Some(recover.operation),
        _ => None,
    }
}
