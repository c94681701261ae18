//! Explanations: every reason for which an asset is baked, told before and after it is.

use std::sync::Arc;

use packer_runtime::api::{
    AssetExplanation, AssetPath, AssetSelector, BakeReason, BuildRequest, Command, ExplainError,
    FileExplanation, NextBuild, Origin, Presence, Project, StorePolicy,
};
use packer_runtime::codec::{
    BakeRequest, Baked, Codec, Finding, KindSpec, SettingSpec, SettingType, SettingValue,
};

use super::codecs::{as_it_is, codec};
use super::support::{Workspace, adopt_all, build, build_as, build_with_store, built, keep_going, run};

const ANCHOR: &str = "assets/ui/a.exp.asset.toml";

/// A codec for `*.exp` that fails at `bad`, with a setting.
struct Versioned(KindSpec);

impl Codec for Versioned {
    fn spec(&self) -> &KindSpec {
        &self.0
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        let input = &request.inputs[0];
        if input.bytes == b"bad" {
            let code = packer_runtime::codec::DiagnosticCode::BakeDecode;
            return Err(vec![Finding::new(code, input, "it is bad")]);
        }
        // Everything that it may depend on is in the payload, so that nothing that differs gives an equal pack.
        let KindSpec { codec_version, payload_version, .. } = self.0;
        let facts = (codec_version, payload_version, request.settings.int("size"), &input.relative);
        let payload = [format!("{facts:?}").as_bytes(), &input.bytes].concat();
        Ok(Baked { payload, ..as_it_is(request) })
    }
}

fn versioned(codec_version: u32, payload_version: u32) -> Arc<dyn Codec> {
    let base = codec("exp", &["exp"], |request| Ok(as_it_is(request)));
    let setting = SettingSpec {
        key: "size",
        accepts: SettingType::Int { min: 0, max: 9 },
        default: SettingValue::Int(1),
        doc: "How large.",
    };
    let spec = KindSpec { codec_version, payload_version, settings: vec![setting], ..base.spec().clone() };
    Arc::new(Versioned(spec))
}

struct Bench {
    workspace: Workspace,
    project: Project,
}

impl Bench {
    fn new() -> Self {
        let files = [("assets/ui/a.exp", &b"a"[..]), ("assets/ui/b.exp", b"b")];
        let (workspace, project) = Workspace::adopted(&files, vec![versioned(1, 1)]);
        Self { workspace, project }
    }

    fn reopen(&mut self, codec: Arc<dyn Codec>) {
        self.project = self.workspace.open_with(vec![codec]);
    }

    fn build(&self) {
        built(&build(&self.project));
    }

    /// After an observation, what is said of `ui/a`.
    fn explained(&self) -> AssetExplanation {
        run(&self.project, Command::Refresh);
        let uuid = self.project.status().snapshot.select(&AssetSelector("ui/a".into())).unwrap();
        self.project.explain(uuid, None).unwrap().unwrap()
    }

    /// What the next build would do with `ui/a`; checked against what it then does and says.
    #[track_caller]
    fn check(&self, expected: &str) {
        let next = said(&self.explained().next);
        assert_eq!(next, expected);
        let outcome = build_as(&self.project, BuildRequest { explain: true, ..BuildRequest::default() });
        built(&outcome);
        let told: Vec<String> = self
            .workspace
            .diagnostics_of(&outcome)
            .into_iter()
            .filter(|told| told.code == "build/baked" && told.message.starts_with("ui/a "))
            .map(|told| told.message)
            .collect();
        match expected.split_once(": ") {
            None => assert_eq!(told, [""; 0]),
            Some((_, reasons)) => {
                assert_eq!(told, [format!("ui/a was baked: {reasons}")]);
                let last = self.explained().last.unwrap();
                assert_eq!(
                    (listed(&last.reasons).as_str(), last.operation),
                    (reasons, outcome.operation_id())
                );
                assert_eq!(said(&self.explained().next), "take over");
            }
        }
    }
}

fn listed(reasons: &[BakeReason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn said(next: &NextBuild) -> String {
    match next {
        NextBuild::Nothing {} => "nothing".to_owned(),
        NextBuild::TakeOver {} => "take over".to_owned(),
        NextBuild::Fetch { reasons } => format!("fetch: {}", listed(reasons)),
        NextBuild::Bake { reasons } => format!("bake: {}", listed(reasons)),
    }
}

fn short(bytes: &[u8]) -> String {
    format!("b3:{}", packer_runtime::api::Digest::of(bytes).short())
}

#[test]
fn the_first_build_bakes_and_the_second_takes_over() {
    let bench = Bench::new();
    assert_eq!(bench.explained().last, None);
    bench.check("bake: no build has put it into a pack here");
    bench.check("take over");
}

#[test]
fn an_edited_source_and_what_does_not_matter() {
    let bench = Bench::new();
    bench.build();
    bench.workspace.write("assets/ui/a.exp", b"other");
    bench.check(&format!("bake: input a.exp: {} → {}", short(b"a"), short(b"other")));
    let anchor = bench.workspace.text(ANCHOR);
    bench.workspace.write(ANCHOR, format!("# a comment\n{anchor}preload = true\n").as_bytes());
    bench.check("take over");
    // Only one asset was concerned.
    let uuid = bench.project.status().snapshot.select(&AssetSelector("ui/b".into())).unwrap();
    let last = bench.project.explain(uuid, None).unwrap().unwrap().last.unwrap();
    assert_eq!(listed(&last.reasons), "no build has put it into a pack here");
}

#[test]
fn a_setting_and_where_it_comes_from() {
    let bench = Bench::new();
    bench.build();
    let origin = || {
        let row = bench.explained().settings.remove(0);
        (row.key, row.value.to_string(), row.origin)
    };
    assert_eq!(origin(), ("size".into(), "1".into(), Origin::Default));
    let config = bench.workspace.text("packer.toml");
    let rules =
        "[[rules]]\nmatch = \"music/**\"\n[[rules]]\nmatch = \"ui/**\"\npreload = true\nexp.size = 2\n";
    bench.workspace.write("packer.toml", format!("{config}{rules}").as_bytes());
    assert_eq!(origin(), ("size".into(), "2".into(), Origin::Rule));
    let explained = bench.explained();
    let rule = explained.rule.unwrap();
    assert_eq!((rule.number, rule.pattern.as_str()), (2, "ui/**"));
    assert_eq!((explained.preload.value, explained.preload.origin), (true, Origin::Rule));
    bench.check("bake: setting size: 1 → 2");
    let anchor = bench.workspace.text(ANCHOR);
    bench.workspace.write(ANCHOR, format!("{anchor}[exp]\nsize = 3\n").as_bytes());
    assert_eq!(origin(), ("size".into(), "3".into(), Origin::Anchor));
    bench.check("bake: setting size: 2 → 3");
}

#[test]
fn versions_kinds_and_names_of_files() {
    let mut bench = Bench::new();
    bench.build();
    bench.reopen(versioned(2, 1));
    bench.check("bake: codec version: 1 → 2");
    bench.reopen(versioned(2, 7));
    bench.check("bake: payload version: 1 → 7");
    let moved = "assets/ui/c.exp.asset.toml";
    bench.workspace.rename("assets/ui/a.exp", "assets/ui/c.exp");
    bench.workspace.rename(ANCHOR, moved);
    let registry = bench.workspace.text("registry.jsonl").replace("ui/a.exp.", "ui/c.exp.");
    bench.workspace.write("registry.jsonl", registry.as_bytes());
    bench.check("bake: input a.exp is now c.exp");
    let anchor = bench.workspace.text(moved);
    bench.workspace.write(moved, anchor.replace("\"exp\"", "\"raw\"").as_bytes());
    bench.check("bake: kind: exp → raw");
}

#[test]
fn packs_that_are_gone_damaged_or_made_otherwise() {
    let bench = Bench::new();
    bench.build();
    let pack = "build/assets.pack";
    bench.workspace.remove(pack);
    bench.check("bake: the last pack, build/assets.pack, is not there");
    let mut bytes = bench.workspace.read(pack);
    bytes.truncate(40);
    bench.workspace.write(pack, &bytes);
    bench.check("bake: the last pack, build/assets.pack, is not what was written");
    let config = bench.workspace.text("packer.toml");
    bench.workspace.write("packer.toml", config.replace("\"zstd\"", "\"lz4\"").as_bytes());
    let by = bench.explained();
    let NextBuild::Bake { reasons } = by.next else { panic!("{by:?}") };
    let [BakeReason::Compression { from: Some(from), to }] = &reasons[..] else { panic!("{reasons:?}") };
    assert!(from.starts_with("zstd:3 by zstd ") && to.starts_with("lz4 by zstd "), "{from} → {to}");
    bench.check(&format!("bake: compression: {from} → {to}"));
    built(&build_as(
        &bench.project,
        BuildRequest { output: Some("other".into()), ..BuildRequest::default() },
    ));
    bench.check("bake: the last build wrote other/assets.pack");
    bench.workspace.write(".packer/build-record", b"nonsense");
    assert_eq!(said(&bench.explained().next), "take over", "nothing has changed, and nobody will look");
    bench.workspace.write("assets/ui/b.exp", b"other");
    bench.check("bake: what the last build left cannot be read");
    bench.workspace.remove(".packer/build-parts");
    bench.workspace.write("assets/ui/a.exp", b"more");
    bench.check("bake: the build key is another, and what the last one was made of is not known any more");
}

#[test]
fn the_store_and_what_was_told_to_be_left() {
    let bench = Bench::new();
    let all = BuildRequest { store: StorePolicy::All, explain: true, ..BuildRequest::default() };
    built(&build_with_store(&bench.project, all.clone()));
    bench.workspace.remove("build/assets.pack");
    let next = said(&bench.explained().next);
    assert_eq!(next, "fetch: the last pack, build/assets.pack, is not there");
    let outcome = build_with_store(&bench.project, all);
    let told = bench.workspace.diagnostics_of(&outcome);
    let expected = "ui/a was fetched from the artifact store: the last pack, build/assets.pack, is not there";
    assert!(told.iter().any(|told| told.message == expected), "{told:?}");
    assert!(bench.explained().last.unwrap().fetched);
    built(&build_as(&bench.project, BuildRequest { reuse: false, ..BuildRequest::default() }));
    let last = bench.explained().last.unwrap();
    assert_eq!(
        (last.fetched, listed(&last.reasons).as_str()),
        (false, "the build was told to take nothing over")
    );
}

#[test]
fn an_asset_that_failed_before_and_one_that_cannot_be_built() {
    let bench = Bench::new();
    bench.build();
    bench.workspace.write("assets/ui/a.exp", b"bad");
    built(&build_with_store(&bench.project, keep_going()));
    assert_eq!(said(&bench.explained().next), "fetch: the last build could not bake it");
    bench.workspace.write("assets/ui/a.exp", b"good");
    bench.check("bake: the last build could not bake it");

    bench.workspace.remove("assets/ui/a.exp");
    let explained = bench.explained();
    assert_eq!((explained.presence, said(&explained.next).as_str()), (Presence::HeldBack, "nothing"));
    assert!(explained.key.is_none());
    assert!(explained.diagnostics.iter().any(|found| found.code.as_str() == "input/missing"));
    bench.workspace.write("assets/ui/a.exp", b"good");
    let registry = bench.workspace.text("registry.jsonl").replace("included", "excluded");
    bench.workspace.write("registry.jsonl", registry.as_bytes());
    let explained = bench.explained();
    assert_eq!((explained.presence, said(&explained.next).as_str()), (Presence::Excluded, "nothing"));
    let unknown = bench.project.explain(explained.row.uuid.unwrap(), Some("dve")).unwrap_err();
    assert!(matches!(unknown, ExplainError::Profile(_)));
}

#[test]
fn a_file_that_is_no_asset() {
    let bench = Bench::new();
    bench.workspace.write("assets/.packerignore", b"*.psd\n");
    bench.workspace.write("assets/ui/draft.psd", b"1");
    bench.workspace.write("assets/ui/new.exp", b"12345");
    bench.workspace.write("assets/ui/.hidden", b"1");
    run(&bench.project, Command::Refresh);
    let explain = |path: &str| bench.project.explain_file(&AssetPath::parse(path).unwrap()).unwrap();
    let Some(FileExplanation::Unclaimed { size: 5, rule: None, .. }) = explain("ui/new.exp") else {
        panic!("{:?}", explain("ui/new.exp"));
    };
    let Some(FileExplanation::Ignored { file: Some(file), pattern: Some(pattern), .. }) =
        explain("ui/draft.psd")
    else {
        panic!("{:?}", explain("ui/draft.psd"));
    };
    assert_eq!((file.as_str(), pattern.as_str()), ("assets/.packerignore", "*.psd"));
    assert!(matches!(explain("ui/.hidden"), Some(FileExplanation::Ignored { pattern: None, .. })));
    assert!(
        matches!(explain("ui"), Some(FileExplanation::Folder { files: 5, unclaimed: 1, .. })),
        "{:?}",
        explain("ui")
    );
    assert_eq!(explain("nowhere"), None);
    run(&bench.project, Command::Mutate(adopt_all(None)));
    assert!(matches!(explain("ui/new.exp"), Some(FileExplanation::Claimed { .. })));
}

#[test]
fn a_build_that_is_not_asked_explains_nothing() {
    let bench = Bench::new();
    let outcome = build(&bench.project);
    assert!(bench.workspace.diagnostics_of(&outcome).is_empty());
    let again = build_as(&bench.project, BuildRequest { explain: true, ..BuildRequest::default() });
    assert!(bench.workspace.diagnostics_of(&again).is_empty(), "nothing was baked");
}
