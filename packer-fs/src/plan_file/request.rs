//! Requests as they stand in a plan file: each form has the fields of its request, all of them, and no others.
//!
//! What a request means, and whether it makes sense, is the planner's to say. Here is only that it is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use packer_domain::divergence::{DivergenceCode, Resolution};
use packer_domain::identity::{AssetUuid, OperationId, UuidDraw};
use packer_domain::kind::{KindId, SettingValue};
use packer_domain::mutation::{
    Adopt, Batch, Configure, Duplicate, Mutation, Reconcile, Recover, RecoveryChoice, Register, Relocate,
    Remove, RemovedInputs, Rename, Selector, SetBuild, Target, Undo,
};
use packer_domain::name::AssetName;
use packer_domain::path::AssetPath;
use packer_domain::registry::BuildParticipation;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::MAX_BATCH_DEPTH;
use super::tagged::{ByTag, Parsed, Tagged, nullable};

/// A request that stands in no batch.
pub(super) struct MutationForm(pub Mutation);

impl<'de> Deserialize<'de> for MutationForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ByTag::within(0).deserialize(deserializer).map(Self)
    }
}

impl Tagged for Mutation {
    const TAG: &'static str = "mutation";
    const WORDS: &'static [&'static str] = &[
        "adopt",
        "register",
        "reconcile",
        "rename",
        "set_build",
        "configure",
        "relocate",
        "duplicate",
        "remove",
        "undo",
        "recover",
        "batch",
    ];

    fn read<'de, D: Deserializer<'de>>(word: &str, rest: D, depth: usize) -> Result<Self, D::Error> {
        Ok(match word {
            "adopt" => {
                let form = AdoptForm::deserialize(rest)?;
                Self::Adopt(Adopt { targets: targets(form.targets), kind: form.kind, draw: form.draw.into() })
            }
            "register" => {
                let form = RegisterForm::deserialize(rest)?;
                Self::Register(Register { targets: targets(form.targets) })
            }
            "reconcile" => {
                let form = ReconcileForm::deserialize(rest)?;
                Self::Reconcile(Reconcile {
                    select: form.select.into_iter().map(Selector::from).collect(),
                    resolution: form.resolution.map(|Parsed(resolution)| resolution),
                    path: form.path,
                    name: form.name,
                    draw: form.draw.into(),
                })
            }
            "rename" => {
                let form = RenameForm::deserialize(rest)?;
                Self::Rename(Rename { asset: form.asset, name: form.name })
            }
            "set_build" => {
                let form = SetBuildForm::deserialize(rest)?;
                Self::SetBuild(SetBuild { assets: form.assets, build: form.build.into() })
            }
            "configure" => {
                let form = ConfigureForm::deserialize(rest)?;
                let set = form.set.into_iter().map(|(key, SettingForm(value))| (key, value)).collect();
                Self::Configure(Configure { asset: form.asset, set, clear: form.clear })
            }
            "relocate" => {
                let form = RelocateForm::deserialize(rest)?;
                Self::Relocate(Relocate { asset: form.asset, to: form.to })
            }
            "duplicate" => {
                let form = DuplicateForm::deserialize(rest)?;
                let DuplicateForm { asset, to, name, draw } = form;
                Self::Duplicate(Duplicate { asset, to, name, draw: draw.into() })
            }
            "remove" => {
                let form = RemoveForm::deserialize(rest)?;
                let inputs = match form.inputs {
                    InputsForm::Kept => RemovedInputs::Kept,
                    InputsForm::ToHistory => RemovedInputs::ToHistory,
                };
                Self::Remove(Remove { assets: form.assets, inputs })
            }
            "undo" => Self::Undo(Undo { operation: UndoForm::deserialize(rest)?.operation }),
            "recover" => {
                let form = RecoverForm::deserialize(rest)?;
                let choice = match form.choice {
                    ChoiceForm::KeepTheirs => RecoveryChoice::KeepTheirs,
                    ChoiceForm::FinishOurs => RecoveryChoice::FinishOurs,
                };
                Self::Recover(Recover { operation: form.operation, choice })
            }
            "batch" => {
                if depth == MAX_BATCH_DEPTH {
                    let reason = format!("batches stand over {MAX_BATCH_DEPTH} deep in each other");
                    return Err(D::Error::custom(reason));
                }
                Self::Batch(Batch { mutations: BatchFields { depth: depth + 1 }.read(rest)? })
            }
            other => return Err(D::Error::unknown_variant(other, Self::WORDS)),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdoptForm {
    targets: Vec<TargetForm>,
    #[serde(deserialize_with = "nullable")]
    kind: Option<KindId>,
    draw: DrawForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterForm {
    targets: Vec<TargetForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReconcileForm {
    select: Vec<SelectorForm>,
    #[serde(deserialize_with = "nullable")]
    resolution: Option<Parsed<Resolution>>,
    #[serde(deserialize_with = "nullable")]
    path: Option<AssetPath>,
    #[serde(deserialize_with = "nullable")]
    name: Option<AssetName>,
    draw: DrawForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenameForm {
    asset: AssetUuid,
    name: AssetName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetBuildForm {
    assets: Vec<AssetUuid>,
    build: BuildForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigureForm {
    asset: AssetUuid,
    set: BTreeMap<String, SettingForm>,
    clear: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RelocateForm {
    asset: AssetUuid,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DuplicateForm {
    asset: AssetUuid,
    to: String,
    #[serde(deserialize_with = "nullable")]
    name: Option<AssetName>,
    draw: DrawForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveForm {
    assets: Vec<AssetUuid>,
    inputs: InputsForm,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum InputsForm {
    Kept,
    ToHistory,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UndoForm {
    operation: OperationId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecoverForm {
    operation: OperationId,
    choice: ChoiceForm,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChoiceForm {
    KeepTheirs,
    FinishOurs,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BuildForm {
    Included,
    Excluded,
}

impl From<BuildForm> for BuildParticipation {
    fn from(form: BuildForm) -> Self {
        match form {
            BuildForm::Included => Self::Included,
            BuildForm::Excluded => Self::Excluded,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TargetForm {
    Root,
    Path(AssetPath),
}

fn targets(forms: Vec<TargetForm>) -> Vec<Target> {
    let target = |form| match form {
        TargetForm::Root => Target::Root,
        TargetForm::Path(path) => Target::Path(path),
    };
    forms.into_iter().map(target).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SelectorForm {
    Code(Parsed<DivergenceCode>),
    Asset(AssetUuid),
    Name(AssetName),
    Path(AssetPath),
}

impl From<SelectorForm> for Selector {
    fn from(form: SelectorForm) -> Self {
        match form {
            SelectorForm::Code(Parsed(code)) => Self::Code(code),
            SelectorForm::Asset(uuid) => Self::Asset(uuid),
            SelectorForm::Name(name) => Self::Name(name),
            SelectorForm::Path(path) => Self::Path(path),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DrawForm {
    unix_ms: u64,
    entropy: [u8; 16],
}

impl From<DrawForm> for UuidDraw {
    fn from(form: DrawForm) -> Self {
        Self { unix_ms: form.unix_ms, entropy: form.entropy }
    }
}

/// A value of a setting.
struct SettingForm(SettingValue);

impl<'de> Deserialize<'de> for SettingForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingVisitor).map(Self)
    }
}

struct SettingVisitor;

impl<'de> Visitor<'de> for SettingVisitor {
    type Value = SettingValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false, a whole number of 64 bits, a text, or a list of these")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<SettingValue, E> {
        Ok(SettingValue::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<SettingValue, E> {
        Ok(SettingValue::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<SettingValue, E> {
        i64::try_from(value)
            .map(SettingValue::Int)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<SettingValue, E> {
        Ok(SettingValue::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SettingValue, A::Error> {
        let mut values = Vec::new();
        while let Some(SettingForm(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(SettingValue::List(values))
    }
}

/// The fields of a batch, which stands so deep: the one of its members.
#[derive(Clone, Copy)]
struct BatchFields {
    depth: usize,
}

impl BatchFields {
    const FIELDS: &'static [&'static str] = &["mutations"];

    fn read<'de, D: Deserializer<'de>>(self, rest: D) -> Result<Vec<Mutation>, D::Error> {
        rest.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BatchFields {
    type Value = Vec<Mutation>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of a batch")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Mutation>, A::Error> {
        let mut members = None;
        while let Some(field) = map.next_key::<String>()? {
            if field != Self::FIELDS[0] {
                return Err(A::Error::unknown_field(&field, Self::FIELDS));
            }
            if members.is_some() {
                return Err(A::Error::duplicate_field(Self::FIELDS[0]));
            }
            members = Some(map.next_value_seed(Members { depth: self.depth })?);
        }
        members.ok_or_else(|| A::Error::missing_field(Self::FIELDS[0]))
    }
}

/// The members of a batch, around which so many batches stand.
struct Members {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Vec<Mutation>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Mutation>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Vec<Mutation>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of mutations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Mutation>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = list.next_element_seed(ByTag::within(self.depth))? {
            members.push(member);
        }
        Ok(members)
    }
}
