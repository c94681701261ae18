//! Build keys: the digest of everything that a payload depends on.
//!
//! What is not in the key cannot change a byte of the payload: not the asset's name, place, uuid or id, not the time, not
//! the limits. Compression is not in it either: it is no part of the payload, and recorded beside it.

use crate::codec::ResolvedReference;
use crate::identity::Digest;
use crate::kind::{KindSpec, Settings};

use super::BuildInput;

/// Version of the key's own make-up: raised whenever the same facts would give another key.
pub const BUILD_KEY_VERSION: u32 = 1;

/// The key of a payload. Every variable part is preceded by its length, so no two different sets of facts run together.
pub fn build_key(
    spec: &KindSpec,
    settings: &Settings,
    inputs: &[BuildInput],
    references: &[ResolvedReference],
) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"packer build key");
    hasher.update(&BUILD_KEY_VERSION.to_le_bytes());
    text(&mut hasher, spec.id.as_str());
    hasher.update(&spec.codec_version.to_le_bytes());
    hasher.update(&spec.payload_version.to_le_bytes());
    settings.hash_into(&mut hasher);
    count(&mut hasher, inputs.len());
    for input in inputs {
        text(&mut hasher, &input.relative);
        hasher.update(input.digest.as_bytes());
    }
    count(&mut hasher, references.len());
    for reference in references {
        text(&mut hasher, &reference.key);
        // A codec may write the target's id into the payload.
        hasher.update(&reference.id.get().to_le_bytes());
        text(&mut hasher, reference.kind.as_str());
        hasher.update(reference.build_key.as_bytes());
        hasher.update(reference.target.as_bytes());
    }
    Digest::from_bytes(*hasher.finalize().as_bytes())
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    count(hasher, text.len());
    hasher.update(text.as_bytes());
}

fn count(hasher: &mut blake3::Hasher, count: usize) {
    hasher.update(&(count as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{AssetId, UuidDraw};
    use crate::kind::{InputArity, KindId, SettingValue};
    use crate::path::AssetPath;

    fn spec() -> KindSpec {
        KindSpec {
            id: KindId::parse("image").unwrap(),
            codec_version: 1,
            payload_version: 1,
            inputs: InputArity::One,
            extensions: &[],
            signatures: &[],
            settings: Vec::new(),
        }
    }

    fn input(path: &str, relative: &str, contents: &[u8]) -> BuildInput {
        BuildInput {
            path: AssetPath::parse(path).unwrap(),
            relative: relative.to_owned(),
            digest: Digest::of(contents),
            size: contents.len() as u64,
        }
    }

    #[test]
    fn every_fact_that_can_change_a_byte_changes_the_key() {
        let plain = |spec: &KindSpec| build_key(spec, &Settings::default(), &[input("a", "a", b"1")], &[]);
        let mut settings = Settings::default();
        settings.set("encoding", SettingValue::Text("rgba8".into()));
        let draw = UuidDraw { unix_ms: 1, entropy: [1; 16] };
        let reference = |id: u32, key: &[u8]| ResolvedReference {
            key: "tileset".into(),
            target: draw.asset_uuid("t"),
            id: AssetId::new(id).unwrap(),
            kind: KindId::parse("tileset").unwrap(),
            build_key: Digest::of(key),
        };
        let inputs = [input("a", "a", b"1")];
        let base = spec();
        let keys = [
            plain(&base),
            plain(&KindSpec { codec_version: 2, ..base.clone() }),
            plain(&KindSpec { payload_version: 2, ..base.clone() }),
            plain(&KindSpec { id: KindId::parse("raw").unwrap(), ..base.clone() }),
            build_key(&base, &settings, &inputs, &[]),
            build_key(&base, &Settings::default(), &[input("a", "a", b"2")], &[]),
            build_key(&base, &Settings::default(), &[input("a", "b", b"1")], &[]),
            build_key(&base, &Settings::default(), &[input("a", "a", b"1"), input("b", "b", b"1")], &[]),
            build_key(&base, &Settings::default(), &inputs, &[reference(1, b"x")]),
            build_key(&base, &Settings::default(), &inputs, &[reference(2, b"x")]),
            build_key(&base, &Settings::default(), &inputs, &[reference(1, b"y")]),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn the_folder_of_an_asset_does_not_matter() {
        let key = |path| build_key(&spec(), &Settings::default(), &[input(path, "a.png", b"1")], &[]);
        assert_eq!(key("ui/a.png"), key("old/ui/a.png"));
    }
}
