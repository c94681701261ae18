//! How far an operation is: bars on a terminal, now and then a line elsewhere.
//!
//! What is written is made in `render`; here is where and when. 100 % says nothing about the outcome.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use packer_events::body::Phase;
use packer_events::replay::PhaseProgress;
use packer_events::time::Timestamp;

use crate::render::{beginning, beside, phase_word, progress_line};

/// The least time between two lines about one phase, in milliseconds.
const LINE_INTERVAL_MS: u64 = 5_000;

/// A phase that took longer than this, in milliseconds, has a line about its end.
const LONG_MS: u64 = 1_000;

/// How wide a bar is.
const BAR: usize = 24;

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
                Some(progress_line(phase, progress))
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

#[cfg(test)]
mod tests {
    use packer_events::body::Unit;

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
}
