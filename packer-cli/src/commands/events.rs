//! `packer events`: the recorded events of all sources of the project, in the order of time; and what comes, as it comes.
//!
//! It opens no project, so it works beside anything that runs, and on a project that cannot be opened.

use std::sync::Arc;
use std::time::Duration;

use packer_events::event::Event;
use packer_events::replay::Replay;
use packer_runtime::api::{LogFollower, LogNext, OpenError, RecordedLog, SourceId, recorded_logs};

use crate::args::{EventsArgs, GlobalArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::project;
use crate::render;
use crate::ui::Ui;

/// How long to wait for an event before looking whether somebody wants to stop.
const PATIENCE: Duration = Duration::from_millis(100);

pub(super) fn run(args: &EventsArgs, global: &GlobalArgs, ui: &mut Ui) -> Result<Exit, Failure> {
    let root = project::place(global)?.root;
    if !root.join("packer.toml").is_file() {
        return Err(OpenError::NotAProject { path: root }.into());
    }
    let guard = args.follow.then(interrupt::noted);
    let mut logs = recorded_logs(&root)?;
    if let Some((source, after)) = args.after {
        logs.retain(|log| log.source == source);
        if logs.is_empty() {
            return Err(Failure::usage(format!("there is no log of {source}")));
        }
        for log in &mut logs {
            log.events.retain(|event| event.position > after);
            log.holes.retain(|hole| hole.next > after.saturating_add(1));
        }
    }
    // Where following goes on.
    let read: Vec<(SourceId, u64)> = logs
        .iter()
        .map(|log| {
            // What stands after that may be cut off, and what lies beyond the end was said to be missing.
            let asked = args.after.map_or(0, |(_, after)| after);
            (log.source, log.intact_position.max(asked.min(log.last_position)))
        })
        .collect();
    for log in &logs {
        warn_of(log, args.after, ui);
    }
    let (mut replay, mut count) = (Replay::new(), 0);
    for event in merged(logs) {
        replay.apply(&event);
        count += 1;
        show(&event, ui);
        if ui.is_closed() {
            return Ok(Exit::Done);
        }
    }
    let Some(guard) = guard else {
        if !ui.is_json() {
            ui.note(&render::told(&replay, count));
        }
        return Ok(Exit::Done);
    };
    drop(replay);
    ui.flush();
    let mut follower = LogFollower::new(&root, read);
    if let Some((source, _)) = args.after {
        follower = follower.only(source);
    }
    while !guard.was_cancelled() {
        match follower.next(PATIENCE)? {
            LogNext::Event(event) => {
                show(&event, ui);
                ui.flush();
            }
            LogNext::Missed(missed) => warn(&missed.to_string(), ui),
            LogNext::CutOff(cut) => warn(&cut.to_string(), ui),
            LogNext::Timeout => {}
        }
        if ui.is_closed() {
            return Ok(Exit::Done);
        }
    }
    Ok(Exit::Cancelled)
}

fn show(event: &Event, ui: &mut Ui) {
    if ui.is_json() {
        ui.out(&packer_events::wire::encode_line(event));
    } else {
        ui.out(&render::recorded(event, ui.paint_out()));
    }
}

/// Says what of a log cannot be shown, or is not there although it was asked for.
fn warn_of(log: &RecordedLog, asked: Option<(SourceId, u64)>, ui: &mut Ui) {
    if log.damaged_lines > 0 {
        let lines = render::things(log.damaged_lines, "line", "lines");
        warn(&format!("{lines} of the log of {} cannot be read", log.source), ui);
    }
    for hole in &log.holes {
        warn(&format!("in the log of {}, {hole}", log.source), ui);
    }
    let Some((source, after)) = asked else { return };
    match log.events.first() {
        Some(first) if first.position > after.saturating_add(1) && log.holes.is_empty() => {
            let next = first.position;
            warn(&format!("the events of {source} after position {after} and before {next} are gone"), ui);
        }
        None if log.last_position < after => {
            warn(&format!("the log of {source} ends at position {}", log.last_position), ui);
        }
        Some(_) | None => {}
    }
}

fn warn(text: &str, ui: &mut Ui) {
    let warning = ui.paint_err().warning("warning");
    ui.note(&format!("{warning}: {text}"));
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
        let events: Vec<_> = (1..).zip(times).map(event).collect();
        let last_position = events.len() as u64;
        RecordedLog {
            source,
            carried: Vec::new(),
            events,
            damaged_lines: 0,
            holes: Vec::new(),
            last_position,
            intact_position: last_position,
            may_live: false,
        }
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
