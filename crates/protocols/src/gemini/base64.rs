//! Base64, as far as it is needed here: Google's Python SDK writes bytes in the alphabet for URLs, everybody else in the standard one.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// In the standard alphabet, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = ALPHABET[(group >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// Reads either alphabet, padded or not; none if it is neither.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(letters.len() * 3 / 4);
    for chunk in letters.chunks(4) {
        let group = chunk.iter().try_fold(0u32, |group, letter| Some(group << 6 | u32::from(value(*letter)?)))?;
        let [_, first, second, third] = (group << (6 * (4 - chunk.len()))).to_be_bytes();
        let whole = [first, second, third];
        bytes.extend_from_slice(whole.get(..chunk.len().checked_sub(1).filter(|bytes| *bytes > 0)?)?);
    }
    Some(bytes)
}

const fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// The same data in the standard alphabet, padded: what other providers take.
pub(super) fn standard(text: String) -> String {
    if text.len().is_multiple_of(4) && !text.contains(['-', '_']) {
        return text;
    }
    let mut standard = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    standard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read_and_the_standard_one_is_written() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"\xfb\xff\xfe", "+//+")] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
            assert_eq!(decode(text.trim_end_matches('=')).as_deref(), Some(bytes));
        }
        assert_eq!(decode("-__-").as_deref(), Some(&b"\xfb\xff\xfe"[..]));
        for bad in ["Z", "Zg==Z", "Z g=", "é"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(standard("-__-Zg".to_owned()), "+//+Zg==");
        assert_eq!(standard("Zg==".to_owned()), "Zg==");
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
