//! Why an asset is baked: what its build key is made of now, against what it was made of in the last build.
//!
//! Pure comparison of values. What the last build's keys were made of is remembered by `packer-fs`; whether that build's
//! pack is still there is the runtime's knowledge, which also puts the whole explanation of an asset together.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::BuildEntry;
use crate::identity::{AssetId, AssetUuid, Digest};
use crate::kind::{KindId, KindSpec};

/// Everything that a build key is made of, so that two keys can be compared part by part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyParts {
    /// The key.
    pub build_key: Digest,
    /// The kind.
    pub kind: KindId,
    /// The version of the kind's codec.
    pub codec_version: u32,
    /// The version of the layout of the kind's payloads.
    pub payload_version: u32,
    /// Every setting with its value as text, by key.
    pub settings: BTreeMap<String, String>,
    /// The sources, by path bytes.
    pub inputs: Vec<InputPart>,
    /// What the settings refer to, by setting.
    pub references: Vec<ReferencePart>,
}

/// A source in a build key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InputPart {
    /// Its path relative to the anchor's folder.
    pub relative: String,
    /// Digest of its contents.
    pub digest: Digest,
    /// Bytes; no part of the key.
    pub size: u64,
}

/// A referred asset in a build key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReferencePart {
    /// The setting that refers to it.
    pub key: String,
    /// The asset.
    pub target: AssetUuid,
    /// Its id.
    pub id: AssetId,
    /// Its kind.
    pub kind: KindId,
    /// Its build key.
    pub build_key: Digest,
}

/// One thing that keeps an asset from being taken over from the last pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum BakeReason {
    /// No build has put it into a pack here.
    NeverBuilt {},
    /// Its kind is another.
    Kind {
        /// What it was.
        from: KindId,
        /// What it is.
        to: KindId,
    },
    /// Its codec bakes differently.
    CodecVersion {
        /// What it was.
        from: u32,
        /// What it is.
        to: u32,
    },
    /// Payloads of its kind are laid out differently.
    PayloadVersion {
        /// What it was.
        from: u32,
        /// What it is.
        to: u32,
    },
    /// A setting has another value.
    Setting {
        /// Its key.
        key: String,
        /// What it was; none if the kind had no such setting.
        from: Option<String>,
        /// What it is; none if the kind has no such setting any more.
        to: Option<String>,
    },
    /// A source has other contents.
    InputChanged {
        /// Its path relative to the anchor's folder.
        input: String,
        /// The digest it had.
        from: Digest,
        /// The digest it has.
        to: Digest,
    },
    /// The same source has another path below the anchor's folder.
    InputRenamed {
        /// The path it had.
        from: String,
        /// The path it has.
        to: String,
    },
    /// There is one more source.
    InputAdded {
        /// Its path relative to the anchor's folder.
        input: String,
    },
    /// There is one source less.
    InputRemoved {
        /// Its path relative to the anchor's folder.
        input: String,
    },
    /// A setting refers to another asset, or to that asset as it was baked from something else.
    Reference {
        /// The setting's key.
        key: String,
        /// What is different about what it refers to.
        change: ReferenceChange,
    },
    /// Keys are made in another way by this version of the packer.
    KeyVersion {},
    /// What the key was made of in the last build is not known any more.
    PartsUnknown {},
    /// The last build could not bake it.
    FailedBefore {},
    /// The build was told to take nothing over.
    NoReuse {},
    /// The last build compressed differently, or with another version of a library.
    Compression {
        /// How it compressed; none if that is not known any more.
        from: Option<String>,
        /// How it is compressed now.
        to: String,
    },
    /// The last build wrote into another folder.
    OtherOutput {
        /// The pack that it wrote.
        pack: String,
    },
    /// The last pack is not there.
    PackMissing {
        /// Where it was.
        pack: String,
    },
    /// The last pack is not what was written.
    PackDamaged {
        /// Where it is.
        pack: String,
    },
    /// What the last build left cannot be read.
    RecordUnreadable {},
}

/// What is different about what a setting refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReferenceChange {
    /// It refers to something, and did not.
    Added,
    /// It refers to nothing, and did.
    Removed,
    /// It refers to another asset.
    Target,
    /// The asset has another id.
    Id,
    /// The asset has another kind.
    Kind,
    /// The asset is baked from something else.
    Content,
}

/// What the key of `entry` is made of.
pub fn key_parts(entry: &BuildEntry, spec: &KindSpec) -> KeyParts {
    let input = |input: super::BuildInput<'_>| InputPart {
        relative: input.relative.to_owned(),
        digest: input.digest,
        size: input.size,
    };
    let reference = |reference: &crate::codec::ResolvedReference| ReferencePart {
        key: reference.key.clone(),
        target: reference.target,
        id: reference.id,
        kind: reference.kind.clone(),
        build_key: reference.build_key,
    };
    KeyParts {
        build_key: entry.key,
        kind: entry.kind().clone(),
        codec_version: spec.codec_version,
        payload_version: spec.payload_version,
        settings: entry.settings().iter().map(|(key, value)| (key.to_owned(), value.to_string())).collect(),
        inputs: entry.inputs().map(input).collect(),
        references: entry.references().iter().map(reference).collect(),
    }
}

/// What is different about `now`, in the order in which people should read it; empty exactly if the keys are equal.
pub fn compare_parts(before: &KeyParts, now: &KeyParts) -> Vec<BakeReason> {
    if before.build_key == now.build_key {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    if before.kind == now.kind {
        compare_versions(before, now, &mut reasons);
        compare_settings(before, now, &mut reasons);
    } else {
        // Another kind has another codec and other settings: to list those too would hide the one reason.
        reasons.push(BakeReason::Kind { from: before.kind.clone(), to: now.kind.clone() });
    }
    compare_inputs(before, now, &mut reasons);
    compare_references(before, now, &mut reasons);
    if reasons.is_empty() {
        reasons.push(BakeReason::KeyVersion {});
    }
    reasons
}

fn compare_versions(before: &KeyParts, now: &KeyParts, reasons: &mut Vec<BakeReason>) {
    if before.codec_version != now.codec_version {
        reasons.push(BakeReason::CodecVersion { from: before.codec_version, to: now.codec_version });
    }
    if before.payload_version != now.payload_version {
        reasons.push(BakeReason::PayloadVersion { from: before.payload_version, to: now.payload_version });
    }
}

fn compare_settings(before: &KeyParts, now: &KeyParts, reasons: &mut Vec<BakeReason>) {
    let keys: std::collections::BTreeSet<&String> =
        before.settings.keys().chain(now.settings.keys()).collect();
    for key in keys {
        let (from, to) = (before.settings.get(key), now.settings.get(key));
        if from != to {
            let (key, from, to) = (key.clone(), from.cloned(), to.cloned());
            reasons.push(BakeReason::Setting { key, from, to });
        }
    }
}

fn compare_inputs(before: &KeyParts, now: &KeyParts, reasons: &mut Vec<BakeReason>) {
    let by_path = |parts: &'_ KeyParts| -> BTreeMap<String, Digest> {
        parts.inputs.iter().map(|input| (input.relative.clone(), input.digest)).collect()
    };
    let (old, new) = (by_path(before), by_path(now));
    let mut gone: Vec<(&String, Digest)> = old
        .iter()
        .filter(|(path, _)| !new.contains_key(*path))
        .map(|(path, digest)| (path, *digest))
        .collect();
    for (path, to) in &new {
        match old.get(path) {
            Some(from) if from == to => {}
            Some(from) => {
                reasons.push(BakeReason::InputChanged { input: path.clone(), from: *from, to: *to });
            }
            None => match gone.iter().position(|(_, digest)| digest == to) {
                Some(at) => {
                    let (from, _) = gone.remove(at);
                    reasons.push(BakeReason::InputRenamed { from: from.clone(), to: path.clone() });
                }
                None => reasons.push(BakeReason::InputAdded { input: path.clone() }),
            },
        }
    }
    reasons.extend(gone.into_iter().map(|(path, _)| BakeReason::InputRemoved { input: path.clone() }));
}

fn compare_references(before: &KeyParts, now: &KeyParts, reasons: &mut Vec<BakeReason>) {
    let of = |parts: &'_ KeyParts| -> BTreeMap<String, ReferencePart> {
        parts.references.iter().map(|part| (part.key.clone(), part.clone())).collect()
    };
    let (old, new) = (of(before), of(now));
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let change = match (old.get(key), new.get(key)) {
            (None, _) => ReferenceChange::Added,
            (_, None) => ReferenceChange::Removed,
            (Some(old), Some(new)) if old == new => continue,
            (Some(old), Some(new)) if old.target != new.target => ReferenceChange::Target,
            (Some(old), Some(new)) if old.id != new.id => ReferenceChange::Id,
            (Some(old), Some(new)) if old.kind != new.kind => ReferenceChange::Kind,
            (Some(_), Some(_)) => ReferenceChange::Content,
        };
        reasons.push(BakeReason::Reference { key: key.clone(), change });
    }
}

impl fmt::Display for BakeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverBuilt {} => f.write_str("no build has put it into a pack here"),
            Self::Kind { from, to } => write!(f, "kind: {from} → {to}"),
            Self::CodecVersion { from, to } => write!(f, "codec version: {from} → {to}"),
            Self::PayloadVersion { from, to } => write!(f, "payload version: {from} → {to}"),
            Self::Setting { key, from, to } => {
                write!(f, "setting {key}: {} → {}", or_none(from.as_ref()), or_none(to.as_ref()))
            }
            Self::InputChanged { input, from, to } => {
                write!(f, "input {input}: b3:{} → b3:{}", from.short(), to.short())
            }
            Self::InputRenamed { from, to } => write!(f, "input {from} is now {to}"),
            Self::InputAdded { input } => write!(f, "input {input} is new"),
            Self::InputRemoved { input } => write!(f, "input {input} is gone"),
            Self::Reference { key, change } => {
                let what = match change {
                    ReferenceChange::Added => "refers to something now",
                    ReferenceChange::Removed => "refers to nothing any more",
                    ReferenceChange::Target => "refers to another asset",
                    ReferenceChange::Id => "refers to an asset that has another id now",
                    ReferenceChange::Kind => "refers to an asset that has another kind now",
                    ReferenceChange::Content => "refers to an asset that is baked from something else now",
                };
                write!(f, "setting {key} {what}")
            }
            Self::KeyVersion {} => f.write_str("this version of the packer makes build keys in another way"),
            Self::PartsUnknown {} => f.write_str(
                "the build key is another, and what the last one was made of is not known any more",
            ),
            Self::FailedBefore {} => f.write_str("the last build could not bake it"),
            Self::NoReuse {} => f.write_str("the build was told to take nothing over"),
            Self::Compression { from: Some(from), to } => write!(f, "compression: {from} → {to}"),
            Self::Compression { from: None, to } => {
                write!(f, "the last build compressed in another way than {to}")
            }
            Self::OtherOutput { pack } => write!(f, "the last build wrote {pack}"),
            Self::PackMissing { pack } => write!(f, "the last pack, {pack}, is not there"),
            Self::PackDamaged { pack } => write!(f, "the last pack, {pack}, is not what was written"),
            Self::RecordUnreadable {} => f.write_str("what the last build left cannot be read"),
        }
    }
}

fn or_none(text: Option<&String>) -> &str {
    text.map_or("none", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::UuidDraw;

    fn parts() -> KeyParts {
        let draw = UuidDraw { unix_ms: 1, entropy: [1; 16] };
        let input = |relative: &str| InputPart {
            relative: relative.to_owned(),
            digest: Digest::of(relative.as_bytes()),
            size: 1,
        };
        KeyParts {
            build_key: Digest::of(b"before"),
            kind: KindId::parse("atlas").unwrap(),
            codec_version: 1,
            payload_version: 1,
            settings: BTreeMap::from([("padding".into(), "2".into()), ("trim".into(), "true".into())]),
            inputs: vec![input("frames/a.png"), input("frames/b.png")],
            references: vec![ReferencePart {
                key: "tileset".into(),
                target: draw.asset_uuid("t"),
                id: AssetId::new(7).unwrap(),
                kind: KindId::parse("tileset").unwrap(),
                build_key: Digest::of(b"t"),
            }],
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut KeyParts), expected: &[&str]) {
        let mut now = KeyParts { build_key: Digest::of(b"now"), ..parts() };
        change(&mut now);
        let said: Vec<String> = compare_parts(&parts(), &now).iter().map(ToString::to_string).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn each_part_that_differs_is_named() {
        check(|_| {}, &["this version of the packer makes build keys in another way"]);
        check(|now| now.codec_version = 2, &["codec version: 1 → 2"]);
        check(|now| now.payload_version = 3, &["payload version: 1 → 3"]);
        check(
            |now| {
                now.settings.insert("padding".into(), "4".into());
                now.settings.remove("trim");
                now.settings.insert("extrude".into(), "1".into());
            },
            &["setting extrude: none → 1", "setting padding: 2 → 4", "setting trim: true → none"],
        );
        let digests = [Digest::of(b"frames/a.png").short(), Digest::of(b"other").short()];
        let changed = format!("input frames/a.png: b3:{} → b3:{}", digests[0], digests[1]);
        check(|now| now.inputs[0].digest = Digest::of(b"other"), &[&changed]);
        check(
            |now| now.inputs[1].relative = "frames/c.png".into(),
            &["input frames/b.png is now frames/c.png"],
        );
        check(
            |now| {
                now.inputs[1].relative = "frames/c.png".into();
                now.inputs[1].digest = Digest::of(b"c");
            },
            &["input frames/c.png is new", "input frames/b.png is gone"],
        );
        check(
            |now| now.references[0].build_key = Digest::of(b"u"),
            &["setting tileset refers to an asset that is baked from something else now"],
        );
        check(
            |now| now.references[0].id = AssetId::new(8).unwrap(),
            &["setting tileset refers to an asset that has another id now"],
        );
        check(
            |now| now.references[0].kind = KindId::parse("image").unwrap(),
            &["setting tileset refers to an asset that has another kind now"],
        );
        check(
            |now| now.references[0].key = "tiles".into(),
            &["setting tiles refers to something now", "setting tileset refers to nothing any more"],
        );
        let other = UuidDraw { unix_ms: 2, entropy: [2; 16] }.asset_uuid("t");
        check(|now| now.references[0].target = other, &["setting tileset refers to another asset"]);
    }

    #[test]
    fn another_kind_is_one_reason_and_not_one_a_setting() {
        check(
            |now| {
                now.kind = KindId::parse("image").unwrap();
                now.codec_version = 9;
                now.settings.clear();
            },
            &["kind: atlas → image"],
        );
    }

    #[test]
    fn equal_keys_have_nothing_to_tell() {
        let more = InputPart { size: 99, ..parts().inputs[0].clone() };
        let now = KeyParts { inputs: vec![more], ..parts() };
        assert_eq!(compare_parts(&parts(), &now), []);
    }
}
