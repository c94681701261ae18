//! `cargo xtask soak schedules`, `kills`, `crowd` and `model`: tests of the ordinary run that try a number of things, run with a
//! larger one, from a seed that is new each time and is said.

use std::ffi::OsString;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::cargo;
use crate::Failure;

/// A test that can try more than it does ordinarily.
struct Known {
    name: &'static str,
    /// How much it tries if nobody says it.
    number: u64,
    /// What chooses it, of what `cargo test` takes.
    arguments: &'static [&'static str],
    told: Told,
}

/// How the test is told what to try.
enum Told {
    /// By arguments: its number and its seed.
    Arguments,
    /// By these variables of the environment: its number and, where it has one, its seed.
    Variables(&'static str, Option<&'static str>),
}

const KNOWN: [Known; 4] = [
    Known {
        name: "schedules",
        number: 1_000_000,
        arguments: &["test", "--release", "-p", "packer-runtime", "--test", "schedules", "--"],
        told: Told::Arguments,
    },
    Known {
        name: "kills",
        number: 10_000,
        arguments: &[
            "test",
            "-p",
            "packer-tests",
            "--test",
            "it",
            "--",
            "a_process_that_is_killed_at_random",
            // These have fewer calls than that, and are cut at each of them.
            "e2e::kills",
        ],
        told: Told::Variables("PACKER_TEST_KILLS", Some("PACKER_TEST_SEED")),
    },
    Known {
        name: "crowd",
        number: 20,
        arguments: &[
            "test",
            "-p",
            "packer-tests",
            "--test",
            "it",
            "--",
            "eight_processes_whose_holders_are_killed",
        ],
        told: Told::Variables("PACKER_TEST_CROWDS", None),
    },
    Known {
        name: "model",
        number: 20_000,
        arguments: &["test", "-p", "packer-runtime", "--lib", "--", "model::whatever_is_done"],
        told: Told::Variables("PACKER_TEST_MODEL", Some("PACKER_TEST_SEED")),
    },
];

/// One of them, and what it is to try.
pub(super) struct Longer {
    test: &'static Known,
    number: u64,
    seed: u64,
}

/// `None` if the arguments are not about any of these.
pub(super) fn parse(arguments: &[OsString]) -> Option<Result<Longer, Failure>> {
    let mut words = arguments.iter().map(|word| word.to_str().unwrap_or_default());
    let name = words.next()?;
    let test = KNOWN.iter().find(|known| known.name == name)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut longer =
        Longer { test, number: test.number, seed: u64::from(since.subsec_nanos()) + since.as_secs() };
    while let Some(word) = words.next() {
        let number = words.next().and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
        match (word, number) {
            ("--number", Some(number)) => longer.number = number,
            ("--seed", Some(seed)) => longer.seed = seed,
            _ => {
                return Some(Err(Failure(format!("usage: cargo xtask soak {name} [--number N] [--seed N]"))));
            }
        }
    }
    Some(Ok(longer))
}

impl Longer {
    /// Runs it to its end, which may be hours away.
    pub(super) fn run(&self, repository: &Path) -> Result<(), Failure> {
        let Self { test, number, seed } = self;
        let mut command = cargo(repository);
        command.args(test.arguments);
        match test.told {
            Told::Arguments => {
                command.args(["--schedules", &number.to_string(), "--seed", &seed.to_string()]);
            }
            Told::Variables(of_number, of_seed) => {
                command.env(of_number, number.to_string());
                if let Some(of_seed) = of_seed {
                    command.env(of_seed, seed.to_string());
                }
            }
        }
        eprintln!("soak: {}: {number}, seed {seed}", test.name);
        let status = command.status().map_err(|error| Failure(format!("cargo test: {error}")))?;
        if status.success() { Ok(()) } else { Err(Failure(format!("{}: {status}, seed {seed}", test.name))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Option<Result<(u64, u64), String>> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let longer = parse(&words)?;
        Some(longer.map(|longer| (longer.number, longer.seed)).map_err(|Failure(message)| message))
    }

    #[test]
    fn arguments_say_how_much_and_from_which_seed() {
        assert_eq!(parsed(&["kills", "--number", "3", "--seed", "7"]), Some(Ok((3, 7))));
        assert_eq!(parsed(&["schedules", "--seed", "1"]), Some(Ok((1_000_000, 1))));
        assert!(matches!(parsed(&["crowd"]), Some(Ok((20, _)))));
        assert!(matches!(parsed(&["model"]), Some(Ok((20_000, _)))));
        for wrong in [&["crowd", "--number", "0"][..], &["kills", "more"], &["schedules", "--number"]] {
            assert!(matches!(parsed(wrong), Some(Err(_))), "{wrong:?}");
        }
        assert_eq!(parsed(&["fuzz"]), None);
    }
}
