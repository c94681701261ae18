//! Tags of ID3, version 2, in front of a sound: how long they are. What they say is not read.

/// How many bytes of `bytes` are such tags; all of them where a tag claims more than there is.
pub(in crate::sound) fn skip(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(length) = tag(&bytes[at..]) {
        at = at.saturating_add(length).min(bytes.len());
    }
    at
}

fn tag(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<10>()?;
    if !header.starts_with(b"ID3") || header[3] == 0xff || header[4] == 0xff {
        return None;
    }
    // Four times seven bits, so that no byte looks like the start of a frame.
    let mut size = 0usize;
    for byte in &header[6..10] {
        if *byte >= 0x80 {
            return None;
        }
        size = size << 7 | usize::from(*byte);
    }
    let footer = if header[5] & 0x10 == 0 { 0 } else { 10 };
    Some(10 + size + footer)
}

#[cfg(test)]
mod tests {
    use super::skip;

    #[test]
    fn tags_are_passed_over() {
        assert_eq!(skip(b""), 0);
        assert_eq!(skip(b"fLaC"), 0);
        assert_eq!(skip(b"ID3\x03\0\0\0\0\0\x02ab...."), 12);
        assert_eq!(skip(b"ID3\x04\0\x10\0\0\0\x01a3DI\x04\0\x10\0\0\0\x01rest"), 21);
        assert_eq!(skip(b"ID3\x03\0\0\0\0\0\0ID3\x03\0\0\0\0\0\x01ax"), 21);
        assert_eq!(skip(b"ID3\x03\0\0\0\0\x01\0ab"), 12, "as much as there is");
        assert_eq!(skip(b"ID3\x03\0\0\0\0\x80\0ab"), 0);
    }
}
