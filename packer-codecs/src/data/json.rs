//! JSON as RFC 8259 has it, strictly: no comments, no trailing commas, no `NaN`.
//!
//! Not `serde_json`, because that keeps the last of two equal keys, turns whole numbers that are too large into floats,
//! and stops at the first problem: here both are reported, with their places, and reading goes on. What breaks the
//! syntax ends the reading. Nesting is bounded by [`MAX_DEPTH`].

use std::ops::Range;
use std::sync::Arc;

use super::{Problem, Value};

/// The deepest nesting of arrays and objects.
pub(super) const MAX_DEPTH: usize = 128;

/// Reads one value. Problems are in the order of their places.
pub(super) fn parse(text: &str) -> Result<Value, Vec<Problem>> {
    let mut reader = Reader { text, at: 0, depth: 0, problems: Vec::new() };
    let value = match reader.document() {
        Ok(value) if reader.problems.is_empty() => return Ok(value),
        other => other,
    };
    let mut problems = reader.problems;
    problems.extend(value.err());
    problems.sort_by_key(|problem| problem.range.start);
    Err(problems)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// What is wrong though the syntax is right.
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Value, Problem> {
        let value = self.value()?;
        self.blanks()?;
        if self.at < self.text.len() {
            return Err(self.unexpected("the end after the value"));
        }
        Ok(value)
    }

    fn value(&mut self) -> Result<Value, Problem> {
        self.blanks()?;
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let word = self.word();
                let value = match &self.text[word.clone()] {
                    "null" => Value::Null,
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => return Err(self.unexpected("a value")),
                };
                self.at = word.end;
                Ok(value)
            }
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Problem>) -> Result<Value, Problem> {
        if self.depth == MAX_DEPTH {
            let message = format!("arrays and objects are nested deeper than {MAX_DEPTH}");
            return Err(Problem::new(self.at..self.at + 1, message));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn list(&mut self) -> Result<Value, Problem> {
        let mut values = Vec::new();
        if self.closes(b']')? {
            return Ok(Value::List(values));
        }
        loop {
            values.push(self.value()?);
            if self.closes(b']')? {
                return Ok(Value::List(values));
            }
            self.comma(b']', "`,` or `]`")?;
        }
    }

    fn object(&mut self) -> Result<Value, Problem> {
        let mut entries = Vec::new();
        if self.closes(b'}')? {
            return Ok(Value::Object(Vec::new()));
        }
        loop {
            self.blanks()?;
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = Arc::from(self.string()?);
            let place = start..self.at;
            self.blanks()?;
            if self.peek() != Some(b':') {
                return Err(self.unexpected("`:`"));
            }
            self.at += 1;
            let value = self.value()?;
            entries.push((key, place, value));
            if self.closes(b'}')? {
                return Ok(self.unique(entries));
            }
            self.comma(b'}', "`,` or `}`")?;
        }
    }

    fn unique(&mut self, mut entries: Vec<(Arc<str>, Range<usize>, Value)>) -> Value {
        // Stable, so of two equal keys the later one is the problem.
        entries.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        for pair in entries.windows(2) {
            if pair[0].0 == pair[1].0 {
                let message = format!("the key {:?} stands twice in one object", pair[1].0);
                self.problems.push(Problem::new(pair[1].1.clone(), message));
            }
        }
        Value::Object(entries.into_iter().map(|(key, _, value)| (key, value)).collect())
    }

    /// Whether the next thing is `close`; if so, goes past it.
    fn closes(&mut self, close: u8) -> Result<bool, Problem> {
        self.blanks()?;
        let closes = self.peek() == Some(close);
        self.at += usize::from(closes);
        Ok(closes)
    }

    fn comma(&mut self, close: u8, expected: &str) -> Result<(), Problem> {
        let comma = self.at;
        if self.peek() != Some(b',') {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        self.blanks()?;
        if self.peek() == Some(close) {
            let message = format!("a comma before `{}`", char::from(close));
            return Err(
                Problem::new(comma..comma + 1, message).help("JSON has no trailing commas: remove it")
            );
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, Problem> {
        let open = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(len) = rest.find(|c: char| c == '"' || c == '\\' || c < ' ') else {
                let message = "a text that begins here has no closing quote";
                return Err(Problem::new(open..open + 1, message));
            };
            out.push_str(&rest[..len]);
            self.at += len;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(b'\n' | b'\r') => {
                    let message = "a text that begins here has no closing quote on its line";
                    return Err(Problem::new(open..open + 1, message));
                }
                _ => {
                    let byte = self.text.as_bytes()[self.at];
                    let message = format!("the control character U+{byte:04X} inside a text");
                    let problem = Problem::new(self.at..self.at + 1, message);
                    return Err(problem.help("write it as an escape, such as `\\t` or `\\u0001`"));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let start = self.at;
        self.at += 1;
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            _ => {
                let end = start + 1 + self.text[start + 1..].chars().next().map_or(0, char::len_utf8);
                let message = format!("`{}` is no escape of JSON", shown(&self.text[start..end]));
                return Err(Problem::new(start..end, message));
            }
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode_escape(&mut self, start: usize) -> Result<char, Problem> {
        self.at += 1;
        let first = self.hex4(start)?;
        if (0xdc00..0xe000).contains(&first) {
            return Err(self.lone_surrogate(start));
        }
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).expect("four digits outside the surrogates are a character"));
        }
        if !self.text[self.at..].starts_with("\\u") {
            return Err(self.lone_surrogate(start));
        }
        self.at += 2;
        let second = self.hex4(start)?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(self.lone_surrogate(start));
        }
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        Ok(char::from_u32(code).expect("a surrogate pair is a character"))
    }

    fn lone_surrogate(&self, start: usize) -> Problem {
        let message = format!("`{}` is half of a surrogate pair", shown(&self.text[start..self.at]));
        Problem::new(start..self.at, message)
    }

    fn hex4(&mut self, start: usize) -> Result<u32, Problem> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let Some(digits) = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)) else {
            return Err(Problem::new(start..self.at, "`\\u` without four hexadecimal digits"));
        };
        self.at += 4;
        Ok(digits.iter().fold(0, |code, digit| {
            code * 16 + char::from(*digit).to_digit(16).expect("only hexadecimal digits came this far")
        }))
    }

    fn number(&mut self) -> Result<Value, Problem> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let whole = self.digits();
        if whole.is_empty() {
            return Err(self.unexpected("a digit"));
        }
        if whole.len() > 1 && self.text[whole.clone()].starts_with('0') {
            return Err(Problem::new(start..self.at, "a number that begins with 0 and goes on"));
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            integer = false;
            if self.digits().is_empty() {
                return Err(self.unexpected("a digit after the decimal point"));
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            integer = false;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits().is_empty() {
                return Err(self.unexpected("a digit of the exponent"));
            }
        }
        let place = start..self.at;
        let text = &self.text[place.clone()];
        let value = if integer { whole_number(text) } else { text.parse().ok().and_then(finite) };
        Ok(value.unwrap_or_else(|| {
            let what = if integer { "a 64-bit whole number" } else { "a 64-bit float" };
            let message = format!("the number `{}` does not fit {what}", shown(text));
            self.problems.push(Problem::new(place, message));
            Value::Null
        }))
    }

    fn digits(&mut self) -> Range<usize> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        start..self.at
    }

    /// Goes past blanks; a comment is a problem of its own, because it is what people write.
    fn blanks(&mut self) -> Result<(), Problem> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        let rest = &self.text[self.at..];
        if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#') {
            let end = self.at + rest.find(['\r', '\n']).unwrap_or(rest.len());
            let help = "remove it, or keep the file as TOML, which has comments";
            return Err(Problem::new(self.at..end, "JSON has no comments").help(help));
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The run of letters, digits and the like that begins here.
    fn word(&self) -> Range<usize> {
        let rest = &self.text[self.at..];
        let len = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.')))
            .unwrap_or(rest.len());
        self.at..self.at + len
    }

    fn unexpected(&self, expected: &str) -> Problem {
        let word = self.word();
        let first = self.text[self.at..].chars().next();
        let Some(first) = first else {
            return Problem::new(self.at..self.at, format!("expected {expected}, found the end of the file"));
        };
        let end = if word.is_empty() { self.at + first.len_utf8() } else { word.end };
        let found = shown(&self.text[self.at..end]);
        let problem = Problem::new(self.at..end, format!("expected {expected}, found `{found}`"));
        match found.as_str() {
            "'" => problem.help("JSON has only double quotes"),
            "NaN" | "Infinity" | "-Infinity" => problem.help("JSON has no such number"),
            _ => problem,
        }
    }
}

fn whole_number(text: &str) -> Option<Value> {
    match text.parse() {
        Ok(value) => Some(Value::Int(value)),
        Err(_) => text.parse().ok().map(Value::UInt),
    }
}

fn finite(value: f64) -> Option<Value> {
    value.is_finite().then_some(Value::Float(value))
}

/// At most 40 characters of `text`, without control characters.
fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Expects the problems of `text`, each as `<the text it is at>: <message>`.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let problems = parse(text).map_or_else(|problems| problems, |value| panic!("read as {value:?}"));
        let got: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", &text[problem.range.clone()], problem.message))
            .collect();
        assert_eq!(got, expected);
    }

    #[track_caller]
    fn canonical(text: &str, expected: &str) {
        let json = parse(text).unwrap().to_json();
        assert_eq!(String::from_utf8(json).unwrap(), expected);
    }

    #[test]
    fn valid_documents_become_canonical() {
        canonical(" null ", "null");
        canonical("\t[true,\r\n false]\n", "[true,false]");
        canonical("{}", "{}");
        canonical("[ ]", "[]");
        canonical(r#"{"b": {"z":1,"y":[]}, "a": 2}"#, r#"{"a":2,"b":{"y":[],"z":1}}"#);
        canonical(r#""\"\\\/\b\f\n\r\t\u00e5\ud83d\ude00\uFFFF""#, "\"\\\"\\\\/\\b\\f\\n\\r\\tå😀\u{ffff}\"");
    }

    #[test]
    fn numbers_keep_their_type_and_value() {
        canonical(
            "[0,-0,-1,9223372036854775807,-9223372036854775808]",
            "[0,0,-1,9223372036854775807,-9223372036854775808]",
        );
        canonical("18446744073709551615", "18446744073709551615");
        canonical("[1.0,1e0,10E-1,-0.0,0.10,1e-999]", "[1.0,1.0,1.0,-0.0,0.1,0.0]");
        check(
            "[18446744073709551616,-9223372036854775809,1e999]",
            &[
                "18446744073709551616: the number `18446744073709551616` does not fit a 64-bit whole number",
                "-9223372036854775809: the number `-9223372036854775809` does not fit a 64-bit whole number",
                "1e999: the number `1e999` does not fit a 64-bit float",
            ],
        );
        check("01", &["01: a number that begins with 0 and goes on"]);
        check("-", &[": expected a digit, found the end of the file"]);
        check("[1.]", &["]: expected a digit after the decimal point, found `]`"]);
        check("1e+", &[": expected a digit of the exponent, found the end of the file"]);
        check("+1", &["+1: expected a value, found `+1`"]);
        check(".5", &[".5: expected a value, found `.5`"]);
        check("NaN", &["NaN: expected a value, found `NaN`"]);
        check("-Infinity", &["Infinity: expected a digit, found `Infinity`"]);
    }

    #[test]
    fn a_key_that_stands_twice_is_a_problem_and_reading_goes_on() {
        check(
            r#"{"a":1,"\u0061":2,"b":{"c":0,"c":0}} x"#,
            &[
                r#""\u0061": the key "a" stands twice in one object"#,
                r#""c": the key "c" stands twice in one object"#,
                "x: expected the end after the value, found `x`",
            ],
        );
    }

    #[test]
    fn what_people_write_by_habit_is_named() {
        check("{\n  // size\n  \"a\": 1}", &["// size: JSON has no comments"]);
        check("[1 /* one */]", &["/* one */]: JSON has no comments"]);
        check("# x", &["# x: JSON has no comments"]);
        check("[1,2,]", &[",: a comma before `]`"]);
        check("{\"a\":1,}", &[",: a comma before `}`"]);
        check("{a: 1}", &["a: expected a key in double quotes, found `a`"]);
        check("['a']", &["': expected a value, found `'`"]);
    }

    #[test]
    fn broken_syntax_has_its_place() {
        check("", &[": expected a value, found the end of the file"]);
        check("[1", &[": expected `,` or `]`, found the end of the file"]);
        check("{\"a\" 1}", &["1: expected `:`, found `1`"]);
        check("{\"a\":1 \"b\":2}", &["\": expected `,` or `}`, found `\"`"]);
        check("[\"abc", &["\": a text that begins here has no closing quote"]);
        check("[\"abc\n\"]", &["\": a text that begins here has no closing quote on its line"]);
        check("\"a\tb\"", &["\t: the control character U+0009 inside a text"]);
        check(r#""\x""#, &[r"\x: `\x` is no escape of JSON"]);
        check(r#""\å""#, &[r"\å: `\å` is no escape of JSON"]);
        check("\"\\", &["\\: `\\` is no escape of JSON"]);
        check(r#""\u12g4""#, &[r"\u: `\u` without four hexadecimal digits"]);
        check(r#""\u12"#, &[r"\u: `\u` without four hexadecimal digits"]);
        check(r#""\ud800""#, &[r"\ud800: `\ud800` is half of a surrogate pair"]);
        check(r#""\ud800\u0041""#, &[r"\ud800\u0041: `\ud800\u0041` is half of a surrogate pair"]);
        check(r#""\udc00""#, &[r"\udc00: `\udc00` is half of a surrogate pair"]);
        check("å", &["å: expected a value, found `å`"]);
        check("\u{a0}1", &["\u{a0}: expected a value, found `\u{a0}`"]);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        check(&nested(MAX_DEPTH + 1), &["[: arrays and objects are nested deeper than 128"]);
        check(&"[".repeat(1 << 20), &["[: arrays and objects are nested deeper than 128"]);
        check(&"{\"a\":".repeat(1 << 18), &["{: arrays and objects are nested deeper than 128"]);
        // Breadth is no depth.
        assert!(parse(&format!("[{}[]]", "[],".repeat(10_000))).is_ok());
    }

    #[test]
    fn every_prefix_and_every_changed_byte_is_read_or_refused() {
        let text = r#"{"a":[1,-2.5e3,"x\u00e5\n",true,null],"b":{"c":"😀"}}"#;
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert!(parse(&text[..end]).is_err(), "{}", &text[..end]);
        }
        for at in 0..text.len() {
            for byte in 0..=127 {
                let mut changed = text.as_bytes().to_vec();
                changed[at] = byte;
                if let Ok(changed) = String::from_utf8(changed) {
                    for problem in parse(&changed).err().unwrap_or_default() {
                        assert!(changed.get(problem.range).is_some());
                    }
                }
            }
        }
    }

    /// Any value that a source can give, a few levels deep.
    fn value() -> impl Strategy<Value = Value> {
        let float = any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Value::Float);
        let large = (i64::MAX as u64 + 1..=u64::MAX).prop_map(Value::UInt);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            large,
            float,
            any::<String>().prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let object = proptest::collection::btree_map(any::<String>(), inner.clone(), 0..6);
            let list = proptest::collection::vec(inner, 0..6).prop_map(Value::List);
            let object = object.prop_map(|entries| {
                Value::object(entries.into_iter().map(|(key, value)| (Arc::from(key), value)).collect())
            });
            prop_oneof![list, object]
        })
    }

    proptest! {
        #[test]
        fn canonical_json_reads_back_to_the_same_value(value in value()) {
            let json = String::from_utf8(value.to_json()).unwrap();
            let read = parse(&json).map_err(|problems| TestCaseError::fail(format!("{problems:?}")))?;
            prop_assert_eq!(read.to_json(), value.to_json());
            prop_assert_eq!(read, value);
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            for problem in parse(&text).err().unwrap_or_default() {
                prop_assert!(text.get(problem.range).is_some());
            }
        }
    }
}
