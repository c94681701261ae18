//! The colours of the harbour: one small palette, so that everything drawn looks as if it belonged together.
//!
//! Colours are straight (not premultiplied) RGBA. Nothing here draws.

/// A colour: red, green, blue, alpha.
pub(crate) type Ink = [u8; 4];

pub(crate) const NONE: Ink = [0, 0, 0, 0];
pub(crate) const INK: Ink = rgb(0x1b_20_33);
pub(crate) const SLATE: Ink = rgb(0x34_3a_56);
pub(crate) const STONE_DARK: Ink = rgb(0x5b_64_80);
pub(crate) const STONE: Ink = rgb(0x8a_94_ad);
pub(crate) const STONE_LIGHT: Ink = rgb(0xbf_c8_d6);
pub(crate) const FOAM: Ink = rgb(0xf6_f2_e4);
pub(crate) const DEEP: Ink = rgb(0x17_3f_66);
pub(crate) const WATER: Ink = rgb(0x24_67_9c);
pub(crate) const WATER_LIGHT: Ink = rgb(0x3f_90_be);
pub(crate) const PALE: Ink = rgb(0x86_cb_d8);
pub(crate) const BARK: Ink = rgb(0x45_2b_2a);
pub(crate) const WOOD_DARK: Ink = rgb(0x76_4a_36);
pub(crate) const WOOD: Ink = rgb(0xa5_6c_45);
pub(crate) const WOOD_LIGHT: Ink = rgb(0xcd_97_5d);
pub(crate) const SAND: Ink = rgb(0xee_c6_8d);
pub(crate) const RED_DARK: Ink = rgb(0x8c_2b_3a);
pub(crate) const RED: Ink = rgb(0xcc_45_44);
pub(crate) const CORAL: Ink = rgb(0xef_8a_6b);
pub(crate) const GOLD: Ink = rgb(0xd6_96_2c);
pub(crate) const YELLOW: Ink = rgb(0xf6_d1_60);
pub(crate) const MOSS: Ink = rgb(0x2f_69_52);
pub(crate) const GRASS: Ink = rgb(0x62_a3_5c);
pub(crate) const PLUM: Ink = rgb(0x5c_35_66);

const fn rgb(hex: u32) -> Ink {
    let [_, red, green, blue] = hex.to_be_bytes();
    [red, green, blue, 255]
}

/// The colour that a letter of a drawn map stands for; a dot and every letter without a colour are transparent.
pub(crate) fn by_letter(letter: char) -> Ink {
    match letter {
        'k' => INK,
        'K' => SLATE,
        's' => STONE_DARK,
        'S' => STONE,
        'l' => STONE_LIGHT,
        'w' => FOAM,
        'b' => WATER,
        'c' => PALE,
        'm' => WOOD_DARK,
        'M' => WOOD,
        'o' => WOOD_LIGHT,
        'O' => SAND,
        'r' => RED_DARK,
        'R' => RED,
        'P' => CORAL,
        'y' => GOLD,
        'Y' => YELLOW,
        _ => NONE,
    }
}

/// `ink` moved towards `other` by `part` of 256.
pub(crate) fn mix(ink: Ink, other: Ink, part: u16) -> Ink {
    let channel = |a: u8, b: u8| ((u16::from(a) * (256 - part) + u16::from(b) * part) / 256) as u8;
    [channel(ink[0], other[0]), channel(ink[1], other[1]), channel(ink[2], other[2]), ink[3]]
}
