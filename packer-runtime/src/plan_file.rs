//! `PlanFile`: plans as files, for whoever reviews or applies them later, also from another process.
//!
//! The form is `packer-fs`'s; here is what consumers may do with it. A plan from a file is only what somebody was shown:
//! applying it plans again, under the lock, and compares.

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::OperationId;
use packer_domain::mutation::{MutationPlan, ShownPlan};
use packer_fs::disk::OsDisk;
use packer_fs::plan_file::{self, ReadPlanError, WritePlanError};

use crate::clock;

/// A plan as a file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFile {
    plan: ShownPlan,
}

impl PlanFile {
    /// A file of more bytes is refused.
    pub const MAX_BYTES: u64 = plan_file::MAX_PLAN_BYTES;

    /// The plan in the bytes of a file.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReadPlanError> {
        plan_file::decode(bytes).map(|plan| Self { plan })
    }

    /// The plan in the regular file at `path`, which is absolute.
    pub fn read(path: &Utf8Path) -> Result<Self, ReadPlanError> {
        plan_file::load(&disk(), path).map(|plan| Self { plan })
    }

    /// Writes `plan` to `path`, which is absolute: whole or not at all, and over a file that is there only with `replace`.
    pub fn write(plan: &MutationPlan, path: &Utf8Path, replace: bool) -> Result<(), WritePlanError> {
        // An id that nobody else draws, for a name that nobody else uses.
        let draw = OperationId::drawn(clock::draw());
        plan_file::store(&disk(), plan, path, &draw.to_string(), replace)
    }

    /// What it says.
    pub fn plan(&self) -> &ShownPlan {
        &self.plan
    }

    /// The same, for applying it.
    pub fn into_plan(self) -> ShownPlan {
        self.plan
    }
}

/// Rooted nowhere: the paths are absolute.
fn disk() -> OsDisk {
    OsDisk::new(Utf8PathBuf::new())
}
