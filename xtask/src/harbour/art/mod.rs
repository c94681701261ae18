//! The harbour's pictures, drawn by code: nothing here comes from a file.
//!
//! `palette` holds the colours, `canvas` the means of drawing, `tiles`, `sprites`, `ui` and `scenes` the drawings, and
//! `encode` turns them into files. Which file a drawing goes to, and in which format, is decided here.

mod canvas;
mod encode;
mod palette;
mod scenes;
mod sprites;
mod tiles;
mod ui;

use super::SourceFile;

/// Every picture: its path below the project and its bytes.
pub(super) fn files() -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut add = |path: &str, bytes: Vec<u8>| {
        files.push(SourceFile { path: format!("assets/{path}"), bytes });
    };
    for frame in 0..3 {
        add(&format!("tiles/water-{}.png", frame + 1), encode::png(&tiles::water(frame)));
    }
    add("tiles/planks.png", encode::png_indexed(&tiles::planks()));
    add("tiles/planks-edge.png", encode::png(&tiles::planks_edge()));
    add("tiles/quay.png", encode::png_indexed(&tiles::quay()));
    add("tiles/sand.png", encode::png(&tiles::sand()));
    add("tiles/foam-mask.png", encode::png_grey(&tiles::foam_mask(), 16));

    add("sprites/boat-red.png", encode::png(&sprites::fishing_boat(&sprites::RED_HULL)));
    add("sprites/boat-blue.png", encode::png(&sprites::fishing_boat(&sprites::BLUE_HULL)));
    add("sprites/boat-sail.png", encode::png(&sprites::sailing_boat()));
    add("sprites/crane.png", encode::png(&sprites::crane()));
    add("sprites/lighthouse.png", encode::png(&sprites::lighthouse()));
    add("sprites/gull-1.png", encode::png_indexed(&sprites::gull(true)));
    add("sprites/gull-2.png", encode::png_indexed(&sprites::gull(false)));
    add("sprites/crate.png", encode::png_indexed(&sprites::cargo_crate()));
    add("sprites/barrel.png", encode::png_indexed(&sprites::barrel()));
    add("sprites/buoy.png", encode::png(&sprites::buoy()));
    add("sprites/bollard.png", encode::png(&sprites::bollard()));

    add("ui/icons/anchor.png", encode::png(&ui::anchor()));
    add("ui/icons/coin.png", encode::png(&ui::coin()));
    add("ui/icons/compass.png", encode::png(&ui::compass()));
    add("ui/icons/fish.png", encode::png(&ui::fish()));
    add("ui/icons/lifebuoy.png", encode::png(&ui::lifebuoy()));
    add("ui/button.png", encode::png(&ui::button(false)));
    add("ui/button-pressed.png", encode::png(&ui::button(true)));
    add("ui/panel.png", encode::png(&ui::panel()));
    add("ui/pointer.tga", encode::tga(&ui::pointer()));
    add("ui/flag.gif", encode::gif(&[ui::flag(0), ui::flag(1), ui::flag(2), ui::flag(3)]));

    add("scenes/day.bmp", encode::bmp(&scenes::day()));
    add("scenes/dusk.qoi", encode::qoi(&scenes::dusk()));
    add("scenes/seabed.png", encode::png_grey16(&scenes::seabed(), 32));
    files
}
