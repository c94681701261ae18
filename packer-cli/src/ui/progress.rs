//! How far an operation is: bars on a terminal, now and then a line elsewhere.
//!
//! It shows what the events say. 100 % says nothing about the outcome.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use packer_events::body::{Phase, Unit};
use packer_events::time::Timestamp;

use crate::render::{bytes, count, phase_word, things};

/// The least time between two lines about one phase, in milliseconds.
const LINE_INTERVAL_MS: u64 = 5_000;

/// A phase that took longer than this, in milliseconds, has a line about its end.
const LONG_MS: u64 = 1_000;

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
    pub(super) fn show(
        &mut self,
        time: Timestamp,
        phase: Phase,
        done: u64,
        total: Option<u64>,
        unit: Unit,
    ) -> Option<String> {
        match &mut self.kind {
            Kind::None => None,
            Kind::Bars { area, bars } => {
                let bar = bars
                    .entry(phase)
                    .or_insert_with(|| area.add(ProgressBar::hidden().with_prefix(phase_word(phase))));
                // The style comes first: each further call draws.
                bar.set_style(style(unit, total.is_some()));
                if let Some(total) = total {
                    bar.set_length(total);
                } else if done > 0 {
                    bar.set_message(amount(done, unit));
                }
                bar.set_position(done);
                None
            }
            Kind::Lines { said } => {
                let Some(Said { first, last }) = said.get(&phase).copied() else {
                    said.insert(phase, Said { first: time, last: time });
                    return Some(beginning(phase, total, unit));
                };
                let ended = total == Some(done) && time.ms_since(first) >= LONG_MS;
                if !ended && time.ms_since(last) < LINE_INTERVAL_MS {
                    return None;
                }
                said.insert(phase, Said { first, last: time });
                Some(line(phase, done, total, unit))
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

fn style(unit: Unit, is_bounded: bool) -> ProgressStyle {
    let template = match (unit, is_bounded) {
        (_, false) => "{prefix:>12} {msg}",
        (Unit::Bytes, true) => "{prefix:>12} [{bar:30}] {bytes}/{total_bytes}",
        (Unit::Files | Unit::Assets | Unit::Steps, true) => "{prefix:>12} [{bar:30}] {human_pos}/{human_len}",
    };
    let style = ProgressStyle::with_template(template).expect("each template above is valid");
    style.progress_chars("=> ")
}

fn beginning(phase: Phase, total: Option<u64>, unit: Unit) -> String {
    match total {
        Some(total) => format!("{} {}", phase_word(phase), amount(total, unit)),
        None => format!("{} …", phase_word(phase)),
    }
}

fn line(phase: Phase, done: u64, total: Option<u64>, unit: Unit) -> String {
    match total {
        Some(total) if unit == Unit::Bytes => {
            format!("{}: {} of {}", phase_word(phase), bytes(done), amount(total, unit))
        }
        Some(total) => format!("{}: {} of {}", phase_word(phase), count(done), amount(total, unit)),
        None => format!("{}: {}", phase_word(phase), amount(done, unit)),
    }
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

    #[test]
    fn every_style_is_valid() {
        for unit in Unit::ALL {
            let _ = (style(*unit, true), style(*unit, false));
        }
    }

    #[test]
    fn lines_come_at_first_now_and_then_and_at_the_end() {
        let mut view = ProgressView::lines();
        let mut said = Vec::new();
        for done in 0..=1200 {
            let time = Timestamp::from_unix_ms(done * 10);
            said.extend(view.show(time, Phase::Bake, done, Some(1200), Unit::Assets));
        }
        assert_eq!(
            said,
            [
                "baking 1,200 assets",
                "baking: 500 of 1,200 assets",
                "baking: 1,000 of 1,200 assets",
                "baking: 1,200 of 1,200 assets"
            ]
        );
        let at = Timestamp::from_unix_ms;
        assert_eq!(view.show(at(0), Phase::Scan, 7, None, Unit::Files).unwrap(), "scanning …");
        assert_eq!(view.show(at(6_000), Phase::Scan, 1, None, Unit::Files).unwrap(), "scanning: 1 file");
        // What takes no time has one line.
        assert!(view.show(at(0), Phase::Stage, 0, Some(3), Unit::Files).is_some());
        assert_eq!(view.show(at(10), Phase::Stage, 3, Some(3), Unit::Files), None);
    }
}
