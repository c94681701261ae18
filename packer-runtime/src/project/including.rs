//! Mutations of the registry alone: that they look at no file where nothing asks for it, what asks for it, what they leave,
//! and how often they sync. On a real disk that is listened to.

use std::sync::{Arc, Mutex};

use camino::Utf8PathBuf;
use packer_domain::identity::{AssetUuid, Digest, OperationId, SourceId};
use packer_domain::mutation::{Adopt, Mutation, RegistryMutation, Rename, SetBuild, Target};
use packer_domain::registry::{BuildParticipation, EntryState, RegistryEntry};
use packer_domain::report::AssetRow;
use packer_domain::summary::WorkspaceSummary;
use packer_events::record::UnknownCause;
use packer_events::report::{Ending, MutationReport, OutcomeReport, Rejection, RejectionReport};
use packer_fs::disk::{Disk, OsDisk};
use packer_fs::head::read_head;
use packer_fs::journal::{CommitRequest, RegistryChange, read_history, stage};
use packer_fs::layout;
use packer_fs::registry_file::{encode, encode_entry};

use super::{Command, OpenOptions, Project};
use crate::clock::draw;
use crate::create::create_project;
use crate::freshness::Freshness;
use crate::outcome::Outcome;
use crate::snapshot::AssetQuery;
use crate::testing::HookedDisk;

type Heard = Arc<Mutex<Vec<(String, Utf8PathBuf)>>>;

/// A project of three assets, whose disk is listened to.
struct Bench {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    disk: Arc<HookedDisk>,
    heard: Heard,
    project: Option<Project>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap().join("game");
        create_project(&root, "game").unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(root.join(format!("assets/{name}.txt")), name).unwrap();
        }
        let disk = Arc::new(HookedDisk::new(root.clone()));
        let heard = Heard::default();
        let listening = Arc::clone(&heard);
        disk.hook(move |name, path| {
            listening.lock().unwrap().push((name.to_owned(), path.to_owned()));
            Ok(())
        });
        let mut bench = Self { _folder: folder, root, disk, heard, project: None };
        bench.reopen();
        let adopt = Adopt { targets: vec![Target::Root], kind: None, draw: draw() };
        bench.mutated(Mutation::Adopt(adopt));
        bench.heard();
        bench
    }

    fn reopen(&mut self) {
        self.project = None;
        let disk: Arc<dyn Disk> = self.disk.clone();
        self.project = Some(Project::open_on(&disk, &self.root, OpenOptions::default()).unwrap());
        self.heard();
    }

    fn project(&self) -> &Project {
        self.project.as_ref().unwrap()
    }

    fn run(&self, mutation: Mutation) -> Outcome {
        run(self.project(), mutation)
    }

    fn mutated(&self, mutation: Mutation) -> MutationReport {
        mutated(&self.run(mutation))
    }

    /// What was done on the disk since this was asked last.
    fn heard(&self) -> Vec<(String, Utf8PathBuf)> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }

    /// Whether anything below the assets root was looked at since this, or `heard`, was asked last.
    fn has_looked(&self) -> bool {
        self.heard().iter().any(|(_, path)| path.starts_with("assets"))
    }

    fn uuid(&self, name: &str) -> AssetUuid {
        let name = name.parse().unwrap();
        self.project().status().snapshot.state().asset_named(&name).unwrap().entry.uuid
    }

    fn set(&self, name: &str, build: BuildParticipation) -> Mutation {
        Mutation::SetBuild(SetBuild { assets: vec![self.uuid(name)], build })
    }

    fn exclude(&self, name: &str) -> Mutation {
        self.set(name, BuildParticipation::Excluded)
    }

    fn registry(&self) -> String {
        std::fs::read_to_string(self.root.join("registry.jsonl")).unwrap()
    }

    /// The names of those that builds do not take.
    fn excluded(&self) -> Vec<String> {
        let rows = self.rows().into_iter().filter(|row| row.build == Some(BuildParticipation::Excluded));
        rows.filter_map(|row| Some(row.name?.to_string())).collect()
    }

    fn rows(&self) -> Vec<AssetRow> {
        self.project().status().snapshot.assets(&AssetQuery::default()).rows
    }

    /// The snapshot is the one that whoever opens the project now finds.
    #[track_caller]
    fn assert_is_as_opened(&self) {
        let opened = Project::open(&self.root, OpenOptions::default()).unwrap();
        let (found, here) = (opened.status().snapshot.clone(), self.project().status().snapshot.clone());
        assert_eq!(here.basis(), found.basis());
        assert_eq!(here.state().registry(), found.state().registry());
        assert_eq!(here.assets(&AssetQuery::default()).rows, found.assets(&AssetQuery::default()).rows);
        assert_eq!(here.diagnostics(), found.diagnostics());
        assert_eq!(here.project_name(), found.project_name());
        let here = WorkspaceSummary { revision: found.revision(), ..here.summary().clone() };
        assert_eq!(&here, found.summary());
    }
}

fn run(project: &Project, mutation: Mutation) -> Outcome {
    project.submit(Command::Mutate(mutation)).wait().unwrap()
}

#[track_caller]
fn mutated(outcome: &Outcome) -> MutationReport {
    let Some(OutcomeReport::Mutation(report)) = outcome.success() else { panic!("{outcome:#?}") };
    report.clone()
}

#[test]
fn assets_are_included_and_excluded_without_a_look_at_any_file() {
    let mut bench = Bench::new();
    bench.reopen();
    let opened = bench.project().status();
    let before = bench.registry();
    let mut revision = opened.snapshot.revision();
    for (name, build, excluded) in [
        ("b", BuildParticipation::Excluded, vec!["b"]),
        ("a", BuildParticipation::Excluded, vec!["a", "b"]),
        ("b", BuildParticipation::Included, vec!["a"]),
        ("a", BuildParticipation::Included, vec![]),
    ] {
        let mutation = bench.set(name, build);
        let plan = bench.project().preview(&mutation).unwrap();
        bench.heard();
        let outcome = bench.project().submit(Command::Apply(Box::new(plan.clone().into()))).wait().unwrap();
        let report = mutated(&outcome);
        assert!(!bench.has_looked());
        assert_eq!((report.assets_changed, report.registry_changes), (1, 1));
        revision = revision.next();
        assert_eq!(
            (report.result_revision, bench.excluded()),
            (Some(revision), excluded.iter().map(ToString::to_string).collect())
        );
        let status = bench.project().status();
        assert_eq!(status.freshness, opened.freshness, "no file was verified");
        assert_eq!(bench.registry().into_bytes(), encode(status.snapshot.state().registry()));
        let head = read_head(&*bench.disk).unwrap().unwrap();
        assert_eq!((head.operation, Some(head.commit)), (outcome.operation_id(), report.commit));
        let history = read_history(&*bench.disk, outcome.operation_id()).unwrap();
        assert_eq!(history.replaced_lines, lines_before(&plan.registry_mutations));
        bench.assert_is_as_opened();
        // Once more, and there is nothing to do: on the same snapshot.
        bench.heard();
        let report = bench.mutated(mutation);
        assert!(report.unchanged && report.result_revision == Some(revision) && !bench.has_looked());
        assert_eq!(bench.project().status().freshness, opened.freshness);
    }
    assert_eq!(bench.registry(), before);
}

fn lines_before(mutations: &[RegistryMutation]) -> Vec<String> {
    let line = |mutation: &RegistryMutation| match mutation {
        RegistryMutation::Update { before, .. } => encode_entry(before),
        other => panic!("{other:?}"),
    };
    mutations.iter().map(line).collect()
}

#[test]
fn it_takes_six_syncs_and_one_more_for_a_new_log() {
    let mut bench = Bench::new();
    bench.reopen();
    for syncs in [7, 6, 6] {
        let build = if bench.excluded().is_empty() {
            BuildParticipation::Excluded
        } else {
            BuildParticipation::Included
        };
        bench.heard();
        bench.mutated(bench.set("b", build));
        let heard = bench.heard();
        let found: Vec<_> = heard.iter().filter(|(name, _)| name.starts_with("sync")).collect();
        assert_eq!(found.len(), syncs, "{found:#?}");
    }
}

#[test]
fn what_another_process_committed_is_seen_first() {
    let commits: [fn(&Bench, &Project); 3] = [
        |bench, other| {
            mutated(&run(other, bench.exclude("a")));
        },
        // These leave the registry as it was: only the head tells.
        |bench, other| {
            mutated(&run(other, bench.exclude("a")));
            mutated(&run(other, bench.set("a", BuildParticipation::Included)));
        },
        |bench, other| {
            let rename = Rename { asset: bench.uuid("a"), name: "first".parse().unwrap() };
            mutated(&run(other, Mutation::Rename(rename)));
        },
    ];
    for commit in commits {
        let bench = Bench::new();
        let mutation = bench.exclude("b");
        let other = Project::open(&bench.root, OpenOptions::default()).unwrap();
        commit(&bench, &other);
        assert_eq!(bench.mutated(mutation).assets_changed, 1);
        assert!(bench.has_looked());
        assert!(bench.excluded().contains(&"b".to_owned()));
        bench.assert_is_as_opened();
        // And from there on it is current again.
        bench.mutated(bench.exclude("c"));
        assert!(!bench.has_looked());
        bench.assert_is_as_opened();
    }
}

#[test]
fn an_edit_of_the_registry_that_no_stat_tells_is_seen_first() {
    let bench = Bench::new();
    let path = bench.root.join("registry.jsonl");
    let before = bench.registry();
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let first = before.lines().find(|line| line.contains("a.txt")).unwrap();
    let edited = before.replace(first, &first.replace("included", "excluded"));
    assert_eq!(edited.len(), before.len());
    std::fs::write(&path, &edited).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    bench.mutated(bench.exclude("b"));
    assert!(bench.has_looked());
    assert_eq!(bench.excluded(), ["a", "b"]);
    bench.assert_is_as_opened();
    // One that is no registry any more is refused, as whoever observes does.
    std::fs::write(&path, format!("{}<<<<<<<\n", bench.registry())).unwrap();
    let outcome = bench.run(bench.exclude("c"));
    let Ending::Rejected(RejectionReport { reason, .. }) = outcome.ending() else { panic!("{outcome:?}") };
    assert!(matches!(reason, Rejection::WorkspaceErrors { .. }), "{reason:?}");
}

#[test]
fn an_edit_of_the_configuration_is_seen_first() {
    let bench = Bench::new();
    let path = bench.root.join("packer.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config.replace("\"game\"", "\"gone\"")).unwrap();
    bench.mutated(bench.exclude("b"));
    assert!(bench.has_looked());
    assert_eq!(bench.project().status().snapshot.project_name(), "gone");
    bench.assert_is_as_opened();
    std::fs::remove_file(&path).unwrap();
    let outcome = bench.run(bench.exclude("c"));
    assert!(outcome.success().is_none(), "{outcome:?}");
}

#[test]
fn what_is_unknown_is_looked_at_first() {
    let bench = Bench::new();
    for cause in [UnknownCause::Overflow, UnknownCause::ChangedOutside] {
        std::fs::write(bench.root.join("assets/new.txt"), format!("{cause:?}")).unwrap();
        bench.project().shared.doubt_everything(cause);
        let build = if bench.excluded().is_empty() {
            BuildParticipation::Excluded
        } else {
            BuildParticipation::Included
        };
        bench.mutated(bench.set("b", build));
        assert!(bench.has_looked());
        assert!(matches!(bench.project().status().freshness, Freshness::Verified { .. }));
        bench.assert_is_as_opened();
    }
}

/// A commit of the registry that a dead process recorded and did not carry out.
fn recorded(bench: &Bench, operation: OperationId) {
    let disk = OsDisk::new(bench.root.clone());
    let state = bench.project().status().snapshot.clone();
    let mut after = state.state().registry().clone();
    let line: RegistryEntry = after.get(bench.uuid("a")).unwrap().clone();
    after.remove(&line);
    after.insert(RegistryEntry { state: EntryState::Retired, ..line });
    let request = CommitRequest {
        operation,
        source: SourceId::drawn(draw()),
        commit: read_head(&disk).unwrap().unwrap().commit + 1,
        steps: Vec::new(),
        registry: RegistryChange::Replace {
            before: Some(Digest::of(bench.registry().as_bytes())),
            after: encode(&after),
        },
        resolves: None,
        inverse: serde_json::Value::Null,
        prepared: serde_json::Value::Null,
    };
    drop(stage(&disk, request).unwrap().record_intent().unwrap());
}

#[test]
fn a_commit_that_a_dead_process_left_is_finished_first() {
    let bench = Bench::new();
    recorded(&bench, OperationId::drawn(draw()));
    bench.mutated(bench.exclude("b"));
    assert!(bench.has_looked());
    assert_eq!(bench.excluded(), ["b"]);
    assert_eq!(bench.project().status().snapshot.summary().assets.managed, 2);
    bench.assert_is_as_opened();
}

#[test]
fn a_frozen_project_is_refused() {
    let bench = Bench::new();
    let operation = OperationId::drawn(draw());
    recorded(&bench, operation);
    std::fs::rename(bench.root.join(layout::intent(operation)), bench.root.join(layout::frozen(operation)))
        .unwrap();
    let before = bench.registry();
    for _ in 0..2 {
        let outcome = bench.run(bench.exclude("b"));
        let Ending::Rejected(RejectionReport { reason, .. }) = outcome.ending() else {
            panic!("{outcome:?}")
        };
        assert_eq!(*reason, Rejection::LaneFrozen { operation_id: operation });
    }
    assert_eq!(bench.registry(), before);
    assert!(matches!(bench.project().status().freshness, Freshness::RecoveryRequired { .. }));
}

#[test]
fn an_anchor_that_was_edited_meanwhile_changes_nothing_of_it_and_is_not_called_verified() {
    let bench = Bench::new();
    let anchor = bench.root.join("assets/a.txt.asset.toml");
    let text = std::fs::read_to_string(&anchor).unwrap();
    let status = bench.project().status();
    let plan = bench.project().preview(&bench.exclude("b")).unwrap();
    std::fs::write(&anchor, text.replace("name = \"a\"", "name = \"other\"")).unwrap();
    bench.heard();
    let outcome = bench.project().submit(Command::Apply(Box::new(plan.into()))).wait().unwrap();
    assert_eq!(mutated(&outcome).assets_changed, 1);
    assert!(!bench.has_looked());
    let after = bench.project().status();
    assert_eq!(after.freshness, status.freshness, "it is as of the time of the former observation");
    assert_eq!(bench.uuid("a"), bench.rows()[0].uuid.unwrap(), "which is what is shown");
    assert!(bench.project().submit(Command::Refresh).wait().unwrap().success().is_some());
    assert_eq!(bench.rows()[0].name.as_ref().unwrap().as_str(), "other");
    bench.assert_is_as_opened();
}

#[test]
fn lines_that_a_merge_left_are_written_as_the_writer_writes_them() {
    let bench = Bench::new();
    let before = bench.registry();
    let mut lines: Vec<&str> = before.lines().collect();
    lines.swap(1, 2);
    // Twice the line that is to change.
    let twice = lines.iter().copied().find(|line| line.contains("b.txt")).unwrap();
    lines.push(twice);
    std::fs::write(bench.root.join("registry.jsonl"), format!("{}\n", lines.join("\n"))).unwrap();
    assert!(bench.project().submit(Command::Refresh).wait().unwrap().success().is_some());
    bench.heard();
    bench.mutated(bench.exclude("b"));
    assert!(!bench.has_looked());
    let registry = bench.project().status().snapshot.state().registry().clone();
    assert_eq!(bench.registry().into_bytes(), encode(&registry));
    assert_eq!(bench.registry().lines().count(), 4);
    bench.assert_is_as_opened();
}
