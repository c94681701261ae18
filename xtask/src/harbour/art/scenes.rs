//! Whole pictures: the harbour by day and at dusk, and the depths of the sea as a height map.

use super::canvas::{Canvas, noise};
use super::palette::{
    BARK, CORAL, DEEP, FOAM, GRASS, INK, Ink, MOSS, PALE, PLUM, RED, SAND, SLATE, STONE, STONE_DARK, WATER,
    WATER_LIGHT, WOOD, YELLOW, mix,
};
use super::sprites;

/// The row where sky and sea meet.
const HORIZON: i32 = 48;

fn board() -> Canvas {
    Canvas::new(160, 90)
}

fn cloud(scene: &mut Canvas, left: i32, top: i32, upper: Ink, lower: Ink) {
    for (dx, dy, size) in [(0, 4, 8), (6, 1, 11), (14, 3, 9), (20, 5, 6)] {
        scene.disc((left + dx, top + dy), size, upper);
    }
    scene.rect((left + 2, top + 10), (23, 2), lower);
    scene.rect((left - 1, top + 11), (29, 1), lower);
}

fn hills(scene: &mut Canvas, far: Ink, near: Ink) {
    let ridge = [(0, 41), (16, 36), (34, 40), (52, 34), (70, 41), (92, 44), (110, 46), (124, HORIZON)];
    scene.polygon(&[&ridge[..], &[(0, HORIZON)]].concat(), far);
    let shore = [(0, 45), (22, 42), (40, 45), (60, 46), (84, HORIZON)];
    scene.polygon(&[&shore[..], &[(0, HORIZON)]].concat(), near);
}

fn glitter(scene: &mut Canvas, middle: i32, spread: i32, ink: Ink) {
    for y in HORIZON + 1..88 {
        let reach = spread + (y - HORIZON) / 5;
        for x in middle - reach..=middle + reach {
            if noise((x / 3, y), 31) < 70 && y % 2 == 0 {
                scene.set((x, y), ink);
            }
        }
    }
}

fn quay_and_boats(scene: &mut Canvas) {
    scene.stamp(&sprites::lighthouse(), (124, 4));
    scene.stamp(&sprites::sailing_boat(), (66, 24));
    scene.stamp(&sprites::fishing_boat(&sprites::RED_HULL), (96, 54));
    scene.stamp(&sprites::buoy(), (55, 62));
    scene.rect((0, 70), (52, 20), STONE);
    scene.rect((0, 70), (52, 1), FOAM);
    for course in 0..4 {
        scene.rect((0, 73 + course * 5), (52, 1), SLATE);
        for joint in 0..6 {
            let x = joint * 9 + (course % 2) * 4;
            scene.rect((x, 73 + course * 5), (1, 5), STONE_DARK);
        }
    }
    scene.rect((50, 71), (2, 19), SLATE);
    scene.stamp(&sprites::crane(), (2, 9));
    scene.stamp(&sprites::bollard(), (38, 57));
    scene.stamp(&sprites::cargo_crate(), (22, 56));
}

/// The harbour at noon, 160 by 90, opaque.
pub(crate) fn day() -> Canvas {
    let mut scene = board();
    let high = mix(WATER_LIGHT, PALE, 90);
    scene.gradient((0, HORIZON), &[high, PALE, mix(PALE, FOAM, 140)]);
    cloud(&mut scene, 54, 6, FOAM, mix(FOAM, PALE, 90));
    cloud(&mut scene, 98, 18, FOAM, mix(FOAM, PALE, 90));
    hills(&mut scene, mix(MOSS, PALE, 120), GRASS);
    scene.gradient((HORIZON, 90), &[WATER_LIGHT, WATER, DEEP]);
    glitter(&mut scene, 80, 70, mix(WATER_LIGHT, PALE, 120));
    quay_and_boats(&mut scene);
    scene.stamp(&sprites::gull(true), (84, 8));
    scene.stamp(&sprites::gull(false), (46, 24));
    scene
}

/// The harbour as the sun goes down, 160 by 90, opaque.
pub(crate) fn dusk() -> Canvas {
    let mut lit = board();
    quay_and_boats(&mut lit);
    let night = mix(INK, PLUM, 110);
    lit.map(|(x, y), ink| {
        let on_tower = x >= 124 && (14..23).contains(&y);
        let lamp = (ink == YELLOW && (55..71).contains(&x)) || (on_tower && (ink == YELLOW || ink == FOAM));
        if lamp { ink } else { mix(ink, night, 165) }
    });

    let mut scene = board();
    scene.gradient((0, HORIZON), &[mix(SLATE, PLUM, 120), PLUM, mix(RED, PLUM, 60), CORAL, SAND]);
    scene.disc((100, 32), 22, mix(YELLOW, CORAL, 90));
    scene.disc((102, 34), 18, YELLOW);
    hills(&mut scene, mix(PLUM, INK, 70), mix(BARK, INK, 130));
    let (near, far) = (mix(DEEP, INK, 120), mix(RED, PLUM, 130));
    scene.gradient((HORIZON, 90), &[mix(CORAL, PLUM, 60), far, mix(PLUM, DEEP, 120), near, near]);
    glitter(&mut scene, 111, 5, YELLOW);
    glitter(&mut scene, 80, 60, mix(WOOD, CORAL, 90));
    scene.map(|(x, y), ink| {
        let star = y < 20 && noise((x, y), 77) > 253;
        if star { mix(ink, FOAM, 170) } else { ink }
    });
    for reach in 0..60_u16 {
        // The beam widens and thins out with every pixel away from the lamp.
        let (x, half) = (134 - i32::from(reach), i32::from(reach) / 9 + 1);
        for y in 17 - half..=17 + half {
            scene.set((x, y), mix(scene.get((x, y)), YELLOW, 150 - reach * 5 / 2));
        }
    }
    scene.stamp(&lit, (0, 0));
    scene
}

/// How deep the sea is: 32 by 32 heights of 16 bits, smooth, with two banks. Row by row.
pub(crate) fn seabed() -> Vec<u16> {
    const CELL: i32 = 8;
    let corner = |x: i32, y: i32| i32::from(noise((x.rem_euclid(4), y.rem_euclid(4)), 55));
    let mut heights = Vec::with_capacity(32 * 32);
    for y in 0..32 {
        for x in 0..32 {
            let (cell_x, cell_y) = (x / CELL, y / CELL);
            let (in_x, in_y) = (x % CELL, y % CELL);
            let above = corner(cell_x, cell_y) * (CELL - in_x) + corner(cell_x + 1, cell_y) * in_x;
            let below = corner(cell_x, cell_y + 1) * (CELL - in_x) + corner(cell_x + 1, cell_y + 1) * in_x;
            let height = above * (CELL - in_y) + below * in_y;
            heights.push((height * 4 + i32::from(noise((x, y), 56)) / 4).cast_unsigned() as u16);
        }
    }
    heights
}
