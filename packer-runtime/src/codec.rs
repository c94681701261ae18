//! What a team needs to write its own codec: the trait, and the types of its signature. Hand the codecs over in
//! [`OpenOptions::codecs`](crate::api::OpenOptions).

pub use packer_codecs::builtin;
pub use packer_domain::codec::{BakeRequest, Baked, Codec, Finding, ResolvedReference, SourceInput};
pub use packer_domain::diagnostic::{DiagnosticCode, Severity, SourceText, Span};
pub use packer_domain::kind::{
    InputArity, KindId, KindIdError, KindSpec, SettingSpec, SettingType, SettingValue, Settings, Signature,
};
pub use packer_domain::limits::Limits;
