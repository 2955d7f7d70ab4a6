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
    LENIENT.decode(text.trim()).ok().filter(|bytes| !bytes.is_empty()).map(Bytes::from)
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
        for bad in ["", "!", "data:image/png,aGk=", "a"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(encode(b"hi"), "aGk=");
    }
}
