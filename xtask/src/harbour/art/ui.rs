//! What lies over the game: icons of 16 by 16, buttons and a panel that stretch by nine patches, and the pointer.

use super::canvas::{Canvas, Point};
use super::palette::{
    BARK, CORAL, FOAM, GOLD, INK, Ink, PALE, RED, RED_DARK, SAND, SLATE, STONE, STONE_DARK, STONE_LIGHT,
    WATER, WATER_LIGHT, WOOD, WOOD_DARK, WOOD_LIGHT, YELLOW, mix,
};

/// Icon: an anchor.
pub(crate) fn anchor() -> Canvas {
    let mut icon = Canvas::new(16, 16);
    icon.frame((6, 1), (4, 4), STONE_LIGHT);
    icon.rect((7, 5), (2, 9), STONE_LIGHT);
    icon.rect((8, 5), (1, 9), STONE);
    icon.rect((4, 6), (8, 2), STONE_LIGHT);
    icon.rect((4, 7), (8, 1), STONE);
    for (x, y) in [(2, 9), (2, 10), (3, 11), (4, 12), (5, 13), (6, 13), (9, 13), (10, 13), (11, 12), (12, 11)]
    {
        icon.rect((x, y), (1, 2), STONE_LIGHT);
    }
    icon.rect((13, 9), (1, 3), STONE);
    icon.dots(&[(1, 10), (3, 10), (12, 10), (14, 10)], STONE_LIGHT);
    icon.rect((7, 13), (2, 2), STONE);
    icon.outline(INK);
    icon
}

/// Icon: a coin.
pub(crate) fn coin() -> Canvas {
    let mut icon = Canvas::new(16, 16);
    icon.disc((1, 1), 14, GOLD);
    icon.disc((1, 1), 13, YELLOW);
    icon.disc((3, 3), 10, GOLD);
    icon.disc((4, 4), 9, YELLOW);
    icon.rect((7, 5), (3, 6), GOLD);
    icon.rect((7, 5), (2, 6), WOOD_LIGHT);
    icon.rect((7, 5), (1, 6), WOOD);
    icon.dots(&[(3, 4), (4, 3), (5, 2), (3, 5)], FOAM);
    icon.outline(INK);
    icon
}

/// Icon: a fish.
pub(crate) fn fish() -> Canvas {
    let mut icon = Canvas::new(16, 16);
    icon.polygon(&[(1, 8), (4, 5), (8, 4), (11, 7), (11, 9), (8, 12), (4, 11)], WATER_LIGHT);
    icon.polygon(&[(11, 8), (14, 4), (14, 12)], WATER);
    icon.map(|(_, y), ink| if ink == WATER_LIGHT && y >= 10 { PALE } else { ink });
    icon.rect((6, 3), (3, 1), WATER);
    icon.line((7, 7), (7, 9), WATER);
    icon.dots(&[(9, 7), (9, 9)], WATER);
    icon.set((4, 7), FOAM);
    icon.set((3, 7), INK);
    icon.outline(INK);
    icon
}

/// Icon: a compass whose needle points north-east.
pub(crate) fn compass() -> Canvas {
    let mut icon = Canvas::new(16, 16);
    icon.disc((1, 1), 14, WOOD_DARK);
    icon.disc((1, 1), 13, WOOD_LIGHT);
    icon.disc((3, 3), 10, FOAM);
    icon.dots(&[(7, 3), (8, 3), (7, 12), (8, 12), (3, 7), (3, 8), (12, 7), (12, 8)], STONE_DARK);
    icon.polygon(&[(11, 4), (6, 7), (8, 9)], RED);
    icon.polygon(&[(4, 11), (7, 6), (9, 8)], STONE_DARK);
    icon.line((11, 4), (8, 8), RED_DARK);
    icon.line((11, 4), (7, 7), RED);
    icon.rect((7, 7), (2, 2), INK);
    icon.outline(INK);
    icon
}

/// Icon: a lifebuoy.
pub(crate) fn lifebuoy() -> Canvas {
    let mut icon = Canvas::new(16, 16);
    icon.disc((1, 1), 14, FOAM);
    icon.map(|(x, y), ink| {
        let (dx, dy) = ((2 * x - 15).abs(), (2 * y - 15).abs());
        if ink != FOAM || dx * dx + dy * dy < 36 {
            return [0; 4];
        }
        let red = dx > 2 * dy || dy > 2 * dx;
        let low = x + y > 19;
        match (red, low) {
            (true, false) => RED,
            (true, true) => RED_DARK,
            (false, false) => FOAM,
            (false, true) => STONE_LIGHT,
        }
    });
    icon.dots(&[(4, 6), (6, 3)], CORAL);
    icon.outline(INK);
    icon
}

fn rounded(canvas: &mut Canvas, corner: Point, size: Point, ink: Ink) {
    canvas.rect((corner.0 + 1, corner.1), (size.0 - 2, size.1), ink);
    canvas.rect((corner.0, corner.1 + 1), (size.0, size.1 - 2), ink);
}

/// A wooden button, 24 by 24; its corners are 8 pixels, and what is between may be stretched.
pub(crate) fn button(pressed: bool) -> Canvas {
    let mut button = Canvas::new(24, 24);
    let (top, face, light, dark) =
        if pressed { (2, WOOD, WOOD_DARK, WOOD_LIGHT) } else { (0, WOOD_LIGHT, SAND, WOOD) };
    rounded(&mut button, (0, top), (24, 24 - top), INK);
    rounded(&mut button, (1, top + 1), (22, 22 - top), BARK);
    rounded(&mut button, (1, top + 1), (22, if pressed { 20 } else { 19 }), face);
    button.rect((2, top + 1), (20, 1), light);
    button.rect((1, top + 2), (1, 17), light);
    button.rect((2, top + 19 - i32::from(!pressed)), (20, 1), dark);
    button.rect((22, top + 2), (1, 17), dark);
    for (x, y) in [(3, 4), (20, 4), (3, 16), (20, 16)] {
        button.set((x, y + top), STONE_DARK);
        button.set((x, y + top - 1), if pressed { STONE_DARK } else { STONE_LIGHT });
    }
    button
}

/// A sheet of parchment with a rope around it, 32 by 32; its corners are 10 pixels.
pub(crate) fn panel() -> Canvas {
    let mut panel = Canvas::new(32, 32);
    let parchment = mix(SAND, FOAM, 150);
    rounded(&mut panel, (1, 1), (30, 30), INK);
    rounded(&mut panel, (2, 2), (28, 28), WOOD);
    panel.map(|(x, y), ink| if ink == WOOD && (x + y) % 4 < 2 { SAND } else { ink });
    rounded(&mut panel, (5, 5), (22, 22), WOOD_DARK);
    rounded(&mut panel, (6, 6), (20, 20), parchment);
    panel.rect((6, 7), (1, 18), FOAM);
    panel.rect((7, 6), (18, 1), FOAM);
    for (x, y) in [(1, 1), (26, 1), (1, 26), (26, 26)] {
        rounded(&mut panel, (x, y), (5, 5), INK);
        panel.rect((x + 1, y + 1), (3, 3), GOLD);
        panel.rect((x + 1, y + 1), (2, 2), YELLOW);
    }
    panel
}

const POINTER: [&str; 16] = [
    "kk..............",
    "kwk.............",
    "kwwk............",
    "kwwwk...........",
    "kwwwwk..........",
    "kwwwwwk.........",
    "kwwwwwwk........",
    "kwwwwwwwk.......",
    "kwwwwwwwwk......",
    "kwwwwwwkkkk.....",
    "kwwkwwlk........",
    "kwkkkwwlk.......",
    "kk..kwwlk.......",
    "k....kwwlk......",
    ".....kwlk.......",
    "......kk........",
];

/// The mouse pointer; it points with its upper left corner.
pub(crate) fn pointer() -> Canvas {
    Canvas::from_rows(&POINTER)
}

/// A signal flag on its staff, 24 by 20, as one of four frames in the wind.
pub(crate) fn flag(frame: i32) -> Canvas {
    const SWAY: [i32; 8] = [0, 1, 1, 1, 0, -1, -1, -1];
    let mut flag = Canvas::new(24, 20);
    flag.rect((2, 1), (1, 18), WOOD_LIGHT);
    flag.rect((3, 1), (1, 18), WOOD_DARK);
    flag.rect((2, 0), (2, 1), YELLOW);
    for x in 0..18 {
        let phase = (x / 2 - frame * 2).rem_euclid(8);
        let drop = SWAY[phase.cast_unsigned() as usize] * x.min(9) / 6;
        for y in 0..11 {
            let cross = (7..=10).contains(&x) || (4..=6).contains(&y);
            let ink = if cross { FOAM } else { WATER_LIGHT };
            let folded = matches!(phase, 6 | 7) && x > 2;
            let ink = match (folded, cross) {
                (true, true) => STONE_LIGHT,
                (true, false) => WATER,
                _ => ink,
            };
            flag.set((4 + x, 3 + y + drop), ink);
        }
    }
    flag.outline(SLATE);
    flag
}
