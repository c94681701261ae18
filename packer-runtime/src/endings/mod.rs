//! Every kind of operation, ended in every way in which an operation can end: each has exactly one terminal event, which is
//! its last, stands in the log, and is what whoever waited was told.
//!
//! Which ways there are is told by `ways`, whose matches do not compile while a kind, a reason or a cause has none; which of
//! them a kind cannot take, and why, by `never`. `scene` is the project on which one of each kind is ready to run; `play` makes
//! it end as asked, `deaths` by the death of its process, at one of its `moments`, and `unstorable` by one whose log takes nothing
//! more.
//!
//! Processes do not die here: the disk takes nothing more from some moment on, and the locks are left. Real ones are killed
//! in the tests of the whole (`tests/tests/it/e2e/kills`).

mod deaths;
mod moments;
mod play;
mod scene;
mod unstorable;
mod ways;

use std::panic::catch_unwind;

use packer_events::body::OperationKind;

use play::play;
use ways::{WAYS, Way, all_ends, never};

/// Ends operations of `kind` in every way; returns how many.
fn every_end_of(kind: OperationKind) -> usize {
    let (mut ended, mut wrong) = (0, Vec::new());
    for way in WAYS.iter().copied().flat_map(<[Way]>::iter).copied() {
        if never(kind, way).is_none() {
            if catch_unwind(|| play(kind, way)).is_err() {
                wrong.push(way);
            }
            ended += 1;
        }
    }
    assert!(wrong.is_empty(), "{kind}, of {ended} ways: {wrong:?}");
    ended
}

macro_rules! ends_once {
    ($($test:ident $kind:ident at_least $count:literal,)*) => {
        /// The kinds that have a test here.
        const TESTED: &[OperationKind] = &[$(OperationKind::$kind),*];

        $(
            #[test]
            fn $test() {
                let ended = every_end_of(OperationKind::$kind);
                assert!(ended >= $count, "only {ended} ways were tried");
            }
        )*
    };
}

ends_once! {
    an_adoption_ends_once Adopt at_least 28,
    a_registration_ends_once Register at_least 28,
    a_removal_ends_once Remove at_least 28,
    a_relocation_ends_once Relocate at_least 28,
    a_renaming_ends_once Rename at_least 28,
    a_configuration_ends_once Configure at_least 28,
    an_inclusion_ends_once SetBuild at_least 28,
    a_duplication_ends_once Duplicate at_least 28,
    a_reconciliation_ends_once Reconcile at_least 28,
    an_undoing_ends_once Undo at_least 28,
    a_batch_ends_once Apply at_least 28,
    a_build_ends_once Build at_least 26,
    a_refresh_ends_once Refresh at_least 14,
    a_recovery_ends_once Recover at_least 29,
    a_watch_ends_once Watch at_least 7,
}

#[test]
fn every_kind_is_tested_and_every_end_has_a_way() {
    assert_eq!(TESTED, OperationKind::ALL);
    let ways = || WAYS.iter().copied().flat_map(<[Way]>::iter).copied();
    for end in all_ends() {
        let by = |kind: &OperationKind| ways().any(|way| way.end() == end && never(*kind, way).is_none());
        let taken = OperationKind::ALL.iter().any(by);
        assert!(taken || ways::is_shown_elsewhere(end), "nothing here ends as {end:?}");
    }
    for (kind, way) in OperationKind::ALL.iter().flat_map(|kind| ways().map(move |way| (*kind, way))) {
        assert!(
            never(kind, way).is_none_or(|reason| reason.len() > 10),
            "{kind}, {way:?}: that is no reason"
        );
    }
}
