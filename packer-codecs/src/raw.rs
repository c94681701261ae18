//! The kind `raw`: the payload is the source file, byte for byte.
//!
//! It has no extensions and no signatures, so adoption gives it only to files for which somebody asks it. Allocates the
//! payload and nothing else.

use packer_domain::codec::{BakeRequest, Baked, Codec, Finding};
use packer_domain::kind::{InputArity, KindSpec};
use packer_pack::payload::{LAYOUT_VERSION, raw};

use crate::source;

/// The codec of `raw`.
#[derive(Debug)]
pub struct RawCodec {
    spec: KindSpec,
}

impl RawCodec {
    /// The codec.
    pub fn new() -> Self {
        Self {
            spec: KindSpec {
                id: crate::kind("raw"),
                codec_version: 1,
                payload_version: LAYOUT_VERSION,
                inputs: InputArity::One,
                extensions: &[],
                signatures: &[],
                settings: Vec::new(),
            },
        }
    }
}

impl Default for RawCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl Codec for RawCodec {
    fn spec(&self) -> &KindSpec {
        &self.spec
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        let input = source::single(request)?;
        source::check_payload(input, input.bytes.len() as u64, request.limits)?;
        Ok(Baked { encoding: raw::BYTES, payload: input.bytes.clone(), findings: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use packer_domain::diagnostic::DiagnosticCode;
    use packer_domain::limits::Limits;

    use super::*;
    use crate::fixture::Bake;

    #[test]
    fn the_payload_is_the_file() {
        let every_byte: Vec<u8> = (0..=255).collect();
        let baked = Bake::new(&RawCodec::new(), "level.bin", &every_byte).ok();
        assert_eq!((baked.encoding, baked.payload), (raw::BYTES, every_byte));
        assert_eq!(Bake::new(&RawCodec::new(), "empty", b"").ok().payload, b"");
    }

    #[test]
    fn a_file_beyond_either_limit_is_refused() {
        for limits in [
            Limits { max_input_bytes: 3, ..Limits::default() },
            Limits { max_payload_bytes: 3, ..Limits::default() },
        ] {
            let findings = Bake::new(&RawCodec::new(), "a.bin", b"four").limits(limits).err();
            assert_eq!(findings[0].code, DiagnosticCode::BakeLimit);
        }
    }
}
