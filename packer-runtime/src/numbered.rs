//! For this crate's tests: workspaces that are functions of a number, so that an answer which mixes two of them shows.
//!
//! Of the workspaces with the numbers from 0 on, each has another name, one asset more and one file more than the one
//! before; after the last comes the first again. Whoever publishes them by their numbers can tell of every part of every
//! snapshot whether it belongs to the snapshot's revision.

use packer_domain::config::ProjectConfig;
use packer_domain::identity::Revision;
use packer_domain::mutation::{Adopt, Mutation, Target};
use packer_domain::path::AssetPath;

use crate::clock;
use crate::observe::{Lane, Observed};
use crate::operation::Operation;
use crate::project::{Command, Project, Status};
use crate::shared::Shared;
use crate::snapshot::AssetQuery;

/// How many there are.
const NUMBERS: u64 = 4;

/// Observations of all of them, and what a snapshot has to answer that was made from each.
pub(crate) struct Numbered(Vec<One>);

struct One {
    observed: Observed,
    name: String,
    last_file: AssetPath,
    no_file: AssetPath,
}

impl Numbered {
    /// Changes the workspace of `project`, which has no files, with `write`, adopts what it wrote, and observes.
    pub(crate) fn make(project: &Project, write: &dyn Fn(&str, &[u8])) -> Self {
        let path = |number: u64| AssetPath::parse(&format!("f{number}.txt")).expect("it is a path");
        let make = |number: u64| {
            let name = format!("game-{number}");
            write("packer.toml", ProjectConfig::new_project_text(&name).as_bytes());
            write(&format!("assets/f{number}.txt"), &vec![b'x'; number as usize + 1]);
            let adopt = Adopt { targets: vec![Target::Root], kind: None, draw: clock::draw() };
            let outcome = project.submit(Command::Mutate(Mutation::Adopt(adopt))).wait();
            assert!(outcome.as_ref().is_ok_and(|outcome| outcome.success().is_some()), "{outcome:?}");
            let observed = project.shared().observer.observe(Lane::Held, None, &|| false, &|_| {});
            let observed = observed.expect("the workspace can be observed");
            One { observed, name, last_file: path(number), no_file: path(number + 1) }
        };
        Self((0..NUMBERS).map(make).collect())
    }

    fn at(&self, revision: Revision) -> &One {
        &self.0[(revision.0 % NUMBERS) as usize]
    }

    /// Publishes the workspace that belongs to the next revision, and says which revision that is.
    pub(crate) fn publish(&self, shared: &Shared, operation: &Operation) -> Revision {
        let next = shared.status().snapshot.revision().next();
        let observed = &self.at(next).observed;
        let published = shared.publish(operation, observed, shared.next(observed));
        assert_eq!(published.to(), next, "nobody else publishes, and no two after each other are alike");
        next
    }

    /// Asks a snapshot that was so published for its parts, and has each of them agree with its revision.
    pub(crate) fn assert_whole(&self, status: &Status) {
        let snapshot = &status.snapshot;
        let revision = snapshot.revision();
        let one = self.at(revision);
        let last = revision.0 % NUMBERS;
        assert_eq!(snapshot.project_name(), one.name, "the name is not that of {revision:?}");
        let summary = snapshot.summary();
        assert_eq!(
            (summary.revision, summary.assets.managed),
            (revision, last + 1),
            "the figures are another's"
        );
        let query = AssetQuery { offset: last as usize, limit: Some(1), ..AssetQuery::default() };
        let page = snapshot.assets(&query);
        let found = (page.revision, page.total, page.rows.len());
        assert_eq!(found, (revision, last as usize + 1, 1), "the list is another's");
        let row = &page.rows[0];
        let detail = row.uuid.and_then(|uuid| snapshot.asset(uuid)).expect("what the list has is there");
        assert_eq!(detail.inputs.len(), 1, "{detail:?}");
        assert_eq!(detail.inputs[0].path, one.last_file, "the list and the asset disagree");
        assert_eq!(snapshot.size_of(&one.last_file), Some(last + 1), "the last file is another's");
        assert_eq!(snapshot.size_of(&one.no_file), None, "there is a file too many");
        assert_eq!(snapshot.diagnostics(), [], "none of them has anything wrong with it");
    }
}
