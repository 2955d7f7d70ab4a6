//! Files as base64 inside JSON.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

/// Padded or not: not every upstream pads.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// The bytes of a text that should be base64, with `data:…;base64,` before it or not; none if it holds none.
pub(crate) fn decode(text: &str) -> Option<Bytes> {
    let text = match text.strip_prefix("data:") {
        Some(url) => url.split_once(";base64,")?.1,
        None => text,
    };
    // Broken into lines as in mails, or in the alphabet for URLs as Google's own types write it.
    let is_plain = |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'-' | b'_');
    let bytes = if text.bytes().all(|byte| is_plain(&byte)) {
        LENIENT.decode(text)
    } else {
        let standard = |letter| match letter {
            '-' => '+',
            '_' => '/',
            other => other,
        };
        LENIENT.decode(text.chars().filter(|letter| !letter.is_ascii_whitespace()).map(standard).collect::<String>())
    };
    bytes.ok().filter(|bytes| !bytes.is_empty()).map(Bytes::from)
}

/// Padded base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    LENIENT.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_with_and_without_padding_and_as_a_data_url() {
        for text in ["aGk=", "aGk", " aGk=\n", "data:image/png;base64,aGk="] {
            assert_eq!(decode(text).as_deref(), Some(b"hi".as_slice()), "{text}");
        }
        for text in ["-__-", "-_\r\n_-\n", "data:;base64,+//+"] {
            assert_eq!(decode(text).as_deref(), Some(b"\xfb\xff\xfe".as_slice()), "{text}");
        }
        for bad in ["", "!", "data:image/png,aGk=", "a"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(encode(b"hi"), "aGk=");
    }
}
