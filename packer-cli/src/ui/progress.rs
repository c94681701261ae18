//! How far an operation is: bars on a terminal, now and then a line elsewhere.
//!
//! It shows what the events say, and rates as `packer_events::replay` computes them. 100 % says nothing about the outcome.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use packer_events::body::{Phase, Unit};
use packer_events::replay::PhaseProgress;
use packer_events::time::Timestamp;

use super::plain;
use crate::render::{bytes, count, phase_word, things};

/// The least time between two lines about one phase, in milliseconds.
const LINE_INTERVAL_MS: u64 = 5_000;

/// A phase that took longer than this, in milliseconds, has a line about its end.
const LONG_MS: u64 = 1_000;

/// How wide a bar is, and how much of what is worked on is shown.
const BAR: usize = 24;
const SUBJECT: usize = 40;

/// What shows progress.
pub(super) struct ProgressView {
    kind: Kind,
}

/// When lines about a phase came.
#[derive(Clone, Copy)]
struct Said {
    first: Timestamp,
    last: Timestamp,
}

enum Kind {
    None,
    Bars { area: MultiProgress, bars: BTreeMap<Phase, ProgressBar> },
    Lines { said: BTreeMap<Phase, Said> },
}

impl ProgressView {
    /// Shows nothing.
    pub(super) fn none() -> Self {
        Self { kind: Kind::None }
    }

    /// Bars on standard error, which is a terminal.
    pub(super) fn bars() -> Self {
        Self { kind: Kind::Bars { area: MultiProgress::new(), bars: BTreeMap::new() } }
    }

    /// Lines for standard error, which is none.
    pub(super) fn lines() -> Self {
        Self { kind: Kind::Lines { said: BTreeMap::new() } }
    }

    /// Takes news in; gives the line to print, where it is lines.
    pub(super) fn show(&mut self, phase: Phase, progress: &PhaseProgress) -> Option<String> {
        match &mut self.kind {
            Kind::None => None,
            Kind::Bars { area, bars } => {
                let bar = bars
                    .entry(phase)
                    .or_insert_with(|| area.add(ProgressBar::hidden().with_prefix(phase_word(phase))));
                // The style comes first: each further call draws.
                bar.set_style(style(progress.total.is_some()));
                if let Some(total) = progress.total {
                    bar.set_length(total);
                }
                bar.set_message(beside(progress));
                bar.set_position(progress.done);
                None
            }
            Kind::Lines { said } => {
                let time = progress.time;
                let Some(Said { first, last }) = said.get(&phase).copied() else {
                    said.insert(phase, Said { first: time, last: time });
                    return Some(beginning(phase, progress));
                };
                let ended = progress.total == Some(progress.done) && time.ms_since(first) >= LONG_MS;
                if !ended && time.ms_since(last) < LINE_INTERVAL_MS {
                    return None;
                }
                said.insert(phase, Said { first, last: time });
                Some(line(phase, progress))
            }
        }
    }

    /// Runs `write` while no bar is on the screen.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.kind {
            Kind::Bars { area, bars } if !bars.is_empty() => area.suspend(write),
            Kind::Bars { .. } | Kind::None | Kind::Lines { .. } => write(),
        }
    }

    /// Takes all bars off the screen, and forgets.
    pub(super) fn clear(&mut self) {
        match &mut self.kind {
            Kind::None => {}
            Kind::Bars { area, bars } => {
                for bar in std::mem::take(bars).into_values() {
                    bar.finish_and_clear();
                    area.remove(&bar);
                }
            }
            Kind::Lines { said } => said.clear(),
        }
    }
}

fn style(is_bounded: bool) -> ProgressStyle {
    let template = if is_bounded {
        format!("{{prefix:>12}} [{{bar:{BAR}}}] {{wide_msg}}")
    } else {
        "{prefix:>12} {wide_msg}".to_owned()
    };
    let style = ProgressStyle::with_template(&template).expect("each template above is valid");
    style.progress_chars("=> ")
}

/// What stands beside a bar: `1,200/5,000 assets  310/s  12.0 MiB/s  ~12 s left  ui/button`.
fn beside(progress: &PhaseProgress) -> String {
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
    let text = plain(subject).replace('\n', " ");
    let length = text.chars().count();
    if length <= SUBJECT {
        return text;
    }
    let end: String = text.chars().skip(length - (SUBJECT - 1)).collect();
    format!("…{end}")
}

fn beginning(phase: Phase, progress: &PhaseProgress) -> String {
    match progress.total {
        Some(total) => format!("{} {}", phase_word(phase), amount(total, progress.unit)),
        None => format!("{} …", phase_word(phase)),
    }
}

fn line(phase: Phase, progress: &PhaseProgress) -> String {
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

fn amount(number: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => bytes(number),
        Unit::Files => things(number, "file", "files"),
        Unit::Assets => things(number, "asset", "assets"),
        Unit::Steps => things(number, "step", "steps"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64, done: u64, total: Option<u64>, unit: Unit) -> PhaseProgress {
        let time = Timestamp::from_unix_ms(ms);
        PhaseProgress { done, total, unit, bytes: None, elapsed_ms: ms, subject: None, time }
    }

    #[test]
    fn every_style_is_valid() {
        let _ = (style(true), style(false));
    }

    #[test]
    fn lines_come_at_first_now_and_then_and_at_the_end() {
        let mut view = ProgressView::lines();
        let mut said = Vec::new();
        for done in 0..=1200 {
            let progress = at(done * 10, done, Some(1200), Unit::Assets);
            said.extend(view.show(Phase::Bake, &progress));
        }
        assert_eq!(
            said,
            [
                "baking 1,200 assets",
                "baking: 500 of 1,200 assets, 100/s, ~7 s left",
                "baking: 1,000 of 1,200 assets, 100/s, ~2 s left",
                "baking: 1,200 of 1,200 assets, 100/s"
            ]
        );
        let files = |ms, done, total| at(ms, done, total, Unit::Files);
        assert_eq!(view.show(Phase::Scan, &files(0, 7, None)).unwrap(), "scanning …");
        assert_eq!(view.show(Phase::Scan, &files(6_000, 1, None)).unwrap(), "scanning: 1 file, 0.2/s");
        // What takes no time has one line.
        assert!(view.show(Phase::Stage, &files(0, 0, Some(3))).is_some());
        assert_eq!(view.show(Phase::Stage, &files(10, 3, Some(3))), None);
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
