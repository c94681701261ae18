//! `subscriber`: a build from nothing with somebody who reads every event of it, beside the same build with nobody.
//!
//! Both happen in this process, by turns, on one open project. Asked to explain itself, a build also says of each asset why
//! it is baked, which makes as many events as there are assets.

use std::time::{Duration, Instant};

use packer_runtime::api::{BuildRequest, Command, FeedNext, From, OpenOptions, Project, StorePolicy};

use super::contest::{Arena, ContestError, in_turn, settle};
use super::measure::Sample;
use super::series::Series;

/// Fewer rounds do not tell one part in fifty from noise.
const FEWEST_ROUNDS: usize = 15;

/// A build with a subscriber, and one without, which explain themselves or do not.
pub(super) fn contest(arena: &Arena, explain: bool) -> Result<[Series; 2], ContestError> {
    let invalid = |reason: String| ContestError::Invalid { path: arena.project.clone(), reason };
    let root = camino::Utf8PathBuf::from_path_buf(arena.project.clone())
        .map_err(|path| invalid(format!("{} is not UTF-8", path.display())))?;
    let project = Project::open(&root, OpenOptions::default()).map_err(|error| invalid(error.to_string()))?;
    let build = || -> Result<Sample, ContestError> {
        settle();
        let request =
            BuildRequest { reuse: false, store: StorePolicy::Off, explain, ..BuildRequest::default() };
        let start = Instant::now();
        let outcome = project.submit(Command::Build(request)).wait();
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(outcome) if outcome.success().is_some() => Ok(Sample { seconds, peak_bytes: 0, code: 0 }),
            Ok(outcome) => Err(invalid(format!("{:?}", outcome.ending()))),
            Err(error) => Err(invalid(error.to_string())),
        }
    };
    let read = || {
        let mut feed = project.subscribe(From::Now);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut ends = false;
                while !ends {
                    ends = match feed.next(Duration::from_mins(10)) {
                        FeedNext::Item(item) => item.event.terminal,
                        FeedNext::Missed(_) | FeedNext::Timeout | FeedNext::Closed => true,
                    };
                }
            });
            build()
        })
    };
    let rounds = arena.rounds.max(FEWEST_ROUNDS);
    in_turn(rounds, [Box::new(|_| read()), Box::new(|_| build())])
}
