//! The lane and the builder, with several who submit, and one who only takes turns.

use std::collections::BTreeMap;
use std::sync::Arc;

use packer_domain::identity::OperationId;
use packer_events::body::{Behind, EventBody, Lock, OperationKind};
use packer_events::event::Event;
use packer_events::report::{Ending, Failure, OutcomeReport, RecoverReport, RecoveryResult};
use shuttle::rand::Rng;
use shuttle::thread;

use crate::lane::{Finale, Worker, queue};
use crate::operation::{Operation, OperationHandle};
use crate::shared::Shared;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::world::{World, end_of};

/// What the operations here do: they look whether they are alone.
#[derive(Clone)]
struct Lane {
    shared: Arc<Shared>,
    worker: Arc<Worker>,
    inside: Arc<AtomicU64>,
}

impl Lane {
    /// Is in the lane for a while.
    fn visit(&self, operation: &Operation) {
        assert_eq!(self.inside.fetch_add(1, Ordering::SeqCst), 0, "two are in the lane at once");
        operation.say(EventBody::Started {});
        assert_eq!(self.inside.fetch_sub(1, Ordering::SeqCst), 1);
    }

    fn accept(&self, kind: OperationKind) -> Arc<Operation> {
        Arc::new(Operation::accept(&self.shared.bus, kind, String::new(), None, None))
    }

    /// Submits what visits the lane, and perhaps panics there.
    fn submit(&self, panics: bool) -> OperationHandle {
        let operation = self.accept(OperationKind::Refresh);
        let (handle, lane) = (operation.handle(), self.clone());
        queue(&self.worker, Lock::Lane, &operation, move |_, operation| {
            lane.visit(operation);
            // Nothing is printed, unlike for a panic that means something.
            if panics {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
            Ok(Finale::plain(ending(operation)))
        });
        handle
    }
}

/// Two submit to a lane, and a third takes turns in it as builds do. Each comes into it alone, those of one submitter in
/// the order of submission; a panic ends its operation and nothing else; whoever has to wait is told how many go first;
/// and whoever has waited finds the lane free.
pub(super) fn run() {
    let world = World::new();
    let project = world.open();
    let shared = Arc::clone(project.shared());
    let worker = Arc::new(Worker::spawn("lane", Arc::clone(&shared)).unwrap());
    let lane = Lane { shared, worker, inside: Arc::default() };
    let panics = shuttle::rand::thread_rng().gen_bool(0.3);
    let other = {
        let lane = lane.clone();
        thread::spawn(move || {
            let handles = [lane.submit(panics), lane.submit(false)];
            handles.each_ref().map(|handle| end_of(handle).event().position)
        })
    };
    let builder = {
        let lane = lane.clone();
        thread::spawn(move || {
            let operation = lane.accept(OperationKind::Build);
            let turn = lane.worker.turn(&operation, None).unwrap();
            lane.visit(&operation);
            drop(turn);
            operation.end(ending(&operation)).unwrap();
        })
    };
    let handles = [lane.submit(false), lane.submit(false)];
    let ends = handles.each_ref().map(|handle| end_of(handle).event().position);
    let others = other.join().unwrap();
    builder.join().unwrap();
    assert!(ends.is_sorted() && others.is_sorted(), "{ends:?} {others:?}");
    // Everybody has been waited for, so nothing goes first.
    let last = end_of(&lane.submit(false));
    lane.worker.close();
    drop(project);

    let logs = world.settled();
    assert_eq!(logs[0].iter().filter(|event| is_panic(event)).count(), usize::from(panics));
    let mut told: BTreeMap<OperationId, u64> = BTreeMap::new();
    let mut begun: Vec<OperationId> = Vec::new();
    for event in &logs[0] {
        match &event.body {
            EventBody::Queued { behind: Behind { operations, .. } } => {
                told.insert(event.operation_id, *operations);
            }
            EventBody::Started {} => begun.push(event.operation_id),
            _ => {}
        }
    }
    assert_eq!(begun.len(), 6);
    assert!(!told.contains_key(&last.operation_id()), "{logs:#?}");
    // Nobody goes first who was not counted, so nobody is passed by more than that.
    for (index, id) in begun.iter().enumerate() {
        assert!(told.get(id).is_none_or(|ahead| *ahead <= index as u64), "{logs:#?}");
    }
}

fn ending(operation: &Operation) -> Ending {
    let report = RecoverReport { operation_id: operation.id, result: RecoveryResult::Closed, took_ms: 0 };
    Ending::Succeeded(OutcomeReport::Recover(report))
}

fn is_panic(event: &Event) -> bool {
    matches!(event.body.ending(), Some(Ending::Failed(report)) if matches!(report.cause, Failure::Panic { .. }))
}
