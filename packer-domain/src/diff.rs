//! Unified diffs of texts, for previews.

use similar::{Algorithm, TextDiff};

/// Longer texts are not compared line by line: a preview says so instead.
const MAX_DIFFED_BYTES: usize = 1 << 20;

/// What changes from `before` to `after`, as a unified diff with three lines of context; `path` heads both sides. Empty
/// if nothing changes. Of texts over 1 MiB, only that they differ.
pub fn unified_diff(before: &str, after: &str, path: &str) -> String {
    if before == after {
        return String::new();
    }
    if before.len().max(after.len()) > MAX_DIFFED_BYTES {
        return format!("--- {path}\n+++ {path}\n(too long to compare line by line)\n");
    }
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(before, after);
    diff.unified_diff().context_radius(3).header(path, path).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_lines_that_change_with_their_neighbours() {
        let before = "uuid = \"1\"\nname = \"a\"\nkind = \"image\"\n";
        let after = "uuid = \"1\"\nname = \"b\"\nkind = \"image\"\n";
        let expected = "--- a.asset.toml\n+++ a.asset.toml\n@@ -1,3 +1,3 @@\n uuid = \"1\"\n-name = \"a\"\n+name = \"b\"\n kind = \"image\"\n";
        assert_eq!(unified_diff(before, after, "a.asset.toml"), expected);
        assert_eq!(unified_diff(before, before, "a.asset.toml"), "");
    }

    #[test]
    fn a_missing_line_end_is_said() {
        assert!(unified_diff("a", "a\n", "f").contains("\\ No newline at end of file"));
    }

    #[test]
    fn long_texts_are_not_compared() {
        let long = "x".repeat(MAX_DIFFED_BYTES + 1);
        assert!(unified_diff("", &long, "f").len() < 100);
    }
}
