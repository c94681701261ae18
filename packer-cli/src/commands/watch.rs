//! `packer watch`: says what differs from the snapshot as it happens, refreshes or builds after a quiet moment, and goes on
//! until it is told to stop. What is done and when is the packer's decision; here it is shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use packer_events::body::{EventBody, OperationKind};
use packer_events::record::{DiagnosticRecord, DivergenceRecord};
use packer_runtime::api::{
    Automatic, BuildBase, BuildRequest, Feed, FeedItem, FeedNext, OperationId, Outcome, WatchOptions,
};
use packer_runtime::codec::Codec;

use super::build::findings;
use super::detail;
use super::refresh::listed;
use crate::args::{GlobalArgs, WatchArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{self, Opened, tell_recovery};
use crate::ui::Ui;
use crate::{follow, interrupt, render};

/// How long to wait for an event before looking whether somebody wants to stop.
const PATIENCE: Duration = Duration::from_millis(100);

pub(super) fn run(
    args: &WatchArgs,
    global: &GlobalArgs,
    codecs: Vec<Arc<dyn Codec>>,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let automatic = if args.build {
        let (base, profile, jobs) = (BuildBase::Refreshed, args.profile.clone(), args.jobs);
        Automatic::Build(Box::new(BuildRequest { base, profile, jobs, ..BuildRequest::default() }))
    } else {
        Automatic::Refresh
    };
    let (opened, mut feed) = project::open_watched(global, codecs, args.jobs, WatchOptions { automatic })?;
    let Some(watch) = opened.project.watch().cloned() else {
        return Err(Failure::new(Exit::Bug, "the project was opened without being watched"));
    };
    let (watch, guard) = interrupt::cancellable(|| watch);
    if !ui.is_json() {
        let status = opened.project.status();
        let greeting =
            render::watching(status.snapshot.project_name(), status.snapshot.summary(), ui.paint_out());
        ui.out(&greeting);
        ui.flush();
    }
    let mut shown = Shown { watch: watch.id(), running: BTreeMap::new() };
    let ended = loop {
        if guard.was_cancelled() {
            ui.note("stopping");
        }
        match feed.next(PATIENCE) {
            FeedNext::Item(item) => {
                if let Some(outcome) = shown.take(&item, Some(&opened), ui) {
                    break outcome;
                }
            }
            // Somebody deleted the log before it was read back, and the end may have been in it.
            FeedNext::Missed(missed) => {
                ui.note(&missed.to_string());
                if let Some(Ok(outcome)) = watch.outcome() {
                    break outcome;
                }
            }
            FeedNext::Timeout => {
                // Its end could not be stored, so nobody was told of it.
                if let Some(Err(error)) = watch.outcome() {
                    ui.end_progress();
                    return Err(error.into());
                }
                if ui.is_closed() {
                    watch.cancel();
                }
            }
            FeedNext::Closed => return Err(Failure::new(Exit::Bug, "the events ended before the watch")),
        }
    };
    // What still runs is cancelled by closing the project, and ends before that is done.
    drop(opened);
    shown.rest(&mut feed, ui);
    ui.end_progress();
    Ok(Exit::of_ending(ended.ending()))
}

/// What is shown of the events.
struct Shown {
    watch: OperationId,
    running: BTreeMap<OperationId, Found>,
}

/// What an operation found.
#[derive(Default)]
struct Found {
    diagnostics: Vec<DiagnosticRecord>,
    added: Vec<DivergenceRecord>,
    cleared: Vec<DivergenceRecord>,
}

impl Shown {
    /// Shows one event; how watching ended, if it has.
    fn take(&mut self, item: &FeedItem, opened: Option<&Opened>, ui: &mut Ui) -> Option<Outcome> {
        let event = &*item.event;
        if ui.is_json() {
            ui.event(event);
        } else {
            self.show(item, opened, ui);
            ui.flush();
        }
        item.outcome.clone().filter(|outcome| outcome.operation_id() == self.watch)
    }

    /// Shows the events that come until there are no more.
    fn rest(&mut self, feed: &mut Feed, ui: &mut Ui) {
        // The project is closed: everything has been said.
        while let FeedNext::Item(item) = feed.next(PATIENCE) {
            self.take(&item, None, ui);
        }
    }

    fn show(&mut self, item: &FeedItem, opened: Option<&Opened>, ui: &mut Ui) {
        let event = &*item.event;
        let found = self.running.entry(event.operation_id).or_default();
        match &event.body {
            EventBody::Freshness { from, to, cause, paths } => {
                let text = render::transition(from, to, *cause, paths, detail(ui), ui.paint_out());
                ui.out(&text);
            }
            EventBody::Queued { behind } => ui.note(&render::waiting(behind)),
            EventBody::Progress { .. } => ui.progress(event),
            EventBody::Diagnostic(record) => found.diagnostics.push(record.clone()),
            EventBody::Divergence { added, cleared } => {
                found.added.extend_from_slice(added);
                found.cleared.extend_from_slice(cleared);
            }
            EventBody::Accepted { .. }
            | EventBody::Started {}
            | EventBody::Committed { .. }
            | EventBody::Published { .. } => {}
            EventBody::Succeeded { .. }
            | EventBody::Rejected { .. }
            | EventBody::Failed { .. }
            | EventBody::Cancelled { .. }
            | EventBody::Aborted { .. }
            | EventBody::Recovered { .. }
            | EventBody::OutcomeUnknown { .. } => {
                let found = self.running.remove(&event.operation_id).unwrap_or_default();
                ui.end_progress();
                if let Some(outcome) = &item.outcome {
                    ended(outcome, &found, opened, ui);
                }
            }
        }
    }
}

/// Shows how an operation ended, after what it found.
fn ended(outcome: &Outcome, found: &Found, opened: Option<&Opened>, ui: &mut Ui) {
    if outcome.kind() == OperationKind::Recover {
        return tell_recovery(outcome, ui);
    }
    if let Some(opened) = opened {
        findings(&found.diagnostics, opened, ui);
    }
    let detail = detail(ui);
    ui.out(&listed("appeared", &found.added, detail));
    ui.out(&listed("gone", &found.cleared, detail));
    follow::tell(outcome, ui);
}
