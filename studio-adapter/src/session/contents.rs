//! The contents of one snapshot's assets, asked for one by one.

use packer_runtime::api::{ContentPreviews, Project};

use super::reads::{is_gone, selected};
use crate::content::{ContentQuery, ContentView};
use crate::error::ErrorView;

/// What the assets of one snapshot look and sound like. Asking for it again shows what was built since.
#[derive(Debug)]
pub struct Contents {
    previews: ContentPreviews,
}

impl Contents {
    pub(super) fn of(project: &Project) -> Self {
        Self { previews: project.content_previews() }
    }

    /// The number of the snapshot.
    pub fn revision(&self) -> u64 {
        self.previews.snapshot().revision().0
    }

    /// What there is to show of a managed asset, called by its name, id, uuid, or the path of its anchor or of a source.
    /// Reads what was baked of it, and never a source.
    pub fn of_asset(&self, asset: &str, query: &ContentQuery) -> Result<ContentView, ErrorView> {
        let uuid = selected(self.previews.snapshot(), asset)?;
        let preview = self.previews.preview(uuid, &query.request());
        preview.map(ContentView::of).ok_or_else(|| is_gone(asset))
    }
}
