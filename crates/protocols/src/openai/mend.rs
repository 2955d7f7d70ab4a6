//! The tool calls of a chat that passes by, as official SDKs can put them together.
//!
//! OpenAI numbers the calls of an answer from 0 without a gap, says the number in every fragment, and id and name in the first alone. SDKs
//! build lists by these numbers and join what is repeated: they raise on a gap, and make one call of two that share a number. Compatible
//! upstreams count from 1, leave the number out, give all calls the same one, repeat id and name, have no id, or send arguments as the object
//! itself (`providers.md` section 4.1). Only that is put right, and only where it is wrong: every other byte stays as it came, and what
//! can't be read passes by.

use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

use crate::json::{JsonError, Scanner, Sort};

static TOOL_CALLS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"tool_calls\""));

/// Calls of one answer that are told apart. No model makes so many; beyond them fragments pass as they come.
const MAX_CALLS: usize = 1024;

/// What is kept of an answer's id in the ids of calls that have none: OpenAI takes 40 characters.
const SEED: usize = 24;

/// The calls of one stream.
#[derive(Debug, Default)]
pub(super) struct Calls {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    index: Option<u64>,
    id: Option<String>,
    named: bool,
}

/// A fragment of a call, and where in the chunk its members lie.
#[derive(Debug, Default)]
struct Fragment {
    /// Right behind its `{`.
    inside: usize,
    is_empty: bool,
    index: Option<(Range<usize>, Option<u64>)>,
    id: Option<(Range<usize>, String)>,
    name: Option<(Range<usize>, bool)>,
    /// Arguments that are an object.
    object: Option<Range<usize>>,
}

/// What stands in place of a span of the chunk.
type Edit = (Range<usize>, String);

impl Calls {
    /// The chunk as it should be; none if it is so.
    pub(super) fn mend(&mut self, data: &[u8]) -> Option<Bytes> {
        TOOL_CALLS.find(data)?;
        let text = std::str::from_utf8(data).ok()?;
        let (answer, fragments) = read(text, "delta").ok()?;
        let mut edits = Vec::new();
        for fragment in fragments {
            fragment.object_as_text(text, &mut edits);
            self.fragment(fragment, answer.as_deref(), &mut edits);
        }
        spliced(text, edits)
    }

    fn fragment(&mut self, fragment: Fragment, answer: Option<&str>, edits: &mut Vec<Edit>) {
        let id = fragment.id.as_ref().map(|(_, id)| id).filter(|id| !id.is_empty());
        let index = fragment.index.as_ref().and_then(|(_, index)| *index);
        let is_named = fragment.name.as_ref().is_some_and(|(_, is_named)| *is_named);
        let found = self.find(index, id, is_named);
        let at = found.unwrap_or(self.known.len());
        if at >= MAX_CALLS {
            return;
        }
        if index != Some(at as u64) {
            put(fragment.index.as_ref().map(|(span, _)| span), "index", &at.to_string(), &fragment, edits);
        }
        let Some(known) = self.known.get_mut(at) else {
            if id.is_none() && is_named {
                put(fragment.id.as_ref().map(|(span, _)| span), "id", &minted(answer, at), &fragment, edits);
            }
            self.known.push(Known { index, id: id.cloned(), named: is_named });
            return;
        };
        if let Some((span, _)) = fragment.id.as_ref().filter(|_| id.is_some() && known.id.is_some()) {
            edits.push((span.clone(), "\"\"".to_owned()));
        }
        if let Some((span, _)) = fragment.name.as_ref().filter(|_| is_named && known.named) {
            edits.push((span.clone(), "\"\"".to_owned()));
        }
        known.id = known.id.take().or_else(|| id.cloned());
        known.named |= is_named;
    }

    /// The call that a fragment goes on with; none if it begins another.
    fn find(&self, index: Option<u64>, id: Option<&String>, is_named: bool) -> Option<usize> {
        if let Some(id) = id {
            let known = self.known.iter().position(|known| known.id.as_ref() == Some(id));
            // An id that was never seen, with a name: another call, even under the same index.
            if known.is_some() || is_named {
                return known;
            }
        }
        let of_index = index.and_then(|index| self.known.iter().rposition(|known| known.index == Some(index)));
        let last = self.known.len().checked_sub(1);
        match index {
            Some(_) if is_named => of_index,
            None if is_named => None,
            Some(_) | None => of_index.or(last),
        }
    }
}

/// A whole answer as it should be; none if it is so.
pub(super) fn mended_answer(body: &[u8]) -> Option<Bytes> {
    TOOL_CALLS.find(body)?;
    let text = std::str::from_utf8(body).ok()?;
    let (answer, fragments) = read(text, "message").ok()?;
    let mut edits = Vec::new();
    for (at, fragment) in fragments.into_iter().enumerate().take(MAX_CALLS) {
        fragment.object_as_text(text, &mut edits);
        if fragment.name.is_some() && fragment.id.as_ref().is_none_or(|(_, id)| id.is_empty()) {
            put(fragment.id.as_ref().map(|(span, _)| span), "id", &minted(answer.as_deref(), at), &fragment, &mut edits);
        }
    }
    spliced(text, edits)
}

impl Fragment {
    fn object_as_text(&self, text: &str, edits: &mut Vec<Edit>) {
        let Some(span) = &self.object else { return };
        if let Some(quoted) = text.get(span.clone()).and_then(|object| serde_json::to_string(object).ok()) {
            edits.push((span.clone(), quoted));
        }
    }
}

/// Puts a member in place of another value, or before all others.
fn put(span: Option<&Range<usize>>, name: &str, value: &str, fragment: &Fragment, edits: &mut Vec<Edit>) {
    edits.push(match span {
        Some(span) => (span.clone(), value.to_owned()),
        None => {
            let comma = if fragment.is_empty { "" } else { "," };
            (fragment.inside..fragment.inside, format!("\"{name}\":{value}{comma}"))
        }
    });
}

/// An id for a call that has none, in its quotes: of the answer's own, which is unique.
fn minted(answer: Option<&str>, at: usize) -> String {
    let letters: String = answer.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    // ASCII alone is left: every place is a boundary.
    let seed = letters.get(letters.len().saturating_sub(SEED)..).unwrap_or_default();
    format!("\"call_{seed}_{at}\"")
}

fn spliced(text: &str, mut edits: Vec<Edit>) -> Option<Bytes> {
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = String::with_capacity(text.len() + edits.iter().map(|(_, value)| value.len()).sum::<usize>());
    let mut from = 0;
    for (span, value) in &edits {
        out.push_str(text.get(from..span.start).unwrap_or_default());
        out.push_str(value);
        from = span.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Some(Bytes::from(out))
}

/// The answer's id, and the calls of the first choice; `holder` is the member of a choice in which they lie.
fn read(text: &str, holder: &str) -> Result<(Option<String>, Vec<Fragment>), JsonError> {
    let (mut answer, mut fragments) = (None, Vec::new());
    Scanner::new(text).object(|scanner, key| match (&*key, scanner.peek()?) {
        ("id", Sort::String) => string(scanner).map(|(_, id)| answer = Some(id)),
        ("choices", Sort::Array) => scanner.array(|scanner, _| choice(scanner, holder, &mut fragments)),
        (_other, _) => scanner.skip().map(drop),
    })?;
    Ok((answer, fragments))
}

/// Calls of further choices are told apart by nobody here: they pass as they come.
fn choice(scanner: &mut Scanner<'_>, holder: &str, into: &mut Vec<Fragment>) -> Result<(), JsonError> {
    if scanner.peek()? != Sort::Object {
        return scanner.skip().map(drop);
    }
    let (mut is_first, mut fragments) = (true, Vec::new());
    scanner.object(|scanner, key| match (&*key, scanner.peek()?) {
        ("index", Sort::Number) => number(scanner).map(|(_, index)| is_first = index == Some(0)),
        (name, Sort::Object) if name == holder => scanner.object(|scanner, key| {
            if key != "tool_calls" || scanner.peek()? != Sort::Array {
                return scanner.skip().map(drop);
            }
            scanner.array(|scanner, _| call(scanner, &mut fragments))
        }),
        (_other, _) => scanner.skip().map(drop),
    })?;
    if is_first {
        into.append(&mut fragments);
    }
    Ok(())
}

fn call(scanner: &mut Scanner<'_>, into: &mut Vec<Fragment>) -> Result<(), JsonError> {
    if scanner.peek()? != Sort::Object {
        return scanner.skip().map(drop);
    }
    let mut fragment = Fragment { inside: scanner.position() + 1, is_empty: true, ..Fragment::default() };
    scanner.object(|scanner, key| {
        fragment.is_empty = false;
        match (&*key, scanner.peek()?) {
            ("index", _) => number(scanner).map(|found| fragment.index = Some(found)),
            ("id", _) => string(scanner).map(|found| fragment.id = Some(found)),
            ("function" | "custom", Sort::Object) => scanner.object(|scanner, key| match (&*key, scanner.peek()?) {
                ("name", _) => string(scanner).map(|(span, name)| fragment.name = Some((span, !name.is_empty()))),
                ("arguments", Sort::Object) => scanner.skip().map(|span| fragment.object = Some(span)),
                (_other, _) => scanner.skip().map(drop),
            }),
            (_other, _) => scanner.skip().map(drop),
        }
    })?;
    into.push(fragment);
    Ok(())
}

/// Where a value lies, and its text if it has one.
fn string(scanner: &mut Scanner<'_>) -> Result<(Range<usize>, String), JsonError> {
    let is_string = scanner.peek()? == Sort::String;
    let span = scanner.skip()?;
    let text = if is_string { scanner.unescaped(&span)?.into_owned() } else { String::new() };
    Ok((span, text))
}

/// Where a value lies, and the number if it is one.
fn number(scanner: &mut Scanner<'_>) -> Result<(Range<usize>, Option<u64>), JsonError> {
    let span = scanner.skip()?;
    let number = scanner.slice(&span).parse().ok();
    Ok((span, number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Calls of one stream, chunk by chunk; `=` says that a chunk passes as it is.
    fn check(chunks: &[(&str, &str)]) {
        let mut calls = Calls::default();
        for (sent, expected) in chunks {
            let whole = |calls: &str| {
                format!(r#"{{"id":"chatcmpl-7","choices":[{{"index":0,"delta":{{"tool_calls":{calls}}},"finish_reason":null}}],"x":1.0}}"#)
            };
            let mended = calls.mend(whole(sent).as_bytes()).map(|data| String::from_utf8(data.to_vec()).unwrap());
            assert_eq!(mended, (*expected != "=").then(|| whole(expected)), "{sent}");
        }
    }

    #[test]
    fn what_is_right_passes_as_it_is() {
        check(&[
            (r#"[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]"#, "="),
            (r#"[{"index":0,"function":{"arguments":"{"}}]"#, "="),
            (r#"[{"index":1,"id":"b","type":"function","function":{"name":"f","arguments":""}}]"#, "="),
            (r#"[{"index":0,"function":{"arguments":"}"}},{"index":1,"id":"","function":{"name":null,"arguments":"{}"}}]"#, "="),
            ("null", "="),
            ("[]", "="),
        ]);
        assert_eq!(Calls::default().mend(br#"{"choices":[{"delta":{"content":"\"tool_calls\""}}]}"#), None);
    }

    #[test]
    fn numbers_count_from_zero_without_a_gap() {
        check(&[
            (r#"[{"index":1,"id":"a","function":{"name":"f"}}]"#, r#"[{"index":0,"id":"a","function":{"name":"f"}}]"#),
            (r#"[{"index":1,"function":{"arguments":"{}"}}]"#, r#"[{"index":0,"function":{"arguments":"{}"}}]"#),
            (r#"[{"index":4,"id":"b","function":{"name":"f"}}]"#, r#"[{"index":1,"id":"b","function":{"name":"f"}}]"#),
            (r#"[{"index":4,"function":{"arguments":"{}"}}]"#, r#"[{"index":1,"function":{"arguments":"{}"}}]"#),
        ]);
    }

    #[test]
    fn numbers_that_are_missing_or_shared_are_put_in() {
        check(&[
            (r#"[{"id":"a","function":{"name":"f"}}]"#, r#"[{"index":0,"id":"a","function":{"name":"f"}}]"#),
            (r#"[{"index":null,"function":{"arguments":"{}"}}]"#, r#"[{"index":0,"function":{"arguments":"{}"}}]"#),
            (r#"[{}]"#, r#"[{"index":0}]"#),
        ]);
        check(&[
            (r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]"#, "="),
            (
                r#"[{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}]"#,
                r#"[{"index":1,"id":"b","function":{"name":"f","arguments":"{}"}}]"#,
            ),
        ]);
    }

    #[test]
    fn ids_and_names_are_said_once() {
        check(&[
            (r#"[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]"#, "="),
            (
                r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
                r#"[{"index":0,"id":"","function":{"name":"","arguments":"{}"}}]"#,
            ),
        ]);
        check(&[(r#"[{"index":0,"function":{"name":"f"}}]"#, r#"[{"id":"call_chatcmpl7_0","index":0,"function":{"name":"f"}}]"#)]);
        check(&[(r#"[{"function":{"name":"f"}}]"#, r#"[{"index":0,"id":"call_chatcmpl7_0","function":{"name":"f"}}]"#)]);
    }

    #[test]
    fn arguments_are_text() {
        check(&[(
            r#"[{"index":0,"id":"a","function":{"name":"f","arguments":{"city": "Zürich"}}}]"#,
            r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"city\": \"Zürich\"}"}}]"#,
        )]);
    }

    #[test]
    fn calls_of_a_whole_answer_have_ids_and_text_too() {
        let whole =
            |calls: &str| format!(r#"{{"id":"x-7","choices":[{{"message":{{"content":null,"tool_calls":{calls}}}}}],"usage":null}}"#);
        let mended = |calls: &str| mended_answer(whole(calls).as_bytes()).map(|data| String::from_utf8(data.to_vec()).unwrap());
        assert_eq!(mended(r#"[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]"#), None);
        assert_eq!(mended("null"), None);
        assert_eq!(
            mended(r#"[{"function":{"name":"f","arguments":{}}},{"id":null,"function":{"name":"f","arguments":""}}]"#),
            Some(whole(
                r#"[{"id":"call_x7_0","function":{"name":"f","arguments":"{}"}},{"id":"call_x7_1","function":{"name":"f","arguments":""}}]"#
            ))
        );
    }

    #[test]
    fn further_choices_pass_as_they_come() {
        let chunk = br#"{"choices":[{"index":1,"delta":{"tool_calls":[{"index":3,"id":"a","function":{"name":"f"}}]}}]}"#;
        assert_eq!(Calls::default().mend(chunk), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_a_mended_chunk_needs_no_mending(at in 0_usize..200, byte in any::<u8>()) {
            let mut chunk = br#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"id":"a","function":{"name":"f"}},{"index":7,"function":{"name":"g","arguments":"{}"}}]}}]}"#.to_vec();
            let at = at % chunk.len();
            chunk[at] = byte;
            if let Some(mended) = Calls::default().mend(&chunk) {
                prop_assert_eq!(Calls::default().mend(&mended), None);
            }
        }
    }
}
