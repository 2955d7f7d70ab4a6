//! A response that passes by, as official SDKs can read it.
//!
//! SDKs append to the text, the arguments and the lists that an item begins with, and walk through the lists of a whole one, without asking
//! whether they are there. OpenAI sends them even when they are empty, as its published schema requires; Ark and others leave them out
//! (`providers.md` sections 5.2 and 7.3). Only those are put in: every other byte stays as it came, and what can't be read passes by.

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

use crate::json::splice::{Edit, spliced};
use crate::json::{JsonError, Scanner, Sort};

/// The members that hold items and parts. Within a text their quotes would be escaped.
static HOLDERS: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| ["\"item\"", "\"part\"", "\"response\""].map(Finder::new));

/// The end of the types of events that begin something.
static ADDED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(".added\""));

/// A member that is owed, and its value where it is absent.
type Owed = (&'static str, &'static str);

/// An event as it should be; none if it is so.
pub(super) fn mended_event(data: &[u8]) -> Option<Bytes> {
    if HOLDERS.iter().all(|finder| finder.find(data).is_none()) {
        return None;
    }
    let mut mender = Mender { begins: ADDED.find(data).is_some(), edits: Vec::new() };
    mender.mend(data, |mender, scanner| {
        scanner.object(|scanner, key| match (&*key, scanner.peek()?) {
            ("item" | "part", Sort::Object) => mender.thing(scanner),
            ("response", Sort::Object) => mender.response(scanner),
            (_other, _) => scanner.skip().map(drop),
        })
    })
}

/// A whole response as it should be; none if it is so.
pub(crate) fn mended_answer(body: &[u8]) -> Option<Bytes> {
    Mender { begins: false, edits: Vec::new() }.mend(body, Mender::response)
}

struct Mender {
    /// Whether what is read begins now: its text is still to come.
    begins: bool,
    edits: Vec<Edit>,
}

impl Mender {
    fn mend(&mut self, data: &[u8], read: impl FnOnce(&mut Self, &mut Scanner<'_>) -> Result<(), JsonError>) -> Option<Bytes> {
        let text = std::str::from_utf8(data).ok()?;
        read(self, &mut Scanner::new(text)).ok()?;
        let edits = std::mem::take(&mut self.edits);
        (!edits.is_empty()).then(|| spliced(data, edits))
    }

    fn response(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.object(|scanner, key| match (&*key, scanner.peek()?) {
            ("output", Sort::Array) => self.things(scanner),
            (_other, _) => scanner.skip().map(drop),
        })
    }

    fn things(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.array(|scanner, _| match scanner.peek()? {
            Sort::Object => self.thing(scanner),
            _other => scanner.skip().map(drop),
        })
    }

    /// An item, or a part of one.
    fn thing(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        let inside = scanner.position() + 1;
        let (mut kind, mut members) = (Cow::default(), Vec::new());
        scanner.object(|scanner, key| {
            let null = match (&*key, scanner.peek()?) {
                ("type", Sort::String) => {
                    let span = scanner.skip()?;
                    kind = scanner.unescaped(&span)?;
                    None
                }
                ("content" | "summary", Sort::Array) => {
                    self.things(scanner)?;
                    None
                }
                (_other, Sort::Null) => Some(scanner.skip()?),
                (_other, _) => scanner.skip().map(|_| None)?,
            };
            members.push((key, null));
            Ok::<(), JsonError>(())
        })?;
        for (name, value) in owed(&kind, self.begins) {
            match members.iter().find(|(key, _)| key == name) {
                Some((_, None)) => {}
                Some((_, Some(null))) => self.edits.push(Edit { at: null.clone(), with: Bytes::from_static(value.as_bytes()) }),
                // It has a type: it is not empty.
                None => self.edits.push(Edit { at: inside..inside, with: Bytes::from(format!("\"{name}\":{value},")) }),
            }
        }
        Ok(())
    }
}

/// What SDKs take for granted in an item or a part.
fn owed(kind: &str, begins: bool) -> &'static [Owed] {
    match kind {
        "message" => &[("content", "[]")],
        "function_call" if begins => &[("arguments", "\"\"")],
        "function_call" => &[("arguments", "\"{}\"")],
        "custom_tool_call" => &[("input", "\"\"")],
        "reasoning" => &[("summary", "[]")],
        "output_text" => &[("text", "\"\""), ("annotations", "[]")],
        "refusal" => &[("refusal", "\"\"")],
        "summary_text" | "reasoning_text" => &[("text", "\"\"")],
        _other => &[],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `=` says that it passes as it is.
    fn check(sent: &str, expected: &str) {
        let mended = mended_event(sent.as_bytes());
        assert_eq!(mended, (expected != "=").then(|| Bytes::copy_from_slice(expected.as_bytes())), "{sent}");
    }

    #[test]
    fn what_sdks_append_to_is_there() {
        check(
            r#"{"type":"response.output_item.added","item":{"type":"message","role":"assistant","id":"m"}}"#,
            r#"{"type":"response.output_item.added","item":{"content":[],"type":"message","role":"assistant","id":"m"}}"#,
        );
        check(
            r#"{"item": {"name":"f","arguments":null,"type":"function_call"},"type":"response.output_item.added"}"#,
            r#"{"item": {"name":"f","arguments":"","type":"function_call"},"type":"response.output_item.added"}"#,
        );
        check(
            r#"{"type":"response.output_item.added","item":{"type":"reasoning","id":"r"}}"#,
            r#"{"type":"response.output_item.added","item":{"summary":[],"type":"reasoning","id":"r"}}"#,
        );
        check(
            r#"{"type":"response.content_part.added","part":{"type":"output_text"}}"#,
            r#"{"type":"response.content_part.added","part":{"text":"","annotations":[],"type":"output_text"}}"#,
        );
        check(
            r#"{"type":"response.reasoning_summary_part.added","part":{"type":"summary_text"}}"#,
            r#"{"type":"response.reasoning_summary_part.added","part":{"text":"","type":"summary_text"}}"#,
        );
    }

    #[test]
    fn whole_items_have_their_lists() {
        let output = r#"[{"type":"message","content":[{"type":"output_text","text":"a"}]},{"type":"function_call","name":"f"}]"#;
        let whole = r#"[{"type":"message","content":[{"annotations":[],"type":"output_text","text":"a"}]},{"arguments":"{}","type":"function_call","name":"f"}]"#;
        check(
            &format!(r#"{{"type":"response.completed","response":{{"id":"r","output":{output}}}}}"#),
            &format!(r#"{{"type":"response.completed","response":{{"id":"r","output":{whole}}}}}"#),
        );
        let mended = mended_answer(format!(r#"{{"id":"r","output":{output}}}"#).as_bytes());
        assert_eq!(mended, Some(Bytes::from(format!(r#"{{"id":"r","output":{whole}}}"#))));
        assert_eq!(mended_answer(format!(r#"{{"id":"r","output":{whole}}}"#).as_bytes()), None);
    }

    #[test]
    fn what_is_right_or_unknown_passes_as_it_is() {
        check(r#"{"type":"response.output_text.delta","delta":"\"item\""}"#, "=");
        check(r#"{"type":"response.output_item.added","item":{"type":"message","content":[]}}"#, "=");
        check(r#"{"type":"response.output_item.added","item":{"type":"web_search_call","id":"w"}}"#, "=");
        check(r#"{"type":"response.created","response":{"id":"r","output":null}}"#, "=");
        check(r#"{"item":"#, "=");
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_mended_needs_no_mending(at in 0_usize..200, byte in any::<u8>()) {
            let mut event = br#"{"type":"response.output_item.done","item":{"type":"message","content":[{"type":"output_text"},{"type":"refusal","refusal":null}]}}"#.to_vec();
            let at = at % event.len();
            event[at] = byte;
            if let Some(mended) = mended_event(&event) {
                prop_assert_eq!(mended_event(&mended), None);
            }
        }
    }
}
