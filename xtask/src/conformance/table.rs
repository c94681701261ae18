//! What came of real files: one row a file, counted by kind and extension, as Markdown and as JSON.
//!
//! Values and texts only; the rows come from the parent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

/// The kinds whose codecs stop at the first error of a file. Others list several.
const ONE_ERROR: [&str; 2] = ["image", "sound"];

/// What one file became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) kind: String,
    pub(super) outcome: Outcome,
    /// Codes and messages.
    pub(super) errors: Vec<(String, String)>,
    pub(super) warnings: Vec<(String, String)>,
}

/// Whether a file has a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has, with these measures.
    Baked(String),
    /// It has none, for the row's errors.
    Refused,
}

/// All rows, and the paths of the files that became no asset.
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    pub(super) unclaimed: Vec<String>,
}

#[derive(Default)]
struct Counts {
    files: usize,
    baked: usize,
    warned: usize,
    refused: BTreeMap<String, usize>,
}

impl Table {
    /// The rows as JSON, one a line.
    pub(super) fn lines(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let (result, measures) = match &row.outcome {
                Outcome::Baked(measures) => ("baked", Some(measures)),
                Outcome::Refused => ("refused", None),
            };
            let told = |findings: &[(String, String)]| -> Vec<_> {
                findings.iter().map(|(code, message)| json!({"code": code, "message": message})).collect()
            };
            let line = json!({
                "source": row.path, "size": row.size, "kind": row.kind, "result": result, "measures": measures,
                "errors": told(&row.errors), "warnings": told(&row.warnings),
            });
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// The counts, then every refusal and warning with its reason.
    pub(super) fn markdown(&self) -> String {
        let mut counts: BTreeMap<(&str, String), Counts> = BTreeMap::new();
        for row in &self.rows {
            let counts = counts.entry((&row.kind, suffix(&row.path))).or_default();
            counts.files += 1;
            counts.warned += usize::from(!row.warnings.is_empty());
            match row.outcome {
                Outcome::Baked(_) => counts.baked += 1,
                Outcome::Refused => {
                    let code = row.errors.first().map_or("without a reason", |(code, _)| code);
                    *counts.refused.entry(code.to_owned()).or_default() += 1;
                }
            }
        }
        let mut text =
            "| kind | files | | baked | with a warning | refused |\n|---|---|---|---|---|---|\n".to_owned();
        for ((kind, suffix), Counts { files, baked, warned, refused }) in counts {
            let refused: Vec<String> =
                refused.iter().map(|(code, count)| format!("{count} `{code}`")).collect();
            let refused = refused.join(", ");
            let _ = writeln!(text, "| `{kind}` | {files} | {suffix} | {baked} | {warned} | {refused} |");
        }
        if !self.unclaimed.is_empty() {
            let mut none: BTreeMap<String, usize> = BTreeMap::new();
            self.unclaimed.iter().for_each(|path| *none.entry(suffix(path)).or_default() += 1);
            let none: Vec<String> = none.iter().map(|(suffix, count)| format!("{count} {suffix}")).collect();
            let _ = writeln!(text, "\nWithout a kind: {}", none.join(", "));
        }
        for (title, findings) in [("Refused", true), ("Warned of", false)] {
            let lines: Vec<String> = self
                .rows
                .iter()
                .flat_map(|row| {
                    let of_row = if findings { &row.errors } else { &row.warnings };
                    of_row.iter().map(|(code, message)| format!("- `{}`: `{code}`: {message}", row.path))
                })
                .collect();
            if !lines.is_empty() {
                let _ = writeln!(text, "\n{title}:\n\n{}", lines.join("\n"));
            }
        }
        text
    }

    /// What must not be: a file that is lost without a reason or with several, one that is baked in spite of an error, a panic.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.rows.is_empty() {
            problems.push("no file became an asset".to_owned());
        }
        for row in &self.rows {
            let one = ONE_ERROR.contains(&row.kind.as_str());
            match (&row.outcome, row.errors.len()) {
                (Outcome::Baked(_), 0) | (Outcome::Refused, 1) => {}
                (Outcome::Refused, 2..) if !one => {}
                (Outcome::Baked(_), _) => problems.push(format!("{}: baked in spite of an error", row.path)),
                (Outcome::Refused, count) => {
                    problems.push(format!("{}: refused with {count} errors", row.path));
                }
            }
            if row.errors.iter().any(|(code, _)| code == "bake/panic") {
                problems.push(format!("{}: its codec panicked", row.path));
            }
        }
        problems
    }
}

fn suffix(path: &str) -> String {
    let suffix = Path::new(path).extension().map(|suffix| suffix.to_string_lossy().to_lowercase());
    suffix.map_or_else(|| "no extension".to_owned(), |suffix| format!(".{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, kind: &str, baked: bool, errors: &[&str]) -> Row {
        let outcome = if baked { Outcome::Baked("1 x 1".to_owned()) } else { Outcome::Refused };
        let errors = errors.iter().map(|code| ((*code).to_owned(), "why".to_owned())).collect();
        Row { path: path.to_owned(), size: 7, kind: kind.to_owned(), outcome, errors, warnings: Vec::new() }
    }

    fn problems(row: Row) -> Vec<String> {
        Table { rows: vec![row], unclaimed: Vec::new() }.problems()
    }

    #[test]
    fn a_file_is_baked_or_has_one_reason() {
        assert_eq!(problems(row("a", "image", true, &[])), [""; 0]);
        assert_eq!(problems(row("a", "image", false, &["bake/decode"])), [""; 0]);
        assert_eq!(problems(row("a", "image", false, &[])), ["a: refused with 0 errors"]);
        assert_eq!(problems(row("a", "sound", false, &["x/y"; 2])), ["a: refused with 2 errors"]);
        assert_eq!(problems(row("a", "data", false, &["x/y"; 2])), [""; 0]);
        assert_eq!(problems(row("a", "data", true, &["x/y"])), ["a: baked in spite of an error"]);
        assert_eq!(problems(row("a", "image", false, &["bake/panic"])), ["a: its codec panicked"]);
        assert_eq!(Table { rows: Vec::new(), unclaimed: Vec::new() }.problems().len(), 1);
    }

    #[test]
    fn files_are_counted_by_kind_and_extension() {
        let mut warned = row("b.PNG", "image", true, &[]);
        warned.warnings.push(("bake/decode".to_owned(), "odd".to_owned()));
        let rows = vec![row("a.png", "image", false, &["bake/decode"]), warned, row("c", "text", true, &[])];
        let table = Table { rows, unclaimed: vec!["d.mo".to_owned(), "e.MO".to_owned()] };
        assert_eq!(
            table.markdown(),
            "\
| kind | files | | baked | with a warning | refused |
|---|---|---|---|---|---|
| `image` | 2 | .png | 1 | 1 | 1 `bake/decode` |
| `text` | 1 | no extension | 1 | 0 |  |

Without a kind: 2 .mo

Refused:

- `a.png`: `bake/decode`: why

Warned of:

- `b.PNG`: `bake/decode`: odd
"
        );
        let lines = table.lines();
        assert_eq!(lines.lines().count(), 3);
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(first["result"], "refused");
        assert_eq!(first["errors"][0]["message"], "why");
    }
}
