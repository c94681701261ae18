//! `packer rename`, `packer include` and `packer exclude`: changes of assets that are managed already.

use packer_runtime::api::{AssetName, AssetUuid, BuildParticipation, Mutation, Rename, SetBuild};

use super::mutate::carry_out;
use super::show::select;
use crate::args::{AssetsArgs, RenameArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::ui::Ui;

pub(super) fn rename(args: &RenameArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let asset = select(&args.asset, opened, &opened.project.status().snapshot)?;
    let name = AssetName::parse(&args.name).map_err(|error| Failure::of(Exit::Usage, &error))?;
    carry_out(Mutation::Rename(Rename { asset, name }), args.apply, opened, ui)
}

pub(super) fn set_build(
    args: &AssetsArgs,
    build: BuildParticipation,
    opened: &Opened,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let status = opened.project.status();
    let one = |text: &String| -> Result<AssetUuid, Failure> { Ok(select(text, opened, &status.snapshot)?) };
    let assets: Result<Vec<AssetUuid>, Failure> = args.assets.iter().map(one).collect();
    carry_out(Mutation::SetBuild(SetBuild { assets: assets?, build }), args.apply, opened, ui)
}
