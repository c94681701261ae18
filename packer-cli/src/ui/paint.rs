//! `Paint`: colours, where they are wanted; and foreign text made harmless for a terminal.

use annotate_snippets::Renderer;
use annotate_snippets::normalize_untrusted_str;
use annotate_snippets::renderer::{AnsiColor, Effects, Style};

/// Whether to colour, and with what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    colored: bool,
}

impl Paint {
    pub(crate) fn new(colored: bool) -> Self {
        Self { colored }
    }

    /// No colours.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { colored: false };

    fn style(self, style: Style, text: &str) -> String {
        if self.colored { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Headings, and what a line is about.
    pub(crate) fn strong(self, text: &str) -> String {
        self.style(Style::new().effects(Effects::BOLD), text)
    }

    /// Something that went well, or is new.
    pub(crate) fn good(self, text: &str) -> String {
        self.style(AnsiColor::Green.on_default(), text)
    }

    /// Something that went wrong, or goes away.
    pub(crate) fn bad(self, text: &str) -> String {
        self.style(AnsiColor::Red.on_default(), text)
    }

    /// The word before an error.
    pub(crate) fn error(self, text: &str) -> String {
        self.style(AnsiColor::BrightRed.on_default().effects(Effects::BOLD), text)
    }

    /// The word before a warning.
    pub(crate) fn warning(self, text: &str) -> String {
        self.style(AnsiColor::Yellow.on_default().effects(Effects::BOLD), text)
    }

    /// Commands to type, and places in a diff.
    pub(crate) fn command(self, text: &str) -> String {
        self.style(AnsiColor::Cyan.on_default(), text)
    }

    /// What is there and seldom read.
    pub(crate) fn dim(self, text: &str) -> String {
        self.style(Style::new().effects(Effects::DIMMED), text)
    }

    /// What renders diagnostics in the same way.
    pub(crate) fn renderer(self) -> Renderer {
        if self.colored { Renderer::styled() } else { Renderer::plain() }
    }
}

/// `text` without anything that a terminal would obey: names, messages and contents are foreign.
pub(crate) fn plain(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(normalize_untrusted_str).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_where_wanted() {
        assert_eq!(Paint::PLAIN.bad("gone"), "gone");
        assert_eq!(Paint::new(true).bad("gone"), "\u{1b}[31mgone\u{1b}[0m");
    }

    #[test]
    fn a_terminal_obeys_no_foreign_text() {
        let shown = plain("a\u{1b}[2Jb\r\u{7}\u{202e}c\nd");
        assert!(!shown.contains(['\u{1b}', '\r', '\u{7}', '\u{202e}']), "{shown:?}");
        assert!(shown.starts_with('a') && shown.ends_with("c\nd"), "{shown:?}");
    }
}
