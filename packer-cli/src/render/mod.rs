//! Text for people, made from what the packer says. Pure: values in, text out; nothing is decided and nothing written.
//!
//! Figures, verdicts, severities and resolutions are shown as they were given. Lists are cut for display only, and say so.

/// Adds formatted text to a `String`, which takes everything.
macro_rules! push {
    ($text:expr, $($format:tt)+) => {{
        use std::fmt::Write as _;
        let _ = write!($text, $($format)+);
    }};
}

pub(crate) use push;

mod advice;
mod asset;
mod diagnostic;
mod ending;
mod event;
mod explanation;
mod log;
mod plan;
mod progress;
mod status;
#[cfg(test)]
mod testing;
mod watch;

pub(crate) use advice::{Advice, ProjectFlag, selector};
pub(crate) use asset::{detail, rows};
pub(crate) use diagnostic::{diagnostic, diagnostics};
pub(crate) use ending::{ending, next_step};
pub(crate) use event::{recorded, recovery, waiting};
pub(crate) use explanation::{collected, explanation, file_explanation, unclaimed};
pub(crate) use log::{LoggedJson, choice, interrupted, log, told, undoing, way_out};
pub(crate) use plan::{plan, warnings};
pub(crate) use progress::{beginning, beside, progress_line};
pub(crate) use status::{StatusJson, divergences, status};

pub(crate) use watch::{transition, watching};

use packer_events::body::Phase;
use packer_events::time::Timestamp;
use packer_runtime::api::OperationId;

/// How many rows of a list a person reads; the rest is a count.
pub(crate) const ROWS: usize = 20;

/// How much of long lists to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The first [`ROWS`] of each.
    Short,
    /// Everything.
    Full,
}

impl Detail {
    /// How many rows of a list of `len` are shown.
    pub(crate) fn shown(self, len: usize) -> usize {
        match self {
            Self::Short => len.min(ROWS),
            Self::Full => len,
        }
    }

    /// The line that says what is left out of a list of `len`, if something is.
    pub(crate) fn rest(self, len: usize) -> Option<String> {
        let rest = len - self.shown(len);
        (rest > 0).then(|| format!("… and {} more; --verbose or --format json lists all", count(rest as u64)))
    }
}

/// `23,800,000`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`.
pub(crate) fn things(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `2026-11-22T09:00:00Z`: a time, to the second.
pub(crate) fn second(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((second, _)) => format!("{second}Z"),
        None => text,
    }
}

/// The end of an operation's id, which tells operations apart: it is random, and the beginning is the time.
pub(crate) fn short_id(id: OperationId) -> String {
    let id = id.to_string();
    id[id.len() - 8..].to_owned()
}

/// `22.7 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    // Tenths, rounded to the nearest; integers, because a float could show 1024.0 KiB.
    let mut tenths = u128::from(number) * 10;
    let mut unit = UNITS[0];
    for name in UNITS {
        tenths = (tenths + 512) / 1024;
        unit = name;
        if tenths < 10_240 {
            break;
        }
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// `310 ms`, `4.2 s`, `3 min 20 s`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// What an operation is doing, as a word.
pub(crate) fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Scan => "scanning",
        Phase::Hash => "reading",
        Phase::Plan => "planning",
        Phase::Stage => "staging",
        Phase::Commit => "committing",
        Phase::Bake => "baking",
        Phase::Write => "writing",
        Phase::Verify => "verifying",
        Phase::Prove => "proving",
        Phase::Recover => "recovering",
    }
}

/// `rows` with each column as wide as its widest cell; two spaces apart, nothing at the end of a line.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let sizes = [0, 1023, 1024, 1536, 1_048_575, 1_048_576, 23_800_000, u64::MAX];
        let expected = ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "22.7 MiB", "16.0 EiB"];
        assert_eq!(sizes.map(bytes), expected);
        let times = [0, 999, 1000, 59_999, 60_000, 200_000];
        assert_eq!(times.map(duration), ["0 ms", "999 ms", "1.0 s", "59.9 s", "1 min 0 s", "3 min 20 s"]);
        assert_eq!(things(1, "file", "files"), "1 file");
        assert_eq!(things(0, "file", "files"), "0 files");
    }

    #[test]
    fn what_is_left_out_is_said() {
        assert_eq!(Detail::Short.rest(ROWS), None);
        assert_eq!(Detail::Full.rest(7000), None);
        let rest = Detail::Short.rest(7000).unwrap();
        assert_eq!(rest, "… and 6,980 more; --verbose or --format json lists all");
    }

    #[test]
    fn a_table_has_straight_columns() {
        let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["ééé".to_owned(), String::new()]];
        assert_eq!(table(&rows), "a    b\nééé\n");
        assert_eq!(table(&[]), "");
    }
}
