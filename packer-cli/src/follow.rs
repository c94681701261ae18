//! One operation from its submission to its end: its events shown as they come, and the sealed outcome.
//!
//! As JSON, every event is printed in its wire form, and the last line is the operation's one terminal event. For people,
//! progress and waiting are shown, and findings are collected for the command to show.

use std::time::Duration;

use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::record::{DiagnosticRecord, DivergenceRecord};
use packer_runtime::api::{Command, FeedItem, FeedNext, From, OperationHandle, Outcome, Project};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::project::tell_recovery;
use crate::render;
use crate::ui::Ui;

/// How long to wait for an event before looking whether the operation has ended without one.
const PATIENCE: Duration = Duration::from_millis(200);

/// How an operation went.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    pub outcome: Outcome,
    /// What it found, in order.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// The divergences that appeared.
    pub added: Vec<DivergenceRecord>,
    /// Those that are no more.
    pub cleared: Vec<DivergenceRecord>,
}

/// Runs `command` to its end. Ctrl-C cancels it, and its end is waited for nevertheless.
pub(crate) fn run(project: &Project, command: Command, ui: &mut Ui) -> Result<Followed, Failure> {
    let mut feed = project.subscribe(From::Now);
    let (handle, guard) = interrupt::cancellable(|| project.submit(command));
    let mut told = Told::default();
    loop {
        if guard.was_cancelled() {
            ui.note("cancelling: waiting for the operation to end");
        }
        match feed.next(PATIENCE) {
            FeedNext::Item(item) => {
                if told.take(&item, &handle, ui) {
                    break;
                }
            }
            // Somebody deleted the log before it was read back. The end comes from the handle.
            FeedNext::Missed(missed) => ui.note(&missed.to_string()),
            // The event comes before the outcome; without it by now, it could not be stored, or not be read back.
            FeedNext::Timeout | FeedNext::Closed => match handle.outcome() {
                None => {}
                Some(Err(error)) => {
                    ui.end_progress();
                    return Err(error.into());
                }
                Some(Ok(outcome)) => {
                    if ui.is_json() {
                        ui.event(outcome.event());
                    }
                    break;
                }
            },
        }
    }
    ui.end_progress();
    let outcome = handle.wait()?;
    Ok(Followed { outcome, diagnostics: told.diagnostics, added: told.added, cleared: told.cleared })
}

#[derive(Default)]
struct Told {
    diagnostics: Vec<DiagnosticRecord>,
    added: Vec<DivergenceRecord>,
    cleared: Vec<DivergenceRecord>,
}

impl Told {
    /// Takes one event in; whether it was the operation's last.
    fn take(&mut self, item: &FeedItem, handle: &OperationHandle, ui: &mut Ui) -> bool {
        let event: &Event = &item.event;
        if ui.is_json() {
            ui.event(event);
        }
        if event.operation_id != handle.id() {
            if let Some(outcome) = &item.outcome
                && outcome.kind() == OperationKind::Recover
                && !ui.is_json()
            {
                tell_recovery(outcome, ui);
            }
            return false;
        }
        match &event.body {
            EventBody::Queued { behind } if !ui.is_json() => {
                let line = render::waiting(behind);
                ui.note(&line);
            }
            EventBody::Progress { .. } => ui.progress(event),
            EventBody::Diagnostic(record) => self.diagnostics.push(record.clone()),
            EventBody::Divergence { added, cleared } => {
                self.added.extend_from_slice(added);
                self.cleared.extend_from_slice(cleared);
            }
            EventBody::Accepted { .. }
            | EventBody::Queued { .. }
            | EventBody::Started {}
            | EventBody::Freshness { .. }
            | EventBody::Committed { .. }
            | EventBody::Published { .. }
            | EventBody::Succeeded { .. }
            | EventBody::Rejected { .. }
            | EventBody::Failed { .. }
            | EventBody::Cancelled { .. }
            | EventBody::Aborted { .. }
            | EventBody::Recovered { .. }
            | EventBody::OutcomeUnknown { .. } => {}
        }
        event.terminal
    }
}

/// Says how an operation ended, and gives its exit code. What succeeded goes to standard output.
pub(crate) fn tell(outcome: &Outcome, ui: &mut Ui) -> Exit {
    let exit = Exit::of_ending(outcome.ending());
    if ui.is_json() {
        return exit;
    }
    if outcome.success().is_some() {
        if !ui.is_quiet() {
            let text = render::ending(outcome.ending(), ui.paint_out());
            ui.out(&text);
        }
    } else {
        let text = render::ending(outcome.ending(), ui.paint_err());
        ui.error(&text);
    }
    exit
}
