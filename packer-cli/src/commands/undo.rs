//! `packer undo`: takes back what an operation did. Itself an operation, which can be undone.

use packer_runtime::api::{
    LoggedOperation, Mutation, NameOperationError, OperationId, Undo, named_operation, next_undo,
};

use super::mutate::carry_out;
use crate::args::UndoArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::render;
use crate::ui::Ui;

pub(super) fn run(args: &UndoArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let logged = opened.project.log()?;
    let operation = match &args.operation {
        Some(text) => named(text, &logged)?,
        None => next_undo(&logged)
            .ok_or_else(|| Failure::usage("nothing that can be undone is left").hint(LISTS))?,
    };
    if let Some(meant) = logged.iter().find(|logged| logged.operation_id == operation)
        && !ui.is_json()
    {
        let line = render::undoing(meant, opened.project_flag(), ui.paint_err());
        ui.note(&line);
    }
    carry_out(Mutation::Undo(Undo { operation }), &args.apply, opened, ui)
}

const LISTS: &str = "`packer log` lists the operations, and which of them can be undone";

fn named(text: &str, logged: &[LoggedOperation]) -> Result<OperationId, Failure> {
    named_operation(text, logged).map_err(|error| {
        let hint = match &error {
            NameOperationError::Unknown { .. } => LISTS,
            NameOperationError::Ambiguous { .. } => "give more of the id",
        };
        Failure::of(Exit::Usage, &error).hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_no_operation_says_what_to_do() {
        let failure = format!("{:?}", named("zz", &[]).unwrap_err());
        assert!(failure.contains("no operation is called") && failure.contains(LISTS), "{failure}");
    }
}
