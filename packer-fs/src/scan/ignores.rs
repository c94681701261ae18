//! Which names a scan passes over: those that `.packerignore` files cover, and those that nobody means as assets.
//!
//! `.packerignore` has the syntax of `.gitignore`. One applies to its folder and everything below; the innermost that
//! has something to say of a name decides, and a `!pattern` takes back what an outer one, or a default, covers. As with
//! git, nothing below a folder that is passed over can be taken back.
//!
//! Reading the files is `walk`'s business.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use camino::Utf8Path;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, SourceText, Subject};
use packer_domain::path::AssetPath;

/// The name of an ignore file.
pub(crate) const IGNORE_FILE: &str = ".packerignore";

/// The rules that apply in a folder: its own, then those of the folders above.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignores {
    innermost: Option<Arc<Frame>>,
}

#[derive(Debug)]
struct Frame {
    rules: Gitignore,
    /// Bytes of the folder's path and the slash after it: what is cut off before matching.
    base: usize,
    outer: Option<Arc<Frame>>,
}

impl Ignores {
    /// The rules inside `folder` (`""` for the root), whose ignore file has `text`, and what is wrong with that. `file` is
    /// the ignore file as diagnostics name it, `subject` as they place it.
    pub(crate) fn within(
        &self,
        folder: &str,
        text: &[u8],
        subject: &AssetPath,
        file: &Utf8Path,
    ) -> (Self, Vec<Diagnostic>) {
        let mut problems = Vec::new();
        let problem = |message: String| {
            let subject = Subject::Path(subject.clone());
            Diagnostic::new(DiagnosticCode::IgnoreInvalid, subject, message).in_file(file.as_str())
        };
        let Ok(text) = std::str::from_utf8(text) else {
            problems.push(problem("the file is not UTF-8, so none of its patterns applies".to_owned()));
            return (self.clone(), problems);
        };
        let source = SourceText::new(text);
        // An empty root, so that paths are taken as they are: relative to the folder.
        let mut builder = GitignoreBuilder::new("");
        builder.allow_unclosed_class(false);
        for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
            if let Err(error) = builder.add_line(None, line) {
                problems.push(problem(reason(&error)).at(source.line(index + 1)));
            }
        }
        match builder.build() {
            Ok(rules) if rules.is_empty() => (self.clone(), problems),
            Ok(rules) => {
                let base = if folder.is_empty() { 0 } else { folder.len() + 1 };
                let frame = Frame { rules, base, outer: self.innermost.clone() };
                (Self { innermost: Some(Arc::new(frame)) }, problems)
            }
            Err(error) => {
                problems.push(problem(format!("none of its patterns applies: {}", reason(&error))));
                (self.clone(), problems)
            }
        }
    }

    /// Whether a name is passed over. `path` gives the name's path below the assets root, as bytes of the system; it is
    /// asked for only where there are rules.
    pub(crate) fn covers(&self, path: impl FnOnce() -> OsString, name: &OsStr, is_dir: bool) -> bool {
        if self.innermost.is_none() {
            return is_covered_by_default(name);
        }
        let path = path();
        let mut frame = self.innermost.as_ref();
        while let Some(here) = frame {
            let relative = cut(&path, here.base);
            match here.rules.matched(relative, is_dir) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => frame = here.outer.as_ref(),
            }
        }
        is_covered_by_default(name)
    }
}

/// Which rule passes a name over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Covering {
    /// This pattern, of the ignore file in the folder with a path of so many bytes, its slash included.
    Pattern { pattern: String, base: usize },
    /// None of the project's: nobody means such names.
    Default,
}

impl Ignores {
    /// The rule that passes a name over, decided as by [`covers`](Self::covers). `path` is below the assets root.
    pub(super) fn covering(&self, path: &str, name: &str, is_dir: bool) -> Option<Covering> {
        let mut frame = self.innermost.as_ref();
        while let Some(here) = frame {
            match here.rules.matched(path.get(here.base..).unwrap_or_default(), is_dir) {
                Match::Ignore(glob) => {
                    return Some(Covering::Pattern { pattern: glob.original().to_owned(), base: here.base });
                }
                Match::Whitelist(_) => return None,
                Match::None => frame = here.outer.as_ref(),
            }
        }
        is_covered_by_default(OsStr::new(name)).then_some(Covering::Default)
    }
}

/// The path without its first `base` bytes, which are whole folders, and so end at a character.
fn cut(path: &OsStr, base: usize) -> &OsStr {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        OsStr::from_bytes(path.as_bytes().get(base..).unwrap_or_default())
    }
    #[cfg(not(unix))]
    {
        OsStr::new(path.to_str().and_then(|path| path.get(base..)).unwrap_or_default())
    }
}

/// Hidden files, what systems and editors leave behind, and nothing that a game could mean.
fn is_covered_by_default(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return false };
    *first == b'.'
        || *last == b'~'
        || name.starts_with(b"~$")
        || (*first == b'#' && *last == b'#')
        || is_left_behind(name)
        || is_numbered_backup(name)
}

/// Files and folders that systems make for themselves, and what tools leave of a file: told by their length first, since
/// every name of every scan comes by here.
fn is_left_behind(name: &[u8]) -> bool {
    let is = |whole: &[u8]| name.eq_ignore_ascii_case(whole);
    let by_name = match name.len() {
        5 => is(b"Icon\r"),
        8 => is(b"__MACOSX"),
        9 => is(b"Thumbs.db"),
        11 => is(b"ehthumbs.db") || is(b"desktop.ini"),
        12 => is(b"$RECYCLE.BIN"),
        25 => is(b"System Volume Information"),
        _ => false,
    };
    let extension =
        name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0).map(|dot| &name[dot + 1..]);
    let ends_in = |end: &[u8]| extension.is_some_and(|extension| extension.eq_ignore_ascii_case(end));
    by_name
        || match extension.map_or(0, <[u8]>::len) {
            3 => ends_in(b"bak") || ends_in(b"tmp") || ends_in(b"swp") || ends_in(b"swo") || ends_in(b"rej"),
            4 => ends_in(b"orig") || ends_in(b"part"),
            10 => ends_in(b"crdownload"),
            _ => false,
        }
}

/// `scene.blend1`, as Blender leaves beside `scene.blend`.
fn is_numbered_backup(name: &[u8]) -> bool {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let stem = &name[..name.len() - digits];
    digits > 0 && stem.len() > 6 && stem.ends_with(b".blend")
}

fn reason(error: &ignore::Error) -> String {
    let text = match error {
        ignore::Error::Glob { err, .. } => err.clone(),
        other => other.to_string(),
    };
    // It repeats characters of the line, whatever they are.
    format!("the line is not a pattern: {text}").replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignores(outer: &Ignores, folder: &str, text: &str) -> Ignores {
        let path = AssetPath::parse("x").unwrap();
        let (ignores, problems) = outer.within(folder, text.as_bytes(), &path, Utf8Path::new("x"));
        assert_eq!(problems, []);
        ignores
    }

    fn covers(ignores: &Ignores, path: &str) -> bool {
        let (path, is_dir) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
        let name = path.rsplit('/').next().unwrap();
        ignores.covers(|| path.into(), OsStr::new(name), is_dir)
    }

    #[test]
    fn defaults_cover_what_nobody_means() {
        let none = Ignores::default();
        for path in [
            ".git/",
            ".DS_Store",
            "a/.hidden",
            "Thumbs.db",
            "thumbs.db",
            "a/Desktop.ini",
            "a.png~",
            "a.swp",
            "a.BAK",
            "a.tmp",
            "#a.txt#",
            "~$plan.docx",
            "x.blend1",
            "x.blend32",
            "Icon\r",
        ] {
            assert!(covers(&none, path), "{path:?} was taken");
        }
        for path in
            ["a.png", "bak", "tmp", "#a", "x.blend", "blend1", "level1", "swp", "a.tmpl", "~a", "part/"]
        {
            assert!(!covers(&none, path), "{path:?} was passed over");
        }
    }

    #[test]
    fn patterns_are_git_s() {
        let root = ignores(&Ignores::default(), "", "# art\n*.psd\n/drafts/\nui/old\n!keep.psd\n\n");
        for path in ["a.psd", "x/a.psd", "drafts/", "ui/old"] {
            assert!(covers(&root, path), "{path} was taken");
        }
        for path in ["a.png", "keep.psd", "x/drafts/", "drafts", "x/ui/old", "# art"] {
            assert!(!covers(&root, path), "{path} was passed over");
        }
    }

    #[test]
    fn the_innermost_decides_and_can_take_back() {
        let root = ignores(&Ignores::default(), "", "*.psd\n!*.bak\n");
        let inner = ignores(&root, "ui", "!*.psd\n/a.png\n");
        assert!(covers(&root, "a.psd") && !covers(&inner, "ui/a.psd"));
        assert!(!covers(&root, "a.bak") && !covers(&inner, "ui/a.bak"));
        assert!(covers(&inner, "ui/a.png") && !covers(&inner, "ui/b/a.png"));
    }

    #[test]
    fn a_mark_and_windows_line_ends_do_not_count() {
        let root = ignores(&Ignores::default(), "", "\u{feff}*.psd\r\n*.kra\r\n");
        assert!(covers(&root, "a.psd") && covers(&root, "a.kra"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in r"([\\/!*?#\[\]{}a\-. \r\n,^]|\PC){0,40}",
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
            path in "[a.é/]{1,8}",
        ) {
            let file = AssetPath::parse("a/x").unwrap();
            for text in [text.as_bytes(), &bytes] {
                let (ignores, _) = Ignores::default().within("a", text, &file, Utf8Path::new("a/x"));
                let path = format!("a/{path}");
                ignores.covers(|| path.clone().into(), OsStr::new("x"), true);
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_reported_and_the_rest_applies() {
        let path = AssetPath::parse("ui/.packerignore").unwrap();
        let file = Utf8Path::new("assets/ui/.packerignore");
        let (rules, problems) = Ignores::default().within("", b"a[\n*.psd\n", &path, file);
        assert!(covers(&rules, "a.psd"));
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!(problem.code, DiagnosticCode::IgnoreInvalid);
        assert_eq!(problem.file.as_deref(), Some("assets/ui/.packerignore"));
        assert_eq!(problem.span.as_ref().map(|span| (span.line, span.excerpt.as_str())), Some((1, "a[")));
        let (_, problems) = Ignores::default().within("", b"[a-\x01]\n", &path, file);
        assert!(!problems[0].message.contains(char::is_control), "{:?}", problems[0].message);
        let (_, problems) = Ignores::default().within("", b"\xff", &path, file);
        assert_eq!(problems.len(), 1);
    }
}
