//! `packer events`: the recorded events of all sources of the project, in the order of time.
//!
//! It opens no project, so it works beside anything that runs, and on a project that cannot be opened.

use std::sync::Arc;

use packer_events::event::Event;
use packer_runtime::api::{OpenError, RecordedLog, recorded_logs};

use crate::args::GlobalArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project;
use crate::render;
use crate::ui::Ui;

pub(super) fn run(global: &GlobalArgs, ui: &mut Ui) -> Result<Exit, Failure> {
    let root = project::place(global)?.root;
    if !root.join("packer.toml").is_file() {
        return Err(OpenError::NotAProject { path: root }.into());
    }
    let logs = recorded_logs(&root)?;
    for log in logs.iter().filter(|log| log.damaged_lines > 0) {
        let lines = render::things(log.damaged_lines, "line", "lines");
        let warning = ui.paint_err().warning("warning");
        ui.note(&format!("{warning}: {lines} of the log of {} cannot be read", log.source));
    }
    let paint = ui.paint_out();
    for event in merged(logs) {
        if ui.is_json() {
            ui.out(&packer_events::wire::encode_line(&event));
        } else {
            ui.out(&render::recorded(&event, paint));
        }
        if ui.is_closed() {
            break;
        }
    }
    Ok(Exit::Done)
}

/// The events of all logs by time. Each log keeps its own order, also where a clock was set back.
fn merged(logs: Vec<RecordedLog>) -> Vec<Arc<Event>> {
    let mut events = Vec::new();
    for log in logs {
        let mut latest = None;
        for event in log.events {
            latest = latest.max(Some(event.time));
            events.push((latest, event.source, event.position, event));
        }
    }
    events.sort_by_key(|(time, source, position, _)| (*time, *source, *position));
    events.into_iter().map(|(_, _, _, event)| event).collect()
}

#[cfg(test)]
mod tests {
    use packer_events::body::EventBody;
    use packer_events::event::Schema;
    use packer_events::time::Timestamp;
    use packer_runtime::api::{OperationId, SourceId, UuidDraw};

    use super::*;

    fn log(n: u8, times: &[u64]) -> RecordedLog {
        let draw = UuidDraw { unix_ms: u64::from(n), entropy: [n; 16] };
        let source = SourceId::drawn(draw);
        let event = |(position, ms): (u64, &u64)| {
            Arc::new(Event {
                schema: Schema,
                source,
                position,
                operation_id: OperationId::drawn(draw),
                sequence: position,
                lifecycle_sequence: position,
                causation_id: None,
                time: Timestamp::from_unix_ms(*ms),
                base_revision: None,
                result_revision: None,
                terminal: false,
                coalesced: None,
                body: EventBody::Started {},
            })
        };
        RecordedLog { source, events: (1..).zip(times).map(event).collect(), damaged_lines: 0 }
    }

    #[test]
    fn logs_interleave_by_time_and_keep_their_own_order() {
        // The clock of the first source was set back after its second event.
        let merged = merged(vec![log(1, &[10, 30, 5]), log(2, &[20, 40])]);
        let order: Vec<(u64, u64)> =
            merged.iter().map(|event| (event.time.unix_ms(), event.position)).collect();
        assert_eq!(order, [(10, 1), (20, 1), (30, 2), (5, 3), (40, 2)]);
    }
}
