//! Logs of several segments: beginning one, crashing anywhere on the way, dropping the oldest, and what is missing.

use super::*;
use crate::journal::PendingState;

/// How a log with lines `1` to the last one is read: the positions, and the errors on the way.
fn read(disk: &SimDisk, from: u64) -> (Vec<u64>, Vec<String>) {
    let mut reader = reader(disk, 1, from);
    let (mut positions, mut errors) = (Vec::new(), Vec::new());
    loop {
        let position = reader.position();
        match reader.next_line() {
            Ok(Some(line)) => {
                let position = reader.position() - 1;
                assert_eq!(line, format!("line {position}").as_bytes());
                positions.push(position);
            }
            Ok(None) => return (positions, errors),
            Err(error) => {
                assert!(reader.position() > position);
                errors.push(error.to_string());
            }
        }
    }
}

/// Everything that is left of the log.
fn whole_log(disk: &SimDisk) -> Option<WholeLog> {
    let names = listing(disk).unwrap().remove(&source(1)).unwrap_or_default();
    read_whole(disk, source(1), &names, 1 << 20).unwrap()
}

/// The position of the last line of each segment, which goes on where the one before ends.
fn last_position(log: &WholeLog) -> u64 {
    log.segments.iter().fold(log.segments[0].0 - 1, |last, (first, bytes)| {
        assert_eq!(*first, last + 1, "there is a hole");
        last + bytes.split_inclusive(|byte| *byte == b'\n').count() as u64
    })
}

fn line(position: u64) -> Vec<u8> {
    format!("line {position}").into_bytes()
}

fn carried_line(first: u64) -> Vec<u8> {
    format!("carried to {first}").into_bytes()
}

/// Appends the lines up to `last`, synced at every third, in segments of four lines with something carried.
fn write_to(writer: &mut EventLogWriter, last: u64) {
    for position in 1..=last {
        append(writer, position).unwrap();
    }
}

fn append(writer: &mut EventLogWriter, position: u64) -> Result<(), EventLogError> {
    if position > 1 && position % 4 == 1 {
        writer.begin_segment(position, &[&carried_line(position)])?;
    }
    writer.append_lines(&[&line(position)], position.is_multiple_of(3))
}

#[test]
fn a_log_of_several_segments_reads_as_one() {
    let disk = disk();
    write_to(&mut writer(&disk, 1), 10);
    let names = listing(&disk).unwrap().remove(&source(1)).unwrap();
    assert_eq!(names.segments.into_iter().collect::<Vec<_>>(), [1, 5, 9]);
    assert_eq!(read(&disk, 1), ((1..=10).collect(), Vec::new()));
    assert_eq!(read(&disk, 7).0, (5..=10).collect::<Vec<_>>(), "from the segment on that has it");
    assert_eq!(read(&disk, 99).0, [9, 10], "beyond the end, the last segment");
    let whole = whole_log(&disk).unwrap();
    assert_eq!((last_position(&whole), whole.carried.len()), (10, 0));
    assert_eq!(whole.segments[1], (5, b"line 5\nline 6\nline 7\nline 8\n".to_vec()));
    assert_eq!(list(&disk).unwrap(), [source(1)]);
}

#[test]
fn a_reader_follows_from_segment_to_segment() {
    let disk = disk();
    let mut writer = writer(&disk, 1);
    append(&mut writer, 1).unwrap();
    let mut reader = reader(&disk, 1, 1);
    for position in 1..=20 {
        assert_eq!(reader.next_line().unwrap(), Some(line(position)));
        assert_eq!(reader.next_line().unwrap(), None);
        append(&mut writer, position + 1).unwrap();
        // What it has read may leave under it.
        drop_ended(&disk, source(1), 0, position).unwrap();
    }
    assert_eq!(reader.segment(), 17);
}

#[test]
fn a_crash_at_any_step_loses_no_synced_line_and_leaves_no_hole() {
    let run = |disk: &SimDisk| -> u64 {
        let mut writer = writer(disk, 1);
        let mut synced = 0;
        for position in 1..=14 {
            if append(&mut writer, position).is_err() {
                break;
            }
            if position.is_multiple_of(3) {
                synced = position;
            }
            if position % 4 == 1 && drop_ended(disk, source(1), 1, u64::MAX).is_err() {
                break;
            }
        }
        synced
    };
    let whole = disk();
    run(&whole);
    let steps = whole.operations();
    assert!(steps > 40, "{steps}");
    let mut recoveries = 0;
    for step in 0..=steps {
        let disk = disk();
        disk.fail_after(step);
        let synced = run(&disk);
        for survivor in disk.crash_states(400) {
            trim_torn_tail(&survivor, source(1)).unwrap();
            let Some(log) = whole_log(&survivor) else {
                assert_eq!(synced, 0);
                continue;
            };
            let (last, losses) = (last_position(&log), survivor.losses());
            assert!(last >= synced, "{last} of {synced}: {losses:?}");
            let first = log.segments[0].0;
            let carried =
                if first == 1 { Vec::new() } else { [carried_line(first), b"\n".to_vec()].concat() };
            assert_eq!(log.carried, carried, "{losses:?}");
            // Whoever takes it over goes on with the next number.
            let mut writer = EventLogWriter::continuing(Arc::new(survivor.clone()), source(1)).unwrap();
            writer.append_synced(&line(last + 1)).unwrap();
            assert_eq!(read(&survivor, 1), ((first..=last + 1).collect(), Vec::new()), "{losses:?}");
            recoveries += 1;
        }
    }
    assert!(recoveries > 250, "{recoveries}");
}

#[test]
fn a_segment_that_could_not_be_begun_is_begun_by_the_next_try() {
    let whole = disk();
    write_to(&mut writer(&whole, 1), 4);
    let before = whole.operations();
    for failing in 0..6 {
        let disk = disk();
        let mut writer = writer(&disk, 1);
        write_to(&mut writer, 4);
        disk.fail_operation(before + failing);
        let begun = writer.begin_segment(5, &[&carried_line(5)]);
        assert!(begun.is_err(), "operation {failing} is one of it");
        writer.begin_segment(5, &[&carried_line(5)]).unwrap();
        writer.append_synced(&line(5)).unwrap();
        assert_eq!(read(&disk, 1), ((1..=5).collect(), Vec::new()));
        assert_eq!(carried(&disk, source(1), 5, 100).unwrap(), b"carried to 5\n");
    }
}

#[test]
fn the_oldest_segments_are_dropped_and_none_that_is_still_to_be_read() {
    let disk = disk();
    write_to(&mut writer(&disk, 1), 18);
    let begins = |keep, read_up_to| drop_ended(&disk, source(1), keep, read_up_to).unwrap();
    assert_eq!(begins(9, u64::MAX), Some(1));
    assert_eq!(begins(0, 3), Some(1), "line 4 is still to be read");
    assert_eq!(begins(2, 4), Some(5));
    assert_eq!(
        begins(2, u64::MAX),
        Some(9),
        "of 18 lines, the segments from 9 and 13 are kept beside the last"
    );
    assert_eq!(read(&disk, 1), ((9..=18).collect(), Vec::new()));
    assert_eq!(whole_log(&disk).unwrap().carried, b"carried to 9\n");
    assert_eq!(begins(0, u64::MAX), Some(17));
    let mut writer = EventLogWriter::continuing(Arc::new(disk.clone()), source(1)).unwrap();
    writer.begin_segment(19, &[&carried_line(19)]).unwrap();
    assert_eq!(begins(0, u64::MAX), Some(19));
    let names = listing(&disk).unwrap().remove(&source(1)).unwrap();
    assert_eq!(
        names.carried.into_iter().collect::<Vec<_>>(),
        [17, 19],
        "of what is durably gone, nothing is left"
    );
}

#[test]
fn nothing_is_dropped_while_a_commit_may_want_its_end_looked_up() {
    let disk = disk();
    write_to(&mut writer(&disk, 1), 10);
    let operation = OperationId::drawn(UuidDraw { unix_ms: 1, entropy: [1; 16] });
    let none = LogBounds { old_logs: 0, ..LogBounds::default() };
    for (path, state, dropped) in [
        (layout::intent(operation), PendingState::Workspace, false),
        (layout::outputs_intent(operation), PendingState::Outputs, false),
        (layout::frozen(operation), PendingState::Frozen, true),
    ] {
        disk.put(&path, b"");
        assert_eq!(crate::journal::pending(&disk).unwrap()[0].state, state);
        assert_eq!(surplus_logs(&disk, source(9), &none).unwrap().len(), usize::from(dropped));
        assert_eq!(drop_ended(&disk, source(1), 0, u64::MAX).unwrap(), Some(if dropped { 9 } else { 1 }));
        disk.remove_file(&path).unwrap();
    }
}

#[test]
fn what_is_missing_between_segments_is_named() {
    let disk = disk();
    write_to(&mut writer(&disk, 1), 10);
    let mut behind = reader(&disk, 1, 1);
    disk.remove_file(&layout::event_log_segment(source(1), 5)).unwrap();
    let hole = format!("the log of {}: the events after position 4 and before 9 are missing", source(1));
    assert_eq!(read(&disk, 1), (vec![1, 2, 3, 4, 9, 10], vec![hole.clone()]));
    // One who was reading when it went is told the same.
    for _ in 1..=4 {
        behind.next_line().unwrap().unwrap();
    }
    assert_eq!(behind.next_line().unwrap_err().to_string(), hole);
    assert_eq!(behind.next_line().unwrap(), Some(line(9)));
}

#[test]
fn of_sources_that_are_gone_the_newest_logs_are_kept() {
    let disk = disk();
    for n in 1..=6 {
        writer(&disk, n).append(b"123456789").unwrap();
    }
    disk.put(&layout::event_lock(source(2)), b"");
    let surplus = |old_logs, old_bytes| {
        let bounds = LogBounds { old_logs, old_bytes, ..LogBounds::default() };
        surplus_logs(&disk, source(6), &bounds).unwrap()
    };
    assert_eq!(surplus(4, 40), []);
    assert_eq!(surplus(3, 40), [source(1)], "the second has a lock, and the last is one's own");
    assert_eq!(surplus(4, 29), [source(1), source(3)]);
    assert_eq!(surplus(0, 40), [source(1), source(3), source(4), source(5)]);
}

#[test]
fn a_log_that_is_removed_leaves_from_its_beginning_on() {
    let whole = disk();
    write_to(&mut writer(&whole, 1), 14);
    whole.settle();
    let disk = whole.fork();
    remove_log(&disk, source(1)).unwrap();
    assert_eq!(disk.read_dir(layout::EVENTS.into()).unwrap(), []);
    let mut left = 0;
    for step in 0..disk.operations() {
        let disk = whole.fork();
        disk.fail_after(step);
        assert!(remove_log(&disk, source(1)).is_err());
        for survivor in disk.crash_states(100) {
            let Some(log) = whole_log(&survivor) else { continue };
            assert_eq!(last_position(&log), 14);
            left += 1;
        }
    }
    assert!(left > 3);
}

#[test]
fn other_spellings_are_files_of_somebody_else() {
    let disk = disk();
    let source = source(1);
    for name in [
        format!("{source}.00000000000000000001.jsonl"),
        format!("{source}.5.jsonl"),
        format!("{source}.+0000000000000000005.jsonl"),
        format!("{source}.00000000000000000005.carried"),
        format!("{}.jsonl", source.to_string().to_uppercase()),
        format!("{source}.jsonl.old"),
    ] {
        disk.put(&Utf8PathBuf::from(format!("{}/{name}", layout::EVENTS)), b"line 1\n");
    }
    assert_eq!(listing(&disk).unwrap().into_iter().collect::<Vec<_>>(), []);
    disk.put(&layout::event_log_segment(source, u64::MAX), b"");
    assert_eq!(list(&disk).unwrap(), [source]);
    assert_eq!(whole_log(&disk).unwrap().segments, [(u64::MAX, Vec::new())]);
}
