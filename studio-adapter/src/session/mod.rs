//! A Studio's session with one project: views of it, intents, and the operations that carry them out.
//!
//! The session holds the open project and no state beside it, so that two views of one moment cannot differ by what the
//! session remembers. Opening recovers and observes, which is the runtime's work. Views that are made of the snapshot never
//! look at the disk; those that do say so. Nothing is changed but by what is submitted, and what changes the workspace is
//! submitted only by a ticket from a preview.

mod contents;
mod options;
mod reads;

pub use contents::Contents;
pub use options::{OpenErrorReason, OpenErrorView, SessionOptions, WhenChanged};
pub use reads::CodeView;

use packer_runtime::api::{
    Command, From, Mutation, MutationPlan, PlanFile, Project, Verdict, create_project,
};
use serde::Serialize;

use crate::error::{ErrorView, read};
use crate::intent::{self, Intent};
use crate::operation::RunningOperation;
use crate::outcome::OutcomeView;
use crate::packs::{BuildIntent, CollectIntent, CollectedView};
use crate::preview::{PreviewView, Ticket};
use crate::updates::Updates;

/// One open project. Dropping it ends every operation, and waits for that.
#[derive(Debug)]
pub struct StudioSession {
    project: Project,
}

/// A project that was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreatedView {
    /// The files that were made.
    pub made: Vec<String>,
    /// Lines that files of the project's version control should have, and were left without: a file and a line each.
    pub missing: Vec<MissingLineView>,
}

/// A line that a file of the project's version control should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingLineView {
    /// The file.
    pub file: String,
    /// The line.
    pub line: String,
    /// What it is for.
    pub why: String,
}

impl StudioSession {
    /// Creates a project called `name` in the folder `root`, and leaves alone what stands there already.
    pub fn create(root: &str, name: &str) -> Result<CreatedView, ErrorView> {
        let created = create_project(root.as_ref(), name).map_err(|error| ErrorView::of_creation(&error))?;
        let missing = created.missing.into_iter().map(|missing| MissingLineView {
            file: missing.file.to_string(),
            line: missing.line,
            why: missing.why.to_owned(),
        });
        Ok(CreatedView {
            made: created.made.iter().map(ToString::to_string).collect(),
            missing: missing.collect(),
        })
    }

    /// Opens the project in the folder `root`, with the built-in codecs: watched, and with nothing done by itself.
    pub fn open(root: &str) -> Result<Self, OpenErrorView> {
        Self::open_with(root, &SessionOptions::default())
    }

    /// The same as the options say.
    pub fn open_with(root: &str, options: &SessionOptions) -> Result<Self, OpenErrorView> {
        Self::open_and_follow(root, options).map(|(session, _)| session)
    }

    /// The same, and follows what happens from the very first on: also what opening had to recover.
    pub fn open_and_follow(root: &str, options: &SessionOptions) -> Result<(Self, Updates), OpenErrorView> {
        let opened = Project::open_and_subscribe(root.as_ref(), options.read()?);
        let (project, feed) = opened.map_err(|error| OpenErrorView::of(&error))?;
        let updates = Updates::new(feed, project.reader());
        Ok((Self { project }, updates))
    }

    /// Follows what happens from here on.
    pub fn updates(&self) -> Updates {
        Updates::new(self.project.subscribe(From::Now), self.project.reader())
    }

    /// What an intent would do now, and a ticket for having just that done. Reads the paths that matter, and changes
    /// nothing.
    pub fn preview(&self, intent: &Intent) -> Result<(PreviewView, Ticket), ErrorView> {
        let mutation = intent.read(&self.project)?;
        let plan = self.project.preview(&mutation).map_err(|error| ErrorView::of_disk(&error))?;
        let word = intent.word(&plan.mutation);
        self.previewed(plan, word)
    }

    /// What the plan in a file would do now, and a ticket for having just that done; or why it would be refused. `path` is
    /// absolute, or relative to the project.
    pub fn preview_plan(&self, path: &str) -> Result<(PreviewView, Ticket), ErrorView> {
        let file = PlanFile::read(&self.project.root().join(path));
        let shown = file.map_err(|error| ErrorView::of_reading_plan(&error))?.into_plan();
        let judged = self.project.preview_shown(&shown).map_err(|error| ErrorView::of_disk(&error))?;
        let plan = judged.map_err(ErrorView::refused)?;
        let word = intent::word(&plan.mutation);
        self.previewed(plan, word)
    }

    /// Writes what was previewed to a file, for applying it later. `path` is absolute, or relative to the project.
    pub fn save_plan(&self, ticket: &Ticket, path: &str, overwrite: bool) -> Result<(), ErrorView> {
        let written = PlanFile::write(ticket.plan(), &self.project.root().join(path), overwrite);
        written.map_err(|error| ErrorView::of_writing_plan(&error))
    }

    /// Has done what was previewed, if it would still do the same; else it ends as rejected, and nothing was changed.
    pub fn apply(&self, ticket: Ticket) -> RunningOperation {
        self.submit(Command::Apply(Box::new(ticket.into_plan())))
    }

    /// Builds the pack.
    pub fn build(&self, intent: &BuildIntent) -> Result<RunningOperation, ErrorView> {
        Ok(self.submit(Command::Build(intent.read()?)))
    }

    /// Observes the workspace anew, and publishes what it finds.
    pub fn refresh(&self) -> RunningOperation {
        self.submit(Command::Refresh)
    }

    /// Asks an operation of this session to stop, also one that was started by itself. `false` if there is none with this id,
    /// or it has ended.
    pub fn cancel(&self, operation_id: &str) -> Result<bool, ErrorView> {
        Ok(self.project.cancel(read("operation_id", operation_id)?))
    }

    /// Drops what nobody needs any more, or says what it would drop. No operation; waits for a build that runs.
    pub fn collect(&self, intent: &CollectIntent) -> Result<CollectedView, ErrorView> {
        let collected = self.project.gc(&intent.request());
        collected.map(|report| CollectedView::of(&report)).map_err(|error| ErrorView::of_collection(&error))
    }

    /// What opening the project had to recover: how each of those operations ended.
    pub fn recovered(&self) -> Vec<OutcomeView> {
        self.project.recovered().iter().map(OutcomeView::of).collect()
    }

    fn submit(&self, command: Command) -> RunningOperation {
        RunningOperation::new(self.project.submit(command))
    }

    fn previewed(&self, plan: MutationPlan, word: &str) -> Result<(PreviewView, Ticket), ErrorView> {
        // Only what is blocked waits for a decision, and only reconciling asks for one.
        let undecided = match plan.verdict {
            Verdict::Blocked if reconciles(&plan.mutation) => {
                self.project.undecided(&plan.mutation).map_err(|error| ErrorView::of_disk(&error))?
            }
            Verdict::Blocked | Verdict::Ready | Verdict::Empty => Vec::new(),
        };
        Ok((PreviewView::of(&plan, word, &undecided), Ticket::new(plan)))
    }
}

fn reconciles(mutation: &Mutation) -> bool {
    match mutation {
        Mutation::Reconcile(_) => true,
        Mutation::Batch(batch) => batch.mutations.iter().any(reconciles),
        Mutation::Adopt(_)
        | Mutation::Register(_)
        | Mutation::Rename(_)
        | Mutation::SetBuild(_)
        | Mutation::Configure(_)
        | Mutation::Relocate(_)
        | Mutation::Duplicate(_)
        | Mutation::Remove(_)
        | Mutation::Undo(_)
        | Mutation::Recover(_) => false,
    }
}
