//! In which order what one look finds is told.

use camino::Utf8PathBuf;
use packer_events::report::{AbortReport, OutcomeReport, RecoverReport, RecoveryResult};

use super::*;
use crate::record::recorded_on;
use crate::testing::HookedDisk;

/// A folder, and its disk as it is and with a hook.
fn hooked() -> (tempfile::TempDir, Arc<dyn Disk>, Arc<HookedDisk>) {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    (folder, Arc::new(OsDisk::new(root.clone())), Arc::new(HookedDisk::new(root)))
}

#[test]
fn a_recovery_is_told_before_the_end_that_it_wrote_and_its_own_end_after_it() {
    let disk = disk();
    let mut dead = Other::new(&disk);
    let mut follower = follower(&disk);
    assert_eq!(told(&mut follower), [(dead.source(), 1)]);
    // The dead one's log is the older one, and is read first.
    let mut recovering = Other::new(&disk);
    let (of, by) = (dead.operation, recovering.operation);
    dead.say(EventBody::Aborted { outcome: AbortReport { kind: None, by } });
    let report = RecoverReport { operation_id: of, result: RecoveryResult::Dropped, took_ms: 0 };
    recovering.say(EventBody::Succeeded { outcome: OutcomeReport::Recover(report) });
    let expected = [(recovering.source(), 1), (dead.source(), 2), (recovering.source(), 2)];
    assert_eq!(told(&mut follower), expected);
}

#[test]
fn a_recovery_that_begins_amid_a_look_is_told_before_the_end_that_it_wrote() {
    let (_folder, disk, hooked) = hooked();
    let mut dead = Other::of(Arc::clone(&disk), drawn());
    let (of, recovering) = (dead.source(), drawn());
    // Once it is known which logs there are, and before the first one is read.
    let mut recover = Some(move || {
        let mut by = Other::of(disk, recovering);
        dead.say(EventBody::Aborted { outcome: AbortReport { kind: None, by: by.operation } });
        by.go_on();
    });
    hooked.hook(move |name, _| {
        if name == "open"
            && let Some(recover) = recover.take()
        {
            recover();
        }
        Ok(())
    });
    let mut follower = LogFollower::on(hooked, []);
    assert_eq!(told(&mut follower), [(of, 1), (recovering, 1), (of, 2), (recovering, 2)]);
}

/// A disk on which a recovery ends another source, and then itself, just before its own log is read; and both sources, the
/// dead one first.
fn recovered_amid_reading(folder: &tempfile::TempDir) -> (Arc<HookedDisk>, [SourceId; 2]) {
    let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(OsDisk::new(root.clone()));
    let mut dead = Other::of(Arc::clone(&disk), drawn());
    let mut recovering = Other::of(Arc::clone(&disk), drawn());
    let sources = [dead.source(), recovering.source()];
    for source in sources {
        disk.create(&layout::event_lock(source)).unwrap();
    }
    let hooked = Arc::new(HookedDisk::new(root));
    let mut recover = Some(move || {
        let (of, by) = (dead.operation, recovering.operation);
        dead.say(EventBody::Aborted { outcome: AbortReport { kind: None, by } });
        let report = RecoverReport { operation_id: of, result: RecoveryResult::Dropped, took_ms: 0 };
        recovering.say(EventBody::Succeeded { outcome: OutcomeReport::Recover(report) });
    });
    hooked.hook(move |name, path| {
        if name == "open"
            && path == layout::event_log(sources[1])
            && let Some(mut recover) = recover.take()
        {
            recover();
        }
        Ok(())
    });
    (hooked, sources)
}

#[test]
fn a_recovery_that_ends_amid_a_look_is_told_to_end_after_the_end_that_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, [dead, recovering]) = recovered_amid_reading(&folder);
    let mut follower = LogFollower::on(disk, []);
    assert_eq!(told(&mut follower), [(dead, 1), (recovering, 1), (dead, 2), (recovering, 2)]);
}

#[test]
fn a_recovery_that_ends_while_the_records_are_read_is_recorded_with_the_end_that_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, sources) = recovered_amid_reading(&folder);
    let logs = recorded_on(&*disk).unwrap();
    let recorded: Vec<_> = logs.iter().map(|log| (log.source, log.events.len())).collect();
    assert_eq!(recorded, sources.map(|source| (source, 2)));
}

#[test]
fn what_is_dropped_between_two_reads_and_was_not_wanted_is_not_said_to_be_missed() {
    let (_folder, disk, hooked) = hooked();
    let mut one = Other::of(Arc::clone(&disk), drawn());
    let source = one.source();
    one.go_on();
    // Once it is known which segments there are, and before the last one is read.
    let mut go_on = Some(move || {
        one.writer.begin_segment(3, &[]).unwrap();
        one.go_on();
        event_log::drop_ended(&*disk, source, 0, u64::MAX).unwrap();
    });
    hooked.hook(move |name, _| {
        if name == "open"
            && let Some(mut go_on) = go_on.take()
        {
            go_on();
        }
        Ok(())
    });
    let mut follower = LogFollower::on(hooked, [(source, 2)]);
    assert!(follower.next(Duration::ZERO).unwrap() == LogNext::Timeout, "the first look finds nothing");
    assert_eq!(told(&mut follower), [(source, 3)]);
}

#[test]
fn a_log_that_is_removed_before_it_is_first_read_is_said_to_be_gone() {
    for after in [0, 1] {
        let (_folder, disk, hooked) = hooked();
        let mut one = Other::of(Arc::clone(&disk), drawn());
        let source = one.source();
        one.go_on();
        hooked.hook(move |name, _| {
            if name == "open" {
                event_log::remove_log(&*disk, source).unwrap();
            }
            Ok(())
        });
        let mut follower = LogFollower::on(hooked, [(source, after)]);
        let missed = LogNext::Missed(Missed { source, after, next: None });
        assert_eq!([everything(&mut follower), everything(&mut follower)].concat(), [missed]);
    }
}

#[test]
fn sources_are_told_in_the_order_of_time() {
    let disk = disk();
    let mut others = [Other::new(&disk), Other::new(&disk)];
    // The clock of each is set back at its end.
    for (other, times) in others.iter_mut().zip([[10, 30, 20], [15, 40, 5]]) {
        for ms in times {
            other.time = Timestamp::from_unix_ms(1_700_000_000_000 + ms);
            other.go_on();
        }
    }
    let [first, second] = others.map(|other| other.source());
    let expected =
        [(first, 1), (second, 1), (first, 2), (second, 2), (first, 3), (first, 4), (second, 3), (second, 4)];
    assert_eq!(told(&mut follower(&disk)), expected);
}
