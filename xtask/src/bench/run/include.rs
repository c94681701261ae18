//! `include`: one asset included in builds, or excluded from them, by a project that is open, beside the bare protocol on
//! the registry's bytes.
//!
//! Both happen in this process. The packer's time is that of applying a plan that was previewed before: from submitting it
//! until its outcome is stored and its snapshot published. The peer writes as many bytes to a file of its own on the same
//! file system, syncs it, renames it over the last one, and syncs the folder: what replacing a file durably costs.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use packer_runtime::api::{
    AssetQuery, AssetUuid, BuildParticipation, Command, Mutation, OpenOptions, Project, SetBuild,
};

use super::contest::{Arena, ContestError, in_turn, settle};
use super::measure::Sample;
use super::series::Series;

/// An open project of which one asset is excluded and included by turns.
struct Toggle {
    project: Project,
    asset: AssetUuid,
    name: String,
    included: bool,
}

impl Toggle {
    fn open(arena: &Arena) -> Result<Self, ContestError> {
        let invalid = |reason: String| ContestError::Invalid { path: arena.project.clone(), reason };
        let root = camino::Utf8PathBuf::from_path_buf(arena.project.clone())
            .map_err(|path| invalid(format!("{} is not UTF-8", path.display())))?;
        let project =
            Project::open(&root, OpenOptions::default()).map_err(|error| invalid(error.to_string()))?;
        let page = project.status().snapshot.assets(&AssetQuery { limit: Some(1), ..AssetQuery::default() });
        let row = page.rows.into_iter().next();
        let found = row.and_then(|row| Some((row.uuid?, row.name?, row.build?)));
        let (asset, name, build) = found.ok_or_else(|| invalid("it has no managed asset".to_owned()))?;
        let included = build == BuildParticipation::Included;
        Ok(Self { project, asset, name: name.to_string(), included })
    }

    /// Applies the other of the two.
    fn turn(&mut self) -> Result<Sample, ContestError> {
        let build = if self.included { BuildParticipation::Excluded } else { BuildParticipation::Included };
        let mutation = Mutation::SetBuild(SetBuild { assets: vec![self.asset], build });
        let fail = |said: String| ContestError::NotApplied { asset: self.name.clone(), said };
        let plan = self.project.preview(&mutation).map_err(|error| fail(error.to_string()))?;
        settle();
        let start = Instant::now();
        let outcome = self.project.submit(Command::Apply(Box::new(plan.into()))).wait();
        let seconds = start.elapsed().as_secs_f64();
        let outcome = outcome.map_err(|error| fail(error.to_string()))?;
        if outcome.success().is_none() {
            return Err(fail(format!("{:?}", outcome.ending())));
        }
        self.included = !self.included;
        Ok(Sample { seconds, peak_bytes: 0, code: 0 })
    }
}

/// One `SetBuild` applied; the bare protocol; and `packer include` or `packer exclude` as a process of its own. The asset is
/// at the end what it was.
pub(super) fn contest(arena: &Arena) -> Result<[Series; 3], ContestError> {
    let mut toggle = Toggle::open(arena)?;
    let was_included = toggle.included;
    let registry = arena.project.join("registry.jsonl");
    let bytes = fs::read(&registry).map_err(ContestError::io(&registry))?;
    let bare = Bare::new(arena)?;
    let result = in_turn(arena.rounds, [Box::new(|_| toggle.turn()), Box::new(|_| bare.replace(&bytes))]);
    let restored = if toggle.included == was_included { Ok(()) } else { toggle.turn().map(|_: Sample| ()) };
    bare.remove()?;
    let name = toggle.name.clone();
    drop(toggle);
    let [packer, peer] = result?;
    restored?;
    // An even number of times, so that it ends as it began.
    let mut included = was_included;
    let rounds = arena.rounds + (arena.rounds + 1) % 2;
    let process = in_turn(
        rounds,
        [Box::new(|_| {
            included = !included;
            settle();
            Ok(arena.set_build(if included { "include" } else { "exclude" }, &name).measure()?)
        })],
    );
    let [process] = process?;
    Ok([packer, peer, process])
}

/// A file that is replaced durably, and by nothing more than that takes.
struct Bare {
    folder: PathBuf,
}

impl Bare {
    fn new(arena: &Arena) -> Result<Self, ContestError> {
        let folder = arena.scratch.join("bare");
        fs::create_dir_all(&folder).map_err(ContestError::io(&folder))?;
        Ok(Self { folder })
    }

    fn replace(&self, bytes: &[u8]) -> Result<Sample, ContestError> {
        settle();
        let (new, place) = (self.folder.join("new"), self.folder.join("registry.jsonl"));
        let start = Instant::now();
        let replaced = File::create(&new)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&new, &place))
            .and_then(|()| File::open(&self.folder)?.sync_all());
        let seconds = start.elapsed().as_secs_f64();
        replaced.map_err(ContestError::io(&place))?;
        Ok(Sample { seconds, peak_bytes: 0, code: 0 })
    }

    fn remove(self) -> Result<(), ContestError> {
        fs::remove_dir_all(&self.folder).map_err(ContestError::io(&self.folder))
    }
}
