//! Every row that the history can have, pinned.

use packer_events::body::OperationKind;
use packer_events::report::{OutcomeReport, RefreshReport};
use packer_events::time::Timestamp;
use packer_runtime::api::{Revision, UuidDraw};

use super::*;

fn id(n: u8) -> OperationId {
    OperationId::drawn(UuidDraw { unix_ms: 1_795_338_000_000 + u64::from(n), entropy: [n; 16] })
}

fn logged(n: u8, state: OperationState, undo: UndoState) -> LoggedOperation {
    LoggedOperation {
        operation_id: id(n),
        kind: Some(OperationKind::Rename),
        time: Timestamp::from_unix_ms(1_795_338_000_000 + u64::from(n)),
        state,
        report: None,
        causation_id: None,
        undo,
    }
}

#[test]
fn every_state_and_every_way_back_has_a_row() {
    let states = every![
        OperationState: Accepted,
        Queued,
        Running,
        Succeeded,
        Rejected,
        Failed,
        Cancelled,
        Aborted,
        Recovered,
        OutcomeUnknown,
    ];
    let mut rows: Vec<LoggedOperation> =
        (1..).zip(states).map(|(n, state)| logged(n, state, UndoState::NotKept)).collect();
    let refresh = RefreshReport {
        from: Revision(1),
        to: Revision(2),
        changed: packer_events::record::Changes::default(),
        took_ms: 3,
    };
    rows.push(LoggedOperation {
        kind: Some(OperationKind::Refresh),
        report: Some(OutcomeReport::Refresh(refresh)),
        ..logged(20, OperationState::Succeeded, UndoState::NotKept)
    });
    rows.push(LoggedOperation { kind: None, ..logged(21, OperationState::Aborted, UndoState::NotKept) });
    rows.push(logged(22, OperationState::Succeeded, UndoState::UndoneBy(id(24))));
    rows.push(logged(23, OperationState::Succeeded, UndoState::Kept { bytes: 12 }));
    rows.push(LoggedOperation {
        kind: Some(OperationKind::Undo),
        causation_id: Some(id(22)),
        ..logged(24, OperationState::Succeeded, UndoState::Kept { bytes: 7 })
    });
    rows.reverse();
    let view = HistoryView::of(&rows, None);
    insta::assert_json_snapshot!("history", view);
    assert_eq!(view.next_undo, Some(id(23).to_string()));
    assert_eq!(view.next_redo, Some(id(24).to_string()));
    let short = HistoryView::of(&rows, Some(2));
    assert_eq!((short.total, short.rows.len(), short.next_undo), (15, 2, view.next_undo));
}
