//! Previews of payloads, for editors: a thumbnail, the peaks of a sound, the head of a text or of a table, the first bytes of
//! anything else.
//!
//! Made from what was baked, so that they show what a game gets, and not from sources; a payload that keeps its source
//! file is decoded as when it was baked, within the same limits. Which payload is looked at, and whether it is current, is
//! the runtime's to say.
//!
//! Guarantees: whatever is asked for is cut to the bounds below, and a preview takes memory by them; beside it, what is
//! decoded takes as much as baking it did, and the head of a value as much as its largest text. Bad payloads are errors. A panic
//! of a third-party decoder is not caught here but by the runtime.

mod picture;
mod table;
mod wave;

pub use picture::Thumbnail;
pub use table::TableHead;
pub use wave::{ChannelPeaks, Peak, Waveform};

use packer_domain::limits::Limits;
use packer_pack::payload::data::DataView;
use packer_pack::payload::image::ImageView;
use packer_pack::payload::sound::SoundView;
use packer_pack::payload::{PayloadError, raw, text};
use thiserror::Error;

/// The longest side that a thumbnail may have, in pixels.
pub const MAX_EDGE: u32 = 4096;
/// The most peaks that a waveform may have, for each channel.
pub const MAX_PEAKS: u32 = 1 << 16;
/// The most bytes of a head.
pub const MAX_HEAD_BYTES: u32 = 1 << 20;
/// The most rows of a table's head.
pub const MAX_ROWS: u32 = 10_000;
/// The most columns of a table's head.
pub const MAX_COLUMNS: u32 = 256;
/// The most characters of a cell; a longer one is cut, and ends in `…`.
pub const MAX_CELL_CHARS: usize = 200;

/// How much of a payload to show. What is over a bound is cut to it; what is 0 counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviewRequest {
    /// The longest side of a thumbnail, in pixels, up to [`MAX_EDGE`]. A smaller picture stays as it is.
    pub max_edge: u32,
    /// How many peaks a waveform has for each channel, up to [`MAX_PEAKS`]. A shorter sound has one a frame.
    pub peaks: u32,
    /// How many bytes of a text, and of anything that has no other form, up to [`MAX_HEAD_BYTES`].
    pub head_bytes: u32,
    /// How many rows of a table, up to [`MAX_ROWS`].
    pub rows: u32,
    /// How many columns of it, up to [`MAX_COLUMNS`].
    pub columns: u32,
}

impl Default for PreviewRequest {
    fn default() -> Self {
        Self { max_edge: 256, peaks: 512, head_bytes: 4096, rows: 50, columns: 32 }
    }
}

impl PreviewRequest {
    /// The same within the bounds.
    fn bounded(self) -> Self {
        Self {
            max_edge: self.max_edge.clamp(1, MAX_EDGE),
            peaks: self.peaks.clamp(1, MAX_PEAKS),
            head_bytes: self.head_bytes.clamp(1, MAX_HEAD_BYTES),
            rows: self.rows.clamp(1, MAX_ROWS),
            columns: self.columns.clamp(1, MAX_COLUMNS),
        }
    }
}

/// What can be shown of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preview {
    /// Of a picture.
    Image(Thumbnail),
    /// Of a sound.
    Waveform(Waveform),
    /// Of a text.
    Text(TextHead),
    /// Of data.
    Table(TableHead),
    /// Of anything else.
    Bytes(ByteHead),
}

/// The beginning of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextHead {
    /// It, cut between two characters.
    pub text: String,
    /// Bytes of the whole text; more than those of the beginning where it was cut.
    pub total_bytes: u64,
}

/// The beginning of bytes that have no other form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteHead {
    /// It.
    pub bytes: Vec<u8>,
    /// How many there are.
    pub total_bytes: u64,
}

/// Why there is no preview of a payload.
#[derive(Debug, Error)]
pub enum PreviewError {
    /// It is not laid out as payloads of its kind are.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// What it keeps of its source cannot be decoded.
    #[error("{message}")]
    Decode {
        /// Why not.
        message: String,
    },
    /// It is no value.
    #[error("the value cannot be read: {message}")]
    Value {
        /// Why not.
        message: String,
    },
}

/// What can be shown of a payload of the kind `kind`. A kind that is none of the built-in ones is shown by its bytes.
pub fn preview(
    kind: &str,
    encoding: u8,
    payload: &[u8],
    limits: &Limits,
    request: &PreviewRequest,
) -> Result<Preview, PreviewError> {
    let request = request.bounded();
    Ok(match kind {
        "image" => Preview::Image(picture::thumbnail(
            &ImageView::parse(encoding, payload)?,
            limits,
            request.max_edge,
        )?),
        "sound" => {
            Preview::Waveform(wave::waveform(&SoundView::parse(encoding, payload)?, limits, request.peaks)?)
        }
        "text" => Preview::Text(text_head(text::parse(encoding, payload)?, request.head_bytes)),
        "data" => Preview::Table(table::head(DataView::parse(encoding, payload)?, &request)?),
        "raw" => Preview::Bytes(byte_head(raw::parse(encoding, payload)?, request.head_bytes)),
        _ => Preview::Bytes(byte_head(payload, request.head_bytes)),
    })
}

fn text_head(text: &str, most: u32) -> TextHead {
    let cut = text.floor_char_boundary(text.len().min(most as usize));
    TextHead { text: text[..cut].to_owned(), total_bytes: text.len() as u64 }
}

fn byte_head(bytes: &[u8], most: u32) -> ByteHead {
    let cut = bytes.len().min(most as usize);
    ByteHead { bytes: bytes[..cut].to_vec(), total_bytes: bytes.len() as u64 }
}

#[cfg(test)]
mod tests;
