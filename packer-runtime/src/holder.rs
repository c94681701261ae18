//! Who holds a lock, for display: what this process says of itself, and what another one said.

use packer_events::body::{Holder, OperationKind};
use packer_events::time::Timestamp;
use packer_fs::lock::HolderFacts;

use crate::clock;
use crate::operation::Operation;

/// What the holder of a lock says of itself.
pub(crate) fn facts(operation: &Operation) -> HolderFacts {
    HolderFacts::here(&format!("{} {}", operation.kind, operation.id), clock::now().unix_ms())
}

/// The same for opening a project, which is no operation.
pub(crate) fn facts_of_opening() -> HolderFacts {
    HolderFacts::here("open", clock::now().unix_ms())
}

/// What another process said of itself, if all of it can be read.
pub(crate) fn holder(facts: &HolderFacts) -> Option<Holder> {
    let (kind, operation) = facts.operation.split_once(' ')?;
    Some(Holder {
        pid: facts.pid,
        host: facts.host.clone(),
        operation_id: operation.parse().ok()?,
        kind: OperationKind::ALL.iter().copied().find(|known| known.as_str() == kind)?,
        since: Timestamp::from_unix_ms(facts.since_unix_ms),
    })
}
