//! Vorbis comments, which FLAC has too: the points of a loop that games put there.
//!
//! `LOOPSTART` with `LOOPLENGTH` or `LOOPEND` (the frame after the last), in frames. Everything else is passed over.

use super::u32_at;

/// The loop that a block of comments describes; without a length it goes on to `u64::MAX`, which is the end.
pub(super) fn looping(block: &[u8]) -> Option<(u64, u64)> {
    let (mut start, mut length, mut end) = (None, None, None);
    let mut at = 0;
    // The vendor's text, then a number of comments.
    skip(block, &mut at)?;
    let count = u32_at(block, at)?;
    at += 4;
    for _ in 0..count {
        // A block that ends early has fewer comments; what was read counts.
        let Some(comment) = skip(block, &mut at) else { break };
        let Some(split) = comment.iter().position(|byte| *byte == b'=') else { continue };
        let (key, value) = comment.split_at(split);
        let slot = match key.to_ascii_uppercase().as_slice() {
            b"LOOPSTART" | b"LOOP_START" => &mut start,
            b"LOOPLENGTH" | b"LOOP_LENGTH" => &mut length,
            b"LOOPEND" | b"LOOP_END" => &mut end,
            _ => continue,
        };
        let number = str::from_utf8(&value[1..]).ok().and_then(|text| text.trim().parse::<u64>().ok());
        *slot = slot.or(number);
    }
    match (start, length, end) {
        (None, None, None) => None,
        (start, Some(length), _) => {
            let start = start.unwrap_or(0);
            Some((start, start.saturating_add(length)))
        }
        (start, None, end) => Some((start.unwrap_or(0), end.unwrap_or(u64::MAX))),
    }
}

/// A text with its length in front, and the place after it.
fn skip<'a>(block: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = u32_at(block, *at)? as usize;
    let text = block.get(*at + 4..)?.get(..length)?;
    *at += 4 + length;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::looping;

    fn block(comments: &[&str]) -> Vec<u8> {
        let text = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        let mut block = text("somebody");
        block.extend((comments.len() as u32).to_le_bytes());
        for comment in comments {
            block.extend(text(comment));
        }
        block
    }

    #[test]
    fn a_loop_is_a_start_and_a_length_or_an_end() {
        for (comments, expected) in [
            (&["TITLE=x", "LOOPSTART=100", "LOOPLENGTH=50"][..], Some((100, 150))),
            (&["loopstart=100", "LoopEnd=150"], Some((100, 150))),
            (&["LOOP_START=7"], Some((7, u64::MAX))),
            (&["LOOPLENGTH=9"], Some((0, 9))),
            (&["LOOPSTART=1", "LOOPSTART=2", "LOOPEND=5"], Some((1, 5))),
            (&["LOOPSTART", "LOOPEND=five", "=", ""], None),
            (&["LOOPSTART=18446744073709551615", "LOOPLENGTH=9"], Some((u64::MAX, u64::MAX))),
            (&[], None),
        ] {
            assert_eq!(looping(&block(comments)), expected, "{comments:?}");
        }
    }

    #[test]
    fn a_block_that_is_cut_gives_what_is_there() {
        let whole = block(&["LOOPSTART=3", "LOOPEND=8"]);
        for end in 0..whole.len() {
            let found = looping(&whole[..end]);
            assert!(found.is_none() || found == Some((3, u64::MAX)), "{end}: {found:?}");
        }
        assert_eq!(looping(&[0xff; 40]), None);
    }
}
