//! Places in a text: byte offsets as lines and columns, with the line itself, so that whoever shows a finding needs
//! not read the file again (and could not be sure to read the same one).

use serde::Serialize;

/// The longest excerpt of a line that a span carries, in bytes.
const MAX_EXCERPT: usize = 240;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Span {
    /// Byte offset of its first byte.
    pub start: u32,
    /// Byte offset after its last byte.
    pub end: u32,
    /// Line of its start, from 1.
    pub line: u32,
    /// Column of its start in characters, from 1.
    pub column: u32,
    /// The line it starts in, without its end; cut after 240 bytes.
    pub excerpt: String,
}

/// A text whose offsets can be turned into [`Span`]s. A leading byte order mark counts as no column.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'a> {
    text: &'a str,
}

impl<'a> SourceText<'a> {
    /// Wraps `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The span of the byte range `range`; a range beyond the text is cut to it.
    pub fn span(&self, range: std::ops::Range<usize>) -> Span {
        let start = floor_char_boundary(self.text, range.start.min(self.text.len()));
        let end = floor_char_boundary(self.text, range.end.clamp(start, self.text.len()));
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line_text = self.text[line_start..].split('\n').next().unwrap_or_default();
        let line_text = line_text.trim_end_matches('\r');
        let column_text = before[line_start..].trim_start_matches('\u{feff}');
        let excerpt = line_text.trim_start_matches('\u{feff}');
        Span {
            start: start as u32,
            end: end as u32,
            line: before.bytes().filter(|b| *b == b'\n').count() as u32 + 1,
            column: column_text.chars().count() as u32 + 1,
            excerpt: excerpt[..floor_char_boundary(excerpt, MAX_EXCERPT.min(excerpt.len()))].to_owned(),
        }
    }

    /// The span of the whole line with the number `line` (from 1).
    pub fn line(&self, line: usize) -> Span {
        let mut start = 0;
        for (index, text) in self.text.split_inclusive('\n').enumerate() {
            if index + 1 == line {
                return self.span(start..start + text.trim_end().len());
            }
            start += text.len();
        }
        self.span(self.text.len()..self.text.len())
    }
}

fn floor_char_boundary(text: &str, mut index: usize) -> usize {
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_from_bytes_and_columns_from_characters() {
        let text = "\u{feff}a = 1\r\nnäme = 2\n";
        let source = SourceText::new(text);
        let at = text.find("= 2").unwrap();
        let span = source.span(at..at + 1);
        assert_eq!((span.line, span.column, span.excerpt.as_str()), (2, 6, "näme = 2"));
        let first = source.span(3..4);
        assert_eq!((first.line, first.column, first.excerpt.as_str()), (1, 1, "a = 1"));
        assert_eq!(source.line(2).excerpt, "näme = 2");
    }

    #[test]
    fn ranges_beyond_or_inside_a_character_are_cut() {
        let source = SourceText::new("ä");
        assert_eq!(source.span(1..99).start, 0);
        assert_eq!(source.span(50..99).end, 2);
        assert_eq!(source.line(7).line, 1);
    }
}
