//! What a slow subscriber may miss: progress that newer progress made superfluous, and nothing else, ever.
//!
//! [`merge`] is the rule, [`EventQueue`] the bounded queue that keeps it. Reading the log when the queue spills, waking
//! subscribers and locking are the runtime's business.
//!
//! The rule: of the progress events of one operation and one phase between two lifecycle events of that operation, only
//! the latest is needed. When others are dropped, the next event of the operation that stays accounts for them in its
//! `coalesced`; that is progress too, since it is the latest of the same phase at the latest. So nothing is reordered,
//! positions ascend, and at the subscriber both sequences have no holes.

mod queue;

pub use queue::{EventQueue, QueueBounds, Queued, ResumeError, Spill};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use packer_domain::identity::OperationId;

use crate::body::{EventBody, Phase};
use crate::event::{Coalesced, Event};

/// Drops every progress event of `events` that a later one makes superfluous, and lets those that stay account for
/// them. `events` are in the order of their positions; each operation's are all there from the first to the last.
pub fn merge(events: Vec<Event>) -> Vec<Event> {
    let mut entries =
        events.into_iter().map(|event| Queued { event: Arc::new(event), bytes: 0, attachment: () }).collect();
    merge_queued(&mut entries);
    entries.into_iter().map(|entry| Arc::unwrap_or_clone(entry.event)).collect()
}

/// The same for queued events: one pass back for what is superfluous, one forward for the accounts.
fn merge_queued<A>(entries: &mut VecDeque<Queued<A>>) {
    let mut latest = BTreeSet::new();
    let mut stays: Vec<bool> = entries
        .iter()
        .rev()
        .map(|entry| merge_key(&entry.event).is_none_or(|key| latest.insert(key)))
        .collect();
    stays.reverse();
    let mut owed: BTreeMap<OperationId, u64> = BTreeMap::new();
    let mut stays = stays.into_iter();
    entries.retain_mut(|entry| {
        let event = &entry.event;
        if stays.next() == Some(false) {
            owed.entry(event.operation_id).or_insert(event.first_sequence());
            return false;
        }
        if let Some(first) = owed.remove(&event.operation_id) {
            let range = Coalesced::range(first, event.sequence);
            Arc::make_mut(&mut entry.event).coalesced = range;
        }
        true
    });
}

/// What superfluous progress has in common with the progress that makes it so. A lifecycle event of the operation
/// raises `lifecycle_sequence`, so nothing is merged across one.
fn merge_key(event: &Event) -> Option<(OperationId, u64, Phase)> {
    match event.body {
        EventBody::Progress { phase, .. } => Some((event.operation_id, event.lifecycle_sequence, phase)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
