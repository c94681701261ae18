//! What stands and moves in the harbour: boats, crane, lighthouse, gulls and cargo. Transparent around the drawing.

use super::canvas::{Canvas, noise};
use super::palette::{
    BARK, CORAL, DEEP, FOAM, GOLD, GRASS, INK, Ink, MOSS, PALE, RED, RED_DARK, SAND, SLATE, STONE,
    STONE_DARK, STONE_LIGHT, WATER, WATER_LIGHT, WOOD, WOOD_DARK, WOOD_LIGHT, YELLOW,
};

/// The colours of a boat's hull.
pub(crate) struct Hull {
    pub(crate) upper: Ink,
    pub(crate) lower: Ink,
    pub(crate) roof: Ink,
}

/// A red boat.
pub(crate) const RED_HULL: Hull = Hull { upper: RED, lower: RED_DARK, roof: SLATE };
/// A blue boat.
pub(crate) const BLUE_HULL: Hull = Hull { upper: WATER_LIGHT, lower: WATER, roof: RED };

/// A fishing boat, 32 by 32.
pub(crate) fn fishing_boat(hull: &Hull) -> Canvas {
    let mut boat = Canvas::new(32, 32);
    boat.line((21, 5), (21, 18), WOOD_DARK);
    boat.line((22, 5), (22, 18), WOOD);
    boat.rect((17, 5), (4, 3), YELLOW);
    boat.rect((17, 7), (4, 1), GOLD);
    boat.rect((8, 11), (10, 9), FOAM);
    boat.rect((16, 11), (2, 9), STONE_LIGHT);
    boat.rect((7, 9), (12, 2), hull.roof);
    boat.rect((10, 13), (2, 3), PALE);
    boat.rect((13, 13), (2, 3), WATER_LIGHT);
    boat.polygon(&[(2, 19), (19, 19), (30, 16), (27, 25), (25, 27), (7, 27), (4, 25)], hull.upper);
    boat.map(|(_, y), ink| if ink == hull.upper && y >= 24 { hull.lower } else { ink });
    boat.line((2, 19), (19, 19), WOOD_LIGHT);
    boat.line((19, 19), (30, 16), WOOD_LIGHT);
    boat.line((4, 22), (27, 22), FOAM);
    boat.rect((23, 20), (2, 1), INK);
    boat.outline(INK);
    boat.line((22, 4), (29, 15), STONE_DARK);
    boat.map(|(x, y), ink| if y == 28 && x % 7 != 3 && (3..29).contains(&x) { PALE } else { ink });
    boat.map(|(x, y), ink| if y == 29 && x % 5 == 1 && (6..27).contains(&x) { FOAM } else { ink });
    boat
}

/// A boat under sail, 32 by 48.
pub(crate) fn sailing_boat() -> Canvas {
    let mut boat = Canvas::new(32, 48);
    boat.polygon(&[(17, 4), (17, 32), (28, 32)], FOAM);
    boat.polygon(&[(13, 9), (13, 32), (4, 32)], SAND);
    boat.map(|(x, y), ink| match ink {
        FOAM if (y + x / 4) % 9 == 0 => STONE_LIGHT,
        SAND if (y - x / 4) % 9 == 0 => WOOD_LIGHT,
        other => other,
    });
    boat.rect((15, 2), (1, 35), WOOD_DARK);
    boat.rect((16, 5), (1, 32), WOOD);
    boat.polygon(&[(16, 1), (16, 3), (21, 2)], RED);
    boat.polygon(&[(2, 36), (30, 35), (26, 42), (24, 44), (8, 44), (5, 42)], WOOD);
    boat.map(|(_, y), ink| if ink == WOOD && y >= 41 { WOOD_DARK } else { ink });
    boat.line((3, 36), (30, 35), WOOD_LIGHT);
    boat.line((4, 38), (28, 38), FOAM);
    boat.outline(INK);
    boat.map(|(x, y), ink| if y == 45 && x % 6 != 2 && (5..27).contains(&x) { PALE } else { ink });
    boat
}

/// The crane of the quay with a crate on its hook, 48 by 64.
pub(crate) fn crane() -> Canvas {
    let mut crane = Canvas::new(48, 64);
    for row in 0..4 {
        let top = 25 + row * 8;
        crane.line((23, top), (31, top + 7), GOLD);
        crane.line((31, top), (23, top + 7), GOLD);
        crane.line((23, top), (31, top), GOLD);
    }
    crane.rect((21, 24), (2, 34), YELLOW);
    crane.rect((32, 24), (2, 34), YELLOW);
    crane.rect((22, 24), (1, 34), GOLD);
    crane.rect((33, 24), (1, 34), GOLD);
    crane.polygon(&[(24, 22), (28, 22), (5, 4), (3, 4)], YELLOW);
    for step in 0..5 {
        let (x, y) = (8 + step * 4, 7 + step * 3);
        crane.line((x, y), (x + 2, y), GOLD);
    }
    crane.line((28, 22), (5, 4), GOLD);
    crane.rect((20, 15), (15, 10), YELLOW);
    crane.rect((20, 15), (15, 1), SAND);
    crane.rect((20, 23), (15, 2), GOLD);
    crane.rect((22, 17), (5, 5), PALE);
    crane.rect((22, 20), (5, 2), WATER_LIGHT);
    crane.rect((29, 17), (4, 4), FOAM);
    crane.rect((35, 17), (8, 7), SLATE);
    crane.rect((35, 17), (8, 1), STONE_DARK);
    crane.line((27, 14), (41, 16), STONE_DARK);
    crane.rect((17, 58), (21, 4), SLATE);
    crane.rect((17, 58), (21, 1), STONE_DARK);
    crane.rect((3, 41), (11, 10), WOOD);
    crane.frame((3, 41), (11, 10), WOOD_LIGHT);
    crane.line((4, 49), (12, 42), WOOD_DARK);
    crane.line((4, 42), (12, 49), WOOD_DARK);
    crane.outline(INK);
    crane.line((5, 5), (5, 34), STONE_DARK);
    crane.rect((4, 33), (3, 3), RED);
    crane.line((5, 36), (3, 40), STONE_DARK);
    crane.line((5, 36), (12, 40), STONE_DARK);
    crane
}

/// The lighthouse on its rock, 32 by 64.
pub(crate) fn lighthouse() -> Canvas {
    let mut tower = Canvas::new(32, 64);
    tower.polygon(&[(11, 21), (20, 21), (23, 55), (8, 55)], FOAM);
    tower.map(|(_, y), ink| if ink == FOAM && matches!(y, 25..=32 | 40..=47) { RED } else { ink });
    tower.map(|(x, y), ink| {
        // Light comes from the left: the right third of the tower lies in its own shadow.
        let shade = x > 17 + (y - 21) / 17;
        match (ink, shade) {
            (FOAM, true) => STONE_LIGHT,
            (RED, true) => RED_DARK,
            _ => ink,
        }
    });
    tower.rect((11, 23), (2, 1), STONE_LIGHT);
    tower.rect((14, 28), (2, 3), INK);
    tower.rect((14, 37), (2, 3), SLATE);
    tower.rect((14, 49), (4, 7), WOOD_DARK);
    tower.rect((14, 49), (4, 1), BARK);
    tower.set((17, 53), YELLOW);
    tower.rect((8, 19), (16, 2), SLATE);
    tower.rect((8, 19), (16, 1), STONE_DARK);
    for x in [8, 11, 20, 23] {
        tower.rect((x, 16), (1, 3), STONE);
    }
    tower.rect((8, 16), (16, 1), STONE);
    tower.rect((12, 10), (8, 9), YELLOW);
    tower.rect((15, 12), (2, 5), FOAM);
    tower.rect((12, 10), (1, 9), SLATE);
    tower.rect((19, 10), (1, 9), SLATE);
    tower.polygon(&[(10, 9), (21, 9), (17, 4), (14, 4)], RED);
    tower.line((17, 4), (21, 9), RED_DARK);
    tower.rect((15, 2), (2, 2), GOLD);
    tower.polygon(&[(2, 61), (5, 56), (9, 54), (22, 54), (27, 56), (30, 61)], STONE);
    tower.map(|at, ink| match ink {
        STONE if at.1 >= 54 => match noise((at.0 / 3, at.1 / 2), 11) {
            0..80 => STONE_DARK,
            216.. => STONE_LIGHT,
            _ => STONE,
        },
        other => other,
    });
    tower.rect((14, 50), (4, 5), WOOD_DARK);
    tower.dots(&[(5, 57), (6, 57), (7, 56), (23, 56), (24, 57), (25, 57)], GRASS);
    tower.dots(&[(6, 58), (24, 58)], MOSS);
    tower.outline(INK);
    tower.map(|(x, y), ink| if y == 62 && x % 6 != 4 && (1..31).contains(&x) { PALE } else { ink });
    tower
}

const GULL_UP: [&str; 16] = [
    "..kk............",
    "..kSk...........",
    "..kSSk..........",
    "...kSlk...kk....",
    "...kSllk.kSSk...",
    "....kllk.kSlk...",
    "....klwlkkllk...",
    ".....kwwlkwlk...",
    ".....kwwwwwkkk..",
    ".kkkkwwwwwwwwwk.",
    "kSSlwwwwwwwwkwkk",
    ".kkkllwwwwwwwYYk",
    "....kklllllkkkk.",
    "......kkkkk.....",
    ".......y.y......",
    "................",
];

const GULL_DOWN: [&str; 16] = [
    "................",
    "................",
    "................",
    "................",
    "................",
    "..........kkkk..",
    "..kkk..kkkwwwwk.",
    ".kSSlkkwwwwwkwkk",
    "..kkkwwwwwwwwYYk",
    "....kllwwwlkkkk.",
    "....kllkllwk....",
    "...kSlk.kwlk....",
    "...kSk...klSk...",
    "..kSk.....kSk...",
    "..kk.......kk...",
    "................",
];

/// A gull with its wings up, or down; 16 by 16.
pub(crate) fn gull(wings_up: bool) -> Canvas {
    Canvas::from_rows(if wings_up { &GULL_UP } else { &GULL_DOWN })
}

/// A crate, 16 by 16.
pub(crate) fn cargo_crate() -> Canvas {
    let mut cargo = Canvas::new(16, 16);
    cargo.rect((2, 2), (12, 12), WOOD);
    for y in [5, 8, 11] {
        cargo.rect((4, y), (8, 1), WOOD_DARK);
    }
    cargo.line((4, 11), (11, 4), WOOD_LIGHT);
    cargo.line((4, 10), (10, 4), WOOD_LIGHT);
    cargo.line((5, 11), (11, 5), WOOD_DARK);
    cargo.frame((3, 3), (10, 10), WOOD_DARK);
    cargo.frame((2, 2), (12, 12), WOOD_LIGHT);
    cargo.rect((3, 13), (11, 1), WOOD);
    cargo.rect((13, 3), (1, 11), WOOD);
    cargo.dots(&[(2, 2), (13, 2), (2, 13), (13, 13)], SLATE);
    cargo.outline(INK);
    cargo
}

/// A barrel, 16 by 16.
pub(crate) fn barrel() -> Canvas {
    let mut barrel = Canvas::new(16, 16);
    barrel.polygon(&[(5, 2), (10, 2), (12, 6), (12, 10), (10, 14), (5, 14), (3, 10), (3, 6)], WOOD);
    barrel.map(|(x, _), ink| match (ink, x) {
        (WOOD, ..=4) => WOOD_LIGHT,
        (WOOD, 7 | 10..) => WOOD_DARK,
        _ => ink,
    });
    barrel.map(|(x, y), ink| match (ink[3], y) {
        (255, 4 | 11) if x < 6 => STONE_LIGHT,
        (255, 4 | 11) => STONE,
        (255, 5 | 12) => STONE_DARK,
        _ => ink,
    });
    barrel.rect((5, 2), (6, 1), WOOD_LIGHT);
    barrel.outline(INK);
    barrel
}

/// A buoy with its lamp, 16 by 24.
pub(crate) fn buoy() -> Canvas {
    let mut buoy = Canvas::new(16, 24);
    buoy.rect((7, 2), (2, 2), YELLOW);
    buoy.line((7, 4), (5, 12), STONE_DARK);
    buoy.line((8, 4), (10, 12), STONE_DARK);
    buoy.line((6, 8), (9, 8), STONE_DARK);
    buoy.polygon(&[(4, 12), (11, 12), (13, 19), (2, 19)], RED);
    buoy.rect((4, 15), (9, 2), FOAM);
    buoy.map(|(x, _), ink| match (ink, x) {
        (RED, 10..) => RED_DARK,
        (FOAM, 10..) => STONE_LIGHT,
        (RED, ..=4) => CORAL,
        _ => ink,
    });
    buoy.outline(INK);
    buoy.map(|(x, y), ink| match (y, x) {
        (20, 1..=14) => PALE,
        (21, 3..=5 | 8..=12) => FOAM,
        (22, 5..=10) => WATER_LIGHT,
        _ => ink,
    });
    buoy
}

/// A bollard with a rope around it, 16 by 16.
pub(crate) fn bollard() -> Canvas {
    let mut bollard = Canvas::new(16, 16);
    bollard.rect((5, 5), (6, 9), SLATE);
    bollard.rect((4, 3), (8, 3), STONE_DARK);
    bollard.rect((4, 3), (8, 1), STONE);
    bollard.rect((6, 6), (1, 8), STONE_DARK);
    for y in [8, 10] {
        bollard.rect((4, y), (8, 1), SAND);
        bollard.rect((4, y + 1), (8, 1), WOOD_LIGHT);
    }
    bollard.line((12, 11), (14, 13), WOOD_LIGHT);
    bollard.rect((3, 13), (10, 1), DEEP);
    bollard.outline(INK);
    bollard
}
