//! A chat that passes by, as official SDKs can read it.
//!
//! OpenAI numbers the calls of an answer from 0 without a gap, says the number in every fragment, and id and name in the first alone. SDKs
//! build lists by these numbers and join what is repeated: they raise on a gap, and make one call of two that share a number. Compatible
//! upstreams count from 1, leave the number out, give all calls the same one, repeat id and name, have no id, or send arguments as the object
//! itself (`providers.md` section 4.1). Mistral's models that reason have a list of parts where SDKs join text. Only that is put right, and
//! only where it is wrong: every other byte stays as it came, and what can't be read passes by.

mod call;
mod content;

use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

pub(super) use self::call::Calls;
use self::call::Fragment;
use self::content::Parts;
use crate::json::splice::{Edit, spliced};
use crate::json::{JsonError, Scanner, Sort};

static TOOL_CALLS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"tool_calls\""));

static CONTENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"content\""));

/// What may have to be put right in a chunk or an answer.
#[derive(Debug, Default)]
struct Found {
    /// The answer's id.
    answer: Option<String>,
    /// The calls of the first choice. Those of further choices are told apart by nobody here: they pass as they come.
    calls: Vec<Fragment>,
    parts: Vec<Parts>,
}

/// A chunk as it should be; none if it is so.
pub(super) fn mended_chunk(calls: &mut Calls, data: &[u8]) -> Option<Bytes> {
    mended(data, "delta", |fragment, answer, edits| calls.mend(fragment, answer, edits))
}

/// A whole answer as it should be; none if it is so.
pub(crate) fn mended_answer(body: &[u8]) -> Option<Bytes> {
    let mut at = 0;
    mended(body, "message", |fragment, answer, edits| {
        fragment.mend_whole(at, answer, edits);
        at += 1;
    })
}

/// `holder` is the member of a choice in which what was said lies.
fn mended(data: &[u8], holder: &str, mut mend_call: impl FnMut(Fragment, Option<&str>, &mut Vec<Edit>)) -> Option<Bytes> {
    if TOOL_CALLS.find(data).is_none() && !has_list_of_content(data) {
        return None;
    }
    let text = std::str::from_utf8(data).ok()?;
    let found = Found::read(text, holder).ok()?;
    let mut edits: Vec<Edit> = found.parts.iter().filter_map(|parts| parts.as_text(text)).collect();
    for fragment in found.calls {
        edits.extend(fragment.object_as_text(text));
        mend_call(fragment, found.answer.as_deref(), &mut edits);
    }
    (!edits.is_empty()).then(|| spliced(data, edits))
}

/// Whether a member `content` may hold a list. A key inside text has its quotes escaped, so it does not match.
fn has_list_of_content(data: &[u8]) -> bool {
    CONTENT.find_iter(data).any(|at| {
        let value = data[at + CONTENT.needle().len()..].trim_ascii_start().strip_prefix(b":");
        value.is_some_and(|value| value.trim_ascii_start().starts_with(b"["))
    })
}

impl Found {
    fn read(text: &str, holder: &str) -> Result<Self, JsonError> {
        let mut found = Self::default();
        Scanner::new(text).object(|scanner, key| match (&*key, scanner.peek()?) {
            ("id", Sort::String) => string(scanner).map(|(_, id)| found.answer = Some(id)),
            ("choices", Sort::Array) => scanner.array(|scanner, _| found.choice(scanner, holder)),
            (_other, _) => scanner.skip().map(drop),
        })?;
        Ok(found)
    }

    fn choice(&mut self, scanner: &mut Scanner<'_>, holder: &str) -> Result<(), JsonError> {
        if scanner.peek()? != Sort::Object {
            return scanner.skip().map(drop);
        }
        let (mut is_first, mut calls) = (true, Vec::new());
        scanner.object(|scanner, key| match (&*key, scanner.peek()?) {
            ("index", Sort::Number) => number(scanner).map(|(_, index)| is_first = index == Some(0)),
            (name, Sort::Object) if name == holder => self.said(scanner, &mut calls),
            (_other, _) => scanner.skip().map(drop),
        })?;
        if is_first {
            self.calls.append(&mut calls);
        }
        Ok(())
    }

    fn said(&mut self, scanner: &mut Scanner<'_>, calls: &mut Vec<Fragment>) -> Result<(), JsonError> {
        let (mut list, mut has_reasoning) = (None, false);
        scanner.object(|scanner, key| match (&*key, scanner.peek()?) {
            ("tool_calls", Sort::Array) => scanner.array(|scanner, _| {
                calls.extend(Fragment::read(scanner)?);
                Ok(())
            }),
            ("content", Sort::Array) => scanner.skip().map(|at| list = Some(at)),
            ("reasoning_content", _) => scanner.skip().map(|_| has_reasoning = true),
            (_other, _) => scanner.skip().map(drop),
        })?;
        self.parts.extend(list.map(|at| Parts { at, has_reasoning }));
        Ok(())
    }
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
mod tests;
