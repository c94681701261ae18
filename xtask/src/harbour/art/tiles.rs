//! Tiles of 16 by 16 pixels that continue into themselves: water, planks, quay, sand, and a mask of foam.

use super::canvas::{Canvas, Point, noise};
use super::palette::{
    BARK, DEEP, FOAM, Ink, PALE, SAND, SLATE, STONE, STONE_DARK, STONE_LIGHT, WATER, WATER_LIGHT, WOOD,
    WOOD_DARK, WOOD_LIGHT,
};

const SIZE: i32 = 16;

/// How far a crest stands above its trough, along one tile.
const CREST: [i32; 16] = [0, 0, 1, 1, 2, 2, 2, 3, 3, 2, 2, 2, 1, 1, 0, 0];

/// The sea, as one of three frames of a loop.
pub(crate) fn water(frame: i32) -> Canvas {
    let mut tile = Canvas::filled(16, 16, WATER);
    for (row, drift, lit) in [(2, 0, 3..8), (10, 7, 6..12)] {
        for x in 0..SIZE {
            let along = (x + drift + frame * SIZE / 3).rem_euclid(SIZE);
            let y = row + CREST[along.cast_unsigned() as usize];
            tile.set((x, y), WATER_LIGHT);
            tile.set((x, y + 1), if lit.contains(&along) { WATER_LIGHT } else { WATER });
            tile.set((x, (y + 3) % SIZE), DEEP);
            if lit.contains(&along) {
                tile.set((x, y), PALE);
            }
            if lit.start + 1 == along {
                tile.set((x, y), FOAM);
            }
        }
    }
    tile
}

fn board_pixel((x, y): Point) -> Ink {
    let (board, within) = (y / 4, y % 4);
    let joint = (board * 7 + 3) % SIZE;
    let from_joint = (x - joint).rem_euclid(SIZE);
    match within {
        3 => BARK,
        _ if from_joint == 0 => WOOD_DARK,
        1 if from_joint == 2 || from_joint == SIZE - 2 => SLATE,
        0 => WOOD_LIGHT,
        _ if noise((x / 3, y), 5) < 56 => WOOD_DARK,
        _ => WOOD,
    }
}

/// The boards of a jetty.
pub(crate) fn planks() -> Canvas {
    let mut tile = Canvas::new(16, 16);
    tile.map(|at, _| board_pixel(at));
    tile
}

/// The boards where the jetty ends, with a beam and the water below it.
pub(crate) fn planks_edge() -> Canvas {
    let mut tile = water(0);
    for y in 0..8 {
        for x in 0..SIZE {
            tile.set((x, y), board_pixel((x, y)));
        }
    }
    tile.rect((0, 8), (SIZE, 3), WOOD_DARK);
    tile.rect((0, 8), (SIZE, 1), WOOD);
    tile.rect((0, 11), (SIZE, 1), BARK);
    for x in [2, 10] {
        tile.rect((x, 11), (3, 4), WOOD_DARK);
        tile.rect((x, 11), (1, 4), WOOD);
        tile.rect((x + 3, 11), (1, 4), DEEP);
        tile.rect((x - 1, 15), (5, 1), PALE);
    }
    tile
}

/// The stones of the quay.
pub(crate) fn quay() -> Canvas {
    let mut tile = Canvas::new(16, 16);
    tile.map(|(x, y), _| {
        let (course, within) = (y / 4, y % 4);
        let along = (x + course * 5).rem_euclid(8);
        let stone = ((x + course * 5).rem_euclid(SIZE) / 8, course);
        match (within, along) {
            (3, _) | (_, 7) => SLATE,
            (0, _) => STONE_LIGHT,
            (2, _) | (_, 6) => STONE_DARK,
            _ if noise(stone, 9) < 90 => STONE_DARK,
            _ => STONE,
        }
    });
    tile
}

/// The beach.
pub(crate) fn sand() -> Canvas {
    let mut tile = Canvas::filled(16, 16, SAND);
    tile.map(|at, ink| match noise(at, 3) {
        0..22 => WOOD_LIGHT,
        236.. => FOAM,
        _ => ink,
    });
    tile.dots(&[(4, 11), (5, 10), (6, 11)], FOAM);
    tile.dots(&[(5, 11), (4, 12), (5, 12), (6, 12)], STONE_LIGHT);
    tile
}

/// Where foam lies around a thing that stands in the water: 0 none, 255 all. Row by row, 16 by 16.
pub(crate) fn foam_mask() -> Vec<u8> {
    let mut mask = Vec::with_capacity(256);
    for y in 0..SIZE {
        for x in 0..SIZE {
            let (dx, dy) = (2 * x - 15, 2 * y - 15);
            let off_ring = ((dx * dx + dy * dy) - 120).abs();
            let grain = i32::from(noise((x, y), 21)) / 6;
            mask.push((255 - off_ring * 3 - grain).clamp(0, 255).cast_unsigned() as u8);
        }
    }
    mask
}
