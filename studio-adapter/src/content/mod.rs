//! What assets look and sound like: the packer's previews of what it baked, passed on.
//!
//! Nothing is decoded, scaled or judged here. Whether what is shown is what a build would give now is the packer's to say,
//! and stands beside it as what is lacking.

use packer_runtime::api::{
    AssetState, ByteHead, ChannelPeaks, ContentLack, ContentPlace, ContentPreview, Preview, PreviewRequest,
    ShownContent, TableHead, TextHead, Thumbnail, Waveform,
};
use serde::Serialize;

use crate::labels;
use crate::problems::DiagnosticRow;
use crate::workspace::AssetStateView;

/// How much to show. What is more than the packer gives is cut, and nothing counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ContentQuery {
    /// The longest side of a thumbnail, in pixels.
    pub max_edge: u32,
    /// How many peaks a waveform has for each channel.
    pub peaks: u32,
    /// How many bytes of a text, and of what has no other form.
    pub head_bytes: u32,
    /// How many rows of a table.
    pub rows: u32,
    /// How many columns of it.
    pub columns: u32,
}

/// What there is to show of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContentView {
    /// The asset's uuid.
    pub asset: String,
    /// The number of the snapshot by which it was judged.
    pub revision: u64,
    /// What is shown, if anything can be.
    pub shown: Option<ShownContentView>,
    /// Why that is not what a build would give now, or why nothing is shown; none where it is current.
    pub lack: Option<ContentLackView>,
}

/// What is shown of an asset, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownContentView {
    /// The kind that the asset had when it was baked.
    pub kind: String,
    /// It.
    pub content: ContentIs,
    /// Digest of the payload. As long as it is the same, so is what is shown.
    pub artifact: String,
    /// Digest of what the payload was baked from.
    pub build_key: String,
    /// Where the payload is.
    pub place: ContentPlaceView,
    /// The same in words.
    pub place_label: String,
}

/// What can be shown of a payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentIs {
    /// A small picture of a picture.
    Image {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// Four bytes a pixel, row by row from the top: red, green, blue and alpha, as sRGB, not multiplied by alpha.
        rgba: Vec<u8>,
        /// The picture's own width in pixels.
        full_width: u32,
        /// The picture's own height in pixels.
        full_height: u32,
    },
    /// The shape of a sound.
    Waveform {
        /// Frames a second.
        sample_rate: u32,
        /// How many frames the sound has.
        frames: u64,
        /// The frames that repeat while it is held.
        looping: Option<LoopView>,
        /// Its channels; all have as many peaks.
        channels: Vec<ChannelView>,
    },
    /// The beginning of a text.
    Text {
        /// It.
        text: String,
        /// Bytes of the whole text.
        total_bytes: u64,
    },
    /// The beginning of a table.
    Table {
        /// The names of the columns.
        columns: Vec<String>,
        /// The rows, with a cell for each column.
        rows: Vec<TableRowView>,
        /// How many rows there are in all.
        total_rows: u64,
        /// Whether there are columns that are not listed.
        has_more_columns: bool,
    },
    /// The beginning of anything else.
    Bytes {
        /// It.
        bytes: Vec<u8>,
        /// How many there are.
        total_bytes: u64,
    },
}

/// The frames of a sound that repeat while it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LoopView {
    /// The first.
    pub start: u64,
    /// The one after the last.
    pub end: u64,
}

/// A channel of a sound, in stretches, in the order of time. The lists are as long as each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelView {
    /// The lowest sample of each stretch, of 16 bits.
    pub min: Vec<i16>,
    /// The highest.
    pub max: Vec<i16>,
    /// How loud each is: the root of the mean of the squares, from 0 to 32,768.
    pub rms: Vec<u16>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableRowView {
    /// Its cells; none for what it does not have.
    pub cells: Vec<Option<String>>,
}

/// Where a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentPlaceView {
    /// In the pack of the last build.
    Pack,
    /// In the artifact store.
    Store,
}

/// Why an asset has nothing current to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContentLackView {
    /// Why.
    pub why: ContentLackIs,
    /// The same in one sentence, without a final period.
    pub message: String,
    /// What a build said of it, where it failed.
    pub diagnostics: Vec<DiagnosticRow>,
}

/// The reasons why an asset has nothing current to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentLackIs {
    /// No build has baked what it is now.
    NotBuilt {},
    /// What it is now cannot be baked.
    Failed {},
    /// Builds leave it out.
    Excluded {},
    /// No build can take it as it is.
    HeldBack {
        /// What stands in the way; `ready` where it is something that it refers to.
        state: AssetStateView,
    },
    /// What was baked of it cannot be shown.
    Unreadable {},
    /// What was baked of it is too large to be shown.
    TooLarge {
        /// Its size.
        bytes: u64,
    },
}

impl Default for ContentQuery {
    fn default() -> Self {
        let PreviewRequest { max_edge, peaks, head_bytes, rows, columns } = PreviewRequest::default();
        Self { max_edge, peaks, head_bytes, rows, columns }
    }
}

impl ContentQuery {
    pub(crate) fn request(self) -> PreviewRequest {
        let Self { max_edge, peaks, head_bytes, rows, columns } = self;
        PreviewRequest { max_edge, peaks, head_bytes, rows, columns }
    }
}

impl ContentView {
    pub(crate) fn of(preview: ContentPreview) -> Self {
        let ContentPreview { asset, revision, shown, lack } = preview;
        Self {
            asset: asset.to_string(),
            revision: revision.0,
            shown: shown.map(ShownContentView::of),
            lack: lack.as_ref().map(ContentLackView::of),
        }
    }
}

impl ShownContentView {
    fn of(shown: ShownContent) -> Self {
        let ShownContent { preview, kind, artifact, build_key, place } = shown;
        let (place, place_label) = match place {
            ContentPlace::Pack => (ContentPlaceView::Pack, "last pack"),
            ContentPlace::Store => (ContentPlaceView::Store, "artifact store"),
        };
        Self {
            kind: kind.to_string(),
            content: ContentIs::of(preview),
            artifact: artifact.to_string(),
            build_key: build_key.to_string(),
            place,
            place_label: place_label.to_owned(),
        }
    }
}

impl ContentIs {
    fn of(preview: Preview) -> Self {
        match preview {
            Preview::Image(Thumbnail { width, height, rgba, full_width, full_height }) => {
                Self::Image { width, height, rgba, full_width, full_height }
            }
            Preview::Waveform(Waveform { sample_rate, frames, looping, channels }) => Self::Waveform {
                sample_rate,
                frames,
                looping: looping.map(|(start, end)| LoopView { start, end }),
                channels: channels.iter().map(ChannelView::of).collect(),
            },
            Preview::Text(TextHead { text, total_bytes }) => Self::Text { text, total_bytes },
            Preview::Table(TableHead { columns, rows, total_rows, has_more_columns }) => Self::Table {
                columns,
                rows: rows.into_iter().map(|cells| TableRowView { cells }).collect(),
                total_rows,
                has_more_columns,
            },
            Preview::Bytes(ByteHead { bytes, total_bytes }) => Self::Bytes { bytes, total_bytes },
        }
    }
}

impl ChannelView {
    fn of(ChannelPeaks(peaks): &ChannelPeaks) -> Self {
        Self {
            min: peaks.iter().map(|peak| peak.min).collect(),
            max: peaks.iter().map(|peak| peak.max).collect(),
            rms: peaks.iter().map(|peak| peak.rms).collect(),
        }
    }
}

impl ContentLackView {
    fn of(lack: &ContentLack) -> Self {
        let view = |why, message: &str| Self { why, message: message.to_owned(), diagnostics: Vec::new() };
        match lack {
            ContentLack::NotBuilt => view(ContentLackIs::NotBuilt {}, "no build has baked it as it is now"),
            ContentLack::Failed { diagnostics } => Self {
                diagnostics: diagnostics.iter().map(DiagnosticRow::of).collect(),
                ..view(ContentLackIs::Failed {}, "it cannot be baked as it is now")
            },
            ContentLack::Excluded => view(ContentLackIs::Excluded {}, "builds leave it out"),
            ContentLack::HeldBack { state } => {
                let message = match state {
                    AssetState::Ready => "what it refers to cannot be built".to_owned(),
                    AssetState::Unregistered
                    | AssetState::RegistryConflict
                    | AssetState::Missing
                    | AssetState::Moved
                    | AssetState::Duplicated
                    | AssetState::Invalid
                    | AssetState::NameConflict
                    | AssetState::InputMissing
                    | AssetState::ReferenceBroken => {
                        format!("no build can take it as it is: {}", labels::state(*state))
                    }
                };
                view(ContentLackIs::HeldBack { state: AssetStateView::of(*state) }, &message)
            }
            ContentLack::Unreadable { message } => view(
                ContentLackIs::Unreadable {},
                &format!("what was baked of it cannot be shown: {message}"),
            ),
            ContentLack::TooLarge { bytes } => view(
                ContentLackIs::TooLarge { bytes: *bytes },
                "what was baked of it is too large to be shown",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
