//! What targets have in common: ids that never change, the built-in kinds, and how findings must look.

use std::sync::{Arc, LazyLock};

use packer_domain::codec::Codec;
use packer_domain::diagnostic::{Diagnostic, Span};
use packer_domain::identity::{AssetUuid, OperationId, SourceId, UuidDraw};
use packer_domain::kind::KindCatalog;
use packer_domain::path::AssetPath;

use super::Seed;

/// The most bytes of a line that a span repeats.
const MAX_EXCERPT: usize = 240;

static CODECS: LazyLock<Vec<Arc<dyn Codec>>> = LazyLock::new(packer_codecs::builtin);
static KINDS: LazyLock<KindCatalog> =
    LazyLock::new(|| KindCatalog::new(CODECS.iter().map(|codec| codec.spec().clone())));

/// The built-in codecs.
pub(super) fn codecs() -> &'static [Arc<dyn Codec>] {
    &CODECS
}

/// The built-in kinds.
pub(super) fn kinds() -> &'static KindCatalog {
    &KINDS
}

fn draw(n: u8) -> UuidDraw {
    UuidDraw { unix_ms: 1_795_338_000_000 + u64::from(n), entropy: [n; 16] }
}

/// An operation, the same for the same number.
pub(super) fn operation(n: u8) -> OperationId {
    OperationId::drawn(draw(n))
}

/// A source, the same for the same number.
pub(super) fn source(n: u8) -> SourceId {
    SourceId::drawn(draw(n))
}

/// An asset, the same for the same number.
pub(super) fn asset(n: u8) -> AssetUuid {
    AssetUuid::drawn(draw(n))
}

/// A path that is one.
pub(super) fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).expect("the path is written in a test")
}

/// A seed.
pub(super) fn seed(name: &str, bytes: impl Into<Vec<u8>>) -> Seed {
    (name.to_owned(), bytes.into())
}

/// A seed that starts with `options`.
pub(super) fn seed_with(name: &str, options: &[u8], bytes: &[u8]) -> Seed {
    (name.to_owned(), [options, bytes].concat())
}

/// The text that `bytes` start with: all of it, or what comes before the first byte that is none.
pub(super) fn text_of(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("it is valid up to there"),
    }
}

/// Asserts what holds of every message: it says something, on one line, and moves no cursor.
pub(super) fn check_message(message: &str) {
    assert!(!message.is_empty(), "an empty message");
    assert!(!message.chars().any(char::is_control), "a control character in {message:?}");
}

/// Asserts that `diagnostics` are of `file` with `text`, in its order, each at a place that there is.
pub(super) fn check_diagnostics(diagnostics: &[Diagnostic], text: &str, file: &str) {
    let mut last = 0;
    for diagnostic in diagnostics {
        check_message(&diagnostic.message);
        diagnostic.help.as_deref().into_iter().for_each(check_message);
        assert_eq!(diagnostic.file.as_deref(), Some(file), "{diagnostic:?}");
        if let Some(span) = &diagnostic.span {
            check_span(span, text.as_bytes());
            assert!(span.start >= last, "findings are not in the order of the text: {diagnostics:#?}");
            last = span.start;
        }
    }
}

/// Asserts that `span` is a place in `bytes`, which are text up to there, and says of it what is so.
pub(super) fn check_span(span: &Span, bytes: &[u8]) {
    let (start, end) = (span.start as usize, span.end as usize);
    assert!(start <= end && end <= bytes.len(), "{span:?} in {} bytes", bytes.len());
    let before = std::str::from_utf8(&bytes[..start]).expect("what comes before a place is text");
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(text.is_char_boundary(end), "{span:?} cuts a character");
    }
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text_of(&bytes[line_start..]).split('\n').next().unwrap_or_default();
    let line = line.trim_start_matches('\u{feff}');
    assert_eq!(span.line as usize, before.matches('\n').count() + 1, "{span:?}");
    let column = before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1;
    assert_eq!(span.column as usize, column, "{span:?}");
    assert!(span.excerpt.len() <= MAX_EXCERPT && line.starts_with(&span.excerpt), "{span:?} of {line:?}");
}
