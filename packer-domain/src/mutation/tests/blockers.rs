//! Every blocker and every warning that the requests document, each by a case that raises it.

use std::collections::BTreeSet;

use super::requests::{map, rename, set_build};
use super::{image, project};
use crate::diagnostic::{Diagnostic, DiagnosticCode};
use crate::kind::KindId;
use crate::mutation::{Adopt, Mutation, Verdict, undecided};
use crate::registry::{BuildParticipation, RegistryEntry};
use crate::testing::{DRAW, World, adopt, entry, live, path, reconcile, register, targets};

pub(super) const BLOCKED: bool = true;
pub(super) const WARNED: bool = false;

/// A request, the project it is made on, what it says, and whether that forbids it.
pub(super) type Case = (Mutation, World, &'static str, bool);

fn kind(kind: &str) -> Mutation {
    Mutation::Adopt(Adopt { targets: targets(&["."]), kind: Some(KindId::parse(kind).unwrap()), draw: DRAW })
}

fn adoptions() -> Vec<Case> {
    let plain = "//- registry\n//- assets/a.png\n//- assets/b.odd\n";
    let with = |more: &str| World::new(&format!("{plain}{more}"));
    let mut drawn = with("");
    let anchor = live("x.asset.toml", BuildParticipation::Included);
    drawn.registry.insert(RegistryEntry { uuid: DRAW.asset_uuid("a.png"), ..entry("a", 1, anchor) });
    let managed = || World::new(&project("a 1 a.png.asset.toml", &[image("a", "a", "a.png")]));
    vec![
        (adopt(&["nowhere"]), with(""), "plan/target-missing", BLOCKED),
        (adopt(&["i.png"]), with("//- ignored i.png\n"), "plan/target-missing", BLOCKED),
        (kind("imagine"), with(""), "kind/unknown", BLOCKED),
        (adopt(&["."]), with("//- ignored a.png.asset.toml\n"), "plan/target-exists", BLOCKED),
        (adopt(&["."]), with("//- folder a.png.asset.toml\n"), "plan/target-exists", BLOCKED),
        (adopt(&["."]), drawn, "registry/duplicate-entry", BLOCKED),
        (adopt(&["b.odd"]), with(""), "plan/no-rule", WARNED),
        (adopt(&["."]), with("//- assets/.asset.toml\n"), "plan/no-rule", WARNED),
        (adopt(&["a.png"]), managed(), "plan/already-managed", WARNED),
        (adopt(&["a.png.asset.toml"]), managed(), "plan/already-managed", WARNED),
        (adopt(&["."]), with("//- assets/A.png\n"), "path/collision", WARNED),
        (adopt(&["."]), with("//- assets/A.png.asset.toml\n"), "path/collision", WARNED),
        (
            adopt(&["."]),
            with("//- found path/not-representable d/n\u{fffd}.png\n"),
            "path/not-representable",
            WARNED,
        ),
        (adopt(&["d"]), with("//- folder d\n//- found path/symlink d/l.png\n"), "path/symlink", WARNED),
        (adopt(&["."]), with("//- found path/special-file f.png\n"), "path/special-file", WARNED),
        (adopt(&["."]), with("//- found path/unreadable u.png\n"), "path/unreadable", WARNED),
        (adopt(&["."]), with("//- found path/unstable u.png\n"), "path/unstable", WARNED),
    ]
}

fn registrations() -> Vec<Case> {
    let invalid = "//- assets/x.png.asset.toml\nname = \"x\"\n".to_owned();
    let a = || image("a", "a", "a.png");
    let bare = |parts: &[String]| World::new(&project("", parts));
    vec![
        (register(&["nowhere"]), bare(&[a()]), "plan/target-missing", BLOCKED),
        (register(&["a.png"]), bare(&[a()]), "plan/target-missing", BLOCKED),
        (
            register(&["x.png.asset.toml"]),
            bare(std::slice::from_ref(&invalid)),
            "plan/invalid-anchor",
            BLOCKED,
        ),
        (register(&["."]), bare(&[a(), image("b", "a", "b.png")]), "plan/name-taken", BLOCKED),
        (
            register(&["b.png.asset.toml"]),
            World::new(&project("a 1 a.png.asset.toml", &[a(), image("b", "a", "b.png")])),
            "plan/name-taken",
            BLOCKED,
        ),
        (
            register(&["a.png.asset.toml"]),
            bare(&[a(), image("a", "b", "b.png")]),
            "anchor/duplicate-uuid",
            BLOCKED,
        ),
        (
            register(&["."]),
            World::new(&project("a 1 retired\na 2 retired", &[a()])),
            "registry/duplicate-entry",
            BLOCKED,
        ),
        (
            register(&["a.png.asset.toml"]),
            World::new(&project("a 1 a.png.asset.toml", &[a()])),
            "plan/already-managed",
            WARNED,
        ),
        (register(&["."]), bare(&[a(), invalid]), "plan/invalid-anchor", WARNED),
    ]
}

fn reconciliations() -> Vec<Case> {
    let a = || image("a", "a", "a.png");
    let one = |parts: &[String]| World::new(&project("a 1 a.png.asset.toml", parts));
    let copied = |name: &str| one(&[a(), image("a", name, "copy.png")]);
    let scattered = || one(&[image("a", "a", "x.png"), image("a", "a", "y.png")]);
    let namesakes = || {
        World::new(&project("a 1 a.png.asset.toml\nb 2 b.png.asset.toml", &[a(), image("b", "a", "b.png")]))
    };
    let sourceless = "//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\nkind = \"image\"\n";
    let torn = "//- assets/copy.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\n";
    let mut drawn = copied("a");
    let retired = entry("a", 9, crate::registry::EntryState::Retired);
    drawn.registry.insert(RegistryEntry { uuid: DRAW.asset_uuid("copy.png.asset.toml"), ..retired });
    let missing_and_sourceless =
        || World::new(&project("a 1 a.png.asset.toml\nb 2 b.png.asset.toml", &[sourceless.to_owned()]));
    vec![
        (reconcile("anchor/moved"), one(&[a()]), "plan/not-diverged", BLOCKED),
        (reconcile("$a"), one(&[a()]), "plan/not-diverged", BLOCKED),
        (reconcile("@nobody"), one(&[a()]), "plan/not-diverged", BLOCKED),
        (reconcile("a.png"), one(&[a()]), "plan/not-diverged", BLOCKED),
        (reconcile("$a"), scattered(), "plan/choice-needed", BLOCKED),
        (reconcile("name/conflict"), namesakes(), "plan/choice-needed", BLOCKED),
        (reconcile("name/conflict --name other"), namesakes(), "plan/choice-needed", BLOCKED),
        (reconcile("b.png"), namesakes(), "plan/choice-needed", BLOCKED),
        (
            reconcile(""),
            World::new(&project("a 1 a.png.asset.toml\na 2 retired", &[a()])),
            "plan/choice-needed",
            BLOCKED,
        ),
        (reconcile("$a"), one(&[sourceless.to_owned()]), "plan/resolution-unavailable", BLOCKED),
        (reconcile("input/missing"), missing_and_sourceless(), "plan/resolution-unavailable", BLOCKED),
        (reconcile("$a --as retire"), copied("a"), "plan/resolution-unavailable", BLOCKED),
        (reconcile("$a --path a.png"), copied("a"), "plan/resolution-unavailable", BLOCKED),
        (
            reconcile("--as keep-3"),
            World::new(&project("a 1 a.png.asset.toml\na 2 retired", &[a()])),
            "plan/resolution-unavailable",
            BLOCKED,
        ),
        (reconcile("name/conflict --path b.png --name a"), namesakes(), "plan/name-taken", BLOCKED),
        (reconcile("$a --name a"), copied("a"), "plan/name-taken", BLOCKED),
        (reconcile("$a"), one(&[a(), torn.to_owned()]), "plan/invalid-anchor", BLOCKED),
        (reconcile("$a --path elsewhere.png"), copied("a"), "plan/target-missing", BLOCKED),
        (reconcile("name/conflict --path c.png --name c"), namesakes(), "plan/target-missing", BLOCKED),
        (reconcile("$a"), drawn, "registry/duplicate-entry", BLOCKED),
        (reconcile(""), missing_and_sourceless(), "plan/resolution-unavailable", WARNED),
    ]
}

fn renamings() -> Vec<Case> {
    let a = || image("a", "a", "a.png");
    let b = || image("b", "b", "b.png");
    let one = |registry: &str, parts: &[String]| World::new(&project(registry, parts));
    let line = "a 1 a.png.asset.toml";
    let both = "a 1 a.png.asset.toml\nb 2 b.png.asset.toml";
    let torn = "//- assets/a.png\n//- assets/a.png.asset.toml\nuuid = \"$a\"\nname = \"a\"\n".to_owned();
    let to_a = "[map]\ntiles = \"a\"\n";
    let rule = "//- packer.toml\n[project]\nname = \"x\"\n[[rules]]\nmatch = \"**\"\nmap.tiles = \"a\"\n";
    let by_rule = format!(
        "{rule}{}",
        project(&format!("{line}\nm 3 m.map.asset.toml"), &[a(), map("m", "m", "m.map", "")])
    );
    let mut unwritable = one(&format!("{line}\nm 3 m.map.asset.toml"), &[a(), map("m", "m", "m.map", to_a)]);
    // Between the observation and the look at what is to be edited, somebody tore it.
    unwritable.torn.insert(path("m.map.asset.toml"));
    vec![
        (rename("z", "c"), one(line, &[a()]), "plan/target-missing", BLOCKED),
        (rename("a", "b"), one(both, &[a(), b()]), "plan/name-taken", BLOCKED),
        (rename("a", "c"), one(line, &[torn]), "plan/invalid-anchor", BLOCKED),
        (rename("a", "c"), unwritable, "plan/invalid-anchor", BLOCKED),
        (rename("a", "c"), one(line, &[]), "plan/diverged", BLOCKED),
        (rename("a", "c"), one(line, &[image("a", "a", "x.png")]), "plan/diverged", BLOCKED),
        (rename("a", "c"), one(line, &[a(), image("a", "a", "x.png")]), "plan/diverged", BLOCKED),
        (rename("a", "c"), one(both, &[a(), image("b", "a", "b.png")]), "plan/diverged", BLOCKED),
        (rename("a", "c"), World::new(&by_rule), "plan/reference-in-rules", BLOCKED),
        (
            rename("a", "c"),
            one("a 1 a.png.asset.toml\na 2 retired", &[a()]),
            "registry/duplicate-entry",
            BLOCKED,
        ),
        (
            rename("a", "c"),
            one("a 1 a.png.asset.toml\nb 1 b.png.asset.toml", &[a(), b()]),
            "registry/duplicate-id",
            BLOCKED,
        ),
    ]
}

fn inclusions() -> Vec<Case> {
    let a = || image("a", "a", "a.png");
    let m = || map("m", "m", "m.map", "[map]\ntiles = \"a\"\n");
    let referred = World::new(&project("a 1 a.png.asset.toml\nm 3 m.map.asset.toml", &[a(), m()]));
    let twice = World::new(&project("a 1 a.png.asset.toml\na 2 a.png.asset.toml", &[a()]));
    vec![
        (set_build(&["z"], BuildParticipation::Excluded), twice.clone(), "plan/target-missing", BLOCKED),
        (set_build(&["a"], BuildParticipation::Excluded), twice, "registry/duplicate-entry", BLOCKED),
        (set_build(&["a"], BuildParticipation::Excluded), referred, "plan/referred-to", WARNED),
    ]
}

/// The codes that the doc comment of `request` lists, up to and after `Warns of:`.
pub(super) fn documented(request: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let source = include_str!("../request.rs");
    let (before, _) = source.split_once(&format!("\npub struct {request} {{")).expect("the request is there");
    let doc = before.rsplit("\n\n").next().unwrap_or_default();
    let (blocked, warned) = doc.split_once("Warns of:").expect("the warnings are listed");
    let codes = |text: &str| -> BTreeSet<String> {
        text.split('`')
            .skip(1)
            .step_by(2)
            .filter(|code| code.parse::<DiagnosticCode>().is_ok())
            .map(str::to_owned)
            .collect()
    };
    (codes(blocked), codes(warned))
}

pub(super) fn check(request: &str, cases: Vec<Case>) {
    let (mut blocked, mut warned) = (BTreeSet::new(), BTreeSet::new());
    for (mutation, world, code, forbids) in cases {
        let plan = world.plan(&mutation);
        let text = crate::testing::plan_text(&plan);
        let list = if forbids { &plan.blockers } else { &plan.warnings };
        assert!(list.iter().any(|found| found.code.as_str() == code), "{code} by {mutation:?} in\n{text}");
        assert_eq!(plan.verdict == Verdict::Blocked, forbids, "{mutation:?}: {text}");
        // Whoever is to be asked about which divergence need not be read off the messages.
        let open: Vec<String> = undecided(&world.state(), &world.contents(&mutation), &mutation)
            .iter()
            .map(|divergence| divergence.message.clone())
            .collect();
        let asks = plan.blockers.iter().filter(|found| found.code == DiagnosticCode::PlanChoiceNeeded);
        let asks: Vec<&Diagnostic> = asks.collect();
        assert_eq!(open.len(), asks.len(), "{mutation:?}: {text}");
        for ask in asks {
            assert!(open.iter().any(|message| ask.message.starts_with(message)), "{open:?}: {text}");
        }
        blocked.extend(plan.blockers.iter().map(|found| found.code.to_string()));
        warned.extend(plan.warnings.iter().map(|found| found.code.to_string()));
    }
    assert_eq!(
        documented(request),
        (blocked, warned),
        "what {request} documents, and what it was made to say"
    );
}

#[test]
fn adopting_says_what_it_documents() {
    check("Adopt", adoptions());
}

#[test]
fn registering_says_what_it_documents() {
    check("Register", registrations());
}

#[test]
fn reconciling_says_what_it_documents() {
    check("Reconcile", reconciliations());
}

#[test]
fn renaming_says_what_it_documents() {
    check("Rename", renamings());
}

#[test]
fn including_and_excluding_say_what_they_document() {
    check("SetBuild", inclusions());
}

#[test]
fn what_lies_beside_the_targets_is_not_spoken_of() {
    let world = World::new(
        "//- registry\n//- assets/d/a.png\n//- found path/symlink dd/l.png\n//- found path/not-representable n\u{fffd}\n",
    );
    let plan = world.plan(&adopt(&["d"]));
    assert_eq!(plan.warnings, [], "{}", crate::testing::plan_text(&plan));
    assert_eq!(world.plan(&adopt(&["."])).warnings.len(), 2);
}

#[test]
fn a_file_whose_anchor_cannot_be_read_or_named_is_left_and_the_others_are_adopted() {
    let long = format!("{}.png", "n".repeat(245));
    let world = World::new(&format!(
        "//- registry\n//- assets/a.png\n//- assets/b.png\n//- assets/{long}\n//- unreadable b.png.asset.toml\n"
    ));
    let plan = world.plan(&adopt(&["."]));
    assert_eq!(plan.verdict, Verdict::Ready, "{}", crate::testing::plan_text(&plan));
    let created: Vec<&str> = plan.filesystem_mutations.iter().map(|step| step.path().as_str()).collect();
    assert_eq!(created, ["a.png.asset.toml"]);
    let left: Vec<&str> = plan.warnings.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(left, ["path/unreadable", "plan/no-rule"]);
}
