//! Base64 inside JSON, as everybody writes it: Google's SDKs in the alphabet for URLs, others in the standard one; padded or not, and
//! broken into lines as in mails.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

/// Padded or not, and whatever the unused bits of the last letter are.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// In the standard alphabet, padded.
pub(crate) fn encode(bytes: &[u8]) -> String {
    LENIENT.encode(bytes)
}

/// Reads whatever of it there is; none if it is something else.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(plain(text).as_bytes()).ok()
}

/// The bytes of a file, with `data:…;base64,` before it or not; none if it holds none.
pub(crate) fn decode_file(text: &str) -> Option<Bytes> {
    let text = match text.strip_prefix("data:") {
        Some(url) => url.split_once(";base64,")?.1,
        None => text,
    };
    decode(text).filter(|bytes| !bytes.is_empty()).map(Bytes::from)
}

/// The same data in the standard alphabet, padded: what other providers take.
pub(crate) fn standard(text: String) -> String {
    if text.len().is_multiple_of(4) && matches!(plain(&text), Cow::Borrowed(_)) {
        return text;
    }
    let mut standard = plain(text.trim_end_matches('=')).into_owned();
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    standard
}

/// In the standard alphabet and one line.
fn plain(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'-' | b'_');
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let letter = |letter| match letter {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    Cow::Owned(text.chars().filter(|letter| !letter.is_ascii_whitespace()).map(letter).collect())
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
        assert_eq!(decode("-_\r\n_-\n").as_deref(), Some(&b"\xfb\xff\xfe"[..]));
        for bad in ["Z", "Zg==Z", "é", "!"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(standard("-__-Zg".to_owned()), "+//+Zg==");
        assert_eq!(standard("Zg==".to_owned()), "Zg==");
        assert_eq!(standard("Zm\n9v".to_owned()), "Zm9v");
    }

    #[test]
    fn a_file_may_be_a_data_url_and_is_not_empty() {
        for text in ["aGk=", "aGk", " aGk=\n", "data:image/png;base64,aGk=", "data:;base64,aGk"] {
            assert_eq!(decode_file(text).as_deref(), Some(b"hi".as_slice()), "{text}");
        }
        for bad in ["", "!", "data:image/png,aGk=", "data:;base64,", "a"] {
            assert_eq!(decode_file(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
