//! What is reported: rows of figures with limits, as a table for people and as JSON.
//!
//! A row's figure is its ratio, or where there is no peer, its largest value. A gate that does not hold fails the run; a
//! goal that is missed is only said.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::machine::Machine;
use super::series::Spread;
use super::trace::Calls;

/// What values are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Megabytes,
}

/// What a row is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Limit {
    Gate(f64),
    Goal(f64),
}

/// How a row stands to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Holds,
    Fails,
    Missed,
    Skipped,
}

/// Figures of the packer beside those of a peer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) unit: Unit,
    pub(super) packer: Spread,
    /// What the packer is compared with, and its values.
    pub(super) peer: Option<(String, Spread)>,
    pub(super) ratio: Option<Spread>,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) limit: Limit,
    /// The figures, or why there are none.
    pub(super) figures: Result<Figures, String>,
}

/// Everything that a run found out.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) project: String,
    pub(super) assets: u64,
    pub(super) rounds: usize,
    pub(super) machine: Machine,
    pub(super) rows: Vec<Row>,
    pub(super) calls: Vec<Calls>,
    pub(super) notes: Vec<String>,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Megabytes => "MB",
        }
    }
}

impl Standing {
    fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "FAILS",
            Self::Missed => "goal missed",
            Self::Skipped => "skipped",
        }
    }
}

impl Row {
    /// Of the packer's seconds in each round beside those of a peer.
    pub(super) fn beside(name: &str, limit: Limit, packer: &[f64], label: &str, peer: &[f64]) -> Self {
        let figures = Figures {
            unit: Unit::Seconds,
            packer: Spread::of(packer),
            peer: Some((label.to_owned(), Spread::of(peer))),
            ratio: Some(Spread::ratio(packer, peer)),
        };
        Self { name: name.to_owned(), limit, figures: Ok(figures) }
    }

    /// Of a peak of memory.
    pub(super) fn memory(name: &str, limit: Limit, bytes: u64) -> Self {
        let packer = Spread::of(&[megabytes(bytes)]);
        let figures = Figures { unit: Unit::Megabytes, packer, peer: None, ratio: None };
        Self { name: name.to_owned(), limit, figures: Ok(figures) }
    }

    /// Of two peaks of memory.
    pub(super) fn memory_beside(name: &str, limit: Limit, bytes: u64, label: &str, peer: u64) -> Self {
        let (packer, peer) = ([megabytes(bytes)], [megabytes(peer)]);
        let figures = Figures {
            unit: Unit::Megabytes,
            packer: Spread::of(&packer),
            peer: Some((label.to_owned(), Spread::of(&peer))),
            ratio: Some(Spread::ratio(&packer, &peer)),
        };
        Self { name: name.to_owned(), limit, figures: Ok(figures) }
    }

    /// Of what could not be measured.
    pub(super) fn skipped(name: &str, limit: Limit, why: String) -> Self {
        Self { name: name.to_owned(), limit, figures: Err(why) }
    }

    /// How it stands.
    pub(super) fn standing(&self) -> Standing {
        let Ok(figures) = &self.figures else { return Standing::Skipped };
        let figure = figures.ratio.map_or(figures.packer.max, |ratio| ratio.median);
        match self.limit {
            Limit::Gate(limit) | Limit::Goal(limit) if figure <= limit => Standing::Holds,
            Limit::Gate(_) => Standing::Fails,
            Limit::Goal(_) => Standing::Missed,
        }
    }

    fn limit_text(&self) -> String {
        let unit = match &self.figures {
            Ok(Figures { unit, ratio: None, .. }) => format!(" {}", unit.as_str()),
            _ => String::new(),
        };
        match self.limit {
            Limit::Gate(limit) => format!("≤ {limit}{unit}"),
            Limit::Goal(limit) => format!("goal {limit}{unit}"),
        }
    }

    fn cells(&self) -> [String; 6] {
        let standing = self.standing().as_str().to_owned();
        let name = self.name.clone();
        match &self.figures {
            Err(why) => {
                [name, "-".into(), "-".into(), "-".into(), self.limit_text(), format!("{standing}: {why}")]
            }
            Ok(figures) => {
                let value = |spread: Spread| spread_text(spread, figures.unit.as_str());
                let peer = figures.peer.as_ref();
                let peer =
                    peer.map_or("-".to_owned(), |(label, spread)| format!("{label}: {}", value(*spread)));
                let ratio = figures.ratio.map_or("-".to_owned(), |ratio| spread_text(ratio, "×"));
                [name, value(figures.packer), peer, ratio, self.limit_text(), standing]
            }
        }
    }

    fn json(&self) -> Value {
        let (kind, limit) = match self.limit {
            Limit::Gate(limit) => ("gate", limit),
            Limit::Goal(limit) => ("goal", limit),
        };
        let mut row = json!({
            "name": self.name,
            "standing": self.standing().as_str().to_lowercase(),
            "limit": { "kind": kind, "at_most": limit },
        });
        match &self.figures {
            Err(why) => row["why"] = json!(why),
            Ok(figures) => {
                row["unit"] = json!(figures.unit.as_str());
                row["packer"] = spread_json(figures.packer);
                if let Some((label, spread)) = &figures.peer {
                    row["peer"] = spread_json(*spread);
                    row["peer"]["is"] = json!(label);
                }
                if let Some(ratio) = figures.ratio {
                    row["ratio"] = spread_json(ratio);
                }
            }
        }
        row
    }
}

fn megabytes(bytes: u64) -> f64 {
    // In steps of a kilobyte, of which there are few enough for a floating point number.
    f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1000.0
}

fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.1 => format!("{value:.2}"),
        value => format!("{value:.4}"),
    }
}

fn spread_text(spread: Spread, unit: &str) -> String {
    let Spread { mut median, mut min, mut max } = spread;
    let mut unit = unit;
    if unit == Unit::Seconds.as_str() && median < 0.01 {
        (median, min, max, unit) = (median * 1e3, min * 1e3, max * 1e3, "ms");
    }
    if min.total_cmp(&max).is_eq() {
        return format!("{} {unit}", number(median));
    }
    format!("{} {unit} ({}–{})", number(median), number(min), number(max))
}

fn spread_json(spread: Spread) -> Value {
    json!({ "median": spread.median, "min": spread.min, "max": spread.max })
}

impl Report {
    /// Whether every gate that was measured holds.
    pub(super) fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.standing() != Standing::Fails)
    }

    /// Whether nothing was skipped.
    pub(super) fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.standing() != Standing::Skipped)
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let Machine { cores, kernel, file_system, load, versions } = &self.machine;
        let load = load.map_or("unknown".to_owned(), |load| format!("{load:.2}"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {} assets, medians of {} rounds", self.project, self.assets, self.rounds);
        let _ = writeln!(text, "{cores} cores, {kernel}, {file_system}, load average {load} at the start");
        for (name, version) in versions {
            let _ = writeln!(text, "  {name}: {}", version.as_deref().unwrap_or("not there"));
        }
        let head = ["", "packer", "peer", "ratio", "limit", ""].map(str::to_owned);
        let table: Vec<[String; 6]> = std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect();
        let width =
            |column: usize| table.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        for cells in &table {
            let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = padded.collect::<Vec<_>>().join("  ");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        for Calls { of, total, frequent } in &self.calls {
            let _ = writeln!(text, "system calls of {of}: {} an asset", self.per_asset(*total));
            for (calls, name) in frequent {
                let _ = writeln!(text, "  {name}: {}", self.per_asset(*calls));
            }
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }

    /// For programs: one line.
    pub(super) fn json(&self) -> String {
        let Machine { cores, kernel, file_system, load, versions } = &self.machine;
        let versions: serde_json::Map<String, Value> =
            versions.iter().map(|(name, version)| ((*name).to_owned(), json!(version))).collect();
        let calls: Vec<Value> = self
            .calls
            .iter()
            .map(|Calls { of, total, frequent }| {
                let frequent: serde_json::Map<String, Value> =
                    frequent.iter().map(|(calls, name)| (name.clone(), json!(calls))).collect();
                json!({ "of": of, "total": total, "frequent": frequent })
            })
            .collect();
        json!({
            "project": self.project,
            "assets": self.assets,
            "rounds": self.rounds,
            "machine": {
                "cores": cores,
                "kernel": kernel,
                "file_system": file_system,
                "load": load,
                "versions": versions,
            },
            "holds": self.holds(),
            "complete": self.is_complete(),
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "system_calls": calls,
            "notes": self.notes,
        })
        .to_string()
    }

    fn per_asset(&self, calls: u64) -> String {
        let hundredths = calls * 100 / self.assets.max(1);
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rows: Vec<Row>) -> Report {
        let machine = Machine {
            cores: 2,
            kernel: "linux 6".into(),
            file_system: "ext4".into(),
            load: Some(0.25),
            versions: vec![("git", Some("git version 2".into())), ("zstd", None)],
        };
        let calls = vec![Calls { of: "a build", total: 425, frequent: vec![(300, "statx".into())] }];
        Report { project: "p".into(), assets: 100, rounds: 2, machine, rows, calls, notes: Vec::new() }
    }

    fn rows() -> Vec<Row> {
        vec![
            Row::beside("no_change", Limit::Gate(0.8), &[1.0, 1.2], "git status", &[2.0, 2.0]),
            Row::memory("no_change memory", Limit::Gate(120.0), 130_000_000),
            Row::beside("status_warm", Limit::Goal(0.5), &[1.0], "git status", &[1.0]),
            Row::skipped("clean_build", Limit::Gate(1.0), "install the package zstd".into()),
        ]
    }

    #[test]
    fn gates_fail_goals_are_missed_and_what_is_not_measured_is_not_complete() {
        let standings: Vec<Standing> = rows().iter().map(Row::standing).collect();
        assert_eq!(standings, [Standing::Holds, Standing::Fails, Standing::Missed, Standing::Skipped]);
        assert!(!report(rows()).holds() && !report(rows()).is_complete());
        let goals = report(vec![rows()[0].clone(), rows()[2].clone()]);
        assert!(goals.holds() && goals.is_complete());
        assert_eq!(
            Row::memory_beside("m", Limit::Gate(10.0), 30_000, "x", 2_000).standing(),
            Standing::Fails
        );
    }

    #[test]
    fn what_takes_less_than_a_hundredth_of_a_second_is_told_in_milliseconds() {
        let spread = Spread { median: 0.0021, min: 0.0004, max: 0.02 };
        assert_eq!(spread_text(spread, "s"), "2.10 ms (0.40–20.0)");
        assert_eq!(spread_text(spread, "×"), "0.0021 × (0.0004–0.0200)");
    }

    #[test]
    fn the_table_is_aligned_and_says_everything() {
        assert_eq!(
            report(rows()).table(),
            "\
p: 100 assets, medians of 2 rounds
2 cores, linux 6, ext4, load average 0.25 at the start
  git: git version 2
  zstd: not there
                  packer              peer                ratio               limit     \n\
no_change         1.10 s (1.00–1.20)  git status: 2.00 s  0.55 × (0.50–0.60)  ≤ 0.8     holds
no_change memory  130 MB              -                   -                   ≤ 120 MB  FAILS
status_warm       1.00 s              git status: 1.00 s  1.00 ×              goal 0.5  goal missed
clean_build       -                   -                   -                   ≤ 1       skipped: install the package zstd
system calls of a build: 4.25 an asset
  statx: 3.00
"
            .replace("limit     \n", "limit\n")
        );
    }

    #[test]
    fn the_json_says_the_same() {
        let value: Value = serde_json::from_str(&report(rows()).json()).unwrap();
        assert_eq!(value["rows"][0]["ratio"]["median"], json!(0.55));
        assert_eq!(value["rows"][0]["peer"]["is"], json!("git status"));
        assert_eq!(value["rows"][1]["standing"], json!("fails"));
        assert_eq!(value["rows"][3]["why"], json!("install the package zstd"));
        assert_eq!((&value["holds"], &value["complete"]), (&json!(false), &json!(false)));
        assert_eq!(value["machine"]["versions"]["zstd"], Value::Null);
    }
}
