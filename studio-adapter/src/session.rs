//! A Studio's session with one project: opening it, and asking for views.
//!
//! The session reads; it holds the open project and no state beside it, so that two views of one moment cannot differ by
//! what the session remembers. Opening recovers and observes, which is the runtime's work; asking for a view never looks
//! at the disk.

use std::error::Error;
use std::fmt;

use packer_runtime::api::{OpenError, OpenOptions, Project};
use serde::Serialize;

use crate::outcome::OutcomeView;
use crate::problems::{DiagnosticRow, ProblemsView};

/// One open project. Dropping it ends every operation, and waits for that.
#[derive(Debug)]
pub struct StudioSession {
    project: Project,
}

/// Why a project cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenErrorView {
    /// Which kind of reason.
    pub reason: OpenErrorReason,
    /// The reason in one sentence, without a final period.
    pub message: String,
    /// What is wrong with the file that cannot be used, in the packer's order.
    pub diagnostics: Vec<DiagnosticRow>,
}

/// The kinds of reasons why a project cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenErrorReason {
    /// The folder is no project.
    NotAProject,
    /// The configuration or the registry cannot be used; the diagnostics say why.
    Unusable,
    /// The assets root is not there, or is no folder.
    AssetsRoot,
    /// Other processes kept committing.
    Disturbed,
    /// A file operation failed.
    Disk,
    /// A thread could not be started.
    Threads,
}

impl StudioSession {
    /// Opens the project in the folder `root`, with the built-in codecs.
    pub fn open(root: &str) -> Result<Self, OpenErrorView> {
        let project = Project::open(root.as_ref(), OpenOptions::default());
        project.map(|project| Self { project }).map_err(|error| OpenErrorView::of(&error))
    }

    /// What is wrong in the workspace, as the published snapshot has it. Never waits and never looks at the disk.
    pub fn problems(&self) -> ProblemsView {
        ProblemsView::of(&self.project.status())
    }

    /// What opening the project had to recover: how each of those operations ended.
    pub fn recovered(&self) -> Vec<OutcomeView> {
        self.project.recovered().iter().map(OutcomeView::of).collect()
    }
}

impl OpenErrorView {
    fn of(error: &OpenError) -> Self {
        let (reason, diagnostics) = match error {
            OpenError::NotAProject { .. } => (OpenErrorReason::NotAProject, None),
            OpenError::Unusable { diagnostics, .. } => (OpenErrorReason::Unusable, Some(diagnostics)),
            OpenError::AssetsRoot { .. } => (OpenErrorReason::AssetsRoot, None),
            OpenError::Disturbed => (OpenErrorReason::Disturbed, None),
            OpenError::Disk(_) => (OpenErrorReason::Disk, None),
            OpenError::Threads { .. } => (OpenErrorReason::Threads, None),
        };
        Self {
            reason,
            message: error.to_string(),
            diagnostics: diagnostics.into_iter().flatten().map(DiagnosticRow::of).collect(),
        }
    }
}

impl fmt::Display for OpenErrorView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for OpenErrorView {}
