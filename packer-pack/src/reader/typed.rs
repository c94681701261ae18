//! Payloads of the built-in kinds as what they are: pictures, sounds, texts, data.
//!
//! Each is read like any payload, borrowed where that is, and then viewed by [`payload`](crate::payload), which knows the
//! layouts. A team's own kinds are read with [`Entry::payload`] and viewed by the game. Nothing is decoded here.

use std::borrow::Cow;

use super::{Entry, ReadError};
use crate::payload::PayloadError;
use crate::payload::data::DataEncoding;
use crate::payload::image::{ImageInfo, ImagePixels, ImageView};
use crate::payload::sound::{SoundData, SoundInfo, SoundView};
use crate::payload::text;

/// A picture in a pack: borrowed from it if its payload is stored uncompressed in a pack that is mapped or in memory.
#[derive(Clone, Debug)]
pub struct Image<'p> {
    payload: Cow<'p, [u8]>,
    encoding: u8,
    info: ImageInfo,
}

impl Image<'_> {
    /// Its size, and what is known of its alpha.
    pub fn info(&self) -> ImageInfo {
        self.info
    }

    /// Its pixels, or its source file.
    #[expect(clippy::missing_panics_doc, reason = "the view was made of the same bytes before")]
    pub fn pixels(&self) -> ImagePixels<'_> {
        let view = ImageView::parse(self.encoding, &self.payload);
        view.expect("the same bytes were viewed when it was made").pixels
    }

    /// Whether it is a part of the pack's own bytes, so that it cost no copy.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.payload, Cow::Borrowed(_))
    }
}

/// A sound in a pack: borrowed from it if its payload is stored uncompressed in a pack that is mapped or in memory.
#[derive(Clone, Debug)]
pub struct Sound<'p> {
    payload: Cow<'p, [u8]>,
    encoding: u8,
    info: SoundInfo,
}

impl Sound<'_> {
    /// Its rate, channels, length and loop.
    pub fn info(&self) -> SoundInfo {
        self.info
    }

    /// Its samples, or its source file.
    #[expect(clippy::missing_panics_doc, reason = "the view was made of the same bytes before")]
    pub fn data(&self) -> SoundData<'_> {
        let view = SoundView::parse(self.encoding, &self.payload);
        view.expect("the same bytes were viewed when it was made").data
    }

    /// Whether it is a part of the pack's own bytes, so that it cost no copy.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.payload, Cow::Borrowed(_))
    }
}

/// A value in a pack, not yet parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data<'p> {
    /// JSON text.
    Json(Cow<'p, str>),
    /// `MessagePack` bytes.
    MessagePack(Cow<'p, [u8]>),
}

impl<'p> Entry<'p> {
    /// Its picture, if it is of the kind `image`.
    pub fn image(&self) -> Result<Image<'p>, ReadError> {
        let payload = self.payload_of("image")?;
        let info = ImageView::parse(self.encoding(), &payload).map_err(|fault| self.layout(fault))?.info;
        Ok(Image { payload, encoding: self.encoding(), info })
    }

    /// Its sound, if it is of the kind `sound`.
    pub fn sound(&self) -> Result<Sound<'p>, ReadError> {
        let payload = self.payload_of("sound")?;
        let info = SoundView::parse(self.encoding(), &payload).map_err(|fault| self.layout(fault))?.info;
        Ok(Sound { payload, encoding: self.encoding(), info })
    }

    /// Its text, if it is of the kind `text`.
    pub fn text(&self) -> Result<Cow<'p, str>, ReadError> {
        let payload = self.payload_of("text")?;
        text::parse(self.encoding(), b"").map_err(|fault| self.layout(fault))?;
        utf8("text", payload).map_err(|fault| self.layout(fault))
    }

    /// Its value, if it is of the kind `data`.
    pub fn data(&self) -> Result<Data<'p>, ReadError> {
        let payload = self.payload_of("data")?;
        match DataEncoding::from_code(self.encoding()).map_err(|fault| self.layout(fault))? {
            DataEncoding::Json => utf8("data", payload).map(Data::Json).map_err(|fault| self.layout(fault)),
            DataEncoding::MessagePack => Ok(Data::MessagePack(payload)),
        }
    }

    fn payload_of(&self, kind: &'static str) -> Result<Cow<'p, [u8]>, ReadError> {
        if self.kind()? == kind { self.payload() } else { Err(ReadError::OtherKind { id: self.id(), kind }) }
    }

    fn layout(&self, fault: PayloadError) -> ReadError {
        ReadError::Layout { id: self.id(), fault }
    }
}

fn utf8<'p>(kind: &'static str, payload: Cow<'p, [u8]>) -> Result<Cow<'p, str>, PayloadError> {
    let fault = |error: std::str::Utf8Error| PayloadError::Utf8 { kind, at: error.valid_up_to() };
    match payload {
        Cow::Borrowed(bytes) => str::from_utf8(bytes).map(Cow::Borrowed).map_err(fault),
        Cow::Owned(bytes) => {
            String::from_utf8(bytes).map(Cow::Owned).map_err(|error| fault(error.utf8_error()))
        }
    }
}
