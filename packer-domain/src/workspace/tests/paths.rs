//! Paths that collide or do not travel, and whom a collision concerns.

use super::{check, copy, with};
use crate::build::plan_build;
use crate::config::BuildOptions;
use crate::report::asset_detail;
use crate::testing::{World, path, state_text, uuid};

#[test]
fn collisions_and_names_that_do_not_travel() {
    check!("files_that_differ_by_case", &with("a 1 a.png.asset.toml", "//- assets/A.png\n"));
    let folder = copy("b", "b", "UI/b.png");
    check!(
        "folders_that_differ_by_case",
        &with("a 1 a.png.asset.toml\nb 2 UI/b.png.asset.toml", &format!("{folder}//- assets/ui/c.png\n"))
    );
    check!(
        "files_that_differ_by_unicode_form",
        "//- registry\n//- assets/e\u{301}.png\n//- assets/\u{e9}.png\n"
    );
    check!("names_that_do_not_travel", "//- registry\n//- assets/aux/what?.png\n//- assets/end.\n");
}

#[test]
fn a_collision_concerns_every_asset_that_it_stops() {
    for other in ["A.png", "A.PNG.ASSET.TOML", "a.PNG"] {
        let world = World::new(&with("a 1 a.png.asset.toml", &format!("//- assets/{other}\n")));
        let state = world.state();
        let detail = asset_detail(&state, uuid("a")).unwrap();
        if other != "A.PNG.ASSET.TOML" {
            assert!(state.is_colliding(&path("a.png")));
        }
        assert_eq!(detail.row.state.as_str(), "invalid", "{other}");
        assert!(detail.diagnostics.iter().any(|found| found.code.as_str() == "path/collision"), "{other}");
        let plan = plan_build(&state, BuildOptions::default());
        assert_eq!((plan.entries.len(), plan.absent.len()), (0, 1), "{other}");
        assert!(plan.errors.iter().any(|found| found.code.as_str() == "path/collision"), "{other}");
    }
}

#[test]
fn a_collision_of_neighbours_concerns_nobody_else() {
    let world = World::new(&with(
        "a 1 a.png.asset.toml",
        "//- assets/B.png\n//- assets/b.png\n//- assets/a.png0/x\n//- assets/A.png0/x\n",
    ));
    let state = world.state();
    let detail = asset_detail(&state, uuid("a")).unwrap();
    assert_eq!((detail.row.state.as_str(), detail.diagnostics), ("ready", Vec::new()));
}
