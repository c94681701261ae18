//! Diagnostics in the manner of compilers: the message, the place with the offending text underlined, what to do.
//!
//! The text comes with the diagnostic; no file is read, and so none can have changed meanwhile.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};
use packer_events::record::{DiagnosticRecord, RelatedRecord, SeverityRecord, SpanRecord};

use super::advice::Advice;
use crate::ui::{Paint, plain};

/// Each of `diagnostics`, with what the packer offers for it.
pub(crate) fn diagnostics(diagnostics: &[DiagnosticRecord], advice: &Advice, paint: Paint) -> String {
    let mut text = String::new();
    for record in diagnostics {
        text.push_str(&diagnostic(record, &advice.of(record), paint));
        text.push('\n');
    }
    text
}

/// One diagnostic, ended by a newline. `commands` are what resolves it.
pub(crate) fn diagnostic(record: &DiagnosticRecord, commands: &[String], paint: Paint) -> String {
    let level = match record.severity {
        SeverityRecord::Error => Level::ERROR,
        SeverityRecord::Warning => Level::WARNING,
        SeverityRecord::Info => Level::INFO,
    };
    let title = level.primary_title(&record.message).id(&record.code);
    let mut group = Group::with_title(title);
    match (&record.file, &record.span) {
        (Some(file), Some(span)) => group = group.element(snippet(file, span)),
        (Some(file), None) => group = group.element(Origin::path(plain(file))),
        (None, _) => {}
    }
    for related in &record.related {
        group =
            group.element(Level::NOTE.message(format!("{}: {}", plain(&related.message), place(related))));
    }
    if let Some(help) = &record.help {
        group = group.element(Level::HELP.message(plain(help)));
    }
    for command in commands {
        group = group.element(Level::HELP.message(plain(command)));
    }
    let mut text = paint.renderer().render(&[group]);
    text.push('\n');
    text
}

fn place(related: &RelatedRecord) -> String {
    let file = plain(&related.file);
    match &related.span {
        Some(span) => format!("{file}:{}:{}", span.line, span.column),
        None => file,
    }
}

fn snippet<'r>(file: &'r str, span: &'r SpanRecord) -> Snippet<'r, annotate_snippets::Annotation<'r>> {
    let range = range_in_excerpt(span);
    Snippet::source(&span.excerpt)
        .line_start(usize::try_from(span.line).unwrap_or(usize::MAX).max(1))
        .path(plain(file))
        .fold(false)
        .annotation(AnnotationKind::Primary.span(range))
}

/// The part of the excerpt that the span covers, in bytes; never beyond it, and never within a character.
fn range_in_excerpt(span: &SpanRecord) -> std::ops::Range<usize> {
    let text = span.excerpt.as_str();
    let before = usize::try_from(span.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let start = text.char_indices().nth(before).map_or(text.len(), |(offset, _)| offset);
    let length = usize::try_from(span.end.saturating_sub(span.start)).unwrap_or(usize::MAX);
    let end = start.saturating_add(length).min(text.len());
    start..text.ceil_char_boundary(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{diagnostic_record, span};

    #[test]
    fn the_place_is_underlined_and_everything_else_is_told() {
        let mut record = diagnostic_record("anchor/unknown-key", "`encodng` is not a setting of image");
        record.file = Some("assets/ui/confirm.png.asset.toml".to_owned());
        record.span = Some(span(7, 1, "encodng = \"rgba8\"", 0..7));
        record.help = Some("did you mean `encoding`?".to_owned());
        record.related = vec![RelatedRecord {
            message: "the file it claims".to_owned(),
            file: "assets/ui/confirm.png".to_owned(),
            span: Some(span(3, 5, "x", 0..1)),
        }];
        let commands = ["packer reconcile anchor/moved".to_owned()];
        insta::assert_snapshot!(diagnostic(&record, &commands, Paint::PLAIN));
    }

    #[test]
    fn a_file_alone_and_nothing_at_all() {
        let mut record = diagnostic_record("bake/decode", "the image is broken: unexpected end of file");
        record.file = Some("assets/ui/broken.png".to_owned());
        let mut bare = diagnostic_record("config/missing-key", "`project.name` is missing");
        bare.severity = SeverityRecord::Warning;
        let shown = diagnostics(&[record, bare], &Advice::none(), Paint::PLAIN);
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn spans_that_lie_are_cut_to_the_excerpt() {
        let cases = [
            (span(1, 1, "", 0..0), 0..0),
            (span(1, 99, "äö", 0..1), 4..4),
            (span(1, 1, "äö", 0..1), 0..2),
            (span(1, 2, "äö", 5..9999), 2..4),
            (span(u32::MAX, u32::MAX, "a", std::ops::Range { start: 9, end: 3 }), 1..1),
            (span(0, 0, "abc", 0..2), 0..2),
        ];
        for (span, expected) in cases {
            assert_eq!(range_in_excerpt(&span), expected, "{span:?}");
            let mut record = diagnostic_record("anchor/syntax", "a");
            record.file = Some("a".to_owned());
            record.span = Some(span);
            assert!(!diagnostic(&record, &[], Paint::PLAIN).is_empty());
        }
    }

    #[test]
    fn a_terminal_obeys_no_foreign_text() {
        let mut record = diagnostic_record("anchor/syntax", "a\u{1b}[2J");
        record.file = Some("a\u{1b}[2J".to_owned());
        record.span = Some(span(1, 1, "b\u{1b}[2J", 0..1));
        record.help = Some("c\u{1b}[2J".to_owned());
        let shown = diagnostic(&record, &["d\u{1b}[2J".to_owned()], Paint::PLAIN);
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
}
