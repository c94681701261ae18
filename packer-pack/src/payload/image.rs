//! Payloads of the kind `image`: a header of 32 bytes, then pixels, or the source file as it is.
//!
//! Rows are tight and run from top to bottom; a pixel is red, green, blue, alpha, one byte each, sRGB, with straight
//! alpha unless the header says premultiplied. The header's size keeps the pixels as aligned as the payload.
//!
//! Decoding, resizing and quantising are the business of `packer-codecs`.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::PayloadError;

/// The size of the header.
pub const HEADER_SIZE: usize = 32;
/// The size of the palette of [`ImageEncoding::Indexed8`]: always 256 entries of four bytes.
pub const PALETTE_SIZE: usize = 1024;

const KIND: &str = "image";
const PREMULTIPLIED: u32 = 1;
const OPAQUE: u32 = 2;

/// How the pixels are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageEncoding {
    /// Four bytes a pixel.
    Rgba8 = 0,
    /// A palette of 256 RGBA colours, then one byte a pixel.
    Indexed8 = 1,
    /// The source file as it is; the header still has its dimensions.
    Source = 2,
}

impl ImageEncoding {
    /// The encoding with this code.
    pub fn from_code(encoding: u8) -> Result<Self, PayloadError> {
        match encoding {
            0 => Ok(Self::Rgba8),
            1 => Ok(Self::Indexed8),
            2 => Ok(Self::Source),
            _ => Err(PayloadError::Encoding { kind: KIND, encoding }),
        }
    }

    /// The code that the table holds.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// The format of a source file, for [`ImageEncoding::Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceFormat {
    /// PNG.
    Png = 1,
    /// JPEG.
    Jpeg = 2,
    /// WebP.
    WebP = 3,
    /// QOI.
    Qoi = 4,
    /// BMP.
    Bmp = 5,
    /// TGA.
    Tga = 6,
    /// GIF.
    Gif = 7,
}

impl SourceFormat {
    /// Every format, by code.
    pub const ALL: [Self; 7] =
        [Self::Png, Self::Jpeg, Self::WebP, Self::Qoi, Self::Bmp, Self::Tga, Self::Gif];

    fn from_code(code: u32) -> Result<Self, PayloadError> {
        let found = Self::ALL.into_iter().find(|format| *format as u32 == code);
        found.ok_or(PayloadError::Field { kind: KIND, field: "format", value: code })
    }
}

/// What the header says of every picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// Whether colours are multiplied by alpha.
    pub premultiplied: bool,
    /// Whether every pixel is known to have full alpha.
    pub opaque: bool,
}

/// The pixels of a picture, borrowed from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagePixels<'a> {
    /// `width * height * 4` bytes.
    Rgba8(&'a [u8]),
    /// One byte a pixel.
    Indexed8 {
        /// The colours, RGBA; entries past `colours` are zero.
        palette: &'a [[u8; 4]; 256],
        /// How many of them are used, from 1 to 256.
        colours: u16,
        /// `width * height` bytes.
        indices: &'a [u8],
    },
    /// The source file.
    Source {
        /// Its format, by content.
        format: SourceFormat,
        /// Its bytes.
        file: &'a [u8],
    },
}

/// A picture, borrowed from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageView<'a> {
    /// What the header says.
    pub info: ImageInfo,
    /// What follows it.
    pub pixels: ImagePixels<'a>,
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    width: U32,
    height: U32,
    flags: U32,
    format: U32,
    colours: U32,
    reserved: [u8; 12],
}

const _: () = assert!(size_of::<Header>() == HEADER_SIZE);

impl<'a> ImageView<'a> {
    /// Views a payload, in constant time.
    pub fn parse(encoding: u8, payload: &'a [u8]) -> Result<Self, PayloadError> {
        let encoding = ImageEncoding::from_code(encoding)?;
        let size_error =
            |expected: u64| PayloadError::Size { kind: KIND, expected, found: payload.len() as u64 };
        let (header, body) = Header::ref_from_prefix(payload).map_err(|_| size_error(HEADER_SIZE as u64))?;
        let field = |field, value| PayloadError::Field { kind: KIND, field, value };
        let (width, height, flags) = (header.width.get(), header.height.get(), header.flags.get());
        if width == 0 {
            return Err(field("width", 0));
        }
        if height == 0 {
            return Err(field("height", 0));
        }
        if flags & !(PREMULTIPLIED | OPAQUE) != 0 {
            return Err(field("flags", flags));
        }
        if header.reserved != [0; 12] {
            return Err(field("reserved", u32::from(header.reserved.into_iter().max().unwrap_or(0))));
        }
        let (format, colours) = (header.format.get(), header.colours.get());
        if encoding != ImageEncoding::Source && format != 0 {
            return Err(field("format", format));
        }
        if encoding != ImageEncoding::Indexed8 && colours != 0 {
            return Err(field("colours", colours));
        }
        // Two u32 multiply without overflow in u64; the factor 4 and what precedes the pixels may not.
        let pixels = u64::from(width) * u64::from(height);
        let exactly = |fixed: u64, factor: u64| {
            let expected = pixels.saturating_mul(factor).saturating_add(fixed);
            if payload.len() as u64 == expected { Ok(()) } else { Err(size_error(expected)) }
        };
        let pixels = match encoding {
            ImageEncoding::Rgba8 => {
                exactly(HEADER_SIZE as u64, 4)?;
                ImagePixels::Rgba8(body)
            }
            ImageEncoding::Indexed8 => {
                exactly((HEADER_SIZE + PALETTE_SIZE) as u64, 1)?;
                let colours = u16::try_from(colours)
                    .ok()
                    .filter(|colours| (1..=256).contains(colours))
                    .ok_or_else(|| field("colours", colours))?;
                let (palette, indices) = <[[u8; 4]; 256]>::ref_from_prefix(body)
                    .map_err(|_| size_error((HEADER_SIZE + PALETTE_SIZE) as u64))?;
                ImagePixels::Indexed8 { palette, colours, indices }
            }
            ImageEncoding::Source => {
                ImagePixels::Source { format: SourceFormat::from_code(format)?, file: body }
            }
        };
        let info = ImageInfo {
            width,
            height,
            premultiplied: flags & PREMULTIPLIED != 0,
            opaque: flags & OPAQUE != 0,
        };
        Ok(Self { info, pixels })
    }

    /// The encoding of the payload.
    pub fn encoding(&self) -> ImageEncoding {
        match self.pixels {
            ImagePixels::Rgba8(_) => ImageEncoding::Rgba8,
            ImagePixels::Indexed8 { .. } => ImageEncoding::Indexed8,
            ImagePixels::Source { .. } => ImageEncoding::Source,
        }
    }
}

/// A payload of [`ImageEncoding::Rgba8`]: `pixels` must have `width * height * 4` bytes.
pub fn encode_rgba8(info: ImageInfo, pixels: &[u8]) -> Result<Vec<u8>, PayloadError> {
    assemble(ImageEncoding::Rgba8, info, 0, 0, &[pixels])
}

/// A payload of [`ImageEncoding::Indexed8`]: `indices` must have `width * height` bytes, and `palette` from 1 to 256
/// colours; it is filled up with zeros.
pub fn encode_indexed8(
    info: ImageInfo,
    palette: &[[u8; 4]],
    indices: &[u8],
) -> Result<Vec<u8>, PayloadError> {
    let colours = u32::try_from(palette.len()).unwrap_or(u32::MAX);
    if palette.is_empty() || palette.len() > 256 {
        return Err(PayloadError::Field { kind: KIND, field: "colours", value: colours });
    }
    if let Some(index) = indices.iter().find(|index| usize::from(**index) >= palette.len()) {
        return Err(PayloadError::Field { kind: KIND, field: "index", value: u32::from(*index) });
    }
    let fill = vec![0; PALETTE_SIZE - palette.len() * 4];
    assemble(ImageEncoding::Indexed8, info, 0, colours, &[palette.as_bytes(), &fill, indices])
}

/// A payload of [`ImageEncoding::Source`]: the dimensions are those that the file decodes to.
pub fn encode_source(info: ImageInfo, format: SourceFormat, file: &[u8]) -> Result<Vec<u8>, PayloadError> {
    assemble(ImageEncoding::Source, info, format as u32, 0, &[file])
}

fn assemble(
    encoding: ImageEncoding,
    info: ImageInfo,
    format: u32,
    colours: u32,
    parts: &[&[u8]],
) -> Result<Vec<u8>, PayloadError> {
    let flags = if info.premultiplied { PREMULTIPLIED } else { 0 } | if info.opaque { OPAQUE } else { 0 };
    let header = Header {
        width: info.width.into(),
        height: info.height.into(),
        flags: flags.into(),
        format: format.into(),
        colours: colours.into(),
        reserved: [0; 12],
    };
    let mut payload = Vec::with_capacity(HEADER_SIZE + parts.iter().map(|part| part.len()).sum::<usize>());
    payload.extend_from_slice(header.as_bytes());
    for part in parts {
        payload.extend_from_slice(part);
    }
    // One place says what is valid: what it refuses is never written.
    ImageView::parse(encoding.code(), &payload)?;
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: ImageInfo = ImageInfo { width: 3, height: 2, premultiplied: true, opaque: false };

    #[test]
    fn rgba8_comes_back() {
        let pixels: Vec<u8> = (0..24).collect();
        let payload = encode_rgba8(INFO, &pixels).unwrap();
        let view = ImageView::parse(ImageEncoding::Rgba8.code(), &payload).unwrap();
        assert_eq!(view, ImageView { info: INFO, pixels: ImagePixels::Rgba8(&pixels) });
        assert_eq!(payload[..16], [3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn indexed8_comes_back_with_a_full_palette() {
        let palette = [[1, 2, 3, 255], [4, 5, 6, 0]];
        let payload = encode_indexed8(INFO, &palette, &[0, 1, 0, 1, 1, 1]).unwrap();
        assert_eq!(payload.len(), 32 + 1024 + 6);
        let view = ImageView::parse(ImageEncoding::Indexed8.code(), &payload).unwrap();
        let ImagePixels::Indexed8 { palette: got, colours, indices } = view.pixels else {
            panic!("{view:?}")
        };
        assert_eq!((colours, &got[..2], got[2]), (2, &palette[..], [0; 4]));
        assert_eq!(indices, [0, 1, 0, 1, 1, 1]);
        let error = encode_indexed8(INFO, &palette, &[0, 1, 0, 1, 1, 2]).unwrap_err();
        assert_eq!(error, PayloadError::Field { kind: "image", field: "index", value: 2 });
        assert!(encode_indexed8(INFO, &[], &[0; 6]).is_err());
        assert!(encode_indexed8(INFO, &[[0; 4]; 257], &[0; 6]).is_err());
    }

    #[test]
    fn source_comes_back_in_every_format() {
        for format in SourceFormat::ALL {
            let info = ImageInfo { opaque: true, ..INFO };
            let payload = encode_source(info, format, b"file").unwrap();
            let view = ImageView::parse(ImageEncoding::Source.code(), &payload).unwrap();
            assert_eq!(view, ImageView { info, pixels: ImagePixels::Source { format, file: b"file" } });
            assert_eq!(view.encoding(), ImageEncoding::Source);
        }
    }

    #[test]
    fn sizes_are_exact() {
        let payload = encode_rgba8(INFO, &[0; 24]).unwrap();
        for size in 0..payload.len() {
            let expected = if size < HEADER_SIZE { 32 } else { 56 };
            let error = PayloadError::Size { kind: "image", expected, found: size as u64 };
            assert_eq!(ImageView::parse(0, &payload[..size]), Err(error));
        }
        assert!(encode_rgba8(INFO, &[0; 25]).is_err());
        let huge = ImageInfo { width: u32::MAX, height: u32::MAX, ..INFO };
        assert!(matches!(encode_rgba8(huge, &[]), Err(PayloadError::Size { expected: u64::MAX, .. })));
    }

    #[test]
    fn unknown_field_values_are_refused() {
        let payload = encode_source(INFO, SourceFormat::Png, b"").unwrap();
        // (byte, value): width 0, height 0, unknown flag, unknown format, colours without a palette, reserved.
        for (at, value) in [(0, 0), (4, 0), (8, 4), (12, 8), (12, 0), (16, 1), (20, 1), (31, 1)] {
            let mut bad = payload.clone();
            bad[at] = value;
            let error = ImageView::parse(2, &bad).unwrap_err();
            assert!(matches!(error, PayloadError::Field { .. }), "byte {at}: {error:?}");
        }
        assert_eq!(ImageView::parse(3, &payload), Err(PayloadError::Encoding { kind: "image", encoding: 3 }));
    }
}
