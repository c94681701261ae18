//! The contract of codecs: a pure function from inputs, settings and references to a payload, or findings.
//!
//! A codec reads nothing but its [`BakeRequest`], so everything it can depend on is in the build key. It must be
//! deterministic to the byte, must not panic (a panic is contained and reported as `bake/panic`), and must bound what
//! it allocates by [`Limits`]. The codecs themselves are in `packer-codecs`, or in a team's own crate.

use crate::diagnostic::{DiagnosticCode, Severity, Span};
use crate::identity::{AssetId, AssetUuid, Digest};
use crate::kind::{KindId, KindSpec, Settings};
use crate::limits::Limits;
use crate::path::AssetPath;

/// Bakes the assets of one kind.
pub trait Codec: Send + Sync {
    /// The kind it bakes, with its versions and settings.
    fn spec(&self) -> &KindSpec;

    /// Bakes one asset.
    ///
    /// # Errors
    /// Everything that is wrong with the inputs, never only the first thing; at least one finding is an error.
    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>>;
}

/// Everything that a codec may depend on.
#[derive(Clone, Copy, Debug)]
pub struct BakeRequest<'a> {
    /// The inputs, sorted by path bytes; as many as the kind's arity allows.
    pub inputs: &'a [SourceInput],
    /// The settings, complete and valid for the kind.
    pub settings: &'a Settings,
    /// What the settings refer to, in the order of the settings' keys.
    pub references: &'a [ResolvedReference],
    /// What the project allows.
    pub limits: &'a Limits,
}

/// One source file.
#[derive(Clone, Debug)]
pub struct SourceInput {
    /// Its path relative to the anchor's folder (the part of the build key that a move of the asset leaves alone).
    pub relative: String,
    /// Where it is.
    pub path: AssetPath,
    /// Its bytes; they have the digest that is in the build key.
    pub bytes: Vec<u8>,
}

/// An asset that a setting names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedReference {
    /// The setting's key.
    pub key: String,
    /// What it names.
    pub target: AssetUuid,
    /// The target's id in the pack.
    pub id: AssetId,
    /// The target's kind.
    pub kind: KindId,
    /// The target's build key.
    pub build_key: Digest,
}

/// A baked payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baked {
    /// How the payload is laid out, among the layouts of the kind (`packer-pack` documents those of the built-in ones).
    pub encoding: u8,
    /// The bytes that the game reads.
    pub payload: Vec<u8>,
    /// What is worth saying though it baked: warnings and infos.
    pub findings: Vec<Finding>,
}

/// Something a codec has to say of an asset. The packer makes a diagnostic of it, with the asset as its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code, of the area `bake`.
    pub code: DiagnosticCode,
    /// How bad it is.
    pub severity: Severity,
    /// The input that it is about.
    pub input: Option<AssetPath>,
    /// The place in that input, where it is a text.
    pub span: Option<Span>,
    /// What is wrong, in one sentence without a final period.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    /// A finding with the usual severity of its code, about `input`.
    pub fn new(code: DiagnosticCode, input: &SourceInput, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            input: Some(input.path.clone()),
            span: None,
            message: message.into(),
            help: None,
        }
    }

    /// The same, at `span` of its input.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
