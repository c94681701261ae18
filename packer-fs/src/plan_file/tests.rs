//! Plan files: every form comes back as it was written, and what is none is refused with its place.

use std::collections::{BTreeMap, BTreeSet};

use packer_domain::divergence::{DivergenceCode, Resolution};
use packer_domain::identity::{AssetId, AssetUuid, OperationId, UuidDraw};
use packer_domain::kind::{KindId, SettingValue};
use packer_domain::mutation::{
    Adopt, Affected, Batch, Change, Configure, Duplicate, FilesystemMutation, KeptFile, Reconcile, Recover,
    RecoveryChoice, Register, RegistryMutation, Relocate, Remove, RemovedInputs, Rename, Seen, SeenPath,
    Selector, SetBuild, Target, Undo,
};
use packer_domain::name::AssetName;
use packer_domain::path::AssetPath;
use packer_domain::registry::{BuildParticipation, EntryState, RegistryEntry};

use super::*;
use crate::disk::sim::SimDisk;

const DRAW: UuidDraw = UuidDraw { unix_ms: 1_900_000_000_000, entropy: [7; 16] };

fn uuid(n: u8) -> AssetUuid {
    AssetUuid::drawn(UuidDraw { unix_ms: u64::from(n), entropy: [n; 16] })
}

fn operation() -> OperationId {
    OperationId::drawn(DRAW)
}

fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).unwrap()
}

fn name(text: &str) -> AssetName {
    AssetName::parse(text).unwrap()
}

/// Every request, with every form of what can stand in it. A new one does not compile before it is among them.
fn requests() -> Vec<Mutation> {
    let all = [
        Mutation::Adopt(Adopt {
            targets: vec![Target::Root, Target::Path(path("a b/ü.png"))],
            kind: Some(KindId::parse("image").unwrap()),
            draw: DRAW,
        }),
        Mutation::Adopt(Adopt { targets: Vec::new(), kind: None, draw: DRAW }),
        Mutation::Register(Register { targets: vec![Target::Root] }),
        Mutation::Reconcile(Reconcile {
            select: vec![
                Selector::Code(DivergenceCode::AnchorMoved),
                Selector::Asset(uuid(1)),
                Selector::Name(name("ui/a")),
                Selector::Path(path("ui")),
            ],
            resolution: Some(Resolution::KeepLine(2)),
            path: Some(path("ui/a.png.asset.toml")),
            name: Some(name("ui/b")),
            draw: DRAW,
        }),
        Mutation::Rename(Rename { asset: uuid(1), name: name("ui/b") }),
        Mutation::SetBuild(SetBuild { assets: vec![uuid(1)], build: BuildParticipation::Excluded }),
        Mutation::SetBuild(SetBuild { assets: Vec::new(), build: BuildParticipation::Included }),
        Mutation::Configure(Configure {
            asset: uuid(1),
            set: BTreeMap::from([
                ("preload".to_owned(), SettingValue::Bool(true)),
                ("size".to_owned(), SettingValue::Int(i64::MIN)),
                ("text".to_owned(), SettingValue::Text("\u{1b}\"\\\u{2028}".to_owned())),
                (
                    "tiles".to_owned(),
                    SettingValue::List(vec![
                        SettingValue::List(vec![SettingValue::Int(i64::MAX)]),
                        SettingValue::Bool(false),
                    ]),
                ),
            ]),
            clear: BTreeSet::from(["inputs".to_owned()]),
        }),
        Mutation::Relocate(Relocate { asset: uuid(1), to: "../nonsense is the planner's".to_owned() }),
        Mutation::Duplicate(Duplicate {
            asset: uuid(1),
            to: ".".to_owned(),
            name: Some(name("b")),
            draw: DRAW,
        }),
        Mutation::Remove(Remove { assets: vec![uuid(1), uuid(2)], inputs: RemovedInputs::Kept }),
        Mutation::Remove(Remove { assets: Vec::new(), inputs: RemovedInputs::ToHistory }),
        Mutation::Undo(Undo { operation: operation() }),
        Mutation::Recover(Recover { operation: operation(), choice: RecoveryChoice::KeepTheirs }),
        Mutation::Recover(Recover { operation: operation(), choice: RecoveryChoice::FinishOurs }),
    ];
    let batch = |mutations: &[Mutation]| Mutation::Batch(Batch { mutations: mutations.to_vec() });
    let nested = batch(&[batch(&[]), all[2].clone(), batch(&[all[4].clone()])]);
    let all: Vec<Mutation> = all.into_iter().chain([nested]).collect();
    let forms: BTreeSet<u8> = all
        .iter()
        .map(|request| match request {
            Mutation::Adopt(_) => 0,
            Mutation::Register(_) => 1,
            Mutation::Reconcile(_) => 2,
            Mutation::Rename(_) => 3,
            Mutation::SetBuild(_) => 4,
            Mutation::Configure(_) => 5,
            Mutation::Relocate(_) => 6,
            Mutation::Duplicate(_) => 7,
            Mutation::Remove(_) => 8,
            Mutation::Undo(_) => 9,
            Mutation::Recover(_) => 10,
            Mutation::Batch(_) => 11,
        })
        .collect();
    assert_eq!(forms, (0..12).collect());
    all
}

fn entry(n: u8, state: EntryState) -> RegistryEntry {
    RegistryEntry { uuid: uuid(n), id: AssetId::new(u32::from(n)).unwrap(), state }
}

fn live(n: u8, build: BuildParticipation) -> RegistryEntry {
    entry(n, EntryState::Live { anchor: path("ui/a.png.asset.toml"), build })
}

/// Every change of the registry, with every state of a line.
fn registry_mutations() -> Vec<RegistryMutation> {
    let all = vec![
        RegistryMutation::Insert { entry: live(1, BuildParticipation::Included) },
        RegistryMutation::Update {
            before: live(2, BuildParticipation::Included),
            after: live(2, BuildParticipation::Excluded),
        },
        RegistryMutation::Retire { before: live(3, BuildParticipation::Included) },
        RegistryMutation::Delete { entry: entry(4, EntryState::Retired) },
    ];
    let forms: BTreeSet<u8> = all
        .iter()
        .map(|mutation| match mutation {
            RegistryMutation::Insert { .. } => 0,
            RegistryMutation::Update { .. } => 1,
            RegistryMutation::Retire { .. } => 2,
            RegistryMutation::Delete { .. } => 3,
        })
        .collect();
    assert_eq!(forms, (0..4).collect());
    all
}

/// Every change on disk, with every place where the packer keeps files.
fn filesystem_mutations() -> Vec<FilesystemMutation> {
    let digest = Digest::of(b"text");
    let (from, to) = (path("a.png"), path("ui/b.png"));
    let kept = [
        KeptFile::History { operation: operation(), number: 0 },
        KeptFile::Displaced { operation: operation(), number: 1 },
        KeptFile::Staged { operation: operation(), number: u32::MAX },
    ];
    let mut all = vec![
        FilesystemMutation::Create { path: to.clone(), contents: "a = 1\n".to_owned(), after: digest },
        FilesystemMutation::Edit {
            path: to.clone(),
            diff: "-a\n+b\n".to_owned(),
            before: digest,
            after: digest,
            before_size: 7,
            contents: "not in the file".to_owned(),
        },
        FilesystemMutation::Move { from: from.clone(), to: to.clone(), digest, size: u64::MAX },
        FilesystemMutation::Copy { from: from.clone(), to: to.clone(), digest, size: 1 },
        FilesystemMutation::ToHistory { path: from.clone(), digest, size: 2 },
        FilesystemMutation::MakeDir { path: path("ui") },
        FilesystemMutation::RemoveDir { path: path("old") },
    ];
    all.extend(kept.map(|kept| FilesystemMutation::Restore { path: from.clone(), kept, digest, size: 3 }));
    let forms: BTreeSet<u8> = all
        .iter()
        .map(|mutation| match mutation {
            FilesystemMutation::Create { .. } => 0,
            FilesystemMutation::Edit { .. } => 1,
            FilesystemMutation::Move { .. } => 2,
            FilesystemMutation::Copy { .. } => 3,
            FilesystemMutation::ToHistory { .. } => 4,
            FilesystemMutation::MakeDir { .. } => 5,
            FilesystemMutation::RemoveDir { .. } => 6,
            FilesystemMutation::Restore { kept, .. } => match kept {
                KeptFile::History { .. } => 7,
                KeptFile::Displaced { .. } => 8,
                KeptFile::Staged { .. } => 9,
            },
        })
        .collect();
    assert_eq!(forms, (0..10).collect());
    all
}

fn seen() -> Vec<SeenPath> {
    let all = [Seen::Absent, Seen::File { digest: Digest::of(b"seen") }, Seen::Other];
    let forms: BTreeSet<u8> = all
        .iter()
        .map(|seen| match seen {
            Seen::Absent => 0,
            Seen::File { .. } => 1,
            Seen::Other => 2,
        })
        .collect();
    assert_eq!(forms, (0..3).collect());
    (1..).zip(all).map(|(n, seen)| SeenPath { path: path(&format!("{n}.png")), seen }).collect()
}

fn plan(mutation: Mutation, verdict: Verdict, configuration: Option<Digest>) -> MutationPlan {
    let none = Digest::of(b"");
    let mut plan = MutationPlan {
        schema: PLAN_SCHEMA,
        mutation,
        lineage: LineageId::drawn(DRAW),
        configuration: None,
        verdict,
        blockers: Vec::new(),
        warnings: Vec::new(),
        registry_mutations: registry_mutations(),
        filesystem_mutations: filesystem_mutations(),
        seen: seen(),
        affected: vec![Affected { uuid: uuid(1), id: None, name: None, change: Change::Moved }],
        effects_digest: none,
        plan_digest: none,
    };
    plan.effects_digest = plan.compute_effects_digest();
    let plan = plan.configured(none);
    match configuration {
        Some(configuration) => plan.configured(configuration),
        None => plan,
    }
}

#[test]
fn every_form_comes_back_as_it_was_written() {
    let configuration = Digest::of(b"packer.toml");
    for request in requests() {
        for verdict in [Verdict::Ready, Verdict::Blocked, Verdict::Empty] {
            let plan = plan(request.clone(), verdict, Some(configuration));
            let read = decode(&encode(&plan).unwrap()).unwrap();
            assert!(!read.is_altered(), "{request:?}");
            assert_eq!(read, ShownPlan::from(plan.clone()), "what is read is what was shown");
            assert_eq!(read.effects_digest, plan.compute_effects_digest());
            assert_eq!(read.configuration, Some(configuration));
            // What is read says in JSON, byte for byte, what was written.
            let texts = |of: (&Mutation, &[RegistryMutation], &[FilesystemMutation], &[SeenPath])| {
                serde_json::to_string(&of).unwrap()
            };
            assert_eq!(
                texts((&read.mutation, &read.registry_mutations, &read.filesystem_mutations, &read.seen)),
                texts((&plan.mutation, &plan.registry_mutations, &plan.filesystem_mutations, &plan.seen)),
            );
            // As one line, it is the same plan.
            assert_eq!(decode(&serde_json::to_vec(&plan).unwrap()).unwrap(), read);
        }
    }
}

/// All requests as one plan.
fn everything() -> String {
    let batch = Mutation::Batch(Batch { mutations: requests() });
    String::from_utf8(encode(&plan(batch, Verdict::Ready, None)).unwrap()).unwrap()
}

#[test]
fn the_file_has_one_field_a_line() {
    insta::assert_snapshot!("everything", everything());
}

#[test]
fn what_was_changed_in_a_file_is_noticed() {
    let whole = everything();
    let read = decode(whole.as_bytes()).unwrap();
    assert!(!read.is_altered());
    for (from, to) in [
        ("\"to\": \"../nonsense is the planner's\"", "\"to\": \"elsewhere\""),
        ("\"build\": \"excluded\"", "\"build\": \"included\""),
        ("\"verdict\": \"ready\"", "\"verdict\": \"empty\""),
        ("\"change\": \"move\"", "\"change\": \"copy\""),
        ("\"contents\": \"a = 1\\n\"", "\"contents\": \"a = 2\\n\""),
        ("\"change\": \"insert\"", "\"change\": \"delete\""),
        ("\"path\": \"1.png\"", "\"path\": \"4.png\""),
        ("\"kind\": \"other\"", "\"kind\": \"absent\""),
        ("\"unix_ms\": 1900000000000", "\"unix_ms\": 1900000000001"),
    ] {
        let altered = whole.replacen(from, to, 1);
        assert!(altered != whole, "{from}");
        assert!(decode(altered.as_bytes()).unwrap().is_altered(), "{from} -> {to}");
    }
    let digest = |digest: Digest| format!("\"{digest}\"");
    for (from, to) in [
        (read.effects_digest, Digest::of(b"else")),
        (read.plan_digest, Digest::of(b"else")),
        (read.configuration.unwrap(), Digest::of(b"else")),
    ] {
        let altered = whole.replace(&digest(from), &digest(to));
        assert!(decode(altered.as_bytes()).unwrap().is_altered(), "{from}");
    }
}

fn refusal(text: &str) -> String {
    decode(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_is_no_plan_is_refused_with_its_place() {
    let whole = everything();
    let changed = |from: &str, to: &str| {
        let text = whole.replacen(from, to, 1);
        assert!(text != whole, "{from}");
        refusal(&text)
    };
    let long = format!("\"path\": \"{}\\u0001\"", "x".repeat(5000));
    let cases = [
        ("nothing at all", refusal("")),
        ("no object", refusal("[1]\n")),
        ("no JSON", refusal("{\"schema\": 1,\n  mutation: 2}\n")),
        ("no schema", refusal("{}")),
        ("a schema that is no number", refusal("{\"schema\": \"1\"}")),
        ("a newer schema, with what it may bring", changed("\"schema\": 1,", "\"schema\": 2, \"more\": [],")),
        ("torn", refusal(&whole[..whole.len() / 2])),
        ("followed by something", refusal(&format!("{whole}{{}}"))),
        ("a field more", changed("\"lineage\"", "\"more\": 1, \"lineage\"")),
        ("a field less", changed("  \"verdict\": \"ready\",\n", "")),
        (
            "a field twice",
            changed("\"verdict\": \"ready\"", "\"verdict\": \"ready\", \"verdict\": \"ready\""),
        ),
        ("an unknown verdict", changed("\"verdict\": \"ready\"", "\"verdict\": \"sure\"")),
        ("an unknown request", changed("\"mutation\": \"register\"", "\"mutation\": \"replace\"")),
        (
            "a field that belongs to another request",
            changed("\"mutation\": \"register\"", "\"mutation\": \"register\", \"draw\": 1"),
        ),
        ("a request that does not begin with its name", changed("\"mutation\": \"register\",", "")),
        ("a request that is a list", changed("\"mutation\": {", "\"mutation\": [], \"x\": {")),
        ("members that are no list", changed("\"mutations\": []", "\"mutations\": 1")),
        ("a batch with something beside", changed("\"mutations\": []", "\"mutations\": [], \"more\": 1")),
        (
            "a batch of nothing",
            changed("\"mutation\": \"batch\",\n            \"mutations\": []", "\"mutation\": \"batch\""),
        ),
        ("a path upwards", changed("\"path\": \"1.png\"", "\"path\": \"../1.png\"")),
        ("an absolute path", changed("\"from\": \"a.png\"", "\"from\": \"/a.png\"")),
        ("a path of another system", changed("\"to\": \"ui/b.png\"", "\"to\": \"ui\\\\b.png\"")),
        ("a target that is no path", changed("\"path\": \"a b/ü.png\"", "\"path\": \"a//b\"")),
        ("a long text with a control character", changed("\"path\": \"1.png\"", &long)),
        ("an anchor that is no path", changed("\"anchor\": \"ui/", "\"anchor\": \"./ui/")),
        ("no uuid", changed("\"operation\": \"", "\"operation\": \"x")),
        ("no digest", changed("\"digest\": \"b3:", "\"digest\": \"md5:")),
        ("no id", changed("\"id\": 1", "\"id\": 0")),
        ("a size that is no number", changed("\"size\": 18446744073709551615", "\"size\": -1")),
        ("a number that no setting has", changed("9223372036854775807", "9223372036854775808")),
        ("a fraction", changed("9223372036854775807", "0.5")),
        ("null as a setting", changed("9223372036854775807", "null")),
        ("an unknown resolution", changed("\"resolution\": \"keep-2\"", "\"resolution\": \"keep\"")),
        ("no resolution said", changed("\"resolution\": \"keep-2\",", "")),
        ("an unknown divergence", changed("\"code\": \"anchor/moved\"", "\"code\": \"anchor/lost\"")),
        ("no name", changed("\"name\": \"ui/a\"", "\"name\": \"UI\"")),
        ("an unknown change", changed("\"change\": \"make_dir\"", "\"change\": \"chmod\"")),
        ("a kept file elsewhere", changed("\"in\": \"staged\"", "\"in\": \"/etc\"")),
        (
            "something seen with too much",
            changed("\"kind\": \"absent\"", "\"kind\": \"absent\", \"digest\": 1"),
        ),
        ("blockers that are no list", changed("\"blockers\": []", "\"blockers\": {}")),
        ("a name with control characters", changed("\"lineage\"", "\"\\u001b[31m\\n\": 1, \"lineage\"")),
    ];
    let told: Vec<String> = cases.into_iter().map(|(what, said)| format!("{what}\n  {said}\n")).collect();
    insta::assert_snapshot!("refusals", told.concat());
}

#[test]
fn what_is_for_people_only_may_say_anything() {
    let whole = everything();
    let read = decode(whole.as_bytes()).unwrap();
    let told = "\"blockers\": [1, {\"a\": [null]}], \"warnings\": [";
    let other = whole.replacen("\"blockers\": [],\n  \"warnings\": [", told, 1);
    assert!(other != whole);
    assert_eq!(decode(other.as_bytes()).unwrap(), read);
}

/// A batch in a batch in a batch …
fn nested(depth: usize) -> Mutation {
    (0..depth).fold(requests()[2].clone(), |inner, _| Mutation::Batch(Batch { mutations: vec![inner] }))
}

#[test]
fn batches_stand_only_so_deep_in_each_other() {
    let deepest = plan(nested(MAX_BATCH_DEPTH), Verdict::Ready, None);
    assert_eq!(decode(&encode(&deepest).unwrap()).unwrap().mutation, deepest.mutation);
    let deeper = plan(nested(MAX_BATCH_DEPTH + 1), Verdict::Ready, None);
    assert!(matches!(encode(&deeper), Err(WritePlanError::TooDeep)));
    let said = decode(&serde_json::to_vec(&deeper).unwrap()).unwrap_err().to_string();
    assert!(said.ends_with(": batches stand over 16 deep in each other"), "{said}");
    // A hundred thousand of them, or of anything else, end in an error and not on the stack.
    for (opening, whole) in [
        ("{\"mutation\":\"batch\",\"mutations\":[", "{\"schema\":1,\"mutation\":"),
        ("[", "{\"schema\":1,\"mutation\":{\"mutation\":\"configure\",\"set\":{\"a\":"),
        ("[", "{\"schema\":1,\"blockers\":["),
        ("{\"a\":", "{\"schema\":1,\"affected\":["),
    ] {
        let hostile = format!("{whole}{}", opening.repeat(100_000));
        assert!(matches!(decode(hostile.as_bytes()), Err(ReadPlanError::Malformed { .. })), "{opening}");
    }
}

#[test]
fn a_plan_is_stored_whole_or_not_at_all_and_over_nothing() {
    let disk = SimDisk::new();
    disk.put_dir("plans".into());
    let at = Utf8Path::new("plans/a.json");
    let first = plan(requests()[2].clone(), Verdict::Ready, None);
    let second = plan(requests()[4].clone(), Verdict::Ready, None);
    store(&disk, &first, at, "1", false).unwrap();
    assert_eq!(load(&disk, at).unwrap(), first.clone().into());
    let refused = store(&disk, &second, at, "2", false).unwrap_err();
    assert!(matches!(&refused, WritePlanError::Exists { path } if path == at), "{refused}");
    assert_eq!(load(&disk, at).unwrap(), first.into());
    store(&disk, &second, at, "3", true).unwrap();
    assert_eq!(load(&disk, at).unwrap(), second.clone().into());
    let names: Vec<_> = disk.read_dir("plans".into()).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["a.json"], "nothing is left beside it");
    // Neither where no file can stand, nor over a folder.
    assert!(matches!(
        store(&disk, &second, "nowhere/a.json".into(), "4", false),
        Err(WritePlanError::Disk(_))
    ));
    assert!(matches!(store(&disk, &second, "plans".into(), "5", true), Err(WritePlanError::Disk(_))));
    assert!(
        matches!(load(&disk, "plans/b.json".into()), Err(ReadPlanError::Disk(error)) if error.is_not_found())
    );
}
