//! The requests of these tests, and parts of the projects that they are made on, in short.

use crate::identity::OperationId;
use crate::kind::SettingValue;
use crate::mutation::{
    Batch, Configure, Duplicate, Mutation, Recover, RecoveryChoice, Relocate, Remove, RemovedInputs, Rename,
    SetBuild, Undo,
};
use crate::registry::BuildParticipation;
use crate::testing::{DRAW, uuid};

pub(super) fn rename(alias: &str, name: &str) -> Mutation {
    Mutation::Rename(Rename { asset: uuid(alias), name: name.parse().unwrap() })
}

pub(super) fn set_build(aliases: &[&str], build: BuildParticipation) -> Mutation {
    Mutation::SetBuild(SetBuild { assets: aliases.iter().map(|alias| uuid(alias)).collect(), build })
}

pub(super) fn relocate(alias: &str, to: &str) -> Mutation {
    Mutation::Relocate(Relocate { asset: uuid(alias), to: to.to_owned() })
}

pub(super) fn duplicate(alias: &str, to: &str) -> Mutation {
    Mutation::Duplicate(Duplicate { asset: uuid(alias), to: to.to_owned(), name: None, draw: DRAW })
}

pub(super) fn duplicate_as(alias: &str, to: &str, name: &str) -> Mutation {
    let name = Some(name.parse().unwrap());
    Mutation::Duplicate(Duplicate { asset: uuid(alias), to: to.to_owned(), name, draw: DRAW })
}

pub(super) fn configure(alias: &str, set: &[(&str, SettingValue)], clear: &[&str]) -> Mutation {
    Mutation::Configure(Configure {
        asset: uuid(alias),
        set: set.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        clear: clear.iter().map(|key| (*key).to_owned()).collect(),
    })
}

pub(super) fn text(text: &str) -> SettingValue {
    SettingValue::Text(text.to_owned())
}

pub(super) fn texts(texts: &[&str]) -> SettingValue {
    SettingValue::List(texts.iter().map(|one| text(one)).collect())
}

/// With its inputs, which go to the history.
pub(super) fn remove(aliases: &[&str]) -> Mutation {
    remove_and(aliases, RemovedInputs::ToHistory)
}

pub(super) fn remove_and(aliases: &[&str], inputs: RemovedInputs) -> Mutation {
    Mutation::Remove(Remove { assets: aliases.iter().map(|alias| uuid(alias)).collect(), inputs })
}

pub(super) fn undo(operation: OperationId) -> Mutation {
    Mutation::Undo(Undo { operation })
}

pub(super) fn recover(operation: OperationId, choice: RecoveryChoice) -> Mutation {
    Mutation::Recover(Recover { operation, choice })
}

pub(super) fn batch(mutations: &[Mutation]) -> Mutation {
    Mutation::Batch(Batch { mutations: mutations.to_vec() })
}

/// An image at `file`, with a sidecar.
pub(super) fn image(alias: &str, name: &str, file: &str) -> String {
    format!(
        "//- assets/{file}\n//- assets/{file}.asset.toml\nuuid = \"${alias}\"\nname = \"{name}\"\nkind = \"image\"\n"
    )
}

/// An asset of the kind that refers to others, with `settings` in its anchor.
pub(super) fn map(alias: &str, name: &str, file: &str, settings: &str) -> String {
    format!(
        "//- assets/{file}\n//- assets/{file}.asset.toml\n# the map {name}\nuuid = \"${alias}\"\nname = \"{name}\"\n\
         kind = \"map\"\n{settings}"
    )
}

/// The anchor of a directory asset in `folder`.
pub(super) fn atlas(alias: &str, name: &str, folder: &str, inputs: &str) -> String {
    format!(
        "//- assets/{folder}/asset.toml\nuuid = \"${alias}\"\nname = \"{name}\"\nkind = \"atlas\"\n\
         inputs = [{inputs}]\n"
    )
}

/// A plain file.
pub(super) fn file(file: &str) -> String {
    format!("//- assets/{file}\n{file}\n")
}

pub(super) fn project(registry: &str, parts: &[String]) -> String {
    format!("//- registry\n{registry}\n{}", parts.concat())
}
