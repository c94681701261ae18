//! TOML 1.1, by `toml_edit`, whose parser also bounds the nesting.
//!
//! Dates and times become texts in their RFC 3339 form; `inf` and `nan` are refused, because JSON has neither.

use std::sync::Arc;

use toml_edit::{Document, Item, TableLike};

use super::{Problem, Value};

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Value, Vec<Problem>> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let place = error.span().unwrap_or(0..0);
            return Err(vec![Problem::new(place, one_line(error.message()))]);
        }
    };
    let mut problems = Vec::new();
    let value = table(document.as_table(), &mut problems);
    if problems.is_empty() { Ok(value) } else { Err(problems) }
}

/// Parser messages can have several lines; a finding is one sentence.
fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

fn table(table: &dyn TableLike, problems: &mut Vec<Problem>) -> Value {
    Value::object(table.iter().map(|(key, entry)| (Arc::from(key), item(entry, problems))).collect())
}

fn item(item: &Item, problems: &mut Vec<Problem>) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(entry) => value(entry, problems),
        Item::Table(entry) => table(entry, problems),
        Item::ArrayOfTables(entries) => {
            Value::List(entries.iter().map(|entry| table(entry, problems)).collect())
        }
    }
}

fn value(value: &toml_edit::Value, problems: &mut Vec<Problem>) -> Value {
    match value {
        toml_edit::Value::String(entry) => Value::Text(entry.value().clone()),
        toml_edit::Value::Integer(entry) => Value::Int(*entry.value()),
        toml_edit::Value::Boolean(entry) => Value::Bool(*entry.value()),
        toml_edit::Value::Datetime(entry) => Value::Text(entry.value().to_string()),
        toml_edit::Value::Float(entry) if entry.value().is_finite() => Value::Float(*entry.value()),
        toml_edit::Value::Float(entry) => {
            let message = format!("the number `{}` is not finite", entry.value());
            problems.push(Problem::new(value.span().unwrap_or(0..0), message));
            Value::Null
        }
        toml_edit::Value::Array(entries) => {
            Value::List(entries.iter().map(|entry| self::value(entry, problems)).collect())
        }
        toml_edit::Value::InlineTable(entry) => table(entry, problems),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_value() {
        let text = "\
            t = 'x'\ni = 0x10\nf = 1e3\nb = true\nd = 1979-05-27T07:32:00z\nday = 1979-05-27\n\
            l = [1, [2.5]]\nin = {a = 1, 'b.c' = 2}\n[x.y]\nz = -9223372036854775808\n[[m]]\n[[m]]\nq.r = 1\n";
        let json = String::from_utf8(parse(text).unwrap().to_json()).unwrap();
        assert_eq!(
            json,
            r#"{"b":true,"d":"1979-05-27T07:32:00Z","day":"1979-05-27","f":1000.0,"i":16,"in":{"a":1,"b.c":2},"#.to_owned()
                + r#""l":[1,[2.5]],"m":[{},{"q":{"r":1}}],"t":"x","x":{"y":{"z":-9223372036854775808}}}"#
        );
        assert_eq!(parse("").unwrap().to_json(), b"{}");
    }

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let problems = parse(text).unwrap_err();
        let got: Vec<_> =
            problems.iter().map(|problem| (&text[problem.range.clone()], problem.message.as_str())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn problems_have_their_places() {
        check("a = 1\na = 2\n", &[("a", "duplicate key")]);
        check(
            "[a]\nb = nan\nc = [inf, 1.0, -inf]\n",
            &[
                ("nan", "the number `NaN` is not finite"),
                ("inf", "the number `inf` is not finite"),
                ("-inf", "the number `-inf` is not finite"),
            ],
        );
        for broken in ["a = ", "a", "= 1", "[a", "a = 99999999999999999999", "a = 'x", "a = 1e"] {
            let problems = parse(broken).unwrap_err();
            assert!(broken.get(problems[0].range.clone()).is_some(), "{broken}");
            assert!(!problems[0].message.contains('\n') && !problems[0].message.is_empty(), "{broken}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for deep in [
            format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
            format!("a = {}1{}", "{a = ".repeat(10_000), "}".repeat(10_000)),
            format!("{}a = 1", "a.".repeat(10_000)),
            format!("[{}a]", "a.".repeat(10_000)),
        ] {
            assert!(parse(&deep).is_err());
        }
    }
}
