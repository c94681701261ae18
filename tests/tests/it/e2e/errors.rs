//! A source that is broken among good ones: one finding with its path, the earlier pack as it was, and the rest built on
//! request.

use packer_tests::picture::{broken_png, png};
use packer_tests::project::TestProject;
use serde_json::{Value, json};

use super::packer;

fn diagnostics(lines: &[Value]) -> Vec<&Value> {
    lines.iter().map(|line| &line["body"]).filter(|body| body["type"] == "diagnostic").collect()
}

#[test]
fn a_broken_picture_is_one_finding_and_the_earlier_pack_stays() {
    let project = TestProject::adopted(packer());
    project.packer(&["build"]).exits(0);
    let outputs = project.outputs();
    project.write("assets/ui/panel.png", &broken_png());
    project.write("assets/ui/button.png", &png(8, 99));

    let failed = project.packer(&["build", "--format", "json"]).exits(1);
    failed.events();
    let lines = failed.json();
    let [finding] = diagnostics(&lines)[..] else { panic!("{}", failed.out) };
    assert_eq!(finding["severity"], "error");
    assert!(finding.to_string().contains("ui/panel.png"), "{finding}");
    assert_eq!(project.outputs(), outputs, "a failed build touched the earlier pack");
    assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
    let told = project.packer(&["build"]).exits(1);
    assert!(told.err.contains("assets/ui/panel.png"), "{}", told.err);

    let kept = project.packer(&["build", "--keep-going", "--format", "json"]).exits(1).ending();
    let outcome = &kept["outcome"];
    assert_eq!(
        (&kept["type"], &outcome["failed"], &outcome["incomplete"]),
        (&json!("succeeded"), &json!(1), &json!(true))
    );
    assert_ne!(project.outputs(), outputs);
    project.packer(&["verify"]).exits(0);
    project.packer(&["unpack", "build/assets.pack", "unpacked"]).exits(0);
    assert!(
        project.path("unpacked/ui/button.image").is_file()
            && !project.path("unpacked/ui/panel.image").exists()
    );

    project.write("assets/ui/panel.png", &png(16, 2));
    let mended = project.packer(&["build", "--format", "json"]).exits(0).ending();
    assert_eq!(mended["outcome"]["failed"], 0);
    assert_eq!(mended["outcome"].get("incomplete"), None);
}

#[test]
fn every_error_is_listed_not_only_the_first() {
    let project = TestProject::adopted(packer());
    project.write("assets/ui/panel.png", &broken_png());
    project.write("assets/ui/button.png", b"not a picture");
    project.write("assets/data/items.json", b"{\"a\":");
    let failed = project.packer(&["build", "--format", "json"]).exits(1);
    let lines = failed.json();
    let found = diagnostics(&lines);
    assert_eq!(found.len(), 3, "{}", failed.out);
    for path in ["ui/panel.png", "ui/button.png", "data/items.json"] {
        assert!(found.iter().any(|finding| finding.to_string().contains(path)), "{path}: {}", failed.out);
    }
    assert!(!project.path("build/assets.pack").exists());
}

#[test]
fn every_error_of_an_anchor_has_its_place() {
    let project = TestProject::adopted(packer());
    let anchor = project.read_text("assets/ui/panel.png.asset.toml");
    project.write(
        "assets/ui/panel.png.asset.toml",
        format!("{anchor}prelaod = true\n[image]\nencoding = 7\n").as_bytes(),
    );
    let lines = project.packer(&["check", "--format", "json"]).exits(1).json();
    let places: Vec<&Value> =
        lines.iter().filter(|line| line["file"] == "assets/ui/panel.png.asset.toml").collect();
    let with_span = places.iter().filter(|line| line["span"].is_object()).count();
    assert!(with_span >= 2, "both errors have a place: {places:#?}");
    let told = project.packer(&["check"]).exits(1).out;
    assert!(told.contains("prelaod = true") && told.contains("preload"), "{told}");
}
