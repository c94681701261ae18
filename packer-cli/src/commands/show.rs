//! `packer show ASSET`: everything about one asset.

use std::collections::BTreeMap;

use packer_runtime::api::{AssetQuery, AssetSelector, AssetUuid, SelectError, Snapshot};

use crate::args::ShowArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Opened;
use crate::render::{self, Advice};
use crate::ui::Ui;

pub(super) fn run(args: &ShowArgs, opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let status = opened.project.status();
    let snapshot = &status.snapshot;
    let uuid = select(&args.asset, opened, snapshot)?;
    let Some(asset) = snapshot.asset(uuid) else {
        return Err(Failure::usage(format!("{} is not a managed asset", args.asset))
            .hint("`packer list` lists all assets"));
    };
    if ui.is_json() {
        ui.json(&asset);
        return Ok(Exit::Done);
    }
    let names = if asset.referred_by.is_empty() { BTreeMap::new() } else { names(snapshot) };
    let name_of = |uuid| names.get(&uuid).cloned();
    let text = render::detail(
        &asset,
        name_of,
        &Advice::of_snapshot(snapshot, opened.project_flag()),
        ui.paint_out(),
    );
    ui.out(&text);
    Ok(Exit::Done)
}

/// What to call each asset.
fn names(snapshot: &Snapshot) -> BTreeMap<AssetUuid, String> {
    let rows = snapshot.assets(&AssetQuery::default()).rows;
    rows.into_iter().filter_map(|row| Some((row.uuid?, row.name?.to_string()))).collect()
}

/// The asset that a text means: as it is, or as a path from where people stand.
pub(super) fn select(text: &str, opened: &Opened, snapshot: &Snapshot) -> Result<AssetUuid, SelectError> {
    let as_it_is = snapshot.select(&AssetSelector(text.to_owned()));
    match as_it_is {
        Err(SelectError::Unknown { .. }) => opened
            .candidates(text)
            .into_iter()
            .find_map(|path| snapshot.select(&AssetSelector(path.as_str().to_owned())).ok())
            .map_or(as_it_is, Ok),
        Ok(_) | Err(SelectError::Ambiguous { .. }) => as_it_is,
    }
}
