//! `StatusReader`: what a project has published, for whoever reads beside it and must not keep it open.

use std::sync::Arc;

use super::Status;
use crate::shared::Shared;

/// Reads what an open project publishes. It keeps no operation running: after the project was closed, it reads what was
/// published last.
#[derive(Clone)]
pub struct StatusReader {
    shared: Arc<Shared>,
}

impl StatusReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The snapshot and its freshness, in one atomic read. Never waits.
    pub fn status(&self) -> Arc<Status> {
        self.shared.status()
    }
}

impl std::fmt::Debug for StatusReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusReader").field("root", &self.shared.root).finish_non_exhaustive()
    }
}
