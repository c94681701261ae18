//! Logs that take nothing for a while, and events that no log would take: nothing that counts is lost, nothing holds up what
//! comes after it, and what waits is bounded by what cannot be dropped.

use camino::Utf8PathBuf;
use packer_domain::identity::Revision;
use packer_events::body::{EventBody, OperationKind, Phase, Unit};
use packer_events::record::{Changes, DiagnosticRecord, RelatedRecord, SeverityRecord, SubjectRecord};
use packer_events::replay::record_faults;
use packer_events::report::{Ending, OutcomeReport, RefreshReport, Rejection, RejectionReport};
use packer_fs::disk::sim::SimDisk;
use packer_fs::event_log::LogBounds;
use packer_fs::layout;

use super::*;
use crate::clock::draw;
use crate::operation::Operation;
use crate::record::{RecordedLog, read_source};

struct Bench {
    _folder: tempfile::TempDir,
    disk: SimDisk,
    bus: Arc<Bus>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        let disk = SimDisk::new();
        layout::ensure_operational(&disk).unwrap();
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let bus = Bus::new(root, shared, SourceId::drawn(draw()), LogBounds::default());
        Self { _folder: folder, disk, bus }
    }

    fn operation(&self) -> Operation {
        Operation::accept(&self.bus, OperationKind::Refresh, "speak".to_owned(), None, None)
    }

    fn log(&self) -> RecordedLog {
        let log = read_source(&self.disk, self.bus.source()).unwrap().unwrap();
        assert_eq!((log.damaged_lines, log.holes.len()), (0, 0));
        let positions: Vec<u64> = log.events.iter().map(|event| event.position).collect();
        assert_eq!(positions, (1..=log.last_position).collect::<Vec<_>>());
        log
    }
}

fn progress(phase: Phase, done: u64) -> EventBody {
    let (total, bytes, elapsed_ms, subject) = (None, None, done, None);
    EventBody::Progress { phase, done, total, unit: Unit::Files, bytes, elapsed_ms, subject }
}

fn finding(related: usize) -> DiagnosticRecord {
    let other = RelatedRecord { message: "x".repeat(1000), file: "assets/a".to_owned(), span: None };
    DiagnosticRecord {
        code: "plan/target-exists".to_owned(),
        severity: SeverityRecord::Error,
        subject: SubjectRecord::Project,
        message: "there is something at that path".to_owned(),
        file: None,
        span: None,
        help: None,
        related: vec![other; related],
    }
}

fn succeeded() -> Ending {
    let (revision, changed) = (Revision(1), Changes::default());
    Ending::Succeeded(OutcomeReport::Refresh(RefreshReport {
        from: revision,
        to: revision,
        changed,
        took_ms: 0,
    }))
}

#[test]
fn while_the_log_takes_nothing_of_progress_the_latest_waits_and_nothing_is_written_for_each_event() {
    const EVENTS: u64 = 20_000;
    let bench = Bench::new();
    let operation = bench.operation();
    let mut feed = bench.bus.subscribe(From::Now);
    bench.disk.set_budget(Some(0));
    let (start, before) = (Instant::now(), bench.disk.operations());
    operation.say(EventBody::Started {});
    for done in 1..=EVENTS {
        operation.say(progress(if done % 2 == 0 { Phase::Scan } else { Phase::Bake }, done));
        if done % 100 == 0 {
            operation.say(EventBody::Diagnostic(finding(0)));
        }
    }
    let tries = start.elapsed().as_millis() as u64 / 100 + 2;
    let written = bench.disk.operations() - before;
    assert!(written <= tries * 4, "{written} operations of the disk in {tries} tries");
    // Whoever listens is told in the meantime of whatever is no end.
    assert!(
        matches!(feed.next(Duration::ZERO), FeedNext::Item(item) if item.event.body.type_name() == "started")
    );
    bench.disk.set_budget(None);
    operation.end(succeeded()).unwrap();
    let log = bench.log();
    assert_eq!(record_faults(&log.replay()), []);
    let of = |name: &str| log.events.iter().filter(|event| event.body.type_name() == name).count() as u64;
    assert_eq!((of("accepted"), of("started"), of("diagnostic"), of("succeeded")), (1, 1, EVENTS / 100, 1));
    // Before each finding comes what its operation told of its work until then.
    assert!(of("progress") <= 2 * (EVENTS / 100 + tries), "{} of progress", of("progress"));
    let last = |of: Phase| {
        log.events.iter().rev().find_map(|event| match event.body {
            EventBody::Progress { phase, done, .. } if phase == of => Some(done),
            _ => None,
        })
    };
    assert_eq!((last(Phase::Scan), last(Phase::Bake)), (Some(EVENTS), Some(EVENTS - 1)));
    let mut findings = 0;
    for (before, event) in log.events.iter().zip(&log.events[1..]) {
        if let EventBody::Diagnostic(_) = event.body {
            findings += 100;
            // What was told of the work before it comes before it.
            assert!(
                matches!(before.body, EventBody::Progress { done, .. } if done + 1 >= findings),
                "{findings}: {before:?}"
            );
        }
    }
}

#[test]
fn the_last_that_an_operation_told_of_its_work_is_not_lost_with_its_end() {
    let bench = Bench::new();
    let operation = bench.operation();
    bench.disk.set_budget(Some(0));
    operation.say(EventBody::Started {});
    operation.say(progress(Phase::Scan, 7));
    bench.disk.set_budget(None);
    operation.end(succeeded()).unwrap();
    let names: Vec<&str> = bench.log().events.iter().map(|event| event.body.type_name()).collect();
    assert_eq!(names, ["accepted", "started", "progress", "succeeded"]);
}

#[test]
fn an_end_that_could_not_be_stored_is_stored_and_told_once_there_is_room_though_nobody_says_anything() {
    let bench = Bench::new();
    let operation = bench.operation();
    let mut feed = bench.bus.subscribe(From::Now);
    bench.disk.set_budget(Some(0));
    operation.say(EventBody::Started {});
    operation.say(progress(Phase::Scan, 7));
    let id = operation.id;
    operation.end(succeeded()).unwrap_err();
    let mut told = Vec::new();
    while let FeedNext::Item(item) = feed.next(Duration::ZERO) {
        assert!(item.outcome.is_none(), "it is told of an end that is not stored");
        told.push(item);
    }
    bench.disk.set_budget(None);
    let last = loop {
        match feed.next(Duration::from_mins(1)) {
            FeedNext::Item(item) if item.event.terminal => break item,
            FeedNext::Item(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((last.event.operation_id, last.outcome.is_some()), (id, true));
    let log = bench.log();
    assert_eq!(log.events.last().map(|event| event.body.type_name()), Some("succeeded"));
    assert_eq!(record_faults(&log.replay()), []);
}

#[test]
fn what_waited_is_in_the_log_once_the_project_closes_in_peace() {
    let bench = Bench::new();
    let operation = bench.operation();
    bench.disk.set_budget(Some(0));
    operation.say(EventBody::Started {});
    operation.say(progress(Phase::Scan, 7));
    bench.disk.set_budget(None);
    bench.bus.close();
    let names: Vec<&str> = bench.log().events.iter().map(|event| event.body.type_name()).collect();
    assert_eq!(names, ["accepted", "started", "progress"]);
}

#[test]
fn who_sleeps_amid_a_stream_is_woken_by_the_steps_of_a_life_and_by_nothing_less() {
    let bench = Bench::new();
    let operation = bench.operation();
    let mut feed = bench.bus.subscribe(From::Now);
    let woken_by = feed.sleeping(Duration::from_hours(1));
    operation.say(progress(Phase::Scan, 1));
    assert!(matches!(feed.next(Duration::ZERO), FeedNext::Item(_)));
    let reader = std::thread::spawn(move || {
        let took = [(); 3].map(|()| feed.next(Duration::from_mins(5)));
        took.map(|next| match next {
            FeedNext::Item(item) => item.event.body.type_name(),
            other => panic!("{other:?}"),
        })
    });
    while woken_by().is_none() {
        std::thread::yield_now();
    }
    let start = Instant::now();
    operation.say(progress(Phase::Scan, 2));
    operation.say(EventBody::Diagnostic(finding(0)));
    assert_eq!(woken_by(), Some(WokenBy::Steps), "it is woken for each");
    operation.say(EventBody::Started {});
    assert_eq!(reader.join().unwrap(), ["progress", "diagnostic", "started"]);
    assert!(start.elapsed() < Duration::from_mins(1), "it was woken by the end of its patience");
}

#[test]
fn whatever_an_operation_tells_its_end_is_stored() {
    let bench = Bench::new();
    let operation = bench.operation();
    operation.say(EventBody::Diagnostic(finding(20_000)));
    let blockers = (0..60_000).map(|_| finding(0)).collect();
    let reason = Rejection::Blocked { blockers, more: 0 };
    let rejection = RejectionReport { kind: OperationKind::Refresh, reason };
    operation.end(Ending::Rejected(rejection)).unwrap();
    let next = bench.operation();
    next.end(succeeded()).unwrap();
    let log = bench.log();
    assert_eq!(record_faults(&log.replay()), []);
    let names: Vec<&str> = log.events.iter().map(|event| event.body.type_name()).collect();
    assert_eq!(names, ["accepted", "diagnostic", "rejected", "accepted", "succeeded"]);
    let EventBody::Rejected { outcome } = &log.events[2].body else { panic!("{names:?}") };
    let Rejection::Blocked { blockers, more } = &outcome.reason else { panic!("it is blocked") };
    assert!(!blockers.is_empty() && blockers.len() as u64 + more == 60_000, "{more}");
}
