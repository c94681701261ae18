//! Sequences that once came out otherwise than the model says, as short as they could be made.

use std::cell::RefCell;

use super::play::{Statistics, play};
use super::steps::{Step, What, step};

fn check(steps: &[Step]) {
    play(steps, &RefCell::new(Statistics::new()));
}

#[test]
fn an_id_that_one_of_two_gave_up_is_given_back() {
    check(&[step(What::Edit, 138, 0, 52), step(What::Reconcile, 0, 0, 14), step(What::Undo, 0, 0, 0)]);
}

#[test]
fn a_copy_that_nobody_asked_for_follows_a_name_that_it_refers_to() {
    let copied = [step(What::Edit, 124, 58, 9), step(What::Duplicate, 2, 104, 13)];
    let renamed = [step(What::Duplicate, 105, 108, 31), step(What::Rename, 92, 40, 0)];
    check(&[copied, renamed].concat());
}

#[test]
fn a_folder_that_was_removed_and_made_again_holds_what_it_holds_after_a_power_cut() {
    check(&[
        step(What::Relocate, 0, 218, 0),
        step(What::Undo, 0, 0, 0),
        step(What::Batch, 231, 69, 0),
        step(What::Crash, 0, 0, 0),
        step(What::Adopt, 0, 0, 0),
    ]);
}

#[test]
fn what_was_copied_is_no_part_of_the_copying() {
    check(&[
        step(What::Refresh, 0, 0, 0),
        step(What::Crash, 144, 101, 0),
        step(What::Duplicate, 43, 105, 199),
    ]);
}
