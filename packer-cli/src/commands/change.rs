//! `packer mv`, `rename`, `set`, `include`, `exclude`, `rm` and `dup`: changes of assets that are managed already.

use std::collections::{BTreeMap, BTreeSet};

use packer_runtime::api::{
    AssetName, AssetUuid, Batch, BuildParticipation, Configure, Duplicate, Mutation, Relocate, Remove,
    RemovedInputs, Rename, SetBuild, draw,
};

use super::mutate::carry_out;
use super::show::select;
use crate::args::{AssetsArgs, DupArgs, MvArgs, RenameArgs, RmArgs, SetArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::ui::Ui;

pub(super) fn mv(args: &MvArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let assets = all(&args.assets, opened)?;
    let mut to = opened.destination(&args.path);
    // Several have no room at one path: a folder is meant.
    if assets.len() > 1 && !to.ends_with('/') {
        to.push('/');
    }
    let relocate = |asset| Mutation::Relocate(Relocate { asset, to: to.clone() });
    let mutations: Vec<Mutation> = assets.into_iter().map(relocate).collect();
    let mutation = match <[Mutation; 1]>::try_from(mutations) {
        Ok([only]) => only,
        Err(mutations) => Mutation::Batch(Batch { mutations }),
    };
    carry_out(mutation, &args.apply, opened, ui)
}

pub(super) fn rename(args: &RenameArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let asset = one(&args.asset, opened)?;
    let name = asset_name(&args.name)?;
    carry_out(Mutation::Rename(Rename { asset, name }), &args.apply, opened, ui)
}

pub(super) fn set(args: &SetArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let asset = one(&args.asset, opened)?;
    let mut set = BTreeMap::new();
    for (key, value) in &args.set {
        if set.insert(key.clone(), value.clone()).is_some() {
            return Err(Failure::usage(format!("{key} is set twice")).hint("say which value it is to have"));
        }
    }
    let clear: BTreeSet<String> = args.clear.iter().cloned().collect();
    carry_out(Mutation::Configure(Configure { asset, set, clear }), &args.apply, opened, ui)
}

pub(super) fn set_build(
    args: &AssetsArgs,
    build: BuildParticipation,
    opened: &Opened,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let assets = all(&args.assets, opened)?;
    carry_out(Mutation::SetBuild(SetBuild { assets, build }), &args.apply, opened, ui)
}

pub(super) fn rm(args: &RmArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let inputs = if args.keep_inputs { RemovedInputs::Kept } else { RemovedInputs::ToHistory };
    let assets = all(&args.assets, opened)?;
    carry_out(Mutation::Remove(Remove { assets, inputs }), &args.apply, opened, ui)
}

pub(super) fn dup(args: &DupArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let asset = one(&args.asset, opened)?;
    let name = args.name.as_deref().map(asset_name).transpose()?;
    let to = opened.destination(&args.path);
    carry_out(Mutation::Duplicate(Duplicate { asset, to, name, draw: draw() }), &args.apply, opened, ui)
}

fn asset_name(text: &str) -> Result<AssetName, Failure> {
    AssetName::parse(text).map_err(|error| Failure::of(Exit::Usage, &error))
}

/// The asset that a text means.
fn one(text: &str, opened: &Opened) -> Result<AssetUuid, Failure> {
    Ok(select(text, opened, &opened.project.status().snapshot)?)
}

/// The assets that texts mean, in their order.
fn all(texts: &[String], opened: &Opened) -> Result<Vec<AssetUuid>, Failure> {
    let status = opened.project.status();
    texts.iter().map(|text| Ok(select(text, opened, &status.snapshot)?)).collect()
}
