//! Operations that follow a change by themselves, where that is wanted: when they are due, and how the last one went.
//!
//! Each is an operation like any other, whose cause is the operation that watches. One is due when something happened that
//! a scan would tell more of, and a quiet moment has passed since; or, for builds, when readers see another revision than
//! the one that was built. What failed is not tried again before something new has happened.

use std::time::Duration;

use packer_domain::identity::Revision;

use super::doubts::Moment;
use crate::build::BuildRequest;
use crate::operation::OperationHandle;
use crate::project::Command;
use crate::shared::Shared;
use crate::sync::time::Instant;

/// Nothing may have happened for so long.
const QUIET: Duration = Duration::from_millis(150);

/// But this is as long as a stream of changes puts an operation off.
const LATEST: Duration = Duration::from_secs(2);

/// How to watch an open project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchOptions {
    /// What is done by itself when something has changed.
    pub automatic: Automatic,
}

/// What is done by itself when something has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Automatic {
    /// Nothing: the freshness says what may differ, and a snapshot is replaced when somebody asks for that.
    #[default]
    Nothing,
    /// A refresh.
    Refresh,
    /// A build, also once when watching begins. It observes first, and so takes the place of a refresh.
    Build(Box<BuildRequest>),
}

/// When the next operation is due.
#[derive(Debug)]
pub(super) struct Schedule {
    what: Automatic,
    running: Option<OperationHandle>,
    /// The moment before which everything was seen by the last operation that was tried.
    tried: Option<Moment>,
    /// The revision that the last build was about.
    built: Option<Revision>,
    /// The last thing that happened, when it was noticed, and when the first was that nobody has followed yet.
    last: Option<(Moment, Instant)>,
    first: Option<Instant>,
}

impl Schedule {
    pub(super) fn new(what: Automatic) -> Self {
        Self { what, running: None, tried: None, built: None, last: None, first: None }
    }

    /// What is due now, if something is.
    pub(super) fn due(&mut self, shared: &Shared) -> Option<Command> {
        if let Some(running) = &self.running {
            let ended = running.outcome()?;
            self.running = None;
            // Which revision that was, it says itself: another may have been published since.
            self.built = ended.ok().and_then(|outcome| outcome.event().result_revision).or(self.built);
        }
        let command = match &self.what {
            Automatic::Nothing => return None,
            Automatic::Refresh => Command::Refresh,
            Automatic::Build(request) => Command::Build((**request).clone()),
        };
        let is_build = matches!(self.what, Automatic::Build(_));
        let (wanted, now) = shared.wants_scan();
        let news = wanted.filter(|news| self.tried.is_none_or(|tried| *news > tried));
        // Readers see what was not built yet: somebody published it. The first build is like that, too.
        let unbuilt = is_build && self.built != Some(shared.status().snapshot.revision());
        let Some(news) = news.or(unbuilt.then_some(now)) else {
            self.first = None;
            return None;
        };
        let clock = Instant::now();
        let is_first = is_build && self.built.is_none() && self.tried.is_none();
        let since = *self.first.get_or_insert(clock);
        if self.last.is_none_or(|(last, _)| last != news) {
            self.last = Some((news, clock));
        }
        let quiet_since = self.last.map_or(clock, |(_, at)| at);
        let is_due = is_first
            || clock.saturating_duration_since(quiet_since) >= QUIET
            || clock.saturating_duration_since(since) >= LATEST;
        if !is_due {
            return None;
        }
        (self.first, self.tried) = (None, Some(now));
        Some(command)
    }

    /// The operation was submitted.
    pub(super) fn began(&mut self, handle: OperationHandle) {
        self.running = Some(handle);
    }

    /// Whether something is under way, so that it is worth looking again soon.
    pub(super) fn is_busy(&self) -> bool {
        self.running.is_some() || self.first.is_some()
    }
}
