//! `studio_open` and `studio_update`: what an editor's adapter adds to the packer that it links.
//!
//! Everything happens in this process. Opening is compared with opening the same project with the same options and without
//! the adapter. An update is what follows from one asset that is excluded or included, taken from the queue once the
//! operation has ended: as soon as it costs by the project instead of by the change, a project that is a hundred times as
//! large shows it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use packer_runtime::api::{Automatic, OpenOptions, Project, WatchOptions};
use studio_adapter::{
    Intent, NavigatorQuery, NextUpdate, OperationStateView, ParticipationView, SessionOptions, StudioSession,
    Update, Updates, VerdictView,
};

use super::contest::{Arena, ContestError, in_turn, settle};
use super::measure::Sample;
use super::series::Series;

/// Updates take a fraction of a millisecond: fewer rounds do not tell them from noise.
const FEWEST_UPDATES: usize = 41;

/// How long a queue that has something is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Opening a session with the first page of its workspace view; and opening the project alone.
pub(super) fn open(arena: &Arena) -> Result<[Series; 2], ContestError> {
    let root = text(&arena.project)?;
    let fail = |reason: String| ContestError::Invalid { path: arena.project.clone(), reason };
    in_turn(
        arena.rounds,
        [
            Box::new(|_| {
                settle();
                let start = Instant::now();
                let session = StudioSession::open(root).map_err(|error| fail(error.to_string()))?;
                let view = session.workspace(&NavigatorQuery::default());
                let seconds = start.elapsed().as_secs_f64();
                let view = view.map_err(|error| fail(error.to_string()))?;
                if view.navigator.rows.is_empty() {
                    return Err(fail("it has no assets".to_owned()));
                }
                Ok(Sample { seconds, peak_bytes: 0, code: 0 })
            }),
            Box::new(|_| {
                settle();
                let watch = Some(WatchOptions { automatic: Automatic::Nothing });
                let options = OpenOptions { watch, ..OpenOptions::default() };
                let start = Instant::now();
                let project = Project::open(root.as_ref(), options);
                let seconds = start.elapsed().as_secs_f64();
                project.map_err(|error| fail(error.to_string()))?;
                Ok(Sample { seconds, peak_bytes: 0, code: 0 })
            }),
        ],
    )
}

/// The updates that follow from one change of the project, and from one of a `small` project.
pub(super) fn update(arena: &Arena, small: &Path) -> Result<[Series; 2], ContestError> {
    let (mut large, mut small) = (Toggle::open(&arena.project)?, Toggle::open(small)?);
    let was_included = large.included;
    let rounds = arena.rounds.max(FEWEST_UPDATES);
    let result = in_turn(rounds, [Box::new(|_| large.turn()), Box::new(|_| small.turn())]);
    if large.included != was_included {
        large.turn()?;
    }
    result
}

/// A session with a project of which one asset is excluded and included by turns.
struct Toggle {
    project: PathBuf,
    session: StudioSession,
    updates: Updates,
    asset: String,
    included: bool,
}

impl Toggle {
    fn open(project: &Path) -> Result<Self, ContestError> {
        let invalid = |reason: String| ContestError::Invalid { path: project.to_owned(), reason };
        let options = SessionOptions { watch: false, ..SessionOptions::default() };
        let opened = StudioSession::open_and_follow(text(project)?, &options);
        let (session, updates) = opened.map_err(|error| invalid(error.to_string()))?;
        let page = session.assets(&NavigatorQuery { limit: 1, ..NavigatorQuery::default() });
        let page = page.map_err(|error| invalid(error.to_string()))?;
        let row = page.rows.into_iter().next();
        let found = row.and_then(|row| Some((row.uuid?, row.build?)));
        let (asset, build) = found.ok_or_else(|| invalid("it has no managed asset".to_owned()))?;
        let included = build == ParticipationView::Included;
        Ok(Self { project: project.to_owned(), session, updates, asset, included })
    }

    /// Applies the other of the two, and takes what is told of it.
    fn turn(&mut self) -> Result<Sample, ContestError> {
        let fail = |said: String| ContestError::NotApplied { asset: self.asset.clone(), said };
        let assets = vec![self.asset.clone()];
        let intent = if self.included { Intent::Exclude { assets } } else { Intent::Include { assets } };
        let (view, ticket) = self.session.preview(&intent).map_err(|error| fail(error.to_string()))?;
        if view.verdict != VerdictView::Ready {
            return Err(fail(format!("its preview is {:?}", view.verdict)));
        }
        while !matches!(self.updates.next(Duration::ZERO), NextUpdate::Nothing) {}
        let running = self.session.apply(ticket);
        let id = running.operation_id();
        running.wait().map_err(|error| fail(error.to_string()))?;
        let (mut rows, mut ended) = (0, false);
        let start = Instant::now();
        while !ended {
            match self.updates.next(PATIENCE) {
                NextUpdate::Update(Update::Revision(revision)) => rows += revision.changed.len(),
                NextUpdate::Update(Update::Operation(row)) if row.operation_id == id => {
                    ended = row.state == OperationStateView::Ended;
                }
                NextUpdate::Update(_) => {}
                NextUpdate::Nothing | NextUpdate::Closed => {
                    return Err(fail("its end was not told".to_owned()));
                }
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        if rows != 1 {
            return Err(fail(format!("{} rows changed in {}", rows, self.project.display())));
        }
        self.included = !self.included;
        Ok(Sample { seconds, peak_bytes: 0, code: 0 })
    }
}

fn text(path: &Path) -> Result<&str, ContestError> {
    let invalid = || ContestError::Invalid { path: path.to_owned(), reason: "it is not UTF-8".to_owned() };
    path.to_str().ok_or_else(invalid)
}
