//! `packer status`: how the workspace stands, and what to do about what diverges.

use packer_runtime::api::{AssetPath, Glance};

use super::detail;
use crate::exit::Exit;
use crate::project::Opened;
use crate::render::{self, StatusJson};
use crate::ui::Ui;

pub(super) fn run(opened: &Opened, ui: &mut Ui) -> Exit {
    if let Some(glance) = opened.project.glance() {
        return at_a_glance(glance, opened, ui);
    }
    let status = opened.project.status();
    let snapshot = &status.snapshot;
    let summary = snapshot.summary();
    if ui.is_json() {
        ui.json(&StatusJson::new(summary, &status.freshness));
        return Exit::Done;
    }
    let paint = ui.paint_out();
    let text = render::status(snapshot.project_name(), summary, &status.freshness, paint);
    ui.out(&text);
    let unclaimed = snapshot.unclaimed();
    let size = |path: &AssetPath| snapshot.size_of(path).unwrap_or_default();
    let text = render::unclaimed(
        unclaimed.iter(),
        unclaimed.len() as u64,
        |path| snapshot.project_path(path),
        size,
        detail(ui),
    );
    ui.out(&text);
    let path = |path: &AssetPath| snapshot.project_path(path);
    let (divergences, counts) = (snapshot.divergences().iter(), &summary.divergences);
    let text = render::divergences(divergences, counts, path, opened.project_flag(), detail(ui), paint);
    ui.out(&text);
    Exit::Done
}

/// The same of a workspace where nothing diverges, and which stands as it stood before.
fn at_a_glance(glance: &Glance, opened: &Opened, ui: &mut Ui) -> Exit {
    let Glance { project_name, assets_root, summary, freshness, unclaimed } = glance;
    if ui.is_json() {
        ui.json(&StatusJson::new(summary, freshness));
        return Exit::Done;
    }
    let paint = ui.paint_out();
    ui.out(&render::status(project_name, summary, freshness, paint));
    let path = |path: &AssetPath| format!("{assets_root}/{path}");
    let size =
        |path: &AssetPath| unclaimed.iter().find(|(other, _)| other == path).map_or(0, |(_, size)| *size);
    let (count, names) = (summary.files.unclaimed, unclaimed.iter().map(|(path, _)| path));
    ui.out(&render::unclaimed(names, count, path, size, detail(ui)));
    let none = std::iter::empty();
    let flag = opened.project_flag();
    ui.out(&render::divergences(none, &summary.divergences, path, flag, detail(ui), paint));
    Exit::Done
}
