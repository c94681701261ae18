//! Build outputs with which nothing is to be done any more, of which an end is still owed: their build died, and either they
//! cannot be completed, or its end could not be stored.
//!
//! What is needed to tell that end stays in the journal until somebody says that it is stored. Once it is *put aside* it is in
//! nobody's way: builds go on, and replace the outputs.
//!
//! Not here: whether an end is stored, which the caller knows, and the outputs themselves.

use camino::Utf8PathBuf;
use packer_domain::identity::OperationId;

use super::apply::absent_is_fine;
use super::intent::{self, IntentDamage};
use super::outputs_intent::{OutputsIntent, decode_outputs};
use super::recover::RecoverOptions;
use super::{Part, intent::Decoded};
use crate::disk::{Disk, DiskError};
use crate::layout;

/// A build that is over and owes an end.
#[derive(Debug)]
#[must_use = "it is owed until it is finished"]
pub struct OwedOutputs<'d> {
    disk: &'d dyn Disk,
    operation: OperationId,
    intent: Decoded<OutputsIntent>,
    part: Part,
}

impl<'d> OwedOutputs<'d> {
    /// Outputs that cannot be completed; their intent stands where it was.
    pub(super) fn mixed(
        disk: &'d dyn Disk,
        operation: OperationId,
        intent: Decoded<OutputsIntent>,
    ) -> OwedOutputs<'d> {
        Self { disk, operation, intent, part: Part::OutputsIntent }
    }

    /// The operation.
    pub fn operation(&self) -> OperationId {
        self.operation
    }

    /// What it was about to do, if that can be read.
    pub fn intent(&self) -> Result<&OutputsIntent, &IntentDamage> {
        self.intent.as_ref()
    }

    /// Whether some of the outputs may be in place and others not, or nobody can say. Then `outcome_unknown` is owed,
    /// otherwise `recovered`.
    pub fn is_mixed(&self) -> bool {
        self.part != Part::PlacedOutputs || self.intent.is_err()
    }

    /// Whether an earlier recovery put it aside.
    pub fn was_put_aside(&self) -> bool {
        self.part != Part::OutputsIntent
    }

    /// Forgets it: its end is stored, or will not be told by anybody.
    pub fn finish(self) -> Result<(), DiskError> {
        absent_is_fine(self.disk.remove_file(&path(self.part, self.operation)))
    }

    /// Keeps what its end needs, out of the way of other builds: its end could not be stored.
    pub fn put_aside(self) -> Result<(), DiskError> {
        if self.was_put_aside() {
            return Ok(());
        }
        let durable = self.intent.as_ref().is_ok_and(|intent| intent.durable);
        put_aside(self.disk, self.operation, Part::MixedOutputs, durable)
    }
}

/// Moves the intent of outputs to where it is in nobody's way.
pub(super) fn put_aside(
    disk: &dyn Disk,
    operation: OperationId,
    part: Part,
    durable: bool,
) -> Result<(), DiskError> {
    disk.rename_over(&layout::outputs_intent(operation), &path(part, operation))?;
    if durable { disk.sync_dir(layout::JOURNAL.into()) } else { Ok(()) }
}

/// What was put aside; nothing if its end has been stored since.
pub(super) fn recover_owed<'d>(
    disk: &'d dyn Disk,
    operation: OperationId,
    part: Part,
    options: &RecoverOptions<'_>,
) -> Result<Option<OwedOutputs<'d>>, DiskError> {
    let intent =
        intent::read_bytes(disk, &path(part, operation))?.and_then(|bytes| decode_outputs(operation, &bytes));
    let owed = OwedOutputs { disk, operation, intent, part };
    if owed.intent().is_ok_and(|intent| (options.success_is_logged)(operation, intent.source)) {
        owed.finish()?;
        return Ok(None);
    }
    Ok(Some(owed))
}

fn path(part: Part, operation: OperationId) -> Utf8PathBuf {
    match part {
        Part::PlacedOutputs => layout::placed_outputs(operation),
        Part::MixedOutputs => layout::mixed_outputs(operation),
        _ => layout::outputs_intent(operation),
    }
}
