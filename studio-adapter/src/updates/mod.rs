//! Updates: what changes in the views, as it does, by operation, freshness and revision.
//!
//! Behind them is the runtime's feed, and its guarantees are theirs: its queue is bounded, of progress the latest counts,
//! and nothing else is lost. What an event says of an operation is shown as it is told. What it says of a snapshot or of
//! the freshness is taken as a hint to look: shown is what one read of both gives, and the snapshots that are shown follow
//! each other without a gap: each [`RevisionView`] begins where the last one ended. Where several were published since,
//! one update leads over all of them, at the cost of what differs.
//!
//! Here is no state that decides anything: what is remembered is what was shown last, so that the same is not shown again.

mod activity;
mod revision;

pub use activity::FindingView;
pub use revision::{ProblemChangesView, RevisionView};

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use packer_events::event::Event;
use packer_runtime::api::{Feed, FeedNext, Outcome, Status, StatusReader};
use serde::Serialize;

use crate::freshness::FreshnessBadge;
use crate::operation::{OperationView, ProgressView};
use activity::Activity;

/// Something that changed in a view.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", content = "is", rename_all = "snake_case")]
pub enum Update {
    /// An operation began, waits, started, committed or ended: its row of the activity.
    Operation(Box<OperationView>),
    /// How far an operation is.
    Progress(OperationProgress),
    /// An operation found something.
    Finding(Box<FindingView>),
    /// Another snapshot is shown: which rows differ.
    Revision(Box<RevisionView>),
    /// The problems are others: which came and which went.
    Problems(Box<ProblemChangesView>),
    /// What is known of the shown snapshot against the disk.
    Freshness(FreshnessBadge),
}

/// How far an operation is with one part of its work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationProgress {
    /// The operation.
    pub operation_id: String,
    /// How far it is.
    pub progress: ProgressView,
}

/// What waiting for an update gave.
#[derive(Clone, Debug, PartialEq)]
pub enum NextUpdate {
    /// An update.
    Update(Update),
    /// None within the time.
    Nothing,
    /// There will be none any more: the session was closed.
    Closed,
}

/// What changes in the views of one session, as it does. Dropping it ends nothing else.
#[derive(Debug)]
pub struct Updates {
    feed: Feed,
    reader: StatusReader,
    activity: Activity,
    /// What is shown: by the last updates, or else by a view that was asked for before the first.
    shown: Arc<Status>,
    /// What the last event brought about, and was not taken yet: a few at the most.
    waiting: VecDeque<Update>,
}

impl Updates {
    pub(crate) fn new(feed: Feed, reader: StatusReader) -> Self {
        let shown = reader.status();
        Self { feed, reader, activity: Activity::default(), shown, waiting: VecDeque::new() }
    }

    /// The number of the snapshot that the updates so far lead to. A view of a later one is led to by those to come.
    pub fn revision(&self) -> u64 {
        self.shown.snapshot.revision().0
    }

    /// The next update, waiting for it at most `patience`.
    pub fn next(&mut self, patience: Duration) -> NextUpdate {
        loop {
            if let Some(update) = self.waiting.pop_front() {
                return NextUpdate::Update(update);
            }
            match self.feed.next(patience) {
                FeedNext::Item(item) => self.take(&item.event, item.outcome.as_ref()),
                // Somebody deleted the log before it was read back: what is shown is looked at anew.
                FeedNext::Missed(_) => self.look(),
                FeedNext::Timeout => {
                    // What is published is told of afterwards; but on a disk that takes no more events, nothing is told.
                    self.look();
                    return self.waiting.pop_front().map_or(NextUpdate::Nothing, NextUpdate::Update);
                }
                FeedNext::Closed => return NextUpdate::Closed,
            }
        }
    }

    /// Takes an event in. What it brought about comes before the end of its operation: whoever sees the end sees that, too.
    fn take(&mut self, event: &Event, outcome: Option<&Outcome>) {
        // Of progress there can be a lot, and nothing that is published hangs on it.
        if event.is_lifecycle() {
            self.look();
        }
        self.waiting.extend(self.activity.take(event, outcome));
    }

    /// Looks at what is published, in one read, and shows what differs.
    fn look(&mut self) {
        let status = self.reader.status();
        let before = std::mem::replace(&mut self.shown, status);
        let now = &self.shown;
        if before.snapshot.revision() != now.snapshot.revision() {
            let changes = now.snapshot.changes_since(&before.snapshot);
            let revision = RevisionView::of(&before.snapshot, &now.snapshot, &changes);
            self.waiting.push_back(Update::Revision(Box::new(revision)));
            if let Some(problems) = ProblemChangesView::of(&now.snapshot, &changes) {
                self.waiting.push_back(Update::Problems(Box::new(problems)));
            }
        }
        if before.freshness != now.freshness {
            self.waiting.push_back(Update::Freshness(FreshnessBadge::of(&now.freshness)));
        }
    }
}
