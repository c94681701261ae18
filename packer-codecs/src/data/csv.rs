//! CSV as RFC 4180 has it: a header row, then one object a row, every field a text.
//!
//! Strict where readers usually guess: a quote inside an unquoted field, text after a closing quote, a quote that never
//! closes, and a row of another length than the header are problems with a place. Separated by commas only; fields are
//! not trimmed, and no field becomes a number, because nothing in the file says that it is one. Empty lines are passed
//! over.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::{Problem, Value};

/// Reads a table.
pub(super) fn parse(text: &str) -> Result<Value, Vec<Problem>> {
    let mut reader = Reader { text, at: 0 };
    let Some((_, header)) = reader.row().map_err(|problem| vec![problem])? else {
        return Ok(Value::List(Vec::new()));
    };
    let mut problems = header_problems(&header);
    let names: Vec<Arc<str>> = header.iter().map(|field| Arc::from(field.text.as_str())).collect();
    let mut rows = Vec::new();
    loop {
        let (place, row) = match reader.row() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(problem) => {
                problems.push(problem);
                break;
            }
        };
        if row.len() == header.len() {
            let fields = names.iter().cloned().zip(row.into_iter().map(|field| Value::Text(field.text)));
            rows.push(Value::object(fields.collect()));
        } else {
            let message =
                format!("a row with {}, while the header has {}", fields(row.len()), fields(header.len()));
            problems.push(Problem::new(place, message));
        }
    }
    if problems.is_empty() { Ok(Value::List(rows)) } else { Err(problems) }
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
}

fn header_problems(header: &[Field]) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for field in header {
        if field.text.is_empty() {
            problems.push(Problem::new(field.place.clone(), "a column without a name"));
        } else if !seen.insert(&field.text) {
            let message = format!("two columns have the name {:?}", field.text);
            problems.push(Problem::new(field.place.clone(), message));
        }
    }
    problems
}

struct Field {
    text: String,
    place: Range<usize>,
}

/// The place and the fields of a row.
type Row = (Range<usize>, Vec<Field>);

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    /// The next row that is not an empty line, and its place.
    fn row(&mut self) -> Result<Option<Row>, Problem> {
        while self.line_end() {}
        if self.at == self.text.len() {
            return Ok(None);
        }
        let start = self.at;
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            let end = self.at;
            if self.peek() == Some(b',') {
                self.at += 1;
            } else if self.at == self.text.len() || self.line_end() {
                return Ok(Some((start..end, fields)));
            } else {
                let len = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
                let message = "text after the closing quote of a field";
                return Err(Problem::new(self.at..self.at + len, message));
            }
        }
    }

    fn field(&mut self) -> Result<Field, Problem> {
        if self.peek() == Some(b'"') {
            return self.quoted();
        }
        let rest = &self.text[self.at..];
        let len = rest.find(['"', ',', '\r', '\n']).unwrap_or(rest.len());
        let place = self.at..self.at + len;
        self.at = place.end;
        if self.peek() == Some(b'"') {
            let problem = Problem::new(self.at..self.at + 1, "a quote inside a field that is not quoted");
            return Err(problem.help("quote the whole field, and write the quote inside it twice"));
        }
        Ok(Field { text: self.text[place.clone()].to_owned(), place })
    }

    fn quoted(&mut self) -> Result<Field, Problem> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(len) = rest.find('"') else {
                return Err(Problem::new(
                    start..start + 1,
                    "a quoted field that begins here is never closed",
                ));
            };
            text.push_str(&rest[..len]);
            self.at += len + 1;
            if self.peek() != Some(b'"') {
                return Ok(Field { text, place: start..self.at });
            }
            text.push('"');
            self.at += 1;
        }
    }

    /// Goes past one line end, if there is one here.
    fn line_end(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let len = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with(['\r', '\n'])) };
        self.at += len;
        len > 0
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn canonical(text: &str, expected: &str) {
        assert_eq!(String::from_utf8(parse(text).unwrap().to_json()).unwrap(), expected);
    }

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let problems = parse(text).map_or_else(|problems| problems, |value| panic!("read as {value:?}"));
        let got: Vec<_> =
            problems.iter().map(|problem| (&text[problem.range.clone()], problem.message.as_str())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn rows_become_objects_of_texts() {
        canonical("b,a\n1,x\n,\n", r#"[{"a":"x","b":"1"},{"a":"","b":""}]"#);
        canonical("a\r\n 1 \r\n\r\n2", r#"[{"a":" 1 "},{"a":"2"}]"#);
        canonical("a\r1\r2\r", r#"[{"a":"1"},{"a":"2"}]"#);
        canonical("", "[]");
        canonical("\n\n", "[]");
        canonical("a,b\n", "[]");
    }

    #[test]
    fn quoted_fields_hold_anything() {
        canonical("\"a\",b\n\"x, \"\"y\"\"\r\nz\",\"\"\n", r#"[{"a":"x, \"y\"\r\nz","b":""}]"#);
    }

    #[test]
    fn problems_have_their_places_and_reading_goes_on() {
        check(
            "a,b\n1\n1,2,3\n4,5\n",
            &[
                ("1", "a row with 1 field, while the header has 2 fields"),
                ("1,2,3", "a row with 3 fields, while the header has 2 fields"),
            ],
        );
        check(
            "a,,a,\"a\"\n",
            &[
                ("", "a column without a name"),
                ("a", "two columns have the name \"a\""),
                ("\"a\"", "two columns have the name \"a\""),
            ],
        );
        check("a\n\"x\n", &[("\"", "a quoted field that begins here is never closed")]);
        check("a\n\"x\"y\n", &[("y", "text after the closing quote of a field")]);
        check("a\nx\"y\n", &[("\"", "a quote inside a field that is not quoted")]);
        check("\"", &[("\"", "a quoted field that begins here is never closed")]);
    }

    #[test]
    fn every_prefix_is_read_or_refused() {
        let text = "a,\"b\"\r\n1,\"x\"\"å\"\r\n2,\"\n\"";
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            for problem in parse(&text[..end]).err().unwrap_or_default() {
                assert!(text.get(problem.range).is_some());
            }
        }
    }
}
