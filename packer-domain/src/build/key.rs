//! Build keys: the digest of everything that a payload depends on.
//!
//! What is not in the key cannot change a byte of the payload: not the asset's name, place, uuid or id, not the time, not
//! the limits. Compression is not in it either: it is no part of the payload, and recorded beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codec::ResolvedReference;
use crate::identity::Digest;
use crate::kind::{KindId, KindSpec, Settings};

use super::BuildInput;

/// Version of the key's own make-up: raised whenever the same facts would give another key.
pub const BUILD_KEY_VERSION: u32 = 1;

/// The key of a payload. Every variable part is preceded by its length, so no two different sets of facts run together.
pub fn build_key(
    spec: &KindSpec,
    settings: &Settings,
    inputs: &[BuildInput<'_>],
    references: &[ResolvedReference],
) -> Digest {
    let mut bytes = Vec::new();
    write_head(&mut bytes, spec, settings);
    write_inputs(&mut bytes, inputs.iter().copied());
    write_references(&mut bytes, references);
    Digest::of(&bytes)
}

/// Makes the keys of many assets. The head of a key, which kind and settings decide, is written once for all assets that
/// have these in common.
#[derive(Debug, Default)]
pub(super) struct KeyMaker {
    /// By the place of the shared settings, which are held so that no others can come to stand there.
    heads: BTreeMap<(usize, KindId), (Arc<Settings>, Vec<u8>)>,
    bytes: Vec<u8>,
}

/// Where so many assets have settings of their own, their heads are not kept.
const MAX_HEADS: usize = 1000;

impl KeyMaker {
    /// The same as [`build_key`].
    pub(super) fn key<'a>(
        &mut self,
        spec: &KindSpec,
        settings: &Arc<Settings>,
        inputs: impl ExactSizeIterator<Item = BuildInput<'a>>,
        references: &[ResolvedReference],
    ) -> Digest {
        self.bytes.clear();
        let of = (Arc::as_ptr(settings).addr(), spec.id.clone());
        if let Some((_, head)) = self.heads.get(&of) {
            self.bytes.extend_from_slice(head);
        } else {
            write_head(&mut self.bytes, spec, settings);
            if self.heads.len() < MAX_HEADS {
                self.heads.insert(of, (Arc::clone(settings), self.bytes.clone()));
            }
        }
        write_inputs(&mut self.bytes, inputs);
        write_references(&mut self.bytes, references);
        Digest::of(&self.bytes)
    }
}

fn write_head(bytes: &mut Vec<u8>, spec: &KindSpec, settings: &Settings) {
    bytes.extend_from_slice(b"packer build key");
    bytes.extend_from_slice(&BUILD_KEY_VERSION.to_le_bytes());
    text(bytes, spec.id.as_str());
    bytes.extend_from_slice(&spec.codec_version.to_le_bytes());
    bytes.extend_from_slice(&spec.payload_version.to_le_bytes());
    settings.write_canonical(bytes);
}

fn write_inputs<'a>(bytes: &mut Vec<u8>, inputs: impl ExactSizeIterator<Item = BuildInput<'a>>) {
    count(bytes, inputs.len());
    for input in inputs {
        text(bytes, input.relative);
        bytes.extend_from_slice(input.digest.as_bytes());
    }
}

fn write_references(bytes: &mut Vec<u8>, references: &[ResolvedReference]) {
    count(bytes, references.len());
    for reference in references {
        text(bytes, &reference.key);
        // A codec may write the target's id into the payload.
        bytes.extend_from_slice(&reference.id.get().to_le_bytes());
        text(bytes, reference.kind.as_str());
        bytes.extend_from_slice(reference.build_key.as_bytes());
        bytes.extend_from_slice(reference.target.as_bytes());
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&(count as u64).to_le_bytes());
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

    /// A source with these contents, at `relative` below the anchor's folder.
    fn input<'a>(path: &'a AssetPath, relative: &'a str, contents: &[u8]) -> BuildInput<'a> {
        BuildInput { path, relative, digest: Digest::of(contents), size: contents.len() as u64 }
    }

    fn path(text: &str) -> AssetPath {
        AssetPath::parse(text).unwrap()
    }

    #[test]
    fn every_fact_that_can_change_a_byte_changes_the_key() {
        let (a, b) = (path("a"), path("b"));
        let plain = |spec: &KindSpec| build_key(spec, &Settings::default(), &[input(&a, "a", b"1")], &[]);
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
        let inputs = [input(&a, "a", b"1")];
        let base = spec();
        let keys = [
            plain(&base),
            plain(&KindSpec { codec_version: 2, ..base.clone() }),
            plain(&KindSpec { payload_version: 2, ..base.clone() }),
            plain(&KindSpec { id: KindId::parse("raw").unwrap(), ..base.clone() }),
            build_key(&base, &settings, &inputs, &[]),
            build_key(&base, &Settings::default(), &[input(&a, "a", b"2")], &[]),
            build_key(&base, &Settings::default(), &[input(&a, "b", b"1")], &[]),
            build_key(&base, &Settings::default(), &[input(&a, "a", b"1"), input(&b, "b", b"1")], &[]),
            build_key(&base, &Settings::default(), &inputs, &[reference(1, b"x")]),
            build_key(&base, &Settings::default(), &inputs, &[reference(2, b"x")]),
            build_key(&base, &Settings::default(), &inputs, &[reference(1, b"y")]),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn the_folder_of_an_asset_does_not_matter() {
        let key =
            |place| build_key(&spec(), &Settings::default(), &[input(&path(place), "a.png", b"1")], &[]);
        assert_eq!(key("ui/a.png"), key("old/ui/a.png"));
    }

    #[test]
    fn keys_of_many_are_those_of_each() {
        let mut maker = KeyMaker::default();
        let (a, other) = (path("a"), KindSpec { id: KindId::parse("raw").unwrap(), ..spec() });
        let own = |number: i64| -> Arc<Settings> {
            Arc::new([("quality".to_owned(), SettingValue::Int(number))].into_iter().collect())
        };
        // More than heads are kept, each dropped at once, so that a place is used by one settings after another.
        for number in (0_i64..).take(MAX_HEADS + 10) {
            let (settings, inputs) = (own(number), [input(&a, "a", b"1")]);
            for spec in [&spec(), &other] {
                for _ in 0..2 {
                    let key = maker.key(spec, &settings, inputs.iter().copied(), &[]);
                    assert_eq!(key, build_key(spec, &settings, &inputs, &[]), "{number}");
                }
            }
        }
    }
}
