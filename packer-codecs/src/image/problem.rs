//! Why a picture does not bake, and the finding that it becomes.

use packer_domain::codec::{Finding, SourceInput};
use packer_domain::diagnostic::DiagnosticCode;
use packer_pack::payload::PayloadError;
use packer_pack::payload::image::SourceFormat;
use thiserror::Error;

use super::format::name;
use crate::source;

/// Why a picture does not bake.
#[derive(Debug, Error)]
pub(super) enum ImageProblem {
    /// No format that the packer knows begins like this.
    #[error("{found}; expected PNG, JPEG, WebP, QOI, BMP, TGA or GIF")]
    NoImage { found: String },
    /// A format that is known and not read.
    #[error("the file is {found}; expected PNG, JPEG, WebP, QOI, BMP, TGA or GIF")]
    OtherFormat { found: &'static str },
    /// A form of a format that is not read.
    #[error("the {} has {what}, which is not supported", name(*format))]
    Unsupported { format: SourceFormat, what: String },
    /// The file ends too early.
    #[error("the {} ends before its image is complete (truncated)", name(*format))]
    Truncated { format: SourceFormat },
    /// The file ends too early, and how far it came is known.
    #[error("the {} ends after {rows} of {of} rows of image data (truncated)", name(*format))]
    TruncatedRows { format: SourceFormat, rows: u64, of: u64 },
    /// The file contradicts its format.
    #[error("the {} is damaged: {reason}", name(*format))]
    Damaged { format: SourceFormat, reason: String },
    /// A picture without pixels.
    #[error("the {} declares {width} x {height} pixels; a picture has at least one", name(*format))]
    Empty { format: SourceFormat, width: u64, height: u64 },
    /// More pixels than the project allows.
    #[error(
        "the {} declares {width} x {height} = {} pixels; the limit of one image is {most}",
        name(*format),
        u128::from(*width) * u128::from(*height)
    )]
    Pixels { format: SourceFormat, width: u64, height: u64, most: u64 },
    /// A larger payload than the project allows.
    #[error("the payload would have {bytes} bytes; the limit of one payload is {most}")]
    Payload { bytes: u64, most: u64 },
    /// More memory than the machine gives, or than the decoder may take for the declared size.
    #[error("decoding needs {bytes} bytes at once, and there is no room for them")]
    Memory { bytes: u64 },
    /// A decoder that wanted more than a fixed multiple of the declared size.
    #[error("decoding the {} needs far more memory than its {width} x {height} pixels", name(*format))]
    DecoderMemory { format: SourceFormat, width: u32, height: u32 },
    /// Settings that contradict each other or the picture.
    #[error("`encoding = \"source\"` keeps the file as it is, so {what}")]
    Settings { what: String },
    /// The layout refused what was to be written.
    #[error("the payload cannot be laid out: {0}")]
    Layout(#[from] PayloadError),
}

impl ImageProblem {
    /// The finding about `input`.
    pub(super) fn finding(&self, input: &SourceInput) -> Finding {
        let message = self.to_string();
        let plain = |code| Finding::new(code, input, message.clone());
        match self {
            Self::NoImage { .. } | Self::Damaged { .. } | Self::Empty { .. } => {
                plain(DiagnosticCode::BakeDecode)
            }
            Self::Truncated { .. } | Self::TruncatedRows { .. } => {
                plain(DiagnosticCode::BakeDecode).help("copy or export the file again")
            }
            Self::OtherFormat { .. } | Self::Unsupported { .. } => plain(DiagnosticCode::BakeUnsupported)
                .help("export it as PNG, or give the asset the kind `raw`"),
            Self::Pixels { .. } => source::limit(input, message, "max_pixels"),
            Self::Payload { .. } => source::limit(input, message, "max_payload_bytes"),
            Self::Memory { .. } | Self::DecoderMemory { .. } | Self::Layout(_) => {
                plain(DiagnosticCode::BakeLimit)
            }
            Self::Settings { .. } => {
                plain(DiagnosticCode::BakeSettings).help("use the encoding \"rgba8\" or \"indexed8\"")
            }
        }
    }
}
