//! `packer list`: the assets, one a line; with `--pack`, those of a pack, which needs no project if it is named.

use camino::Utf8Path;
use packer_runtime::api::{
    AssetPath, AssetQuery, AssetSort, DiagnosticCode, KindId, UnclaimedFile, UnclaimedQuery,
};
use packer_runtime::packs::{self, PackRow};
use serde::Serialize;

use crate::args::{ListArgs, SortBy};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{Opened, normalized, working_folder};
use crate::render;
use crate::ui::{Ui, plain};

pub(super) fn run(
    args: &ListArgs,
    open: impl FnOnce(&mut Ui) -> Result<Opened, Failure>,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let kind = match &args.kind {
        Some(text) => Some(KindId::parse(text).map_err(|error| Failure::of(Exit::Usage, &error))?),
        None => None,
    };
    let diagnostic = match &args.code {
        Some(text) => {
            let code = text.parse::<DiagnosticCode>();
            Some(code.map_err(|error| Failure::of(Exit::Usage, &error))?)
        }
        None => None,
    };
    match &args.pack {
        None => {}
        Some(Some(pack)) => return of_pack(args, &normalized(&working_folder()?.join(pack)), ui),
        Some(None) => {
            let pack = open(ui)?.project.pack_path();
            return of_pack(args, &pack, ui);
        }
    }
    let opened = open(ui)?;
    if args.unclaimed {
        unclaimed(args, &opened, ui);
        return Ok(Exit::Done);
    }
    let sort = match args.sort {
        SortBy::Anchor => AssetSort::Anchor,
        SortBy::Name => AssetSort::Name,
        SortBy::Id => AssetSort::Id,
        SortBy::Kind => AssetSort::Kind,
        SortBy::State => AssetSort::State,
    };
    let (text, descending) = (args.text.clone(), args.descending);
    let query = AssetQuery { kind, diagnostic, text, sort, descending, ..AssetQuery::default() };
    let page = opened.project.status().snapshot.assets(&query);
    if ui.is_json() {
        for row in &page.rows {
            ui.json(row);
            if ui.is_closed() {
                break;
            }
        }
        return Ok(Exit::Done);
    }
    ui.out(&render::rows(&page.rows));
    ui.note(&render::things(page.total as u64, "asset", "assets"));
    Ok(Exit::Done)
}

/// A file that no anchor claims, as one JSON object.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct UnclaimedJson<'s> {
    /// Where it is.
    path: &'s AssetPath,
    /// Bytes.
    size: u64,
}

fn unclaimed(args: &ListArgs, opened: &Opened, ui: &mut Ui) {
    let status = opened.project.status();
    let snapshot = &status.snapshot;
    let query = UnclaimedQuery { text: args.text.clone(), ..UnclaimedQuery::default() };
    let page = snapshot.unclaimed_files(&query);
    if ui.is_json() {
        for UnclaimedFile { path, size } in &page.rows {
            ui.json(&UnclaimedJson { path, size: *size });
            if ui.is_closed() {
                break;
            }
        }
        return;
    }
    let row =
        |file: &UnclaimedFile| vec![plain(&snapshot.project_path(&file.path)), render::bytes(file.size)];
    ui.out(&render::table(&page.rows.iter().map(row).collect::<Vec<_>>()));
    ui.note(&render::things(page.total as u64, "file", "files"));
}

/// What a pack holds, as the pack says it.
fn of_pack(args: &ListArgs, pack: &Utf8Path, ui: &mut Ui) -> Result<Exit, Failure> {
    let mut rows = packs::list(pack)?;
    rows.retain(|row| {
        args.kind.as_ref().is_none_or(|kind| row.kind == *kind)
            && args.text.as_ref().is_none_or(|text| row.name.contains(text.as_str()))
    });
    if ui.is_json() {
        for row in &rows {
            ui.json(row);
            if ui.is_closed() {
                break;
            }
        }
        return Ok(Exit::Done);
    }
    ui.out(&render::table(&rows.iter().map(cells).collect::<Vec<_>>()));
    ui.note(&render::things(rows.len() as u64, "asset", "assets"));
    Ok(Exit::Done)
}

fn cells(row: &PackRow) -> Vec<String> {
    let PackRow { id, name, kind, encoding: _, compression, preload: _, size, stored_size, digest } = row;
    let Some(digest) = digest else {
        return vec![
            id.to_string(),
            plain(kind),
            "absent".to_owned(),
            String::new(),
            String::new(),
            plain(name),
        ];
    };
    let stored = match compression.as_str() {
        "none" => "-".to_owned(),
        compression => format!("{compression} {}", render::bytes(*stored_size)),
    };
    vec![
        id.to_string(),
        plain(kind),
        render::bytes(*size),
        stored,
        digest.to_string().chars().take(19).collect(),
        plain(name),
    ]
}
