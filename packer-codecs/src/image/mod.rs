//! The kind `image`: one picture to pixels that are ready to upload.
//!
//! Here are the settings and the order of the steps: recognise by content, decode to 8-bit RGBA, make smaller, then
//! index or premultiply, and lay out. Each step has its module; the layout is `packer_pack::payload::image`.
//!
//! Allocates, beyond source and payload, at most 36 bytes for each declared pixel and 1 MiB; with `indexed8` and more
//! than 256 colours, 60 bytes more for each pixel that is left; for a run-length encoded BMP, as much as the source again.

mod decode;
mod format;
mod palette;
mod pixels;
mod problem;
pub(crate) mod scale;

use packer_domain::codec::{BakeRequest, Baked, Codec, Finding, SourceInput};
use packer_domain::diagnostic::{DiagnosticCode, Severity};
use packer_domain::kind::{InputArity, KindSpec, SettingSpec, SettingType, SettingValue};
use packer_domain::limits::Limits;
use packer_pack::payload::LAYOUT_VERSION;
use packer_pack::payload::image::{
    HEADER_SIZE, ImageEncoding, ImageInfo, PALETTE_SIZE, SourceFormat, encode_indexed8, encode_rgba8,
    encode_source,
};

use crate::source;
use decode::{Decoded, Gate};
use pixels::Pixels;
use problem::ImageProblem;

/// The codec of `image`.
#[derive(Debug)]
pub struct ImageCodec {
    spec: KindSpec,
}

impl ImageCodec {
    /// The codec.
    pub fn new() -> Self {
        Self {
            spec: KindSpec {
                id: crate::kind("image"),
                codec_version: 2,
                payload_version: LAYOUT_VERSION,
                inputs: InputArity::One,
                extensions: &["png", "jpg", "jpeg", "webp", "qoi", "bmp", "tga", "gif"],
                signatures: format::SIGNATURES,
                settings: vec![
                    SettingSpec {
                        key: "encoding",
                        accepts: SettingType::Choice(&["rgba8", "indexed8", "source"]),
                        default: SettingValue::Text("rgba8".to_owned()),
                        doc: "How the pixels are stored; `source` keeps the file as it is, checked by decoding it.",
                    },
                    SettingSpec {
                        key: "premultiply",
                        accepts: SettingType::Bool,
                        default: SettingValue::Bool(false),
                        doc: "Whether colours are multiplied by alpha.",
                    },
                    SettingSpec {
                        key: "max_size",
                        accepts: SettingType::Int { min: 0, max: 65535 },
                        default: SettingValue::Int(0),
                        doc: "The most pixels of the longer side; larger pictures are made smaller, and 0 is no bound.",
                    },
                ],
            },
        }
    }
}

impl Default for ImageCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl Codec for ImageCodec {
    fn spec(&self) -> &KindSpec {
        &self.spec
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        let input = source::single(request)?;
        let want = Want {
            encoding: match request.settings.text("encoding") {
                "indexed8" => ImageEncoding::Indexed8,
                "source" => ImageEncoding::Source,
                _ => ImageEncoding::Rgba8,
            },
            premultiply: request.settings.bool("premultiply"),
            max_size: u32::try_from(request.settings.int("max_size")).unwrap_or(0),
        };
        want.bake(input, request.limits).map_err(|problem| vec![problem.finding(input)])
    }
}

/// The pixels of a file that a payload keeps as it is.
pub(crate) fn decoded(
    bytes: &[u8],
    format: SourceFormat,
    limits: &Limits,
) -> Result<Pixels, impl std::error::Error + use<>> {
    let gate = Gate { format, limits, payload: &|_, _| 0 };
    decode::decode(bytes, &gate).map(|decoded| decoded.pixels)
}

/// What the settings ask for.
struct Want {
    encoding: ImageEncoding,
    premultiply: bool,
    max_size: u32,
}

impl Want {
    fn bake(&self, input: &SourceInput, limits: &Limits) -> Result<Baked, ImageProblem> {
        let extension = input.path.extension().unwrap_or_default();
        let format = format::recognise(&input.bytes, extension)?;
        let payload_size = |width, height| self.payload_size(width, height, input.bytes.len());
        let gate = Gate { format, limits, payload: &payload_size };
        let Decoded { pixels, notes } = decode::decode(&input.bytes, &gate)?;
        let mut findings = mismatch(input, extension, format);
        findings.extend(notes.into_iter().map(|note| Finding {
            severity: Severity::Warning,
            ..Finding::new(DiagnosticCode::BakeDecode, input, note)
        }));
        let payload = match self.encoding {
            ImageEncoding::Source => self.keep(&pixels, format, &input.bytes)?,
            ImageEncoding::Rgba8 => self.rgba8(self.sized(pixels)?)?,
            ImageEncoding::Indexed8 => self.indexed8(&self.sized(pixels)?)?,
        };
        Ok(Baked { encoding: self.encoding.code(), payload, findings })
    }

    /// The size of the payload of a picture that decodes to this size.
    fn payload_size(&self, width: u32, height: u32, file: usize) -> u64 {
        let (width, height) = scale::target(width, height, self.max_size);
        let pixels = u64::from(width) * u64::from(height);
        let body = match self.encoding {
            ImageEncoding::Rgba8 => pixels.saturating_mul(4),
            ImageEncoding::Indexed8 => pixels.saturating_add(PALETTE_SIZE as u64),
            ImageEncoding::Source => file as u64,
        };
        body.saturating_add(HEADER_SIZE as u64)
    }

    fn sized(&self, pixels: Pixels) -> Result<Pixels, ImageProblem> {
        let (width, height) = scale::target(pixels.width, pixels.height, self.max_size);
        if (width, height) == (pixels.width, pixels.height) {
            return Ok(pixels);
        }
        scale::shrink(&pixels, width, height)
    }

    fn info(&self, pixels: &Pixels) -> ImageInfo {
        ImageInfo {
            width: pixels.width,
            height: pixels.height,
            premultiplied: self.premultiply,
            opaque: pixels.is_opaque(),
        }
    }

    fn rgba8(&self, mut pixels: Pixels) -> Result<Vec<u8>, ImageProblem> {
        if self.premultiply {
            pixels.premultiply();
        }
        Ok(encode_rgba8(self.info(&pixels), &pixels.rgba)?)
    }

    fn indexed8(&self, pixels: &Pixels) -> Result<Vec<u8>, ImageProblem> {
        let mut indexed = palette::index(pixels.rgba.as_chunks::<4>().0);
        let opaque = indexed.palette.iter().all(|colour| colour[3] == 255);
        if self.premultiply {
            indexed.palette.iter_mut().for_each(|colour| *colour = pixels::premultiplied(*colour));
        }
        let info = ImageInfo { opaque, ..self.info(pixels) };
        Ok(encode_indexed8(info, &indexed.palette, &indexed.indices)?)
    }

    fn keep(&self, pixels: &Pixels, format: SourceFormat, file: &[u8]) -> Result<Vec<u8>, ImageProblem> {
        if self.premultiply {
            return Err(ImageProblem::Settings { what: "`premultiply = true` cannot apply".to_owned() });
        }
        let (width, height) = (pixels.width, pixels.height);
        if scale::target(width, height, self.max_size) != (width, height) {
            let what =
                format!("`max_size = {}` cannot make its {width} x {height} pixels smaller", self.max_size);
            return Err(ImageProblem::Settings { what });
        }
        Ok(encode_source(self.info(pixels), format, file)?)
    }
}

/// Says where the content is of another format than the extension.
fn mismatch(input: &SourceInput, extension: &str, format: SourceFormat) -> Vec<Finding> {
    let promised = format::of_extension(extension).filter(|promised| *promised != format);
    promised.map_or_else(Vec::new, |promised| {
        let message = format!(
            "the content is {}, though the name promises {}",
            format::name(format),
            format::name(promised)
        );
        vec![Finding::new(DiagnosticCode::BakeContentMismatch, input, message)]
    })
}

#[cfg(test)]
mod tests;
