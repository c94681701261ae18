//! `packer undo`: takes back what an operation did. Itself an operation, which can be undone.

use packer_runtime::api::{LoggedOperation, Mutation, OperationId, Undo, next_undo};

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

/// The operation that a text means: an id, or a beginning or an end that only one has.
fn named(text: &str, logged: &[LoggedOperation]) -> Result<OperationId, Failure> {
    if let Ok(operation) = text.parse() {
        return Ok(operation);
    }
    let typed = text.to_ascii_lowercase();
    let ids = logged.iter().map(|logged| logged.operation_id);
    let mut meant = ids.filter(|id| {
        let id = id.to_string();
        !typed.is_empty() && (id.starts_with(&typed) || id.ends_with(&typed))
    });
    match (meant.next(), meant.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Failure::usage(format!("no operation is called {text:?}")).hint(LISTS)),
        (Some(one), Some(other)) => {
            Err(Failure::usage(format!("{text:?} can be several operations, such as {one} and {other}"))
                .hint("give more of the id"))
        }
    }
}

#[cfg(test)]
mod tests {
    use packer_events::body::OperationKind;
    use packer_events::replay::OperationState;
    use packer_events::time::Timestamp;
    use packer_runtime::api::UndoState;

    use super::*;

    /// An operation whose id ends with the two digits of `end`.
    fn logged(end: u8, kind: OperationKind, undo: UndoState) -> LoggedOperation {
        let operation_id = format!("01a2027b-d6{end:02x}-7707-8707-0707070707{end:02x}").parse().unwrap();
        LoggedOperation {
            operation_id,
            kind: Some(kind),
            time: Timestamp::from_unix_ms(u64::from(end)),
            state: OperationState::Succeeded,
            report: None,
            causation_id: None,
            undo,
        }
    }

    #[test]
    fn an_operation_is_named_by_what_tells_it_apart() {
        let list = [1, 2, 0x12].map(|end| logged(end, OperationKind::Adopt, UndoState::NotKept));
        let ids = [0, 1, 2].map(|n| list[n].operation_id);
        assert_eq!(named(&ids[0].to_string(), &list).unwrap(), ids[0]);
        assert_eq!(named("0701", &list).unwrap(), ids[0]);
        assert_eq!(named("0712", &list).unwrap(), ids[2]);
        assert_eq!(named(&ids[1].to_string()[..13].to_uppercase(), &list).unwrap(), ids[1]);
        for (bad, expected) in [
            ("2", "several operations"),
            ("01a2027b", "several operations"),
            ("", "no operation"),
            ("zz", "no operation"),
        ] {
            let failure = format!("{:?}", named(bad, &list).unwrap_err());
            assert!(failure.contains(expected), "{bad}: {failure}");
        }
        // Whether anything is kept of it is the packer's to say.
        let unknown = logged(9, OperationKind::Adopt, UndoState::NotKept).operation_id;
        assert_eq!(named(&unknown.to_string(), &list).unwrap(), unknown);
    }
}
