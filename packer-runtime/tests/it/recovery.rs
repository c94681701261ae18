//! Dead processes: what they left is brought to its one end by whoever opens the project next, in their own logs.

use std::io::Write;
use std::sync::Arc;

use packer_domain::identity::{OperationId, SourceId, UuidDraw};
use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::report::{
    BuildReport, Ending, MutationReport, OutcomeReport, RecoverReport, RecoveryResult, Rejection,
    UnknownOutcomeCause,
};
use packer_events::sequence::{Draft, SourceSequencer};
use packer_events::time::Timestamp;
use packer_events::wire::encode_line;
use packer_fs::disk::{Disk, OsDisk};
use packer_fs::event_log::EventLogWriter;
use packer_fs::journal::{
    CommitRequest, Committed, OutputFile, OutputsRequest, Recorded, RegistryChange, Step,
    create_output_staging, prepare_outputs, stage,
};
use packer_fs::lock::host;
use packer_fs::{head::read_head, layout, registry_file};
use packer_runtime::api::{
    AssetQuery, Command, DiagnosticCode, Digest, Freshness, Outcome, Project, Verdict, recorded_logs,
};

use super::support::{Workspace, adopt_all, build, built, mutated, rejection, run, some_operation};

/// A process that died: what it said, and what it did to the disk until then.
pub(crate) struct Dead {
    pub workspace: Workspace,
    pub disk: Arc<dyn Disk>,
    pub source: SourceId,
    pub operation: OperationId,
    sequencer: SourceSequencer,
}

impl Dead {
    /// It had accepted and started an operation of `kind`.
    fn while_it_did(kind: OperationKind) -> Self {
        let workspace = Workspace::new();
        workspace.write("assets/a.txt", b"a");
        Self::of(workspace, kind)
    }

    /// The same in a project that is there.
    pub(crate) fn of(workspace: Workspace, kind: OperationKind) -> Self {
        let disk: Arc<dyn Disk> = Arc::new(OsDisk::new(workspace.root.clone()));
        layout::ensure_operational(&*disk).unwrap();
        disk.create_dir_all(layout::EVENTS.into()).unwrap();
        let source = SourceId::drawn(UuidDraw { unix_ms: 1_700_000_000_000, entropy: [9; 16] });
        // The system gave its lock free, and the file stayed.
        drop(disk.create(&layout::event_lock(source)).unwrap());
        let sequencer = SourceSequencer::new(source);
        let mut dead = Self { workspace, disk, source, operation: some_operation(1), sequencer };
        dead.say(EventBody::Accepted { kind, title: "what it did".to_owned() });
        dead.say(EventBody::Started {});
        dead
    }

    fn say(&mut self, body: EventBody) {
        let draft = Draft {
            operation_id: self.operation,
            causation_id: None,
            time: Timestamp::from_unix_ms(1_700_000_000_000),
            base_revision: None,
            result_revision: None,
            body,
        };
        let line = encode_line(&self.sequencer.number(draft).unwrap());
        EventLogWriter::new(Arc::clone(&self.disk), self.source).append(line.trim_end().as_bytes()).unwrap();
    }

    fn request(&self) -> CommitRequest {
        CommitRequest {
            operation: self.operation,
            source: self.source,
            commit: 1,
            steps: vec![Step::Create { path: "assets/made.txt".into(), contents: b"made".to_vec() }],
            registry: RegistryChange::Unchanged {
                digest: Digest::of(&self.workspace.read("registry.jsonl")),
            },
            resolves: None,
            inverse: serde_json::Value::Null,
            prepared: serde_json::to_value(prepared_outcome()).unwrap(),
        }
    }

    fn recorded(&self) -> Recorded<'_> {
        stage(&*self.disk, self.request()).unwrap().record_intent().unwrap()
    }

    fn committed(&self) -> Committed<'_> {
        self.recorded().apply().unwrap()
    }

    fn log(&self) -> Vec<Event> {
        let logs = recorded_logs(&self.workspace.root).unwrap();
        let events = logs.iter().filter(|log| log.source == self.source).flat_map(|log| &log.events);
        events.map(|event| (**event).clone()).collect()
    }

    /// How the log says that the operation ended: once.
    #[track_caller]
    pub(crate) fn ending(&self) -> Ending {
        let log = self.log();
        assert_eq!(log.iter().filter(|event| event.terminal).count(), 1, "{log:#?}");
        log.last().unwrap().body.ending().unwrap()
    }

    /// Opens the project, which recovers the operation as `result`; once only.
    #[track_caller]
    pub(crate) fn recovered_as(&self, result: RecoveryResult) -> (Project, Outcome) {
        let project = self.workspace.open();
        let [outcome] = project.recovered() else { panic!("{:#?}", project.recovered()) };
        let outcome = outcome.clone();
        let Some(OutcomeReport::Recover(RecoverReport { operation_id, result: found, .. })) =
            outcome.success()
        else {
            panic!("{outcome:#?}")
        };
        assert_eq!((*operation_id, *found), (self.operation, result));
        assert_ne!(outcome.operation_id(), self.operation);
        let told = self.workspace.events_of(outcome.operation_id());
        assert!(told.iter().all(|event| event.causation_id == Some(self.operation)), "{told:#?}");
        assert!(told.iter().all(|event| event.source == project.source()));

        let log = self.log();
        let again = self.workspace.open();
        assert!(again.recovered().is_empty());
        assert_eq!(self.log(), log, "nothing is added twice");
        (project, outcome)
    }

    pub(crate) fn assert_nothing_pending(&self) {
        let names = self.disk.read_dir(layout::JOURNAL.into()).unwrap_or_default();
        assert!(names.is_empty(), "{names:?}");
        assert!(self.disk.stat(&layout::event_lock(self.source)).unwrap().is_none(), "the log is closed");
    }
}

/// What the adoption that died would have reported.
pub(crate) fn prepared_outcome() -> OutcomeReport {
    OutcomeReport::Mutation(MutationReport {
        mutation: OperationKind::Adopt,
        commit: Some(1),
        assets_added: 77,
        assets_changed: 0,
        assets_removed: 0,
        files_created: 1,
        files_changed: 0,
        files_moved: 0,
        files_removed: 0,
        registry_changes: 0,
        result_revision: None,
        unchanged: false,
        took_ms: 5,
    })
}

#[test]
fn an_operation_that_died_before_it_committed_is_aborted() {
    let dead = Dead::while_it_did(OperationKind::Adopt);
    // It had staged something.
    std::mem::forget(stage(&*dead.disk, dead.request()).unwrap());
    assert!(!dead.disk.read_dir(layout::JOURNAL.into()).unwrap().is_empty());
    let (_project, outcome) = dead.recovered_as(RecoveryResult::Dropped);
    let Ending::Aborted(report) = dead.ending() else { panic!("{:?}", dead.ending()) };
    assert_eq!((report.kind, report.by), (Some(OperationKind::Adopt), outcome.operation_id()));
    assert!(!dead.workspace.root.join("assets/made.txt").exists());
    dead.assert_nothing_pending();
}

#[test]
fn an_operation_that_died_after_its_intent_is_finished_and_told_as_recovered() {
    let dead = Dead::while_it_did(OperationKind::Adopt);
    std::mem::forget(dead.recorded());
    let (project, outcome) = dead.recovered_as(RecoveryResult::Finished);
    assert_eq!(dead.ending(), Ending::Recovered { outcome: prepared_outcome(), by: outcome.operation_id() });
    assert_eq!(dead.workspace.text("assets/made.txt"), "made");
    assert_eq!(read_head(&*dead.disk).unwrap().map(|head| head.operation), Some(dead.operation));
    assert_eq!(project.status().snapshot.unclaimed().len(), 2, "what is observed is what was recovered");
    dead.assert_nothing_pending();
    assert_eq!(mutated(&run(&project, Command::Mutate(adopt_all(None)))).commit, Some(2));
}

#[test]
fn an_operation_that_died_before_its_end_was_logged_is_told_as_recovered() {
    let mut dead = Dead::while_it_did(OperationKind::Adopt);
    let head = dead.committed().head();
    dead.say(EventBody::Committed { commit: head.commit, registry_digest: head.registry });
    dead.recovered_as(RecoveryResult::Finished);
    assert!(matches!(dead.ending(), Ending::Recovered { .. }));
    dead.assert_nothing_pending();
}

#[test]
fn an_operation_whose_end_is_logged_is_only_cleaned_up_after() {
    let mut dead = Dead::while_it_did(OperationKind::Adopt);
    let committed = dead.committed();
    let head = committed.head();
    std::mem::forget(committed);
    dead.say(EventBody::Committed { commit: head.commit, registry_digest: head.registry });
    dead.say(EventBody::Succeeded { outcome: prepared_outcome() });
    // Somebody goes on working.
    dead.workspace.write("assets/made.txt", b"edited since");
    dead.recovered_as(RecoveryResult::Closed);
    assert_eq!(dead.ending(), Ending::Succeeded(prepared_outcome()));
    assert_eq!(dead.workspace.text("assets/made.txt"), "edited since");
    dead.assert_nothing_pending();
}

#[test]
fn an_operation_that_history_knows_is_not_called_aborted() {
    let dead = Dead::while_it_did(OperationKind::Adopt);
    dead.committed().finish().unwrap();
    dead.recovered_as(RecoveryResult::Closed);
    assert!(matches!(dead.ending(), Ending::Recovered { .. }), "{:?}", dead.ending());
}

#[test]
fn the_end_of_a_log_that_was_torn_is_cut_off_and_its_numbers_go_on() {
    let dead = Dead::while_it_did(OperationKind::Refresh);
    let path = dead.workspace.root.join(layout::event_log(dead.source));
    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    file.write_all(b"{\"schema\":1,\"sour").unwrap();
    dead.recovered_as(RecoveryResult::Dropped);
    let log = dead.log();
    let numbers: Vec<_> =
        log.iter().map(|event| (event.position, event.sequence, event.lifecycle_sequence)).collect();
    assert_eq!(numbers, [(1, 1, 1), (2, 2, 2), (3, 3, 3)]);
    assert!(matches!(dead.ending(), Ending::Aborted(_)));
}

#[test]
fn an_operation_whose_log_was_deleted_is_recovered_all_the_same() {
    let dead = Dead::while_it_did(OperationKind::Adopt);
    std::mem::forget(dead.recorded());
    dead.disk.remove_file(&layout::event_log(dead.source)).unwrap();
    dead.disk.remove_file(&layout::event_lock(dead.source)).unwrap();
    dead.recovered_as(RecoveryResult::Finished);
    assert_eq!(dead.workspace.text("assets/made.txt"), "made");
    assert_eq!(dead.log(), []);
    dead.assert_nothing_pending();
}

#[test]
fn several_operations_of_one_dead_process_end_each() {
    let mut dead = Dead::while_it_did(OperationKind::Build);
    dead.operation = some_operation(2);
    dead.say(EventBody::Accepted { kind: OperationKind::Adopt, title: "and more".to_owned() });
    let project = dead.workspace.open();
    assert_eq!(project.recovered().len(), 2);
    let log = dead.log();
    assert_eq!(log.iter().filter(|event| matches!(event.body, EventBody::Aborted { .. })).count(), 2);
    dead.assert_nothing_pending();
}

#[test]
fn somebody_who_opened_before_recovers_with_the_next_operation() {
    let workspace = Workspace::new();
    let project = workspace.open();
    drop(workspace);
    drop(project);
    let mut dead = Dead::while_it_did(OperationKind::Refresh);
    let project = dead.workspace.open();
    assert_eq!(project.recovered().len(), 1);
    // Another one dies while this one is open.
    drop(dead.disk.create(&layout::event_lock(dead.source)).unwrap());
    dead.sequencer = SourceSequencer::continuing(dead.source, 3, Vec::new());
    dead.operation = some_operation(3);
    dead.say(EventBody::Accepted { kind: OperationKind::Adopt, title: "the next".to_owned() });
    std::mem::forget(dead.recorded());
    let outcome = run(&project, Command::Mutate(adopt_all(None)));
    assert_eq!(mutated(&outcome).commit, Some(2));
    assert_eq!(mutated(&outcome).assets_added, 2, "it sees what it recovered");
    assert!(matches!(dead.log().last().unwrap().body, EventBody::Recovered { .. }));
    dead.assert_nothing_pending();
}

#[test]
fn a_conflict_freezes_the_lane_and_nothing_else() {
    let dead = Dead::while_it_did(OperationKind::Adopt);
    std::mem::forget(dead.recorded());
    dead.workspace.write("assets/made.txt", b"somebody else made this");
    let before = dead.workspace.tree();
    let (project, outcome) = dead.recovered_as(RecoveryResult::Frozen);
    let Ending::OutcomeUnknown(report) = dead.ending() else { panic!("{:?}", dead.ending()) };
    assert_eq!(
        (report.kind, report.cause),
        (Some(OperationKind::Adopt), UnknownOutcomeCause::EditedMeanwhile)
    );
    assert_eq!(report.path.as_deref(), Some("assets/made.txt"));
    assert!(outcome.success().is_some(), "the recovery did what it could");

    let required = Freshness::RecoveryRequired { operation_id: dead.operation };
    assert_eq!(project.status().freshness, required);
    let frozen = Rejection::LaneFrozen { operation_id: dead.operation };
    assert_eq!(rejection(&run(&project, Command::Mutate(adopt_all(None)))), &frozen);
    assert_eq!(rejection(&build(&project)), &frozen);
    let plan = project.preview(&adopt_all(None)).unwrap();
    let blockers: Vec<DiagnosticCode> = plan.blockers.iter().map(|blocker| blocker.code).collect();
    assert_eq!((plan.verdict, blockers), (Verdict::Blocked, vec![DiagnosticCode::LaneFrozen]));
    assert_eq!(plan.effects_digest, plan.compute_effects_digest());
    assert_eq!(rejection(&run(&project, Command::Apply(Box::new(plan.into())))), &frozen);
    assert_eq!(dead.workspace.tree(), before);

    // Reading and observing go on, labelled.
    assert_eq!(project.status().snapshot.assets(&AssetQuery::default()).total, 0);
    dead.workspace.write("assets/later.txt", b"");
    assert!(run(&project, Command::Refresh).success().is_some());
    assert_eq!(project.status().snapshot.unclaimed().len(), 3);
    assert_eq!(project.status().freshness, required);
    drop(project);
    let again = dead.workspace.open();
    assert_eq!(again.status().freshness, required);
    assert_eq!(rejection(&run(&again, Command::Mutate(adopt_all(None)))), &frozen);
}

#[test]
fn an_end_that_recovery_writes_lists_no_more_than_a_log_takes() {
    let dead = Dead::while_it_did(OperationKind::Adopt);
    let path = |n: u32| camino::Utf8PathBuf::from(format!("assets/{n}{}", "x".repeat(200)));
    let made = |n| Step::Create { path: path(n), contents: b"made".to_vec() };
    let request = CommitRequest { steps: (0..200).map(made).collect(), ..dead.request() };
    std::mem::forget(stage(&*dead.disk, request).unwrap().record_intent().unwrap());
    for n in 0..200 {
        dead.workspace.write(path(n).as_str(), b"somebody else made this");
    }
    dead.recovered_as(RecoveryResult::Frozen);
    let Ending::OutcomeUnknown(report) = dead.ending() else { panic!("{:?}", dead.ending()) };
    assert!(report.message.ends_with('…') && report.message.len() < 20_000, "{}", report.message.len());
}

#[test]
fn an_intent_that_cannot_be_read_freezes_the_lane() {
    let dead = Dead::while_it_did(OperationKind::Adopt);
    std::mem::forget(dead.recorded());
    std::fs::write(dead.workspace.root.join(layout::intent(dead.operation)), b"no intent").unwrap();
    dead.recovered_as(RecoveryResult::Frozen);
    let Ending::OutcomeUnknown(report) = dead.ending() else { panic!("{:?}", dead.ending()) };
    assert_eq!(report.cause, UnknownOutcomeCause::JournalDamaged);
}

#[test]
fn a_build_that_died_while_it_placed_its_outputs_is_finished() {
    for durable in [false, true] {
        let dead = Dead::while_it_did(OperationKind::Build);
        let report = OutcomeReport::Build(BuildReport {
            assets: 0,
            baked: 0,
            reused: 0,
            failed: 0,
            bytes: 4,
            pack_digest: Digest::of(b"pack"),
            unchanged: false,
            took_ms: 1,
            incomplete: false,
            proved: false,
        });
        let staging = create_output_staging(&*dead.disk, "build".into(), dead.operation).unwrap();
        dead.workspace.write(staging.join("m").as_str(), b"manifest");
        dead.workspace.write(staging.join("p").as_str(), b"pack");
        let file = |name: &str, bytes: &[u8]| OutputFile {
            name: name.to_owned(),
            size: bytes.len() as u64,
            digest: Some(Digest::of(bytes)),
        };
        let request = OutputsRequest {
            operation: dead.operation,
            source: dead.source,
            folder: "build".into(),
            files: vec![file("m", b"manifest")],
            pack: file("p", b"pack"),
            record: b"record".to_vec(),
            durable,
            boot: host::boot_id().unwrap_or_default(),
            prepared: serde_json::to_value(&report).unwrap(),
        };
        std::mem::forget(prepare_outputs(&*dead.disk, request).unwrap());
        let (project, outcome) = dead.recovered_as(RecoveryResult::Finished);
        assert_eq!(dead.ending(), Ending::Recovered { outcome: report, by: outcome.operation_id() });
        assert_eq!(
            (dead.workspace.text("build/m"), dead.workspace.text("build/p")),
            ("manifest".into(), "pack".into())
        );
        assert_eq!(dead.workspace.left_behind(), [""; 0]);
        dead.assert_nothing_pending();
        assert!(!built(&build(&project)).unchanged);
    }
}

#[test]
fn what_a_dead_build_staged_goes_with_the_next_build() {
    let dead = Dead::while_it_did(OperationKind::Build);
    let staging = create_output_staging(&*dead.disk, "build".into(), dead.operation).unwrap();
    dead.workspace.write(staging.join("assets.pack").as_str(), b"half");
    let (project, _) = dead.recovered_as(RecoveryResult::Dropped);
    built(&build(&project));
    assert_eq!(dead.workspace.left_behind(), [""; 0]);
}

#[test]
fn a_living_process_is_left_alone() {
    let dead = Dead::while_it_did(OperationKind::Adopt);
    let lock = packer_fs::lock::SourceLock::try_take(&dead.workspace.root, dead.source).unwrap().unwrap();
    let project = dead.workspace.open();
    assert!(project.recovered().is_empty());
    assert_eq!(dead.log().len(), 2);
    drop((project, lock));
    dead.recovered_as(RecoveryResult::Dropped);
    assert!(registry_file::load(&*dead.disk, layout::REGISTRY.into()).is_ok());
}
