//! What the simulated disk loses, what it keeps, and that its faults fire.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};

use super::*;

const ALL: usize = 1 << 12;

fn write(disk: &SimDisk, path: &str, bytes: &[u8], sync: bool) {
    let mut file = disk.create(path.into()).unwrap();
    file.write_all(bytes).unwrap();
    if sync {
        file.sync().unwrap();
    }
}

/// The tree as text: `dir/`, `file=contents`.
fn render(disk: &SimDisk) -> String {
    let lines: Vec<String> = disk
        .tree()
        .into_iter()
        .map(|(path, node)| match node {
            SimNode::Dir => format!("{path}/"),
            SimNode::File(bytes) => format!("{path}={}", String::from_utf8_lossy(&bytes)),
            SimNode::Link => format!("{path}@"),
        })
        .collect();
    lines.join(" ")
}

/// Every tree that a power cut can leave, and that enumerating them repeats none.
fn outcomes(disk: &SimDisk) -> BTreeSet<String> {
    let states = disk.crash_states(ALL);
    assert_eq!(states.coverage(), Coverage::Everything);
    states.map(|state| render(&state)).collect()
}

#[track_caller]
fn check_outcomes(disk: &SimDisk, expected: &[&str]) {
    assert_eq!(outcomes(disk), expected.iter().map(|&s| s.to_owned()).collect());
}

fn kind<T>(result: Result<T, DiskError>) -> ErrorKind {
    result.err().expect("the operation was to fail").source.kind()
}

#[test]
fn an_unsynced_file_is_lost_empty_torn_or_kept() {
    let disk = SimDisk::new();
    write(&disk, "a", b"12345678", false);
    check_outcomes(&disk, &["", "a=", "a=1234", "a=12345678"]);
    assert_eq!(disk.crash_states(ALL).count(), 4, "writes to a lost file make no further states");
}

#[test]
fn contents_and_names_are_synced_apart() {
    let disk = SimDisk::new();
    write(&disk, "a", b"12345678", true);
    check_outcomes(&disk, &["", "a=12345678"]);
    disk.sync_dir("".into()).unwrap();
    check_outcomes(&disk, &["a=12345678"]);
    assert!(disk.pending().is_empty());

    let disk = SimDisk::new();
    write(&disk, "a", b"12345678", false);
    disk.sync_dir("".into()).unwrap();
    check_outcomes(&disk, &["a=", "a=1234", "a=12345678"]);
}

#[test]
fn writes_of_one_file_reach_the_disk_in_any_combination() {
    let disk = SimDisk::new();
    disk.put("a".into(), b"...");
    let mut file = disk.open_write("a".into()).unwrap();
    file.write_all(b"x").unwrap();
    file.seek(SeekFrom::Current(1)).unwrap();
    file.write_all(b"z").unwrap();
    check_outcomes(&disk, &["a=...", "a=x..", "a=..z", "a=x.z"]);
    file.set_len(0).unwrap();
    file.sync().unwrap();
    check_outcomes(&disk, &["a="]);
}

#[test]
fn a_rename_is_one_effect_even_across_folders() {
    let disk = SimDisk::new();
    disk.put("from/a".into(), b"A");
    disk.put_dir("to".into());
    disk.rename_new("from/a".into(), "to/b".into()).unwrap();
    let both = ["from/ from/a=A to/", "from/ to/ to/b=A"];
    check_outcomes(&disk, &both);
    disk.sync_dir("to".into()).unwrap();
    check_outcomes(&disk, &both);
    disk.sync_dir("from".into()).unwrap();
    check_outcomes(&disk, &both[1..]);

    let disk = SimDisk::new();
    disk.set_rename_durability(RenameDurability::EitherFolder);
    disk.put("from/a".into(), b"A");
    disk.put_dir("to".into());
    disk.rename_new("from/a".into(), "to/b".into()).unwrap();
    disk.sync_dir("to".into()).unwrap();
    check_outcomes(&disk, &both[1..]);
}

#[test]
fn two_renames_reach_the_disk_in_either_order() {
    // Why the displaced file's folder is synced before the new one is placed: else the first can be lost alone.
    let run = |sync_between: bool| {
        let disk = SimDisk::new();
        disk.put("target".into(), b"theirs");
        disk.put("staged".into(), b"ours");
        disk.rename_new("target".into(), "displaced".into()).unwrap();
        if sync_between {
            disk.sync_dir("".into()).unwrap();
        }
        disk.rename_new("staged".into(), "target".into()).unwrap();
        outcomes(&disk)
    };
    assert!(run(false).contains("target=ours"), "their bytes can be gone");
    assert!(run(true).iter().all(|tree| tree.contains("theirs")));
}

#[test]
fn a_swap_is_one_effect() {
    let disk = SimDisk::new();
    disk.put("a".into(), b"A");
    disk.put("b".into(), b"B");
    disk.exchange("a".into(), "b".into()).unwrap();
    check_outcomes(&disk, &["a=A b=B", "a=B b=A"]);
}

#[test]
fn what_is_in_a_lost_folder_is_lost() {
    let disk = SimDisk::new();
    disk.create_dir("dir".into()).unwrap();
    write(&disk, "dir/a", b"A", true);
    disk.sync_dir("dir".into()).unwrap();
    check_outcomes(&disk, &["", "dir/ dir/a=A"]);
    disk.remove_file("dir/a".into()).unwrap();
    disk.remove_dir("dir".into()).unwrap();
    // The folder cannot go while the file in it stays.
    check_outcomes(&disk, &["", "dir/ dir/a=A", "dir/"]);

    let disk = SimDisk::new();
    disk.put("dir/a".into(), b"A");
    disk.rename_new("dir/a".into(), "a".into()).unwrap();
    disk.remove_dir("dir".into()).unwrap();
    check_outcomes(&disk, &["dir/ dir/a=A", "a=A dir/", "a=A"]);
}

#[test]
fn what_moves_into_a_lost_folder_stays_where_it_was() {
    let disk = SimDisk::new();
    disk.put("a/f".into(), b"F");
    disk.put_dir("p".into());
    disk.create_dir("p/d".into()).unwrap();
    disk.rename_new("a/f".into(), "p/d/f".into()).unwrap();
    let before = ["a/ a/f=F p/", "a/ a/f=F p/ p/d/", "a/ p/ p/d/ p/d/f=F"];
    check_outcomes(&disk, &before);
    disk.sync_dir("a".into()).unwrap();
    disk.sync_dir("p/d".into()).unwrap();
    check_outcomes(&disk, &before);
    disk.sync_dir("p".into()).unwrap();
    check_outcomes(&disk, &before[2..]);
}

#[test]
fn a_synced_effect_takes_along_what_it_builds_on() {
    let disk = SimDisk::new();
    disk.put("old/a".into(), b"A");
    disk.put_dir("new".into());
    disk.rename_new("old/a".into(), "new/a".into()).unwrap();
    disk.rename_new("new/a".into(), "new/b".into()).unwrap();
    disk.sync_dir("new".into()).unwrap();
    check_outcomes(&disk, &["new/ new/b=A old/"]);
}

#[test]
fn a_folder_cannot_come_to_stand_in_itself() {
    let disk = SimDisk::new();
    disk.put_dir("a/b".into());
    disk.rename_new("a/b".into(), "b".into()).unwrap();
    disk.rename_new("a".into(), "b/a".into()).unwrap();
    check_outcomes(&disk, &["a/ a/b/", "a/ b/", "b/ b/a/"]);
    assert_eq!(kind(disk.rename_new("b".into(), "b/a/b".into())), ErrorKind::InvalidInput);
}

#[test]
fn what_is_synced_survives_every_state_of_a_longer_run() {
    let disk = SimDisk::new();
    write(&disk, "kept", b"kept", true);
    disk.sync_dir("".into()).unwrap();
    for i in 0..30 {
        write(&disk, &format!("f{i}"), b"some bytes", false);
    }
    let states = disk.crash_states(500);
    assert_eq!(states.coverage(), Coverage::Sampled);
    let outcomes: Vec<String> = states.map(|state| render(&state)).collect();
    assert!(outcomes.len() > 500, "{}", outcomes.len());
    assert!(outcomes.iter().all(|tree| tree.contains("kept=kept")));
    assert!(outcomes.iter().any(|tree| tree.contains("f0=some ") && !tree.contains("f0=some bytes")));
    let again: Vec<String> = disk.crash_states(500).map(|state| render(&state)).collect();
    assert_eq!(again, outcomes, "draws repeat");
    let other: Vec<String> = disk.crash_states_seeded(500, 7).map(|state| render(&state)).collect();
    assert_ne!(other, outcomes, "another seed draws others");
}

#[test]
fn twelve_effects_are_enumerated_as_every_subset_even_where_writes_can_tear() {
    fn torn(tree: &str) -> bool {
        tree.split(' ').any(|file| file.ends_with("=a"))
    }

    let disk = SimDisk::new();
    for i in 0..6 {
        write(&disk, &format!("f{i}"), b"ab", false);
    }
    assert_eq!(disk.pending().len(), 12);
    let states = disk.crash_states(ALL);
    assert_eq!(states.coverage(), Coverage::EverySubset);
    let outcomes: BTreeSet<String> = states.map(|state| render(&state)).collect();
    // Each file is lost, empty or whole, in every combination; some are torn.
    assert_eq!(outcomes.iter().filter(|tree| !torn(tree)).count(), 3_usize.pow(6));
    assert!(outcomes.iter().any(|tree| torn(tree)));
}

#[test]
fn a_crash_state_says_what_it_lost() {
    let disk = SimDisk::new();
    write(&disk, "a", b"12", false);
    let losses: BTreeSet<String> = disk
        .crash_states(ALL)
        .map(|state| state.losses().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        .collect();
    let expected = ["", "torn: write a 0+2", "lost: write a 0+2", "lost: create a, lost: write a 0+2"];
    assert_eq!(losses, expected.map(str::to_owned).into());
}

#[test]
fn an_ignored_sync_makes_a_lost_state_appear() {
    let run = |ignored: Option<u64>| {
        let disk = SimDisk::new();
        if let Some(n) = ignored {
            disk.ignore_sync(n);
        }
        write(&disk, "a", b"A", true);
        disk.sync_dir("".into()).unwrap();
        let syncs: Vec<String> = disk.syncs().iter().map(ToString::to_string).collect();
        assert_eq!(syncs, ["sync a", "sync the folder "]);
        outcomes(&disk)
    };
    assert_eq!(run(None).len(), 1);
    assert!(run(Some(0)).contains("a="));
    assert!(run(Some(1)).contains(""));
}

#[test]
fn a_failed_sync_is_not_made_good_by_a_later_one() {
    let disk = SimDisk::new();
    disk.put("a".into(), b"....");
    disk.fail_sync(0);
    let mut file = disk.open_write("a".into()).unwrap();
    file.write_all(b"x").unwrap();
    assert_eq!(SimFault::of(&file.sync().unwrap_err()), Some(SimFault::InputOutput));
    file.sync().unwrap();
    check_outcomes(&disk, &["a=....", "a=x..."]);
    // Other bytes of the file are saved by it, and the same ones too once they are written again.
    file.write_all(b"y").unwrap();
    file.sync().unwrap();
    check_outcomes(&disk, &["a=.y..", "a=xy.."]);
    file.rewind().unwrap();
    file.write_all(b"z").unwrap();
    file.sync().unwrap();
    check_outcomes(&disk, &["a=zy.."]);

    let disk = SimDisk::new();
    disk.fail_sync(0);
    disk.create_dir("d".into()).unwrap();
    disk.sync_dir("".into()).unwrap_err();
    disk.sync_dir("".into()).unwrap();
    disk.rename_new("d".into(), "e".into()).unwrap();
    disk.sync_dir("".into()).unwrap();
    check_outcomes(&disk, &["", "d/", "e/"]);
    // Nor is what builds on it, however many steps later.
    disk.rename_new("e".into(), "f".into()).unwrap();
    disk.create_dir("e".into()).unwrap();
    disk.sync_dir("".into()).unwrap();
    assert!(outcomes(&disk).contains(""));
}

#[test]
fn a_power_cut_stops_everything_and_a_kill_loses_nothing() {
    let disk = SimDisk::new();
    disk.fail_after(2);
    let mut file = disk.create("a".into()).unwrap();
    file.write_all(b"A").unwrap();
    let cut = file.write_all(b"B").unwrap_err();
    assert_eq!(SimFault::of(&cut), Some(SimFault::PowerCut));
    let read = disk.stat("a".into()).unwrap_err();
    assert_eq!(SimFault::of(&read.source), Some(SimFault::PowerCut));
    assert!(disk.open("a".into()).is_err() && disk.read_dir("".into()).is_err());
    assert!(disk.sync_dir("".into()).is_err() && file.sync().is_err());
    assert_eq!(disk.operations(), 2);

    let killed = disk.fork();
    assert_eq!(render(&killed), "a=A");
    assert_eq!((killed.operations(), killed.pending().len()), (0, 2));
    killed.remove_file("a".into()).unwrap();
    assert_eq!(render(&disk), "a=A", "a fork is another disk");
    check_outcomes(&disk, &["", "a=", "a=A"]);
}

#[test]
fn any_one_operation_can_fail_without_effect() {
    let disk = SimDisk::new();
    disk.fail_operation(1);
    disk.fail_read(0);
    disk.create_dir("a".into()).unwrap();
    assert_eq!(SimFault::of(&disk.create_dir("b".into()).unwrap_err().source), Some(SimFault::InputOutput));
    assert!(disk.stat("a".into()).is_err());
    assert!(disk.stat("a".into()).unwrap().is_some());
    assert_eq!(render(&disk), "a/");
    assert_eq!((disk.operations(), disk.reads()), (2, 2));
}

#[test]
fn a_full_disk_cuts_a_write_short_and_then_refuses() {
    let disk = SimDisk::new();
    disk.put("a".into(), b"12");
    disk.set_budget(Some(5));
    let mut file = disk.create("b".into()).unwrap();
    assert_eq!(file.write(b"abcdef").unwrap(), 3);
    assert_eq!(file.write(b"def").unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(file.set_len(4).unwrap_err().kind(), ErrorKind::StorageFull);
    file.rewind().unwrap();
    file.write_all(b"xyz").unwrap();
    disk.remove_file("a".into()).unwrap();
    file.write_all(b"!!").unwrap();
    assert_eq!(render(&disk), "b=xyz!!");
}

#[test]
fn a_coarse_clock_hides_an_edit_and_a_rename_shows_in_the_ctime() {
    let disk = SimDisk::new();
    disk.set_tick_ns(1_000_000);
    disk.put("a".into(), b"1");
    let look = |path: &str| disk.stat(path.into()).unwrap().unwrap();
    let before = look("a");
    disk.advance_clock_ns(999_999);
    disk.put("a".into(), b"2");
    assert_eq!(look("a"), before, "two writes in one tick look the same");
    disk.advance_clock_ns(1);
    disk.put("a".into(), b"3");
    assert!(look("a").mtime_ns == before.mtime_ns + 1_000_000 && look("a").ctime_ns == look("a").mtime_ns);
    let before = look("a");
    disk.advance_clock_ns(1_000_000);
    disk.rename_new("a".into(), "b".into()).unwrap();
    let after = look("b");
    assert_eq!((after.mtime_ns, after.inode), (before.mtime_ns, before.inode));
    assert_eq!(after.ctime_ns, before.ctime_ns + 1_000_000);
    assert_eq!(look("").mtime_ns, after.ctime_ns, "a folder's mtime is that of its names");
    disk.advance_clock_ns(1_000_000);
    disk.set_mtime_ns("b".into(), 5);
    assert_eq!((look("b").mtime_ns, look("b").ctime_ns), (5, after.ctime_ns + 1_000_000));
}

#[test]
fn an_open_file_is_held_by_itself_not_by_its_name() {
    let disk = SimDisk::new();
    disk.put("a".into(), b"A");
    let mut reader = disk.open("a".into()).unwrap();
    let mut writer = disk.open_write("a".into()).unwrap();
    disk.rename_new("a".into(), "b".into()).unwrap();
    writer.write_all(b"B").unwrap();
    disk.remove_file("b".into()).unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "B");
}

#[test]
fn listings_come_in_an_order_drawn_from_a_seed() {
    let disk = SimDisk::new();
    for i in 0..20 {
        disk.put(format!("f{i:02}").as_str().into(), b"");
    }
    let names = || disk.read_dir("".into()).unwrap().into_iter().map(|e| e.name).collect::<Vec<_>>();
    let by_name = names();
    disk.shuffle_listings(1);
    let mut shuffled = names();
    assert_ne!(shuffled, by_name);
    shuffled.sort();
    assert_eq!(shuffled, by_name);
}

#[test]
fn a_hash_of_the_tree_is_of_names_and_contents() {
    let build = |contents: &[u8]| {
        let disk = SimDisk::new();
        disk.advance_clock_ns(i64::from(contents[0]));
        disk.put("d/a".into(), contents);
        disk.put_link("l".into());
        disk.tree_hash()
    };
    let disk = SimDisk::new();
    disk.put_link("l".into());
    disk.put("d/a".into(), b"x");
    assert_eq!(disk.tree_hash(), build(b"x"));
    assert_ne!(disk.tree_hash(), build(b"y"));
    disk.put("b".into(), b"x");
    assert_ne!(disk.tree_hash(), build(b"x"));
}

#[test]
fn a_hostile_size_exhausts_nothing() {
    let disk = SimDisk::new();
    let mut file = disk.create("a".into()).unwrap();
    assert_eq!(file.set_len(u64::MAX).unwrap_err().kind(), ErrorKind::FileTooLarge);
    file.seek(SeekFrom::Start(u64::MAX - 1)).unwrap();
    assert_eq!(file.write(b"abc").unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert!(file.seek(SeekFrom::Current(-5)).is_ok() && file.seek(SeekFrom::End(-1)).is_err());
}
