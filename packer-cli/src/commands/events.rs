//! `packer events`: the recorded events of all sources of the project, in the order of time; and what comes, as it comes.
//!
//! It opens no project, so it works beside anything that runs, and on a project that cannot be opened.

use std::collections::BTreeSet;
use std::time::Duration;

use packer_events::event::Event;
use packer_events::interleave::interleaved;
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
            let there = if log.unreadable.is_some() { u64::MAX } else { log.last_position };
            (log.source, log.intact_position.max(asked.min(there)))
        })
        .collect();
    for log in &logs {
        warn_of(log, args.after, ui);
    }
    let living: BTreeSet<SourceId> = logs.iter().filter(|log| log.may_live).map(|log| log.source).collect();
    let mut unread: BTreeSet<SourceId> =
        logs.iter().filter(|log| log.unreadable.is_some()).map(|log| log.source).collect();
    let (mut replay, mut count) = (Replay::new(), 0);
    let events = logs.into_iter().map(|log| log.events).collect();
    for event in interleaved(events, |event| Some(event)) {
        replay.apply(&event);
        count += 1;
        show(&event, ui);
        if ui.is_closed() {
            return Ok(Exit::Done);
        }
    }
    let Some(guard) = guard else {
        if !ui.is_json() {
            ui.note(&render::told(&replay, count, &living));
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
            // Of one that could not be read before, that was said.
            LogNext::Unreadable(unreadable) if unread.remove(&unreadable.source) => {}
            LogNext::Unreadable(unreadable) => warn(&unreadable.to_string(), ui),
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
    if let Some(unreadable) = &log.unreadable {
        return warn(&unreadable.to_string(), ui);
    }
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
