//! Figures in words. The figures themselves come from reports, and the words from the views.

/// `count` with its noun: `1 error`, `2 errors`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let texts = [0, 1, 2, u64::MAX].map(|count| counted(count, "error"));
        assert_eq!(texts, ["0 errors", "1 error", "2 errors", "18446744073709551615 errors"]);
    }
}
