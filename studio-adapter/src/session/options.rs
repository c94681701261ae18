//! How to open a project, and why that fails.

use std::error::Error;
use std::fmt;

use packer_runtime::api::{Automatic, BuildRequest, OpenError, OpenOptions, WatchOptions};
use serde::Serialize;

use crate::error::ErrorView;
use crate::packs::read_threads;
use crate::problems::DiagnosticRow;

/// How to open a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionOptions {
    /// Whether changes on disk are noticed.
    pub watch: bool,
    /// What is done by itself when something has changed; only where that is noticed.
    pub automatic: WhenChanged,
    /// How many threads read files, and how many bake; for none one a processor bakes, and from 16 to 64 read, which wait
    /// for the disk.
    pub threads: Option<u32>,
    /// Whether an operation waits for a lane that another process holds, or is rejected.
    pub wait_for_lane: bool,
}

/// What is done by itself when something on disk has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WhenChanged {
    /// Nothing: the freshness says what may differ, and views stay as they are until somebody refreshes.
    #[default]
    Nothing,
    /// A refresh.
    Refresh,
    /// A build, which observes first.
    Build {
        /// The build profile of `packer.toml`; none for the plain options.
        profile: Option<String>,
    },
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
    /// The options cannot be read.
    Options,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { watch: true, automatic: WhenChanged::default(), threads: None, wait_for_lane: true }
    }
}

impl SessionOptions {
    pub(super) fn read(&self) -> Result<OpenOptions, OpenErrorView> {
        let Self { watch, automatic, threads, wait_for_lane } = self;
        let automatic = match automatic {
            WhenChanged::Nothing => Automatic::Nothing,
            WhenChanged::Refresh => Automatic::Refresh,
            WhenChanged::Build { profile } => {
                let request = BuildRequest { profile: profile.clone(), ..BuildRequest::default() };
                Automatic::Build(Box::new(request))
            }
        };
        Ok(OpenOptions {
            jobs: read_threads(*threads).map_err(OpenErrorView::of_options)?,
            wait_for_lane: *wait_for_lane,
            watch: watch.then_some(WatchOptions { automatic }),
            ..OpenOptions::default()
        })
    }
}

impl OpenErrorView {
    pub(super) fn of(error: &OpenError) -> Self {
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

    fn of_options(error: ErrorView) -> Self {
        Self { reason: OpenErrorReason::Options, message: error.message, diagnostics: Vec::new() }
    }
}

impl fmt::Display for OpenErrorView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for OpenErrorView {}
