//! How far an operation is: bars on a terminal, now and then a line elsewhere.
//!
//! It shows what the events say. 100 % says nothing about the outcome.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use packer_events::body::{Phase, Unit};
use packer_events::time::Timestamp;

use crate::render::{bytes, count, phase_word};

/// The least time between two lines about one phase, in milliseconds.
const LINE_INTERVAL_MS: u64 = 5_000;

/// What shows progress.
pub(super) struct ProgressView {
    kind: Kind,
}

enum Kind {
    None,
    Bars { area: MultiProgress, bars: BTreeMap<Phase, ProgressBar> },
    Lines { said: BTreeMap<Phase, Timestamp> },
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
                let bar = bars.entry(phase).or_insert_with(|| area.add(bar(phase)));
                match total {
                    Some(total) => {
                        bar.set_length(total);
                        bar.set_style(style(unit, true));
                    }
                    None => bar.set_style(style(unit, false)),
                }
                bar.set_position(done);
                None
            }
            Kind::Lines { said } => {
                let ended = total == Some(done) && done > 0;
                let soon = said.get(&phase).is_some_and(|then| time.ms_since(*then) < LINE_INTERVAL_MS);
                if soon && !ended {
                    return None;
                }
                said.insert(phase, time);
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

fn bar(phase: Phase) -> ProgressBar {
    ProgressBar::new(0).with_prefix(phase_word(phase))
}

fn style(unit: Unit, is_bounded: bool) -> ProgressStyle {
    let template = match (unit, is_bounded) {
        (Unit::Bytes, true) => "{prefix:>12} [{bar:30}] {bytes}/{total_bytes}",
        (Unit::Bytes, false) => "{prefix:>12} {bytes}",
        (Unit::Files | Unit::Assets | Unit::Steps, true) => "{prefix:>12} [{bar:30}] {human_pos}/{human_len}",
        (Unit::Files | Unit::Assets | Unit::Steps, false) => "{prefix:>12} {human_pos}",
    };
    let style = ProgressStyle::with_template(template).expect("each template above is valid");
    style.progress_chars("=> ")
}

fn line(phase: Phase, done: u64, total: Option<u64>, unit: Unit) -> String {
    let number = |n: u64| if unit == Unit::Bytes { bytes(n) } else { count(n) };
    let unit = match unit {
        Unit::Bytes => "",
        Unit::Files => " files",
        Unit::Assets => " assets",
        Unit::Steps => " steps",
    };
    match total {
        Some(total) => format!("{}: {} of {}{unit}", phase_word(phase), number(done), number(total)),
        None if done == 0 => format!("{} …", phase_word(phase)),
        None => format!("{}: {}{unit}", phase_word(phase), number(done)),
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
                "baking: 0 of 1,200 assets",
                "baking: 500 of 1,200 assets",
                "baking: 1,000 of 1,200 assets",
                "baking: 1,200 of 1,200 assets"
            ]
        );
        assert_eq!(
            view.show(Timestamp::from_unix_ms(0), Phase::Scan, 0, None, Unit::Files).unwrap(),
            "scanning …"
        );
    }
}
