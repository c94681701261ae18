//! "Did you mean": the one of several words that a mistyped word is closest to.

/// Longer texts are nobody's typing mistake, and comparing them costs their product.
const MAX_COMPARED: usize = 64;

/// The candidate that `text` most likely stands for, if one is close enough to be worth saying. Case is ignored; of
/// equally close ones, the first.
pub fn suggest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.is_empty() || text.len() > MAX_COMPARED {
        return None;
    }
    let text = text.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= MAX_COMPARED)
        .filter_map(|candidate| {
            let distance = strsim::damerau_levenshtein(&text, &candidate.to_lowercase());
            let longer = text.chars().count().max(candidate.chars().count());
            (distance <= (longer / 3).max(1) && distance < longer).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_words_are_suggested_and_far_ones_are_not() {
        let known = ["compression", "durable", "alignment"];
        assert_eq!(suggest("compresion", known), Some("compression"));
        assert_eq!(suggest("Durable", known), Some("durable"));
        assert_eq!(suggest("aligmnent", known), Some("alignment"));
        assert_eq!(suggest("colour", known), None);
        assert_eq!(suggest("", known), None);
        assert_eq!(suggest("b", ["a"]), None);
        assert_eq!(suggest(&"durable".repeat(1000), known), None);
    }
}
