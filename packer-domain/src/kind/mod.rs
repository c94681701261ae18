//! Kinds of assets as data: which settings each takes, which sources it is made for, and the catalogue of all of them.
//!
//! What bakes a kind is its codec (`codec`); here is everything that validation and planning need to know of it, so
//! that neither ever asks a codec.

mod id;
mod settings;

pub use id::{KindId, KindIdError};
pub use settings::{SettingError, SettingSpec, SettingType, SettingValue, Settings};

use std::collections::BTreeMap;

/// Everything about a kind that the rest of the packer goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindSpec {
    /// Its name.
    pub id: KindId,
    /// Version of the codec's behaviour: raised whenever equal inputs and settings would give other bytes.
    pub codec_version: u32,
    /// Version of the layout of its payload.
    pub payload_version: u32,
    /// What one asset of this kind is made from.
    pub inputs: InputArity,
    /// Lower-case extensions that adoption gives this kind when no rule of the project does.
    pub extensions: &'static [&'static str],
    /// Leading bytes that adoption gives this kind when neither rule nor extension does.
    pub signatures: &'static [Signature],
    /// Its settings, in the order in which people should read them.
    pub settings: Vec<SettingSpec>,
}

/// Bytes that stand at a place near the beginning of every file of some format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Where the bytes start.
    pub offset: usize,
    /// The bytes.
    pub bytes: &'static [u8],
}

impl Signature {
    /// Whether a file that begins with `head` has this signature.
    pub fn matches(&self, head: &[u8]) -> bool {
        head.get(self.offset..).is_some_and(|rest| rest.starts_with(self.bytes))
    }
}

/// How many source files one asset of a kind is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputArity {
    /// Exactly one.
    One,
    /// One or more.
    Many,
}

impl KindSpec {
    /// The setting with this key.
    pub fn setting(&self, key: &str) -> Option<&SettingSpec> {
        self.settings.iter().find(|spec| spec.key == key)
    }

    /// The settings that apply where nothing is said.
    pub fn defaults(&self) -> Settings {
        self.settings.iter().map(|spec| (spec.key.to_owned(), spec.default.clone())).collect()
    }
}

/// The kinds that a packer can bake, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindCatalog {
    kinds: BTreeMap<KindId, KindSpec>,
}

impl KindCatalog {
    /// The catalogue of `specs`; of two with one name, the later counts.
    pub fn new(specs: impl IntoIterator<Item = KindSpec>) -> Self {
        Self { kinds: specs.into_iter().map(|spec| (spec.id.clone(), spec)).collect() }
    }

    /// The kind with this name.
    pub fn get(&self, id: &KindId) -> Option<&KindSpec> {
        self.kinds.get(id)
    }

    /// The kind called `text`.
    pub(crate) fn find(&self, text: &str) -> Option<&KindSpec> {
        self.kinds.get(text)
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &KindSpec> {
        self.kinds.values()
    }

    /// The kind that adoption takes for a file that no rule covers: by its extension, else by its first bytes.
    ///
    /// `head` is the beginning of the file; 32 bytes are enough for every signature of the built-in kinds.
    pub fn recognise(&self, extension: Option<&str>, head: &[u8]) -> Option<&KindId> {
        let extension = extension.map(str::to_ascii_lowercase);
        let by_extension = || {
            self.kinds.values().find(|spec| spec.extensions.iter().any(|e| Some(*e) == extension.as_deref()))
        };
        let by_content = || self.kinds.values().find(|spec| spec.signatures.iter().any(|s| s.matches(head)));
        by_extension().or_else(by_content).map(|spec| &spec.id)
    }
}
