//! What `strace -c` counted, as calls per asset.

use super::measure::{MeasureError, Program};
use std::path::Path;

/// How many of the most frequent calls are named.
const NAMED: usize = 8;

/// The system calls of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Calls {
    /// Which run.
    pub(super) of: &'static str,
    /// All of them.
    pub(super) total: u64,
    /// The most frequent ones, each with its name.
    pub(super) frequent: Vec<(u64, String)>,
}

/// Runs `program` under strace. `counts` is a file that may be written over.
pub(super) fn count(of: &'static str, program: &Program, counts: &Path) -> Result<Calls, MeasureError> {
    program.traced(counts).measure()?;
    let text = std::fs::read_to_string(counts)
        .map_err(|source| MeasureError::Start { program: counts.display().to_string(), source })?;
    Ok(parse(of, &text))
}

/// Reads the table: the calls are in the fourth column, the name is in the last.
fn parse(of: &'static str, table: &str) -> Calls {
    let mut total = 0;
    let mut frequent = Vec::new();
    for line in table.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(calls), Some(name)) = (words.get(3), words.last()) else { continue };
        let Ok(calls) = calls.parse::<u64>() else { continue };
        if *name == "total" {
            total = calls;
        } else {
            frequent.push((calls, (*name).to_owned()));
        }
    }
    frequent.sort_by(|a, b| b.cmp(a));
    frequent.truncate(NAMED);
    Calls { of, total, frequent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_and_without_errors_in_it() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000600           3       200           statx
 40.00    0.000400           1       400        12 openat
------ ----------- ----------- --------- --------- ----------------
100.00    0.001000           1       600        12 total
";
        let calls = parse("x", table);
        assert_eq!(calls.total, 600);
        assert_eq!(calls.frequent, [(400, "openat".to_owned()), (200, "statx".to_owned())]);
    }
}
