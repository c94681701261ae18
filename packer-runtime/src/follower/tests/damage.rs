//! Logs that are damaged, cut off or gone under one who follows them.

use packer_events::report::AbortReport;
use packer_events::sequence::OperationNumbers;
use packer_fs::event_log::{MAX_LINE_BYTES, trim_torn_tail};

use std::io::ErrorKind;
use std::sync::atomic::AtomicBool;

use camino::Utf8PathBuf;

use super::*;
use crate::testing::HookedDisk;

fn text(disk: &SimDisk, source: SourceId) -> Vec<u8> {
    disk.read(&layout::event_log(source), 1 << 20).unwrap()
}

fn put(disk: &SimDisk, source: SourceId, parts: &[&[u8]]) {
    disk.put(&layout::event_log(source), &parts.concat());
}

/// The lines of a log of so many events, with their ends.
fn lines(disk: &SimDisk, other: &mut Other, events: usize) -> Vec<Vec<u8>> {
    for _ in 1..events {
        other.go_on();
    }
    let text = text(disk, other.source());
    text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Recovers a dead source as whoever opens the project does: trims its log to `kept` events, and ends its operation.
fn recover(disk: &SimDisk, other: &Other, kept: u64) {
    let source = other.source();
    trim_torn_tail(disk, source).unwrap();
    let operation = (other.operation, OperationNumbers { sequence: kept, lifecycle_sequence: kept });
    let mut sequencer = SourceSequencer::continuing(source, kept, vec![operation]);
    let outcome = AbortReport { kind: None, by: OperationId::drawn(draw()) };
    let draft = Draft {
        operation_id: other.operation,
        causation_id: None,
        time: Timestamp::from_unix_ms(1_700_000_000_001),
        base_revision: None,
        result_revision: None,
        body: EventBody::Aborted { outcome },
    };
    let line = encode_line(&sequencer.number(draft).unwrap());
    let mut writer = EventLogWriter::continuing(Arc::new(disk.clone()), source).unwrap();
    writer.append_synced(line.trim_end().as_bytes()).unwrap();
}

#[test]
fn what_recovery_writes_in_the_stead_of_a_torn_tail_is_told() {
    let torn: [&[u8]; 4] = [b"{\"schema\":1,", b"\0\0\0\0", b"\0\0\n", b"\0\n\0\0\n\0\0"];
    for tail in torn {
        let disk = disk();
        let mut one = Other::new(&disk);
        let whole = lines(&disk, &mut one, 2).concat();
        put(&disk, one.source(), &[&whole, tail]);
        let mut follower = follower(&disk);
        assert_eq!(shown(&mut follower), ["1 accepted", "2 started"], "{tail:?}");
        recover(&disk, &one, 2);
        assert_eq!(shown(&mut follower), ["3 aborted"], "{tail:?}");
    }
}

#[test]
fn what_was_told_and_then_cut_off_is_said_and_what_takes_its_place_is_told() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let lines = lines(&disk, &mut one, 4);
    // A crash lost what was written of the third line, and kept the fourth.
    put(&disk, one.source(), &[&lines[0], &lines[1], b"\0\0\0\n", &lines[3]]);
    let mut follower = follower(&disk);
    assert_eq!(shown(&mut follower), ["1 accepted", "2 started", "missed 2..4", "4 started"]);
    recover(&disk, &one, 2);
    assert_eq!(shown(&mut follower), ["cut off after 2", "3 aborted"]);
    assert_eq!(shown(&mut follower), [""; 0]);
}

#[test]
fn what_takes_the_place_of_fewer_lines_than_were_lost_is_told() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let lines = lines(&disk, &mut one, 4);
    // A crash lost the ends of the second and the third line with what was in them.
    put(&disk, one.source(), &[&lines[0], b"\0\0\0\n", &lines[3]]);
    let mut follower = follower(&disk);
    assert_eq!(shown(&mut follower), ["1 accepted", "missed 1..4", "4 started"]);
    recover(&disk, &one, 1);
    assert_eq!(shown(&mut follower), ["cut off after 1", "2 aborted"]);
    assert_eq!(shown(&mut follower), [""; 0]);
}

#[test]
fn what_is_cut_off_when_there_is_no_room_for_more_is_said_and_what_takes_its_place_is_told() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let lines = lines(&disk, &mut one, READ_AHEAD);
    let (kept, last) = (READ_AHEAD - 2, READ_AHEAD - 1);
    // That something is missed takes as much room as an event, so the last event takes the last.
    put(&disk, one.source(), &[&lines[..kept].concat(), &[0; 2000], b"\n", &lines[last]]);
    let mut followers = [follower(&disk), follower(&disk)];
    for follower in &mut followers {
        assert!(matches!(follower.next(Duration::ZERO), Ok(LogNext::Event(_))));
    }
    // What is there now ends before what was read.
    recover(&disk, &one, kept as u64);
    let missed = format!("missed {kept}..{READ_AHEAD}");
    let cut = format!("cut off after {kept}");
    let ends = [missed, format!("{READ_AHEAD} started"), cut, format!("{last} aborted")];
    let [mut while_there, mut once_gone] = followers;
    let told = shown(&mut while_there);
    assert_eq!(told[told.len() - 4..], ends);
    // The same where the log is gone before the next look.
    disk.remove_file(&layout::event_log(one.source())).unwrap();
    let told = shown(&mut once_gone);
    assert_eq!(told[told.len() - 4..], ends);
}

#[test]
fn an_end_whose_sync_failed_is_told_once_if_it_comes_again_and_said_if_another_comes() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let lines = lines(&disk, &mut one, 3);
    let mut follower = follower(&disk);
    assert_eq!(shown(&mut follower).len(), 3);
    put(&disk, one.source(), &[&lines[0], &lines[1]]);
    assert_eq!(shown(&mut follower), [""; 0], "it may come again");
    put(&disk, one.source(), &[&lines[0], &lines[1], &lines[2]]);
    assert_eq!(shown(&mut follower), [""; 0], "it is told already");
    put(&disk, one.source(), &[&lines[0], &lines[1]]);
    recover(&disk, &one, 2);
    assert_eq!(shown(&mut follower), ["cut off after 2", "3 aborted"]);
}

#[test]
fn a_line_that_is_too_long_is_missed_and_what_follows_is_told() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let lines = lines(&disk, &mut one, 3);
    let long = vec![b'x'; MAX_LINE_BYTES + 1];
    put(&disk, one.source(), &[&lines[0], &long, b"\n", &lines[2]]);
    let mut follower = follower(&disk);
    assert_eq!(shown(&mut follower), ["1 accepted", "missed 1..3", "3 started"]);
}

#[test]
fn a_line_that_somebody_took_out_is_missed_and_the_rest_is_told() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let lines = lines(&disk, &mut one, 5);
    put(&disk, one.source(), &[&lines[0], &lines[3]]);
    let mut follower = follower(&disk);
    assert_eq!(shown(&mut follower), ["1 accepted", "missed 1..4", "4 started"]);
    let mut writer = EventLogWriter::continuing(Arc::new(disk.clone()), one.source()).unwrap();
    writer.append(lines[4].trim_ascii_end()).unwrap();
    assert_eq!(shown(&mut follower), ["5 started"]);
    // Nothing is missing before the segment that comes next.
    writer.begin_segment(6, &[]).unwrap();
    writer.append(&one.line(EventBody::Started {})).unwrap();
    assert_eq!(shown(&mut follower), ["6 started"]);
}

#[test]
fn a_line_that_stands_there_twice_is_told_once() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let lines = lines(&disk, &mut one, 3);
    put(&disk, one.source(), &[&lines[0], &lines[1], &lines[0], &lines[1], &lines[2]]);
    let mut follower = follower(&disk);
    assert_eq!(shown(&mut follower), ["1 accepted", "2 started", "3 started"]);
    let mut writer = EventLogWriter::continuing(Arc::new(disk.clone()), one.source()).unwrap();
    writer.begin_segment(4, &[]).unwrap();
    writer.append(&one.line(EventBody::Started {})).unwrap();
    assert_eq!(shown(&mut follower), ["4 started"]);
}

#[test]
fn what_is_removed_before_it_was_read_is_missed() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let many = READ_AHEAD as u64 + 10;
    for _ in 1..many {
        one.go_on();
    }
    one.writer.begin_segment(many + 1, &[]).unwrap();
    one.go_on();
    let later = Other::new(&disk);
    let mut follower = follower(&disk);
    assert!(matches!(follower.next(Duration::ZERO).unwrap(), LogNext::Event(_)));
    // Of the first log, the segment that is open is read to its end and the other one is gone; of the second, all of it is.
    for source in [one.source(), later.source()] {
        event_log::remove_log(&disk, source).unwrap();
    }
    let (told, missed): (Vec<_>, Vec<_>) =
        everything(&mut follower).into_iter().partition(|next| matches!(next, LogNext::Event(_)));
    assert_eq!(told.len() as u64, many - 1);
    let missed_after = |source, after| LogNext::Missed(Missed { source, after, next: None });
    assert_eq!(missed, [missed_after(later.source(), 0), missed_after(one.source(), many)]);
    assert_eq!(everything(&mut follower), []);
}

#[test]
fn a_position_that_is_in_no_log_is_said_and_what_is_there_or_comes_is_told() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let unknown = drawn();
    let after = [(one.source(), 3), (unknown, 7)];
    let mut all = LogFollower::on(Arc::new(disk.clone()), after);
    let mut alone = LogFollower::on(Arc::new(disk.clone()), after).only(one.source());
    let short = LogNext::Missed(Missed { source: one.source(), after: 3, next: None });
    let gone = LogNext::Missed(Missed { source: unknown, after: 7, next: None });
    assert_eq!(everything(&mut all), [short.clone(), gone]);
    assert_eq!(everything(&mut alone), [short]);
    one.go_on();
    for follower in [&mut all, &mut alone] {
        assert_eq!(shown(follower), ["2 started"], "it has the position of another one that was lost");
    }
    // Who knows nothing yet of one that said nothing yet misses nothing.
    let mut early = LogFollower::on(Arc::new(disk.clone()), [(unknown, 0)]).only(unknown);
    assert_eq!(everything(&mut early), []);
    let _said = Other::of(Arc::new(disk.clone()), unknown);
    for follower in [&mut all, &mut early] {
        assert_eq!(shown(follower), ["1 accepted"], "it comes after all");
    }
}

#[test]
fn another_file_under_the_same_name_is_read_on() {
    let disk = disk();
    let mut one = Other::new(&disk);
    let mut follower = follower(&disk);
    assert_eq!(shown(&mut follower), ["1 accepted"]);
    let path = layout::event_log(one.source());
    let before = text(&disk, one.source());
    one.go_on();
    let after = text(&disk, one.source());
    // As programs save: a copy takes the name.
    disk.put(&path, &before);
    disk.put("copy".into(), &after);
    disk.rename_over("copy".into(), &path).unwrap();
    assert_eq!(shown(&mut follower), ["2 started"]);
}

#[test]
fn a_log_that_cannot_be_read_is_said_once_and_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(OsDisk::new(root.clone()));
    let mut others = [(); 3].map(|()| Other::of(Arc::clone(&disk), drawn()));
    let [first, second, third] = others.each_ref().map(Other::source);
    let hooked = Arc::new(HookedDisk::new(root));
    let is_refused = Arc::new(AtomicBool::new(true));
    hooked.hook({
        let is_refused = Arc::clone(&is_refused);
        move |name, path| {
            let refuses = name == "open" && path == layout::event_log(second);
            if refuses && is_refused.load(Ordering::Relaxed) {
                return Err(ErrorKind::PermissionDenied.into());
            }
            Ok(())
        }
    });
    let mut follower = LogFollower::on(hooked, []);
    let (said, told): (Vec<_>, Vec<_>) =
        everything(&mut follower).into_iter().partition(|next| matches!(next, LogNext::Unreadable(_)));
    let [LogNext::Unreadable(unreadable)] = &said[..] else { panic!("{said:?}") };
    assert_eq!((unreadable.source, unreadable.kind), (second, ErrorKind::PermissionDenied));
    assert_eq!(told.len(), 2);
    others.iter_mut().for_each(Other::go_on);
    assert_eq!(super::told(&mut follower), [(first, 2), (third, 2)], "it is not said again");
    is_refused.store(false, Ordering::Relaxed);
    assert_eq!(super::told(&mut follower), [(second, 1), (second, 2)], "and told once it can be read");
}
