//! Why a sound does not bake, and the finding that it becomes.

use packer_domain::codec::{Finding, SourceInput};
use packer_domain::diagnostic::DiagnosticCode;
use packer_pack::payload::PayloadError;
use packer_pack::payload::sound::SourceFormat;
use thiserror::Error;

use super::format::name;
use crate::source;

/// Why a sound does not bake.
#[derive(Debug, Error)]
pub(super) enum SoundProblem {
    /// No format that the packer knows begins like this.
    #[error("{found}; expected WAV, FLAC, OGG Vorbis or MP3")]
    NoSound { found: String },
    /// A format that is known and not read.
    #[error("the file is {found}; expected WAV, FLAC, OGG Vorbis or MP3")]
    OtherFormat { found: &'static str },
    /// A form of a format that is not read.
    #[error("the {} has {what}, which is not supported", name(*format))]
    Unsupported { format: SourceFormat, what: String },
    /// The file ends too early.
    #[error("the {} ends {place} (truncated)", name(*format))]
    Truncated { format: SourceFormat, place: String },
    /// The file contradicts its format.
    #[error("the {} is damaged: {reason}", name(*format))]
    Damaged { format: SourceFormat, reason: String },
    /// A sound without frames.
    #[error("the {} has no samples{more}", name(*format))]
    Empty { format: SourceFormat, more: String },
    /// A larger payload than the project allows.
    #[error("the payload would have {bytes} bytes; the limit of one payload is {most}")]
    Payload { bytes: u64, most: u64 },
    /// A source that decodes to more than a payload may hold.
    #[error("the {} decodes to at least {bytes} bytes of 16-bit samples; the limit of one payload is {most}", name(*format))]
    Decoded { format: SourceFormat, bytes: u64, most: u64 },
    /// More memory than the machine gives.
    #[error("decoding needs {bytes} bytes at once, and there is no room for them")]
    Memory { bytes: u64 },
    /// Settings that contradict each other or the sound.
    #[error("{what}")]
    Settings { what: String, help: &'static str },
    /// The layout refused what was to be written.
    #[error("the payload cannot be laid out: {0}")]
    Layout(#[from] PayloadError),
}

impl SoundProblem {
    /// The finding about `input`.
    pub(super) fn finding(&self, input: &SourceInput) -> Finding {
        let message = self.to_string();
        let plain = |code| Finding::new(code, input, message.clone());
        match self {
            Self::NoSound { .. } | Self::Damaged { .. } | Self::Empty { .. } => {
                plain(DiagnosticCode::BakeDecode)
            }
            Self::Truncated { .. } => plain(DiagnosticCode::BakeDecode).help("copy or export the file again"),
            Self::OtherFormat { .. } | Self::Unsupported { .. } => plain(DiagnosticCode::BakeUnsupported)
                .help("export it as WAV with 16-bit samples, or give the asset the kind `raw`"),
            Self::Payload { .. } | Self::Decoded { .. } => source::limit(input, message, "max_payload_bytes"),
            Self::Memory { .. } | Self::Layout(_) => plain(DiagnosticCode::BakeLimit),
            Self::Settings { help, .. } => plain(DiagnosticCode::BakeSettings).help(*help),
        }
    }
}
