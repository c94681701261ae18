//! What can be done about an operation that was interrupted in the middle of its commit: each way, with its plan.
//!
//! Reads only. Which way is taken is for people to say; taking it is a `Recover` like any other mutation.

use packer_domain::identity::OperationId;
use packer_domain::mutation::{Mutation, MutationPlan, Recover, RecoveryChoice, Verdict};
use packer_fs::disk::DiskError;

use super::Project;

/// A way to settle an interrupted operation.
#[derive(Clone, Debug)]
pub struct RecoveryWay {
    /// Which.
    pub choice: RecoveryChoice,
    /// What it would do now.
    pub plan: MutationPlan,
}

impl RecoveryWay {
    /// Whether it can be taken: whatever it needs is kept somewhere.
    pub fn is_open(&self) -> bool {
        match self.plan.verdict {
            Verdict::Ready | Verdict::Empty => true,
            Verdict::Blocked => false,
        }
    }
}

impl Project {
    /// All ways to settle `operation`, in the order in which they are offered, also those that are not open. A pure read,
    /// as [`preview`](Self::preview) is.
    pub fn recovery_ways(&self, operation: OperationId) -> Result<Vec<RecoveryWay>, DiskError> {
        let way = |choice| {
            let plan = self.preview(&Mutation::Recover(Recover { operation, choice }))?;
            Ok(RecoveryWay { choice, plan })
        };
        RecoveryChoice::ALL.into_iter().map(way).collect()
    }
}
