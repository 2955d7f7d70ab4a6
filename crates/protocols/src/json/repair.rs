//! Text of upstreams that is JSON but for its characters.
//!
//! Servers that cut an answer between tokens may cut inside a character: then half of it stands in the text, as bytes that are no UTF-8 or
//! as one escape of a surrogate pair. Most parsers take that (Python's, JavaScript's), ours doesn't. What is broken becomes U+FFFD, the rest
//! stays as it came.

use std::borrow::Cow;
use std::ops::Range;

/// Stands for what can't be read.
const REPLACEMENT: &str = "\\ufffd";

/// The text with its broken characters replaced; none if it has no such.
#[must_use]
pub fn repaired(data: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(data);
    let lone = lone_surrogates(text.as_bytes());
    if lone.is_empty() {
        return match text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text.into_bytes()),
        };
    }
    let (mut out, mut from) = (Vec::with_capacity(text.len()), 0);
    for span in lone {
        // An escape is as long as its replacement, and both are ASCII.
        out.extend_from_slice(text.as_bytes().get(from..span.start).unwrap_or_default());
        out.extend_from_slice(REPLACEMENT.as_bytes());
        from = span.end;
    }
    out.extend_from_slice(text.as_bytes().get(from..).unwrap_or_default());
    Some(out)
}

/// Where escapes of half a pair lie.
fn lone_surrogates(text: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(next) = text.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += next;
        match unit(text, at) {
            // A pair.
            Some(0xd800..=0xdbff) if matches!(unit(text, at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                found.push(at..at + 6);
                at += 6;
            }
            Some(_) => at += 6,
            // Another escape: what it escapes may be a backslash.
            None => at += 2,
        }
    }
    found
}

/// The UTF-16 unit that the escape at `at` means, if there is one.
fn unit(text: &[u8], at: usize) -> Option<u16> {
    let hex = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(data: &[u8], expected: Option<&str>) {
        assert_eq!(repaired(data).map(|bytes| String::from_utf8(bytes).unwrap()).as_deref(), expected);
    }

    #[test]
    fn only_half_characters_are_replaced() {
        check(br#"{"a":"x"}"#, None);
        check(br#""\ud83d\ude00 \u00e9 \n""#, None);
        check(br#""a\ud83d""#, Some(r#""a\ufffd""#));
        check(br#""\ude00\ud83d\ud83d\uDE00""#, Some(r#""\ufffd\ufffd\ud83d\uDE00""#));
        check(br#""a backslash and a word: \\ud83d""#, None);
        check(br#""\ud83"#, None);
        check(b"\"a\xf0\x9f\"", Some("\"a\u{fffd}\""));
    }

    proptest! {
        #[test]
        fn any_string_with_any_escapes_is_json_then(units in prop::collection::vec(prop_oneof![0xd800..0xe000_u16, any::<u16>()], 0..20)) {
            let text: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let text = format!("\"{text}\"");
            let readable = repaired(text.as_bytes()).unwrap_or_else(|| text.into_bytes());
            prop_assert!(serde_json::from_slice::<String>(&readable).is_ok());
            prop_assert_eq!(repaired(&readable), None);
        }
    }
}
