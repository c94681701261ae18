//! `packer status`: how the workspace stands, and what to do about what diverges.

use super::detail;
use crate::exit::Exit;
use crate::project::Opened;
use crate::render::{self, StatusJson};
use crate::ui::Ui;

pub(super) fn run(opened: &Opened, ui: &mut Ui) -> Exit {
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
    let size = |path: &packer_runtime::api::AssetPath| snapshot.size_of(path).unwrap_or_default();
    let text = render::unclaimed(unclaimed.iter(), |path| snapshot.project_path(path), size, detail(ui));
    ui.out(&text);
    let path = |path: &packer_runtime::api::AssetPath| snapshot.project_path(path);
    let (divergences, counts) = (snapshot.divergences().iter(), &summary.divergences);
    let text = render::divergences(divergences, counts, path, opened.project_flag(), detail(ui), paint);
    ui.out(&text);
    Exit::Done
}
