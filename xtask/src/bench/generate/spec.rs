//! What each asset of a generated project is: a function of the seed, the mix and the asset's number, so that any of them
//! can be made alone, in any order, on any thread, and none has to be remembered.
//!
//! Bytes are `content`'s, files `write`'s.

use std::collections::BTreeMap;
use std::str::FromStr;

use packer_domain::anchor::{NewAnchor, SIDECAR_SUFFIX, new_anchor_text};
use packer_domain::identity::{AssetUuid, LineageId, UuidDraw};
use packer_domain::kind::{KindId, SettingValue};
use packer_domain::name::AssetName;

use super::content;
use super::random::Random;

/// How many assets, each of a source and an anchor, stand in one folder.
pub(super) const FOLDER_ASSETS: u64 = 50;

/// How many folders with assets stand in one of the top folders.
const AREA_FOLDERS: u64 = 64;

/// The time of the first adoption, in milliseconds since 1970. Each folder is as if adopted a second after the one before.
const FIRST_ADOPTION_MS: u64 = 1_790_000_000_000;

/// One asset in so many has the content of one of the [`POOL`] contents of its kind and is so, sooner or later, a
/// duplicate.
const DUPLICATES: u64 = 50;

/// From how many contents a kind's duplicates are taken.
const POOL: u64 = 40;

const STEMS: [&str; 12] =
    ["barrel", "crate", "dock", "ferry", "gull", "hull", "keel", "lamp", "mast", "net", "oar", "rope"];

/// The kinds that are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Raw,
    Text,
    Data,
    Image,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Raw, Self::Text, Self::Data, Self::Image];

    fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Text => "text",
            Self::Data => "data",
            Self::Image => "image",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Raw => "bin",
            Self::Text => "txt",
            Self::Data => "json",
            Self::Image => "png",
        }
    }
}

/// How many parts of the assets each kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KindMix {
    /// In the order of [`Kind::ALL`].
    parts: [u32; 4],
}

impl Default for KindMix {
    fn default() -> Self {
        Self { parts: [50, 20, 20, 10] }
    }
}

/// A text that is no mix.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KindMixError {
    #[error("expected KIND=PARTS, such as raw=50: {part:?}")]
    Part { part: String },
    #[error("{kind:?} is none of raw, text, data and image")]
    Kind { kind: String },
    #[error("no kind has any part")]
    Nothing,
}

impl FromStr for KindMix {
    type Err = KindMixError;

    /// `raw=50,text=20`: kinds that are not named have no part.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = [0; 4];
        for part in text.split(',') {
            let error = || KindMixError::Part { part: part.to_owned() };
            let (kind, count) = part.split_once('=').ok_or_else(error)?;
            let at = Kind::ALL.iter().position(|known| known.as_str() == kind);
            let at = at.ok_or_else(|| KindMixError::Kind { kind: kind.to_owned() })?;
            parts[at] = count.parse().map_err(|_| error())?;
        }
        if parts == [0; 4] { Err(KindMixError::Nothing) } else { Ok(Self { parts }) }
    }
}

impl KindMix {
    fn draw(self, random: &mut Random) -> Kind {
        let total: u64 = self.parts.iter().map(|part| u64::from(*part)).sum();
        let mut at = random.below(total);
        for (kind, part) in Kind::ALL.into_iter().zip(self.parts) {
            if at < u64::from(part) {
                return kind;
            }
            at -= u64::from(part);
        }
        Kind::Raw
    }
}

/// The path of a folder that holds assets, below the assets root: two levels deep, every second one three.
pub(super) fn folder_path(number: u64) -> String {
    let (area, group) = (number / AREA_FOLDERS, number % AREA_FOLDERS);
    let stem = STEMS[(group % 12) as usize];
    let deeper = if group.is_multiple_of(2) { "" } else { "/parts" };
    format!("area-{area:03}/{stem}-{group:02}{deeper}")
}

/// A project that can be generated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProjectSpec {
    /// How many assets it has.
    pub(crate) assets: u64,
    /// What everything is drawn from.
    pub(crate) seed: u64,
    /// How frequent each kind is.
    pub(crate) mix: KindMix,
}

/// One asset of it.
#[derive(Debug)]
pub(super) struct AssetSpec {
    pub(super) uuid: AssetUuid,
    /// The source's path below the assets root.
    pub(super) source: String,
    /// The anchor's.
    pub(super) anchor: String,
    kind: Kind,
    name: String,
    preload: bool,
    setting: Option<(&'static str, SettingValue)>,
    content: (u64, u64),
}

impl ProjectSpec {
    /// How many folders hold assets.
    pub(super) fn folders(&self) -> u64 {
        self.assets.div_ceil(FOLDER_ASSETS)
    }

    /// The registry's own identity.
    pub(super) fn lineage(&self) -> LineageId {
        LineageId::drawn(self.draw(0))
    }

    fn draw(&self, folder: u64) -> UuidDraw {
        let mut random = Random::new(self.seed, u64::MAX);
        let mut entropy = [0; 16];
        entropy[..8].copy_from_slice(&random.next().to_le_bytes());
        entropy[8..].copy_from_slice(&random.next().to_le_bytes());
        UuidDraw { unix_ms: FIRST_ADOPTION_MS + folder * 1000, entropy }
    }

    /// The asset with this number, from zero.
    pub(super) fn asset(&self, number: u64) -> AssetSpec {
        let mut random = Random::new(self.seed, number);
        let kind = self.mix.draw(&mut random);
        let folder = number / FOLDER_ASSETS;
        let stem = STEMS[random.below(12) as usize];
        let path = format!("{}/{stem}-{number:07}", folder_path(folder));
        let source = format!("{path}.{}", kind.extension());
        let uuid = self.draw(folder).asset_uuid(&source);
        // Most assets keep the name that adoption gives them; people have renamed the rest.
        let name = if random.once_in(10) { format!("named/{stem}/{number:07}") } else { path };
        let preload = random.once_in(40);
        let setting = random.once_in(16).then(|| kind.setting()).flatten();
        let content = if random.once_in(DUPLICATES) {
            // Of a seed that no number of an asset has.
            (!self.seed, random.below(POOL))
        } else {
            (self.seed.rotate_left(17), number)
        };
        let anchor = format!("{source}{SIDECAR_SUFFIX}");
        AssetSpec { uuid, source, anchor, kind, name, preload, setting, content }
    }
}

impl Kind {
    /// A setting that some anchors of this kind say.
    fn setting(self) -> Option<(&'static str, SettingValue)> {
        let text = |text: &str| SettingValue::Text(text.to_owned());
        match self {
            Self::Raw => None,
            Self::Text => Some(("newline", text("keep"))),
            Self::Data => Some(("encoding", text("messagepack"))),
            Self::Image => Some(("encoding", text("indexed8"))),
        }
    }
}

impl AssetSpec {
    /// The bytes of its source.
    pub(super) fn source_bytes(&self) -> Vec<u8> {
        let (seed, key) = self.content;
        let mut random = Random::new(seed, key);
        let size = random.size();
        content::bytes(self.kind, size, &mut random)
    }

    /// The text of its anchor.
    pub(super) fn anchor_text(&self) -> String {
        let name = AssetName::parse(&self.name).expect("made of lower-case words and numbers");
        let kind = KindId::parse(self.kind.as_str()).expect("the word of a built-in kind");
        let settings: BTreeMap<String, SettingValue> =
            self.setting.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        new_anchor_text(&NewAnchor {
            uuid: self.uuid,
            name: &name,
            kind: &kind,
            preload: self.preload.then_some(true),
            inputs: &[],
            settings: &settings,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const SPEC: ProjectSpec = ProjectSpec { assets: 4000, seed: 7, mix: KindMix { parts: [50, 20, 20, 10] } };

    #[test]
    fn paths_names_and_uuids_are_unique_and_contents_seldom_not() {
        let assets: Vec<AssetSpec> = (0..SPEC.assets).map(|number| SPEC.asset(number)).collect();
        let count = |of: fn(&AssetSpec) -> String| assets.iter().map(of).collect::<BTreeSet<_>>().len();
        assert_eq!(count(|asset| asset.source.clone()), assets.len());
        assert_eq!(count(|asset| asset.name.clone()), assets.len());
        assert_eq!(count(|asset| asset.uuid.to_string()), assets.len());
        let contents: BTreeSet<Vec<u8>> = assets.iter().map(AssetSpec::source_bytes).collect();
        assert!((3880..3990).contains(&contents.len()), "{} contents", contents.len());
    }

    #[test]
    fn kinds_come_in_the_proportions_that_are_asked_for() {
        let count = |kind| (0..SPEC.assets).filter(|number| SPEC.asset(*number).kind == kind).count();
        assert!((1900..2100).contains(&count(Kind::Raw)));
        assert!((340..460).contains(&count(Kind::Image)));
        let texts = ProjectSpec { mix: "text=3".parse().unwrap(), ..SPEC };
        assert!((0..100).all(|number| texts.asset(number).kind == Kind::Text));
        assert_eq!("raw=0".parse::<KindMix>(), Err(KindMixError::Nothing));
        assert!(matches!("video=1".parse::<KindMix>(), Err(KindMixError::Kind { .. })));
        assert!(matches!("raw".parse::<KindMix>(), Err(KindMixError::Part { .. })));
    }

    #[test]
    fn another_seed_is_another_project_and_the_same_seed_the_same() {
        let of = |seed| ProjectSpec { seed, ..SPEC }.asset(5);
        assert_eq!(of(1).source_bytes(), of(1).source_bytes());
        assert_eq!(of(1).anchor_text(), of(1).anchor_text());
        assert_ne!(of(1).uuid, of(2).uuid);
    }

    #[test]
    fn a_project_that_grows_keeps_what_it_has() {
        let larger = ProjectSpec { assets: 10 * SPEC.assets, ..SPEC };
        assert_eq!(larger.asset(321).anchor_text(), SPEC.asset(321).anchor_text());
        assert_eq!(larger.asset(321).source, SPEC.asset(321).source);
    }
}
