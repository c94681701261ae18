//! What stands against a snapshot, and when it stops to: the rules, without threads or files.

use std::collections::BTreeSet;

use packer_domain::identity::{Digest, OperationId, UuidDraw};
use packer_events::time::Timestamp;
use packer_fs::head::Head;
use packer_fs::watch::Heard;

use super::super::doubts::{Doubts, MAX_PLACES, Place};
use super::*;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn heard(paths: &[&str]) -> Heard {
    let paths = paths.iter().map(|path| (path_of(path), News::Touched)).collect();
    Heard { paths, ..Heard::default() }
}

fn operation(n: u64) -> OperationId {
    OperationId::drawn(UuidDraw { unix_ms: n, entropy: [1; 16] })
}

#[expect(clippy::unnecessary_wraps, reason = "there may be none, and this is what is compared with that")]
fn head(commit: u64, by: u64) -> Option<Head> {
    Some(Head { commit, registry: Digest::of(b"registry"), operation: operation(by) })
}

fn hear(doubts: &mut Doubts, paths: &[&str]) {
    doubts.hear(&heard(paths), &|_| false);
}

/// Looks at everything that wants it.
fn look(doubts: &mut Doubts, same: bool) {
    let asked = doubts.to_look_at();
    doubts.looked_at(asked.into_iter().map(|asked| (asked, same)).collect::<Vec<_>>());
}

fn complete(doubts: &mut Doubts, same: bool) {
    doubts.scan_completed(at(9), (None, None), same, &Heard::default());
}

/// A watched snapshot that a scan has just verified.
fn verified() -> Doubts {
    let mut doubts = Doubts::default();
    assert_eq!(doubts.freshness(), Freshness::Unknown { cause: UnknownCause::NotObserved });
    doubts.arm();
    doubts.scan_begins();
    doubts.scan_completed(at(1), (None, None), true, &Heard::default());
    assert!(is_watched(&doubts.freshness()));
    doubts
}

fn paths(doubts: &Doubts) -> Vec<String> {
    match doubts.freshness() {
        Freshness::Dirty { paths, .. } => paths.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn unknown_cause(doubts: &Doubts) -> Option<UnknownCause> {
    match doubts.freshness() {
        Freshness::Unknown { cause } => Some(cause),
        _ => None,
    }
}

#[test]
fn what_was_heard_before_a_scan_began_is_settled_by_it_and_what_came_since_is_not() {
    let mut doubts = verified();
    hear(&mut doubts, &["before", "both"]);
    look(&mut doubts, false);
    assert_eq!(paths(&doubts), ["before", "both"]);
    doubts.scan_begins();
    hear(&mut doubts, &["both", "during"]);
    look(&mut doubts, false);
    assert_eq!(paths(&doubts), ["before", "both", "during"]);
    complete(&mut doubts, false);
    assert_eq!(paths(&doubts), ["both", "during"], "a scan may have passed by before they changed");
    look(&mut doubts, true);
    assert!(is_watched(&doubts.freshness()));
}

#[test]
fn what_was_heard_and_not_looked_at_when_a_scan_completes_is_dirty() {
    for same in [true, false] {
        let mut doubts = verified();
        doubts.scan_begins();
        hear(&mut doubts, &["during"]);
        assert!(is_watched(&doubts.freshness()), "nobody has looked yet");
        if same {
            look(&mut doubts, false);
        }
        complete(&mut doubts, same);
        assert_eq!(paths(&doubts), ["during"]);
    }
    // And what waits to be taken in.
    let mut doubts = verified();
    doubts.scan_begins();
    let waiting = Heard { registry: true, ..heard(&["waits"]) };
    doubts.scan_completed(at(9), (None, None), true, &waiting);
    let expected = Freshness::Dirty { paths: vec![path_of("waits")], registry: true, configuration: false };
    assert_eq!(doubts.freshness(), expected);
    doubts.scan_begins();
    doubts.scan_completed(at(9), (None, None), true, &Heard { overflow: true, ..Heard::default() });
    assert_eq!(unknown_cause(&doubts), Some(UnknownCause::Overflow));
}

#[test]
fn what_is_unknown_stays_so_until_a_scan_completes_that_began_since() {
    for cause in [UnknownCause::Overflow, UnknownCause::WatchLost, UnknownCause::ScanInterrupted] {
        let mut doubts = verified();
        doubts.scan_begins();
        doubts.doubt_everything(cause);
        assert_eq!(unknown_cause(&doubts), Some(cause));
        hear(&mut doubts, &["a"]);
        look(&mut doubts, true);
        assert_eq!(unknown_cause(&doubts), Some(cause), "no look ends it");
        complete(&mut doubts, false);
        assert_eq!(unknown_cause(&doubts), Some(cause), "the scan began before");
        doubts.scan_begins();
        assert_eq!(unknown_cause(&doubts), Some(cause), "the scan has not completed");
        complete(&mut doubts, true);
        assert!(unknown_cause(&doubts).is_none());
    }
}

#[test]
fn what_was_found_equal_while_a_scan_ran_is_in_doubt_again_if_that_gives_another_snapshot() {
    let mut doubts = verified();
    doubts.scan_begins();
    hear(&mut doubts, &["a"]);
    look(&mut doubts, true);
    assert!(is_watched(&doubts.freshness()));
    complete(&mut doubts, false);
    assert_eq!(paths(&doubts), ["a"], "the scan may have read what stood there before");
    look(&mut doubts, true);
    assert!(is_watched(&doubts.freshness()));
    // The next scan begins after all that.
    doubts.scan_begins();
    complete(&mut doubts, false);
    assert!(is_watched(&doubts.freshness()));
}

#[test]
fn a_look_says_nothing_of_what_was_named_again_since() {
    let mut doubts = verified();
    hear(&mut doubts, &["a"]);
    let asked = doubts.to_look_at();
    hear(&mut doubts, &["a"]);
    doubts.looked_at(asked.into_iter().map(|asked| (asked, true)));
    assert_eq!(doubts.to_look_at().len(), 1);
    look(&mut doubts, false);
    assert_eq!(paths(&doubts), ["a"]);
    // What is dirty stays so until somebody has looked.
    hear(&mut doubts, &["a"]);
    assert_eq!(paths(&doubts), ["a"]);
    doubts.dismiss(&path_of("a"));
    assert!(is_watched(&doubts.freshness()));
}

#[test]
fn what_this_process_commits_is_not_told_and_is_looked_at_once_it_was_published() {
    let mut doubts = verified();
    let own = BTreeSet::from([Place::Path(path_of("a.toml")), Place::Registry]);
    doubts.commit_begins(operation(7), own);
    doubts.hear(&Heard { registry: true, ..heard(&["a.toml", "other"]) }, &|_| false);
    let asked: Vec<Place> = doubts.to_look_at().into_iter().map(|(place, _)| place).collect();
    assert_eq!(asked, [Place::Path(path_of("other"))]);
    doubts.head_is(head(1, 7));
    assert!(is_watched(&doubts.freshness()), "its own commit changes nothing outside");
    doubts.scan_begins();
    doubts.hear(&Heard { registry: true, ..heard(&["a.toml", "other"]) }, &|_| false);
    doubts.scan_completed(at(9), (None, head(1, 7)), false, &heard(&["a.toml"]));
    assert_eq!(paths(&doubts), ["other"]);
    assert_eq!(doubts.to_look_at().len(), 3);
    look(&mut doubts, true);
    doubts.head_is(head(1, 7));
    assert!(is_watched(&doubts.freshness()));
    // An edit of the same file by somebody else is told all the same.
    hear(&mut doubts, &["a.toml"]);
    look(&mut doubts, false);
    assert_eq!(paths(&doubts), ["a.toml"]);
}

#[test]
fn a_commit_of_another_process_is_unknown_until_a_scan_has_seen_that_head() {
    let mut doubts = verified();
    doubts.head_is(head(1, 3));
    assert_eq!(unknown_cause(&doubts), Some(UnknownCause::ChangedOutside));
    doubts.scan_begins();
    doubts.head_is(head(2, 3));
    doubts.scan_completed(at(9), (None, head(1, 3)), false, &Heard::default());
    assert_eq!(unknown_cause(&doubts), Some(UnknownCause::ChangedOutside), "there is a later one");
    // A scan that found the very head that was told of saw that commit, even if word of it came late.
    doubts.scan_begins();
    doubts.head_is(head(3, 3));
    doubts.scan_completed(at(9), (None, head(3, 3)), false, &Heard::default());
    assert!(is_watched(&doubts.freshness()));
    doubts.head_is(head(3, 3));
    assert!(is_watched(&doubts.freshness()));
}

#[test]
fn more_places_than_anybody_would_look_through_are_an_overflow() {
    let mut doubts = verified();
    let names: Vec<String> = (0..=MAX_PLACES).map(|n| format!("f{n:05}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    hear(&mut doubts, &names[..MAX_PLACES]);
    look(&mut doubts, false);
    assert_eq!(paths(&doubts).len(), MAX_PLACES);
    hear(&mut doubts, &names[MAX_PLACES..]);
    assert_eq!(unknown_cause(&doubts), Some(UnknownCause::Overflow));
    // What was found equal makes room; a scan that ran meanwhile then verifies nothing.
    let mut doubts = verified();
    doubts.scan_begins();
    hear(&mut doubts, &names[..MAX_PLACES]);
    look(&mut doubts, true);
    hear(&mut doubts, &names[MAX_PLACES..]);
    look(&mut doubts, true);
    assert!(is_watched(&doubts.freshness()));
    complete(&mut doubts, false);
    assert_eq!(unknown_cause(&doubts), Some(UnknownCause::Overflow));
}

#[test]
fn only_who_watched_before_the_scan_began_can_say_that_nothing_was_missed() {
    let watched = |doubts: &Doubts| match doubts.freshness() {
        Freshness::Verified { watched, .. } => watched,
        other => panic!("{other:?}"),
    };
    let mut doubts = Doubts::default();
    doubts.scan_begins();
    doubts.arm();
    complete(&mut doubts, false);
    assert!(!watched(&doubts));
    assert!(doubts.wants_scan().is_some());
    doubts.scan_begins();
    complete(&mut doubts, true);
    assert!(watched(&doubts));
    assert!(doubts.wants_scan().is_none());
    doubts.stand_down();
    assert!(!watched(&doubts));
    assert!(doubts.wants_scan().is_none(), "a scan would tell no more");
    doubts.arm();
    doubts.disarm(UnknownCause::WatchLost);
    doubts.scan_begins();
    complete(&mut doubts, true);
    assert!(!watched(&doubts));
}

#[test]
fn a_recovery_that_is_required_outranks_everything() {
    let mut doubts = verified();
    hear(&mut doubts, &["a"]);
    look(&mut doubts, false);
    doubts.doubt_everything(UnknownCause::Overflow);
    doubts.scan_begins();
    doubts.scan_completed(at(9), (Some(operation(4)), None), true, &Heard::default());
    let required = Freshness::RecoveryRequired { operation_id: operation(4) };
    doubts.doubt_everything(UnknownCause::WatchLost);
    assert_eq!(doubts.freshness(), required);
    assert!(doubts.wants_scan().is_none());
    doubts.get_stuck(operation(5));
    doubts.scan_begins();
    complete(&mut doubts, true);
    assert_eq!(doubts.freshness(), Freshness::RecoveryRequired { operation_id: operation(5) });
}

fn registry_heard() -> Heard {
    Heard { registry: true, configuration: true, ..Heard::default() }
}

#[test]
fn a_commit_of_the_registry_alone_verifies_no_file_and_forgets_none() {
    let mut doubts = verified();
    let before = doubts.freshness();
    hear(&mut doubts, &["edited", "looked"]);
    let asked = doubts.to_look_at();
    doubts.looked_at(asked.into_iter().map(|asked| {
        let same = asked.0 == Place::Path(path_of("looked"));
        (asked, same)
    }));
    let (looked, _) = doubts.look_begins().unwrap();
    hear(&mut doubts, &["since"]);
    doubts.registry_followed(looked, head(1, 7).unwrap());
    assert_eq!(paths(&doubts), ["edited"], "it may differ as before, and what was equal is");
    assert_eq!(doubts.to_look_at().len(), 1, "what was named since is still to be looked at");
    look(&mut doubts, true);
    assert_eq!(paths(&doubts), ["edited"]);
    doubts.dismiss(&path_of("edited"));
    assert_eq!(doubts.freshness(), before, "as of the same time");
}

#[test]
fn what_was_said_of_the_registry_before_it_was_read_is_settled_by_a_commit_of_it() {
    let mut doubts = verified();
    doubts.hear(&registry_heard(), &|_| false);
    look(&mut doubts, false);
    let dirty = Freshness::Dirty { paths: Vec::new(), registry: true, configuration: true };
    assert_eq!(doubts.freshness(), dirty);
    let (looked, _) = doubts.look_begins().unwrap();
    doubts.registry_followed(looked, head(1, 7).unwrap());
    assert!(is_watched(&doubts.freshness()));
    // And what is said of it since, and was looked at, is to be looked at again: the snapshot is another one.
    for same in [true, false] {
        let (looked, _) = doubts.look_begins().unwrap();
        doubts.commit_begins(operation(8), BTreeSet::new());
        doubts.hear(&Heard { registry: true, ..Heard::default() }, &|_| false);
        look(&mut doubts, same);
        doubts.registry_followed(looked, head(2, 8).unwrap());
        assert_eq!(doubts.to_look_at().len(), 1);
        look(&mut doubts, true);
        assert!(is_watched(&doubts.freshness()));
    }
}

#[test]
fn a_commit_of_the_registry_alone_is_none_of_another_process() {
    let mut doubts = verified();
    let (looked, found) = doubts.look_begins().unwrap();
    assert_eq!(found, None);
    doubts.commit_begins(operation(7), BTreeSet::from([Place::Registry]));
    doubts.head_is(head(1, 7));
    doubts.hear(&Heard { registry: true, ..Heard::default() }, &|_| false);
    assert_eq!(doubts.to_look_at(), [], "it is not looked at before it is published");
    doubts.registry_followed(looked, head(1, 7).unwrap());
    assert_eq!(doubts.to_look_at().len(), 1, "and is then");
    doubts.commit_ends();
    doubts.head_is(head(1, 7));
    look(&mut doubts, true);
    assert!(is_watched(&doubts.freshness()));
    assert_eq!(doubts.look_begins().unwrap().1, head(1, 7));
    doubts.head_is(head(2, 9));
    assert_eq!(unknown_cause(&doubts), Some(UnknownCause::ChangedOutside));
}

#[test]
fn what_is_unknown_or_waits_for_a_decision_is_current_for_nobody() {
    let mut doubts = verified();
    assert!(doubts.look_begins().is_some());
    hear(&mut doubts, &["a"]);
    look(&mut doubts, false);
    assert!(doubts.look_begins().is_some(), "what may differ is named");
    doubts.doubt_everything(UnknownCause::Overflow);
    assert!(doubts.look_begins().is_none());
    let mut doubts = verified();
    doubts.get_stuck(operation(1));
    assert!(doubts.look_begins().is_none());
    assert!(Doubts::default().look_begins().is_none(), "nothing was observed");
    // What became unknown since the look stays so.
    let mut doubts = verified();
    let (looked, _) = doubts.look_begins().unwrap();
    doubts.doubt_everything(UnknownCause::Overflow);
    doubts.registry_followed(looked, head(1, 7).unwrap());
    assert_eq!(unknown_cause(&doubts), Some(UnknownCause::Overflow));
}
