//! Base64, as far as it is needed here: Google's Python SDK writes bytes in the alphabet for URLs, everybody else in the standard one.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, prelude::BASE64_STANDARD};

/// Padded or not, and whatever the unused bits of the last letter are.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// In the standard alphabet, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Reads either alphabet, padded or not; none if it is neither.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = if text.contains(['-', '_']) { Cow::Owned(text.replace('-', "+").replace('_', "/")) } else { Cow::Borrowed(text) };
    LENIENT.decode(text.as_bytes()).ok()
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
