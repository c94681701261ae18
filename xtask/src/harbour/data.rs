//! The harbour's data: levels in JSON, things in TOML, prices and tides in CSV, and one blob that no codec looks into.
//!
//! Levels, things and ships name other assets by asset name; a test holds that every such name is one of the project's.

use std::fmt::Write as _;

use super::SourceFile;

const QUAY: &str = r#"{
  "title": "The quay",
  "size": [20, 10],
  "legend": {
    "~": "tiles/water-1",
    "=": "tiles/planks",
    "-": "tiles/planks-edge",
    "%": "tiles/quay",
    ".": "tiles/sand"
  },
  "rows": [
    "%%%%%%%%%%%%%%%%%%%%",
    "%%%%%%%%%%%%%%%%%%%%",
    "%%%%%%%====%%%%%%%%%",
    "~~~~~~~====~~~~~~~~~",
    "~~~~~~~====~~~~~~~~~",
    "~~~~~~~----~~~~~~~~~",
    "~~~~~~~~~~~~~~~~~~~~",
    "~~~~~~~~~~~~~~~~~~~~",
    "..~~~~~~~~~~~~~~~~~~",
    ".....~~~~~~~~~~~~~~~"
  ],
  "things": [
    { "sprite": "sprites/crane", "at": [2, 1] },
    { "sprite": "sprites/bollard", "at": [7, 3] },
    { "sprite": "sprites/bollard", "at": [10, 3] },
    { "sprite": "sprites/crate", "at": [8, 2], "carries": "salt" },
    { "sprite": "sprites/barrel", "at": [9, 2], "carries": "herring" },
    { "sprite": "sprites/boat-red", "at": [11, 4], "player": true }
  ],
  "talk": "texts/dialogue/harbour-master",
  "wind": { "from": "north", "knots": 7.5 }
}
"#;

const BREAKWATER: &str = r#"{
  "title": "The breakwater",
  "size": [16, 9],
  "legend": {
    "~": "tiles/water-2",
    "%": "tiles/quay",
    ".": "tiles/sand"
  },
  "rows": [
    "~~~~~~~~~~~~~~~~",
    "~~~~~~~~~~~~~~~~",
    "~~~%%%%%%%~~~~~~",
    "~~%%~~~~~%%~~~~~",
    "~%%~~~~~~~%%~~~~",
    "%%~~~~~~~~~%~~~~",
    "%~~~~~~~~~~~~~~~",
    "%..~~~~~~~~~~~~~",
    "%....~~~~~~~~~~~"
  ],
  "things": [
    { "sprite": "sprites/buoy", "at": [12, 6], "lit": false },
    { "sprite": "sprites/gull-1", "at": [5, 2] },
    { "sprite": "sprites/gull-2", "at": [7, 2] },
    { "sprite": "sprites/boat-sail", "at": [4, 5] },
    { "sprite": "sprites/boat-red", "at": [8, 6], "player": true }
  ],
  "wind": { "from": "north-west", "knots": 21 }
}
"#;

const LIGHTHOUSE: &str = r#"{
  "title": "The lighthouse",
  "size": [12, 8],
  "legend": {
    "~": "tiles/water-3",
    "=": "tiles/planks",
    "-": "tiles/planks-edge",
    ".": "tiles/sand"
  },
  "rows": [
    "~~~~~~~~~~~~",
    "~~~~....~~~~",
    "~~~......~~~",
    "~~~......~~~",
    "~~~~.==.~~~~",
    "~~~~~==~~~~~",
    "~~~~~--~~~~~",
    "~~~~~~~~~~~~"
  ],
  "things": [
    { "sprite": "sprites/lighthouse", "at": [5, 2], "beam": { "flashes": 1, "dark": 2 } },
    { "sprite": "sprites/crate", "at": [6, 4], "carries": "rope" },
    { "sprite": "sprites/boat-blue", "at": [7, 6] },
    { "sprite": "sprites/boat-red", "at": [3, 6], "player": true }
  ],
  "talk": "texts/dialogue/ferry",
  "wind": { "from": "north", "knots": 12 }
}
"#;

const ITEMS: &str = r#"# What can be carried. Weights are in kilogrammes, prices in data/prices.csv.

[salt]
title = "Sea salt"
icon = "ui/icons/coin"
weight = 25
floats = false

[herring]
title = "Herring, in a barrel"
icon = "ui/icons/fish"
weight = 40
floats = true
spoils_after = 3          # tides

[rope]
title = "Hemp rope"
icon = "ui/icons/anchor"
weight = 12.5
floats = true

[compass]
title = "A compass that has opinions"
icon = "ui/icons/compass"
weight = 0.5
floats = false
tags = ["tool", "gift"]

[lifebuoy]
title = "Lifebuoy"
icon = "ui/icons/lifebuoy"
weight = 2.5
floats = true
tags = ["tool"]
"#;

const SHIPS: &str = r#"# The boats of the harbour. Speeds are in knots, holds in kilogrammes.

[[ship]]
title = "The red boat"
sprite = "sprites/boat-red"
speed = 8
hold = 180
since = 1998-05-02

[[ship]]
title = "The blue boat"
sprite = "sprites/boat-blue"
speed = 9
hold = 150
since = 2007-09-30

[[ship]]
title = "The one with the sails"
sprite = "sprites/boat-sail"
speed = 6
hold = 90
since = 1961-03-14
wind = { best = 14, most = 28 }
"#;

const STRINGS_EN: &str = r#"{
  "menu.play": "Set sail",
  "menu.settings": "Settings",
  "menu.quit": "Go ashore",
  "hud.coins": "{count} coins",
  "hud.tide.rising": "The tide is rising",
  "hud.tide.falling": "The tide is falling",
  "save.done": "Logged in the book"
}
"#;

const STRINGS_FR: &str = r#"{
  "menu.play": "Lever l’ancre",
  "menu.settings": "Réglages",
  "menu.quit": "Descendre à terre",
  "hud.coins": "{count} pièces",
  "hud.tide.rising": "La marée monte",
  "hud.tide.falling": "La marée descend",
  "save.done": "Noté dans le journal"
}
"#;

/// Goods, and what a unit of each costs in coins where it is cheapest.
const GOODS: [(&str, u32); 5] =
    [("salt", 4), ("herring", 9), ("rope", 14), ("compass", 55), ("lifebuoy", 21)];

/// Ports, what they charge over the cheapest price in hundredths, and a remark with the marks that CSV has to quote.
const PORTS: [(&str, u32, &str); 3] = [
    ("Quay", 0, "pays at once"),
    ("Breakwater", 35, "says \"tomorrow\", and means it"),
    ("Lighthouse", 60, "pays in fish, mostly"),
];

fn prices() -> String {
    let mut csv = String::from("good,port,buy,sell,remark\n");
    for (good, base) in GOODS {
        for (port, more, remark) in PORTS {
            let buy = base * (100 + more);
            let sell = buy * 9 / 10;
            let remark = if remark.contains([',', '"']) {
                format!("\"{}\"", remark.replace('"', "\"\""))
            } else {
                remark.to_owned()
            };
            writeln!(
                csv,
                "{good},{port},{}.{:02},{}.{:02},{remark}",
                buy / 100,
                buy % 100,
                sell / 100,
                sell % 100
            )
            .expect("writing to a string does not fail");
        }
    }
    csv
}

/// The level of the water in centimetres at a minute of the game's day: two tides, as triangles.
fn water_level(minute: u32) -> u32 {
    let into_tide = minute % 745;
    let rising = into_tide.min(745 - into_tide);
    40 + rising * 9 / 10
}

fn tides() -> String {
    let mut csv = String::from("hour,level_cm\n");
    for hour in 0..24 {
        writeln!(csv, "{hour},{}", water_level(hour * 60)).expect("writing to a string does not fail");
    }
    csv
}

/// The level every four minutes, as 16-bit little-endian numbers: what a game would read without parsing.
fn tide_table() -> Vec<u8> {
    (0..360).flat_map(|step| (water_level(step * 4) as u16).to_le_bytes()).collect()
}

/// Every data file: its path below the project and its bytes.
pub(super) fn files() -> Vec<SourceFile> {
    let text = |path: &str, text: &str| SourceFile::text(&format!("assets/{path}"), text);
    vec![
        text("data/levels/quay.json", QUAY),
        text("data/levels/breakwater.json", BREAKWATER),
        text("data/levels/lighthouse.json", LIGHTHOUSE),
        text("data/items.toml", ITEMS),
        text("data/ships.toml", SHIPS),
        text("data/prices.csv", &prices()),
        text("data/tides.csv", &tides()),
        text("data/strings/en.json", STRINGS_EN),
        text("data/strings/fr.json", STRINGS_FR),
        SourceFile { path: "assets/data/tide-table.bin".to_owned(), bytes: tide_table() },
    ]
}
