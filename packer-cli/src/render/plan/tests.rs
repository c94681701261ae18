//! What previews look like: every kind of mutation, ready, blocked and empty.

use packer_runtime::api::{
    Adopt, AssetId, AssetName, AssetUuid, Batch, Configure, DiagnosticCode, Digest, Duplicate, EntryState,
    FilesystemMutation, KeptFile, LineageId, OperationId, Reconcile, Recover, RecoveryChoice, Register,
    RegistryEntry, Relocate, Remove, RemovedInputs, Rename, SetBuild, Subject, Target, Undo,
};

use super::*;
use crate::render::testing::{DRAW, asset_path, diagnostic_record};

fn entry(n: u32, anchor: &str) -> RegistryEntry {
    RegistryEntry {
        uuid: DRAW.asset_uuid(anchor),
        id: AssetId::new(n).unwrap(),
        state: EntryState::Live { anchor: asset_path(anchor), build: BuildParticipation::Included },
    }
}

fn asset() -> AssetUuid {
    DRAW.asset_uuid("ui/button.png.asset.toml")
}

fn name(text: &str) -> AssetName {
    AssetName::parse(text).unwrap()
}

fn adopt() -> Mutation {
    Mutation::Adopt(Adopt { targets: vec![Target::Root], kind: None, draw: DRAW })
}

fn empty(verdict: Verdict) -> MutationPlan {
    of(adopt(), verdict)
}

fn of(mutation: Mutation, verdict: Verdict) -> MutationPlan {
    MutationPlan {
        schema: 1,
        mutation,
        lineage: LineageId::drawn(DRAW),
        configuration: None,
        verdict,
        blockers: Vec::new(),
        warnings: Vec::new(),
        registry_mutations: Vec::new(),
        filesystem_mutations: Vec::new(),
        seen: Vec::new(),
        affected: Vec::new(),
        effects_digest: Digest::of(b""),
        plan_digest: Digest::of(b""),
    }
}

fn no_rule(path: &str) -> Diagnostic {
    let message = format!("{path} is left: no rule gives it a kind");
    Diagnostic::new(DiagnosticCode::PlanNoRule, Subject::Path(asset_path(path)), message)
        .in_file(format!("assets/{path}"))
        .help("add a rule to packer.toml, or adopt it with `--kind raw`")
}

fn adoption(files: u32) -> MutationPlan {
    let mut plan = empty(Verdict::Ready);
    for n in 1..=files {
        let anchor = format!("ui/{n}.png.asset.toml");
        let contents = format!("name = \"ui/{n}\"\n");
        let uuid = DRAW.asset_uuid(&anchor);
        let name = Some(AssetName::parse(&format!("ui/{n}")).unwrap());
        plan.affected.push(Affected { uuid, id: AssetId::new(n), name, change: Change::Adopted });
        plan.registry_mutations.push(RegistryMutation::Insert { entry: entry(n, &anchor) });
        let after = Digest::of(contents.as_bytes());
        plan.filesystem_mutations.push(FilesystemMutation::Create {
            path: asset_path(&anchor),
            contents,
            after,
        });
    }
    plan
}

#[test]
fn a_plan_that_is_ready() {
    let mut ready = adoption(2);
    ready.warnings = ["LICENSE", "a/b.xcf", "a/c.xcf", "a/d.XCF", "a/e.xcf"].map(no_rule).into();
    ready.filesystem_mutations.push(FilesystemMutation::Edit {
        path: asset_path("b.png.asset.toml"),
        diff: "--- b.png.asset.toml\n+++ b.png.asset.toml\n@@ -1,2 +1,2 @@\n-name = \"a\"\n+name = \"b\"\n kind = \"image\"\n"
            .to_owned(),
        before: Digest::of(b"a"),
        before_size: 1,
        after: Digest::of(b"b"),
        contents: String::new(),
    });
    ready.registry_mutations.extend([
        RegistryMutation::Update {
            before: entry(7, "a.png.asset.toml"),
            after: entry(7, "b.png.asset.toml"),
        },
        RegistryMutation::Retire { before: entry(8, "c.png.asset.toml") },
        RegistryMutation::Delete { entry: entry(9, "d.png.asset.toml") },
    ]);
    insta::assert_snapshot!("ready", plan(&ready, Detail::Short, Paint::PLAIN));
    insta::assert_snapshot!("ready_in_full", plan(&ready, Detail::Full, Paint::PLAIN));
    assert!(plan(&ready, Detail::Short, Paint::new(true)).contains("\u{1b}[31m-name = \"a\"\u{1b}[0m"));
}

#[test]
fn a_plan_that_is_blocked_or_empty() {
    let mut blocked = empty(Verdict::Blocked);
    blocked.blockers.push(
        Diagnostic::new(
            DiagnosticCode::PlanTargetMissing,
            Subject::Project,
            "there is no ui below the assets root",
        )
        .help("it does not exist, or an ignore rule covers it"),
    );
    blocked.warnings = vec![no_rule("a.xcf")];
    insta::assert_snapshot!("blocked", plan(&blocked, Detail::Short, Paint::PLAIN));
    assert_eq!(plan(&empty(Verdict::Empty), Detail::Short, Paint::PLAIN), "there is nothing to adopt\n");
}

#[test]
fn what_a_blocked_plan_would_do_besides_is_told_on_request() {
    let mut blocked = adoption(1);
    blocked.verdict = Verdict::Blocked;
    assert!(!plan(&blocked, Detail::Short, Paint::PLAIN).contains("ui/1"));
    assert!(plan(&blocked, Detail::Full, Paint::PLAIN).contains("create ui/1.png.asset.toml"));
}

#[test]
fn the_verdict_is_the_packers() {
    // Nothing in the lists says so: the verdict alone counts.
    assert!(plan(&empty(Verdict::Blocked), Detail::Short, Paint::PLAIN).starts_with("blocked"));
    assert!(plan(&empty(Verdict::Ready), Detail::Short, Paint::PLAIN).starts_with("ready"));
}

#[test]
fn thousands_of_files_fit_on_a_screen_and_are_all_listed_on_request() {
    let mut large = adoption(7000);
    large.warnings = (0..5000).map(|n| no_rule(&format!("x/{n}.e{n}"))).collect();
    let short = plan(&large, Detail::Short, Paint::PLAIN);
    assert!(short.lines().count() < 120, "{} lines", short.lines().count());
    assert_eq!(short.matches("… and 6,980 more").count(), 3, "{short}");
    assert!(short.contains("… and 4,980 more"), "{short}");
    let full = plan(&large, Detail::Full, Paint::PLAIN);
    let lines: BTreeSet<&str> = full.lines().collect();
    for n in 1..=7000 {
        assert!(lines.contains(format!("  create ui/{n}.png.asset.toml").as_str()), "{n} is not listed");
    }
}

#[test]
fn few_warnings_are_told_one_by_one() {
    let records = ["one", "two"].map(|message| diagnostic_record("path/collision", message));
    let shown = warnings(&records, Detail::Short, Paint::PLAIN);
    assert!(shown.contains("[path/collision]: one") && shown.contains("[path/collision]: two"), "{shown}");
}

/// What a plan does, put together.
struct Does(MutationPlan);

impl Does {
    fn of(mutation: Mutation) -> Self {
        Self(of(mutation, Verdict::Ready))
    }

    fn file(mut self, mutation: FilesystemMutation) -> Self {
        self.0.filesystem_mutations.push(mutation);
        self
    }

    fn moves(self, from: &str, to: &str) -> Self {
        let (from, to, digest) = (asset_path(from), asset_path(to), Digest::of(b"a"));
        self.file(FilesystemMutation::Move { from, to, digest, size: 5_000 })
    }

    fn copies(self, from: &str, to: &str) -> Self {
        let (from, to, digest) = (asset_path(from), asset_path(to), Digest::of(b"a"));
        self.file(FilesystemMutation::Copy { from, to, digest, size: 5_000 })
    }

    fn creates(self, path: &str) -> Self {
        let (contents, after) = ("name = \"ui/start\"\n".to_owned(), Digest::of(b"a"));
        self.file(FilesystemMutation::Create { path: asset_path(path), contents, after })
    }

    fn edits(self, path: &str, changes: &str) -> Self {
        self.file(FilesystemMutation::Edit {
            path: asset_path(path),
            diff: format!("--- {path}\n+++ {path}\n@@ -1,3 +1,3 @@\n{changes}"),
            before: Digest::of(b"a"),
            before_size: 1,
            after: Digest::of(b"b"),
            contents: String::new(),
        })
    }

    fn removes(self, path: &str, size: u64) -> Self {
        let (path, digest) = (asset_path(path), Digest::of(b"a"));
        self.file(FilesystemMutation::ToHistory { path, digest, size })
    }

    fn restores(self, path: &str) -> Self {
        let (path, digest) = (asset_path(path), Digest::of(b"a"));
        let kept = KeptFile::History { operation: OperationId::drawn(DRAW), number: 1 };
        self.file(FilesystemMutation::Restore { path, kept, digest, size: 120 })
    }

    fn makes_folder(self, path: &str) -> Self {
        self.file(FilesystemMutation::MakeDir { path: asset_path(path) })
    }

    fn removes_folder(self, path: &str) -> Self {
        self.file(FilesystemMutation::RemoveDir { path: asset_path(path) })
    }

    fn registry(mut self, mutation: RegistryMutation) -> Self {
        self.0.registry_mutations.push(mutation);
        self
    }

    fn places(self, n: u32, before: &str, after: &str) -> Self {
        let (before, after) = (entry(n, before), entry(n, after));
        self.registry(RegistryMutation::Update { before, after })
    }

    fn affects(mut self, asset: &str, change: Change) -> Self {
        let uuid = DRAW.asset_uuid(asset);
        self.0.affected.push(Affected { uuid, id: AssetId::new(3), name: Some(name(asset)), change });
        self
    }

    fn warns(mut self, code: DiagnosticCode, message: &str, help: &str) -> Self {
        let subject = Subject::Path(asset_path("ui/button.png"));
        self.0
            .warnings
            .push(Diagnostic::new(code, subject, message).in_file("assets/ui/button.png").help(help));
        self
    }

    /// How it looks, how it would with `message` in its way, and with nothing to do.
    fn looks(self, code: DiagnosticCode, message: &str, help: &str) -> String {
        let shown = |plan: &MutationPlan| super::plan(plan, Detail::Short, Paint::PLAIN);
        let mut blocked = of(self.0.mutation.clone(), Verdict::Blocked);
        let subject = Subject::Path(asset_path("ui/button.png"));
        let reason = Diagnostic::new(code, subject, message).in_file("assets/ui/button.png").help(help);
        blocked.blockers.push(reason);
        let empty = of(self.0.mutation.clone(), Verdict::Empty);
        let texts = [shown(&self.0), shown(&blocked), shown(&empty)];
        texts.join("----------------------------------------\n")
    }
}

const IN_THE_WAY: (DiagnosticCode, &str, &str) =
    (DiagnosticCode::PlanTargetExists, "ui/start.png is there already", "choose another place");

fn relocate(to: &str) -> Mutation {
    Mutation::Relocate(Relocate { asset: asset(), to: to.to_owned() })
}

#[test]
fn previews_of_moves() {
    let (code, message, help) = IN_THE_WAY;
    let moves = Does::of(relocate("menu/start.png"))
        .moves("ui/button.png", "menu/start.png")
        .moves("ui/button.png.asset.toml", "menu/start.png.asset.toml")
        .moves("cast/hero/run/1.png", "cast/hero/walk/1.png")
        .makes_folder("menu")
        .removes_folder("ui")
        .places(3, "ui/button.png.asset.toml", "menu/start.png.asset.toml")
        .affects("ui/button", Change::Moved)
        .warns(DiagnosticCode::PlanLeftBehind, "ui/notes.txt stays where it is", "move it by hand");
    insta::assert_snapshot!(moves.looks(code, message, help));
}

#[test]
fn previews_of_renames() {
    let (code, message, help) =
        (DiagnosticCode::PlanNameTaken, "the name ui/start is another asset's already", "give another one");
    let renames = Does::of(Mutation::Rename(Rename { asset: asset(), name: name("ui/start") }))
        .edits("ui/button.png.asset.toml", "-name = \"ui/button\"\n+name = \"ui/start\"\n kind = \"image\"\n")
        .affects("ui/start", Change::Renamed);
    insta::assert_snapshot!(renames.looks(code, message, help));
}

#[test]
fn previews_of_settings() {
    let (code, message, help) =
        (DiagnosticCode::AnchorUnknownKey, "`encodng` is not a setting of image", "did you mean `encoding`?");
    let configure = Configure { asset: asset(), set: BTreeMap::new(), clear: BTreeSet::new() };
    let sets = Does::of(Mutation::Configure(configure))
        .edits("ui/button.png.asset.toml", " [image]\n-encoding = \"rgba8\"\n+encoding = \"source\"\n")
        .affects("ui/button", Change::Configured);
    insta::assert_snapshot!(sets.looks(code, message, help));
}

#[test]
fn previews_of_builds() {
    let (code, message, help) = (
        DiagnosticCode::RegistryDuplicateEntry,
        "two lines of one asset contradict each other",
        "reconcile first",
    );
    let set = |build| Mutation::SetBuild(SetBuild { assets: vec![asset()], build });
    let before = entry(3, "ui/button.png.asset.toml");
    let state = EntryState::Live {
        anchor: asset_path("ui/button.png.asset.toml"),
        build: BuildParticipation::Excluded,
    };
    let after = RegistryEntry { state, ..before.clone() };
    let excludes = Does::of(set(BuildParticipation::Excluded))
        .registry(RegistryMutation::Update { before: before.clone(), after: after.clone() })
        .affects("ui/button", Change::Excluded)
        .warns(DiagnosticCode::PlanReferredTo, "ui/menu refers to ui/button", "exclude it too");
    let includes = Does::of(set(BuildParticipation::Included))
        .registry(RegistryMutation::Update { before: after, after: before })
        .affects("ui/button", Change::Included);
    insta::assert_snapshot!("previews_of_excluding", excludes.looks(code, message, help));
    insta::assert_snapshot!("previews_of_including", includes.looks(code, message, help));
}

#[test]
fn previews_of_copies() {
    let (code, message, help) = IN_THE_WAY;
    let duplicate = Duplicate { asset: asset(), to: "ui/start.png".to_owned(), name: None, draw: DRAW };
    let copies = Does::of(Mutation::Duplicate(duplicate))
        .copies("ui/button.png", "ui/start.png")
        .creates("ui/start.png.asset.toml")
        .registry(RegistryMutation::Insert { entry: entry(4, "ui/start.png.asset.toml") })
        .affects("ui/start", Change::Duplicated);
    insta::assert_snapshot!(copies.looks(code, message, help));
}

#[test]
fn previews_of_removals() {
    let (code, message, help) = (
        DiagnosticCode::PlanReferredTo,
        "ui/menu refers to ui/button by `image`",
        "remove it too, or let it refer to something else",
    );
    let remove = Remove { assets: vec![asset()], inputs: RemovedInputs::ToHistory };
    let removes = Does::of(Mutation::Remove(remove))
        .removes("ui/button.png", 5_000)
        .removes("ui/button.png.asset.toml", 120)
        .removes_folder("ui")
        .registry(RegistryMutation::Retire { before: entry(3, "ui/button.png.asset.toml") })
        .affects("ui/button", Change::Retired);
    insta::assert_snapshot!(removes.looks(code, message, help));
}

#[test]
fn previews_of_adopting_and_registering() {
    let (code, message, help) =
        (DiagnosticCode::PlanTargetMissing, "there is no ui below the assets root", "name one that is there");
    let insert = || RegistryMutation::Insert { entry: entry(4, "ui/start.png.asset.toml") };
    let adopts = Does::of(adopt())
        .creates("ui/start.png.asset.toml")
        .registry(insert())
        .affects("ui/start", Change::Adopted);
    insta::assert_snapshot!("previews_of_adopting", adopts.looks(code, message, help));
    let registers = Does::of(Mutation::Register(Register { targets: vec![Target::Root] }))
        .registry(insert())
        .affects("ui/start", Change::Registered);
    insta::assert_snapshot!("previews_of_registering", registers.looks(code, message, help));
}

#[test]
fn previews_of_reconciling() {
    let (code, message, help) =
        (DiagnosticCode::PlanChoiceNeeded, "ui/button is at two places", "say which: --path");
    let reconcile = Reconcile { select: Vec::new(), resolution: None, path: None, name: None, draw: DRAW };
    let reconciles = Does::of(Mutation::Reconcile(reconcile))
        .edits("ui/copy.png.asset.toml", "-uuid = \"a\"\n+uuid = \"b\"\n kind = \"image\"\n")
        .places(3, "ui/button.png.asset.toml", "menu/button.png.asset.toml")
        .registry(RegistryMutation::Insert { entry: entry(4, "ui/copy.png.asset.toml") })
        .registry(RegistryMutation::Delete { entry: entry(9, "ui/old.png.asset.toml") })
        .affects("ui/copy", Change::Separated)
        .affects("ui/button", Change::Moved)
        .affects("ui/old", Change::Settled);
    insta::assert_snapshot!(reconciles.looks(code, message, help));
}

#[test]
fn previews_of_undoing() {
    let (code, message, help) = (
        DiagnosticCode::PlanMovedOn,
        "ui/button.png was changed since",
        "take that back first, or leave things as they are",
    );
    let undoes = Does::of(Mutation::Undo(Undo { operation: OperationId::drawn(DRAW) }))
        .restores("ui/button.png")
        .restores("ui/button.png.asset.toml")
        .makes_folder("ui")
        .registry(RegistryMutation::Update {
            before: RegistryEntry { state: EntryState::Retired, ..entry(3, "ui/button.png.asset.toml") },
            after: entry(3, "ui/button.png.asset.toml"),
        })
        .affects("ui/button", Change::Restored);
    insta::assert_snapshot!(undoes.looks(code, message, help));
}

#[test]
fn previews_of_recovering() {
    let (code, message, help) = (
        DiagnosticCode::PlanMovedOn,
        "the bytes that belong to ui/button.png are kept nowhere",
        "choose the other way, or bring the file back from version control",
    );
    let operation = OperationId::drawn(DRAW);
    let recovers = Does::of(Mutation::Recover(Recover { operation, choice: RecoveryChoice::FinishOurs }))
        .removes("menu/button.png", 5_000)
        .restores("ui/button.png.asset.toml")
        .places(3, "ui/button.png.asset.toml", "menu/button.png.asset.toml")
        .affects("ui/button", Change::Reverted);
    insta::assert_snapshot!(recovers.looks(code, message, help));
}

#[test]
fn previews_of_batches_say_how_many_steps_are_one() {
    let (code, message, help) = IN_THE_WAY;
    let alike = vec![relocate("menu/"), Mutation::Batch(Batch { mutations: vec![relocate("menu/")] })];
    let moves = Does::of(Mutation::Batch(Batch { mutations: alike }))
        .moves("ui/button.png", "menu/button.png")
        .moves("ui/panel.png", "menu/panel.png")
        .affects("ui/button", Change::Moved)
        .affects("ui/panel", Change::Moved);
    insta::assert_snapshot!("previews_of_batches_of_one_kind", moves.looks(code, message, help));
    let mixed = Does::of(Mutation::Batch(Batch { mutations: vec![relocate("menu/"), adopt()] }))
        .moves("ui/button.png", "menu/button.png")
        .creates("ui/start.png.asset.toml");
    insta::assert_snapshot!("previews_of_batches_of_several_kinds", mixed.looks(code, message, help));
    let one = Does::of(Mutation::Batch(Batch { mutations: vec![relocate("menu/")] }));
    assert!(plan(&one.0, Detail::Short, Paint::PLAIN).ends_with("ready to move (1 step, all or nothing)\n"));
}

#[test]
fn what_matters_most_comes_first() {
    let all = Does::of(relocate("menu/"))
        .registry(RegistryMutation::Insert { entry: entry(4, "z.png.asset.toml") })
        .removes_folder("gone")
        .restores("back.png")
        .removes("away.png", 1)
        .edits("edited.png.asset.toml", "-a\n+b\n")
        .moves("from.png", "to.png")
        .warns(DiagnosticCode::PlanLeftBehind, "something stays", "move it");
    let mut plan = all.0;
    plan.blockers.push(Diagnostic::new(DiagnosticCode::PlanDiverged, Subject::Project, "it diverged"));
    let shown = super::plan(&plan, Detail::Short, Paint::PLAIN);
    let order = [
        "it diverged",
        "something stays",
        "from.png -> to.png",
        "+b",
        "away.png",
        "back.png",
        "gone/",
        "+ id 4",
    ];
    let places: Vec<usize> = order.iter().map(|part| shown.find(part).unwrap()).collect();
    assert!(places.is_sorted(), "{shown}");
}
