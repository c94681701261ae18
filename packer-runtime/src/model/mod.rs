//! Model against system: sequences of steps, drawn at random, against a real project on a simulated disk, and against a
//! small model that says after each step what must be true.
//!
//! A plain list of steps, each interpreted beside the state that it meets, and no state machine that knows which step may
//! follow which: whatever is left out of such a list leaves one, and so what fails shrinks to few steps.
//!
//! Every sequence that ever failed stays in [`regressions`]. Not here: watching, which is tested in `watch`; several
//! processes at once, which are tested end to end; the order of threads, which is tried in `tests/schedules`.

mod crash;
mod play;
mod regressions;
mod rules;
mod scene;
mod steps;
mod world;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use play::{Statistics, play};
use steps::{What, any_steps};

const CASES: u64 = 256;
const SEED: u64 = 1;

/// What has to have come out how, at least so often in so many cases.
const MUST: [(What, &str, u64); 30] = [
    (What::Adopt, "done", 40),
    (What::Adopt, "refused", 3),
    (What::Register, "done", 3),
    (What::Register, "refused", 5),
    (What::Rename, "done", 40),
    (What::Rename, "refused", 40),
    (What::SetBuild, "done", 40),
    (What::SetBuild, "refused", 10),
    (What::Configure, "done", 40),
    (What::Configure, "refused", 40),
    (What::Relocate, "done", 40),
    (What::Relocate, "refused", 40),
    (What::Duplicate, "done", 40),
    (What::Duplicate, "refused", 40),
    (What::Remove, "done", 40),
    (What::Remove, "refused", 20),
    (What::Reconcile, "done", 40),
    (What::Reconcile, "refused", 40),
    (What::Batch, "done", 10),
    (What::Batch, "refused", 40),
    (What::Undo, "done", 40),
    (What::Undo, "refused", 40),
    (What::Preview, "done", 40),
    (What::Refresh, "done", 40),
    (What::Build, "done", 20),
    (What::Build, "refused", 20),
    (What::Edit, "done", 40),
    (What::Crash, "before", 40),
    (What::Crash, "after", 40),
    (What::Crash, "recovered", 3),
];

/// How much is tried: as the environment says, else as ordinarily.
fn effort(variable: &str, usual: u64) -> u64 {
    let said = std::env::var(variable).ok();
    said.map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

#[test]
fn whatever_is_done_the_workspace_is_what_the_model_says() {
    let cases = effort("PACKER_TEST_MODEL", CASES);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&effort("PACKER_TEST_SEED", SEED).to_le_bytes());
    let config = Config {
        cases: u32::try_from(cases).unwrap(),
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let statistics = RefCell::new(Statistics::new());
    let result = runner.run(&any_steps(), |steps| {
        play(&steps, &statistics);
        Ok(())
    });
    let statistics = statistics.into_inner();
    for ((what, how), count) in &statistics {
        println!("{what:?} {how}: {count}");
    }
    if let Err(failure) = result {
        panic!("keep it in `regressions`: {failure}");
    }
    // Fewer cases are asked for only to look at something, and meet less.
    for (what, how, least) in MUST.iter().filter(|_| cases >= CASES) {
        let found = statistics.get(&(*what, *how)).copied().unwrap_or(0);
        assert!(found >= *least, "{what:?} {how}: {found}, and at least {least} expected");
    }
}
