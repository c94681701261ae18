//! The checks: what each claims of every schedule.

mod cancel;
mod fan_out;
mod lane;
mod preview;
mod publish;
mod shutdown;

/// Something that must hold in every schedule.
pub(crate) struct Check {
    pub name: &'static str,
    /// One schedule of it.
    pub run: fn(),
}

pub(crate) const CHECKS: [Check; 6] = [
    Check { name: "operations_of_many_run_one_after_the_other_as_they_were_accepted", run: lane::run },
    Check { name: "every_status_is_whole_and_what_is_said_of_it_holds", run: publish::run },
    Check { name: "every_subscriber_gets_every_event_and_no_end_before_it_is_stored", run: fan_out::run },
    Check { name: "what_is_cancelled_anywhere_ends_once_and_half_of_nothing_stays", run: cancel::run },
    Check { name: "of_two_who_adopt_the_same_one_does_and_a_stale_plan_is_refused", run: preview::run },
    Check { name: "a_project_that_closes_ends_everything_and_tells_everybody", run: shutdown::run },
];
