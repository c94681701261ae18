//! How far an operation is, in words: beside a bar, as a line now and then, and as an event of a log.
//!
//! It says what the events say, and rates as `packer_events::replay` computes them.

use packer_events::body::{Phase, Unit};
use packer_events::replay::PhaseProgress;

use super::{bytes, count, phase_word, things};
use crate::ui::plain;

/// How much of what is worked on is shown beside a bar.
const SUBJECT: usize = 40;

/// What stands beside a bar: `1,200/5,000 assets  310/s  12.0 MiB/s  ~12 s left  ui/button`.
pub(crate) fn beside(progress: &PhaseProgress) -> String {
    let mut parts = vec![match (progress.total, progress.done) {
        (None, 0) => String::new(),
        (Some(total), done) => out_of(done, total, progress.unit),
        (None, done) => amount(done, progress.unit),
    }];
    let is_over = progress.total == Some(progress.done);
    parts.extend(rates(progress));
    parts.extend((!is_over).then(|| rest(progress)).flatten());
    parts.extend(progress.subject.as_deref().filter(|_| !is_over).map(shortened));
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

/// What a line says once it begins: `baking 1,200 assets`.
pub(crate) fn beginning(phase: Phase, progress: &PhaseProgress) -> String {
    match progress.total {
        Some(total) => format!("{} {}", phase_word(phase), amount(total, progress.unit)),
        None => format!("{} …", phase_word(phase)),
    }
}

/// What a line says now and then: `baking: 500 of 1,200 assets, 100/s, ~7 s left`.
pub(crate) fn progress_line(phase: Phase, progress: &PhaseProgress) -> String {
    let (word, done, unit) = (phase_word(phase), progress.done, progress.unit);
    let mut parts = vec![match progress.total {
        Some(total) if unit == Unit::Bytes => format!("{word}: {} of {}", bytes(done), amount(total, unit)),
        Some(total) => format!("{word}: {} of {}", count(done), amount(total, unit)),
        None => format!("{word}: {}", amount(done, unit)),
    }];
    parts.extend(rates(progress));
    parts.extend((progress.total != Some(done)).then(|| rest(progress)).flatten());
    parts.join(", ")
}

/// As it is recorded: `baking: 340/1,000 assets, 12.3 MiB, 170/s, 6.1 MiB/s, ui/button`.
pub(crate) fn progressed(phase: Phase, progress: &PhaseProgress) -> String {
    let PhaseProgress { done, total, unit, .. } = *progress;
    let mut parts = vec![match total {
        Some(total) => out_of(done, total, unit),
        None => amount(done, unit),
    }];
    parts.extend(progress.bytes.filter(|_| unit != Unit::Bytes).map(bytes));
    parts.extend(rates(progress));
    parts.extend(progress.subject.as_deref().map(one_line));
    format!("{}: {}", phase_word(phase), parts.join(", "))
}

fn out_of(done: u64, total: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => format!("{}/{}", bytes(done), bytes(total)),
        Unit::Files | Unit::Assets | Unit::Steps => format!("{}/{}", count(done), amount(total, unit)),
    }
}

/// How much is done a second, of what is counted and of bytes.
fn rates(progress: &PhaseProgress) -> Vec<String> {
    let of_bytes = |rate: f64| format!("{}/s", bytes(whole(rate)));
    let of_things = |rate: f64| {
        if rate >= 10.0 { format!("{}/s", count(whole(rate))) } else { format!("{rate:.1}/s") }
    };
    let (things, more) = match progress.unit {
        Unit::Bytes => (progress.per_second().map(of_bytes), None),
        Unit::Files | Unit::Assets | Unit::Steps => {
            (progress.per_second().map(of_things), progress.bytes_per_second().map(of_bytes))
        }
    };
    things.into_iter().chain(more).collect()
}

#[expect(clippy::cast_sign_loss, reason = "a rate is never negative, and a cast of a float stays in range")]
fn whole(rate: f64) -> u64 {
    rate as u64
}

/// How long it still takes, as far as anybody can tell.
fn rest(progress: &PhaseProgress) -> Option<String> {
    let seconds = progress.remaining_ms()?.div_ceil(1000);
    Some(match seconds {
        0..=99 => format!("~{seconds} s left"),
        100..=5999 => format!("~{} min left", seconds.div_ceil(60)),
        _ => format!("~{} h left", seconds.div_ceil(3600)),
    })
}

/// The end of a long path says more than its beginning.
fn shortened(subject: &str) -> String {
    let text = one_line(subject);
    let length = text.chars().count();
    if length <= SUBJECT {
        return text;
    }
    let end: String = text.chars().skip(length - (SUBJECT - 1)).collect();
    format!("…{end}")
}

fn amount(number: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => bytes(number),
        Unit::Files => things(number, "file", "files"),
        Unit::Assets => things(number, "asset", "assets"),
        Unit::Steps => things(number, "step", "steps"),
    }
}

fn one_line(text: &str) -> String {
    plain(text).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use packer_events::time::Timestamp;

    use super::*;

    fn at(ms: u64, done: u64, total: Option<u64>, unit: Unit) -> PhaseProgress {
        let time = Timestamp::from_unix_ms(ms);
        PhaseProgress { done, total, unit, bytes: None, elapsed_ms: ms, subject: None, time }
    }

    #[test]
    fn beside_a_bar_stands_how_much_how_fast_how_long_and_on_what() {
        let baking = PhaseProgress {
            bytes: Some(48 << 20),
            subject: Some("ui/button".to_owned()),
            ..at(4_000, 1_200, Some(5_000), Unit::Assets)
        };
        assert_eq!(beside(&baking), "1,200/5,000 assets  300/s  12.0 MiB/s  ~13 s left  ui/button");
        // Too early to tell anything but how much.
        assert_eq!(
            beside(&PhaseProgress { elapsed_ms: 90, subject: None, ..baking.clone() }),
            "1,200/5,000 assets"
        );
        let over = PhaseProgress { done: 5_000, ..baking.clone() };
        assert_eq!(beside(&over), "5,000/5,000 assets  1,250/s  12.0 MiB/s");
        let slow = PhaseProgress { done: 2, bytes: None, subject: Some("x".repeat(99)), ..baking };
        assert_eq!(beside(&slow), format!("2/5,000 assets  0.5/s  ~3 h left  …{}", "x".repeat(39)));
        assert_eq!(beside(&at(9_000, 0, None, Unit::Bytes)), "");
        assert_eq!(beside(&at(2_000, 4 << 20, None, Unit::Bytes)), "4.0 MiB  2.0 MiB/s");
    }

    #[test]
    fn what_is_worked_on_cannot_write_on_the_terminal() {
        let hostile =
            PhaseProgress { subject: Some("a\u{1b}[2Jb".to_owned()), ..at(1, 1, Some(2), Unit::Files) };
        assert!(!beside(&hostile).contains('\u{1b}'));
    }
}
